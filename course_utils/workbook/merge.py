"""A reader's notebook and a newer version of the course become one notebook, and nothing of the reader's is lost.

What was handed out is on record, so a cell is the reader's where it differs from that. Without a record, it is where it
differs from the course.

* A cell that the reader has not touched follows the course, also out of the notebook. Its outputs stay while its
  text does.
* A cell that the reader has changed stays as it is, whatever the course does.
* A cell of the reader's own stays behind the cell that it stood behind.
* A cell that the reader has deleted stays deleted.
* The cells come in the order of the course, unless the reader has moved some: then in the reader's.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from course_utils.workbook.unsolved import Cell, Notebook, grade_id, is_answer, source_of

_COURSES_OWN = "nbgrader", "deletable", "editable"  # metadata that no reader sets


@dataclass(frozen=True)
class HandedOut:
    """What is on record of one cell of the course.

    Attributes
    ----------
    key
        Its ``grade_id`` where it has one, else its id.
    id
        Its id.
    text, metadata
        Digests of the version that the reader was given last; "" where that is not known.
    offered
        Digest of the text of the newest version that the reader was given or told of.
    """

    key: str
    id: str
    text: str
    metadata: str
    offered: str


@dataclass(frozen=True)
class Merged:
    """What has become of a reader's notebook.

    Attributes
    ----------
    notebook
        It shares cells with both that it was made of.
    record
        What is handed out now.
    followed
        How many cells were changed, added or taken away.
    answers
        How many answers of the reader's are in it.
    passed_over
        The numbers, counted from 1, of the cells that the reader has changed, and of which the course has a new
        version that was not mentioned before.
    """

    notebook: Notebook
    record: tuple[HandedOut, ...]
    followed: int
    answers: int
    passed_over: tuple[int, ...]


def key_of(cell: Cell) -> str:
    """Return what a cell of the course is recognised by in all its versions."""
    return f"nbgrader:{grade_id(cell)}" if grade_id(cell) else cell["id"]


def handed_out(course: Notebook) -> tuple[HandedOut, ...]:
    """Return the record of a notebook that is handed out as it is."""
    return tuple(_record(cell) for cell in course["cells"])


def merge(mine: Notebook, record: Sequence[HandedOut], course: Notebook) -> Merged:
    """Bring a reader's notebook up to date.

    Parameters
    ----------
    mine
        The reader's; every cell has an id. It is left as it is.
    record
        Of what the reader was given; empty where that is not known.
    course
        The new version, without solutions.

    Returns
    -------
    Merged
        Merging the result with the same version once more changes nothing.
    """
    known, theirs = {one.key: one for one in record}, {key_of(cell): cell for cell in course["cells"]}
    cells: dict[str, Cell] = {}  # of the course, in the reader's order
    own: dict[str, list[Cell]] = {"": []}  # the reader's own, by the key of the cell before them
    now, followed, passed_over, before = {}, 0, set(), ""
    for cell, key in zip(mine["cells"], _keys(mine["cells"], record, theirs), strict=True):
        if key is None:
            own[before].append(cell)
            continue
        old, new = known.get(key), theirs.get(key)
        if new is None:
            if _text(cell) == old.text:
                followed += 1
            else:
                own[before].append(cell)
            continue
        if _text(cell) in (_text(new), old.text if old else ""):
            cells[key], now[key] = _followed(cell, old, new), _record(new)
            followed += cells[key] is not cell
        else:
            cells[key] = cell
            now[key] = replace(old or _record(new, given=False), offered=_text(new))
            if old and _text(new) not in (old.text, old.offered):
                passed_over.add(key)
        before = key
        own[before] = []
    added = [key for key in theirs if key not in cells and key not in known]
    order = _order(cells, known or theirs, theirs, added)
    for key in added:
        cells[key], now[key] = theirs[key], _record(theirs[key])
    merged, numbers = own[""], {}
    for key in order:
        merged = [*merged, cells[key]]
        numbers[key] = len(merged)
        merged += own.get(key, [])
    return Merged(
        notebook={**mine, "cells": merged},
        record=tuple(now.get(key) or known[key] for key in theirs),  # what was deleted stays known
        followed=followed + len(added),
        answers=sum(is_answer(cell) and _text(cell) != _text(theirs[key]) for key, cell in cells.items()),
        passed_over=tuple(sorted(numbers[key] for key in passed_over)),
    )


def _keys(cells: Sequence[Cell], record: Iterable[HandedOut], theirs: Mapping[str, Cell]) -> list[str | None]:
    """Recognise each cell by its id, or else by its grade_id, for pasting gives a new id; None for the reader's own."""
    by_id = {one.id: one.key for one in record} | {cell["id"]: key for key, cell in theirs.items()}
    by_key = {key: key for key in by_id.values()}
    keys: list[str | None] = [None] * len(cells)
    for name, names in ((lambda cell: cell["id"], by_id), (key_of, by_key)):
        for n, cell in enumerate(cells):
            key = names.get(name(cell))
            if keys[n] is None and key not in keys:  # of two that are alike, the second is a copy
                keys[n] = key
    return keys


def _order(mine: Iterable[str], given: Iterable[str], theirs: Sequence[str], added: Sequence[str]) -> list[str]:
    """Put cells in the course's order, or, where the reader has moved some, new ones into the reader's order."""
    mine = list(mine)
    if [key for key in given if key in mine] == [key for key in mine if key in given]:
        return [key for key in theirs if key in mine or key in added]
    before = ""
    for key in theirs:
        if key in added:
            mine.insert(mine.index(before) + 1 if before else 0, key)
        if key in mine:
            before = key
    return mine


def _followed(cell: Cell, old: HandedOut | None, new: Cell) -> Cell:
    """Return a cell's new version with what the reader has added around its text; the same cell if there is none."""
    metadata = cell["metadata"]
    if old is None or old.metadata != _digest(new["metadata"]):
        readers = {key: value for key, value in metadata.items() if key not in _COURSES_OWN}
        metadata = {**readers, **new["metadata"]}
    if _text(cell) == _text(new):
        return cell if metadata == cell["metadata"] else {**cell, "metadata": metadata}
    return {**new, "id": cell["id"], "metadata": metadata}


def _record(cell: Cell, given: bool = True) -> HandedOut:
    text, metadata = _text(cell), _digest(cell["metadata"])
    return HandedOut(key_of(cell), cell["id"], text if given else "", metadata if given else "", text)


def _text(cell: Cell) -> str:
    """Return a digest of what a reader would have written; how a cell is shown, and what it printed, do not count."""
    return _digest([cell["cell_type"], source_of(cell), cell.get("attachments") or {}])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
