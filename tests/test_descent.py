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


def in_torch(start, iterations, rate, longest):
    """Run torch's Adam on the same gradients, shortened in the same way."""
    leaves = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()}
    optimiser, losses = torch.optim.Adam(leaves.values(), lr=rate), []
    for n in range(iterations):
        loss, gradients = bowl({name: leaf.detach().numpy() for name, leaf in leaves.items()}, n)
        losses.append(loss)
        length = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        scale = 1 if longest is None else min(1, longest / length)
        for name, leaf in leaves.items():
            leaf.grad = torch.tensor(scale * gradients[name])
        optimiser.step()
    return {name: leaf.detach().numpy() for name, leaf in leaves.items()}, losses


@settings(max_examples=25)
@given(seeds, st.integers(1, 40), st.sampled_from([0.1, 0.003]), st.sampled_from([None, 0.5, 1e6]))
def test_it_walks_where_torchs_adam_walks(seed, iterations, rate, longest):
    rng = np.random.default_rng(seed)
    start = {"a": rng.normal(size=(2, 3)), "b": 10 * rng.normal(size=4)}
    found, losses = adam(bowl, start, iterations, rate, longest=longest)
    expected, their_losses = in_torch(start, iterations, rate, longest)
    np.testing.assert_allclose(losses, their_losses, rtol=1e-10)
    for name in start:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-10, err_msg=name)


def test_it_goes_to_the_bottom():
    found, losses = adam(lambda p, n: (float(((p["a"] - 3) ** 2).sum()), {"a": 2 * (p["a"] - 3)}), {"a": [0, 9]}, 2000)
    np.testing.assert_allclose(found["a"], 3, atol=1e-3)
    assert losses.shape == (2000,)
    assert losses[0] == 9 + 36
    assert losses[-1] < 1e-5


def test_the_first_step_has_the_length_of_the_rate_in_each_entry():
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

    found, _ = adam(loss_and_gradients, start, 3, longest=5.0, frozen=("b",))
    assert found["b"].tolist() == [1, 1]
    np.testing.assert_array_equal(seen, np.ones((3, 2)))
    free, _ = adam(lambda p, n: (1.0, {"a": gradients["a"]}), {"a": np.zeros(2)}, 3)
    np.testing.assert_array_equal(found["a"], free["a"])  # length 5 is not longer than 5


def test_gradients_that_are_too_long_together_are_scaled_down_together():
    """After a first step that was cut to length 1, the second one shows how much of the first was remembered."""
    start = {"a": np.zeros(1), "b": np.zeros(1)}
    given = [{"a": [30.0], "b": [40.0]}, {"a": [0.1], "b": [0.1]}]
    cut = [{"a": [0.6], "b": [0.8]}, {"a": [0.1], "b": [0.1]}]
    found, _ = adam(lambda p, n: (0.0, given[n]), start, 2, longest=1.0)
    expected, _ = adam(lambda p, n: (0.0, cut[n]), start, 2)
    for name in start:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)


def test_gradients_of_zero_and_no_iterations_leave_all_as_it_is():
    found, losses = adam(lambda p, n: (0.0, {"a": np.zeros(2)}), {"a": np.ones(2)}, 3, longest=1.0)
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
        FloatingPointError, match=f"the loss is {loss} at iteration 2; try a smaller rate, or longest=1"
    ):
        adam(until_the_third, {"a": np.ones(2)}, 5)
