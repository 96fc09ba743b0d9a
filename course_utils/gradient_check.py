"""Compare gradients with finite differences, parameter by parameter (section 4.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["exact", "close", "wrong", "wrong shape", "missing", "cannot tell"]
EXACT, CLOSE = 1e-9, 1e-4
STEP = 1e-3  # of the size of an entry, where that is above 1
ROUNDINGS = 10  # as often as the loss is rounded off may a difference of its values be off
EVIDENT = 100  # a gradient that is off by as many errors of the differences is wrong, however large they are
EPS = float(np.finfo(np.float64).eps)

# What the values of a function at x − 4 s, x − 2 s, x − s, x, x + s, x + 2 s and x + 4 s are multiplied with:
REACH = np.array([-4, -2, -1, 0, 1, 2, 4])
SLOPES = np.array(
    [
        [0, 2, -16, 0, 16, -2, 0],  # the slope, off by about s⁴
        [1, -8, 0, 0, 0, 8, -1],  # the slope from twice the step, off by 16 times as much
    ]
) / [[24], [24]]
CORNER = np.array([1, -20, 64, -90, 64, -20, 1]) / 28  # by how much the slope jumps at x; 0 where it is smooth


@dataclass(frozen=True)
class Row:
    """The verdict on the gradient of one parameter, which is that on its worst entry.

    Attributes
    ----------
    name
        Of the parameter.
    verdict
        "exact" within 1e-9 and "close" within 1e-4 of finite differences, relative to the entry itself and beyond
        what their own error leaves open; else "wrong", "wrong shape" or "missing". "cannot tell" where their error is
        not small against the entry, nor against the whole gradient, so that a wrong one could pass.
    difference
        Largest absolute difference among the entries of that verdict; nan where there is none to speak of.
    where
        Index of that entry.
    yours, expected
        The two numbers there, or the two shapes.
    why
        With "cannot tell", the reason and what would help.
    """

    name: str
    verdict: Verdict
    difference: float
    where: tuple[int, ...] = ()
    yours: object = None
    expected: object = None
    why: str = ""


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


def numerical_gradient(f: Callable[[NDArray[np.float64]], float], at: ArrayLike) -> NDArray[np.float64]:
    """Differentiate a function of an array by central differences of fourth order, entry by entry.

    (f(−2 s) − 8 f(−s) + 8 f(s) − f(2 s)) / 12 s, which is off by about s⁴ and by 1e-16 / s from rounding. The step s
    is 1e-3, or as much of an entry above 1, and ever smaller where the function bends too much for that.

    Parameters
    ----------
    f
        From an array of the shape of ``at`` to a number. It gets copies.
    at
        Where.

    Returns
    -------
    gradient
        Of the shape of ``at``; nan where the function is not finite on both sides, however small the step.

    Raises
    ------
    ValueError
        ``at`` has something else than finite numbers, or ``f`` returns something else than a number.
    """
    return _Loss(lambda at: f(at), {"at": _numbers("at", at)}).slopes("at")[0]


def gradient_check(
    loss: Callable[..., float], parameters: Mapping[str, ArrayLike], gradients: Mapping[str, ArrayLike]
) -> GradientCheck:
    """Hold gradients against finite differences of the loss.

    The differences are held against themselves first. Where the loss has a corner, as with relu at exactly 0, where it
    is computed in float32, or so large that rounding hides the gradient, they cannot tell right from wrong.

    Parameters
    ----------
    loss
        Called with all parameters as keyword arguments, as copies in float64; returns a number.
    parameters
        Their values, by name.
    gradients
        What to check, by the same names.

    Raises
    ------
    ValueError
        Parameters or gradients are not arrays by name, or the loss is not one number.
    """
    parameters = {name: _numbers(f"parameter {name}", v) for name, v in _by_name("parameters", parameters).items()}
    yours = {name: v for name, v in _by_name("gradients", gradients).items() if name in parameters and v is not None}
    yours = {name: _numbers(f"the gradient of {name}", v, finite=False) for name, v in yours.items()}
    probe = _Loss(loss, parameters)
    found = {name: probe.slopes(name) for name in parameters}
    sure = [np.abs(slope) - bent - rounding for slope, bent, rounding in found.values()]
    largest = max((float(s[np.isfinite(s)].max(initial=0)) for s in sure), default=0.0)
    rows = []
    for name, value in parameters.items():
        if name not in yours:
            rows.append(Row(name, "missing", float("nan")))
        elif yours[name].shape != value.shape:
            rows.append(Row(name, "wrong shape", float("nan"), (), yours[name].shape, value.shape))
        else:
            rows.append(_compare(name, yours[name], found[name], largest, probe))
    return GradientCheck(tuple(rows))


class _Loss:
    """A loss at one place: how finely it is computed there, and its slopes with their errors."""

    def __init__(self, loss: Callable[..., float], parameters: dict[str, NDArray]):
        self.loss, self.parameters = loss, parameters
        self.here = self._value({})  # what is raised here is for the reader to see
        self.random = not np.array_equal(self.here, self._value({}), equal_nan=True)
        near = [  # to one side, for there may be a corner here
            self.moved({name: v + n * 1e-7 * np.where(v == 0, 1, v) for name, v in parameters.items()})
            for n in range(1, 26)
        ]
        with np.errstate(all="ignore"):
            # So near by, a polynomial of degree 9 fits any loss: what is left is noise (Moré and Wild, 2011).
            rough = np.abs(np.diff(near, 10)) / np.sqrt(184756)
            self.noise = float(rough[np.isfinite(rough)].max(initial=0))
            self.rough = self.noise > 1000 * EPS * np.abs(near).max()
        self.stuck = min(near) == max(near)

    def moved(self, changed: dict[str, NDArray]) -> float:
        """Return the loss elsewhere, nan outside of its domain."""
        try:
            with np.errstate(all="ignore"):
                return self._value(changed)
        except (ArithmeticError, ValueError):
            return float("nan")

    def _value(self, changed: dict[str, NDArray]) -> float:
        value = self.loss(**{name: v.copy() for name, v in (self.parameters | changed).items()})
        try:
            if np.ndim(value) == 0:
                return float(value)
        except (TypeError, ValueError):
            pass
        raise ValueError(f"the loss returned {_short(value)}; it must return one number, such as a sum or a mean")

    def slopes(self, name: str) -> NDArray[np.float64]:
        """(3, …) slope by each entry, by how much the loss bends too much for it, and what rounding may add."""
        at = self.parameters[name]
        found = np.empty((3, *at.shape))
        for k in np.ndindex(at.shape):
            found[(slice(None), *k)] = self._slope(name, at, k)
        return found

    @np.errstate(all="ignore")
    def _slope(self, name: str, at: NDArray, k: tuple[int, ...]) -> tuple[float, float, float]:
        size = max(abs(at[k]), 1.0)
        smallest = 1e-9 * abs(at[k]) or 1e-18
        best, step = (np.nan, np.inf, np.inf), STEP * size
        while step > smallest:
            values = np.empty(7)
            for n, reach in enumerate(REACH):
                moved = at.copy()
                moved[k] += reach * step
                values[n] = self.moved({name: moved})
            if np.isfinite(values).all():
                rounding = ROUNDINGS * max(self.noise, EPS * np.abs(values).max()) / step
                slope, coarse = SLOPES @ (values - values[3]) / step
                bent = abs(slope - coarse) + abs(CORNER @ (values - values[3]) / step)
                if bent + rounding < best[1] + best[2]:
                    best = slope, bent, rounding
                if bent <= rounding:  # a smaller step only adds to the rounding
                    break
            step /= 10
        return best

    def why_not(self, bent: float, rounding: float) -> str:
        """Say why the differences cannot tell, and what would help."""
        if self.random:
            return "the loss gives two values at one place: fix its random numbers"
        if not np.isfinite(bent):
            return "the loss is not finite here or beside: check at another place"
        if self.stuck:
            return f"small moves leave the loss at {self.here:.2g}: do not round it, subtract a constant, or check elsewhere"
        if self.rough:
            return "the loss seems to be computed in float32: use float64"
        if bent > rounding:
            return "the loss has a corner or a jump here: check at another place"
        return f"rounding of a loss of {self.here:.2g} hides it: subtract a constant, or check elsewhere"


@np.errstate(all="ignore")
def _compare(name: str, yours: NDArray, found: NDArray, largest: float, probe: _Loss) -> Row:
    if not yours.size:
        return Row(name, "exact", 0.0)
    expected, bent, rounding = found
    apart, error = np.abs(yours - expected), bent + rounding
    size = np.fmax(np.abs(yours), np.abs(expected))
    # An entry that is nothing beside the rest of the gradient need only be known as well as that.
    tells = (error <= np.maximum(CLOSE * size, EXACT * largest)) | (apart > EVIDENT * error)
    tells = tells & (not probe.stuck)
    exact = tells & (error <= EXACT * largest) & (apart <= EXACT * size + error)
    close = tells & (apart <= CLOSE * size + error)
    verdicts: tuple[Verdict, ...] = ("exact", "close", "cannot tell", "wrong")
    each = np.select([~np.isfinite(yours), exact, close, ~tells], [3, 0, 1, 2], 3)
    apart = np.where(np.isnan(apart), np.inf, apart)
    difference = float(apart[each == each.max()].max())
    worst = (each == each.max()) & (apart >= difference * (1 - 1e-6))  # of equals the first, however they were rounded
    where = tuple(int(k) for k in np.argwhere(worst)[0])
    why = probe.why_not(bent[where], rounding[where]) if each.max() == 2 else ""
    return Row(name, verdicts[each.max()], difference, where, float(yours[where]), float(expected[where]), why)


def _by_name(what: str, values: Mapping[str, ArrayLike]) -> Mapping[str, ArrayLike]:
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} is {_short(values)}; give a dictionary with an array for each name")
    return values


def _numbers(what: str, value: ArrayLike, *, finite: bool = True) -> NDArray[np.float64]:
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{what} is {_short(value)}; give an array of numbers, all rows of one length") from None
    if finite and not np.isfinite(numbers).all():
        raise ValueError(f"{what} has a number that is not finite; the loss must be differentiated somewhere else")
    return numbers


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def _cells(row: Row) -> tuple[str, ...]:
    if row.verdict == "missing":
        return row.name, row.verdict, "", "", "", ""
    if row.verdict == "wrong shape":
        return row.name, row.verdict, "", "", str(row.yours), str(row.expected)
    if row.verdict == "exact":
        return row.name, row.verdict, f"below {EXACT:.0e}", "", "", ""
    where = "[" + ", ".join(map(str, row.where)) + "]"
    if row.verdict == "cannot tell":
        return row.name, row.verdict, "", where, f"{row.yours:.6g}", row.why
    return row.name, row.verdict, f"{row.difference:.1e}", where, f"{row.yours:.6g}", f"{row.expected:.6g}"
