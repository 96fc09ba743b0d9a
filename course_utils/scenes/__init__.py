"""Pictures: pure functions from the result of an algorithm to a :class:`Scene`."""

from course_utils.scenes.scene import Edit, Hint, Mark, Scene, Step, Table

__all__ = ["Edit", "Hint", "Mark", "Scene", "Step", "Table"]
