"""The slow way to every answer, written without the package: list everything there is and keep what fits."""

from functools import cache
from itertools import product

import numpy as np


def merge_runs(sequence):
    """Compress, written once more: drop what equals its left neighbour."""
    kept = []
    for symbol in sequence:
        if not kept or symbol != kept[-1]:
            kept.append(symbol)
    return tuple(kept)


@cache
def position_paths(K, T):
    """(n, T): of all K^T sequences of positions, those that visit 0, 1 … K − 1 one after the other."""
    every = [path for path in product(range(K), repeat=T) if merge_runs(path) == tuple(range(K))]
    return np.array(every, dtype=int).reshape(-1, T)


@cache
def _labels_by_target(A, T):
    sorted_out = {}
    for labels in product(range(A), repeat=T):
        sorted_out.setdefault(merge_runs(labels), []).append(labels)
    return {target: np.array(labels) for target, labels in sorted_out.items()}


def label_sequences(target, A, T):
    """(n, T): of all A^T sequences of labels, those that compress to the target."""
    none = np.empty((0, T), dtype=int)
    return _labels_by_target(A, T).get(tuple(int(k) for k in target), none)


def scores_of_labels(log_y, labels):
    """Log-probability of each of (n, T) label sequences."""
    return log_y[np.arange(len(log_y)), labels].sum(axis=1)


def scored_paths(log_y, target):
    """All paths, (n, T), and the log-probability of each."""
    paths = position_paths(len(target), len(log_y))
    return paths, scores_of_labels(log_y, np.asarray(target)[paths])


def random_table(rng, T, A):
    """(T, A) log-probabilities of one of four kinds: smooth, with zeros, coarse so that ties abound, nearly certain."""
    kind = rng.integers(4)
    if kind == 0:
        y = rng.dirichlet(np.ones(A), T)
    elif kind == 1:
        y = rng.dirichlet(np.ones(A), T) * (rng.random((T, A)) < 0.7)
        y[np.arange(T), rng.integers(A, size=T)] += 0.1
    elif kind == 2:
        y = rng.integers(1, 3, size=(T, A)).astype(float)
    else:
        y = rng.dirichlet(np.full(A, 0.05), T) + 1e-300
    with np.errstate(divide="ignore"):
        return np.log(y / y.sum(axis=1, keepdims=True))


def random_problem(rng, longest=6):
    """Log-probabilities and a target that fits: T = 1, K = 1, K = T, one symbol and repeats are all among them."""
    T = int(rng.integers(1, longest + 1))
    K = int(rng.integers(1, T + 1))
    A = int(rng.integers(1, 5))
    return random_table(rng, T, A), rng.integers(A, size=K)


def collapse_slowly(labels, blank):
    """Collapse, written once more: take what is no blank and differs from the label just before."""
    kept = []
    for t, label in enumerate(labels):
        if label != blank and (t == 0 or label != labels[t - 1]):
            kept.append(label)
    return tuple(kept)


@cache
def labels_by_string(A, T, blank):
    """Sort all A^T label sequences by what they collapse to: string -> (n, T)."""
    sorted_out = {}
    for labels in product(range(A), repeat=T):
        sorted_out.setdefault(collapse_slowly(labels, blank), []).append(labels)
    return {string: np.array(labels, dtype=int).reshape(-1, T) for string, labels in sorted_out.items()}
