"""The steppers, explorers and pictures of chapter 11."""

from collections.abc import Mapping

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from course_utils import gru, lstm
from course_utils.cell_path import cell_path
from course_utils.examples import GATED_X, GRU_CELL, LSTM_CELL
from course_utils.gated_machines import accepts, half_life, read
from course_utils.gru import GRU
from course_utils.jacobians import product_of_jacobians
from course_utils.lstm import LSTM
from course_utils.measured import load
from course_utils.notebook.explorer import Explorer, taken_as
from course_utils.rnn import RNN, run
from course_utils.scenes.cell_path import cell_path_scene
from course_utils.scenes.counter import counter_scene
from course_utils.scenes.edits import Place
from course_utils.scenes.gru import gru_backward_scene, gru_scene
from course_utils.scenes.lstm import lstm_backward_scene, lstm_scene
from course_utils.scenes.scene import Scene
from course_utils.scenes.wording import number
from course_utils.stepper.stepper import Stepper

CELLS = {
    "LSTM": LSTM_CELL,
    "GRU, reset after the product": GRU_CELL,
    "GRU, reset before the product": GRU_CELL.with_parameters(reset="before"),
}
FORWARD, BACKWARD = "forward", "backward"
DISTANCE, PATH_UNITS, PATH_INPUTS = 100, 16, 4


class CellNumbers:
    """A cell with gates, its inputs and its start, as the reader has changed them."""

    def __init__(self, params: LSTM | GRU, x: ArrayLike, back: bool = False):
        self.back = back
        self.load(params, x)

    def load(self, params: LSTM | GRU, x: ArrayLike) -> None:
        """Begin anew with another cell."""
        x = np.array(x, dtype=float)
        starts = {name: np.zeros(params.H) for name in ("h", "c")}
        self.now = self.original = params, x, starts

    def scene(self) -> Scene:
        """Draw the numbers as they are now."""
        return self._drawn(*self.now)

    def reset(self) -> Scene:
        """Take all changes back."""
        self.now = self.original
        return self.scene()

    def edit(self, place: Place, value: float) -> Scene:
        """Change the one at a name and indices, such as ("W_h", 0, 1), ("x", t, 0) or ("c", 0); what cannot be drawn leaves all."""
        name, *at = place
        params, x, starts = self.now
        if name == "x":
            x = _with(x, at, value)
        elif name in starts:
            starts = {**starts, name: _with(starts[name], at, value)}
        else:
            old = params.parameters[name]
            params = params.with_parameters(**{name: _with(old, at[: old.ndim], value)})
        scene = self._drawn(params, x, starts)
        self.now = params, x, starts
        return scene

    def _drawn(self, params: LSTM | GRU, x: NDArray, starts: Mapping[str, NDArray]) -> Scene:
        """Draw a cell; on the way back the loss is the sum of the last state."""
        end = np.zeros((len(x), params.H))
        end[-1] = 1
        if isinstance(params, LSTM):
            found = lstm.forward(params, x, starts["h"], starts["c"])
            if not self.back:
                return lstm_scene(params, found)
            return lstm_backward_scene(params, found, lstm.backward(params, found, end))
        found = gru.forward(params, x, starts["h"])
        if not self.back:
            return gru_scene(params, found)
        return gru_backward_scene(params, found, gru.backward(params, found, end))


def _with(values: NDArray, at: list[int], value: float) -> NDArray:
    changed = values.copy()
    changed[tuple(at)] = value
    return changed


def cell_stepper(params: LSTM | GRU, x: ArrayLike, back: bool = False) -> Stepper:
    """Step through an LSTM or a GRU, number by number; drag or type a weight, an input or the start.

    Parameters
    ----------
    params
        Of 1 or 2 units and inputs.
    x
        (T, D), 1 ≤ T ≤ 6.
    back
        Whether to go back from the last state to all weights, instead of forward.
    """
    numbers = CellNumbers(params, x, back)
    return Stepper(numbers.scene(), edit=numbers.edit, reset=numbers.reset)


def cell_explorer(cell: str = "LSTM", direction: str = FORWARD) -> Explorer:
    """Choose a cell and a direction, and step through it."""
    which = ipywidgets.Dropdown(options=list(CELLS), value=cell, description="Cell", layout={"width": "290px"})
    way = ipywidgets.Dropdown(
        options=[FORWARD, BACKWARD], value=direction, description="Way", layout={"width": "200px"}
    )
    numbers = CellNumbers(CELLS[cell], GATED_X, direction == BACKWARD)

    def take(name: str) -> None:
        numbers.load(CELLS[name], GATED_X)

    def turn(direction: str) -> None:
        numbers.back = direction == BACKWARD

    return Explorer(numbers.scene, which, way, edit=numbers.edit, reset=numbers.reset, presets={which: take, way: turn})


def forget_bias_explorer() -> Explorer:
    """Choose the bias of the forget gates, and see how far back a derivative reaches along the cells."""
    bias = ipywidgets.FloatSlider(
        value=1, min=-2, max=8, step=0.5, description="Forget bias", layout={"width": "330px"}, continuous_update=False
    )
    scale = ipywidgets.Dropdown(
        options=[("none", 0.0), ("small", 0.3), ("as drawn for training", 1.0)], value=0.3, description="Weights", layout={"width": "280px"}
    )  # fmt: skip

    plain = _plain_product(np.random.default_rng(0).normal(size=(DISTANCE, PATH_INPUTS)))

    def scene() -> Scene:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(DISTANCE, PATH_INPUTS))
        net = lstm.random_lstm(rng, PATH_INPUTS, PATH_UNITS, scale.value, bias.value)
        path = cell_path(net, lstm.forward(net, x))
        steps = number(half_life(bias.value), 3)
        title = f"A derivative on its way back, forget bias {number(bias.value, 3)}"
        about = f"A gate of σ({number(bias.value, 3)}) in each step would halve a change every {steps} steps."
        return cell_path_scene({"kept": path.log_kept, "whole": path.log_whole, "plain": plain}, title, about)

    return Explorer(scene, bias, scale)


def _plain_product(x: NDArray) -> NDArray[np.float64]:
    """Norms of the products of Jacobians of a plain network that begins as PyTorch's does, by distance."""
    rng, H = np.random.default_rng(1), PATH_UNITS
    W_xh, W_hh = (rng.uniform(-1, 1, size=(H, n)) / np.sqrt(H) for n in (x.shape[1], H))
    net = RNN(W_xh, W_hh, np.zeros(H), np.eye(H), np.zeros(H))
    return product_of_jacobians(run(net, x)).log_norm


def counter_explorer() -> Explorer:
    """Type a word of a and b and a strength, and step through the counter."""
    word = ipywidgets.Text(value="aaabbb", description="Word", continuous_update=False, layout={"width": "240px"})
    strength = ipywidgets.FloatSlider(
        value=10, min=2, max=40, step=1, description="Strength", layout={"width": "300px"}, continuous_update=False
    )

    def taken() -> str:
        return word.value.strip().lower()

    def scene() -> Scene:
        run = read(taken(), strength.value)
        return counter_scene(taken(), run, accepts(run))

    return Explorer(
        scene, word, strength,
        remark=lambda: taken_as(word.value, taken()),
    )  # fmt: skip


def copying_figure() -> Figure:
    """Draw what each network reaches on the delayed copy and on the adding problem, as measured ahead."""
    copy, sums = load("copying"), load("sums")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    styles = ("o--", "s--", "^:", "v-", "D:", "P-")
    for k, (name, style) in enumerate(zip(copy["accuracy"], styles, strict=True)):
        left.plot(copy["lags"], np.mean(copy["accuracy"][name], axis=1), style, color=f"C{k}", markersize=5, label=name)
        right.plot(sums["steps"], np.mean(sums["error"][name], axis=1), style, color=f"C{k}", markersize=5)
    left.set(ylabel="accuracy, mean of three seeds", xlabel="lag", title="delayed copy", ylim=(0, 1.05))
    right.set(ylabel="squared error, mean of two seeds", xlabel="steps", title="adding problem", yscale="log")
    for axes, ticks in ((left, copy["lags"]), (right, sums["steps"])):
        axes.set_xscale("log")
        level, words = (0.25, "guessing") if axes is left else (1 / 6, "always 1")
        axes.axhline(level, color="0.5", linestyle=":", linewidth=1)
        axes.text(ticks[0], level, words, color="0.4", va="bottom")
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    figure.legend(*left.get_legend_handles_labels(), frameon=False, loc="outside right center")
    return figure


def reach_figure(sizes: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """Draw how large the gradient of a state is by its distance from the loss, before and after training.

    Parameters
    ----------
    sizes
        For each network two (T + 1,) curves, from the last step back, relative to the last.
    """
    figure, every = plt.subplots(1, len(sizes), figsize=(3.1 * len(sizes), 3), layout="constrained", sharey=True)
    for axes, (name, (before, after)) in zip(np.atleast_1d(every), sizes.items(), strict=True):
        axes.semilogy(before, "--", color="C0", label="before training")
        axes.semilogy(after, "-", color="C1", label="after")
        axes.set(xlabel="steps before the loss", title=name, ylim=(1e-14, 1e2))
    np.atleast_1d(every)[0].set_ylabel("size of the gradient")
    np.atleast_1d(every)[0].legend(frameon=False)
    return figure
