"""Changing a probability: by typing, by dragging, by keys."""

import pytest
from playwright.sync_api import expect

from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.notebook import with_probability
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis
from tests.browser.conftest import EXAMPLE, IMPORTS

Y = FORCED_ALIGNMENTS["worked example"].y.tolist()


@pytest.fixture(scope="module")
def edited_notebook(lab, desk):
    lab.write("edited.ipynb", IMPORTS, EXAMPLE)
    with desk.open("edited.ipynb") as notebook:
        yield notebook
        assert not notebook.unrest()


@pytest.fixture
def player(edited_notebook):
    """A new stepper, at step 6, with the focus on it."""
    player = edited_notebook.run().stepper()
    expect(player.mark("y-1-0").locator(".slot")).to_have_text("0.6")
    player.focus().press(*["ArrowRight"] * 6).expect_step(6)
    yield player
    expect(player.find(".rc-note")).to_be_hidden()


def expect_scene(player, y, step):
    """The whole picture is that of a scene made from scratch."""
    scene = trellis_scene(fill_trellis(y, "AB"))
    for (t, k), p in ((cell, y[cell[0]][cell[1]]) for cell in [(t, k) for t in range(4) for k in range(2)]):
        expect(player.mark(f"y-{t}-{k}").locator(".slot")).to_have_text(f"{p:.3g}")
    player.expect_step(step)
    for name, mark in scene.marks_at(step).items():
        if mark.text is not None:
            expect(player.mark(name).locator(".slot")).to_have_text(mark.text)
    expect(player.find(".rc-says")).to_have_text(scene.steps[step].says)


def test_typing(player):
    player.mark("y-1-0").click()
    expect(player.find(".rc-editor")).to_be_focused()
    player.page.keyboard.type("0.25")
    player.press("Enter")
    expect_scene(player, with_probability(Y, 1, 0, 0.25), step=6)
    expect(player.mark("y-1-0")).to_be_focused()
    player.press("ArrowRight").expect_step(7)  # the keys step on at once
    player.press("ArrowLeft", *"4", "Backspace", *",75", "Enter")  # a digit opens the editor; a comma will do
    expect_scene(player, with_probability(Y, 1, 0, 0.75), step=6)


@pytest.mark.parametrize("typed", ["2", "-0.1", "half", ""])
def test_a_bad_value_gets_a_message_and_changes_nothing(player, typed):
    player.mark("y-2-1").click()
    player.press("Delete")
    player.page.keyboard.type(typed)
    player.press("Enter")
    expect(player.find(".rc-note")).to_contain_text("type a number from 0 to 1")
    expect_scene(player, Y, step=6)
    player.mark("y-2-1").click()
    player.page.keyboard.type("0.5")
    player.press("Enter")
    expect_scene(player, with_probability(Y, 2, 1, 0.5), step=6)


def test_escape_drops_what_was_typed(player):
    player.mark("y-2-1").click()
    player.page.keyboard.type("0.1")
    player.press("Escape")
    expect(player.find(".rc-editor")).to_have_count(0)
    player.press("ArrowRight").expect_step(7)
    player.press("ArrowLeft")
    expect_scene(player, Y, step=6)


def test_a_value_that_is_no_change_is_answered_as_well(player):
    player.mark("y-1-0").click()
    player.press("Enter")  # 0.6 again
    player.mark("y-1-0").click()
    player.page.keyboard.type("0.6000000001")  # differs, but its picture is the same
    player.press("Enter")
    expect_scene(player, Y, step=6)
    # Were an answer missing, the player would hold back the next edit until it gives the kernel up.
    player.press("ArrowUp")
    expect_scene(player, with_probability(Y, 1, 0, 0.65), step=6)


def test_leaving_the_editor_takes_the_value(player):
    player.mark("y-3-1").click()
    player.page.keyboard.type("0.5")
    player.press("Tab")
    expect_scene(player, with_probability(Y, 3, 1, 0.5), step=6)


def test_arrow_keys(player):
    player.press("Shift+ArrowRight", "Shift+ArrowRight")
    expect(player.mark("y-1-0")).to_be_focused()
    player.press("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown")
    expect_scene(player, with_probability(Y, 1, 0, 0.7), step=6)
    expect(player.mark("y-1-0")).to_have_attribute("aria-valuenow", "0.7")
    expect(player.mark("y-1-0")).to_be_focused()


def test_dragging_and_the_last_value_wins(player):
    box = player.mark("y-2-0").bounding_box()
    x, y, mouse = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, player.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y - 90, steps=15)
    mouse.move(x, y + 40, steps=15)
    mouse.move(x, y - 60, steps=15)
    mouse.up()
    expect_scene(player, with_probability(Y, 2, 0, 0.6), step=6)
    expect(player.find(".rc-editor")).to_have_count(0)
    mouse.move(2, 2)
    player.press("ArrowRight").expect_step(7)


def test_dragging_past_the_ends(player):
    box = player.mark("y-2-0").bounding_box()
    x, y, mouse = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, player.page.mouse
    for to, p in ((-400, 1.0), (400, 0.0)):
        mouse.move(x, y)
        mouse.down()
        mouse.move(x, y + to, steps=5)
        mouse.up()
        expect(player.mark("y-2-0").locator(".slot")).to_have_text(f"{p:g}")
        expect(player.mark("y-2-1").locator(".slot")).to_have_text(f"{1 - p:g}")


def test_dragging_with_a_finger_changes_the_number_and_does_not_scroll(player):
    """Touch, as a phone sends it: without care the browser takes the drag for scrolling and cancels it halfway."""
    page, target = player.page, player.mark("y-1-0").locator(".box")
    target.scroll_into_view_if_needed()
    box, top = target.bounding_box(), player.root.bounding_box()["y"]
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for moved in range(5, 65, 5):
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + moved}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect_scene(player, with_probability(Y, 1, 0, 0.3), step=6)
        assert player.root.bounding_box()["y"] == pytest.approx(top, abs=1)
    finally:
        touch.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        touch.detach()
