"""Reading the best symbol of each frame, and what else the frames could spell (section 6.5)."""

from collections.abc import Sequence

from course_utils.naive_decoding import NaiveDecoding, Spelled
from course_utils.posteriors import names_of_columns
from course_utils.scenes.compression import CompressedRow
from course_utils.scenes.lattice import Lattice, probability_cells, probability_edits, probability_names
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import document, pinned, row_name, text
from course_utils.scenes.wording import latex_number, latex_text, number, plural

MOST_ROWS = 6  # of the list of strings
LEGEND = Legend(
    {"now": "looked at", "won": "the best of its frame, or what a run becomes", "path": "the most probable string"},
    shade="a probability",
    letters={"y": "output", "P": "output"},
)


def naive_scene(decoding: NaiveDecoding, symbols: Sequence[str]) -> Scene:
    """Take the best symbol of each frame, compress, and compare with the strings that the frames could spell.

    Parameters
    ----------
    decoding
        Of at most 12 frames. Its probabilities can be edited.
    symbols
        The name of each column of the probabilities.

    Raises
    ------
    ValueError
        A column has no name, or there are too many frames to draw.
    """
    if len(decoding.y) > 12:
        raise ValueError(f"y has {len(decoding.y)} frames; the picture takes at most 12")
    return _Picture(decoding, [str(s) for s in names_of_columns(symbols, decoding.y, "y")]).scene()


class _Picture:
    def __init__(self, decoding: NaiveDecoding, symbols: list[str]):
        self.decoding, self.y, self.symbols = decoding, decoding.y, symbols
        self.T = len(self.y)
        self.emission = Lattice(left=110, top=34, width=70, height=26, across=82, down=40)
        below = 34 + 40 * len(symbols) + 12
        self.row = CompressedRow(decoding.runs, symbols.__getitem__, Lattice(110, below, 70, 34, 82, 60))
        self.listed = self.shown_strings()
        self.list = Lattice(110, self.row.where.corner(0, 2)[1] - 4, 190, 30, 200, 50)
        self.across = max(2, 82 * self.T // 200)  # strings in a row of the list

    def shown_strings(self) -> list[Spelled]:
        """Return the first strings of the list, and the one that was read, wherever it stands."""
        first = list(self.decoding.strings[:MOST_ROWS])
        return first if self.decoding.read in first else [*first[:-1], self.decoding.read]

    def scene(self) -> Scene:
        board, read = Storyboard(), self.decoding.read
        for t in range(self.T):
            self.take_best(board, t)
        self.row.play(board)
        p = number(read.probability)
        one = number(float(self.decoding.products[-1]))
        says = (
            f"Read: {self.spelled(read)}. Its one sequence {self.sequence()} has {one}, which no other sequence exceeds. "
            f"But {plural(read.sequences, 'sequence')} compress to {self.spelled(read)}, and together they have {p}."
        )
        if self.decoding.ways_to_read == 1:
            says = f"Read: {self.spelled(read)}. One sequence alone compresses to it, with {one}; no other sequence has more."
        elif read.sequences == 1:
            says = (
                f"Read: {self.spelled(read)}. Of the {self.decoding.ways_to_read} sequences that compress to it, one alone is "
                f"above zero, with {one}; no other sequence has more."
            )
        formula = rf"P({latex_text(self.spelled(read))}) = {latex_number(p)}"
        where = self.listed.index(read)
        board.step(
            says,
            formula,
            keep={f"string-{where}": Mark("done")},
            now={self.row.run(run): ("won", "done") for run in self.row.runs} | {f"string-{where}": ("won", "done")},
            computes=[f"string-{where}"],
        )
        keep = {
            f"string-{n}": Mark("path" if s in self.decoding.most_probable else "done")
            for n, s in enumerate(self.listed)
        }
        board.step(self.verdict(), keep=keep, computes=[m for m in keep if m != f"string-{where}"])
        title = f"The best symbol of each of {plural(self.T, 'frame')}"
        return Scene(
            title, self.drawing(title), tuple(board.steps), self.table(title),
            edits=probability_edits(self.y, range(len(self.symbols))), legend=LEGEND,
        )  # fmt: skip

    def take_best(self, board: Storyboard, t: int) -> None:
        k, tied = self.decoding.labels[t], self.decoding.best[t]
        says = f"Frame {t}: the most probable is “{self.symbols[k]}” with {number(self.y[t, k], 3)}."
        if len(tied) > 1:
            equal = ", ".join(f"“{self.symbols[j]}”" for j in tied)
            says = f"Frame {t}: {equal} are equal, with {number(self.y[t, k], 3)}; the first column wins, which is a rule and not a reason."
        factors = r" \times ".join(latex_number(number(self.y[s, self.decoding.labels[s]], 3)) for s in range(t + 1))
        board.step(
            says,
            f"{factors} = {latex_number(number(float(self.decoding.products[t])))}" if t else "",
            keep={self.row.label(t): Mark("done")},
            now={f"y-{t}-{k}": ("now", "won"), self.row.label(t): ("now", "done")},
            computes=[self.row.label(t)],
        )

    def verdict(self) -> str:
        """Compare the string that was read with the most probable one."""
        best, read = self.decoding.most_probable, self.decoding.read
        count = plural(len(self.decoding.strings), "string")
        names = [self.spelled(s) for s in best]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        p = number(best[0].probability)
        if self.decoding.is_best:
            also = "" if len(best) == 1 else f", as probable as {plural(len(best) - 1, 'other')}"
            return f"Of the {count} that these frames can spell, {self.spelled(read)} is the most probable{also}: reading frame by frame was right."
        p = f"has {p}" if len(best) == 1 else f"have {p} each"
        return (
            f"Of the {count} that these frames can spell, {listed} {p}, more than the {number(read.probability)} of "
            f"{self.spelled(read)}: the best sequence does not spell the best string."
        )

    def spelled(self, spelled: Spelled) -> str:
        names = [self.symbols[k] for k in spelled.string]
        return f"“{('' if all(len(name) == 1 for name in self.symbols) else ' ').join(names)}”"

    def sequence(self) -> str:
        between = "" if all(len(name) == 1 for name in self.symbols) else " "
        return between.join(self.symbols[k] for k in self.decoding.labels)

    def drawing(self, title: str) -> str:
        marks = [text(self.emission.centre(t, 0)[0], 14, f"t = {t}", "soft") for t in range(self.T)]
        columns = range(len(self.symbols))
        marks += probability_cells(self.emission, self.y, self.symbols, columns) + self.row.drawing("hidden")
        names = [*probability_names(self.emission, self.symbols, columns, 98), *self.row.names(98, "best", "string")]
        names.append(
            row_name(98, self.list.centre(0, 0)[1] + 5, "P(string)", "small output", top=self.list.top, indent=110)
        )
        top = self.listed[0].probability
        for n, spelled in enumerate(self.listed):
            share = spelled.probability / top if top else 0
            content = f"{self.spelled(spelled)}  {number(spelled.probability)}"
            label = f"string {self.spelled(spelled)}"
            marks.append(
                self.list.cell(
                    f"string-{n}", n % self.across, n // self.across, content=content, state="hidden", role="output",
                    level=0.45 * share, label=label,
                )
            )  # fmt: skip
        width = max(self.emission.corner(self.T, 0)[0], self.list.corner(self.across, 0)[0])
        height = self.list.corner(0, -(-len(self.listed) // self.across))[1]
        return document(width, height, [*marks, pinned(names, 104, height)], title)

    def table(self, title: str) -> Table:
        rows = tuple((f"y({s})", *(number(v, 3) for v in self.y[:, k])) for k, s in enumerate(self.symbols))
        return Table(title, ("", *(f"t = {t}" for t in range(self.T))), rows)
