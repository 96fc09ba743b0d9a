"""A failing case as code: what is shown runs, and makes the same arguments."""

import numpy as np
import pytest
from doubling import ONE, squares
from right_answers import viterbi_forward

from course_utils.exercises.check import CheckFailed, check, failing_case
from course_utils.exercises.judge import judge
from course_utils.exercises.paste import LONGEST_CALL, call_to_paste, literal
from course_utils.exercises.registry import EXERCISES

VALUES = [
    0.1, -0.0, 1e-320, np.inf, -np.inf, np.nan, 3, True, None, "it's", 'say "A"', [], (), (1,), ["A", ["B"]],
    np.array([[1.0, -np.inf], [np.nan, 1 / 3]]), np.array([1, 2]), np.zeros((0,)), np.array([], dtype=np.intp),
    np.array([1.5], dtype=np.float32), np.array([True, False]), np.float64(2.5), np.int64(3), np.str_("A"),
    np.array([["A", "BH"]]),
]  # fmt: skip


def same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return np.array_equal(a, b, equal_nan=True) if isinstance(a, float) else a == b


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_literal_makes_the_same_value_again(value):
    again = eval(literal(value), {"np": np})
    assert same(value, again) or repr(value) == repr(again)
    assert "\n" not in literal(value)


def test_what_has_no_literal_is_refused():
    with pytest.raises(TypeError, match="a dict cannot be written as code"):
        literal({})


def test_a_report_has_the_call_of_its_case():
    report = judge(ONE, squares)
    assert report.call == "double(np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))"
    assert report.to_json()["call"] == report.call
    assert judge(ONE, lambda x: 2 * x).call == ""


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_every_case_of_every_exercise_can_be_pasted(exercise):
    """Does the call get the arguments of the case, whether they are written out or had by name?"""
    for case in exercise.cases(np.random.default_rng(0)):
        call = call_to_paste(exercise.id, exercise.function, case.args)
        assert len(call) <= LONGEST_CALL
        got = []
        names = {"np": np, exercise.function: lambda *args, got=got: got.extend(args)}
        eval(call, names | {"failing_case": lambda exercise_id, case=case: case.args})
        assert len(got) == len(case.args)
        for a, b in zip(case.args, got, strict=True):
            assert np.array_equal(np.asarray(a), np.asarray(b)), case.name


def test_the_failing_case_can_be_had_again():
    def fails_on_long_ones(log_y, target):
        return np.zeros((len(log_y), len(target))) if len(log_y) > 9 else viterbi_forward(log_y, target)

    with pytest.raises(CheckFailed):
        check("8.1", fails_on_long_ones)
    log_y, target = failing_case("8.1")
    assert len(log_y) > 9
    assert not np.array_equal(fails_on_long_ones(log_y, target), viterbi_forward(log_y, target))
    log_y[:] = 0  # a copy: the next check is not disturbed
    check("8.1", viterbi_forward)
    with pytest.raises(ValueError, match=r"No case of 8\.1 has failed: run its check first\."):
        failing_case("8.1")
    with pytest.raises(ValueError, match=r"the exercises are 1\.1"):
        failing_case("0.7")
