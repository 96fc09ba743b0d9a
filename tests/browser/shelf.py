"""Steppers on a shelf: many in one notebook on one page, and what tests of all kinds of them have in common.

COURSE_SCREENSHOTS=folder keeps the pictures.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import expect

from course_utils.scenes.scene import Scene
from tests.browser.conftest import IMPORTS
from tests.browser.test_looks import CLIPPED, CONTRASTS, LEAST_CONTRAST, OVERFULL, TOO_WIDE_OR_SMALL, walk, widen
from tools.lab import Notebook, Player

STEP_TO_LOOK_AT = 6
IN_THE_DRAWING = """
root => Object.fromEntries([...root.querySelectorAll('[data-mark]')].map((e) =>
  [e.dataset.mark, [e.dataset.state, e.querySelector('.slot')?.textContent]]))
"""

# Texts that lie over one another, stick out of their cell or reach into the cell of another. Two lines may touch:
# the box of a text is higher than its letters.
CROWDED = """
root => {
  const bad = [];
  const visible = (e) => getComputedStyle(e).visibility !== 'hidden';
  const seen = (css) => [...root.querySelectorAll(`svg.rc-scene ${css}`)].filter(visible)
    .map((e) => ({ e, cell: e.closest('.cell'), box: e.getBoundingClientRect() }));
  const texts = seen('text').filter(({ e }) => e.textContent);
  const boxes = seen('.cell > .box');
  const over = (a, b, dx, dy) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > dx && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > dy;
  texts.forEach((a, n) => {
    for (const b of texts.slice(n + 1))
      if (over(a.box, b.box, -2, 5)) bad.push(`“${a.e.textContent}” lies over “${b.e.textContent}”`);
    for (const { cell, box } of boxes) {
      if (cell !== a.cell) {
        if (over(a.box, box, 0, 3)) bad.push(`“${a.e.textContent}” reaches into ${cell.dataset.mark}`);
      } else if (a.box.left < box.left + 2 || a.box.right > box.right - 2 || a.box.top < box.top - 1 || a.box.bottom > box.bottom + 1)
        bad.push(`“${a.e.textContent}” sticks out of its cell`);
    }
  });
  return bad;
}
"""

# What an arrow that is shown runs through: a text or a cell.
CROSSED = """
root => {
  const bad = [];
  const visible = (e) => getComputedStyle(e).visibility !== 'hidden';
  const solid = [...root.querySelectorAll('svg.rc-scene .cell > .box, svg.rc-scene text')]
    .filter((e) => visible(e) && (e.textContent || e.matches('.box'))).map((e) => [e, e.getBoundingClientRect()]);
  for (const arrow of [...root.querySelectorAll('svg.rc-scene .arrow')].filter(visible)) {
    const shaft = arrow.querySelector('.shaft');
    if (shaft === null) continue;
    const toScreen = shaft.getScreenCTM();
    for (let part = 0; part <= 1; part += 0.1) {
      const p = shaft.getPointAtLength(part * shaft.getTotalLength()).matrixTransform(toScreen);
      const hit = solid.find(([, b]) => p.x > b.left + 1 && p.x < b.right - 1 && p.y > b.top + 1 && p.y < b.bottom - 1)?.[0];
      if (hit) {
        bad.push(`${arrow.dataset.mark} runs through ${hit.closest('[data-mark]')?.dataset.mark ?? hit.textContent}`);
        break;
      }
    }
  }
  return bad;
}
"""

# The cells that a step is about, where none of them is in sight as far as there is room for it; the names of rows cover
# what lies under them.
OUT_OF_SIGHT = """
root => {
  const view = root.querySelector('.rc-stage').getBoundingClientRect();
  // The names of rows take no room where they stand above them, or where there are none.
  const names = root.querySelector('.pinned > .paper')?.getBoundingClientRect() ?? { top: 0, bottom: 0, width: 0 };
  let cells = [...root.querySelectorAll('.cell:not(.emission)[data-state="now"]')];
  if (!cells.length) cells = [...root.querySelectorAll('.dot[data-state="now"]')];
  const hidden = cells.filter((cell) => {
    const box = cell.getBoundingClientRect();
    const left = view.left + (box.bottom > names.top && box.top < names.bottom ? names.width : 0);
    const seen = Math.min(box.right, view.right) - Math.max(box.left, left);
    return seen < 0.95 * Math.min(box.width, view.right - left);
  });
  return hidden.length < cells.length ? [] : hidden.map((cell) => cell.dataset.mark);
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
def open_shelf(lab, browser, prefix, shown):
    """Put steppers on a shelf; afterwards nothing may have gone wrong on its page."""
    lab.write(f"{prefix}.ipynb", IMPORTS, *(code for code, _ in shown.values()))
    with Notebook(lab, browser, f"{prefix}.ipynb") as notebook:
        notebook.run()
        widen(notebook)
        yield Shelf(notebook, shown, prefix)
        assert notebook.errors() == []
        assert not notebook.unrest()


def expect_picture(player, scene, step):
    """The sentence, the formula and every mark are those of the scene at this step."""
    player.expect_step(step)
    expect(player.find(".rc-says")).to_have_text(scene.steps[step].says)
    assert player.find("> .rc-formula").inner_html() != "" or not scene.steps[step].formula
    shown = player.root.evaluate(IN_THE_DRAWING)
    for name, mark in scene.marks_at(step).items():
        state, text = shown[name]
        assert mark.state in (None, state), (step, name)
        assert mark.text in (None, text), (step, name)


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
        for n in walk(player):
            problems += player.root.evaluate(TOO_WIDE_OR_SMALL)
            if marks := player.root.evaluate(OUT_OF_SIGHT):
                hidden[name, n] = marks
            if n == STEP_TO_LOOK_AT:
                picture(player.root, f"{shelf.shot(name)}-narrow-middle")
        problems += page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll('.jp-Notebook, .jp-WindowedPanel-outer')]
                 .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => `${e.className} scrolls sideways`)"""
        )
        problems += shelf.cell(name).evaluate(
            """cell => [...cell.querySelectorAll('.widget-inline-hbox')].map((e) => e.getBoundingClientRect())
                 .filter((box) => box.left < 0 || box.right > innerWidth).map((box) => `a control spans ${box.left} to ${box.right}`)"""
        )
        player.press("End")
        picture(shelf.output(name), f"{shelf.shot(name)}-narrow-end")
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
    for n in range(last + 1):
        expect_picture(player, scene, n)
        player.press("ArrowRight")
    player.expect_step(last)
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
        for n in (0, last // 2, 3 * last // 4, last):
            player.press(*["ArrowRight"] * (n - player.step)).expect_step(n)
            for what, state, contrast in player.root.evaluate(CONTRASTS):
                if contrast < LEAST_CONTRAST:
                    weak[name, what, state] = min(contrast, weak.get((name, what, state), 99))
            if n == last // 2:
                picture(player.root, f"{shelf.shot(name)}-{theme}-middle")
        picture(shelf.output(name), f"{shelf.shot(name)}-{theme}-end")
    return weak


def crowded_drawings(shelf, names):
    """Return what is cut off, too full, or lies over something else, by stepper."""
    wrong = {}
    for name in names:
        player = shelf.player(name)
        for _ in walk(player):
            for check in (CLIPPED, OVERFULL, CROWDED, CROSSED):
                if found := player.root.evaluate(check):
                    wrong.setdefault(name, set()).update(found)
    return wrong
