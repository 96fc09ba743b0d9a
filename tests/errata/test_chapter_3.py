"""One test for each line of ERRATA.md that belongs to chapter 3: the printed claim fails, the right form holds."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, product
from math import log2

import numpy as np
import pytest
from planting import assert_red, instead

from course_utils import mlp
from course_utils.bidirectional import BidirectionalPass, BidirectionalRNN, run_bidirectional
from course_utils.bptt import backward, truncated_per_loss
from course_utils.gradient_check import numerical_gradient
from course_utils.machines import delay, parity
from course_utils.rnn import RNN, ForwardPass, random_rnn, run


@pytest.fixture
def example(oracles):
    known = oracles["O8_rnn_bptt"]["inputs"]
    net = RNN(known["Wxh"], known["Whh"], known["bh"], known["Why"], known["by"])
    return net, np.array(known["X"]), np.array(known["target"])


def information(target, known):
    """Mutual information in bits between two columns of equally likely rows."""
    n, both, p, q = len(target), Counter(zip(target, known, strict=True)), Counter(target), Counter(known)
    return sum(c / n * log2(c * n / (p[a] * q[b])) for (a, b), c in both.items())


def test_e13_a_state_settles_the_outputs_to_come_but_not_the_target():
    sequences = list(product([0, 1], repeat=2))
    first = [pair[0] for pair in sequences]
    adds_up = RNN([[1]], [[1]], [0], [[1]], [0], activation="identity")
    twice = RNN([[1], [2]], np.eye(2), [0, 0], [[1, 1]], [0], activation="identity")
    found = {}
    for name, net in (("sum", adds_up), ("sum in two units", twice), ("delay", delay(1))):
        found[name] = information(first, [tuple(run(net, np.array(p)[:, None]).h[-1]) for p in sequences])
    assert information(first, sequences) == 1
    assert found == {"sum": 0.5, "sum in two units": 0.5, "delay": 1}  # so it is not a matter of capacity

    one, two = (run(parity(), np.array(read)[:, None]).h[-1] for read in ([1, 1, 0, 1], [0, 1]))
    future = np.random.default_rng(0).integers(2, size=(50, 1))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(run(parity(), future, one).logits, run(parity(), future, two).logits)


def test_e14_two_directions_have_two_sets_of_weights_a_boundary_and_twice_the_outputs_weights(example, oracles):
    net, x, _ = example
    T, H = len(x), 2
    states = np.zeros((T, H))
    with pytest.raises(IndexError):  # as printed: nothing is said of the state behind the last frame
        states[T - 1] = np.tanh(net.W_xh @ x[T - 1] + net.W_hh @ states[T] + net.b_h)
    behind = np.zeros((T + 1, H))
    for t in reversed(range(T)):
        behind[t] = np.tanh(net.W_xh @ x[t] + net.W_hh.T @ behind[t + 1] + net.b_h)
    known = oracles["O12_bidirectional"]
    np.testing.assert_allclose(behind[:-1], known["backward_h"], atol=1e-12)

    own = RNN(net.W_xh, net.W_hh.T, net.b_h, [[0.3, 0.2], [-0.4, 0.1]], [0, 0])
    both = run_bidirectional(BidirectionalRNN(net, own), x)
    np.testing.assert_allclose(both.h[0], known["concat_h0"], atol=1e-12)
    with pytest.raises(ValueError, match="matmul"):
        net.W_hy @ both.h[0]
    np.testing.assert_allclose(both.h @ np.hstack([net.W_hy, own.W_hy]).T + net.b_y, both.logits, atol=1e-15)

    shared = BidirectionalRNN(net, net)
    from_the_end = run_bidirectional(shared, x[::-1]).h[::-1, [2, 3, 0, 1]]
    np.testing.assert_allclose(from_the_end, run_bidirectional(shared, x).h, atol=1e-15)
    assert np.abs(run_bidirectional(BidirectionalRNN(net, own), x[::-1]).h[::-1, [2, 3, 0, 1]] - both.h).max() > 0.05


def test_e14b_an_output_depends_on_the_past_alone_in_one_direction_only(example):
    net, x, _ = example
    changed = x.copy()
    changed[-1] += 1
    assert np.array_equal(run(net, changed).logits[:-1], run(net, x).logits[:-1])
    pair = BidirectionalRNN(net, net)
    assert (
        (np.abs(run_bidirectional(pair, changed).logits - run_bidirectional(pair, x).logits) > 1e-3).any(axis=1).all()
    )


def test_e15_a_few_frames_of_look_ahead_bring_a_bidirectional_network_close_to_the_whole():
    x = np.random.default_rng(3).normal(size=(120, 2))
    pair = BidirectionalRNN(*(random_rnn(np.random.default_rng(n), 2, 16, 3, scale=0.8) for n in (1, 2)))
    whole = run_bidirectional(pair, x).logits
    apart = []
    for ahead in (0, 8, 16, 24, len(x)):
        late = [run(pair.backwards, x[t : t + ahead + 1][::-1]).logits[-1] for t in range(len(x))]
        apart.append(np.abs(run(pair.forwards, x).logits + late - whole).max())
    assert apart[0] > 0.1  # with no look-ahead at all
    assert all(later < earlier / 5 for earlier, later in pairwise(apart[:-1]))
    assert apart[-1] < 1e-14


def test_e16_the_gradient_of_the_output_weights_needs_no_chain(example):
    import torch

    net, x, target = example
    forward = run(net, x)
    error = forward.y - np.eye(2)[target]
    W_hy, b_y = sum(np.outer(e, h) for e, h in zip(error, forward.h, strict=True)), error.sum(axis=0)

    def loss(**moved):
        return run(net.with_parameters(**moved), x).losses(target).sum()

    np.testing.assert_allclose(W_hy, numerical_gradient(lambda w: loss(W_hy=w), net.W_hy), atol=1e-10)
    np.testing.assert_allclose(b_y, numerical_gradient(lambda b: loss(b_y=b), net.b_y), atol=1e-10)

    weights = {name: torch.tensor(value, requires_grad=True) for name, value in net.parameters.items()}
    h, total = weights["h_init"], 0
    for frame, symbol in zip(torch.tensor(x), target, strict=True):
        h = torch.tanh(weights["W_xh"] @ frame + weights["W_hh"] @ h + weights["b_h"])
        total = total - torch.log_softmax(weights["W_hy"] @ h + weights["b_y"], dim=0)[symbol]
    total.backward()
    np.testing.assert_allclose(W_hy, weights["W_hy"].grad, atol=1e-14)
    np.testing.assert_allclose(b_y, weights["b_y"].grad, atol=1e-14)

    whole, own_step_only = backward(forward, error).gradients, truncated_per_loss(forward, error, 0)[1]
    for gradients in (whole, own_step_only):
        np.testing.assert_allclose(gradients["W_hy"], W_hy, atol=1e-14)
        np.testing.assert_allclose(gradients["b_y"], b_y, atol=1e-14)
    # Those before the state do need the chain.
    assert np.abs(own_step_only["W_hh"] - weights["W_hh"].grad.numpy()).max() > 0.3
    np.testing.assert_allclose(whole["W_hh"], weights["W_hh"].grad, atol=1e-12)


def test_e17_without_its_recurrent_weights_the_network_is_the_series_mlp(example):
    net, x, _ = example
    series = mlp.MLP(net.W_xh, net.b_h, net.W_hy, net.b_y)
    long = np.tile(x, (5, 1))  # the same weights at every frame, for any number of frames
    no_memory = net.with_parameters(W_hh=np.zeros((2, 2)))
    np.testing.assert_allclose(mlp.logits(series, long), run(no_memory, long).logits, atol=1e-15)
    assert np.abs(mlp.logits(series, long) - run(net, long).logits).max() > 0.1
    sizes = [sum(v.size for v in mlp.random_mlp(np.random.default_rng(0), 2 * w, 2, 2).parameters.values()) for w in (1, 4, 64)]  # fmt: skip
    assert sizes == [12, 24, 264]
    assert net.count == 18


def keeps_everything(right, net, x, h=None):
    """A state that is sufficient: the inputs before count twice, so that none is lost in a sum."""
    return right(net.with_parameters(W_hh=2 * net.W_hh), x, h)


def one_function_for_both(right, net, x):
    return right(BidirectionalRNN(net.forwards, net.forwards), x)


def backwards_from_the_last_state_forwards(right, net, x):
    forwards = run(net.forwards, x)
    return BidirectionalPass(forwards, run(net.backwards, np.asarray(x)[::-1], forwards.h[-1]))


def causal_in_both_directions(right, net, x):
    backwards = run(net.backwards, x)
    turned = ForwardPass(net.backwards, backwards.x[::-1], backwards.states[::-1], backwards.logits[::-1])
    return BidirectionalPass(run(net.forwards, x), turned)


def all_that_is_to_come_counts_alike(right, net, x):
    both = right(net, x)
    mean = np.cumsum(both.backwards.logits, axis=0) / np.arange(1, len(x) + 1)[:, None]
    return BidirectionalPass(both.forwards, replace(both.backwards, logits=mean))


def through_the_chain(right, forward, d_logits):
    """Every gradient from the deltas, also those of the output weights: the error as the states see it."""
    found = right(forward, d_logits)
    chained = found.delta @ np.linalg.pinv(forward.net.W_hy)
    gradients = found.gradients | {"W_hy": chained.T @ forward.h, "b_y": chained.sum(axis=0)}
    return replace(found, gradients=gradients)


def weights_of_their_own_for_every_frame(right, net, x, h=None):
    return right(net, np.asarray(x) * np.linspace(1, 2, len(x))[:, None], h)


MISTAKES = {
    "E13: a state is enough": (
        test_e13_a_state_settles_the_outputs_to_come_but_not_the_target,
        instead(run, keeps_everything),
    ),
    "E14: one function for both directions": (
        test_e14_two_directions_have_two_sets_of_weights_a_boundary_and_twice_the_outputs_weights,
        instead(run_bidirectional, one_function_for_both),
    ),
    "E14: no boundary of its own behind the last frame": (
        test_e14_two_directions_have_two_sets_of_weights_a_boundary_and_twice_the_outputs_weights,
        instead(run_bidirectional, backwards_from_the_last_state_forwards),
    ),
    "E14: the output layer stays as it was": (
        test_e14_two_directions_have_two_sets_of_weights_a_boundary_and_twice_the_outputs_weights,
        instead(BidirectionalPass.logits, lambda right, both: both.forwards.logits),
    ),
    "E14b: the past alone in both directions": (
        test_e14b_an_output_depends_on_the_past_alone_in_one_direction_only,
        instead(run_bidirectional, causal_in_both_directions),
    ),
    "E15: no look-ahead is enough": (
        test_e15_a_few_frames_of_look_ahead_bring_a_bidirectional_network_close_to_the_whole,
        instead(run_bidirectional, all_that_is_to_come_counts_alike),
    ),
    "E16: the output weights through the chain": (
        test_e16_the_gradient_of_the_output_weights_needs_no_chain,
        instead(backward, through_the_chain),
    ),
    "E17: weights shared across examples, not across time": (
        test_e17_without_its_recurrent_weights_the_network_is_the_series_mlp,
        instead(run, weights_of_their_own_for_every_frame),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
