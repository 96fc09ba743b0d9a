"""The exercises of chapter 7: right answers pass however they are written, and known wrong ideas are named."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from enumeration import merge_runs, scored_paths
from telling_apart import assert_no_two_alike

from course_utils.exercises.ch07 import EXERCISES
from course_utils.exercises.judge import judge

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def compressed_by_groups(labels):
    return [name for name, _ in itertools.groupby(labels)]


def compressed_by_pairs(labels):
    return list(labels[:1]) + [b for a, b in itertools.pairwise(labels) if a != b]


def compressed_into_an_array(labels):
    labels = np.array(labels, dtype=str)
    return labels[[t == 0 or labels[t] != labels[t - 1] for t in range(len(labels))]] if len(labels) else labels


def expanded_by_recursion(target, T):
    target = list(target)
    if not target:
        return [] if T else [[]]
    if any(a == b for a, b in itertools.pairwise(target)):
        return []
    found = []
    for first in range(1, T - len(target) + 2):
        rest = expanded_by_recursion(target[1:], T - first)
        found += [[target[0]] * first + labels for labels in rest]
    return found


def expanded_by_sorting(target, T):
    """List everything, keep what fits, and put it in order by where the symbols begin."""
    target = tuple(target)
    if T == 0:
        return [[]] if not target else []
    fits = [x for x in itertools.product(dict.fromkeys(target), repeat=T) if merge_runs(x) == target]
    return sorted(map(list, fits), key=lambda x: [t for t in range(1, T) if x[t] != x[t - 1]])


def expanded_into_an_array(target, T):
    return np.array(expanded_by_recursion(target, T), dtype=str)


def counted_by_a_product(target, T):
    K = len(target)
    if any(a == b for a, b in itertools.pairwise(target)):
        return 0
    if K == 0:
        return int(T == 0)
    n = 1
    for k in range(1, K):
        n = n * (T - k) // k
    return max(n, 0)


def counted_cell_by_cell(target, T):
    K = len(target)
    if K == 0 or T == 0:
        return int(K == T)
    ways = [1] + [0] * (K - 1)
    for _ in range(T - 1):
        ways = [ways[i] + (ways[i - 1] if i else 0) for i in range(K)]
    return 0 if any(a == b for a, b in itertools.pairwise(target)) else ways[-1]


def counted_in_floats(target, T):
    return float(counted_by_a_product(target, T))


def best_by_products(log_y, target):
    K, T = len(target), len(log_y)
    y, best = np.exp(log_y), (0.0, None)
    for begins in itertools.combinations(range(1, T), K - 1):
        path = np.searchsorted(begins, range(T), side="right")
        p = math.prod(y[t, target[i]] for t, i in enumerate(path))
        if best[1] is None or p > best[0] * (1 + 1e-12):
            best = p, path
    return np.log(best[0]), best[1]


def best_by_dynamic_programming(log_y, target):
    @cache
    def upto(t, i):
        if t == 0:
            return (0.0 + log_y[0, target[0]], (0,)) if i == 0 else (-math.inf, ())
        stay, advance = upto(t - 1, i), upto(t - 1, i - 1) if i else (-math.inf, ())
        score, path = stay if stay[0] >= advance[0] - 1e-12 else advance
        return score + log_y[t, target[i]], (*path, i)

    return upto(len(log_y) - 1, len(target) - 1)


def best_by_enumeration(log_y, target):
    if len(target) ** len(log_y) > 5000:
        return best_by_products(log_y, target)
    paths, scores = scored_paths(log_y, target)
    order = sorted(range(len(paths)), key=lambda n: tuple(-paths[n]))  # those that advance first, first
    best = max(order, key=lambda n: round(scores[n], 9))
    return scores[best], paths[best].tolist()


RIGHT = {
    "7.1": [compressed_by_groups, compressed_by_pairs, compressed_into_an_array],
    "7.2": [expanded_by_recursion, expanded_by_sorting, expanded_into_an_array],
    "7.3": [counted_by_a_product, counted_cell_by_cell, counted_in_floats],
    "7.4": [best_by_products, best_by_dynamic_programming, best_by_enumeration],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers; names are numbered by what they say."""
    try:
        value = answer(*case.args)
    except IndexError:
        return np.array([np.nan])
    parts = value if isinstance(value, tuple) else (value,)
    flat = [np.ravel(np.asarray(part)) for part in parts]
    sizes = [list(np.shape(part)) for part in parts]
    numbers = [
        [int.from_bytes(name.encode(), "big") for name in part.tolist()]
        if part.dtype.kind == "U"
        else part.astype(float)
        for part in flat
    ]
    return np.concatenate([*sizes, *numbers]).astype(float)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    assert_no_two_alike(exercise, seed, outcome)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_every_wrong_idea_fails_in_a_case_that_is_always_there(exercise):
    """None is left to the random cases."""
    cases = [case for case in exercise.cases(np.random.default_rng(0)) if not case.name.startswith("random")]
    for idea in exercise.misconceptions:
        apart = [not np.array_equal(outcome(idea.answer, c), outcome(exercise.reference, c)) for c in cases]
        assert any(apart), idea.name


def seen_and_first_letters(labels):
    return list(dict.fromkeys(name[0] for name in labels))


def in_lower_case(labels):
    return [name.lower() for name in compressed_by_groups(labels)]


def pairs_of_equals_removed(labels):
    """Take both of two equal neighbours away."""
    kept = []
    for name in labels:
        if kept and kept[-1] == name:
            kept.pop()
        else:
            kept.append(name)
    return kept


def joined(labels):
    return "".join(compressed_by_groups(labels))


def early_end_and_repeats(target, T):
    K = len(target)
    every = itertools.combinations_with_replacement(range(K), T) if K and T else []
    return [[target[i] for i in path] for path in every if path[0] == 0]


def not_listed_for_nothing(target, T):
    return expanded_by_recursion(target, T) if target else []


def each_once_and_then_the_last(target, T):
    return [list(target) + [target[-1]] * (T - len(target))] if 0 < len(target) <= T else []


def strings_instead_of_lists(target, T):
    return ["".join(labels) for labels in expanded_by_recursion(target, T)]


def repeats_and_too_many(target, T):
    return math.comb(T, len(target))


def of_distinct_symbols(target, T):
    return math.comb(max(T - 1, 0), max(len(set(target)) - 1, 0))


def paths_minus_repeats(target, T):
    K = len(target)
    repeats = sum(a == b for a, b in itertools.pairwise(target))
    return math.comb(max(T - 1 - repeats, 0), max(K - 1, 0))  # as with the separators of chapter 9


def none_for_every_empty_target(target, T):
    return counted_by_a_product(target, T) if target else 0


def the_worst(log_y, target):
    paths, scores = scored_paths(log_y, target) if len(target) ** len(log_y) < 5000 else (None, None)
    if paths is None:
        return best_by_products(log_y, target)
    return scores.min(), paths[scores.argmin()].tolist()


def labels_instead_of_positions(log_y, target):
    score, path = best_by_products(log_y, target)
    return score, [int(target[i]) for i in path]


def last_of_equals_and_products(log_y, target):
    score, path = best_by_products(log_y[:, ::1], target)
    return np.exp(score), path[::-1]


def frame_by_frame(log_y, target):
    labels = log_y[:, target].argmax(axis=1)
    return float(log_y[:, target].max(axis=1).sum()), labels


MORE_WRONG = {
    "7.1": [seen_and_first_letters, in_lower_case, pairs_of_equals_removed, joined],
    "7.2": [early_end_and_repeats, not_listed_for_nothing, each_once_and_then_the_last, strings_instead_of_lists],
    "7.3": [repeats_and_too_many, of_distinct_symbols, paths_minus_repeats, none_for_every_empty_target],
    "7.4": [the_worst, labels_instead_of_positions, last_of_equals_and_products, frame_by_frame],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"),
    [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in MORE_WRONG for a in MORE_WRONG[n]],
)
def test_more_wrong_answers_are_rejected_and_not_named_falsely(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status in ("incorrect", "could not run"), answer.__name__
    assert report.misconception is None


def test_some_equal_names_of_a_case_that_is_always_there_are_not_the_same_object():
    """Else what compares by identity would pass. Python has each single letter once only."""
    labels = BY_ID["7.1"].cases(np.random.default_rng(0))[0].args[0]
    assert any(a == b and a is not b for a, b in itertools.pairwise(labels))


def test_the_report_shows_names():
    report = judge(BY_ID["7.2"], expanded_backwards)
    assert report.says == "The first wrong cell of the list is at n = 0, t = 1: B, and it should be AH."
    assert report.misconception == "those that advance last come first"
    report = judge(BY_ID["7.1"], lambda labels: list(dict.fromkeys(labels)))
    assert report.says == "What is read should have 3 entries, A B A; yours has 2: A B."


def expanded_backwards(target, T):
    return expanded_by_recursion(target, T)[::-1]


def test_a_count_of_any_size_is_a_number():
    report = judge(BY_ID["7.3"], lambda target, T: 10**25)
    assert report.says == "The number is 1e+25; it should be 3."
