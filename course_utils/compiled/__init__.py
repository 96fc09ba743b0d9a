"""The inner loops, compiled by numba where it is installed; without it NumPy does the same, more slowly.

The modules of this package are the only ones that import numba, so they are loaded by :func:`loops` when one is needed
and not before: importing an algorithm costs NumPy and nothing else. Compiling takes seconds, once; the machine code is
kept beside the sources, or where numba finds a folder that it may write to, and later processes only read it.
"""

import importlib.util
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

MODULES = ("numbers", "gates", "lattice", "ctc", "alignment", "decoding")
#: Entered while something is compiled, which may take seconds; notebooks put a line on the screen here.
announcement: Callable[[], AbstractContextManager] = nullcontext


@cache
def loops(name: str) -> ModuleType | None:
    """Return ``course_utils.compiled.<name>``, ready to run, or None where numba is not installed or is switched off."""
    if importlib.util.find_spec("numba") is None:
        return None
    import numba

    if numba.config.DISABLE_JIT:
        return None
    module = import_module(f"course_utils.compiled.{name}")
    with nullcontext() if is_kept(module) else announcement():
        module.warm_up()
    return module


def is_worth_it(size: int) -> bool:
    """Tell whether a table of so many numbers is large enough for loops: loading numba takes half a second."""
    return size >= 20_000 or "numba" in sys.modules


def is_kept(module: ModuleType) -> bool:
    """Tell whether the machine code of the loops that are called from outside lies in numba's cache."""
    return all(any(Path(loop.stats.cache_path).glob(f"*.{loop.__qualname__}-*.nbi")) for loop in module.ENTRIES)


def plain(values: ArrayLike, dtype: type = np.float64) -> NDArray:
    """Return an array as the loops take it, contiguous and writable: every other kind would be compiled for anew."""
    return np.require(values, dtype, "CAWE")
