"""Pictures that are not played: what a network reads, over its image, and measured times."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.data import digit_strip
from course_utils.notebook import reading_figure, times_figure


@pytest.fixture(autouse=True)
def _tidy():
    yield
    plt.close("all")


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
