"""How soon the explorer of products of Jacobians answers a slider, in the kernel: new weights, products, picture, JSON."""

import statistics
import time

from benchmarks.table import Result

BAR = 0.1
FACTORS, UNITS = 200, 32


def measure(repetitions: int = 9) -> list[Result]:
    """Move the slider of the norm to and fro, at the largest picture that there is."""
    from course_utils.notebook import gradient_explorer

    explorer = gradient_explorer()
    explorer.factors.value, explorer.units.value = FACTORS, UNITS
    seconds = []
    for n in range(repetitions + 1):
        start = time.perf_counter()
        explorer.norm.value = 1.5 + 0.1 * (n % 2)
        seconds.append(time.perf_counter() - start)
        assert explorer.message.value == ""
        assert f"{FACTORS} Jacobians, {UNITS} units" in explorer.shown().title
    median = statistics.median(seconds[1:])  # the first one has formulas and weights to make for the first time
    return [Result(f"gradient explorer answers a slider, {FACTORS} factors, {UNITS} units", median, None, BAR)]
