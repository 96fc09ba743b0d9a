"""Exercises of chapter 1: structures of sequences.

A report shows no arguments, so the name of each case of exercise 1.3 describes its table in words.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from course_utils.alignment import adjacent_repeats
from course_utils.ctc import fewest_frames
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output

ZERO = 1e-12  # strengths below count as none
ONE_TO_ONE, MANY_TO_ONE, ONE_TO_MANY, CAUSAL, FULL, OTHER = range(6)

# -- cases: one to many

FEEDS = ("every step", "start", "fed back")


def _weights(rng: np.random.Generator, D: int, width: int, A: int) -> tuple[NDArray, ...]:
    shapes = ((width, D), (width, width), (A, width), (width, A))
    return tuple(rng.normal(0, 0.8, shape) for shape in shapes)


def _generator_cases(rng: np.random.Generator) -> list[Case]:
    small = tuple(np.array([[w]]) for w in (1.0, 0.7, 1.0, 0.5))
    cases = []
    for feed in FEEDS:
        cases.append(Case(f"one unit, {feed}", (np.array([0.5]), 4, feed, *small)))
        cases.append(Case(f"a single output, {feed}", (rng.normal(size=2), 1, feed, *_weights(rng, 2, 3, 2))))
        cases.append(Case(f"random weights, {feed}", (rng.normal(size=3), 6, feed, *_weights(rng, 3, 4, 2))))
    return cases


def _generate(
    x: NDArray,
    T: int,
    feed: str,
    W_xh: NDArray,
    W_hh: NDArray,
    W_hy: NDArray,
    W_yh: NDArray,
    *,
    input_stays_on: bool = False,
    input_beside_feedback: bool = False,
    fed_back_late: bool = False,
    feedback_left_out: bool = False,
    first_state_shown: bool = False,
    state_forgotten: bool = False,
    feedback_instead_of_state: bool = False,
    squashed_output: bool = False,
    linear: bool = False,
    initial: Callable | None = None,
    initial_feeds: tuple[str, ...] = FEEDS,
    initial_shown: bool = False,
) -> NDArray[np.float64]:
    """Generate T outputs, with the decisions of the loop as parameters.

    ``initial`` makes the initial state out of W_xh x, for ``initial_feeds``, and x does not enter at t = 0 again.
    With ``initial_shown`` that state counts as the one after t = 0.
    """
    entered = initial is not None and feed in initial_feeds
    h = initial(W_xh @ x) if entered else np.zeros(len(W_hh))
    y_before = y = np.zeros(len(W_hy))
    outputs = [W_hy @ h] if first_state_shown or initial_shown else []
    y = outputs[0] if initial_shown else y
    for t in range(int(initial_shown), T):
        on = feed == "every step" or (t == 0 and not entered) or (input_stays_on and feed == "start")
        on = on or (input_beside_feedback and feed == "fed back")
        back = feed == "fed back" and t > 0
        z = W_xh @ x if on else np.zeros(len(h))
        if not (state_forgotten or (feedback_instead_of_state and back)):
            z = z + W_hh @ h
        if back and not feedback_left_out:
            z = z + W_yh @ (y_before if fed_back_late else y)
        h = z if linear else np.tanh(z)
        y_before, y = y, np.tanh(W_hy @ h) if squashed_output else W_hy @ h
        outputs.append(y)
    return np.array(outputs[:T])


def _loop(**decision) -> Callable:
    return partial(_generate, **decision)


X_ENTERS = "Here the initial state is zero, and x goes in through the tanh at t = 0."

GENERATOR_MISCONCEPTIONS = (
    Misconception("x taken for the initial state", X_ENTERS, _loop(initial=lambda z: z)),
    Misconception("x, after a tanh, taken for the initial state", X_ENTERS, _loop(initial=np.tanh)),
    Misconception(
        "x taken for the initial state, except with “every step”",
        X_ENTERS,
        _loop(initial=lambda z: z, initial_feeds=FEEDS[1:]),
    ),
    Misconception(
        "x, after a tanh, taken for the initial state, except with “every step”",
        X_ENTERS,
        _loop(initial=np.tanh, initial_feeds=FEEDS[1:]),
    ),
    Misconception(
        "x taken for the initial state with “start” alone",
        X_ENTERS,
        _loop(initial=lambda z: z, initial_feeds=FEEDS[1:2]),
    ),
    Misconception(
        "x, after a tanh, taken for the initial state with “start” alone",
        X_ENTERS,
        _loop(initial=np.tanh, initial_feeds=FEEDS[1:2]),
    ),
    Misconception(
        "x taken for the state after t = 0, without the tanh", X_ENTERS, _loop(initial=lambda z: z, initial_shown=True)
    ),
    Misconception(
        "input never switched off",
        "With “start” the input enters once, at t = 0. After that the state has to remember it.",
        _loop(input_stays_on=True),
    ),
    Misconception(
        "input beside the feedback",
        "With “fed back” the last output takes the place of the input: from t = 1 on, x is not seen again.",
        _loop(input_beside_feedback=True),
    ),
    Misconception(
        "output fed back one step late",
        "What enters at step t is the output of step t − 1, not an older one.",
        _loop(fed_back_late=True),
    ),
    Misconception(
        "nothing fed back",
        "With “fed back” the last output is an input of the next step, through its own weights W_yh. Reading the output of "
        "the same step, which is not there yet and still zero, comes to the same.",
        _loop(feedback_left_out=True),
    ),
    Misconception(
        "initial state taken for the first output",
        "The initial state has seen nothing yet. The first output comes after the first update of the state.",
        _loop(first_state_shown=True),
    ),
    Misconception(
        "state not carried",
        "Each step starts from the state of the step before, through W_hh; without it nothing remembers.",
        _loop(state_forgotten=True),
    ),
    Misconception(
        "feedback in place of the state",
        "The output that is fed back comes on top of the state: both enter the next step.",
        _loop(feedback_instead_of_state=True),
    ),
    Misconception(
        "squashed outputs",
        "The tanh is that of the units. The outputs are W_hy h, as they come.",
        _loop(squashed_output=True),
    ),
    Misconception(
        "no tanh", "The units are tanh units: the sum of all that comes in goes through the tanh.", _loop(linear=True)
    ),
)


# -- cases: how many frames a target needs


def _spelled(word: str) -> NDArray[np.intp]:
    letters = sorted(set(word))
    return np.array([letters.index(letter) + 1 for letter in word], dtype=np.intp)


def _frames_cases(rng: np.random.Generator) -> list[Case]:
    words = ("cat", "hello", "banana", "aa", "aaa", "a", "aabb", "abba", "mississippi")
    cases = [Case(word, (_spelled(word),)) for word in words]
    cases.append(Case("the empty target", (np.array([], dtype=np.intp),)))
    lengths = (6, 9, 15)
    return cases + [Case(f"{K} symbols at random", (rng.integers(1, 4, K),)) for K in lengths]


def _fewest(target: NDArray) -> tuple[float, int]:
    target = list(target)
    return (math.inf if adjacent_repeats(target) else len(target)), fewest_frames(target)


def _blanks(count: Callable[[list], int]) -> Callable:
    """Need so many blanks, right otherwise."""
    return lambda target: (_fewest(target)[0], len(target) + count(list(target)))


def _repeated_runs(target: list) -> int:
    """Count runs of two equal symbols or more."""
    return sum(len(list(run)) > 1 for _, run in groupby(target))


def _all_repeats(target: list) -> int:
    """Count the symbols that were there before, next to each other or not."""
    return len(target) - len(set(target))


def _without_any_repeat(target: NDArray) -> float:
    return math.inf if _all_repeats(target.tolist()) else len(target)


RETURNING = "In banana no two neighbours are equal. A symbol that returns later needs no blank."

FRAMES_MISCONCEPTIONS = (
    Misconception(
        "a blank between any two symbols",
        "2 K − 1 is what a target needs whose symbols are all equal. A blank is needed only where merging would hurt.",
        _blanks(lambda target: max(len(target) - 1, 0)),
    ),
    Misconception(
        "blanks at both ends as well",
        "Blanks at the ends and between unlike symbols may be left out.",
        _blanks(lambda target: len(target) + 1),
    ),
    Misconception(
        "all repeats, not only neighbours",
        RETURNING,
        _blanks(_all_repeats),
    ),
    Misconception(
        "all repeats, not only neighbours, in both numbers",
        RETURNING,
        lambda target: (_without_any_repeat(target), len(target) + _all_repeats(target.tolist())),
    ),
    Misconception(
        "all repeats, not only neighbours, in the number without a blank",
        RETURNING,
        lambda target: (_without_any_repeat(target), _fewest(target)[1]),
    ),
    Misconception(
        "as many frames as symbols",
        "Equal neighbours merge: aa in two frames is read as a. With a blank between them they stay apart. Without one "
        "they merge in any number of frames, so no number is enough, and that is written as infinity.",
        lambda target: (len(target), len(target)),
    ),
    Misconception(
        "more frames make up for the blank",
        "Without a blank, no number of frames spells two equal neighbours: every string of labels merges them.",
        lambda target: (fewest_frames(list(target)), fewest_frames(list(target))),
    ),
    Misconception(
        "without a blank, equal neighbours fit",
        "Equal neighbours merge: aa, aaa and so on are all read as a. Without a blank no number of frames is enough, "
        "and that is written as infinity.",
        lambda target: (len(target), fewest_frames(list(target))),
    ),
    Misconception(
        "distinct symbols only",
        "Every symbol of the target takes a frame of its own, also one that was there before.",
        lambda target: (_fewest(target)[0], len(set(target.tolist())) + adjacent_repeats(list(target))),
    ),
    Misconception(
        "one blank for a whole run",
        "In aaa two pairs of neighbours are equal, and each pair needs a blank of its own.",
        _blanks(_repeated_runs),
    ),
    Misconception(
        "the two numbers swapped",
        "Asked for is first the number without a blank, then the number with it.",
        lambda target: _fewest(target)[::-1],
    ),
    Misconception(
        "at least one frame",
        "The empty target needs no frame at all.",
        lambda target: tuple(max(n, 1) for n in _fewest(target)),
    ),
)


# -- cases: name the structure


def _strengths(rng: np.random.Generator, reached: NDArray) -> NDArray[np.float64]:
    """Random strengths where ``reached``, and there some that are weak but not zero."""
    exponents = rng.uniform(-2, 0.5, reached.shape)
    return np.where(reached, 10.0**exponents, 0.0)


def _structure_cases(rng: np.random.Generator) -> list[Case]:
    """Take the tables of twelve tasks and some at the edges, always the same, and some of them at random."""
    same = {name: (strength,) for name, strength in _tables(np.random.default_rng(3)).items()}
    drawn = list(_tables(rng).items())
    at_random = [Case(f"at random: {name}", (strength,)) for name, strength in drawn[:1] + drawn[3:10:2] + drawn[12:14]]
    return [*(Case(name, args) for name, args in same.items()), *at_random]


def _tables(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    T, S = int(rng.integers(4, 7)), int(rng.integers(7, 10))
    lag = np.subtract.outer(np.arange(T), np.arange(T))
    faded = 0.3 ** lag.clip(0) * np.tri(T)  # an influence that dies away
    faded[-1, 0] = 3e-10
    faint = faded.copy()
    faint[-1, 0] = 3e-12
    rounding = _strengths(rng, np.eye(T)) + 1e-16 * rng.uniform(1, 9, (T, T))
    noisy = _strengths(rng, np.tri(T)) + 1e-15 * rng.uniform(0.1, 0.9, (T, T))
    tasks = {
        # say for each of several photographs, on its own, whether it shows a cat
        f"{T} × {T}, diagonal filled": _strengths(rng, np.eye(T)),
        # say whether a review, read word by word, is friendly
        f"1 × {S}, all filled": _strengths(rng, np.ones((1, S))),
        # write a caption of several words for one picture
        f"{S} × 1, all filled": _strengths(rng, np.ones((S, 1))),
        # say after each letter typed which letter comes next
        f"{T} × {T}, lower triangle and diagonal filled": _strengths(rng, np.tri(T)),
        # name the part of speech of each word, with the whole sentence at hand
        f"{T} × {T}, all filled": _strengths(rng, np.ones((T, T))),
        # translate a long sentence into a shorter one
        f"{T} × {S}, all filled": _strengths(rng, np.ones((T, S))),
        # price one house
        "1 × 1, filled": _strengths(rng, np.ones((1, 1))),
        # average each frame with the one before
        f"{T} × {T}, diagonal and the entries right below it filled": _strengths(rng, np.eye(T) + np.eye(T, k=-1)),
        # say for each day what is still to be done until the last
        f"{T} × {T}, upper triangle and diagonal filled": _strengths(rng, np.tri(T).T),
        # follow a level that forgets
        f"{T} × {T}, lower triangle and diagonal filled, with 3e-10 in the lower left corner": faded,
        # convert readings to other units
        f"{T} × {T}, diagonal filled, less than 1e-15 everywhere else": rounding,
        # name a film by its last frame alone
        f"1 × {S}, the last entry alone filled": np.eye(1, S, S - 1),
    }
    edges = {
        f"{S} × {T}, all filled": _strengths(rng, np.ones((S, T))),
        f"{T} × {T}, lower triangle and diagonal filled, less than 1e-15 above": noisy,
        f"{T} × {T}, lower triangle and diagonal filled, with 3e-12 in the lower left corner": faint,
        f"{T + 2} × 3, diagonal filled, the last rows empty": np.eye(T + 2, 3),
        f"{T} × {T}, empty": np.zeros((T, T)),
        f"{S} × 1, the first entry alone filled": np.eye(S, 1),
    }
    return tasks | edges


def _structure(
    strength: NDArray,
    *,
    zero: float = ZERO,
    upside_down: bool = False,
    either_triangle: bool = False,
    causal_by_upper_half: bool = False,
    full_by_lower_half: bool = False,
    square_only: bool = False,
    square_means_full: bool = False,
    single_is_row: bool = False,
    row_by_shape: bool = False,
    axes_swapped: bool = False,
) -> int:
    """Name the structure, with its decisions as parameters."""
    strength = np.asarray(strength)
    strength = strength.T if axes_swapped else strength
    reached = strength > zero
    T, S = reached.shape
    full = reached.all()
    if T == S and (reached == np.eye(T)).all() and not (single_is_row and T == 1):
        return ONE_TO_ONE
    if T == 1 and (full or row_by_shape):
        return MANY_TO_ONE
    if S == 1 and (full or row_by_shape):
        return ONE_TO_MANY
    triangle = np.tri(T).T if upside_down else np.tri(T)
    if full_by_lower_half and T == S and reached[np.tril_indices(T)].all():
        return FULL
    if T == S and not full and (reached == triangle).all():
        return CAUSAL
    if either_triangle and T == S and not full and (reached == triangle.T).all():
        return CAUSAL
    if causal_by_upper_half and T == S and not reached[np.triu_indices(T, 1)].any():
        return CAUSAL
    if full and not (square_only and T != S):
        return FULL
    if square_means_full and T == S:
        return FULL
    return OTHER


def _with(**decision) -> Callable:
    return partial(_structure, **decision)


SINGLE = "A 1 × 1 table is a diagonal, a row and a column at once. The docstring says which name it gets."
SQUARE = "Square says that there are as many outputs as inputs. Whether all inputs reach all outputs, only its entries can say."

STRUCTURE_MISCONCEPTIONS = (
    Misconception(
        "either triangle taken for causal",
        "Row t is an output, column s an input. With the upper triangle filled, outputs know what comes later and not "
        "what came before.",
        _with(either_triangle=True),
    ),
    Misconception("square taken for full", SQUARE, _with(square_means_full=True)),
    Misconception(
        "square taken for full, and nothing else",
        SQUARE + " A table that is not square may be full as well.",
        _with(square_means_full=True, square_only=True),
    ),
    Misconception(
        "upper for lower triangle",
        "Row t is an output, column s an input. A network that reads forwards lets s ≤ t through: on which side of the "
        "diagonal is that?",
        _with(upside_down=True),
    ),
    Misconception(
        "lower triangle taken for full",
        "The lower half alone does not tell full from lower triangular: look at what lies above the diagonal.",
        _with(full_by_lower_half=True),
    ),
    Misconception(
        "nothing above the diagonal is enough",
        "An output may look back one step only, or nowhere. For the lower triangle every earlier input must be there.",
        _with(causal_by_upper_half=True),
    ),
    Misconception(
        "square tables only",
        "A full table need not be square: an encoder-decoder has as many outputs as it likes.",
        _with(square_only=True),
    ),
    Misconception(
        "exactly zero",
        "Finite differences and rounding leave some 1e-16 where nothing is. What is below 1e-12 counts as zero here.",
        _with(zero=0.0),
    ),
    Misconception(
        "weak taken for none",
        "An influence of 3e-10 is weak, not absent: the line is drawn at 1e-12.",
        _with(zero=1e-8),
    ),
    Misconception(
        "rounded to eleven decimals",
        "Rounding to so many decimals draws the line at half of 1e-11. It is asked for at 1e-12: compare with that.",
        _with(zero=5e-12),
    ),
    Misconception(
        "one input and one output taken for a sequence",
        SINGLE,
        _with(single_is_row=True),
    ),
    Misconception(
        "one row or one column is enough",
        SINGLE + " And whether a longer row or column is full, only its entries can say.",
        _with(single_is_row=True, row_by_shape=True),
    ),
    Misconception(
        "the shape alone",
        "A single row says that there is one output. Whether all inputs reach it, only its entries can say.",
        _with(row_by_shape=True),
    ),
    Misconception(
        "inputs and outputs swapped",
        "Rows are outputs and columns are inputs: many inputs and one output make one row.",
        _with(axes_swapped=True),
    ),
)


EXERCISES = (
    Exercise(
        id="1.1",
        title="one to many, three ways",
        points=4,
        function="one_to_many",
        outputs=(Output("the outputs", ("t", "k")),),
        reference=_generate,
        cases=_generator_cases,
        misconceptions=GENERATOR_MISCONCEPTIONS,
        asks_for=("rnn.run", "rnn.step"),
    ),
    Exercise(
        id="1.2",
        title="the fewest frames",
        points=2,
        function="fewest_frames_needed",
        outputs=(Output("the number without a blank"), Output("the number with a blank")),
        reference=_fewest,
        cases=_frames_cases,
        misconceptions=FRAMES_MISCONCEPTIONS,
        asks_for=("ctc.fewest_frames",),
    ),
    Exercise(
        id="1.3",
        title="name the structure",
        points=4,
        function="name_structure",
        outputs=(Output("the number of the structure"),),
        reference=_structure,
        cases=_structure_cases,
        misconceptions=STRUCTURE_MISCONCEPTIONS,
    ),
)
