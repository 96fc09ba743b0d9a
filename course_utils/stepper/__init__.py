"""The one widget that plays any scene, and the page that plays it without a kernel."""

from course_utils.stepper.stepper import Stepper, Workbench

__all__ = ["Stepper", "Workbench"]
