"""The explorers and pictures of chapter 10."""

from collections.abc import Mapping, Sequence
from math import atan2, hypot

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.cliff import Cliff, cliff, descend
from course_utils.linear_recurrence import Powers, orbit, pair, pulse_response
from course_utils.lyapunov import scan_gains
from course_utils.measured import load
from course_utils.notebook.explorer import Explorer
from course_utils.scalar_unit import fold, orbit_of, sweep
from course_utils.scenes.cliff import cliff_scene
from course_utils.scenes.cobweb import cobweb_scene
from course_utils.scenes.edits import Place
from course_utils.scenes.eigenvalues import eigenvalues_scene
from course_utils.scenes.gains import gains_scene
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper

OWN = "your own"
# Radius, angle in degrees, shear, activation.
PAIRS = {
    "inside of the circle": (0.9, 35, 1.0, "identity"),
    "on the circle": (1.0, 35, 1.0, "identity"),
    "outside": (1.08, 35, 1.0, "identity"),
    "negative": (0.9, 180, 1.0, "identity"),
    "the first one again, sheared": (0.9, 35, 6.0, "identity"),
    "outside, with tanh": (1.2, 35, 1.0, "tanh"),
}
# Weight, bias, first state.
UNITS = {
    "w = 0.5": (0.5, 0.0, 1.0),
    "w = 2": (2.0, 0.0, 0.1),
    "w = 2, b = −0.3": (2.0, -0.3, 0.1),
    "w = 2, b = −0.6": (2.0, -0.6, 1.0),
    "w = 2, b = −0.54": (2.0, -0.54, 1.0),
    "w = −1.5": (-1.5, 0.0, 0.1),
}
STEPS, DESCENT_STEPS = 30, 40
CORNERS = ((3.8, -3.2), (5.4, -1.4))  # (w, b) of the cliff that is drawn
START, LEARNING_RATE = (4.7, -2.2), 0.02
GAINS = np.round(np.arange(0.4, 2.5, 0.2), 1)


def eigenvalue_explorer() -> Explorer:
    """Choose a case or move the pair in the complex plane, and step through what two units do with a pulse."""
    return EigenvalueExplorer()


class EigenvalueExplorer(Explorer):
    """Two units whose eigenvalues are moved in the plane; touching anything but the case makes them the reader's own."""

    def __init__(self):
        self.case = ipywidgets.Dropdown(options=[*PAIRS, OWN], description="Case", layout={"width": "280px"})
        self.shear = ipywidgets.FloatSlider(
            value=1, min=1, max=10, step=0.5, description="Shear", layout={"width": "300px"}, continuous_update=False
        )
        self.activation = ipywidgets.Dropdown(
            options=[("linear", "identity"), ("tanh", "tanh")], description="Units", layout={"width": "200px"}
        )
        self._take(self.case.value)
        super().__init__(
            self._draw, self.case, self.shear, self.activation, edit=self._edit, reset=self._reset,
            presets={self.case: self._take}, before=dict.fromkeys((self.shear, self.activation), self._make_own),
        )  # fmt: skip

    def _draw(self) -> Scene:
        W = pair(hypot(*self.point), atan2(self.point[1], self.point[0]), self.shear.value)
        return eigenvalues_scene(pulse_response(W, STEPS, self.activation.value))

    def _take(self, name: str) -> None:
        if name != OWN:
            self._chosen = name
            radius, degrees, self.shear.value, self.activation.value = PAIRS[name]
            angle = np.deg2rad(degrees)
            self.point = (radius * float(np.cos(angle)), radius * abs(float(np.sin(angle))))

    def _make_own(self, _: ipywidgets.Widget) -> None:
        self.case.value = OWN

    def _edit(self, place: Place, value: tuple[float, float]) -> Scene:
        self.point = value
        with self.setting():
            self.case.value = OWN
        return self._draw()

    def _reset(self) -> Scene:
        with self.setting():
            self.case.value = self._chosen
            self._take(self._chosen)
        return self._draw()


def cobweb_explorer() -> Explorer:
    """Choose a unit or change its numbers, and step through its cobweb."""
    case = ipywidgets.Dropdown(options=list(UNITS), description="Case", layout={"width": "280px"})
    numbers = dict(zip("wbh", UNITS[case.value], strict=True))

    def scene() -> Scene:
        return cobweb_scene(orbit_of(numbers["w"], numbers["b"], numbers["h"], STEPS))

    def take(name: str) -> None:
        numbers.update(zip("wbh", UNITS[name], strict=True))

    def edit(place: Place, value: float) -> Scene:
        numbers[place[0]] = value
        return scene()

    def reset() -> Scene:
        take(case.value)
        return scene()

    return Explorer(scene, case, edit=edit, reset=reset, presets={case: take})


def cobweb_stepper(w: float, b: float, h_init: float, T: int = STEPS) -> Stepper:
    """Step through the cobweb of one unit.

    Parameters
    ----------
    w, b
        Weight and bias.
    h_init
        First state.
    T
        Number of steps, at most 40.
    """
    return Stepper(cobweb_scene(orbit_of(w, b, h_init, T)))


def gain_explorer() -> Explorer:
    """Choose how many units a random network has, and step through its gains."""
    units = ipywidgets.SelectionSlider(options=(5, 10, 20, 50, 100, 200), value=100, description="Units")
    seed = ipywidgets.BoundedIntText(value=0, min=0, max=9999, description="Seed", layout={"width": "170px"})
    return Explorer(lambda: gains_scene(scan_gains(GAINS, units.value, np.random.default_rng(seed.value))), units, seed)


def cliff_explorer() -> Explorer:
    """Move the start, choose how to clip, and step two descents over the cliff."""
    limit = ipywidgets.Dropdown(
        options=[("1", 1.0), ("2", 2.0), ("5", 5.0), ("20", 20.0)],
        value=1.0,
        description="Limit",
        layout={"width": "170px"},
    )
    by = ipywidgets.Dropdown(
        options=[("the norm", "norm"), ("each number", "value")], description="Clip", layout={"width": "220px"}
    )
    rate = ipywidgets.FloatSlider(
        value=LEARNING_RATE, min=0.005, max=0.1, step=0.005, readout_format=".3f", description="Rate", layout={"width": "280px"}, continuous_update=False
    )  # fmt: skip
    surface, start = _surface(), list(START)

    def scene() -> Scene:
        plain = descend(*start, DESCENT_STEPS, rate.value)
        clipped = descend(*start, DESCENT_STEPS, rate.value, limit.value, by.value)
        how = f"by {'norm' if by.value == 'norm' else 'number'} to {limit.value:g}"
        return cliff_scene(surface, CORNERS, {"plain": plain, "clipped": clipped}, how)

    def edit(place: Place, value: tuple[float, float]) -> Scene:
        start[:] = value
        return scene()

    def reset() -> Scene:
        start[:] = START
        return scene()

    return Explorer(scene, limit, by, rate, edit=edit, reset=reset)


def _surface(rows: int = 60) -> Cliff:
    """Return the errors in the middle of each little rectangle of the picture."""
    share = (np.arange(rows) + 0.5) / rows
    (w_low, b_low), (w_high, b_high) = CORNERS
    return cliff(w_low + (w_high - w_low) * share[None, :], b_low + (b_high - b_low) * share[:, None])


def gelfand_figure(powers: Mapping[str, Powers]) -> Figure:
    """Draw the norms of the powers of some matrices, and their n-th roots, which come down to the radius."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for k, (name, found) in enumerate(powers.items()):
        n = np.arange(len(found.log_norm))
        left.semilogy(n, np.exp(found.log_norm), "-", color=f"C{k}", label=name)
        right.plot(n[1:], found.gelfand, "-", color=f"C{k}")
        right.axhline(found.radius, color=f"C{k}", linestyle=":", linewidth=1)
    left.set(xlabel="n", ylabel="norm of Wⁿ")
    right.set(xlabel="n", ylabel="its n-th root")
    left.legend(frameon=False)
    return figure


def hysteresis_figure(w: float, biases: ArrayLike) -> Figure:
    """Sweep the bias of one unit up and down, and draw where it settles."""
    biases = np.asarray(biases, dtype=float)
    up, down = sweep(w, biases, -1), sweep(w, biases[::-1], 1)[::-1]
    figure, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    axes.plot(biases, up, "o-", markersize=3, color="C0", label="bias going up")
    axes.plot(biases, down, "s--", markersize=3, color="C1", label="bias going down")
    if w > 1:
        for b in (-fold(w), fold(w)):
            axes.axvline(b, color="0.5", linewidth=1, linestyle=":")
            axes.text(b, -1.28, f"{b:.4f}".replace("-", "−"), ha="center", fontsize=9)
    axes.set(xlabel="bias b", ylabel="where the unit settles", ylim=(-1.35, 1.15))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def memory_figure(curves: Mapping[str, ArrayLike], lags: int) -> Figure:
    """Draw how well the input can be read from the state after some steps, for each kind of unit."""
    figure, axes = plt.subplots(figsize=(7.5, 3.3), layout="constrained")
    for name, curve in curves.items():
        axes.plot(np.arange(lags), np.asarray(curve)[:lags], label=name)
    axes.set(xlabel="steps since the input", ylabel="squared correlation", ylim=(-0.03, 1.05))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def remedies_figure() -> Figure:
    """Draw what each remedy reaches at each lag, as measured ahead: the mean of the seeds, and each of them."""
    found = load("remedies")
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    styles = ("o-", "s-", "s--", "^--", "v--", "D--")
    for k, ((name, accuracy), style) in enumerate(zip(found["accuracy"].items(), styles, strict=True)):
        axes.plot(found["lags"], np.mean(accuracy, axis=1), style, color=f"C{k}", markersize=5, label=name)
    axes.axhline(0.25, color="0.5", linestyle=":", linewidth=1)
    axes.text(found["lags"][0], 0.26, "guessing", color="0.4", va="bottom")
    axes.set(xscale="log", xlabel="lag", ylabel="accuracy, mean of the seeds", ylim=(0, 1.05))
    axes.set_xticks(found["lags"], [str(lag) for lag in found["lags"]])
    axes.minorticks_off()
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def orbits_figure() -> Figure:
    """Draw four orbits of two units from one state, without saying which matrix each belongs to."""
    figure, every = plt.subplots(1, 4, figsize=(9.5, 2.6), layout="constrained")
    for k, (axes, (radius, shear)) in enumerate(zip(every, ((0.9, 1), (1, 1), (1.06, 1), (0.9, 6)), strict=True)):
        states = orbit(pair(radius, np.deg2rad(35), shear), [0, 1], STEPS)
        axes.plot(*states.T, "o-", color=f"C{k}", markersize=3, linewidth=1)
        axes.plot(*states[0], "o", color="0.1", markersize=6)
        reach = 1.1 * np.abs(states).max()
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="unit 0")
    every[0].set_ylabel("unit 1")
    return figure


def bifurcation_figure(biases: Sequence[float], largest: float = 2.5) -> Figure:
    """Draw the fixed points of one unit against its weight, for some biases: solid where stable, dashed where not."""
    figure, every = plt.subplots(1, len(biases), figsize=(4.2 * len(biases), 3.2), layout="constrained", squeeze=False)
    h = np.linspace(-0.9999, 0.9999, 4001)
    for axes, b in zip(every[0], biases, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            w = (np.arctanh(h) - b) / h  # the weight with which each h is a fixed point
        seen = (w > -0.2) & (w < largest)
        stable = seen & (np.abs(w * (1 - h * h)) < 1)
        for which, style in ((stable, "-"), (seen & ~stable, "--")):
            axes.plot(np.where(which, w, np.nan), h, style, color="C0")
        if b == 0:  # h = 0 is one with every weight
            axes.plot([-0.2, 1], [0, 0], "-", color="C0")
            axes.plot([1, largest], [0, 0], "--", color="C0")
        axes.set(xlabel="weight w", title=f"b = {b:g}", xlim=(-0.2, largest), ylim=(-1.05, 1.05))
    every[0][0].set_ylabel("fixed points")
    return figure
