"""Boxes and the arrows between them, for drawings that are not played."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from course_utils.scenes.scene import Scene, Table
from course_utils.scenes.step import Step
from course_utils.scenes.svg import arrow, cell, document, text


@dataclass(frozen=True)
class Box:
    """A box by its middle and half its size, for arrows to begin and end at."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def left(self) -> tuple[float, float]:
        """The middle of its left side."""
        return self.x - self.wide, self.y

    @property
    def right(self) -> tuple[float, float]:
        """The middle of its right side."""
        return self.x + self.wide, self.y

    @property
    def top(self) -> tuple[float, float]:
        """The middle of its upper side."""
        return self.x, self.y - self.high

    @property
    def bottom(self) -> tuple[float, float]:
        """The middle of its lower side."""
        return self.x, self.y + self.high


class Sketch:
    """Boxes, and arrows between them."""

    def __init__(self):
        self.marks: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, content="", role="", level=0.3, state="done") -> Box:
        """Draw a box by its middle."""
        at = x - width / 2, y - height / 2, width, height
        self.marks.append(cell(f"m{len(self.marks)}", *at, content=content, state=state, role=role, level=level))
        return Box(x, y, width / 2, height / 2)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], role: str = "", state: str = "plain") -> None:
        """Draw an arrow, in the hue of a role if there is one."""
        drawn = arrow(f"m{len(self.marks)}", start, end, state, 7)
        self.marks.append(drawn.replace('class="arrow"', f'class="arrow hued {role}"') if role else drawn)

    def chain(self, boxes: Sequence[Box], role: str = "") -> None:
        """Lead from each box to the next."""
        for one, two in pairwise(boxes):
            self.arrow(one.right, two.left, role)

    def text(self, x: float, y: float, words: str, css: str = "small", anchor: str = "middle") -> None:
        """Write a line."""
        self.marks.append(text(x, y, words, css, anchor))

    def svg(self, title: str, says: str, width: float, height: float) -> str:
        """Return the whole as a drawing that stands alone."""
        drawing = document(width, height, self.marks, title)
        return Scene(title, drawing, (Step(says),), Table(title, (), ())).to_svg()
