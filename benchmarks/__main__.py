"""Run every benchmark, print how times grow and the tables, and fail where a bar is missed."""

import sys

from benchmarks import (
    alignment,
    beam,
    compiling,
    ctc,
    decoding,
    explorer,
    gated,
    grading,
    growth,
    imports,
    recurrent,
    steps,
)
from benchmarks.table import report

MODULES = (imports, compiling, recurrent, gated, explorer, alignment, ctc, beam, decoding, steps, grading)


def main() -> int:
    grids = []
    for module in MODULES:
        print(f"Measuring: {module.__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        grids += module.measure()
    growth.show(growth.measure())
    print()
    return report(grids)


if __name__ == "__main__":
    sys.exit(main())
