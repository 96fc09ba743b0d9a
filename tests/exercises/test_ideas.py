"""What a check says beyond the first wrong cell: two mistakes at once, another order, a variable of the notebook."""

import time
from functools import partial

import numpy as np
import pytest
from doubling import NUMBER, ONE, PAIR, double, exercise, squares

from course_utils.exercises.calls import LINES_KEPT, WIDTH_KEPT
from course_utils.exercises.exercise import Misconception, Output
from course_utils.exercises.judge import judge
from course_utils.exercises.report_views import as_html, as_text


def scaled(x, *, factor=2, shift=0, backwards=False):
    return (factor * x + shift)[::-1] if backwards else factor * x + shift


TRIPLE = Misconception("three times", "Twice is asked for.", partial(scaled, factor=3))
SHIFT = Misconception("one more", "Nothing is added.", partial(scaled, shift=1))
BACKWARDS = Misconception("backwards", "Keep the order.", partial(scaled, backwards=True))
CASES = tuple((np.array([[a, b], [c, d]], dtype=float),) for a, b, c, d in ((1, 2, 3, 4), (5, 0, 7, 7)))
THREE_IDEAS = exercise(misconceptions=(TRIPLE, SHIFT, BACKWARDS), arguments=CASES)

# -- two at once


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda x: 3 * x, "three times"),
        (lambda x: 3 * x + 1, "three times, and one more"),
        (lambda x: (2 * x + 1)[::-1], "one more, and backwards"),
        (lambda x: 3 * x[::-1], "three times, and backwards"),
        (lambda x: 3 * x[::-1] + 1, None),
        (lambda x: 4 * x, None),
    ],
)
def test_two_wrong_ideas_at_once_are_both_named(answer, name):
    report = judge(THREE_IDEAS, answer)
    assert report.misconception == name
    assert not report.in_part
    if name == "three times, and one more":
        assert report.hint == "Twice is asked for. Nothing is added."


def test_ideas_about_the_same_decision_are_no_pair():
    """Nothing can be three and four times at once, nor can ideas be combined that are functions of their own."""
    four = Misconception("four times", "Twice.", partial(scaled, factor=4))
    own = Misconception("squaring", "Twice.", squares)
    asked = exercise(misconceptions=(TRIPLE, four, own), arguments=CASES)
    assert judge(asked, lambda x: 4 * x + 1).misconception is None


# -- in part


def test_an_idea_followed_only_where_the_answer_is_wrong_is_named_as_such():
    def once_fixed(x):
        return 2 * x if x[0, 0] == 1 else 3 * x

    report = judge(THREE_IDEAS, once_fixed)
    assert (report.passed, report.misconception, report.in_part) == (1, "three times", True)
    assert "Where it is wrong, this looks like: three times. Twice is asked for." in as_text(report)
    assert judge(THREE_IDEAS, lambda x: 3 * x).in_part is False


def test_an_error_is_not_taken_for_another_one_in_part():
    known = Misconception("reads too far", "Count from 0.", lambda x: [][0])
    asked = exercise(misconceptions=(known,), arguments=CASES)

    def stops_once(x):
        return 2 * x if x[0, 0] == 1 else [][1]

    assert judge(asked, stops_once).misconception is None


# -- another order


def test_right_values_in_another_order_are_told_so():
    report = judge(PAIR, lambda x: (float(x.sum()), 2 * x))
    assert report.misconception == "values in another order"
    assert report.hint == "Each value is right. They must be returned in this order: the table, the loss."
    assert judge(PAIR, lambda x: (float(x.sum()), 3 * x)).misconception is None
    three = tuple(Output(name) for name in ("a", "b", "c"))
    asked = exercise(output=three, reference=lambda x: (x, 2 * x, 3 * x), arguments=((3.0,), (5.0,)))
    assert judge(asked, lambda x: (3 * x, x, 2 * x)).misconception == "values in another order"


# -- the notebook's variables

x_0 = np.full((2, 2), 7.0)
FACTOR = 3


def test_a_variable_of_the_notebook_in_place_of_an_argument_is_named():
    def reads_another(x):
        return 2 * x_0

    report = judge(exercise(arguments=CASES), reads_another)
    assert report.misconception == "a variable of the notebook instead of an argument"
    assert report.hint.startswith("double reads x_0, which it was not given")


def test_it_is_found_in_a_function_within():
    def reads_within(x):
        return np.array([[2 * x_0[i, j] for j in range(2)] for i in range(2)])

    assert "reads x_0," in judge(exercise(arguments=CASES), reads_within).hint


@pytest.mark.parametrize("answer", [lambda x: FACTOR * x, lambda x: squares(x), lambda x: np.exp(x)])
def test_constants_functions_and_modules_are_no_suspects(answer):
    assert judge(exercise(arguments=CASES), answer).misconception is None


def test_a_right_answer_may_read_what_it_likes():
    assert judge(ONE, lambda x: 2 * x + 0 * x_0[0, 0]).status == "correct"


# -- what is printed


def chatty(x):
    for line in range(10_000):
        print(f"line {line}, <b>x</b>[0, 0] = {x[0, 0]:g}" + (200 * "." if line == 3 else ""))
    return 3 * x


def test_the_beginning_of_what_the_failing_case_printed_is_shown(capsys):
    report = judge(exercise(arguments=CASES), chatty)
    lines = report.printed.split("\n")
    assert len(lines) == LINES_KEPT + 1
    assert lines[0] == "line 0, <b>x</b>[0, 0] = 1"
    assert lines[3].endswith(" …")
    assert len(lines[3]) == WIDTH_KEPT + 2
    assert lines[-1] == "…"
    assert "It printed:\nline 0, <b>x</b>" in as_text(report)
    assert "<p>It printed:</p><pre>line 0, &lt;b&gt;x" in as_html(report)
    assert capsys.readouterr().out == ""


def test_a_right_case_prints_nothing_and_neither_does_a_right_answer(capsys):
    def tells(x):
        print("at", x[0, 0])
        return 2 * x if x[0, 0] == 1 else 3 * x

    report = judge(exercise(arguments=CASES), tells)
    assert (report.case, report.printed) == ("case 1", "at 5.0")
    assert judge(ONE, lambda x: print("hello") or 2 * x).printed == ""
    assert capsys.readouterr().out == ""


def test_what_was_printed_before_an_error_is_shown():
    report = judge(ONE, lambda x: print("here") or 1 / 0)
    assert (report.status, report.printed) == ("could not run", "here")


# -- precision


def test_single_precision_is_enough_unless_the_exercise_says_otherwise():
    third = exercise(arguments=((np.full((1, 1), 1 / 3),),))
    assert judge(third, lambda x: np.float32(2 * x)).status == "correct"
    report = judge(exercise(arguments=((np.full((1, 1), 1 / 3),),), tolerance=1e-9), lambda x: np.float32(2 * x))
    assert report.says.endswith("Only the precision differs: yours is float32, which keeps 6 digits.")
    assert "0.66666669, and it should be 0.66666667" in report.says


def test_rounding_is_told_from_another_number():
    third = exercise(arguments=((np.full((1, 2), 1 / 3),),))
    assert "Only the last digits differ" in judge(third, lambda x: np.round(2 * x, 5)).says
    assert "digits differ" not in judge(third, lambda x: np.round(2 * x, 1)).says
    assert "digits differ" not in judge(third, lambda x: [[2 / 3 + 1e-5, 0.5]]).says
    assert "Only the last digits differ" in judge(NUMBER, lambda x: 2 * x + 1e-4).says


# -- patience


def test_a_slow_answer_that_is_wrong_is_not_waited_for():
    """Each case is within its limit; all twenty together would take ten times the patience of the check."""

    def slow(x):
        time.sleep(0.1)
        return 3 * x

    many = exercise(arguments=tuple((np.full((1, 1), float(k)),) for k in range(1, 21)))
    called = []
    report = judge(many, lambda x: called.append(0) or slow(x), limit=0.25)
    assert report.status == "incorrect"
    assert len(called) < 10
    assert judge(many, lambda x: time.sleep(0.05) or double(x), limit=0.25).status == "correct"
