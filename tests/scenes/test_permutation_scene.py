"""Frames that change places as a picture: are the numbers those of the networks, and does each sentence tell the truth?"""

import json
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.examples import FRAMES_MLP, FRAMES_ORDER, FRAMES_RNN, FRAMES_TARGET, FRAMES_X
from course_utils.mlp import MLP, logits, random_mlp
from course_utils.notebook import permutation_stepper
from course_utils.permutation import permute, swaps
from course_utils.rnn import random_rnn, run
from course_utils.scenes import permutation as module
from course_utils.scenes.permutation import MOST, permutation_scene
from course_utils.scenes.wording import log_number, number
from tests.browserless import edit

SYMBOLS = "ABCD"


def example(**changed):
    symbols = changed.pop("symbols", ("+", "−"))
    given = {"mlp": FRAMES_MLP, "rnn": FRAMES_RNN, "x": FRAMES_X, "target": FRAMES_TARGET, "order": FRAMES_ORDER}
    return permutation_scene(permute(**{**given, **changed}), symbols)


def random_problems(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        T, A = int(rng.integers(2, MOST + 1)), int(rng.integers(2, 5))
        order = rng.permutation(T)
        while (order == np.arange(T)).all():
            order = rng.permutation(T)
        yield (
            random_mlp(rng, 1, 3, A), random_rnn(rng, 1, 3, A, scale=1.5), rng.normal(size=T).round(1),
            rng.integers(A, size=T), order, SYMBOLS[:A],
        )  # fmt: skip


def probabilities(logits, target):
    """Softmax, written once more, at the target of each frame."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True))[np.arange(len(target)), target]


def told(scene):
    """For each step but the last the order in which the frames stand, as the marks say."""
    T = sum(name.startswith("x-") for name in marks(scene))
    for n in range(len(scene.steps) - 1):
        now = scene.marks_at(n)
        yield n, ["abcdefg".index(now[f"frame-{t}"].text[0]) for t in range(T)], now


def marks(scene):
    return {e.get("data-mark"): e for e in ElementTree.fromstring(scene.svg).iter() if e.get("data-mark")}


# -- the numbers


def assert_numbers(problems):
    for mlp, rnn, x, target, order, symbols in problems:
        scene = permutation_scene(permute(mlp, rnn, x, target, order), symbols)
        for n, now_order, now in told(scene):
            inputs, wanted = x[now_order][:, None], target[now_order]
            for network, found in (("mlp", logits(mlp, inputs)), ("rnn", run(rnn, inputs).logits)):
                p = probabilities(found, wanted)
                assert [now[f"{network}-{t}"].text for t in range(len(x))] == [number(float(v), 3) for v in p], n
                assert now[f"total-{network}"].text == log_number(float(-np.log(p).sum())), n
            for t, f in enumerate(now_order):
                assert now[f"frame-{t}"].text == f"{'abcdefg'[f]}  {number(float(x[f]), 3)}"
                assert now[f"target-{t}"].text == symbols[target[f]]
        assert now_order == order.tolist()


def test_every_number_is_what_the_networks_give_for_the_frames_in_that_order():
    assert_numbers(random_problems(40, 0))


def test_numbers_of_the_frames_as_they_stood_at_first_are_seen(monkeypatch):
    """A planted fault: the recurrent network is always run on the first order."""
    right = module._Picture.__init__

    def first_order(self, permutation, symbols):
        first = np.tile(permutation.rnn_loss[0], (len(permutation.order), 1))
        right(self, replace(permutation, rnn_loss=first), symbols)

    monkeypatch.setattr(module._Picture, "__init__", first_order)
    with pytest.raises(AssertionError):
        assert_numbers(random_problems(3, 0))


def test_one_swap_a_step_and_two_frames_are_lit_in_it():
    scene = example()
    assert len(scene.steps) == 4 + 2
    for n, swapped in enumerate(swaps(FRAMES_ORDER), start=1):
        lit = {name for name, mark in scene.marks_at(n).items() if mark.state == "now"}
        assert lit == {f"{row}-{t}" for row in ("frame", "target") for t in (swapped, swapped + 1)}
        arrows = {name for name, mark in scene.marks_at(n).items() if name.startswith("swap") and mark.state == "won"}
        assert arrows == {f"swap-{swapped}-on", f"swap-{swapped}-back"}


# -- the sentences and what is marked


def by_frame(order, now, network):
    return {f: now[f"{network}-{t}"].text for t, f in enumerate(order)}


def assert_truth(problems):
    """Hold every sentence, and every border, against the numbers that stand in the drawing."""
    changes = 0
    for mlp, rnn, x, target, order, symbols in problems:
        scene = permutation_scene(permute(mlp, rnn, x, target, order), symbols)
        steps = list(told(scene))
        for (_, old_order, old), (n, new_order, new) in pairwise(steps):
            says = scene.steps[n].says
            left, right, t, u = re.match(r"Frames (\w) and (\w) change places, t = (\d) and t = (\d)\.", says).groups()
            t, u = int(t), int(u)
            assert u == t + 1
            assert [old_order[t], old_order[u]] == ["abcdefg".index(left), "abcdefg".index(right)]
            assert by_frame(old_order, old, "mlp") == by_frame(new_order, new, "mlp"), says
            assert old["total-mlp"].text == new["total-mlp"].text
            assert f"stays {new['total-mlp'].text}." in says
            before, after = by_frame(old_order, old, "rnn"), by_frame(new_order, new, "rnn")
            places = [s for s, f in enumerate(new_order) if before[f] != after[f]]
            assert [s for s in range(len(x)) if new[f"rnn-{s}"].state == "lost"] == places
            assert all(s >= t for s in places), "a frame before the swap cannot know of it"
            if places:
                assert f"another number for {len(places)} frame" in says
                listed = re.search(r"at t = ([\d, and]+), and the sum", says)[1]
                assert [int(s) for s in re.findall(r"\d", listed)] == places
                sums = old["total-rnn"].text, new["total-rnn"].text
                assert (f"from {sums[0]} to {sums[1]}." in says) == (sums[0] != sums[1])
            else:
                assert "In the digits shown, the recurrent network has the same number for every frame" in says
            changes += len(places)
        assert_ending(scene, steps)
    return changes


def assert_ending(scene, steps):
    (_, first_order, first), (_, last_order, last) = steps[0], steps[-1]
    says, T = scene.steps[-1].says, len(first_order)
    before, after = by_frame(first_order, first, "rnn"), by_frame(last_order, last, "rnn")
    different = [t for t, f in enumerate(last_order) if before[f] != after[f]]
    assert f"another number for {len(different)} of {T} frames" in says
    assert f"After {len(steps) - 1} swap" in says
    assert f"the same, {first['total-mlp'].text}." in says
    ending = scene.marks_at(len(scene.steps) - 1)
    assert [t for t in range(T) if ending[f"rnn-{t}"].state == "lost"] == different
    assert all(ending[f"mlp-{t}"].state == "won" for t in range(T))


def test_every_sentence_is_true_and_every_changed_number_is_marked():
    assert assert_truth(random_problems(60, 2)) > 300


def test_a_mark_that_is_missing_is_seen(monkeypatch):
    """A planted fault: the last changed number is not marked."""
    right = module._Picture.changed
    monkeypatch.setattr(module._Picture, "changed", lambda self, *both: right(self, *both)[:-1])
    with pytest.raises(AssertionError):
        assert_truth(random_problems(3, 2))


def test_without_weights_from_state_to_state_the_recurrent_numbers_move_along_too():
    scene = example(rnn=FRAMES_RNN.with_parameters(W_hh=np.zeros((2, 2))))
    for step in scene.steps[1:-1]:
        assert "the recurrent network has the same number for every frame as before" in step.says
    assert (
        "another number for 0 of 5 frames, and its sum is 0.684 as before in the digits shown." in scene.steps[-1].says
    )
    assert not [name for name, mark in scene.marks_at(len(scene.steps) - 1).items() if mark.state == "lost"]


def test_equal_frames_exchange_their_recurrent_numbers():
    scene = example(x=[0.5, 0.5, -1.0], target=[0, 0, 1], order=[1, 0, 2])
    first, second = scene.marks_at(0), scene.marks_at(1)
    assert [first[f"rnn-{t}"].text for t in range(3)] == [second[f"rnn-{t}"].text for t in range(3)]
    assert "another number for 2 frames, at t = 0 and 1, and the sum of its losses stays" in scene.steps[1].says


def test_the_worked_example_has_the_sums_that_the_notebook_speaks_of():
    scene = example()
    assert "sum to 0.684 for the MLP and to 0.792 for" in scene.steps[0].says
    assert "went from 0.792 to 1.394." in scene.steps[-1].says
    assert scene.steps[0].formula.endswith(r"\approx 0.684")
    assert scene.table.rows[2][-1] == scene.table.rows[3][-1] == "0.684"


def test_a_hint_says_how_far_each_output_sees():
    scene = example()
    assert scene.hints["mlp-3"].says == "This output depends on the frame at t = 3 and on no other."
    assert scene.hints["rnn-3"].says == "This output depends on all frames from t = 0 to t = 3."
    assert scene.hints["rnn-3"].formula == "y_{3} = g(x_{0}, x_{1}, x_{2}, x_{3})"


# -- what travels


def test_even_the_longest_is_small_finite_and_well_formed():
    rng = np.random.default_rng(3)
    mlp, rnn, backwards = random_mlp(rng, 1, 3, 2), random_rnn(rng, 1, 3, 2), np.arange(MOST)[::-1]
    scene = permutation_scene(permute(mlp, rnn, rng.normal(size=MOST), rng.integers(2, size=MOST), backwards))
    assert len(json.dumps(scene.to_json(), allow_nan=False)) < 100_000
    assert len(scene.steps) == MOST * (MOST - 1) // 2 + 2
    for n in (0, 1, len(scene.steps) - 1):
        root = ElementTree.fromstring(scene.to_svg(n))
        assert not [e for e in root.iter() if e.get("id")]
    assert all(step.says.endswith(".") for step in scene.steps)


def test_a_target_that_is_all_but_impossible_still_has_finite_numbers():
    sure = MLP([[5.0]], [0.0], [[900.0], [-900.0]], [0.0, 0.0])
    scene = example(mlp=sure)
    assert json.dumps(scene.to_json(), allow_nan=False)
    assert "nan" not in " ".join(step.says for step in scene.steps)


# -- what is refused


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"x": [0.5], "target": [0], "order": [0]}, "x has 1 frames; the picture takes 2 to 7 frames"),
        ({"x": np.zeros(8), "target": np.zeros(8, int), "order": np.arange(8)[::-1]}, "2 to 7 frames"),
        ({"x": np.zeros((5, 2))}, "x has shape"),
        ({"target": [0, 1]}, "target has shape"),
        ({"order": [0, 1, 2, 3, 3]}, "it must name each of the frames 0 to 4 once"),
        ({"order": [0, 1]}, "it must name each of the frames 0 to 4 once"),
        ({"order": [0, 1, 2, 3, 4]}, "as the frames stand already"),
        ({"symbols": "ABC"}, "have 2 and 2 outputs, and symbols has 3 names"),
        ({"target": [0, 1, 0, 0, 2]}, "target has the symbol 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changed, says):
    with pytest.raises(ValueError, match=says):
        example(**changed)


# -- the stepper


def test_every_input_can_be_edited_and_both_networks_follow():
    for k in range(5):
        stepper = permutation_stepper()
        assert edit(stepper, f"x-{k}", 2.5) == []
        x = np.array(FRAMES_X)
        x[k] = 2.5
        assert stepper.shown().to_json() == example(x=x).to_json()
        before, after = example().marks_at(0), stepper.shown().marks_at(0)
        assert [t for t in range(5) if before[f"mlp-{t}"].text != after[f"mlp-{t}"].text] == [k]
        changed = [t for t in range(5) if before[f"rnn-{t}"].text != after[f"rnn-{t}"].text]
        assert changed == list(range(k, 5))


def test_all_editable_numbers_carry_their_value():
    edits = example().edits
    assert {mark: (edit.place, edit.value) for mark, edit in edits.items()} == {
        f"x-{t}": ((t,), value) for t, value in enumerate(FRAMES_X)
    }
    assert all(edit.low <= min(FRAMES_X) < max(FRAMES_X) <= edit.high for edit in edits.values())


def test_two_edits_add_up_and_the_arguments_are_left_alone():
    x = np.array(FRAMES_X)
    stepper = permutation_stepper(x=x)
    edit(stepper, "x-0", -3)
    edit(stepper, "x-4", 3)
    assert stepper.shown().table.rows[0] == ("input", "−3", "−0.5", "1.5", "0.2", "3", "")
    assert x.tolist() == list(FRAMES_X)
