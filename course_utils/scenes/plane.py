"""A plane with two axes: curves and dots at the numbers they stand for."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from course_utils.scenes.svg import text
from course_utils.scenes.wording import number


@dataclass(frozen=True)
class Plane:
    """Where numbers lie in a drawing.

    Attributes
    ----------
    left, top, width, height
        Of the plane, in the units of the drawing.
    low, high
        (x, y) of its lower left and its upper right corner.
    """

    left: float
    top: float
    width: float
    height: float
    low: tuple[float, float]
    high: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is drawn."""
        share = (x - self.low[0]) / (self.high[0] - self.low[0]), (y - self.low[1]) / (self.high[1] - self.low[1])
        return self.left + self.width * share[0], self.top + self.height * (1 - share[1])

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return all(a <= v <= b for a, v, b in zip(self.low, (x, y), self.high, strict=True))

    def ticks(self, axis: int, most: int = 6) -> list[float]:
        """Return round numbers along an axis."""
        low, high = self.low[axis], self.high[axis]
        size = 10 ** math.floor(math.log10((high - low) / most))
        spacing = next(s * size for s in (1, 2, 5, 10) if (high - low) / (s * size) <= most)
        first, last = math.ceil(low / spacing - 1e-9), math.floor(high / spacing + 1e-9)
        return [round(n * spacing, 12) for n in range(first, last + 1)]

    def frame(
        self,
        name: str = "",
        across: str = "",
        *,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[tuple[float, str]] | None = None,
        grid: bool = True,
    ) -> list[str]:
        """Draw the axes: the name above the plane, ``across`` below it; the ticks may have words of their own."""
        bottom, right = self.top + self.height, self.left + self.width
        drawn = [f'<path class="axis" fill="none" d="M{self.left:g} {self.top:g}V{bottom:g}H{right:g}"/>']
        if name:
            drawn.append(text(self.left, self.top - 12, name, "small name", "start"))
        if across:
            drawn.append(text(self.left + self.width / 2, bottom + 36, across, "soft"))
        for value in self.ticks(0) if x_ticks is None else x_ticks:
            drawn.append(text(self.at(value, 0)[0], bottom + 17, number(value, 3), "soft"))
        for value, words in [(v, number(v, 3)) for v in self.ticks(1)] if y_ticks is None else y_ticks:
            y = self.at(0, value)[1]
            drawn.append(text(self.left - 7, y + 4, words, "soft", "end"))
            if grid and y < bottom - 1:
                drawn.append(
                    f'<path class="axis" fill="none" stroke-opacity="0.3" d="M{self.left:g} {y:.1f}H{right:g}"/>'
                )
        return drawn

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """Return the path of a curve, as far as it lies inside: a piece that leaves the plane ends at its edge."""
        pieces, before = [], None
        for point in points:
            if before is not None and all(map(math.isfinite, (*before, *point))):
                inside = self._clipped(before, point)
                if inside:
                    (x0, y0), (x1, y1) = (self.at(*end) for end in inside)
                    start = f"{x0:.1f} {y0:.1f}"
                    if not pieces or pieces[-1] != start:
                        pieces += ["M", start]
                    pieces += ["L", f"{x1:.1f} {y1:.1f}"]
            before = point
        return "".join(pieces)

    def _clipped(self, a, b):
        """Return the part of a straight piece that lies inside (Liang and Barsky 1984), or None."""
        first, last = 0.0, 1.0
        for axis in (0, 1):
            step = b[axis] - a[axis]
            for sign, room in ((-1, a[axis] - self.low[axis]), (1, self.high[axis] - a[axis])):
                if sign * step == 0:
                    if room < 0:
                        return None
                elif sign * step > 0:
                    last = min(last, room / (sign * step))
                else:
                    first = max(first, room / (sign * step))
        if first > last:
            return None
        return tuple(tuple(a[k] + share * (b[k] - a[k]) for k in (0, 1)) for share in (first, last))

    def curve(self, points: Iterable[tuple[float, float]], css: str = "axis", name: str = "", state: str = "") -> str:
        """Draw a curve; with a name it is a mark."""
        shape = f'<path class="{css}" fill="none" d="{self.path(points)}"/>'
        return f'<g data-mark="{name}" data-state="{state}">{shape}</g>' if name else shape

    def dot(self, name: str, x: float, y: float, label: str, state: str = "hidden", css: str = "dot") -> str:
        """Draw a dot, a mark; nothing where it lies outside."""
        shape = ""
        if self.holds(x, y):
            cx, cy = self.at(x, y)
            shape = f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3.5"/>'
        return f'<g class="{css}" data-mark="{name}" data-state="{state}" aria-label="{label}">{shape}</g>'
