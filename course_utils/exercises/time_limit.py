"""A limit on the time of a call, for code that may never end."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

try:
    import ctypes

    _raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
except (ImportError, AttributeError):  # an interpreter other than CPython
    _raise_in_thread = None

AGAIN = 0.5  # seconds until a call that has caught its end is stopped once more


class TooSlow(Exception):
    """A call did not end within its limit."""


class _Stop(BaseException):
    """Raised within a call that takes too long; no Exception, so that the call's own ``except Exception`` lets it by."""


class TimeLimit:
    """Stops the calls that are made through it where one takes longer than a limit of wall-clock time.

    A thread beside the calling one watches the clock and raises an exception there. No signal is used and no handler
    replaced, so this works in every thread, on every system and one within the other, and an interrupt by the user
    stays what it is. The thread sleeps for as long as nothing overruns.

    An exception can only be raised between two steps of Python. What waits or computes outside of it (``time.sleep``,
    ``input``, one huge product of matrices) is stopped when it comes back, and never if it does not. A call that
    catches ``BaseException`` is stopped again every half second, but nothing can end one that catches it for ever.
    Without threads or without CPython there is no limit.

    Parameters
    ----------
    seconds
        The limit of each call; ``math.inf`` for none.

    Raises
    ------
    ValueError
        ``seconds`` is not a positive number.
    """

    def __init__(self, seconds: float):
        if not seconds > 0:
            raise ValueError(f"the limit is {seconds}; it must be a positive number of seconds")
        self.seconds = seconds
        self._caller = threading.get_ident()
        self._ends: float | None = None  # when the present call must have ended
        self._stopped = False
        self._turn = threading.Lock()  # held while a call is stopped, and while it says that it has ended
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="time limit", daemon=True)

    def __enter__(self) -> "TimeLimit":
        if _raise_in_thread is not None:
            with contextlib.suppress(RuntimeError):  # a system without threads
                self._watcher.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._closed.set()
        if self._watcher.ident is not None:
            self._watcher.join()

    def call(self, function: Callable, *args: Any) -> Any:
        """Call a function, from the thread that made this object.

        Raises
        ------
        TooSlow
            It did not end within the limit. The traceback leads to where it was.
        """
        self._stopped = False
        too_slow = TooSlow(f"not ended within {self.seconds:g} s")
        try:
            try:
                self._ends = time.monotonic() + self.seconds
                value = function(*args)
            finally:
                self._say_ended()
        except _Stop as stop:
            self._say_ended()  # it may have come while the first attempt to say so was under way
            if not self._stopped:
                raise  # by a limit around this one
            raise too_slow.with_traceback(stop.__traceback__) from None
        if self._stopped:  # and it caught that
            raise too_slow
        return value

    def _say_ended(self) -> None:
        while True:
            try:
                with self._turn:
                    self._ends = None
                if self._stopped:
                    _raise_in_thread(ctypes.c_ulong(self._caller), None)  # forgets one that is still on its way
                return
            except _Stop:
                continue

    def _watch(self) -> None:
        wait = self.seconds
        while not self._closed.wait(min(wait, threading.TIMEOUT_MAX)):
            with self._turn:
                wait = self.seconds if self._ends is None else self._ends - time.monotonic()
                if wait <= 0:
                    self._stopped = True
                    _raise_in_thread(ctypes.c_ulong(self._caller), ctypes.py_object(_Stop))
                    wait = min(AGAIN, self.seconds)
