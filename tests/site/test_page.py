"""Pages that play scenes without a kernel: what is in them, and that they ask nothing of anybody."""

import json
import re

import numpy as np
import pytest

from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.scenes.scene import Scene, Table
from course_utils.scenes.step import Mark, Step
from course_utils.scenes.trellis import trellis_scene
from course_utils.site.page import fragment, page
from course_utils.trellis import fill_trellis

WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><g data-mark="a" data-state="idle"/></svg>'
TABLE = Table("Numbers", ("", "x"), (("a", "1"),))


@pytest.fixture
def scene():
    return trellis_scene(fill_trellis(WORKED_EXAMPLE, "AB"))


def test_the_page_fragment_carries_the_scene_and_its_numbers():
    step = Step("</script> is no end, × no letter.", patch={"a": Mark("now")})
    told = Scene("A picture", SVG, (step,), TABLE)
    for player in (True, False):
        html = fragment(told, player=player)
        assert html.isascii()
        data = re.match(r'<div><script type="application/json" data-rc-scene>(.*?)</script>', html, re.S)[1]
        assert json.loads(data) == told.to_json()
        assert f"<noscript>{TABLE.to_html()}</noscript>" in html
        assert ("playPage(document)" in html) == player


def test_a_page_plays_its_scenes_from_one_file(scene):
    other = trellis_scene(fill_trellis(np.full((3, 2), 0.5), "AB", domain="log"))
    html = page("Two < three", [scene, other])
    told = re.findall(r'<script type="application/json" data-rc-scene>(.*?)</script>', html, re.S)
    assert [json.loads(data) for data in told] == [scene.to_json(), other.to_json()]
    assert html.count("<noscript><table>") == 2
    assert html.count("playPage(document)") == 1
    assert "<h1>Two &lt; three</h1>" in html


def test_a_page_asks_nothing_of_the_network(scene):
    html = page("Offline", [scene])
    assert set(re.findall(r"https?://[^\s\"'<>\\]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|<img|\ssrc=|@import|url\((?!\"data:)|\bimport\s*\(|^\s*import\s", html, re.M)
    assert html.count("</script>") == 2
