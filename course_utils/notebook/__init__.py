"""What the notebooks call: one line for each stepper."""

from course_utils import compiled
from course_utils.exercises.cells import watch_cells
from course_utils.exercises.check import check, failing_case
from course_utils.notebook.ch00 import sum_stepper
from course_utils.notebook.ch01 import dependency_explorer, dependency_stepper
from course_utils.notebook.ch02 import permutation_stepper, posterior_figure
from course_utils.notebook.ch03 import adder_explorer, adder_stepper, rnn_stepper
from course_utils.notebook.ch04 import bptt_stepper, truncation_explorer
from course_utils.notebook.ch05 import gradient_explorer, product_stepper
from course_utils.notebook.ch06 import (
    alignments_stepper,
    matrix_figure,
    naive_explorer,
    realignment_stepper,
    rounds_figure,
    strategies_stepper,
)
from course_utils.notebook.ch07 import (
    compress_explorer,
    compress_stepper,
    count_explorer,
    expand_explorer,
    listing_figure,
    listing_times,
    path_explorer,
    path_stepper,
    underflow_figure,
)
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
    times_figure,
)
from course_utils.notebook.ch10 import (
    bifurcation_figure,
    cliff_explorer,
    cobweb_explorer,
    cobweb_stepper,
    eigenvalue_explorer,
    gain_explorer,
    gelfand_figure,
    hysteresis_figure,
    memory_figure,
    orbits_figure,
    remedies_figure,
)
from course_utils.notebook.ch11 import (
    cell_explorer,
    cell_stepper,
    copying_figure,
    counter_explorer,
    forget_bias_explorer,
    reach_figure,
)
from course_utils.notebook.compiling import compiling_line
from course_utils.notebook.editing import with_probability
from course_utils.notebook.pictures import show
from course_utils.notebook.training import TrainingDesk
from course_utils.notebook.without_torch import run_on_without_torch

__all__ = [
    "TrainingDesk",
    "adder_explorer",
    "adder_stepper",
    "alignments_stepper",
    "beam_stepper",
    "bifurcation_figure",
    "bptt_stepper",
    "cell_explorer",
    "cell_stepper",
    "check",
    "cliff_explorer",
    "cobweb_explorer",
    "cobweb_stepper",
    "collapse_explorer",
    "collapse_stepper",
    "compress_explorer",
    "compress_stepper",
    "copying_figure",
    "count_explorer",
    "counter_explorer",
    "ctc_explorer",
    "ctc_stepper",
    "decoder_explorer",
    "dependency_explorer",
    "dependency_stepper",
    "eigenvalue_explorer",
    "expand_explorer",
    "failing_case",
    "forget_bias_explorer",
    "gain_explorer",
    "gelfand_figure",
    "gradient_explorer",
    "greedy_stepper",
    "hysteresis_figure",
    "listing_figure",
    "listing_times",
    "matrix_figure",
    "memory_figure",
    "naive_explorer",
    "orbits_figure",
    "path_explorer",
    "path_stepper",
    "permutation_stepper",
    "posterior_figure",
    "product_stepper",
    "reach_figure",
    "reading_figure",
    "realignment_stepper",
    "remedies_figure",
    "rnn_stepper",
    "rounds_figure",
    "show",
    "strategies_stepper",
    "strip_stepper",
    "sum_stepper",
    "times_figure",
    "training_stepper",
    "truncation_explorer",
    "underflow_figure",
    "viterbi_explorer",
    "viterbi_stepper",
    "with_probability",
]

compiled.announcement = compiling_line
run_on_without_torch()
watch_cells()
