"""Forced alignment against the general Viterbi decoder of librosa, on the same problem."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Cell, Grid, Pair, cells, compare, named, one_thread
from course_utils import viterbi

SYMBOLS = 100  # at most, and as few as 10 where the target is short: ours looks through all of them, the peer sees only its own
ALL = cells(T=[20, 100, 1000, 5000, 20_000], K=[2, 10, 100, 500])


def why_left_out(T: int, K: int) -> str:
    """Say why a cell is not measured; nothing where it is."""
    if K > T:
        return "more symbols than frames"
    return "the peer takes half a minute for each turn" if T * K**2 > 2e9 else ""


CELLS = [cell for cell in ALL if not why_left_out(**cell)]
LEFT_OUT = tuple(f"{named(cell)}: {why}" for cell in ALL if (why := why_left_out(**cell)))


def bar(T: int, K: int) -> float:
    """How many times the peer's time it may take; the peer's grows with the square of K."""
    return 0.1 if (T, K) == (1000, 100) else 0.8


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


def ours(log_y: NDArray, target: NDArray) -> NDArray:
    """Return the (T,) positions of the best path."""
    return viterbi.align(log_y, target).path


def prepare(T: int, K: int) -> Pair:
    """Make both ready for one long alignment, after checking that they agree on it."""
    import librosa.sequence

    log_y, target = random_case(np.random.default_rng(0), T, max(10, min(K, SYMBOLS)), K)
    prob, transition, p_init = peer_problem(log_y, target)

    def peer() -> NDArray:
        return librosa.sequence.viterbi(prob, transition, p_init=p_init)

    # The first call compiles both. What the peer's arguments cost to make is not counted against it.
    if not np.array_equal(peer(), ours(log_y, target)):
        raise AssertionError(f"the two find different paths for T={T}, K={K}")
    return lambda: ours(log_y, target), peer


def measure(cells: list[Cell] = CELLS, **timing) -> list[Grid]:
    """Time both on one thread."""
    what = (
        f"forced alignment of K symbols, of an alphabet of 10 to {SYMBOLS}, to T frames; peer: librosa.sequence.viterbi"
    )
    with one_thread():
        return [compare(what, cells, prepare, bar, left_out=LEFT_OUT, **timing)]
