"""The pictures of decoding: are their numbers those of the searches, and is what they conclude true?"""

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string, random_table, scores_of_labels

from course_utils import beam_trace, decoding
from course_utils.beam_trace import MOST_STRINGS, search, trace_beam, trace_greedy
from course_utils.ctc import forward_backward
from course_utils.examples import CTC_SYMBOLS, CTC_Y
from course_utils.scenes.decoding import beam_scene, greedy_scene
from course_utils.scenes.wording import number
from tests.written import POWER, value

pytestmark = pytest.mark.slow

KEEPS = ["alignments", "prefixes", "one score"]
NAMES = "wxyz"
CLOSE = 2e-9  # what differs by less, the scene takes for equal
NAN = re.compile(r"NaN|Infinity|\bnan\b|\binf\b|∞")


def draw_greedy(y, symbols, blank=0):
    return greedy_scene(trace_greedy(y, blank), symbols)


def draw_beam(y, symbols, blank=0, *, width=2, keeps="prefixes"):
    return beam_scene(trace_beam(y, blank, width, keeps), symbols)


def cases(count, seed, longest=4):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        T, A = int(rng.integers(1, longest + 1)), int(rng.integers(2, 5))
        yield np.exp(random_table(rng, T, A)), NAMES[:A], int(rng.integers(A))


def logs(y):
    with np.errstate(divide="ignore"):
        return np.log(y)


def probability(y, labels, blank):
    """The sum over all alignments that spell the string, listed."""
    T, A = np.shape(y)
    alignments = labels_by_string(A, T, blank).get(tuple(labels))
    return 0.0 if alignments is None else float(np.exp(scores_of_labels(logs(y), alignments)).sum())


def most_probable(y, blank):
    T, A = np.shape(y)
    return max(probability(y, labels, blank) for labels in labels_by_string(A, T, blank))


def quoted(labels, symbols):
    return f"“{''.join(symbols[k] for k in labels)}”" if labels else "the empty string"


def drawn(scene):
    """For each mark the texts in it, in order."""
    root = ElementTree.fromstring(scene.svg)
    return {
        e.get("data-mark"): [part.text or "" for part in e.iter() if part.tag.endswith("}text")]
        for e in root.iter()
        if e.get("data-mark")
    }


def states(scene):
    """Yield for each step the state of every mark after it, as a player sees it."""
    root = ElementTree.fromstring(scene.svg)
    now = {e.get("data-mark"): e.get("data-state") for e in root.iter() if e.get("data-mark")}
    for step in scene.steps:
        now |= {name: mark.state for name, mark in step.patch.items() if mark.state is not None}
        yield step, dict(now)


def computing(scene, mark):
    return next(step for step in scene.steps if mark in step.computes)


def assert_verdict(says, y, labels, blank, symbols):
    """What the last sentence says about other strings is so."""
    mine, best = probability(y, labels, blank), most_probable(y, blank)
    if says.endswith(" No string is more probable."):
        assert mine >= best * (1 - CLOSE), (says, mine, best)
        return
    found = re.search(r" The most probable string is (the empty string|“(\w*)”), with ([^ ]+)\.$", says)
    assert found, says
    better = tuple(symbols.index(c) for c in found[2] or "")
    assert probability(y, better, blank) == pytest.approx(best, rel=1e-9), (says, best)
    assert found[3] == number(best, 5), (says, best)
    assert best > mine, (says, mine, best)


# -- greedy: the numbers


def assert_greedy(y, symbols, blank):
    scene = draw_greedy(y, symbols, blank)
    path, T = logs(y).argmax(axis=1), len(y)
    labels = collapse_slowly(path.tolist(), blank)
    marks = drawn(scene)
    assert decoding.greedy(logs(y), blank) == labels
    for t, step in enumerate(scene.steps[:T]):
        top = y[t].max()
        assert step.patch[f"y-{t}-{path[t]}"].state == "now"
        assert marks[f"collapse-0-{t}"] == [symbols[path[t]]]
        assert f"“{symbols[path[t]]}” with {number(top)}." in step.says
        assert ("the blank" in step.says) == (path[t] == blank)
        ties = [f"“{name}”" for name, p in zip(symbols, y[t], strict=True) if p == top]
        assert (f" {', '.join(ties)} are equal;" in step.says) == (len(ties) > 1), (step.says, y[t])
    says = scene.steps[-1].says
    alone, together = float(np.prod(y.max(axis=1))), probability(y, labels, blank)
    assert f"This one alignment has {number(alone)};" in says, (says, alone)
    assert f" all alignments of {quoted(labels, symbols)} have {number(together, 5)}." in says, (says, together)
    assert_verdict(says, y, labels, blank, symbols)
    assert scene.table.caption == f"Greedy decoding: {quoted(labels, symbols)}, P = {number(together, 5)}"
    string = [texts for name, texts in marks.items() if name.startswith("collapse-2-")]
    assert [symbols[k] for k in labels] == [text for (text,) in string]


def test_greedy_shows_the_best_of_each_frame_and_says_what_is_so():
    for y, symbols, blank in cases(250, 1):
        assert_greedy(y, symbols, blank)


def test_the_example_of_greedy():
    scene = draw_greedy(CTC_Y, CTC_SYMBOLS)
    assert scene.steps[0].says == "Frame 0: the most probable is the blank “-” with 0.5."
    assert scene.steps[3].says == "Frame 3: the most probable is “a” with 0.7."
    assert scene.steps[-1].says == (
        "This one alignment has 0.084; all alignments of “aa” have 0.15225. "
        "The most probable string is “ba”, with 0.22975."
    )


def test_a_tie_is_said_to_be_decided_by_a_rule():
    scene = draw_greedy([[0.4, 0.2, 0.4], [0.2, 0.4, 0.4]], CTC_SYMBOLS)
    assert "“-” with 0.4. “-”, “b” are equal; the first column wins" in scene.steps[0].says
    assert "“a” with 0.4. “a”, “b” are equal" in scene.steps[1].says
    assert not any("equal" in step.says for step in draw_greedy(CTC_Y, CTC_SYMBOLS).steps[:4])


def test_the_best_symbol_of_a_frame_is_not_shown_before_its_step():
    scene = draw_greedy(CTC_Y, CTC_SYMBOLS)
    shown = states(scene)
    _, after_first = next(shown)
    assert after_first["collapse-0-0"] != "hidden"
    assert after_first["collapse-0-3"] == "hidden"


def test_a_best_string_that_is_no_longer_the_best_is_seen(monkeypatch):
    """A planted fault: the strings are ranked with the empty one left out."""
    right = beam_trace.best_string_unchecked
    monkeypatch.setattr(beam_trace, "best_string_unchecked", lambda *args: [h for h in right(*args) if h.labels])
    with pytest.raises(AssertionError):
        test_greedy_shows_the_best_of_each_frame_and_says_what_is_so()


# -- beams: the record is what is drawn and said


def assert_candidates(scene, y, symbols, blank, width, keeps):
    found, marks = search(y, blank, width, keeps), drawn(scene)
    for t, frame in enumerate(found.frames):
        for row, candidate in enumerate(frame):
            name, *others = marks[f"candidate-{t}-{row}"]
            assert name == ("".join(symbols[k] for k in candidate.labels) or "(empty)")
            assert others[0] == number(candidate.total)
            if keeps == "prefixes":
                scores = [f"“{symbols[blank]}” {number(candidate.p_blank)}"]
                if candidate.labels:
                    scores.append(f"“{symbols[candidate.labels[-1]]}” {number(candidate.p_non_blank)}")
                assert others[1:] == scores
            elif keeps == "alignments":
                spelled = quoted(collapse_slowly(candidate.labels, blank), symbols)
                assert others[1:] == [f"spells {spelled}"]
            says = computing(scene, f"candidate-{t}-{row}").says
            products = [
                f"{number(way.probability)} × {number(way.mass)} = {number(way.value)}" for way in candidate.ways
            ]
            assert sorted(re.findall(r"[^ ]+ × [^ ]+ = [^ ,;.()]+(?:\.[^ ,;.()]+)?", says)) == sorted(products), says
            assert says.count("which must have ended in a blank") == sum(w.after_blank for w in candidate.ways if t), (
                says
            )
            together = len(candidate.ways) > 1 and keeps != "alignments"
            assert says.endswith(f" Together {number(candidate.total)}.") == together, says
        if t + 1 < len(found.frames):
            survivors = {c.labels for c in frame if c.kept}
            assert {way.source for c in found.frames[t + 1] for way in c.ways} <= survivors


def assert_pruned(scene, y, symbols, blank, width, keeps):
    """The mass that is lost at a frame is what the survivors had before, less what those of this frame have."""
    before, marks = 1.0, scene.marks_at(len(scene.steps) - 1)
    for t, frame in enumerate(search(y, blank, width, keeps).frames):
        kept = [c for c in frame if c.kept]
        now = sum(c.total for c in kept)
        lost = before - now
        text = marks[f"pruned-{t}"].text
        assert value(text) == pytest.approx(lost, rel=6e-3 if POWER in text else 6e-4, abs=1e-12), (t, lost, text)
        step = computing(scene, f"pruned-{t}")
        if len(kept) == len(frame):
            assert step.says == f"All {len(frame)} fit into the beam: nothing is pruned at t = {t}."
            assert text == "0"
        else:
            assert f"Keep the best {len(kept)} of {len(frame)}: " in step.says
            assert step.says.endswith(f"Pruned with the others: {text}.")
            named = re.findall("“(.*?)”|(the empty prefix)", step.says)
            assert [name for name, _ in named] == ["".join(symbols[k] for k in c.labels) for c in kept], step.says
        assert [step.patch[f"candidate-{t}-{row}"].state for row in range(len(frame))] == [
            "path" if c.kept else "lost" for c in frame
        ]
        before = now


def assert_conclusion(scene, y, symbols, blank, width, keeps):
    found = search(y, blank, width, keeps)
    labels, score = found.found[0]
    says, exact = scene.steps[-1].says, probability(y, labels, blank)
    opening = f"The best string found is {quoted(labels, symbols)}, with {number(score, 5)}"
    assert says.startswith(opening), says
    if says.startswith(f"{opening}, which is its probability."):
        assert score == pytest.approx(exact, rel=CLOSE), (says, exact)
    else:
        assert says.startswith(f"{opening}; its probability is {number(exact, 5)}"), (says, exact)
        assert (": what pruned alignments had is missing." in says) == (score < exact), (says, exact)
        assert (", so this search has counted alignments of other strings." in says) == (score > exact), (says, exact)
        assert keeps == "one score" or score < exact, (says, exact)
    assert_verdict(says, y, labels, blank, symbols)
    lit = {name for name, mark in scene.steps[-1].patch.items() if mark.state == "now"}
    last = len(y) - 1
    assert lit == {
        f"candidate-{last}-{row}"
        for row, c in enumerate(found.frames[-1])
        if c.kept and (collapse_slowly(c.labels, blank) if keeps == "alignments" else c.labels) == labels
    }
    for (string, shown, p), (labels, score) in zip(scene.table.rows, found.found, strict=False):
        exact = probability(y, labels, blank)
        assert (string, shown, p) == (quoted(labels, symbols), number(score), number(exact))


@pytest.mark.parametrize("keeps", KEEPS)
def test_beams_show_what_the_search_records_and_say_what_is_so(keeps):
    rng = np.random.default_rng(7)
    for y, symbols, blank in cases(70, 2):
        width = int(rng.choice([1, 2, 3, 8]))
        scene = draw_beam(y, symbols, blank, width=width, keeps=keeps)
        for check in (assert_candidates, assert_pruned, assert_conclusion):
            check(scene, y, symbols, blank, width, keeps)


def test_the_example_of_the_prefix_beam():
    says = [step.says for step in draw_beam(CTC_Y, CTC_SYMBOLS).steps]
    assert says[0] == "The empty prefix at t = 0. Ending in a blank: 0.5 × 1 = 0.5, the beginning."
    assert says[3] == "Keep the best 2 of 3: the empty prefix, “a”. Pruned with the others: 0.2."
    assert says[4] == (
        "“a” at t = 1. Ending in a blank: 0.1 × 0.3 = 0.03 (a blank after “a”). Ending in a: 0.6 × 0.5 = 0.3 "
        "(a put behind the empty prefix), 0.6 × 0.3 = 0.18 (the a goes on). Together 0.51."
    )
    assert says[-1] == (
        "The best string found is “a”, with 0.192; its probability is 0.22175: what pruned alignments had is missing. "
        "The most probable string is “ba”, with 0.22975."
    )
    assert any("(a new a after “a”, which must have ended in a blank)" in s for s in says)


def test_one_score_is_said_to_have_counted_what_it_should_not():
    says = draw_beam(CTC_Y, CTC_SYMBOLS, width=100, keeps="one score").steps[-1].says
    assert says.startswith(
        "The best string found is “a”, with 0.374; its probability is 0.22175, "
        "so this search has counted alignments of other strings."
    )


@pytest.mark.parametrize("keeps", KEEPS)
def test_at_full_width_nothing_is_pruned(keeps):
    scene = draw_beam(CTC_Y, CTC_SYMBOLS, width=100, keeps=keeps)
    assert sum("nothing is pruned" in step.says for step in scene.steps) == 4
    assert ("which is its probability. No string is more probable." in scene.steps[-1].says) == (keeps != "one score")


@pytest.mark.parametrize("keeps", KEEPS)
def test_ties_zeros_one_frame_and_the_blank_in_the_last_column(keeps):
    for y, symbols, blank in (
        (np.full((3, 3), 1 / 3), "xy-", 2),
        (np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "-xy", 0),
        (np.array([[0.2, 0.3, 0.5]]), "xy-", 2),
        (np.array([[0.0, 1.0]]), "x-", 1),
        (np.ones((3, 1)), "-", 0),
    ):
        for width in (1, 2, 9):
            scene = draw_beam(y, symbols, blank, width=width, keeps=keeps)
            for check in (assert_candidates, assert_pruned, assert_conclusion):
                check(scene, y, symbols, blank, width, keeps)
        assert_greedy(y, symbols, blank)


def test_a_number_that_is_changed_in_the_picture_is_seen():
    """A planted fault: the comparisons above can fail."""
    scene = draw_beam(CTC_Y, CTC_SYMBOLS)
    other = np.array([[0.45, 0.3, 0.25], *CTC_Y[1:]])
    for check in (assert_candidates, assert_pruned, assert_conclusion):
        with pytest.raises(AssertionError):
            check(scene, other, CTC_SYMBOLS, 0, 2, "prefixes")


# -- many columns, long tables


def test_where_all_strings_cannot_be_tried_nothing_is_said_about_them():
    y = np.random.default_rng(0).dirichlet(np.ones(11), 4)
    assert sum(10**n for n in range(5)) > MOST_STRINGS
    for scene in (draw_greedy(y, "0123456789·", 10), draw_beam(y, "0123456789·", 10)):
        assert "more probable" not in scene.steps[-1].says
        assert "most probable" not in scene.steps[-1].says
    assert "more probable" in draw_beam(y[:3], "0123456789·", 10, width=100).steps[-1].says


def test_a_tiny_score_is_not_called_a_probability_that_it_is_not():
    y = np.random.default_rng(3).dirichlet(np.full(11, 5.0), 14)
    scene = draw_beam(y, "-abcdefghij", width=1)
    labels, score = search(y, width=1).found[0]
    exact = float(np.exp(forward_backward(np.log(y), labels).log_p))
    assert exact > 50 * score
    assert "what pruned alignments had is missing" in scene.steps[-1].says


# -- the contract of a scene

SCENES = {
    "greedy": lambda: draw_greedy(CTC_Y, CTC_SYMBOLS),
    "greedy, one frame": lambda: draw_greedy(CTC_Y[:1], CTC_SYMBOLS),
    **{keeps: (lambda keeps=keeps: draw_beam(CTC_Y, CTC_SYMBOLS, keeps=keeps)) for keeps in KEEPS},
    "zeros": lambda: draw_beam([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], CTC_SYMBOLS, width=8),
    "markup": lambda: draw_beam(CTC_Y, ["<i>", "&", '"'], width=8),
    "greedy markup": lambda: draw_greedy(CTC_Y, ["<i>", "&", '"']),
    "tiny": lambda: draw_beam([[1 - 1e-9, 1e-9, 0.0]] * 4, CTC_SYMBOLS, width=8),
}


@pytest.fixture(params=SCENES)
def scene(request):
    return SCENES[request.param]()


def test_drawings_and_formulas_are_well_formed(scene):
    data = scene.to_json()
    assert not NAN.search(json.dumps(data, allow_nan=False))
    assert all(len(step["says"]) > 10 and step["says"].endswith(".") for step in data["steps"])
    formulas = [step["formula"] for step in data["steps"] if step["formula"]]
    assert formulas
    for formula in formulas:
        root = ElementTree.fromstring(f"<all>{formula}</all>")
        assert {child.tag for child in root} == {"math"}, formula
    for n in (0, len(scene.steps) // 2, len(scene.steps) - 1):
        root = ElementTree.fromstring(scene.to_svg(n))
        assert not [e for e in root.iter() if e.get("id") or e.get("href")]
    ElementTree.fromstring(scene.table.to_html())


def test_each_mark_is_computed_once_and_visible_from_then_on(scene):
    computed = [name for step in scene.steps for name in step.computes]
    assert len(set(computed)) == len(computed)
    waiting = {name for name in drawn(scene) if name.startswith(("candidate", "pruned", "collapse-1", "collapse-2"))}
    assert waiting <= set(computed)
    seen = set()
    for step, now in states(scene):
        seen |= set(step.computes)
        assert {name for name in waiting if now[name] != "hidden"} == seen & waiting, step.says


def test_arrows_are_shown_while_their_candidate_is_computed_and_then_taken_away(scene):
    arrows = {name for name in drawn(scene) if name.startswith("way-")}
    for step, now in states(scene):
        shown = {name for name in arrows if now[name] != "hidden"}
        candidates = {f"way-{name.removeprefix('candidate-')}-" for name in step.computes if "candidate" in name}
        assert shown == {name for name in arrows if any(name.startswith(start) for start in candidates)}, step.says


def test_every_probability_may_be_edited_and_says_its_value(scene):
    edits = {name: edit["value"] for name, edit in scene.to_json()["edits"].items()}
    frames = 1 + max(int(name.split("-")[1]) for name in edits)
    assert set(edits) == {f"y-{t}-{k}" for t in range(frames) for k in range(3)}
    for t in range(frames):
        assert sum(edits[f"y-{t}-{k}"] for k in range(3)) == pytest.approx(1, abs=2e-6)


def test_a_scene_made_twice_is_the_same_twice():
    for make in SCENES.values():
        assert make().to_json() == make().to_json()


# -- sizes


@pytest.mark.parametrize("keeps", KEEPS)
@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_four_frames_stay_under_200_kilobytes(keeps, width):
    for y, symbols in ((CTC_Y, CTC_SYMBOLS), (np.random.default_rng(0).dirichlet(np.ones(5), 4), "-abcd")):
        assert len(json.dumps(draw_beam(y, symbols, width=width, keeps=keeps).to_json())) < 200_000
        assert len(json.dumps(draw_greedy(y, symbols).to_json())) < 200_000


@pytest.mark.parametrize("keeps", KEEPS)
def test_eight_frames_of_eleven_columns_stay_under_500_kilobytes(keeps):
    y = np.random.default_rng(0).dirichlet(np.ones(11), 8)
    assert len(json.dumps(draw_beam(y, "0123456789·", 10, width=3, keeps=keeps).to_json())) < 500_000
    assert len(json.dumps(draw_greedy(y, "0123456789·", 10).to_json())) < 200_000


# -- what fits into a cell


def test_names_that_are_alike_in_no_two_cells_of_a_frame():
    for keeps in KEEPS:
        marks = drawn(draw_beam(CTC_Y, CTC_SYMBOLS, width=8, keeps=keeps))
        for t in range(4):
            names = sorted(texts[0] for name, texts in marks.items() if name.startswith(f"candidate-{t}-"))
            assert all(one != other for one, other in pairwise(names))


# -- what is refused

BAD = {
    "too few names": ({"symbols": "-a"}, "symbols has 2 names, but y has 3 columns"),
    "blank": ({"blank": 3}, "blank is 3, .* from 0 to 2"),
    "row sum": ({"y": [[0.5, 0.6, 0.1]]}, "row 0 of y has probabilities that sum to 1.2"),
    "no frame": ({"y": np.empty((0, 3))}, r"y has shape \(0, 3\)"),
}


@pytest.mark.parametrize("make", [draw_greedy, draw_beam])
@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_drawn_is_refused(make, change, says):
    with pytest.raises(ValueError, match=says):
        make(**{"y": CTC_Y, "symbols": CTC_SYMBOLS, **change})


@pytest.mark.parametrize(
    ("change", "says"), [({"width": 0}, "width is 0"), ({"keeps": "all"}, "keeps is 'all'; choose 'alignments'")]
)
def test_a_beam_that_is_none_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        draw_beam(CTC_Y, CTC_SYMBOLS, **change)


@pytest.mark.parametrize("make", [draw_greedy, draw_beam])
@pytest.mark.parametrize("symbols", ["-aa", "--a"])
def test_two_columns_of_one_name_are_refused(make, symbols):
    with pytest.raises(ValueError, match="twice"):
        make(CTC_Y, symbols)
