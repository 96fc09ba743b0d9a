"""What the notebooks call: one line for each stepper."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from string import ascii_uppercase

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from course_utils import viterbi
from course_utils.alignment_training import Paths, train
from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.exercises import check
from course_utils.scenes.training import training_scene
from course_utils.scenes.viterbi import Domain, strip_scene, viterbi_scene
from course_utils.stepper import Stepper, Workbench

__all__ = [
    "check",
    "show",
    "strip_stepper",
    "training_stepper",
    "viterbi_explorer",
    "viterbi_stepper",
    "with_probability",
]


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
    current = original = np.array(y, dtype=float)

    def edit(mark: str, value: float):
        nonlocal current
        changed = _edited(current, mark, value, original)
        scene = viterbi_scene(changed, target, symbols, domain=domain, ties=ties)
        current = changed
        return scene

    return Stepper(viterbi_scene(current, target, symbols, domain=domain, ties=ties), edit=edit)


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


def viterbi_explorer() -> Workbench:
    """Choose a case, a target, the domain and the rule for ties, and step through the trellis that results."""
    preset = ipywidgets.Dropdown(options=list(PRESETS), description="Case")
    target = ipywidgets.Text(value="AB", description="Target", continuous_update=False, layout={"width": "200px"})
    narrow = {"width": "220px"}
    domain = ipywidgets.Dropdown(options=["probability", "log"], description="Domain", layout=narrow)
    ties = ipywidgets.Dropdown(options=["stay", "advance"], description="Ties", layout=narrow)
    message = ipywidgets.HTML()
    current = np.array(PRESETS[preset.value].y)
    loading = False

    def scene(y: NDArray):
        return viterbi_scene(y, target.value.strip().upper(), domain=domain.value, ties=ties.value)

    def edit(mark: str, value: float):
        nonlocal current
        changed = _edited(current, mark, value, np.asarray(PRESETS[preset.value].y))
        shown = scene(changed)
        current = changed
        return shown

    def redraw(_=None):
        if loading:
            return
        try:
            stepper.show(scene(current))
            message.value = ""
        except ValueError as error:
            message.value = f"<span role='alert'>{escape(str(error))}</span>"

    def load(_):
        nonlocal current, loading
        chosen = PRESETS[preset.value]
        loading = True  # one picture for all that the case changes
        current, target.value, domain.value = np.array(chosen.y), chosen.target, chosen.domain
        loading = False
        stepper.step = 0
        redraw()

    stepper = Stepper(scene(current), edit=edit)
    preset.observe(load, "value")
    for control in (target, domain, ties):
        control.observe(redraw, "value")
    return Workbench(stepper, preset, target, domain, ties, message)


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


def with_probability(
    y: ArrayLike, t: int, k: int, value: float, proportions: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return a copy of ``y`` with ``y[t, k] = value`` and the rest of frame t scaled to sum to one again.

    Parameters
    ----------
    y
        (T, A) probabilities.
    t, k
        Frame and symbol, both from 0.
    value
        Its new probability.
    proportions
        (T, A) how to share the rest where the other symbols of the frame have none at present; equally by default.

    Raises
    ------
    ValueError
        ``value`` is not between 0 and 1, there is no such frame or symbol, or no other one to take the rest.
    """
    y = np.array(y, dtype=float)
    if not (0 <= t < y.shape[0] and 0 <= k < y.shape[1]):
        raise ValueError(f"t is {t} and k is {k}; y has {y.shape[0]} frames and {y.shape[1]} symbols, both from 0")
    if not 0 <= value <= 1:
        raise ValueError(f"value is {value}; a probability lies between 0 and 1")
    others = np.arange(y.shape[1]) != k
    if not others.any():
        raise ValueError("there is only one symbol, and its probability is 1")
    rest = y[t, others]
    if rest.sum() == 0 and proportions is not None:
        rest = np.asarray(proportions, dtype=float)[t, others]
    if rest.sum() == 0:
        rest = np.ones(others.sum())
    y[t, others] = rest / rest.sum() * (1 - value)
    y[t, k] = value
    return y


def _edited(y: NDArray, mark: str, value: float, original: NDArray) -> NDArray:
    _, t, k = mark.split("-")
    return with_probability(y, int(t), int(k), float(value), original)


class Picture:
    """A finished figure with words for those who cannot see it."""

    def __init__(self, png: bytes, alt: str):
        self.png, self.alt = png, alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        image = {"alt": self.alt, "needs_background": "light"}
        return {"image/png": b64encode(self.png).decode(), "text/plain": f"Picture: {self.alt}"}, {"image/png": image}


def show(figure: Figure, alt: str) -> None:
    """Display a matplotlib figure with alternative text, and close it.

    Parameters
    ----------
    figure
        What to draw.
    alt
        What a reader should see in it, in a sentence. Also the text that stands for the picture where none can be
        shown.

    Raises
    ------
    ValueError
        ``alt`` is empty.
    """
    if not alt.strip():
        raise ValueError("alt is empty; say in a sentence what the picture shows")
    with BytesIO() as file:
        figure.savefig(file, format="png", dpi=110, bbox_inches="tight", facecolor="white")
        png = file.getvalue()
    plt.close(figure)
    display(Picture(png, alt))
