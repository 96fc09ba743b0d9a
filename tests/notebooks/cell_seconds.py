"""A plugin beside nbval: no cell, and no notebook, may take the processor longer than a reader would wait.

Each notebook is run once, and both gates look at that run::

    python -m pytest --nbval -p tests.notebooks.cell_seconds notebooks
"""

import psutil
import pytest
from nbval.plugin import IPyNbCell

from course_utils import compiled

# Of the processor, so that what else a machine has to do does not matter much. They leave room for one half as fast
# as that which they were chosen on, where no cell takes more than 4.
SECONDS_A_CELL, SECONDS_A_NOTEBOOK = 10, 60


def processor_seconds(pid: int) -> float:
    """Say how long a process and the children of it that have ended have computed, in the user's name and the system's."""
    return sum(psutil.Process(pid).cpu_times()[:4])


def complaint(seconds: float, before: float) -> str | None:
    """Say what is wrong with the time of a cell, where those before it took ``before`` seconds; None: nothing is."""
    if seconds >= SECONDS_A_CELL:
        most, taken, what = SECONDS_A_CELL, seconds, "This cell"
    else:
        most, taken, what = SECONDS_A_NOTEBOOK, before + seconds, "The notebook up to this cell"
    return f"{what} took {taken:.1f} s of the processor; it has to stay below {most}." if taken >= most else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Time each cell that nbval runs, and let one fail that takes too long."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    for name in compiled.MODULES:  # the set-up compiles; here in case the sources have changed since
        compiled.loops(name)
    pid, before = item.parent.kernel.km.provisioner.pid, getattr(item.parent, "seconds", 0.0)
    seconds = -processor_seconds(pid)
    result = yield
    seconds += processor_seconds(pid)
    item.parent.seconds = before + seconds
    if found := complaint(seconds, before):
        item.raise_cell_error(found)
    return result
