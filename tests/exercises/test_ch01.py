"""The exercises of chapter 1: right answers pass however they are written, and known wrong ideas are named."""

import math
from itertools import groupby, product

import numpy as np
import pytest
from telling_apart import assert_no_two_alike

from course_utils.alignment import compress
from course_utils.ctc import collapse
from course_utils.exercises.ch01 import EXERCISES, FEEDS
from course_utils.exercises.judge import judge
from course_utils.structures import Feed, _Weights, dependence, network

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def name_by_loops(strength):
    T, S = len(strength), len(strength[0])
    reached = [[strength[t][s] >= 1e-12 for s in range(S)] for t in range(T)]
    if all(reached[t][s] == (t == s) for t in range(T) for s in range(S)) and T == S:
        return 0
    if all(all(row) for row in reached):
        return 1 if T == 1 else 2 if S == 1 else 4
    if T == S and all(reached[t][s] == (s <= t) for t in range(T) for s in range(S)):
        return 3
    return 5


def name_by_known_tables(strength):
    filled = np.abs(strength) > 1e-12
    T, S = filled.shape
    known = {4: np.ones((T, S))}
    if T == 1:
        known = {1: np.ones((1, S))}
    elif S == 1:
        known = {2: np.ones((T, 1))}
    if T == S:
        known = {0: np.eye(T)} | ({3: np.tri(T)} if T > 1 else {}) | known
    return next((code for code, table in known.items() if np.array_equal(filled, table.astype(bool))), 5)


def name_by_difference(strength):
    filled = (np.asarray(strength) > 1e-12).astype(int)
    lags = np.subtract.outer(np.arange(len(filled)), np.arange(filled.shape[1]))
    if len(filled) == filled.shape[1]:
        if not (filled - (lags == 0)).any():
            return np.int64(0)
        if filled[lags >= 0].all() and not filled[lags < 0].any():
            return np.int64(3)
    if filled.min() == 0:
        return np.int64(5)
    return np.int64({1: 1}.get(len(filled), {1: 2}.get(filled.shape[1], 4)))


def generate_in_three_branches(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    h = np.tanh(W_xh @ x)
    outputs = [W_hy @ h]
    while len(outputs) < T:
        if feed == "every step":
            h = np.tanh(W_hh @ h + W_xh @ x)
        elif feed == "start":
            h = np.tanh(W_hh @ h)
        else:
            h = np.tanh(W_hh @ h + W_yh @ outputs[-1])
        outputs.append(W_hy @ h)
    return outputs


def generate_by_recursion(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    def state(t):
        if t < 0:
            return np.zeros(len(W_hh))
        before = state(t - 1)
        z = W_hh @ before
        if t == 0 or feed == "every step":
            z = z + W_xh @ x
        elif feed == "fed back":
            z = z + W_yh @ W_hy @ before
        return np.tanh(z)

    return np.stack([W_hy @ state(t) for t in range(T)])


def generate_with_torch(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    import torch

    x, W_xh, W_hh, W_hy, W_yh = (torch.from_numpy(np.array(a)) for a in (x, W_xh, W_hh, W_hy, W_yh))
    inputs = torch.zeros(T, len(x), dtype=torch.float64)
    inputs[: T if feed == "every step" else 1] = x
    recurrent = W_hh + W_yh @ W_hy if feed == "fed back" else W_hh  # h_{-1} is 0, so nothing is fed back at t = 0
    cell = torch.nn.RNN(len(x), len(W_hh), bias=False, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih_l0.copy_(W_xh)
        cell.weight_hh_l0.copy_(recurrent)
        return (cell(inputs)[0] @ W_hy.T).numpy()


def frames_by_counting(target):
    pairs = sum(1 for k in range(1, len(target)) if target[k] == target[k - 1])
    return (math.inf if pairs else len(target), len(target) + pairs)


def frames_by_runs(target):
    runs = [len(list(run)) for _, run in groupby(target.tolist())]
    return np.inf if len(runs) < len(target) else len(runs), sum(2 * n - 1 for n in runs)


def frames_by_building(target):
    spelled = []
    for symbol in target:
        if spelled and spelled[-1] == symbol:
            spelled.append(0)
        spelled.append(symbol)
    assert collapse(spelled, 0) == tuple(target)
    return [len(spelled) if 0 not in spelled else float("inf"), len(spelled)]


RIGHT = {
    "1.3": [name_by_loops, name_by_known_tables, name_by_difference],
    "1.1": [generate_in_three_branches, generate_by_recursion, generate_with_torch],
    "1.2": [frames_by_counting, frames_by_runs, frames_by_building],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


# -- the references against the library and against enumeration


@pytest.mark.parametrize(
    ("structure", "T", "S", "code"),
    [
        ("one to one", 5, None, 0),
        ("one to one", 1, None, 0),
        ("many to one", 1, 6, 1),
        ("one to many", 6, None, 2),
        ("time-synchronous", 5, None, 3),
        ("time-synchronous, both directions", 5, None, 4),
        ("encoder-decoder", 3, 5, 4),
        ("encoder-decoder", 5, 3, 4),
    ],
)
def test_the_networks_of_the_chapter_are_named_as_they_are_built(structure, T, S, code):
    for seed in range(3):
        net = network(structure, T, S=S, seed=seed)
        x = np.random.default_rng(seed).normal(size=(net.S, net.D))
        assert BY_ID["1.3"].reference(dependence(net, x)) == code


@pytest.mark.parametrize(("flag", "feed"), [*zip(FEEDS, Feed.__args__, strict=True)])
def test_the_generator_is_that_of_the_library(flag, feed):
    for seed in range(3):
        w = _Weights(np.random.default_rng(seed), 2, 3, 2)
        x = np.random.default_rng(seed + 1).normal(size=2)
        ours = BY_ID["1.1"].reference(x, 5, flag, w.W_xh, w.W_hh, w.W_hy, w.W_yh)
        np.testing.assert_allclose(ours, network("one to many", 5, feed=feed, seed=seed)(x[None]), rtol=1e-14)


def test_fewer_frames_than_the_fewest_spell_nothing_and_so_many_do():
    for K in range(5):
        for target in product((1, 2), repeat=K):
            without, with_blank = BY_ID["1.2"].reference(np.array(target, dtype=int))
            spelled = [any(collapse(labels) == target for labels in product(range(3), repeat=T)) for T in range(8)]
            assert spelled.index(True) == with_blank
            merged = [any(compress(labels) == target for labels in product((1, 2), repeat=T)) for T in range(8)]
            assert (merged.index(True) if any(merged) else math.inf) == without


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers."""
    return np.ravel(np.array(answer(*case.args), dtype=float))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    assert_no_two_alike(exercise, seed, outcome)


# -- honest mistakes, written as a reader might


def x_is_the_initial_state(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    h, outputs = W_xh @ x, []
    for t in range(T):
        z = W_hh @ h
        if feed == "every step":
            z = z + W_xh @ x
        elif feed == "fed back" and t > 0:
            z = z + W_yh @ outputs[-1]
        h = np.tanh(z)
        outputs.append(W_hy @ h)
    return np.array(outputs)


def x_is_the_initial_state_after_a_tanh(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    h, y, outputs = np.tanh(W_xh @ x), np.zeros(len(W_hy)), []
    for _ in range(T):
        incoming = {"every step": W_xh @ x, "start": 0, "fed back": W_yh @ y}[feed]
        h = np.tanh(incoming + W_hh @ h)
        y = W_hy @ h
        outputs.append(y)
    return np.array(outputs)


def x_is_the_first_state(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    h = W_xh @ x
    outputs = [W_hy @ h]
    for _ in range(T - 1):
        incoming = {"every step": W_xh @ x, "start": 0, "fed back": W_yh @ outputs[-1]}[feed]
        h = np.tanh(incoming + W_hh @ h)
        outputs.append(W_hy @ h)
    return np.array(outputs)


def frames_with_all_repeats(target):
    seen, repeats = set(), 0
    for symbol in target:
        repeats += symbol in seen
        seen.add(symbol)
    return (np.inf if repeats else len(target)), len(target) + repeats


def frames_with_a_blank_around_every_symbol(target):
    return frames_by_counting(target)[0], 2 * len(target) + 1


def frames_as_symbols(target):
    return len(target), len(target)


def frames_as_symbols_without_a_blank(target):
    return len(target), frames_by_counting(target)[1]


def square_means_full(strength):
    known = name_by_loops(strength)
    return 4 if known == 5 and len(strength) == len(strength[0]) else known


def a_single_entry_is_many_to_one(strength):
    return 1 if strength.shape == (1, 1) else name_by_loops(strength)


def one_row_or_column_is_enough(strength):
    T, S = strength.shape
    return 1 if T == 1 else 2 if S == 1 else name_by_loops(strength)


def either_triangle_is_causal(strength):
    return 3 if name_by_loops(strength.T) == 3 else name_by_loops(strength)


def upper_triangle_is_causal(strength):
    return {3: 5}.get(name_by_loops(strength), 3 if name_by_loops(strength.T) == 3 else name_by_loops(strength))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("number", "answer", "hint"),
    [
        ("1.1", x_is_the_initial_state, "Here the initial state is zero, and x goes in through the tanh at t = 0."),
        ("1.1", x_is_the_initial_state_after_a_tanh, "the initial state is zero, and x goes in through the tanh"),
        ("1.1", x_is_the_first_state, "x goes in through the tanh at t = 0."),
        ("1.2", frames_with_all_repeats, "A symbol that returns later needs no blank."),
        (
            "1.2",
            frames_with_a_blank_around_every_symbol,
            "Blanks at the ends and between unlike symbols may be left out.",
        ),
        ("1.2", frames_as_symbols, "no number is enough, and that is written as infinity."),
        ("1.2", frames_as_symbols_without_a_blank, "no number of frames is enough, and that is written as infinity."),
        ("1.3", square_means_full, "Whether all inputs reach all outputs, only its entries can say."),
        ("1.3", a_single_entry_is_many_to_one, "A 1 × 1 table is a diagonal, a row and a column at once."),
        ("1.3", one_row_or_column_is_enough, "A 1 × 1 table is a diagonal, a row and a column at once."),
        ("1.3", either_triangle_is_causal, "outputs know what comes later"),
        ("1.3", upper_triangle_is_causal, "on which side of the diagonal is that?"),
    ],
)
def test_an_honest_mistake_gets_its_hint(number, answer, hint, seed):
    report = judge(BY_ID[number], answer, seed)
    assert report.status == "incorrect"
    assert report.misconception is not None
    assert hint in report.hint


OTHER_WRONG = {
    "1.3": [
        lambda strength: 0,
        lambda strength: 4 if np.all(strength) else 3,
        lambda strength: 1 if len(strength) == 1 else 2,
        lambda strength: int(np.linalg.matrix_rank(strength)),
    ],
    "1.1": [
        lambda x, T, feed, W_xh, W_hh, W_hy, W_yh: np.tile(W_hy @ np.tanh(W_xh @ x), (T, 1)),
        lambda x, T, feed, *W: generate_in_three_branches(x, T, "every step", *W),
        lambda x, T, feed, *W: generate_in_three_branches(x, T, feed, *W)[::-1],
        lambda x, T, feed, *W: generate_in_three_branches(x, T + 1, feed, *W)[1:],
    ],
    "1.2": [
        lambda target: (len(target), 2 * len(target) - 1),
        lambda target: (len(set(target.tolist())), len(target)),
        lambda target: (math.inf, frames_by_counting(target)[1]),
        lambda target: (frames_by_counting(target)[0], frames_by_counting(target)[1] + 1),
    ],
}


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [pytest.param(BY_ID[n], a, id=f"{n} {k}") for n in OTHER_WRONG for k, a in enumerate(OTHER_WRONG[n])],
)
def test_other_wrong_answers_are_rejected_too(exercise, answer):
    report = judge(exercise, answer)
    assert report.status == "incorrect"
    assert report.points == 0


# -- what else a reader may hand in


def test_a_table_cleaned_in_place_is_noticed():
    def in_place(strength):
        strength[strength < 1e-12] = 0
        return name_by_loops(np.where(strength == 0, 0, 1.0))

    report = judge(BY_ID["1.3"], in_place)
    assert report.status == "incorrect"
    assert "name_structure changed its argument strength in place" in report.says


def test_outputs_side_by_side_are_said_to_lie_on_their_side():
    report = judge(BY_ID["1.1"], lambda *args: np.array(generate_in_three_branches(*args)).T)
    assert "It lies on its side: t comes first." in report.says


def test_one_number_of_frames_is_one_too_few():
    report = judge(BY_ID["1.2"], lambda target: len(target))
    assert "must return 2 values: the number without a blank and the number with a blank." in report.says


# -- the sheet as a whole


def test_each_structure_is_among_the_tasks():
    cases = BY_ID["1.3"].cases(np.random.default_rng(0))
    assert {BY_ID["1.3"].reference(*case.args) for case in cases} == set(range(6))
    tables = [case.args[0] for case in cases]
    assert any(table.shape == (1, 1) for table in tables)
    assert any(0 < table[table > 0].min() < 1e-14 for table in tables if table.any())
    assert any(1e-12 < table[table > 0].min() < 1e-9 for table in tables if table.any())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_names_of_the_cases_say_what_the_tables_look_like(seed):
    for case in BY_ID["1.3"].cases(np.random.default_rng(seed)):
        (table,) = case.args
        filled = table > 1e-12
        T, S = table.shape
        name = case.name.removeprefix("at random: ")
        assert name.startswith(f"{T} × {S}, ")
        assert ("all filled" in case.name or name == "1 × 1, filled") == filled.all()
        assert ("lower triangle" in case.name) == (T == S > 1 and np.array_equal(filled, np.tri(T) > 0))
        assert ("upper triangle" in case.name) == (T == S > 1 and np.array_equal(filled, np.tri(T).T > 0))
        assert (", diagonal filled" in case.name) == (S > 1 and np.array_equal(filled, np.eye(T, S) > 0))
        assert ("empty" in name.split(", ", 1)[1][:5]) == (not filled.any())
        assert ("1e-15" in case.name) == bool(((table > 0) & (table < 1e-15)).any())
