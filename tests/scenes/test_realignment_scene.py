"""Rounds of aligning anew as a picture: each row is what the columns were trained towards."""

import json
import re

import numpy as np
import pytest

from course_utils.data import digit_strip
from course_utils.realignment import flat_start, realign
from course_utils.scenes.realignment import pieces, realignment_scene

STRIPS = [digit_strip(digits, np.random.default_rng(n), "train") for n, digits in enumerate(("314", "15", "926"))]
FOUND = realign(STRIPS, STRIPS, lambda strip: flat_start(len(strip.target), strip.image.shape[1]), rounds=3)


@pytest.mark.parametrize("strip", range(3))
def test_each_step_shows_one_row_and_counts_what_is_right_and_what_has_changed(strip):
    scene, rows, truth = realignment_scene(FOUND, strip), FOUND.labels(strip), STRIPS[strip].labels
    assert len(scene.steps) == len(rows) == 4
    for n, labels in enumerate(rows):
        says = scene.steps[n].says
        right = sum(a == b for a, b in zip(labels, truth, strict=True))
        assert f"{right} of {len(truth)} columns have the symbol that was written there" in says
        assert set(scene.steps[n].computes) == {f"piece-{n}-{first}" for first, *_ in pieces(labels)}
        if n:
            changed = [t for t in range(len(truth)) if labels[t] != rows[n - 1][t]]
            told = re.search(r"(\d+) columns? changed", says)
            assert (int(told[1]) if told else 0) == len(changed)
            lit = {mark for mark, m in scene.steps[n].patch.items() if m.state == "now"}
            assert lit == {
                f"piece-{n}-{first}" for first, last, _ in pieces(labels) if any(first <= t <= last for t in changed)
            }
    assert f'data-mark="piece-0-{pieces(rows[0])[0][0]}" data-state="hidden"' in scene.svg
    assert len(json.dumps(scene.to_json())) < 100_000


def test_pieces_are_the_runs_of_the_labels():
    assert pieces("··33·") == [(0, 1, "·"), (2, 3, "3"), (4, 4, "·")]
    assert pieces("") == []


def test_a_strip_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="strip is 3; there are the strips 0 to 2"):
        realignment_scene(FOUND, 3)
