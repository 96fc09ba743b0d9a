"""Noticing an answer that calls the library's own function for what it is asked to write."""

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import CodeType, FunctionType


class Asked(Exception):
    """A function of the library was called that is what the exercise asks for. Its text is the function's full name."""


@contextlib.contextmanager
def watching(names: Sequence[str]) -> Iterator[None]:
    """Let functions of the library raise Asked for as long as this context lasts, whoever calls them.

    The code within each function is exchanged, not the name in its module: an answer may have imported it before, and
    other functions of the library may call it. To trace all calls would be another way; a trace function and an
    exception raised from another thread, which ends what never ends, do not go together.

    Parameters
    ----------
    names
        Each by its module in course_utils and its name there, such as "viterbi.forward".

    Raises
    ------
    ValueError
        A name is not that of a plain Python function.
    """
    functions = [(name, function_named(name)) for name in names]
    before = [function.__code__ for _, function in functions]
    try:
        for name, function in functions:
            function.__code__ = _tells(name)
        yield
    finally:
        for (_, function), code in zip(functions, before, strict=True):
            function.__code__ = code


def watch_for_good(names: Sequence[str]) -> None:
    """Let functions of the library raise Asked from now on, in this process."""
    for name in names:
        function_named(name).__code__ = _tells(name)


@cache
def function_named(name: str) -> FunctionType:
    """Find a function, a method or a property of the library, below what decorates it."""
    module, _, path = name.partition(".")
    found: Callable = importlib.import_module(f"course_utils.{module}")
    for part in path.split("."):
        found = getattr(found, part)
    found = getattr(found, "fget", found)
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    if not isinstance(found, FunctionType) or found.__code__.co_freevars:
        raise ValueError(
            f"course_utils.{name} is {found!r}; a plain function is needed, to be noticed when it is called"
        )
    return found


@cache
def _tells(name: str) -> CodeType:
    """Make the code of a function that takes any arguments and raises Asked."""
    source = f"def tell(*args, **kwargs):\n    from {__name__} import Asked\n    raise Asked('course_utils.{name}')\n"
    made: dict = {}
    exec(compile(source, "<the course>", "exec"), made)
    return made["tell"].__code__
