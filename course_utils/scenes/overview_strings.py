"""What strings and frames have to do with each other, in one picture, for the beginning of chapters 6, 7 and 9."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from course_utils.scenes.sketch import Box, Sketch
from course_utils.scenes.svg import ink

STATIONS = ("columns", "distributions", "lattice", "string")  # of the way that chapter 9 goes


def unknown_picture(image: ArrayLike, y: ArrayLike, symbols: Sequence[str], target: str) -> str:
    """Draw an image, the probabilities of its columns, and a string whose places nobody knows.

    Parameters
    ----------
    image
        (height, T) ink from 0 to 1.
    y
        (T, A) probabilities.
    """
    sketch, size, left = Sketch(), 10, 86
    image, y = np.asarray(image), np.asarray(y)
    T = image.shape[1]
    sketch.marks += ink(image, left, 12, size)
    top = 12 + len(image) * size + 20
    sketch.marks += _matrix(y, left, top, size, 9)
    below = top + 9 * y.shape[1]
    sketch.text(left - 8, 12 + len(image) * size / 2 + 5, f"{T} columns", "soft", "end")
    sketch.text(left - 8, top + 4.5 * y.shape[1] + 5, f"{len(symbols)} symbols", "soft", "end")
    for k, symbol in enumerate(target):
        x = left + T * size * (k + 1) / (len(target) + 1)
        sketch.box(x, below + 56, 34, 26, symbol, "output", 0.35)
        sketch.text(x, below + 30, "?", "name")
    sketch.text(left - 8, below + 61, "the string", "soft", "end")
    says = f"An image of {T} columns, the probability of each symbol in each of them, and the string {target}: which column belongs to which digit?"
    return sketch.svg("A string without positions", says, left + T * size + 14, below + 82)


def _matrix(y, left: float, top: float, wide: float, high: float, css: str = "output") -> list[str]:
    """Draw probabilities, (T, A), as shades, a column for each frame."""
    T, A = y.shape
    squares = [
        f'<rect class="tint" x="{left + t * wide:g}" y="{top + k * high:g}" width="{wide:g}" height="{high:g}" fill-opacity="{y[t, k]:.2f}"/>'
        for t in range(T)
        for k in range(A)
        if y[t, k] >= 0.01
    ]
    frame = f'<rect class="axis" fill="none" x="{left:g}" y="{top:g}" width="{T * wide:g}" height="{A * high:g}"/>'
    return [f'<g class="{css}">{"".join(squares)}</g>', frame]


def reading_picture(image: ArrayLike, y: ArrayLike, target: str, here: int | None = None) -> str:
    """Draw the way from the columns of an image to a string, in four stations.

    Parameters
    ----------
    image
        (height, T) ink from 0 to 1.
    y
        (T, A) probabilities.
    target
        What it spells.
    here
        The station where the reader is, an index of :data:`STATIONS`; None at the beginning.
    """
    image, y = np.asarray(image), np.asarray(y)
    T, A = y.shape
    if here is not None and not 0 <= here < len(STATIONS):
        raise ValueError(f"here is {here}; the stations are 0 to {len(STATIONS) - 1}: {', '.join(STATIONS)}")
    sketch, size = Sketch(), 130 / T
    lefts = (14, 180, 346, 512)
    middle = 78
    sketch.marks += ink(image, lefts[0], middle - len(image) * size / 2, size)
    sketch.marks += _matrix(y, lefts[1], middle - 2.5 * A, size, 5)
    _lattice(sketch, lefts[2] + 4, middle, target)
    for k, symbol in enumerate(target):
        sketch.box(lefts[3] + 18 + 34 * k, middle, 28, 28, symbol, "output", 0.35)
    for left in lefts[1:]:
        sketch.arrow((left - 34, middle), (left - 10, middle))
    for n, (left, name) in enumerate(zip(lefts, STATIONS, strict=True)):
        wide = 130 if n < 3 else 34 * len(target) + 4
        sketch.text(left + wide / 2, 148, name, "name" if n == here else "soft")
        if n == here:
            box = f'x="{left - 6:g}" y="12" width="{wide + 12:g}" height="146" rx="8"'
            sketch.marks.append(f'<g data-state="now"><rect class="box" {box}/></g>')
    if here is None:
        title = "From columns to a string"
        says = "Columns of an image, a distribution over the symbols for each, all alignments of a string in one lattice, the string."
    else:
        title = f"You are here: {STATIONS[here]}"
        says = f"Columns, distributions, lattice, string: this section is about the {STATIONS[here]}."
    return sketch.svg(title, says, lefts[3] + 34 * len(target) + 20, 166)


def _lattice(sketch: Sketch, left: float, middle: float, target: str) -> None:
    """Draw the lattice of a short string: blanks between its symbols, and every way from a frame to the next."""
    states = 2 * len(target) + 1
    wide, high = 24, min(15, 110 / states)
    top = middle - high * (states - 1) / 2
    for t in range(5):
        for i in range(states):
            x, y = left + 10 + wide * t, top + high * i
            for step in (0, 1, 2):
                allowed = i + step < states and not (step == 2 and (i % 2 == 0 or target[i // 2] == target[i // 2 + 1]))
                if t < 4 and allowed:
                    sketch.marks.append(f'<path class="axis" d="M{x:g} {y:g}L{x + wide:g} {y + step * high:g}"/>')
    for t in range(5):
        for i in range(states):
            x, y = left + 10 + wide * t, top + high * i
            role = "state" if i % 2 else "state ring"
            sketch.marks.append(f'<g class="dot {role}"><circle cx="{x:g}" cy="{y:g}" r="3.5"/></g>')


def grid_picture(target: str, paths: Sequence[Sequence[int]], best: Sequence[int]) -> str:
    """Draw every way of a string through the frames, and one of them.

    Parameters
    ----------
    paths, best
        The position in the target at each frame, of all paths and of the one to show.
    """
    sketch, wide, high, left, top = Sketch(), 92, 56, 96, 52
    T, K = len(best), len(target)
    ways = {(t, a, b) for path in paths for t, (a, b) in enumerate(pairwise(path))}
    at = {(t, i): Box(left + wide * t, top + high * i, 17, 15) for t in range(T) for i in range(K)}
    on = {(t, a, b) for t, (a, b) in enumerate(pairwise(best))}
    for t, a, b in sorted(ways):
        one, two = at[t, a], at[t + 1, b]
        start = one.right if a == b else (one.right[0], one.y + 8)
        end = two.left if a == b else (two.left[0], two.y - 8)
        sketch.arrow(start, end, state="path" if (t, a, b) in on else "plain")
    reached = {(t, i) for path in paths for t, i in enumerate(path)}
    for t, i in sorted(reached):
        state = "path" if best[t] == i else "done"
        sketch.box(*(at[t, i].x, at[t, i].y), 34, 30, target[i], "state", 0.3 if best[t] == i else 0.08, state)
    for t in range(T):
        sketch.text(left + wide * t, 20, f"t = {t}", "soft")
    for i, symbol in enumerate(target):
        sketch.text(left - 34, top + high * i + 5, f"{symbol}, i = {i}", "soft", "end")
    shown = "".join(target[i] for i in best)
    says = f"All {len(paths)} ways of {target} through {T} frames: at each frame a path stays or goes on by one. The strong one is {shown}."
    return sketch.svg(
        f"Every alignment of {target} to {T} frames", says, left + wide * (T - 1) + 44, top + high * K - 10
    )
