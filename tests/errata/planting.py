"""Plant a mistake of the notes in the course's own code, and see the guard of its erratum go red."""

import inspect
import sys
from pathlib import Path

import pytest
from loops import with_a_fault

import course_utils

OURS = str(Path(course_utils.__file__).parent), str(Path(__file__).parent)


def instead(right, wrong):
    """Call ``wrong(right, …)`` wherever a module or a class has the function, method or property ``right``."""

    def planted(*args, **kwargs):
        return wrong(right.fget if isinstance(right, property) else right, *args, **kwargs)

    def plant(monkeypatch):
        modules = [m for m in sys.modules.values() if (getattr(m, "__file__", None) or "").startswith(OURS)]
        classes = [c for m in modules for c in vars(m).values() if inspect.isclass(c) and c.__module__ == m.__name__]
        owners = [(owner, name) for owner in modules + classes for name, value in vars(owner).items() if value is right]
        assert owners, f"nothing has {right}"
        for owner, name in owners:
            monkeypatch.setattr(owner, name, property(planted) if isinstance(right, property) else planted)

    return plant


def in_loops(module, right, wrong):
    """Put one line for another in the text of ``course_utils.compiled.<module>``."""
    return lambda monkeypatch: with_a_fault(monkeypatch, module, right, wrong)


def assert_red(guard, plant, monkeypatch, request):
    """Assert that a guard, a test with the fixtures it asks for, fails once the mistake is planted."""
    fixtures = {name: request.getfixturevalue(name) for name in inspect.signature(guard).parameters}
    plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        guard(**fixtures)
