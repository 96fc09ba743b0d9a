"""Reading frame by frame as a picture: every number and every verdict is that of listing all label sequences."""

import itertools
import json
import math
import re
from collections import defaultdict

import numpy as np
import pytest
from enumeration import merge_runs

from course_utils.examples import READINGS
from course_utils.naive_decoding import decode
from course_utils.scenes.naive_decoding import MOST_ROWS, naive_scene
from tests.written import value


def sums_of(y):
    sums = defaultdict(float)
    for labels in itertools.product(range(y.shape[1]), repeat=len(y)):
        sums[merge_runs(labels)] += math.prod(y[t, k] for t, k in enumerate(labels))
    return dict(sums)


def random_case(seed):
    rng = np.random.default_rng(seed)
    T, A = int(rng.integers(1, 6)), int(rng.integers(2, 4))
    return rng.dirichlet(np.ones(A), T), "ABC"[:A]


CASES = {
    **{name: (case.y, case.symbols) for name, case in READINGS.items()},
    **{f"random {n}": random_case(n) for n in range(6)},
}


@pytest.fixture(params=CASES)
def case(request):
    y, symbols = CASES[request.param]
    return np.asarray(y), symbols, naive_scene(decode(y), symbols)


def spelled(string, symbols):
    return f"“{('' if all(len(s) == 1 for s in symbols) else ' ').join(symbols[k] for k in string)}”"


def test_the_list_is_that_of_all_sums_in_order(case):
    y, symbols, scene = case
    sums = sums_of(y)
    told = re.findall(r"(“[^”]*”)\s+([^<]+)</text>", scene.svg)
    found = {name: value(p) for name, p in told}
    assert len(found) == min(MOST_ROWS, len(sums))
    by_name = {spelled(string, symbols): p for string, p in sums.items()}
    for name, p in found.items():
        assert p == pytest.approx(by_name[name], rel=1e-3)
    read = spelled(merge_runs(y.argmax(axis=1).tolist()), symbols)
    assert read in found
    listed = [p for name, p in found.items() if name != read]
    assert listed == sorted(listed, reverse=True)


def test_each_frame_takes_its_best_symbol(case):
    y, symbols, scene = case
    for t in range(len(y)):
        step = scene.steps[t]
        best = int(y[t].argmax())
        assert f"“{symbols[best]}”" in step.says
        assert step.patch[f"y-{t}-{best}"].state == "now"
        assert f"label-{t}" in step.computes
        if (y[t] == y[t].max()).sum() > 1:
            assert "are equal" in step.says


def test_the_verdict_is_true(case):
    y, symbols, scene = case
    sums = sums_of(y)
    read = merge_runs(y.argmax(axis=1).tolist())
    last = scene.steps[-1].says
    assert f"Of the {len(sums)} string" in last
    right = sums[read] >= max(sums.values()) * (1 - 1e-9)
    assert ("was right" in last) == right
    assert ("does not spell the best string" in last) == (not right)
    best = {spelled(s, symbols) for s, p in sums.items() if p >= max(sums.values()) * (1 - 1e-9)}
    marked = [mark for mark, m in scene.marks_at(len(scene.steps) - 1).items() if m.state == "path"]
    assert len(marked) == min(len(best), MOST_ROWS)
    for name in list(best)[:2]:
        assert name in last


def test_nothing_of_the_list_is_seen_before_its_step(case):
    _, _, scene = case
    assert all(
        f'data-mark="string-{n}" data-state="hidden"' in scene.svg for n in range(2) if f"string-{n}" in scene.svg
    )
    for n in range(len(scene.steps) - 2):
        assert not any(mark.startswith("string-") for mark in scene.marks_at(n))


def test_every_probability_can_be_changed_and_the_whole_is_small(case):
    y, _, scene = case
    assert {edit.place for edit in scene.edits.values()} == set(np.ndindex(y.shape))
    assert len(json.dumps(scene.to_json())) < 60_000


def test_what_is_too_long_is_refused():
    with pytest.raises(ValueError, match="13 frames; the picture takes at most 12"):
        naive_scene(decode(np.full((13, 2), 0.5)), "AB")
    with pytest.raises(ValueError, match="name every column"):
        naive_scene(decode(np.full((3, 3), 1 / 3)), "AB")
