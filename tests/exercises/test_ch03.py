"""The exercises of chapter 3: right answers pass however they are written, and known wrong ideas are named."""

import math

import numpy as np
import pytest
from telling_apart import assert_no_two_alike

from course_utils.examples import WORKED_NET, WORKED_X
from course_utils.exercises.ch03 import EXERCISES
from course_utils.exercises.judge import judge
from course_utils.rnn import random_rnn, run

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def forward_by_steps(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states, logits = h_init, [], []
    for frame in x:
        h = np.tanh(W_xh @ frame + W_hh @ h + b_h)
        states.append(h)
        logits.append(W_hy @ h + b_y)
    return np.array(states), np.array(logits)


def forward_by_units(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states, logits = list(h_init), [], []
    for t in range(len(x)):
        sums = [b_h[i] for i in range(len(b_h))]
        for i in range(len(b_h)):
            sums[i] += sum(W_xh[i, d] * x[t, d] for d in range(x.shape[1]))
            sums[i] += sum(W_hh[i, j] * h[j] for j in range(len(h)))
        h = [math.tanh(s) for s in sums]
        states.append(h)
        logits.append([b_y[k] + sum(W_hy[k, i] * h[i] for i in range(len(h))) for k in range(len(b_y))])
    return states, logits


def forward_by_rows(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    states = np.empty((len(x), len(b_h)))
    from_inputs = x @ W_xh.T + b_h
    for t in range(len(x)):
        states[t] = np.tanh(from_inputs[t] + (states[t - 1] if t else h_init) @ W_hh.T)
    return states, states @ W_hy.T + b_y


def forward_in_torch(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    import torch

    D, H = x.shape[1], len(b_h)
    layer = torch.nn.RNN(D, H, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.from_numpy(W_xh))
        layer.weight_hh_l0.copy_(torch.from_numpy(W_hh))
        layer.bias_ih_l0.copy_(torch.from_numpy(b_h))
        layer.bias_hh_l0.zero_()
        states, _ = layer(torch.from_numpy(x), torch.from_numpy(h_init)[None])
    return states.numpy(), states.numpy() @ W_hy.T + b_y


def both_by_two_loops(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    T, H = len(x), len(b_h)
    h = np.zeros((T, 2 * H))
    state = np.zeros(H)
    for t in range(T):
        state = np.tanh(W_xh @ x[t] + W_hh @ state + b_h)
        h[t, :H] = state
    state = np.zeros(H)
    for t in reversed(range(T)):
        state = np.tanh(W_xh_back @ x[t] + W_hh_back @ state + b_h_back)
        h[t, H:] = state
    return h


def both_by_one_function(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    def states(x, *weights):
        H = len(weights[-1])
        return forward_by_rows(x, *weights, np.zeros((1, H)), np.zeros(1), np.zeros(H))[0]

    return np.c_[states(x, W_xh, W_hh, b_h), np.flip(states(np.flip(x, 0), W_xh_back, W_hh_back, b_h_back), 0)]


def both_in_torch(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    import torch

    H = len(b_h)
    layer = torch.nn.RNN(x.shape[1], H, bidirectional=True, dtype=torch.float64)
    own = {"": (W_xh, W_hh, b_h), "_reverse": (W_xh_back, W_hh_back, b_h_back)}
    with torch.no_grad():
        for suffix, (W_x, W_h, b) in own.items():
            getattr(layer, f"weight_ih_l0{suffix}").copy_(torch.from_numpy(W_x))
            getattr(layer, f"weight_hh_l0{suffix}").copy_(torch.from_numpy(W_h))
            getattr(layer, f"bias_ih_l0{suffix}").copy_(torch.from_numpy(b))
            getattr(layer, f"bias_hh_l0{suffix}").zero_()
        return layer(torch.from_numpy(x))[0].numpy()


def stream_by_steps(chunk, h, W_xh, W_hh, b_h, W_hy, b_y):
    logits = np.empty((len(chunk), len(b_y)))
    for t, frame in enumerate(chunk):
        h = np.tanh(W_xh @ frame + W_hh @ h + b_h)
        logits[t] = W_hy @ h + b_y
    return logits, h


def stream_by_recursion(chunk, h, W_xh, W_hh, b_h, W_hy, b_y):
    if not len(chunk):
        return np.zeros((0, len(b_y))), h
    h = np.tanh(chunk[0] @ W_xh.T + h @ W_hh.T + b_h)
    later, last = stream_by_recursion(chunk[1:], h, W_xh, W_hh, b_h, W_hy, b_y)
    return np.vstack([W_hy @ h + b_y, later]), last


RIGHT = {
    "3.1": [forward_by_steps, forward_by_units, forward_by_rows, forward_in_torch],
    "3.2": [both_by_two_loops, both_by_one_function, both_in_torch],
    "3.3": [stream_by_steps, stream_by_recursion],
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
    """What an answer comes to on a case, its arguments as it leaves them included, as plain numbers."""
    args = [np.copy(a) for a in case.args]
    try:
        value = answer(*args)
    except IndexError:
        return np.array([np.nan])
    parts = value if isinstance(value, tuple) else (value,)
    return np.concatenate([np.r_[np.shape(part), np.ravel(part)] for part in (*parts, *args)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    assert_no_two_alike(exercise, seed, outcome)


# -- honest mistakes, written as a reader might


def forward_into_one_array(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states, logits = h_init.copy(), [], []
    for frame in x:
        h[:] = np.tanh(W_xh @ frame + W_hh @ h + b_h)
        states.append(h)
        logits.append(W_hy @ h + b_y)
    return np.array(states), np.array(logits)


def forward_into_one_array_read_at_the_end(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = h_init.copy(), []
    for frame in x:
        h[:] = np.tanh(W_xh @ frame + W_hh @ h + b_h)
        states.append(h)
    return np.array(states), np.array(states) @ W_hy.T + b_y


def forward_into_the_array_of_the_caller(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states, logits = h_init, [], []
    for frame in x:
        h[:] = np.tanh(W_xh @ frame + W_hh @ h + b_h)
        states.append(h)
        logits.append(W_hy @ h + b_y)
    return np.array(states), np.array(logits)


def forward_exchanged(*args):
    states, logits = forward_by_steps(*args)
    return logits, states


def stream_that_knows_nothing_without_frames(chunk, h, W_xh, W_hh, b_h, W_hy, b_y):
    if len(chunk) == 0:
        return np.zeros((0, len(b_y))), np.zeros(len(b_h))
    return stream_by_steps(chunk, h, W_xh, W_hh, b_h, W_hy, b_y)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("number", "answer", "hint"),
    [
        ("3.1", forward_into_one_array, "The same array was stored at every step; store a copy."),
        ("3.1", forward_into_one_array_read_at_the_end, "The same array was stored at every step; store a copy."),
        ("3.1", forward_into_the_array_of_the_caller, "The same array was stored at every step; store a copy."),
        ("3.1", forward_exchanged, "the states come first, then the logits"),
        ("3.3", stream_that_knows_nothing_without_frames, "A chunk without frames changes nothing"),
    ],
)
def test_an_honest_mistake_gets_its_hint(number, answer, hint, seed):
    report = judge(BY_ID[number], answer, seed)
    assert report.status == "incorrect"
    assert report.misconception is not None
    assert hint in report.hint


def forward_with_two_wrong_ideas_at_once(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    states, _ = forward_by_steps(x, W_xh, W_hh, 2 * b_h, W_hy, b_y, 0 * h_init)
    return states, states @ W_hy.T + b_y


def forward_of_the_sum(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = h_init, []
    for frame in x:
        h = h + np.tanh(W_xh @ frame + W_hh @ h + b_h)
        states.append(h)
    return np.array(states), np.array(states) @ W_hy.T + b_y


def forward_with_the_bias_outside(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = h_init, []
    for frame in x:
        h = np.tanh(W_xh @ frame + W_hh @ h) + b_h
        states.append(h)
    return np.array(states), np.array(states) @ W_hy.T + b_y


def forward_half_one_frame_ahead(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    both = both_by_two_loops(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back)
    both[:-1, : len(b_h)] = both[1:, : len(b_h)]
    return both


def numbers_of_both_interleaved(*args):
    both = both_by_two_loops(*args)
    return np.stack(np.hsplit(both, 2), axis=-1).reshape(both.shape)


def backward_input_turned_in_features(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    H = len(b_h)
    forth = both_by_two_loops(x, W_xh, W_hh, b_h, W_xh, W_hh, b_h)[:, :H]
    turned = both_by_two_loops(x[:, ::-1], W_xh_back, W_hh_back, b_h_back, W_xh, W_hh, b_h)[:, :H]
    return np.hstack([forth, turned])


def stream_returns_logits_for_a_state(chunk, h, *weights):
    logits, h = stream_by_steps(chunk, h, *weights)
    return logits, logits[-1] if len(logits) else h


def stream_that_averages_at_the_seam(chunk, h, *weights):
    logits, after = stream_by_steps(chunk, h, *weights)
    return logits, (after + h) / 2


def stream_that_reads_its_first_frame_twice(chunk, h, *weights):
    return stream_by_steps(chunk, stream_by_steps(chunk[:1], h, *weights)[1], *weights)


# The others follow two ideas at once, or one in part.
NAMED = {
    "forward_with_two_wrong_ideas_at_once": "bias added twice, and initial state ignored",
    "forward_with_the_bias_outside": "bias outside the activation",
    "backward_input_turned_in_features": "two forward directions, and inputs reversed along all axes",
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("3.1", forward_with_two_wrong_ideas_at_once),
        ("3.1", forward_of_the_sum),
        ("3.1", forward_with_the_bias_outside),
        ("3.2", forward_half_one_frame_ahead),
        ("3.2", numbers_of_both_interleaved),
        ("3.2", backward_input_turned_in_features),
        ("3.3", stream_returns_logits_for_a_state),
        ("3.3", stream_that_averages_at_the_seam),
        ("3.3", stream_that_reads_its_first_frame_twice),
    ],
)
def test_other_wrong_answers_are_rejected_and_named_only_where_an_idea_is_known(number, answer, seed):
    report = judge(BY_ID[number], answer, seed)
    assert report.status == "incorrect"
    assert report.points == 0
    assert report.misconception == NAMED.get(answer.__name__)


# -- what else a reader may hand in


def test_states_alone_are_one_value_too_few():
    report = judge(BY_ID["3.1"], lambda *args: np.array(forward_by_steps(*args)[0]))
    assert report.says == "rnn_forward must return 2 values: the states and the logits."


def test_states_with_the_initial_one_on_top_have_one_row_too_many():
    def with_initial(*args):
        states, logits = forward_by_steps(*args)
        return np.vstack([args[-1], states]), logits

    report = judge(BY_ID["3.1"], with_initial)
    assert "The states must have the shape (4, 2) (sizes of t = 4, unit = 2); yours has (5, 2)." in report.says


def test_a_transposed_table_is_said_to_lie_on_its_side():
    report = judge(BY_ID["3.1"], lambda *args: [values.T for values in forward_by_steps(*args)])
    assert "yours has (2, 4). It lies on its side: t comes first." in report.says


@pytest.mark.parametrize(("number", "argument"), [("3.1", "h_init"), ("3.3", "h")])
def test_a_state_changed_in_place_is_told(number, argument):
    exercise = BY_ID[number]
    (idea,) = (idea for idea in exercise.misconceptions if "in place" in idea.name or "overwritten" in idea.name)
    report = judge(exercise, idea.answer)
    assert f"{exercise.function} changed its argument {argument} in place" in report.says


def test_inputs_reversed_in_place_are_told():
    def in_place(x, *weights):
        found = both_by_two_loops(x, *weights)
        x[:] = x[::-1].copy()
        return found

    assert "bidirectional_states changed its argument x in place" in judge(BY_ID["3.2"], in_place).says


def test_a_stream_that_forgets_in_the_middle_of_a_sequence_is_noticed():
    """Is a sequence cut into many chunks checked as well as every chunk by itself?"""

    def forgets(chunk, h, *weights):
        return stream_by_steps(chunk, 0 * h if len(chunk) == 30 else h, *weights)

    report = judge(BY_ID["3.3"], forgets)
    assert (report.status, report.points) == ("incorrect", 0)
    assert report.passed == report.total
    assert "a sequence of 80 frames in 5 chunks differs from the whole from frame 7 on" in report.says


def test_a_frame_that_is_wrong_in_one_unit_is_wrong_there():
    def off(*args):
        states, logits = forward_by_steps(*args)
        if states.shape == (9, 3):
            states[4, 1] += 1e-5
        return states, logits

    report = judge(BY_ID["3.1"], off)
    assert report.status == "incorrect"
    assert report.case.startswith("random, 9 steps")
    assert report.comparison.first_wrong == (4, 1)


# -- the references against other witnesses


def test_the_worked_examples_have_the_known_numbers(oracles):
    known = oracles["O8_rnn_bptt"]
    states, logits = BY_ID["3.1"].reference(*BY_ID["3.1"].cases(np.random.default_rng(0))[0].args)
    np.testing.assert_allclose(states, known["h"], atol=1e-12)
    y = np.exp(logits)
    np.testing.assert_allclose(y / y.sum(axis=1, keepdims=True), known["y"], atol=1e-12)
    np.testing.assert_array_equal(WORKED_X, known["inputs"]["X"])
    both = BY_ID["3.2"].reference(*BY_ID["3.2"].cases(np.random.default_rng(0))[0].args)
    np.testing.assert_allclose(both[0], oracles["O12_bidirectional"]["concat_h0"], atol=1e-12)
    np.testing.assert_allclose(both[:, 2:], oracles["O12_bidirectional"]["backward_h"], atol=1e-12)


def test_the_second_chunk_of_the_example_ends_where_the_whole_does():
    case = BY_ID["3.3"].cases(np.random.default_rng(0))[1]
    logits, h = BY_ID["3.3"].reference(*case.args)
    whole = run(WORKED_NET, WORKED_X)
    np.testing.assert_allclose(logits, whole.logits[2:], atol=1e-15)
    np.testing.assert_allclose(h, whole.h[-1], atol=1e-15)


def test_the_references_are_for_tanh_which_is_the_default():
    assert random_rnn(np.random.default_rng(0), 2, 2, 2).activation == WORKED_NET.activation == "tanh"


# -- the sheet as a whole


def test_the_cases_hold_the_edges():
    cases = {number: BY_ID[number].cases(np.random.default_rng(0)) for number in BY_ID}
    assert any(len(case.args[0]) == 1 for case in cases["3.1"])
    assert any(case.args[-1].any() and len(case.args[0]) == 1 for case in cases["3.1"])
    assert any(len({*case.args[1].shape, len(case.args[5])}) == 3 for case in cases["3.1"])  # D, H and A all differ
    assert any(len(case.args[0]) == 1 for case in cases["3.2"])
    assert {0, 1} < {len(case.args[0]) for case in cases["3.3"]}
