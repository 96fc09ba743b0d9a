"""What a reader may change besides probabilities: any number, a choice, a point of a plane, by pointer and by keys."""

import pytest
from playwright.sync_api import expect

# A plane of 200 × 200 from (−1, −1) to (1, 1), two cells of which one is chosen, and a weight.
SCENE = """
from course_utils.scenes.edits import Choice, Number, Point
from course_utils.scenes.scene import Scene, Table
from course_utils.scenes.step import Step
from course_utils.scenes.svg import cell, document
from course_utils.stepper.stepper import Stepper

now = {("state",): (0.5, -0.5), ("path", 0): True, ("path", 1): False, ("W", 0, 1): 2.0}
asked = []

def drawn(place=None, value=None):
    if place is not None:
        asked.append((place, value))
        if place[0] == "path":
            now[("path", 0)] = now[("path", 1)] = False
        now[place] = value
    x, y = now[("state",)]
    marks = ['<rect class="box" x="10" y="10" width="200" height="200"/>']
    marks.append(f'<g class="dot" data-mark="state" data-state="done"><circle cx="{110 + 100 * x}" cy="{110 - 100 * y}" r="9"/></g>')
    for i in (0, 1):
        chosen = now[("path", i)]
        marks.append(cell(f"cell-{i}", 240, 10 + 60 * i, 60, 40, content="path" if chosen else "", state="path" if chosen else "done"))
    marks.append(cell("w", 240, 150, 60, 40, content=f"{now[('W', 0, 1)]:g}", state="done"))
    edits = {
        "state": Point(("state",), (x, y), "state", (-1, -1), (1, 1), 0.01, (200, 200)),
        "cell-0": Choice(("path", 0), now[("path", 0)], "cell of the path"),
        "cell-1": Choice(("path", 1), now[("path", 1)], "cell of the path"),
        "w": Number(("W", 0, 1), now[("W", 0, 1)], "weight", -5, 5, 0.05),
    }
    says = f"x = {x:g}, y = {y:g}, chosen {0 if now[('path', 0)] else 1 if now[('path', 1)] else 'none'}."
    steps = (Step("The first step."), Step(says))
    return Scene("Everything to change", document(320, 220, marks, "Everything to change"), steps, Table("Numbers", ("",), ()), edits=edits)

stepper = Stepper(drawn(), edit=drawn)
stepper.step = 1
stepper
"""


@pytest.fixture(scope="module")
def kinds(lab, desk):
    lab.write("kinds.ipynb", SCENE)
    with desk.open("kinds.ipynb") as notebook:
        yield notebook
        assert not notebook.unrest()


@pytest.fixture
def player(kinds):
    player = kinds.run().stepper()
    expect(player.find(".rc-says")).to_have_text("x = 0.5, y = -0.5, chosen 0.")
    yield player
    expect(player.find(".rc-note")).to_be_hidden()


def test_a_point_follows_the_pointer_and_stays_where_it_is_dropped(player):
    mouse, box = player.page.mouse, player.mark("state").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 60, y - 80, steps=12)
    mouse.up()
    expect(player.find(".rc-says")).to_have_text("x = -0.1, y = 0.3, chosen 0.")
    after = player.mark("state").bounding_box()
    assert (after["x"] - box["x"], after["y"] - box["y"]) == pytest.approx((-60, -80), abs=1.5)


def test_a_point_stays_in_its_plane(player):
    mouse, box = player.page.mouse, player.mark("state").bounding_box()
    mouse.move(box["x"] + 9, box["y"] + 9)
    mouse.down()
    mouse.move(box["x"] + 900, box["y"] + 5, steps=5)
    mouse.up()
    expect(player.find(".rc-says")).to_contain_text("x = 1, y = -0.4")


def test_arrow_keys_move_a_point_and_do_not_step(player):
    player.mark("state").focus()
    player.press("ArrowRight", "ArrowUp", "ArrowUp")
    expect(player.find(".rc-says")).to_have_text("x = 0.55, y = -0.4, chosen 0.")
    player.expect_step(1)
    expect(player.mark("state")).to_be_focused()


def test_a_point_is_typed_as_two_numbers(player):
    player.mark("state").click()
    expect(player.find(".rc-editor")).to_have_value("0.5; -0.5")
    player.page.keyboard.type("-0.25 0.75")
    player.press("Enter")
    expect(player.find(".rc-says")).to_contain_text("x = -0.25, y = 0.75")


def test_what_is_no_point_gets_a_message(player):
    player.mark("state").click()
    player.page.keyboard.type("0.5")
    player.press("Enter")
    expect(player.find(".rc-note")).to_have_text("“0.5” is no state: type two numbers from (-1, -1) to (1, 1).")
    expect(player.find(".rc-says")).to_contain_text("x = 0.5, y = -0.5")
    player.mark("w").click()  # and the message goes with the next change
    player.page.keyboard.type("1")
    player.press("Enter")


def test_a_click_chooses_and_the_scene_says_what_that_means(player):
    expect(player.mark("cell-0")).to_have_attribute("aria-checked", "true")
    player.mark("cell-1").click()
    expect(player.find(".rc-says")).to_contain_text("chosen 1")
    expect(player.mark("cell-0")).to_have_attribute("aria-checked", "false")
    expect(player.mark("cell-1")).to_have_attribute("aria-checked", "true")
    player.mark("cell-1").click()
    expect(player.find(".rc-says")).to_contain_text("chosen none")


def test_enter_chooses_and_the_arrow_keys_still_step(player):
    player.mark("cell-1").focus()
    player.press("Enter")
    expect(player.find(".rc-says")).to_contain_text("chosen 1")
    player.press("ArrowLeft").expect_step(0)
    player.press("ArrowRight").expect_step(1)


def test_a_weight_beyond_one_is_dragged_without_a_tint(player):
    mouse, box = player.page.mouse, player.mark("w").bounding_box()
    mouse.move(box["x"] + 30, box["y"] + 20)
    mouse.down()
    mouse.move(box["x"] + 30, box["y"] - 20, steps=8)
    assert player.mark("w").locator(".tint").get_attribute("fill-opacity") in ("0", "0.0")
    mouse.up()
    expect(player.mark("w").locator(".slot")).to_have_text("4")


def test_the_kinds_look_right(player, picture):
    player.mark("state").hover()
    expect(player.find(".rc-tip")).to_contain_text(
        "Drag it, move it with the arrow keys, or type the two numbers of a state."
    )
    picture(player.root, "kinds-of-edits")
    player.mark("cell-1").hover()
    expect(player.find(".rc-tip")).to_contain_text("Press it to choose this cell of the path, or to give it up.")
