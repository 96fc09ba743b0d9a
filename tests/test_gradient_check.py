"""Section 4.4: does the check see what is wrong with a gradient, and say so?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.gradient_check import (
    CORNER,
    EXACT,
    REACH,
    SLOPES,
    GradientCheck,
    gradient_check,
    numerical_gradient,
)

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
    np.testing.assert_allclose(found, slope, rtol=0, atol=1e-11)


def test_the_error_is_of_fourth_order_and_twice_the_step_tells_how_large():
    def errors(step):
        slopes = SLOPES @ np.sin(1.0 + REACH * step) / step
        return np.abs(slopes - np.cos(1.0))

    assert 15 < errors(0.2)[0] / errors(0.1)[0] < 17
    assert errors(0.1)[1] == pytest.approx(errors(0.2)[0], rel=1e-9)


def test_a_jump_of_the_slope_is_seen_through_any_smooth_loss():
    jumping = lambda x: np.sin(x) + x**5 + 0.3 * np.abs(x)  # noqa: E731
    assert CORNER @ jumping(REACH * 1e-3) / 1e-3 == pytest.approx(0.6, abs=1e-9)
    assert CORNER @ np.cos(1 + REACH * 1e-3) / 1e-3 == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3), (2, 1, 2)])
def test_it_has_the_shape_of_what_is_moved_and_leaves_it_alone(shape):
    at = np.full(shape, 2.0)
    found = numerical_gradient(lambda x: float((x**2).sum()), at)
    assert found.shape == shape
    np.testing.assert_allclose(found, 4, rtol=1e-9)
    assert (at == 2).all()


def test_whole_numbers_are_moved_as_floats():
    assert numerical_gradient(lambda x: float((x**2).sum()), [1, 2]) == pytest.approx([2, 4], rel=1e-9)


def test_what_a_function_does_not_depend_on_has_a_slope_of_zero_to_the_last_bit():
    assert numerical_gradient(lambda x: 0.1 + 0.3 * x[0], [0.7, 0.7])[1] == 0
    assert numerical_gradient(lambda x: 0.1, [0.7]).tolist() == [0]


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e-8, 1e-4, 1.0, 1e6])
@pytest.mark.parametrize("log", [lambda x: np.log(x).sum(), lambda x: sum(math.log(v) for v in x)])
def test_the_step_goes_with_the_entry_and_stays_where_the_function_is_defined(scale, log):
    at = scale * np.array([1.0, 2.0, 5.0])
    np.testing.assert_allclose(numerical_gradient(log, at) * at, 1, rtol=1e-9)


@pytest.mark.parametrize("speed", [1.0, 1e3, 1e6])
def test_the_step_goes_with_the_function(speed):
    found = numerical_gradient(lambda x: np.sin(speed * x).sum(), [0.0, 1e-9, 1e-5])
    np.testing.assert_allclose(found / speed, np.cos(speed * np.array([0.0, 1e-9, 1e-5])), rtol=1e-9)


def test_on_the_edge_of_its_domain_a_function_has_no_slope():
    assert np.isnan(numerical_gradient(lambda x: np.sqrt(x).sum(), [0.0, 1.0])).tolist() == [True, False]


# -- verdicts


def test_a_right_gradient_is_exact():
    found, rows = checked()
    assert found.passed
    assert [row.name for row in found.rows] == ["W", "b"]
    assert {row.verdict for row in rows.values()} == {"exact"}
    assert all(row.difference < EXACT for row in rows.values())


@pytest.mark.parametrize(
    ("off", "verdict"),
    [(1e-11, "exact"), (1e-7, "close"), (2e-5, "close"), (1e-4, "wrong"), (1e-3, "wrong"), (np.nan, "wrong")],
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


def test_an_entry_is_held_against_its_own_size():
    """One per cent off is wrong, however large the other entries are: as long as rounding lets it be seen."""
    slopes = np.array([1e4, 1.0, 1e-4])
    for off, verdict in ((1.01, "wrong"), (1 + 1e-3, "wrong"), (1 + 3e-5, "close"), (1.0, "exact")):
        row = gradient_check(lambda x: float(slopes @ x), {"x": np.zeros(3)}, {"x": slopes * [1, 1, off]}).rows[0]
        assert row.verdict == verdict, off
        if verdict != "exact":
            assert row.where == (2,)
    beneath = slopes * [1, 1, 1e-10]
    assert gradient_check(lambda x: float(slopes @ x - x[2] * 1e-4), {"x": np.ones(3)}, {"x": beneath}).passed


def test_a_wrong_entry_is_pointed_at_even_where_a_right_one_differs_more():
    slopes = np.array([1e6, 1e-2])
    row = gradient_check(lambda x: float(slopes @ x), {"x": np.ones(2)}, {"x": slopes * [1 + 1e-6, 1.5]}).rows[0]
    assert (row.verdict, row.where) == ("wrong", (1,))
    assert row.difference == pytest.approx(5e-3, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-4, 1e-8, 1e-20])
def test_small_parameters_are_checked_as_well_as_large_ones(scale):
    at = scale * np.array([1.0, 2.0, 5.0])
    for off, verdict in ((1.0, "exact"), (1 + 1e-6, "close"), (1.01, "wrong")):
        row = gradient_check(lambda x: np.log(x).sum(), {"x": at}, {"x": off / at}).rows[0]
        assert row.verdict == verdict, off


def test_the_gradient_of_what_has_no_part_in_the_loss_is_exactly_zero():
    found = gradient_check(lambda a, b: np.sin(a).sum() + 0 * b.sum(), {"a": B, "b": W}, {"a": np.cos(B), "b": 0 * W})
    assert [row.verdict for row in found.rows] == ["exact", "exact"]
    found = gradient_check(
        lambda a, b: np.sin(a).sum() + 0 * b.sum(), {"a": B, "b": W}, {"a": np.cos(B), "b": 1 + 0 * W}
    )
    assert [row.verdict for row in found.rows] == ["exact", "wrong"]


def test_infinity_is_wrong():
    row = checked(b=[np.inf, 1])[1]["b"]
    assert (row.verdict, row.where, row.difference) == ("wrong", (0,), np.inf)


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


# -- where differences cannot tell

ONES = np.ones(3)
rng_of_a_loss = np.random.default_rng(0)


def in_float32(x):
    return np.sin(x.astype(np.float32)).sum(dtype=np.float32)


def in_float32_within(x):
    return float(np.sin(x.astype(np.float32)).astype(float).sum()) / 3


CANNOT_TELL = {
    "a constant hides it": (lambda x: 1e8 + 1e-3 * x.sum(), ONES, 0 * ONES, "subtract a constant"),
    "a constant hides a right one": (lambda x: 1e8 + 1e-3 * x.sum(), ONES, 1e-3 * ONES, "subtract a constant"),
    "a huge constant": (lambda x: 1e12 + (x**2).sum(), ONES, 0 * ONES, "subtract a constant"),
    "a huge constant, large x": (lambda x: 1e12 + (x**2).sum(), 4 * ONES, 0 * ONES, "rounding of a loss of 1e+12"),
    "a small gradient, 1 % off": (lambda x: 1e6 + 1e-3 * np.sin(x).sum(), ONES, 1.01e-3 * np.cos(ONES), "rounding"),
    "float32": (in_float32, ONES, np.cos(ONES), "computed in float32: use float64"),
    "float32, 1 % off": (in_float32, ONES, 1.01 * np.cos(ONES), "computed in float32: use float64"),
    "float32 within": (in_float32_within, ONES, np.cos(ONES) / 3, "computed in float32: use float64"),
    "large in float32": (lambda x: np.float32(1e4 + 1e-3 * x.sum()), ONES, 1e-3 * ONES, "leave the loss at 1e+04"),
    "rounded": (lambda x: round(float(np.sin(x).sum()), 4), ONES, np.cos(ONES), "do not round it"),
    "random": (lambda x: x.sum() + rng_of_a_loss.normal(), ONES, ONES, "fix its random numbers"),
    "a corner": (lambda x: np.maximum(x, 0).sum(), 0 * ONES, ONES, "a corner or a jump here"),
    "a corner, other slope": (lambda x: np.maximum(x, 0).sum(), 0 * ONES, 0 * ONES, "a corner or a jump here"),
    "an edge": (lambda x: np.sqrt(x).sum(), 0 * ONES, ONES, "not finite here or beside: check at another place"),
    "not finite": (lambda x: float("nan"), ONES, ONES, "not finite here or beside"),
    "a minimum": (lambda x: ((x - 1) ** 2).sum() + 0.1, ONES, 0 * ONES, "check elsewhere"),
    "nothing moves it": (lambda x: 0.0, ONES, 0 * ONES, "leave the loss at 0"),
}


@pytest.mark.parametrize(("loss", "at", "gradient", "why"), CANNOT_TELL.values(), ids=CANNOT_TELL)
def test_where_the_instrument_is_too_blunt_it_says_so_and_why(loss, at, gradient, why):
    found = gradient_check(loss, {"x": at}, {"x": gradient})
    assert found.rows[0].verdict == "cannot tell", found
    assert not found.passed
    assert why in found.rows[0].why
    assert repr(found).splitlines()[1].split()[:3] == ["x", "cannot", "tell"]
    assert repr(found).endswith(found.rows[0].why)


@pytest.mark.parametrize("seed", range(5))
def test_a_network_in_float32_is_never_blamed_on_its_gradient(seed):
    rng = np.random.default_rng(seed)
    x, weights, bias = (rng.normal(size=shape) for shape in ((5, 3), (4, 3), 4))

    def loss_32(W, b):
        return float(np.tanh(x.astype(np.float32) @ W.astype(np.float32).T + b.astype(np.float32)).astype(float).sum())

    slope = 1 - np.tanh(x @ weights.T + bias) ** 2
    gradients = {"W": slope.T @ x, "b": slope.sum(axis=0)}
    assert {r.verdict for r in gradient_check(loss_32, {"W": weights, "b": bias}, gradients).rows} == {"cannot tell"}
    twenty_times = {name: 20 * value for name, value in gradients.items()}
    assert {r.verdict for r in gradient_check(loss_32, {"W": weights, "b": bias}, twenty_times).rows} == {"wrong"}


def test_as_long_as_rounding_is_small_against_the_gradient_a_large_loss_is_no_excuse():
    """1e-3 is the step, 2e-10 what a loss of 1e6 is rounded to: a slope of 0.5 is known to six digits."""
    for off, verdict in ((1.0, "close"), (1.01, "wrong"), (1 + 5e-4, "wrong")):
        row = gradient_check(lambda x: 1e6 + np.sin(x).sum(), {"x": ONES}, {"x": off * np.cos(ONES)}).rows[0]
        assert row.verdict == verdict, off


def test_a_small_gradient_is_not_taken_for_right_because_another_one_is_large():
    at, gradients = {"a": ONES, "b": ONES}, {"a": np.cos(ONES), "b": 1.001e-3 * np.cos(ONES)}
    found = gradient_check(lambda a, b: 1e6 + np.sin(a).sum() + 1e-3 * np.sin(b).sum(), at, gradients)
    assert [row.verdict for row in found.rows] == ["close", "cannot tell"]


def test_what_is_evidently_wrong_is_wrong_whatever_hides_the_digits():
    row = gradient_check(lambda x: 1e12 + (x**2).sum(), {"x": 10 * ONES}, {"x": 1e4 * ONES}).rows[0]
    assert row.verdict == "wrong"


# -- losses and arguments that are not as they should be


def test_a_loss_that_writes_into_its_arguments_harms_neither_caller_nor_verdict():
    b = np.array([8.0, 8.0])

    def adding(W, b):
        b += 1
        return (W * b).sum()

    found = gradient_check(adding, {"W": np.ones((2, 2)), "b": b}, {"W": np.full((2, 2), 9.0), "b": np.full(2, 2.0)})
    assert [row.verdict for row in found.rows] == ["exact", "exact"]
    assert b.tolist() == [8, 8]

    def squaring(x):
        x *= x
        return x.sum()

    at = np.array([1.0, 2.0])
    np.testing.assert_allclose(numerical_gradient(squaring, at), [2, 4], rtol=1e-9)
    assert at.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (ONES, r"the loss returned an array of shape \(3,\); it must return one number, such as a sum or a mean"),
        (ONES[:1], r"the loss returned an array of shape \(1,\)"),
        (None, "the loss returned None; it must return one number"),
        ("0.5 nats", "the loss returned '0.5 nats'"),
        ([[1.0], [2.0, 3.0]], r"the loss returned \[\[1.0\], \[2.0, 3.0\]\]"),
        (1j, "the loss returned 1j"),
    ],
)
def test_a_loss_that_is_no_number_is_refused(returned, says):
    with pytest.raises(ValueError, match=says):
        gradient_check(lambda x: returned, {"x": ONES}, {"x": ONES})
    with pytest.raises(ValueError, match=says):
        numerical_gradient(lambda x: returned, ONES)


@pytest.mark.parametrize(
    ("parameters", "gradients", "says"),
    [
        (
            {"W": [[1], [2, 3]]},
            {"W": ONES},
            r"parameter W is \[\[1\], \[2, 3\]\]; give an array of numbers, all rows of one",
        ),
        ({"W": "three"}, {"W": ONES}, "parameter W is 'three'; give an array of numbers"),
        ({"W": [1, np.nan]}, {"W": ONES}, "parameter W has a number that is not finite"),
        ({"W": ONES}, {"W": [[1], [2, 3]]}, r"the gradient of W is \[\[1\], \[2, 3\]\]; give an array of numbers"),
        ({"W": ONES}, {"W": ["a", "b", "c"]}, r"the gradient of W is \['a', 'b', 'c'\]; give an array of numbers"),
        ([ONES], {"W": ONES}, r"parameters is \[array.*; give a dictionary with an array for each name"),
        ({"W": ONES}, None, "gradients is None; give a dictionary with an array for each name"),
        ({"W": ONES}, ONES, r"gradients is an array of shape \(3,\); give a dictionary"),
    ],
)
def test_what_is_no_array_by_name_is_refused(parameters, gradients, says):
    with pytest.raises(ValueError, match=says):
        gradient_check(lambda W: W.sum(), parameters, gradients)


def test_it_runs_where_every_floating_point_error_is_raised():
    with np.errstate(all="raise"):
        assert checked()[0].passed
        gradient_check(lambda x: np.sqrt(x).sum(), {"x": 0 * ONES}, {"x": ONES})
        assert gradient_check(lambda x: (1e-160 * x**2).sum(), {"x": ONES}, {"x": 2e-160 * ONES}).passed
        assert gradient_check(lambda x: (1e-305 * x**2).sum(), {"x": ONES}, {"x": 2e-305 * ONES}).passed


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
