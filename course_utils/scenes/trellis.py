"""The trellis of forced alignment as a picture, filled cell by cell and traced back (section 8.3)."""

import numpy as np

from course_utils.scenes.lattice import Lattice, probability_cells, probability_edits, probability_names
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import document, pinned, row_name, text
from course_utils.scenes.wording import latex_number, latex_text, log_number, number, plural
from course_utils.trellis import Trellis

MOST_SYMBOLS = 12
ROWS_SHOWN = 5  # of the probabilities; with more symbols than this, only those of the target
LEGEND = Legend(
    states={"won": "where it came from", "off": "out of reach: no path gets here in time"},
    shade="a score, darker the nearer to the best of its frame",
    letters={"y": "output"},
)


def trellis_scene(trellis: Trellis) -> Scene:
    """Fill the trellis cell by cell, then trace the Viterbi path back, or say why there is none.

    The probabilities are drawn above the trellis and can be edited there.

    Parameters
    ----------
    trellis
        From :func:`course_utils.trellis.fill_trellis`, of at most 12 symbols.

    Raises
    ------
    ValueError
        It is too large to draw.
    """
    if len(trellis.target) > MOST_SYMBOLS:
        raise ValueError(f"target has {len(trellis.target)} symbols; the picture has room for {MOST_SYMBOLS}")
    return _TrellisPicture(trellis).scene()


class _TrellisPicture:
    """Holds what the parts of the scene share."""

    def __init__(self, trellis: Trellis):
        self.trellis, self.symbols, self.target = trellis, trellis.symbols, trellis.target.tolist()
        self.V, self.advanced, self.path = trellis.values, trellis.advanced, trellis.path
        self.underflowed, self.emitted, self.none = trellis.underflowed, trellis.emitted, trellis.impossible
        self.T, self.K = self.V.shape
        self.names = [self.symbols[k] for k in self.target]
        self.log = trellis.domain == "log"
        self.times = "+" if self.log else "×"
        self.show = log_number if self.log else number
        many = len(self.symbols) > ROWS_SHOWN
        self.rows = list(dict.fromkeys(self.target)) if many else list(range(len(self.symbols)))
        emission_top = 34
        trellis_top = emission_top + 40 * len(self.rows) + 36
        self.emission = Lattice(left=76, top=emission_top, width=78, height=26, across=118, down=40)
        self.grid = Lattice(left=76, top=trellis_top, width=78, height=46, across=118, down=84)
        self.answer = Lattice(left=76, top=trellis_top + 84 * self.K - 12, width=78, height=30, across=118, down=0)

    def scene(self) -> Scene:
        board = Storyboard()
        self.start(board)
        for t in range(1, self.T):
            for i in range(min(t + 1, self.K)):
                self.fill(board, t, i)
        if self.path is None:
            board.step(*self.why_none())
        else:
            self.trace_back(board)
        title = f"Viterbi trellis of {' '.join(self.names)} in {plural(self.T, 'frame')}"
        if self.log:
            title += ", log domain"
        return Scene(
            title,
            self.drawing(title),
            tuple(board.steps),
            self.table(title),
            edits=probability_edits(self.trellis.y, self.rows),
            legend=LEGEND,
        )

    # -- steps

    def start(self, board: Storyboard) -> None:
        nothing = "−∞, the logarithm of 0" if self.log else "0"
        first = self.show(self.V[0, 0])
        y0 = self.emitted_name(0, 0)
        keep = {"V-0-0": Mark(text=first, level=self.level(0, 0))}
        for t in range(self.T):
            for i in range(t + 1, self.K):
                keep[f"V-{t}-{i}"] = Mark("off", self.show(self.none))
        says = f"A path must start at {self.name(0)} in frame 0, so V₀(0) is the {'log-' * self.log}probability of {self.names[0]} there: {first}."
        if self.K > 1:
            says += f" The dotted cells hold {nothing}: there were too few frames to get so far down."
        board.step(
            says,
            f"V_0(0) = {y0} = {latex_number(first)}",
            keep=keep,
            now={"V-0-0": ("now", "done"), self.emission_mark(0, 0): ("now", "done")},
            computes=["V-0-0"],
        )

    def fill(self, board: Storyboard, t: int, i: int) -> None:
        V, show, here = self.V, self.show, f"V-{t}-{i}"
        stay, value = show(V[t - 1, i]), show(V[t, i])
        y_name, y_value = self.emitted_name(t, i), show(self.emitted[t, i])
        now = {here: ("now", "done"), self.emission_mark(t, i): ("now", "done")}
        sign = self.times
        operator = {"×": r"\times", "+": "+"}[sign]
        if i == 0:
            says = (
                f"{self.name(0)} at t = {t}: the first symbol can only have stayed. "
                f"{self.signed(y_value)} {sign} {self.signed(stay)} = {value}."
            )
            formula = (
                f"V_{{{t}}}(0) = {y_name} {operator} V_{{{t - 1}}}(0) = "
                f"{self.latex(y_value)} {operator} {self.latex(stay)} = {latex_number(value)}"
            )
            now |= {f"V-{t - 1}-0": ("won", "done"), f"stay-{t}-0": ("won", "kept")}
        else:
            advance = show(V[t - 1, i - 1])
            came = bool(self.advanced[t, i]) or i == t  # on the edge there is no other way, whatever the tie says
            better, worse = ("advance", "stay") if came else ("stay", "advance")
            reachable = i <= t - 1
            now |= {f"{better}-{t}-{i}": ("won", "kept"), f"V-{t - 1}-{i - came}": ("won", "done")}
            if reachable:
                now |= {f"{worse}-{t}-{i}": ("lost", "hidden"), f"V-{t - 1}-{i - 1 + came}": ("lost", "done")}
            says = f"{self.name(i)} at t = {t}: " + self.verdict(t, i, stay, advance, came, reachable)
            says += f" {self.signed(y_value)} {sign} {self.signed(advance if came else stay)} = {value}."
            formula = (
                f"V_{{{t}}}({i}) = {y_name} {operator} \\max\\left(V_{{{t - 1}}}({i}),\\ V_{{{t - 1}}}({i - 1})\\right) = "
                f"{self.latex(y_value)} {operator} \\max({latex_number(stay)},\\ {latex_number(advance)}) = {latex_number(value)}"
            )
        if self.underflowed[t, i]:
            exponent = log_number(self.trellis.log_values[t, i] / np.log(10), 0)
            says += f" The true value is about 10^{exponent}, too small for a float64: underflow."
        board.step(says, formula, keep={here: Mark(text=value, level=self.level(t, i))}, now=now, computes=[here])

    def verdict(self, t, i, stay, advance, came, reachable) -> str:
        if not reachable:
            return f"it can only have come from {self.name(i - 1)}, which brings {advance}."
        both = f"staying brings {stay}, advancing from {self.name(i - 1)} brings {advance}."
        if self.V[t - 1, i] == self.V[t - 1, i - 1]:
            if self.V[t - 1, i] == self.none:
                if self.underflowed[t - 1, i]:
                    return both + f" Both have underflowed, so the rule decides: {self.trellis.ties}."
                return both + " Neither has any probability."
            return both + f" A tie: the rule says {self.trellis.ties}."
        return both + (" Advancing wins." if came else " Staying wins.")

    def trace_back(self, board: Storyboard) -> None:
        path, score = self.path, self.show(self.V[-1, -1])
        for t in range(self.T - 1, -1, -1):
            i = path[t]
            keep = {
                f"V-{t}-{i}": Mark("path"),
                f"label-{t}": Mark("path", self.names[i]),
            }
            if t == self.T - 1:
                says = f"The path must end at {self.name(self.K - 1)} in the last frame: the best score is {score}. Now follow the arrows back."
                formula = f"V^{{\\ast}} = V_{{{t}}}({self.K - 1}) = {latex_number(score)}"
            else:
                came = path[t + 1] != i
                arrow = f"{'advance' if came else 'stay'}-{t + 1}-{path[t + 1]}"
                keep[arrow] = Mark("path")
                says = f"The arrow into {self.name(path[t + 1])} at t = {t + 1} comes from {self.name(i)}: frame {t} is {self.names[i]}."
                formula = f"i_{{{t}}} = {path[t + 1]} {'- 1' if came else '- 0'} = {i}"
            board.step(says, formula, keep=keep)
        board.step(*self.conclusion(score))

    def conclusion(self, score: str) -> tuple[str, str]:
        best = " ".join(self.names[i] for i in self.path)
        says = f"The best path reads {best}."
        read = self.trellis.greedy_reads
        letters = " ".join(self.symbols[k] for k in self.trellis.greedy_labels)
        if list(read) == self.target:
            says += f" Here the most probable symbol of each frame reads {letters} and would have done as well."
        else:
            says += (
                f" The most probable symbol of each frame reads {letters}, which compresses to "
                f"{' '.join(self.symbols[k] for k in read)}: not the target."
            )
        if self.trellis.has_repeats:
            says += (
                " Equal neighbours in the target: wherever the path advances between them, its labels and its score are "
                "the same, so only the rule for ties decides."
            )
        operator = "+" if self.log else r"\times"
        factors = f" {operator} ".join(self.latex(self.show(self.emitted[t, i])) for t, i in enumerate(self.path))
        formula = f"{factors} = {latex_number(score)}" if self.T <= 8 else f"V^{{\\ast}} = {latex_number(score)}"
        return says, formula

    def why_none(self) -> tuple[str, str]:
        if not self.trellis.fits:
            return (
                f"There is no path: {self.K} symbols need at least {self.K} frames, one each, and there are {self.T}. "
                "align raises an error here instead of returning a path.",
                f"T = {self.T} < K = {self.K}",
            )
        if self.underflowed[-1, -1]:
            return (
                "The best score has become exactly 0, although paths exist: every product underflowed. "
                "From where that began, the arrows follow the rule for ties and nothing else. Switch to the log domain.",
                f"V_{{{self.T - 1}}}({self.K - 1}) = 0",
            )
        return (
            "There is no path: each one passes through a probability of zero. align raises an error here "
            "instead of returning a path.",
            f"V_{{{self.T - 1}}}({self.K - 1}) = {latex_number(self.show(self.none))}",
        )

    # -- words and numbers

    def name(self, i: int) -> str:
        return self.names[i] if len(set(self.names)) == self.K else f"{self.names[i]} (i = {i})"

    def emitted_name(self, t: int, i: int) -> str:
        y = f"y_{{{t}}}({latex_text(self.names[i])})"
        return rf"\ln {y}" if self.log else y

    def signed(self, value: str) -> str:
        return f"({value})" if value.startswith("−") else value

    def latex(self, value: str) -> str:
        return f"({latex_number(value)})" if value.startswith("−") else latex_number(value)

    def level(self, t: int, i: int) -> float:
        """How full a cell is drawn: its share of the best cell of the same frame."""
        column = self.V[t]
        top = column.max()
        if top == self.none:
            return 0.0
        share = np.exp(self.V[t, i] - top) if self.log else self.V[t, i] / top
        return 0.3 * float(share)

    def emission_mark(self, t: int, i: int) -> str:
        return f"y-{t}-{self.target[i]}"

    # -- drawing

    def drawing(self, title: str) -> str:
        T, K, grid = self.T, self.K, self.grid
        marks = [text(self.emission.centre(t, 0)[0], 14, f"t = {t}", "soft") for t in range(T)]
        names = probability_names(self.emission, self.symbols, self.rows, 64)
        marks += probability_cells(self.emission, self.trellis.y, self.symbols, self.rows)
        for i in range(K):
            x, y, top = 64, grid.centre(0, i)[1], grid.corner(0, i)[1]
            names.append(row_name(x, y, self.names[i], "name", top=top, indent=grid.left))
            behind = grid.left + 12 + 10 * len(self.names[i])
            names.append(row_name(x, y + 16, f"i = {i}", "soft", top=top, indent=behind))
            for t in range(T):
                marks.append(grid.cell(f"V-{t}-{i}", t, i, label=f"{self.name(i)} at frame {t}"))
        for t in range(1, T):
            for i in range(min(t + 1, K)):
                if i <= t - 1:
                    marks.append(grid.arrow(f"stay-{t}-{i}", t, i, advance=False))
                if i > 0:
                    marks.append(grid.arrow(f"advance-{t}-{i}", t, i, advance=True))
        answer = self.answer.corner(0, 0)[1]
        names.append(row_name(64, answer + 20, "path", "soft", top=answer, indent=grid.left))
        marks += [self.answer.cell(f"label-{t}", t, 0) for t in range(T)]
        width, height = grid.corner(T - 1, 0)[0] + grid.width + 10, self.answer.corner(0, 0)[1] + 38
        return document(width, height, [*marks, pinned(names, 70, height)], title)

    def table(self, title: str) -> Table:
        header = ("", *(f"t = {t}" for t in range(self.T)))
        rows = [(f"y({self.symbols[k]})", *(number(p, 3) for p in self.trellis.y[:, k])) for k in self.rows]
        what = "V, a logarithm" if self.log else "V"
        rows += [(f"{what}, i = {i} {n}", *(self.show(v) for v in self.V[:, i])) for i, n in enumerate(self.names)]
        best = ["–"] * self.T if self.path is None else [self.names[i] for i in self.path]
        return Table(title, header, (*rows, ("best path", *best)))
