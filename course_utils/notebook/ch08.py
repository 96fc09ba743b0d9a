"""The steppers of chapter 8."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from course_utils import viterbi
from course_utils.alignment_training import Paths, train
from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.notebook.editing import Explorer, Probabilities, probability_stepper
from course_utils.scenes.training import training_scene
from course_utils.scenes.viterbi import Domain, strip_scene, viterbi_scene
from course_utils.stepper import Stepper


def viterbi_stepper(
    y: ArrayLike,
    target: str | Sequence,
    symbols: Sequence[str] = ascii_uppercase,
    *,
    domain: Domain = "probability",
    ties: viterbi.Ties = "stay",
) -> Stepper:
    """Step through the trellis of ``target``; drag or type a probability and the trellis follows.

    Parameters are those of :func:`course_utils.scenes.viterbi.viterbi_scene`. Changing one probability scales the
    others of its frame, so that the frame still sums to one.
    """
    return probability_stepper(y, lambda y: viterbi_scene(y, target, symbols, domain=domain, ties=ties))


@dataclass(frozen=True)
class Preset:
    """A case that the explorer offers."""

    y: ArrayLike
    target: str
    domain: Domain = "probability"


PRESETS = {
    "worked example": Preset([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], "AB"),
    "frame by frame fails": Preset([[0.4, 0.6], [0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2]], "ABA"),
    "all ties": Preset(np.full((6, 3), 1 / 3), "ABC"),
    "too few frames": Preset([[0.5, 0.5], [0.4, 0.6]], "ABA"),
    "blocked by zeros": Preset([[0.0, 1.0], [0.6, 0.4], [0.3, 0.7]], "AB"),
    "underflow": Preset([[1e-60, 1e-62, 1.0]] * 3 + [[1e-62, 1e-60, 1.0]] * 4, "AB"),
    "equal neighbours": Preset([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.8, 0.2]], "AA"),
}


def viterbi_explorer() -> Explorer:
    """Choose a case, a target, the domain and the rule for ties, and step through the trellis that results."""
    preset = ipywidgets.Dropdown(options=list(PRESETS), description="Case")
    target = ipywidgets.Text(value="AB", description="Target", continuous_update=False, layout={"width": "200px"})
    narrow = {"width": "220px"}
    domain = ipywidgets.Dropdown(options=["probability", "log"], description="Domain", layout=narrow)
    ties = ipywidgets.Dropdown(options=["stay", "advance"], description="Ties", layout=narrow)
    y = Probabilities(
        PRESETS[preset.value].y,
        lambda y: viterbi_scene(y, target.value.strip().upper(), domain=domain.value, ties=ties.value),
    )
    explorer = Explorer(lambda: y.scene(y.now), preset, target, domain, ties, edit=y.edit)

    def load(_):
        chosen = PRESETS[preset.value]
        y.load(chosen.y)
        target.value, domain.value = chosen.target, chosen.domain

    preset.unobserve(explorer.redraw, "value")
    preset.observe(lambda change: explorer.load(lambda: load(change)), "value")
    return explorer


def strip_stepper(strip: Strip, log_y: ArrayLike) -> Stepper:
    """Step through the alignment of a strip's digits, gaps included, to its columns.

    Parameters
    ----------
    strip
        The image, what it says and its true boundaries.
    log_y
        (T, 11) natural log-probabilities of its columns, in the order of ``STRIP_SYMBOLS``.
    """
    return Stepper(strip_scene(strip.image, log_y, strip.target, STRIP_SYMBOLS, strip.spans))


def training_stepper(
    weights: ArrayLike,
    inputs: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    symbols: Sequence[str] = "AB",
    *,
    paths: Paths = "best",
    learning_rate: float = 0.5,
    iterations: int = 40,
) -> Stepper:
    """Step through training, one iteration a step; parameters as in :func:`course_utils.alignment_training.train`.

    ``symbols`` names the columns of ``weights``; ``iterations`` is the number of steps of gradient descent.
    """
    title = "Viterbi training" if paths == "best" else "Training on all paths"
    run = train(weights, inputs, targets, paths=paths, learning_rate=learning_rate, steps=iterations)
    return Stepper(training_scene(run, inputs, targets, symbols, iterations=iterations, title=title))
