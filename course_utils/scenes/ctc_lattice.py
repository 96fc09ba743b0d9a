"""The lattice of CTC as a picture: alpha, beta or gamma, cell by cell, every term in numbers (chapter 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from course_utils.ctc import ForwardBackward
from course_utils.posteriors import names_of_columns
from course_utils.scenes.lattice import Lattice, probability_cells, probability_edits, probability_names
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, document, pinned, row_name, text
from course_utils.scenes.wording import latex_number, latex_text, number

Shown = Literal["alpha", "beta", "gamma"]
MOST_SYMBOLS = 12
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ"}
SHADES = {
    "alpha": "α, darker the nearer to the largest of its frame",
    "beta": "β, darker the nearer to the largest of its frame",
    "gamma": "γ, the share of a state in its frame",
}


def lattice_scene(
    tables: ForwardBackward, symbols: Sequence[str], *, table: Shown = "alpha", right: ForwardBackward | None = None
) -> Scene:
    """Fill alpha forwards, beta backwards, or gamma from both, on the graph of the extended sequence.

    Parameters
    ----------
    tables
        Of at most 12 symbols. Their probabilities are drawn above the lattice, where they can be edited.
    symbols
        The name of each column of the probabilities, the blank's included.
    table
        Which table to fill.
    right
        Where ``tables`` let paths skip a blank between equal letters as well: those that do not, to compare with.

    Raises
    ------
    ValueError
        A column has no name, or two have the same; too many symbols to draw; or there is no such table.
    """
    if table not in GREEK:
        raise ValueError(f"table is {table!r}; choose 'alpha', 'beta' or 'gamma'")
    symbols = names_of_columns(symbols, tables.log_y, "y")
    if len(tables.target) > MOST_SYMBOLS:
        raise ValueError(f"target has {len(tables.target)} symbols; the picture has room for {MOST_SYMBOLS}")
    return _CTCLattice(tables, right, symbols, table).scene()


@dataclass(frozen=True)
class _Way:
    """One term of a sum: from where, by what kind of step, and how much."""

    kind: str
    i: int
    value: float


class _CTCLattice:
    def __init__(self, tables: ForwardBackward, right: ForwardBackward | None, symbols: Sequence[str], table: Shown):
        self.tables, self.right, self.table = tables, right, table
        self.symbols = [str(symbol) for symbol in symbols]
        self.y = np.exp(tables.log_y)
        self.T, self.S = tables.alpha.shape
        self.alpha, self.beta = np.exp(tables.alpha), np.exp(tables.beta)
        self.p, self.gamma = float(np.exp(tables.log_p)), tables.gamma
        self.reachable = tables.reachable
        self.values = {"alpha": self.alpha, "beta": self.beta, "gamma": self.gamma}[table]
        self.emitted = self.y[:, tables.extended]
        self.names = [self.symbols[k] for k in tables.extended]
        self.sign = GREEK[table]
        self.role = "posterior" if table == "gamma" else ""
        A = len(self.y[0])
        top = 34 + 40 * A + 24
        self.emission = Lattice(left=96, top=34, width=78, height=26, across=140, down=40)
        self.grid = Lattice(left=96, top=top, width=78, height=38, across=140, down=56)
        self.sums = Lattice(left=96, top=top + 56 * self.S + 8, width=78, height=30, across=140, down=0)

    def scene(self) -> Scene:
        board = Storyboard()
        {"alpha": self.forwards, "beta": self.backwards, "gamma": self.together}[self.table](board)
        spelled = " ".join(self.symbols[k] for k in self.tables.target) or "the empty string"
        title = f"CTC: {self.table} for {spelled} in {self.T} frames"
        if self.right:
            title += ", skipping also between equal letters"
        return Scene(
            title,
            self.drawing(title),
            tuple(board.steps),
            self.numbers(title),
            edits=probability_edits(self.y, range(len(self.symbols))),
            legend=Legend(
                states={"won": "added up", "path": "makes P", "off": "0: no alignment is here"},
                shade=SHADES[self.table],
                letters={"y": "output", "γ": "posterior"},
            ),
        )

    # -- alpha

    def forwards(self, board: Storyboard) -> None:
        early = {(0, i) for i in range(2, self.S)}
        first = [
            f"α₀({i}) = y₀({'blank' if i == 0 else self.names[i]}) = {number(self.alpha[0, i])}"
            for i in range(min(2, self.S))
        ]
        keep = {self.mark(0, i): self.filled(0, i) for i in range(min(2, self.S))}
        keep |= {self.mark(t, i): Mark("off", "0") for t, i in early}
        begin = "the blank or the first symbol" if self.S > 1 else "the blank"
        board.step(
            f"An alignment begins with {begin}: {', '.join(first)}. Everything else has 0.",
            r",\quad ".join(
                f"\\alpha_0({i}) = {latex_number(number(self.alpha[0, i]))}" for i in range(min(2, self.S))
            ),
            keep=keep,
            now={self.mark(0, i): ("now", "done") for i in range(min(2, self.S))},
            computes=[self.mark(0, i) for i in range(min(2, self.S))],
        )
        for t in range(1, self.T):
            for i in range(self.S):
                if self.reachable[t, i]:
                    self.fill_forwards(board, t, i)
                else:
                    board.step(
                        f"{self.opening(t, i)}no way leads here in time, so it has 0.",
                        f"\\alpha_{{{t}}}({i}) = 0",
                        keep={self.mark(t, i): Mark("off", "0")},
                        computes=[self.mark(t, i)],
                    )
        self.conclude_forwards(board)

    def ways_in(self, t: int, i: int) -> list[_Way]:
        before = self.alpha[t - 1]
        ways = [_Way("stay", i, before[i])]
        if i >= 1:
            ways.append(_Way("advance", i - 1, before[i - 1]))
        if self.tables.skip[i]:
            ways.append(_Way("skip", i - 2, before[i - 2]))
        return ways

    def fill_forwards(self, board: Storyboard, t: int, i: int) -> None:
        ways, y = self.ways_in(t, i), number(self.emitted[t, i])
        terms = " + ".join(number(way.value) for way in ways)
        value = number(self.alpha[t, i])
        said = ", ".join(
            f"{way.kind}{'' if way.i == i else f' from {self.name(way.i)}'} {number(way.value)}" for way in ways
        )
        sums = f"({terms})" if len(ways) > 1 else terms
        says = f"{self.opening(t, i)}{said}. {self.why_no_skip(i)}{y} × {sums} = {value}."
        states = " + ".join(rf"\alpha_{{{t - 1}}}({way.i})" for way in ways)
        numbers = " + ".join(latex_number(number(way.value)) for way in ways)
        if len(ways) > 1:
            states, numbers = rf"\left({states}\right)", f"({numbers})"
        formula = (
            rf"\alpha_{{{t}}}({i}) = y_{{{t}}}({latex_text(self.names[i])}) {states}"
            rf" = {latex_number(y)} \times {numbers} = {latex_number(value)}"
        )
        now = {self.mark(t, i): ("now", "done"), self.emission_mark(t, i): ("now", "done")}
        for way in ways:
            if way.value > 0:
                now |= {self.mark(t - 1, way.i): ("won", "done"), f"{way.kind}-{t}-{i}": ("won", "kept")}
        board.step(says, formula, keep={self.mark(t, i): self.filled(t, i)}, now=now, computes=[self.mark(t, i)])

    def why_no_skip(self, i: int) -> str:
        """Say why state i cannot be entered from two states before; nothing where it can, or where there is none."""
        if i < 2 or self.tables.skip[i]:
            if i >= 2 and self.right and not self.right.skip[i]:
                return "The skip should be refused: it merges two equal letters. "
            return ""
        if self.tables.extended[i] == self.tables.blank:
            return f"No skip onto a blank: that would leave {self.names[i - 1]} out. "
        return f"No skip from {self.name(i - 2)}: without the blank between, the two would merge. "

    def conclude_forwards(self, board: Storyboard) -> None:
        ends = [self.S - 1, self.S - 2] if self.S > 1 else [0]
        values = [number(self.alpha[-1, i], 5) for i in ends]
        where = "the last blank or the last symbol" if self.S > 1 else "the blank"
        says = (
            f"An alignment ends in {where}: P = {' + '.join(values)}{f' = {number(self.p, 5)}' if self.S > 1 else ''}."
        )
        if self.right:
            true = float(np.exp(self.right.log_p))
            says += f" The alignments that spell the target have {number(true, 5)} together: "
            if np.array_equal(self.tables.skip, self.right.skip):
                says += "the same, as no letter is doubled."
            elif np.isclose(true, self.p, rtol=1e-9, atol=0):
                says += "the same, but only for these numbers."
            else:
                says += "the rule was there for a reason."
        elif not self.tables.fits:
            says += " The target does not fit into the frames; the loss is infinite."
        terms = " + ".join(f"\\alpha_{{{self.T - 1}}}({i})" for i in ends)
        formula = f"P = {terms} = {' + '.join(map(latex_number, values))}"
        formula += f" = {latex_number(number(self.p, 5))}" if self.S > 1 else ""
        board.step(says, formula, now={self.mark(self.T - 1, i): ("path", "path") for i in ends})

    # -- beta

    def backwards(self, board: Storyboard) -> None:
        last, ends = self.T - 1, ([self.S - 1, self.S - 2] if self.S > 1 else [0])
        keep = {self.mark(last, i): Mark("off", "0") for i in range(self.S) if i not in ends}
        keep |= {self.mark(last, i): self.filled(last, i) for i in ends}
        board.step(
            "β is what is still to come, this frame excluded. After the last frame nothing is: β = 1 where an alignment "
            "may end, and 0 elsewhere.",
            r",\quad ".join(f"\\beta_{{{last}}}({i}) = 1" for i in sorted(ends)),
            keep=keep,
            now={self.mark(last, i): ("now", "done") for i in ends},
            computes=[self.mark(last, i) for i in range(self.S)],
        )
        for t in range(last - 1, -1, -1):
            for i in range(self.S - 1, -1, -1):
                self.fill_backwards(board, t, i)
        begins = range(min(2, self.S))
        terms = [f"{number(self.emitted[0, i])} × {number(self.beta[0, i])}" for i in begins]
        products = " + ".join(rf"y_0({latex_text(self.names[i])}) \beta_0({i})" for i in begins)
        board.step(
            f"At frame 0 an alignment is in {'one of the first two states' if len(begins) > 1 else 'the blank'}: P = {' + '.join(terms)} = {number(self.p, 5)}, "
            "as the forward pass says.",
            f"P = {products} = {latex_number(number(self.p, 5))}",
            now={self.mark(0, i): ("path", "path") for i in begins},
        )

    def ways_out(self, t: int, i: int) -> list[_Way]:
        after = self.beta[t + 1] * self.emitted[t + 1]
        ways = [_Way("stay", i, after[i])]
        if i + 1 < self.S:
            ways.append(_Way("advance", i + 1, after[i + 1]))
        if i + 2 < self.S and self.tables.skip[i + 2]:
            ways.append(_Way("skip", i + 2, after[i + 2]))
        return ways

    def fill_backwards(self, board: Storyboard, t: int, i: int) -> None:
        ways, value = self.ways_out(t, i), number(self.beta[t, i])
        products = [f"{number(self.emitted[t + 1, way.i])} × {number(self.beta[t + 1, way.i])}" for way in ways]
        said = ", ".join(
            f"{way.kind}{'' if way.i == i else f' to {self.name(way.i)}'} {product}"
            for way, product in zip(ways, products, strict=True)
        )
        refused = f"{self.why_no_skip(i + 2)}" if i + 2 < self.S and i % 2 else ""
        says = f"{self.opening(t, i)}{said}. {refused}The sum is {value}."
        terms = " + ".join(
            f"y_{{{t + 1}}}({latex_text(self.names[way.i])}) \\beta_{{{t + 1}}}({way.i})" for way in ways
        )
        numbers = " + ".join(
            rf"{latex_number(number(self.emitted[t + 1, way.i]))} \times {latex_number(number(self.beta[t + 1, way.i]))}"
            for way in ways
        )
        formula = f"\\beta_{{{t}}}({i}) = {terms} = {numbers} = {latex_number(value)}"
        now = {self.mark(t, i): ("now", "done")}
        for way in ways:
            if way.value > 0:
                arrow_name = f"{way.kind}-{t + 1}-{way.i}"
                now |= {self.mark(t + 1, way.i): ("won", "done"), arrow_name: ("won", "kept")}
                now[self.emission_mark(t + 1, way.i)] = ("now", "done")
        state = Mark("off", "0") if self.beta[t, i] == 0 else self.filled(t, i)
        if self.beta[t, i] == 0:
            now.pop(self.mark(t, i))
        board.step(says, formula, keep={self.mark(t, i): state}, now=now, computes=[self.mark(t, i)])

    # -- gamma

    def together(self, board: Storyboard) -> None:
        for t in range(self.T):
            for i in range(self.S):
                a, b, g = number(self.alpha[t, i]), number(self.beta[t, i]), number(self.gamma[t, i])
                product = number(self.alpha[t, i] * self.beta[t, i])
                opening = self.opening(t, i)
                if self.p == 0:
                    says, formula = opening + "the target has probability 0, so there is nothing to share.", ""
                else:
                    says = f"{opening}α × β = {a} × {b} = {product}, and of P = {number(self.p, 5)} that is a share of {g}."
                    formula = (
                        f"\\gamma_{{{t}}}({i}) = \\alpha_{{{t}}}({i})\\, \\beta_{{{t}}}({i}) / P"
                        f" = {latex_number(a)} \\times {latex_number(b)} / {latex_number(number(self.p, 5))}"
                        f" = {latex_number(g)}"
                    )
                dead = self.gamma[t, i] == 0
                keep = {self.mark(t, i): Mark("off", "0") if dead else self.filled(t, i)}
                board.step(
                    says, formula, keep=keep, computes=[self.mark(t, i)],
                    now={} if dead else {self.mark(t, i): ("now", "done")},
                )  # fmt: skip
            total = number(float((self.alpha[t] * self.beta[t]).sum()), 5)
            board.step(
                f"Added up over the states of frame {t}, α × β gives {total}. It is P at every frame, since every alignment "
                "is in exactly one state there.",
                f"\\sum_i \\alpha_{{{t}}}(i)\\, \\beta_{{{t}}}(i) = {latex_number(total)}",
                keep={f"sum-{t}": Mark("path", total)},
                computes=[f"sum-{t}"],
            )

    # -- names, numbers and drawing

    def name(self, i: int) -> str:
        return f"{'blank' if i % 2 == 0 else self.names[i]} (i = {i})"

    def opening(self, t: int, i: int) -> str:
        return f"{'Blank' if i % 2 == 0 else self.names[i]} (i = {i}) at t = {t}: "

    def mark(self, t: int, i: int) -> str:
        return f"{self.table}-{t}-{i}"

    def emission_mark(self, t: int, i: int) -> str:
        return f"y-{t}-{self.tables.extended[i]}"

    def filled(self, t: int, i: int) -> Mark:
        top = self.values[t].max()
        return Mark(text=number(self.values[t, i]), level=0.3 * self.values[t, i] / top if top > 0 else 0)

    def drawing(self, title: str) -> str:
        marks = [text(self.emission.centre(t, 0)[0], 14, f"t = {t}", "soft") for t in range(self.T)]
        names = probability_names(self.emission, self.symbols, range(len(self.symbols)), 84)
        marks += probability_cells(self.emission, self.y, self.symbols, range(self.y.shape[1]))
        for i in range(self.S):
            y, upper = self.grid.centre(0, i)[1] + 5, self.grid.corner(0, i)[1]
            names.append(row_name(84, y, self.names[i], "name", top=upper, indent=self.grid.left))
            behind = self.grid.left + 12 + 10 * len(self.names[i])
            names.append(row_name(56, y, f"i = {i}", "soft", top=upper, indent=behind))
            for t in range(self.T):
                label = f"{self.sign} of {self.name(i)} at frame {t}"
                marks.append(self.grid.cell(self.mark(t, i), t, i, role=self.role, label=label))
        if self.table == "gamma":
            upper = self.sums.corner(0, 0)[1]
            names.append(row_name(84, upper + 20, "Σ α β", top=upper, indent=self.grid.left))
            marks += [self.sums.cell(f"sum-{t}", t, 0) for t in range(self.T)]
        else:
            marks += self.arrows()
        width = self.grid.corner(self.T - 1, 0)[0] + self.grid.width + 10
        height = self.sums.corner(0, 0)[1] + (38 if self.table == "gamma" else 4)
        return document(width, height, [*marks, pinned(names, 92, height)], title)

    def arrows(self) -> list[str]:
        drawn = []
        for t in range(1, self.T):
            for i in range(self.S):
                for kind, rise in (("stay", 0), ("advance", 1), ("skip", 2)):
                    if i >= rise and (kind != "skip" or self.tables.skip[i]):
                        x0, y0 = self.grid.centre(t - 1, i - rise)
                        x1, y1 = self.grid.centre(t, i)
                        lean = 5 * rise
                        start = x0 + self.grid.width / 2 + 2, y0 + lean
                        end = x1 - self.grid.width / 2 - 3, y1 - lean
                        drawn.append(arrow(f"{kind}-{t}-{i}", start, end))
        return drawn

    def numbers(self, title: str) -> Table:
        header = ("", *(f"t = {t}" for t in range(self.T)))
        rows = [(f"y({symbol})", *(number(p, 3) for p in self.y[:, k])) for k, symbol in enumerate(self.symbols)]
        rows += [
            (f"{self.sign}, i = {i} {name}", *(number(v) for v in self.values[:, i]))
            for i, name in enumerate(self.names)
        ]
        if self.table == "gamma":
            rows.append(("Σ α β", *(number(float(v), 5) for v in (self.alpha * self.beta).sum(axis=1))))
        return Table(f"{title}, P = {number(self.p, 5)}", header, tuple(rows))
