"""Recurrent networks: forward, back-propagation through time, truncation, both directions (chapters 3 to 5).

A state h_t is computed from the input x_t and the state before it, and gives logits o_t:

    z_t = W_xh x_t + W_hh h_{t−1} + b_h        h_t = φ(z_t)        o_t = W_hy h_t + b_y

Arrays are time-first, ``[t, b, d]`` for a batch of B sequences of one length and ``[t, d]`` for a single one; everything
counts from 0, and h_{−1} is the initial state. Derivatives of a loss with respect to a state are column vectors:
delta_t = dL/dh_t, in which all later losses are contained.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import (
    as_numbers,
    check_count,
    cross_entropy,
    cross_entropy_gradient,
    is_number,
    log_softmax,
    spread,
)

Activation = Literal["tanh", "relu", "sigmoid", "identity"]
PARAMETERS = ("W_xh", "W_hh", "b_h", "W_hy", "b_y", "h_init")
Gradients = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class RNN:
    """The numbers of a recurrent network with D inputs, H units and A outputs.

    Attributes
    ----------
    W_xh, W_hh, b_h
        (H, D), (H, H) and (H,): into the units from the inputs, from the units one step before, and their bias.
    W_hy, b_y
        (A, H) and (A,): into the outputs.
    h_init
        (H,) state before the first step, which may be learned as well; zeros by default.
    activation
        φ, one of "tanh", "relu", "sigmoid" and "identity".

    Raises
    ------
    ValueError
        The shapes do not go together, a number is not finite, or there is no such activation.
    """

    W_xh: NDArray[np.float64]
    W_hh: NDArray[np.float64]
    b_h: NDArray[np.float64]
    W_hy: NDArray[np.float64]
    b_y: NDArray[np.float64]
    h_init: NDArray[np.float64] = None
    activation: Activation = "tanh"

    def __post_init__(self):
        if self.activation not in ("tanh", "relu", "sigmoid", "identity"):
            raise ValueError(f"activation is {self.activation!r}; choose 'tanh', 'relu', 'sigmoid' or 'identity'")
        W_hh, W_xh, W_hy = (np.array(as_numbers(name, getattr(self, name))) for name in ("W_hh", "W_xh", "W_hy"))
        if W_hh.ndim != 2 or W_hh.shape[0] != W_hh.shape[1]:
            raise ValueError(f"W_hh has shape {W_hh.shape}; it must be square, one row and one column for each unit")
        H = len(W_hh)
        if W_xh.ndim != 2 or len(W_xh) != H:
            raise ValueError(f"W_xh has shape {W_xh.shape}; W_hh has {H} units, so it must be ({H}, inputs)")
        if W_hy.ndim != 2 or W_hy.shape[1] != H:
            raise ValueError(f"W_hy has shape {W_hy.shape}; W_hh has {H} units, so it must be (outputs, {H})")
        found = {"W_xh": W_xh, "W_hh": W_hh, "W_hy": W_hy}
        for name, size in (("b_h", H), ("b_y", len(W_hy)), ("h_init", H)):
            value = getattr(self, name)
            found[name] = np.zeros(size) if value is None else np.array(as_numbers(name, value))
            if found[name].shape != (size,):
                raise ValueError(f"{name} has shape {found[name].shape}; it must be ({size},)")
        for name, value in found.items():
            if not np.isfinite(value).all():
                raise ValueError(f"{name} has a number that is not finite")
            object.__setattr__(self, name, value)

    @property
    def parameters(self) -> Gradients:
        """All six by name, in the order of ``PARAMETERS``."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def with_parameters(self, **parameters: ArrayLike) -> "RNN":
        """Return a network with some of the parameters replaced."""
        return replace(self, **parameters)

    @property
    def count(self) -> int:
        """How many numbers the network has; that does not depend on the length of a sequence."""
        return sum(value.size for value in self.parameters.values())


def random_rnn(
    rng: np.random.Generator, D: int, H: int, A: int, activation: Activation = "tanh", scale: float = 1.0
) -> RNN:
    """Draw a network: weights normal with standard deviation scale / √(number of their inputs), biases zero.

    Raises
    ------
    ValueError
        A size is not an integer from 1 on, the scale is negative, or there is no such activation.
    """
    D, H, A = check_count("D", D, 1, "inputs"), check_count("H", H, 1, "units"), check_count("A", A, 1, "outputs")
    if not (is_number(scale) and scale >= 0):
        raise ValueError(f"scale is {scale!r}; it is a finite number, 0 or more")

    def weights(rows, columns):
        return rng.normal(0, scale / np.sqrt(columns), (rows, columns))

    return RNN(weights(H, D), weights(H, H), np.zeros(H), weights(A, H), np.zeros(A), activation=activation)


@dataclass(frozen=True, eq=False)
class Run:
    """A network on a sequence.

    Attributes
    ----------
    net
        The network.
    x
        (T, D) or (T, B, D) inputs.
    states
        (T + 1, …, H): the initial state and then the state after every step.
    logits
        (T, …, A).
    """

    net: RNN
    x: NDArray[np.float64]
    states: NDArray[np.float64]
    logits: NDArray[np.float64]

    @property
    def h(self) -> NDArray[np.float64]:
        """(T, …, H) the states h_0 … h_{T−1}."""
        return self.states[1:]

    @property
    def h_before(self) -> NDArray[np.float64]:
        """(T, …, H) the state that each step starts from, h_{−1} … h_{T−2}."""
        return self.states[:-1]

    @property
    @np.errstate(under="ignore")
    def z(self) -> NDArray[np.float64]:
        """(T, …, H) what goes into the activation."""
        return self.x @ self.net.W_xh.T + self.h_before @ self.net.W_hh.T + self.net.b_h

    @cached_property
    @np.errstate(under="ignore")
    def slope(self) -> NDArray[np.float64]:
        """(T, …, H) derivative of the activation at every unit; that of relu at 0 counts as 0."""
        return _slope(self.net.activation, self.h)

    @property
    @np.errstate(under="ignore")
    def y(self) -> NDArray[np.float64]:
        """(T, …, A) softmax of the logits."""
        return np.exp(log_softmax(self.logits))

    def losses(self, target: ArrayLike) -> NDArray[np.float64]:
        """Return the cross-entropy of every step, (T, …), in nats."""
        return cross_entropy(self.logits, target)

    @np.errstate(under="ignore")
    def jacobians(self) -> NDArray[np.float64]:
        """(T, …, H, H) dh_t / dh_{t−1} = diag(φ'(z_t)) W_hh, that of h_0 with respect to the initial state first."""
        return self.slope[..., None] * self.net.W_hh


@np.errstate(under="ignore")  # a product that is too small for a number is zero, here as everywhere below
def run(net: RNN, x: ArrayLike, h: ArrayLike | None = None) -> Run:
    """Run a network over a whole sequence.

    Parameters
    ----------
    net
        The network.
    x
        (T, D), or (T, B, D) for a batch; T may be 0.
    h
        State to start from, (H,) or (B, H), such as the last one of the chunk before. By default ``net.h_init``.

    Raises
    ------
    ValueError
        The shapes do not go together.
    """
    x = _check_inputs(net, x)
    H = len(net.W_hh)
    states = np.empty((len(x) + 1, *x.shape[1:-1], H))
    states[0] = net.h_init if h is None else _check_state(h, x, H)
    _product(x, net.W_xh.T, out=states[1:])
    from_state = np.empty(states.shape[1:])
    for before, now in pairwise(states):
        np.matmul(before, net.W_hh.T, out=from_state)
        from_state += net.b_h
        now += from_state
        _activate(net.activation, now)
    logits = _product(states[1:], net.W_hy.T)
    logits += net.b_y
    return Run(net, x, states, logits)


@np.errstate(under="ignore")
def step(net: RNN, h: ArrayLike, x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Go one step: from a state and an input to the next state and its logits. All that online inference needs.

    Parameters
    ----------
    net
        The network.
    h
        (H,) or (B, H) state so far; ``net.h_init`` before the first step.
    x
        (D,) or (B, D).

    Returns
    -------
    h, logits
        (H,) and (A,), or (B, H) and (B, A).

    Raises
    ------
    ValueError
        The shapes do not go together.
    """
    h, x = as_numbers("h", h), as_numbers("x", x)
    for name, value, size in (("h", h, len(net.W_hh)), ("x", x, net.W_xh.shape[1])):
        if value.ndim not in (1, 2) or value.shape[-1] != size:
            raise ValueError(f"{name} has shape {value.shape}; it must be ({size},) or (B, {size})")
    h = x @ net.W_xh.T + h @ net.W_hh.T + net.b_h
    _activate(net.activation, h)
    return h, h @ net.W_hy.T + net.b_y


@dataclass(frozen=True, eq=False)
class Backward:
    """What back-propagation through time finds (section 4.3).

    Attributes
    ----------
    run
        The forward run it belongs to.
    d_logits
        (T, …, A) derivative of the loss with respect to the logits, where it begins.
    dz
        (T, …, H) derivative of the whole loss with respect to z_t: delta × φ'(z_t).
    gradients
        Of all six parameters, summed over time and over the batch. That of h_init is the derivative with respect to
        the state that the run started from, whether that was ``net.h_init`` or was given.
    """

    run: Run
    d_logits: NDArray[np.float64]
    dz: NDArray[np.float64]
    gradients: Gradients

    @cached_property
    def delta(self) -> NDArray[np.float64]:
        """(T, …, H) derivative of the whole loss with respect to h_t."""
        return self.direct + self.future

    @property
    @np.errstate(under="ignore")
    def direct(self) -> NDArray[np.float64]:
        """(T, …, H) the part of delta that comes from the loss of the step itself."""
        return self.d_logits @ self.run.net.W_hy

    @property
    @np.errstate(under="ignore")
    def future(self) -> NDArray[np.float64]:
        """(T, …, H) the part of delta that comes from later losses, W_hhᵀ dz_{t+1}; zero at the last step."""
        future = np.zeros_like(self.dz)
        future[:-1] = self.dz[1:] @ self.run.net.W_hh
        return future

    @property
    @np.errstate(under="ignore")
    def d_x(self) -> NDArray[np.float64]:
        """(T, …, D) derivative of the loss with respect to the inputs."""
        return self.dz @ self.run.net.W_xh

    @np.errstate(under="ignore")
    def contributions(self, name: str) -> NDArray[np.float64]:
        """(T, …) what each step adds to the gradient of a parameter; with h_init, only step 0 does.

        Raises
        ------
        ValueError
            There is no such parameter.
        """
        return _contributions(name, self.run, self.dz, self.d_logits)


@np.errstate(under="ignore")
def backward(run: Run, d_logits: ArrayLike) -> Backward:
    """Back-propagate through time.

    Parameters
    ----------
    run
        From :func:`run`.
    d_logits
        (T, …, A) derivative of the loss with respect to the logits, zero where a step has no loss.
        :func:`course_utils.losses.cross_entropy_gradient` gives it for cross-entropy.

    Raises
    ------
    ValueError
        ``d_logits`` has another shape than the logits.
    """
    d_logits = _check_d_logits(run, d_logits)
    dz, h = d_logits @ run.net.W_hy, run.h  # at first, what comes from the loss of each step itself
    from_future, slope = np.empty(run.states.shape[1:]), np.empty(run.states.shape[1:])
    for t in range(len(dz) - 1, -1, -1):
        if t + 1 < len(dz):
            np.matmul(dz[t + 1], run.net.W_hh, out=from_future)
            dz[t] += from_future
        dz[t] *= _slope(run.net.activation, h[t], out=slope)
    initial = dz[0] @ run.net.W_hh if len(dz) else np.zeros_like(run.states[0])
    return Backward(run, d_logits, dz, _gradients(run, d_logits, dz, initial))


@np.errstate(under="ignore")
def loss_and_gradients(net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> tuple[float, Gradients]:
    """Weighted sum of the cross-entropies of all steps, and its gradient with respect to all six parameters.

    Parameters
    ----------
    net, x
        As in :func:`run`.
    target
        (T,) or (T, B) index of the right symbol.
    weights
        What each step counts, (T,), or as in :func:`course_utils.losses.spread`: 1 for a loss at every step; zeros
        and a one at the end to classify a sequence.
    """
    forward = run(net, x)
    losses = forward.losses(target)
    loss = float((spread(weights, losses.shape) * losses).sum())
    return loss, backward(forward, cross_entropy_gradient(forward.logits, target, weights)).gradients


@np.errstate(under="ignore")
def truncated_per_loss(run: Run, d_logits: ArrayLike, k: int) -> tuple[NDArray[np.float64], Gradients]:
    """Truncate back-propagation so that every loss reaches back k steps and no further (section 4.7).

    The loss of step t reaches h_t, h_{t−1}, …, h_{t−k}, the last one through k Jacobians. All losses go back one step
    together, so k steps take k passes: O(T k) time.

    Parameters
    ----------
    run, d_logits
        As in :func:`backward`.
    k
        Number of Jacobians that a loss may pass, from 0; from T − 1 on nothing but h_init is cut.

    Returns
    -------
    delta, gradients
        (T, …, H), and those of all six parameters.

    Raises
    ------
    ValueError
        ``k`` is negative or no integer.
    """
    k = check_count("k", k, 0)
    d_logits = _check_d_logits(run, d_logits)
    carried = np.zeros_like(run.states)  # what has come back to each state, the initial one first
    carried[1:] = d_logits @ run.net.W_hy
    total = carried.copy()
    for _ in range(min(k, len(run.x))):
        carried[:-1] = (carried[1:] * run.slope) @ run.net.W_hh
        carried[-1] = 0
        total += carried
    return total[1:], _gradients(run, d_logits, total[1:] * run.slope, total[0])


@np.errstate(under="ignore")
def truncated_by_chunks(run: Run, d_logits: ArrayLike, chunk: int) -> tuple[NDArray[np.float64], Gradients]:
    """Truncate back-propagation by detaching the state at the start of every chunk of steps (section 4.7).

    How far a loss reaches depends on where in its chunk it is. O(T) time.

    Parameters
    ----------
    run, d_logits
        As in :func:`backward`.
    chunk
        Steps in a chunk, from 1. The initial state belongs to the first one.

    Returns
    -------
    delta, gradients
        As in :func:`truncated_per_loss`.

    Raises
    ------
    ValueError
        ``chunk`` is below 1 or no integer.
    """
    chunk = check_count("chunk", chunk, 1)
    d_logits = _check_d_logits(run, d_logits)
    delta, dz = d_logits @ run.net.W_hy, np.empty_like(run.h)
    for t in range(len(delta) - 1, -1, -1):
        if t + 1 < len(delta) and (t + 1) % chunk:
            delta[t] += dz[t + 1] @ run.net.W_hh
        dz[t] = delta[t] * run.slope[t]
    initial = dz[0] @ run.net.W_hh if len(dz) else np.zeros_like(run.states[0])
    return delta, _gradients(run, d_logits, dz, initial)


@dataclass(frozen=True, eq=False)
class Checkpointed:
    """The gradient, and how many states were kept at most at one time to compute it."""

    loss: float
    gradients: Gradients
    states_kept: int


@np.errstate(under="ignore")
def checkpointed_gradients(
    net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0, every: int = 1
) -> Checkpointed:
    """Back-propagate with only every ``every``-th state kept; the others are computed again when they are needed.

    Everything is added up step by step in the same order whatever ``every`` is, so the result is the same to the
    last bit. With ``every`` near √T, about 2 √T states are kept instead of T + 1 (Chen et al., 2016, section 3).

    Parameters are those of :func:`loss_and_gradients`.

    Raises
    ------
    ValueError
        ``every`` is below 1 or no integer, or the shapes do not go together.
    """
    every = check_count("every", every, 1)
    x = _check_inputs(net, x)
    try:
        target = np.asarray(target)
    except ValueError as error:
        raise ValueError(f"target is not an array of symbols: {error}") from None
    if target.shape != x.shape[:-1]:
        raise ValueError(f"target has shape {target.shape}; x has {x.shape}, so it must be {x.shape[:-1]}")
    weights = spread(weights, target.shape)
    T, kept = len(x), {0: np.broadcast_to(net.h_init, (*x.shape[1:-1], len(net.W_hh)))}
    h = kept[0]
    for t in range(T - 1):
        h, _ = step(net, h, x[t])
        if (t + 1) % every == 0:
            kept[t + 1] = h
    gradients = {name: np.zeros_like(value) for name, value in net.parameters.items()}
    loss, from_future, most = 0.0, np.zeros(kept[0].shape), len(kept)
    for start in sorted(kept, reverse=True):
        stop = min(start + every, T)
        states, logits = [kept.pop(start)], []
        for t in range(start, stop):
            h, o = step(net, states[-1], x[t])
            states.append(h)
            logits.append(o)
        most = max(most, len(kept) + len(states))
        for t in range(stop - 1, start - 1, -1):
            one = Run(net, x[t : t + 1], np.stack(states[t - start : t - start + 2]), logits[t - start][None])
            loss += float((weights[t] * one.losses(target[t][None])[0]).sum())
            d_logits = cross_entropy_gradient(one.logits, target[t][None], weights[t][None])
            dz = (d_logits @ net.W_hy + from_future) * one.slope
            from_future = dz[0] @ net.W_hh
            for name in PARAMETERS[:-1]:
                gradients[name] += _summed(name, one, dz, d_logits)
    gradients["h_init"] += from_future.reshape(-1, len(net.W_hh)).sum(axis=0)
    return Checkpointed(loss, gradients, most)


@dataclass(frozen=True, eq=False)
class BidirectionalRNN:
    """Two networks with parameters of their own, one for each direction, whose logits are added (section 3.6).

    Adding the logits of both is the same as one output matrix (A, 2 H) on both states side by side.

    Attributes
    ----------
    forwards, backwards
        The networks; the second one reads the sequence from its end and starts from its own h_init there.
    """

    forwards: RNN
    backwards: RNN

    def __post_init__(self):
        ours, others = self.forwards, self.backwards
        if ours.W_xh.shape[1] != others.W_xh.shape[1] or len(ours.W_hy) != len(others.W_hy):
            raise ValueError(
                f"the two directions have {ours.W_xh.shape[1]} and {others.W_xh.shape[1]} inputs, {len(ours.W_hy)} and "
                f"{len(others.W_hy)} outputs; both see the same inputs and give the same outputs"
            )


@dataclass(frozen=True, eq=False)
class BidirectionalRun:
    """Both directions on a sequence, each in the order in which it reads.

    Attributes
    ----------
    forwards, backwards
        Their runs; step s of the second one is at frame T − 1 − s.
    """

    forwards: Run
    backwards: Run

    @property
    def h(self) -> NDArray[np.float64]:
        """(T, …, 2 H) both states of each frame side by side, the forward one first."""
        return np.concatenate([self.forwards.h, self.backwards.h[::-1]], axis=-1)

    @property
    def logits(self) -> NDArray[np.float64]:
        """(T, …, A)."""
        return self.forwards.logits + self.backwards.logits[::-1]


def run_bidirectional(net: BidirectionalRNN, x: ArrayLike) -> BidirectionalRun:
    """Run both directions over a whole sequence, (T, D) or (T, B, D)."""
    x = _check_inputs(net.forwards, x)
    return BidirectionalRun(run(net.forwards, x), run(net.backwards, x[::-1]))


def backward_bidirectional(run: BidirectionalRun, d_logits: ArrayLike) -> tuple[Backward, Backward]:
    """Back-propagate through both directions; each comes in the order in which it reads."""
    d_logits = _check_d_logits(run, d_logits)
    return backward(run.forwards, d_logits), backward(run.backwards, d_logits[::-1])


# -- networks whose weights are set by hand (section 3.3)


def adder() -> RNN:
    """Three units that add two binary numbers, lowest bits first: the state holds the carry.

    With the number s of ones among both bits and the carry, the units are max(s, 0), max(s − 1, 0) and max(s − 2, 0).
    The next carry is the second less the third, and the digit to write is s − 2 carry.
    """
    carry = np.array([0, 1, -1])
    return RNN(np.ones((3, 2)), np.tile(carry, (3, 1)), [0, -1, -2], [[1, -2, 2]], [0], activation="relu")


def parity() -> RNN:
    """Two units whose output is 1 after an odd number of ones and 0 after an even one."""
    odd = np.array([1, -2])
    return RNN(np.ones((2, 1)), np.tile(odd, (2, 1)), [0, -1], [odd], [0], activation="relu")


def delay(steps: int) -> RNN:
    """Units in a row that hand their number on: the output is the input of ``steps`` steps before, at first 0."""
    H = check_count("steps", steps, 0) + 1
    first, last = np.eye(H)[:, :1], np.eye(H)[-1:]
    return RNN(first, np.eye(H, k=-1), np.zeros(H), last, [0], activation="identity")


def add_binary(a: str, b: str) -> tuple[str, Run]:
    """Add two binary numbers, such as "1011" and "110", with :func:`adder`; returns the sum and the run.

    Raises
    ------
    ValueError
        One of them is not a binary number.
    """
    for name, number in (("a", a), ("b", b)):
        if not isinstance(number, str) or not number or set(number) - {"0", "1"}:
            raise ValueError(f"{name} is {number!r}; write a binary number, such as 1011")
    T = max(len(a), len(b)) + 1  # one more, for the last carry
    x = np.array([[int(bit) for bit in reversed(number.zfill(T))] for number in (a, b)], dtype=float).T
    forward = run(adder(), x)
    bits = "".join(str(round(bit)) for bit in forward.logits[::-1, 0])
    return bits.lstrip("0") or "0", forward


# -- how it is done


def _activate(activation: Activation, z: NDArray) -> None:
    """Apply the activation in place."""
    if activation == "tanh":
        _tanh(z)
    elif activation == "relu":
        np.maximum(z, 0, out=z)
    elif activation == "sigmoid":  # through tanh, which does not overflow
        z *= 0.5
        _tanh(z)
        z *= 0.5
        z += 0.5


def _tanh(z: NDArray) -> None:
    """Apply tanh in place, where that pays as 1 − 2 / (e^2z + 1): on many processors np.tanh takes twice as long.

    Few numbers are not worth so many calls. And beside the 1, small ones would lose their digits.
    """
    if z.size < 1000 or np.abs(z).min() < 1e-6:
        np.tanh(z, out=z)
        return
    np.minimum(z, 20, out=z)  # from there on tanh is 1, and the exponential of what is larger may overflow
    z *= 2
    np.exp(z, out=z)
    z += 1
    np.divide(-2, z, out=z)
    z += 1


def _slope(activation: Activation, h: NDArray, out: NDArray | None = None) -> NDArray[np.float64]:
    """Return the derivative of the activation, from its value: all four allow that."""
    out = np.empty_like(h) if out is None else out
    if activation == "tanh":
        np.multiply(h, h, out=out)
        np.subtract(1, out, out=out)
    elif activation == "relu":
        np.greater(h, 0, out=out)
    elif activation == "sigmoid":
        np.subtract(1, h, out=out)
        out *= h
    else:
        out[...] = 1
    return out


def _product(rows: NDArray, W: NDArray, out: NDArray | None = None) -> NDArray[np.float64]:
    """Return ``rows @ W`` of all steps as a single matrix product: by itself, NumPy makes one of each step."""
    out = np.empty((*rows.shape[:-1], W.shape[1])) if out is None else out
    np.matmul(rows.reshape(-1, W.shape[0]), W, out=out.reshape(-1, W.shape[1]))
    return out


def _gradients(run: Run, d_logits: NDArray, dz: NDArray, initial: NDArray) -> Gradients:
    found = {name: _summed(name, run, dz, d_logits) for name in PARAMETERS[:-1]}
    found["h_init"] = initial.reshape(-1, initial.shape[-1]).sum(axis=0)
    return found


def _pair(name: str, run: Run, dz: NDArray, d_logits: NDArray) -> tuple[NDArray, NDArray | None]:
    """Return the two vectors whose outer product a step adds to the gradient of a parameter."""
    pairs: Mapping[str, tuple[NDArray, NDArray | None]] = {
        "W_xh": (dz, run.x),
        "W_hh": (dz, run.h_before),
        "b_h": (dz, None),
        "W_hy": (d_logits, run.h),
        "b_y": (d_logits, None),
    }
    if name not in pairs:
        raise ValueError(f"name is {name!r}; the parameters are {', '.join(PARAMETERS)}")
    return pairs[name]


def _summed(name: str, run: Run, dz: NDArray, d_logits: NDArray) -> NDArray[np.float64]:
    """Sum of the outer products over time and batch, as a single matrix product."""
    left, right = _pair(name, run, dz, d_logits)
    left = left.reshape(-1, left.shape[-1])
    return left.sum(axis=0) if right is None else left.T @ right.reshape(-1, right.shape[-1])


def _contributions(name: str, run: Run, dz: NDArray, d_logits: NDArray) -> NDArray[np.float64]:
    if name == "h_init":
        found = np.zeros((len(dz), dz.shape[-1]))
        if len(dz):
            found[0] = (dz[0] @ run.net.W_hh).reshape(-1, dz.shape[-1]).sum(axis=0)
        return found
    left, right = _pair(name, run, dz, d_logits)
    left = left[:, None] if left.ndim == 2 else left  # a single sequence is a batch of one
    if right is None:
        return left.sum(axis=1)
    return left.transpose(0, 2, 1) @ (right[:, None] if right.ndim == 2 else right)


def _check_inputs(net: RNN, x: ArrayLike) -> NDArray[np.float64]:
    x, D = np.array(as_numbers("x", x)), net.W_xh.shape[1]  # a copy: the way back reads it again
    if x.ndim not in (2, 3) or x.shape[-1] != D:
        raise ValueError(f"x has shape {x.shape}; the network has {D} inputs, so it must be (T, {D}) or (T, B, {D})")
    return x


def _check_state(h: ArrayLike, x: NDArray, H: int) -> NDArray[np.float64]:
    h = as_numbers("h", h)
    if h.shape not in ((H,), (*x.shape[1:-1], H)):
        raise ValueError(f"h has shape {h.shape}; a state is {(*x.shape[1:-1], H)}")
    return h


def _check_d_logits(run: "Run | BidirectionalRun", d_logits: ArrayLike) -> NDArray[np.float64]:
    d_logits = as_numbers("d_logits", d_logits)
    if d_logits.shape != run.logits.shape:
        raise ValueError(f"d_logits has shape {d_logits.shape}; it must be that of the logits, {run.logits.shape}")
    return d_logits
