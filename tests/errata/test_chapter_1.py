"""One test for each line of ERRATA.md that belongs to chapter 1: the printed claim fails, the right form holds."""

from itertools import pairwise, product

import numpy as np
import pytest
from planting import assert_red, instead

from course_utils.alignment import adjacent_repeats
from course_utils.ctc import collapse, count_alignments, fewest_frames
from course_utils.ctc_loss import loss_and_gradient
from course_utils.structures import STRUCTURES, Network, dependence, jacobian, network


def weights_of(net):
    """The weights of one of the course's structures, which may be set."""
    (weights,) = (cell.cell_contents for cell in net.function.__closure__ if hasattr(cell.cell_contents, "W_yh"))
    return weights


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
    found = {}
    for feed, w_yh in product(("at every step", "at the start", "autoregressive"), (0.0, 0.2)):
        net = network("one to many", 5, width=1, D=1, A=1, feed=feed)
        weights = weights_of(net)
        weights.W_xh, weights.W_hh, weights.W_hy, weights.W_yh = np.reshape([1, 0.7, 1, w_yh], (4, 1, 1))
        found[feed, w_yh] = jacobian(net, [[0.0]]).ravel()  # at 0 a unit of tanh is linear
    for w_yh in (0.0, 0.2):  # a weight from an output to the next state, which the printed formula does not have
        assert found["at every step", w_yh][:4] == pytest.approx([1, 1.7, 2.19, 2.533], rel=1e-12)
        assert found["at the start", w_yh] == pytest.approx([1, 0.7, 0.49, 0.343, 0.2401], rel=1e-12)
        assert found["autoregressive", w_yh] == pytest.approx((0.7 + w_yh) ** np.arange(5), rel=1e-12)


def test_e4_a_prompt_is_a_sequence_and_its_order_matters():
    prompt = np.random.default_rng(0).normal(size=(3, 2))
    with pytest.raises(ValueError, match=r"takes \(1, 2\)"):
        network("one to many", 6)(prompt)
    continues = network("encoder-decoder", 6, S=3)
    assert continues(prompt).shape == (6, 2)
    assert np.abs(continues(prompt) - continues(prompt[::-1])).max() > 0.01
    assert dependence(continues, prompt).min() > 1e-3  # every word acts on every word of the answer


def test_e5_the_last_state_forgets_what_the_mean_of_the_states_keeps():
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(40, 2))
        every_state = network("time-synchronous", 40, seed=seed)  # the same weights, read at every step
        last = dependence(network("many to one", S=40, seed=seed), x)[0]
        mean = dependence(lambda x, net=every_state: net(x).mean(axis=0, keepdims=True), x)[0]
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


def of_another_structure(wanted, given):
    """Build one structure where another is asked for."""

    def wrong(right, structure, *args, **kwargs):
        return right(given if structure == wanted else structure, *args, **kwargs)

    return wrong


def reads_the_first_word_alone(right, structure, T=5, **sizes):
    net = right(structure, T, **sizes)
    if structure != "encoder-decoder":
        return net
    weights = weights_of(net)
    return Network(structure, lambda x: weights.decode(weights.states(x[:1])[-1], T), net.S, T, net.D)


def one_answer_at_the_end(right, structure, T=5, **sizes):
    net = right(structure, T, **sizes)
    if structure != "time-synchronous":
        return net
    return Network(structure, lambda x: np.repeat(net.function(x)[-1:], T, axis=0), net.S, T, net.D)


def no_output_comes_back(right, structure, *args, feed="at every step", **sizes):
    return right(structure, *args, feed="at the start" if feed == "autoregressive" else feed, **sizes)


def fed_at_every_step(right, *args, feed="at every step", **sizes):
    return right(*args, feed="at every step" if feed == "at the start" else feed, **sizes)


MISTAKES = {
    "E2: as many inputs as outputs, so the same network": (
        test_e2_the_number_of_inputs_and_outputs_restricts_the_network_and_does_not_fix_it,
        instead(network, of_another_structure("time-synchronous, both directions", "time-synchronous")),
    ),
    "E3: the input at every step, called the start": (
        test_e3_the_formula_feeds_the_input_at_every_step_and_the_text_only_at_the_start,
        instead(network, fed_at_every_step),
    ),
    "E3: outputs that depend on one another by the printed formula": (
        test_e3_the_formula_feeds_the_input_at_every_step_and_the_text_only_at_the_start,
        instead(network, no_output_comes_back),
    ),
    "E4: a prompt is one input": (
        test_e4_a_prompt_is_a_sequence_and_its_order_matters,
        instead(Network.__call__, lambda right, net, x: net.function(np.asarray(x)[: net.S])),
    ),
    "E4: of a prompt the first word is read": (
        test_e4_a_prompt_is_a_sequence_and_its_order_matters,
        instead(network, reads_the_first_word_alone),
    ),
    "E5: one answer, at the end": (
        test_e5_the_last_state_forgets_what_the_mean_of_the_states_keeps,
        instead(network, one_answer_at_the_end),
    ),
    "E6: K frames are enough": (
        test_e6_as_many_frames_as_symbols_are_enough_only_without_equal_neighbours,
        instead(fewest_frames, lambda right, target: len(target)),
    ),
    "E6: equal neighbours need nothing between them": (
        test_e6_as_many_frames_as_symbols_are_enough_only_without_equal_neighbours,
        instead(adjacent_repeats, lambda right, target: 0),
    ),
    "E6: the loss of what does not fit is finite": (
        test_e6_as_many_frames_as_symbols_are_enough_only_without_equal_neighbours,
        instead(loss_and_gradient, lambda right, log_y, target: right(np.repeat(log_y, 2, axis=0), target)),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
