"""Training through an unknown alignment as a picture: one iteration a step (section 8.9)."""

from collections.abc import Sequence

import numpy as np

from course_utils.alignment_training import Training
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import document, text
from course_utils.scenes.wording import latex_number, number

CURVE_TOP, CURVE_WIDTH, CURVE_HEIGHT = 42, 250, 190


def training_scene(
    training: Training,
    symbols: Sequence[str] = "AB",
    iterations: int = 40,
    title: str = "Viterbi training",
) -> Scene:
    """Show the first iterations: what each frame is trained towards, the model, and the loss.

    Parameters
    ----------
    training
        From :func:`course_utils.alignment_training.train`, all of whose utterances have one length T.
    symbols
        The name of each of the A columns of the weights.
    iterations
        How many to show, at most as many as were trained.
    title
        Of the picture.

    Raises
    ------
    ValueError
        ``iterations`` is more than were trained, or the inputs differ in length.
    """
    if len({len(x) for x in training.inputs}) > 1:
        raise ValueError("inputs have different lengths; this picture needs one length for all")
    if not 1 <= iterations < len(training.loss):
        raise ValueError(
            f"iterations is {iterations}; it must be from 1 to {len(training.loss) - 1}, the steps trained"
        )
    if len(symbols) != training.weights.shape[2]:
        raise ValueError(f"symbols has {len(symbols)} names, but weights has {training.weights.shape[2]} columns")
    return _TrainingPicture(training, symbols, iterations, title).scene()


class _TrainingPicture:
    def __init__(self, training, symbols, iterations, title):
        self.training, self.symbols, self.iterations, self.title = training, symbols, iterations, title
        self.inputs, self.targets = training.inputs, training.targets
        self.T = len(self.inputs[0])
        self.best = training.paths == "best"
        self.shown = self.targets[0][-1]  # the symbol whose share is drawn
        self.model = training.y
        self.top = max(np.ceil(training.loss[: iterations + 1].max()), 0.5)
        self.utterances = [Lattice(64, 66 + 92 * n, 46, 26, 52, 30) for n in range(len(self.inputs))]
        self.table_left = 64 + 52 * self.T + 68
        self.table = Lattice(self.table_left, 66, 50, 34, 56, 42)
        self.curve_left = self.table_left + 56 * len(symbols) + 48

    def scene(self) -> Scene:
        board, before = Storyboard(), None
        for n in range(self.iterations + 1):
            wanted = [self.wanted(n, u) for u in range(len(self.inputs))]
            keep, now = {}, {}
            for u, rows in enumerate(wanted):
                for t, (content, level) in enumerate(rows):
                    keep[f"u-{u}-{t}"] = Mark(text=content, level=0.5 * level)
                    if before and before[u][t][0] != content and self.best:
                        now[f"u-{u}-{t}"] = ("now", "done")
            for kind, row in enumerate(self.model[n]):
                for k, p in enumerate(row):
                    keep[f"y-{kind}-{k}"] = Mark(text=f"{p:.2f}", level=0.45 * p)
            now[f"dot-{n}"] = ("now", "done")
            board.step(self.sentence(n, wanted, before), self.formula(n), keep=keep, now=now, computes=[f"dot-{n}"])
            before = wanted
        return Scene(self.title, self.drawing(), tuple(board.steps), self.numbers(), legend=self.legend())

    def legend(self) -> Legend:
        return Legend({"now": "changed, or this step"}, f"a share or a probability of {self.symbols[self.shown]}")

    def wanted(self, n: int, u: int) -> list[tuple[str, float]]:
        """For each frame what is written there, and the share of the symbol that is drawn."""
        posterior = self.training.symbol_posterior[n][u]
        share = posterior[:, self.shown]
        if self.best:
            return [(self.symbols[k], float(p)) for k, p in zip(posterior.argmax(axis=1), share, strict=True)]
        return [(f"{p:.2f}", float(p)) for p in share]

    def sentence(self, n: int, wanted, before) -> str:
        loss = self.training.loss[n]
        start = f"After {n} steps" if n != 1 else "After 1 step"
        if n == 0:
            start = "Before the first step"
        if not self.best:
            last, shares = self.symbols[self.shown], " ".join(content for content, _ in wanted[0])
            return f"{start} the loss of all paths is {loss:.3f}. The frames of the first utterance are trained towards these shares of {last}: {shares}."
        read = ["".join(content for content, _ in rows) for rows in wanted]
        says = f"{start} the loss of the best paths is {loss:.3f}, of all paths {self.training.nll[n]:.3f}. The best paths are {', '.join(read)}."
        if before:
            old = ["".join(content for content, _ in rows) for rows in before]
            changed = sum(a != b for a, b in zip(read, old, strict=True))
            says += f" {changed} of {len(read)} changed." if changed else " None changed: the same targets as before."
        return says

    def formula(self, n: int) -> str:
        loss = latex_number(number(float(self.training.loss[n]), 3))
        inside = r"\max_{\text{paths}} P" if self.best else r"\sum_{\text{paths}} P"
        return rf"-\frac{{1}}{{{len(self.inputs)}}} \sum \ln {inside} = {loss}"

    def drawing(self) -> str:
        heading = "trained towards" if self.best else f"share of {self.symbols[self.shown]}"
        marks = [text(64, 24, "utterances", "name", "start"), text(self.table_left, 24, "model", "name", "start")]
        for u, (lattice, x) in enumerate(zip(self.utterances, self.inputs, strict=True)):
            spelled = "".join(self.symbols[k] for k in self.targets[u])
            top = lattice.corner(0, 0)[1]
            marks += [text(56, top + 17, "input", "soft", "end"), text(56, top + 47, spelled, "name", "end")]
            if u == 0:
                marks.append(text(64, 54, heading, "soft", "start"))
            for t in range(self.T):
                cx, cy = lattice.centre(t, 0)
                marks.append(text(cx, cy + 5, str(x[t]), "small input"))
                marks.append(lattice.cell(f"u-{u}-{t}", t, 1, state="done", role="posterior"))
        for k, name in enumerate(self.symbols):
            marks.append(text(self.table.centre(k, 0)[0], 58, name, "name"))
        for kind in range(self.model.shape[1]):
            y = self.table.centre(0, kind)[1] + 5
            marks.append(text(self.table_left - 8, y, f"y({kind})", "soft", "end"))
            for k in range(len(self.symbols)):
                marks.append(self.table.cell(f"y-{kind}-{k}", k, kind, state="done", role="output"))
        height = max(66 + 92 * len(self.inputs), CURVE_TOP + CURVE_HEIGHT + 50, 66 + 42 * self.model.shape[1])
        return document(self.curve_left + CURVE_WIDTH + 12, height, [*marks, *self.curve()], self.title)

    def curve(self) -> list[str]:
        left, bottom, right = self.curve_left, CURVE_TOP + CURVE_HEIGHT, self.curve_left + CURVE_WIDTH
        drawn = [
            text(left, 24, "loss, nats per utterance", "name", "start"),
            f'<path class="axis" fill="none" d="M{left} {CURVE_TOP}V{bottom}H{right}"/>',
            text((left + right) / 2, bottom + 38, "steps of gradient descent", "soft"),
        ]
        for value in np.arange(0, self.top + 0.01, 1.0 if self.top > 2 else 0.5):
            y = bottom - CURVE_HEIGHT * value / self.top
            drawn.append(text(left - 8, y + 4, f"{value:g}", "soft", "end"))
            if value:
                drawn.append(f'<path class="guide" fill="none" d="M{left} {y:.1f}H{right}"/>')
        for n in range(0, self.iterations + 1, 10):
            drawn.append(text(left + CURVE_WIDTH * n / self.iterations, bottom + 18, str(n), "soft"))
        for n in range(self.iterations + 1):
            x = left + CURVE_WIDTH * n / self.iterations
            y = bottom - CURVE_HEIGHT * self.training.loss[n] / self.top
            drawn.append(
                f'<g class="dot" data-mark="dot-{n}" data-state="hidden"><circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/></g>'
            )
        return drawn

    def numbers(self) -> Table:
        chosen = sorted({0, 1, 2, 5, 10, 20, self.iterations} & set(range(self.iterations + 1)))
        rows = [("loss", *(f"{self.training.loss[n]:.3f}" for n in chosen))]
        rows.append(("−ln P, all paths", *(f"{self.training.nll[n]:.3f}" for n in chosen)))
        for u, x in enumerate(self.inputs):
            name = "".join(map(str, x.tolist()))
            rows.append((f"input {name}", *(" ".join(c for c, _ in self.wanted(n, u)) for n in chosen)))
        return Table(self.title, ("after step", *map(str, chosen)), tuple(rows))
