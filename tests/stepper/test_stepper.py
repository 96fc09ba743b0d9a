"""The widget without a browser: what it keeps, what it refuses, and what stands where it cannot be shown."""

import re
from xml.etree import ElementTree

import pytest

from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.notebook import training_stepper, viterbi_explorer, viterbi_stepper
from course_utils.scenes.trellis import trellis_scene
from course_utils.stepper.stepper import Stepper
from course_utils.trellis import fill_trellis
from tests.browserless import tell

WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y.tolist()
UTTERANCES = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3
SHOWN = {
    "stepper": lambda: viterbi_stepper(WORKED_EXAMPLE, "AB"),
    "log": lambda: viterbi_stepper(WORKED_EXAMPLE, "AB", domain="log"),
    "explorer": viterbi_explorer,
    "training": lambda: training_stepper([[0, 2], [1.5, 0]], *UTTERANCES),
}


@pytest.fixture(params=SHOWN)
def make(request):
    return SHOWN[request.param]


@pytest.fixture
def scene():
    return trellis_scene(fill_trellis(WORKED_EXAMPLE, "AB"))


# -- what stands in a saved notebook


def test_where_no_widget_can_be_shown_its_numbers_are(make):
    html = make()._repr_mimebundle_()[0]["text/html"]
    root = ElementTree.fromstring(html)
    assert root.tag == "details"
    assert "open" not in root.attrib  # the table has the answers to what is asked above it
    assert root.find("summary").text.endswith("the numbers, with the answers")
    assert root.find("table/caption").text
    assert len(root.findall("table/tbody/tr")) > 2
    assert not re.search(r"<script|<svg|<style|\son\w+=|\sid=", html)
    assert len(html.encode()) < 8_000


def test_the_fallback_is_the_table_of_the_worked_example():
    root = ElementTree.fromstring(SHOWN["stepper"]()._repr_mimebundle_()[0]["text/html"])
    rows = [[cell.text for cell in row] for row in root.findall("table/tbody/tr")]
    assert rows[-3:] == [
        ["V, i = 0 A", "0.9", "0.54", "0.162", "0.0324"],
        ["V, i = 1 B", "0", "0.36", "0.378", "0.3024"],
        ["best path", "A", "A", "B", "B"],
    ]


def test_running_a_cell_again_changes_no_text(make):
    one, two = make(), make()
    assert repr(one) == repr(two)
    assert "0x" not in repr(one)
    for mime in ("text/plain", "text/html"):
        assert one._repr_mimebundle_()[0][mime] == two._repr_mimebundle_()[0][mime]
    assert one._repr_mimebundle_()[0]["text/plain"] == repr(one)


def test_the_live_view_travels_beside_the_fallback(make):
    assert "application/vnd.jupyter.widget-view+json" in make()._repr_mimebundle_()[0]


# -- the step


@pytest.mark.parametrize(("asked", "kept"), [(-5, 0), (0, 0), (3, 3), (11, 11), (99, 11)])
def test_a_step_stays_within_the_scene(scene, asked, kept):
    stepper = Stepper(scene)
    stepper.step = asked
    assert stepper.step == kept
    assert Stepper(scene, step=asked).step == kept


def test_a_shorter_scene_is_shown_from_its_last_step(scene):
    stepper = Stepper(scene, step=11)
    shorter = trellis_scene(fill_trellis(WORKED_EXAMPLE[:2], "AB"))
    stepper.play(shorter)
    assert stepper.step == len(shorter.steps) - 1
    assert stepper.shown() is shorter
    assert stepper.scene == shorter.to_json()


# -- editing


def test_without_an_edit_function_nothing_is_editable(scene):
    assert not Stepper(scene).editable
    assert Stepper(scene, edit=lambda place, value: scene).editable


def test_a_shorter_scene_does_not_move_the_reader(scene, monkeypatch):
    """Is a step that only Python has shortened kept to itself, where the reader may have stepped on meanwhile?"""
    shorter = trellis_scene(fill_trellis(WORKED_EXAMPLE[:3], "AB"))
    stepper, sent = Stepper(scene, step=len(scene.steps) - 1), []
    monkeypatch.setattr(stepper, "send_state", lambda key=None: sent.append(key))
    stepper.play(shorter)
    assert stepper.step == len(shorter.steps) - 1
    assert sent == ["scene"]
    stepper.step = 0  # what Python chooses is sent
    assert sent == ["scene", "step"]


def test_an_edit_gets_the_place_and_the_number_and_its_scene_is_shown(scene):
    asked, other = [], trellis_scene(fill_trellis(WORKED_EXAMPLE, "BA"))

    def edit(place, value):
        asked.append((place, value))
        return other

    stepper = Stepper(scene, edit=edit, step=4)
    tell(stepper, mark="y-2-1", value=0.9)
    assert asked == [((2, 1), 0.9)]
    assert stepper.shown() is other
    assert stepper.step == 4


def test_a_refused_edit_is_answered_with_its_reason(scene):
    def edit(place, value):
        raise ValueError("no such number")

    stepper = Stepper(scene, edit=edit)
    assert tell(stepper, mark="y-2-1", value=0.7, view="a") == [{"view": "a", "refused": "no such number"}]
    assert stepper.shown() is scene


@pytest.mark.parametrize(
    ("mark", "value", "why"),
    [
        ("y-2-1", 7, "7 is no probability: it is a number from 0 to 1"),
        ("y-2-1", None, "None is no probability: it is a number from 0 to 1"),
        ("V-2-1", 0.7, "what you have changed is not in the picture any more"),
        ("y-9-9", 0.7, "what you have changed is not in the picture any more"),
    ],
)
def test_what_is_no_value_of_an_edit_never_reaches_who_draws(scene, mark, value, why):
    asked = []
    stepper = Stepper(scene, edit=lambda *edit: asked.append(edit))
    assert tell(stepper, mark=mark, value=value, view="a") == [{"view": "a", "refused": why}]
    assert (stepper.shown(), asked) == (scene, [])


def test_every_edit_is_answered_also_where_nothing_changes(scene):
    """An equal scene is not sent again, and the browser waits for an answer."""
    stepper = Stepper(scene, edit=lambda place, value: scene)
    assert tell(stepper, mark="y-2-1", value=0.7) == [{"view": None, "refused": ""}]


def test_the_numbers_of_the_beginning_are_asked_for_without_a_mark(scene):
    other = trellis_scene(fill_trellis(WORKED_EXAMPLE, "BA"))
    stepper = Stepper(other, edit=lambda place, value: other, reset=lambda: scene, step=3)
    assert stepper.resettable
    assert tell(stepper, mark=None, value=None, view="a") == [{"view": "a", "refused": ""}]
    assert (stepper.shown(), stepper.step) == (scene, 3)


def test_without_a_way_back_none_is_offered(scene):
    assert not Stepper(scene, edit=lambda place, value: scene).resettable
