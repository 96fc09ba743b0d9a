"""Forced alignment: trellis, back-pointers and the way back as loops (sections 8.3 to 8.7), compiled at the first call.

:mod:`course_utils.viterbi` has the same in NumPy.
"""

import numpy as np

from course_utils.compiled.numbers import loop

_INF = float("inf")


@loop
def best_path(log_y, target, ties_advance, trellis, advanced, path):
    """Fill the (T, K) trellis and its back-pointers, and the (T,) path, from (T, A) log-probabilities."""
    T, K = trellis.shape
    for i in range(K):
        trellis[0, i], advanced[0, i] = -_INF, False
    trellis[0, 0] = log_y[0, target[0]]
    for t in range(1, T):
        y, before, now, came = log_y[t], trellis[t - 1], trellis[t], advanced[t]
        now[0], came[0] = before[0] + y[target[0]], False
        for i in range(1, K):
            stay, advance = before[i], before[i - 1]
            came[i] = advance > stay or (ties_advance and advance == stay and advance > -_INF)
            now[i] = (advance if advance > stay else stay) + y[target[i]]
    i = K - 1
    for t in range(T - 1, -1, -1):
        path[t] = i
        i -= advanced[t, i]


@loop
def best_score(log_y, target, column):
    """Carry a column of the trellis through some frames: (K + 1,), of which entry 0 stands before the first position."""
    for t in range(len(log_y)):
        y = log_y[t]
        for i in range(len(target), 0, -1):  # downwards, so that what is read has not been written yet
            stay, advance = column[i], column[i - 1]
            column[i] = (advance if advance > stay else stay) + y[target[i - 1]]
        column[0] = -_INF


ENTRIES = (best_path, best_score)


def warm_up() -> None:
    """Compile, or read what was compiled before."""
    table, target = np.zeros((1, 1)), np.zeros(1, np.int64)
    best_path(table, target, False, table.copy(), np.zeros((1, 1), bool), target.copy())
    best_score(table, target, np.zeros(2))
