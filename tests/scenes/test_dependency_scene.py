"""Who reaches whom as a picture: are the numbers those of the Jacobian, and is every sentence true?"""

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.notebook.ch01 import dependency_explorer, dependency_stepper
from course_utils.scenes import dependency as module
from course_utils.scenes.dependency import MOST, dependency_scene, pattern
from course_utils.structures import STRUCTURES, Feed, dependence, network
from tests import written

SUBSCRIPTS = "₀₁₂₃₄₅₆₇"


def random_strengths(count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        T, S = rng.integers(1, MOST + 1, 2)
        yield np.where(rng.random((T, S)) < rng.random(), 0, 10 ** rng.uniform(-5, 2.5, (T, S)))


def marks_of(scene, step=-1):
    """Each mark by its name: its state, the text of its slot, and how dark its tint is."""
    found = {}
    for element in ElementTree.fromstring(scene.to_svg(step)).iter():
        if name := element.get("data-mark"):
            parts = {e.get("class"): e for e in element}
            slot, tint = parts.get("slot"), parts.get("tint")
            darkness = None if tint is None else float(tint.get("fill-opacity"))
            found[name] = element.get("data-state"), None if slot is None else slot.text or "", darkness
    return found


def value_of(text):
    return written.value(text)


def indices(text, letter):
    return [SUBSCRIPTS.index(k) for k in re.findall(f"{letter}([{SUBSCRIPTS}])", text)]


# -- numbers


@pytest.mark.parametrize("feed", Feed.__args__)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_cells_hold_the_jacobian_of_the_network(structure, feed):
    for T, S in [(1, 1), (5, 5), (8, 8), (3, 7)]:
        net = network(structure, T, S=S, feed=feed)
        strength = dependence(net, np.random.default_rng(1).normal(size=(net.S, net.D)))
        shown = marks_of(dependency_stepper(structure, T, S=S, feed=feed).shown())
        assert sum(name.startswith("cell-") for name in shown) == strength.size
        for (t, s), value in np.ndenumerate(strength):
            state, text, _ = shown[f"cell-{t}-{s}"]
            assert (state == "off") == (text == "0") == (value == 0)
            assert value_of(text) == pytest.approx(value, abs=5e-4)


def test_an_arrow_for_each_number_and_none_for_a_zero():
    for strength in random_strengths(40):
        names = set(marks_of(dependency_scene(strength)))
        arrows = {name for name in names if name.startswith("arrow")}
        assert arrows == {f"arrow-{t}-{s}" for t, s in np.argwhere(strength > 0)}


def test_the_stronger_the_darker():
    for strength in random_strengths(20, seed=1):
        shown = marks_of(dependency_scene(strength))
        ordered = sorted((value, shown[f"cell-{t}-{s}"][2]) for (t, s), value in np.ndenumerate(strength))
        assert all(a[1] <= b[1] + 1e-9 for a, b in pairwise(ordered))
        assert ordered[-1][1] <= 0.45  # darker, and the numbers could not be read


def test_the_table_is_the_same_as_the_cells():
    for strength in random_strengths(20, seed=2):
        scene = dependency_scene(strength)
        shown = marks_of(scene)
        for t, (name, *row) in enumerate(scene.table.rows):
            assert name == f"y{SUBSCRIPTS[t]}"
            assert row == [shown[f"cell-{t}-{s}"][1] for s in range(strength.shape[1])]


# -- sentences


def assert_sentences(strength):
    steps = dependency_scene(strength).steps
    assert len(steps) == len(strength) + 2
    for t, step in enumerate(steps[1:-1]):
        heard, _, silent = step.says.partition(". ")
        assert indices(step.says, "y") == [t]
        row = strength[t]
        if not row.any():
            assert "answers to no input" in step.says
            continue
        told, _, most = heard.partition(", most to ")
        assert indices(told.partition("answers to")[2], "x") == np.flatnonzero(row).tolist()
        assert indices(silent, "x") == np.flatnonzero(row == 0).tolist()
        if most:
            assert indices(most, "x") == [row.argmax()]
        assert value_of(re.search(r": ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻−]+)", heard)[1].rstrip(".")) == pytest.approx(
            row.max(), rel=0.06, abs=5e-4
        )


def test_every_sentence_is_true():
    for strength in random_strengths(150, seed=3):
        assert_sentences(strength)


def test_a_sentence_that_names_the_wrong_input_is_seen(monkeypatch):
    """A planted fault: inputs counted from 1."""
    monkeypatch.setattr(module, "_name", lambda letter, k: f"{letter}{SUBSCRIPTS[(k + (letter == 'x')) % 8]}")
    with pytest.raises(AssertionError):
        assert_sentences(np.tri(5))


def test_the_sentences_of_a_causal_network():
    steps = dependency_scene([[0.34, 0, 0], [0.154, 0.32, 0], [0.121, 0.145, 0.294]]).steps
    assert [step.says for step in steps] == [
        "Nothing is asked yet. Which inputs does each output answer to, and which cells will be filled?",
        "y₀ answers to x₀: 0.340. x₁ and x₂ do not reach it: exactly 0.",
        "y₁ answers to x₀ and x₁, most to x₁: 0.320. x₂ does not reach it: exactly 0.",
        "y₂ answers to x₀, x₁ and x₂, most to x₂: 0.294.",
        "The lower triangle is filled: each output answers to its own input and the earlier ones, never to a later one.",
    ]


@pytest.mark.parametrize(
    ("filled", "says"),
    [
        (np.ones((1, 1)), "A single cell"),
        (np.eye(4), "The diagonal alone"),
        (np.ones((1, 3)), "A single row, and it is full: the one output answers to all 3 inputs."),
        (np.ones((6, 1)), "A single column, and it is full: the one input reaches all 6 outputs."),
        (np.tri(5), "The lower triangle"),
        (np.tri(5).T, "The upper triangle"),
        (np.ones((2, 5)), "The table is full, 2 × 5"),
        (np.ones((4, 4)), "The table is full, 4 × 4"),
        (np.zeros((3, 2)), "The table is empty"),
        (np.tri(2, 3), "3 of the 6 cells"),
        (np.tri(4, k=1), "13 of the 16 cells"),
        ([[1, 0]], "1 of the 2 cells"),
    ],
)
def test_the_pattern_is_read_from_the_zeros(filled, says):
    """However weak the others are."""
    for weak in (1.0, 1e-300):
        assert pattern(np.asarray(filled) * weak).startswith(says)


# -- steps


def test_an_output_is_filled_by_its_own_step_and_a_click_leads_there():
    for strength in random_strengths(15, seed=4):
        scene = dependency_scene(strength)
        T, S = strength.shape
        for t in range(T):
            row = {f"cell-{t}-{s}" for s in range(S)}
            assert set(scene.steps[t + 1].computes) == {f"out-{t}"} | row
            shown = marks_of(scene, t + 1)
            assert shown[f"out-{t}"][0] == "now"
            assert all(shown[name][1] for name in row)
            assert not any(shown[f"cell-{k}-{s}"][1] for k in range(t + 1, T) for s in range(S))
            arrows = {name for name, (state, *_) in shown.items() if name.startswith("arrow") and state != "hidden"}
            assert arrows == {f"arrow-{t}-{s}" for s in np.flatnonzero(strength[t])}
        assert not scene.steps[-1].computes
        assert not scene.steps[0].patch, "nothing is shown before the reader has had a chance to predict it"
        assert {state for state, *_ in marks_of(scene).values()} <= {"done", "off"}


def test_every_cell_and_every_input_says_what_it_tells():
    strength = np.array([[0.5, 0], [0.25, 0]])
    hints = dependency_scene(strength).hints
    assert hints["cell-1-0"].says == "x₀ reaches y₁: 0.250."
    assert hints["cell-0-1"].says == "x₁ does not reach y₀: exactly 0."
    assert (hints["in-0"].says, hints["in-1"].says) == ("x₀ reaches y₀ and y₁.", "x₁ reaches no output.")


# -- the rank through the bottleneck


def test_the_rank_of_an_encoder_decoder_is_its_width_and_that_of_a_full_table_is_not():
    for width in (1, 2, 3, 5):
        last = dependency_stepper("encoder-decoder", 5, width=width).shown().steps[-1].says
        assert f"The whole Jacobian, 10 × 10, has rank {width}." in last
        assert last.startswith("The table is full, 5 × 5")
    assert "has rank 10" in dependency_stepper("time-synchronous, both directions").shown().steps[-1].says


# -- the explorer


def test_the_explorer_follows_its_controls_and_switches_off_what_a_structure_lacks():
    explorer = dependency_explorer()
    structure, T, S, width, feed = explorer.children[0].children[:5]
    assert (T.disabled, S.disabled, feed.disabled) == (False, True, True)
    structure.value = "encoder-decoder"
    T.value, S.value, width.value = 2, 7, 2
    assert "4 × 14, has rank 2" in explorer.shown().steps[-1].says
    assert (T.disabled, S.disabled, feed.disabled) == (False, False, True)
    structure.value = "one to many"
    feed.value = "autoregressive"
    assert explorer.shown().title == "One to many, input autoregressive"
    assert (T.disabled, S.disabled, feed.disabled) == (False, True, False)
    structure.value = "many to one"
    assert "all 7 inputs" in explorer.shown().steps[-1].says
    assert (T.disabled, S.disabled) == (True, False)


# -- what travels, and what is refused


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (1, 8), (8, 1), (3, 5)])
def test_every_size_is_small_and_well_formed(shape):
    for strength in (np.ones(shape), np.zeros(shape), np.full(shape, 1e-9), np.full(shape, 12345.6)):
        scene = dependency_scene(strength)
        assert len(json.dumps(scene.to_json(), allow_nan=False)) < 100_000
        assert all(len(step.says) > 10 and step.says.endswith((".", "?")) for step in scene.steps)
        for n in range(len(scene.steps)):
            ElementTree.fromstring(scene.to_svg(n))


@pytest.mark.parametrize(
    ("strength", "complaint"),
    [
        (np.ones((9, 2)), r"shape \(9, 2\); it must be \(T, S\), from 1 to 8"),
        (np.ones((2, 9)), r"shape \(2, 9\)"),
        (np.ones((0, 3)), r"shape \(0, 3\)"),
        ([1.0, 2.0], r"shape \(2,\)"),
        ([[1.0, -1.0]], r"strength\[0, 1\] is -1.0; a strength is a finite number, 0 or above"),
        ([[1.0], [np.nan]], r"strength\[1, 0\] is nan"),
        ([[np.inf]], r"strength\[0, 0\] is inf"),
        ([["strong"]], "strength is not a table of numbers"),
    ],
)
def test_what_cannot_be_drawn_is_refused(strength, complaint):
    with pytest.raises(ValueError, match=complaint):
        dependency_scene(strength)


def test_a_network_too_long_to_draw_is_refused():
    with pytest.raises(ValueError, match=r"shape \(9, 9\)"):
        dependency_stepper("time-synchronous", 9)
    with pytest.raises(ValueError, match="structure is 'none'; choose one of"):
        dependency_stepper("none")
