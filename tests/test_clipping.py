"""Section 10.8: what does clipping do to the length and to the direction of gradients?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.cliff import cliff, descend
from course_utils.clipping import clip_by_norm, clip_by_value


def random_gradients(seed):
    rng = np.random.default_rng(seed)
    return {"W": rng.normal(size=(3, 2)) * 10 ** rng.uniform(-3, 3), "b": rng.normal(size=3)}


def flat(gradients):
    return np.concatenate([np.ravel(g) for g in gradients.values()])


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_by_norm_all_of_them_together_are_shortened_and_never_turned_or_lengthened(seed, limit):
    import torch

    gradients = random_gradients(seed)
    found = clip_by_norm(gradients, limit)
    before, after = flat(gradients), flat(found.gradients)
    assert found.norm == pytest.approx(np.linalg.norm(before))
    assert np.linalg.norm(after) == pytest.approx(min(limit, found.norm))
    assert after @ before == pytest.approx(np.linalg.norm(after) * np.linalg.norm(before))
    theirs = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients.values()]
    for parameter, g in zip(theirs, gradients.values(), strict=True):
        parameter.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(theirs, limit)
    np.testing.assert_allclose(after, np.concatenate([p.grad.numpy().ravel() for p in theirs]), rtol=1e-5)


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_by_value_each_number_is_cut_and_the_angle_is_told(seed, limit):
    gradients = random_gradients(seed)
    found = clip_by_value(gradients, limit)
    before, after = flat(gradients), flat(found.gradients)
    np.testing.assert_array_equal(after, np.clip(before, -limit, limit))
    assert found.cosine == pytest.approx(before @ after / np.linalg.norm(before) / np.linalg.norm(after))


def test_zeros_stay_and_arguments_too():
    zeros = {"W": np.zeros(3)}
    for clip in (clip_by_norm, clip_by_value):
        found = clip(zeros, 1.0)
        assert found.norm == 0
        assert found.cosine == 1
        assert not found.gradients["W"].any()
    gradients = random_gradients(0)
    kept = {name: g.copy() for name, g in gradients.items()}
    clip_by_norm(gradients, 0.01), clip_by_value(gradients, 0.01)
    for name, g in gradients.items():
        np.testing.assert_array_equal(g, kept[name])


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
@pytest.mark.parametrize(("gradients", "limit"), [({"W": [1.0]}, 0), ({"W": [1.0]}, np.nan), ({"W": [np.inf]}, 1.0)])
def test_bad_arguments_are_refused(clip, gradients, limit):
    with pytest.raises(ValueError, match=r"limit is|is not finite"):
        clip(gradients, limit)


# -- the wall


def test_the_derivatives_of_the_error_are_those_of_moving_the_numbers():
    w, b, eps = np.array([2.0, 4.0, 5.0]), np.array([-1.0, -1.9, -2.7]), 1e-6
    found = cliff(w, b)
    by_b = (cliff(w, b + eps).error - cliff(w, b - eps).error) / (2 * eps)
    by_w = (cliff(w + eps, b).error - cliff(w - eps, b).error) / (2 * eps)
    np.testing.assert_allclose(found.by_b, by_b, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.by_w, by_w, rtol=1e-5, atol=1e-8)


def test_the_wall_stands_where_the_unit_stays_at_its_start():
    sigma = 1 / (1 + np.exp(-0.5))
    found = cliff(5.0, 0.5 - 5 * sigma)
    assert found.x == pytest.approx(0.5, abs=1e-9)
    slope = 5 * sigma * (1 - sigma)
    assert found.by_b / (2 * (0.5 - 0.7)) == pytest.approx((slope**50 - 1) / (slope - 1), rel=1e-6)
    assert found.by_b == pytest.approx(-7262, abs=1)
    for aside in (-1e-3, 1e-3):
        assert abs(cliff(5.0, 0.5 - 5 * sigma + aside).by_b) < 30


# -- descents


def test_a_descent_follows_its_gradients():
    found = descend(4.7, -2.2, 12, 0.02)
    assert found.points[0].tolist() == [4.7, -2.2]
    for n in range(12):
        here = cliff(*found.points[n])
        np.testing.assert_allclose(found.gradients[n], [here.by_w, here.by_b])
        assert found.errors[n] == pytest.approx(float(here.error))
        np.testing.assert_allclose(found.points[n + 1], found.points[n] - 0.02 * found.gradients[n])
    assert not found.clipped.any()


@pytest.mark.parametrize("by", ["norm", "value"])
def test_a_clipped_descent_never_steps_further_than_it_may(by):
    found = descend(4.7, -2.2, 40, 0.02, 5.0, by)
    if by == "norm":
        assert np.linalg.norm(found.applied, axis=1).max() <= 5 + 1e-9
        assert (found.clipped == (np.linalg.norm(found.gradients[:-1], axis=1) > 5)).all()
    else:
        assert np.abs(found.applied).max() <= 5
        assert (found.clipped == (np.abs(found.gradients[:-1]) > 5).any(axis=1)).all()
    assert 0 < found.clipped.sum() < 40
    np.testing.assert_allclose(np.diff(found.points, axis=0), -0.02 * found.applied)


def test_no_step_stays_where_it_is():
    found = descend(4.7, -2.2, 0, 0.02, 1.0)
    assert (len(found.points), found.applied.shape, found.clipped.shape) == (1, (0, 2), (0,))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((np.nan, 0, 1, 0.1), "w is"),
        ((1, 0, 1, 0), "learning_rate"),
        ((1, 0, -1, 0.1), "steps"),
        ((1, 0, 1, 0.1, 1.0, "size"), "by is"),
        ((1, 0, 1, 0.1, 0.0), "limit is"),
        ((5.0, -2.61, 400, 1e200), "not finite any more"),
    ],
)
def test_bad_descents_are_refused(arguments, says):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=says):
        descend(*arguments)
