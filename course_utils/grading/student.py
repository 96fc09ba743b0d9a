"""Make the students' edition: the course without its solutions, in a folder that needs nothing else.

The exercises are in it as data, with what references and wrong ideas come to, and not with the code of either.

Usage::

    python -m course_utils.grading.student dist/student

Exit status: 0, it is there; 1, a solution was left in it, or the folder holds somebody's work; 2, a notebook has a
mistake that its author must mend. Only this module needs nbgrader, which removes the solutions.
"""

import argparse
import copy
import importlib.util
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from course_utils.exercises.kept import keep
from course_utils.exercises.registry import EXERCISES
from course_utils.grading import folder
from course_utils.grading.leaks import Leak, Removed, cell_name, find_leaks
from course_utils.grading.mistakes import RUN_ON, find_mistakes, take_apart
from course_utils.grading.nbgrader_course import build_nbgrader_course

ROOT = Path(__file__).resolve().parents[2]
README = Path(__file__).with_name("student_readme.md")
PREPROCESSORS = (
    "LockCells",
    "ClearSolutions",
    "ClearOutput",
    "ClearHiddenTests",
    "ComputeChecksums",
    "CheckCellMetadata",
)
STUB = "# YOUR CODE HERE", "raise NotImplementedError()"
COPIED = ("LICENSE", "pyproject.toml", "requirements.txt", "tools/setup_env.py")
KEPT = "course_utils/exercises/kept.npz"
MAKERS_ONLY = "# For the course's makers"  # from here on, the Makefile makes no sense to a student

_WRITTEN_OUT = re.compile(r"course_utils/exercises/(?:ch\d+\.py|kept\.npz)")
_MARKDOWN_LINK = re.compile(r"""\]\(\s*<?([^)\s>]+)|\b(?:src|href)\s*=\s*["']([^"']+)""")
_CODE_LINK = re.compile(r"""["']((?:\.\./)+figures/[^"']+)["']""")
_FILE = re.compile(r"(?![A-Za-z][A-Za-z0-9+.-]*:|/)[^#?]*\.[A-Za-z]\w*(?=[#?]|$)")  # a relative path with a suffix


class StudentEditionError(Exception):
    """The students' edition cannot be made; the text says why."""

    status = 1


class AuthorMistake(StudentEditionError):
    """Something in the course has to be mended first."""

    status = 2


class SolutionLeft(StudentEditionError):
    """Something of a solution is left where students would read it."""

    def __init__(self, leaks: Sequence[Leak]):
        found = "\n".join(f"  {leak}" for leak in leaks)
        super().__init__(f"Solutions are left in the students' edition, so there is none now:\n{found}")
        self.leaks = tuple(leaks)


@dataclass(frozen=True)
class Edition:
    """What was built.

    Attributes
    ----------
    notebooks
        How many.
    exercises
        How many checks are graded.
    points
        What they are worth together.
    """

    notebooks: int
    exercises: int
    points: float


@dataclass(frozen=True, eq=False)
class _Notebook:
    """A notebook of the course: its name from the course's folder, and what nbformat has read."""

    name: str
    content: Any

    @property
    def cells(self) -> list[tuple[str, Any]]:
        """The cells, each with a name for messages."""
        cells = enumerate(self.content.cells, start=1)
        return [(f"{self.name}, {cell_name(number, cell)}", cell) for number, cell in cells]


def build(target: Path, source: Path = ROOT) -> Edition:
    """Build the students' edition, and put it in place only if no solution is left in it.

    Parameters
    ----------
    target
        The folder to make. One that this command made is replaced, unless somebody has worked in it.
    source
        The course's own folder.

    Returns
    -------
    Edition
        What is in it.

    Raises
    ------
    StudentEditionError
        nbgrader is not installed.
    AuthorMistake
        A notebook cannot be used as it is.
    SolutionLeft
        The finished tree still holds a part of a solution. An earlier tree at the target is removed as well.
    folder.WorkInTheWay
        The target holds something that must not be lost.
    """
    if importlib.util.find_spec("nbgrader") is None:
        raise StudentEditionError(
            "nbgrader is not installed. 'make student' installs it, and so does: pip install -e '.[grading]'"
        )
    folder.check_unchanged(target)
    notebooks = _read_notebooks(source)
    _refuse_mistakes(notebooks)
    removed = list(_solutions(notebooks))
    try:
        with folder.replacing(target) as tree:
            students = [_Notebook(notebook.name, clear(notebook.content)) for notebook in notebooks]
            _write_tree(tree, source, students)
            leaks = [*_without_stub(students), *find_leaks(tree, removed)]
            if leaks:
                raise SolutionLeft(leaks)
    except SolutionLeft:
        folder.remove(target)  # one of an earlier day must not be taken for the one that failed
        raise
    graded = [cell for notebook in students for cell in notebook.content.cells if _kind(cell, "grade")]
    return Edition(len(students), len(graded), sum(cell.metadata.nbgrader.points for cell in graded))


def clear(notebook: Any) -> Any:
    """Return the students' version of a notebook, made by nbgrader's preprocessors.

    The cells that check get the tag ``raises-exception``, so that "Run All" goes on past an unsolved exercise.

    Parameters
    ----------
    notebook
        As nbformat reads it; it is left as it is.

    Raises
    ------
    RuntimeError
        nbgrader cannot make sense of a marker.
    """
    from nbgrader import preprocessors

    cleared, resources = copy.deepcopy(notebook), {}
    for name in PREPROCESSORS:
        cleared, resources = getattr(preprocessors, name)().preprocess(cleared, resources)
    cleared.metadata.pop("widgets", None)  # the state of widgets whose outputs are gone
    for cell in cleared.cells:
        if _kind(cell, "grade"):
            cell.metadata.tags = [*cell.metadata.get("tags", []), RUN_ON]
    return cleared


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.grading.student",
        description="Make the students' edition: the course without its solutions.",
    )
    parser.add_argument("target", type=Path, help="the folder to make, such as dist/student")
    parser.add_argument("--nbgrader", type=Path, help="also make a course for nbgrader there, with the solutions")
    parser.add_argument("--source", type=Path, default=ROOT, help="the course's folder (default: this course)")
    options = parser.parse_args(arguments)
    try:
        edition = build(options.target, options.source)
        if options.nbgrader is not None:
            notebooks = [(notebook.name, notebook.content) for notebook in _read_notebooks(options.source)]
            assignments = build_nbgrader_course(options.nbgrader, options.source, notebooks)
    except folder.WorkInTheWay as error:
        print(error, file=sys.stderr)
        return 1
    except StudentEditionError as error:
        print(error, file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"{options.target} could not be made: {error}", file=sys.stderr)
        return 1
    print(
        f"{options.target} is ready: {_count(edition.notebooks, 'notebook')}, {_count(edition.exercises, 'exercise')}, "
        f"{_count(edition.points, 'point')}. No solution is left in it."
    )
    if options.nbgrader is not None:
        print(
            f"{options.nbgrader} is a course for nbgrader, with the solutions: {_count(assignments, 'assignment')}. It is "
            "not for students."
        )
    return 0


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'s' if number != 1 else ''}"


def _kind(cell: Any, key: str) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get(key))


# -- reading, and what an author can do wrong


def _read_notebooks(source: Path) -> list[_Notebook]:
    paths = sorted((source / "notebooks").glob("*.ipynb"))
    if not paths:
        raise AuthorMistake("There is no notebook in notebooks/.")
    return [_Notebook(f"notebooks/{path.name}", _read(path)) for path in paths]


def _read(path: Path) -> Any:
    import nbformat
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

    try:
        with warnings.catch_warnings():  # nbformat would make up ids, other ones every time
            warnings.simplefilter("error", MissingIDFieldWarning)
            warnings.simplefilter("error", DuplicateCellId)
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            nbformat.validate(notebook)
    except MissingIDFieldWarning as error:
        raise AuthorMistake(f"notebooks/{path.name}: a cell has no id; save it again in JupyterLab.") from error
    except (DuplicateCellId, ValueError, nbformat.ValidationError) as error:
        raise AuthorMistake(f"notebooks/{path.name} is not a valid notebook: {error}") from error
    return notebook


def _refuse_mistakes(notebooks: Sequence[_Notebook]) -> None:
    from nbgrader.nbgraderformat import MetadataValidator

    validator = MetadataValidator()
    mistakes = [
        f"{notebook.name}, {mistake}."
        for notebook in notebooks
        for mistake in find_mistakes(notebook.content.cells, EXERCISES, validator)
    ]
    if mistakes:
        raise AuthorMistake("\n".join(["To be mended before there can be a students' edition:", *mistakes]))


def _solutions(notebooks: Sequence[_Notebook]) -> Iterator[Removed]:
    for notebook in notebooks:
        for where, cell in notebook.cells:
            regions = take_apart(cell.source)
            for text in (*regions.solutions, *regions.hidden_tests):
                yield Removed(where, text)


def _without_stub(notebooks: Sequence[_Notebook]) -> Iterator[Leak]:
    for notebook in notebooks:
        for where, cell in notebook.cells:
            if _kind(cell, "solution") and not all(line in cell.source for line in STUB):
                yield Leak(where, "a solution cell without a stub")


# -- writing


def _write_tree(tree: Path, source: Path, notebooks: Sequence[_Notebook]) -> None:
    import nbformat

    for notebook in notebooks:
        _write(tree / notebook.name, nbformat.writes(notebook.content).rstrip("\n") + "\n")
    for name in (*COPIED, *_package_files(source)):
        _copy(name, source, tree)
    (tree / KEPT).write_bytes(_kept())
    _write(tree / "README.md", README.read_text(encoding="utf-8"))
    makefile, _, _ = (source / "Makefile").read_text(encoding="utf-8").partition(MAKERS_ONLY)
    _write(tree / "Makefile", makefile.rstrip() + "\n")
    _copy_linked(tree, source, notebooks)


@cache
def _kept() -> bytes:
    return keep(EXERCISES.values())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def _copy(name: str, source: Path, tree: Path) -> None:
    if not (source / name).is_file():
        raise AuthorMistake(f"{name} is missing, and the students' edition needs it.")
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_bytes((source / name).read_bytes())


def _package_files(source: Path) -> list[str]:
    """Name the modules of the course's package, and what pyproject.toml ships with them; nothing that answers.

    Left out are the modules that write the exercises out, and this subpackage.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["setuptools"]["package-data"]["*"]
    package = source / "course_utils"
    paths = {path for pattern in ("**/*.py", *shipped) for path in package.glob(pattern)}
    names = (path.relative_to(source) for path in paths if path.relative_to(package).parts[0] != "grading")
    plain = (name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))
    return sorted(name for name in plain if not _WRITTEN_OUT.fullmatch(name))


def _copy_linked(tree: Path, source: Path, notebooks: Sequence[_Notebook]) -> None:
    """Copy the figures that the notebooks show, and make sure that no link leads out of the tree."""
    source = source.resolve()
    for notebook in notebooks:
        for where, cell in notebook.cells:
            for link in _links(cell):
                path = (source / "notebooks" / link).resolve()
                name = path.relative_to(source).as_posix() if path.is_relative_to(source) else ""
                if name.startswith("figures/") and path.is_file():
                    _copy(name, source, tree)
                elif not name or not (tree / name).exists():
                    raise AuthorMistake(f"{where}: it leads to {link}, which the students' edition does not have.")


def _links(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        found = (first or second for first, second in _MARKDOWN_LINK.findall(cell.source))
    else:
        found = _CODE_LINK.findall(cell.source)
    for link in found:
        path = _FILE.match(link)
        if path and not link.startswith("attachment:"):
            yield unquote(path[0])


if __name__ == "__main__":
    sys.exit(main())
