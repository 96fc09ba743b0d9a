"""Rounds of aligning anew as a picture: each row is what the columns were trained towards."""

import itertools
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.data import GAP, digit_strip
from course_utils.realignment import Realignment, flat_start, realign
from course_utils.scenes.realignment import LEFT, SIZE, pieces, realignment_scene

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


def labelled(scene):
    """Return for each mark its symbol, its columns as it is drawn, and what its accessible name says."""
    found = {}
    for group in ElementTree.fromstring(scene.svg).iter():
        if group.get("data-mark"):
            box = next(e for e in group if e.get("class") == "box")
            first = (float(box.get("x")) - LEFT) / SIZE
            last = first + (float(box.get("width")) + 1) / SIZE - 1
            written = next(e.text for e in group if e.get("class") == "slot")
            found[group.get("data-mark")] = written, round(first, 6), round(last, 6), group.get("aria-label")
    return found


@pytest.mark.parametrize("strip", range(3))
def test_each_row_is_drawn_run_by_run_and_what_was_written_stands_below(strip):
    scene = realignment_scene(FOUND, strip)
    drawn, seen = labelled(scene), set()
    names = ["guess", "round 1", "round 2", "round 3", "written"]
    for n, (name, labels) in enumerate(zip(names, [*FOUND.labels(strip), STRIPS[strip].labels], strict=True)):
        spelled = ""
        while len(spelled) < len(labels):
            first, symbol = len(spelled), labels[len(spelled)]
            spelled += "".join(itertools.takewhile(lambda other, symbol=symbol: other == symbol, labels[first:]))
            mark, last = f"written-{first}" if name == "written" else f"piece-{n}-{first}", len(spelled) - 1
            what = "a gap" if symbol == GAP else symbol
            assert drawn[mark] == (symbol, first, last, f"{what}, columns {first} to {last}, {name}")
            seen.add(mark)
    assert set(drawn) == seen
    assert scene.table.rows == (("guess", FOUND.labels(strip)[0]), ("written", STRIPS[strip].labels))
    assert scene.title == f"Columns of {STRIPS[strip].digits}: a guess, and 3 rounds of aligning anew"


def test_a_row_is_hidden_until_its_round_and_stays():
    scene = realignment_scene(FOUND, 0)
    for n in range(4):
        shown = scene.marks_at(n)
        assert {int(mark.split("-")[1]) for mark in shown} == set(range(n + 1))
        assert {m.state for mark, m in shown.items() if not mark.startswith(f"piece-{n}-")} <= {"done"}
    assert scene.steps[0].says.startswith("The guess: ")
    assert not any(m.state == "now" for m in scene.marks_at(0).values())


def test_a_round_without_a_change_says_so():
    still = Realignment(FOUND.strips, (FOUND.targets[0],) * 2, FOUND.right[:2], FOUND.error[:2])
    scene = realignment_scene(still, 0)
    assert "nothing changed; " in scene.steps[1].says
    assert scene.title.endswith("and 1 round of aligning anew")
    assert not any(m.state == "now" for m in scene.marks_at(1).values())


def test_the_guess_alone_is_a_picture_too():
    alone = Realignment(FOUND.strips, FOUND.targets[:1], FOUND.right[:1], FOUND.error[:1])
    assert len(realignment_scene(alone, 2).steps) == 1


def test_a_long_strip_with_many_rounds_is_small():
    strip = digit_strip("314159", np.random.default_rng(0), "train")
    rng = np.random.default_rng(1)
    rows = tuple((np.eye(11)[rng.integers(11, size=strip.image.shape[1])],) for _ in range(6))
    scene = realignment_scene(Realignment((strip,), rows, np.zeros(6), np.zeros(6)), 0)
    assert len(json.dumps(scene.to_json(), allow_nan=False)) < 200_000


def test_pieces_are_the_runs_of_the_labels():
    assert pieces("··33·") == [(0, 1, "·"), (2, 3, "3"), (4, 4, "·")]
    assert pieces("") == []


def test_a_strip_that_is_not_there_is_refused():
    for strip in (3, -1):
        with pytest.raises(ValueError, match=f"strip is {strip}; there are the strips 0 to 2"):
            realignment_scene(FOUND, strip)
