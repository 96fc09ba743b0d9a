"""The widget without a browser: what it keeps, what it refuses, and what stands where it cannot be shown."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.notebook import training_stepper, viterbi_explorer, viterbi_stepper
from course_utils.scenes.viterbi import viterbi_scene
from course_utils.stepper import Stepper
from course_utils.stepper.page import page

WORKED_EXAMPLE = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
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
    return viterbi_scene(WORKED_EXAMPLE, "AB")


# -- what stands in a saved notebook


def test_where_no_widget_can_be_shown_its_numbers_are(make):
    html = make()._repr_mimebundle_()[0]["text/html"]
    root = ElementTree.fromstring(html)
    assert root.tag == "table"
    assert root.find("caption").text
    assert len(root.findall("tbody/tr")) > 2
    assert not re.search(r"<script|<svg|<style|\son\w+=|\sid=", html)
    assert len(html.encode()) < 8_000


def test_the_fallback_is_the_table_of_the_worked_example():
    root = ElementTree.fromstring(SHOWN["stepper"]()._repr_mimebundle_()[0]["text/html"])
    rows = [[cell.text for cell in row] for row in root.findall("tbody/tr")]
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
    shorter = viterbi_scene(WORKED_EXAMPLE[:2], "AB")
    stepper.show(shorter)
    assert stepper.step == len(shorter.steps) - 1
    assert stepper.shown() is shorter
    assert stepper.scene == shorter.to_json()


# -- editing


def test_without_an_edit_function_nothing_is_editable(scene):
    assert not Stepper(scene).editable
    assert Stepper(scene, edit=lambda mark, value: scene).editable


def test_a_shorter_scene_does_not_move_the_reader(scene, monkeypatch):
    """Is a step that only Python has shortened kept to itself, where the reader may have stepped on meanwhile?"""
    shorter = viterbi_scene(WORKED_EXAMPLE[:3], "AB")
    stepper, sent = Stepper(scene, step=len(scene.steps) - 1), []
    monkeypatch.setattr(stepper, "send_state", lambda key=None: sent.append(key))
    stepper.show(shorter)
    assert stepper.step == len(shorter.steps) - 1
    assert sent == ["scene"]
    stepper.step = 0  # what Python chooses is sent
    assert sent == ["scene", "step"]


def test_an_edit_gets_the_mark_and_the_number_and_its_scene_is_shown(scene):
    asked, other = [], viterbi_scene(WORKED_EXAMPLE, "BA")

    def edit(mark, value):
        asked.append((mark, value))
        return other

    stepper = Stepper(scene, edit=edit, step=4)
    stepper._handle_custom_msg({"mark": "y-2-1", "value": 0.9}, [])
    assert asked == [("y-2-1", 0.9)]
    assert stepper.shown() is other
    assert stepper.step == 4


def test_a_refused_edit_is_answered_with_its_reason(scene, monkeypatch):
    def edit(mark, value):
        raise ValueError("no such number")

    stepper, sent = Stepper(scene, edit=edit), []
    monkeypatch.setattr(stepper, "send", sent.append)
    stepper._handle_custom_msg({"mark": "y-2-1", "value": 7, "view": "a"}, [])
    assert sent == [{"view": "a", "refused": "no such number"}]
    assert stepper.shown() is scene


def test_every_edit_is_answered_also_where_nothing_changes(scene, monkeypatch):
    """An equal scene is not sent again, and the browser waits for an answer."""
    stepper, sent = Stepper(scene, edit=lambda mark, value: scene), []
    monkeypatch.setattr(stepper, "send", sent.append)
    stepper._handle_custom_msg({"mark": "y-2-1", "value": 0.7}, [])
    assert sent == [{"view": None, "refused": ""}]


# -- pages without a kernel


def test_a_page_plays_its_scenes_from_one_file(scene):
    other = viterbi_scene(np.full((3, 2), 0.5), "AB", domain="log")
    html = page("Two < three", [scene, other])
    told = re.findall(r'<script type="application/json" data-rc-scene>(.*?)</script>', html, re.S)
    assert [json.loads(data) for data in told] == [scene.to_json(), other.to_json()]
    assert html.count("<noscript><table>") == 2
    assert html.count("playPage(document)") == 1
    assert "<h1>Two &lt; three</h1>" in html


def test_a_page_asks_nothing_of_the_network(scene):
    html = page("Offline", [scene])
    assert set(re.findall(r"https?://[^\s\"'<>\\]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|<img|\ssrc=|@import|url\(|\bimport\s*\(|^\s*import\s", html, re.M)
    assert html.count("</script>") == 2
