"""One test for each line of ERRATA.md that belongs to chapter 1: the printed claim fails, the right form holds."""

from itertools import pairwise, product

import numpy as np
import pytest

from course_utils.ctc import collapse, count_alignments, fewest_frames, loss_and_gradient
from course_utils.structures import STRUCTURES, dependence, jacobian, network

W = 0.7


def linear_unit(feed):
    """One linear unit whose output is its state; x comes in at every step, or is the initial state."""

    def run(x):
        h, outputs = (x[0], []) if feed == "at the start" else (np.zeros_like(x[0]), [])
        for _ in range(4):
            h = W * h + (x[0] if feed == "at every step" else 0)
            outputs.append(h)
        return np.array(outputs)

    return run


def test_e2_the_number_of_inputs_and_outputs_restricts_the_network_and_does_not_fix_it():
    x = np.random.default_rng(0).normal(size=(6, 2))
    carried = np.zeros(2)
    for frame in x:
        carried = carried + frame / len(x)
    np.testing.assert_allclose(carried, np.full(6, 1 / 6) @ x, rtol=1e-12)  # two architectures, one task
    full = {
        structure: dependence(net := network(structure), np.zeros((net.S, 2)) + 0.1).all() for structure in STRUCTURES
    }
    assert full["time-synchronous, both directions"]
    assert full["encoder-decoder"]
    assert not full["time-synchronous"]  # as many inputs and outputs, and it cannot do what the others can
    assert not full["one to one"]


def test_e3_the_formula_feeds_the_input_at_every_step_and_the_text_only_at_the_start():
    every = jacobian(linear_unit("at every step"), [[1.0]]).ravel()
    start = jacobian(linear_unit("at the start"), [[1.0]]).ravel()
    assert every == pytest.approx([1, 1.7, 2.19, 2.533], rel=1e-12)
    assert start == pytest.approx([0.7, 0.49, 0.343, 0.2401], rel=1e-12)
    assert (np.diff(every) > 0).all()
    assert (np.diff(start) < 0).all()


@pytest.mark.parametrize(
    ("feed", "hears"), [("at every step", False), ("at the start", False), ("autoregressive", True)]
)
def test_no_output_enters_the_printed_formula(feed, hears):
    """Weights from an output to the next state change nothing, unless the network is autoregressive."""
    found = network("one to many", 4, feed=feed)
    weights = found.function.__closure__
    (drawn,) = (cell.cell_contents for cell in weights if hasattr(cell.cell_contents, "W_yh"))
    x = np.array([[0.3, -0.8]])
    before = found(x)
    drawn.W_yh = drawn.W_yh + 1
    changed = np.abs(found(x) - before).max(axis=1) > 1e-9
    assert changed.tolist() == [False, hears, hears, hears]


def test_e4_a_prompt_is_a_sequence_and_its_order_matters():
    prompt = np.random.default_rng(0).normal(size=(3, 2))
    with pytest.raises(ValueError, match=r"takes \(1, 2\)"):
        network("one to many", 6)(prompt)
    continues = network("encoder-decoder", 6, S=3)
    assert continues(prompt).shape == (6, 2)
    assert np.abs(continues(prompt) - continues(prompt[::-1])).max() > 0.01


def test_e5_the_last_state_forgets_what_the_mean_of_the_states_keeps():
    for seed in range(5):
        reader = network("time-synchronous", 40, seed=seed)
        x = np.random.default_rng(seed).normal(size=(40, 2))
        last = dependence(lambda x, net=reader: net(x)[-1:], x)[0]
        mean = dependence(lambda x, net=reader: net(x).mean(axis=0, keepdims=True), x)[0]
        assert last[0] / last[-1] < 0.01
        assert mean[0] / mean[-1] > 0.1


def nan_for_torch():
    """Say whether torch's gradient of the loss of aa in two frames is NaN throughout."""
    import torch

    logits = torch.zeros(2, 1, 3, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.ctc_loss(logits.log_softmax(-1), torch.tensor([[1, 1]]), [2], [2], reduction="sum")
    loss.backward()
    return loss.item() == np.inf and logits.grad.isnan().all()


def test_e6_as_many_frames_as_symbols_are_enough_only_without_equal_neighbours():
    log_y = np.log(np.full((2, 3), 1 / 3))
    loss, gradient = loss_and_gradient(log_y, [1, 1])
    assert loss == np.inf
    assert not gradient.any()
    assert np.isfinite(loss_and_gradient(log_y, [1, 2])[0])
    assert nan_for_torch()
    assert [count_alignments("aa", T) for T in range(1, 7)] == [0, 0, 1, 5, 15, 35]
    for K, T in product(range(4), range(6)):
        spelled = {collapse(labels, 0) for labels in product(range(3), repeat=T)}
        for target in product((1, 2), repeat=K):
            repeats = sum(a == b for a, b in pairwise(target))
            assert fewest_frames(target) == K + repeats
            assert (target in spelled) == (K + repeats <= T)
