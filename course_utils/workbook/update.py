"""Make the reader's copy of the course, or bring it up to date."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.workbook.files import (
    Unreadable,
    back_up,
    notebook_bytes,
    read_notebook,
    read_record,
    write_record,
    write_trusted,
    write_whole,
)
from course_utils.workbook.merge import handed_out, merge
from course_utils.workbook.unsolved import SOLUTION, CourseMistake, Notebook, source_of, unsolved
from course_utils.workbook.widgets import with_what_is_on_show

NOTEBOOKS = "notebooks"
COPY = "my_course"  # beside the notebooks, so that links to ../figures lead to the same place from both
HIDDEN = ".course"  # in the copy: the records, and the backups

_SHOWN = 40  # characters of a cell, in a message


@dataclass
class Summary:
    """What was done to the copy.

    Attributes
    ----------
    new
        Names of chapters that were not there before.
    changed
        How many of the others were rewritten.
    followed
        How many of their cells were changed, added or taken away.
    answers
        How many answers of the reader's are in the others.
    says
        A sentence for each thing that the reader should know of.
    """

    new: list[str] = field(default_factory=list)
    changed: int = 0
    followed: int = 0
    answers: int = 0
    says: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        done = []
        if self.new:
            done.append(_count(len(self.new), "new chapter"))
        if self.followed:
            done.append(f"{_count(self.followed, 'cell')} brought up to date")
        elif self.changed:
            done.append(f"{_count(self.changed, 'chapter')} put in the new order")
        if not done:
            done.append("nothing new")
        if self.answers:
            done.append(f"{_count(self.answers, 'of your answers', '')} kept")
        return ", ".join(done) + "."


def course_notebooks(home: Path) -> dict[str, Notebook]:
    """Read the notebooks of the course, by name.

    Raises
    ------
    CourseMistake
        There are none, or one cannot be read.
    """
    paths = _course_paths(home)
    if not paths:
        raise CourseMistake(
            f"There are no notebooks in {home / NOTEBOOKS}: get the whole course, not its package alone, and install "
            "it from its own folder with pip install -r requirements.txt -e ."
        )
    notebooks = {}
    for path in paths:
        try:
            notebooks[path.name] = read_notebook(path.read_bytes())
        except Unreadable as error:
            raise CourseMistake(f"{NOTEBOOKS}/{path.name}: {error}.") from error
    return notebooks


def update(copy: Path, course: Mapping[str, Notebook]) -> Summary:
    """Make a copy without solutions, or bring it up to date and leave all that its reader wrote.

    Parameters
    ----------
    copy
        Its folder.
    course
        The notebooks of the course, by name. All are looked at before anything is written.

    Raises
    ------
    CourseMistake
        A notebook cannot be handed out.
    OSError
        The folder cannot be written to.
    """
    course = {name: unsolved(notebook, f"{NOTEBOOKS}/{name}") for name, notebook in course.items()}
    copy.mkdir(parents=True, exist_ok=True)
    summary = Summary()
    for name, notebook in course.items():
        try:
            _update_one(copy, name, notebook, summary)
        except Unreadable as error:
            summary.says.append(
                f"{copy.name}/{name} is left as it is: {error}. Give it another name, and the next time a new one is "
                "made in its place."
            )
        except OSError as error:
            summary.says.append(f"{copy.name}/{name} is left as it is: {error}.")
    _say_what_left_the_course(copy, course, summary)
    if summary.changed:
        summary.says.append(f"What these notebooks were before is in {copy.name}/{HIDDEN}/backups.")
    return summary


def to_work_on(home: Path) -> tuple[Path, Summary | None]:
    """Return the folder to work in, and what was done to it; nothing is where the notebooks have no solutions anyway.

    Parameters
    ----------
    home
        The course's own folder.

    Raises
    ------
    CourseMistake
        A notebook of the course is missing or cannot be handed out.
    OSError
        The copy cannot be made.
    """
    paths = _course_paths(home)
    if paths and not any(f"BEGIN {SOLUTION}".encode() in path.read_bytes() for path in paths):
        for path in paths:  # the students' edition; they may hold anything by now
            _tidy(path)
        return home / NOTEBOOKS, None
    return home / COPY, update(home / COPY, course_notebooks(home))


def _course_paths(home: Path) -> list[Path]:
    return sorted((home / NOTEBOOKS).glob("*.ipynb"))


def _update_one(copy: Path, name: str, course: Notebook, summary: Summary) -> None:
    path, record_path = copy / name, copy / HIDDEN / f"{Path(name).stem}.json"
    if not path.exists():
        if record_path.exists():
            summary.says.append(
                f"{copy.name}/{name} was no longer there, so it is made anew; a notebook under another name is yours "
                "and stays as it is."
            )
        write_whole(path, notebook_bytes(course))
        write_record(record_path, handed_out(course))
        summary.new.append(name)
        return
    data = path.read_bytes()
    mine = read_notebook(data)
    merged = merge(mine, read_record(record_path), course)
    if merged.notebook != mine:
        back_up(path, copy / HIDDEN / "backups")
    shown = with_what_is_on_show(merged.notebook)
    if shown != mine:  # steppers that nobody sees are nothing that a reader would want back
        write_trusted(path, data, notebook_bytes(shown))
    summary.changed += merged.notebook != mine
    write_record(record_path, merged.record)
    summary.followed += merged.followed
    summary.answers += merged.answers
    if merged.passed_over:
        summary.says.append(
            f"{copy.name}/{name}: you have changed what the course has changed as well, and yours stays: "
            f"{_named(merged.notebook, merged.passed_over)}. To see the new version, give your notebook another name "
            "and run this again."
        )


def _tidy(path: Path) -> None:
    """Take the steppers that nobody sees out of a notebook; whatever goes wrong, it is left as it is."""
    with suppress(Unreadable, OSError):
        data = path.read_bytes()
        mine = read_notebook(data)
        shown = with_what_is_on_show(mine)
        if shown is not mine:
            write_trusted(path, data, notebook_bytes(shown))


def _say_what_left_the_course(copy: Path, course: Iterable[str], summary: Summary) -> None:
    """Name, once, the notebooks that were handed out and are no part of the course any more."""
    names = {Path(name).stem for name in course}
    for record in sorted((copy / HIDDEN).glob("*.json")):
        if record.stem not in names:
            if (copy / f"{record.stem}.ipynb").exists():
                summary.says.append(f"{copy.name}/{record.stem}.ipynb is no part of the course any more; it is yours.")
            record.unlink()


def _named(notebook: Notebook, numbers: Iterable[int]) -> str:
    """Name cells by number and by their first words, for JupyterLab shows no number."""
    texts = ((number, source_of(notebook["cells"][number - 1]).strip() or "empty") for number in numbers)
    return ", ".join(f"cell {number} ({text.splitlines()[0][:_SHOWN]})" for number, text in texts)


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{plural if number != 1 else ''}"
