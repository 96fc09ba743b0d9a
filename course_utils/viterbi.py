"""Forced alignment by the Viterbi algorithm (chapter 8).

The best way to reach position i of the target at frame t either stays at i or advances from i − 1::

    V_t(i) = log y_t(target[i]) + max( V_{t-1}(i),  V_{t-1}(i-1) )          V_0(0) = log y_0(target[0])

Everything is computed in the log domain, where a product of many probabilities cannot underflow.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment import InfeasibleError, check_log_probabilities, check_target

Ties = Literal["stay", "advance"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """The best path and every table it was read from. Arrays are time-first: ``[t, i]``.

    Attributes
    ----------
    trellis
        (T, K) natural log of the best score of a path that ends at position i at frame t; -inf: no path does.
    advanced
        (T, K) the back-pointers: True where the best predecessor is position i − 1, False where it is i.
    path
        (T,) position in the target at each frame.
    score
        Log-probability of the path, ``trellis[-1, -1]``.
    target
        (K,) column index of each symbol of the target.
    """

    trellis: NDArray[np.float64]
    advanced: NDArray[np.bool_]
    path: NDArray[np.intp]
    score: float
    target: NDArray[np.intp]

    @property
    def labels(self) -> NDArray[np.intp]:
        """(T,) column index of the symbol at each frame."""
        return self.target[self.path]

    @property
    def segments(self) -> NDArray[np.intp]:
        """(K, 2) first frame of each position, and the frame after its last."""
        starts = np.searchsorted(self.path, np.arange(len(self.target) + 1))
        return np.stack([starts[:-1], starts[1:]], axis=1)


def align(log_y: ArrayLike, target: ArrayLike, *, ties: Ties = "stay", normalised: bool = True) -> Alignment:
    """Find the most probable path of ``target`` through the frames (sections 8.3 to 8.5).

    A path is a sequence of *positions*. With equal neighbours in the target, such as AA, its labels compress to a
    single A (see :mod:`course_utils.alignment`), and every frame at which it may advance from one A to the next
    scores the same, so that ``ties`` alone decides. Put a separator symbol between them where that matters.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities of A symbols at T frames; -inf is allowed.
    target
        (K,) column indices, 1 ≤ K ≤ T.
    ties
        Which predecessor wins where both are equally good: "stay" makes every advance as early as it can be,
        "advance" as late.
    normalised
        Whether to insist that each row of ``log_y`` is a distribution.

    Returns
    -------
    Alignment
        In O(T K) time and memory.

    Raises
    ------
    InfeasibleError
        No path has a probability above zero: empty target, K > T, or zeros in every way through.
    ValueError
        Malformed arguments.
    """
    log_y = check_log_probabilities(log_y, normalised=normalised)
    target = check_target(target, log_y.shape[1])
    check_fits(len(target), len(log_y))
    trellis, advanced = forward(log_y, target, ties)
    if trellis[-1, -1] == -np.inf:
        raise InfeasibleError(say_where_blocked(trellis))
    return Alignment(trellis, advanced, trace_back(advanced), float(trellis[-1, -1]), target)


def forward(log_y: NDArray, target: NDArray, ties: Ties = "stay") -> tuple[NDArray, NDArray]:
    """Fill the trellis and its back-pointers, both (T, K), from checked arguments (section 8.3)."""
    T, K = len(log_y), len(target)
    padded = np.full((T, K + 1), -np.inf)  # column 0 stands for "position −1", so no index can wrap
    trellis = padded[:, 1:]
    trellis[0, 0] = log_y[0, target[0]]
    emitted = log_y[:, target]
    best = np.maximum
    for stay, advance, now, log_p in zip(trellis, padded[:, :-1], trellis[1:], emitted[1:], strict=False):
        best(stay, advance, out=now)
        now += log_p
    return trellis, back_pointers(trellis, ties)


def back_pointers(trellis: NDArray, ties: Ties = "stay") -> NDArray[np.bool_]:
    """Say for each cell of a (T, K) trellis whether the best way into it advances from i − 1 (section 8.4)."""
    check_ties(ties)
    advanced = np.zeros(trellis.shape, dtype=bool)
    stay, advance = trellis[:-1, 1:], trellis[:-1, :-1]
    if ties == "stay":
        np.greater(advance, stay, out=advanced[1:, 1:])
    else:
        np.logical_and(advance >= stay, advance > -np.inf, out=advanced[1:, 1:])
    return advanced


def trace_back(advanced: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Follow the (T, K) back-pointers from the last cell to the first; returns (T,) positions (section 8.4)."""
    T, K = advanced.shape
    pointers = np.ascontiguousarray(advanced, dtype=bool).tobytes()  # indexing bytes is ten times as fast
    path = [0] * T
    i = K - 1
    for t in range(T - 1, -1, -1):
        path[t] = i
        i -= pointers[t * K + i]
    return np.array(path, dtype=np.intp)


def align_score(log_y: ArrayLike, target: ArrayLike, *, normalised: bool = True) -> float:
    """Log-probability of the best path in O(K) memory: no table, no back-pointers (section 8.7).

    Parameters and errors are those of :func:`align`, except that an infeasible target scores -inf: no path has a
    probability above zero, and a score can say so.
    """
    log_y = check_log_probabilities(log_y, normalised=normalised)
    target = check_target(target, log_y.shape[1])
    if not 1 <= len(target) <= len(log_y):
        return -np.inf
    column, emitted = np.full(len(target) + 1, -np.inf), np.empty(len(target))
    before = column.copy()
    column[1] = log_y[0, target[0]]
    for frame in log_y[1:]:
        column, before = (
            before,
            column,
        )  # two columns in turn: an update in place would read what it just wrote
        np.maximum(before[1:], before[:-1], out=column[1:])
        column[1:] += np.take(frame, target, out=emitted)
    return float(column[-1])


def align_in_probabilities(y: NDArray, target: NDArray, ties: Ties = "stay") -> tuple[NDArray, NDArray, NDArray]:
    """Run the recurrence on probabilities, as chapters print it, to show where that fails (section 8.6).

    Parameters
    ----------
    y
        (T, A) probabilities.
    target
        (K,) column indices, 1 ≤ K ≤ T.
    ties
        As in :func:`align`.

    Returns
    -------
    trellis, advanced, path
        (T, K), (T, K) and (T,). Products of some hundreds of factors are exactly 0.0; from there on every
        comparison is a tie and the path is decided by ``ties`` alone. Use :func:`align` for results.
    """
    trellis = np.zeros((len(y), len(target)))
    trellis[0, 0] = y[0, target[0]]
    for t in range(1, len(y)):
        trellis[t] = trellis[t - 1]
        np.maximum(trellis[t, 1:], trellis[t - 1, :-1], out=trellis[t, 1:])
        trellis[t] *= y[t, target]
    advanced = back_pointers(trellis, ties)
    return trellis, advanced, trace_back(advanced)


def check_ties(ties: str) -> None:
    """Raise a ValueError unless ``ties`` names a rule."""
    if ties not in ("stay", "advance"):
        raise ValueError(f"ties is {ties!r}; choose 'stay' or 'advance'")


def check_fits(K: int, T: int) -> None:
    """Raise an :class:`InfeasibleError` that names the smallest T where K positions fit no path of T frames."""
    if K == 0:
        raise InfeasibleError(
            "target is empty, and no path can visit nothing for T ≥ 1 frames; give at least one symbol"
        )
    if K > T:
        raise InfeasibleError(
            f"target has {K} symbols but log_y only {T} frame{'s' * (T > 1)}: each symbol takes at least one, "
            f"so the smallest T that would do is {K}"
        )


def say_where_blocked(trellis: NDArray) -> str:
    """Name the frame or the position that no path of probability above zero gets past, from a (T, K) log table."""
    T, K = trellis.shape
    reachable = trellis > -np.inf
    dead = np.flatnonzero(~reachable.any(axis=1))
    if len(dead):
        what = f"at frame {dead[0]} every position that can be reached has probability zero"
    else:
        i = int(np.flatnonzero(reachable[-1])[-1])
        what = f"by the last frame no path of probability above zero gets further than position {i} of {K - 1}"
    return (
        f"every path of the target through log_y has probability zero: {what}. "
        f"T = {T} frames would be enough for K = {K} symbols; the zeros in log_y forbid it"
    )
