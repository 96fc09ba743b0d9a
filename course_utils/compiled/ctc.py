"""Losses and gradients of CTC for whole batches (sections 9.3 to 9.5), compiled at the first call.

:func:`course_utils.ctc.forward_backward` is the same in NumPy, with all its tables.
"""

import numpy as np

from course_utils.compiled.lattice import fill, sum_over_paths
from course_utils.compiled.numbers import exponentials, loop, scratch, total

_INF = float("inf")
DONE = -1


@loop
def losses_and_gradients(
    log_y,
    lengths,
    targets,
    ends,
    blank,
    tolerance,
    floor,
    add_y,
    losses,
    gradients,
    flat_log_y,
    flat_gradients,
    bits,
    power,
):
    """Fill the (B,) losses and (B, T, A) gradients of a batch; return DONE, or the first utterance that is malformed.

    ``log_y`` is (B, T, A), of which ``lengths[b]`` frames count. All targets stand one behind the other in ``targets``,
    that of utterance b before ``ends[b]``. A row of probabilities may sum to anything within ``tolerance`` of 1. The
    gradient is y − occupancy where ``add_y`` is set, else −occupancy. The last four are ``log_y`` and ``gradients`` once
    more, as (B, T A), and what :func:`scratch` returns.
    """
    start, A = 0, log_y.shape[2]
    for b in range(len(log_y)):
        target, start, T = targets[start : ends[b]], ends[b], lengths[b]
        exponentials(flat_log_y[b, : T * A], flat_gradients[b, : T * A], bits, power)
        for t in range(T):
            if not abs(total(gradients[b, t]) - 1) <= tolerance:  # so that NaN is malformed
                return b
        fill(flat_gradients[b, T * A :], 0.0)
        S = 2 * len(target) + 1
        column, closed = np.empty(S, np.int64), np.empty(S)
        for i in range(S):
            column[i] = target[i // 2] if i % 2 else blank
            closed[i] = 0.0 if i == 1 or (i % 2 and column[i] != column[i - 2]) else -_INF
        # Rounding, and rows that sum to a little more than one, may bring a loss below 0.
        losses[b] = max(0.0, sum_over_paths(log_y[b, :T], column, closed, floor, add_y, gradients[b, :T]))
    return DONE


ENTRIES = (losses_and_gradients,)


def warm_up() -> None:
    """Compile, or read what was compiled before."""
    log_y, gradients = np.full((1, 2, 2), np.log(0.5)), np.empty((1, 2, 2))
    losses_and_gradients(
        log_y, np.array([2]), np.array([1]), np.array([1]), 0, 1e-4, -1e9, True, np.empty(1), gradients,
        log_y.reshape(1, 4), gradients.reshape(1, 4), *scratch(),
    )  # fmt: skip
