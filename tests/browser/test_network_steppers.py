"""The steppers and explorers of chapters 1 to 5 with real keys and a real mouse, and what they look like."""

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils.examples import CONDITIONS, WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.machines import add_binary
from course_utils.notebook import (
    adder_explorer,
    adder_stepper,
    bptt_stepper,
    dependency_explorer,
    dependency_stepper,
    gradient_explorer,
    permutation_stepper,
    product_stepper,
    rnn_stepper,
)
from course_utils.scenes.unrolled_forward import adder_scene
from tests.browser.shelf import (
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

EXAMPLES = "from course_utils.examples import WORKED_NET, WORKED_TARGET, WORKED_X\n"
RNN_CELL = f"{EXAMPLES}rnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)"
BPTT_CELL = f"{EXAMPLES}bptt_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)"
PRODUCT_CELL = f"{EXAMPLES}product_stepper(WORKED_NET, WORKED_X)"
STRUCTURES = {
    "dependency one to one": ("dependency_stepper('one to one')", lambda: dependency_stepper("one to one").shown()),
    "dependency encoder-decoder": (
        "dependency_stepper('encoder-decoder', 4, S=8, width=2)",
        lambda: dependency_stepper("encoder-decoder", 4, S=8, width=2).shown(),
    ),
    "dependency full": (
        "dependency_stepper('time-synchronous, both directions', 8)",
        lambda: dependency_stepper("time-synchronous, both directions", 8).shown(),
    ),
}
SHOWN = {
    **STRUCTURES,
    "dependency explorer": ("dependency_explorer()", lambda: dependency_explorer().shown()),
    "permutation": ("permutation_stepper()", lambda: permutation_stepper().shown()),
    "rnn": (RNN_CELL, lambda net=WORKED_NET, x=WORKED_X: rnn_stepper(net, x, WORKED_TARGET).shown()),
    "adder": ("adder_stepper('1011', '110')", lambda: adder_stepper("1011", "110").shown()),
    "adder explorer": ("adder_explorer()", lambda: adder_explorer().shown()),
    "bptt": (BPTT_CELL, lambda net=WORKED_NET, x=WORKED_X: bptt_stepper(net, x, WORKED_TARGET).shown()),
    "product": (PRODUCT_CELL, lambda net=WORKED_NET: product_stepper(net, WORKED_X).shown()),
    "gradient explorer": ("gradient_explorer()", lambda: gradient_explorer().shown()),
}
OF_A_NETWORK = ["rnn", "bptt"]


@pytest.fixture(scope="module")
def shelf(desk):
    with open_shelf(desk, "networks", SHOWN) as shelf:
        yield shelf


def with_W_hh(r, c, value):
    W_hh = WORKED_NET.W_hh.copy()
    W_hh[r, c] = value
    return WORKED_NET.with_parameters(W_hh=W_hh)


# -- stepping


@pytest.mark.parametrize("name", SHOWN)
def test_every_step_says_and_shows_what_the_scene_does_and_the_way_back_leads_to_the_same_picture(shelf, name):
    check_every_step(shelf, name)


@pytest.mark.parametrize("name", SHOWN)
def test_a_click_on_a_cell_leads_to_the_step_that_computes_it(shelf, name):
    check_clicks(shelf, name)


def test_a_click_on_an_output_leads_to_its_step(shelf):
    player = shelf.player("dependency full")
    steps = {mark: n for n, step in enumerate(SHOWN["dependency full"][1]().steps) for mark in step.computes}
    for t in (6, 2):
        player.mark(f"out-{t}").click()
        player.expect_step(steps[f"out-{t}"])
        assert f"y{'₀₁₂₃₄₅₆₇'[t]}" in player.says


# -- changing a number


@pytest.mark.parametrize("name", OF_A_NETWORK)
def test_a_typed_weight_and_a_dragged_input_are_drawn_at_once(shelf, changed, name):
    changed(name)
    player, make = shelf.player(name), SHOWN[name][1]
    player.press("PageDown").expect_step(5)
    rest(player.page)
    player.mark("W_hh-0-1").click()
    player.page.keyboard.type("1.5")
    player.press("Enter")
    net = with_W_hh(0, 1, 1.5)
    expect(player.mark("W_hh-0-1").locator(".slot")).to_have_text("1.5")
    expect_picture(player, make(net), 5)
    player.mark("x-1-0").scroll_into_view_if_needed()
    box = player.mark("x-1-0").bounding_box()
    x, middle, mouse = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, player.page.mouse
    mouse.move(x, middle)
    mouse.down()
    mouse.move(x, middle - 20, steps=6)
    mouse.up()
    inputs = np.array(WORKED_X)
    inputs[1, 0] = 1.5
    expect(player.mark("x-1-0").locator(".slot")).to_have_text("1.5")
    expect_picture(player, make(net, inputs), 5)
    mouse.move(2, 2)
    expect_scene(player, make(net, inputs))


def test_a_weight_of_a_product_can_be_changed(shelf, changed):
    changed("product")
    player = shelf.player("product")
    player.mark("W_hh-0-0").click()
    player.page.keyboard.type("2")
    player.press("Enter")
    expect(player.mark("W_hh-0-0").locator(".slot")).to_have_text("2")
    expect_scene(player, SHOWN["product"][1](with_W_hh(0, 0, 2.0)))


@pytest.mark.parametrize("name", OF_A_NETWORK)
def test_a_number_that_is_too_large_gets_a_message_and_changes_nothing(shelf, changed, name):
    changed(name)
    player = shelf.player(name)
    player.mark("b_h-0-0").click()
    player.page.keyboard.type("99")
    player.press("Enter")
    expect(player.find(".rc-note[role=alert]")).to_contain_text("type a number from -5 to 5")
    expect_scene(player, SHOWN[name][1]())


# -- the controls of the explorers


def test_the_dependency_explorer_follows_its_controls(shelf, changed):
    changed("dependency explorer")
    player, cell = shelf.player("dependency explorer"), shelf.cell("dependency explorer")
    choose(cell, "Structure", "one to one")
    expect_scene(player, dependency_stepper("one to one", 5, S=5).shown())
    choose(cell, "Outputs T", "3")
    expect_scene(player, dependency_stepper("one to one", 3, S=5).shown())
    choose(cell, "Structure", "encoder-decoder")
    choose(cell, "Inputs S", "2")
    expect_scene(player, dependency_stepper("encoder-decoder", 3, S=2).shown())
    choose(cell, "Structure", "one to many")
    choose(cell, "Feed", "at the start")
    expect_scene(player, dependency_stepper("one to many", 3, S=2, feed="at the start").shown())


def test_the_adder_explorer_follows_its_controls(shelf, changed):
    changed("adder explorer")
    player, cell = shelf.player("adder explorer"), shelf.cell("adder explorer")
    fill(cell, "a", "111")
    expect_scene(player, adder_scene("111", "110", *add_binary("111", "110")))
    fill(cell, "b", "12")
    expect(alert_of(cell)).to_contain_text("write a binary number")
    expect_scene(player, adder_scene("111", "110", *add_binary("111", "110")))
    fill(cell, "b", "1")
    expect(alert_of(cell)).to_have_count(0)
    expect_scene(player, adder_scene("111", "1", *add_binary("111", "1")))


def test_the_gradient_explorer_follows_its_controls(shelf, changed):
    changed("gradient explorer")
    player, cell = shelf.player("gradient explorer"), shelf.cell("gradient explorer")
    ours = gradient_explorer()
    for condition in CONDITIONS:
        choose(cell, "Case", condition.asks)
        ours.case.value = condition.name
        expect_scene(player, ours.shown())
    choose(cell, "Units", "32")
    ours.units.value = 32
    expect(cell.get_by_label("Case", exact=True)).to_have_value("your own")
    expect_scene(player, ours.shown())
    choose(cell, "Activation", "relu")
    ours.activation.value = "relu"
    expect_scene(player, ours.shown())


# -- looks


def test_every_text_can_be_read(shelf, shelf_theme, picture):
    assert not weak_texts(shelf, shelf_theme, picture)


def test_every_text_has_room(shelf):
    assert not crowded_drawings(
        shelf, [name for name in SHOWN if "explorer" not in name or name == "gradient explorer"]
    )


@pytest.fixture
def narrow(shelf, picture):
    """Look for what is wrong on a screen of 360 pixels, once."""
    if shelf.narrow is None:
        shelf.narrow = look_at_a_narrow_screen(shelf, picture)
    return shelf.narrow


def test_a_screen_of_360_pixels(narrow):
    wrong, _ = narrow
    assert not any(wrong.values()), wrong


def test_the_step_in_question_is_in_sight_on_a_screen_of_360_pixels(narrow):
    _, hidden = narrow
    assert not hidden
