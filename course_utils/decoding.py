"""Reading a string off the probabilities of CTC: greedy, beam over alignments, prefix beam (section 9.8).

Finding the most probable string exactly means looking at all of them, so these are searches. A score that a search
reports is what it has found, a lower bound of the string's log-probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, isfinite, log
from operator import index

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment import check_log_probabilities
from course_utils.ctc import check_blank, collapse, forward_backward


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
    return tuple(int(k) for k in collapse(log_y.argmax(axis=1).tolist(), blank))


def best_string(log_y: ArrayLike, blank: int = 0, longest: int | None = None) -> list[Hypothesis]:
    """Rank all strings of up to ``longest`` symbols by their exact probability. For small cases only.

    Parameters are those of :func:`greedy`; ``longest`` is T where it is not given.
    """
    log_y = _checked(log_y, blank, 1)
    T, A = log_y.shape
    symbols = [k for k in range(A) if k != blank]
    found = []
    for L in range((T if longest is None else longest) + 1):
        for labels in product(symbols, repeat=L):
            log_p = forward_backward(log_y, labels, blank).log_p
            if log_p > -inf:
                found.append(Hypothesis(labels, log_p, log_p))
    return sorted(found, key=lambda h: (-h.score, h.labels))


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
    return sorted((Hypothesis(s, p, p) for s, p in totals.items() if p > -inf), key=lambda h: (-h.score, h.labels))


def prefix_beam_search(
    log_y: ArrayLike,
    blank: int = 0,
    width: int = 32,
    *,
    n_best: int = 1,
    log_bigram: ArrayLike | None = None,
    lm_weight: float = 1.0,
    length_exponent: float = 0.0,
) -> list[Hypothesis]:
    """Keep the ``width`` best *prefixes* at every frame, each with two probabilities.

    A prefix is reached by alignments that end in a blank and by alignments that end in its last symbol. The two
    must be kept apart: repeating the last symbol extends the prefix after a blank, and leaves it as it is
    otherwise. With a width that holds all prefixes the probabilities are exact, but
    for strings that are e^700 times less probable than the best. After Hannun et al. (2014),
    "First-pass large vocabulary continuous speech recognition using bi-directional recurrent DNNs", algorithm 1.

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
    A = log_y.shape[1]
    weights, nothing = None, 0.0
    if not (isfinite(lm_weight) and lm_weight >= 0 and isfinite(length_exponent)):
        raise ValueError(
            f"lm_weight is {lm_weight} and length_exponent {length_exponent}; both must be finite, the weight 0 or more"
        )
    if log_bigram is not None and lm_weight != 0:
        log_bigram = np.asarray(log_bigram, dtype=float)
        if log_bigram.shape != (A, A) or not (log_bigram < inf).all():
            raise ValueError(
                f"log_bigram has shape {log_bigram.shape}; it must be ({A}, {A}) logarithms, none of them NaN or +inf"
            )
        weights, nothing = lm_weight * log_bigram, -inf
    prefixes = _Prefixes(blank)
    ids, last = np.array([prefixes.ROOT]), np.array([blank])
    in_blank, in_symbol, lm = np.ones(1), np.zeros(1), np.zeros(1)
    log_scale = 0.0
    tops = log_y.max(axis=1)
    for frame in np.exp(log_y - tops[:, None]):
        both = in_blank + in_symbol
        stay_blank = both * frame[blank]
        stay_symbol = in_symbol * frame[last]
        grown = both[:, None] * frame
        rows = np.arange(len(ids))
        grown[rows, last] = in_blank * frame[last]
        grown[:, blank] = 0
        parent_row = prefixes.rows_of_parents(ids)
        merged = np.flatnonzero(parent_row >= 0)  # the parent is in the beam too: its extension is this very prefix
        if len(merged):
            above, symbol = parent_row[merged], last[merged]
            stay_symbol[merged] += grown[above, symbol]
            grown[above, symbol] = 0
        stay = stay_blank + stay_symbol
        rank_stay, rank_grown = stay, grown
        if weights is not None:
            with np.errstate(divide="ignore"):  # as logarithms: a heavy model would underflow
                rank_stay, rank_grown = np.log(stay) + lm, np.log(grown) + lm[:, None] + weights[last]
        # With a full beam, what grew must beat the worst that stays; that leaves few to sort.
        floor = rank_stay.min() if len(ids) == width else nothing
        rank_grown = rank_grown.ravel()
        new = np.flatnonzero(rank_grown > floor)
        kept = np.flatnonzero(rank_stay > nothing)
        ranks = np.concatenate([rank_stay[kept], rank_grown[new]])
        if len(ranks) > width:
            cut = len(ranks) - width
            survives = np.zeros(len(ranks), dtype=bool)
            survives[np.argpartition(ranks, cut)[cut:]] = True
            kept, new = kept[survives[: len(kept)]], new[survives[len(kept) :]]
        above, symbol = np.divmod(new, A)
        new_ids = prefixes.extend(ids[above], symbol)
        if weights is not None:
            lm = np.concatenate([lm[kept], lm[above] + weights[last[above], symbol]])
        ids, last = np.concatenate([ids[kept], new_ids]), np.concatenate([last[kept], symbol])
        in_blank = np.concatenate([stay_blank[kept], np.zeros(len(new))])
        in_symbol = np.concatenate([stay_symbol[kept], grown[above, symbol]])
        total = in_blank.sum() + in_symbol.sum()
        if total == 0:
            return []
        in_blank /= total
        in_symbol /= total
        log_scale += log(total)
    scale = log_scale + tops.sum()
    found = []
    for row, p in enumerate((in_blank + in_symbol).tolist()):
        if p == 0:  # the last of the smallest numbers there are
            continue
        labels, log_p = prefixes.labels(int(ids[row])), log(p) + scale
        score = log_p + (float(lm[row]) if weights is not None else 0.0)
        if length_exponent:
            score = score / len(labels) ** length_exponent if labels else -inf
        found.append(Hypothesis(labels, float(log_p), float(score)))
    return sorted(found, key=lambda h: (-h.score, h.labels))[:n_best]


def edit_distance(read: Sequence, true: Sequence) -> int:
    """Count the fewest symbols to insert, delete or replace that turn one sequence into the other (Levenshtein)."""
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

    def labels(self, node: int) -> tuple[int, ...]:
        """Spell a prefix out."""
        reverse = []
        while node != self.ROOT:
            reverse.append(self.symbols[node])
            node = int(self.parent[node])
        return tuple(reverse[::-1])


def _checked(log_y: ArrayLike, blank: int, width: int) -> NDArray[np.float64]:
    log_y = check_log_probabilities(log_y)
    check_blank(blank, log_y.shape[1])
    check_count(width, "width")
    return log_y


def check_count(count: int, name: str) -> None:
    """Raise a ValueError unless ``count`` is a whole number from 1 on."""
    try:
        if index(count) >= 1:
            return
    except TypeError:
        pass
    raise ValueError(f"{name} is {count}; it is a count of hypotheses, a whole number from 1 on")
