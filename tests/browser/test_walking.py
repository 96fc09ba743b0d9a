"""A path that the reader draws: with keys, pointer and finger, on a page and in a notebook whose kernel is gone."""

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils.alignment import rank_paths
from course_utils.scenes.paths import paths_scene
from course_utils.site.page import page as page_of
from tests.browser.conftest import IMPORTS
from tools.pages import Player

Y = [[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.2, 0.2, 0.6]]
CELL = f"""
import numpy as np
from course_utils.alignment import rank_paths
from course_utils.scenes.paths import paths_scene
from course_utils.stepper.stepper import Stepper
Stepper(paths_scene(rank_paths(np.log({Y}), [0, 1, 2]), "ABC"))
"""
BEST = ["ArrowRight", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowRight"]


@pytest.fixture
def walk(browser, tmp_path):
    """Open the picture on a page of its own; ``open_it(touch=True)`` has a touch screen."""
    pages = []

    def open_it(**context):
        file = tmp_path / "walk.html"
        file.write_text(page_of("Walk", [paths_scene(rank_paths(np.log(Y), [0, 1, 2]), "ABC")]), "utf-8")
        page = browser.new_context(
            **{"viewport": {"width": 860, "height": 900}, "reduced_motion": "reduce", **context}
        ).new_page()
        pages.append(page)
        page.goto(file.as_uri())
        player = Player(page, page.locator(".rc-stepper"))
        player.focus()
        return player

    yield open_it
    for page in pages:
        page.context.close()


def walked(player):
    return player.find('.rc-stage [data-walk][data-state="path"]').evaluate_all("all => all.map((e) => e.dataset.mark)")


def middle(player, mark):
    box = player.mark(mark).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_path_is_drawn_with_the_arrow_keys_to_its_end(walk):
    player = walk()
    player.press(*BEST).expect_step(5)
    assert walked(player) == ["cell-0-0", "cell-1-1", "cell-2-1", "cell-3-2", "cell-4-2"] or set(walked(player)) == {
        "cell-0-0", "cell-1-1", "cell-2-1", "cell-3-2", "cell-4-2"
    }  # fmt: skip
    expect(player.find(".rc-says")).to_contain_text("A B B C C has rank 1 of 6: no path is better.")
    expect(player.find(".rc-note")).to_be_hidden()


def test_an_illegal_move_is_refused_with_its_rule_and_changes_nothing(walk):
    player = walk()
    player.press("ArrowDown").expect_step(0)
    expect(player.find(".rc-note")).to_have_text("A path begins at A: otherwise it would be left out.")
    player.press("ArrowRight", "ArrowUp").expect_step(1)
    expect(player.find(".rc-note")).to_have_text("A is the first symbol: none comes before it.")
    player.mark("cell-1-2").click()
    player.expect_step(1)
    expect(player.find(".rc-note")).to_contain_text("B would be left out")
    player.press("ArrowRight").expect_step(2)
    expect(player.find(".rc-note")).to_be_hidden()
    player.press(*["ArrowRight"] * 2).expect_step(3)
    expect(player.find(".rc-note")).to_contain_text("advance in time")


def test_steps_are_taken_back_and_another_way_is_drawn(walk):
    player = walk()
    player.press(*BEST).expect_step(5)
    player.press("ArrowLeft", "ArrowLeft", "ArrowLeft").expect_step(2)
    assert player.find(".rc-slider").get_attribute("max") == "5"
    player.press("ArrowDown").expect_step(3)  # another choice: what was drawn beyond is gone
    assert player.find(".rc-slider").get_attribute("max") == "3"
    player.press("ArrowRight", "ArrowRight").expect_step(5)
    expect(player.find(".rc-says")).to_contain_text("A B C C C has rank 3 of 6")
    expect(player.find(".rc-says")).to_contain_text("it leaves your path in frame 2")
    player.press("Home").expect_step(0)
    assert walked(player) == []
    player.press("End").expect_step(5)


def test_a_path_is_drawn_by_pressing_cells_and_by_dragging_over_them(walk):
    player = walk()
    for mark in ("cell-0-0", "cell-1-0", "cell-2-1"):
        player.mark(mark).click()
    player.expect_step(3)
    mouse = player.page.mouse
    mouse.move(*middle(player, "cell-2-1"))
    mouse.down()
    for mark in ("cell-3-2", "cell-4-2"):
        mouse.move(*middle(player, mark), steps=8)
    mouse.up()
    player.expect_step(5)
    expect(player.find(".rc-says")).to_contain_text("A A B C C has rank")
    player.mark("cell-1-0").click()  # a cell of the path: back to it
    player.expect_step(2)


def test_a_path_is_drawn_with_a_finger_and_the_page_does_not_scroll(walk):
    player = walk(has_touch=True, viewport={"width": 360, "height": 420})
    page = player.page
    touch = page.context.new_cdp_session(page)
    before = page.evaluate("() => scrollY")

    def send(kind, mark=None):
        points = []
        if mark:
            x, y = middle(player, mark)
            points = [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", "cell-0-0")
    send("touchMove", "cell-1-1")
    send("touchEnd")
    player.expect_step(2)
    assert page.evaluate("() => scrollY") == before


def test_a_path_is_drawn_where_the_kernel_is_gone_and_the_notebook_stays_as_it_is(notebook):
    one = notebook(IMPORTS, CELL)
    player = one.stepper()
    player.focus().press("ArrowRight", "ArrowDown").expect_step(2)
    one.page.wait_for_timeout(1000)  # Python has heard of the steps, and lets them stand
    player.expect_step(2).press("ArrowLeft").expect_step(1)
    one.command("kernelmenu:shutdown")
    player.focus().press(*BEST[1:]).expect_step(5)
    expect(player.find(".rc-says")).to_contain_text("has rank 1 of 6")


def test_cells_are_reached_and_chosen_without_a_pointer(walk):
    player = walk()
    player.mark("cell-0-0").focus()
    player.page.keyboard.press("Enter")
    player.expect_step(1)
    player.page.keyboard.press("Shift+ArrowRight")
    player.page.keyboard.press("Enter")
    player.expect_step(2)
    assert player.mark("cell-1-0").get_attribute("aria-label") == "A at frame 1, 0.4, where you are"
