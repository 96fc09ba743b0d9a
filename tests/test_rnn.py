"""Chapters 3 to 5: does the network give what was published, what torch gives, and what finite differences give?"""

import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import rnn
from course_utils.gradient_check import numerical_gradient
from course_utils.losses import cross_entropy_gradient
from course_utils.rnn import (
    PARAMETERS,
    RNN,
    BidirectionalRNN,
    add_binary,
    adder,
    backward,
    backward_bidirectional,
    checkpointed_gradients,
    delay,
    loss_and_gradients,
    parity,
    random_rnn,
    run,
    run_bidirectional,
    step,
    truncated_by_chunks,
    truncated_per_loss,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
OF_TORCH = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda z: z}
NAMES_OF_ORACLES = {"dWxh": "W_xh", "dWhh": "W_hh", "dWhy": "W_hy", "dbh": "b_h", "dby": "b_y"}
seeds = st.integers(0, 2**32 - 1)


def random_net(rng, activation="tanh", sizes=None):
    """Draw a network with random biases and a random initial state as well."""
    D, H, A = rng.integers(1, 6, 3) if sizes is None else sizes
    net = random_rnn(rng, D, H, A, activation, scale=0.8)
    return net.with_parameters(b_h=rng.normal(size=H), b_y=rng.normal(size=A), h_init=rng.normal(size=H))


def random_problem(rng, activation=None, T=None, batch=None):
    """Draw a network, inputs, targets and weights of the steps; half of the time, a batch."""
    net = random_net(rng, activation or str(rng.choice(ACTIVATIONS)))
    T = int(rng.integers(0, 12)) if T is None else T
    batch = bool(rng.integers(2)) if batch is None else batch
    shape = (T, int(rng.integers(1, 4))) if batch else (T,)
    x = rng.normal(size=(*shape, net.W_xh.shape[1]))
    return net, x, rng.integers(len(net.W_hy), size=shape), rng.uniform(0, 2, shape)


def run_in_torch(leaves, activation, x, h, cut=()):
    """Run the recurrence as the chapter writes it; the state is detached before the steps in ``cut``."""
    states, logits = [], []
    for t, frame in enumerate(x):
        h = h.detach() if t in cut else h
        h = OF_TORCH[activation](frame @ leaves["W_xh"].T + h @ leaves["W_hh"].T + leaves["b_h"])
        states.append(h)
        logits.append(h @ leaves["W_hy"].T + leaves["b_y"])
    return states, logits


def in_torch(net, x, target, weights, h=None, cut=()):
    """Return states, logits, the loss, and its derivatives: by parameter, of every state and of the inputs."""
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in net.parameters.items()}
    if h is not None:
        leaves["h_init"] = torch.tensor(h, requires_grad=True)
    inputs = torch.tensor(x, requires_grad=True)
    start = leaves["h_init"].expand(*x.shape[1:-1], len(net.W_hh))
    states, logits = run_in_torch(leaves, net.activation, inputs, start, cut)
    for state in states:
        state.retain_grad()
    loss = torch.zeros((), dtype=torch.float64)
    for t, o in enumerate(logits):
        losses = torch.nn.functional.cross_entropy(
            o.reshape(-1, o.shape[-1]), torch.tensor(np.atleast_1d(target[t])), reduction="none"
        )
        loss = loss + (torch.tensor(np.atleast_1d(weights[t])) * losses).sum()
    if states:
        loss.backward()
    gradients = {name: as_array(leaf.grad, leaf) for name, leaf in leaves.items()}
    gradients["h_init"] = gradients["h_init"].reshape(-1, len(net.W_hh)).sum(axis=0)
    delta = [as_array(state.grad, state) for state in states]
    return (
        [state.detach().numpy() for state in states],
        [o.detach().numpy() for o in logits],
        loss.item(),
        gradients,
        delta,
        as_array(inputs.grad, inputs),
    )


def as_array(gradient, leaf):
    return np.zeros(leaf.shape) if gradient is None else gradient.numpy()


def assert_same_gradients(found, expected, shown="", **tolerance):
    assert list(found) == list(PARAMETERS)
    for name, value in expected.items():
        assert found[name].shape == value.shape, f"{name} {shown}"
        np.testing.assert_allclose(found[name], value, err_msg=f"{name} {shown}", **(tolerance or CLOSE))


def assert_like_torch(net, x, target, weights, h=None):
    """Demand of run and of backward everything that torch can tell."""
    states, logits, loss, gradients, delta, d_x = in_torch(net, x, target, weights, h)
    shown = f"{net.activation}, x {x.shape}, {len(net.W_hh)} units"
    forward = run(net, x, h)
    if states:
        np.testing.assert_allclose(forward.h, states, err_msg=shown, **CLOSE)
        np.testing.assert_allclose(forward.logits, logits, err_msg=shown, **CLOSE)
    assert (weights * forward.losses(target)).sum() == pytest.approx(loss, rel=1e-10, abs=1e-10)
    back = backward(forward, cross_entropy_gradient(forward.logits, target, weights))
    assert_same_gradients(back.gradients, gradients, shown)
    np.testing.assert_allclose(back.delta, np.reshape(delta, back.delta.shape), err_msg=shown, **CLOSE)
    np.testing.assert_allclose(back.d_x, d_x, err_msg=shown, **CLOSE)
    if h is None:
        again, same = loss_and_gradients(net, x, target, weights)
        assert again == pytest.approx(loss, rel=1e-10, abs=1e-10)
        assert_same_gradients(same, gradients, shown)


@pytest.fixture
def worked(oracles):
    """The network of two units that chapters 3 to 5 follow, its inputs and its targets."""
    given = oracles["O8_rnn_bptt"]["inputs"]
    net = RNN(*(given[name] for name in ("Wxh", "Whh", "bh", "Why", "by", "h_init")))
    return net, np.array(given["X"]), np.array(given["target"])


def gradient_of_logits(net, x, target, weights=1.0):
    forward = run(net, x)
    return forward, cross_entropy_gradient(forward.logits, target, weights)


# -- against what was published


def test_the_worked_example_forward(oracles, worked):
    truth = oracles["O8_rnn_bptt"]
    net, x, target = worked
    forward = run(net, x)
    np.testing.assert_allclose(forward.h, truth["h"], **CLOSE)
    np.testing.assert_allclose(forward.y, truth["y"], **CLOSE)
    np.testing.assert_allclose(forward.losses(target), truth["losses"], **CLOSE)
    assert loss_and_gradients(net, x, target)[0] == pytest.approx(truth["total"], abs=1e-10)


def test_the_worked_example_backward(oracles, worked):
    truth = oracles["O8_rnn_bptt"]
    back = backward(*gradient_of_logits(*worked))
    np.testing.assert_allclose(back.delta, truth["delta"], **CLOSE)
    for name, ours in NAMES_OF_ORACLES.items():
        np.testing.assert_allclose(back.gradients[ours], truth[name], err_msg=name, **CLOSE)


@pytest.mark.parametrize("group", ["O9_end_only", "O9b_uniform", "O9c_ramp_0.5"])
def test_the_worked_example_with_weighted_losses(group, oracles, worked):
    truth = oracles[group]
    net, x, target = worked
    loss, gradients = loss_and_gradients(net, x, target, truth["weights"])
    assert loss == pytest.approx(truth["total"], abs=1e-10)
    np.testing.assert_allclose(gradients["W_hh"], truth["dWhh"], **CLOSE)
    back = backward(*gradient_of_logits(*worked, truth["weights"]))
    np.testing.assert_allclose(back.delta[0], truth["delta0"], **CLOSE)
    np.testing.assert_allclose(np.linalg.norm(back.delta, axis=1), truth["norm_delta"], **CLOSE)


def test_the_worked_example_truncated(oracles, worked):
    truth = oracles["O10_tbptt"]
    forward, d_logits = gradient_of_logits(*worked)
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


def test_the_worked_example_in_both_directions(oracles, worked):
    truth = oracles["O12_bidirectional"]
    net, x, _ = worked
    both = run_bidirectional(BidirectionalRNN(net, net.with_parameters(W_hh=net.W_hh.T)), x)
    np.testing.assert_allclose(both.h[:, :2], oracles["O8_rnn_bptt"]["h"], **CLOSE)
    np.testing.assert_allclose(both.h[:, 2:], truth["backward_h"], **CLOSE)
    np.testing.assert_allclose(both.h[0], truth["concat_h0"], **CLOSE)


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


def torch_rnn(*nets):
    """Build torch's network from one of ours, or from two for both directions."""
    net = nets[0]
    H, D = net.W_xh.shape
    theirs = torch.nn.RNN(D, H, nonlinearity=net.activation, bidirectional=len(nets) == 2).double()
    with torch.no_grad():
        for net, ending in zip(nets, ("", "_reverse"), strict=False):
            for name, value in (("weight_ih", net.W_xh), ("weight_hh", net.W_hh), ("bias_ih", net.b_h)):
                getattr(theirs, f"{name}_l0{ending}").copy_(torch.tensor(value))
            getattr(theirs, f"bias_hh_l0{ending}").zero_()
    return theirs


def no_slope(activation, h, out=None):
    out = np.empty_like(h) if out is None else out
    out[...] = 1
    return out


def slope_of_z(activation, h, out=None):
    out = np.empty_like(h) if out is None else out
    out[...] = 1 - np.tanh(h) ** 2
    return out


def pair_with_state_after(name, run, dz, d_logits):
    pairs = {"W_xh": (dz, run.x), "W_hh": (dz, run.h), "b_h": (dz, None), "W_hy": (d_logits, run.h)}
    return pairs.get(name, (d_logits, None))


def pair_without_slope(name, run, dz, d_logits):
    delta = backward_delta(run, d_logits)
    pairs = {"W_xh": (delta, run.x), "W_hh": (delta, run.h_before), "b_h": (delta, None), "W_hy": (d_logits, run.h)}
    return pairs.get(name, (d_logits, None))


def backward_delta(run, d_logits):
    return d_logits @ run.net.W_hy


FAULTS = {
    "a slope left out": ("_slope", no_slope),
    "the slope taken at h, not at z": ("_slope", slope_of_z),
    "the state after the step, not before it": ("_pair", pair_with_state_after),
    "the direct part alone": ("_pair", pair_without_slope),
}


@pytest.mark.parametrize(("name", "fault"), FAULTS.values(), ids=FAULTS)
def test_torch_sees_a_planted_fault(name, fault, monkeypatch):
    problem = random_problem(np.random.default_rng(1), "tanh", T=4, batch=False)
    assert_like_torch(*problem)
    monkeypatch.setattr(rnn, name, fault)
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


# -- the parts of a run


@given(seeds)
def test_the_parts_of_a_run_agree_with_each_other(seed):
    rng = np.random.default_rng(seed)
    net, x, _, _ = random_problem(rng)
    forward = run(net, x)
    H, A = len(net.W_hh), len(net.W_hy)
    assert forward.states.shape == (len(x) + 1, *x.shape[1:-1], H)
    assert forward.logits.shape == (*x.shape[:-1], A)
    np.testing.assert_array_equal(forward.states[0], np.broadcast_to(net.h_init, forward.states[0].shape))
    np.testing.assert_array_equal(forward.h, forward.states[1:])
    np.testing.assert_array_equal(forward.h_before, forward.states[:-1])
    z = torch.tensor(forward.z, requires_grad=True)
    h = OF_TORCH[net.activation](z)
    np.testing.assert_allclose(forward.h, h.detach().numpy(), **CLOSE)
    h.sum().backward()
    np.testing.assert_allclose(forward.slope, z.grad.numpy(), **CLOSE)
    np.testing.assert_allclose(forward.y, torch.softmax(torch.tensor(forward.logits), -1).numpy(), **CLOSE)


@given(seeds)
def test_one_step_at_a_time_gives_what_the_whole_run_gives(seed):
    net, x, _, _ = random_problem(np.random.default_rng(seed))
    forward, h = run(net, x), np.broadcast_to(net.h_init, (*x.shape[1:-1], len(net.W_hh)))
    for t, frame in enumerate(x):
        h, logits = step(net, h, frame)
        np.testing.assert_allclose(h, forward.h[t], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(logits, forward.logits[t], rtol=1e-12, atol=1e-12)


def test_a_step_changes_neither_state_nor_input():
    net = random_net(np.random.default_rng(0), sizes=(2, 3, 2))
    h, x = np.ones(3), np.ones(2)
    step(net, h, x)
    assert h.tolist() == [1, 1, 1]
    assert x.tolist() == [1, 1]


@given(seeds)
def test_a_sequence_in_chunks_with_carried_state_is_the_sequence_in_one(seed):
    rng = np.random.default_rng(seed)
    net, x, _, _ = random_problem(rng, T=20)
    whole, h, found = run(net, x), None, []
    for chunk in np.split(x, np.sort(rng.integers(0, 21, 4))):  # some of them empty
        part = run(net, chunk, h)
        h = part.states[-1]
        found.append(part.logits)
    np.testing.assert_allclose(np.concatenate(found), whole.logits, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(h, whole.states[-1], rtol=1e-12, atol=1e-12)


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
        np.testing.assert_allclose(both.run.states[:, b], alone.run.states, **CLOSE)
        np.testing.assert_allclose(both.delta[:, b], alone.delta, **CLOSE)
        np.testing.assert_allclose(both.dz[:, b], alone.dz, **CLOSE)


@given(seeds)
def test_jacobians_are_those_of_torch(seed):
    net, x, _, _ = random_problem(np.random.default_rng(seed), batch=False)
    found, forward = run(net, x).jacobians(), run(net, x)
    assert found.shape == (len(x), len(net.W_hh), len(net.W_hh))
    leaves = {name: torch.tensor(value) for name, value in net.parameters.items()}
    for t, frame in enumerate(x):
        one_step = lambda h, frame=frame: run_in_torch(leaves, net.activation, torch.tensor(frame)[None], h)[0][0]  # noqa: E731
        expected = torch.autograd.functional.jacobian(one_step, torch.tensor(forward.h_before[t]))
        np.testing.assert_allclose(found[t], expected.numpy(), **CLOSE)


def test_jacobians_of_a_batch():
    net, x, _, _ = random_problem(np.random.default_rng(2), "tanh", T=4, batch=True)
    found = run(net, x).jacobians()
    for b in range(x.shape[1]):
        np.testing.assert_allclose(found[:, b], run(net, x[:, b]).jacobians(), **CLOSE)


def test_the_slope_of_relu_at_zero_counts_as_zero():
    assert run(RNN([[1]], [[0]], [0], [[1]], [0], activation="relu"), [[0.0], [-1], [2]]).slope.tolist() == [
        [0],
        [0],
        [1],
    ]


def test_a_sigmoid_overflows_nowhere():
    forward = run(RNN([[1]], [[0]], [0], [[1]], [0], activation="sigmoid"), [[-1e6], [0.0], [1e6]])
    assert forward.h[:, 0].tolist() == [0, 0.5, 1]


def test_softmax_survives_large_logits():
    assert run(RNN([[1]], [[0]], [0], [[1e6], [0]], [0, 0], activation="identity"), [[1.0]]).y.tolist() == [[1, 0]]


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
    both = run_bidirectional(BidirectionalRNN(net, net), x)
    x[...] = 100
    np.testing.assert_array_equal(forward.x, seen)
    np.testing.assert_array_equal(both.forwards.x, seen)
    np.testing.assert_array_equal(both.backwards.x, seen[::-1])
    assert_same_gradients(backward(forward, d_logits).gradients, expected, rtol=0, atol=0)


# -- the parts of a backward pass


@given(seeds)
def test_delta_is_the_direct_part_and_the_part_from_the_future(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed))
    back = backward(*gradient_of_logits(net, x, target, weights))
    np.testing.assert_allclose(back.direct + back.future, back.delta, **CLOSE)
    np.testing.assert_allclose(back.dz, back.delta * back.run.slope, **CLOSE)
    if len(x):
        assert not back.future[-1].any()
    if x.ndim == 2:  # column vectors: delta_t = W_hyᵀ d_logits_t + J_{t+1}ᵀ delta_{t+1}
        J = back.run.jacobians()
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


def test_a_contribution_is_one_outer_product(worked):
    back = backward(*gradient_of_logits(*worked))
    for t in range(4):
        np.testing.assert_allclose(back.contributions("W_hh")[t], np.outer(back.dz[t], back.run.h_before[t]), **CLOSE)
        np.testing.assert_allclose(back.contributions("W_hy")[t], np.outer(back.d_logits[t], back.run.h[t]), **CLOSE)


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


def test_one_step_less_than_all_does_cut_the_initial_state(worked):
    forward, d_logits = gradient_of_logits(*worked)
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


# -- both directions


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


# -- networks whose weights are set by hand


def test_the_adder_adds_a_thousand_pairs():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        a, b = (int(rng.integers(0, 2 ** int(rng.integers(1, 64)), dtype=np.uint64)) for _ in range(2))
        assert add_binary(f"{a:b}", f"{b:b}")[0] == f"{a + b:b}", (a, b)


@pytest.mark.parametrize(
    ("a", "b", "total"),
    [("0", "0", "0"), ("1011", "110", "10001"), ("000", "01", "1"), ("1" * 64, "1", "1" + "0" * 64), ("1", "1", "10")],
)
def test_sums_with_every_kind_of_carry(a, b, total):
    assert add_binary(a, b)[0] == total


def test_the_state_of_the_adder_holds_the_carry():
    forward = add_binary("1011", "110")[1]
    units, s = forward.h, forward.z[:, 0]
    np.testing.assert_array_equal(units, np.stack([np.maximum(s - n, 0) for n in range(3)], axis=1))
    carry = (units[:, 1] - units[:, 2]).tolist()
    assert carry == [0, 1, 1, 1, 0]
    np.testing.assert_array_equal(forward.logits[:, 0], s - 2 * np.array(carry))
    np.testing.assert_array_equal(s, forward.x.sum(axis=1) + np.array([0, *carry[:-1]]))
    assert len(adder().W_hh) == 3


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (5, "1", "a is 5"),
        ("1", None, "b is None"),
        ("12", "1", "a is '12'"),
        ("1", "", "b is ''"),
        ("0b1", "1", "a is '0b1'"),
    ],
)
def test_what_is_no_binary_number_is_refused(a, b, says):
    with pytest.raises(ValueError, match=f"{says}; write a binary number, such as 1011"):
        add_binary(a, b)


def test_parity_is_odd_after_an_odd_number_of_ones():
    bits = np.random.default_rng(0).integers(0, 2, (200, 30))
    found = run(parity(), bits[..., None].astype(float)).logits[..., 0]
    np.testing.assert_array_equal(found, bits.cumsum(axis=0) % 2)


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
def test_a_delay_hands_on_what_came_so_many_steps_before(steps):
    x = np.random.default_rng(0).normal(size=(12, 1))
    np.testing.assert_array_equal(run(delay(steps), x).logits, np.concatenate([np.zeros((steps, 1)), x])[:12])


@pytest.mark.parametrize("steps", [-1, 1.5, 2.0, "2", None])
def test_a_delay_of_no_number_of_steps_is_refused(steps):
    with pytest.raises(ValueError, match=f"steps is {steps!r}; it is a number of steps, 0 or more"):
        delay(steps)


# -- a network as an object


def test_the_parameters_by_name_in_order_and_how_many_they_are():
    net = random_net(np.random.default_rng(0), sizes=(2, 3, 4))
    assert tuple(net.parameters) == PARAMETERS
    assert net.count == 3 * 2 + 3 * 3 + 3 + 4 * 3 + 4 + 3
    assert all(net.parameters[name] is getattr(net, name) for name in PARAMETERS)


def test_one_parameter_replaced_leaves_the_others_and_the_activation():
    net = random_net(np.random.default_rng(0), "relu", (2, 3, 4))
    other = net.with_parameters(b_h=np.ones(3))
    assert other.b_h.tolist() == [1, 1, 1]
    assert other.activation == "relu"
    for name in set(PARAMETERS) - {"b_h"}:
        np.testing.assert_array_equal(other.parameters[name], net.parameters[name])
    with pytest.raises(ValueError, match="b_h has shape"):
        net.with_parameters(b_h=np.ones(2))


def test_a_network_keeps_copies_and_cannot_be_assigned_to():
    W = np.eye(2)
    net = RNN(W, W, [0, 0], W, [0, 0])
    W[0, 0] = 7
    assert net.W_xh[0, 0] == net.W_hh[0, 0] == net.W_hy[0, 0] == 1
    assert net.h_init.tolist() == [0, 0]
    assert net.activation == "tanh"
    with pytest.raises(FrozenInstanceError):
        net.b_h = np.ones(2)


def test_random_weights_are_as_large_as_their_docstring_says():
    net = random_rnn(np.random.default_rng(0), 50, 400, 100, "relu", scale=2)
    for W, inputs in ((net.W_xh, 50), (net.W_hh, 400), (net.W_hy, 400)):
        assert W.std() == pytest.approx(2 / np.sqrt(inputs), rel=0.03)
        assert abs(W.mean()) < 0.03 * W.std()
    assert net.activation == "relu"
    for name in ("b_h", "b_y", "h_init"):
        assert not net.parameters[name].any()


# -- what is refused

I2 = np.eye(2)
MALFORMED = {
    "activation": ({"activation": "gelu"}, "activation is 'gelu'; choose 'tanh', 'relu', 'sigmoid' or 'identity'"),
    "W_hh": ({"W_hh": np.ones((2, 3))}, r"W_hh has shape \(2, 3\); it must be square"),
    "W_hh flat": ({"W_hh": np.ones(2)}, r"W_hh has shape \(2,\); it must be square"),
    "W_xh": ({"W_xh": np.ones((3, 2))}, r"W_xh has shape \(3, 2\); W_hh has 2 units, so it must be \(2, inputs\)"),
    "W_hy": ({"W_hy": np.ones((2, 3))}, r"W_hy has shape \(2, 3\); W_hh has 2 units, so it must be \(outputs, 2\)"),
    "b_h": ({"b_h": [0, 0, 0]}, r"b_h has shape \(3,\); it must be \(2,\)"),
    "b_y": ({"b_y": 0}, r"b_y has shape \(\); it must be \(2,\)"),
    "h_init": ({"h_init": [[0, 0]]}, r"h_init has shape \(1, 2\); it must be \(2,\)"),
    "NaN": ({"W_xh": [[np.nan, 0], [0, 0]]}, "W_xh has a number that is not finite"),
    "infinite": ({"h_init": [np.inf, 0]}, "h_init has a number that is not finite"),
}


@pytest.mark.parametrize(("changed", "says"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_network_is_refused_with_words(changed, says):
    with pytest.raises(ValueError, match=says):
        RNN(**{"W_xh": I2, "W_hh": I2, "b_h": [0, 0], "W_hy": I2, "b_y": [0, 0]} | changed)


@pytest.mark.parametrize("shape", [(2,), (4, 3), (4, 2, 2, 2)])
def test_inputs_of_another_shape_are_refused(shape):
    net, says = RNN(I2, I2, [0, 0], I2, [0, 0]), r"the network has 2 inputs, so it must be \(T, 2\) or \(T, B, 2\)"
    for call in (run, lambda net, x: checkpointed_gradients(net, x, [0])):
        with pytest.raises(ValueError, match=says):
            call(net, np.zeros(shape))


@pytest.mark.parametrize("h", [np.zeros(3), np.zeros((2, 2)), np.zeros((1, 5, 2))])
def test_a_state_of_another_shape_is_refused(h):
    net = RNN(I2, I2, [0, 0], I2, [0, 0])
    with pytest.raises(ValueError, match=r"h has shape .*; a state is \(5, 2\)"):
        run(net, np.zeros((4, 5, 2)), h)


def test_a_gradient_of_another_shape_is_refused():
    forward = run(RNN(I2, I2, [0, 0], I2, [0, 0]), np.zeros((4, 2)))
    for call in (backward, lambda *a: truncated_per_loss(*a, 1), lambda *a: truncated_by_chunks(*a, 1)):
        with pytest.raises(ValueError, match=r"d_logits has shape \(3, 2\); it must be that of the logits, \(4, 2\)"):
            call(forward, np.zeros((3, 2)))


def test_a_parameter_that_does_not_exist_is_refused():
    back = backward(run(RNN(I2, I2, [0, 0], I2, [0, 0]), np.zeros((4, 2))), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="name is 'W'; the parameters are W_xh, W_hh, b_h, W_hy, b_y, h_init"):
        back.contributions("W")


def test_numbers_of_steps_out_of_range_are_refused():
    net, x = RNN(I2, I2, [0, 0], I2, [0, 0]), np.zeros((4, 2))
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, 2, 2), "D is 0; it is a number of inputs, 1 or more, as an integer"),
        ((2, 2.0, 2), "H is 2.0; it is a number of units, 1 or more"),
        ((2, 2, "2"), "A is '2'; it is a number of outputs, 1 or more"),
        ((2, 2, 2, "gelu"), "activation is 'gelu'"),
        ((2, 2, 2, "tanh", -1.0), "scale is -1.0; it is a finite number, 0 or more"),
        ((2, 2, 2, "tanh", float("nan")), "scale is nan; it is a finite number"),
        ((2, 2, 2, "tanh", "1"), "scale is '1'; it is a finite number"),
    ],
)
def test_a_network_that_cannot_be_drawn_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        random_rnn(np.random.default_rng(0), *arguments)


@pytest.mark.parametrize("wrong", [[[0, 1], [0]], "text"])
def test_what_is_no_array_of_numbers_is_refused_by_its_name(wrong):
    net = RNN(I2, I2, [0, 0], I2, [0, 0])
    forward = run(net, np.zeros((4, 2)))
    both = run_bidirectional(BidirectionalRNN(net, net), np.zeros((4, 2)))
    calls = {
        "x": [
            lambda: run(net, wrong),
            lambda: step(net, [0, 0], wrong),
            lambda: checkpointed_gradients(net, wrong, [0]),
        ],
        "h": [lambda: run(net, np.zeros((4, 2)), wrong), lambda: step(net, wrong, [0, 0])],
        "d_logits": [lambda: backward(forward, wrong), lambda: backward_bidirectional(both, wrong)],
        "weights": [lambda: loss_and_gradients(net, np.zeros((4, 2)), [0] * 4, wrong)],
        "W_hh": [lambda: RNN(I2, wrong, [0, 0], I2, [0, 0])],
        "b_y": [lambda: RNN(I2, I2, [0, 0], I2, wrong)],
    }
    for name, each in calls.items():
        for call in each:
            with pytest.raises(ValueError, match=f"{name} is not an array of numbers"):
                call()


@pytest.mark.parametrize("gradients", [loss_and_gradients, checkpointed_gradients])
def test_a_target_of_unequal_rows_is_refused(gradients):
    with pytest.raises(ValueError, match="target is not an array of symbols"):
        gradients(RNN(I2, I2, [0, 0], I2, [0, 0]), np.zeros((2, 2, 2)), [[0, 1], [0]])


@pytest.mark.parametrize("shape", [(), (2,), (4, 3), (4, 2, 2, 2)])
def test_both_directions_refuse_inputs_and_gradients_of_another_shape(shape):
    net = RNN(I2, I2, [0, 0], I2, [0, 0])
    both = BidirectionalRNN(net, net)
    with pytest.raises(ValueError, match=r"x has shape .*; the network has 2 inputs"):
        run_bidirectional(both, np.zeros(shape))
    with pytest.raises(ValueError, match=r"d_logits has shape .*; it must be that of the logits, \(4, 2\)"):
        backward_bidirectional(run_bidirectional(both, np.zeros((4, 2))), np.zeros(shape))


@pytest.mark.parametrize("gradients", [loss_and_gradients, checkpointed_gradients])
def test_weights_of_the_sequences_need_an_axis_for_the_steps(gradients):
    net, target = RNN(I2, I2, [0, 0], I2, [0, 0]), np.zeros((3, 2), int)
    with pytest.raises(ValueError, match=r"weights\[:, None\] counts steps, weights\[None, :\] sequences"):
        gradients(net, np.zeros((3, 2, 2)), target, [1, 0])
    gradients(net, np.zeros((3, 2, 2)), target, [[1, 0]])
    gradients(net, np.zeros((3, 2, 2)), target, [1, 0, 0])


# -- where every floating-point error is raised


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_underflows_is_no_error(activation):
    """Saturated units, probabilities of zero, and weights whose products are too small for a number."""
    net = RNN(
        [[800.0, 0], [0, 1e-200]], [[0.5, 1e-200], [0, 1e-200]], [0, 0], [[1, 1e-200], [-1e3, 0]], [0, 0], [1e-200, 1e-200],
        activation,
    )  # fmt: skip
    x, target, weights = (
        np.array([[1.0, 1e-200], [0, 1], [2, 1e-150], [0, 0]]),
        np.array([1, 0, 0, 1]),
        [1e-200, 1, 0, 1],
    )
    with np.errstate(all="raise"):
        forward = run(net, x)
        forward.z, forward.slope, forward.y, forward.jacobians(), forward.losses(target)
        step(net, net.h_init, x[0])
        back = backward(forward, cross_entropy_gradient(forward.logits, target, weights))
        back.direct, back.future, back.d_x  # noqa: B018
        for name in PARAMETERS:
            back.contributions(name)
        truncated_per_loss(forward, back.d_logits, 2)
        truncated_by_chunks(forward, back.d_logits, 2)
        checkpointed_gradients(net, x, target, weights, 2)
        _, gradients = loss_and_gradients(net, x, target, weights)
        loss, _ = loss_and_gradients(RNN(0 * I2, I2, [0, 0], I2, [0, 0], activation=activation), x, target, 1e-308)
        assert loss == pytest.approx(4 * np.log(2) * 1e-308)
        assert run(RNN([[0]], [[1e-300]], [18], [[1]], [0], activation=activation), [[0]]).jacobians().max() <= 1e-300
        both = run_bidirectional(BidirectionalRNN(net, net), x)
        both.h, both.logits  # noqa: B018
        backward_bidirectional(both, back.d_logits)
    assert_same_gradients(gradients, loss_and_gradients(net, x, target, weights)[1], rtol=0, atol=0)


@pytest.mark.parametrize("length", [3, 5])
@pytest.mark.parametrize("gradients", [loss_and_gradients, checkpointed_gradients])
def test_targets_for_another_number_of_steps_are_refused(gradients, length):
    with pytest.raises(ValueError, match="target has shape"):
        gradients(RNN(I2, I2, [0, 0], I2, [0, 0]), np.zeros((4, 2)), [0] * length)


@pytest.mark.parametrize(("D", "A"), [(2, 1), (1, 2)])
def test_two_directions_that_do_not_go_together_are_refused(D, A):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"the two directions have 2 and {D} inputs, 2 and {A} outputs"):
        BidirectionalRNN(random_rnn(rng, 2, 3, 2), random_rnn(rng, D, 4, A))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e4])
def test_a_large_batch_is_activated_like_one_sequence(activation, scale):
    """Where there are many numbers, tanh is computed in another way: in its tails and near 0 as well."""
    rng = np.random.default_rng(0)
    net, x = random_rnn(rng, 3, 20, 2, activation), scale * rng.normal(size=(2, 100, 3))
    with np.errstate(all="raise", under="ignore"):
        together = run(net, x).h
    alone = np.stack([run(net, x[:, b]).h for b in range(100)], axis=1)
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-15 if activation == "sigmoid" else 0)
