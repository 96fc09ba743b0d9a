"""One of everything that the course shows: steppers of every family, explorers, reports of exercises, plots."""

from course_utils.examples import CTC_Y, FORCED_ALIGNMENTS, WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.notebook import (
    adder_explorer,
    adder_stepper,
    alignments_stepper,
    beam_stepper,
    bptt_stepper,
    cell_explorer,
    cliff_explorer,
    cobweb_explorer,
    collapse_explorer,
    collapse_stepper,
    compress_explorer,
    count_explorer,
    counter_explorer,
    ctc_explorer,
    ctc_stepper,
    decoder_explorer,
    dependency_explorer,
    dependency_stepper,
    eigenvalue_explorer,
    expand_explorer,
    forget_bias_explorer,
    gain_explorer,
    gradient_explorer,
    greedy_stepper,
    naive_explorer,
    path_explorer,
    permutation_stepper,
    product_stepper,
    rnn_stepper,
    strategies_stepper,
    training_stepper,
    viterbi_explorer,
    viterbi_stepper,
)
from tests.browser.conftest import STRIP, TRAINING

Y = FORCED_ALIGNMENTS["worked example"].y
EXAMPLES = "from course_utils.examples import CTC_Y, FORCED_ALIGNMENTS, WORKED_NET, WORKED_TARGET, WORKED_X\n"

# For each the code of its cell and what makes its scene.
STEPPERS = {
    "dependency": ("dependency_stepper('time-synchronous')", lambda: dependency_stepper("time-synchronous").shown()),
    "permutation": ("permutation_stepper()", lambda: permutation_stepper().shown()),
    "adder": ("adder_stepper('11', '1')", lambda: adder_stepper("11", "1").shown()),
    "rnn": (
        f"{EXAMPLES}rnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)",
        lambda: rnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET).shown(),
    ),
    "bptt": (
        f"{EXAMPLES}bptt_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)",
        lambda: bptt_stepper(WORKED_NET, WORKED_X, WORKED_TARGET).shown(),
    ),
    "product": (
        f"{EXAMPLES}product_stepper(WORKED_NET, WORKED_X)",
        lambda: product_stepper(WORKED_NET, WORKED_X).shown(),
    ),
    "alignments": ("alignments_stepper('ABA', 5)", lambda: alignments_stepper("ABA", 5).shown()),
    "strategies": ("strategies_stepper([[1, 0], [0, 1]], [[0, 1], [0, 1]], [[0, 1]] * 2, iterations=3)", lambda: strategies_stepper([[1, 0], [0, 1]], [[0, 1], [0, 1]], [[0, 1]] * 2, iterations=3).shown()),
    "trellis": (f"{EXAMPLES}viterbi_stepper(FORCED_ALIGNMENTS['worked example'].y, 'AB')", lambda: viterbi_stepper(Y, "AB").shown()),
    "strip": (STRIP, None),
    "training": (TRAINING, lambda: training_stepper([[1, 0], [0, 0], [0, 0]], [[0, 1, 2, 1], [0, 0, 1, 2]], [[0, 1], [0, 1]]).shown()),
    "collapse": ("collapse_stepper('hh-ell-lo')", lambda: collapse_stepper("hh-ell-lo").shown()),
    "ctc": (f"{EXAMPLES}ctc_stepper(CTC_Y, 'aa', table='gamma')", lambda: ctc_stepper(CTC_Y, "aa", "-ab", table="gamma").shown()),
    "greedy": (f"{EXAMPLES}greedy_stepper(CTC_Y)", lambda: greedy_stepper(CTC_Y).shown()),
    "beam": (f"{EXAMPLES}beam_stepper(CTC_Y)", lambda: beam_stepper(CTC_Y).shown()),
}  # fmt: skip
EXPLORERS = {
    f"{make.__name__.replace('_', ' ')}": (f"{make.__name__}()", lambda make=make: make().shown())
    for make in (
        dependency_explorer,
        adder_explorer,
        gradient_explorer,
        naive_explorer,
        compress_explorer,
        expand_explorer,
        count_explorer,
        path_explorer,
        viterbi_explorer,
        collapse_explorer,
        ctc_explorer,
        decoder_explorer,
        eigenvalue_explorer,
        cobweb_explorer,
        gain_explorer,
        cliff_explorer,
        cell_explorer,
        forget_bias_explorer,
        counter_explorer,
    )
}
SHOWN = {**STEPPERS, **EXPLORERS}


def scenes():
    """Make every scene that needs no data."""
    return [make() for _, make in STEPPERS.values() if make]
