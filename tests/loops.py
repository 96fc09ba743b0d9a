"""The loops that numba compiles: switched off, or with a fault planted in their text."""

import sys
from pathlib import Path
from types import ModuleType

import numba

from course_utils import compiled

FOLDER = Path(compiled.__file__).parent


def switched_off(monkeypatch):
    """Let NumPy do everything, as where numba is not installed."""
    monkeypatch.setattr(compiled, "loops", lambda name: None)


def with_a_fault(monkeypatch, module, right, wrong):
    """Put ``wrong`` for ``right`` in the text of ``course_utils.compiled.<module>``, and run all of them as plain Python."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    planted = {}
    for name in compiled.MODULES:  # in an order in which each imports those before
        text = (FOLDER / f"{name}.py").read_text("utf-8")
        if name == module:
            assert text.count(right) == 1, f"{right!r} stands {text.count(right)} times in {name}.py"
            text = text.replace(right, wrong)
        planted[name] = ModuleType(f"course_utils.compiled.{name}")
        planted[name].__file__ = str(FOLDER / f"{name}.py")
        exec(compile(text, f"{name}.py with a fault", "exec"), vars(planted[name]))
        monkeypatch.setitem(sys.modules, f"course_utils.compiled.{name}", planted[name])
    monkeypatch.setattr(compiled, "loops", planted.get)
