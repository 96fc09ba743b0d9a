"""The stepper asks what comes before it shows it, and keeps what is to come a secret."""

import pytest
from playwright.sync_api import expect

from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis

SCENE = trellis_scene(fill_trellis(FORCED_ALIGNMENTS["worked example"].y, "AB"))
LAST = len(SCENE.steps) - 1
STEP_OF = {mark: n for n, step in enumerate(SCENE.steps) for mark in step.computes}
ASK = "button[aria-label='Ask me before each step']"


@pytest.fixture
def asked(player):
    """The example at its first step, told to ask."""
    if player.find(ASK).get_attribute("aria-pressed") == "true":
        player.find(ASK).click()
    player.find(ASK).click()
    expect(player.find(ASK)).to_have_attribute("aria-pressed", "true")
    expect(player.root).to_be_focused()
    yield player
    if player.find(ASK).get_attribute("aria-pressed") == "true":
        player.find(ASK).click()


def at_question(player, mark):
    """Step on to just before a mark is computed, without answering, and ask for it."""
    while player.step < STEP_OF[mark] - 1:
        player.press("ArrowRight")
        if player.find(".rc-guess").count():
            player.press("ArrowRight")
    player.press("ArrowRight")
    expect(player.find(".rc-guess")).to_be_focused()
    player.expect_step(STEP_OF[mark] - 1)


def test_nothing_is_asked_unless_the_reader_wants_it(player):
    player.press("ArrowRight").expect_step(1)
    assert player.find(".rc-guess").count() == 0
    expect(player.find(".rc-asked")).to_be_hidden()


def test_a_prediction_is_taken_before_the_step_and_compared(asked):
    at_question(asked, "V-1-1")
    expect(asked.find(".rc-asked")).to_contain_text("Predict: ")
    asked.page.keyboard.type("0.4")
    asked.press("Enter").expect_step(STEP_OF["V-1-1"])
    expect(asked.find(".rc-asked")).to_have_text("You said 0.4; it is 0.36, 0.04 less.")
    expect(asked.root).to_be_focused()
    at_question(asked, "V-2-0")
    asked.page.keyboard.type("0.162")
    asked.press("Enter").expect_step(STEP_OF["V-2-0"])
    expect(asked.find(".rc-asked")).to_have_text("Right: 0.162.")
    asked.press("ArrowLeft").expect_step(STEP_OF["V-2-0"] - 1)
    expect(asked.find(".rc-asked")).to_have_text("")


def test_a_reader_without_an_idea_goes_on_and_one_who_turns_back_stays(asked):
    at_question(asked, "V-1-1")
    asked.press("Escape").expect_step(STEP_OF["V-1-1"] - 1)
    expect(asked.root).to_be_focused()
    assert asked.find(".rc-guess").count() == 0
    asked.press("ArrowRight")
    asked.page.keyboard.type("what")
    asked.press("Enter").expect_step(STEP_OF["V-1-1"] - 1)
    expect(asked.find(".rc-asked")).to_contain_text("Type a number, or nothing.")
    asked.find(".rc-guess").fill("")
    asked.press("ArrowRight").expect_step(STEP_OF["V-1-1"])
    expect(asked.find(".rc-asked")).to_have_text("")


def test_what_has_been_seen_is_not_asked_again(asked):
    asked.press("End").expect_step(LAST)
    asked.press("Home").expect_step(0)
    asked.press("ArrowRight").expect_step(1)
    assert asked.find(".rc-guess").count() == 0


def test_the_keys_of_the_notebook_do_nothing_while_a_number_is_typed(asked, trellis_notebook):
    cells = trellis_notebook.page.locator(".jp-Cell").count()
    at_question(asked, "V-1-1")
    asked.page.keyboard.type("abxdd")
    expect(asked.find(".rc-guess")).to_have_value("abxdd")
    assert trellis_notebook.page.locator(".jp-Cell").count() == cells
    asked.press("Escape")


def test_a_click_on_a_cell_of_the_future_does_not_reveal_it(asked):
    """A fresh reader has seen the first step alone, and so has one who has just asked to be asked."""
    asked.mark("V-3-1").click()
    asked.expect_step(0)
    expect(asked.find("[role=alert]")).to_have_text("That is computed later: step on to it. End shows everything.")
    asked.focus().press("End").expect_step(LAST)
    expect(asked.find("[role=alert]")).to_be_hidden()
    asked.mark("V-1-1").click()
    asked.expect_step(STEP_OF["V-1-1"])
    asked.mark("V-3-1").click()
    asked.expect_step(STEP_OF["V-3-1"])
