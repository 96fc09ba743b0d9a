"""Section 2.4: are the losses and their gradients what torch gives, also where logits are large?"""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loops import switched_off

from course_utils.gradient_check import numerical_gradient
from course_utils.losses import (
    broadcast_weights,
    cross_entropy,
    cross_entropy_gradient,
    frame_losses,
    kl_divergence,
    log_softmax,
    step_weights,
)

CLOSE = {"rtol": 1e-12, "atol": 1e-12}
SHAPES = [(), (1,), (5,), (4, 3), (0,), (2, 0), (2, 3, 4)]
seeds = st.integers(0, 2**32 - 1)


def random_problem(rng, shape=None):
    """Logits for a single frame, for frames or for a batch of them; a target and a weight for each."""
    shape = SHAPES[rng.integers(len(SHAPES))] if shape is None else shape
    A = int(rng.integers(1, 6))
    return 3 * rng.normal(size=(*shape, A)), rng.integers(A, size=shape), rng.uniform(0, 2, shape)


def in_torch(logits, target, weights):
    """Return the loss of every frame, and the gradient of their weighted sum."""
    leaf = torch.tensor(logits, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        leaf.reshape(-1, logits.shape[-1]), torch.tensor(np.ravel(target)), reduction="none"
    )
    (losses * torch.tensor(np.ravel(weights))).sum().backward()
    return losses.detach().numpy().reshape(np.shape(target)), leaf.grad.numpy()


# -- log-softmax


@given(seeds)
def test_log_softmax_is_that_of_torch(seed):
    logits, _, _ = random_problem(np.random.default_rng(seed))
    np.testing.assert_allclose(log_softmax(logits), torch.log_softmax(torch.tensor(logits), -1).numpy(), **CLOSE)


@given(seeds, st.floats(-1e6, 1e6))
def test_what_is_added_to_all_logits_changes_nothing(seed, shift):
    logits = np.random.default_rng(seed).normal(size=(3, 4))
    np.testing.assert_allclose(log_softmax(logits + shift), log_softmax(logits), rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.exp(log_softmax(logits + shift)).sum(axis=-1), 1, **CLOSE)


@pytest.mark.parametrize("size", [1e3, 1e10, 1e300])
def test_large_logits_neither_overflow_nor_lose_the_other_symbol(size):
    np.testing.assert_array_equal(log_softmax([size, 0.0]), [0, -size])
    np.testing.assert_array_equal(log_softmax([-size, 0.0]), [-size, 0])
    assert log_softmax([size, size]).tolist() == [-np.log(2)] * 2


def test_a_logit_of_minus_infinity_is_a_probability_of_zero():
    assert log_softmax([0.0, -np.inf]).tolist() == [0, -np.inf]
    assert log_softmax([[-np.inf, 7.0], [0.0, 0.0]]).tolist() == [[-np.inf, 0], [-np.log(2)] * 2]


def test_logits_farther_apart_than_a_number_can_say_are_a_probability_of_zero():
    assert log_softmax([1e308, -1e308]).tolist() == [0, -np.inf]


NO_SOFTMAX = {
    "NaN": ([0, np.nan], "logits[1] is NaN; a logit is a number, or −inf for a probability of zero"),
    "+inf": ([0, np.inf], "logits[1] is infinite; a logit is a number, or −inf"),
    "all −inf": ([-np.inf, -np.inf], "logits[:] is −inf throughout; one symbol at least must be possible"),
    "NaN among −inf": ([[0, 1], [-np.inf, np.nan]], "logits[1, 1] is NaN"),
    "infinite among −inf": ([[0, 1], [np.inf, -np.inf]], "logits[1, 0] is infinite"),
    "a row of −inf": (np.log([[[1.0, 1]], [[1.0, 1]]]) - [[[0]], [[np.inf]]], "logits[1, 0, :] is −inf throughout"),
    "no symbols": (np.zeros((3, 0)), "logits has shape (3, 0); it must be (…, A), at least one symbol"),
    "no axis": (0.5, "logits has shape (); it must be (…, A)"),
    "text": ("half", "logits is not an array of numbers: could not convert"),
    "ragged": ([[0, 1], [0]], "logits is not an array of numbers: setting an array element with a sequence"),
}


@pytest.mark.parametrize(("logits", "says"), NO_SOFTMAX.values(), ids=NO_SOFTMAX)
def test_what_has_no_softmax_is_refused_with_the_index(logits, says):
    for call in (log_softmax, lambda x: cross_entropy(x, 0), lambda x: cross_entropy_gradient(x, 0)):
        with pytest.raises(ValueError, match=re.escape(says)):
            call(logits)


# -- cross-entropy


@given(seeds)
def test_cross_entropy_and_its_gradient_are_those_of_torch(seed):
    logits, target, weights = random_problem(np.random.default_rng(seed))
    losses, gradient = in_torch(logits, target, weights)
    found = cross_entropy(logits, target)
    assert found.shape == np.shape(target)
    np.testing.assert_allclose(found, losses, **CLOSE)
    np.testing.assert_allclose(cross_entropy_gradient(logits, target, weights), gradient, **CLOSE)
    if logits.size:
        assert (found >= 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_number_of_axes_gives_what_torch_gives(shape):
    logits, target, weights = random_problem(np.random.default_rng(1), shape)
    np.testing.assert_allclose(cross_entropy(logits, target), in_torch(logits, target, weights)[0], **CLOSE)


def test_cross_entropy_is_minus_the_logarithm_of_the_probability_of_the_target():
    y = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
    np.testing.assert_allclose(cross_entropy(np.log(y), [0, 2]), [-np.log(0.5), -np.log(0.3)], **CLOSE)


def test_the_gradient_is_weight_times_softmax_less_one_hot():
    y = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
    expected = [[-0.5, 0.3, 0.2], [0.3, 1.8, -2.1]]
    np.testing.assert_allclose(cross_entropy_gradient(np.log(y), [0, 2], [1, 3]), expected, **CLOSE)


@given(seeds)
def test_the_gradient_is_what_moving_a_logit_says(seed):
    logits, target, weights = random_problem(np.random.default_rng(seed), (4, 2))
    expected = numerical_gradient(lambda moved: (weights * cross_entropy(moved, target)).sum(), logits)
    found = cross_entropy_gradient(logits, target, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=-1), 0, rtol=0, atol=1e-12)


def test_weights_broadcast():
    logits, target, _ = random_problem(np.random.default_rng(0), (4, 3))
    of_one = cross_entropy_gradient(logits, target)
    np.testing.assert_array_equal(cross_entropy_gradient(logits, target, 2), 2 * of_one)
    of_steps = np.arange(4.0)[:, None]
    np.testing.assert_array_equal(cross_entropy_gradient(logits, target, of_steps), of_steps[..., None] * of_one)


@pytest.mark.parametrize("B", [1, 2, 3, 4])
def test_a_vector_counts_the_steps_whatever_the_size_of_the_batch(B):
    weights = np.array([1.0, 0.0, 0.5])
    logits, target, _ = random_problem(np.random.default_rng(0), (3, B))
    found = cross_entropy_gradient(logits, target, weights)
    np.testing.assert_array_equal(found, weights[:, None, None] * cross_entropy_gradient(logits, target))
    np.testing.assert_array_equal(broadcast_weights(weights, (3, B)), np.tile(weights[:, None], B))
    np.testing.assert_array_equal(broadcast_weights(weights, (3, B, 5))[:, 0, 0], weights)


def test_weights_of_the_sequences_have_an_axis_for_the_steps():
    logits, target, _ = random_problem(np.random.default_rng(0), (3, 2))
    found = cross_entropy_gradient(logits, target, np.array([[1.0, 0.0]]))
    np.testing.assert_array_equal(found[:, 0], cross_entropy_gradient(logits, target)[:, 0])
    assert not found[:, 1].any()


@pytest.mark.parametrize(
    ("weights", "shape"),
    [
        ([1, 0], (3, 2)),
        ([1], (3, 2)),
        ([1, 0, 0], (2,)),
        ([1, 0, 0, 0], (2, 3, 4)),
        ([[1, 0, 0]], (3,)),
        (np.ones((3, 4)), (2, 3, 4)),
        (np.ones((2, 3)), (3, 2)),
        (np.ones((3, 2)), (1, 2)),
    ],
)
def test_weights_whose_axes_would_have_to_be_guessed_are_refused(weights, shape):
    says = f"weights has shape {np.shape(weights)}; the targets have {shape}, so give one number, one for each step"
    if len(shape) == 2:
        says += ", or as many axes as they have: weights[:, None] counts steps, weights[None, :] sequences"
    with pytest.raises(ValueError, match=re.escape(says)):
        broadcast_weights(weights, shape)
    with pytest.raises(ValueError, match=re.escape(says)):
        cross_entropy_gradient(np.zeros((*shape, 2)), np.zeros(shape, int), weights)


@pytest.mark.parametrize("weights", [np.nan, [1, np.inf]])
def test_weights_that_are_no_numbers_are_refused(weights):
    with pytest.raises(ValueError, match="weights has a number that is not finite"):
        broadcast_weights(weights, (2,))


@given(seeds)
def test_losses_come_with_their_gradient_and_what_they_belong_to(seed):
    logits, target, weights = random_problem(np.random.default_rng(seed))
    found = frame_losses(logits, target, weights)
    np.testing.assert_array_equal(found.losses, cross_entropy(logits, target))
    np.testing.assert_array_equal(found.d_logits, cross_entropy_gradient(logits, target, weights))
    np.testing.assert_array_equal(found.target, target)
    np.testing.assert_array_equal(found.weights, weights)
    assert found.target.dtype == np.intp
    assert frame_losses(logits, target).weights.shape == np.shape(target)


def test_a_loss_of_thousands_of_nats_is_exact():
    assert cross_entropy([[1e5, 0.0]], [1]).tolist() == [1e5]
    assert cross_entropy_gradient([[1e5, 0.0]], [1]).tolist() == [[1, -1]]


def test_neither_logits_nor_target_are_changed():
    logits, target, weights = random_problem(np.random.default_rng(0), (4, 3))
    copies = logits.copy(), target.copy(), weights.copy()
    cross_entropy(logits, target)
    cross_entropy_gradient(logits, target, weights)
    for value, copy in zip((logits, target, weights), copies, strict=True):
        np.testing.assert_array_equal(value, copy)


@pytest.mark.parametrize("loss", [cross_entropy, cross_entropy_gradient])
@pytest.mark.parametrize(
    ("target", "says"),
    [
        ([0, 1, 0], r"target has shape \(3,\); the logits have \(2, 3\), so it must be \(2,\)"),
        ([[0], [1]], r"target has shape \(2, 1\); the logits have"),
        (0, r"target has shape \(\); the logits have"),
        ([0.0, 1.0], "target has dtype float64; symbols are given as integer indices"),
        ([True, False], "target has dtype bool; symbols are given as integer indices"),
        ([[0], [1, 2]], "target is not an array of symbols: setting an array element with a sequence"),
        ([0, -1], "target has the symbol -1, but the logits have 3 columns: 0 to 2"),
        ([3, 0], "target has the symbol 3, but the logits have 3 columns: 0 to 2"),
    ],
)
def test_a_malformed_target_is_refused_with_words(loss, target, says):
    with pytest.raises(ValueError, match=says):
        loss(np.zeros((2, 3)), target)


# -- divergence


@given(seeds)
def test_the_divergence_is_that_of_torch(seed):
    rng = np.random.default_rng(seed)
    y, y_star = rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4), 3)
    expected = torch.nn.functional.kl_div(torch.tensor(np.log(y)), torch.tensor(y_star), reduction="none").sum(-1)
    found = kl_divergence(np.log(y), y_star)
    np.testing.assert_allclose(found, expected.numpy(), **CLOSE)
    assert (found >= 0).all()
    np.testing.assert_allclose(kl_divergence(np.log(y), y), 0, rtol=0, atol=1e-12)


@given(seeds)
def test_with_one_true_symbol_the_divergence_is_the_cross_entropy(seed):
    logits, target, _ = random_problem(np.random.default_rng(seed))
    found = kl_divergence(log_softmax(logits), np.eye(logits.shape[-1])[target])
    np.testing.assert_allclose(found, cross_entropy(logits, target), **CLOSE)


def test_with_soft_truth_they_differ_by_its_entropy():
    y, y_star = np.array([0.5, 0.3, 0.2]), np.array([0.25, 0.75, 0])
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    found = kl_divergence(np.log(y), y_star)
    assert found == pytest.approx(-(y_star * np.log(y)).sum() - entropy, rel=1e-12)


def test_what_never_happens_costs_nothing_and_what_cannot_happen_costs_infinitely_much():
    assert kl_divergence([0, -np.inf], [1, 0]) == 0
    assert kl_divergence([0, -np.inf], [0.5, 0.5]) == np.inf


Y = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])


def test_one_truth_for_all_frames_or_one_model_for_all_truths():
    one = [kl_divergence(np.log(y), Y[0]) for y in Y]
    np.testing.assert_array_equal(kl_divergence(np.log(Y), Y[0]), one)
    assert kl_divergence(np.log(Y[0]), Y)[0] == 0


NO_DISTRIBUTIONS = {
    "probabilities": (
        Y,
        Y,
        "log_y[0, 0] is 0.5; a log-probability is at most 0. These rows are probabilities: pass log_p",
    ),
    "probabilities of one frame": ([0, 1], [0, 1], "These rows are probabilities: pass log_probabilities(y)"),
    "logits": (np.log(Y) - 1, Y, "row 0 of log_y has probabilities that sum to 0.36"),
    "NaN": (np.where(Y == 0.2, np.nan, np.log(Y)), Y, "log_y[0, 2] is NaN"),
    "truth twice": (np.log(Y), 2 * Y, "row 0 of y_star has probabilities that sum to 2; they must sum to 1"),
    "truth that is short": (
        np.log(Y),
        Y - [[0, 0, 0], [0, 0, 0.01]],
        "row 1 of y_star has probabilities that sum to 0.99",
    ),
    "logarithms of the truth": (
        np.log(Y),
        np.log(Y),
        "y_star has a negative number or a nan; give probabilities, not their",
    ),
    "truth of NaN": (np.log(Y), Y + np.nan, "y_star has a negative number or a nan"),
    "other symbols": (np.log(Y), [0.5, 0.5], "log_y has shape (2, 3) and y_star (2,); both must be (…, A)"),
    "one symbol": (np.log(Y), [1.0], "log_y has shape (2, 3) and y_star (1,)"),
    "other frames": (np.log(Y), [[1, 0, 0]] * 3, "log_y has shape (2, 3) and y_star (3, 3)"),
    "no axis": (0.0, 1.0, "log_y has shape () and y_star (); both must be (…, A)"),
    "text": ("log", Y, "log_y is not an array of numbers"),
    "ragged": (np.log(Y), [[1], [0, 1]], "y_star is not an array of numbers"),
}


@pytest.mark.parametrize(("log_y", "y_star", "says"), NO_DISTRIBUTIONS.values(), ids=NO_DISTRIBUTIONS)
def test_a_divergence_is_one_between_distributions(log_y, y_star, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        kl_divergence(log_y, y_star)


# -- where every floating-point error is raised


def test_what_underflows_is_no_error():
    logits = np.array([[800.0, -800, 0], [-800, -800, 800], [0, -np.inf, -740]])
    target = np.array([1, 0, 2])
    quiet = cross_entropy(logits, target), cross_entropy_gradient(logits, target, [1e-308, 0.3, 1e-200])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(cross_entropy(logits, target), quiet[0])
        np.testing.assert_array_equal(cross_entropy_gradient(logits, target, [1e-308, 0.3, 1e-200]), quiet[1])
        log_y = log_softmax(logits)
        assert log_y[1].tolist() == [-1600, -1600, 0]
        assert kl_divergence(log_y, [[1e-320, 0, 1]] * 3)[1] == pytest.approx(0, abs=1e-300)
        assert kl_divergence(log_y, [[0, 1e-310, 1]] * 3)[2] == np.inf
        assert step_weights(400, "ramp", 0.01)[0] == 0
        assert step_weights(400, "ramp", 0.1, normalised=True)[-1] == pytest.approx(0.9)


# -- weights of the steps


def test_the_four_kinds():
    assert step_weights(4, "every step").tolist() == [1, 1, 1, 1]
    assert step_weights(4, "uniform").tolist() == [0.25] * 4
    assert step_weights(4, "ramp").tolist() == [0.125, 0.25, 0.5, 1]
    assert step_weights(4, "end").tolist() == [0, 0, 0, 1]


def test_the_published_weights(oracles):
    for group, kind in (("O9_end_only", "end"), ("O9b_uniform", "uniform"), ("O9c_ramp_0.5", "ramp")):
        np.testing.assert_allclose(step_weights(4, kind, 0.5), oracles[group]["weights"], **CLOSE)


@given(st.integers(1, 200), st.sampled_from(["every step", "uniform", "ramp", "end"]), st.floats(0.01, 0.99))
def test_the_last_step_counts_most_and_normalised_they_sum_to_one(T, kind, base):
    weights, normalised = step_weights(T, kind, base), step_weights(T, kind, base, normalised=True)
    assert weights.shape == normalised.shape == (T,)
    assert (np.diff(weights) >= 0).all()
    assert weights[-1] == (1 / T if kind == "uniform" else 1)
    assert normalised.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(normalised * weights.sum(), weights, **CLOSE)
    if kind == "ramp":
        np.testing.assert_allclose(weights, [base ** (T - 1 - t) for t in range(T)], rtol=1e-12)
        assert weights.sum() == pytest.approx((1 - base**T) / (1 - base), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, "end"), "T is 0; it is a number of steps, 1 or more"),
        ((-3, "end"), "T is -3; it is a number of steps, 1 or more"),
        ((2.5, "end"), "T is 2.5; it is a number of steps, 1 or more, as an integer"),
        ((2.0, "end"), "T is 2.0; it is a number of steps, 1 or more, as an integer"),
        ((float("inf"), "end"), "T is inf; it is a number of steps, 1 or more"),
        ((float("nan"), "end"), "T is nan; it is a number of steps, 1 or more"),
        (("2", "end"), "T is '2'; it is a number of steps, 1 or more"),
        ((None, "end"), "T is None; it is a number of steps, 1 or more"),
        ((3, "ramp", "0.5"), "base is '0.5'; it must be above 0 and below 1"),
        ((3, "ramp", None), "base is None; it must be above 0 and below 1"),
        ((3, "linear"), "kind is 'linear'; choose 'every step', 'uniform', 'ramp' or 'end'"),
        ((3, "ramp", 0), "base is 0; it must be above 0 and below 1"),
        ((3, "ramp", 1), "base is 1; it must be above 0 and below 1"),
        ((3, "ramp", -0.5), "base is -0.5; it must be above 0 and below 1"),
        ((3, "ramp", float("nan")), "base is nan; it must be above 0 and below 1"),
    ],
)
def test_weights_out_of_range_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        step_weights(*arguments)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, 1e300])
def test_compiled_and_in_numpy_log_softmax_is_the_same(scale, monkeypatch):
    rng = np.random.default_rng(0)
    logits = scale * rng.normal(size=(4, 50, 100))
    logits[rng.random(logits.shape) < 0.1] = -np.inf
    with np.errstate(all="raise"):
        found = log_softmax(logits)
        switched_off(monkeypatch)
        truth = log_softmax(logits)
    np.testing.assert_allclose(found, truth, rtol=1e-15, atol=1e-14)
    assert not np.shares_memory(found, logits)
