"""A pair of eigenvalues in the complex plane, and what two units with such weights do (section 10.1)."""

import math

import numpy as np

from course_utils.linear_recurrence import PulseResponse
from course_utils.scenes.edits import Point
from course_utils.scenes.plane import Plane
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import cell, document, text
from course_utils.scenes.wording import latex_number, number, plural, raised

REACH = 1.25  # of the plane of eigenvalues, to all sides
DECADES = 6  # of the lengths, at most
MOST_STEPS = 60
LEGEND = Legend(
    {"now": "at this step", "done": ""}, words={"h": "state", "W": "weight"}, letters={"W": "weight", "h": "state"}
)
IN_TABLE = (0, 1, 2, 3, 5, 10, 20, 30, 60)


def eigenvalues_scene(response: PulseResponse, about: str = "") -> Scene:
    """Show the eigenvalues of two units' weights, and step by step what becomes of a pulse into the first unit.

    Parameters
    ----------
    response
        Of two units, of 1 to 60 steps. The eigenvalue above the real axis can be moved.
    about
        A sentence to end with.

    Raises
    ------
    ValueError
        There are not two units, or too many steps.
    """
    steps = len(response.states) - 1
    if response.states.shape[1] != 2:
        raise ValueError(f"there are {response.states.shape[1]} units; the picture takes two")
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"there are {steps} steps; the picture takes from 1 to {MOST_STEPS}")
    return _Picture(response, about).scene()


class _Picture:
    def __init__(self, response: PulseResponse, about: str):
        self.response, self.about = response, about
        self.states, self.powers = response.states, response.powers
        self.T, self.linear = len(self.states) - 1, response.activation == "identity"
        z = max(response.eigenvalues, key=lambda z: z.imag)
        self.eigenvalue = complex(_clean(z.real), _clean(z.imag))
        self.length = np.linalg.norm(self.states, axis=1)
        reach = _round_up(max(1.0, float(np.abs(self.states).max())))
        self.spectrum = Plane(44, 40, 216, 216, (-REACH, -REACH), (REACH, REACH))
        self.plane = Plane(322, 40, 216, 216, (-reach, -reach), (reach, reach))
        self.lengths = Plane(44, 330, 330, 170, (0, self.bottom()), (self.T, self.ceiling()))
        self.pulse = Plane(444, 330, 314, 170, (0, -reach), (self.T, reach))

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(self.T + 1):
            now = {f"{name}-{t}": ("now", "done") for name in self.dots()}
            keep = {f"way-{t}": Mark("done"), f"stem-{t}": Mark("done")} if t else {f"stem-{t}": Mark("done")}
            if t == self.T and self.linear:
                keep |= {"radius": Mark("done"), "kreiss": Mark("done")}
            board.step(self.says(t), self.formula(t), keep=keep, now=now, computes=[f"length-{t}", f"pulse-{t}"])
        title = f"Two {'linear' if self.linear else 'tanh'} units with the eigenvalues {self.pair()}"
        z = self.eigenvalue
        size = (self.spectrum.width * 2.4 / (2 * REACH), self.spectrum.height * 1.2 / (2 * REACH))
        edit = Point(("eigenvalue",), (float(z.real), float(z.imag)), "eigenvalue", (-1.2, 0), (1.2, 1.2), 0.01, size)
        edits = {"eigenvalue": edit}
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), edits=edits, legend=LEGEND)

    def dots(self) -> list[str]:
        return ["state", "length", *(["power"] if self.linear else []), "pulse"]

    # -- what is said

    def pair(self) -> str:
        z = self.eigenvalue
        return f"{number(float(z.real), 3)} ± {number(float(z.imag), 3)}i"

    def says(self, t: int) -> str:
        x, y = (number(_clean(v), 3) for v in self.states[t])
        where = f"h is ({x}, {y}), of length {number(float(self.length[t]), 3)}"
        if t == 0:
            return f"A pulse into unit 0: {where}. The eigenvalues of W are {self.pair()}."
        says = f"Step {t}: {where}."
        if self.linear:
            norm, root = self.powers.log_norm[t], float(self.powers.gelfand[t - 1])
            says += f" No state can be stretched more than {_power(norm)} times in {plural(t, 'step')}, the norm of W{raised(t)}"
            says += f"; that is {number(root, 3)} a step." if t > 1 else "."
        if t == self.T:
            says = f"{says} {self.verdict()} {self.about}".rstrip()
        return says

    def verdict(self) -> str:
        """Say what the eigenvalues had to do with it."""
        radius, n = self.powers.radius, self.powers.peak[0]
        if not self.linear:
            return f"The spectral radius is {number(radius, 3)}."
        says = f"In the end each step multiplies by about {number(radius, 3)}, the spectral radius."
        peak, kreiss = self.powers.peak[1], self.response.kreiss
        if radius < 1 and n and peak > 1 + 1e-9:
            says += (
                f" {'By then' if n == self.T else 'On the way'} the norm rose to {number(peak, 3)}, at step {n}; Kreiss says that it must "
                f"reach {number(kreiss, 3)} at least."
            )
        return says

    def formula(self, t: int) -> str:
        if not t or not self.linear:
            return ""
        root = latex_number(number(float(self.powers.gelfand[t - 1]), 4))
        return rf"\lVert W^{{{t}}} \rVert^{{1/{t}}} = {root}"

    # -- what is drawn

    def bottom(self) -> float:
        """Lowest decimal logarithm of the lengths that is drawn."""
        with np.errstate(divide="ignore"):
            logs = np.log10(self.length)
        lowest = float(logs[np.isfinite(logs)].min())
        return max(math.floor(lowest - 0.05), math.ceil(self.ceiling()) - DECADES)

    def ceiling(self) -> float:
        with np.errstate(divide="ignore"):
            highest = float(np.log10(self.length).max())
        norms = self.powers.log_norm.max() / math.log(10) if self.linear else 0
        return max(1.0, math.ceil(max(highest, norms) + 0.05))

    def drawing(self, title: str) -> str:
        decades = range(math.ceil(self.lengths.low[1]), math.floor(self.lengths.high[1]) + 1)
        names = [(d, "1" if d == 0 else "10" if d == 1 else f"10{raised(d)}") for d in decades]
        step = next(s for s in (1, 2, 5, 10, 20) if self.T / s <= 6)
        at = [float(t) for t in range(0, self.T + 1, step)]
        marks = self.spectrum.frame("eigenvalues of W", x_ticks=(-1, 0, 1), y_ticks=[(-1, "−i"), (0, "0"), (1, "i")])
        marks += self.unit_circle() + self.plane.frame("state h", "unit 0") + self.weights()
        marks += self.lengths.frame(self.lengths_name(), "step", x_ticks=at, y_ticks=names)
        marks += self.pulse.frame("impulse response: unit 0", "step", x_ticks=at)
        x0, y0 = self.pulse.at(0, 0)
        marks.append(f'<path class="axis" fill="none" d="M{x0:.1f} {y0:.1f}h{self.pulse.width}"/>')
        marks += self.reference_lines() if self.linear else []
        for t in range(self.T + 1):
            marks += self.marks_of(t)
        return document(self.pulse.left + self.pulse.width + 12, 550, marks, title)

    def lengths_name(self) -> str:
        return "● length of h   ○ norm of Wⁿ" if self.linear else "● length of h"

    def unit_circle(self) -> list[str]:
        (cx, cy), radius = self.spectrum.at(0, 0), self.spectrum.width / (2 * REACH)
        z = self.eigenvalue
        (x, y), (_, mirrored) = self.spectrum.at(z.real, z.imag), self.spectrum.at(z.real, -z.imag)
        drawn = [
            f'<circle class="guide" fill="none" cx="{cx:g}" cy="{cy:g}" r="{radius:g}"/>',
            f'<path class="axis" fill="none" d="M{self.spectrum.left} {cy:g}h216M{cx:g} {self.spectrum.top}v216"/>',
            f'<g class="dot weight ring"><circle cx="{x:.1f}" cy="{mirrored:.1f}" r="6"/></g>',
        ]
        label = f"eigenvalue {self.pair()}"
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7"/>'
        return [
            *drawn,
            f'<g class="dot weight" data-mark="eigenvalue" data-state="done" aria-label="{label}">{shape}</g>',
        ]

    def weights(self) -> list[str]:
        W, left, top = self.powers.W, 592, 40
        drawn = [text(left, top - 12, "W", "name weight", "start")]
        for i, k in np.ndindex(2, 2):
            label = f"weight from unit {k} to unit {i}"
            content = number(_clean(W[i, k]), 3)
            drawn.append(
                cell(f"W-{i}-{k}", left + 84 * k, top + 36 * i, 80, 32, content=content, state="done", role="weight", label=label)
            )  # fmt: skip
        facts = [f"norm {number(self.powers.norm, 4)}", f"spectral radius {number(self.powers.radius, 4)}"]
        return drawn + [text(left, top + 104 + 24 * n, fact, "small", "start") for n, fact in enumerate(facts)]

    def reference_lines(self) -> list[str]:
        """Draw the powers of the radius, and what Kreiss promises; both are to be seen at the end."""
        radius, kreiss = self.powers.radius, self.response.kreiss
        slope = math.log10(radius) if radius > 0 else -math.inf
        drawn = [
            self.reference(
                "radius", "powers of the spectral radius", "radiusⁿ", 252, [(0, 0), (self.T, slope * self.T)]
            )
        ]
        bound = math.log10(kreiss) if 1 < kreiss < math.inf else math.nan
        words = "lower bound of the highest norm, by Kreiss"
        return [*drawn, self.reference("kreiss", words, "Kreiss", 336, [(0, bound), (self.T, bound)])]

    def reference(self, name: str, label: str, short: str, x: float, points: list) -> str:
        """Draw a line, with a piece of it and its name above the plane."""
        dashes = 'style="stroke-dasharray: 1.5 4"' if name == "kreiss" else ""
        path, y = self.lengths.path(points), self.lengths.top - 16
        shape = f'<path class="guide" fill="none" {dashes} d="{path}M{x} {y}h20"/>' + text(
            x + 24, y + 4, short, "soft", "start"
        )
        return f'<g data-mark="{name}" data-state="hidden" aria-label="{label}">{shape if path else ""}</g>'

    def marks_of(self, t: int) -> list[str]:
        """Draw what appears at step t."""
        x, y = (float(v) for v in self.states[t])
        drawn = []
        if t:
            drawn.append(self.plane.curve(self.states[t - 1 : t + 1].tolist(), "curve state", f"way-{t}", "hidden"))
        drawn.append(self.plane.dot(f"state-{t}", x, y, f"state at step {t}", css="dot state"))
        if self.linear:
            log = self.powers.log_norm[t] / math.log(10)
            drawn.append(self.lengths.dot(f"power-{t}", t, log, f"norm of the power {t}", css="dot weight ring"))
        with np.errstate(divide="ignore"):
            log = float(np.log10(self.length[t]))
        drawn.append(self.lengths.dot(f"length-{t}", t, log, f"length at step {t}", css="dot state"))
        drawn.append(self.pulse.curve([(t, 0), (t, x)], "curve state", f"stem-{t}", "hidden"))
        drawn.append(self.pulse.dot(f"pulse-{t}", t, x, f"unit 0 at step {t}", css="dot state"))
        return drawn

    def table(self, title: str) -> Table:
        chosen = [t for t in sorted({*IN_TABLE, self.T}) if t <= self.T]
        rows = [("length of h", *(number(float(self.length[t]), 3) for t in chosen))]
        if self.linear:
            rows.append(("norm of the power", *(_power(self.powers.log_norm[t]) for t in chosen)))
        return Table(title, ("step", *map(str, chosen)), tuple(rows))


def _clean(value: float) -> float:
    """Leave out what rounding has left of a zero."""
    return 0.0 if abs(value) < 1e-12 else float(value)


def _power(log: float) -> str:
    return "0" if log == -math.inf else number(float(f"{math.exp(log):.9g}"), 3)


def _round_up(value: float) -> float:
    """Return the next of 1, 1.2, 1.5, 2, 3, 4, 6, 8 and their tenfolds."""
    size = 10 ** math.floor(math.log10(value))
    return next((s * size for s in (1, 1.2, 1.5, 2, 3, 4, 6, 8) if s * size >= value - 1e-9), 10 * size)
