"""Is Adam the one of its paper, as torch has it?"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.descent import adam

seeds = st.integers(0, 2**32 - 1)


def bowl(parameters, n):
    """A loss that is steep in some directions and flat in others, with a batch of its own at every iteration."""
    a, b = parameters["a"], parameters["b"]
    shift = np.random.default_rng(n).normal(size=a.shape)
    loss = ((a - shift) ** 2).sum() + 1e-3 * (b**4).sum()
    return float(loss), {"a": 2 * (a - shift), "b": 4e-3 * b**3}


def in_torch(start, iterations, learning_rate, clip_norm):
    """Run torch's Adam on the same gradients, shortened in the same way."""
    leaves = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()}
    optimiser, losses = torch.optim.Adam(leaves.values(), lr=learning_rate), []
    for n in range(iterations):
        loss, gradients = bowl({name: leaf.detach().numpy() for name, leaf in leaves.items()}, n)
        losses.append(loss)
        length = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        scale = 1 if clip_norm is None else min(1, clip_norm / length)
        for name, leaf in leaves.items():
            leaf.grad = torch.tensor(scale * gradients[name])
        optimiser.step()
    return {name: leaf.detach().numpy() for name, leaf in leaves.items()}, losses


@pytest.mark.slow
@settings(max_examples=25)
@given(seeds, st.integers(1, 40), st.sampled_from([0.1, 0.003]), st.sampled_from([None, 0.5, 1e6]))
def test_it_walks_where_torchs_adam_walks(seed, iterations, learning_rate, clip_norm):
    rng = np.random.default_rng(seed)
    start = {"a": rng.normal(size=(2, 3)), "b": 10 * rng.normal(size=4)}
    found, losses = adam(bowl, start, iterations, learning_rate, clip_norm=clip_norm)
    expected, their_losses = in_torch(start, iterations, learning_rate, clip_norm)
    np.testing.assert_allclose(losses, their_losses, rtol=1e-10)
    for name in start:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-10, err_msg=name)


def test_it_goes_to_the_bottom():
    found, losses = adam(lambda p, n: (float(((p["a"] - 3) ** 2).sum()), {"a": 2 * (p["a"] - 3)}), {"a": [0, 9]}, 2000)
    np.testing.assert_allclose(found["a"], 3, atol=1e-3)
    assert losses.shape == (2000,)
    assert losses[0] == 9 + 36
    assert losses[-1] < 1e-5


def test_the_first_step_has_the_length_of_the_learning_rate_in_each_entry():
    found, _ = adam(lambda p, n: (0.0, {"a": np.array([1e-3, -1e3])}), {"a": np.zeros(2)}, 1, 0.5)
    np.testing.assert_allclose(found["a"], [-0.5, 0.5], rtol=1e-4)


def test_where_it_begins_is_not_changed_and_what_the_caller_keeps_neither():
    start, kept = {"a": np.ones(2), "b": np.ones(2)}, []

    def loss_and_gradients(parameters, n):
        kept.append((parameters, {name: value.copy() for name, value in parameters.items()}))
        return bowl(parameters, n)

    adam(loss_and_gradients, start, 5)
    assert start["a"].tolist() == start["b"].tolist() == [1, 1]
    for parameters, copies in kept:
        for name, copy in copies.items():
            np.testing.assert_array_equal(parameters[name], copy)


def test_what_is_frozen_stays_and_does_not_count_for_the_length():
    start = {"a": np.zeros(2), "b": np.ones(2)}
    gradients = {"a": np.array([3.0, 4.0]), "b": np.full(2, 1e9)}
    seen = []

    def loss_and_gradients(parameters, n):
        seen.append(parameters["b"].copy())
        return 1.0, gradients

    found, _ = adam(loss_and_gradients, start, 3, clip_norm=5.0, frozen=("b",))
    assert found["b"].tolist() == [1, 1]
    np.testing.assert_array_equal(seen, np.ones((3, 2)))
    free, _ = adam(lambda p, n: (1.0, {"a": gradients["a"]}), {"a": np.zeros(2)}, 3)
    np.testing.assert_array_equal(found["a"], free["a"])  # length 5 is not longer than 5


def test_gradients_that_are_too_long_together_are_scaled_down_together():
    """After a first step that was cut to length 1, the second one shows how much of the first was remembered."""
    start = {"a": np.zeros(1), "b": np.zeros(1)}
    given = [{"a": [30.0], "b": [40.0]}, {"a": [0.1], "b": [0.1]}]
    cut = [{"a": [0.6], "b": [0.8]}, {"a": [0.1], "b": [0.1]}]
    found, _ = adam(lambda p, n: (0.0, given[n]), start, 2, clip_norm=1.0)
    expected, _ = adam(lambda p, n: (0.0, cut[n]), start, 2)
    for name in start:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)


def test_gradients_of_zero_and_no_iterations_leave_all_as_it_is():
    found, losses = adam(lambda p, n: (0.0, {"a": np.zeros(2)}), {"a": np.ones(2)}, 3, clip_norm=1.0)
    assert found["a"].tolist() == [1, 1]
    assert losses.tolist() == [0, 0, 0]
    found, losses = adam(bowl, {"a": np.ones(2), "b": np.ones(2)}, 0)
    assert found["a"].tolist() == [1, 1]
    assert losses.shape == (0,)


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_stops_it_with_advice(loss):
    def until_the_third(parameters, n):
        return (1.0 if n < 2 else loss), {"a": np.ones(2)}

    with pytest.raises(
        FloatingPointError, match=f"the loss is {loss} at iteration 2; try a smaller learning_rate, or clip_norm=1"
    ):
        adam(until_the_third, {"a": np.ones(2)}, 5)


@pytest.mark.parametrize("gradient", [np.nan, np.inf])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_gradient_that_is_not_finite_stops_it_even_at_the_last_step(gradient, clip_norm):
    with pytest.raises(
        FloatingPointError, match="the gradient of a is not finite at iteration 0; try a smaller learning_rate"
    ):
        adam(lambda p, n: (1.0, {"a": np.array([1.0, gradient])}), {"a": np.ones(2)}, 1, clip_norm=clip_norm)


# -- what is refused

MALFORMED = {
    "learning rate of NaN": (
        {"learning_rate": float("nan")},
        "learning_rate is nan; it is the length of a step, a finite number above 0",
    ),
    "no learning rate": ({"learning_rate": 0}, "learning_rate is 0; it is the length of a step"),
    "uphill": ({"learning_rate": -0.1}, "learning_rate is -0.1; it is the length of a step"),
    "infinite learning rate": ({"learning_rate": float("inf")}, "learning_rate is inf; it is the length of a step"),
    "learning rate as text": ({"learning_rate": "0.1"}, "learning_rate is '0.1'; it is the length of a step"),
    "negative length": (
        {"clip_norm": -1.0},
        "clip_norm is -1.0; it is a length of gradients, a finite number above 0, or",
    ),
    "no length": ({"clip_norm": 0}, "clip_norm is 0; it is a length of gradients"),
    "length of NaN": ({"clip_norm": float("nan")}, "clip_norm is nan; it is a length of gradients"),
    "length as text": ({"clip_norm": "1"}, "clip_norm is '1'; it is a length of gradients"),
    "iterations below 0": ({"iterations": -1}, "iterations is -1; it is a number of steps, 0 or more, as an integer"),
    "half an iteration": ({"iterations": 1.5}, "iterations is 1.5; it is a number of steps, 0 or more"),
    "iterations of NaN": ({"iterations": float("nan")}, "iterations is nan; it is a number of steps, 0 or more"),
    "iterations as text": ({"iterations": "3"}, "iterations is '3'; it is a number of steps"),
    "frozen by one name": ({"frozen": "a"}, "frozen is 'a'; it holds some of the names a, b, such as"),
    "frozen by none": ({"frozen": ("c",)}, r"frozen is \('c',\); it holds some of the names a, b"),
    "text": ({"parameters": {"a": "one", "b": 0}}, "parameter a is not an array of numbers"),
}


@pytest.mark.parametrize(("changed", "says"), MALFORMED.values(), ids=MALFORMED)
def test_arguments_out_of_range_are_refused(changed, says):
    with pytest.raises(ValueError, match=says):
        adam(
            **{"loss_and_gradients": bowl, "parameters": {"a": np.ones(2), "b": np.ones(2)}, "iterations": 2} | changed
        )


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_gradient_of_another_shape_than_its_parameter_is_refused(clip_norm):
    with pytest.raises(ValueError, match=r"the gradient of a has shape \(3, 1\); a itself has \(3,\)"):
        adam(lambda p, n: (1.0, {"a": np.ones((3, 1))}), {"a": np.ones(3)}, 1, clip_norm=clip_norm)
    with pytest.raises(ValueError, match=r"the gradient of a has shape \(\); a itself has \(3,\)"):
        adam(lambda p, n: (1.0, {"a": 1.0}), {"a": np.ones(3)}, 1, clip_norm=clip_norm)


def test_a_gradient_that_is_missing_is_named():
    with pytest.raises(ValueError, match="there is no gradient for b at iteration 0; give one, or freeze b"):
        adam(lambda p, n: (1.0, {"a": p["a"]}), {"a": np.ones(2), "b": np.ones(2)}, 1)


def test_a_loss_for_each_example_is_refused():
    with pytest.raises(ValueError, match=r"the loss has shape \(2,\); it must be one number, such as a sum or a mean"):
        adam(lambda p, n: (p["a"] ** 2, {"a": p["a"]}), {"a": np.ones(2)}, 1)


def test_gradients_that_fade_away_are_no_floating_point_error():
    with np.errstate(all="raise"):
        found, _ = adam(lambda p, n: (1.0, {"a": np.array([1e-200, 1e-320])}), {"a": np.ones(2)}, 3, clip_norm=1.0)
    np.testing.assert_allclose(found["a"], 1)
