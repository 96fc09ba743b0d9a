"""What the pictures of cells with gates share: a column for each step, a row for each gate, and the weights (chapter 11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.scenes.edits import Number
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, cell, pinned, row_name, text
from course_utils.scenes.unrolled import bracketed, given, latex_sum, mark, tint
from course_utils.scenes.wording import log_number

NUMBER = partial(Number, name="number", low=-30, high=30, grain=0.05)
WIDE, HEIGHT, GAP, LEFT, TOP, DOWN = 66, 30, 4, 112, 22, 42
MOST_STEPS, MOST_UNITS, MOST_INPUTS = 6, 2, 2
LEGEND = Legend(
    {"won": "what it is made of"},
    shade="a number, darker the farther from 0",
    words={
        **dict.fromkeys(("x", "input"), "input"),
        **dict.fromkeys(("h", "c", "state", "cell"), "state"),
        **dict.fromkeys(("i", "f", "o", "r", "z", "g", "n", "gate", "candidate"), "gate"),
        **dict.fromkeys(("dh", "dc", "dz"), "gradient"),
    },
    letters={
        **{"x": "input", "h": "state", "c": "state", "W": "weight", "b": "weight"},
        **dict.fromkeys(("i", "f", "g", "o", "r", "z", "n"), "gate"),
        **dict.fromkeys(("δ", "d"), "gradient"),
    },
)


@dataclass(frozen=True)
class Row:
    """A row of the picture: its key in the names of marks, what is written before it, its role, and its first column."""

    key: str
    name: str
    role: str
    first: int = 0


@dataclass(frozen=True)
class Value:
    """One number that comes into being: where it stands, what is said of it, and what it is made of."""

    row: str
    t: int
    k: int
    value: float
    says: str
    formula: str
    uses: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Its name in the drawing."""
        return mark(self.row, self.t, self.k)


def check_size(T: int, H: int, D: int) -> None:
    """Raise a ValueError where a run is too large to draw."""
    for name, size, most in (("steps", T, MOST_STEPS), ("units", H, MOST_UNITS), ("inputs", D, MOST_INPUTS)):
        if not 1 <= size <= most:
            raise ValueError(f"there are {size} {name}; the picture takes from 1 to {most}")


class GateTable:
    """Geometry and steps of a table of gates.

    Parameters
    ----------
    rows
        From top to bottom.
    T, H, D
        Steps, units and inputs.
    weights
        For each name a (rows, columns) matrix or a vector, whose rows are those of ``gates`` in turn, H of each.
    gates
        Names of the blocks of rows.
    """

    def __init__(
        self, rows: Sequence[Row], T: int, H: int, D: int, weights: Mapping[str, NDArray], gates: Sequence[str]
    ):
        self.rows, self.T, self.H, self.D = {row.key: (n, row) for n, row in enumerate(rows)}, T, H, D
        self.weights, self.gates = {n: w if w.ndim == 2 else w[:, None] for n, w in weights.items()}, gates
        self.first = min(row.first for row in rows)
        self.pitch = max(H, D) * (WIDE + GAP) + 34
        self.panel_top = TOP + 14 + DOWN * len(rows) + 34
        self.columns = sum(w.shape[1] for w in self.weights.values())
        self.block_wide = self.columns * (WIDE + GAP) + 50
        self.block_high = H * (HEIGHT + GAP) + 46
        self.right = LEFT + (T - self.first) * self.pitch

    # -- steps

    def play(self, board: Storyboard, values: Sequence[Value]) -> None:
        """Add a step for each value."""
        for value in values:
            now = {name: ("won", "done") for name in value.uses} | {value.mark: ("now", "done")}
            keep = {value.mark: Mark(text=log_number(value.value), level=tint(value.value))}
            board.step(value.says, value.formula, keep=keep, now=now, computes=[value.mark])

    def fill_gradients(self, board: Storyboard, gradients: Mapping[str, NDArray], says: str) -> None:
        """Add the step that fills in the gradients of all weights at once."""
        keep = {}
        for name, W in self.weights.items():
            for (r, c), value in np.ndenumerate(gradients[name].reshape(W.shape)):
                keep[f"d{name}-{r}-{c}"] = Mark(text=log_number(float(value)), level=tint(value))
        formula = r"\frac{d\mathcal{L}}{dW_x} = \sum_t \delta z_t\, x_t^T"
        board.step(says, formula, keep=keep, now={name: ("now", "done") for name in keep}, computes=list(keep))

    # -- geometry

    def place(self, row: str, t: int, k: int) -> tuple[float, float]:
        """Return the top left corner of a cell."""
        n, _ = self.rows[row]
        count = self.D if row == "x" else self.H
        middle = LEFT + (t - self.first + 0.5) * self.pitch - 17
        return middle + (k - count / 2) * (WIDE + GAP) + GAP / 2, TOP + 14 + n * DOWN

    def block(self, row: str, t: int, values: Sequence[str], label: str, **how) -> list[str]:
        """Draw the cells of a row in one column."""
        drawn, (_, what) = [], self.rows[row]
        for k, content in enumerate(values):
            x, y = self.place(row, t, k)
            own = {name: value[k] if isinstance(value, list) else value for name, value in how.items()}
            drawn.append(cell(mark(row, t, k), x, y, WIDE, HEIGHT, content=content, role=what.role, label=label.format(k=k, t=t), **own))  # fmt: skip
        return drawn

    def fixed(self, row: str, t: int, values: NDArray, label: str) -> list[str]:
        """Draw cells whose numbers are there from the beginning, and can be changed."""
        return self.block(
            row,
            t,
            [given(v) for v in values],
            label,
            state="done",
            css="cell emission",
            level=[tint(v) for v in values],
        )

    def onwards(self, row: str, t: int, back: bool = False) -> str:
        """Draw an arrow from the column before into that at t, or back."""
        x0, y = self.place(row, t - 1, self.H - 1)
        x1, _ = self.place(row, t, 0)
        start, end = (x0 + WIDE + 4, y + HEIGHT / 2), (x1 - 4, y + HEIGHT / 2)
        return arrow(f"on-{row}-{t}", *((end, start) if back else (start, end)), state="idle", size=7)

    def frame(self) -> list[str]:
        """Draw the times above the columns, and the names of the rows, which stay in sight."""
        middles = [(t, LEFT + (t - self.first + 0.5) * self.pitch - 17) for t in range(self.first, self.T)]
        times = [text(x, TOP, "start" if t < 0 else f"t = {t}", "soft") for t, x in middles]
        names = []
        for _, row in self.rows.values():
            top = self.place(row.key, max(row.first, 0), 0)[1]
            names.append(row_name(LEFT - 10, top + 20, row.name, f"small {row.role}", top=top, indent=LEFT))
        return [*times, pinned(names, LEFT - 5, self.panel_top - 24)]

    def weight_marks(self, name: str, gate: int, k: int) -> list[str]:
        """Names of the cells of one row of a matrix."""
        r = gate * self.H + k
        return [f"{name}-{r}-{c}" for c in range(self.weights[name].shape[1])]

    def panel(self, prefix: str = "", top: float | None = None) -> list[str]:
        """Draw the weights, one little matrix for each gate, two side by side; with a prefix, empty cells of gradients."""
        drawn, top = [], self.panel_top if top is None else top
        for n, gate in enumerate(self.gates):
            left, above = LEFT + n % 2 * self.block_wide, top + n // 2 * self.block_high
            drawn.append(
                text(
                    left,
                    above - 8,
                    f"{gate}, gradient" if prefix else gate,
                    f"small {'gradient' if prefix else 'gate'} name",
                    "start",
                )
            )
            for name, W in self.weights.items():
                title = f"{prefix}{name}"
                drawn.append(text(left + W.shape[1] * (WIDE + GAP) / 2 - 2, above + 10, title, "small"))
                for k in range(self.H):
                    for c in range(W.shape[1]):
                        r = n * self.H + k
                        x, y = left + c * (WIDE + GAP), above + 16 + k * (HEIGHT + GAP)
                        how = {} if prefix else {"content": given(W[r, c]), "state": "done", "css": "cell emission"}
                        label = f"{title}, {gate}, unit {k}, column {c}"
                        role = "gradient" if prefix else "weight"
                        drawn.append(cell(f"{title}-{r}-{c}", x, y, WIDE, HEIGHT, role=role, label=label, **how))
                left += W.shape[1] * (WIDE + GAP)
        return drawn

    @property
    def panel_high(self) -> float:
        """Height of all little matrices together."""
        return (len(self.gates) + 1) // 2 * self.block_high

    @property
    def wide(self) -> float:
        """Width of the drawing."""
        return max(self.right, LEFT + min(2, len(self.gates)) * self.block_wide - 30)

    def edits(self, x: NDArray, starts: Mapping[str, NDArray]) -> dict[str, Number]:
        """Let the reader change weights, inputs and what is there at the start; a place is a name and indices."""
        found = {
            f"{name}-{r}-{c}": NUMBER((name, r, c), float(value))
            for name, W in self.weights.items()
            for (r, c), value in np.ndenumerate(W)
        }
        found |= {mark("x", t, k): NUMBER(("x", t, k), float(value)) for (t, k), value in np.ndenumerate(x)}
        for name, start in starts.items():
            found |= {mark(name, -1, k): NUMBER((name, k), float(value)) for k, value in enumerate(start)}
        return found

    def table(self, title: str, tables: Mapping[str, tuple[NDArray, int]]) -> Table:
        """Write what each row holds; ``tables`` has (columns, units) for each key, and its first column."""
        header = ("", *("start" if t < 0 else f"t = {t}" for t in range(self.first, self.T)))
        rows = []
        for key, (values, first) in tables.items():
            for k in range(values.shape[1]):
                empty = [""] * (first - self.first)
                name = self.rows[key][1].key + (f"[{k}]" if values.shape[1] > 1 else "")
                rows.append((name, *empty, *(log_number(float(v)) for v in values[:, k])))
        return Table(title, header, tuple(rows))


class CellPicture:
    """What the pictures of both cells say and do alike.

    Each has ``run``, ``H``, ``title`` and ``where``, and on the way back the derivatives ``d`` of each gate by its key.
    """

    def scene(self) -> Scene:
        """Play all values, and what comes after them."""
        board = Storyboard()
        self.where.play(board, list(self.values()))
        self.end(board)
        edits = self.where.edits(self.run.x, self.starts())
        return Scene(self.title, self.drawing(), tuple(board.steps), self.numbers(), edits=edits, legend=LEGEND)

    def end(self, board: Storyboard) -> None:
        """Add what comes after the last value."""

    def unit(self, k: int) -> str:
        """Say which unit, where there are several."""
        return f" of unit {k}" if self.H > 1 else ""

    def index(self, t: int, k: int) -> str:
        """Write the index of a step, and of a unit where there are several, in LaTeX."""
        return f"{{{t}}}[{k}]" if self.H > 1 else f"{{{t}}}"

    def product(self, key: str, t: int, k: int, factors: list[tuple[str, float, str]]) -> Value:
        """Say that a derivative is a product; a factor has its name, its value and its mark."""
        value = float(self.d[key][t, k])
        numbers = " × ".join(bracketed(log_number(v)) if n else log_number(v) for n, (_, v, _) in enumerate(factors))
        names = " × ".join(name for name, _, _ in factors)
        says = f"dz_{key}{self.unit(k)} at t = {t}: {names} = {numbers} = {log_number(value)}."
        formula = rf"\delta z_{{{key}}} = {latex_sum(numbers)} = {latex_sum(log_number(value))}"
        return Value(f"d{key}", t, k, value, says, formula, tuple({m for _, _, m in factors}))
