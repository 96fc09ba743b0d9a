"""Section 11.5: do the machines that are set by hand do what they are to do, and for how long?"""

from itertools import product

import numpy as np
import pytest

from course_utils.gated_machines import accepts, counter, half_life, hold, latch, longest_accepted, read
from course_utils.lstm import forward


@pytest.mark.parametrize("strength", [5, 10, 20, 60])
def test_the_counter_is_right_about_every_short_word(strength):
    for n in range(9):
        for letters in product("ab", repeat=n):
            word = "".join(letters)
            right = n > 0 and word == "a" * (n // 2) + "b" * (n // 2)
            assert accepts(read(word, strength)) == right, word


@pytest.mark.parametrize(
    ("word", "right"),
    [("a" * 1000 + "b" * 1000, True), ("a" * 1000 + "b" * 999, False), ("a" * 999 + "b" * 1000, False),
     ("a" * 500 + "b" * 499 + "ab", False), ("a" * 500 + "b" * 501 + "ab", False)],
)  # fmt: skip
def test_the_counter_counts_to_a_thousand_if_it_is_strong(word, right):
    assert accepts(read(word, 40)) == right


def test_how_far_a_counter_can_be_trusted_grows_with_its_strength():
    found = [longest_accepted(s, 600) for s in (4, 6, 8, 10)]
    assert found == sorted(found)
    assert found[0] > 3
    assert 1.5 < np.log(found[3] / found[1]) / 4 * 2 < 2.5 or found[3] / found[1] == pytest.approx(np.exp(2), rel=0.35)
    assert longest_accepted(40, 300) == 300
    for strength in (6, 8):
        n = longest_accepted(strength, 600)
        assert accepts(read("a" * n + "b" * n, strength))
        longer = {m: accepts(read("a" * (n + 1) + "b" * m, strength)) for m in (n, n + 1, n + 2)}
        assert longer != {n: False, n + 1: True, n + 2: False}


def test_a_latch_is_set_reset_and_otherwise_stays():
    x = np.zeros((9, 2))
    x[1, 0] = x[4, 1] = x[6, 0] = 1
    cells = forward(latch(40), x).c[:, 0]
    np.testing.assert_allclose(cells, [0, 1, 1, 1, 0, 0, 1, 1, 1], atol=1e-8)


def test_a_weak_latch_forgets_a_zero_and_a_strong_one_holds_both_for_a_thousand_steps():
    assert hold(1, 20, 1000)[-1] == pytest.approx(1, abs=1e-5)
    assert hold(0, 20, 1000)[-1] == pytest.approx(0, abs=1e-5)
    weak = hold(0, 5, 1000)
    assert weak[-1] > 0.99
    assert np.argmax(weak > 0.5) == pytest.approx(half_life(5), abs=2)


@pytest.mark.parametrize(("bias", "steps"), [(0, 1.0), (1, 2.21), (2, 5.46), (5, 103.22)])
def test_half_lives(bias, steps):
    assert half_life(bias) == pytest.approx(steps, abs=0.006)
    assert (1 / (1 + np.exp(-bias))) ** half_life(bias) == pytest.approx(0.5)


def test_extreme_biases_have_half_lives_too():
    assert half_life(50) == pytest.approx(np.log(2) * np.exp(50), rel=1e-9)
    assert half_life(-50) == pytest.approx(np.log(2) / 50, rel=1e-9)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="other letters than a and b"):
        read("abc", 10)
    for make in (latch, counter):
        for strength in (0, -1, np.nan, "5"):
            with pytest.raises(ValueError, match="strength is"):
                make(strength)
    with pytest.raises(ValueError, match="forget_bias is"):
        half_life(np.inf)
