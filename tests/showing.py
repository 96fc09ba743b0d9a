"""What a failing test shows beside the line that fails. Tables are printed then only: that takes longer than to check them."""

from contextlib import contextmanager

import pytest


@contextmanager
def showing(say, *of):
    """Add what ``say(*of)`` returns to an assertion that fails inside."""
    try:
        yield
    except (AssertionError, pytest.fail.Exception) as error:
        error.add_note(say(*of))
        raise
