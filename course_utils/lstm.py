"""Long short-term memory, forward and backward by hand (Section 11.3; Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    i_t = σ(W_xi x_t + W_hi h_{t−1} + b_i + p_i c_{t−1})        what is written
    f_t = σ(W_xf x_t + W_hf h_{t−1} + b_f + p_f c_{t−1})        what is kept
    g_t = tanh(W_xg x_t + W_hg h_{t−1} + b_g)                   the candidate
    c_t = f_t c_{t−1} + i_t g_t
    o_t = σ(W_xo x_t + W_ho h_{t−1} + b_o + p_o c_t)            what is shown
    h_t = o_t tanh(c_t)

Products with p, the peepholes, and of gates are entry by entry. The four blocks of rows of W_x, W_h and b are i, f, g, o, in
the order of torch; other libraries have others. Arrays are those of :mod:`course_utils.gated`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class LSTM(Gated):
    """The numbers of an LSTM with D inputs and H units.

    Attributes
    ----------
    W_x, W_h, b
        (4H, D), (4H, H) and (4H,): into the gates from the inputs, from the state one step before, and their bias, in the
        order input gate, forget gate, candidate, output gate.
    p
        (3, H) peepholes of the input, forget and output gates, or None. The output gate looks at the new cell.

    Raises
    ------
    ValueError
        The shapes do not go together, or a number is not finite.
    """

    W_x: NDArray
    W_h: NDArray
    b: NDArray
    p: NDArray | None = None

    def __post_init__(self):
        if self.b is None:
            raise ValueError("b is None; it must be (4 H,)")
        self._settle(4, {"b": lambda H: (4 * H,), "p": lambda H: (3, H)})


def parameter_count(D: int, H: int, peepholes: bool = False) -> int:
    """Count the numbers of an LSTM: 4 H (D + H + 1), and 3 H peepholes. torch has 4 H more, for it has two biases."""
    return 4 * H * (D + H + 1) + 3 * H * peepholes


def random_lstm(
    rng: np.random.Generator, D: int, H: int, scale: float = 1.0, forget_bias: float = 1.0, peepholes: bool = False
) -> LSTM:
    """Draw an LSTM: weights normal with standard deviation scale / √(number of their inputs), biases zero.

    All but that of the forget gate, which begins by keeping its cell (Gers et al., 2000). Peepholes have scale / √H.

    Raises
    ------
    ValueError
        A size is not an integer from 1 on, or the scale is negative.
    """
    W_x, W_h = random_weights(rng, 4, D, H, scale)
    b = np.repeat([0.0, forget_bias, 0.0, 0.0], H)
    return LSTM(W_x, W_h, b, rng.normal(0, scale / np.sqrt(H), (3, H)) if peepholes else None)


@dataclass(frozen=True, eq=False)
class LSTMForward:
    """An LSTM on a sequence.

    Attributes
    ----------
    x
        (T, D) or (T, B, D) inputs.
    gates
        (T, …, 4H) values of input gate, forget gate, candidate and output gate.
    cells, states
        (T + 1, …, H): the initial one and then that after every step.
    tanh_cells
        (T, …, H) of the cell after every step.
    """

    x: NDArray
    gates: NDArray
    cells: NDArray
    tanh_cells: NDArray
    states: NDArray

    @property
    def i(self) -> NDArray:
        """(T, …, H) input gates."""
        return np.split(self.gates, 4, axis=-1)[0]

    @property
    def f(self) -> NDArray:
        """(T, …, H) forget gates, which are also what a cell hands on of the cell before it: dc_t / dc_{t−1}."""
        return np.split(self.gates, 4, axis=-1)[1]

    @property
    def g(self) -> NDArray:
        """(T, …, H) candidates."""
        return np.split(self.gates, 4, axis=-1)[2]

    @property
    def o(self) -> NDArray:
        """(T, …, H) output gates."""
        return np.split(self.gates, 4, axis=-1)[3]

    @property
    def h(self) -> NDArray:
        """(T, …, H) the states h_0 … h_{T−1}."""
        return self.states[1:]

    @property
    def c(self) -> NDArray:
        """(T, …, H) the cells c_0 … c_{T−1}."""
        return self.cells[1:]


@np.errstate(under="ignore")  # a product that is too small for a number is zero, here as everywhere below
def forward(params: LSTM, x: ArrayLike, h_0: ArrayLike | None = None, c_0: ArrayLike | None = None) -> LSTMForward:
    """Run an LSTM over a whole sequence.

    Parameters
    ----------
    params
        The network.
    x
        (T, D), or (T, B, D) for a batch; T may be 0.
    h_0, c_0
        State and cell to start from, (H,) or (B, H), such as the last ones of the chunk before; zeros by default.

    Raises
    ------
    ValueError
        The shapes do not go together, or a number is not finite.
    """
    inputs = as_batch(params, x)
    shape = np.shape(x)
    states, cells = started(params, "h_0", h_0, shape), started(params, "c_0", c_0, shape)
    gates, tanh_cells = of_all_steps(inputs, params.W_x.T), np.empty_like(cells[1:])
    step, p = compiled_pass("lstm_gates", gates.size) or lstm_gates, _peepholes(params)
    from_state = np.empty(gates.shape[1:], params.dtype)
    for t in range(len(gates)):
        np.matmul(states[t], params.W_h.T, out=from_state)
        step(gates[t], from_state, params.b, p, cells[t], cells[t + 1], tanh_cells[t], states[t + 1])
    return LSTMForward(*(unbatched(table, len(shape)) for table in (inputs, gates, cells, tanh_cells, states)))


def lstm_gates(gates, from_state, b, p, c_before, c, tanh_c, h) -> None:
    """Do one step of B sequences, once the matrix products are there; write gates, c, tanh_c and h.

    ``gates`` holds (B, 4H) W_x x and gets the values of the gates, ``from_state`` is (B, 4H) W_h h, ``p`` (3, H) or (0, H).
    """
    H = h.shape[-1]
    gates += from_state
    gates += b
    i, f, g, o = np.split(gates, 4, axis=-1)
    if len(p):
        i += p[0] * c_before
        f += p[1] * c_before
    activate("sigmoid", gates[:, : 2 * H])
    activate("tanh", g)
    c[...] = f * c_before + i * g
    if len(p):
        o += p[2] * c
    activate("sigmoid", o)
    np.tanh(c, out=tanh_c)
    np.multiply(o, tanh_c, out=h)


def step(params: LSTM, x: ArrayLike, h: ArrayLike | None = None, c: ArrayLike | None = None) -> tuple[NDArray, NDArray]:
    """Go one step, from (D,) or (B, D) inputs to the next state and cell. All that online inference needs.

    Raises
    ------
    ValueError
        As in :func:`forward`.
    """
    one = forward(params, np.asarray(x)[None], h, c)
    return one.states[1], one.cells[1]


@dataclass(frozen=True, eq=False)
class LSTMBackward:
    """What back-propagation through time finds.

    Attributes
    ----------
    d_gates
        (T, …, 4H) derivative of the loss with respect to what goes into σ and tanh of the gates, i, f, g, o.
    d_cells, d_states
        (T + 1, …, H) derivative of the whole loss with respect to every cell and state, the initial ones first. What
        reaches a cell comes through its state and from the cell after it.
    d_x
        (T, …, D).
    gradients
        Of W_x, W_h, b and, where there are peepholes, p, summed over time and over the batch.
    """

    d_gates: NDArray
    d_cells: NDArray
    d_states: NDArray
    d_x: NDArray
    gradients: Gradients

    @property
    def d_h_0(self) -> NDArray:
        """(…, H) derivative with respect to the initial state of every sequence."""
        return self.d_states[0]

    @property
    def d_c_0(self) -> NDArray:
        """(…, H) derivative with respect to the initial cell of every sequence."""
        return self.d_cells[0]


@np.errstate(under="ignore")
def backward(params: LSTM, result: LSTMForward, d_states: ArrayLike, d_cell: ArrayLike | None = None) -> LSTMBackward:
    """Back-propagate through time.

    Parameters
    ----------
    params, result
        The network, and what :func:`forward` found with it.
    d_states
        (T, …, H) derivative of the loss with respect to the states as it sees them itself, zero where it does not.
    d_cell
        (…, H) likewise with respect to the last cell; zeros by default.

    Raises
    ------
    ValueError
        The shapes do not go together, or a number is not finite.
    """
    ndim = result.x.ndim
    x, gates, cells, tanh_cells, states = (
        batched(table, ndim) for table in (result.x, result.gates, result.cells, result.tanh_cells, result.states)
    )
    d_h, d_c, d_gates = np.zeros_like(states), np.zeros_like(cells), np.empty_like(gates)
    d_h[1:] = batched(derivatives("d_states", d_states, result.h), ndim)
    if d_cell is not None:
        d_c[-1] = derivatives("d_cell", d_cell, result.cells[-1])
    step, p = compiled_pass("lstm_gates_back", gates.size) or lstm_gates_back, _peepholes(params)
    through_gates = np.empty_like(states[0])
    for t in range(len(gates) - 1, -1, -1):
        step(d_h[t + 1], d_c[t + 1], gates[t], p, cells[t], tanh_cells[t], d_gates[t], d_c[t])
        np.matmul(d_gates[t], params.W_h, out=through_gates)
        d_h[t] += through_gates
    gradients = _gradients(params, x, states[:-1], cells, d_gates)
    d_x = of_all_steps(d_gates, params.W_x)
    return LSTMBackward(*(unbatched(table, ndim) for table in (d_gates, d_c, d_h, d_x)), gradients)


def lstm_gates_back(d_h, d_c, gates, p, c_before, tanh_c, d_gates, d_c_before) -> None:
    """Go one step back in B sequences; write (B, 4H) d_gates, and add to d_c and d_c_before what comes this way.

    ``d_h`` is the whole derivative with respect to h_t; ``d_c`` lacks what comes through h_t and o_t.
    """
    i, f, g, o = np.split(gates, 4, axis=-1)
    d_i, d_f, d_g, d_o = np.split(d_gates, 4, axis=-1)
    d_o[...] = d_h * tanh_c * o * (1 - o)
    d_c += d_h * o * (1 - tanh_c**2)
    if len(p):
        d_c += d_o * p[2]
    d_i[...] = d_c * g * i * (1 - i)
    d_f[...] = d_c * c_before * f * (1 - f)
    d_g[...] = d_c * i * (1 - g**2)
    d_c_before += d_c * f
    if len(p):
        d_c_before += d_i * p[0]
        d_c_before += d_f * p[1]


def _peepholes(params: LSTM) -> NDArray:
    """(3, H), or (0, H) where there are none: the loops take arrays only."""
    return np.empty((0, params.H), params.dtype) if params.p is None else params.p


def _gradients(params: LSTM, x: NDArray, h_before: NDArray, cells: NDArray, d_gates: NDArray) -> Gradients:
    """Sum what every step of every sequence adds, each as a single product."""
    d = flat(d_gates)
    gradients = {"W_x": d.T @ flat(x), "W_h": d.T @ flat(h_before), "b": d.sum(axis=0)}
    if params.p is not None:
        d_i, d_f, _, d_o = np.split(d, 4, axis=-1)
        seen = flat(cells[:-1]), flat(cells[:-1]), flat(cells[1:])
        gradients["p"] = np.stack([(d_k * c).sum(axis=0) for d_k, c in zip((d_i, d_f, d_o), seen, strict=True)])
    return gradients


def to_torch(params: LSTM) -> Gradients:
    """Return the weights as the state of a ``torch.nn.LSTM(D, H)``, whose gates have the same order.

    torch adds two biases, b_ih + b_hh; all of ours goes into the first. To load them::

        module.load_state_dict({name: torch.from_numpy(value) for name, value in to_torch(params).items()})

    Raises
    ------
    ValueError
        There are peepholes, which torch has not.
    """
    if params.p is not None:
        raise ValueError("torch's LSTM has no peepholes, and p is not None")
    values = params.W_x, params.W_h, params.b, np.zeros_like(params.b)
    return {name: value.copy() for name, value in zip(TORCH_NAMES, values, strict=True)}


def from_torch(weights: Mapping[str, ArrayLike]) -> LSTM:
    """Return the network that has the weights of a ``torch.nn.LSTM``; ``module.state_dict()`` gives them.

    The sum of its two biases is ours: nothing comes between them, so the network is the same, but only the sum comes back.

    Raises
    ------
    ValueError
        It has several layers, two directions or a projection, or the shapes do not go together.
    """
    W_x, W_h, b_ih, b_hh = read_torch(weights, 4)
    return LSTM(W_x, W_h, b_ih + b_hh)
