"""Exercises: one definition each, used by the check cell, by graders and by the tests."""

from course_utils.exercises.checking import EXERCISES, CheckFailed, check
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output, Report, judge

__all__ = [
    "EXERCISES",
    "Case",
    "CheckFailed",
    "Exercise",
    "Misconception",
    "Output",
    "Report",
    "check",
    "judge",
]
