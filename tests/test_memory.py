"""Section 10.7: is what is remembered of each lag what a regression finds, and do all of them add up to the units?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.memory import memory_curve, read_back


def network(seed, H, radius):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(H, H))
    return W * radius / np.abs(np.linalg.eigvals(W)).max(), rng.normal(size=H)


@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0.2, 0.95))
def test_all_lags_together_are_as_many_as_the_units(seed, H, radius):
    W, v = network(seed, H, radius)
    images = np.array([np.linalg.matrix_power(W, k) @ v for k in range(H)])
    if np.linalg.cond(images) > 1e5:
        return  # a direction that is hardly reached, and rounding decides
    m = memory_curve(W, v, 2000)
    assert m.sum() == pytest.approx(H, rel=1e-4)
    assert (m >= -1e-9).all()
    assert (m <= 1 + 1e-9).all()


def test_the_curve_is_what_regression_finds_on_a_long_run():
    W, v = network(3, 5, 0.9)
    x = np.random.default_rng(0).normal(size=200_000)
    h = np.zeros((len(x), 5))
    for t in range(1, len(x)):
        h[t] = W @ h[t - 1] + v * x[t]
    m = memory_curve(W, v, 12)
    for k in (0, 2, 5, 11):
        now, past = h[1000:], x[1000 - k : len(x) - k]
        fitted = now @ np.linalg.lstsq(now, past, rcond=None)[0]
        assert m[k] == pytest.approx(np.corrcoef(fitted, past)[0, 1] ** 2, abs=0.01)


def test_a_shift_register_remembers_exactly_as_far_as_it_is_long():
    W = np.eye(4, k=-1)
    assert memory_curve(W, [1, 0, 0, 0], 7) == pytest.approx([1, 1, 1, 1, 0, 0, 0], abs=1e-12)


def test_a_direction_that_is_never_reached_holds_nothing():
    W, v = np.diag([0.5, 0.8]), np.array([1.0, 0.0])
    assert memory_curve(W, v, 500).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("W", "v", "says"), [(np.eye(2), [1, 0], "must be below 1"), (0.5 * np.eye(2), [1], "it must be \\(2,\\)")]
)
def test_bad_arguments_are_refused(W, v, says):
    with pytest.raises(ValueError, match=says):
        memory_curve(W, v, 3)


def test_what_is_measured_of_a_linear_network_is_its_curve():
    W, v = network(3, 5, 0.9)
    x = np.random.default_rng(1).normal(size=40_000)
    h = np.zeros((len(x), 5))
    for t in range(1, len(x)):
        h[t] = W @ h[t - 1] + v * x[t]
    assert read_back(h, x, 12) == pytest.approx(memory_curve(W, v, 12), abs=0.03)


def test_what_is_measured_is_judged_on_what_was_not_fitted():
    rng = np.random.default_rng(0)
    assert read_back(rng.normal(size=(400, 100)), rng.normal(size=400), 5).max() < 0.1


def test_states_that_do_not_move_remember_nothing():
    assert read_back(np.ones((50, 2)), np.random.default_rng(0).normal(size=50), 3) == pytest.approx(
        [0, 0, 0], abs=1e-12
    )


def test_a_fading_network_is_not_rounded_away():
    """0.5 to the power 40 is far below the last digit of the first image."""
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 20)))[0]
    assert memory_curve(0.5 * Q, np.ones(20), 400).sum() == pytest.approx(20, abs=1e-6)


@pytest.mark.parametrize(
    ("states", "x", "says"),
    [(np.ones((5, 2)), np.ones(4), "give"), (np.ones(5), np.ones(5), "give"), (np.ones((8, 3)), np.ones(8), "too few")],
)
def test_bad_runs_are_refused(states, x, says):
    with pytest.raises(ValueError, match=says):
        read_back(states, x, 2)
