"""Chapters 6 and 7: do compress, expand and the counts agree with listing everything?"""

import subprocess
import sys

import numpy as np
import pytest
from enumeration import label_sequences, merge_runs, position_paths, random_problem, scored_paths
from hypothesis import given
from hypothesis import strategies as st

from course_utils import alignment
from course_utils.alignment import (
    adjacent_repeats,
    compress,
    count_expansions,
    count_paths,
    expansions,
    paths,
    score,
    score_all_paths,
)
from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.posteriors import check_log_probabilities, check_target, encode, log_probabilities

WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y
SMALL = [(K, T) for T in range(1, 7) for K in range(7)]

# -- compress


@given(st.text("ABC", max_size=12))
def test_compress_keeps_one_symbol_of_every_run(labels):
    assert compress(labels) == merge_runs(labels)


@given(st.lists(st.integers(0, 3), max_size=12))
def test_compress_leaves_nothing_to_compress(labels):
    once = compress(labels)
    assert compress(once) == once
    assert adjacent_repeats(once) == 0


def test_compress_of_the_text_and_of_nothing():
    assert compress("BBAHH") == ("B", "A", "H")
    assert compress("") == ()


def test_compress_treats_arrays_as_it_treats_lists():
    assert compress(np.array([2, 2, 0, 0, 2])) == (2, 0, 2)


@pytest.mark.parametrize(
    ("word", "pairs"), [("HELLO", 1), ("AAA", 2), ("ABA", 0), ("A", 0), ("", 0), ("AABB", 2), ("MISSISSIPPI", 3)]
)
def test_how_many_equal_neighbours_a_word_has(word, pairs):
    assert adjacent_repeats(word) == pairs


# -- paths and their number


@pytest.mark.parametrize(("K", "T"), SMALL)
def test_paths_are_exactly_the_monotone_ones(K, T):
    listed = list(paths(K, T))
    assert len(set(listed)) == len(listed)
    assert set(listed) == {tuple(path) for path in position_paths(K, T).tolist() if K}


@pytest.mark.parametrize(("K", "T"), [(K, T) for K, T in SMALL if 1 <= K <= T])
def test_paths_that_advance_first_come_first(K, T):
    listed = list(paths(K, T))
    assert listed == sorted(listed, reverse=True)


@pytest.mark.parametrize(("K", "T"), SMALL)
def test_the_binomial_counts_the_paths(K, T):
    assert count_paths(K, T) == (len(position_paths(K, T)) if K else 0)


@pytest.mark.parametrize("target", ["A", "AB", "ABA", "AA", "AAB", "ABBA", "ABAB", "ABCA"])
@pytest.mark.parametrize("T", range(1, 7))
def test_expansions_are_exactly_the_labels_that_compress_to_the_target(target, T):
    truth = label_sequences(encode(target), 3, T)
    listed = list(expansions(target, T))
    assert len(set(listed)) == len(listed)
    assert {tuple(encode(labels)) for labels in listed} == {tuple(labels) for labels in truth}
    assert count_expansions(target, T) == len(truth)


def test_the_published_counts(oracles):
    counts = oracles["O7_ctc_counts"]["compress_counts"]
    assert count_paths(3, 6) == counts["N=6,K=3"]
    assert count_paths(10, 100) == counts["N=100,K=10"]
    assert count_expansions("ABA", 5) == counts["N=5,S=ABA"]
    assert count_expansions("AA", 3) == counts["N=3,S=AA"]
    assert count_paths(len("AA"), 3) == counts["grid paths N=3,S=AA"]


def test_equal_neighbours_have_paths_but_no_expansion():
    assert list(paths(2, 3)) == [(0, 1, 1), (0, 0, 1)]
    assert list(expansions("AA", 3)) == []
    assert {compress("AA"[i] for i in path) for path in paths(2, 3)} == {("A",)}


# -- scores


def test_the_score_of_labels_is_the_sum_of_their_logarithms():
    assert np.exp(score(np.log(WORKED_EXAMPLE), encode("AABB"))) == pytest.approx(0.9 * 0.6 * 0.7 * 0.8, rel=1e-12)


def test_all_scores_of_the_worked_example(oracles):
    published = oracles["O1_viterbi_8.10"]["all_paths"]
    log_y = log_probabilities(WORKED_EXAMPLE)
    found = {"".join("AB"[i] for i in path): np.exp(s) for path, s in score_all_paths(log_y, [0, 1]).items()}
    assert found == pytest.approx(published, rel=1e-12)
    assert sum(found.values()) == pytest.approx(oracles["O1_viterbi_8.10"]["sum_over_paths"], rel=1e-12)


def test_score_all_paths_scores_each_path_of_the_grid():
    rng = np.random.default_rng(3)
    for _ in range(300):
        log_y, target = random_problem(rng)
        every, scores = scored_paths(log_y, target)
        found = score_all_paths(log_y, target)
        assert found == pytest.approx(dict(zip(map(tuple, every.tolist()), scores.tolist(), strict=True)), abs=1e-12)


# -- names of symbols


def test_encode_turns_names_into_columns():
    assert encode("ABA", "AB").tolist() == [0, 1, 0]
    assert encode(["yes", "no"], ["no", "yes"]).tolist() == [1, 0]
    assert encode("").tolist() == []


def test_encode_returns_column_indices_as_they_are():
    given_indices = np.array([2, 0, 1])
    assert encode(given_indices).tolist() == [2, 0, 1]
    assert encode([]).dtype.kind == "i"


def test_an_unknown_symbol_is_named_beside_the_known_ones():
    with pytest.raises(ValueError, match=r"target has the symbol 'X'.*: A B C$"):
        encode("AXB", "ABC")


# -- tables of probabilities


def test_the_logarithm_of_zero_is_silent():
    assert log_probabilities([[0.0, 1.0]]).tolist() == [[-np.inf, 0.0]]


BAD_PROBABILITIES = {
    "NaN": ([[0.5, 0.5], [np.nan, 1]], r"y\[1, 0\] is NaN; every entry must be a number"),
    "infinite": ([[np.inf, 0.5]], r"y\[0, 0\] is infinite; a probability is finite"),
    "negative": ([[0.5, 0.5], [1.1, -0.1]], r"y\[1, 0\] is 1.1; probabilities lie between 0 and 1"),
    "below zero": ([[0.5, 0.5], [-0.1, 0.6]], r"y\[1, 0\] is -0.1; probabilities lie between 0 and 1"),
    "minus infinity": ([[-np.inf, 1.0]], r"y\[0, 0\] is -inf; probabilities lie between 0 and 1"),
    "row sum": ([[0.5, 0.5], [0.5, 0.6]], r"row 1 of y has probabilities that sum to 1.1; they must sum to 1"),
    "logarithms": (np.log([[0.5, 0.5]]), r"y\[0, 0\] is -0.693147181; probabilities lie between 0 and 1"),
    "one dimension": ([0.5, 0.5], r"y has shape \(2,\); it must be \(T, A\)"),
    "three dimensions": ([[[1.0]]], r"y has shape \(1, 1, 1\); it must be \(T, A\)"),
    "no frame": (np.empty((0, 2)), r"y has shape \(0, 2\).*at least one frame"),
    "no symbol": (np.empty((2, 0)), r"y has shape \(2, 0\).*one symbol"),
    "ragged": ([[0.5, 0.5], [1.0]], r"y is not a table of numbers"),
    "text": ([["a", "b"]], r"y is not a table of numbers"),
}


@pytest.mark.parametrize(("y", "says"), BAD_PROBABILITIES.values(), ids=BAD_PROBABILITIES)
def test_bad_probabilities_are_refused_with_the_place_and_the_rule(y, says):
    with pytest.raises(ValueError, match=says):
        log_probabilities(y)


HALF = float(np.log(0.5))
BAD_LOG_PROBABILITIES = {
    "NaN": ([[HALF, HALF], [HALF, np.nan]], r"log_y\[1, 1\] is NaN; every entry must be a number"),
    "infinite": ([[np.inf, HALF]], r"log_y\[0, 0\] is infinite; a probability is finite"),
    "positive": ([[HALF, HALF], [HALF, 0.5]], r"log_y\[1, 1\] is 0.5; a log-probability is at most 0$"),
    "row sum": ([[HALF, HALF], [HALF, -2]], r"row 1 of log_y has probabilities that sum to 0.6353.*must sum to 1$"),
    "all impossible": ([[-np.inf, -np.inf]], r"row 0 of log_y has probabilities that sum to 0; they must sum to 1"),
    "probabilities": ([[0.9, 0.1], [0.5, 0.5]], r"log_y\[0, 0\] is 0.9;.*are probabilities: pass log_probabilities\(y\)"),
    "one dimension": ([HALF, HALF], r"log_y has shape \(2,\); it must be \(T, A\)"),
    "no frame": (np.empty((0, 2)), r"log_y has shape \(0, 2\).*at least one frame"),
    "text": ([["a"]], r"log_y is not a table of numbers"),
}  # fmt: skip


@pytest.mark.parametrize(("log_y", "says"), BAD_LOG_PROBABILITIES.values(), ids=BAD_LOG_PROBABILITIES)
def test_bad_log_probabilities_are_refused_with_the_place_and_the_rule(log_y, says):
    with pytest.raises(ValueError, match=says):
        check_log_probabilities(log_y)


def test_a_bad_row_far_down_is_named_by_its_own_number():
    log_y = np.log(np.full((1000, 2), 0.5))
    log_y[777, 1] = np.log(0.4)
    with pytest.raises(ValueError, match=r"row 777 of log_y has probabilities that sum to 0\.9"):
        check_log_probabilities(log_y)
    log_y[600, 1] = 0.25
    with pytest.raises(ValueError, match=r"log_y\[600, 1\] is 0\.25"):
        check_log_probabilities(log_y)


def test_rows_that_are_no_distributions_pass_where_that_is_asked_for():
    table = [[2.0, -3.0], [-np.inf, 1.0]]
    assert check_log_probabilities(table, normalised=False).tolist() == table
    with pytest.raises(ValueError, match="NaN"):
        check_log_probabilities([[np.nan, 0.0]], normalised=False)


BAD_TARGETS = {
    "float": ([0.0, 1.0], r"target has dtype float64; symbols are given as integer column indices"),
    "text": (["A", "B"], r"target holds text; turn names into column indices with encode\(target, symbols\)"),
    "bare text": ("AB", r"target holds text; turn names into column indices with encode"),
    "negative": ([0, -1], r"target\[1\] is -1, but log_y has 2 columns: indices run from 0 to 1"),
    "too large": ([2, 0], r"target\[0\] is 2, but log_y has 2 columns: indices run from 0 to 1"),
    "a table": ([[0, 1]], r"target has shape \(1, 2\); it must be one-dimensional"),
    "truth values": ([True, False], r"target has dtype bool; symbols are given as integer column indices"),
}


@pytest.mark.parametrize(("target", "says"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets_are_refused_with_the_place_and_the_rule(target, says):
    with pytest.raises(ValueError, match=says):
        check_target(target, 2)


BAD_LABELS = {
    "too few": ([0], r"labels has 1 entries, but log_y has 2 frames: give one label per frame"),
    "too large": ([0, 5], r"^labels\[1\] is 5"),
    "float": ([0.0, 1.0], r"^labels has dtype float64"),
}


@pytest.mark.parametrize(("labels", "says"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_are_refused_under_their_own_name(labels, says):
    with pytest.raises(ValueError, match=says):
        score(np.log(np.full((2, 2), 0.5)), labels)


def test_arguments_stay_as_they_were():
    y = WORKED_EXAMPLE[:3].copy()
    target = np.array([0, 1])
    log_y = log_probabilities(y)
    before = y.copy(), log_y.copy(), target.copy()
    for array in (y, log_y, target):
        array.flags.writeable = False  # whoever writes, stops here
    log_probabilities(y)
    score(log_y, np.array([0, 1, 1]))
    score_all_paths(log_y, target)
    for now, then in zip((y, log_y, target), before, strict=True):
        np.testing.assert_array_equal(now, then)


# -- what importing costs

HEAVY = "torch matplotlib ipywidgets anywidget sklearn scipy IPython"


@pytest.mark.parametrize(
    "module",
    [
        "course_utils",
        "course_utils.alignment",
        "course_utils.viterbi",
        "course_utils.trellis",
        "course_utils.examples",
        "course_utils.alignment_training",
        "course_utils.data",
        "course_utils.scenes.trellis",
        "course_utils.scenes.strip",
        "course_utils.scenes.alignment_training",
        "course_utils.exercises.check",
    ],
)
def test_importing_costs_numpy_and_nothing_else(module):
    code = f"import sys, {module}; print([m for m in {HEAVY.split()} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]", f"importing {module} brings along {ran.stdout}"


def test_the_enumeration_sees_a_compress_that_forgets_a_run(monkeypatch):
    """A planted fault: the check of compress above can fail."""
    monkeypatch.setattr(alignment, "groupby", lambda labels: ((symbol, None) for symbol in set(labels)))
    assert compress("ABA") != merge_runs("ABA")
