"""The steppers and explorers of chapter 11 with real keys and a real mouse, and what they look like."""

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils import gru, lstm
from course_utils.examples import GATED_X
from course_utils.gated_machines import read
from course_utils.notebook import cell_explorer, cell_stepper, counter_explorer, forget_bias_explorer
from course_utils.notebook.ch11 import BACKWARD, CELLS
from course_utils.scenes.counter import counter_scene
from course_utils.scenes.gru import gru_backward_scene, gru_scene
from course_utils.scenes.lstm import lstm_scene
from tests.browser.shelf import (
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

TWO_UNITS = (
    "import numpy as np\nfrom course_utils.lstm import random_lstm\nfrom course_utils.notebook import cell_stepper\n"
    "rng = np.random.default_rng(4)\ncell_stepper(random_lstm(rng, 2, 2), rng.normal(size=(3, 2)).round(1), back=True)"
)


def two_units():
    rng = np.random.default_rng(4)
    return cell_stepper(lstm.random_lstm(rng, 2, 2), rng.normal(size=(3, 2)).round(1), back=True).shown()


SHOWN = {
    "LSTM": ("cell_explorer()", lambda: cell_explorer().shown()),
    "LSTM backward": ("cell_explorer('LSTM', 'backward')", lambda: cell_explorer("LSTM", BACKWARD).shown()),
    "GRU": ("cell_explorer('GRU, reset after the product')", lambda: cell_explorer("GRU, reset after the product").shown()),
    "GRU backward": ("cell_explorer('GRU, reset before the product', 'backward')", lambda: cell_explorer("GRU, reset before the product", BACKWARD).shown()),
    "two units": (TWO_UNITS, two_units),
    "forget bias explorer": ("forget_bias_explorer()", lambda: forget_bias_explorer().shown()),
    "counter explorer": ("counter_explorer()", lambda: counter_explorer().shown()),
}  # fmt: skip


@pytest.fixture(scope="module")
def shelf(desk):
    with open_shelf(desk, "gates", SHOWN) as shelf:
        yield shelf


# -- stepping


@pytest.mark.parametrize("name", SHOWN)
def test_every_step_says_and_shows_what_the_scene_does_and_the_way_back_leads_to_the_same_picture(shelf, name):
    check_every_step(shelf, name)


@pytest.mark.parametrize("name", SHOWN)
def test_a_click_on_a_cell_leads_to_the_step_that_computes_it(shelf, name):
    check_clicks(shelf, name)


# -- the controls


def test_the_cell_explorer_follows_its_menus_and_the_numbers_that_are_typed(shelf, changed):
    changed("LSTM")
    player, cell = shelf.player("LSTM"), shelf.cell("LSTM")
    rest(player.page)
    player.mark("b-1-0").click()
    player.page.keyboard.type("20")
    player.press("Enter")
    net = CELLS["LSTM"].with_parameters(b=[-0.5, 20, 0, 0.2])
    expect_scene(player, lstm_scene(net, lstm.forward(net, GATED_X)))
    before = CELLS["GRU, reset before the product"]
    choose(cell, "Cell", "GRU, reset before the product")
    run = gru.forward(before, GATED_X)
    expect_scene(player, gru_scene(before, run))
    choose(cell, "Way", "backward")
    pull = np.zeros_like(run.h)
    pull[-1] = 1
    expect_scene(player, gru_backward_scene(before, run, gru.backward(before, run, pull)))
    choose(cell, "Way", "forward")
    rest(player.page)
    player.mark("h--1-0").click()
    player.page.keyboard.type("0.5")
    player.press("Enter")
    expect_scene(player, gru_scene(before, gru.forward(before, GATED_X, [0.5])))


def test_the_counter_explorer_follows_what_is_typed(shelf, changed):
    changed("counter explorer")
    player, cell = shelf.player("counter explorer"), shelf.cell("counter explorer")
    fill(cell, "Word", "ABAB")
    expect_scene(player, counter_scene("abab", read("abab", 10), False))
    expect(alert_of(cell)).to_contain_text("“ABAB” is taken as “abab”.")
    fill(cell, "Word", "abc")
    expect(alert_of(cell)).to_contain_text("has other letters than a and b. The picture stays as it was.")
    fill(cell, "Word", "a" * 15)
    expect(alert_of(cell)).to_contain_text("the picture takes from 1 to 14")


def test_the_forget_bias_explorer_follows_its_menu(shelf, changed):
    changed("forget bias explorer")
    player, cell = shelf.player("forget bias explorer"), shelf.cell("forget bias explorer")
    player.press("End")
    before = player.says
    choose(cell, "Weights", "none")
    expect(player.find(".rc-says")).not_to_have_text(before)
    told = player.says
    kept, whole = told.split("leave ")[1].split(" of a change")[0], told.split("all ways it is ")[1].split(",")[0]
    assert kept == whole


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
