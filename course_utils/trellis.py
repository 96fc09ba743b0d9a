"""The trellis of forced alignment as in a textbook, with everything written down: for looking at, not for speed.

In one of two domains: products of probabilities, computed as such, with their underflow; or sums of logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment import adjacent_repeats, compress
from course_utils.posteriors import check_target, encode, log_probabilities, names_of_columns
from course_utils.viterbi import Ties, align_in_probabilities, forward, trace_back

Domain = Literal["probability", "log"]


@dataclass(frozen=True, eq=False)
class Trellis:
    """The recurrence worked out in one of two domains, for looking at it cell by cell (sections 8.3 to 8.6).

    Unlike a :class:`course_utils.viterbi.Alignment` it is there where no path is, and its products underflow.

    Attributes
    ----------
    y, log_y
        (T, A) probabilities, and their natural logarithms.
    symbols
        The names of the A columns.
    target
        (K,) column indices.
    domain
        "probability": the values are products; "log": they are sums of logarithms.
    ties
        As in :func:`course_utils.viterbi.align`.
    values
        (T, K) best score of a path that ends at position i at frame t, in the domain.
    advanced
        (T, K) the back-pointers that follow from ``values``, as in :class:`course_utils.viterbi.Alignment`.
    log_values
        (T, K) natural log of the true best score, also where a product is no longer a float above zero.
    path
        (T,) position in the target at each frame; None where the last of the values says that there is no path.
    """

    y: NDArray[np.float64]
    log_y: NDArray[np.float64]
    symbols: tuple[str, ...]
    target: NDArray[np.intp]
    domain: Domain
    ties: Ties
    values: NDArray[np.float64]
    advanced: NDArray[np.bool_]
    log_values: NDArray[np.float64]
    path: NDArray[np.intp] | None

    @property
    def impossible(self) -> float:
        """The score of no path at all, in the domain."""
        return -np.inf if self.domain == "log" else 0.0

    @property
    def emitted(self) -> NDArray[np.float64]:
        """(T, K) probability of the symbol of each position at each frame, or its logarithm, as the domain is."""
        return (self.log_y if self.domain == "log" else self.y)[:, self.target]

    @property
    def underflowed(self) -> NDArray[np.bool_]:
        """(T, K) where a value says that there is no path, and there is one."""
        return (self.values == self.impossible) & (self.log_values > -np.inf)

    @property
    def fits(self) -> bool:
        """Whether there are frames enough for the target."""
        return len(self.target) <= len(self.y)

    @property
    def has_repeats(self) -> bool:
        """Whether two neighbours in the target are equal."""
        return adjacent_repeats(self.target.tolist()) > 0

    @property
    def greedy_labels(self) -> NDArray[np.intp]:
        """(T,) most probable symbol of each frame, whatever the target."""
        return self.log_y.argmax(axis=1)

    @property
    def greedy_reads(self) -> tuple[int, ...]:
        """Return what those labels compress to."""
        return compress(self.greedy_labels.tolist())


def fill_trellis(
    y: ArrayLike,
    target: str | Sequence,
    symbols: Sequence[str] = ascii_uppercase,
    *,
    domain: Domain = "probability",
    ties: Ties = "stay",
) -> Trellis:
    """Work the recurrence out, in the log domain or as products; for results use :func:`course_utils.viterbi.align`.

    Parameters
    ----------
    y
        (T, A) probabilities.
    target
        K names from ``symbols``, or column indices. Where no path fits, ``path`` is None.
    symbols
        The name of each column of ``y``.
    domain
        "probability" or "log".
    ties
        As in :func:`course_utils.viterbi.align`.

    Raises
    ------
    ValueError
        ``y`` is no table of probabilities, ``target`` is empty or names an unknown symbol, or there is no such domain or
        rule for ties.
    """
    if domain not in ("probability", "log"):
        raise ValueError(f"domain is {domain!r}; choose 'probability' or 'log'")
    log_y = log_probabilities(y)
    y, symbols = np.asarray(y, dtype=float), names_of_columns(symbols, log_y, "y")
    target = check_target(encode(target, symbols), log_y.shape[1])
    if len(target) == 0:
        raise ValueError("target is empty; give at least one symbol, such as 'AB'")
    log_values, advanced = forward(log_y, target, ties)
    if domain == "log":
        values, path = log_values, trace_back(advanced)
    else:
        values, advanced, path = align_in_probabilities(y, target, ties)
    filled = Trellis(y, log_y, tuple(map(str, symbols)), target, domain, ties, values, advanced, log_values, path)
    return filled if values[-1, -1] > filled.impossible else replace(filled, path=None)
