"""One test for each line of ERRATA.md about chapter 4: the printed claim fails, the right form holds."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from planting import assert_red, instead

from course_utils.bptt import (
    BackwardPass,
    backward,
    checkpointed_gradients,
    loss_and_gradients,
    truncated_by_chunks,
    truncated_per_loss,
)
from course_utils.gradient_check import numerical_gradient
from course_utils.losses import cross_entropy, cross_entropy_gradient
from course_utils.rnn import RNN, ForwardPass, random_rnn, run

ORACLES = json.loads((Path(__file__).parent.parent / "oracles.json").read_text("utf-8"))
GIVEN = ORACLES["O8_rnn_bptt"]["inputs"]
NET = RNN(*(np.array(GIVEN[name]) for name in ("Wxh", "Whh", "bh", "Why", "by")))
X, TARGET = np.array(GIVEN["X"]), np.array(GIVEN["target"])
T = len(X)


def example():
    """The worked example forwards and backwards, computed anew for every test."""
    forward = run(NET, X)
    return backward(forward, cross_entropy_gradient(forward.logits, TARGET))


def printed_delta(direct, jacobians, k):
    """The recursion of 4.9 as printed, in row form; jacobians[t] is dh_t / dh_{t−1}."""
    delta = np.array(direct, dtype=float)
    for t in range(len(delta) - 2, -1, -1):
        chain = np.eye(delta.shape[1])
        for tau in range(t + 1, min(t + k, len(delta) - 1) + 1):
            chain = jacobians[tau] @ chain
            delta[t] += delta[tau] @ chain
    return delta


def right_delta(direct, jacobians, k):
    """Each loss by itself, k Jacobians back."""
    delta = np.zeros_like(np.array(direct, dtype=float))
    for t in range(len(delta)):
        chain = np.eye(delta.shape[1])
        for tau in range(t, min(t + k, len(delta) - 1) + 1):
            chain = chain if tau == t else jacobians[tau] @ chain
            delta[t] += direct[tau] @ chain
    return delta


def test_e18_a_network_of_ordinary_layers_has_the_same_gradient():
    found = example()
    layers = [torch.tensor(NET.W_hh, requires_grad=True) for _ in range(T)]
    W_xh, b_h, W_hy, b_y = (torch.tensor(a) for a in (NET.W_xh, NET.b_h, NET.W_hy, NET.b_y))
    h, loss = torch.zeros(2, dtype=torch.float64), 0.0
    for W_hh, x_t, right in zip(layers, torch.tensor(X), torch.tensor(TARGET), strict=True):
        h = torch.tanh(W_xh @ x_t + W_hh @ h + b_h)
        loss = loss + torch.nn.functional.cross_entropy(W_hy @ h + b_y, right)
    copies = np.stack([gradient.numpy() for gradient in torch.autograd.grad(loss, layers)])
    assert copies == pytest.approx(found.contributions("W_hh"), abs=1e-14)
    assert copies.sum(axis=0) == pytest.approx(np.array(ORACLES["O8_rnn_bptt"]["dWhh"]), abs=1e-14)
    ways = np.eye(T + 1, k=1)  # from each state to the next: no way leads back
    assert not np.linalg.matrix_power(ways, T + 1).any()


def test_e19_t_steps_have_t_plus_one_states_and_t_jacobians():
    forward = run(NET, X)
    assert len(forward.states) == T + 1
    jacobians = forward.jacobians()
    assert len(jacobians) == T
    product = np.linalg.multi_dot(jacobians[::-1])
    for j in range(2):
        row = numerical_gradient(lambda h, j=j: run(NET, X, h).h[-1, j], NET.h_init)
        assert product[j] == pytest.approx(row, abs=1e-9)


def test_e20_for_columns_the_jacobian_is_transposed():
    found = example()
    forward = found.forward
    after, J = found.delta[3], forward.jacobians()[3]
    right = [0.9135885303, -0.1862331176]
    assert found.delta[2] == pytest.approx(right, abs=1e-10)
    assert found.direct[2] + after @ J == pytest.approx(right, abs=1e-10)
    assert found.direct[2] + J.T @ after == pytest.approx(right, abs=1e-10)
    assert found.direct[2] + J @ after == pytest.approx([0.4913092229, -0.6990008480], abs=1e-10)


def test_e21_the_printed_sum_is_zero_for_the_output_weights_and_counts_paths_again_for_the_others():
    found = example()
    forward = found.forward

    def printed_sum(name):
        def weighted(value):
            return (found.delta * run(NET.with_parameters(**{name: value}), X).h).sum()

        return numerical_gradient(weighted, getattr(NET, name))

    assert printed_sum("W_hy") == pytest.approx(np.zeros((2, 2)), abs=1e-11)
    assert np.linalg.norm(found.gradients["W_hy"]) == pytest.approx(1.0057833983, abs=1e-10)
    assert np.abs(printed_sum("W_hh") - found.gradients["W_hh"]).max() > 0.1
    held_fixed = np.einsum("ti,ti,tj->ij", forward.slope, found.delta, forward.h_before)
    assert held_fixed == pytest.approx(np.array(ORACLES["O8_rnn_bptt"]["dWhh"]), abs=1e-12)
    for name, value in NET.parameters.items():
        nudged = numerical_gradient(
            lambda v, name=name: run(NET.with_parameters(**{name: v}), X).losses(TARGET).sum(), value
        )
        assert found.gradients[name] == pytest.approx(nudged, abs=1e-9), name


def test_e21b_the_last_step_needs_a_guard_and_a_learned_start_a_gradient():
    found = example()
    forward = found.forward
    delta = np.zeros((T + 1, 2))
    with pytest.raises(IndexError):
        delta[T - 1] = found.direct[T - 1] + delta[T] @ forward.jacobians()[T]
    assert found.delta[-1] == pytest.approx(found.direct[-1], abs=1e-15)
    right = [-0.5431928737, -0.8251911285]
    assert found.gradients["h_init"] == pytest.approx(right, abs=1e-10)
    assert NET.W_hh.T @ found.dz[0] == pytest.approx(right, abs=1e-10)
    nudged = numerical_gradient(lambda h: run(NET, X, h).losses(TARGET).sum(), NET.h_init)
    assert nudged == pytest.approx(right, abs=1e-9)


def test_e21c_states_may_be_computed_again_instead_of_stored():
    rng = np.random.default_rng(0)
    net, x, target = random_rnn(rng, 2, 3, 4), rng.normal(size=(16, 2)), rng.integers(4, size=16)
    full = checkpointed_gradients(net, x, target, every=1)
    assert full.states_kept == 17
    for every in (2, 3, 4, 5, 8):
        less = checkpointed_gradients(net, x, target, every=every)
        assert less.states_kept <= 10
        assert all(np.array_equal(less.gradients[name], full.gradients[name]) for name in full.gradients)
    assert min(checkpointed_gradients(net, x, target, every=d).states_kept for d in range(1, 17)) == 8
    plain = loss_and_gradients(net, x, target)[1]
    assert all(full.gradients[name] == pytest.approx(plain[name], abs=1e-12) for name in plain)


def test_e22_the_printed_truncation_is_the_full_gradient_at_1_and_counts_losses_again_above():
    found = example()
    forward, d_logits = found.forward, found.d_logits
    one, known = np.ones((5, 1)), ORACLES["O10_tbptt"]["scalar_w1_T4"]
    jacobians = np.ones((5, 1, 1))
    assert printed_delta(one, jacobians, 1).ravel().tolist() == known["full"] == [5, 4, 3, 2, 1]
    assert printed_delta(one, jacobians, 2).ravel().tolist() == known["notes_k2"] == [12, 7, 4, 2, 1]
    assert printed_delta(one, jacobians, 4).ravel().tolist() == known["notes_k4"] == [16, 8, 4, 2, 1]
    assert right_delta(one, jacobians, 1).ravel().tolist() == known["right_k1"] == [2, 2, 2, 2, 1]
    assert right_delta(one, jacobians, 2).ravel().tolist() == known["right_k2"] == [3, 3, 3, 2, 1]
    long = np.ones((21, 1)), np.ones((21, 1, 1))
    assert printed_delta(*long, 20)[0, 0] == 2**20
    assert right_delta(*long, 20)[0, 0] == 21
    jacobians = forward.jacobians()
    assert printed_delta(found.direct, jacobians, 1) == pytest.approx(found.delta, abs=1e-14)
    assert printed_delta(found.direct, jacobians, 3)[0] == pytest.approx([-0.0034367693, -0.5918218791], abs=1e-10)
    for k in range(5):
        by_package = truncated_per_loss(forward, d_logits, k)[0]
        assert by_package == pytest.approx(right_delta(found.direct, jacobians, k), abs=1e-14)
    assert truncated_per_loss(forward, d_logits, 3)[0] == pytest.approx(found.delta, abs=1e-14)


def test_the_printed_truncation_counts_a_loss_once_for_each_way_to_cover_its_distance_in_jumps():
    """At most k long; the count is found by listing them."""

    def ways(gap, k):
        return sum(
            sum(jumps) == gap for parts in range(gap + 1) for jumps in itertools.product(range(1, k + 1), repeat=parts)
        )

    for gap, k in itertools.product(range(6), range(1, 6)):
        direct = np.zeros((gap + 1, 1))
        direct[-1] = 1
        assert printed_delta(direct, np.ones((gap + 1, 1, 1)), k)[0, 0] == ways(gap, k)
        assert ways(gap, k) == 2 ** (gap - 1) or k < gap or gap == 0


def test_e23_a_dependency_longer_than_the_cut_is_learned_where_the_forward_state_carries_it():
    pulse = np.eye(11)[:, :1]

    def train(name, k, **start):
        net = RNN([[1]], [[1]], [0], [[1]], [0], activation="identity").with_parameters(**start)
        for _ in range(500):
            forward = run(net, pulse)
            d_logits = np.zeros((11, 1))
            d_logits[10] = forward.logits[10] - 1
            gradient = truncated_per_loss(forward, d_logits, k)[1][name]
            net = net.with_parameters(**{name: getattr(net, name) - 0.05 * gradient})
        return getattr(net, name).item(), 0.5 * (run(net, pulse).logits[10, 0] - 1) ** 2

    w, loss = train("W_hh", 1, W_hh=[[0.8]])
    assert w == pytest.approx(1, abs=1e-12)
    assert loss < 1e-25
    assert train("W_xh", 9, W_xh=[[0.5]]) == (0.5, 0.125)  # no gradient comes from further than the cut
    assert train("W_xh", 10, W_xh=[[0.5]])[0] == pytest.approx(1, abs=1e-9)


def test_e24_loss_by_loss_and_chunks_are_two_algorithms():
    found = example()
    forward, d_logits = found.forward, found.d_logits
    known = ORACLES["O10_tbptt"]
    for k in range(4):
        W_xh = truncated_per_loss(forward, d_logits, k)[1]["W_xh"]
        assert W_xh == pytest.approx(np.array(known["per_loss_dWxh"][str(k)]), abs=1e-12)
    for chunk in (1, 2, 4):
        W_xh = truncated_by_chunks(forward, d_logits, chunk)[1]["W_xh"]
        assert W_xh == pytest.approx(np.array(known["chunk_detach_dWxh"][str(chunk)]), abs=1e-12)
    assert truncated_per_loss(forward, d_logits, 1)[1]["W_xh"][0, 0] == pytest.approx(-0.3696009609, abs=1e-10)
    assert truncated_by_chunks(forward, d_logits, 2)[1]["W_xh"][0, 0] == pytest.approx(-0.4450685395, abs=1e-10)
    h, total = NET.h_init, 0.0  # chunk after chunk, with no more than two states at a time
    for start in (0, 2):
        part = run(NET, X[start : start + 2], h)
        d_logits = cross_entropy_gradient(part.logits, TARGET[start : start + 2])
        total, h = total + backward(part, d_logits).gradients["W_xh"], part.h[-1]
    assert total == pytest.approx(np.array(known["chunk_detach_dWxh"]["2"]), abs=1e-12)
    assert cross_entropy(forward.logits, TARGET).sum() == pytest.approx(ORACLES["O8_rnn_bptt"]["total"], abs=1e-12)


def stops_at_the_state_before(right, forward, d_logits):
    dz = (d_logits @ forward.net.W_hy) * forward.slope
    return BackwardPass(forward, d_logits, dz, truncated_per_loss(forward, d_logits, 0)[1])


def without_the_transpose(right, forward, d_logits):
    net = forward.net.with_parameters(W_hh=forward.net.W_hh.T)
    return right(replace(forward, net=net), d_logits)


def with_gradients(change):
    """Let some gradients be others; ``change`` makes them of the right result."""

    def wrong(right, forward, d_logits):
        found = right(forward, d_logits)
        return replace(found, gradients=found.gradients | change(found))

    return wrong


def total_derivatives(found):
    """Sum delta_t dh_t / dW with nothing held fixed, which is zero for the output weights."""
    net, x = found.forward.net, found.forward.x

    def weighted(W_hh):
        return (found.delta * run(net.with_parameters(W_hh=W_hh), x).h).sum()

    return {"W_hh": numerical_gradient(weighted, net.W_hh)}


def truncated_as_printed(right, forward, d_logits, k):
    _, gradients = right(forward, d_logits, k)
    return printed_delta(d_logits @ forward.net.W_hy, forward.jacobians(), k), gradients


def does_not_know_what_is_further_away(right, forward, d_logits, k):
    near = forward.x * (np.arange(len(forward.x)) >= len(forward.x) - 1 - k)[:, None]
    return right(run(forward.net, near), d_logits, k)


MISTAKES = {
    "E18: back-propagation cannot go round a cycle": (
        test_e18_a_network_of_ordinary_layers_has_the_same_gradient,
        instead(backward, stops_at_the_state_before),
    ),
    "E19: T steps, T states": (
        test_e19_t_steps_have_t_plus_one_states_and_t_jacobians,
        instead(ForwardPass.jacobians, lambda right, forward: right(forward)[1:]),
    ),
    "E20: a column times the Jacobian": (
        test_e20_for_columns_the_jacobian_is_transposed,
        instead(backward, without_the_transpose),
    ),
    "E21: similarly for the output weights": (
        test_e21_the_printed_sum_is_zero_for_the_output_weights_and_counts_paths_again_for_the_others,
        instead(backward, with_gradients(lambda found: {"W_hy": 0 * found.gradients["W_hy"]})),
    ),
    "E21: with no state held fixed": (
        test_e21_the_printed_sum_is_zero_for_the_output_weights_and_counts_paths_again_for_the_others,
        instead(backward, with_gradients(total_derivatives)),
    ),
    "E21b: no guard at the last step": (
        test_e21b_the_last_step_needs_a_guard_and_a_learned_start_a_gradient,
        instead(BackwardPass.future, lambda right, found: np.roll(found.dz, -1, axis=0) @ found.forward.net.W_hh),
    ),
    "E21b: no gradient for a learned start": (
        test_e21b_the_last_step_needs_a_guard_and_a_learned_start_a_gradient,
        instead(backward, with_gradients(lambda found: {"h_init": np.zeros(2)})),
    ),
    "E21c: all states must be stored": (
        test_e21c_states_may_be_computed_again_instead_of_stored,
        instead(checkpointed_gradients, lambda right, *args, every: right(*args, every=1)),
    ),
    "E22: whole deltas added up": (
        test_e22_the_printed_truncation_is_the_full_gradient_at_1_and_counts_losses_again_above,
        instead(truncated_per_loss, truncated_as_printed),
    ),
    "E23: nothing is learned from further than the cut": (
        test_e23_a_dependency_longer_than_the_cut_is_learned_where_the_forward_state_carries_it,
        instead(truncated_per_loss, does_not_know_what_is_further_away),
    ),
    "E24: one algorithm": (
        test_e24_loss_by_loss_and_chunks_are_two_algorithms,
        instead(truncated_by_chunks, lambda right, forward, d_logits, k: truncated_per_loss(forward, d_logits, k - 1)),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
