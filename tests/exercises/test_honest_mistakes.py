"""What readers really write: whole functions with a likely mistake or two in them, each to be told what it is.

They are written without the code by which the exercises make their wrong ideas.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from fixed_cases import with_fixed_cases

from course_utils.ctc import extend, forward_backward, may_skip
from course_utils.exercises.judge import judge
from course_utils.exercises.registry import EXERCISES
from course_utils.losses import log_softmax
from course_utils.viterbi import align

pytestmark = pytest.mark.slow

SEEDS = [0, 1, 20, 12345]
HONEST = []


def honest(number, named=None, says=""):
    """Keep an answer with the idea that is to be named; without one, with what the report says beside the case."""

    def keep(answer):
        HONEST.append(pytest.param(number, answer, named, says, id=f"{number} {answer.__name__}"))
        return answer

    return keep


# -- 1 to 3


@honest("1.1", "nothing fed back")
def reads_the_output_of_this_step(x, T, feed, W_xh, W_hh, W_hy, W_yh):
    h, y = np.zeros(len(W_hh)), np.zeros((T, len(W_hy)))
    for t in range(T):
        z = W_hh @ h
        if feed == "every step" or t == 0:
            z = z + W_xh @ x
        elif feed == "fed back":
            z = z + W_yh @ y[t]
        h = np.tanh(z)
        y[t] = W_hy @ h
    return y


@honest("1.2", "a blank between any two symbols")
def a_blank_between_all(target):
    same = any(a == b for a, b in pairwise(target))
    return (math.inf if same else len(target)), max(2 * len(target) - 1, 0)


@honest("1.3", "rounded to eleven decimals")
def rounds(strength):
    filled = np.round(strength, 11) > 0
    T, S = filled.shape
    if T == S and (filled == np.eye(T)).all():
        return 0
    if filled.all():
        return 1 if T == 1 else 2 if S == 1 else 4
    return 3 if T == S and (filled == np.tri(T)).all() else 5


@honest("2.1", "mean over the frames")
def mean_of_the_losses(logits, target):
    return -np.mean(log_softmax(logits)[np.arange(len(target)), target])


@honest("2.1", "sum over the frames")
def sum_of_the_losses(logits, target):
    return -log_softmax(logits)[np.arange(len(target)), target].sum()


@honest("2.2", "one taken off in the columns of all targets")
def takes_whole_columns(W, b, x, target):
    e = np.exp(log_softmax(x @ W.T + b))
    e[:, target] -= 1
    return e[:, :, None] * x[:, None, :], e


@honest("2.2", "one-hot minus softmax, and bias left out of the logits")
def sign_and_bias(W, b, x, target):
    e = np.eye(len(b))[target] - np.exp(log_softmax(x @ W.T))
    return e[:, :, None] * x[:, None, :], e


@honest("3.1", "units updated one by one in one array")
def in_one_array(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = np.array(h_init, dtype=float), []
    for frame in x:
        for i in range(len(h)):
            h[i] = np.tanh(W_xh[i] @ frame + W_hh[i] @ h + b_h[i])
        states.append(h.copy())
    return np.array(states), np.array(states) @ W_hy.T + b_y


@honest("3.1", "bias outside the activation")
def bias_outside(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = h_init, []
    for frame in x:
        h = np.tanh(W_xh @ frame + W_hh @ h) + b_h
        states.append(h)
    return np.array(states), np.array(states) @ W_hy.T + b_y


@honest("3.1", "states and logits exchanged")
def logits_first(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = h_init, []
    for frame in x:
        h = np.tanh(W_xh @ frame + W_hh @ h + b_h)
        states.append(h)
    return np.array(states) @ W_hy.T + b_y, np.array(states)


@honest("3.1", "W_hh transposed, and initial state ignored")
def transposed_from_zeros(x, W_xh, W_hh, b_h, W_hy, b_y, h_init):
    h, states = np.zeros(len(b_h)), []
    for frame in x:
        h = np.tanh(W_xh @ frame + h @ W_hh + b_h)
        states.append(h)
    return np.array(states), np.array(states) @ W_hy.T + b_y


def read(frames, W_x, W_h, b):
    h, states = np.zeros(len(b)), []
    for frame in frames:
        h = np.tanh(W_x @ frame + W_h @ h + b)
        states.append(h)
    return np.array(states)


@honest("3.2", "inputs reversed along all axes")
def flips_the_inputs(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    return np.hstack([read(x, W_xh, W_hh, b_h), read(np.flip(x), W_xh_back, W_hh_back, b_h_back)[::-1]])


@honest("3.2", "backward states reversed along all axes")
def flips_the_states(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back):
    return np.hstack([read(x, W_xh, W_hh, b_h), np.flip(read(x[::-1], W_xh_back, W_hh_back, b_h_back))])


@honest("3.3", "reset at the start of a chunk that has frames")
def starts_from_zeros(chunk, h, W_xh, W_hh, b_h, W_hy, b_y):
    if len(chunk) == 0:
        return np.zeros((0, len(b_y))), h
    states = read(chunk, W_xh, W_hh, b_h)
    return states @ W_hy.T + b_y, states[-1]


# -- 4 and 5


@honest("4.2", "last step only")
def equals_for_plus_equals(x, states, d_logits, delta, slope):
    for t in range(len(x)):
        dz = slope[t] * delta[t]
        dW_xh, dW_hh, db_h = np.outer(dz, x[t]), np.outer(dz, states[t]), dz
        dW_hy, db_y = np.outer(d_logits[t], states[t + 1]), d_logits[t]
    return dW_xh, dW_hh, db_h, dW_hy, db_y


def truncated(d_logits, W_hy, W_hh, slope, steps):
    delta = np.zeros(slope.shape)
    for s in range(len(slope)):
        blame = W_hy.T @ d_logits[s]
        for t in range(s, max(s - steps, -1), -1):
            delta[t] += blame
            blame = W_hh.T @ (slope[t] * blame)
    return delta


@honest("4.3", "one step too few")
def k_states_not_k_steps(d_logits, W_hy, W_hh, slope, k):
    return truncated(d_logits, W_hy, W_hh, slope, k)


@honest("4.3", "one step too many")
def one_state_more(d_logits, W_hy, W_hh, slope, k):
    return truncated(d_logits, W_hy, W_hh, slope, k + 2)


@honest("5.1", "the Jacobian of step t as well")
def with_the_own_jacobian(jacobians, t):
    product = np.eye(jacobians.shape[1])
    for s in range(t, len(jacobians)):
        product = jacobians[s] @ product
    return product


@honest("5.1", "an index of −1 for the initial state")
def slice_of_a_slice(jacobians, t):
    product = np.eye(jacobians.shape[1])
    for J in jacobians[t:][1:]:
        product = J @ product
    return product


# -- 8


@honest("8.1", "wrapped index, and zero for impossible")
def zeros_and_no_guard(log_y, target):
    V = np.zeros((len(log_y), len(target)))
    V[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target)):
            V[t, i] = log_y[t, target[i]] + max(V[t - 1, i], V[t - 1, i - 1])
    return V


def table(log_y, target, low=-np.inf):
    V = np.full((len(log_y), len(target)), low)
    V[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target)):
            V[t, i] = log_y[t, target[i]] + max(V[t - 1, i], V[t - 1, i - 1] if i else low)
    return V


@honest("8.1", "a large negative number for −∞")
def minus_a_billion(log_y, target):
    return table(log_y, target, low=-1e9)


@honest("8.1", says="A large negative number stands where −∞ is asked for")
def another_large_number(log_y, target):
    return table(log_y, target, low=-99999.0)


@honest("8.1", "probabilities returned")
def back_to_probabilities(log_y, target):
    return np.exp(table(log_y, target))


@honest("8.1", "product of logarithms")
def as_if_probabilities(log_y, target):
    V = np.full((len(log_y), len(target)), -np.inf)
    V[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target)):
            V[t, i] = log_y[t, target[i]] * max(V[t - 1, i], V[t - 1, i - 1] if i else -np.inf)
    return V


@honest("8.1", "no advance between equal neighbours")
def as_ctc_would(log_y, target):
    V = np.full((len(log_y), len(target)), -np.inf)
    V[0, 0] = log_y[0, target[0]]
    for t in range(1, len(log_y)):
        for i in range(len(target)):
            before = V[t - 1, i - 1] if i and target[i] != target[i - 1] else -np.inf
            V[t, i] = log_y[t, target[i]] + max(V[t - 1, i], before)
    return V


@honest("8.4", "positions taken for labels")
def path_for_labels(weights, x, target, learning_rate):
    log_p = log_softmax(weights[x])
    path = align(log_p, target).path
    new = weights.copy()
    for t, i in enumerate(path):
        error = np.exp(log_p[t])
        error[i] -= 1
        new[x[t]] -= learning_rate * error
    return new, -sum(log_p[t, i] for t, i in enumerate(path))


@honest("8.4", "gradient ascent, and mean over frames in the loss")
def uphill_and_mean(weights, x, target, learning_rate):
    log_p = log_softmax(weights[x])
    labels = align(log_p, target).labels
    new = weights.copy()
    for t, k in enumerate(labels):
        error = np.exp(log_p[t])
        error[k] -= 1
        new[x[t]] += learning_rate * error
    return new, -np.mean([log_p[t, k] for t, k in enumerate(labels)])


# -- 9


@honest("9.1", "column numbers joined to a text")
def through_a_text(path, blank):
    text = "".join(str(k) for k in path)
    merged = "".join(c for t, c in enumerate(text) if t == 0 or c != text[t - 1])
    return [int(c) for c in merged if c != str(blank)]


def forward(log_y, target, blank, skip):
    extended = extend(target, blank)
    alpha = np.full((len(log_y), len(extended)), -np.inf)
    alpha[0, :2] = log_y[0, extended[:2]]
    for t in range(1, len(log_y)):
        for i, k in enumerate(extended):
            first = max(i - (2 if skip(extended, i) else 1), 0)
            alpha[t, i] = log_y[t, k] + np.logaddexp.reduce(alpha[t - 1, first : i + 1])
    return alpha, np.logaddexp.reduce(alpha[-1, -2:])


@honest("9.3", "skip everywhere")
def always_three_ways(log_y, target, blank):
    return forward(log_y, target, blank, lambda extended, i: True)


@honest("9.3", "skip between equal symbols, and P instead of ln P")
def two_slips(log_y, target, blank):
    alpha, log_p = forward(log_y, target, blank, lambda extended, i: i > 1 and extended[i] != blank)
    return alpha, np.exp(log_p)


@honest("9.5", "divided by ln P")
def by_the_logarithm(y, target, blank):
    found = forward_backward(np.log(y), target, blank)
    if found.log_p == -np.inf:
        return np.zeros_like(y), np.zeros_like(y)
    gamma = np.zeros_like(y)
    for i, k in enumerate(found.extended):
        gamma[:, k] += np.exp(found.alpha[:, i] + found.beta[:, i]) / found.log_p
    return -gamma / y, y - gamma


@honest("9.5", "out of the logarithms too soon")
def exponentials_first(y, target, blank):
    found = forward_backward(np.log(y), target, blank)
    gamma = np.zeros_like(y)
    for i, k in enumerate(found.extended):
        gamma[:, k] += np.exp(found.alpha[:, i]) * np.exp(found.beta[:, i]) / np.exp(found.log_p)
    return -gamma / y, y - gamma


def beam(log_y, blank, width, start=(0.0, -np.inf), assign=False):
    kept = {(): start}
    for frame in log_y:
        grown = {}
        for prefix, (b, s) in kept.items():
            both = np.logaddexp(b, s)
            gifts = [(prefix, 0, frame[blank] + both)]
            for k, p in enumerate(frame):
                again = prefix[-1:] == (k,)
                if k != blank:
                    gifts.append(((*prefix, k), 1, p + (b if again else both)))
                if again:
                    gifts.append((prefix, 1, p + s))
            for string, end, mass in gifts:
                scores = grown.setdefault(string, [-np.inf, -np.inf])
                scores[end] = mass if assign else np.logaddexp(scores[end], mass)
        kept = dict(sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))[:width])
    best = next(iter(kept))
    return best, np.logaddexp(*kept[best])


@honest("9.6", "both scores of the empty prefix begin with one")
def two_zeros(log_y, blank, width):
    return beam(log_y, blank, width, start=(0.0, 0.0))


@honest("9.6", "P instead of ln P")
def exponential_at_the_end(log_y, blank, width):
    string, log_p = beam(log_y, blank, width)
    return string, np.exp(log_p)


# -- 10


@honest("10.2", "slope times h")
def one_h_too_many(w, b):
    h, _, _ = points(w, b)
    return h, w * h * (1 - h**2), (np.abs(w * h * (1 - h**2)) < 1).astype(float)


def points(w, b):
    grid = np.linspace(-1, 1, 20_002)
    gap = np.tanh(w * grid + b) - grid
    found = []
    for k in np.flatnonzero(gap[:-1] * gap[1:] < 0):
        low, high = grid[k], grid[k + 1]
        for _ in range(80):
            middle = (low + high) / 2
            same = (np.tanh(w * middle + b) - middle > 0) == (gap[k] > 0)
            low, high = (middle, high) if same else (low, middle)
        found.append((low + high) / 2)
    h = np.array(found)
    slopes = w * (1 - h**2)
    return h, slopes, (np.abs(slopes) < 1).astype(float)


@honest("10.4", "largest absolute value")
def by_the_largest(d_W, d_b, limit):
    norm = max(np.abs(d_W).max(), np.abs(d_b).max())
    factor = min(1.0, limit / norm) if norm > 0 else 1.0
    return factor * d_W, factor * d_b, float(norm)


@honest("10.4", "excess subtracted")
def takes_the_excess_off(d_W, d_b, limit):
    norm = float(np.sqrt((d_W**2).sum() + (d_b**2).sum()))
    excess = max(norm - limit, 0)
    return d_W - excess, d_b - excess, norm


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("number", "answer", "named", "says"), HONEST)
def test_an_honest_mistake_is_told_what_it_is(number, answer, named, says, seed):
    report = judge(EXERCISES[number], answer, seed)
    assert report.status in ("incorrect", "could not run")
    assert report.misconception == named, (report.misconception, report.says)
    assert says in report.says


@pytest.mark.parametrize(("number", "answer", "named", "says"), HONEST)
def test_fixed_cases_alone_show_an_honest_mistake(number, answer, named, says):
    report = judge(with_fixed_cases(EXERCISES[number]), answer)
    assert report.status in ("incorrect", "could not run")


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_eight_mistakes_or_more_are_known_of_every_exercise(exercise):
    assert len(exercise.misconceptions) >= 8


def test_the_helpers_here_are_right_without_a_mistake():
    assert judge(EXERCISES["8.1"], table).status == "correct"
    assert judge(EXERCISES["9.6"], beam).status == "correct"
    assert judge(EXERCISES["10.2"], points).status == "correct"
    skips = lambda log_y, target, blank: forward(  # noqa: E731
        log_y, target, blank, lambda extended, i: may_skip(extended, blank)[i]
    )
    assert judge(EXERCISES["9.3"], skips).status == "correct"
    assert judge(EXERCISES["4.3"], lambda d, W_hy, W_hh, s, k: truncated(d, W_hy, W_hh, s, k + 1)).status == "correct"
