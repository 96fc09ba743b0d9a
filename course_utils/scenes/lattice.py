"""The grid that alignments live on: frames run to the right, positions of the target run down."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from numpy.typing import NDArray

from course_utils.scenes.edits import Number
from course_utils.scenes.svg import arrow, cell, row_name
from course_utils.scenes.wording import number

TINT = 0.45  # of a probability of 1: the number can still be read
PROBABILITY = partial(Number, name="probability", low=0, high=1, grain=0.01, tint=TINT)


@dataclass(frozen=True)
class Lattice:
    """Where cells and arrows lie.

    Attributes
    ----------
    left, top
        Corner of cell (t=0, i=0).
    width, height
        Size of a cell.
    across, down
        Distance from one cell to the next, at least its size; what is left over is room for arrows.
    """

    left: float
    top: float
    width: float
    height: float
    across: float
    down: float

    def corner(self, t: int, i: int) -> tuple[float, float]:
        """Upper left corner of a cell."""
        return self.left + t * self.across, self.top + i * self.down

    def centre(self, t: int, i: int) -> tuple[float, float]:
        """Middle of a cell."""
        x, y = self.corner(t, i)
        return x + self.width / 2, y + self.height / 2

    def cell(
        self, name: str, t: int, i: int, *, content: str = "", state: str = "idle", css: str = "cell", **more
    ) -> str:
        """Draw one cell with a box, a tint and a slot for its number."""
        x, y = self.corner(t, i)
        return cell(name, x, y, self.width, self.height, content=content, state=state, css=css, **more)

    def arrow(self, name: str, t: int, i: int, *, advance: bool, state: str = "hidden") -> str:
        """Draw the arrow into cell (t, i), from position i − 1 if ``advance``, else from i."""
        x, y = self.corner(t, i)
        if not advance:
            start, end = (x - self.across + self.width + 2, y + self.height / 2), (x - 3, y + self.height / 2)
        else:
            start = (x - self.across + self.width + 2, y - self.down + self.height + 2)
            end = (x - 3, y - 3)
        return arrow(name, start, end, state)


def probability_cells(where: Lattice, y: NDArray, symbols: Sequence[str], columns: Sequence[int]) -> list[str]:
    """Draw some columns of the (T, A) probabilities ``y``, one a row: marks y-t-column."""
    return [
        where.cell(
            f"y-{t}-{k}", t, row, content=number(float(p), 3), state="done", css="cell emission", role="output",
            level=TINT * float(p), label=f"probability of {symbols[k]} at frame {t}",
        )
        for row, k in enumerate(columns)
        for t, p in enumerate(y[:, k])
    ]  # fmt: skip


def probability_names(where: Lattice, symbols: Sequence[str], columns: Sequence[int], x: float) -> list[str]:
    """Write the name of each row that :func:`probability_cells` draws, up to ``x``."""
    return [
        row_name(
            x,
            where.centre(0, row)[1] + 5,
            f"y({symbols[k]})",
            "small output",
            top=where.corner(0, row)[1],
            indent=where.left,
        )
        for row, k in enumerate(columns)
    ]


def probability_edits(y: NDArray, columns: Sequence[int]) -> dict[str, Number]:
    """Let the reader change what :func:`probability_cells` draws; the place of one is (frame, column)."""
    return {f"y-{t}-{k}": PROBABILITY((t, k), float(y[t, k])) for k in columns for t in range(len(y))}
