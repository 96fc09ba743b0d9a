"""Random recurrent networks and problems for them, the same in torch, and the worked example of chapters 3 to 5."""

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from course_utils.bptt import backward, loss_and_gradients
from course_utils.examples import WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.losses import cross_entropy_gradient
from course_utils.rnn import PARAMETERS, RNN, random_rnn, run

WORKED = WORKED_NET, WORKED_X, WORKED_TARGET
I2 = np.eye(2)
PLAIN = RNN(I2, I2, [0, 0], I2, [0, 0])  # for what is refused, whatever the numbers
CLOSE = {"rtol": 1e-10, "atol": 1e-10}
ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
OF_TORCH = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda z: z}
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


def gradient_of_logits(net, x, target, weights=1.0):
    forward = run(net, x)
    return forward, cross_entropy_gradient(forward.logits, target, weights)


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


def underflowing(activation):
    """Set a problem with saturated units, probabilities of zero, and weights whose products are too small for a number."""
    net = RNN(
        [[800.0, 0], [0, 1e-200]], [[0.5, 1e-200], [0, 1e-200]], [0, 0], [[1, 1e-200], [-1e3, 0]], [0, 0], [1e-200, 1e-200],
        activation,
    )  # fmt: skip
    x = np.array([[1.0, 1e-200], [0, 1], [2, 1e-150], [0, 0]])
    return net, x, np.array([1, 0, 0, 1]), np.array([1e-200, 1, 0, 1])
