import contextlib
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tools.lab import Lab
from tools.pages import Notebook, open_browser

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
def lab(tmp_path_factory):
    """One server for all tests."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


class Desk:
    """Pages of one JupyterLab on which notebook after notebook is opened: to load a page takes longer than most tests.

    Each has a window of its own. Pages that lie behind another one come last where many want the processor, and to bring
    one to the front moves the pointer on it.

    Attributes
    ----------
    dark
        The theme that a notebook is opened in.
    """

    def __init__(self, lab, browser):
        self.lab, self.browser, self.free, self.dark = lab, browser, [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.free:
            one.close()

    def take(self, name, **seen) -> Notebook:
        """Open a notebook; keyword arguments are those of ``Notebook.see``."""
        if not self.free:
            one = Notebook(self.lab, self.browser, name, **seen)
        else:
            one = self.free.pop().turn_to(name)
            one.see(**seen)
            one.page.evaluate("() => jupyterapp.shell.expandLeft()")
            one.page.mouse.move(2, 2)
        if is_dark(one) != self.dark:
            set_theme(one, dark=self.dark)
        return one

    def put_back(self, one, quiet=True) -> None:
        """Close a notebook; whatever has happened on a page that was not quiet is not the next test's."""
        if quiet:
            one.leave()
            self.free.append(one)
        else:
            one.close()

    @contextlib.contextmanager
    def open(self, name, **seen):
        """Open a notebook; when it is closed, its page must have been quiet."""
        one, quiet = self.take(name, **seen), False
        try:
            yield one
            unrest = one.unrest()
            assert not unrest
            quiet = True
        finally:
            self.put_back(one, quiet)


@pytest.fixture(scope="session")
def desk(lab, browser):
    with Desk(lab, browser) as desk:
        yield desk


@pytest.fixture
def notebook(lab, desk):
    """Write, open and run a notebook of these cells; when the test ends, its page must have been quiet."""
    opened = []

    def open_one(*cells, quiet=True, run=True, **seen):
        name = f"test-{len(list((lab.root / 'notebooks').iterdir()))}.ipynb"
        path = lab.write(name, *cells)
        one = desk.take(name, **seen)
        opened.append((one, quiet))
        one.path = path
        return one.run() if run else one

    yield open_one
    unrest = [problem for one, quiet in opened if quiet for problem in one.unrest()]
    for one, quiet in opened:
        desk.put_back(one, quiet and not unrest)
    assert not unrest


@pytest.fixture(scope="session")
def trellis_notebook(lab, desk):
    """One notebook for the tests that only look: the example twice, as two views of one widget."""
    lab.write("trellis.ipynb", IMPORTS, f"shown = {EXAMPLE}\nshown", "shown")
    with desk.open("trellis.ipynb") as notebook:
        yield notebook.run()


@pytest.fixture
def player(trellis_notebook):
    """The example with the focus on it, at its first step."""
    player = trellis_notebook.stepper(0)
    trellis_notebook.page.mouse.move(2, 2)
    player.focus().press("Escape", "Home").expect_step(0)
    return player


@pytest.fixture(params=["light", "dark"])
def theme(request, desk):
    """JupyterLab's theme in the notebooks that the test opens."""
    desk.dark = request.param == "dark"
    yield request.param
    desk.dark = False


@pytest.fixture(params=["light", "dark"])
def shelf_theme(request, shelf):
    """JupyterLab's theme on the page of a shelf."""
    if request.param == "dark":
        set_theme(shelf.notebook, dark=True)
    yield request.param
    if request.param == "dark":
        set_theme(shelf.notebook, dark=False)


@pytest.fixture
def changed(shelf):
    """Put back what a test has changed."""
    names = []
    yield names.append
    for name in names:
        shelf.again(name)


def is_dark(notebook) -> bool:
    return notebook.page.locator("body").get_attribute("data-jp-theme-light") == "false"


def set_theme(notebook, dark):
    with notebook.page.expect_response(
        lambda answer: "/api/settings/" in answer.url and answer.request.method == "PUT"
    ):
        notebook.command("apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", str(not dark).lower())
    notebook.wait_for_the_splash()


@pytest.fixture
def picture():
    """Save what an element looks like, after these keys, where the environment variable COURSE_SCREENSHOTS names a folder."""
    folder = os.environ.get("COURSE_SCREENSHOTS")

    def save(locator, name, *keys):
        if folder:
            for key in keys:
                locator.page.keyboard.press(key)
            Path(folder).mkdir(parents=True, exist_ok=True)
            locator.screenshot(path=Path(folder) / f"{name}.png")

    return save
