"""Reading strings off CTC's probabilities: is what a search reports what listing all label sequences gives?"""

from functools import cache
from itertools import product

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string, random_table, scores_of_labels
from hypothesis import given
from hypothesis import strategies as st
from loops import switched_off, with_a_fault

from course_utils import decoding
from course_utils.alignment_training import log_softmax
from course_utils.ctc import forward_backward
from course_utils.decoding import (
    beam_search,
    best_string,
    character_error_rate,
    edit_distance,
    greedy,
    prefix_beam_search,
)
from course_utils.examples import CTC_SYMBOLS, CTC_Y, SILENT_Y
from course_utils.posteriors import log_probabilities

pytestmark = pytest.mark.slow

EXACT = {"rel": 1e-12, "abs": 1e-12}
LOG_Y, LOG_SILENT = np.log(CTC_Y), np.log(SILENT_Y)
ALL = 10**6  # a width that no prefix is dropped for


def spell(labels):
    return "".join(CTC_SYMBOLS[k] for k in labels)


def in_letters(hypotheses, of="log_p"):
    return [(spell(h.labels), getattr(h, of)) for h in hypotheses]


def assert_same_ranking(found, truth):
    assert [string for string, _ in found] == [string for string, _ in truth]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in truth], rtol=1e-12, atol=1e-12)


# -- the slow ways


def enumerate_strings(log_y, blank):
    """The log-probability of every string that has any, from all A^T label sequences."""
    T, A = log_y.shape
    found = {}
    for string, labels in labels_by_string(A, T, blank).items():
        log_p = np.logaddexp.reduce(scores_of_labels(log_y, labels))
        if log_p > -np.inf:
            found[string] = float(log_p)
    return found


def prefixes_in_a_dictionary(log_y, blank, width, log_bigram=None, weight=0.0, distance=np.inf):
    """Prefix beam search as textbooks have it: for each prefix the probability with and without a blank at the end."""
    lm = np.zeros((log_y.shape[1],) * 2) if log_bigram is None else weight * log_bigram

    def of_bigrams(string):
        return sum(lm[i, j] for i, j in zip((blank, *string), string, strict=False))

    beam = {(): (0.0, -np.inf)}
    for frame in log_y:
        grown = {}

        def add(string, log_p_blank, log_p_non_blank, grown=grown):
            b, s = grown.get(string, (-np.inf, -np.inf))
            grown[string] = np.logaddexp(b, log_p_blank), np.logaddexp(s, log_p_non_blank)

        for string, (b, s) in beam.items():
            for k, p in enumerate(frame):
                if k == blank:
                    add(string, np.logaddexp(b, s) + p, -np.inf)
                elif string and k == string[-1]:
                    add(string, -np.inf, s + p)
                    add((*string, k), -np.inf, b + p)
                else:
                    add((*string, k), -np.inf, np.logaddexp(b, s) + p)
        ranks = {string: np.logaddexp(*grown[string]) + of_bigrams(string) for string in grown}
        ranked = sorted(grown, key=lambda string: -ranks[string])
        beam = {string: grown[string] for string in ranked[:width] if ranks[string] >= ranks[ranked[0]] - distance}
    return {string: np.logaddexp(*both) for string, both in beam.items() if max(both) > -np.inf}


def cases(count, seed, longest=5):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        T, A = int(rng.integers(1, longest + 1)), int(rng.integers(2, 5))
        yield rng, random_table(rng, T, A), int(rng.integers(A))


# -- greedy


def test_greedy_on_the_published_tables(oracles):
    truth = oracles["O6_decoders_Y43"]
    assert spell(greedy(LOG_Y)) == truth["greedy"]
    assert spell(LOG_Y.argmax(axis=1)) == truth["greedy_path"]
    assert np.exp(LOG_Y.max(axis=1).sum()) == pytest.approx(truth["greedy_path_prob"], **EXACT)
    assert spell(greedy(LOG_SILENT)) == oracles["O6b_greedy_vs_map"]["greedy"] == ""


def test_greedy_is_the_collapse_of_the_best_alignment_of_all():
    for _, log_y, blank in cases(300, 1):
        labels = np.array(list(product(range(log_y.shape[1]), repeat=len(log_y))))
        scores = scores_of_labels(log_y, labels)
        tied = labels[scores >= scores.max() - 1e-12].tolist()
        found = greedy(log_y, blank)
        assert found in {collapse_slowly(one, blank) for one in tied}, log_y
        assert found == collapse_slowly(log_y.argmax(axis=1).tolist(), blank), log_y
        assert all(type(k) is int for k in found)


def test_where_symbols_tie_greedy_takes_the_lowest_column():
    log_y = log_probabilities([[0.4, 0.2, 0.4], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]])
    assert greedy(log_y) == (1,)
    assert greedy(log_y, 2) == (0, 1, 0)
    assert greedy(log_y, 1) == (0, 0)


# -- all strings, exactly


def test_all_strings_with_their_published_probabilities(oracles):
    truth = oracles["O6_decoders_Y43"]
    found = best_string(LOG_Y)
    ranked = [(string, np.exp(log_p)) for string, log_p in in_letters(found)]
    assert_same_ranking(ranked, truth["dist"])
    assert_same_ranking(ranked[:1], [truth["map"]])
    assert sum(p for _, p in ranked) == pytest.approx(truth["total"], **EXACT)
    assert_same_ranking(
        [(spell(h.labels), np.exp(h.score)) for h in best_string(LOG_SILENT)], oracles["O6b_greedy_vs_map"]["dist"]
    )


def assert_strings_like_enumeration(count):
    for _, log_y, blank in cases(count, 2, longest=4):
        found = best_string(log_y, blank)
        assert {h.labels: h.log_p for h in found} == pytest.approx(enumerate_strings(log_y, blank), **EXACT), log_y
        assert found == sorted(found, key=lambda h: (-h.score, h.labels))
        assert sum(np.exp(h.log_p) for h in found) == pytest.approx(1, rel=1e-9)
        assert best_string(log_y, blank, 1) == [h for h in found if len(h.labels) <= 1]


def test_all_strings_are_those_of_enumeration():
    assert_strings_like_enumeration(100)
    assert best_string(LOG_Y, max_length=2) == [h for h in best_string(LOG_Y) if len(h.labels) <= 2]


def test_enumeration_sees_strings_that_lose_their_repeats(monkeypatch):
    def no_repeats(log_y, labels, blank):
        kept = tuple(k for i, k in enumerate(labels) if i == 0 or k != labels[i - 1])
        return forward_backward(log_y, kept, blank)

    monkeypatch.setattr(decoding, "forward_backward_unchecked", no_repeats)
    with pytest.raises(AssertionError):
        assert_strings_like_enumeration(10)


# -- prefix beam search


@pytest.mark.parametrize("width", [1, 2, 3, 100])
def test_the_published_widths(oracles, width):
    string, p = oracles["O6_decoders_Y43"]["beam"][str(width)]
    (found,) = prefix_beam_search(LOG_Y, width=width)
    assert spell(found.labels) == string
    assert np.exp(found.log_p) == pytest.approx(p, **EXACT)
    assert found.score == found.log_p


def test_a_width_of_two_finds_what_greedy_cannot(oracles):
    truth = oracles["O6b_greedy_vs_map"]
    for width in (1, 2):
        found = prefix_beam_search(LOG_SILENT, width=width, n_best=9)
        assert_same_ranking([(s, np.exp(p)) for s, p in in_letters(found)], truth[f"beam{width}"])


def assert_full_width_is_exact(count):
    for _, log_y, blank in cases(count, 3):
        found = prefix_beam_search(log_y, blank, ALL, n_best=ALL)
        log_ps = {h.labels: h.log_p for h in found}
        assert len(log_ps) == len(found)
        assert log_ps == pytest.approx(enumerate_strings(log_y, blank), **EXACT), log_y
        assert found == sorted(found, key=lambda h: (-h.score, h.labels))


def test_with_a_width_for_all_prefixes_it_is_exact(both_ways):
    assert_full_width_is_exact(300)


def test_with_a_width_for_all_prefixes_it_ranks_like_best_string():
    for _, log_y, blank in cases(60, 4, longest=4):
        found = {h.labels: h.log_p for h in prefix_beam_search(log_y, blank, ALL, n_best=ALL)}
        truth = {h.labels: h.log_p for h in best_string(log_y, blank)}
        assert found == pytest.approx(truth, **EXACT), log_y


class Forgetful(decoding._Prefixes):
    """A new node for every prefix, whether or not it has been in the beam before."""

    def extend(self, parents, symbols):
        self.children.clear()
        return super().extend(parents, symbols)


class Orphans(decoding._Prefixes):
    """Prefixes that do not find their parents, so that growing and staying are not put together."""

    def rows_of_parents(self, ids):
        return np.full(len(ids), -1)


def test_enumeration_sees_prefixes_that_are_not_put_together(monkeypatch):
    switched_off(monkeypatch)
    monkeypatch.setattr(decoding, "_Prefixes", Orphans)
    with pytest.raises(AssertionError):
        assert_full_width_is_exact(30)


def assert_like_a_dictionary(count):
    rng = np.random.default_rng(5)
    for _ in range(count):
        T, A, width = int(rng.integers(1, 12)), int(rng.integers(2, 5)), int(rng.integers(1, 7))
        log_y, blank = np.log(rng.dirichlet(np.ones(A), T)), int(rng.integers(A))
        weight, log_bigram = rng.uniform(0, 2), np.log(rng.dirichlet(np.ones(A), A))
        for model in ({}, {"log_bigram": log_bigram, "lm_weight": weight}):
            found = prefix_beam_search(log_y, blank, width, n_best=ALL, **model)
            truth = prefixes_in_a_dictionary(log_y, blank, width, model.get("log_bigram"), weight)
            assert {h.labels: h.log_p for h in found} == pytest.approx(truth, rel=1e-10, abs=1e-10), (log_y, width)


def test_narrow_beams_keep_what_a_dictionary_of_prefixes_keeps(both_ways):
    assert_like_a_dictionary(300)


def test_the_dictionary_sees_a_prefix_that_comes_back_as_another(monkeypatch):
    switched_off(monkeypatch)
    monkeypatch.setattr(decoding, "_Prefixes", Forgetful)
    with pytest.raises(AssertionError):
        assert_like_a_dictionary(300)


#: What stands in compiled/decoding.py, and what stands there instead.
FAULTY_LOOPS = {
    "prefixes are not put together": ("if parent >= 0:", "if False:"),
    "growing and staying count twice": ("if merged[r, k] == t:", "if False:"),
    "one score a prefix": ("(log_p_blank[r] if k == last else both[r]) + y[k] + added[r]", "both[r] + y[k] + added[r]"),
    "one score a prefix, when it is kept": (
        "= (log_p_blank[r] if k == last else both[r]) + y[k]\n",
        "= both[r] + y[k]\n",
    ),
    "a prefix that comes back is another": ("while child != 0 and symbol[child] != k:", "while child != 0:"),
    "the worst of all is kept": ("if found < width or score > rank[0]:", "if True:"),
    "the heap is no heap": ("rank[child + 1] < rank[child]", "rank[child + 1] > rank[child]"),
    "a symbol that could survive is left out": ("top + y[k] > rank[0]", "top + y[k] > rank[0] + 1"),
    "the row of a prefix that was dropped": ("row[node[r]] = -1", "pass"),
    "the model is asked about another symbol": ("score += weights[last, k]", "score += weights[k, last]"),
}


@pytest.mark.parametrize(("right", "wrong"), FAULTY_LOOPS.values(), ids=FAULTY_LOOPS)
def test_the_dictionary_sees_a_fault_in_the_loops(right, wrong, monkeypatch):
    with_a_fault(monkeypatch, "decoding", right, wrong)
    with pytest.raises((AssertionError, IndexError)), np.errstate(all="ignore"):
        assert_like_a_dictionary(300)


def assert_no_string_twice_and_none_better_than_exact(count):
    rng = np.random.default_rng(6)
    for n in range(count):
        T, A, width = int(rng.integers(2, 16)), int(rng.integers(2, 4)), int(rng.integers(2, 7))
        log_y = random_table(rng, T, A)
        found = prefix_beam_search(log_y, 0, width, n_best=width)
        strings = [h.labels for h in found]
        assert len(set(strings)) == len(strings) <= width, f"{strings}\n{log_y}"
        for h in found if n % 10 == 0 else ():
            exact = forward_backward(log_y, h.labels).log_p
            assert h.log_p <= exact + 1e-10 * max(1, abs(exact)), f"{h}, but {exact}\n{log_y}"


def test_no_string_is_found_twice_and_none_scores_above_its_exact_probability():
    assert_no_string_twice_and_none_better_than_exact(4000)


def test_strings_found_twice_are_seen(monkeypatch):
    switched_off(monkeypatch)
    monkeypatch.setattr(decoding, "_Prefixes", Forgetful)
    with pytest.raises(AssertionError):
        assert_no_string_twice_and_none_better_than_exact(4000)


def test_2000_frames_do_not_underflow(both_ways):
    rng = np.random.default_rng(7)
    log_y = log_softmax(2 * rng.normal(size=(2000, 10)))
    found = prefix_beam_search(log_y, width=8, n_best=8)
    assert len({h.labels for h in found}) == 8
    for h in found:
        assert -np.inf < h.log_p <= torch_log_p(log_y, h.labels) + 1e-6
    certain = 1 + np.arange(2000) % 3
    log_y = log_softmax(20 * np.eye(4)[certain])
    (found,) = prefix_beam_search(log_y, width=4)
    assert found.labels == tuple(certain.tolist())
    assert found.log_p == pytest.approx(torch_log_p(log_y, found.labels), rel=1e-9, abs=1e-9)


def torch_log_p(log_y, labels):
    """Log-probability of a string, as torch has it: for thousands of frames that takes a moment, our tables seconds."""
    import torch

    loss = torch.nn.functional.ctc_loss(
        torch.tensor(log_y), torch.tensor(labels), (len(log_y),), (len(labels),), reduction="none"
    )
    return -loss.item()


def test_a_probability_at_the_very_end_of_the_numbers_is_no_error(both_ways):
    """5e-324 is the smallest number above zero; a third of it is none."""
    log_y = np.full((1, 4), -np.log(3))
    log_y[0, 3] -= 744.4
    found = prefix_beam_search(log_y, width=9, n_best=9)
    assert [h.labels for h in found][:3] == [(), (1,), (2,)]


def test_strings_beyond_all_floats_are_found(both_ways):
    """Where the model forbids all else, the one that is e^800 times less probable is the best."""
    forbids = np.full((2, 2), -np.inf)
    (found,) = prefix_beam_search([[-800.0, 0.0]], log_bigram=forbids)
    assert (found.labels, found.log_p) == ((), -800.0)
    found = prefix_beam_search([[-800.0, 0.0], [-900.0, 0.0]], width=9, n_best=9)
    assert {h.labels: h.log_p for h in found} == {(1,): 0.0, (): -1700.0}


def test_a_log_probability_is_at_most_zero(both_ways):
    rng = np.random.default_rng(9)
    for _ in range(300):
        logits = rng.normal(size=(12, 3)).astype(np.float32)
        logits[np.arange(12), rng.integers(3, size=12)] += 18
        log_y = logits - np.log(np.exp(logits).sum(axis=1, dtype=np.float32, keepdims=True))
        for search in (prefix_beam_search, beam_search):
            assert search(log_y)[0].log_p <= 0
        assert best_string(log_y[:3])[0].log_p <= 0


@pytest.mark.parametrize("exponent", [400.0, -400.0, 1e300, 0.3])
def test_a_length_exponent_of_any_size_ranks_by_the_quotient(both_ways, exponent):
    """Where scores below 0 are divided by a large power of the length, the longest string comes first."""
    rng = np.random.default_rng(10)
    with np.errstate(all="raise"):
        found = prefix_beam_search(log_softmax(rng.normal(size=(8, 3))), width=20, n_best=20, length_exponent=exponent)
    keys = [np.log(-h.log_p) - exponent * np.log(len(h.labels)) if h.labels else np.inf for h in found]
    assert keys == sorted(keys)
    assert all(not np.isnan(h.score) for h in found)


def with_pruning(log_y, blank, width, symbol_floor, beam_distance):
    """Prune the dictionary of prefixes as the docstring says."""
    log_y = np.array(log_y)
    best = log_y.argmax(axis=1)[:, None] == np.arange(log_y.shape[1])
    return prefixes_in_a_dictionary(
        np.where((log_y >= symbol_floor) | best, log_y, -np.inf), blank, width, distance=beam_distance
    )


def test_pruning_by_symbol_and_by_distance_is_what_it_says(both_ways):
    rng, spared = np.random.default_rng(11), 0
    for _ in range(200):
        T, A, width = int(rng.integers(1, 12)), int(rng.integers(2, 5)), int(rng.integers(1, 7))
        log_y, blank = log_softmax(3 * rng.normal(size=(T, A))), int(rng.integers(A))
        floor, distance = -float(rng.uniform(0.1, 5)), float(rng.uniform(0.5, 6))
        found = prefix_beam_search(log_y, blank, width, n_best=ALL, symbol_floor=floor, beam_distance=distance)
        truth = with_pruning(log_y, blank, width, floor, distance)
        assert {h.labels: h.log_p for h in found} == pytest.approx(truth, rel=1e-10, abs=1e-10), (log_y, width)
        spared += len(found) < len(prefix_beam_search(log_y, blank, width, n_best=ALL))
    assert spared > 50


# -- a language model and the length


def assert_model_like_brute_force(count, zeros):
    for rng, log_y, blank in cases(count, 8):
        A, weight = log_y.shape[1], float(rng.uniform(0.1, 2))
        bigram = rng.dirichlet(np.ones(A), A)
        if zeros:
            bigram[:, rng.integers(A)] = 0
        with np.errstate(divide="ignore"):
            log_bigram = np.log(bigram)
        truth = {}
        for string, log_p in enumerate_strings(log_y, blank).items():
            pairs = zip((blank, *string), string, strict=False)
            score = log_p + weight * sum(log_bigram[i, j] for i, j in pairs)
            if score > -np.inf:
                truth[string] = score
        if not truth:
            continue  # see test_a_model_that_allows_nothing_is_no_crash
        found = prefix_beam_search(log_y, blank, ALL, n_best=ALL, log_bigram=log_bigram, lm_weight=weight)
        scores = {h.labels: h.score for h in found}
        reached = {string: score for string, score in scores.items() if string in truth}
        assert reached == pytest.approx(truth, **EXACT), log_y
        assert [h.score for h in found] == sorted(scores.values(), reverse=True)
        exact = enumerate_strings(log_y, blank)
        for h in found:
            if h.labels in truth:
                assert h.log_p == pytest.approx(exact[h.labels], **EXACT)


@pytest.mark.parametrize("zeros", [False, True], ids=["smooth", "zeros"])
def test_a_bigram_model_ranks_as_brute_force_does(both_ways, zeros):
    assert_model_like_brute_force(150, zeros)


def test_brute_force_sees_a_model_that_is_read_the_wrong_way_round(monkeypatch):
    right = prefix_beam_search

    def transposed(*args, log_bigram, **named):
        return right(*args, log_bigram=log_bigram.T, **named)

    monkeypatch.setitem(globals(), "prefix_beam_search", transposed)
    with pytest.raises(AssertionError):
        assert_model_like_brute_force(20, zeros=False)


def test_the_first_symbol_is_looked_up_in_the_row_of_the_blank():
    log_bigram = np.zeros((3, 3))
    log_bigram[0, 1] = -5.0  # an a at the start
    found = {h.labels: h.score - h.log_p for h in prefix_beam_search(LOG_Y, n_best=99, log_bigram=log_bigram)}
    assert all(gained == pytest.approx(-5 if string[:1] == (1,) else 0) for string, gained in found.items())
    log_bigram = np.zeros((3, 3))
    log_bigram[2, 1] = -3.0  # an a behind a b
    found = {h.labels: h.score - h.log_p for h in prefix_beam_search(LOG_Y, n_best=99, log_bigram=log_bigram)}
    assert all(gained == pytest.approx(-3 * spell(string).count("ba")) for string, gained in found.items())


@pytest.mark.parametrize("zeros", [False, True], ids=["smooth", "zeros"])
def test_a_model_of_weight_zero_is_no_model(zeros):
    for rng, log_y, blank in cases(50, 9):
        log_bigram = np.log(rng.dirichlet(np.ones(log_y.shape[1]), log_y.shape[1]))
        if zeros:
            log_bigram[0, 0] = -np.inf
        with_model = prefix_beam_search(log_y, blank, 3, n_best=3, log_bigram=log_bigram, lm_weight=0)
        assert with_model == prefix_beam_search(log_y, blank, 3, n_best=3)


def test_a_model_does_not_underflow_over_2000_symbols(both_ways):
    certain = 1 + np.arange(2000) % 2
    log_y = log_softmax(20 * np.eye(3)[certain])  # so sure that 2000 ways to lose two symbols do not add up to more
    (alone,) = prefix_beam_search(log_y, width=8)
    for log_p in (-np.log(3), np.log(3)):
        (found,) = prefix_beam_search(log_y, width=8, log_bigram=np.full((3, 3), log_p), lm_weight=0.5)
        assert alone.labels == found.labels == tuple(certain.tolist())
        assert found.score == pytest.approx(found.log_p + 0.5 * 2000 * log_p, rel=1e-12)


def test_a_model_that_allows_nothing_is_no_crash(both_ways):
    log_y = log_probabilities([[0, 0.5, 0.5], [0, 0.5, 0.5]])  # never blank, so that some symbol has to come
    assert prefix_beam_search(log_y, log_bigram=np.full((3, 3), -np.inf)) == []


@pytest.mark.parametrize("exponent", ["0.0", "0.5", "1.0"])
def test_the_published_rankings_by_length(oracles, exponent):
    truth = oracles["O16_lengthnorm"]["ranking"][exponent]
    found = prefix_beam_search(LOG_Y, width=100, n_best=4, length_exponent=float(exponent))
    assert_same_ranking(in_letters(found, "score"), truth)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_empty_string_is_last_where_scores_are_divided_by_the_length(exponent):
    log_y = log_probabilities([[0.98, 0.01, 0.01]] * 3)
    plain = prefix_beam_search(log_y, width=100, n_best=100)
    assert plain[0].labels == ()
    found = prefix_beam_search(log_y, width=100, n_best=100, length_exponent=exponent)
    assert found[-1].labels == ()
    assert found[-1].score == -np.inf
    assert found[-1].log_p == plain[0].log_p
    log_ps = {h.labels: h.log_p for h in plain}
    for h in found[:-1]:
        assert h.log_p == log_ps[h.labels]
        assert h.score == pytest.approx(h.log_p / len(h.labels) ** exponent, **EXACT)


# -- a beam of alignments


def test_a_beam_of_alignments_lets_the_alignments_of_one_string_compete():
    """Two frames, three alignments read a, 0.64 together, and none of them is as good as no symbol at all, 0.36."""
    narrow = beam_search(LOG_SILENT, width=2)
    assert_same_ranking([(s, np.exp(p)) for s, p in in_letters(narrow)], [("", 0.36), ("a", 0.24)])
    assert spell(prefix_beam_search(LOG_SILENT, width=2)[0].labels) == "a"


def test_what_goes_wrong_with_a_beam_of_alignments_on_the_published_table(oracles):
    best, p = oracles["O6_decoders_Y43"]["map"]
    assert spell(beam_search(LOG_Y, width=1)[0].labels) == oracles["O6_decoders_Y43"]["greedy"] != best
    assert spell(prefix_beam_search(LOG_Y, width=3)[0].labels) == best
    for width in (1, 2, 3):
        assert spell(beam_search(LOG_Y, width=width)[0].labels) != best
        assert np.exp(beam_search(LOG_Y, width=width)[0].log_p) < p
    found = beam_search(LOG_Y, width=3**4)
    assert_same_ranking([(s, np.exp(p)) for s, p in in_letters(found)], oracles["O6_decoders_Y43"]["dist"])


def assert_alignments_like_enumeration(count):
    for _, log_y, blank in cases(count, 10, longest=4):
        T, A = log_y.shape
        exact = enumerate_strings(log_y, blank)
        found = beam_search(log_y, blank, A**T)
        assert {h.labels: h.log_p for h in found} == pytest.approx(exact, **EXACT), log_y
        assert found == sorted(found, key=lambda h: (-h.score, h.labels))
        for width in (1, 3):
            narrow = beam_search(log_y, blank, width)
            assert 0 < len({h.labels for h in narrow}) == len(narrow) <= width
            assert all(h.log_p <= exact[h.labels] + 1e-12 for h in narrow), log_y


def test_with_a_width_for_all_alignments_a_beam_of_them_is_exact():
    assert_alignments_like_enumeration(100)


def test_enumeration_sees_a_beam_that_removes_blanks_before_it_merges(monkeypatch):
    def removed_first(labels, blank):
        without = [k for k in labels if k != blank]
        return tuple(k for i, k in enumerate(without) if i == 0 or k != without[i - 1])

    monkeypatch.setattr(decoding, "collapse", removed_first)
    with pytest.raises(AssertionError):
        assert_alignments_like_enumeration(20)
    with pytest.raises(AssertionError):
        test_greedy_is_the_collapse_of_the_best_alignment_of_all()


# -- counting errors

STRINGS = st.text("abc", max_size=7)


@cache
def edits(read, true):
    """Levenshtein's distance as it is defined."""
    if not read or not true:
        return len(read) + len(true)
    if read[0] == true[0]:
        return edits(read[1:], true[1:])
    return 1 + min(edits(read[1:], true), edits(read, true[1:]), edits(read[1:], true[1:]))


@pytest.mark.parametrize(
    ("read", "true", "distance"),
    [
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
        ("flaw", "lawn", 2),
        ("intention", "execution", 5),
        ("ab", "ba", 2),
        ("", "abc", 3),
        ("", "", 0),
    ],
)
def test_known_distances(read, true, distance):
    assert edit_distance(read, true) == edit_distance(true, read) == distance
    assert edit_distance(tuple(read), list(true)) == distance


@given(STRINGS, STRINGS)
def test_the_distance_is_that_of_the_definition(read, true):
    assert edit_distance(read, true) == edits(read, true)


@given(STRINGS, STRINGS, STRINGS)
def test_the_distance_is_a_metric(a, b, c):
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


@given(STRINGS, STRINGS, STRINGS)
def test_what_two_sequences_share_at_an_end_costs_nothing(a, b, shared):
    assert edit_distance(shared + a, shared + b) == edit_distance(a + shared, b + shared) == edit_distance(a, b)


def test_the_rate_counts_errors_for_each_true_symbol():
    assert character_error_rate(["31", "4159"], ["314", "4159"]) == pytest.approx(1 / 7)
    assert character_error_rate(["", "22"], ["3", "222222222"]) == pytest.approx(8 / 10)  # not (1 + 7 / 9) / 2
    assert character_error_rate([[1, 2], []], [(1, 2), ()]) == 0
    assert character_error_rate(["1111"], ["2"]) == 4  # more errors than symbols
    rates = character_error_rate(["12"], ["1"]), character_error_rate(["1"], ["12"])
    assert rates == (1, 0.5)  # what is true is the measure, not what is read


@pytest.mark.parametrize(
    ("read", "true", "says"),
    [
        (["1"], ["1", "2"], "read has 1 sequences and true 2; they are compared one by one"),
        (["1", "2"], ["1"], "read has 2 sequences and true 1"),
        ([], [], "true has no symbols, so there is no rate of errors"),
        (["1"], [""], "true has no symbols"),
    ],
)
def test_where_there_is_no_rate_that_is_said(read, true, says):
    with pytest.raises(ValueError, match=says):
        character_error_rate(read, true)


# -- what is refused

MALFORMED = {
    "NaN": ([[np.nan, 0.0]], {}, r"log_y\[0, 0\] is NaN"),
    "row sum": (np.log([[0.5, 0.4]]), {}, r"row 0 of log_y has probabilities that sum to 0.9"),
    "probabilities": ([[0.5, 0.5]], {}, r"pass log_probabilities\(y\)"),
    "one dimension": (LOG_Y[0], {}, r"log_y has shape \(3,\)"),
    "no frame": (np.empty((0, 3)), {}, r"log_y has shape \(0, 3\)"),
    "blank too large": (LOG_Y, {"blank": 3}, r"blank is 3, .* from 0 to 2"),
    "negative blank": (LOG_Y, {"blank": -1}, r"blank is -1, .* from 0 to 2"),
}


@pytest.mark.parametrize("search", [greedy, best_string, beam_search, prefix_beam_search])
@pytest.mark.parametrize(("log_y", "named", "says"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_arguments_are_named_with_what_would_be_right(search, log_y, named, says):
    with pytest.raises(ValueError, match=says):
        search(log_y, **named)


@pytest.mark.parametrize("search", [beam_search, prefix_beam_search])
@pytest.mark.parametrize("width", [0, -1, 2.5])
def test_a_width_that_is_no_count_is_refused(search, width):
    with pytest.raises(ValueError, match=f"width is {width}"):
        search(LOG_Y, width=width)


@pytest.mark.parametrize(
    "log_bigram", [np.zeros((2, 2)), np.zeros(3), np.full((3, 3), np.nan)], ids=["A", "one dimension", "NaN"]
)
def test_a_malformed_model_is_named(log_bigram):
    with pytest.raises(ValueError, match=r"log_bigram has shape .*; it must be \(3, 3\)"):
        prefix_beam_search(LOG_Y, log_bigram=log_bigram)


def test_a_negative_number_of_hypotheses_is_refused():
    with pytest.raises(ValueError, match="n_best is -1"):
        prefix_beam_search(LOG_Y, n_best=-1)


def test_arguments_stay_as_they_were():
    log_y, log_bigram = LOG_Y.copy(), np.full((3, 3), -1.0)
    log_y.flags.writeable = log_bigram.flags.writeable = False  # whoever writes, stops here
    for search in (greedy, best_string, beam_search, prefix_beam_search):
        search(log_y)
        search(log_y.tolist())
    prefix_beam_search(log_y, log_bigram=log_bigram, length_exponent=1.0)
    np.testing.assert_array_equal(log_y, LOG_Y)
    np.testing.assert_array_equal(log_bigram, -1.0)


def heavily_weighed(y, log_bigram, weight, blank=0):
    """Rank all strings by their exact score with the model, for small cases."""
    scores = {}
    for found in best_string(log_probabilities(y), blank):
        before = (blank, *found.labels)
        lm = sum(log_bigram[a, b] for a, b in zip(before, found.labels, strict=False))
        scores[found.labels] = found.log_p + (weight * lm if found.labels else 0.0)
    return {labels: score for labels, score in scores.items() if score > -np.inf}


@pytest.mark.parametrize("weight", [1.0, 36.0, 300.0])
def test_a_model_of_any_weight_loses_no_string(both_ways, weight):
    """Does a weight that sends e^(weight × log-probability) below every float still leave the best string found?"""
    rng = np.random.default_rng(4)
    for _ in range(60):
        y = rng.dirichlet(np.ones(3), 4)
        y[rng.random(y.shape) < 0.25] = 0
        y = np.where(y.sum(axis=1, keepdims=True) == 0, 1 / 3, y / np.maximum(y.sum(axis=1, keepdims=True), 1e-300))
        log_bigram = np.log(rng.dirichlet(np.full(3, 0.2), 3) + 1e-12)
        truth = heavily_weighed(y, log_bigram, weight)
        found = prefix_beam_search(log_probabilities(y), width=200, n_best=200, log_bigram=log_bigram, lm_weight=weight)
        assert {h.labels for h in found} == set(truth)
        np.testing.assert_allclose([h.score for h in found], [truth[h.labels] for h in found], rtol=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [{"width": 2.0}, {"width": None}, {"n_best": 1.0}, {"blank": 0.0}, {"blank": None}, {"lm_weight": np.nan},
     {"lm_weight": -1.0}, {"lm_weight": None}, {"length_exponent": np.inf}, {"length_exponent": "1"},
     {"symbol_floor": 1.0}, {"symbol_floor": np.nan}, {"symbol_floor": None}, {"beam_distance": -1.0},
     {"beam_distance": "2"}, {"log_bigram": np.full((3, 3), np.inf)}, {"log_bigram": np.full((3, 3), 1 / 3)},
     {"log_bigram": [[0], [1, 2]]}, {"log_bigram": "abc"}],
    ids=str,
)  # fmt: skip
def test_what_is_no_count_and_no_finite_number_is_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        prefix_beam_search(np.log(np.full((2, 3), 1 / 3)), **arguments)
