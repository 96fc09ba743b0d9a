"""Chapter 3: does a network give what was published and what torch gives, at once and step by step?"""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given
from recurrent import (
    ACTIVATIONS,
    CLOSE,
    I2,
    OF_TORCH,
    PLAIN,
    WORKED,
    in_torch,
    random_net,
    random_problem,
    run_in_torch,
    seeds,
    underflowing,
)

from course_utils.rnn import PARAMETERS, RNN, random_rnn, run, step

# -- against what was published


def test_the_worked_example_is_the_published_one(oracles):
    given = oracles["O8_rnn_bptt"]["inputs"]
    net, x, target = WORKED
    for ours, theirs in zip(PARAMETERS, ("Wxh", "Whh", "bh", "Why", "by", "h_init"), strict=True):
        np.testing.assert_array_equal(net.parameters[ours], given[theirs], err_msg=ours)
    np.testing.assert_array_equal(x, given["X"])
    np.testing.assert_array_equal(target, given["target"])
    assert net.activation == "tanh"


def test_the_worked_example_forward(oracles):
    truth = oracles["O8_rnn_bptt"]
    net, x, target = WORKED
    forward = run(net, x)
    np.testing.assert_allclose(forward.h, truth["h"], **CLOSE)
    np.testing.assert_allclose(forward.y, truth["y"], **CLOSE)
    np.testing.assert_allclose(forward.losses(target), truth["losses"], **CLOSE)
    assert forward.losses(target).sum() == pytest.approx(truth["total"], abs=1e-10)


# -- against torch


@given(seeds)
def test_states_logits_and_losses_are_those_of_torch(seed):
    net, x, target, weights = random_problem(np.random.default_rng(seed))
    states, logits, loss, *_ = in_torch(net, x, target, weights)
    forward = run(net, x)
    np.testing.assert_allclose(forward.h, np.reshape(states, forward.h.shape), **CLOSE)
    np.testing.assert_allclose(forward.logits, np.reshape(logits, forward.logits.shape), **CLOSE)
    assert (weights * forward.losses(target)).sum() == pytest.approx(loss, rel=1e-10, abs=1e-10)


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
def test_a_batch_runs_like_its_sequences_one_by_one(seed):
    net, x, _, _ = random_problem(np.random.default_rng(seed), batch=True)
    together = run(net, x)
    for b in range(x.shape[1]):
        np.testing.assert_allclose(together.states[:, b], run(net, x[:, b]).states, **CLOSE)


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


@pytest.mark.parametrize("h", [np.zeros(3), np.zeros((2, 2)), np.zeros((1, 5, 2))])
def test_a_state_of_another_shape_is_refused(h):
    with pytest.raises(ValueError, match=r"h has shape .*; a state is \(5, 2\)"):
        run(PLAIN, np.zeros((4, 5, 2)), h)


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


@pytest.mark.parametrize("shape", [(2,), (4, 3), (4, 2, 2, 2)])
def test_inputs_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"the network has 2 inputs, so it must be \(T, 2\) or \(T, B, 2\)"):
        run(PLAIN, np.zeros(shape))


@pytest.mark.parametrize("wrong", [[[0, 1], [0]], "text"])
def test_what_is_no_array_of_numbers_is_refused_by_its_name(wrong):
    calls = {
        "x": [lambda: run(PLAIN, wrong), lambda: step(PLAIN, [0, 0], wrong)],
        "h": [lambda: run(PLAIN, np.zeros((4, 2)), wrong), lambda: step(PLAIN, wrong, [0, 0])],
        "W_hh": [lambda: RNN(I2, wrong, [0, 0], I2, [0, 0])],
        "b_y": [lambda: RNN(I2, I2, [0, 0], I2, wrong)],
    }
    for name, each in calls.items():
        for call in each:
            with pytest.raises(ValueError, match=f"{name} is not an array of numbers"):
                call()


# -- where every floating-point error is raised


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_underflows_is_no_error(activation):
    """Saturated units, probabilities of zero, and weights whose products are too small for a number."""
    net, x, target, _ = underflowing(activation)
    with np.errstate(all="raise"):
        forward = run(net, x)
        forward.z, forward.slope, forward.y, forward.jacobians(), forward.losses(target)
        step(net, net.h_init, x[0])
        assert run(RNN([[0]], [[1e-300]], [18], [[1]], [0], activation=activation), [[0]]).jacobians().max() <= 1e-300
