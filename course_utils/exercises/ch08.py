"""Exercises of chapter 8: the Viterbi algorithm.

Most wrong ideas about a recurrence are one changed decision in it, so they are made here from one recurrence with
its decisions as parameters.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils import viterbi
from course_utils.alignment_training import occupancy
from course_utils.examples import (
    FORCED_ALIGNMENTS,
    LONG_ALIGNMENT,
    PASSABLE_ZEROS,
    STUCK_START,
    UTTERANCES,
    ForcedAlignment,
)
from course_utils.exercises.demands import little_memory
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.losses import log_softmax
from course_utils.posteriors import encode, log_probabilities

# -- cases


def _problem(example: ForcedAlignment) -> tuple[NDArray, NDArray]:
    return log_probabilities(example.y), encode(example.target)


WORKED_EXAMPLE = _problem(FORCED_ALIGNMENTS["worked example"])
GREEDY_FAILS = _problem(FORCED_ALIGNMENTS["frame by frame fails"])
_A = np.array([0.9, 0.01, 0.01, 0.01, 0.5, 0.99, 0.99, 0.01])
BACK_AND_FORTH = np.log(np.stack([_A, 1 - _A], axis=1)), np.array([0, 1])
LONG = _problem(LONG_ALIGNMENT)
LEADS_TOO_SOON = (
    log_probabilities([[0.4, 0.6], [0.3, 0.7], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]),
    np.array([0, 1]),
)
ALL_TIES = _problem(FORCED_ALIGNMENTS["all ties"])


def _random_problem(rng: np.random.Generator, T: int, K: int, A: int) -> tuple[NDArray, NDArray]:
    return np.log(rng.dirichlet(np.ones(A), T)), rng.integers(A, size=K)


def _alignment_cases(rng: np.random.Generator) -> list[Case]:
    with_zeros, in_order = _problem(PASSABLE_ZEROS)
    return [
        Case("worked example AB", WORKED_EXAMPLE),
        Case("the target starts with the last column", (with_zeros[:, ::-1], np.array([2, 1]))),
        Case("ABA, where the best symbol of each frame is not enough", GREEDY_FAILS),
        Case("the last symbol leads for a while, too soon", LEADS_TOO_SOON),
        Case("a long way back to the first symbol", BACK_AND_FORTH),
        Case("all ties", ALL_TIES),
        Case("a single symbol", (WORKED_EXAMPLE[0], np.array([0]))),
        Case("a single frame", (WORKED_EXAMPLE[0][:1], np.array([1]))),
        Case("as many symbols as frames", (GREEDY_FAILS[0][:3], np.array([0, 1, 0]))),
        Case("probabilities of zero", (with_zeros, in_order)),
        Case("equal neighbours, AAB", (LEADS_TOO_SOON[0], np.array([0, 0, 1]))),
        *(Case(f"random, {T} frames and {K} symbols", _random_problem(rng, T, K, 4)) for T, K in ((7, 3), (9, 5))),
    ]


def _table_cases(rng: np.random.Generator) -> list[Case]:
    return [*_alignment_cases(rng), Case("1200 frames, more than a product survives", LONG)]


def _trellis_cases(rng: np.random.Generator) -> list[Case]:
    return [Case(case.name, (viterbi.forward(*case.args)[0],)) for case in _alignment_cases(rng)]


def _training_cases(rng: np.random.Generator) -> list[Case]:
    W, (inputs, targets) = np.array(STUCK_START), UTTERANCES
    return [
        Case("inputs 0 0 0 1, target AB", (W, np.array(inputs[0]), np.array(targets[0]), 0.5)),
        Case("inputs 0 1 1 1, target AB", (W, np.array(inputs[1]), np.array(targets[1]), 0.5)),
        Case("a single symbol", (W, np.array([1, 0, 1]), np.array([1]), 0.5)),
        Case("a single frame", (W, np.array([1]), np.array([0]), 1.0)),
        *(
            Case(
                f"random, {T} frames, {K} symbols",
                (
                    rng.normal(size=(3, 4)),
                    rng.integers(3, size=T),
                    rng.integers(4, size=K),
                    rng.uniform(0.1, 1),
                ),
            )
            for T, K in ((6, 3), (8, 4))
        ),
    ]


# -- wrong ideas about the table


def _table(
    log_y: NDArray,
    target: NDArray,
    *,
    choose: Callable = np.maximum,
    join: Callable = np.add,
    impossible: float = -np.inf,
    wrap: bool = False,
    free_start: bool = False,
    by_position: bool = False,
    above_first: float | None = None,
    first_left_out: bool = False,
    position_0_left_out: bool = False,
    advance_in_frame: bool = False,
    skip: bool = False,
    stays_between_equal: bool = False,
    logarithm_again: bool = False,
    read: Callable = np.positive,
) -> NDArray:
    """Fill the table with one decision changed."""
    emitted = log_y[:, np.arange(len(target)) if by_position else target]
    if logarithm_again:
        with np.errstate(all="ignore"):
            emitted = np.log(emitted)
    equal = np.append(False, np.equal(target[1:], target[:-1]))
    V = np.full(emitted.shape, impossible)
    V[0] = emitted[0] if free_start else V[0]
    V[0, 0] = 0 if first_left_out else emitted[0, 0]
    for t in range(1, len(V)):
        ways = V[t - 1]
        for reach in (1, 2) if skip else (1,):
            moved = np.roll(V[t - 1], reach)
            if not wrap:
                moved[:reach] = impossible if not np.isfinite(impossible) else V[t - 1, :reach]
            if above_first is not None:
                moved[0] = above_first
            if stays_between_equal:
                moved[equal] = impossible
            ways = choose(ways, moved)
        V[t] = join(emitted[t], ways)
        if position_0_left_out:
            V[t, 0] = impossible
        if advance_in_frame:
            for i in range(1, V.shape[1]):
                V[t, i] = emitted[t, i] + max(V[t - 1, i], V[t, i - 1])
    return read(V)


def _changed(**decision) -> Callable:
    return partial(_table, **decision)


TABLE_MISCONCEPTIONS = (
    Misconception(
        "sum instead of max",
        "The table adds the probabilities of both ways in. That counts all paths; Viterbi keeps the better way only.",
        _changed(choose=np.logaddexp),
    ),
    Misconception(
        "wrapped index",
        "At position 0, index i − 1 is −1, and Python reads the last position. The first symbol has none before it.",
        _changed(wrap=True),
    ),
    Misconception(
        "free start",
        "In frame 0 the path can be at position 0 only; the later positions cannot be reached yet.",
        _changed(free_start=True),
    ),
    Misconception(
        "product of logarithms",
        "The inputs are logarithms already: multiplying probabilities is adding their logarithms.",
        _changed(join=np.multiply),
    ),
    Misconception(
        "position taken for symbol",
        "Position i is a place in the target. Which column of log_y its symbol has, the target says.",
        _changed(by_position=True),
    ),
    Misconception(
        "advance within a frame",
        "Advancing takes one frame: both ways into (t, i) come from frame t − 1, never from frame t itself.",
        _changed(advance_in_frame=True),
    ),
    Misconception(
        "zero for impossible",
        "Zero is the logarithm of one, that is, of certainty. The logarithm of probability zero is −∞.",
        _changed(impossible=0.0),
    ),
    Misconception(
        "skip over a symbol",
        "The path may stay or advance by one. A jump from i − 2 leaves a symbol of the target out.",
        _changed(skip=True),
    ),
    Misconception(
        "a large negative number for −∞",
        "−10⁹ is small, and still a number: cells that no path reaches hold it, and on long inputs it competes. A table may "
        "hold −∞ itself, and the maximum knows what to do with it.",
        _changed(impossible=-1e9),
    ),
    Misconception(
        "no advance between equal neighbours",
        "That is the rule of chapter 9, where a blank keeps equal symbols apart. Here a path may advance from any position.",
        _changed(stays_between_equal=True),
    ),
    Misconception(
        "logarithm taken twice",
        "log_y holds logarithms already. The logarithm of a negative number is not a number.",
        _changed(logarithm_again=True),
    ),
    Misconception(
        "probabilities returned",
        "Asked for are the logarithms of the scores, as the table of the stepper has them in its log domain: no exponential at the end.",
        _changed(read=np.exp),
    ),
    Misconception(
        "zero before the first symbol",
        "Zero is the logarithm of one. As a way into position 0 it lets the path begin anew at every frame, for free.",
        _changed(above_first=0.0),
    ),
    Misconception(
        "first frame left out",
        "The path passes through frame 0 as well: its probability belongs to the score.",
        _changed(first_left_out=True),
    ),
    Misconception(
        "position 0 never filled",
        "The path can stay at the first symbol for as long as it likes, so position 0 has a score at every frame.",
        _changed(position_0_left_out=True),
    ),
    Misconception(
        "products of probabilities",
        "Somewhere on the way probabilities are multiplied: after some thousand frames the product is exactly 0.",
        lambda log_y, target: np.log(viterbi.align_in_probabilities(np.exp(log_y), target)[0]),
    ),
)


# -- wrong ideas about the trace back


def _trace(
    trellis: NDArray,
    *,
    best_end: bool = False,
    same_frame: bool = False,
    wrap: bool = False,
    late: bool = False,
) -> NDArray:
    """Trace back with one decision changed."""
    T, K = trellis.shape
    path = np.zeros(T, dtype=int)
    path[-1] = trellis[-1].argmax() if best_end else K - 1
    for t in range(T - 1, 0, -1):
        i = path[t]
        frame = trellis[t] if same_frame else trellis[t - 1]
        before = frame[i - 1] if i > 0 or wrap else -np.inf
        path[t - 1] = i - (before >= frame[i] if late and i > 0 else before > frame[i])
    return path


def _moved_before_written(trellis: NDArray) -> NDArray:
    path = _trace(trellis)
    return np.append(path[0], path[:-1])


def _greedy_forward(trellis: NDArray) -> NDArray:
    path = np.zeros(len(trellis), dtype=int)
    for t, frame in enumerate(trellis[1:], start=1):
        i = path[t - 1]
        path[t] = i + (i + 1 < len(frame) and frame[i + 1] > frame[i])
    return path


TRACE_MISCONCEPTIONS = (
    Misconception(
        "ends where the last frame is best",
        "The path must have visited every symbol, so it ends at the last position, even where another cell is larger.",
        partial(_trace, best_end=True),
    ),
    Misconception(
        "compares cells of the same frame",
        "Which way led into (t, i) is decided by the two cells of frame t − 1 that it could have come from.",
        partial(_trace, same_frame=True),
    ),
    Misconception(
        "wrapped index",
        "At position 0, index i − 1 is −1, and Python reads the last position. There the path can only have stayed.",
        partial(_trace, wrap=True),
    ),
    Misconception(
        "ties go to advance",
        "Where both ways are equally good, this exercise asks to stay.",
        partial(_trace, late=True),
    ),
    Misconception(
        "path in reverse",
        "The path is found from its last frame to its first, but its first entry belongs to frame 0.",
        lambda trellis: _trace(trellis)[::-1],
    ),
    Misconception(
        "best cell of each frame",
        "The largest cells of the frames need not lie on one path. Follow the single path that ends in the last cell.",
        lambda trellis: trellis.argmax(axis=1),
    ),
    Misconception(
        "entry written after the move",
        "The position that the table gives for frame t belongs into entry t; the move leads to entry t − 1.",
        _moved_before_written,
    ),
    Misconception(
        "forward instead of back",
        "From the start one cannot know which way pays off later. The table is read from its last cell backwards.",
        _greedy_forward,
    ),
)


# -- wrong ideas about the score in little memory


def _one_column(log_y: NDArray, target: NDArray, *, upwards: bool = False, wrap: bool = False) -> float:
    """Update a single column with one decision changed."""
    column = np.full(len(target), -np.inf)
    column[0] = log_y[0, target[0]]
    for frame in log_y[1:]:
        for i in range(len(target)) if upwards else reversed(range(len(target))):
            column[i] = frame[target[i]] + max(column[i], column[i - 1] if i or wrap else -np.inf)
    return column[-1]


def _from_table(read: Callable = lambda V: V[-1, -1], **decision) -> Callable:
    return lambda log_y, target: read(_table(log_y, target, **decision))


def _by_products(log_y: NDArray, target: NDArray) -> float:
    return np.log(viterbi.align_in_probabilities(np.exp(log_y), target)[0][-1, -1])


SCORE_MISCONCEPTIONS = (
    Misconception(
        "ascending update of one column",
        "Updating i upwards overwrites entry i − 1 with frame t before entry i has read frame t − 1. Think about the order.",
        partial(_one_column, upwards=True),
    ),
    Misconception(
        "sum instead of max",
        "The column adds the probabilities of both ways in. That scores all paths together, not the best one.",
        _from_table(choose=np.logaddexp),
    ),
    Misconception(
        "best of the last column",
        "A path must end at the last symbol: the score is the last entry, not the largest one.",
        _from_table(lambda V: V[-1].max()),
    ),
    Misconception(
        "zero for impossible",
        "Zero is the logarithm of one, that is, of certainty. Cells out of reach start at −∞.",
        _from_table(impossible=0.0),
    ),
    Misconception(
        "products of probabilities",
        "Somewhere on the way probabilities are multiplied: after some thousand frames the product is exactly 0. Add logarithms.",
        _by_products,
    ),
    Misconception(
        "wrapped index",
        "For i = 0, index i − 1 is −1, and Python reads the last entry. The first symbol has none before it.",
        partial(_one_column, wrap=True),
    ),
    Misconception(
        "wrapped index in a table",
        "For i = 0, index i − 1 is −1, and Python reads the last entry. The first symbol has none before it.",
        _from_table(wrap=True),
    ),
    Misconception(
        "zero before the first symbol",
        "Zero is the logarithm of one. As a way into position 0 it lets the path begin anew at every frame, for free.",
        _from_table(above_first=0.0),
    ),
)


# -- wrong ideas about a training step


def _step(weights, x, target, learning_rate, **mistakes: bool) -> tuple[NDArray, float]:
    """One step of Viterbi training; ``mistakes`` name the decisions that are changed."""
    log_y = log_softmax(weights[x])
    y, frames = np.exp(log_y), np.arange(len(x))
    aligned = viterbi.align(log_y, target)
    labels = aligned.path if "positions" in mistakes else aligned.labels
    labels = log_y.argmax(axis=1) if "unconstrained" in mistakes else labels
    loss = -log_y[frames, labels].sum()
    wanted = np.zeros_like(y)
    wanted[frames, labels] = 1
    if "soft" in mistakes:
        gamma, total = occupancy(log_y, target)
        wanted, loss = np.zeros_like(y), -total
        np.add.at(wanted.T, target, gamma.T)
    error = y - wanted
    if "sparse" in mistakes:
        error = -wanted
    elif "path only" in mistakes:
        error = (y - 1) * wanted
    elif "probabilities" in mistakes:
        error = -wanted / y
    elif mistakes.keys() & {"mean", "mean gradient"}:
        error = error / len(x)
    loss = loss / len(x) if mistakes.keys() & {"mean", "mean loss"} else loss
    gradient = np.zeros_like(weights)
    if "overwrite" in mistakes:
        gradient[x] = error
    else:
        np.add.at(gradient, x, error)
    new_weights = weights + (learning_rate if "ascent" in mistakes else -learning_rate) * gradient
    if "late loss" in mistakes:
        loss = -log_softmax(new_weights[x])[frames, labels].sum()
    return new_weights, loss


def _training(mistake: str) -> Callable:
    return partial(_step, **{mistake: True})


TRAINING_MISCONCEPTIONS = (
    Misconception(
        "alignment without the target",
        "The best symbol of each frame ignores the target, so the model is taught what it already believes. Align first.",
        _training("unconstrained"),
    ),
    Misconception(
        "gradient on the path only",
        "Raising one logit lowers the probability of all others: the gradient with respect to the logits is not zero there.",
        _training("sparse"),
    ),
    Misconception(
        "gradient of the path's own logit only",
        "y − 1 is right for the symbol on the path. The others have a gradient as well: their probability must fall.",
        _training("path only"),
    ),
    Misconception(
        "gradient with respect to probabilities",
        "−1/y is the gradient with respect to y. The weights are logits: the softmax in between changes it.",
        _training("probabilities"),
    ),
    Misconception(
        "lost updates",
        "Several frames show the same type of input. Assigning through an index array keeps only the last of them; they must add up.",
        _training("overwrite"),
    ),
    Misconception("gradient ascent", "The loss is to become smaller: step against the gradient.", _training("ascent")),
    Misconception(
        "mean over frames",
        "The loss asked for is the sum over the frames, and its gradient is a sum as well.",
        _training("mean"),
    ),
    Misconception(
        "mean over frames in the gradient",
        "The loss is a sum over the frames, so its gradient is a sum as well, without division by their number.",
        _training("mean gradient"),
    ),
    Misconception(
        "mean over frames in the loss",
        "The loss asked for is the sum over the frames; the step is right.",
        _training("mean loss"),
    ),
    Misconception(
        "loss after the step",
        "The loss asked for is the one before the step: that of the model which was aligned.",
        _training("late loss"),
    ),
    Misconception(
        "positions taken for labels",
        "The path holds positions in the target; the symbols that they stand for are its labels.",
        _training("positions"),
    ),
    Misconception(
        "all paths instead of the best",
        "Weighting every path by its probability is the other way of training. Here the best path is taken for the truth.",
        _training("soft"),
    ),
)


EXERCISES = (
    Exercise(
        id="8.1",
        title="the forward table",
        points=3,
        function="viterbi_forward",
        outputs=(Output("the table", ("t", "i")),),
        reference=lambda log_y, target: viterbi.forward(log_y, target)[0],
        cases=_table_cases,
        misconceptions=TABLE_MISCONCEPTIONS,
        asks_for=(
            "viterbi.forward",
            "viterbi.align",
            "viterbi.align_checked",
            "viterbi.align_in_probabilities",
            "trellis.fill_trellis",
        ),
    ),
    Exercise(
        id="8.2",
        title="the trace back",
        points=2,
        function="trace_back",
        outputs=(Output("the path", ("t",), backward=True),),
        reference=lambda trellis: viterbi.trace_back(viterbi.back_pointers(trellis)),
        cases=_trellis_cases,
        misconceptions=TRACE_MISCONCEPTIONS,
        asks_for=("viterbi.trace_back", "viterbi.back_pointers"),
    ),
    Exercise(
        id="8.3",
        title="the score in O(K) memory",
        points=2,
        function="viterbi_score",
        outputs=(Output("the score"),),
        reference=viterbi.align_score,
        cases=_table_cases,
        misconceptions=SCORE_MISCONCEPTIONS,
        asks_for=(
            "viterbi.align_score",
            "viterbi.forward",
            "viterbi.align",
            "viterbi.align_checked",
            "viterbi.align_in_probabilities",
            "trellis.fill_trellis",
        ),
        demand=little_memory,
    ),
    Exercise(
        id="8.4",
        title="one step of Viterbi training",
        points=3,
        function="viterbi_training_step",
        outputs=(Output("the new weights", ("type", "symbol")), Output("the loss")),
        reference=_step,
        cases=_training_cases,
        misconceptions=TRAINING_MISCONCEPTIONS,
        asks_for=("alignment_training.train",),
    ),
)
