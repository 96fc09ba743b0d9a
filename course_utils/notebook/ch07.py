"""The steppers and pictures of chapter 7."""

from collections.abc import Sequence
from math import log2
from string import ascii_uppercase
from time import process_time

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.alignment import (
    adjacent_repeats,
    count_expansions,
    count_paths,
    expansions,
    paths,
    rank_paths,
    score_all_paths,
)
from course_utils.automata import chain, unroll, with_blanks
from course_utils.collapsing import runs
from course_utils.examples import DRAWN_Y, FORCED_ALIGNMENTS, ForcedAlignment
from course_utils.notebook.explorer import Explorer, taken_as
from course_utils.posteriors import encode, log_probabilities
from course_utils.scenes.alignments import alignments_scene
from course_utils.scenes.automaton import automaton_scene
from course_utils.scenes.compression import compress_scene
from course_utils.scenes.paths import paths_scene
from course_utils.scenes.scene import Scene
from course_utils.scenes.wording import plural
from course_utils.stepper.stepper import Stepper
from course_utils.viterbi import align

BLANK = "-"
MOST_LISTED = 20_000  # sequences that are counted one by one beside the formula
DRAWN = {
    "ABC in five frames": ForcedAlignment(DRAWN_Y, "ABC"),
    **{name: FORCED_ALIGNMENTS[name] for name in ("frame by frame fails", "all ties", "equal neighbours")},
}


def symbols_in(typed: str) -> list[str]:
    """Read a target as it is typed: names between spaces, such as "B AH T", or else single letters."""
    return typed.split() if " " in typed.strip() else list(typed.strip())


def compress_stepper(labels: Sequence[str]) -> Stepper:
    """Step through the runs of equal labels, each of which becomes one symbol."""
    return Stepper(compress_scene(runs([str(label) for label in labels])))


def compress_explorer() -> Explorer:
    """Type labels, one for each frame, and step through their runs."""
    labels = ipywidgets.Text(value="B B AH AH AH T", description="Labels", continuous_update=False)
    return Explorer(lambda: compress_scene(runs(symbols_in(labels.value))), labels)


def expand_explorer() -> Explorer:
    """Type a target and a number of frames, and step through all of its alignments."""
    target = ipywidgets.Text(value="ABA", description="Target", continuous_update=False, layout={"width": "240px"})
    frames = ipywidgets.BoundedIntText(value=5, min=1, max=12, description="Frames", layout={"width": "180px"})

    def scene() -> Scene:
        symbols = symbols_in(target.value)
        found = count_paths(len(symbols), frames.value)
        if not found:
            raise ValueError(f"{plural(len(symbols), 'symbol')} have no alignment to {plural(frames.value, 'frame')}")
        return alignments_scene(symbols, list(paths(len(symbols), frames.value)) if found <= 100 else [()] * found)

    def remark() -> str:
        symbols = symbols_in(target.value)
        if not adjacent_repeats(symbols):
            return ""
        return "Equal neighbours: these are paths, but no label sequence compresses to the target."

    return Explorer(scene, target, frames, remark=remark)


def count_explorer() -> Explorer:
    """Type a target and a number of frames, choose whether there are blanks, and step through the number of ways to each cell."""
    target = ipywidgets.Text(value="B AH T", description="Target", continuous_update=False, layout={"width": "240px"})
    frames = ipywidgets.BoundedIntText(value=6, min=1, max=10_000, description="Frames", layout={"width": "180px"})
    blanks = ipywidgets.Dropdown(
        options=[("none", False), ("optional", True)], description="Blanks", layout={"width": "200px"}
    )

    def scene() -> Scene:
        symbols, T = symbols_in(target.value), frames.value
        if len(symbols) > 2000:
            raise ValueError(f"target has {len(symbols)} symbols; type at most 2000")
        if not symbols:
            raise ValueError("target is empty; type letters, or names with spaces between them")
        automaton = with_blanks(symbols, BLANK) if blanks.value else chain(symbols)
        if T > 12 or len(automaton.labels) > 11:
            raise ValueError(
                f"{counts(symbols, T, blanks.value)} That is too much to draw: 12 frames and 11 states are not"
            )
        title = f"{' '.join(symbols)} in {plural(T, 'frame')}" + (", with optional blanks" if blanks.value else "")
        return automaton_scene(unroll(automaton, T), title)

    return Explorer(
        scene, target, frames, blanks, remark=lambda: counts(symbols_in(target.value), frames.value, blanks.value)
    )


def counts(symbols: Sequence[str], T: int, blanks: bool = False) -> str:
    """Say how many paths and label sequences a target has in T frames, exactly, and what listing them finds."""
    K = len(symbols)
    if blanks:
        n = unroll(with_blanks(symbols, BLANK), T).paths if K * T <= 40_000 else None
        return "" if n is None else f"With optional blanks {_number(n)} paths, each with labels of its own."
    n, m = count_paths(K, T), count_expansions(symbols, T)
    says = f"Paths: C({T - 1}, {K - 1}) = {_number(n)}." if K else "An empty target has no path."
    if adjacent_repeats(symbols):
        says += " Label sequences that compress to it: none, since it has equal neighbours."
    else:
        says += f" Label sequences: {_number(m)}."
    if n <= MOST_LISTED:
        says += f" Listed one by one: {sum(1 for _ in paths(K, T))} and {sum(1 for _ in expansions(symbols, T))}."
    return says


def _number(n: int) -> str:
    digits = str(n)
    return digits if len(digits) <= 30 else f"a number of {len(digits)} digits, {digits[:6]}…"


def path_stepper(y: ArrayLike, target: str | Sequence, symbols: Sequence[str] = ascii_uppercase) -> Stepper:
    """Draw a path of a target with the arrow keys, and see how good it is among all.

    Parameters
    ----------
    y
        (T, A) probabilities.
    target
        Names from ``symbols``, or column indices; it may have at most 300 paths.
    symbols
        The name of each column.
    """
    return Stepper(paths_scene(rank_paths(log_probabilities(y), encode(target, symbols)), symbols))


def path_explorer() -> Explorer:
    """Choose a case and a target, and draw a path."""
    preset = ipywidgets.Dropdown(options=list(DRAWN), description="Case")
    target = ipywidgets.Text(
        value=DRAWN[preset.value].target, description="Target", continuous_update=False, layout={"width": "200px"}
    )

    def taken() -> str:
        return target.value.strip().upper()

    def scene() -> Scene:
        y = DRAWN[preset.value].y
        symbols = ascii_uppercase[: y.shape[1]]
        return paths_scene(rank_paths(log_probabilities(y), encode(taken(), symbols)), symbols)

    def take(name: str) -> None:
        target.value = DRAWN[name].target

    return Explorer(
        scene, preset, target, presets={preset: take}, remark=lambda: taken_as(target.value, taken())
    )  # fmt: skip


def underflow_figure(p: float, frames: int) -> Figure:
    """Draw the product of equal probabilities, in double and in single precision, and the sum of their logarithms."""
    t = np.arange(1, frames + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3), layout="constrained")
    for n, (name, dtype) in enumerate({"float64": np.float64, "float32": np.float32}.items()):
        with np.errstate(under="ignore"):
            product = np.cumprod(np.full(frames, p, dtype))
        alive = product > 0
        left.plot(t[alive], np.log2(product[alive].astype(float)), color=f"C{n}", label=name)
        end = int(alive.sum())
        left.plot([end], [log2(product[end - 1])], "o", color=f"C{n}")
    left.set(xlabel="frames multiplied", ylabel="log₂ of the product", xlim=(0, frames))
    left.legend(frameon=False)
    right.plot(t, t * np.log(p), color="C2")
    right.set(xlabel="frames added", ylabel="sum of the logarithms", xlim=(0, frames))
    return figure


def listing_times(K: int = 10, seconds: float = 5.0) -> tuple[list[int], list[float], list[float]]:
    """Time the listing of all paths of K symbols for more and more frames, and the trellis for the same.

    Returns
    -------
    frames, listing, trellis
        Numbers of frames, and the seconds of processor time that each took.
    """
    rng, frames, listing, trellis = np.random.default_rng(0), [], [], []
    first = np.log(rng.dirichlet(np.ones(K), K))
    align(first, np.arange(K)), score_all_paths(first, np.arange(K))  # whatever is compiled or loaded on first use
    spent, T = 0.0, K + 1
    while not listing or spent + listing[-1] * count_paths(K, T) / count_paths(K, T - 1) < seconds:
        log_y = np.log(rng.dirichlet(np.ones(K), T))
        began = process_time()
        score_all_paths(log_y, np.arange(K))
        listing.append(process_time() - began)
        began = process_time()
        for _ in range(20):
            align(log_y, np.arange(K))
        trellis.append((process_time() - began) / 20)
        frames.append(T)
        spent, T = spent + listing[-1], T + 1
    return frames, listing, trellis


def listing_figure(frames: Sequence[int], listing: Sequence[float], trellis: Sequence[float], K: int = 10) -> Figure:
    """Draw measured times on a log axis, and what listing would take up to 100 frames."""
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    beyond = np.arange(frames[-1], 101)
    a_path = listing[-1] / count_paths(K, frames[-1])
    axes.semilogy(beyond, [a_path * count_paths(K, T) for T in beyond], ":", color="C1", label="listing, extrapolated")
    axes.semilogy(frames, listing, "s-", color="C1", markersize=4, label="listing, measured")
    axes.semilogy(frames, trellis, "o-", color="C0", markersize=4, label="dynamic programming, measured")
    for name, time in {"a second": 1, "a day": 86_400, "a year": 31_557_600}.items():
        axes.axhline(time, color="0.8", linewidth=0.8, zorder=0)
        axes.text(101, time, name, va="center", color="0.4")
    axes.set(xlabel=f"frames, with {K} symbols", ylabel="seconds", xlim=(frames[0], 100))
    axes.legend(frameon=False)
    return figure
