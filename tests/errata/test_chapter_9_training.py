"""One test for each line of ERRATA.md on sections 9.8 to 9.10 of the notes: the printed claim fails, the right form holds."""

from dataclasses import replace
from itertools import permutations, product
from math import comb, log

import numpy as np
import pytest
from enumeration import labels_by_string
from planting import assert_red, in_loops, instead
from printed import LOG_Y, columns, enumerated, forward_as_printed, probability

from course_utils import extended_range
from course_utils.ctc import ForwardBackward, best_alignment, collapse, extend, forward_backward, may_skip
from course_utils.ctc_loss import loss_and_gradient
from course_utils.decoding import greedy
from course_utils.examples import CTC_Y
from course_utils.lattice import best_ways, sums
from course_utils.losses import log_softmax
from course_utils.posteriors import log_probabilities
from course_utils.viterbi import align


def test_e59_divided_by_y_the_sum_of_alpha_beta_is_not_the_probability():
    for string, right, as_printed in (
        ("aa", 0.15225, [0.3955, 0.4025, 0.384, 0.225]),
        ("ab", 0.09115, [0.2415, 0.2185, 0.302, 0.7255]),
    ):
        found = forward_backward(LOG_Y, columns(string))
        alpha, beta, y = np.exp(found.alpha), np.exp(found.beta), CTC_Y[:, found.extended]
        np.testing.assert_allclose((alpha * beta / y).sum(axis=1), as_printed, rtol=0, atol=1e-12)
        np.testing.assert_allclose((alpha * beta).sum(axis=1), right, rtol=0, atol=1e-12)
        with_own_frame = beta * y  # for this one, the printed division is right
        np.testing.assert_allclose((alpha * with_own_frame / y).sum(axis=1), right, rtol=0, atol=1e-12)
        assert np.exp(found.log_p) == pytest.approx(right, abs=1e-12)
        np.testing.assert_allclose(found.gamma, alpha * beta / right, rtol=0, atol=1e-12)
        of_log_y = loss_and_gradient(LOG_Y, columns(string), wrt="log_probabilities")[1]
        np.testing.assert_allclose(of_log_y, found.gradient("log_probabilities"), rtol=0, atol=1e-12)
        assert enumerated(CTC_Y, columns(string)) == pytest.approx(right, abs=1e-12)


def test_e60_the_printed_gradient_lacks_the_division_by_y():
    import torch

    def as_printed(found):
        both = np.exp(found.alpha + found.beta)
        return -np.stack([both[:, found.extended == k].sum(axis=1) for k in range(3)], axis=1) / np.exp(found.log_p)

    found = forward_backward(LOG_Y, columns("aa"))
    y = torch.tensor(CTC_Y, requires_grad=True)
    p = sum(y[range(4), labels].prod() for labels in labels_by_string(3, 4, 0)[1, 1])
    (-torch.log(p)).backward()
    assert as_printed(found)[0] == pytest.approx([-0.5517241379, -0.4482758621, 0], abs=1e-10)
    assert y.grad[0].numpy() == pytest.approx([-1.1034482759, -1.4942528736, 0], abs=1e-10)
    np.testing.assert_allclose(found.gradient("probabilities"), y.grad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.gradient("log_probabilities"), as_printed(found), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.gradient("logits"), CTC_Y + as_printed(found), rtol=0, atol=1e-12)
    for wrt in ("logits", "log_probabilities"):
        by_loops = loss_and_gradient(LOG_Y, columns("aa"), wrt=wrt)[1]
        np.testing.assert_allclose(by_loops, found.gradient(wrt), rtol=0, atol=1e-12)

    row = np.array([0.999, 0.001, 0])  # one frame that is sure of the blank, where a is wanted
    sure = forward_backward(log_probabilities([row]), [1])

    def through_softmax(gradient):
        return row * (gradient - row @ gradient)

    assert through_softmax(as_printed(sure)[0])[1] == pytest.approx(-0.000999, abs=1e-12)
    assert through_softmax(sure.gradient("probabilities")[0])[1] == pytest.approx(-0.999, abs=1e-12)
    np.testing.assert_allclose(sure.gradient("logits")[0], [0.999, -0.999, 0], rtol=0, atol=1e-12)


def test_e61_torch_reports_the_gradient_of_the_logits_as_that_of_log_probabilities():
    import torch

    target = torch.tensor([1, 1])

    def loss(log_y, reduction="none"):
        return torch.nn.functional.ctc_loss(log_y, target, (4,), (2,), reduction=reduction)

    log_y = torch.tensor(LOG_Y, requires_grad=True)
    loss(log_y).backward()
    found = forward_backward(LOG_Y, [1, 1])
    np.testing.assert_allclose(log_y.grad, found.gradient("logits"), rtol=0, atol=1e-12)
    of_log_y = loss_and_gradient(LOG_Y, [1, 1], wrt="log_probabilities")[1]
    np.testing.assert_allclose(of_log_y, found.gradient("log_probabilities"), rtol=0, atol=1e-12)
    assert abs(log_y.grad.numpy() - found.gradient("log_probabilities")).max() == pytest.approx(0.7, abs=1e-12)
    assert not torch.autograd.gradcheck(loss, [log_y], raise_exception=False)
    assert torch.autograd.gradcheck(lambda x: loss(torch.log_softmax(x, dim=1)), [log_y])

    assert loss(log_y, "mean").item() == pytest.approx(found.loss / 2, abs=1e-12)  # divided by the target's length
    assert found.loss / 2 == pytest.approx(0.9411156862, abs=1e-10)


def test_e62_the_printed_trick_needs_the_larger_term_first_and_above_zero():
    def as_printed(a, b):
        with np.errstate(all="ignore"):
            return a + np.log(1 + np.exp(np.float64(b) - a))

    def ways_into_b(skip, advance, stay):
        """a at the first frame, then a, blank or b with these log-probabilities, or else a fourth symbol; then b."""
        with np.errstate(divide="ignore"):
            other = np.log1p(-min(np.exp([skip, advance, stay]).sum(), 1.0))
        log_y = [[-inf, 0, -inf, -inf], [advance, skip, stay, other], [-inf, -inf, 0, -inf]]
        with np.errstate(all="ignore"):
            return forward_backward(log_y, [1, 2]).incoming[2, 3], 0.0 - loss_and_gradient(log_y, [1, 2])[0]

    inf = np.inf
    for a, b, printed, right in (
        (-1000, 0, inf, 0),
        (-800, -50, inf, -50),
        (-inf, -1, np.nan, -1),
        (-inf, -inf, np.nan, -inf),
    ):
        assert as_printed(a, b) == pytest.approx(printed, nan_ok=True)
        for three in permutations((a, b, -inf)):
            assert ways_into_b(*three) == pytest.approx((right, right), abs=1e-12), three
        assert np.logaddexp(a, b) == pytest.approx(right, abs=1e-12)
    for terms, right in (
        ((-1000, -1001, -1002), -999.592394036),
        ((-5, -5, -5), log(3) - 5),
        ((-2, -2, -700), log(2) - 2),
        ((-900, -900, -inf), log(2) - 900),
    ):
        for three in permutations(terms):
            assert ways_into_b(*three) == pytest.approx((right, right), abs=1e-9), three
    assert as_printed(0, -40) == 0
    assert np.logaddexp(0, -40) == pytest.approx(4.248354255291589e-18, rel=1e-12)  # max and log1p

    first = forward_backward(LOG_Y, columns("ab")).alpha[0]  # every state after the second starts at log 0
    assert np.isnan(as_printed(first[2], first[1]))


def test_e63_a_forward_pass_in_products_returns_zero_and_no_table():
    T, target = 400, list(range(1, 11))
    y = np.full((T, 27), 1 / 27)
    assert forward_as_printed(y, target) == 0
    found = forward_backward(np.log(y), target)
    assert found.log_p == pytest.approx(-1240.8181608573, abs=1e-9)
    assert found.log_p == pytest.approx(log(comb(T + 10, 20)) - T * log(27), abs=1e-9)
    assert found.alpha.shape == found.beta.shape == (T, 21)  # the table that step 4 of 9.9.3 reads
    assert np.logaddexp(*found.alpha[-1, -2:]) == pytest.approx(found.log_p, abs=1e-9)
    assert np.ndim(forward_as_printed(CTC_Y, columns("ab"))) == 0  # as printed, it is a number

    loss, gradient = loss_and_gradient(np.log(y), target)
    assert loss == pytest.approx(1240.8181608573, abs=1e-9)
    np.testing.assert_allclose(gradient, found.gradient(), rtol=0, atol=1e-12)
    np.testing.assert_allclose((y - gradient).sum(axis=1), 1, rtol=0, atol=1e-9)
    with np.errstate(all="ignore"):  # step 5 in products, whose every share is 0 / 0
        assert np.isnan(np.exp(found.alpha + found.beta) / forward_as_printed(y, target)).all()
    loss, gradient = loss_and_gradient(LOG_Y[:2], columns("aa"))
    assert forward_as_printed(CTC_Y[:2], columns("aa")) == 0  # on a target that does not fit
    assert loss == np.inf
    assert not gradient.any()


def test_e64_without_the_constraint_the_sum_is_one_and_the_maximum_greedy():
    scores = {labels: CTC_Y[range(4), labels].prod() for labels in product(range(3), repeat=4)}
    assert sum(scores.values()) == pytest.approx(1, abs=1e-12)
    best = max(scores, key=scores.get)
    assert scores[best] == pytest.approx(0.084, abs=1e-12)
    assert collapse(best) == greedy(LOG_Y) == (1, 1)

    of_ab = {labels: p for labels, p in scores.items() if collapse(labels) == (1, 2)}
    assert sum(of_ab.values()) == pytest.approx(0.09115, abs=1e-12)
    assert probability(LOG_Y, [1, 2]) == pytest.approx(0.09115, abs=1e-12)
    found = best_alignment(LOG_Y, [1, 2])
    assert tuple(found.labels) == max(of_ab, key=of_ab.get) == tuple(columns("-ab-"))
    assert np.exp(found.score) == pytest.approx(0.015, abs=1e-12)


def test_e65_the_sum_and_the_best_fill_the_same_cells_and_the_grid_without_blanks_is_another_problem():
    target = columns("aa")
    summed, best = forward_backward(LOG_Y, target), best_alignment(LOG_Y, target)
    assert summed.alpha.shape == best.trellis.shape == (4, 5)
    np.testing.assert_array_equal(summed.alpha == -np.inf, best.trellis == -np.inf)
    assert collapse(best.labels.tolist()) == (1, 1)
    grid = align(LOG_Y, target)  # the graph of chapter 8 has fewer cells, and finds something else
    assert grid.trellis.size == 8
    assert collapse(grid.labels.tolist()) == (1,)


def test_e66_the_limit_is_one_of_temperature_and_not_that_of_sharper_frames():
    def of_paths(string, tau, log_y=LOG_Y):
        """τ log Σ P(π)^(1/τ): the scores of whole alignments are tempered, and their paths are summed as ever."""
        extended = extend(columns(string))
        closed = np.where(may_skip(extended) | (np.arange(len(extended)) == 1), 0.0, -np.inf)
        return tau * sums(log_y[:, extended] / tau, closed).log_p

    def of_listed_paths(string, tau):
        labels = labels_by_string(3, 4, 0)[tuple(columns(string))]
        return tau * np.logaddexp.reduce(LOG_Y[range(4), labels].sum(axis=1) / tau)

    def of_frames(string, tau):
        """The same with each frame's distribution sharpened and normalised again."""
        return tau * forward_backward(log_softmax(LOG_Y / tau), columns(string)).log_p

    for string, tau in product(("aa", "ab"), (0.01, 0.1, 1, 4)):
        assert of_paths(string, tau) == pytest.approx(of_listed_paths(string, tau), abs=1e-12)
    best = best_alignment(LOG_Y, columns("ab")).score
    assert best == pytest.approx(-4.1997, abs=1e-4)
    assert of_paths("ab", 0.01) == pytest.approx(best, abs=1e-4)
    assert of_paths("ab", len(CTC_Y)) == pytest.approx(5.5013, abs=1e-4)  # with T as in the rest of the chapter
    assert of_frames("ab", 0.01) == pytest.approx(-1.7228, abs=1e-4)
    assert -of_frames("ab", 0.01) / 0.01 == pytest.approx(172.3, abs=0.1)
    assert -of_frames("aa", 0.01) / 0.01 == pytest.approx(1.6e-6, rel=0.05)  # nothing is left but the greedy path
    normalisers = np.exp(LOG_Y / 0.01 - LOG_Y.max(axis=1, keepdims=True) / 0.01).sum(axis=1)
    between = 0.01 * np.log(normalisers).sum() + LOG_Y.max(axis=1).sum()  # what normalising again takes away
    assert of_frames("ab", 0.01) + between == pytest.approx(of_paths("ab", 0.01), abs=1e-12)

    tied = np.full((4, 3), -log(3))  # all 15 alignments are the best: the maximum and τ times the log of their number
    assert best_alignment(tied, columns("ab")).score == pytest.approx(-4 * log(3), abs=1e-12)
    for tau in (0.01, 1, 4):
        assert of_paths("ab", tau, tied) == pytest.approx(-4 * log(3) + tau * log(15), abs=1e-12)


def with_the_printed_probability(right, log_y, target):
    found = right(log_y, target)
    return replace(found, log_p=np.logaddexp.reduce((found.alpha + found.beta - log_y[:, found.extended])[0]))


def shares_divided_by_y(right, log_y, target):
    found = right(log_y, target)
    gamma = found.gamma / np.exp(log_y)[:, found.extended]
    return replace(found, gamma=gamma / gamma.sum(axis=1, keepdims=True))


def beta_with_its_own_frame(right, log_y, target):
    found = right(log_y, target)
    return replace(found, beta=found.beta + log_y[:, found.extended])


def taken_for(wanted, given):
    """Give the gradient with respect to one thing where another is asked for."""
    return lambda right, found, wrt="logits": right(found, given if wrt == wanted else wrt)


def first_term_first(right, *pairs):
    """Add by the printed trick, whichever term is the larger, and whether or not there is one."""
    with np.errstate(all="ignore"):
        total, *others = (extended_range.log(*pair) for pair in pairs)
        for other in others:
            total = total + np.log(1 + np.exp(other - total))
        return extended_range.split(total, -1e300)


def in_products(right, log_y, target):
    found = right(log_y, target)
    with np.errstate(divide="ignore", under="ignore"):
        return replace(found, log_p=np.log(forward_as_printed(np.exp(log_y), target)))


def a_probability_and_no_table(right, log_y, target):
    found = right(log_y, target)
    return replace(found, alpha=np.exp(found.log_p))


def loss_in_products(right, log_y, target):
    p = forward_as_printed(np.exp(log_y), target)
    return (-np.log(p) if p else np.inf), right(log_y, target)[1]


def whatever_is_best(right, log_y, target):
    return right(log_y, greedy(log_y))


def each_frame_normalised_again(right, log_e, closed):
    """Sharpen the frames instead of the alignments."""
    return right(log_e - np.logaddexp.reduce(log_e, axis=1, keepdims=True), closed)


def the_best_alone(right, log_e, closed):
    return replace(right(log_e, closed), log_p=best_ways(log_e, closed)[0][-1, -2:].max())


OWN_FRAME_FIRST = """
        emissions(gradient[t], log_y[t], column_back, floor, y, y_power)
        multiply(now, now_power, y, y_power)
        shares(alpha[t + 1],"""

MISTAKES = {
    "E59: P as printed": (
        test_e59_divided_by_y_the_sum_of_alpha_beta_is_not_the_probability,
        instead(forward_backward, with_the_printed_probability),
    ),
    "E59: shares divided by y": (
        test_e59_divided_by_y_the_sum_of_alpha_beta_is_not_the_probability,
        instead(forward_backward, shares_divided_by_y),
    ),
    "E59: beta with its own frame": (
        test_e59_divided_by_y_the_sum_of_alpha_beta_is_not_the_probability,
        instead(forward_backward, beta_with_its_own_frame),
    ),
    "E59: beta with its own frame, in loops": (
        test_e59_divided_by_y_the_sum_of_alpha_beta_is_not_the_probability,
        in_loops("lattice", "        shares(alpha[t + 1],", OWN_FRAME_FIRST),
    ),
    "E60: the derivative by log y for that by y": (
        test_e60_the_printed_gradient_lacks_the_division_by_y,
        instead(ForwardBackward.gradient, taken_for("probabilities", "log_probabilities")),
    ),
    "E60: the derivative by log y for that by the logits": (
        test_e60_the_printed_gradient_lacks_the_division_by_y,
        instead(ForwardBackward.gradient, taken_for("logits", "log_probabilities")),
    ),
    "E60: the same in loops": (
        test_e60_the_printed_gradient_lacks_the_division_by_y,
        in_loops("ctc", "closed, floor, add_y,", "closed, floor, False,"),
    ),
    "E61: the gradient that torch reports": (
        test_e61_torch_reports_the_gradient_of_the_logits_as_that_of_log_probabilities,
        instead(ForwardBackward.gradient, taken_for("log_probabilities", "logits")),
    ),
    "E61: the same in loops": (
        test_e61_torch_reports_the_gradient_of_the_logits_as_that_of_log_probabilities,
        in_loops("ctc", "closed, floor, add_y,", "closed, floor, True,"),
    ),
    "E62: the first term is the larger": (
        test_e62_the_printed_trick_needs_the_larger_term_first_and_above_zero,
        instead(extended_range.add, first_term_first),
    ),
    "E62: the first term is the larger, in loops": (
        test_e62_the_printed_trick_needs_the_larger_term_first_and_above_zero,
        in_loops("lattice", "top = stay if stay > advance else advance", "top = stay"),
    ),
    "E62: two terms": (
        test_e62_the_printed_trick_needs_the_larger_term_first_and_above_zero,
        in_loops("lattice", "top = skip if skip > top else top", "skip = -_INF"),
    ),
    "E63: a forward pass in products": (
        test_e63_a_forward_pass_in_products_returns_zero_and_no_table,
        instead(forward_backward, in_products),
    ),
    "E63: a probability and no table": (
        test_e63_a_forward_pass_in_products_returns_zero_and_no_table,
        instead(forward_backward, a_probability_and_no_table),
    ),
    "E63: a loss in products": (
        test_e63_a_forward_pass_in_products_returns_zero_and_no_table,
        instead(loss_and_gradient, loss_in_products),
    ),
    "E64: the maximum over everything": (
        test_e64_without_the_constraint_the_sum_is_one_and_the_maximum_greedy,
        instead(best_alignment, whatever_is_best),
    ),
    "E64: the sum over everything": (
        test_e64_without_the_constraint_the_sum_is_one_and_the_maximum_greedy,
        instead(forward_backward, lambda right, *args: replace(right(*args), log_p=0.0)),
    ),
    "E65: the grid without blanks": (
        test_e65_the_sum_and_the_best_fill_the_same_cells_and_the_grid_without_blanks_is_another_problem,
        instead(best_alignment, lambda right, log_y, target: align(log_y, target)),
    ),
    "E66: sharper frames": (
        test_e66_the_limit_is_one_of_temperature_and_not_that_of_sharper_frames,
        instead(sums, each_frame_normalised_again),
    ),
    "E66: the maximum whatever the temperature": (
        test_e66_the_limit_is_one_of_temperature_and_not_that_of_sharper_frames,
        instead(sums, the_best_alone),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
