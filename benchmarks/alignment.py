"""Forced alignment against the general Viterbi decoder of librosa, on the same problem."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Result, medians
from course_utils import viterbi

BAR = 0.25
FRAMES, SYMBOLS, LENGTH = 1000, 100, 100


def random_case(rng: np.random.Generator, T: int, A: int, K: int) -> tuple[NDArray, NDArray]:
    """Draw (T, A) log-probabilities, as a fair model would give them, and a target of K symbols.

    Neighbours in the target differ: between equal ones it is all the same where a path advances, and the two decide
    such ties differently. And no path is so improbable that it matters that the peer takes the logarithm of zero to be −708.
    """
    target = np.cumsum(rng.integers(1, A, size=K)) % A
    positions = np.sort(np.append(rng.integers(K, size=T - K), np.arange(K)))
    logits = rng.normal(size=(T, A))
    logits[np.arange(T), target[positions]] += 2
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), target


def peer_problem(log_y: NDArray, target: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Put forced alignment into the terms of a hidden Markov model: ``prob``, ``transition`` and ``p_init``.

    One state for each position of the target; it stays with probability 1/2 and advances with 1/2, so that every
    path has the same T − 1 factors and the transitions decide nothing. For that to hold in the last position as
    well, it too may advance: to one more state, which emits nothing and so is on no path. Were the last position to
    stay with probability 1 instead, paths that get there early would be preferred.

    librosa's path ends wherever the last frame is best. Forced alignment ends in the last position, so in the last
    frame only that one has a probability above zero.
    """
    T, K = len(log_y), len(target)
    prob = np.zeros((K + 1, T))
    prob[:K] = np.exp(log_y[:, target]).T
    prob[: K - 1, -1] = 0
    transition = np.zeros((K + 1, K + 1))
    for i in range(K):
        transition[i, i] = transition[i, i + 1] = 0.5
    transition[K, K] = 1
    return prob, transition, np.eye(K + 1)[0]


def measure(repetitions: int = 15) -> list[Result]:
    """Time both on one long alignment, after checking that they agree on it."""
    import librosa.sequence

    log_y, target = random_case(np.random.default_rng(0), FRAMES, SYMBOLS, LENGTH)
    prob, transition, p_init = peer_problem(log_y, target)
    # The first call compiles the peer. What its arguments cost to make is not counted against it.
    path = librosa.sequence.viterbi(prob, transition, p_init=p_init)
    if not np.array_equal(path, viterbi.align(log_y, target).path):
        raise AssertionError("the two find different paths")
    ours, peer = medians(
        lambda: viterbi.align(log_y, target),
        lambda: librosa.sequence.viterbi(prob, transition, p_init=p_init),
        repetitions,
    )
    return [Result(f"align {LENGTH} symbols to {FRAMES} frames; peer: librosa.sequence.viterbi", ours, peer, BAR)]
