"""Paths through a lattice: T frames by S states, from left to right (sections 8.3 and 9.3 to 9.5).

At every frame a path stays in its state, advances by one, or skips one state where that is open. The paths of forced
alignment and the alignments of CTC are both paths of such a lattice, so both are summed, and searched, here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils import extended_range
from course_utils.extended_range import Pair


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over all paths; logarithms are natural, -inf: no path.

    Attributes
    ----------
    alpha
        (T, S) log of all ways from the start to state i at frame t, that frame's probability included.
    incoming
        (T, S) the same without that frame's probability: the sum over the two or three ways in.
    beta
        (T, S) log of all ways from state i at frame t to the end, that frame's probability excluded.
    gamma
        (T, S) share of the paths that are in state i at frame t; zeros where there is no path.
    slope
        (T, S) derivative of ``log_p`` with respect to the probability that state i gives to frame t, taken as free to
        change by itself: gamma divided by that probability, and defined where it is 0 as well.
    log_p
        Log of the sum over all paths.
    """

    alpha: NDArray[np.float64]
    incoming: NDArray[np.float64]
    beta: NDArray[np.float64]
    gamma: NDArray[np.float64]
    slope: NDArray[np.float64]
    log_p: float


def sums(log_e: NDArray, closed: NDArray) -> Sums:
    """Run forwards and backwards over all paths.

    Parameters
    ----------
    log_e
        (T, S) log-probability that each state gives to each frame.
    closed
        (S,) 0 where a state may be entered over the one before, else −inf. ``closed[1]`` says whether a path may start
        in state 1 as well, and then it may also end in the last state but one.
    """
    T, S = log_e.shape
    floor = extended_range.lowest(T)
    # Backwards is forwards on the reversed graph; without the frame's own probability, it is what comes in there.
    closed_back = closed.copy()
    closed_back[2:] = closed[2:][::-1]
    both = np.stack([log_e, log_e[::-1, ::-1]], axis=1)
    incoming, ways = _walk(extended_range.split(both, floor), np.stack([closed, closed_back]))
    alpha, into = (ways[0][:, 0], ways[1][:, 0]), (incoming[0][:, 0], incoming[1][:, 0])
    beta = incoming[0][::-1, 1, ::-1], incoming[1][::-1, 1, ::-1]
    ends = 2 if S > 1 and closed[1] == 0 else 1
    total = extended_range.add(*((alpha[0][-1, -n], alpha[1][-1, -n]) for n in range(1, ends + 1)))
    log_p = float(extended_range.log(*total))
    if -np.inf < log_p < floor / 2:  # what is written to forbid is on every path; its sum on the best one says it all
        log_p = float(best_ways(log_e, closed)[0][-1, -ends:].max())
    through = alpha[0] * beta[0], alpha[1] + beta[1]
    gamma = extended_range.ratios(through, through)
    slope = extended_range.ratios((into[0] * beta[0], into[1] + beta[1]), through)
    alpha, into, beta = (extended_range.log(*pair) for pair in (alpha, into, beta))
    return Sums(alpha, into, beta, gamma, slope, log_p)


def best_ways(log_e: NDArray, closed: NDArray) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Fill the (T, S) trellis of best paths, with the arguments of :func:`sums`, and how many states each best way advances."""
    T, S = log_e.shape
    padded = np.full((T + 1, S + 2), -np.inf)  # two states before the first, so that no index can wrap
    padded[0, 1] = 0  # from which the first states are entered
    came = np.empty((T, S), dtype=np.intp)
    for before, now, back, log_p in zip(padded[:-1], padded[1:], came, log_e, strict=True):
        ways = np.stack([before[2:], before[1:-1], before[:-2] + closed])
        ways.argmax(axis=0, out=back)
        np.add(ways.max(axis=0), log_p, out=now[2:])
    came[0] = 0  # nothing comes before the first frame
    return padded[1:, 2:], came


def _walk(e: Pair, closed: NDArray) -> tuple[Pair, Pair]:
    """Sum over all ways into each state of D graphs at once, without and with the frame's own (T, D, S) probability."""
    T, D, S = e[0].shape
    ways, exponents = np.zeros((T + 1, D, S + 2)), np.full((T + 1, D, S + 2), -np.inf)
    into, into_exponents = np.empty((T, D, S)), np.empty((T, D, S))
    ways[0, :, 1], exponents[0, :, 1] = 1, 0  # before the first state, from where the first ones are entered
    for t in range(T):
        m, x = ways[t], exponents[t]
        now = extended_range.add(
            (m[:, 2:], x[:, 2:]), (m[:, 1:-1], x[:, 1:-1]), (m[:, :-2], x[:, :-2] + closed)
        )  # stay, advance, skip
        into[t], into_exponents[t] = now
        ways[t + 1, :, 2:], exponents[t + 1, :, 2:] = extended_range.multiply(now, (e[0][t], e[1][t]))
    return (into, into_exponents), (ways[1:, :, 2:], exponents[1:, :, 2:])
