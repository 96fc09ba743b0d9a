"""Chapter 9: does CTC give what listing all label sequences gives, what torch gives, and what was published?"""

import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string, random_table, scores_of_labels
from hypothesis import given
from hypothesis import strategies as st
from loops import switched_off, with_a_fault
from showing import showing

from course_utils import ctc, lattice
from course_utils.alignment import InfeasibleError
from course_utils.alignment_training import log_softmax
from course_utils.ctc import (
    ForwardBackward,
    alignments,
    best_alignment,
    collapse,
    count_alignments,
    extend,
    fewest_frames,
    forward_backward,
    forward_backward_unchecked,
    may_skip,
    skip_over_every_blank,
)
from course_utils.ctc_loss import batch_loss_and_gradient, loss_and_gradient
from course_utils.examples import CTC_SYMBOLS, CTC_Y
from course_utils.posteriors import log_probabilities

pytestmark = pytest.mark.slow

EXACT = {"rel": 1e-12, "abs": 1e-12}
LOG_Y = np.log(CTC_Y)


def columns(string):
    return [CTC_SYMBOLS.index(name) for name in string]


# -- the slow way: all A^T label sequences, sorted by what they collapse to


def ways(target, A, T, blank=0):
    """(n, T): of all A^T label sequences, those that collapse to the target."""
    return labels_by_string(A, T, blank).get(tuple(int(k) for k in target), np.empty((0, T), dtype=int))


def log_sum(scores):
    top = scores.max(initial=-np.inf)
    return top if top == -np.inf else top + np.log(np.exp(scores - top).sum())


def enumerate_target(log_y, target, blank):
    """Log-probability of the target and the (T, A) share of its alignments that show each label at each frame."""
    T, A = log_y.shape
    labels = ways(target, A, T, blank)
    scores = scores_of_labels(log_y, labels)
    log_p = log_sum(scores)
    if log_p == -np.inf:
        return log_p, np.zeros((T, A))
    cells = labels + A * np.arange(T)
    shares = np.repeat(np.exp(scores - log_p), T)
    return log_p, np.bincount(cells.ravel(), weights=shares, minlength=T * A).reshape(T, A)


def random_problem(rng, longest=6):
    """Log-probabilities, a target and the column of the blank; the target may be empty or one or more frames short."""
    T, A = int(rng.integers(1, longest + 1)), int(rng.integers(2, 5))
    blank = int(rng.integers(A))
    symbols = np.delete(np.arange(A), blank)
    return random_table(rng, T, A), rng.choice(symbols, size=rng.integers(0, T + 2)), blank


def problems(count, seed=9, longest=6):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield random_problem(rng, longest)


def say(log_y, target, blank):
    return f"log_y =\n{log_y}\ntarget = {target}, blank = {blank}"


def assert_like_enumeration(log_y, target, blank):
    """Demand of both ways to compute it the loss and the gradient that listing the alignments gives."""
    log_p, occupancy = enumerate_target(log_y, target, blank)
    loss, gradient = loss_and_gradient(log_y, target, blank)
    exact = forward_backward(log_y, target, blank)
    if log_p == -np.inf:
        assert loss == exact.loss == np.inf
        assert not gradient.any()
        assert not exact.gradient().any()
        with pytest.raises(InfeasibleError):
            loss_and_gradient(log_y, target, blank, infeasible="raise")
        return
    assert loss == pytest.approx(-log_p, **EXACT)
    assert exact.log_p == pytest.approx(log_p, **EXACT)
    # Logarithms as low as −2000 come before the exponential: the last digit of such a number is worth 2e-13.
    np.testing.assert_allclose(gradient, np.exp(log_y) - occupancy, rtol=0, atol=1e-11)
    np.testing.assert_allclose(exact.symbol_posterior, occupancy, rtol=0, atol=1e-11)


def assert_all_like_enumeration(count):
    for problem in problems(count):
        with showing(say, *problem):
            assert_like_enumeration(*problem)


def test_ten_thousand_small_problems_give_what_enumeration_gives():
    assert_all_like_enumeration(10_000)


def test_those_problems_hold_every_edge():
    names = "T = 1", "empty", "exactly", "one short", "repeats", "zeros", "no way", "ties", "middle blank", "last blank"
    edges = dict.fromkeys(names, 0)
    for log_y, target, blank in problems(10_000):
        (T, A), needs = log_y.shape, fewest_frames(target.tolist())
        scores = scores_of_labels(log_y, ways(target, A, T, blank))
        best = scores.max(initial=-np.inf)
        edges["T = 1"] += T == 1
        edges["empty"] += len(target) == 0
        edges["exactly"] += needs == T > 1
        edges["one short"] += needs == T + 1
        edges["repeats"] += needs > len(target)
        edges["zeros"] += bool(np.isinf(log_y).any())
        edges["no way"] += len(scores) > 0 and best == -np.inf
        edges["ties"] += best > -np.inf and (np.isclose(scores, best, atol=1e-12)).sum() > 1
        edges["middle blank"] += 0 < blank < A - 1
        edges["last blank"] += blank == A - 1
    assert min(edges.values()) > 100, edges


def skip_equal_letters_too(extended, blank=0):
    allowed = np.zeros(len(extended), dtype=bool)
    allowed[2:] = extended[2:] != blank
    return allowed


def skip_letters_as_well(extended, blank=0):
    allowed = np.zeros(len(extended), dtype=bool)
    allowed[2:] = (extended[2:] == blank) | (extended[2:] != extended[:-2])
    return allowed


def never_skip(extended, blank=0):
    return np.zeros(len(extended), dtype=bool)


def last_state_wins(states, extended, A):
    occupancy = np.zeros((len(states), A))
    occupancy[:, extended] = states
    return occupancy


def gradient_without_y(self, wrt="logits"):
    return -self.symbol_posterior


def no_blank_at_the_start(target, blank=0):
    return np.array([k for symbol in target for k in (symbol, blank)] or [blank])


FAULTS = {
    "a skip between equal letters": ("may_skip", skip_equal_letters_too),
    "a skip over letters": ("may_skip", skip_letters_as_well),
    "no skip at all": ("may_skip", never_skip),
    "states of one symbol are not added up": ("by_symbol", last_state_wins),
    "a gradient of another quantity": ("ForwardBackward.gradient", gradient_without_y),
    "no blank in front": ("extend", no_blank_at_the_start),
}


@pytest.mark.parametrize(("name", "fault"), FAULTS.values(), ids=FAULTS)
def test_enumeration_sees_a_planted_fault(name, fault, monkeypatch):
    switched_off(monkeypatch)
    monkeypatch.setattr(f"course_utils.ctc.{name}", fault)
    with pytest.raises((AssertionError, IndexError, pytest.fail.Exception)), np.errstate(all="ignore"):
        assert_all_like_enumeration(1000)


#: Where, what stands there, and what stands there instead.
FAULTY_LOOPS = {
    "a skip between equal letters": ("ctc", "(i % 2 and column[i] != column[i - 2])", "i % 2"),
    "a skip over letters": (
        "ctc",
        "(i % 2 and column[i] != column[i - 2])",
        "(i > 1 and i % 2 == 0 or i % 2 and column[i] != column[i - 2])",
    ),
    "no skip at all": ("ctc", "i == 1 or (i % 2 and column[i] != column[i - 2])", "i == 1"),
    "states of one symbol are not added up": ("lattice", "column[i]] -= share[i]", "column[i]] = -share[i]"),
    "a gradient of another quantity": ("lattice", "if not add_y:", "if add_y:"),
    "paths end in the last state only": ("lattice", "if S > 1 and closed[1] == 0:", "if False:"),
    "the way back skips elsewhere": ("lattice", "closed[S + 1 - i]", "closed[S - i]"),
    "a closed way is open": ("lattice", "found if top > -_INF else 0.0", "found"),
    "the way back takes the frame's own probability": ("lattice", "column_back, floor, y", "column, floor, y"),
    "the start stays open": ("lattice", "    now[0] = now[1] = 0.0\n    now_power[0] = now_power[1] = -_INF\n", ""),
    "advancing by two states": ("lattice", "before_power[i + 1], before", "before_power[i], before"),
    "the next exponent is not scaled": ("lattice", "before[i + 2] * DOWN", "before[i + 2]"),
    "mantissas are not brought back": ("lattice", "product < SMALLEST, ", "False, "),
    "shares of a sum of another frame": ("lattice", "scale = 1 / total(share)", "scale = 1 / max(total(share), 1e-3)"),
    "the smallest numbers are not split": ("lattice", "if not found[i] >= SMALLEST:", "if False:"),
    "losses below zero": ("ctc", "max(0.0, sum_over", "min(1e308, sum_over"),
}


@pytest.mark.parametrize(("module", "right", "wrong"), FAULTY_LOOPS.values(), ids=FAULTY_LOOPS)
def test_enumeration_sees_a_fault_in_the_loops(module, right, wrong, monkeypatch):
    with_a_fault(monkeypatch, module, right, wrong)
    with np.errstate(all="ignore"):
        assert any(is_seen(check) for check in (lambda: assert_all_like_enumeration(300), assert_hard_numbers))


def is_seen(check):
    try:
        check()
    except (AssertionError, IndexError, ZeroDivisionError, ValueError):
        return True
    return False


# -- the tables


def prefix_scores(log_y, target, blank, t, i):
    """Scores of all label sequences of t + 1 frames that mean "state i at frame t", (n,); and without frame t."""
    labels = ways(target[: (i + 1) // 2], log_y.shape[1], t + 1, blank)
    labels = labels[labels[:, -1] == (target[i // 2] if i % 2 else blank)]
    return scores_of_labels(log_y[: t + 1], labels), scores_of_labels(log_y[:t], labels[:, :t])


def suffix_scores(log_y, target, blank, t, i):
    """Scores, from frame t + 1 on, of all label sequences that start in state i at frame t and spell the rest."""
    labels = ways(target[i // 2 :], log_y.shape[1], len(log_y) - t, blank)
    labels = labels[labels[:, 0] == (target[i // 2] if i % 2 else blank)]
    return scores_of_labels(log_y[t + 1 :], labels[:, 1:])


def assert_tables_like_their_definition(count):
    for problem in problems(count, seed=1, longest=5):
        found = forward_backward(*problem)
        for t, i in np.ndindex(found.alpha.shape):
            with showing("t = {}, i = {}\n{}".format, t, i, found), showing(say, *problem):
                with_t, without_t = prefix_scores(*problem, t, i)
                assert found.alpha[t, i] == pytest.approx(log_sum(with_t), **EXACT)
                assert found.incoming[t, i] == pytest.approx(log_sum(without_t), **EXACT)
                assert found.beta[t, i] == pytest.approx(log_sum(suffix_scores(*problem, t, i)), **EXACT)


def test_every_cell_of_alpha_incoming_and_beta_is_what_its_definition_says():
    assert_tables_like_their_definition(300)


def test_the_definition_sees_a_beta_that_has_its_own_frame(monkeypatch):
    right = lattice._walk

    def own_frame_included(e, closed):
        _, ways = right(e, closed)
        return ways, ways

    monkeypatch.setattr(lattice, "_walk", own_frame_included)
    with pytest.raises(AssertionError):
        assert_tables_like_their_definition(20)


def assert_frames_hold_the_whole_probability(log_y, target, blank):
    found = forward_backward(log_y, target, blank)
    every_frame = np.logaddexp.reduce(found.alpha + found.beta, axis=1)
    if found.log_p == -np.inf:
        assert (every_frame == -np.inf).all()
        assert not found.gamma.any()
        assert not found.symbol_posterior.any()
        assert not any(found.gradient(wrt).any() for wrt in ("logits", "log_probabilities", "probabilities"))
        return
    np.testing.assert_allclose(every_frame, found.log_p, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.gamma.sum(axis=1), 1, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.symbol_posterior.sum(axis=1), 1, rtol=0, atol=1e-10)


def assert_each_frame_holds_the_whole_probability(count):
    for problem in problems(count, seed=2, longest=20):
        with showing(say, *problem):
            assert_frames_hold_the_whole_probability(*problem)


def test_alpha_plus_beta_is_the_log_probability_at_every_frame():
    assert_each_frame_holds_the_whole_probability(500)


def test_the_identity_sees_a_skip_that_is_not_reversed_with_the_graph(monkeypatch):
    right = lattice._walk

    def shifted(e, closed):
        return right(e, np.stack([closed[0], np.roll(closed[1], 2)]))  # the second graph is the reversed one

    monkeypatch.setattr(lattice, "_walk", shifted)
    with pytest.raises(AssertionError):
        assert_each_frame_holds_the_whole_probability(100)


@pytest.mark.parametrize(
    ("group", "string"), [("O3_ctc_aa", "aa"), ("O4_ctc_ab", "ab"), ("O4b_ctc_a", "a"), ("O4c_ctc_empty", "")]
)
def test_the_published_tables(oracles, group, string):
    truth = oracles[group]
    target = columns(string)
    found = forward_backward(LOG_Y, target)
    np.testing.assert_allclose(np.exp(found.alpha), truth["alpha"], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(np.exp(found.beta), truth["beta"], rtol=1e-12, atol=1e-15)
    assert np.exp(found.log_p) == pytest.approx(float(Fraction(truth["P_exact"])), **EXACT)
    for loss in (found.loss, loss_and_gradient(LOG_Y, target)[0]):
        assert loss == pytest.approx(truth["loss"], **EXACT)
        assert loss == pytest.approx(truth["torch_loss"], **EXACT)
    assert count_alignments(target, 4) == len(list(alignments(target, 4))) == truth["n_alignments"]


@pytest.mark.parametrize(("group", "string"), [("O5_grad_aa", "aa"), ("O5b_grad_ab", "ab")])
def test_the_published_gradients(oracles, group, string):
    truth = oracles[group]
    target = columns(string)
    found = forward_backward(LOG_Y, target)
    exactly = [[float(Fraction(share)) for share in row] for row in truth["gamma_exact"]]
    np.testing.assert_allclose(found.symbol_posterior, exactly, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.symbol_posterior, truth["gamma"], rtol=1e-12, atol=1e-12)
    for wrt, name in {"probabilities": "dL_dy", "log_probabilities": "dL_dlogy", "logits": "dL_dlogit"}.items():
        np.testing.assert_allclose(found.gradient(wrt), truth[name], rtol=1e-12, atol=1e-12)
        if wrt != "probabilities":
            fast = loss_and_gradient(LOG_Y, target, wrt=wrt)[1]
            np.testing.assert_allclose(fast, truth[name], rtol=1e-12, atol=1e-12)


def test_sums_of_tiny_and_of_no_probabilities(oracles):
    """Two ways into state 2 are an advance and a skip; with a stay they are three."""
    truth = {name: float(value) for name, value in oracles["O13_lse"].items()}
    closed = np.array([-np.inf, 0, 0])
    for name in [name for name in truth if name.startswith("(")]:
        over, advance = map(float, name.strip("()").split(","))
        incoming = lattice.sums(np.array([[over, advance, -np.inf], [0, 0, 0]]), closed).incoming
        assert incoming[1, 2] == pytest.approx(truth[name], rel=1e-12, abs=1e-15), name
    log_e = np.array([[0, -np.inf, -np.inf], [-1000, -1001, -1002], [0, 0, 0]])
    incoming = lattice.sums(log_e, closed).incoming
    assert incoming[2, 2] == pytest.approx(truth["three(-1000,-1001,-1002)"], rel=1e-12)


def assert_reachable_like_enumeration(count):
    for log_y, target, blank in problems(count, seed=6, longest=5):
        found = forward_backward(log_y, target, blank)
        truth = [
            [len(prefix_scores(log_y, target, blank, t, i)[0]) > 0 for i in range(2 * len(target) + 1)]
            for t in range(len(log_y))
        ]
        assert found.reachable.tolist() == truth, say(log_y, target, blank)
        assert found.fits == bool(found.reachable[-1, -2:].any()), say(log_y, target, blank)
        assert (found.alpha[~found.reachable] == -np.inf).all(), say(log_y, target, blank)
        assert (found.target.tolist(), found.blank) == (target.tolist(), blank)


def test_a_state_can_be_reached_if_some_label_sequence_means_it():
    assert_reachable_like_enumeration(200)


def test_enumeration_sees_a_state_that_is_reached_by_a_skip_that_is_refused(monkeypatch):
    monkeypatch.setattr(ctc, "may_skip", skip_equal_letters_too)
    with pytest.raises(AssertionError):
        assert_reachable_like_enumeration(100)


def test_without_the_rule_every_symbol_but_the_first_is_entered_over_a_blank():
    for target in ([], [1], [1, 1], [1, 2, 2, 1]):
        extended = extend(target)
        assert skip_over_every_blank(extended).tolist() == skip_equal_letters_too(extended).tolist()[:1] + [
            i >= 3 and i % 2 == 1 for i in range(1, len(extended))
        ]
    different = extend([1, 2, 1])
    assert skip_over_every_blank(different).tolist() == may_skip(different).tolist()
    doubled = forward_backward(LOG_Y, [1, 1], skip=skip_over_every_blank(extend([1, 1])))
    assert doubled.log_p > forward_backward(LOG_Y, [1, 1]).log_p


def test_what_has_been_checked_gives_the_same_tables():
    for log_y, target, blank in problems(50, seed=7):
        checked, unchecked = (f(log_y, target, blank) for f in (forward_backward, forward_backward_unchecked))
        for name, table in vars(checked).items():
            np.testing.assert_array_equal(vars(unchecked)[name], table)


# -- collapsing, extending, counting


def test_collapse_merges_first_and_removes_second(oracles):
    for labels, (merged_first, removed_first) in oracles["O19_collapse"].items():
        assert "".join(collapse(labels, "-")) == merged_first
        assert "".join(collapse_slowly(labels, "-")) == merged_first
        without = labels.replace("-", "")
        assert "".join(k for t, k in enumerate(without) if t == 0 or k != without[t - 1]) == removed_first


def test_collapse_of_all_short_label_sequences():
    for T in range(6):
        for blank in range(3):
            for labels in product(range(3), repeat=T):
                assert collapse(labels, blank) == collapse_slowly(labels, blank)
    assert collapse(np.array([0, 1, 1, 0, 1, 2])) == (1, 1, 2)


def test_extend_puts_blanks_around_every_symbol():
    assert extend([1, 1, 2]).tolist() == [0, 1, 0, 1, 0, 2, 0]
    assert extend([0, 1], 2).tolist() == [2, 0, 2, 1, 2]
    assert extend([]).tolist() == [0]


def test_a_blank_may_be_skipped_only_between_different_symbols():
    assert may_skip(extend([1, 2, 2, 1])).tolist() == [False, False, False, True, False, False, False, True, False]
    assert may_skip(extend([0, 1, 1], 2), 2).tolist() == [False, False, False, True, False, False, False]
    assert may_skip(extend([])).tolist() == [False]
    for L in range(4):
        for target in product((0, 2), repeat=L):
            extended = extend(target, 1)
            # Entering state i over the blank is right exactly if the two labels alone collapse to both symbols.
            truth = [i >= 2 and len(collapse_slowly(extended[i - 2 : i + 1 : 2], 1)) == 2 for i in range(2 * L + 1)]
            assert may_skip(extended, 1).tolist() == truth


def assert_counts_and_lists_like_enumeration():
    for blank in range(3):
        symbols = [k for k in range(3) if k != blank]
        for L in range(4):
            for target in product(symbols, repeat=L):
                for T in range(1, 7):
                    truth = {tuple(labels) for labels in ways(target, 3, T, blank).tolist()}
                    listed = list(alignments(target, T, blank))
                    assert len(listed) == len(set(listed)) == count_alignments(target, T) == len(truth), (target, T)
                    assert set(listed) == truth, (target, T, blank)
                    assert (fewest_frames(target) <= T) == bool(truth), (target, T)


def test_counts_and_lists_are_those_of_enumeration():
    assert_counts_and_lists_like_enumeration()


def test_enumeration_sees_a_count_that_forgets_repeats(monkeypatch):
    monkeypatch.setattr(ctc, "adjacent_repeats", lambda target: 0)
    with pytest.raises(AssertionError):
        assert_counts_and_lists_like_enumeration()


def test_enumeration_sees_a_list_that_has_one_alignment_twice(monkeypatch):
    right = alignments

    def twice(target, T, blank=0):
        listed = list(right(target, T, blank))
        return listed + listed[:1]

    monkeypatch.setitem(globals(), "alignments", twice)
    with pytest.raises(AssertionError):
        assert_counts_and_lists_like_enumeration()


def test_no_frames_have_one_alignment_of_nothing():
    """The one label sequence of no frames is the empty one, and it collapses to the empty string."""
    assert count_alignments([], 0) == 1
    assert count_alignments([1], 0) == 0
    assert list(alignments([1], 0)) == []
    assert list(alignments([], 0)) == [()]


def test_the_published_counts(oracles):
    for key, truth in oracles["O7_ctc_counts"]["table"].items():
        T, L, R = map(int, re.fullmatch(r"T=(\d+),L=(\d+),R=(\d+)", key).groups())
        run = min(R + 1, L)
        target = [1] * run + [2 + k % 2 for k in range(L - run)]
        assert count_alignments(target, T) == truth, key
        assert count_alignments(target[::-1], T) == truth, key
    by_length = oracles["O16_lengthnorm"]["count_by_L_T10"]
    assert [count_alignments(range(1, L + 1), 10) for L in range(11)] == by_length


def test_letters_do_for_listing_as_well():
    assert sorted("".join(a) for a in alignments("aa", 4, "-")) == ["-a-a", "a--a", "a-a-", "a-aa", "aa-a"]


# -- against torch


def torch_loss_and_gradient(logits, targets, lengths, blank):
    """(B,) losses, and gradients with respect to (B, T, A) logits and to log-probabilities, as torch has them."""
    import torch

    with np.errstate(all="ignore"):
        x = torch.tensor(np.asarray(logits, dtype=float).transpose(1, 0, 2), requires_grad=True)
        log_y = torch.log_softmax(x, dim=2)
        log_y.retain_grad()
        flat = torch.as_tensor(np.concatenate([np.asarray(target, dtype=np.int64) for target in targets]))
        sizes = torch.as_tensor([len(target) for target in targets])
        losses = torch.nn.functional.ctc_loss(
            log_y, flat, torch.as_tensor(lengths), sizes, blank, "none", zero_infinity=False
        )
        losses[torch.isfinite(losses)].sum().backward()
    return losses.detach().numpy(), x.grad.numpy().transpose(1, 0, 2), log_y.grad.numpy().transpose(1, 0, 2)


def random_logits(rng, longest=30, like=None):
    """Logits of one of four kinds (smooth, large, extreme, coarse so that ties abound), a target and the blank."""
    T, A = int(rng.integers(1, longest + 1)), int(rng.integers(2, 8))
    logits = [
        rng.normal(size=(T, A)),
        10 * rng.normal(size=(T, A)),
        100 * rng.normal(size=(T, A)),
        rng.integers(2, size=(T, A)).astype(float),
    ][rng.integers(4)]
    blank = int(rng.choice([0, A // 2, A - 1]))
    symbols = np.delete(np.arange(A), blank)
    target = rng.choice(symbols, size=rng.integers(0, T + 2))
    while rng.random() < 0.7 and fewest_frames(target.tolist()) > T:  # mostly exactly feasible, else short of frames
        target = target[1:]
    return logits, target, blank


def assert_like_torch(logits, target, blank):
    losses, by_logits, _ = torch_loss_and_gradient(logits[None], [target], [len(logits)], blank)
    loss, gradient = loss_and_gradient(log_softmax(logits), target, blank)
    assert loss == pytest.approx(losses[0], rel=1e-9, abs=1e-12)
    if loss == np.inf:
        assert not gradient.any()
    else:
        np.testing.assert_allclose(gradient, by_logits[0], rtol=0, atol=1e-9)


def assert_all_like_torch(count):
    rng = np.random.default_rng(10)
    for _ in range(count):
        problem = random_logits(rng)
        with showing("logits =\n{}\ntarget = {}, blank = {}".format, *problem):
            assert_like_torch(*problem)


def test_a_thousand_problems_give_what_torch_gives():
    assert_all_like_torch(1000)


def test_without_numba_torch_gives_the_same(monkeypatch):
    switched_off(monkeypatch)
    assert_all_like_torch(200)


def test_torch_sees_a_skip_between_equal_letters(monkeypatch):
    switched_off(monkeypatch)
    monkeypatch.setattr(ctc, "may_skip", skip_equal_letters_too)
    with pytest.raises(AssertionError):
        assert_all_like_torch(100)


def test_zero_probabilities_give_the_loss_that_torch_gives():
    import torch

    infinite = 0
    for log_y, target, blank in problems(300, seed=3, longest=12):
        truth = torch.nn.functional.ctc_loss(
            torch.tensor(log_y), torch.as_tensor(target), (len(log_y),), (len(target),), blank, "none"
        ).item()
        assert loss_and_gradient(log_y, target, blank)[0] == pytest.approx(truth, rel=1e-9, abs=1e-12)
        infinite += truth == np.inf
    assert 20 < infinite < 250


def test_what_torch_calls_the_gradient_of_log_probabilities_is_that_of_the_logits():
    rng = np.random.default_rng(11)
    logits, target = rng.normal(size=(7, 4)), [1, 1, 3]
    _, by_logits, by_log_y = torch_loss_and_gradient(logits[None], [target], [7], 0)
    log_y = log_softmax(logits)
    np.testing.assert_allclose(by_log_y, by_logits, rtol=0, atol=1e-12)
    np.testing.assert_allclose(loss_and_gradient(log_y, target)[1], by_log_y[0], rtol=0, atol=1e-12)
    free = loss_and_gradient(log_y, target, wrt="log_probabilities")[1]
    np.testing.assert_allclose(free, by_log_y[0] - np.exp(log_y), rtol=0, atol=1e-12)


def ragged(rng, B=8, T=20, A=5):
    """A batch in which all utterances fit, but for the last two: one frame short, and without any frame to spare."""
    logits = rng.normal(size=(B, T, A)) * rng.choice([1, 30], size=(B, 1, 1))
    lengths = rng.integers(2, T + 1, size=B)
    targets = []
    for n in lengths:
        target = rng.integers(1, A, size=n)
        while fewest_frames(target.tolist()) > n:
            target = target[1:]
        targets.append(target[: rng.integers(0, n + 1)])
    targets[-2] = np.ones(lengths[-2] // 2 + 1, dtype=int)  # needs an odd number of frames: L + (L − 1)
    lengths[-2] = 2 * len(targets[-2]) - 2 or 1
    targets[-1] = 1 + np.arange(lengths[-1]) % (A - 1)
    return logits, targets, lengths


def test_a_ragged_batch_gives_what_torch_gives(both_ways):
    rng = np.random.default_rng(12)
    for blank in (0, 2, 4):
        logits, targets, lengths = ragged(rng)
        targets = [np.where(target == blank, 0, target) for target in targets]
        for b, target in enumerate(targets):  # the replaced symbols may have made new repeats
            while b != len(targets) - 2 and fewest_frames(target.tolist()) > lengths[b]:
                targets[b] = target = target[1:]
        truth, by_logits, _ = torch_loss_and_gradient(logits, targets, lengths, blank)
        losses, gradients = batch_loss_and_gradient(log_softmax(logits), targets, lengths, blank)
        np.testing.assert_allclose(losses, truth, rtol=1e-9)
        fits = np.isfinite(truth)
        assert fits.sum() >= 6
        np.testing.assert_allclose(gradients[fits], by_logits[fits], rtol=0, atol=1e-9)
        assert not gradients[~fits].any()


# -- batches


def assert_batches_like_one_by_one():
    rng = np.random.default_rng(13)
    for _ in range(60):
        logits, targets, lengths = ragged(rng, B=int(rng.integers(3, 9)))
        log_y = log_softmax(logits)
        padding = np.arange(log_y.shape[1]) >= lengths[:, None]
        log_y[padding] = np.nan
        for wrt in ("logits", "log_probabilities"):
            losses, gradients = batch_loss_and_gradient(log_y, targets, lengths, wrt=wrt)
            assert not gradients[padding].any()
            for b, n in enumerate(lengths):
                loss, gradient = loss_and_gradient(log_y[b, :n], targets[b], wrt=wrt)
                assert losses[b] == pytest.approx(loss, **EXACT)
                np.testing.assert_allclose(gradients[b, :n], gradient, rtol=0, atol=1e-12)
                assert losses[b] == pytest.approx(forward_backward(log_y[b, :n], targets[b]).loss, rel=1e-11)
        assert losses[-2] == np.inf
        assert not gradients[-2].any()
        assert losses[-1] < np.inf


def test_a_ragged_batch_is_the_same_one_by_one_and_its_padding_is_not_looked_at(both_ways):
    assert_batches_like_one_by_one()


def test_the_comparison_sees_a_batch_that_goes_on_beyond_the_last_frame(monkeypatch):
    with_a_fault(monkeypatch, "ctc", "target, start, T = targets[start : ends[b]], ends[b], lengths[b]",
                 "target, start, T = targets[start : ends[b]], ends[b], log_y.shape[1]")  # fmt: skip
    with pytest.raises((AssertionError, ValueError)), np.errstate(all="ignore"):
        assert_batches_like_one_by_one()


def test_a_batch_with_one_target_that_does_not_fit_is_refused_if_that_is_asked_for():
    log_y = np.log(np.full((2, 3, 3), 1 / 3))
    losses, gradients = batch_loss_and_gradient(log_y, [[1, 2], [1, 1]], [3, 2])
    assert losses[0] < losses[1] == np.inf
    assert gradients[0].any()
    assert not gradients[1].any()
    with pytest.raises(
        InfeasibleError, match=r"only 2 frames \(utterance 1 of the batch\): the smallest T that would do is 3$"
    ):
        batch_loss_and_gradient(log_y, [[1, 2], [1, 1]], [3, 2], infeasible="raise")


@pytest.mark.parametrize("lengths", [[], np.empty(0, dtype=int)], ids=["list", "array"])
def test_a_batch_of_nothing_has_no_losses(lengths):
    losses, gradients = batch_loss_and_gradient(np.empty((0, 4, 3)), [], lengths)
    assert losses.shape == (0,)
    assert gradients.shape == (0, 4, 3)


# -- long inputs


@pytest.fixture(scope="module")
def long_problem():
    rng = np.random.default_rng(14)
    logits, target = 3 * rng.normal(size=(5000, 30)), rng.integers(1, 30, size=500)
    return logits, target, torch_loss_and_gradient(logits[None], [target], [5000], 0)


def assert_like_torch_on(long_problem):
    logits, target, (losses, by_logits, _) = long_problem
    loss, gradient = loss_and_gradient(log_softmax(logits), target)
    assert loss == pytest.approx(losses[0], rel=1e-9)
    np.testing.assert_allclose(gradient, by_logits[0], rtol=0, atol=1e-9)


def test_5000_frames_with_500_symbols_give_what_torch_gives(long_problem):
    assert_like_torch_on(long_problem)


def assert_hard_numbers():
    """Demand what is right where products leave all floats, in the middle of a lattice as well as at its end."""
    blank = [160, 130, 30, 0, 50, 0, 220, 0, 160, 0, 200, 230, 0, 0, 0, 0, 50]
    symbol = [0, 0, 0, 320, 0, 240, 0, 170, 0, 250, 0, 0, 20, 410, 420, 60, 0]
    log_y = log_softmax(-np.array([blank, symbol], dtype=float).T)
    for loss, gradient in (loss_and_gradient(log_y, [1]), as_tables(log_y, [1])):
        assert loss == pytest.approx(800.0, rel=1e-12)
        np.testing.assert_allclose(gradient.sum(axis=1), 0, rtol=0, atol=1e-12)
    for smallest, truth in [(-740.0, 741.4043305971343), (-744.0, 745.4043305971343)]:  # denormal first frames
        log_y = log_softmax([[smallest, smallest - 1.3, 0], [-1, -2, -0.5]])
        for loss, gradient in (loss_and_gradient(log_y, [1]), as_tables(log_y, [1])):
            assert loss == pytest.approx(truth, rel=1e-12)
            np.testing.assert_allclose(gradient.sum(axis=1), 0, rtol=0, atol=1e-12)
    for mask in (1e4, 1e9, 1e12, 1e17, 1e30):  # the symbol is at one of three frames, and all three are alike
        log_y = log_softmax([[0, 1, -mask]] * 3)
        for loss, gradient in (loss_and_gradient(log_y, [2]), as_tables(log_y, [2])):
            assert loss == pytest.approx(-log_y[0, 2] - 2 * log_y[0, 0] - np.log(3), rel=1e-12)
            np.testing.assert_allclose(gradient, np.exp(log_y) - [[2 / 3, 0, 1 / 3]] * 3, rtol=0, atol=1e-12)
    half = np.full((3000, 2), np.log(0.5))  # 3000 frames and one symbol: it lasts from any frame to any
    for loss, _ in (loss_and_gradient(half, [1]), as_tables(half, [1])):
        assert loss == pytest.approx(3000 * np.log(2) - np.log(3000 * 3001 / 2), rel=1e-12)
    assert loss_and_gradient([[4e-8, -np.inf]], [])[0] == 0  # as float32 may have it
    for mask in (1e12, 1e30):
        gradient = loss_and_gradient(log_softmax([[0, 1, -mask]] * 50), [2])[1]
        np.testing.assert_allclose(gradient[:, 2], -1 / 50, rtol=0, atol=1e-12)


def test_the_tables_of_1500_symbols_in_2000_frames_give_what_torch_gives():
    rng = np.random.default_rng(7)
    logits, target = 2 * rng.normal(size=(2000, 10)), 1 + rng.integers(9, size=1500)
    (truth,), _, _ = torch_loss_and_gradient(logits[None], [target], [2000], 0)
    assert forward_backward(log_softmax(logits), target).loss == pytest.approx(truth, rel=1e-12)


def as_tables(log_y, target):
    found = forward_backward(log_y, target)
    return found.loss, found.gradient()


def test_numbers_beyond_all_floats(both_ways):
    assert_hard_numbers()


def test_the_slope_at_a_probability_of_zero_is_beside_others_that_are_finite():
    np.testing.assert_array_equal(forward_backward([[0.0, -800.0]], [1]).gradient("probabilities"), [[0, -np.inf]])


def test_peaked_inputs_have_a_slope_without_nan():
    rng = np.random.default_rng(16)
    for _ in range(2000):
        T, A = int(rng.integers(1, 8)), int(rng.integers(2, 5))
        log_y = log_softmax(rng.choice([60, 400, 800]) * rng.normal(size=(T, A)))
        target = rng.integers(1, A, size=rng.integers(0, T + 1))
        found = forward_backward(log_y, target)
        assert not np.isnan(found.gradient("probabilities")).any(), say(log_y, target, 0)
        fits = found.log_p > -np.inf
        np.testing.assert_allclose(found.gamma.sum(axis=1), 1 if fits else 0, rtol=0, atol=1e-12)


def test_a_loss_is_at_least_zero_and_its_zero_has_no_sign(both_ways):
    """Log-probabilities in float32 may sum to a little more than one, as confident networks give them."""
    rng = np.random.default_rng(17)
    for _ in range(500):
        logits = rng.normal(size=(int(rng.integers(1, 20)), 3)).astype(np.float32)
        sure = rng.integers(3, size=len(logits))
        logits[np.arange(len(logits)), sure] += 18
        log_y = logits - np.log(np.exp(logits).sum(axis=1, dtype=np.float32, keepdims=True))
        target = collapse(sure.tolist())
        for loss in (loss_and_gradient(log_y, target)[0], forward_backward(log_y, target).loss):
            assert loss >= 0
            assert not np.signbit(loss)
        assert best_alignment(log_y, target).score <= 0
    for loss in (loss_and_gradient([[0.0, -np.inf]], [])[0], forward_backward([[0.0, -np.inf]], []).loss):
        assert str(loss) == "0.0"


def test_nothing_stops_where_every_warning_is_an_error(both_ways):
    rng = np.random.default_rng(18)
    with np.errstate(all="raise"):
        for scale in (1, 60, 800):
            log_y = log_softmax(scale * rng.normal(size=(12, 4)))
            for wrt in ("logits", "log_probabilities", "probabilities"):
                forward_backward(log_y, [1, 2, 2]).gradient(wrt)
            loss_and_gradient(log_y, [1, 2, 2])
            batch_loss_and_gradient(log_y[None], [[1]], [12])
            best_alignment(log_y, [1, 2, 2])


def test_as_many_uniform_frames_as_were_published(oracles):
    truth = oracles["O15_long"]
    for T, target, name in [
        (400, range(1, 11), "uniform27_T400_L10_logP"),
        (100, [8, 5, 12, 12, 15], "uniform27_T100_hello_logP"),
    ]:
        log_y = np.full((T, 27), -np.log(27))
        assert forward_backward(log_y, list(target)).log_p == pytest.approx(truth[name], rel=1e-12)
        assert -loss_and_gradient(log_y, list(target))[0] == pytest.approx(truth[name], rel=1e-12)


# -- gradients against finite differences


def smooth_problem(rng):
    T, A = int(rng.integers(3, 8)), int(rng.integers(2, 5))
    blank = int(rng.integers(A))
    target = rng.choice(np.delete(np.arange(A), blank), size=rng.integers(0, T // 2 + 1))
    return rng.normal(size=(T, A)), target, blank


def slopes(loss, at, h=1e-5):
    """Central differences of a function of a table, entry by entry."""
    found = np.empty_like(at)
    for cell in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[cell] += h
        down[cell] -= h
        found[cell] = (loss(up) - loss(down)) / (2 * h)
    return found


CLOSE = {"rtol": 1e-6, "atol": 1e-7}


def assert_gradients_like_slopes():
    rng = np.random.default_rng(16)
    for _ in range(25):
        logits, target, blank = smooth_problem(rng)
        log_y = log_softmax(logits)
        y = np.exp(log_y)

        def loss(log_y, target=target, blank=blank):
            return loss_and_gradient(log_y, target, blank)[0]

        found = forward_backward(log_y, target, blank)
        truth = {
            "logits": slopes(lambda x, loss=loss: loss(log_softmax(x)), logits),
            "log_probabilities": slopes(loss, log_y),
            "probabilities": slopes(lambda y, loss=loss: loss(np.log(y)), y),
        }
        for wrt, numbers in truth.items():
            np.testing.assert_allclose(found.gradient(wrt), numbers, **CLOSE, err_msg=wrt)
            if wrt != "probabilities":
                fast = loss_and_gradient(log_y, target, blank, wrt=wrt)[1]
                np.testing.assert_allclose(fast, numbers, **CLOSE, err_msg=wrt)
        np.testing.assert_allclose(found.gradient("probabilities"), -found.symbol_posterior / y, rtol=1e-10, atol=1e-12)


def test_gradients_are_the_slopes_of_the_loss():
    assert_gradients_like_slopes()


def test_slopes_see_a_gradient_with_respect_to_something_else(monkeypatch):
    monkeypatch.setattr(ForwardBackward, "gradient", gradient_without_y)
    with pytest.raises(AssertionError, match="logits"):
        assert_gradients_like_slopes()


def test_where_a_probability_is_zero_the_loss_has_a_slope_to_one_side():
    rng, seen = np.random.default_rng(17), 0
    for _ in range(60):
        logits, target, blank = smooth_problem(rng)
        y = np.exp(log_softmax(logits))
        t, k = int(rng.integers(len(y))), int(rng.integers(y.shape[1]))
        y[t, k] = 0
        y[t] /= y[t].sum()
        found = forward_backward(log_probabilities(y), target, blank)
        if (
            found.loss == np.inf or found.loss < 1e-3
        ):  # a loss goes no lower than 0, also where a row sums to more than 1
            continue

        def loss(entry, y=y, t=t, k=k, target=target, blank=blank):
            moved = y.copy()
            moved[t, k] = entry
            return loss_and_gradient(log_probabilities(moved), target, blank)[0]

        h = 1e-5
        slope = (4 * loss(h) - loss(2 * h) - 3 * loss(0.0)) / (2 * h)
        gradient = found.gradient("probabilities")
        assert np.isfinite(gradient).all()
        assert gradient[t, k] == pytest.approx(slope, rel=1e-4, abs=1e-6)
        seen += slope < -0.1
    assert seen > 20


# -- the best alignment


def enumerate_state_paths(target, T, blank):
    """(n, T): all ways through the states, found by reading all label sequences that collapse to the target."""
    A = max([blank, *target]) + 1
    paths = []
    for labels in ways(target, A, T, blank).tolist():
        path, symbols = [], 0
        for t, label in enumerate(labels):
            symbols += label != blank and (t == 0 or label != labels[t - 1])
            path.append(2 * symbols - (label != blank))
        paths.append(path)
    return np.array(paths, dtype=int).reshape(-1, T)


def assert_best_is_that_of_enumeration(log_y, target, blank):
    labels = ways(target, log_y.shape[1], len(log_y), blank)
    scores = scores_of_labels(log_y, labels)
    best = scores.max(initial=-np.inf)
    if best == -np.inf:
        with pytest.raises(InfeasibleError):
            best_alignment(log_y, target, blank)
        return
    found = best_alignment(log_y, target, blank)
    assert found.score == pytest.approx(best, **EXACT)
    assert found.extended.tolist() == extend(target, blank).tolist()
    same = (labels == found.labels).all(axis=1)
    assert same.sum() == 1, f"{found.labels} is no alignment of the target"
    assert scores[same][0] == pytest.approx(best, **EXACT)
    assert collapse_slowly(found.labels.tolist(), blank) == tuple(target.tolist())
    assert found.score <= forward_backward(log_y, target, blank).log_p + 1e-12


def assert_best_like_enumeration(count):
    for problem in problems(count, seed=4):
        with showing(say, *problem):
            assert_best_is_that_of_enumeration(*problem)


def test_the_best_alignment_is_the_one_enumeration_finds():
    assert_best_like_enumeration(3000)


@pytest.mark.parametrize("fault", [skip_equal_letters_too, never_skip])
def test_enumeration_sees_a_best_alignment_with_another_skip_rule(fault, monkeypatch):
    monkeypatch.setattr(ctc, "may_skip", fault)
    with pytest.raises((AssertionError, InfeasibleError, pytest.fail.Exception)):
        assert_best_like_enumeration(500)


def test_every_cell_of_its_trellis_is_the_best_way_to_it():
    for log_y, target, blank in problems(200, seed=5, longest=5):
        try:
            trellis = best_alignment(log_y, target, blank).trellis
        except InfeasibleError:
            continue
        for t, i in np.ndindex(trellis.shape):
            truth = prefix_scores(log_y, target, blank, t, i)[0].max(initial=-np.inf)
            assert trellis[t, i] == pytest.approx(truth, **EXACT), f"t = {t}, i = {i}\n{say(log_y, target, blank)}"


def uniform_over_some(rng, T, A):
    """Every frame uniform over a random choice of labels: all alignments that are possible tie, to the last bit."""
    allowed = rng.random((T, A)) < 0.8
    allowed[np.arange(T), rng.integers(A, size=T)] = True
    return log_probabilities(allowed / allowed.sum(axis=1, keepdims=True))


def assert_ties_go_to_the_shortest_step():
    rng, several = np.random.default_rng(18), 0
    for _ in range(400):
        T = int(rng.integers(1, 7))
        blank = int(rng.integers(3))
        target = rng.choice(np.delete(np.arange(3), blank), size=rng.integers(0, T + 1))
        log_y = uniform_over_some(rng, T, 3)
        paths = enumerate_state_paths(target, T, blank)
        scores = scores_of_labels(log_y, extend(target, blank)[paths])
        optimal = [path for path, score in zip(paths.tolist(), scores, strict=True) if score > -np.inf]
        if not optimal:
            continue
        several += len(optimal) > 1
        # Seen from the end: the last symbol rather than the blank behind it, then at every frame back the nearest.
        last = min(path[-1] for path in optimal)
        truth = max((path for path in optimal if path[-1] == last), key=lambda path: path[::-1])
        found = best_alignment(log_y, target, blank).states.tolist()
        assert found == truth, f"{say(log_y, target, blank)}\n{optimal}"
    assert several > 100


def test_of_equal_ways_the_shortest_step_wins():
    assert_ties_go_to_the_shortest_step()


def test_the_tie_rule_is_seen_when_it_is_turned_round(monkeypatch):
    right = best_alignment

    def late(log_y, target, blank=0):
        found = right(log_y, target, blank)
        paths = enumerate_state_paths(target, len(log_y), blank)
        scores = scores_of_labels(log_y, found.extended[paths])
        tied = paths[scores == scores.max()].tolist()
        return ctc.CTCAlignment(found.extended, found.trellis, np.array(min(tied, key=lambda p: p[::-1])), found.score)

    monkeypatch.setitem(globals(), "best_alignment", late)
    with pytest.raises(AssertionError):
        assert_ties_go_to_the_shortest_step()


@pytest.mark.parametrize(("group", "string"), [("O17_ctc_best_path_aa", "aa"), ("O17b_ctc_best_path_ab", "ab")])
def test_the_published_best_alignments(oracles, group, string):
    truth = oracles[group]
    target = columns(string)
    found = best_alignment(LOG_Y, target)
    assert "".join("-ab"[k] for k in found.labels) == truth["best"]
    assert np.exp(found.score) == pytest.approx(truth["p"], **EXACT)
    assert -found.score == pytest.approx(truth["neglog"], **EXACT)
    loss = loss_and_gradient(LOG_Y, target)[0]
    assert loss == pytest.approx(truth["ctc_loss"], **EXACT)
    assert -found.score - loss == pytest.approx(truth["gap"], **EXACT)
    listed = {"".join("-ab"[k] for k in a): np.exp(LOG_Y[range(4), a].sum()) for a in alignments(target, 4)}
    assert listed == pytest.approx(truth["all"], **EXACT)


def test_the_published_gradient_of_the_best_alignment_alone(oracles):
    truth = oracles["O18_hard_grad_logits_ab"]
    labels = best_alignment(LOG_Y, columns("ab")).labels
    assert "".join("-ab"[k] for k in labels) == truth["path"]
    np.testing.assert_allclose(CTC_Y - np.eye(3)[labels], truth["dlogit"], rtol=0, atol=1e-12)


# -- what must not change the answer


@given(st.integers(0, 2**32 - 1))
def test_time_reversed_the_loss_is_the_same(seed):
    log_y, target, blank = random_problem(np.random.default_rng(seed), 12)
    loss, gradient = loss_and_gradient(log_y, target, blank)
    turned, its_gradient = loss_and_gradient(log_y[::-1], target[::-1], blank)
    assert turned == pytest.approx(loss, **EXACT)
    np.testing.assert_allclose(its_gradient[::-1], gradient, rtol=0, atol=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_columns_may_change_places_the_blank_too(seed):
    rng = np.random.default_rng(seed)
    log_y, target, blank = random_problem(rng, 12)
    order = rng.permutation(log_y.shape[1])
    place = np.argsort(order)
    loss, gradient = loss_and_gradient(log_y, target, blank)
    moved, its_gradient = loss_and_gradient(log_y[:, order], place[target], int(place[blank]))
    assert moved == pytest.approx(loss, **EXACT)
    np.testing.assert_allclose(its_gradient, gradient[:, order], rtol=0, atol=1e-10)


# -- what is refused

THIRD = np.log(np.full((3, 3), 1 / 3))
ALGORITHMS = [forward_backward, loss_and_gradient, best_alignment]
MALFORMED = {
    "NaN": ([[np.nan, 0.0]], [1], 0, r"log_y\[0, 0\] is NaN"),
    "infinite": ([[np.inf, 0.0]], [1], 0, r"log_y\[0, 0\] is infinite"),
    "positive": ([[-1.0, 0.5]], [1], 0, r"log_y\[0, 1\] is 0.5"),
    "row sum": (np.log([[0.5, 0.4]]), [1], 0, r"row 0 of log_y has probabilities that sum to 0.9"),
    "probabilities": ([[0.5, 0.5]], [1], 0, r"log_y\[0, 0\] is 0.5;.*pass log_probabilities\(y\)"),
    "one dimension": (THIRD[0], [1], 0, r"log_y has shape \(3,\); it must be \(T, A\)"),
    "a batch": (THIRD[None], [1], 0, r"log_y has shape \(1, 3, 3\); it must be \(T, A\)"),
    "no frame": (np.empty((0, 3)), [1], 0, r"log_y has shape \(0, 3\)"),
    "text target": (THIRD, ["a"], 0, r"target holds text"),
    "float target": (THIRD, [1.0], 0, r"target has dtype float64"),
    "target of two dimensions": (THIRD, [[1]], 0, r"target has shape \(1, 1\)"),
    "negative index": (THIRD, [1, -1], 0, r"target\[1\] is -1"),
    "index too large": (THIRD, [1, 3], 0, r"target\[1\] is 3"),
    "blank in target": (THIRD, [1, 0], 0, r"target\[1\] is the blank, 0"),
    "other blank in target": (THIRD, [2, 0], 2, r"target\[0\] is the blank, 2"),
    "blank too large": (THIRD, [1], 3, r"blank is 3, .* from 0 to 2"),
    "negative blank": (THIRD, [1], -1, r"blank is -1, .* from 0 to 2"),
    "blank between two columns": (THIRD, [1], 0.5, r"blank is 0.5"),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("log_y", "target", "blank", "says"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_arguments_are_named_with_what_would_be_right(algorithm, log_y, target, blank, says):
    with pytest.raises(ValueError, match=says):
        algorithm(log_y, target, blank)


BATCH = np.log(np.full((2, 3, 3), 1 / 3))
HOLED = BATCH.copy()
HOLED[1, 1, 2] = np.nan
HEAVY = BATCH.copy()
HEAVY[1, 2] = np.log(0.4)
MALFORMED_BATCH = {
    "two dimensions": (THIRD, [[1]], [3], r"log_y has shape \(3, 3\); a batch is \(B, T, A\)"),
    "too few targets": (BATCH, [[1]], [3, 3], r"log_y has 2 utterances, but targets 1: give one target each"),
    "too few lengths": (
        BATCH,
        [[1], [1]],
        [3],
        r"lengths has shape \(1,\); log_y has 2 utterances, so it must be \(2,\)",
    ),
    "one target for all": (BATCH, [1, 2], [3, 3], r"targets\[0\] has shape \(\)"),
    "one length for all": (BATCH, [[1], [1]], 3, r"lengths"),
    "lengths of two dimensions": (BATCH, [[1], [1]], [[3], [3]], r"lengths"),
    "length of nothing": (BATCH, [[1], [1]], [3, 0], r"lengths is \[3, 0\]; each is an integer from 1 to 3"),
    "length too large": (BATCH, [[1], [1]], [3, 4], r"lengths is \[3, 4\]; each is an integer from 1 to 3"),
    "length between": (BATCH, [[1], [1]], [3, 2.5], r"lengths is \[3.0, 2.5\]"),
    "blank in target": (BATCH, [[1], [2, 0]], [3, 3], r"targets\[1\]\[1\] is the blank, 0"),
    "NaN": (HOLED, [[1], [1]], [3, 3], r"log_y\[1, 1, 2\] is NaN"),
    "row sum": (HEAVY, [[1], [1]], [3, 3], r"row \[1, 2\] of log_y has probabilities that sum to 1.2"),
}


@pytest.mark.parametrize(("log_y", "targets", "lengths", "says"), MALFORMED_BATCH.values(), ids=MALFORMED_BATCH)
def test_malformed_batches_are_named_with_what_would_be_right(both_ways, log_y, targets, lengths, says):
    with pytest.raises(ValueError, match=says):
        batch_loss_and_gradient(log_y, targets, lengths)


def test_an_unknown_derivative_is_refused():
    says = "wrt is 'softmax'; choose 'logits' or 'log_probabilities'"
    with pytest.raises(ValueError, match=says):
        loss_and_gradient(THIRD, [1], wrt="softmax")
    with pytest.raises(ValueError, match=says):
        batch_loss_and_gradient(BATCH, [[1], [1]], [3, 3], wrt="softmax")
    with pytest.raises(ValueError, match="wrt is 'softmax'; choose 'logits', 'log_probabilities' or 'probabilities'"):
        forward_backward(THIRD, [1]).gradient("softmax")


@pytest.mark.parametrize("target", [[1], [1, 1, 1]], ids=["fits", "does not fit"])
def test_an_unknown_wish_for_what_does_not_fit_is_refused(target):
    with pytest.raises(ValueError, match="infeasible is 'rais'"):
        loss_and_gradient(THIRD, target, infeasible="rais")


def test_a_derivative_is_checked_even_where_the_target_does_not_fit():
    with pytest.raises(ValueError, match="wrt is 'softmax'"):
        forward_backward(THIRD, [1, 1, 1]).gradient("softmax")
    with pytest.raises(ValueError, match="wrt is 'softmax'"):
        loss_and_gradient(THIRD, [1, 1, 1], wrt="softmax")


INFEASIBLE = {
    "one frame short": (THIRD, [1, 2, 2], "target has 3 symbols, 1 of them .* only 3 frames: .*smallest T .* is 4$"),
    "repeats alone": (THIRD, [1, 1, 1], "smallest T that would do is 5$"),
    "one frame": (THIRD[:1], [1, 2], "smallest T that would do is 2$"),
}


@pytest.mark.parametrize(("log_y", "target", "says"), INFEASIBLE.values(), ids=INFEASIBLE)
def test_a_target_that_does_not_fit_has_infinite_loss_and_no_gradient(log_y, target, says):
    for wrt in ("logits", "log_probabilities"):
        loss, gradient = loss_and_gradient(log_y, target, wrt=wrt)
        assert loss == np.inf
        assert gradient.shape == log_y.shape
        assert (gradient == 0).all()
        with pytest.raises(InfeasibleError, match=says):
            loss_and_gradient(log_y, target, wrt=wrt, infeasible="raise")
    with pytest.raises(InfeasibleError, match=says):
        best_alignment(log_y, target)
    fewest = int(re.search(r"(\d+)\$", says)[1])
    assert loss_and_gradient(np.full((fewest, 3), -np.log(3)), target)[0] < np.inf


def test_zeros_in_every_way_are_told_from_too_few_frames():
    log_y = log_probabilities([[0.5, 0.5, 0], [0.5, 0.5, 0], [1, 0, 0]])
    for algorithm in (best_alignment, lambda *args: loss_and_gradient(*args, infeasible="raise")):
        with pytest.raises(InfeasibleError, match="probability zero; the zeros in log_y forbid it"):
            algorithm(log_y, [1, 2])
    assert loss_and_gradient(log_y, [1, 2])[0] == np.inf


def test_arguments_stay_as_they_were():
    log_y, target, batch = LOG_Y.copy(), np.array([1, 2]), np.stack([LOG_Y, LOG_Y])
    lengths = np.array([4, 3])
    before = [array.copy() for array in (log_y, target, batch, lengths)]
    for array in (log_y, target, batch, lengths):
        array.flags.writeable = False  # whoever writes, stops here
    extended = extend(target)
    extended.flags.writeable = False
    may_skip(extended)
    found = forward_backward(log_y, target)
    for wrt in ("logits", "log_probabilities", "probabilities"):
        found.gradient(wrt)
    best_alignment(log_y, target)
    loss_and_gradient(log_y, target)
    batch_loss_and_gradient(batch, [target, target], lengths)
    count_alignments(target, 4)
    list(alignments(target, 4))
    for now, then in zip((log_y, target, batch, lengths), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_lists_and_single_precision_do_as_well():
    loss, gradient = loss_and_gradient(LOG_Y, [1, 2])
    for log_y, target in [(LOG_Y.tolist(), (1, 2)), (LOG_Y.astype(np.float32), np.array([1, 2], dtype=np.uint8))]:
        same, its_gradient = loss_and_gradient(log_y, target)
        assert same == pytest.approx(loss, rel=1e-6)
        assert its_gradient.dtype == np.float64
        np.testing.assert_allclose(its_gradient, gradient, atol=1e-6)
    assert isinstance(loss, float)
