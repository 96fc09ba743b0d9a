"""Exact answers for problems with numbers of every size, written without the package.

Every float of a table of log-probabilities is taken as the exact number that it is. Exponentials have 60 digits and an
exponent without bounds, so that e^(−1e30) is a number like any other: nothing underflows, and the smallest share is
told from zero.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import mpmath
import numpy as np

wide = mpmath.mp.clone()
wide.dps = 60
ZERO, ONE = wide.mpf(0), wide.mpf(1)
SMALL_MASKS = (-1e4, -1e9, -1e12, -1e14)
LARGE_MASKS = (-1e17, -1e30, float(np.finfo(float).min) / 1e3)
FRAMES = ((1, 8), (9, 20), (21, 60))


# -- sums and maxima over paths


@dataclass(frozen=True, eq=False)
class Sum:
    """Exact sum over all paths of a graph of S states, rounded to floats at the very end.

    ``total`` is the natural log of the sum, -inf where it is zero, and all tables are zero then. ``gamma`` (T, S) is the
    share of each state; ``slope`` (T, S) its quotient by the probability that the state gives to the frame, as it is
    where that is zero, and inf where no float is large enough; ``states`` (S,) the column of each state.
    """

    total: float
    gamma: np.ndarray
    slope: np.ndarray
    states: np.ndarray

    def by_symbol(self, table, A):
        """(T, A): add up the columns of a (T, S) table that show the same symbol."""
        found = np.zeros((len(table), A))
        with np.errstate(over="ignore"):
            for values, symbol in zip(table.T, self.states, strict=True):
                found[:, symbol] += values
        return found


def exact_y(log_y):
    """(T, A) probabilities as numbers of 60 digits."""
    different, places = np.unique(log_y, return_inverse=True)
    values = np.array([ZERO if v == -np.inf else wide.exp(wide.mpf(v)) for v in different.tolist()], dtype=object)
    return values[places.reshape(log_y.shape)]


def exact_ctc(y, target, blank):
    """Sum over all alignments of a target, from the exact probabilities ``y``."""
    return _sum(y, *_with_blanks(target, blank))


def exact_log_p(y, target, blank):
    """Natural log of that sum, without the tables."""
    states, skips = _with_blanks(target, blank)
    ways = _ways(y[:, states], skips)[-1] * y[-1, states]
    total = ways[-2:].sum()
    return -np.inf if total == 0 else float(wide.log(total))


def exact_grid(y, target):
    """Sum over all paths that visit the positions of a target one after the other, with no blank."""
    return _sum(y, [int(symbol) for symbol in target], [False] * len(target))


def _with_blanks(target, blank):
    """Return the columns of the 2 K + 1 states of a target, and which may be entered from two states before."""
    states = [blank]
    for symbol in target:
        states += [int(symbol), blank]
    # Two states before state 1 paths start, so they may begin there as well.
    return states, [i % 2 == 1 and (i == 1 or states[i] != states[i - 2]) for i in range(len(states))]


def _sum(y, states, skips):
    e, T, S = y[:, states], len(y), len(states)
    into = _ways(e, skips)
    # Backwards is forwards on the reversed graph, and begins in the last state, or over the last blank.
    out = _ways(e[::-1, ::-1], skips[:2] + skips[2:][::-1])[::-1, ::-1]
    slope, states = into * out, np.array(states, dtype=int)
    total = (slope[0] * e[0]).sum() if S else ZERO
    if total == 0:
        return Sum(-np.inf, np.zeros((T, S)), np.zeros((T, S)), states)
    slope = slope * (ONE / total)
    return Sum(float(wide.log(total)), (slope * e).astype(float), slope.astype(float), states)


def _ways(e, skips):
    """(T, S) sums over all ways into each state, without the frame's own probability."""
    T, S = e.shape
    into = np.full((T, S), ZERO, dtype=object)
    before = [ZERO, ONE] + [ZERO] * S  # two states before the first: paths start from the second of them
    for t in range(T):
        for i in range(S):
            into[t, i] = before[i + 2] + before[i + 1] + (before[i] if skips[i] else ZERO)
        before = [ZERO, ZERO, *(into[t] * e[t])]
    return into


def exact_best(log_y, target, blank=None):
    """Natural log of the best path: of the alignments where there is a blank, else through the positions."""
    states, skips = [int(symbol) for symbol in target], [False] * len(target)
    if blank is not None:
        states, skips = _with_blanks(target, blank)
    nowhere = -wide.inf
    best = [nowhere, ZERO] + [nowhere] * len(states)  # as in _ways
    for frame in log_y.tolist():
        came = [max(best[i + 1 : i + 3] + best[i : i + skips[i]]) for i in range(len(states))]
        best = [nowhere, nowhere, *(way + wide.mpf(frame[column]) for way, column in zip(came, states, strict=True))]
    return float(max(best[-1:] if blank is None else best[-2:]))


# -- problems


@dataclass(frozen=True, eq=False)
class Problem:
    """(T, A) natural log-probabilities of a kind, a target without blanks, and the column of the blank."""

    kind: str
    log_y: np.ndarray
    target: np.ndarray
    blank: int

    @cached_property
    def y(self):
        """(T, A) exact probabilities."""
        return exact_y(self.log_y)

    @cached_property
    def exact(self):
        """The exact sum over all alignments."""
        return exact_ctc(self.y, self.target, self.blank)

    def __str__(self):
        return f"{self.kind}: log_y = {self.log_y.tolist()}, target = {self.target.tolist()}, blank = {self.blank}"


def log_softmax(logits, dtype=np.float64):
    """(T, A) natural log-probabilities, in the precision of ``dtype``."""
    logits = np.asarray(logits, dtype=dtype)
    with np.errstate(under="ignore"):
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def edge_problem(rng):
    """Draw a problem from :data:`KINDS`: one frame or sixty, empty targets and such as just fit or just do not."""
    shortest, longest = FRAMES[rng.choice(len(FRAMES), p=[0.8, 0.19, 0.01])]
    T = int(rng.integers(shortest, longest + 1))
    A = int(rng.integers(1, 9))
    blank = int(rng.choice([0, A // 2, A - 1]))
    kind = str(rng.choice(list(KINDS)))
    return Problem(kind, np.float64(KINDS[kind](rng, T, A)), _target(rng, T, A, blank), blank)


def _target(rng, T, A, blank):
    """Draw a target that needs up to T frames, often exactly T, and now and then T + 1."""
    symbols = [k for k in range(A) if k != blank]
    needs = int(rng.choice([rng.integers(0, T + 1), T, T + 1], p=[0.75, 0.15, 0.1]))
    repeats, target = rng.choice([0.0, 0.3, 1.0]), []
    while symbols:
        symbol = target[-1] if target and rng.random() < repeats else int(rng.choice(symbols))
        if frames_for([*target, symbol]) > needs:
            break
        target.append(symbol)
    return np.array(target, dtype=int)


def frames_for(target):
    """Count the frames that a target needs: one a symbol, and one for a blank between equal neighbours."""
    return len(target) + sum(a == b for a, b in pairwise(target))


def _some(rng, T, A, share):
    """(T, A) which entries to forbid: each with a probability, or whole columns; one of each row is always left."""
    chosen = rng.random((T, A) if rng.random() < 0.6 else (1, A)) < share
    chosen = np.broadcast_to(chosen, (T, A)).copy()
    if rng.random() < 0.5:
        chosen[:, rng.integers(A)] = False
    chosen[np.arange(T), rng.integers(A, size=T)] &= ~chosen.all(axis=1)
    return chosen


def _smooth(rng, T, A):
    return log_softmax(rng.normal(0, 2, (T, A)))


def _zeros(rng, T, A):
    return log_softmax(np.where(_some(rng, T, A, rng.choice([0.2, 0.5, 0.8])), -np.inf, rng.normal(0, 2, (T, A))))


def _mask(value):
    def masked(rng, T, A):
        return log_softmax(np.where(_some(rng, T, A, rng.choice([0.2, 0.5, 0.8])), value, rng.normal(0, 2, (T, A))))

    return masked


def _any_mask(rng, T, A):
    return _mask(-(10 ** rng.uniform(2, 14)))(rng, T, A)


def _mixed_masks(rng, T, A):
    """Zeros, small masks and one large one: beyond some 1e16 nats, one thing is as impossible as another."""
    values = rng.choice([-np.inf, *SMALL_MASKS[:3], rng.choice(LARGE_MASKS)], (T, A))
    return log_softmax(np.where(_some(rng, T, A, 0.5), values, rng.normal(0, 2, (T, A))))


def _peaked(scale):
    return lambda rng, T, A: log_softmax(rng.normal(0, scale, (T, A)))


def _ties(rng, T, A):
    return log_softmax(rng.choice([0.0, 0.0, -40.0], (T, A)))


def _coarse(rng, T, A):
    return log_softmax(np.log(rng.integers(1, 10, (T, A))))


def _uniform(rng, T, A):
    return log_softmax(np.zeros((T, A)))


def _denormal(rng, T, A):
    """Frames whose smaller probabilities are denormal numbers or just below the smallest one."""
    logits = rng.normal(0, 2, (T, A))
    frames = np.arange(T) == 0 if rng.random() < 0.5 else rng.random(T) < 0.5
    logits[frames] = rng.uniform(-747, -705, (frames.sum(), A))
    logits[frames, rng.integers(A)] = 0
    return log_softmax(logits)


def _certain_float32(rng, T, A):
    """What a confident network answers in float32: rows whose probabilities sum to a little more than 1, or less."""
    logits = rng.normal(0, 3, (T, A))
    logits[np.arange(T), rng.integers(A, size=T)] += rng.uniform(5, 25, T)
    return log_softmax(logits, np.float32)


KINDS = {
    "smooth": _smooth,
    "zeros": _zeros,
    **{f"mask {value:.0e}": _mask(value) for value in SMALL_MASKS + LARGE_MASKS},
    "any mask": _any_mask,
    "mixed masks": _mixed_masks,
    "peaked 60": _peaked(60),
    "peaked 100": _peaked(100),
    "peaked 400": _peaked(400),
    "ties": _ties,
    "coarse": _coarse,
    "uniform": _uniform,
    "denormal": _denormal,
    "certain float32": _certain_float32,
}
