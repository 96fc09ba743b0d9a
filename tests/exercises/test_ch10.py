"""The exercises of chapter 10: right answers pass however they are written, and known wrong ideas are named."""

import cmath
import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from telling_apart import assert_no_two_alike

from course_utils.exercises.ch10 import EXERCISES
from course_utils.exercises.judge import judge

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def classified_by_a_loop(W):
    radius, angle = -1.0, 0.0
    for value in np.linalg.eigvals(W):
        if abs(value) > radius:
            radius, angle = abs(value), abs(cmath.phase(value))
    return radius, math.inf if angle == 0 else 2 * math.pi / angle, np.linalg.svd(W)[1][0]


def classified_through_the_square(W):
    values = sorted(np.linalg.eigvals(W), key=abs)
    angle = np.abs(np.arctan2(np.imag(values[-1]), np.real(values[-1])))
    with np.errstate(divide="ignore"):
        turn = np.divide(2 * np.pi, angle)
    return np.abs(values[-1]), turn, np.sqrt(np.linalg.eigvalsh(np.transpose(W) @ W).max())


def points_by_brentq(w, b):
    def above(h):
        return math.tanh(w * h + b) - h

    grid = np.linspace(-1.0013, 1.0021, 3001)
    points = [brentq(above, a, c, xtol=1e-14) for a, c in pairwise(grid) if above(a) * above(c) < 0]
    slopes = [w / math.cosh(w * h + b) ** 2 for h in points]
    return points, slopes, [abs(slope) < 1 for slope in slopes]


def points_between_turns(w, b):
    """Halve between the places where the distance from the diagonal turns."""
    edges = [-1.5, 1.5]
    if w > 1:
        turn = np.arccosh(np.sqrt(w))
        edges = [-1.5, (-turn - b) / w, (turn - b) / w, 1.5]
    points = []
    for low, high in pairwise(edges):

        def above(h):
            return np.tanh(w * h + b) - h

        if np.sign(above(low)) == np.sign(above(high)):
            continue
        rising = above(high) > 0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (low, middle) if (above(middle) > 0) == rising else (middle, high)
        points.append(high)
    points = np.array(points)
    slopes = w - w * np.tanh(w * points + b) ** 2
    return points, slopes, np.where(np.abs(slopes) < 1, 1, 0)


def exponent_with_jacobians(W, h_init, delta, T):
    h, direction, logs = h_init, delta[:, None], []
    for _ in range(T):
        h = np.tanh(W @ h)
        direction = np.linalg.qr(direction)[0]
        direction = np.diag(1 - h**2) @ W @ direction
        logs.append(math.log(np.sqrt((direction**2).sum())))
    return logs, sum(logs) / T


def exponent_of_ratios(W, h_init, delta, T):
    """Rescale only now and then."""
    h, d, lengths, scale = np.array(h_init), np.array(delta), [], 0.0
    lengths.append(np.log(np.linalg.norm(d)))
    for _ in range(T):
        h = np.tanh(W @ h)
        d = (1 - h * h) * W.dot(d)
        lengths.append(np.log(np.linalg.norm(d)) + scale)
        if not 1e-50 < np.linalg.norm(d) < 1e50:
            scale, d = lengths[-1], d / np.linalg.norm(d)
    logs = np.diff(lengths)
    return logs, (lengths[-1] - lengths[0]) / T


def clipped_as_one_vector(d_W, d_b, limit):
    flat = np.concatenate([d_W.ravel(), d_b])
    norm = np.linalg.norm(flat)
    if norm > limit:
        flat = flat / norm * limit
    return flat[: d_W.size].reshape(d_W.shape), flat[d_W.size :], norm


def clipped_by_maximum(d_W, d_b, limit):
    norm = math.hypot(np.linalg.norm(d_W), np.linalg.norm(d_b))
    divide_by = max(norm / limit, 1.0)
    return d_W / divide_by, d_b / divide_by, norm


RIGHT = {
    "10.1": [classified_by_a_loop, classified_through_the_square],
    "10.2": [points_by_brentq, points_between_turns],
    "10.3": [exponent_with_jacobians, exponent_of_ratios],
    "10.4": [clipped_as_one_vector, clipped_by_maximum],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers."""
    with np.errstate(all="ignore"):
        parts = answer(*case.args)
    sizes = [list(np.shape(part)) for part in parts]
    flat = np.concatenate([*sizes, *(np.ravel(np.asarray(part, dtype=float)) for part in parts)]).astype(float)
    return np.where(np.isnan(flat), 12345.0, flat)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    assert_no_two_alike(exercise, seed, outcome)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_every_wrong_idea_fails_in_a_case_that_is_always_there(exercise):
    """None is left to the random cases."""
    cases = [case for case in exercise.cases(np.random.default_rng(0)) if not case.name.startswith("random")]
    for idea in exercise.misconceptions:
        pairs = [(outcome(idea.answer, c), outcome(exercise.reference, c)) for c in cases]
        apart = [a.shape != b.shape or not np.allclose(a, b, rtol=1e-6, atol=1e-9) for a, b in pairs]
        assert any(apart), idea.name


def trace_for_the_radius(W):
    _, turn, stretch = classified_by_a_loop(W)
    return abs(np.trace(W)), turn, stretch


def radius_squared(W):
    radius, turn, stretch = classified_by_a_loop(W)
    return radius**2, turn, stretch


def least_stretch(W):
    radius, turn, _ = classified_by_a_loop(W)
    return radius, turn, np.linalg.svd(W)[1][-1] + 1


def smallest_eigenvalue(W):
    values = np.linalg.eigvals(W).astype(complex)
    value = values[np.abs(values).argmin()]
    angle = abs(np.angle(value))
    return abs(value), 2 * np.pi / angle if angle else np.inf, np.linalg.norm(W, 2)


def points_on_the_grid_only(w, b):
    grid = np.linspace(-1.0005, 1.0003, 2001)
    above = np.tanh(w * grid + b) - grid
    points = grid[:-1][np.sign(above[:-1]) != np.sign(above[1:])]
    slopes = w * (1 - points**2)
    return points, slopes, np.abs(slopes) < 1


def points_of_the_other_sign(w, b):
    points, slopes, stable = points_by_brentq(w, -b)
    return points, slopes, stable


def points_outside_of_zero_to_one(w, b):
    points, slopes, stable = (np.array(x) for x in points_by_brentq(w, b))
    return points[points >= 0], slopes[points >= 0], stable[points >= 0]


def slopes_to_be_added(w, b):
    points, slopes, stable = points_by_brentq(w, b)
    return points, [s - 1 for s in slopes], stable


def without_the_first_step(W, h_init, delta, T):
    logs, _ = exponent_with_jacobians(W, h_init, delta, T)
    return logs, float(np.sum(logs[1:]) / max(T - 1, 1))


def mean_of_absolute_logarithms(W, h_init, delta, T):
    logs, _ = exponent_with_jacobians(W, h_init, delta, T)
    return logs, float(np.abs(logs).mean())


def state_not_moved(W, h_init, delta, T):
    d, logs = delta / np.linalg.norm(delta), []
    for _ in range(T):
        d = (1 - np.tanh(W @ h_init) ** 2) * (W @ d)
        logs.append(np.log(np.linalg.norm(d)))
        d = d / np.linalg.norm(d)
    return logs, np.mean(logs)


def running_sum(W, h_init, delta, T):
    logs, mean = exponent_with_jacobians(W, h_init, delta, T)
    return np.cumsum(logs), mean


def clipped_to_half(d_W, d_b, limit):
    return clipped_as_one_vector(d_W, d_b, limit / 2)


def zeroed(d_W, d_b, limit):
    _, _, norm = clipped_as_one_vector(d_W, d_b, limit)
    keep = norm <= limit
    return d_W * keep, d_b * keep, norm


def weights_left_alone(d_W, d_b, limit):
    _, b, norm = clipped_as_one_vector(d_W, d_b, limit)
    return d_W, b, norm


def mean_of_squares(d_W, d_b, limit):
    norm = np.sqrt(np.mean(np.concatenate([d_W.ravel(), d_b]) ** 2))
    scale = min(1.0, limit / norm) if norm else 1.0
    return scale * d_W, scale * d_b, norm


MORE_WRONG = {
    "10.1": [trace_for_the_radius, radius_squared, least_stretch, smallest_eigenvalue],
    "10.2": [points_on_the_grid_only, points_of_the_other_sign, points_outside_of_zero_to_one, slopes_to_be_added],
    "10.3": [without_the_first_step, mean_of_absolute_logarithms, state_not_moved, running_sum],
    "10.4": [clipped_to_half, zeroed, weights_left_alone, mean_of_squares],
}


# The others follow two ideas at once, or one in part.
NAMED = {
    "mean_of_squares": "root of the mean square",
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"),
    [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in MORE_WRONG for a in MORE_WRONG[n]],
)
def test_more_wrong_answers_are_rejected_and_named_only_where_an_idea_is_known(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status in ("incorrect", "could not run"), answer.__name__
    assert report.misconception == NAMED.get(answer.__name__)


def test_the_report_says_which_number_is_wrong():
    report = judge(BY_ID["10.4"], lambda d_W, d_b, limit: (d_W, d_b, 5.0))
    assert (
        report.says
        == "The first wrong cell of the gradient of W is at unit = 0, from unit = 0: 3, and it should be 0.6."
    )
    report = judge(BY_ID["10.2"], lambda w, b: (np.zeros(1), np.zeros(1), np.zeros(1)))
    assert "should have 3" in report.says
