"""The widget that plays any scene in a notebook."""

from collections.abc import Callable
from pathlib import Path

import anywidget
import ipywidgets
import traitlets

from course_utils.scenes.scene import Scene

_HERE = Path(__file__).parent
_SCENE_CSS = _HERE.parent / "scenes" / "scene.css"


class _Readable:
    """Shows the caption and the numbers of a scene wherever a live widget cannot be shown."""

    def shown(self) -> Scene:
        raise NotImplementedError

    def __repr__(self) -> str:
        scene = self.shown()
        return f"<{type(self).__name__}: {scene.title}, {len(scene.steps)} steps>"

    def _repr_mimebundle_(self, **kwargs):
        bundle, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {}), {}
        if isinstance(bundle, tuple):
            bundle, metadata = bundle
        return {**bundle, "text/plain": repr(self), "text/html": self.shown().table.to_html()}, metadata


class Stepper(_Readable, anywidget.AnyWidget):
    """Plays a scene: previous, next, play, scrub, hover for a derivation, click to jump to where it was made.

    All steps travel to the browser once; stepping needs no kernel.

    Parameters
    ----------
    scene
        What to play.
    edit
        Called with a mark and the new number when the reader changes one of the numbers that the scene marks as
        editable; returns the new scene. A ValueError that it raises is shown to the reader. Without it,
        no number can be changed.
    step
        Where to start.

    Attributes
    ----------
    step : int
        The step that is shown, synced both ways.
    """

    _esm = _HERE / "stepper.js"
    _css = _SCENE_CSS.read_text("utf-8") + (_HERE / "stepper.css").read_text("utf-8")

    scene = traitlets.Dict().tag(sync=True)
    # No echo: it would bring back the step of a moment ago to a reader who has stepped on since.
    step = traitlets.Int(0).tag(sync=True, echo_update=False)
    editable = traitlets.Bool(False).tag(sync=True)

    def __init__(self, scene: Scene, *, edit: Callable[[str, float], Scene] | None = None, step: int = 0):
        self._scene = scene
        self._edit = edit
        super().__init__(scene=scene.to_json(), step=step, editable=edit is not None)
        self.on_msg(self._on_message)

    def shown(self) -> Scene:
        """Return the scene that is played now."""
        return self._scene

    def show(self, scene: Scene) -> None:
        """Play another scene from the same step, or from its last one if it has fewer."""
        self._scene = scene
        step = min(self.step, len(scene.steps) - 1)
        with self._lock_property(
            step=step
        ):  # not sent: the reader may have stepped on, and every view keeps to its end
            self.step = step
        self.scene = scene.to_json()

    @traitlets.validate("step")
    def _keep_in_range(self, proposal):
        return min(max(proposal.value, 0), len(self._scene.steps) - 1)

    def _on_message(self, _, content, buffers):
        refused = ""
        try:
            self.show(self._edit(content["mark"], content["value"]))
        except Exception as error:  # silence would leave the reader waiting for an answer
            refused = str(error) or type(error).__name__
        self.send({"view": content.get("view"), "refused": refused})


class Workbench(_Readable, ipywidgets.VBox):
    """A stepper below the controls that choose what it shows."""

    def __init__(self, stepper: Stepper, *controls: ipywidgets.Widget):
        self.stepper = stepper
        row = ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"})
        super().__init__([row, stepper])

    def shown(self) -> Scene:
        """Return the scene that the stepper plays now."""
        return self.stepper.shown()
