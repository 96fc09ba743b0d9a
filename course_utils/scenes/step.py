"""One press of the key: what is said, and what changes in the drawing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from course_utils.scenes.wording import mathml


@dataclass(frozen=True)
class Mark:
    """What a patch sets on one mark of the drawing; None leaves it as it is.

    Attributes
    ----------
    state
        One of the states that ``scene.css`` draws, such as "now", "done" or "path".
    text
        The text of the mark's element of class ``slot``.
    level
        From 0 to 1, how full the mark's element of class ``tint`` is.
    """

    state: str | None = None
    text: str | None = None
    level: float | None = None

    def then(self, later: "Mark") -> "Mark":
        """Return the mark after both: where ``later`` is silent, this one holds."""
        return Mark(
            self.state if later.state is None else later.state,
            self.text if later.text is None else later.text,
            self.level if later.level is None else later.level,
        )

    def to_json(self) -> list:
        """Return ``[state, text, level]`` without the trailing Nones."""
        values = [self.state, self.text, None if self.level is None else round(float(self.level), 3)]
        while values and values[-1] is None:
            values.pop()
        return values


@dataclass(frozen=True)
class Step:
    """One press of the key: a sentence, its formula in LaTeX with the numbers put in, and what changes.

    ``computes`` names the marks whose numbers come into being here: a click on one of them jumps to this step.
    """

    says: str
    formula: str = ""
    patch: Mapping[str, Mark] = field(default_factory=dict)
    computes: tuple[str, ...] = ()

    def to_json(self) -> dict:
        """Return what a player needs."""
        return {
            "says": self.says,
            "formula": mathml(self.formula),
            "patch": {name: mark.to_json() for name, mark in self.patch.items()},
            "computes": list(self.computes),
        }
