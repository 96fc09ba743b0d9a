"""The bars hold with few repetitions, both sides solve the same problem, and a missed bar is not overlooked."""

import itertools

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import alignment, ctc, imports
from benchmarks.table import Result, medians, report
from course_utils import viterbi


@pytest.fixture(scope="module")
def decode():
    import librosa.sequence

    return librosa.sequence.viterbi


def best_by_trying_all(log_y, target):
    """The best path among all ways to choose the frames at which the target advances."""
    T, K = len(log_y), len(target)
    paths = [np.searchsorted(cuts, np.arange(T), side="right") for cuts in itertools.combinations(range(1, T), K - 1)]
    return max(paths, key=lambda path: log_y[np.arange(T), target[path]].sum())


def test_the_peer_solves_the_same_problem(decode):
    rng = np.random.default_rng(8)
    tried = 0
    for _ in range(200):
        T = int(rng.integers(1, 40))
        K = int(rng.integers(1, min(T, 12) + 1))
        log_y, target = alignment.random_case(rng, T, int(rng.integers(2, 8)), K)
        found = viterbi.align(log_y, target).path
        prob, transition, p_init = alignment.peer_problem(log_y, target)
        np.testing.assert_array_equal(decode(prob, transition, p_init=p_init), found)
        if T <= 9:
            tried += 1
            np.testing.assert_array_equal(best_by_trying_all(log_y, target), found)
    assert tried >= 20


def test_alignment_meets_its_bar():
    (result,) = alignment.measure(repetitions=5)
    assert result.met, result


def test_ctc_and_its_decoder_meet_their_bars():
    results = ctc.measure(repetitions=5)
    assert len(results) == 4
    for result in results:
        assert result.met, result


def test_importing_meets_its_bar():
    results = imports.measure(repetitions=5)
    assert results
    for result in results:
        assert result.met, result


def test_a_missed_bar_turns_the_table_red(monkeypatch, capsys):
    good = Result("good", 0.001, 0.010, 0.1)
    slow = Result("slow", 0.0011, 0.010, 0.1)
    for module, found in (
        (command.imports, [good]),
        (command.alignment, [slow]),
        (command.ctc, []),
        (command.steps, []),
    ):
        monkeypatch.setattr(module, "measure", lambda found=found: found)
    assert command.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["met?", "yes", "NO"]
    assert lines[-1] == "Missed: slow."


def test_a_bar_without_a_peer(capsys):
    assert report([Result("step", 0.016, None, 0.016)]) == 0
    assert report([Result("step", 0.0161, None, 0.016)]) == 1
    assert "Missed: step." in capsys.readouterr().out


def test_both_are_timed_equally_often():
    calls = []
    ours, peer = medians(lambda: calls.append("ours"), lambda: calls.append("peer"), 3)
    assert calls == ["ours", "peer"] * 3
    assert 0 <= ours < 1
    assert 0 <= peer < 1
