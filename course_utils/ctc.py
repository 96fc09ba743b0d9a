"""Connectionist temporal classification: the sum over all alignments with a blank (chapter 9).

An alignment gives every frame a symbol or the blank. It is collapsed by merging equal neighbours first and removing
blanks second, so a blank between two equal symbols keeps both. The alignments of a target of L symbols are
the paths through its *extended* sequence of S = 2 L + 1 states, blank, first symbol, blank, …, blank, on which
a path stays, advances by one, or skips a blank between two different symbols.

Arrays are time-first, ``[t, i]``, and everything counts from 0. After Graves et al. (2006), "Connectionist temporal
classification", sections 3 and 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import comb
from operator import index
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled, extended_range, lattice
from course_utils.alignment import (
    ROW_SUM_TOLERANCE,
    InfeasibleError,
    adjacent_repeats,
    as_table,
    check_log_probabilities,
    check_target,
)
from course_utils.compiled import plain

Wrt = Literal["logits", "log_probabilities"]
Infeasible = Literal["inf", "raise"]


def collapse(alignment: Sequence, blank=0) -> tuple:
    """Merge equal neighbours, then remove blanks: with blank "-", ``collapse("hh-ell-lo", "-")`` is hello."""
    return tuple(symbol for symbol, _ in groupby(alignment) if symbol != blank)


def extend(target: ArrayLike, blank: int = 0) -> NDArray[np.intp]:
    """Put a blank before, between and after the symbols of a (L,) target; returns (2 L + 1,) states."""
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


def fewest_frames(target: Sequence) -> int:
    """Count the frames that a target needs: one a symbol, and one for a blank between equal neighbours."""
    return len(target) + adjacent_repeats(list(target))


def count_alignments(target: Sequence, T: int) -> int:
    """Count the alignments of a target to T frames: C(T + L − R, 2 L) with R pairs of equal neighbours."""
    L, R = len(target), adjacent_repeats(list(target))
    return comb(T + L - R, 2 * L) if T >= L + R else 0


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

    In all of them a path is an alignment, so that gamma is the probability of being in state i at frame t, given the
    target; ``log_p`` is the log-probability of the target, the log-sum of alpha + beta over the states of any one frame.

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
    def occupancy(self) -> NDArray[np.float64]:
        """(T, A) probability of each symbol at each frame, given the target."""
        return by_symbol(self.gamma, self.extended, self.log_y.shape[1])

    def gradient(self, wrt: Wrt | Literal["probabilities"] = "logits") -> NDArray[np.float64]:
        """Return the derivative of the loss, (T, A); zero where the target does not fit.

        With respect to the logits under a softmax it is y − occupancy, to log-probabilities −occupancy, and to
        probabilities −occupancy / y, each taken as if its inputs were free to change one by one. The last is -inf where
        it is beyond all floats.

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
        return _exp(self.log_y) - self.occupancy if wrt == "logits" else 0.0 - self.occupancy


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
        (L,) column indices without the blank; may be empty.
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
    target = _check_labels(target, log_y.shape[1], blank)
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


def loss_and_gradient(
    log_y: ArrayLike, target: ArrayLike, blank: int = 0, *, wrt: Wrt = "logits", infeasible: Infeasible = "inf"
) -> tuple[float, NDArray[np.float64]]:
    """Loss of one utterance, −ln P(target), and its gradient.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities; -inf is allowed.
    target
        (L,) column indices without the blank; may be empty.
    blank
        Column of the blank.
    wrt
        "logits": the logits whose log-softmax ``log_y`` is; "log_probabilities": ``log_y`` itself, each entry
        free. (torch's ``ctc_loss`` reports the former as the gradient of the latter.)
    infeasible
        What to do where no alignment has a probability above zero: "inf", a loss of inf and a gradient of
        zeros, or "raise".

    Returns
    -------
    loss, gradient
        Nats, and (T, A).

    Raises
    ------
    InfeasibleError
        No alignment fits, and ``infeasible`` is "raise".
    ValueError
        Malformed arguments.
    """
    log_y = as_table(log_y, "log_y")
    target = _check_labels(target, log_y.shape[1], blank)
    losses, gradients = _losses_and_gradients(log_y[None], [target], [len(log_y)], blank, wrt, infeasible, batch=False)
    return float(losses[0]), gradients[0]


def batch_loss_and_gradient(
    log_y: ArrayLike,
    targets: Sequence[ArrayLike],
    lengths: ArrayLike,
    blank: int = 0,
    *,
    wrt: Wrt = "logits",
    infeasible: Infeasible = "inf",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Losses and gradients of a ragged batch.

    Parameters
    ----------
    log_y
        (B, T, A) natural log-probabilities; frames beyond the length of an utterance are not looked at.
    targets
        B targets, as in :func:`loss_and_gradient`.
    lengths
        (B,) number of frames of each utterance, from 1 to T.
    blank, wrt, infeasible
        As in :func:`loss_and_gradient`.

    Returns
    -------
    losses, gradients
        (B,) in nats, and (B, T, A), zero beyond the length of an utterance.

    Raises
    ------
    InfeasibleError, ValueError
        As in :func:`loss_and_gradient`.
    """
    try:
        log_y, lengths = np.asarray(log_y, dtype=np.float64), np.asarray(lengths)
    except (TypeError, ValueError) as error:
        raise ValueError(f"log_y is not a table of numbers: {error}") from None
    if log_y.ndim != 3:
        raise ValueError(f"log_y has shape {log_y.shape}; a batch is (B, T, A)")
    B, T, A = log_y.shape
    if len(targets) != B:
        raise ValueError(f"log_y has {B} utterances, but targets {len(targets)}: give one target each")
    if lengths.shape != (B,):
        raise ValueError(f"lengths has shape {lengths.shape}; log_y has {B} utterances, so it must be ({B},)")
    if B == 0:
        return np.zeros(0), np.zeros_like(log_y)
    if lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths is {lengths.tolist()}; each is an integer from 1 to {T}")
    return _losses_and_gradients(log_y, _check_all_labels(targets, A, blank), lengths, blank, wrt, infeasible)


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
    target = _check_labels(target, log_y.shape[1], blank)
    extended = extend(target, blank)
    T, S = len(log_y), len(extended)
    closed = np.where(may_skip(extended, blank), 0.0, -np.inf)
    closed[1:2] = 0  # the second state too may be the first of a path
    trellis, came = lattice.best_ways(log_y[:, extended], closed)
    i = S - 1 if S == 1 or trellis[-1, -1] > trellis[-1, -2] else S - 2
    if trellis[-1, i] == -np.inf:
        raise InfeasibleError(_say_infeasible(target, T))
    states = np.empty(T, dtype=np.intp)
    for t in range(T - 1, -1, -1):
        states[t] = i
        i -= came[t, i]
    return CTCAlignment(extended, trellis, states, min(float(trellis[-1, states[-1]]), 0.0))


def _losses_and_gradients(log_y, targets, lengths, blank, wrt, infeasible, *, batch=True) -> tuple[NDArray, NDArray]:
    """Return the (B,) losses and (B, T, A) gradients of checked targets, after a look at the numbers of ``log_y``."""
    if wrt not in Wrt.__args__:
        raise ValueError(f"wrt is {wrt!r}; choose 'logits' or 'log_probabilities'")
    if infeasible not in Infeasible.__args__:
        raise ValueError(f"infeasible is {infeasible!r}; choose 'inf' or 'raise'")
    in_loops = compiled.loops("ctc")
    find = _tables_losses_and_gradients if in_loops is None else _compiled_losses_and_gradients
    losses, gradients = find(log_y, targets, lengths, blank, wrt, batch)
    floor = extended_range.lowest(log_y.shape[1])
    for b in np.flatnonzero(losses > -floor / 2):
        where = f" (utterance {b} of the batch)" if batch else ""
        if losses[b] == np.inf and infeasible == "raise":
            raise InfeasibleError(_say_infeasible(targets[b], lengths[b], where))
        if losses[b] < np.inf:  # as in lattice.sums
            losses[b] = 0.0 - best_alignment(log_y[b, : lengths[b]], targets[b], blank).score
    return losses, gradients


def _compiled_losses_and_gradients(log_y, targets, lengths, blank, wrt, batch):
    log_y = plain(log_y)
    B, T, A = log_y.shape
    losses, gradients = np.empty(B), np.empty((B, T, A))
    ends = np.cumsum([len(target) for target in targets])
    run = compiled.loops("ctc")
    faulty = run.losses_and_gradients(
        log_y, plain(lengths, np.int64), plain(np.concatenate(targets), np.int64), plain(ends, np.int64), index(blank),
        ROW_SUM_TOLERANCE, extended_range.lowest(T), wrt == "logits", losses, gradients,
        log_y.reshape(B, -1), gradients.reshape(B, -1), *run.scratch(),
    )  # fmt: skip
    if faulty != run.DONE:  # the check that does not stop at "faulty" says what it is
        check_log_probabilities(log_y[faulty, : lengths[faulty]], indices=(faulty,) if batch else ())
    return losses, gradients


def _tables_losses_and_gradients(log_y, targets, lengths, blank, wrt, batch):
    losses, gradients = np.empty(len(log_y)), np.zeros_like(log_y)
    for b, (target, T) in enumerate(zip(targets, lengths, strict=True)):
        rows = check_log_probabilities(log_y[b, :T], indices=(b,) if batch else ())
        tables = forward_backward(rows, target, blank)
        losses[b], gradients[b, :T] = tables.loss, tables.gradient(wrt)
    return losses, gradients


def by_symbol(states: NDArray, extended: NDArray, A: int) -> NDArray[np.float64]:
    """Add up the (T, S) values of all states that show the same symbol; returns (T, A)."""
    found = np.zeros((A, len(states)))
    with np.errstate(over="ignore"):  # two derivatives may be floats and their sum none
        np.add.at(found, extended, states.T)  # not as a matrix product: 0 × inf is not a number
    return np.ascontiguousarray(found.T)


def _exp(log_y: NDArray) -> NDArray[np.float64]:
    with np.errstate(under="ignore"):
        return np.exp(log_y)


def check_blank(blank: int, A: int) -> None:
    """Raise a ValueError unless ``blank`` is one of A columns."""
    try:
        inside = 0 <= index(blank) < A
    except TypeError:
        inside = False
    if not inside:
        raise ValueError(f"blank is {blank}, but log_y has {A} columns: it must be a whole number from 0 to {A - 1}")


def _check_labels(target: ArrayLike, A: int, blank: int, name: str = "target") -> NDArray[np.intp]:
    target = check_target(target, A, name)
    check_blank(blank, A)
    if (target == blank).any():
        i = int(np.flatnonzero(target == blank)[0])
        raise ValueError(
            f"{name}[{i}] is the blank, {blank}; a target has symbols only, blanks are put in by the algorithm"
        )
    return target


def _check_all_labels(targets: Sequence[ArrayLike], A: int, blank: int) -> list[NDArray[np.intp]]:
    """Check all targets of a batch at once, and one by one only where there is something to say."""
    check_blank(blank, A)
    try:
        joined = np.concatenate([np.asarray(target, dtype=None if len(target) else np.intp) for target in targets])
        if joined.dtype.kind in "iu" and joined.ndim == 1:
            right = joined.size == 0 or (joined.min() >= 0 and joined.max() < A and not (joined == blank).any())
            if right:
                return np.split(joined.astype(np.intp), np.cumsum([len(target) for target in targets[:-1]]))
    except (TypeError, ValueError):
        pass
    return [_check_labels(target, A, blank, f"targets[{b}]") for b, target in enumerate(targets)]


def _say_infeasible(target: NDArray, T: int, where: str = "") -> str:
    fewest = fewest_frames(target.tolist())
    if fewest > T:
        repeats = fewest - len(target)
        return (
            f"target has {len(target)} symbols, {repeats} of them equal to the one before, but log_y only {T} frames"
            f"{where}: the smallest T that would do is {fewest}"
        )
    return f"every alignment of the target to log_y has probability zero{where}; the zeros in log_y forbid it"
