"""The check cell: what it prints, and how it fails."""

import re
from itertools import groupby

import numpy as np
import pytest
from doubling import double
from right_answers import trace_back, viterbi_forward, viterbi_score

from course_utils.exercises import cells
from course_utils.exercises.check import CheckFailed, check
from course_utils.exercises.registry import EXERCISES
from course_utils.losses import log_softmax

RIGHT = {
    "7.1": lambda labels: [name for name, _ in groupby(labels)],
    "8.1": viterbi_forward,
    "8.2": trace_back,
    "8.3": viterbi_score,
}


@pytest.fixture(autouse=True)
def nothing_earned(monkeypatch):
    monkeypatch.setattr("course_utils.exercises.check._EARNED", {})


def test_a_right_answer_prints_its_points_and_those_so_far(capsys):
    check("8.3", viterbi_score)
    says = r"✓ 8\.3 .*: correct, (\d+) of \1 cases, 2 points\.\nChapter 8: 2 of 10 points so far\.\n"
    assert re.fullmatch(says, capsys.readouterr().out)


def test_points_add_up_within_a_chapter_once_for_each_exercise_and_are_those_of_its_last_check(capsys):
    for exercise_id, says in [("8.3", "8: 2"), ("8.3", "8: 2"), ("8.2", "8: 4"), ("7.1", "7: 2"), ("8.1", "8: 7")]:
        check(exercise_id, RIGHT[exercise_id])
        assert f"Chapter {says} of 10 points so far." in capsys.readouterr().out
    with pytest.raises(CheckFailed):
        check("8.2", lambda trellis: trellis.argmax(axis=1))
    check("8.3", viterbi_score)
    assert "Chapter 8: 5 of 10 points so far." in capsys.readouterr().out


def test_a_wrong_answer_shows_the_report_and_fails_in_one_line(capsys):
    with pytest.raises(CheckFailed) as failed:
        check("8.2", lambda trellis: trellis.argmax(axis=1))
    printed = capsys.readouterr().out
    assert "This looks like: best cell of each frame." in printed
    assert "yours" in printed
    assert re.fullmatch(r"✗ 8\.2 the trace back: incorrect, \d+ of \d+ cases right\.", str(failed.value))
    assert failed.value._render_traceback_() == [str(failed.value)]


def test_a_stub_fails_in_one_line_and_prints_nothing_else(capsys):
    with pytest.raises(CheckFailed) as failed:
        check("8.1", lambda log_y, target: ...)
    assert capsys.readouterr().out == ""
    assert failed.value._render_traceback_() == ["○ 8.1 the forward table: not attempted yet, 3 points to win."]


def test_an_unknown_exercise_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"exercise_id is '9\.9'; the exercises are 1\.1, .* 8\.1, 8\.2, 8\.3, 8\.4"):
        check("9.9", double)


def test_a_table_of_three_axes_is_shown_as_the_slice_with_its_first_wrong_cell(capsys):
    """Is an answer with one matrix for each frame told which frame, and shown the matrix of that frame?"""

    def wrong_in_frame_1(W, b, x, target):
        bias = np.exp(log_softmax(x @ W.T + b)) - np.eye(len(b))[target]
        by_frame = bias[:, :, None] * x[:, None, :]
        if len(by_frame) > 1:
            by_frame[1, 0, 0] += 1
        return by_frame, bias

    with pytest.raises(CheckFailed):
        check("2.2", wrong_in_frame_1)
    printed = capsys.readouterr().out
    assert re.search(r"The first wrong cell of .* is at t = 1, \w = 0, \w = 0:", printed)
    assert "yours" in printed
    table, _, call = printed.partition("To call it on this case again: ")
    assert table.count("[") == 1
    assert call.startswith(EXERCISES["2.2"].function)


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    InteractiveShell.clear_instance()


def test_in_a_real_shell_a_failed_check_is_one_line_and_the_cell_fails(shell, capsys):
    ran = shell.run_cell(
        "from course_utils.exercises.check import check\n"
        "def viterbi_forward(log_y, target):\n"
        "    raise NotImplementedError\n"
        "check('8.1', viterbi_forward)"
    )
    assert isinstance(ran.error_in_exec, CheckFailed)
    captured = capsys.readouterr()
    assert (captured.out + captured.err).strip() == "○ 8.1 the forward table: not attempted yet, 3 points to win."


def test_in_a_real_shell_the_report_is_displayed_before_the_line(shell, capsys):
    ran = shell.run_cell(
        "from course_utils.exercises.check import check\n"
        "def viterbi_forward(log_y, target):\n"
        "    return log_y[0, 99]\n"
        "check('8.1', viterbi_forward)"
    )
    assert isinstance(ran.error_in_exec, CheckFailed)
    captured = capsys.readouterr()
    lines = (captured.out + captured.err).strip().splitlines()
    assert len(lines) == 3, lines
    assert "It stopped with IndexError" in lines[0]
    assert "at “return log_y[0, 99]”" in lines[0]
    assert lines[1].startswith("To call it on this case again: viterbi_forward(np.array([[")
    assert lines[2].startswith("✗ 8.1 the forward table: could not run, 0 of ")
    assert "Traceback" not in captured.out + captured.err


def test_in_a_real_shell_an_interrupt_is_one_line(shell, capsys):
    ran = shell.run_cell(
        "from course_utils.exercises.check import check\n"
        "def viterbi_forward(log_y, target):\n"
        "    if len(target):\n"
        "        raise KeyboardInterrupt  # what the stop button does\n"
        "check('8.1', viterbi_forward)"
    )
    assert isinstance(ran.error_in_exec, KeyboardInterrupt)
    captured = capsys.readouterr()
    says = "○ 8.1 the forward table: interrupted while viterbi_forward was running."
    assert (captured.out + captured.err).strip() == says


RIGHT_CELL = (
    "def compress(labels):\n    from itertools import groupby\n    return [name for name, _ in groupby(labels)]"
)
WRONG_CELL = "# a first try\ndef compress(labels):\n    return list(dict.fromkeys(labels))"
CHECK_CELL = "check('7.1', compress)"


@pytest.fixture
def watched(shell, monkeypatch):
    monkeypatch.setattr(cells, "_DEFINED", {})
    cells.watch_cells()
    cells.watch_cells()  # a second import does not watch twice
    shell.run_cell("from course_utils.exercises.check import check", cell_id="imports")
    return shell


def test_an_answer_that_stands_in_two_cells_is_noticed(watched, capsys):
    watched.run_cell(RIGHT_CELL, cell_id="one")
    watched.run_cell(WRONG_CELL, cell_id="two")
    watched.run_cell(CHECK_CELL, cell_id="check")
    says = "compress stands in 2 cells. What is checked is the one that ran last; its cell begins with “# a first try”."
    assert says in capsys.readouterr().out
    watched.run_cell(RIGHT_CELL, cell_id="one")
    watched.run_cell(CHECK_CELL, cell_id="check")
    printed = capsys.readouterr().out
    assert "its cell begins with “def compress(labels):”." in printed
    assert "✓ 7.1" in printed


@pytest.mark.parametrize("rewritten", ["", "x = 1", "def another(x):\n    return x", "%not python at all"])
def test_a_cell_that_was_rewritten_no_longer_counts(watched, capsys, rewritten):
    watched.run_cell(WRONG_CELL, cell_id="one")
    watched.run_cell(rewritten or "pass", cell_id="one")
    watched.run_cell(RIGHT_CELL, cell_id="two")
    watched.run_cell(RIGHT_CELL, cell_id="two")
    watched.run_cell(CHECK_CELL, cell_id="check")
    assert "stands in" not in capsys.readouterr().out


def test_cells_without_an_id_are_not_counted(watched, capsys):
    watched.run_cell(WRONG_CELL)
    watched.run_cell(RIGHT_CELL)
    watched.run_cell(CHECK_CELL)
    assert "stands in" not in capsys.readouterr().out
