"""One test for each line of ERRATA.md: the printed claim fails, the right form holds."""

import re
from collections import Counter
from itertools import product
from math import comb, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string, merge_runs

from course_utils import viterbi
from course_utils.alignment import (
    InfeasibleError,
    compress,
    count_expansions,
    count_paths,
    encode,
    log_probabilities,
    paths,
    score_all_paths,
)
from course_utils.alignment_training import train
from course_utils.ctc import (
    best_alignment,
    collapse,
    count_alignments,
    extend,
    forward_backward,
    loss_and_gradient,
    may_skip,
)
from course_utils.decoding import best_string, greedy, prefix_beam_search
from course_utils.losses import log_softmax
from course_utils.viterbi import align, align_in_probabilities, align_score

ROOT = Path(__file__).parent.parent
WORKED = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
Y43 = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.35, 0.25], [0.2, 0.7, 0.1]])
LOG_Y43 = np.log(Y43)
INPUTS, TARGETS = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3


def test_every_line_names_a_test_that_exists_and_a_chapter_that_has_a_box():
    lines = [line for line in (ROOT / "ERRATA.md").read_text("utf-8").splitlines() if line.startswith("| E")]
    assert len(lines) >= 38
    for line in lines:
        file, name = re.search(r"`([\w/]+\.py)::(\w+)`", line).groups()
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text("utf-8"), line
        notebook = ROOT / re.search(r"\((notebooks/[^)]+)\)", line)[1]
        assert "Where the notes go wrong" in notebook.read_text("utf-8"), line


def test_every_guard_stands_in_the_list():
    text = (ROOT / "ERRATA.md").read_text("utf-8")
    files = [ROOT / "tests/test_errata.py", *sorted((ROOT / "tests/errata").glob("test_*.py"))]
    guards = [
        (file, name) for file in files for name in re.findall(r"^def (test_e\d\w*)\(", file.read_text("utf-8"), re.M)
    ]
    assert guards
    listed = [(file, name) for file, name in guards if f"{file.relative_to(ROOT / 'tests')}::{name}`" in text]
    assert listed == guards


def test_e36_equal_neighbours_have_paths_but_no_expansions():
    labels = [x for x in product("AB", repeat=3) if compress(x) == ("A", "A")]
    assert labels == []
    assert count_expansions("AA", 3) == 0
    assert count_paths(2, 3) == len(list(paths(2, 3))) == comb(2, 1) == 2
    for N, K in product(range(1, 7), range(1, 5)):
        target = "ABAB"[:K]
        enumerated = sum(compress(x) == tuple(target) for x in product("AB", repeat=N))
        assert enumerated == count_expansions(target, N) == (comb(N - 1, K - 1) if K <= N else 0)


def test_e37_a_path_through_equal_neighbours_does_not_compress_to_the_target():
    found = align(log_probabilities([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), encode("AA"))
    assert compress(found.path) == (0, 1)
    assert compress(found.labels) == (0,)


def test_e39_the_number_of_paths_is_a_polynomial_in_the_frames():
    K = 3
    counts = np.array([count_paths(K, N) for N in range(3, 40)])
    assert (np.diff(counts, n=K - 1) == 1).all()  # differences of order K − 1 are constant: a polynomial
    assert [count_paths(3, N) for N in (10, 20, 40, 80)] == [36, 171, 741, 3081]
    middle = [count_paths(N // 2, N) for N in (20, 40, 80)]  # where K grows too, doubling N squares the count
    assert middle[1] > middle[0] ** 1.9
    assert middle[2] > middle[1] ** 1.9


def test_e42_the_gradient_with_respect_to_logits_is_zero_nowhere():
    import torch

    target = torch.tensor([0, 0, 1, 1])  # the best path of the worked example
    logits = torch.tensor(np.log(WORKED), requires_grad=True)
    torch.nn.functional.cross_entropy(logits, target, reduction="sum").backward()
    y = torch.tensor(WORKED, dtype=torch.float64, requires_grad=True)
    (-torch.log(y[torch.arange(4), target]).sum()).backward()
    onehot = np.eye(2)[target.numpy()]
    assert np.count_nonzero(y.grad) == 4
    assert np.count_nonzero(logits.grad) == 8
    np.testing.assert_allclose(logits.grad, np.array(WORKED) - onehot, atol=1e-12)
    np.testing.assert_allclose(y.grad, -onehot / np.array(WORKED), atol=1e-12)


def test_e45_the_unconstrained_best_path_is_the_best_symbol_of_each_frame():
    rng = np.random.default_rng(0)
    for _ in range(50):
        y = rng.dirichlet(np.ones(3), 4)
        best = max(product(range(3), repeat=4), key=lambda labels: y[np.arange(4), labels].prod())
        assert best == tuple(y.argmax(axis=1))


def test_e46_maximising_stays_where_summing_leaves(oracles):
    wanted = oracles["O20_viterbi_training"]
    start = wanted["fixed_init_W0"]
    best = train(start, INPUTS, TARGETS, paths="best")
    every = train(start, INPUTS, TARGETS, paths="all")
    assert best.nll[-1] == pytest.approx(wanted["nll_viterbi_W0"], abs=1e-12)
    assert every.nll[-1] == pytest.approx(wanted["nll_sum_W0"], abs=1e-12)


def test_e47_the_recurrence_as_printed_reads_the_last_row():
    def as_printed(y):
        V = np.zeros((len(y), 2))
        V[0, 0] = y[0][0]
        for t in range(1, len(y)):
            for i in range(2):
                V[t, i] = y[t][i] * max(V[t - 1, i], V[t - 1, i - 1])
        return V[-1, -1]

    y = [[0.5, 0.5], [0.1, 0.9], [0.9, 0.1], [0.2, 0.8]]
    right = max(np.exp(list(score_all_paths(log_probabilities(y), [0, 1]).values())))
    assert np.exp(align_score(log_probabilities(y), [0, 1])) == pytest.approx(right, abs=1e-15)
    assert right == pytest.approx(0.036)
    assert as_printed(y) == pytest.approx(0.324)


def test_e48_products_find_a_path_where_there_is_none_and_lose_one_where_there_is():
    blocked = np.array([[0, 1], [0.6, 0.4], [0.3, 0.7]])
    trellis, _, path = align_in_probabilities(blocked, np.array([0, 1]))
    assert trellis[-1, -1] == 0
    assert len(path) == 3  # a path all the same
    with pytest.raises(InfeasibleError):
        align(log_probabilities(blocked), [0, 1])

    long = np.where(np.arange(1200)[:, None] < 1150, [0.5, 0.25, 0.25], [0.25, 0.5, 0.25])
    trellis, _, path = align_in_probabilities(long, np.array([0, 1]))
    assert trellis[-1, -1] == 0
    assert np.searchsorted(path, 1) == 1074
    assert align(log_probabilities(long), [0, 1]).segments.tolist() == [[0, 1150], [1150, 1200]]


def test_e48b_one_column_must_be_updated_downwards():
    def one_column(y, order):
        column = [y[0][0], 0.0]
        for frame in y[1:]:
            for i in order:
                column[i] = frame[i] * max(column[i], column[i - 1] if i else 0)
        return column[-1]

    for y, upwards, right in (
        ([[0.6, 0.4], [0.9, 0.1], [0.1, 0.9]], 0.0486, 0.486),
        (WORKED, 0.12096, 0.3024),
    ):
        assert one_column(y, (0, 1)) == pytest.approx(upwards, abs=1e-12)
        assert one_column(y, (1, 0)) == pytest.approx(right, abs=1e-12)
        assert np.exp(align_score(log_probabilities(y), [0, 1])) == pytest.approx(right, abs=1e-12)


def test_e48c_the_table_has_k_times_n_cells():
    rng = np.random.default_rng(0)
    for N, K in ((100, 10), (200, 10), (200, 20)):
        log_y = np.log(rng.dirichlet(np.ones(K), N))
        assert align(log_y, np.arange(K)).trellis.size == K * N
    assert ((100 - 1) * 10, (100 - 1) * (10 - 1)) == (990, 891)


def test_e49_the_worked_example_is_right_but_tests_nothing(oracles):
    wanted = oracles["O1_viterbi_8.10"]
    found = align(log_probabilities(WORKED), encode("AB"))
    np.testing.assert_allclose(np.exp(found.trellis.T), wanted["V"], atol=1e-12)
    assert found.labels.tolist() == np.argmax(WORKED, axis=1).tolist()  # what frame by frame gives as well

    y = oracles["O2_viterbi_ABA"]["Y"]
    table, _ = viterbi.forward(log_probabilities(y), encode("ABA"))
    assert np.exp(table[1]).round(12).tolist() == [0.2, 0.2, 0.0]  # two rows for A, which differ
    assert align(log_probabilities(y), encode("ABA")).labels.tolist() != np.argmax(y, axis=1).tolist()


def test_e49b_many_starts_stick_on_the_best_path_and_none_on_all_paths():
    rng = np.random.default_rng(0)
    starts = [2 * rng.normal(size=(2, 2)) for _ in range(60)]
    stuck = {
        which: sum(train(W, INPUTS, TARGETS, paths=which).nll[-1] > 0.1 for W in starts) for which in ("best", "all")
    }
    assert stuck["all"] == 0
    assert 20 <= stuck["best"] <= 40  # a stuck model sits on a tie, so rounding moves the count


def test_log_softmax_is_what_the_model_of_these_tests_uses():
    logits = np.array([[1e4, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(log_softmax(logits), [[0, -1e4], [-np.log(2), -np.log(2)]], atol=1e-12)


# -- chapter 9; the tables of the tests below have the columns blank, a, b


def columns(string):
    return ["-ab".index(name) for name in string]


def probability(log_y, target):
    return np.exp(forward_backward(log_y, target).log_p)


def enumerated(y, target):
    """Probability of a target: list all label sequences, keep those that collapse to it, add up their products."""
    y = np.asarray(y)
    labels = labels_by_string(y.shape[1], len(y), 0).get(tuple(target), np.empty((0, len(y)), dtype=int))
    return y[np.arange(len(y)), labels].prod(axis=1).sum()


def remove_then_merge(labels, blank=0):
    """Collapse as section 9.3.1 prints it."""
    return merge_runs([label for label in labels if label != blank])


def forward_as_printed(y, target):
    """Section 9.9.1 with every index less one: returns the probability, in products."""
    extended = extend(target).tolist()
    alpha = np.zeros((len(y), len(extended)))
    alpha[0, 0], alpha[0, 1] = y[0][0], y[0][target[0]]
    for t in range(1, len(y)):
        for i, k in enumerate(extended):
            if i == 0:
                ways = alpha[t - 1, 0]
            elif k == 0 or k == extended[i - 2]:
                ways = alpha[t - 1, i] + alpha[t - 1, i - 1]
            else:
                ways = alpha[t - 1, i] + alpha[t - 1, i - 1] + alpha[t - 1, i - 2]
            alpha[t, i] = y[t][k] * ways
    return alpha[-1, -1] + alpha[-1, -2]


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
        assert sum(Y43[range(4), x].prod() for x in printed) == pytest.approx(as_printed, abs=1e-12)
        assert count_alignments(target, 4) == len(labels_by_string(3, 4, 0)[tuple(target)]) == ways
        assert probability(LOG_Y43, target) == pytest.approx(right, abs=1e-12)
        assert enumerated(Y43, target) == pytest.approx(right, abs=1e-12)


def test_e51_both_printed_alignments_are_hello_and_neither_is_under_the_printed_order():
    for labels in ("hh-ell-lo", "h-e-l-lo"):
        assert "".join(remove_then_merge(labels, "-")) == "helo"
        assert "".join(collapse(labels, "-")) == "".join(collapse_slowly(labels, "-")) == "hello"


def test_e52_the_update_climbs_only_if_the_loss_is_minus_log_p():
    target = columns("aa")
    gradient = loss_and_gradient(LOG_Y43, target)[1]
    for slope, p in ((gradient, 0.22072), (-gradient, 0.09990)):  # of −log P, and of the L of 9.4.2, log P
        moved = log_softmax(LOG_Y43 - 0.5 * slope)
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
        assert np.exp(forward_backward(LOG_Y43, target, skip=skip).log_p) == pytest.approx(p, abs=1e-12)
    assert enumerated(Y43, target) == pytest.approx(0.09115, abs=1e-12)


def test_e54_the_printed_number_of_alignments_is_neither_the_number_nor_a_bound():
    for T in range(1, 7):
        listed = labels_by_string(3, T, 0)
        for string, labels in listed.items():
            assert count_alignments(string, T) == len(labels), string
        assert sum(count_alignments(string, T) for string in listed) == 3**T
    assert count_alignments(columns("aa"), 2) == 0  # although two symbols fit into two frames
    assert forward_backward(LOG_Y43[:2], columns("aa")).loss == np.inf

    def as_printed(T, L):
        return comb(T + L, L)

    assert (as_printed(3, 3), count_alignments("abc", 3)) == (20, 1)  # above it, so no lower bound
    assert as_printed(6, 3) == count_alignments("abc", 6) == 84  # equal at T = 2 L only
    assert as_printed(100, 10) == 46897636623981
    assert count_alignments("abcdefghij", 100) == 4393971523180763714190
    assert count_alignments("a" * 10, 100) == 668324943343021950370


@pytest.mark.parametrize("string", ["aa", "ab"])
def test_e55_alpha_as_defined_is_a_sum_over_nothing(string):
    target = columns(string)
    extended = extend(target).tolist()
    alpha = np.exp(forward_backward(LOG_Y43, target).alpha)
    for t, i in product(range(1, 5), range(1, 6)):  # as in the notes, from 1
        labels = list(product(range(3), repeat=t))
        assert [x for x in labels if collapse(x) == tuple(extended[:i])] == []
        right = [x for x in labels if collapse(x) == tuple(target[: i // 2]) and x[-1] == extended[i - 1]]
        assert alpha[t - 1, i - 1] == pytest.approx(sum(Y43[range(t), x].prod() for x in right), abs=1e-12), (t, i)


def test_e56_the_recurrence_as_printed_reads_the_last_state():
    for string, y, as_printed, right in (
        ("a", Y43, 0.374, 0.22175),
        ("ab", np.tile(Y43, (2, 1)), 0.0247999525, 0.01655202),
    ):
        target = columns(string)
        assert forward_as_printed(y, target) == pytest.approx(as_printed, abs=1e-12)
        assert probability(np.log(y), target) == pytest.approx(right, abs=1e-12)
        assert enumerated(y, target) == pytest.approx(right, abs=1e-12)
    for string in ("ab", "aa"):  # four frames are too few to see it
        assert forward_as_printed(Y43, columns(string)) == pytest.approx(enumerated(Y43, columns(string)), abs=1e-12)


@pytest.mark.parametrize(("group", "string"), [("O3_ctc_aa", "aa"), ("O4_ctc_ab", "ab")])
def test_e57_the_backward_recurrence_as_printed_reads_beyond_the_last_state(oracles, group, string):
    def as_printed(i, extended, following, frame):
        ways = following[i] * frame[extended[i]] + following[i + 1] * frame[extended[i + 1]]
        if extended[i] != 0 and extended[i + 2] != extended[i]:
            ways += following[i + 2] * frame[extended[i + 2]]
        return ways

    extended = extend(columns(string)).tolist()
    S, beyond = len(extended), []
    for i in range(S):
        try:
            as_printed(i, extended, [0.0, 0.0, 0.0, 1.0, 1.0], Y43[-1])
        except IndexError:
            beyond.append(i)
    assert beyond == [S - 2, S - 1]

    beta = np.zeros((4, S + 2))  # two states behind the last, always zero
    beta[-1, S - 2 : S] = 1
    for t in (2, 1, 0):
        beta[t, :S] = [as_printed(i, [*extended, 0, 0], beta[t + 1], Y43[t + 1]) for i in range(S)]
    np.testing.assert_allclose(beta[:, :S], oracles[group]["beta"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.exp(forward_backward(LOG_Y43, columns(string)).beta), beta[:, :S], rtol=0, atol=1e-12)


def test_e58_an_empty_target_has_one_state_and_the_printed_end_counts_it_twice(oracles):
    import torch

    alpha = np.cumprod(Y43[:, :1], axis=0)
    assert alpha[-1][2 * 0] + alpha[-1][2 * 0 - 1] == pytest.approx(0.008, abs=1e-12)
    with pytest.raises(IndexError):
        forward_as_printed(Y43, [])
    found = forward_backward(LOG_Y43, [])
    assert found.alpha.shape == found.beta.shape == (4, 1)
    assert np.exp(found.log_p) == pytest.approx(0.004, abs=1e-12)
    assert enumerated(Y43, []) == pytest.approx(0.004, abs=1e-12)
    np.testing.assert_allclose(np.exp(found.beta), oracles["O4c_ctc_empty"]["beta"], rtol=0, atol=1e-12)
    nothing = torch.zeros(0, dtype=torch.long)
    loss = torch.nn.functional.ctc_loss(torch.tensor(LOG_Y43), nothing, (4,), (0,), reduction="none")
    assert np.exp(-loss.item()) == pytest.approx(0.004, abs=1e-12)


def test_e59_divided_by_y_the_sum_of_alpha_beta_is_not_the_probability():
    for string, right, as_printed in (
        ("aa", 0.15225, [0.3955, 0.4025, 0.384, 0.225]),
        ("ab", 0.09115, [0.2415, 0.2185, 0.302, 0.7255]),
    ):
        found = forward_backward(LOG_Y43, columns(string))
        alpha, beta, y = np.exp(found.alpha), np.exp(found.beta), Y43[:, found.extended]
        np.testing.assert_allclose((alpha * beta / y).sum(axis=1), as_printed, rtol=0, atol=1e-12)
        np.testing.assert_allclose((alpha * beta).sum(axis=1), right, rtol=0, atol=1e-12)
        with_own_frame = beta * y  # for this one, the printed division is right
        np.testing.assert_allclose((alpha * with_own_frame / y).sum(axis=1), right, rtol=0, atol=1e-12)
        assert enumerated(Y43, columns(string)) == pytest.approx(right, abs=1e-12)


def test_e60_the_printed_gradient_lacks_the_division_by_y():
    import torch

    def as_printed(found):
        both = np.exp(found.alpha + found.beta)
        return -np.stack([both[:, found.extended == k].sum(axis=1) for k in range(3)], axis=1) / np.exp(found.log_p)

    found = forward_backward(LOG_Y43, columns("aa"))
    y = torch.tensor(Y43, requires_grad=True)
    p = sum(y[range(4), labels].prod() for labels in labels_by_string(3, 4, 0)[1, 1])
    (-torch.log(p)).backward()
    assert as_printed(found)[0] == pytest.approx([-0.5517241379, -0.4482758621, 0], abs=1e-10)
    assert y.grad[0].numpy() == pytest.approx([-1.1034482759, -1.4942528736, 0], abs=1e-10)
    np.testing.assert_allclose(found.gradient("probabilities"), y.grad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.gradient("log_probabilities"), as_printed(found), rtol=0, atol=1e-12)

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

    log_y = torch.tensor(LOG_Y43, requires_grad=True)
    loss(log_y).backward()
    found = forward_backward(LOG_Y43, [1, 1])
    np.testing.assert_allclose(log_y.grad, found.gradient("logits"), rtol=0, atol=1e-12)
    assert abs(log_y.grad.numpy() - found.gradient("log_probabilities")).max() == pytest.approx(0.7, abs=1e-12)
    assert not torch.autograd.gradcheck(loss, [log_y], raise_exception=False)
    assert torch.autograd.gradcheck(lambda x: loss(torch.log_softmax(x, dim=1)), [log_y])

    assert loss(log_y, "mean").item() == pytest.approx(found.loss / 2, abs=1e-12)  # divided by the target's length
    assert found.loss / 2 == pytest.approx(0.9411156862, abs=1e-10)


def test_e62_the_printed_trick_needs_the_larger_term_first_and_above_zero():
    def as_printed(a, b):
        with np.errstate(all="ignore"):
            return a + np.log(1 + np.exp(np.float64(b) - a))

    def ways_into_a(blank, a):  # at the second frame, the sum over blank and a of the first
        return forward_backward([[blank, a, np.log1p(-np.exp(blank) - np.exp(a))], [-np.inf, 0, -np.inf]], [1])

    inf = np.inf
    for a, b, printed, right in (
        (-1000, 0, inf, 0),
        (-800, -50, inf, -50),
        (-inf, -1, np.nan, -1),
        (-inf, -inf, np.nan, -inf),
    ):
        assert as_printed(a, b) == pytest.approx(printed, nan_ok=True)
        with np.errstate(divide="ignore"):
            assert ways_into_a(a, b).incoming[1, 1] == pytest.approx(right, abs=1e-12)
            assert ways_into_a(b, a).incoming[1, 1] == pytest.approx(right, abs=1e-12)
        assert np.logaddexp(a, b) == pytest.approx(right, abs=1e-12)
    assert as_printed(0, -40) == 0
    assert np.logaddexp(0, -40) == pytest.approx(4.248354255291589e-18, rel=1e-12)  # max and log1p

    first = forward_backward(LOG_Y43, columns("ab")).alpha[0]  # every state after the second starts at log 0
    assert np.isnan(as_printed(first[2], first[1]))


def test_e63_a_forward_pass_in_products_returns_zero_and_no_table():
    T, target = 400, list(range(1, 11))
    y = np.full((T, 27), 1 / 27)
    assert forward_as_printed(y, target) == 0
    found = forward_backward(np.log(y), target)
    assert found.log_p == pytest.approx(-1240.8181608573, abs=1e-9)
    assert found.log_p == pytest.approx(log(comb(T + 10, 20)) - T * log(27), abs=1e-9)
    assert found.alpha.shape == found.beta.shape == (T, 21)

    with pytest.raises((TypeError, IndexError)):  # step 4 of 9.9.3
        forward_as_printed(Y43, columns("ab"))[-1]
    p = forward_as_printed(Y43[:2], columns("aa"))
    with np.errstate(all="ignore"):
        assert np.isnan(0 / p)  # step 5, on a target that does not fit
    loss, gradient = loss_and_gradient(LOG_Y43[:2], columns("aa"))
    assert loss == np.inf
    assert not gradient.any()


def test_e64_without_the_constraint_the_sum_is_one_and_the_maximum_greedy():
    scores = {labels: Y43[range(4), labels].prod() for labels in product(range(3), repeat=4)}
    assert sum(scores.values()) == pytest.approx(1, abs=1e-12)
    best = max(scores, key=scores.get)
    assert scores[best] == pytest.approx(0.084, abs=1e-12)
    assert collapse(best) == greedy(LOG_Y43) == (1, 1)

    of_ab = {labels: p for labels, p in scores.items() if collapse(labels) == (1, 2)}
    assert sum(of_ab.values()) == pytest.approx(0.09115, abs=1e-12)
    assert probability(LOG_Y43, [1, 2]) == pytest.approx(0.09115, abs=1e-12)
    found = best_alignment(LOG_Y43, [1, 2])
    assert tuple(found.labels) == max(of_ab, key=of_ab.get) == tuple(columns("-ab-"))
    assert np.exp(found.score) == pytest.approx(0.015, abs=1e-12)


def test_e65_the_sum_and_the_best_fill_the_same_cells_and_the_grid_without_blanks_is_another_problem():
    target = columns("aa")
    summed, best = forward_backward(LOG_Y43, target), best_alignment(LOG_Y43, target)
    assert summed.alpha.shape == best.trellis.shape == (4, 5)
    np.testing.assert_array_equal(summed.alpha == -np.inf, best.trellis == -np.inf)
    assert collapse(best.labels.tolist()) == (1, 1)
    grid = align(LOG_Y43, target)  # the graph of chapter 8 has fewer cells, and finds something else
    assert grid.trellis.size == 8
    assert collapse(grid.labels.tolist()) == (1,)


def test_e66_the_limit_is_one_of_temperature_and_not_that_of_sharper_frames():
    def of_paths(string, tau):
        """τ log Σ P(π)^(1/τ): the scores of whole alignments are tempered."""
        labels = labels_by_string(3, 4, 0)[tuple(columns(string))]
        tempered = LOG_Y43[range(4), labels].sum(axis=1) / tau
        return tau * (tempered.max() + np.log(np.exp(tempered - tempered.max()).sum()))

    def of_frames(string, tau):
        """The same with each frame's distribution sharpened and normalised again."""
        return tau * forward_backward(log_softmax(LOG_Y43 / tau), columns(string)).log_p

    best = best_alignment(LOG_Y43, columns("ab")).score
    assert best == pytest.approx(-4.1997, abs=1e-4)
    assert of_paths("ab", 0.01) == pytest.approx(best, abs=1e-4)
    assert of_paths("ab", len(Y43)) == pytest.approx(5.5013, abs=1e-4)  # with T as in the rest of the chapter
    assert of_frames("ab", 0.01) == pytest.approx(-1.7228, abs=1e-4)
    assert -of_frames("ab", 0.01) / 0.01 == pytest.approx(172.3, abs=0.1)
    assert -of_frames("aa", 0.01) / 0.01 == pytest.approx(1.6e-6, rel=0.05)  # nothing is left but the greedy path
    normalisers = np.exp(LOG_Y43 / 0.01 - LOG_Y43.max(axis=1, keepdims=True) / 0.01).sum(axis=1)
    between = 0.01 * np.log(normalisers).sum() + LOG_Y43.max(axis=1).sum()  # what normalising again takes away
    assert of_frames("ab", 0.01) + between == pytest.approx(of_paths("ab", 0.01), abs=1e-12)


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
    found = (greedy(LOG_Y43), prefix_beam_search(LOG_Y43, width=1)[0].labels, best_string(LOG_Y43)[0].labels)
    assert found == ((1, 1), (1,), (2, 1))


def test_e68_one_score_for_each_string_loses_the_doubled_ones():
    merged = {(): 1.0}
    for frame in Y43:
        grown = Counter()
        for string, p in merged.items():
            for k in range(3):
                same = k == 0 or string[-1:] == (k,)
                grown[string if same else (*string, k)] += p * frame[k]
        merged = grown
    assert merged[1,] == pytest.approx(0.374, abs=1e-12)
    assert (1, 1) not in merged

    found = {h.labels: np.exp(h.log_p) for h in prefix_beam_search(LOG_Y43, width=100, n_best=100)}
    assert found[1,] == pytest.approx(0.22175, abs=1e-12)
    assert found[1, 1] == pytest.approx(0.15225, abs=1e-12)
    assert len(found) == 15
    for string, p in found.items():
        assert p == pytest.approx(enumerated(Y43, string), abs=1e-12), string


def test_e69_a_narrow_beam_finds_another_string_and_too_low_a_score():
    for width, string, score in ((1, "a", 0.1185), (2, "a", 0.192), (3, "ba", 0.221), (100, "ba", 0.22975)):
        found = prefix_beam_search(LOG_Y43, width=width)[0]
        assert found.labels == tuple(columns(string))
        assert np.exp(found.log_p) == pytest.approx(score, abs=1e-12)
        exact = enumerated(Y43, found.labels)
        if width == 100:
            assert score == pytest.approx(exact, abs=1e-12)
        else:
            assert score < exact - 0.008
    best = best_string(LOG_Y43)[0]
    assert (best.labels, np.exp(best.log_p)) == ((2, 1), pytest.approx(0.22975, abs=1e-12))


def test_e70_too_few_blanks_delete_as_well_as_insert():
    def read(y, bias):
        return "".join("-ab"[k] for k in greedy(log_softmax(np.log(y) + np.array([bias, 0, 0]))))

    inserting = [[0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.2, 0.1, 0.7], [0.5, 0.3, 0.2]]
    assert [read(inserting, bias) for bias in (0, -1)] == ["ab", "aba"]
    assert [read(Y43, bias) for bias in (0, -1, 4)] == ["aa", "a", ""]  # a deletion on either side


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
    assert sum(np.exp(h.log_p) for h in best_string(LOG_Y43)) == pytest.approx(1, abs=1e-12)

    quiet = np.log(np.tile([0.9, 0.05, 0.05], (T, 1)))  # this is what favours the short ones
    assert [probability(quiet, longest[:L]) for L in (0, 1, 2)] == pytest.approx([0.3487, 0.2039, 0.0530], abs=5e-5)


def test_e72_the_length_is_that_of_the_hypothesis_and_the_empty_one_has_none():
    every = best_string(LOG_Y43)
    exact = {h.labels: h.log_p for h in every}

    def ranked(score):
        return sorted((labels for labels in exact if labels), key=score, reverse=True)

    as_given = [h.labels for h in every if h.labels]
    assert ranked(lambda labels: exact[labels] / 2**1.0) == as_given  # the length of one target, "ab", for all
    for exponent, first in ((0.0, "ba"), (0.5, "ba"), (1.0, "aba")):
        found = prefix_beam_search(LOG_Y43, width=100, n_best=100, length_exponent=exponent)
        assert found[0].labels == tuple(columns(first))
        by_hypothesis = ranked(lambda labels, exponent=exponent: exact[labels] / len(labels) ** exponent)
        assert [h.labels for h in found if h.labels] == by_hypothesis
        assert (by_hypothesis == as_given) == (exponent == 0)
    with pytest.raises(ZeroDivisionError):
        exact[()] / len(()) ** 1.0
    assert (found[-1].labels, found[-1].score) == ((), -np.inf)


def test_e73_either_pass_alone_gives_the_probability_and_only_both_give_the_shares():
    found = forward_backward(LOG_Y43, columns("aa"))
    alpha, beta = np.exp(found.alpha), np.exp(found.beta)
    p = enumerated(Y43, columns("aa"))
    assert alpha[-1, -2:].sum() == pytest.approx(p, abs=1e-12)
    assert (Y43[0, found.extended] * beta[0])[:2].sum() == pytest.approx(p, abs=1e-12)
    np.testing.assert_allclose((alpha * beta).sum(axis=1), p, rtol=0, atol=1e-12)
    assert alpha[0, :2] / alpha[0].sum() == pytest.approx([0.625, 0.375], abs=1e-12)
    assert found.gamma[0, :2] == pytest.approx([16 / 29, 13 / 29], abs=1e-12)


def test_e74_a_training_that_sticks_is_at_no_minimum_and_still_tells_its_inputs_apart(oracles):
    start = oracles["O20_viterbi_training"]["fixed_init_W0"]
    stuck = train(start, INPUTS, TARGETS, paths="best")
    y = np.exp(log_softmax(stuck.weights[-1]))
    np.testing.assert_allclose(
        y, [[0.5, 0.5], [0, 1]], rtol=0, atol=2e-3
    )  # two inputs, two answers: nothing has collapsed
    assert stuck.nll[-1] > 0.79
    for push, lower, end in ((-0.01, False, 0.790294), (0.01, True, 0.003331)):
        pushed = train(stuck.weights[-1] + [[push, 0], [0, 0]], INPUTS, TARGETS, paths="best")
        assert (pushed.loss[0] < stuck.loss[-1]) == lower
        assert pushed.nll[-1] == pytest.approx(end, abs=1e-5)


def test_e75_two_columns_give_the_probability_but_not_the_gradient():
    target = columns("aa")
    found = forward_backward(LOG_Y43, target)
    alpha, beta, S = np.exp(found.alpha), np.exp(found.beta), len(found.extended)
    kept = np.zeros((2, S + 2))  # two states before the first
    kept[0, 2:4] = Y43[0, found.extended[:2]]
    for t in range(1, 4):
        now, before = kept[t % 2], kept[1 - t % 2]
        now[2:] = (before[2:] + before[1:-1] + before[:-2] * found.skip) * Y43[t, found.extended]
    p = kept[1, -2:].sum()
    assert p == pytest.approx(enumerated(Y43, target), abs=1e-12)

    def shares(alpha):
        return np.stack([(alpha * beta)[:, found.extended == k].sum(axis=1) for k in range(3)], axis=1) / p

    assert Y43 - shares(alpha) == pytest.approx(found.gradient(), abs=1e-12)
    wrong = abs(shares(kept[[0, 1, 0, 1], 2:]) - found.occupancy).max(axis=1)
    assert (wrong > 1e-12).tolist() == [True, True, False, False]
