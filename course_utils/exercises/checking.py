"""The check cell of a notebook: shows the report on an answer, and fails unless all is right."""

import sys
from collections.abc import Callable
from html import escape

import numpy as np

from course_utils.exercises import ch01, ch02, ch03, ch04, ch05, ch08, ch09
from course_utils.exercises.exercise import Comparison, Exercise, Output, Report, judge, show

_CHAPTERS = (ch01, ch02, ch03, ch04, ch05, ch08, ch09)
EXERCISES: dict[str, Exercise] = {exercise.id: exercise for chapter in _CHAPTERS for exercise in chapter.EXERCISES}
CELLS_SHOWN = 7  # rows and columns of a comparison; a longer table is cut around its first wrong cell


class CheckFailed(Exception):
    """The answer is not right yet. Renders as one friendly line where a notebook shows tracebacks."""

    def _render_traceback_(self):
        return [str(self)]


def check(exercise_id: str, answer: Callable, seed: int = 0) -> None:
    """Judge an answer, show the report, and raise unless it is correct, so that graders see the failure.

    Parameters
    ----------
    exercise_id
        Such as "8.1".
    answer
        The function to judge.
    seed
        Of the random cases.

    Raises
    ------
    CheckFailed
        The answer is incorrect, could not run or was not attempted.
    ValueError
        There is no such exercise.
    """
    if exercise_id not in EXERCISES:
        raise ValueError(f"exercise_id is {exercise_id!r}; the exercises are {', '.join(EXERCISES)}")
    report = judge(EXERCISES[exercise_id], answer, seed)
    if report.status == "correct":
        print(report.headline)
        return
    if report.status != "not attempted":
        _display(Shown(report))
    raise CheckFailed(report.headline)


class Shown:
    """A report as a notebook shows it."""

    def __init__(self, report: Report):
        self.report = report

    def __repr__(self) -> str:
        return "\n".join([*self._sentences(), *_side_by_side(self.report.comparison)])

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._sentences())
        return f"<div>{sentences}{_tables(self.report.comparison)}</div>"

    def _sentences(self) -> list[str]:
        report = self.report
        case = f"Case “{report.case.name}”. " if report.case else ""
        said = [case + report.says]
        if report.misconception:
            said.append(f"This looks like: {report.misconception.name}. {report.misconception.hint}")
        return said


def _display(shown: Shown) -> None:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        sys.modules["IPython"].display.display(shown)
    else:
        print(shown)


def _window(comparison: Comparison) -> tuple[list[int], list[int]]:
    """Rows and columns to show: all of a small table, else those around the first wrong cell."""
    shape = np.atleast_2d(comparison.expected).shape
    at = comparison.first_wrong if len(comparison.first_wrong) == 2 else (0, *comparison.first_wrong)
    shown = []
    for size, k in zip(shape, at, strict=True):
        start = max(0, min(k - CELLS_SHOWN // 2, size - CELLS_SHOWN))
        shown.append(list(range(start, min(start + CELLS_SHOWN, size))))
    return shown[0], shown[1]


def _grid(comparison: Comparison, values: np.ndarray, mark: bool) -> list[list[tuple[str, bool]]]:
    """Headings and cells, each with whether it is the first wrong one."""
    axes, (rows, columns) = comparison.output.axes, _window(comparison)
    values = np.atleast_2d(values)
    at = comparison.first_wrong if len(axes) == 2 else (0, *comparison.first_wrong)
    grid = [[("", False), *((f"{axes[-1]}={c}", False) for c in columns)]]
    for r in rows:
        heading = f"{axes[0]}={r}" if len(axes) == 2 else ""
        grid.append([(heading, False), *((show(values[r, c]), mark and (r, c) == tuple(at)) for c in columns)])
    return grid


def _last_two_axes(comparison: Comparison) -> Comparison:
    """Cut a comparison with more than two axes down to the table that holds its first wrong cell."""
    axes, before = comparison.output.axes, max(0, len(comparison.output.axes) - 2)
    place, at = comparison.first_wrong[:before], comparison.first_wrong[before:]
    return Comparison(
        Output(comparison.output.name, axes[before:]), comparison.yours[place], comparison.expected[place], at
    )


def _side_by_side(comparison: Comparison | None) -> list[str]:
    if comparison is None or not comparison.output.axes:
        return []
    comparison = _last_two_axes(comparison)
    blocks = []
    for title, values, mark in (("yours", comparison.yours, True), ("expected", comparison.expected, False)):
        grid = [[f"[{cell}]" if wrong else cell for cell, wrong in row] for row in _grid(comparison, values, mark)]
        widths = [max(len(row[k]) for row in grid) for k in range(len(grid[0]))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in grid]
        blocks.append([title.ljust(len(lines[0])), *lines])
    return [f"{left}     {right}".rstrip() for left, right in zip(*blocks, strict=True)]


def _tables(comparison: Comparison | None) -> str:
    if comparison is None or not comparison.output.axes:
        return ""
    comparison = _last_two_axes(comparison)
    tables = []
    for title, values, mark in (("yours", comparison.yours, True), ("expected", comparison.expected, False)):
        rows = ""
        for row in _grid(comparison, values, mark):
            cells = "".join(f"<td><b>✗ {cell}</b></td>" if wrong else f"<td>{cell}</td>" for cell, wrong in row)
            rows += f"<tr>{cells}</tr>"
        tables.append(f"<td><table><caption>{title}</caption>{rows}</table></td>")
    return f"<table><tr>{''.join(tables)}</tr></table>"
