"""The exercises of chapter 8: right answers pass however they are written, and known wrong ideas are named."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from enumeration import scored_paths
from telling_apart import assert_no_two_alike

from course_utils.exercises.ch08 import EXERCISES
from course_utils.exercises.judge import judge

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def table_by_double_loop(log_y, target):
    T, K = len(log_y), len(target)
    V = [[-math.inf] * K for _ in range(T)]
    V[0][0] = log_y[0][target[0]]
    for t in range(1, T):
        for i in range(K):
            best = V[t - 1][i]
            if i > 0 and V[t - 1][i - 1] > best:
                best = V[t - 1][i - 1]
            V[t][i] = log_y[t][target[i]] + best
    return V


def table_by_recursion(log_y, target):
    @cache
    def best(t, i):
        if i < 0:
            return -math.inf
        if t == 0:
            return float(log_y[0, target[0]]) if i == 0 else -math.inf
        return float(log_y[t, target[i]]) + max(best(t - 1, i), best(t - 1, i - 1))

    return np.array([[best(t, i) for i in range(len(target))] for t in range(len(log_y))])


def table_by_rows(log_y, target):
    V = np.full((len(log_y), len(target)), -np.inf)
    V[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        shifted = np.concatenate([[-np.inf], V[t - 1, :-1]])
        V[t] = log_y[t, target] + np.where(shifted > V[t - 1], shifted, V[t - 1])
    return V


def table_by_enumeration(log_y, target):
    def best(t, i):
        scores = scored_paths(log_y[: t + 1], target[: i + 1])[1]
        return scores.max() if len(scores) else -np.inf

    # Paths are listed for up to six frames; beyond that the recurrence goes on from there.
    V = table_by_rows(log_y, target)
    for t in range(min(6, len(log_y))):
        V[t] = [best(t, i) for i in range(len(target))]
    return V


def trace_with_insert(trellis):
    i = trellis.shape[1] - 1
    path = [i]
    for row in reversed(trellis[:-1].tolist()):
        if i > 0 and row[i - 1] > row[i]:
            i -= 1
        path.insert(0, i)
    return path


def trace_by_recursion(trellis):
    def upto(t, i):
        if t == 0:
            return (i,)
        came = i > 0 and trellis[t - 1, i - 1] > trellis[t - 1, i]
        return (*upto(t - 1, i - int(came)), i)

    return upto(len(trellis) - 1, trellis.shape[1] - 1)


def trace_into_floats(trellis):
    path = np.empty(len(trellis))
    path[-1] = trellis.shape[1] - 1
    for t in range(len(trellis) - 2, -1, -1):
        i = int(path[t + 1])
        path[t] = i if i == 0 else i - np.argmax([trellis[t, i], trellis[t, i - 1]])
    return path


def score_descending(log_y, target):
    column = [-math.inf] * len(target)
    column[0] = log_y[0, target[0]]
    for frame in log_y[1:]:
        for i in range(len(target) - 1, 0, -1):
            column[i] = frame[target[i]] + max(column[i], column[i - 1])
        column[0] += frame[target[0]]
    return column[-1]


def score_with_two_columns(log_y, target):
    old = np.full(len(target), -np.inf)
    old[0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        new = old.copy()
        new[1:] = np.maximum(old[1:], old[:-1])
        old = new + log_y[t, target]
    return np.float64(old[-1])


def step_by_loops(weights, x, target, learning_rate):
    T, A = len(x), weights.shape[1]
    y = []
    for kind in x:
        powers = [math.exp(w) for w in weights[kind]]
        y.append([p / sum(powers) for p in powers])
    V = table_by_double_loop(np.log(y), target)
    labels = [target[i] for i in trace_with_insert(np.array(V))]
    new = [list(row) for row in weights]
    for t in range(T):
        for k in range(A):
            new[x[t]][k] -= learning_rate * (y[t][k] - (k == labels[t]))
    return new, -V[-1][-1]


def step_by_enumeration(weights, x, target, learning_rate):
    import torch

    w = torch.tensor(weights, requires_grad=True)
    log_y = torch.log_softmax(w, dim=1)[torch.as_tensor(x)]
    paths = torch.as_tensor(target[np.array(grid_paths(len(target), len(x)))])
    loss = -log_y[torch.arange(len(x)), paths].sum(dim=1).max()
    loss.backward()
    return (w - learning_rate * w.grad).detach().numpy(), loss.item()


def grid_paths(K, T):
    """List the paths from their last frame, for more frames than the enumeration of the tests reaches."""
    if T == 1:
        return [[0]] if K == 1 else []
    return [[*path, K - 1] for before in (K - 1, K) if before for path in grid_paths(before, T - 1)]


RIGHT = {
    "8.1": [table_by_double_loop, table_by_recursion, table_by_rows, table_by_enumeration],
    "8.2": [trace_with_insert, trace_by_recursion, trace_into_floats],
    "8.3": [score_descending, score_with_two_columns],
    "8.4": [step_by_loops, step_by_enumeration],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers."""
    try:
        with np.errstate(all="ignore"):
            value = answer(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in case.args))
    except IndexError:
        return np.array([np.nan])
    parts = value if isinstance(value, tuple) else (value,)
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    assert_no_two_alike(exercise, seed, outcome)


def test_two_wrong_ideas_at_once_are_both_named():
    def both(log_y, target):
        V = np.zeros((len(log_y), len(target)))  # zero for impossible, and a free start
        V[0] = log_y[0, target]
        for t in range(1, len(V)):
            V[t] = log_y[t, target] + np.maximum(V[t - 1], [0, *V[t - 1, :-1]])
        return V

    report = judge(BY_ID["8.1"], both)
    assert report.status == "incorrect"
    assert report.misconception == "free start, and zero before the first symbol"


# -- what else a reader may hand in


def test_a_transposed_table_is_said_to_lie_on_its_side():
    report = judge(BY_ID["8.1"], lambda log_y, target: table_by_rows(log_y, target).T)
    assert "(2, 4). It lies on its side: t comes first." in report.says


def test_a_table_without_its_first_frame_has_the_wrong_shape():
    report = judge(BY_ID["8.1"], lambda log_y, target: table_by_rows(log_y, target)[1:])
    assert "must have the shape (4, 2) (sizes of t = 4, i = 2); yours has (3, 2)." in report.says


def test_the_new_weights_alone_are_one_value_too_few():
    report = judge(BY_ID["8.4"], lambda *args: np.array(step_by_loops(*args)[0]))
    assert report.says == "viterbi_training_step must return 2 values: the new weights and the loss."


def test_weights_changed_in_place_are_noticed():
    def in_place(weights, x, target, learning_rate):
        new, loss = step_by_loops(weights, x, target, learning_rate)
        weights[:] = new
        return weights, loss

    report = judge(BY_ID["8.4"], in_place)
    assert report.status == "incorrect"
    assert "viterbi_training_step changed its argument weights in place" in report.says


def test_the_score_from_a_whole_table_is_right_but_takes_too_much_memory():
    report = judge(BY_ID["8.3"], lambda log_y, target: table_by_rows(log_y, target)[-1, -1])
    assert report.status == "incorrect"
    assert report.passed == report.total
    assert report.points == 0
    assert "The scores are right, but for 3000 frames and 40 symbols it held" in report.says


def test_gathering_all_emissions_first_takes_the_memory_of_a_table_too():
    def gathered(log_y, target):
        return score_with_two_columns(log_y[:, target], np.arange(len(target)))

    assert "log_y[:, target] is a table of that size too" in judge(BY_ID["8.3"], gathered).says


def test_a_table_that_is_wrong_in_one_cell_is_wrong_there():
    def off(log_y, target):
        V = table_by_rows(log_y, target)
        if V.shape == (5, 3):
            V[3, 1] += 1e-5
        return V

    report = judge(BY_ID["8.1"], off)
    assert report.status == "incorrect"
    assert report.case.startswith("ABA")
    assert report.comparison.first_wrong == (3, 1)


# -- the sheet as a whole


def test_the_cases_of_the_table_hold_the_edges():
    cases = BY_ID["8.1"].cases(np.random.default_rng(0))
    shapes = [(len(case.args[0]), len(case.args[1])) for case in cases]
    assert any(T == 1 for T, K in shapes)
    assert any(K == 1 for T, K in shapes)
    assert any(T == K > 1 for T, K in shapes)
    assert any(np.isinf(case.args[0]).any() for case in cases)
    assert all(1 <= K <= T for T, K in shapes)


def test_the_known_score_of_1200_frames_is_among_the_cases(oracles):
    case = next(c for c in BY_ID["8.3"].cases(np.random.default_rng(0)) if c.name.startswith("1200"))
    assert score_descending(*case.args) == pytest.approx(oracles["O15_long"]["viterbi_N1200_ABC_logV"], rel=1e-12)


def test_listed_paths_are_monotone():
    """The helper of this file that goes beyond six frames lists what it should."""
    listed = grid_paths(3, 8)
    assert len(listed) == len(set(map(tuple, listed))) == math.comb(7, 2)
    assert all(path[0] == 0 and path[-1] == 2 and {b - a for a, b in pairwise(path)} <= {0, 1} for path in listed)
