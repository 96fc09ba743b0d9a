"""What an answer can do in the sandbox, and what it cannot."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from course_utils.grading.sandbox import confine
from course_utils.grading.sandbox.box import Box, Job, Lost

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of what Linux has"),
]


@pytest.fixture(scope="module", params=["namespaces", "no namespaces"])
def box(request):
    found = confine.means(namespaces=request.param == "namespaces")
    with Box(found, worker=os.getpid() % 4000, case_seconds=2.0, start_seconds=5.0) as made:
        yield made


def ran(box, body, before="", args=None, **more):
    """What came of calling f(x) with these lines."""
    source = f"import numpy as np\n{before}\ndef f(x):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    with box.running(Job("f", [source], **more), 2) as running:
        ready = running.ready()
        return (
            ready if "failed" in ready or ready.get("step") == "no answer" else running.case(args or (np.arange(3.0),))
        )


def test_an_honest_answer_returns_its_value_and_what_it_printed(box):
    came = ran(box, "print('here')\nreturn 2 * x")
    assert came["value"].tolist() == [0, 2, 4]
    assert came["printed"] == "here"


def test_an_error_comes_with_its_line(box):
    came = ran(box, "y = x\nreturn y[99]")
    assert came["error"]["type"] == "IndexError"
    assert came["error"]["line"] == "return y[99]"


def test_a_changed_argument_is_noticed(box):
    assert ran(box, "x += 1\nreturn x")["changed"] == [0]


def test_a_stub_says_that_it_is_one(box):
    with box.running(Job("f", ["def f(x):\n    raise NotImplementedError()"]), 1) as running:
        assert running.ready() == {"step": "ready", "stub": True}


def test_a_cell_that_is_no_python_says_why(box):
    came = ran(box, "return (")
    assert came["failed"]["type"] == "SyntaxError"


ALLOWED = {
    "a program": (
        "return subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout",
        "import subprocess",
        "hi\n",
    ),
    "a file": ("open('a', 'w').write('b')\nreturn open('a').read()", "", "b"),
    "a temporary file": ("with tempfile.TemporaryFile() as f:\n    return f.write(b'abc')", "import tempfile", 3),
    "a thread": ("t = threading.Thread(target=x.sort)\nt.start()\nt.join()\nreturn x", "import threading", [0, 1, 2]),
    "a library": ("import colorsys\nreturn colorsys.rgb_to_hsv(0, 0, 1)[2]", "", 1),
    "standard error": ("os.write(2, b'x')\nreturn 1", "import os", 1),
    "random numbers": ("return len(os.urandom(8))", "import os", 8),
}


@pytest.mark.parametrize(("body", "before", "value"), ALLOWED.values(), ids=ALLOWED)
def test_what_honest_answers_do_is_allowed(box, body, before, value):
    came = ran(box, body, before)
    assert "error" not in came, came
    assert np.array_equal(came["value"], value)


COURSE = confine.__file__
FORBIDDEN = {
    "read the course": f"return open({COURSE!r}).read()",
    "list the course": f"return str(os.listdir(os.path.dirname({COURSE!r})))",
    "read a home": "return str(os.listdir(os.path.expanduser('~root')))",
    "read the root": "return str(os.listdir('/'))",
    "read passwords": "return open('/etc/passwd').read()",
    "write to the system's folder for files": "open('/tmp/from_a_sandbox', 'w').write('x')\nreturn 1",
    "write to the course": f"open({COURSE!r}, 'a').write('x')\nreturn 1",
    "look at processes": "return open('/proc/1/cmdline').read()",
    "a socket": "socket.socket()\nreturn 1",
    "a socket of the system": "socket.socket(socket.AF_UNIX)\nreturn 1",
    "kill all": "os.kill(-1, 9)\nreturn 1",
    "kill its parent": "os.kill(os.getppid(), 9)\nreturn 1",
    "a session of its own": "os.setsid()\nreturn 1",
    "higher limits": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn 1",
    "load what holds answers": "import course_utils.exercises.ch08\nreturn 1",
    "load the compiled loops": "import course_utils.compiled.alignment\nreturn 1",
}


@pytest.mark.parametrize("body", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_no_answer_needs_is_forbidden(box, body):
    came = ran(box, body, "import os, resource, socket")
    assert "error" in came, came
    assert not os.path.exists("/tmp/from_a_sandbox")


CALLS = {
    "ptrace": (101, 16),
    "unshare": (272, 0x10000000),
    "mount": (165,),
    "bpf": (321,),
    "keyctl": (250,),
    "io_uring": (425, 1),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="these are the numbers of x86-64")
@pytest.mark.parametrize("number", CALLS.values(), ids=CALLS)
def test_calls_that_reach_beyond_are_refused(box, number):
    came = ran(
        box,
        f"c = ctypes.CDLL(None, use_errno=True)\nreturn [c.syscall{(*number, 0, 0)}, ctypes.get_errno()]",
        "import ctypes",
    )
    assert came["value"]["list"] == [-1, 1]


def test_what_is_right_is_nowhere_in_its_process(box):
    came = ran(box, "from course_utils.exercises.registry import EXERCISES\nreturn len(EXERCISES)")
    assert came["value"] == 0


def test_what_an_exercise_asks_for_is_told(box):
    body = "from course_utils import viterbi\nreturn viterbi.forward(np.zeros((1, 1)), [0])[0]"
    assert ran(box, body, asks_for=["viterbi.forward"])["error"]["asked"] is True
    assert ran(box, body)["value"].tolist() == [[0.0]]


ENDS = {
    "ends its process": ("os._exit(0)", "crashed", "It ended its process"),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", "crashed", "SIGSEGV"),
    "never ends": ("while True: pass", "timed out", "It did not end within 2 s on this case."),
    "never ends, whatever comes": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "timed out",
        "It did not end",
    ),
    "sleeps": ("import time\ntime.sleep(1000)", "timed out", "It did not end"),
    "nonsense": (
        "for n in range(3, 99):\n    try: os.write(n, b'x' * 99)\n    except OSError: pass",
        "crashed",
        "no sense",
    ),
    "a huge message": (
        "for n in range(3, 99):\n    try: os.write(n, b'\\xff' * 8)\n    except OSError: pass",
        "crashed",
        "no sense",
    ),
    "files without end": (
        "n = 0\nwhile True:\n    n += 1\n    open(str(n), 'wb').write(bytes(10**7))",
        "crashed",
        "MB of files",
    ),
    "processes without end": (
        "while True:\n    try: os.fork()\n    except OSError: pass",
        "timed out",
        "It did not end",
    ),
}


@pytest.mark.parametrize(("body", "status", "says"), ENDS.values(), ids=ENDS)
def test_an_answer_that_is_lost_says_how_and_the_next_one_runs(box, body, status, says):
    with pytest.raises(Lost) as lost:
        ran(box, body, "import os")
    assert lost.value.status == status
    assert says in lost.value.says
    assert ran(box, "return x")["value"].tolist() == [0, 1, 2]


def test_too_much_memory_is_an_error_of_the_answer(box):
    came = ran(box, "return np.ones((20000, 200000))")
    assert came["error"]["type"].endswith("MemoryError")


def test_what_an_answer_leaves_behind_is_gone_before_the_next(box):
    ran(box, "os.mkdir('d')\nopen('d/a', 'w').write('b')\nos.symlink('/etc', 'link')\nreturn 1", "import os")
    assert ran(box, "return os.listdir('.')", "import os")["value"] == {"list": []}


def test_a_child_that_goes_on_is_ended(box):
    """It leaves a program behind that would write to the folder after a second."""
    ran(box, "subprocess.Popen('sleep 1; echo x > late', shell=True)\nreturn 1", "import subprocess")
    time.sleep(1.3)
    assert box.written() == 0


def test_memory_is_measured_from_outside(box):
    source = "import numpy as np\ndef f(x, n):\n    y = np.ones(n)\n    return float(y[0])"
    with box.running(Job("f", [source]), 2) as running:
        running.ready()
        held = [running.measured((np.zeros(10**6), n), 5.0)[1] for n in (10, 2_000_000)]
    assert held[0] < 2e6
    assert 15e6 < held[1] < 20e6


def test_a_server_that_is_killed_is_started_again(box):
    assert ran(box, "return x")["value"].tolist() == [0, 1, 2]
    box._server.kill()
    assert ran(box, "return x")["value"].tolist() == [0, 1, 2]


def test_a_server_ends_and_tidies_up_when_its_judge_is_killed(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom course_utils.grading.sandbox import confine\n"
        "from course_utils.grading.sandbox.box import Box, Job\n"
        "box = Box(confine.means(), 4500, scratch=Path(sys.argv[1]))\n"
        "with box.running(Job('f', ['import time\\ndef f(x):\\n    time.sleep(100)']), 1) as running:\n"
        "    running.ready()\n    print(box._server.pid, running.pid, flush=True)\n    running.case((1.0,))\n"
    )
    judge = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in judge.stdout.readline().split()]
    assert list(tmp_path.iterdir())
    judge.kill()
    judge.wait()
    judge.stdout.close()
    ends = time.monotonic() + 30
    while time.monotonic() < ends and (any(os.path.exists(f"/proc/{pid}") for pid in pids) or list(tmp_path.iterdir())):
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


# -- where there is no sandbox


def test_another_system_is_refused_with_what_would_do(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(confine.NoSandbox, match=r"Grade on Linux .* or say --unsafe"):
        confine.means()


def test_an_old_kernel_is_refused(monkeypatch):
    class Old:
        def syscall(self, *args):
            return -1

    monkeypatch.setattr(confine, "_libc", Old)
    with pytest.raises(confine.NoSandbox, match="This system has no Landlock"):
        confine.means()


def test_another_processor_is_refused(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "sparc")
    with pytest.raises(confine.NoSandbox, match="no sandbox for sparc processors"):
        confine.means()


def test_what_holds_an_answer_is_said():
    found = confine.means()
    assert str(found).startswith(f"Landlock {found.landlock}, seccomp, limits")
    assert "network" in str(found) or not found.namespaces
    assert "namespaces" not in str(replace(found, namespaces=0))


def test_limits_alone_hold_an_answer_where_that_was_asked_for():
    with Box(None, worker=os.getpid() % 4000, case_seconds=1.0) as unsafe:
        assert ran(unsafe, "return 2 * x")["value"].tolist() == [0, 2, 4]
        with pytest.raises(Lost, match="did not end"):
            ran(unsafe, "while True: pass")
        assert ran(unsafe, "return np.ones((20000, 200000))")["error"]["type"].endswith("MemoryError")


def test_nothing_of_one_students_is_left_for_the_next(box):
    """Is a text of an answer nowhere in the memory of the server, which the next one's process begins with?"""
    secret = "the-answer-of-somebody-else"
    ran(box, f"return '{secret}'")
    assert not in_memory(box._server.pid, secret.encode())
    assert in_memory(box._server.pid, b"_receive_with_channel")


def in_memory(pid, text):
    """Whether a text stands anywhere in what a process may write to."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, access = line.split()[:2]
            if access.startswith("rw"):
                start, end = (int(part, 16) for part in span.split("-"))
                memory.seek(start)
                try:
                    if text in memory.read(end - start):
                        return True
                except OSError:
                    continue
    return False
