"""One unit that feeds itself, h ← tanh(w h + b): its fixed points, and where they come and go (section 10.3)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, check_count, is_number


@dataclass(frozen=True)
class FixedPoint:
    """A state that stays where it is, and the slope of the map there.

    Attributes
    ----------
    h
        The state.
    slope
        w (1 − h²): what a small distance from it is multiplied by in each step.
    """

    h: float
    slope: float

    @property
    def stable(self) -> bool:
        """Whether states nearby come to it."""
        return abs(self.slope) < 1


def fixed_points(w: float, b: float) -> tuple[FixedPoint, ...]:
    """Find all states with h = tanh(w h + b), from the smallest to the largest; one to three.

    Between the two states where the slope of the map is 1, and beyond each of them, the distance from the diagonal is
    monotone, so each of these pieces holds at most one; it is found by bisection.

    Raises
    ------
    ValueError
        A number is not finite.
    """
    w, b = _finite(w=w, b=b)
    edges = [-1.0, 1.0]
    if w > 1:
        turn = np.sqrt(1 - 1 / w)
        edges = [-1.0, -turn, turn, 1.0]
    found = [root for low, high in pairwise(edges) for root in _root(w, b, low, high)]
    distinct = [h for n, h in enumerate(found) if n == 0 or h - found[n - 1] > 1e-9]
    return tuple(FixedPoint(float(h), float(w * (1 - h * h))) for h in distinct)


def fold(w: float) -> float:
    """Return the bias b ≥ 0 at which two of the three fixed points meet; the other fold is at −b.

    Raises
    ------
    ValueError
        ``w`` is not above 1: there is then one fixed point, whatever the bias.
    """
    (w,) = _finite(w=w)
    if w <= 1:
        raise ValueError(f"w is {w}; only above 1 are there folds")
    turn = np.sqrt(1 - 1 / w)
    return float(w * turn - np.arctanh(turn))


@dataclass(frozen=True, eq=False)
class Orbit:
    """The states of one unit.

    Attributes
    ----------
    w, b
        Its weight and bias.
    states
        (T + 1,), the first one included.
    fixed_points
        All there are.
    """

    w: float
    b: float
    states: NDArray[np.float64]
    fixed_points: tuple[FixedPoint, ...]


def orbit_of(w: float, b: float, h_init: float, T: int) -> Orbit:
    """Follow a unit for T steps, and find where it could stay; arguments as for :func:`iterate`."""
    return Orbit(float(w), float(b), iterate(w, b, h_init, T), fixed_points(w, b))


def iterate(w: float, b: float, h_init: float, T: int) -> NDArray[np.float64]:
    """Return the (T + 1,) states of T steps, h_init first."""
    w, b, h = _finite(w=w, b=b, h_init=h_init)
    states = np.empty(check_count("T", T, 0) + 1)
    states[0] = h
    for t in range(len(states) - 1):
        states[t + 1] = np.tanh(w * states[t] + b)
    return states


def sweep(w: float, biases: ArrayLike, h_init: float, settle: int = 2000) -> NDArray[np.float64]:
    """Change the bias step by step, let the unit settle each time, and return where it was then, (n,).

    Raises
    ------
    ValueError
        A number is not finite.
    """
    biases = as_numbers("biases", biases)
    w, h = _finite(w=w, h_init=h_init)
    found = np.empty(len(biases))
    for n, b in enumerate(biases):
        for _ in range(settle):
            h, before = float(np.tanh(w * h + b)), h
            if h == before:
                break
        found[n] = h
    return found


def _root(w: float, b: float, low: float, high: float) -> list[float]:
    """Return the root of tanh(w h + b) − h between two states, where there is one."""

    def above(h: float) -> float:
        return np.tanh(w * h + b) - h

    if low < 0 < high and b == 0:
        return [0.0]  # exactly, which halving comes near to only
    at_low, at_high = above(low), above(high)
    if at_low == 0:
        return [low]
    if at_high == 0:
        return [high]
    if (at_low > 0) == (at_high > 0):
        # Where two meet, rounding may leave both on one side: the turn itself is the root then.
        nearest = min((low, high), key=lambda h: abs(above(h)))
        return [nearest] if abs(above(nearest)) < 1e-14 and abs(nearest) < 1 else []
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (above(middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return [(low + high) / 2]


def _finite(**values: float) -> list[float]:
    for name, value in values.items():
        if not is_number(value):
            raise ValueError(f"{name} is {value!r}; it is a finite number")
    return [float(value) for value in values.values()]
