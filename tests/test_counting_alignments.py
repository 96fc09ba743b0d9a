"""Chapter 7: counts and ranks, exhaustively, against listing everything there is."""

from itertools import product
from math import comb, prod

import numpy as np
import pytest
from enumeration import label_sequences, merge_runs, position_paths
from hypothesis import example, given
from hypothesis import strategies as st
from showing import showing

from course_utils.alignment import InfeasibleError, count_expansions, count_paths, expansions, paths, rank_paths
from course_utils.collapsing import runs


@pytest.mark.parametrize("T", range(1, 8))
def test_the_count_is_that_of_the_list_for_every_target_of_three_symbols(T):
    for K in range(T + 2):
        for target in product(range(3), repeat=K):
            listed = label_sequences(target, 3, T)
            assert count_expansions(target, T) == len(listed), target
            assert sorted(expansions(target, T)) == sorted(map(tuple, listed.tolist())), target
        assert count_paths(K, T) == (comb(T - 1, K - 1) if 1 <= K <= T else 0)
        assert T == 7 or count_paths(K, T) == len(position_paths(K, T)), K  # there are 8 to the power of 7 to look at


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


@given(st.integers(0, 10**6))
@example(379)  # two of the four paths are equal, and the sums of their logarithms are rounded apart
def test_of_equal_paths_those_that_advance_first_stand_first(seed):
    """With weights that are whole numbers ties are exact, whatever the sum of their logarithms is rounded to."""
    rng = np.random.default_rng(seed)
    T = int(rng.integers(1, 7))
    weights, target = rng.integers(1, 4, (T, 3)), rng.integers(3, size=rng.integers(1, T + 1))
    products = {p: prod(int(weights[t, target[i]]) for t, i in enumerate(p)) for p in paths(len(target), T)}
    in_order = sorted(products, key=products.get, reverse=True)  # stable: paths() lists those that advance first, first
    ranked = rank_paths(np.log(weights / weights.sum(axis=1, keepdims=True)), target)
    with showing(lambda: f"weights {weights.tolist()}, target {target.tolist()}, scores {ranked.scores.tolist()}"):
        assert list(map(tuple, ranked.paths.tolist())) == in_order


@given(st.integers(0, 10**6))
def test_the_paths_of_equal_neighbours_have_ranks_but_compress_to_something_shorter(seed):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(2, 7))
    ranked = rank_paths(np.log(rng.dirichlet(np.ones(2), T)), [0, 0])
    assert len(ranked.paths) == T - 1
    for path in ranked.paths.tolist():
        assert (ranked.rank(path), ranked.equals(path), ranked.compressed(path)) == (1, T - 2, (0,))


@given(st.integers(0, 10**6))
def test_single_precision_has_ranks_too(seed):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(1, 6))
    log_y = np.log(rng.dirichlet(np.ones(3), T)).astype(np.float32)
    target = rng.integers(3, size=rng.integers(1, T + 1))
    one, two = rank_paths(log_y, target), rank_paths(log_y.astype(float), target)
    np.testing.assert_array_equal(one.paths, two.paths)
    np.testing.assert_array_equal(one.emitted, two.emitted)
    assert one.emitted.tolist() == [[log_y[t, k] for k in target] for t in range(T)]


def test_counts_are_exact_beyond_the_largest_machine_integer(oracles):
    published = oracles["O7_ctc_counts"]["compress_counts"]
    assert count_paths(3, 6) == published["N=6,K=3"]
    assert count_paths(10, 100) == count_expansions(range(10), 100) == published["N=100,K=10"]
    assert count_expansions("ABA", 5) == published["N=5,S=ABA"]
    assert count_expansions("AA", 3) == published["N=3,S=AA"]
    assert count_paths(2, 3) == published["grid paths N=3,S=AA"]
    assert count_paths(100, 200) == comb(199, 99) > 2**63
    assert [count_paths(K, T) for K, T in ((0, 0), (0, 3), (3, 0), (4, 3), (3, 3))] == [1, 0, 0, 0, 1]
    assert (list(paths(0, 0)), list(expansions("", 0)), count_expansions("", 0)) == ([()], [()], 1)


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
