"""What every picture of the course is: a drawing with named marks, steps that change them, a table of numbers.

A scene is made once, in Python, from the result of an algorithm. It holds all geometry and all text, so that whoever
plays it needs to know neither algorithms nor geometry, only two things: how to set the state, the text
and the level of a mark, and that steps are patches applied in order.

Nothing here imports an algorithm or a widget.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from importlib.resources import files
from xml.etree import ElementTree

from course_utils.scenes.edits import Edit
from course_utils.scenes.step import Mark, Step
from course_utils.scenes.svg import SVG, font_size
from course_utils.scenes.walk import Walk
from course_utils.scenes.wording import mathml

# What a state of a mark means where a scene has no words of its own; also the order in which a legend tells them.
STATES = {
    "idle": "not computed yet",
    "now": "being computed",
    "won": "taken",
    "lost": "not taken",
    "path": "on the path",
    "off": "out of reach",
}
# What a number is to the network: each role has a hue of its own, the same in all pictures, sentences and formulas.
ROLES = ("input", "state", "weight", "output", "gradient", "posterior", "gate")
_STATE, _CLASS = re.compile(r'data-state="(\w+)"'), re.compile(r'class="([\w ]+)"')


@dataclass(frozen=True)
class Hint:
    """What hovering over or focusing a mark shows: how its number came about."""

    says: str
    formula: str = ""


@dataclass(frozen=True)
class Table:
    """The numbers of a scene as text, for readers and viewers that show no drawing."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_html(self) -> str:
        """Return a plain table element: neither style nor script, so that every viewer keeps it."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.header)
        body = "".join(
            f"<tr><th>{escape(first)}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
            for first, *rest in self.rows
        )
        return (
            f"<table><caption>{escape(self.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


@dataclass(frozen=True)
class Legend:
    """What the looks of a picture mean.

    Attributes
    ----------
    states
        Words for states, where this picture means something else by them than :data:`STATES` says; none for one that
        needs no words here.
    shade
        What a darker cell means.
    words
        The role of words in the sentences, such as "state" for "h"; a word may have an index, as W_hh has.
    letters
        The role of letters in the formulas.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    shade: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """A drawing, its steps and its numbers.

    Attributes
    ----------
    title
        Names the picture, for a reader who cannot see it as well.
    svg
        The drawing before the first step. Marks are elements with a ``data-mark`` attribute and, for those who
        cannot see them, an ``aria-label``.
    steps
        At least one.
    table
        The numbers at the end.
    hints
        For marks whose derivation is not simply the sentence of the step that computes them.
    edits
        For marks that the reader may change: what is there, and what it may become.
    legend
        What its looks mean.
    walk
        Where the reader draws the steps: all that may be drawn. ``steps`` is then the beginning alone.

    Raises
    ------
    ValueError
        There is no step, two marks share a name, or a step, a hint, an edit or a walk names a mark that is not drawn.
    """

    title: str
    svg: str
    steps: tuple[Step, ...]
    table: Table
    hints: Mapping[str, Hint] = field(default_factory=dict)
    edits: Mapping[str, Edit] = field(default_factory=dict)
    legend: Legend = field(default_factory=Legend)
    walk: Walk | None = None

    def __post_init__(self):
        if not self.steps:
            raise ValueError("steps is empty; a scene has at least one step")
        names = [e.get("data-mark") for e in ElementTree.fromstring(self.svg).iter() if e.get("data-mark") is not None]
        drawn = set(names)
        if len(drawn) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"svg draws the mark {twice!r} twice; every mark has a name of its own")
        for n, step in enumerate(self._all_steps()):
            missing = (set(step.patch) | set(step.computes)) - drawn
            if missing:
                raise ValueError(f"step {n} names the marks {sorted(missing)}, which svg does not draw")
        walked = self.walk.marks if self.walk else ()
        for what, named in (("hints", self.hints), ("edits", self.edits), ("walk", walked)):
            if set(named) - drawn:
                raise ValueError(f"{what} name the marks {sorted(set(named) - drawn)}, which svg does not draw")

    @property
    def last_step(self) -> int:
        """The last step, or that of the longest walk."""
        return self.walk.depth if self.walk else len(self.steps) - 1

    def marks_at(self, step: int) -> dict[str, Mark]:
        """Return every mark that the steps 0 … ``step`` have changed, as it then is."""
        self._check_step(step)
        marks: dict[str, Mark] = {}
        for done in self.steps[: step + 1]:
            for name, new in done.patch.items():
                marks[name] = marks.get(name, Mark()).then(new)
        return marks

    def to_svg(self, step: int = -1) -> str:
        """Return a self-contained drawing as it stands after ``step``; −1 is the last.

        Raises
        ------
        IndexError
            There is no such step.
        """
        step = len(self.steps) - 1 if step == -1 else step
        ElementTree.register_namespace("", SVG)
        root = ElementTree.fromstring(self.svg)
        drawn = {element.get("data-mark"): element for element in root.iter() if element.get("data-mark")}
        for name, mark in self.marks_at(step).items():
            _apply(drawn[name], mark)
        title = ElementTree.Element(f"{{{SVG}}}title")
        title.text = f"{self.title}. {self.steps[step].says}"
        style = ElementTree.Element(f"{{{SVG}}}style")
        style.text = files("course_utils.scenes").joinpath("scene.css").read_text("utf-8")
        root.insert(0, style)
        root.insert(0, title)
        return ElementTree.tostring(root, encoding="unicode")

    def to_json(self) -> dict:
        """Return everything a player needs, as finite JSON values."""
        return self._json

    @cached_property
    def _json(self) -> dict:
        scene = {
            "title": self.title,
            "svg": self.svg,
            "steps": [step.to_json() for step in self.steps],
            "edits": {name: edit.to_json() for name, edit in self.edits.items()},
            "table": self.table.to_html(),
            "hints": {name: {"says": hint.says, "formula": mathml(hint.formula)} for name, hint in self.hints.items()},
            "legend": self._legend(),
        }
        if self.walk:
            scene["walk"] = self.walk.to_json()
        json.dumps(scene, allow_nan=False)  # raises here, where the culprit is near, and not in a browser
        return scene

    def _legend(self) -> dict:
        """Return the words for what occurs in this picture."""
        states = set(_STATE.findall(self.svg))
        states |= {mark.state for step in self._all_steps() for mark in step.patch.values()}
        roles = {name for names in set(_CLASS.findall(self.svg)) for name in names.split()}
        return {
            "states": {name: self.legend.states.get(name, words) for name, words in STATES.items() if name in states},
            "roles": [role for role in ROLES if role in roles],
            "shade": self.legend.shade,
            "words": dict(self.legend.words),
            "letters": dict(self.legend.letters),
        }

    def _all_steps(self) -> tuple[Step, ...]:
        return tuple(node.step for node in self.walk.nodes) if self.walk else self.steps

    def walked(self, *marks: str) -> "Scene":
        """Return the scene of one walk, whose steps are those along it.

        Raises
        ------
        ValueError
            One of the marks cannot be chosen where it is chosen.
        """
        return replace(self, steps=self.walk.along(*marks), walk=None)

    def _check_step(self, step: int) -> None:
        if not 0 <= step < len(self.steps):
            raise IndexError(f"step is {step}; this scene has the steps 0 to {len(self.steps) - 1}")


class Storyboard:
    """Collects steps whose highlights last for one step only.

    What a step gives as ``now`` is undone by the next one, back to the state given with ``then``.
    """

    def __init__(self):
        self.steps: list[Step] = []
        self._undo: dict[str, Mark] = {}

    def step(
        self,
        says: str,
        formula: str = "",
        *,
        keep: Mapping[str, Mark] | None = None,
        now: Mapping[str, tuple[str, str]] | None = None,
        computes: Iterable[str] = (),
    ) -> None:
        """Add a step.

        Parameters
        ----------
        says, formula
            The sentence, and the formula in LaTeX.
        keep
            Lasting changes.
        now
            For each mark the state during this step and the state from the next step on.
        computes
            Marks whose numbers come into being.
        """
        patch, self._undo = dict(self._undo), {}
        for name, mark in (keep or {}).items():
            patch[name] = patch.get(name, Mark()).then(mark)
        for name, (state, then) in (now or {}).items():
            patch[name] = patch.get(name, Mark()).then(Mark(state))
            self._undo[name] = Mark(then)
        self.steps.append(Step(says, formula, patch, tuple(computes)))


def _apply(element: ElementTree.Element, mark: Mark) -> None:
    if mark.state is not None:
        element.set("data-state", mark.state)
    for part in element.iter():
        classes = (part.get("class") or "").split()
        if mark.text is not None and "slot" in classes:
            part.text = mark.text
            _fit(part, element)
        if mark.level is not None and "tint" in classes:
            part.set("fill-opacity", f"{mark.level:.3f}")


def _fit(slot: ElementTree.Element, element: ElementTree.Element) -> None:
    """Write a long number smaller, where it stands in the middle of a box."""
    box = next((part for part in element if part.get("class") == "box" and part.get("width")), None)
    if box is not None and slot.get("text-anchor") == "middle":
        size = font_size(slot.text or "", float(box.get("width")))
        slot.attrib.pop("style", None)
        if size:
            slot.set("style", f"font-size: {size:g}px")
