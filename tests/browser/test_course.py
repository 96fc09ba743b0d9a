"""The course's own notebooks, as a student runs them: opened in JupyterLab, every cell from top to bottom."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tools.lab import Notebook, check_mounted

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def page(lab, browser):
    """A page on which one chapter after the other is opened."""
    lab.write("before.ipynb", "")
    with Notebook(lab, browser, "before.ipynb") as notebook:
        yield notebook


@pytest.fixture
def chapter(page, lab):
    """Open a chapter; when the test ends, the page must have been quiet."""

    def turn_to(name):
        shutil.copy(NOTEBOOKS / name, lab.root / "notebooks" / name)
        return page.turn_to(name)

    yield turn_to
    assert not page.unrest()


# Chapter 9 trains for more than a minute; its steppers have tests of their own.
CHAPTERS = [path.name for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem != "09_ctc"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_from_top_to_bottom_and_every_stepper_mounts(chapter, name):
    notebook = chapter(name).run()
    assert notebook.errors() == []
    steppers = 0
    for index, cell in enumerate(notebook.contents()["cells"]):
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if VIEW in shown and "<table" in "".join(shown.get("text/html", "")):
                steppers += 1
                notebook.scroll_to(index)
                check_mounted(notebook.cell(index).locator(".rc-stepper").first)
    assert steppers
    expect(notebook.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)


def test_chapter_8_shows_the_numbers_of_its_steppers_before_it_is_run_to_whoever_asks(chapter):
    notebook, tables = chapter("08_viterbi.ipynb"), 0
    for index, cell in enumerate(notebook.contents()["cells"]):
        if any("<caption" in "".join(o.get("data", {}).get("text/html", "")) for o in cell.get("outputs", [])):
            tables += 1
            notebook.scroll_to(index)
            folded = notebook.cell(index).locator(".jp-OutputArea-output details").first
            caption = folded.locator("table caption")
            expect(caption).to_be_hidden()
            folded.locator("summary").click()
            expect(caption).to_be_visible()
    assert tables
