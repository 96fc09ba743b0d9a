"""The process that answers are forked from: it has loaded what they use, and holds nothing of what is right.

For each answer it takes a descriptor of the channel between answer and judge, and makes a process that confines itself and
only then reads from the channel what it is to run: nothing of any student's is ever in this process, where the next one
would find it.
"""

import array
import importlib
import os
import pkgutil
import shutil
import signal
import site
import socket
import sys
import sysconfig
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2]
_HOLDS_ANSWERS = (
    "course_utils.exercises.ch0",
    "course_utils.exercises.ch1",
    "course_utils.exercises.kept",
    "course_utils.exercises.registry",
)
_NOT_LOADED = (
    *_HOLDS_ANSWERS,
    "course_utils.compiled.",
    "course_utils.grading.",
    "course_utils.strip_reader",
    "course_utils.workbook",
    "course_utils.site",
)


def main() -> None:
    """Serve until the judge closes the line, or sends nothing more."""
    from course_utils.grading.sandbox import confine, wire
    from course_utils.grading.sandbox.child import receive, send

    line = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # by way of what is tidied up at the end
    confine.die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl + C is the judge's
    setting = receive(line)
    load_what_answers_use()
    found = confine.Means(**setting["means"]) if setting["means"] else None
    scratch = tempfile.mkdtemp(prefix="answers-", dir=setting["scratch"] or None)
    user = confine.NOBODY + setting["worker"]
    rules = -1
    if found is not None:
        rules = confine.landlock_rules(found, readable(), [Path(scratch), Path(os.devnull)])
    try:
        send(line, {"scratch": scratch})
        while (order := _receive_with_channel(line, receive)) is not None:
            limits, channel = order
            _empty(Path(scratch), user if found is not None and found.root else None)
            pid = os.fork()
            if pid == 0:
                line.close()
                _answer(channel, limits["seconds"], found, rules, scratch, user)
            channel.close()
            send(line, {"pid": pid})
            _, status = os.waitpid(pid, 0)
            send(line, {"ended": os.waitstatus_to_exitcode(status)})
    except (BrokenPipeError, ConnectionResetError, wire.WireError):
        pass  # the judge has gone
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _answer(channel: socket.socket, seconds: float, found: Any, rules: int, scratch: str, user: int) -> None:
    """Never return."""
    from course_utils.grading.sandbox import child, confine

    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setpgid(0, 0)
        confine.die_with_parent()
        if found is None:
            child.quiet_descriptors(scratch)
            confine.limit(seconds, confine.tasks_of_user())
        else:
            if confine.enter_namespaces(found):
                inner = os.fork()  # the first of its processes, whose end is the end of all
                if inner:
                    _, status = os.waitpid(inner, 0)
                    os._exit(_as_exit(status))
                confine.die_with_parent()
            confine.become_nobody(user)
            confine.die_with_parent()  # forgotten where the user changed
            child.quiet_descriptors(scratch)
            confine.confine(found, rules, seconds)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        child.serve(channel)
        code = 0
    except BaseException as error:  # nothing of it may reach the server
        code = 3 if isinstance(error, MemoryError) else 1
    finally:
        os._exit(code)


def _as_exit(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _receive_with_channel(line: socket.socket, receive: Any) -> tuple[dict, socket.socket] | None:
    """Take the channel of an answer, and its limits."""
    data, ancillary, _, _ = line.recvmsg(1, socket.CMSG_SPACE(array.array("i", [0]).itemsize))
    if not data:
        return None
    ((_, _, content),) = ancillary
    (descriptor,) = array.array("i", content[:4])
    limits = receive(line)
    return None if limits is None else (limits, socket.socket(fileno=descriptor))


def load_what_answers_use() -> None:
    """Load NumPy, Matplotlib and the course's package, without the modules that hold answers.

    In place of the registry stands an empty one: what a notebook imports is there, and what is right is not in this process.
    """
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.font_manager
    import matplotlib.pyplot

    import course_utils
    from course_utils import compiled

    compiled.loops = lambda name: None  # no machine code of what an exercise may ask for
    registry = types.ModuleType("course_utils.exercises.registry")
    registry.EXERCISES = {}
    sys.modules[registry.__name__] = registry
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if not module.name.startswith(_NOT_LOADED) and not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError:
                continue  # it needs something that is not installed here
    import IPython.core.inputtransformer2  # noqa: F401


def readable() -> Iterator[Path]:
    """Say what an answer may read: Python, its libraries and the system's; of this package nothing."""
    for name in ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/proc/cpuinfo",
                 "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu", "/dev/null", "/dev/zero", "/dev/urandom"):  # fmt: skip
        path = Path(name)
        yield from _without_this_package(path) if PACKAGE.is_relative_to(path.resolve()) else [path]
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {*site.getsitepackages(), sys.base_prefix, sys.prefix, str(Path(sys.executable).resolve())}
    for path in sorted({Path(folder) for folder in folders if folder}):
        yield from _without_this_package(path)


def _without_this_package(path: Path) -> Iterator[Path]:
    """Allow a folder, or what lies beside this package in it."""
    if not PACKAGE.is_relative_to(path.resolve()):
        yield path
        return
    if path.resolve() == PACKAGE:
        return
    for entry in sorted(path.iterdir()):
        yield from _without_this_package(entry)


def _empty(folder: Path, owner: int | None) -> None:
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)
    if owner is not None:
        os.chown(folder, owner, owner)


if __name__ == "__main__":
    main()
