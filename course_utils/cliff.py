"""The error of one unit that runs for many steps, and its gradient: a plain with a wall (section 10.8).

The unit is that of Pascanu, Mikolov and Bengio (2013), figure 6: x ← w σ(x) + b, begun at 0.5 and run for 50 steps. Their
error is (σ(x_50) − 0.7)², the one here (x_50 − 0.7)², which makes the wall higher.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.clipping import clip_by_norm, clip_by_value
from course_utils.losses import check_count, is_number

START, STEPS, TARGET = 0.5, 50, 0.7


@dataclass(frozen=True, eq=False)
class Cliff:
    """Errors and their derivatives, of one shape.

    Attributes
    ----------
    error
        (x_T − target)².
    by_w, by_b
        Its derivatives.
    x
        The state at the end.
    """

    error: NDArray[np.float64]
    by_w: NDArray[np.float64]
    by_b: NDArray[np.float64]
    x: NDArray[np.float64]


def cliff(w: ArrayLike, b: ArrayLike, *, start: float = START, steps: int = STEPS, target: float = TARGET) -> Cliff:
    """Run the unit and its two derivatives forward, for as many weights and biases as are given.

    Parameters
    ----------
    w, b
        Of shapes that go together.
    start, steps, target
        Where it begins, how long it runs, and what is wanted of x at the end.
    """
    w, b = np.broadcast_arrays(np.asarray(w, dtype=float), np.asarray(b, dtype=float))
    x, by_w, by_b = np.full(w.shape, float(start)), np.zeros(w.shape), np.zeros(w.shape)
    for _ in range(steps):
        y = _sigmoid(x)
        slope = w * y * (1 - y)
        x, by_w, by_b = w * y + b, y + slope * by_w, 1 + slope * by_b
    outer = 2 * (x - target)
    return Cliff(outer**2 / 4, outer * by_w, outer * by_b, x)


@dataclass(frozen=True, eq=False)
class Descent:
    """Steps of gradient descent over the cliff.

    Attributes
    ----------
    points
        (n + 1, 2) weight and bias before each step, and after the last.
    errors
        (n + 1,) there.
    gradients
        (n + 1, 2) derivatives by weight and bias there.
    applied
        (n, 2) what each step has followed: the gradient, or what clipping has left of it.
    clipped
        (n,) whether clipping has changed it.
    """

    points: NDArray[np.float64]
    errors: NDArray[np.float64]
    gradients: NDArray[np.float64]
    applied: NDArray[np.float64]
    clipped: NDArray[np.bool_]


def descend(
    w: float, b: float, steps: int, learning_rate: float, limit: float | None = None, by: str = "norm"
) -> Descent:
    """Go downhill from a weight and a bias.

    Parameters
    ----------
    w, b
        Where to begin.
    steps
        How many.
    learning_rate
        Above 0.
    limit
        Of the gradient's norm, or of each of its numbers; None does not clip.
    by
        "norm" or "value".

    Raises
    ------
    ValueError
        A number is out of range, ``by`` is neither, or a gradient is larger than any float.
    """
    for name, value in (("w", w), ("b", b)):
        if not is_number(value):
            raise ValueError(f"{name} is {value!r}; it is a finite number")
    if not (is_number(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate is {learning_rate!r}; it is a finite number above 0")
    if by not in ("norm", "value"):
        raise ValueError(f"by is {by!r}; choose 'norm' or 'value'")
    clip = clip_by_norm if by == "norm" else clip_by_value
    points, steps = [np.array([w, b], dtype=float)], check_count("steps", steps, 0)
    errors, gradients, applied = [], [], []
    for n in range(steps + 1):
        here = cliff(*points[-1])
        errors.append(float(here.error))
        gradients.append(np.array([here.by_w, here.by_b]))
        if not np.isfinite(gradients[-1]).all():
            raise ValueError(f"the gradient is not finite any more at step {n}; choose a smaller learning_rate")
        if n < steps:
            applied.append(gradients[-1] if limit is None else clip({"": gradients[-1]}, limit).gradients[""])
            points.append(points[-1] - learning_rate * applied[-1])
    gradients, applied = np.array(gradients), np.reshape(applied, (steps, 2))
    changed = (applied != gradients[:-1]).any(axis=1)
    return Descent(np.array(points), np.array(errors), gradients, applied, changed)


def _sigmoid(x: NDArray) -> NDArray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)
