"""Prefix beam search and the edit distance as loops (section 9.8), compiled at the first call.

:mod:`course_utils.decoding` has the same in NumPy.
"""

import math

import numpy as np

from course_utils.compiled.numbers import loop

_INF = float("inf")
ROOT = 1  # the empty prefix; node 0 stands above it


@loop
def prefix_beam(log_y, blank, width, weights, symbol_floor, beam_distance):
    """Search (T, A) log-probabilities; ``weights`` is (A, A), what a symbol adds behind another, or (0, 0) for nothing.

    Returns the beam at the end: for each prefix its node, its log-probability and what the weights have added; and for
    each node the one above it, its symbol, and its depth.

    Every prefix that was ever in the beam is one node, also where it was dropped and comes back: were it another one,
    prefixes that grew from the first would no longer be recognised as its extensions.
    """
    T, A = log_y.shape
    room = 128
    above, symbol = np.zeros(room, np.int64), np.full(room, blank)
    depth, row = np.zeros(room, np.int64), np.full(room, -1)  # row: where in the beam the node is; −1 if it is not
    first_child, next_child = np.zeros(room, np.int64), np.zeros(room, np.int64)
    nodes = 2

    n = 1  # how many prefixes the beam holds
    node, new_node = np.full(width, ROOT), np.empty(width, np.int64)
    log_p_blank, log_p_non_blank, added = np.zeros(width), np.full(width, -_INF), np.zeros(width)
    new_log_p_blank, new_log_p_non_blank, new_added = np.empty(width), np.empty(width), np.empty(width)
    both, new_both = np.zeros(width), np.empty(width)  # their sum: log-probability of the prefix
    stay, stay_blank, stay_symbol = np.empty(width), np.empty(width), np.empty(width)
    merged = np.full((width, A), -1)  # the last frame at which the extension by a symbol was in the beam by itself
    rank, which = np.empty(width), np.empty(width, np.int64)  # the best candidates, as a heap: the worst of them on top
    symbols = np.empty(A, np.int64)

    above_floor = np.empty(A)
    for t in range(T):
        if symbol_floor == -_INF:
            y = log_y[t]
        else:
            best_symbol = log_y[t].argmax()
            for k in range(A):
                passes = log_y[t, k] >= symbol_floor or k == best_symbol
                above_floor[k] = log_y[t, k] if passes else -_INF
            y = above_floor
        top = -_INF
        for r in range(n):
            row[node[r]] = r
            stay_blank[r], stay_symbol[r] = both[r] + y[blank], log_p_non_blank[r] + y[symbol[node[r]]]
            top = max(top, both[r])
        found = 0
        for r in range(n):
            parent, last = row[above[node[r]]], symbol[node[r]]
            if parent >= 0:  # the extension of that prefix by this symbol is this very prefix
                merged[parent, last] = t
                behind = log_p_blank[parent] if last == symbol[node[parent]] else both[parent]
                stay_symbol[r] = log_add(stay_symbol[r], behind + y[last])
            stay[r] = log_add(stay_blank[r], stay_symbol[r])
            found = keep(rank, which, found, stay[r] + added[r], r)
        count = 0
        for k in range(A):  # without a model, no symbol adds more than its own probability
            if k != blank and y[k] != -_INF and (found < width or weights.size > 0 or top + y[k] > rank[0]):
                symbols[count] = k
                count += 1
        for r in range(n):
            last = symbol[node[r]]
            for c in range(count):
                k = symbols[c]
                if merged[r, k] == t:
                    continue
                score = (log_p_blank[r] if k == last else both[r]) + y[k] + added[r]
                if weights.size > 0:
                    score += weights[last, k]
                if found < width or score > rank[0]:
                    found = keep(rank, which, found, score, width + r * A + k)
        highest = -_INF
        for j in range(found):
            highest = max(highest, rank[j])

        for r in range(n):
            row[node[r]] = -1
        kept = 0
        for j in range(found):
            if rank[j] < highest - beam_distance:
                continue
            if which[j] < width:
                r = which[j]
                new_node[kept], new_log_p_blank[kept], new_log_p_non_blank[kept] = (
                    node[r],
                    stay_blank[r],
                    stay_symbol[r],
                )
                new_both[kept], new_added[kept] = stay[r], added[r]
            else:
                r, k = divmod(which[j] - width, A)
                last = symbol[node[r]]
                child = first_child[node[r]]
                while child != 0 and symbol[child] != k:
                    child = next_child[child]
                if child == 0:
                    if nodes == room:
                        above, symbol, depth = longer(above, 0), longer(symbol, 0), longer(depth, 0)
                        first_child, next_child = longer(first_child, 0), longer(next_child, 0)
                        row = longer(row, -1)
                        room = len(above)
                    child = nodes
                    nodes += 1
                    above[child], symbol[child], depth[child] = node[r], k, depth[node[r]] + 1
                    next_child[child], first_child[node[r]] = first_child[node[r]], child
                new_node[kept], new_log_p_blank[kept] = child, -_INF
                new_log_p_non_blank[kept] = new_both[kept] = (log_p_blank[r] if k == last else both[r]) + y[k]
                new_added[kept] = added[r] + weights[last, k] if weights.size > 0 else 0.0
            kept += 1
        n = kept
        node, new_node = new_node, node
        log_p_blank, new_log_p_blank = new_log_p_blank, log_p_blank
        log_p_non_blank, new_log_p_non_blank = new_log_p_non_blank, log_p_non_blank
        both, new_both = new_both, both
        added, new_added = new_added, added
        if n == 0:
            break
    return node[:n], both[:n], added[:n], above, symbol, depth


@loop
def keep(rank, which, found, score, candidate):
    """Put a candidate that is among the best there, and return how many there are."""
    if score == -_INF:
        return found
    if found < len(rank):  # in at the bottom, and up
        i = found
        found += 1
        while i > 0 and rank[(i - 1) // 2] > score:
            rank[i], which[i] = rank[(i - 1) // 2], which[(i - 1) // 2]
            i = (i - 1) // 2
    else:  # in place of the worst one on top, and down
        i = 0
        while 2 * i + 1 < found:
            child = 2 * i + 1
            if child + 1 < found and rank[child + 1] < rank[child]:
                child += 1
            if rank[child] >= score:
                break
            rank[i], which[i] = rank[child], which[child]
            i = child
    rank[i], which[i] = score, candidate
    return found


@loop
def log_add(a, b):
    """Logarithm of the sum of two probabilities."""
    if a < b:
        a, b = b, a
    return a if b == -_INF or b < a - 40 else a + math.log(1 + math.exp(b - a))  # to 1e-16 of a nat


@loop
def longer(values, filler):
    """Return an array of twice the length, the rest filled."""
    found = np.full(2 * len(values), filler)
    for k in range(len(values)):
        found[k] = values[k]
    return found


@loop
def spell(node, above, symbol, labels):
    """Write the symbols of a prefix into ``labels``, which has as many entries as the node is deep."""
    for k in range(len(labels) - 1, -1, -1):
        labels[k] = symbol[node]
        node = above[node]


@loop
def edit_distance(read, true, row):
    """Fewest edits between two sequences of whole numbers; ``row`` has one entry more than ``true``."""
    for i in range(len(row)):
        row[i] = i
    for n in range(len(read)):
        above, row[0] = row[0], n + 1
        for i in range(1, len(row)):
            fewest = min(row[i] + 1, row[i - 1] + 1, above + (read[n] != true[i - 1]))
            above, row[i] = row[i], fewest
    return row[-1]


ENTRIES = (prefix_beam, spell, edit_distance)


def warm_up() -> None:
    """Compile, or read what was compiled before."""
    whole, labels = np.zeros(1, np.int64), np.zeros(0, np.int64)
    *_, above, symbol, _ = prefix_beam(np.zeros((1, 1)), 0, 1, np.empty((0, 0)), -_INF, _INF)
    spell(ROOT, above, symbol, labels)
    edit_distance(whole, whole, np.zeros(2, np.int64))
