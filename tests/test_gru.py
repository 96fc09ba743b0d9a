"""Section 11.6: is a GRU what torch and a scalar loop make of it, forward and back, in both conventions?"""

import numpy as np
import pytest
from gates import way  # noqa: F401

from course_utils import gru
from course_utils.gradient_check import numerical_gradient
from course_utils.gru import GRU, backward, forward, from_torch, parameter_count, random_gru, step, to_torch

CONVENTIONS = ["after", "before"]


def network(reset="after", D=3, H=4, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=shape).astype(dtype) for shape in ((3 * H, D), (3 * H, H), (3 * H,), (3 * H,))]
    values[1] /= np.sqrt(H, dtype=dtype)
    return GRU(*values, reset)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_scalars(net, x, h):
    """Every number by itself, as the papers write it."""
    H, states = net.H, []
    for frame in x:
        new = np.empty(H)
        pre = [
            [net.b_x[k * H + u] + sum(net.W_x[k * H + u, d] * frame[d] for d in range(net.D)) for u in range(H)]
            for k in range(3)
        ]

        def from_state(k, u, state):
            return net.b_h[k * H + u] + sum(net.W_h[k * H + u, j] * state[j] for j in range(H))

        r = [sigmoid(pre[0][u] + from_state(0, u, h)) for u in range(H)]
        for u in range(H):
            z = sigmoid(pre[1][u] + from_state(1, u, h))
            inner = (
                r[u] * from_state(2, u, h)
                if net.reset == "after"
                else from_state(2, u, [r[j] * h[j] for j in range(H)])
            )
            new[u] = (1 - z) * np.tanh(pre[2][u] + inner) + z * h[u]
        h = new
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("reset", CONVENTIONS)
@pytest.mark.parametrize("T", [1, 6])
def test_states_are_those_of_a_scalar_loop(reset, T):
    net, rng = network(reset), np.random.default_rng(1)
    x, h_0 = rng.normal(size=(T, 3)), rng.normal(size=4)
    np.testing.assert_allclose(forward(net, x, h_0).h, by_scalars(net, x, h_0), atol=1e-12)


@pytest.mark.parametrize("reset", CONVENTIONS)
@pytest.mark.parametrize("H", [4, 40])  # compiled where that pays, and not
def test_a_batch_is_its_sequences_one_by_one(reset, H):
    net, rng = network(reset, H=H), np.random.default_rng(1)
    x, h_0, pull = rng.normal(size=(30, 8, 3)), rng.normal(size=(8, H)), rng.normal(size=(30, 8, H))
    together = forward(net, x, h_0)
    back = backward(net, together, pull)
    gradients = {name: 0 for name in back.gradients}
    for b in range(8):
        alone = forward(net, x[:, b], h_0[b])
        np.testing.assert_allclose(together.states[:, b], alone.states, atol=1e-12)
        np.testing.assert_allclose(together.seen[:, b], alone.seen, atol=1e-12)
        one = backward(net, alone, pull[:, b])
        np.testing.assert_allclose(back.d_x[:, b], one.d_x, atol=1e-11)
        np.testing.assert_allclose(back.d_h_0[b], one.d_h_0, atol=1e-11)
        gradients = {name: gradients[name] + one.gradients[name] for name in gradients}
    for name, value in gradients.items():
        np.testing.assert_allclose(back.gradients[name], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("reset", CONVENTIONS)
def test_every_gradient_is_that_of_moving_the_number(reset):
    net, rng = network(reset), np.random.default_rng(2)
    x, h_0, pull = rng.normal(size=(5, 2, 3)), rng.normal(size=(2, 4)), rng.normal(size=(5, 2, 4))
    back = backward(net, forward(net, x, h_0), pull)

    def loss(net=net, x=x, h_0=h_0):
        return float((pull * forward(net, x, h_0).h).sum())

    for name, value in net.parameters.items():
        found = numerical_gradient(lambda v, name=name: loss(net.with_parameters(**{name: v})), value)
        np.testing.assert_allclose(back.gradients[name], found, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(back.d_x, numerical_gradient(lambda v: loss(x=v), x), atol=1e-7)
    np.testing.assert_allclose(back.d_h_0, numerical_gradient(lambda v: loss(h_0=v), h_0), atol=1e-7)


@pytest.mark.parametrize(("T", "B", "D", "H"), [(1, 1, 1, 1), (7, 3, 4, 5), (40, 8, 6, 32)])
def test_the_one_that_resets_after_the_product_is_torchs(T, B, D, H):
    import torch

    net, rng = network(D=D, H=H), np.random.default_rng(3)
    theirs = torch.nn.GRU(D, H, dtype=torch.float64)
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in to_torch(net).items()})
    x, h_0, pull = rng.normal(size=(T, B, D)), rng.normal(size=(B, H)), rng.normal(size=(T, B, H))
    given = torch.from_numpy(x).requires_grad_(), torch.from_numpy(h_0)[None].clone().requires_grad_()
    states, _ = theirs(*given)
    (states * torch.from_numpy(pull)).sum().backward()
    ours = forward(net, x, h_0)
    back = backward(net, ours, pull)
    np.testing.assert_allclose(ours.h, states.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(back.d_x, given[0].grad.numpy(), atol=1e-10)
    np.testing.assert_allclose(back.d_h_0, given[1].grad.numpy()[0], atol=1e-10)
    for name, value in zip(("W_x", "W_h", "b_x", "b_h"), theirs.parameters(), strict=True):
        np.testing.assert_allclose(back.gradients[name], value.grad.numpy(), rtol=1e-9, atol=1e-10)
    again = from_torch(theirs.state_dict())
    assert all(np.array_equal(again.parameters[name], value) for name, value in net.parameters.items())
    assert net.count == parameter_count(D, H) == sum(p.numel() for p in theirs.parameters())


def test_the_two_conventions_differ_and_agree_where_the_reset_gate_is_open():
    after, before = network("after"), network("before")
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert np.abs(forward(after, x).h - forward(before, x).h).max() > 0.01
    b_x = after.b_x.copy()
    b_x[:4] = 100
    np.testing.assert_allclose(
        forward(after.with_parameters(b_x=b_x), x).h, forward(before.with_parameters(b_x=b_x), x).h, atol=1e-12
    )


@pytest.mark.parametrize("reset", CONVENTIONS)
def test_edges(reset):
    net = network(reset)
    none = forward(net, np.empty((0, 3)))
    assert none.h.shape == (0, 4)
    back = backward(net, none, np.empty((0, 4)))
    assert not back.d_h_0.any()
    assert not any(g.any() for g in back.gradients.values())
    h = np.random.default_rng(0).normal(size=4)
    x = np.random.default_rng(1).normal(size=3)
    np.testing.assert_array_equal(step(net, x, h), forward(net, x[None], h).h[0])
    with np.errstate(all="raise", under="ignore"):
        wild = forward(net, 1e3 * np.random.default_rng(2).normal(size=(6, 2, 3)))
        assert np.isfinite(backward(net, wild, np.ones((6, 2, 4))).d_x).all()
    assert np.isfinite(forward(net, np.random.default_rng(3).normal(size=(5000, 3))).h).all()


@pytest.mark.parametrize("reset", CONVENTIONS)
def test_single_precision_stays_single(reset):
    net = network(reset, dtype=np.float32, H=16)
    x = np.random.default_rng(0).normal(size=(20, 4, 3))
    found = forward(net, x)
    back = backward(net, found, np.ones_like(found.h))
    double = forward(GRU(*(v.astype(float) for v in net.parameters.values()), reset), x)
    assert {found.h.dtype, back.d_x.dtype, *(g.dtype for g in back.gradients.values())} == {np.dtype(np.float32)}
    np.testing.assert_allclose(found.h, double.h, atol=1e-5)


def test_the_update_gate_may_begin_by_keeping():
    net = random_gru(np.random.default_rng(0), 2, 5, update_bias=30.0, scale=0.1)
    h = np.random.default_rng(1).normal(size=5)
    np.testing.assert_allclose(forward(net, np.ones((50, 2)), h).h[-1], h, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reset": "never"}, "reset is 'never'"),
        ({"b_x": None}, "b_x is None"),
        ({"b_h": np.ones(5)}, r"b_h has shape \(5,\)"),
        ({"W_h": np.ones((11, 4))}, "W_h has shape"),
        ({"W_x": np.full((12, 3), np.nan)}, "W_x"),
    ],
)
def test_bad_networks_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        network().with_parameters(**change)


def test_bad_inputs_are_refused():
    net = network()
    for x, h_0, says in (
        (np.ones((4, 2)), None, "the network has 3 inputs"),
        (np.full((4, 3), np.inf), None, "is not finite in float64"),
        (np.ones((4, 3)), np.ones(3), "h_0 has shape"),
    ):
        with pytest.raises(ValueError, match=says):
            forward(net, x, h_0)
    with pytest.raises(ValueError, match="d_states has shape"):
        backward(net, forward(net, np.ones((4, 3))), np.ones((3, 4)))
    with pytest.raises(ValueError, match="resets after the product"):
        to_torch(network("before"))
    assert gru.parameter_count(3, 5) == 150
