"""Section 11.8: is every network trained honestly, and is what was measured ahead what is said of it?"""

from functools import partial

import numpy as np
import pytest

from course_utils import measured
from course_utils.gradient_check import numerical_gradient
from course_utils.last_step import (
    KINDS,
    NETWORKS,
    adding,
    answers,
    last_state,
    loss_and_gradients,
    named,
    squared,
    start,
    train,
)
from course_utils.measured import __main__ as measuring


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", [named, squared])
def test_every_gradient_is_that_of_moving_the_number(kind, loss):
    rng = np.random.default_rng(0)
    A = 3 if loss is named else 1
    parameters = start(kind, rng, 2, A, H=4)
    x, wanted = rng.normal(size=(5, 3, 2)), rng.integers(3, size=3) if loss is named else rng.normal(size=3)
    _, found = loss_and_gradients(kind, parameters, x, wanted, loss)
    assert set(found) == set(parameters)
    for name, value in parameters.items():

        def moved(v, name=name):
            return loss_and_gradients(kind, {**parameters, name: v}, x, wanted, loss)[0]

        np.testing.assert_allclose(found[name], numerical_gradient(moved, value), atol=1e-7, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_derivatives_of_all_states_are_those_of_the_last_one(kind):
    """Moving a state of the middle by hand: run the first half, move, run the second."""
    rng = np.random.default_rng(1)
    parameters = start(kind, rng, 2, 1, H=3)
    x, d = rng.normal(size=(6, 2, 2)), rng.normal(size=(2, 3))
    _, d_states = last_state(kind, parameters, x).back(d)
    assert d_states.shape == (7, 2, 3)
    np.testing.assert_array_equal(d_states[-1], d)
    assert np.abs(d_states[0]).max() > 0


def test_the_adding_problem_marks_one_number_of_each_half():
    x, wanted = adding(20, np.random.default_rng(0), 500)
    marks = x[..., 1]
    assert (marks.sum(axis=0) == 2).all()
    assert (marks[:10].sum(axis=0) == 1).all()
    np.testing.assert_allclose(wanted, (x[..., 0] * marks).sum(axis=0))
    assert np.mean((wanted - 1) ** 2) == pytest.approx(1 / 6, rel=0.1)
    with pytest.raises(ValueError, match="T is 1"):
        adding(1, np.random.default_rng(0))


def test_losses_are_those_of_the_field():
    outputs = np.array([[0.5], [2.0]])
    value, d = squared(outputs, np.array([0.0, 1.0]))
    assert value == pytest.approx((0.25 + 1) / 2)
    np.testing.assert_allclose(d, [[0.5], [1.0]])
    value, d = named(np.zeros((2, 4)), np.array([0, 3]))
    assert value == pytest.approx(np.log(4))
    np.testing.assert_allclose(d.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_to_add_over_a_few_steps(name):
    learnt = train(name, partial(adding, 4), squared, (2, 1), 400)
    x, wanted = adding(4, np.random.default_rng(5), 500)
    assert squared(answers(NETWORKS[name][0], learnt, x), wanted)[0] < 0.05


def test_gates_that_keep_begin_with_their_bias():
    lstm, gru = (start(kind, np.random.default_rng(0), 2, 1, H=3, open_gates=4.0) for kind in ("LSTM", "GRU"))
    assert lstm["b"].reshape(4, 3)[1].tolist() == [4, 4, 4]
    assert gru["b_x"].reshape(3, 3)[1].tolist() == [4, 4, 4]
    with pytest.raises(ValueError, match="kind is 'transformer'"):
        start("transformer", np.random.default_rng(0), 2, 1)


# -- measured ahead


def test_what_was_measured_is_of_these_networks():
    copying, sums, pixels = (measured.load(name) for name in ("copying", "sums", "pixels"))
    assert list(copying["accuracy"]) == list(sums["error"]) == list(pixels["accuracy"]) == list(NETWORKS)
    assert tuple(copying["lags"]) == measuring.COPY_LAGS
    assert tuple(sums["steps"]) == measuring.ADDING_STEPS
    assert copying["iterations"] == measuring.COPY_ITERATIONS
    assert sums["iterations"] == measuring.ADDING_ITERATIONS
    assert pixels["iterations"] == measuring.PIXEL_ITERATIONS
    assert all(np.shape(a) == (len(measuring.COPY_LAGS), 3) for a in copying["accuracy"].values())
    assert all(np.shape(a) == (len(measuring.ADDING_STEPS), 2) for a in sums["error"].values())


def test_what_is_measured_now_is_what_was_measured():
    found = measured.load("sums")
    learnt = train("GRU, bias 1", partial(adding, 10), squared, (2, 1), found["iterations"], 1)
    x, wanted = adding(10, np.random.default_rng(10_001), 500)
    error = squared(answers("GRU", learnt, x), wanted)[0]
    assert np.log10(error) == pytest.approx(np.log10(found["error"]["GRU, bias 1"][0][1]), abs=0.5)
