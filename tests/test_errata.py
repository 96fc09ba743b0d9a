"""One test for each line of ERRATA.md: the printed claim fails, the right form holds."""

import re
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest

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
from course_utils.alignment_training import log_softmax, train
from course_utils.viterbi import align, align_in_probabilities, align_score

ROOT = Path(__file__).parent.parent
WORKED = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
INPUTS, TARGETS = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3


def test_every_line_names_a_test_that_exists_and_a_chapter_that_has_a_box():
    lines = [line for line in (ROOT / "ERRATA.md").read_text("utf-8").splitlines() if line.startswith("| E")]
    assert len(lines) >= 12
    for line in lines:
        name = re.search(r"test_errata\.py::(\w+)`", line)[1]
        assert name in globals(), line
        notebook = ROOT / re.search(r"\((notebooks/[^)]+)\)", line)[1]
        assert "Where the notes go wrong" in notebook.read_text("utf-8"), line


def test_every_guard_stands_in_the_list():
    text = (ROOT / "ERRATA.md").read_text("utf-8")
    guards = [name for name in globals() if re.match(r"test_e\d", name)]
    assert guards
    assert [name for name in guards if f"::{name}`" not in text] == []


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
