"""Pictures that are not played: live curves of a training run, and what a network reads over its image."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.data import digit_strip
from course_utils.notebook import pictures, reading_figure, times_figure
from course_utils.strip_reader import Curves


@pytest.fixture(autouse=True)
def _tidy():
    yield
    plt.close("all")


class Shown:
    """Stands for the output area of a cell."""

    def __init__(self):
        self.pictures = []

    def __call__(self, picture, display_id=False):
        self.pictures.append(picture)
        return self

    def update(self, picture):
        self.pictures.append(picture)


def curves_of(n):
    return Curves([(k, 3.0 / k) for k in range(1, n + 1)], [(n, 0.5)])


def test_live_curves_draw_at_once_then_at_most_every_so_often_and_at_the_end(monkeypatch):
    shown, now = Shown(), [0.0]
    monkeypatch.setattr(pictures, "display", shown)
    monkeypatch.setattr(pictures, "monotonic", lambda: now[0])
    live = pictures.LiveCurves(400, "the loss falls")
    for done, seconds in [(100, 1.0), (150, 1.1), (200, 9.0), (400, 9.1)]:
        now[0] = seconds
        live(done, curves_of(done))
    assert len(shown.pictures) == 3  # not at 150, a tenth of a second after the first
    assert len({picture.svg for picture in shown.pictures}) == 3
    assert {repr(picture._repr_mimebundle_()["text/plain"]) for picture in shown.pictures} == {
        repr("Picture: the loss falls")
    }


def test_the_bar_says_how_far_the_training_is_and_how_long_it_will_take():
    live = pictures.LiveCurves(400, "the loss falls")
    titles = [live.figure(done, curves_of(done), 10.0).axes[0].get_title() for done in (100, 400)]
    assert titles == ["iteration 100 of 400, 30 s to go", "iteration 400 of 400, 10 s"]
    bar, loss, error = live.figure(100, curves_of(100), 10.0).axes
    assert bar.patches[0].get_width() == 100
    assert loss.lines[0].get_xydata()[0].tolist() == [100, 0.03]
    assert error.lines[0].get_xydata().tolist() == [[100, 50.0]]


def test_a_reading_is_drawn_over_its_image():
    strip = digit_strip("335", np.random.default_rng(0))
    log_y = np.full((strip.image.shape[1], 11), np.log(0.02))
    log_y[:, 10] = np.log(0.8)
    for t, k in [(3, 3), (12, 3), (20, 5)]:
        log_y[t, [k, 10]] = np.log([0.8, 0.02])
    figure = reading_figure(strip, log_y, 10)
    image, heat = figure.axes
    assert figure.get_suptitle() == "is 335, is read as 335"
    assert [text.get_text() for text in image.texts] == ["3", "3", "5"]
    assert [text.get_position()[0] for text in image.texts] == [3, 12, 20]
    assert [(text.get_text(), text.get_position()[0]) for text in heat.texts] == [("3", 3), ("3", 12), ("5", 20)]
    nothing = reading_figure(strip, np.log(np.tile([*[0.01] * 10, 0.9], (30, 1))), 10)
    assert nothing.get_suptitle() == "is 335, is read as nothing"


def test_times_are_drawn_in_their_order_each_with_its_number():
    figure = times_figure({"slow": 0.0123, "fast": 0.000456})
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["slow", "fast"]
    assert axes.yaxis_inverted()
    assert [note.get_text().strip() for note in axes.texts] == ["12.3 ms", "0.456 ms"]
    figure.canvas.draw()
    for note in axes.texts:  # inside the frame, so that no number is cut off
        assert note.get_window_extent().x1 < axes.get_window_extent().x1
