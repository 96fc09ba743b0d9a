"""What axe-core has to say of everything the course shows, in JupyterLab and on pages without a kernel."""

import re

import pytest
from playwright.sync_api import expect

from course_utils.site.page import fragment
from course_utils.site.page import page as export
from tests.browser.axe import faults, in_short
from tests.browser.conftest import IMPORTS, set_theme
from tests.browser.everything import SHOWN, STEPPERS, scenes
from tools.pages import Player

OURS = ".jp-Notebook .jp-OutputArea-output"
REPORTS = """
import numpy as np

def right(log_y, target):
    rows = [np.where(np.arange(len(target)) == 0, log_y[0][target], -np.inf)]
    for frame in log_y[1:]:
        rows.append(np.maximum(rows[-1], [-np.inf, *rows[-1][:-1]]) + frame[target])
    return np.array(rows)

check("8.1", right)
for wrong in (lambda y, target: np.zeros((len(y), len(target))), lambda y: y):
    try:
        check("8.1", wrong)
    except Exception as failed:
        print(failed)
"""
PLOT = """
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([1, 2, 4])
show(figure, "A curve that rises from 1 to 4.")
"""

# Bring every stepper to a part of its way, with all that can be opened at once: a tip, the list of keys, the table.
SET_ALL = """
([part, open]) => {
  for (const root of document.querySelectorAll('.rc-stepper')) {
    const slider = root.querySelector('.rc-slider');
    slider.value = Math.round(part * slider.max);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    const keys = root.querySelector('.rc-help');
    if (keys && keys.hidden === open) root.querySelector('button[aria-label="Keys"]').click();
    root.querySelector('.rc-table').open = open;
    const marks = [...root.querySelectorAll('[data-mark][tabindex]')];
    if (open) marks.some((mark) => {
      mark.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
      return !root.querySelector('.rc-tip').hidden;
    });
    else root.querySelector('.rc-stage').dispatchEvent(new PointerEvent('pointerleave'));
  }
}
"""


RUN_ONE = """
async (n) => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.sessionContext.ready;
  panel.content.activeCellIndex = n;
  await jupyterapp.commands.execute('notebook:run-cell');
}
"""


def set_all(page, part, *, opened=False):
    page.evaluate(SET_ALL, [part, opened])


@pytest.fixture(scope="module")
def everything(lab, desk):
    """A page with one of everything, all of it drawn."""
    cells = [IMPORTS, *(code for code, _ in SHOWN.values()), REPORTS, PLOT]
    lab.write("everything.ipynb", *cells)
    with desk.open("everything.ipynb") as notebook:
        # JupyterLab draws only what is in sight, else.
        notebook.page.evaluate(
            """() => {
              const { content } = jupyterapp.shell.currentWidget;
              content.notebookConfig = { ...content.notebookConfig, windowingMode: 'none' };
            }"""
        )
        # One cell after the other: anywidget gives up on a model that is not ready within two seconds, which so many at
        # once are not on a busy machine.
        for n in range(len(cells)):
            notebook.page.evaluate(RUN_ONE, n)
            expect(notebook.page.locator(".rc-stepper[data-step]")).to_have_count(min(n, len(SHOWN)))
        assert notebook.errors() == []
        yield notebook
        assert not notebook.unrest()


@pytest.fixture
def everything_in(everything):
    """Everything in a theme of JupyterLab."""
    themes = []

    def put(theme):
        themes.append(theme)
        if theme == "dark":
            set_theme(everything, dark=True)
        return everything.page

    yield put
    set_all(everything.page, 0)
    if "dark" in themes:
        set_theme(everything, dark=False)


@pytest.mark.parametrize(
    ("theme", "part", "opened"),
    [("light", 0, False), ("light", 0.5, False), ("light", 1, True), ("dark", 1, True)],
)
def test_no_rule_objects_to_what_is_shown_in_jupyterlab(everything_in, theme, part, opened):
    page = everything_in(theme)
    set_all(page, part, opened=opened)
    if opened:
        assert page.locator(".rc-tip:not([hidden])").count() >= len(STEPPERS)
        expect(page.locator(".rc-help:not([hidden])")).to_have_count(len(SHOWN))
        expect(page.locator(".rc-table[open]")).to_have_count(len(SHOWN))
    found = faults(page, OURS)
    assert not found, in_short(found)


@pytest.mark.parametrize("name", ["trellis", "permutation", "rnn"])  # a probability, a point, a weight
def test_no_rule_objects_to_an_open_editor_and_a_message(everything, name):
    page = everything.page
    player = Player(page, everything.cell(1 + list(SHOWN).index(name)).locator(".rc-stepper"))
    mark = player.find("[data-edit='number'], [data-edit='point']").first
    mark.focus()
    player.press("Enter")
    expect(player.find(".rc-editor")).to_be_focused()
    player.root.evaluate("root => { root.id = 'looked-at'; }")
    try:
        found = faults(page, "#looked-at")
        page.keyboard.type("nonsense")
        player.press("Enter")
        expect(player.find(".rc-note")).to_be_visible()
        found |= faults(page, "#looked-at")
    finally:
        player.root.evaluate("root => root.removeAttribute('id')")
    assert not found, in_short(found)


def test_a_fault_in_an_output_is_seen(everything):
    """Planted: a button without a name, a role that is none.

    The contrast of texts in JupyterLab is measured in test_looks: axe passes over most of what lies in its scrolled panels.
    """
    page = everything.page
    planted = "<button></button><p role='nonsense'>a</p>"
    page.evaluate(
        """([css, html]) => {
          const output = [...document.querySelectorAll(css)].at(-1);
          output.insertAdjacentHTML('beforeend', `<div id="planted">${html}</div>`);
        }""",
        [OURS, planted],
    )
    rules = {what.split(":")[0] for what in faults(page, "#planted")}
    page.evaluate("() => document.getElementById('planted').remove()")
    assert rules == {"button-name", "aria-roles"}


# -- pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accessible")
    shown = scenes()
    (folder / "page.html").write_text(export("All pictures", shown), "utf-8")
    around = f"<!doctype html><html lang='en'><title>One</title><main><h1>One</h1>{fragment(shown[0])}</main></html>"
    (folder / "fragment.html").write_text(around, "utf-8")
    return folder


@pytest.fixture
def open_page(browser, pages):
    contexts = []

    def open_file(name, **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.goto((pages / name).as_uri())
        if settings.get("java_script_enabled", True):
            page.wait_for_selector(".rc-stepper[data-step]")
        return page

    yield open_file
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("name", "scheme"), [("page.html", "light"), ("page.html", "dark"), ("fragment.html", "light")]
)
def test_no_rule_objects_to_a_page(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme)
    set_all(page, 1, opened=True)
    found = faults(page)
    assert not found, in_short(found)


def test_a_fault_of_a_page_is_seen(open_page):
    """Planted: a text in grey on white, a heading out of order."""
    page = open_page("fragment.html")
    planted = "<p style='color: #bbb; background: #fff'>grey text</p><h4>Too low</h4>"
    page.locator("main").evaluate("(main, html) => main.insertAdjacentHTML('beforeend', html)", planted)
    assert {"color-contrast", "heading-order"} <= {what.split(":")[0] for what in faults(page)}


def test_a_page_says_its_language_and_its_headings_are_in_order(pages):
    html = (pages / "page.html").read_text("utf-8")
    assert '<html lang="en">' in html
    levels = re.findall(r"<h([1-6])>", html)
    assert levels == ["1", *["2"] * len(scenes())]
    assert html.index("<main>") < html.index("<h1>") < html.index("</main>")
