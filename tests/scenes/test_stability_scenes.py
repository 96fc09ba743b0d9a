"""The pictures of chapter 10: does what they say and draw agree with numbers that are computed in another way?"""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.optimize import brentq

from course_utils.cliff import cliff, descend
from course_utils.linear_recurrence import pair, pulse_response
from course_utils.lyapunov import GainScan, scan_gains
from course_utils.scalar_unit import orbit_of
from course_utils.scenes.cliff import LEAST, cliff_scene
from course_utils.scenes.cobweb import cobweb_scene
from course_utils.scenes.eigenvalues import DECADES, eigenvalues_scene
from course_utils.scenes.gains import gains_scene
from tests.written import NUMBER, value


def places(scene):
    """Where the circle of each mark is drawn."""
    root = ElementTree.fromstring(scene.svg)
    found = {}
    for mark in root.iter():
        circle = next((part for part in mark if part.tag.endswith("circle") and part.get("cx")), None)
        if mark.get("data-mark") and circle is not None:
            found[mark.get("data-mark")] = float(circle.get("cx")), float(circle.get("cy"))
    return found


def straight(x, y):
    """Whether drawn places are a linear map of numbers, up to the rounding of the drawing."""
    if np.ptp(x) == 0:
        return np.ptp(y) < 0.11
    slope, start = np.polyfit(x, y, 1)
    return np.abs(slope * np.asarray(x) + start - y).max() < 0.11


def numbers_in(text):
    return [value(found) for found in re.findall(NUMBER, text)]


# -- eigenvalues

RESPONSES = {
    "inside": (pair(0.9, 0.6), "identity"),
    "sheared": (pair(0.9, 0.6, 6), "identity"),
    "on the circle": (pair(1.0, 0.6), "identity"),
    "outside": (pair(1.2, 0.6), "identity"),
    "negative": (pair(0.8, np.pi), "identity"),
    "zero": (np.zeros((2, 2)), "identity"),
    "nilpotent": (np.array([[0.0, 3.0], [0.0, 0.0]]), "identity"),
    "cycle": (pair(1.2, 0.6), "tanh"),
}


@pytest.fixture(params=RESPONSES)
def response(request):
    W, activation = RESPONSES[request.param]
    return W, activation, eigenvalues_scene(pulse_response(W, 30, activation))


def orbit_by_hand(W, activation, T=30):
    h = [np.array([1.0, 0.0])]
    for _ in range(T):
        z = W @ h[-1]
        h.append(np.tanh(z) if activation == "tanh" else z)
    return np.array(h)


def test_every_step_says_the_state_and_its_length(response):
    W, activation, scene = response
    for t, h in enumerate(orbit_by_hand(W, activation)):
        x, y, length = numbers_in(scene.steps[t].says.partition("h is")[2])[:3]
        assert [x, y, length] == pytest.approx([*h, np.linalg.norm(h)], rel=6e-3, abs=1e-12)


def test_norms_and_roots_of_the_powers_are_told(response):
    W, activation, scene = response
    for t in range(2, 31):
        says = scene.steps[t].says
        assert (" No state can be stretched" in says) == (activation == "identity")
        if activation == "identity":
            norm = np.linalg.norm(np.linalg.matrix_power(W, t), 2)
            told, _, root = (
                numbers_in(says.partition("stretched more than")[2].partition(", the norm")[0])
                + numbers_in(says.partition("that is ")[2])[:1]
            )
            assert told == pytest.approx(norm, rel=6e-3, abs=1e-12)
            assert root == pytest.approx(norm ** (1 / t), rel=6e-3, abs=1e-12)


def test_states_lengths_and_the_pulse_are_drawn_where_they_belong(response):
    W, activation, scene = response
    h, where = orbit_by_hand(W, activation), places(scene)
    dots = np.array([where[f"state-{t}"] for t in range(31)])
    assert straight(h[:, 0], dots[:, 0])
    assert straight(h[:, 1], dots[:, 1])
    pulse = np.array([where[f"pulse-{t}"] for t in range(31)])
    assert straight(range(31), pulse[:, 0])
    assert straight(h[:, 0], pulse[:, 1])
    lengths = {t: np.log10(n) for t, n in enumerate(np.linalg.norm(h, axis=1)) if n > 0 and f"length-{t}" in where}
    if len(lengths) > 2:
        assert straight(list(lengths.values()), [where[f"length-{t}"][1] for t in lengths])
    assert all(log > max(lengths.values()) - 2 * DECADES for log in lengths.values())


def test_what_is_asked_for_comes_with_the_last_step(response):
    _, activation, scene = response
    for name in ("radius", "kreiss"):
        states = {n: step.patch[name].state for n, step in enumerate(scene.steps) if name in step.patch}
        assert states == ({30: "done"} if activation == "identity" else {})
    assert "spectral radius" not in "".join(step.says for step in scene.steps[:-1])
    assert "spectral radius" in scene.steps[-1].says


def test_the_eigenvalue_can_be_moved_and_lies_where_it_is(response):
    W, _, scene = response
    edit = scene.edits["eigenvalue"]
    z = max(np.linalg.eigvals(W).astype(complex), key=lambda v: v.imag)
    assert edit.value == pytest.approx((z.real, z.imag), abs=1e-12)
    (x, y), (cx, cy) = places(scene)["eigenvalue"], (44 + 108, 40 + 108)
    per_unit = edit.size[0] / (edit.high[0] - edit.low[0])
    assert edit.size[1] / (edit.high[1] - edit.low[1]) == pytest.approx(per_unit)
    assert (x - cx, cy - y) == pytest.approx((per_unit * z.real, per_unit * z.imag), abs=0.1)


def test_only_the_sheared_pair_is_said_to_have_risen():
    said = {
        name: "the norm rose to" in eigenvalues_scene(pulse_response(*RESPONSES[name][:1], 30)).steps[-1].says
        for name in RESPONSES
        if name != "cycle"
    }
    assert [name for name, rose in said.items() if rose] == ["sheared", "nilpotent"]


@pytest.mark.parametrize(
    ("W", "T", "says"), [(np.eye(3), 5, "takes two"), (np.eye(2), 0, "from 1"), (np.eye(2), 61, "to 60")]
)
def test_what_is_too_much_for_the_eigenvalues_is_refused(W, T, says):
    with pytest.raises(ValueError, match=says):
        eigenvalues_scene(pulse_response(W, T))


# -- cobweb

UNITS = [
    (2, 0, 0.1),
    (2, 0.6, -1.2),
    (-1.5, 0.2, 0.9),
    (0.5, 0, 1),
    (-0.5, 1, 0),
    (0, 0.3, 0),
    (6, -4, 1.25),
    (1, 0, 0.5),
]


@pytest.fixture(params=UNITS, ids=str)
def web(request):
    return request.param, cobweb_scene(orbit_of(*request.param, 30))


def test_every_step_goes_to_the_curve_and_says_where_it_is(web):
    (w, b, h), scene = web
    where = places(scene)
    states = [h]
    for _ in range(30):
        states.append(np.tanh(w * states[-1] + b))
    for t in range(1, 31):
        says = scene.steps[t].says.partition(":")[2]
        before, after = states[t - 1], states[t]
        if "stays" in says:
            assert numbers_in(says)[0] == pytest.approx(after, rel=1e-3, abs=1e-12)
            assert after == pytest.approx(before, abs=1e-12)
            continue
        assert numbers_in(says)[:2] == pytest.approx([before, after], rel=6e-3, abs=1e-12)
        assert (" up to the curve" in says) == (after > before)
    dots = np.array([where[f"state-{t}"] for t in range(31)])
    times = np.array([where[f"time-{t}"] for t in range(31)])
    if np.ptp(states) > 0.1:
        assert straight(states, dots[:, 0])
        assert straight(states, dots[:, 1])
        assert straight(states, times[:, 1])


def test_all_fixed_points_are_told_at_the_end_and_not_before(web):
    (w, b, _), scene = web
    grid = np.linspace(-1.0007, 1.0004, 4001)
    distance = np.tanh(w * grid + b) - grid
    changes = np.flatnonzero(np.sign(distance[:-1]) != np.sign(distance[1:]))
    roots = [brentq(lambda h: np.tanh(w * h + b) - h, grid[n], grid[n + 1], xtol=1e-14) for n in changes]
    says = scene.steps[-1].says
    count, *told = numbers_in(re.search(r"\d+ fixed points?: .*?\.(?= The)", says)[0])
    assert count == len(roots) == len(told) / 2
    assert told[::2] == pytest.approx(roots, rel=1e-3, abs=1e-8)
    assert told[1::2] == pytest.approx([w * (1 - h * h) for h in roots], rel=1e-3, abs=1e-9)
    assert "fixed point" not in "".join(step.says for step in scene.steps[:-1])
    for n, h in enumerate(roots):
        state = scene.steps[-1].patch[f"fixed-{n}"].state
        slope = abs(w * (1 - h * h))
        assert state == ("won" if slope < 1 - 1e-9 else "lost" if slope > 1 + 1e-9 else "off")


def test_where_a_unit_has_come_to_is_told():
    def last(*unit):
        return cobweb_scene(orbit_of(*unit, 30)).steps[-1].says

    assert "The state has come to 0.9575." in last(2, 0, 0.1)
    assert "0 with slope 2, unstable" in last(2, 0, 0.1)
    assert "goes back and forth between" in last(-1.5, 0.2, 0.9)
    assert "still on its way" in last(1, 0, 0.5)


def test_the_numbers_of_a_unit_can_be_changed(web):
    (w, b, h), scene = web
    assert {name: edit.value for name, edit in scene.edits.items()} == {"w": w, "b": b, "h": h}


@pytest.mark.parametrize("T", [0, 41])
def test_too_many_steps_are_refused(T):
    with pytest.raises(ValueError, match="from 1 to 40"):
        cobweb_scene(orbit_of(1, 0, 0.5, T))


# -- gains


def test_each_gain_says_its_exponent_and_shows_its_units():
    scan = scan_gains([0.5, 1.5, 2.5], 30, np.random.default_rng(1))
    scene, where = gains_scene(scan), places(gains_scene(scan))
    assert straight(scan.exponent, [where[f"exponent-{n}"][1] for n in range(3)])
    assert straight(scan.gains, [where[f"exponent-{n}"][0] for n in range(3)])
    for n, step in enumerate(scene.steps):
        gain, steps, exponent, factor = numbers_in(step.says)
        assert (gain, steps) == (scan.gains[n], 600)
        assert exponent == pytest.approx(scan.exponent[n], abs=6e-4)
        assert factor == pytest.approx(np.exp(scan.exponent[n]), rel=6e-3)
        assert [m for m, mark in scene.marks_at(n).items() if m.startswith("units") and mark.state == "won"] == [
            f"units-{n}"
        ]
    assert "fallen silent" in scene.steps[0].says
    assert "still moving" in scene.steps[2].says


def test_a_network_at_rest_is_not_called_silent():
    states = np.full((1, 10, 2), 0.5)
    says = gains_scene(GainScan(np.array([2.0]), np.array([-0.3]), states, 20)).steps[0].says
    assert "after 20 steps the units rest" in says


# -- cliff

CORNERS = ((3.8, -3.2), (5.4, -1.4))


def cliff_of(start, rate, limit, by="norm", T=20):
    share = (np.arange(12) + 0.5) / 12
    surface = cliff(3.8 + 1.6 * share[None, :], -3.2 + 1.8 * share[:, None])
    descents = {"plain": descend(*start, T, rate), "clipped": descend(*start, T, rate, limit, by)}
    return surface, descents, cliff_scene(surface, CORNERS, descents, "by norm to 1")


def error_and_gradient(w, b, eps=1e-7):
    def error(w, b):
        x = 0.5
        for _ in range(50):
            x = w / (1 + np.exp(-x)) + b
        return (x - 0.7) ** 2

    at = error(w, b)
    return at, np.array([(error(w + eps, b) - error(w - eps, b)), (error(w, b + eps) - error(w, b - eps))]) / (2 * eps)


@pytest.mark.parametrize("by", ["norm", "value"])
def test_each_step_says_what_both_descents_have_done(by):
    _, descents, scene = cliff_of((4.7, -2.2), 0.02, 1.0, by)
    w = np.array([4.7, -2.2])
    for n in range(1, 6):  # as long as finite differences can follow
        _, gradient = error_and_gradient(*w)
        w = w - 0.02 * gradient
        plain = scene.steps[n].says.partition(";")[0]
        length, error = numbers_in(plain)[1:3]
        assert length == pytest.approx(np.linalg.norm(gradient), rel=1e-2)
        assert error == pytest.approx(error_and_gradient(*w)[0], rel=2e-2)
        clipped = scene.steps[n].says.partition(";")[2]
        assert "cut to" in clipped
        cut = numbers_in(clipped)[1]
        assert cut == pytest.approx(np.linalg.norm(descents["clipped"].applied[n - 1]), rel=6e-3)
        assert cut <= (1.001 if by == "norm" else np.sqrt(2) + 0.01)


def test_what_leaves_the_picture_is_told_and_the_end_counts_what_was_clipped():
    _, descents, scene = cliff_of((4.7, -2.2), 0.02, 5.0)
    outside = [n for n, (w, b) in enumerate(descents["plain"].points) if not (3.8 <= w <= 5.4 and -3.2 <= b <= -1.4)]
    assert outside
    for n in range(1, 21):
        assert ("outside" in scene.steps[n].says.partition(";")[0]) == (n in outside)
    clipped = int((np.linalg.norm(descents["clipped"].gradients[:-1], axis=1) > 5).sum())
    assert f"{clipped} of 20 steps were clipped." in scene.steps[-1].says
    assert 0 < clipped < 20


def test_dots_lie_where_the_numbers_are():
    _, descents, scene = cliff_of((5.0, -2.0), 0.01, 1.0)
    where = places(scene)
    for kind, descent in descents.items():
        inside = [n for n in range(21) if f"{kind}-at-{n}" in where]
        assert len(inside) > 5
        assert straight(descent.points[inside, 0], [where[f"{kind}-at-{n}"][0] for n in inside])
        assert straight(descent.points[inside, 1], [where[f"{kind}-at-{n}"][1] for n in inside])
        logs = np.maximum(np.log10(descent.errors), LEAST)
        assert straight(logs, [where[f"{kind}-error-{n}"][1] for n in range(21)])


def test_a_larger_error_has_a_darker_rectangle_and_every_rectangle_one_shade():
    surface, _, scene = cliff_of((4.7, -2.2), 0.02, 1.0)
    squares = {}
    for path in ElementTree.fromstring(scene.svg).iter():
        if path.get("class") == "shade":
            for x, y, wide in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v", path.get("d")):
                first, row = (float(x) - 56) / 400 * 12, 11 - (float(y) - 56) / 330 * 12
                for column in range(round(first), round(first + float(wide) / 400 * 12)):
                    assert (column, round(row)) not in squares
                    squares[column, round(row)] = float(path.get("fill-opacity"))
    errors = {(c, r): surface.error[r, c] for c in range(12) for r in range(12)}
    order = sorted(errors, key=errors.get)
    shades = [squares.get(at, 0.0) for at in order]
    assert shades == sorted(shades)
    assert len(set(shades)) > 5


def test_descents_that_do_not_begin_alike_are_refused():
    surface, descents, _ = cliff_of((4.7, -2.2), 0.02, 1.0)
    for other in (descend(4.6, -2.2, 20, 0.02), descend(4.7, -2.2, 19, 0.02)):
        with pytest.raises(ValueError, match="do not begin alike"):
            cliff_scene(surface, CORNERS, {**descents, "clipped": other}, "")


def test_all_are_light_enough_to_send():
    scenes = [
        eigenvalues_scene(pulse_response(pair(0.9, 0.6, 6), 60)),
        cobweb_scene(orbit_of(2, 0, 0.1, 40)),
        gains_scene(scan_gains(np.arange(0.4, 2.5, 0.2), 20, np.random.default_rng(0))),
        cliff_of((4.7, -2.2), 0.02, 1.0, T=40)[2],
    ]
    for scene in scenes:
        assert len(json.dumps(scene.to_json())) < 200_000
