"""Gradient descent over the error of one unit, with and without clipping (section 10.8)."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from course_utils.cliff import Cliff, Descent
from course_utils.scenes.edits import Point
from course_utils.scenes.plane import Plane
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import document, text
from course_utils.scenes.wording import decade, number, plural

SHADES = 9
LEAST, MOST = -3.0, 6.0  # decades of what is drawn over the steps
HUES = {"plain": "gradient", "clipped": "state"}
NAMES = {"plain": "not clipped", "clipped": "clipped"}
LEGEND = Legend({"now": "at this step", "done": ""}, shade="a larger error")


def cliff_scene(
    surface: Cliff, corners: tuple[tuple[float, float], tuple[float, float]], descents: Mapping[str, Descent], how: str
) -> Scene:
    """Lay two descents over the surface of errors.

    Parameters
    ----------
    surface
        Errors on a grid, (rows, columns): biases from the lowest on, and weights.
    corners
        (w, b) of its lower left and its upper right corner.
    descents
        "plain" and "clipped", from one start and of one length. The start can be moved.
    how
        How the second one is clipped, in words, such as "by norm, to 1".

    Raises
    ------
    ValueError
        The descents do not begin alike or are not equally long.
    """
    plain, clipped = descents["plain"], descents["clipped"]
    if len(plain.points) != len(clipped.points) or (plain.points[0] != clipped.points[0]).any():
        raise ValueError("the two descents do not begin alike, or are not equally long; run both from one start")
    return _Picture(surface, corners, dict(descents), how).scene()


class _Picture:
    def __init__(self, surface: Cliff, corners, descents: dict[str, Descent], how: str):
        self.surface, self.descents, self.how = surface, descents, how
        self.T = len(descents["plain"].points) - 1
        self.plane = Plane(56, 56, 400, 330, *corners)
        self.log_errors = {kind: _decades(d.errors) for kind, d in descents.items()}
        self.log_lengths = {kind: _decades(np.linalg.norm(d.gradients, axis=1)) for kind, d in descents.items()}
        self.curves = self.over_steps(56, self.log_errors)
        self.lengths = self.over_steps(250, self.log_lengths)

    def over_steps(self, top: float, logs: dict[str, NDArray]) -> Plane:
        """Return the plane of something over the steps, on a logarithmic axis."""
        every = np.concatenate(list(logs.values()))
        low, high = np.floor(every.min()), np.ceil(every.max())
        return Plane(516, top, 240, 136, (0, float(low)), (self.T, float(max(high, low + 1))))

    def scene(self) -> Scene:
        board = Storyboard()
        for n in range(self.T + 1):
            now = {
                f"{kind}-{name}-{n}": ("now", "done") for kind in self.descents for name in ("at", "error", "length")
            }
            keep = {f"{kind}-way-{n}": Mark("done") for kind in self.descents} if n else {}
            board.step(self.says(n), keep=keep, now=now, computes=[f"clipped-error-{n}", f"clipped-length-{n}"])
        title = f"Two descents over the cliff: one clipped {self.how}, one not"
        w, b = (float(v) for v in self.descents["plain"].points[0])
        size = (self.plane.width, self.plane.height)
        edits = {"start": Point(("start",), (w, b), "start", self.plane.low, self.plane.high, 0.01, size)}
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), edits=edits, legend=LEGEND)

    # -- what is said

    def says(self, n: int) -> str:
        if n == 0:
            w, b = (number(float(v), 4) for v in self.descents["plain"].points[0])
            error = number(float(self.descents["plain"].errors[0]), 4)
            return f"Both begin at w = {w}, b = {b}, where the error is {error}."
        parts = [f"{NAMES[kind]}, {self.part(descent, n)}" for kind, descent in self.descents.items()]
        says = f"Step {n}: {'; '.join(parts)}."
        if n == self.T:
            says += " " + self.verdict()
        return says

    def part(self, descent: Descent, n: int) -> str:
        """Say what one step of one descent has done."""
        length, error = float(np.linalg.norm(descent.gradients[n - 1])), number(float(descent.errors[n]), 3)
        was = f"a gradient of length {number(length, 3)}"
        if descent.clipped[n - 1]:
            was += f", cut to {number(float(np.linalg.norm(descent.applied[n - 1])), 3)}"
        where = "" if self.plane.holds(*descent.points[n]) else ", outside of the picture"
        return f"{was}, and then the error {error}{where}"

    def verdict(self) -> str:
        clipped = int(self.descents["clipped"].clipped.sum())
        best = {NAMES[kind]: number(float(d.errors.min()), 3) for kind, d in self.descents.items()}
        lowest = ", ".join(f"{error} {name}" for name, error in best.items())
        return f"{clipped} of {plural(self.T, 'step')} {'was' if clipped == 1 else 'were'} clipped. The lowest errors on the way: {lowest}."

    # -- what is drawn

    def drawing(self, title: str) -> str:
        marks = [*self.shades(), *self.plane.frame("", "weight w", grid=False)]
        marks.append(text(self.plane.left - 40, self.plane.top - 12, "bias b", "soft", "start"))
        for n, (kind, hue) in enumerate(HUES.items()):
            x = self.plane.left + 40 + 150 * n
            marks.append(
                f'<g class="dot {hue}{" ring" if kind == "plain" else ""}"><circle cx="{x}" cy="20" r="4"/></g>'
            )
            words = NAMES[kind] if kind == "plain" else f"{NAMES[kind]} {self.how}"
            marks.append(text(x + 10, 24, words, "small", "start"))
        marks += self.curves.frame("error", "", y_ticks=_ticks(self.curves))
        marks += self.lengths.frame("length of the gradient", "step", y_ticks=_ticks(self.lengths))
        for kind, descent in self.descents.items():
            marks += self.marks_of(kind, descent)
        x, y = self.plane.at(*self.descents["plain"].points[0])
        marks.append(
            f'<g data-mark="start" data-state="done" aria-label="start"><circle class="ink" cx="{x:.1f}" cy="{y:.1f}" r="7"/></g>'
        )
        return document(self.curves.left + self.curves.width + 12, 438, marks, title)

    def shades(self) -> list[str]:
        """Draw the errors as rectangles, runs of one shade together: the shade goes with the root of the error."""
        rows, columns = self.surface.error.shape
        root = np.sqrt(self.surface.error)
        levels = np.minimum(np.rint(SHADES * root / root.max()), SHADES).astype(int)
        width, height = self.plane.width / columns, self.plane.height / rows
        paths = {level: [] for level in range(1, SHADES + 1)}
        for r, row in enumerate(levels):
            y = self.plane.top + self.plane.height - (r + 1) * height
            edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), columns]
            for first, last in pairwise(edges):
                if row[first]:
                    x, wide = self.plane.left + first * width, (last - first) * width
                    paths[int(row[first])].append(f"M{x:.1f} {y:.1f}h{wide:.1f}v{height + 0.3:.1f}h-{wide:.1f}z")
        return [
            f'<path class="shade" fill-opacity="{0.07 * level:.2f}" d="{"".join(pieces)}"/>'
            for level, pieces in paths.items()
            if pieces
        ]

    def marks_of(self, kind: str, descent: Descent) -> list[str]:
        drawn, css = [], f"dot {HUES[kind]}{' ring' if kind == 'plain' else ''}"
        for n, (w, b) in enumerate(descent.points.tolist()):
            if n:
                way = self.plane.curve(
                    descent.points[n - 1 : n + 1].tolist(), f"curve {HUES[kind]}", f"{kind}-way-{n}", "hidden"
                )
                drawn.append(way)
            step = f"{NAMES[kind]}, step {n}"
            drawn.append(self.plane.dot(f"{kind}-at-{n}", w, b, step, css=css))
            error = float(self.log_errors[kind][n])
            drawn.append(self.curves.dot(f"{kind}-error-{n}", n, error, f"error, {step}", css=css))
            length = float(self.log_lengths[kind][n])
            drawn.append(self.lengths.dot(f"{kind}-length-{n}", n, length, f"length of the gradient, {step}", css=css))
        return drawn

    def table(self, title: str) -> Table:
        chosen = [n for n in (0, 1, 2, 3, 5, 10, 20, 40, 60) if n <= self.T]
        rows = tuple(
            (f"error, {NAMES[kind]}", *(number(float(d.errors[n]), 3) for n in chosen))
            for kind, d in self.descents.items()
        )
        return Table(title, ("step", *map(str, chosen)), rows)


def _decades(values: NDArray) -> NDArray[np.float64]:
    """Return decimal logarithms; what is too small or too large for the picture lies at its edge."""
    with np.errstate(divide="ignore"):
        return np.clip(np.log10(values), LEAST, MOST)


def _ticks(plane: Plane) -> list[tuple[float, str]]:
    decades = range(int(plane.low[1]), int(plane.high[1]) + 1)
    spacing = 1 + len(decades) // 5
    return [(d, decade(d)) for d in decades if d % spacing == 0]
