"""The colours of the pictures, as the style sheets say them: what can be read, and what can be told apart, in either theme.

Nothing here lists the colours: every custom property ``--rc-...`` that the style sheets declare is found and used.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest

import course_utils
from tests.browser.everything import scenes

HOME = Path(course_utils.__file__).parent
SCENE, STEPPER = ((HOME / path).read_text("utf-8") for path in ("scenes/scene.css", "stepper/stepper.css"))
STRONGEST = 0.5  # tint that a number lies on
TO_READ, TO_SEE = 4.5, 3.0  # WCAG 1.4.3 and 1.4.11
# What JupyterLab's own themes say; a test holds them against those that are installed.
JUPYTER = {
    "light": {"--jp-content-font-color1": "rgba(0,0,0,.87)", "--jp-layout-color0": "white"},
    "dark": {"--jp-content-font-color1": "#fff", "--jp-layout-color0": "#111"},
}
TEXTS = re.compile(r"(text|\.(slot|soft|small|name|legend))$")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
AT_RULE = re.compile(r"@media ([^{]+)\{((?:[^{}]+\{[^{}]*\})*\s*)\}")
VAR = re.compile(r"var\((--[\w-]+)(?:,\s*([^()]*(?:\([^()]*\))?[^()]*))?\)")


@dataclass
class Sheet:
    """What a style sheet says: declarations by selector, and the palettes among them."""

    rules: list = field(default_factory=list)
    palettes: dict = field(default_factory=lambda: {"light": [], "dark": []})


def read_sheet(css: str) -> Sheet:
    """Read the rules that hold on a screen; those of forced colours and of print have colours of their own."""
    sheet, css = Sheet(), COMMENT.sub("", css)
    parts = [("", AT_RULE.sub("", css)), *((media, inside) for media, inside in AT_RULE.findall(css))]
    for media, part in parts:
        if "forced-colors" in media or "print" in media:
            continue
        for selector, body in RULE.findall(part):
            declared = dict(re.findall(r"([\w-]+)\s*:\s*([^;]+);", body))
            hues = {name: value for name, value in declared.items() if name.startswith("--rc-")}
            if "--rc-paper" in hues:
                dark = "dark" in media + selector or 'light="false"' in selector
                sheet.palettes["dark" if dark else "light"].append(hues)
            else:
                sheet.rules.append((" ".join(selector.split()), declared))
    return sheet


def rgba(colour: str) -> tuple[float, ...]:
    """Return red, green, blue from 0 to 255 and the opacity."""
    colour = {"white": "#ffffff", "black": "#000000"}.get(colour.strip(), colour.strip())
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) > 5 else "".join(2 * digit for digit in colour[1:])
        return (*(int(digits[k : k + 2], 16) for k in (0, 2, 4)), 1.0)
    numbers = re.match(r"rgba?\(([^)]*)\)$", colour)
    assert numbers, f"{colour!r} is no colour that this test can read"
    red, green, blue, *alpha = map(float, re.split(r"[\s,/]+", numbers[1].strip()))
    return (red, green, blue, *alpha, 1.0)[:4]


def over(colour: tuple[float, ...], behind: tuple[float, ...], opacity: float = 1.0) -> tuple[float, ...]:
    alpha = colour[3] * opacity
    return (*(a * alpha + b * (1 - alpha) for a, b in zip(colour[:3], behind[:3], strict=True)), 1.0)


def contrast(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""

    def light(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (c / 255 for c in colour[:3])]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((light(a), light(b)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def resolved(palette: dict[str, str], jupyter: dict[str, str]) -> dict[str, tuple[float, ...]]:
    """Replace each variable by its colour; where there is no JupyterLab around, by what stands after the comma."""
    known = {**palette, **jupyter}

    def colour(value: str) -> tuple[float, ...]:
        while variable := VAR.search(value):
            replacement = known.get(variable[1], variable[2])
            assert replacement, f"{variable[1]} is not declared"
            value = value[: variable.start()] + replacement + value[variable.end() :]
        return rgba(value)

    return {name: colour(value) for name, value in palette.items()}


def parts_of(rules) -> dict[str, set[str]]:
    """For each part that colours play, the custom properties that play it."""
    parts = {"text": set(), "tint": set(), "line": set(), "shape": set()}
    for selector, declared in rules:
        for name, value in declared.items():
            hues = {variable for variable, _ in VAR.findall(value) if variable.startswith("--rc-")}
            for one in selector.split(","):
                if name == "--rc-tint" or (name == "fill" and one.endswith(".tint")):
                    parts["tint"] |= hues
                elif name == "fill" and TEXTS.search(one):
                    parts["text"] |= hues
                elif name == "fill":
                    parts["shape"] |= hues
                elif name == "color":
                    parts["line" if ".arrow" in one else "text"] |= hues
                elif name.startswith(("stroke", "outline", "border")) or name == "accent-color":
                    parts["line"] |= hues
    return parts


def weak_pairs(scene_css: str = SCENE, stepper_css: str = STEPPER) -> list[str]:
    """Return every pair of colours that cannot be told apart well enough, in either theme, in JupyterLab and out of it."""
    scene, stepper = read_sheet(scene_css), read_sheet(stepper_css)
    parts = parts_of(scene.rules + stepper.rules)
    assert {"--rc-ink", "--rc-soft"} <= parts["text"]
    weak = []
    for theme, palettes in scene.palettes.items():
        for palette in palettes:
            for where in ({}, JUPYTER[theme]):
                colours = resolved(palette, where)
                paper = colours["--rc-paper"]
                grounds = {"paper": paper}
                for hue in parts["tint"]:
                    grounds[f"{hue} at {STRONGEST}"] = over(colours[hue], paper, STRONGEST)
                for name in sorted(parts["text"]):
                    # Numbers of cells are in ink; a test below sees that what is soft lies on no tint.
                    for ground, behind in grounds.items() if name == "--rc-ink" else [("paper", paper)]:
                        ratio = contrast(over(colours[name], behind), behind)
                        if ratio < TO_READ:
                            weak.append(f"{theme}: text {name} on {ground} {ratio:.2f}")
                for name in sorted(set(colours) - {"--rc-paper"}):
                    ratio = contrast(over(colours[name], paper), paper)
                    if ratio < TO_SEE:
                        weak.append(f"{theme}: {name} on paper {ratio:.2f}")
    return sorted(set(weak))


def test_1_4_3_and_1_4_11_every_colour_can_be_read_and_seen_in_either_theme():
    assert weak_pairs() == []


@pytest.mark.parametrize("css", [SCENE, STEPPER])
def test_every_colour_that_is_used_is_declared_in_every_palette(css):
    palettes = [hues for found in read_sheet(SCENE).palettes.values() for hues in found]
    used = {name for name, _ in VAR.findall(COMMENT.sub("", css)) if name.startswith("--rc-")}
    assert len(palettes) == 3
    assert all(used <= set(palette) for palette in palettes)
    assert len({frozenset(palette) for palette in palettes}) == 1


def test_the_dark_palette_is_the_same_in_jupyterlab_and_on_a_dark_page():
    in_lab, on_page = (resolved(palette, {}) for palette in read_sheet(SCENE).palettes["dark"])
    assert in_lab == on_page


def test_no_text_lies_on_a_stronger_tint_than_is_looked_at_here_and_soft_text_on_none():
    for scene in scenes():
        drawing = ElementTree.fromstring(scene.svg)
        marks = {mark.get("data-mark"): mark for mark in drawing.iter() if mark.get("data-mark")}
        tinted = {name for name, mark in marks.items() if mark.find(".//{*}rect[@class='tint']") is not None}
        soft = {name for name in tinted if mark_has_soft_text(marks[name])}
        for n in range(len(scene.steps)):
            for name, mark in scene.marks_at(n).items():
                level = (mark.level or 0) if name in tinted else 0
                assert level <= STRONGEST, (scene.title, n, name)
                assert level == 0 or not (name in soft or mark.state == "off"), (scene.title, n, name)


def mark_has_soft_text(mark) -> bool:
    return any("soft" in (text.get("class") or "").split() for text in mark.iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("theme", JUPYTER)
def test_jupyterlab_has_the_colours_that_are_looked_at_here(theme):
    jupyterlab = pytest.importorskip("jupyterlab.commands")
    css = Path(jupyterlab.get_app_dir()).joinpath(f"themes/@jupyterlab/theme-{theme}-extension/index.css").read_text()
    for name, colour in JUPYTER[theme].items():
        assert rgba(re.search(rf"{name}:([^;]+);", css)[1]) == rgba(colour)


PLANTED = [
    ("--rc-soft: #5c6270", "--rc-soft: #9aa0ad", "light: text --rc-soft on paper"),
    ("--rc-focus: #7b3fb5", "--rc-focus: #e0c8f5", "light: --rc-focus on paper"),
    ("--rc-tint: #3d9bd6", "--rc-tint: #d6f0ff", "dark: text --rc-ink on --rc-tint at 0.5"),
    ("--rc-line: #7d8492", "--rc-line: #3a3d44", "dark: --rc-line on paper"),
]


@pytest.mark.parametrize(("right", "wrong", "says"), PLANTED)
def test_a_colour_that_is_too_weak_is_found(right, wrong, says):
    assert right in SCENE, "the palette has changed; plant this fault anew"
    assert any(pair.startswith(says) for pair in weak_pairs(SCENE.replace(right, wrong)))


def test_a_hue_that_is_new_is_found():
    new = SCENE.replace("--rc-focus:", "--rc-new: #c8d0d8; --rc-focus:")
    assert any("--rc-new" in pair for pair in weak_pairs(new))
    assert any("--rc-new at 0.5" in pair for pair in weak_pairs(new.replace("c8d0d8", "000000") + ".rc-scene .new > .tint { fill: var(--rc-new); }"))  # fmt: skip
