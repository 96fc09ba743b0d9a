"""The cases of an exercise from one seed, and what the reference and the known wrong ideas come to on them."""

from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from course_utils.exercises.calls import Call, call
from course_utils.exercises.exercise import Exercise, Misconception, pairs_of
from course_utils.exercises.time_limit import TimeLimit

SHEETS_KEPT = 128


class Sheet:
    """Cases and what is known of them. Each value is computed where it is first needed and kept.

    One exercise is checked again and again.
    """

    def __init__(self, exercise: Exercise, seed: int):
        self.exercise = exercise
        self.cases = tuple(exercise.cases(np.random.default_rng(seed)))
        self._known: dict[tuple[Misconception, int], Call] = {}

    @cached_property
    def expected(self) -> tuple[Any, ...]:
        """What the reference returns on each case; None where the exercise judges values by itself."""
        if self.exercise.accepts is not None:
            return (None,) * len(self.cases)
        with TimeLimit(float("inf")) as unlimited:
            return tuple(call(self.exercise.reference, case, unlimited).value for case in self.cases)

    @cached_property
    def pairs(self) -> tuple[Misconception, ...]:
        """Every two wrong ideas that one answer can follow at once, as one."""
        return pairs_of(self.exercise) if self.exercise.pairs is None else self.exercise.pairs

    def known(self, idea: Misconception, n: int, clock: TimeLimit) -> Call:
        """Call a wrong idea on the n-th case."""
        if (idea, n) not in self._known:
            self._known[idea, n] = call(idea.answer, self.cases[n], clock)
        return self._known[idea, n]


@lru_cache(maxsize=SHEETS_KEPT)
def sheet_of(exercise: Exercise, seed: int, limit: float) -> Sheet:
    """Return the one sheet for an exercise, a seed and a limit, within which the known wrong ideas are called."""
    return Sheet(exercise, seed)
