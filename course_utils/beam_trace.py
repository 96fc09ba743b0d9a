"""The searches of section 9.8 as in a textbook, with everything written down: for looking at, not for speed.

Plain probabilities and dictionaries, a few frames, a few symbols. :mod:`course_utils.decoding` has the searches to use.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.collapsing import Collapse, collapse_in_stages
from course_utils.ctc import collapse, forward_backward_unchecked
from course_utils.decoding import Hypothesis, best_string_unchecked, check_count
from course_utils.posteriors import check_blank, log_probabilities

Keeps = Literal["alignments", "prefixes", "one score"]
START = ()
MOST_STRINGS = 2000  # as many as can be tried one by one while a reader waits


@dataclass(frozen=True, eq=False)
class GreedyTrace:
    """Greedy decoding, frame by frame.

    Attributes
    ----------
    y
        (T, A) probabilities.
    blank
        Column of the blank.
    best
        For each frame the columns of the highest probability: the first one is taken.
    products
        (T,) probability of the most probable alignment up to and with each frame.
    collapse
        How that alignment becomes a string of column indices.
    probability
        That of the string: the sum over all its alignments.
    most_probable
        The most probable of all strings, or None where there are too many to try.
    """

    y: NDArray[np.float64]
    blank: int
    best: tuple[tuple[int, ...], ...]
    products: tuple[float, ...]
    collapse: Collapse
    probability: float
    most_probable: Hypothesis | None


def trace_greedy(y: ArrayLike, blank: int = 0) -> GreedyTrace:
    """Take the most probable symbol of each frame, of several the first, collapse them, and look how good that is.

    Parameters
    ----------
    y
        (T, A) probabilities.
    blank
        Column of the blank.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    log_y = log_probabilities(y)
    check_blank(blank, log_y.shape[1])
    y = np.exp(log_y)
    best = tuple(tuple(np.flatnonzero(frame == frame.max()).tolist()) for frame in y)
    collapsed = collapse_in_stages([columns[0] for columns in best], blank)
    (p,) = _probabilities(log_y, [collapsed.string], blank)
    return GreedyTrace(
        y, blank, best, tuple(np.cumprod(y.max(axis=1)).tolist()), collapsed, p, _most_probable(log_y, blank)
    )


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

    ``labels`` is a prefix, or a whole alignment where alignments are kept, and ``string`` what that spells; ``p_blank``
    and ``p_non_blank`` are the probabilities of the alignments found for it that end in a blank and in a symbol.
    """

    labels: tuple[int, ...]
    string: tuple[int, ...]
    p_blank: float
    p_non_blank: float
    ways: tuple[Way, ...]
    kept: bool

    @property
    def total(self) -> float:
        """Both probabilities together, by which candidates are ranked."""
        return self.p_blank + self.p_non_blank


@dataclass(frozen=True)
class Search:
    """The candidates of every frame, best first, and what is found in the end.

    ``found`` pairs each string with its score, best first.
    """

    frames: tuple[tuple[Candidate, ...], ...]
    found: tuple[tuple[tuple[int, ...], float], ...]

    @property
    def pruned(self) -> tuple[float, ...]:
        """(T,) what the candidates have together that are dropped after each frame."""
        return tuple(sum(c.total for c in frame if not c.kept) for frame in self.frames)


@dataclass(frozen=True, eq=False)
class BeamTrace:
    """A beam search, frame by frame, and how good what it finds is.

    Attributes
    ----------
    y
        (T, A) probabilities.
    blank, width, keeps
        As for :func:`search`.
    search
        Its record.
    probabilities
        That of each string in ``search.found``: the sum over all its alignments, whatever was pruned. Where nothing is
        found, because all products are below every float, that of the empty string.
    most_probable
        The most probable of all strings, or None where there are too many to try.
    """

    y: NDArray[np.float64]
    blank: int
    width: int
    keeps: Keeps
    search: Search
    probabilities: tuple[float, ...]
    most_probable: Hypothesis | None


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
    return _search(np.exp(_checked(y, blank, width, keeps)), blank, width, keeps)


def trace_beam(y: ArrayLike, blank: int = 0, width: int = 2, keeps: Keeps = "prefixes") -> BeamTrace:
    """Run a beam search, keep a record of it, and look how good what it finds is.

    Parameters are those of :func:`search`.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    log_y = _checked(y, blank, width, keeps)
    y = np.exp(log_y)
    record = _search(y, blank, width, keeps)
    strings = [labels for labels, _ in record.found] or [START]
    return BeamTrace(
        y, blank, width, keeps, record, _probabilities(log_y, strings, blank), _most_probable(log_y, blank)
    )


def _checked(y: ArrayLike, blank: int, width: int, keeps: Keeps) -> NDArray[np.float64]:
    log_y = log_probabilities(y)
    check_blank(blank, log_y.shape[1])
    check_count(width, "width")
    if keeps not in Keeps.__args__:
        raise ValueError(f"keeps is {keeps!r}; choose 'alignments', 'prefixes' or 'one score'")
    return log_y


def _probabilities(log_y: NDArray, strings: Iterable[tuple[int, ...]], blank: int) -> tuple[float, ...]:
    return tuple(float(np.exp(forward_backward_unchecked(log_y, labels, blank).log_p)) for labels in strings)


def _most_probable(log_y: NDArray, blank: int) -> Hypothesis | None:
    T, A = log_y.shape
    if sum((A - 1) ** n for n in range(T + 1)) > MOST_STRINGS:
        return None
    return best_string_unchecked(log_y, blank)[0]


def _search(y: NDArray, blank: int, width: int, keeps: Keeps) -> Search:
    grow = {"alignments": _alignments, "prefixes": _prefixes, "one score": _one_score}[keeps]
    spell = partial(collapse, blank=blank) if keeps == "alignments" else tuple
    alive, frames = [Candidate(START, START, 1.0, 0.0, (), True)], []
    for frame in y.tolist():
        ranked = sorted(_collect(grow(alive, frame, blank), spell), key=lambda c: (-c.total, c.labels))
        alive = [replace(c, kept=True) for c in ranked[:width] if c.total > 0]
        frames.append((*alive, *ranked[len(alive) :]))
    found: dict[tuple, float] = defaultdict(float)
    for c in alive:
        found[c.string] += c.total
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
                yield c.labels, Way("repeat", c.labels, p, c.p_non_blank)
            yield (*c.labels, k), Way("extend", c.labels, p, c.p_blank if repeats else c.total, repeats)


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


def _collect(given, spell) -> list[Candidate]:
    """Merge what is given to the same labels."""
    ways: dict[tuple, list[Way]] = defaultdict(list)
    for labels, way in given:
        if way.mass > 0:
            ways[labels].append(way)
    return [
        Candidate(
            labels,
            spell(labels),
            sum(way.value for way in mine if way.kind == "blank"),
            sum(way.value for way in mine if way.kind != "blank"),
            tuple(mine),
            False,
        )
        for labels, mine in ways.items()
    ]
