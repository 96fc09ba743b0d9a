"""How far a derivative reaches along a cell, beside a plain network (section 11.4)."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from course_utils.scenes.plane import Plane
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.svg import document, text
from course_utils.scenes.wording import decade, number, plural, power_of_ten, raised

EVERY = 5  # steps of time for one step of the picture
DECADES = 12
SERIES = {
    "kept": ("forget gates alone", "gate ring"),
    "whole": ("cell, all ways", "state"),
    "plain": ("plain network", "gradient"),
}
LEGEND = Legend({"now": "at this distance", "done": ""})


def cell_path_scene(logs: Mapping[str, NDArray], title: str, about: str) -> Scene:
    """Show three sizes by distance, a few steps further with each step of the picture.

    Parameters
    ----------
    logs
        For "kept", "whole" and "plain" (T + 1,) natural logarithms, as of :class:`course_utils.cell_path.CellPath` and of
        :class:`course_utils.jacobians.Product`.
    title, about
        What it is of, and a sentence to end with.

    Raises
    ------
    ValueError
        A series is missing, or they are not equally long.
    """
    if set(logs) != set(SERIES) or len({len(log) for log in logs.values()}) > 1:
        raise ValueError(f"logs has {', '.join(logs)}; give kept, whole and plain, of one length")
    return _Picture({name: np.asarray(log) / math.log(10) for name, log in logs.items()}, title, about).scene()


class _Picture:
    def __init__(self, decades: dict[str, NDArray], title: str, about: str):
        self.decades, self.title, self.about = decades, title, about
        self.T = len(decades["kept"]) - 1
        every = np.concatenate([d[np.isfinite(d)] for d in decades.values()])
        high = max(0.5, float(np.ceil(every.max())))
        low = max(math.floor(float(every.min())), high - DECADES, -300)
        self.plane = Plane(64, 56, 640, 260, (0, float(min(low, high - 1))), (self.T, high))
        self.shown = list(range(0, self.T + 1, EVERY))

    def scene(self) -> Scene:
        board = Storyboard()
        for n in self.shown:
            now = {f"{name}-{n}": ("now", "done") for name in SERIES}
            board.step(self.says(n), now=now, computes=[f"whole-{n}"])
        header = ("distance", *map(str, self.shown[::4]))
        rows = tuple(
            (words, *(_size(self.decades[name][n]) for n in self.shown[::4])) for name, (words, _) in SERIES.items()
        )
        return Scene(self.title, self.drawing(), tuple(board.steps), Table(self.title, header, rows), legend=LEGEND)

    def says(self, n: int) -> str:
        if n == 0:
            return "At distance 0 each derivative is 1: that of a state by itself."
        kept, whole, plain = (_size(self.decades[name][n]) for name in SERIES)
        says = (
            f"{plural(n, 'step')} back: the forget gates leave {kept} of a change of the cell, with all ways it is {whole}, "
            f"and in the plain network {plain}."
        )
        return f"{says} {self.about}" if n == self.shown[-1] else says

    def drawing(self) -> str:
        low, high = math.ceil(self.plane.low[1]), math.floor(self.plane.high[1])
        spacing = 1 + (high - low) // 7
        ticks = [(d, decade(d)) for d in range(low, high + 1) if d % spacing == 0]
        marks = self.plane.frame("", "steps back", y_ticks=ticks)
        for n, (words, css) in enumerate(SERIES.values()):
            x = self.plane.left + 6 + 200 * n
            marks.append(f'<g class="dot {css}"><circle cx="{x}" cy="22" r="4"/></g>')
            marks.append(text(x + 10, 26, words, "small", "start"))
        for name in ("kept", "plain", "whole"):  # the last one on top, to be clicked on
            words, css = SERIES[name]
            for n in self.shown:
                value = float(self.decades[name][n])
                marks.append(
                    self.plane.dot(f"{name}-{n}", n, value, f"{words}, {plural(n, 'step')} back", css=f"dot {css}")
                )
        return document(self.plane.left + self.plane.width + 14, 372, marks, self.title)


def _size(decades: float) -> str:
    if decades == -math.inf:
        return "0"
    return (
        number(10.0**decades, 3)
        if -290 < decades < 290
        else power_of_ten(10.0 ** (decades % 1), 2) + f" · 10{raised(math.floor(decades))}"
    )
