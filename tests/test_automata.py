"""Sections 7.4 and 7.8: does an automaton, unrolled, have the paths that listing finds?"""

import re
from itertools import pairwise, product

import numpy as np
import pytest
from enumeration import label_sequences, labels_by_string, merge_runs

from course_utils.alignment import count_paths, paths
from course_utils.automata import Automaton, chain, unroll, with_blanks
from course_utils.ctc import collapse, count_alignments

TARGETS = [target for K in range(5) for target in product("AB", repeat=K)]


def accepted(automaton, T):
    """List, state by state, every sequence of states that begins, goes on and ends as the automaton allows."""
    S = range(len(automaton.labels))
    return [
        states
        for states in product(S, repeat=T)
        if states[0] in automaton.starts
        and states[-1] in automaton.ends
        and all(pair in automaton.arcs for pair in pairwise(states))
    ]


@pytest.mark.parametrize("T", range(1, 7))
def test_the_paths_of_a_chain_are_those_of_the_grid(T):
    for K in range(5):
        automaton = chain("ABCD"[:K])
        assert accepted(automaton, T) == sorted(paths(K, T))
        assert unroll(automaton, T).paths == count_paths(K, T)


@pytest.mark.parametrize("T", range(1, 6))
@pytest.mark.parametrize("target", TARGETS, ids="".join)
def test_with_blanks_the_labels_are_those_that_collapse_to_the_target(target, T):
    automaton = with_blanks(target, "-")
    spelled = {labels for labels in product("AB-", repeat=T) if tuple(collapse(labels, "-")) == target}
    count = unroll(automaton, T).paths
    assert count == len(spelled)  # no two paths have the same labels
    if len(automaton.labels) ** T < 20_000:
        read = [tuple(automaton.labels[s] for s in states) for states in accepted(automaton, T)]
        assert sorted(read) == sorted(spelled)


@pytest.mark.parametrize("make", [chain, lambda target: with_blanks(target, "-")], ids=["chain", "blanks"])
@pytest.mark.parametrize("T", [1, 2, 4])
def test_ways_and_what_lives_are_those_of_the_list(make, T):
    for target in ("A", "AB", "AAB", "ABA"):
        automaton = make(target)
        found, every = unroll(automaton, T), accepted(automaton, T)
        for t, s in np.ndindex(T, len(automaton.labels)):
            assert found.lives[t, s] == any(states[t] == s for states in every), (target, t, s)
            beginnings = accepted(Automaton(automaton.labels, automaton.arcs, automaton.starts, (s,)), t + 1)
            assert found.ways[t][s] == len(beginnings), (target, t, s)


@pytest.mark.parametrize("T", range(1, 8))
def test_a_chain_over_three_symbols_has_as_many_paths_as_there_are_label_sequences(T):
    for K in range(6):
        for target in product(range(3), repeat=K):
            count, repeats = unroll(chain(target), T).paths, any(a == b for a, b in pairwise(target))
            assert count == (count_paths(K, T) if K else 0), target
            assert repeats or count == len(label_sequences(target, 3, T)), target


@pytest.mark.parametrize("T", [6, 7])
def test_with_blanks_all_label_sequences_of_three_symbols_are_shared_out(T):
    by_string = labels_by_string(3, T, 0)
    counts = {string: unroll(with_blanks(string, 0), T).paths for string in by_string}
    assert counts == {string: len(labels) for string, labels in by_string.items()}
    assert sum(counts.values()) == 3**T


def with_repeats(L, R):
    """Return a target of L symbols of which R equal the one before."""
    return [0] * (R + 1) + [1 + n % 2 for n in range(L - R - 1)] if L else []


def test_the_counts_are_those_that_were_found_without_the_package(oracles):
    for case, count in oracles["O7_ctc_counts"]["table"].items():
        T, L, R = map(int, re.findall(r"\d+", case))
        target = with_repeats(L, R)
        assert (len(target), sum(a == b for a, b in pairwise(target))) == (L, R)
        assert unroll(with_blanks(target, "-"), T).paths == count == count_alignments(target, T), case
    others = oracles["O7_ctc_counts"]["compress_counts"]
    assert unroll(chain(range(3)), 6).paths == others["N=6,K=3"]
    assert unroll(chain(range(10)), 100).paths == others["N=100,K=10"]
    assert unroll(chain("ABA"), 5).paths == others["N=5,S=ABA"]
    assert unroll(chain("AA"), 3).paths == others["grid paths N=3,S=AA"]


def test_an_automaton_is_what_its_picture_shows():
    assert chain("AAB") == Automaton(tuple("AAB"), ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2)), (0,), (2,))
    loops = [(i, i) for i in range(7)]
    steps, skips = [(i, i + 1) for i in range(6)], [(3, 5)]  # over the blank between A and B, not over that in AA
    assert with_blanks("AAB", "-") == Automaton(tuple("-A-A-B-"), tuple(sorted(loops + steps + skips)), (0, 1), (5, 6))
    assert with_blanks("", "-") == Automaton(("-",), ((0, 0),), (0,), (0,))
    assert chain("") == Automaton((), (), (), ())


def test_an_automaton_need_be_no_chain():
    """A loop through two states, with a start and an end that are one, and a state that nothing leads to."""
    ring = Automaton(("A", "B", "C"), ((0, 1), (1, 0), (2, 0)), (0,), (0,))
    assert [unroll(ring, T).paths for T in range(1, 6)] == [1, 0, 1, 0, 1]
    assert unroll(ring, 3).lives.tolist() == [[True, False, False], [False, True, False], [True, False, False]]
    assert not unroll(ring, 4).lives.any()


def test_the_counts_of_the_text():
    assert unroll(chain(["B", "AH", "T"]), 6).paths == 10
    assert unroll(with_blanks("AA", "-"), 3).paths == 1
    assert len(with_blanks("AB", "-").labels) == 5
    assert (1, 3) in with_blanks("AB", "-").arcs
    assert (1, 3) not in with_blanks("AA", "-").arcs


def test_a_count_has_as_many_digits_as_it_needs():
    assert unroll(chain("ABCDEFGHIJ"), 100).paths == 1731030945644
    assert unroll(chain(range(150)), 300).paths == count_paths(150, 300) > 2**63
    blanks = unroll(with_blanks(range(40), "-"), 120)
    assert blanks.paths == count_alignments(range(40), 120) > 2**63
    assert all(type(n) is int for row in blanks.ways for n in row)


def test_edges():
    assert unroll(chain(""), 3).paths == 0
    assert unroll(chain(""), 3).lives.shape == (3, 0)
    assert unroll(chain("ABC"), 2).paths == 0
    assert not unroll(chain("ABC"), 2).lives.any()
    assert unroll(with_blanks("", "-"), 4).paths == 1  # nothing but blanks
    assert merge_runs("AAB") == ("A", "B")
    assert unroll(with_blanks("AA", "-"), 2).paths == 0
    assert unroll(chain("AB"), np.int64(3)).paths == 2
    for T in (0, -1, 2.5, None):
        with pytest.raises(ValueError, match=f"T is {T}"):
            unroll(chain("A"), T)
    with pytest.raises(ValueError, match="never part of a target"):
        with_blanks("A-", "-")
