"""A report is plain data: it survives the way to another process, and to JSON."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from doubling import NUMBER, ONE, PAIR, exercise, squares

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.judge import judge
from course_utils.exercises.report_views import as_html, as_text

KNOWN = Misconception("squaring", "Twice is not squared.", squares)
REPORTS = {
    "correct": judge(ONE, lambda x: 2 * x),
    "incorrect": judge(ONE, squares),
    "a known idea": judge(exercise(misconceptions=(KNOWN,)), squares),
    "a number": judge(NUMBER, squares),
    "the second value": judge(PAIR, lambda x: (2 * x, 14.0)),
    "no number": judge(ONE, lambda x: x * np.nan),
    "infinite": judge(exercise(reference=lambda x: np.log(0 * x)), lambda x: x + np.inf),
    "not attempted": judge(ONE, lambda x: ...),
    "could not run": judge(ONE, lambda x: 1 / 0),
}

every_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)


@every_report
def test_a_pickled_report_is_the_same(report):
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert (again.headline, as_text(again), as_html(again)) == (report.headline, as_text(report), as_html(report))


@every_report
def test_the_json_of_a_report_is_finite_and_says_all_of_it(report):
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found == report.to_json()
    assert (found["points"], found["headline"]) == (report.points, report.headline)
    for name in ("exercise", "title", "function", "worth", "status", "passed", "total", "says", "case", "hint"):
        assert found[name] == getattr(report, name)
    assert found["misconception"] == report.misconception


def test_what_is_not_finite_is_text():
    assert REPORTS["no number"].to_json()["comparison"]["yours"] == [["nan"] * 3] * 2
    comparison = REPORTS["infinite"].to_json()["comparison"]
    assert (comparison["yours"], comparison["expected"]) == ([["inf"] * 3] * 2, [["−∞"] * 3] * 2)
    assert REPORTS["incorrect"].to_json()["comparison"] == {
        "name": "the table",
        "axes": ["t", "i"],
        "yours": [[0, 1, 4], [9, 16, 25]],
        "expected": [[0, 2, 4], [6, 8, 10]],
        "first_wrong": [0, 1],
    }


def test_a_report_tells_what_was_asked_and_which_idea_was_followed():
    report = REPORTS["a known idea"]
    assert (report.exercise, report.title, report.function, report.worth) == ("0.1", "doubling", "double", 2)
    assert (report.case, report.misconception, report.hint) == ("case 0", "squaring", "Twice is not squared.")


@pytest.mark.parametrize(
    "other",
    [
        {"name": "another"}, {"axes": ("i", "t")}, {"first_wrong": (1, 1)},
        {"yours": np.zeros((2, 3))}, {"expected": np.zeros((2, 3))}, {"yours": np.zeros((1, 1))},
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_reports_with_other_numbers_differ(other):
    report = REPORTS["incorrect"]
    assert report != replace(report, comparison=replace(report.comparison, **other))
    assert report != replace(report, comparison=None)


def test_a_report_is_read_where_no_exercise_and_no_judge_is():
    code = (
        "import pickle, sys\n"
        "report = pickle.load(sys.stdin.buffer)\n"
        "loaded = [name for name in sys.modules if name.startswith('course_utils.exercises.')]\n"
        "print(report.points, report.status, *loaded)"
    )
    sent = pickle.dumps(REPORTS["incorrect"])
    ran = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    points, status, *loaded = ran.stdout.decode().split()
    assert (points, status) == ("0", "incorrect")
    assert not {name.rpartition(".")[2] for name in loaded} & {"judge", "registry", "check", "ch08"}
