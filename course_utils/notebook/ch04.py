"""The stepper of chapter 4."""

from numpy.typing import ArrayLike

from course_utils.bptt import backward
from course_utils.losses import frame_losses
from course_utils.notebook.editing import network_stepper
from course_utils.rnn import RNN, run
from course_utils.scenes.scene import Scene
from course_utils.scenes.unrolled_backward import bptt_scene
from course_utils.stepper.stepper import Stepper


def bptt_stepper(net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> Stepper:
    """Step through back-propagation through time; drag or type a weight or an input and every number follows.

    Parameters
    ----------
    net
        At most 3 inputs, units and outputs.
    x
        (T, D), 1 ≤ T ≤ 8.
    target
        (T,) the right symbols.
    weights
        What the loss of each step counts, broadcast to (T,).

    Raises
    ------
    ValueError
        It is too large to draw, or the shapes do not go together.
    """

    def scene(net: RNN, x: ArrayLike) -> Scene:
        forward = run(net, x)
        losses = frame_losses(forward.logits, target, weights)
        return bptt_scene(backward(forward, losses.d_logits), losses)

    return network_stepper(net, x, scene)
