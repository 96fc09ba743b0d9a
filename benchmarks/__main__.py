"""Run every benchmark, print the table, and fail where a bar is missed."""

import sys

from benchmarks import alignment, ctc, imports, steps
from benchmarks.table import report


def main() -> int:
    results = []
    for measure in (imports.measure, alignment.measure, ctc.measure, steps.measure):
        results += measure()
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
