"""A stepper below controls that choose what it shows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from re import sub
from typing import Any

import ipywidgets

from course_utils.scenes.edits import Place
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper, Workbench

STAYS = "The picture stays as it was."
_LONGEST = 24  # letters without a space, of what a reader typed, in a message


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
    remark
        Says what the reader has to know of what is drawn, such as that it is not quite what was typed; "" for nothing.
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
        remark: Callable[[], str] = str,
    ):
        self.scene, self.message = scene, ipywidgets.HTML()
        self._remark = remark
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
            self.say(self._remark())
        except ValueError as error:
            self.say(f"{_in_short(str(error))}. {STAYS}")

    def say(self, text: str) -> None:
        """Say something below the controls, or nothing."""
        self.message.value = f"<span role='alert'>{escape(text)}</span>" if text else ""

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


def _in_short(text: str) -> str:
    """Cut what a reader typed without end, which the message repeats."""
    return sub(rf"\S{{{_LONGEST + 1},}}", lambda long: long[0][:_LONGEST] + "…", text)


def taken_as(typed: str, taken: str) -> str:
    """Say that what was typed is taken as something else; "" where it is not."""
    return "" if typed == taken else f"“{typed}” is taken as “{taken}”."
