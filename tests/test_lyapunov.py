"""Sections 10.5 and 10.6: do the exponents have the values that are published, and is the way back the way there?"""

import numpy as np
import pytest
from scipy.special import digamma

from course_utils.lyapunov import exponents, exponents_backward, scan_gains
from course_utils.rnn import RNN, run


def henon(T):
    x, y = 0.1, 0.1
    for _ in range(T):
        yield [[-2.8 * x, 1.0], [0.3, 0.0]]
        x, y = 1 - 1.4 * x * x + y, 0.3 * x


def test_the_henon_map():
    found = exponents(henon(30_000), skip=200)
    assert found == pytest.approx([0.419, -1.623], abs=0.006)
    assert found.sum() == pytest.approx(np.log(0.3), abs=1e-12)  # the determinant is −0.3 at every step


def test_the_logistic_map_at_four():
    def jacobians():
        x = 0.3
        for _ in range(40_000):
            yield [[4 - 8 * x]]
            x = 4 * x * (1 - x)

    assert exponents(jacobians(), skip=100)[0] == pytest.approx(np.log(2), abs=0.01)


def test_products_of_gaussian_matrices():
    """Newman (1986): λ_i = ½ [ln(2 / N) + ψ((N − i + 1) / 2)]."""
    N, rng = 10, np.random.default_rng(0)
    found = exponents(rng.normal(size=(N, N)) / np.sqrt(N) for _ in range(6000))
    expected = [0.5 * (np.log(2 / N) + digamma((N - i + 1) / 2)) for i in range(1, N + 1)]
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_of_one_matrix_they_are_the_logarithms_of_the_eigenvalues():
    W = np.array([[0.9, 3.0, 0.0], [0.0, 0.5, 1.0], [0.0, 0.0, -0.2]])
    assert exponents([W] * 400, skip=100) == pytest.approx(np.log([0.9, 0.5, 0.2]), abs=1e-6)
    assert exponents([W] * 400, count=1, skip=100) == pytest.approx([np.log(0.9)], abs=1e-6)


def test_the_gradients_of_a_network_have_the_exponents_of_its_states():
    rng, H = np.random.default_rng(1), 20
    W = 1.5 * rng.normal(size=(H, H)) / np.sqrt(H)
    net = RNN(np.zeros((H, 1)), W, np.zeros(H), np.eye(H), np.zeros(H), rng.normal(size=H))
    h = run(net, np.zeros((3000, 1))).h
    jacobians = [(1 - state**2)[:, None] * W for state in h]
    forward, backward = exponents(jacobians, 5, 500), exponents_backward(jacobians, 5, 500)
    np.testing.assert_allclose(forward, backward, atol=0.01)


def test_a_lost_direction_has_minus_infinity():
    assert exponents([np.diag([2.0, 0.0])] * 5)[-1] < -30


@pytest.mark.parametrize(
    ("jacobians", "settings", "says"),
    [
        ([], {}, "no step to look at"),
        ([np.eye(2)], {"skip": 1}, "no step to look at"),
        ([np.eye(2), np.eye(3)], {}, "the Jacobian of step 1 has shape"),
        ([np.ones((2, 3))], {}, "must be square"),
        ([np.eye(2)], {"count": 3}, "there are 2 exponents"),
    ],
)
def test_bad_arguments_are_refused(jacobians, settings, says):
    with pytest.raises(ValueError, match=says):
        exponents(jacobians, **settings)


# -- many gains at once


def test_gains_side_by_side_are_those_one_by_one():
    rng, H = np.random.default_rng(3), 15
    scan = scan_gains([0.6, 1.3], H, np.random.default_rng(3), steps=60, skip=10, shown=5)
    W = rng.normal(size=(H, H)) / np.sqrt(H)
    start, difference = rng.normal(size=H), rng.normal(size=H)
    for n, gain in enumerate((0.6, 1.3)):
        h, d, logs, states = start, difference / np.linalg.norm(difference), [], []
        for _ in range(70):
            h = np.tanh(gain * W @ h).round(6)
            d = np.diag(1 - h * h) @ (gain * W) @ d
            logs.append(np.log(np.linalg.norm(d)))
            d = d / np.linalg.norm(d)
            states.append(h)
        assert scan.exponent[n] == pytest.approx(np.mean(logs[10:]), abs=1e-9)
        np.testing.assert_allclose(scan.states[n], states[-5:], atol=1e-9)
    assert scan.steps == 70


def test_large_networks_turn_lively_near_a_gain_of_one():
    """Sompolinsky, Crisanti and Sommers (1988), whose network is infinite."""
    scan = scan_gains([0.5, 0.8, 0.9, 1.3, 1.6, 2.0], 300, np.random.default_rng(0))
    assert scan.exponent[:3] == pytest.approx(np.log([0.5, 0.8, 0.9]), abs=0.05)
    assert (scan.exponent[3:] > 0).all()
    assert (np.diff(scan.exponent) > 0).all()


@pytest.mark.parametrize(
    ("gains", "H", "says"),
    [([], 3, "gains has shape"), ([np.nan], 3, "finite"), ([1.0], 0, "H is 0"), (1.0, 3, "gains has shape")],
)
def test_bad_scans_are_refused(gains, H, says):
    with pytest.raises(ValueError, match=says):
        scan_gains(gains, H, np.random.default_rng(0))
