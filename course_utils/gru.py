"""Gated recurrent units, forward and backward by hand (section 11.6; Cho et al., 2014).

    r_t = σ(W_xr x_t + W_hr h_{t−1} + b_r)                      reset: how much of the state the candidate sees
    z_t = σ(W_xz x_t + W_hz h_{t−1} + b_z)                      update: how much of the state stays
    n_t = tanh(W_xn x_t + b_xn + r_t (W_hn h_{t−1} + b_hn))     reset after the product, as cuDNN and torch have it
    n_t = tanh(W_xn x_t + b_xn + W_hn (r_t h_{t−1}) + b_hn)     reset before it, as in Cho et al.
    h_t = (1 − z_t) n_t + z_t h_{t−1}

Papers differ about which of z and 1 − z keeps the state; here it is z, as in torch. The three blocks of rows are r, z, n.
Each gate has two biases, as in torch: those of r and z could be one, but where the reset comes after the product, b_hn is
inside of what it multiplies. Arrays are those of :mod:`course_utils.gated`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.activations import activate
from course_utils.gated import (
    TORCH_NAMES,
    Gated,
    Gradients,
    as_batch,
    batched,
    compiled_pass,
    derivatives,
    flat,
    of_all_steps,
    random_weights,
    read_torch,
    started,
    unbatched,
)

Reset = Literal["before", "after"]


@dataclass(frozen=True, eq=False)
class GRU(Gated):
    """The numbers of a GRU with D inputs and H units.

    Attributes
    ----------
    W_x, W_h
        (3H, D) and (3H, H): into reset gate, update gate and candidate, from the inputs and from the state before.
    b_x, b_h
        (3H,) biases beside each of them.
    reset
        "after" or "before" the product with the state.

    Raises
    ------
    ValueError
        The shapes do not go together, a number is not finite, or there is no such convention.
    """

    W_x: NDArray
    W_h: NDArray
    b_x: NDArray
    b_h: NDArray
    reset: Reset = "after"

    def __post_init__(self):
        if self.reset not in ("before", "after"):
            raise ValueError(f"reset is {self.reset!r}; choose 'before' or 'after'")
        for name in ("b_x", "b_h"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is None; it must be (3 H,)")
        self._settle(3, {"b_x": lambda H: (3 * H,), "b_h": lambda H: (3 * H,)})


def parameter_count(D: int, H: int) -> int:
    """Count the numbers of a GRU: 3 H (D + H + 2), as in torch."""
    return 3 * H * (D + H + 2)


def random_gru(
    rng: np.random.Generator, D: int, H: int, scale: float = 1.0, update_bias: float = 0.0, reset: Reset = "after"
) -> GRU:
    """Draw a GRU: weights normal with standard deviation scale / √(number of their inputs), biases zero.

    All but that of the update gate, which may begin by keeping the state.

    Raises
    ------
    ValueError
        A size is not an integer from 1 on, or the scale is negative.
    """
    W_x, W_h = random_weights(rng, 3, D, H, scale)
    return GRU(W_x, W_h, np.repeat([0.0, update_bias, 0.0], H), np.zeros(3 * H), reset)


@dataclass(frozen=True, eq=False)
class GRUForward:
    """A GRU on a sequence.

    Attributes
    ----------
    x
        (T, D) or (T, B, D) inputs.
    gates
        (T, …, 3H) values of reset gate, update gate and candidate.
    seen
        (T, …, H) what the reset gate has to do with: W_hn h_{t−1} + b_hn, which it multiplies, where it comes after the
        product, and r_t h_{t−1} where it comes before.
    states
        (T + 1, …, H): the initial one and then that after every step.
    """

    x: NDArray
    gates: NDArray
    seen: NDArray
    states: NDArray

    @property
    def r(self) -> NDArray:
        """(T, …, H) reset gates."""
        return np.split(self.gates, 3, axis=-1)[0]

    @property
    def z(self) -> NDArray:
        """(T, …, H) update gates."""
        return np.split(self.gates, 3, axis=-1)[1]

    @property
    def n(self) -> NDArray:
        """(T, …, H) candidates."""
        return np.split(self.gates, 3, axis=-1)[2]

    @property
    def h(self) -> NDArray:
        """(T, …, H) the states h_0 … h_{T−1}."""
        return self.states[1:]


@np.errstate(under="ignore")
def forward(params: GRU, x: ArrayLike, h_0: ArrayLike | None = None) -> GRUForward:
    """Run a GRU over a whole sequence.

    Parameters
    ----------
    params
        The network.
    x
        (T, D), or (T, B, D) for a batch; T may be 0.
    h_0
        State to start from, (H,) or (B, H); zeros by default.

    Raises
    ------
    ValueError
        The shapes do not go together, or a number is not finite.
    """
    inputs, shape, H = as_batch(params, x), np.shape(x), params.H
    states = started(params, "h_0", h_0, shape)
    gates = of_all_steps(inputs, params.W_x.T)
    seen, from_state = np.empty_like(states[1:]), np.empty(gates.shape[1:], params.dtype)
    if params.reset == "after":
        step, b, b_hn = compiled_pass("gru_gates", gates.size) or gru_gates, params.b_x.copy(), params.b_h[2 * H :]
        b[: 2 * H] += params.b_h[: 2 * H]  # nothing comes between the two
        for t in range(len(gates)):
            np.matmul(states[t], params.W_h.T, out=from_state)
            step(gates[t], from_state, b, b_hn, states[t], seen[t], states[t + 1])
    else:
        W_rz, W_n = params.W_h[: 2 * H].T, params.W_h[2 * H :].T
        gates += params.b_x + params.b_h
        for t in range(len(gates)):
            rz, n = gates[t, :, : 2 * H], gates[t, :, 2 * H :]
            rz += states[t] @ W_rz
            activate("sigmoid", rz)
            np.multiply(rz[:, :H], states[t], out=seen[t])
            n += seen[t] @ W_n
            activate("tanh", n)
            states[t + 1] = n + rz[:, H:] * (states[t] - n)
    return GRUForward(*(unbatched(table, len(shape)) for table in (inputs, gates, seen, states)))


def gru_gates(gates, from_state, b, b_hn, h_before, seen, h) -> None:
    """Do one step of B sequences, with the reset after the product; write gates, seen and h.

    ``gates`` holds (B, 3H) W_x x and gets the values of the gates, ``from_state`` is (B, 3H) W_h h. ``b`` holds both biases
    of r and z, and that of the candidate beside W_x; the other one is ``b_hn``.
    """
    H = h.shape[-1]
    np.add(from_state[:, 2 * H :], b_hn, out=seen)
    gates += b
    rz, n = gates[:, : 2 * H], gates[:, 2 * H :]
    rz += from_state[:, : 2 * H]
    activate("sigmoid", rz)
    n += rz[:, :H] * seen
    activate("tanh", n)
    h[...] = n + rz[:, H:] * (h_before - n)


def step(params: GRU, x: ArrayLike, h: ArrayLike | None = None) -> NDArray:
    """Go one step, from (D,) or (B, D) inputs to the next state.

    Raises
    ------
    ValueError
        As in :func:`forward`.
    """
    return forward(params, np.asarray(x)[None], h).states[1]


@dataclass(frozen=True, eq=False)
class GRUBackward:
    """What back-propagation through time finds.

    Attributes
    ----------
    d_gates
        (T, …, 3H) derivative of the loss with respect to what goes into σ and tanh of r, z and n.
    d_states
        (T + 1, …, H) derivative of the whole loss with respect to every state, the initial one first.
    d_x
        (T, …, D).
    gradients
        Of W_x, W_h, b_x and b_h, summed over time and over the batch.
    """

    d_gates: NDArray
    d_states: NDArray
    d_x: NDArray
    gradients: Gradients

    @property
    def d_h_0(self) -> NDArray:
        """(…, H) derivative with respect to the initial state of every sequence."""
        return self.d_states[0]


@np.errstate(under="ignore")
def backward(params: GRU, result: GRUForward, d_states: ArrayLike) -> GRUBackward:
    """Back-propagate through time.

    Parameters
    ----------
    params, result
        The network, and what :func:`forward` found with it.
    d_states
        (T, …, H) derivative of the loss with respect to the states as it sees them itself.

    Raises
    ------
    ValueError
        The shapes do not go together, or a number is not finite.
    """
    ndim, H = result.x.ndim, params.H
    x, gates, seen, states = (batched(table, ndim) for table in (result.x, result.gates, result.seen, result.states))
    d_h, d_gates, d_from_state = np.zeros_like(states), np.empty_like(gates), np.empty_like(gates)
    d_h[1:] = batched(derivatives("d_states", d_states, result.h), ndim)
    through = np.empty_like(states[0])
    if params.reset == "after":
        step = compiled_pass("gru_gates_back", gates.size) or gru_gates_back
        for t in range(len(gates) - 1, -1, -1):
            step(d_h[t + 1], gates[t], states[t], seen[t], d_gates[t], d_from_state[t], d_h[t])
            np.matmul(d_from_state[t], params.W_h, out=through)
            d_h[t] += through
    else:
        W_rz, W_n = params.W_h[: 2 * H], params.W_h[2 * H :]
        for t in range(len(gates) - 1, -1, -1):
            (r, z, n), (d_r, d_z, d_n) = (np.split(g, 3, axis=-1) for g in (gates[t], d_gates[t]))
            d_n[...] = d_h[t + 1] * (1 - z) * (1 - n**2)
            d_seen = d_n @ W_n
            d_z[...] = d_h[t + 1] * (states[t] - n) * z * (1 - z)
            d_r[...] = d_seen * states[t] * r * (1 - r)
            d_h[t] += d_h[t + 1] * z + d_seen * r + d_gates[t, :, : 2 * H] @ W_rz
        d_from_state = d_gates
    gradients = _gradients(params, x, states[:-1], seen, d_gates, d_from_state)
    d_x = of_all_steps(d_gates, params.W_x)
    return GRUBackward(*(unbatched(table, ndim) for table in (d_gates, d_h, d_x)), gradients)


def gru_gates_back(d_h, gates, h_before, seen, d_gates, d_from_state, d_h_before) -> None:
    """Go one step back in B sequences; write d_gates and (B, 3H) d_from_state, and add to d_h_before what z keeps."""
    (r, z, n), (d_r, d_z, d_n) = (np.split(g, 3, axis=-1) for g in (gates, d_gates))
    d_n[...] = d_h * (1 - z) * (1 - n**2)
    d_z[...] = d_h * (h_before - n) * z * (1 - z)
    d_r[...] = d_n * seen * r * (1 - r)
    d_from_state[...] = d_gates
    d_from_state[:, 2 * r.shape[-1] :] *= r
    d_h_before += d_h * z


def _gradients(params, x, h_before, seen, d_gates, d_from_state) -> Gradients:
    """Sum what every step of every sequence adds, each as a single product."""
    H, d, back = params.H, flat(d_gates), flat(d_from_state)
    gradients = {"W_x": d.T @ flat(x), "b_x": d.sum(axis=0), "b_h": back.sum(axis=0)}
    if params.reset == "after":
        gradients["W_h"] = back.T @ flat(h_before)
    else:  # the candidate has seen r h
        gradients["W_h"] = np.concatenate([back[:, : 2 * H].T @ flat(h_before), back[:, 2 * H :].T @ flat(seen)])
    return gradients


def to_torch(params: GRU) -> Gradients:
    """Return the weights as the state of a ``torch.nn.GRU(D, H)``, whose gates have the same order.

    Raises
    ------
    ValueError
        The reset comes before the product, which torch has not.
    """
    if params.reset != "after":
        raise ValueError("torch's GRU resets after the product, and this one before: the two are not the same network")
    values = params.W_x, params.W_h, params.b_x, params.b_h
    return {name: value.copy() for name, value in zip(TORCH_NAMES, values, strict=True)}


def from_torch(weights: Mapping[str, ArrayLike]) -> GRU:
    """Return the network that has the weights of a ``torch.nn.GRU``; ``module.state_dict()`` gives them.

    Raises
    ------
    ValueError
        It has several layers, two directions or a projection, or the shapes do not go together.
    """
    return GRU(*read_torch(weights, 3))
