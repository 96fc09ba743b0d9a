"""One test for each line of ERRATA.md on sections 9.1 to 9.7 of the notes: the printed claim fails, the right form holds."""

from dataclasses import replace
from itertools import product
from math import comb

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string
from planting import assert_red, in_loops, instead
from printed import LOG_Y, columns, enumerated, forward_as_printed, probability, remove_then_merge

from course_utils.alignment import adjacent_repeats, compress
from course_utils.ctc import collapse, count_alignments, extend, forward_backward, may_skip
from course_utils.ctc_loss import loss_and_gradient
from course_utils.examples import CTC_Y
from course_utils.losses import log_softmax


def test_e50_blanks_removed_first_lose_every_doubled_symbol():
    labels = list(product(range(3), repeat=6))
    assert sum(remove_then_merge(x) != collapse(x) for x in labels) == 264
    assert all(remove_then_merge(x) == compress(collapse(x)) for x in labels)
    assert all(collapse(x) == collapse_slowly(x, 0) for x in labels)
    of_four = list(product(range(3), repeat=4))
    for string, ways, right, ways_as_printed, as_printed in (
        ("aa", 5, 0.15225, 0, 0.0),
        ("a", 10, 0.22175, 15, 0.374),
        ("ab", 15, 0.09115, 17, 0.0958),
    ):
        target = columns(string)
        printed = [x for x in of_four if remove_then_merge(x) == tuple(target)]
        assert len(printed) == ways_as_printed
        assert sum(CTC_Y[range(4), x].prod() for x in printed) == pytest.approx(as_printed, abs=1e-12)
        assert count_alignments(target, 4) == len(labels_by_string(3, 4, 0)[tuple(target)]) == ways
        assert probability(LOG_Y, target) == pytest.approx(right, abs=1e-12)
        assert enumerated(CTC_Y, target) == pytest.approx(right, abs=1e-12)


def test_e51_both_printed_alignments_are_hello_and_neither_is_under_the_printed_order():
    for labels in ("hh-ell-lo", "h-e-l-lo"):
        assert "".join(remove_then_merge(labels, "-")) == "helo"
        assert "".join(collapse(labels, "-")) == "".join(collapse_slowly(labels, "-")) == "hello"


def test_e52_the_update_climbs_only_if_the_loss_is_minus_log_p():
    target = columns("aa")
    gradient = loss_and_gradient(LOG_Y, target)[1]
    for slope, p in ((gradient, 0.22072), (-gradient, 0.09990)):  # of −log P, and of the L of 9.4.2, log P
        moved = log_softmax(LOG_Y - 0.5 * slope)
        assert probability(moved, target) == pytest.approx(p, abs=1e-5)
        assert enumerated(np.exp(moved), target) == pytest.approx(p, abs=1e-5)


def test_e53_counted_from_0_the_even_states_are_the_blanks():
    target = columns("ab")
    extended = extend(target)
    assert not extended[0::2].any()
    assert extended[1::2].tolist() == target
    odd = np.arange(len(extended)) % 2 == 1
    for symbols, p in ((odd, 0.09115), (~odd, 0.02265)):  # read as printed, no blank is ever skipped
        skip = symbols & may_skip(extended)
        assert np.exp(forward_backward(LOG_Y, target, skip=skip).log_p) == pytest.approx(p, abs=1e-12)
    assert np.exp(-loss_and_gradient(LOG_Y, target)[0]) == pytest.approx(0.09115, abs=1e-12)
    assert enumerated(CTC_Y, target) == pytest.approx(0.09115, abs=1e-12)


def test_e54_the_printed_number_of_alignments_is_neither_the_number_nor_a_bound():
    for T in range(1, 7):
        listed = labels_by_string(3, T, 0)
        for string, labels in listed.items():
            assert count_alignments(string, T) == len(labels), string
        assert sum(count_alignments(string, T) for string in listed) == 3**T
    assert count_alignments(columns("aa"), 2) == 0  # although two symbols fit into two frames
    assert forward_backward(LOG_Y[:2], columns("aa")).loss == np.inf

    def as_printed(T, L):
        return comb(T + L, L)

    assert (as_printed(3, 3), count_alignments("abc", 3)) == (20, 1)  # above it, so no lower bound
    assert as_printed(6, 3) == count_alignments("abc", 6) == 84  # equal at T = 2 L only
    assert as_printed(100, 10) == 46897636623981
    assert count_alignments("abcdefghij", 100) == 4393971523180763714190
    assert count_alignments("a" * 10, 100) == 668324943343021950370


def test_e55_alpha_as_defined_is_a_sum_over_nothing():
    for string in ("aa", "ab"):
        target = columns(string)
        extended = extend(target).tolist()
        alpha = np.exp(forward_backward(LOG_Y, target).alpha)
        for t, i in product(range(1, 5), range(1, 6)):  # as in the notes, from 1
            labels = list(product(range(3), repeat=t))
            assert [x for x in labels if collapse(x) == tuple(extended[:i])] == []
            right = [x for x in labels if collapse(x) == tuple(target[: i // 2]) and x[-1] == extended[i - 1]]
            assert alpha[t - 1, i - 1] == pytest.approx(sum(CTC_Y[range(t), x].prod() for x in right), abs=1e-12), (
                t,
                i,
            )


def test_e56_the_recurrence_as_printed_reads_the_last_state():
    for string, y, as_printed, right in (
        ("a", CTC_Y, 0.374, 0.22175),
        ("ab", np.tile(CTC_Y, (2, 1)), 0.0247999525, 0.01655202),
    ):
        target = columns(string)
        assert forward_as_printed(y, target) == pytest.approx(as_printed, abs=1e-12)
        assert probability(np.log(y), target) == pytest.approx(right, abs=1e-12)
        assert np.exp(-loss_and_gradient(np.log(y), target)[0]) == pytest.approx(right, abs=1e-12)
        assert enumerated(y, target) == pytest.approx(right, abs=1e-12)
    for string in ("ab", "aa"):  # four frames are too few to see it
        assert forward_as_printed(CTC_Y, columns(string)) == pytest.approx(
            enumerated(CTC_Y, columns(string)), abs=1e-12
        )


def test_e57_the_backward_recurrence_as_printed_reads_beyond_the_last_state(oracles):
    def as_printed(i, extended, following, frame):
        ways = following[i] * frame[extended[i]] + following[i + 1] * frame[extended[i + 1]]
        if extended[i] != 0 and extended[i + 2] != extended[i]:
            ways += following[i + 2] * frame[extended[i + 2]]
        return ways

    for group, string in (("O3_ctc_aa", "aa"), ("O4_ctc_ab", "ab")):
        extended = extend(columns(string)).tolist()
        S, beyond = len(extended), []
        for i in range(S):
            try:
                as_printed(i, extended, [0.0, 0.0, 0.0, 1.0, 1.0], CTC_Y[-1])
            except IndexError:
                beyond.append(i)
        assert beyond == [S - 2, S - 1]

        beta = np.zeros((4, S + 2))  # two states behind the last, always zero
        beta[-1, S - 2 : S] = 1
        for t in (2, 1, 0):
            beta[t, :S] = [as_printed(i, [*extended, 0, 0], beta[t + 1], CTC_Y[t + 1]) for i in range(S)]
        np.testing.assert_allclose(beta[:, :S], oracles[group]["beta"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            np.exp(forward_backward(LOG_Y, columns(string)).beta), beta[:, :S], rtol=0, atol=1e-12
        )


def test_e58_an_empty_target_has_one_state_and_the_printed_end_counts_it_twice(oracles):
    import torch

    alpha = np.cumprod(CTC_Y[:, :1], axis=0)
    assert alpha[-1][2 * 0] + alpha[-1][2 * 0 - 1] == pytest.approx(0.008, abs=1e-12)
    with pytest.raises(IndexError):
        forward_as_printed(CTC_Y, [])
    found = forward_backward(LOG_Y, [])
    assert found.alpha.shape == found.beta.shape == (4, 1)
    assert np.exp(found.log_p) == pytest.approx(0.004, abs=1e-12)
    assert np.exp(-loss_and_gradient(LOG_Y, [])[0]) == pytest.approx(0.004, abs=1e-12)
    assert enumerated(CTC_Y, []) == pytest.approx(0.004, abs=1e-12)
    np.testing.assert_allclose(np.exp(found.beta), oracles["O4c_ctc_empty"]["beta"], rtol=0, atol=1e-12)
    nothing = torch.zeros(0, dtype=torch.long)
    loss = torch.nn.functional.ctc_loss(torch.tensor(LOG_Y), nothing, (4,), (0,), reduction="none")
    assert np.exp(-loss.item()) == pytest.approx(0.004, abs=1e-12)


def blanks_first(right, labels, blank=0):
    return remove_then_merge(labels, blank)


def climbs(right, *args):
    """Gradient of log P, for a loss that is to be maximised."""
    loss, gradient = right(*args)
    return loss, -gradient


def odd_states_are_blanks(right, extended, blank=0):
    """Read the parity as printed, from 1, with an index from 0."""
    return right(extended, blank) & (np.arange(len(extended)) % 2 == 0)


def nothing_fits_the_definition(right, log_y, target, **settings):
    found = right(log_y, target, **settings)
    return replace(found, alpha=np.full_like(found.alpha, -np.inf))


def sum_as_printed(right, log_y, target):
    return replace(right(log_y, target), log_p=np.log(forward_as_printed(np.exp(log_y), target)))


def goes_on_behind_the_last_state(right, log_y, target):
    """Fill beta as printed, with the first states behind the last."""
    found = right(log_y, target)
    beta, y = np.exp(found.beta), np.exp(log_y)[:, found.extended]
    for t in range(len(log_y) - 2, -1, -1):
        to = beta[t + 1] * y[t + 1]
        beta[t] = to + np.roll(to, -1) + np.roll(to * found.skip, -2)
    with np.errstate(divide="ignore"):
        return replace(found, beta=np.log(beta))


def two_last_states(right, log_y, target):
    found = right(log_y, target)
    return found if len(target) else replace(found, log_p=found.log_p + np.log(2))


LAST_STATE_BEFORE_THE_FIRST = """
    if before[1] == 0:
        before[1], before_power[1] = before[len(before) - 1], before_power[len(before) - 1]
    now[0] = now[1] = 0.0
"""

MISTAKES = {
    "E50: blanks go first": (
        test_e50_blanks_removed_first_lose_every_doubled_symbol,
        instead(collapse, blanks_first),
    ),
    "E51: blanks go first": (
        test_e51_both_printed_alignments_are_hello_and_neither_is_under_the_printed_order,
        instead(collapse, blanks_first),
    ),
    "E52: a gradient that climbs, taken for one that descends": (
        test_e52_the_update_climbs_only_if_the_loss_is_minus_log_p,
        instead(loss_and_gradient, climbs),
    ),
    "E53: odd states are blanks": (
        test_e53_counted_from_0_the_even_states_are_the_blanks,
        instead(may_skip, odd_states_are_blanks),
    ),
    "E53: odd states are blanks, in loops": (
        test_e53_counted_from_0_the_even_states_are_the_blanks,
        in_loops("ctc", "i == 1 or (i % 2 and", "i == 1 or (i > 1 and i % 2 == 0 and"),
    ),
    "E54: the printed number": (
        test_e54_the_printed_number_of_alignments_is_neither_the_number_nor_a_bound,
        instead(count_alignments, lambda right, target, T: comb(T + len(target), len(target))),
    ),
    "E54: equal neighbours count as any": (
        test_e54_the_printed_number_of_alignments_is_neither_the_number_nor_a_bound,
        instead(adjacent_repeats, lambda right, target: 0),
    ),
    "E55: alpha by its definition": (
        test_e55_alpha_as_defined_is_a_sum_over_nothing,
        instead(forward_backward, nothing_fits_the_definition),
    ),
    "E56: the recurrence as printed": (
        test_e56_the_recurrence_as_printed_reads_the_last_state,
        instead(forward_backward, sum_as_printed),
    ),
    "E56: loops that read the last state": (
        test_e56_the_recurrence_as_printed_reads_the_last_state,
        in_loops("lattice", "    now[0] = now[1] = 0.0\n", LAST_STATE_BEFORE_THE_FIRST),
    ),
    "E57: beta goes on behind the last state": (
        test_e57_the_backward_recurrence_as_printed_reads_beyond_the_last_state,
        instead(forward_backward, goes_on_behind_the_last_state),
    ),
    "E58: the last two states of one": (
        test_e58_an_empty_target_has_one_state_and_the_printed_end_counts_it_twice,
        instead(forward_backward, two_last_states),
    ),
    "E58: the last two states of one, in loops": (
        test_e58_an_empty_target_has_one_state_and_the_printed_end_counts_it_twice,
        in_loops(
            "lattice", "    if S > 1 and closed[1] == 0:", "    if S == 1:\n        p = 2 * p\n    elif closed[1] == 0:"
        ),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
