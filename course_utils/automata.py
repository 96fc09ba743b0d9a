"""Which label sequences spell a target, as an automaton, and the same unrolled over the frames (section 7.8).

A state stands for a symbol, and whoever enters it reads that symbol in one frame. The chain of a target has a loop at
every state, to stay, and an arc to the next, to advance: unrolled over T frames it is the grid that alignments live on.
With a blank before, between and after the symbols, which may be passed over unless it parts equal ones, it is the topology
of CTC (Graves et al. 2006). OpenFst, k2 and GTN hold such graphs and unroll, or *compose*, them with the frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.losses import check_count


@dataclass(frozen=True)
class Automaton:
    """States and arcs.

    Attributes
    ----------
    labels
        (S,) the symbol that is read in each state.
    arcs
        Pairs of states, from where and to where.
    starts, ends
        States that may be the first, and the last.
    """

    labels: tuple
    arcs: tuple[tuple[int, int], ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def chain(target: Sequence) -> Automaton:
    """Return the chain of a target: stay or advance by one, from its first symbol to its last; empty for none."""
    K = len(target)
    arcs = sorted([(i, i) for i in range(K)] + [(i, i + 1) for i in range(K - 1)])
    return Automaton(tuple(target), tuple(arcs), (0,) if K else (), (K - 1,) if K else ())


def with_blanks(target: Sequence, blank) -> Automaton:
    """Return the chain of a target with optional blanks before, between and after its symbols.

    Raises
    ------
    ValueError
        The target has the blank in it.
    """
    if blank in target:
        raise ValueError(f"target has the blank {blank!r} in it; the blank is never part of a target")
    labels = [blank]
    for symbol in target:
        labels += [symbol, blank]
    S = len(labels)
    arcs = [(i, i) for i in range(S)] + [(i, i + 1) for i in range(S - 1)]
    arcs += [(i, i + 2) for i in range(1, S - 2, 2) if labels[i] != labels[i + 2]]
    return Automaton(tuple(labels), tuple(sorted(arcs)), (0, 1)[:S], (S - 2, S - 1)[-S:])


@dataclass(frozen=True, eq=False)
class Unrolled:
    """An automaton over T frames.

    Attributes
    ----------
    automaton
        What was unrolled.
    ways
        T lists of S integers of any size: in how many ways each state is reached at each frame.
    lives
        (T, S) whether a path from a start in the first frame to an end in the last one passes there.
    paths
        How many such paths there are.
    """

    automaton: Automaton
    ways: tuple[tuple[int, ...], ...]
    lives: NDArray[np.bool_]
    paths: int


def unroll(automaton: Automaton, T: int) -> Unrolled:
    """Copy the states once a frame, lead every arc from one frame to the next, and count the paths.

    Parameters
    ----------
    automaton
        With any number of states.
    T
        Number of frames, at least 1.

    Raises
    ------
    ValueError
        ``T`` is no integer from 1 on.
    """
    T, S = check_count("T", T, 1, "frames"), len(automaton.labels)
    ways = [[int(i in automaton.starts) for i in range(S)]]
    for _ in range(T - 1):
        row = [0] * S
        for i, j in automaton.arcs:
            row[j] += ways[-1][i]
        ways.append(row)
    leads_on = np.zeros((T, S), dtype=bool)
    leads_on[-1, np.array(automaton.ends, dtype=int)] = True
    for t in range(T - 2, -1, -1):
        for i, j in automaton.arcs:
            leads_on[t, i] |= leads_on[t + 1, j]
    lives = leads_on & np.array([[n > 0 for n in row] for row in ways], dtype=bool).reshape(T, S)
    return Unrolled(automaton, tuple(map(tuple, ways)), lives, sum(ways[-1][i] for i in automaton.ends))
