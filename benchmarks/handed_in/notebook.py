"""Filling in the students' notebook of chapter 8."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("viterbi_forward", "trace_back", "viterbi_score", "viterbi_training_step")
NUMBERS = dict(zip(FUNCTIONS, ("8.1", "8.2", "8.3", "8.4"), strict=True))


@cache
def _author() -> Any:
    return nbformat.read(ROOT / "notebooks" / "08_viterbi.ipynb", as_version=4)


@cache
def _students() -> Any:
    from course_utils.grading.student import clear

    return clear(_author())


class HandedIn:
    """A student's notebook of chapter 8, with the author's answers in it until others are given."""

    def __init__(self, solved: bool = True):
        self.notebook = copy.deepcopy(_students())
        right = {cell.id: cell.source for cell in _author().cells}
        for cell in self.notebook.cells:
            if solved and cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = right[cell.id].replace("    ### BEGIN SOLUTION\n", "").replace("    ### END SOLUTION", "")

    @property
    def cells(self) -> list:
        """All cells."""
        return self.notebook.cells

    def place(self, function: str) -> int:
        """Where the cell for an answer stands."""
        return next(
            n for n, cell in enumerate(self.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == function
        )

    def check_place(self, function: str) -> int:
        """Where the check of an answer stands."""
        return next(n for n in range(self.place(function), len(self.cells)) if self._is_check(n))

    def _is_check(self, n: int) -> bool:
        return bool(self.cells[n].metadata.get("nbgrader", {}).get("grade"))

    def answer(self, function: str, source: str) -> "HandedIn":
        """Put something in place of an answer."""
        self.cells[self.place(function)].source = source
        return self

    def add(self, source: str, at: int) -> "HandedIn":
        """Put a cell of the student's own somewhere."""
        self.cells.insert(at, nbformat.v4.new_code_cell(source))
        return self

    def split(self, function: str, *pieces: str) -> "HandedIn":
        """Split an answer's cell as JupyterLab does: all pieces have what nbgrader says of it."""
        at = self.place(function)
        whole = self.cells.pop(at)
        for n, piece in enumerate(pieces):
            cell = copy.deepcopy(whole)
            cell.source, cell.id = piece, f"{whole.id[:50]}-{n}"
            self.cells.insert(at + n, cell)
        return self

    def data(self) -> bytes:
        """The file."""
        return json.dumps(self.notebook).encode()
