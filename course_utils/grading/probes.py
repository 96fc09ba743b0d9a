"""What an exercise asks for beside right values, as data: cases for the sandbox, and what is measured from outside of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from course_utils.exercises.demands import any_cut_will_do, little_memory, random_net
from course_utils.exercises.exercise import Case, Exercise
from course_utils.rnn import run
from course_utils.viterbi import align_score


@dataclass(frozen=True, eq=False)
class Probe:
    """A case, what is right for it, and how much memory the answer may take for it.

    Attributes
    ----------
    case, expected
        The arguments, and what is to be returned.
    says
        What a student is told who fails it; with ``{held:.1f}`` for megabytes where memory is measured.
    memory
        In bytes, beside the arguments; None for any.
    seconds
        How long it may take.
    """

    case: Case
    expected: Any
    says: str
    memory: int | None = None
    seconds: float = 10.0


def probes_of(exercise: Exercise, seed: int) -> tuple[Probe, ...]:
    """Make the probes of an exercise; none where values say all."""
    make = _PROBES.get(exercise.demand)
    return make(seed) if make else ()


@lru_cache(maxsize=8)
def _chunks(seed: int) -> tuple[Probe, ...]:
    """Cut one sequence into chunks and ask for these in no order: what an answer keeps between its calls is wrong then."""
    rng = np.random.default_rng([seed, 3])
    net, x = random_net(rng, 2, 5, 3), rng.normal(size=(80, 2))
    whole = run(net, x)
    states = np.vstack([net.h_init, whole.h])
    cuts = [0, 7, 7, 37, 38, 80, 1, 2, 3, 40]
    pieces = [(a, b) for a, b in pairwise(cuts) if a <= b]
    says = "Each chunk by itself is right, but not where chunks come in another order: all that it may know of what was before is the state."
    probes = []
    for k in rng.permutation(len(pieces)):
        a, b = pieces[k]
        args = (x[a:b].copy(), states[a].copy(), net.W_xh, net.W_hh, net.b_h, net.W_hy, net.b_y)
        probes.append(Probe(Case(f"frames {a} to {b}", args), (whole.logits[a:b], states[b]), says))
    return tuple(probes)


@lru_cache(maxsize=8)
def _long_table(seed: int) -> tuple[Probe, ...]:
    """Ask for O(K) memory: much less than the T × K numbers of the whole table."""
    rng = np.random.default_rng([seed, 8])
    T, K = 2_500, 100
    log_y = np.log(rng.dirichlet(np.ones(K), T))
    target = rng.permutation(K)
    table = T * K * 8
    says = (
        f"The scores are right, but for {T} frames and {K} symbols it held {{held:.1f}} MB beside its arguments, and the "
        f"whole table takes {table / 1e6:.0f} MB. Keep one column; log_y[:, target] is a table of that size too."
    )
    return (
        Probe(
            Case("a long table", (log_y, target)),
            align_score(log_y, target),
            says,
            memory=table * 4 // 10,
            seconds=60.0,
        ),
    )


_PROBES: dict[Callable | None, Callable[[int], tuple[Probe, ...]]] = {
    any_cut_will_do: _chunks,
    little_memory: _long_table,
}
