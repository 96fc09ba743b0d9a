"""A running sum as a picture: the smallest thing with a state that is handed on (chapter 0)."""

from collections.abc import Sequence

from course_utils.scenes.edits import Number
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, cell, document, pinned, row_name
from course_utils.scenes.wording import number, plural

MOST = 8
LARGEST = 99
LEGEND = Legend(words={"sum": "state", "input": "input"}, letters={"h": "state", "x": "input"})


def running_sum_scene(x: Sequence[float], sums: Sequence[float]) -> Scene:
    """Show how numbers are added up one by one; each of them can be edited.

    Parameters
    ----------
    x, sums
        The numbers, and the sum of the first one, the first two, and so on.

    Raises
    ------
    ValueError
        There are none, more than 8, or not as many sums as numbers.
    """
    if not 1 <= len(x) <= MOST or len(sums) != len(x):
        raise ValueError(f"x has {len(x)} numbers and sums {len(sums)}; give 1 to {MOST} numbers and a sum for each")
    return _RunningSum([float(v) for v in x], [float(v) for v in sums]).scene()


class _RunningSum:
    WIDE, HIGH, LEFT, APART = 64, 40, 84, 104

    def __init__(self, x: list[float], sums: list[float]):
        self.x, self.sums = x, sums
        self.title = f"A running sum of {plural(len(x), 'number')}"

    def scene(self) -> Scene:
        board = Storyboard()
        board.step(
            "The sum begins at 0. One number comes in after the other.", "h_{-1} = 0", keep={"h--1": Mark("done")}
        )
        for t, (x, total) in enumerate(zip(self.x, self.sums, strict=True)):
            before = 0.0 if t == 0 else self.sums[t - 1]
            of_x = f"({number(x)})" if x < 0 else number(x)
            added = f"{number(before)} + {of_x} = {number(total)}"
            end = " That is the sum of all." if t == len(self.x) - 1 else ""
            board.step(
                f"Step {t}: the sum before, and the input of this step: {added}.{end}",
                f"h_{t} = h_{{{t - 1}}} + x_{t} = {added.replace('−', '-')}",
                keep={f"h-{t}": Mark(text=number(total))},
                now={
                    f"h-{t}": ("now", "done"),
                    f"h-{t - 1}": ("won", "done"),
                    f"x-{t}": ("won", "done"),
                    f"on-{t}": ("won", "plain"),
                    f"in-{t}": ("won", "plain"),
                },
                computes=[f"h-{t}"],
            )
        header = ("", *(f"t = {t}" for t in range(len(self.x))))
        rows = (("input", *map(number, self.x)), ("sum", *map(number, self.sums)))
        edits = {f"x-{t}": Number(("x", t), v, "number", -LARGEST, LARGEST, 1, 0.02) for t, v in enumerate(self.x)}
        table = Table(self.title, header, rows)
        return Scene(self.title, self.drawing(), tuple(board.steps), table, edits=edits, legend=LEGEND)

    def drawing(self) -> str:
        top, low = 28, 128
        names = [
            row_name(self.LEFT - self.APART / 2 + 34, top + 25, "sum", "small state", top=top),
            row_name(self.LEFT - self.APART / 2 + 34, low + 25, "input", "small input", top=low),
        ]
        at = {t: self.LEFT + self.APART * (t + 1) for t in range(-1, len(self.x))}
        marks = [
            self.number("h--1", at[-1], top, "0", "state", "the sum before the first step"),
            *(self.number(f"h-{t}", at[t], top, "", "state", f"the sum at step {t}") for t in range(len(self.x))),
            *(self.number(f"x-{t}", at[t], low, number(v), "input", f"input {t}") for t, v in enumerate(self.x)),
        ]
        middle = top + self.HIGH / 2
        for t in range(len(self.x)):
            marks.append(arrow(f"on-{t}", (at[t - 1] + self.WIDE, middle), (at[t] - 2, middle), "plain"))
            x = at[t] + self.WIDE / 2
            marks.append(arrow(f"in-{t}", (x, low), (x, top + self.HIGH + 2), "plain"))
        wide = at[len(self.x) - 1] + self.WIDE + 14
        return document(wide, low + self.HIGH + 16, [*marks, pinned(names, 70, low + self.HIGH + 16)], self.title)

    def number(self, name: str, x: float, y: float, content: str, role: str, label: str) -> str:
        state = "done" if content else "idle"
        size = x, y, self.WIDE, self.HIGH
        return cell(name, *size, content=content, state=state, role=role, level=0.3 if content else 0, label=label)
