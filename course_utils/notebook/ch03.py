"""The steppers of chapter 3."""

import ipywidgets
from numpy.typing import ArrayLike

from course_utils.notebook.editing import Explorer, NetworkNumbers
from course_utils.rnn import RNN
from course_utils.scenes.unrolled import adder_scene, rnn_scene
from course_utils.stepper import Stepper


def rnn_stepper(net: RNN, x: ArrayLike, target: ArrayLike | None = None) -> Stepper:
    """Step through an unrolled network unit by unit; drag or type a weight or an input and every number follows.

    Parameters are those of :func:`course_utils.scenes.unrolled.rnn_scene`.
    """
    numbers = NetworkNumbers(net, x, lambda net, x: rnn_scene(net, x, target))
    return Stepper(numbers.drawn(), edit=numbers.edit)


def adder_stepper(a: str = "1011", b: str = "110") -> Stepper:
    """Step through the addition of two binary numbers by a network of three units whose state holds the carry."""
    return Stepper(adder_scene(a, b))


def adder_explorer() -> Explorer:
    """Type two binary numbers and step through their addition."""
    a = ipywidgets.Text(value="1011", description="a", continuous_update=False, layout={"width": "240px"})
    b = ipywidgets.Text(value="110", description="b", continuous_update=False, layout={"width": "240px"})
    return Explorer(lambda: adder_scene(a.value.strip(), b.value.strip()), a, b)
