"""The steppers and explorers of chapter 9 with real keys and a real mouse, and what they look like.

One notebook and one page serve all tests. COURSE_SCREENSHOTS=folder keeps the pictures.
"""

from pprint import pformat

import pytest
from playwright.sync_api import expect

from course_utils.beam_trace import trace_beam, trace_greedy
from course_utils.collapsing import collapse_in_stages
from course_utils.examples import CTC_Y
from course_utils.notebook import ctc_stepper, with_probability
from course_utils.notebook.ch09 import SEARCHES
from course_utils.scenes.collapse import collapse_scene
from course_utils.scenes.decoding import beam_scene, greedy_scene
from tests.browser.looking import CLIPPED, CONTRASTS, LEAST_CONTRAST, OVERFULL
from tests.browser.shelf import (
    CROSSED,
    CROWDED,
    OUT_OF_SIGHT,
    alert_of,
    check_clicks,
    check_every_step,
    choose,
    crowded_drawings,
    expect_picture,
    expect_scene,
    fill,
    look_at_a_narrow_screen,
    open_shelf,
    rest,
    weak_texts,
)

Y = CTC_Y.tolist()
TABLES = ["alpha", "beta", "gamma"]
KEEPS = ["prefixes", "one score", "alignments"]
# For each the cell of the notebook, and what makes its scene; one of probabilities where these can be edited.
SHOWN = {
    "collapse": ("collapse_stepper('hh-ell-lo')", lambda: collapse_scene(collapse_in_stages("hh-ell-lo", "-"))),
    "blanks first": (
        "collapse_stepper('hh-ell-lo', order='blanks first')",
        lambda: collapse_scene(collapse_in_stages("hh-ell-lo", "-", order="blanks first")),
    ),
    **{
        table: (f"ctc_stepper({Y}, 'aa', table={table!r})", lambda y=Y, table=table: ctc_stepper(y, "aa", "-ab", table=table).shown())
        for table in TABLES
    },
    "any skip": (
        f"ctc_stepper({Y}, 'aa', skip_always=True)",
        lambda y=Y: ctc_stepper(y, "aa", "-ab", skip_always=True).shown(),
    ),
    "greedy": (f"greedy_stepper({Y})", lambda y=Y: greedy_scene(trace_greedy(y), "-ab")),
    **{
        keeps: (f"beam_stepper({Y}, keeps={keeps!r})", lambda y=Y, keeps=keeps: beam_scene(trace_beam(y, keeps=keeps), "-ab"))
        for keeps in KEEPS
    },
    "collapse explorer": ("collapse_explorer()", lambda: collapse_scene(collapse_in_stages("hh-ell-lo", "-"))),
    "ctc explorer": ("ctc_explorer()", lambda y=Y: ctc_stepper(y, "aa", "-ab").shown()),
    "decoder explorer": ("decoder_explorer()", lambda y=Y: beam_scene(trace_beam(y), "-ab")),
}  # fmt: skip
EDITABLE = [name for name in SHOWN if "collapse" not in name and name != "blanks first"]


@pytest.fixture(scope="module")
def shelf(desk):
    with open_shelf(desk, "ch9", SHOWN) as shelf:
        yield shelf


# -- stepping


@pytest.mark.parametrize("name", SHOWN)
def test_every_step_says_and_shows_what_the_scene_does_and_the_way_back_leads_to_the_same_picture(shelf, name):
    check_every_step(shelf, name)


@pytest.mark.parametrize("name", SHOWN)
def test_a_click_on_a_cell_leads_to_the_step_that_computes_it(shelf, name):
    check_clicks(shelf, name)


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


def test_the_collapse_explorer_follows_its_controls(shelf, changed):
    changed("collapse explorer")
    player, cell = shelf.player("collapse explorer"), shelf.cell("collapse explorer")
    choose(cell, "Order", "blanks first")
    expect_scene(player, collapse_scene(collapse_in_stages("hh-ell-lo", "-", order="blanks first")))
    fill(cell, "Alignment", "aab-ba")
    expect_scene(player, collapse_scene(collapse_in_stages("aab-ba", "-", order="blanks first")))
    fill(cell, "Alignment", "a" * 41)
    expect(alert_of(cell)).to_have_text(
        "path has 41 frames; the picture takes from 1 to 40. The picture stays as it was."
    )
    expect_scene(player, collapse_scene(collapse_in_stages("aab-ba", "-", order="blanks first")))
    fill(cell, "Alignment", "")
    expect(alert_of(cell)).to_have_text(
        "path has 0 frames; the picture takes from 1 to 40. The picture stays as it was."
    )
    fill(cell, "Alignment", "a" * 40)
    expect(alert_of(cell)).to_have_count(0)
    expect_scene(player, collapse_scene(collapse_in_stages("a" * 40, "-", order="blanks first")))


def test_the_ctc_explorer_follows_its_controls(shelf, changed):
    changed("ctc explorer")
    player, cell = shelf.player("ctc explorer"), shelf.cell("ctc explorer")
    choose(cell, "Skips", "also between equal letters")
    expect_scene(player, ctc_stepper(Y, "aa", "-ab", skip_always=True).shown())
    fill(cell, "Target", "ab")
    expect_scene(player, ctc_stepper(Y, "ab", "-ab", skip_always=True).shown())
    choose(cell, "Skips", "between different letters")
    choose(cell, "Table", "gamma")
    expect_scene(player, ctc_stepper(Y, "ab", "-ab", table="gamma").shown())
    for typed, says in (("a-", "is the blank"), ("<b>", "'<', which is not one of the symbols"), ("x", "'x', which")):
        fill(cell, "Target", typed)
        expect(alert_of(cell)).to_contain_text(says)
    expect_scene(player, ctc_stepper(Y, "ab", "-ab", table="gamma").shown())
    fill(cell, "Target", "")
    expect(alert_of(cell)).to_have_count(0)
    expect_scene(player, ctc_stepper(Y, "", "-ab", table="gamma").shown())


def test_the_decoder_explorer_follows_its_controls(shelf, changed):
    changed("decoder explorer")
    player, cell = shelf.player("decoder explorer"), shelf.cell("decoder explorer")
    for name, keeps in [("prefix beam, one score", "one score"), ("beam over alignments", "alignments")]:
        choose(cell, "Decoder", name)
        expect_scene(player, beam_scene(trace_beam(Y, keeps=keeps), "-ab"))
    choose(cell, "Width", "3")
    expect_scene(player, beam_scene(trace_beam(Y, width=3, keeps="alignments"), "-ab"))
    choose(cell, "Decoder", "greedy")
    expect_scene(player, greedy_scene(trace_greedy(Y), "-ab"))
    choose(cell, "Decoder", "prefix beam, two scores")
    choose(cell, "Width", "5")
    expect_scene(player, beam_scene(trace_beam(Y, width=5), "-ab"))


# -- looks


def test_every_text_can_be_read(shelf, shelf_theme, picture):
    assert not weak_texts(shelf, shelf_theme, picture)


def test_every_text_has_room(shelf):
    assert not crowded_drawings(shelf, [name for name in SHOWN if "explorer" not in name])


def test_a_wide_beam_has_room_for_its_texts(shelf, changed, picture):
    changed("decoder explorer")
    player, cell = shelf.player("decoder explorer"), shelf.cell("decoder explorer")
    choose(cell, "Width", "5")
    for name in ("beam over alignments", "prefix beam, one score", "prefix beam, two scores"):
        choose(cell, "Decoder", name)
        keeps = SEARCHES[name]
        expect_scene(player, beam_scene(trace_beam(Y, width=5, keeps=keeps), "-ab"))
        player.press("End")
        for check in (CLIPPED, OVERFULL, CROWDED, CROSSED):
            assert not player.root.evaluate(check), name
        player.press("PageUp")
        picture(player.root, f"ch9-{keeps.replace(' ', '-')}-width-5")


def test_a_derivation_and_a_message_of_the_controls_can_be_read(shelf, shelf_theme, changed, picture):
    changed("ctc explorer")
    player, cell = shelf.player("ctc explorer"), shelf.cell("ctc explorer")
    player.press("End")
    player.mark("alpha-2-3").hover()
    expect(player.find(".rc-tip")).to_contain_text("the two would merge")
    picture(player.root, f"ch9-derivation-{shelf_theme}")
    assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST
    fill(cell, "Target", "ax")
    expect(alert_of(cell)).to_be_visible()
    picture(shelf.output("ctc explorer"), f"ch9-alert-{shelf_theme}")


@pytest.fixture
def narrow(shelf, picture):
    """What is wrong on a screen of 360 pixels, and which steps are out of sight there; looked for once."""
    if shelf.narrow is None:
        shelf.narrow = look_at_a_narrow_screen(shelf, picture)
    return shelf.narrow


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
