"""What a benchmark has found, how both sides are timed, and the tables of it all."""

import itertools
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_limits

Cell = dict[str, int | str]
Pair = tuple[Callable[[], object], Callable[[], object]]


@dataclass(frozen=True)
class Result:
    """One line of a table.

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
    def figure(self) -> float:
        """What the bar is for."""
        return self.ours if self.peer is None else self.ours / self.peer

    @property
    def met(self) -> bool:
        """Whether the bar is met; exactly on it is. Not a number is not."""
        return self.figure <= self.bar

    @property
    def of_the_bar(self) -> float:
        """How much of the bar is used; inf where nothing could be measured."""
        return math.inf if math.isnan(self.figure) else self.figure / self.bar

    def columns(self) -> tuple[str, ...]:
        """Return the line as text."""
        peer = "" if self.peer is None else duration(self.peer)
        ratio = "" if self.peer is None else f"{self.figure:.3f}"
        bar = duration(self.bar) if self.peer is None else f"{self.bar:g}"
        return self.what, duration(self.ours), peer, ratio, bar, "yes" if self.met else "NO"


@dataclass(frozen=True)
class Grid:
    """The results of one kind, all of them with a peer or all without one.

    Attributes
    ----------
    what
        What was measured, and against what.
    results
        One for each cell.
    median_bar
        The most that the median of the cells may be.
    left_out
        The cells that were not measured, and why.
    """

    what: str
    results: list[Result]
    median_bar: float = math.inf
    left_out: tuple[str, ...] = ()

    @property
    def worst_first(self) -> list[Result]:
        """The results, those that use up most of their bar first."""
        return sorted(self.results, key=lambda result: -result.of_the_bar)

    @property
    def median(self) -> float:
        """Median of what the bars are for."""
        return statistics.median(result.figure for result in self.results)

    @property
    def missed(self) -> list[str]:
        """Name every bar that is missed, the worst one first."""
        names = [f"{self.what}: {result.what}" for result in self.worst_first if not result.met]
        if self.median_bar == math.inf or self.median <= self.median_bar:
            return names
        return [*names, f"{self.what}: the median cell"]

    def summary(self) -> str:
        """Name the worst cell, the median and the range, in one line."""
        worst, figures = self.worst_first[0], [result.figure for result in self.results]
        write = duration if worst.peer is None else "{:.3f}".format
        bar = "" if self.median_bar == math.inf else f" (bar {self.median_bar:g})"
        return (
            f"worst cell: {worst.what}, {write(worst.figure)} (bar {worst.columns()[4]}); "
            f"median {write(self.median)}{bar}, from {write(min(figures))} to {write(max(figures))}, {len(figures)} cells"
        )

    def lines(self) -> list[str]:
        """Return the whole table as text, its summary first."""
        return [
            self.what,
            f"  {self.summary()}",
            *(f"  left out: {cell}" for cell in self.left_out),
            *in_columns([("what", "ours", "peer", "ratio", "bar", "met?"), *(r.columns() for r in self.worst_first)]),
        ]


def cells(**axes: Iterable) -> list[Cell]:
    """Return every combination of the values of some axes."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def named(cell: Cell) -> str:
    """Write a cell: T=100, K=10, flat."""
    return ", ".join(value if isinstance(value, str) else f"{axis}={value}" for axis, value in cell.items())


def compare(
    what: str,
    cells: list[Cell],
    prepare: Callable[..., Pair],
    bar: Callable[..., float],
    median_bar: float = math.inf,
    left_out: tuple[str, ...] = (),
    **timing,
) -> Grid:
    """Time ours and the peer on each cell, for which ``prepare`` makes both ready and checks that they agree."""
    results = []
    for cell in cells:
        ours, peer = prepare(**cell)
        results.append(Result(named(cell), *medians(ours, peer, **timing), bar(**cell)))
    return Grid(what, results, median_bar, left_out)


def medians(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    least: int = 3,
    most: int = 50,
    seconds: float = 0.3,
    clock: Callable[[], float] = time.perf_counter,
    warm: bool = False,
) -> tuple[float, float]:
    """Time both in turn, so that what slows the machine down slows both; return the median of each in seconds.

    They take turns ``least`` times, and then on until ``seconds`` have been spent or they have had ``most`` turns. With
    ``warm``, each is called twice and the second call counts: where the peer takes seconds in a process of its own, the
    caches have forgotten us by our next turn.
    """
    times = ([], [])
    while len(times[0]) < least or (len(times[0]) < most and sum(map(sum, times)) < seconds):
        for call, taken in zip((ours, peer), times, strict=True):
            if warm:
                call()
            start = clock()
            call()
            taken.append(clock() - start)
    return statistics.median(times[0]), statistics.median(times[1])


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and the matrix products of NumPy use one thread."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def machine() -> dict[str, int | str]:
    """Describe what the times are those of."""
    libraries = {name: version(name).partition("+")[0] for name in ("numpy", "torch", "numba", "fast-ctc-decode")}
    return {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(), **libraries}


def processor(described: Path = Path("/proc/cpuinfo")) -> str:
    """Name the processor; where the system does not, its architecture."""
    lines = described.read_text("utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def duration(seconds: float) -> str:
    """Write a time in milliseconds."""
    return f"{1000 * seconds:.2f} ms"


def in_columns(lines: list[tuple[str, ...]]) -> list[str]:
    """Set lines of text in columns, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join([line[0].ljust(widths[0]), *(map(str.rjust, line[1:], widths[1:]))]).rstrip() for line in lines]


def report(grids: list[Grid]) -> int:
    """Print every table, and last what was missed; return 0 if every bar is met, else 1."""
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print("One thread; medians of turns that both take; the ratio is ours to the peer's.")
    for grid in grids:
        print("", *grid.lines(), sep="\n")
    print("")
    missed = [name for grid in grids for name in grid.missed]
    print("\n".join(["Missed:", *(f"  {name}" for name in missed)]) if missed else "Every bar is met.")
    return 1 if missed else 0
