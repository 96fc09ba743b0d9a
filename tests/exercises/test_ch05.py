"""The exercises of chapter 5: right answers pass however they are written, and known wrong ideas are named."""

import math

import numpy as np
import pytest
import torch
from telling_apart import assert_no_two_alike

from course_utils.bptt import backward
from course_utils.exercises.ch05 import EXERCISES
from course_utils.exercises.judge import judge
from course_utils.losses import cross_entropy
from course_utils.rnn import random_rnn, run

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def loss_by_loops(logits, label, base):
    T, powers = len(logits), []
    for t in range(T):
        powers.append(base ** (T - 1 - t) if t < T - 1 else 1.0)
    loss, d_logits = 0.0, []
    for w, row in zip(powers, logits.tolist(), strict=True):
        w /= sum(powers)
        top = max(row)
        total = sum(math.exp(v - top) for v in row)
        loss += w * (top + math.log(total) - row[label])
        d_logits.append([w * (math.exp(v - top) / total - (k == label)) for k, v in enumerate(row)])
    return loss, d_logits


def loss_by_torch(logits, label, base):
    T = len(logits)
    w = torch.tensor([base ** (T - 1 - t) for t in range(T)], dtype=torch.float64)
    o = torch.tensor(logits, requires_grad=True)
    each = torch.nn.functional.cross_entropy(o, torch.full((T,), label), reduction="none")
    loss = (w * each).sum() / w.sum()
    loss.backward()
    return loss.item(), o.grad.numpy()


def loss_by_differences(logits, label, base):
    """Central differences of the weighted sum; the logits of a thousand are left to the loops."""
    T, h = len(logits), 1e-3
    w = np.array([base ** (T - 1 - t) if t < T - 1 else 1.0 for t in range(T)])
    w = w / w.sum()

    def loss(o):
        return float(w @ cross_entropy(o, [label] * T))

    found = np.zeros_like(logits)
    for at in np.ndindex(logits.shape):
        e = np.zeros_like(logits)
        e[at] = h
        step = [loss(logits + k * e) - loss(logits - k * e) for k in (1, 2, 3)]
        found[at] = (1.5 * step[0] - 0.3 * step[1] + step[2] / 30) / (2 * h)  # error of order h⁶
    return loss(logits), found


def product_from_the_left(jacobians, t):
    product = np.eye(jacobians.shape[1])
    for s in range(len(jacobians) - 1, t, -1):
        product = product @ jacobians[s]
    return product


def product_by_recursion(jacobians, t):
    if t == len(jacobians) - 1:
        return np.eye(jacobians.shape[1]).tolist()
    return (np.array(product_by_recursion(jacobians, t + 1)) @ jacobians[t + 1]).tolist()


def product_of_columns(jacobians, t):
    """Push each unit vector forwards, from the side of h_t."""
    columns = []
    for unit in np.eye(jacobians.shape[1]):
        for s in range(t + 1, len(jacobians)):
            unit = jacobians[s] @ unit
        columns.append(unit)
    return np.stack(columns, axis=1)


def reach_with_scaling(jacobians, delta, limit):
    T = len(jacobians)
    logs, log = [], 0.0
    for n in range(T):
        if n:
            delta = jacobians[T - n].T @ delta
        norm = math.sqrt((delta**2).sum())
        if norm == 0:
            log = -math.inf
        else:
            log += math.log10(norm)
            delta = delta / norm
        logs.append(log)
    return logs, next((n for n, log in enumerate(logs) if log < math.log10(limit)), -1)


def reach_with_rows_and_python_integers(jacobians, delta, limit):
    """Row vectors, and an exponent kept apart as a whole number."""
    row, exponent, logs, first = np.array(delta), 0, [], -1
    for n, jacobian in enumerate([None, *jacobians[:0:-1]]):
        row = row if jacobian is None else row @ jacobian
        norm = float(np.linalg.norm(row))
        if norm and not 1e-100 < norm < 1e100:
            shift = math.floor(math.log10(norm))
            row, exponent = row / 10.0**shift, exponent + shift
            norm = float(np.linalg.norm(row))
        logs.append(math.log10(norm) + exponent if norm else -math.inf)
        if first == -1 and logs[-1] < math.log10(limit):
            first = n
    return np.array(logs), first


RIGHT = {
    "5.3": [loss_by_loops, loss_by_torch],
    "5.1": [product_from_the_left, product_by_recursion, product_of_columns],
    "5.2": [reach_with_scaling, reach_with_rows_and_python_integers],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


def test_the_gradient_of_the_reference_is_that_of_finite_differences():
    for case in BY_ID["5.3"].cases(np.random.default_rng(3)):
        if np.abs(case.args[0]).max() < 100:
            loss, found = loss_by_differences(*case.args)
            expected = BY_ID["5.3"].reference(*case.args)
            assert loss == pytest.approx(expected[0], rel=1e-12)
            np.testing.assert_allclose(found, expected[1], atol=1e-11, err_msg=case.name)


def test_the_references_of_products_agree_with_back_propagation_and_with_torch():
    net, x = random_rnn(np.random.default_rng(4), 2, 3, 2), np.random.default_rng(5).normal(size=(6, 2))
    forward = run(net, x)
    d_logits = np.zeros((6, 2))
    d_logits[-1] = [0.3, -0.3]
    back = backward(forward, d_logits)
    J = forward.jacobians()
    log_norms, _ = BY_ID["5.2"].reference(J, back.delta[-1], 1e-6)
    np.testing.assert_allclose(10**log_norms, np.linalg.norm(back.delta, axis=1)[::-1], rtol=1e-12)

    def last_state(h):
        for row in x[3:]:
            h = torch.tanh(torch.tensor(net.W_xh @ row + net.b_h) + torch.tensor(net.W_hh) @ h)
        return h

    truth = torch.autograd.functional.jacobian(last_state, torch.tensor(forward.h[2]))
    np.testing.assert_allclose(BY_ID["5.1"].reference(J, 2), truth.numpy(), rtol=1e-12)


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers."""
    with np.errstate(all="ignore"):
        try:
            value = answer(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in case.args))
        except ValueError:
            return np.full(0, np.nan)  # the shape of no answer
    parts = value if isinstance(value, tuple) else (value,)
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    assert_no_two_alike(exercise, seed, outcome)


# -- honest mistakes, written as a reader might


def product_down_to_t(jacobians, t):
    product = np.eye(jacobians.shape[1])
    for s in range(len(jacobians) - 1, t - 1, -1):
        product = product @ jacobians[s]
    return product


def product_by_stars(jacobians, t):
    product = np.eye(jacobians.shape[1])
    for s in range(t + 1, len(jacobians)):
        product = jacobians[s] * product
    return product


def reach(*, scale=True, keep_first=True, compare_with=np.log10):
    """Build an answer to 5.2 from its decisions."""

    def answer(jacobians, delta, limit):
        logs, log, first, T = [], 0.0, -1, len(jacobians)
        for n in range(T):
            if n > 0:
                delta = jacobians[T - n].T @ delta
            norm = np.linalg.norm(delta)
            if norm > 0:
                log += np.log10(norm)
                if scale:
                    delta = delta / norm
            else:
                log = -np.inf
            logs.append(log)
            if log < compare_with(limit) and (first == -1 or not keep_first):
                first = n
        return logs, first

    return answer


def loss_of(*, maximum=lambda o: o.max(axis=1, keepdims=True), exponent=lambda T, t: T - 1 - t, axis=True):
    """Build an answer to 5.3 from its decisions."""

    def answer(logits, label, base):
        T, shifted = len(logits), logits - maximum(logits)
        y = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        w = np.array([base ** exponent(T, t) for t in range(T)])
        w = w / w.sum()
        error = y.copy()
        error[:, label] -= 1
        return -(w * np.log(y[:, label])).sum(), (w[:, None] if axis else w) * error

    return answer


def loss_by_logarithms_and_one_maximum(logits, label, base):
    T, shifted = len(logits), logits - logits.max()
    log_y = shifted - np.log(np.sum(np.exp(shifted), axis=1))[:, None]
    w = np.array([base ** (T - 1 - t) for t in range(T)])
    w = w / w.sum()
    error = np.exp(log_y)
    error[:, label] -= 1
    return -(w * log_y[:, label]).sum(), w[:, None] * error


MISTAKES = {
    ("5.1", "the Jacobian of step t as well"): product_down_to_t,
    ("5.1", "product entry by entry, from the identity"): product_by_stars,
    ("5.2", "logarithms added, delta not scaled"): reach(scale=False),
    ("5.2", "logarithm compared with the limit itself"): reach(compare_with=float),
    ("5.2", "the last distance below instead of the first"): reach(keep_first=False),
    ("5.3", "weights along the classes"): loss_of(axis=False),
    ("5.3", "exponents from T down to 1"): loss_of(exponent=lambda T, t: T - t),
    ("5.3", "one maximum for all steps"): loss_of(maximum=np.max),
    ("5.3", "one maximum for all steps, in the logarithm"): loss_by_logarithms_and_one_maximum,
    ("5.3", "softmax that overflows"): loss_of(maximum=lambda o: 0),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("number", "name"), MISTAKES)
def test_an_honest_mistake_is_named_however_it_is_written(number, name, seed):
    report = judge(BY_ID[number], MISTAKES[number, name], seed)
    assert report.status == "incorrect"
    assert report.misconception is not None
    assert report.misconception == name


OTHERS = {
    "probabilities for logits": ("5.3", lambda o, label, base: (0.0, np.exp(o) - np.eye(o.shape[1])[label])),
    "weights from the square": ("5.3", lambda o, label, base: loss_by_loops(o, label, base**2)),
    "the gradient summed over time": (
        "5.3",
        lambda *args: (loss_by_loops(*args)[0], np.sum(loss_by_loops(*args)[1], axis=0)),
    ),
    "the identity": ("5.1", lambda J, t: np.eye(J.shape[1])),
    "the sum of the factors": ("5.1", lambda J, t: J[t + 1 :].sum(axis=0)),
    "its norm": ("5.1", lambda J, t: np.linalg.norm(product_from_the_left(J, t))),
    "largest entry for norm": ("5.2", lambda J, d, limit: (np.log10([np.abs(d).max()] * len(J)), -1)),
    "the norms themselves": ("5.2", lambda *args: (10 ** np.array(reach_with_scaling(*args)[0]), -1)),
    "one distance too few": (
        "5.2",
        lambda *args: (reach_with_scaling(*args)[0][1:], reach_with_scaling(*args)[1]),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_wrong_answers_are_rejected_too(name):
    number, answer = OTHERS[name]
    assert judge(BY_ID[number], answer).status != "correct"


def test_two_wrong_ideas_at_once_are_wrong_but_not_named_falsely():
    def both(jacobians, t):
        return product_from_the_left(jacobians[::-1], t).T + 1.0

    report = judge(BY_ID["5.1"], both)
    assert report.status == "incorrect"
    assert report.misconception is None


# -- what else a reader may hand in


def test_logits_changed_in_place_are_noticed():
    def in_place(logits, label, base):
        loss, d_logits = loss_by_loops(logits, label, base)
        logits -= logits.max()
        return loss, d_logits

    assert "weighted_loss changed its argument logits in place" in judge(BY_ID["5.3"], in_place).says


def test_jacobians_changed_in_place_are_noticed():
    def in_place(jacobians, t):
        for s in range(t + 2, len(jacobians)):
            jacobians[s] = jacobians[s] @ jacobians[s - 1]
        return jacobians[-1] if t + 1 < len(jacobians) else np.eye(jacobians.shape[1])

    assert "product_back changed its argument jacobians in place" in judge(BY_ID["5.1"], in_place).says


def test_delta_changed_in_place_is_noticed():
    def in_place(jacobians, delta, limit):
        value = reach_with_scaling(jacobians, delta, limit)
        delta *= 0
        return value

    assert "gradient_reach changed its argument delta in place" in judge(BY_ID["5.2"], in_place).says


def test_underflow_is_told_in_words():
    def plain(jacobians, delta, limit):
        now, norms = delta, [np.linalg.norm(delta)]
        for jacobian in jacobians[:0:-1]:
            now = jacobian.T @ now
            norms.append(np.linalg.norm(now))
        return np.log10(norms), reach_with_scaling(jacobians, delta, limit)[1]

    report = judge(BY_ID["5.2"], plain)
    assert report.status == "incorrect"
    assert report.case.startswith("20 factors")
    assert "is at distance = 7: −∞, and it should be −175." in report.says  # a norm squares its entries first
    assert report.misconception == "underflow"


# -- the sheet as a whole


def test_the_cases_hold_the_edges():
    loss, product, reach = ([c.args for c in BY_ID[n].cases(np.random.default_rng(0))] for n in ("5.3", "5.1", "5.2"))
    assert {0.0, 1.0} <= {base for _, _, base in loss}
    assert any(len(logits) == 1 for logits, _, _ in loss)
    assert any(len(logits) == logits.shape[1] > 1 for logits, _, _ in loss)
    assert any(len(logits) != logits.shape[1] for logits, _, _ in loss)
    assert any(np.ptp(logits.max(axis=1)) > 1000 for logits, _, _ in loss)
    assert any(t == -1 for _, t in product)
    assert any(t == len(J) - 1 for J, t in product)
    assert any(J.shape[1] == 1 for J, _ in product)
    firsts = [reach_with_scaling(*args)[1] for args in reach]
    assert -1 in firsts
    assert 0 in firsts
    assert any(np.isinf(reach_with_scaling(*args)[0]).any() for args in reach)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_first_distance_depends_on_rounding(seed):
    """Right answers may add up logarithms in any order."""
    for case in BY_ID["5.2"].cases(np.random.default_rng(seed)):
        logs, _ = reach_with_scaling(*case.args)
        assert np.abs(np.array(logs) - math.log10(case.args[2])).min() > 1e-6, case.name
