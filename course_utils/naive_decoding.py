"""Reading without an alignment: the best symbol of each frame, compressed; and what is lost by it (sections 6.3 to 6.5).

The model of chapters 6 and 7 has no blank: a string is spelled by all sequences of one symbol a frame that compress to it,
and has the sum of their probabilities. Everything here is found by listing them, for cases that are small enough to see.
"""

from dataclasses import dataclass
from itertools import product
from math import fsum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment import ROUNDING, compress, count_expansions, expansions
from course_utils.collapsing import Change, runs
from course_utils.posteriors import check_target, log_probabilities

MOST_SEQUENCES = 50_000


@dataclass(frozen=True)
class Spelled:
    """A string, its probability, and how many sequences of labels spell it.

    Attributes
    ----------
    string
        Column indices.
    probability
        The sum over all sequences of labels that compress to it.
    sequences
        How many of them have a probability above zero.
    """

    string: tuple[int, ...]
    probability: float
    sequences: int


@dataclass(frozen=True, eq=False)
class NaiveDecoding:
    """What the best symbol of each frame reads, and what else could have been read.

    Attributes
    ----------
    y
        (T, A) probabilities.
    labels
        (T,) the most probable symbol of each frame; of equals, the first column.
    best
        For each frame all columns with the largest probability.
    products
        (T,) probability of the labels up to each frame.
    strings
        Every string that the frames can spell, the most probable first; of equals, the shorter, then the one whose symbols
        come first.
    """

    y: NDArray[np.float64]
    labels: tuple[int, ...]
    best: tuple[tuple[int, ...], ...]
    products: NDArray[np.float64]
    strings: tuple[Spelled, ...]

    @property
    def runs(self) -> tuple[Change, ...]:
        """Return each run of equal labels and what becomes of it."""
        return runs(self.labels)

    @property
    def read(self) -> Spelled:
        """Return the string that the labels compress to."""
        string = compress(self.labels)
        return next(spelled for spelled in self.strings if spelled.string == string)

    @property
    def ways_to_read(self) -> int:
        """Return how many sequences compress to the string that was read, those of no probability too."""
        return count_expansions(self.read.string, len(self.y))

    @property
    def most_probable(self) -> tuple[Spelled, ...]:
        """Return the most probable string, and those as probable."""
        top = self.strings[0].probability
        return tuple(s for s in self.strings if s.probability >= top * (1 - ROUNDING))

    @property
    def is_best(self) -> bool:
        """Whether no string is more probable than the one that was read."""
        return any(spelled.string == self.read.string for spelled in self.most_probable)


def decode(y: ArrayLike) -> NaiveDecoding:
    """Take the most probable symbol of each frame, compress, and list what else could be read.

    Parameters
    ----------
    y
        (T, A) probabilities, with at most 50,000 sequences of one symbol a frame, A to the power of T.

    Raises
    ------
    ValueError
        ``y`` is no table of probabilities, has no frame, or too many for a list.
    """
    log_probabilities(y)
    y = np.asarray(y, dtype=float)
    if len(y) == 0:
        raise ValueError("y has no frame; give at least one")
    labels = tuple(y.argmax(axis=1).tolist())
    best = tuple(tuple(np.flatnonzero(row == row.max()).tolist()) for row in y)
    products = np.cumprod(y[np.arange(len(y)), list(labels)])
    return NaiveDecoding(y, labels, best, products, strings(y))


def strings(y: ArrayLike) -> tuple[Spelled, ...]:
    """List every string that some sequence of labels with a probability above zero spells, as in :class:`NaiveDecoding`.

    Parameters and errors are those of :func:`decode`.
    """
    log_probabilities(y)
    y = np.asarray(y, dtype=float)
    T, A = y.shape
    if A**T > MOST_SEQUENCES:
        raise ValueError(
            f"y has {T} frames of {A} symbols, which is {A**T} sequences; at most {MOST_SEQUENCES} are listed"
        )
    products = np.ones(1)
    for row in y:
        products = np.multiply.outer(products, row).ravel()  # in the order of itertools.product
    found: dict[tuple[int, ...], list[float]] = {}
    for labels, p in zip(product(range(A), repeat=T), products.tolist(), strict=True):
        if p > 0:
            found.setdefault(compress(labels), []).append(p)
    spelled = [Spelled(string, fsum(ps), len(ps)) for string, ps in found.items()]
    return tuple(sorted(spelled, key=lambda s: (-float(f"{s.probability:.12g}"), len(s.string), s.string)))


def probability(y: ArrayLike, string: ArrayLike) -> float:
    """Add up the sequences of labels that compress to a string, one by one (section 6.4).

    Parameters
    ----------
    y
        (T, A) probabilities.
    string
        (K,) column indices; 0 is returned where neighbours are equal, or where it is longer than there are frames.

    Raises
    ------
    ValueError
        ``y`` is no table of probabilities, ``string`` names a column that is not there, or there are more than 50,000
        sequences to add up.
    """
    log_y = log_probabilities(y)
    string = check_target(string, log_y.shape[1], "string")
    T, K = len(log_y), len(string)
    if count_expansions(string.tolist(), T) > MOST_SEQUENCES:
        raise ValueError(f"{K} symbols have more than {MOST_SEQUENCES} sequences of {T} labels: take fewer frames")
    emitted, frames = np.asarray(y, dtype=float), np.arange(T)
    return fsum(float(emitted[frames, list(labels)].prod()) for labels in expansions(string.tolist(), T))
