"""What the notebooks call: does an edited number change the trellis, and only that number's frame?"""

import re
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.beam_trace import trace_beam, trace_greedy
from course_utils.collapsing import collapse_in_stages
from course_utils.data import STRIP_SYMBOLS, digit_strip
from course_utils.examples import CTC_Y, FORCED_ALIGNMENTS, GATED_X, GRU_CELL, WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.notebook import (
    adder_explorer,
    beam_stepper,
    bptt_stepper,
    cell_explorer,
    cell_stepper,
    cliff_explorer,
    cobweb_explorer,
    cobweb_stepper,
    collapse_explorer,
    collapse_stepper,
    compress_explorer,
    count_explorer,
    counter_explorer,
    ctc_explorer,
    ctc_stepper,
    decoder_explorer,
    dependency_explorer,
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
    strip_stepper,
    training_stepper,
    viterbi_explorer,
    viterbi_stepper,
    with_probability,
)
from course_utils.notebook.ch09 import SEARCHES
from course_utils.posteriors import encode
from course_utils.scenes.collapse import MOST_FRAMES, collapse_scene
from course_utils.scenes.decoding import beam_scene, greedy_scene
from course_utils.viterbi import align
from tests.browserless import edit, tell

WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y.copy()
Y43 = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.35, 0.25], [0.2, 0.7, 0.1]])  # columns: blank, a, b
UTTERANCES = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3


def labels(stepper):
    """The labels under the trellis at the last step."""
    told = stepper.shown()
    marks = told.marks_at(len(told.steps) - 1)
    return "".join(mark.text for name, mark in marks.items() if name.startswith("label"))[::-1]


def drawn(stepper, mark):
    """The probability that the reader may change there."""
    return stepper.shown().edits[mark].value


# -- one probability of a frame


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(0, 2), st.floats(0, 1, allow_subnormal=False))
def test_changing_one_probability_keeps_its_frame_a_distribution(seed, t, k, value):
    rng = np.random.default_rng(seed)
    y = rng.dirichlet(np.ones(3), 4)
    before = y.copy()
    changed = with_probability(y, t, k, value)
    assert changed[t, k] == value
    assert changed[t].sum() == pytest.approx(1, abs=1e-12)
    assert (changed >= 0).all()
    np.testing.assert_array_equal(np.delete(changed, t, axis=0), np.delete(y, t, axis=0))
    np.testing.assert_array_equal(y, before)
    others = np.arange(3) != k
    np.testing.assert_allclose(changed[t, others] * y[t, others].sum(), y[t, others] * (1 - value), atol=1e-12)


def test_where_the_others_have_nothing_they_share_equally():
    assert with_probability([[1.0, 0.0, 0.0]], 0, 0, 0.5).tolist() == [[0.5, 0.25, 0.25]]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ValueError, match=r"value is .*; a probability lies between 0 and 1"):
        with_probability(WORKED_EXAMPLE, 0, 0, value)


def test_a_single_symbol_has_no_one_to_take_the_rest():
    with pytest.raises(ValueError, match="there is only one symbol, and its probability is 1"):
        with_probability([[1.0]], 0, 0, 0.5)


# -- the stepper of the trellis


def test_an_edit_recomputes_the_trellis_and_keeps_the_step():
    stepper = viterbi_stepper(WORKED_EXAMPLE, "AB")
    stepper.step = 5
    before = stepper.scene
    assert edit(stepper, "y-2-0", 0.9) == []
    assert stepper.step == 5
    assert stepper.scene == stepper.shown().to_json() != before
    truth = with_probability(WORKED_EXAMPLE, 2, 0, 0.9)
    assert labels(stepper) == "".join("AB"[k] for k in align(np.log(truth), [0, 1]).labels) == "AAAB"
    assert drawn(stepper, "y-2-0") == 0.9
    assert drawn(stepper, "y-2-1") == pytest.approx(0.1)


def test_edits_build_upon_each_other():
    stepper = viterbi_stepper(WORKED_EXAMPLE, "AB")
    edit(stepper, "y-2-1", 0.9)
    edit(stepper, "y-1-1", 0.75)
    assert (drawn(stepper, "y-2-1"), drawn(stepper, "y-1-1"), drawn(stepper, "y-0-0")) == (0.9, 0.75, 0.9)


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), "a lot"])
def test_a_number_that_is_none_is_refused_and_the_picture_stays(value):
    stepper = viterbi_stepper(WORKED_EXAMPLE, "AB", domain="log")
    stepper.step = 3
    scene = stepper.scene
    refused = edit(stepper, "y-2-1", value)
    assert len(refused) == 1
    assert str(value) in refused[0]
    assert stepper.scene == scene
    assert stepper.step == 3
    edit(stepper, "y-0-0", 0.5)
    assert drawn(stepper, "y-2-1") == 0.7


def test_the_table_that_was_passed_in_is_not_edited():
    y = WORKED_EXAMPLE.copy()
    edit(viterbi_stepper(y, "AB"), "y-2-1", 0.9)
    np.testing.assert_array_equal(y, WORKED_EXAMPLE)


def test_an_edit_can_block_every_path_and_free_it_again():
    stepper = viterbi_stepper(WORKED_EXAMPLE, "AB")
    assert edit(stepper, "y-3-1", 0) == []
    assert "There is no path" in stepper.shown().steps[-1].says
    assert edit(stepper, "y-3-1", 0.8) == []
    assert labels(stepper) == "AABB"
    assert edit(stepper, "y-0-0", 0) == []
    assert "There is no path" in stepper.shown().steps[-1].says


# -- the explorer


@pytest.fixture
def explorer():
    bench = viterbi_explorer()
    names = ("case", "target", "domain", "ties", "message")
    return bench, dict(zip(names, bench.children[0].children, strict=True))


def test_the_explorer_starts_with_the_worked_example(explorer):
    bench, _ = explorer
    assert labels(bench.stepper) == "AABB"


def test_the_explorer_follows_each_of_its_controls(explorer):
    bench, controls = explorer
    controls["target"].value = "BA"
    assert bench.stepper.shown().title == "Viterbi trellis of B A in 4 frames"
    controls["domain"].value = "log"
    assert bench.stepper.shown().title.endswith("log domain")
    controls["case"].value = "all ties"
    assert (controls["target"].value, controls["domain"].value) == ("ABC", "probability")
    assert labels(bench.stepper) == "ABCCCC"
    controls["ties"].value = "advance"
    assert labels(bench.stepper) == "AAAABC"


def test_small_letters_do_as_well(explorer):
    bench, controls = explorer
    controls["target"].value = " ba "
    assert bench.stepper.shown().title == "Viterbi trellis of B A in 4 frames"


@pytest.mark.parametrize("typed", ["A1", "", "<b>", "C"])
def test_a_bad_target_is_explained_and_the_picture_stays(explorer, typed):
    bench, controls = explorer
    bench.stepper.step = 4
    before = bench.stepper.scene
    controls["target"].value = typed
    assert "role='alert'" in controls["message"].value
    assert "target" in controls["message"].value
    assert "<b>" not in controls["message"].value.lower()
    assert bench.stepper.scene == before
    assert bench.stepper.step == 4
    controls["target"].value = "A"
    assert controls["message"].value == ""
    assert bench.stepper.scene != before


@pytest.mark.parametrize("name", FORCED_ALIGNMENTS)
def test_the_explorer_shows_every_one_of_its_cases(explorer, name):
    bench, controls = explorer
    controls["case"].value = list(FORCED_ALIGNMENTS)[-1]
    controls["case"].value = name
    for domain in ("probability", "log"):
        for ties in ("stay", "advance"):
            controls["domain"].value, controls["ties"].value = domain, ties
            assert controls["message"].value == ""
            assert len(bench.stepper.shown().table.header) == 1 + len(FORCED_ALIGNMENTS[name].y)


def test_a_new_case_starts_at_its_first_step(explorer):
    bench, controls = explorer
    bench.stepper.step = 4
    controls["case"].value = "all ties"
    assert bench.stepper.step == 0


def test_the_explorer_edits_its_own_copy(explorer):
    bench, controls = explorer
    assert edit(bench.stepper, "y-2-0", 0.9) == []
    assert labels(bench.stepper) == "AAAB"
    controls["ties"].value = "advance"
    assert drawn(bench.stepper, "y-2-0") == 0.9
    assert np.array_equal(FORCED_ALIGNMENTS["worked example"].y, WORKED_EXAMPLE)
    controls["case"].value = "all ties"
    controls["case"].value = "worked example"
    assert drawn(bench.stepper, "y-2-0") == 0.3


# -- the steppers of chapter 9

FOLLOWERS = {
    **{
        table: (
            lambda table=table: ctc_stepper(Y43, "aa", table=table),
            lambda y, table=table: ctc_stepper(y, "aa", "-ab", table=table).shown(),
        )
        for table in ("alpha", "beta", "gamma")
    },
    "any skip": (
        lambda: ctc_stepper(Y43, "aa", skip_always=True),
        lambda y: ctc_stepper(y, "aa", "-ab", skip_always=True).shown(),
    ),
    "blank last": (lambda: ctc_stepper(Y43, "xy", "xy_", 2), lambda y: ctc_stepper(y, "xy", "xy_", 2).shown()),
    "greedy": (lambda: greedy_stepper(Y43), lambda y: greedy_scene(trace_greedy(y), "-ab")),
    "greedy, blank last": (lambda: greedy_stepper(Y43, "xy_", 2), lambda y: greedy_scene(trace_greedy(y, 2), "xy_")),
    **{
        keeps: (
            lambda keeps=keeps: beam_stepper(Y43, width=3, keeps=keeps),
            lambda y, keeps=keeps: beam_scene(trace_beam(y, width=3, keeps=keeps), "-ab"),
        )
        for keeps in ("alignments", "prefixes", "one score")
    },
    "ctc explorer": (lambda: ctc_explorer().stepper, lambda y: ctc_stepper(y, "aa", "-ab").shown()),
    "decoder explorer": (lambda: decoder_explorer().stepper, lambda y: beam_scene(trace_beam(y), "-ab")),
}


@pytest.fixture(params=FOLLOWERS)
def follower(request):
    """A stepper at step 4, and what makes its scene from probabilities."""
    make, scene = FOLLOWERS[request.param]
    stepper = make()
    stepper.step = 4
    return stepper, scene


def test_they_begin_with_the_scene_of_their_probabilities(follower):
    stepper, scene = follower
    assert stepper.editable
    assert stepper.scene == scene(Y43).to_json()


def test_an_edit_draws_the_scene_of_the_changed_probabilities_and_keeps_the_step(follower):
    stepper, scene = follower
    before = stepper.scene
    assert edit(stepper, "y-2-2", 0.9) == []
    changed = with_probability(Y43, 2, 2, 0.9)
    assert stepper.scene == scene(changed).to_json() != before
    assert stepper.step == 4
    assert edit(stepper, "y-0-1", 0) == []
    assert stepper.scene == scene(with_probability(changed, 0, 1, 0)).to_json()


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), "a lot"])
def test_a_refused_edit_says_why_and_loses_nothing(follower, value):
    stepper, scene = follower
    assert edit(stepper, "y-1-2", 0.8) == []
    before = stepper.scene
    (reason,) = edit(stepper, "y-1-1", value)
    assert str(value) in reason
    assert stepper.scene == before
    assert stepper.step == 4
    assert edit(stepper, "y-3-0", 0.5) == []
    both = with_probability(with_probability(Y43, 1, 2, 0.8), 3, 0, 0.5)
    assert stepper.scene == scene(both).to_json()


def test_neither_the_table_passed_in_nor_the_example_is_edited(follower):
    stepper, _ = follower
    before = Y43.copy(), CTC_Y.copy()
    edit(stepper, "y-2-1", 0.9)
    np.testing.assert_array_equal(Y43, before[0])
    np.testing.assert_array_equal(CTC_Y, before[1])
    np.testing.assert_array_equal(CTC_Y, Y43)


@pytest.mark.parametrize("order", ["merge first", "blanks first"])
def test_the_collapse_stepper_plays_the_order_asked_for(order):
    stepper = collapse_stepper("hh-ell-lo", order=order)
    assert stepper.scene == collapse_scene(collapse_in_stages("hh-ell-lo", "-", order)).to_json()
    assert not stepper.editable
    assert collapse_stepper(["hh", "_", "eh"], "_").shown().steps[-1].says == "What is left spells “hh eh”."


# -- what the explorers do with whatever is typed and chosen

EXPLORERS = {
    explorer.__name__: explorer
    for explorer in (
        *(adder_explorer, collapse_explorer, ctc_explorer, decoder_explorer),
        *(dependency_explorer, gradient_explorer, viterbi_explorer),
        *(naive_explorer, compress_explorer, expand_explorer, count_explorer, path_explorer),
        *(eigenvalue_explorer, cobweb_explorer, gain_explorer, cliff_explorer),
        *(cell_explorer, forget_bias_explorer, counter_explorer),
    )
}
TYPED = [
    "",
    "   ",
    "a" * 200,
    "ab" * 6,
    "ab" * 5,
    "1" * 200,
    "1" * 8,
    "-" * 41,
    "h-" * 20,
    "日本語",
    "0",
    "-5",
    "<b>",
    "a b",
]
TALLEST, WIDEST = 1400, 2000  # in pixels; 40 columns


def extremes(control):
    """All that can be chosen of a menu, the ends of a slider, and what nobody expects in a text."""
    if hasattr(control, "options"):
        return [value for _, value in control._options_full]
    return TYPED if isinstance(control.value, str) else [control.min, control.max]


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPLORERS)
def test_whatever_is_chosen_makes_a_picture_of_a_size_to_look_at_or_is_told(name):
    for which in controls_of(EXPLORERS[name]())[0]:
        for value in extremes(controls_of(EXPLORERS[name]())[0][which]):
            bench = EXPLORERS[name]()
            controls, message = controls_of(bench)
            before = bench.stepper.scene
            controls[which].value = value
            assert controls[which].value == value
            width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', bench.shown().svg).groups())
            assert height <= TALLEST, (which, value)
            assert width <= WIDEST, (which, value)
            assert len(message.value) < 250, "a long text is cut in the message"
            if bench.stepper.scene == before and value == (typed := "a" * 200):
                assert typed not in message.value
                assert "The picture stays as it was." in message.value


def test_small_letters_and_spaces_are_taken_as_what_they_mean_and_that_is_told():
    bench = viterbi_explorer()
    controls, message = controls_of(bench)
    controls["target"].value = " aba"
    assert "“ aba” is taken as “ABA”." in message.value
    controls["target"].value = "ABA"
    assert message.value == ""


def test_a_case_that_changes_the_domain_says_so_once():
    bench = viterbi_explorer()
    controls, message = controls_of(bench)
    controls["domain"].value = "log"
    controls["case"].value = "all ties"
    assert "The case begins in the probability domain." in message.value
    controls["ties"].value = "advance"
    assert message.value == ""


def test_the_greedy_decoder_has_no_width():
    controls, _ = controls_of(decoder_explorer())
    assert not controls["width"].disabled
    controls["decoder"].value = "greedy"
    assert controls["width"].disabled


# -- the explorers of chapter 9


def controls_of(bench):
    *controls, message = bench.children[0].children
    controls = [control for control in controls if control.description]  # others only tell something
    return {control.description.lower(): control for control in controls}, message


def assert_refused(bench, control, typed, says):
    """What cannot be drawn is said, in words that are no markup, and the last picture stays until it can."""
    _, message = controls_of(bench)
    bench.stepper.step = 3
    before = bench.stepper.scene
    good = control.value
    control.value = typed
    assert message.value.startswith("<span role='alert'>")
    assert says in message.value
    assert "<b>" not in message.value.lower()
    assert bench.stepper.scene == before
    assert bench.stepper.step == 3
    control.value = good
    assert message.value == ""
    assert bench.stepper.scene == before


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("a-", "is the blank"),
        ("-", "is the blank"),
        ("ax", "&#x27;x&#x27;, which is not one of the symbols: - a b"),
        ("a b", "&#x27; &#x27;, which is not one of the symbols"),
        ("<b>", "&lt;"),
        ("7", "&#x27;7&#x27;"),
    ],
)
@pytest.mark.parametrize("table", ["alpha", "beta", "gamma"])
def test_a_target_that_ctc_cannot_have_is_explained(table, typed, says):
    bench = ctc_explorer()
    controls_of(bench)[0]["table"].value = table
    assert_refused(bench, controls_of(bench)[0]["target"], typed, says)


@pytest.mark.parametrize("typed", ["", "   ", "a" * (MOST_FRAMES + 1)])
def test_an_alignment_that_cannot_be_drawn_is_explained(typed):
    bench = collapse_explorer()
    frames = len(typed.strip())
    assert_refused(bench, controls_of(bench)[0]["alignment"], typed, f"path has {frames} frames")


def total(bench):
    """The probability that stands in the caption of the numbers."""
    return float(bench.shown().table.caption.rpartition("P = ")[2])


def test_without_the_rule_a_doubled_letter_gets_more_than_it_has_and_others_do_not():
    bench = ctc_explorer()
    controls, message = controls_of(bench)
    assert total(bench) == 0.15225
    controls["skips"].value = True
    assert total(bench) > 0.16
    assert "0.15225 together: the rule was there for a reason" in bench.shown().steps[-1].says
    controls["target"].value = "ab"
    assert total(bench) == 0.09115
    controls["skips"].value = False
    assert total(bench) == 0.09115
    controls["target"].value = "aa"
    assert total(bench) == 0.15225
    assert message.value == ""


def test_the_lattice_follows_each_of_its_controls():
    bench = ctc_explorer()
    controls, message = controls_of(bench)
    for target in ("ab", " BA ", "", "abab", "aaaa"):
        for table in ("alpha", "beta", "gamma"):
            for skips in (False, True):
                controls["target"].value, controls["table"].value, controls["skips"].value = target, table, skips
                wanted = target.strip().lower()
                scene = ctc_stepper(Y43, wanted, "-ab", table=table, skip_always=skips).shown()
                assert bench.stepper.scene == scene.to_json(), (target, table, skips)
                typed = f"“{target}” is taken as “{wanted}”"
                assert typed in message.value if wanted != target else message.value == ""


def test_the_collapse_follows_its_controls():
    bench = collapse_explorer()
    controls, message = controls_of(bench)
    assert "“hello”" in bench.shown().steps[-1].says
    controls["order"].value = "blanks first"
    assert "“helo”. Merging first would have given “hello”" in bench.shown().steps[-1].says
    controls["alignment"].value = " aab-ba "
    assert bench.stepper.scene == collapse_scene(collapse_in_stages("aab-ba", "-", "blanks first")).to_json()
    assert "“ aab-ba ” is taken as “aab-ba”" in message.value
    controls["alignment"].value = "aa–b"
    assert "The dash – is a symbol like any other here; the blank is -." in message.value
    controls["alignment"].value = "aa-b"
    assert message.value == ""


def test_every_decoder_can_be_shown_with_every_width():
    bench = decoder_explorer()
    controls, message = controls_of(bench)
    titles = set()
    for name, keeps in SEARCHES.items():
        controls["decoder"].value = name
        for width in range(1, 6):
            controls["width"].value = width
            scene = (
                greedy_scene(trace_greedy(Y43), "-ab")
                if keeps is None
                else beam_scene(trace_beam(Y43, width=width, keeps=keeps), "-ab")
            )
            assert bench.stepper.scene == scene.to_json(), (name, width)
            assert message.value == ""
            titles.add(bench.shown().title)
    assert len(titles) == 1 + 3 * 5
    assert list(controls["width"].options) == [1, 2, 3, 4, 5]  # from which nothing else can be chosen


def test_probabilities_stay_as_the_reader_has_set_them_when_a_control_changes():
    changed = with_probability(Y43, 1, 2, 0.8)
    bench = decoder_explorer()
    edit(bench.stepper, "y-1-2", 0.8)
    controls_of(bench)[0]["decoder"].value = "greedy"
    assert bench.stepper.scene == greedy_scene(trace_greedy(changed), "-ab").to_json()
    bench = ctc_explorer()
    edit(bench.stepper, "y-1-2", 0.8)
    controls_of(bench)[0]["target"].value = "ax"
    controls_of(bench)[0]["target"].value = "b"
    assert bench.stepper.scene == ctc_stepper(changed, "b", "-ab").shown().to_json()


def test_an_edit_that_cannot_be_drawn_is_no_edit():
    """While the target is one that cannot be drawn, neither can what an edit would make."""
    bench = ctc_explorer()
    controls, _ = controls_of(bench)
    controls["target"].value = "ax"
    before = bench.stepper.scene
    (reason,) = edit(bench.stepper, "y-1-2", 0.8)
    assert "'x', which is not one of the symbols" in reason
    assert bench.stepper.scene == before
    controls["target"].value = "ab"
    assert bench.stepper.scene == ctc_stepper(Y43, "ab", "-ab").shown().to_json()


# -- the other steppers


def test_the_strip_stepper_plays_the_alignment_of_the_strip():
    strip = digit_strip("31", np.random.default_rng(0))
    likely = np.full((strip.image.shape[1], len(STRIP_SYMBOLS)), 0.01)
    likely[np.arange(len(likely)), encode(strip.labels, STRIP_SYMBOLS)] = 0.9
    stepper = strip_stepper(strip, np.log(likely))
    assert not stepper.editable
    assert "All 4 boundaries are exact" in stepper.shown().steps[-1].says


@pytest.mark.parametrize(("paths", "title"), [("best", "Viterbi training"), ("all", "Training on all paths")])
def test_the_training_stepper_plays_as_many_iterations_as_asked_for(paths, title):
    stepper = training_stepper([[0, 2], [1.5, 0]], *UTTERANCES, paths=paths, iterations=10)
    assert repr(stepper) == f"<Stepper: {title}, 11 steps>"


# -- pictures of matplotlib


def test_a_picture_carries_its_words():
    from matplotlib.figure import Figure

    from course_utils.notebook.pictures import drawn

    data = drawn(Figure((3, 2)), "A line from <0> that rises.")._repr_mimebundle_()
    assert data["text/plain"] == "Picture: A line from <0> that rises."
    assert data["text/html"].count("<img") == data["text/html"].count('alt="A line from &lt;0&gt; that rises."') == 1
    width, height = map(int, re.search(r'width="(\d+)" height="(\d+)"', data["text/html"]).groups())
    assert width / height == pytest.approx(1.5, abs=0.1)


def test_a_picture_is_drawn_the_same_twice():
    from matplotlib.figure import Figure

    from course_utils.notebook.pictures import drawn

    def figure():
        one = Figure((3, 2))
        one.subplots().plot([1, 2, 0])
        return one

    assert drawn(figure(), "A line.").svg == drawn(figure(), "A line.").svg


def _by_filter(rgb):
    """What ``invert(1) hue-rotate(180deg)`` makes of a colour, by the matrix of the filter effects specification."""
    r, g, b = (1 - c for c in rgb)
    rows = [(-0.574, 1.43, 0.144), (0.426, 0.43, 0.144), (0.426, 1.43, -0.856)]
    return [min(max(x * r + y * g + z * b, 0), 1) for x, y, z in rows]


def _contrast(one, two):
    def light(rgb):
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_curves_and_words_of_plots_can_be_read_in_either_theme():
    from matplotlib import pyplot as plt
    from matplotlib.colors import to_rgb

    from course_utils.notebook import pictures
    from course_utils.scenes.svg import hues

    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert colours == [hues()[name] for name in pictures.CYCLE]
    names = ("input", "state", "weight", "output", "gradient", "posterior", "now", "win", "path")
    for colour in [*(hues()[name] for name in names), plt.rcParams["text.color"], "0.4"]:
        assert _contrast(to_rgb(colour), (1, 1, 1)) >= 4.5, colour
        assert _contrast(_by_filter(to_rgb(colour)), to_rgb("#111111")) >= 4.5, colour


def test_a_picture_without_words_is_refused():
    from matplotlib.figure import Figure

    from course_utils.notebook import show

    with pytest.raises(ValueError, match="alt is empty"):
        show(Figure(), " ")


# -- back to the beginning

WITH_NUMBERS = {
    "permutation": permutation_stepper,
    "rnn": lambda: rnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET),
    "bptt": lambda: bptt_stepper(WORKED_NET, WORKED_X, WORKED_TARGET),
    "product": lambda: product_stepper(WORKED_NET, WORKED_X),
    "gradient explorer": lambda: gradient_explorer().stepper,
    "naive explorer": lambda: naive_explorer().stepper,
    "viterbi": lambda: viterbi_stepper(WORKED_EXAMPLE, "AB"),
    "viterbi explorer": lambda: viterbi_explorer().stepper,
    "ctc": lambda: ctc_stepper(CTC_Y, "aa"),
    "ctc explorer": lambda: ctc_explorer().stepper,
    "greedy": lambda: greedy_stepper(CTC_Y),
    "beam": lambda: beam_stepper(CTC_Y),
    "decoder explorer": lambda: decoder_explorer().stepper,
    "cobweb explorer": lambda: cobweb_explorer().stepper,
    "cell explorer": lambda: cell_explorer().stepper,
    "a GRU, backward": lambda: cell_stepper(GRU_CELL, GATED_X, back=True),
}


@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_after_any_changes_the_numbers_of_the_beginning_come_back(name):
    stepper = WITH_NUMBERS[name]()
    before = stepper.scene
    for mark in list(stepper.shown().edits)[:3]:
        assert edit(stepper, mark, 0.35) == []
    assert stepper.scene != before
    assert tell(stepper, mark=None, value=None) == [{"view": None, "refused": ""}]
    assert stepper.scene == before
    first = next(iter(stepper.shown().edits))
    assert edit(stepper, first, 0.35) == []  # and can be changed again
    assert stepper.scene != before


def test_a_case_of_its_own_biases_says_them():
    explorer = gradient_explorer()
    explorer.case.value = "eigenvalues 0, tanh with bias explodes"
    assert explorer.given.value.startswith("The units have a bias each: 1.5, −11.5. The units start from the state ")
    assert explorer.bias.disabled
    explorer.norm.value = 2.0  # new weights, with one bias for all
    assert explorer.given.value == "All units have the bias 0 now. The units start from the state −0.633, −0.312."
    assert not explorer.bias.disabled


# -- chapter 10


def test_a_pair_that_is_moved_is_the_readers_own_until_all_changes_are_taken_back():
    explorer = eigenvalue_explorer()
    before = explorer.stepper.scene
    assert edit(explorer.stepper, "eigenvalue", [0.3, 0.4]) == []
    assert explorer.case.value == "your own"
    assert explorer.shown().edits["eigenvalue"].value == pytest.approx((0.3, 0.4))
    explorer.shear.value = 5.0
    assert np.linalg.eigvals(pair_of(explorer)) == pytest.approx([0.3 + 0.4j, 0.3 - 0.4j])
    assert tell(explorer.stepper, mark=None, value=None) == [{"view": None, "refused": ""}]
    assert explorer.stepper.scene == before
    assert (explorer.case.value, explorer.shear.value) == ("inside of the circle", 1.0)
    for case in explorer.case.options[:-1]:
        explorer.case.value = case
        assert explorer.stepper.step == 0
    assert edit(explorer.stepper, "eigenvalue", [0.3, 1.4]) != []  # outside of the plane


def pair_of(explorer):
    texts = re.findall(r'data-mark="W-\d-\d".*?class="slot"[^>]*>([^<]*)<', explorer.shown().svg)
    return np.reshape([float(text.replace("−", "-")) for text in texts], (2, 2))


def test_the_start_over_the_cliff_is_moved_and_both_descents_begin_there():
    explorer = cliff_explorer()
    before = explorer.stepper.scene
    assert edit(explorer.stepper, "start", [4.0, -2.5]) == []
    assert explorer.shown().steps[0].says.startswith("Both begin at w = 4, b = −2.5")
    controls, _ = controls_of(explorer)
    controls["clip"].value = "value"
    assert "one clipped by number to 1" in explorer.shown().title
    assert explorer.shown().steps[0].says.startswith("Both begin at w = 4, b = −2.5")
    controls["clip"].value = "norm"
    assert tell(explorer.stepper, mark=None, value=None) == [{"view": None, "refused": ""}]
    assert explorer.stepper.scene == before


def test_a_cobweb_of_its_own_numbers():
    assert cobweb_stepper(2, 0, 0.1, T=7).shown().title == "h ← tanh(2 h), from 0.1"
    explorer = cobweb_explorer()
    assert edit(explorer.stepper, "w", 2.0) == []
    assert edit(explorer.stepper, "b", -0.25) == []
    assert explorer.shown().title == "h ← tanh(2 h − 0.25), from 1"


def test_the_pictures_of_an_eigenvalue_that_is_dragged_are_quick():
    """Half of the 50 ms from a key to the picture may be spent here; processor time, so that a busy machine may run it."""
    explorer = eigenvalue_explorer()
    explorer.shear.value = 4.0
    times = []
    for n in range(11):
        before = process_time()
        assert edit(explorer.stepper, "eigenvalue", [0.5 + 0.01 * n, 0.5]) == []
        times.append(process_time() - before)
    assert sorted(times)[5] < 0.05
