"""The steppers and pictures of chapter 6."""

from collections.abc import Mapping, Sequence

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.alignment import paths
from course_utils.alignment_training import train
from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.examples import READINGS
from course_utils.naive_decoding import decode
from course_utils.notebook.editing import Probabilities
from course_utils.notebook.explorer import Explorer
from course_utils.realignment import Realignment
from course_utils.scenes.alignments import alignments_scene
from course_utils.scenes.naive_decoding import naive_scene
from course_utils.scenes.realignment import realignment_scene
from course_utils.scenes.strategies import strategies_scene
from course_utils.stepper.stepper import Stepper


def naive_explorer() -> Explorer:
    """Choose a case, and step through what its best symbols read and which strings are more probable; change any number."""
    preset = ipywidgets.Dropdown(options=list(READINGS), description="Case")
    y = Probabilities(READINGS[preset.value].y, lambda y: naive_scene(decode(y), READINGS[preset.value].symbols))
    return Explorer(
        lambda: y.scene(y.now), preset, edit=y.edit, reset=y.reset, presets={preset: lambda name: y.load(READINGS[name].y)}
    )  # fmt: skip


def alignments_stepper(target: Sequence[str], T: int) -> Stepper:
    """Step through all alignments of a target to T frames, as a list and on the grid.

    Parameters
    ----------
    target
        Names of its symbols.
    T
        Number of frames, at most 12; there may be at most 21 alignments.
    """
    return Stepper(alignments_scene(target, list(paths(len(target), T))))


def realignment_stepper(found: Realignment, strip: int = 0) -> Stepper:
    """Step through the rounds of one strip; parameters as in :func:`course_utils.scenes.realignment.realignment_scene`."""
    return Stepper(realignment_scene(found, strip))


def strategies_stepper(
    weights: ArrayLike,
    inputs: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    symbols: Sequence[str] = "AB",
    *,
    learning_rate: float = 0.5,
    iterations: int = 40,
) -> Stepper:
    """Step through two training runs from one start, one iteration a step: on the best alignment, and on all of them.

    Parameters are those of :func:`course_utils.alignment_training.train`; ``symbols`` names the two columns.
    """
    options = {"learning_rate": learning_rate, "iterations": iterations}
    best = train(weights, inputs, targets, paths="best", **options)
    every = train(weights, inputs, targets, paths="all", **options)
    return Stepper(strategies_scene(best, every, symbols, iterations))


def matrix_figure(strip: Strip, log_y: ArrayLike) -> Figure:
    """Draw a strip, and below it the probability of each symbol in each of its columns."""
    figure, (top, bottom) = plt.subplots(2, figsize=(8, 4.4), sharex=True, layout="constrained")
    top.imshow(strip.image, cmap="Greys", aspect="auto")
    top.axis("off")
    bottom.imshow(np.exp(np.asarray(log_y)).T, aspect="auto", vmin=0, vmax=1)
    bottom.set(yticks=range(len(STRIP_SYMBOLS)), yticklabels=[*"0123456789", "gap"], xlabel="column")
    return figure


def rounds_figure(found: Mapping[str, tuple[Realignment, Realignment]], known: float) -> Figure:
    """Draw the share of wrong columns after each round, for each guess; with the best alignment, and with all.

    Parameters
    ----------
    found
        For the name of each guess the two runs, on the best alignment and on all.
    known
        The share of wrong columns where the true targets were known.
    """
    figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    for n, (name, (best, every)) in enumerate(found.items()):
        axes.plot(100 * best.error, "s--", color=f"C{n}", markersize=4, label=f"{name}, best alignment")
        axes.plot(100 * every.error, "o-", color=f"C{n}", markersize=4, label=f"{name}, all alignments")
    axes.axhline(100 * known, color="0.4", linewidth=1)
    axes.text(0, 100 * known + 1, "true targets", color="0.3")
    axes.set(xlabel="round of aligning anew", ylabel="wrong columns, %", ylim=(0, None), xticks=range(len(best.error)))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
