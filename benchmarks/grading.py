"""Grading what was handed in for chapter 8, against nbgrader: time, points lost by honest notebooks, points gained by others."""

import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nbformat

from benchmarks.handed_in.honest import HONEST
from benchmarks.handed_in.hostile import HOSTILE
from benchmarks.handed_in.notebook import FUNCTIONS, ROOT, HandedIn
from benchmarks.table import Grid, Result
from course_utils.grading.nbgrader_course import build_nbgrader_course

BAR = 1 / 20
SECONDS = 30  # for a cell under nbgrader; what never ends is not waited for longer
WORKERS = 2
PLAIN = 60
#: Of the hostile ones, those that harm nothing where nothing holds them.
HARMLESS = (
    "reads what is right off the stack", "equals everything", "an object that is equal to all", "the reference",
    "patches the judge", "patches isclose", "patches builtins", "patches the random numbers", "defines its own check",
    "changes the check's cell", "gives the check more points", "empties the exercise", "calls the library",
)  # fmt: skip
Bank = Mapping[str, Callable[[], HandedIn]]


def measure(every: int = 6) -> list[Grid]:
    """Grade both banks with ours, and of the honest one each ``every``-th notebook with nbgrader, in the same run.

    nbgrader runs all cells of a notebook, which takes a quarter of a minute; ``every=1`` takes all and half an hour.
    """
    some = {name: HONEST[name] for name in list(HONEST)[::every]}
    harmless = {name: HOSTILE[name] for name in HARMLESS if name in HOSTILE}
    if every > 1:
        harmless = dict(list(harmless.items())[::2])
    plain = {f"student {n}": partial(_plain, n) for n in range(PLAIN)}
    few = dict(list(plain.items())[: 2 * WORKERS])
    ours, _ = _ours(plain)
    theirs, _ = _nbgraders(few)
    _, ours_points = _ours(HONEST)
    _, hostile_points = _ours(HOSTILE)
    _, their_points = _nbgraders({**some, **harmless})
    lost = [name for name in HONEST if ours_points[name] < 10]
    gained = [name for name in HOSTILE if hostile_points[name] > 7]
    print(
        f"Ours: {len(lost)} of {len(HONEST)} honest notebooks lost points, {len(gained)} of {len(HOSTILE)} hostile ones gained."
    )
    print(
        f"nbgrader: {sum(their_points.get(name, 0) < 10 for name in some)} of {len(some)} honest notebooks lost points, "
        f"{sum(their_points.get(name, 0) > 7 for name in harmless)} of {len(harmless)} hostile ones gained."
    )
    if lost or gained:
        raise AssertionError(f"lost: {lost}, gained: {gained}")
    what = f"a notebook of chapter 8 on {WORKERS} processors, ours of {PLAIN}, the start included, and nbgrader's of {len(few)}"
    return [Grid("grading; peer: nbgrader autograde", [Result(what, ours / PLAIN, theirs / len(few), BAR)])]


def _plain(n: int) -> HandedIn:
    """Make a notebook with the author's answers, each with a comment, so that no two are the same."""
    made = HandedIn()
    for function in FUNCTIONS:
        made.cells[made.place(function)].source += f"\n# number {n}"
    return made


def _ours(bank: Bank) -> tuple[float, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        _hand_in(bank, Path(folder) / "in", "08_viterbi.ipynb")
        command = [sys.executable, "-m", "course_utils.grading", "grade", "8", f"{folder}/in", "--out", f"{folder}/out"]
        start = time.perf_counter()
        subprocess.run([*command, "--workers", str(WORKERS)], cwd=ROOT, check=True, capture_output=True)
        taken = time.perf_counter() - start
        text = (Path(folder) / "out" / "results.csv").read_text("utf-8-sig")
    points: dict[str, float] = dict.fromkeys(bank, 0.0)
    names = {_name(name): name for name in bank}
    for row in csv.DictReader(io.StringIO(text)):
        points[names[row["student"]]] += float(row["points"] or 0)
    return taken, points


def _nbgraders(bank: Bank) -> tuple[float, dict[str, float]]:
    """Let nbgrader grade, in as many processes as we had; each has a course of its own, for their database is one file."""
    names = list(bank)
    parts = [{name: bank[name] for name in names[k::WORKERS]} for k in range(WORKERS)]
    with tempfile.TemporaryDirectory() as folder:
        courses = [_course(Path(folder) / str(k), part) for k, part in enumerate(parts)]
        start = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(_autograde, courses))
        taken = time.perf_counter() - start
        scores = {}
        for course in courses:
            _nbgrader(course, "export", "--to", "grades.csv")
            text = (course / "grades.csv").read_text("utf-8")
            scores |= {row["student_id"]: float(row["raw_score"] or 0) for row in csv.DictReader(io.StringIO(text))}
    return taken, {name: scores.get(_name(name), 0.0) for name in names}


def _course(where: Path, part: Bank) -> Path:
    notebook = nbformat.read(ROOT / "notebooks" / "08_viterbi.ipynb", as_version=4)
    build_nbgrader_course(where, ROOT, [("08_viterbi.ipynb", notebook)])
    _nbgrader(where, "generate_assignment", "08_viterbi")
    _hand_in(part, where / "submitted", "08_viterbi/08_viterbi.ipynb")
    return where


def _autograde(course: Path) -> None:
    """Grade student by student: a notebook on which nbgrader gives up must not keep it from the next."""
    for student in sorted(path.name for path in (course / "submitted").iterdir()):
        _nbgrader(course, "autograde", "08_viterbi", "--student", student, f"--ExecutePreprocessor.timeout={SECONDS}")


def _nbgrader(course: Path, *arguments: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=environment, capture_output=True)


def _hand_in(bank: Bank, where: Path, file: str) -> None:
    shutil.rmtree(where, ignore_errors=True)
    for name, make in bank.items():
        path = where / _name(name) / file
        path.parent.mkdir(parents=True)
        path.write_bytes(make().data())


def _name(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


if __name__ == "__main__":
    for grid in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 6):
        print(*grid.lines(), sep="\n")
