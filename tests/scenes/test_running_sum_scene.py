"""A running sum as a picture: are the sums right, said as they are, and does the picture follow an edit?"""

import json

import pytest

from course_utils.notebook import sum_stepper
from course_utils.scenes.running_sum import MOST, running_sum_scene


def said(scene):
    return [step.says for step in scene.steps]


def test_each_step_adds_one_number():
    scene = running_sum_scene([3, -1, 4], [3, 2, 6])
    assert said(scene) == [
        "The sum begins at 0. One number comes in after the other.",
        "Step 0: the sum before, and the input of this step: 0 + 3 = 3.",
        "Step 1: the sum before, and the input of this step: 3 + (−1) = 2.",
        "Step 2: the sum before, and the input of this step: 2 + 4 = 6. That is the sum of all.",
    ]
    assert [scene.marks_at(3)[f"h-{t}"].text for t in range(3)] == ["3", "2", "6"]
    assert scene.table.rows == (("input", "3", "−1", "4"), ("sum", "3", "2", "6"))
    json.dumps(scene.to_json(), allow_nan=False)


def test_no_sum_is_there_before_it_is_computed():
    scene = running_sum_scene([3, -1, 4], [3, 2, 6])
    for t in range(3):
        assert f"h-{t}" not in scene.marks_at(t)
        assert scene.steps[t + 1].computes == (f"h-{t}",)


def test_the_sums_follow_a_number_that_is_changed_and_come_back():
    stepper = sum_stepper(3, -1, 4)
    changed = stepper._edit(("x", 1), 10.0)
    assert changed.table.rows[1] == ("sum", "3", "13", "17")
    assert stepper._edit(("x", 0), -3.0).table.rows[1] == ("sum", "−3", "7", "11")
    assert stepper._reset().table.rows[1] == ("sum", "3", "2", "6")


@pytest.mark.parametrize(("x", "sums"), [([], []), ([1] * (MOST + 1), range(MOST + 1)), ([1, 2], [1])])
def test_what_cannot_be_drawn_is_refused(x, sums):
    with pytest.raises(ValueError, match=f"x has {len(x)} numbers and sums {len(sums)}; give 1 to 8 numbers"):
        running_sum_scene(x, sums)


def test_the_longest_and_the_shortest_are_drawn():
    assert len(running_sum_scene([5], [5]).steps) == 2
    assert len(running_sum_scene([1] * MOST, list(range(1, MOST + 1))).steps) == MOST + 1
