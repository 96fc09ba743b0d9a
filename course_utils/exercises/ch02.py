"""Exercises of chapter 2: a perceptron on every frame.

A wrong idea is mostly one changed decision, so each exercise has one function with its decisions as parameters.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.losses import cross_entropy, cross_entropy_gradient, log_softmax
from course_utils.mlp import windows

# -- cases


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    square = rng.normal(0, 2, (3, 3))
    return [
        Case("worked example", (np.array([[2.0, 0.0], [0.5, 1.5], [-1.0, 1.0]]), np.array([0, 0, 1]))),
        Case("a single frame", (np.array([[0.3, -0.2, 1.0]]), np.array([2]))),
        Case("a single symbol, which is certain", (np.array([[0.7], [-3.0]]), np.array([0, 0]))),
        Case("logits of a thousand", (np.array([[1000.0, 0.0], [0.0, 998.0], [990.0, 1000.0]]), np.array([1, 1, 0]))),
        Case("one frame a thousand below the other", (np.array([[2.0, 1.0], [-1000.0, -1001.0]]), np.array([1, 0]))),
        Case("a target of probability e to the −50", (np.array([[50.0, 0.0], [0.0, 0.0]]), np.array([1, 0]))),
        Case("a target of probability e to the −27", (np.array([[27.0, 0.0], [1.0, 0.0]]), np.array([1, 0]))),
        Case("a frame of equal logits", (np.array([[3.0, 2.0, 1.0], [0.0, 0.0, 0.0]]), np.array([1, 2]))),
        Case("as many frames as symbols", (square, rng.integers(3, size=3))),
        *(
            Case(f"random, {T} frames and {A} symbols", (rng.normal(0, 2, (T, A)), rng.integers(A, size=T)))
            for T, A in ((6, 4), (9, 3))
        ),
    ]


def _gradient_cases(rng: np.random.Generator) -> list[Case]:
    def problem(T, D, A):
        return rng.normal(size=(A, D)), rng.normal(size=A), rng.normal(size=(T, D)), rng.integers(A, size=T)

    worked = np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros(2), np.array([[1.0, 0.0], [0.5, -1.0]]), np.array([0, 1])
    return [
        Case("worked example", worked),
        Case("a single frame", problem(1, 3, 2)),
        Case("a single feature", problem(4, 1, 3)),
        Case("a frame of zeros", (worked[0], np.array([0.5, -0.5]), np.zeros((1, 2)), np.array([1]))),
        Case("as many features as symbols", problem(3, 4, 4)),
        Case(
            "the same frame twice, with different targets", (*problem(1, 3, 2)[:2], np.ones((2, 3)), np.array([0, 1]))
        ),
        *(Case(f"random, {T} frames of {D}, {A} symbols", problem(T, D, A)) for T, D, A in ((5, 2, 3), (7, 4, 2))),
    ]


COUNTED = np.arange(1.0, 16.0).reshape(5, 3)  # in which no two numbers are alike


def _window_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("worked example", (np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), 1, 0)),
        Case("one frame on either side", (np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), 1, 1)),
        Case("only what comes after", (COUNTED[:4, :2], 0, 2)),
        Case("no neighbours at all", (COUNTED[:3, :2], 0, 0)),
        Case("a single frame", (COUNTED[:1, :2], 2, 1)),
        Case("a window longer than the sequence", (COUNTED[:3, :1], 4, 2)),
        Case("more before than after", (COUNTED, 2, 1)),
        *(
            Case(
                f"random, {T} frames of {D}, {before} before and {after} after",
                (rng.normal(size=(T, D)), before, after),
            )
            for T, D, before, after in ((6, 3, 2, 1), (8, 2, 1, 3))
        ),
    ]


# -- wrong ideas about the loss


def _naive_softmax(logits: NDArray, axis: int = 1) -> NDArray:
    powers = np.exp(logits)
    return powers / powers.sum(axis=axis, keepdims=True)


def _picked(table: NDArray, target: NDArray) -> NDArray:
    return table[np.arange(len(target)), target]


def _shift_of_all(logits: NDArray, target: NDArray) -> NDArray:
    shifted = logits - logits.max()
    return np.log(np.exp(shifted).sum(axis=1)) - _picked(shifted, target)


def _over_frames(logits: NDArray, target: NDArray) -> NDArray:
    return -_picked(log_softmax(logits.T).T, target)


def _shift_forgotten(logits: NDArray, target: NDArray) -> NDArray:
    """Subtract the maximum inside the exponential and leave it out of the score."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - _picked(logits, target)


def _one_normaliser(logits: NDArray, target: NDArray, shift: Callable, through_probabilities: bool) -> NDArray:
    """Divide by the sum over all frames and symbols, on one of the ways there."""
    shifted = logits - shift(logits)
    if through_probabilities:
        return -np.log(_picked(np.exp(shifted) / np.exp(shifted).sum(), target))
    return np.log(np.exp(shifted).sum()) - _picked(shifted, target)


def _normalised_together(shift: Callable, through_probabilities: bool) -> Callable:
    return lambda logits, target: _one_normaliser(logits, target, shift, through_probabilities)


def _own_maximum(logits: NDArray) -> NDArray:
    return logits.max(axis=1, keepdims=True)


def _clipped(softmax: Callable) -> Callable:
    return lambda logits, target: -np.log(np.maximum(_picked(softmax(logits), target), 1e-12))


ONE_SUM = (
    "The probabilities of each frame sum to one, so each frame has a normaliser of its own. Yours sums over all frames."
)
CLIPPED = "A clipped probability makes a large loss small. Stay with logarithms, which need no clipping."

LOSS_MISCONCEPTIONS = (
    Misconception("one normaliser for all frames", ONE_SUM, _normalised_together(np.max, False)),
    Misconception(
        "one normaliser for all frames, each shifted by its own maximum",
        ONE_SUM,
        _normalised_together(_own_maximum, False),
    ),
    Misconception("one normaliser for all frames, through probabilities", ONE_SUM, _normalised_together(np.max, True)),
    Misconception(
        "one normaliser for all frames, through probabilities, each shifted by its own maximum",
        ONE_SUM,
        _normalised_together(_own_maximum, True),
    ),
    Misconception(
        "one normaliser for all frames, through probabilities without a shift",
        ONE_SUM,
        _normalised_together(np.zeros_like, True),
    ),
    Misconception("clipped probabilities", CLIPPED, _clipped(lambda logits: np.exp(log_softmax(logits)))),
    Misconception("clipped probabilities of a softmax without a shift", CLIPPED, _clipped(lambda o: _naive_softmax(o))),
    Misconception(
        "softmax without a shift",
        "The exponential of 1000 is beyond all floats. Softmax does not change when a frame's logits are all shifted alike.",
        lambda logits, target: -np.log(_picked(_naive_softmax(logits), target)),
    ),
    Misconception(
        "log-sum-exp without a shift",
        "The formula is right, but the exponential of 1000 overflows. Shift the logits of each frame before, and undo it after.",
        lambda logits, target: np.log(np.exp(logits).sum(axis=1)) - _picked(logits, target),
    ),
    Misconception(
        "a small number inside the logarithm",
        "Adding 1e-12 hides the infinity and falsifies the loss: no target can cost more than 27.6 then. Stay with logarithms.",
        lambda logits, target: -np.log(_picked(np.exp(log_softmax(logits)), target) + 1e-12),
    ),
    Misconception(
        "softmax first, logarithm after",
        "A probability below 1e-308 becomes 0 before its logarithm is taken. The log-softmax never leaves the logarithms.",
        lambda logits, target: -np.log(_picked(np.exp(log_softmax(logits)), target)),
    ),
    Misconception(
        "one shift for all frames",
        "The largest logit of all frames may lie far above every logit of some frame, whose exponentials are all 0 then.",
        _shift_of_all,
    ),
    Misconception(
        "shift not undone",
        "Both parts of the difference need the same shift: you subtracted the maximum in one of them only.",
        _shift_forgotten,
    ),
    Misconception(
        "softmax over the frames",
        "The probabilities of the symbols of one frame sum to one, and not those of one symbol over the frames.",
        _over_frames,
    ),
    Misconception(
        "no minus sign",
        "A logarithm of a probability is never positive; a loss is to become small where the probability is large.",
        lambda logits, target: _picked(log_softmax(logits), target),
    ),
    Misconception(
        "divided by the number of frames",
        "Each frame's loss stands by itself here; the mean of a sequence is another thing.",
        lambda logits, target: cross_entropy(logits, target) / len(target),
    ),
    Misconception(
        "mean over the frames",
        "One loss for each frame is asked, T numbers. Whether to add them up or to take their mean is left to the caller.",
        lambda logits, target: cross_entropy(logits, target).mean(),
    ),
    Misconception(
        "sum over the frames",
        "One loss for each frame is asked, T numbers. Whether to add them up or to take their mean is left to the caller.",
        lambda logits, target: cross_entropy(logits, target).sum(),
    ),
    Misconception(
        "logarithm to base 2",
        "The loss is asked for in nats, with the natural logarithm.",
        lambda logits, target: cross_entropy(logits, target) / np.log(2),
    ),
    Misconception(
        "truth and model exchanged",
        "The truth weighs the logarithms of the model. The other way round, most logarithms are those of zero.",
        lambda logits, target: _exchanged(logits, target),
    ),
    Misconception(
        "entropy of the model",
        "The weights of the logarithms are the true probabilities, so only the target's logarithm counts.",
        lambda logits, target: -(np.exp(log_softmax(logits)) * log_softmax(logits)).sum(axis=1),
    ),
    Misconception(
        "logit taken for its logarithm",
        "A logit is not yet a log-probability: the softmax divides by a sum, and the logarithm of that sum is missing.",
        lambda logits, target: -_picked(logits, target),
    ),
    Misconception(
        "loss of the most probable symbol",
        "Each frame has a target of its own. The loss belongs to that symbol, and not to the most probable one.",
        lambda logits, target: -log_softmax(logits).max(axis=1),
    ),
)


def _exchanged(logits: NDArray, target: NDArray) -> NDArray:
    truth = np.eye(logits.shape[1])[target]
    y = np.exp(log_softmax(logits))
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(y * np.log(truth)).sum(axis=1)


# -- wrong ideas about the gradients of single frames


def _gradients(
    W: NDArray,
    b: NDArray,
    x: NDArray,
    target: NDArray,
    *,
    logits: Callable = lambda W, b, x: x @ W.T + b,
    errors: Callable = lambda errors: errors,
    outer: Callable = lambda errors, x: errors[:, :, None] * x[:, None, :],
    bias: Callable = lambda errors: errors,
) -> tuple[NDArray, NDArray]:
    """Differentiate each frame's loss of a linear layer with a softmax, with one decision changed."""
    found = errors(cross_entropy_gradient(logits(W, b, x), target))
    return outer(found, x), bias(found)


def _changed(**decision) -> Callable:
    return partial(_gradients, **decision)


def _from_errors(make: Callable) -> Callable:
    """Answer with errors of one's own making, from the logits and the targets."""

    def answer(W, b, x, target):
        found = make(x @ W.T + b, target)
        return found[:, :, None] * x[:, None, :], found

    return answer


def _one_hot(logits: NDArray, target: NDArray) -> NDArray:
    return np.eye(logits.shape[1])[target]


def _softmax(logits: NDArray) -> NDArray:
    return np.exp(log_softmax(logits))


def _target_row(logits: NDArray, target: NDArray) -> NDArray:
    return (_softmax(logits) - 1) * _one_hot(logits, target)


def _repeated(values: NDArray) -> NDArray:
    return np.repeat(values.sum(axis=0, keepdims=True), len(values), axis=0)


GRADIENT_MISCONCEPTIONS = (
    Misconception(
        "summed over time",
        "Each frame has its own gradient here. Your sum is that of the whole loss, in which the frames can no longer be "
        "told apart.",
        _changed(
            outer=lambda errors, x: (errors[:, :, None] * x[:, None, :]).sum(axis=0),
            bias=lambda errors: errors.sum(axis=0),
        ),
    ),
    Misconception(
        "the sum at every frame",
        "Each frame has its own gradient, which depends on its input and its target alone. Yours holds the total everywhere.",
        _changed(
            outer=lambda errors, x: _repeated(errors[:, :, None] * x[:, None, :]), bias=lambda errors: _repeated(errors)
        ),
    ),
    Misconception(
        "transposed outer product",
        "A gradient has the shape of its parameter: the rows of W belong to the symbols, its columns to the features.",
        _changed(outer=lambda errors, x: x[:, :, None] * errors[:, None, :]),
    ),
    Misconception(
        "one-hot minus softmax",
        "The sign is that of the direction in which the loss falls. The gradient points to where it rises.",
        _changed(errors=np.negative),
    ),
    Misconception(
        "divided by the number of frames",
        "The loss of a frame is not divided by anything, and neither is its gradient.",
        _changed(errors=lambda errors: errors / len(errors)),
    ),
    Misconception(
        "one taken off in the columns of all targets",
        "Indexing with all frames and the targets takes whole columns. Each frame has one target: pair frame t with the "
        "column of its own target.",
        _from_errors(lambda logits, target: _softmax(logits) - np.isin(np.arange(logits.shape[1]), target)),
    ),
    Misconception(
        "softmax without the target",
        "The derivative of the log of the sum is the softmax; the target's own logit contributes as well.",
        _from_errors(lambda logits, target: _softmax(logits)),
    ),
    Misconception(
        "gradient of the target's row only",
        "Raising any logit lowers the probability of the target: the rows of the other symbols have a gradient as well.",
        _from_errors(_target_row),
    ),
    Misconception(
        "logits minus one-hot",
        "The error is the difference of probabilities: the softmax comes between the logits and the target.",
        _from_errors(lambda logits, target: logits - _one_hot(logits, target)),
    ),
    Misconception(
        "one more factor from the softmax",
        "y − one-hot has the slope of the softmax in it already. The factor y (1 − y) belongs to the squared error.",
        _from_errors(lambda logits, target: (_softmax(logits) - _one_hot(logits, target)) * _softmax(logits) * (1 - _softmax(logits))),
    ),
    Misconception(
        "bias left out of the logits",
        "The probabilities are those of W x + b. Without b they belong to another network.",
        partial(_gradients, logits=lambda W, b, x: x @ W.T),
    ),
    Misconception(
        "softmax over the frames",
        "The probabilities of the symbols of one frame sum to one, and not those of one symbol over the frames.",
        _from_errors(lambda logits, target: _softmax(logits.T).T - _one_hot(logits, target)),
    ),
    Misconception(
        "input forgotten in the gradient of W",
        "A weight acts through its input: where the input is zero, the weight has no effect and no gradient.",
        _changed(outer=lambda errors, x: np.repeat(errors[:, :, None], x.shape[1], axis=2)),
    ),
    Misconception(
        "gradient of b multiplied by the input",
        "b acts on every frame alike, as if its input were 1: its gradient is the error itself.",
        lambda W, b, x, target: (
            _gradients(W, b, x, target)[0],
            cross_entropy_gradient(x @ W.T + b, target) * x.sum(axis=1, keepdims=True),
        ),
    ),
)  # fmt: skip


# -- wrong ideas about windows


def _blocks(
    x: NDArray, before: int, after: int, pad: Callable, order: Callable = list, side_by_side: Callable = np.hstack
) -> NDArray:
    """Set shifted copies of a padded sequence side by side, with one decision changed."""
    padded = pad(x, before, after)
    return side_by_side([padded[k : k + len(x)] for k in order(range(before + 1 + after))])


def _zeros(x: NDArray, before: int, after: int) -> NDArray:
    return np.pad(x, ((before, after), (0, 0)))


def _by_feature(blocks: list[NDArray]) -> NDArray:
    return np.stack(blocks, axis=2).reshape(len(blocks[0]), -1)


def _padded(mode: str) -> Callable:
    return lambda x, before, after: np.pad(x, ((before, after), (0, 0)), mode=mode)


def _zeros_in_front(x: NDArray, before: int, after: int) -> NDArray:
    return np.pad(x, ((before + after, 0), (0, 0)))


def _only_inside(x: NDArray, before: int, after: int) -> NDArray:
    return windows(x, before, after)[before : len(x) - after]


def _without_own(x: NDArray, before: int, after: int) -> NDArray:
    D = x.shape[1]
    return np.delete(windows(x, before, after), np.s_[before * D : (before + 1) * D], axis=1)


def _negative_indices(x: NDArray, before: int, after: int) -> NDArray:
    """Put zeros behind the last frame only; an index below zero counts from the end, and fails below −T."""
    T, D = x.shape
    rows = [[x[s] if s < T else np.zeros(D) for s in range(t - before, t + after + 1)] for t in range(T)]
    return np.array([np.concatenate(row) for row in rows])


def _wrapped_in_front(x: NDArray, before: int, after: int) -> NDArray:
    return np.pad(np.pad(x, ((before, 0), (0, 0)), mode="wrap"), ((0, after), (0, 0)))


def _without_last(x: NDArray, before: int, after: int) -> NDArray:
    return windows(x, before, after)[:, : (before + after) * x.shape[1]]


def _joined(answer: Callable) -> Callable:
    """Let an answer fail as joining no arrays at all does."""

    def joined(x, before, after):
        found = answer(x, before, after)
        return found if found.size else np.concatenate([])

    return joined


MINUS_ONE = "Before the first frame there is nothing, so zeros stand there. An index of −1 brings in the last frame."
OWN = "The window of a frame holds the frame itself, between those before and those after it."
ONE_MORE = "A window holds before + 1 + after frames: the last one that is asked for, t + after, belongs to it."

WINDOW_MISCONCEPTIONS = (
    Misconception("index below zero", MINUS_ONE, _negative_indices),
    Misconception(
        "wraps around the beginning",
        MINUS_ONE,
        lambda x, before, after: _blocks(x, before, after, _wrapped_in_front),
    ),
    Misconception(
        "newest first",
        "The window is asked for in the order of time: the oldest frame first, the newest last.",
        lambda x, before, after: _blocks(x, before, after, _zeros, lambda ks: reversed(ks)),
    ),
    Misconception(
        "wraps around the ends",
        "Before the first frame there is nothing, and not the last frame: rolling an array, or an index of −1, brings it in.",
        lambda x, before, after: _blocks(x, before, after, _padded("wrap")),
    ),
    Misconception(
        "edges repeated",
        "Outside of the sequence zeros are asked for, and not copies of its first and last frame.",
        lambda x, before, after: _blocks(x, before, after, _padded("edge")),
    ),
    Misconception(
        "before and after exchanged",
        "The frames before t are those with smaller indices. You look as far ahead as you should look back.",
        lambda x, before, after: windows(x, after, before),
    ),
    Misconception(
        "interleaved by feature",
        "A window is one whole frame after the other: all features of the oldest frame come first.",
        lambda x, before, after: _blocks(x, before, after, _zeros, side_by_side=_by_feature),
    ),
    Misconception(
        "only complete windows",
        "Every frame gets a window, also those near the ends: T rows go in and T rows come out.",
        _only_inside,
    ),
    Misconception(
        "own frame left out",
        OWN,
        _without_own,
    ),
    Misconception("own frame left out, so that without neighbours nothing is left", OWN, _joined(_without_own)),
    Misconception("last frame of the window left out", ONE_MORE, _without_last),
    Misconception(
        "last frame of the window left out, so that without neighbours nothing is left",
        ONE_MORE,
        _joined(_without_last),
    ),
    Misconception(
        "all zeros in front",
        "Zeros stand in for what lies before the first frame, and for what lies behind the last one. Yours never look ahead.",
        lambda x, before, after: _blocks(x, before, after, _zeros_in_front),
    ),
    Misconception(
        "neighbours added up",
        "The neighbours stand side by side, each in places of its own. A sum of them forgets which came first.",
        lambda x, before, after: sum(_blocks(x, before, after, _zeros, side_by_side=list)),
    ),
)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="2.1",
        title="cross-entropy from logits",
        points=3,
        function="frame_losses",
        outputs=(Output("the loss", ("t",)),),
        reference=cross_entropy,
        cases=_loss_cases,
        misconceptions=LOSS_MISCONCEPTIONS,
        asks_for=("losses.cross_entropy", "losses.frame_losses"),
    ),
    Exercise(
        id="2.2",
        title="the gradient of every frame",
        points=4,
        function="linear_frame_gradients",
        outputs=(Output("the gradient of W", ("t", "k", "d")), Output("the gradient of b", ("t", "k"))),
        reference=_gradients,
        cases=_gradient_cases,
        misconceptions=GRADIENT_MISCONCEPTIONS,
        asks_for=(
            "mlp.frame_gradients",
            "mlp.loss_and_gradients",
            "losses.cross_entropy_gradient",
            "losses.frame_losses",
        ),
    ),
    Exercise(
        id="2.3",
        title="windows",
        points=3,
        function="windowed",
        outputs=(Output("the windows", ("t", "feature")),),
        reference=windows,
        cases=_window_cases,
        misconceptions=WINDOW_MISCONCEPTIONS,
        asks_for=("mlp.windows", "data.column_windows"),
    ),
)
