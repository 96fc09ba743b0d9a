"""The judge's side of the sandbox: it starts the server, gives it jobs, and looks at the clock."""

import array
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.grading.sandbox import wire
from course_utils.grading.sandbox.confine import Means

DISK = 128 * 2**20  # bytes that an answer may have written at once
START = 120.0  # seconds for the server to load what answers use; the first time, Matplotlib makes its list of fonts
_GLANCE = 0.25  # seconds between two looks at what is written


class Lost(Exception):
    """The process of an answer is gone, or said something that makes no sense: "timed out" or "crashed", and why."""

    def __init__(self, status: str, says: str):
        super().__init__(says)
        self.status, self.says = status, says


class ServerLost(RuntimeError):
    """The sandbox itself does not work; nothing can be said of the answer."""


@dataclass(frozen=True)
class Job:
    """An answer to run: the arguments of :func:`course_utils.grading.sandbox.cells.program`, and what it may not call."""

    function: str
    pieces: Sequence[str]
    at: int = 0
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    given: Sequence[str] = ()
    asks_for: Sequence[str] = ()


class Box:
    """A server that answers are run by, one after the other; started when it is first needed, and again when it is lost.

    Parameters
    ----------
    found
        What keeps an answer in; None for limits alone.
    worker
        A number that no other box on this machine has.
    case_seconds, start_seconds
        How long an answer may take for a case, and for the cells that define it.
    scratch
        Where folders for answers are made; the system's folder for temporary files by default.
    """

    def __init__(
        self,
        found: Means | None,
        worker: int = 0,
        case_seconds: float = 10.0,
        start_seconds: float = 20.0,
        scratch: Path | None = None,
    ):
        self.found, self.worker, self.scratch = found, worker, scratch
        self.case_seconds, self.start_seconds = case_seconds, start_seconds
        self._server: subprocess.Popen | None = None
        self._line: socket.socket | None = None
        self._folder = ""

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and whatever it runs."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._server is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(5)
            self._server.kill()
            self._server.wait()
            self._server = None

    @contextlib.contextmanager
    def running(self, job: Job, cases: int) -> Iterator["Running"]:
        """Have an answer run, for as long as this context lasts.

        Parameters
        ----------
        cases
            How many there will be at most; sets the limit on the time of the processor.

        Raises
        ------
        ServerLost
            No sandbox can be had.
        """
        running = self._start(job, self.start_seconds + cases * self.case_seconds)
        try:
            yield running
        finally:
            self._end(running)

    def _start(self, job: Job, seconds: float) -> "Running":
        for attempt in range(3):
            ours, theirs = socket.socketpair()
            try:
                line = self._serving()
                descriptor = array.array("i", [theirs.fileno()])
                line.sendmsg([b"J"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
                line.sendall(wire.pack({"seconds": seconds}))
                running = Running(ours, self._hear(30.0)["pid"], self)
            except (OSError, ServerLost, wire.WireError, KeyError, TypeError) as error:
                ours.close()
                self.close()
                if attempt == 2:
                    raise ServerLost(f"The sandbox does not start: {error}") from error
            else:
                running.begin(job)
                return running
            finally:
                theirs.close()
        raise ServerLost("The sandbox does not start.")

    def _end(self, running: "Running") -> None:
        running.channel.close()
        if running.ended is None:
            self.kill(running)

    def kill(self, running: "Running") -> int | None:
        """End the process of an answer and all that it has made; return how it ended, or None."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                end(running.pid, signal.SIGKILL)
        return self.wait(running)

    def wait(self, running: "Running") -> int | None:
        """Wait for the end of an answer's process, which is near."""
        if running.ended is None:
            try:
                running.ended = int(self._hear(10.0)["ended"])
            except (OSError, ServerLost, wire.WireError, KeyError, TypeError):
                self.close()  # another server for the next answer
        with contextlib.suppress(OSError):
            os.killpg(running.pid, signal.SIGKILL)  # what it has left behind
        return running.ended

    def written(self) -> int:
        """How many bytes lie in the folder that the answer may write to."""
        total = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
        return total

    def _serving(self) -> socket.socket:
        if self._line is not None and self._server is not None and self._server.poll() is None:
            return self._line
        self.close()
        ours, theirs = socket.socketpair()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "HOME") if name in os.environ},
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
        }
        command = [sys.executable, "-m", "course_utils.grading.sandbox.server", str(theirs.fileno())]
        root = Path(__file__).resolve().parents[3]
        self._server = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._line = ours
        setting = {
            "means": asdict(self.found) if self.found else None,
            "worker": self.worker,
            "scratch": str(self.scratch) if self.scratch else "",
        }
        ours.sendall(wire.pack(setting))
        self._folder = self._hear(START)["scratch"]
        return ours

    def _hear(self, seconds: float) -> Any:
        """Take a message of the server."""
        ends = time.monotonic() + seconds
        head = _exactly(self._line, wire.head_size(), ends)
        return wire.unpack(head, _exactly(self._line, wire.body_size(head), ends))


class Running:
    """An answer that runs. What comes from it is checked, bounded and waited for no longer than it may take."""

    def __init__(self, channel: socket.socket, pid: int, box: Box):
        self.channel, self.pid, self.ended = channel, pid, None
        self.shape: list[int] = []
        self._box = box

    def begin(self, job: Job) -> None:
        """Tell the process what it is to run; where it has ended by then, the next that is asked of it will say so."""
        self.channel.settimeout(self._box.start_seconds)
        with contextlib.suppress(OSError):
            self.channel.sendall(wire.pack(asdict(job)))

    def ready(self) -> dict:
        """Wait until the cells have been run; return "no answer", a failure, or whether the answer is a stub.

        Raises
        ------
        Lost
            Its process has ended, or took too long.
        """
        where = "before any case, in the cells that define it"
        first = self._next(self._box.start_seconds, where)
        if first.get("step") == "no answer":
            return first
        if first.get("step") != "begins":
            raise Lost("crashed", "It sent something that makes no sense.")
        shape = first.get("shape")
        self.shape = [number for number in shape if isinstance(number, int)] if isinstance(shape, list) else []
        return self._next(self._box.start_seconds, where)

    def case(self, args: tuple) -> dict:
        """Call the answer; return what came.

        Raises
        ------
        Lost
            Its process has ended, or took too long.
        """
        self._tell({"args": [_as_tree(value) for value in args]})
        return self._next(self._box.case_seconds, "on this case")

    def measured(self, args: tuple, seconds: float) -> tuple[dict, int | None]:
        """Call the answer; return what came, and how much memory it held at most beside its arguments, in bytes.

        The kernel's account of the process is read and reset from outside. None where it cannot be.

        Raises
        ------
        Lost
            Its process has ended, or took too long.
        """
        self._tell({"args": [_as_tree(value) for value in args], "hold": True})
        self._next(self._box.case_seconds, "before this case")
        pid = self._innermost()
        before = _status(pid, "VmRSS") if _reset_peak(pid) else None
        self._tell("go")
        came = self._next(seconds, "on this case")
        after = _status(pid, "VmHWM")
        return came, None if before is None or after is None else max(after - before, 0)

    def _tell(self, message: Any) -> None:
        try:
            self.channel.settimeout(self._box.case_seconds)
            self.channel.sendall(wire.pack(message))
        except OSError:
            raise self._gone() from None

    def _innermost(self) -> int:
        """Find the process that runs the answer: the first of its own, where it has a namespace for them."""
        if self._box.found is None or not self._box.found.processes:
            return self.pid
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])
        return self.pid

    def _next(self, seconds: float, where: str) -> dict:
        ends = time.monotonic() + seconds
        try:
            head = _exactly(self.channel, wire.head_size(), ends, self._look)
            message = wire.unpack(head, _exactly(self.channel, wire.body_size(head), ends, self._look))
        except TimeoutError:
            self._box.kill(self)
            raise Lost("timed out", f"It did not end within {seconds:g} s {where}.") from None
        except wire.WireError:
            self._box.kill(self)
            raise Lost("crashed", "It sent something that makes no sense.") from None
        except (OSError, ServerLost):
            raise self._gone() from None
        if not isinstance(message, dict):
            self._box.kill(self)
            raise Lost("crashed", "It sent something that makes no sense.")
        return message

    def _look(self) -> None:
        if self._box.written() > DISK:
            self._box.kill(self)
            raise Lost("crashed", f"It wrote more than {DISK // 2**20} MB of files.")

    def _gone(self) -> Lost:
        """Say how the process ended."""
        time.sleep(0.02)
        code = self._box.kill(self)
        return Lost(*_how(code))


def _how(code: int | None) -> tuple[str, str]:
    signal_number = -code if code is not None and code < 0 else code - 128 if code is not None and code > 128 else 0
    if signal_number in (signal.SIGXCPU, signal.SIGKILL):
        return "crashed", "Its process was stopped: it used more time or memory than there is."
    if signal_number:
        with contextlib.suppress(ValueError):
            return "crashed", f"Its process was ended by {signal.Signals(signal_number).name}."
    if code == 3:
        return "crashed", "It ran out of memory."
    return "crashed", "It ended its process."


def _as_tree(value: Any) -> Any:
    """Write an argument of a case down. Unlike what an answer returns, lists stay lists."""
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [_as_tree(entry) for entry in value]}
    return value.item() if isinstance(value, np.generic) else value


def _exactly(line: socket.socket, size: int, ends: float, look: Any = None) -> bytes:
    parts, left = [], size
    while left:
        wait = ends - time.monotonic()
        if wait <= 0:
            raise TimeoutError
        readable, _, _ = select.select([line], [], [], min(wait, _GLANCE))
        if not readable:
            if look is not None:
                look()
            continue
        part = line.recv(min(left, 1 << 20))
        if not part:
            raise ServerLost("the line is closed")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _reset_peak(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status(pid: int, field: str) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path(f"/proc/{pid}/status").read_text()
        return int(text.split(f"{field}:")[1].split()[0]) * 1024
    return None
