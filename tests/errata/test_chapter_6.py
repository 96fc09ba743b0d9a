"""One test for each line of ERRATA.md that chapter 6 has a box for: the printed claim fails, the right form holds."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from planting import assert_red, instead

from course_utils.alignment import adjacent_repeats, compress, count_expansions, count_paths, expansions
from course_utils.alignment_training import train
from course_utils.examples import BEST_LABELS_LOSE, PHONEMES, UTTERANCES
from course_utils.naive_decoding import NaiveDecoding, decode, probability, strings


def test_e34_a_string_keeps_a_symbol_that_comes_back():
    assert compress("ABA") == ("A", "B", "A")  # K is 3, of 2 distinct symbols
    spelled = [labels for labels in product("AB", repeat=5) if compress(labels) == tuple("ABA")]
    assert len(spelled) == 6
    assert sorted(expansions("ABA", 5)) == sorted(spelled)
    assert decode([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4]]).read.string == (0, 1, 0)


def test_e35_no_labels_spell_equal_neighbours():
    doubled = (PHONEMES[0], *PHONEMES)  # B B AH T
    assert not any(compress(labels) == doubled for labels in product(PHONEMES, repeat=7))
    assert count_expansions(doubled, 7) == 0
    assert list(expansions(doubled, 7)) == []
    image = {spelled.string for spelled in strings(np.full((3, 2), 0.5))}
    assert image == {(0,), (1,), (0, 1), (1, 0), (0, 1, 0), (1, 0, 1)}  # 6 of the 14 strings of one to three symbols
    assert image == {compress(labels) for labels in product(range(2), repeat=3)}


def test_e38_the_best_labels_are_the_best_symbols_but_need_not_spell_the_best_string():
    rng = np.random.default_rng(0)
    for y in rng.dirichlet(np.ones(3), (200, 5)):
        best = max(product(range(3), repeat=5), key=lambda labels: y[range(5), labels].prod())
        found = decode(y)
        assert found.labels == best
        assert found.products[-1] == pytest.approx(y[range(5), best].prod(), abs=1e-15)
    found = decode(BEST_LABELS_LOSE)
    assert found.read.string == (0, 1, 0)
    assert found.read.probability == pytest.approx(0.216, abs=1e-15)
    assert {s.string: s.probability for s in found.most_probable} == pytest.approx({(0, 1): 0.24, (1, 0): 0.24})
    assert not found.is_best


def test_e43_the_product_takes_the_symbols_of_the_frames_for_independent():
    truth = {(0, 0): 0.5, (1, 1): 0.5}  # AA or BB, nothing else
    y = np.array([[sum(p for labels, p in truth.items() if labels[t] == k) for k in range(2)] for t in range(2)])
    np.testing.assert_allclose(y, 0.5)  # every frame by itself is right
    assert probability(y, [0, 1]) == pytest.approx(0.25)  # what never happens
    assert probability(y, [0]) == pytest.approx(0.25)  # what happens half of the time
    assert sum(spelled.probability for spelled in strings(y)) == pytest.approx(1)


def test_e39_the_number_of_paths_is_a_polynomial_in_the_frames():
    K = 3
    counts = np.array([count_paths(K, N) for N in range(3, 40)])
    assert (np.diff(counts, n=K - 1) == 1).all()  # differences of order K − 1 are constant: a polynomial
    assert [count_paths(3, N) for N in (10, 20, 40, 80)] == [36, 171, 741, 3081]
    middle = [count_paths(N // 2, N) for N in (20, 40, 80)]  # where K grows too, doubling N squares the count
    assert middle[1] > middle[0] ** 1.9
    assert middle[2] > middle[1] ** 1.9


def test_e46_maximising_stays_where_summing_leaves(oracles):
    wanted = oracles["O20_viterbi_training"]
    start = wanted["fixed_init_W0"]
    best = train(start, *UTTERANCES, paths="best")
    every = train(start, *UTTERANCES, paths="all")
    assert best.nll[-1] == pytest.approx(wanted["nll_viterbi_W0"], abs=1e-12)
    assert every.nll[-1] == pytest.approx(wanted["nll_sum_W0"], abs=1e-12)


def each_symbol_once(right, labels):
    return tuple(dict.fromkeys(labels))


def best_of_the_best_string(right, y):
    """Take the labels from the most probable string, as if that were the best sequence."""
    found = right(y)
    fits = [p for p in product(range(3), repeat=len(y)) if compress(p) == found.most_probable[0].string]
    return replace(found, labels=fits[0])


def knows_the_truth(right, y, string):
    return 0.5 if len(string) == 1 else 0.0


def always(which):
    return lambda right, *args, paths: right(*args, paths=which)


MISTAKES = {
    "E34: distinct symbols only": (
        test_e34_a_string_keeps_a_symbol_that_comes_back,
        instead(compress, each_symbol_once),
    ),
    "E35: equal neighbours are spelled like all others": (
        test_e35_no_labels_spell_equal_neighbours,
        instead(adjacent_repeats, lambda right, target: 0),
    ),
    "E38: the best labels spell the best string": (
        test_e38_the_best_labels_are_the_best_symbols_but_need_not_spell_the_best_string,
        instead(NaiveDecoding.is_best, lambda right, found: True),
    ),
    "E38: the best sequence is another one": (
        test_e38_the_best_labels_are_the_best_symbols_but_need_not_spell_the_best_string,
        instead(decode, best_of_the_best_string),
    ),
    "E43: the frames know of one another": (
        test_e43_the_product_takes_the_symbols_of_the_frames_for_independent,
        instead(probability, knows_the_truth),
    ),
    "E39: exponentially many paths": (
        test_e39_the_number_of_paths_is_a_polynomial_in_the_frames,
        instead(count_paths, lambda right, K, N: K**N),
    ),
    "E46: the maximum in place of the sum": (
        test_e46_maximising_stays_where_summing_leaves,
        instead(train, always("best")),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
