"""Section 10.1: do powers grow as the eigenvalues say in the end, and as the norm says on the way?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.linear_recurrence import kreiss_constant, orbit, pair, powers, pulse_response


@given(st.floats(0, 3), st.floats(-7, 7), st.floats(1, 50))
def test_a_pair_has_the_eigenvalues_asked_for_whatever_its_shear(radius, angle, shear):
    W = pair(radius, angle, shear)
    assert np.trace(W) == pytest.approx(2 * radius * np.cos(angle), abs=1e-9)
    assert np.linalg.det(W) == pytest.approx(radius**2, abs=1e-9)
    if shear == 1:
        np.testing.assert_allclose(W.T @ W, radius**2 * np.eye(2), atol=1e-9)


def test_an_orbit_is_the_powers_applied():
    W, h = pair(0.9, 0.7, 3), np.array([1.0, -2.0])
    states = orbit(W, h, 12)
    for t in range(13):
        np.testing.assert_allclose(states[t], np.linalg.matrix_power(W, t) @ h, atol=1e-12)


@given(st.integers(0, 10**6))
def test_norms_of_powers_are_those_of_the_powers_and_gelfand_never_falls_below_the_radius(seed):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(3, 3))
    found = powers(W, 20)
    for n in range(21):
        assert found.log_norm[n] == pytest.approx(np.log(np.linalg.norm(np.linalg.matrix_power(W, n), 2)), abs=1e-6)
    assert (found.gelfand >= found.radius * (1 - 1e-9)).all()
    assert found.gelfand[0] == pytest.approx(found.norm)


def test_gelfands_formula_converges_and_nothing_over_or_underflows():
    W = pair(0.5, 1.0, 20)
    found = powers(W, 5000)
    assert found.gelfand[-1] == pytest.approx(0.5, rel=1e-3)
    assert found.log_norm[-1] == pytest.approx(5000 * np.log(0.5), abs=4)
    assert powers(pair(3, 1.0), 2000).log_norm[-1] == pytest.approx(2000 * np.log(3))


def test_a_nilpotent_matrix_ends_at_zero():
    found = powers([[0, 5.0], [0, 0]], 4)
    assert found.log_norm.tolist() == [0, np.log(5), -np.inf, -np.inf, -np.inf]
    assert found.peak == (1, pytest.approx(5.0))


@given(st.floats(0.1, 0.99), st.floats(0.05, 3), st.floats(1, 40))
def test_the_transient_lies_between_the_bounds_of_kreiss(radius, angle, shear):
    W = pair(radius, angle, shear)
    peak, kreiss = powers(W, 500).peak[1], kreiss_constant(W, 30, 60)
    assert kreiss <= peak * (1 + 1e-6)
    assert peak <= np.e * 2 * kreiss * 1.05
    if shear == 1:
        assert kreiss == pytest.approx(1)


def test_the_constant_of_a_jordan_block_is_near_what_a_fine_search_finds():
    W = np.array([[0.9, 1.0], [0, 0.9]])
    radii, angles = 1 + np.geomspace(1e-3, 10, 400), np.linspace(0, np.pi, 61)
    best = max(
        (r - 1) * np.linalg.norm(np.linalg.inv(r * np.exp(1j * a) * np.eye(2) - W), 2) for r in radii for a in angles
    )
    assert kreiss_constant(W) == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pair(-1, 0), "radius is -1"),
        (lambda: pair(1, 0, 0.5), "shear is 0.5"),
        (lambda: pair(1, np.inf), "angle is inf"),
        (lambda: orbit(np.eye(2), [1, 2, 3], 2), "h_init has shape"),
        (lambda: powers([[1, 2]], 2), "only a square matrix"),
        (lambda: kreiss_constant(2 * np.eye(2)), "finite only up to 1"),
    ],
)
def test_bad_arguments_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# -- a pulse


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_a_pulse_is_followed_by_the_powers_or_through_tanh(activation):
    W = pair(0.95, 0.4, 3)
    found = pulse_response(W, 12, activation)
    h = np.array([1.0, 0.0])
    for t in range(13):
        np.testing.assert_allclose(found.states[t], h, atol=1e-12)
        h = W @ h if activation == "identity" else np.tanh(W @ h)
    assert np.abs(found.eigenvalues) == pytest.approx([0.95, 0.95])
    assert found.powers.norm == pytest.approx(np.linalg.norm(W, 2))
    assert found.kreiss == pytest.approx(kreiss_constant(W))
    assert pulse_response(1.2 * np.eye(2), 3).kreiss == np.inf
    with pytest.raises(ValueError, match="activation is 'relu'"):
        pulse_response(W, 3, "relu")


def test_two_units_have_the_constant_that_they_have_beside_an_idle_third():
    """Of two, singular values come from a formula, of three from the decomposition."""
    for shear in (1, 3, 20):
        W = pair(0.95, 0.4, shear)
        assert kreiss_constant(np.pad(W, (0, 1))) == pytest.approx(kreiss_constant(W), rel=1e-9)
