"""The alignment of a strip of digits as a picture; the contract of all scenes is tried in test_trellis_scene.py."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from course_utils.data import STRIP_SYMBOLS, digit_strip
from course_utils.notebook.ch08 import strip_stepper
from course_utils.posteriors import encode
from course_utils.scenes.strip import strip_scene
from course_utils.viterbi import align
from tests.written import value


@pytest.mark.slow
def test_the_strip_shows_the_path_and_the_boundaries_that_align_finds(aligned_strip):
    strip, found, told = aligned_strip.strip, aligned_strip.found, aligned_strip.scene
    marks = told.marks_at(len(told.steps) - 1)
    on_path = {name for name, mark in marks.items() if mark.state == "path" and name.startswith("V-")}
    assert on_path == {f"V-{t}-{i}" for t, i in enumerate(found.path)}
    for i, (start, end) in enumerate(found.segments.tolist()):
        row = told.table.rows[i]
        assert row[:2] == (f"{i} {strip.target[i]}", f"{start} to {end - 1}")
        if i % 2:
            true_start, true_end = strip.spans[i // 2]
            assert row[2] == f"{true_start} to {true_end - 1}"
    exact = int((found.segments[1::2] == strip.spans).sum())
    every = strip.spans.size
    said = f"All {every} boundaries are exact." if exact == every else f"{exact} of {every} boundaries are exact, "
    assert said in told.steps[-1].says


def test_boundaries_that_are_off_are_counted(aligned_strip):
    strip, found = aligned_strip.strip, aligned_strip.found
    wrong = found.segments[1::2] + np.array([[0, 3]] + [[0, 0]] * 5)
    told = strip_scene(strip.image, found, STRIP_SYMBOLS, wrong)
    assert "11 of 12 boundaries are exact, the worst is off by 3 columns." in told.steps[-1].says


def test_each_cell_of_the_strip_says_how_its_number_came_about(aligned_strip):
    trellis, hints = aligned_strip.found.trellis, aligned_strip.scene.hints
    for t, i in ((0, 0), (1, 1), (20, 3), (len(trellis) - 1, trellis.shape[1] - 1)):
        shown = value(re.search(r"(?:=|gives) (−?[\d.]+)\.$", hints[f"V-{t}-{i}"].says)[1])
        assert shown == pytest.approx(trellis[t, i], abs=0.006)


def test_a_strip_whose_parts_do_not_fit_is_refused(aligned_strip):
    strip, found = aligned_strip.strip, aligned_strip.found
    short = align(found.log_y[:3], encode("3", STRIP_SYMBOLS))
    with pytest.raises(ValueError, match=r"image has shape .*, but log_y has 3 frames: give one frame per column"):
        strip_scene(strip.image, short, STRIP_SYMBOLS)
    with pytest.raises(ValueError, match="symbols has 10 names, but log_y has 11 columns: name every column"):
        strip_scene(strip.image, found, STRIP_SYMBOLS[:10])
    with pytest.raises(ValueError, match=r"true_spans has shape \(5, 2\); 6 symbols of the target need \(6, 2\)"):
        strip_scene(strip.image, found, STRIP_SYMBOLS, strip.spans[:5])


def test_a_strip_that_cannot_be_aligned_is_refused_before_it_is_drawn(aligned_strip):
    strip, log_y = aligned_strip.strip, aligned_strip.found.log_y
    with pytest.raises(ValueError, match="target has 13 symbols but log_y only 3 frames"):
        strip_stepper(strip, log_y[:3])
    with pytest.raises(ValueError, match="target has the symbol 'x'"):
        strip_stepper(replace(strip, digits="x"), log_y)


def test_the_longest_strip_stays_under_500_kilobytes(column_classifier):
    rng = np.random.default_rng(0)
    strip = max((digit_strip("808908", rng) for _ in range(50)), key=lambda strip: strip.image.shape[1])
    found = align(column_classifier.log_posteriors(strip.image), encode(strip.target, STRIP_SYMBOLS))
    told = strip_scene(strip.image, found, STRIP_SYMBOLS, strip.spans)
    assert len(json.dumps(told.to_json())) < 500_000, strip.image.shape
