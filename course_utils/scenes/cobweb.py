"""One unit that feeds itself, as a cobweb between its curve and the diagonal (section 10.3)."""

import numpy as np

from course_utils.scalar_unit import FixedPoint, Orbit
from course_utils.scenes.edits import Number
from course_utils.scenes.plane import Plane
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import cell, document, text
from course_utils.scenes.wording import latex_number, number, plural

REACH = 1.25
MOST_STEPS = 40
SETTLED = 1e-6  # what the last step still changes where a state has come to rest
ROLES = {"w": "weight", "b": "weight", "h": "state"}
LEGEND = Legend(
    {
        "now": "this step",
        "done": "",
        "won": "stable fixed point",
        "lost": "unstable fixed point",
        "off": "slope 1 or −1",
    },
    words={"w": "weight", "b": "weight", "h": "state"},
    letters={"w": "weight", "b": "weight", "h": "state"},
)


def cobweb_scene(orbit: Orbit) -> Scene:
    """Draw each step as two lines: up or down to the curve tanh(w h + b), then across to the diagonal.

    Parameters
    ----------
    orbit
        Of 1 to 40 steps. Weight, bias and first state can be edited. Where it could stay is shown at the end.

    Raises
    ------
    ValueError
        There are too many steps to draw, or none.
    """
    if not 1 <= len(orbit.states) - 1 <= MOST_STEPS:
        raise ValueError(f"there are {len(orbit.states) - 1} steps; the picture takes from 1 to {MOST_STEPS}")
    return _Picture(orbit).scene()


class _Picture:
    def __init__(self, orbit: Orbit):
        self.orbit, self.states, self.T = orbit, orbit.states, len(orbit.states) - 1
        self.web = Plane(48, 34, 330, 330, (-REACH, -REACH), (REACH, REACH))
        self.over_time = Plane(444, 164, 300, 200, (0, -REACH), (self.T, REACH))

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(self.T + 1):
            now = {f"{name}-{t}": ("now", "done") for name in ("state", "time")}
            keep = {f"up-{t}": Mark("done"), f"across-{t}": Mark("done")} if t else {}
            if t == self.T:
                keep |= {f"fixed-{n}": Mark(_state(p)) for n, p in enumerate(self.orbit.fixed_points)}
            board.step(self.says(t), self.formula(t), keep=keep, now=now, computes=[f"time-{t}"])
        w, b, h = self.orbit.w, self.orbit.b, float(self.states[0])
        title = f"h ← tanh({number(w, 4)} h{_signed(b)}), from {number(h, 4)}"
        numbers = {"w": (w, -6, 6, "weight"), "b": (b, -4, 4, "bias"), "h": (h, -REACH, REACH, "first state")}
        edits = {
            name: Number((name,), value, what, low, high, 0.01) for name, (value, low, high, what) in numbers.items()
        }
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), edits=edits, legend=LEGEND)

    # -- what is said

    def says(self, t: int) -> str:
        h = number(float(self.states[t]), 4)
        if t == 0:
            return f"Begin at h = {h}, on the diagonal."
        up = "up" if self.states[t] > self.states[t - 1] else "down"
        says = f"Step {t}: from {number(float(self.states[t - 1]), 4)} {up} to the curve, at {h}, and across to the diagonal."
        if self.states[t] == self.states[t - 1]:
            says = f"Step {t}: the state stays at {h}."
        return f"{says} {self.verdict()}" if t == self.T else says

    def verdict(self) -> str:
        """Say where the unit could stay, and where it has come to."""
        points = self.orbit.fixed_points
        listed = ", ".join(f"{number(p.h, 4)} with slope {number(p.slope, 4)}{_kind(p)}" for p in points)
        says = f"{plural(len(points), 'fixed point')}: {listed}."
        last, before = float(self.states[-1]), float(self.states[-2])
        if abs(last - before) < SETTLED:
            return f"{says} The state has come to {number(last, 4)}."
        if self.T > 1 and abs(last - self.states[-3]) < SETTLED:
            return f"{says} The state goes back and forth between {number(before, 4)} and {number(last, 4)}."
        return f"{says} The state is at {number(last, 4)}, still on its way."

    def formula(self, t: int) -> str:
        if not t:
            return ""
        w, h, to = (latex_number(number(float(v), 4)) for v in (self.orbit.w, self.states[t - 1], self.states[t]))
        h = f"({h})" if h.startswith("-") else h
        b = latex_number(_signed(self.orbit.b))
        return rf"h_{{{t}}} = \tanh({w} \times {h}{b}) = {to}"

    # -- what is drawn

    def drawing(self, title: str) -> str:
        marks = self.web.frame("next state", "state h") + self.over_time.frame("h, step by step", "step")
        marks.append(self.web.curve([(-REACH, -REACH), (REACH, REACH)], "guide"))
        h = np.linspace(-REACH, REACH, 101)
        curve = list(zip(h.tolist(), np.tanh(self.orbit.w * h + self.orbit.b).tolist(), strict=True))
        marks.append(f'<g class="weight">{self.web.curve(curve, "curve")}</g>')
        x, y = self.web.at(-0.85, -1.18)
        marks.append(text(x, y, "diagonal", "soft", "start"))
        x0, y0 = self.over_time.at(0, 0)
        marks.append(f'<path class="axis" fill="none" d="M{x0:.1f} {y0:.1f}h{self.over_time.width}"/>')
        marks += self.numbers() + self.fixed_points()
        for t in range(self.T + 1):
            marks += self.marks_of(t)
        return document(self.over_time.left + self.over_time.width + 12, 416, marks, title)

    def numbers(self) -> list[str]:
        """Draw the three numbers that can be changed."""
        drawn, values = [], {"w": self.orbit.w, "b": self.orbit.b, "h": float(self.states[0])}
        for n, (name, words) in enumerate({"w": "weight w", "b": "bias b", "h": "first state"}.items()):
            x = self.over_time.left + 104 * n
            drawn.append(text(x, 54, words, "small", "start"))
            content = number(values[name], 4)
            drawn.append(
                cell(name, x, 64, 92, 34, content=content, state="done", role=ROLES[name], level=0.12, label=words)
            )
        return drawn

    def fixed_points(self) -> list[str]:
        drawn = []
        for n, point in enumerate(self.orbit.fixed_points):
            x, y = self.web.at(point.h, point.h)
            label = f"fixed point {number(point.h, 4)}{_kind(point)}"
            inner = "" if point.stable else f'<circle class="paper" r="{3.5 if abs(point.slope) > 1 else 5.5}"/>'
            shape = f'<g transform="translate({x:.1f} {y:.1f})"><circle class="ink" r="7"/>{inner}</g>'
            drawn.append(f'<g data-mark="fixed-{n}" data-state="hidden" aria-label="{label}">{shape}</g>')
        return drawn

    def marks_of(self, t: int) -> list[str]:
        """Draw what appears at step t."""
        h, drawn = float(self.states[t]), []
        if t:
            before = float(self.states[t - 1])
            drawn.append(self.web.curve([(before, before), (before, h)], "curve state", f"up-{t}", "hidden"))
            drawn.append(self.web.curve([(before, h), (h, h)], "curve state", f"across-{t}", "hidden"))
        drawn.append(self.web.dot(f"state-{t}", h, h, f"state after {plural(t, 'step')}", css="dot state"))
        drawn.append(self.over_time.dot(f"time-{t}", t, h, f"h at step {t}", css="dot state"))
        return drawn

    def table(self, title: str) -> Table:
        chosen = [t for t in (0, 1, 2, 3, 5, 10, 20, 40) if t <= self.T]
        return Table(title, ("step", *map(str, chosen)), (("h", *(number(float(self.states[t]), 4) for t in chosen)),))


def _kind(point: FixedPoint) -> str:
    return ", stable" if point.stable else ", unstable" if abs(point.slope) > 1 else ", which does not say"


def _state(point: FixedPoint) -> str:
    return "won" if point.stable else "lost" if abs(point.slope) > 1 else "off"


def _signed(b: float) -> str:
    return "" if b == 0 else f" − {number(-b, 4)}" if b < 0 else f" + {number(b, 4)}"
