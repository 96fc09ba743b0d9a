"""Training in a notebook, behind a button: until it is pressed, a training run that was kept is shown."""

from collections.abc import Sequence
from time import monotonic

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils import measured
from course_utils.ctc import collapse
from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.notebook.pictures import drawn

ITERATIONS = 1600
EVERY = 50  # iterations between two looks at the strips that are watched
SECONDS = 1.5  # between two drawings, each of which takes some tenths of a second from the training
POINTS = 200  # of a curve are drawn: more cannot be told apart, and take time and room
BLANK = len(STRIP_SYMBOLS) - 1
ALT = (
    "Left, the loss per digit, log axis: from 10 it falls to about 0.1. Right, errors: 100 % for some 200 iterations, "
    "then they fall steeply, to less than 10 %. Below, a strip and its probabilities by column, four times: all blank; "
    "the first spikes; about as many spikes as digits; at the end a spike for each digit."
)


class TrainingDesk(ipywidgets.VBox):
    """A button that trains the reader of section 9.10, and a picture of its training so far.

    Parameters
    ----------
    watched
        Strips whose error rate is measured on the way, and of whose first one the probabilities are shown.
    iterations
        How many a press of the button takes.

    Attributes
    ----------
    reader
        The one that was trained last; before the button is pressed, the one that was kept.
    """

    def __init__(self, watched: Sequence[Strip], iterations: int = ITERATIONS):
        from course_utils.strip_reader import Curves, StripReader  # which need torch

        self.watched, self.iterations = watched, iterations
        kept = measured.arrays("reader")
        weights = {name.removeprefix("weights."): v for name, v in kept.items() if name.startswith("weights.")}
        self.reader = StripReader().load(weights)
        self.curves = Curves(
            list(map(tuple, kept["loss"])),
            list(map(tuple, kept["error"])),
            list(zip(kept["at"].tolist(), kept["posteriors"], strict=True)),
        )
        self.button = ipywidgets.Button(
            description="Train from the beginning", icon="play", layout={"width": "230px"}, button_style="primary"
        )
        self.button.on_click(lambda _: self.train())
        self.says = ipywidgets.HTML(
            "Shown is a training run that was kept, and <code>desk.reader</code> is what it made."
        )
        self.picture = ipywidgets.HTML()
        self._drawn = -np.inf
        super().__init__([ipywidgets.HBox([self.button, self.says], layout={"flex_flow": "row wrap"}), self.picture])
        self._show(ALT)

    def train(self) -> None:
        """Train a reader from its first random weights, and show how it goes."""
        from course_utils.strip_reader import train_reader

        self.button.disabled = True
        began = monotonic()

        def watch(done: int, curves) -> None:
            self.curves, seconds = curves, monotonic() - began
            left = seconds / done * (self.iterations - done)
            self.says.value = f"Iteration {done} of {self.iterations}, {left:.0f} s to go."
            if monotonic() - self._drawn > SECONDS or done >= self.iterations:
                self._show(ALT)

        try:
            self.reader, self.curves = train_reader(
                self.iterations, loss="course", watch=watch, watched=self.watched, every=EVERY
            )
            self.says.value = (
                f"Trained in {monotonic() - began:.0f} s. <code>desk.reader</code> is the new reader: run the cells below "
                "again to see what it does."
            )
        finally:
            self.button.disabled = False

    def _show(self, alt: str) -> None:
        self._shown = drawn(training_figure(self.curves, self.watched[0], self.iterations), alt)
        self.picture.value = self._shown._repr_mimebundle_()["text/html"]
        self._drawn = monotonic()

    def __repr__(self) -> str:
        return f"<TrainingDesk: {len(self.curves.loss)} iterations>"

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        return {**bundle, **self._shown._repr_mimebundle_()}


def training_figure(curves, strip: Strip, iterations: int) -> Figure:
    """Draw loss and error rate, and what the reader said of one strip at some telling moments."""
    moments = telling(curves.posteriors, len(strip.digits))
    rows = [["loss", "error"], ["strip", "strip"], *[[f"at {k}", f"at {k}"] for k in range(len(moments))]]
    figure, axes = plt.subplot_mosaic(
        rows, figsize=(8, 3.6 + 0.95 * len(moments)), layout="constrained",
        height_ratios=[2.8, 0.75, *[0.95] * len(moments)],
    )  # fmt: skip
    n, loss = np.array(curves.loss).T
    span = min(50, len(loss))
    mean = np.convolve(loss, np.ones(span) / span, "valid")
    thin = slice(None, None, -max(1, len(loss) // POINTS))  # from the end, which is always there
    axes["loss"].semilogy(n[thin], loss[thin], color="C0", alpha=0.25, linewidth=0.8)
    axes["loss"].semilogy(n[span - 1 :][thin], mean[thin], color="C0")
    axes["loss"].set(xlabel="iteration", ylabel="loss, nats a digit", xlim=(0, iterations))
    if curves.error:
        n, error = np.array(curves.error).T
        axes["error"].plot(n, 100 * error, color="C1")
    axes["error"].set(xlabel="iteration", ylabel="errors, % of digits", xlim=(0, iterations), ylim=(0, 105))
    axes["strip"].imshow(strip.image, cmap="Greys", aspect="auto", interpolation="none")
    axes["strip"].set_title(f"a held-out strip: {strip.digits}", fontsize=10, loc="left")
    axes["strip"].axis("off")
    for k, (at, y, words) in enumerate(moments):
        heat = axes[f"at {k}"]
        heat.imshow(y.T, aspect="auto", vmin=0, vmax=1, interpolation="none")  # few pixels, sharp at any size
        heat.set_title(f"iteration {at}: {words}", fontsize=10, loc="left")
        heat.set(xticks=[], yticks=[0, 10], yticklabels=["0", "blank"])
        heat.tick_params(labelsize=8)
    return figure


def telling(posteriors: Sequence[tuple[int, NDArray]], digits: int) -> list[tuple[int, NDArray, str]]:
    """Choose the moments to show: the first look, the first spikes, as many as there are digits, and the last look.

    Each has its iteration, its probabilities, and what is read off them.
    """
    named = [len(_read(y)) for _, y in posteriors]
    chosen = [0] if posteriors else []
    for enough in (1, digits):
        chosen += [k for k, count in enumerate(named) if count >= enough][:1]
    chosen = sorted({*chosen, len(posteriors) - 1} if posteriors else chosen)
    found = []
    for k in chosen:
        at, y = posteriors[k]
        found.append((int(at), y, f"read as {_read(y)}" if named[k] else "all blank, read as nothing"))
    return found


def _read(y: NDArray) -> str:
    return "".join(STRIP_SYMBOLS[k] for k in collapse(y.argmax(axis=1).tolist(), BLANK))
