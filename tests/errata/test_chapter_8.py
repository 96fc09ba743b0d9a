"""One test for each line of ERRATA.md on chapters 6 to 8 of the notes: the printed claim fails, the right form holds."""

from dataclasses import replace

import numpy as np
import pytest
from planting import assert_red, in_loops, instead

from course_utils import compiled, viterbi
from course_utils.alignment import (
    InfeasibleError,
    compress,
    score_all_paths,
)
from course_utils.alignment_training import train
from course_utils.examples import FORCED_ALIGNMENTS, UTTERANCES
from course_utils.losses import log_softmax
from course_utils.posteriors import encode, log_probabilities
from course_utils.viterbi import align, align_in_probabilities, align_score

WORKED = FORCED_ALIGNMENTS["worked example"].y


def test_e47_the_recurrence_as_printed_reads_the_last_row():
    def as_printed(y):
        V = np.zeros((len(y), 2))
        V[0, 0] = y[0][0]
        for t in range(1, len(y)):
            for i in range(2):
                V[t, i] = y[t][i] * max(V[t - 1, i], V[t - 1, i - 1])
        return V[-1, -1]

    y = [[0.5, 0.5], [0.1, 0.9], [0.9, 0.1], [0.2, 0.8]]
    log_y, target = log_probabilities(y), np.array([0, 1])
    right = max(np.exp(list(score_all_paths(log_y, target).values())))
    assert right == pytest.approx(0.036)
    assert np.exp(align(log_y, target).score) == pytest.approx(right, abs=1e-15)
    assert np.exp(viterbi.forward(log_y, target)[0][-1, -1]) == pytest.approx(right, abs=1e-15)
    assert np.exp(align_score(log_y, target)) == pytest.approx(right, abs=1e-15)
    assert as_printed(y) == pytest.approx(0.324)


def test_e48_products_find_a_path_where_there_is_none_and_lose_one_where_there_is():
    blocked = FORCED_ALIGNMENTS["blocked by zeros"].y
    trellis, _, path = align_in_probabilities(blocked, np.array([0, 1]))
    assert trellis[-1, -1] == 0
    assert len(path) == 3  # a path all the same
    with pytest.raises(InfeasibleError, match="probability zero"):
        align(log_probabilities(blocked), [0, 1])
    with pytest.raises(InfeasibleError, match="the smallest T that would do is 2"):
        align(log_probabilities(blocked[1:2]), [0, 1])  # K > N
    with pytest.raises(InfeasibleError, match="target is empty"):
        align(log_probabilities(blocked), [])
    assert align_score(log_probabilities(blocked), [0, 1]) == -np.inf
    assert align_score(log_probabilities(blocked[1:2]), [0, 1]) == -np.inf

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


class Counted(float):
    """A number that counts additions."""

    additions = 0

    def __add__(self, other):
        Counted.additions += 1
        return Counted(float.__add__(self, other))

    __radd__ = __add__


def additions(N, K):
    """Count what the loops of the alignment add up, one number at a time."""
    loop = compiled.loops("alignment").best_path
    log_y, trellis = np.empty((2, N, K), dtype=object)
    log_y.fill(Counted(0))
    trellis.fill(Counted(-np.inf))
    Counted.additions = 0
    getattr(loop, "py_func", loop)(log_y, np.arange(K), False, trellis, np.zeros((N, K), bool), np.zeros(N, int))
    return Counted.additions


def test_e48c_the_table_has_k_times_n_cells():
    rng = np.random.default_rng(0)
    for N, K in ((100, 10), (200, 10), (200, 20)):
        log_y = np.log(rng.dirichlet(np.ones(K), N))
        assert align(log_y, np.arange(K)).trellis.size == K * N
        assert additions(N, K) == K * (N - 1)
    assert additions(100, 10) == 990
    assert [additions(N, N // 2) for N in (20, 40)] == [190, 780]  # where K grows with N, four times as many


def test_e49_the_worked_example_is_right_but_tests_nothing(oracles):
    wanted = oracles["O1_viterbi_8.10"]
    found = align(log_probabilities(WORKED), encode("AB"))
    np.testing.assert_allclose(np.exp(found.trellis.T), wanted["V"], atol=1e-12)
    assert found.labels.tolist() == np.argmax(WORKED, axis=1).tolist()  # what frame by frame gives as well

    y = oracles["O2_viterbi_ABA"]["Y"]
    table, _ = viterbi.forward(log_probabilities(y), encode("ABA"))
    assert np.exp(table[1]).round(12).tolist() == [0.2, 0.2, 0.0]  # two rows for A, which differ
    assert align(log_probabilities(y), encode("ABA")).labels.tolist() != np.argmax(y, axis=1).tolist()


@pytest.mark.slow
def test_e49b_many_starts_stick_on_the_best_path_and_none_on_all_paths():
    rng = np.random.default_rng(0)
    starts = [2 * rng.normal(size=(2, 2)) for _ in range(24)]
    assert all(train(W, *UTTERANCES, paths="all", iterations=60).nll[-1] < 0.1 for W in starts)
    stuck = sum(train(W, *UTTERANCES, paths="best", iterations=300).nll[-1] > 0.1 for W in starts)
    assert 8 <= stuck <= 16  # a stuck model sits on a tie, so rounding moves the count


def test_log_softmax_is_what_the_model_of_these_tests_uses():
    logits = np.array([[1e4, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(log_softmax(logits), [[0, -1e4], [-np.log(2), -np.log(2)]], atol=1e-12)


def on_products(right, log_y, target):
    y, target = np.exp(log_y), np.array(target, dtype=int)
    trellis, advanced, path = align_in_probabilities(y, target)
    fitting = right(np.full((len(target), y.shape[1]), -np.log(y.shape[1])), target)
    with np.errstate(divide="ignore"):
        return replace(fitting, trellis=np.log(trellis), advanced=advanced, path=path, score=np.log(trellis[-1, -1]))


def whatever_fits(right, log_y, target):
    """Give back a path also for a target that is longer than there are frames."""
    return right(log_y, target) if 0 < len(target) <= len(log_y) else on_products(right, log_y, target)


def with_position_minus_one(right, log_y, target, ties="stay"):
    trellis = np.full((len(log_y), len(target)), -np.inf)
    trellis[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target)):
            trellis[t, i] = log_y[t, target[i]] + max(trellis[t - 1, i], trellis[t - 1, i - 1])
    return trellis, viterbi.back_pointers(trellis, ties)


def decodes(right, log_y, target, **settings):
    """Read the frames, whatever target is given."""
    return right(log_y, compress(log_y.argmax(axis=1).tolist()), **settings)


MISTAKES = {
    "E47: the trellis reads position −1": (
        test_e47_the_recurrence_as_printed_reads_the_last_row,
        in_loops("alignment", "= before[0] + y[target[0]]", "= max(before[0], before[K - 1]) + y[target[0]]"),
    ),
    "E47: the one column reads position −1": (
        test_e47_the_recurrence_as_printed_reads_the_last_row,
        in_loops("alignment", "column[0] = -_INF", "column[0] = column[len(target)]"),
    ),
    "E47: NumPy reads position −1": (
        test_e47_the_recurrence_as_printed_reads_the_last_row,
        instead(viterbi.forward, with_position_minus_one),
    ),
    "E48: an alignment of products": (
        test_e48_products_find_a_path_where_there_is_none_and_lose_one_where_there_is,
        instead(align, on_products),
    ),
    "E48: a path for more symbols than frames": (
        test_e48_products_find_a_path_where_there_is_none_and_lose_one_where_there_is,
        instead(align, whatever_fits),
    ),
    "E48: nobody looks whether the target fits": (
        test_e48_products_find_a_path_where_there_is_none_and_lose_one_where_there_is,
        instead(viterbi.check_fits, lambda right, K, T: None),
    ),
    "E48b: one column, upwards": (
        test_e48b_one_column_must_be_updated_downwards,
        in_loops("alignment", "for i in range(len(target), 0, -1):", "for i in range(1, len(target) + 1):"),
    ),
    "E48c: a few cells a frame": (
        test_e48c_the_table_has_k_times_n_cells,
        in_loops("alignment", "for i in range(1, K):", "for i in range(max(1, t - 1), min(K, t + 2)):"),
    ),
    "E49: a row for each symbol": (
        test_e49_the_worked_example_is_right_but_tests_nothing,
        instead(viterbi.forward, lambda right, log_y, target: right(log_y, np.unique(target))),
    ),
    "E49: the best symbol of each frame solves every example": (
        test_e49_the_worked_example_is_right_but_tests_nothing,
        instead(align, decodes),
    ),
    "E49b: the best path commits to nothing": (
        test_e49b_many_starts_stick_on_the_best_path_and_none_on_all_paths,
        instead(train, lambda right, *args, **settings: right(*args, paths="all", iterations=60)),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
