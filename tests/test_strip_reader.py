"""The reader of strips: do both losses train it alike, is a run the same each time, and is torch left alone elsewhere?"""

import pkgutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import course_utils
from course_utils import data, strip_reader
from course_utils.ctc_loss import loss_and_gradient
from course_utils.data import STRIP_HEIGHT, STRIP_SYMBOLS, digit_strip, digit_strips
from course_utils.decoding import character_error_rate, greedy
from course_utils.strip_reader import BLANK, StripReader, ctc_loss, spell, train_reader

pytestmark = pytest.mark.slow

RAGGED = [[3, 1, 4], [7], [5, 5], []], [9, 4, 6, 5]  # targets, and how many of 9 frames each has


def random_logits(seed=0, frames=9, batch=4):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(0, 2, (frames, batch, len(STRIP_SYMBOLS))), requires_grad=True)


def loss_and_its_gradient(logits, targets, lengths, loss):
    total = ctc_loss(logits, targets, lengths, loss)
    (gradient,) = torch.autograd.grad(total, logits)
    return total.item(), gradient.numpy()


# -- torch stays outside


def test_only_the_module_of_training_imports_torch():
    found = [module.name for module in pkgutil.walk_packages(course_utils.__path__, "course_utils.")]
    assert {"course_utils.ctc", "course_utils.notebook.ch09", "course_utils.scenes.decoding"} < set(found)
    others = ["course_utils", *(name for name in found if name != "course_utils.strip_reader")]
    code = f"""
import importlib, sys
for name in {others}:
    importlib.import_module(name)
    assert "torch" not in sys.modules, name
import course_utils.strip_reader
assert "torch" in sys.modules  # else the check above could not fail
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- the loss


def test_the_sum_of_a_ragged_batch_is_that_of_its_utterances_one_by_one():
    logits = random_logits()
    total, gradient = loss_and_its_gradient(logits, *RAGGED, "course")
    losses = 0.0
    for b, (target, T) in enumerate(zip(*RAGGED, strict=True)):
        log_y = logits[:T, b].detach().log_softmax(-1).numpy()
        alone, of_logits = loss_and_gradient(log_y, target, BLANK)
        losses += alone
        np.testing.assert_allclose(gradient[:T, b], of_logits, atol=1e-12)
        assert not gradient[T:, b].any(), "what lies behind the end of an utterance has no part in its loss"
    assert total == pytest.approx(losses, rel=1e-12)


def test_both_losses_have_the_same_value_and_the_same_gradient():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        logits = random_logits(seed, frames=14)
        lengths = rng.integers(9, 15, 4).tolist()
        targets = [rng.integers(0, 10, rng.integers(0, 5)).tolist() for _ in lengths]
        course, its_gradient = loss_and_its_gradient(logits, targets, lengths, "course")
        other, that_of_torch = loss_and_its_gradient(logits, targets, lengths, "torch")
        assert course == pytest.approx(other, rel=1e-9), (targets, lengths)
        np.testing.assert_allclose(its_gradient, that_of_torch, rtol=0, atol=1e-9)


def test_the_gradient_of_the_course_is_that_of_small_differences():
    logits, h = random_logits(3), 1e-5
    _, gradient = loss_and_its_gradient(logits, *RAGGED, "course")
    with torch.no_grad():
        for t, b, k in [(0, 0, 3), (4, 0, BLANK), (8, 0, 4), (3, 1, 7), (1, 2, 5), (2, 3, 0), (8, 1, 2)]:
            nudge = torch.zeros_like(logits)
            nudge[t, b, k] = h
            up, down = (ctc_loss(logits + sign * nudge, *RAGGED, "course").item() for sign in (1, -1))
            assert gradient[t, b, k] == pytest.approx((up - down) / (2 * h), abs=1e-7), (t, b, k)


def test_what_multiplies_the_loss_multiplies_its_gradient():
    logits = random_logits()
    total = ctc_loss(logits, *RAGGED, "course")
    (gradient,) = torch.autograd.grad(total / 32, logits)
    np.testing.assert_allclose(32 * gradient, loss_and_its_gradient(logits, *RAGGED, "course")[1], rtol=1e-12)


def test_a_target_that_does_not_fit_has_an_infinite_loss_and_leaves_no_trace_in_the_gradient():
    targets, lengths = [[3, 1], [7, 7, 7], [1, 2, 3, 4, 5, 6]], [9, 4, 5]  # 7 7 7 needs two blanks between
    logits = random_logits(batch=3)
    total, gradient = loss_and_its_gradient(logits, targets, lengths, "course")
    assert total == np.inf
    assert not gradient[:, 1:].any()
    alone = loss_and_its_gradient(logits[:, :1].detach().requires_grad_(), targets[:1], lengths[:1], "course")
    assert np.isfinite(alone[0])
    np.testing.assert_array_equal(gradient[:, :1], alone[1])


def test_a_loss_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="loss is 'mine'; choose 'torch' or 'course'"):
        ctc_loss(random_logits(), *RAGGED, "mine")
    with pytest.raises(ValueError, match="loss is 'mine'"):
        train_reader(1, batch=1, loss="mine")


# -- the reader


def test_a_reader_gives_every_column_a_distribution_over_digits_and_blank():
    reader, strip = StripReader(seed=2), digit_strip("314", np.random.default_rng(0))
    T = strip.image.shape[1]
    assert reader(torch.zeros(5, STRIP_HEIGHT, T)).shape == (T, 5, len(STRIP_SYMBOLS))
    log_y = reader.log_probabilities(strip.image)
    assert log_y.shape == (T, 11)
    np.testing.assert_allclose(np.exp(log_y).sum(axis=1), 1, atol=1e-12)


def test_a_reader_sees_what_lies_on_either_side_of_a_column():
    """Both directions of the LSTM are there: ink at either end changes what is said at the other."""
    reader, blank_paper = StripReader(), np.zeros((STRIP_HEIGHT, 12))
    plain = reader.log_probabilities(blank_paper)
    for inked, seen in ((0, 11), (11, 0)):
        image = blank_paper.copy()
        image[3:7, inked] = 1
        assert np.abs(reader.log_probabilities(image)[seen] - plain[seen]).max() > 1e-6


def test_what_is_read_is_the_collapse_of_the_best_symbols_spelled_in_digits():
    assert spell((3, 1, 4, 1)) == "3141"
    assert spell(()) == ""
    reader = StripReader(seed=4)
    with torch.no_grad():
        reader.name.weight *= 30  # an untrained reader says much the same everywhere
    strips = [digit_strip("271828", np.random.default_rng(n)) for n in range(5)]
    read = [reader.read(strip.image) for strip in strips]
    assert any(read)
    for strip, said in zip(strips, read, strict=True):
        assert said == "".join(STRIP_SYMBOLS[k] for k in greedy(reader.log_probabilities(strip.image), BLANK))
        assert set(said) <= set("0123456789")


def weights_of(reader):
    return np.concatenate([weight.detach().numpy().ravel() for weight in reader.parameters()])


def test_a_seed_says_everything_about_a_reader_and_its_training():
    runs = []
    for seed, torch_seed in ((5, 0), (5, 1), (6, 0)):
        torch.manual_seed(torch_seed)
        runs.append(train_reader(3, batch=3, seed=seed))
    one, two, other = (weights_of(reader) for reader, _ in runs)
    np.testing.assert_array_equal(one, two)
    assert runs[0][1] == runs[1][1]
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(weights_of(StripReader(seed=5)), weights_of(StripReader(seed=5)))
    assert weights_of(StripReader(seed=5)).tolist() != weights_of(StripReader(seed=6)).tolist()


# -- training


def test_both_losses_train_alike():
    curves = [train_reader(20, batch=4, dtype=torch.float64, seed=1, loss=loss)[1].loss for loss in ("torch", "course")]
    assert [n for n, _ in curves[0]] == list(range(1, 21))
    np.testing.assert_allclose(*np.array(curves), rtol=0, atol=1e-6)
    losses = [loss for _, loss in curves[0]]
    assert np.ptp(losses) > 1, "twenty iterations that change nothing compare nothing"


def test_150_iterations_bring_the_loss_down():
    _, curves = train_reader(150, batch=8, seed=0)
    losses = np.array([loss for _, loss in curves.loss])
    assert losses[-20:].mean() < losses[0] / 5
    assert np.isfinite(losses).all()


def test_nothing_is_fitted_to_test_images(monkeypatch):
    batches = []

    def watched(*args, **named):
        batches.append(digit_strips(*args, **named))
        return batches[-1]

    monkeypatch.setattr(strip_reader, "digit_strips", watched)
    train_reader(16, batch=6, watched=[digit_strip("31", np.random.default_rng(0))], watch=lambda *_: None, every=3)
    assert [len(batch) for batch in batches] == [6] * 16
    drawn = [strip for batch in batches for strip in batch]
    assert set(np.concatenate([strip.sources for strip in drawn])) <= set(data._indices("train"))
    assert {len(strip.digits) for strip in drawn} == {3, 4, 5, 6}


def test_who_watches_gets_the_curves_so_far():
    strips = [digit_strip(digits, np.random.default_rng(0)) for digits in ("31", "4159")]
    seen = []

    def watch(done, curves):
        seen.append((done, len(curves.loss), [n for n, _ in curves.error]))

    reader, curves = train_reader(5, batch=2, watch=watch, watched=strips, every=2)
    assert seen == [(2, 2, [2]), (4, 4, [2, 4]), (5, 5, [2, 4, 5])]
    read = [reader.read(strip.image) for strip in strips]
    assert curves.error[-1] == (5, character_error_rate(read, ["31", "4159"]))
    seen.clear()
    _, unwatched = train_reader(5, batch=2, watch=watch)
    assert seen == [(5, 5, [])]
    assert unwatched.error == []
    assert unwatched.loss == curves.loss, "to be watched changes the training"


def test_the_number_of_threads_is_put_back_whatever_happens():
    before = torch.get_num_threads()
    inside = []

    def watch(*_):
        inside.append(torch.get_num_threads())
        raise KeyboardInterrupt  # the reader stops the cell

    try:
        torch.set_num_threads(3)
        with pytest.raises(KeyboardInterrupt):
            train_reader(2, batch=2, watch=watch, every=1)
        assert torch.get_num_threads() == 3
        train_reader(1, batch=2)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert inside == [1]


def test_no_iterations_are_no_training():
    reader, curves = train_reader(0, seed=3)
    assert (curves.loss, curves.error) == ([], [])
    np.testing.assert_array_equal(weights_of(reader), weights_of(StripReader(seed=3)))
