"""Keys inside of our outputs: they do what the list of keys says, and nothing to the notebook around."""

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils.examples import FORCED_ALIGNMENTS, WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.notebook import rnn_stepper, with_probability
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis
from tests.browser.conftest import EXAMPLE, IMPORTS

Y = FORCED_ALIGNMENTS["worked example"].y
RNN = "from course_utils.examples import *\nrnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)"
EXPLORERS = {
    "viterbi_explorer()": ["Case", "Target", "Domain", "Ties"],
    "gradient_explorer()": ["Case", "Norm", "Units", "Bias", "Factors"],
    "dependency_explorer()": ["Structure", "Outputs T", "Width", "Feed"],
}
CELLS = "() => jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map((c) => [c.cell_type, c.getSource()])"


@pytest.fixture(scope="module")
def keys_notebook(lab, desk):
    lab.write("keys.ipynb", IMPORTS, EXAMPLE, RNN, *EXPLORERS)
    with desk.open("keys.ipynb") as notebook:
        yield notebook
        assert not notebook.unrest()


@pytest.fixture
def notebook_of_keys(keys_notebook):
    return keys_notebook.run()


@pytest.fixture
def player(notebook_of_keys):
    player = notebook_of_keys.stepper(0)
    notebook_of_keys.page.mouse.move(2, 2)
    player.focus().press("Escape", "Home").expect_step(0)
    expect(player.mark("y-1-0").locator(".slot")).to_have_text("0.6")
    return player


@pytest.fixture
def network(notebook_of_keys):
    player = notebook_of_keys.stepper(1)
    player.focus().press("Home").expect_step(0)
    return player


def slot(player, mark):
    return player.mark(mark).locator(".slot")


@pytest.mark.parametrize("cell", EXPLORERS)
def test_shortcuts_of_the_notebook_stay_away_from_every_control(notebook_of_keys, cell):
    page, which = notebook_of_keys.page, [*EXPLORERS].index(cell)
    bench = page.locator(".rc-workbench").nth(which)
    before = page.evaluate(CELLS)
    for name in EXPLORERS[cell]:
        control = bench.get_by_label(name, exact=True).first
        control.focus()
        for key in ("a", "b", "m", "x", "d", "d", "z", "ArrowDown", "ArrowUp", "Enter"):
            page.keyboard.press(key)
        assert page.evaluate(CELLS) == before, f"{name} of {cell}"
    active = page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
    assert page.evaluate("() => document.activeElement.closest('.rc-workbench') !== null")
    assert page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex") == active


def test_saving_still_works_from_a_control(notebook_of_keys):
    page = notebook_of_keys.page
    page.locator(".rc-workbench").first.get_by_label("Case", exact=True).focus()
    with page.expect_response(lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"):
        page.keyboard.press("Control+s")


def test_a_minus_opens_the_editor_as_a_digit_does(network):
    network.mark("W_hh-0-1").click()
    network.press("Escape")
    expect(network.mark("W_hh-0-1")).to_be_focused()
    network.press("-", "1", ".", "5", "Enter")
    expect(slot(network, "W_hh-0-1")).to_have_text("−1.5")
    W_hh = np.array(WORKED_NET.W_hh)
    W_hh[0, 1] = -1.5
    first = rnn_stepper(WORKED_NET.with_parameters(W_hh=W_hh), WORKED_X, WORKED_TARGET).shown().steps[0].says
    expect(network.find(".rc-says")).to_have_text(first)


def test_fine_and_coarse_steps(player):
    player.press("Shift+ArrowRight", "Shift+ArrowRight")
    expect(player.mark("y-1-0")).to_be_focused()
    for key, value in (("Alt+ArrowUp", "0.61"), ("ArrowUp", "0.66"), ("PageDown", "0.41"), ("Alt+ArrowDown", "0.4")):
        player.press(key)
        expect(slot(player, "y-1-0")).to_have_text(value)
    player.expect_step(0)


def test_a_drag_with_shift_is_fine_and_escape_takes_it_back(player):
    box, mouse = player.mark("y-1-0").bounding_box(), player.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    player.page.keyboard.down("Shift")
    mouse.move(x, y - 40, steps=8)
    player.page.keyboard.up("Shift")
    expect(slot(player, "y-1-0")).to_have_text("0.62")
    player.press("Escape")
    expect(slot(player, "y-1-0")).to_have_text("0.6")
    mouse.move(x, y - 80, steps=4)
    mouse.up()
    expect(slot(player, "y-1-0")).to_have_text("0.6")
    expect(player.find(".rc-editor")).to_have_count(0)


def test_the_numbers_of_the_beginning_come_back(player):
    player.press("ArrowRight", "ArrowRight").expect_step(2)
    for mark in ("y-1-0", "y-2-1"):
        player.mark(mark).click()
        player.page.keyboard.type("0.25")
        player.press("Enter")
        expect(slot(player, mark)).to_have_text("0.25")
    changed = with_probability(with_probability(Y, 1, 0, 0.25), 2, 1, 0.25)
    expect(player.find(".rc-says")).to_have_text(trellis_scene(fill_trellis(changed, "AB")).steps[2].says)
    player.find("button[aria-label='The numbers of the beginning']").click()
    expect(slot(player, "y-1-0")).to_have_text("0.6")
    expect(player.find(".rc-says")).to_have_text(trellis_scene(fill_trellis(Y, "AB")).steps[2].says)
    player.expect_step(2)


def test_the_list_of_keys_opens_and_closes(player, picture):
    keys, button = player.find(".rc-help"), player.find("button[aria-label='Keys']")
    expect(keys).to_be_hidden()
    button.click()
    expect(keys).to_contain_text("one step back, one step on")
    expect(keys).to_contain_text("with Alt as little as can be")
    expect(button).to_have_attribute("aria-expanded", "true")
    picture(player.root, "list-of-keys")
    player.press("Escape")
    expect(keys).to_be_hidden()
    player.focus().press("?")
    expect(keys).to_be_visible()
    player.press("?")
    expect(keys).to_be_hidden()


def test_escape_takes_a_tip_away_wherever_the_focus_is(player):
    page = player.page
    player.press("End")
    page.evaluate("() => document.activeElement.blur()")
    player.mark("V-1-1").hover()
    expect(player.find(".rc-tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(player.find(".rc-tip")).to_be_hidden()
    player.mark("V-1-1").hover(position={"x": 20, "y": 20})
    expect(player.find(".rc-tip")).to_be_hidden()
    player.mark("V-2-1").hover()
    expect(player.find(".rc-tip")).to_be_visible()
    page.mouse.move(2, 2)


def test_the_numbers_stand_below_as_a_table(player, picture):
    table = player.find(".rc-table")
    expect(table.locator("td").first).to_be_hidden()
    table.locator("summary").click()
    expect(table.locator("tbody tr").last).to_contain_text("best path")
    picture(player.root, "shown-as-table")
    step = player.step
    table.locator("summary").focus()
    player.press("Enter")
    expect(table.locator("td").first).to_be_hidden()
    assert player.step == step


def test_a_change_waits_for_a_busy_kernel_and_says_so(notebook, lab):
    one = notebook(IMPORTS, EXAMPLE, "import time")
    player = one.stepper()
    one.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code: 'import time; time.sleep(5)' })"
    )
    player.mark("y-1-0").click()
    player.page.keyboard.type("0.25")
    player.press("Enter")
    expect(player.find(".rc-note")).to_contain_text("The kernel is busy, and this change waits for it.", timeout=15_000)
    expect(slot(player, "y-1-0")).to_have_text("0.25")
    expect(slot(player, "y-1-1")).to_have_text("0.75", timeout=30_000)
    expect(player.find(".rc-note")).to_be_hidden()
