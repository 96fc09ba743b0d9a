"""The trellis of chapter 8 as a picture: does it show the numbers of the algorithm, and say what is so?"""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from enumeration import random_problem, scored_paths

from course_utils.alignment_training import train
from course_utils.examples import FORCED_ALIGNMENTS, PASSABLE_ZEROS, STUCK_START, UTTERANCES
from course_utils.posteriors import encode, log_probabilities
from course_utils.scenes.alignment_training import training_scene
from course_utils.scenes.scene import Scene
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis
from course_utils.viterbi import align
from tests.written import POWER, value

WORKED_EXAMPLE, BLOCKED, UNDERFLOW = (
    FORCED_ALIGNMENTS[name].y for name in ("worked example", "blocked by zeros", "underflow")
)
CASES = {
    "worked example": (WORKED_EXAMPLE, "AB"),
    "ABA": (FORCED_ALIGNMENTS["frame by frame fails"].y, "ABA"),
    "ties": (FORCED_ALIGNMENTS["all ties"].y, "ABC"),
    "repeats": (WORKED_EXAMPLE, "AA"),
    "one frame": (WORKED_EXAMPLE[:1], "B"),
    "one symbol": (WORKED_EXAMPLE, "A"),
    "full": (PASSABLE_ZEROS.y[:3], "ABC"),
    "zeros": (PASSABLE_ZEROS.y, "ABC"),
    "too few frames": (WORKED_EXAMPLE[:2], "ABA"),
    "blocked at the start": (BLOCKED, "AB"),
    "blocked at the end": (BLOCKED[::-1], "BA"),
    "underflow": (UNDERFLOW, "AB"),
    "many symbols": (np.full((4, 9), 1 / 9), "AHB"),
}
KINDS = [(name, domain, ties) for name in CASES for domain in ("probability", "log") for ties in ("stay", "advance")]


def drawn(*args, **kwargs) -> Scene:
    """Fill a trellis, and draw it."""
    return trellis_scene(fill_trellis(*args, **kwargs))


def case(name, domain="probability", ties="stay"):
    y, target = CASES[name]
    return drawn(y, target, domain=domain, ties=ties)


@pytest.fixture(params=["stay", "log", "zeros", "blocked", "strip", "best", "all"])
def picture(request):
    """One scene of every kind."""
    if request.param == "strip":
        return request.getfixturevalue("aligned_strip").scene
    if request.param in ("best", "all"):
        return training_scene(train(STUCK_START, *UTTERANCES, paths=request.param, iterations=12), iterations=12)
    return {
        "stay": lambda: case("worked example"),
        "log": lambda: case("ABA", "log"),
        "zeros": lambda: case("zeros", "log", "advance"),
        "blocked": lambda: case("blocked at the end", "log"),
    }[request.param]()


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
        picture_then = ElementTree.fromstring(picture.to_svg(n))
        for element in picture_then.iter():
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
    assert len(json.dumps(drawn(y, "ABCD", domain="log").to_json())) < 200_000


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
        digits = {"rel": 0, "abs": 6e-4} if domain == "log" else {"rel": 6e-3 if POWER in shown else 6e-4, "abs": 0}
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
                assert value(shown) == pytest.approx(y[t][k], rel=6e-2 if POWER in shown else 6e-3, abs=0)


@pytest.mark.parametrize("ties", ["stay", "advance"])
@pytest.mark.parametrize("domain", ["probability", "log"])
@pytest.mark.parametrize(
    "name", ["worked example", "ABA", "repeats", "one frame", "one symbol", "full", "zeros", "many symbols"]
)
def test_the_numbers_shown_are_those_of_the_algorithm(name, domain, ties):
    y, target = CASES[name]
    if name == "many symbols":
        y, target = np.full((4, 6), 1 / 6), "AEB"
    assert_shows(drawn(y, target, domain=domain, ties=ties), np.asarray(y), encode(target), domain, ties)


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
        told = drawn(y, target, domain=domain, ties=ties)
        if scored_paths(log_y, target)[1].max() > -700:
            assert_shows(told, y, target, domain, ties)
            shown += 1
        else:
            assert "best path reads" not in told.steps[-1].says
            refused += 1
    assert min(shown, refused) > 3, (shown, refused)


def test_a_number_that_is_changed_in_the_picture_is_seen():
    """A planted fault: the comparison above can fail."""
    told = drawn([*WORKED_EXAMPLE[:3], [0.4, 0.6]], "AB")
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
    apart = drawn(WORKED_EXAMPLE, "ABA")
    assert any("A (i = 2)" in says for says in sentences(apart))
    assert "equal neighbours" not in apart.steps[-1].says


def test_with_many_symbols_only_those_of_the_target_are_drawn():
    told = case("many symbols")
    assert set(re.findall(r'data-mark="y-0-(\d)"', told.svg)) == {"0", "7", "1"}


def test_every_probability_that_is_drawn_may_be_edited_and_says_its_value():
    found = {name: (edit.place, edit.value) for name, edit in case("worked example").edits.items()}
    assert found == {f"y-{t}-{k}": ((t, k), WORKED_EXAMPLE[t, k]) for t in range(4) for k in range(2)}


def test_all_cases_of_the_explorer_can_be_drawn_in_every_way():
    for example in FORCED_ALIGNMENTS.values():
        for domain in ("probability", "log"):
            for ties in ("stay", "advance"):
                assert drawn(example.y, example.target, domain=domain, ties=ties).steps
