"""Exercises of chapter 6: reading without an alignment, and the probability of a string.

Most wrong ideas are one changed decision in a right answer, so they are made here from one function an exercise.
"""

from collections.abc import Callable
from functools import partial
from itertools import groupby, pairwise, product

import numpy as np
from numpy.typing import NDArray

from course_utils.alignment import compress
from course_utils.examples import BEST_LABELS_LOSE, READINGS
from course_utils.exercises.demands import is_counter_example
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.naive_decoding import probability

# -- cases


def _reads(labels: str, A: int = 3) -> NDArray[np.float64]:
    """Return probabilities whose best symbols are these columns, all as sure as one another."""
    y = np.full((len(labels), A), 0.4 / (A - 1))
    y[np.arange(len(labels)), [int(k, 36) for k in labels]] = 0.6
    return y


def _decoder_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("0 0 1 1 1 2, in runs", (_reads("001112"),)),
        Case("0 1 0, a symbol that comes back", (_reads("010"),)),
        Case("0 1 1 0 0, the last symbol is the first one", (_reads("01100"),)),
        Case("2 2 0 1, not in the order of the columns", (_reads("2201"),)),
        Case("one symbol in all frames", (_reads("1111"),)),
        Case("a single frame", (_reads("2"),)),
        Case("twelve columns", (_reads("aab0b", 12),)),
        Case("ties, where the first column counts", (np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.4, 0.2, 0.4]]),)),
        Case("no symbol above one half", (np.array([[0.4, 0.3, 0.3], [0.2, 0.35, 0.45], [0.3, 0.4, 0.3]]),)),
        Case("single precision", (_reads("0220").astype(np.float32),)),
        *(Case(f"random, {T} frames", (rng.dirichlet(np.ones(3), T),)) for T in (12, 20)),
    ]


def _probability_cases(rng: np.random.Generator) -> list[Case]:
    slow, lose, unsure = (
        READINGS[name].y for name in ("one word, said slowly", "the best labels lose", "one unsure frame")
    )
    mixed = np.array([[0.1, 0.9], [0.5, 0.5], [1.0, 0.0], [0.25, 0.75]])
    return [
        Case("0 1 in three frames", (lose, np.array([0, 1]))),
        Case("0 1 0 in three frames, one sequence", (lose, np.array([0, 1, 0]))),
        Case("0 1 2 in five frames", (slow, np.array([0, 1, 2]))),
        Case("a symbol that comes back", (unsure, np.array([0, 1, 0]))),
        Case("a single symbol", (slow, np.array([1]))),
        Case("equal neighbours, which no sequence spells", (unsure, np.array([0, 0]))),
        Case("more symbols than frames", (lose, np.array([0, 1, 0, 1]))),
        Case("an empty string", (lose, np.array([], dtype=int))),
        Case("a single frame", (slow[:1], np.array([2]))),
        Case("a probability of zero", (mixed, np.array([1, 0, 1]))),
        *(
            Case(f"random, {T} frames", (rng.dirichlet(np.ones(3), T), np.array(string)))
            for T, string in ((5, [2, 0]), (6, [1, 2, 1, 0]))
        ),
    ]


# -- wrong ideas about the naive decoder


def _seen(labels: list[int]) -> list[int]:
    return list(dict.fromkeys(labels))


def _wrapped(labels: list[int]) -> list[int]:
    return [k for t, k in enumerate(labels) if k != labels[t - 1]]


def _read(y: NDArray, *, best: Callable = lambda y: y.argmax(axis=1), merge: Callable = compress) -> list[int]:
    return list(merge(best(np.asarray(y)).tolist()))


def _last_of_equals(y: NDArray) -> NDArray:
    return y.shape[1] - 1 - y[:, ::-1].argmax(axis=1)


def _above_half(y: NDArray) -> NDArray:
    return y.argmax(axis=1)[y.max(axis=1) > 0.5]


DECODER_MISCONCEPTIONS = (
    Misconception(
        "each symbol once",
        "A symbol may come back: in 0 1 0 the second 0 has no equal neighbour. Only equal neighbours merge.",
        partial(_read, merge=_seen),
    ),
    Misconception(
        "a sorted set of symbols",
        "A set forgets the order and how often a symbol comes. The string is read from left to right.",
        partial(_read, merge=lambda labels: sorted(set(labels))),
    ),
    Misconception(
        "no merging",
        "This is one symbol for each frame. Equal neighbours become one symbol of the string.",
        partial(_read, merge=list),
    ),
    Misconception(
        "first symbol compared with the last",
        "At frame 0, index t − 1 is −1, and Python reads the last frame. The first symbol has none before it: it always stays.",
        partial(_read, merge=_wrapped),
    ),
    Misconception(
        "first symbol lost",
        "Comparing each frame with the one before finds where a symbol changes. The first one is there without a change.",
        partial(_read, merge=lambda labels: [b for a, b in pairwise(labels) if a != b]),
    ),
    Misconception(
        "only symbols that stay",
        "A symbol that is best in a single frame is read as well; no run is too short.",
        partial(_read, merge=lambda labels: [k for k, run in groupby(labels) if len(list(run)) > 1]),
    ),
    Misconception(
        "best frame of each symbol",
        "y has a row for each frame: ask each row for its best column, not each column for its best row.",
        partial(_read, best=lambda y: y.argmax(axis=0)),
    ),
    Misconception(
        "last of equals",
        "Where columns are equally probable, the first of them counts here.",
        partial(_read, best=_last_of_equals),
    ),
    Misconception(
        "one half as a threshold",
        "The best symbol of a frame need not have more than one half; every frame has one.",
        partial(_read, best=_above_half),
    ),
)


# -- wrong ideas about the probability of a string


def _summed(
    y: NDArray,
    string: NDArray,
    *,
    spells: Callable = compress,
    over: Callable = sum,
    joined: Callable = np.prod,
) -> float:
    """Enumerate all label sequences with one decision changed."""
    wanted = spells(np.asarray(string).tolist()) if spells is not compress else tuple(np.asarray(string).tolist())
    T, A = np.shape(y)
    found = [
        float(joined([y[t][k] for t, k in enumerate(labels)]))
        for labels in product(range(A), repeat=T)
        if spells(labels) == wanted
    ]
    return over(found) if found else 0.0


def _on_the_grid(y: NDArray, string: NDArray) -> float:
    """Sum over paths, equal neighbours or not."""
    if len(string) == 0:
        return 0.0
    alive = np.zeros(len(string))
    alive[0] = y[0, string[0]]
    for row in y[1:]:
        alive = row[string] * (alive + np.append(0.0, alive[:-1]))
    return float(alive[-1])


def _may_end_early(y: NDArray, string: NDArray) -> float:
    wanted = tuple(np.asarray(string).tolist())
    T, A = np.shape(y)
    return sum(
        float(np.prod([y[t][k] for t, k in enumerate(labels)]))
        for labels in product(range(A), repeat=T)
        if (read := compress(labels)) == wanted[: len(read)]
    )


PROBABILITY_MISCONCEPTIONS = (
    Misconception(
        "the best sequence alone",
        "That is the probability of one way to spell the string. Other sequences spell it as well: add them up.",
        partial(_summed, over=max),
    ),
    Misconception(
        "a mean instead of the sum",
        "The sequences exclude one another, so the probability that one of them happens is the sum of theirs.",
        partial(_summed, over=np.mean),
    ),
    Misconception(
        "how many sequences",
        "This counts the sequences. Each one has a probability, the product over its frames, and these are added up.",
        partial(_summed, over=len),
    ),
    Misconception(
        "sums along a sequence",
        "Along one sequence the frames all happen together: multiply. Only between sequences do you add.",
        partial(_summed, joined=np.sum),
    ),
    Misconception(
        "logarithm of the sum",
        "The probability itself is asked for, not its logarithm.",
        partial(_summed, over=lambda found: float(np.log(sum(found)))),
    ),
    Misconception(
        "a set of symbols",
        "Which symbols occur is not enough: they have to be there in the order of the string, and as often.",
        partial(_summed, spells=lambda labels: set(labels)),
    ),
    Misconception(
        "paths where there is no sequence",
        "Two equal neighbours of the string would have merged: no sequence of labels spells them, so the probability is 0.",
        _on_the_grid,
    ),
    Misconception(
        "the string may end early",
        "A sequence counts if all of its frames together spell the whole string, not a beginning of it.",
        _may_end_early,
    ),
)


# -- a counter-example


def _counter_example() -> NDArray[np.float64]:
    return np.array(BEST_LABELS_LOSE)


COUNTER_EXAMPLE_MISCONCEPTIONS = (
    Misconception(
        "frames that are sure",
        "Where the frames are sure, one sequence has nearly all of the probability, and its string with it. Be in doubt.",
        lambda: [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]],
    ),
    Misconception(
        "the same sure frame three times",
        "All frames agree here, and so does every sequence that counts. Let the other symbol come closer.",
        lambda: [[0.9, 0.1]] * 3,
    ),
    Misconception(
        "logarithms instead of probabilities",
        "Probabilities are asked for: they lie between 0 and 1, and each frame sums to 1.",
        lambda: np.log(BEST_LABELS_LOSE),
    ),
    Misconception(
        "a row for each symbol",
        "Time comes first: a row for each frame, a column for each symbol.",
        lambda: np.transpose(BEST_LABELS_LOSE),
    ),
    Misconception(
        "certain frames",
        "Where a frame is certain nothing competes: a single sequence has all of the probability. Leave room for others.",
        lambda: [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
    ),
    Misconception(
        "two frames",
        "Three frames are asked for: a table of three rows.",
        lambda: [[0.6, 0.4], [0.6, 0.4]],
    ),
    Misconception(
        "percentages",
        "Probabilities lie between 0 and 1: write 0.6 for 60 per cent.",
        lambda: 100 * np.array(BEST_LABELS_LOSE),
    ),
    Misconception(
        "weights that do not sum to one",
        "Divide each row by its sum; then it holds the probabilities of one frame.",
        lambda: [[3.0, 2.0], [2.0, 3.0], [3.0, 2.0]],
    ),
)


EXERCISES = (
    Exercise(
        id="6.1", title="the naive decoder", points=3, function="naive_decode",
        outputs=(Output("the string", ("i",)),), reference=_read, cases=_decoder_cases,
        misconceptions=DECODER_MISCONCEPTIONS, asks_for=("naive_decoding.decode", "naive_decoding.strings", "decoding.greedy"),
    ),
    Exercise(
        id="6.2", title="the probability of a string", points=4, function="string_probability",
        outputs=(Output("the probability"),), reference=probability, cases=_probability_cases,
        misconceptions=PROBABILITY_MISCONCEPTIONS, asks_for=("naive_decoding.probability", "naive_decoding.strings", "naive_decoding.decode"),
    ),
    Exercise(
        id="6.3", title="a counter-example", points=3, function="counter_example",
        outputs=(Output("the table", ("t", "k")),), reference=_counter_example,
        cases=lambda rng: [Case("your table", ())], misconceptions=COUNTER_EXAMPLE_MISCONCEPTIONS, accepts=is_counter_example,
    ),
)  # fmt: skip
