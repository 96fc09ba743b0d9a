"""How answers are judged: whatever a reader hands in, the report is friendly, true and short."""

import re

import numpy as np
import pytest
from doubling import NUMBER, ONE, PAIR, VECTOR, double, exercise, squares

from course_utils.exercises.exercise import Misconception, Output
from course_utils.exercises.judge import judge

# -- what counts as right


@pytest.mark.parametrize(
    "answer",
    [
        double,
        lambda x: x + x,
        lambda x: (2 * x).tolist(),
        lambda x: tuple(map(tuple, 2 * x)),
        lambda x: 2 * x + 1e-12,
        lambda x: (2 * x).astype(np.float32),
    ],
)
def test_an_answer_may_be_written_in_any_way(answer):
    report = judge(ONE, answer)
    assert report.status == "correct"
    assert report.points == 2
    assert report.headline == "✓ 0.1 doubling: correct, 1 of 1 cases, 2 points."


def test_minus_infinity_equals_minus_infinity():
    everywhere = exercise(reference=lambda x: np.full_like(x, -np.inf))
    assert judge(everywhere, lambda x: np.full_like(x, -np.inf)).status == "correct"
    assert judge(everywhere, lambda x: np.full_like(x, -1e300)).status == "incorrect"
    assert judge(everywhere, lambda x: np.full_like(x, np.inf)).status == "incorrect"


def test_a_tensor_is_as_good_as_an_array():
    import torch

    assert judge(ONE, lambda x: 2 * torch.as_tensor(x)).status == "correct"


def test_a_tensor_that_keeps_its_gradient_gets_a_report():
    import torch

    report = judge(ONE, lambda x: 2 * torch.tensor(x, requires_grad=True))
    assert report.status in ("correct", "incorrect")


# -- what is wrong, and how the report says so

WRONG = {
    "none": (ONE, lambda x: None, "double returned None. Is there a return at its end?"),
    "shape": (
        ONE,
        lambda x: 2 * x[:1],
        r"must have the shape \(2, 3\) \(sizes of t = 2, i = 3\); yours has \(1, 3\)\.$",
    ),
    "transposed": (ONE, lambda x: 2 * x.T, r"yours has \(3, 2\). It lies on its side: t comes first\.$"),
    "a number for a table": (ONE, lambda x: 2.0, r"must have the shape \(2, 3\).*; yours has \(\)"),
    "a table for a number": (NUMBER, lambda x: [6.0], r"the score must be a single number; yours has the shape \(1,\)"),
    "one value of two": (PAIR, lambda x: 2 * x, "double must return 2 values: the table and the loss"),
    "three values": (PAIR, lambda x: (2 * x, 15.0, 0), "double must return 2 values: the table and the loss"),
    "values swapped": (PAIR, lambda x: (15.0, 2 * x), r"the table must have the shape \(2, 3\)"),
    "text": (ONE, lambda x: "done", "the table must be made of numbers; it is a str, “done”"),
    "ragged": (
        ONE,
        lambda x: [[1], [1, 2]],
        "the table must be made of numbers; it is a list whose rows have different lengths",
    ),
    "a dictionary": (ONE, lambda x: {}, "the table must be made of numbers; it is a dict"),
    "complex": (
        NUMBER,
        lambda x: 6j,
        "the score must be made of numbers; it is made of complex numbers; return real ones",
    ),
    "no loss": (PAIR, lambda x: (2 * x, None), r"^The loss is None; it should be 15\.$"),
    "no table": (
        PAIR,
        lambda x: (None, 15.0),
        r"^The table is None; it should be an array of the shape \(2, 3\) \(sizes of t = 2, i = 3\)\.$",
    ),
    "NaN": (ONE, lambda x: x * np.nan, "The first wrong cell of the table is at t = 0, i = 0: nan, and it should be 0"),
    "first cell": (ONE, squares, "The first wrong cell of the table is at t = 0, i = 1: 1, and it should be 2"),
    "a number": (NUMBER, squares, r"the score is 9; it should be 6\."),
    "the second value": (PAIR, lambda x: (2 * x, 14.0), r"the loss is 14; it should be 15\."),
    "too short": (VECTOR, lambda x: 2 * x[:3], r"the path should have 4 entries, 0 2 4 6; yours has 3: 0 2 4\.$"),
    "nothing": (VECTOR, lambda x: [], r"the path should have 4 entries, 0 2 4 6; yours has 0: nothing\.$"),
    "too short, and long": (
        exercise(output=(Output("the path", ("t",)),), arguments=((np.arange(40.0),),)),
        lambda x: 2 * x[:3],
        r"the path must have the shape \(40,\) \(sizes of t = 40\); yours has \(3,\)",
    ),
    "NaN explained": (ONE, lambda x: x * np.nan, "comes from −∞ − −∞ or from 0/0"),
    "a logarithm too small to have an exponential": (
        exercise(arguments=((np.full((1, 1), -400.0),),)),
        lambda x: x - np.inf,
        "it should be −800. If this is a logarithm: its exponential is too small for a float",
    ),
    "a vector": (VECTOR, squares, "The first wrong cell of the path is at t = 1: 1, and it should be 2"),
}


@pytest.mark.parametrize(("asked", "answer", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(asked, answer, says):
    report = judge(asked, answer)
    assert report.status == "incorrect"
    assert report.points == 0
    assert re.search(says, report.says, re.IGNORECASE), report.says
    assert report.headline == "✗ 0.1 doubling: incorrect, 0 of 1 cases right."


def test_numbers_beyond_all_floats_get_a_report():
    assert judge(NUMBER, lambda x: 10**400).status == "incorrect"


def test_what_is_computed_from_the_end_is_first_wrong_at_its_end():
    backward = exercise(output=(Output("the path", ("t",), backward=True),), arguments=((np.arange(4.0),),))
    report = judge(backward, squares)
    assert report.comparison.first_wrong == (3,)
    assert report.says.startswith("Read backwards")
    assert "t = 3: 9, and it should be 6" in report.says


@pytest.mark.parametrize("wrong", [(0, 0), (1, 2), (0, 2), (1, 0)])
def test_the_first_wrong_cell_is_the_first_one_that_is_wrong(wrong):
    def answer(x):
        y = 2 * x
        y[wrong] += 1e-5
        y[-1, -1] += 1
        return y

    report = judge(ONE, answer)
    assert report.comparison.first_wrong == wrong
    assert report.comparison.yours[wrong] != report.comparison.expected[wrong]


def test_the_report_shows_the_first_case_that_failed():
    three = exercise(arguments=tuple((np.full((1, 1), x),) for x in (0.0, 2.0, 3.0)))
    report = judge(three, squares)
    assert (report.passed, report.total) == (2, 3)
    assert report.case == "case 2"


def test_an_answer_that_changes_its_argument_is_told_so():
    def answer(x):
        x *= 2
        return x

    report = judge(ONE, answer)
    assert report.status == "incorrect"
    assert "double changed its argument x in place" in report.says
    assert judge(ONE, double).status == "correct", "the case itself must not have been changed"


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (lambda a, h_init: h_init.sort() or a, "argument h_init in place"),
        (lambda a, /, *rest: rest[0].sort() or a, "argument number 2 in place"),
        (lambda a, b=None: b.sort() or a, "argument b in place"),
    ],
)
def test_a_changed_argument_has_the_name_that_the_answer_gives_it(answer, named):
    two = exercise(reference=lambda x, y: x, arguments=((np.ones((1, 1)), np.array([2.0, 1.0])),))
    assert f"double changed its {named}." in judge(two, answer).says


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("delta", "delta is "), ("db_h", "db_h is "), ("log_norms", "log_norms is "), ("h_0 of the run", "h_0 of the run is "),
        ("the loss", "The loss is "), ("its log-probability", "Its log-probability is "),
    ],
)  # fmt: skip
def test_a_name_from_the_code_is_not_capitalised(name, begins):
    asked = exercise(output=(Output(name),), arguments=((3.0,),))
    assert judge(asked, squares).says.startswith(begins)


def test_a_name_from_the_code_is_not_capitalised_where_its_shape_is_wrong():
    asked = exercise(output=(Output("db_h", ("unit",)),), arguments=((np.arange(40.0),),))
    assert judge(asked, lambda x: x[:2]).says.startswith("db_h must have the shape (40,)")
    asked = exercise(output=(Output("log_norms", ("distance",)),), arguments=((np.arange(2.0),),))
    assert judge(asked, lambda x: x[:1]).says.startswith("log_norms should have 2 entries")


def test_what_one_answer_does_to_its_arguments_the_next_does_not_see():
    same = np.arange(3.0).reshape(1, 3)

    def destroy(x):
        y = 2 * x
        x[:] = -1
        return y

    judge(exercise(arguments=((same,), (same,))), destroy)
    assert same.tolist() == [[0, 1, 2]]


# -- answers that stop


def test_an_exception_is_reported_with_its_line():
    def answer(x):
        y = 2 * x
        y[0, 99] = 1
        return y

    report = judge(ONE, answer)
    assert report.status == "could not run"
    assert report.says.startswith("It stopped with IndexError: index 99 is out of bounds")
    assert "at “y[0, 99] = 1”" in report.says


def test_an_exception_within_a_library_is_reported_with_the_line_of_the_answer():
    def answer(x):
        return np.stack([x, x[0]])

    report = judge(ONE, answer)
    assert report.says.startswith("It stopped with ValueError: all input arrays must have the same shape")
    assert "at “return np.stack([x, x[0]])”" in report.says


def test_an_answer_with_other_arguments_is_not_shown_a_line_of_the_course():
    report = judge(ONE, lambda: 1)
    assert report.status == "could not run"
    assert "takes 0 positional arguments but 1 was given" in report.says
    assert "answer(*args)" not in report.says


def test_endless_recursion_is_reported():
    def answer(x):
        return answer(x)

    report = judge(ONE, answer)
    assert report.status == "could not run"
    assert "RecursionError" in report.says


def test_an_interrupt_still_interrupts():
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(ONE, answer)


def test_warnings_of_arithmetic_do_not_stop_an_answer():
    minus_infinity = exercise(reference=lambda x: np.full_like(x, -np.inf))
    assert judge(minus_infinity, lambda x: np.log(0 * x)).status == "correct"


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="answer is 'ndarray'; pass the function itself, without calling it"):
        judge(ONE, np.zeros(3))


# -- stubs


def stub(x):
    raise NotImplementedError


def ellipsis(x):
    return ...


@pytest.mark.parametrize("answer", [stub, ellipsis])
def test_a_stub_is_not_attempted_rather_than_wrong(answer):
    report = judge(ONE, answer)
    assert report.status == "not attempted"
    assert report.points == 0
    assert report.headline == "○ 0.1 doubling: not attempted yet, 2 points to win."
    assert report.misconception is None


# -- wrong ideas


def test_a_wrong_idea_is_named_where_the_answer_follows_it_on_every_case():
    known = Misconception("squaring", "Twice is not squared.", squares)
    arguments = tuple((np.full((1, 1), x),) for x in (0.0, 2.0, 3.0))
    asked = exercise(misconceptions=(known,), arguments=arguments)
    assert judge(asked, lambda x: x * x).misconception == known.name
    assert judge(asked, lambda x: np.where(x == 3, 10, x * x)).misconception is None


def test_an_idea_that_stops_is_recognised_by_how_it_stops():
    def stops(x):
        raise IndexError("mine")

    known = Misconception("reads too far", "Count from 0.", lambda x: [][0])
    assert judge(exercise(misconceptions=(known,)), stops).misconception == known.name
    assert judge(exercise(misconceptions=(known,)), lambda x: 1 / 0).misconception is None


def test_a_demand_is_made_of_right_values_only():
    asked_of = []

    def demand(answer):
        asked_of.append(answer)
        return "Right, but slow."

    asked = exercise(demand=demand)
    assert judge(asked, squares).says != "Right, but slow."
    assert asked_of == []
    report = judge(asked, double)
    assert (report.status, report.says, report.points) == ("incorrect", "Right, but slow.", 0)
