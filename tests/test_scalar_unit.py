"""Section 10.3: are all fixed points found, and do they come and go where they should?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.scalar_unit import fixed_points, fold, iterate, orbit_of, sweep


@given(st.floats(-6, 6), st.floats(-3, 3))
def test_fixed_points_stay_and_a_fine_search_finds_no_others(w, b):
    found = fixed_points(w, b)
    for point in found:
        assert np.tanh(w * point.h + b) == pytest.approx(point.h, abs=1e-12)
        assert point.slope == pytest.approx(w * (1 - point.h**2))
    h = np.linspace(-1, 1, 20_001)
    above = np.tanh(w * h + b) - h
    crossings = np.count_nonzero(np.sign(above[1:]) != np.sign(above[:-1])) if (above != 0).all() else None
    if crossings is not None and (w <= 1 or abs(abs(b) - fold(w)) > 1e-5):
        assert len(found) == crossings
    assert [p.h for p in found] == sorted(p.h for p in found)


def test_the_numbers_of_the_text():
    assert fold(2) == pytest.approx(0.532839975, abs=1e-9)
    low, middle, high = fixed_points(2, 0)
    assert (low.h, high.h) == pytest.approx((-0.9575040, 0.9575040), abs=1e-7)
    assert (low.slope, high.slope) == pytest.approx((0.1663721, 0.1663721), abs=1e-7)
    assert middle.h == pytest.approx(0, abs=1e-12)
    assert not middle.stable
    assert low.stable
    assert high.stable


@pytest.mark.parametrize("w", [1.1, 2, 5, 20])
def test_two_fixed_points_meet_at_the_fold_with_slope_one(w):
    b = fold(w)
    assert b == pytest.approx(np.sqrt(w * (w - 1)) - np.arctanh(np.sqrt(1 - 1 / w)))
    assert [len(fixed_points(w, sign * b * (1 - 1e-6))) for sign in (1, -1)] == [3, 3]
    assert [len(fixed_points(w, sign * b * (1 + 1e-6))) for sign in (1, -1)] == [1, 1]
    meeting = min(fixed_points(w, b), key=lambda p: abs(p.slope - 1))
    assert meeting.slope == pytest.approx(1, abs=1e-5)


def test_at_the_pitchfork_one_becomes_three_and_at_the_flip_the_slope_passes_minus_one():
    assert [len(fixed_points(w, 0)) for w in (0.5, 1.0, 1.001)] == [1, 1, 3]
    assert fixed_points(-0.99, 0)[0].stable
    assert not fixed_points(-1.01, 0)[0].stable
    there_and_back = iterate(-2, 0, 0.3, 400)
    assert there_and_back[-1] == pytest.approx(-there_and_back[-2])
    assert abs(there_and_back[-1]) > 0.9


def test_stable_ones_are_where_the_unit_goes():
    for w, b in ((2, 0.1), (0.7, -0.4), (3, 0.5), (-0.8, 0.2)):
        ends = [p.h for p in fixed_points(w, b) if p.stable]
        for start in (-0.99, -0.2, 0.05, 0.99):
            assert min(abs(iterate(w, b, start, 3000)[-1] - h) for h in ends) < 1e-9


def test_a_bias_that_is_swept_up_and_down_jumps_at_the_folds_and_not_before():
    biases = np.linspace(-1, 1, 401)
    up, down = sweep(2, biases, -1.0), sweep(2, biases[::-1], 1.0)[::-1]
    jump_up, jump_down = biases[np.argmax(np.diff(up)) + 1], biases[np.argmax(np.diff(down)) + 1]
    assert jump_up == pytest.approx(fold(2), abs=0.006)
    assert jump_down == pytest.approx(-fold(2), abs=0.006)
    between = np.abs(biases) < 0.5
    assert (up[between] < 0).all()
    assert (down[between] > 0).all()


@pytest.mark.parametrize(
    "call",
    [lambda: fixed_points(np.nan, 0), lambda: fold(1), lambda: iterate(1, 0, np.inf, 3), lambda: iterate(1, 0, 0, -1)],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError, match=r" is "):
        call()


def test_an_orbit_holds_its_states_and_where_it_could_stay():
    found = orbit_of(2, 0.1, -0.3, 5)
    np.testing.assert_array_equal(found.states, iterate(2, 0.1, -0.3, 5))
    assert found.fixed_points == fixed_points(2, 0.1)
    assert (found.w, found.b) == (2.0, 0.1)


def test_zero_is_exactly_zero_without_a_bias():
    for w in (-2, 0, 0.5, 1, 2, 30):
        assert 0.0 in [point.h for point in fixed_points(w, 0)]
