"""Mistakes of an author that would spoil an exercise in the students' edition, found before anything is built."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.exercises.exercise import Exercise
from course_utils.grading.leaks import cell_name

RUN_ON = "raises-exception"  # the tag of a cell whose error does not stop "Run All"
SOLUTION = "SOLUTION"
HIDDEN_TESTS = "HIDDEN TESTS"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class MarkerError(ValueError):
    """The markers of a cell do not come in pairs."""


@dataclass(frozen=True)
class Regions:
    """A cell's text taken apart at its markers: the regions, and the rest with a stub for each solution."""

    solutions: Sequence[str]
    hidden_tests: Sequence[str]
    rest: str


def take_apart(source: str) -> Regions:
    """Take a cell's text apart at its markers.

    Raises
    ------
    MarkerError
        A marker has no partner, or stands within another pair.
    """
    regions: dict[str, list[str]] = {SOLUTION: [], HIDDEN_TESTS: []}
    rest: list[str] = []
    inside = None
    for line in source.split("\n"):
        marker = re.search(f"(BEGIN|END) ({SOLUTION}|{HIDDEN_TESTS})", line)
        if marker is None:
            if inside:
                regions[inside][-1] += line + "\n"
            else:
                rest.append(line)
        elif marker[1] == "BEGIN":
            if inside:
                raise MarkerError(f"BEGIN {marker[2]} stands within {inside}, which has no END before it")
            inside = marker[2]
            regions[inside].append("")
            if inside == SOLUTION:
                rest.append(line[: len(line) - len(line.lstrip())] + "raise NotImplementedError()")
        elif inside != marker[2]:
            raise MarkerError(f"END {marker[2]} has no BEGIN before it")
        else:
            inside = None
    if inside:
        raise MarkerError(f"BEGIN {inside} has no END after it")
    return Regions(regions[SOLUTION], regions[HIDDEN_TESTS], "\n".join(rest))


def find_mistakes(cells: Sequence[Any], exercises: Mapping[str, Exercise], validator: Any) -> list[str]:
    """Find what is wrong with a source notebook.

    Parameters
    ----------
    cells
        Of the notebook.
    exercises
        Those that a check may name, by id.
    validator
        nbgrader's ``MetadataValidator``.

    Returns
    -------
    list of str
        One sentence for each mistake; it begins with the cell.
    """
    return list(_Notebook(exercises, validator).mistakes(cells))


class _Notebook:
    """What has been seen of a notebook on the way from its first cell to its last."""

    def __init__(self, exercises: Mapping[str, Exercise], validator: Any):
        self.exercises = exercises
        self.validator = validator
        self.grade_ids: dict[str, int] = {}
        self.checked: dict[str, int] = {}
        self.to_solve: set[str] = set()

    def mistakes(self, cells: Sequence[Any]) -> Iterator[str]:
        for number, cell in enumerate(cells, start=1):
            for says in self._in_cell(number, cell):
                yield f"{cell_name(number, cell)}: {says}"

    def _in_cell(self, number: int, cell: Any) -> Iterator[str]:
        meta = cell.metadata.get("nbgrader", {})
        if RUN_ON in cell.metadata.get("tags", []):
            yield f"it carries the tag {RUN_ON}; only the students' edition does, so take it off"
        if meta:
            yield from self._in_metadata(number, cell, meta)
        try:
            regions = take_apart(cell.source)
        except MarkerError as error:
            yield f"{error}"
            return
        if regions.solutions and not meta.get("solution"):
            yield "it holds a solution between markers, but it is not a solution cell (nbgrader: solution true)"
        if regions.hidden_tests and not meta.get("grade"):
            yield "it holds hidden tests, but it is not a graded cell (nbgrader: grade true)"
        if meta.get("grade"):
            yield from self._in_graded(number, cell, meta)
        elif meta.get("solution"):
            yield from self._in_solution(regions)
        elif cell.cell_type == "code":
            yield from self._in_ordinary(cell)

    def _in_metadata(self, number: int, cell: Any, meta: Any) -> Iterator[str]:
        known = self.validator.schema["properties"]
        unknown = sorted(set(meta) - set(known))
        grade_id = meta.get("grade_id", "")
        if unknown:
            yield f"unknown nbgrader metadata: {', '.join(unknown)}; known are {', '.join(known)}"
        elif not re.fullmatch(r"[A-Za-z0-9_-]+", str(grade_id)):
            yield f"the grade_id {grade_id!r} must be made of letters, digits, _ and -, with no dots or spaces"
        else:
            try:
                self.validator.validate_cell(cell)
            except Exception as error:  # two families of nbgrader's, which have no common name
                yield f"its nbgrader metadata is not valid: {getattr(error, 'message', error)}"
        if grade_id in self.grade_ids:
            yield f"the grade_id {grade_id!r} belongs to cell {self.grade_ids[grade_id]} already"
        self.grade_ids.setdefault(grade_id, number)
        if meta.get("task"):
            yield "task cells are not used in this course: make it an exercise with a check"

    def _in_solution(self, regions: Regions) -> Iterator[str]:
        if not regions.solutions:
            yield "it is a solution cell, but has no ### BEGIN SOLUTION and ### END SOLUTION"
            return
        if not all(region.strip() for region in regions.solutions):
            yield "nothing stands between its solution markers"
        try:
            tree = ast.parse(regions.rest)
        except SyntaxError as error:
            yield f"without its solution it is not valid Python: {error.msg}, in “{(error.text or '').strip()}”"
            return
        if any(isinstance(node, ast.Raise) for node in _run_at_once(tree)):
            yield "its solution stands outside of a function, so the stub in its place would stop “Run All”"
        self.to_solve |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    def _in_graded(self, number: int, cell: Any, meta: Any) -> Iterator[str]:
        if meta.get("solution") or cell.cell_type != "code":
            yield "a graded cell must be a code cell of its own that calls check(...), not a solution cell"
            return
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            yield f"it is not valid Python: {error.msg}, in “{(error.text or '').strip()}”"
            return
        calls = list(_checks(tree))
        last = tree.body[-1] if tree.body else None
        if not calls or getattr(last, "value", None) is not calls[-1] or not isinstance(last, ast.Expr):
            yield (
                "a graded cell must end with check(...): nbgrader would take the value of another expression for "
                "the points, and give all of them where there is none"
            )
        elif len(calls) > 1:
            yield "it calls check more than once; give each exercise a cell of its own"
        else:
            yield from self._in_check(number, calls[0], meta.get("points"))

    def _in_check(self, number: int, call: ast.Call, points: Any) -> Iterator[str]:
        exercise_id, function = _arguments(call)
        exercise = self.exercises.get(exercise_id) if isinstance(exercise_id, str) else None
        if exercise is None:
            shown = ast.unparse(call.args[0]) if call.args else "nothing"
            yield f"check is called with {shown}; the exercises are {', '.join(self.exercises)}"
            return
        if points != exercise.points:
            yield f"it is worth {points} points, and exercise {exercise.id} is worth {exercise.points}"
        if function != exercise.function:
            shown = ast.unparse(call.args[1]) if len(call.args) > 1 else "nothing"
            yield f"it checks {shown}, and the function of exercise {exercise.id} is {exercise.function}"
        elif function not in self.to_solve:
            yield f"no solution cell before it defines {function}"
        if exercise.id in self.checked:
            yield f"exercise {exercise.id} is checked in cell {self.checked[exercise.id]} already"
        self.checked.setdefault(exercise.id, number)

    def _in_ordinary(self, cell: Any) -> Iterator[str]:
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            return  # magic commands, say
        for exercise_id, function in map(_arguments, _checks(tree)):
            if exercise_id in self.exercises and function == self.exercises[exercise_id].function:
                yield f"it checks exercise {exercise_id}, but it is not a graded cell (nbgrader: grade true)"


def _checks(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
            yield node


def _arguments(call: ast.Call) -> tuple[str | None, str | None]:
    """Return the id and the function's name of a check, each None where it is something else."""
    first, second = (*call.args, None, None)[:2]
    exercise_id = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    return exercise_id, second.id if isinstance(second, ast.Name) else None


def _run_at_once(tree: ast.AST) -> Iterator[ast.AST]:
    """All that runs when a cell runs, which leaves the bodies of functions out."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, _FUNCTIONS):
            yield node
            yield from _run_at_once(node)
