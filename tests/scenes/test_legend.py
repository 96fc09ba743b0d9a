"""What the looks of a picture mean: states and hues in words, names with indices, numbers that fit into their cells."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

import course_utils.scenes
from course_utils.examples import CTC_Y, WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.notebook import (
    adder_stepper,
    beam_stepper,
    bptt_stepper,
    collapse_stepper,
    ctc_stepper,
    dependency_explorer,
    gradient_explorer,
    greedy_stepper,
    permutation_stepper,
    rnn_stepper,
    training_stepper,
    viterbi_stepper,
)
from course_utils.scenes.scene import ROLES, STATES, Legend, Scene, Table
from course_utils.scenes.step import Mark, Step
from course_utils.scenes.svg import SMALLEST, SVG, cell, document, font_size, row_name, text
from course_utils.stepper import styles

CSS = (Path(course_utils.scenes.__file__).parent / "scene.css").read_text("utf-8")
SHOWN = {
    "trellis": lambda: viterbi_stepper([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], "AB"),
    "training": lambda: training_stepper([[1, 0], [0, 0], [0, 0]], [[0, 1, 2, 1], [0, 0, 1, 2]], [[0, 1], [0, 1]]),
    "collapse": lambda: collapse_stepper("aa-abb-"),
    "alpha": lambda: ctc_stepper(CTC_Y, "aa"),
    "gamma": lambda: ctc_stepper(CTC_Y, "aa", table="gamma"),
    "greedy": lambda: greedy_stepper(CTC_Y),
    "beam": lambda: beam_stepper(CTC_Y),
    "forward": lambda: rnn_stepper(WORKED_NET, WORKED_X, WORKED_TARGET),
    "backward": lambda: bptt_stepper(WORKED_NET, WORKED_X, WORKED_TARGET),
    "adder": adder_stepper,
    "dependency": dependency_explorer,
    "permutation": permutation_stepper,
    "gradients": gradient_explorer,
}


@pytest.fixture(scope="module", params=list(SHOWN))
def shown(request):
    return request.param, SHOWN[request.param]().shown()


def scene(body, *patches, **more):
    svg = document(300, 60, body, "For tests")
    return Scene(
        "For tests", svg, tuple(Step("A step.", patch=p) for p in patches or ({},)), Table("", ("",), ()), **more
    )


def test_a_legend_tells_the_states_that_occur_and_no_others():
    body = [cell("a", 0, 0, 40, 20), cell("b", 50, 0, 40, 20, state="done")]
    assert scene(body).to_json()["legend"]["states"] == {"idle": STATES["idle"]}
    later = scene(body, {"a": Mark("path")}, {"b": Mark("off")})
    assert list(later.to_json()["legend"]["states"]) == ["idle", "path", "off"]
    own = scene(body, {"a": Mark("path")}, legend=Legend({"path": "kept", "lost": "pruned"})).to_json()["legend"]
    assert own["states"] == {"idle": STATES["idle"], "path": "kept"}


def test_a_legend_tells_the_roles_of_cells_and_names():
    assert scene([cell("a", 0, 0, 40, 20)]).to_json()["legend"]["roles"] == []
    body = [cell("a", 0, 0, 40, 20, role="gradient"), row_name(9, 9, "x", "small input", top=0)]
    assert scene(body).to_json()["legend"]["roles"] == ["input", "gradient"]


def test_every_look_has_a_meaning(shown):
    _, picture = shown
    legend = picture.to_json()["legend"]
    assert set(legend["words"].values()) | set(legend["letters"].values()) <= set(ROLES)
    used = {mark.state for step in picture.steps for mark in step.patch.values() if mark.state}
    assert used & set(STATES) <= set(legend["states"])
    tinted = re.search(r'class="tint"[^>]*fill-opacity="0\.[1-9]', picture.svg) or any(
        mark.level for step in picture.steps for mark in step.patch.values()
    )
    assert bool(legend["shade"]) == bool(tinted)


def test_roles_are_where_they_belong():
    roles = {name: SHOWN[name]().shown().to_json()["legend"]["roles"] for name in SHOWN}
    assert roles["forward"] == ["input", "state", "weight", "output"]
    assert roles["backward"] == ["input", "state", "weight", "gradient"]
    assert roles["alpha"] == roles["trellis"] == ["output"]
    assert roles["gamma"] == ["output", "posterior"]
    assert roles["training"] == ["input", "output", "posterior"]
    assert roles["dependency"] == ["input", "output", "gradient"]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_hue_in_every_theme_for_cells_names_and_words(role):
    hues = re.findall(rf"--rc-{role}: (#[0-9a-f]{{6}});", CSS)
    assert len(hues) == 3  # light, dark by JupyterLab's theme, dark by the system's
    assert hues[1] == hues[2] != hues[0]
    assert f".rc-scene .{role} {{\n  --rc-tint: var(--rc-{role});\n}}" in CSS
    assert f".rc-stepper .rc-{role} {{\n  color: var(--rc-{role});\n}}" in styles()


def test_all_hues_of_a_theme_differ():
    blocks = re.findall(r"\{([^{}]*--rc-input:[^{}]*)\}", CSS)
    assert len(blocks) == 3
    for block in blocks:
        hues = [re.search(rf"--rc-{role}: (#\w+)", block)[1] for role in ROLES]
        assert len(set(hues)) == len(ROLES)


# -- names and numbers


def test_an_index_is_set_lower_and_small():
    (name,) = ElementTree.fromstring(document(9, 9, [text(0, 0, "dW_hh")], "")).iter(f"{{{SVG}}}text")
    assert (name.text, name[0].text, name[0].get("class")) == ("dW", "hh", "index")
    for other in ("t = 0", "y(a_b)", "a_longindex", "W_", "_x", "hidden_state"):
        (plain,) = ElementTree.fromstring(document(9, 9, [text(0, 0, other)], "")).iter(f"{{{SVG}}}text")
        assert ("".join(plain.itertext()), len(plain)) == (other, 0) or other == "y(a_b)"


@pytest.mark.parametrize("width", [36, 54, 66, 78])
def test_long_numbers_are_written_smaller(width):
    sizes = [
        font_size(written, width) for written in ("0", "0.5", "0.15225", "−0.0003", "−1.234·10⁻¹²", "−1.234·10⁻¹⁰⁰")
    ]
    assert sizes[0] is sizes[1] is None
    assert sizes[-1] == SMALLEST or width == 78
    given = [size or 15 for size in sizes]
    assert all(SMALLEST <= size <= 15 for size in given)


def test_a_number_that_becomes_long_is_written_smaller_in_the_still_picture():
    body = [cell("a", 0, 0, 54, 20, content="0.5")]
    picture = scene(body, {"a": Mark(text="−1.23·10⁻⁴")}, {"a": Mark(text="0.25")})
    sizes = []
    for step in range(2):
        (slot,) = (e for e in ElementTree.fromstring(picture.to_svg(step)).iter(f"{{{SVG}}}text"))
        sizes.append(slot.get("style"))
    assert re.fullmatch(r"font-size: 1[0-4](\.5)?px", sizes[0])
    assert sizes[1] is None


def test_the_font_has_every_character_of_the_formulas(shown):
    _, picture = shown
    font = TTFont(BytesIO(b64decode(re.search(r"data:font/woff2;base64,([\w+/=]+)", styles())[1])))
    assert "MATH" in font
    known = set(map(chr, font.getBestCmap()))
    formulas = [step["formula"] for step in picture.to_json()["steps"]]
    formulas += [hint["formula"] for hint in picture.to_json()["hints"].values()]
    written = {
        c for formula in formulas if formula for c in "".join(ElementTree.fromstring(f"<m>{formula}</m>").itertext())
    }
    assert written <= known, written - known


def test_letters_of_formulas_have_their_italic_twins_in_the_font():
    font = TTFont(BytesIO(b64decode(re.search(r"data:font/woff2;base64,([\w+/=]+)", styles())[1])))
    known = set(font.getBestCmap())
    assert {0x1D44E + n for n in range(26) if n != 7} | {0x210E} | {0x1D6FC, 0x1D6FD, 0x1D6FE, 0x1D6FF} <= known
