"""The grid that alignments live on: frames run to the right, positions of the target run down."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from numpy.typing import NDArray

from course_utils.scenes.scene import Edit, number, text

PROBABILITY = Edit("probability", 0, 1, 0.01)


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


def names_of_columns(symbols: Sequence[str], table: NDArray, name: str) -> Sequence[str]:
    """Return the names of the columns of a (T, A) table; raise a ValueError where there are too few, or two alike."""
    if len(symbols) < table.shape[1]:
        raise ValueError(
            f"symbols has {len(symbols)} names, but {name} has {table.shape[1]} columns: name every column"
        )
    names = symbols[: table.shape[1]]
    for k, one in enumerate(names):
        if one in names[:k]:
            raise ValueError(f"symbols has the name {one!r} twice; every column of {name} needs one of its own")
    return names


def probability_cells(where: Lattice, y: NDArray, symbols: Sequence[str], columns: Sequence[int]) -> list[str]:
    """Draw some columns of the (T, A) probabilities ``y``, one a row, as numbers to change: marks y-t-column."""
    return [
        where.cell(
            f"y-{t}-{k}", t, row, content=number(float(p), 3), state="done", css="cell emission",
            level=0.45 * float(p), edit=float(p), label=f"probability of {symbols[k]} at frame {t}",
        )
        for row, k in enumerate(columns)
        for t, p in enumerate(y[:, k])
    ]  # fmt: skip


def cell(
    name: str,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    content: str = "",
    state: str = "idle",
    css: str = "cell",
    level: float = 0.0,
    edit: float | None = None,
    label: str = "",
) -> str:
    """Draw a box with a tint behind it and a slot for its number."""
    editable = "" if edit is None else f' data-edit="{edit:g}"'
    described = f' aria-label="{escape(label)}"' if label else ""
    return (
        f'<g class="{css}" data-mark="{escape(name)}" data-state="{state}"{editable}{described}>'
        f'<rect class="paper" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        f'<rect class="tint" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill-opacity="{level:.3g}"/>'
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        + text(x + width / 2, y + height / 2 + 5, content, "slot")
        + "</g>"
    )


def arrow(
    name: str, start: tuple[float, float], end: tuple[float, float], state: str = "hidden", size: float = 8
) -> str:
    """Draw an arrow of a shaft and a head. The head is part of it: a marker would need a DOM id."""
    (x0, y0), (x1, y1) = start, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    bx, by = x1 - size * ux, y1 - size * uy
    half = size * 0.55
    head = f"M{x1:.1f} {y1:.1f}L{bx - half * uy:.1f} {by + half * ux:.1f}L{bx + half * uy:.1f} {by - half * ux:.1f}z"
    return (
        f'<g class="arrow" data-mark="{escape(name)}" data-state="{state}">'
        f'<path class="shaft" d="M{x0:.1f} {y0:.1f}L{bx:.1f} {by:.1f}"/><path class="head" d="{head}"/></g>'
    )
