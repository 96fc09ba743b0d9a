"""What an answer returns, whatever that is: kept as it was returned, and read as arrays of numbers or of names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.exercise import Output

DEPTH = 8  # of lists within lists; no output has as many axes


def snapshot(value: Any, depth: int = DEPTH) -> Any:
    """Copy what a later call could change. An answer may fill one buffer again and again.

    Lists and tuples are copied with what is in them, and what can be an array becomes one: a tensor too, without its
    gradient. Everything else is returned as it is.
    """
    if isinstance(value, list | tuple) and depth:
        copied = [snapshot(entry, depth - 1) for entry in value]
        return tuple(copied) if isinstance(value, tuple) else copied
    if isinstance(value, np.generic) or not hasattr(value, "__array__"):
        return value
    try:
        return np.array(value.detach().cpu() if hasattr(value, "detach") else value)
    except Exception:  # it refuses: the report will say what it is
        return value


def separate(outputs: Sequence[Output], value: Any) -> tuple | None:
    """Return the values of all outputs, or None where their number is another one.

    Several numbers, or several tables of one shape, may stand in one array.
    """
    if len(outputs) == 1:
        return (value,)
    if isinstance(value, np.ndarray) and value.ndim and len(value) == len(outputs):
        stacked = tuple(value)
        whole = all(np.ndim(part) == len(output.axes) for part, output in zip(stacked, outputs, strict=True))
        return stacked if whole else None
    return tuple(value) if isinstance(value, tuple | list) and len(value) == len(outputs) else None


def as_array(output: Output, value: Any) -> NDArray | None:
    """Return an output as an array: of floats, or of text where it holds names; None where it is neither."""
    if not output.names:
        return as_numbers(value)
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and all(isinstance(entry, str) for entry in array.flat):
            array = array.astype(str)
        return array.astype(str) if array.ndim and (array.dtype.kind == "U" or array.size == 0) else None
    except Exception:  # rows of different lengths, an object that refuses: whatever a reader returns
        return None


def as_numbers(value: Any) -> NDArray[np.float64] | None:
    """Return real numbers as an array of floats, those in an array of objects too; None for anything else."""
    try:
        if isinstance(value, int):
            value = float(value)  # NumPy's integers end at 19 digits
        array = np.asarray(value)
        if array.dtype.kind == "O":
            real = all(isinstance(entry, int | float | np.bool_ | np.integer | np.floating) for entry in array.flat)
            return array.astype(float) if real and array.size else None
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except Exception:  # an array of another library, a number beyond all floats: whatever a reader returns
        return None


def kind_of(value: Any) -> str:
    """Name the type of a value's entries, such as "float32"; empty where that cannot be told."""
    try:
        return str(np.asarray(value).dtype)
    except Exception:  # an array of another library
        return ""


def what_it_is(value: Any) -> str:
    """Say what a value is that is not made of numbers, such as "is an array of text"."""
    try:
        array = np.asarray(value)
    except Exception:  # rows of different lengths, an object that refuses
        return "is a list whose rows have different lengths" if isinstance(value, list | tuple) else _a(value)
    if array.dtype.kind == "c":
        return "is made of complex numbers; return real ones, with .real where the other part is zero"
    if not array.ndim:
        return _a(array.item() if isinstance(value, np.ndarray) else value)
    if array.dtype.kind in "US":
        return f"is made of text, such as {_short(array.flat[0])}" if array.size else "is an empty array of text"
    if array.dtype.kind == "O":
        odd = next((entry for entry in array.flat if as_numbers(entry) is None), None)
        entry = f", and one of them {_a(odd)}" if array.size else ""
        return f"is an array of objects, not of numbers{entry}"
    return f"is an array of {array.dtype}"


def _a(value: Any) -> str:
    name = type(value).__name__
    text = f", {_short(value)}" if isinstance(value, str) else ""
    return "is None" if value is None else f"is a{'n' if name[0] in 'aeiou' else ''} {name}{text}"


def _short(text: Any) -> str:
    text = str(text)
    return f"“{text if len(text) <= 20 else text[:20] + '…'}”"
