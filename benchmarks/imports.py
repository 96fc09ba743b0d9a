"""What importing the package costs, against NumPy, which it cannot do without."""

import statistics
import subprocess
import sys

from benchmarks.table import Result

BAR = 1.5
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds_to_import(modules: str) -> float:
    """Import in a fresh interpreter and return how long that took, without the interpreter's own start."""
    done = subprocess.run([sys.executable, "-c", TIMED.format(modules)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(repetitions: int = 15) -> list[Result]:
    """Compare the package, and its algorithms, which is what a program needs, with NumPy."""
    ours = {"course_utils": [], "course_utils.viterbi, course_utils.alignment_training": []}
    peer = []
    for modules in ("numpy", *ours):  # the first import of all reads the files from the disk
        seconds_to_import(modules)
    for _ in range(repetitions):
        peer.append(seconds_to_import("numpy"))
        for modules, taken in ours.items():
            taken.append(seconds_to_import(modules))
    return [
        Result(f"import {modules}; peer: import numpy", statistics.median(taken), statistics.median(peer), BAR)
        for modules, taken in ours.items()
    ]
