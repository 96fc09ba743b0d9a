"""The pictures of chapter 8: do they show the numbers of the algorithm, and say what is so?"""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from enumeration import random_problem, scored_paths

from course_utils.alignment import encode, log_probabilities
from course_utils.alignment_training import train
from course_utils.data import STRIP_SYMBOLS, digit_strip
from course_utils.notebook.ch08 import PRESETS
from course_utils.scenes.training import training_scene
from course_utils.scenes.viterbi import strip_scene, viterbi_scene
from course_utils.viterbi import align

WORKED_EXAMPLE = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
ZEROS = [[0.5, 0.5, 0], [0.2, 0.8, 0], [0, 0.4, 0.6], [0, 0.1, 0.9]]
BLOCKED = [[0.0, 1.0], [0.6, 0.4], [0.3, 0.7]]
UNDERFLOW = [[1e-60, 1e-62, 1.0]] * 3 + [[1e-62, 1e-60, 1.0]] * 4
UTTERANCES = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3
CASES = {
    "worked example": (WORKED_EXAMPLE, "AB"),
    "ABA": ([[0.4, 0.6], [0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2]], "ABA"),
    "ties": (np.full((6, 3), 1 / 3), "ABC"),
    "repeats": (WORKED_EXAMPLE, "AA"),
    "one frame": (WORKED_EXAMPLE[:1], "B"),
    "one symbol": (WORKED_EXAMPLE, "A"),
    "full": (ZEROS[:3], "ABC"),
    "zeros": (ZEROS, "ABC"),
    "too few frames": (WORKED_EXAMPLE[:2], "ABA"),
    "blocked at the start": (BLOCKED, "AB"),
    "blocked at the end": (BLOCKED[::-1], "BA"),
    "underflow": (UNDERFLOW, "AB"),
    "many symbols": (np.full((4, 9), 1 / 9), "AHB"),
}
KINDS = [(name, domain, ties) for name in CASES for domain in ("probability", "log") for ties in ("stay", "advance")]


def case(name, domain="probability", ties="stay"):
    y, target = CASES[name]
    return viterbi_scene(y, target, domain=domain, ties=ties)


@pytest.fixture(scope="module")
def strip_picture(column_classifier):
    strip = digit_strip("314159", np.random.default_rng(2), max_gap=2)
    log_y = column_classifier.log_posteriors(strip.image)
    return strip, log_y, strip_scene(strip.image, log_y, strip.target, STRIP_SYMBOLS, strip.spans)


@pytest.fixture(params=["stay", "log", "zeros", "blocked", "strip", "best", "all"])
def picture(request):
    """One scene of every kind."""
    if request.param == "strip":
        return request.getfixturevalue("strip_picture")[2]
    if request.param in ("best", "all"):
        run = train([[0, 2], [1.5, 0]], *UTTERANCES, paths=request.param, steps=12)
        return training_scene(run, *UTTERANCES, iterations=12)
    return {
        "stay": lambda: case("worked example"),
        "log": lambda: case("ABA", "log"),
        "zeros": lambda: case("zeros", "log", "advance"),
        "blocked": lambda: case("blocked at the end", "log"),
    }[request.param]()


def value(text):
    """Read a number as a reader does."""
    return float(text.replace("−", "-").replace("∞", "inf"))


def last_marks(told):
    return told.marks_at(len(told.steps) - 1)


def sentences(told):
    return [step.says for step in told.steps]


# -- the contract, for every kind of scene


def test_every_step_says_something(picture):
    assert all(len(says) > 10 and says.strip().endswith(".") for says in sentences(picture)), sentences(picture)


def test_every_formula_is_valid_mathml(picture):
    data = picture.to_json()
    known = set(
        [
            "math",
            "mrow",
            "mi",
            "mn",
            "mo",
            "mtext",
            "msub",
            "msup",
            "msubsup",
            "mfrac",
            "mover",
            "munder",
            "munderover",
            "mspace",
            "mstyle",
            "mpadded",
        ]
    )
    formulas = [part["formula"] for part in (*data["steps"], *data["hints"].values())]
    assert any(formulas)
    for formula in filter(None, formulas):
        root = ElementTree.fromstring(f"<all>{formula}</all>")
        assert {child.tag for child in root} == {"math"}, formula
        assert {element.tag for element in root.iter()} - {"all"} <= known, formula


def test_json_is_finite(picture):
    text = json.dumps(picture.to_json(), allow_nan=False)
    assert not re.search(r"NaN|Infinity|\bnan\b|\binf\b", text)


def test_the_static_drawing_equals_the_patches_applied_one_by_one(picture):
    """Plays the JSON as a player would and compares each mark with the static drawing, at some steps."""
    data = picture.to_json()
    root = ElementTree.fromstring(data["svg"])
    state = {}
    for element in root.iter():
        if name := element.get("data-mark"):
            slot = next((e.text or "" for e in element.iter() if "slot" in (e.get("class") or "").split()), None)
            tint = next((e for e in element.iter() if "tint" in (e.get("class") or "").split()), None)
            state[name] = [element.get("data-state"), slot, None if tint is None else float(tint.get("fill-opacity"))]
    chosen = {0, 1, 2, len(data["steps"]) // 2, len(data["steps"]) - 2, len(data["steps"]) - 1}
    for n, step in enumerate(data["steps"]):
        for name, values in step["patch"].items():
            for k, new in enumerate(values):
                if new is not None and state[name][k] is not None:
                    state[name][k] = new
        if n not in chosen:
            continue
        drawn = ElementTree.fromstring(picture.to_svg(n))
        for element in drawn.iter():
            if name := element.get("data-mark"):
                slot = next((e.text or "" for e in element.iter() if "slot" in (e.get("class") or "").split()), None)
                tint = next((e for e in element.iter() if "tint" in (e.get("class") or "").split()), None)
                assert element.get("data-state") == state[name][0], (n, name)
                assert slot == state[name][1], (n, name)
                if tint is not None:
                    assert float(tint.get("fill-opacity")) == pytest.approx(state[name][2], abs=1e-9), (n, name)


def test_the_static_drawing_needs_nothing_from_outside_and_has_no_dom_id(picture):
    for n in (0, len(picture.steps) - 1):
        svg = picture.to_svg(n)
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        for element in root.iter():
            names = {name.rpartition("}")[2] for name in element.attrib}
            assert not names & {"id", "href", "src", "style", "onclick", "onload"}, element.attrib
            assert element.tag.rpartition("}")[2] not in ("script", "image", "use", "foreignObject", "a")
        assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", svg)


def test_no_drawing_that_travels_has_a_dom_id(picture):
    assert not re.search(r"\sid\s*=", picture.svg)


def test_states_are_those_that_the_style_knows(picture):
    style = picture.to_svg(0)
    states = {mark.state for step in picture.steps for mark in step.patch.values() if mark.state}
    states |= set(re.findall(r'data-state="(\w+)"', picture.svg))
    silent = {"done", "kept"}  # drawn as every mark is
    for state in states - silent:
        assert f'[data-state="{state}"]' in style, state


def test_each_computed_mark_is_computed_by_one_step_only(picture):
    computed = [name for step in picture.steps for name in step.computes]
    assert computed
    assert len(set(computed)) == len(computed)


def test_a_scene_made_twice_is_the_same_twice():
    assert case("ABA").to_json() == case("ABA").to_json()
    assert case("ABA").to_svg() == case("ABA").to_svg()
    assert case("ABA").to_json() != case("ABA", ties="advance", domain="log").to_json()


# -- sizes


@pytest.mark.parametrize(("name", "domain", "ties"), KINDS)
def test_a_typical_scene_stays_under_200_kilobytes(name, domain, ties):
    assert len(json.dumps(case(name, domain, ties).to_json())) < 200_000


def test_a_trellis_of_ten_frames_and_four_symbols_is_typical_still():
    y = np.random.default_rng(0).dirichlet(np.ones(4), 10)
    assert len(json.dumps(viterbi_scene(y, "ABCD", domain="log").to_json())) < 200_000


def test_the_longest_strip_stays_under_500_kilobytes(column_classifier):
    rng = np.random.default_rng(0)
    strip = max((digit_strip("808908", rng) for _ in range(50)), key=lambda strip: strip.image.shape[1])
    told = strip_scene(
        strip.image, column_classifier.log_posteriors(strip.image), strip.target, STRIP_SYMBOLS, strip.spans
    )
    assert len(json.dumps(told.to_json())) < 500_000, strip.image.shape


# -- the numbers are those of the algorithm


def assert_shows(told, y, target, domain, ties):
    """The last step shows the trellis, the path and the labels that align gives, as does the table."""
    log_y = log_probabilities(y)
    found = align(log_y, target, ties=ties)
    marks = last_marks(told)
    rows = {row[0]: row[1:] for row in told.table.rows}
    names = "ABCDEF"
    for t, i in np.ndindex(found.trellis.shape):
        shown = marks[f"V-{t}-{i}"].text
        head = f"{'V, a logarithm' if domain == 'log' else 'V'}, i = {i} {names[target[i]]}"
        assert shown == rows[head][t], (t, i)
        truth = found.trellis[t, i] if domain == "log" else np.exp(found.trellis[t, i])
        digits = {"rel": 0, "abs": 6e-4} if domain == "log" else {"rel": 6e-2 if "e" in shown else 6e-4, "abs": 0}
        assert value(shown) == pytest.approx(truth, **digits), (t, i, shown)
        on_path = found.path[t] == i
        assert (marks[f"V-{t}-{i}"].state == "path") == on_path, (t, i)
    labels = [names[k] for k in found.labels]
    assert [marks[f"label-{t}"].text for t in range(len(y))] == labels == list(rows["best path"])
    assert f"The best path reads {' '.join(labels)}." in told.steps[-1].says
    for k in range(np.shape(y)[1]):
        for t in range(len(y)):
            if f"y({names[k]})" in rows:
                shown = rows[f"y({names[k]})"][t]
                assert value(shown) == pytest.approx(y[t][k], rel=6e-2 if "e" in shown else 6e-3, abs=0)


@pytest.mark.parametrize("ties", ["stay", "advance"])
@pytest.mark.parametrize("domain", ["probability", "log"])
@pytest.mark.parametrize(
    "name", ["worked example", "ABA", "repeats", "one frame", "one symbol", "full", "zeros", "many symbols"]
)
def test_the_numbers_shown_are_those_of_the_algorithm(name, domain, ties):
    y, target = CASES[name]
    if name == "many symbols":
        y, target = np.full((4, 6), 1 / 6), "AEB"
    assert_shows(viterbi_scene(y, target, domain=domain, ties=ties), np.asarray(y), encode(target), domain, ties)


def test_the_worked_example_shows_the_published_table(oracles):
    truth = oracles["O1_viterbi_8.10"]
    marks = last_marks(case("worked example"))
    for (i, t), v in np.ndenumerate(truth["V"]):
        assert value(marks[f"V-{t}-{i}"].text) == pytest.approx(v, rel=1e-3)
    assert "".join(marks[f"label-{t}"].text for t in range(4)) == truth["path"]


def test_the_case_aba_shows_the_published_table(oracles):
    truth = oracles["O2_viterbi_ABA"]
    told = case("ABA")
    marks = last_marks(told)
    for (i, t), v in np.ndenumerate(truth["V"]):
        assert value(marks[f"V-{t}-{i}"].text) == pytest.approx(v, rel=1e-3)
    assert "".join(marks[f"label-{t}"].text for t in range(5)) == truth["path"]
    assert f"reads {' '.join(truth['greedy'])}, which compresses to B A: not the target" in told.steps[-1].says


def test_random_trellises_show_what_align_finds_or_say_why_not():
    rng = np.random.default_rng(12)
    shown = refused = 0
    for n in range(120):
        log_y, target = random_problem(rng, 5)
        y = np.exp(log_y)
        domain, ties = ("log", "probability")[n % 2], ("stay", "advance")[n // 2 % 2]
        told = viterbi_scene(y, target, domain=domain, ties=ties)
        if scored_paths(log_y, target)[1].max() > -700:
            assert_shows(told, y, target, domain, ties)
            shown += 1
        else:
            assert "best path reads" not in told.steps[-1].says
            refused += 1
    assert min(shown, refused) > 3, (shown, refused)


def test_a_number_that_is_changed_in_the_picture_is_seen():
    """A planted fault: the comparison above can fail."""
    told = viterbi_scene([*WORKED_EXAMPLE[:3], [0.4, 0.6]], "AB")
    with pytest.raises(AssertionError):
        assert_shows(told, np.array(WORKED_EXAMPLE), encode("AB"), "probability", "stay")


# -- the sentences


def test_the_sentences_of_the_worked_example_carry_its_numbers():
    said = sentences(case("worked example"))
    assert "V₀(0) is the probability of A there: 0.9." in said[0]
    assert said[2] == "B at t = 1: it can only have come from A, which brings 0.9. 0.4 × 0.9 = 0.36."
    assert "staying brings 0.36, advancing from A brings 0.54. Advancing wins. 0.7 × 0.54 = 0.378." in said[4]
    assert "staying brings 0.378, advancing from A brings 0.162. Staying wins." in said[6]


def test_each_cell_is_computed_before_the_path_goes_back_through_it():
    told = case("ABA")
    computed = [step.computes[0] for step in told.steps if step.computes]
    assert computed[0] == "V-0-0"
    assert len(computed) == 1 + 2 + 3 + 3 + 3
    assert all(not step.computes for step in told.steps[len(computed) :])


@pytest.mark.parametrize("domain", ["probability", "log"])
def test_too_few_frames_are_counted(domain):
    told = case("too few frames", domain)
    assert "There is no path: 3 symbols need at least 3 frames, one each, and there are 2." in told.steps[-1].says
    assert told.table.rows[-1] == ("best path", "–", "–")


@pytest.mark.parametrize("ties", ["stay", "advance"])
@pytest.mark.parametrize("domain", ["probability", "log"])
@pytest.mark.parametrize("name", ["blocked at the start", "blocked at the end"])
def test_a_way_blocked_by_zeros_is_told_from_too_few_frames(name, domain, ties):
    told = case(name, domain, ties)
    assert "There is no path: each one passes through a probability of zero." in told.steps[-1].says
    assert not any(mark.state == "path" for mark in last_marks(told).values())
    assert not any("underflow" in says for says in sentences(told))


def test_underflow_is_told_from_impossibility():
    told = case("underflow")
    assert "exactly 0, although paths exist: every product underflowed" in told.steps[-1].says
    said = [says for says in sentences(told) if "too small for a float64: underflow." in says]
    assert len(said) == 4  # both rows at t = 5 and t = 6
    assert re.search("The true value is about 10\\^[-−]360,", said[1]), said
    assert not any("underflow" in says for says in sentences(case("underflow", "log")))
    assert "The best path reads A A A B B B B." in case("underflow", "log").steps[-1].says


def test_what_has_underflowed_is_never_said_to_be_impossible():
    assert not [says for says in sentences(case("underflow")) if "Neither has any probability" in says]


@pytest.mark.parametrize(("ties", "path"), [("stay", "A B C C C C"), ("advance", "A A A A B C")])
def test_a_tie_names_the_rule_that_decides(ties, path):
    for domain in ("probability", "log"):
        told = case("ties", domain, ties)
        assert any(f"A tie: the rule says {ties}." in says for says in sentences(told))
        assert f"The best path reads {path}." in told.steps[-1].says
    assert not any("A tie" in says for says in sentences(case("worked example")))


def test_equal_symbols_are_told_apart_by_their_positions():
    told = case("repeats")
    assert any("A (i = 1) at t = 1" in says for says in sentences(told))
    assert "Equal neighbours in the target" in told.steps[-1].says
    apart = viterbi_scene(WORKED_EXAMPLE, "ABA")
    assert any("A (i = 2)" in says for says in sentences(apart))
    assert "equal neighbours" not in apart.steps[-1].says


def test_with_many_symbols_only_those_of_the_target_are_drawn():
    told = case("many symbols")
    assert set(re.findall(r'data-mark="y-0-(\d)"', told.svg)) == {"0", "7", "1"}


def test_every_probability_that_is_drawn_may_be_edited_and_says_its_value():
    root = ElementTree.fromstring(case("worked example").svg)
    found = {e.get("data-mark"): float(e.get("data-edit")) for e in root.iter() if e.get("data-edit")}
    assert found == {f"y-{t}-{k}": WORKED_EXAMPLE[t][k] for t in range(4) for k in range(2)}


def test_all_cases_of_the_explorer_can_be_drawn_in_every_way():
    for preset in PRESETS.values():
        for domain in ("probability", "log"):
            for ties in ("stay", "advance"):
                assert viterbi_scene(preset.y, preset.target, domain=domain, ties=ties).steps


BAD = {
    "domain": ({"domain": "odds"}, "domain is 'odds'; choose 'probability' or 'log'"),
    "ties": ({"ties": "late"}, "ties is 'late'; choose 'stay' or 'advance'"),
    "empty": ({"target": ""}, "target is empty; give at least one symbol"),
    "unknown": ({"target": "AX", "symbols": "AB"}, "target has the symbol 'X'"),
    "no column": ({"target": [0, 2]}, r"target\[1\] is 2"),
    "table": ({"y": [[0.5, 0.6]]}, "row 0 of y has probabilities that sum to 1.1"),
    "too few names": ({"symbols": "A", "target": "A"}, "symbols"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_arguments_of_the_scene_are_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        viterbi_scene(**{"y": WORKED_EXAMPLE, "target": "AB"} | arguments)


def test_more_columns_than_letters_need_names():
    with pytest.raises(ValueError, match="symbols"):
        viterbi_scene(np.full((2, 27), 1 / 27), "AB")


# -- strips


def test_the_strip_shows_the_path_and_the_boundaries_that_align_finds(strip_picture):
    strip, log_y, told = strip_picture
    found = align(log_y, encode(strip.target, STRIP_SYMBOLS))
    marks = last_marks(told)
    on_path = {name for name, mark in marks.items() if mark.state == "path" and name.startswith("V-")}
    assert on_path == {f"V-{t}-{i}" for t, i in enumerate(found.path)}
    for i, (start, end) in enumerate(found.segments.tolist()):
        row = told.table.rows[i]
        assert row[:2] == (f"{i} {strip.target[i]}", f"{start} to {end - 1}")
        if i % 2:
            true_start, true_end = strip.spans[i // 2]
            assert row[2] == f"{true_start} to {true_end - 1}"
    exact = int((found.segments[1::2] == strip.spans).sum())
    every = strip.spans.size
    said = f"All {every} boundaries are exact." if exact == every else f"{exact} of {every} boundaries are exact, "
    assert said in told.steps[-1].says


def test_boundaries_that_are_off_are_counted(strip_picture):
    strip, log_y, _ = strip_picture
    found = align(log_y, encode(strip.target, STRIP_SYMBOLS)).segments[1::2]
    wrong = found + np.array([[0, 3]] + [[0, 0]] * 5)
    told = strip_scene(strip.image, log_y, strip.target, STRIP_SYMBOLS, wrong)
    assert "11 of 12 boundaries are exact, the worst is off by 3 columns." in told.steps[-1].says


def test_each_cell_of_the_strip_says_how_its_number_came_about(strip_picture):
    strip, log_y, told = strip_picture
    trellis = align(log_y, encode(strip.target, STRIP_SYMBOLS)).trellis
    for t, i in ((0, 0), (1, 1), (20, 3), (len(trellis) - 1, len(strip.target) - 1)):
        shown = value(re.search(r"(?:=|gives) (−?[\d.]+)\.$", told.hints[f"V-{t}-{i}"].says)[1])
        assert shown == pytest.approx(trellis[t, i], abs=0.006)


def test_a_strip_whose_parts_do_not_fit_is_refused(strip_picture):
    strip, log_y, _ = strip_picture
    with pytest.raises(ValueError, match=r"image has shape .*, but log_y has 3 frames: give one frame per column"):
        strip_scene(strip.image, log_y[:3], "3", STRIP_SYMBOLS)
    with pytest.raises(ValueError, match="target has the symbol 'x'"):
        strip_scene(strip.image, log_y, "x", STRIP_SYMBOLS)


# -- training


@pytest.mark.parametrize("paths", ["best", "all"])
def test_the_picture_of_training_shows_its_losses_and_its_model(paths):
    run = train([[0, 2], [1.5, 0]], *UTTERANCES, paths=paths, steps=12)
    told = training_scene(run, *UTTERANCES, iterations=12, title="Training")
    assert len(told.steps) == 13
    for n in (0, 1, 12):
        assert f"{run.loss[n]:.3f}" in told.steps[n].says
        y = np.exp(run.weights[n]) / np.exp(run.weights[n]).sum(axis=1, keepdims=True)
        marks = told.marks_at(n)
        for kind, k in np.ndindex(2, 2):
            assert float(marks[f"y-{kind}-{k}"].text) == pytest.approx(y[kind, k], abs=0.0051)
    rows = {row[0]: row[1:] for row in told.table.rows}
    shown = [int(n) for n in told.table.header[1:]]
    assert [float(cell) for cell in rows["loss"]] == pytest.approx(run.loss[shown].tolist(), abs=6e-4)
    assert [float(cell) for cell in rows["−ln P, all paths"]] == pytest.approx(run.nll[shown].tolist(), abs=6e-4)


def test_viterbi_training_shows_the_best_path_of_each_utterance():
    run = train([[0, 2], [1.5, 0]], *UTTERANCES, paths="best", steps=5)
    told = training_scene(run, *UTTERANCES, iterations=5)
    for n in range(6):
        read = ["".join("AB"[i] for i in gamma.argmax(axis=1)) for gamma in run.occupancy[n]]
        assert all(word in told.steps[n].says for word in read), told.steps[n].says
        marks = told.marks_at(n)
        assert ["".join(marks[f"u-{u}-{t}"].text for t in range(4)) for u in range(3)] == read


def test_training_that_cannot_be_drawn_is_refused():
    run = train([[0, 2], [1.5, 0]], *UTTERANCES, paths="best", steps=5)
    for iterations in (0, 6):
        with pytest.raises(ValueError, match=f"iterations is {iterations}; it must be from 1 to 5"):
            training_scene(run, *UTTERANCES, iterations=iterations)
    with pytest.raises(ValueError, match="inputs have different lengths"):
        training_scene(run, [[0, 1], [0, 1, 1], [0, 1]], UTTERANCES[1], iterations=3)
