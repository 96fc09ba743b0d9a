"""Which cells an answer needs: those that define what it uses, in the order of the notebook, and no others."""

import pytest

from course_utils.grading.sandbox.cells import fresh_namespace, program, read, run

ANSWER = "def f(x):\n    return helper(x) + np.sum(x)"


def chosen(pieces, before=(), after=(), given=(), at=None, function="f"):
    return program(function, pieces, len(before) if at is None else at, before, after, given)


def test_a_cell_says_what_it_defines_and_what_it_looks_up():
    cell = read(
        "import numpy as np, os.path\nfor k in range(3):\n    y = z[k]\ndef f(x):\n    w = x + q\n    return w\nclass C: pass"
    )
    assert cell.defines == {"np", "os", "k", "y", "f", "C"}
    assert {"z", "q", "range"} <= cell.uses
    assert not {"w", "x"} & cell.uses


def test_variables_of_a_function_are_not_looked_for():
    """Or else every answer with a variable x would have all cells run that set an x."""
    heavy = "x = train_for_an_hour()"
    assert chosen(["def f(x):\n    y = x\n    return y"], [heavy, "y = 3"]) == ["def f(x):\n    y = x\n    return y"]


def test_helpers_and_their_helpers_come_along_and_nothing_else():
    before = ["import numpy as np", "x = 5", "def helper(x):\n    return deeper(x)", "deeper = abs", "print('hello')"]
    assert chosen([ANSWER], before) == [before[0], before[2], before[3], ANSWER]


def test_what_stands_above_the_check_is_looked_at_before_what_stands_below():
    above, below = "def helper(x):\n    return 1", "def helper(x):\n    return 2"
    assert chosen([ANSWER], ["np = 0", above], [below]) == ["np = 0", above, ANSWER]
    assert chosen([ANSWER], ["np = 0"], [below]) == ["np = 0", ANSWER, below]


def test_what_the_student_has_removed_the_course_gives():
    given = ["import numpy as np\nfrom math import inf", "unused = 1"]
    assert chosen([ANSWER], ["helper = abs"], [], given) == [given[0], "helper = abs", ANSWER]
    assert chosen([ANSWER], ["helper = abs", "np = 1"], [], given) == ["helper = abs", "np = 1", ANSWER]


def test_the_last_definition_above_the_check_counts():
    stub, answer = "def f(x):\n    raise NotImplementedError", "def f(x):\n    return 1"
    assert chosen([stub], [answer], at=0)[-1] == answer
    assert chosen([stub], [answer], at=1)[-1] == stub


def test_nothing_is_chosen_where_nothing_defines_the_function():
    assert chosen([], ["g = 1"], ["h = 2"], ["def f(x): pass"]) == []
    assert chosen(["g = 1"]) == []


@pytest.mark.parametrize("pieces", [["def f(x):\n    y = x", "    return y"], ["def f(x):", "    y = x\n    return y"]])
def test_pieces_of_a_split_answer_are_put_together(pieces):
    namespace = fresh_namespace()
    assert run(chosen(pieces), namespace) is None
    assert namespace["f"](3) == 3


def test_a_split_with_a_piece_that_is_no_python_keeps_the_rest():
    assert chosen(["def f(x):\n    return x", "this is a note"]) == ["def f(x):\n    return x"]


@pytest.mark.parametrize(
    "source",
    [
        "%%time\ndef f(x):\n    return x", "%matplotlib inline\ndef f(x):\n    return x", "!ls\ndef f(x):\n    return x",
        "files = !ls\ndef f(x):\n    return x", "%%capture out\ndef f(x):\n    return x", "len?\ndef f(x):\n    return x",
        "def f(x):\n    return x\nf.undefined", "1 / 0\ndef f(x):\n    return x", "def f(x):\n    return x\nexit()",
        "def f(x):\n    return x\nraise SystemExit", "display(3)\nget_ipython().run_line_magic('x', '')\ndef f(x):\n    return x",
    ],
)  # fmt: skip
def test_what_else_stands_in_a_cell_does_not_stop_it(source):
    namespace = fresh_namespace()
    run(chosen([source]), namespace)
    assert namespace["f"](3) == 3


def test_the_first_error_is_told():
    assert isinstance(run(["1 / 0", "x"], fresh_namespace()), ZeroDivisionError)
    assert isinstance(run(["def f(:"], fresh_namespace()), SyntaxError)
    assert isinstance(run(["x = '\ud800'.encode()"], fresh_namespace()), ValueError)


@pytest.mark.parametrize(
    "source", ["(" * 100_000, "x = " + "-" * 90_000 + "1", "\x00", "def f(x):\n" * 2000, "return 1"]
)
def test_no_text_of_a_cell_stops_the_reading(source):
    cell = read(source)
    assert isinstance(cell.valid, bool)
    run([source], fresh_namespace())
