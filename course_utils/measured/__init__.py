"""Results that take too long for a notebook, measured ahead: ``python -m course_utils.measured NAME`` makes one again."""

import json
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray


def load(name: str) -> dict:
    """Return what has been measured under a name, such as "remedies".

    Raises
    ------
    ValueError
        Nothing has.
    """
    path = files("course_utils.measured") / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"nothing is measured under {name!r}; python -m course_utils.measured lists what can be")
    return json.loads(path.read_text("utf-8"))


def arrays(name: str) -> dict[str, NDArray]:
    """Return the arrays that are kept under a name, such as "reader".

    Raises
    ------
    ValueError
        There are none.
    """
    path = files("course_utils.measured") / f"{name}.npz"
    if not path.is_file():
        raise ValueError(f"no arrays are kept under {name!r}; python -m course_utils.measured lists what can be")
    with as_file(path) as file, np.load(file, allow_pickle=False) as kept:
        return dict(kept)
