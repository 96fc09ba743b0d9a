"""One picture of the whole for the beginning of a chapter: what goes in, what comes out, and what happens between.

These are not played. Each is drawn once, with a sentence that says what is to be seen.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from course_utils.rnn import RNN
from course_utils.scenes.plane import Plane
from course_utils.scenes.sketch import Sketch
from course_utils.scenes.wording import number

# -- 1 to 3: structures, an MLP for each frame, a network that is unrolled


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
    """Draw an MLP that sees one frame, beside one that sees a window of three."""
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
    return sketch.svg("An MLP for each frame, and one with a window", says, 600, 220)


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


# -- 10 and 11: orbits, a cell with gates


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


def machine_picture(net: RNN, names: Sequence[str], title: str, says: str) -> str:
    """Draw a network of one input and one output at two neighbouring steps, every weight that is not zero at its arrow.

    Parameters
    ----------
    names
        What each unit holds.
    """
    sketch, apart, rows = Sketch(), 310, [48 + 58 * k for k in range(len(names))]
    before = None
    for step, label in ((0, "t − 1"), (1, "t")):
        left = 16 + apart * step
        sketch.text(left + 142, 20, label, "soft")
        x = sketch.box(left + 18, 228, 34, 26, "x", "input", 0.4)
        units = [sketch.box(left + 142, y, 64, 30, name, "state") for y, name in zip(rows, names, strict=True)]
        out = sketch.box(left + 248, 77, 34, 26, "y", "output", 0.4)
        for k, unit in enumerate(units):
            _weighted(sketch, x.right, unit.left, net.W_xh[k, 0], 0.42)
            _weighted(sketch, unit.right, out.left, net.W_hy[0, k], 0.5)
            if net.b_h[k]:
                sketch.text(unit.x, unit.y + 29, f"bias {number(net.b_h[k])}", "soft")
            for j, other in enumerate(before or []):
                _weighted(sketch, other.right, unit.left, net.W_hh[k, j], 0.72)
        before = units
    return sketch.svg(title, says, 16 + apart + 282, 252)


def _weighted(
    sketch: Sketch, start: tuple[float, float], end: tuple[float, float], weight: float, where: float
) -> None:
    """Draw an arrow and write its weight beside it; nothing for a weight of zero."""
    if weight:
        sketch.arrow(start, end, "weight")
        x, y = (a + where * (b - a) for a, b in zip(start, end, strict=True))
        sketch.text(x - 5, y - 5, number(float(weight)), "small weight")


def eigenvalues_picture(cases: Sequence[tuple[str, ArrayLike]]) -> str:
    """Draw the eigenvalues of matrices in the complex plane, with their names and the unit circle.

    Parameters
    ----------
    cases
        A name and the eigenvalues of each, from −2.4 to 3.4 along the real axis.
    """
    sketch, plane = Sketch(), Plane(44, 14, 580, 260, (-2.4, -1.3), (3.4, 1.3))
    angles = np.linspace(0, 2 * np.pi, 121)
    sketch.marks += plane.frame(
        "", "real part", x_ticks=(-2, -1, 0, 1, 2, 3), y_ticks=[(v, number(v)) for v in (-1, 0, 1)]
    )
    sketch.marks.append(plane.curve(zip(np.cos(angles), np.sin(angles), strict=True), "guide"))
    of: dict[tuple[float, float], list[str]] = {}
    for name, values in cases:
        for value in np.unique(np.round(np.asarray(values, dtype=complex), 6)):
            names = of.setdefault((float(value.real) + 0.0, float(value.imag) + 0.0), [])
            if name not in names:
                names.append(name)
    for n, ((x, y), names) in enumerate(sorted(of.items())):
        cx, cy = plane.at(x, y)
        sketch.marks.append(f'<g class="dot state"><circle cx="{cx:.1f}" cy="{cy:.1f}" r="5"/></g>')
        if y > 0:
            side, shift = ("end", -10) if x < 0.7 else ("start", 10)
            sketch.text(cx + shift, cy - 6, ", ".join(names), "small", side)
        elif y == 0:
            side, shift = ("end", 10) if x > 2.5 else ("middle", 0)
            sketch.text(cx + shift, cy + (21 if n % 2 else -11), ", ".join(names), "small", side)
    says = "Inside the unit circle lie the eigenvalues of matrices whose powers fade; what a product of different factors does they do not say."
    return sketch.svg("Eigenvalues of eight matrices", says, 640, 324)
