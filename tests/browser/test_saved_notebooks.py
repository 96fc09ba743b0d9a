"""A notebook of yesterday: it was run and saved, its kernel is gone, and its steppers play on."""

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from course_utils.workbook.update import to_work_on
from course_utils.workbook.widgets import STATE
from tests.browser.conftest import EXAMPLE, IMPORTS, Desk
from tools.lab import Lab
from tools.notebooks import NOTEBOOKS
from tools.pages import SECONDS_TO_RUN, Notebook

GONE = "This explorer's kernel is gone: run its cell again"
NO_ANSWER = "The kernel does not answer"
LOST = "Error displaying widget: model not found"
RELOADS = 5


@pytest.fixture(scope="module")
def readers_lab(tmp_path_factory):
    """JupyterLab as the course's own command opens it."""
    with Lab(tmp_path_factory.mktemp("readers"), as_readers=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def readers_desk(readers_lab, browser):
    with Desk(readers_lab, browser) as desk:
        yield desk


@pytest.fixture
def reopened(readers_lab, readers_desk, browser):
    """Run these cells, let the test do something, save, shut the kernel down, close, and open the notebook again."""
    opened = []

    def reopen(name, *cells, meanwhile=lambda one: None, between=lambda path: None):
        path = readers_lab.write(name, IMPORTS, *cells)
        with readers_desk.open(name) as one:
            one.run()
            meanwhile(one)
            save(one)
        between(path)
        one = Notebook(readers_lab, browser, name)
        opened.append(one)
        one.path = path
        for _ in range(RELOADS):
            if not lost_its_race(one):
                break
            one.watch.problems.clear()
            one.page.reload()
            one.wait_until_open()
        return one

    yield reopen
    for one in opened:
        one.close()


def lost_its_race(one) -> bool:
    """Wait for what stands in the place of the last stepper: itself, or an error message.

    JupyterLab's widget manager (ipywidgets 8.1) calls itself restored when its kernel answers, also where it has not
    read the notebook yet; whoever asks for a model in between, on a busy machine, is told that there is none. It is
    loading the page again that helps a reader then.
    """
    drawn, lost = one.page.locator(".rc-stepper[data-step]"), one.page.get_by_text(LOST)
    expect(drawn.or_(lost).last).to_be_visible(timeout=1000 * SECONDS_TO_RUN)
    return lost.count() > 0


def save(one):
    with one.page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url):
        one.command("docmanager:save")


def models_in(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))["metadata"]["widgets"][STATE]["state"]


def step_on(one):
    for step in (1, 2, 3):
        one.stepper().focus().press("ArrowRight").expect_step(step)
    one.page.wait_for_timeout(400)  # the player tells Python its step once the keys rest


def test_a_stepper_steps_on_from_where_it_was(reopened, picture):
    one = reopened("stepper.ipynb", EXAMPLE, meanwhile=step_on)
    player = one.stepper().expect_step(3).focus()
    player.press("ArrowRight").expect_step(4).press("End").expect_step(11).press("Home").expect_step(0)
    player.mark("y-1-0").click()
    player.press("0", ".", "2", "5", "Enter")
    expect(player.find(".rc-note")).to_contain_text(NO_ANSWER, timeout=1000)  # at once: nothing can come
    expect(player.mark("y-1-0").locator(".slot")).to_have_text("0.6")
    assert not one.unrest()
    picture(player.root, "saved-stepper")


def test_the_stepper_of_an_explorer_steps_on_and_its_controls_say_what_they_need(reopened, picture):
    one = reopened("explorer.ipynb", "viterbi_explorer()", meanwhile=step_on)
    player, page = one.stepper().expect_step(3).focus(), one.page
    player.press("ArrowRight").expect_step(4)
    gone = page.locator(".rc-workbench .rc-aside")
    expect(gone).to_have_count(0)
    page.get_by_label("Domain").select_option("log")
    expect(gone).to_contain_text(GONE, timeout=1000)
    picture(page.locator(".rc-workbench"), "saved-explorer")
    assert not one.unrest()


def test_a_reader_who_wants_no_steppers_saved_gets_none(readers_lab, browser, request):
    """The course's setting is a default; what is chosen in the menu stands above it."""
    path = readers_lab.write("without.ipynb", IMPORTS, EXAMPLE)
    choose = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"
    with Notebook(readers_lab, browser, "without.ipynb") as one:
        one.run().stepper()
        one.command(choose)
        request.addfinalizer(lambda: [file.unlink() for file in readers_lab.home.rglob("plugin.jupyterlab-settings")])
        one.page.wait_for_function("choose => !jupyterapp.commands.isToggled(choose)", arg=choose)
        save(one)
    assert "widgets" not in json.loads(path.read_text("utf-8"))["metadata"]


def test_whoever_opens_jupyterlab_without_the_command_saves_no_steppers(notebook):
    """The notebooks with the solutions are edited in this way, and are committed."""
    one = notebook(IMPORTS, EXAMPLE)
    one.stepper()
    save(one)
    assert "widgets" not in json.loads(one.path.read_text("utf-8"))["metadata"]


def test_the_player_is_saved_once_for_all_steppers(reopened):
    one = reopened("many.ipynb", EXAMPLE, EXAMPLE, EXAMPLE, meanwhile=lambda one: [one.stepper(n) for n in range(3)])
    for n in range(3):
        one.stepper(n).focus().press("ArrowRight").expect_step(1)
    code = [model["state"]["_esm"] for model in models_in(one.path).values() if "_esm" in model["state"]]
    assert len(code) == 4
    assert sum(map(len, code)) < 1000 + max(map(len, code))


def test_only_what_is_on_show_stays_in_the_file_and_is_still_trusted(reopened, readers_lab, monkeypatch):
    """A cell that is run twice leaves two steppers in the file; the next start of the course takes one away."""

    def run_again(one):
        one.stepper()
        one.run()
        one.stepper()
        one.page.wait_for_function(
            "() => [...jupyterapp.shell.currentWidget.content.widgets].every((cell) => cell.model.executionCount > 2)"
        )

    def start_again(path):
        assert sum("scene" in model["state"] for model in models_in(path).values()) == 2
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(readers_lab.home / ".local" / "share" / "jupyter"))
        to_work_on(readers_lab.root)
        assert sum("scene" in model["state"] for model in models_in(path).values()) == 1

    one = reopened("twice.ipynb", EXAMPLE, meanwhile=run_again, between=start_again)
    one.stepper().focus().press("ArrowRight").expect_step(1)


def test_chapter_8_shows_the_numbers_of_its_steppers_before_it_is_run_to_whoever_asks(lab, desk):
    shutil.copy(NOTEBOOKS / "08_viterbi.ipynb", lab.root / "notebooks")
    tables = 0
    with desk.open("08_viterbi.ipynb") as one:
        for index, cell in enumerate(one.contents()["cells"]):
            if any("<caption" in "".join(o.get("data", {}).get("text/html", "")) for o in cell.get("outputs", [])):
                tables += 1
                one.scroll_to(index)
                folded = one.cell(index).locator(".jp-OutputArea-output details").first
                caption = folded.locator("table caption")
                expect(caption).to_be_hidden()
                folded.locator("summary").click()
                expect(caption).to_be_visible()
    assert tables


# -- a kernel that goes while the page is open

# What JupyterLab tells the console, and nobody else, of a kernel that was shut down: of its own controls that are used,
# and of its debugger where that had not answered yet.
SAID_OF_CONTROLS = "Could not send widget sync message"
SAID_OF_THE_DEBUGGER = "Could not restore the debugger state"


def restart(one, lab):
    one.expected.append(f"{SAID_OF_THE_DEBUGGER}: Canceled future")  # it may still have been asking, on a busy machine
    one.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }")


def shut_down(one, lab):
    one.expected.append(SAID_OF_THE_DEBUGGER)
    lab.shut_down_kernel(one.name)
    one.page.evaluate("() => jupyterapp.serviceManager.sessions.refreshRunning()")  # else it looks every ten seconds
    one.page.wait_for_function("() => !jupyterapp.shell.currentWidget.sessionContext.session?.kernel")


def shut_down_and_start(one, lab):
    shut_down(one, lab)
    one.page.evaluate(
        """async () => {
          const context = jupyterapp.shell.currentWidget.sessionContext;
          await context.changeKernel({ name: 'python3' });
          await context.session.kernel.info;
        }"""
    )


USES = {
    "a menu": lambda page: page.get_by_label("Case").select_option(index=2),
    "a key on a slider": lambda page: page.get_by_role("slider", name="Factors").press("ArrowRight"),
    "a click on a slider": lambda page: page.locator(".widget-slider .slider-container").first.click(),
}


@pytest.mark.parametrize("goes", [restart, shut_down, shut_down_and_start])
def test_controls_say_at_once_that_their_kernel_is_gone(notebook, lab, goes, picture):
    one = notebook(IMPORTS, "gradient_explorer()")
    one.expected += [] if goes is restart else [SAID_OF_CONTROLS]
    player, page = one.stepper(), one.page
    gone = page.locator(".rc-workbench .rc-aside")
    before = player.root.get_attribute("aria-label")
    page.get_by_label("Case").select_option(index=1)
    expect(player.root).not_to_have_attribute("aria-label", before)
    expect(gone).to_have_count(0)
    goes(one, lab)
    for name, use in USES.items():
        use(page)
        expect(gone, name).to_contain_text(GONE, timeout=1000)
        page.evaluate("() => document.querySelector('.rc-aside').remove()")
    player.focus().press("ArrowRight").expect_step(1)
    expect(gone).to_have_count(0)  # stepping is no use of a control
    page.get_by_label("Case").select_option(index=3)
    picture(page.locator(".rc-workbench"), f"gone-{goes.__name__}")


@pytest.mark.parametrize("goes", [restart, shut_down, shut_down_and_start])
def test_an_edit_says_at_once_that_no_kernel_will_answer(notebook, lab, goes):
    one = notebook(IMPORTS, EXAMPLE)
    player = one.stepper()
    goes(one, lab)
    player.mark("y-1-0").click()
    player.press("0", ".", "2", "5", "Enter")
    expect(player.find(".rc-note")).to_contain_text(NO_ANSWER, timeout=1000)
    expect(player.mark("y-1-0").locator(".slot")).to_have_text("0.6")


def test_a_cell_that_is_run_again_has_a_kernel_again(notebook, lab):
    one = notebook(IMPORTS, "gradient_explorer()")
    one.stepper()
    restart(one, lab)
    one.page.get_by_label("Case").select_option(index=1)
    expect(one.page.locator(".rc-workbench .rc-aside")).to_be_visible()
    one.run()
    player = one.stepper()
    expect(one.page.locator(".rc-workbench .rc-aside")).to_have_count(0)
    before = player.root.get_attribute("aria-label")
    one.page.get_by_label("Case").select_option(index=1)
    expect(player.root).not_to_have_attribute("aria-label", before)
    expect(one.page.locator(".rc-workbench .rc-aside")).to_have_count(0)


def test_a_number_that_a_slider_has_not_is_told(notebook, picture):
    """JupyterLab's sliders take the nearest number without a word."""
    one = notebook(IMPORTS, "gradient_explorer()")
    one.stepper()
    page, aside = one.page, one.page.locator(".rc-workbench .rc-aside")
    factors = page.locator(".widget-slider", has_text="Factors")
    readout = factors.locator(".widget-readout")
    for typed, becomes in (("5000", 200), ("-7", 1), ("many", 1)):
        readout.fill(typed)
        readout.press("Enter")
        expect(aside).to_have_text(f"Factors goes from 1 to 200: “{typed}” is not among them, so it is {becomes}.")
        expect(readout).to_have_text(str(becomes))
    picture(page.locator(".rc-workbench"), "out-of-range")
    readout.fill("30")
    readout.press("Tab")
    expect(aside).to_have_text("Factors: “30” is not taken before you press Enter.")
    readout.focus()
    readout.press("Enter")
    expect(aside).to_have_count(0)
    expect(one.stepper().root).to_have_attribute("aria-label", re.compile("Product of 30 Jacobians"))
