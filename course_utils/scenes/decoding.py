"""Decoding as a picture: the best symbol of each frame, and beams of candidates with their scores (section 9.8)."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np

from course_utils.beam_trace import BeamTrace, Candidate, GreedyTrace, Way
from course_utils.posteriors import names_of_columns
from course_utils.scenes.collapse import CollapseRows
from course_utils.scenes.lattice import Lattice, probability_cells, probability_edits, probability_names
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, document, pinned, row_name, text
from course_utils.scenes.wording import latex_number, latex_text, number

MOST_ROWS = 8  # of the table
TITLES = {
    "prefixes": "Prefix beam search",
    "one score": "Prefix beam search with one score for each prefix",
    "alignments": "Beam search over alignments",
}

GREEDY_LEGEND = Legend(
    {"won": "the best of its frame, or what a stretch becomes", "path": "what is read", "off": "goes"},
    shade="a probability",
    letters={"y": "output"},
)


def greedy_scene(trace: GreedyTrace, symbols: Sequence[str]) -> Scene:
    """Take the most probable symbol of each frame, collapse them, and compare with the most probable string.

    Parameters
    ----------
    trace
        Whose probabilities can be edited.
    symbols
        The name of each column of the probabilities, the blank's included.

    Raises
    ------
    ValueError
        A column has no name, or two have the same.
    """
    y, T = trace.y, len(trace.y)
    symbols = [str(symbol) for symbol in names_of_columns(symbols, y, "y")]
    emission = Lattice(left=110, top=34, width=78, height=26, across=92, down=40)
    where = Lattice(110, 34 + 40 * len(symbols) + 12, 78, 34, 92, 60)
    rows = CollapseRows(trace.collapse, symbols.__getitem__, where)
    board = Storyboard()
    for t in range(T):
        _take_best(board, trace, symbols, t)
    rows.play(board)
    spelled = _spelled(trace.collapse.string, symbols)
    p = number(trace.probability, 5)
    says = f"This one alignment has {number(trace.products[-1])}; all alignments of {spelled} have {p}."
    says += _compared(trace.collapse.string, trace.probability, trace, symbols)
    formula = f"P({latex_text(spelled)}) = {latex_number(p)}"
    board.step(says, formula, now={rows.mark(2, stretch): ("path", "path") for stretch in rows.rows[-1]})
    names = probability_names(emission, symbols, range(len(symbols)), 98)
    for row, name in enumerate(("best", "merged", "string")):
        top = where.corner(0, row)[1]
        names.append(row_name(98, top + where.height / 2 + 5, name, top=top, indent=where.left))
    marks = [text(emission.centre(t, 0)[0], 14, f"t = {t}", "soft") for t in range(T)]
    marks += probability_cells(emission, y, symbols, range(len(symbols))) + rows.drawing("hidden")
    height = rows.where.corner(0, 2)[1] + 44
    title = "Greedy decoding"
    svg = document(emission.corner(T, 0)[0], height, [*marks, pinned(names, 104, height)], title)
    table = [(f"y({symbol})", *(number(v, 3) for v in y[:, k])) for k, symbol in enumerate(symbols)]
    table.append(("best", *(symbols[k] for k in trace.collapse.alignment)))
    caption = f"{title}: {spelled}, P = {p}"
    return Scene(
        title, svg, tuple(board.steps), Table(caption, ("", *(f"t = {t}" for t in range(T))), tuple(table)),
        edits=probability_edits(y, range(len(symbols))),
        legend=GREEDY_LEGEND,
    )  # fmt: skip


def _take_best(board: Storyboard, trace: GreedyTrace, symbols: Sequence[str], t: int) -> None:
    y, path, tied = trace.y, trace.collapse.alignment, trace.best[t]
    k = path[t]
    name = f"the blank “{symbols[k]}”" if k == trace.blank else f"“{symbols[k]}”"
    says = f"Frame {t}: the most probable is {name} with {number(y[t, k])}."
    if len(tied) > 1:
        equal = ", ".join(f"“{symbols[j]}”" for j in tied)
        says += f" {equal} are equal; the first column wins, which is a rule and not a reason."
    factors = r" \times ".join(latex_number(number(y[s, path[s]])) for s in range(t + 1))
    board.step(
        says,
        f"{factors} = {latex_number(number(trace.products[t]))}" if t else "",
        keep={f"collapse-0-{t}": Mark("done")},
        now={f"y-{t}-{k}": ("now", "won"), f"collapse-0-{t}": ("now", "done")},
        computes=[f"collapse-0-{t}"],
    )


def beam_scene(trace: BeamTrace, symbols: Sequence[str]) -> Scene:
    """Grow candidates frame by frame, show both scores of each, keep the best, and say what was pruned.

    Parameters and errors are those of :func:`greedy_scene`.
    """
    return _Beam(trace, [str(symbol) for symbol in names_of_columns(symbols, trace.y, "y")]).scene()


class _Beam:
    CELL, GAP, HIGH = 180, 42, 46

    def __init__(self, trace: BeamTrace, symbols: list[str]):
        self.trace, self.symbols = trace, symbols
        self.y, self.blank, self.keeps, self.search = trace.y, trace.blank, trace.keeps, trace.search
        self.T, A = self.y.shape
        across = self.CELL + self.GAP
        self.emission = Lattice(left=64, top=34, width=78, height=26, across=across, down=40)
        top = 34 + 40 * A + 20
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
        title = f"{TITLES[self.keeps]}, width {self.trace.width}"
        return Scene(
            title,
            self.drawing(title),
            tuple(board.steps),
            self.table(title),
            edits=probability_edits(self.y, range(len(self.symbols))),
            legend=Legend(
                {"won": "where it grew from", "path": "kept", "lost": "pruned"},
                shade="a candidate, darker the nearer to the best of its frame",
                letters={"y": "output"},
            ),
        )

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
        if t == 0:
            return ""
        totals = (candidate.p_blank, candidate.p_non_blank) if self.keeps == "prefixes" else (candidate.total,)
        signs = (r"p_{\text{blank}}", r"p_{\text{symbol}}") if self.keeps == "prefixes" else ("p",)
        lines = []
        for sign, total, (_, ways) in zip(signs, totals, self.both(candidate), strict=True):
            if ways:
                terms = " + ".join(
                    rf"{latex_number(number(way.probability))} \times {latex_number(number(way.mass))}" for way in ways
                )
                lines.append(f"{sign} = {terms} = {latex_number(number(total))}")
        return r",\quad ".join(lines)

    def prune(self, board: Storyboard, t: int, frame: Sequence[Candidate]) -> None:
        lost, kept = self.search.pruned[t], [c for c in frame if c.kept]
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
        exact = self.trace.probabilities[0]
        spelled = _spelled(labels, self.symbols)
        says = f"The best string found is {spelled}, with {number(score, 5)}"
        if np.isclose(score, exact, rtol=1e-9, atol=0):
            says += ", which is its probability."
        elif score < exact:
            says += f"; its probability is {number(exact, 5)}: what pruned alignments had is missing."
        else:
            says += f"; its probability is {number(exact, 5)}, so this search has counted alignments of other strings."
        says += _compared(labels, exact, self.trace, self.symbols)
        rows = [row for row, c in enumerate(self.search.frames[-1]) if c.kept and c.string == labels]
        board.step(
            says,
            f"P({latex_text(spelled)}) = {latex_number(number(exact, 5))}",
            now={f"candidate-{self.T - 1}-{row}": ("now", "path") for row in rows},
        )

    def name(self, labels: Sequence[int]) -> str:
        return f"“{''.join(self.symbols[k] for k in labels)}”" if labels else "the empty prefix"

    # -- what is drawn

    def drawing(self, title: str) -> str:
        marks = []
        A = len(self.symbols)
        for t in range(self.T):
            marks.append(text(self.emission.left + t * self.emission.across + self.CELL / 2, 14, f"t = {t}", "soft"))
        names = probability_names(self.emission, self.symbols, range(A), 52)
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
        return document(width, self.bottom + 30, [*marks, pinned(names, 58, 34 + 40 * A)], title)

    def candidate(self, t: int, row: int, candidate: Candidate) -> str:
        x, y = self.grid.corner(t, row)
        box = f'x="{x:g}" y="{y:g}" width="{self.CELL}" height="{self.HIGH}" rx="5"'
        name = "".join(self.symbols[k] for k in candidate.labels) or "(empty)"
        top = max(c.total for c in self.search.frames[t])
        level = 0.3 * candidate.total / top if top else 0
        inside = text(x + 10, y + 19, name, "name", "start")
        inside += text(x + self.CELL - 10, y + 19, number(candidate.total), "slot", "end")
        if self.keeps == "prefixes":
            blank = f"“{self.symbols[self.blank]}” {number(candidate.p_blank)}"
            inside += text(x + 10, y + 37, blank, "small", "start")
            if candidate.labels:
                symbol = f"“{self.symbols[candidate.labels[-1]]}” {number(candidate.p_non_blank)}"
                inside += text(x + self.CELL - 10, y + 37, symbol, "small", "end")
        elif self.keeps == "alignments":
            inside += text(x + 10, y + 37, f"spells {_spelled(candidate.string, self.symbols)}", "small", "start")  # fmt: skip
        else:
            inside += text(x + 10, y + 37, "one score", "small", "start")
        label = escape(f"{self.name(candidate.labels)} at frame {t}", True)
        return (
            f'<g class="cell" data-mark="candidate-{t}-{row}" data-state="hidden" aria-label="{label}">'
            f'<rect class="paper" {box}/><rect class="tint" {box} fill-opacity="{level:.3g}"/><rect class="box" {box}/>'
            f"{inside}</g>"
        )

    def table(self, title: str) -> Table:
        found = list(zip(self.search.found, self.trace.probabilities, strict=False))[:MOST_ROWS]
        rows = [(_spelled(labels, self.symbols), number(score), number(exact)) for (labels, score), exact in found]
        return Table(title, ("string", "found", "its probability"), tuple(rows))


def _spelled(labels: Sequence[int], symbols: Sequence[str]) -> str:
    return f"“{''.join(symbols[k] for k in labels)}”" if len(labels) else "the empty string"


def _compared(labels: tuple[int, ...], p: float, trace: GreedyTrace | BeamTrace, symbols: Sequence[str]) -> str:
    """Say whether a better string exists, where all strings have been tried."""
    best = trace.most_probable
    if best is None:
        return ""
    best_p = float(np.exp(best.log_p))
    if best.labels == labels or np.isclose(best_p, p, rtol=1e-9, atol=0):
        return " No string is more probable."
    return f" The most probable string is {_spelled(best.labels, symbols)}, with {number(best_p, 5)}."
