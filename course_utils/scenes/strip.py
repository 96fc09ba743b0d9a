"""Forced alignment over the columns of an image as a picture: one column a step, then the pieces it is cut into (section 8.8)."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from course_utils.posteriors import names_of_columns
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Hint, Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import brackets, document, ink, pinned, text
from course_utils.scenes.wording import latex_number, log_number, plural
from course_utils.viterbi import Alignment


def strip_scene(
    image: ArrayLike,
    found: Alignment,
    symbols: Sequence[str],
    true_spans: ArrayLike | None = None,
) -> Scene:
    """Show how a target is aligned to the columns of an image, one frame a step, and draw the path under the image.

    Parameters
    ----------
    image
        (height, T) ink from 0 to 1.
    found
        From :func:`course_utils.viterbi.align`, with a frame for each column.
    symbols
        The name of each column of the log-probabilities that were aligned.
    true_spans
        (n, 2) first column and column after the last of each thing in the image, drawn as brackets over it.

    Raises
    ------
    ValueError
        The arguments do not fit together.
    """
    image = np.asarray(image, dtype=float)
    if image.ndim != 2 or image.shape[1] != len(found.path):
        raise ValueError(
            f"image has shape {image.shape}, but log_y has {len(found.path)} frames: give one frame per column"
        )
    symbols = names_of_columns(symbols, found.log_y, "log_y")
    names = [str(symbols[k]) for k in found.target]
    if true_spans is not None:
        true_spans, shown = np.asarray(true_spans), sum(name.isalnum() for name in names)
        if true_spans.shape != (shown, 2):
            raise ValueError(
                f"true_spans has shape {true_spans.shape}; {shown} symbols of the target need ({shown}, 2)"
            )
    return _StripPicture(image, found, names, true_spans).scene()


class _StripPicture:
    SIZE = 16  # of a column
    HIGH = 22  # of a row of the trellis

    def __init__(self, image, found, names, true_spans):
        self.image, self.names, self.found, self.true_spans = image, names, found, true_spans
        self.emitted = found.emitted
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
        legend = Legend(shade="a score, darker the nearer to the best of its column")
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), hints, legend=legend)

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
        marks += ink(self.image, left, self.image_top, size)
        if self.true_spans is not None:
            marks += brackets(self.true_spans, left, self.image_top - 6, size)
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
