"""What the tests of both networks with gates share: each runs with the compiled gates, and with those of NumPy."""

import importlib

import loops
import pytest


@pytest.fixture(params=["compiled", "numpy"], autouse=True)
def way(request, monkeypatch):
    """Runs every test of a file that imports it twice."""
    importlib.import_module("numba")  # from then on the loops are worth it
    if request.param == "numpy":
        loops.switched_off(monkeypatch)
    return request.param
