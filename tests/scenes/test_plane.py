"""Planes: are numbers drawn where they belong, and curves cut where they leave the plane?"""

import re

import pytest

from course_utils.scenes.plane import Plane

PLANE = Plane(10, 20, 200, 100, (-1, 0), (1, 10))


def test_corners_lie_in_the_corners():
    assert PLANE.at(-1, 0) == (10, 120)
    assert PLANE.at(1, 10) == (210, 20)
    assert PLANE.at(0, 5) == (110, 70)
    assert PLANE.holds(1, 10)
    assert not PLANE.holds(1.01, 5)


@pytest.mark.parametrize(
    ("points", "path"),
    [
        ([(-1, 0), (1, 10)], "M10.0 120.0L210.0 20.0"),
        ([(-1, 0), (0, 5), (1, 0)], "M10.0 120.0L110.0 70.0L210.0 120.0"),
        ([(0, 5), (0, 15)], "M110.0 70.0L110.0 20.0"),  # leaves
        ([(-3, 5), (3, 5)], "M10.0 70.0L210.0 70.0"),  # comes and leaves
        ([(0, 15), (1, 12)], ""),  # never there
        ([(0, 5), (0, 15), (0, 5)], "M110.0 70.0L110.0 20.0L110.0 70.0"),
        ([(-0.5, 12), (0, 8), (0.5, 12)], "M85.0 20.0L110.0 40.0L135.0 20.0"),
        ([(0, 5), (float("nan"), 5), (1, 5)], ""),
        ([(0, 5)], ""),
    ],
)
def test_a_curve_is_drawn_as_far_as_it_lies_inside(points, path):
    drawn = re.sub(r"(?<=[\d])L(\S+ \S+)M\1", r"L\1", PLANE.path(points))
    assert drawn == path


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [((0, 0), (1, 30), [0, 5, 10, 15, 20, 25, 30]), ((0, -1.25), (1, 1.25), [-1, -0.5, 0, 0.5, 1]), ((0, 0.001), (1, 0.004), [0.001, 0.0015, 0.002, 0.0025, 0.003, 0.0035, 0.004])],
)  # fmt: skip
def test_ticks_are_round_numbers(low, high, ticks):
    found = Plane(0, 0, 10, 10, low, high).ticks(1)
    assert len(found) <= 7
    assert set(found) <= set(ticks) | {0.0}


def test_a_dot_outside_is_a_mark_without_a_shape():
    assert "circle" in PLANE.dot("a", 0, 5, "label")
    assert "circle" not in PLANE.dot("a", 0, 15, "label")
