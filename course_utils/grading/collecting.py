"""Finding submissions: in a folder or a ZIP archive, as teachers have them from Moodle, Canvas, nbgrader or a share."""

import io
import re
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from course_utils.grading.chapter import LARGEST, Chapter, CodeCell, Unreadable, belongs_to, code_cells

MOST_FILES = 50_000
_MOODLE = re.compile(r"(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)", re.S)
_CANVAS = re.compile(r"(?P<who>[^/_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<file>\d+)_(?P<rest>.+)", re.S)
_COPY = re.compile(r"(?:\s*\(\d+\)|-Copy\d+|-\d+)+$")
_LEFT_OUT = re.compile(
    r"(?:^|/)(?:__MACOSX|\.ipynb_checkpoints|\.git|\.Trash[^/]*|node_modules|\.venv)(?:/|$)|(?:^|/)\.[^/]+$"
)


class CannotCollect(ValueError):
    """What was given holds no submissions; the text says what would."""


@dataclass(frozen=True)
class Found:
    """A file that was handed in: whose it is, its name there, its bytes, whether it came late, and the student's number."""

    student: str
    name: str
    data: bytes
    late: bool = False
    ident: str = ""


@dataclass(frozen=True)
class Submission:
    """What one student handed in for a chapter.

    Attributes
    ----------
    student
        Their name, as the files have it, or their login.
    file
        The name of the notebook that is graded; empty where there is none.
    late
        Whether the file says so.
    cells
        Its code cells; none where it could not be read.
    problem
        "no file", "unreadable" or "could not grade", and why; empty where all is well.
    says
        Why.
    ident
        The student's number in Moodle or Canvas, where the files' names have one.
    """

    student: str
    file: str = ""
    late: bool = False
    cells: tuple[CodeCell, ...] = ()
    problem: str = ""
    says: str = ""
    ident: str = ""


def collect(where: Path) -> list[Found]:
    """Find every file that was handed in.

    Raises
    ------
    CannotCollect
        There is nothing, or it is neither a folder nor a ZIP archive.
    """
    if where.is_dir():
        files = list(_of_folder(where))
    elif where.is_file() and zipfile.is_zipfile(where):
        files = list(_of_archive(where.read_bytes()))
    else:
        raise CannotCollect(f"{where} is neither a folder nor a ZIP archive of submissions.")
    tops = {PurePosixPath(name).parts[0] for name, _ in files}
    deep = any(len(PurePosixPath(name).parts) > 2 for name, _ in files)
    tops = tops if deep else set()
    found = [found for name, data in files for found in _unpacked(_whose(name, tops), data)]
    if not found:
        raise CannotCollect(f"{where} holds no notebook and no archive of any student.")
    return found


def choose(
    found: Sequence[Found],
    chapter: Chapter,
    roster: Sequence[str] = (),
    choices: Mapping[str, str] | None = None,
) -> list[Submission]:
    """Choose each student's notebook for a chapter, by what stands in it and not by its name.

    Parameters
    ----------
    roster
        Students who should have handed something in; those who have not are listed as well.
    choices
        A file by student, where the teacher has said which of several counts.
    """
    by_student: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        by_student[each.student].append(each)
    for student in roster:
        by_student.setdefault(student, [])
    return [
        replace(
            _chosen(student, by_student[student], chapter, (choices or {}).get(student, "")),
            ident=next((each.ident for each in by_student[student] if each.ident), ""),
        )
        for student in sorted(by_student, key=lambda name: (name.casefold(), name))
    ]


def _chosen(student: str, files: Sequence[Found], chapter: Chapter, choice: str) -> Submission:
    notebooks = [each for each in files if each.name.lower().endswith((".ipynb", ".json"))]
    if choice:
        notebooks = [each for each in notebooks if each.name == choice]
        if not notebooks:
            return Submission(
                student, problem="could not grade", says=f"The file that was chosen, {choice}, is not there."
            )
    if not notebooks:
        others = ", ".join(sorted(each.name for each in files)[:3])
        return Submission(
            student, problem="no file", says=f"No notebook, only {others}." if others else "Nothing was handed in."
        )
    readable, broken = [], []
    for each in notebooks:
        try:
            cells = tuple(code_cells(each.data))
        except Unreadable as error:
            broken.append(
                Submission(student, each.name, each.late, problem="unreadable", says=f"{each.name}: {error}.")
            )
            continue
        if belongs_to(cells, chapter) or choice:
            readable.append(Submission(student, each.name, each.late, cells))
    different = {tuple(cell.source for cell in each.cells): each for each in readable}
    if len(different) > 1:
        names = ", ".join(sorted(each.file for each in readable))
        return Submission(
            student,
            problem="could not grade",
            says=f"Which notebook counts? There are several, and they differ: {names}.",
        )
    if readable:
        return min(readable, key=lambda each: (each.late, len(each.file), each.file))
    if broken:
        return broken[0]
    names = ", ".join(sorted(each.name for each in notebooks))
    return Submission(student, problem="no file", says=f"No notebook of this chapter, only {names}.")


# -- where files lie


def _of_folder(where: Path) -> Iterator[tuple[str, bytes]]:
    for count, path in enumerate(sorted(path for path in where.rglob("*") if path.is_file()), start=1):
        name = path.relative_to(where).as_posix()
        if count > MOST_FILES:
            raise CannotCollect(f"{where} has more than {MOST_FILES} files; is it the right folder?")
        if not _LEFT_OUT.search(name) and path.suffix.lower() in (
            ".ipynb",
            ".json",
            ".zip",
            ".py",
            ".pdf",
            ".txt",
            ".html",
        ):
            wanted = path.suffix.lower() in (".ipynb", ".json", ".zip") and path.stat().st_size <= LARGEST
            yield _plain(name), path.read_bytes() if wanted else b""


def _of_archive(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Read the files of a ZIP archive; none is ever written anywhere."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_FILES:
            raise CannotCollect(f"The archive has more than {MOST_FILES} files.")
        for entry in entries:
            name = _plain(_true_name(entry)).lstrip("/")
            if _LEFT_OUT.search(name):
                continue
            if entry.file_size > LARGEST or not name.lower().endswith((".ipynb", ".json", ".zip")):
                yield name, b""
                continue
            try:
                with archive.open(entry) as file:
                    yield name, file.read(LARGEST + 1)[:LARGEST]
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError):
                yield name, b""  # damaged, or locked with a password: a notebook that cannot be read


def _true_name(entry: zipfile.ZipInfo) -> str:
    """Undo what zipfile makes of a name whose encoding the archive does not tell."""
    if entry.flag_bits & 0x800:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


# -- whose they are


def _whose(name: str, tops: Set[str]) -> Found:
    """Read the student out of a file's name, without its data; ``tops`` are the folders around all files."""
    parts = PurePosixPath(name).parts
    for k, part in enumerate(parts):
        moodle = _MOODLE.fullmatch(part)
        if moodle:
            rest = "/".join([*([moodle["rest"]] if moodle["rest"] else []), *parts[k + 1 :]])
            return Found(moodle["who"].strip(), rest or part, b"", ident=moodle["id"])
    canvas = _CANVAS.fullmatch(parts[-1])
    if canvas:
        return Found(canvas["who"], canvas["rest"], b"", bool(canvas["late"]), canvas["id"])
    if len(parts) > 2 and len(tops) == 1:
        parts = parts[1:]  # a folder around all of it
    late = "_LATE_" in name
    if len(parts) > 1:
        return Found(parts[0], "/".join(parts[1:]), b"", late)
    stem = _COPY.sub("", PurePosixPath(parts[0]).stem)
    return Found(stem.replace("_LATE_", "_").strip("_ ") or stem, parts[0], b"", late)


def _unpacked(found: Found, data: bytes) -> Iterator[Found]:
    """Look into an archive that a student has handed in, once."""
    if not found.name.lower().endswith(".zip"):
        yield replace(found, data=data)
        return
    try:
        for name, inner in _of_archive(data):
            yield replace(found, name=f"{found.name}/{name}", data=inner)
    except (zipfile.BadZipFile, CannotCollect):
        yield replace(found, data=b"")
