"""Answers that nobody foresaw: what is right loses nothing by its form, and what is not gets one sentence."""

import sys
import types

import numpy as np
import pytest
from doubling import NUMBER, ONE, PAIR, VECTOR, double, exercise

from course_utils.exercises.exercise import Output
from course_utils.exercises.judge import judge

CASES = tuple((np.full((1, 2), float(k)),) for k in range(1, 5))
FOUR = exercise(arguments=CASES)
TWO_NUMBERS = exercise(
    output=(Output("the sum"), Output("the mean")),
    reference=lambda x: (float(x.sum()), float(x.mean())),
    arguments=CASES,
)


# -- right, in another form


def test_a_buffer_may_be_used_again_and_again():
    buffer = np.empty((1, 2))

    def answer(x):
        np.multiply(x, 2, out=buffer)
        return buffer

    assert judge(FOUR, answer).status == "correct"


def test_a_list_may_be_used_again_and_again():
    rows = []

    def answer(x):
        rows[:] = (2 * x).tolist()
        return rows

    assert judge(FOUR, answer).status == "correct"


def test_a_tensor_may_be_used_again_and_again():
    import torch

    buffer = torch.empty((1, 2), dtype=torch.float64)
    assert judge(FOUR, lambda x: buffer.copy_(2 * torch.tensor(x))).status == "correct"


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: np.array([x.sum(), x.mean()]),
        lambda x: np.array([x.sum(), x.mean()], dtype=np.float32),
        lambda x: [x.sum(), x.mean()],
        lambda x: np.array([x.sum(), x.mean()], dtype=object),
    ],
    ids=["array", "float32", "list", "objects"],
)
def test_two_numbers_in_one_array_are_two_numbers(answer):
    assert judge(TWO_NUMBERS, answer).status == "correct"


def test_two_tables_in_one_array_are_two_tables():
    two = exercise(output=(Output("a", ("t", "i")), Output("b", ("t", "i"))), reference=lambda x: (x, 2 * x))
    assert judge(two, lambda x: np.stack([x, 2 * x])).status == "correct"
    assert "two values" not in judge(two, lambda x: np.stack([x, x])).says


def test_two_rows_are_not_taken_for_a_table_and_a_number():
    assert judge(PAIR, lambda x: 2 * x).says == "double must return 2 values: the table and the loss."


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (2 * x).astype(object),
        lambda x: np.array([[float(v) for v in row] for row in 2 * x], dtype=object),
        lambda x: np.array([[int(v) for v in row] for row in 2 * x], dtype=object),
        lambda x: np.ma.masked_array(2 * x),
        lambda x: np.asmatrix(2 * x),
        lambda x: [row for row in 2 * x],
        lambda x: (2 * x).astype(np.longdouble),
    ],
    ids=["objects", "floats", "ints", "masked", "matrix", "rows", "long"],
)
def test_numbers_are_numbers_in_whatever_they_come(answer):
    assert judge(ONE, answer).status == "correct"


def test_tensors_with_gradients_are_numbers_also_in_lists():
    import torch

    def answer(x):
        return [2 * torch.tensor(row, requires_grad=True) for row in x]

    assert judge(ONE, answer).status == "correct"
    assert judge(NUMBER, lambda x: torch.tensor(2 * x, requires_grad=True)).status == "correct"


# -- wrong: a sentence that names what it is


class Refuses:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no")


ODD = {
    "text": (lambda x: np.array([["a", "b"]]), "it is made of text, such as “a”."),
    "bytes": (lambda x: np.array([[b"a"]]), "it is made of text, such as “b'a'”."),
    "objects": (
        lambda x: np.array([[{}, 1.0]]),
        "it is an array of objects, not of numbers, and one of them is a dict.",
    ),
    "nones": (lambda x: np.array([[None, 1.0]]), "it is an array of objects, not of numbers, and one of them is None."),
    "complex": (lambda x: x + 1j, "it is made of complex numbers; return real ones, with .real where"),
    "dates": (lambda x: np.array(["2000-01-01"], dtype="M8[D]"), "it is an array of datetime64[D]."),
    "generator": (lambda x: (row for row in x), "it is a generator."),
    "function": (lambda x: double, "it is a function."),
    "refuses": (lambda x: Refuses(), "it is a Refuses."),
    "module": (lambda x: sys, "it is a module."),
    "set": (lambda x: {1.0, 2.0}, "it is a set."),
    "long text": (lambda x: "abc" * 10**6, "it is a str, “abcabcabcabcabcabcab…”."),
    "within itself": (lambda x: [*(lambda a: a.append(a) or a)([])], "it is a list"),
}


@pytest.mark.parametrize(("answer", "says"), ODD.values(), ids=ODD)
def test_what_is_not_made_of_numbers_is_called_by_its_name(answer, says):
    report = judge(ONE, answer)
    assert report.status == "incorrect"
    assert says in report.says
    assert len(report.says) < 200


def test_the_digits_in_which_two_numbers_differ_are_shown():
    asked = exercise(output=(Output("the score"),), arguments=((1 / 3,),), tolerance=1e-12)
    says = judge(asked, lambda x: np.float32(2 * x)).says
    assert "0.66666669" in says
    assert "0.66666667" in says


# -- errors and ends


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


def raises(error):
    def answer(x):
        raise error

    return answer


def test_an_exception_whose_text_raises_is_one_line():
    report = judge(ONE, raises(Unspeakable()))
    assert report.says.startswith("It stopped with Unspeakable: it cannot tell what it is about")


def test_an_exception_with_megabytes_of_text_is_one_line():
    report = judge(ONE, raises(ValueError("first\n" * 10**6)))
    assert report.says.startswith("It stopped with ValueError: first first ")
    assert len(report.says) < 500


def test_an_exception_without_text_is_called_by_its_name():
    assert judge(ONE, raises(KeyError())).says == "It stopped with KeyError, at “raise error”."


@pytest.mark.parametrize("end", [sys.exit, exit if "exit" in dir(__builtins__) else sys.exit])
def test_an_answer_that_ends_python_does_not_end_it(end):
    report = judge(ONE, lambda x: end())
    assert report.status == "could not run"
    assert report.says.startswith("It called for the end of Python itself, with SystemExit")


def test_a_demand_that_meets_the_end_of_python_is_one_line():
    asked = exercise(demand=lambda answer: answer("larger"))

    def answer(x):
        return sys.exit() if isinstance(x, str) else 2 * x

    assert judge(asked, answer).says.startswith("It called for the end of Python itself")


def test_endless_recursion_is_told_to_be_a_loop():
    def answer(x):
        return answer(x)

    assert judge(ONE, answer).says.endswith(
        "A function that calls itself does so too deep for Python here: use a loop."
    )


def test_an_argument_that_becomes_ragged_is_a_changed_one():
    def answer(rows):
        result = [[2 * v for v in row] for row in rows]
        rows[0].append(0)
        return result

    report = judge(exercise(arguments=(([[1, 2], [3, 4]],),)), answer)
    assert "changed its argument rows in place" in report.says


# -- not attempted


def emptied(x):
    """Say twice."""


def passes(x):
    pass


def returns_none(x):
    return None


def dots(x): ...


def stub(x):
    """Say twice."""
    # YOUR CODE HERE
    raise NotImplementedError()


def stub_with_words(x):
    raise NotImplementedError("to be done")


@pytest.mark.parametrize(
    "answer", [emptied, passes, returns_none, dots, stub, stub_with_words], ids=lambda f: f.__name__
)
def test_what_nobody_has_begun_is_not_attempted(answer):
    assert judge(ONE, answer).status == "not attempted"


def one_branch(x):
    if x.ndim == 2:
        raise NotImplementedError
    return 2 * x


def forgets_to_return(x):
    y = 2 * x  # noqa: F841


def asks_another(x):
    return stub(x)


def returns_dots(x):
    y = 2 * x
    return y and ...


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (one_branch, "could not run"),
        (forgets_to_return, "incorrect"),
        (asks_another, "could not run"),
        (lambda x: None, "incorrect"),
        (lambda x: "...", "incorrect"),
    ],
)
def test_what_somebody_has_begun_is_attempted(answer, status):
    assert judge(ONE, answer).status == status


def test_a_stub_is_not_called():
    called = []
    counting = types.FunctionType(stub.__code__, {"NotImplementedError": lambda: called.append(0)})
    assert judge(VECTOR, counting).status == "not attempted"
    assert called == []
