"""The button that trains the reader of chapter 9, and the training run that is kept for those who do not press it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import measured
from course_utils.data import STRIP_SYMBOLS, digit_strip, random_digits
from course_utils.decoding import character_error_rate
from course_utils.measured.__main__ import READER_ITERATIONS, WATCHED
from course_utils.notebook import TrainingDesk, training
from course_utils.notebook.training import BLANK, ITERATIONS, telling, training_figure
from course_utils.strip_reader import Curves, StripReader, train_reader

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _tidy():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def held_out():
    rng = np.random.default_rng(2)
    return [digit_strip(random_digits(rng), rng, "test") for _ in range(400)]


def test_the_reader_that_is_kept_reads(held_out):
    desk = TrainingDesk(held_out[:2])
    read = [desk.reader.read(strip.image) for strip in held_out]
    assert character_error_rate(read, [strip.digits for strip in held_out]) <= 0.04


class Enough(Exception):
    pass


def test_the_run_that_is_kept_is_a_run_of_this_code(held_out):
    """Does training begin with the losses that are kept? To train to the end again would take a minute."""
    begun = []

    def stop(n, curves):
        begun[:] = curves.loss
        if n == 3:
            raise Enough

    with pytest.raises(Enough):
        train_reader(READER_ITERATIONS, loss="course", watch=stop, every=1)
    kept = measured.arrays("reader")
    assert np.allclose(begun, kept["loss"][:3], rtol=1e-4)
    assert len(kept["loss"]) == READER_ITERATIONS == ITERATIONS
    assert kept["at"].tolist() == [int(n) for n, _ in kept["error"]] == list(range(50, ITERATIONS + 1, 50))


def test_what_is_kept_of_the_last_look_is_what_the_reader_says(held_out):
    desk = TrainingDesk(held_out[:WATCHED])
    at, y = desk.curves.posteriors[-1]
    assert at == ITERATIONS
    assert np.allclose(y, np.exp(desk.reader.log_probabilities(held_out[0].image)), atol=1e-4)
    read = [desk.reader.read(strip.image) for strip in held_out[:WATCHED]]
    assert desk.curves.error[-1][1] == pytest.approx(
        character_error_rate(read, [strip.digits for strip in held_out[:WATCHED]]), abs=0.011
    )


def test_a_press_of_the_button_trains_anew(held_out, monkeypatch):
    monkeypatch.setattr(training, "EVERY", 2)
    desk = TrainingDesk(held_out[:2], iterations=4)
    kept, picture = desk.reader, desk.picture.value
    desk.button.click()
    assert desk.reader is not kept
    assert [n for n, _ in desk.curves.error] == [2, 4]
    assert desk.picture.value != picture
    assert "desk.reader" in desk.says.value
    assert desk.says.value.startswith("Trained in")
    assert not desk.button.disabled


def test_the_button_can_be_pressed_again_after_an_interrupt(held_out, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    desk = TrainingDesk(held_out[:2], iterations=4)
    kept = desk.reader
    monkeypatch.setattr("course_utils.strip_reader.train_reader", interrupted)
    with pytest.raises(KeyboardInterrupt):
        desk.train()
    assert not desk.button.disabled
    assert desk.reader is kept


def test_without_a_live_widget_the_picture_is_there_with_its_words(held_out):
    bundle = TrainingDesk(held_out[:2])._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert bundle["text/plain"].startswith("Picture: Left, the loss per digit")
    assert bundle["text/html"].count("<img") == 1
    assert "all blank" in bundle["text/html"]


def table(*spikes, T=12):
    y = np.full((T, 11), 0.01)
    y[:, BLANK] = 0.9
    for t, digit in spikes:
        y[t, [STRIP_SYMBOLS.index(digit), BLANK]] = 0.9, 0.01
    return y


@pytest.mark.parametrize(
    ("looks", "chosen"),
    [
        ([(50, ()), (100, ((2, "3"),)), (150, ((2, "3"), (6, "1"))), (200, ((2, "3"), (6, "1")))],
         [(50, "all blank, read as nothing"), (100, "read as 3"), (150, "read as 31"), (200, "read as 31")]),
        ([(50, ())], [(50, "all blank, read as nothing")]),
        ([(50, ()), (100, ((2, "3"), (6, "1")))], [(50, "all blank, read as nothing"), (100, "read as 31")]),
        ([], []),
    ],
)  # fmt: skip
def test_the_telling_moments_are_the_first_spikes_and_as_many_as_digits(looks, chosen):
    found = telling([(at, table(*spikes)) for at, spikes in looks], digits=2)
    assert [(at, words) for at, _, words in found] == chosen


def test_a_run_that_has_just_begun_can_be_drawn(held_out):
    curves = Curves([(1, 9.0), (2, 8.0)], [(2, 1.0)], [(2, table(T=held_out[0].image.shape[1]))])
    axes = training_figure(curves, held_out[0], 100).axes
    assert axes[1].lines[0].get_xydata().tolist() == [[2, 100]]
    assert "iteration 2: all blank, read as nothing" in {each.get_title(loc="left") for each in axes}


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="give the arrays that weights"):
        StripReader().load(StripReader(hidden=8).weights())
    again = StripReader(seed=1).load(StripReader(seed=2).weights())
    assert all(
        (a == b).all() for a, b in zip(again.weights().values(), StripReader(seed=2).weights().values(), strict=True)
    )


def test_nothing_is_kept_under_another_name():
    with pytest.raises(ValueError, match="no arrays are kept under 'copying'"):
        measured.arrays("copying")
