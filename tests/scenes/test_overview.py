"""The pictures that chapters begin with: what is drawn is what the chapters say."""

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.ctc import count_alignments
from course_utils.examples import XOR_NET
from course_utils.rnn import run
from course_utils.scenes import overview, overview_strings
from tools.figures import FIGURES, ORBITS, orbit, sizes_of_the_end

IMAGE, Y = np.eye(8, 20), np.full((20, 3), 1 / 3)
PICTURES = sorted(FIGURES.glob("overview_*.svg"))


def words(svg):
    return [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_every_picture_says_in_words_what_it_shows_and_keeps_inside(path):
    root = ElementTree.fromstring(path.read_text("utf-8"))
    title = root.find("{http://www.w3.org/2000/svg}title").text
    assert len(title) > 60
    assert title.endswith((".", "?"))
    width, height = (float(root.get(name)) for name in ("width", "height"))
    assert width <= 640
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, w, h = (float(box.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width, ElementTree.tostring(box)
        assert 0 <= y <= y + h <= height, ElementTree.tostring(box)
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(text.get("x")) <= width
        assert 0 < float(text.get("y")) <= height


def test_every_chapter_begins_with_one():
    stems = {re.fullmatch(r"overview_(\d\d).*", path.stem)[1] for path in PICTURES}
    assert stems == {f"{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11)}


def paths_through(T, states, allowed):
    ways = np.zeros((T, states), int)
    ways[0, :2] = 1
    for t in range(1, T):
        for i in range(states):
            ways[t, i] = sum(ways[t - 1, j] for j in range(max(0, i - 2), i + 1) if (j, i) in allowed)
    return ways[-1, -1] + ways[-1, -2]


@pytest.mark.parametrize("target", ["314", "344", "3", "33"])
def test_the_small_lattice_has_the_ways_of_ctc_and_no_other(target):
    """Do as many paths lead through what is drawn as there are alignments of the target to its five frames?"""
    svg = overview_strings.reading_picture(IMAGE, Y, target)
    pieces = [tuple(map(float, piece)) for piece in re.findall(r'axis" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', svg)]
    columns = sorted({p[0] for p in pieces} | {p[2] for p in pieces})
    rows = sorted({p[1] for p in pieces} | {p[3] for p in pieces})
    assert (len(columns), len(rows)) == (5, 2 * len(target) + 1)
    steps = {(rows.index(a), rows.index(b)) for _, a, _, b in pieces}
    assert len(pieces) == 4 * len(steps)
    assert paths_through(5, len(rows), steps) == count_alignments(target, 5)


@pytest.mark.parametrize("here", range(4))
def test_where_the_reader_is_is_framed_and_said(here):
    svg = overview_strings.reading_picture(IMAGE, Y, "314", here)
    assert svg.count('<g data-state="now"') == 1
    assert f"You are here: {overview_strings.STATIONS[here]}" in svg
    assert '<g data-state="now"' not in overview_strings.reading_picture(IMAGE, Y, "314")


def test_there_are_four_stations():
    with pytest.raises(ValueError, match="here is 4; the stations are 0 to 3: columns, distributions, lattice, string"):
        overview_strings.reading_picture(IMAGE, Y, "314", 4)


def test_the_grid_has_all_paths_and_one_of_them_is_strong():
    paths = [[int(t >= a) + int(t >= b) for t in range(5)] for a, b in combinations(range(1, 5), 2)]
    svg = overview_strings.grid_picture("BAT", paths, paths[1])
    assert "All 6 ways of BAT through 5 frames" in svg
    assert len(re.findall('<g[^>]* data-state="path"', svg)) == 5 + 4
    assert svg.count('class="arrow"') == len({(t, p[t], p[t + 1]) for p in paths for t in range(4)})


def test_the_bars_are_in_proportion_and_carry_their_numbers():
    sizes = sizes_of_the_end()
    assert np.all(np.diff(sizes) > 0), "the picture says that the gradient fades"
    svg = overview.fading_picture(sizes)
    heights = [float(h) for h in re.findall(r'class="tint" x="[\d.]+" y="[\d.]+" width="30" height="([\d.]+)"', svg)]
    assert np.allclose(np.array(heights) / max(heights), sizes / sizes.max(), atol=1e-3)
    assert "0.074" in words(svg)


def test_orbits_die_out_live_on_and_grow():
    last = [np.abs(eigenvalue) ** 30 for eigenvalue, _ in (orbit(*of) for of in ORBITS)]
    assert last[0] < 0.01
    assert last[1] == pytest.approx(1)
    assert last[2] > 2
    svg = overview.orbits_picture([orbit(*of) for of in ORBITS])
    assert [word for word in words(svg) if word and word.startswith("modulus")] == [
        "modulus 0.85", "modulus 1", "modulus 1.03"
    ]  # fmt: skip


def test_the_network_for_xor_is_drawn_with_its_weights_and_does_what_it_is_drawn_for():
    bits = np.random.default_rng(0).integers(2, size=200)
    before = np.append(0, bits[:-1])
    assert (run(XOR_NET, bits[:, None]).logits[:, 0] == (bits ^ before)).all()
    svg = (FIGURES / "xor_network.svg").read_text("utf-8")
    arrows = svg.count('class="arrow hued weight"')
    inside = sum(np.count_nonzero(W) for W in (XOR_NET.W_xh, XOR_NET.W_hy))
    assert arrows == 2 * inside + np.count_nonzero(XOR_NET.W_hh)
    assert words(svg).count("−2") == 2
    assert words(svg).count("bias −1") == 2
