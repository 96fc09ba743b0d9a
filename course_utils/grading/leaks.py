"""Search a folder for what is left of solutions that have been removed."""

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RUN = 3  # this many lines of a solution in a row give it away

_MARKER = re.compile(
    r"(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)|#\s*(?i:(?:begin|end)\s+(?:solution|hidden\s+test))"
)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_PROMPT = re.compile(r"^(?:>>>|\.\.\.|[>+*|-])+")  # of a quotation, a session, a list, a difference, a table
_TAG = re.compile(r"<[^<>\n]*>")


@dataclass(frozen=True)
class Removed:
    """A text that was taken out: the cell it stood in, and the text."""

    where: str
    text: str


@dataclass(frozen=True)
class Leak:
    """Something that must not be there: its file with line or cell, and what it is."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class _Piece:
    """Some text of a file; ``cell`` says where in a notebook, else lines are counted."""

    file: str
    text: str
    cell: str = ""

    def where(self, line: int) -> str:
        return f"{self.file}, {self.cell or f'line {line}'}"


def find_leaks(folder: Path, removed: Sequence[Removed]) -> list[Leak]:
    """Search every text in a folder for markers, and for runs of lines of what was removed.

    A run is three lines in a row, or the whole text where that is shorter. White space, comments, quotation marks
    at the ends of a line and prompts do not count, and in notebooks every string is searched.

    Parameters
    ----------
    folder
        Searched with all that is in it.
    removed
        What must not occur.

    Returns
    -------
    list of Leak
        One for each marker, and one for each removed text in each file or cell; empty if all is well.
    """
    runs = {run: text.where for text in removed for run in _runs(_significant(text.text))}
    leaks = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for piece in _pieces(path, path.relative_to(folder).as_posix()):
            leaks += _markers_in(piece)
            leaks += _solutions_in(piece, runs)
    return list(dict.fromkeys(leaks))


def cell_name(number: int, cell: dict) -> str:
    """Name a notebook's cell for a person: its number, counted from 1, and its grade_id where it has one."""
    grade_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    return f"cell {number} ({grade_id})" if grade_id else f"cell {number}"


def _markers_in(piece: _Piece) -> Iterator[Leak]:
    for number, line in enumerate(piece.text.splitlines(), start=1):
        found = _MARKER.search(line)
        if found:
            yield Leak(piece.where(number), f"the marker “{found[0]}”")


def _solutions_in(piece: _Piece, runs: dict[tuple[str, ...], str]) -> Iterator[Leak]:
    seen = set()
    for reading in (piece.text, html.unescape(_TAG.sub("", piece.text))):
        lines = _significant(reading)
        for start in range(len(lines)):
            for size in range(1, RUN + 1):
                solution = runs.get(tuple(line for _, line in lines[start : start + size]))
                if solution and solution not in seen:
                    seen.add(solution)
                    yield Leak(piece.where(lines[start][0]), f"lines of the solution of {solution}")


def _runs(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[str, ...]]:
    size = min(RUN, len(lines))
    for start in range(len(lines) - size + 1 if size else 0):
        yield tuple(line for _, line in lines[start : start + size])


def _significant(text: str) -> list[tuple[int, str]]:
    """Return the lines that say something, stripped of all that may differ between copies, with their numbers."""
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        for part in line.replace('\\"', '"').split("\\n"):  # "\n" spelt out, as in a string
            part = _PROMPT.sub("", "".join(_COMMENT.sub("", part).split()), count=1) if part else ""
            part = part.strip("\"'`,;")
            if any(character.isalnum() for character in part):
                lines.append((number, part))
    return lines


def _pieces(path: Path, name: str) -> Iterator[_Piece]:
    data = path.read_bytes()
    if b"\0" in data:
        return  # not a text
    text = data.decode("utf-8", errors="replace")
    try:
        content = json.loads(text) if path.suffix in (".ipynb", ".json") else None
    except ValueError:
        content = None
    parts, rest = [], "one of its strings"
    if path.suffix == ".ipynb" and isinstance(content, dict) and isinstance(content.get("cells"), list):
        cells = content.pop("cells")
        parts = [(cell_name(number, cell), cell) for number, cell in enumerate(cells, start=1)]
        rest = "outside its cells"
    else:
        yield _Piece(name, text)
    for where, part in (*parts, (rest, content)):
        for string in _strings(part):
            yield _Piece(name, string, where)


def _strings(content: object) -> Iterator[str]:
    """All texts in a JSON document. A list of strings is one text, as notebooks store it."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and content and all(isinstance(item, str) for item in content):
        yield "".join(item if item.endswith("\n") else item + "\n" for item in content)
    elif isinstance(content, list):
        for item in content:
            yield from _strings(item)
    elif isinstance(content, dict):
        for key, item in content.items():
            yield from _strings(key)
            yield from _strings(item)
