"""The steppers and pictures of chapter 5."""

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from course_utils.examples import CONDITIONS
from course_utils.jacobians import matrix_with, product_of_jacobians, spectral_norm, spectral_radius
from course_utils.notebook.editing import NetworkNumbers, network_stepper
from course_utils.notebook.explorer import Explorer
from course_utils.rnn import RNN, run
from course_utils.scenes.edits import Place
from course_utils.scenes.jacobians import product_scene
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper

OWN = "your own"
MOST_LISTED = 3  # numbers beside the sliders


def product_stepper(net: RNN, x: ArrayLike) -> Stepper:
    """Step through the product of the Jacobians of a network on a sequence, from the last factor back.

    With two units, drag or type a weight and the product follows.

    Parameters
    ----------
    net, x
        As in :func:`course_utils.rnn.run`, a single sequence; the limits are those of
        :func:`course_utils.scenes.jacobians.product_scene`.
    """
    return network_stepper(net, x, _product)


def gradient_explorer() -> Explorer:
    """Choose one of the cases of the condition table, or a network of your own, and step through its product."""
    return GradientExplorer()


class GradientExplorer(Explorer):
    """The product of Jacobians of a network that is chosen by its spectral norm and radius, with no input.

    Touching any control but the case and the number of factors makes the network the reader's own, and so does
    changing a weight in the picture. A new norm, radius or size draws new weights; a new activation or bias
    keeps them.
    """

    def __init__(self):
        wide, narrow = {"width": "280px"}, {"width": "190px"}
        self.case = ipywidgets.Dropdown(
            options=[*((c.asks, c.name) for c in CONDITIONS), (OWN, OWN)], description="Case", layout=wide
        )
        self.norm = _slider("Norm", 12, wide)
        self.radius = _slider("Radius", 3, wide)
        self.activation = ipywidgets.Dropdown(
            options=["tanh", "relu", "sigmoid", "identity"], description="Activation", layout={"width": "220px"}
        )
        self.units = ipywidgets.Dropdown(options=[2, 8, 32], description="Units", layout=narrow)
        self.bias = _slider("Bias", 4, wide)
        self.given = ipywidgets.HTML()  # what one slider cannot say
        self.factors = ipywidgets.IntSlider(
            value=20, min=1, max=200, description="Factors", layout=wide, continuous_update=False
        )
        self._take_case(self.case.value)
        shaping = (self.norm, self.radius, self.units, self.activation, self.bias)
        super().__init__(
            self._draw, self.case, *shaping, self.given, self.factors, edit=self._edit, reset=self._reset,
            presets={self.case: self._take_case}, before=dict.fromkeys(shaping, self._make_own),
        )  # fmt: skip

    def _draw(self) -> Scene:
        if self._outdated:
            self._use_drawn()
        about = next((c.says for c in CONDITIONS if c.name == self.case.value), "")
        forward = run(self.net, np.zeros((self.factors.value, 1)))
        return product_scene(product_of_jacobians(forward, self._radius), about)

    def _take_case(self, name: str) -> None:
        if name != OWN:
            self._chosen = name
            self._use(next(c for c in CONDITIONS if c.name == name).network())

    def _reset(self) -> Scene:
        """Go back to the case that was chosen last."""
        with self.setting():
            self.case.value = self._chosen
            self._take_case(self._chosen)
        self.say("")
        return self._draw()

    def _make_own(self, control: ipywidgets.Widget) -> None:
        if control in (self.norm, self.radius, self.units):
            self._outdated = True
        else:
            bias = np.full(len(self.net.W_hh), self.bias.value) if control is self.bias else self.net.b_h
            self.net = self.net.with_parameters(activation=self.activation.value, b_h=bias)
        self.case.value = OWN

    def _edit(self, place: Place, value: float) -> Scene:
        numbers = NetworkNumbers(self.net, np.zeros((self.factors.value, 1)), _product)
        scene = numbers.edit(place, value)
        with self.setting():
            self.case.value = OWN
            self._use(numbers.net)
        self.say("")
        return scene

    def _use(self, net: RNN) -> None:
        """Take a network, and let the controls say what it is."""
        self.net, self._outdated, self._radius = net, False, None
        self.units.value, self.activation.value = len(net.W_hh), net.activation
        for slider, value in ((self.norm, spectral_norm(net.W_hh)), (self.radius, spectral_radius(net.W_hh))):
            slider.max, slider.value = max(slider.max, value), value
        alike = bool((net.b_h == net.b_h[0]).all())
        self.bias.value, self.bias.disabled = net.b_h[0] if alike else 0.0, not alike
        self._tell_given()

    def _tell_given(self, lost: str = "") -> None:
        """Say what no slider says."""
        net, says = self.net, [lost]
        if (net.b_h != net.b_h[0]).any():
            says.append(f"The units have a bias each: {_listed(net.b_h)}.")
        if net.h_init.any():
            listed = _listed(net.h_init[:MOST_LISTED]) + (", …" if len(net.h_init) > MOST_LISTED else "")
            says.append(f"The units start from the state {listed}.")
        self.given.value = " ".join(filter(None, says))

    def _use_drawn(self) -> None:
        """Draw weights with the norm and radius of the sliders; what cannot be leaves the network."""
        H, rng = self.units.value, np.random.default_rng(0)
        W, bias = matrix_with(self.radius.value, self.norm.value, H, rng), np.full(H, self.bias.value)
        h_init, outputs = rng.normal(0, 0.5, H), (np.eye(H), np.zeros(H))
        had_each = (self.net.b_h != self.net.b_h[0]).any()
        self.net = RNN(np.zeros((H, 1)), W, bias, *outputs, h_init, self.activation.value)
        self._outdated, self._radius, self.bias.disabled = False, self.radius.value, False
        with self.setting():
            self._tell_given(f"All units have the bias {self.bias.value:g} now." if had_each else "")


def _listed(numbers: ArrayLike) -> str:
    return ", ".join(f"{number:.3g}".replace("-", "−") for number in numbers)


def _product(net: RNN, x: ArrayLike) -> Scene:
    return product_scene(product_of_jacobians(run(net, x)))


def _slider(name: str, most: float, layout: dict) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(
        value=0, min=0, max=most, step=0.05, description=name, layout=layout, continuous_update=False
    )
