"""Two ways of training without an alignment from the same start, side by side (section 6.8)."""

from collections.abc import Sequence

from course_utils.alignment_training import Training
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import document, text
from course_utils.scenes.wording import number, plural

NAMES = {"best": "the best alignment", "all": "all alignments"}
LEGEND = Legend({"now": "in this iteration"}, "a probability")
CURVE_HEIGHT = 110


def strategies_scene(best: Training, every: Training, symbols: Sequence[str], iterations: int) -> Scene:
    """Show two training runs iteration by iteration: what the frames are trained towards, the model, and the loss.

    Parameters
    ----------
    best, every
        From :func:`course_utils.alignment_training.train`, on the best path and on all, from one start and on the same
        utterances, all of one length T.
    symbols
        The names of the two columns of the weights.
    iterations
        How many to show, at most as many as were trained.

    Raises
    ------
    ValueError
        The two runs do not begin alike, or the arguments do not fit together.
    """
    if (best.paths, every.paths) != ("best", "all"):
        raise ValueError(f"the runs were trained on {best.paths!r} and {every.paths!r}; give 'best' and then 'all'")
    alike = best.weights.shape[1:] == every.weights.shape[1:] and (best.weights[0] == every.weights[0]).all()
    given = [[x.tolist() for x in (*run.inputs, *run.targets)] for run in (best, every)]
    if not alike or given[0] != given[1]:
        raise ValueError("the two runs do not begin alike; train both from the same weights, on the same utterances")
    if len({len(x) for x in best.inputs}) > 1:
        raise ValueError("inputs have different lengths; this picture needs one length for all")
    if len(symbols) != 2 or best.weights.shape[2] != 2:
        raise ValueError(f"symbols has {len(symbols)} names for {best.weights.shape[2]} columns; the picture takes two")
    trained = min(len(best.loss), len(every.loss)) - 1
    if not 1 <= iterations <= trained:
        raise ValueError(f"iterations is {iterations}; it must be from 1 to {trained}, the steps trained")
    return _Strategies(best, every, symbols, iterations).scene()


class _Strategies:
    def __init__(self, best: Training, every: Training, symbols: Sequence[str], iterations: int):
        self.runs, self.symbols, self.iterations = {"best": best, "all": every}, symbols, iterations
        self.inputs, self.last = best.inputs, best.targets[0][-1]
        self.T, self.U = len(self.inputs[0]), len(self.inputs)
        self.wide = 74 + 52 * self.T
        self.left = {"best": 74, "all": 74 + self.wide + 40}
        self.top = max(1.0, max(run.nll[: iterations + 1].max() for run in self.runs.values()))
        self.model_top = 74 + 70 * self.U + 26
        self.curve_top = self.model_top + 42 * best.weights.shape[1] + 40

    def scene(self) -> Scene:
        board = Storyboard()
        for n in range(self.iterations + 1):
            keep, now = {}, {}
            for which, run in self.runs.items():
                for u, x in enumerate(self.inputs):
                    for t in range(len(x)):
                        p = float(run.symbol_posterior[n][u][t, self.last])
                        keep[f"{which}-u-{u}-{t}"] = Mark(text=self.written(which, p), level=0.5 * p)
                for kind, k in self.model():
                    p = float(run.y[n, kind, k])
                    keep[f"{which}-y-{kind}-{k}"] = Mark(text=f"{p:.2f}", level=0.45 * p)
                now[f"{which}-dot-{n}"] = ("now", "done")
            board.step(self.says(n), keep=keep, now=now, computes=now)
        title = "Training on the best alignment, and on all of them"
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), legend=LEGEND)

    def model(self):
        return [(kind, k) for kind in range(self.runs["best"].weights.shape[1]) for k in range(2)]

    def written(self, which: str, p: float) -> str:
        return self.symbols[self.last if p == 1 else 1 - self.last] if which == "best" else f"{p:.2f}"

    def read(self, n: int) -> list[str]:
        return [
            "".join(self.written("best", float(p)) for p in posterior[:, self.last])
            for posterior in self.runs["best"].symbol_posterior[n]
        ]

    def says(self, n: int) -> str:
        best, every = self.runs["best"], self.runs["all"]
        start = "Before the first step, both models are the same" if n == 0 else f"After {plural(n, 'step')}"
        now, old = self.read(n), self.read(n - 1) if n else None
        moved = sum(a != b for a, b in zip(now, old, strict=True)) if old else 0
        stays = f" {moved} of {self.U} changed." if moved else " None changed." if old else ""
        if n == 0:
            return f"{start}: −ln P is {best.nll[0]:.3f}. Left, the best alignments are {', '.join(now)}. Right, every alignment counts, by its probability."
        return (
            f"{start}, −ln P is {best.nll[n]:.3f} left and {every.nll[n]:.3f} right. "
            f"The best alignments are {', '.join(now)}.{stays}"
        )

    def drawing(self, title: str) -> str:
        marks = []
        for which, left in self.left.items():
            marks.append(text(left, 20, f"trained on {NAMES[which]}", "name", "start"))
            heading = (
                "each frame is trained towards"
                if which == "best"
                else f"each frame's posterior of {self.symbols[self.last]}"
            )
            marks.append(text(left, 44, heading, "soft", "start"))
            for u, x in enumerate(self.inputs):
                where = Lattice(left, 54 + 70 * u, 46, 26, 52, 26)
                marks.append(text(left - 8, where.centre(0, 0)[1] + 5, "input", "soft", "end"))
                for t in range(self.T):
                    cx, cy = where.centre(t, 0)
                    marks.append(text(cx, cy + 5, str(x[t]), "small input"))
                    label = f"frame {t} of utterance {u}, {NAMES[which]}"
                    marks.append(where.cell(f"{which}-u-{u}-{t}", t, 1, state="done", role="posterior", label=label))
            table = Lattice(left, self.model_top, 50, 34, 58, 42)
            marks += [text(table.centre(k, 0)[0], self.model_top - 8, self.symbols[k], "name") for k in range(2)]
            for kind, k in self.model():
                if k == 0:
                    marks.append(text(left - 8, table.centre(0, kind)[1] + 5, f"y({kind})", "soft", "end"))
                label = f"probability of {self.symbols[k]} where the input is {kind}, {NAMES[which]}"
                marks.append(table.cell(f"{which}-y-{kind}-{k}", k, kind, state="done", role="output", label=label))
            marks += self.curve(which, left)
        return document(self.left["all"] + self.wide - 60, self.curve_top + CURVE_HEIGHT + 46, marks, title)

    def curve(self, which: str, left: float) -> list[str]:
        width, bottom = 52 * self.T - 6, self.curve_top + CURVE_HEIGHT
        drawn = [
            text(left, self.curve_top - 14, "−ln P, nats an utterance", "soft", "start"),
            f'<path class="axis" fill="none" d="M{left} {self.curve_top}V{bottom}H{left + width}"/>',
            text(left + width / 2, bottom + 38, "steps of gradient descent", "soft"),
        ]
        for value in range(int(self.top) + 1):
            y = bottom - CURVE_HEIGHT * value / self.top
            drawn.append(text(left - 8, y + 4, str(value), "soft", "end"))
            drawn += [f'<path class="guide" fill="none" d="M{left} {y:.1f}H{left + width}"/>'] if value else []
        for n in range(self.iterations + 1):
            x = left + width * n / self.iterations
            y = bottom - CURVE_HEIGHT * self.runs[which].nll[n] / self.top
            drawn += [text(x, bottom + 18, str(n), "soft")] if n % 10 == 0 else []
            drawn.append(
                f'<g class="dot" data-mark="{which}-dot-{n}" data-state="hidden"><circle cx="{x:.1f}" cy="{y:.1f}" r="3"/></g>'
            )
        return drawn

    def table(self, title: str) -> Table:
        row = ("−ln P", *(number(float(run.nll[0]), 3) for run in self.runs.values()))
        return Table(f"{title}, before the first step", ("", *NAMES.values()), (row,))
