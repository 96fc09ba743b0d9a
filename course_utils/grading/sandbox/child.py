"""What runs within the sandbox: an answer, case by case. Everything here may be subverted by it; nothing is believed."""

import io
import os
import socket
import tempfile
from typing import Any

import numpy as np

from course_utils.exercises.asked import Asked, function_named, watch_for_good
from course_utils.exercises.calls import call
from course_utils.exercises.exercise import Case
from course_utils.exercises.stubs import is_stub
from course_utils.exercises.time_limit import TimeLimit
from course_utils.exercises.wording import describe
from course_utils.grading.sandbox import cells, wire
from course_utils.grading.shapes import shape_of


def serve(channel: socket.socket) -> None:
    """Run one answer on its cases, and send a message for each step.

    Parameters
    ----------
    channel
        To the judge. First comes a job, the arguments of :func:`cells.program` and ``asks_for``; then the cases, one by one.
    """
    job = receive(channel)
    if job is None:
        return
    for name in job["asks_for"]:
        function_named(name)  # found before anything can hide it
    watch_for_good(tuple(job["asks_for"]))
    sources = cells.program(**{name: job[name] for name in cells.PROGRAM})
    if not sources:
        send(channel, {"step": "no answer"})
        return
    send(channel, {"step": "begins", "shape": shape_of("\n".join(job["pieces"]))})  # before any of it has run
    answer, error = _defined(job["function"], sources)
    if callable(answer) and is_stub(answer):  # the stub may be left where it stood, and the answer in another cell
        elsewhere = cells.program(**{name: job[name] for name in cells.PROGRAM} | {"pieces": []})
        answer = _defined(job["function"], elsewhere)[0] or answer
    if not callable(answer):
        known = error if error is not None else NameError(f"{job['function']} is not defined")
        send(channel, {"step": "ready", "failed": _error(known, "")})
        return
    send(channel, {"step": "ready", "stub": bool(is_stub(answer))})
    unlimited = TimeLimit(float("inf"))  # the judge looks at the clock, from outside
    while True:
        order = receive(channel)
        if order is None or order == "end":
            return
        args = tuple(wire.from_tree(tree) for tree in order["args"])
        if order.get("hold"):  # all is set: what is held from now on is the answer's
            order = None
            send(channel, {"step": "set"})
            receive(channel)
            made = call(lambda args=args: answer(*args), Case("", ()), unlimited)
        else:
            made = call(answer, Case("", args), unlimited)
        send(channel, _result(made))


def _defined(function: str, sources: list[str]) -> tuple[Any, BaseException | None]:
    namespace = cells.fresh_namespace()
    error = cells.run(sources, namespace)
    return namespace.get(function), error


def _result(made: Any) -> dict:
    if made.error is not None:
        return {"step": "case", "error": _error(made.error, made.line), "printed": made.printed}
    try:
        tree = wire.to_tree(made.value)
    except wire.WireError as error:
        return {"step": "case", "error": _error(error, ""), "printed": made.printed}
    changed = {"changed": list(made.changed), "first_changed": made.first_changed} if made.changed else {}
    return {"step": "case", "value": tree, "printed": made.printed} | changed


def _error(error: BaseException, line: str) -> dict:
    says = describe(error)
    return {"type": type(error).__name__, "says": says, "line": line[:300], "asked": isinstance(error, Asked)}


# -- the channel


def send(channel: socket.socket, message: Any) -> None:
    """Send one message."""
    channel.sendall(wire.pack(message))


def receive(channel: socket.socket) -> Any:
    """Wait for one message of the judge; None where it has gone."""
    head = _exactly(channel, wire.head_size())
    if head is None:
        return None
    body = _exactly(channel, wire.body_size(head))
    return None if body is None else wire.unpack(head, body)


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    buffer = io.BytesIO()
    while buffer.tell() < size:
        part = channel.recv(min(size - buffer.tell(), 1 << 20))
        if not part:
            return None
        buffer.write(part)
    return buffer.getvalue()


def quiet_descriptors(scratch: str) -> None:
    """Give standard input, output and error to nobody, and libraries a folder to write to."""
    nobody = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nobody, descriptor)
    if nobody > 2:
        os.close(nobody)
    tempfile.tempdir = scratch
    os.environ.update(HOME=scratch, TMPDIR=scratch, TMP=scratch, MPLCONFIGDIR=scratch, XDG_CACHE_HOME=scratch)
    os.chdir(scratch)
    np.random.seed(None)  # noqa: NPY002 - two answers that draw numbers should not draw the same ones
