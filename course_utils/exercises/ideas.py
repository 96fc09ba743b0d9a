"""Which wrong idea an answer follows: a known one, two at once, or one of those that any exercise invites."""

import dis
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from types import CodeType
from typing import Any

import numpy as np

from course_utils.exercises.calls import Call
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.faults import Fault, alike, find_fault
from course_utils.exercises.sheet import Sheet
from course_utils.exercises.time_limit import TimeLimit

PATIENCE = 2.0  # seconds for all pairs of wrong ideas; some dozens take a few hundredths


@dataclass(frozen=True)
class Idea:
    """The name and the hint of a wrong idea, and whether the answer follows it on the cases only where it is wrong."""

    name: str
    hint: str
    in_part: bool = False


def recognise(
    sheet: Sheet, answer: Callable | None, calls: Sequence[Call], faults: Sequence[Fault | None], clock: TimeLimit
) -> Idea | None:
    """Find the wrong idea behind an answer, the surest evidence first.

    Parameters
    ----------
    answer
        None where its calls are all that is left of it.
    calls, faults
        What calling the answer came to on the first cases, and what is wrong with each.
    """
    wrong = [n for n, fault in enumerate(faults) if fault is not None]
    in_turn = sorted(range(len(calls)), key=lambda n: n not in wrong)  # a wrong case tells ideas apart the soonest

    def follows(idea: Misconception, cases: Sequence[int]) -> bool:
        return all(alike(sheet.exercise, calls[n], sheet.known(idea, n, clock)) for n in cases)

    for idea in sheet.exercise.misconceptions:
        if follows(idea, in_turn):
            return Idea(idea.name, idea.hint)
    if _right_in_another_order(sheet, calls, clock):
        order = ", ".join(output.name for output in sheet.exercise.outputs)
        return Idea("values in another order", f"Each value is right. They must be returned in this order: {order}.")
    for idea in _in_time(sheet.pairs):
        if follows(idea, in_turn):
            return Idea(idea.name, idea.hint)
    tables = any(output.axes for output in sheet.exercise.outputs)  # a single number may be met by chance
    for idea in sheet.exercise.misconceptions:
        if tables and all(calls[n].error is None for n in wrong) and follows(idea, wrong):
            return Idea(idea.name, idea.hint, in_part=True)
    return _reads_the_notebook(sheet, answer)


def _in_time(ideas: Sequence[Misconception]) -> Iterator[Misconception]:
    ends = time.monotonic() + PATIENCE
    for idea in ideas:
        if time.monotonic() > ends:
            return
        yield idea


def _right_in_another_order(sheet: Sheet, calls: Sequence[Call], clock: TimeLimit) -> bool:
    size = len(sheet.exercise.outputs)
    if size < 2 or any(not isinstance(made.value, tuple | list) or len(made.value) != size for made in calls):
        return False
    for order in permutations(range(size)):
        swapped = [replace(made, value=tuple(made.value[k] for k in order)) for made in calls]
        of_case = zip(sheet.cases, swapped, sheet.expected, strict=False)
        if all(find_fault(sheet.exercise, *each, clock) is None for each in of_case):
            return True
    return False


def _reads_the_notebook(sheet: Sheet, answer: Callable | None) -> Idea | None:
    """Notice an answer that reads data of the notebook where it should read its arguments."""
    code, around = getattr(answer, "__code__", None), getattr(answer, "__globals__", {})
    if code is None:
        return None
    names = [name for name in _global_names(code) if not name.isupper() and _is_data(around.get(name))]
    if not names:
        return None
    read = " and ".join(dict.fromkeys(names))
    return Idea(
        "a variable of the notebook instead of an argument",
        f"{sheet.exercise.function} reads {read}, which it was not given: that stays the same whatever the case.",
    )


def _global_names(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # a function or a comprehension within
            yield from _global_names(constant)


def _is_data(value: Any) -> bool:
    return isinstance(value, np.ndarray | list | tuple | dict | int | float | str)
