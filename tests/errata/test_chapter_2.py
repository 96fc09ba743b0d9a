"""One test for each line of ERRATA.md that chapter 2 has: the printed claim fails, the right form holds."""

from itertools import groupby, product

import numpy as np
import pytest
from planting import assert_red, instead

from course_utils.ctc import best_alignment
from course_utils.ctc_loss import loss_and_gradient
from course_utils.descent import adam
from course_utils.examples import FRAMES_MLP, FRAMES_ORDER, FRAMES_X
from course_utils.losses import cross_entropy, kl_divergence, log_softmax
from course_utils.machines import delay
from course_utils.mlp import MLP, logits, loss_and_gradients, random_mlp, windows
from course_utils.rnn import random_rnn, run

X, ORDER = np.array(FRAMES_X)[:, None], np.array(FRAMES_ORDER)


def delayed(bits, d):
    return np.concatenate([np.zeros(d, dtype=int), bits[: len(bits) - d]])


def share_right(task, width, seed=0):
    """Train an MLP on windows of so many bits, and count what it gets right on others."""
    bits, held_out = np.random.default_rng(seed).integers(2, size=(2, 1000))
    start = random_mlp(np.random.default_rng(seed), width, 8, 2)
    x = windows(bits[:, None], width - 1)
    found, _ = adam(lambda p, n: loss_and_gradients(MLP(**p), x, task(bits)), start.parameters, 200, 0.05)
    guess = logits(MLP(**found), windows(held_out[:, None], width - 1)).argmax(axis=1)
    return (guess == task(held_out)).mean()


def test_e7_a_window_lets_an_mlp_learn_patterns_across_frames():
    for f in product((0, 1), repeat=2):
        assert sum(f[now] == (before ^ now) for before, now in product((0, 1), repeat=2)) == 2
    assert share_right(lambda bits: bits ^ delayed(bits, 1), 1) == pytest.approx(0.5, abs=0.06)
    assert share_right(lambda bits: bits ^ delayed(bits, 1), 2) == 1
    for d in (2, 5):
        assert share_right(lambda bits, d=d: delayed(bits, d), d) == pytest.approx(0.5, abs=0.06)
        assert share_right(lambda bits, d=d: delayed(bits, d), d + 1) == 1
        bits = np.random.default_rng(d).integers(2, size=300)
        assert np.array_equal(run(delay(d), bits[:, None]).logits[:, 0], delayed(bits, d))


def test_e8_a_sum_of_losses_does_not_know_the_order_of_the_frames():
    rng = np.random.default_rng(0)
    for _ in range(20):
        net, x, target = random_mlp(rng, 3, 4, 5), rng.normal(size=(9, 3)), rng.integers(5, size=9)
        order = rng.permutation(9)
        loss, gradients = loss_and_gradients(net, x, target)
        loss_P, gradients_P = loss_and_gradients(net, x[order], target[order])
        assert loss == pytest.approx(loss_P, rel=1e-14)
        for name in gradients:
            np.testing.assert_allclose(gradients[name], gradients_P[name], rtol=0, atol=1e-13)
    # A model with a state does know it, and so does a loss that is no sum over the frames.
    rnn = random_rnn(rng, 3, 4, 5)
    assert abs(run(rnn, x).losses(target).sum() - run(rnn, x[order]).losses(target[order]).sum()) > 0.01
    ctc = [loss_and_gradient(log_softmax(logits(FRAMES_MLP, x)), [0, 0], 1)[0] for x in (X, X[ORDER])]
    assert ctc == pytest.approx([0.136, 0.471], abs=5e-4)


def test_e9_outputs_go_with_their_frames_and_do_not_stay_where_they_were():
    f_X, f_PX = (np.exp(log_softmax(logits(FRAMES_MLP, x))) for x in (X, X[ORDER]))
    np.testing.assert_allclose(f_PX, f_X[ORDER], rtol=0, atol=1e-15)
    assert np.abs(f_PX - f_X).max() == pytest.approx(0.951, abs=5e-4)
    rng = np.random.default_rng(1)
    for _ in range(20):
        net, x, order = random_mlp(rng, 3, 4, 2), rng.normal(size=(6, 3)), rng.permutation(6)
        P = np.eye(6)[order]
        np.testing.assert_allclose(logits(net, P @ x), P @ logits(net, x), rtol=0, atol=1e-13)


def soft_cross_entropy(y, truth):
    """Expected loss, in nats, of a target that is drawn with the probabilities of the truth."""
    return truth @ cross_entropy(np.tile(np.log(y), (len(y), 1)), np.arange(len(y)))


def test_e10_neither_loss_is_symmetric_and_they_are_equal_for_one_hot_targets_only():
    y, truth = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    assert kl_divergence(np.log(y), truth) == pytest.approx(0.1927447570, abs=1e-10)
    assert kl_divergence(np.log(truth), y) == pytest.approx(0.2231435513, abs=1e-10)
    assert soft_cross_entropy(y, truth) == pytest.approx(np.log(2), abs=1e-12)
    assert soft_cross_entropy(truth, y) == pytest.approx(0.9162907319, abs=1e-10)
    apart = soft_cross_entropy(y, truth) - kl_divergence(np.log(y), truth)
    assert apart == pytest.approx(0.5004024235, abs=1e-10)
    assert apart == pytest.approx(-(truth * np.log(truth)).sum(), abs=1e-12)
    rng = np.random.default_rng(2)
    for _ in range(50):
        y, truth = rng.dirichlet(np.ones(4), 2)
        H = -(truth * np.log(truth)).sum()
        assert soft_cross_entropy(y, truth) == pytest.approx(-(truth * np.log(y)).sum())
        assert soft_cross_entropy(y, truth) == pytest.approx(kl_divergence(np.log(y), truth) + H)
        k = int(rng.integers(4))
        assert kl_divergence(np.log(y), np.eye(4)[k]) == pytest.approx(cross_entropy(np.log(y), k))


def test_e11_the_printed_sum_is_infinite_or_not_a_number_at_the_edges():
    y = np.array([1.0, 0.0])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        as_printed = [-(truth * np.log(y)).sum() for truth in np.eye(2)]
        powers = np.exp(np.array([1000.0, 999.0]))
        softmax = powers / powers.sum()
    assert np.isnan(as_printed[0])
    assert as_printed[1] == np.inf
    assert np.isnan(softmax).all()
    log_y = np.array([0.0, -np.inf])
    assert kl_divergence(log_y, [1.0, 0.0]) == 0
    assert kl_divergence(log_y, [0.0, 1.0]) == np.inf
    np.testing.assert_allclose(cross_entropy([[1000.0, 999.0]] * 2, [0, 1]), np.log1p(np.exp([-1.0, 1.0])))
    assert cross_entropy([[0.0, 5000.0]], [0]) == 5000


def test_e12_alignment_is_a_question_for_outputs_without_recurrence_as_well():
    """The outputs of each frame alone, and a loss that does not say where each symbol lies."""
    log_y = log_softmax(logits(FRAMES_MLP, X))
    y = np.exp(log_y)
    runs = {path: [k for k, _ in groupby(path)] for path in product((0, 1), repeat=5)}
    ways = [path for path, symbols in runs.items() if symbols.count(0) == 2]  # 1 is the blank
    assert len(ways) > 1, "which frames belong to which of both symbols is open"
    total = sum(y[np.arange(5), path].prod() for path in ways)
    assert loss_and_gradient(log_y, [0, 0], 1)[0] == pytest.approx(-np.log(total))


def no_neighbours(right, x, before, after=0):
    """Windows as wide as they were, with the frame itself and nothing else in them."""
    found = right(x, before, after).reshape(len(x), before + 1 + after, -1)
    found[:, np.arange(before + 1 + after) != before] = 0
    return found.reshape(len(x), -1)


def counts_later_frames_more(right, net, x, target):
    losses = [right(net, frame, symbol) for frame, symbol in zip(x[:, None], target[:, None], strict=True)]
    return sum((t + 1) * loss for t, (loss, _) in enumerate(losses)), right(net, x, target)[1]


def order_of_the_frames_taken_out(right, net, x):
    return right(net, np.sort(x, axis=0))


def cross_entropy_by_name(right, log_y, y_star):
    return -(np.asarray(y_star) * log_y).sum(axis=-1)


def with_zeros_times_infinity(right, log_y, y_star):
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.asarray(y_star) * (np.log(y_star) - log_y)).sum(axis=-1)


def softmax_of_powers(right, logits):
    with np.errstate(all="ignore"):
        powers = np.exp(np.asarray(logits))
        return np.log(powers / powers.sum(axis=-1, keepdims=True))


def truth_under_the_model_and_model_under_the_truth(right, logits, target):
    """A loss that does not mind the order of its arguments: its mean with what it is the other way round."""
    y = np.exp(log_softmax(logits))
    return (right(logits, target) + np.take_along_axis(y, np.asarray(target)[..., None], axis=-1)[..., 0]) / 2


def one_alignment_is_known(right, log_y, target, blank):
    return -best_alignment(log_y, target, blank).score, None


MISTAKES = {
    "E7: an MLP sees single frames": (
        test_e7_a_window_lets_an_mlp_learn_patterns_across_frames,
        instead(windows, no_neighbours),
    ),
    "E8: the sum of the losses knows the order": (
        test_e8_a_sum_of_losses_does_not_know_the_order_of_the_frames,
        instead(loss_and_gradients, counts_later_frames_more),
    ),
    "E8: no loss knows the order": (
        test_e8_a_sum_of_losses_does_not_know_the_order_of_the_frames,
        instead(loss_and_gradient, lambda right, log_y, *rest: right(log_y[np.lexsort(log_y.T)], *rest)),
    ),
    "E9: permuted inputs leave every output as it was": (
        test_e9_outputs_go_with_their_frames_and_do_not_stay_where_they_were,
        instead(logits, order_of_the_frames_taken_out),
    ),
    "E10: the divergence with its arguments exchanged": (
        test_e10_neither_loss_is_symmetric_and_they_are_equal_for_one_hot_targets_only,
        instead(kl_divergence, lambda right, log_y, y_star: right(np.log(y_star), np.exp(log_y))),
    ),
    "E10: the divergence is the cross-entropy": (
        test_e10_neither_loss_is_symmetric_and_they_are_equal_for_one_hot_targets_only,
        instead(kl_divergence, cross_entropy_by_name),
    ),
    "E10: a cross-entropy for either order": (
        test_e10_neither_loss_is_symmetric_and_they_are_equal_for_one_hot_targets_only,
        instead(cross_entropy, truth_under_the_model_and_model_under_the_truth),
    ),
    "E11: the sum as printed, of a divergence": (
        test_e11_the_printed_sum_is_infinite_or_not_a_number_at_the_edges,
        instead(kl_divergence, with_zeros_times_infinity),
    ),
    "E11: the sum as printed, of a softmax": (
        test_e11_the_printed_sum_is_infinite_or_not_a_number_at_the_edges,
        instead(log_softmax, softmax_of_powers),
    ),
    "E12: without recurrence the alignment is known": (
        test_e12_alignment_is_a_question_for_outputs_without_recurrence_as_well,
        instead(loss_and_gradient, one_alignment_is_known),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
