"""The bars hold with few repetitions, both sides solve the same problem, and a missed bar is not overlooked."""

import itertools
import json
import subprocess

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import alignment, ctc, decoding, explorer, growth, imports, recurrent
from benchmarks.table import Result, medians, report
from course_utils import viterbi
from tools.figures import stored_growth


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


def test_the_recurrent_network_meets_its_bar():
    (result,) = recurrent.measure(repetitions=5)
    assert result.met, result


def test_the_explorer_answers_in_time():
    (result,) = explorer.measure(repetitions=5)
    assert result.met, result


def test_torchs_recurrent_network_gives_the_same_gradients():
    """Also with biases and an initial state, which the benchmark leaves at zero."""
    rng = np.random.default_rng(0)
    net, x, d_logits = recurrent.problem(rng, 20, 3, 5)
    net = net.with_parameters(b_h=rng.normal(size=5), b_y=rng.normal(size=10), h_init=rng.normal(size=5))
    found, theirs = recurrent.gradients(net, x, d_logits), recurrent.TorchNetwork(net)
    for _ in range(2):  # the second time, nothing is left over from the first
        for name, expected in theirs.gradients(x, d_logits).items():
            np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-10, err_msg=name)


def test_a_faulty_gradient_stops_the_benchmark(monkeypatch):
    right = recurrent.gradients

    def wrong(*problem):
        return {name: value * (1 + 1e-7) for name, value in right(*problem).items()}

    monkeypatch.setattr(recurrent, "gradients", wrong)
    with pytest.raises(AssertionError, match="W_xh"):
        recurrent.measure(repetitions=1)


def test_prefix_beam_beats_pyctcdecode_and_by_far_where_both_do_the_same_work():
    results = decoding.measure(repetitions=5)
    if "COULD NOT BE INSTALLED" in results[0].what:
        pytest.skip("pyctcdecode could not be installed")
    assert len(results) == 4
    for result in results:  # the bar itself is for make bench, on a quiet machine
        most = 2 * decoding.BAR if "pruning off" in result.what else 1
        assert result.ours < most * result.peer, result


def test_without_pyctcdecode_its_bars_are_missed(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(decoding, "PINNED", {"pyctcdecode": "0.0.0"})
    monkeypatch.setattr(decoding, "PYTHON", tmp_path / "env" / decoding.PYTHON.relative_to(decoding.FOLDER))
    monkeypatch.setattr(decoding, "FOLDER", tmp_path / "env")
    results = decoding.measure()
    assert "pyctcdecode==0.0.0" in capsys.readouterr().out
    assert len(results) == 2
    assert all("COULD NOT BE INSTALLED" in result.what and not result.met for result in results)
    assert report(results) == 1


def test_an_environment_is_reused_when_complete_and_else_made_afresh(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(decoding, "FOLDER", tmp_path)
    monkeypatch.setattr(decoding, "is_complete", lambda: not (tmp_path / "half-made").exists())
    monkeypatch.setattr(
        decoding.subprocess, "run", lambda command, **_: commands.append(command) or subprocess.CompletedProcess([], 0)
    )
    decoding.set_up()
    assert commands == []
    (tmp_path / "half-made").touch()
    decoding.set_up()
    assert [*tmp_path.glob("half-made"), *tmp_path.glob("pyvenv.cfg")] == [tmp_path / "pyvenv.cfg"]
    assert {"pyctcdecode==0.5.0", "--no-deps"} <= set(commands[0])


def test_growth_is_stored_only_when_asked_for_and_can_be_drawn(monkeypatch, tmp_path, capsys):
    panels = [
        (*panel[:3], [60, 70, 80, 90] if panel[2] == "frames" else [2, 3, 4, 5], *panel[4:]) for panel in growth.PANELS
    ]
    monkeypatch.setattr(growth, "PANELS", panels)
    monkeypatch.setattr(growth, "STORED", tmp_path / "growth.json")
    assert growth.main(["--wrong"]) == 2
    assert growth.main([]) == 0
    assert "fast-ctc-decode" in capsys.readouterr().out
    assert not growth.STORED.exists()
    assert growth.main(["--write"]) == 0
    found = stored_growth(growth.STORED)
    assert found == json.loads(growth.STORED.read_text("utf-8"))
    assert [panel["sizes"] for panel in found["panels"]] == [panel[3] for panel in panels]


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
        (command.recurrent, []),
        (command.explorer, []),
        (command.alignment, [slow]),
        (command.ctc, []),
        (command.decoding, []),
        (command.steps, []),
        (command.growth, {"panels": []}),
    ):
        monkeypatch.setattr(module, "measure", lambda found=found: found)
    assert command.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["met?", "yes", "NO"]
    assert lines[-1] == "Missed: slow."


def test_a_bar_without_a_peer(capsys):
    assert report([Result("step", 0.016, None, 0.016)]) == 0
    assert report([Result("step", 0.0161, None, 0.016)]) == 1
    assert "Missed: step." in capsys.readouterr().out


def test_both_are_timed_equally_often():
    calls = []
    ours, peer = medians(lambda: calls.append("ours"), lambda: calls.append("peer"), 3)
    assert calls == ["ours", "peer"] * 3
    calls.clear()
    medians(lambda: calls.append("ours"), lambda: calls.append("peer"), 2, warm=True)
    assert calls == ["ours", "ours", "peer", "peer"] * 2
    assert 0 <= ours < 1
    assert 0 <= peer < 1
