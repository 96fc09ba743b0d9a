"""Run every benchmark, print how times grow and the table, and fail where a bar is missed."""

import sys

from benchmarks import alignment, ctc, decoding, explorer, growth, imports, recurrent, steps
from benchmarks.table import report


def main() -> int:
    results = []
    for module in (imports, recurrent, explorer, alignment, ctc, decoding, steps):
        results += module.measure()
    growth.show(growth.measure())
    print()
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
