"""Exercises of chapter 7: compress, expand, count, and the best alignment by listing.

As in chapter 8, most wrong ideas are one changed decision in a right answer.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations_with_replacement, groupby, pairwise, product
from math import comb

import numpy as np
from numpy.typing import NDArray

from course_utils.alignment import compress, count_expansions, expansions
from course_utils.examples import DRAWN_Y, FORCED_ALIGNMENTS, PHONEMES
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.posteriors import encode, log_probabilities

# -- cases


def _fresh(names: Sequence[str]) -> list[str]:
    """Return the same names, each an object of its own: equal ones are not identical."""
    return [bytes(name, "utf-8").decode() for name in names]


def _labels_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("B B AH AH AH T", (_fresh(["B", "B", "AH", "AH", "AH", "T"]),)),
        Case("A B A, a symbol that comes back", (_fresh("ABA"),)),
        Case("A A B A, whose last symbol is the first one", (_fresh("AABA"),)),
        Case("names that begin alike", (_fresh(["AH", "AE", "AE", "AA", "A"]),)),
        Case("nothing to merge, not in the order of the alphabet", (_fresh("CAB"),)),
        Case("one symbol throughout", (_fresh(["IY", "IY", "IY"]),)),
        Case("a single frame", (["T"],)),
        Case("no frame", ([],)),
        *(Case(f"random, {T} frames", (_fresh(rng.choice(["S", "SH", "T"], T)),)) for T in (15, 30)),
    ]


def _target_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case("B AH T in 4 frames", (list(PHONEMES), 4)),
        Case("A B in 4 frames", (["A", "B"], 4)),
        Case("A B A in 5 frames", (["A", "B", "A"], 5)),
        Case("C A B, not in the order of the alphabet", (["C", "A", "B"], 4)),
        Case("A A B, with equal neighbours", (["A", "A", "B"], 5)),
        Case("as many frames as symbols", (["T", "B"], 2)),
        Case("more symbols than frames", (["A", "B", "C"], 2)),
        Case("a single symbol", (["AH"], 3)),
        Case("an empty target in no frame", ([], 0)),
        Case("an empty target in 2 frames", ([], 2)),
        Case("random", (list(rng.permutation(["S", "SH", "T", "IY"])), 6)),
    ]


def _count_cases(rng: np.random.Generator) -> list[Case]:
    return [
        *_target_cases(rng),
        Case("equal neighbours at the end", (["A", "B", "B"], 7)),
        Case("ten symbols in 100 frames", (list("ABCDEFGHIJ"), 100)),
        Case("a target without equal neighbours, but with few symbols", (list("ABABABAB"), 12)),
    ]


def _listing_cases(rng: np.random.Generator) -> list[Case]:
    worked, aba, ties, equal = (
        FORCED_ALIGNMENTS[name] for name in ("worked example", "frame by frame fails", "all ties", "equal neighbours")
    )
    too_soon = [[0.8, 0.2], [0.4, 0.6], [0.9, 0.1], [0.3, 0.7]]
    randoms = [(T, K, rng.dirichlet(np.ones(4), T), rng.integers(4, size=K)) for T, K in ((6, 3), (7, 4))]
    return [
        Case("worked example AB", (log_probabilities(worked.y), encode(worked.target))),
        Case("ABC in five frames", (log_probabilities(DRAWN_Y), encode("ABC"))),
        Case("ABA, where the best symbol of each frame is not enough", (log_probabilities(aba.y), encode(aba.target))),
        Case("the target begins with the last column", (log_probabilities(DRAWN_Y[::-1]), encode("CBA"))),
        Case("it pays to leave out the first symbol", (log_probabilities([[0.1, 0.9], [0.1, 0.9], [0.2, 0.8]]), encode("AB"))),
        Case("it pays to leave out the last symbol", (log_probabilities([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1]]), encode("AB"))),
        Case("the last symbol leads for a while, too soon", (log_probabilities(too_soon), encode("AB"))),
        Case("all ties", (log_probabilities(ties.y), encode(ties.target))),
        Case("equal neighbours", (log_probabilities(equal.y), encode(equal.target))),
        Case("a single symbol", (log_probabilities(worked.y), encode("B"))),
        Case("as many frames as symbols", (log_probabilities(aba.y[:3]), encode("ABA"))),
        *(Case(f"random, {T} frames and {K} symbols", (np.log(y), s)) for T, K, y, s in randoms),
    ]  # fmt: skip


# -- wrong ideas about compressing


def _kept(keep: Callable[[list, int], bool]) -> Callable:
    return lambda labels: [label for t, label in enumerate(labels) if keep(labels, t)]


def _at_least_one(labels: Sequence) -> list:
    read = [labels[0]]
    return read + [b for a, b in pairwise(labels) if a != b]


COMPRESS_MISCONCEPTIONS = (
    Misconception(
        "each symbol once",
        "Distinct is not what is asked for: in A B A the second A stays. Only equal neighbours merge.",
        lambda labels: list(dict.fromkeys(labels)),
    ),
    Misconception(
        "a sorted set of symbols",
        "A set forgets the order, and how often a symbol comes.",
        lambda labels: sorted(set(labels)),
    ),
    Misconception(
        "no empty sequence",
        "Without frames there is no first label to begin with; what they spell is empty, too.",
        _at_least_one,
    ),
    Misconception(
        "first symbol compared with the last",
        "At frame 0, index t − 1 is −1, and Python reads the last label. The first one has none before it: it always stays.",
        _kept(lambda labels, t: labels[t] != labels[t - 1]),
    ),
    Misconception(
        "first symbol lost",
        "Changes from one frame to the next do not include the first symbol: it is there from the beginning.",
        lambda labels: [b for a, b in pairwise(labels) if a != b],
    ),
    Misconception(
        "told apart by identity",
        "`is` asks whether two names are the same object in memory. Whether they say the same is what == asks.",
        _kept(lambda labels, t: t == 0 or labels[t] is not labels[t - 1]),
    ),
    Misconception(
        "told apart by the first letter",
        "AH and AE begin alike and are different symbols: compare whole names.",
        _kept(lambda labels, t: t == 0 or labels[t][0] != labels[t - 1][0]),
    ),
    Misconception(
        "only symbols that stay",
        "A symbol that lasts for one frame is a symbol all the same.",
        lambda labels: [name for name, run in groupby(labels) if len(list(run)) > 1],
    ),
    Misconception(
        "nothing merged",
        "Of a run of equal labels one is left.",
        list,
    ),
)


# -- wrong ideas about expanding


def _listed(target: Sequence, T: int, *, allowed: Callable, ordered: Callable = list) -> list:
    """List label sequences by what may follow what."""
    K = len(target)
    found = [
        [target[i] for i in path]
        for path in (combinations_with_replacement(range(K), T) if K else [])
        if T and allowed(path, K)
    ]
    if K == T == 0:
        found = [[]]
    return ordered(found)


def _advances(path: tuple[int, ...]) -> set[int]:
    return {b - a for a, b in pairwise(path)}


def _is_path(path: tuple[int, ...], K: int) -> bool:
    return path[0] == 0 and path[-1] == K - 1 and _advances(path) <= {0, 1}


def _all_of_them(target: Sequence, T: int) -> list:
    wanted = set(target)
    return [list(labels) for labels in product(dict.fromkeys(target), repeat=T) if set(labels) == wanted]


EXPANSION_MISCONCEPTIONS = (
    Misconception(
        "paths where there is no sequence",
        "With equal neighbours in the target nothing can be listed: A A B compresses to A B, and never to A A B.",
        partial(_listed, allowed=_is_path),
    ),
    Misconception(
        "a path may end early",
        "The last frame shows the last symbol of the target; else it compresses to a beginning of it.",
        lambda target, T: [] if _repeats(target) else _listed(
            target, T, allowed=lambda path, K: path[0] == 0 and _advances(path) <= {0, 1}
        ),
    ),
    Misconception(
        "a path may start in the middle",
        "The first frame shows the first symbol of the target.",
        lambda target, T: [] if _repeats(target) else _listed(
            target, T, allowed=lambda path, K: path[-1] == K - 1 and _advances(path) <= {0, 1}
        ),
    ),
    Misconception(
        "symbols left out",
        "No symbol of the target may be skipped: from one frame to the next the path stays or advances by one.",
        lambda target, T: [] if _repeats(target) else _listed(
            target, T, allowed=lambda path, K: path[0] == 0 and path[-1] == K - 1
        ),
    ),
    Misconception(
        "every order of the symbols",
        "All sequences that use these symbols are not enough: they come in the order of the target.",
        _all_of_them,
    ),
    Misconception(
        "compressed instead of expanded",
        "Asked are the sequences of T labels that compress to the target, not the target once more.",
        lambda target, T: [list(target)],
    ),
    Misconception(
        "the last symbol takes what is left",
        "Each symbol may last longer, and not only the last one: list every way to share out the frames.",
        lambda target, T: [] if _repeats(target) or len(target) > T else [
            [*target, *[target[-1]] * (T - len(target))] if len(target) else []
        ][: len(target) > 0 or T == 0],
    ),
    Misconception(
        "those that advance last come first",
        "The order is the other way round: those that advance early are listed first.",
        lambda target, T: [list(labels) for labels in expansions(list(target), T)][::-1],
    ),
)  # fmt: skip


def _repeats(target: Sequence) -> bool:
    return any(a == b for a, b in pairwise(target))


# -- wrong ideas about counting


def _counted(target: Sequence, T: int, *, choose: Callable, repeats: bool = False, few: bool = False) -> int:
    """Count with one decision changed."""
    K = len(target)
    if (_repeats(target) and not repeats) or ((K > T or K == 0) and not few):
        return int(K == T == 0)
    return choose(T, K)


COUNT_MISCONCEPTIONS = (
    Misconception(
        "equal neighbours not looked at",
        "This counts paths. A target with equal neighbours is spelled by no sequence of labels at all, however many paths it has.",
        partial(_counted, choose=lambda T, K: comb(T - 1, K - 1), repeats=True),
    ),
    Misconception(
        "every repeat taken for a neighbour",
        "A B A has no equal neighbours: a symbol may come back, as long as another one stands between.",
        lambda target, T: 0 if len(set(target)) < len(target) else count_expansions(list(target), T),
    ),
    Misconception(
        "one choice too many",
        "The first symbol begins in frame 0, that is no choice: K − 1 beginnings are chosen from T − 1 frames.",
        partial(_counted, choose=comb),
    ),
    Misconception(
        "K beginnings from T − 1 frames",
        "The first symbol begins in frame 0, so only K − 1 beginnings are to be chosen.",
        partial(_counted, choose=lambda T, K: comb(T - 1, K)),
    ),
    Misconception(
        "no test whether the target fits",
        "Where the target has more symbols than there are frames there is no expansion. A binomial coefficient with a negative "
        "number below is no help; ask first.",
        partial(_counted, choose=lambda T, K: comb(max(T - 1, 0), max(K - 1, 0)) if K <= T else 1, few=True),
    ),
    Misconception(
        "a symbol for each frame",
        "K to the power of T counts all sequences of these symbols, in whatever order.",
        partial(_counted, choose=lambda T, K: K**T),
    ),
    Misconception(
        "stay or advance in every frame",
        "2 to the power of T − 1 counts all ways to stay or advance, wherever they end. The path ends at the last symbol.",
        partial(_counted, choose=lambda T, K: 2 ** (T - 1)),
    ),
    Misconception(
        "an empty target not looked at",
        "Frames show something: an empty target has an expansion only where there is no frame.",
        lambda target, T: count_expansions(list(target), T) if len(target) else 1,
    ),
)


# -- wrong ideas about the best alignment


def _best(
    log_y: NDArray,
    target: NDArray,
    *,
    allowed: Callable = _is_path,
    worth: Callable = np.sum,
    last_of_equals: bool = False,
    by_position: bool = False,
) -> tuple[float, list[int]]:
    """List all paths with one decision changed; of equals, the one that advances first."""
    T, K = len(log_y), len(target)
    found = sorted((path for path in combinations_with_replacement(range(K), T) if allowed(path, K)), reverse=True)
    found = found[::-1] if last_of_equals else found
    columns = np.arange(K) if by_position else np.asarray(target)
    scores = [float(worth(log_y[np.arange(T), columns[list(path)]])) for path in found]
    best = int(np.argmax(np.round(scores, 10)))
    return scores[best], list(found[best])


def _greedy(log_y: NDArray, target: NDArray) -> tuple[float, list[int]]:
    """Stay or advance, whichever symbol is more probable now, as long as all still fit."""
    T, K = len(log_y), len(target)
    path = [0]
    for t in range(1, T):
        i = path[-1]
        must = K - 1 - i >= T - t
        may = i + 1 < K and log_y[t, target[i + 1]] >= log_y[t, target[i]]
        path.append(i + 1 if must or may else i)
    return float(log_y[np.arange(T), np.asarray(target)[path]].sum()), path


BEST_MISCONCEPTIONS = (
    Misconception(
        "products of logarithms",
        "Probabilities are multiplied, so their logarithms are added.",
        partial(_best, worth=np.prod),
    ),
    Misconception(
        "a probability for a log-score",
        "The score is asked for as a logarithm: the sum itself, not its exponential.",
        partial(_best, worth=lambda terms: np.exp(np.sum(terms))),
    ),
    Misconception(
        "a mean over the frames",
        "Frames that happen together have the product of their probabilities, so the sum of the logarithms.",
        partial(_best, worth=np.mean),
    ),
    Misconception(
        "a path may end early",
        "The path ends at the last symbol in the last frame; else some of the target is left out.",
        partial(_best, allowed=lambda path, K: path[0] == 0 and _advances(path) <= {0, 1}),
    ),
    Misconception(
        "a path may start in the middle",
        "The path begins at the first symbol in frame 0; else some of the target is left out.",
        partial(_best, allowed=lambda path, K: path[-1] == K - 1 and _advances(path) <= {0, 1}),
    ),
    Misconception(
        "symbols left out",
        "From one frame to the next the path stays or advances by one. A jump leaves a symbol of the target out.",
        partial(_best, allowed=lambda path, K: path[0] == 0 and path[-1] == K - 1),
    ),
    Misconception(
        "one frame at a time",
        "To take the better of staying and advancing in each frame is greedy. What it costs later, only the whole path shows.",
        _greedy,
    ),
    Misconception(
        "last of equals",
        "Of equally good paths the one that advances first counts, which is the first in the list.",
        partial(_best, last_of_equals=True),
    ),
    Misconception(
        "position taken for symbol",
        "Position i is a place in the target. Which column of log_y its symbol has, the target says.",
        partial(_best, by_position=True),
    ),
)


def _reference_expansions(target: Sequence, T: int) -> list[list]:
    return [list(labels) for labels in expansions(list(target), T)]


EXERCISES = (
    Exercise(
        id="7.1", title="compress", points=2, function="compress",
        outputs=(Output("what is read", ("i",), names=True),), reference=lambda labels: list(compress(labels)),
        cases=_labels_cases, misconceptions=COMPRESS_MISCONCEPTIONS, asks_for=("alignment.compress", "ctc.collapse", "collapsing.runs", "collapsing.collapse_in_stages"),
    ),
    Exercise(
        id="7.2", title="all expansions", points=3, function="expand",
        outputs=(Output("the list", ("n", "t"), names=True),), reference=_reference_expansions,
        cases=_target_cases, misconceptions=EXPANSION_MISCONCEPTIONS, asks_for=("alignment.expansions", "alignment.paths"),
    ),
    Exercise(
        id="7.3", title="counting", points=2, function="count",
        outputs=(Output("the number"),), reference=lambda target, T: count_expansions(list(target), T),
        cases=_count_cases, misconceptions=COUNT_MISCONCEPTIONS, asks_for=("alignment.count_expansions", "alignment.count_paths"),
    ),
    Exercise(
        id="7.4", title="score and best path by listing", points=3, function="best_by_listing",
        outputs=(Output("the score"), Output("the path", ("t",))), reference=_best,
        cases=_listing_cases, misconceptions=BEST_MISCONCEPTIONS, asks_for=("alignment.rank_paths", "alignment.score_all_paths", "viterbi.align", "viterbi.align_checked"),
    ),
)  # fmt: skip
