"""What a reader may change: which values are taken, and what travels to the player."""

import json
import math

import numpy as np
import pytest

from course_utils.scenes.edits import Choice, Number, Point

PROBABILITY = Number((2, 1), 0.25, "probability", 0, 1, 0.01, 0.45)
CHOICE = Choice(("path", 2, 1), False, "cell of the path")
STATE = Point(("h_init",), (0.5, -0.25), "state", (-1, -2), (1, 2), 0.1, (200, 100))


@pytest.mark.parametrize("value", [0, 1, 0.3, np.float64(0.3), np.int64(1)])
def test_a_number_in_range_is_taken_as_a_float(value):
    found = PROBABILITY.check(value)
    assert type(found) is float
    assert found == value


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf, None, "0.5", True, [0.5], 1j])
def test_what_is_no_number_in_range_is_refused(value):
    with pytest.raises(ValueError, match="is no probability: it is a number from 0 to 1"):
        PROBABILITY.check(value)


def test_a_choice_is_true_or_false():
    assert CHOICE.check(True) is True
    assert CHOICE.check(False) is False


@pytest.mark.parametrize("value", [1, 0, None, "yes", math.nan, [True]])
def test_what_is_no_choice_is_refused(value):
    with pytest.raises(ValueError, match="is no choice: a cell of the path is chosen or not"):
        CHOICE.check(value)


@pytest.mark.parametrize("value", [[0.5, 1.5], (-1, -2), (1, 2)])
def test_a_point_of_the_plane_is_taken_as_two_floats(value):
    assert STATE.check(value) == tuple(value)
    assert all(type(number) is float for number in STATE.check(value))


@pytest.mark.parametrize(
    "value", [(1.1, 0), (0, -2.1), (0,), (0, 0, 0), (0, math.nan), (True, 0), "00", None, 3, {0: 1, 1: 0}]
)
def test_what_is_no_point_of_the_plane_is_refused(value):
    with pytest.raises(ValueError, match=r"is no state: it is a point of the plane from \(-1, -2\) to \(1, 2\)"):
        STATE.check(value)


@pytest.mark.parametrize(("edit", "kind"), [(PROBABILITY, "number"), (CHOICE, "choice"), (STATE, "point")])
def test_the_player_hears_of_everything_but_the_place(edit, kind):
    sent = json.loads(json.dumps(edit.to_json(), allow_nan=False))
    assert sent["kind"] == kind
    assert "place" not in sent
    assert set(vars(edit)) - {"place"} == set(sent) - {"kind"}


def test_a_number_travels_as_it_is_read():
    assert Number(("x",), 1 / 3, "number", -1, 1, 0.1).to_json()["value"] == 0.333333
    assert STATE.to_json()["value"] == [0.5, -0.25]
    assert CHOICE.to_json()["value"] is False
