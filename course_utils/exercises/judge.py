"""How an answer is judged: it is run on the cases of its exercise. Who asks for the judgement is not known here."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from course_utils.exercises.asked import Asked, watching
from course_utils.exercises.calls import Call, call, last_line_in, quiet
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.faults import Fault, find_fault
from course_utils.exercises.ideas import recognise
from course_utils.exercises.paste import call_to_paste
from course_utils.exercises.report import Report, Status
from course_utils.exercises.sheet import Sheet, sheet_of
from course_utils.exercises.stubs import is_stub
from course_utils.exercises.time_limit import TimeLimit, TooSlow
from course_utils.exercises.wording import say_asked, say_endless, say_stopped

SECONDS = 10.0  # hundreds of times what the slowest right answer needs on a case


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
        known wrong idea on each case. No case is tried after one that did not end, nor after so many seconds of an
        answer that is known to be wrong by then. ``TimeLimit`` says what cannot be stopped.

    Raises
    ------
    TypeError
        ``answer`` is not a function, or the exercise's ``accepts`` does not say what it should.
    ValueError
        ``limit`` is not a positive number.
    """
    if not callable(answer):
        raise TypeError(f"answer is {type(answer).__name__!r}; pass the function itself, without calling it")
    sheet = sheet_of(exercise, seed, limit)
    if is_stub(answer):
        return _report(sheet, "not attempted", 0)
    with TimeLimit(limit) as clock:
        calls, faults = _try(answer, sheet, clock)
        if not any(faults):
            return _report_on_demand(sheet, answer, clock)
        return _report_on_faults(sheet, answer, calls, faults, clock)


def report_on_calls(sheet: Sheet, calls: Sequence[Call], limit: float = SECONDS) -> Report:
    """Say what is right and wrong with calls that were made elsewhere, one for each of the first cases of a sheet.

    There may be fewer calls than cases where the last one did not end. Demands are not made.
    """
    with TimeLimit(limit) as clock:
        of_case = zip(sheet.cases, calls, sheet.expected, strict=False)
        faults = [find_fault(sheet.exercise, *each, clock) for each in of_case]
        if not any(faults) and len(calls) == len(sheet.cases):
            return _report(sheet, "correct", len(calls))
        return _report_on_faults(sheet, None, calls, faults, clock)


def _report_on_faults(
    sheet: Sheet, answer: Callable | None, calls: Sequence[Call], faults: Sequence[Fault | None], clock: TimeLimit
) -> Report:
    endless = isinstance(calls[-1].error, TooSlow)
    n = len(calls) - 1 if endless else next(n for n, fault in enumerate(faults) if fault is not None)
    asked = isinstance(calls[n].error, Asked)
    idea = None if asked else recognise(sheet, answer, calls, faults, clock)
    return _report(
        sheet,
        "could not run" if calls[n].error is not None and not asked else "incorrect",
        faults.count(None),
        faults[n].says,
        case=sheet.cases[n].name,
        call=call_to_paste(sheet.exercise.id, sheet.exercise.function, sheet.cases[n].args)
        if sheet.cases[n].args
        else "",
        printed=calls[n].printed,
        comparison=faults[n].comparison,
        misconception=idea.name if idea else None,
        hint=idea.hint if idea else None,
        in_part=idea.in_part if idea else False,
    )


def _try(answer: Callable, sheet: Sheet, clock: TimeLimit) -> tuple[list[Call], list[Fault | None]]:
    """Call an answer on the cases in turn, and say what is wrong with each call."""
    calls, faults = [], []
    began = time.monotonic()
    for case, expected in zip(sheet.cases, sheet.expected, strict=True):
        calls.append(call(answer, case, clock, sheet.exercise.asks_for))
        faults.append(find_fault(sheet.exercise, case, calls[-1], expected, clock))
        out_of_time = time.monotonic() - began > clock.seconds and any(faults)
        if isinstance(calls[-1].error, TooSlow) or out_of_time:
            break
    return calls, faults


def _report_on_demand(sheet: Sheet, answer: Callable, clock: TimeLimit) -> Report:
    """Report on an answer that is right on every case: only the exercise's demand can speak against it."""
    total, demand = len(sheet.cases), sheet.exercise.demand

    def watched(*args: Any) -> Any:
        with watching(sheet.exercise.asks_for):
            return answer(*args)

    try:
        with quiet():
            complaint = clock.call(demand, watched) if demand else None
    except TooSlow as error:
        where = "where more is asked of it than right values"
        return _report(sheet, "could not run", total, say_endless(clock.seconds, where, last_line_in(answer, error)))
    except Asked as error:
        return _report(sheet, "incorrect", 0, say_asked(sheet.exercise.function, error))
    except (Exception, SystemExit) as error:  # it may fail on the larger problem that the demand poses
        return _report(sheet, "could not run", total, say_stopped(error, last_line_in(answer, error)))
    if complaint is None:
        return _report(sheet, "correct", total)
    return _report(sheet, "incorrect", total, complaint)


def _report(sheet: Sheet, status: Status, passed: int, says: str = "", **found: Any) -> Report:
    asked = sheet.exercise
    return Report(asked.id, asked.title, asked.function, asked.points, status, passed, len(sheet.cases), says, **found)
