"""The steppers of chapter 8."""

from collections.abc import Sequence
from string import ascii_uppercase

import ipywidgets
from numpy.typing import ArrayLike

from course_utils.alignment_training import Paths, train
from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.notebook.editing import Probabilities, probability_stepper
from course_utils.notebook.explorer import Explorer, taken_as
from course_utils.posteriors import encode
from course_utils.scenes.alignment_training import training_scene
from course_utils.scenes.strip import strip_scene
from course_utils.scenes.trellis import trellis_scene
from course_utils.stepper.stepper import Stepper
from course_utils.trellis import Domain, fill_trellis
from course_utils.viterbi import Ties, align


def viterbi_stepper(
    y: ArrayLike,
    target: str | Sequence,
    symbols: Sequence[str] = ascii_uppercase,
    *,
    domain: Domain = "probability",
    ties: Ties = "stay",
) -> Stepper:
    """Step through the trellis of ``target``; drag or type a probability and the trellis follows.

    Parameters are those of :func:`course_utils.trellis.fill_trellis`. Changing one probability scales the others of its
    frame, so that the frame still sums to one.
    """
    return probability_stepper(y, lambda y: trellis_scene(fill_trellis(y, target, symbols, domain=domain, ties=ties)))


def viterbi_explorer() -> Explorer:
    """Choose a case, a target, the domain and the rule for ties, and step through the trellis that results."""
    preset = ipywidgets.Dropdown(options=list(FORCED_ALIGNMENTS), description="Case")
    target = ipywidgets.Text(value="AB", description="Target", continuous_update=False, layout={"width": "200px"})
    narrow = {"width": "220px"}
    domain = ipywidgets.Dropdown(options=["probability", "log"], description="Domain", layout=narrow)
    ties = ipywidgets.Dropdown(options=["stay", "advance"], description="Ties", layout=narrow)
    y = Probabilities(
        FORCED_ALIGNMENTS[preset.value].y,
        lambda y: trellis_scene(fill_trellis(y, taken(), domain=domain.value, ties=ties.value)),
    )
    replaced = []  # by a case, beside its target

    def taken() -> str:
        return target.value.strip().upper()

    def take(name: str) -> None:
        y.load(FORCED_ALIGNMENTS[name].y)
        if domain.value != "probability":
            replaced.append("The case begins in the probability domain.")
        target.value, domain.value = FORCED_ALIGNMENTS[name].target, "probability"

    def remark() -> str:
        says = [taken_as(target.value, taken()), *replaced]
        replaced.clear()
        return " ".join(filter(None, says))

    return Explorer(
        lambda: y.scene(y.now), preset, target, domain, ties, edit=y.edit, reset=y.reset, presets={preset: take},
        remark=remark,
    )  # fmt: skip


def strip_stepper(strip: Strip, log_y: ArrayLike) -> Stepper:
    """Step through the alignment of a strip's digits, gaps included, to its columns.

    Parameters
    ----------
    strip
        The image, what it says and its true boundaries.
    log_y
        (T, 11) natural log-probabilities of its columns, in the order of ``STRIP_SYMBOLS``.
    """
    found = align(log_y, encode(strip.target, STRIP_SYMBOLS))
    return Stepper(strip_scene(strip.image, found, STRIP_SYMBOLS, strip.spans))


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

    ``symbols`` names the columns of ``weights``.
    """
    title = "Viterbi training" if paths == "best" else "Training on all paths"
    training = train(weights, inputs, targets, paths=paths, learning_rate=learning_rate, iterations=iterations)
    return Stepper(training_scene(training, symbols, iterations, title))
