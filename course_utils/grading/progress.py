"""A line that says how far the work is, and how long it will take."""

import sys
import time
from typing import TextIO

WIDTH = 30


class Progress:
    """A bar with the time left; on a terminal it moves, elsewhere there is a line now and then.

    Parameters
    ----------
    total, begun
        How many steps there are, and how many were done before.
    stream
        Where it is written; standard error by default.
    """

    def __init__(self, total: int, begun: int = 0, stream: TextIO | None = None):
        self.total, self.done, self._begun = total, begun, begun
        self._stream = stream or sys.stderr
        self._moves = self._stream.isatty()
        self._started = time.monotonic()
        self._said = 0.0

    def __enter__(self) -> "Progress":
        if self._begun:
            print(f"{self._begun} of {self.total} answers were judged before.", file=self._stream)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._moves and self.done > self._begun:
            print(file=self._stream)

    def step(self) -> None:
        """Say that one more is done."""
        self.done += 1
        now = time.monotonic()
        last = self.done == self.total
        if not last and now - self._said < (0.1 if self._moves else 30.0):
            return
        self._said = now
        print(self.line(now - self._started), end="\r" if self._moves else "\n", file=self._stream, flush=True)

    def line(self, elapsed: float) -> str:
        """Write the line for a moment, so many seconds after the beginning."""
        full = round(WIDTH * self.done / max(self.total, 1))
        left = elapsed / max(self.done - self._begun, 1) * (self.total - self.done)
        return f"[{'#' * full}{'.' * (WIDTH - full)}] {self.done} of {self.total} answers, {_time(left)} left "


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
