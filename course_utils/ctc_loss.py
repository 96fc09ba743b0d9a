"""The loss of CTC and its gradient, of one utterance and of ragged batches (section 9.7)."""

from collections.abc import Sequence
from operator import index
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled, extended_range
from course_utils.alignment import InfeasibleError
from course_utils.compiled import plain
from course_utils.ctc import Wrt, best_alignment, check_labels, forward_backward_unchecked, say_infeasible
from course_utils.posteriors import ROW_SUM_TOLERANCE, as_table, check_blank, check_log_probabilities

Infeasible = Literal["inf", "raise"]


def loss_and_gradient(
    log_y: ArrayLike, target: ArrayLike, blank: int = 0, *, wrt: Wrt = "logits", infeasible: Infeasible = "inf"
) -> tuple[float, NDArray[np.float64]]:
    """Loss of one utterance, −ln P(target), and its gradient.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities; -inf is allowed.
    target
        (K,) column indices without the blank; may be empty.
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
    target = check_labels(target, log_y.shape[1], blank)
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
            raise InfeasibleError(say_infeasible(targets[b], lengths[b], where))
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
        tables = forward_backward_unchecked(rows, target, blank)
        losses[b], gradients[b, :T] = tables.loss, tables.gradient(wrt)
    return losses, gradients


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
    return [check_labels(target, A, blank, f"targets[{b}]") for b, target in enumerate(targets)]
