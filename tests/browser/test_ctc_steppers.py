"""The steppers and explorers of chapter 9 with real keys and a real mouse, and what they look like.

One notebook and one page serve all tests. COURSE_SCREENSHOTS=folder keeps the pictures.
"""

from dataclasses import dataclass
from pprint import pformat

import pytest
from playwright.sync_api import expect

from course_utils.notebook import with_probability
from course_utils.notebook.ch09 import EXAMPLE, SEARCHES
from course_utils.scenes.collapse import collapse_scene
from course_utils.scenes.ctc import lattice_scene
from course_utils.scenes.decoding import beam_scene, greedy_scene
from tests.browser.conftest import IMPORTS, set_theme
from tests.browser.lab import Notebook, Player
from tests.browser.test_looks import CLIPPED, CONTRASTS, LEAST_CONTRAST, OVERFULL, TOO_WIDE_OR_SMALL, walk, widen

Y = EXAMPLE.tolist()
TABLES = ["alpha", "beta", "gamma"]
KEEPS = ["prefixes", "one score", "alignments"]
# For each the cell of the notebook, and what makes its scene; one of probabilities where these can be edited.
SHOWN = {
    "collapse": ("collapse_stepper('hh-ell-lo')", lambda: collapse_scene("hh-ell-lo")),
    "blanks first": (
        "collapse_stepper('hh-ell-lo', order='blanks first')",
        lambda: collapse_scene("hh-ell-lo", order="blanks first"),
    ),
    **{
        table: (f"ctc_stepper({Y}, 'aa', table={table!r})", lambda y=Y, table=table: lattice_scene(y, "aa", "-ab", table=table))
        for table in TABLES
    },
    "any skip": (
        f"ctc_stepper({Y}, 'aa', skip_always=True)",
        lambda y=Y: lattice_scene(y, "aa", "-ab", skip_always=True),
    ),
    "greedy": (f"greedy_stepper({Y})", lambda y=Y: greedy_scene(y, "-ab")),
    **{
        keeps: (f"beam_stepper({Y}, keeps={keeps!r})", lambda y=Y, keeps=keeps: beam_scene(y, "-ab", keeps=keeps))
        for keeps in KEEPS
    },
    "collapse explorer": ("collapse_explorer()", lambda: collapse_scene("hh-ell-lo")),
    "ctc explorer": ("ctc_explorer()", lambda y=Y: lattice_scene(y, "aa", "-ab")),
    "decoder explorer": ("decoder_explorer()", lambda y=Y: beam_scene(y, "-ab")),
}  # fmt: skip
EDITABLE = [name for name in SHOWN if "collapse" not in name and name != "blanks first"]
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
  const names = root.querySelector('.pinned').getBoundingClientRect();
  const cells = [...root.querySelectorAll('.cell:not(.emission)[data-state="now"]')];
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
    """All steppers of chapter 9 in one notebook."""

    notebook: Notebook
    narrow: tuple | None = None

    def cell(self, name):
        return self.notebook.cell(1 + list(SHOWN).index(name))

    def output(self, name):
        """The stepper with the controls above it."""
        return self.cell(name).locator(".jp-OutputArea-output").first

    def player(self, name) -> Player:
        """Bring one into sight, with the focus on it, at its first step."""
        self.notebook.scroll_to(1 + list(SHOWN).index(name))
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
            1 + list(SHOWN).index(name),
        )


@pytest.fixture(scope="module")
def shelf(lab, browser):
    lab.write("chapter-9.ipynb", IMPORTS, *(code for code, _ in SHOWN.values()))
    with Notebook(lab, browser, "chapter-9.ipynb") as notebook:
        notebook.run()
        widen(notebook)
        yield Shelf(notebook)
        assert notebook.errors() == []
        assert not notebook.unrest()


@pytest.fixture
def changed(shelf):
    """Put back what a test has changed."""
    names = []
    yield names.append
    for name in names:
        shelf.again(name)


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


# -- stepping


@pytest.mark.parametrize("name", SHOWN)
def test_every_step_says_and_shows_what_the_scene_does_and_the_way_back_leads_to_the_same_picture(shelf, name):
    player, scene = shelf.player(name), SHOWN[name][1]()
    last = len(scene.steps) - 1
    start = player.find(".rc-stage").inner_html()
    for n in range(last + 1):
        expect_picture(player, scene, n)
        player.press("ArrowRight")
    player.expect_step(last)
    player.press(*["ArrowLeft"] * last).expect_step(0)
    assert player.find(".rc-stage").inner_html() == start


@pytest.mark.parametrize("name", SHOWN)
def test_a_click_on_a_cell_leads_to_the_step_that_computes_it(shelf, name):
    player, scene = shelf.player(name), SHOWN[name][1]()
    last = len(scene.steps) - 1
    computed = [(mark, n) for n, step in enumerate(scene.steps) for mark in step.computes]
    for mark, n in computed[:: max(1, len(computed) // 6)]:
        player.press("End").expect_step(last)
        player.mark(mark).locator(".slot").click()
        player.expect_step(n)
        assert player.says == scene.steps[n].says


# -- changing a probability


@pytest.mark.parametrize("name", EDITABLE)
def test_a_typed_and_a_dragged_probability_are_drawn_at_once(shelf, changed, name):
    changed(name)
    player, make = shelf.player(name), SHOWN[name][1]
    player.press("PageDown").expect_step(5)
    rest(player.page)
    player.mark("y-1-2").click()
    player.page.keyboard.type("0.8")
    player.press("Enter")
    y = with_probability(Y, 1, 2, 0.8)
    expect(player.mark("y-1-0").locator(".slot")).to_have_text(f"{y[1, 0]:.3g}")
    expect_picture(player, make(y), 5)
    box = player.mark("y-2-0").bounding_box()
    x, middle, mouse = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, player.page.mouse
    mouse.move(x, middle)
    mouse.down()
    mouse.move(x, middle - 60, steps=6)
    mouse.up()
    y = with_probability(y, 2, 0, 0.7)
    expect(player.mark("y-2-1").locator(".slot")).to_have_text(f"{y[2, 1]:.3g}")
    expect_picture(player, make(y), 5)
    mouse.move(2, 2)
    expect_scene(player, make(y))


@pytest.mark.parametrize("name", ["gamma", "greedy", "prefixes"])
def test_a_bad_probability_gets_a_message_and_changes_nothing(shelf, changed, name):
    changed(name)
    player = shelf.player(name)
    player.mark("y-1-2").click()
    player.page.keyboard.type("1.5")
    player.press("Enter")
    expect(player.find(".rc-note[role=alert]")).to_contain_text("“1.5” is no probability: type a number from 0 to 1.")
    expect_scene(player, SHOWN[name][1]())


# -- the controls of the explorers


def alert_of(cell):
    return cell.locator("[role=alert]:not(.rc-note)")


def fill(cell, label, typed):
    rest(cell.page)
    cell.get_by_label(label, exact=True).fill(typed)
    cell.get_by_label(label, exact=True).press("Enter")


def choose(cell, label, option):
    rest(cell.page)
    cell.get_by_label(label, exact=True).select_option(option)


def test_the_collapse_explorer_follows_its_controls(shelf, changed):
    changed("collapse explorer")
    player, cell = shelf.player("collapse explorer"), shelf.cell("collapse explorer")
    choose(cell, "Order", "blanks first")
    expect_scene(player, collapse_scene("hh-ell-lo", order="blanks first"))
    fill(cell, "Alignment", "aab-ba")
    expect_scene(player, collapse_scene("aab-ba", order="blanks first"))
    fill(cell, "Alignment", "a" * 41)
    expect(alert_of(cell)).to_have_text("path has 41 frames; the picture takes from 1 to 40")
    expect_scene(player, collapse_scene("aab-ba", order="blanks first"))
    fill(cell, "Alignment", "")
    expect(alert_of(cell)).to_have_text("path has 0 frames; the picture takes from 1 to 40")
    fill(cell, "Alignment", "a" * 40)
    expect(alert_of(cell)).to_have_count(0)
    expect_scene(player, collapse_scene("a" * 40, order="blanks first"))


def test_the_ctc_explorer_follows_its_controls(shelf, changed):
    changed("ctc explorer")
    player, cell = shelf.player("ctc explorer"), shelf.cell("ctc explorer")
    choose(cell, "Skips", "also between equal letters")
    expect_scene(player, lattice_scene(Y, "aa", "-ab", skip_always=True))
    fill(cell, "Target", "ab")
    expect_scene(player, lattice_scene(Y, "ab", "-ab", skip_always=True))
    choose(cell, "Skips", "between different letters")
    choose(cell, "Table", "gamma")
    expect_scene(player, lattice_scene(Y, "ab", "-ab", table="gamma"))
    for typed, says in (("a-", "is the blank"), ("<b>", "'<', which is not one of the symbols"), ("x", "'x', which")):
        fill(cell, "Target", typed)
        expect(alert_of(cell)).to_contain_text(says)
    expect_scene(player, lattice_scene(Y, "ab", "-ab", table="gamma"))
    fill(cell, "Target", "")
    expect(alert_of(cell)).to_have_count(0)
    expect_scene(player, lattice_scene(Y, "", "-ab", table="gamma"))


def test_the_decoder_explorer_follows_its_controls(shelf, changed):
    changed("decoder explorer")
    player, cell = shelf.player("decoder explorer"), shelf.cell("decoder explorer")
    for name, keeps in [("prefix beam, one score", "one score"), ("beam over alignments", "alignments")]:
        choose(cell, "Decoder", name)
        expect_scene(player, beam_scene(Y, "-ab", keeps=keeps))
    fill(cell, "Width", "3")
    expect_scene(player, beam_scene(Y, "-ab", width=3, keeps="alignments"))
    choose(cell, "Decoder", "greedy")
    expect_scene(player, greedy_scene(Y, "-ab"))
    choose(cell, "Decoder", "prefix beam, two scores")
    fill(cell, "Width", "99")
    expect(cell.get_by_label("Width", exact=True)).to_have_value("5")
    expect_scene(player, beam_scene(Y, "-ab", width=5))


# -- looks


def shot(name):
    return f"ch9-{name.replace(' ', '-')}"


@pytest.fixture(params=["light", "dark"])
def theme(request, shelf):
    if request.param == "dark":
        set_theme(shelf.notebook, "JupyterLab Dark", light="false")
    yield request.param
    if request.param == "dark":
        set_theme(shelf.notebook, "JupyterLab Light", light="true")


def test_every_text_can_be_read(shelf, theme, picture):
    weak = {}
    for name in SHOWN:
        player = shelf.player(name)
        last = int(player.find(".rc-slider").get_attribute("max"))
        for n in (0, last // 2, 3 * last // 4, last):
            player.press(*["ArrowRight"] * (n - player.step)).expect_step(n)
            for what, state, contrast in player.root.evaluate(CONTRASTS):
                if contrast < LEAST_CONTRAST:
                    weak[name, what, state] = min(contrast, weak.get((name, what, state), 99))
            if n == last // 2:
                picture(player.root, f"{shot(name)}-{theme}-middle")
        picture(shelf.output(name), f"{shot(name)}-{theme}-end")
    assert not weak, pformat(weak)


def test_every_text_has_room(shelf):
    wrong = {}
    for name in SHOWN:
        if "explorer" in name:
            continue  # what it shows at first is shown by another
        player = shelf.player(name)
        for _ in walk(player):
            for check in (CLIPPED, OVERFULL, CROWDED, CROSSED):
                if found := player.root.evaluate(check):
                    wrong.setdefault(name, set()).update(found)
    assert not wrong, pformat(wrong)


def test_a_wide_beam_has_room_for_its_texts(shelf, changed, picture):
    changed("decoder explorer")
    player, cell = shelf.player("decoder explorer"), shelf.cell("decoder explorer")
    fill(cell, "Width", "5")
    for name in ("beam over alignments", "prefix beam, one score", "prefix beam, two scores"):
        choose(cell, "Decoder", name)
        keeps = SEARCHES[name]
        expect_scene(player, beam_scene(Y, "-ab", width=5, keeps=keeps))
        player.press("End")
        for check in (CLIPPED, OVERFULL, CROWDED, CROSSED):
            assert not player.root.evaluate(check), name
        player.press("PageUp")
        picture(player.root, f"ch9-{keeps.replace(' ', '-')}-width-5")


def test_a_derivation_and_a_message_of_the_controls_can_be_read(shelf, theme, changed, picture):
    changed("ctc explorer")
    player, cell = shelf.player("ctc explorer"), shelf.cell("ctc explorer")
    player.press("End")
    player.mark("alpha-2-3").hover()
    expect(player.find(".rc-tip")).to_contain_text("the two would merge")
    picture(player.root, f"ch9-derivation-{theme}")
    assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST
    fill(cell, "Target", "ax")
    expect(alert_of(cell)).to_be_visible()
    picture(shelf.output("ctc explorer"), f"ch9-alert-{theme}")


@pytest.fixture
def narrow(shelf, picture):
    """What is wrong on a screen of 360 pixels, and which steps are out of sight there; looked for once."""
    if shelf.narrow is None:
        shelf.narrow = look_at_a_narrow_screen(shelf, picture)
    return shelf.narrow


def look_at_a_narrow_screen(shelf, picture):
    page, wrong, hidden = shelf.notebook.page, {}, {}
    wide = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 780})
    for name in SHOWN:
        player = shelf.player(name)
        problems = wrong.setdefault(name, [])
        for n in walk(player):
            problems += player.root.evaluate(TOO_WIDE_OR_SMALL)
            if marks := player.root.evaluate(OUT_OF_SIGHT):
                hidden[name, n] = marks
            if n == STEP_TO_LOOK_AT:
                picture(player.root, f"{shot(name)}-narrow-middle")
        problems += page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll('.jp-Notebook, .jp-WindowedPanel-outer')]
                 .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => `${e.className} scrolls sideways`)"""
        )
        problems += shelf.cell(name).evaluate(
            """cell => [...cell.querySelectorAll('.widget-inline-hbox')].map((e) => e.getBoundingClientRect())
                 .filter((box) => box.left < 0 || box.right > innerWidth).map((box) => `a control spans ${box.left} to ${box.right}`)"""
        )
        player.press("End")
        picture(shelf.output(name), f"{shot(name)}-narrow-end")
    page.set_viewport_size(wide)
    return wrong, hidden


def test_a_screen_of_360_pixels(narrow):
    wrong, _ = narrow
    assert not any(wrong.values()), pformat(wrong)


def test_the_step_in_question_is_in_sight_on_a_screen_of_360_pixels(narrow):
    _, hidden = narrow
    assert not hidden, pformat(hidden)


PLANTED = [
    (CROWDED, "root => root.querySelector('[data-mark=candidate-1-0] .slot').textContent = '0.123456789012345'"),
    (CROWDED, "root => root.querySelector('[data-mark=candidate-1-0] .name').setAttribute('x', 500)"),
    (
        CROSSED,
        """root => {
          const arrow = root.querySelector('.arrow');
          arrow.dataset.state = 'won';
          arrow.querySelector('.shaft').setAttribute('d', 'M0 190L900 190');
        }""",
    ),
    (OUT_OF_SIGHT, "root => root.querySelector('[data-state=now].cell').setAttribute('transform', 'translate(900)')"),
]


@pytest.mark.parametrize(("check", "plant"), PLANTED)
def test_texts_and_arrows_that_are_in_the_way_are_seen(shelf, check, plant):
    """Planted faults: the checks of this file can fail."""
    player = shelf.player("prefixes")
    player.press("End")
    before = player.find(".rc-stage").inner_html()
    assert not player.root.evaluate(check)
    player.root.evaluate(plant)
    assert player.root.evaluate(check)
    player.find(".rc-stage").evaluate("(stage, html) => { stage.innerHTML = html; }", before)
    shelf.again("prefixes")
