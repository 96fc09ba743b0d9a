"""Notebooks and records as files: read with care, written whole or not at all."""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_utils.workbook.merge import HandedOut
from course_utils.workbook.unsolved import Cell, Notebook

BACKUPS_KEPT = 10  # of each notebook


class Unreadable(Exception):
    """A file is no notebook that could be brought up to date; the text says why."""


def read_notebook(data: bytes) -> Notebook:
    """Read a notebook, and make sure that its cells are what the rest of this package takes them for.

    Raises
    ------
    Unreadable
        It is not JSON, not a notebook of format 4, or a cell has no id.
    """
    try:
        notebook = json.loads(data)
    except ValueError as error:
        raise Unreadable(f"it is not a notebook that can be read ({error})") from error
    if not (
        isinstance(notebook, dict)
        and notebook.get("nbformat") == 4
        and isinstance(notebook.get("metadata"), dict)
        and isinstance(notebook.get("cells"), list)
        and all(map(_is_cell, notebook["cells"]))
    ):
        raise Unreadable("it is not a notebook of format 4")
    if not all(isinstance(cell.get("id"), str) for cell in notebook["cells"]):
        raise Unreadable("its cells have no ids; an old program has saved it")
    return notebook


def _is_cell(cell: Any) -> bool:
    if not (isinstance(cell, dict) and isinstance(cell.get("cell_type"), str)):
        return False
    source, metadata = cell.get("source"), cell.get("metadata")
    lines = source if isinstance(source, list) else [source]
    grading = metadata.get("nbgrader", {}) if isinstance(metadata, dict) else None
    return all(isinstance(line, str) for line in lines) and isinstance(grading, dict)


def notebook_bytes(notebook: Notebook) -> bytes:
    """Write a notebook as Jupyter does, a text of several lines as a list."""
    cells = [_with_lines(cell) for cell in notebook["cells"]]
    text = json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True)
    return text.encode("utf-8", "backslashreplace") + b"\n"  # half of a character as JSON writes it


def _with_lines(cell: Cell) -> Cell:
    source = cell["source"]
    return {**cell, "source": source.splitlines(keepends=True)} if isinstance(source, str) else cell


def read_record(path: Path) -> tuple[HandedOut, ...]:
    """Read what was handed out; empty where that is gone or damaged."""
    try:
        return tuple(HandedOut(**one) for one in json.loads(path.read_bytes())["cells"])
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def write_record(path: Path, record: tuple[HandedOut, ...]) -> None:
    """Write what was handed out, if that is not what stands there."""
    text = json.dumps({"cells": [asdict(one) for one in record]}, indent=1) + "\n"
    if not path.exists() or path.read_bytes() != text.encode():
        write_whole(path, text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that at any moment either the old one is there or the new one, and never a part of one."""
    path = path.resolve()  # where a link leads to
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, new)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_trusted(path: Path, old: bytes, new: bytes) -> None:
    """Write a notebook anew that was read as ``old``, so that JupyterLab trusts its outputs if it did before.

    Raises
    ------
    Unreadable
        It is not what was read any more.
    """
    if path.read_bytes() != old:
        raise Unreadable("it was saved at this very moment")
    write_whole(path, new)
    try:
        from nbformat import reads
        from nbformat.sign import NotebookNotary
    except ModuleNotFoundError:
        return  # no JupyterLab either
    with suppress(Exception):  # where signatures cannot be kept, the reader runs the cells again
        notary = NotebookNotary()
        if notary.check_signature(reads(old.decode(), as_version=4)):
            notary.sign(reads(new.decode(), as_version=4))


def back_up(path: Path, folder: Path) -> None:
    """Keep a copy of a file under the next free number, and the last few of them."""
    kept = sorted(folder.glob(f"{path.stem}.*{path.suffix}"), key=_number)
    number = _number(kept[-1]) + 1 if kept else 1
    copy = folder / f"{path.stem}.{number}{path.suffix}"
    write_whole(copy, path.read_bytes())
    shutil.copystat(path, copy)
    for old in kept[: len(kept) + 1 - BACKUPS_KEPT]:
        old.unlink()


def _number(copy: Path) -> int:
    number = copy.stem.rpartition(".")[2]
    return int(number) if number.isdecimal() else 0
