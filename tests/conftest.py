"""What all tests share: the published numbers, and a hypothesis that always tries the same examples."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from loops import switched_off

settings.register_profile("course", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("course")


@pytest.fixture(scope="session")
def oracles():
    """Numbers that were found without this package: published, exact, or from another program."""
    return json.loads((Path(__file__).parent / "oracles.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def column_classifier():
    """The classifier of the columns of digit strips; fitting it takes seconds, so all tests share one."""
    from course_utils.column_classifier import ColumnClassifier

    return ColumnClassifier()


@pytest.fixture(params=["compiled", "NumPy"])
def both_ways(request, monkeypatch):
    """Run with the loops that numba compiles, and once more with NumPy alone."""
    if request.param == "NumPy":
        switched_off(monkeypatch)


def pytest_ignore_collect(collection_path, config):
    """Leave a file that is slow as a whole unread where no slow test is wanted: to collect it takes seconds."""
    if config.option.markexpr == "not slow" and collection_path.suffix == ".py":
        return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text("utf-8") or None
    return None
