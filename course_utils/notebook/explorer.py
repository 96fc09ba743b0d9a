"""A stepper below controls that choose what it shows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import ipywidgets

from course_utils.scenes.edits import Place
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper, Workbench


class Explorer(Workbench):
    """A stepper that follows some controls; what they ask for and cannot be drawn is said below them.

    Parameters
    ----------
    scene
        Makes the scene from what the controls and the numbers say now.
    controls
        All that it depends on. When one changes, the scene is made anew.
    edit
        As for :class:`course_utils.stepper.stepper.Stepper`.
    reset
        Likewise.
    presets
        For controls that choose a whole case: what to do with a new value, such as setting the other controls. The
        scene is drawn once, and played from its first step.
    before
        For other controls that do more than being read: what to do with the change before the scene is drawn.
    """

    def __init__(
        self,
        scene: Callable[[], Scene],
        *controls: ipywidgets.Widget,
        edit: Callable[[Place, Any], Scene] | None = None,
        reset: Callable[[], Scene] | None = None,
        presets: Mapping[ipywidgets.Widget, Callable[[Any], None]] | None = None,
        before: Mapping[ipywidgets.Widget, Callable[[ipywidgets.Widget], None]] | None = None,
    ):
        self.scene, self.message = scene, ipywidgets.HTML()
        self._presets, self._before, self._setting = presets or {}, before or {}, False
        for control in controls:
            control.observe(self._on_change, "value")
        super().__init__(Stepper(scene(), edit=edit, reset=reset), *controls, self.message)

    @contextmanager
    def setting(self) -> Iterator[None]:
        """Set controls without drawing anything in between."""
        self._setting = True
        try:
            yield
        finally:
            self._setting = False

    def redraw(self) -> None:
        """Draw what the controls say, or say why it cannot be drawn."""
        try:
            self.stepper.play(self.scene())
            self.message.value = ""
        except ValueError as error:
            self.message.value = f"<span role='alert'>{escape(str(error))}</span>"

    def _on_change(self, change) -> None:
        if self._setting:
            return
        control = change["owner"]
        with self.setting():
            if control in self._presets:
                self._presets[control](change["new"])
                self.stepper.step = 0
            elif control in self._before:
                self._before[control](control)
        self.redraw()
