"""Sixty honest notebooks of chapter 8: whatever their style, all ten points are theirs."""

from collections.abc import Callable

from benchmarks.handed_in.notebook import HandedIn

LOOPS = """def viterbi_forward(log_y, target):
    V = np.full((len(log_y), len(target)), -np.inf)
    V[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target)):
            best = V[t - 1, i]
            if i > 0:
                best = max(best, V[t - 1, i - 1])
            V[t, i] = best + log_y[t, target[i]]
    return V
"""
BODY = LOOPS.split("\n", 1)[1]
ROWS = """def viterbi_forward(log_y, target):
    rows = [np.where(np.arange(len(target)) == 0, log_y[0][target], -np.inf)]
    for frame in log_y[1:]:
        shifted = np.concatenate([[-np.inf], rows[-1][:-1]])
        rows.append(np.maximum(rows[-1], shifted) + frame[target])
    return np.array(rows)
"""
SCORE = """def viterbi_score(log_y, target):
    column = [float("-inf")] * len(target)
    column[0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target) - 1, -1, -1):
            best = max(column[i], column[i - 1]) if i else column[i]
            column[i] = best + log_y[t, target[i]]
    return column[-1]
"""


def _forward(source: str) -> Callable[[], HandedIn]:
    return lambda: HandedIn().answer("viterbi_forward", source)


def _returning(last: str, before: str = "") -> Callable[[], HandedIn]:
    """The loops, with something else done at the end, and before."""
    return _forward(before + LOOPS.replace("    return V\n", f"    {last}\n"))


def _first(line: str, before: str = "") -> Callable[[], HandedIn]:
    """The loops, with a line at the beginning of every call."""
    head, body = LOOPS.split("\n", 1)
    indented = "".join(f"    {each}\n" for each in line.split("\n"))
    return _forward(f"{before}{head}\n{indented}{body}")


def _path(last: str) -> Callable[[], HandedIn]:
    source = (
        "def trace_back(V):\n    i = V.shape[1] - 1\n    path = [i]\n    for t in range(len(V) - 1, 0, -1):\n"
        "        if i > 0 and V[t - 1, i - 1] > V[t - 1, i]:\n            i -= 1\n        path.append(i)\n"
        f"    path = path[::-1]\n    {last}\n"
    )
    return lambda: HandedIn().answer("trace_back", source)


def _cell_above() -> HandedIn:
    made = HandedIn().answer(
        "viterbi_forward", LOOPS.replace("max(best, V[t - 1, i - 1])", "larger(best, V[t - 1, i - 1])")
    )
    return made.add("def larger(a, b):\n    return a if a > b else b", made.place("viterbi_forward"))


def _cell_far_above() -> HandedIn:
    made = HandedIn().answer("viterbi_forward", LOOPS.replace("-np.inf", "IMPOSSIBLE"))
    return made.add("import math\nIMPOSSIBLE = -math.inf", 2)


def _cell_below() -> HandedIn:
    made = HandedIn().answer("viterbi_forward", LOOPS.replace("max(", "larger("))
    return made.add("larger = lambda a, b: a if a > b else b", made.check_place("viterbi_forward") + 1)


def _chain_of_cells() -> HandedIn:
    made = HandedIn().answer("viterbi_forward", LOOPS.replace("max(best,", "pick(best,"))
    at = made.place("viterbi_forward")
    return made.add("from operator import gt", at).add("def pick(a, b):\n    return a if gt(a, b) else b", at + 1)


def _redefined_later() -> HandedIn:
    """A helper that means something else further down."""
    made = HandedIn().answer("viterbi_forward", LOOPS.replace("max(best,", "pick(best,"))
    made.add("def pick(a, b):\n    return max(a, b)", made.place("viterbi_forward"))
    return made.add("def pick(a, b):\n    raise RuntimeError('another one')", made.check_place("viterbi_forward") + 1)


def _split() -> HandedIn:
    head, tail = LOOPS.split("    for t in")
    return HandedIn().split("viterbi_forward", head, "    for t in" + tail)


def _split_helper() -> HandedIn:
    return HandedIn().split(
        "viterbi_forward", "def larger(a, b):\n    return max(a, b)", LOOPS.replace("max(best", "larger(best")
    )


def _pasted() -> HandedIn:
    """The answer in a cell of one's own; the one that was there for it is gone."""
    made = HandedIn()
    at = made.place("viterbi_forward")
    made.cells.pop(at)
    return made.add(LOOPS, at)


def _stub_left_above() -> HandedIn:
    """The stub is still there, and a cell below it has the answer."""
    stub = "def viterbi_forward(log_y, target):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    made = HandedIn().answer("viterbi_forward", stub)
    return made.add(LOOPS, made.place("viterbi_forward") + 1)


def _imports_removed() -> HandedIn:
    made = HandedIn()
    first = next(n for n, cell in enumerate(made.cells) if cell.cell_type == "code")
    made.cells.pop(first)
    return made


def _check_twice() -> HandedIn:
    made = HandedIn()
    at = made.check_place("viterbi_forward")
    again = made.cells[at].copy()
    again.id = "once-more"
    made.cells.insert(at, again)
    return made


def _check_removed() -> HandedIn:
    made = HandedIn()
    made.cells.pop(made.check_place("viterbi_forward"))
    return made


def _windows_lines() -> HandedIn:
    return HandedIn().answer("viterbi_forward", LOOPS.replace("\n", "\r\n"))


def _broken_cell_before() -> HandedIn:
    made = HandedIn()
    return made.add("this is a note that I typed into a code cell", made.place("viterbi_forward"))


def _failing_cell_before() -> HandedIn:
    made = HandedIn()
    return made.add("1 / 0", made.place("viterbi_forward"))


def _endless_cell_elsewhere() -> HandedIn:
    made = HandedIn()
    return made.add("while True:\n    pass", made.place("viterbi_forward"))


def _input_elsewhere() -> HandedIn:
    made = HandedIn()
    return made.add("name = input('your name? ')", 1)


def _without_ids() -> HandedIn:
    made = HandedIn()
    made.notebook.nbformat_minor = 4
    for cell in made.cells:
        cell.pop("id", None)
    return made


OLDER_HANDLER = (
    "import logging, sys\nhandler = logging.StreamHandler(sys.__stderr__)\nlogging.getLogger().addHandler(handler)\n"
)

HONEST: dict[str, Callable[[], HandedIn]] = {
    "as the author has it": HandedIn,
    "loops": _forward(LOOPS),
    "rows": _forward(ROWS),
    "rows in a list": _forward(ROWS.replace("np.array(rows)", "[row.tolist() for row in rows]")),
    "single precision": _returning("return V.astype(np.float32)"),
    "extended precision": _returning("return V.astype(np.longdouble)"),
    "array of objects": _returning("return V.astype(object)"),
    "matrix": _returning("return np.asmatrix(V)"),
    "masked array": _returning("return np.ma.masked_array(V)"),
    "tuples": _returning("return tuple(map(tuple, V.tolist()))"),
    "columns first in memory": _returning("return np.asfortranarray(V)"),
    "a view backwards": _returning("return V[::-1].copy()[::-1]"),
    "tensor": _returning("return torch.tensor(V)", "import torch\n"),
    "tensor with a gradient": _returning("return torch.tensor(V, requires_grad=True)", "import torch\n"),
    "a buffer that is used again": _forward(
        "TABLE = np.empty((4000, 4000))\n\n"
        + LOOPS.replace("V = np.full((len(log_y), len(target)), -np.inf)", "V = TABLE[: len(log_y), : len(target)]\n    V[:] = -np.inf")
    ),
    "prints": _first("print('frames:', len(log_y))"),
    "prints much": _first("for row in log_y: print(row)"),
    "warns": _first("warnings.warn('slow')", "import warnings\n"),
    "divides by zero on the way": _first("np.log(np.zeros(3)); np.zeros(1) / 0"),
    "logs": _first("logging.getLogger('me').warning('called')", OLDER_HANDLER),
    "writes to standard error": _first("os.write(2, b'called\\n')", "import os\n"),
    "writes to sys.stderr": _first("sys.__stderr__.write('called'); sys.__stderr__.flush()", "import sys\n"),
    "starts a program": _first("subprocess.run(['echo', 'called'], check=True)", "import subprocess\n"),
    "starts a program that writes to standard error": _first("os.system('echo called >&2')", "import os\n"),
    "starts threads": _first(
        "thread = threading.Thread(target=len, args=([],)); thread.start(); thread.join()", "import threading\n"
    ),
    "takes its time": _first("time.sleep(0.1)", "import time\n"),
    "draws a figure": _first("plt.figure(); plt.plot([1, 2]); plt.close('all')", "import matplotlib.pyplot as plt\n"),
    "keeps a file": _first("open('notes.txt', 'a').write('called')"),
    "keeps a temporary file": _first("tempfile.TemporaryFile().write(b'called')", "import tempfile\n"),
    "changes numpy's settings": _first("np.seterr(all='ignore'); np.set_printoptions(precision=3)"),
    "raises a recursion limit": _first("sys.setrecursionlimit(5000)", "import sys\n"),
    "catches everything": _forward(LOOPS.replace(BODY, "    try:\n" + "".join(f"    {line}\n" for line in BODY.splitlines()) + "    except Exception:\n        return None\n")),
    "a class": _forward(
        "class Forward:\n    def __call__(self, log_y, target):\n"
        + "".join(f"    {line}\n" for line in BODY.splitlines())
        + "\nviterbi_forward = Forward()\n"
    ),
    "partial": _forward(
        LOOPS.replace("viterbi_forward(log_y, target)", "fill(lowest, log_y, target)").replace("-np.inf", "lowest")
        + "\nfrom functools import partial\nviterbi_forward = partial(fill, -np.inf)\n"
    ),
    "decorated": _forward(
        "from functools import wraps\n\ndef timed(f):\n    @wraps(f)\n    def inner(*args):\n        return f(*args)\n    return inner\n\n@timed\n"
        + LOOPS
    ),
    "a lambda": _forward(LOOPS.replace("viterbi_forward", "fill") + "\nviterbi_forward = lambda log_y, target: fill(log_y, target)\n"),
    "other names for its arguments": _forward(LOOPS.replace("log_y", "scores").replace("target", "wanted")),
    "type hints": _forward(LOOPS.replace("(log_y, target):", "(log_y: np.ndarray, target: list[int]) -> np.ndarray:")),
    "numpy imported once more": _forward("import numpy\nimport numpy as np\n" + LOOPS),
    "the math module": _forward("from math import inf\n" + LOOPS.replace("-np.inf", "-inf")),
    "umlauts": _forward(LOOPS.replace("best", "größter")),
    "timed by a magic": _forward("%%time\n" + LOOPS),
    "magics": _forward("%matplotlib inline\n!ls\n" + LOOPS),
    "tries itself out": _forward(LOOPS + "\nprint(viterbi_forward(np.log([[0.9, 0.1], [0.6, 0.4]]), [0, 1]))\n"),
    "tries itself out with what is not there": _forward(LOOPS + "\nprint(viterbi_forward(my_table, [0, 1]))\n"),
    "asserts": _forward(LOOPS + "\nassert viterbi_forward(np.log([[0.5, 0.5]]), [0]).shape == (1, 1)\n"),
    "helper in the cell above": _cell_above,
    "constant far above": _cell_far_above,
    "helper in a cell below": _cell_below,
    "helpers of helpers": _chain_of_cells,
    "helper redefined later": _redefined_later,
    "split in the middle": _split,
    "split after a helper": _split_helper,
    "pasted into a cell of its own": _pasted,
    "stub left above": _stub_left_above,
    "imports removed": _imports_removed,
    "check twice": _check_twice,
    "check removed": _check_removed,
    "lines of Windows": _windows_lines,
    "a note in a code cell": _broken_cell_before,
    "a cell that fails": _failing_cell_before,
    "a cell that never ends": _endless_cell_elsewhere,
    "a cell that asks": _input_elsewhere,
    "no ids": _without_ids,
    "path as an array": _path("return np.array(path)"),
    "path in small integers": _path("return np.array(path, dtype=np.int8)"),
    "path as a tuple": _path("return tuple(path)"),
    "path in floats": _path("return [float(i) for i in path]"),
    "score in pure Python": lambda: HandedIn().answer("viterbi_score", SCORE),
    "score as an array without axes": lambda: HandedIn().answer("viterbi_score", SCORE.replace("return column[-1]", "return np.array(column[-1])")),
}  # fmt: skip
