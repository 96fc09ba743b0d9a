"""How an answer is judged: it is run on the cases of its exercise. Who asks for the judgement is not known here."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from course_utils.exercises.calls import Call, call, last_line_in, quiet
from course_utils.exercises.exercise import Case, Exercise, Misconception
from course_utils.exercises.faults import alike, find_fault
from course_utils.exercises.report import Report, Status
from course_utils.exercises.time_limit import TimeLimit, TooSlow
from course_utils.exercises.wording import say_endless, say_stopped

SECONDS = 10.0  # hundreds of times what the slowest right answer needs on a case
SHEETS_KEPT = 128


def judge(exercise: Exercise, answer: Callable, seed: int = 0, limit: float = SECONDS) -> Report:
    """Run an answer on every case and say what is right and wrong with it.

    Parameters
    ----------
    exercise
        What was asked.
    answer
        The reader's function.
    seed
        Of the random cases. A grader passes one that nobody knows.
    limit
        How many seconds the answer may take on one case; the same holds for the exercise's demand, and for each
        known wrong idea on each case. No case is tried after one that did not end. ``TimeLimit`` says what cannot
        be stopped.

    Raises
    ------
    TypeError
        ``answer`` is not a function, or the exercise's ``accepts`` does not say what it should.
    ValueError
        ``limit`` is not a positive number.
    """
    if not callable(answer):
        raise TypeError(f"answer is {type(answer).__name__!r}; pass the function itself, without calling it")
    sheet = _sheet(exercise, seed, limit)
    with TimeLimit(limit) as clock:
        calls = _call_until_endless(answer, sheet.cases, clock)
        if any(isinstance(made.error, NotImplementedError) or made.value is Ellipsis for made in calls):
            return _report(sheet, "not attempted", 0)
        faults = [
            find_fault(exercise, *of_case, clock)
            for of_case in zip(sheet.cases, calls, sheet.expected, strict=False)  # the calls may have ended early
        ]
        if not any(faults):
            return _report_on_demand(sheet, answer, clock)
        endless = isinstance(calls[-1].error, TooSlow)
        n = len(calls) - 1 if endless else next(n for n, fault in enumerate(faults) if fault is not None)
        idea = _recognise(sheet, calls, clock)
    return _report(
        sheet,
        "could not run" if calls[n].error is not None else "incorrect",
        faults.count(None),
        faults[n].says,
        case=sheet.cases[n].name,
        comparison=faults[n].comparison,
        misconception=idea.name if idea else None,
        hint=idea.hint if idea else None,
    )


class _Sheet:
    """The cases of an exercise from one seed, and what the reference and the known wrong ideas come to on them.

    Each is computed where it is first needed and kept: one exercise is checked again and again.
    """

    def __init__(self, exercise: Exercise, seed: int):
        self.exercise = exercise
        self.cases = tuple(exercise.cases(np.random.default_rng(seed)))
        self._known: dict[tuple[int, int], Call] = {}

    @cached_property
    def expected(self) -> tuple[Any, ...]:
        """What the reference returns on each case; None where the exercise judges values by itself."""
        if self.exercise.accepts is not None:
            return (None,) * len(self.cases)
        with TimeLimit(float("inf")) as unlimited:
            return tuple(call(self.exercise.reference, case, unlimited).value for case in self.cases)

    def known(self, k: int, n: int, clock: TimeLimit) -> Call:
        """Call the k-th wrong idea on the n-th case."""
        if (k, n) not in self._known:
            self._known[k, n] = call(self.exercise.misconceptions[k].answer, self.cases[n], clock)
        return self._known[k, n]


@lru_cache(maxsize=SHEETS_KEPT)
def _sheet(exercise: Exercise, seed: int, limit: float) -> _Sheet:
    return _Sheet(exercise, seed)  # one for each limit, within which the known wrong ideas are called


def _call_until_endless(answer: Callable, cases: Sequence[Case], clock: TimeLimit) -> list[Call]:
    calls = []
    for case in cases:
        calls.append(call(answer, case, clock))
        if isinstance(calls[-1].error, TooSlow):
            break
    return calls


def _recognise(sheet: _Sheet, calls: Sequence[Call], clock: TimeLimit) -> Misconception | None:
    for k, idea in enumerate(sheet.exercise.misconceptions):
        if all(alike(sheet.exercise, made, sheet.known(k, n, clock)) for n, made in enumerate(calls)):
            return idea
    return None


def _report_on_demand(sheet: _Sheet, answer: Callable, clock: TimeLimit) -> Report:
    """Report on an answer that is right on every case: only the exercise's demand can speak against it."""
    total, demand = len(sheet.cases), sheet.exercise.demand
    try:
        with quiet():
            complaint = clock.call(demand, answer) if demand else None
    except TooSlow as error:
        where = "where more is asked of it than right values"
        return _report(sheet, "could not run", total, say_endless(clock.seconds, where, last_line_in(answer, error)))
    except Exception as error:  # it may fail on the larger problem that the demand poses
        return _report(sheet, "could not run", total, say_stopped(error, last_line_in(answer, error)))
    if complaint is None:
        return _report(sheet, "correct", total)
    return _report(sheet, "incorrect", total, complaint)


def _report(sheet: _Sheet, status: Status, passed: int, says: str = "", **found: Any) -> Report:
    asked = sheet.exercise
    return Report(asked.id, asked.title, asked.function, asked.points, status, passed, len(sheet.cases), says, **found)
