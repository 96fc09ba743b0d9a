"""Section 11.3: is an LSTM what torch and a scalar loop make of it, forward and back, with peepholes and without?"""

import numpy as np
import pytest
from gates import way  # noqa: F401

from course_utils.gradient_check import numerical_gradient
from course_utils.lstm import LSTM, backward, forward, from_torch, parameter_count, random_lstm, step, to_torch

PEEPHOLES = [False, True]


def network(peepholes=False, D=3, H=4, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    shapes = ((4 * H, D), (4 * H, H), (4 * H,), (3, H))
    W_x, W_h, b, p = (rng.normal(size=shape) for shape in shapes)
    values = W_x, W_h / np.sqrt(H), b, p if peepholes else None
    return LSTM(*(None if v is None else v.astype(dtype) for v in values))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_scalars(net, x, h, c):
    """Every number by itself, as the papers write it."""
    H, states, cells = net.H, [], []
    p = np.zeros((3, H)) if net.p is None else net.p
    for frame in x:
        z = [
            net.b[r] + sum(net.W_x[r, d] * frame[d] for d in range(net.D)) + sum(net.W_h[r, j] * h[j] for j in range(H))
            for r in range(4 * H)
        ]
        new_c = [
            sigmoid(z[H + u] + p[1, u] * c[u]) * c[u] + sigmoid(z[u] + p[0, u] * c[u]) * np.tanh(z[2 * H + u])
            for u in range(H)
        ]
        h = [sigmoid(z[3 * H + u] + p[2, u] * new_c[u]) * np.tanh(new_c[u]) for u in range(H)]
        c = new_c
        states.append(h)
        cells.append(c)
    return np.array(states), np.array(cells)


@pytest.mark.parametrize("peepholes", PEEPHOLES)
@pytest.mark.parametrize("T", [1, 6])
def test_states_and_cells_are_those_of_a_scalar_loop(peepholes, T):
    net, rng = network(peepholes), np.random.default_rng(1)
    x, h_0, c_0 = rng.normal(size=(T, 3)), rng.normal(size=4), rng.normal(size=4)
    found, (h, c) = forward(net, x, h_0, c_0), by_scalars(net, x, h_0, c_0)
    np.testing.assert_allclose(found.h, h, atol=1e-12)
    np.testing.assert_allclose(found.c, c, atol=1e-12)
    np.testing.assert_allclose(found.c, found.f * found.cells[:-1] + found.i * found.g, atol=1e-12)
    np.testing.assert_allclose(found.h, found.o * np.tanh(found.c), atol=1e-12)


@pytest.mark.parametrize("peepholes", PEEPHOLES)
@pytest.mark.parametrize("H", [4, 40])  # compiled where that pays, and not
def test_a_batch_is_its_sequences_one_by_one(peepholes, H):
    net, rng = network(peepholes, H=H), np.random.default_rng(1)
    x, h_0, c_0 = rng.normal(size=(30, 8, 3)), rng.normal(size=(8, H)), rng.normal(size=(8, H))
    pull, d_cell = rng.normal(size=(30, 8, H)), rng.normal(size=(8, H))
    together = forward(net, x, h_0, c_0)
    back = backward(net, together, pull, d_cell)
    gradients = {name: 0 for name in back.gradients}
    for b in range(8):
        alone = forward(net, x[:, b], h_0[b], c_0[b])
        np.testing.assert_allclose(together.states[:, b], alone.states, atol=1e-12)
        np.testing.assert_allclose(together.cells[:, b], alone.cells, atol=1e-12)
        one = backward(net, alone, pull[:, b], d_cell[b])
        for name in ("d_x", "d_states", "d_cells", "d_gates"):
            np.testing.assert_allclose(getattr(back, name)[:, b], getattr(one, name), atol=1e-11)
        gradients = {name: gradients[name] + one.gradients[name] for name in gradients}
    for name, value in gradients.items():
        np.testing.assert_allclose(back.gradients[name], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("peepholes", PEEPHOLES)
def test_every_gradient_is_that_of_moving_the_number(peepholes):
    net, rng = network(peepholes), np.random.default_rng(2)
    x, h_0, c_0 = rng.normal(size=(5, 2, 3)), rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    pull, d_cell = rng.normal(size=(5, 2, 4)), rng.normal(size=(2, 4))
    back = backward(net, forward(net, x, h_0, c_0), pull, d_cell)

    def loss(net=net, x=x, h_0=h_0, c_0=c_0):
        found = forward(net, x, h_0, c_0)
        return float((pull * found.h).sum() + (d_cell * found.c[-1]).sum())

    assert set(back.gradients) == set(net.parameters) == {"W_x", "W_h", "b", *(["p"] if peepholes else [])}
    for name, value in net.parameters.items():
        found = numerical_gradient(lambda v, name=name: loss(net.with_parameters(**{name: v})), value)
        np.testing.assert_allclose(back.gradients[name], found, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(back.d_x, numerical_gradient(lambda v: loss(x=v), x), atol=1e-7)
    np.testing.assert_allclose(back.d_h_0, numerical_gradient(lambda v: loss(h_0=v), h_0), atol=1e-7)
    np.testing.assert_allclose(back.d_c_0, numerical_gradient(lambda v: loss(c_0=v), c_0), atol=1e-7)


@pytest.mark.parametrize(("T", "B", "D", "H"), [(1, 1, 1, 1), (7, 3, 4, 5), (40, 8, 6, 32)])
def test_without_peepholes_it_is_torchs(T, B, D, H):
    import torch

    net, rng = network(D=D, H=H), np.random.default_rng(3)
    theirs = torch.nn.LSTM(D, H, dtype=torch.float64)
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in to_torch(net).items()})
    x, h_0, c_0, pull = (rng.normal(size=s) for s in ((T, B, D), (B, H), (B, H), (T, B, H)))
    given = [torch.from_numpy(v).clone().requires_grad_() for v in (x, h_0[None], c_0[None])]
    states, (_, last) = theirs(given[0], (given[1], given[2]))
    (states * torch.from_numpy(pull)).sum().backward()
    ours = forward(net, x, h_0, c_0)
    back = backward(net, ours, pull)
    np.testing.assert_allclose(ours.h, states.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(ours.c[-1], last.detach().numpy()[0], atol=1e-10)
    for found, tensor in ((back.d_x, given[0]), (back.d_h_0[None], given[1]), (back.d_c_0[None], given[2])):
        np.testing.assert_allclose(found, tensor.grad.numpy(), atol=1e-10)
    W_x, W_h, b_ih, b_hh = (p.grad.numpy() for p in theirs.parameters())
    for found, theirs_ in ((back.gradients["W_x"], W_x), (back.gradients["W_h"], W_h), (back.gradients["b"], b_ih)):
        np.testing.assert_allclose(found, theirs_, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(b_ih, b_hh, rtol=1e-9)  # one of the two is spare
    again = from_torch(theirs.state_dict())
    assert all(np.array_equal(again.parameters[name], value) for name, value in net.parameters.items())
    assert net.count == parameter_count(D, H) == sum(p.numel() for p in theirs.parameters()) - 4 * H


def test_both_biases_of_torch_are_added():
    import torch

    theirs = torch.nn.LSTM(3, 4, dtype=torch.float64)
    ours = from_torch(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(forward(ours, x).h, theirs(torch.from_numpy(x))[0].detach().numpy(), atol=1e-12)
    with pytest.raises(ValueError, match="only one layer in one direction"):
        from_torch(torch.nn.LSTM(3, 4, num_layers=2).state_dict())
    with pytest.raises(ValueError, match="lacks weight_hh_l0"):
        from_torch({"weight_ih_l0": np.ones((16, 3))})
    with pytest.raises(ValueError, match="no peepholes"):
        to_torch(network(True))
    assert parameter_count(3, 5, peepholes=True) == network(True, 3, 5).count


@pytest.mark.parametrize("peepholes", PEEPHOLES)
def test_edges(peepholes):
    net = network(peepholes)
    none = forward(net, np.empty((0, 3)))
    assert none.h.shape == (0, 4)
    back = backward(net, none, np.empty((0, 4)), np.ones(4))
    assert back.d_c_0.tolist() == [1, 1, 1, 1]
    assert not any(g.any() for g in back.gradients.values())
    rng = np.random.default_rng(0)
    x, h, c = rng.normal(size=3), rng.normal(size=4), rng.normal(size=4)
    one = forward(net, x[None], h, c)
    for ours, theirs in zip(step(net, x, h, c), (one.h[0], one.c[0]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with np.errstate(all="raise", under="ignore"):
        wild = forward(net, 1e3 * rng.normal(size=(6, 2, 3)))
        assert np.isfinite(backward(net, wild, np.ones((6, 2, 4))).d_x).all()
    long = forward(net, rng.normal(size=(5000, 3)))
    assert np.isfinite(long.h).all()


def test_chunks_handed_on_are_the_whole_sequence():
    net, x = network(), np.random.default_rng(0).normal(size=(20, 3))
    whole = forward(net, x)
    first = forward(net, x[:7])
    second = forward(net, x[7:], first.h[-1], first.c[-1])
    np.testing.assert_allclose(np.vstack([first.h, second.h]), whole.h, atol=1e-13)


def test_single_precision_stays_single():
    net = network(dtype=np.float32, H=16)
    found = forward(net, np.random.default_rng(0).normal(size=(20, 4, 3)))
    back = backward(net, found, np.ones_like(found.h))
    assert {found.h.dtype, back.d_x.dtype, *(g.dtype for g in back.gradients.values())} == {np.dtype(np.float32)}


def test_the_forget_gate_begins_with_its_bias():
    net = random_lstm(np.random.default_rng(0), 2, 3, forget_bias=2.5)
    assert net.b.reshape(4, 3).tolist() == [[0] * 3, [2.5] * 3, [0] * 3, [0] * 3]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"b": None}, "b is None"),
        ({"b": np.ones(5)}, r"b has shape \(5,\)"),
        ({"W_h": np.ones((15, 4))}, "W_h has shape"),
        ({"W_x": np.ones((12, 3))}, "W_x has shape"),
        ({"p": np.ones((2, 4))}, "p has shape"),
        ({"W_x": np.full((16, 3), np.nan)}, r"W_x\[0, 0\] is nan"),
    ],
)
def test_bad_networks_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        network().with_parameters(**change)


def test_bad_inputs_are_refused():
    net = network()
    for given, says in (
        ((np.ones((4, 2)),), "the network has 3 inputs"),
        ((np.full((4, 3), np.inf),), "is not finite in float64"),
        ((np.ones((4, 3)), np.ones(3)), "h_0 has shape"),
        ((np.ones((4, 3)), None, np.ones((2, 4))), "c_0 has shape"),
    ):
        with pytest.raises(ValueError, match=says):
            forward(net, *given)
    run = forward(net, np.ones((4, 3)))
    with pytest.raises(ValueError, match="d_states has shape"):
        backward(net, run, np.ones((3, 4)))
    with pytest.raises(ValueError, match="d_cell has shape"):
        backward(net, run, np.ones((4, 4)), np.ones(3))
