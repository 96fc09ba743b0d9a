"""The widget that plays any scene in a notebook."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import ipywidgets
import traitlets

from course_utils.scenes.edits import Place
from course_utils.scenes.scene import Scene
from course_utils.stepper import script, styles


class _Readable:
    """Shows the caption and the numbers of a scene wherever a live widget cannot be shown."""

    def shown(self) -> Scene:
        raise NotImplementedError

    def __repr__(self) -> str:
        scene = self.shown()
        return f"<{type(self).__name__}: {scene.title}, {scene.last_step + 1} steps>"

    def _repr_mimebundle_(self, **kwargs):
        bundle, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {}), {}
        if isinstance(bundle, tuple):
            bundle, metadata = bundle
        return {**bundle, "text/plain": repr(self), "text/html": self._folded()}, metadata

    def _folded(self) -> str:
        """Return the numbers out of sight: they answer what the reader is to predict before the picture is there."""
        scene = self.shown()
        summary = f"{escape(scene.title)}: the numbers, with the answers"
        return f"<details><summary>{summary}</summary>{scene.table.to_html()}</details>"


class _Player(anywidget.AnyWidget):
    """The player's code, of which a kernel has one: with each stepper it would be 50 kB more in a saved notebook."""

    _esm = script()
    _css = styles()

    shared: ClassVar["_Player | None"] = None

    @classmethod
    def get(cls) -> "_Player":
        if cls.shared is None or cls.shared.comm is None:  # somebody has closed all widgets
            cls.shared = cls()
        return cls.shared


class Stepper(_Readable, anywidget.AnyWidget):
    """Plays a scene: previous, next, play, scrub, hover for a derivation, click to jump to where it was made.

    All steps travel to the browser once; stepping needs no kernel.

    Parameters
    ----------
    scene
        What to play.
    edit
        Called with the place of one of the scene's ``edits`` and its new value when the reader changes it; returns the
        new scene. A ValueError that it raises is shown to the reader. Without it, nothing can be changed.
    reset
        Returns the scene of the numbers as they were before anything was changed. Without it, the reader cannot go back
        to them at once.
    step
        Where to start.

    Attributes
    ----------
    step : int
        The step that is shown, synced both ways.
    """

    _esm = Path(__file__).with_name("loader.js").read_text("utf-8")

    player = anywidget.WidgetTrait().tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)
    # No echo: it would bring back the step of a moment ago to a reader who has stepped on since.
    step = traitlets.Int(0).tag(sync=True, echo_update=False)
    editable = traitlets.Bool(False).tag(sync=True)
    resettable = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        scene: Scene,
        *,
        edit: Callable[[Place, Any], Scene] | None = None,
        reset: Callable[[], Scene] | None = None,
        step: int = 0,
    ):
        self._scene, self._edit, self._reset, self._shortening = scene, edit, reset, False
        super().__init__(
            player=_Player.get(), scene=scene.to_json(), step=step,
            editable=edit is not None, resettable=reset is not None,
        )  # fmt: skip
        self.on_msg(self._on_message)

    def shown(self) -> Scene:
        """Return the scene that is played now."""
        return self._scene

    def play(self, scene: Scene) -> None:
        """Play another scene from the same step, or from its last one if it has fewer."""
        self._scene, self._shortening = scene, True
        self.step = min(self.step, scene.last_step)
        self._shortening = False
        self.scene = scene.to_json()

    def notify_change(self, change) -> None:
        """Tell the browser of every change but of a step that a shorter scene has made: every view keeps to its end.

        The reader may have stepped on since, and would be taken back.
        """
        if change["name"] == "step" and self._shortening:
            traitlets.HasTraits.notify_change(self, change)
        else:
            super().notify_change(change)

    @traitlets.validate("step")
    def _keep_in_range(self, proposal):
        return min(max(proposal.value, 0), self._scene.last_step)

    def _on_message(self, _, content, buffers):
        refused = ""
        try:
            self.play(self._reset() if content["mark"] is None else self._edited(content["mark"], content["value"]))
        except Exception as error:  # silence would leave the reader waiting for an answer
            refused = str(error) or type(error).__name__
        self.send({"view": content.get("view"), "refused": refused})

    def _edited(self, mark: str, value: Any) -> Scene:
        edit = self._scene.edits.get(mark)
        if edit is None:
            raise ValueError("what you have changed is not in the picture any more")
        return self._edit(edit.place, edit.check(value))


class Workbench(_Readable, ipywidgets.VBox):
    """A stepper below the controls that choose what it shows."""

    def __init__(self, stepper: Stepper, *controls: ipywidgets.Widget):
        self.stepper = stepper
        row = ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"})
        super().__init__([row, stepper])
        self.add_class("rc-workbench")  # by which the stepper's view finds the controls, to keep their keys to them

    def shown(self) -> Scene:
        """Return the scene that the stepper plays now."""
        return self.stepper.shown()
