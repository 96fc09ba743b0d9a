"""The steppers of chapter 3."""

import ipywidgets
from numpy.typing import ArrayLike

from course_utils.losses import frame_losses
from course_utils.machines import add_binary
from course_utils.notebook.editing import network_stepper
from course_utils.notebook.explorer import Explorer, taken_as
from course_utils.rnn import RNN, run
from course_utils.scenes.scene import Scene
from course_utils.scenes.unrolled_forward import adder_scene, rnn_scene
from course_utils.stepper.stepper import Stepper


def rnn_stepper(net: RNN, x: ArrayLike, target: ArrayLike | None = None) -> Stepper:
    """Step through an unrolled network unit by unit; drag or type a weight or an input and every number follows.

    Parameters
    ----------
    net
        At most 3 inputs, units and outputs.
    x
        (T, D), 1 ≤ T ≤ 8.
    target
        (T,) the right symbols: the outputs are then probabilities, and each step shows its loss. Without a target the
        outputs are the logits themselves.

    Raises
    ------
    ValueError
        It is too large to draw, or the shapes do not go together.
    """

    def scene(net: RNN, x: ArrayLike) -> Scene:
        forward = run(net, x)
        return rnn_scene(forward, None if target is None else frame_losses(forward.logits, target))

    return network_stepper(net, x, scene)


def adder_stepper(a: str = "1011", b: str = "110") -> Stepper:
    """Step through the addition of two binary numbers by a network of three units whose state holds the carry."""
    return Stepper(adder_scene(a, b, *add_binary(a, b)))


def adder_explorer() -> Explorer:
    """Type two binary numbers and step through their addition."""
    a = ipywidgets.Text(value="1011", description="a", continuous_update=False, layout={"width": "240px"})
    b = ipywidgets.Text(value="110", description="b", continuous_update=False, layout={"width": "240px"})

    def scene() -> Scene:
        first, second = a.value.strip(), b.value.strip()
        return adder_scene(first, second, *add_binary(first, second))

    return Explorer(
        scene, a, b, remark=lambda: " ".join(taken_as(one.value, one.value.strip()) for one in (a, b)).strip()
    )
