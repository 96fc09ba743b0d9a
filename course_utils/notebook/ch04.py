"""The steppers of chapter 4."""

import ipywidgets
from numpy.typing import ArrayLike

from course_utils.bptt import backward
from course_utils.losses import frame_losses
from course_utils.notebook.editing import network_stepper
from course_utils.notebook.explorer import Explorer
from course_utils.rnn import RNN, run
from course_utils.scenes.scene import Scene
from course_utils.scenes.truncation import MOST, truncation_scene
from course_utils.scenes.unrolled_backward import bptt_scene
from course_utils.stepper.stepper import Stepper
from course_utils.truncation import WAYS, reach


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


def truncation_explorer(way: str = WAYS[0]) -> Explorer:
    """Choose how the way back is cut, and send the losses back one by one."""
    ways = ipywidgets.Dropdown(options=WAYS, value=way, description="Way back", layout={"width": "240px"})
    size = ipywidgets.IntSlider(value=2, min=0, max=8, description="k, or chunk", layout={"width": "300px"})
    steps = ipywidgets.IntSlider(value=8, min=2, max=MOST, description="steps T", layout={"width": "300px"})

    def remark() -> str:
        if ways.value == "in chunks" and size.value == 0:
            return "A chunk has at least one step: chunks of 1 are shown."
        return "" if ways.value != "full" else "Nothing is cut, so k and the chunk do not matter."

    def scene() -> Scene:
        least = 1 if ways.value == "in chunks" else 0
        return truncation_scene(reach(steps.value, ways.value, max(size.value, least)))

    return Explorer(scene, ways, size, steps, remark=remark)
