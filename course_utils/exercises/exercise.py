"""What an exercise is, and how an answer to it is judged. Who asks for the judgement is not known here.

A misconception *is* a wrong implementation. An answer that behaves like it on every case is recognised by running
both, and the tests of the course use the same functions as the wrong answers that must be rejected and named.
"""

import contextlib
import copy
import inspect
import io
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["correct", "incorrect", "not attempted", "could not run"]
TOLERANCE = 1e-9
SMALLEST_LOGARITHM = -700.0
SHOWN_WHOLE = 12  # entries of a sequence that fit into a sentence


@dataclass(frozen=True)
class Case:
    """Arguments to call an answer with, and a name that tells a reader what is special about them."""

    name: str
    args: tuple


@dataclass(frozen=True)
class Misconception:
    """A wrong idea: its name, a hint that names the idea without giving the code, and what follows from it."""

    name: str
    hint: str
    answer: Callable


@dataclass(frozen=True)
class Output:
    """One value that an answer returns.

    Attributes
    ----------
    name
        What it is called.
    axes
        The name of each axis, such as ("t", "i"); empty for a single number.
    backward
        Whether it is computed from the end, so that its first wrong cell is the last one.
    """

    name: str
    axes: tuple[str, ...] = ()
    backward: bool = False


@dataclass(frozen=True)
class Exercise:
    """What is asked, what is right, and which wrong ideas are known.

    Attributes
    ----------
    id, title, points
        "8.1", a few words, and what it is worth.
    function
        The name that the reader's function has in the notebook.
    outputs
        What it returns, in order.
    reference
        A right answer.
    cases
        Makes the cases from a random generator: the worked example, the edges, and random instances.
    misconceptions
        Known wrong ideas; no two behave alike on the cases.
    demand
        Checks what values alone cannot show, such as memory: returns a sentence where an answer fails it.
    """

    id: str
    title: str
    points: int
    function: str
    outputs: tuple[Output, ...]
    reference: Callable
    cases: Callable[[np.random.Generator], Sequence[Case]]
    misconceptions: tuple[Misconception, ...]
    demand: Callable[[Callable], str | None] | None = None


@dataclass(frozen=True)
class Comparison:
    """A value of the answer beside the right one; ``first_wrong`` is an index into both."""

    output: Output
    yours: NDArray
    expected: NDArray
    first_wrong: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """The verdict on one answer.

    Attributes
    ----------
    exercise
        What was asked.
    status
        "correct", "incorrect", "not attempted" or "could not run".
    passed, total
        How many cases were right, of how many.
    says
        What is wrong, in one or two sentences.
    case
        The first case that failed.
    comparison
        The answer beside the right one on that case, where both can be compared.
    misconception
        The wrong idea that the answer follows on every case, if it is a known one.
    """

    exercise: Exercise
    status: Status
    passed: int
    total: int
    says: str = ""
    case: Case | None = None
    comparison: Comparison | None = None
    misconception: Misconception | None = None

    @property
    def points(self) -> int:
        """All points for a correct answer, none for any other."""
        return self.exercise.points if self.status == "correct" else 0

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        name = f"{self.exercise.id} {self.exercise.title}"
        worth = f"{self.exercise.points} point{'s' if self.exercise.points != 1 else ''}"
        if self.status == "correct":
            return f"✓ {name}: correct, {self.total} of {self.total} cases, {worth}."
        if self.status == "not attempted":
            return f"○ {name}: not attempted yet, {worth} to win."
        return f"✗ {name}: {self.status}, {self.passed} of {self.total} cases right."


@dataclass(frozen=True)
class _Run:
    """What calling an answer on one case came to."""

    value: Any = None
    error: Exception | None = None
    line: str = ""
    changed: tuple[int, ...] = ()
    first_changed: str = ""


def judge(exercise: Exercise, answer: Callable, seed: int = 0) -> Report:
    """Run an answer on every case and say what is right and wrong with it.

    Parameters
    ----------
    exercise
        What was asked.
    answer
        The reader's function.
    seed
        Of the random cases. A grader passes one that nobody knows.

    Raises
    ------
    TypeError
        ``answer`` is not a function.
    """
    if not callable(answer):
        raise TypeError(f"answer is {type(answer).__name__!r}; pass the function itself, without calling it")
    cases = exercise.cases(np.random.default_rng(seed))
    runs = [_run(answer, case) for case in cases]
    if any(isinstance(run.error, NotImplementedError) or run.value is Ellipsis for run in runs):
        return Report(exercise, "not attempted", 0, len(cases))
    expected = [_run(exercise.reference, case).value for case in cases]
    right = [_faulty(exercise, run, value) is None for run, value in zip(runs, expected, strict=True)]
    if all(right):
        try:
            with _quiet():
                complaint = exercise.demand(answer) if exercise.demand else None
        except Exception as error:  # it may fail on the larger problem that the demand poses
            complaint = _say_error(_Run(error=error, line=_last_line_in(answer, error)))
            return Report(exercise, "could not run", len(cases), len(cases), complaint)
        if complaint is None:
            return Report(exercise, "correct", len(cases), len(cases))
        return Report(exercise, "incorrect", len(cases), len(cases), complaint)
    n = right.index(False)
    says, comparison = _faulty(exercise, runs[n], expected[n])
    return Report(
        exercise,
        "could not run" if runs[n].error is not None else "incorrect",
        sum(right),
        len(cases),
        says,
        cases[n],
        comparison,
        _recognise(exercise, cases, runs),
    )


def _run(answer: Callable, case: Case) -> _Run:
    args = copy.deepcopy(case.args)
    try:
        with _quiet():
            value = answer(*args)
    except Exception as error:  # whatever a reader's code may raise
        return _Run(error=error, line=_last_line_in(answer, error))
    changed = tuple(k for k, (a, b) in enumerate(zip(args, case.args, strict=True)) if not _same(a, b))
    return _Run(value=value, changed=changed, first_changed=_argument(answer, changed[0]) if changed else "")


def _argument(answer: Callable, k: int) -> str:
    """Name an argument as the reader's function does, or number it where that has no name for it."""
    try:
        parameters = inspect.signature(answer).parameters.values()
    except (TypeError, ValueError):  # a function written in C need not tell
        parameters = ()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[k] if k < len(names) else f"number {k + 1}"


@contextlib.contextmanager
def _quiet():
    """Keep warnings away: a grader may take anything on stderr for a failure, right answer or not."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b))


def _faulty(exercise: Exercise, run: _Run, expected: Any) -> tuple[str, Comparison | None] | None:
    """Say what is wrong with one run, or None."""
    if run.error is not None:
        return _say_error(run), None
    if run.value is None:
        return f"{exercise.function} returned None. Is there a return at its end?", None
    values, wanted = _values(exercise, run.value), _values(exercise, expected)
    if values is None:
        names = " and ".join(output.name for output in exercise.outputs)
        return f"{exercise.function} must return {len(exercise.outputs)} values: {names}.", None
    for output, yours, right in zip(exercise.outputs, values, wanted, strict=True):
        right = np.asarray(right, dtype=float)
        if yours is None:
            return _say_none(output, right), None
        try:
            if np.asarray(yours).dtype.kind not in "biuf":
                raise TypeError
            yours = np.asarray(yours, dtype=float)
        except Exception:  # an array of another library, a number beyond all floats: whatever a reader returns
            return f"{_sentence(output.name)} is not made of numbers but is a {type(yours).__name__}.", None
        if yours.shape != right.shape:
            return _say_shape(output, yours, right), None
        wrong = np.argwhere(np.atleast_1d(~_close(yours, right)))
        if len(wrong):
            first = tuple(int(k) for k in wrong[-1 if output.backward else 0])[: right.ndim]
            return _say_cell(output, first, yours, right), Comparison(output, yours, right, first)
    if run.changed:
        return (
            f"The values are right, but {exercise.function} changed its argument {run.first_changed} in place. "
            "Whoever called it still needs the old one: work on a copy.",
            None,
        )
    return None


def _values(exercise: Exercise, value: Any) -> tuple | None:
    if len(exercise.outputs) == 1:
        return (value,)
    if isinstance(value, tuple | list) and len(value) == len(exercise.outputs):
        return tuple(value)
    return None


def _close(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    return np.isclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)  # a known wrong idea may end in NaN


def _recognise(exercise, cases, runs) -> Misconception | None:
    for known in exercise.misconceptions:
        if all(_alike(exercise, run, _run(known.answer, case)) for run, case in zip(runs, cases, strict=True)):
            return known
    return None


def _alike(exercise: Exercise, a: _Run, b: _Run) -> bool:
    if a.error is not None or b.error is not None:
        return type(a.error) is type(b.error)
    return a.value is not None and a.changed == b.changed and _faulty(exercise, _Run(a.value), b.value) is None


def _last_line_in(answer: Callable, error: Exception) -> str:
    """Return the line of the reader's own code where it stopped, not the line of a library below it."""
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return frames[-1].line or "" if frames else ""


def _say_error(run: _Run) -> str:
    line = f", at “{run.line}”" if run.line else ""
    return f"It stopped with {type(run.error).__name__}: {run.error}{line}."


def _say_shape(output: Output, of_yours: NDArray, of_right: NDArray) -> str:
    yours, right = of_yours.shape, of_right.shape
    if len(yours) == len(right) == 1 and max(*yours, *right) <= SHOWN_WHOLE:
        listed = [" ".join(show(v) for v in values) or "nothing" for values in (of_yours, of_right)]
        return (
            f"{_sentence(output.name)} should have {right[0]} entries, {listed[1]}; yours has {yours[0]}: {listed[0]}."
        )
    if not right:
        return f"{_sentence(output.name)} must be a single number; yours has the shape {yours}."
    says = f"{_sentence(output.name)} must have the shape {_say_sizes(output, right)}; yours has {yours}."
    if len(right) == 2 and yours == right[::-1] != right:
        says += f" It lies on its side: {output.axes[0]} comes first."
    return says


def _say_sizes(output: Output, shape: tuple[int, ...]) -> str:
    named = ", ".join(f"{axis} = {size}" for axis, size in zip(output.axes, shape, strict=False))
    return f"{shape} (sizes of {named})"


def _say_none(output: Output, right: NDArray) -> str:
    wanted = f"an array of the shape {_say_sizes(output, right.shape)}" if right.ndim else show(right)
    return f"{_sentence(output.name)} is None; it should be {wanted}."


def _sentence(name: str) -> str:
    """Begin a sentence with the name of an output; a name from the code, such as db_h or delta, stays as it is."""
    first = name.split()[0]
    return name if first == name or "_" in first else name[0].upper() + name[1:]


def _say_cell(output: Output, first: tuple[int, ...], yours: NDArray, right: NDArray) -> str:
    digits = digits_apart(yours[first], right[first])
    if not output.axes:
        return f"{_sentence(output.name)} is {show(yours, digits)}; it should be {show(right, digits)}."
    where = ", ".join(f"{axis} = {k}" for axis, k in zip(output.axes, first, strict=False))
    opening = "Read backwards, the" if output.backward else "The"
    hint = ""
    if np.isnan(yours[first]):
        hint = " What is not a number (nan) comes from −∞ − −∞ or from 0/0."
    elif -np.inf < right[first] < SMALLEST_LOGARITHM:
        hint = " If this is a logarithm: its exponential is too small for a float, so stay with the logarithms."
    return (
        f"{opening} first wrong cell of {output.name} is at {where}: {show(yours[first], digits)}, "
        f"and it should be {show(right[first], digits)}.{hint}"
    )


def show(value: float, digits: int = 4) -> str:
    """Format a number for a reader: some significant digits and a true minus sign."""
    value = float(value) + 0.0  # which turns −0 into 0
    if value == -np.inf:
        return "−∞"
    if np.isfinite(value) and abs(value) < 1e6 and value == int(value):
        return f"{value:.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def digits_apart(a: float, b: float) -> int:
    """How many significant digits it takes to see that two numbers differ, at least 4."""
    return next((digits for digits in range(4, 17) if show(a, digits) != show(b, digits)), 17)
