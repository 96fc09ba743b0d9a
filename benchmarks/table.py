"""What a benchmark has found, and the table of all of them."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes
    ----------
    what
        What was measured.
    ours, peer
        Seconds; ``peer`` is None where the bar is a time of its own.
    bar
        The most that ``ours / peer`` may be, or ``ours`` in seconds where there is no peer.
    """

    what: str
    ours: float
    peer: float | None
    bar: float

    @property
    def met(self) -> bool:
        """Whether the bar is met; exactly on it is."""
        return (self.ours if self.peer is None else self.ours / self.peer) <= self.bar

    def cells(self) -> tuple[str, ...]:
        """Return the line as text."""
        if self.peer is None:
            return self.what, duration(self.ours), "", "", duration(self.bar), "yes" if self.met else "NO"
        ratio = f"{self.ours / self.peer:.3f}"
        return self.what, duration(self.ours), duration(self.peer), ratio, f"{self.bar:g}", "yes" if self.met else "NO"


def duration(seconds: float) -> str:
    """Write a time in milliseconds."""
    return f"{1000 * seconds:.2f} ms"


def report(results: list[Result]) -> int:
    """Print the table; return 0 if every bar is met, else 1."""
    lines = [("what", "ours", "peer", "ratio", "bar", "met?"), *(result.cells() for result in results)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    for line in lines:
        first, *rest = zip(line, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]).rstrip())
    missed = [result.what for result in results if not result.met]
    print(f"Missed: {', '.join(missed)}." if missed else "Every bar is met.")
    return 1 if missed else 0


def medians(
    ours: Callable[[], object], peer: Callable[[], object], repetitions: int, *, warm: bool = False
) -> tuple[float, float]:
    """Time both in turn, so that what slows the machine down slows both; return the median of each in seconds.

    With ``warm``, each is called twice and the second call counts: where the peer takes seconds in a process of its own,
    the caches have forgotten us by our next turn.
    """
    times = ([], [])
    for _ in range(repetitions):
        for call, taken in zip((ours, peer), times, strict=True):
            if warm:
                call()
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])
