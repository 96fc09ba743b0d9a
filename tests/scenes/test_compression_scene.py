"""Compressing as a picture: one step for each run, and what is left at the end."""

import json
from xml.etree import ElementTree

import pytest
from enumeration import merge_runs
from hypothesis import given
from hypothesis import strategies as st

from course_utils.collapsing import runs
from course_utils.scenes.compression import MOST_FRAMES, compress_scene
from course_utils.scenes.wording import plural

LABELS = st.lists(st.sampled_from(["A", "B", "SH"]), min_size=1, max_size=12)


def cells(scene):
    """Return for each mark what is written in it, where it begins, and how wide it is."""
    found = {}
    for group in ElementTree.fromstring(scene.svg).iter():
        if group.get("data-mark"):
            box = next(e for e in group if e.get("class") == "box")
            written = next(e.text for e in group if e.get("class") == "slot")
            found[group.get("data-mark")] = written, float(box.get("x")), float(box.get("width"))
    return found


@given(LABELS)
def test_each_run_is_as_wide_as_its_labels_and_holds_their_symbol(labels):
    scene = compress_scene(runs(labels))
    drawn, first = cells(scene), 0
    assert [drawn[f"label-{t}"][0] for t in range(len(labels))] == labels
    for symbol in merge_runs(labels):
        last = first
        while last + 1 < len(labels) and labels[last + 1] == symbol:
            last += 1
        written, x, width = drawn[f"run-{first}"]
        assert (written, x) == (symbol, drawn[f"label-{first}"][1])
        assert x + width == sum(drawn[f"label-{last}"][1:])
        assert f'data-mark="run-{first}" data-state="hidden" aria-label="frames {first} to {last}"' in scene.svg
        first = last + 1
    assert len(drawn) == len(labels) + len(merge_runs(labels))


@given(LABELS)
def test_the_table_holds_the_labels_and_what_is_read(labels):
    table, string = compress_scene(runs(labels)).table, merge_runs(labels)
    assert table.header == ("t", *map(str, range(len(labels))))
    assert table.rows[0] == ("label", *labels)
    starts = [t for t in range(len(labels)) if t == 0 or labels[t] != labels[t - 1]]
    assert [t for t, symbol in enumerate(table.rows[1][1:]) if symbol] == starts
    assert tuple(symbol for symbol in table.rows[1][1:] if symbol) == string


@given(LABELS)
def test_a_run_is_seen_from_its_step_on_and_read_at_the_end(labels):
    scene, string = compress_scene(runs(labels)), merge_runs(labels)
    for n in range(len(string)):
        shown, step = scene.marks_at(n), scene.steps[n]
        assert sum(mark.startswith("run-") for mark in shown) == n + 1
        assert {m.state for mark, m in step.patch.items() if mark in step.computes} == {"won"}
        lit = [int(mark.removeprefix("label-")) for mark, m in step.patch.items() if m.state == "now"]
        assert {labels[t] for t in lit} == {string[n]}
        assert lit == list(range(lit[0], lit[-1] + 1))
    end = scene.marks_at(len(string))
    assert all(m.state == ("path" if mark.startswith("run-") else "done") for mark, m in end.items())


@pytest.mark.parametrize("labels", ["A", "AAA", "AB", "AAB"])
def test_one_label_and_one_symbol_are_told_as_one(labels):
    counts = f"{plural(len(labels), 'label')}, {plural(len(merge_runs(labels)), 'symbol')}."
    assert compress_scene(runs(labels)).steps[-1].says.rpartition(": ")[2] == counts


def test_the_text_of_the_chapter():
    scene = compress_scene(runs(["B", "B", "AH", "AH", "AH", "T"]))
    assert [step.says for step in scene.steps] == [
        "2 times “B”, t = 0 to 1, becomes one “B”.",
        "3 times “AH”, t = 2 to 4, becomes one “AH”.",
        "“T” at t = 5 has no equal neighbour and stays.",
        "What is left is “B AH T”: 6 labels, 3 symbols.",
    ]


def test_the_longest_and_the_widest_are_drawn_and_small():
    for labels in ("AB" * (MOST_FRAMES // 2), ["SILENCE", "SHH"] * (MOST_FRAMES // 2), "A" * MOST_FRAMES):
        assert len(json.dumps(compress_scene(runs(labels)).to_json(), allow_nan=False)) < 100_000


@given(st.lists(st.sampled_from(["A", "B", "SH"]), min_size=1, max_size=12))
def test_there_is_a_step_for_each_run_and_the_end_says_what_is_read(labels):
    scene, string = compress_scene(runs(labels)), merge_runs(labels)
    assert len(scene.steps) == len(string) + 1
    between = "" if all(len(name) == 1 for name in string) else " "
    told = f"What is left is “{between.join(string)}”: {len(labels)} label"
    assert scene.steps[-1].says.startswith(told)
    assert f", {len(string)} symbol" in scene.steps[-1].says
    first = 0
    for symbol, step in zip(string, scene.steps, strict=False):
        last = first
        while last + 1 < len(labels) and labels[last + 1] == symbol:
            last += 1
        assert f"“{symbol}”" in step.says
        assert (f"{last - first + 1} times" in step.says) == (last > first)
        assert {f"label-{t}" for t in range(first, last + 1)} <= set(step.patch)
        assert step.computes == (f"run-{first}",)
        first = last + 1


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="there are 0 labels"):
        compress_scene(runs(""))
    with pytest.raises(ValueError, match="there are 41 labels"):
        compress_scene(runs("A" * (MOST_FRAMES + 1)))
