"""Moving pictures: each frame shows what the scene shows at its step, and the last one stands where nothing moves."""

import re
from xml.etree import ElementTree

import pytest

from course_utils.scenes.svg import SVG
from course_utils.scenes.trellis import trellis_scene
from course_utils.trellis import fill_trellis
from tools.animation import animated
from tools.figures import FIGURES

SCENE = trellis_scene(fill_trellis([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], "AB"))
STEPS = (0, 2, 3, len(SCENE.steps) - 1)
README = FIGURES.parent.joinpath("README.md").read_text("utf-8")
PLAYING = dict(re.findall(r"!\[([^\]]*)\]\((figures/\w+_playing\.svg)\)", README))


def shown_in(frame: int, svg: str) -> list[str]:
    """The marks that a frame shows, in the order of drawing, and last its sentence."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for group in list(parent):
            name = group.get("class") or ""
            if name.startswith("shown ") and str(frame) not in name.split("-"):
                parent.remove(group)
    marks = [ElementTree.tostring(mark, encoding="unicode") for mark in root.iter() if mark.get("data-mark")]
    return [*marks, " ".join(line.text for line in root[-1])]


def test_each_frame_shows_its_step():
    svg = animated(SCENE, STEPS)
    for frame, step in enumerate(STEPS):
        root = ElementTree.fromstring(SCENE.to_svg(step))
        marks = [ElementTree.tostring(mark, encoding="unicode") for mark in root.iter() if mark.get("data-mark")]
        assert shown_in(frame, svg) == [*marks, SCENE.steps[step].says]


def test_the_last_frame_stands_unless_motion_is_welcome():
    still, moving = animated(SCENE, STEPS).rsplit("@media (prefers-reduced-motion: no-preference)", 1)
    root = ElementTree.fromstring(still.partition("<style>")[0] + "</svg>")
    assert root.tag == f"{{{SVG}}}svg"
    visible = re.findall(r"\.(in-[\d-]+) \{ visibility: visible; \}", still)
    assert visible
    assert all(name.endswith(f"-{len(STEPS) - 1}") for name in visible)
    assert "animation" not in still
    names = set(re.findall(r'class="shown (in-[\d-]+)"', moving))
    assert {name for name in names if name.endswith(f"-{len(STEPS) - 1}")} == set(visible)
    assert names == set(re.findall(r"@keyframes (\S+) ", moving))


def test_the_sentence_stays_on_the_paper():
    root = ElementTree.fromstring(animated(SCENE, STEPS))
    width, height = (float(root.get(side)) for side in ("width", "height"))
    assert root.get("viewBox") == f"0 0 {width:g} {height:g}"
    for line in root.iter(f"{{{SVG}}}text"):
        assert float(line.get("y")) < height - 5
        assert float(line.get("x")) + 7 * len(line.text or "") * (line.get("text-anchor") is None) < width


@pytest.mark.parametrize(("steps", "error"), [((), ValueError), ((1,), ValueError), ((0, 99), IndexError)])
def test_steps_that_make_no_animation_are_refused(steps, error):
    with pytest.raises(error):
        animated(SCENE, steps)


def test_readme_shows_a_recurrent_network_and_ctc_before_anything_else():
    assert list(PLAYING.values()) == ["figures/rnn_playing.svg", "figures/ctc_playing.svg"]
    assert max(README.index(alt) for alt in PLAYING) < README.index("\n## ")


@pytest.mark.parametrize(("words", "name"), PLAYING.items(), ids=PLAYING.values())
def test_the_words_for_a_moving_picture_give_its_numbers(words, name):
    path = FIGURES.parent / name
    assert path.stat().st_size < 120_000
    numbers = re.findall(r"\d+\.\d+", words)
    assert len(numbers) > 5
    texts = "".join(ElementTree.fromstring(path.read_text("utf-8")).itertext())
    assert [number for number in numbers if number not in texts] == []
