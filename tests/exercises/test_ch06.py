"""The exercises of chapter 6: right answers pass however they are written, and known wrong ideas are named."""

import itertools
import math
from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from enumeration import label_sequences, merge_runs
from telling_apart import assert_no_two_alike

from course_utils.exercises.ch06 import EXERCISES
from course_utils.exercises.judge import judge

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def decoded_by_groups(y):
    return [int(k) for k, _ in itertools.groupby(np.argmax(y, axis=1))]


def decoded_by_masks(y):
    labels = np.asarray(y).argmax(axis=1)
    return labels[np.r_[True, labels[1:] != labels[:-1]]]


def decoded_by_loops(y):
    string, before = [], None
    for row in y:
        best = max(range(len(row)), key=lambda k: row[k])
        if best != before:
            string.append(best)
        before = best
    return tuple(string)


def summed_by_lists(y, string):
    labels = label_sequences(string, y.shape[1], len(y))
    return y[np.arange(len(y)), labels].prod(axis=1).sum()


def summed_by_recursion(y, string):
    string = list(string)

    @cache
    def ways(t, last, i):
        """Probability of frames t … of going on, at symbol ``last``, with ``i`` symbols of the string used."""
        if t == len(y):
            return float(i == len(string))
        p = y[t, last] * ways(t + 1, last, i) if last is not None else 0.0
        if i < len(string) and string[i] != last:
            p += y[t, string[i]] * ways(t + 1, int(string[i]), i + 1)
        return p

    return ways(0, None, 0)


def summed_by_a_table_of_strings(y, string):
    sums = {(): 1.0}
    for row in y:
        longer = defaultdict(float)
        for spelled, p in sums.items():
            for k, q in enumerate(row):
                longer[spelled if spelled and spelled[-1] == k else (*spelled, k)] += p * q
        sums = longer
    return sums.get(tuple(np.asarray(string).tolist()), 0.0)


RIGHT = {
    "6.1": [decoded_by_groups, decoded_by_masks, decoded_by_loops],
    "6.2": [summed_by_lists, summed_by_recursion, summed_by_a_table_of_strings],
    "6.3": [
        lambda: [[0.55, 0.45], [0.55, 0.45], [0.55, 0.45]],
        lambda: np.array([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4]], dtype=np.float32),
        lambda: ((0.4, 0.3, 0.3), (0.3, 0.4, 0.3), (0.4, 0.3, 0.3)),
        lambda: [[1, 0], [0.55, 0.45], [0.55, 0.45]],
    ],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {k}") for n in RIGHT for k, a in enumerate(RIGHT[n])]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers."""
    with np.errstate(all="ignore"):
        return np.ravel(np.asarray(answer(*case.args), dtype=float))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    assert_no_two_alike(exercise, seed, outcome)


@pytest.mark.parametrize("exercise", [BY_ID["6.1"], BY_ID["6.2"]], ids=lambda e: e.id)
def test_every_wrong_idea_fails_in_a_case_that_is_always_there(exercise):
    """None is left to the random cases."""
    cases = [case for case in exercise.cases(np.random.default_rng(0)) if not case.name.startswith("random")]
    for idea in exercise.misconceptions:
        apart = [not np.array_equal(outcome(idea.answer, c), outcome(exercise.reference, c)) for c in cases]
        assert any(apart), idea.name


def merged_twice(y):
    once = decoded_by_groups(y)
    return [k for n, k in enumerate(once) if n < 2 or k != once[n - 2]]


def merged_before_choosing(y):
    rows = [row for n, row in enumerate(np.asarray(y)) if n == 0 or not np.array_equal(row, y[n - 1])]
    return [int(np.argmax(row)) for row in rows]


def read_backwards(y):
    return decoded_by_groups(y)[::-1]


def without_column_0(y):
    """Treat the first column as a blank, as chapter 9 will."""
    return [k for k in decoded_by_groups(y) if k != 0]


def of_sequences_that_hold_it(y, string):
    string = list(string)
    return sum(
        math.prod(y[t, k] for t, k in enumerate(labels))
        for labels in itertools.product(range(y.shape[1]), repeat=len(y))
        if any(list(merge_runs(labels))[n : n + len(string)] == string for n in range(len(y)))
    )


def one_for_an_empty_string(y, string):
    return summed_by_lists(y, string) if len(string) else 1.0


def of_the_string_merged(y, string):
    return summed_by_lists(y, merge_runs(np.asarray(string).tolist()))


def with_a_blank(y, string):
    """Column 0 spells nothing."""
    return sum(
        math.prod(y[t, k] for t, k in enumerate(labels))
        for labels in itertools.product(range(y.shape[1]), repeat=len(y))
        if [k for k in merge_runs(labels) if k] == list(string)
    )


def first_frame_left_out(y, string):
    return summed_by_lists(y, string) / y[0, string[0]] if len(string) else 0.0


MORE_WRONG = {
    "6.1": [merged_twice, merged_before_choosing, read_backwards, without_column_0],
    "6.2": [
        of_sequences_that_hold_it,
        one_for_an_empty_string,
        of_the_string_merged,
        with_a_blank,
        first_frame_left_out,
    ],
}


# The others follow two ideas at once, or one in part.
NAMED = {
    "merged_before_choosing": "no merging",
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"),
    [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in MORE_WRONG for a in MORE_WRONG[n]],
)
def test_more_wrong_answers_are_rejected_and_named_only_where_an_idea_is_known(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status in ("incorrect", "could not run"), answer.__name__
    assert report.misconception == NAMED.get(answer.__name__)


# -- the open question

WRONG_TABLES = {
    "two rows": ([[0.6, 0.4], [0.4, 0.6]], "has 2 rows; three frames are asked for"),
    "four rows": ([[0.6, 0.4]] * 4, "has 4 rows"),
    "one column": ([[1.0]] * 3, "has 1 columns; give it 2 to 9"),
    "no row": (np.zeros((0, 2)), "has 0 rows"),
    "a single row": ([0.6, 0.4], "must have 2 axes"),
    "sums": ([[0.6, 0.4], [0.4, 0.7], [0.6, 0.4]], "probabilities of frame 1 sum to 1.1; they must sum to 1"),
    "negative": ([[1.2, -0.2], [0.4, 0.6], [0.6, 0.4]], "lies between 0 and 1"),
    "nan": ([[np.nan, 0.5], [0.4, 0.6], [0.6, 0.4]], "lies between 0 and 1"),
    "sure": (
        [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]],
        "Frame by frame, 0 1 0 is read. It has 0.729, and no string has more.",
    ),
    "a draw": ([[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]], "Another string is as probable, but none is more."),
    "text": ("ABA", "must be made of numbers"),
    "nothing": (None, "returned None"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_a_table_that_is_no_counter_example_is_told_why(name):
    table, says = WRONG_TABLES[name]
    report = judge(BY_ID["6.3"], lambda: table)
    assert report.status == "incorrect"
    assert says in report.says


def test_the_verdict_on_a_table_is_that_of_listing_everything():
    rng, verdicts = np.random.default_rng(0), set()
    for _ in range(200):
        A = int(rng.integers(2, 5))
        y = rng.dirichlet(np.full(A, 3.0), 3)
        sums = defaultdict(float)
        for labels in itertools.product(range(A), repeat=3):
            sums[merge_runs(labels)] += math.prod(y[t, k] for t, k in enumerate(labels))
        read = merge_runs(y.argmax(axis=1).tolist())
        expected = max(sums.values()) > sums[read] * (1 + 1e-6)
        report = judge(BY_ID["6.3"], lambda y=y: y)
        assert (report.status == "correct") == expected, y
        verdicts.add(expected)
    assert verdicts == {True, False}


def test_a_lead_that_is_rounding_is_none():
    y = [[0.5, 0.5], [1.0, 0.0], [1 - 1e-13, 1e-13]]
    report = judge(BY_ID["6.3"], lambda: y)
    assert report.status == "incorrect"
