"""Reading a string off the probabilities of CTC: greedy, beam over alignments, prefix beam (section 9.8).

Finding the most probable string exactly means looking at all of them, so these are searches. A score that a search
reports is what it has found, a lower bound of the string's log-probability.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from numbers import Real
from operator import index

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled
from course_utils.compiled import plain
from course_utils.ctc import collapse, forward_backward_unchecked
from course_utils.posteriors import check_blank, check_log_probabilities, looks_like_probabilities


@dataclass(frozen=True)
class Hypothesis:
    """A string of column indices, without blanks, and the log-probability that was found for it.

    ``score`` is what hypotheses are ranked by: ``log_p``, plus the language model and after normalisation by length
    where these are asked for.
    """

    labels: tuple[int, ...]
    log_p: float
    score: float


def greedy(log_y: ArrayLike, blank: int = 0) -> tuple[int, ...]:
    """Collapse the most probable symbol of each frame.

    Where symbols tie at a frame, the lowest column index wins, so with the blank in column 0 the blank does.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities.
    blank
        Column of the blank.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    log_y = _checked(log_y, blank, 1)
    return collapse(log_y.argmax(axis=1).tolist(), blank)


def best_string(log_y: ArrayLike, blank: int = 0, max_length: int | None = None) -> list[Hypothesis]:
    """Rank all strings of up to ``max_length`` symbols by their exact probability. For small cases only.

    Parameters are those of :func:`greedy`; ``max_length`` is T where it is not given.
    """
    return best_string_unchecked(_checked(log_y, blank, 1), blank, max_length)


def best_string_unchecked(
    log_y: NDArray[np.float64], blank: int = 0, max_length: int | None = None
) -> list[Hypothesis]:
    """Do what :func:`best_string` does with a table that has been checked."""
    T, A = log_y.shape
    symbols = [k for k in range(A) if k != blank]
    found = []
    for L in range((T if max_length is None else max_length) + 1):
        for labels in product(symbols, repeat=L):
            log_p = forward_backward_unchecked(log_y, labels, blank).log_p
            if log_p > -inf:
                found.append(Hypothesis(labels, log_p, log_p))
    return sorted(found, key=lambda h: (-h.score, h.labels))


@np.errstate(under="ignore")
def beam_search(log_y: ArrayLike, blank: int = 0, width: int = 32) -> list[Hypothesis]:
    """Keep the ``width`` best *alignments* at every frame, and add up those that collapse alike only at the end.

    This is what the words "beam search" suggest, and it is not what one wants: alignments of one string compete with
    one another. :func:`prefix_beam_search` mends that.
    """
    log_y = _checked(log_y, blank, width)
    alive = {(): 0.0}
    for frame in log_y:
        grown = {(*path, k): score + p for path, score in alive.items() for k, p in enumerate(frame.tolist())}
        alive = dict(sorted(grown.items(), key=lambda item: (-item[1], item[0]))[:width])
    totals: dict[tuple, float] = {}
    for path, score in alive.items():
        labels = collapse(path, blank)
        totals[labels] = float(np.logaddexp(totals.get(labels, -inf), score))
    found = ((labels, min(total, 0.0)) for labels, total in totals.items() if total > -inf)
    return sorted((Hypothesis(labels, p, p) for labels, p in found), key=lambda h: (-h.score, h.labels))


def prefix_beam_search(
    log_y: ArrayLike,
    blank: int = 0,
    width: int = 32,
    *,
    n_best: int = 1,
    log_bigram: ArrayLike | None = None,
    lm_weight: float = 1.0,
    length_exponent: float = 0.0,
    symbol_floor: float = -inf,
    beam_distance: float = inf,
) -> list[Hypothesis]:
    """Keep the ``width`` best *prefixes* at every frame, each with two probabilities.

    A prefix is reached by alignments that end in a blank and by alignments that end in its last symbol. The two
    must be kept apart: repeating the last symbol extends the prefix after a blank, and leaves it as it is
    otherwise. With a width that holds all prefixes, and without further pruning, the probabilities are exact. After
    Hannun et al. (2014), "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
    DNNs", algorithm 1.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities.
    blank
        Column of the blank.
    width
        How many prefixes survive a frame. Which of several equal ones do at the edge of the beam is not specified.
    n_best
        How many hypotheses to return, at most.
    log_bigram
        (A, A) natural log of P(symbol j | symbol i before it) at ``[i, j]``; the row of the blank is for the first
        symbol of a string.
    lm_weight
        What the bigram log-probabilities are multiplied by.
    length_exponent
        At the end, scores are divided by the length of the string to this power; the empty string is then ranked
        last, because the quotient is undefined for it.
    symbol_floor
        Symbols, the blank too, whose log-probability at a frame is below this one are passed over there, but for the
        most probable one. Most frames of a trained network are sure of their symbol, so −5 spares most of the work, at
        the price of what is passed over. By default none is.
    beam_distance
        After each frame, prefixes whose score is more than this below the best one's, in nats, are dropped as well. By
        default none is.

    Returns
    -------
    list of Hypothesis
        The best first; equal scores in the order of their labels. Empty where the model forbids every string.

    Raises
    ------
    ValueError
        Malformed arguments.
    """
    log_y = _checked(log_y, blank, width)
    check_count(n_best, "n_best")
    _check_settings(lm_weight, length_exponent, symbol_floor, beam_distance)
    T, A = log_y.shape
    weights = np.empty((0, 0))
    if log_bigram is not None and lm_weight != 0:
        weights = lm_weight * _check_model(log_bigram, A)
    most = 1  # there are no more prefixes than strings of up to T symbols
    for _ in range(T):
        if most >= width:
            break
        most = min(most * A + 1, width)
    run = compiled.loops("decoding")
    search = _prefix_beam if run is None else run.prefix_beam
    nodes, log_p, added, above, symbol, depth = search(
        plain(log_y), index(blank), most, plain(weights), float(symbol_floor), float(beam_distance)
    )
    log_p = np.minimum(log_p, 0.0)  # rounding may lift that of a certain string above it
    scores, lengths = log_p + added, depth[nodes]
    ranks = _ranks(scores, lengths, length_exponent)
    if len(ranks) > n_best:  # spelling takes time: leave out what cannot be among the best
        among = np.flatnonzero(ranks <= np.partition(ranks, n_best - 1)[n_best - 1])
    else:
        among = np.arange(len(ranks))
    found = []
    for row in among.tolist():
        labels = _spell(int(nodes[row]), int(lengths[row]), above, symbol)
        score = _divided(float(scores[row]), len(labels), length_exponent)
        found.append((ranks[row], labels, Hypothesis(labels, float(log_p[row]), score)))
    return [hypothesis for *_, hypothesis in sorted(found)[:n_best]]


def _ranks(scores: NDArray, lengths: NDArray, exponent: float) -> NDArray[np.float64]:
    """Return what to sort scores by, ascending, when each is to be divided by its length to a power.

    They are compared by sign and logarithm, because the quotients may be beyond all floats. The empty string comes last.
    """
    if not exponent:
        return -scores
    sign = np.where(lengths > 0, np.sign(scores), -2)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(np.abs(scores)) - exponent * np.log(lengths)
    size = np.where(np.abs(sign) == 1, -sign * size, 0.0)
    order = np.lexsort((size, -sign))
    steps = (np.diff(sign[order]) != 0) | (np.diff(size[order]) != 0)
    ranks = np.empty(len(order))
    ranks[order] = np.append(0, np.cumsum(steps))[: len(order)]
    return ranks


def _divided(score: float, length: int, exponent: float) -> float:
    """Divide a score by its length to a power, as far as there are floats."""
    if not exponent:
        return score
    if length == 0:
        return -inf
    with np.errstate(over="ignore", under="ignore"):
        return float(np.float64(score) * np.exp(-exponent * np.log(length))) if score else 0.0


def _spell(node: int, length: int, above: NDArray, symbol: NDArray) -> tuple[int, ...]:
    """Spell a prefix out, from its last symbol back."""
    labels = np.empty(length, dtype=np.int64)
    run = compiled.loops("decoding")
    if run is not None:
        run.spell(node, above, symbol, labels)
    else:
        for k in range(length - 1, -1, -1):
            labels[k], node = symbol[node], above[node]
    return tuple(labels.tolist())


@np.errstate(under="ignore")  # in the sum of two probabilities, one may be nothing beside the other
def _prefix_beam(log_y, blank, width, weights, symbol_floor, beam_distance):
    """Do what :func:`course_utils.compiled.decoding.prefix_beam` does, all prefixes of a frame at a time."""
    A, prefixes = log_y.shape[1], _Prefixes(blank)
    ids, last = np.array([prefixes.ROOT]), np.array([blank])
    log_p_blank, log_p_non_blank, added = np.zeros(1), np.full(1, -inf), np.zeros(1)
    for frame in log_y:
        frame = np.where((frame >= symbol_floor) | (np.arange(A) == frame.argmax()), frame, -inf)
        both = np.logaddexp(log_p_blank, log_p_non_blank)
        stay_blank, stay_non_blank = both + frame[blank], log_p_non_blank + frame[last]
        grown = both[:, None] + frame
        grown[np.arange(len(ids)), last] = log_p_blank + frame[last]
        grown[:, blank] = -inf
        parent_row = prefixes.rows_of_parents(ids)
        merged = np.flatnonzero(parent_row >= 0)  # the parent is in the beam too: its extension is this very prefix
        above, symbol = parent_row[merged], last[merged]
        stay_non_blank[merged] = np.logaddexp(stay_non_blank[merged], grown[above, symbol])
        grown[above, symbol] = -inf
        rank_stay, rank_grown = np.logaddexp(stay_blank, stay_non_blank) + added, grown + added[:, None]
        if weights.size:
            rank_grown = rank_grown + weights[last]
        # With a full beam, what grew must beat the worst that stays; that leaves few to sort.
        floor = rank_stay.min() if len(ids) == width else -inf
        rank_grown = rank_grown.ravel()
        new, kept = np.flatnonzero(rank_grown > floor), np.flatnonzero(rank_stay > -inf)
        ranks = np.concatenate([rank_stay[kept], rank_grown[new]])
        survives = ranks >= ranks.max(initial=-inf) - beam_distance
        if survives.sum() > width:
            survives[np.argsort(ranks)[:-width]] = False
        kept, new = kept[survives[: len(kept)]], new[survives[len(kept) :]]
        above, symbol = np.divmod(new, A)
        new_ids = prefixes.extend(ids[above], symbol)
        if weights.size:
            added = np.concatenate([added[kept], added[above] + weights[last[above], symbol]])
        else:
            added = np.zeros(len(kept) + len(new))
        ids, last = np.concatenate([ids[kept], new_ids]), np.concatenate([last[kept], symbol])
        log_p_blank = np.concatenate([stay_blank[kept], np.full(len(new), -inf)])
        log_p_non_blank = np.concatenate([stay_non_blank[kept], grown[above, symbol]])
    log_p = np.logaddexp(log_p_blank, log_p_non_blank)
    return ids, log_p, added, prefixes.parent, np.array(prefixes.symbols), prefixes.depths()


def edit_distance(read: Sequence, true: Sequence) -> int:
    """Count the fewest symbols to insert, delete or replace that turn one sequence into the other (Levenshtein)."""
    run = compiled.loops("decoding")
    if run is not None and len(read) and len(true):
        number = {symbol: n for n, symbol in enumerate({*read, *true})}
        sequences = (np.array([number[symbol] for symbol in sequence], dtype=np.int64) for sequence in (read, true))
        return int(run.edit_distance(*sequences, np.empty(len(true) + 1, dtype=np.int64)))
    row = list(range(len(true) + 1))
    for n, symbol in enumerate(read, start=1):
        above, row[0] = row[0], n
        for i, wanted in enumerate(true, start=1):
            above, row[i] = row[i], min(row[i] + 1, row[i - 1] + 1, above + (symbol != wanted))
    return row[-1]


def character_error_rate(read: Sequence[Sequence], true: Sequence[Sequence]) -> float:
    """Edits that it takes to mend all the sequences read, for each symbol of the true ones.

    Raises
    ------
    ValueError
        There are not as many of both, or the true ones have no symbol at all.
    """
    if len(read) != len(true):
        raise ValueError(f"read has {len(read)} sequences and true {len(true)}; they are compared one by one")
    symbols = sum(map(len, true))
    if symbols == 0:
        raise ValueError("true has no symbols, so there is no rate of errors")
    return sum(edit_distance(a, b) for a, b in zip(read, true, strict=True)) / symbols


class _Prefixes:
    """Every prefix that was ever in the beam, once: a node with a parent and a last symbol.

    A prefix that was dropped and comes back is the same node again. Were it another one, prefixes that grew from the
    first would no longer be recognised as its extensions, and one string would be kept twice.
    """

    ABOVE_ROOT, ROOT = 0, 1

    def __init__(self, blank: int):
        self.parent = np.zeros(1024, dtype=np.intp)
        self.row = np.full(1024, -1)
        self.symbols = [blank, blank]
        self.children: dict[tuple[int, int], int] = {}

    def rows_of_parents(self, ids: NDArray) -> NDArray[np.intp]:
        """Say for each prefix of the beam in which row of the beam its parent is; −1 where it is not in it."""
        self.row[ids] = np.arange(len(ids))
        rows = self.row[self.parent[ids]]
        self.row[ids] = -1
        return rows

    def extend(self, parents: NDArray, symbols: NDArray) -> NDArray[np.intp]:
        """Return the nodes of some prefixes, each with one more symbol, making those that are new."""
        nodes = []
        for key in zip(parents.tolist(), symbols.tolist(), strict=True):
            node = self.children.get(key)
            if node is None:
                node = self.children[key] = len(self.symbols)
                self.symbols.append(key[1])
                if node == len(self.parent):
                    self.parent = np.concatenate([self.parent, np.zeros_like(self.parent)])
                    self.row = np.concatenate([self.row, np.full_like(self.row, -1)])
                self.parent[node] = key[0]
            nodes.append(node)
        return np.array(nodes, dtype=np.intp)

    def depths(self) -> NDArray[np.intp]:
        """Return the length of every prefix; a node is made after the one above it."""
        depth = [0, 0]
        for node in range(2, len(self.symbols)):
            depth.append(depth[self.parent[node]] + 1)
        return np.array(depth)


def _checked(log_y: ArrayLike, blank: int, width: int) -> NDArray[np.float64]:
    log_y = check_log_probabilities(log_y)
    check_blank(blank, log_y.shape[1])
    check_count(width, "width")
    return log_y


def _check_settings(lm_weight: float, length_exponent: float, symbol_floor: float, beam_distance: float) -> None:
    for name, value, least, most, says in (
        ("lm_weight", lm_weight, 0, sys.float_info.max, "finite, 0 or more"),
        ("length_exponent", length_exponent, -sys.float_info.max, sys.float_info.max, "finite"),
        ("symbol_floor", symbol_floor, -inf, 0, "a log-probability, 0 or less"),
        ("beam_distance", beam_distance, 0, inf, "a number of nats, 0 or more"),
    ):
        if not isinstance(value, Real) or not least <= value <= most:
            raise ValueError(f"{name} is {value!r}; it must be {says}")


def _check_model(log_bigram: ArrayLike, A: int) -> NDArray[np.float64]:
    try:
        log_bigram = np.asarray(log_bigram, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"log_bigram is not a table of numbers: {error}") from None
    if log_bigram.shape != (A, A) or not (log_bigram < inf).all():
        raise ValueError(
            f"log_bigram has shape {log_bigram.shape}; it must be ({A}, {A}) logarithms, none of them NaN or +inf"
        )
    hint = looks_like_probabilities(log_bigram)
    if hint:
        raise ValueError(f"log_bigram must be logarithms{hint}")
    return log_bigram


def check_count(count: int, name: str) -> None:
    """Raise a ValueError unless ``count`` is a whole number from 1 on."""
    try:
        if index(count) >= 1:
            return
    except TypeError:
        pass
    raise ValueError(f"{name} is {count}; it is a count of hypotheses, a whole number from 1 on")
