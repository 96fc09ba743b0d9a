"""The contract of every picture: marks that exist, steps that add up, JSON that a browser can read."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.scenes.scene import Hint, Scene, Storyboard, Table
from course_utils.scenes.step import Mark, Step
from course_utils.scenes.svg import document
from course_utils.scenes.wording import latex_number, log_number, mathml, number, plural

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg">'
    '<g data-mark="a" data-state="idle"><rect class="tint" fill-opacity="0"/><text class="slot">?</text></g>'
    '<g data-mark="b" data-state="idle"/></svg>'
)
TABLE = Table("Numbers", ("", "x"), (("a", "1"),))


def scene(*steps, svg=SVG, **more):
    return Scene("A picture", svg, steps or (Step("Nothing changes."),), TABLE, **more)


# -- what is refused


def test_a_scene_without_a_step_is_refused():
    with pytest.raises(ValueError, match="steps is empty; a scene has at least one step"):
        Scene("A picture", SVG, (), TABLE)


def test_a_patch_of_a_mark_that_is_not_drawn_is_refused():
    with pytest.raises(ValueError, match=r"step 1 names the marks \['c'\], which svg does not draw"):
        scene(Step("One."), Step("Two.", patch={"a": Mark("now"), "c": Mark("now")}))


def test_a_step_cannot_compute_a_mark_that_is_not_drawn():
    with pytest.raises(ValueError, match=r"step 0 names the marks \['c'\], which svg does not draw"):
        scene(Step("One.", computes=("c",)))


def test_a_hint_to_a_mark_that_is_not_drawn_is_refused():
    with pytest.raises(ValueError, match=r"hints name the marks \['c'\], which svg does not draw"):
        scene(hints={"c": Hint("How it came about.")})


def test_two_marks_of_one_name_are_refused():
    twice = SVG.replace('data-mark="b"', 'data-mark="a"')
    with pytest.raises(ValueError, match="svg draws the mark 'a' twice"):
        scene(svg=twice)


@pytest.mark.parametrize("step", [1, 7, -2])
def test_a_step_that_does_not_exist_is_refused(step):
    one = scene()
    with pytest.raises(IndexError, match=f"step is {step}; this scene has the steps 0 to 0"):
        one.to_svg(step)
    with pytest.raises(IndexError, match=f"step is {step}"):
        one.marks_at(step)


def test_a_level_that_is_no_finite_number_stops_where_the_scene_is_made():
    with pytest.raises(ValueError, match="not JSON compliant"):
        scene(Step("One.", patch={"a": Mark(level=float("nan"))})).to_json()


# -- patches


def test_a_later_mark_speaks_where_it_is_not_silent():
    assert Mark("now", "1", 0.5).then(Mark(text="2")) == Mark("now", "2", 0.5)
    assert Mark("now", "1", 0.5).then(Mark("done", level=0.0)) == Mark("done", "1", 0.0)
    assert Mark("now", "1").then(Mark(text="")) == Mark("now", "")


def test_a_mark_travels_without_what_it_leaves_alone():
    assert Mark("now").to_json() == ["now"]
    assert Mark(text="1").to_json() == [None, "1"]
    assert Mark(level=np.float32(0.12345)).to_json() == [None, None, 0.123]
    assert Mark().to_json() == []


def test_marks_at_a_step_are_all_patches_up_to_it():
    steps = (
        Step("One.", patch={"a": Mark("now", "1")}),
        Step("Two.", patch={"a": Mark("done"), "b": Mark("now")}),
        Step("Three.", patch={"a": Mark(level=0.5)}),
    )
    told = scene(*steps)
    assert told.marks_at(0) == {"a": Mark("now", "1")}
    assert told.marks_at(1) == {"a": Mark("done", "1"), "b": Mark("now")}
    assert told.marks_at(2) == {"a": Mark("done", "1", 0.5), "b": Mark("now")}


def test_a_highlight_lasts_for_one_step():
    board = Storyboard()
    board.step("One.", now={"a": ("now", "done")})
    board.step("Two.", keep={"b": Mark("path")})
    board.step("Three.")
    patches = [dict(step.patch) for step in board.steps]
    assert patches == [{"a": Mark("now")}, {"a": Mark("done"), "b": Mark("path")}, {}]


def test_a_new_highlight_wins_over_the_end_of_the_old_one():
    board = Storyboard()
    board.step("One.", now={"a": ("now", "done")})
    board.step("Two.", keep={"a": Mark(text="1")}, now={"a": ("won", "done")})
    assert board.steps[1].patch == {"a": Mark("won", "1")}


# -- the static drawing


def test_the_static_drawing_stands_as_after_its_step():
    told = scene(
        Step("One.", patch={"a": Mark("now", "1 < 2", 0.25)}), Step("Two & a half.", patch={"a": Mark("done")})
    )
    for step, state, says in ((0, "now", "One."), (1, "done", "Two & a half."), (-1, "done", "Two & a half.")):
        root = ElementTree.fromstring(told.to_svg(step))
        (mark,) = [e for e in root.iter() if e.get("data-mark") == "a"]
        assert mark.get("data-state") == state
        assert mark.find("{*}text").text == "1 < 2"
        assert mark.find("{*}rect").get("fill-opacity") == "0.250"
        assert root.find("{*}title").text == f"A picture. {says}"


@pytest.mark.parametrize("text", ["&lt;", "&amp;", "<b>", "a & b"])
def test_the_static_drawing_says_what_the_player_says(text):
    """The player puts the text of a patch into the drawing letter by letter."""
    told = scene(Step("One.", patch={"a": Mark(text=text)}))
    root = ElementTree.fromstring(told.to_svg())
    assert root.find(".//{*}text").text == told.to_json()["steps"][0]["patch"]["a"][1] == text


# -- what travels to the browser


def test_json_holds_the_drawing_the_steps_and_the_hints():
    told = scene(
        Step("One.", "a = 1", {"a": Mark("now")}, ("a",)), Step("Two."), hints={"b": Hint("Because.", r"\frac{1}{2}")}
    )
    data = json.loads(json.dumps(told.to_json(), allow_nan=False))
    assert data["title"] == "A picture"
    assert data["svg"] == SVG
    assert [step["says"] for step in data["steps"]] == ["One.", "Two."]
    assert data["steps"][0]["patch"] == {"a": ["now"]}
    assert data["steps"][0]["computes"] == ["a"]
    assert data["steps"][1]["formula"] == ""
    assert data["hints"]["b"]["says"] == "Because."
    assert "<mfrac>" in data["hints"]["b"]["formula"]


def test_a_table_escapes_its_cells():
    html = Table("a < b", ("<i>",), (("&", "<td>"),)).to_html()
    root = ElementTree.fromstring(html)
    assert root.find("caption").text == "a < b"
    assert root.find(".//thead/tr/th").text == "<i>"
    assert [cell.text for cell in root.find("tbody/tr")] == ["&", "<td>"]


# -- formulas and numbers


def test_an_empty_formula_stays_empty():
    assert mathml("") == ""


def test_each_further_equals_sign_starts_a_formula_of_its_own():
    assert mathml("a").count("<math") == mathml("a = b").count("<math") == 1
    assert mathml("a = b = c = d").count("<math") == 3


@pytest.mark.parametrize("symbol", ["_", "-", "∅", "ε", "·", "#", "$", "^", "~", "\\", "{", "}", "%", "<", "&", "a b"])
def test_a_symbol_of_any_kind_stands_in_its_formula(symbol):
    from course_utils.scenes.trellis import trellis_scene
    from course_utils.trellis import fill_trellis

    told = trellis_scene(fill_trellis([[0.5, 0.5], [0.5, 0.5]], [0, 1], [symbol, "B"]))
    formulas = [step["formula"] for step in told.to_json()["steps"]]
    texts = []
    for formula in formulas:
        root = ElementTree.fromstring(f"<all>{formula}</all>")
        texts += [(element.text or "").replace("\N{NO-BREAK SPACE}", " ") for element in root.iter("mtext")]
    assert {text for text in texts if text.strip()} == {symbol, "B"}, formulas[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1, "1"), (0.3024, "0.3024"), (1 / 3, "0.3333"), (0.99999, "0.99999"), (1 - 1e-15, "1"), (0.00004, "4·10⁻⁵"), (-1.5, "−1.5"),
        (1.234e-7, "1.23·10⁻⁷"), (5e-324, "4.94·10⁻³²⁴"), (1e-10, "1·10⁻¹⁰"), (0.000999, "9.99·10⁻⁴"), (0.001, "0.001"), (123456, "123456"), (1e6, "1·10⁶"), (float("-inf"), "−∞"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_reading(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.000"),
        (-0.0, "0.000"),
        (-1e-9, "−1·10⁻⁹"),
        (-4e-4, "−4·10⁻⁴"),
        (-1.19600, "−1.196"),
        (float("-inf"), "−∞"),
    ],
)
def test_logarithms_are_written_with_fixed_decimals(value, text):
    assert log_number(value) == text


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("0.5", "0.5"),
        ("−1.2", "-1.2"),
        ("−∞", r"-\infty "),
        ("1.2·10⁻⁷", r"1.2 \cdot 10^{-7}"),
        ("−3·10¹²", r"-3 \cdot 10^{12}"),
    ],
)
def test_numbers_in_latex(text, latex):
    assert latex_number(text) == latex


def test_words_are_counted_as_sentences_do():
    assert (plural(1, "frame"), plural(2, "frame"), plural(0, "frame")) == ("1 frame", "2 frames", "0 frames")


def test_the_label_of_a_drawing_is_escaped():
    root = ElementTree.fromstring(document(10, 20, [], 'a "quoted" <label> & more'))
    assert root.get("aria-label") == 'a "quoted" <label> & more'
    assert root.get("viewBox") == "0 0 10 20"
