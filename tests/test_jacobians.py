"""Section 5.4: is the product of Jacobians right, also where it underflows, and do the bounds hold?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.activations import LARGEST_SLOPE
from course_utils.examples import CONDITIONS
from course_utils.jacobians import matrix_with, product_of_jacobians, spectral_norm, spectral_radius
from course_utils.rnn import RNN, random_rnn, run

seeds = st.integers(0, 2**32 - 1)
BY_NAME = {condition.name: condition for condition in CONDITIONS}


def random_run(rng, T=None, H=None, scale=None):
    """Run a random network on a random sequence."""
    T = int(rng.integers(0, 15)) if T is None else T
    H = int(rng.integers(1, 6)) if H is None else H
    scale = rng.uniform(0.1, 3) if scale is None else scale
    net = random_rnn(rng, 2, H, 1, str(rng.choice(list(LARGEST_SLOPE))), scale)
    return run(net.with_parameters(b_h=rng.normal(size=H), h_init=rng.normal(size=H)), rng.normal(size=(T, 2)))


# -- two sizes of a matrix


@given(seeds)
def test_norm_and_radius_are_what_their_definitions_say(seed):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(4, 4))
    v = rng.normal(size=(4, 1000))
    stretched = np.linalg.norm(W @ v, axis=0) / np.linalg.norm(v, axis=0)
    norm, radius = spectral_norm(W), spectral_radius(W)
    assert stretched.max() <= norm + 1e-12
    assert norm == pytest.approx(np.sqrt(np.linalg.eigvalsh(W.T @ W).max()), rel=1e-10)
    assert radius <= norm + 1e-12
    power = np.linalg.matrix_power(W / radius, 400)
    assert np.log(radius) + np.log(np.linalg.norm(power, 2)) / 400 == pytest.approx(np.log(radius), abs=0.02)


def test_a_matrix_whose_square_is_zero_has_no_radius_but_a_norm():
    W = [[0, 2], [0, 0]]
    assert spectral_norm(W) == 2
    assert spectral_radius(W) == 0
    assert spectral_radius([[-2, 0], [0, 0.5]]) == 2


@pytest.mark.parametrize(
    ("W", "says"),
    [
        ([1, 2], r"W has shape \(2,\); it must be a matrix"),
        (np.zeros((0, 0)), r"W has shape \(0, 0\); it must be a matrix"),
        ([[1, np.nan], [0, 1]], "W has a number that is not finite"),
        ([[1, 2], [3]], "W is not an array of numbers"),
        ("eye", "W is not an array of numbers"),
    ],
)
def test_what_has_neither_norm_nor_radius_is_refused(W, says):
    for size in (spectral_norm, spectral_radius):
        with pytest.raises(ValueError, match=says):
            size(W)


def test_only_a_square_matrix_has_a_radius():
    assert spectral_norm(np.ones((1, 4))) == 2
    with pytest.raises(ValueError, match=r"W has shape \(1, 4\); only a square matrix has eigenvalues"):
        spectral_radius(np.ones((1, 4)))


# -- the product


@given(seeds)
def test_every_row_is_the_product_of_the_last_factors(seed):
    forward = random_run(np.random.default_rng(seed))
    found, J = product_of_jacobians(forward), forward.jacobians()
    T, H = len(J), len(forward.net.W_hh)
    assert found.log_norm.shape == found.log_upper.shape == found.log_lower.shape == (T + 1,)
    assert found.direction.shape == (T + 1, H, H)
    np.testing.assert_array_equal(found.factors, J[::-1])
    np.testing.assert_allclose(found.factor_norms, [spectral_norm(factor) for factor in J[::-1]], rtol=1e-12)
    assert found.forward is forward
    directly = np.eye(H)
    for n in range(T + 1):
        directly = directly @ J[T - n] if n else directly
        size = np.linalg.norm(directly, 2)
        np.testing.assert_allclose(found.matrix(n), directly, rtol=0, atol=1e-12 * max(size, 1e-300))
        if size > 0:
            assert found.log_norm[n] == pytest.approx(np.log(size), abs=1e-10)
            assert np.linalg.norm(found.direction[n], 2) == pytest.approx(1, abs=1e-12)
        else:
            assert found.log_norm[n] == -np.inf
            assert not found.direction[n].any()


def test_the_whole_product_is_the_derivative_of_the_last_state_with_respect_to_the_initial_one():
    rng = np.random.default_rng(0)
    forward = random_run(rng, T=6, H=3, scale=1)
    moved = []
    for k in range(3):
        ends = [run(forward.net, forward.x, forward.states[0] + s * np.eye(3)[k]).states[-1] for s in (1e-5, -1e-5)]
        moved.append((ends[0] - ends[1]) / 2e-5)
    np.testing.assert_allclose(product_of_jacobians(forward).matrix(6), np.array(moved).T, rtol=0, atol=1e-8)


@given(seeds)
def test_the_bounds_hold(seed):
    forward = random_run(np.random.default_rng(seed), T=30)
    found = product_of_jacobians(forward)
    room = 1e-9 * (1 + np.arange(31))
    assert (found.log_norm <= found.log_upper + room).all()
    assert (found.log_lower <= found.log_norm + room).all()
    assert found.log_norm[0] == found.log_upper[0] == found.log_lower[0] == 0


def test_the_bounds_are_what_their_names_say():
    forward = random_run(np.random.default_rng(3), T=5, H=3)
    found, J = product_of_jacobians(forward), forward.jacobians()
    gamma = LARGEST_SLOPE[forward.net.activation]
    np.testing.assert_allclose(found.log_upper, np.arange(6) * np.log(gamma * spectral_norm(forward.net.W_hh)))
    for n in range(6):
        smallest = [np.linalg.svd(J[5 - k])[1][-1] for k in range(1, n + 1)]
        with np.errstate(divide="ignore"):
            assert found.log_lower[n] == pytest.approx(np.log(smallest).sum(), abs=1e-10)


def test_it_knows_norm_and_radius_of_the_weights_unless_the_radius_is_known_better():
    forward = random_run(np.random.default_rng(3), T=5, H=3)
    W, found = forward.net.W_hh, product_of_jacobians(forward)
    assert (found.W_norm, found.W_radius) == (spectral_norm(W), spectral_radius(W))
    known = product_of_jacobians(forward, 0.125)
    assert (known.W_norm, known.W_radius) == (found.W_norm, 0.125)
    np.testing.assert_array_equal(known.log_norm, found.log_norm)


@pytest.mark.parametrize("activation", list(LARGEST_SLOPE))
def test_no_slope_is_steeper_than_the_steepest_and_some_slope_is(activation):
    z = np.linspace(-5, 5, 1001)[:, None]
    slope = run(RNN([[1]], [[0]], [0], [[1]], [0], activation=activation), z).slope
    assert slope.max() == LARGEST_SLOPE[activation]


def test_the_logarithm_is_right_where_the_product_underflows():
    """The n-th power of this matrix is known: 0.5^n times (1, 20 n; 0, 1)."""
    found = product_of_jacobians(BY_NAME["norm 10, vanishes"].run(2000))
    for n in (1, 500, 1000, 2000):
        size = n * np.log(0.5) + np.log(np.linalg.norm([[1, 20 * n], [0, 1]], 2))
        assert found.log_norm[n] == pytest.approx(size, rel=1e-12)
    assert not found.matrix(2000).any()
    np.testing.assert_allclose(found.direction[2000], [[1 / 40000, 1], [0, 1 / 40000]], rtol=1e-6, atol=1e-12)


def test_the_logarithm_is_right_where_the_product_overflows():
    found = product_of_jacobians(BY_NAME["eigenvalue −2, explodes"].run(2000))
    np.testing.assert_allclose(found.log_norm, np.arange(2001) * np.log(2), rtol=1e-12)
    np.testing.assert_array_equal(found.direction[2000], [[1, 0], [0, 0]])


def test_what_overflows_is_infinite_and_not_nan():
    overflown = product_of_jacobians(BY_NAME["eigenvalue −2, explodes"].run(2000)).matrix(2000)
    np.testing.assert_array_equal(overflown, [[np.inf, 0], [0, 0]])


def test_a_product_that_is_zero_stays_zero():
    """A unit of relu that is off lets nothing through, whatever comes before it."""
    net = RNN([[1]], [[2]], [0], [[1]], [0], activation="relu")
    found = product_of_jacobians(run(net, [[1.0], [1], [-9], [1], [1]]))
    assert found.log_norm[:3].tolist() == [0, np.log(2), 2 * np.log(2)]
    assert found.log_norm[3:].tolist() == [-np.inf] * 3
    assert found.log_lower[3:].tolist() == [-np.inf] * 3
    assert not found.direction[3:].any()
    assert not found.matrix(5).any()
    assert np.isfinite(found.log_upper).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_product_that_only_rounding_keeps_from_zero_is_zero(seed):
    """In any basis the square of this matrix is zero, and computed it is some 1e-16."""
    W = matrix_with(0, 3, 2, np.random.default_rng(seed))
    assert 0 < spectral_norm(W @ W) < 1e-14
    found = product_of_jacobians(
        run(RNN(np.zeros((2, 1)), W, [0, 0], W, [0, 0], activation="identity"), np.zeros((4, 1)))
    )
    assert found.log_norm[1] == pytest.approx(np.log(3), rel=1e-12)
    assert found.log_norm[2:].tolist() == [-np.inf] * 3
    assert not found.direction[2:].any()
    assert found.log_lower[1:].tolist() == [-np.inf] * 4


def test_weights_of_zero_and_no_steps():
    nothing = product_of_jacobians(run(RNN([[1]], [[0]], [0], [[1]], [0]), np.zeros((2, 1))))
    assert (
        nothing.log_norm.tolist() == nothing.log_upper.tolist() == nothing.log_lower.tolist() == [0, -np.inf, -np.inf]
    )
    empty = product_of_jacobians(run(RNN([[1]], [[2]], [0], [[1]], [0]), np.zeros((0, 1))))
    assert empty.log_norm.tolist() == empty.log_upper.tolist() == empty.log_lower.tolist() == [0]
    assert empty.matrix(0).tolist() == [[1]]


def test_a_batch_is_refused():
    net = random_rnn(np.random.default_rng(0), 2, 3, 1)
    with pytest.raises(ValueError, match=r"x has shape \(4, 5, 2\); take a single sequence, \(T, D\)"):
        product_of_jacobians(run(net, np.zeros((4, 5, 2))))


def test_what_underflows_is_no_error():
    """Saturated units, weights whose products are too small for a number, and a product of 2000 factors."""
    small = RNN([[0.0], [0]], [[1e-200, 1e-200], [0, 1e-200]], [800, 0.5], np.eye(2), [0, 0])
    with np.errstate(all="raise"):
        saturated = product_of_jacobians(run(small, np.zeros((5, 1))))
        assert saturated.log_norm[5] < -2000
        assert not saturated.matrix(5).any()
        nearly = RNN([[0.0], [0]], [[1, 1e-200], [1e-200, 1]], [0, 0], np.eye(2), [0, 0], activation="identity")
        np.testing.assert_allclose(product_of_jacobians(run(nearly, np.zeros((5, 1)))).log_norm, 0, atol=1e-12)
        for condition in CONDITIONS:
            product_of_jacobians(condition.run(100)).matrix(100)
        assert not product_of_jacobians(BY_NAME["norm 10, vanishes"].run(2000)).matrix(2000).any()
        assert spectral_norm(matrix_with(1e-308, 2e-308, 3, np.random.default_rng(0))) == pytest.approx(2e-308)


# -- a matrix of chosen sizes


@pytest.mark.parametrize("H", [2, 3, 4, 7, 16])
@pytest.mark.parametrize(("radius", "norm"), [(0.5, 0.5), (0.9, 1.5), (1, 1), (1.2, 1.2001), (0.5, 10), (2, 2.5)])
def test_both_sizes_are_hit(H, radius, norm):
    for seed in range(5):
        W = matrix_with(radius, norm, H, np.random.default_rng(seed))
        assert W.shape == (H, H)
        assert spectral_norm(W) == pytest.approx(norm, rel=1e-12)
        # Eigenvalues of a matrix far from normal answer to rounding many times over, the more the more of them.
        assert spectral_radius(W) == pytest.approx(radius, rel=1e-12 if norm == radius else 1e-4)


@pytest.mark.parametrize("H", [2, 3, 7])
@pytest.mark.parametrize("size", [1e-300, 1e-15, 1e-8, 1e8, 1e300])
@pytest.mark.parametrize(("radius", "norm"), [(0.5, 0.5), (0.9, 1.5), (0, 1), (1e-6, 1)])
def test_both_sizes_are_hit_however_small_or_large(H, size, radius, norm):
    W = matrix_with(radius * size, norm * size, H, np.random.default_rng(0)) / size
    assert spectral_norm(W) == pytest.approx(norm, rel=1e-12)
    if radius >= 0.5:
        assert spectral_radius(W) == pytest.approx(radius, rel=1e-6)


@pytest.mark.parametrize("H", [2, 3, 8])
def test_a_radius_of_zero_makes_powers_that_end(H):
    W = matrix_with(0, 3, H, np.random.default_rng(0))
    assert spectral_norm(W) == pytest.approx(3, rel=1e-12)
    np.testing.assert_allclose(np.linalg.matrix_power(W, H), 0, atol=1e-10)
    assert not matrix_with(0, 0, H, np.random.default_rng(0)).any()


@pytest.mark.parametrize("H", [2, 3, 8])
def test_with_equal_sizes_it_is_a_scaled_rotation(H):
    W = matrix_with(1.3, 1.3, H, np.random.default_rng(0)) / 1.3
    np.testing.assert_allclose(W @ W.T, np.eye(H), atol=1e-12)
    assert np.linalg.det(W) == pytest.approx(1, rel=1e-12)


def test_two_draws_differ_and_the_same_seed_gives_the_same():
    draws = [matrix_with(0.9, 1.5, 4, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.abs(draws[0] - draws[2]).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((1, 0.5, 3), "the spectral norm is 0.5 and the spectral radius 1; the norm of a matrix is never below"),
        ((-1, 0.5, 3), "the spectral norm is 0.5 and the spectral radius -1"),
        ((float("nan"), 1, 3), "the spectral norm is 1 and the spectral radius nan"),
        ((0.5, float("nan"), 3), "the spectral norm is nan"),
        ((0.5, float("inf"), 3), "the spectral norm is inf"),
        ((0.5, 1, 2.0), "H is 2.0; it is a number of units, 0 or more, as an integer"),
        ((0.5, 1, "2"), "H is '2'; it is a number of units"),
        ((0.5, 1, float("inf")), "H is inf; it is a number of units"),
        ((0.5, 1, -3), "H is -3; it is a number of units"),
        (("0.5", 1, 2), "radius is '0.5'; give a number"),
        ((0.5, None, 2), "norm is None; give a number"),
        ((0.5, 1, 1), "H is 1; two sizes cannot be chosen apart with fewer than 2 units"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_sizes_out_of_range_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        matrix_with(*arguments, np.random.default_rng(0))


# -- the conditions


@pytest.mark.parametrize("name", BY_NAME)
def test_a_condition_vanishes_explodes_or_does_neither_as_its_name_says(name):
    found = product_of_jacobians(BY_NAME[name].run(50)).log_norm
    if "explodes" in name:
        assert found[50] > np.log(1e6)
        assert (np.diff(found) > 0).all()
    elif "neither" in name:
        np.testing.assert_allclose(found, 0, atol=1e-12)
    else:
        assert found[50] < np.log(1e-6)
        assert (np.diff(found[2:]) < 0).all()


def test_there_is_one_condition_of_each_name_and_each_says_what_it_shows():
    assert len(BY_NAME) == len(CONDITIONS) == 8
    for condition in CONDITIONS:
        assert condition.says.endswith(".")
        H = len(condition.W_hh)
        forward = condition.run(3)
        assert forward.x.shape == (3, 1)
        assert not forward.net.W_xh.any()
        np.testing.assert_array_equal(forward.logits, forward.h)  # as many outputs as units
        np.testing.assert_array_equal(forward.states[0], condition.h_init)
        assert forward.net.activation == condition.activation
        assert condition.b_h.shape == condition.h_init.shape == (H,)


def test_a_norm_below_one_shrinks_every_factor():
    condition = BY_NAME["norm below 1"]
    assert spectral_norm(condition.W_hh) < 1
    for J in condition.run(50).jacobians():
        assert spectral_norm(J) < 1


def test_the_published_norms_of_powers(oracles):
    condition = BY_NAME["norm 10, vanishes"]
    assert spectral_radius(condition.W_hh) == 0.5
    assert "10.02" in condition.says
    found = product_of_jacobians(condition.run(50))
    for n, norm in oracles["O11_jacobian"]["nonnormal_norms"].items():
        assert np.exp(found.log_norm[int(n)]) == pytest.approx(norm, rel=1e-10)


def test_the_saturated_unit_stays_where_it_is_and_every_factor_is_the_published_one(oracles):
    truth, condition = oracles["O11_jacobian"], BY_NAME["norm 2, saturated tanh vanishes"]
    assert spectral_norm(condition.W_hh) == 2
    forward = condition.run(50)
    np.testing.assert_allclose(forward.states, truth["tanh2_fixed_point"], rtol=1e-12)
    np.testing.assert_allclose(forward.jacobians(), np.tile(truth["tanh2_factor"] * np.eye(2), (50, 1, 1)), rtol=1e-10)
    found = product_of_jacobians(forward).log_norm
    np.testing.assert_allclose(found, np.arange(51) * np.log(truth["tanh2_factor"]), rtol=1e-10)


def test_the_published_bound_for_a_sigmoid(oracles):
    condition = BY_NAME["norm 3, sigmoid vanishes"]
    found = product_of_jacobians(condition.run(50))
    assert np.exp(found.log_upper[50]) == pytest.approx(oracles["O11_jacobian"]["sigmoid_bound_W3_50"], rel=1e-10)
    assert max(spectral_norm(J) for J in condition.run(50).jacobians()) == 0.75


@pytest.mark.parametrize("name", ["eigenvalues 0, explodes", "eigenvalues 0, tanh with bias explodes"])
def test_a_matrix_whose_square_is_zero_explodes_where_one_unit_is_off(name, oracles):
    condition = BY_NAME[name]
    np.testing.assert_array_equal(condition.W_hh @ condition.W_hh, 0)
    forward = condition.run(20)
    slope = forward.slope
    assert (slope[:, 0] > 0.999).all()
    assert (slope[:, 1] < 1e-6).all()
    found = np.exp(product_of_jacobians(forward).log_norm[20])
    assert found == pytest.approx(oracles["O11_jacobian"]["relu_nilpotent_20"], rel=1e-6)


def test_the_ball_on_the_hilltop_stays_there_for_fifty_steps():
    condition = BY_NAME["eigenvalues 0, tanh with bias explodes"]
    np.testing.assert_allclose(condition.run(50).states, np.tile(condition.h_init, (51, 1)), rtol=0, atol=1e-6)


def test_a_rotation_keeps_every_length():
    condition = BY_NAME["rotation, neither"]
    assert spectral_norm(condition.W_hh) == pytest.approx(1, abs=1e-15)
    assert spectral_radius(condition.W_hh) == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(np.linalg.norm(condition.run(50).states, axis=1), 1, rtol=1e-12)
