"""Answers that are made of names: judged, compared and told like those that are made of numbers."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.exercises.judge import judge
from course_utils.exercises.report_views import as_html, as_text


def exercise(axes=("t",)):
    return Exercise(
        id="0.1", title="names", points=1, function="name_them", outputs=(Output("the list", axes, names=True),),
        reference=lambda names: list(names), cases=lambda rng: [Case("some", (["AH", "B", "T"],)), Case("none", ([],))],
        misconceptions=(Misconception("backwards", "It reads from left to right.", lambda names: list(names)[::-1]),),
    )  # fmt: skip


@pytest.mark.parametrize("of", [list, tuple, np.array, lambda names: np.array(names, dtype=object).astype(str)])
def test_any_sequence_of_names_is_right(of):
    assert judge(exercise(), lambda names: of(names)).status == "correct"


def test_nothing_is_nothing_in_any_shape():
    assert judge(exercise(), lambda names: names or np.empty((0, 3), dtype=str)).status == "correct"
    assert judge(exercise(), lambda names: names or ()).status == "correct"


def test_a_list_of_one_empty_row_is_not_nothing():
    two = exercise(("n", "t"))
    report = judge(replace(two, reference=lambda names: [names]), lambda names: [names] if names else [])
    assert report.status == "incorrect"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("AHBT", "The list must be a list of names, one entry for each; it is one text that cannot be read as such."),
        ([1, 2, 3], "it is a list that cannot be read as such"),
        ([["AH"], ["B", "T"]], "it is a list that cannot be read as such"),
        (["AH", "B"], "The list should have 3 entries, AH B T; yours has 2: AH B."),
        ([["AH", "B", "T"]], "must have the shape (3,)"),
        (None, "returned None"),
        (["AH", "P", "T"], "The first wrong cell of the list is at t = 1: P, and it should be B."),
        (object(), "it is a object that cannot be read as such"),
    ],
)
def test_what_is_wrong_is_said(value, says):
    report = judge(exercise(), lambda names: value)
    assert report.status == "incorrect"
    assert says in report.says


def test_a_wrong_idea_is_recognised_by_its_names():
    report = judge(exercise(), lambda names: [*reversed(names)])
    assert report.misconception == "backwards"


def test_the_report_is_plain_data_in_all_its_forms():
    report = judge(exercise(), lambda names: ["AH", "<b>x</b>", "T"] if names else [])
    assert report == pickle.loads(pickle.dumps(report))
    assert report != judge(exercise(), lambda names: ["AH", "<i>", "T"] if names else [])
    assert report.to_json()["comparison"]["yours"] == ["AH", "<b>x</b>", "T"]
    json.dumps(report.to_json(), allow_nan=False)
    assert "[<b>x</b>]" in as_text(report)
    html = as_html(report)
    assert "<b>x</b>" not in html
    assert "<b>✗ &lt;b&gt;x&lt;/b&gt;</b>" in html
