"""How the times of CTC grow with the size of the problem, ours and a peer's.

``make bench`` and ``python -m benchmarks.growth`` print them, ``python -m benchmarks.growth --write`` stores them too, in
``growth.json``, from which ``make figures`` draws ``figures/ctc_growth.svg``. So a number in the picture is one
that somebody has measured and meant to keep.
"""

import json
import sys
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks import beam, ctc
from benchmarks.table import Pair, duration, machine, medians, one_thread

STORED = Path(__file__).with_name("growth.json")
LENGTH = 50


def loss_pair(T: int = 500, A: int = 30, B: int = 1) -> Pair:
    """Prepare loss and gradient of B utterances, in whose logits the symbols of the target are likely where they stand."""
    rng = np.random.default_rng(0)
    targets = [rng.integers(1, A, LENGTH) for _ in range(B)]
    logits = 2 * rng.normal(size=(B, T, A))
    for rows, target in zip(logits, targets, strict=True):
        rows[np.arange(T), target[np.arange(T) * LENGTH // T]] += 4
    return ctc.pair(logits, targets, [T] * B)


def width_pair(width: int) -> Pair:
    """Prepare prefix beam search."""
    return beam.prepare(T=1000, symbols=29, width=width, inputs="flat")


#: What is measured, what stays the same, what is varied and how, the peer, and how to prepare one size.
PANELS = (
    (
        "CTC loss and gradient",
        "target of 50, alphabet of 30",
        "frames",
        [125 * 2**n for n in range(7)],
        "torch",
        loss_pair,
    ),
    (
        "CTC loss and gradient",
        "500 frames, target of 50",
        "symbols in the alphabet",
        [10, 30, 100, 300, 1000, 3000],
        "torch",
        lambda A: loss_pair(A=A),
    ),
    (
        "CTC loss and gradient",
        "500 frames, target of 50, alphabet of 30",
        "utterances in the batch",
        [2**n for n in range(7)],
        "torch",
        lambda B: loss_pair(B=B),
    ),
    (
        "Prefix beam search",
        "1000 frames, alphabet of 29",
        "prefixes in the beam",
        [2**n for n in range(2, 9)],
        "fast-ctc-decode",
        width_pair,
    ),
)


def measure(turns: int = 5) -> dict:
    """Time every size on one thread, in seconds of the processor; return what ``growth.json`` holds."""
    panels = []
    with one_thread():
        for what, fixed, varied, sizes, peer, prepare in PANELS:
            times = np.array([medians(*prepare(size), least=turns, most=turns, clock=process_time) for size in sizes])
            ours, others = ([float(f"{t:.3g}") for t in column] for column in times.T)
            seconds = {"this course": ours, peer: others}
            panels.append({"what": what, "fixed": fixed, "varied": varied, "sizes": sizes, "seconds": seconds})
    return {"machine": machine(), "panels": panels}


def show(found: dict) -> None:
    """Print what was measured."""
    for panel in found["panels"]:
        (ours, times), (peer, others) = panel["seconds"].items()
        print(f"{panel['what']} ({panel['fixed']}), by {panel['varied']}: {ours}, {peer}")
        for size, *pair in zip(panel["sizes"], times, others, strict=True):
            print(f"  {size:6}  {duration(pair[0]):>12}  {duration(pair[1]):>12}")


def main(arguments: list[str]) -> int:
    """Measure and print; store if asked to."""
    if arguments not in ([], ["--write"]):
        print("usage: python -m benchmarks.growth [--write]", file=sys.stderr)
        return 2
    found = measure()
    show(found)
    if arguments:
        STORED.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
