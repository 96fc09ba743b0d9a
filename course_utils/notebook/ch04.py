"""The stepper of chapter 4."""

from numpy.typing import ArrayLike

from course_utils.notebook.editing import NetworkNumbers
from course_utils.rnn import RNN
from course_utils.scenes.unrolled import bptt_scene
from course_utils.stepper import Stepper


def bptt_stepper(net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> Stepper:
    """Step through back-propagation through time; drag or type a weight or an input and every number follows.

    Parameters are those of :func:`course_utils.scenes.unrolled.bptt_scene`.
    """
    numbers = NetworkNumbers(net, x, lambda net, x: bptt_scene(net, x, target, weights))
    return Stepper(numbers.drawn(), edit=numbers.edit)
