"""Losses on their way back as a picture: do numbers, sentences and squares agree with what arrives?"""

import json
import re

import numpy as np
import pytest

from course_utils.notebook import truncation_explorer
from course_utils.scenes.truncation import MOST, truncation_scene
from course_utils.truncation import WAYS, reach

CASES = [
    (8, "full", 1),
    (8, "loss by loss", 2),
    (8, "loss by loss", 0),
    (8, "in chunks", 3),
    (2, "in chunks", 1),
    (1, "full", 1),
]


@pytest.mark.parametrize(("T", "way", "size"), CASES)
def test_each_step_sends_one_loss_and_counts_what_was_heard(T, way, size):
    found = reach(T, way, size)
    scene = truncation_scene(found)
    assert len(scene.steps) == T + 2
    assert not any(name.startswith(("n-", "at-")) for name in scene.marks_at(0))
    for s in range(T):
        marks = scene.marks_at(s + 1)
        for t in range(T):
            heard = int(found.arrives[: s + 1, t].sum())
            assert marks.get(f"n-{t}") is None or marks[f"n-{t}"].text == str(heard)
            assert (f"n-{t}" in marks) == (heard > 0)
            filled = f"at-{s}-{t}" in marks and marks[f"at-{s}-{t}"].level
            assert bool(filled) == bool(found.arrives[s, t])
        first, says = int(found.arrives[s].argmax()), scene.steps[s + 1].says
        through = re.search(r"through (\d+) Jacobian", says)
        assert (int(through[1]) if through else 0) == s - first
        back = [
            name for name, mark in scene.steps[s + 1].patch.items() if name.startswith("back-") and mark.state == "won"
        ]
        assert sorted(back) == [f"back-{t}" for t in range(first, s)]
    assert " ".join(map(str, found.heard)) in scene.steps[-1].says
    json.dumps(scene.to_json(), allow_nan=False)


def test_why_a_loss_stops_is_said():
    assert "state 1: k = 2 allows no more." in truncation_scene(reach(8, "loss by loss", 2)).steps[4].says
    assert "state 3: there the chunk begins." in truncation_scene(reach(8, "in chunks", 3)).steps[5].says
    assert "to state 0, the first." in truncation_scene(reach(8, "full")).steps[5].says


def test_the_cuts_are_drawn_between_the_chunks():
    assert truncation_scene(reach(8, "in chunks", 3)).svg.count('class="guide"') == 2
    assert truncation_scene(reach(8, "full")).svg.count('class="guide"') == 0


def test_the_explorer_follows_its_controls_and_says_what_it_takes():
    explorer = truncation_explorer()
    ways, size, steps = explorer.children[0].children[:3]
    for way in WAYS:
        ways.value = way
        for k in (0, 3):
            size.value = k
            found = reach(8, way, max(k, way == "in chunks"))
            assert explorer.shown().table.rows[-1][1:] == tuple(map(str, found.heard))
    ways.value, size.value = "in chunks", 0
    assert "at least one step" in explorer.message.value
    steps.value = 3
    assert len(explorer.shown().steps) == 5


def test_too_many_steps_are_refused():
    with pytest.raises(ValueError, match=f"there are {MOST + 1} steps; the picture takes at most {MOST}"):
        truncation_scene(reach(MOST + 1, "full"))
    assert np.all(reach(MOST, "full").heard > 0)
