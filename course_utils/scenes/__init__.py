"""Pictures: pure functions from the result of an algorithm to a :class:`Scene`."""

from course_utils.scenes.scene import Hint, Mark, Scene, Step, Table

__all__ = ["Hint", "Mark", "Scene", "Step", "Table"]
