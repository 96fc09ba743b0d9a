"""What a chapter asks, and where a submission answers it. Notebooks are known by their grade_ids, not by their names."""

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.exercises.exercise import Exercise
from course_utils.exercises.registry import EXERCISES
from course_utils.grading.sandbox.box import Job

LARGEST = 40 * 2**20  # bytes of a notebook; pictures in outputs may make it large
LARGEST_CELL = 200_000  # characters
MOST_CELLS = 2_000


class Unreadable(ValueError):
    """A file is no notebook; the text says why."""


@dataclass(frozen=True)
class Task:
    """One exercise of a chapter, and the grade_ids of the cells for its answer and for its check."""

    exercise: Exercise
    answer_id: str
    check_id: str


@dataclass(frozen=True)
class Chapter:
    """A chapter as its author has it.

    Attributes
    ----------
    name
        The file's name, without its ending.
    title
        Its first heading.
    number
        Such as "8".
    tasks
        Its exercises, in their order.
    sources
        The texts of its code cells that are neither answers nor checks.
    """

    name: str
    title: str
    number: str
    tasks: tuple[Task, ...]
    sources: tuple[str, ...]

    @property
    def points(self) -> int:
        """What all exercises are worth together."""
        return sum(task.exercise.points for task in self.tasks)


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a notebook: its text, and nbgrader's words for what it is."""

    source: str
    grade_id: str
    is_check: bool
    is_answer: bool


def read_chapter(path: Path) -> Chapter:
    """Read a chapter's notebook.

    Raises
    ------
    Unreadable
        It is no notebook of this course, or asks for nothing.
    """
    tasks, answer_id, sources = [], "", []
    data = path.read_bytes()
    for cell in code_cells(data):
        if cell.is_answer:
            answer_id = cell.grade_id
        elif cell.is_check:
            tasks.append(Task(_asked_in(cell.source), answer_id, cell.grade_id))
        else:
            sources.append(cell.source)
    if not tasks:
        raise Unreadable(f"{path.stem} has no exercises")
    return Chapter(
        path.stem, _heading(data) or path.stem, tasks[0].exercise.id.partition(".")[0], tuple(tasks), tuple(sources)
    )


def find_chapter(folder: Path, wanted: str) -> Path:
    """Find a chapter's notebook by its number, its name or its path.

    Raises
    ------
    Unreadable
        There is none, or there are several.
    """
    if Path(wanted).suffix == ".ipynb" and Path(wanted).is_file():
        return Path(wanted)
    paths = sorted(folder.glob("*.ipynb"))
    found = [p for p in paths if p.stem == wanted or (wanted.isdigit() and p.name.startswith(f"{int(wanted):02}_"))]
    if len(found) != 1:
        names = ", ".join(p.stem for p in paths) or "none"
        raise Unreadable(f"There is no chapter {wanted!r} in {folder}; the chapters are: {names}")
    return found[0]


def code_cells(data: bytes) -> list[CodeCell]:
    """Take the code cells out of a notebook, of any 4.x format; what is odd about the rest does not matter.

    Raises
    ------
    Unreadable
        It is no notebook, or too large to be one.
    """
    if len(data) > LARGEST:
        raise Unreadable(f"it has {len(data) / 2**20:.0f} MB, and more than {LARGEST // 2**20} are not read")
    if not data.strip():
        raise Unreadable("it is empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"it is not JSON ({type(error).__name__})") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("it has no cells, so it is no notebook that JupyterLab has saved")
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"it has {len(cells)} cells, and more than {MOST_CELLS} are not read")
    return [_code_cell(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def belongs_to(cells: Sequence[CodeCell], chapter: Chapter) -> bool:
    """Whether a notebook has the check or the answer of any exercise of a chapter."""
    ids = {task.answer_id for task in chapter.tasks} | {task.check_id for task in chapter.tasks}
    return any(cell.grade_id in ids for cell in cells)


def job_for(task: Task, cells: Sequence[CodeCell], chapter: Chapter) -> Job:
    """Say what is to be run for one exercise of a submission."""
    checks = [n for n, cell in enumerate(cells) if cell.grade_id == task.check_id]
    end = checks[-1] if checks else len(cells)
    pieces = [cell.source for cell in cells if cell.is_answer and cell.grade_id == task.answer_id]
    others = [
        (n, cell.source)
        for n, cell in enumerate(cells)
        if not cell.is_check and not (cell.is_answer and cell.grade_id == task.answer_id)
    ]
    places = [n for n, cell in enumerate(cells) if cell.is_answer and cell.grade_id == task.answer_id]
    return Job(
        function=task.exercise.function,
        pieces=pieces,
        at=sum(n < min(places[0], end) for n, _ in others) if places else 0,
        before=[source for n, source in others if n < end],
        after=[source for n, source in others if n > end],
        given=chapter.sources,
        asks_for=task.exercise.asks_for,
    )


def answer_of(task: Task, cells: Sequence[CodeCell]) -> str:
    """Return the text of a student's answer, to be shown: of all the cells that were made of the one for it."""
    return "\n\n".join(cell.source for cell in cells if cell.is_answer and cell.grade_id == task.answer_id)


def _code_cell(cell: dict) -> CodeCell:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    source = source[:LARGEST_CELL] if isinstance(source, str) else ""
    metadata: Any = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marks = marks if isinstance(marks, dict) else {}
    grade_id = marks.get("grade_id")
    return CodeCell(
        source.encode("utf-8", "replace").decode(),
        grade_id if isinstance(grade_id, str) else "",
        marks.get("grade") is True,
        marks.get("solution") is True and marks.get("grade") is not True,
    )


def _heading(data: bytes) -> str:
    cells = (cell for cell in json.loads(data)["cells"] if cell.get("cell_type") == "markdown")
    lines = (line for cell in cells for line in "".join(cell["source"]).splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def _asked_in(source: str) -> Exercise:
    """Read which exercise a check is about."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
            return EXERCISES[node.args[0].value]
    raise Unreadable(f"a graded cell without a check: {source[:60]!r}")
