"""What surrounds a stepper: the notebook, the kernel, the file."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EXAMPLE, IMPORTS, STRIP, TRAINING
from tools.pages import SECONDS_TO_RUN, check_mounted

# What should not happen on a page, and what is said of it then.
UNREST = {
    "notifications: 1": "() => jupyterapp.commands.execute('apputils:notify', { message: 'look here', type: 'warning' })",
    "dialog: ": "() => void jupyterapp.commands.execute('help:about')",
    "toast: look here": "() => jupyterapp.commands.execute('apputils:notify', { message: 'look here', type: 'warning', options: { autoClose: 9000 } })",
    "console: look here": "() => console.error('look here')",
    "exception: look here": "() => void setTimeout(() => { throw new Error('look here'); })",
    "request: http://192.0.2.1/": "() => void fetch('http://192.0.2.1/').catch(() => null)",
    "request: ws://192.0.2.1/": "() => void new WebSocket('ws://192.0.2.1/')",
}

SHORTCUTS = ["a", "b", "m", "y", "r", "x", "c", "v", "z", "d", "d", "i", "i", "0", "0", "l", "o", "h", "j", "k", "f"]
SHORTCUTS += ["Enter", "Shift+Enter", "Shift+m", "Shift+l", "Delete", "Escape", "1", "ArrowUp", "ArrowDown"]


@pytest.mark.parametrize("inside", [".rc-stepper", ".rc-slider", "button[aria-label='Next step']", ".rc-speed"])
def test_keys_inside_the_widget_leave_the_notebook_alone(player, trellis_notebook, inside):
    before = trellis_notebook.contents(), trellis_notebook.page.locator(".jp-Cell.jp-mod-active").count()
    target = player.root if inside == ".rc-stepper" else player.find(inside)
    target.focus()
    for key in SHORTCUTS:
        player.press(key)
    after = trellis_notebook.contents(), trellis_notebook.page.locator(".jp-Cell.jp-mod-active").count()
    assert after == before
    expect(trellis_notebook.page.locator(".jp-Dialog")).to_have_count(0)
    expect(target).to_be_focused()


def test_a_page_that_is_not_quiet_is_noticed(notebook):
    """Planted: what every other test wants to hear nothing of."""
    one = notebook("1", quiet=False)
    assert one.unrest() == []
    for said, cause in UNREST.items():
        one.page.evaluate(cause)
        end = time.monotonic() + SECONDS_TO_RUN
        while not (heard := [line for line in one.unrest() if line.startswith(said)]) and time.monotonic() < end:
            one.page.wait_for_timeout(50)
        assert heard, said


def test_control_s_saves_the_notebook(notebook):
    one = notebook(IMPORTS, EXAMPLE)
    one.page.evaluate("() => jupyterapp.shell.currentWidget.content.model.sharedModel.cells[0].setSource('edited = 1')")
    assert "edited" not in one.path.read_text("utf-8")
    one.stepper().focus().press("ArrowRight").expect_step(1)
    with one.page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url):
        one.page.keyboard.press("ControlOrMeta+s")
    assert json.loads(one.path.read_text("utf-8"))["cells"][0]["source"] == ["edited = 1"]


def test_stepping_goes_on_without_a_kernel_and_an_edit_says_that_there_is_none(notebook, lab):
    one = notebook(IMPORTS, EXAMPLE)
    player = one.stepper().focus()
    player.press("ArrowRight").expect_step(1)
    lab.shut_down_kernel(one.name)
    one.page.evaluate("() => jupyterapp.serviceManager.sessions.refreshRunning()")  # else it looks every ten seconds
    one.page.wait_for_function("() => !jupyterapp.shell.currentWidget.sessionContext.session?.kernel")
    for n in range(2, 12):
        player.press("ArrowRight").expect_step(n)
    player.press("Home").expect_step(0)
    one.page.wait_for_timeout(400)  # the player tells Python its step once the keys rest
    assert one.unrest() == []
    player.mark("y-1-0").click()
    player.press("0", ".", "2", "5", "Enter")
    note = player.find(".rc-note")
    expect(note).to_contain_text("The kernel does not answer", timeout=10_000)
    expect(player.mark("y-1-0").locator(".slot")).to_have_text("0.6")
    player.focus().press("End").expect_step(11)
    assert one.unrest() == []


def test_every_stepper_of_the_course_mounts(notebook):
    one = notebook(IMPORTS, "viterbi_explorer()", STRIP, TRAINING)
    assert one.errors() == []
    for which in range(3):
        player = one.stepper(which)
        player.focus().press("ArrowRight").expect_step(1)
        player.press("End")
        expect(player.find("button[aria-label='Next step']")).to_be_disabled()


def test_the_explorer_changes_its_picture_and_says_what_is_wrong(notebook):
    one = notebook(IMPORTS, "viterbi_explorer()")
    player, page = one.stepper(), one.page
    page.get_by_label("Target").fill("ABB")
    page.get_by_label("Target").press("Enter")
    expect(player.mark("V-3-2")).to_be_attached()
    page.get_by_label("Domain").select_option("log")
    expect(player.root).to_have_attribute(
        "aria-label", re.compile(r"^Viterbi trellis of A B B in 4 frames, log domain\.")
    )
    page.get_by_label("Target").fill("AQ")
    page.get_by_label("Target").press("Enter")
    expect(page.locator(".jp-OutputArea [role=alert]:not(.rc-note)")).to_contain_text("Q")
    page.get_by_label("Target").fill("AB")
    page.get_by_label("Target").press("Enter")
    expect(page.locator(".jp-OutputArea [role=alert]:not(.rc-note)")).to_have_count(0)
    page.get_by_label("Case").select_option("too few frames")
    expect(player.root).to_have_attribute("aria-label", re.compile(r"^Viterbi trellis of A B A in 2 frames\."))
    player.focus().press("End")
    expect(player.find(".rc-says")).to_contain_text("3 symbols need at least 3 frames")


def test_a_saved_output_shows_the_numbers_where_no_kernel_has_the_widget(notebook):
    one = notebook(IMPORTS, EXAMPLE)
    one.stepper()
    saved = one.contents()
    bundle = saved["cells"][1]["outputs"][0]["data"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    other = notebook("", run=False)
    for keep_the_view in (True, False):  # this reader has not run the notebook, so JupyterLab does not trust the view
        if not keep_the_view:
            del bundle["application/vnd.jupyter.widget-view+json"]
        other.path.write_text(json.dumps(saved), "utf-8")
        other.command("docmanager:reload")
        row = other.page.locator(".jp-OutputArea-output table tr", has_text="V, i = 1 B")
        expect(row.locator("td")).to_have_text(["0", "0.36", "0.378", "0.3024"])


def test_a_broken_player_turns_the_check_red(notebook):
    one = notebook(
        "import course_utils.stepper.stepper as c\nclass Broken(c.Stepper):\n    _esm = 'export default { render( {'\n"
        "c.Stepper = Broken\nfrom course_utils.notebook import *\nviterbi_stepper([[.9, .1], [.2, .8]], 'AB')",
        run=False,
        quiet=False,
    )
    with one.page.expect_console_message(lambda message: "SyntaxError" in message.text):
        one.run()
    with pytest.raises(AssertionError, match="has not been mounted"):
        check_mounted(one.page.locator(".rc-stepper"), seconds=1)
    assert one.unrest()
