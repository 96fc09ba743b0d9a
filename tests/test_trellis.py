"""The trellis for looking at: does it hold what align finds, in either domain, and say where products fail?"""

import numpy as np
import pytest
from enumeration import merge_runs, random_problem, scored_paths

from course_utils import posteriors
from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.notebook.ch08 import viterbi_stepper
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis
from course_utils.viterbi import align, forward

WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y
EVERY_WAY = [(domain, ties) for domain in ("probability", "log") for ties in ("stay", "advance")]


def problems(count):
    rng = np.random.default_rng(21)
    for _ in range(count):
        log_y, target = random_problem(rng, 5)
        yield np.exp(log_y), target, scored_paths(log_y, target)[1].max()


def shown(y, target, filled):
    return (
        f"y =\n{y}\ntarget = {target}, {filled.domain}, {filled.ties}\nvalues =\n{filled.values}\npath = {filled.path}"
    )


@pytest.mark.parametrize(("domain", "ties"), EVERY_WAY)
def test_a_trellis_holds_what_align_finds_or_no_path(domain, ties):
    seen = {True: 0, False: 0}
    for y, target, best in problems(200):
        filled = fill_trellis(y, target, domain=domain, ties=ties)
        log_values, _ = forward(filled.log_y, target, ties)
        values = log_values if domain == "log" else np.exp(log_values)
        np.testing.assert_allclose(filled.values, values, rtol=1e-12, err_msg=shown(y, target, filled))
        np.testing.assert_array_equal(filled.log_values, log_values, err_msg=shown(y, target, filled))
        assert (filled.path is not None) == (best > -np.inf), shown(y, target, filled)
        if filled.path is not None and domain == "log":
            found = align(filled.log_y, target, ties=ties)
            assert filled.path.tolist() == found.path.tolist(), shown(y, target, filled)
            np.testing.assert_array_equal(filled.advanced, found.advanced, err_msg=shown(y, target, filled))
            np.testing.assert_array_equal(filled.emitted, found.emitted, err_msg=shown(y, target, filled))
        seen[filled.path is not None] += 1
    assert min(seen.values()) > 5, seen


def test_in_either_domain_the_path_is_a_best_one():
    for y, target, best in problems(200):
        for domain, ties in EVERY_WAY:
            filled = fill_trellis(y, target, domain=domain, ties=ties)
            if filled.path is not None:
                score = filled.log_y[np.arange(len(y)), target[filled.path]].sum()
                assert score == pytest.approx(best, abs=1e-12), shown(y, target, filled)


@pytest.mark.parametrize("ties", ["stay", "advance"])
def test_underflow_is_where_a_product_is_zero_and_a_path_is_there(ties):
    example = FORCED_ALIGNMENTS["underflow"]
    filled = fill_trellis(example.y, example.target, ties=ties)
    assert np.argwhere(filled.underflowed).tolist() == [[5, 0], [5, 1], [6, 0], [6, 1]], filled.values
    assert filled.path is None
    in_logarithms = fill_trellis(example.y, example.target, ties=ties, domain="log")
    assert not in_logarithms.underflowed.any()
    assert in_logarithms.path.tolist() == [0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(("domain", "ties"), EVERY_WAY)
@pytest.mark.parametrize(("name", "fits"), [("blocked by zeros", True), ("too few frames", False)])
def test_no_path_is_not_taken_for_underflow(name, fits, domain, ties):
    example = FORCED_ALIGNMENTS[name]
    filled = fill_trellis(example.y, example.target, domain=domain, ties=ties)
    assert (filled.path, filled.fits) == (None, fits)
    assert filled.values[-1, -1] == filled.impossible
    assert not filled.underflowed.any()


@pytest.mark.parametrize(("target", "repeats"), [("AB", False), ("ABA", False), ("AA", True), ("ABB", True)])
def test_equal_neighbours_are_told(target, repeats):
    assert fill_trellis(WORKED_EXAMPLE, target).has_repeats is repeats


def test_what_each_frame_alone_says_is_kept_with_what_it_compresses_to():
    for name, example in FORCED_ALIGNMENTS.items():
        filled = fill_trellis(example.y, example.target)
        assert filled.greedy_labels.tolist() == example.y.argmax(axis=1).tolist(), name
        assert filled.greedy_reads == merge_runs(filled.greedy_labels.tolist()), name


# -- what is checked, and how often


def test_a_table_is_checked_once_on_its_way_into_the_picture(monkeypatch):
    checked, right = [], posteriors.as_table
    monkeypatch.setattr(posteriors, "as_table", lambda *args: checked.append(args[1]) or right(*args))
    trellis_scene(fill_trellis(WORKED_EXAMPLE, "AB", domain="log"))
    assert checked == ["y"]
    viterbi_stepper(WORKED_EXAMPLE, "AB")
    assert checked == ["y", "y"]


BAD = {
    "domain": ({"domain": "odds"}, "domain is 'odds'; choose 'probability' or 'log'"),
    "ties": ({"ties": "late"}, "ties is 'late'; choose 'stay' or 'advance'"),
    "empty": ({"target": ""}, "target is empty; give at least one symbol"),
    "unknown": ({"target": "AX", "symbols": "AB"}, "target has the symbol 'X'"),
    "no column": ({"target": [0, 2]}, r"target\[1\] is 2"),
    "table": ({"y": [[0.5, 0.6]]}, "row 0 of y has probabilities that sum to 1.1"),
    "too few names": ({"symbols": "A", "target": "A"}, "symbols"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_arguments_of_a_trellis_are_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        fill_trellis(**{"y": WORKED_EXAMPLE, "target": "AB"} | arguments)


def test_more_columns_than_letters_need_names():
    with pytest.raises(ValueError, match="symbols"):
        fill_trellis(np.full((2, 27), 1 / 27), "AB")
