"""Results that take too long for a notebook, measured ahead: ``python -m course_utils.measured NAME`` makes one again."""

import json
from importlib.resources import files


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
