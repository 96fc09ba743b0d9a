"""Stepping through a trellis with real keys and a real mouse."""

import re

import pytest
from playwright.sync_api import expect

from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis

SCENE = trellis_scene(fill_trellis(FORCED_ALIGNMENTS["worked example"].y, "AB"))
LAST = len(SCENE.steps) - 1
STEP_OF = {mark: n for n, step in enumerate(SCENE.steps) for mark in step.computes}


def test_a_key_changes_the_picture_before_anything_else_can_happen(player):
    """Is the next picture there when the key's own event is over, with no kernel, timer or frame to wait for?

    How many milliseconds that takes on the screen is what the benchmark measures.
    """
    keys = ["ArrowRight"] * LAST + ["ArrowLeft"] * LAST
    seen = player.page.evaluate(
        """([root, keys]) => keys.map((key) => {
             root.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
             const states = [...root.querySelectorAll('[data-mark]')].map((e) => [e.dataset.mark, e.dataset.state]);
             return [Number(root.dataset.step), Object.fromEntries(states)];
           })""",
        [player.root.element_handle(), keys],
    )
    assert [step for step, _ in seen] == [*range(1, LAST + 1), *reversed(range(LAST))]
    for step, states in seen:
        for name, mark in SCENE.marks_at(step).items():
            assert mark.state in (None, states[name]), (step, name)


def test_every_step_shows_what_the_scene_says(player):
    for n, step in enumerate(SCENE.steps):
        player.expect_step(n)
        assert player.says == step.says
        shown = player.page.evaluate(
            """root => Object.fromEntries([...root.querySelectorAll('[data-mark]')].map((e) =>
                 [e.dataset.mark, [e.dataset.state, e.querySelector('.slot')?.textContent]]))""",
            player.root.element_handle(),
        )
        for name, mark in SCENE.marks_at(n).items():
            state, text = shown[name]
            assert mark.state in (None, state), name
            assert mark.text in (None, text), name
        player.press("ArrowRight")


def test_forward_and_back_again_is_the_same_picture(player):
    start = player.find(".rc-stage").inner_html()
    player.press(*["ArrowRight"] * LAST).expect_step(LAST)
    player.press(*["ArrowLeft"] * LAST).expect_step(0)
    assert player.find(".rc-stage").inner_html() == start


def test_home_end_pages_and_arrows(player):
    player.press("End").expect_step(LAST)
    player.press("ArrowRight").expect_step(LAST)
    player.press("PageUp").expect_step(LAST - 5)
    player.press("ArrowLeft").expect_step(LAST - 6)
    player.press("PageDown").expect_step(LAST - 1)
    player.press("Home").expect_step(0)
    player.press("ArrowLeft").expect_step(0)


def test_space_plays_and_pauses(player):
    under_way = re.compile(r"^([1-9]|10)$")  # somewhere between the first and the last step
    player.find(".rc-speed").select_option("2")
    player.focus().press(" ")
    expect(player.find("button[aria-label=Pause]")).to_be_visible()
    expect(player.root).to_have_attribute("data-step", under_way)
    player.press(" ")
    expect(player.find("button[aria-label=Play]")).to_be_visible()
    player.press("End").expect_step(LAST)
    player.press(" ")  # from the end it starts again
    expect(player.root).to_have_attribute("data-step", under_way)
    player.press("End").expect_step(LAST)  # and a key of the reader's stops it
    expect(player.find("button[aria-label=Play]")).to_be_visible()
    player.find(".rc-speed").select_option("1")


def test_buttons(player):
    for label, step in [("Next step", 1), ("Last step", LAST), ("Previous step", LAST - 1), ("First step", 0)]:
        player.find(f"button[aria-label='{label}']").click()
        player.expect_step(step)
    expect(player.find("button[aria-label='Previous step']")).to_be_disabled()


@pytest.mark.parametrize(
    ("label", "there", "key", "back"), [("Last step", LAST, "ArrowLeft", LAST - 1), ("First step", 0, "ArrowRight", 1)]
)
def test_arrow_keys_go_on_after_a_button_has_led_to_an_end(player, label, there, key, back):
    """Does the button that has no more to do keep the focus?"""
    player.press("ArrowRight", "ArrowRight")
    player.find(f"button[aria-label='{label}']").click()
    player.expect_step(there)
    player.press(key).expect_step(back)


def test_scrubbing(player):
    box = player.find(".rc-slider").bounding_box()
    mouse, middle = player.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 8, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    assert 4 <= player.step <= 7
    mouse.move(box["x"] + box["width"] - 4, middle, steps=4)
    player.expect_step(LAST)
    mouse.up()
    player.press("ArrowLeft").expect_step(LAST - 1)  # the slider has the focus now


@pytest.mark.parametrize("name", ["V-0-0", "V-2-1", "V-3-0"])
def test_a_click_on_a_cell_jumps_to_the_step_that_computed_it(player, name):
    player.press("End").expect_step(LAST)
    player.mark(name).click()
    player.expect_step(STEP_OF[name])


def test_hovering_shows_how_a_number_came_about_but_no_number_to_come(player):
    tip = player.find(".rc-tip")
    player.press(*["ArrowRight"] * STEP_OF["V-2-1"]).expect_step(STEP_OF["V-2-1"])
    player.mark("V-2-1").hover()
    expect(tip).to_contain_text(SCENE.steps[STEP_OF["V-2-1"]].says)
    expect(tip.locator("math").first).to_be_visible()
    player.mark("V-3-1").hover()
    expect(tip).to_be_hidden()
    player.mark("V-1-0").hover()
    expect(tip).to_contain_text(SCENE.steps[STEP_OF["V-1-0"]].says)
    player.page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


def test_the_keyboard_reaches_every_cell_and_its_derivation(player):
    tip = player.find(".rc-tip")
    player.press(*["ArrowRight"] * STEP_OF["V-1-1"]).expect_step(STEP_OF["V-1-1"])
    player.press("Shift+ArrowRight")
    expect(player.mark("y-0-0")).to_be_focused()
    player.press("Shift+ArrowDown", "Shift+ArrowDown")
    expect(player.mark("V-0-0")).to_be_focused()
    expect(tip).to_contain_text(SCENE.steps[0].says)
    player.press("Shift+ArrowRight")
    expect(tip).to_contain_text(SCENE.steps[STEP_OF["V-1-0"]].says)
    player.press("Shift+ArrowRight")
    expect(player.mark("V-2-0")).to_be_focused()
    expect(tip).to_be_hidden()
    player.press("Shift+ArrowLeft", "Enter").expect_step(STEP_OF["V-1-0"])
    player.press("ArrowRight").expect_step(STEP_OF["V-1-0"] + 1)  # arrows alone still step


def test_tab_reaches_the_controls_in_order_and_leaves(player):
    player.press("ArrowRight")
    reached = []
    for _ in range(13):
        player.press("Tab")
        reached.append(
            player.page.evaluate(
                "root => root.contains(document.activeElement) && (document.activeElement.dataset.mark ?? document.activeElement.ariaLabel ?? document.activeElement.textContent)",
                player.root.element_handle(),
            )
        )
    buttons = ["First step", "Previous step", "Play", "Next step", "Last step"]
    assert reached[1:] == [
        *buttons,
        "Step",
        "Speed",
        "Ask me before each step",
        "The numbers of the beginning",
        "Keys",
        "Show as table",
        False,
    ]
    assert re.fullmatch(r"[yV]-\d-\d", reached[0])


def test_what_a_screen_reader_hears(player):
    player.press(*["ArrowRight"] * 6).expect_step(6)
    expect(player.find(".rc-slider")).to_have_attribute("aria-valuetext", f"step 7 of 12: {SCENE.steps[6].says}")
    expect(player.find("[aria-live=polite]")).to_have_text(SCENE.steps[6].says)
    expect(player.root).to_have_attribute("aria-label", re.compile(re.escape(SCENE.title)))
    unnamed = player.page.evaluate(
        """root => [...root.querySelectorAll('button, input, select, svg [tabindex]')]
             .filter((e) => !e.ariaLabel).map((e) => e.outerHTML.slice(0, 120))""",
        player.root.element_handle(),
    )
    # A cell gets its name with its derivation, when the focus comes to it.
    assert [html for html in unnamed if 'data-mark="V-' not in html] == []


def test_two_views_of_one_widget_follow_each_other(player, trellis_notebook):
    other = trellis_notebook.stepper(1)
    player.press("ArrowRight", "ArrowRight").expect_step(2)
    other.expect_step(2)
    other.focus().press("End").expect_step(LAST)
    player.expect_step(LAST)
    drawings = [
        re.sub(r' (tabindex|aria-label)="[^"]*"', "", view.find(".rc-stage").inner_html()) for view in (player, other)
    ]
    assert drawings[0] == drawings[1]


def test_no_id_is_on_the_page_twice(player):
    ids = player.page.evaluate("() => [...document.querySelectorAll('.jp-Notebook [id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    assert player.find("[id]").count() == 0
