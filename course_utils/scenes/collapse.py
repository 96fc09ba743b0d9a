"""Collapsing an alignment as a picture, in two stages that can be watched in either order (section 9.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from course_utils.ctc import collapse
from course_utils.scenes.lattice import Lattice, cell
from course_utils.scenes.scene import Scene, Storyboard, Table, document, pinned, text

Order = Literal["merge first", "blanks first"]
LONGEST = 40


def collapse_scene(path: Sequence[str], blank: str = "-", order: Order = "merge first") -> Scene:
    """Merge equal neighbours and remove blanks, run by run, in the order asked for.

    Parameters
    ----------
    path
        T symbols, one a frame, at least one and at most 40.
    blank
        The symbol that is the blank.
    order
        "merge first" is the collapse of CTC; "blanks first" shows what the other order loses.

    Raises
    ------
    ValueError
        ``path`` is empty or too long to draw, or ``order`` is none of the two.
    """
    if order not in ("merge first", "blanks first"):
        raise ValueError(f"order is {order!r}; choose 'merge first' or 'blanks first'")
    if not 1 <= len(path) <= LONGEST:
        raise ValueError(f"path has {len(path)} frames; the picture takes from 1 to {LONGEST}")
    path, blank = [str(symbol) for symbol in path], str(blank)
    wide = max(map(len, path)) > 2
    rows = CollapseRows(path, blank, order, Lattice(110, 44, 64 if wide else 40, 38, 70 if wide else 46, 74))
    board = Storyboard()
    rows.play(board)
    title = f"Collapsing {' '.join(path)}, {order}"
    marks = [text(rows.where.centre(t, 0)[0], 26, str(t), "soft") for t in range(len(path))]
    names = [text(98, 26, "t =", "soft", "end")]
    for row, name in enumerate(("alignment", *(("merged", "string") if rows.merge_first else ("no blanks", "merged")))):
        names.append(text(98, rows.where.centre(0, row)[1] + 5, name, "small", "end"))
    height = rows.where.corner(0, 2)[1] + 50
    width = max(rows.where.corner(len(path), 0)[0] + 4, 220)
    svg = document(width, height, [*marks, *rows.drawing(), pinned(names, 104, height)], title)
    return Scene(title, svg, tuple(board.steps), rows.numbers(title))


@dataclass(frozen=True)
class Run:
    """Equal symbols that count as one, and the frames from the first to the last of them."""

    symbol: str
    first: int
    last: int


class CollapseRows:
    """Three rows of cells: the alignment, what the first stage leaves of it, what the second leaves of that.

    A cell below spans the frames that it stands for. ``where`` places the first row; its ``down`` parts the rows.
    """

    def __init__(self, path: Sequence[str], blank: str, order: Order, where: Lattice):
        self.path, self.blank, self.where = [str(symbol) for symbol in path], str(blank), where
        self.merge_first = order == "merge first"
        frames = [Run(symbol, t, t) for t, symbol in enumerate(self.path)]
        stages = [self.merge, self.remove] if self.merge_first else [self.remove, self.merge]
        self.rows = [frames]
        for stage in stages:
            self.rows.append([run for run, _ in stage(self.rows[-1]) if run])

    def merge(self, runs: list[Run]) -> list[tuple[Run, list[Run]]]:
        """Pair each run of equal neighbours with what goes into it."""
        merged = []
        for symbol, group in groupby(runs, key=lambda run: run.symbol):
            parts = list(group)
            merged.append((Run(symbol, parts[0].first, parts[-1].last), parts))
        return merged

    def remove(self, runs: list[Run]) -> list[tuple[Run | None, list[Run]]]:
        """Pair each symbol with itself, and each blank with nothing."""
        return [(None if run.symbol == self.blank else run, [run]) for run in runs]

    @property
    def string(self) -> str:
        """What is left in the end."""
        return self._join(run.symbol for run in self.rows[-1])

    def _join(self, symbols) -> str:
        between = "" if all(len(symbol) == 1 for symbol in self.path) else " "
        return f"“{spelled}”" if (spelled := between.join(symbols)) else "the empty string"

    def play(self, board: Storyboard) -> None:
        """Add the steps of both stages."""
        for row in (0, 1):
            if (row == 0) == self.merge_first:
                self._play_merging(board, row)
            else:
                self._play_removing(board, row)
        says = f"What is left spells {self.string}."
        right = self._join(collapse(self.path, self.blank))
        if right != self.string:
            says += (
                f" Merging first would have given {right}: the blanks were gone before they could keep letters apart."
            )
        board.step(says, now={self.mark(2, run): ("path", "path") for run in self.rows[2]})

    def _play_merging(self, board: Storyboard, row: int) -> None:
        stage = f"Stage {row + 1}, merge. "
        for run, parts in self.merge(self.rows[row]):
            if len(parts) == 1:
                says = f"“{run.symbol}” at {self._frames(run)} has no equal neighbour and stays."
            else:
                says = f"{len(parts)} times “{run.symbol}”, {self._frames(run)}, becomes one “{run.symbol}”."
                if run.last - run.first + 1 > len(parts) and not self.merge_first:
                    says += " There was a blank between, but it is gone."
            self._show(board, row, stage + says, run, parts)
            stage = ""

    def _play_removing(self, board: Storyboard, row: int) -> None:
        stage = f"Stage {row + 1}, remove blanks. "
        for run, parts in self.remove(self.rows[row]):
            if run is None:
                says = f"“{self.blank}” at {self._frames(parts[0])} is the blank and goes."
            else:
                says = f"“{run.symbol}” at {self._frames(run)} stays."
            self._show(board, row, stage + says, run, parts)
            stage = ""

    def _show(self, board: Storyboard, row: int, says: str, run: Run | None, parts: list[Run]) -> None:
        left = "done" if run else "off"
        now = {self.mark(row, part): ("now", left) for part in parts}
        if run:
            now[self.mark(row + 1, run)] = ("won", "done")
        board.step(says, now=now, computes=[self.mark(row + 1, run)] if run else [])

    def _frames(self, run: Run) -> str:
        return f"t = {run.first}" if run.first == run.last else f"t = {run.first} to {run.last}"

    def mark(self, row: int, run: Run) -> str:
        """Name the cell of a run in one of the three rows."""
        return f"collapse-{row}-{run.first}"

    def drawing(self, first_row: str = "idle") -> list[str]:
        """Draw all three rows, the upper one in the state ``first_row``, the lower two hidden."""
        drawn = []
        for row, runs in enumerate(self.rows):
            for run in runs:
                x, y = self.where.corner(run.first, row)
                width = self.where.corner(run.last, row)[0] - x + self.where.width
                drawn.append(
                    cell(
                        self.mark(row, run), x, y, width, self.where.height, content=run.symbol,
                        state=first_row if row == 0 else "hidden", label=f"{run.symbol}, {self._frames(run)}",
                    )
                )  # fmt: skip
        return drawn

    def numbers(self, title: str) -> Table:
        """Return the three rows as a table, a column a frame."""
        rows = []
        for name, runs in zip(("alignment", "after stage 1", "after stage 2"), self.rows, strict=True):
            at = {run.first: run.symbol for run in runs}
            rows.append((name, *(at.get(t, "") for t in range(len(self.path)))))
        header = ("t", *(str(t) for t in range(len(self.path))))
        return Table(f"{title}: {self.string}", header, tuple(rows))
