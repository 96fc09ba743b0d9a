"""The stepper and the explorer of chapter 1."""

import ipywidgets
import numpy as np

from course_utils.notebook.explorer import Explorer
from course_utils.scenes.dependency import MOST, dependency_scene
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper
from course_utils.structures import STRUCTURES, Feed, Structure, dependence, jacobian, network


def dependency_stepper(
    structure: Structure,
    T: int = 5,
    *,
    S: int | None = None,
    width: int = 3,
    feed: Feed = "at every step",
    seed: int = 0,
) -> Stepper:
    """Step through the outputs of a structure and see which inputs each one answers to.

    Parameters are those of :func:`course_utils.structures.network`; the strengths are those of its Jacobian at a
    random input.
    """
    return Stepper(_scene(structure, T, S, width, feed, seed))


def dependency_explorer() -> Explorer:
    """Choose a structure and its sizes, and step through its outputs."""
    structure = ipywidgets.Dropdown(options=STRUCTURES, description="Structure", layout={"width": "280px"})
    structure.value = "time-synchronous"
    counts = {"options": range(1, MOST + 1), "value": 5, "layout": {"width": "160px"}}  # of which none can be mistyped
    T = ipywidgets.Dropdown(description="Outputs T", **counts)
    S = ipywidgets.Dropdown(description="Inputs S", **counts)
    width = ipywidgets.IntSlider(value=3, min=1, max=MOST, description="Width", continuous_update=False)
    feed = ipywidgets.Dropdown(options=Feed.__args__, description="Feed", layout={"width": "260px"})

    def switch(_=None):
        """Only what the structure has can be chosen."""
        T.disabled = structure.value == "many to one"
        S.disabled = structure.value not in ("many to one", "encoder-decoder")
        feed.disabled = structure.value != "one to many"

    structure.observe(switch, "value")
    switch()
    return Explorer(
        lambda: _scene(structure.value, T.value, S.value, width.value, feed.value, 0), structure, T, S, width, feed
    )


def _scene(structure: Structure, T: int, S: int | None, width: int, feed: Feed, seed: int) -> Scene:
    net = network(structure, T, S=S, width=width, feed=feed, seed=seed)
    x = np.random.default_rng(seed + 1).normal(size=(net.S, net.D))
    J = jacobian(net, x)
    rows, columns = net.T * J.shape[1], net.S * net.D
    rank = np.linalg.matrix_rank(J.reshape(rows, columns))
    note = f"The whole Jacobian, {rows} × {columns}, has rank {rank}."
    if structure == "encoder-decoder":
        through = f"{width} numbers" if width > 1 else "a single number"
        note += f" All that the outputs know of the inputs goes through {through}, so it cannot be more than {width}."
    title = structure if structure != "one to many" else f"{structure}, input {feed}"
    return dependency_scene(dependence(net, x), title[0].upper() + title[1:], note)
