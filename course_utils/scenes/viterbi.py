"""Forced alignment as a picture: the trellis cell by cell (section 8.3), and over the columns of an image."""

from collections.abc import Sequence
from html import escape
from string import ascii_uppercase
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import viterbi
from course_utils.alignment import check_target, compress, encode, log_probabilities
from course_utils.scenes.lattice import PROBABILITY, Lattice, names_of_columns, probability_cells
from course_utils.scenes.scene import (
    Hint,
    Mark,
    Scene,
    Storyboard,
    Table,
    document,
    latex_number,
    latex_text,
    log_number,
    number,
    pinned,
    plural,
    text,
)

Domain = Literal["probability", "log"]
ROWS_SHOWN = 5  # of the probabilities; with more symbols than this, only those of the target


def viterbi_scene(
    y: ArrayLike,
    target: str | Sequence,
    symbols: Sequence[str] = ascii_uppercase,
    *,
    domain: Domain = "probability",
    ties: viterbi.Ties = "stay",
) -> Scene:
    """Fill the trellis of ``target`` cell by cell, then trace the best path back.

    Parameters
    ----------
    y
        (T, A) probabilities. They are drawn above the trellis and can be edited there.
    target
        K names from ``symbols``, or column indices. Where no path fits, the scene says why.
    symbols
        The name of each column of ``y``.
    domain
        Show products of probabilities, computed as such, with their underflow; or sums of logarithms.
    ties
        As in :func:`course_utils.viterbi.align`.

    Raises
    ------
    ValueError
        ``y`` is no table of probabilities, ``target`` is empty or names an unknown symbol.
    """
    return _Trellis(y, target, symbols, domain, ties).scene()


class _Trellis:
    """Holds what the parts of the scene share."""

    def __init__(self, y, target, symbols, domain, ties):
        if domain not in ("probability", "log"):
            raise ValueError(f"domain is {domain!r}; choose 'probability' or 'log'")
        log_y = log_probabilities(y)
        self.y, self.log_y = np.asarray(y, dtype=float), log_y
        self.T = len(log_y)
        self.target = check_target(encode(target, names_of_columns(symbols, log_y, "y")), log_y.shape[1])
        self.K = len(self.target)
        if self.K == 0:
            raise ValueError("target is empty; give at least one symbol, such as 'AB'")
        self.names = [str(symbols[k]) for k in self.target]
        self.symbols = [str(symbols[k]) for k in range(log_y.shape[1])]
        self.log = domain == "log"
        self.fits = self.T >= self.K
        if self.log:
            self.V, self.advanced = viterbi.forward(log_y, self.target, ties)
            self.emitted, self.times, self.none = log_y[:, self.target], "+", -np.inf
        else:
            self.V, self.advanced, _ = viterbi.align_in_probabilities(self.y, self.target, ties)
            self.emitted, self.times, self.none = self.y[:, self.target], "×", 0.0
        self.ties = ties
        self.show = log_number if self.log else number
        many = log_y.shape[1] > ROWS_SHOWN
        self.rows = list(dict.fromkeys(self.target.tolist())) if many else list(range(log_y.shape[1]))
        emission_top = 34
        trellis_top = emission_top + 32 * len(self.rows) + 44
        self.emission = Lattice(left=76, top=emission_top, width=78, height=26, across=118, down=32)
        self.grid = Lattice(left=76, top=trellis_top, width=78, height=46, across=118, down=84)
        self.answer = Lattice(left=76, top=trellis_top + 84 * self.K - 12, width=78, height=30, across=118, down=0)

    def scene(self) -> Scene:
        board = Storyboard()
        self.start(board)
        for t in range(1, self.T):
            for i in range(min(t + 1, self.K)):
                self.fill(board, t, i)
        if self.V[-1, -1] > self.none:
            path = self.trace_back(board)
        else:
            path = None
            board.step(*self.why_none())
        title = f"Viterbi trellis of {' '.join(self.names)} in {plural(self.T, 'frame')}"
        if self.log:
            title += ", log domain"
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title, path), edit=PROBABILITY)

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
        if not self.log and V[t, i] == 0 and np.isfinite(self.log_value(t, i)):
            exponent = log_number(self.log_value(t, i) / np.log(10), 0)
            says += f" The true value is about 10^{exponent}, too small for a float64: underflow."
        board.step(says, formula, keep={here: Mark(text=value, level=self.level(t, i))}, now=now, computes=[here])

    def verdict(self, t, i, stay, advance, came, reachable) -> str:
        if not reachable:
            return f"it can only have come from {self.name(i - 1)}, which brings {advance}."
        both = f"staying brings {stay}, advancing from {self.name(i - 1)} brings {advance}."
        if self.V[t - 1, i] == self.V[t - 1, i - 1]:
            if self.V[t - 1, i] == self.none:
                if not self.log and np.isfinite(self.log_value(t - 1, i)):
                    return both + f" Both have underflowed, so the rule decides: {self.ties}."
                return both + " Neither has any probability."
            return both + f" A tie: the rule says {self.ties}."
        return both + (" Advancing wins." if came else " Staying wins.")

    def trace_back(self, board: Storyboard) -> NDArray:
        path = viterbi.trace_back(self.advanced)
        score = self.show(self.V[-1, -1])
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
        board.step(*self.conclusion(path, score))
        return path

    def conclusion(self, path, score) -> tuple[str, str]:
        best = " ".join(self.names[i] for i in path)
        says = f"The best path reads {best}."
        greedy = self.log_y.argmax(axis=1)
        read, wanted = compress(greedy.tolist()), tuple(self.target.tolist())
        letters = " ".join(self.symbols[k] for k in greedy)
        if read == wanted:
            says += f" Here the most probable symbol of each frame reads {letters} and would have done as well."
        else:
            says += (
                f" The most probable symbol of each frame reads {letters}, which compresses to "
                f"{' '.join(self.symbols[k] for k in read)}: not the target."
            )
        repeats = compress(wanted) != wanted
        if repeats:
            says += (
                " Equal neighbours in the target: wherever the path advances between them, its labels and its score are "
                "the same, so only the rule for ties decides."
            )
        operator = "+" if self.log else r"\times"
        factors = f" {operator} ".join(self.latex(self.show(self.emitted[t, i])) for t, i in enumerate(path))
        formula = f"{factors} = {latex_number(score)}" if self.T <= 8 else f"V^{{\\ast}} = {latex_number(score)}"
        return says, formula

    def why_none(self) -> tuple[str, str]:
        if not self.fits:
            return (
                f"There is no path: {self.K} symbols need at least {self.K} frames, one each, and there are {self.T}. "
                "align raises an error here instead of returning a path.",
                f"T = {self.T} < K = {self.K}",
            )
        if not self.log and np.isfinite(self.log_value(self.T - 1, self.K - 1)):
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

    def log_value(self, t: int, i: int) -> float:
        if not hasattr(self, "_log_V"):
            self._log_V, _ = viterbi.forward(self.log_y, self.target)
        return self._log_V[t, i]

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
        marks = [text(self.emission.centre(t, 0)[0], 20, f"t = {t}", "soft") for t in range(T)]
        names = [
            text(64, self.emission.centre(0, row)[1] + 5, f"y({self.symbols[k]})", "small", "end")
            for row, k in enumerate(self.rows)
        ]
        marks += probability_cells(self.emission, self.y, self.symbols, self.rows)
        for i in range(K):
            x, y = 64, grid.centre(0, i)[1]
            names += [text(x, y, self.names[i], "name", "end"), text(x, y + 16, f"i = {i}", "soft", "end")]
            for t in range(T):
                marks.append(grid.cell(f"V-{t}-{i}", t, i, label=f"{self.name(i)} at frame {t}"))
        for t in range(1, T):
            for i in range(min(t + 1, K)):
                if i <= t - 1:
                    marks.append(grid.arrow(f"stay-{t}-{i}", t, i, advance=False))
                if i > 0:
                    marks.append(grid.arrow(f"advance-{t}-{i}", t, i, advance=True))
        names.append(text(64, self.answer.centre(0, 0)[1] + 5, "path", "soft", "end"))
        marks += [self.answer.cell(f"label-{t}", t, 0) for t in range(T)]
        width, height = grid.corner(T - 1, 0)[0] + grid.width + 10, self.answer.corner(0, 0)[1] + 38
        return document(width, height, [*marks, pinned(names, 70, height)], title)

    def table(self, title: str, path: NDArray | None) -> Table:
        header = ("", *(f"t = {t}" for t in range(self.T)))
        rows = [(f"y({self.symbols[k]})", *(number(p, 3) for p in self.y[:, k])) for k in self.rows]
        what = "V, a logarithm" if self.log else "V"
        rows += [(f"{what}, i = {i} {n}", *(self.show(v) for v in self.V[:, i])) for i, n in enumerate(self.names)]
        best = ["–"] * self.T if path is None else [self.names[i] for i in path]
        return Table(title, header, (*rows, ("best path", *best)))


def strip_scene(
    image: ArrayLike,
    log_y: ArrayLike,
    target: str,
    symbols: Sequence[str],
    true_spans: ArrayLike | None = None,
) -> Scene:
    """Align a target to the columns of an image, one frame a step, and draw the path under the image.

    Parameters
    ----------
    image
        (height, T) ink from 0 to 1.
    log_y
        (T, A) natural log-probabilities of the columns.
    target
        K names from ``symbols``.
    symbols
        The name of each column of ``log_y``.
    true_spans
        (n, 2) first column and column after the last of each thing in the image, drawn as brackets over it.

    Raises
    ------
    ValueError
        The arguments do not fit together, or no path fits.
    """
    image = np.asarray(image, dtype=float)
    log_y = np.asarray(log_y, dtype=float)
    if image.ndim != 2 or image.shape[1] != len(log_y):
        raise ValueError(f"image has shape {image.shape}, but log_y has {len(log_y)} frames: give one frame per column")
    found = viterbi.align(log_y, encode(target, names_of_columns(symbols, log_y, "log_y")))
    names = [str(symbols[k]) for k in found.target]
    if true_spans is not None:
        true_spans, shown = np.asarray(true_spans), sum(name.isalnum() for name in names)
        if true_spans.shape != (shown, 2):
            raise ValueError(
                f"true_spans has shape {true_spans.shape}; {shown} symbols of the target need ({shown}, 2)"
            )
    return _StripTrellis(image, log_y, names, found, true_spans).scene()


class _StripTrellis:
    SIZE = 16  # of a column
    HIGH = 22  # of a row of the trellis

    def __init__(self, image, log_y, names, found, true_spans):
        self.image, self.names, self.found, self.true_spans = image, names, found, true_spans
        self.emitted = log_y[:, found.target]
        self.T, self.K = found.trellis.shape
        self.is_gap = [not name.isalnum() for name in names]
        self.image_top = 34
        self.grid_top = self.image_top + len(image) * self.SIZE + 26
        self.grid = Lattice(52, self.grid_top, self.SIZE - 1, self.HIGH - 2, self.SIZE, self.HIGH)

    def scene(self) -> Scene:
        board, hints = Storyboard(), {}
        for t in range(self.T):
            self.fill(board, t)
            for i in range(min(t + 1, self.K)):
                hints[f"V-{t}-{i}"] = Hint(self.derivation(t, i))
        self.trace_back(board)
        title = f"Alignment of {' '.join(self.names)} to {self.T} columns"
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), hints)

    def fill(self, board: Storyboard, t: int) -> None:
        V = self.found.trellis
        alive = range(min(t + 1, self.K))
        top = V[t].max()
        leader = int(V[t].argmax())
        keep = {f"V-{t}-{i}": Mark(level=float(np.exp(max(V[t, i] - top, -30) / 3))) for i in alive}
        keep |= {f"V-{t}-{i}": Mark("off") for i in range(t + 1, self.K)}
        now = {f"V-{t}-{i}": ("now", "done") for i in alive} | {f"column-{t}": ("now", "hidden")}
        if t == 0:
            says = (
                f"Column 0: the path starts at position 0, {self.spoken(0)}. Its log-score is {log_number(V[0, 0], 2)}."
            )
        else:
            reach = f"the {len(alive)} positions within reach" if len(alive) > 1 else "the position within reach"
            says = (
                f"Column {t}: each of {reach} keeps its better way in. "
                f"In front is position {leader}, {self.spoken(leader)}, with a log-score of {log_number(top, 2)}."
            )
        board.step(says, keep=keep, now=now, computes=[f"V-{t}-{i}" for i in alive])

    def trace_back(self, board: Storyboard) -> None:
        score = log_number(self.found.score, 2)
        for i in range(self.K - 1, -1, -1):
            start, end = self.found.segments[i]
            keep = {f"V-{t}-{i}": Mark("path") for t in range(start, end)} | {f"span-{i}": Mark("path")}
            length = end - start
            where = f"column {start}" if length == 1 else f"columns {start} to {end - 1}"
            opening = f"Back from the last cell, log-score {score}. " if i == self.K - 1 else ""
            board.step(f"{opening}Position {i}, {self.spoken(i)}, is aligned to {where}.", keep=keep)
        said = f"The path spells {' '.join(self.names)}, one position after the other, and has cut the image into {self.K} pieces."
        if self.true_spans is not None:
            digits = [i for i, gap in enumerate(self.is_gap) if not gap]
            error = np.abs(self.found.segments[digits] - self.true_spans)
            exact = int((error == 0).sum())
            if error.max() == 0:
                said += f" All {error.size} boundaries are exact."
            else:
                worst = plural(int(error.max()), "column")
                said += f" {exact} of {error.size} boundaries are exact, the worst is off by {worst}."
        board.step(said, f"V^{{\\ast}} = {latex_number(score)}")

    def spoken(self, i: int) -> str:
        return "a gap" if self.is_gap[i] else f"“{self.names[i]}”"

    def derivation(self, t: int, i: int) -> str:
        V, here = self.found.trellis, f"Position {i}, {self.spoken(i)}, column {t}: "
        log_p, value = log_number(self.emitted[t, i], 2), log_number(V[t, i], 2)
        if t == 0:
            return f"{here}V = ln y = {value}."
        ways = [f"stay {log_number(V[t - 1, i], 2)}"] if i < t else []
        if i:
            ways.append(f"advance {log_number(V[t - 1, i - 1], 2)}")
        taken = log_number(V[t - 1, i - bool(self.found.advanced[t, i])], 2)
        choice = f"the better, {taken}," if len(ways) > 1 else taken
        return f"{here}{', '.join(ways)}; {choice} plus ln y = {log_p} gives {value}."

    def drawing(self, title: str) -> str:
        size, left = self.SIZE, self.grid.left
        marks = [text(left + t * size + size / 2, 12, str(t), "soft") for t in range(0, self.T, 5)]
        marks += self.pixels()
        if self.true_spans is not None:
            for start, end in self.true_spans:
                x0, x1, y = left + start * size + 1, left + end * size - 2, self.image_top - 6
                marks.append(f'<path class="axis" fill="none" d="M{x0:g} {y}v-6H{x1:g}v6"/>')
        bottom, names = self.grid_top + self.K * self.HIGH, []
        for t in range(self.T):
            x = left + t * size
            marks.append(
                f'<g class="cell" data-mark="column-{t}" data-state="hidden"><rect class="box" x="{x - 0.5:g}" y="{self.image_top}" '
                f'width="{size}" height="{len(self.image) * size}"/></g>'
            )
        for i in range(self.K):
            y = self.grid.centre(0, i)[1] + 5
            names.append(
                text(
                    left - 10,
                    y,
                    "gap" if self.is_gap[i] else self.names[i],
                    "soft" if self.is_gap[i] else "name",
                    "end",
                )
            )
            for t in range(self.T):
                x, top = self.grid.corner(t, i)
                box = f'x="{x:g}" y="{top:g}" width="{self.grid.width:g}" height="{self.grid.height:g}"'
                marks.append(
                    f'<g class="cell fine" data-mark="V-{t}-{i}" data-state="idle" aria-label="{escape(self.names[i], True)}, column {t}"><rect class="tint" {box} fill-opacity="0"/>'
                    f'<rect class="box" {box}/></g>'
                )
        for i, (start, end) in enumerate(self.found.segments):
            x0, x1 = left + start * size, left + end * size
            name = "" if self.is_gap[i] else self.names[i]
            marks.append(
                f'<g class="cell" data-mark="span-{i}" data-state="hidden"><path class="box" d="M{x0 + 1:g} {bottom + 6}v6H{x1 - 1:g}v-6"/>'
                + text((x0 + x1) / 2, bottom + 30, name, "name") + "</g>"
            )  # fmt: skip
        return document(left + self.T * size + 12, bottom + 40, [*marks, pinned(names, left - 4, bottom)], title)

    def pixels(self) -> list[str]:
        """Draw the image as one path for each shade."""
        shades = np.rint(self.image * 8).astype(int)
        size, drawn = self.SIZE, []
        width, height = shades.shape[1] * size, shades.shape[0] * size
        drawn.append(
            f'<rect class="axis" fill="none" x="{self.grid.left}" y="{self.image_top}" width="{width}" height="{height}"/>'
        )
        for shade in range(1, 9):
            squares = "".join(
                f"M{self.grid.left + x * size:g} {self.image_top + y * size}h{size}v{size}h-{size}z"
                for y, x in np.argwhere(shades == shade)
            )
            if squares:
                drawn.append(f'<path class="ink" fill-opacity="{shade / 8:g}" d="{squares}"/>')
        return drawn

    def table(self, title: str) -> Table:
        rows = []
        truth = {} if self.true_spans is None else dict(
            zip((i for i, gap in enumerate(self.is_gap) if not gap), self.true_spans.tolist(), strict=True)
        )  # fmt: skip
        for i, (start, end) in enumerate(self.found.segments.tolist()):
            true = f"{truth[i][0]} to {truth[i][1] - 1}" if i in truth else ""
            rows.append((f"{i} {self.names[i]}", f"{start} to {end - 1}", true))
        return Table(
            f"{title}, log-score {log_number(self.found.score, 2)}",
            ("position", "columns found", "true columns"),
            tuple(rows),
        )
