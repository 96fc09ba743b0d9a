"""The bars hold, with room, on a few cells; both sides solve the same problem; and a missed bar is not overlooked.

What is timed here is processor time, and the bars have room: the bars themselves, and the wall clock, are for ``make bench``.
"""

import itertools
import json
import math
import subprocess
import time

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import alignment, beam, compiling, ctc, decoding, explorer, gated, growth, imports, recurrent
from benchmarks.table import Grid, Result, cells, medians, processor, report
from course_utils import viterbi
from tools.figures import stored_growth

ROOM = 1.5
FEW = {"least": 3, "most": 30, "seconds": 0.2, "clock": time.process_time}
#: Cells in which we are close to the bar, and some in which the textbook's loop would be too slow.
CELLS = {
    alignment: [{"T": 20, "K": 2}, {"T": 1000, "K": 100}],
    ctc: [
        *cells(T=[20, 300], K=[10], A=[30], batch=[1, 16], inputs=["flat", "peaked"]),
        *cells(T=[300], K=[100], A=[30], batch=[1], inputs=["underflow, scale 100"]),
    ],
    beam: [
        *cells(T=[300], symbols=[29], width=[4, 32], inputs=["flat", "peaked"]),
        *cells(T=[300], symbols=[5], width=[64], inputs=["flat", "peaked"]),
    ],
    recurrent: cells(T=[100], batch=[1, 32], d=[8, 128]),
    gated: cells(T=[100], batch=[1, 32], d=[16, 128]),
}


def with_room(grids, room=ROOM):
    """The results that miss their bars even where these are higher, by name."""
    return [
        f"{grid.what}: {result}" for grid in grids for result in grid.results if not result.figure <= room * result.bar
    ]


def slowed_down(function, times=8):
    def repeated(*arguments, **settings):
        for _ in range(times - 1):
            function(*arguments, **settings)
        return function(*arguments, **settings)

    return repeated


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


@pytest.mark.parametrize("module", CELLS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_bars_hold_on_a_few_cells_and_are_missed_by_what_is_eight_times_as_slow(module, monkeypatch):
    assert with_room(module.measure(CELLS[module], **FEW)) == []
    monkeypatch.setattr(module, "ours", slowed_down(module.ours))
    assert with_room(module.measure(CELLS[module], **FEW))


def test_what_is_left_out_is_said_and_nothing_else_is():
    left = [(cell["T"], cell["K"]) for cell in alignment.ALL if cell not in alignment.CELLS]
    assert left == [(20, 100), (20, 500), (100, 500), (20_000, 500)]
    assert [line.partition(":")[0] for line in alignment.LEFT_OUT] == [f"T={T}, K={K}" for T, K in left]
    left = [cell for cell in ctc.ALL if cell not in ctc.CELLS]
    assert {(cell["T"], cell["K"]) for cell in left if cell["A"] < 5000} == {(20, 100)}
    assert {(cell["T"], cell["batch"]) for cell in left if cell["K"] < 100} == {(1000, 16), (3000, 16)}
    assert [line.partition(":")[0] for line in ctc.LEFT_OUT] == [
        "T=20, K=100",
        "T=1000, A=5000, batch=16",
        "T=3000, A=5000, batch=16",
    ]


@pytest.mark.parametrize("inputs", [*ctc.INPUTS, "underflow, scale 60"])
def test_every_utterance_of_a_cell_fits(inputs):
    for cell in cells(T=[100, 110], K=[100], A=[3, 5], batch=[16], inputs=[inputs]):
        losses, _ = ctc.ours(*ctc.problem(**cell))
        assert np.isfinite(losses).all(), cell


def test_the_explorer_answers_in_time_and_not_when_it_multiplies_twelve_times(monkeypatch):
    """There is no peer here, and a processor that others share is slower: more room."""
    from course_utils.notebook import ch05

    assert with_room(explorer.measure(turns=5, clock=time.process_time), 2) == []
    monkeypatch.setattr(ch05, "product_of_jacobians", slowed_down(ch05.product_of_jacobians, 12))
    assert with_room(explorer.measure(turns=5, clock=time.process_time), 2)


def test_torchs_recurrent_network_gives_the_same_gradients():
    """Also with biases and an initial state, which the benchmark leaves at zero."""
    rng = np.random.default_rng(0)
    net, x, d_logits = recurrent.problem(rng, 20, 3, 5)
    net = net.with_parameters(b_h=rng.normal(size=5), b_y=rng.normal(size=10), h_init=rng.normal(size=5))
    found, theirs = recurrent.ours(net, x, d_logits), recurrent.TorchNetwork(net)
    for _ in range(2):  # the second time, nothing is left over from the first
        for name, expected in theirs.gradients(x, d_logits).items():
            np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-10, err_msg=name)


def test_a_faulty_gradient_stops_the_benchmark(monkeypatch):
    right = recurrent.ours

    def wrong(*problem):
        return {name: value * (1 + 1e-7) for name, value in right(*problem).items()}

    monkeypatch.setattr(recurrent, "ours", wrong)
    with pytest.raises(AssertionError, match="W_xh"):
        recurrent.measure(cells(T=[20], batch=[2], d=[8]))


@pytest.mark.parametrize(
    "fault", [lambda loss, gradient: (loss * (1 + 1e-8), gradient), lambda *both: (both[0], both[1] + 1e-8)]
)
def test_a_faulty_loss_or_gradient_of_ctc_stops_the_benchmark(fault, monkeypatch):
    right = ctc.ours
    monkeypatch.setattr(ctc, "ours", lambda *problem: fault(*right(*problem)))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        ctc.measure(CELLS[ctc][:1])


def test_another_path_stops_the_benchmark(monkeypatch):
    right = alignment.ours
    monkeypatch.setattr(alignment, "ours", lambda *problem: np.roll(right(*problem), 1))
    with pytest.raises(AssertionError, match="different paths for T=20, K=2"):
        alignment.measure(CELLS[alignment])


def test_a_string_that_is_less_probable_than_the_peers_stops_the_benchmark(monkeypatch):
    """One that is more probable does not: the peer rounds to float32."""
    scores = beam.random_scores(50, 5, "flat")
    best = beam.ours(scores, 32)
    beam.check_same(scores, best, best[:-1])
    monkeypatch.setattr(beam, "ours", lambda *problem: best[:-1])
    with pytest.raises(AssertionError, match="has the log-probability"):
        beam.check_same(scores, best[:-1], best)
    with pytest.raises(AssertionError, match="has the log-probability"):
        beam.measure(cells(T=[50], symbols=[5], width=[32], inputs=["flat"]))


def test_prefix_beam_beats_pyctcdecode_by_far_and_not_when_it_is_eight_times_as_slow(monkeypatch):
    """With pruning on both sides, which is the harder comparison. The peer has a process, and so a clock, of its own."""
    pruned = [cell for cell in decoding.CELLS if cell["pruning"] == "default pruning"]
    (grid,) = decoding.measure(pruned, least=3, most=3)
    if "COULD NOT BE INSTALLED" in grid.what:
        pytest.skip("pyctcdecode could not be installed")
    assert len(grid.results) == 2
    assert with_room([grid]) == []
    monkeypatch.setattr(decoding, "ours", slowed_down(decoding.ours, 8))
    assert with_room(decoding.measure(pruned[-1:], least=3, most=3))


def test_without_pyctcdecode_its_bars_are_missed(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(decoding, "PINNED", {"pyctcdecode": "0.0.0"})
    monkeypatch.setattr(decoding, "PYTHON", tmp_path / "env" / decoding.PYTHON.relative_to(decoding.FOLDER))
    monkeypatch.setattr(decoding, "FOLDER", tmp_path / "env")
    (grid,) = decoding.measure()
    assert "pyctcdecode==0.0.0" in capsys.readouterr().out
    assert len(grid.results) == 4
    assert "COULD NOT BE INSTALLED" in grid.what
    assert report([grid]) == 1
    assert capsys.readouterr().out.count("WHICH COULD NOT BE INSTALLED: ") == 4


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


def test_importing_meets_its_bar_and_not_with_torch(monkeypatch):
    assert with_room(imports.measure(turns=5, clock="process_time")) == []
    monkeypatch.setattr(imports, "OURS", ("course_utils, torch",))
    assert with_room(imports.measure(turns=3, clock="process_time"))


def test_a_first_call_compiles_in_seconds_and_finds_what_was_compiled_before():
    """Seconds of a processor depend on what else it does, so the unit is what the import of numba takes beside it."""
    numba = min(imports.seconds_to_import("numba", "process_time") for _ in range(3))
    (grid,) = compiling.measure(turns=1, clock="process_time")
    assert len(grid.results) == 4
    seconds = {result.what: result.ours for result in grid.results}
    assert seconds.pop("loss_and_gradient, compiled before") < 3 * numba
    assert max(seconds.values()) < 25 * numba, seconds
    assert seconds["loss_and_gradient, nothing compiled yet"] > 3 * numba, (
        "a cache that is not found would go unnoticed"
    )


def modules_that_find(found):
    class Module:
        """A benchmark."""

        measure = staticmethod(lambda: found)

    return [Module]


def test_a_missed_bar_turns_the_table_red(monkeypatch, capsys):
    good, slow, slower = (
        Result(name, seconds, 0.010, 0.1) for name, seconds in (("a", 0.001), ("b", 0.0011), ("c", 0.002))
    )
    monkeypatch.setattr(command.growth, "measure", lambda: {"panels": []})
    monkeypatch.setattr(
        command, "MODULES", modules_that_find([Grid("all well", [good]), Grid("grid", [good, slow, slower])])
    )
    assert command.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == ["Missed:", "  grid: c", "  grid: b"]
    found = lines.index("grid")
    assert lines[found + 1] == ("  worst cell: c, 0.200 (bar 0.1); median 0.110, from 0.100 to 0.200, 3 cells")
    assert [line.split()[0::5] for line in lines[found + 3 : found + 6]] == [
        ["c", "0.200"],
        ["b", "0.110"],
        ["a", "0.100"],
    ]
    assert [line.split()[-1] for line in lines[found + 2 : found + 6]] == ["met?", "NO", "NO", "yes"]
    monkeypatch.setattr(command, "MODULES", modules_that_find([Grid("all well", [good])]))
    assert command.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Every bar is met."


def test_the_median_has_a_bar_of_its_own(capsys):
    results = [Result(name, seconds, 1.0, 0.8) for name, seconds in (("a", 0.1), ("b", 0.5), ("c", 0.7))]
    assert report([Grid("grid", results, 0.5)]) == 0
    assert report([Grid("grid", results, 0.49)]) == 1
    assert "Missed:\n  grid: the median cell" in capsys.readouterr().out


def test_the_worst_is_what_uses_most_of_its_bar():
    """Not what takes longest beside the peer: bars may differ. What could not be measured is worse than all."""
    strict, loose, nothing = (
        Result("s", 0.09, 1.0, 0.1),
        Result("l", 0.5, 1.0, 0.8),
        Result("n", math.nan, math.nan, 0.1),
    )
    assert Grid("grid", [loose, nothing, strict]).worst_first == [nothing, strict, loose]


def test_what_was_left_out_and_the_machine_are_printed(capsys):
    report([Grid("grid", [Result("a", 1.0, 2.0, 0.8)], left_out=("T=5: too large",))])
    printed = capsys.readouterr().out
    assert "  left out: T=5: too large\n" in printed
    for name in ("processor ", "cores ", "python 3", "numpy 2", "torch 2", "numba 0"):
        assert name in printed.splitlines()[0]


def test_the_processor_is_named_where_the_system_tells(tmp_path):
    described = tmp_path / "cpuinfo"
    described.write_text("processor : 0\nmodel name\t: Fast One\nprocessor : 1\nmodel name\t: Fast One\n")
    assert processor(described) == "Fast One"
    assert processor(tmp_path / "nothing")


def test_a_bar_without_a_peer(capsys):
    assert report([Grid("step", [Result("median", 0.016, None, 0.016)])]) == 0
    assert report([Grid("step", [Result("median", 0.0161, None, 0.016)])]) == 1
    printed = capsys.readouterr().out
    assert "worst cell: median, 16.10 ms (bar 16.00 ms)" in printed
    assert "Missed:\n  step: median" in printed


def test_both_are_timed_equally_often_and_in_turn():
    calls = []
    ours, peer = medians(lambda: calls.append("ours"), lambda: calls.append("peer"), least=3, most=3)
    assert calls == ["ours", "peer"] * 3
    calls.clear()
    medians(lambda: calls.append("ours"), lambda: calls.append("peer"), least=2, most=2, warm=True)
    assert calls == ["ours", "ours", "peer", "peer"] * 2
    assert 0 <= ours < 1
    assert 0 <= peer < 1


@pytest.mark.parametrize(("each", "turns"), [(0.001, 50), (0.04, 4), (2.0, 3)])
def test_what_is_quick_is_timed_more_often(each, turns):
    """Until 0.3 seconds have been spent on both, but from 3 to 50 times."""
    ticks = itertools.count()
    ours, peer = medians(lambda: None, lambda: None, clock=lambda: next(ticks) * each)
    assert next(ticks) == 4 * turns
    assert ours == pytest.approx(each)
    assert peer == pytest.approx(each)
