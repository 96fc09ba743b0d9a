"""A notebook of the course without its solutions: what nbgrader makes of it, where there is no nbgrader."""

import copy
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

Cell = dict[str, Any]
Notebook = dict[str, Any]

SOLUTION = "SOLUTION"
HIDDEN_TESTS = "HIDDEN TESTS"
CODE_STUB = "# YOUR CODE HERE", "raise NotImplementedError()"
TEXT_STUB = ("YOUR ANSWER HERE",)
RUN_ON = "raises-exception"  # the tag of a cell whose error does not stop "Run All"

_OF_OUTPUTS = "collapsed", "scrolled"  # metadata that says how outputs are shown
_MARKER = re.compile(f"(?:BEGIN|END) (?:{SOLUTION}|{HIDDEN_TESTS})|(?i:#+\\s*(?:begin|end)\\s+(?:solution|hidden))")


class CourseMistake(Exception):
    """A notebook of the course cannot be handed out; the text says where, and what its author has to mend."""


def unsolved(notebook: Notebook, name: str = "The notebook") -> Notebook:
    """Return a notebook with a stub in place of each solution, and without outputs and hidden tests.

    The metadata is what nbgrader's students' version has; and the cells that check carry the tag ``raises-exception``,
    so that "Run All" goes on past an exercise that is not solved.

    Parameters
    ----------
    notebook
        As JSON has it; it is left as it is.
    name
        For messages.

    Raises
    ------
    CourseMistake
        Markers do not come in pairs or stand where they must not, or the cells cannot be told apart.
    """
    metadata = {key: value for key, value in notebook["metadata"].items() if key not in ("widgets", "celltoolbar")}
    cells = [_unsolved_cell(cell, f"{name}, cell {number}") for number, cell in enumerate(notebook["cells"], start=1)]
    for names in ([cell.get("id") for cell in cells], [grade_id(cell) for cell in cells if grade_id(cell)]):
        if None in names or len(set(names)) < len(names):
            raise CourseMistake(f"{name}: each cell needs an id, and each exercise a grade_id, that no other has.")
    cut = {**notebook, "metadata": copy.deepcopy(metadata), "cells": cells}
    left = _MARKER.search(json.dumps(cut))
    if left:
        raise CourseMistake(f"{name}: “{left[0]}” is left where no solution can be cut out; take it away.")
    return cut


def source_of(cell: Cell) -> str:
    """Return a cell's text, which JSON may hold as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def grade_id(cell: Cell) -> str | None:
    """Return the name that nbgrader knows a cell by, or None where it has none."""
    return _grading(cell).get("grade_id")


def is_answer(cell: Cell) -> bool:
    """Say whether a cell is there for the reader to write in."""
    return bool(_grading(cell).get("solution"))


def _grading(cell: Cell) -> dict[str, Any]:
    return cell["metadata"].get("nbgrader", {})


def _unsolved_cell(cell: Cell, where: str) -> Cell:
    cut = {**cell, "metadata": copy.deepcopy(cell["metadata"])}
    grading, metadata = _grading(cut), cut["metadata"]
    grade, solution = grading.get("grade", False), grading.get("solution", False)
    locked = not solution and (bool(grade) or grading.get("locked", False))

    is_code = cell["cell_type"] == "code"
    stub = CODE_STUB if is_code else TEXT_STUB
    source, solved = _cut(source_of(cell), SOLUTION, stub, where)
    if solved and not solution:
        raise CourseMistake(f"{where}: it holds a solution, but is not a solution cell (nbgrader: solution true).")
    if solution and not solved:
        source = "\n".join(stub)  # all of it is the solution
    source, tested = _cut(source, HIDDEN_TESTS, (), where)
    if tested and not grade:
        raise CourseMistake(f"{where}: it holds hidden tests, but is not a graded cell (nbgrader: grade true).")
    cut["source"] = source

    if is_code:
        cut["outputs"], cut["execution_count"] = [], None
        for key in _OF_OUTPUTS:
            metadata.pop(key, None)
    if solution or locked:
        metadata["deletable"] = False
    if locked:
        metadata["editable"] = False
    if grade or solution or locked:
        missing = {"grade_id", *(["points"] if grade else [])} - set(grading)
        if missing:
            raise CourseMistake(f"{where}: its nbgrader metadata lacks {' and '.join(sorted(missing))}.")
        grading["checksum"] = _checksum(cut, grade, solution, locked)
        grading["cell_type"] = cell["cell_type"]
    if grade:
        metadata["tags"] = [*metadata.get("tags", []), RUN_ON]
    return cut


def _cut(source: str, region: str, stub: Sequence[str], where: str) -> tuple[str, bool]:
    """Put a stub, indented like the marker, in place of every region; say also whether there was one."""
    begin, end = f"BEGIN {region}", f"END {region}"
    lines, inside, found = [], False, False
    for line in source.split("\n"):
        if begin in line:
            if inside:
                raise CourseMistake(f"{where}: {begin} stands within another, which has no {end} before it.")
            inside = found = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub_line for stub_line in stub]
        elif end in line:
            if not inside:
                raise CourseMistake(f"{where}: {end} has no {begin} before it.")
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise CourseMistake(f"{where}: {begin} has no {end} after it.")
    return "\n".join(lines), found


def _checksum(cell: Cell, grade: bool, solution: bool, locked: bool) -> str:
    """By which nbgrader sees later whether a cell was changed."""
    grading = _grading(cell)
    parts = [cell["source"], cell["cell_type"], str(grade), str(solution), str(locked), grading["grade_id"]]
    if grade:
        parts.append(str(float(grading["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
