"""Tables of probabilities, one row a frame, and targets: every check of them, once."""

from collections.abc import Sequence
from operator import index
from string import ascii_uppercase

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled
from course_utils.compiled import plain

ROW_SUM_TOLERANCE = 1e-4  # what a softmax over 30 000 symbols in float32 stays well below
_ROWS_AT_ONCE = 256


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


def check_blank(blank: int, A: int) -> None:
    """Raise a ValueError unless ``blank`` is one of A columns."""
    try:
        inside = 0 <= index(blank) < A
    except TypeError:
        inside = False
    if not inside:
        raise ValueError(f"blank is {blank}, but log_y has {A} columns: it must be a whole number from 0 to {A - 1}")


def names_of_columns(symbols: Sequence[str], table: NDArray, name: str) -> Sequence[str]:
    """Return the names of the columns of a (T, A) table; raise a ValueError where there are too few, or two alike."""
    if len(symbols) < table.shape[1]:
        raise ValueError(
            f"symbols has {len(symbols)} names, but {name} has {table.shape[1]} columns: name every column"
        )
    names = symbols[: table.shape[1]]
    for k, one in enumerate(names):
        if one in names[:k]:
            raise ValueError(f"symbols has the name {one!r} twice; every column of {name} needs one of its own")
    return names
