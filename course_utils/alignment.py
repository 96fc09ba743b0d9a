"""Alignments between a target and time: compress, expand, count, score, enumerate (section 8.1).

Three kinds of sequence, which this package never mixes:

* a *target* of K symbols, given as column indices into ``log_y``;
* *labels*, one symbol per frame, T of them;
* a *path*, one position in the target per frame. ``target[path]`` turns a path into labels.

Paths and labels are the same thing only where no two adjacent symbols of the target are equal: the target AA
has two paths in three frames, both read AAA, which compresses to A, and both have the same score (section 8.6).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, groupby, pairwise
from math import comb
from string import ascii_uppercase

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled
from course_utils.compiled import plain

ROW_SUM_TOLERANCE = 1e-4  # what a softmax over 30 000 symbols in float32 stays well below
_ROWS_AT_ONCE = 256


class InfeasibleError(ValueError):
    """No path through the grid has a probability above zero."""


def encode(target: str | Sequence, symbols: Sequence[str] = ascii_uppercase) -> NDArray[np.intp]:
    """Turn the names of symbols into column indices: ``encode("ABA", "AB")`` is ``[0, 1, 0]``.

    Parameters
    ----------
    target
        Names of symbols, K of them, or column indices, which are returned as they are.
    symbols
        The name of each column of the probabilities, in order.

    Raises
    ------
    ValueError
        A name is not among ``symbols``, or two columns have the same name.
    """
    try:
        target, symbols = list(target), list(symbols)
    except TypeError:
        raise ValueError(f"target is {target!r}; give a string such as 'ABA', or a list of names") from None
    if not any(isinstance(name, str) for name in target):
        return np.asarray(target, dtype=np.intp if len(target) == 0 else None)
    column = {name: k for k, name in enumerate(symbols)}
    if len(column) < len(symbols):
        twice = next(name for name in symbols if symbols.count(name) > 1)
        raise ValueError(f"symbols has the name {twice!r} twice; every column needs a name of its own")
    unknown = next((name for name in target if name not in column), None)
    if unknown is not None:
        known = " ".join(map(str, symbols[:20])) + (" …" if len(symbols) > 20 else "")
        raise ValueError(f"target has the symbol {unknown!r}, which is not one of the symbols: {known}")
    return np.array([column[name] for name in target], dtype=np.intp)


def log_probabilities(y: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithm of a table of probabilities; log 0 is -inf and says nothing on stderr.

    Parameters
    ----------
    y
        (T, A) probability of each of A symbols at each of T frames.

    Raises
    ------
    ValueError
        ``y`` is not such a table: wrong shape, NaN, a value outside [0, 1], or a row that does not sum to one.
    """
    y = as_table(y, "y")
    bad = np.argwhere((y < 0) | (y > 1 + ROW_SUM_TOLERANCE))
    if len(bad):
        t, k = bad[0]
        raise ValueError(f"y[{t}, {k}] is {y[t, k]:.9g}; probabilities lie between 0 and 1")
    check_row_sums(y.sum(axis=1), "y")
    with np.errstate(divide="ignore"):
        return np.log(y)


def check_log_probabilities(
    log_y: ArrayLike,
    *,
    normalised: bool = True,
    name: str = "log_y",
    indices: tuple[int, ...] = (),
    first_row: int = 0,
) -> NDArray[np.float64]:
    """Return ``log_y`` as a float64 table, or say what is wrong with it.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities; -inf is a probability of zero.
    normalised
        Whether every row must be a distribution. Scaled likelihoods, as hybrid speech recognisers use them,
        are not.
    name, indices, first_row
        What to call it, and where it stands in a larger array: the number of the utterance, and that of the first row.

    Raises
    ------
    ValueError
        Wrong shape, NaN, +inf, or a row whose probabilities do not sum to one.
    """
    log_y = as_table(log_y, name, indices, first_row)
    if not normalised or _rows_are_distributions(log_y):
        return log_y
    for start in range(0, len(log_y), _ROWS_AT_ONCE):  # in blocks, so that checking needs no second table
        rows = log_y[start : start + _ROWS_AT_ONCE]
        if rows.max() > ROW_SUM_TOLERANCE:
            t, k = np.argwhere(rows > ROW_SUM_TOLERANCE)[0] + (start, 0)
            raise ValueError(
                f"{_entry(name, *indices, first_row + t, k)} is {log_y[t, k]:.9g}; a log-probability is at most 0"
                f"{looks_like_probabilities(rows)}"
            )
        with np.errstate(under="ignore"):
            sums = np.exp(rows).sum(axis=1)
        check_row_sums(sums, name, (*indices, first_row + start), looks_like_probabilities(rows))
    return log_y


def check_row_sums(sums: NDArray, name: str, first: tuple[int, ...] = (0,), hint: str = "") -> None:
    """Raise a ValueError unless all of the (n,) sums are 1; the first of them is that of row ``first`` of ``name``."""
    bad = np.flatnonzero(~(np.abs(sums - 1) <= ROW_SUM_TOLERANCE))
    if len(bad):
        *outer, start = first
        raise ValueError(
            f"row {_entry('', *outer, start + bad[0])} of {name} has probabilities that sum to {sums[bad[0]]:.9g}; "
            f"they must sum to 1{hint}"
        )


def _rows_are_distributions(log_y: NDArray) -> bool:
    """Look through a table quickly: True says that it is in order, False that it may not be."""
    run = compiled.loops("numbers") if compiled.is_worth_it(log_y.size) else None
    if run is None:
        return False
    T, A = log_y.shape
    return run.first_odd_row(plain(log_y).reshape(-1), A, ROW_SUM_TOLERANCE, *run.scratch()) == T


def check_target(target: ArrayLike, n_symbols: int, name: str = "target") -> NDArray[np.intp]:
    """Return a copy of ``target`` as (K,) column indices, or say what is wrong with it; ``name`` is what to call it.

    Raises
    ------
    ValueError
        Not one-dimensional, not integers, or an index outside 0 … n_symbols − 1. Negative indices are refused
        rather than wrapped.
    """
    target = np.asarray(target)
    if target.dtype.kind in "US":
        raise ValueError(f"{name} holds text; turn names into column indices with encode(target, symbols)")
    if target.ndim != 1:
        raise ValueError(f"{name} has shape {target.shape}; it must be one-dimensional, one symbol index each")
    if target.size == 0:
        return target.astype(np.intp)
    if target.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {target.dtype}; symbols are given as integer column indices")
    outside = np.flatnonzero((target < 0) | (target >= n_symbols))
    if len(outside):
        i = outside[0]
        raise ValueError(
            f"{name}[{i}] is {target[i]}, but log_y has {n_symbols} columns: indices run from 0 to {n_symbols - 1}"
        )
    return target.astype(np.intp)


def compress(labels: Sequence) -> tuple:
    """Keep one symbol of every run of equal symbols; ``compress("BBAHH")`` is B, A, H.

    Parameters
    ----------
    labels
        Any sequence of comparable symbols, also an empty one.
    """
    return tuple(symbol for symbol, _ in groupby(labels))


def adjacent_repeats(target: Sequence) -> int:
    """Count the pairs of equal neighbours in a target: 1 for HELLO."""
    return sum(a == b for a, b in pairwise(target))


def paths(K: int, T: int) -> Iterator[tuple[int, ...]]:
    """Yield every path through a grid of K positions and T frames, those that advance first, first.

    A path starts at position 0, ends at K − 1 and at every frame stays or advances by one. Through no positions and no
    frames there is one, the empty path.
    """
    if K == T == 0:
        yield ()
    if not 1 <= K <= T:
        return
    for advances in combinations(range(1, T), K - 1):
        bounds = (0, *advances, T)
        yield tuple(i for i in range(K) for _ in range(bounds[i + 1] - bounds[i]))


def count_paths(K: int, T: int) -> int:
    """Count the paths of :func:`paths`: C(T − 1, K − 1), a choice of the frames where the path advances."""
    return comb(T - 1, K - 1) if 1 <= K <= T else int(K == T == 0)


def expansions(target: Sequence, T: int) -> Iterator[tuple]:
    """Yield every sequence of T labels that compresses to ``target``.

    There is none where two neighbours of the target are equal: compression would have merged them.
    """
    if adjacent_repeats(target):
        return
    for path in paths(len(target), T):
        yield tuple(target[i] for i in path)


def count_expansions(target: Sequence, T: int) -> int:
    """Count the label sequences of :func:`expansions`: as many as paths, or 0 with equal neighbours."""
    return 0 if adjacent_repeats(target) else count_paths(len(target), T)


def score(log_y: ArrayLike, labels: ArrayLike) -> float:
    """Log-probability of one label per frame: the sum of ``log_y[t, labels[t]]``.

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities.
    labels
        (T,) column indices.

    Raises
    ------
    ValueError
        There is not exactly one label per frame, or an argument is malformed.
    """
    log_y = check_log_probabilities(log_y)
    labels = check_target(labels, log_y.shape[1], "labels")
    if len(labels) != len(log_y):
        raise ValueError(
            f"labels has {len(labels)} entries, but log_y has {len(log_y)} frames: give one label per frame"
        )
    return min(float(log_y[np.arange(len(labels)), labels].sum()), 0.0)


def score_all_paths(log_y: ArrayLike, target: ArrayLike) -> dict[tuple[int, ...], float]:
    """Enumerate every path with its log-probability: the truth that dynamic programming must reproduce.

    The count of paths is C(T − 1, K − 1), so this is for small cases.
    """
    log_y = check_log_probabilities(log_y)
    target = check_target(target, log_y.shape[1])
    frames = np.arange(len(log_y))
    return {path: float(log_y[frames, target[list(path)]].sum()) for path in paths(len(target), len(log_y))}


def as_table(values: ArrayLike, name: str, indices: tuple[int, ...] = (), first_row: int = 0) -> NDArray[np.float64]:
    """Return a (T, A) float64 table of numbers that are not NaN or +inf, or say what is wrong with it."""
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not a table of numbers: {error}") from None
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"{name} has shape {table.shape}; it must be (T, A): at least one frame and one symbol")
    top = table.max()  # NaN wins every max, so one pass without a second table finds both faults
    if np.isnan(top):
        t, k = np.argwhere(np.isnan(table))[0]
        raise ValueError(f"{_entry(name, *indices, first_row + t, k)} is NaN; every entry must be a number")
    if top == np.inf:
        t, k = np.argwhere(table == np.inf)[0]
        raise ValueError(f"{_entry(name, *indices, first_row + t, k)} is infinite; a probability is finite")
    return table


def looks_like_probabilities(rows: NDArray) -> str:
    """Say what to do where log-probabilities were expected and these rows are probabilities; else nothing."""
    if (rows >= 0).all() and np.allclose(rows.sum(axis=-1), 1):
        return ". These rows are probabilities: pass log_probabilities(y)"
    return ""


def _entry(name: str, *indices: int) -> str:
    """Name an entry: log_y[2, 3, 1]; without a name and with a single index just that."""
    where = ", ".join(str(int(n)) for n in indices)
    return f"{name}[{where}]" if name or len(indices) > 1 else where
