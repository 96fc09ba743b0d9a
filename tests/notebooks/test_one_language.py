"""One meaning a letter and one term a thing, in all chapters: a search for what was given up comes back empty."""

import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
INDEX = "00_index"  # whose table says what the lecture notes call things
RETIRED = {
    "a perceptron that is a multilayer one": r"(?<!multilayer )(?<!Multilayer )\b[Pp]erceptrons?\b",
    "nudging, for finite differences": r"\b[Nn]udg",
    "a length that is called L": r"2 ?L\b|\(L,\)|\bT ?\+ ?L\b|O\(T L\)|O\(L\)",
    "the probability of S": r"P\(S\)",
    "sigma for a norm": r"\\gamma\\sigma|γσ|\\sigma_t\b",
    "alpha for a ramp": r"\\alpha\^|\balpha = -?0|α = 0|α < 1",
    "labels with a tilde": r"\\tilde s",
    "a loss that is called L without a script letter": r"\\(?:frac|partial)\{?dL|\{dL\}",
    "a permutation that is called P": r"f\(PX\)|P f\(X\)",
    "the lecture notes, which readers do not have": r"[Tt]he (?:lecture )?notes\b",
    "a share of a state": r"share of (?:each )?state",
    "a chapter that is run before it is read": r"Run All Cells\* first",
    "a beginning, for initialisation or a partial alignment": r"uniform beginning|beginnings? of alignments?",
    "a limit cycle without a word on what it is of a map": r"\*\*limit cycle\*\*",
}
TAU = {"09_ctc"}  # where there is a temperature


def texts(path):
    """What a reader reads: prose, code, and printed output; not the tables of pictures, nor the sources of quotes."""
    for cell in nbformat.read(path, as_version=4).cells:
        yield cell.id, cell.source
        for output in cell.get("outputs", []):
            yield cell.id, output.get("text", "")


def found(pattern, path):
    return [(cell, match[0]) for cell, text in texts(path) for match in re.finditer(pattern, text)]


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.stem != INDEX], ids=lambda path: path.stem)
@pytest.mark.parametrize("pattern", RETIRED.values(), ids=RETIRED)
def test_what_was_given_up_is_found_nowhere(pattern, path):
    assert found(pattern, path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tau_is_a_temperature_and_nothing_else(path):
    if path.stem not in TAU | {INDEX}:
        assert found(r"\\tau\b|τ|\btau\b", path) == []


@pytest.mark.parametrize("pattern", RETIRED.values(), ids=RETIRED)
def test_each_search_finds_what_it_is_for(pattern):
    examples = (
        "a perceptron on every frame", "nudging it", "2 L + 1 states", "$P(S)$", "(\\gamma\\sigma)^n", "$\\alpha^{T-1}$",
        "$\\tilde s_t$", "\\frac{dL}{dh}", "f(PX) = P f(X)", "in the notes", "the share of each state",
        "Choose *Run ▸ Run All Cells* first", "all beginnings of alignments", "a **limit cycle**",
    )  # fmt: skip
    assert sum(bool(re.search(pattern, example)) for example in examples) >= 1
    assert not re.search(pattern, "A multilayer perceptron has 2 K + 1 states; a sheet of notes; $\\mathcal L$")


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.stem != INDEX], ids=lambda path: path.stem)
def test_every_chapter_begins_with_a_picture_and_ends_with_sources_and_links(path):
    cells = nbformat.read(path, as_version=4).cells
    first, last = cells[0].source, cells[-1].source
    number = int(path.stem[:2])
    picture = re.search(r"!\[([^\]]{60,})\]\(\.\./figures/(\w+)\.svg\)", first)
    assert picture, "no picture with words in the first cell"
    assert (ROOT / "figures" / f"{picture[2]}.svg").exists()
    assert picture.start() < first.index("**After this chapter you can**")
    assert re.search(r"## (?:\d+\.\d+ )?Sources", "\n".join(cell.source for cell in cells[-3:]))
    line = last.rstrip().split("\n")[-1]
    links = re.findall(r"\]\((\d\d)_\w+\.ipynb(#[\w.-]+)?\)", line)
    assert ("00", "#0.5-Notation") in links
    neighbours = {f"{number - 1:02}", f"{number + 1:02}"} & {p.stem[:2] for p in NOTEBOOKS}
    assert neighbours <= {number for number, _ in links}, line


def test_chapter_9_says_of_its_figure_what_was_measured():
    panels = json.loads((ROOT / "benchmarks" / "growth.json").read_text("utf-8"))["panels"]
    by_frames, _, by_batch, _ = panels
    taken = dict(zip(by_frames["sizes"], by_frames["seconds"]["this course"], strict=True))
    frames = taken[8000] / taken[1000]
    batch = by_batch["seconds"]["this course"][-1] / by_batch["seconds"]["this course"][0]
    assert by_batch["sizes"] == [1, 2, 4, 8, 16, 32, 64]
    text = "\n".join(cell.source for cell in nbformat.read(ROOT / "notebooks" / "09_ctc.ipynb", as_version=4).cells)
    assert f"the time grows {frames:.1f}-fold, and the batch of 64 takes {batch:.0f} times as long" in text
