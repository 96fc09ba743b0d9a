"""What importing the package costs, against NumPy, which it cannot do without."""

import statistics
import subprocess
import sys

from benchmarks.table import Grid, Result

BAR = 1.5
PEER = "numpy"
OURS = (
    "course_utils",
    "course_utils.viterbi, course_utils.ctc_loss, course_utils.decoding, course_utils.alignment_training",
)
TIMED = "import time; start = time.{clock}(); import {modules}; print(time.{clock}() - start)"


def seconds_to_import(modules: str, clock: str = "perf_counter") -> float:
    """Import in a fresh interpreter and return how long that took, without the interpreter's own start."""
    timed = TIMED.format(clock=clock, modules=modules)
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(turns: int = 15, clock: str = "perf_counter") -> list[Grid]:
    """Compare the package, and its algorithms, which is what a program needs, with NumPy."""
    for modules in (PEER, *OURS):  # the first import of all reads the files from the disk
        seconds_to_import(modules)
    taken = [[seconds_to_import(modules, clock) for modules in (PEER, *OURS)] for _ in range(turns)]
    peer, *ours = map(statistics.median, zip(*taken, strict=True))
    results = [Result(modules, seconds, peer, BAR) for modules, seconds in zip(OURS, ours, strict=True)]
    return [Grid("import; peer: import numpy", results)]
