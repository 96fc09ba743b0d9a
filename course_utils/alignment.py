"""Alignments between a target and time: compress, expand, count, score, enumerate (section 8.1).

Three kinds of sequence, which this package never mixes:

* a *target* of K symbols, given as column indices into ``log_y``;
* *labels*, one symbol per frame, T of them;
* a *path*, one position in the target per frame. ``target[path]`` turns a path into labels.

Paths and labels are the same thing only where no two adjacent symbols of the target are equal: the target AA
has two paths in three frames, both read AAA, which compresses to A, and both have the same score (section 8.6).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, groupby, pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from course_utils.posteriors import check_log_probabilities, check_target


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
