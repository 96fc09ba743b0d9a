"""One picture of the whole for the beginning of a chapter: what goes in, what comes out, and what happens between.

These are not played. Each is drawn once, with a sentence that says what is to be seen.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from course_utils.scenes.plane import Plane
from course_utils.scenes.sketch import Box, Sketch
from course_utils.scenes.svg import ink
from course_utils.scenes.wording import number

STATIONS = ("columns", "distributions", "lattice", "string")  # of the way that chapter 9 goes


# -- 1 to 3: structures, a perceptron for each frame, a network that is unrolled


def structures_picture() -> str:
    """Draw the six ways in which inputs and outputs may belong together."""
    sketch = Sketch()
    panels: list[tuple[str, Callable[[float, float], None]]] = [
        ("one to one", lambda x, y: _network(sketch, x, y, 1, [0], [0])),
        ("many to one", lambda x, y: _network(sketch, x, y, 4, range(4), [3])),
        ("one to many", lambda x, y: _network(sketch, x, y, 4, [0], range(4))),
        ("time-synchronous", lambda x, y: _network(sketch, x, y, 4, range(4), range(4))),
        ("order-synchronous", lambda x, y: _unaligned(sketch, x, y)),
        ("encoder-decoder", lambda x, y: _through_a_context(sketch, x, y)),
    ]
    for n, (name, draw) in enumerate(panels):
        x, y = 105 + 210 * (n % 3), 172 * (n // 3)
        sketch.text(x, y + 22, name, "name")
        draw(x, y + 92)
    says = "Inputs below, states between, outputs above. In order-synchronous data no arrow says when an output comes."
    return sketch.svg("Six structures of inputs and outputs", says, 630, 336)


def _network(sketch: Sketch, x: float, y: float, steps: int, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    """Draw a chain of states with inputs below and outputs above, at the steps that are named."""
    states = [sketch.box(x + 44 * (t - (steps - 1) / 2), y, 26, 26, "", "state") for t in range(steps)]
    sketch.chain(states)
    for t in inputs:
        sketch.arrow(sketch.box(states[t].x, y + 50, 22, 18, "", "input", 0.5).top, states[t].bottom)
    for t in outputs:
        sketch.arrow(states[t].top, sketch.box(states[t].x, y - 48, 22, 18, "", "output", 0.5).bottom)


def _unaligned(sketch: Sketch, x: float, y: float) -> None:
    """Draw outputs that belong to steps nobody knows."""
    _network(sketch, x, y, 4, range(4), [])
    for k in range(2):
        sketch.box(x + 52 * (k - 0.5), y - 48, 22, 18, "", "output", 0.5)
    sketch.text(x, y - 22, "when?", "soft")


def _through_a_context(sketch: Sketch, x: float, y: float) -> None:
    """Draw an encoder, the one vector that leaves it, and a decoder."""
    encoder = [sketch.box(x - 84 + 36 * t, y, 22, 26, "", "state") for t in range(2)]
    context = sketch.box(x - 10, y, 18, 40, "c", "gate", 0.35)
    decoder = [sketch.box(x + 26 + 34 * t, y, 22, 26, "", "state") for t in range(3)]
    sketch.chain([*encoder, context, *decoder])
    for state in encoder:
        sketch.arrow(sketch.box(state.x, y + 50, 20, 18, "", "input", 0.5).top, state.bottom)
    for state in decoder:
        sketch.arrow(state.top, sketch.box(state.x, y - 48, 20, 18, "", "output", 0.5).bottom)


def windows_picture() -> str:
    """Draw a perceptron that sees one frame, beside one that sees a window of three."""
    sketch = Sketch()
    for left, reach, words in ((40, 0, "one frame each"), (360, 1, "a window of three frames")):
        sketch.text(left + 100, 22, words, "name")
        for t in range(5):
            x = left + 50 * t
            frame = sketch.box(x, 178, 30, 20, f"x{_low(t)}", "input", 0.4)
            unit = sketch.box(x, 112, 38, 28, "MLP", "weight", 0.2)
            sketch.arrow(unit.top, sketch.box(x, 52, 30, 20, f"y{_low(t)}", "output", 0.4).bottom)
            for other in range(max(0, t - reach), min(5, t + reach + 1)):
                if reach == 0 or t == 2:
                    sketch.arrow((left + 50 * other, frame.top[1]), (x + 10 * (other - t), unit.bottom[1]), "input")
    sketch.text(460, 210, "the others likewise", "soft")
    says = (
        "The same multilayer perceptron answers at every frame; with a window it also sees the frames beside its own."
    )
    return sketch.svg("A perceptron for each frame, and one with a window", says, 600, 220)


def _low(t: int) -> str:
    return "₀₁₂₃₄₅₆₇₈₉"[t]


def unrolled_picture() -> str:
    """Draw one cell with its loop, and the same cell once for each step."""
    sketch = Sketch()
    cell_ = sketch.box(70, 100, 44, 40, "h", "state")
    sketch.arrow(sketch.box(70, 176, 34, 22, "x", "input", 0.4).top, cell_.bottom, "input")
    sketch.arrow(cell_.top, sketch.box(70, 30, 34, 22, "y", "output", 0.4).bottom, "output")
    sketch.marks.append('<path class="curve state" fill="none" d="M92 100H118V140H24V100"/>')
    sketch.arrow((24, 100), cell_.left, "state")
    sketch.text(124, 134, "one step", "soft", "start")
    sketch.text(178, 76, "is, unrolled,", "small")
    before = sketch.box(226, 100, 38, 32, "h₋₁", "state", 0.1)
    states = [sketch.box(300 + 92 * t, 100, 44, 40, f"h{_low(t)}", "state") for t in range(4)]
    sketch.chain([before, *states], "state")
    for t, state in enumerate(states):
        sketch.arrow(sketch.box(state.x, 176, 34, 22, f"x{_low(t)}", "input", 0.4).top, state.bottom, "input")
        sketch.arrow(state.top, sketch.box(state.x, 30, 34, 22, f"y{_low(t)}", "output", 0.4).bottom, "output")
    says = "One cell that hands its state on to itself is the same cell once for each step, with the same weights."
    return sketch.svg("A recurrent network, folded and unrolled", says, 616, 204)


# -- 4 and 5: gradients


def both_ways_picture() -> str:
    """Draw a network that runs forwards, and its gradient, which runs back."""
    sketch = Sketch()
    states = [sketch.box(70 + 124 * t, 132, 52, 44, f"h{_low(t)}", "state") for t in range(4)]
    for t, state in enumerate(states):
        sketch.arrow(sketch.box(state.x, 212, 40, 24, f"x{_low(t)}", "input", 0.4).top, state.bottom, "input")
        loss = sketch.box(state.x, 46, 52, 26, f"loss {t}", "output", 0.35)
        sketch.arrow((state.x - 10, state.top[1]), (loss.x - 10, loss.bottom[1]), "output")
        sketch.arrow((loss.x + 10, loss.bottom[1]), (state.x + 10, state.top[1]), "gradient")
    for one, two in pairwise(states):
        sketch.arrow((one.right[0], 122), (two.left[0], 122), "state")
        sketch.arrow((two.left[0], 142), (one.right[0], 142), "gradient")
    sketch.text(504, 126, "forwards: states", "state small", "start")
    sketch.text(504, 148, "back: gradients", "gradient small", "start")
    says = "States go forwards, gradients back along the same arrows; each state hears from its own loss and from the next state."
    return sketch.svg("Forwards and back through time", says, 624, 240)


def fading_picture(sizes: ArrayLike) -> str:
    """Draw a sequence with a single loss at its end, and the size of the gradient at each step under it.

    Parameters
    ----------
    sizes
        (T,) norms of the derivatives with respect to the states.
    """
    sizes = np.asarray(sizes, dtype=float)
    sketch, T, base = Sketch(), len(sizes), 236
    states = [sketch.box(70 + 66 * t, 96, 42, 34, f"h{_low(t)}", "state") for t in range(T)]
    sketch.chain(states, "state")
    loss = sketch.box(states[-1].x, 30, 54, 26, "loss", "output", 0.35)
    sketch.arrow(states[-1].top, loss.bottom, "output")
    for state, size in zip(states, sizes, strict=True):
        high = 92 * size / sizes.max()
        sketch.marks.append(
            f'<g class="gradient"><rect class="tint" x="{state.x - 15:g}" y="{base - high:.1f}" width="30" height="{high:.1f}"/></g>'
        )
        sketch.text(state.x, base + 17, number(size, 2), "soft")
    sketch.marks.append(f'<path class="axis" d="M40 {base}H{states[-1].x + 30:g}"/>')
    sketch.text(40, 138, "size of the gradient", "gradient small", "start")
    says = f"One loss at the end. The gradient is {number(sizes[-1], 2)} there, and {number(sizes[0], 2)} at the first state."
    return sketch.svg("One loss at the end, and what is left of its gradient", says, states[-1].x + 60, 264)


# -- 6, 8 and 9: images, what a network makes of their columns, strings


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


# -- 7 and 10: a grid of paths, orbits


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


def orbits_picture(orbits: Sequence[tuple[complex, ArrayLike]]) -> str:
    """Draw eigenvalues in the complex plane beside the orbits they make.

    Parameters
    ----------
    orbits
        Of each eigenvalue (upper one of a pair) the orbit of one coordinate, (T + 1,).
    """
    sketch = Sketch()
    roles = ("state", "output", "gradient")
    circle = Plane(46, 30, 190, 190, (-1.3, -1.3), (1.3, 1.3))
    angles = np.linspace(0, 2 * np.pi, 121)
    sketch.marks += circle.frame("eigenvalues", x_ticks=(-1, 0, 1), y_ticks=[(v, number(v)) for v in (-1, 0, 1)])
    sketch.marks.append(circle.curve(zip(np.cos(angles), np.sin(angles), strict=True), "guide"))
    T = len(np.asarray(orbits[0][1])) - 1
    plane = Plane(310, 30, 300, 190, (0, -2.4), (T, 2.4))
    sketch.marks += plane.frame("the orbit of one coordinate", y_ticks=[(v, number(v)) for v in (-2, 0, 2)])
    for n, ((eigenvalue, orbit), role) in enumerate(zip(orbits, roles, strict=False)):
        for sign in (1, -1):
            x, y = circle.at(eigenvalue.real, sign * eigenvalue.imag)
            sketch.marks.append(f'<g class="dot {role}"><circle cx="{x:.1f}" cy="{y:.1f}" r="5"/></g>')
        sketch.marks.append(f'<g class="{role}">{plane.curve(enumerate(np.asarray(orbit)), "curve")}</g>')
        x, y = 300 + 118 * n, 262
        sketch.marks.append(f'<g class="dot {role}"><circle cx="{x}" cy="{y - 4}" r="5"/></g>')
        sketch.text(x + 10, y, f"modulus {number(abs(eigenvalue), 2)}", "small", "start")
    sketch.text(46, 262, "dashed: the unit circle", "soft", "start")
    says = "Inside the unit circle an orbit dies out, on it the orbit lives on for ever, outside it grows."
    return sketch.svg("Eigenvalues and orbits", says, 634, 276)


# -- 11: a cell with gates


def gated_picture() -> str:
    """Draw an LSTM: the line of the cell, which is multiplied and added to, and the gates that decide by how much."""
    sketch = Sketch()
    line, gates = 70, 190
    before = sketch.box(52, line, 52, 36, "c(t−1)", "state")
    times_f = sketch.box(176, line, 34, 34, "×", "", 0)
    plus = sketch.box(300, line, 34, 34, "+", "", 0)
    after = sketch.box(560, line, 52, 36, "c(t)", "state")
    sketch.chain([before, times_f, plus, after], "state")
    times_i = sketch.box(300, 130, 34, 30, "×", "", 0)
    squash = sketch.box(476, 118, 46, 28, "tanh", "", 0)
    times_o = sketch.box(476, gates, 34, 30, "×", "", 0)
    out = sketch.box(560, gates, 52, 36, "h(t)", "state")
    sketch.arrow(times_i.top, plus.bottom, "state")
    sketch.arrow((476, line), squash.top, "state")
    sketch.arrow(squash.bottom, times_o.top, "state")
    sketch.arrow(times_o.right, out.left, "state")
    f, i, g, o = (
        sketch.box(x, gates, 40, 30, name, "gate") for x, name in zip((176, 256, 334, 404), "figo", strict=True)
    )
    sketch.arrow(f.top, times_f.bottom, "gate")
    sketch.arrow(i.top, (292, times_i.bottom[1]), "gate")
    sketch.arrow(g.top, (308, times_i.bottom[1]), "gate")
    sketch.arrow(o.right, times_o.left, "gate")
    read = sketch.box(290, 256, 276, 30, "x(t) and h(t−1), read by all four", "input", 0.3)
    for box in (f, i, g, o):
        sketch.arrow((box.x, read.top[1]), box.bottom, "input")
    sketch.text(176, 28, "keep", "soft")
    sketch.text(300, 28, "add", "soft")
    says = "The cell c is kept by the forget gate f and added to by the input gate i times the candidate g; the output gate o shows it."
    return sketch.svg("One step of an LSTM", says, 604, 284)
