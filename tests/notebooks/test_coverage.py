"""COVERAGE.md keeps its word: every claim of the lecture notes is shown by cells that are there and that show something."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(
    r"\| (?P<sections>[^|]+) \| (?P<shown>[^|]+) \| \[(?P<chapter>\d+)\]\((?P<path>[^)]+)\) \| (?P<cells>[^|]+) \|"
)
SECTIONS = [
    "1.2",
    "1.3",
    "1.4",
    "1.5",
    "1.6.1",
    "1.6.2",
    "1.7",
    "1.8",
    "1.9",
    "2.2",
    "2.3",
    "2.4",
    "2.5",
    "2.6",
    "2.7",
    "2.8",
    "2.9",
    "2.10",
    "2.11",
    "3.2",
    "3.3",
    "3.4",
    "3.5",
    "3.6",
    "3.7",
    "3.8",
    "3.10",
    "3.11",
    "4.2",
    "4.3",
    "4.5",
    "4.6",
    "4.7",
    "4.8",
    "4.9",
    "5.2",
    "5.3",
    "5.4",
    "5.5",
    "5.6",
    "5.7",
    "5.8",
    "5.9",
    "5.10",
    "6.4",
    "6.5",
    "6.6",
    "6.7",
    "6.8",
    "6.9",
    "6.10",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "7.7",
    "7.8",
    "7.9",
    "7.10",
    "7.12",
    "8.2",
    "8.4",
    "8.5",
    "8.6",
    "8.7",
    "8.8",
    "8.9",
    "8.10",
    "8.11",
    "8.12",
    "8.13",
    "8.14",
    "9.1",
    "9.2",
    "9.3",
    "9.3.3",
    "9.4.1",
    "9.4.2",
    "9.4.3",
    "9.5",
    "9.6",
    "9.6.4",
    "9.7",
    "9.8.1",
    "9.8.2",
    "9.8.3",
    "9.9.1",
    "9.9.2",
    "9.9.3",
    "9.10.1",
    "9.10.2",
    "9.10.3",
    "9.11.1",
    "9.11.2",
    "9.11.3",
    "9.12",
    "title",
]  # of the notes, wherever they claim or define something


def rows(text):
    return [match.groupdict() for match in map(LINE.fullmatch, text.splitlines()) if match]


ROWS = rows((ROOT / "COVERAGE.md").read_text("utf-8"))


def sections_of(row):
    """Name the sections of a row; 2.7–2.9 is three of them."""
    for part in row["sections"].split(", "):
        first, _, last = part.partition("–")
        if last:
            chapter, low = first.split(".")
            yield from (f"{chapter}.{n}" for n in range(int(low), int(last.split(".")[1]) + 1))
        else:
            yield part


def missing(rows):
    return sorted(set(SECTIONS) - {section for row in rows for section in sections_of(row)})


def faults(row):
    """Say what is wrong with the cells of a row."""
    notebook = ROOT / row["path"]
    cells = {cell.id: cell for cell in nbformat.read(notebook, as_version=4).cells}
    if not notebook.name.startswith(f"{int(row['chapter']):02}_"):
        yield f"{row['path']} is not chapter {row['chapter']}"
    named = re.findall(r"`([0-9a-f]{8})`", row["cells"])
    if not named:
        yield "no cell is named"
    for name in named:
        cell = cells.get(name)
        if cell is None:
            yield f"there is no cell {name}"
        elif cell.cell_type != "code" or not (cell.outputs or "assert " in cell.source):
            yield f"cell {name} neither shows nor asserts anything"


def test_every_section_that_claims_something_has_a_row():
    assert missing(ROWS) == []
    assert not {section for row in ROWS for section in sections_of(row)} - set(SECTIONS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['sections']} {row['shown'][:30]}")
def test_the_cells_of_a_row_are_there_and_show_something(row):
    assert list(faults(row)) == []


def test_every_line_of_the_table_is_read():
    lines = (ROOT / "COVERAGE.md").read_text("utf-8").splitlines()
    assert len(ROWS) == len([line for line in lines if line.startswith("|")]) - 2  # its head


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cells": "`00000000`"}, "there is no cell 00000000"),
        ({"cells": ""}, "no cell is named"),
        ({"chapter": "3"}, "is not chapter 3"),
        ({"cells": "`4bf72ff9`"}, "cell 4bf72ff9 neither shows nor asserts anything"),
    ],
)
def test_a_row_that_promises_too_much_is_found(change, says):
    row = {**ROWS[0], **change}
    assert any(says in fault for fault in faults(row))
    assert missing(ROWS[1:]) == ["1.2"]
