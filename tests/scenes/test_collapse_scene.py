"""Collapsing as a picture: does each row hold what its stage leaves, and do the sentences say what happens?"""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from enumeration import collapse_slowly, merge_runs

from course_utils import collapsing
from course_utils.collapsing import collapse_in_stages
from course_utils.ctc import collapse
from course_utils.scenes.collapse import MOST_FRAMES, collapse_scene

ORDERS = ["merge first", "blanks first"]


def draw(path, blank="-", order="merge first"):
    return collapse_scene(collapse_in_stages(path, blank, order))


def collapsed(path, order, blank="-"):
    """Both orders, written once more."""
    if order == "merge first":
        return collapse_slowly(path, blank)
    return merge_runs([symbol for symbol in path if symbol != blank])


def random_paths(count, seed, longest=12):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield "".join(rng.choice(list("-ab"), int(rng.integers(1, longest + 1))))


def drawn(scene):
    """For each of the three rows: name of the mark, first and last frame by its place, and the symbol in it."""
    rows = [[], [], []]
    for element in ElementTree.fromstring(scene.svg).iter():
        if name := element.get("data-mark"):
            _, row, first = name.split("-")
            box = next(e for e in element.iter() if e.get("class") == "box")
            slot = next(e for e in element.iter() if e.get("class") == "slot")
            rows[int(row)].append((name, int(first), float(box.get("width")), slot.text or ""))
    return rows


def states_at(scene, step):
    root = ElementTree.fromstring(scene.to_svg(step))
    return {e.get("data-mark"): e.get("data-state") for e in root.iter() if e.get("data-mark")}


def quoted(symbols):
    return f"“{''.join(symbols)}”" if symbols else "the empty string"


# -- what is left


@pytest.mark.parametrize("order", ORDERS)
def test_the_published_collapses(oracles, order):
    for path, strings in oracles["O19_collapse"].items():
        if path:
            string = strings[ORDERS.index(order)]
            scene = draw(path, order=order)
            assert "".join(symbol for *_, symbol in drawn(scene)[2]) == string, path
            assert f"What is left spells {quoted(string)}." in scene.steps[-1].says
            assert scene.table.caption.endswith(f": {quoted(string)}")


def assert_rows(count):
    for path in random_paths(count, 1):
        for order in ORDERS:
            scene = draw(path, order=order)
            first, second, third = drawn(scene)
            assert "".join(symbol for *_, symbol in first) == path
            middle = merge_runs(path) if order == "merge first" else [symbol for symbol in path if symbol != "-"]
            assert [symbol for *_, symbol in second] == list(middle), path
            assert tuple(symbol for *_, symbol in third) == collapsed(path, order), (path, order)
            assert scene.table.rows[0] == ("alignment", *path)
            for row, cells in zip(scene.table.rows[1:], (second, third), strict=True):
                assert [cell for cell in row[1:] if cell] == [symbol for *_, symbol in cells], path
        assert collapsed(path, "merge first") == collapse(path, "-")


def test_each_row_holds_what_its_stage_leaves():
    assert_rows(300)


def test_a_stage_that_merges_over_blanks_is_seen(monkeypatch):
    """A planted fault: blanks go first whatever the order."""
    right = collapsing._merge
    monkeypatch.setattr(collapsing, "_merge", lambda row: right([part for part in row if part.symbol != "-"]))
    with pytest.raises(AssertionError):
        assert_rows(30)


@pytest.mark.parametrize("order", ORDERS)
def test_a_cell_stands_below_the_frames_that_went_into_it(order):
    """Its width tells how many they are: with cells 46 pixels apart, every frame more adds 46 to its 40."""
    for path in random_paths(60, 2):
        scene = draw(path, order=order)
        first, second, third = drawn(scene)
        assert [width for *_, width, _ in first] == [40] * len(path)
        for cells in (second, third):
            for _, t, width, symbol in cells:
                frames = path[t : t + round((width - 40) / 46) + 1]
                assert frames[0] == frames[-1] == symbol, (path, t, width)
                assert set(frames) <= {symbol} | ({"-"} if order == "blanks first" else set()), (path, frames)
    assert [(t, width) for _, t, width, _ in drawn(draw("aab-ba"))[2]] == [(0, 86), (2, 40), (4, 40), (5, 40)]
    wide = drawn(draw("aab-ba", order="blanks first"))[2]
    assert [(t, width) for _, t, width, _ in wide] == [(0, 86), (2, 132), (5, 40)]


# -- the steps


@pytest.mark.parametrize("order", ORDERS)
def test_hidden_cells_appear_with_the_step_that_computes_them_and_are_never_lost(order):
    for path in [*random_paths(25, 3), "---", "a"]:
        scene = draw(path, order=order)
        lower = {name for row in drawn(scene)[1:] for name, *_ in row}
        computed = [name for step in scene.steps for name in step.computes]
        assert sorted(computed) == sorted(lower), path
        seen = set()
        for n, step in enumerate(scene.steps):
            seen |= set(step.computes)
            states = states_at(scene, n)
            assert {name for name in lower if states[name] != "hidden"} == seen, (path, n)


def test_each_step_lights_up_what_it_speaks_of():
    scene = draw("aa-b")
    says = "Stage 1, merge. 2 times “a”, t = 0 to 1, becomes one “a”."
    assert scene.steps[0].says == says
    lit = {name for name, state in states_at(scene, 0).items() if state in ("now", "won")}
    assert lit == {"collapse-0-0", "collapse-0-1", "collapse-1-0"}
    gone = next(n for n, step in enumerate(scene.steps) if "is the blank and goes" in step.says)
    assert scene.steps[gone].says == "“-” at t = 2 is the blank and goes."
    assert states_at(scene, gone)["collapse-1-2"] == "now"
    assert states_at(scene, gone + 1)["collapse-1-2"] == "off"
    last = states_at(scene, len(scene.steps) - 1)
    assert {name for name, state in last.items() if state == "path"} == {"collapse-2-0", "collapse-2-3"}


def counted(scene):
    """How many runs are said to merge, how many symbols to stay, how many blanks to go."""
    said = [step.says for step in scene.steps]
    return [sum(words in says for says in said) for words in ("becomes one", "stays.", "is the blank and goes.")]


def test_every_run_and_every_blank_gets_a_sentence():
    for path in random_paths(100, 4):
        for order in ORDERS:
            scene = draw(path, order=order)
            first, second, third = ([symbol for *_, symbol in row] for row in drawn(scene))
            merging, removing = (first, second) if order == "merge first" else (second, first)
            left = second if order == "merge first" else third
            merges = sum(len(part) > 1 for part in re.findall(r"(?:-+|a+|b+)", "".join(merging)))
            blanks = removing.count("-")
            assert counted(scene) == [merges, len(left) - merges + len(removing) - blanks, blanks], (path, order)
            assert len(scene.steps) == len(left) + len(removing) + 1


def test_stages_are_announced_in_the_order_asked_for():
    for order, names in zip(ORDERS, (["merge", "remove blanks"], ["remove blanks", "merge"]), strict=True):
        scene = draw("hh-ell-lo", order=order)
        said = [says for says in (step.says for step in scene.steps) if says.startswith("Stage")]
        assert [re.match(r"Stage (\d), ([a-z ]+)\. ", says).groups() for says in said] == [
            ("1", names[0]),
            ("2", names[1]),
        ]


# -- the last sentence


def test_the_last_sentence_says_what_merging_first_would_have_given_where_that_differs():
    differing = 0
    for path in random_paths(300, 5):
        right, wrong = collapse_slowly(path, "-"), collapsed(path, "blanks first")
        says = draw(path, order="blanks first").steps[-1].says
        assert says.startswith(f"What is left spells {quoted(wrong)}."), path
        assert (f"Merging first would have given {quoted(right)}:" in says) == (right != wrong), path
        assert ("Merging first" in says) == (right != wrong), path
        assert draw(path).steps[-1].says == f"What is left spells {quoted(right)}."
        differing += right != wrong
    assert 30 < differing < 270


def test_a_blank_that_kept_letters_apart_is_missed_where_they_merge():
    said = [step.says for step in draw("a-a", order="blanks first").steps]
    assert any(
        "2 times “a”, t = 0 to 2, becomes one “a”. There was a blank between, but it is gone." in s for s in said
    )
    for path, order in (("a-a", "merge first"), ("aa", "blanks first"), ("a-b", "blanks first")):
        assert not any("There was a blank" in step.says for step in draw(path, order=order).steps)


# -- what travels


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("path", ["hh-ell-lo", "ab" * 20, "-" * 40, "a" * 40, "a-" * 20])
def test_even_the_longest_is_small_and_well_formed(path, order):
    scene = draw(path, order=order)
    text = json.dumps(scene.to_json(), allow_nan=False)
    assert len(text) < 100_000
    for n in (0, len(scene.steps) - 1):
        root = ElementTree.fromstring(scene.to_svg(n))
        assert not [e for e in root.iter() if e.get("id")]
    assert all(len(step.says) > 10 and step.says.endswith(".") for step in scene.steps)
    assert draw(path, order=order).to_json() == scene.to_json()


# -- edges


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_but_blanks_leaves_the_empty_string(order):
    scene = draw("---", order=order)
    assert scene.steps[-1].says == "What is left spells the empty string."
    assert not drawn(scene)[2]
    assert draw("-", order=order).steps[-1].says == scene.steps[-1].says


@pytest.mark.parametrize("order", ORDERS)
def test_one_frame(order):
    scene = draw("a", order=order)
    assert [len(row) for row in drawn(scene)] == [1, 1, 1]
    assert scene.steps[-1].says == "What is left spells “a”."


@pytest.mark.parametrize("order", ORDERS)
def test_names_of_several_letters_are_kept_whole(order):
    path = ["sil", "hh", "hh", "sil", "hh", "eh"]
    scene = draw(path, "sil", order)
    names = ["hh", "hh", "eh"] if order == "merge first" else ["hh", "eh"]
    assert [symbol for *_, symbol in drawn(scene)[2]] == names
    assert f"What is left spells “{' '.join(names)}”." in scene.steps[-1].says
    assert ("Merging first would have given “hh hh eh”" in scene.steps[-1].says) == (order == "blanks first")
    assert all(width >= 64 for row in drawn(scene) for *_, width, _ in row)


def test_names_with_a_meaning_in_markup_are_shown_as_they_are():
    scene = draw(["<", "&", "&", '"', "<"], '"')
    assert [symbol for *_, symbol in drawn(scene)[2]] == ["<", "&", "<"]
    assert scene.steps[-1].says == "What is left spells “<&<”."
    ElementTree.fromstring(scene.to_svg())
    assert "<td>&amp;</td>" in scene.table.to_html()
    labels = [e.get("aria-label") for e in ElementTree.fromstring(scene.svg).iter() if e.get("data-mark")]
    assert labels[1] == "&, t = 1"


def test_the_blank_may_be_any_symbol():
    assert draw("aa_a-", "_").steps[-1].says == "What is left spells “aa-”."
    assert draw(list("01101"), "0").steps[-1].says == "What is left spells “11”."


# -- what is refused


@pytest.mark.parametrize(("path", "frames"), [("", 0), ([], 0), ("a" * (MOST_FRAMES + 1), MOST_FRAMES + 1)])
def test_what_cannot_be_drawn_is_refused(path, frames):
    with pytest.raises(ValueError, match=f"path has {frames} frames; the picture takes from 1 to {MOST_FRAMES}"):
        draw(path)
