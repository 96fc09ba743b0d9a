"""Pictures: pure functions from the result of an algorithm to a :class:`course_utils.scenes.scene.Scene`."""
