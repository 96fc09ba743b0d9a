"""What the notebooks call: one line for each stepper."""

from course_utils.exercises import check
from course_utils.notebook.ch08 import strip_stepper, training_stepper, viterbi_explorer, viterbi_stepper
from course_utils.notebook.ch09 import (
    beam_stepper,
    collapse_explorer,
    collapse_stepper,
    ctc_explorer,
    ctc_stepper,
    decoder_explorer,
    greedy_stepper,
    reading_figure,
)
from course_utils.notebook.editing import with_probability
from course_utils.notebook.pictures import LiveCurves, show

__all__ = [
    "LiveCurves",
    "beam_stepper",
    "check",
    "collapse_explorer",
    "collapse_stepper",
    "ctc_explorer",
    "ctc_stepper",
    "decoder_explorer",
    "greedy_stepper",
    "reading_figure",
    "show",
    "strip_stepper",
    "training_stepper",
    "viterbi_explorer",
    "viterbi_stepper",
    "with_probability",
]
