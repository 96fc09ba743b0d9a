"""What a reader may change in a scene: a number, a choice, a point of a plane. Each says where it acts.

A scene gives its marks edits; whoever plays it offers them and says which mark got which value; whoever drew it is told
the place and the value, and draws anew. Nobody reads anything out of the name of a mark.
"""

import math
from dataclasses import dataclass, fields
from numbers import Real

Place = tuple[str | int, ...]


class _Sent:
    """Travels to the player as its kind and all fields but the place, which is the business of whoever draws."""

    def to_json(self) -> dict:
        """Return what a player needs, numbers as one reads them."""
        found = {field.name: _short(getattr(self, field.name)) for field in fields(self) if field.name != "place"}
        return {"kind": type(self).__name__.lower(), **found}


@dataclass(frozen=True)
class Number(_Sent):
    """A number to drag or to type.

    Attributes
    ----------
    place
        Where it stands in what the scene shows, such as ("W_hh", 0, 1).
    value
        What it is now.
    name
        What to call one, such as "probability".
    low, high
        Its range.
    grain
        What a drag rounds to.
    tint
        How full the tint of the mark is where the number is 1 or −1: it goes with the size of the number, and 0 is
        for marks that are not tinted by it.
    """

    place: Place
    value: float
    name: str
    low: float
    high: float
    grain: float
    tint: float = 0.0

    def check(self, value: object) -> float:
        """Return a new value as a number; raise a ValueError where it is none, or out of range."""
        if not _is_number(value) or not self.low <= value <= self.high:
            raise ValueError(f"{value!r} is no {self.name}: it is a number from {self.low:g} to {self.high:g}")
        return float(value)


@dataclass(frozen=True)
class Choice(_Sent):
    """Something that is chosen or not, such as a cell of a path: a click changes that.

    Attributes
    ----------
    place
        Where it stands in what the scene shows, such as ("path", 2, 1).
    value
        Whether it is chosen now.
    name
        What to call it, such as "cell of the path".
    """

    place: Place
    value: bool
    name: str

    def check(self, value: object) -> bool:
        """Return a new value; raise a ValueError where it is neither true nor false."""
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is no choice: a {self.name} is chosen or not")
        return value


@dataclass(frozen=True)
class Point(_Sent):
    """A point of a plane, to drag or to type.

    Attributes
    ----------
    place
        Where it stands in what the scene shows, such as ("h_init",).
    value
        (x, y) now.
    name
        What to call it, such as "state".
    low, high
        (x, y) of the lower left and the upper right corner of the plane.
    grain
        What a drag rounds both to.
    size
        Width and height of the plane in the drawing.
    """

    place: Place
    value: tuple[float, float]
    name: str
    low: tuple[float, float]
    high: tuple[float, float]
    grain: float
    size: tuple[float, float]

    def check(self, value: object) -> tuple[float, float]:
        """Return a new value as two numbers; raise a ValueError where it is none, or outside the plane."""
        right = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))
        if not right or not all(a <= v <= b for a, v, b in zip(self.low, value, self.high, strict=True)):
            corners = " to ".join(f"({x:g}, {y:g})" for x, y in (self.low, self.high))
            raise ValueError(f"{value!r} is no {self.name}: it is a point of the plane from {corners}")
        return float(value[0]), float(value[1])


Edit = Number | Choice | Point


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: object) -> object:
    if isinstance(value, tuple):
        return [_short(number) for number in value]
    return float(f"{value:.6g}") if _is_number(value) else value
