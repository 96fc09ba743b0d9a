"""Losses that go back through a chain of states and are cut off on the way, one loss a step (section 4.7)."""

from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, cell, document, pinned, row_name, text
from course_utils.scenes.wording import plural
from course_utils.truncation import Reach

MOST = 10
LEGEND = Legend({"won": "a loss on its way back", "now": "the loss that goes back now", "idle": "", "off": "cut"})


def truncation_scene(found: Reach) -> Scene:
    """Show how far each loss goes back, and how many losses each state has heard in the end.

    Parameters
    ----------
    found
        Of at most 10 steps.

    Raises
    ------
    ValueError
        It is too long to draw.
    """
    if len(found.arrives) > MOST:
        raise ValueError(f"there are {len(found.arrives)} steps; the picture takes at most {MOST}")
    return _Truncation(found).scene()


class _Truncation:
    LEFT, APART, WIDE, HIGH = 96, 62, 40, 30
    LOSSES, STATES, HEARD, GRID = 30, 92, 152, 206
    ROW = 17

    def __init__(self, found: Reach):
        self.found, self.T = found, len(found.arrives)
        how = {
            "full": "the full gradient",
            "loss by loss": f"each loss back through at most {plural(found.size, 'Jacobian')}",
            "in chunks": f"in chunks of {plural(found.size, 'step')}",
        }
        self.how = how[found.way]
        self.title = f"{self.T} losses go back: {self.how}"

    def scene(self) -> Scene:
        board = Storyboard()
        board.step(f"{self.T} steps with a loss each: {self.how}. No loss has gone back yet.")
        for s in range(self.T):
            self.send(board, s)
        self.end(board)
        header = ("loss of step", *(f"state {t}" for t in range(self.T)))
        rows = [(f"{s}", *("yes" if on else "" for on in row)) for s, row in enumerate(self.found.arrives)]
        rows.append(("losses heard", *map(str, self.found.heard)))
        return Scene(
            self.title, self.drawing(), tuple(board.steps), Table(self.title, header, tuple(rows)), legend=LEGEND
        )

    def send(self, board: Storyboard, s: int) -> None:
        row = self.found.arrives[s]
        first = int(row.argmax())
        way = [f"back-{t}" for t in range(first, s)]
        reached = [f"h-{t}" for t in range(first, s + 1)]
        told = {f"n-{t}": str(int(self.found.arrives[: s + 1, t].sum())) for t in range(first, s + 1)}
        now = {name: ("won", "hidden") for name in way} | {name: ("won", "done") for name in reached}
        now |= {f"loss-{s}": ("now", "done")} | {name: ("won", "done") for name in told}
        now |= {f"at-{s}-{t}": ("now", "done") for t in range(first, s + 1)}
        keep = {name: Mark(text=number) for name, number in told.items()}
        keep |= {f"at-{s}-{t}": Mark(level=0.75) for t in range(first, s + 1)}
        board.step(self.says(s, first), keep=keep, now=now, computes=list(told))

    def says(self, s: int, first: int) -> str:
        if first == s:
            gone = f"The loss of step {s} arrives at its own state and goes no further"
        else:
            gone = f"The loss of step {s} goes back through {plural(s - first, 'Jacobian')}, to state {first}"
        if first == 0:
            return "The loss of step 0 arrives at its own state, the first." if s == 0 else f"{gone}, the first."
        why = {"loss by loss": f"k = {self.found.size} allows no more", "in chunks": "there the chunk begins"}
        return f"{gone}: {why[self.found.way]}."

    def end(self, board: Storyboard) -> None:
        heard = " ".join(map(str, self.found.heard))
        together = "each loss on its own" if self.found.way == "loss by loss" else "all losses together"
        products = plural(self.found.products, "product") + " with a Jacobian"
        board.step(f"From t = 0 on the states have heard {heard} losses. It took {products}, {together}.")

    def x(self, t: int) -> float:
        return self.LEFT + self.APART * t

    def drawing(self) -> str:
        middle = self.STATES + self.HIGH / 2
        marks = []
        for t in range(self.T):
            at = self.x(t) + self.WIDE / 2
            box = self.x(t), self.WIDE, self.HIGH
            marks.append(text(at, 18, f"t = {t}", "soft"))
            marks.append(self.box(f"loss-{t}", self.LOSSES, t, "ℓ", "output", f"loss of step {t}"))
            marks.append(self.box(f"h-{t}", self.STATES, t, "h", "state", f"state {t}"))
            marks.append(arrow(f"up-{t}", (at, self.STATES), (at, self.LOSSES + self.HIGH + 2), "plain", 6))
            marks.append(
                cell(f"n-{t}", box[0], self.HEARD, *box[1:], role="gradient", label=f"losses that state {t} has heard")
            )
            if t:
                left, right = self.x(t - 1) + self.WIDE, self.x(t)
                marks.append(arrow(f"on-{t}", (left, middle - 7), (right - 1, middle - 7), "plain", 6))
                marks.append(arrow(f"back-{t - 1}", (right, middle + 7), (left + 1, middle + 7), "hidden", 6))
        for t in self.found.cuts:
            x = self.x(t) - (self.APART - self.WIDE) / 2
            marks.append(f'<path class="guide" d="M{x:g} 24V{self.HEARD + self.HIGH}"/>')
        for s in range(self.T):
            y = self.GRID + self.ROW * s
            for t in range(s + 1):
                place = self.x(t) + 8, y, self.WIDE - 16, self.ROW - 4
                marks.append(
                    cell(f"at-{s}-{t}", *place, css="cell fine", role="gradient", label=f"loss {s} at state {t}")
                )
        bottom = self.GRID + self.ROW * self.T + 8
        names = [
            row_name(self.LEFT - 12, top + 20, words, css, top=top)
            for top, words, css in (
                (self.LOSSES, "losses", "small output"),
                (self.STATES, "states", "small state"),
                (self.HEARD, "heard", "small gradient"),
            )
        ]
        names += [
            row_name(self.LEFT - 12, self.GRID + self.ROW * s + 11, f"loss {s}", "soft", top=self.GRID + self.ROW * s)
            for s in range(self.T)
        ]
        wide = self.x(self.T - 1) + self.WIDE + 16
        return document(wide, bottom, [*marks, pinned(names, self.LEFT - 6, bottom)], self.title)

    def box(self, name: str, y: float, t: int, content: str, role: str, label: str) -> str:
        size = self.x(t), y, self.WIDE, self.HIGH
        return cell(name, *size, content=content, state="done", role=role, level=0.25, label=label)
