"""Exercises of chapter 11: an LSTM forward, one step of it backward, how long a cell keeps, and a GRU.

Most wrong ideas are one changed decision in a right answer.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.examples import GATED_X, GRU_CELL, LSTM_CELL
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output


def _sigmoid(z: NDArray) -> NDArray:
    return 0.5 + 0.5 * np.tanh(0.5 * z)


# -- an LSTM forward


def lstm_forward(x, W_x, W_h, b, h_init, c_init) -> tuple[NDArray, NDArray]:
    """Run an LSTM over a sequence; return states and cells."""
    return _lstm(x, W_x, W_h, b, h_init, c_init)


def _lstm(
    x: NDArray,
    W_x: NDArray,
    W_h: NDArray,
    b: NDArray,
    h_init: NDArray,
    c_init: NDArray,
    *,
    order: tuple[int, int, int, int] = (0, 1, 2, 3),
    candidate: Callable = np.tanh,
    cell: Callable = lambda f, c, i, g: f * c + i * g,
    show: Callable = lambda o, c: o * np.tanh(c),
    gate: Callable = _sigmoid,
    seen: Callable = lambda h, c: h,
    previous: bool = False,
) -> tuple[NDArray, NDArray]:
    """Run it with one decision changed."""
    T, H, h, c = len(x), len(h_init), h_init, c_init
    found = np.empty((2, T, H))
    for t in range(T):
        z = (W_h @ seen(h, c) + b + W_x @ x[t]).reshape(4, H)[list(order)]
        i, f, o = (gate(z[k]) for k in (0, 1, 3))
        before, c = c, cell(f, c, i, candidate(z[2]))
        h = show(o, before if previous else c)
        found[:, t] = h, c
    return found[0], found[1]


def _with(**decision) -> Callable:
    return partial(_lstm, **decision)


def _lstm_arguments(rng: np.random.Generator, T: int, D: int, H: int, scale: float = 1.0) -> tuple:
    shapes = ((T, D), (4 * H, D), (4 * H, H), (4 * H,), (H,), (H,))
    return tuple(scale * rng.normal(size=shape) for shape in shapes)


def _lstm_cases(rng: np.random.Generator) -> list[Case]:
    cell = LSTM_CELL
    one = (GATED_X, cell.W_x, cell.W_h, cell.b, np.zeros(1), np.zeros(1))
    x, W_x, W_h, b, _, _ = one
    latch = (
        np.array([[1.0], [0.0], [0.0], [0.0]]),
        np.array([[40.0], [0.0], [0.0], [0.0]]),
        np.zeros((4, 1)),
        np.array([-20.0, 20.0, 20.0, 20.0]),
    )
    own = np.random.default_rng(7)
    return [
        Case("one unit, the one of section 11.2", one),
        Case("the same, from a state and a cell of its own", (x, W_x, W_h, b, np.array([0.5]), np.array([-1.5]))),
        Case("one step", (x[:1], W_x, W_h, b, np.array([-0.3]), np.array([0.8]))),
        Case("a latch: the cell is to stay at 1", (*latch, np.zeros(1), np.zeros(1))),
        Case("two units and three inputs", _lstm_arguments(own, 4, 3, 2)),
        Case("gates that are wide open or shut", _lstm_arguments(own, 3, 2, 2, 8.0)),
        *(Case(f"random, {T} steps, {H} units", _lstm_arguments(rng, T, D, H)) for T, D, H in ((5, 2, 3), (12, 4, 5))),
    ]  # fmt: skip


FORWARD_MISCONCEPTIONS = (
    Misconception(
        "forget and input gate exchanged",
        "The rows come in the order input gate, forget gate, candidate, output gate. The forget gate multiplies the old cell.",
        _with(order=(1, 0, 2, 3)),
    ),
    Misconception(
        "candidate and output gate exchanged",
        "The third block of rows is the candidate, which goes through tanh; the output gate is the fourth.",
        _with(order=(0, 1, 3, 2)),
    ),
    Misconception(
        "no tanh on the way out",
        "The state is the output gate times tanh of the cell: the cell itself may grow beyond 1.",
        _with(show=lambda o, c: o * c),
    ),
    Misconception(
        "tanh on the cell itself",
        "tanh belongs to what is shown. The cell is a plain sum: squashed in every step, it would forget.",
        _with(cell=lambda f, c, i, g: np.tanh(f * c + i * g), show=lambda o, c: o * c),
    ),
    Misconception(
        "sigmoid for the candidate",
        "The candidate has to be able to take away as well as to add: it goes through tanh, from −1 to 1.",
        _with(candidate=_sigmoid),
    ),
    Misconception(
        "no activation for the candidate",
        "What is written goes through tanh first, whatever the gates let through.",
        _with(candidate=lambda z: z),
    ),
    Misconception(
        "tanh for the gates",
        "A gate is a share between 0 and 1: the sigmoid. tanh would turn signs round.",
        _with(gate=np.tanh),
    ),
    Misconception(
        "input gate is one minus the forget gate",
        "Here the two gates are free of one another: a cell may keep and write at once. In a GRU they are tied.",
        _with(cell=lambda f, c, i, g: f * c + (1 - f) * g),
    ),
    Misconception(
        "initial cell forgotten",
        "A cell has a start, too: c_init. Only where it is zeros does it not matter.",
        lambda x, W_x, W_h, b, h_init, c_init: _lstm(x, W_x, W_h, b, h_init, np.zeros_like(c_init)),
    ),
    Misconception(
        "initial state forgotten",
        "The gates of the first step look at h_init.",
        lambda x, W_x, W_h, b, h_init, c_init: _lstm(x, W_x, W_h, b, np.zeros_like(h_init), c_init),
    ),
    Misconception(
        "gates that look at the cell",
        "The gates see the input and the state h, not the cell: W_h is for the state. Peepholes would be further weights.",
        _with(seen=lambda h, c: c),
    ),
    Misconception(
        "shown before it is written",
        "The state shows the new cell, not the one before.",
        _with(previous=True),
    ),
    Misconception(
        "bias twice",
        "There is one bias here, b. PyTorch has two, which it adds.",
        lambda x, W_x, W_h, b, h_init, c_init: _lstm(x, W_x, W_h, 2 * b, h_init, c_init),
    ),
    Misconception(
        "no bias",
        "Each gate adds its part of b, all H numbers of it.",
        lambda x, W_x, W_h, b, h_init, c_init: _lstm(x, W_x, W_h, 0 * b, h_init, c_init),
    ),
    Misconception(
        "cells and states exchanged",
        "The states h come first, then the cells c.",
        lambda *args: _lstm(*args)[::-1],
    ),
)

# -- one step backward


def lstm_step_backward(gates, c_before, d_h, d_c, W_h) -> tuple[NDArray, NDArray, NDArray]:
    """Go back through one step; return what reaches the gates, the cell before and the state before."""
    return _step_back(gates, c_before, d_h, d_c, W_h)


def _step_back(
    gates: NDArray,
    c_before: NDArray,
    d_h: NDArray,
    d_c: NDArray,
    W_h: NDArray,
    *,
    through_state: Callable = lambda d_h, o, tanh: d_h * o * (1 - tanh**2),
    later: Callable = lambda d_c: d_c,
    slopes: Callable = lambda i, f, g, o: (i * (1 - i), f * (1 - f), 1 - g**2, o * (1 - o)),
    factors: Callable = lambda i, f, g, c_before, tanh: (g, c_before, i, tanh),
    back: Callable = lambda W_h, d_z: W_h.T @ d_z,
    kept: Callable = lambda d_c, f: d_c * f,
) -> tuple[NDArray, NDArray, NDArray]:
    """Go back with one decision changed."""
    i, f, g, o = gates
    tanh = np.tanh(f * c_before + i * g)
    total = later(d_c) + through_state(d_h, o, tanh)
    by_i, by_f, by_g, by_o = factors(i, f, g, c_before, tanh)
    s = slopes(i, f, g, o)
    d_z = np.array([total * by_i * s[0], total * by_f * s[1], total * by_g * s[2], d_h * by_o * s[3]])
    return d_z, kept(total, f), back(W_h, d_z.ravel())


def _back_with(**decision) -> Callable:
    return partial(_step_back, **decision)


def _back_arguments(rng: np.random.Generator, H: int) -> tuple:
    gates = _sigmoid(rng.normal(0, 1.5, (4, H)))
    gates[2] = 2 * gates[2] - 1
    return gates, rng.normal(size=H), rng.normal(size=H), rng.normal(size=H), rng.normal(size=(4 * H, H))


def _back_cases(rng: np.random.Generator) -> list[Case]:
    one = (
        np.array([[0.8], [0.6], [0.5], [0.7]]),
        np.array([1.0]),
        np.array([1.0]),
        np.array([0.5]),
        np.array([[0.3], [-0.4], [0.8], [-0.6]]),
    )
    gates, c_before, d_h, d_c, W_h = one
    own = np.random.default_rng(3)
    return [
        Case("one unit", one),
        Case("the last step: nothing from later cells", (gates, c_before, d_h, 0 * d_c, W_h)),
        Case("a step without a loss of its own", (gates, c_before, 0 * d_h, d_c, W_h)),
        Case("an open latch: all that comes goes on", (np.array([[0.0], [1.0], [0.5], [1.0]]), np.array([0.3]), np.zeros(1), np.ones(1), np.zeros((4, 1)))),
        Case("a cell that was at 0", (gates, 0 * c_before, d_h, d_c, W_h)),
        Case("two units", _back_arguments(own, 2)),
        *(Case(f"random, {H} units", _back_arguments(rng, H)) for H in (3, 5)),
    ]  # fmt: skip


BACKWARD_MISCONCEPTIONS = (
    Misconception(
        "cell without the way through the output",
        "The cell reaches the loss in two ways: through the cell after it, which is d_c, and through its own state: "
        "d_h × o × (1 − tanh²(c)).",
        _back_with(through_state=lambda d_h, o, tanh: 0 * d_h),
    ),
    Misconception(
        "cell without the cell after it",
        "d_c comes from the cell after this one, and is added to what comes through the state.",
        _back_with(later=lambda d_c: 0 * d_c),
    ),
    Misconception(
        "slope of tanh left out",
        "Between cell and state stands a tanh, whose slope is 1 − tanh²(c).",
        _back_with(through_state=lambda d_h, o, tanh: d_h * o),
    ),
    Misconception(
        "output gate left out on the way to the cell",
        "The state is o × tanh(c): what comes back to the cell is multiplied by o as well.",
        _back_with(through_state=lambda d_h, o, tanh: d_h * (1 - tanh**2)),
    ),
    Misconception(
        "gates without their own slopes",
        "What is asked is the derivative before the sigmoid or tanh of the gate: each has its own slope, s (1 − s) or 1 − g².",
        _back_with(slopes=lambda i, f, g, o: (1, 1, 1, 1)),
    ),
    Misconception(
        "slope of a sigmoid for the candidate",
        "The candidate goes through tanh, whose slope is 1 − g².",
        _back_with(slopes=lambda i, f, g, o: (i * (1 - i), f * (1 - f), g * (1 - g), o * (1 - o))),
    ),
    Misconception(
        "slope of tanh for the gates",
        "Input, forget and output gate go through the sigmoid, whose slope is s (1 − s).",
        _back_with(slopes=lambda i, f, g, o: (1 - i**2, 1 - f**2, 1 - g**2, 1 - o**2)),
    ),
    Misconception(
        "forget gate times the new cell",
        "The forget gate multiplies the cell before the step, so its derivative has c_before in it.",
        _back_with(factors=lambda i, f, g, c_before, tanh: (g, f * c_before + i * g, i, tanh)),
    ),
    Misconception(
        "factors of input gate and candidate exchanged",
        "In i × g the derivative by i is g, and that by g is i.",
        _back_with(factors=lambda i, f, g, c_before, tanh: (i, c_before, g, tanh)),
    ),
    Misconception(
        "output gate times the cell, not its tanh",
        "The state is o × tanh(c), so the derivative by o is tanh(c).",
        _back_with(factors=lambda i, f, g, c_before, tanh: (g, c_before, i, f * c_before + i * g)),
    ),
    Misconception(
        "weights not transposed",
        "W_h leads from the state before to the gates. On the way back its transpose does: W_h.T @ d_z, over all 4 H rows.",
        _back_with(back=lambda W_h, d_z: sum(block @ part for block, part in zip(np.split(W_h, 4), np.split(d_z, 4), strict=True))),
    ),
    Misconception(
        "cell before without the forget gate",
        "The cell before enters the new one multiplied by f; so does what goes back to it.",
        _back_with(kept=lambda d_c, f: d_c),
    ),
)  # fmt: skip

# -- a GRU


def gru_step(x, h, W_x, W_h, b_x, b_h) -> NDArray:
    """Go one step with a GRU as PyTorch has it; return the new state."""
    return _gru(x, h, W_x, W_h, b_x, b_h)


def _gru(
    x: NDArray,
    h: NDArray,
    W_x: NDArray,
    W_h: NDArray,
    b_x: NDArray,
    b_h: NDArray,
    *,
    order: tuple[int, int] = (0, 1),
    inner: Callable = lambda W, h, b, r: r * (W @ h + b),
    candidate: Callable = np.tanh,
    mix: Callable = lambda z, n, h: (1 - z) * n + z * h,
) -> NDArray:
    """Go one step with one decision changed."""
    from_x, H = W_x @ x + b_x, len(h)
    from_h = W_h @ h + b_h
    gates = [_sigmoid(from_x[k * H : (k + 1) * H] + from_h[k * H : (k + 1) * H]) for k in (0, 1)]
    r, z = (gates[k] for k in order)
    n = candidate(from_x[2 * H :] + inner(W_h[2 * H :], h, b_h[2 * H :], r))
    return mix(z, n, h)


def _gru_with(**decision) -> Callable:
    return partial(_gru, **decision)


def _gru_arguments(rng: np.random.Generator, D: int, H: int) -> tuple:
    shapes = ((D,), (H,), (3 * H, D), (3 * H, H), (3 * H,), (3 * H,))
    return tuple(rng.normal(size=shape) for shape in shapes)


def _gru_cases(rng: np.random.Generator) -> list[Case]:
    cell = GRU_CELL
    one = (GATED_X[0], np.array([0.5]), cell.W_x, cell.W_h, cell.b_x, cell.b_h)
    x, h, W_x, W_h, b_x, b_h = one
    own = np.random.default_rng(5)
    return [
        Case("one unit", one),
        Case("from a state of zero", (x, 0 * h, W_x, W_h, b_x, b_h)),
        Case("an update gate that keeps all", (x, h, W_x, W_h, b_x + np.array([0, 60.0, 0]), b_h)),
        Case("an update gate that takes all that is new", (x, h, W_x, W_h, b_x - np.array([0, 60.0, 0]), b_h)),
        Case("a reset gate that is shut", (x, h, W_x, W_h, b_x - np.array([60.0, 0, 0]), b_h)),
        Case("two units and three inputs", _gru_arguments(own, 3, 2)),
        *(Case(f"random, {H} units", _gru_arguments(rng, D, H)) for D, H in ((2, 3), (4, 6))),
    ]  # fmt: skip


GRU_MISCONCEPTIONS = (
    Misconception(
        "reset before the matrix product",
        "Here the reset gate multiplies W_h h + b_h, after the product. To reset the state first is the other convention "
        "(Cho et al. 2014), and gives other numbers.",
        _gru_with(inner=lambda W, h, b, r: W @ (r * h) + b),
    ),
    Misconception(
        "reset without the bias",
        "The reset gate multiplies all that comes from the state, the bias b_h of the candidate included.",
        _gru_with(inner=lambda W, h, b, r: r * (W @ h) + b),
    ),
    Misconception(
        "no reset",
        "The reset gate decides how much of the state before the candidate sees.",
        _gru_with(inner=lambda W, h, b, r: W @ h + b),
    ),
    Misconception(
        "update gate the other way round",
        "Here z is the share that is kept: z × h + (1 − z) × n. Papers differ about it, so look it up each time.",
        _gru_with(mix=lambda z, n, h: z * n + (1 - z) * h),
    ),
    Misconception(
        "reset and update gate exchanged",
        "The rows come in the order reset gate, update gate, candidate.",
        _gru_with(order=(1, 0)),
    ),
    Misconception(
        "candidate without tanh",
        "The candidate goes through tanh; only then is it mixed with the state before.",
        _gru_with(candidate=lambda z: z),
    ),
    Misconception(
        "sigmoid for the candidate",
        "Reset and update are shares and go through the sigmoid. The candidate is a state, and goes through tanh.",
        _gru_with(candidate=_sigmoid),
    ),
    Misconception(
        "bias counted once",
        "There are two biases, b_x beside W_x and b_h beside W_h, and both count.",
        lambda x, h, W_x, W_h, b_x, b_h: _gru(x, h, W_x, W_h, b_x, 0 * b_h),
    ),
    Misconception(
        "candidate added to what is kept",
        "The new state is a mean of the two with the weights z and 1 − z; otherwise it would grow.",
        _gru_with(mix=lambda z, n, h: n + z * h),
    ),
    Misconception(
        "candidate alone",
        "The candidate is not yet the state: the update gate mixes it with the state before.",
        _gru_with(mix=lambda z, n, h: n),
    ),
)

# -- along the cell


def cell_reach(f, share) -> tuple[NDArray, NDArray]:
    """Return the logarithm of what is left of every cell in the last one, and how far back a share is left."""
    return _reach(f, share)


def _logs(f: NDArray) -> NDArray:
    with np.errstate(divide="ignore"):
        logs = np.log(f)
    return np.concatenate([np.cumsum(logs[::-1], axis=0)[::-1], np.zeros((1, f.shape[1]))])


def _reach(
    f: NDArray, share: float, *, logs: Callable = _logs, count: Callable | None = None
) -> tuple[NDArray, NDArray]:
    """Follow the products back with one decision changed."""
    kept = logs(f)
    return kept, (count or _still_left)(kept, share)


def _still_left(kept: NDArray, share: float) -> NDArray:
    """Count the steps back over which at least the share is left, without a gap."""
    left = kept[::-1] >= np.log(share)
    return np.array([np.argmin(column) - 1 if not column.all() else len(column) - 1 for column in left.T])


def _reach_with(**decision) -> Callable:
    return partial(_reach, **decision)


def _reach_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("three steps, one unit", (np.array([[0.9], [0.5], [0.8]]), 0.5)),
        Case("two units that forget at different steps", (np.array([[0.9, 0.1], [0.99, 0.95], [0.6, 0.9], [0.9, 1.0]]), 0.5)),
        Case("bias 1 in every step", (np.full((12, 1), 1 / (1 + np.exp(-1))), 0.5)),
        Case("bias 5 in every step", (np.full((150, 1), 1 / (1 + np.exp(-5))), 0.5)),
        Case("gates that are wide open", (np.ones((6, 2)), 0.9)),
        Case("a gate that was shut once", (np.array([[0.9], [0.0], [0.9], [0.9]]), 0.1)),
        Case("2000 steps of 0.4, less than a float can hold", (np.full((2000, 1), 0.4), 0.01)),
        Case("one step", (np.array([[0.3, 0.7]]), 0.5)),
        Case("random, 3 units", (rng.uniform(0.5, 1, (20, 3)), 0.25)),
        Case("random, 5 units", (rng.uniform(0.8, 1, (40, 5)), 0.1)),
    ]  # fmt: skip


def _forwards(f: NDArray) -> NDArray:
    with np.errstate(divide="ignore"):
        logs = np.log(f)
    return np.concatenate([np.zeros((1, f.shape[1])), np.cumsum(logs, axis=0)])


def _plain_products(f: NDArray) -> NDArray:
    products = np.concatenate([np.cumprod(f[::-1], axis=0)[::-1], np.ones((1, f.shape[1]))])
    with np.errstate(divide="ignore"):
        return np.log(products)


def _with_gaps(kept: NDArray, share: float) -> NDArray:
    return (kept >= np.log(share)).sum(axis=0)


REACH_MISCONCEPTIONS = (
    Misconception(
        "from the first step on",
        "Row t is what is left of c_{t−1} in the last cell: the product of the gates from step t to the end, not up to t.",
        _reach_with(logs=_forwards),
    ),
    Misconception(
        "products below all floats",
        "Multiplied, 2000 factors of 0.4 are 0, and their logarithm is −∞. Add up the logarithms of the gates instead.",
        _reach_with(logs=_plain_products),
    ),
    Misconception(
        "products instead of logarithms",
        "Asked is the natural logarithm of what is left: the sum of the logarithms of the gates.",
        lambda f, share: (np.exp(_logs(f)), _still_left(_logs(f), share)),
    ),
    Misconception(
        "gates added up",
        "What is left is a product of gates; the logarithm turns it into a sum of logarithms, not into a sum of gates.",
        _reach_with(logs=lambda f: np.concatenate([np.cumsum(f[::-1], axis=0)[::-1], np.zeros((1, f.shape[1]))])),
    ),
    Misconception(
        "logarithm to base 10",
        "The natural logarithm is asked.",
        lambda f, share: (_logs(f) / np.log(10), _still_left(_logs(f), share)),
    ),
    Misconception(
        "the last cell counted as a step",
        "The last cell itself is 0 steps back. Count the steps, which are one less than the rows.",
        _reach_with(count=lambda kept, share: _still_left(kept, share) + 1),
    ),
    Misconception(
        "the first step below counted in",
        "Asked is how many steps back at least the share is left, not the first step at which it is not.",
        _reach_with(count=lambda kept, share: np.minimum(_still_left(kept, share) + 1, len(kept) - 1)),
    ),
    Misconception(
        "one gate for all units",
        "Each unit has a gate of its own, and keeps for a time of its own.",
        _reach_with(logs=lambda f: np.repeat(_logs(f).mean(axis=1, keepdims=True), f.shape[1], axis=1)),
    ),
    Misconception(
        "share compared with the logarithm",
        "The share is given as it is, and what is left as a logarithm. Compare logarithm with logarithm.",
        _reach_with(count=lambda kept, share: _still_left(kept, np.exp(share))),
    ),
    Misconception(
        "row of the last cell left out",
        "There are T + 1 rows: the last one is of the last cell itself, of which all is left.",
        lambda f, share: (_logs(f)[:-1], _still_left(_logs(f), share)),
    ),
)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="11.1",
        title="an LSTM forward",
        points=3,
        function="lstm_forward",
        outputs=(Output("states", ("t", "unit")), Output("cells", ("t", "unit"))),
        reference=lstm_forward,
        cases=_lstm_cases,
        misconceptions=FORWARD_MISCONCEPTIONS,
        asks_for=("lstm.forward", "lstm.step"),
    ),
    Exercise(
        id="11.2",
        title="an LSTM one step back",
        points=3,
        function="lstm_step_backward",
        outputs=(
            Output("d_z", ("gate", "unit")),
            Output("d_c_before", ("unit",)),
            Output("d_h_before", ("unit",)),
        ),
        reference=lstm_step_backward,
        cases=_back_cases,
        misconceptions=BACKWARD_MISCONCEPTIONS,
        asks_for=("lstm.backward",),
    ),
    Exercise(
        id="11.3",
        title="how long a cell keeps",
        points=2,
        function="cell_reach",
        outputs=(Output("log_left", ("t", "unit"), backward=True), Output("reach", ("unit",))),
        reference=cell_reach,
        cases=_reach_cases,
        misconceptions=REACH_MISCONCEPTIONS,
        asks_for=("cell_path.cell_path",),
        tolerance=1e-4,
    ),
    Exercise(
        id="11.4",
        title="a GRU",
        points=2,
        function="gru_step",
        outputs=(Output("the new state", ("unit",)),),
        reference=gru_step,
        cases=_gru_cases,
        misconceptions=GRU_MISCONCEPTIONS,
        asks_for=("gru.step", "gru.forward"),
    ),
)
