"""Numbers that a reader changes, and the steppers and explorers that follow them."""

import re
from collections.abc import Callable
from html import escape

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.rnn import RNN
from course_utils.scenes.scene import Scene
from course_utils.stepper import Stepper, Workbench

MakesScene = Callable[[NDArray[np.float64]], Scene]


class Probabilities:
    """The (T, A) probabilities that a picture shows, as the reader has changed them.

    Changing one scales the others of its frame, so that the frame still sums to one.
    """

    def __init__(self, y: ArrayLike, scene: MakesScene):
        self.scene = scene
        self.load(y)

    def load(self, y: ArrayLike) -> None:
        """Begin anew with other probabilities."""
        self.now, self.original = np.array(y, dtype=float), np.asarray(y, dtype=float)

    def edit(self, mark: str, value: float) -> Scene:
        """Change the one that ``mark`` names, y-frame-column; what cannot be drawn leaves all as it was."""
        _, t, k = mark.split("-")
        changed = with_probability(self.now, int(t), int(k), float(value), self.original)
        scene = self.scene(changed)
        self.now = changed
        return scene


class NetworkNumbers:
    """The weights and inputs of a recurrent network that a picture shows, as the reader has changed them."""

    def __init__(self, net: RNN, x: ArrayLike, scene: Callable[[RNN, NDArray[np.float64]], Scene]):
        self.net, self.x, self.scene = net, np.array(x, dtype=float), scene

    def drawn(self) -> Scene:
        """Return the scene of the numbers as they are now."""
        return self.scene(self.net, self.x)

    def edit(self, mark: str, value: float) -> Scene:
        """Change the one that ``mark`` names, such as W_hh-row-column, x-t-input or h--1-unit; what cannot be drawn leaves all."""
        name, row, column = re.fullmatch(r"(\w+)-(-?\d+)-(\d+)", mark).groups()
        net, x = self.net, self.x.copy()
        if name == "x":
            x[int(row), int(column)] = value
        elif name == "h":  # only the initial state can be edited
            net = net.with_parameters(h_init=_with(net.h_init, int(column), value))
        else:
            at = int(row) if name.startswith("b") else (int(row), int(column))
            net = net.with_parameters(**{name: _with(net.parameters[name], at, value)})
        scene = self.scene(net, x)
        self.net, self.x = net, x
        return scene


def _with(values: NDArray[np.float64], at, value: float) -> NDArray[np.float64]:
    changed = values.copy()
    changed[at] = value
    return changed


def probability_stepper(y: ArrayLike, scene: MakesScene) -> Stepper:
    """Play what ``scene`` makes of probabilities that the reader may change."""
    y = Probabilities(y, scene)
    return Stepper(scene(y.now), edit=y.edit)


class Explorer(Workbench):
    """A stepper that follows some controls; what they ask for and cannot be drawn is said below them.

    Parameters
    ----------
    scene
        Makes the scene from what the controls and the numbers say now.
    controls
        All that it depends on.
    edit
        As for :class:`course_utils.stepper.Stepper`.
    """

    def __init__(
        self,
        scene: Callable[[], Scene],
        *controls: ipywidgets.Widget,
        edit: Callable[[str, float], Scene] | None = None,
    ):
        self.scene, self._loading, self.message = scene, False, ipywidgets.HTML()
        for control in controls:
            control.observe(self.redraw, "value")
        super().__init__(Stepper(scene(), edit=edit), *controls, self.message)

    def redraw(self, _=None) -> None:
        """Draw what the controls say, or say why it cannot be drawn."""
        if self._loading:
            return
        try:
            self.stepper.show(self.scene())
            self.message.value = ""
        except ValueError as error:
            self.message.value = f"<span role='alert'>{escape(str(error))}</span>"

    def load(self, change: Callable[[], None]) -> None:
        """Change several controls and draw once, from the first step."""
        self._loading = True
        try:
            change()
        finally:
            self._loading = False
        self.stepper.step = 0
        self.redraw()


def with_probability(
    y: ArrayLike, t: int, k: int, value: float, proportions: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return a copy of ``y`` with ``y[t, k] = value`` and the rest of frame t scaled to sum to one again.

    Parameters
    ----------
    y
        (T, A) probabilities.
    t, k
        Frame and symbol, both from 0.
    value
        Its new probability.
    proportions
        (T, A) how to share the rest where the other symbols of the frame have none at present; equally by default.

    Raises
    ------
    ValueError
        ``value`` is not between 0 and 1, there is no such frame or symbol, or no other one to take the rest.
    """
    y = np.array(y, dtype=float)
    if not (0 <= t < y.shape[0] and 0 <= k < y.shape[1]):
        raise ValueError(f"t is {t} and k is {k}; y has {y.shape[0]} frames and {y.shape[1]} symbols, both from 0")
    if not 0 <= value <= 1:
        raise ValueError(f"value is {value}; a probability lies between 0 and 1")
    others = np.arange(y.shape[1]) != k
    if not others.any():
        raise ValueError("there is only one symbol, and its probability is 1")
    rest = y[t, others]
    if rest.sum() == 0 and proportions is not None:
        rest = np.asarray(proportions, dtype=float)[t, others]
    if rest.sum() == 0:
        rest = np.ones(others.sum())
    y[t, others] = rest / rest.sum() * (1 - value)
    y[t, k] = value
    return y
