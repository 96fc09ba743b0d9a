"""The lattice of CTC shows the numbers of the algorithm, every term of each sum, and why a skip is refused."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.ctc import extend, forward_backward, skip_over_every_blank
from course_utils.examples import CTC_SYMBOLS, CTC_Y
from course_utils.notebook import ch09
from course_utils.posteriors import encode, log_probabilities
from course_utils.scenes.ctc_lattice import lattice_scene
from course_utils.scenes.wording import number

TARGETS = ["aa", "ab", "a", "", "aba", "abab"]
LABELS = {"": [], **{word: [CTC_SYMBOLS.index(c) for c in word] for word in TARGETS[:3] + TARGETS[4:]}}


def draw(y, target, symbols=CTC_SYMBOLS, blank=0, *, table="alpha", skip_always=False):
    log_y, target = log_probabilities(y), encode(target, symbols)
    right = forward_backward(log_y, target, blank)
    if not skip_always:
        return lattice_scene(right, symbols, table=table)
    wrong = forward_backward(log_y, target, blank, skip=skip_over_every_blank(extend(target, blank)))
    return lattice_scene(wrong, symbols, table=table, right=right)


def sentences(scene):
    return [step.says for step in scene.steps]


def computing(scene, mark):
    return next(step for step in scene.steps if mark in step.computes)


@pytest.mark.parametrize("table", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_numbers_shown_are_those_of_the_algorithm(target, table):
    scene = draw(CTC_Y, target, table=table)
    tables = forward_backward(np.log(CTC_Y), LABELS[target])
    values = {"alpha": np.exp(tables.alpha), "beta": np.exp(tables.beta), "gamma": tables.gamma}[table]
    marks = scene.marks_at(len(scene.steps) - 1)
    for (t, i), value in np.ndenumerate(values):
        assert marks[f"{table}-{t}-{i}"].text == number(value), (t, i)
        assert f"{table}-{t}-{i}" in {mark for step in scene.steps for mark in step.computes} or value == 0
    assert number(float(np.exp(tables.log_p)), 5) in scene.table.caption


@pytest.mark.slow
@pytest.mark.parametrize("table", ["alpha", "beta", "gamma"])
def test_random_lattices_can_be_drawn_stepped_and_sent(table):
    rng = np.random.default_rng(1)
    for _ in range(60):
        T, A = int(rng.integers(1, 6)), int(rng.integers(2, 5))
        blank = int(rng.integers(A))
        y = rng.dirichlet(np.ones(A), T)
        y[rng.random(y.shape) < 0.2] = 0
        y = np.where(y.sum(axis=1, keepdims=True) == 0, 1 / A, y)
        y /= y.sum(axis=1, keepdims=True)
        target = rng.choice([k for k in range(A) if k != blank], int(rng.integers(0, 4)))
        scene = draw(y, target, "wxyz", blank, table=table, skip_always=bool(rng.integers(2)))
        assert len(json.dumps(scene.to_json(), allow_nan=False)) < 200_000
        for step in scene.steps:
            assert step.says
        for formula in (step["formula"] for step in scene.to_json()["steps"]):
            ElementTree.fromstring(f"<all>{formula}</all>")
        ElementTree.fromstring(scene.to_svg())


def test_every_term_is_named_and_the_refused_skip_explained():
    same, other = draw(CTC_Y, "aa"), draw(CTC_Y, "ab")
    refused = computing(same, "alpha-2-3").says
    assert "stay 0, advance from blank (i = 2) 0.03" in refused
    assert "without the blank between, the two would merge" in refused
    allowed = computing(other, "alpha-2-3").says
    assert "stay 0.09, advance from blank (i = 2) 0.03, skip from a (i = 1) 0.48" in allowed
    assert "merge" not in allowed
    assert "would leave a out" in computing(same, "alpha-1-2").says


def test_beta_meets_alpha():
    assert "P = 0.5 × 0.168 + 0.3 × 0.2275 = 0.15225" in sentences(draw(CTC_Y, "aa", table="beta"))[-1]
    assert "0.15225" in sentences(draw(CTC_Y, "aa"))[-1]


def test_the_sum_over_the_states_is_the_same_at_every_frame():
    scene = draw(CTC_Y, "aa", table="gamma")
    marks = scene.marks_at(len(scene.steps) - 1)
    assert {marks[f"sum-{t}"].text for t in range(4)} == {"0.15225"}


def test_without_the_rule_the_sum_leaves_the_truth_only_where_a_letter_is_doubled():
    doubled = draw(CTC_Y, "aa", skip_always=True)
    assert "0.15225 together: the rule was there for a reason" in sentences(doubled)[-1]
    assert any("should be refused" in says for says in sentences(doubled))
    plain = draw(CTC_Y, "ab", skip_always=True)
    assert "0.09115 together: the same" in sentences(plain)[-1]


def test_a_target_that_does_not_fit_is_said_to():
    scene = draw(CTC_Y[:2], "aa")
    assert sentences(scene)[-1].endswith("does not fit into the frames; the loss is infinite.")
    assert "nothing to share" in sentences(draw(CTC_Y[:2], "aa", table="gamma"))[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"table": "delta"}, "choose 'alpha', 'beta' or 'gamma'"),
        ({"symbols": "-a"}, "symbols has 2 names, but y has 3 columns"),
        ({"target": "ax"}, "'x', which is not one of the symbols"),
        ({"target": "a-"}, "is the blank"),
        ({"y": [[0.5, 0.6, 0.1]]}, "sum to 1.2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        ch09.ctc_stepper(**{"y": CTC_Y, "target": "aa", **change})


def test_more_symbols_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="target has 13 symbols; the picture has room for 12"):
        draw(CTC_Y, "a" * 13)


def test_a_table_is_checked_once_for_a_redraw(monkeypatch):
    checked, right = [], ch09.log_probabilities
    monkeypatch.setattr(ch09, "log_probabilities", lambda y: checked.append(y) or right(y))
    monkeypatch.setattr("course_utils.ctc.check_log_probabilities", lambda *_: pytest.fail("checked again"))
    ch09.ctc_stepper(CTC_Y, "aa", skip_always=True)
    assert len(checked) == 1
