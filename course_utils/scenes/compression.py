"""Compressing labels, one symbol a frame, to what they spell: one symbol for each run of equal ones (section 7.2)."""

from collections.abc import Callable, Sequence

from course_utils.collapsing import Change
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.svg import cell, document, pinned, row_name, text
from course_utils.scenes.wording import plural

MOST_FRAMES = 40
LEGEND = Legend({"now": "looked at", "won": "what it becomes", "path": "what is read"})


class CompressedRow:
    """A row of labels and, below it, a cell for each run of equal ones, as wide as the run.

    ``name`` says how a symbol is written; ``where`` places the labels, and its ``down`` parts the two rows.
    """

    def __init__(self, runs: Sequence[Change], name: Callable[[object], str], where: Lattice):
        self.runs, self.name, self.where = runs, name, where
        self.labels = [part.symbol for run in runs for part in run.parts]

    def spelled(self) -> str:
        """Quote what is read, or say that it is nothing."""
        names = [self.name(run.left.symbol) for run in self.runs]
        return f"“{('' if all(len(name) == 1 for name in names) else ' ').join(names)}”" if names else "nothing"

    def label(self, t: int) -> str:
        """Name the cell of the label of a frame."""
        return f"label-{t}"

    def run(self, run: Change) -> str:
        """Name the cell of a run."""
        return f"run-{run.left.first}"

    def play(self, board: Storyboard) -> None:
        """Add a step for each run."""
        for run in self.runs:
            name, first, last = self.name(run.left.symbol), run.left.first, run.left.last
            says = f"“{name}” at t = {first} has no equal neighbour and stays."
            if len(run.parts) > 1:
                says = f"{len(run.parts)} times “{name}”, t = {first} to {last}, becomes one “{name}”."
            now = {self.label(t): ("now", "done") for t in range(first, last + 1)} | {self.run(run): ("won", "done")}
            board.step(says, now=now, computes=[self.run(run)])

    def drawing(self, state: str) -> list[str]:
        """Draw the labels in a state, and the runs hidden."""
        drawn = [
            self.where.cell(self.label(t), t, 0, content=self.name(symbol), state=state, label=f"label of frame {t}")
            for t, symbol in enumerate(self.labels)
        ]
        for run in self.runs:
            x, y = self.where.corner(run.left.first, 1)
            width = self.where.corner(run.left.last, 1)[0] + self.where.width - x
            name, frames = self.name(run.left.symbol), f"frames {run.left.first} to {run.left.last}"
            drawn.append(
                cell(self.run(run), x, y, width, self.where.height, content=name, state="hidden", label=frames)
            )
        return drawn

    def names(self, x: float, labels: str, runs: str) -> list[str]:
        """Write the names of both rows, up to ``x``."""
        where, names = self.where, []
        for row, name in enumerate((labels, runs)):
            top = where.corner(0, row)[1]
            names.append(row_name(x, top + where.height / 2 + 5, name, top=top, indent=where.left))
        return names


def compress_scene(runs: Sequence[Change]) -> Scene:
    """Show how each run of equal labels becomes one symbol.

    Parameters
    ----------
    runs
        From :func:`course_utils.collapsing.runs`, of 1 to 40 labels, which are shown as they are.

    Raises
    ------
    ValueError
        There is no label, or there are too many to draw.
    """
    T = sum(len(run.parts) for run in runs)
    if not 1 <= T <= MOST_FRAMES:
        raise ValueError(f"there are {T} labels; the picture takes from 1 to {MOST_FRAMES}")
    wide = max(len(str(run.left.symbol)) for run in runs) > 2
    where = Lattice(104, 44, 64 if wide else 40, 38, 70 if wide else 46, 74)
    row, board = CompressedRow(runs, str, where), Storyboard()
    row.play(board)
    says = f"What is left is {row.spelled()}: {plural(T, 'label')}, {plural(len(runs), 'symbol')}."
    board.step(says, now={row.run(run): ("path", "path") for run in runs})
    title = f"Compressing {' '.join(map(str, row.labels))}"
    marks = [text(where.centre(t, 0)[0], 22, str(t), "soft") for t in range(T)]
    names = [text(92, 22, "t =", "soft", "end"), *row.names(92, "labels", "string")]
    height, width = where.corner(0, 1)[1] + 50, max(where.corner(T, 0)[0] + 4, 220)
    svg = document(width, height, [*marks, *row.drawing("done"), pinned(names, 98, height)], title)
    at = {run.left.first: str(run.left.symbol) for run in runs}
    table = Table(
        f"{title}: {row.spelled()}",
        ("t", *map(str, range(T))),
        (("label", *map(str, row.labels)), ("string", *(at.get(t, "") for t in range(T)))),
    )
    return Scene(title, svg, tuple(board.steps), table, legend=LEGEND)
