"""The explorers of chapter 10 with real keys and a real mouse, and what they look like."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils.cliff import descend
from course_utils.linear_recurrence import pair, pulse_response
from course_utils.lyapunov import scan_gains
from course_utils.notebook import cliff_explorer, cobweb_explorer, eigenvalue_explorer, gain_explorer
from course_utils.notebook.ch10 import DESCENT_STEPS, GAINS, LEARNING_RATE, PAIRS, START, STEPS, UNITS
from course_utils.scalar_unit import orbit_of
from course_utils.scenes.cobweb import cobweb_scene
from course_utils.scenes.eigenvalues import eigenvalues_scene
from course_utils.scenes.gains import gains_scene
from tests.browser.shelf import (
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

SHOWN = {
    f"{make.__name__.replace('_', ' ')}": (f"{make.__name__}()", lambda make=make: make().shown())
    for make in (eigenvalue_explorer, cobweb_explorer, gain_explorer, cliff_explorer)
}


@pytest.fixture(scope="module")
def shelf(desk):
    with open_shelf(desk, "stability", SHOWN) as shelf:
        yield shelf


DRAGGED = """
(root) => {
  const found = /eigenvalues of W are (\\S+) ± (\\S+)i/.exec(root.querySelector('.rc-says').textContent);
  return found && found.slice(1).every((text) => Number(text.replace('−', '-')) < 0.5);
}
"""


# -- stepping


@pytest.mark.parametrize("name", SHOWN)
def test_every_step_says_and_shows_what_the_scene_does_and_the_way_back_leads_to_the_same_picture(shelf, name):
    check_every_step(shelf, name)


@pytest.mark.parametrize("name", SHOWN)
def test_a_click_on_a_dot_leads_to_the_step_that_computes_it(shelf, name):
    check_clicks(shelf, name)


# -- the controls


def eigenvalues_of(radius, degrees, shear, activation):
    return eigenvalues_scene(pulse_response(pair(radius, np.deg2rad(degrees), shear), STEPS, activation))


def test_the_eigenvalue_explorer_follows_its_menus_its_slider_and_the_keys(shelf, changed):
    changed("eigenvalue explorer")
    player, cell = shelf.player("eigenvalue explorer"), shelf.cell("eigenvalue explorer")
    for name, case in PAIRS.items():
        choose(cell, "Case", name)
        expect_scene(player, eigenvalues_of(*case))
    choose(cell, "Case", "outside")
    choose(cell, "Units", "tanh")
    expect_scene(player, eigenvalues_of(1.08, 35, 1.0, "tanh"))
    expect(cell.locator("select").first).to_have_value("your own")
    choose(cell, "Case", "inside of the circle")
    expect_scene(player, eigenvalues_of(0.9, 35, 1.0, "identity"))
    player.focus().press("Home").expect_step(0)
    player.mark("eigenvalue").focus()
    for _ in range(3):
        before = player.says
        player.page.keyboard.press("ArrowRight")
        expect(player.find(".rc-says")).not_to_have_text(before)
    x, y = 0.9 * np.cos(np.deg2rad(35)), 0.9 * np.sin(np.deg2rad(35))
    said = re.search(r"eigenvalues of W are (\S+) ± (\S+)i", player.says)
    assert float(said[1]) == pytest.approx(x + 3 * 0.06, abs=0.02)
    assert float(said[2]) == pytest.approx(y, abs=0.01)


def test_the_eigenvalue_is_dragged(shelf, changed):
    changed("eigenvalue explorer")
    player, cell = shelf.player("eigenvalue explorer"), shelf.cell("eigenvalue explorer")
    choose(cell, "Case", "on the circle")
    expect_scene(player, eigenvalues_of(1.0, 35, 1.0, "identity"))
    player.focus().press("Home").expect_step(0)
    rest(player.page)
    mark = player.mark("eigenvalue")
    mark.scroll_into_view_if_needed()
    box, mouse = mark.bounding_box(), player.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2 - 60, box["y"] + box["height"] / 2 + 20, steps=6)
    mouse.up()
    player.page.wait_for_function(
        DRAGGED, arg=player.root.element_handle(), timeout=60_000
    )  # the last of several edits
    said = re.search(r"eigenvalues of W are (\S+) ± (\S+)i", player.says)
    assert float(said[1].replace("−", "-")) < 0.5
    assert float(said[2]) < 0.5


def test_the_cobweb_explorer_follows_its_menu_and_what_is_typed(shelf, changed):
    changed("cobweb explorer")
    player, cell = shelf.player("cobweb explorer"), shelf.cell("cobweb explorer")
    for name, unit in UNITS.items():
        choose(cell, "Case", name)
        expect_scene(player, cobweb_scene(orbit_of(*unit, STEPS)))
    choose(cell, "Case", "w = 2")
    rest(player.page)
    player.mark("b").click()
    player.page.keyboard.type("-0.6")
    player.press("Enter")
    expect_scene(player, cobweb_scene(orbit_of(2.0, -0.6, 0.1, STEPS)))


def test_the_gain_explorer_follows_its_controls(shelf, changed):
    changed("gain explorer")
    player, cell = shelf.player("gain explorer"), shelf.cell("gain explorer")
    fill(cell, "Seed", "3")
    expect_scene(player, gains_scene(scan_gains(GAINS, 100, np.random.default_rng(3))))


def test_the_cliff_explorer_follows_its_menus_and_its_start(shelf, changed):
    changed("cliff explorer")
    player, cell = shelf.player("cliff explorer"), shelf.cell("cliff explorer")
    choose(cell, "Limit", "5")
    player.focus().press("End").expect_step(DESCENT_STEPS)
    clipped = int(descend(*START, DESCENT_STEPS, LEARNING_RATE, 5.0).clipped.sum())
    expect(player.find(".rc-says")).to_contain_text(f"{clipped} of {DESCENT_STEPS} steps were clipped.")
    choose(cell, "Clip", "each number")
    clipped = int(descend(*START, DESCENT_STEPS, LEARNING_RATE, 5.0, "value").clipped.sum())
    expect(player.find(".rc-says")).to_contain_text(f"{clipped} of {DESCENT_STEPS} steps were clipped.")
    player.focus().press("Home").expect_step(0)
    rest(player.page)
    player.mark("start").click()
    player.page.keyboard.type("4; -2.5")
    player.press("Enter")
    expect(player.find(".rc-says")).to_contain_text("Both begin at w = 4, b = −2.5")


# -- looks


def test_every_text_can_be_read(shelf, shelf_theme, picture):
    assert not weak_texts(shelf, shelf_theme, picture)


def test_every_text_has_room(shelf):
    assert not crowded_drawings(shelf, SHOWN)


@pytest.fixture
def narrow(shelf, picture):
    """Look for what is wrong on a screen of 360 pixels, once."""
    if shelf.narrow is None:
        shelf.narrow = look_at_a_narrow_screen(shelf, picture, SHOWN)
    return shelf.narrow


def test_a_screen_of_360_pixels(narrow):
    wrong, _ = narrow
    assert not any(wrong.values()), wrong


def test_the_step_in_question_is_in_sight_on_a_screen_of_360_pixels(narrow):
    _, hidden = narrow
    assert not hidden
