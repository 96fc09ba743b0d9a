"""Forced alignment by the Viterbi algorithm (chapter 8).

The best way to reach position i of the target at frame t either stays at i or advances from i − 1::

    V_t(i) = log y_t(target[i]) + max( V_{t-1}(i),  V_{t-1}(i-1) )          V_0(0) = log y_0(target[0])

Everything is computed in the log domain, where a product of many probabilities cannot underflow.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled
from course_utils.alignment import InfeasibleError
from course_utils.compiled import plain
from course_utils.posteriors import as_table, check_log_probabilities, check_target

Ties = Literal["stay", "advance"]
_ENTRIES_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Alignment:
    """The Viterbi path and every table it was read from. Arrays are time-first: ``[t, i]``.

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
    log_y
        (T, A) what it was found in.
    """

    trellis: NDArray[np.float64]
    advanced: NDArray[np.bool_]
    path: NDArray[np.intp]
    score: float
    target: NDArray[np.intp]
    log_y: NDArray[np.float64]

    @property
    def emitted(self) -> NDArray[np.float64]:
        """(T, K) log-probability of the symbol of each position at each frame."""
        return self.log_y[:, self.target]

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
    """Find the Viterbi path of ``target``, its most probable one: forced alignment (sections 8.3 to 8.5).

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
    check_ties(ties)
    check_fits(len(target), len(log_y))
    if not normalised:
        _check_size(log_y, target)
    return align_checked(log_y, target, ties, normalised=normalised)


def align_checked(log_y: NDArray, target: NDArray, ties: Ties = "stay", *, normalised: bool = True) -> Alignment:
    """Do what :func:`align` does, with arguments that have been checked."""
    trellis, advanced, path = _best_path(log_y, target, ties)
    score = float(trellis[-1, -1])
    if score == -np.inf:
        raise InfeasibleError(say_where_blocked(trellis))
    return Alignment(trellis, advanced, path, min(score, 0.0) if normalised else score, target, log_y)


def _best_path(log_y: NDArray, target: NDArray, ties: Ties) -> tuple[NDArray, NDArray, NDArray]:
    """Trellis, back-pointers and path, by the loops of :mod:`course_utils.compiled.alignment` where they are there."""
    run, shape = compiled.loops("alignment"), (len(log_y), len(target))
    if run is None:
        trellis, advanced = forward(log_y, target, ties)
        return trellis, advanced, trace_back(advanced)
    trellis, advanced, path = np.empty(shape), np.empty(shape, dtype=bool), np.empty(shape[0], dtype=np.int64)
    run.best_path(plain(log_y), plain(target, np.int64), ties == "advance", trellis, advanced, path)
    return trellis, advanced, path.astype(np.intp, copy=False)


def _check_size(log_y: NDArray, target: NDArray) -> None:
    """Refuse scores that would add up beyond all floats, unless there is no path anyway."""
    most = np.finfo(float).max / len(log_y)
    if log_y.max() <= most:
        return
    trellis, _ = forward(np.where(log_y == -np.inf, -np.inf, 0.0), target)
    if trellis[-1, -1] == -np.inf:
        raise InfeasibleError(say_where_blocked(trellis))
    t, k = np.argwhere(log_y > most)[0]
    raise ValueError(
        f"log_y[{t}, {k}] is {log_y[t, k]:.3g}, and over {len(log_y)} frames such numbers add up beyond all floats: "
        f"subtract a constant from every frame, which changes no path"
    )


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

    Beside ``log_y`` itself there is one column of K + 1 numbers, and some thousand entries of ``log_y`` at a time that are
    checked, and made float64 where they are not.

    Parameters and errors are those of :func:`align`, except that an infeasible target scores -inf: no path has a
    probability above zero, and a score can say so.
    """
    log_y = log_y if isinstance(log_y, np.ndarray) else as_table(log_y, "log_y")
    if log_y.ndim != 2 or 0 in log_y.shape:
        as_table(log_y, "log_y")  # which says what is wrong
    target = check_target(target, log_y.shape[1])
    column = np.full(len(target) + 1, -np.inf)
    column[0] = 0.0  # before the first position, from where it is entered at the first frame only
    at_once = max(1, _ENTRIES_AT_ONCE // log_y.shape[1])  # what is not float64 yet is made so bit by bit
    for start in range(0, len(log_y), at_once):
        rows = log_y[start : start + at_once]
        rows = check_log_probabilities(rows, normalised=normalised, first_row=start)
        if not normalised:
            _check_size(rows, target)
        _carry(column, rows, target)
    if not 1 <= len(target) <= len(log_y):
        return -np.inf
    return min(float(column[-1]), 0.0) if normalised else float(column[-1])


def _carry(column: NDArray, log_y: NDArray, target: NDArray) -> None:
    """Take a column of the trellis, (K + 1,) with what stands before the first position, through some frames."""
    run = compiled.loops("alignment")
    if run is not None:
        run.best_score(plain(log_y), plain(target, np.int64), column)
        return
    for frame in log_y:
        column[1:] = np.maximum(column[1:], column[:-1]) + frame[target]  # the right side is done before it is written
        column[0] = -np.inf


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
