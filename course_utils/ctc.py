"""Connectionist temporal classification: the sum over all alignments with a blank (chapter 9).

An alignment gives every frame a symbol or the blank. It is collapsed by merging equal neighbours first and removing
blanks second, so a blank between two equal symbols keeps both. The alignments of a target of L symbols are
the paths through its *extended* sequence of S = 2 L + 1 states, blank, first symbol, blank, …, blank, on which
a path stays, advances by one, or skips a blank between two different symbols.

Arrays are time-first, ``[t, i]``, and everything counts from 0. After Graves et al. (2006), "Connectionist temporal
classification", sections 3 and 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb
from operator import index
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment import InfeasibleError, adjacent_repeats, check_log_probabilities, check_target

Wrt = Literal["logits", "log_probabilities"]
Infeasible = Literal["inf", "raise"]
_RESCALE_EVERY = 8
_SMALLEST_SHARE = 1e-280  # see _scaled


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
class ForwardBackward:
    """The tables of the forward-backward algorithm, all natural logarithms; -inf: no path.

    Attributes
    ----------
    extended
        (S,) column index of each state.
    skip
        (S,) whether a state may be entered over a blank.
    alpha
        (T, S) all ways from the start to state i at frame t, that frame's probability included.
    incoming
        (T, S) the same without that frame's probability: the sum over the two or three ways in.
    beta
        (T, S) all ways from state i at frame t to the end, that frame's probability excluded.
    log_p
        Log-probability of the target: the log-sum of alpha + beta over the states of any one frame.
    log_y
        (T, A) what it was computed from.
    """

    extended: NDArray[np.intp]
    skip: NDArray[np.bool_]
    alpha: NDArray[np.float64]
    incoming: NDArray[np.float64]
    beta: NDArray[np.float64]
    log_p: float
    log_y: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """Negative log-probability in nats; inf where the target does not fit."""
        return -self.log_p

    @property
    def gamma(self) -> NDArray[np.float64]:
        """(T, S) probability of being in state i at frame t, given the target; zeros where it does not fit."""
        if self.log_p == -np.inf:
            return np.zeros_like(self.alpha)
        return np.exp(self.alpha + self.beta - self.log_p)

    @property
    def occupancy(self) -> NDArray[np.float64]:
        """(T, A) probability of each symbol at each frame, given the target."""
        return _by_symbol(self.gamma, self.extended, self.log_y.shape[1])

    def gradient(self, wrt: Wrt | Literal["probabilities"] = "logits") -> NDArray[np.float64]:
        """Return the derivative of the loss, (T, A); zero where the target does not fit.

        With respect to the logits under a softmax it is y − occupancy, to log-probabilities −occupancy, and to
        probabilities −occupancy / y, each taken as if its inputs were free to change one by one.

        Raises
        ------
        ValueError
            ``wrt`` is none of the three.
        """
        if wrt == "probabilities":
            if self.log_p == -np.inf:
                return np.zeros_like(self.log_y)
            # Not by dividing by y: where y is 0, the derivative need not be.
            return -_by_symbol(np.exp(self.incoming + self.beta - self.log_p), self.extended, self.log_y.shape[1])
        return _gradient(self.occupancy, self.log_y, wrt)


def forward_backward(
    log_y: ArrayLike, target: ArrayLike, blank: int = 0, *, skip: ArrayLike | None = None
) -> ForwardBackward:
    """Compute alpha, beta and the probability of a target in the log domain, for every state at every frame.

    For the loss and its gradient alone, :func:`loss_and_gradient` is several times as fast.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities; -inf is allowed.
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
    skip = may_skip(extended, blank) if skip is None else np.array(skip, dtype=bool)
    if skip.shape != extended.shape or skip[:2].any():
        raise ValueError(f"skip has shape {skip.shape}; it must be ({len(extended)},), False for the first two states")
    log_e = log_y[:, extended]
    # Backwards is forwards on the reversed graph; without the frame's own probability, it is what comes in there.
    reversed_skip = np.zeros_like(skip)
    reversed_skip[2:] = skip[2:][::-1]
    both, both_incoming = _log_forward(np.stack([log_e, log_e[::-1, ::-1]], axis=1), np.stack([skip, reversed_skip]))
    alpha, incoming, beta = both[:, 0].copy(), both_incoming[:, 0].copy(), both_incoming[:, 1]
    log_p = np.logaddexp.reduce(alpha[-1, -2:])
    return ForwardBackward(extended, skip, alpha, incoming, beta[::-1, ::-1].copy(), float(log_p), log_y)


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
    log_y = check_log_probabilities(log_y)
    target = _check_labels(target, log_y.shape[1], blank)
    ((loss, gradient),) = _losses_and_gradients([log_y], [target], blank, wrt, infeasible)
    return loss, gradient


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
    log_y, lengths = np.asarray(log_y, dtype=np.float64), np.asarray(lengths)
    if log_y.ndim != 3:
        raise ValueError(f"log_y has shape {log_y.shape}; a batch is (B, T, A)")
    if lengths.shape != (len(targets),) or len(log_y) != len(targets):
        raise ValueError(
            f"log_y has {len(log_y)} utterances and targets {len(targets)}, so lengths must have the shape "
            f"({len(log_y)},); it has {lengths.shape}"
        )
    if len(targets) == 0:
        return np.zeros(0), np.zeros_like(log_y)
    if lengths.dtype.kind not in "iu" or lengths.min(initial=1) < 1 or lengths.max(initial=1) > log_y.shape[1]:
        raise ValueError(f"lengths is {lengths.tolist()}; each is an integer from 1 to {log_y.shape[1]}")
    targets = [_check_labels(target, log_y.shape[2], blank) for target in targets]
    utterances = [check_log_probabilities(rows[:T]) for rows, T in zip(log_y, lengths, strict=True)]
    losses, gradients = np.empty(len(log_y)), np.zeros_like(log_y)
    for b, (loss, gradient) in enumerate(_losses_and_gradients(utterances, targets, blank, wrt, infeasible)):
        losses[b], gradients[b, : lengths[b]] = loss, gradient
    return losses, gradients


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
    log_e, closed = log_y[:, extended], np.where(may_skip(extended, blank), 0.0, -np.inf)
    padded = np.full((T, S + 2), -np.inf)
    trellis = padded[:, 2:]
    trellis[0, :2] = log_e[0, :2]
    came = np.zeros((T, S), dtype=np.intp)
    for t in range(1, T):
        ways = np.stack([trellis[t - 1], padded[t - 1, 1:-1], padded[t - 1, :-2] + closed])
        came[t] = ways.argmax(axis=0)
        trellis[t] = ways.max(axis=0) + log_e[t]
    i = S - 1 if S == 1 or trellis[-1, -1] > trellis[-1, -2] else S - 2
    if trellis[-1, i] == -np.inf:
        raise InfeasibleError(_say_infeasible(target, T))
    states = np.empty(T, dtype=np.intp)
    for t in range(T - 1, -1, -1):
        states[t] = i
        i -= came[t, i]
    return CTCAlignment(extended, trellis, states, float(trellis[-1, states[-1]]))


def _losses_and_gradients(utterances, targets, blank, wrt, infeasible) -> list[tuple[float, NDArray]]:
    """For each checked utterance its loss and its (T, A) gradient."""
    if wrt not in ("logits", "log_probabilities"):
        raise ValueError(f"wrt is {wrt!r}; choose 'logits' or 'log_probabilities'")
    if infeasible not in ("inf", "raise"):
        raise ValueError(f"infeasible is {infeasible!r}; choose 'inf' or 'raise'")
    found = []
    for log_y, target, (loss, occupancy) in zip(
        utterances, targets, _occupancies(utterances, targets, blank), strict=True
    ):
        if loss == np.inf and infeasible == "raise":
            raise InfeasibleError(_say_infeasible(target, len(log_y)))
        found.append((loss, np.zeros_like(log_y) if loss == np.inf else _gradient(occupancy, log_y, wrt)))
    return found


def _occupancies(utterances, targets, blank) -> Iterator[tuple[float, NDArray | None]]:
    """For each utterance its loss and its (T, A) occupancy: fast where that is exact, else in the log domain."""
    for log_y, target, (loss, occupancy) in zip(utterances, targets, _scaled(utterances, targets, blank), strict=True):
        if occupancy is None and fewest_frames(target.tolist()) <= len(log_y):
            exact = forward_backward(log_y, target, blank)
            loss, occupancy = exact.loss, exact.occupancy
        yield loss, occupancy


def _scaled(utterances, targets, blank) -> Iterator[tuple[float, NDArray | None]]:
    """Run both directions of all utterances at once, on probabilities that are rescaled every few frames.

    Whether the result is exact can be seen from it. Numbers below 1e-308 become zero; everything stays below about
    1e4, so what is lost with one of them changes the sum over the states of a frame, alpha × beta, by less than
    1e-304. Where that sum is above 1e-280 at every frame, all that is lost is below T × S × 1e-24 of it.
    Elsewhere the loss is inf and the occupancy None: not known.
    """
    B, A = len(utterances), utterances[0].shape[1]
    T, S = max(map(len, utterances)), 2 * max(map(len, targets)) + 1
    extended = [extend(target, blank) for target in targets]
    tops = [log_y.max(axis=1, keepdims=True) for log_y in utterances]
    emitted, skip = np.zeros((T, 2 * B, S)), np.zeros((2 * B, S))
    for b, (log_y, top, states) in enumerate(zip(utterances, tops, extended, strict=True)):
        e = np.exp(log_y - top)[:, states]
        n, s = e.shape
        emitted[:n, b, :s], emitted[:n, B + b, :s] = e, e[::-1, ::-1]
        allowed = may_skip(states, blank)
        skip[b, :s], skip[B + b, 2:s] = allowed, allowed[2:][::-1]
    padded = np.zeros((T, 2 * B, S + 2))  # two states before the first, always zero, so that no index can wrap
    ways = padded[:, :, 2:]
    ways[0, :, :2] = emitted[0, :, :2]
    log_scale = np.zeros(B)
    frames = list(zip(ways, padded[:, :, 1:-1], padded[:, :, :-2], ways[1:], emitted[1:], strict=False))
    lengths = np.array([len(log_y) for log_y in utterances])
    for start in range(0, T - 1, _RESCALE_EVERY):
        for stay, advance, over, now, e in frames[start : start + _RESCALE_EVERY]:
            np.multiply(over, skip, out=now)
            now += advance
            now += stay
            now *= e
        t = min(start + _RESCALE_EVERY, T - 1)
        total = ways[t].sum(axis=1)
        total[total == 0] = 1
        ways[t] /= total[:, None]
        log_scale[t < lengths] += np.log(total[:B][t < lengths])
    for b, (log_y, top, states) in enumerate(zip(utterances, tops, extended, strict=True)):
        n, s = len(log_y), len(states)
        alpha, beta, e = ways[:n, b, :s], ways[n - 1 :: -1, B + b, s - 1 :: -1][:n], emitted[:n, b, :s]
        both = np.divide(beta, e, out=np.zeros((n, s)), where=e > 0)  # e is in alpha and in beta ...
        both *= alpha  # ... and dividing first keeps e × e from underflowing
        share = both.sum(axis=1, keepdims=True)
        if share.min() < _SMALLEST_SHARE:
            yield np.inf, None
            continue
        both /= share
        last = np.log(alpha[-1, -2:].sum()) + log_scale[b] + top.sum()
        yield -float(last), _by_symbol(both, states, A)


def _log_forward(log_e: NDArray, skip: NDArray) -> tuple[NDArray, NDArray]:
    """Sum over all ways into each state, with the frame's own (T, D, S) log-probability and without, D graphs at once."""
    T, D, S = log_e.shape
    padded = np.full((T, D, S + 2), -np.inf)
    alpha, incoming = padded[:, :, 2:], np.full((T, D, S), -np.inf)
    closed = np.where(skip, 0.0, -np.inf)
    incoming[0, :, :2] = 0
    alpha[0] = incoming[0] + log_e[0]
    for t in range(1, T):
        stay, advance, over = alpha[t - 1], padded[t - 1, :, 1:-1], padded[t - 1, :, :-2] + closed
        top = np.maximum(np.maximum(stay, advance), over)
        safe = np.where(top == -np.inf, 0, top)  # −∞ − −∞ is not a number
        with np.errstate(divide="ignore"):
            incoming[t] = safe + np.log(np.exp(stay - safe) + np.exp(advance - safe) + np.exp(over - safe))
        alpha[t] = incoming[t] + log_e[t]
    return alpha, incoming


def _by_symbol(states: NDArray, extended: NDArray, A: int) -> NDArray[np.float64]:
    """Add up the (T, S) values of all states that show the same symbol; returns (T, A)."""
    shows = np.zeros((len(extended), A))
    shows[np.arange(len(extended)), extended] = 1
    return states @ shows


def _gradient(occupancy: NDArray, log_y: NDArray, wrt: str) -> NDArray[np.float64]:
    if wrt == "logits":
        return np.exp(log_y) - occupancy if occupancy.any() else np.zeros_like(log_y)
    if wrt == "log_probabilities":
        return -occupancy
    raise ValueError(f"wrt is {wrt!r}; choose 'logits', 'log_probabilities' or 'probabilities'")


def check_blank(blank: int, A: int) -> None:
    """Raise a ValueError unless ``blank`` is one of A columns."""
    try:
        inside = 0 <= index(blank) < A
    except TypeError:
        inside = False
    if not inside:
        raise ValueError(f"blank is {blank}, but log_y has {A} columns: it must be a whole number from 0 to {A - 1}")


def _check_labels(target: ArrayLike, A: int, blank: int) -> NDArray[np.intp]:
    target = check_target(target, A)
    check_blank(blank, A)
    if (target == blank).any():
        i = int(np.flatnonzero(target == blank)[0])
        raise ValueError(
            f"target[{i}] is the blank, {blank}; a target has symbols only, blanks are put in by the algorithm"
        )
    return target


def _say_infeasible(target: NDArray, T: int) -> str:
    fewest = fewest_frames(target.tolist())
    if fewest > T:
        repeats = fewest - len(target)
        return (
            f"target has {len(target)} symbols, {repeats} of them equal to the one before, but log_y only {T} frames: "
            f"the smallest T that would do is {fewest}"
        )
    return "every alignment of the target to log_y has probability zero; the zeros in log_y forbid it"
