"""Section 3.3: do the networks whose weights are set by hand compute what they are meant to?"""

import numpy as np
import pytest

from course_utils.machines import add_binary, adder, delay, parity
from course_utils.rnn import run


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
