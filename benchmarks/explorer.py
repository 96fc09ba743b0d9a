"""How soon the explorer of products of Jacobians answers a slider, in the kernel: new weights, products, picture, JSON."""

import statistics
import time
from collections.abc import Callable

from benchmarks.table import Grid, Result

BAR = 0.1
FACTORS, UNITS = 200, 32


def measure(turns: int = 9, clock: Callable[[], float] = time.perf_counter) -> list[Grid]:
    """Move the slider of the norm to and fro, at the largest picture that there is."""
    from course_utils.notebook import gradient_explorer

    explorer = gradient_explorer()
    explorer.factors.value, explorer.units.value = FACTORS, UNITS
    seconds = []
    for n in range(turns + 1):
        start = clock()
        explorer.norm.value = 1.5 + 0.1 * (n % 2)
        seconds.append(clock() - start)
        assert explorer.message.value == ""
        assert f"{FACTORS} Jacobians, {UNITS} units" in explorer.shown().title
    median = statistics.median(seconds[1:])  # the first one has formulas and weights to make for the first time
    return [
        Grid("gradient explorer answers a slider", [Result(f"{FACTORS} factors, {UNITS} units", median, None, BAR)])
    ]
