import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tools.lab import MEDIA, VIEWPORT, Lab, Notebook, Watch, open_browser

expect.set_options(timeout=60_000)  # what is waited for comes in a moment, but not where ten others want the processor

IMPORTS = "from course_utils.notebook import *"
EXAMPLE = "viterbi_stepper([[.9, .1], [.6, .4], [.3, .7], [.2, .8]], 'AB')"
TRAINING = "training_stepper([[1, 0], [0, 0], [0, 0]], [[0, 1, 2, 1], [0, 0, 1, 2]], [[0, 1], [0, 1]])"
STRIP = """
import numpy as np
from course_utils.data import STRIP_SYMBOLS, digit_strip
strip = digit_strip("314", np.random.default_rng(1))
guess = np.array([[8.0 if symbol == true else 1.0 for symbol in STRIP_SYMBOLS] for true in strip.labels])
strip_stepper(strip, np.log(guess / guess.sum(axis=1, keepdims=True)))
"""


@pytest.fixture(scope="session")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    """One server for all tests; ``lab.first_sight`` says what its very first page showed that it should not."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        page = browser.new_page()
        watch = Watch(page)
        page.goto(f"{lab.url}/lab?token={lab.token}")
        page.wait_for_function("() => window.jupyterapp")
        page.evaluate("() => jupyterapp.restored")
        page.wait_for_load_state("networkidle")
        lab.first_sight = watch.problems + page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()
        page.close()
        yield lab


@pytest.fixture(scope="session")
def desk(lab, browser):
    """A page of JupyterLab that one test after the other opens its notebook on: to load the page takes longer than most tests."""

    class Desk:
        notebook = None

        def open(self, name):
            if self.notebook is None:
                self.notebook = Notebook(lab, browser, name)
            else:
                self.notebook.turn_to(name)
                self.notebook.page.set_viewport_size(VIEWPORT)
                self.notebook.page.emulate_media(**MEDIA)
                self.notebook.page.evaluate("() => jupyterapp.shell.expandLeft()")
                self.notebook.page.mouse.move(2, 2)
            return self.notebook

        def clear(self):
            if self.notebook is not None:
                self.notebook.close()
            self.notebook = None

    desk = Desk()
    yield desk
    desk.clear()


@pytest.fixture
def notebook(lab, browser, desk):
    """Write, open and run a notebook of these cells; when the test ends, its page must have been quiet.

    A test that asks for something special of its page, or opens a second notebook, gets a page of its own.
    """
    opened = []

    def open_one(*cells, quiet=True, run=True, **context):
        name = f"test-{len(list((lab.root / 'notebooks').iterdir()))}.ipynb"
        path = lab.write(name, *cells)
        one = Notebook(lab, browser, name, **context) if context or opened else desk.open(name)
        opened.append((one, quiet))
        one.path = path
        return one.run() if run else one

    yield open_one
    unrest = [problem for one, quiet in opened if quiet for problem in one.unrest()]
    for one, _ in opened:
        if one is not desk.notebook:
            one.close()
    if unrest or any(not quiet for _, quiet in opened):
        desk.clear()  # whatever is left on it is not the next test's
    assert not unrest


@pytest.fixture(scope="session")
def trellis_notebook(lab, browser):
    """One notebook for the tests that only look: the example twice, as two views of one widget."""
    lab.write("trellis.ipynb", IMPORTS, f"shown = {EXAMPLE}\nshown", "shown")
    with Notebook(lab, browser, "trellis.ipynb") as notebook:
        notebook.run()
        yield notebook
        assert not notebook.unrest()


@pytest.fixture
def player(trellis_notebook):
    """The example with the focus on it, at its first step."""
    player = trellis_notebook.stepper(0)
    trellis_notebook.page.mouse.move(2, 2)
    player.focus().press("Escape", "Home").expect_step(0)
    return player


@pytest.fixture(params=["light", "dark"])
def theme(request, lab, desk):
    """JupyterLab's theme, on the desk and, as it is kept, on all pages that are loaded."""
    if request.param == "light":
        yield "light"
        return
    lab.write("theme.ipynb", "")
    set_theme(desk.open("theme.ipynb"), "JupyterLab Dark", light="false")
    yield "dark"
    set_theme(desk.notebook or desk.open("theme.ipynb"), "JupyterLab Light", light="true")


@pytest.fixture(params=["light", "dark"])
def shelf_theme(request, shelf):
    """JupyterLab's theme on the page of a shelf."""
    if request.param == "dark":
        set_theme(shelf.notebook, "JupyterLab Dark", light="false")
    yield request.param
    if request.param == "dark":
        set_theme(shelf.notebook, "JupyterLab Light", light="true")


@pytest.fixture
def changed(shelf):
    """Put back what a test has changed."""
    names = []
    yield names.append
    for name in names:
        shelf.again(name)


def set_theme(notebook, name, light):
    with notebook.page.expect_response(
        lambda answer: "/api/settings/" in answer.url and answer.request.method == "PUT"
    ):
        notebook.command("apputils:change-theme", theme=name)
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
    notebook.wait_for_the_splash()


@pytest.fixture
def picture():
    """Save what an element looks like, where the environment variable COURSE_SCREENSHOTS names a folder."""
    folder = os.environ.get("COURSE_SCREENSHOTS")

    def save(locator, name):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            locator.screenshot(path=Path(folder) / f"{name}.png")

    return save
