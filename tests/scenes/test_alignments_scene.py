"""All alignments as a list and on the grid: each row is a path, and each cell knows which of them pass through it."""

import json
import re

import pytest

from course_utils.alignment import expansions, paths
from course_utils.scenes.alignments import MOST_PATHS, alignments_scene

CASES = [(("B", "AH", "T"), 6), (tuple("ABA"), 5), (tuple("AA"), 4), (("A",), 3), (tuple("ABC"), 3)]


@pytest.fixture(params=CASES, ids=lambda case: f"{' '.join(case[0])} in {case[1]}")
def case(request):
    target, T = request.param
    listed = list(paths(len(target), T))
    return target, T, listed, alignments_scene(target, listed)


def test_each_step_tells_the_labels_of_one_path_and_shows_where_it_runs(case):
    target, T, listed, scene = case
    assert len(scene.steps) == len(listed) + 2
    for n, path in enumerate(listed):
        step, shown = scene.steps[n + 1], scene.marks_at(n + 1)
        assert step.says.startswith(f"Number {n + 1}: {' '.join(target[i] for i in path)};")
        advances = [t for t in range(1, T) if path[t] != path[t - 1]]
        assert ("it never advances" in step.says) == (not advances)
        assert re.findall(r"\d+", step.says.partition("it advances in frame ")[2]) == list(map(str, advances))
        on_path = {mark for mark, m in shown.items() if m.state == "path" and mark.startswith("cell")}
        assert on_path == {f"cell-{t}-{i}" for t, i in enumerate(path)}
        arrows = {mark for mark, m in shown.items() if m.state == "path" and re.match("stay|advance", mark)}
        assert arrows == {f"{'advance' if t in advances else 'stay'}-{t}-{path[t]}" for t in range(1, T)}
        assert {mark for mark, m in shown.items() if m.state == "now"} == {f"listed-{n}-{t}" for t in range(T)}
        assert shown[f"number-{n}"].text == str(n + 1)
        assert [shown[f"listed-{n}-{t}"].text for t in range(T)] == [target[i] for i in path]


def test_the_list_is_not_seen_before_it_is_told(case):
    _, T, listed, scene = case
    assert all(
        f'data-mark="listed-{n}-{t}" data-state="hidden"' in scene.svg for n in range(len(listed)) for t in range(T)
    )
    assert not any(mark.startswith("listed") for mark in scene.marks_at(0))


def test_a_cell_names_the_alignments_that_pass_there(case):
    target, T, listed, scene = case
    for t in range(T):
        for i, name in enumerate(target):
            through = [n + 1 for n, path in enumerate(listed) if path[t] == i]
            says = scene.hints[f"cell-{t}-{i}"].says
            assert says.startswith(f"{name} in frame {t}: {len(through)} alignment")
            assert re.findall(r"\d+", says.partition("number ")[2]) == list(map(str, through))


def test_at_the_end_the_count_and_whether_labels_repeat(case):
    target, T, listed, scene = case
    last = scene.steps[-1].says
    assert last.startswith(f"{len(listed)} alignment")
    assert ("Some of them have the same labels" in last) == (len(listed) > 1 and not list(expansions(target, T)))
    assert not any(m.state == "path" for m in scene.marks_at(len(scene.steps) - 1).values())
    assert len(json.dumps(scene.to_json())) < 60_000


def test_at_the_end_the_whole_list_stands(case):
    target, T, listed, scene = case
    end = scene.marks_at(len(scene.steps) - 1)
    for n, path in enumerate(listed):
        assert [end[f"listed-{n}-{t}"].text for t in range(T)] == [target[i] for i in path]
        assert {end[f"listed-{n}-{t}"].state for t in range(T)} == {"done"}
    assert {m.state for mark, m in end.items() if re.match("stay|advance", mark)} <= {"hidden"}
    assert scene.table.rows == ()  # the list is what is asked for
    assert scene.title == f"Alignments of {' '.join(target)} to {T} frames"
    computed = [mark for step in scene.steps for mark in step.computes]
    assert sorted(computed) == sorted(f"listed-{n}-{t}" for n in range(len(listed)) for t in range(T))


def test_the_chapter_s_own_list():
    scene = alignments_scene(["B", "AH", "T"], list(paths(3, 6)))
    assert scene.steps[1].says == "Number 1: B AH T T T T; it advances in frame 1, 2."
    assert scene.steps[10].says == "Number 10: B B B B AH T; it advances in frame 4, 5."
    assert scene.steps[-1].says == "10 alignments in all."
    assert scene.hints["cell-3-0"].says == "B in frame 3: 1 alignment of 10, number 10."
    assert scene.hints["cell-0-2"].says == "T in frame 0: 0 alignments of 10."


@pytest.mark.parametrize(("K", "T"), [(3, 7), (6, 7), (2, 12), (11, 12), (1, 12)])
def test_the_largest_lists_are_drawn_and_small(K, T):
    scene = alignments_scene(["SH"] * K, list(paths(K, T)))
    assert len(json.dumps(scene.to_json(), allow_nan=False)) < 200_000


@pytest.mark.parametrize(
    ("target", "listed", "says"),
    [
        ("ABC", [], "there are 0 alignments"),
        ("ABC", list(paths(3, 8))[: MOST_PATHS + 1] * 2, "takes from 1 to 21"),
        ("A", [(0,) * 13], "13 frames"),
    ],
)
def test_what_cannot_be_drawn_is_refused(target, listed, says):
    with pytest.raises(ValueError, match=says):
        alignments_scene(target, listed)
