"""Random networks of growing gain: the largest Lyapunov exponent, and what some of their units do (section 10.5)."""

import math

from course_utils.lyapunov import GainScan
from course_utils.scenes.plane import Plane
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.svg import document
from course_utils.scenes.wording import number, plural

UNITS_SHOWN = 3
QUIET = 1e-3  # of a state, what is as good as none
LEGEND = Legend({"now": "at this gain", "done": "", "won": ""}, letters={})


def gains_scene(scan: GainScan) -> Scene:
    """Show the largest exponent of each gain, one gain a step, and beside it three units of the network."""
    return _Picture(scan).scene()


class _Picture:
    def __init__(self, scan: GainScan):
        self.scan, self.H = scan, scan.states.shape[2]
        gains, found = scan.gains, scan.exponent
        margin = max(0.1, 0.08 * float(gains.max() - gains.min()))
        floor, top = math.floor(2 * max(float(found.min()), -3)) / 2, max(0.25, float(found.max()) + 0.05)
        self.plane = Plane(56, 40, 300, 230, (float(gains.min()) - margin, floor), (float(gains.max()) + margin, top))
        self.units = Plane(438, 40, 310, 230, (0, -1.1), (scan.states.shape[1] - 1, 1.1))

    def scene(self) -> Scene:
        board = Storyboard()
        for n in range(len(self.scan.gains)):
            board.step(
                self.says(n),
                now={f"exponent-{n}": ("now", "done"), f"units-{n}": ("won", "hidden")},
                computes=[f"exponent-{n}"],
            )
        title = f"Random networks of {plural(self.H, 'unit')}, by gain"
        header = ("gain", *(number(float(g), 3) for g in self.scan.gains))
        rows = (("largest exponent, nats a step", *(self.written(n) for n in range(len(self.scan.gains)))),)
        return Scene(title, self.drawing(title), tuple(board.steps), Table(title, header, rows), legend=LEGEND)

    def written(self, n: int) -> str:
        return f"{round(float(self.scan.exponent[n]), 3) + 0.0:.3f}".replace("-", "−")

    def says(self, n: int) -> str:
        exponent, states = float(self.scan.exponent[n]), self.scan.states[n]
        moving = abs(states - states[-1]).max() > QUIET
        if not moving:
            what = "the units rest" if abs(states[-1]).max() > QUIET else "the network has fallen silent"
        else:
            what = "the units are still moving"
        gain, factor = number(float(self.scan.gains[n]), 3), number(math.exp(exponent), 3)
        return (
            f"Gain {gain}: after {self.scan.steps} steps {what}. The largest exponent is {self.written(n)}: "
            f"a small difference is multiplied by {factor} a step, on average."
        )

    def drawing(self, title: str) -> str:
        marks = self.plane.frame("largest exponent, nats a step", "gain g")
        x0, y0 = self.plane.at(self.plane.low[0], 0)
        marks.append(
            f'<path class="guide" fill="none" style="stroke-width: 2" d="M{x0:.1f} {y0:.1f}h{self.plane.width}"/>'
        )
        marks += self.units.frame(
            f"{min(UNITS_SHOWN, self.H)} of the {plural(self.H, 'unit')}", "last steps of the run"
        )
        for n, (gain, exponent) in enumerate(zip(self.scan.gains, self.scan.exponent, strict=True)):
            label = f"exponent at gain {number(float(gain), 3)}"
            marks.append(self.plane.dot(f"exponent-{n}", float(gain), float(exponent), label, css="dot gradient"))
            curves = "".join(
                self.units.curve(enumerate(self.scan.states[n, :, k].tolist()), "curve", "", "")
                for k in range(min(UNITS_SHOWN, self.H))
            )
            marks.append(f'<g class="state" data-mark="units-{n}" data-state="hidden">{curves}</g>')
        return document(self.units.left + self.units.width + 12, 322, marks, title)
