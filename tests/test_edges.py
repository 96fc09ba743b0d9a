"""Sums and maxima over paths are right for numbers of every size: against exact arithmetic, on random problems.

``python -m tests.test_edges 100000`` tries that many and prints the worst errors of each kind. In November 2026 none of them
was wrong, and the worst error was 0.0013 of the tolerance.
"""

import sys
from collections import defaultdict
from math import fsum

import numpy as np
import pytest
import torch

from course_utils.alignment import InfeasibleError
from course_utils.alignment_training import occupancy
from course_utils.ctc import best_alignment, forward_backward
from course_utils.ctc_loss import batch_loss_and_gradient, loss_and_gradient
from course_utils.decoding import prefix_beam_search
from course_utils.viterbi import align, align_score
from tests.enumeration import (
    collapse_slowly,
    labels_by_string,
    merge_runs,
    random_table,
    scored_paths,
    scores_of_labels,
)
from tests.exact import (
    KINDS,
    Problem,
    edge_problem,
    exact_best,
    exact_ctc,
    exact_grid,
    exact_log_p,
    exact_y,
    frames_for,
    log_softmax,
)

CHUNKS, PROBLEMS = 8, 2000
LOSS = 1e-12  # relative, and nats: a sum of some hundred terms, each rounded to 1e-16 of it
SHARE = 1e-9  # of the probability of a state or a symbol: every path through a mask loses some digits of the exponent
ROW = 1e-12  # times the number of symbols: the shares of a frame are divided by their own sum, which leaves roundings
MOST_STRINGS = 400  # of which a beam holds all


# -- the exact arithmetic itself


@pytest.mark.parametrize("seed", range(8))
def test_exact_sums_are_those_of_an_enumeration(seed):
    rng = np.random.default_rng(seed)
    for _ in range(10):
        T, A = int(rng.integers(1, 6)), int(rng.integers(1, 4))
        log_y, blank = random_table(rng, T, A), int(rng.integers(A))
        y = exact_y(log_y)
        for target, labels in labels_by_string(A, T, blank).items():
            scores = scores_of_labels(log_y, labels)
            found = exact_ctc(y, target, blank)
            assert found.total == pytest.approx(np.logaddexp.reduce(scores), abs=1e-12)
            assert exact_best(log_y, target, blank) == pytest.approx(scores.max(), abs=1e-12)
            if found.total > -np.inf:
                share = np.exp(scores - found.total)
                shown = np.array([[share[labels[:, t] == k].sum() for k in range(A)] for t in range(T)])
                np.testing.assert_allclose(found.by_symbol(found.gamma, A), shown, atol=1e-12)
                np.testing.assert_allclose(found.by_symbol(found.slope, A) * np.exp(log_y), shown, atol=1e-12)
        target = rng.integers(A, size=rng.integers(1, T + 1))
        paths, scores = scored_paths(log_y, target)
        found = exact_grid(y, target)
        assert found.total == pytest.approx(np.logaddexp.reduce(scores), abs=1e-12)
        assert exact_best(log_y, target) == pytest.approx(scores.max(), abs=1e-12)
        if found.total > -np.inf:
            share = np.exp(scores - found.total)
            at = np.array([[share[paths[:, t] == i].sum() for i in range(len(target))] for t in range(T)])
            np.testing.assert_allclose(found.gamma, at, atol=1e-12)


def test_exact_losses_and_gradients_are_torchs():
    rng = np.random.default_rng(0)
    for T, A, target, blank in [(1, 2, [1], 0), (5, 3, [1, 1, 2], 0), (9, 4, [0, 2, 2, 0], 3), (12, 5, [0, 1, 3], 2)]:
        logits = torch.tensor(rng.normal(0, 2, (T, A)), requires_grad=True)
        log_y = logits.log_softmax(1)
        loss = torch.nn.functional.ctc_loss(
            log_y[:, None], torch.tensor([target]), [T], [len(target)], blank=blank, reduction="sum"
        )
        loss.backward()
        log_y = log_y.detach().numpy()
        found = exact_ctc(exact_y(log_y), target, blank)
        assert -found.total == pytest.approx(loss.item(), abs=1e-12)
        np.testing.assert_allclose(np.exp(log_y) - found.by_symbol(found.gamma, A), logits.grad.numpy(), atol=1e-12)


def test_exact_numbers_do_not_underflow():
    y = exact_y(np.array([[0.0, -1e30], [0.0, -1e30]]))
    assert exact_ctc(y, [1], 0).total == -1e30
    np.testing.assert_array_equal(exact_ctc(y, [1], 0).gamma, [[0.5, 0.5, 0], [0, 0.5, 0.5]])


# -- known answers


def test_where_the_only_way_has_next_to_no_probability_its_derivative_has_no_bound():
    with np.errstate(all="raise"):
        assert forward_backward([[0.0, -800.0]], [1]).gradient("probabilities").tolist() == [[0.0, -np.inf]]


def test_a_derivative_beyond_all_floats_may_be_a_sum_of_two_that_are_not():
    """In the second frame the blank, with 5e-309, is the one before the symbol or the one behind it, half and half."""
    half = -np.log(2)
    log_y = np.array([[half, half, -np.inf], [-709.9, -np.inf, 0], [half, half, -np.inf]])
    with np.errstate(all="raise"):
        gradient = forward_backward(log_y, [1]).gradient("probabilities")
    np.testing.assert_allclose(gradient, [[-1, -1, 0], [-np.inf, -np.inf, 0], [-1, -1, 0]], rtol=1e-12)


def test_a_symbol_that_a_mask_forbids_everywhere_is_shown_once():
    """Every path that does so twice is e^(−1e17) times less probable."""
    log_y = log_softmax([[0, 1, -1e17]] * 3)
    y, expected = np.exp(log_y), exact_ctc(exact_y(log_y), [2], 0)
    with np.errstate(all="raise"):
        loss, gradient = loss_and_gradient(log_y, [2])
    assert loss == pytest.approx(1e17, rel=LOSS)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=3 * ROW)
    np.testing.assert_allclose(gradient, y - expected.by_symbol(expected.gamma, 3), atol=SHARE)
    np.testing.assert_allclose(gradient, y - [[2 / 3, 0, 1 / 3]] * 3, atol=SHARE)


def test_the_best_way_may_be_one_that_scaled_columns_lose():
    blank = [160, 130, 30, 0, 50, 0, 220, 0, 160, 0, 200, 230, 0, 0, 0, 0, 50]
    symbol = [0, 0, 0, 320, 0, 240, 0, 170, 0, 250, 0, 0, 20, 410, 420, 60, 0]
    log_y = log_softmax(-np.transpose([blank, symbol]).astype(float))
    assert loss_and_gradient(log_y, [1])[0] == pytest.approx(800, abs=1e-9)
    assert complaints(Problem("two columns", log_y, np.array([1]), 0)) == []


@pytest.mark.parametrize(("first", "expected"), [([-740, -741.3, 0], 741.4043), ([-744, -745.3, 0], 745.4043)])
def test_denormal_probabilities_keep_their_digits(first, expected):
    log_y = log_softmax([first, [-1, -2, -0.5]])
    assert loss_and_gradient(log_y, [1])[0] == pytest.approx(expected, abs=1e-4)
    assert complaints(Problem("denormal", log_y, np.array([1]), 0)) == []


def test_a_loss_is_never_below_zero():
    """Rows in float32 may sum to more than 1, and the one path that counts then has more than probability 1."""
    log_y = np.array([[1e-7, -20.0], [1e-7, -20.0]])
    loss, _ = loss_and_gradient(log_y, [])
    assert loss == 0
    assert not np.signbit(loss)
    assert complaints(Problem("above one", log_y, np.array([], dtype=int), 0)) == []


# -- random problems


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_problems_are_solved(chunk):
    rng = np.random.default_rng([1, chunk])
    for _ in range(PROBLEMS // CHUNKS):
        problem = edge_problem(rng)
        wrong = complaints(problem)
        assert not wrong, "\n".join([*wrong, str(problem)])


def complaints(problem, worst=None):
    """Return what is wrong with the package's answers to a problem, in words; none where all is right.

    ``worst`` keeps the largest error of each quantity, in units of what is tolerated.
    """
    found = _Complaints({} if worst is None else worst)
    for check in (_check_ctc, _check_batch, _check_best, _check_grid, _check_beam):
        try:
            with np.errstate(all="raise"):
                check(found, problem)
        except FloatingPointError as error:
            found.texts.append(f"{check.__name__[7:]} says: {error}")
            with np.errstate(all="ignore"):
                check(found, problem)
    return found.texts


class _Complaints:
    def __init__(self, worst):
        self.texts, self.worst = [], worst

    def close(self, name, found, expected, absolute, relative=0.0):
        """Complain unless two numbers or tables are equal within a tolerance; infinities must be the same."""
        found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
        if found.shape != expected.shape:
            self.texts.append(f"{name}: has shape {found.shape} in place of {expected.shape}")
            return
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            error = np.abs(found - expected) / (absolute + relative * np.abs(expected))
        error = np.where(np.isinf(expected) | np.isinf(found), np.where(found == expected, 0, np.inf), error)
        most = float(np.nan_to_num(error, nan=np.inf).max(initial=0.0))
        self.worst[name] = max(self.worst.get(name, 0.0), most)
        if most > 1:
            at = np.unravel_index(np.nan_to_num(error, nan=np.inf).argmax(), error.shape)
            self.texts.append(f"{name}: {found[at]} in place of {expected[at]}, at {[int(n) for n in at]}")

    def holds(self, name, true, what):
        if not true:
            self.texts.append(f"{name}: {what}")

    def loss(self, name, loss, total):
        """A loss is that of an exact log-probability, inf where there is no path, and never below zero, nor −0."""
        self.close(name, loss, max(0.0, -total), LOSS, LOSS)
        self.holds(name, loss >= 0 and not np.signbit(loss), f"is {loss}")


def _check_ctc(found, problem):
    log_y, target, blank = problem.log_y, problem.target, problem.blank
    A, y, exact = log_y.shape[1], problem.y, problem.exact
    shown, feasible = exact.by_symbol(exact.gamma, A), exact.total > -np.inf
    logits = y.astype(float) - shown if feasible else np.zeros_like(shown)
    ones, rows = float(feasible), y.sum(axis=1).astype(float) - 1 if feasible else np.zeros(len(y))
    for wrt, expected, sums in [("logits", logits, rows), ("log_probabilities", -shown, np.full(len(y), -ones))]:
        loss, gradient = loss_and_gradient(log_y, target, blank, wrt=wrt)
        found.loss("loss", loss, exact.total)
        found.close(f"gradient {wrt}", gradient, expected, SHARE)
        found.close(f"rows of gradient {wrt}", gradient.sum(axis=1), sums, ROW * A)
    if not feasible:
        _check_refusal(found, "infeasible", lambda: loss_and_gradient(log_y, target, blank, infeasible="raise"))
    tables = forward_backward(log_y, target, blank)
    found.loss("forward_backward loss", tables.loss, exact.total)
    found.close("log_p", tables.log_p, min(exact.total, 0.0), LOSS, LOSS)
    found.close("gamma", tables.gamma, exact.gamma, SHARE)
    found.close("rows of gamma", tables.gamma.sum(axis=1), np.full(len(y), ones), ROW * A)
    found.close("occupancy", tables.symbol_posterior, shown, SHARE)
    found.close("gradient of tables", tables.gradient(), logits, SHARE)
    slope = -exact.by_symbol(exact.slope, A)
    found.close("gradient probabilities", tables.gradient("probabilities"), slope, SHARE, SHARE)


def _check_batch(found, problem):
    """A problem, and the same one from its end to its beginning, in a batch with frames beyond that are not numbers."""
    log_y, target, blank = problem.log_y, problem.target, problem.blank
    (T, A), y, exact = log_y.shape, problem.y, problem.exact
    feasible = exact.total > -np.inf
    expected = np.zeros((2, T + 1, A))
    if feasible:
        expected[0, :T] = y.astype(float) - exact.by_symbol(exact.gamma, A)
        expected[1, :T] = expected[0, T - 1 :: -1]
    batch = np.full((2, T + 1, A), np.nan)
    batch[0, :T], batch[1, :T] = log_y, log_y[::-1]
    losses, gradients = batch_loss_and_gradient(batch, [target, target[::-1]], [T, T], blank)
    for loss in losses:
        found.loss("batch loss", loss, exact.total)
    found.close("batch gradients", gradients, expected, SHARE)


def _check_best(found, problem):
    log_y, target, blank = problem.log_y, problem.target, problem.blank
    expected = exact_best(log_y, target, blank)
    if expected == -np.inf:
        _check_refusal(found, "best_alignment", lambda: best_alignment(log_y, target, blank))
        return
    best = best_alignment(log_y, target, blank)
    found.close("best_alignment score", best.score, min(expected, 0.0), LOSS, LOSS)
    scored = fsum(log_y[np.arange(len(log_y)), best.labels])
    found.close("best_alignment path", scored, expected, LOSS, LOSS)
    read = collapse_slowly(best.labels.tolist(), blank)
    found.holds("best_alignment path", read == tuple(target.tolist()), f"reads {read}")


def _check_grid(found, problem):
    log_y, T = problem.log_y, len(problem.log_y)
    target = problem.target if len(problem.target) else np.array([problem.blank])
    exact, expected = exact_grid(problem.y, target), exact_best(log_y, target)
    found.close("align_score", align_score(log_y, target), min(expected, 0.0), LOSS, LOSS)
    if expected == -np.inf:
        _check_refusal(found, "align", lambda: align(log_y, target))
        _check_refusal(found, "occupancy of positions", lambda: occupancy(log_y, target))
        return
    best = align(log_y, target)
    found.close("align score", best.score, min(expected, 0.0), LOSS, LOSS)
    scored = fsum(log_y[np.arange(T), best.labels])
    found.close("align path", scored, expected, LOSS, LOSS)
    found.holds("align path", merge_runs(best.path.tolist()) == tuple(range(len(target))), f"is {best.path.tolist()}")
    gamma, log_total = occupancy(log_y, target)
    one_path_a_string = frames_for(target.tolist()) == len(target)  # else the sum may be above 1
    found.close("log_total", log_total, min(exact.total, 0.0) if one_path_a_string else exact.total, LOSS, LOSS)
    found.close("occupancy of positions", gamma, exact.gamma, SHARE)
    found.close("rows of occupancy of positions", gamma.sum(axis=1), np.ones(T), ROW * log_y.shape[1])


def _check_beam(found, problem):
    """A string's score is never above its probability, and is that probability where the beam holds all strings."""
    log_y, blank, (T, A) = problem.log_y, problem.blank, problem.log_y.shape
    holds_all = A**T <= MOST_STRINGS
    read = prefix_beam_search(log_y, blank, MOST_STRINGS if holds_all else 4, n_best=2)
    found.holds("beam", len(read) > 0, "found nothing")
    for hypothesis in read:
        exact = min(exact_log_p(problem.y, hypothesis.labels, blank), 0.0)
        if holds_all:
            found.close("beam", hypothesis.log_p, exact, LOSS, LOSS)
        else:
            found.close("beam from above", max(hypothesis.log_p, exact), exact, LOSS, LOSS)
    if holds_all and read:
        found.close("best of beam", max(read[0].log_p, min(problem.exact.total, 0.0)), read[0].log_p, LOSS, LOSS)


def _check_refusal(found, name, ask):
    try:
        answer = ask()
    except InfeasibleError:
        return
    found.texts.append(f"{name}: {answer} in place of an InfeasibleError")


def main(count):
    """Try random problems and print for each kind how many there were, how many went wrong, and the worst errors."""
    rng = np.random.default_rng(2)
    tried, wrong, worst, first = defaultdict(int), defaultdict(int), defaultdict(dict), {}
    for _ in range(count):
        problem = edge_problem(rng)
        tried[problem.kind] += 1
        texts = complaints(problem, worst[problem.kind])
        wrong[problem.kind] += bool(texts)
        for text in texts:
            key = problem.kind, text.split(":")[0]
            if key not in first or len(str(problem)) < len(str(first[key][1])):
                first[key] = text, problem
    for kind in KINDS:
        most = sorted(worst[kind].items(), key=lambda item: -item[1])[:4]
        errors = ", ".join(f"{name} {error:.2g}" for name, error in most)
        print(f"{kind}: {tried[kind]} tried, {wrong[kind]} wrong; worst errors, 1 is tolerated: {errors}")
    for (kind, _), (text, problem) in sorted(first.items(), key=lambda item: item[0]):
        print(f"\n{kind}: {text}\n  {problem}")
    return sum(wrong.values())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])) > 0)
