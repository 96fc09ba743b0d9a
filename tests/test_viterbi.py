"""Chapter 8: does the algorithm find what listing all paths finds, and what was published?"""

import tracemalloc

import numpy as np
import pytest
from enumeration import label_sequences, random_problem, scored_paths, scores_of_labels
from hypothesis import given
from hypothesis import strategies as st
from loops import switched_off, with_a_fault
from showing import showing

from course_utils import viterbi
from course_utils.alignment import InfeasibleError, adjacent_repeats, score
from course_utils.alignment_training import occupancy
from course_utils.examples import FORCED_ALIGNMENTS, LONG_ALIGNMENT
from course_utils.exercises.ch08 import TABLE_MISCONCEPTIONS
from course_utils.posteriors import encode, log_probabilities
from course_utils.viterbi import align, align_in_probabilities, align_score

EXACT = {"rel": 1e-12, "abs": 1e-12}
WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y


def assert_like_enumeration(log_y, target):
    """Demand of align and align_score, on one problem, all that listing the paths can show."""
    paths, scores = scored_paths(log_y, target)
    best = scores.max()
    if best == -np.inf:
        with pytest.raises(InfeasibleError, match="probability zero"):
            align(log_y, target)
        assert align_score(log_y, target) == -np.inf
        return
    for ties in ("stay", "advance"):
        found = align(log_y, target, ties=ties)
        with showing(say_found, ties, found):
            assert abs(found.score - best) <= 1e-12
            same = (paths == found.path).all(axis=1)
            assert same.sum() == 1, f"this is none of the {len(paths)} paths"
            assert abs(scores[same][0] - best) <= 1e-12
            trellis, advanced = viterbi.forward(log_y, target, ties)  # the textbook's tables, tie by tie
            np.testing.assert_array_equal(found.trellis, trellis)
            np.testing.assert_array_equal(found.advanced, advanced)
    assert align_score(log_y, target) == found.score
    if not adjacent_repeats(target.tolist()):
        labels = label_sequences(target, log_y.shape[1], len(log_y))
        assert abs(scores_of_labels(log_y, labels).max() - best) <= 1e-12


def say(log_y, target):
    return f"log_y =\n{log_y}\ntarget = {target}"


def say_found(ties, found):
    return f"ties = {ties}\ntrellis =\n{found.trellis}\npath = {found.path}"


def problems(count, seed=8, longest=6):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield random_problem(rng, longest)


def assert_all_like_enumeration(count):
    for problem in problems(count):
        with showing(say, *problem):
            assert_like_enumeration(*problem)


# -- against enumeration


@pytest.mark.slow
def test_ten_thousand_small_problems_give_what_enumeration_gives(both_ways):
    assert_all_like_enumeration(10_000)


def test_those_problems_hold_every_edge():
    edges = dict.fromkeys(("T = 1", "K = 1", "K = T", "one symbol", "repeats", "zeros", "no way", "ties"), 0)
    for log_y, target in problems(10_000):
        scores = scored_paths(log_y, target)[1]
        edges["T = 1"] += len(log_y) == 1
        edges["K = 1"] += len(target) == 1 < len(log_y)
        edges["K = T"] += len(target) == len(log_y) > 1
        edges["one symbol"] += log_y.shape[1] == 1
        edges["repeats"] += adjacent_repeats(target.tolist()) > 0
        edges["zeros"] += bool(np.isinf(log_y).any())
        edges["no way"] += scores.max() == -np.inf
        edges["ties"] += scores.max() > -np.inf and (np.isclose(scores, scores.max(), atol=1e-12)).sum() > 1
    assert min(edges.values()) > 100, edges


def test_every_cell_of_the_trellis_is_the_best_way_to_it():
    for log_y, target in problems(300, seed=1):
        trellis, _ = viterbi.forward(log_y, target)
        for t in range(len(log_y)):
            for i in range(len(target)):
                scores = scored_paths(log_y[: t + 1], target[: i + 1])[1]
                truth = scores.max() if len(scores) else -np.inf
                assert trellis[t, i] == pytest.approx(truth, **EXACT), f"t = {t}, i = {i}\n{log_y}\n{trellis}"


def ascending(log_y, target, ties="stay"):
    """Fill the table as one column updated upwards does: entry i − 1 is overwritten before i reads it."""
    trellis = np.full((len(log_y), len(target)), -np.inf)
    trellis[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        trellis[t] = trellis[t - 1]
        for i, k in enumerate(target):
            trellis[t, i] = log_y[t, k] + max(trellis[t, i], trellis[t, i - 1] if i else -np.inf)
    return trellis, viterbi.back_pointers(trellis, ties)


def wrong_table(answer):
    def forward(log_y, target, ties="stay"):
        trellis = answer(log_y, target)
        return trellis, viterbi.back_pointers(trellis, ties)

    return forward


FAULTS = {"ascending": ascending} | {m.name: wrong_table(m.answer) for m in TABLE_MISCONCEPTIONS}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_enumeration_sees_a_planted_fault_in_the_recurrence(fault, monkeypatch):
    switched_off(monkeypatch)
    monkeypatch.setattr(viterbi, "forward", fault)
    loud = (AssertionError, pytest.fail.Exception, IndexError, InfeasibleError)  # some faults do not even run through
    with pytest.raises(loud), np.errstate(all="ignore"):
        assert_all_like_enumeration(1000)


def test_enumeration_sees_back_pointers_that_are_turned_round(monkeypatch):
    right = viterbi.back_pointers

    def turned(trellis, ties="stay"):
        advanced = right(trellis, ties)
        advanced[1:, 1:] ^= np.isfinite(trellis[:-1, 1:]) & np.isfinite(trellis[:-1, :-1])
        return advanced

    switched_off(monkeypatch)
    monkeypatch.setattr(viterbi, "back_pointers", turned)
    with pytest.raises(AssertionError, match="path ="):
        assert_all_like_enumeration(1000)


#: What stands in compiled/alignment.py, and what stands there instead.
FAULTY_LOOPS = {
    "ties go the other way": ("came[i] = advance > stay or (ties", "came[i] = advance >= stay or (ties"),
    "a rule of ties that is not asked": ("(ties_advance and advance == stay and advance > -_INF)", "False"),
    "advancing from nowhere": (" and advance > -_INF)", ")"),
    "the worse way": ("now[i] = (advance if advance > stay", "now[i] = (advance if advance < stay"),
    "position taken for symbol": ("else stay) + y[target[i]]", "else stay) + y[i % len(y)]"),
    "the way back is one frame late": ("i -= advanced[t, i]", "i -= advanced[max(t - 1, 0), i]"),
    "position 0 never filled": ("now[0], came[0] = before[0] + y[target[0]], False", "now[0], came[0] = -_INF, False"),
    "a free start": ("trellis[0, i], advanced[0, i] = -_INF, False", "trellis[0, i], advanced[0, i] = log_y[0, target[i]], False"),
    "a column updated upwards": ("range(len(target), 0, -1)", "range(1, len(target) + 1)"),
    "a start at any frame": ("        column[0] = -_INF\n", ""),
}  # fmt: skip


@pytest.mark.parametrize(("right", "wrong"), FAULTY_LOOPS.values(), ids=FAULTY_LOOPS)
def test_enumeration_sees_a_fault_in_the_loops(right, wrong, monkeypatch):
    with_a_fault(monkeypatch, "alignment", right, wrong)
    with pytest.raises((AssertionError, InfeasibleError, pytest.fail.Exception)), np.errstate(all="ignore"):
        assert_all_like_enumeration(1000)


def test_enumeration_sees_a_score_that_updates_its_column_in_place(monkeypatch):
    right = align_score

    def in_place(log_y, target):
        found = right(log_y, target)
        return found if found == -np.inf else float(ascending(log_y, target)[0][-1, -1])

    monkeypatch.setitem(globals(), "align_score", in_place)
    with pytest.raises(AssertionError):
        assert_all_like_enumeration(1000)


# -- against what was published


def test_the_worked_example(oracles):
    truth = oracles["O1_viterbi_8.10"]
    found = align(log_probabilities(WORKED_EXAMPLE), encode("AB"))
    assert "".join("AB"[k] for k in found.labels) == truth["path"]
    assert found.score == pytest.approx(truth["logV_star"], **EXACT)
    np.testing.assert_allclose(np.exp(found.trellis.T), truth["V"], rtol=1e-12, atol=1e-12)
    assert found.segments.tolist() == [[0, 2], [2, 4]]


def test_the_worked_example_in_probabilities(oracles):
    truth = oracles["O1_viterbi_8.10"]
    trellis, advanced, path = align_in_probabilities(WORKED_EXAMPLE, encode("AB"))
    np.testing.assert_allclose(trellis.T, truth["V"], rtol=1e-12, atol=1e-12)
    assert trellis[-1, -1] == pytest.approx(truth["V_star"], **EXACT)
    # There the pointers hold the row that the path came from, at t = 1, 2 and 3.
    assert [1 - int(came) for came in advanced[1:, 1]] == truth["backptr_B_row_t1to3"]
    assert "".join("AB"[i] for i in path) == truth["path"]


def test_where_the_best_symbol_of_each_frame_is_not_enough(oracles):
    truth = oracles["O2_viterbi_ABA"]
    log_y = log_probabilities(truth["Y"])
    found = align(log_y, encode(truth["S"]))
    assert found.path.tolist() == truth["row_path"] == truth["brute_best"]
    assert "".join("AB"[k] for k in found.labels) == truth["path"]
    assert "".join("AB"[k] for k in log_y.argmax(axis=1)) == truth["greedy"]
    assert found.score == pytest.approx(truth["logV_star"], **EXACT)
    np.testing.assert_allclose(np.exp(found.trellis.T), truth["V"], rtol=1e-12, atol=1e-12)
    scores = scored_paths(log_y, encode(truth["S"]))[1]
    assert len(scores) == truth["n_paths"]
    assert np.exp(scores).sum() == pytest.approx(truth["sum_paths"], **EXACT)


@pytest.mark.parametrize("ties", ["stay", "advance"])
def test_a_table_of_nothing_but_ties(oracles, ties):
    truth = oracles["O2b_viterbi_ties"]
    log_y = log_probabilities(FORCED_ALIGNMENTS["all ties"].y)
    found = align(log_y, encode(truth["S"]), ties=ties)
    assert "".join("ABC"[k] for k in found.labels) == truth[f"tie_{ties}"]
    assert np.exp(found.score) == pytest.approx(truth["V_star"], **EXACT)
    assert (abs(scored_paths(log_y, found.target)[1] - found.score) < 1e-12).sum() == truth["n_optimal"]


def test_the_published_edges(oracles):
    truth = oracles["O2c_viterbi_edges"]
    one = align(log_probabilities(WORKED_EXAMPLE), [0])
    assert one.score == pytest.approx(truth["K1_N4_logV"], **EXACT)
    assert np.exp(one.score) == pytest.approx(truth["K1_V"], **EXACT)
    assert one.path.tolist() == [0, 0, 0, 0]
    first_three = log_probabilities(oracles["O2_viterbi_ABA"]["Y"][:3])
    full = align(first_three, encode("ABA"))
    assert np.exp(full.score) == pytest.approx(truth["K_eq_N_S_ABA"], **EXACT)
    assert full.path.tolist() == [0, 1, 2]


# -- ties


@given(st.data())
def test_stay_makes_every_advance_as_early_as_an_optimal_path_can_and_advance_as_late(data):
    """Whole numbers for logarithms: their sums are exact, and so are the ties."""
    T = data.draw(st.integers(1, 6), "T")
    K = data.draw(st.integers(1, T), "K")
    A = data.draw(st.integers(1, 3), "A")
    entry = st.sampled_from([-2.0, -1.0, -1.0, -1.0, -np.inf])
    log_y = np.array(data.draw(st.lists(st.lists(entry, min_size=A, max_size=A), min_size=T, max_size=T), "log_y"))
    target = np.array(data.draw(st.lists(st.integers(0, A - 1), min_size=K, max_size=K), "target"))
    paths, scores = scored_paths(log_y, target)
    if scores.max() == -np.inf:
        return
    optimal = paths[scores == scores.max()]
    stay = align(log_y, target, ties="stay", normalised=False).path
    advance = align(log_y, target, ties="advance", normalised=False).path
    assert tuple(stay) == max(map(tuple, optimal)), f"{log_y}\n{optimal}"
    assert tuple(advance) == min(map(tuple, optimal)), f"{log_y}\n{optimal}"
    # No optimal path is ahead of the one, or behind the other, at any frame.
    assert (optimal <= stay).all(), f"{log_y}\n{optimal}"
    assert (optimal >= advance).all(), f"{log_y}\n{optimal}"


def test_an_unknown_rule_for_ties_is_refused():
    with pytest.raises(ValueError, match="ties is 'late'; choose 'stay' or 'advance'"):
        align(log_probabilities(WORKED_EXAMPLE), [0, 1], ties="late")


# -- what must not change the answer


@given(st.integers(0, 2**32 - 1))
def test_time_reversed_the_score_is_the_same(seed):
    log_y, target = random_problem(np.random.default_rng(seed), 12)
    assert align_score(log_y[::-1], target[::-1]) == pytest.approx(align_score(log_y, target), **EXACT)


@given(st.integers(0, 2**32 - 1))
def test_symbols_may_change_places(seed):
    rng = np.random.default_rng(seed)
    log_y, target = random_problem(rng, 12)
    order = rng.permutation(log_y.shape[1])
    assert align_score(log_y[:, order], np.argsort(order)[target]) == align_score(log_y, target)


@given(st.integers(0, 2**32 - 1))
def test_a_scaled_likelihood_shifts_the_score_and_keeps_the_path(seed):
    rng = np.random.default_rng(seed)
    log_y = np.log(rng.dirichlet(np.ones(4), 10))
    target = rng.integers(4, size=5)
    shift = rng.normal(size=10) * 5
    found, moved = align(log_y, target), align(log_y + shift[:, None], target, normalised=False)
    assert moved.path.tolist() == found.path.tolist()
    assert moved.score == pytest.approx(found.score + shift.sum(), abs=1e-10)
    assert align_score(log_y + shift[:, None], target, normalised=False) == moved.score


@given(st.integers(0, 2**32 - 1))
def test_the_parts_of_an_alignment_agree_with_each_other(seed):
    log_y, target = random_problem(np.random.default_rng(seed), 12)
    try:
        found = align(log_y, target)
    except InfeasibleError:
        assert align_score(log_y, target) == -np.inf
        return
    T, K = len(log_y), len(target)
    assert found.trellis.shape == found.advanced.shape == (T, K)
    assert found.trellis[-1, -1] == found.score
    assert score(log_y, found.labels) == pytest.approx(found.score, **EXACT)
    assert found.emitted.shape == (T, K)
    assert found.emitted[np.arange(T), found.path].sum() == pytest.approx(found.score, **EXACT)
    assert found.segments.shape == (K, 2)
    assert np.repeat(np.arange(K), np.diff(found.segments, axis=1)[:, 0]).tolist() == found.path.tolist()
    assert not found.advanced[0].any()
    assert not found.advanced[:, 0].any()


# -- long inputs


def test_1200_frames_survive_in_the_log_domain_and_only_there(oracles):
    truth = oracles["O15_long"]["viterbi_N1200_ABC_logV"]
    y = LONG_ALIGNMENT.y
    found = align(log_probabilities(y), encode("ABC"))
    assert found.score == pytest.approx(truth, rel=1e-12)
    assert found.score == pytest.approx(1198 * np.log(0.5) + np.log(0.3) + np.log(0.2), rel=1e-12)
    assert align_score(log_probabilities(y), encode("ABC")) == found.score
    assert found.segments.tolist() == [[0, 1198], [1198, 1199], [1199, 1200]]
    in_probabilities, advanced, path = align_in_probabilities(y, encode("ABC"))
    assert in_probabilities[-1, -1] == 0.0
    assert path.tolist() != found.path.tolist()
    assert not advanced[1100:].any()


def test_a_hundred_thousand_frames():
    rng = np.random.default_rng(5)
    log_y = np.log(rng.dirichlet(np.ones(3), 100_000))
    found = align(log_y, [0, 1, 2])
    assert found.score == align_score(log_y, [0, 1, 2])
    assert score(log_y, found.labels) == pytest.approx(found.score, rel=1e-10)
    assert set(np.diff(found.path)) <= {0, 1}
    assert (found.path[0], found.path[-1]) == (0, 2)


def peak_of(function, *args):
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_score_alone_needs_memory_for_one_column_not_for_a_table():
    """Ten times the frames, the same memory; align needs ten times as much."""
    log_y = np.log(np.random.default_rng(0).dirichlet(np.ones(40), 20_000))
    target = np.arange(40)
    short, long = peak_of(align_score, log_y[:2000], target), peak_of(align_score, log_y, target)
    assert long < 1.1 * short + 10_000, (short, long)
    assert long < log_y.nbytes / 10, (long, log_y.nbytes)
    assert peak_of(align, log_y, target) > log_y.nbytes


# -- what is refused

HALF = np.log(np.full((3, 2), 0.5))
ALGORITHMS = [align, align_score, occupancy]
MALFORMED = {
    "NaN": ([[np.nan, 0.0]], [0], r"log_y\[0, 0\] is NaN; every entry must be a number"),
    "infinite": ([[np.inf, 0.0]], [0], r"log_y\[0, 0\] is infinite; a probability is finite"),
    "positive": ([[-1.0, 0.5]], [0], r"log_y\[0, 1\] is 0.5; a log-probability is at most 0"),
    "row sum": (np.log([[0.5, 0.4]]), [0], r"row 0 of log_y has probabilities that sum to 0.9; they must sum to 1"),
    "probabilities": ([[0.5, 0.5]], [0], r"log_y\[0, 0\] is 0.5;.*pass log_probabilities\(y\)"),
    "one dimension": (HALF[0], [0], r"log_y has shape \(2,\); it must be \(T, A\)"),
    "empty": (np.empty((0, 2)), [0], r"log_y has shape \(0, 2\).*at least one frame"),
    "text": ([["a", "b"]], [0], r"log_y is not a table of numbers"),
    "float target": (HALF, [0.0, 1.0], r"target has dtype float64; symbols are given as integer"),
    "text target": (HALF, ["A", "B"], r"target holds text; .* encode\(target, symbols\)"),
    "negative index": (HALF, [0, -1], r"target\[1\] is -1, .* indices run from 0 to 1"),
    "index too large": (HALF, [0, 2], r"target\[1\] is 2, .* indices run from 0 to 1"),
    "target of two dimensions": (HALF, [[0], [1]], r"target has shape \(2, 1\); it must be one-dimensional"),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("log_y", "target", "says"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_arguments_are_named_with_what_would_be_right(algorithm, log_y, target, says):
    with pytest.raises(ValueError, match=says):
        algorithm(log_y, target)


INFEASIBLE = {
    "too few frames": (HALF, [0, 1, 0, 1], r"target has 4 symbols but log_y only 3 frames: .*smallest T .* is 4$"),
    "one frame": (HALF[:1], [0, 1], r"target has 2 symbols but log_y only 1 frame: .*smallest T .* is 2$"),
    "empty target": (HALF, [], r"target is empty.*give at least one symbol"),
}


@pytest.mark.parametrize("algorithm", [align, occupancy])
@pytest.mark.parametrize(("log_y", "target", "says"), INFEASIBLE.values(), ids=INFEASIBLE)
def test_a_target_that_fits_no_path_is_refused_with_what_would_fit(algorithm, log_y, target, says):
    with pytest.raises(InfeasibleError, match=says):
        algorithm(log_y, target)
    assert align_score(log_y, target) == -np.inf


BLOCKED = {
    "a frame without any way on": ([[1, 0], [0.5, 0.5], [0, 1]], [0], "at frame 2 every position"),
    "the first symbol": ([[0, 1], [0.5, 0.5], [0.5, 0.5]], [0, 1], "at frame 0 every position"),
    "the last symbol": ([[0.5, 0.5], [1, 0], [1, 0]], [0, 1], "gets further than position 0 of 1"),
}


@pytest.mark.parametrize(("y", "target", "where"), BLOCKED.values(), ids=BLOCKED)
def test_zeros_in_every_way_through_are_located(y, target, where):
    with pytest.raises(InfeasibleError, match=where) as raised:
        align(log_probabilities(y), target)
    assert "log_y" in str(raised.value)
    assert f"T = 3 frames would be enough for K = {len(target)} symbols" in str(raised.value)
    assert align_score(log_probabilities(y), target) == -np.inf


def test_an_infeasible_target_is_a_value_error_of_its_own_kind():
    assert issubclass(InfeasibleError, ValueError)
    with pytest.raises(ValueError, match="log_y") as raised:
        align([[np.nan, 0.0]], [0])
    assert not isinstance(raised.value, InfeasibleError)


def test_arguments_stay_as_they_were():
    log_y, target, y = log_probabilities(WORKED_EXAMPLE), np.array([0, 1]), WORKED_EXAMPLE.copy()
    before = log_y.copy(), target.copy(), y.copy()
    for array in (log_y, target, y):
        array.flags.writeable = False  # whoever writes, stops here
    align(log_y, target)
    align_score(log_y, target)
    align_in_probabilities(y, target)
    occupancy(log_y, target)
    for now, then in zip((log_y, target, y), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_lists_and_single_precision_do_as_well():
    as_list = align(log_probabilities(WORKED_EXAMPLE).tolist(), [0, 1])
    single = align(np.log(WORKED_EXAMPLE.astype(np.float32)), np.array([0, 1], dtype=np.uint8))
    assert as_list.path.tolist() == single.path.tolist() == [0, 0, 1, 1]
    assert single.trellis.dtype == np.float64
