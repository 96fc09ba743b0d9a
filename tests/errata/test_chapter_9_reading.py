"""One test for each line of ERRATA.md on sections 9.1, 9.9, 9.11 and 9.12: the printed claim fails, the right form holds."""

from collections import Counter
from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest
from planting import assert_red, in_loops, instead
from printed import LOG_Y, columns, enumerated, probability

from course_utils.alignment_training import train
from course_utils.beam_trace import search
from course_utils.ctc import collapse, count_alignments, forward_backward
from course_utils.ctc_loss import loss_and_gradient
from course_utils.decoding import Hypothesis, best_string, greedy, prefix_beam_search
from course_utils.examples import CTC_Y, UTTERANCES
from course_utils.losses import log_softmax
from course_utils.posteriors import log_probabilities


def test_e67_greedy_is_not_the_best_string_and_a_tie_goes_to_the_column():
    tie = log_probabilities([[0.5, 0.5]])
    assert greedy(tie, blank=0) == ()
    assert greedy(tie, blank=1) == (0,)

    y = np.array([[0.6, 0.4], [0.6, 0.4]])
    best = best_string(np.log(y))[0]
    assert greedy(np.log(y)) == ()
    assert enumerated(y, ()) == pytest.approx(0.36, abs=1e-12)
    assert best.labels == (1,)
    assert np.exp(best.log_p) == pytest.approx(0.64, abs=1e-12)
    assert enumerated(y, (1,)) == pytest.approx(0.64, abs=1e-12)
    found = (greedy(LOG_Y), prefix_beam_search(LOG_Y, width=1)[0].labels, best_string(LOG_Y)[0].labels)
    assert found == ((1, 1), (1,), (2, 1))


def test_e68_one_score_for_each_string_loses_the_doubled_ones():
    merged = {(): 1.0}
    for frame in CTC_Y:
        grown = Counter()
        for string, p in merged.items():
            for k in range(3):
                same = k == 0 or string[-1:] == (k,)
                grown[string if same else (*string, k)] += p * frame[k]
        merged = grown
    assert merged[1,] == pytest.approx(0.374, abs=1e-12)
    assert (1, 1) not in merged

    of_the_course = dict(search(CTC_Y, width=100, keeps="one score").found)
    assert of_the_course == pytest.approx(dict(merged), abs=1e-12)

    found = {h.labels: np.exp(h.log_p) for h in prefix_beam_search(LOG_Y, width=100, n_best=100)}
    assert found[1,] == pytest.approx(0.22175, abs=1e-12)
    assert found[1, 1] == pytest.approx(0.15225, abs=1e-12)
    assert len(found) == 15
    for string, p in found.items():
        assert p == pytest.approx(enumerated(CTC_Y, string), abs=1e-12), string


def test_e69_a_narrow_beam_finds_another_string_and_too_low_a_score():
    for width, string, score in ((1, "a", 0.1185), (2, "a", 0.192), (3, "ba", 0.221), (100, "ba", 0.22975)):
        found = prefix_beam_search(LOG_Y, width=width)[0]
        assert found.labels == tuple(columns(string))
        assert np.exp(found.log_p) == pytest.approx(score, abs=1e-12)
        exact = enumerated(CTC_Y, found.labels)
        if width == 100:
            assert score == pytest.approx(exact, abs=1e-12)
        else:
            assert score < exact - 0.008
    best = best_string(LOG_Y)[0]
    assert (best.labels, np.exp(best.log_p)) == ((2, 1), pytest.approx(0.22975, abs=1e-12))


def test_e70_too_few_blanks_delete_as_well_as_insert():
    def read(y, bias):
        return "".join("-ab"[k] for k in greedy(log_softmax(np.log(y) + np.array([bias, 0, 0]))))

    inserting = [[0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.2, 0.1, 0.7], [0.5, 0.3, 0.2]]
    assert [read(inserting, bias) for bias in (0, -1)] == ["ab", "aba"]
    assert [read(CTC_Y, bias) for bias in (0, -1, 4)] == ["aa", "a", ""]  # a deletion on either side


def test_e71_fewer_alignments_make_a_string_less_probable():
    T = 10
    uniform = np.full((T, 3), -np.log(3))
    longest = [1, 2] * 5
    p = [probability(uniform, longest[:L]) for L in range(T + 1)]
    counts = [1, 55, 495, 1716, 3003, 3003, 1820, 680, 153, 19, 1]
    np.testing.assert_allclose(np.multiply(p, 3.0**T), counts, rtol=1e-12)
    for frames, most in ((10, 4), (50, 22), (100, 45), (500, 224)):
        by_length = [count_alignments([1, 2] * (L // 2) + [1] * (L % 2), frames) for L in range(frames + 1)]
        assert by_length.index(max(by_length)) == most
        assert abs(most - frames / sqrt(5)) < 1
    assert sum(np.exp(h.log_p) for h in best_string(LOG_Y)) == pytest.approx(1, abs=1e-12)

    quiet = np.log(np.tile([0.9, 0.05, 0.05], (T, 1)))  # this is what favours the short ones
    assert [probability(quiet, longest[:L]) for L in (0, 1, 2)] == pytest.approx([0.3487, 0.2039, 0.0530], abs=5e-5)


def test_e72_the_length_is_that_of_the_hypothesis_and_the_empty_one_has_none():
    every = best_string(LOG_Y)
    exact = {h.labels: h.log_p for h in every}

    def ranked(score):
        return sorted((labels for labels in exact if labels), key=score, reverse=True)

    as_given = [h.labels for h in every if h.labels]
    assert ranked(lambda labels: exact[labels] / 2**1.0) == as_given  # the length of one target, "ab", for all
    for exponent, first in ((0.0, "ba"), (0.5, "ba"), (1.0, "aba")):
        found = prefix_beam_search(LOG_Y, width=100, n_best=100, length_exponent=exponent)
        assert found[0].labels == tuple(columns(first))
        by_hypothesis = ranked(lambda labels, exponent=exponent: exact[labels] / len(labels) ** exponent)
        assert [h.labels for h in found if h.labels] == by_hypothesis
        assert (by_hypothesis == as_given) == (exponent == 0)
    with pytest.raises(ZeroDivisionError):
        exact[()] / len(()) ** 1.0
    assert (found[-1].labels, found[-1].score) == ((), -np.inf)


def test_e73_either_pass_alone_gives_the_probability_and_only_both_give_the_shares():
    found = forward_backward(LOG_Y, columns("aa"))
    alpha, beta = np.exp(found.alpha), np.exp(found.beta)
    p = enumerated(CTC_Y, columns("aa"))
    assert alpha[-1, -2:].sum() == pytest.approx(p, abs=1e-12)
    assert (CTC_Y[0, found.extended] * beta[0])[:2].sum() == pytest.approx(p, abs=1e-12)
    np.testing.assert_allclose((alpha * beta).sum(axis=1), p, rtol=0, atol=1e-12)
    assert alpha[0, :2] / alpha[0].sum() == pytest.approx([0.625, 0.375], abs=1e-12)
    assert found.gamma[0, :2] == pytest.approx([16 / 29, 13 / 29], abs=1e-12)


def test_e74_a_training_that_sticks_is_at_no_minimum_and_still_tells_its_inputs_apart(oracles):
    start = oracles["O20_viterbi_training"]["fixed_init_W0"]
    stuck = train(start, *UTTERANCES, paths="best")
    y = np.exp(log_softmax(stuck.weights[-1]))
    np.testing.assert_allclose(
        y, [[0.5, 0.5], [0, 1]], rtol=0, atol=2e-3
    )  # two inputs, two answers: nothing has collapsed
    assert stuck.nll[-1] > 0.79
    for push, lower, end in ((-0.01, False, 0.790294), (0.01, True, 0.003331)):
        pushed = train(stuck.weights[-1] + [[push, 0], [0, 0]], *UTTERANCES, paths="best")
        assert (pushed.loss[0] < stuck.loss[-1]) == lower
        assert pushed.nll[-1] == pytest.approx(end, abs=1e-5)


def test_e75_two_columns_give_the_probability_but_not_the_gradient():
    target = columns("aa")
    found = forward_backward(LOG_Y, target)
    alpha, beta, S = np.exp(found.alpha), np.exp(found.beta), len(found.extended)
    kept = np.zeros((2, S + 2))  # two states before the first
    kept[0, 2:4] = CTC_Y[0, found.extended[:2]]
    for t in range(1, 4):
        now, before = kept[t % 2], kept[1 - t % 2]
        now[2:] = (before[2:] + before[1:-1] + before[:-2] * found.skip) * CTC_Y[t, found.extended]
    p = kept[1, -2:].sum()
    assert p == pytest.approx(enumerated(CTC_Y, target), abs=1e-12)

    def shares(alpha):
        return np.stack([(alpha * beta)[:, found.extended == k].sum(axis=1) for k in range(3)], axis=1) / p

    assert CTC_Y - shares(alpha) == pytest.approx(found.gradient(), abs=1e-12)
    assert loss_and_gradient(LOG_Y, target)[1] == pytest.approx(found.gradient(), abs=1e-12)
    wrong = abs(shares(kept[[0, 1, 0, 1], 2:]) + found.gradient("log_probabilities")).max(axis=1)
    assert (wrong > 1e-12).tolist() == [True, True, False, False]


def takes_the_last(right, log_y, blank=0):
    """Of equal symbols take the last column's."""
    labels = log_y.shape[1] - 1 - log_y[:, ::-1].argmax(axis=1)
    return collapse(labels.tolist(), blank)


def one_score_for_each_prefix(right, log_y, *, width, n_best=1):
    found = search(np.exp(log_y), width=width, keeps="one score").found
    return [Hypothesis(labels, np.log(p), np.log(p)) for labels, p in found[:n_best]]


def mean_of_its_alignments(right, log_y, target):
    found = right(log_y, target)
    return replace(found, log_p=found.log_p - log(max(count_alignments(list(target), len(log_y)), 1)))


def all_have_one_length(right, log_y, *, length_exponent, **settings):
    return [replace(h, score=h.log_p / 2**length_exponent) for h in right(log_y, **settings)]


def the_empty_one_is_divided_by_1(right, *args, **settings):
    found = [h if h.labels else replace(h, score=h.log_p) for h in right(*args, **settings)]
    return sorted(found, key=lambda h: -h.score)


def shares_of_the_forward_pass(right, log_y, target):
    found = right(log_y, target)
    alpha = np.exp(found.alpha)
    return replace(found, gamma=alpha / alpha.sum(axis=1, keepdims=True))


def a_minimum(right, *args, **settings):
    """Training that does not leave where it sticks, however it is pushed."""
    found = right(*args, **settings)
    return replace(found, nll=np.maximum(found.nll, 0.790294))


def collapses(right, weights, *args, **settings):
    """Training that gives all inputs one answer."""
    found = right(weights, *args, **settings)
    return replace(found, weights=found.weights.mean(axis=1, keepdims=True) + 0 * found.weights)


def two_columns_of_alpha(right, log_y, target):
    found = right(log_y, target)
    kept = found.alpha[[2, 3, 2, 3]]
    return replace(found, gamma=np.exp(kept + found.beta - found.log_p))


TWO_COLUMNS = "shares(alpha[T - (T - 1 - t) % 2], alpha_power[T - (T - 1 - t) % 2],"

MISTAKES = {
    "E67: greedy gives the best string": (
        test_e67_greedy_is_not_the_best_string_and_a_tie_goes_to_the_column,
        instead(greedy, lambda right, log_y, blank=0: best_string(log_y, blank)[0].labels),
    ),
    "E67: ties go to another column": (
        test_e67_greedy_is_not_the_best_string_and_a_tie_goes_to_the_column,
        instead(greedy, takes_the_last),
    ),
    "E68: one score for each string": (
        test_e68_one_score_for_each_string_loses_the_doubled_ones,
        instead(prefix_beam_search, one_score_for_each_prefix),
    ),
    "E69: the best string at any width": (
        test_e69_a_narrow_beam_finds_another_string_and_too_low_a_score,
        instead(prefix_beam_search, lambda right, log_y, width: right(log_y, width=100)),
    ),
    "E70: blanks alone separate, nothing merges": (
        test_e70_too_few_blanks_delete_as_well_as_insert,
        instead(collapse, lambda right, labels, blank=0: tuple(k for k in labels if k != blank)),
    ),
    "E71: every string has the probability of one alignment": (
        test_e71_fewer_alignments_make_a_string_less_probable,
        instead(forward_backward, mean_of_its_alignments),
    ),
    "E72: one length for all": (
        test_e72_the_length_is_that_of_the_hypothesis_and_the_empty_one_has_none,
        instead(prefix_beam_search, all_have_one_length),
    ),
    "E72: the empty string has a quotient": (
        test_e72_the_length_is_that_of_the_hypothesis_and_the_empty_one_has_none,
        instead(prefix_beam_search, the_empty_one_is_divided_by_1),
    ),
    "E73: shares of the forward pass": (
        test_e73_either_pass_alone_gives_the_probability_and_only_both_give_the_shares,
        instead(forward_backward, shares_of_the_forward_pass),
    ),
    "E74: a minimum": (
        test_e74_a_training_that_sticks_is_at_no_minimum_and_still_tells_its_inputs_apart,
        instead(train, a_minimum),
    ),
    "E74: inputs that collapse into one": (
        test_e74_a_training_that_sticks_is_at_no_minimum_and_still_tells_its_inputs_apart,
        instead(train, collapses),
    ),
    "E75: two columns for the gradient": (
        test_e75_two_columns_give_the_probability_but_not_the_gradient,
        instead(forward_backward, two_columns_of_alpha),
    ),
    "E75: two columns for the gradient, in loops": (
        test_e75_two_columns_give_the_probability_but_not_the_gradient,
        in_loops("lattice", "shares(alpha[t + 1], alpha_power[t + 1],", TWO_COLUMNS),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
