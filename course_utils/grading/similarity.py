"""Which answers are alike. A report for a teacher to look into, and never a verdict: short answers are alike by nature."""

import ast
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course_utils.grading.shapes import alike, shape_of

PACKAGE = Path(__file__).resolve().parents[1]
FROM = 0.8  # alike from this share on
SHORTEST = 25  # runs of an answer that is long enough to compare
COMMON = 0.25  # a run that so large a share of all answers has tells nothing
LIBRARY = "the course's package"


@dataclass(frozen=True)
class Pair:
    """Answers to one exercise that are alike, by this share; the other may be several, or a function of the package."""

    exercise: str
    student: str
    other: str
    share: float


def pairs(exercise: str, shapes: Mapping[str, Sequence[int]]) -> list[Pair]:
    """Find answers that are alike, the most alike first.

    Those of one shape come together; among the others, what many have in common does not count.

    Parameters
    ----------
    shapes
        By student, as :func:`course_utils.grading.shapes.shape_of` makes them.
    """
    same: dict[frozenset[int], list[str]] = defaultdict(list)
    for student, shape in shapes.items():
        if len(shape) >= SHORTEST:
            same[frozenset(shape)].append(student)
    found = [Pair(exercise, one, ", ".join(others), 1.0) for one, *others in same.values() if others]
    first = {students[0]: shape for shape, students in same.items()}
    for (one, other), count in _shared(first).items():
        if count >= SHORTEST // 3:
            share = alike(first[one], first[other])
            if share >= FROM:
                found.append(Pair(exercise, one, other, round(share, 3)))
    for shape, students in same.items():
        name, share = _nearest_in_package(shape)
        if share >= FROM:
            found += [Pair(exercise, student, f"{LIBRARY}: {name}", round(share, 3)) for student in students]
    return sorted(found, key=lambda pair: (-pair.share, pair.student, pair.other))


def _shared(shapes: Mapping[str, frozenset[int]]) -> Counter[tuple[str, str]]:
    """Count the runs that two have in common and few others have, by what has each run and not by all pairs."""
    holders: dict[int, list[str]] = defaultdict(list)
    for student, shape in shapes.items():
        for run in shape:
            holders[run].append(student)
    shared: Counter[tuple[str, str]] = Counter()
    for students in holders.values():
        if len(students) <= max(3, COMMON * len(shapes)):
            shared.update((one, other) for n, one in enumerate(students) for other in students[n + 1 :])
    return shared


@cache
def _nearest_in_package(shape: frozenset[int]) -> tuple[str, float]:
    """Find the function of which the most is in an answer, whatever else is in it."""
    return max(
        ((name, len(shape & other) / len(other)) for name, other in _package().items()), key=lambda each: each[1]
    )


@cache
def _package() -> dict[str, frozenset[int]]:
    """Take the shapes of the package's functions; not of the modules that hold exercises or grade."""
    found = {}
    for path in sorted(PACKAGE.glob("*.py")) + sorted((PACKAGE / "compiled").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found[f"{path.stem}.{node.name}"] = frozenset(shape_of(ast.unparse(node)))
    return {name: shape for name, shape in found.items() if len(shape) >= SHORTEST}
