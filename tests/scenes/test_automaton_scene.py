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
    "nothing but blanks": unroll(with_blanks("", "-"), 3),
    "AA with blanks, too few": unroll(with_blanks("AA", "-"), 2),
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


def named(automaton, s):
    """Name a state as a reader does: by its symbol, and by its number where that is needed."""
    symbols = [str(label) for label in automaton.labels]
    return symbols[s] if symbols.count(symbols[s]) == 1 else f"{symbols[s]} ({s})"


def test_the_sentences_tell_the_automaton_and_every_number_of_a_column(case):
    unrolled, scene = case
    automaton = unrolled.automaton
    T, S = unrolled.lives.shape
    assert len(scene.steps) == T + 2
    numbers = [S, sum(i == j for i, j in automaton.arcs), sum(i != j for i, j in automaton.arcs)]
    assert list(map(int, re.findall(r"\d+", scene.steps[0].says))) == numbers
    starts = " or at ".join(named(automaton, s) for s in automaton.starts)
    assert scene.steps[1].says == f"Frame 0: it begins at {starts}."
    for t in range(1, T):
        said = scene.steps[t + 1].says.partition(": ")[2].removesuffix(".").split(", ")
        wanted = []
        for s in range(S):
            terms = [unrolled.ways[t - 1][i] for i, j in sorted(automaton.arcs) if j == s and unrolled.ways[t - 1][i]]
            if terms:
                total = f" = {sum(terms)}" if len(terms) > 1 else ""
                wanted.append(f"{named(automaton, s)} {' + '.join(map(str, terms))}{total}")
        assert said == wanted
    last = scene.steps[-1].says
    assert all(named(automaton, s) in last for s in automaton.ends)
    if unrolled.paths and len(automaton.ends) > 1:
        assert f"{' + '.join(str(unrolled.ways[-1][s]) for s in automaton.ends)} = {unrolled.paths}." in last


def test_what_is_reached_now_is_lit_and_nothing_is_told_early(case):
    unrolled, scene = case
    T, S = unrolled.lives.shape
    assert scene.marks_at(0) == {}
    for t in range(T):
        shown = scene.marks_at(t + 1)
        reached = {f"ways-{t}-{s}" for s in range(S) if unrolled.ways[t][s]}
        assert {mark for mark, m in shown.items() if m.state == "now"} == reached == set(scene.steps[t + 1].computes)
        assert not any(int(re.findall(r"\d+", mark)[0]) > t for mark in shown)


def test_at_the_end_the_arcs_of_all_paths_are_left(case):
    unrolled, scene = case
    T = len(unrolled.ways)
    end, arcs = scene.marks_at(T + 1), set(unrolled.automaton.arcs)
    on_a_path = {
        f"arc-{t}-{i}-{j}" for t in range(1, T) for i, j in arcs if unrolled.lives[t - 1, i] and unrolled.lives[t, j]
    }
    assert {mark for mark, m in end.items() if mark.startswith("arc") and m.state == "path"} == on_a_path
    assert {m.state for mark, m in end.items() if mark.startswith("arc")} <= {"path", "hidden"}
    assert all(m.state in ("path", "off") for mark, m in end.items() if mark.startswith("ways"))


def test_the_automaton_is_drawn_with_all_its_states_arcs_and_ends(case):
    unrolled, scene = case
    automaton = unrolled.automaton
    assert scene.svg.count("<circle") == len(automaton.labels) + len(automaton.ends)
    assert scene.svg.count('<path class="ink"') == len(automaton.arcs) + len(automaton.starts)
    assert scene.table.caption.endswith(
        "Arcs: " + ", ".join(f"{named(automaton, i)} → {named(automaton, j)}" for i, j in automaton.arcs)
    )
    assert [row[0] for row in scene.table.rows] == [named(automaton, s) for s in range(len(automaton.labels))]


def test_a_cell_names_each_arc_into_it(case):
    unrolled, scene = case
    for t, s in np.ndindex(unrolled.lives.shape):
        says = scene.hints[f"ways-{t}-{s}"].says
        if t == 0:
            assert ("may begin here" in says) == (s in unrolled.automaton.starts)
            continue
        into = [i for i, j in unrolled.automaton.arcs if j == s]
        terms = [
            f"{unrolled.ways[t - 1][i]} " + ("by staying" if i == s else f"from {named(unrolled.automaton, i)}")
            for i in into
        ]
        assert says.startswith(f"{named(unrolled.automaton, s)} in frame {t}: {' + '.join(terms)};"), says


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
