"""Calling an answer on a case, whatever it may do."""

import contextlib
import copy
import inspect
import io
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.exercises.exercise import Case
from course_utils.exercises.time_limit import TimeLimit


@dataclass(frozen=True)
class Call:
    """What calling an answer on one case came to.

    Attributes
    ----------
    value
        What it returned.
    error, line
        What it raised, TooSlow where it was stopped, and the line of the answer where that was.
    changed, first_changed
        The numbers of the arguments that it changed in place, and what it calls the first of them.
    """

    value: Any = None
    error: Exception | None = None
    line: str = ""
    changed: tuple[int, ...] = ()
    first_changed: str = ""


def call(answer: Callable, case: Case, limit: TimeLimit) -> Call:
    """Call an answer with a copy of a case's arguments."""
    args = copy.deepcopy(case.args)
    try:
        with quiet():
            value = limit.call(answer, *args)
    except Exception as error:  # whatever a reader's code may raise
        line = last_line_in(answer, error)
        return Call(error=error.with_traceback(None), line=line)  # which would keep all that it held alive
    changed = tuple(k for k, (a, b) in enumerate(zip(args, case.args, strict=True)) if not _same(a, b))
    return Call(value=value, changed=changed, first_changed=_argument(answer, changed[0]) if changed else "")


@contextlib.contextmanager
def quiet():
    """Keep warnings away: a grader may take anything on stderr for a failure, right answer or not."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def last_line_in(answer: Callable, error: Exception) -> str:
    """Return the line of the reader's own code where it stopped, not the line of a library below it."""
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return frames[-1].line or "" if frames else ""


def _argument(answer: Callable, k: int) -> str:
    """Name an argument as the reader's function does, or number it where that has no name for it."""
    try:
        parameters = inspect.signature(answer).parameters.values()
    except (TypeError, ValueError):  # a function written in C need not tell
        parameters = ()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[k] if k < len(names) else f"number {k + 1}"


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b))
