"""The check cell of a notebook: shows the report on an answer, and fails unless all is right."""

import copy
import sys
from collections.abc import Callable

import numpy as np

from course_utils.exercises.cells import say_defined_twice
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.judge import SECONDS, judge
from course_utils.exercises.registry import EXERCISES
from course_utils.exercises.report import Report
from course_utils.exercises.report_views import as_html, as_text

_EARNED: dict[str, int] = {}  # points by exercise, from its last check since the kernel was started
_FAILED: dict[str, tuple[int, str]] = {}  # by exercise: the seed of its last check, and the case that failed in it


class CheckFailed(Exception):
    """The answer is not right yet. Renders as one friendly line where a notebook shows tracebacks."""

    def _render_traceback_(self):
        return [str(self)]


class Interrupted(KeyboardInterrupt):
    """The reader has stopped the kernel while an answer was judged. One line, too."""

    def _render_traceback_(self):
        return [str(self)]


def check(exercise_id: str, answer: Callable, seed: int = 0, limit: float = SECONDS) -> None:
    """Judge an answer, show the report, and raise unless it is correct, so that graders see the failure.

    A right answer is also told the points of its chapter so far: those of each exercise's last check.

    Parameters
    ----------
    exercise_id
        Such as "8.1".
    answer
        The function to judge.
    seed
        Of the random cases.
    limit
        How many seconds the answer may take on one case.

    Raises
    ------
    CheckFailed
        The answer is incorrect, could not run or was not attempted.
    Interrupted
        The kernel was interrupted.
    ValueError
        There is no such exercise, or ``limit`` is not a positive number.
    """
    exercise = _exercise(exercise_id)
    try:
        report = judge(exercise, answer, seed, limit)
    except KeyboardInterrupt:
        raise Interrupted(
            f"○ {exercise_id} {exercise.title}: interrupted while {exercise.function} was running."
        ) from None
    _EARNED[exercise_id] = report.points
    _FAILED.pop(exercise_id, None)
    if report.case is not None:
        _FAILED[exercise_id] = seed, report.case
    twice = say_defined_twice(exercise.function)
    if twice:
        print(twice)
    if report.status == "correct":
        print(report.headline)
        print(_so_far(exercise_id.partition(".")[0]))
        return
    if report.status != "not attempted":
        _display(Shown(report))
    raise CheckFailed(report.headline)


def failing_case(exercise_id: str) -> tuple:
    """Return the arguments of the case on which the last check of an exercise failed, to call the answer once more.

    Raises
    ------
    ValueError
        There is no such exercise, or its last check did not fail on a case.
    """
    exercise = _exercise(exercise_id)
    if exercise_id not in _FAILED:
        raise ValueError(f"No case of {exercise_id} has failed: run its check first.")
    seed, name = _FAILED[exercise_id]
    cases = exercise.cases(np.random.default_rng(seed))
    return copy.deepcopy(next(case.args for case in cases if case.name == name))


def _exercise(exercise_id: str) -> Exercise:
    if exercise_id not in EXERCISES:
        raise ValueError(f"exercise_id is {exercise_id!r}; the exercises are {', '.join(EXERCISES)}")
    return EXERCISES[exercise_id]


def _so_far(chapter: str) -> str:
    """Say how many points of a chapter are earned."""
    ids = [exercise_id for exercise_id in EXERCISES if exercise_id.partition(".")[0] == chapter]
    earned, all_points = sum(_EARNED.get(i, 0) for i in ids), sum(EXERCISES[i].points for i in ids)
    return f"Chapter {chapter}: {earned} of {all_points} points so far."


class Shown:
    """A report as a notebook shows it."""

    def __init__(self, report: Report):
        self.report = report

    def __repr__(self) -> str:
        return as_text(self.report)

    def _repr_html_(self) -> str:
        return as_html(self.report)


def _display(shown: Shown) -> None:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        sys.modules["IPython"].display.display(shown)
    else:
        print(shown)
