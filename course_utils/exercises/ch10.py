"""Exercises of chapter 10: orbits of a matrix, fixed points of a unit, the largest Lyapunov exponent, clipping.

Most wrong ideas are one changed decision in a right answer.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.scalar_unit import fixed_points

# -- orbits of a matrix


def classify(W: NDArray) -> tuple[float, float, float]:
    """Return the spectral radius, the steps that one turn takes, and the most that one step can stretch."""
    return _classified(W)


def _leading(W: NDArray) -> complex:
    values = np.linalg.eigvals(W).astype(complex)
    return values[np.abs(values).argmax()]


def _turn(value: complex) -> float:
    angle = abs(float(np.angle(value)))
    return 2 * np.pi / angle if angle > 0 else np.inf


def _by_arctan(value: complex) -> float:
    angle = abs(np.arctan(value.imag / value.real))
    return 2 * np.pi / angle if angle > 1e-12 else np.inf


def _classified(
    W: NDArray,
    *,
    leading: Callable = _leading,
    radius: Callable = abs,
    turn: Callable = _turn,
    stretch: Callable = lambda W: np.linalg.norm(W, 2),
) -> tuple[float, float, float]:
    """Classify with one decision changed."""
    value = leading(np.asarray(W, dtype=float))
    return float(radius(value)), float(turn(value)), float(stretch(W))


def _matrix_cases(rng: np.random.Generator) -> list[Case]:
    def turning(radius: float, angle: float, shear: float = 1.0) -> NDArray:
        cos, sin = np.cos(angle), np.sin(angle)
        return radius * np.array([[cos, -shear * sin], [sin / shear, cos]])

    basis = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    apart = np.diag([0.4, -1.1, 0.7])
    return [
        Case("a rotation by 30 degrees that shrinks to 0.9", (turning(0.9, np.pi / 6),)),
        Case("the same eigenvalues, sheared: it shrinks in the end", (turning(0.9, np.pi / 6, 4.0),)),
        Case("the leading eigenvalue is negative", (np.diag([0.5, -0.8]),)),
        Case("the leading eigenvalue is positive, and comes second", (np.diag([-0.3, 1.2]),)),
        Case("a triangle with a large corner", (np.array([[0.6, 5.0], [0.0, 0.5]]),)),
        Case("a rotation by 150 degrees", (turning(1.05, 5 * np.pi / 6),)),
        Case("a slow rotation beside a fast decay", (np.block([[np.full((1, 1), 0.95), np.zeros((1, 2))], [np.zeros((2, 1)), turning(0.99, 0.1)]]),)),
        Case("one unit", (np.array([[-0.7]]),)),
        Case("three units, turned", (basis @ apart @ basis.T,)),
        Case("random, 4 units", (_clear(rng),)),
    ]  # fmt: skip


def _clear(rng: np.random.Generator) -> NDArray:
    """Draw a matrix whose leading eigenvalue no other one comes near to, but its conjugate."""
    while True:
        W = rng.normal(size=(4, 4))
        values = np.linalg.eigvals(W)
        values = values[values.imag >= -1e-12]
        sizes = np.sort(np.abs(values))
        leading = values[np.abs(values).argmax()]
        if len(sizes) < 4 and sizes[-1] > 1.1 * sizes[-2] and abs(leading.imag) > 0.1:
            return W


MATRIX_MISCONCEPTIONS = (
    Misconception(
        "spectral norm for the radius",
        "The norm is what one step can do. Many steps grow or shrink like the largest absolute value of an eigenvalue.",
        lambda W: (float(np.linalg.norm(W, 2)), *_classified(W)[1:]),
    ),
    Misconception(
        "spectral radius for the norm",
        "An eigenvalue says what becomes of its own direction. Another direction may be stretched more in one step: the "
        "most is the largest singular value.",
        lambda W: _classified(W, stretch=lambda W: abs(_leading(np.asarray(W, dtype=float)))),
    ),
    Misconception(
        "absolute value before the angle",
        "The size of an eigenvalue has no angle any more. A turn takes 2π divided by the angle of the eigenvalue itself.",
        lambda W: _classified(W, turn=lambda value: _turn(abs(value))),
    ),
    Misconception(
        "real part for the size",
        "A complex eigenvalue multiplies lengths by its absolute value, and its real part may be much smaller or negative.",
        lambda W: _classified(W, radius=lambda value: value.real),
    ),
    Misconception(
        "largest real part leads",
        "The eigenvalue that wins in the long run is the one of the largest absolute value: −0.8 beats 0.5.",
        lambda W: _classified(W, leading=lambda W: max(np.linalg.eigvals(W).astype(complex), key=lambda v: v.real)),
    ),
    Misconception(
        "first eigenvalue of the list",
        "eigvals returns the eigenvalues in no order that helps here. Look for the one of the largest absolute value.",
        lambda W: _classified(W, leading=lambda W: np.linalg.eigvals(W).astype(complex)[0]),
    ),
    Misconception(
        "angle in degrees",
        "np.angle gives radians: a whole turn is 2π.",
        lambda W: _classified(W, turn=lambda value: _turn(value) * 180 / np.pi),
    ),
    Misconception(
        "half a turn",
        "A turn is complete when the state points where it did before: after 2π, not after π.",
        lambda W: _classified(W, turn=lambda value: _turn(value) / 2),
    ),
    Misconception(
        "radians a step instead of steps a turn",
        "The angle is what one step turns by. How many steps a whole turn takes is 2π divided by it.",
        lambda W: _classified(W, turn=lambda value: abs(np.angle(value))),
    ),
    Misconception(
        "Frobenius norm",
        "norm without a second argument is the root of the sum of all squares. The most that one step can stretch is the "
        "largest singular value, norm(W, 2).",
        lambda W: _classified(W, stretch=np.linalg.norm),
    ),
    Misconception(
        "angle from the arctangent",
        "arctan(imag / real) cannot tell −0.8 from 0.8, and knows no angle beyond 90°. np.angle, or arctan2, can.",
        lambda W: _classified(W, turn=_by_arctan),
    ),
    Misconception(
        "root forgotten in the stretch",
        "The eigenvalues of WᵀW are the squares of the singular values: take the root of the largest.",
        lambda W: _classified(W, stretch=lambda W: np.linalg.norm(W, 2) ** 2),
    ),
    Misconception(
        "never turns where it changes its sign",
        "A negative eigenvalue has the angle π: the state points the other way after each step, and back after two.",
        lambda W: _classified(W, turn=lambda value: np.inf if abs(value.imag) < 1e-12 else _turn(value)),
    ),
    Misconception(
        "sign of the angle",
        "Eigenvalues come in conjugate pairs, one with a negative angle. Both turn once in the same number of steps.",
        lambda W: _classified(W, turn=lambda value: -_turn(value) if np.isfinite(_turn(value)) else np.inf),
    ),
)

# -- fixed points of one unit


def unit_fixed_points(w: float, b: float) -> tuple[NDArray, NDArray, NDArray]:
    """Return all fixed points of h ← tanh(w h + b), the slopes there, and which are stable."""
    return _points(w, b)


def _points(
    w: float,
    b: float,
    *,
    find: Callable = lambda w, b: [p.h for p in fixed_points(w, b)],
    slope: Callable = lambda w, b, h: w * (1 - h * h),
    stable: Callable = lambda slope: np.abs(slope) < 1,
) -> tuple[NDArray, NDArray, NDArray]:
    """Find them with one decision changed."""
    h = np.array(find(w, b), dtype=float)
    slopes = slope(w, b, h)
    return h, slopes, np.asarray(stable(slopes), dtype=float)


def _unit_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("w = 2, b = 0: two stable ones, and one between them", (2.0, 0.0)),
        Case("w = 0.5, b = 0: a weak unit", (0.5, 0.0)),
        Case("w = 2, b = 0.3, before the fold", (2.0, 0.3)),
        Case("w = 2, b = −0.3, the other way round", (2.0, -0.3)),
        Case("w = 2, b = 0.6, beyond the fold", (2.0, 0.6)),
        Case("w = −1.5, b = 0.2: the state flips", (-1.5, 0.2)),
        Case("w = −0.5, b = 1", (-0.5, 1.0)),
        Case("w = 0: only the bias", (0.0, 0.4)),
        Case("w = 5, b = 1.2: flat at the ends", (5.0, 1.2)),
        Case("w = 2, b = 0.53, just before the fold: two close together", (2.0, 0.53)),
        Case("w = 1.05, b = 0: three close together", (1.05, 0.0)),
        *(Case(f"random, {n}", (float(rng.uniform(1.5, 3)), float(rng.uniform(-0.2, 0.2)))) for n in range(2)),
    ]


def _from(starts: tuple[float, ...], T: int = 2000) -> Callable:
    """Find fixed points by running the unit from some states."""

    def find(w: float, b: float) -> list[float]:
        found = []
        for h in starts:
            for _ in range(T):
                h = float(np.tanh(w * h + b))
            if all(abs(h - other) > 1e-6 for other in found):
                found.append(h)
        return sorted(found)

    return find


POINT_MISCONCEPTIONS = (
    Misconception(
        "slope without the weight",
        "1 − h² is the slope of tanh at its own input. The map is tanh(w h + b), so the chain rule brings a factor w.",
        partial(_points, slope=lambda w, b, h: 1 - h * h),
    ),
    Misconception(
        "slope left out: the weight alone",
        "w is the slope at h = 0 without a bias only. At a fixed point tanh is flatter: the slope there is w (1 − h²).",
        partial(_points, slope=lambda w, b, h: np.full(np.shape(h), w)),
    ),
    Misconception(
        "slope at h instead of at w h + b",
        "The derivative of tanh at z is 1 − tanh(z)², and z is w h + b. At a fixed point tanh(z) is h itself, so no "
        "further tanh is needed.",
        partial(_points, slope=lambda w, b, h: w * (1 - np.tanh(h) ** 2)),
    ),
    Misconception(
        "stable wherever the slope is below 1",
        "A slope of −1.5 drives states away as well, to the other side each time. Its absolute value counts.",
        partial(_points, stable=lambda slope: slope < 1),
    ),
    Misconception(
        "stable and unstable exchanged",
        "A distance is multiplied by the slope in each step: it shrinks where the absolute value of the slope is below 1.",
        partial(_points, stable=lambda slope: np.abs(slope) > 1),
    ),
    Misconception(
        "only where a run ends",
        "Running the unit finds a fixed point only where states come to it. Look for all h at which tanh(w h + b) − h "
        "changes its sign.",
        partial(_points, find=_from((0.01,))),
    ),
    Misconception(
        "only where runs from both ends end",
        "Two runs find two stable ones, but the one between them, from which states flee, is a fixed point, too.",
        partial(_points, find=_from((-1.0, 1.0))),
    ),
    Misconception(
        "the middle of each interval of the grid",
        "The sign changes somewhere between two points of the grid. To know the place to 9 digits, halve the interval on.",
        partial(_points, find=lambda w, b: [round(p.h * 1000) / 1000 for p in fixed_points(w, b)]),
    ),
    Misconception(
        "slope times h",
        "w h (1 − h²) is not a derivative: the chain rule brings the weight w, once, and no h.",
        partial(_points, slope=lambda w, b, h: w * h * (1 - h * h)),
    ),
    Misconception(
        "searched from −0.99 to 0.99 only",
        "A strong unit rests closer to 1 than that: with w = 5 at 0.9999. Search from −1 to 1.",
        partial(_points, find=lambda w, b: [p.h for p in fixed_points(w, b) if abs(p.h) < 0.99]),
    ),
    Misconception(
        "slope of the distance",
        "tanh(w h + b) − h has the slope w (1 − h²) − 1. Asked is that of the map itself.",
        partial(_points, slope=lambda w, b, h: w * (1 - h * h) - 1),
    ),
    Misconception(
        "bias left out",
        "A fixed point returns to itself through the whole map, bias included.",
        lambda w, b: _points(w, 0.0),
    ),
    Misconception(
        "from the largest to the smallest",
        "They are asked from the smallest to the largest.",
        partial(_points, find=lambda w, b: [p.h for p in fixed_points(w, b)][::-1]),
    ),
    Misconception(
        "zero passed over",
        "With b = 0 the distance from the diagonal is exactly 0 at h = 0, and the product of two signs is not below 0 "
        "there. Look for a zero itself, too, or let the grid have no point at 0.",
        partial(_points, find=lambda w, b: [p.h for p in fixed_points(w, b) if p.h != 0]),
    ),
    Misconception(
        "zero counted twice",
        "A zero of the distance at a point of the grid ends one interval and begins the next: count it once.",
        partial(_points, find=lambda w, b: sorted([p.h for p in fixed_points(w, b)] + [p.h for p in fixed_points(w, b) if p.h == 0])),
    ),
)  # fmt: skip

# -- the largest Lyapunov exponent


def largest_exponent(W: NDArray, h_init: NDArray, delta: NDArray, T: int) -> tuple[NDArray, float]:
    """Carry a small difference along a run of h ← tanh(W h); return what each step adds, and the mean."""
    return _exponent(W, h_init, delta, T)


def _exponent(
    W: NDArray,
    h_init: NDArray,
    delta: NDArray,
    T: int,
    *,
    step: Callable = lambda W, before, h, d: (1 - h * h) * (W @ d),
    log: Callable = np.log,
    rescale: bool = True,
    normalise: bool = True,
    mean: Callable = lambda logs, T: logs.sum() / T,
) -> tuple[NDArray, float]:
    """Follow the difference with one decision changed."""
    h, d, logs = np.array(h_init, dtype=float), np.array(delta, dtype=float), np.empty(T)
    d = d / np.linalg.norm(d) if normalise else d
    length = np.linalg.norm(d)
    for t in range(T):
        before, h = h, np.tanh(W @ h)
        d = step(W, before, h, d)
        grown = np.linalg.norm(d)
        logs[t] = log(grown / length)
        if rescale:
            d, length = d / grown, 1.0
        else:
            length = grown
    return logs, float(mean(logs, T))


def _exponent_cases(rng: np.random.Generator) -> list[Case]:
    def network(H: int, gain: float) -> NDArray:
        return gain * rng.normal(size=(H, H)) / np.sqrt(H)

    example = np.array([[1.2, -0.6], [0.6, 1.2]])
    return [
        Case("two units on a cycle", (example, np.array([0.5, 0.0]), np.array([1.0, 0.0]), 5)),
        Case("the same for 40 steps", (example, np.array([0.5, 0.0]), np.array([1.0, 0.0]), 40)),
        Case("a difference of length 3", (example, np.array([0.1, 0.2]), np.array([0.0, 3.0]), 4)),
        Case("weights that are not symmetric", (np.array([[0.3, 1.5], [-0.2, 0.4]]), np.array([0.8, -0.3]), np.array([0.6, 0.8]), 6)),
        Case("one unit", (np.array([[-1.5]]), np.array([0.4]), np.array([1.0]), 8)),
        Case("one step", (example, np.array([0.9, -0.9]), np.array([1.0, 1.0]), 1)),
        Case("1200 steps, in which a difference would shrink below all floats", (0.4 * example, np.array([0.3, 0.3]), np.array([1.0, 2.0]), 1200)),
        Case("random, 5 units, calm", (network(5, 0.7), rng.normal(size=5), rng.normal(size=5), 20)),
        Case("random, 12 units, lively", (network(12, 1.8), rng.normal(size=12), rng.normal(size=12), 12)),
    ]  # fmt: skip


def _with(**decision) -> Callable:
    return partial(_exponent, **decision)


def _lengths(W, h_init, delta, T):
    """Add up the logarithms of lengths that were never brought back to one."""
    h, d, logs = np.array(h_init, dtype=float), np.array(delta, dtype=float), np.empty(T)
    for t in range(T):
        h = np.tanh(W @ h)
        d = (1 - h * h) * (W @ d)
        logs[t] = np.log(np.linalg.norm(d))
    return logs, float(logs.mean())


def _lengths_from_one(W, h_init, delta, T):
    return _lengths(W, h_init, np.array(delta, dtype=float) / np.linalg.norm(delta), T)


def _two_runs(W, h_init, delta, T):
    h, logs = np.array(h_init, dtype=float), np.empty(T)
    other, length = h + 1e-7 * np.array(delta) / np.linalg.norm(delta), 1e-7
    for t in range(T):
        h, other = np.tanh(W @ h), np.tanh(W @ other)
        now = np.linalg.norm(other - h)
        logs[t], length = np.log(now / length), now
    return logs, float(logs.mean())


def _without_logarithm(*args):
    logs, _ = _exponent(*args)
    growth = np.exp(logs)
    return growth, float(growth.mean())


def _logarithm_of_the_mean(*args):
    logs, _ = _exponent(*args)
    return logs, float(np.log(np.exp(logs).mean()))


def _not_brought_to_one_at_first(W, h_init, delta, T):
    logs, _ = _exponent(W, h_init, delta, T)
    logs[0] += np.log(np.linalg.norm(delta))
    return logs, float(logs.mean())


EXPONENT_MISCONCEPTIONS = (
    Misconception(
        "not divided by time",
        "The exponent is a rate: the sum of the logarithms divided by the number of steps. The sum itself grows with T.",
        _with(mean=lambda logs, T: logs.sum()),
    ),
    Misconception(
        "no logarithm",
        "Growth factors multiply from step to step, and their logarithms add up. Take the logarithm of each before the mean.",
        _without_logarithm,
    ),
    Misconception(
        "logarithm of the mean growth",
        "First the logarithm of each step, then the mean. The other way round a few large steps count too much.",
        _logarithm_of_the_mean,
    ),
    Misconception(
        "slope multiplied first",
        "The Jacobian is diag(1 − h²) W: W acts on the difference first, and the slope of each unit on what arrives there. "
        "W diag(1 − h²) is the product in the wrong order.",
        _with(step=lambda W, before, h, d: W @ ((1 - h * h) * d)),
    ),
    Misconception(
        "weights transposed",
        "A difference travels forward with the states, through W. The transpose is what a gradient meets on its way back.",
        _with(step=lambda W, before, h, d: (1 - h * h) * (W.T @ d)),
    ),
    Misconception(
        "slope at the state before",
        "The slope of tanh is 1 − h² at its value, and that is the new state.",
        _with(step=lambda W, before, h, d: (1 - before * before) * (W @ d)),
    ),
    Misconception(
        "slope left out",
        "W alone is the Jacobian of a linear unit. Each tanh unit multiplies by its slope, 1 − h².",
        _with(step=lambda W, before, h, d: W @ d),
    ),
    Misconception(
        "difference not brought back to length one",
        "The length of a difference that was never rescaled holds all steps so far, and after many steps no float can hold "
        "it. Bring it back to length one after each step, and its logarithm is that of the step alone.",
        _lengths_from_one,
    ),
    Misconception(
        "never brought to length one",
        "The length of the difference holds all that has happened so far, and that of the first one as well. Divide it by "
        "its length before the first step and after each: what is left is what the step has done.",
        _lengths,
    ),
    Misconception(
        "lengths that shrink until no digits are left",
        "The logarithm of the ratio of two lengths is right, as long as a float can hold them. After some hundred steps it "
        "cannot: bring the difference back to length one after each step.",
        _with(rescale=False, normalise=False),
    ),
    Misconception(
        "two runs a small distance apart",
        "Two runs that begin close together are the idea, and no way to compute it: the distance is soon too large for a "
        "derivative, or too small for a float. Carry the difference along by the Jacobian, diag(1 − h²) W.",
        _two_runs,
    ),
    Misconception(
        "first difference not of length one",
        "The difference that is given may have any length. What the first step adds is how much longer it gets: bring it to "
        "length one before.",
        _not_brought_to_one_at_first,
    ),
    Misconception(
        "logarithm to base 2",
        "The exponent is asked in nats, with the natural logarithm.",
        _with(log=np.log2),
    ),
    Misconception(
        "logarithm to base 10",
        "The exponent is asked in nats, with the natural logarithm; log10 is another one.",
        _with(log=np.log10),
    ),
)

# -- clipping


def clip_gradients(d_W: NDArray, d_b: NDArray, limit: float) -> tuple[NDArray, NDArray, float]:
    """Scale both gradients by one factor where they are together longer than a limit; also return their length."""
    return _clipped(d_W, d_b, limit)


def _together(*gradients: NDArray) -> float:
    return float(np.sqrt(sum(float(np.sum(np.square(g))) for g in gradients)))


def _clipped(
    d_W: NDArray,
    d_b: NDArray,
    limit: float,
    *,
    length: Callable = _together,
    scale: Callable = lambda limit, norm: min(1.0, limit / norm) if norm > 0 else 1.0,
) -> tuple[NDArray, NDArray, float]:
    """Clip with one decision changed."""
    norm = length(d_W, d_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        by = scale(limit, norm)
        return by * d_W, by * d_b, norm


def _clip_cases(rng: np.random.Generator) -> list[Case]:
    example = (np.array([[3.0, 0.0], [0.0, 0.0]]), np.array([0.0, 4.0]))
    return [
        Case("3 and 4 make 5, limit 1", (*example, 1.0)),
        Case("3 and 4 make 5, limit 4.5: each fits, both together do not", (*example, 4.5)),
        Case("weights of two directions", (np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([0.5, 0.0]), 1.0)),
        Case("short ones, limit 1", (np.array([[0.1, -0.2]]), np.array([0.2]), 1.0)),
        Case("exactly as long as the limit", (*example, 5.0)),
        Case("nothing to clip: all zero", (np.zeros((2, 2)), np.zeros(2), 1.0)),
        Case("as long as a cliff is steep", (np.array([[7262.0, -1.0]]), np.array([0.5, -4520.0]), 5.0)),
        Case("a small limit", (np.array([[0.05, 0.02]]), np.array([-0.04]), 0.01)),
        *(Case(f"random, {H} units", (rng.normal(0, 2, (H, H)), rng.normal(0, 2, H), 1.5)) for H in (3, 6)),
    ]


def _each_for_itself(d_W, d_b, limit):
    W, _, _ = _clipped(d_W, np.zeros_like(d_b), limit)
    _, b, _ = _clipped(np.zeros_like(d_W), d_b, limit)
    return W, b, _together(d_W, d_b)


CLIP_MISCONCEPTIONS = (
    Misconception(
        "each number clipped",
        "To cut each number off at the limit turns the gradient. One factor for all of them keeps its direction.",
        lambda d_W, d_b, limit: (np.clip(d_W, -limit, limit), np.clip(d_b, -limit, limit), _together(d_W, d_b)),
    ),
    Misconception(
        "each tensor for itself",
        "The limit is for all gradients together: one norm over all of them, and one factor for all.",
        _each_for_itself,
    ),
    Misconception(
        "each tensor for itself, and their norms added up",
        "The limit is for all gradients together: one norm over all of them, the root of the sum of all squares, and one factor.",
        lambda d_W, d_b, limit: (*_each_for_itself(d_W, d_b, limit)[:2], _together(d_W) + _together(d_b)),
    ),
    Misconception(
        "small gradients scaled up",
        "A gradient that is shorter than the limit stays as it is. The factor is never above 1.",
        partial(_clipped, scale=lambda limit, norm: limit / norm if norm > 0 else 1.0),
    ),
    Misconception(
        "small gradients scaled up, zero divided by zero",
        "The factor is never above 1, and gradients that are all zero have no direction to keep: 0/0 is not a number. "
        "Leave what is not longer than the limit.",
        partial(_clipped, scale=lambda limit, norm: np.float64(limit) / norm),
    ),
    Misconception(
        "zero divided by zero",
        "Gradients that are all zero have the norm 0, and 0/0 is not a number. They stay as they are.",
        partial(_clipped, scale=lambda limit, norm: np.minimum(1.0, np.float64(limit) / norm) if norm > 0 else np.nan),
    ),
    Misconception(
        "root forgotten",
        "The norm is the root of the sum of all squares. Without it a gradient of length 0.5 counts as one of 0.25.",
        partial(_clipped, length=lambda *g: _together(*g) ** 2),
    ),
    Misconception(
        "largest absolute value",
        "The norm of a gradient is its length, the root of the sum of all squares, and not its largest entry.",
        partial(_clipped, length=lambda *g: float(max(np.abs(a).max() for a in g))),
    ),
    Misconception(
        "root of the mean square",
        "The norm is the root of the sum of all squares. The mean in its place makes it depend on how many numbers there are.",
        partial(_clipped, length=lambda *g: _together(*g) / np.sqrt(sum(a.size for a in g))),
    ),
    Misconception(
        "excess subtracted",
        "Subtracting what is too much from each number turns the gradient. Multiply all of them by one factor.",
        lambda d_W, d_b, limit: (lambda norm: (d_W - max(norm - limit, 0), d_b - max(norm - limit, 0), norm))(
            _together(d_W, d_b)
        ),
    ),
    Misconception(
        "sum of the absolute values",
        "The norm of a gradient is its length, the root of the sum of all squares.",
        partial(_clipped, length=lambda *g: float(sum(np.abs(a).sum() for a in g))),
    ),
    Misconception(
        "sum of the two norms",
        "The norms of two parts do not add up: 3 and 4 make 5. Add their squares, and take the root at the end.",
        partial(_clipped, length=lambda *g: float(sum(np.linalg.norm(a) for a in g))),
    ),
    Misconception(
        "largest singular value",
        "norm(d_W, 2) of a matrix is its spectral norm. Here the gradient is one long vector, whatever its shape.",
        partial(_clipped, length=lambda d_W, d_b: float(np.hypot(np.linalg.norm(d_W, 2), np.linalg.norm(d_b)))),
    ),
    Misconception(
        "divided by the norm, not scaled to the limit",
        "Dividing by the norm makes the length 1. Asked is the limit: multiply by limit / norm.",
        partial(_clipped, scale=lambda limit, norm: 1 / norm if norm > limit else 1.0),
    ),
    Misconception(
        "norm of the weights only",
        "The bias belongs to the gradient as well: one norm over both.",
        partial(_clipped, length=lambda d_W, d_b: _together(d_W)),
    ),
    Misconception(
        "the larger of limit over norm and one",
        "The factor is at most 1: the smaller of the two. With the larger one long gradients stay, and short ones grow.",
        partial(_clipped, scale=lambda limit, norm: max(1.0, limit / norm) if norm > 0 else 1.0),
    ),
    Misconception(
        "norm after clipping",
        "The norm to return is the one before: it is what tells whether a step has been clipped.",
        lambda d_W, d_b, limit: (lambda W, b, norm: (W, b, _together(W, b)))(*_clipped(d_W, d_b, limit)),
    ),
    Misconception(
        "bias left alone",
        "All parameters move by one step together, the bias too: the same factor for both.",
        lambda d_W, d_b, limit: (lambda W, b, norm: (W, d_b, norm))(*_clipped(d_W, d_b, limit)),
    ),
)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="10.1",
        title="orbits of a matrix",
        points=2,
        function="classify",
        outputs=(Output("the spectral radius"), Output("the steps of one turn"), Output("the largest stretch")),
        reference=classify,
        cases=_matrix_cases,
        misconceptions=MATRIX_MISCONCEPTIONS,
    ),
    Exercise(
        id="10.2",
        title="fixed points of a unit",
        points=3,
        function="unit_fixed_points",
        outputs=(Output("the fixed points", ("n",)), Output("the slopes", ("n",)), Output("stable", ("n",))),
        reference=unit_fixed_points,
        cases=_unit_cases,
        misconceptions=POINT_MISCONCEPTIONS,
        asks_for=("scalar_unit.fixed_points",),
    ),
    Exercise(
        id="10.3",
        title="the largest Lyapunov exponent",
        points=3,
        function="largest_exponent",
        outputs=(Output("the logarithms", ("t",)), Output("the exponent")),
        reference=largest_exponent,
        cases=_exponent_cases,
        misconceptions=EXPONENT_MISCONCEPTIONS,
        asks_for=("lyapunov.exponents", "lyapunov.exponents_backward"),
    ),
    Exercise(
        id="10.4",
        title="clipping by the norm",
        points=2,
        function="clip_gradients",
        outputs=(
            Output("the gradient of W", ("unit", "from unit")),
            Output("the gradient of b", ("unit",)),
            Output("the norm before"),
        ),
        reference=clip_gradients,
        cases=_clip_cases,
        misconceptions=CLIP_MISCONCEPTIONS,
        asks_for=("clipping.clip_by_norm",),
    ),
)
