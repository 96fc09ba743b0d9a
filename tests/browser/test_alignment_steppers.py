"""The steppers and explorers of chapters 6 and 7 with real keys and a real mouse, and what they look like."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils.alignment import paths, rank_paths
from course_utils.automata import chain, unroll, with_blanks
from course_utils.collapsing import runs
from course_utils.examples import DRAWN_Y, PHONEMES, READINGS, STUCK_START, UTTERANCES
from course_utils.naive_decoding import decode
from course_utils.notebook import (
    alignments_stepper,
    compress_explorer,
    compress_stepper,
    count_explorer,
    expand_explorer,
    naive_explorer,
    path_explorer,
    strategies_stepper,
    with_probability,
)
from course_utils.scenes.alignments import alignments_scene
from course_utils.scenes.automaton import automaton_scene
from course_utils.scenes.compression import compress_scene
from course_utils.scenes.naive_decoding import naive_scene
from course_utils.scenes.paths import paths_scene
from tests.browser.looking import CLIPPED, CONTRASTS, LEAST_CONTRAST, OVERFULL, TOO_WIDE_OR_SMALL
from tests.browser.shelf import (
    CROSSED,
    CROWDED,
    OUT_OF_SIGHT,
    alert_of,
    check_clicks,
    check_every_step,
    choose,
    crowded_drawings,
    expect_scene,
    fill,
    look_at_a_narrow_screen,
    open_shelf,
    rest,
    weak_texts,
)

REALIGNED = """
import numpy as np
from course_utils.data import digit_strip
from course_utils.notebook import realignment_stepper
from course_utils.realignment import flat_start, realign
rng = np.random.default_rng(0)
strips = [digit_strip(digits, rng, "train") for digits in ("314", "15", "926", "53")]
realignment_stepper(realign(strips, strips, lambda s: flat_start(len(s.target), s.image.shape[1]), rounds=3))
"""


def realigned():
    names = {}
    exec(REALIGNED.replace("realignment_stepper(realign", "found = (realign").strip(), names)
    from course_utils.scenes.realignment import realignment_scene

    return realignment_scene(names["found"], 0)


STRATEGIES = "strategies_stepper([[0.0, 2.0], [1.5, 0.0]], [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3, iterations=12)"
SHOWN = {
    "naive explorer": ("naive_explorer()", lambda: naive_explorer().shown()),
    "alignments": ("alignments_stepper(['B', 'AH', 'T'], 6)", lambda: alignments_stepper(PHONEMES, 6).shown()),
    "realignment": (REALIGNED, realigned),
    "strategies": (STRATEGIES, lambda: strategies_stepper(STUCK_START, *UTTERANCES, iterations=12).shown()),
    "compression": ("compress_stepper('AABA')", lambda: compress_stepper("AABA").shown()),
    "compress explorer": ("compress_explorer()", lambda: compress_explorer().shown()),
    "expand explorer": ("expand_explorer()", lambda: expand_explorer().shown()),
    "count explorer": ("count_explorer()", lambda: count_explorer().shown()),
    "path explorer": ("path_explorer()", lambda: path_explorer().shown()),
}
STEPPED = [name for name in SHOWN if name != "path explorer"]


@pytest.fixture(scope="module")
def shelf(desk):
    with open_shelf(desk, "alignments", SHOWN) as shelf:
        yield shelf


# -- stepping


@pytest.mark.parametrize("name", STEPPED)
def test_every_step_says_and_shows_what_the_scene_does_and_the_way_back_leads_to_the_same_picture(shelf, name):
    check_every_step(shelf, name)


@pytest.mark.parametrize("name", STEPPED)
def test_a_click_on_a_cell_leads_to_the_step_that_computes_it(shelf, name):
    check_clicks(shelf, name)


# -- the controls


def test_the_naive_explorer_follows_its_menu_and_the_numbers_that_are_typed(shelf, changed):
    changed("naive explorer")
    player, cell = shelf.player("naive explorer"), shelf.cell("naive explorer")
    for name, case in READINGS.items():
        choose(cell, "Case", name)
        expect_scene(player, naive_scene(decode(case.y), case.symbols))
    choose(cell, "Case", "one unsure frame")
    rest(player.page)
    player.mark("y-2-1").click()
    player.page.keyboard.type("0.49")
    player.press("Enter")
    case = READINGS["one unsure frame"]
    expect_scene(player, naive_scene(decode(with_probability(case.y, 2, 1, 0.49)), case.symbols))
    assert "“ABA” has 0.5291, more than the 0.2644 of “A”" in player.says


def test_the_compress_explorer_follows_what_is_typed(shelf, changed):
    changed("compress explorer")
    player, cell = shelf.player("compress explorer"), shelf.cell("compress explorer")
    fill(cell, "Labels", "AABBA")
    expect_scene(player, compress_scene(runs("AABBA")))
    fill(cell, "Labels", "SH SH S")
    expect_scene(player, compress_scene(runs(["SH", "SH", "S"])))
    fill(cell, "Labels", "")
    expect(alert_of(cell)).to_contain_text("there are 0 labels")
    expect_scene(player, compress_scene(runs(["SH", "SH", "S"])))


def test_the_expand_explorer_follows_what_is_typed_and_says_what_has_none(shelf, changed):
    changed("expand explorer")
    player, cell = shelf.player("expand explorer"), shelf.cell("expand explorer")
    fill(cell, "Target", "AA")
    expect_scene(player, alignments_scene("AA", list(paths(2, 5))))
    expect(alert_of(cell)).to_contain_text("no label sequence compresses to the target")
    fill(cell, "Frames", "1")
    expect(alert_of(cell)).to_contain_text("2 symbols have no alignment to 1 frame. The picture stays as it was.")
    fill(cell, "Target", "B AH T")
    fill(cell, "Frames", "5")
    expect_scene(player, alignments_scene(PHONEMES, list(paths(3, 5))))
    expect(alert_of(cell)).to_have_count(0)


def test_the_count_explorer_counts_exactly_also_what_it_does_not_draw(shelf, changed):
    changed("count explorer")
    player, cell = shelf.player("count explorer"), shelf.cell("count explorer")
    fill(cell, "Target", "AA")
    expect_scene(player, automaton_scene(unroll(chain("AA"), 6), "A A in 6 frames"))
    expect(alert_of(cell)).to_contain_text("Paths: C(5, 1) = 5. Label sequences that compress to it: none")
    choose(cell, "Blanks", "optional")
    expect_scene(player, automaton_scene(unroll(with_blanks("AA", "-"), 6), "A A in 6 frames, with optional blanks"))
    choose(cell, "Blanks", "none")
    fill(cell, "Target", "ABCDEFGHIJ")
    fill(cell, "Frames", "100")
    expect(alert_of(cell)).to_contain_text("Paths: C(99, 9) = 1731030945644. Label sequences: 1731030945644.")
    expect(alert_of(cell)).to_contain_text("The picture stays as it was.")


def test_the_path_explorer_keeps_what_was_drawn_as_far_as_another_target_allows(shelf, changed):
    changed("path explorer")
    player, cell = shelf.player("path explorer"), shelf.cell("path explorer")
    player.press("ArrowRight", "ArrowDown", "ArrowRight").expect_step(3)
    fill(cell, "Target", "AB")
    expect(player.root).to_have_attribute("aria-label", "A path of your own: A B in 5 frames. Left and right arrow keys step, Shift with an arrow key moves between cells.")  # fmt: skip
    player.focus().press("End").expect_step(3)
    player.press("ArrowRight", "ArrowRight").expect_step(5)
    scene = paths_scene(rank_paths(np.log(DRAWN_Y), [0, 1]), "ABC")
    drawn = scene.walked("cell-0-0", "cell-1-1", "cell-2-1", "cell-3-1", "cell-4-1")
    expect(player.find(".rc-says")).to_have_text(drawn.steps[-1].says)
    choose(cell, "Case", "equal neighbours")
    expect(player.root).to_have_attribute("aria-label", re.compile("^A path of your own: A A in 4 frames"))
    player.focus().press("Home", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowRight").expect_step(4)
    expect(player.find(".rc-says")).to_contain_text("compresses to A and not to the target")


# -- looks


def test_every_text_can_be_read(shelf, shelf_theme, picture):
    assert not weak_texts(shelf, shelf_theme, picture)


def test_every_text_has_room(shelf):
    assert not crowded_drawings(shelf, STEPPED)


@pytest.mark.parametrize("width", [1280, 360])
def test_every_text_of_a_path_that_is_drawn_has_room_and_can_be_read(shelf, picture, width):
    page = shelf.notebook.page
    wide = page.viewport_size
    page.set_viewport_size({"width": width, "height": 780})
    player = shelf.player("path explorer")
    for n, key in enumerate(("ArrowRight", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowRight"), 1):
        player.press(key).expect_step(n)
        assert [found for check in (CLIPPED, OVERFULL, CROSSED) for found in player.root.evaluate(check)] == []
        assert player.root.evaluate(TOO_WIDE_OR_SMALL) == []
        assert player.root.evaluate(OUT_OF_SIGHT if width < 400 else CROWDED) == []
        assert [c for *_, c in player.root.evaluate(CONTRASTS) if c < LEAST_CONTRAST] == []
    picture(player.root, f"path-drawn-{width}")
    page.set_viewport_size(wide)


@pytest.fixture
def narrow(shelf, picture):
    """Look for what is wrong on a screen of 360 pixels, once."""
    if shelf.narrow is None:
        shelf.narrow = look_at_a_narrow_screen(shelf, picture, STEPPED)
    return shelf.narrow


def test_a_screen_of_360_pixels(narrow):
    wrong, _ = narrow
    assert not any(wrong.values()), wrong


def test_the_step_in_question_is_in_sight_on_a_screen_of_360_pixels(narrow):
    _, hidden = narrow
    assert not hidden
