"""A line in the notebook while the inner loops are compiled, which takes some seconds, once."""

from collections.abc import Iterator
from contextlib import contextmanager

from IPython import get_ipython
from IPython.display import HTML, display

SAYS = "Compiling the inner loops of the course, once: some seconds …"


@contextmanager
def compiling_line() -> Iterator[None]:
    """Show the line below the cell, and take it away when it is done."""
    if get_ipython() is None:
        yield
        return
    line = display(HTML(f"<em>{SAYS}</em>"), display_id=True)
    try:
        yield
    finally:
        line.update(HTML(""))
