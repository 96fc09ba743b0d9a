"""A reader without a mouse: a chapter's unsolved copy is run, a stepper played, a number changed, an exercise solved."""

import contextlib
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError, expect

from course_utils.workbook.update import course_notebooks, update
from tools.pages import Notebook, Player

ROOT = Path(__file__).parents[2]
CHAPTER = "03_time_synchronous_rnn.ipynb"
STEPPER, EXERCISE = "rnn_stepper(net, x)", "rnn_forward"
# Typed as a reader types it: the editor indents the lines and closes the brackets.
SOLUTION = [
    "def rnn_forward(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):",
    "h, states = h_init, []",
    "for frame in x:",
    "h = np.tanh(W_xh @ frame + W_hh @ h + b_h)",
    "states.append(h)",
    None,  # one level out
    "states = np.array(states)",
    "return states, states @ W_hy.T + b_y",
]
POINTERS = """
window.rcPointers = [];
for (const type of ['pointerdown', 'mousedown', 'touchstart', 'pointermove', 'mousemove', 'wheel', 'dblclick', 'drop'])
  addEventListener(type, (event) => event.isTrusted && rcPointers.push(type), true);
addEventListener('click', (event) => event.isTrusted && event.detail > 0 && rcPointers.push('click'), true);
"""
AT = "() => [jupyterapp.shell.currentWidget.content.activeCellIndex, jupyterapp.shell.currentWidget.content.mode]"


@pytest.fixture
def chapter(lab, browser):
    """The copy to be worked on, opened and with its kernel there; nothing has been pressed."""
    folder = lab.root / "notebooks" / "by-keyboard"
    shutil.copytree(ROOT / "figures", folder.parent / "figures", dirs_exist_ok=True)
    update(folder, {CHAPTER: course_notebooks(ROOT)[CHAPTER]})
    with Notebook(lab, browser, f"by-keyboard/{CHAPTER}") as notebook:
        notebook.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.ready; }")
        notebook.page.evaluate(POINTERS)
        yield notebook
        assert notebook.page.evaluate("() => rcPointers") == []
        assert not notebook.unrest()


def find_cell(notebook, text, after=0):
    """Return the number of the first code cell that holds a text."""
    cells = notebook.contents()["cells"]
    return next(n for n, c in enumerate(cells) if n >= after and c["cell_type"] == "code" and text in c["source"])


def go_to(notebook, index):
    """Walk to a cell in command mode, looking where each key has led, as a reader does."""
    page = notebook.page
    at, mode = page.evaluate(AT)
    assert mode == "command"
    while at != index:
        press_until_moved(page, "j" if index > at else "k", at)
        at, mode = page.evaluate(AT)
        assert mode == "command"


def press_until_moved(page, key, at):
    """Press a key, and again where it has led nowhere: what comes in from the kernel now and then takes the focus away.

    A reader who finds it gone presses Tab until it is back in the notebook.
    """
    for _ in range(10):
        for _ in range(30):
            if page.evaluate("() => document.activeElement.closest('.jp-Notebook') !== null"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press(key)
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(f"before => ({AT})()[0] !== before", arg=at, timeout=6_000)
            return
    raise AssertionError(f"{key} does not lead away from cell {at}")


def test_a_chapter_is_worked_through_by_keyboard_alone(chapter):
    page, keyboard = chapter.page, chapter.page.keyboard
    # Run all: choose every cell, and run them.
    keyboard.press("Control+a")
    keyboard.press("Control+Enter")
    stepper_cell, exercise = find_cell(chapter, STEPPER), find_cell(chapter, f"def {EXERCISE}")
    check = find_cell(chapter, f", {EXERCISE})", after=exercise)
    last = max(n for n, c in enumerate(chapter.contents()["cells"]) if c["cell_type"] == "code")
    page.wait_for_function(
        "n => jupyterapp.shell.currentWidget.content.widgets[n].model.executionCount !== null",
        arg=last,
        timeout=120_000,
    )

    # Step to the end.
    go_to(chapter, stepper_cell)
    player = Player(page, chapter.cell(stepper_cell).locator(".rc-stepper"))
    for _ in range(20):
        keyboard.press("Tab")
        if player.root.evaluate("root => root === document.activeElement"):
            break
    expect(player.root).to_be_focused()
    steps = int(player.find(".rc-slider").get_attribute("max"))
    for n in range(1, steps + 1):
        player.press("ArrowRight").expect_step(n)

    # Change a number.
    player.press("Shift+ArrowRight")
    for _ in range(20):
        if page.evaluate("() => document.activeElement.dataset.edit === 'number'"):
            break
        player.press("Shift+ArrowRight")
    mark = page.evaluate("() => document.activeElement.dataset.mark")
    player.press("1")
    expect(player.find(".rc-editor")).to_be_focused()
    player.press(".", "2", "5", "Enter")
    expect(player.mark(mark).locator(".slot")).to_have_text("1.25")
    expect(player.mark(mark)).to_be_focused()
    expect(player.find(".rc-note")).to_be_hidden()

    # Back to the notebook, solve the exercise, check it.
    for _ in range(20):
        keyboard.press("Shift+Tab")
        if page.evaluate("() => document.activeElement.closest('.rc-stepper') === null"):
            break
    for _ in range(20):
        if page.evaluate("() => document.activeElement.matches('.jp-Cell')"):
            break
        keyboard.press("Shift+Tab")
    go_to(chapter, exercise)
    keyboard.press("Enter")
    keyboard.press("Control+a")
    keyboard.press("Delete")
    for line in SOLUTION:
        if line is None:
            keyboard.press("Backspace")
        else:
            keyboard.type(line)
            keyboard.press("Enter")
    keyboard.press("Shift+Enter")
    assert page.evaluate(AT) == [check, "command"]
    keyboard.press("Control+Enter")
    expect(chapter.cell(check).locator(".jp-OutputArea-output")).to_contain_text("✓")
