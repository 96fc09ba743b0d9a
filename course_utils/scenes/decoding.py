"""Decoding as a picture: the best symbol of each frame, and beams of candidates with their scores (section 9.8)."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment import log_probabilities
from course_utils.beam_steps import Candidate, Keeps, Way, search
from course_utils.ctc import check_blank, collapse, forward_backward
from course_utils.decoding import best_string
from course_utils.scenes.collapse import CollapseRows
from course_utils.scenes.lattice import PROBABILITY, Lattice, arrow, names_of_columns, probability_cells
from course_utils.scenes.scene import (
    Mark,
    Scene,
    Storyboard,
    Table,
    document,
    latex_number,
    latex_text,
    number,
    pinned,
    text,
)

MOST_STRINGS = 2000  # as many as can be tried one by one while a reader waits
TITLES = {
    "prefixes": "Prefix beam search",
    "one score": "Prefix beam search with one score for each prefix",
    "alignments": "Beam search over alignments",
}


def greedy_scene(y: ArrayLike, symbols: Sequence[str], blank: int = 0) -> Scene:
    """Take the most probable symbol of each frame, collapse them, and compare with the most probable string.

    Parameters
    ----------
    y
        (T, A) probabilities; they can be edited.
    symbols
        The name of each column of ``y``, the blank's included.
    blank
        Column of the blank.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    log_y = log_probabilities(y)
    symbols = [str(symbol) for symbol in names_of_columns(symbols, log_y, "y")]
    check_blank(blank, log_y.shape[1])
    y, T = np.exp(log_y), len(log_y)
    emission = Lattice(left=110, top=34, width=78, height=26, across=92, down=32)
    best = y.argmax(axis=1)
    path = [symbols[k] for k in best]
    rows = CollapseRows(path, symbols[blank], "merge first", Lattice(110, 34 + 32 * len(symbols) + 18, 78, 34, 92, 60))
    board, product = Storyboard(), 1.0
    for t, k in enumerate(best):
        product *= y[t, k]
        ties = [f"“{symbols[j]}”" for j in range(len(symbols)) if y[t, j] == y[t, k]]
        says = f"Frame {t}: the most probable is {_name(symbols, k, blank)} with {number(y[t, k])}."
        if len(ties) > 1:
            says += f" {', '.join(ties)} are equal; the first column wins, which is a rule and not a reason."
        factors = r" \times ".join(latex_number(number(y[s, best[s]])) for s in range(t + 1))
        board.step(
            says,
            f"{factors} = {latex_number(number(product))}" if t else "",
            keep={f"collapse-0-{t}": Mark("done")},
            now={f"y-{t}-{k}": ("now", "won"), f"collapse-0-{t}": ("now", "done")},
            computes=[f"collapse-0-{t}"],
        )
    rows.play(board)
    labels = tuple(symbols.index(run.symbol) for run in rows.rows[-1])
    p = float(np.exp(forward_backward(log_y, labels, blank).log_p))
    says = (
        f"This one alignment has {number(product)}; all alignments of {_spelled(labels, symbols)} have {number(p, 5)}."
    )
    says += _compared(labels, p, log_y, symbols, blank)
    formula = f"P({latex_text(_spelled(labels, symbols))}) = {latex_number(number(p, 5))}"
    board.step(says, formula, now={rows.mark(2, run): ("path", "path") for run in rows.rows[-1]})
    names = [text(98, emission.centre(0, k)[1] + 5, f"y({symbol})", "small", "end") for k, symbol in enumerate(symbols)]
    for row, name in enumerate(("best", "merged", "string")):
        names.append(text(98, rows.where.centre(0, row)[1] + 5, name, "small", "end"))
    marks = [text(emission.centre(t, 0)[0], 20, f"t = {t}", "soft") for t in range(T)]
    marks += probability_cells(emission, y, symbols, range(len(symbols))) + rows.drawing("hidden")
    height = rows.where.corner(0, 2)[1] + 44
    title = "Greedy decoding"
    svg = document(emission.corner(T, 0)[0], height, [*marks, pinned(names, 104, height)], title)
    table = [(f"y({symbol})", *(number(v, 3) for v in y[:, k])) for k, symbol in enumerate(symbols)]
    table.append(("best", *path))
    caption = f"{title}: {_spelled(labels, symbols)}, P = {number(p, 5)}"
    return Scene(
        title, svg, tuple(board.steps), Table(caption, ("", *(f"t = {t}" for t in range(T))), tuple(table)),
        edit=PROBABILITY,
    )  # fmt: skip


def beam_scene(
    y: ArrayLike, symbols: Sequence[str], blank: int = 0, *, width: int = 2, keeps: Keeps = "prefixes"
) -> Scene:
    """Grow candidates frame by frame, show both scores of each, keep the best, and say what was pruned.

    Parameters
    ----------
    y, symbols, blank
        As for :func:`greedy_scene`.
    width, keeps
        As for :func:`course_utils.beam_steps.search`.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    log_y = log_probabilities(y)
    symbols = [str(symbol) for symbol in names_of_columns(symbols, log_y, "y")]
    return _Beam(log_y, symbols, blank, width, keeps).scene()


class _Beam:
    CELL, GAP, HIGH = 180, 42, 46

    def __init__(self, log_y: NDArray, symbols: list[str], blank: int, width: int, keeps: Keeps):
        self.log_y, self.y, self.symbols, self.blank, self.keeps = log_y, np.exp(log_y), symbols, blank, keeps
        self.width = width
        self.search = search(self.y, blank, width, keeps)
        self.T, A = log_y.shape
        across = self.CELL + self.GAP
        self.emission = Lattice(left=64, top=34, width=78, height=26, across=across, down=32)
        top = 34 + 32 * A + 26
        self.grid = Lattice(left=64, top=top, width=self.CELL, height=self.HIGH, across=across, down=self.HIGH + 10)
        self.rows = max(map(len, self.search.frames))
        self.bottom = top + self.rows * (self.HIGH + 10)
        self.row_of = [{c.labels: row for row, c in enumerate(frame)} for frame in self.search.frames]

    def scene(self) -> Scene:
        board = Storyboard()
        for t, frame in enumerate(self.search.frames):
            for row, candidate in enumerate(frame):
                self.grow(board, t, row, candidate)
            self.prune(board, t, frame)
        self.conclude(board)
        title = f"{TITLES[self.keeps]}, width {self.width}"
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), edit=PROBABILITY)

    # -- what is said

    def grow(self, board: Storyboard, t: int, row: int, candidate: Candidate) -> None:
        name, mark = self.name(candidate.labels), f"candidate-{t}-{row}"
        says = f"{name[0].upper()}{name[1:]} at t = {t}."
        for score, ways in self.both(candidate):
            if ways:
                says += f" {score}{', '.join(self.said(t, way, candidate) for way in ways)}."
        if self.keeps != "alignments" and len(candidate.ways) > 1:
            says += f" Together {number(candidate.total)}."
        now = {mark: ("now", "done")}
        for way in candidate.ways:
            k = self.blank if way.kind == "blank" else candidate.labels[-1]
            now[f"y-{t}-{k}"] = ("now", "done")
            if t:
                source = self.row_of[t - 1][way.source]
                now[f"candidate-{t - 1}-{source}"] = ("won", "path")
                now[f"way-{t}-{row}-{source}"] = ("won", "hidden")
        board.step(says, self.formula(t, candidate), now=now, computes=[mark])

    def both(self, candidate: Candidate) -> list[tuple[str, list[Way]]]:
        blank = [way for way in candidate.ways if way.kind == "blank"]
        other = [way for way in candidate.ways if way.kind != "blank"]
        if self.keeps != "prefixes":
            return [("", [*blank, *other])]
        last = self.symbols[candidate.labels[-1]] if candidate.labels else ""
        return [("Ending in a blank: ", blank), (f"Ending in {last}: ", other)]

    def said(self, t: int, way: Way, candidate: Candidate) -> str:
        product = f"{number(way.probability)} × {number(way.mass)} = {number(way.value)}"
        if t == 0:
            return f"{product}, the beginning"
        source = self.name(way.source)
        if self.keeps == "alignments":
            return f"{product}, after {source}"
        if way.kind == "blank":
            return f"{product} (a blank after {source})"
        if way.kind == "repeat":
            return f"{product} (the {self.symbols[candidate.labels[-1]]} goes on)"
        if way.after_blank:
            return f"{product} (a new {self.symbols[candidate.labels[-1]]} after {source}, which must have ended in a blank)"
        return f"{product} ({self.symbols[candidate.labels[-1]]} put behind {source})"

    def formula(self, t: int, candidate: Candidate) -> str:
        lines = []
        for sign, (_, ways) in zip((r"p_{\text{blank}}", r"p_{\text{symbol}}"), self.both(candidate), strict=False):
            if ways and t:
                sign = sign if self.keeps == "prefixes" else "p"
                terms = " + ".join(
                    rf"{latex_number(number(way.probability))} \times {latex_number(number(way.mass))}" for way in ways
                )
                total = number(sum(way.value for way in ways))
                lines.append(f"{sign} = {terms} = {latex_number(total)}")
        return r",\quad ".join(lines)

    def prune(self, board: Storyboard, t: int, frame: Sequence[Candidate]) -> None:
        lost = sum(c.total for c in frame if not c.kept)
        kept = [c for c in frame if c.kept]
        keep = {f"candidate-{t}-{row}": Mark("path" if c.kept else "lost") for row, c in enumerate(frame)}
        if lost or len(kept) < len(frame):
            says = f"Keep the best {len(kept)} of {len(frame)}: {', '.join(self.name(c.labels) for c in kept)}. "
            says += f"Pruned with the others: {number(lost)}."
        else:
            says = f"All {len(frame)} fit into the beam: nothing is pruned at t = {t}."
        keep[f"pruned-{t}"] = Mark("done", number(lost))
        board.step(says, keep=keep, computes=[f"pruned-{t}"])

    def conclude(self, board: Storyboard) -> None:
        labels, score = self.search.found[0] if self.search.found else ((), 0.0)
        exact = float(np.exp(forward_backward(self.log_y, labels, self.blank).log_p))
        spelled = _spelled(labels, self.symbols)
        says = f"The best string found is {spelled}, with {number(score, 5)}"
        if np.isclose(score, exact, rtol=1e-9, atol=0):
            says += ", which is its probability."
        elif score < exact:
            says += f"; its probability is {number(exact, 5)}: what pruned alignments had is missing."
        else:
            says += f"; its probability is {number(exact, 5)}, so this search has counted alignments of other strings."
        says += _compared(labels, exact, self.log_y, self.symbols, self.blank)
        rows = [
            row
            for row, c in enumerate(self.search.frames[-1])
            if c.kept
            and (c.labels == labels or (self.keeps == "alignments" and collapse(c.labels, self.blank) == labels))
        ]
        board.step(
            says,
            f"P({latex_text(spelled)}) = {latex_number(number(exact, 5))}",
            now={f"candidate-{self.T - 1}-{row}": ("now", "path") for row in rows},
        )

    def name(self, labels: Sequence[int]) -> str:
        return f"“{''.join(self.symbols[k] for k in labels)}”" if labels else "the empty prefix"

    # -- what is drawn

    def drawing(self, title: str) -> str:
        marks, names = [], []
        A = len(self.symbols)
        for t in range(self.T):
            marks.append(text(self.emission.left + t * self.emission.across + self.CELL / 2, 20, f"t = {t}", "soft"))
        for k, symbol in enumerate(self.symbols):
            names.append(text(52, self.emission.centre(0, k)[1] + 5, f"y({symbol})", "small", "end"))
        middle = replace(self.emission, left=self.emission.left + (self.CELL - self.emission.width) / 2)
        marks += probability_cells(middle, self.y, self.symbols, range(A))
        for t, frame in enumerate(self.search.frames):
            for row, candidate in enumerate(frame):
                marks.append(self.candidate(t, row, candidate))
                sources = {self.row_of[t - 1][way.source] for way in candidate.ways} if t else ()
                for source in sorted(sources):
                    x0, y0 = self.grid.centre(t - 1, source)
                    x1, y1 = self.grid.centre(t, row)
                    start, end = (x0 + self.CELL / 2 + 2, y0), (x1 - self.CELL / 2 - 3, y1)
                    marks.append(arrow(f"way-{t}-{row}-{source}", start, end))
            x, _ = self.grid.corner(t, 0)
            marks.append(
                f'<g class="cell" data-mark="pruned-{t}" data-state="hidden">'
                + text(x + self.CELL / 2 - 4, self.bottom + 20, "pruned", "soft", "end")
                + text(x + self.CELL / 2 + 4, self.bottom + 20, "", "slot small", "start") + "</g>"
            )  # fmt: skip
        width = self.grid.corner(self.T - 1, 0)[0] + self.CELL + 10
        return document(width, self.bottom + 30, [*marks, pinned(names, 58, 34 + 32 * A)], title)

    def candidate(self, t: int, row: int, candidate: Candidate) -> str:
        x, y = self.grid.corner(t, row)
        box = f'x="{x:g}" y="{y:g}" width="{self.CELL}" height="{self.HIGH}" rx="5"'
        name = "".join(self.symbols[k] for k in candidate.labels) or "(empty)"
        top = max(c.total for c in self.search.frames[t])
        level = 0.3 * candidate.total / top if top else 0
        inside = text(x + 10, y + 19, name, "name", "start")
        inside += text(x + self.CELL - 10, y + 19, number(candidate.total), "slot", "end")
        if self.keeps == "prefixes":
            blank = f"“{self.symbols[self.blank]}” {number(candidate.in_blank)}"
            inside += text(x + 10, y + 37, blank, "small", "start")
            if candidate.labels:
                symbol = f"“{self.symbols[candidate.labels[-1]]}” {number(candidate.in_symbol)}"
                inside += text(x + self.CELL - 10, y + 37, symbol, "small", "end")
        elif self.keeps == "alignments":
            inside += text(x + 10, y + 37, f"spells {_spelled(collapse(candidate.labels, self.blank), self.symbols)}", "small", "start")  # fmt: skip
        else:
            inside += text(x + 10, y + 37, "one score", "small", "start")
        label = escape(f"{self.name(candidate.labels)} at frame {t}", True)
        return (
            f'<g class="cell" data-mark="candidate-{t}-{row}" data-state="hidden" aria-label="{label}">'
            f'<rect class="paper" {box}/><rect class="tint" {box} fill-opacity="{level:.3g}"/><rect class="box" {box}/>'
            f"{inside}</g>"
        )

    def table(self, title: str) -> Table:
        rows = []
        for labels, score in self.search.found[:8]:
            exact = float(np.exp(forward_backward(self.log_y, labels, self.blank).log_p))
            rows.append((_spelled(labels, self.symbols), number(score), number(exact)))
        return Table(title, ("string", "found", "its probability"), tuple(rows))


def _name(symbols: Sequence[str], k: int, blank: int) -> str:
    return f"the blank “{symbols[k]}”" if k == blank else f"“{symbols[k]}”"


def _spelled(labels: Sequence[int], symbols: Sequence[str]) -> str:
    return f"“{''.join(symbols[k] for k in labels)}”" if len(labels) else "the empty string"


def _compared(labels: tuple, p: float, log_y: NDArray, symbols: Sequence[str], blank: int) -> str:
    """Say whether a better string exists, where all strings can be tried."""
    T, A = log_y.shape
    if sum((A - 1) ** n for n in range(T + 1)) > MOST_STRINGS:
        return ""
    best = best_string(log_y, blank)[0]
    if best.labels == labels or np.isclose(np.exp(best.log_p), p, rtol=1e-9, atol=0):
        return " No string is more probable."
    return (
        f" The most probable string is {_spelled(best.labels, symbols)}, with {number(float(np.exp(best.log_p)), 5)}."
    )
