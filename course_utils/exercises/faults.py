"""What is wrong with a call of an answer, by comparison with the right values or by the exercise's own judgement."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.asked import Asked
from course_utils.exercises.calls import Call
from course_utils.exercises.exercise import Case, Exercise
from course_utils.exercises.report import Comparison
from course_utils.exercises.time_limit import TimeLimit, TooSlow
from course_utils.exercises.values import as_array, as_numbers, kind_of, separate
from course_utils.exercises.wording import (
    describe,
    say_asked,
    say_axes,
    say_cell,
    say_endless,
    say_no_numbers,
    say_none,
    say_shape,
    say_stopped,
)


@dataclass(frozen=True)
class Fault:
    """A sentence about what is wrong, and the answer beside the right one where both can be compared."""

    says: str
    comparison: Comparison | None = None


def find_fault(exercise: Exercise, case: Case, made: Call, expected: Any, limit: TimeLimit) -> Fault | None:
    """Say what is wrong with a call on a case, or return None.

    Parameters
    ----------
    expected
        What the reference returns; not looked at where the exercise has ``accepts``.
    limit
        Of the time that ``accepts`` may take.

    Raises
    ------
    TypeError
        ``accepts`` returned neither a sentence nor None.
    """
    if isinstance(made.error, TooSlow):
        return Fault(say_endless(limit.seconds, "on this case", made.line))
    if isinstance(made.error, Asked):
        return Fault(say_asked(exercise.function, made.error))
    if made.error is not None:
        return Fault(say_stopped(made.error, made.line))
    if made.value is None:
        return Fault(f"{exercise.function} returned None. Is there a return at its end?")
    values = separate(exercise.outputs, made.value)
    if values is None:
        names = " and ".join(output.name for output in exercise.outputs)
        return Fault(f"{exercise.function} must return {len(exercise.outputs)} values: {names}.")
    if exercise.accepts is None:
        fault = _unlike(exercise, values, separate(exercise.outputs, expected))
    else:
        fault = _not_accepted(exercise, case, values, limit)
    if fault is None and made.changed:
        return Fault(
            f"The values are right, but {exercise.function} changed its argument {made.first_changed} in place. "
            "Whoever called it still needs the old one: work on a copy."
        )
    return fault


def alike(exercise: Exercise, a: Call, b: Call) -> bool:
    """Whether two calls came to the same: equal values, the same arguments changed, or an error of one type."""
    if a.error is not None or b.error is not None:
        return type(a.error) is type(b.error)
    if a.value is None or b.value is None or a.changed != b.changed:
        return False
    ours, theirs = (separate(exercise.outputs, made.value) for made in (a, b))
    if (
        ours is None
        or theirs is None
        or any(as_array(output, v) is None for output, v in zip(exercise.outputs, theirs, strict=True))
    ):
        return False
    return _unlike(exercise, ours, theirs) is None


def _unlike(exercise: Exercise, values: tuple, wanted: tuple) -> Fault | None:
    for output, value, right in zip(exercise.outputs, values, wanted, strict=True):
        right = as_array(output, right)
        if value is None:
            return Fault(say_none(output, right))
        yours = as_array(output, value)
        if yours is None:
            return Fault(say_no_numbers(output, value))
        if output.names and yours.size == right.size == 0 and len(yours) == len(right):
            continue  # a list of none is one, whatever axes it would have
        if yours.shape != right.shape:
            return Fault(say_shape(output, yours, right))
        wrong = np.argwhere(np.atleast_1d(~_close(yours, right, exercise.tolerance)))
        if len(wrong):
            first = tuple(int(k) for k in wrong[-1 if output.backward else 0])[: right.ndim]
            comparison = Comparison(output.name, output.axes, yours, right, first)
            return Fault(say_cell(output, first, yours, right, kind_of(value)), comparison)
    return None


def _close(a: NDArray, b: NDArray, tolerance: float) -> NDArray[np.bool_]:
    if a.dtype.kind == "U":
        return a == b
    return np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)  # a known wrong idea may end in NaN


def _not_accepted(exercise: Exercise, case: Case, values: tuple, limit: TimeLimit) -> Fault | None:
    arrays = []
    for output, value in zip(exercise.outputs, values, strict=True):
        if value is None:
            return Fault(say_none(output))
        yours = as_numbers(value)
        if yours is None:
            return Fault(say_no_numbers(output, value))
        if yours.ndim != len(output.axes):
            return Fault(say_axes(output, yours))
        arrays.append(yours)
    try:
        says = limit.call(exercise.accepts, case.args, arrays[0] if len(arrays) == 1 else tuple(arrays))
    except TooSlow:
        return Fault(f"To judge what {exercise.function} returned takes more than {limit.seconds:g} s.")
    except Exception as error:  # it may fail on a value that nobody thought of
        return Fault(f"What {exercise.function} returned cannot be judged: {describe(error)}.")
    if says is not None and not isinstance(says, str):
        raise TypeError(f"accepts of exercise {exercise.id} returned {says!r}; it must return a sentence or None")
    return None if says is None else Fault(says)
