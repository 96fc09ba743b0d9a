"""What an exercise is. How an answer is judged, and who asks for the judgement, is not known here.

A misconception *is* a wrong implementation. An answer that behaves like it on every case is recognised by running
both, and the tests of the course use the same functions as the wrong answers that must be rejected and named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

TOLERANCE = 1e-6  # how near a value must be to the right one, relative or absolute: single precision is near enough


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
    names
        Whether it is made of names, such as "AH", and not of numbers.
    """

    name: str
    axes: tuple[str, ...] = ()
    backward: bool = False
    names: bool = False


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
        A right answer. Where ``accepts`` is None, an answer is right if it returns what the reference returns.
    cases
        Makes the cases from a random generator: the worked example, the edges, and random instances.
    misconceptions
        Known wrong ideas; no two behave alike on the cases.
    accepts
        For a question with many right answers, such as one for a counter-example: says in a sentence what is wrong
        with a value, or returns None where it is right. It is called with the arguments of a case and with what the
        answer returned for them, as an array of floats, or a tuple of arrays where there are several outputs. They
        have as many axes as the outputs name, and any size: zero, too. What it raises is told to the reader as a
        value that cannot be judged.

        It takes the place of the reference in the verdict only. A wrong idea is recognised as ever, by its values:
        an answer follows it that returns the same ones on every case.
    demand
        Checks what values alone cannot show, such as memory: returns a sentence where an answer fails it.
    tolerance
        How near a value must be to the right one, relative or absolute.
    asks_for
        The library's own functions that are an answer, or the better part of one, each by its module in course_utils
        and its name, such as "viterbi.forward". An answer that calls one is told to write it.
    pairs
        Every two misconceptions that one answer can follow at once; None where ``pairs_of`` makes them.
    """

    id: str
    title: str
    points: int
    function: str
    outputs: tuple[Output, ...]
    reference: Callable
    cases: Callable[[np.random.Generator], Sequence[Case]]
    misconceptions: tuple[Misconception, ...]
    accepts: Callable[[tuple, Any], str | None] | None = None
    demand: Callable[[Callable], str | None] | None = None
    tolerance: float = TOLERANCE
    asks_for: tuple[str, ...] = ()
    pairs: tuple[Misconception, ...] | None = None


def pairs_of(exercise: Exercise) -> tuple[Misconception, ...]:
    """Make one wrong idea of every two that one answer can follow at once."""
    ideas = exercise.misconceptions
    made = (_together(one, two) for k, one in enumerate(ideas) for two in ideas[k + 1 :])
    return tuple(pair for pair in made if pair is not None)


def _together(one: Misconception, two: Misconception) -> Misconception | None:
    """Change the decisions of both, where both change decisions of one function and no decision twice."""
    a, b = one.answer, two.answer
    if not (isinstance(a, partial) and isinstance(b, partial)) or a.func is not b.func or a.args or b.args:
        return None
    if a.keywords.keys() & b.keywords.keys():
        return None
    answer = partial(a.func, **a.keywords, **b.keywords)
    return Misconception(f"{one.name}, and {two.name}", f"{one.hint} {two.hint}", answer)
