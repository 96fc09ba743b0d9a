"""Section 3.6: do both directions give what torch gives, each from its own end?"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recurrent import (
    ACTIVATIONS,
    CLOSE,
    PLAIN,
    WORKED,
    as_array,
    assert_same_gradients,
    random_net,
    random_problem,
    run_in_torch,
    seeds,
    torch_rnn,
    underflowing,
)

from course_utils.bidirectional import BidirectionalRNN, backward_bidirectional, run_bidirectional
from course_utils.losses import cross_entropy_gradient
from course_utils.rnn import random_rnn, step


def test_the_worked_example_in_both_directions(oracles):
    truth = oracles["O12_bidirectional"]
    net, x, _ = WORKED
    both = run_bidirectional(BidirectionalRNN(net, net.with_parameters(W_hh=net.W_hh.T)), x)
    np.testing.assert_allclose(both.h[:, :2], oracles["O8_rnn_bptt"]["h"], **CLOSE)
    np.testing.assert_allclose(both.h[:, 2:], truth["backward_h"], **CLOSE)
    np.testing.assert_allclose(both.h[0], truth["concat_h0"], **CLOSE)


@given(seeds, st.booleans())
def test_both_directions_are_those_of_torch(seed, batch):
    rng = np.random.default_rng(seed)
    net, x, target, weights = random_problem(rng, "tanh", T=int(rng.integers(1, 9)), batch=batch)
    D, A = net.W_xh.shape[1], len(net.W_hy)
    other = random_net(rng, "tanh", (D, int(rng.integers(1, 5)), A))
    leaves = [{name: torch.tensor(v, requires_grad=True) for name, v in one.parameters.items()} for one in (net, other)]
    logits = []
    for of_one, frames in zip(leaves, (x, x[::-1].copy()), strict=True):
        start = of_one["h_init"].expand(*x.shape[1:-1], len(of_one["W_hh"]))
        logits.append(torch.stack(run_in_torch(of_one, "tanh", torch.tensor(frames), start)[1]))
    added = logits[0] + logits[1].flip(0)
    flat = torch.nn.functional.cross_entropy(added.reshape(-1, A), torch.tensor(target.ravel()), reduction="none")
    (flat * torch.tensor(weights.ravel())).sum().backward()
    both = run_bidirectional(BidirectionalRNN(net, other), x)
    np.testing.assert_allclose(both.logits, added.detach().numpy(), **CLOSE)
    backs = backward_bidirectional(both, cross_entropy_gradient(both.logits, target, weights))
    for back, of_one in zip(backs, leaves, strict=True):
        assert_same_gradients(back.gradients, {name: as_array(leaf.grad, leaf) for name, leaf in of_one.items()})


def test_torchs_own_network_in_both_directions():
    rng = np.random.default_rng(1)
    nets = [random_net(rng, sizes=(3, 4, 2)).with_parameters(h_init=np.zeros(4)) for _ in range(2)]
    x = rng.normal(size=(9, 2, 3))
    h = torch_rnn(*nets)(torch.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(run_bidirectional(BidirectionalRNN(*nets), x).h, h, **CLOSE)


@given(seeds)
def test_adding_the_logits_is_one_output_matrix_on_both_states(seed):
    rng = np.random.default_rng(seed)
    ours, x, _, _ = random_problem(rng)
    others = random_net(rng, "relu", (ours.W_xh.shape[1], 3, len(ours.W_hy)))
    both = run_bidirectional(BidirectionalRNN(ours, others), x)
    together = both.h @ np.hstack([ours.W_hy, others.W_hy]).T + ours.b_y + others.b_y
    np.testing.assert_allclose(both.logits, together, **CLOSE)


def test_the_backward_direction_starts_at_the_end():
    net = random_net(np.random.default_rng(0), sizes=(1, 2, 1))
    x = np.arange(5.0)[:, None]
    both = run_bidirectional(BidirectionalRNN(net, net), x)
    np.testing.assert_allclose(both.h[-1, 2:], step(net, net.h_init, x[-1])[0], **CLOSE)
    np.testing.assert_array_equal(both.backwards.x, x[::-1])


def test_both_runs_keep_the_inputs_that_they_saw():
    """A buffer that is filled with the next sequence must not change what the way back reads."""
    net, x, _, _ = random_problem(np.random.default_rng(4), "tanh", T=5, batch=True)
    both, seen = run_bidirectional(BidirectionalRNN(net, net), x), x.copy()
    x[...] = 100
    np.testing.assert_array_equal(both.forwards.x, seen)
    np.testing.assert_array_equal(both.backwards.x, seen[::-1])


@pytest.mark.parametrize(("D", "A"), [(2, 1), (1, 2)])
def test_two_directions_that_do_not_go_together_are_refused(D, A):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"the two directions have 2 and {D} inputs, 2 and {A} outputs"):
        BidirectionalRNN(random_rnn(rng, 2, 3, 2), random_rnn(rng, D, 4, A))


@pytest.mark.parametrize("shape", [(), (2,), (4, 3), (4, 2, 2, 2)])
def test_both_directions_refuse_inputs_and_gradients_of_another_shape(shape):
    both = BidirectionalRNN(PLAIN, PLAIN)
    with pytest.raises(ValueError, match=r"x has shape .*; the network has 2 inputs"):
        run_bidirectional(both, np.zeros(shape))
    with pytest.raises(ValueError, match=r"d_logits has shape .*; it must be that of the logits, \(4, 2\)"):
        backward_bidirectional(run_bidirectional(both, np.zeros((4, 2))), np.zeros(shape))


@pytest.mark.parametrize("wrong", [[[0, 1], [0]], "text"])
def test_a_gradient_that_is_no_array_of_numbers_is_refused(wrong):
    both = run_bidirectional(BidirectionalRNN(PLAIN, PLAIN), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="d_logits is not an array of numbers"):
        backward_bidirectional(both, wrong)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_underflows_is_no_error(activation):
    """Saturated units, probabilities of zero, and weights whose products are too small for a number."""
    net, x, target, weights = underflowing(activation)
    with np.errstate(all="raise"):
        both = run_bidirectional(BidirectionalRNN(net, net), x)
        both.h, both.logits  # noqa: B018
        backward_bidirectional(both, cross_entropy_gradient(both.logits, target, weights))
