"""The steppers and pictures of chapter 2."""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.examples import FRAMES_MLP, FRAMES_ORDER, FRAMES_RNN, FRAMES_TARGET, FRAMES_X
from course_utils.mlp import MLP
from course_utils.permutation import permute
from course_utils.rnn import RNN
from course_utils.scenes.edits import Place
from course_utils.scenes.permutation import permutation_scene
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper


class Frames:
    """The (T,) inputs that a picture shows, as the reader has changed them."""

    def __init__(self, x: ArrayLike, scene: Callable[[NDArray[np.float64]], Scene]):
        self.x = self.original = np.array(x, dtype=np.float64)
        self.scene = scene

    def reset(self) -> Scene:
        """Take all changes back."""
        self.x = self.original
        return self.scene(self.x)

    def edit(self, place: Place, value: float) -> Scene:
        """Change the one at (frame,); what cannot be drawn leaves all as it was."""
        changed = self.x.copy()
        changed[place] = value
        scene = self.scene(changed)
        self.x = changed
        return scene


def permutation_stepper(
    mlp: MLP = FRAMES_MLP,
    rnn: RNN = FRAMES_RNN,
    x: ArrayLike = FRAMES_X,
    target: ArrayLike = FRAMES_TARGET,
    order: ArrayLike = FRAMES_ORDER,
    symbols: Sequence[str] = ("+", "−"),
) -> Stepper:
    """Swap neighbouring frames step by step; drag or type an input and both networks follow.

    Parameters are those of :func:`course_utils.permutation.permute` and the names of the outputs, ``symbols``; the
    example of chapter 2 is built in. From 2 to 7 frames can be drawn.
    """
    frames = Frames(x, lambda x: permutation_scene(permute(mlp, rnn, x, target, order), symbols))
    return Stepper(frames.scene(frames.x), edit=frames.edit, reset=frames.reset)


def posterior_figure(strip: Strip, log_y: dict[str, ArrayLike]) -> Figure:
    """Draw a strip, and below it the probabilities of its columns from some classifiers, with their mistakes marked.

    Parameters
    ----------
    strip
        The image, and what it says.
    log_y
        For the name of each classifier its (T, 11) natural log-probabilities, in the order of ``STRIP_SYMBOLS``.
    """
    figure, axes = plt.subplots(
        1 + len(log_y), figsize=(8, 1.1 + 1.9 * len(log_y)), sharex=True, layout="constrained",
        height_ratios=[0.7, *[1.4] * len(log_y)],
    )  # fmt: skip
    axes[0].imshow(strip.image, cmap="Greys", aspect="auto")
    axes[0].axis("off")
    for digit, (start, end) in zip(strip.digits, strip.spans, strict=True):
        axes[0].text((start + end - 1) / 2, -1.4, digit, ha="center", color="C0", weight="bold")
    true = np.array([STRIP_SYMBOLS.index(symbol) for symbol in strip.labels])
    for heat, (name, table) in zip(axes[1:], log_y.items(), strict=True):
        table = np.asarray(table)
        wrong = np.flatnonzero(table.argmax(axis=1) != true)
        image = heat.imshow(np.exp(table.T), aspect="auto", vmin=0, vmax=1)
        for edge in np.ravel(strip.spans) - 0.5:
            heat.axvline(edge, color="0.3", linewidth=0.8, linestyle=":")
        heat.plot(wrong, np.full(len(wrong), -1.1), "x", color="C1", markersize=6, clip_on=False)
        heat.set(yticks=range(11), yticklabels=[*"0123456789", "gap"], ylabel=name)
        heat.tick_params(axis="y", labelsize=7)
    axes[-1].set_xlabel("column; a digit lies between two dotted lines")
    figure.colorbar(image, ax=axes[1:], label="probability", shrink=0.8)
    return figure
