"""One test for each line of ERRATA.md that chapter 2 has: the printed claim fails, the right form holds."""

from itertools import groupby, product

import numpy as np
import pytest

from course_utils.ctc import loss_and_gradient
from course_utils.descent import adam
from course_utils.losses import cross_entropy, kl_divergence, log_softmax
from course_utils.mlp import MLP, logits, loss_and_gradients, random_mlp, windows
from course_utils.notebook.ch02 import EXAMPLE_MLP, EXAMPLE_ORDER, EXAMPLE_TARGET, EXAMPLE_X
from course_utils.rnn import delay, random_rnn, run

X, TARGET, ORDER = np.array(EXAMPLE_X)[:, None], np.array(EXAMPLE_TARGET), np.array(EXAMPLE_ORDER)


def delayed(bits, d):
    return np.concatenate([np.zeros(d, dtype=int), bits[: len(bits) - d]])


def share_right(task, width, seed=0):
    """Train a perceptron on windows of so many bits, and count what it gets right on others."""
    bits, held_out = np.random.default_rng(seed).integers(2, size=(2, 1000))
    start = random_mlp(np.random.default_rng(seed), width, 8, 2)
    x = windows(bits[:, None], width - 1)
    found, _ = adam(lambda p, n: loss_and_gradients(MLP(**p), x, task(bits)), start.parameters, 200, 0.05)
    guess = logits(MLP(**found), windows(held_out[:, None], width - 1)).argmax(axis=1)
    return (guess == task(held_out)).mean()


def test_e7_a_window_lets_a_perceptron_learn_patterns_across_frames():
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
    ctc = [loss_and_gradient(log_softmax(logits(EXAMPLE_MLP, x)), [0, 0], 1)[0] for x in (X, X[ORDER])]
    assert ctc == pytest.approx([0.136, 0.471], abs=5e-4)


def test_e9_outputs_go_with_their_frames_and_do_not_stay_where_they_were():
    f_X, f_PX = (np.exp(log_softmax(logits(EXAMPLE_MLP, x))) for x in (X, X[ORDER]))
    np.testing.assert_allclose(f_PX, f_X[ORDER], rtol=0, atol=1e-15)
    assert np.abs(f_PX - f_X).max() == pytest.approx(0.951, abs=5e-4)
    rng = np.random.default_rng(1)
    for _ in range(20):
        net, x, order = random_mlp(rng, 3, 4, 2), rng.normal(size=(6, 3)), rng.permutation(6)
        P = np.eye(6)[order]
        np.testing.assert_allclose(logits(net, P @ x), P @ logits(net, x), rtol=0, atol=1e-13)


def test_e10_neither_loss_is_symmetric_and_they_are_equal_for_one_hot_targets_only():
    y, truth = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    H = -(truth * np.log(truth)).sum()
    assert kl_divergence(np.log(y), truth) == pytest.approx(0.1927447570, abs=1e-10)
    assert kl_divergence(np.log(truth), y) == pytest.approx(0.2231435513, abs=1e-10)
    assert pytest.approx(0.5004024235, abs=1e-10) == H
    rng = np.random.default_rng(2)
    for _ in range(50):
        y, truth = rng.dirichlet(np.ones(4), 2)
        H = -(truth * np.log(truth)).sum()
        assert -(truth * np.log(y)).sum() == pytest.approx(kl_divergence(np.log(y), truth) + H)
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
    log_y = log_softmax(logits(EXAMPLE_MLP, X))
    y = np.exp(log_y)
    runs = {path: [k for k, _ in groupby(path)] for path in product((0, 1), repeat=5)}
    ways = [path for path, symbols in runs.items() if symbols.count(0) == 2]  # 1 is the blank
    assert len(ways) > 1, "which frames belong to which of both symbols is open"
    total = sum(y[np.arange(5), path].prod() for path in ways)
    assert loss_and_gradient(log_y, [0, 0], 1)[0] == pytest.approx(-np.log(total))
