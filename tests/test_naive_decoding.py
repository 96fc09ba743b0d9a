"""Sections 6.3 to 6.5: is what is read frame by frame the best sequence, and what is the probability of each string?"""

from collections import Counter
from itertools import pairwise, product
from math import prod

import numpy as np
import pytest
from enumeration import label_sequences, merge_runs, random_table, scores_of_labels
from hypothesis import example, given
from hypothesis import strategies as st

from course_utils.ctc_loss import loss_and_gradient
from course_utils.examples import READINGS
from course_utils.naive_decoding import MOST_SEQUENCES, decode, probability, strings

SEEDS = st.integers(0, 10**6)


def table(seed, longest=6):
    """Return (T, A) probabilities of one of the kinds that the enumeration knows, zeros and ties among them."""
    rng = np.random.default_rng(seed)
    return np.exp(random_table(rng, int(rng.integers(1, longest + 1)), int(rng.integers(1, 4))))


def slowly(y, string):
    """Add up all label sequences that merge to a string."""
    with np.errstate(divide="ignore"):
        return np.exp(scores_of_labels(np.log(y), label_sequences(string, y.shape[1], len(y)))).sum()


@given(SEEDS)
def test_the_best_symbols_are_the_best_sequence_of_all(seed):
    y = table(seed, 5)
    found = decode(y)
    products = {labels: y[range(len(y)), labels].prod() for labels in product(range(y.shape[1]), repeat=len(y))}
    assert products[found.labels] == pytest.approx(max(products.values()), rel=1e-12)
    assert found.products[-1] == pytest.approx(products[found.labels], rel=1e-12)
    assert found.read.string == merge_runs(found.labels)
    for t, best in enumerate(found.best):
        assert best == tuple(k for k in range(y.shape[1]) if y[t, k] == y[t].max())
        assert found.labels[t] == best[0]  # of equals the first


@given(SEEDS)
def test_the_strings_share_all_the_probability_there_is(seed):
    y = table(seed)
    listed = strings(y)
    assert sum(s.probability for s in listed) == pytest.approx(1, abs=1e-12)
    assert len({s.string for s in listed}) == len(listed)
    assert all(merge_runs(s.string) == s.string for s in listed)
    probabilities = [s.probability for s in listed]
    assert all(a >= b * (1 - 1e-11) for a, b in pairwise(probabilities))
    for s in listed:
        assert s.probability == pytest.approx(slowly(y, s.string), rel=1e-10)
        assert probability(y, s.string) == pytest.approx(s.probability, rel=1e-10)
        sequences = label_sequences(s.string, y.shape[1], len(y))
        assert s.sequences == sum(y[range(len(y)), labels].prod() > 0 for labels in sequences)


@given(SEEDS)
def test_the_verdict_is_that_of_the_sums(seed):
    found = decode(table(seed))
    top = max(s.probability for s in found.strings)
    assert found.is_best == (found.read.probability >= top * (1 - 1e-9))
    assert {s.string for s in found.most_probable} == {
        s.string for s in found.strings if s.probability >= top * (1 - 1e-9)
    }


def test_a_blank_that_is_never_seen_makes_the_probability_that_of_ctc():
    """CTC's paths without the blank are these, so torch's peer agrees where the blank has no probability."""
    rng = np.random.default_rng(3)
    y = np.hstack([np.zeros((6, 1)), rng.dirichlet(np.ones(3), 6)])
    with np.errstate(divide="ignore"):
        log_y = np.log(y)
    for string in ([1], [1, 2], [3, 1, 2], [1, 2, 1, 3]):
        loss, _ = loss_and_gradient(log_y, string)
        assert probability(y, string) == pytest.approx(np.exp(-loss), rel=1e-12)


def test_the_cases_of_the_menu_are_what_their_names_say():
    found = {name: decode(case.y) for name, case in READINGS.items()}
    assert found["one word, said slowly"].is_best
    assert not found["the best labels lose"].is_best
    assert [s.string for s in found["the best labels lose"].most_probable] == [(0, 1), (1, 0)]
    book = found["a doubled letter"]
    assert [max(row) for row in READINGS["a doubled letter"].y] == [0.9, 0.9, 0.85, 0.9]
    assert book.read.string == (0, 1, 2)
    assert not any(s.string == (0, 1, 1, 2) for s in book.strings)
    assert found["one unsure frame"].is_best
    ties = found["all ties"]
    assert ties.best == ((0, 1),) * 3
    assert ties.read.string == (0,)
    assert [s.probability for s in ties.most_probable] == [0.25, 0.25]


def test_the_example_of_the_text_reads_aba_while_two_other_strings_are_more_probable():
    """E38: the best sequence is the product of the best symbols, 0.216; AB and BA have two sequences each, and 0.24."""
    found = decode([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4]])
    assert (found.labels, found.read.string, found.read.sequences) == ((0, 1, 0), (0, 1, 0), 1)
    assert found.products.tolist() == pytest.approx([0.6, 0.36, 0.216])
    assert found.read.probability == pytest.approx(0.216)
    told = [(s.string, s.sequences, round(s.probability, 12)) for s in found.most_probable]
    assert told == [((0, 1), 2, 0.24), ((1, 0), 2, 0.24)]
    assert not found.is_best


@given(SEEDS)
@example(1110)  # two equal strings, one of which is less by a rounding error
def test_the_strings_stand_in_order_of_whole_numbers_and_equals_by_length_and_symbols(seed):
    """With weights that are whole numbers the sums are exact, and ties are ties."""
    rng = np.random.default_rng(seed)
    T, A = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    weights = rng.integers(0, 4, (T, A))
    weights[weights.sum(axis=1) == 0] = 1
    sums, sequences = Counter(), Counter()
    for labels in product(range(A), repeat=T):
        p = prod(int(weights[t, k]) for t, k in enumerate(labels))
        sums[merge_runs(labels)] += p
        sequences[merge_runs(labels)] += p > 0
    in_order = sorted((s for s in sums if sums[s]), key=lambda s: (-sums[s], len(s), s))
    found = decode(weights / weights.sum(axis=1, keepdims=True))
    assert [(s.string, s.sequences) for s in found.strings] == [(s, sequences[s]) for s in in_order]
    assert [s.string for s in found.most_probable] == [s for s in in_order if sums[s] == sums[in_order[0]]]
    assert found.is_best == (sums[found.read.string] == sums[in_order[0]])


def test_single_precision_and_lists_are_read_as_they_are():
    y = np.random.default_rng(0).dirichlet(np.ones(3), 4).astype(np.float32)
    for other in (y.astype(float), y.astype(float).tolist()):
        one, two = decode(y), decode(other)
        assert (one.labels, one.strings) == (two.labels, two.strings)
        assert probability(y, [0, 1]) == probability(other, [0, 1])


def test_as_many_sequences_as_are_listed_can_be_listed():
    y = np.full((15, 2), 0.5)  # 32768
    listed = strings(y)
    assert sum(s.sequences for s in listed) == 2**15 <= MOST_SEQUENCES
    with pytest.raises(ValueError, match="65536 sequences"):
        strings(np.full((16, 2), 0.5))


def test_each_run_is_one_change():
    found = decode(READINGS["one word, said slowly"].y)
    assert [(run.left.symbol, run.left.first, run.left.last) for run in found.runs] == [(0, 0, 1), (1, 2, 3), (2, 4, 4)]


def test_edges():
    assert decode([[1.0]]).read.string == (0,)
    assert probability([[0.25, 0.75]], [1]) == 0.75
    assert probability([[0.25, 0.75]], []) == 0
    assert probability([[0.25, 0.75]], [0, 1]) == 0
    assert probability([[0.5, 0.5]] * 3, [0, 0]) == 0
    single = decode(np.array([[0.4, 0.4, 0.2]], dtype=np.float32))
    assert single.labels == (0,)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: decode(np.empty((0, 2))), "at least one frame"),
        (lambda: strings(np.empty((0, 2))), "at least one frame"),
        (lambda: probability(np.empty((0, 2)), []), "at least one frame"),
        (lambda: decode([0.5, 0.5]), "it must be \\(T, A\\)"),
        (lambda: decode([[1.2, -0.2]]), "probabilities lie between 0 and 1"),
        (lambda: decode([[0.5, 0.6]]), "sum to 1.1"),
        (lambda: decode([[0.5, np.nan]]), "NaN"),
        (lambda: decode(np.full((11, 3), 1 / 3)), f"177147 sequences; at most {MOST_SEQUENCES} are listed"),
        (lambda: probability([[0.5, 0.5]], [2]), "string\\[0\\] is 2"),
        (lambda: probability(np.full((40, 12), 1 / 12), range(12)), "take fewer frames"),
    ],
)
def test_bad_arguments_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
