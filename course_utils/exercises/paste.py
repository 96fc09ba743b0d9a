"""A case of an exercise as code: what a reader pastes into a cell to call an answer once more."""

from typing import Any

import numpy as np

LONGEST_CALL = 300  # characters that a reader is shown to paste; a longer case has a name instead


def call_to_paste(exercise_id: str, function: str, args: tuple) -> str:
    """Write the call of a function with the arguments of a case, on one line.

    Where they are too long for that, they are had by ``failing_case`` of the notebooks.
    """
    try:
        written = f"{function}({', '.join(map(literal, args))})"
    except TypeError:
        written = ""
    return written if written and len(written) <= LONGEST_CALL else f'{function}(*failing_case("{exercise_id}"))'


def literal(value: Any) -> str:
    """Write a value as an expression that makes it again, with ``np`` for NumPy, to the last digit.

    Raises
    ------
    TypeError
        It is neither a number, a text, an array of numbers, nor a list or a tuple of these.
    """
    if isinstance(value, np.ndarray):
        if not value.size:
            return f"np.empty({value.shape}, dtype=np.{value.dtype.name})"
        usual = value.dtype.kind == "U" or value.dtype in (np.dtype(float), np.dtype(int))
        return f"np.array({literal(value.tolist())}{'' if usual else f', dtype=np.{value.dtype.name}'})"
    if isinstance(value, np.generic):
        return literal(value.item())
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, bool | int | str) or value is None:
        return repr(value)
    if isinstance(value, float):
        return repr(value) if np.isfinite(value) else f"np.{value}".replace("np.-", "-np.")
    raise TypeError(f"a {type(value).__name__} cannot be written as code")
