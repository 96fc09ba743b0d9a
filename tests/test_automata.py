"""Sections 7.4 and 7.8: does an automaton, unrolled, have the paths that listing finds?"""

from itertools import pairwise, product

import numpy as np
import pytest
from enumeration import merge_runs

from course_utils.alignment import count_paths, paths
from course_utils.automata import Automaton, chain, unroll, with_blanks
from course_utils.ctc import collapse

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


def test_the_counts_of_the_text(oracles):
    assert unroll(chain(["B", "AH", "T"]), 6).paths == 10
    assert unroll(with_blanks("AA", "-"), 3).paths == 1
    assert len(with_blanks("AB", "-").labels) == 5
    assert (1, 3) in with_blanks("AB", "-").arcs
    assert (1, 3) not in with_blanks("AA", "-").arcs


def test_a_count_has_as_many_digits_as_it_needs():
    assert unroll(chain("ABCDEFGHIJ"), 100).paths == 1731030945644
    assert unroll(chain(range(150)), 300).paths == count_paths(150, 300) > 2**63


def test_edges():
    assert unroll(chain(""), 3).paths == 0
    assert unroll(chain(""), 3).lives.shape == (3, 0)
    assert unroll(chain("ABC"), 2).paths == 0
    assert not unroll(chain("ABC"), 2).lives.any()
    assert unroll(with_blanks("", "-"), 4).paths == 1  # nothing but blanks
    assert merge_runs("AAB") == ("A", "B")
    with pytest.raises(ValueError, match="T is 0"):
        unroll(chain("A"), 0)
    with pytest.raises(ValueError, match="never part of a target"):
        with_blanks("A-", "-")
