"""Training through an unknown alignment as a picture; the contract of all scenes is tried in test_trellis_scene.py."""

import numpy as np
import pytest

from course_utils.alignment_training import train
from course_utils.examples import STUCK_START, UTTERANCES
from course_utils.scenes.alignment_training import training_scene


@pytest.mark.parametrize("paths", ["best", "all"])
def test_the_picture_of_training_shows_its_losses_and_its_model(paths):
    run = train(STUCK_START, *UTTERANCES, paths=paths, iterations=12)
    told = training_scene(run, iterations=12, title="Training")
    assert len(told.steps) == 13
    for n in (0, 1, 12):
        assert f"{run.loss[n]:.3f}" in told.steps[n].says
        y = np.exp(run.weights[n]) / np.exp(run.weights[n]).sum(axis=1, keepdims=True)
        marks = told.marks_at(n)
        for kind, k in np.ndindex(2, 2):
            assert float(marks[f"y-{kind}-{k}"].text) == pytest.approx(y[kind, k], abs=0.0051)
    rows = {row[0]: row[1:] for row in told.table.rows}
    shown = [int(n) for n in told.table.header[1:]]
    assert [float(cell) for cell in rows["loss"]] == pytest.approx(run.loss[shown].tolist(), abs=6e-4)
    assert [float(cell) for cell in rows["−ln P, all paths"]] == pytest.approx(run.nll[shown].tolist(), abs=6e-4)


def test_viterbi_training_shows_the_best_path_of_each_utterance():
    run = train(STUCK_START, *UTTERANCES, paths="best", iterations=5)
    told = training_scene(run, iterations=5)
    for n in range(6):
        read = ["".join("AB"[i] for i in gamma.argmax(axis=1)) for gamma in run.occupancy[n]]
        assert all(word in told.steps[n].says for word in read), told.steps[n].says
        marks = told.marks_at(n)
        assert ["".join(marks[f"u-{u}-{t}"].text for t in range(4)) for u in range(3)] == read


def test_training_that_cannot_be_drawn_is_refused():
    run = train(STUCK_START, *UTTERANCES, paths="best", iterations=5)
    for iterations in (0, 6):
        with pytest.raises(ValueError, match=f"iterations is {iterations}; it must be from 1 to 5"):
            training_scene(run, iterations=iterations)
    with pytest.raises(ValueError, match="symbols has 3 names, but weights has 2 columns"):
        training_scene(run, "ABC", iterations=3)
    uneven = train(STUCK_START, [[0, 1], [0, 1, 1], [0, 1]], UTTERANCES[1], paths="best", iterations=5)
    with pytest.raises(ValueError, match="inputs have different lengths"):
        training_scene(uneven, iterations=3)
