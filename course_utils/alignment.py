"""Alignments between a target and time: compress, expand, count, score, enumerate (sections 7.2 to 7.6).

Three kinds of sequence, which this package never mixes:

* a *target* of K symbols, given as column indices into ``log_y``;
* *labels*, one symbol per frame, T of them;
* a *path*, one position in the target per frame. ``target[path]`` turns a path into labels.

Paths and labels are the same thing only where no two adjacent symbols of the target are equal: the target AA
has two paths in three frames, both read AAA, which compresses to A, and both have the same score (section 7.3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.posteriors import check_log_probabilities, check_target

ROUNDING = 1e-12  # relative; what differs by less is taken for equal


class InfeasibleError(ValueError):
    """No path through the grid has a probability above zero."""


def compress(labels: Sequence) -> tuple:
    """Keep one symbol of every run of equal symbols; ``compress("BBAHH")`` is B, A, H.

    Parameters
    ----------
    labels
        Any sequence of comparable symbols, also an empty one.
    """
    return tuple(symbol for symbol, _ in groupby(labels))


def adjacent_repeats(target: Sequence) -> int:
    """Count the pairs of equal neighbours in a target: 1 for HELLO."""
    return sum(a == b for a, b in pairwise(target))


def paths(K: int, T: int) -> Iterator[tuple[int, ...]]:
    """Yield every path through a grid of K positions and T frames, those that advance first, first.

    A path starts at position 0, ends at K − 1 and at every frame stays or advances by one. Through no positions and no
    frames there is one, the empty path.
    """
    if K == T == 0:
        yield ()
    if not 1 <= K <= T:
        return
    for advances in combinations(range(1, T), K - 1):
        bounds = (0, *advances, T)
        yield tuple(i for i in range(K) for _ in range(bounds[i + 1] - bounds[i]))


def count_paths(K: int, T: int) -> int:
    """Count the paths of :func:`paths`: C(T − 1, K − 1), a choice of the frames where the path advances."""
    return comb(T - 1, K - 1) if 1 <= K <= T else int(K == T == 0)


def expansions(target: Sequence, T: int) -> Iterator[tuple]:
    """Yield every sequence of T labels that compresses to ``target``.

    There is none where two neighbours of the target are equal: compression would have merged them.
    """
    if adjacent_repeats(target):
        return
    for path in paths(len(target), T):
        yield tuple(target[i] for i in path)


def count_expansions(target: Sequence, T: int) -> int:
    """Count the label sequences of :func:`expansions`: as many as paths, or 0 with equal neighbours."""
    return 0 if adjacent_repeats(target) else count_paths(len(target), T)


def score(log_y: ArrayLike, labels: ArrayLike) -> float:
    """Log-probability of one label per frame: the sum of ``log_y[t, labels[t]]``.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities.
    labels
        (T,) column indices.

    Raises
    ------
    ValueError
        There is not exactly one label per frame, or an argument is malformed.
    """
    log_y = check_log_probabilities(log_y)
    labels = check_target(labels, log_y.shape[1], "labels")
    if len(labels) != len(log_y):
        raise ValueError(
            f"labels has {len(labels)} entries, but log_y has {len(log_y)} frames: give one label per frame"
        )
    return min(float(log_y[np.arange(len(labels)), labels].sum()), 0.0)


def score_all_paths(log_y: ArrayLike, target: ArrayLike) -> dict[tuple[int, ...], float]:
    """Enumerate every path with its log-probability: the truth that dynamic programming must reproduce.

    The count of paths is C(T − 1, K − 1), so this is for small cases.
    """
    log_y = check_log_probabilities(log_y)
    target = check_target(target, log_y.shape[1])
    frames = np.arange(len(log_y))
    return {path: float(log_y[frames, target[list(path)]].sum()) for path in paths(len(target), len(log_y))}


@dataclass(frozen=True, eq=False)
class RankedPaths:
    """Every path of a target through the frames, the most probable first (section 7.6).

    Attributes
    ----------
    log_y
        (T, A) natural log-probabilities.
    target
        (K,) column indices.
    paths
        (n, T) positions in the target.
    scores
        (n,) natural log-probability of each path, in descending order.
    """

    log_y: NDArray[np.float64]
    target: NDArray[np.intp]
    paths: NDArray[np.intp]
    scores: NDArray[np.float64]

    @property
    def emitted(self) -> NDArray[np.float64]:
        """(T, K) log-probability of the symbol of each position at each frame."""
        return self.log_y[:, self.target]

    def compressed(self, path: Sequence[int]) -> tuple[int, ...]:
        """Return what the labels of a path compress to; shorter than the target where that has equal neighbours."""
        return compress(self.target[list(path)].tolist())

    def place(self, path: Sequence[int]) -> int:
        """Return the row of a path in ``paths``; raise a ValueError where it is no path of the target."""
        (found,) = np.nonzero((self.paths == np.asarray(path)).all(axis=1)) if len(path) == len(self.log_y) else ((),)
        if len(found) == 0:
            raise ValueError(f"{list(path)} is no path of {len(self.target)} positions in {len(self.log_y)} frames")
        return int(found[0])

    def rank(self, path: Sequence[int]) -> int:
        """Return how many paths are better, plus one; what differs by no more than rounding is as good."""
        own = self.scores[self.place(path)]
        margin = ROUNDING * max(1.0, abs(own)) if own > -np.inf else 0.0
        return 1 + int(np.count_nonzero(self.scores > own + margin))

    def equals(self, path: Sequence[int]) -> int:
        """Return how many other paths have the same rank."""
        ranks = [self.rank(other) for other in self.paths.tolist()]
        return ranks.count(self.rank(path)) - 1


def rank_paths(log_y: ArrayLike, target: ArrayLike) -> RankedPaths:
    """Enumerate all paths, the most probable first; of equals, those that advance first.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities.
    target
        (K,) column indices, 1 ≤ K ≤ T.

    Raises
    ------
    InfeasibleError
        There are fewer frames than symbols, or the target is empty.
    """
    log_y = check_log_probabilities(log_y)
    target = check_target(target, log_y.shape[1])
    scored = score_all_paths(log_y, target)
    if not scored or len(target) == 0:
        raise InfeasibleError(
            f"no path of {len(target)} symbols fits into {len(log_y)} frames: give 1 to {len(log_y)} symbols"
        )
    listed, scores = np.array(list(scored)), np.array(list(scored.values()))
    order = np.argsort(-scores, kind="stable")
    better, worse = scores[order[:-1]], scores[order[1:]]
    with np.errstate(invalid="ignore"):  # of two that are −∞ neither is worse
        apart = (better != worse) & (better - worse > ROUNDING * np.maximum(1.0, np.abs(better)))
    group = np.append(0, np.cumsum(apart))
    order = order[np.lexsort((order, group))]  # those that only rounding tells apart stay as they were listed
    return RankedPaths(log_y, target, listed[order], scores[order])
