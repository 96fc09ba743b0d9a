"""A path that the reader draws: what may be drawn, what is said of it, and how good it is among all."""

import itertools
import json
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.alignment import InfeasibleError, rank_paths
from course_utils.scenes.paths import MOST_PATHS, paths_scene
from course_utils.scenes.scene import Scene, Table
from course_utils.scenes.step import Step
from course_utils.scenes.svg import cell, document
from course_utils.scenes.walk import KEYS, Node, Walk
from tests.written import NUMBER, value

SHAPES = [(1, 1), (1, 4), (2, 2), (2, 5), (3, 3), (3, 6), (4, 6)]


def all_paths(K, T):
    """Every sequence of positions, kept where it is a path by the words of the definition."""
    for path in itertools.product(range(K), repeat=T):
        steps = {b - a for a, b in itertools.pairwise(path)}
        if path[0] == 0 and path[-1] == K - 1 and steps <= {0, 1}:
            yield path


def problem(seed, K, T, repeats=False):
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=K) if repeats else np.arange(K)
    return rng.dirichlet(np.ones(max(K, 2)), T), target


def picture(seed, K, T, repeats=False):
    y, target = problem(seed, K, T, repeats)
    return y, target, paths_scene(rank_paths(np.log(y), target), "ABCDEFGH"[: y.shape[1]])


def cells(path):
    return [f"cell-{t}-{i}" for t, i in enumerate(path)]


@pytest.mark.parametrize(("K", "T"), SHAPES)
@pytest.mark.parametrize("repeats", [False, True])
def test_every_path_can_be_drawn_and_its_rank_is_its_place_in_the_full_list(K, T, repeats):
    y, target, scene = picture(K + 10 * T, K, T, repeats)
    scores = {path: math.prod(y[t, target[i]] for t, i in enumerate(path)) for path in all_paths(K, T)}
    best = max(scores.values())
    for path, score in scores.items():
        last = scene.walked(*cells(path)).steps[-1].says
        better = sum(other > score * (1 + 1e-9) for other in scores.values())
        equal = sum(abs(other / score - 1) <= 1e-9 for other in scores.values()) - 1
        if len(scores) == 1:
            assert "is the only path there is" in last
            continue
        assert f"has rank {better + 1} of {len(scores)}" in last
        assert ("as 1 other has" in last) == (equal == 1)
        if better:
            assert value(re.search(rf"with ({NUMBER});", last)[1]) == pytest.approx(best, rel=6e-3)
            parts = int(re.search(r"leaves your path in frame (\d+)", last)[1])
            winner = next(
                p
                for p in scores
                if abs(scores[p] / best - 1) <= 1e-9 and p[:parts] == path[:parts] and p[parts] != path[parts]
            )
            assert winner


@pytest.mark.parametrize("seed", range(4))
def test_the_score_grows_as_a_product_and_as_a_sum_of_logarithms(seed):
    y, target, scene = picture(seed, 3, 6)
    for path in all_paths(3, 6):
        walked = scene.walked(*cells(path))
        for t in range(6):
            terms = [y[s, target[path[s]]] for s in range(t + 1)]
            marks = walked.marks_at(t + 1)
            assert value(marks[f"product-{t}"].text) == pytest.approx(math.prod(terms), rel=6e-3)
            assert value(marks[f"sum-{t}"].text) == pytest.approx(sum(map(math.log, terms)), abs=6e-4)
        shown = {name for name, mark in walked.marks_at(6).items() if mark.state == "path" and name.startswith("cell")}
        assert shown == set(cells(path))


@pytest.mark.parametrize(("K", "T"), SHAPES)
def test_whatever_is_not_a_path_is_refused_in_a_sentence_and_nothing_else_is(K, T):
    *_, scene = picture(1, K, T)
    beginnings = {path[:n] for path in all_paths(K, T) for n in range(T + 1)}
    seen = 0
    for beginning in beginnings:
        place = f"cell-{len(beginning) - 1}-{beginning[-1]}" if beginning else ""
        steps = scene.walk.along(*cells(beginning))
        node = next(node for node in scene.walk.nodes if node.step is steps[-1])
        for t, i in itertools.product(range(T), range(K)):
            name = f"cell-{t}-{i}"
            allowed = t == len(beginning) and (*beginning, i) in beginnings
            assert (name in node.next) == allowed
            if not allowed and name != place:
                assert scene.walk.refusals[place][name].endswith(".")
                seen += 1
        for key in KEYS:
            leads = scene.walk.moves.get(place, {}).get(key)
            assert leads in node.next or leads in scene.walk.refusals[place] or key in scene.walk.refusals[place]
    assert seen or (K, T) == (1, 1)


@pytest.mark.parametrize(
    ("drawn", "to", "rule"),
    [
        ([], "cell-0-1", "A path begins at A"),
        ([], "cell-2-0", "begins in frame 0"),
        (["cell-0-0"], "cell-2-0", "After frame 0 comes frame 1"),
        (["cell-0-0"], "cell-1-2", "B would be left out"),
        (["cell-0-0", "cell-1-1"], "cell-2-0", "no way back to A"),
        (["cell-0-0", "cell-1-1"], "cell-1-0", "Frame 1 has its symbol already"),
        (["cell-0-0", "cell-1-0", "cell-2-0"], "cell-3-0", "would still have to come after A"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_rule(drawn, to, rule):
    y = np.full((4, 3), 1 / 3)
    scene = paths_scene(rank_paths(np.log(y), [0, 1, 2]), "ABC")
    with pytest.raises(ValueError, match=re.escape(rule)):
        scene.walked(*drawn, to)


def test_equals_are_counted_and_share_their_rank():
    scene = paths_scene(rank_paths(np.log(np.full((4, 2), 0.5)), [0, 1]), "AB")
    for path in all_paths(2, 4):
        assert "has rank 1 of 3, as 2 others have: no path is better" in scene.walked(*cells(path)).steps[-1].says


def test_nothing_is_given_away_before_the_end():
    *_, scene = picture(3, 3, 6)
    assert "rank" not in json.dumps([scene.svg, scene.table.to_html()])
    root = ElementTree.fromstring(scene.svg)
    written = {e.get("data-mark"): "".join(e.itertext()) for e in root.iter() if e.get("data-mark")}
    assert not any(text for name, text in written.items() if name.startswith(("best", "product", "sum")))


def test_what_is_sent_is_finite_and_small():
    y, target = problem(5, 4, 8)
    scene = paths_scene(rank_paths(np.log(y), target), "ABCD")
    assert len(json.dumps(scene.to_json(), allow_nan=False)) < 300_000
    assert len({(path) for path in scene.to_json()["walk"]["sentences"]}) == len(scene.to_json()["walk"]["sentences"])


def test_what_cannot_be_drawn_is_refused():
    y = np.full((15, 4), 0.25)
    with pytest.raises(
        ValueError, match=f"there are 364 paths; the picture takes at most {MOST_PATHS}: use fewer frames"
    ):
        paths_scene(rank_paths(np.log(y), [0, 1, 2, 3]), "ABCD")
    for target in ([], [0, 1, 2, 3, 0]):
        with pytest.raises(InfeasibleError, match="give 1 to 4 symbols"):
            rank_paths(np.log(y[:4]), target)
    with pytest.raises(ValueError, match="is no path of 2 positions in 4 frames"):
        rank_paths(np.log(y[:4]), [0, 1]).rank([0, 1, 0, 1])


def test_a_walk_that_leads_nowhere_is_refused():
    step = Step("Here.")
    with pytest.raises(ValueError, match="node 0 leads to node 1 by 'b'"):
        Walk((Node(step, "", {"b": 1}), Node(step, "a")), {}, {})
    with pytest.raises(ValueError, match="neither allowed nor refused"):
        Walk((Node(step),), {"": {"ArrowRight": "a"}}, {})
    walk = Walk((Node(step, "", {"b": 1}), Node(step, "b")), {}, {})
    with pytest.raises(ValueError, match=r"walk name the marks \['b'\]"):
        Scene("", document(9, 9, [cell("a", 0, 0, 5, 5)], ""), (step,), Table("", (), ()), walk=walk)


def test_python_takes_every_step_of_a_walk_and_none_beyond():
    from course_utils.stepper.stepper import Stepper

    _, _, scene = picture(0, 3, 6)
    assert scene.last_step == scene.walk.depth == 6
    stepper = Stepper(scene)
    stepper.step = 5
    assert stepper.step == 5
    stepper.step = 9
    assert stepper.step == 6
    stepper.play(picture(0, 2, 4)[2])
    assert stepper.step == 4
