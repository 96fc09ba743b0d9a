"""Connectionist temporal classification: the sum over all alignments with a blank (chapter 9).

An alignment gives every frame a symbol or the blank. It is collapsed by merging equal neighbours first and removing
blanks second, so a blank between two equal symbols keeps both. The alignments of a target of K symbols are
the paths through its *extended* sequence of S = 2 K + 1 states, blank, first symbol, blank, …, blank, on which
a path stays, advances by one, or skips a blank between two different symbols.

Arrays are time-first, ``[t, i]``, and everything counts from 0. After Graves et al. (2006), "Connectionist temporal
classification", sections 3 and 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import lattice
from course_utils.alignment import InfeasibleError, adjacent_repeats
from course_utils.posteriors import check_blank, check_log_probabilities, check_target

Wrt = Literal["logits", "log_probabilities"]


def collapse(alignment: Sequence, blank=0) -> tuple:
    """Merge equal neighbours, then remove blanks: with blank "-", ``collapse("hh-ell-lo", "-")`` is hello."""
    return tuple(symbol for symbol, _ in groupby(alignment) if symbol != blank)


def extend(target: ArrayLike, blank: int = 0) -> NDArray[np.intp]:
    """Put a blank before, between and after the symbols of a (K,) target; returns (2 K + 1,) states."""
    extended = np.full(2 * len(target) + 1, blank, dtype=np.intp)
    extended[1::2] = target
    return extended


def may_skip(extended: NDArray, blank: int = 0) -> NDArray[np.bool_]:
    """Say for each of the S states whether it can be entered from two states before, over a blank.

    It can if it is a symbol and differs from the symbol before that blank; else the two would merge.
    """
    allowed = np.zeros(len(extended), dtype=bool)
    allowed[2:] = (extended[2:] != blank) & (extended[2:] != extended[:-2])
    return allowed


def skip_over_every_blank(extended: NDArray) -> NDArray[np.bool_]:
    """Say the same without the rule for equal letters: every symbol but the first can be entered over a blank."""
    allowed = np.zeros(len(extended), dtype=bool)
    allowed[3::2] = True
    return allowed


def fewest_frames(target: Sequence) -> int:
    """Count the frames that a target needs: one a symbol, and one for a blank between equal neighbours."""
    return len(target) + adjacent_repeats(list(target))


def count_alignments(target: Sequence, T: int) -> int:
    """Count the alignments of a target to T frames: C(T + K − R, 2 K) with R pairs of equal neighbours."""
    K, R = len(target), adjacent_repeats(list(target))
    return comb(T + K - R, 2 * K) if T >= K + R else 0


def alignments(target: Sequence, T: int, blank=0) -> Iterator[tuple]:
    """Yield every alignment of ``target`` to T frames, by walking the graph of the extended sequence."""
    states = [blank]
    for symbol in target:
        states += [symbol, blank]

    def walk(i: int, so_far: tuple) -> Iterator[tuple]:
        if len(so_far) == T:
            if i >= len(states) - 2:
                yield so_far
            return
        for j in (i, i + 1, i + 2):
            skipped = j == i + 2
            if j < len(states) and not (skipped and (states[j] == blank or states[j] == states[i])):
                yield from walk(j, (*so_far, states[j]))

    if T == 0 and len(states) == 1:
        yield ()
    if T > 0:
        for i in range(min(2, len(states))):
            yield from walk(i, (states[i],))


@dataclass(frozen=True, eq=False)
class ForwardBackward(lattice.Sums):
    """The tables of the forward-backward algorithm, those of :class:`course_utils.lattice.Sums`, for a target.

    In all of them a path is an alignment, so that gamma is the state posterior, P(state i at frame t | target); ``log_p``
    is the log-likelihood of the target, what alpha + beta marginalises to over the states of any one frame.

    Attributes
    ----------
    extended
        (S,) column index of each state.
    skip
        (S,) whether a state may be entered over a blank.
    log_y
        (T, A) what it was computed from.
    """

    extended: NDArray[np.intp]
    skip: NDArray[np.bool_]
    log_y: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """Negative log-probability in nats; inf where the target does not fit."""
        return 0.0 - self.log_p

    @property
    def blank(self) -> int:
        """Column of the blank."""
        return int(self.extended[0])

    @property
    def target(self) -> NDArray[np.intp]:
        """(K,) column indices of the target."""
        return self.extended[1::2]

    @property
    def fits(self) -> bool:
        """Whether there are frames enough for the target, whatever the probabilities."""
        return fewest_frames(self.target.tolist()) <= len(self.log_y)

    @property
    def reachable(self) -> NDArray[np.bool_]:
        """(T, S) whether some way from the start leads to state i at frame t, whatever the probabilities."""
        ways = np.zeros(self.alpha.shape, dtype=bool)
        ways[0, :2] = True
        for before, now in pairwise(ways):
            now |= before
            now[1:] |= before[:-1]
            now[2:] |= before[:-2] & self.skip[2:]
        return ways

    @property
    def symbol_posterior(self) -> NDArray[np.float64]:
        """(T, A) P(symbol k at frame t | target): gamma, marginalised over the states that show the same symbol."""
        return by_symbol(self.gamma, self.extended, self.log_y.shape[1])

    def gradient(self, wrt: Wrt | Literal["probabilities"] = "logits") -> NDArray[np.float64]:
        """Return the derivative of the loss, (T, A); zero where the target does not fit.

        With respect to the logits under a softmax it is y − p, where p is the symbol posterior, to log-probabilities
        −p, and to probabilities −p / y, each taken as if its inputs were free to change one by one. The last is -inf
        where it is beyond all floats.

        Raises
        ------
        ValueError
            ``wrt`` is none of the three.
        """
        if wrt == "probabilities":
            return 0.0 - by_symbol(self.slope, self.extended, self.log_y.shape[1])
        if wrt not in Wrt.__args__:
            raise ValueError(f"wrt is {wrt!r}; choose 'logits', 'log_probabilities' or 'probabilities'")
        if self.log_p == -np.inf:
            return np.zeros_like(self.log_y)
        posterior = self.symbol_posterior
        return _exp(self.log_y) - posterior if wrt == "logits" else 0.0 - posterior


def forward_backward(
    log_y: ArrayLike, target: ArrayLike, blank: int = 0, *, skip: ArrayLike | None = None
) -> ForwardBackward:
    """Compute alpha, beta and the probability of a target, for every state at every frame.

    For the loss and its gradient alone, :func:`loss_and_gradient` is many times as fast.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities; -inf is allowed, and numbers like −1e30 that stand for it.
    target
        (K,) column indices without the blank; may be empty.
    blank
        Column of the blank.
    skip
        (S,) which states may be entered over a blank. By default what :func:`may_skip` says; anything else counts
        wrongly, and shows what the rule is for.

    Raises
    ------
    ValueError
        Malformed arguments, or a blank in the target. A target that does not fit is no error: its loss is inf.
    """
    log_y = check_log_probabilities(log_y)
    return forward_backward_unchecked(log_y, check_labels(target, log_y.shape[1], blank), blank, skip=skip)


def forward_backward_unchecked(
    log_y: NDArray[np.float64], target: ArrayLike, blank: int = 0, *, skip: ArrayLike | None = None
) -> ForwardBackward:
    """Do what :func:`forward_backward` does with a table and a target that have been checked."""
    extended = extend(target, blank)
    rule = may_skip(extended, blank)
    skip = rule if skip is None else np.array(skip, dtype=bool)
    if skip.shape != extended.shape or skip[:2].any():
        raise ValueError(f"skip has shape {skip.shape}; it must be ({len(extended)},), False for the first two states")
    closed = np.where(skip, 0.0, -np.inf)
    closed[1:2] = 0  # the second state too may be the first of a path
    found = lattice.sums(log_y[:, extended], closed)
    if (skip == rule).all():  # rounding, and rows that sum to a little more than one, may lift it above 0
        found = replace(found, log_p=min(found.log_p, 0.0))
    return ForwardBackward(**vars(found), extended=extended, skip=skip, log_y=log_y)


@dataclass(frozen=True, eq=False)
class CTCAlignment:
    """The best single alignment of a target.

    Attributes
    ----------
    extended
        (S,) column index of each state.
    trellis
        (T, S) natural log of the best way to state i at frame t.
    states
        (T,) state at each frame.
    score
        Log-probability of the alignment.
    """

    extended: NDArray[np.intp]
    trellis: NDArray[np.float64]
    states: NDArray[np.intp]
    score: float

    @property
    def labels(self) -> NDArray[np.intp]:
        """(T,) column index at each frame, blanks included."""
        return self.extended[self.states]


def best_alignment(log_y: ArrayLike, target: ArrayLike, blank: int = 0) -> CTCAlignment:
    """Find the most probable alignment: Viterbi on the extended graph. Of equal ways, the shortest step wins.

    At the end, where the last symbol and the blank behind it are equally good, the symbol wins.

    Parameters are those of :func:`forward_backward`.

    Raises
    ------
    InfeasibleError
        No alignment has a probability above zero.
    ValueError
        Malformed arguments.
    """
    log_y = check_log_probabilities(log_y)
    target = check_labels(target, log_y.shape[1], blank)
    extended = extend(target, blank)
    T, S = len(log_y), len(extended)
    closed = np.where(may_skip(extended, blank), 0.0, -np.inf)
    closed[1:2] = 0  # the second state too may be the first of a path
    trellis, came = lattice.best_ways(log_y[:, extended], closed)
    i = S - 1 if S == 1 or trellis[-1, -1] > trellis[-1, -2] else S - 2
    if trellis[-1, i] == -np.inf:
        raise InfeasibleError(say_infeasible(target, T))
    states = np.empty(T, dtype=np.intp)
    for t in range(T - 1, -1, -1):
        states[t] = i
        i -= came[t, i]
    return CTCAlignment(extended, trellis, states, min(float(trellis[-1, states[-1]]), 0.0))


def by_symbol(states: NDArray, extended: NDArray, A: int) -> NDArray[np.float64]:
    """Add up the (T, S) values of all states that show the same symbol; returns (T, A)."""
    found = np.zeros((A, len(states)))
    with np.errstate(over="ignore"):  # two derivatives may be floats and their sum none
        np.add.at(found, extended, states.T)  # not as a matrix product: 0 × inf is not a number
    return np.ascontiguousarray(found.T)


def _exp(log_y: NDArray) -> NDArray[np.float64]:
    with np.errstate(under="ignore"):
        return np.exp(log_y)


def check_labels(target: ArrayLike, A: int, blank: int, name: str = "target") -> NDArray[np.intp]:
    """Return ``target`` as column indices; raise a ValueError where it is none, or holds the blank."""
    target = check_target(target, A, name)
    check_blank(blank, A)
    if (target == blank).any():
        i = int(np.flatnonzero(target == blank)[0])
        raise ValueError(
            f"{name}[{i}] is the blank, {blank}; a target has symbols only, blanks are put in by the algorithm"
        )
    return target


def say_infeasible(target: NDArray, T: int, where: str = "") -> str:
    """Say why no alignment of a target to T frames has a probability above zero."""
    fewest = fewest_frames(target.tolist())
    if fewest > T:
        repeats = fewest - len(target)
        return (
            f"target has {len(target)} symbols, {repeats} of them equal to the one before, but log_y only {T} frames"
            f"{where}: the smallest T that would do is {fewest}"
        )
    return f"every alignment of the target to log_y has probability zero{where}; the zeros in log_y forbid it"
