"""Numbers that a reader changes in a picture, and the scenes that follow them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.rnn import RNN
from course_utils.scenes.edits import Place
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper

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
        self.now, self.original = np.array(y, dtype=float), np.array(y, dtype=float)

    def reset(self) -> Scene:
        """Take all changes back."""
        self.now = self.original.copy()
        return self.scene(self.now)

    def edit(self, place: Place, value: float) -> Scene:
        """Change the one at (frame, column); what cannot be drawn leaves all as it was."""
        t, k = place
        changed = with_probability(self.now, t, k, value, self.original)
        scene = self.scene(changed)
        self.now = changed
        return scene


class NetworkNumbers:
    """The weights and inputs of a recurrent network that a picture shows, as the reader has changed them."""

    def __init__(self, net: RNN, x: ArrayLike, scene: Callable[[RNN, NDArray[np.float64]], Scene]):
        self.net, self.x, self.scene = net, np.array(x, dtype=float), scene
        self.original = self.net, self.x

    def drawn(self) -> Scene:
        """Return the scene of the numbers as they are now."""
        return self.scene(self.net, self.x)

    def reset(self) -> Scene:
        """Take all changes back."""
        self.net, self.x = self.original
        return self.drawn()

    def edit(self, place: Place, value: float) -> Scene:
        """Change the one at a name and indices, such as ("W_hh", 0, 1) or ("x", t, 0); what cannot be drawn leaves all."""
        name, *at = place
        net, x = self.net, self.x
        if name == "x":
            x = _with(x, at, value)
        else:
            net = net.with_parameters(**{name: _with(net.parameters[name], at, value)})
        scene = self.scene(net, x)
        self.net, self.x = net, x
        return scene


def _with(values: NDArray[np.float64], at: Sequence[int], value: float) -> NDArray[np.float64]:
    changed = values.copy()
    changed[tuple(at)] = value
    return changed


def network_stepper(net: RNN, x: ArrayLike, scene: Callable[[RNN, NDArray[np.float64]], Scene]) -> Stepper:
    """Play what ``scene`` makes of a network on a sequence, whose weights and inputs the reader may change."""
    numbers = NetworkNumbers(net, x, scene)
    return Stepper(numbers.drawn(), edit=numbers.edit, reset=numbers.reset)


def probability_stepper(y: ArrayLike, scene: MakesScene) -> Stepper:
    """Play what ``scene`` makes of probabilities that the reader may change."""
    y = Probabilities(y, scene)
    return Stepper(scene(y.now), edit=y.edit, reset=y.reset)


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
