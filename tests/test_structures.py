"""Chapter 1: does each structure let exactly those inputs through that it should?"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.gradient_check import numerical_gradient
from course_utils.structures import STRUCTURES, Network, dependence, jacobian, network

FEEDS = ("at every step", "at the start", "autoregressive")
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


def reaches(structure, S, T):
    """(T, S): whether output t may depend on input s."""
    t, s = np.arange(T)[:, None], np.arange(S)
    if structure == "one to one":
        return t == s
    return s <= t if structure == "time-synchronous" else np.ones((T, S), dtype=bool)


def every_network(seed, T, **sizes):
    for structure in STRUCTURES:
        for feed in FEEDS if structure == "one to many" else FEEDS[:1]:
            yield network(structure, T, feed=feed, seed=seed, **sizes)


def point(net, seed=0):
    return np.random.default_rng(seed).normal(size=(net.S, net.D))


# -- who sees whom


@settings(max_examples=25)
@given(seeds, sizes, sizes, st.integers(1, 3), st.integers(1, 3))
def test_zero_stands_exactly_where_no_input_reaches(seed, T, S, D, A):
    for net in every_network(seed, T, S=S, D=D, A=A, width=4):
        x = point(net, seed)
        found, blocks = dependence(net, x), jacobian(net, x)
        allowed = reaches(net.structure, net.S, net.T)
        assert found.shape == allowed.shape == (net.T, net.S)
        assert blocks.shape == (net.T, A, net.S, D)
        assert (found[~allowed] == 0).all(), f"{net.structure}\n{found}"
        assert (found[allowed] > 0).all(), f"{net.structure}\n{found}"
        assert not blocks.transpose(0, 2, 1, 3)[~allowed].any(), net.structure


def test_how_many_inputs_and_outputs_each_structure_has():
    shapes = {net.structure: (net.S, net.T) for net in every_network(0, 5, S=3)}
    assert shapes == {
        "one to one": (5, 5),
        "many to one": (3, 1),
        "one to many": (1, 5),
        "time-synchronous": (5, 5),
        "time-synchronous, both directions": (5, 5),
        "encoder-decoder": (3, 5),
    }
    assert tuple(shapes) == STRUCTURES
    assert network("many to one", 5).S == network("encoder-decoder", 5).S == 5


@settings(max_examples=25)
@given(seeds, st.integers(1, 3), sizes, sizes)
def test_all_that_an_encoder_decoder_knows_goes_through_its_width(seed, width, S, T):
    net = network("encoder-decoder", T, S=S, width=width, D=3, A=3, seed=seed)
    whole = jacobian(net, point(net, seed)).reshape(T * 3, S * 3)
    values = np.linalg.svd(whole, compute_uv=False)
    assert (values[width:] <= 1e-12 * values[0]).all(), values


def test_a_wider_one_lets_more_through():
    ranks = []
    for width in (1, 2, 4, 8):
        net = network("encoder-decoder", 6, width=width, D=2, A=2)
        ranks.append(np.linalg.matrix_rank(jacobian(net, point(net)).reshape(12, 12), rtol=1e-9))
    assert ranks == [1, 2, 4, 8]


# -- the Jacobian


@pytest.mark.parametrize("seed", range(3))
def test_complex_steps_give_what_finite_differences_give(seed):
    for net in every_network(seed, 4, S=3):
        x = point(net, seed)
        found = jacobian(net, x)
        for t, a in np.ndindex(found.shape[:2]):
            expected = numerical_gradient(lambda moved, net=net, t=t, a=a: net(moved)[t, a], x)
            np.testing.assert_allclose(found[t, a], expected, rtol=0, atol=1e-10, err_msg=net.structure)


@given(seeds)
def test_complex_steps_give_what_torch_gives(seed):
    rng = np.random.default_rng(seed)
    T, S, D, A = rng.integers(1, 5, 4)
    over_time, over_size, x = rng.normal(size=(T, S)), rng.normal(size=(D, A)), rng.normal(size=(S, D))

    def ours(x):
        return np.tanh(over_time @ x @ over_size) ** 2 + np.exp(0.1 * (x @ over_size).sum())

    def theirs(x):
        left, right = torch.tensor(over_time), torch.tensor(over_size)
        return torch.tanh(left @ x @ right) ** 2 + torch.exp(0.1 * (x @ right).sum())

    expected = torch.autograd.functional.jacobian(theirs, torch.tensor(x)).numpy()
    np.testing.assert_allclose(jacobian(ours, x), expected, rtol=1e-12, atol=1e-12)


def test_of_a_linear_map_it_is_the_map_to_the_last_bit():
    W = np.random.default_rng(0).normal(size=(4, 3))
    found = jacobian(lambda x: W @ x, np.zeros((3, 1)))[:, 0, :, 0]
    np.testing.assert_allclose(found, W, rtol=1e-15)


def test_dependence_is_the_spectral_norm_of_each_block():
    net = network("time-synchronous", 4, D=3, A=2)
    x = point(net)
    blocks, found = jacobian(net, x), dependence(net, x)
    for t, s in np.ndindex(found.shape):
        assert found[t, s] == pytest.approx(np.linalg.svd(blocks[t, :, s])[1][0], abs=1e-14)


def test_inputs_are_not_changed():
    net = network("time-synchronous")
    x = point(net)
    copy = x.copy()
    jacobian(net, x)
    np.testing.assert_array_equal(x, copy)


# -- what a network gives


@given(seeds)
def test_outputs_are_real_for_real_inputs_and_complex_for_complex_ones(seed):
    for net in every_network(seed, 3, S=2):
        x = point(net, seed)
        y = net(x)
        assert y.shape == (net.T, 2)
        assert y.dtype == np.float64
        np.testing.assert_allclose(net(x.astype(complex)), y, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(y, net(x.tolist()))


def test_the_seed_is_all_that_the_weights_depend_on():
    for one, same, other in zip(*(every_network(seed, 3) for seed in (1, 1, 2)), strict=True):
        x = point(one)
        np.testing.assert_array_equal(one(x), same(x))
        assert np.abs(one(x) - other(x)).max() > 1e-3


@pytest.mark.parametrize("feed", FEEDS)
def test_a_longer_output_begins_like_a_shorter_one(feed):
    for structure in ("one to many", "encoder-decoder"):
        long, short = (network(structure, T, S=1, feed=feed) for T in (6, 3))
        np.testing.assert_allclose(long(point(long))[:3], short(point(short)), rtol=1e-14)


def test_the_three_ways_to_feed_agree_at_the_first_step_and_nowhere_else():
    outputs = [network("one to many", 4, feed=feed)([[1.0, -1.0]]) for feed in FEEDS]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        np.testing.assert_array_equal(outputs[a][0], outputs[b][0])
        assert (np.abs(outputs[a][1:] - outputs[b][1:]).max(axis=1) > 1e-3).all()


def test_one_to_one_maps_equal_inputs_to_equal_outputs_wherever_they_stand():
    net = network("one to one", 4)
    x = point(net)
    np.testing.assert_array_equal(net(x[::-1]), net(x)[::-1])


def test_the_second_direction_sees_nothing_but_what_comes_later():
    """Without its forward part, which is the network of one direction, the Jacobian is upper triangular."""
    one, both = (network(name, 5) for name in STRUCTURES[3:5])
    x = point(one)
    rest = np.abs(jacobian(both, x) - jacobian(one, x)).max(axis=(1, 3))
    assert (np.tril(rest, -1) < 1e-15).all()
    assert (rest[np.triu_indices(5)] > 1e-6).all()


# -- what is refused


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"structure": "many to many"}, "structure is 'many to many'; choose one of one to one, many to one"),
        ({"feed": "twice"}, "feed is 'twice'; choose one of at every step, at the start, autoregressive"),
        *(({name: 0}, f"{name} is 0; it is a number of things, at least 1") for name in ("T", "S", "width", "D", "A")),
        ({"T": 2.5}, "T is 2.5; it is a number of things, at least 1"),
    ],
)
def test_what_cannot_be_built_is_refused_with_words(arguments, says):
    with pytest.raises(ValueError, match=says):
        network(**{"structure": "encoder-decoder"} | arguments)


@pytest.mark.parametrize("shape", [(3,), (4, 2), (5, 3), (1, 5, 2)])
def test_inputs_of_another_shape_are_refused(shape):
    net = network("time-synchronous", 5)
    assert isinstance(net, Network)
    with pytest.raises(ValueError, match=r"x has shape .*; this network takes \(5, 2\)"):
        net(np.zeros(shape))
