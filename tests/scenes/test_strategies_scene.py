"""Two training runs side by side: every number on the marks is that of its own run."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.alignment_training import train
from course_utils.examples import STUCK_START, UTTERANCES
from course_utils.scenes.strategies import strategies_scene
from tests.written import value

RUNS = {which: train(STUCK_START, *UTTERANCES, paths=which, iterations=12) for which in ("best", "all")}
SCENE = strategies_scene(RUNS["best"], RUNS["all"], "AB", 12)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 12])
def test_the_marks_hold_what_each_run_has_after_a_step(n):
    shown = SCENE.marks_at(n)
    for which, run in RUNS.items():
        y = np.exp(run.weights[n]) / np.exp(run.weights[n]).sum(axis=1, keepdims=True)
        for kind, k in np.ndindex(2, 2):
            assert value(shown[f"{which}-y-{kind}-{k}"].text) == pytest.approx(y[kind, k], abs=0.0051)
        for u in range(3):
            for t in range(4):
                text, p = shown[f"{which}-u-{u}-{t}"].text, run.symbol_posterior[n][u][t, 1]
                if which == "best":
                    assert text == "AB"[int(p)]
                else:
                    assert value(text) == pytest.approx(p, abs=0.0051)
        assert shown[f"{which}-dot-{n}"].state == "now"


def test_the_sentences_tell_both_losses_and_what_has_changed():
    for n, step in enumerate(SCENE.steps):
        assert f"{RUNS['best'].nll[n]:.3f}" in step.says
        if n:
            assert f"{RUNS['all'].nll[n]:.3f} right" in step.says
        read = ["".join("AB"[int(p)] for p in posterior[:, 1]) for posterior in RUNS["best"].symbol_posterior[n]]
        assert ", ".join(read) in step.says
    assert "1 of 3 changed" in SCENE.steps[next(n for n, s in enumerate(SCENE.steps) if "of 3 changed" in s.says)].says
    assert SCENE.steps[-1].says.endswith("None changed.")
    assert len(json.dumps(SCENE.to_json())) < 60_000


def test_each_step_counts_the_alignments_that_have_changed():
    read = [["".join("AB"[int(p)] for p in each[:, 1]) for each in step] for step in RUNS["best"].symbol_posterior]
    for n in range(1, 13):
        moved = sum(a != b for a, b in zip(read[n], read[n - 1], strict=True))
        assert SCENE.steps[n].says.endswith(f"{moved} of 3 changed." if moved else "None changed."), n
        assert f"After {n} step{'s' if n > 1 else ''}, " in SCENE.steps[n].says


def dots(scene):
    return {
        group.get("data-mark"): (float(group[0].get("cx")), float(group[0].get("cy")))
        for group in ElementTree.fromstring(scene.svg).iter()
        if group.get("class") == "dot"
    }


def test_the_dots_of_both_curves_share_one_scale_that_begins_at_zero():
    drawn = dots(SCENE)
    places = [drawn[f"{which}-dot-{n}"] for which in RUNS for n in range(13)]
    losses = np.concatenate([RUNS[which].nll[:13] for which in RUNS])
    slope, zero = np.polyfit(losses, [y for _, y in places], 1)
    assert slope < 0  # less is lower, and the axis of a drawing runs down
    np.testing.assert_allclose([y for _, y in places], zero + slope * losses, atol=0.06)
    ends = [float(y) for y in re.findall(r'class="axis" fill="none" d="M[\d.]+ [\d.]+V([\d.]+)H', SCENE.svg)]
    assert ends == pytest.approx([zero] * 2, abs=0.3)
    for which in RUNS:
        assert np.ptp(np.diff([drawn[f"{which}-dot-{n}"][0] for n in range(13)])) < 0.11
    assert len(drawn) == 26


def test_a_dot_appears_with_its_step_and_stays():
    for n in range(13):
        states = {mark: m.state for mark, m in SCENE.marks_at(n).items() if "dot" in mark}
        assert states == {f"{which}-dot-{m}": "now" if m == n else "done" for which in RUNS for m in range(n + 1)}


def test_the_tint_of_a_number_goes_with_it_and_the_table_holds_the_start_alone():
    shown = SCENE.marks_at(12)
    for mark, m in shown.items():
        if mark.startswith(("all-u", "all-y", "best-y")):
            full = 0.5 if "-u-" in mark else 0.45
            assert m.level == pytest.approx(full * value(m.text), abs=0.0051 * full), mark
    start = f"{RUNS['best'].nll[0]:.3g}"
    assert SCENE.table.rows == (("−ln P", start, start),)


def test_a_target_that_ends_with_the_first_symbol_is_read_as_it_is():
    inputs, _ = UTTERANCES
    runs = [train(STUCK_START, inputs, [[1, 0]] * 3, paths=which, iterations=3) for which in ("best", "all")]
    scene = strategies_scene(*runs, "AB", 3)
    assert "posterior of A" in scene.svg
    for n in range(4):
        shown = scene.marks_at(n)
        for u, t in np.ndindex(3, 4):
            assert shown[f"best-u-{u}-{t}"].text == "AB"[int(runs[0].symbol_posterior[n][u][t].argmax())]
            assert value(shown[f"all-u-{u}-{t}"].text) == pytest.approx(
                runs[1].symbol_posterior[n][u][t, 0], abs=0.0051
            )


def test_fewer_iterations_than_were_trained_can_be_shown():
    scene = strategies_scene(RUNS["best"], RUNS["all"], "AB", 5)
    assert len(scene.steps) == 6
    assert [step.says for step in scene.steps] == [step.says for step in SCENE.steps[:6]]


def test_the_picture_of_the_chapter_is_small():
    runs = [train(STUCK_START, *UTTERANCES, paths=which, iterations=40) for which in ("best", "all")]
    assert len(json.dumps(strategies_scene(*runs, "AB", 40).to_json(), allow_nan=False)) < 200_000


def other(inputs=UTTERANCES[0], targets=UTTERANCES[1], which="all", iterations=12):
    return train(STUCK_START, inputs, targets, paths=which, iterations=iterations)


LONGER = [[0, 0, 0, 1], [0, 1, 1, 1, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((RUNS["all"], RUNS["best"], "AB", 12), "give 'best' and then 'all'"),
        ((RUNS["best"], RUNS["all"], "ABC", 12), "the picture takes two"),
        ((RUNS["best"], RUNS["all"], "AB", 13), "it must be from 1 to 12"),
        ((RUNS["best"], RUNS["all"], "AB", 0), "it must be from 1 to 12"),
        ((RUNS["best"], other(iterations=5), "AB", 12), "it must be from 1 to 5, the steps trained"),
        ((RUNS["best"], other(inputs=[[0, 1, 0, 1]] * 3), "AB", 12), "on the same utterances"),
        ((RUNS["best"], other(targets=[[1, 0]] * 3), "AB", 12), "on the same utterances"),
        ((other(LONGER, which="best"), other(LONGER), "AB", 12), "one length for all"),
        ((RUNS["best"], train(np.eye(2), *UTTERANCES, paths="all", iterations=12), "AB", 12), "do not begin alike"),
    ],
)
def test_runs_that_do_not_go_together_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        strategies_scene(*arguments)
