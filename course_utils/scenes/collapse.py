"""Collapsing an alignment as a picture, in two stages that can be watched in either order (section 9.2)."""

from collections.abc import Callable, Iterable

from course_utils.collapsing import Change, Collapse, Stretch
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.svg import cell, document, pinned, row_name, text

MOST_FRAMES = 40


def collapse_scene(collapse: Collapse) -> Scene:
    """Show how equal neighbours are merged and blanks removed, stretch by stretch.

    Parameters
    ----------
    collapse
        Of at least one frame and at most 40. Its symbols are shown as they are.

    Raises
    ------
    ValueError
        There is no frame, or there are too many to draw.
    """
    T = len(collapse.alignment)
    if not 1 <= T <= MOST_FRAMES:
        raise ValueError(f"path has {T} frames; the picture takes from 1 to {MOST_FRAMES}")
    path = [str(symbol) for symbol in collapse.alignment]
    wide = max(map(len, path)) > 2
    rows = CollapseRows(collapse, str, Lattice(110, 44, 64 if wide else 40, 38, 70 if wide else 46, 74))
    board = Storyboard()
    rows.play(board)
    title = f"Collapsing {' '.join(path)}, {collapse.order}"
    marks = [text(rows.where.centre(t, 0)[0], 26, str(t), "soft") for t in range(T)]
    names = [text(98, 26, "t =", "soft", "end")]
    lower = ("merged", "string") if collapse.merges[0] else ("no blanks", "merged")
    for row, name in enumerate(("alignment", *lower)):
        top = rows.where.corner(0, row)[1]
        names.append(row_name(98, top + rows.where.height / 2 + 5, name, top=top, indent=rows.where.left))
    height = rows.where.corner(0, 2)[1] + 50
    width = max(rows.where.corner(T, 0)[0] + 4, 220)
    svg = document(width, height, [*marks, *rows.drawing(), pinned(names, 104, height)], title)
    legend = Legend({"now": "looked at", "won": "what it becomes", "path": "what is read", "off": "goes"})
    return Scene(title, svg, tuple(board.steps), rows.numbers(title), legend=legend)


class CollapseRows:
    """Three rows of cells: the alignment, what the first stage leaves of it, what the second leaves of that.

    A cell below spans the frames that it stands for. ``name`` says how a symbol is written; ``where`` places the first
    row, and its ``down`` parts the rows.
    """

    def __init__(self, collapse: Collapse, name: Callable[[object], str], where: Lattice):
        self.collapse, self.name, self.where = collapse, name, where
        self.rows = collapse.rows
        self.between = "" if all(len(name(symbol)) == 1 for symbol in collapse.alignment) else " "

    def spelled(self, symbols: Iterable) -> str:
        """Quote a string, or say that it is empty."""
        return f"“{spelled}”" if (spelled := self.between.join(map(self.name, symbols))) else "the empty string"

    def play(self, board: Storyboard) -> None:
        """Add the steps of both stages."""
        for row, (stage, merges) in enumerate(zip(self.collapse.stages, self.collapse.merges, strict=True)):
            opening = f"Stage {row + 1}, {'merge' if merges else 'remove blanks'}. "
            for change in stage:
                self._show(board, row, opening + (self._merging(change) if merges else self._removing(change)), change)
                opening = ""
        says = f"What is left spells {self.spelled(self.collapse.string)}."
        if self.collapse.string != self.collapse.merged_first:
            says += (
                f" Merging first would have given {self.spelled(self.collapse.merged_first)}: "
                "the blanks were gone before they could keep letters apart."
            )
        board.step(says, now={self.mark(2, stretch): ("path", "path") for stretch in self.rows[2]})

    def _merging(self, change: Change) -> str:
        stretch, parts, name = change.left, change.parts, self.name(change.left.symbol)
        if len(parts) == 1:
            return f"“{name}” at {self._frames(stretch)} has no equal neighbour and stays."
        says = f"{len(parts)} times “{name}”, {self._frames(stretch)}, becomes one “{name}”."
        if stretch.last - stretch.first + 1 > len(parts) and not self.collapse.merges[0]:
            says += " There was a blank between, but it is gone."
        return says

    def _removing(self, change: Change) -> str:
        (stretch,) = change.parts
        ends = "stays" if change.left else "is the blank and goes"
        return f"“{self.name(stretch.symbol)}” at {self._frames(stretch)} {ends}."

    def _show(self, board: Storyboard, row: int, says: str, change: Change) -> None:
        now = {self.mark(row, part): ("now", "done" if change.left else "off") for part in change.parts}
        if change.left:
            now[self.mark(row + 1, change.left)] = ("won", "done")
        board.step(says, now=now, computes=[self.mark(row + 1, change.left)] if change.left else [])

    def _frames(self, stretch: Stretch) -> str:
        return f"t = {stretch.first}" if stretch.first == stretch.last else f"t = {stretch.first} to {stretch.last}"

    def mark(self, row: int, stretch: Stretch) -> str:
        """Name the cell of a stretch in one of the three rows."""
        return f"collapse-{row}-{stretch.first}"

    def drawing(self, first_row: str = "idle") -> list[str]:
        """Draw all three rows, the upper one in the state ``first_row``, the lower two hidden."""
        drawn = []
        for row, stretches in enumerate(self.rows):
            for stretch in stretches:
                x, y = self.where.corner(stretch.first, row)
                width, name = self.where.corner(stretch.last, row)[0] - x + self.where.width, self.name(stretch.symbol)
                drawn.append(
                    cell(
                        self.mark(row, stretch), x, y, width, self.where.height, content=name,
                        state=first_row if row == 0 else "hidden", label=f"{name}, {self._frames(stretch)}",
                    )
                )  # fmt: skip
        return drawn

    def numbers(self, title: str) -> Table:
        """Return the three rows as a table, a column a frame."""
        rows = []
        for name, stretches in zip(("alignment", "after stage 1", "after stage 2"), self.rows, strict=True):
            at = {stretch.first: self.name(stretch.symbol) for stretch in stretches}
            rows.append((name, *(at.get(t, "") for t in range(len(self.rows[0])))))
        header = ("t", *(str(t) for t in range(len(self.rows[0]))))
        return Table(f"{title}: {self.spelled(self.collapse.string)}", header, tuple(rows))
