"""Notebooks small enough to see what becomes of every cell."""

import copy
import json
from pathlib import Path
from typing import Any

from course_utils.workbook.update import course_notebooks

ROOT = Path(__file__).resolve().parents[2]
REAL = course_notebooks(ROOT)


def cell(name: str, text: str = "", kind: str = "code", **metadata: Any) -> dict[str, Any]:
    made = {"cell_type": kind, "id": name, "metadata": metadata, "source": text or f"{name} = 0"}
    return {**made, "outputs": [], "execution_count": None} if kind == "code" else made


def grading(name: str, **changes: Any) -> dict[str, Any]:
    plain = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False, "grade_id": name}
    return {**plain, **changes}


def to_solve(name: str, solution: str = "return 42", **metadata: Any) -> dict[str, Any]:
    """A solution cell as its author writes it."""
    text = f"def {name}():\n    ### BEGIN SOLUTION\n    {solution}\n    ### END SOLUTION"
    return cell(f"id-{name}", text, nbgrader=grading(name, solution=True), **metadata)


def check(name: str, **metadata: Any) -> dict[str, Any]:
    graded = grading(f"check_{name}", grade=True, locked=True, points=2)
    return cell(f"id-check-{name}", f"check({name})", nbgrader=graded, **metadata)


def notebook(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def of(*names: str) -> dict[str, Any]:
    """A notebook of plain cells."""
    return notebook(*map(cell, names))


def names(book: dict[str, Any]) -> str:
    return " ".join(one["id"] for one in book["cells"])


def with_text(book: dict[str, Any], **texts: str) -> dict[str, Any]:
    """The notebook with other texts in some cells."""
    changed = copy.deepcopy(book)
    for one in changed["cells"]:
        one["source"] = texts.get(one["id"].replace("-", "_"), one["source"])
    return changed


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))
