"""Section 4.4: does the check see what is wrong with a gradient, and say so?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.gradient_check import CLOSE, EXACT, GradientCheck, gradient_check, numerical_gradient

W, B = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, -1.0]]), np.array([0.3, -0.7])


def loss(W, b):
    return (np.tanh(W).sum(axis=1) * b).sum() + (b**2).sum()


GRADIENTS = {"W": (1 - np.tanh(W) ** 2) * B[:, None], "b": np.tanh(W).sum(axis=1) + 2 * B}


def checked(**changed):
    found = gradient_check(loss, {"W": W, "b": B}, GRADIENTS | changed)
    return found, {row.name: row for row in found.rows}


# -- differences


@given(st.integers(0, 2**32 - 1))
def test_a_polynomial_of_fourth_degree_has_no_error_but_rounding(seed):
    rng = np.random.default_rng(seed)
    at, coefficients = rng.uniform(-1, 1, (2, 3)), rng.uniform(-1, 1, 5)
    slope = sum(n * coefficients[n] * at ** (n - 1) for n in range(1, 5))
    found = numerical_gradient(lambda x: sum(c * x**n for n, c in enumerate(coefficients)).sum(), at)
    np.testing.assert_allclose(found, slope, rtol=0, atol=1e-10)
    coarse = numerical_gradient(lambda x: sum(c * x**n for n, c in enumerate(coefficients)).sum(), at, step=0.5)
    np.testing.assert_allclose(coarse, slope, rtol=0, atol=1e-10)


def test_the_error_is_of_fourth_order():
    errors = [abs(numerical_gradient(np.sin, 1.0, step) - np.cos(1.0)) for step in (0.2, 0.1)]
    assert 15 < errors[0] / errors[1] < 17


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3), (2, 1, 2)])
def test_it_has_the_shape_of_what_is_moved_and_leaves_it_alone(shape):
    at = np.full(shape, 2.0)
    found = numerical_gradient(lambda x: float((x**2).sum()), at)
    assert found.shape == shape
    np.testing.assert_allclose(found, 4, rtol=1e-9)
    assert (at == 2).all()


def test_whole_numbers_are_moved_as_floats():
    assert numerical_gradient(lambda x: float((x**2).sum()), [1, 2]) == pytest.approx([2, 4], rel=1e-9)


# -- verdicts


def test_a_right_gradient_is_exact():
    found, rows = checked()
    assert found.passed
    assert [row.name for row in found.rows] == ["W", "b"]
    assert {row.verdict for row in rows.values()} == {"exact"}
    assert all(row.difference < EXACT for row in rows.values())


@pytest.mark.parametrize(
    ("off", "verdict"), [(1e-11, "exact"), (1e-7, "close"), (5e-5, "close"), (1e-3, "wrong"), (np.nan, "wrong")]
)
def test_how_far_it_is_off_decides(off, verdict):
    wrong = GRADIENTS["W"].copy()
    wrong[1, 2] += off
    found, rows = checked(W=wrong)
    row = rows["W"]
    assert row.verdict == verdict
    assert rows["b"].verdict == "exact"
    assert found.passed == (verdict != "wrong")
    if verdict == "close" or off == 1e-3:
        assert row.where == (1, 2)
        assert row.difference == pytest.approx(off, abs=1e-9)
        assert row.yours == wrong[1, 2]
        assert row.expected == pytest.approx(GRADIENTS["W"][1, 2], abs=1e-9)


def test_not_a_number_is_the_worst_of_all_and_is_pointed_at():
    wrong = GRADIENTS["W"] + 100
    wrong[0, 1] = np.nan
    row = checked(W=wrong)[1]["W"]
    assert row.verdict == "wrong"
    assert row.where == (0, 1)
    assert np.isnan(row.yours)
    assert row.difference == np.inf


def test_the_difference_is_relative_to_the_largest_entry():
    for size, verdict in ((1e4, "exact"), (1.0, "close"), (1e-4, "wrong")):
        slopes = np.array([size, 0.0])
        found = gradient_check(
            lambda x, s=slopes: float(s @ x), {"x": np.zeros(2)}, {"x": slopes + np.array([0, 2e-6])}
        )
        assert found.rows[0].verdict == verdict, size
    assert CLOSE > EXACT


@pytest.mark.parametrize("left_out", ["no entry", None])
def test_a_missing_gradient_is_told(left_out):
    given = {"b": GRADIENTS["b"]} | ({} if left_out else {"W": None})
    found = gradient_check(loss, {"W": W, "b": B}, given)
    assert [row.verdict for row in found.rows] == ["missing", "exact"]
    assert np.isnan(found.rows[0].difference)
    assert not found.passed


def test_a_gradient_on_its_side_is_told_with_both_shapes():
    found, rows = checked(W=GRADIENTS["W"].T)
    assert rows["W"].verdict == "wrong shape"
    assert (rows["W"].yours, rows["W"].expected) == ((3, 2), (2, 3))
    assert np.isnan(rows["W"].difference)
    assert not found.passed


def test_a_parameter_may_be_a_number_or_empty():
    found = gradient_check(lambda a, b: a**2 + b.sum(), {"a": 3.0, "b": np.zeros(0)}, {"a": 6.0, "b": []})
    assert [row.verdict for row in found.rows] == ["exact", "exact"]
    assert gradient_check(lambda a: a**2, {"a": 3.0}, {"a": 7.0}).rows[0].where == ()


def test_parameters_and_gradients_are_not_changed():
    copies = W.copy(), B.copy(), GRADIENTS["W"].copy()
    checked()
    for value, copy in zip((W, B, GRADIENTS["W"]), copies, strict=True):
        np.testing.assert_array_equal(value, copy)


# -- the table


def test_the_table_has_a_line_for_each_parameter_and_says_where():
    wrong = GRADIENTS["W"].copy()
    wrong[1, 2] += 0.25
    lines = repr(checked(W=wrong)[0]).splitlines()
    assert lines[0].split("  ")[0] == "parameter"
    assert lines[1].split() == [
        "W", "wrong", "2.5e-01", "[1,", "2]", f"{wrong[1, 2]:.6g}", f"{GRADIENTS['W'][1, 2]:.6g}"
    ]  # fmt: skip
    assert lines[2].split() == ["b", "exact", "below", "1e-09"]


def test_the_table_says_missing_and_both_shapes():
    found = gradient_check(loss, {"W": W, "b": B}, {"W": GRADIENTS["W"].T})
    first, second = repr(found).splitlines()[1:]
    assert first.split("  ")[0] == "W"
    assert "wrong shape" in first
    assert first.index("(3, 2)") < first.index("(2, 3)")
    assert second == "b          missing"


def test_an_exact_row_looks_the_same_on_every_machine():
    assert repr(checked()[0]) == repr(checked(b=GRADIENTS["b"] + 1e-12)[0])
    assert " ".join(repr(GradientCheck(())).split()) == "parameter verdict largest difference where yours expected"
