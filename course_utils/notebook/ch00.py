"""The stepper of chapter 0."""

from itertools import accumulate

from course_utils.scenes.edits import Place
from course_utils.scenes.running_sum import running_sum_scene
from course_utils.scenes.scene import Scene
from course_utils.stepper.stepper import Stepper


def sum_stepper(*x: float) -> Stepper:
    """Step through a running sum; drag or type a number and the sums follow."""
    now = list(x)

    def scene() -> Scene:
        return running_sum_scene(now, list(accumulate(now)))

    def edit(place: Place, value: float) -> Scene:
        now[place[1]] = value
        return scene()

    def reset() -> Scene:
        now[:] = x
        return scene()

    return Stepper(scene(), edit=edit, reset=reset)
