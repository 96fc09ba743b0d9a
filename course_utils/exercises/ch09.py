"""Exercises of chapter 9: connectionist temporal classification.

As in chapter 8, most wrong ideas are one changed decision in a right answer, so they are made here from one function
an exercise, with its decisions as parameters. The backward table is the forward table of all that is reversed.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_utils import decoding
from course_utils.ctc import collapse, extend, forward_backward, may_skip
from course_utils.examples import CTC_Y
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.posteriors import log_probabilities

# -- cases

BLANK_LAST = np.roll(CTC_Y, -1, axis=1)
HELLO = np.array([2, 2, 0, 1, 3, 3, 0, 3, 4])  # hh-ell-lo, with the columns - e h l o
DOUBLED = np.array([[0.1, 0.8, 0.1], [0.55, 0.35, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.25, 0.65, 0.1]])
ZEROS = np.array([[0.5, 0.5, 0], [0.2, 0.8, 0], [0, 0.4, 0.6], [0.3, 0, 0.7]])
EQUAL = np.full((400, 27), 1 / 27)
COIN = np.tile([0.505, 0.495], (1100, 1))  # one symbol only: where nothing is pruned, the strings still do not explode


def _ints(*values: int) -> NDArray[np.intp]:
    return np.array(values, dtype=np.intp)


def _random_target(rng: np.random.Generator, L: int, A: int, blank: int) -> NDArray:
    return rng.choice(np.delete(np.arange(A), blank), size=L)


def _path_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("hh-ell-lo", (HELLO, 0)),
        Case("a symbol that comes back", (_ints(1, 2, 2, 1), 0)),
        Case("equal symbols around blanks", (_ints(0, 1, 0, 0, 1, 1, 0), 0)),
        Case("the blank is the last column", (_ints(2, 0, 0, 2, 0, 1, 2), 2)),
        Case("nothing but blanks", (_ints(1, 1, 1), 1)),
        Case("column numbers of one digit and of two", (_ints(1, 1, 0, 11, 11, 1, 0, 12, 2), 0)),
        Case("a single frame", (_ints(2), 0)),
        Case("an empty path", (_ints(), 0)),
        *(Case(f"random, blank {blank}", (rng.integers(3, size=30), blank)) for blank in range(3)),
    ]


def _target_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("ab", (_ints(1, 2), 0)),
        Case("hello", (_ints(2, 1, 3, 3, 4), 0)),
        Case("aba", (_ints(1, 2, 1), 0)),
        Case("the blank is the last column", (_ints(1, 0, 0), 2)),
        Case("the same symbol three times", (_ints(2, 2, 2), 1)),
        Case("column numbers of one digit and of two", (_ints(1, 11, 1, 12, 2), 0)),
        Case("a single symbol", (_ints(1), 0)),
        Case("an empty target", (_ints(), 0)),
        *(Case(f"random, {L} symbols", (_random_target(rng, L, 4, 3), 3)) for L in (6, 9)),
    ]


def _problems(rng: np.random.Generator) -> list[tuple[str, NDArray, NDArray, int]]:
    """Name, probabilities, target, blank. All probabilities are above zero, as a softmax makes them."""
    randoms = []
    for T, L, blank in ((7, 3, 1), (9, 4, 3), (8, 2, 0)):
        y, target = rng.dirichlet(np.ones(4), T), _random_target(rng, L, 4, blank)
        randoms.append((f"random, {T} frames and {L} symbols", y, target, blank))
    return [
        ("worked example ab", CTC_Y, _ints(1, 2), 0),
        ("aa, with a blank in between", CTC_Y, _ints(1, 1), 0),
        ("a single symbol", CTC_Y, _ints(1), 0),
        ("the blank is the middle column", CTC_Y, _ints(2, 2), 1),
        ("the blank is the last column", BLANK_LAST, _ints(1, 0), 2),
        ("an empty target", CTC_Y, _ints(), 0),
        ("a single frame", CTC_Y[:1], _ints(2), 0),
        ("a single frame and an empty target", CTC_Y[:1], _ints(), 0),
        ("as many frames as aab needs", CTC_Y, _ints(1, 1, 2), 0),
        ("one frame too few for aab", CTC_Y[:3], _ints(1, 1, 2), 0),
        ("fewer frames than symbols", CTC_Y[:2], _ints(1, 1, 2), 0),
        *randoms,
        ("400 frames of 27 equal symbols, more than a product survives", EQUAL, np.arange(1, 11), 0),
    ]


def _table_cases(rng: np.random.Generator) -> list[Case]:
    return [
        *(Case(name, (np.log(y), target, blank)) for name, y, target, blank in _problems(rng)),
        Case("probabilities of zero", (log_probabilities(ZEROS), _ints(1, 2), 0)),
        Case("zeros that forbid the target", (log_probabilities(ZEROS), _ints(2, 1), 0)),
    ]


def _gradient_cases(rng: np.random.Generator) -> list[Case]:
    return [
        *(Case(name, (y, target, blank)) for name, y, target, blank in _problems(rng)),
        Case("a frame that is sure, and wrong", (np.array([[0.998, 0.001, 0.001]]), _ints(1), 0)),
    ]


def _search_cases(rng: np.random.Generator) -> list[Case]:
    problems = [
        *((f"worked example, width {width}", CTC_Y, 0, width) for width in (100, 3, 2, 1)),
        ("a doubled symbol", DOUBLED, 0, 3),
        ("the blank is the last column", BLANK_LAST, 2, 3),
        ("a single frame", CTC_Y[1:2], 0, 2),
        ("probabilities of zero", ZEROS, 0, 2),
        *(
            (f"random, {T} frames, width {width}", rng.dirichlet(np.ones(4), T), blank, width)
            for T, blank, width in ((6, 0, 3), (7, 2, 4), (8, 3, 10))
        ),
        ("1100 frames, more than a product survives", COIN, 0, 1),
    ]
    return [Case(name, (log_probabilities(y), blank, width)) for name, y, blank, width in problems]


# -- wrong ideas about collapsing


def _collapsed(path: NDArray, blank: int, *, idea: str) -> NDArray:
    """Collapse with one decision changed."""
    if idea == "removes first":
        path = path[path != blank]
    changes = np.ones(len(path), dtype=bool)
    changes[1:] = path[1:] != path[:-1]
    if idea == "first lost":
        changes[:1] = False
    elif idea == "wrap":
        changes[:1] = path[:1] != path[-1:]
    elif idea == "seen":
        changes = np.isin(np.arange(len(path)), np.unique(path, return_index=True)[1])
    elif idea == "no merging":
        changes[:] = True
    shown = path != (0 if idea == "column 0" else blank)
    return path[changes & (shown | (idea == "blanks kept"))]


def _as_text(path: NDArray, blank: int) -> list[int]:
    """Write the numbers side by side and collapse their digits."""
    text = "".join(map(str, path))
    kept = [c for t, c in enumerate(text) if t == 0 or c != text[t - 1]]
    return [int(c) for c in kept if c != str(blank)]


JOINED = "Joined to a text, 11 and 1 1 look alike. Columns are numbers and may have two digits: keep them in a list."
COLUMN_0 = "Which column is the blank's is an argument. It need not be column 0, which may well be a symbol's."

COLLAPSE_MISCONCEPTIONS = (
    Misconception(
        "blanks removed first",
        "Two equal symbols are one only where they are neighbours in the path. What keeps a doubled symbol apart is the "
        "blank in between, so it must still be there when neighbours are compared.",
        partial(_collapsed, idea="removes first"),
    ),
    Misconception(
        "nothing merged",
        "A symbol may last for several frames. Equal neighbours are one symbol.",
        partial(_collapsed, idea="no merging"),
    ),
    Misconception(
        "blanks kept",
        "The blank says that a frame shows no symbol. It is not part of the string.",
        partial(_collapsed, idea="blanks kept"),
    ),
    Misconception(
        "every repetition dropped",
        "A symbol may come back later in the string. Only equal neighbours are merged.",
        partial(_collapsed, idea="seen"),
    ),
    Misconception(
        "first frame left out",
        "The first frame has no neighbour before it, so there is nothing that it could repeat.",
        partial(_collapsed, idea="first lost"),
    ),
    Misconception(
        "wrapped index",
        "At t = 0, index t − 1 is −1, and Python reads the last frame. The first frame has no neighbour before it.",
        partial(_collapsed, idea="wrap"),
    ),
    Misconception("blank taken for column 0", COLUMN_0, partial(_collapsed, idea="column 0")),
    Misconception("column numbers joined to a text", JOINED, _as_text),
)


# -- wrong ideas about the extended sequence


def _from_2_on(extended: NDArray) -> NDArray:
    return np.arange(len(extended)) >= 2


def _equal_too(extended: NDArray, blank: int) -> NDArray:
    return _from_2_on(extended) & (extended != blank)


def _blank_0(extended: NDArray, blank: int) -> NDArray:
    return may_skip(extended, 0)


def _blanks_too(extended: NDArray, blank: int) -> NDArray:
    return may_skip(extended, blank) | (_from_2_on(extended) & (extended == blank))


def _everywhere(extended: NDArray, blank: int) -> NDArray:
    return _from_2_on(extended)


def _never(extended: NDArray, blank: int) -> NDArray:
    return np.zeros(len(extended), dtype=bool)


def _wrapped(extended: NDArray, blank: int) -> NDArray:
    return (extended != np.roll(extended, 2)) & (extended != blank)


def _extended(
    target: NDArray, blank: int, *, rule: Callable = may_skip, keep: slice = slice(None)
) -> tuple[NDArray, NDArray]:
    """Extend with another rule for skips, or keep a part only."""
    extended = extend(target, blank)[keep]
    return extended, rule(extended, blank)


def _extended_as_text(target: NDArray, blank: int) -> tuple[NDArray, NDArray]:
    """Write the numbers side by side and put the blank around each digit."""
    return _extended(np.array([int(c) for c in "".join(map(str, target))], dtype=np.intp), blank)


EQUAL_TOO = "Over the blank between two equal symbols there is no skip: without it they would be merged into one."
BLANKS_TOO = "A blank may be left out, a symbol may not. From one blank the next is reached through the symbol only."
SKIP_EVERYWHERE = "Two things forbid a skip: a state that is a blank, and a symbol that equals the one before."
NO_SKIP = "A blank between two different symbols may be left out, so their state is entered over it as well."

EXTEND_MISCONCEPTIONS = (
    Misconception("skip between equal symbols", EQUAL_TOO, partial(_extended, rule=_equal_too)),
    Misconception("skip over a symbol", BLANKS_TOO, partial(_extended, rule=_blanks_too)),
    Misconception(
        "skip everywhere",
        SKIP_EVERYWHERE,
        partial(_extended, rule=_everywhere),
    ),
    Misconception("no skip", NO_SKIP, partial(_extended, rule=_never)),
    Misconception(
        "wrapped index",
        "State 1 has no state two before it, so it cannot be entered from there: index −1 is the last state.",
        partial(_extended, rule=_wrapped),
    ),
    Misconception(
        "wrapped index at i = 0 too",
        "For the first two states, index i − 2 is negative, and Python counts it from the end. They have no state two before.",
        partial(_extended, rule=lambda extended, blank: extended != extended[np.arange(len(extended)) - 2]),
    ),
    Misconception(
        "skip marked where it starts",
        "What is asked is whether state i may be entered from i − 2, not whether i + 2 may be entered from it.",
        partial(_extended, rule=lambda extended, blank: np.append(may_skip(extended, blank), [False, False])[2:]),
    ),
    Misconception(
        "no blanks at the ends",
        "A path may begin and end with blanks, so there is one in front of the first symbol and one behind the last.",
        partial(_extended, keep=slice(1, -1)),
    ),
    Misconception(
        "no blank at the end",
        "A path may end with blanks, so there is one behind the last symbol too; an empty target has that one alone.",
        partial(_extended, keep=slice(0, -1)),
    ),
    Misconception("blank taken for column 0", COLUMN_0, lambda target, blank: _extended(target, 0)),
    Misconception("column numbers joined to a text", JOINED, _extended_as_text),
)


# -- wrong ideas about the tables


class _Arithmetic(NamedTuple):
    """What zero, one, times and plus of probabilities are, and the way from logarithms to them and back."""

    zero: float = -np.inf
    one: float = 0.0
    times: Callable = np.add
    plus: Callable = lambda *ways: reduce(np.logaddexp, ways)
    read: Callable = np.positive
    write: Callable = np.positive


def _unordered(*ways: NDArray) -> NDArray:
    return reduce(lambda a, b: a + np.log1p(np.exp(b - a)), ways)


def _unguarded(*ways: NDArray) -> NDArray:
    top = reduce(np.maximum, ways)
    return top + np.log(sum(np.exp(way - top) for way in ways))


def _outside(*ways: NDArray) -> NDArray:
    return np.log(sum(map(np.exp, ways)))


LOGARITHMS = _Arithmetic()
PRODUCTS = _Arithmetic(0.0, 1.0, np.multiply, lambda *ways: sum(ways), np.exp, np.log)
PROBABILITIES = PRODUCTS._replace(write=np.positive)
MAXIMA = _Arithmetic(plus=lambda *ways: reduce(np.maximum, ways))


def _fill(
    e: NDArray,
    skip: NDArray,
    arithmetic: _Arithmetic,
    *,
    starts: slice = slice(2),
    wrap: bool = False,
    first_twice: bool = False,
    first_two_left_out: bool = False,
) -> tuple[NDArray, NDArray]:
    """Sum over the ways into each state with one decision changed: with the frame's own probability, and without."""
    zero, one, times, plus = arithmetic[:4]
    incoming = np.full(e.shape, zero)
    incoming[0, starts] = e[0, starts] if first_twice else one
    alpha = times(incoming, e)
    for t in range(1, len(e)):
        advance = np.roll(alpha[t - 1], 1)
        advance[:1] = advance[:1] if wrap else zero
        over = np.where(skip, np.roll(alpha[t - 1], 2), zero)
        incoming[t] = plus(alpha[t - 1], advance, over)
        if first_two_left_out:
            incoming[t, :2] = zero
        alpha[t] = times(incoming[t], e[t])
    return alpha, incoming


def _forward(
    log_y: NDArray,
    target: NDArray,
    blank: int,
    *,
    rule: Callable = may_skip,
    arithmetic: _Arithmetic = LOGARITHMS,
    ends: Callable = lambda S: range(max(S - 2, 0), S),
    read_p: Callable = np.positive,
    **decision,
) -> tuple[NDArray, float]:
    """Run the forward algorithm with one decision changed; ``ends`` says in which of S states a path may end."""
    extended = extend(target, blank)
    alpha, _ = _fill(arithmetic.read(log_y[:, extended]), rule(extended, blank), arithmetic, **decision)
    log_p = arithmetic.write(arithmetic.plus(*alpha[-1, ends(alpha.shape[1])]))
    return arithmetic.write(alpha), read_p(log_p)


MAX = "That follows the best path alone, as Viterbi does. CTC adds up the probabilities of all paths."
UNDERFLOW = (
    "Somewhere on the way a product of probabilities, or an exponential, has become 0: after some hundred frames a float "
    "cannot hold it. Stay with the logarithms."
)
NOT_LOGARITHMS = "What is asked for are natural logarithms: the logarithm of a probability of 1 is 0, that of 0 is −∞."
OUTSIDE = "The exponential of a large negative number is exactly 0. Take the largest summand out before."
SUMMED = "Adding two logarithms multiplies the probabilities. What is wanted is the logarithm of the sum."
BLANK_0_SKIPS = "Where a blank may be skipped depends on which column is the blank's: tell the rule for skips as well."

FORWARD_MISCONCEPTIONS = (
    Misconception("skip between equal symbols", EQUAL_TOO, partial(_forward, rule=_equal_too)),
    Misconception("skip over a symbol", BLANKS_TOO, partial(_forward, rule=_blanks_too)),
    Misconception("skip everywhere", SKIP_EVERYWHERE, partial(_forward, rule=_everywhere)),
    Misconception("no skip", NO_SKIP, partial(_forward, rule=_never)),
    Misconception(
        "wrapped index at i = 1",
        "At i = 1, index i − 2 is −1, and Python reads the last state. Nothing skips into the first symbol.",
        partial(_forward, rule=_wrapped),
    ),
    Misconception(
        "wrapped index at i = 0",
        "At i = 0, index i − 1 is −1, and Python reads the last state. The only way into the first blank is to stay there.",
        partial(_forward, wrap=True),
    ),
    Misconception(
        "wrapped index at i = 0 and at i = 1",
        "Negative indices count from the end in Python. State 0 can only be stayed in, and nothing skips into state 1.",
        partial(_forward, rule=_wrapped, wrap=True),
    ),
    Misconception(
        "empty target counted twice",
        "An empty target has a single state, so there is no last but one: the index goes round to the same state.",
        partial(_forward, ends=lambda S: [S - 1, S - 2]),
    ),
    Misconception(
        "log-sum in any order",
        "This form of the sum of two logarithms wants the larger one first, and breaks where both are −∞.",
        partial(_forward, arithmetic=_Arithmetic(plus=_unordered)),
    ),
    Misconception(
        "log-sum of −∞ alone",
        "Where no path leads, all ways in are −∞, and −∞ minus −∞ is not a number. Their sum is −∞ as well.",
        partial(_forward, arithmetic=_Arithmetic(plus=_unguarded)),
    ),
    Misconception("sum outside the logarithms", OUTSIDE, partial(_forward, arithmetic=_Arithmetic(plus=_outside))),
    Misconception("logarithms added", SUMMED, partial(_forward, arithmetic=_Arithmetic(plus=lambda *ways: sum(ways)))),
    Misconception("probabilities returned", NOT_LOGARITHMS, partial(_forward, arithmetic=PROBABILITIES)),
    Misconception(
        "P instead of ln P",
        "The table is right. The second value asked for is the logarithm of the probability.",
        partial(_forward, read_p=np.exp),
    ),
    Misconception(
        "the loss instead of ln P",
        "The table is right. The second value asked for is ln P; the loss is its negative.",
        partial(_forward, read_p=np.negative),
    ),
    Misconception("max instead of sum", MAX, partial(_forward, arithmetic=MAXIMA)),
    Misconception(
        "ends in the last blank only",
        "The path may also end in the last symbol, without a blank behind it: both ends belong to P.",
        partial(_forward, ends=lambda S: [S - 1]),
    ),
    Misconception(
        "ends anywhere",
        "A path that ends before the last symbol spells the beginning of the target only. Two states may be the last.",
        partial(_forward, ends=range),
    ),
    Misconception(
        "starts in the blank only",
        "The path may also start with the first symbol at once: two states are possible in frame 0.",
        partial(_forward, starts=slice(1)),
    ),
    Misconception(
        "free start",
        "In frame 0 the path can be in the first blank or in the first symbol; later states cannot be reached yet.",
        partial(_forward, starts=slice(None)),
    ),
    Misconception("products of probabilities", UNDERFLOW, partial(_forward, arithmetic=PRODUCTS)),
    Misconception("blank taken for column 0", COLUMN_0, lambda log_y, target, blank: _forward(log_y, target, 0)),
    Misconception("skips without the blank's column", BLANK_0_SKIPS, partial(_forward, rule=_blank_0)),
)


def _backward(
    log_y: NDArray,
    target: NDArray,
    blank: int,
    *,
    rule: Callable = may_skip,
    arithmetic: _Arithmetic = LOGARITHMS,
    own: bool = False,
    shift: int = 0,
    left: bool = False,
    **decision,
) -> NDArray:
    """Run the backward algorithm with one decision changed.

    ``own`` multiplies by the state that is left, not by the one that is entered; ``shift`` moves the probabilities by
    some frames; ``left`` asks the rule for skips about the state that is left.
    """
    extended = extend(target, blank)
    e = np.roll(arithmetic.read(log_y[:, extended]), shift, axis=0)
    if shift < 0:
        e[shift:] = arithmetic.one
    skip = rule(extended, blank)[::-1]
    skip = _from_2_on(skip) & (skip if left else np.roll(skip, 2))
    alpha, incoming = _fill(e[::-1, ::-1], skip, arithmetic, **decision)
    return arithmetic.write(alpha if own else incoming)[::-1, ::-1]


BACKWARD_MISCONCEPTIONS = (
    Misconception(
        "frame's own probability included",
        "Here beta counts what comes after frame t. The probability of frame t itself is in alpha already.",
        partial(_backward, own=True),
    ),
    Misconception(
        "probability of frame t",
        "The step leads to frame t + 1, so the symbol that is entered has the probability of that frame.",
        partial(_backward, shift=1),
    ),
    Misconception(
        "symbol of the state that is left",
        "Each way on enters a state of its own, so each has the probability of that state's symbol.",
        partial(_backward, own=True, shift=-1),
    ),
    Misconception(
        "starts with the last frame's probability",
        "Behind the last frame nothing is left to be emitted: the probability of nothing at all is one.",
        partial(_backward, first_twice=True),
    ),
    Misconception("skip between equal symbols", EQUAL_TOO, partial(_backward, rule=_equal_too)),
    Misconception("skip over a symbol", BLANKS_TOO, partial(_backward, rule=_blanks_too)),
    Misconception("skip everywhere", SKIP_EVERYWHERE, partial(_backward, rule=_everywhere)),
    Misconception("no skip", NO_SKIP, partial(_backward, rule=_never)),
    Misconception(
        "skip asked of the state that is left",
        "Whether a skip is allowed depends on the state that it enters, two further on.",
        partial(_backward, left=True),
    ),
    Misconception(
        "ends in the last blank only",
        "The path may also end in the last symbol, without a blank behind it: two states of the last frame count.",
        partial(_backward, starts=slice(1)),
    ),
    Misconception(
        "ends anywhere",
        "A path that ends before the last symbol spells the beginning of the target only. Two states may be the last.",
        partial(_backward, starts=slice(None)),
    ),
    Misconception(
        "wrapped index",
        "Behind the last state there is none. Here the index goes round, and the path begins the target once more.",
        partial(_backward, wrap=True),
    ),
    Misconception(
        "last two states left out",
        "The path may stay in the last states for as long as it likes, so they have values at every frame.",
        partial(_backward, first_two_left_out=True),
    ),
    Misconception("max instead of sum", MAX, partial(_backward, arithmetic=MAXIMA)),
    Misconception("products of probabilities", UNDERFLOW, partial(_backward, arithmetic=PRODUCTS)),
    Misconception("blank taken for column 0", COLUMN_0, lambda log_y, target, blank: _backward(log_y, target, 0)),
    Misconception("skips without the blank's column", BLANK_0_SKIPS, partial(_backward, rule=_blank_0)),
    Misconception("probabilities returned", NOT_LOGARITHMS, partial(_backward, arithmetic=PROBABILITIES)),
    Misconception("one for the logarithm of one", NOT_LOGARITHMS, partial(_backward, arithmetic=_Arithmetic(one=1.0))),
)


# -- wrong ideas about the gradient


def _gradients(y: NDArray, target: NDArray, blank: int, *, idea: str = "") -> tuple[NDArray, NDArray]:
    """Both gradients; ``idea`` names the decision that is changed."""
    found = forward_backward(np.log(y), target, 0 if idea == "column 0" else blank)
    if found.log_p == -np.inf and idea not in ("nan", "outside", "y remains"):
        return np.zeros_like(y), np.zeros_like(y)
    gamma = found.gamma
    if idea == "nan":
        gamma = np.exp(found.alpha + found.beta - found.log_p)
    elif idea == "outside":
        gamma = np.exp(found.alpha) * np.exp(found.beta) / np.exp(found.log_p)
    elif idea == "ln P":
        gamma = np.exp(found.alpha + found.beta) / found.log_p
    elif idea == "no P":
        gamma = gamma * np.exp(found.log_p)
    elif idea == "sum over y":
        gamma = gamma / (gamma / y[:, found.extended]).sum(axis=1, keepdims=True)
    occupancy = np.zeros_like(y)
    for i, k in enumerate(found.extended):  # a product of matrices would spread what is not a number
        occupancy[:, k] += gamma[:, i]
    if idea == "overwrite":
        occupancy[:, found.extended] = gamma
    elif idea == "no blank":
        occupancy[:, blank] = 0
    wrt_y = -occupancy if idea == "no 1/y" else -occupancy / y
    others = {"one term": -occupancy, "same": wrt_y, "1/y twice": y - occupancy / y}
    logits = others.get(idea, y - occupancy)
    if idea == "first ascent":
        return -wrt_y, logits
    return (-wrt_y, -logits) if idea == "ascent" else (wrt_y, logits)


GRADIENT_MISCONCEPTIONS = (
    Misconception(
        "no division by y",
        "That is the gradient with respect to ln y. The probability itself is a factor of alpha × beta, which differentiating takes away.",
        partial(_gradients, idea="no 1/y"),
    ),
    Misconception(
        "division by y for the logits too",
        "The softmax multiplies by y again: its derivative takes the division back, so the logits see none of it.",
        partial(_gradients, idea="1/y twice"),
    ),
    Misconception(
        "sum of alpha × beta / y taken for P",
        "beta leaves the frame's own probability out, so alpha × beta has it once and adds up to P as it is.",
        partial(_gradients, idea="sum over y"),
    ),
    Misconception(
        "states of one symbol overwritten",
        "Several states show the same symbol, the blank above all. Assigning keeps the last of them; they must add up.",
        partial(_gradients, idea="overwrite"),
    ),
    Misconception(
        "not divided by P",
        "The loss is a logarithm, and the derivative of ln P has P in its denominator.",
        partial(_gradients, idea="no P"),
    ),
    Misconception(
        "divided by ln P",
        "log_p is the logarithm of P. Dividing by P is subtracting it from the logarithms, before the exponential.",
        partial(_gradients, idea="ln P"),
    ),
    Misconception(
        "gradient of ln P",
        "The loss is −ln P: where more probability raises P, it lowers the loss.",
        partial(_gradients, idea="ascent"),
    ),
    Misconception(
        "sign of the first gradient",
        "The loss is −ln P: more probability for a symbol on the way lowers it, so no entry of the first gradient is positive.",
        partial(_gradients, idea="first ascent"),
    ),
    Misconception(
        "one term of the softmax",
        "A logit changes the probabilities of all symbols, since they sum to one. y times the derivative by y is one term of two.",
        partial(_gradients, idea="one term"),
    ),
    Misconception(
        "the same gradient twice",
        "The logits stand before the softmax, the probabilities behind it: their gradients differ.",
        partial(_gradients, idea="same"),
    ),
    Misconception(
        "the blank left out",
        "The blank is emitted as any symbol is, and its states have an occupancy too.",
        partial(_gradients, idea="no blank"),
    ),
    Misconception(
        "y where the target does not fit",
        "Where no path fits, nothing can be learned: both gradients are asked to be zero, that of the logits too.",
        partial(_gradients, idea="y remains"),
    ),
    Misconception(
        "0/0 where the target does not fit",
        "Where no path fits, P is zero and cannot be divided by. Both gradients are asked to be zero there.",
        partial(_gradients, idea="nan"),
    ),
    Misconception(
        "out of the logarithms too soon",
        "alpha, beta and P are too small for a float; their quotient is not. Combine the logarithms first.",
        partial(_gradients, idea="outside"),
    ),
    Misconception("blank taken for column 0", COLUMN_0, partial(_gradients, idea="column 0")),
)


# -- wrong ideas about prefix beam search


def _search(
    log_y: NDArray,
    blank: int,
    width: int,
    *,
    arithmetic: _Arithmetic = LOGARITHMS,
    stays: str = "s",
    extends: str = "b",
    overwrite: bool = False,
    rank: Callable | None = None,
    report: Callable | None = None,
    begins: tuple[int, int] = (1, 0),
    read_p: Callable = np.positive,
) -> tuple[tuple[int, ...], float]:
    """Search with one decision changed.

    ``stays`` and ``extends`` say which of a prefix's two scores, b in a blank and s in a symbol, go with its last symbol
    shown once more to the prefix itself, and to the prefix that has the symbol twice.
    """
    zero, one, times, plus = arithmetic[:4]
    rank, report = rank or plus, report or plus
    alive = [((), [one if begun else zero for begun in begins])]
    for p in arithmetic.read(log_y):
        ways = []
        for prefix, (b, s) in alive:
            given = {"": zero, "b": b, "s": s, "bs": plus(b, s)}
            ways.append((prefix, 0, times(given["bs"], p[blank])))
            for k in np.delete(np.arange(len(p)), blank).tolist():
                again = prefix[-1:] == (k,)
                ways.append(((*prefix, k), 1, times(given[extends if again else "bs"], p[k])))
                if again:
                    ways.append((prefix, 1, times(given[stays], p[k])))
        scores = {prefix: [zero, zero] for prefix, _, _ in ways}
        for prefix, end, score in ways:
            scores[prefix][end] = score if overwrite else plus(scores[prefix][end], score)
        alive = sorted(scores.items(), key=lambda item: rank(*item[1]), reverse=True)[:width]
    prefix, ends = max(alive, key=lambda item: plus(*item[1]))
    return prefix, read_p(arithmetic.write(report(*ends)))


def _best(search: Callable, log_y: NDArray, blank: int, width: int) -> tuple[tuple[int, ...], float]:
    first = search(log_y, blank, width)[0]
    return first.labels, first.log_p


SEARCH_MISCONCEPTIONS = (
    Misconception(
        "one score for each prefix",
        "Whether a repeated symbol is a new one depends on a blank before it. A prefix needs two scores: one for the "
        "paths that end in a blank, one for those that end in its last symbol.",
        partial(_search, stays="bs", extends=""),
    ),
    Misconception(
        "a repeated symbol always extends",
        "Without a blank before it, the symbol lasts one frame more, and the prefix stays as it is.",
        partial(_search, stays="", extends="bs"),
    ),
    Misconception(
        "a repeated symbol never extends",
        "After a blank the same symbol is a new one, and the prefix grows by it.",
        partial(_search, extends=""),
    ),
    Misconception(
        "a doubled symbol without a blank",
        "Only paths that end in a blank can go on to the same symbol once more. The others would be merged.",
        partial(_search, extends="bs"),
    ),
    Misconception(
        "merged across a blank",
        "Only paths that end in the symbol stay in the prefix when it is shown again. After a blank it is a new one.",
        partial(_search, stays="bs"),
    ),
    Misconception(
        "found again and overwritten",
        "A prefix can be reached from itself and from the prefix before it. Both ways count: add them up.",
        partial(_search, overwrite=True),
    ),
    Misconception(
        "both scores of the empty prefix begin with one",
        "Before the first frame nothing has been read, which counts as ending in a blank. A logarithm of 0 for the other score "
        "is a second certainty, and every probability comes out twice.",
        partial(_search, begins=(1, 1)),
    ),
    Misconception(
        "no score of the empty prefix begins with one",
        "Before the first frame the empty prefix is certain: one of its two probabilities is 1, and its logarithm 0.",
        partial(_search, begins=(0, 0)),
    ),
    Misconception(
        "P instead of ln P",
        "The string is right. The second value asked for is the logarithm of its probability.",
        partial(_search, read_p=np.exp),
    ),
    Misconception(
        "paths pruned instead of prefixes",
        "The paths of one string compete with one another here. Add up what is the same prefix at every frame, then prune.",
        lambda *args: _best(decoding.beam_search, *args),
    ),
    Misconception(
        "best path alone",
        "The most probable path need not spell the most probable string: the paths of another may weigh more together.",
        lambda log_y, blank, width: (decoding.greedy(log_y, blank), log_y.max(axis=1).sum()),
    ),
    Misconception(
        "nothing pruned",
        "Only the best prefixes survive a frame, as many as the width says. Without that their number explodes.",
        lambda log_y, blank, width: _best(decoding.prefix_beam_search, log_y, blank, 10**6),
    ),
    Misconception(
        "pruned by the better score",
        "How good a prefix is, both of its scores say together: rank by their sum.",
        partial(_search, rank=np.maximum),
    ),
    Misconception(
        "the better score reported",
        "The string may end in a blank or in its last symbol: its probability is the sum of both scores.",
        partial(_search, report=np.maximum),
    ),
    Misconception("products of probabilities", UNDERFLOW, partial(_search, arithmetic=PRODUCTS)),
    Misconception(
        "blank taken for column 0",
        COLUMN_0,
        lambda log_y, blank, width: _best(decoding.prefix_beam_search, log_y, 0, width),
    ),
)


EXERCISES = (
    Exercise(
        id="9.1",
        title="collapse",
        points=1,
        function="collapse_path",
        outputs=(Output("the string", ("k",)),),
        reference=collapse,
        cases=_path_cases,
        misconceptions=COLLAPSE_MISCONCEPTIONS,
        asks_for=("ctc.collapse", "collapsing.collapse_in_stages"),
    ),
    Exercise(
        id="9.2",
        title="the extended sequence",
        points=1,
        function="extended_sequence",
        outputs=(Output("the extended sequence", ("i",)), Output("the row of skips", ("i",))),
        reference=_extended,
        cases=_target_cases,
        misconceptions=EXTEND_MISCONCEPTIONS,
        asks_for=("ctc.extend", "ctc.may_skip"),
    ),
    Exercise(
        id="9.3",
        title="the forward table",
        points=2,
        function="ctc_forward",
        outputs=(Output("the table", ("t", "i")), Output("the log-probability")),
        reference=lambda *args: (forward_backward(*args).alpha, forward_backward(*args).log_p),
        cases=_table_cases,
        misconceptions=FORWARD_MISCONCEPTIONS,
        asks_for=(
            "ctc.forward_backward",
            "ctc.forward_backward_unchecked",
            "ctc_loss.loss_and_gradient",
            "ctc_loss.batch_loss_and_gradient",
        ),
    ),
    Exercise(
        id="9.4",
        title="the backward table",
        points=2,
        function="ctc_backward",
        outputs=(Output("the table", ("t", "i"), backward=True),),
        reference=lambda *args: forward_backward(*args).beta,
        cases=_table_cases,
        misconceptions=BACKWARD_MISCONCEPTIONS,
        asks_for=("ctc.forward_backward", "ctc.forward_backward_unchecked"),
    ),
    Exercise(
        id="9.5",
        title="the gradient",
        points=2,
        function="ctc_gradients",
        outputs=(
            Output("the gradient with respect to the probabilities", ("t", "k")),
            Output("the gradient with respect to the logits", ("t", "k")),
        ),
        reference=_gradients,
        cases=_gradient_cases,
        misconceptions=GRADIENT_MISCONCEPTIONS,
        asks_for=(
            "ctc.ForwardBackward.gradient",
            "ctc.ForwardBackward.symbol_posterior",
            "ctc_loss.loss_and_gradient",
            "ctc_loss.batch_loss_and_gradient",
        ),
    ),
    Exercise(
        id="9.6",
        title="prefix beam search",
        points=2,
        function="prefix_beam",
        outputs=(Output("the best string", ("k",)), Output("its log-probability")),
        reference=lambda *args: _best(decoding.prefix_beam_search, *args),
        cases=_search_cases,
        misconceptions=SEARCH_MISCONCEPTIONS,
        asks_for=("decoding.prefix_beam_search", "decoding.best_string", "beam_trace.search", "beam_trace.trace_beam"),
    ),
)
