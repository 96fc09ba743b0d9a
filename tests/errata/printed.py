"""What the guards of chapter 9 share: its worked table, the slow way to a probability, and what the notes print."""

import numpy as np
from enumeration import labels_by_string, merge_runs

from course_utils.ctc import extend, forward_backward
from course_utils.examples import CTC_SYMBOLS, CTC_Y

LOG_Y = np.log(CTC_Y)


def columns(string):
    return [CTC_SYMBOLS.index(name) for name in string]


def probability(log_y, target):
    return np.exp(forward_backward(log_y, target).log_p)


def enumerated(y, target):
    """Probability of a target: list all label sequences, keep those that collapse to it, add up their products."""
    y = np.asarray(y)
    labels = labels_by_string(y.shape[1], len(y), 0).get(tuple(target), np.empty((0, len(y)), dtype=int))
    return y[np.arange(len(y)), labels].prod(axis=1).sum()


def remove_then_merge(labels, blank=0):
    """Collapse as section 9.3.1 prints it."""
    return merge_runs([label for label in labels if label != blank])


def forward_as_printed(y, target):
    """Section 9.9.1 with every index less one: returns the probability, in products."""
    extended = extend(target).tolist()
    alpha = np.zeros((len(y), len(extended)))
    alpha[0, 0], alpha[0, 1] = y[0][0], y[0][target[0]]
    for t in range(1, len(y)):
        for i, k in enumerate(extended):
            if i == 0:
                ways = alpha[t - 1, 0]
            elif k == 0 or k == extended[i - 2]:
                ways = alpha[t - 1, i] + alpha[t - 1, i - 1]
            else:
                ways = alpha[t - 1, i] + alpha[t - 1, i - 1] + alpha[t - 1, i - 2]
            alpha[t, i] = y[t][k] * ways
    return alpha[-1, -1] + alpha[-1, -2]
