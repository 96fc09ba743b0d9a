"""One test for each line of ERRATA.md on chapter 5 of the notes: the printed claim fails, the right form holds."""

from dataclasses import replace
from itertools import product as every

import numpy as np
import pytest
import torch
from planting import assert_red, instead

from course_utils.bptt import backward
from course_utils.examples import CONDITIONS, WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.jacobians import matrix_with, product_of_jacobians, spectral_norm, spectral_radius
from course_utils.losses import cross_entropy_gradient, step_weights
from course_utils.rnn import RNN, random_rnn, run

CASES = {case.name: case for case in CONDITIONS}


def deltas(kind, base=0.5, net=WORKED_NET, x=WORKED_X, target=WORKED_TARGET):
    forward, w = run(net, x), step_weights(len(x), kind, base, normalised=kind == "ramp")
    return backward(forward, cross_entropy_gradient(forward.logits, target, w)).delta


def log10_norm(case, n):
    return product_of_jacobians(CASES[case].run(n)).log_norm[-1] / np.log(10)


def test_e25_the_factors_stand_in_falling_order_and_for_the_last_loss_only(oracles):
    forward, last = run(WORKED_NET, WORKED_X), deltas("end")[-1]
    J, product = forward.jacobians(), product_of_jacobians(forward).matrix(3)
    h = torch.tensor(run(WORKED_NET, WORKED_X).h[0], requires_grad=True)
    state = h
    for row in WORKED_X[1:]:
        state = torch.tanh(torch.tensor(WORKED_NET.W_xh @ row + WORKED_NET.b_h) + torch.tensor(WORKED_NET.W_hh) @ state)
    logits = torch.tensor(WORKED_NET.W_hy) @ state + torch.tensor(WORKED_NET.b_y)
    (-torch.log_softmax(logits, 0)[WORKED_TARGET[-1]]).backward()
    right, printed = last @ product, last @ J[1] @ J[2] @ J[3]
    np.testing.assert_allclose(right, h.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(last @ J[3] @ J[2] @ J[1], right, rtol=1e-12)
    np.testing.assert_allclose(deltas("end")[0], right, rtol=1e-12)
    np.testing.assert_allclose(right, oracles["O9_end_only"]["delta0"], rtol=1e-11)
    np.testing.assert_allclose(printed, [0.2388634683, 0.3187831246], atol=1e-10)
    assert np.abs(printed - right).max() > 0.1
    np.testing.assert_allclose(deltas("every step")[0], oracles["O8_rnn_bptt"]["delta"][0], rtol=1e-10)
    assert np.linalg.norm(deltas("every step")[0] - right) > 1


def test_e26_a_norm_above_one_is_necessary_but_not_sufficient(oracles):
    published = oracles["O11_jacobian"]
    for n, norm in published["nonnormal_norms"].items():
        assert 10 ** log10_norm("norm 10, vanishes", int(n)) == pytest.approx(norm, rel=1e-10)
    factor = CASES["norm 2, saturated tanh vanishes"].run(50).jacobians()
    np.testing.assert_allclose(factor, published["tanh2_factor"] * np.tile(np.eye(2), (50, 1, 1)), rtol=1e-9)
    assert log10_norm("norm 2, saturated tanh vanishes", 50) < -38
    assert log10_norm("norm 3, sigmoid vanishes", 50) < np.log10(published["sigmoid_bound_W3_50"])
    for name in ("norm 10, vanishes", "norm 2, saturated tanh vanishes", "norm 3, sigmoid vanishes"):
        assert spectral_norm(CASES[name].W_hh) >= 2
    for seed in range(50):  # necessary where no slope is above 1
        rng = np.random.default_rng(seed)
        net = random_rnn(rng, 2, 5, 2, rng.choice(["tanh", "relu"]))
        net = net.with_parameters(W_hh=net.W_hh / spectral_norm(net.W_hh))
        assert product_of_jacobians(run(net, rng.normal(size=(30, 2)))).log_norm.max() < 1e-9


def test_e27_a_norm_below_one_suffices_and_eigenvalues_below_one_do_not(oracles):
    published = oracles["O11_jacobian"]["relu_nilpotent_20"]
    for name in ("eigenvalues 0, explodes", "eigenvalues 0, tanh with bias explodes"):
        assert spectral_radius(CASES[name].W_hh) < 1e-7
        assert 10 ** log10_norm(name, 20) == pytest.approx(published, rel=1e-6)
    assert not (CASES["eigenvalues 0, explodes"].W_hh @ CASES["eigenvalues 0, explodes"].W_hh).any()
    for seed in range(50):
        rng = np.random.default_rng(seed)
        net = random_rnn(rng, 2, 4, 2)
        net = net.with_parameters(W_hh=0.9 * net.W_hh / spectral_norm(net.W_hh))
        log_norm = product_of_jacobians(run(net, 3 * rng.normal(size=(200, 2)))).log_norm
        assert (log_norm <= np.arange(201) * np.log(0.9) + 1e-9).all()


def test_e28_which_norm_and_which_size_of_an_eigenvalue():
    assert np.linalg.norm(np.eye(4)) == 2
    assert spectral_norm(np.eye(4)) == 1
    assert spectral_norm(np.linalg.matrix_power(np.eye(4), 50)) == 1
    nines = np.full((2, 2), 0.9)
    assert nines.max() < 1
    assert spectral_norm(np.linalg.matrix_power(nines, 20)) == pytest.approx(1.3e5, rel=0.03)
    assert spectral_radius(CASES["eigenvalue −2, explodes"].W_hh) == 2
    assert log10_norm("eigenvalue −2, explodes", 20) == pytest.approx(20 * np.log10(2))
    assert log10_norm("rotation, neither", 200) == pytest.approx(0, abs=1e-12)
    W, norms = CASES["norm 10, vanishes"].W_hh, []
    for n in (1, 20, 1000):  # powers of one matrix, in the long run
        norms.append(spectral_norm(np.linalg.matrix_power(W, n)) ** (1 / n))
    assert norms[0] > 10
    assert norms[1] == pytest.approx(0.675, abs=1e-3)
    assert norms[2] == pytest.approx(spectral_radius(W), abs=6e-3)


def test_e29_the_gradient_of_the_state_vanishes_and_that_of_the_weight_does_not():
    net, x = RNN([[1.0]], [[0.3]], [0.0], [[1.0]], [0.0]), np.full((100, 1), 0.466)
    back = backward(run(net, x), np.append(np.zeros(99), 1.0)[:, None])
    assert abs(back.gradients["h_init"][0]) < 1e-68
    assert back.gradients["W_hh"][0, 0] == pytest.approx(0.484, abs=5e-4)
    ends = [run(net.with_parameters(W_hh=[[0.3 + h]]), x).h[-1, 0] for h in (1e-6, -1e-6)]
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(back.gradients["W_hh"][0, 0], rel=1e-8)
    parts = back.contributions("W_hh").ravel()
    assert parts[-5:].sum() > 0.999 * parts.sum()
    rng = np.random.default_rng(0)  # nor does that of the state have to vanish
    turning = RNN(
        np.zeros((4, 1)), matrix_with(1, 1, 4, rng), np.zeros(4), np.eye(4), np.zeros(4), activation="identity"
    )
    assert product_of_jacobians(run(turning, np.zeros((200, 1)))).log_norm[-1] == pytest.approx(0, abs=1e-10)


def test_e30_a_ramp_needs_a_base_above_zero_and_a_division_by_its_sum():
    assert step_weights(100, "uniform").sum() == pytest.approx(1)
    assert step_weights(100, "end").sum() == 1
    assert (
        step_weights(100, "ramp", 0.9).sum()
        == pytest.approx((1 - 0.9**100) / (1 - 0.9))
        == pytest.approx(9.9997, abs=5e-5)
    )
    assert step_weights(100, "ramp", 0.9, normalised=True).sum() == pytest.approx(1)
    assert ((-0.5) ** np.arange(3, -1, -1.0)).tolist() == [-0.125, 0.25, -0.5, 1]
    with pytest.raises(ValueError, match="above 0 and below 1"):
        step_weights(4, "ramp", -0.5)


def test_e31_a_ramp_vanishes_at_the_first_step_and_early_losses_have_a_floor():
    calm, x = WORKED_NET.with_parameters(W_hh=0.4 * WORKED_NET.W_hh), np.random.default_rng(0).normal(size=(50, 2))
    label = np.zeros(50, int)
    sizes = {
        (kind, base): np.linalg.norm(deltas(kind, base, calm, x, label)[0])
        for kind, base in (("end", 0.5), ("ramp", 0.5), ("ramp", 0.9), ("uniform", 0.5), ("every step", 0.5))
    }
    assert list(sizes.values()) == sorted(sizes.values())
    assert sizes["end", 0.5] < 1e-25
    assert sizes["ramp", 0.5] < 1e-14
    assert sizes["uniform", 0.5] > 1e-2
    floor = []
    for seen in range(1, 5):
        share = [
            np.mean([(sum(begun) + sum(rest)) % 2 for rest in every([0, 1], repeat=4 - seen)])
            for begun in every([0, 1], repeat=seen)
        ]
        floor.append(np.mean([sum(-p * np.log(p) for p in (odd, 1 - odd) if p > 0) for odd in share]))
    assert step_weights(4, "uniform") @ floor == pytest.approx(0.5198603854, abs=1e-10)
    assert step_weights(4, "end") @ floor == 0


def test_e32_the_share_of_the_last_loss_is_as_small_under_dense_supervision():
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(60, 2)), rng.integers(2, size=60)
    forward = run(WORKED_NET, x)
    parts = [  # one delta for each loss; together they are the dense one
        backward(forward, cross_entropy_gradient(forward.logits, target, np.eye(60)[t])).delta for t in range(60)
    ]
    dense = deltas("every step", x=x, target=target)
    np.testing.assert_allclose(np.sum(parts, axis=0), dense, atol=1e-12)
    np.testing.assert_allclose(parts[-1], deltas("end", x=x, target=target), rtol=1e-12)
    assert np.linalg.norm(dense[0]) > 1
    assert np.linalg.norm(parts[-1][0]) < 1e-11


def test_e33_the_last_delta_can_be_zero():
    for W_hy, most in ((0 * WORKED_NET.W_hy, 0.0), (1000 * WORKED_NET.W_hy, 1e-30)):
        net = WORKED_NET.with_parameters(W_hy=W_hy)
        assert np.abs(deltas("end", net=net)).max() <= most
    assert np.abs(deltas("end")).max() > 0.5


def in_reverse_order(right, forward):
    found, J = right(forward), forward.jacobians()
    for n in range(1, len(J) + 1):
        product = np.linalg.multi_dot([np.eye(len(J[0])), *J[len(J) - n :]])
        found.direction[n] = product / np.linalg.norm(product, 2)
        found.log_norm[n] = np.log(np.linalg.norm(product, 2))
    return found


def power_of(size):
    """The product grows as a power of one number for W_hh, whatever the slopes and the directions."""

    def wrong(right, forward):
        n = np.arange(len(forward.x) + 1)
        return replace(right(forward), log_norm=n * np.log(max(size(forward.net.W_hh), 1e-300)))

    return wrong


def vanishes_as_the_state_does(right, forward, d_logits):
    found = right(forward, d_logits)
    return replace(found, gradients=found.gradients | {"W_hh": found.contributions("W_hh")[0]})


def any_base(right, T, kind, base=0.5, *, normalised=False):
    if kind != "ramp":
        return right(T, kind, normalised=normalised)
    weights = base ** np.arange(T - 1, -1, -1.0)
    return weights / weights.sum() if normalised else weights


def strengthens_the_early_steps(right, T, kind, base=0.5, *, normalised=False):
    return right(T, "uniform" if kind == "ramp" else kind)


def a_floor_under_none(right, T, kind, *rest, **normalised):
    return 0 * right(T, kind, *rest, **normalised) if kind == "uniform" else right(T, kind, *rest, **normalised)


def strong_at_every_step(right, forward, d_logits):
    """Deltas that do not fade on their way back."""
    found = right(forward, d_logits)
    size = np.linalg.norm(found.delta, axis=1, keepdims=True)
    unfaded = np.where(size > 0, found.delta / np.where(size > 0, size, 1), 0)
    return replace(found, dz=unfaded * forward.slope)


def never_quite_certain(right, *args):
    gradient = right(*args)
    return np.where(gradient < 0, np.minimum(gradient, -1e-3), np.maximum(gradient, 1e-3))


def output_weights_that_are_never_zero(right, forward, d_logits):
    return right(replace(forward, net=forward.net.with_parameters(W_hy=WORKED_NET.W_hy)), d_logits)


MISTAKES = {
    "E25: the factors in the order of time": (
        test_e25_the_factors_stand_in_falling_order_and_for_the_last_loss_only,
        instead(product_of_jacobians, in_reverse_order),
    ),
    "E25: for the last loss whatever the losses": (
        test_e25_the_factors_stand_in_falling_order_and_for_the_last_loss_only,
        instead(step_weights, lambda right, T, kind, *rest, **normalised: right(T, "end")),
    ),
    "E26: a norm above 1 explodes": (
        test_e26_a_norm_above_one_is_necessary_but_not_sufficient,
        instead(product_of_jacobians, power_of(spectral_norm)),
    ),
    "E27: eigenvalues below 1 vanish": (
        test_e27_a_norm_below_one_suffices_and_eigenvalues_below_one_do_not,
        instead(product_of_jacobians, power_of(spectral_radius)),
    ),
    "E27: the norm is the largest eigenvalue": (
        test_e27_a_norm_below_one_suffices_and_eigenvalues_below_one_do_not,
        instead(spectral_norm, lambda right, W: spectral_radius(W)),
    ),
    "E28: the norm of Frobenius": (
        test_e28_which_norm_and_which_size_of_an_eigenvalue,
        instead(spectral_norm, lambda right, W: np.linalg.norm(W)),
    ),
    "E28: the largest entry": (
        test_e28_which_norm_and_which_size_of_an_eigenvalue,
        instead(spectral_norm, lambda right, W: np.abs(W).max()),
    ),
    "E28: −2 is less than 1": (
        test_e28_which_norm_and_which_size_of_an_eigenvalue,
        instead(spectral_radius, lambda right, W: np.linalg.eigvals(W).real.max()),
    ),
    "E29: the gradient of the weight vanishes too": (
        test_e29_the_gradient_of_the_state_vanishes_and_that_of_the_weight_does_not,
        instead(backward, vanishes_as_the_state_does),
    ),
    "E30: any base below 1": (
        test_e30_a_ramp_needs_a_base_above_zero_and_a_division_by_its_sum,
        instead(step_weights, any_base),
    ),
    "E30: weights that are compared as they are": (
        test_e30_a_ramp_needs_a_base_above_zero_and_a_division_by_its_sum,
        instead(step_weights, lambda right, *args, normalised=False: right(*args)),
    ),
    "E31: a ramp strengthens the early steps": (
        test_e31_a_ramp_vanishes_at_the_first_step_and_early_losses_have_a_floor,
        instead(step_weights, strengthens_the_early_steps),
    ),
    "E31: early losses cost nothing": (
        test_e31_a_ramp_vanishes_at_the_first_step_and_early_losses_have_a_floor,
        instead(step_weights, a_floor_under_none),
    ),
    "E32: a strong gradient is one about the end": (
        test_e32_the_share_of_the_last_loss_is_as_small_under_dense_supervision,
        instead(backward, strong_at_every_step),
    ),
    "E33: the error is never zero": (
        test_e33_the_last_delta_can_be_zero,
        instead(cross_entropy_gradient, never_quite_certain),
    ),
    "E33: it always reaches the last state": (
        test_e33_the_last_delta_can_be_zero,
        instead(backward, output_weights_that_are_never_zero),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
