"""Notebooks that try to have points they have not earned, or to break the grader: none is to gain any, or to touch another.

Each is about exercise 8.1; the other three answers of the notebook are right, and must keep their points.
"""

from collections.abc import Callable

from benchmarks.handed_in.notebook import ROOT, HandedIn

Make = Callable[[], HandedIn]


def _forward(source: str) -> Make:
    return lambda: HandedIn().answer("viterbi_forward", source)


def _body(*lines: str, before: str = "") -> Make:
    """A function with these lines."""
    body = "".join(f"    {line}\n" for each in lines for line in each.split("\n"))
    return _forward(f"{before}\ndef viterbi_forward(log_y, target):\n{body}")


ZEROS = "return np.zeros((len(log_y), len(target)))"

READS_THE_STACK = """
import sys
class Reads:
    def __array__(self, dtype=None, copy=None):
        frame = sys._getframe()
        while frame:
            for name in ("right", "expected", "wanted"):
                value = frame.f_locals.get(name)
                if isinstance(value, tuple):
                    value = value[0]
                if isinstance(value, np.ndarray) and value.shape == self.shape:
                    return value
            frame = frame.f_back
        return np.zeros(self.shape)
"""

EQUALS_ALL = """
class Equal(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, dtype=bool)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return np.zeros(self.shape)
    def __array_function__(self, function, types, args, kwargs): return True
"""

ALL_OBJECTS = """
import gc
def find(log_y, target):
    for each in gc.get_objects():
        if isinstance(each, np.ndarray) and each.shape == (len(log_y), len(target)) and each is not log_y:
            return each
    return np.zeros((len(log_y), len(target)))
"""

LIBRARY_BY_ITS_FILE = f"""
source = open({str(ROOT / "course_utils" / "viterbi.py")!r}).read()
space = dict()
exec(source, space)
"""

EVERY_DESCRIPTOR = """
import os
for descriptor in range(3, 256):
    try:
        os.write(descriptor, b"\\x00\\x00\\x00\\x10\\x00\\x00\\x00\\x00{} and nothing else")
    except OSError:
        pass
"""

HOSTILE: dict[str, Make] = {
    # values that compare themselves
    "reads what is right off the stack": _body("made = Reads()", "made.shape = (len(log_y), len(target))", "return made", before=READS_THE_STACK),
    "equals everything": _body("return np.zeros((len(log_y), len(target))).view(Equal)", before=EQUALS_ALL),
    "an object that is equal to all": _body("return Any()", before="class Any:\n    def __eq__(self, other): return True\n    def __float__(self): return 0.0"),
    "nothing but nan": _body("return np.full((len(log_y), len(target)), np.nan)"),
    "no cells at all": _body("return np.zeros((0, len(target)))"),
    "a table of objects": _body("return np.full((len(log_y), len(target)), None)"),
    "an array that pickles to something else": _body(ZEROS.replace("return ", "table = "), "return P()", before="class P:\n    def __reduce__(self): return (eval, ('1',))"),
    "a type of its own name": _body("return type('float64', (float,), {})(0)"),
    "a list within itself": _body("a = []", "a.append(a)", "return a"),
    "ten million lists": _body("return [[0.0] for _ in range(10**7)]"),
    "a gigabyte": _body("return np.zeros(2**27)"),
    "deep lists": _body("a = 0.0", "for _ in range(10**5): a = [a]", "return a"),
    "a number of a million digits": _body("return 10**1000000"),
    # the library
    "calls the library": _body("return viterbi.forward(log_y, target)[0]", before="from course_utils import viterbi"),
    "calls the library by another function": _body("return align(log_y, target).trellis", before="from course_utils.viterbi import align"),
    "calls the library's probabilities": _body("with np.errstate(all='ignore'): return np.log(fill_trellis(np.exp(log_y), target))", before="from course_utils.trellis import fill_trellis"),
    "reads the library": _body("return space['forward'](log_y, target)[0]", before=LIBRARY_BY_ITS_FILE),
    "loads the library anew": _body("return importlib.reload(viterbi).forward(log_y, target)[0]", before="import importlib\nfrom course_utils import viterbi"),
    "asks inspect for the library": _body("exec(inspect.getsource(viterbi), globals())", "return forward(log_y, target)[0]", before="import inspect\nfrom course_utils import viterbi"),
    "the compiled loops": _body("from course_utils.compiled import alignment", "V = np.empty((len(log_y), len(target)))", "alignment.best_path(log_y, target, False, V, V > 0, np.zeros(len(log_y)))", "return V"),
    "takes the watch away": _body("import course_utils.exercises.asked as asked", "asked._tells.cache_clear()", "return viterbi.forward(log_y, target)[0]", before="from course_utils import viterbi"),
    "another program": _body("code = 'from course_utils import viterbi; print(viterbi.forward)'", "subprocess.run([sys.executable, '-c', code], check=True)", ZEROS, before="import subprocess, sys"),
    # the course's exercises and their judge
    "the reference": _body("from course_utils.exercises.registry import EXERCISES", "return EXERCISES['8.1'].reference(log_y, target)"),
    "the reference's module": _body("from course_utils.exercises import ch08", "return ch08.EXERCISES[0].reference(log_y, target)"),
    "patches the judge": _body(ZEROS, before="import course_utils.exercises.faults as faults\nfaults.find_fault = lambda *a: None\nfaults._unlike = lambda *a: None"),
    "patches isclose": _body(ZEROS, before="np.isclose = lambda a, b, **k: np.ones(np.shape(a), dtype=bool)\nnp.allclose = lambda *a, **k: True"),
    "patches builtins": _body(ZEROS, before="import builtins\nbuiltins.all = lambda *a: True\nbuiltins.any = lambda *a: False"),
    "patches the random numbers": _body(ZEROS, before="real = np.random.default_rng\nnp.random.default_rng = lambda seed=None: real(0)"),
    "patches the sandbox": _body(ZEROS, before="import course_utils.grading.sandbox.child as child\nchild._result = lambda made: {'step': 'case', 'value': None}"),
    "patches what is sent": _body(ZEROS, before="import socket\nreal = socket.socket.sendall\nsocket.socket.sendall = lambda self, data: real(self, b'')"),
    "defines its own check": lambda: HandedIn().answer("viterbi_forward", "def viterbi_forward(log_y, target):\n    " + ZEROS + "\n\ndef check(*args, **kwargs):\n    print('✓ 8.1 correct')\n"),
    "changes the check's cell": lambda: _changed_check("print('✓ 8.1 the forward table: correct, 14 of 14 cases, 3 points.')"),
    "gives the check more points": lambda: _worth(100),
    "empties the exercise": _body(ZEROS, before="from course_utils.exercises.registry import EXERCISES\nEXERCISES.clear()\nEXERCISES['8.1'] = 1"),
    "searches all objects": _body("return find(log_y, target)", before=ALL_OBJECTS),
    "searches the frames": _body("import sys", "found = [v for f in sys._current_frames().values() for v in f.f_locals.values()]", "return next((v for v in found if isinstance(v, np.ndarray) and v is not log_y), np.zeros((len(log_y), len(target))))"),
    # the channel
    "writes to every descriptor": _body(ZEROS, before=EVERY_DESCRIPTOR),
    "writes to every descriptor on every case": _body(*EVERY_DESCRIPTOR.strip().splitlines(), ZEROS),
    "closes every descriptor": _body("os.closerange(0, 256)", ZEROS, before="import os"),
    "says that it is right": _body("import os, json", "text = json.dumps({'step': 'case', 'status': 'correct', 'points': 3}).encode()", "head = len(text).to_bytes(4, 'big') + bytes(4)", "for fd in range(3, 64):\n    try: os.write(fd, head + text)\n    except OSError: pass", ZEROS),
    "announces four gigabytes": _body("import os", "for fd in range(3, 64):\n    try: os.write(fd, b'\\xff' * 8)\n    except OSError: pass", ZEROS),
    "goes on in a child": _body("if os.fork() == 0:\n    while True: pass", "os._exit(0)", before="import os"),
    # the machine
    "ends Python": _body("raise SystemExit(0)"),
    "ends its process": _body("os._exit(0)", before="import os"),
    "ends its process while it is loaded": _forward("import os\nos._exit(0)\n"),
    "segmentation fault": _body("ctypes.string_at(0)", before="import ctypes"),
    "aborts": _body("os.abort()", before="import os"),
    "kills all": _body("os.kill(-1, 9)", ZEROS, before="import os"),
    "kills its parent": _body("os.kill(os.getppid(), 9)", ZEROS, before="import os"),
    "kills its group": _body("os.killpg(0, 9)", ZEROS, before="import os"),
    "makes processes without end": _body("while True:\n    try: os.fork()\n    except OSError: pass", before="import os"),
    "takes all memory": _body("hold = []", "while True: hold.append(bytearray(10**8))"),
    "takes all memory while it is loaded": _forward("hold = []\nwhile True:\n    hold.append(bytearray(10**8))\n"),
    "fills the disk": _body("n = 0", "while True:\n    n += 1\n    open(f'{n}', 'wb').write(bytes(10**7))"),
    "never ends": _body("while True: pass"),
    "never ends, and catches what stops it": _body("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
    "sleeps": _body("time.sleep(10**6)", before="import time"),
    "ignores signals": _body("for n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass", "while True: pass", before="import signal"),
    "a regular expression without end": _body("re.match('(a+)+$', 'a' * 64 + 'b')", before="import re"),
    "one product that is too large": _body("return np.ones((20000, 20000)) @ np.ones((20000, 20000))"),
    "reads the seed": _body("import glob", "found = [open(p).read() for p in glob.glob('/**/seed.txt', recursive=True)]", "return found or np.zeros((len(log_y), len(target)))"),
    "reads a stranger's notebook": _body(f"return open({str(ROOT / 'notebooks' / '08_viterbi.ipynb')!r}).read()"),
    "writes into the course": _body(f"open({str(ROOT / 'course_utils' / 'viterbi.py')!r}, 'a').write('x = 1')", ZEROS),
    "reaches for the network": _body("socket.create_connection(('127.0.0.1', 80), 1)", ZEROS, before="import socket"),
    "reaches for a socket of the system": _body("s = socket.socket(socket.AF_UNIX)", "s.connect('/run/docker.sock')", ZEROS, before="import socket"),
    "looks at other processes": _body("import os", "return str([open(f'/proc/{p}/environ').read() for p in os.listdir('/proc') if p.isdigit()])"),
    "traces its parent": _body("ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)", ZEROS, before="import ctypes, os"),
    "new namespaces": _body("ctypes.CDLL(None).unshare(0x10000000)", ZEROS, before="import ctypes"),
    "raises its limits": _body("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", ZEROS, before="import resource"),
    # the text
    "brackets without end": _forward("(" * 100_000),
    "nested a thousand times": _forward("x = " + "-" * 90_000 + "1"),
    "a page of nulls": _forward("\x00" * 1000),
    "half a character": _forward("x = '\ud800'"),
    "names with markup": _forward("def viterbi_forward(log_y, target):\n    raise type('<script>alert(1)</script>', (Exception,), {})('</td><script>alert(2)</script>')"),
    "a formula for the spreadsheet": _body("raise ValueError('=HYPERLINK(\"http://example.org\")')"),
    "prints a gigabyte": _body("for _ in range(10**6): print('x' * 1000)", ZEROS),
    "an error of megabytes": _body("raise ValueError('x' * 10**8)"),
    "an error that raises": _body("raise E()", before="class E(Exception):\n    def __str__(self): raise SystemExit"),
    "an error that never ends": _body("raise E()", before="class E(Exception):\n    def __str__(self):\n        while True: pass"),
}  # fmt: skip


def _changed_check(source: str) -> HandedIn:
    made = HandedIn().answer("viterbi_forward", "def viterbi_forward(log_y, target):\n    " + ZEROS)
    made.cells[made.check_place("viterbi_forward")].source = source
    return made


def _worth(points: int) -> HandedIn:
    made = HandedIn().answer("viterbi_forward", "def viterbi_forward(log_y, target):\n    " + ZEROS)
    made.cells[made.check_place("viterbi_forward")].metadata.nbgrader["points"] = points
    return made
