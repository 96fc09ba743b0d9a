"""Reading frame by frame as a picture: every number and every verdict is that of listing all label sequences."""

import itertools
import json
import math
import re
from collections import defaultdict
from xml.etree import ElementTree

import numpy as np
import pytest
from enumeration import label_sequences, merge_runs

from course_utils.examples import READINGS
from course_utils.naive_decoding import decode
from course_utils.scenes.naive_decoding import MOST_ROWS, naive_scene
from tests.written import NUMBER, POWER, value


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
    "one frame, one symbol": (np.ones((1, 1)), "A"),
    "read is far down the list": (np.array([[0.51, 0.49], [0.49, 0.51]] * 4)[:7], "AB"),
    "one way has no probability": (np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), "AB"),
}


@pytest.fixture(params=CASES)
def case(request):
    y, symbols = CASES[request.param]
    return np.asarray(y), symbols, naive_scene(decode(y), symbols)


def slot(scene, mark):
    """Return what is written in a cell before the first step."""
    group = next(e for e in ElementTree.fromstring(scene.svg).iter() if e.get("data-mark") == mark)
    return next(e.text or "" for e in group if e.get("class") == "slot")


def spelled(string, symbols):
    return f"“{('' if all(len(s) == 1 for s in symbols) else ' ').join(symbols[k] for k in string)}”"


def test_the_list_is_that_of_all_sums_in_order(case):
    y, symbols, scene = case
    sums = sums_of_what_can_be(y)
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
    sums = sums_of_what_can_be(y)
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


def test_the_numbers_of_the_frames_and_their_product_are_those_of_the_table(case):
    y, symbols, scene = case
    for t, k in np.ndindex(y.shape):
        written = slot(scene, f"y-{t}-{k}")
        assert value(written) == pytest.approx(y[t, k], rel=0.06 if POWER in written else 6e-3), (t, k)
    best = y.max(axis=1)
    for t in range(len(y)):
        says, formula = scene.steps[t].says, scene.steps[t].formula
        assert says.startswith(f"Frame {t}: ")
        assert value(re.search(rf"with ({NUMBER})", says)[1]) == pytest.approx(best[t], rel=6e-3)
        if t:
            factors, product = formula.split(" = ")
            assert [float(p) for p in factors.split(r" \times ")] == pytest.approx(best[: t + 1], rel=6e-3), formula
            if "cdot" not in product:
                assert float(product) == pytest.approx(best[: t + 1].prod(), rel=6e-4)
        else:
            assert formula == ""
        assert slot(scene, f"label-{t}") == symbols[int(y[t].argmax())]


def test_there_is_a_step_for_each_frame_each_run_the_reading_and_the_verdict(case):
    y, symbols, scene = case
    labels = y.argmax(axis=1).tolist()
    assert len(scene.steps) == len(y) + len(merge_runs(labels)) + 2
    for k, step in zip(merge_runs(labels), scene.steps[len(y) : -2], strict=True):
        assert f"“{symbols[k]}”" in step.says
    end = scene.marks_at(len(scene.steps) - 1)
    assert all(end[f"label-{t}"].state == "done" for t in range(len(y)))
    assert all(mark.state != "hidden" for mark in end.values())
    listed = [mark for mark in end if mark.startswith("string-")]
    assert len(listed) == min(MOST_ROWS, len(sums_of_what_can_be(y)))
    computed = [mark for step in scene.steps for mark in step.computes]
    assert len(computed) == len(set(computed))


def sums_of_what_can_be(y):
    return {string: p for string, p in sums_of(y).items() if p > 0}


def test_what_is_said_of_the_string_that_was_read_is_true(case):
    y, symbols, scene = case
    labels = y.argmax(axis=1).tolist()
    says, formula = scene.steps[-2].says, scene.steps[-2].formula
    read, ways = merge_runs(labels), label_sequences(merge_runs(labels), y.shape[1], len(y))
    assert says.startswith(f"Read: {spelled(read, symbols)}. ")
    told = [value(n) for n in re.findall(rf"(?:has|have|with) ({NUMBER})", says)]
    one, together = y.max(axis=1).prod(), sums_of(y)[read]
    if "above zero" in says:  # those without a probability may be left out, if that is said
        ways = [labels for labels in ways if y[range(len(y)), labels].prod() > 0]
    if len(ways) == 1:
        assert "One sequence alone" in says or "one alone is above zero" in says
        assert told == pytest.approx([one], rel=1e-3)
    else:
        assert f"But {len(ways)} sequences" in says, f"{len(ways)} sequences compress to it, but: {says}"
        assert f"one sequence {spelled(labels, symbols).strip('“”')} has" in says
        assert told == pytest.approx([one, together], rel=1e-3)
    assert formula.startswith("P(")
    assert slot(scene, scene.steps[-2].computes[0]).startswith(spelled(read, symbols))


def test_the_example_of_the_text_is_told_with_its_numbers():
    y = np.array([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4]])
    scene = naive_scene(decode(y), "AB")
    assert scene.steps[2].formula.endswith(" = 0.216")
    assert scene.steps[-2].says.endswith(
        "Read: “ABA”. One sequence alone compresses to it, with 0.216; no other sequence has more."
    )
    assert scene.steps[-1].says == (
        "Of the 6 strings that these frames can spell, “AB” and “BA” have 0.24 each, more than the 0.216 of “ABA”: "
        "the best sequence does not spell the best string."
    )


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
