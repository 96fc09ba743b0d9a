"""What the tests of several pictures share."""

from dataclasses import dataclass

import numpy as np
import pytest

from course_utils.data import STRIP_SYMBOLS, Strip, digit_strip
from course_utils.posteriors import encode
from course_utils.scenes.scene import Scene
from course_utils.scenes.strip import strip_scene
from course_utils.viterbi import Alignment, align


@dataclass(frozen=True)
class AlignedStrip:
    """A strip of digits, how it is aligned, and the picture of that."""

    strip: Strip
    found: Alignment
    scene: Scene


@pytest.fixture(scope="package")
def aligned_strip(column_classifier):
    """The digits 314159, aligned to what the classifier of columns says of them."""
    strip = digit_strip("314159", np.random.default_rng(2), max_gap=2)
    found = align(column_classifier.log_posteriors(strip.image), encode(strip.target, STRIP_SYMBOLS))
    return AlignedStrip(strip, found, strip_scene(strip.image, found, STRIP_SYMBOLS, strip.spans))
