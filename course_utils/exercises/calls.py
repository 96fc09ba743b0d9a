"""Calling an answer on a case, whatever it may do."""

import builtins
import contextlib
import copy
import inspect
import io
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.exercises.asked import watching
from course_utils.exercises.exercise import Case
from course_utils.exercises.time_limit import TimeLimit
from course_utils.exercises.values import snapshot

LINES_KEPT, WIDTH_KEPT = 20, 160  # of what an answer prints on a case


@dataclass(frozen=True)
class Call:
    """What calling an answer on one case came to.

    Attributes
    ----------
    value
        What it returned, as it was then.
    error, line
        What it raised, TooSlow where it was stopped, and the line of the answer where that was; SystemExit, too.
    changed, first_changed
        The numbers of the arguments that it changed in place, and what it calls the first of them.
    printed
        The beginning of what it printed.
    """

    value: Any = None
    error: BaseException | None = None
    line: str = ""
    changed: tuple[int, ...] = ()
    first_changed: str = ""
    printed: str = ""


class Beginning(io.TextIOBase):
    """Keeps the first lines of what is written to it, and forgets the rest: a print in a loop has no end."""

    def __init__(self):
        self._kept: list[str] = []
        self._room = LINES_KEPT * WIDTH_KEPT
        self._more = False

    def writable(self) -> bool:
        """Say yes, as a stream must that can be written to."""
        return True

    def write(self, text: str) -> int:
        """Keep what there is room for, and take all of it."""
        if self._room > 0:
            self._kept.append(text[: self._room])
        self._more |= len(text) > self._room
        self._room -= min(len(text), max(self._room, 0))
        return len(text)

    @property
    def text(self) -> str:
        """The first lines, each cut where it is too long."""
        lines = "".join(self._kept).rstrip("\n").split("\n")
        shown = [line if len(line) <= WIDTH_KEPT else line[:WIDTH_KEPT] + " …" for line in lines[:LINES_KEPT]]
        return "\n".join([*shown, "…"] if self._more or len(lines) > LINES_KEPT else shown)


def call(answer: Callable, case: Case, limit: TimeLimit, asks_for: Sequence[str] = ()) -> Call:
    """Call an answer with a copy of a case's arguments, and keep a copy of what it returns.

    Functions of the library that the exercise asks for raise Asked.
    """
    args, heard = copy.deepcopy(case.args), Beginning()
    try:
        with quiet(heard), watching(asks_for):
            value = limit.call(lambda: snapshot(answer(*args)))
    except (Exception, SystemExit, GeneratorExit) as error:  # whatever a reader's code may raise
        line = last_line_in(answer, error)
        kept = error.with_traceback(None)  # which would keep all that it held alive
        return Call(error=kept, line=line, printed=heard.text)
    changed = tuple(k for k, (a, b) in enumerate(zip(args, case.args, strict=True)) if not _same(a, b))
    first_changed = _argument(answer, changed[0]) if changed else ""
    return Call(value=value, changed=changed, first_changed=first_changed, printed=heard.text)


@contextlib.contextmanager
def quiet(heard: io.TextIOBase | None = None):
    """Keep warnings away, and what is printed: a grader may take anything on stderr for a failure, right or not."""
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stderr(Beginning()),
        contextlib.redirect_stdout(heard or Beginning()),
    ):
        warnings.simplefilter("ignore")
        yield


def error_named(name: str) -> type | None:
    """Find the type of an error of Python's or of NumPy's by its name."""
    return np.linalg.LinAlgError if name == "LinAlgError" else getattr(builtins, name, None)


def last_line_in(answer: Callable, error: BaseException) -> str:
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
    try:
        a, b = np.asarray(a), np.asarray(b)
        return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
    except Exception:  # a list that has become something else
        return False
