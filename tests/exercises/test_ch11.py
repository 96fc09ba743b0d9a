"""The exercises of chapter 11: right answers pass however they are written, and known wrong ideas are named."""

import numpy as np
import pytest
from telling_apart import assert_no_two_alike

from course_utils.exercises.ch11 import EXERCISES
from course_utils.exercises.judge import judge

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


# -- right answers, written as a reader might


def loaded(cell, W_x, W_h, b_x, b_h):
    """Give a cell of torch the weights of a case."""
    import torch

    for name, values in (("weight_ih", W_x), ("weight_hh", W_h), ("bias_ih", b_x), ("bias_hh", b_h)):
        getattr(cell, name).data = torch.tensor(values)
    return cell


def forward_by_torch(x, W_x, W_h, b, h_init, c_init):
    import torch

    cell = loaded(torch.nn.LSTMCell(x.shape[1], len(h_init), dtype=torch.float64), W_x, W_h, b, np.zeros_like(b))
    h, c, states, cells = torch.tensor(h_init), torch.tensor(c_init), [], []
    for frame in torch.tensor(x):
        h, c = cell(frame, (h, c))
        states.append(h)
        cells.append(c)
    return torch.stack(states).detach().numpy(), torch.stack(cells).detach().numpy()


def forward_unit_by_unit(x, W_x, W_h, b, h_init, c_init):
    H, h, c, states, cells = len(h_init), list(h_init), list(c_init), [], []
    for t in range(len(x)):
        z = [
            sum(W_x[r][d] * x[t][d] for d in range(len(x[t]))) + sum(W_h[r][j] * h[j] for j in range(H)) + b[r]
            for r in range(4 * H)
        ]
        c = [sigmoid(z[H + u]) * c[u] + sigmoid(z[u]) * np.tanh(z[2 * H + u]) for u in range(H)]
        h = [sigmoid(z[3 * H + u]) * np.tanh(c[u]) for u in range(H)]
        states.append(h)
        cells.append(c)
    return states, cells


def back_by_torch(gates, c_before, d_h, d_c, W_h):
    import torch

    i, f, g, o = gates
    with np.errstate(divide="ignore"):
        z = np.array([np.log(i) - np.log1p(-i), np.log(f) - np.log1p(-f), np.arctanh(g), np.log(o) - np.log1p(-o)])
    z = torch.tensor(np.clip(z, -700, 700), requires_grad=True)
    c = torch.tensor(c_before, requires_grad=True)
    new = torch.sigmoid(z[1]) * c + torch.sigmoid(z[0]) * torch.tanh(z[2])
    h = torch.sigmoid(z[3]) * torch.tanh(new)
    (h @ torch.tensor(d_h) + new @ torch.tensor(d_c)).backward()
    return z.grad.numpy(), c.grad.numpy(), W_h.T @ z.grad.numpy().ravel()


def back_in_other_words(gates, c_before, d_h, d_c, W_h):
    i, f, g, o = gates[0], gates[1], gates[2], gates[3]
    c = f * c_before + i * g
    to_cell = d_c + d_h * o / np.cosh(c) ** 2
    d_z = np.empty_like(gates)
    d_z[0] = to_cell * g * (i - i * i)
    d_z[1] = to_cell * c_before * (f - f * f)
    d_z[2] = to_cell * i * (1 - g) * (1 + g)
    d_z[3] = d_h * np.tanh(c) * (o - o * o)
    return d_z, f * to_cell, np.einsum("rk,r->k", W_h, d_z.flatten())


def gru_by_torch(x, h, W_x, W_h, b_x, b_h):
    import torch

    cell = loaded(torch.nn.GRUCell(len(x), len(h), dtype=torch.float64), W_x, W_h, b_x, b_h)
    return cell(torch.tensor(x), torch.tensor(h)).detach().numpy()


def gru_as_a_correction(x, h, W_x, W_h, b_x, b_h):
    H = len(h)
    both = W_x[: 2 * H] @ x + W_h[: 2 * H] @ h + b_x[: 2 * H] + b_h[: 2 * H]
    r, z = sigmoid(both[:H]), sigmoid(both[H:])
    n = np.tanh(W_x[2 * H :] @ x + b_x[2 * H :] + r * (W_h[2 * H :] @ h + b_h[2 * H :]))
    return h + (1 - z) * (n - h)


def reach_by_a_loop(f, share):
    T, H = f.shape
    left, reach = np.zeros((T + 1, H)), np.zeros(H)
    for u in range(H):
        still = True
        for t in range(T - 1, -1, -1):
            left[t, u] = left[t + 1, u] + (np.log(f[t, u]) if f[t, u] > 0 else -np.inf)
            still = still and left[t, u] >= np.log(share)
            reach[u] += still
    return left, reach.astype(int)


def reach_with_flips(f, share):
    with np.errstate(divide="ignore"):
        logs = np.flip(np.log(np.vstack([f, np.ones(f.shape[1])])), axis=0).cumsum(axis=0)
    return logs[::-1], [int(np.count_nonzero(column >= np.log(share))) - 1 for column in logs.T]


RIGHT = {
    "11.1": [forward_by_torch, forward_unit_by_unit],
    "11.2": [back_by_torch, back_in_other_words],
    "11.3": [reach_by_a_loop, reach_with_flips],
    "11.4": [gru_by_torch, gru_as_a_correction],
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
    with np.errstate(all="ignore"):
        value = answer(*case.args)
    parts = value if isinstance(value, tuple) else (value,)
    sizes = [list(np.shape(part)) for part in parts]
    flat = np.concatenate([*sizes, *(np.ravel(np.asarray(part, dtype=float)) for part in parts)]).astype(float)
    return np.nan_to_num(flat, nan=12345.0, neginf=-54321.0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    assert_no_two_alike(exercise, seed, outcome)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_every_wrong_idea_fails_in_a_case_that_is_always_there(exercise):
    """None is left to the random cases."""
    cases = [case for case in exercise.cases(np.random.default_rng(0)) if not case.name.startswith("random")]
    for idea in exercise.misconceptions:
        pairs = [(outcome(idea.answer, c), outcome(exercise.reference, c)) for c in cases]
        apart = [a.shape != b.shape or not np.allclose(a, b, rtol=1e-6, atol=1e-9) for a, b in pairs]
        assert any(apart), idea.name


def forward_of_the_reversed(x, *rest):
    return forward_by_torch(x[::-1], *rest)


def forward_of_one_step(x, W_x, W_h, b, h_init, c_init):
    """Begin anew in every step."""
    pairs = [forward_by_torch(frame[None], W_x, W_h, b, h_init, c_init) for frame in x]
    return tuple(np.array([pair[k][0] for pair in pairs]) for k in (0, 1))


def output_gate_squared(*args):
    states, cells = forward_by_torch(*args)
    return states * np.abs(states), cells


def with_the_start(x, W_x, W_h, b, h_init, c_init):
    states, cells = forward_by_torch(x, W_x, W_h, b, h_init, c_init)
    return np.vstack([h_init, states]), np.vstack([c_init, cells])


def back_negative(*args):
    return tuple(-part for part in back_in_other_words(*args))


def back_of_the_sum(gates, c_before, d_h, d_c, W_h):
    return back_in_other_words(gates, c_before, d_h + d_c, d_c, W_h)


def back_with_both_terms_swapped(gates, c_before, d_h, d_c, W_h):
    return back_in_other_words(gates, c_before, d_c, d_h, W_h)


def back_of_the_order_ofig(gates, c_before, d_h, d_c, W_h):
    d_z, d_c_before, d_h_before = back_in_other_words(gates, c_before, d_h, d_c, W_h)
    return d_z[::-1], d_c_before, d_h_before


def gru_of_an_average(*args):
    return (gru_by_torch(*args) + args[1]) / 2


def gru_of_zero_state(x, h, *weights):
    return gru_by_torch(x, 0 * h, *weights)


def gru_without_input(x, h, *weights):
    return gru_by_torch(0 * x, h, *weights)


def gru_without_bias(x, h, W_x, W_h, b_x, b_h):
    return gru_by_torch(x, h, W_x, W_h, 0 * b_x, 0 * b_h)


def reach_of_one_minus_f(f, share):
    return reach_with_flips(1 - f, share)


def reach_upside_down(f, share):
    left, reach = reach_with_flips(f, share)
    return left[::-1], reach


def reach_of_half(f, share):
    return reach_with_flips(f, share)[0], reach_with_flips(f, 0.5 * share)[1]


def reach_from_the_start(f, share):
    left, _ = reach_with_flips(f, share)
    return left, [int(np.argmax(column >= np.log(share))) for column in left.T]


MORE_WRONG = {
    "11.1": [forward_of_the_reversed, forward_of_one_step, output_gate_squared, with_the_start],
    "11.2": [back_negative, back_of_the_sum, back_with_both_terms_swapped, back_of_the_order_ofig],
    "11.3": [reach_of_one_minus_f, reach_upside_down, reach_of_half, reach_from_the_start],
    "11.4": [gru_of_an_average, gru_of_zero_state, gru_without_input, gru_without_bias],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"),
    [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in MORE_WRONG for a in MORE_WRONG[n]],
)
def test_more_wrong_answers_are_rejected_and_not_named_falsely(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status in ("incorrect", "could not run"), answer.__name__
    assert report.misconception is None
