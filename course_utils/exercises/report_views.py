"""A report as text and as HTML: its sentences, and the answer's table beside the expected one."""

import re
from html import escape

import numpy as np

from course_utils.exercises.report import Comparison, Report
from course_utils.exercises.wording import written

CELLS_SHOWN = 7  # rows and columns of a comparison; a longer table is cut around its first wrong cell


def as_text(report: Report) -> str:
    """Write out what is wrong; the first wrong cell stands in brackets. A correct answer has nothing to say."""
    printed = ["It printed:", report.printed] if report.printed else []
    again = [f"To call it on this case again: {report.call}"] if report.call else []
    return "\n".join([*report.sentences, *_side_by_side(report.comparison), *printed, *again])


def as_html(report: Report) -> str:
    """Write out what is wrong, as one element; the first wrong cell is bold and has a cross."""
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in report.sentences)
    printed = f"<p>It printed:</p><pre>{escape(report.printed)}</pre>" if report.printed else ""
    call = re.sub(r"([(\[]+)", r"\1<wbr/>", escape(report.call or ""))  # so that it fits on a narrow screen
    again = f"<p>To call it on this case again: <code>{call}</code></p>" if call else ""
    return f"<div>{sentences}{_tables(report.comparison)}{printed}{again}</div>"


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
    axes, (rows, columns) = comparison.axes, _window(comparison)
    values = np.atleast_2d(values)
    at = comparison.first_wrong if len(axes) == 2 else (0, *comparison.first_wrong)
    grid = [[("", False), *((f"{axes[-1]}={c}", False) for c in columns)]]
    for r in rows:
        heading = f"{axes[0]}={r}" if len(axes) == 2 else ""
        grid.append([(heading, False), *((written(values[r, c]), mark and (r, c) == tuple(at)) for c in columns)])
    return grid


def _last_two_axes(comparison: Comparison) -> Comparison:
    """Cut a comparison with more than two axes down to the table that holds its first wrong cell."""
    before = max(0, len(comparison.axes) - 2)
    place, at = comparison.first_wrong[:before], comparison.first_wrong[before:]
    return Comparison(
        comparison.name, comparison.axes[before:], comparison.yours[place], comparison.expected[place], at
    )


def _side_by_side(comparison: Comparison | None) -> list[str]:
    if comparison is None or not comparison.axes:
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
    if comparison is None or not comparison.axes:
        return ""
    comparison = _last_two_axes(comparison)
    tables = []
    for title, values, mark in (("yours", comparison.yours, True), ("expected", comparison.expected, False)):
        rows = ""
        for row in _grid(comparison, values, mark):
            cells = "".join(
                f"<td><b>✗ {escape(cell)}</b></td>" if wrong else f"<td>{escape(cell)}</td>" for cell, wrong in row
            )
            rows += f"<tr>{cells}</tr>"
        tables.append(f"<td><table><caption>{title}</caption>{rows}</table></td>")
    return f"<table><tr>{''.join(tables)}</tr></table>"
