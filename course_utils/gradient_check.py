"""Compare gradients with finite differences, parameter by parameter (section 4.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["exact", "close", "wrong", "wrong shape", "missing"]
STEP = 1e-4
EXACT, CLOSE = 1e-9, 1e-4


@dataclass(frozen=True)
class Row:
    """The verdict on the gradient of one parameter.

    Attributes
    ----------
    name
        Of the parameter.
    verdict
        "exact" within 1e-9 and "close" within 1e-4 of finite differences, relative to the largest entry of the
        parameter's gradient and beyond what the rounding of the loss leaves open; else "wrong", "wrong shape" or
        "missing".
    difference
        Largest absolute difference; nan where there is none to speak of.
    where
        Index of that entry.
    yours, expected
        The two numbers there, or the two shapes.
    """

    name: str
    verdict: Verdict
    difference: float
    where: tuple[int, ...] = ()
    yours: object = None
    expected: object = None


@dataclass(frozen=True)
class GradientCheck:
    """One row for each parameter."""

    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether every gradient is exact or close."""
        return all(row.verdict in ("exact", "close") for row in self.rows)

    def __repr__(self) -> str:
        lines = [("parameter", "verdict", "largest difference", "where", "yours", "expected")]
        lines += [_cells(row) for row in self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(6)]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def numerical_gradient(
    f: Callable[[NDArray[np.float64]], float], at: ArrayLike, step: float = STEP
) -> NDArray[np.float64]:
    """Differentiate a function of an array by central differences of fourth order, entry by entry.

    (f(−2 s) − 8 f(−s) + 8 f(s) − f(2 s)) / 12 s, which is off by about s⁴ and by 1e-16 / s from rounding.

    Parameters
    ----------
    f
        From an array of the shape of ``at`` to a number.
    at
        Where.
    step
        s.
    """
    at = np.array(at, dtype=np.float64)
    slope = np.empty_like(at)
    for k in np.ndindex(at.shape):
        values = []
        for reach in (-2, -1, 1, 2):
            moved = at.copy()
            moved[k] += reach * step
            values.append(f(moved))
        slope[k] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return slope


def gradient_check(
    loss: Callable[..., float], parameters: Mapping[str, ArrayLike], gradients: Mapping[str, ArrayLike]
) -> GradientCheck:
    """Hold gradients against finite differences of the loss.

    Where the loss has a corner, as with relu at exactly 0, finite differences give half of both slopes, and a right
    gradient may be called wrong: check at another place.

    Parameters
    ----------
    loss
        Called with all parameters as keyword arguments, returns a number.
    parameters
        Their values, by name.
    gradients
        What to check, by the same names.
    """
    rows, here = [], abs(float(loss(**parameters)))
    rounding = np.finfo(float).eps * here / STEP
    for name, value in parameters.items():
        expected = numerical_gradient(lambda moved, name=name: float(loss(**{**parameters, name: moved})), value)
        if name not in gradients or gradients[name] is None:
            rows.append(Row(name, "missing", float("nan")))
            continue
        yours = np.asarray(gradients[name], dtype=np.float64)
        if yours.shape != expected.shape:
            rows.append(Row(name, "wrong shape", float("nan"), (), yours.shape, expected.shape))
            continue
        rows.append(_compare(name, yours, expected, 10 * rounding))
    return GradientCheck(tuple(rows))


def _compare(name: str, yours: NDArray, expected: NDArray, rounding: float) -> Row:
    apart = np.abs(yours - expected)
    apart = np.where(np.isnan(apart), np.inf, apart)
    if not apart.size:
        return Row(name, "exact", 0.0)
    difference = float(apart.max())
    first = np.flatnonzero(apart.ravel() >= difference * (1 - 1e-6))[
        0
    ]  # of equals the first, however they were rounded
    where = tuple(int(k) for k in np.unravel_index(first, apart.shape))
    beyond, largest = max(difference - rounding, 0.0), float(np.abs(expected).max())
    verdict: Verdict = "exact" if beyond <= EXACT * largest else "close" if beyond <= CLOSE * largest else "wrong"
    return Row(name, verdict, difference, where, float(yours[where]), float(expected[where]))


def _cells(row: Row) -> tuple[str, ...]:
    if row.verdict == "missing":
        return row.name, row.verdict, "", "", "", ""
    if row.verdict == "wrong shape":
        return row.name, row.verdict, "", "", str(row.yours), str(row.expected)
    size = f"below {EXACT:.0e}" if row.verdict == "exact" else f"{row.difference:.1e}"
    if row.verdict == "exact":
        return row.name, row.verdict, size, "", "", ""
    where = "[" + ", ".join(map(str, row.where)) + "]"
    return row.name, row.verdict, size, where, f"{row.yours:.6g}", f"{row.expected:.6g}"
