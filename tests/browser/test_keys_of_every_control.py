"""The notebook's one-letter commands do nothing to it while the focus is on a control of ours, of whatever kind.

What is looked for is whatever can have the focus, so a control that is new is tried without being listed here.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import IMPORTS
from tests.browser.everything import EXAMPLES, EXPLORERS

COMMANDS = ["a", "b", "m", "x", "z", "Shift+M", "y", "d", "d", "0", "0", "i", "i"]
STEPPER = "rnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)"
# Controls that no explorer has yet, above a stepper as an explorer puts them.
BENCH = """
import ipywidgets as w
from course_utils.stepper.stepper import Workbench
Workbench(
    viterbi_stepper(FORCED_ALIGNMENTS["worked example"].y, "AB"), w.Text(description="Text"), w.Textarea(description="Long text"),
    w.IntText(description="Number"), w.Dropdown(options=["a", "b"], description="List"), w.FloatSlider(description="Slider"),
    w.Checkbox(description="Checkbox"), w.Button(description="Button"), w.ToggleButton(description="Toggle"),
    w.RadioButtons(options=["a", "b"], description="Radio"), w.ToggleButtons(options=["a", "b"], description="Toggles"),
)
"""
SHOWN = [STEPPER, *(code for code, _ in EXPLORERS.values()), BENCH]
KINDS = {"stage", "button", "range", "select", "spinbutton", "summary", "text", "checkbox", "radio", "slider", "editor"}

# Every kind of control once, and the stepper itself unless it is tried elsewhere: which, and what it is called.
FIND = """
(output, alike) => {
  const seen = new Map();
  for (const e of output.querySelectorAll('button, input, select, textarea, summary, a[href], [tabindex]')) {
    if (!e.checkVisibility() || e.disabled || (alike && e.closest('.rc-stepper'))) continue;
    const kind = e.matches('.rc-stepper') ? 'stage' : e.getAttribute('role') ?? (e.matches('input') ? e.type : e.tagName.toLowerCase());
    const place = e.closest('.rc-stepper') ? 'stepper' : 'controls';
    if (!seen.has(kind + place)) seen.set(kind + place, [kind, e]);
  }
  window.rcFound = [...seen.values()].map(([, e]) => e);
  return [...seen.values()].map(([kind]) => kind);
}
"""
STATE = """
() => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  return {
    cells: content.model.sharedModel.cells.map((c) => [c.cell_type, c.getSource()]),
    kernel: [sessionContext.session.kernel.id, sessionContext.session.kernel.connectionStatus],
    active: content.activeCellIndex, mode: content.mode, dialogs: document.querySelectorAll('.jp-Dialog').length,
  };
}
"""


@pytest.fixture(scope="module")
def controls_notebook(lab, desk):
    lab.write("controls.ipynb", f"{IMPORTS}\n{EXAMPLES}", *SHOWN)
    with desk.open("controls.ipynb") as notebook:
        notebook.asked = []
        notebook.page.on(
            "request", lambda r: r.method == "POST" and "/api/kernels/" in r.url and notebook.asked.append(r.url)
        )
        notebook.run()
        assert notebook.errors() == []
        yield notebook
        assert not notebook.unrest()


def kinds_tried(notebook, which, alike):
    """Press the commands on every kind of control in one output, and return the kinds."""
    page = notebook.page
    notebook.scroll_to(which)
    output = notebook.cell(which).locator(".jp-OutputArea-output").first
    expect(output.locator(".rc-stepper[data-step]")).to_be_attached()
    kinds = output.evaluate(FIND, alike)
    for n, kind in enumerate(kinds):
        page.evaluate("n => rcFound[n].focus({ preventScroll: true })", n)
        if not page.evaluate("n => document.activeElement === rcFound[n]", n):
            continue  # an earlier key has changed what there is
        before = page.evaluate(STATE)
        for key in COMMANDS:
            page.keyboard.press(key)
        assert page.evaluate(STATE) == before, f"a key on {kind} of {SHOWN[which - 1][:40]!r} changed the notebook"
        page.keyboard.press("Escape")
    assert notebook.asked == []
    return kinds


def test_2_1_4_no_command_of_the_notebook_reaches_it_from_a_control_of_ours(controls_notebook):
    tried = set()
    for which in range(1, len(SHOWN) + 1):
        # The player is the same in all of them: the first stands for those that are not on a bench of their own.
        tried |= set(kinds_tried(controls_notebook, which, alike=1 < which < len(SHOWN)))
    assert tried | {"editor"} >= KINDS, f"some kinds of controls were not found: {KINDS - tried}"


def test_2_1_4_nor_from_the_editor_of_a_number(controls_notebook):
    page = controls_notebook.page
    controls_notebook.scroll_to(1)
    number = controls_notebook.cell(1).locator("[data-edit=number]").first
    before = page.evaluate(STATE)
    number.focus()
    page.keyboard.press("Enter")
    editor = controls_notebook.cell(1).locator(".rc-editor")
    for key in COMMANDS:
        expect(editor).to_be_focused()
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    assert page.evaluate(STATE) | {"active": 0} == before | {"active": 0}
    assert controls_notebook.asked == []


def test_a_control_that_lets_keys_through_is_seen(controls_notebook):
    """Planted: an output whose keys nobody keeps from the notebook."""
    page = controls_notebook.page
    controls_notebook.scroll_to(1)
    output = controls_notebook.cell(1).locator(".jp-OutputArea-output").first
    before = page.evaluate(STATE)["cells"]
    output.evaluate("output => output.insertAdjacentHTML('beforeend', '<button id=leaking>Leaks</button>')")
    page.locator("#leaking").focus()
    page.keyboard.press("b")
    page.wait_for_function("n => jupyterapp.shell.currentWidget.content.model.cells.length > n", arg=len(before))
    controls_notebook.command("notebook:undo-cell-action")
    page.evaluate("() => document.getElementById('leaking')?.remove()")
    assert page.evaluate(STATE)["cells"] == before
