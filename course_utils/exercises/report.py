"""The verdict on an answer, as plain data: it can be kept, sent to another process and compared."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.wording import written

Status = Literal["correct", "incorrect", "not attempted", "could not run"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A value of the answer beside the right one.

    Attributes
    ----------
    name, axes
        What the value is called, and the name of each of its axes; none for a single number.
    yours, expected
        Both values, of one shape, float64, or text where they are names.
    first_wrong
        The index of the first wrong cell in both.
    """

    name: str
    axes: tuple[str, ...]
    yours: NDArray[np.float64]
    expected: NDArray[np.float64]
    first_wrong: tuple[int, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Comparison):
            return NotImplemented
        return (
            (self.name, self.axes, self.first_wrong) == (other.name, other.axes, other.first_wrong)
            and _same(self.yours, other.yours)
            and _same(self.expected, other.expected)
        )

    __hash__ = None

    def to_json(self) -> dict:
        """Return everything as finite JSON values: what is not a finite number is its text, such as "nan" or "−∞"."""
        return {
            "name": self.name,
            "axes": list(self.axes),
            "yours": _finite(self.yours.tolist()),
            "expected": _finite(self.expected.tolist()),
            "first_wrong": list(self.first_wrong),
        }


@dataclass(frozen=True)
class Report:
    """The verdict on one answer.

    Attributes
    ----------
    exercise, title, function
        The id of what was asked, a few words for it, and the name that the answer has there.
    worth
        The points that a correct answer wins.
    status
        "correct", "incorrect", "not attempted" or "could not run".
    passed, total
        How many cases were right, of how many. None is tried after one that did not end.
    says
        What is wrong, in one or two sentences.
    case
        The name of the first case that failed, or of the one that did not end.
    comparison
        The answer beside the right one on that case, where both can be compared.
    misconception, hint
        The name and the hint of the wrong idea that the answer follows on every case, if it is a known one.
    in_part
        Whether it follows that idea only on the cases where it is wrong.
    printed
        The beginning of what the answer printed on that case.
    call
        The code of a cell that calls the answer on that case.
    """

    exercise: str
    title: str
    function: str
    worth: int
    status: Status
    passed: int
    total: int
    says: str = ""
    case: str | None = None
    comparison: Comparison | None = None
    misconception: str | None = None
    hint: str | None = None
    in_part: bool = False
    printed: str = ""
    call: str = ""

    @property
    def points(self) -> int:
        """All points for a correct answer, none for any other."""
        return self.worth if self.status == "correct" else 0

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        name = f"{self.exercise} {self.title}"
        worth = f"{self.worth} point{'s' if self.worth != 1 else ''}"
        if self.status == "correct":
            return f"✓ {name}: correct, {self.total} of {self.total} cases, {worth}."
        if self.status == "not attempted":
            return f"○ {name}: not attempted yet, {worth} to win."
        return f"✗ {name}: {self.status}, {self.passed} of {self.total} cases right."

    @property
    def sentences(self) -> list[str]:
        """What is wrong, and which wrong idea it looks like; nothing of the comparison's numbers."""
        case = f"Case “{self.case}”. " if self.case is not None else ""
        said = [case + self.says]
        if self.misconception is not None:
            looks = "Where it is wrong, this looks like" if self.in_part else "This looks like"
            said.append(f"{looks}: {self.misconception}. {self.hint}")
        return said

    def to_json(self) -> dict:
        """Return everything as finite JSON values."""
        return {
            "exercise": self.exercise,
            "title": self.title,
            "function": self.function,
            "worth": self.worth,
            "points": self.points,
            "status": self.status,
            "passed": self.passed,
            "total": self.total,
            "headline": self.headline,
            "says": self.says,
            "case": self.case,
            "comparison": self.comparison.to_json() if self.comparison is not None else None,
            "misconception": self.misconception,
            "hint": self.hint,
            "in_part": self.in_part,
            "printed": self.printed,
            "call": self.call,
        }


def _same(a: NDArray, b: NDArray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")


def _finite(values: Any) -> Any:
    if isinstance(values, list):
        return [_finite(value) for value in values]
    return values if isinstance(values, str) or np.isfinite(values) else written(values)
