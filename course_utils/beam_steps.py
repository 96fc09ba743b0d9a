"""The beam searches of section 9.8 as in a textbook, with everything written down: for looking at, not for speed.

Plain probabilities and dictionaries, a few frames, a few symbols. :mod:`course_utils.decoding` has the searches to use.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from course_utils.alignment import log_probabilities
from course_utils.ctc import check_blank, collapse
from course_utils.decoding import check_count

Keeps = Literal["alignments", "prefixes", "one score"]
START = ()


@dataclass(frozen=True)
class Way:
    """One term of a candidate's score: ``probability`` of the frame's symbol times ``mass`` of where it came from.

    ``kind`` is "blank", "repeat" or "extend"; ``source`` the labels that it came from; ``after_blank`` whether only
    the mass of ``source`` that ends in a blank may come this way.
    """

    kind: str
    source: tuple[int, ...]
    probability: float
    mass: float
    after_blank: bool = False

    @property
    def value(self) -> float:
        """Probability times mass."""
        return self.probability * self.mass


@dataclass(frozen=True)
class Candidate:
    """What one frame made of the survivors of the frame before.

    ``labels`` is a prefix, or a whole alignment where alignments are kept; ``in_blank`` and ``in_symbol`` are the
    probabilities of the alignments found for it that end in a blank and in a symbol.
    """

    labels: tuple[int, ...]
    in_blank: float
    in_symbol: float
    ways: tuple[Way, ...]
    kept: bool

    @property
    def total(self) -> float:
        """Both scores together, by which candidates are ranked."""
        return self.in_blank + self.in_symbol


@dataclass(frozen=True)
class Search:
    """The candidates of every frame, best first, and what is found in the end.

    ``found`` pairs each string with its score, best first.
    """

    frames: tuple[tuple[Candidate, ...], ...]
    found: tuple[tuple[tuple[int, ...], float], ...]


def search(y: ArrayLike, blank: int = 0, width: int = 2, keeps: Keeps = "prefixes") -> Search:
    """Run a beam search and keep a record of it.

    Parameters
    ----------
    y
        (T, A) probabilities.
    blank
        Column of the blank.
    width
        How many candidates survive a frame; of equal ones those whose labels come first.
    keeps
        "prefixes" is prefix beam search; "one score" does the same with the two scores of a prefix
        thrown together, which is wrong; "alignments" keeps alignments, and adds up those of one string at the end.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    y = np.exp(log_probabilities(y))
    check_blank(blank, y.shape[1])
    check_count(width, "width")
    if keeps not in ("alignments", "prefixes", "one score"):
        raise ValueError(f"keeps is {keeps!r}; choose 'alignments', 'prefixes' or 'one score'")
    grow = {"alignments": _alignments, "prefixes": _prefixes, "one score": _one_score}[keeps]
    alive, frames = [Candidate(START, 1.0, 0.0, (), True)], []
    for frame in y.tolist():
        ranked = sorted(_collect(grow(alive, frame, blank)), key=lambda c: (-c.total, c.labels))
        alive = [replace(c, kept=True) for c in ranked[:width] if c.total > 0]
        frames.append((*alive, *ranked[len(alive) :]))
    found: dict[tuple, float] = defaultdict(float)
    for c in alive:
        found[collapse(c.labels, blank) if keeps == "alignments" else c.labels] += c.total
    return Search(tuple(frames), tuple(sorted(found.items(), key=lambda item: (-item[1], item[0]))))


def _prefixes(alive, frame, blank):
    """Yield what each prefix gives to which: labels, and a way."""
    for c in alive:
        yield c.labels, Way("blank", c.labels, frame[blank], c.total)
        for k, p in enumerate(frame):
            if k == blank:
                continue
            repeats = bool(c.labels) and k == c.labels[-1]
            if repeats:
                yield c.labels, Way("repeat", c.labels, p, c.in_symbol)
            yield (*c.labels, k), Way("extend", c.labels, p, c.in_blank if repeats else c.total, repeats)


def _one_score(alive, frame, blank):
    for c in alive:
        yield c.labels, Way("blank", c.labels, frame[blank], c.total)
        for k, p in enumerate(frame):
            if k != blank:
                repeats = bool(c.labels) and k == c.labels[-1]
                labels = c.labels if repeats else (*c.labels, k)
                yield labels, Way("repeat" if repeats else "extend", c.labels, p, c.total)


def _alignments(alive, frame, blank):
    for c in alive:
        for k, p in enumerate(frame):
            yield (*c.labels, k), Way("blank" if k == blank else "extend", c.labels, p, c.total)


def _collect(given) -> list[Candidate]:
    """Merge what is given to the same labels."""
    ways: dict[tuple, list[Way]] = defaultdict(list)
    for labels, way in given:
        if way.mass > 0:
            ways[labels].append(way)
    return [
        Candidate(
            labels,
            sum(way.value for way in mine if way.kind == "blank"),
            sum(way.value for way in mine if way.kind != "blank"),
            tuple(mine),
            False,
        )
        for labels, mine in ways.items()
    ]
