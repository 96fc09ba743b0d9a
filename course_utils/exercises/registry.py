"""The exercises of all chapters, by their id.

In the students' edition they are read from a file that ``kept`` has written, with what their references and wrong ideas
come to on the cases, and without the code of either.
"""

from collections.abc import Mapping
from pathlib import Path

from course_utils.exercises.exercise import Exercise

KEPT = Path(__file__).with_name("kept.npz")


def _written_out() -> dict[str, Exercise]:
    from course_utils.exercises import ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09, ch10, ch11

    chapters = (ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09, ch10, ch11)
    return {exercise.id: exercise for chapter in chapters for exercise in chapter.EXERCISES}


def _kept() -> Mapping[str, Exercise]:
    from course_utils.exercises.kept import load

    return load(KEPT)


EXERCISES: Mapping[str, Exercise] = _kept() if KEPT.exists() else _written_out()
