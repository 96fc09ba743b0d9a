"""Prefix beam search against pyctcdecode, which is Python too and has to live in an environment of its own."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf, nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.beam import ALPHABET, check_same, ours, random_scores
from benchmarks.table import Cell, Grid, Result, cells, medians, named, one_thread

BAR = 0.03
FRAMES, WIDTH = 1000, 32
#: How ours and the peer prune besides the width: not at all, or as the peer does by default, which passes over symbols
#: below e^−5 and prefixes e^10 times less probable than the best.
PRUNING = {
    "pruning off": ({}, {"beam_prune_logp": -inf, "token_min_logp": -inf}),
    "default pruning": ({"symbol_floor": -5.0, "beam_distance": 10.0}, {}),
}
CELLS = cells(inputs=["flat", "peaked"], pruning=PRUNING)

# Inside the environment that runs this, so that it goes when that goes. It would like to have hypothesis too, but
# only its own tests use that. And it asks for a NumPy below 2, which is not to be had for Python 3.13; it runs on 2.1.
FOLDER = Path(sys.prefix) / "pyctcdecode"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PINNED = {"pyctcdecode": "0.5.0", "pygtrie": "2.5.0", "numpy": "1.26.4" if sys.version_info < (3, 13) else "2.1.3"}
SCRIPT = Path(__file__).with_name("peer_pyctcdecode.py")
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
VERSIONS = (
    "import json, sys, pyctcdecode; from importlib.metadata import version; "
    "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
)


class NoPeerError(RuntimeError):
    """The peer could not be installed; the text says why."""


def is_complete() -> bool:
    """Tell whether the environment has what is pinned, and it can be imported."""
    try:
        done = subprocess.run([PYTHON, "-I", "-c", VERSIONS, *PINNED], capture_output=True, text=True)
        return done.returncode == 0 and json.loads(done.stdout) == PINNED
    except (OSError, ValueError):
        return False


def set_up() -> None:
    """Make the environment, unless it is complete; what is half-made or out of date is made afresh."""
    if is_complete():
        return
    print(f"Making an environment for pyctcdecode {PINNED['pyctcdecode']} ...", flush=True)
    command = [sys.executable, "-m", "pip", "--python", PYTHON, "install", "--no-deps", "--only-binary", ":all:"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check"]
    try:
        venv.create(FOLDER, clear=True, symlinks=os.name != "nt")
        done = subprocess.run(
            [*command, *(f"{name}=={version}" for name, version in PINNED.items())], capture_output=True, text=True
        )
    except OSError as error:
        raise NoPeerError(str(error)) from error
    if done.returncode != 0:
        raise NoPeerError("\n".join(done.stderr.splitlines()[-3:]))
    if not is_complete():
        raise NoPeerError("it was installed, but cannot be imported")


@contextmanager
def peer(scores: NDArray) -> Iterator[Callable[[dict], str]]:
    """Start the peer on a matrix; what is yielded lets it decode once, and the way there and back takes well under 1 ms."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.npy"
        np.save(path, scores)
        process = subprocess.Popen(
            [PYTHON, "-I", "-W", "ignore", SCRIPT, ALPHABET, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ONE_THREAD,
        )

        def decode(settings: dict) -> str:
            process.stdin.write(json.dumps({"beam_width": WIDTH, **settings}) + "\n")
            process.stdin.flush()
            return process.stdout.readline().rstrip("\n")

        with process:  # which closes its input at the end, and then it stops
            yield decode


def measure(cells: list[Cell] = CELLS, **timing) -> list[Grid]:
    """Time both on one thread and check that they read the same; without the peer, every cell is a bar missed."""
    what = f"prefix beam search, T={FRAMES}, {len(ALPHABET)} symbols, width {WIDTH}; peer: pyctcdecode"
    try:
        set_up()
    except NoPeerError as error:
        print(f"pyctcdecode could not be installed: {error}")
        missing = [Result(named(cell), nan, nan, BAR) for cell in cells]
        return [Grid(f"{what}, WHICH COULD NOT BE INSTALLED", missing)]
    with one_thread():
        return [Grid(what, [measure_one(**cell, **timing) for cell in cells])]


def measure_one(inputs: str, pruning: str, **timing) -> Result:
    """Compare both on a matrix."""
    scores, (our_settings, settings) = random_scores(FRAMES, len(ALPHABET), inputs), PRUNING[pruning]
    with peer(scores) as decode:
        check_same(scores, ours(scores, WIDTH, **our_settings), decode(settings))
        times = medians(lambda: ours(scores, WIDTH, **our_settings), lambda: decode(settings), warm=True, **timing)
    return Result(f"{inputs}, {pruning}", *times, BAR)
