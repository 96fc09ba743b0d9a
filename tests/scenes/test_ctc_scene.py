"""The lattice of CTC shows the numbers of the algorithm, every term of each sum, and why a skip is refused."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.ctc import forward_backward
from course_utils.scenes.ctc import lattice_scene
from course_utils.scenes.scene import number

Y43 = [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.35, 0.25], [0.2, 0.7, 0.1]]
TARGETS = ["aa", "ab", "a", "", "aba", "abab"]
LABELS = {"": [], **{word: ["-ab".index(c) for c in word] for word in TARGETS[:3] + TARGETS[4:]}}


def sentences(scene):
    return [step.says for step in scene.steps]


def computing(scene, mark):
    return next(step for step in scene.steps if mark in step.computes)


@pytest.mark.parametrize("table", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_numbers_shown_are_those_of_the_algorithm(target, table):
    scene = lattice_scene(Y43, target, "-ab", table=table)
    tables = forward_backward(np.log(Y43), LABELS[target])
    values = {"alpha": np.exp(tables.alpha), "beta": np.exp(tables.beta), "gamma": tables.gamma}[table]
    marks = scene.marks_at(len(scene.steps) - 1)
    for (t, i), value in np.ndenumerate(values):
        assert marks[f"{table}-{t}-{i}"].text == number(value), (t, i)
        assert f"{table}-{t}-{i}" in {mark for step in scene.steps for mark in step.computes} or value == 0
    assert number(float(np.exp(tables.log_p)), 5) in scene.table.caption


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
        scene = lattice_scene(y, target, "wxyz", blank, table=table, skip_always=bool(rng.integers(2)))
        assert len(json.dumps(scene.to_json(), allow_nan=False)) < 200_000
        for step in scene.steps:
            assert step.says
        for formula in (step["formula"] for step in scene.to_json()["steps"]):
            ElementTree.fromstring(f"<all>{formula}</all>")
        ElementTree.fromstring(scene.to_svg())


def test_every_term_is_named_and_the_refused_skip_explained():
    same, other = lattice_scene(Y43, "aa", "-ab"), lattice_scene(Y43, "ab", "-ab")
    refused = computing(same, "alpha-2-3").says
    assert "stay 0, advance from blank (i = 2) 0.03" in refused
    assert "without the blank between, the two would merge" in refused
    allowed = computing(other, "alpha-2-3").says
    assert "stay 0.09, advance from blank (i = 2) 0.03, skip from a (i = 1) 0.48" in allowed
    assert "merge" not in allowed
    assert "would leave a out" in computing(same, "alpha-1-2").says


def test_beta_meets_alpha():
    assert "P = 0.5 × 0.168 + 0.3 × 0.2275 = 0.15225" in sentences(lattice_scene(Y43, "aa", "-ab", table="beta"))[-1]
    assert "0.15225" in sentences(lattice_scene(Y43, "aa", "-ab"))[-1]


def test_the_sum_over_the_states_is_the_same_at_every_frame():
    scene = lattice_scene(Y43, "aa", "-ab", table="gamma")
    marks = scene.marks_at(len(scene.steps) - 1)
    assert {marks[f"sum-{t}"].text for t in range(4)} == {"0.15225"}


def test_without_the_rule_the_sum_leaves_the_truth_only_where_a_letter_is_doubled():
    doubled = lattice_scene(Y43, "aa", "-ab", skip_always=True)
    assert "0.15225 together: the rule was there for a reason" in sentences(doubled)[-1]
    assert any("should be refused" in says for says in sentences(doubled))
    plain = lattice_scene(Y43, "ab", "-ab", skip_always=True)
    assert "0.09115 together: the same" in sentences(plain)[-1]


def test_a_target_that_does_not_fit_is_said_to():
    scene = lattice_scene(Y43[:2], "aa", "-ab")
    assert sentences(scene)[-1].endswith("does not fit into the frames; the loss is infinite.")
    assert "nothing to share" in sentences(lattice_scene(Y43[:2], "aa", "-ab", table="gamma"))[0]


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
        lattice_scene(**{"y": Y43, "target": "aa", "symbols": "-ab", **change})
