"""Steppers on a shelf: many in one notebook on one page, and what tests of all kinds of them have in common.

COURSE_SCREENSHOTS=folder keeps the pictures.
"""

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import expect

from course_utils.scenes.scene import Scene
from tests.browser.conftest import IMPORTS
from tests.browser.looking import (
    CLIPPED,
    CONTRASTS,
    CROSSED,
    CROWDED,
    LEAST_CONTRAST,
    OUT_OF_SIGHT,
    OVERFULL,
    TOO_WIDE_OR_SMALL,
    look_at,
    widen,
)
from tools.pages import SECONDS_TO_RUN, Notebook, Player

TO_THE_MIDDLE = ["ArrowRight"] * 6
IN_THE_DRAWING = """
root => ({
  step: Number(root.dataset.step),
  says: root.querySelector('.rc-says').textContent,
  formula: root.querySelector(':scope > .rc-formula').innerHTML,
  marks: Object.fromEntries([...root.querySelectorAll('[data-mark]')].map((e) =>
    [e.dataset.mark, [e.dataset.state, e.querySelector('.slot')?.textContent]])),
})
"""


# Keep what is in the drawing now and after each step, as soon as it is shown.
RECORD = f"""
root => {{
  const look = ({IN_THE_DRAWING});
  root.rcRecord = [look(root)];
  root.rcRecorder = new MutationObserver(() => root.rcRecord.push(look(root)));
  root.rcRecorder.observe(root, {{ attributeFilter: ['data-step'] }});
}}
"""
RECORDED = """
root => {
  root.rcRecorder.disconnect();
  return root.rcRecord;
}
"""


@dataclass
class Shelf:
    """Some steppers in one notebook, each in a cell of its own.

    Attributes
    ----------
    notebook
        Open and run; its first cell imports.
    shown
        For each name the code of its cell, and what makes its scene.
    prefix
        Of the names of pictures.
    narrow
        What was found on a narrow screen, once somebody has looked.
    """

    notebook: Notebook
    shown: Mapping[str, tuple[str, Callable[[], Scene]]]
    prefix: str
    narrow: tuple | None = None

    def cell(self, name):
        return self.notebook.cell(1 + list(self.shown).index(name))

    def output(self, name):
        """The stepper with the controls above it."""
        return self.cell(name).locator(".jp-OutputArea-output").first

    def player(self, name) -> Player:
        """Bring one into sight, with the focus on it, at its first step."""
        self.notebook.scroll_to(1 + list(self.shown).index(name))
        player = Player(self.notebook.page, self.cell(name).locator(".rc-stepper"))
        self.notebook.page.mouse.move(2, 2)
        player.focus().press("Escape", "Home").expect_step(0)
        return player

    def again(self, name) -> None:
        """Run one cell again: its numbers and its controls are as at the beginning."""
        self.notebook.page.evaluate(
            """async (n) => {
              jupyterapp.shell.currentWidget.content.activeCellIndex = n;
              await jupyterapp.commands.execute('notebook:run-cell');
            }""",
            1 + list(self.shown).index(name),
        )

    def shot(self, name) -> str:
        """Name a picture."""
        return f"{self.prefix}-{name.replace(' ', '-')}"


@contextlib.contextmanager
def open_shelf(desk, prefix, shown):
    """Put steppers on a shelf; afterwards nothing may have gone wrong on its page."""
    desk.lab.write(f"{prefix}.ipynb", IMPORTS, *(code for code, _ in shown.values()))
    with desk.open(f"{prefix}.ipynb") as notebook:
        notebook.run()
        widen(notebook)
        yield Shelf(notebook, shown, prefix)
        assert notebook.errors() == []


def differences(shown, scene, step) -> list[str]:
    """Return what of the sentence, the formula and the marks is not that of the scene at this step."""
    wrong = [] if shown["step"] == step else [f"step {shown['step']} is shown"]
    wrong += [] if shown["says"] == scene.steps[step].says else [f"it says {shown['says']!r}"]
    wrong += [] if bool(shown["formula"]) >= bool(scene.steps[step].formula) else ["there is no formula"]
    for name, mark in scene.marks_at(step).items():
        state, text = shown["marks"].get(name, (None, None))
        if mark.state not in (None, state) or mark.text not in (None, text):
            wrong.append(f"{name} is {state!r} with {text!r}, not {mark.state!r} with {mark.text!r}")
    return wrong


def expect_picture(player, scene, step):
    """The sentence, the formula and every mark are those of the scene at this step, once it has come."""
    end = time.monotonic() + SECONDS_TO_RUN
    while (wrong := differences(player.root.evaluate(IN_THE_DRAWING), scene, step)) and time.monotonic() < end:
        player.page.wait_for_timeout(50)
    assert not wrong, (step, wrong)


def expect_scene(player, scene):
    """It plays this scene: the same drawing, the same steps."""
    expect(player.root).to_have_attribute("aria-label", f"{scene.title}. Left and right arrow keys step, Shift with an arrow key moves between cells.")  # fmt: skip
    expect(player.find(".rc-slider")).to_have_attribute("max", str(len(scene.steps) - 1))
    player.focus().press("Home")
    expect_picture(player, scene, 0)
    player.press("End")
    expect_picture(player, scene, len(scene.steps) - 1)


def rest(page):
    """Wait as a reader does; the player tells Python its step once the keys rest."""
    page.wait_for_timeout(300)


def alert_of(cell):
    """Return what an explorer says below its controls."""
    return cell.locator("[role=alert]:not(.rc-note)")


def fill(cell, label, typed):
    """Type into a control."""
    rest(cell.page)
    cell.get_by_label(label, exact=True).fill(typed)
    cell.get_by_label(label, exact=True).press("Enter")


def choose(cell, label, option):
    """Choose from a list."""
    rest(cell.page)
    cell.get_by_label(label, exact=True).select_option(option)


def look_at_a_narrow_screen(shelf, picture, names=None):
    """Return what is wrong on a screen of 360 pixels, by stepper, and which steps are out of sight there."""
    page, wrong, hidden = shelf.notebook.page, {}, {}
    wide = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 780})
    for name in names or shelf.shown:
        player = shelf.player(name)
        problems = wrong.setdefault(name, [])
        for n, found, marks in look_at(player, TOO_WIDE_OR_SMALL, OUT_OF_SIGHT):
            problems += found
            if marks:
                hidden[name, n] = marks
        player.press(*TO_THE_MIDDLE)
        picture(player.root, f"{shelf.shot(name)}-narrow-middle")
        problems += page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll('.jp-Notebook, .jp-WindowedPanel-outer')]
                 .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => `${e.className} scrolls sideways`)"""
        )
        problems += shelf.cell(name).evaluate(
            """cell => [...cell.querySelectorAll('.widget-inline-hbox')].map((e) => e.getBoundingClientRect())
                 .filter((box) => box.left < 0 || box.right > innerWidth).map((box) => `a control spans ${box.left} to ${box.right}`)"""
        )
        picture(shelf.output(name), f"{shelf.shot(name)}-narrow-end", "End")
    page.set_viewport_size(wide)
    return wrong, hidden


def drawing(player) -> str:
    """Return the drawing, wherever a wide one is scrolled to."""
    return re.sub(r' transform="translate[^"]*"', "", player.find(".rc-stage").inner_html())


def check_every_step(shelf, name):
    """Step to the end and back: each sentence and picture is the scene's, and the way back leads to the same one."""
    player, scene = shelf.player(name), shelf.shown[name][1]()
    last = len(scene.steps) - 1
    start = drawing(player)
    player.root.evaluate(RECORD)
    player.press(*["ArrowRight"] * last).expect_step(last)
    recorded = player.root.evaluate(RECORDED)
    assert len(recorded) == last + 1
    assert {n: wrong for n, shown in enumerate(recorded) if (wrong := differences(shown, scene, n))} == {}
    player.press(*["ArrowLeft"] * last).expect_step(0)
    assert drawing(player) == start


def check_clicks(shelf, name):
    """Click on cells: each leads to the step that computes it."""
    player, scene = shelf.player(name), shelf.shown[name][1]()
    last = len(scene.steps) - 1
    computed = [(mark, n) for n, step in enumerate(scene.steps) for mark in step.computes]
    for mark, n in computed[:: max(1, len(computed) // 6)]:
        player.press("End").expect_step(last)
        slot = player.mark(mark).locator(".slot")
        (slot if slot.count() else player.mark(mark)).click()
        player.expect_step(n)
        assert player.says == scene.steps[n].says


def weak_texts(shelf, theme, picture):
    """Return texts that can hardly be read, with their contrast; keeps pictures of the middle and the end."""
    weak = {}
    for name in shelf.shown:
        player = shelf.player(name)
        last = int(player.find(".rc-slider").get_attribute("max"))
        for _, contrasts in look_at(player, CONTRASTS, steps=[0, last // 2, 3 * last // 4, last]):
            for what, state, contrast in contrasts:
                if contrast < LEAST_CONTRAST:
                    weak[name, what, state] = min(contrast, weak.get((name, what, state), 99))
        picture(player.root, f"{shelf.shot(name)}-{theme}-middle", *TO_THE_MIDDLE)
        picture(shelf.output(name), f"{shelf.shot(name)}-{theme}-end", "End")
    return weak


def crowded_drawings(shelf, names):
    """Return what is cut off, too full, or lies over something else, by stepper."""
    wrong = {}
    for name in names:
        player = shelf.player(name)
        for _, *found in look_at(player, CLIPPED, OVERFULL, CROWDED, CROSSED):
            if any(found):
                wrong.setdefault(name, set()).update(*found)
    return wrong
