"""The exercises of chapter 2: right answers pass however they are written, and known wrong ideas are named."""

import math

import numpy as np
import pytest
from telling_apart import assert_no_two_alike

from course_utils.exercises.ch02 import EXERCISES
from course_utils.exercises.judge import judge
from course_utils.gradient_check import numerical_gradient

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def loss_by_loops(logits, target):
    losses = []
    for frame, k in zip(logits.tolist(), target, strict=True):
        top = max(frame)
        losses.append(top + math.log(sum(math.exp(o - top) for o in frame)) - frame[k])
    return losses


def loss_by_logaddexp(logits, target):
    return np.logaddexp.reduce(logits, axis=1) - np.take_along_axis(logits, target[:, None], axis=1)[:, 0]


def loss_by_differences(logits, target):
    """From the differences to the target's logit alone: ln Σ exp(o_k − o_target), shifted by their maximum."""
    apart = logits - logits[np.arange(len(target)), target][:, None]
    top = apart.max(axis=1)
    return top + np.log(np.exp(apart - top[:, None]).sum(axis=1))


def loss_by_torch(logits, target):
    import torch

    found = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(target), reduction="none")
    return found.numpy()


def gradients_by_loops(W, b, x, target):
    T, (A, D) = len(x), W.shape
    dW, db = np.zeros((T, A, D)), np.zeros((T, A))
    for t in range(T):
        powers = [math.exp(sum(W[k, d] * x[t, d] for d in range(D)) + b[k]) for k in range(A)]
        for k in range(A):
            db[t, k] = powers[k] / sum(powers) - (k == target[t])
            dW[t, k] = [db[t, k] * x[t, d] for d in range(D)]
    return dW, db


def gradients_by_einsum(W, b, x, target):
    logits = np.einsum("ad,td->ta", W, x) + b
    y = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    errors = y - np.eye(len(W))[target]
    return [np.einsum("ta,td->tad", errors, x), errors]


def gradients_by_torch(W, b, x, target):
    import torch

    dW, db = [], []
    for frame, k in zip(x, target, strict=True):
        w, c = torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)
        torch.nn.functional.cross_entropy((w @ torch.tensor(frame) + c)[None], torch.tensor([int(k)])).backward()
        dW.append(w.grad.numpy())
        db.append(c.grad.numpy())
    return np.array(dW), np.array(db)


def windows_by_loops(x, before, after):
    T, D = x.shape
    rows = []
    for t in range(T):
        row = []
        for s in range(t - before, t + after + 1):
            row += x[s].tolist() if 0 <= s < T else [0.0] * D
        rows.append(row)
    return rows


def windows_by_shifting(x, before, after):
    T, D = x.shape
    found = np.zeros((T, before + 1 + after, D))
    for t in range(T):
        first, last = max(0, t - before), min(T, t + after + 1)
        found[t, first - t + before : last - t + before] = x[first:last]
    return found.reshape(T, -1)


def windows_by_strides(x, before, after):
    padded = np.vstack([np.zeros((before, x.shape[1])), x, np.zeros((after, x.shape[1]))])
    view = np.lib.stride_tricks.sliding_window_view(padded, before + 1 + after, axis=0)
    return view.transpose(0, 2, 1).reshape(len(x), -1)


RIGHT = {
    "2.1": [loss_by_loops, loss_by_logaddexp, loss_by_differences, loss_by_torch],
    "2.2": [gradients_by_loops, gradients_by_einsum, gradients_by_torch],
    "2.3": [windows_by_loops, windows_by_shifting, windows_by_strides],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "answer"), [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]
)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


def differences(W, b, frame, k):
    """Finite differences of the loss of one frame, with respect to W and to b."""
    of_W = numerical_gradient(lambda w: loss_by_loops((w @ frame + b)[None], [k])[0], W)
    return of_W, numerical_gradient(lambda c: loss_by_loops((W @ frame + c)[None], [k])[0], b)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gradients_are_those_of_finite_differences(seed):
    """Entry by entry, of each frame's loss by itself."""
    for case in BY_ID["2.2"].cases(np.random.default_rng(seed)):
        W, b, x, target = case.args
        dW, db = BY_ID["2.2"].reference(*case.args)
        for t, (frame, k) in enumerate(zip(x, target, strict=True)):
            of_W, of_b = differences(W, b, frame, int(k))
            np.testing.assert_allclose(dW[t], of_W, atol=1e-9, err_msg=case.name)
            np.testing.assert_allclose(db[t], of_b, atol=1e-9, err_msg=case.name)


# -- wrong ideas


def outcome(answer, case):
    """What an answer comes to on a case, as plain numbers, with the shapes."""
    with np.errstate(all="ignore"):
        try:
            value = answer(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in case.args))
        except (IndexError, ValueError) as error:
            return np.array([np.nan, isinstance(error, IndexError)])
    parts = value if isinstance(value, tuple) else (value,)
    return np.concatenate([[*np.shape(part), *np.ravel(np.asarray(part, dtype=float))] for part in parts])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    assert_no_two_alike(exercise, seed, outcome)


# -- honest mistakes, written as a reader might


def loss_without_axes(logits, target):
    shifted = logits - logits.max()
    log_y = shifted - np.log(np.exp(shifted).sum())
    return -log_y[np.arange(len(target)), target]


def loss_with_one_sum(logits, target):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_y = shifted - np.log(np.exp(shifted).sum())
    return -log_y[np.arange(len(target)), target]


def loss_of_probabilities_with_one_sum(logits, target):
    powers = np.exp(logits - np.max(logits))
    y = powers / powers.sum()
    return np.array([-np.log(y[t, k]) for t, k in enumerate(target)])


def loss_of_clipped_probabilities(logits, target):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    y = np.clip(powers / powers.sum(axis=1, keepdims=True), 1e-12, 1 - 1e-12)
    return -np.log(y[np.arange(len(target)), target])


def loss_clipped_from_below(logits, target):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    y = powers / powers.sum(axis=1, keepdims=True)
    return -np.log(np.maximum(y, 1e-12))[np.arange(len(target)), target]


def gradients_summed(W, b, x, target):
    dW, db = gradients_by_loops(W, b, x, target)
    return sum(dW), sum(db)


def windows_by_an_index_below_zero(x, before, after):
    T, D = x.shape
    found = []
    for t in range(T):
        row = []
        for k in range(-before, after + 1):
            row.extend(x[t + k] if t + k < T else np.zeros(D))
        found.append(row)
    return np.array(found)


def windows_wrapped_in_front(x, before, after):
    T, D = x.shape
    around = range(-before, after + 1)
    return np.array([np.ravel([x[(t + k) % T] if t + k < T else np.zeros(D) for k in around]) for t in range(T)])


def windows_of_neighbours(x, before, after):
    T, D = x.shape
    ks = [k for k in range(-before, after + 1) if k != 0]
    return np.array([[v for k in ks for v in (x[t + k] if 0 <= t + k < T else [0.0] * D)] for t in range(T)])


def windows_of_joined_neighbours(x, before, after):
    padded = np.pad(x, ((before, after), (0, 0)))
    ks = [k for k in range(before + 1 + after) if k != before]
    return np.array([np.concatenate([padded[t + k] for k in ks]) for t in range(len(x))])


def windows_up_to_but_not_with_the_last(x, before, after):
    padded = np.pad(x, ((before, after), (0, 0)))
    return np.array([padded[t : t + before + after].ravel() for t in range(len(x))])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("number", "answer", "hint"),
    [
        ("2.1", loss_without_axes, "each frame has a normaliser of its own"),
        ("2.1", loss_with_one_sum, "each frame has a normaliser of its own"),
        ("2.1", loss_of_probabilities_with_one_sum, "each frame has a normaliser of its own"),
        ("2.1", loss_of_clipped_probabilities, "A clipped probability makes a large loss small."),
        ("2.1", loss_clipped_from_below, "A clipped probability makes a large loss small."),
        ("2.2", gradients_summed, "Each frame has its own gradient here."),
        ("2.3", windows_by_an_index_below_zero, "An index of −1 brings in the last frame."),
        ("2.3", windows_wrapped_in_front, "An index of −1 brings in the last frame."),
        ("2.3", windows_of_neighbours, "holds the frame itself"),
        ("2.3", windows_of_joined_neighbours, "holds the frame itself"),
        ("2.3", windows_up_to_but_not_with_the_last, "A window holds before + 1 + after frames"),
    ],
)
def test_an_honest_mistake_gets_its_hint(number, answer, hint, seed):
    report = judge(BY_ID[number], answer, seed)
    assert report.status == "incorrect"
    assert report.misconception is not None
    assert hint in report.hint


# -- other wrong answers, which have no name


def loss_clipped(logits, target):
    return np.minimum(loss_by_logaddexp(logits, target), 100)


def loss_in_single_precision(logits, target):
    return loss_by_logaddexp(logits.astype(np.float32), target)


def gradients_with_a_shared_buffer(W, b, x, target):
    dW, db = gradients_by_loops(W, b, x, target)
    dW[:] = dW[-1]
    return dW, db


def gradients_running(W, b, x, target):
    dW, db = gradients_by_loops(W, b, x, target)
    return dW.cumsum(axis=0), db.cumsum(axis=0)


def gradients_averaged(W, b, x, target):
    dW, db = gradients_by_loops(W, b, x, target)
    return dW.mean(axis=0), db.mean(axis=0)


def windows_by_negative_indices(x, before, after):
    padded = np.vstack([x, np.zeros((after, x.shape[1]))])
    return np.array([np.concatenate([padded[t + k] for k in range(-before, after + 1)]) for t in range(len(x))])


def windows_one_short(x, before, after):
    return windows_by_loops(x, before, max(after - 1, 0))


WRONG = [
    ("2.1", loss_clipped),
    ("2.1", loss_in_single_precision),
    ("2.2", gradients_with_a_shared_buffer),
    ("2.2", gradients_running),
    ("2.2", gradients_averaged),
    ("2.3", windows_by_negative_indices),
    ("2.3", windows_one_short),
]


# The others follow two ideas at once, or one in part.
NAMED = {
    "gradients_averaged": "summed over time, and divided by the number of frames",
    "windows_one_short": "last frame of the window left out",
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("exercise_id", "answer"), WRONG, ids=lambda v: getattr(v, "__name__", v))
def test_other_wrong_answers_are_rejected_and_named_only_where_an_idea_is_known(exercise_id, answer, seed):
    report = judge(BY_ID[exercise_id], answer, seed)
    assert report.status in ("incorrect", "could not run")
    assert report.misconception == NAMED.get(answer.__name__)


def test_the_sum_over_all_frames_is_told_its_shape():
    def summed(*args):
        dW, db = gradients_by_loops(*args)
        return dW.sum(axis=0), db.sum(axis=0)

    says = judge(BY_ID["2.2"], summed).says
    assert "must have the shape (2, 2, 2) (sizes of t = 2, k = 2, d = 2); yours has (2, 2)." in says


def test_the_whole_loss_is_told_its_shape():
    report = judge(BY_ID["2.1"], lambda logits, target: sum(loss_by_loops(logits, target)))
    assert report.status == "incorrect"
    assert report.comparison is None


# -- what else a reader may hand in


def shifted_in_place(logits, target):
    logits -= logits.max(axis=1, keepdims=True)
    return loss_by_logaddexp(logits, target)


def centred_in_place(W, b, x, target):
    found = gradients_by_loops(W, b, x, target)
    W -= W.mean(axis=0)
    return found


def padded_in_place(x, before, after):
    found = windows_by_loops(x, before, after)
    x[0] = 0
    return found


@pytest.mark.parametrize(
    ("exercise_id", "answer", "argument"),
    [("2.1", shifted_in_place, "logits"), ("2.2", centred_in_place, "W"), ("2.3", padded_in_place, "x")],
)
def test_an_argument_that_was_changed_is_noticed(exercise_id, answer, argument):
    report = judge(BY_ID[exercise_id], answer)
    assert report.status == "incorrect"
    assert f"{BY_ID[exercise_id].function} changed its argument {argument} in place" in report.says


# -- the sheet as a whole


def test_the_cases_hold_the_edges():
    losses = BY_ID["2.1"].cases(np.random.default_rng(0))
    assert any(case.args[0].shape[0] == 1 for case in losses)
    assert any(case.args[0].shape[1] == 1 for case in losses)
    assert any(abs(case.args[0]).max() >= 1000 for case in losses)
    windows = BY_ID["2.3"].cases(np.random.default_rng(0))
    assert any(case.args[1] >= len(case.args[0]) for case in windows)
    assert any(case.args[1] == case.args[2] == 0 for case in windows)
    assert any(case.args[1] > 0 < case.args[2] != case.args[1] for case in windows)
