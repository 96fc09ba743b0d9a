"""Exercises of chapter 4: back-propagation through time.

Every wrong idea about a gradient is one changed decision in it, so they are made here from the right computation with
its decisions as parameters.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.bptt import BackwardPass, backward
from course_utils.examples import WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.losses import cross_entropy_gradient
from course_utils.rnn import random_rnn, run

# -- cases


def _worked(weights: float | tuple = 1.0, T: int = 4, **parameters) -> BackwardPass:
    forward = run(WORKED_NET.with_parameters(**parameters), WORKED_X[:T])
    return backward(forward, cross_entropy_gradient(forward.logits, WORKED_TARGET[:T], weights))


def _random(rng: np.random.Generator, T: int, D: int, H: int, A: int, activation: str = "tanh") -> BackwardPass:
    net = random_rnn(rng, D, H, A, activation)
    net = net.with_parameters(b_h=rng.normal(size=H) / 2, b_y=rng.normal(size=A), h_init=rng.normal(size=H) / 2)
    forward = run(net, rng.normal(size=(T, D)))
    return backward(forward, cross_entropy_gradient(forward.logits, rng.integers(A, size=T)))


def _passes(rng: np.random.Generator) -> list[tuple[str, BackwardPass]]:
    """Finished backward passes to take cases from: the worked example, the edges, and random ones."""
    return [
        ("worked example", _worked()),
        ("a loss at the last step only", _worked((0, 0, 0, 1))),
        ("an initial state that is not zero", _worked(h_init=[0.6, -0.9])),
        ("a single step", _worked(T=1)),
        ("two steps", _worked(T=2)),
        ("random, 5 steps, a single unit", _random(rng, 5, 2, 1, 3)),
        ("random, 7 steps and 3 units", _random(rng, 7, 2, 3, 4)),
        ("random, 9 steps and 5 units, relu", _random(rng, 9, 4, 5, 2, "relu")),
    ]


def _chain(found: BackwardPass) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return what the recursion of delta needs."""
    return found.d_logits, found.forward.net.W_hy, found.forward.net.W_hh, found.forward.slope


COUNTING = np.ones((5, 1)), np.ones((1, 1)), np.ones((1, 1)), np.ones((5, 1))


def _delta_cases(rng: np.random.Generator) -> list[Case]:
    return [
        *(Case(name, _chain(found)) for name, found in _passes(rng)),
        Case("a sum, h_t = h_{t−1}, with loss h_t", COUNTING),
    ]


def _gradient_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case(name, (found.forward.x, found.forward.states, found.d_logits, found.delta, found.forward.slope))
        for name, found in _passes(rng)
    ]


def _truncated_cases(rng: np.random.Generator) -> list[Case]:
    worked, passes = _chain(_worked()), dict(_passes(rng))
    long = _chain(_random(rng, 12, 2, 3, 3))
    return [
        *(Case(f"worked example, k = {k}", (*worked, k)) for k in (1, 0, 2, 3)),
        Case("worked example, k = 10, more than there are steps", (*worked, 10)),
        *(Case(f"a sum, h_t = h_{{t−1}}, with loss h_t, k = {k}", (*COUNTING, k)) for k in (2, 4)),
        Case("a single step, k = 2", (*_chain(passes["a single step"]), 2)),
        Case("a loss at the last step only, k = 1", (*_chain(passes["a loss at the last step only"]), 1)),
        *(Case(f"random, 12 steps and 3 units, k = {k}", (*long, k)) for k in (3, 5)),
    ]


# -- wrong ideas about the recursion of delta


def _direct(d_logits: NDArray, W_hy: NDArray) -> NDArray[np.float64]:
    return np.asarray(d_logits, dtype=np.float64) @ W_hy


def _delta(
    d_logits: NDArray,
    W_hy: NDArray,
    W_hh: NDArray,
    slope: NDArray,
    *,
    transposed: bool = False,
    outputs_transposed: bool = False,
    slope_from: int = 1,
    slope_outside: bool = False,
    slope_left_out: bool = False,
    wrap: bool = False,
    without_own_loss: bool = False,
) -> NDArray[np.float64]:
    """Run the recursion with one decision changed."""
    delta, T = _direct(d_logits, W_hy.T if outputs_transposed else W_hy), len(slope)
    back = W_hh if transposed else W_hh.T
    for t in reversed(range(T)):
        if t == T - 1 and not wrap:
            continue
        after = (t + 1) % T
        factor = np.ones_like(slope[0]) if slope_left_out else slope[(t + slope_from) % T]
        arriving = factor * (back @ delta[after]) if slope_outside else back @ (factor * delta[after])
        delta[t] = arriving if without_own_loss else delta[t] + arriving
    return delta


def _changed(**decision: bool | int) -> Callable:
    return partial(_delta, **decision)


def _only_direct(d_logits: NDArray, W_hy: NDArray, W_hh: NDArray, slope: NDArray) -> NDArray[np.float64]:
    return _direct(d_logits, W_hy)


def _from_the_past(d_logits: NDArray, W_hy: NDArray, W_hh: NDArray, slope: NDArray) -> NDArray[np.float64]:
    delta = _direct(d_logits, W_hy)
    for t in range(1, len(delta)):
        delta[t] += W_hh.T @ (slope[t] * delta[t - 1])
    return delta


def _one_step_of_future(d_logits: NDArray, W_hy: NDArray, W_hh: NDArray, slope: NDArray) -> NDArray[np.float64]:
    return delta_within_reach(d_logits, W_hy, W_hh, slope, 1)


def _without_step_0(found: NDArray, *, instead: NDArray | float = 0.0) -> NDArray[np.float64]:
    """Take away what the loop never reached."""
    found = found.copy()
    found[0] = instead
    return found


def _last_step_before_the_loop(*args) -> NDArray[np.float64]:
    delta = _delta(*args)
    return _without_step_0(delta) if len(delta) > 1 else delta


STEP_0_LEFT_OUT = "Step 0 is a step like any other and has a delta of its own. A range that ends at 0 stops before it."

DELTA_MISCONCEPTIONS = (
    Misconception(
        "transposed Jacobian",
        "delta is a column here, and a derivative travels back through the transpose of the matrix that carried the "
        "state forward. Which unit feeds which changes places.",
        _changed(transposed=True),
    ),
    Misconception(
        "both transposes forgotten",
        "Forward, W_hy leads from the units to the outputs and W_hh from the units to the units one step later. Backward "
        "both are passed the other way, so both are transposed. Where the sizes differ, NumPy refuses the product.",
        _changed(transposed=True, outputs_transposed=True),
    ),
    Misconception(
        "slope of the wrong step",
        "Between h_t and h_{t+1} stands the activation of step t + 1, so it is that slope that counts.",
        _changed(slope_from=0),
    ),
    Misconception(
        "slope on the wrong side of the matrix",
        "Forward, the matrix came first and the activation after it. Backward the order is the other way round.",
        _changed(slope_outside=True),
    ),
    Misconception(
        "slope left out",
        "The way back leads through the activation as well: a saturated unit lets next to nothing through.",
        _changed(slope_left_out=True),
    ),
    Misconception(
        "direct part only",
        "h_t has an effect on later losses too, through h_{t+1}. That part is missing, or was still 0 when it was read.",
        _only_direct,
    ),
    Misconception(
        "later losses only",
        "Every step on the way has a loss of its own, which joins what comes from later.",
        _changed(without_own_loss=True),
    ),
    Misconception(
        "one step of the future only",
        "What arrives from step t + 1 is the whole delta there, which holds all losses after it as well. Did you start "
        "at the last step?",
        _one_step_of_future,
    ),
    Misconception(
        "wrapped index",
        "Behind the last step there is nothing. An index of T taken modulo T, or −1, reads another step of the table.",
        _changed(wrap=True),
    ),
    Misconception(
        "later losses counted again",
        "delta at t + 1 already holds all later losses. Who adds the deltas of t + 2, t + 3 … as well counts them twice.",
        lambda *args: _printed_recursion(*args, len(args[3])),
    ),
    Misconception(
        "forward in time",
        "A state has no effect on losses before it. Blame travels from the last step to the first.",
        _from_the_past,
    ),
    Misconception(
        "derivative with respect to z",
        "Multiplied by its own slope, delta is the derivative with respect to z_t. Asked for is that with respect to h_t.",
        lambda *args: _delta(*args) * args[3],
    ),
    Misconception(
        "list not reversed",
        "The walk begins at the last step, so what is found first belongs at the end. Row t of the answer is delta at t.",
        lambda *args: _delta(*args)[::-1],
    ),
    Misconception("step 0 left out", STEP_0_LEFT_OUT, lambda *args: _without_step_0(_delta(*args))),
    Misconception(
        "step 0 left out, after the last step was done before the loop", STEP_0_LEFT_OUT, _last_step_before_the_loop
    ),
    Misconception(
        "step 0 left out but for its direct part",
        STEP_0_LEFT_OUT,
        lambda *args: _without_step_0(_delta(*args), instead=_direct(*args[:2])[0]),
    ),
)


# -- wrong ideas about the gradients of the parameters


def _gradients(
    x: NDArray, states: NDArray, d_logits: NDArray, delta: NDArray, slope: NDArray, **mistakes: bool
) -> tuple[NDArray, ...]:
    """All five gradients; ``mistakes`` name the decisions that are changed."""
    dz = delta if "no slope" in mistakes else delta * slope
    if "slope twice" in mistakes:
        dz = dz * slope
    before, after = states[:-1], states[1:]
    if "state after" in mistakes:
        before = after
    elif "state before" in mistakes:
        after = before
    elif "zero start" in mistakes:
        before = np.concatenate([np.zeros_like(before[:1]), before[1:]])
    elif any(name.startswith("index t − 1") for name in mistakes):
        wrapped = states[-1:] if "index t − 1" in mistakes else np.zeros_like(states[:1])
        before, after = np.concatenate([wrapped, states[:-2]]), before
    into_outputs = d_logits
    if "outputs in the chain" in mistakes:
        into_outputs = np.cumsum(d_logits[::-1], axis=0)[::-1]
    elif "no output gradient" in mistakes:
        into_outputs = np.zeros_like(d_logits)
    ones = np.ones((len(x), 1))
    into_bias = delta if "no slope for the bias" in mistakes else dz
    pairs = [(dz, x), (dz, before), (into_bias, ones), (into_outputs, after), (into_outputs, ones)]
    if "last step" in mistakes:
        pairs = [(left[-1:], right[-1:]) for left, right in pairs]
    elif "first step" in mistakes:
        pairs = [(left[:1], right[:1]) for left, right in pairs]
    elif "product of sums" in mistakes:
        pairs = [
            (left.sum(axis=0, keepdims=True), ones[:1] if right is ones else right.sum(axis=0, keepdims=True))
            for left, right in pairs
        ]
    found = [left.T @ right for left, right in pairs]
    if "transposed" in mistakes:
        found = [matrix if k in (2, 4) else matrix.T for k, matrix in enumerate(found)]
    if "mean" in mistakes:
        found = [matrix / len(x) for matrix in found]
    return found[0], found[1], found[2][:, 0], found[3], found[4][:, 0]


def _wrong_gradients(mistake: str) -> Callable:
    return partial(_gradients, **{mistake: True})


READ_LITERALLY = "The array begins with the initial state, so every index is one larger than in the formula."

GRADIENT_MISCONCEPTIONS = (
    Misconception(
        "state after the step",
        "W_hh was multiplied by the state that the step started from. What the step made of it is one index later.",
        _wrong_gradients("state after"),
    ),
    Misconception(
        "state before the step, for the outputs too",
        "The logits are read from the state that the step arrives at, so W_hy is paired with that one.",
        _wrong_gradients("state before"),
    ),
    Misconception(
        "h_{t−1} read at index t − 1",
        READ_LITERALLY + " At step 0 the index −1 even reads the last state.",
        _wrong_gradients("index t − 1"),
    ),
    Misconception(
        "h_{t−1} read at index t − 1, nothing at step 0", READ_LITERALLY, _wrong_gradients("index t − 1, guarded")
    ),
    Misconception(
        "last step only",
        "A weight is used at every step. Each use contributes, and the contributions are added up.",
        _wrong_gradients("last step"),
    ),
    Misconception(
        "first step only",
        "A weight is used at every step. Each use contributes, and the contributions are added up.",
        _wrong_gradients("first step"),
    ),
    Misconception(
        "output weights sent through the chain",
        "W_hy is used beside the chain: its use at step t has an effect on the loss of step t alone.",
        _wrong_gradients("outputs in the chain"),
    ),
    Misconception(
        "no gradient for the output weights",
        "No state depends on W_hy, but the logits do: their derivative is where its gradient comes from.",
        _wrong_gradients("no output gradient"),
    ),
    Misconception(
        "outer product the wrong way round",
        "A gradient has the shape of its parameter: one row for each number that comes out, one column for each that goes in.",
        _wrong_gradients("transposed"),
    ),
    Misconception(
        "delta taken for dz",
        "Weights and biases stand before the activation. To reach them, delta has to pass through its slope.",
        _wrong_gradients("no slope"),
    ),
    Misconception(
        "delta taken for dz at the bias",
        "The bias stands before the activation as well, beside the matrices: it gets the same dz as they do.",
        _wrong_gradients("no slope for the bias"),
    ),
    Misconception(
        "slope applied twice",
        "Between h_t and the weights stands one activation, and its slope counts once. Look whether the factor that "
        "enters the sum holds it already.",
        _wrong_gradients("slope twice"),
    ),
    Misconception(
        "mean instead of sum",
        "The loss is a sum over the steps, so its gradient is a sum as well. Nothing is divided by T.",
        _wrong_gradients("mean"),
    ),
    Misconception(
        "product of sums",
        "The outer product is taken at each step, and then summed. The product of two sums pairs each step with every other.",
        _wrong_gradients("product of sums"),
    ),
    Misconception(
        "initial state taken for zero",
        "Step 0 starts from the first row of states, which need not be zero: W_hh was used there as well.",
        _wrong_gradients("zero start"),
    ),
)


# -- wrong ideas about truncation


def delta_within_reach(d_logits: NDArray, W_hy: NDArray, W_hh: NDArray, slope: NDArray, k: int) -> NDArray[np.float64]:
    """Delta with the losses of steps t … t + k alone: each of them goes back k steps (section 4.7)."""
    carried = _direct(d_logits, W_hy)
    total = carried.copy()
    for _ in range(min(k, len(slope) - 1)):
        carried = (carried[1:] * slope[1 : len(carried)]) @ W_hh
        total[: len(carried)] += carried
    return total


def _printed_recursion(d_logits: NDArray, W_hy: NDArray, W_hh: NDArray, slope: NDArray, k: int) -> NDArray[np.float64]:
    """Add whole deltas of k later steps, each of which holds the losses after it already."""
    delta = _direct(d_logits, W_hy)
    for t in reversed(range(len(delta) - 1)):
        for after in range(t + 1, min(t + k, len(delta) - 1) + 1):
            delta[t] += _carried_back(delta[after], range(after, t, -1), W_hh, slope)
    return delta


def _carried_back(vector: NDArray, steps, W_hh: NDArray, slope: NDArray) -> NDArray[np.float64]:
    """Carry a derivative back through the given steps, in the given order."""
    for s in steps:
        vector = W_hh.T @ (slope[s] * vector)
    return vector


def _in_chunks(more: int) -> Callable:
    def answer(d_logits, W_hy, W_hh, slope, k):
        delta, chunk = _direct(d_logits, W_hy), max(k + more, 1)
        for t in reversed(range(len(delta) - 1)):
            if (t + 1) % chunk:
                delta[t] += W_hh.T @ (slope[t + 1] * delta[t + 1])
        return delta

    return answer


def _shifted_reach(by: int) -> Callable:
    def answer(d_logits, W_hy, W_hh, slope, k):
        if k + by < 0:
            return np.zeros_like(_direct(d_logits, W_hy))
        return delta_within_reach(d_logits, W_hy, W_hh, slope, k + by)

    return answer


def _last_steps_only(d_logits, W_hy, W_hh, slope, k):
    delta = _delta(d_logits, W_hy, W_hh, slope)
    delta[: max(len(delta) - 1 - k, 0)] = 0
    return delta


def _window(d_logits, W_hy, W_hh, slope, k, *, wrap=False, upwards=False, farthest=False, single=False):
    """Add up, loss by loss, what lies in the window, with one decision changed."""
    direct, T = _direct(d_logits, W_hy), len(slope)
    delta = direct.copy()
    for t in range(T):
        last = t + k if wrap else min(t + k, T - 1)
        for tau in range(last if farthest and last > t else t + 1, last + 1):
            steps = range(t + 1, tau + 1) if upwards else range(tau, t, -1)
            if single:
                steps = [tau]
            delta[t] = delta[t] + _carried_back(direct[tau % T], [s % T for s in steps], W_hh, slope)
    return delta


def _wrong_window(**decision: bool) -> Callable:
    return partial(_window, **decision)


def _unguarded(d_logits, W_hy, W_hh, slope, k):
    """Carry every loss back k steps, past step 0 if need be, where an index wraps round or is out of bounds."""
    direct = _direct(d_logits, W_hy)
    delta = np.zeros_like(direct)
    for tau, vector in enumerate(direct):
        for t in range(tau, tau - k - 1, -1):
            delta[t] += vector
            vector = _carried_back(vector, [t], W_hh, slope)
    return delta


TRUNCATED_MISCONCEPTIONS = (
    Misconception(
        "later losses counted again",
        "The delta of a later step holds the losses after it already. Carry back each loss by itself, its direct part.",
        _printed_recursion,
    ),
    Misconception(
        "chunks instead of a window",
        "Cutting between chunks lets some losses go back far and others not at all. Here every loss goes back k steps.",
        _in_chunks(0),
    ),
    Misconception(
        "chunks of k + 1 steps",
        "Cutting between chunks lets some losses go back far and others not at all. Here every loss goes back k steps.",
        _in_chunks(1),
    ),
    Misconception(
        "one step too few",
        "The window holds step t itself and k steps more: with k = 1 a loss passes one Jacobian.",
        _shifted_reach(-1),
    ),
    Misconception(
        "one step too many",
        "A loss passes k Jacobians and no more: with k = 0 only the direct part is left.",
        _shifted_reach(1),
    ),
    Misconception(
        "no truncation",
        "This is the whole gradient. Losses more than k steps after t are to be left out.",
        lambda d_logits, W_hy, W_hh, slope, k: _delta(d_logits, W_hy, W_hh, slope),
    ),
    Misconception(
        "the last steps only",
        "The window moves along: every loss is carried back k steps, not the last one alone.",
        _last_steps_only,
    ),
    Misconception(
        "wrapped window",
        "Near the end the window is shorter. An index beyond T − 1, taken modulo T, brings early losses back in.",
        _wrong_window(wrap=True),
    ),
    Misconception(
        "Jacobians in forward order",
        "On its way back a loss meets the latest step first. For matrices the order of the factors matters.",
        _wrong_window(upwards=True),
    ),
    Misconception(
        "the farthest loss alone",
        "The window holds the losses of all steps up to t + k, not only its ends.",
        _wrong_window(farthest=True),
    ),
    Misconception(
        "one Jacobian for every loss",
        "A loss that is three steps away has three Jacobians to pass, one for each step between.",
        _wrong_window(single=True),
    ),
    Misconception(
        "past the beginning",
        "Before step 0 there is nothing to reach. A negative index reads the end of the array, until it is out of bounds.",
        _unguarded,
    ),
    Misconception(
        "slope of the step before",
        "From h_t a loss passes the activation of step t itself and then W_hh, and so comes to h_{t−1}. The slope of "
        "t − 1 is not on that way.",
        lambda d_logits, W_hy, W_hh, slope, k: delta_within_reach(d_logits, W_hy, W_hh, np.roll(slope, 1, axis=0), k),
    ),
    Misconception(
        "range one short",
        "A range stops before its end. The earliest step that a loss reaches, k steps back or step 0, belongs to it.",
        lambda *args: _without_step_0(_shifted_reach(-1)(*args)),
    ),
    Misconception(
        "step 0 left out",
        STEP_0_LEFT_OUT,
        lambda *args: _without_step_0(delta_within_reach(*args)),
    ),
)

EXERCISES = (
    Exercise(
        id="4.1",
        title="the recursion of delta",
        points=3,
        function="delta_recursion",
        outputs=(Output("delta", ("t", "unit"), backward=True),),
        reference=_delta,
        cases=_delta_cases,
        misconceptions=DELTA_MISCONCEPTIONS,
        asks_for=("bptt.backward", "bptt.loss_and_gradients", "bptt.truncated_per_loss", "bptt.truncated_by_chunks"),
    ),
    Exercise(
        id="4.2",
        title="the gradients of all five parameters",
        points=4,
        function="parameter_gradients",
        outputs=(
            Output("dW_xh", ("unit", "input")),
            Output("dW_hh", ("unit", "unit before")),
            Output("db_h", ("unit",)),
            Output("dW_hy", ("output", "unit")),
            Output("db_y", ("output",)),
        ),
        reference=_gradients,
        cases=_gradient_cases,
        misconceptions=GRADIENT_MISCONCEPTIONS,
        asks_for=(
            "bptt.backward",
            "bptt.loss_and_gradients",
            "bptt.truncated_per_loss",
            "bptt.truncated_by_chunks",
            "bptt.checkpointed_gradients",
        ),
    ),
    Exercise(
        id="4.3",
        title="truncation, loss by loss",
        points=3,
        function="truncated_delta",
        outputs=(Output("delta", ("t", "unit"), backward=True),),
        reference=delta_within_reach,
        cases=_truncated_cases,
        misconceptions=TRUNCATED_MISCONCEPTIONS,
        asks_for=("bptt.truncated_per_loss", "bptt.truncated_by_chunks", "bptt.backward"),
    ),
)
