"""An automaton unrolled as a picture: each number is the sum of those that its arcs come from."""

import json
import re

import numpy as np
import pytest

from course_utils.automata import chain, unroll, with_blanks
from course_utils.scenes.automaton import automaton_scene

CASES = {
    "B AH T in 6": unroll(chain(["B", "AH", "T"]), 6),
    "AA in 4": unroll(chain("AA"), 4),
    "A in 1": unroll(chain("A"), 1),
    "too few": unroll(chain("ABC"), 2),
    "AB with blanks": unroll(with_blanks("AB", "-"), 5),
    "AAB with blanks": unroll(with_blanks("AAB", "-"), 5),
    "largest": unroll(with_blanks("ABABA", "-"), 12),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param], automaton_scene(CASES[request.param], request.param)


def test_each_column_adds_up_the_one_before_along_the_arcs(case):
    unrolled, scene = case
    T, S = unrolled.lives.shape
    arcs = unrolled.automaton.arcs
    before = None
    for t in range(T):
        shown = scene.marks_at(t + 1)
        column = [
            int(shown[f"ways-{t}-{s}"].text or 0) if shown[f"ways-{t}-{s}"].state != "off" else 0 for s in range(S)
        ]
        if before is None:
            assert column == [int(s in unrolled.automaton.starts) for s in range(S)]
        else:
            assert column == [sum(before[i] for i, j in arcs if j == s) for s in range(S)]
        drawn = {mark for mark in shown if mark.startswith(f"arc-{t}-")}
        assert drawn == {f"arc-{t}-{i}-{j}" for i, j in arcs if before and before[i]}
        before = column


def test_the_sums_of_the_sentences_are_right(case):
    _unrolled, scene = case
    for step in scene.steps[2:-1]:
        sums = re.findall(r"((?:\d+ \+ )+\d+) = (\d+)", step.says)
        assert all(sum(map(int, terms.split(" + "))) == int(total) for terms, total in sums)


def test_at_the_end_only_what_leads_from_a_start_to_an_end_is_on_a_path(case):
    unrolled, scene = case
    shown = scene.marks_at(len(scene.steps) - 1)
    for t, s in np.ndindex(unrolled.lives.shape):
        assert (shown[f"ways-{t}-{s}"].state == "path") == unrolled.lives[t, s]
    last = scene.steps[-1].says
    assert (f"{unrolled.paths}." in last) if unrolled.paths else last.startswith("No path reaches")
    assert unrolled.paths == sum(
        int(shown[f"ways-{unrolled.lives.shape[0] - 1}-{s}"].text or 0) for s in unrolled.automaton.ends
    )


def test_a_cell_says_from_where_it_is_reached(case):
    unrolled, scene = case
    for t, s in np.ndindex(unrolled.lives.shape):
        says = scene.hints[f"ways-{t}-{s}"].says
        if t:
            terms = [int(n) for n in re.findall(r"(\d+) (?:by staying|from )", says)]
            assert sum(terms) == unrolled.ways[t][s]
            assert says.endswith(f"{unrolled.ways[t][s]} way{'s' if unrolled.ways[t][s] != 1 else ''}.")


def test_it_is_small_and_the_table_holds_no_results(case):
    _, scene = case
    assert len(json.dumps(scene.to_json())) < 200_000
    assert all(cell == "" for row in scene.table.rows for cell in row[1:])


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="13 frames"):
        automaton_scene(unroll(chain("A"), 13), "")
    with pytest.raises(ValueError, match="12 states"):
        automaton_scene(unroll(chain("ABCDEFGHIJKL"), 12), "")
    with pytest.raises(ValueError, match="0 states"):
        automaton_scene(unroll(chain(""), 2), "")
