"""How long the first call of an algorithm takes in a new process: while nothing has been compiled yet, and after that."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks.table import Grid, Result

COLD, WARM = 5.0, 0.3
#: The calls, in this order; the first one imports numba too.
CALLS = {
    "loss_and_gradient": "ctc_loss.loss_and_gradient(log_y, [1, 2])",
    "align": "viterbi.align(log_y, [1, 2])",
    "prefix_beam_search": "decoding.prefix_beam_search(log_y)",
}
TIMED = """
import json, sys, time
import numpy as np
from course_utils import ctc_loss, decoding, viterbi
log_y, seconds = np.log(np.full((8, 4), 0.25)), []
for call in sys.argv[1:]:
    start = time.{clock}()
    eval(call)
    seconds.append(time.{clock}() - start)
print(json.dumps(seconds))
"""


def seconds_of_first_calls(folder: str, calls: list[str], clock: str) -> list[float]:
    """Make some calls in a fresh interpreter, whose compiled code is kept in a folder; the package is imported before."""
    command = [sys.executable, "-c", TIMED.format(clock=clock), *calls]
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def measure(turns: int = 3, clock: str = "perf_counter") -> list[Grid]:
    """Time the first calls with an empty folder, and the very first one with what they have left in it."""
    cold, warm = [], []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(seconds_of_first_calls(folder, list(CALLS.values()), clock))
            warm += seconds_of_first_calls(folder, list(CALLS.values())[:1], clock)
    results = [
        Result(f"{name}, nothing compiled yet", statistics.median(seconds), None, COLD)
        for name, seconds in zip(CALLS, zip(*cold, strict=True), strict=True)
    ]
    results.append(Result("loss_and_gradient, compiled before", statistics.median(warm), None, WARM))
    return [Grid("the first call in a process", results)]
