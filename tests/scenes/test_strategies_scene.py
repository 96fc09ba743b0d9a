"""Two training runs side by side: every number on the marks is that of its own run."""

import json

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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((RUNS["all"], RUNS["best"], "AB", 12), "give 'best' and then 'all'"),
        ((RUNS["best"], RUNS["all"], "ABC", 12), "the picture takes two"),
        ((RUNS["best"], RUNS["all"], "AB", 13), "it must be from 1 to 12"),
        ((RUNS["best"], RUNS["all"], "AB", 0), "it must be from 1 to 12"),
        ((RUNS["best"], train(np.eye(2), *UTTERANCES, paths="all", iterations=12), "AB", 12), "do not begin alike"),
    ],
)
def test_runs_that_do_not_go_together_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        strategies_scene(*arguments)
