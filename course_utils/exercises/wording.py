"""The sentences of a report, and the numbers in them."""

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.exercise import Output
from course_utils.exercises.values import what_it_is

SMALLEST_LOGARITHM = -700.0
ALIKE = 1e-4  # the relative difference below which two numbers are alike but for their precision
LARGE = 1e4  # what is below minus that, where −∞ is asked for, is meant for it
SHOWN_WHOLE = 12  # entries of a sequence that fit into a sentence
LONGEST_MESSAGE = 300  # characters of the text of an error


def written(value: float | str, digits: int = 4) -> str:
    """Format a number for a reader: some significant digits and a true minus sign. A name stays as it is."""
    if isinstance(value, str):
        return str(value)
    value = float(value) + 0.0  # which turns −0 into 0
    if value == -np.inf:
        return "−∞"
    if np.isfinite(value) and abs(value) < 1e6 and value == int(value):
        return f"{value:.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def digits_apart(a: float, b: float) -> int:
    """How many significant digits it takes to see that two numbers differ, at least 4."""
    return next((digits for digits in range(4, 17) if written(a, digits) != written(b, digits)), 17)


def begin_sentence(name: str) -> str:
    """Begin a sentence with the name of an output; a name from the code, such as db_h or delta, stays as it is."""
    first = name.split()[0]
    return name if first == name or "_" in first else name[0].upper() + name[1:]


def say_shape(output: Output, of_yours: NDArray, of_right: NDArray) -> str:
    """Say that a value has another shape than the right one."""
    yours, right, name = of_yours.shape, of_right.shape, begin_sentence(output.name)
    if len(yours) == len(right) == 1 and max(*yours, *right) <= SHOWN_WHOLE:
        listed = [" ".join(written(v) for v in values) or "nothing" for values in (of_yours, of_right)]
        return f"{name} should have {right[0]} entries, {listed[1]}; yours has {yours[0]}: {listed[0]}."
    if not right:
        return f"{name} must be a single number; yours has the shape {yours}."
    says = f"{name} must have the shape {_sizes(output, right)}; yours has {yours}."
    if len(right) == 2 and yours == right[::-1] != right:
        says += f" It lies on its side: {output.axes[0]} comes first."
    return says


def say_axes(output: Output, yours: NDArray) -> str:
    """Say that a value, which may have any size, has other axes than the output."""
    name, axes = begin_sentence(output.name), ", ".join(output.axes)
    if not output.axes:
        return f"{name} must be a single number; yours has the shape {yours.shape}."
    named = f"{len(output.axes)} axes: {axes}" if len(output.axes) > 1 else f"one axis: {axes}"
    return f"{name} must have {named}; yours has the shape {yours.shape}."


def say_none(output: Output, right: NDArray | None = None) -> str:
    """Say that a value is None; the right one, where there is only one, tells what it should be."""
    says = f"{begin_sentence(output.name)} is None"
    if right is None:
        return f"{says}."
    wanted = f"an array of the shape {_sizes(output, right.shape)}" if right.ndim else written(right)
    return f"{says}; it should be {wanted}."


def say_no_numbers(output: Output, yours: object) -> str:
    """Say that a value is something else than numbers, or than names where these are asked for."""
    if output.names:
        rows = "rows of one length" if len(output.axes) > 1 else "one entry for each"
        what = "one text" if isinstance(yours, str) else f"a {type(yours).__name__}"
        return (
            f"{begin_sentence(output.name)} must be a list of names, {rows}; it is {what} that cannot be read as such."
        )
    return f"{begin_sentence(output.name)} must be made of numbers; it {what_it_is(yours)}."


def say_cell(output: Output, first: tuple[int, ...], yours: NDArray, right: NDArray, kind: str = "") -> str:
    """Say which cell is the first wrong one, and what it should be.

    Parameters
    ----------
    kind
        Of the numbers that the answer returned, such as "float32", before they were compared.
    """
    digits = digits_apart(yours[first], right[first])
    precise = _say_precision(yours, right, kind)
    if not output.axes:
        says = f"{begin_sentence(output.name)} is {written(yours, digits)}; it should be {written(right, digits)}."
        return says + precise
    where = ", ".join(f"{axis} = {k}" for axis, k in zip(output.axes, first, strict=False))
    opening = "Read backwards, the" if output.backward else "The"
    hint = ""
    if output.names:
        pass
    elif np.isnan(yours[first]):
        hint = " What is not a number (nan) comes from −∞ − −∞ or from 0/0."
    elif right[first] == -np.inf and -np.inf < yours[first] < -LARGE:
        hint = " A large negative number stands where −∞ is asked for: it is still a number, and a table may hold −∞ itself."
    elif -np.inf < right[first] < SMALLEST_LOGARITHM:
        hint = " If this is a logarithm: its exponential is too small for a float, so stay with the logarithms."
    return (
        f"{opening} first wrong cell of {output.name} is at {where}: {written(yours[first], digits)}, "
        f"and it should be {written(right[first], digits)}.{hint}{precise}"
    )


def _say_precision(yours: NDArray, right: NDArray, kind: str) -> str:
    """Say so where two arrays of numbers differ in their precision only."""
    if yours.dtype.kind != "f" or not yours.size or not np.array_equal(np.isfinite(yours), np.isfinite(right)):
        return ""
    finite = np.isfinite(right)
    yours_there, right_there = yours[finite], right[finite]
    if not np.all(np.abs(yours_there - right_there) <= ALIKE * np.maximum(np.abs(right_there), ALIKE)):
        return ""
    if kind in ("float16", "float32"):
        return f" Only the precision differs: yours is {kind}, which keeps {np.finfo(kind).precision} digits."
    return " Only the last digits differ: something on the way is rounded, or computed in fewer than 64 bits."


def describe(error: BaseException) -> str:
    """Name an error's type, and what it says, as far as that fits into a line; a text may be long, or refuse."""
    try:
        message = " ".join(str(error)[: 10 * LONGEST_MESSAGE].split())
    except Exception:
        message = "it cannot tell what it is about"
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + " …"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def say_stopped(error: BaseException, line: str) -> str:
    """Say that an answer stopped with an error, and at which of its lines."""
    at = f", at “{line}”" if line else ""
    if isinstance(error, SystemExit):
        return f"It called for the end of Python itself, with SystemExit{at}. Let the function return its value."
    hint = " A function that calls itself does so too deep for Python here: use a loop." * isinstance(
        error, RecursionError
    )
    return f"It stopped with {describe(error)}{at}.{hint}"


def say_asked(function: str, called: BaseException) -> str:
    """Say that an answer called what it is to be."""
    return f"{function} calls {called}: that is what you are to write."


def say_endless(seconds: float, where: str, line: str) -> str:
    """Say that an answer was stopped, where it was called, and at which of its lines it was."""
    at = f"; it was at “{line}”" if line else ""
    return f"It did not end within {seconds:g} s {where}{at}."


def _sizes(output: Output, shape: tuple[int, ...]) -> str:
    named = ", ".join(f"{axis} = {size}" for axis, size in zip(output.axes, shape, strict=False))
    return f"{shape} (sizes of {named})"
