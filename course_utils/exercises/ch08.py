"""Exercises of chapter 8: the Viterbi algorithm.

Most wrong ideas about a recurrence are one changed decision in it, so they are made here from one recurrence with
its decisions as parameters.
"""

import tracemalloc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_utils import viterbi
from course_utils.alignment import log_probabilities
from course_utils.alignment_training import log_softmax, occupancy
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output

# -- cases

WORKED_EXAMPLE = log_probabilities([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]), np.array([0, 1])
GREEDY_FAILS = (
    log_probabilities([[0.4, 0.6], [0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2]]),
    np.array([0, 1, 0]),
)
LEADS_TOO_SOON = (
    log_probabilities([[0.4, 0.6], [0.3, 0.7], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]),
    np.array([0, 1]),
)
ALL_TIES = np.log(np.full((6, 3), 1 / 3)), np.array([0, 1, 2])


def _random_problem(rng: np.random.Generator, T: int, K: int, A: int) -> tuple[NDArray, NDArray]:
    return np.log(rng.dirichlet(np.ones(A), T)), rng.integers(A, size=K)


def _alignment_cases(rng: np.random.Generator) -> list[Case]:
    with_zeros = log_probabilities([[0.5, 0.5, 0], [0.2, 0.8, 0], [0, 0.4, 0.6], [0, 0.1, 0.9]])
    return [
        Case("worked example AB", WORKED_EXAMPLE),
        Case("ABA, where the best symbol of each frame is not enough", GREEDY_FAILS),
        Case("the last symbol leads for a while, too soon", LEADS_TOO_SOON),
        Case("all ties", ALL_TIES),
        Case("a single symbol", (WORKED_EXAMPLE[0], np.array([0]))),
        Case("a single frame", (WORKED_EXAMPLE[0][:1], np.array([1]))),
        Case("as many symbols as frames", (GREEDY_FAILS[0][:3], np.array([0, 1, 0]))),
        Case("probabilities of zero", (with_zeros, np.array([0, 1, 2]))),
        Case("the target starts with the last column", (with_zeros[:, ::-1], np.array([2, 1]))),
        *(Case(f"random, {T} frames and {K} symbols", _random_problem(rng, T, K, 4)) for T, K in ((7, 3), (9, 5))),
    ]


def _score_cases(rng: np.random.Generator) -> list[Case]:
    long = np.tile(np.log([0.5, 0.3, 0.2]), (1200, 1))
    return [
        *_alignment_cases(rng),
        Case("1200 frames, more than a product survives", (long, np.array([0, 1, 2]))),
    ]


def _trellis_cases(rng: np.random.Generator) -> list[Case]:
    return [Case(case.name, (viterbi.forward(*case.args)[0],)) for case in _alignment_cases(rng)]


def _training_cases(rng: np.random.Generator) -> list[Case]:
    W = np.array([[0.0, 2.0], [1.5, 0.0]])
    return [
        Case("inputs 0 0 0 1, target AB", (W, np.array([0, 0, 0, 1]), np.array([0, 1]), 0.5)),
        Case("inputs 0 1 1 1, target AB", (W, np.array([0, 1, 1, 1]), np.array([0, 1]), 0.5)),
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
    by_row: bool = False,
    advance_in_frame: bool = False,
    skip: bool = False,
) -> NDArray:
    """Fill the table with one decision changed."""
    emitted = log_y[:, np.arange(len(target)) % log_y.shape[1] if by_row else target]
    V = np.full(emitted.shape, impossible)
    V[0] = emitted[0] if free_start else V[0]
    V[0, 0] = emitted[0, 0]
    for t in range(1, len(V)):
        ways = V[t - 1]
        for reach in (1, 2) if skip else (1,):
            moved = np.roll(V[t - 1], reach)
            if not wrap:
                moved[:reach] = impossible if not np.isfinite(impossible) else V[t - 1, :reach]
            ways = choose(ways, moved)
        V[t] = join(emitted[t], ways)
        if advance_in_frame:
            for i in range(1, V.shape[1]):
                V[t, i] = emitted[t, i] + max(V[t - 1, i], V[t, i - 1])
    return V


def _changed(**decision) -> Callable:
    return lambda log_y, target: _table(log_y, target, **decision)


TABLE_MISCONCEPTIONS = (
    Misconception(
        "sum instead of max",
        "The table adds the probabilities of both ways in. That counts all paths; Viterbi keeps the better way only.",
        _changed(choose=np.logaddexp),
    ),
    Misconception(
        "wrapped index",
        "In row 0, index i − 1 is −1, and Python reads the last row. The first symbol has no row above it.",
        _changed(wrap=True),
    ),
    Misconception(
        "free start",
        "In frame 0 the path may be at the first symbol only; the rows below cannot be reached yet.",
        _changed(free_start=True),
    ),
    Misconception(
        "product of logarithms",
        "The inputs are logarithms already: multiplying probabilities is adding their logarithms.",
        _changed(join=np.multiply),
    ),
    Misconception(
        "row number taken for symbol",
        "Row i stands for position i of the target. Which column of log_y belongs to it, the target says.",
        _changed(by_row=True),
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
        row = trellis[t] if same_frame else trellis[t - 1]
        above = row[i - 1] if i > 0 or wrap else -np.inf
        advance = above >= row[i] if late and i > 0 else above > row[i]
        path[t - 1] = (i - advance) % K
    return path


TRACE_MISCONCEPTIONS = (
    Misconception(
        "ends where the last frame is best",
        "The path must have visited every symbol, so it ends at the last position, even where another cell is larger.",
        lambda trellis: _trace(trellis, best_end=True),
    ),
    Misconception(
        "compares cells of the same frame",
        "Which way led into (t, i) is decided by the two cells of frame t − 1 that it could have come from.",
        lambda trellis: _trace(trellis, same_frame=True),
    ),
    Misconception(
        "wrapped index",
        "In row 0, index i − 1 is −1, and Python reads the last row. From the first symbol the path can only have stayed.",
        lambda trellis: _trace(trellis, wrap=True),
    ),
    Misconception(
        "ties go to advance",
        "Where both ways are equally good, this exercise asks to stay. Only a strictly better advance is taken.",
        lambda trellis: _trace(trellis, late=True),
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
)


# -- wrong ideas about the score in little memory


def _ascending(log_y: NDArray, target: NDArray) -> float:
    column = np.full(len(target), -np.inf)
    column[0] = log_y[0, target[0]]
    for frame in log_y[1:]:
        for i, k in enumerate(target):
            column[i] = frame[k] + max(column[i], column[i - 1] if i else -np.inf)
    return column[-1]


def _from_table(read: Callable = lambda V: V[-1, -1], **decision) -> Callable:
    return lambda log_y, target: read(_table(log_y, target, **decision))


def _by_products(log_y: NDArray, target: NDArray) -> float:
    return np.log(viterbi.align_in_probabilities(np.exp(log_y), target)[0][-1, -1])


SCORE_MISCONCEPTIONS = (
    Misconception(
        "ascending update of one column",
        "Updating i upwards overwrites entry i − 1 with frame t before entry i has read frame t − 1. Think about the order.",
        _ascending,
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
        "Somewhere on the way probabilities are multiplied: after some hundreds of frames the product is exactly 0. Add logarithms.",
        _by_products,
    ),
    Misconception(
        "wrapped index",
        "For i = 0, index i − 1 is −1, and Python reads the last entry. The first symbol has nothing above it.",
        _from_table(wrap=True),
    ),
)


def _little_memory(answer: Callable) -> str | None:
    """Ask for O(K): far less than the T × K numbers of the whole table."""
    T, K = 3000, 40
    log_y = np.log(np.random.default_rng(0).dirichlet(np.ones(K), T))
    target = np.arange(K)
    tracemalloc.start()
    try:
        answer(log_y, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    table = T * K * 8
    if peak < table / 4:
        return None
    return (
        f"The scores are right, but for {T} frames and {K} symbols it held {peak / 1e6:.1f} MB at once, and the "
        f"whole table takes {table / 1e6:.1f} MB. Keep one column; log_y[:, target] is a table of that size too."
    )


# -- wrong ideas about a training step


def _step(weights, x, target, learning_rate, *, hidden: str = "") -> tuple[NDArray, float]:
    """One step of Viterbi training; ``hidden`` names the decision that is changed."""
    log_y = log_softmax(weights[x])
    y, frames = np.exp(log_y), np.arange(len(x))
    labels = log_y.argmax(axis=1) if hidden == "unconstrained" else viterbi.align(log_y, target).labels
    loss = -log_y[frames, labels].sum()
    wanted = np.zeros_like(y)
    wanted[frames, labels] = 1
    if hidden == "soft":
        gamma, total = occupancy(log_y, target)
        wanted, loss = np.zeros_like(y), -total
        np.add.at(wanted.T, target, gamma.T)
    error = y - wanted
    if hidden == "sparse":
        error = -wanted
    elif hidden == "probabilities":
        error = -wanted / y
    elif hidden == "mean":
        error = error / len(x)
    gradient = np.zeros_like(weights)
    if hidden == "overwrite":
        gradient[x] = error
    else:
        np.add.at(gradient, x, error)
    return weights + (learning_rate if hidden == "ascent" else -learning_rate) * gradient, loss


def _training(hidden: str) -> Callable:
    return lambda *args: _step(*args, hidden=hidden)


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
        cases=_alignment_cases,
        misconceptions=TABLE_MISCONCEPTIONS,
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
    ),
    Exercise(
        id="8.3",
        title="the score in O(K) memory",
        points=2,
        function="viterbi_score",
        outputs=(Output("the score"),),
        reference=viterbi.align_score,
        cases=_score_cases,
        misconceptions=SCORE_MISCONCEPTIONS,
        demand=_little_memory,
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
    ),
)
