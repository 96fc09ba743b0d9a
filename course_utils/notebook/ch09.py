"""The steppers and pictures of chapter 9."""

from collections.abc import Mapping, Sequence

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.beam_trace import Keeps, trace_beam, trace_greedy
from course_utils.collapsing import Order, collapse_in_stages
from course_utils.ctc import best_alignment, check_labels, collapse, forward_backward_unchecked, skip_over_every_blank
from course_utils.data import STRIP_SYMBOLS, Strip
from course_utils.examples import CTC_SYMBOLS, CTC_Y
from course_utils.notebook.editing import Probabilities, probability_stepper
from course_utils.notebook.explorer import Explorer, taken_as
from course_utils.posteriors import encode, log_probabilities, names_of_columns
from course_utils.scenes.collapse import collapse_scene
from course_utils.scenes.ctc_lattice import Shown, lattice_scene
from course_utils.scenes.decoding import beam_scene, greedy_scene
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper

SEARCHES = {
    "greedy": None,
    "beam over alignments": "alignments",
    "prefix beam, one score": "one score",
    "prefix beam, two scores": "prefixes",
}

#: What readers type for the blank, and what it is called.
ODD = {"–": "The dash –", "—": "The dash —", "−": "The minus −", "_": "The underscore _", " ": "A space", "ε": "ε"}

MOST_LETTERS = 10  # of the target of the explorer: a picture of 21 rows is as tall as a screen or two


def collapse_stepper(path: Sequence[str], blank: str = "-", order: Order = "merge first") -> Stepper:
    """Step through the collapse of an alignment; parameters as in :func:`course_utils.collapsing.collapse_in_stages`."""
    return Stepper(collapse_scene(collapse_in_stages([str(symbol) for symbol in path], str(blank), order)))


def collapse_explorer() -> Explorer:
    """Type an alignment, choose the order of the two stages, and step through its collapse."""
    path = ipywidgets.Text(value="hh-ell-lo", description="Alignment", continuous_update=False)
    order = ipywidgets.Dropdown(options=["merge first", "blanks first"], description="Order", layout={"width": "260px"})

    def remark() -> str:
        says = [taken_as(path.value, path.value.strip())]
        says += [
            f"{named} is a symbol like any other here; the blank is -."
            for odd, named in ODD.items()
            if odd in path.value.strip()
        ]
        return " ".join(filter(None, says))

    return Explorer(
        lambda: collapse_scene(collapse_in_stages(path.value.strip(), "-", order.value)), path, order, remark=remark
    )


def ctc_stepper(
    y: ArrayLike,
    target: str | Sequence,
    symbols: Sequence[str] = CTC_SYMBOLS,
    blank: int = 0,
    *,
    table: Shown = "alpha",
    skip_always: bool = False,
) -> Stepper:
    """Step through alpha, beta or gamma of a target; drag or type a probability and the table follows.

    Parameters
    ----------
    y
        (T, A) probabilities.
    target
        K names from ``symbols``, or column indices, without the blank; may be empty.
    symbols
        The name of each column of ``y``, the blank's included.
    blank
        Column of the blank.
    table
        Which table to fill.
    skip_always
        Let paths skip a blank between equal letters as well, to see what that does to the sum.
    """
    return probability_stepper(y, lambda y: _lattice(y, target, symbols, blank, table, skip_always))


def _lattice(
    y: ArrayLike, target: str | Sequence, symbols: Sequence[str], blank: int, table: Shown, skip_always: bool
) -> Scene:
    log_y = log_probabilities(y)
    names = names_of_columns(symbols, log_y, "y")
    labels = check_labels(encode(target, names), len(names), blank)
    right = forward_backward_unchecked(log_y, labels, blank)
    if not skip_always:
        return lattice_scene(right, names, table=table)
    skip = skip_over_every_blank(right.extended)
    wrong = forward_backward_unchecked(log_y, labels, blank, skip=skip)
    return lattice_scene(wrong, names, table=table, right=right)


def ctc_explorer() -> Explorer:
    """Choose a target of a and b, one of the tables and whether the rule for skips holds, and step through it."""
    target = ipywidgets.Text(value="aa", description="Target", continuous_update=False, layout={"width": "200px"})
    table = ipywidgets.Dropdown(options=["alpha", "beta", "gamma"], description="Table", layout={"width": "200px"})
    skips = ipywidgets.Dropdown(
        options=[("between different letters", False), ("also between equal letters", True)],
        description="Skips",
        layout={"width": "300px"},
    )

    def scene(y: ArrayLike) -> Scene:
        letters = target.value.strip().lower()
        if len(letters) > MOST_LETTERS:
            raise ValueError(f"target has {len(letters)} letters; the picture takes at most {MOST_LETTERS}")
        return _lattice(y, letters, CTC_SYMBOLS, 0, table.value, skips.value)

    y = Probabilities(CTC_Y, scene)
    return Explorer(
        lambda: y.scene(y.now), target, table, skips, edit=y.edit, reset=y.reset,
        remark=lambda: taken_as(target.value, target.value.strip().lower()),
    )  # fmt: skip


def greedy_stepper(y: ArrayLike, symbols: Sequence[str] = CTC_SYMBOLS, blank: int = 0) -> Stepper:
    """Step through greedy decoding; drag or type a probability and the string follows.

    Parameters
    ----------
    y
        (T, A) probabilities.
    symbols
        The name of each column of ``y``, the blank's included.
    blank
        Column of the blank.
    """
    return probability_stepper(y, lambda y: greedy_scene(trace_greedy(y, blank), symbols))


def beam_stepper(
    y: ArrayLike,
    symbols: Sequence[str] = CTC_SYMBOLS,
    blank: int = 0,
    *,
    width: int = 2,
    keeps: Keeps = "prefixes",
) -> Stepper:
    """Step through a beam search; drag or type a probability and the candidates follow.

    Parameters
    ----------
    y, symbols, blank
        As for :func:`greedy_stepper`.
    width, keeps
        As for :func:`course_utils.beam_trace.search`.
    """
    return probability_stepper(y, lambda y: beam_scene(trace_beam(y, blank, width, keeps), symbols))


def decoder_explorer() -> Explorer:
    """Choose a decoder and the width of its beam, and step through what it does."""
    search = ipywidgets.Dropdown(options=list(SEARCHES), description="Decoder", layout={"width": "300px"})
    search.value = "prefix beam, two scores"
    width = ipywidgets.Dropdown(options=range(1, 6), value=2, description="Width", layout={"width": "160px"})

    def switch(_=None):
        """Let nobody choose the beam of the greedy decoder, which has none."""
        width.disabled = SEARCHES[search.value] is None

    search.observe(switch, "value")

    def scene(y):
        keeps = SEARCHES[search.value]
        if keeps is None:
            return greedy_scene(trace_greedy(y), CTC_SYMBOLS)
        return beam_scene(trace_beam(y, width=width.value, keeps=keeps), CTC_SYMBOLS)

    y = Probabilities(CTC_Y, scene)
    return Explorer(lambda: y.scene(y.now), search, width, edit=y.edit, reset=y.reset)


def reading_figure(strip: Strip, log_y: ArrayLike, blank: int) -> Figure:
    """Draw a strip with the columns of each of its digits, the probabilities below, and what is read.

    Parameters
    ----------
    strip
        The image, and what it says.
    log_y
        (T, 11) natural log-probabilities of its columns, in the order of ``STRIP_SYMBOLS``.
    blank
        Column of the blank.
    """
    log_y = np.asarray(log_y)
    target = [STRIP_SYMBOLS.index(digit) for digit in strip.digits]
    states = best_alignment(log_y, target, blank).states
    path = log_y.argmax(axis=1)
    figure, (image, heat) = plt.subplots(2, figsize=(8, 4.2), sharex=True, layout="constrained")
    image.imshow(strip.image, cmap="Greys", aspect="auto")
    for i, digit in enumerate(strip.digits):
        columns = np.flatnonzero(states == 2 * i + 1)
        image.axvspan(columns[0] - 0.5, columns[-1] + 0.5, fill=False, edgecolor="C0", linewidth=2)
        image.text(columns.mean(), -1.1, digit, ha="center", color="C0", weight="bold")
    image.axis("off")
    heat.imshow(np.exp(log_y.T), aspect="auto", vmin=0, vmax=1)
    names = [*"0123456789", "blank"]
    heat.set(yticks=range(11), yticklabels=names, xlabel="column")
    for t, k in enumerate(path):
        if k != blank:
            heat.text(t, -1.0, names[k], ha="center", color="C1", fontsize=10, family="monospace")
    read = "".join(names[k] for k in collapse(path.tolist(), blank))
    figure.suptitle(f"is {strip.digits}, is read as {read or 'nothing'}", fontsize=11)
    return figure


def times_figure(seconds: Mapping[str, float]) -> Figure:
    """Draw measured times as bars on a logarithmic axis, each with its number.

    Parameters
    ----------
    seconds
        By the name of what was measured, the first one on top.
    """
    figure, axes = plt.subplots(figsize=(7, 0.5 + 0.45 * len(seconds)), layout="constrained")
    axes.barh(list(seconds), list(seconds.values()), color="C0")
    for row, value in enumerate(seconds.values()):
        axes.annotate(f" {1000 * value:.3g} ms", (value, row), va="center")
    axes.set(xscale="log", xlabel="seconds", xlim=(min(seconds.values()) / 3, max(seconds.values()) * 4))
    axes.invert_yaxis()
    return figure
