"""Guessed targets of the columns of a strip, and what each round of aligning anew makes of them (section 6.7)."""

from itertools import groupby

from course_utils.data import GAP
from course_utils.realignment import Realignment
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import brackets, cell, document, ink, pinned, row_name, text
from course_utils.scenes.wording import plural

SIZE, HIGH, LEFT, IMAGE_TOP = 16, 42, 84, 34
LEGEND = Legend({"now": "changed in this round", "path": "as it was written"})


def realignment_scene(found: Realignment, strip: int) -> Scene:
    """Show the targets of one strip, a row and a step for each round.

    Parameters
    ----------
    found
        From :func:`course_utils.realignment.realign`.
    strip
        Number of the strip.

    Raises
    ------
    ValueError
        There is no such strip.
    """
    if not 0 <= strip < len(found.strips):
        raise ValueError(f"strip is {strip}; there are the strips 0 to {len(found.strips) - 1}")
    return _Rounds(found, strip).scene()


class _Rounds:
    def __init__(self, found: Realignment, strip: int):
        self.strip, self.rows = found.strips[strip], found.labels(strip)
        self.truth, self.T = self.strip.labels, self.strip.image.shape[1]
        self.names = ["guess", *(f"round {n}" for n in range(1, len(self.rows)))]
        self.grid_top = IMAGE_TOP + len(self.strip.image) * SIZE + 22

    def scene(self) -> Scene:
        board = Storyboard()
        for n, labels in enumerate(self.rows):
            before = self.rows[n - 1] if n else labels
            changed = [a != b for a, b in zip(labels, before, strict=True)]
            keep, now = {}, {}
            for first, last, _ in pieces(labels):
                mark = self.mark(n, first)
                keep[mark] = Mark("done")
                if any(changed[first : last + 1]):
                    now[mark] = ("now", "done")
            board.step(self.says(n, labels, sum(changed)), keep=keep, now=now, computes=keep)
        title = f"Columns of {self.strip.digits}: a guess, and {plural(len(self.rows) - 1, 'round')} of aligning anew"
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), legend=LEGEND)

    def says(self, n: int, labels: str, changed: int) -> str:
        right = sum(a == b for a, b in zip(labels, self.truth, strict=True))
        share = f"{right} of {self.T} columns have the symbol that was written there"
        if n == 0:
            return f"The guess: {share}. A classifier learns from this, on all strips."
        moved = f"{plural(changed, 'column')} changed" if changed else "nothing changed"
        return f"Round {n}: the target is aligned to what has been learned, {moved}; {share}."

    def mark(self, n: int, first: int) -> str:
        return f"piece-{n}-{first}"

    def drawing(self, title: str) -> str:
        marks = [text(LEFT + t * SIZE + SIZE / 2, 12, str(t), "soft") for t in range(0, self.T, 5)]
        marks += ink(self.strip.image, LEFT, IMAGE_TOP, SIZE) + brackets(self.strip.spans, LEFT, IMAGE_TOP - 6, SIZE)
        names = []
        for n, (name, labels) in enumerate(zip([*self.names, "written"], [*self.rows, self.truth], strict=True)):
            top = self.grid_top + n * HIGH
            names.append(row_name(LEFT - 10, top + 19, name, top=top, indent=LEFT))
            for first, last, symbol in pieces(labels):
                what, written = ("a gap" if symbol == GAP else symbol), n == len(self.rows)
                marks.append(
                    cell(
                        f"written-{first}" if written else self.mark(n, first),
                        LEFT + first * SIZE, top, (last + 1 - first) * SIZE - 1, HIGH - 16,
                        content=symbol, state="path" if written else "hidden", css="cell fine",
                        label=f"{what}, columns {first} to {last}, {name}",
                    )
                )  # fmt: skip
        height = self.grid_top + (len(self.rows) + 1) * HIGH
        return document(LEFT + self.T * SIZE + 12, height, [*marks, pinned(names, LEFT - 4, height)], title)

    def table(self, title: str) -> Table:
        return Table(title, ("", "symbols of the columns"), (("guess", self.rows[0]), ("written", self.truth)))


def pieces(labels: str) -> list[tuple[int, int, str]]:
    """Return the first and the last column of each run of equal labels, and what the label is."""
    found, first = [], 0
    for symbol, run in groupby(labels):
        length = len(list(run))
        found.append((first, first + length - 1, symbol))
        first += length
    return found
