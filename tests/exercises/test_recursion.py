"""Where a case is too long for a function that calls itself at every step, the exercise says so beforehand."""

from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_utils.exercises.registry import EXERCISES

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
TOO_DEEP = 800  # of the 1000 levels that Python allows, a notebook's own take some


def longest(exercise):
    """The most steps that a case asks for: rows of an array, or a number of steps."""
    lengths = [
        value if isinstance(value, int) else len(value)
        for case in exercise.cases(np.random.default_rng(0))
        for value in case.args
        if isinstance(value, int | list) or (isinstance(value, np.ndarray) and value.ndim)
    ]
    return max(lengths, default=0)


def question(exercise):
    """What stands between the heading of an exercise and the cell for its answer."""
    chapter = int(exercise.id.partition(".")[0])
    (path,) = NOTEBOOKS.glob(f"{chapter:02}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    (start,) = [n for n, cell in enumerate(cells) if f"Exercise {exercise.id} " in cell.source]
    text = cells[start].source.split(f"Exercise {exercise.id} ")[1]
    return text + cells[start + 1].source


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_recursion_is_ruled_out_where_it_cannot_work(exercise):
    says = "recursion" in question(exercise) or "calls itself" in question(exercise)
    assert says or longest(exercise) < TOO_DEEP


def test_some_cases_are_too_long_for_recursion():
    found = {number for number, exercise in EXERCISES.items() if longest(exercise) > TOO_DEEP}
    assert found == {"5.2", "8.1", "8.3", "9.6", "10.3", "11.3"}
