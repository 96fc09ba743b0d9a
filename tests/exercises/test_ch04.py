"""The exercises of chapter 4: right answers pass however they are written, and known wrong ideas are named."""

import contextlib
import copy

import numpy as np
import pytest
import torch

from course_utils.bptt import backward, loss_and_gradients, truncated_per_loss
from course_utils.examples import WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.exercises.ch04 import EXERCISES
from course_utils.exercises.judge import judge
from course_utils.gradient_check import numerical_gradient
from course_utils.losses import cross_entropy_gradient
from course_utils.rnn import random_rnn, run

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def delta_by_loops(d_logits, W_hy, W_hh, slope):
    T, H, A = len(slope), len(W_hh), len(W_hy)
    delta = [[0.0] * H for _ in range(T)]
    for t in range(T - 1, -1, -1):
        for j in range(H):
            total = sum(d_logits[t][a] * W_hy[a][j] for a in range(A))
            if t < T - 1:
                total += sum(slope[t + 1][i] * W_hh[i][j] * delta[t + 1][i] for i in range(H))
            delta[t][j] = total
    return delta


def delta_with_one_row_more(d_logits, W_hy, W_hh, slope):
    T, H = slope.shape
    delta, slope = np.zeros((T + 1, H)), np.concatenate([slope, np.zeros((1, H))])
    for t in range(T)[::-1]:
        delta[t] = d_logits[t] @ W_hy + (delta[t + 1] * slope[t + 1]) @ W_hh
    return delta[:T]


def delta_by_jacobians(d_logits, W_hy, W_hh, slope):
    """Sum over all later losses, each with its product of Jacobians in row form."""
    T = len(slope)
    delta = np.zeros_like(slope)
    for t in range(T):
        jacobian = np.eye(len(W_hh))
        for tau in range(t, T):
            if tau > t:
                jacobian = np.diag(slope[tau]) @ W_hh @ jacobian
            delta[t] += d_logits[tau] @ W_hy @ jacobian
    return delta


def delta_by_one_linear_system(d_logits, W_hy, W_hh, slope):
    T, H = slope.shape
    system = np.eye(T * H)
    for t in range(T - 1):
        system[t * H : (t + 1) * H, (t + 1) * H : (t + 2) * H] = -(W_hh.T * slope[t + 1])
    return np.linalg.solve(system, (d_logits @ W_hy).ravel()).reshape(T, H)


def delta_by_torch(d_logits, W_hy, W_hh, slope):
    """Nudge every state of the network linearised where it ran."""
    d_logits, W_hy, W_hh, slope = (torch.tensor(a) for a in (d_logits, W_hy, W_hh, slope))
    nudge = torch.zeros_like(slope, requires_grad=True)
    h, loss = torch.zeros(len(W_hh), dtype=torch.float64), 0.0
    for t in range(len(slope)):
        h = slope[t] * (W_hh @ h) + nudge[t]
        loss = loss + d_logits[t] @ W_hy @ h
    return torch.autograd.grad(loss, nudge)[0].numpy()


def gradients_by_loop(x, states, d_logits, delta, slope):
    H, D, A = delta.shape[1], x.shape[1], d_logits.shape[1]
    found = np.zeros((H, D)), np.zeros((H, H)), np.zeros(H), np.zeros((A, H)), np.zeros(A)
    for t in range(len(x)):
        dz = delta[t] * slope[t]
        found[0][:] += np.outer(dz, x[t])
        found[1][:] += np.outer(dz, states[t])
        found[2][:] += dz
        found[3][:] += np.outer(d_logits[t], states[t + 1])
        found[4][:] += d_logits[t]
    return found


def gradients_by_einsum(x, states, d_logits, delta, slope):
    return [
        np.einsum("ti,ti,tj->ij", delta, slope, x),
        np.einsum("ti,ti,tj->ij", delta, slope, states[:-1]),
        np.einsum("ti,ti->i", delta, slope),
        np.einsum("ta,ti->ai", d_logits, states[1:]),
        np.einsum("ta->a", d_logits),
    ]


def gradients_by_torch(x, states, d_logits, delta, slope):
    x, states, d_logits, delta, slope = (torch.tensor(a) for a in (x, states, d_logits, delta, slope))
    sizes = [
        (delta.shape[1], x.shape[1]), (delta.shape[1],) * 2, (delta.shape[1],),
        (d_logits.shape[1], delta.shape[1]), (d_logits.shape[1],),
    ]  # fmt: skip
    W_xh, W_hh, b_h, W_hy, b_y = parameters = [torch.zeros(s, dtype=torch.float64, requires_grad=True) for s in sizes]
    z = x @ W_xh.T + states[:-1] @ W_hh.T + b_h
    total = (delta * slope * z).sum() + (d_logits * (states[1:] @ W_hy.T + b_y)).sum()
    return [gradient.numpy() for gradient in torch.autograd.grad(total, parameters)]


def truncated_by_windows(d_logits, W_hy, W_hh, slope, k):
    T = len(slope)
    delta = np.zeros_like(slope)
    for tau in range(T):
        v = W_hy.T @ d_logits[tau]
        for t in range(tau, max(tau - k, 0) - 1, -1):
            delta[t] += v
            v = W_hh.T @ (slope[t] * v)
    return delta


def truncated_by_cutting_the_sequence(d_logits, W_hy, W_hh, slope, k):
    rows = []
    for t in range(len(slope)):
        window = slice(t, t + k + 1)
        rows.append(delta_by_loops(d_logits[window], W_hy, W_hh, slope[window])[0])
    return rows


def truncated_by_subtraction(d_logits, W_hy, W_hh, slope, k):
    """Take from the full gradient what comes from beyond the window."""
    full = delta_with_one_row_more(d_logits, W_hy, W_hh, slope)
    cut = full.copy()
    for t in range(len(slope) - 1 - k):
        v = full[t + k + 1]
        for s in range(t + k + 1, t, -1):
            v = W_hh.T @ (slope[s] * v)
        cut[t] -= v
    return cut


RIGHT = {
    "4.1": [delta_by_loops, delta_with_one_row_more, delta_by_jacobians, delta_by_one_linear_system, delta_by_torch],
    "4.2": [gradients_by_loop, gradients_by_einsum, gradients_by_torch],
    "4.3": [truncated_by_windows, truncated_by_cutting_the_sequence, truncated_by_subtraction],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "identity"])
def test_the_references_agree_with_the_package(activation):
    rng = np.random.default_rng(7)
    net = random_rnn(rng, 3, 4, 2, activation).with_parameters(h_init=rng.normal(size=4))
    forward = run(net, rng.normal(size=(8, 3)))
    d_logits = cross_entropy_gradient(forward.logits, rng.integers(2, size=8))
    found = backward(forward, d_logits)
    chain = d_logits, net.W_hy, net.W_hh, forward.slope
    assert BY_ID["4.1"].reference(*chain) == pytest.approx(found.delta, abs=1e-13)
    five = BY_ID["4.2"].reference(forward.x, forward.states, d_logits, found.delta, forward.slope)
    for name, gradient in zip(("W_xh", "W_hh", "b_h", "W_hy", "b_y"), five, strict=True):
        assert gradient == pytest.approx(found.gradients[name], abs=1e-13), name
    for k in (0, 1, 3, 7, 20):
        expected = truncated_per_loss(forward, d_logits, k)[0]
        assert BY_ID["4.3"].reference(*chain, k) == pytest.approx(expected, abs=1e-13)


def test_the_worked_example_has_the_published_numbers(oracles):
    known = oracles["O8_rnn_bptt"]
    (case,) = (case for case in BY_ID["4.1"].cases(np.random.default_rng(0)) if case.name == "worked example")
    assert BY_ID["4.1"].reference(*case.args) == pytest.approx(np.array(known["delta"]), abs=1e-12)
    (case,) = (case for case in BY_ID["4.2"].cases(np.random.default_rng(0)) if case.name == "worked example")
    for gradient, name in zip(BY_ID["4.2"].reference(*case.args), ("dWxh", "dWhh", "dbh", "dWhy", "dby"), strict=True):
        assert gradient == pytest.approx(np.array(known[name]), abs=1e-12), name


def test_the_examples_in_the_notebook_are_right():
    delta = BY_ID["4.1"].reference(np.ones((2, 1)), np.ones((1, 1)), np.array([[3.0]]), np.array([[0.5], [0.1]]))
    assert delta == pytest.approx(np.array([[1.3], [1.0]]))
    five = BY_ID["4.2"].reference(
        np.array([[2.0]]), np.array([[3.0], [0.5]]), np.array([[1.0]]), np.array([[4.0]]), np.array([[0.75]])
    )
    assert [gradient.tolist() for gradient in five] == [[[6.0]], [[9.0]], [3.0], [[0.5]], [1.0]]
    one = np.ones((4, 1))
    assert BY_ID["4.3"].reference(one, one[:1], one[:1], one, 1).ravel().tolist() == [2, 2, 2, 1]


def test_the_worked_example_agrees_with_finite_differences():
    found = loss_and_gradients(WORKED_NET, WORKED_X, WORKED_TARGET)[1]
    for name in ("W_xh", "W_hh", "b_h", "W_hy", "b_y"):
        slope = numerical_gradient(
            lambda value, name=name: loss_and_gradients(
                WORKED_NET.with_parameters(**{name: value}), WORKED_X, WORKED_TARGET
            )[0],
            getattr(WORKED_NET, name),
        )
        assert found[name] == pytest.approx(slope, abs=1e-9), name


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers."""
    try:
        value = answer(*copy.deepcopy(case.args))
    except (IndexError, ValueError) as error:
        return type(error)
    return [np.asarray(part, dtype=float) for part in (value if isinstance(value, tuple) else (value,))]


def differ(one, two):
    if isinstance(one, type) or isinstance(two, type):
        return one is not two
    return any(a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    cases = exercise.cases(np.random.default_rng(seed))
    answers = {"the reference": exercise.reference} | {idea.name: idea.answer for idea in exercise.misconceptions}
    outcomes = {name: [outcome(answer, case) for case in cases] for name, answer in answers.items()}
    names = list(outcomes)
    for n, one in enumerate(names):
        for two in names[n + 1 :]:
            apart = [differ(a, b) for a, b in zip(outcomes[one], outcomes[two], strict=True)]
            assert any(apart), f"{one} and {two} are alike on all {len(cases)} cases"


def test_chunks_match_the_truncation_of_the_package():
    """The wrong idea of 4.3 is a right answer to another question, that of detaching between chunks."""
    from course_utils.bptt import truncated_by_chunks

    forward = run(WORKED_NET, WORKED_X)
    d_logits = cross_entropy_gradient(forward.logits, WORKED_TARGET)
    (idea,) = (idea for idea in BY_ID["4.3"].misconceptions if idea.name == "chunks instead of a window")
    found = idea.answer(d_logits, WORKED_NET.W_hy, WORKED_NET.W_hh, forward.slope, 2)
    assert found == pytest.approx(truncated_by_chunks(forward, d_logits, 2)[0], abs=1e-14)


# -- honest mistakes, written as a reader might


def recursion(*, walk, future, direct=lambda d, W_hy: W_hy.T @ d, rows=np.zeros_like):
    """Build an answer to 4.1 from its parts."""

    def answer(d_logits, W_hy, W_hh, slope):
        T, delta = len(slope), rows(slope)
        for t in walk(T):
            delta[t] = direct(d_logits[t], W_hy)
            if t + 1 < T:
                delta[t] += future(W_hh, slope[t + 1], delta[t + 1])
        return delta

    return answer


def right_future(W_hh, slope, after):
    return W_hh.T @ (slope * after)


def appended(d_logits, W_hy, W_hh, slope):
    deltas = [W_hy.T @ d_logits[-1]]
    for t in range(len(slope) - 2, -1, -1):
        deltas.append(W_hy.T @ d_logits[t] + W_hh.T @ (slope[t + 1] * deltas[-1]))
    return np.array(deltas)


def last_step_first(d_logits, W_hy, W_hh, slope):
    T, delta = len(slope), np.zeros_like(slope)
    delta[T - 1] = W_hy.T @ d_logits[T - 1]
    for t in range(T - 2, 0, -1):
        delta[t] = W_hy.T @ d_logits[t] + W_hh.T @ (slope[t + 1] * delta[t + 1])
    return delta


def direct_parts_first(walk):
    def answer(d_logits, W_hy, W_hh, slope):
        delta = d_logits @ W_hy
        for t in walk(len(slope)):
            delta[t] += W_hh.T @ (slope[t + 1] * delta[t + 1])
        return delta

    return answer


def summed(*, before=lambda states, t: states[t], after=lambda states, t: states[t + 1], weights=1, bias=1):
    """Build an answer to 4.2 from which states are read and how often the slope counts."""

    def answer(x, states, d_logits, delta, slope):
        found = [0.0] * 5
        for t in range(len(x)):
            dz, db = delta[t] * slope[t] ** weights, delta[t] * slope[t] ** bias
            uses = (
                np.outer(dz, x[t]), np.outer(dz, before(states, t)), db,
                np.outer(d_logits[t], after(states, t)), d_logits[t],
            )  # fmt: skip
            found = [total + use for total, use in zip(found, uses, strict=True)]
        return found

    return answer


def trips(*, walk, slope_at=0):
    """Build an answer to 4.3 from the steps that a loss visits and the slopes it meets."""

    def answer(d_logits, W_hy, W_hh, slope, k):
        delta = np.zeros_like(slope)
        for tau in range(len(slope)):
            v = W_hy.T @ d_logits[tau]
            for t in walk(tau, k):
                delta[t] += v
                v = W_hh.T @ (slope[t + slope_at] * v)
        return delta

    return answer


def backwards(T):
    return range(T - 1, -1, -1)


MISTAKES = {
    ("4.1", "both transposes forgotten"): recursion(
        walk=backwards, direct=lambda d, W_hy: W_hy @ d, future=lambda W_hh, slope, after: W_hh @ (slope * after)
    ),
    ("4.1", "list not reversed"): appended,
    ("4.1", "step 0 left out"): recursion(walk=lambda T: range(T - 1, 0, -1), future=right_future),
    ("4.1", "step 0 left out, after the last step was done before the loop"): last_step_first,
    ("4.1", "step 0 left out but for its direct part"): direct_parts_first(lambda T: range(T - 2, 0, -1)),
    ("4.1", "one step of the future only"): direct_parts_first(lambda T: range(T - 1)),
    ("4.1", "direct part only"): recursion(walk=range, future=right_future),
    ("4.2", "h_{t−1} read at index t − 1"): summed(
        before=lambda states, t: states[t - 1], after=lambda states, t: states[t]
    ),
    ("4.2", "h_{t−1} read at index t − 1, nothing at step 0"): summed(
        before=lambda states, t: states[t - 1] if t > 0 else 0 * states[0], after=lambda states, t: states[t]
    ),
    ("4.2", "delta taken for dz at the bias"): summed(bias=0),
    ("4.2", "slope applied twice"): summed(weights=2, bias=2),
    ("4.3", "past the beginning"): trips(walk=lambda tau, k: range(tau, tau - k - 1, -1)),
    ("4.3", "slope of the step before"): trips(walk=lambda tau, k: range(tau, max(tau - k, 0) - 1, -1), slope_at=-1),
    ("4.3", "range one short"): trips(walk=lambda tau, k: range(tau, max(tau - k, 0), -1)),
    ("4.3", "one step too few"): trips(walk=lambda tau, k: range(tau, max(tau - k, -1), -1)),
    ("4.3", "step 0 left out"): trips(walk=lambda tau, k: range(tau, max(tau - k - 1, 0), -1)),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("number", "name"), MISTAKES)
def test_an_honest_mistake_is_named_however_it_is_written(number, name, seed):
    report = judge(BY_ID[number], MISTAKES[number, name], seed)
    assert report.status == "incorrect"
    assert report.misconception is not None
    assert report.misconception == name


def test_one_step_of_the_future_is_asked_where_the_walk_began():
    report = judge(BY_ID["4.1"], MISTAKES["4.1", "one step of the future only"])
    assert report.hint.endswith("Did you start at the last step?")


# -- other wrong answers, without a name


def starts_from_zero_delta(d_logits, W_hy, W_hh, slope):
    delta = delta_with_one_row_more(d_logits, W_hy, W_hh, slope)
    delta[-1] = 0
    return delta


def transposed_and_without_slope(d_logits, W_hy, W_hh, slope):
    delta = d_logits @ W_hy
    for t in range(len(delta) - 2, -1, -1):
        delta[t] += W_hh @ delta[t + 1]
    return delta


def minus_the_gradients(*args):
    return [-gradient for gradient in gradients_by_einsum(*args)]


def window_without_its_middle_slope(d_logits, W_hy, W_hh, slope, k):
    return truncated_by_windows(d_logits, W_hy, W_hh, np.ones_like(slope), k)


def direct_part_outside_the_sum(d_logits, W_hy, W_hh, slope, k):
    return truncated_by_windows(d_logits, W_hy, W_hh, slope, k) + d_logits @ W_hy


NAMELESS = {
    "4.1": [starts_from_zero_delta, transposed_and_without_slope],
    "4.2": [minus_the_gradients],
    "4.3": [window_without_its_middle_slope, direct_part_outside_the_sum],
}


# The others follow two ideas at once, or one in part.
NAMED = {
    "transposed_and_without_slope": "transposed Jacobian, and slope left out",
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in NAMELESS for a in NAMELESS[n]]
)
def test_other_wrong_answers_are_rejected_and_named_only_where_an_idea_is_known(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "incorrect"
    assert report.misconception == NAMED.get(answer.__name__)


def test_an_index_past_the_end_could_not_run():
    def unguarded(d_logits, W_hy, W_hh, slope):
        delta = d_logits @ W_hy
        for t in range(len(delta) - 1, -1, -1):
            delta[t] += W_hh.T @ (slope[t + 1] * delta[t + 1])
        return delta

    report = judge(BY_ID["4.1"], unguarded)
    assert report.status == "could not run"
    assert "IndexError" in report.says
    assert "slope[t + 1]" in report.says


# -- what else a reader may hand in


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_argument_is_changed_by_the_course_itself(exercise, seed):
    for case in exercise.cases(np.random.default_rng(seed)):
        for answer in (exercise.reference, *(idea.answer for idea in exercise.misconceptions)):
            args = copy.deepcopy(case.args)
            with contextlib.suppress(IndexError, ValueError):  # as some of the wrong ideas do
                answer(*args)
            assert all(np.array_equal(a, b) for a, b in zip(args, case.args, strict=True)), case.name


def test_an_argument_changed_in_place_is_told():
    def in_place(x, states, d_logits, delta, slope):
        delta *= slope
        return gradients_by_einsum(x, states, d_logits, delta, np.ones_like(slope))

    report = judge(BY_ID["4.2"], in_place)
    assert report.status == "incorrect"
    assert "parameter_gradients changed its argument delta in place" in report.says


def test_four_gradients_are_one_too_few():
    report = judge(BY_ID["4.2"], lambda *args: gradients_by_einsum(*args)[:4])
    assert report.says == "parameter_gradients must return 5 values: dW_xh and dW_hh and db_h and dW_hy and db_y."


def test_a_delta_on_its_side_is_told():
    report = judge(BY_ID["4.1"], lambda *args: delta_with_one_row_more(*args)[:, :1])
    assert "must have the shape (4, 2) (sizes of t = 4, unit = 2)" in report.says


def test_the_first_wrong_cell_is_the_last_in_time():
    def off(d_logits, W_hy, W_hh, slope):
        delta = delta_with_one_row_more(d_logits, W_hy, W_hh, slope)
        delta[:-1, 1] += 1e-5
        return delta

    report = judge(BY_ID["4.1"], off)
    assert report.comparison.first_wrong == (2, 1)


# -- the sheet as a whole


def test_the_cases_hold_the_edges():
    cases = BY_ID["4.1"].cases(np.random.default_rng(0))
    shapes = [case.args[3].shape for case in cases]
    assert any(T == 1 for T, _ in shapes)
    assert any(H == 1 for _, H in shapes)
    assert any((case.args[0][:-1] == 0).all() and len(case.args[0]) > 1 for case in cases)
    assert any((case.args[3] == 0).any() for case in cases)
    reach = [(case.args[4], len(case.args[3])) for case in BY_ID["4.3"].cases(np.random.default_rng(0))]
    assert any(k == 0 for k, _ in reach)
    assert any(k >= T for k, T in reach)
    assert any(k == T - 1 for k, T in reach)
