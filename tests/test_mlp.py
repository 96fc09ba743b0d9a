"""Chapter 2: does the network see every frame by itself, and are its gradients those of torch?"""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.gradient_check import gradient_check
from course_utils.mlp import (
    MLP,
    PARAMETERS,
    frame_gradients,
    logits,
    loss_and_gradients,
    random_mlp,
    soft_loss_and_gradients,
    windows,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
seeds = st.integers(0, 2**32 - 1)


def random_problem(rng, shape=None):
    """Draw a network with biases, inputs and targets; shape is what stands before the last axis."""
    D, H, A = rng.integers(1, 6, 3)
    net = random_mlp(rng, D, H, A).with_parameters(b_1=rng.normal(size=H), b_2=rng.normal(size=A))
    shape = tuple(rng.integers(0, 5, rng.integers(0, 4))) if shape is None else shape
    return net, rng.normal(size=(*shape, D)), rng.integers(A, size=shape)


def in_torch(net, x, target):
    """Return logits, loss and gradients."""
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in net.parameters.items()}
    h = torch.tanh(torch.nn.functional.linear(torch.tensor(x), leaves["W_1"], leaves["b_1"]))
    o = torch.nn.functional.linear(h, leaves["W_2"], leaves["b_2"])
    flat = o.reshape(-1, o.shape[-1])
    loss = torch.nn.functional.cross_entropy(flat, torch.tensor(np.ravel(target)), reduction="sum")
    loss.backward()
    return o.detach().numpy(), loss.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


@given(seeds)
def test_logits_loss_and_gradients_are_those_of_torch(seed):
    net, x, target = random_problem(np.random.default_rng(seed))
    scores, loss, gradients = in_torch(net, x, target)
    np.testing.assert_allclose(logits(net, x), scores, **CLOSE)
    found, ours = loss_and_gradients(net, x, target)
    assert found == pytest.approx(loss, rel=1e-10, abs=1e-10)
    assert tuple(ours) == PARAMETERS
    for name, expected in gradients.items():
        np.testing.assert_allclose(ours[name], expected, err_msg=name, **CLOSE)


def test_every_gradient_is_what_moving_the_number_says():
    net, x, target = random_problem(np.random.default_rng(0), (4, 2))
    _, gradients = loss_and_gradients(net, x, target)
    found = gradient_check(lambda **p: loss_and_gradients(MLP(**p), x, target)[0], net.parameters, gradients)
    assert {row.verdict for row in found.rows} == {"exact"}, found


@given(seeds)
def test_each_frame_is_seen_by_itself(seed):
    """What a frame gives depends neither on the others nor on their order."""
    rng = np.random.default_rng(seed)
    net, x, _ = random_problem(rng, (6,))
    together, order = logits(net, x), rng.permutation(6)
    np.testing.assert_allclose(together, [logits(net, frame) for frame in x], **CLOSE)
    np.testing.assert_allclose(logits(net, x[order]), together[order], **CLOSE)
    other = x.copy()
    other[2] += 1
    np.testing.assert_allclose(np.delete(logits(net, other), 2, axis=0), np.delete(together, 2, axis=0), **CLOSE)


@given(seeds)
def test_gradients_of_the_frames_add_up_and_each_is_that_of_the_frame_alone(seed):
    rng = np.random.default_rng(seed)
    net, x, target = random_problem(rng, (int(rng.integers(0, 7)),))
    found = frame_gradients(net, x, target)
    _, summed = loss_and_gradients(net, x, target)
    for name in PARAMETERS:
        assert found[name].shape == (len(x), *net.parameters[name].shape)
        np.testing.assert_allclose(found[name].sum(axis=0), summed[name], err_msg=name, **CLOSE)
    for t in range(len(x)):
        _, alone = loss_and_gradients(net, x[t : t + 1], target[t : t + 1])
        for name in PARAMETERS:
            np.testing.assert_allclose(found[name][t], alone[name], err_msg=name, **CLOSE)


def test_a_network_keeps_copies_and_cannot_be_assigned_to():
    W = np.eye(2)
    net = MLP(W, [0, 0], W, [0, 0])
    W[0, 0] = 7
    assert net.W_1[0, 0] == net.W_2[0, 0] == 1
    assert tuple(net.parameters) == PARAMETERS
    assert net.with_parameters(b_2=[1, 2]).b_2.tolist() == [1, 2]
    assert net.b_2.tolist() == [0, 0]
    with pytest.raises(FrozenInstanceError):
        net.b_1 = np.ones(2)


def test_random_weights_are_as_large_as_their_docstring_says():
    net = random_mlp(np.random.default_rng(0), 50, 400, 100)
    assert net.W_1.shape == (400, 50)
    assert net.W_2.shape == (100, 400)
    assert net.W_1.std() == pytest.approx(50**-0.5, rel=0.03)
    assert net.W_2.std() == pytest.approx(400**-0.5, rel=0.03)
    assert not net.b_1.any()
    assert not net.b_2.any()


# -- windows


def test_a_window_holds_the_neighbours_oldest_first_and_zeros_outside():
    x = np.array([[1, 2], [3, 4], [5, 6]])
    assert windows(x, 1).tolist() == [[0, 0, 1, 2], [1, 2, 3, 4], [3, 4, 5, 6]]
    assert windows(x, 1, 1).tolist() == [[0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 0, 0]]
    assert windows(x, 0, 1).tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 0, 0]]
    np.testing.assert_array_equal(windows(x, 0), x)


@given(seeds, st.integers(0, 6), st.integers(0, 6))
def test_every_window_is_cut_out_of_the_padded_sequence(seed, before, after):
    rng = np.random.default_rng(seed)
    T, D = int(rng.integers(0, 6)), int(rng.integers(1, 4))
    x = rng.normal(size=(T, D))
    found = windows(x, before, after)
    assert found.shape == (T, (before + 1 + after) * D)
    for t in range(T):
        parts = [x[s] if 0 <= s < T else np.zeros(D) for s in range(t - before, t + after + 1)]
        np.testing.assert_array_equal(found[t], np.concatenate(parts))


# -- what is refused

MALFORMED = {
    "no matrix": ({"W_1": [1, 2]}, r"W_1 has shape \(2,\) and W_2 \(2, 2\); both must be matrices"),
    "W_2": ({"W_2": np.ones((2, 3))}, r"W_1 has 2 rows, so b_1 must be \(2,\) and W_2 \(outputs, 2\)"),
    "b_1": ({"b_1": [0]}, r"the shapes are \(1,\), \(2, 2\) and \(2,\)"),
    "text": ({"W_1": "eye"}, "W_1 is not an array of numbers: could not convert string to float"),
    "ragged": ({"W_2": [[1, 0], [0]]}, "W_2 is not an array of numbers"),
    "NaN": ({"b_1": [0, np.nan]}, "b_1 has a number that is not finite"),
    "b_2": ({"b_2": [0, 0, 0]}, r"the shapes are \(2,\), \(2, 2\) and \(3,\)"),
}


@pytest.mark.parametrize(("changed", "says"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_network_is_refused_with_words(changed, says):
    with pytest.raises(ValueError, match=says):
        MLP(**{"W_1": np.eye(2), "b_1": [0, 0], "W_2": np.eye(2), "b_2": [0, 0]} | changed)


@pytest.mark.parametrize("x", [np.zeros((4, 3)), 1.0])
def test_inputs_of_another_size_are_refused(x):
    net = MLP(np.eye(2), [0, 0], np.eye(2), [0, 0])
    for call in (logits, lambda net, x: frame_gradients(net, x, [0]), lambda net, x: loss_and_gradients(net, x, [0])):
        with pytest.raises(ValueError, match=r"the network has 2 inputs, so it must be \(…, 2\)"):
            call(net, x)


def test_malformed_windows_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(3,\); frames are \(T, D\)"):
        windows(np.zeros(3), 1)
    with pytest.raises(ValueError, match="x is not an array of numbers"):
        windows([[1, 2], [3]], 1)
    for count in (-1, 1.0, 1.5, float("inf"), "1", None):
        with pytest.raises(
            ValueError, match=f"before is {count!r}; it is a number of frames, 0 or more, as an integer"
        ):
            windows(np.zeros((3, 2)), count)
        with pytest.raises(ValueError, match=f"after is {count!r}; it is a number of frames, 0 or more, as an integer"):
            windows(np.zeros((3, 2)), 1, count)
    assert windows(np.zeros((3, 2)), np.int64(1), 1).shape == (3, 6)


@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 0, 2), (2,)])
def test_gradients_of_frames_are_those_of_one_sequence(shape):
    net, target = MLP(np.eye(2), [0, 0], np.eye(2), [0, 0]), np.zeros(shape[:-1], int)
    with pytest.raises(
        ValueError, match=r"x has shape .*; frames are \(T, D\), so take the sequences of a batch one by"
    ):
        frame_gradients(net, np.zeros(shape), target)


@pytest.mark.parametrize("size", [0, -1, 2.0, "2", None])
def test_a_network_of_no_size_is_refused(size):
    for n, name in enumerate(("D is {!r}; it is a number of inputs", "H is {!r}; it is", "A is {!r}; it is")):
        sizes = [2, 2, 2]
        sizes[n] = size
        with pytest.raises(ValueError, match=name.format(size)):
            random_mlp(np.random.default_rng(0), *sizes)


def test_what_underflows_is_no_error():
    """Saturated units, probabilities of zero, and products of small numbers."""
    net = MLP([[800.0], [1e-200]], [0, 0], [[400.0, 1e-200], [-400, 0]], [0, 0])
    x, target = np.array([[1.0], [-1], [1e-200]]), np.array([1, 0, 1])
    quiet = loss_and_gradients(net, x, target)[1], frame_gradients(net, x, target)
    with np.errstate(all="raise"):
        assert logits(net, x)[0].tolist() == [400, -400]
        found = loss_and_gradients(net, x, target)[1], frame_gradients(net, x, target)
    for ours, expected in zip(found, quiet, strict=True):
        for name in PARAMETERS:
            np.testing.assert_array_equal(ours[name], expected[name])


# -- targets that are not sure of one symbol


@given(seeds)
def test_with_distributions_loss_and_gradients_are_those_of_torch(seed):
    rng = np.random.default_rng(seed)
    net, x, target = random_problem(rng)
    A = len(net.b_2)
    y_star = rng.dirichlet(np.ones(A), target.shape) if target.size else np.zeros((*target.shape, A))
    loss, gradients = soft_loss_and_gradients(net, x, y_star)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in net.parameters.items()}
    h = torch.tanh(torch.nn.functional.linear(torch.tensor(x), leaves["W_1"], leaves["b_1"]))
    log_y = torch.log_softmax(torch.nn.functional.linear(h, leaves["W_2"], leaves["b_2"]), dim=-1)
    theirs = -(torch.tensor(y_star) * log_y).sum()
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-10, abs=1e-10)
    for name in PARAMETERS:
        np.testing.assert_allclose(gradients[name], leaves[name].grad.numpy(), **CLOSE)


def test_a_distribution_that_is_sure_is_a_symbol():
    net, x, target = random_problem(np.random.default_rng(0), (7,))
    loss, gradients = loss_and_gradients(net, x, target)
    soft, soft_gradients = soft_loss_and_gradients(net, x, np.eye(len(net.b_2))[target])
    assert soft == pytest.approx(loss, rel=1e-12)
    for name in PARAMETERS:
        np.testing.assert_allclose(soft_gradients[name], gradients[name], atol=1e-12)


def test_distributions_of_another_shape_are_refused():
    net, x, _ = random_problem(np.random.default_rng(0), (7,))
    with pytest.raises(ValueError, match=r"y_star has shape \(6, .*so it must be \(7, "):
        soft_loss_and_gradients(net, x, np.ones((6, len(net.b_2))))
