"""Chapter 4: are the gradients those that were published, those of torch and those of finite differences?"""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrent import (
    ACTIVATIONS,
    CLOSE,
    I2,
    PLAIN,
    WORKED,
    assert_like_torch,
    assert_same_gradients,
    gradient_of_logits,
    in_torch,
    random_net,
    random_problem,
    seeds,
    torch_rnn,
    underflowing,
)

from course_utils import bptt
from course_utils.bptt import (
    backward,
    checkpointed_gradients,
    loss_and_gradients,
    truncated_by_chunks,
    truncated_per_loss,
)
from course_utils.gradient_check import numerical_gradient
from course_utils.rnn import PARAMETERS, RNN, run

NAMES_OF_ORACLES = {"dWxh": "W_xh", "dWhh": "W_hh", "dWhy": "W_hy", "dbh": "b_h", "dby": "b_y"}


# -- against what was published


def test_the_worked_example_backward(oracles):
    truth = oracles["O8_rnn_bptt"]
    back = backward(*gradient_of_logits(*WORKED))
    np.testing.assert_allclose(back.delta, truth["delta"], **CLOSE)
    for name, ours in NAMES_OF_ORACLES.items():
        np.testing.assert_allclose(back.gradients[ours], truth[name], err_msg=name, **CLOSE)


@pytest.mark.parametrize("group", ["O9_end_only", "O9b_uniform", "O9c_ramp_0.5"])
def test_the_worked_example_with_weighted_losses(group, oracles):
    truth = oracles[group]
    net, x, target = WORKED
    loss, gradients = loss_and_gradients(net, x, target, truth["weights"])
    assert loss == pytest.approx(truth["total"], abs=1e-10)
    np.testing.assert_allclose(gradients["W_hh"], truth["dWhh"], **CLOSE)
    back = backward(*gradient_of_logits(*WORKED, truth["weights"]))
    np.testing.assert_allclose(back.delta[0], truth["delta0"], **CLOSE)
    np.testing.assert_allclose(np.linalg.norm(back.delta, axis=1), truth["norm_delta"], **CLOSE)


def test_the_worked_example_truncated(oracles):
    truth = oracles["O10_tbptt"]
    forward, d_logits = gradient_of_logits(*WORKED)
    full = backward(forward, d_logits).gradients
    for name, ours in (("dWhh", "W_hh"), ("dWxh", "W_xh")):
        np.testing.assert_allclose(full[ours], truth[f"full_{name}"], **CLOSE)
        for k, expected in truth[f"per_loss_{name}"].items():
            found = truncated_per_loss(forward, d_logits, int(k))[1][ours]
            np.testing.assert_allclose(found, expected, err_msg=f"{name}, k = {k}", **CLOSE)
        for chunk, expected in truth[f"chunk_detach_{name}"].items():
            found = truncated_by_chunks(forward, d_logits, int(chunk))[1][ours]
            np.testing.assert_allclose(found, expected, err_msg=f"{name}, chunks of {chunk}", **CLOSE)


def test_truncation_counts_the_losses_that_reach_a_state(oracles):
    """One unit that hands on what it has: delta is the number of losses that come back to it."""
    truth = oracles["O10_tbptt"]["scalar_w1_T4"]
    forward = run(RNN([[1]], [[1]], [0], [[1]], [0], activation="identity"), np.zeros((5, 1)))
    ones = np.ones((5, 1))
    assert backward(forward, ones).delta[:, 0].tolist() == truth["full"]
    for k in (1, 2):
        assert truncated_per_loss(forward, ones, k)[0][:, 0].tolist() == truth[f"right_k{k}"]


# -- against torch


@given(seeds)
def test_states_losses_and_all_gradients_are_those_of_torch(seed):
    assert_like_torch(*random_problem(np.random.default_rng(seed)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("T", [0, 1, 2, 200])
@pytest.mark.parametrize("batch", [False, True])
def test_every_activation_at_every_length_gives_what_torch_gives(activation, T, batch):
    assert_like_torch(*random_problem(np.random.default_rng(3), activation, T, batch))


@given(seeds, st.booleans())
def test_a_state_that_is_given_takes_the_place_of_the_initial_one(seed, one_for_all):
    rng = np.random.default_rng(seed)
    net, x, target, weights = random_problem(rng)
    h = rng.normal(size=len(net.W_hh) if one_for_all else (*x.shape[1:-1], len(net.W_hh)))
    np.testing.assert_array_equal(run(net, x, h).states[0], np.broadcast_to(h, (*x.shape[1:-1], len(net.W_hh))))
    assert_like_torch(net, x, target, weights, h)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_torchs_own_network_with_the_same_weights(activation):
    rng = np.random.default_rng(0)
    net = random_net(rng, activation, (3, 5, 2))
    x, d_h = rng.normal(size=(30, 4, 3)), rng.normal(size=(30, 4, 5))
    theirs = torch_rnn(net)
    leaf, start = torch.tensor(x, requires_grad=True), torch.tensor(net.h_init, requires_grad=True)
    h, last = theirs(leaf, start.expand(1, 4, 5).contiguous())
    (h * torch.tensor(d_h)).sum().backward()
    net = net.with_parameters(W_hy=np.eye(5), b_y=np.zeros(5))  # so that the logits are the states
    forward = run(net, x)
    np.testing.assert_allclose(forward.h, h.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(forward.states[-1], last[0].detach().numpy(), **CLOSE)
    back = backward(forward, d_h)
    of_theirs = {"W_xh": theirs.weight_ih_l0, "W_hh": theirs.weight_hh_l0, "b_h": theirs.bias_ih_l0, "h_init": start}
    for name, leaf_of_theirs in of_theirs.items():
        np.testing.assert_allclose(back.gradients[name], leaf_of_theirs.grad.numpy(), err_msg=name, **CLOSE)
    np.testing.assert_allclose(back.d_x, leaf.grad.numpy(), **CLOSE)


def no_slope(activation, h, out=None):
    out = np.empty_like(h) if out is None else out
    out[...] = 1
    return out


def slope_of_z(activation, h, out=None):
    out = np.empty_like(h) if out is None else out
    out[...] = 1 - np.tanh(h) ** 2
    return out


def pair_with_state_after(name, forward, dz, d_logits):
    pairs = {"W_xh": (dz, forward.x), "W_hh": (dz, forward.h), "b_h": (dz, None), "W_hy": (d_logits, forward.h)}
    return pairs.get(name, (d_logits, None))


def pair_without_slope(name, forward, dz, d_logits):
    delta = direct_part(forward, d_logits)
    pairs = {
        "W_xh": (delta, forward.x),
        "W_hh": (delta, forward.h_before),
        "b_h": (delta, None),
        "W_hy": (d_logits, forward.h),
    }
    return pairs.get(name, (d_logits, None))


def direct_part(forward, d_logits):
    return d_logits @ forward.net.W_hy


FAULTS = {
    "a slope left out": ("slope", no_slope),
    "the slope taken at h, not at z": ("slope", slope_of_z),
    "the state after the step, not before it": ("_pair", pair_with_state_after),
    "the direct part alone": ("_pair", pair_without_slope),
}


@pytest.mark.parametrize(("name", "fault"), FAULTS.values(), ids=FAULTS)
def test_torch_sees_a_planted_fault(name, fault, monkeypatch):
    problem = random_problem(np.random.default_rng(1), "tanh", T=4, batch=False)
    assert_like_torch(*problem)
    monkeypatch.setattr(bptt, name, fault)
    with pytest.raises(AssertionError):
        assert_like_torch(*problem)


# -- against finite differences


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "identity"])
@pytest.mark.parametrize("batch", [False, True])
def test_every_gradient_is_what_moving_the_number_says(activation, batch):
    net, x, target, weights = random_problem(np.random.default_rng(5), activation, T=5, batch=batch)
    _, gradients = loss_and_gradients(net, x, target, weights)
    for name in PARAMETERS:
        expected = numerical_gradient(
            lambda value, name=name: loss_and_gradients(net.with_parameters(**{name: value}), x, target, weights)[0],
            net.parameters[name],
        )
        np.testing.assert_allclose(gradients[name], expected, rtol=1e-8, atol=1e-9, err_msg=name)
    d_x = numerical_gradient(lambda moved: loss_and_gradients(net, moved, target, weights)[0], x)
    found = backward(*gradient_of_logits(net, x, target, weights)).d_x
    np.testing.assert_allclose(found, d_x, rtol=1e-8, atol=1e-9)


# -- the parts of a backward pass


@given(seeds)
def test_delta_is_the_direct_part_and_the_part_from_the_future(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed))
    back = backward(*gradient_of_logits(net, x, target, weights))
    np.testing.assert_allclose(back.direct + back.future, back.delta, **CLOSE)
    np.testing.assert_allclose(back.dz, back.delta * back.forward.slope, **CLOSE)
    if len(x):
        assert not back.future[-1].any()
    if x.ndim == 2:  # column vectors: delta_t = W_hyᵀ d_logits_t + J_{t+1}ᵀ delta_{t+1}
        J = back.forward.jacobians()
        for t in range(len(x) - 1):
            np.testing.assert_allclose(back.future[t], J[t + 1].T @ back.delta[t + 1], **CLOSE)


@given(seeds)
def test_contributions_of_the_steps_add_up_to_the_gradient(seed):
    rng = np.random.default_rng(seed)
    net, x, target, weights = random_problem(rng, T=int(rng.integers(1, 12)))
    back = backward(*gradient_of_logits(net, x, target, weights))
    for name in PARAMETERS:
        found = back.contributions(name)
        assert found.shape == (len(x), *net.parameters[name].shape)
        np.testing.assert_allclose(found.sum(axis=0), back.gradients[name], err_msg=name, **CLOSE)
    assert not back.contributions("h_init")[1:].any()


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("name", PARAMETERS)
def test_no_steps_contribute_nothing(name, batch):
    net, x, target, _ = random_problem(np.random.default_rng(0), T=0, batch=batch)
    found = backward(*gradient_of_logits(net, x, target)).contributions(name)
    assert found.shape == (0, *net.parameters[name].shape)


def test_a_contribution_is_one_outer_product():
    back = backward(*gradient_of_logits(*WORKED))
    for t in range(4):
        np.testing.assert_allclose(
            back.contributions("W_hh")[t], np.outer(back.dz[t], back.forward.h_before[t]), **CLOSE
        )
        np.testing.assert_allclose(
            back.contributions("W_hy")[t], np.outer(back.d_logits[t], back.forward.h[t]), **CLOSE
        )


@given(seeds)
def test_a_batch_is_a_loop_over_its_sequences(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed), batch=True)
    loss, gradients = loss_and_gradients(net, x, target, weights)
    each = [loss_and_gradients(net, x[:, b], target[:, b], weights[:, b]) for b in range(x.shape[1])]
    assert loss == pytest.approx(sum(one for one, _ in each), rel=1e-12, abs=1e-12)
    assert_same_gradients(gradients, {name: sum(one[name] for _, one in each) for name in PARAMETERS})
    both = backward(*gradient_of_logits(net, x, target, weights))
    for b in range(x.shape[1]):
        alone = backward(*gradient_of_logits(net, x[:, b], target[:, b], weights[:, b]))
        np.testing.assert_allclose(both.forward.states[:, b], alone.forward.states, **CLOSE)
        np.testing.assert_allclose(both.delta[:, b], alone.delta, **CLOSE)
        np.testing.assert_allclose(both.dz[:, b], alone.dz, **CLOSE)


def test_nothing_that_is_passed_is_changed():
    net, x, target, weights = random_problem(np.random.default_rng(4), "sigmoid", T=5, batch=True)
    copies = x.copy(), target.copy(), weights.copy(), {name: value.copy() for name, value in net.parameters.items()}
    forward, d_logits = gradient_of_logits(net, x, target, weights)
    before = forward.states.copy(), d_logits.copy()
    backward(forward, d_logits)
    truncated_per_loss(forward, d_logits, 2)
    truncated_by_chunks(forward, d_logits, 2)
    checkpointed_gradients(net, x, target, weights, 2)
    for value, copy in zip((x, target, weights, forward.states, d_logits), (*copies[:3], *before), strict=True):
        np.testing.assert_array_equal(value, copy)
    for name, copy in copies[3].items():
        np.testing.assert_array_equal(net.parameters[name], copy)


def test_a_run_keeps_the_inputs_that_it_saw():
    """A buffer that is filled with the next sequence must not change what the way back reads."""
    net, x, target, _ = random_problem(np.random.default_rng(4), "tanh", T=5, batch=True)
    forward, d_logits = gradient_of_logits(net, x, target)
    expected, seen = backward(forward, d_logits).gradients, x.copy()
    x[...] = 100
    np.testing.assert_array_equal(forward.x, seen)
    assert_same_gradients(backward(forward, d_logits).gradients, expected, rtol=0, atol=0)


# -- truncation


def truncated_slowly(forward, d_logits, k):
    """Send every loss back by itself, through one Jacobian after the other; index 0 is the initial state."""
    net, T = forward.net, len(forward.x)
    jacobians, total = forward.jacobians(), np.zeros((T + 1, len(net.W_hh)))
    for t in range(T):
        carried = net.W_hy.T @ d_logits[t]
        total[t + 1] += carried
        for distance in range(min(k, t + 1)):
            carried = jacobians[t - distance].T @ carried
            total[t - distance] += carried
    dz = total[1:] * forward.slope
    gradients = {
        "W_xh": sum((np.outer(dz[t], forward.x[t]) for t in range(T)), np.zeros_like(net.W_xh)),
        "W_hh": sum((np.outer(dz[t], forward.states[t]) for t in range(T)), np.zeros_like(net.W_hh)),
        "b_h": dz.sum(axis=0),
        "W_hy": sum((np.outer(d_logits[t], forward.h[t]) for t in range(T)), np.zeros_like(net.W_hy)),
        "b_y": d_logits.sum(axis=0),
        "h_init": total[0],
    }
    return total[1:], gradients


@given(seeds, st.integers(0, 14))
def test_every_loss_reaches_back_k_steps_and_no_further(seed, k):
    net, x, target, weights = random_problem(np.random.default_rng(seed), batch=False)
    forward, d_logits = gradient_of_logits(net, x, target, weights)
    delta, gradients = truncated_per_loss(forward, d_logits, k)
    expected_delta, expected = truncated_slowly(forward, d_logits, k)
    np.testing.assert_allclose(delta, expected_delta, **CLOSE)
    assert_same_gradients(gradients, expected, f"k = {k}")


@given(seeds)
def test_a_truncated_batch_is_a_loop_over_its_sequences(seed):
    rng = np.random.default_rng(seed)
    net, x, target, weights = random_problem(rng, batch=True)
    k = int(rng.integers(1, 6))
    forward, d_logits = gradient_of_logits(net, x, target, weights)
    for truncated in (truncated_per_loss, truncated_by_chunks):
        delta, gradients = truncated(forward, d_logits, k)
        each = [truncated(*gradient_of_logits(net, x[:, b], target[:, b], weights[:, b]), k) for b in range(x.shape[1])]
        np.testing.assert_allclose(delta, np.stack([one for one, _ in each], axis=1), **CLOSE)
        assert_same_gradients(gradients, {name: sum(one[name] for _, one in each) for name in PARAMETERS})


@given(seeds)
def test_from_t_steps_on_nothing_is_cut_and_one_less_cuts_the_initial_state_alone(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed))
    forward, d_logits = gradient_of_logits(net, x, target, weights)
    full, T = backward(forward, d_logits), len(x)
    for k in (T, T + 1, 10 * T + 10):
        delta, gradients = truncated_per_loss(forward, d_logits, k)
        np.testing.assert_allclose(delta, full.delta, **CLOSE)
        assert_same_gradients(gradients, full.gradients, f"k = {k}")
    if T:
        delta, gradients = truncated_per_loss(forward, d_logits, T - 1)
        np.testing.assert_allclose(delta, full.delta, **CLOSE)
        assert_same_gradients(gradients, {name: full.gradients[name] for name in PARAMETERS[:-1]})


def test_one_step_less_than_all_does_cut_the_initial_state():
    forward, d_logits = gradient_of_logits(*WORKED)
    full = backward(forward, d_logits).gradients["h_init"]
    assert np.abs(truncated_per_loss(forward, d_logits, 3)[1]["h_init"] - full).max() > 1e-3


@given(seeds)
def test_with_no_step_back_only_the_direct_part_is_left(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed))
    forward, d_logits = gradient_of_logits(net, x, target, weights)
    delta, gradients = truncated_per_loss(forward, d_logits, 0)
    np.testing.assert_array_equal(delta, backward(forward, d_logits).direct)
    assert not gradients["h_init"].any()


@given(seeds, st.integers(1, 14))
def test_chunks_are_torchs_detached_states(seed, chunk):
    net, x, target, weights = random_problem(np.random.default_rng(seed))
    forward, d_logits = gradient_of_logits(net, x, target, weights)
    found, gradients = truncated_by_chunks(forward, d_logits, chunk)
    *_, expected, delta, _ = in_torch(net, x, target, weights, cut=range(chunk, len(x), chunk))
    np.testing.assert_allclose(found, np.reshape(delta, found.shape), **CLOSE)
    assert_same_gradients(gradients, expected, f"chunks of {chunk}")
    if chunk >= len(x):
        assert_same_gradients(gradients, backward(forward, d_logits).gradients)


# -- checkpointing


def assert_same_bits(a, b):
    assert a.loss == b.loss
    for name in PARAMETERS:
        assert a.gradients[name].tobytes() == b.gradients[name].tobytes(), name


@pytest.mark.slow
@settings(max_examples=50)
@given(seeds)
def test_checkpointed_gradients_are_the_same_to_the_last_bit_for_every_distance(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed), T=11)
    first = checkpointed_gradients(net, x, target, weights, 1)
    for every in range(2, 14):
        assert_same_bits(checkpointed_gradients(net, x, target, weights, every), first)
    loss, gradients = loss_and_gradients(net, x, target, weights)
    assert first.loss == pytest.approx(loss, rel=1e-12, abs=1e-12)
    assert_same_gradients(first.gradients, gradients, rtol=1e-12, atol=1e-12)


def test_the_same_bits_on_a_long_batch():
    rng = np.random.default_rng(0)
    net, x = random_net(rng, sizes=(17, 32, 9)), rng.normal(size=(300, 8, 17))
    target = rng.integers(9, size=(300, 8))
    found = [checkpointed_gradients(net, x, target, every=every) for every in (1, 7, 17, 300)]
    for other in found[1:]:
        assert_same_bits(other, found[0])
    _, gradients = loss_and_gradients(net, x, target)
    for name in PARAMETERS:  # sums of 2400 terms: 1e-12 of their size
        np.testing.assert_allclose(found[0].gradients[name], gradients[name], rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("T", [0, 1, 2, 10, 100, 101, 400])
def test_near_the_root_of_t_about_twice_the_root_of_t_states_are_kept(T):
    net, target = random_net(np.random.default_rng(0), sizes=(1, 2, 2)), np.zeros(T, dtype=int)

    def kept(every):
        return checkpointed_gradients(net, np.zeros((T, 1)), target, every=every).states_kept

    assert kept(1) == kept(max(T, 1)) == T + 1
    root = max(round(np.sqrt(T)), 1)
    assert kept(root) <= 2 * np.sqrt(T) + 1
    if T in (100, 101):  # ten that were kept, and the ten states after one of them
        assert kept(10) == 20
    if T >= 100:
        assert kept(root) >= 1.9 * np.sqrt(T)
        assert kept(root) == min(kept(every) for every in (root // 2, root, 2 * root))


def test_memory_follows_the_states_that_are_kept():
    rng = np.random.default_rng(0)
    net, x, target = random_net(rng, sizes=(1, 64, 2)), rng.normal(size=(400, 16, 1)), np.zeros((400, 16), dtype=int)

    def peak(every):
        tracemalloc.start()
        try:
            checkpointed_gradients(net, x, target, every=every)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    states = 401 * 16 * 64 * 8
    assert peak(1) > states
    assert peak(20) < states / 4


# -- what is refused


def test_a_gradient_of_another_shape_is_refused():
    forward = run(PLAIN, np.zeros((4, 2)))
    for call in (backward, lambda *a: truncated_per_loss(*a, 1), lambda *a: truncated_by_chunks(*a, 1)):
        with pytest.raises(ValueError, match=r"d_logits has shape \(3, 2\); it must be that of the logits, \(4, 2\)"):
            call(forward, np.zeros((3, 2)))


def test_a_parameter_that_does_not_exist_is_refused():
    back = backward(run(PLAIN, np.zeros((4, 2))), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="name is 'W'; the parameters are W_xh, W_hh, b_h, W_hy, b_y, h_init"):
        back.contributions("W")


def test_numbers_of_steps_out_of_range_are_refused():
    net, x = PLAIN, np.zeros((4, 2))
    forward = run(net, x)
    for k in (-1, 1.5, 1.0, float("inf"), float("nan"), "2", None):
        with pytest.raises(ValueError, match=f"k is {k!r}; it is a number of steps, 0 or more, as an integer"):
            truncated_per_loss(forward, forward.logits, k)
    for n in (0, -1, 1.5, 2.0, float("inf"), float("nan"), "2", None):
        with pytest.raises(ValueError, match=f"chunk is {n!r}; it is a number of steps, 1 or more, as an integer"):
            truncated_by_chunks(forward, forward.logits, n)
        with pytest.raises(ValueError, match=f"every is {n!r}; it is a number of steps, 1 or more, as an integer"):
            checkpointed_gradients(net, x, [0, 0, 0, 0], every=n)
    assert checkpointed_gradients(net, x, [0, 0, 0, 0], every=np.int64(2)).states_kept == 4


@pytest.mark.parametrize("gradients", [loss_and_gradients, checkpointed_gradients])
def test_a_target_of_unequal_rows_is_refused(gradients):
    with pytest.raises(ValueError, match="target is not an array of symbols"):
        gradients(PLAIN, np.zeros((2, 2, 2)), [[0, 1], [0]])


@pytest.mark.parametrize("length", [3, 5])
@pytest.mark.parametrize("gradients", [loss_and_gradients, checkpointed_gradients])
def test_targets_for_another_number_of_steps_are_refused(gradients, length):
    with pytest.raises(ValueError, match="target has shape"):
        gradients(PLAIN, np.zeros((4, 2)), [0] * length)


@pytest.mark.parametrize("gradients", [loss_and_gradients, checkpointed_gradients])
def test_weights_of_the_sequences_need_an_axis_for_the_steps(gradients):
    net, target = PLAIN, np.zeros((3, 2), int)
    with pytest.raises(ValueError, match=r"weights\[:, None\] counts steps, weights\[None, :\] sequences"):
        gradients(net, np.zeros((3, 2, 2)), target, [1, 0])
    gradients(net, np.zeros((3, 2, 2)), target, [[1, 0]])
    gradients(net, np.zeros((3, 2, 2)), target, [1, 0, 0])


@pytest.mark.parametrize("shape", [(2,), (4, 3), (4, 2, 2, 2)])
def test_inputs_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"the network has 2 inputs, so it must be \(T, 2\) or \(T, B, 2\)"):
        checkpointed_gradients(PLAIN, np.zeros(shape), [0])


@pytest.mark.parametrize("wrong", [[[0, 1], [0]], "text"])
def test_what_is_no_array_of_numbers_is_refused_by_its_name(wrong):
    forward = run(PLAIN, np.zeros((4, 2)))
    calls = {
        "x": lambda: checkpointed_gradients(PLAIN, wrong, [0]),
        "d_logits": lambda: backward(forward, wrong),
        "weights": lambda: loss_and_gradients(PLAIN, np.zeros((4, 2)), [0] * 4, wrong),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match=f"{name} is not an array of numbers"):
            call()


# -- where every floating-point error is raised


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_underflows_is_no_error(activation):
    """Saturated units, probabilities of zero, and weights whose products are too small for a number."""
    net, x, target, weights = underflowing(activation)
    with np.errstate(all="raise"):
        back = backward(*gradient_of_logits(net, x, target, weights))
        back.direct, back.future, back.d_x  # noqa: B018
        for name in PARAMETERS:
            back.contributions(name)
        truncated_per_loss(back.forward, back.d_logits, 2)
        truncated_by_chunks(back.forward, back.d_logits, 2)
        checkpointed_gradients(net, x, target, weights, 2)
        _, gradients = loss_and_gradients(net, x, target, weights)
        loss, _ = loss_and_gradients(RNN(0 * I2, I2, [0, 0], I2, [0, 0], activation=activation), x, target, 1e-308)
        assert loss == pytest.approx(4 * np.log(2) * 1e-308)
    assert_same_gradients(gradients, loss_and_gradients(net, x, target, weights)[1], rtol=0, atol=0)
