"""The unrolled network as a picture: are its numbers those of the network, and is every sum in a sentence true?"""

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.bptt import backward, loss_and_gradients
from course_utils.examples import WORKED_NET, WORKED_TARGET, WORKED_X
from course_utils.losses import cross_entropy_gradient, frame_losses
from course_utils.machines import add_binary
from course_utils.notebook import adder_explorer, bptt_stepper, rnn_stepper
from course_utils.notebook.editing import NetworkNumbers
from course_utils.rnn import PARAMETERS, random_rnn, run
from course_utils.scenes import unrolled_backward, unrolled_forward
from course_utils.scenes.unrolled import WEIGHTS
from tests.written import NUMBER, POWER, for_python, value

ACTIVATIONS = ["tanh", "relu", "sigmoid", "identity"]


WORKED = WORKED_NET, WORKED_X, WORKED_TARGET


def rnn_scene(net, x, target=None):
    forward = run(net, x)
    return unrolled_forward.rnn_scene(forward, None if target is None else frame_losses(forward.logits, target))


def bptt_scene(net, x, target, weights=1.0):
    forward = run(net, x)
    losses = frame_losses(forward.logits, target, weights)
    return unrolled_backward.bptt_scene(backward(forward, losses.d_logits), losses)


def adder_scene(a, b):
    return unrolled_forward.adder_scene(a, b, *add_binary(a, b))


def random_problems(count, seed=0):
    rng = np.random.default_rng(seed)
    for n in range(count):
        D, H, A, T = (int(k) for k in rng.integers([1, 1, 2, 1], [4, 4, 4, 7]))
        net = random_rnn(rng, D, H, A, ACTIVATIONS[n % 4])
        net = net.with_parameters(h_init=rng.normal(size=H), b_h=rng.normal(size=H), b_y=rng.normal(size=A))
        yield net, rng.normal(size=(T, D)), rng.integers(A, size=T)


def shown(scene, step=-1):
    """Every number that is drawn, by its mark."""
    root = ElementTree.fromstring(scene.to_svg(step))
    slots = {
        e.get("data-mark"): next((s.text or "" for s in e.iter() if s.get("class") == "slot"), "")
        for e in root.iter()
        if e.get("data-mark")
    }
    return {name: text for name, text in slots.items() if text}


def close(written, right):
    """Is a written number right to the decimals that are written?"""
    return abs(value(written) - right) <= 0.00051 + 0.06 * abs(right) * (POWER in written)


SUM = re.compile(rf"(?<![\w(.])({NUMBER}(?: [+−×] \(?{NUMBER}\)?)+) = ({NUMBER})")


def sums_in(sentence):
    """Each sum of products in a sentence: what it comes to, what is written, and how far rounding may part them.

    Weights are written with three digits, so a product may be off by half a percent, and states with three decimals.
    """
    for left, right in SUM.findall(sentence):
        terms = for_python(left)
        size = eval(re.sub(r"(?<!e)-", "+", terms).replace("(+", "("))
        yield eval(terms), value(right), 0.006 * abs(size) + 0.001 * (left.count("×") + 1)


def assert_sums_are_true(scene):
    found = 0
    for step in scene.steps:
        for comes_to, written, apart in sums_in(step.says):
            assert abs(comes_to - written) <= apart, step.says
            found += 1
    return found


def test_the_forward_numbers_are_the_worked_example(oracles):
    scene, right = rnn_scene(*WORKED), oracles["O8_rnn_bptt"]
    numbers = shown(scene)
    for t in range(4):
        for k in range(2):
            assert close(numbers[f"h-{t}-{k}"], right["h"][t][k])
            assert close(numbers[f"out-{t}-{k}"], right["y"][t][k])
        assert close(numbers[f"loss-{t}-0"], right["losses"][t])


def test_the_backward_numbers_are_the_worked_example(oracles):
    scene, right = bptt_scene(*WORKED), oracles["O8_rnn_bptt"]
    numbers = shown(scene)
    for t in range(4):
        for k in range(2):
            assert close(numbers[f"delta-{t}-{k}"], right["delta"][t][k])
    for name, key in zip(WEIGHTS, ["dWxh", "dWhh", "dbh", "dWhy", "dby"], strict=True):
        for at, number in np.ndenumerate(np.array(right[key]).reshape(len(right[key]), -1)):
            assert close(numbers[f"d{name}-{at[0]}-{at[1]}"], number)


def test_forward_scenes_say_what_the_network_computes():
    for net, x, target in random_problems(24):
        scene, forward = rnn_scene(net, x, target), run(net, x)
        numbers, T, H = shown(scene), len(x), len(net.W_hh)
        assert len(scene.steps) == T * (H + 1)
        assert all(close(numbers[f"h-{t}-{i}"], forward.h[t, i]) for t in range(T) for i in range(H))
        assert all(close(numbers[f"out-{t}-{k}"], forward.y[t, k]) for t, k in np.ndindex(forward.y.shape))
        assert all(close(numbers[f"loss-{t}-0"], loss) for t, loss in enumerate(forward.losses(target)))
        assert assert_sums_are_true(scene) >= T * (H + len(net.W_hy))
        json.dumps(scene.to_json(), allow_nan=False)


def test_without_a_target_the_outputs_are_the_logits():
    for net, x, _ in random_problems(8, seed=1):
        numbers, forward = shown(rnn_scene(net, x)), run(net, x)
        assert all(close(numbers[f"out-{t}-{k}"], forward.logits[t, k]) for t, k in np.ndindex(forward.logits.shape))
        assert not any(name.startswith("loss") for name in numbers)


def test_backward_scenes_say_what_back_propagation_computes():
    for n, (net, x, target) in enumerate(random_problems(16, seed=2)):
        T = len(x)
        weights = [1.0, np.eye(T)[-1], np.linspace(0.5, 1, T)][n % 3]
        scene, forward = bptt_scene(net, x, target, weights), run(net, x)
        back = backward(forward, cross_entropy_gradient(forward.logits, target, weights))
        numbers = shown(scene)
        for row in ("direct", "future", "delta", "dz"):
            values = getattr(back, row)
            assert all(close(numbers[f"{row}-{t}-{i}"], values[t, i]) for t, i in np.ndindex(values.shape)), row
        for name in WEIGHTS:
            gradient = back.gradients[name].reshape(len(back.gradients[name]), -1)
            assert all(close(numbers[f"d{name}-{r}-{c}"], gradient[r, c]) for r, c in np.ndindex(gradient.shape)), name
        assert assert_sums_are_true(scene) >= T
        json.dumps(scene.to_json(), allow_nan=False)


def test_the_gradients_grow_by_what_each_step_adds():
    net, x, target = WORKED
    scene, forward = bptt_scene(*WORKED), run(net, x)
    added = backward(forward, cross_entropy_gradient(forward.logits, target)).contributions("W_hh")
    assert "dW_hh-0-0" not in shown(scene, 0)
    for t in range(3, -1, -1):
        step = next(n for n, one in enumerate(scene.steps) if f"adds-{t}-0" in one.computes)
        assert close(shown(scene, step)["dW_hh-0-0"], added[t:, 0, 0].sum())
        assert close(shown(scene, step)[f"adds-{t}-0"], np.linalg.norm(added[t]))


def test_the_last_step_says_that_nothing_comes_from_the_future():
    says = [step.says for step in bptt_scene(*WORKED).steps]
    assert sum("nothing comes from the future" in said for said in says) == 1
    assert "t = 3" in next(said for said in says if "nothing comes" in said)


def test_each_step_names_its_right_symbol_and_what_its_loss_counts():
    target, weights = np.array([0, 1, 1, 0]), [0.5, 1.0, 0.25, 2.0]
    says = [step.says for step in bptt_scene(WORKED_NET, WORKED_X, target, weights).steps]
    for t, (symbol, weight) in enumerate(zip(target, weights, strict=True)):
        said = next(one for one in says if one.startswith(f"t = {t}: the loss pulls"))
        assert f"the right symbol {symbol}." in said
        assert (f"Times its weight {weight:g}:" in said) == (weight != 1)
    forward = [step.says for step in rnn_scene(WORKED_NET, WORKED_X, target).steps if "Right is" in step.says]
    assert [int(re.search(r"Right is symbol (\d)", said)[1]) for said in forward] == target.tolist()


def test_a_step_without_a_loss_says_so():
    says = [step.says for step in bptt_scene(*WORKED, weights=[0, 0, 0, 1]).steps]
    assert sum("there is no loss at this step" in said for said in says) == 3


@pytest.mark.parametrize("scene", [rnn_scene, bptt_scene])
def test_each_number_of_the_network_can_be_changed_and_all_others_follow(scene):
    net, x, target = WORKED
    first = scene(net, x, target)
    assert len(first.edits) == sum(p.size for p in net.parameters.values()) + x.size
    for mark, edit in first.edits.items():
        numbers = NetworkNumbers(net, x, lambda net, x: scene(net, x, target))
        after = numbers.edit(edit.place, 0.35)
        assert shown(after)[mark] == "0.35"
        changed = [
            name for name in PARAMETERS if not np.array_equal(numbers.net.parameters[name], net.parameters[name])
        ]
        if mark.startswith("x-"):
            assert changed == []
            assert (numbers.x != x).sum() == 1
        else:
            assert len(changed) == 1
            assert (numbers.net.parameters[changed[0]] != net.parameters[changed[0]]).sum() == 1
        if scene is rnn_scene:
            loss, _ = loss_and_gradients(numbers.net, numbers.x, target)
            written = shown(after)
            assert abs(sum(value(written[f"loss-{t}-0"]) for t in range(4)) - loss) < 0.003


def test_an_edit_that_cannot_be_drawn_leaves_all_as_it_was():
    net, x, target = WORKED
    numbers = NetworkNumbers(net, x, lambda net, x: rnn_scene(net, x, target))
    with pytest.raises(ValueError, match="not finite"):
        numbers.edit(("W_hh", 0, 0), float("nan"))
    assert numbers.net is net


def test_the_steppers_follow_an_edit():
    for stepper in (rnn_stepper(*WORKED), bptt_stepper(*WORKED)):
        before = stepper.shown().table
        stepper._on_message(None, {"mark": "W_hh-0-1", "value": 1.5}, [])
        assert stepper.shown().table != before


def test_the_adder_adds_digit_by_digit():
    for a in range(16):
        for b in range(0, 16, 3):
            scene = adder_scene(f"{a:b}", f"{b:b}")
            numbers, T = shown(scene), max(len(f"{a:b}"), len(f"{b:b}")) + 1
            digits = "".join(numbers[f"out-{t}-0"] for t in range(T - 1, -1, -1))
            assert int(digits, 2) == a + b
            carry = 0
            for t in range(T):
                carry = (carry + (a >> t & 1) + (b >> t & 1)) // 2
                assert numbers[f"carry-{t}-0"] == str(carry)
            assert scene.steps[-1].says.endswith(f"the outputs are {a + b:b}.")
            assert assert_sums_are_true(scene) >= T


def test_what_cannot_be_drawn_is_said():
    net, x, target = WORKED
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="4 units; the picture takes at most 3"):
        rnn_scene(random_rnn(rng, 2, 4, 2), x)
    with pytest.raises(ValueError, match="1 to 8 steps"):
        rnn_scene(net, np.zeros((9, 2)))
    with pytest.raises(ValueError, match="a single sequence of 1 to 8 steps"):
        bptt_scene(net, np.zeros((4, 3, 2)), np.zeros((4, 3), int))
    with pytest.raises(ValueError, match=r"target has shape \(3,\); .* so it must be \(4,\)"):
        bptt_stepper(net, x, target[:3])
    with pytest.raises(ValueError, match="target has the symbol 2, but the logits have 2 columns: 0 to 1"):
        rnn_stepper(net, x, [0, 1, 2, 0])
    with pytest.raises(ValueError, match="at most 7"):
        adder_scene("1" * 8, "1")
    with pytest.raises(ValueError, match="write a binary number"):
        adder_scene("12", "1")


def test_the_adder_explorer_says_what_is_wrong_with_a_number():
    explorer = adder_explorer()
    explorer.children[0].children[0].value = "102"
    assert "binary number" in explorer.message.value
    explorer.children[0].children[0].value = "111"
    assert explorer.message.value == ""
    assert "111 + 110 with" in explorer.shown().title


def test_scenes_stay_small():
    rng = np.random.default_rng(0)
    net = random_rnn(rng, 3, 3, 3)
    scene = bptt_scene(net, rng.normal(size=(8, 3)), rng.integers(3, size=8))
    assert len(json.dumps(scene.to_json())) < 500_000
    assert len(json.dumps(bptt_scene(*WORKED).to_json())) < 200_000


@pytest.mark.parametrize("name", ["unrolled_forward", "unrolled_backward"])
def test_a_scene_knows_nothing_of_widgets(name):
    code = f"import course_utils.scenes.{name}, sys; print({{'anywidget', 'ipywidgets'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
