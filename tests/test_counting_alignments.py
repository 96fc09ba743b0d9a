"""Chapter 7: counts and ranks, exhaustively, against listing everything there is."""

from itertools import product
from math import comb

import numpy as np
import pytest
from enumeration import label_sequences, merge_runs, position_paths
from hypothesis import given
from hypothesis import strategies as st

from course_utils.alignment import InfeasibleError, count_expansions, count_paths, expansions, paths, rank_paths
from course_utils.collapsing import runs


@pytest.mark.parametrize("T", range(1, 8))
def test_the_count_is_that_of_the_list_for_every_target_of_three_symbols(T):
    for K in range(T + 2):
        for target in product(range(3), repeat=K):
            listed = label_sequences(target, 3, T)
            assert count_expansions(target, T) == len(listed), target
            assert sorted(expansions(target, T)) == sorted(map(tuple, listed.tolist())), target
        assert count_paths(K, T) == len(position_paths(K, T)) == (comb(T - 1, K - 1) if 1 <= K <= T else 0)


@given(st.integers(0, 10**6))
def test_the_rank_of_a_path_is_its_place_in_the_list(seed):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(1, 7))
    K = int(rng.integers(1, T + 1))
    y = rng.integers(1, 4, (T, 3)) if rng.random() < 0.5 else rng.dirichlet(np.ones(3), T)  # the first have many ties
    y = y / y.sum(axis=1, keepdims=True)
    target = rng.integers(3, size=K)
    ranked = rank_paths(np.log(y), target)
    products = {path: y[range(T), target[list(path)]].prod() for path in paths(K, T)}
    assert {tuple(path) for path in ranked.paths.tolist()} == set(products)
    for path, p in products.items():
        better = sum(other > p * (1 + 1e-9) for other in products.values())
        equal = sum(abs(other - p) <= 1e-9 * p for other in products.values()) - 1
        assert ranked.rank(path) == better + 1
        assert ranked.equals(path) == equal
        assert ranked.scores[ranked.place(path)] == pytest.approx(np.log(p))
        assert ranked.compressed(path) == merge_runs(target[list(path)].tolist())
    assert (np.diff(ranked.scores) <= 1e-12).all()


def test_a_path_of_zero_probability_has_a_rank_too():
    with np.errstate(divide="ignore"):
        ranked = rank_paths(np.log([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), [0, 1])
    assert [ranked.rank(path) for path in ([0, 1, 1], [0, 0, 1])] == [1, 1]
    with np.errstate(divide="ignore"):
        ranked = rank_paths(np.log([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]]), [0, 1])
    assert [ranked.rank(path) for path in ([0, 0, 1], [0, 1, 1])] == [1, 2]


def test_what_is_no_path_has_no_rank():
    ranked = rank_paths(np.log([[0.5, 0.5]] * 3), [0, 1])
    for path in ([0, 0, 0], [0, 1], [1, 1, 1], [0, 1, 1, 1]):
        with pytest.raises(ValueError, match="is no path of 2 positions in 3 frames"):
            ranked.place(path)
    with pytest.raises(InfeasibleError, match="no path of 3 symbols fits into 2 frames"):
        rank_paths(np.log([[0.5, 0.5]] * 2), [0, 1, 0])
    with pytest.raises(InfeasibleError):
        rank_paths(np.log([[0.5, 0.5]] * 2), [])


@given(st.text("AB", max_size=10))
def test_runs_are_what_compressing_keeps(labels):
    found = runs(labels)
    assert tuple(run.left.symbol for run in found) == merge_runs(labels)
    assert [part.first for run in found for part in run.parts] == list(range(len(labels)))
    assert all((run.left.first, run.left.last) == (run.parts[0].first, run.parts[-1].last) for run in found)
