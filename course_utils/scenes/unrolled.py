"""What both pictures of an unrolled recurrent network share: where its cells stand, and how its sums are written."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.rnn import ForwardPass
from course_utils.scenes.edits import Number
from course_utils.scenes.scene import Legend
from course_utils.scenes.svg import arrow, cell, pinned, row_name, text
from course_utils.scenes.wording import latex_number, log_number, number

NUMBER = partial(Number, name="number", low=-5, high=5, grain=0.05)
MOST_STEPS, MOST_UNITS = 8, 3
WIDE, HEIGHT, GAP, LEFT, TOP = 66, 30, 4, 92, 22
WEIGHTS = ("W_xh", "W_hh", "b_h", "W_hy", "b_y")
ROLES = {
    **dict.fromkeys(("x", "bits"), "input"),
    **dict.fromkeys(("h", "carry"), "state"),
    **dict.fromkeys(("out", "y"), "output"),
    **dict.fromkeys((*WEIGHTS, "weights"), "weight"),
    **dict.fromkeys(("do", "direct", "future", "delta", "dz", "adds", "gradients"), "gradient"),
}
LEGEND = Legend(
    {"won": "what it is made of", "path": "the right symbol"},
    shade="a number, darker the farther from 0",
    words={
        **dict.fromkeys(("x", "input", "inputs"), "input"),
        **dict.fromkeys(("h", "state", "Unit"), "state"),
        **dict.fromkeys(("y", "o", "Outputs", "Output", "outputs"), "output"),
        **dict.fromkeys((*WEIGHTS, "bias"), "weight"),
        **dict.fromkeys(("delta", "dz", "dL/do", "dW_hh", "dW_xh", "dW_hy", "db_h"), "gradient"),
    },
    letters={
        **{"x": "input", "h": "state", "y": "output", "o": "output", "W": "weight", "b": "weight"},
        **dict.fromkeys(("δ", "d", "L"), "gradient"),
    },
)


def check_size(forward: ForwardPass) -> None:
    """Raise a ValueError where a pass is too large to draw."""
    net, x = forward.net, forward.x
    sizes = {"inputs": net.W_xh.shape[1], "units": len(net.W_hh), "outputs": len(net.W_hy)}
    for name, size in sizes.items():
        if size > MOST_UNITS:
            raise ValueError(f"the network has {size} {name}; the picture takes at most {MOST_UNITS}")
    if x.ndim != 2 or not 1 <= len(x) <= MOST_STEPS:
        raise ValueError(f"x has shape {x.shape}; the picture takes a single sequence of 1 to {MOST_STEPS} steps")


class Unrolled:
    """Geometry: a column for each time, its cells side by side in rows, and the weights below as small matrices.

    Parameters
    ----------
    forward
        The network on a single sequence.
    rows
        Of the picture from top to bottom: a name, how many cells one column has there, and the first time at which
        there is a column, −1 for the initial state or 0.
    wide
        Width of a cell.
    """

    def __init__(self, forward: ForwardPass, rows: Sequence[tuple[str, int, int]], wide: float):
        self.forward, self.net, self.wide = forward, forward.net, wide
        self.T, self.rows = len(forward.x), {name: (n, count) for n, (name, count, _) in enumerate(rows)}
        self.first = min(first for _, _, first in rows)
        self.pitch = max(count for _, count, _ in rows) * (wide + GAP) + 34
        self.down = HEIGHT + 22
        self.panel_top = TOP + 22 + self.down * len(rows) + 18
        self.right = LEFT + (self.T - self.first) * self.pitch

    def place(self, row: str, t: int, k: int) -> tuple[float, float]:
        """Return the top left corner of cell k at time t."""
        n, count = self.rows[row]
        middle = LEFT + (t - self.first + 0.5) * self.pitch - 17
        return middle + (k - count / 2) * (self.wide + GAP) + GAP / 2, TOP + 14 + n * self.down

    def block(self, row: str, t: int) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of all cells of a row at time t."""
        _, count = self.rows[row]
        left, top = self.place(row, t, 0)
        return left, top, left + count * (self.wide + GAP) - GAP, top + HEIGHT

    def cells(self, row: str, t: int, values: Sequence[str], labels: str, **how) -> list[str]:
        """Draw the cells of one block, marks row-t-k; ``how`` goes to each cell, lists of it cell by cell."""
        drawn = []
        for k, content in enumerate(values):
            x, y = self.place(row, t, k)
            own = {name: value[k] if isinstance(value, list | np.ndarray) else value for name, value in how.items()}
            drawn.append(cell(mark(row, t, k), x, y, self.wide, HEIGHT, content=content, role=ROLES.get(row, ""), label=labels.format(k=k, t=t), **own))  # fmt: skip
        return drawn

    def upwards(self, name: str, below: str, above: str, t: int, down: bool = False) -> str:
        """Draw an arrow between two blocks of one column."""
        left, top, right, _ = self.block(below, t)
        middle, bottom = (left + right) / 2, self.block(above, t)[3]
        start, end = (middle, top - 3), (middle, bottom + 4)
        return arrow(name, *((end, start) if down else (start, end)), state="idle", size=7)

    def onwards(self, name: str, row: str, t: int, back: bool = False) -> str:
        """Draw an arrow from the block of the column before into that at t, or back."""
        _, top, right, bottom = self.block(row, t - 1)
        left, middle = self.block(row, t)[0], (top + bottom) / 2
        start, end = (right + 4, middle), (left - 4, middle)
        return arrow(name, *((end, start) if back else (start, end)), state="idle", size=7)

    def names(self, names: dict[str, str], panels: Sequence[str]) -> str:
        """Draw the names of the rows and of the rows of matrices, which stay in sight."""
        at = [(row, name, self.place(row, self.first, 0)[1]) for row, name in names.items()]
        at += [(name, name, self.panel_top + n * self.panel_height + 18) for n, name in enumerate(panels)]
        drawn = [
            row_name(
                LEFT - 10,
                top + 20,
                name,
                f"small {ROLES.get(row, '')}".rstrip(),
                top=top - 20 * (row in panels),
                indent=LEFT,
            )
            for row, name, top in at
        ]
        return pinned(drawn, LEFT - 5, self.panel_top + len(panels) * self.panel_height)

    def times(self) -> list[str]:
        """Draw the times above the columns."""
        middles = [(t, LEFT + (t - self.first + 0.5) * self.pitch - 17) for t in range(self.first, self.T)]
        return [text(x, TOP, "start" if t < 0 else f"t = {t}", "soft") for t, x in middles]

    def panel(self, gradients: bool = False) -> list[str]:
        """Draw the five weights, which can be edited, or below them the cells of their gradients, as small matrices."""
        drawn, left, top = [], LEFT, self.panel_top + gradients * self.panel_height
        for name in (*WEIGHTS, "h_init") if gradients else WEIGHTS:
            values = self.net.parameters[name]
            values = values if values.ndim == 2 else values[None] if name == "h_init" else values[:, None]
            title, role = (f"d{name}", "gradient") if gradients else (name, "weight")
            drawn.append(text(left + values.shape[1] * (WIDE + GAP) / 2, top + 8, title, f"small {role}"))
            for (r, c), value in np.ndenumerate(values):
                how = {
                    "css": "cell emission",
                    "state": "done",
                    "content": given(value),
                }
                x, y = left + c * (WIDE + GAP), top + 18 + r * (HEIGHT + GAP)
                label = f"{title}, row {r}, column {c}"
                drawn.append(
                    cell(f"{title}-{r}-{c}", x, y, WIDE, HEIGHT, role=role, label=label, **({} if gradients else how))
                )
            left += values.shape[1] * (WIDE + GAP) + 26
        return drawn

    def edits(self) -> dict[str, Number]:
        """Let the reader change weights, inputs and the initial state; a place is a name and indices."""
        found = {}
        for name, values in {**self.net.parameters, "x": self.forward.x}.items():
            for at, value in np.ndenumerate(values):
                row, column = at if len(at) == 2 else (-1, *at) if name == "h_init" else (*at, 0)
                found[mark("h" if name == "h_init" else name, row, column)] = NUMBER((name, *at), float(value))
        return found

    @property
    def panel_height(self) -> float:
        """Height of one row of matrices."""
        return max(len(self.net.W_hh), len(self.net.W_hy)) * (HEIGHT + GAP) + 30

    def panel_right(self, gradients: bool = False) -> float:
        """Right end of the matrices."""
        matrices = [value for name, value in self.net.parameters.items() if gradients or name != "h_init"]
        columns = sum(1 if value.ndim == 1 else value.shape[1] for value in matrices)
        columns += gradients * (len(self.net.W_hh) - 1)  # the initial state lies on its side
        return LEFT + columns * (WIDE + GAP) + (len(matrices) - 1) * 26


def mark(row: str, t: int, k: int) -> str:
    """Name a cell of the drawing."""
    return f"{row}-{t}-{k}"


def added(terms: Sequence[tuple[float, str | None]]) -> str:
    """Write a sum of products with its numbers, such as 0.1 + 0.5 × 1 − 0.3 × 0.

    A term is a weight and what it is multiplied with, as written; None is a factor of 1 that is not written.
    """
    written = ""
    for weight, factor in terms:
        size = given(abs(float(weight)))
        if factor is not None:
            size += f" × {bracketed(factor)}"
        if not written:
            written = f"−{size}" if weight < 0 else size
        else:
            written += f" {'−' if weight < 0 else '+'} {size}"
    return written


def given(value: float) -> str:
    """Write a number that was given, not computed: as short as it is, and a whole one in full."""
    value = float(value)
    return f"{value:.0f}".replace("-", "−") if value == round(value) and abs(value) < 1e6 else number(value, 3)


def products(weights: NDArray, values: NDArray, say=log_number) -> list[tuple[float, str]]:
    """Pair weights with values as :func:`added` takes them, each value written by ``say``."""
    return [(w, say(float(v))) for w, v in zip(weights, values, strict=True)]


def bracketed(written: str) -> str:
    """Put a negative number in brackets, as it stands behind a sign of multiplication or addition."""
    return f"({written})" if written.startswith("−") else written


def latex_vector(values: NDArray, say=log_number) -> str:
    """Write a column vector in LaTeX, each number written by ``say``."""
    inside = r" \\ ".join(latex_sum(say(float(v))) for v in values)
    return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


def latex_sum(written: str) -> str:
    """Turn numbers and sums as they are written into LaTeX."""
    return " ".join(r"\cdot" if part == "×" else _latex_part(part) for part in written.split(" "))


def _latex_part(part: str) -> str:
    return f"({latex_number(part[1:-1])})" if part.startswith("(") else latex_number(part)


def tint(value: float) -> float:
    """How dark a number is tinted: by its size, wherever its sign."""
    return 0.45 * min(abs(float(value)), 1.0)
