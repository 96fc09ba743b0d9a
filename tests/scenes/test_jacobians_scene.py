"""The product of Jacobians as a picture: are its numbers those of the algorithm, and does every sentence hold?"""

import json
import math
import re
from time import process_time
from xml.etree import ElementTree

import numpy as np
import pytest

from course_utils.examples import CONDITIONS, WORKED_NET, WORKED_X
from course_utils.jacobians import matrix_with, product_of_jacobians, spectral_norm, spectral_radius
from course_utils.notebook import gradient_explorer, product_stepper
from course_utils.notebook.ch05 import OWN
from course_utils.rnn import RNN, random_rnn, run
from course_utils.scenes.jacobians import HEIGHT, LEFT, MOST_FACTORS, MOST_UNITS, TOP, power, product_scene
from tests import written
from tests.browserless import edit


def random_run(seed, T=None, H=None):
    rng = np.random.default_rng(seed)
    H = H or int(rng.integers(1, 6))
    activation = rng.choice(["tanh", "relu", "sigmoid", "identity"])
    net = random_rnn(rng, 2, H, 2, activation, rng.uniform(0.3, 2.5))
    return run(net, rng.normal(size=(T or int(rng.integers(1, 30)), 2)))


def value(words):
    """The number that a sentence shows, and how far rounding may have moved it."""
    number, mantissa = written.value(words), words.replace("−", "-").partition(written.POWER)[0]
    return number, 10.0 ** -len(mantissa.partition(".")[2]) * (number / float(mantissa) if float(mantissa) else 1)


def assert_shows(words, truth):
    number, grain = value(words)
    assert abs(number - truth) <= 0.51 * abs(grain) + 1e-12, f"{words} is not {truth}"


def drawn(scene):
    return {e.get("data-mark"): e for e in ElementTree.fromstring(scene.svg).iter() if e.get("data-mark")}


def texts_at(scene, step):
    return {name: mark.text for name, mark in scene.marks_at(step).items() if mark.text is not None}


# -- sentences


@pytest.mark.parametrize("seed", range(40))
def test_every_sentence_gives_the_numbers_of_the_algorithm(seed):
    forward = random_run(seed)
    T, product = len(forward.x), product_of_jacobians(forward)
    scene = product_scene(product)
    assert len(scene.steps) == T + 1
    J = forward.jacobians()
    whole = np.eye(J.shape[1])
    for n in range(1, T + 1):
        whole, says = whole @ J[T - n], scene.steps[n].says
        norm = np.linalg.norm(whole, 2)
        assert says.startswith(f"Factor {n}, J({T - n}), ")
        assert_shows(re.search(r"has the norm ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻−]+)[,;]", says)[1], np.linalg.norm(J[T - n], 2))
        shown = re.search(rf"the product of {n} has the norm ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻−]+),", says)
        if n > 1:
            assert_shows(shown[1], norm)
        if bounds := re.search(r"between ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻−]+) and ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻−]+)\.(?: |$)", says):
            assert_shows(bounds[1], np.exp(product.log_lower[n]))
            assert_shows(bounds[2], np.exp(product.log_upper[n]))
            assert value(bounds[1])[0] <= norm * (1 + 1e-9) + value(bounds[1])[1]
            assert norm <= value(bounds[2])[0] * (1 + 1e-9) + value(bounds[2])[1]
        else:
            assert product.log_norm[n] == pytest.approx(product.log_upper[n], abs=0.06)
    if T > 1 and norm > 0:
        assert_shows(re.search(r"a factor of ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻−]+) a step", says)[1], norm ** (1 / T))


def test_the_first_sentence_says_what_the_weights_are():
    scene = product_scene(product_of_jacobians(run(WORKED_NET, WORKED_X)), "About it.")
    says = scene.steps[0].says
    assert says.startswith("W_hh has the spectral norm 0.8944 and the spectral radius 0.7746, ")
    assert spectral_norm(WORKED_NET.W_hh) == pytest.approx(0.8944, abs=5e-5)
    assert spectral_radius(WORKED_NET.W_hh) == pytest.approx(0.7746, abs=5e-5)
    assert says.endswith("the product is the identity, and its norm is 1.")
    assert (
        "no slope of sigmoid is above 0.25" in product_scene(product_of_jacobians(CONDITIONS[3].run(2))).steps[0].says
    )


@pytest.mark.parametrize("case", CONDITIONS, ids=lambda case: case.name)
def test_each_case_of_the_table_is_drawn(case):
    scene = product_scene(product_of_jacobians(case.run(50)), case.says)
    last = product_of_jacobians(case.run(50)).log_norm[-1]
    assert f"the product of 50 has the norm {power(last)}," in scene.steps[-1].says
    json.dumps(scene.to_json(), allow_nan=False)
    for step in (0, 25, 50):
        scene.to_svg(step)


def test_a_product_of_zero_is_called_zero_and_stays_zero():
    nilpotent = RNN(np.zeros((2, 1)), [[0, 1], [0, 0]], [0, 0], np.eye(2), [0, 0], activation="identity")
    scene = product_scene(product_of_jacobians(run(nilpotent, np.zeros((4, 1)))))
    assert "the product of 2 has the norm 0," in scene.steps[2].says
    assert "a step" not in scene.steps[-1].says
    assert "nan" not in json.dumps(scene.to_json()).lower()
    assert texts_at(scene, 4)["product-0-0"] == "0"


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (-math.inf, "0"), (0.0, "1"), (math.log(0.734), "0.734"), (math.log(3.814697e-4), "3.8·10⁻⁴"),
        (-1000 * math.log(10), "1·10⁻¹⁰⁰⁰"), (math.log(9.99e12), "1·10¹³"), (400 * math.log(10) + math.log(2.5), "2.5·10⁴⁰⁰"),
        (math.log(12345.0), "12345"),
    ],
)  # fmt: skip
def test_sizes_are_written_where_a_float_ends(log, words):
    assert power(log) == words


# -- the drawing


@pytest.mark.parametrize("seed", range(12))
def test_dots_stand_at_the_height_of_their_norm_and_appear_one_by_one(seed):
    forward = random_run(seed, T=12)
    scene, log = product_scene(product_of_jacobians(forward)), product_of_jacobians(forward).log_norm / math.log(10)
    marks = drawn(scene)
    circles = {n: marks[f"dot-{n}"].find(".//{*}circle") for n in range(13)}
    assert all((circles[n] is None) == np.isinf(log[n]) for n in circles)
    heights = {n: float(c.get("cy")) for n, c in circles.items() if c is not None}
    assert all(TOP <= y <= TOP + HEIGHT for y in heights.values())
    (a, ya), (b, yb) = min(heights.items(), key=lambda i: i[1]), max(heights.items(), key=lambda i: i[1])
    for n, y in heights.items():
        if yb - ya > 1:
            assert y == pytest.approx(ya + (yb - ya) * (log[n] - log[a]) / (log[b] - log[a]), abs=0.3)
    for step in range(13):
        states = {name: mark.state for name, mark in scene.marks_at(step).items() if name.startswith("dot-")}
        assert states == {f"dot-{n}": "now" if n == step else "done" for n in range(step + 1)}


@pytest.mark.parametrize("seed", range(20))
def test_bounds_stay_inside_the_plot(seed):
    scene = product_scene(product_of_jacobians(random_run(seed)))
    for path in re.findall(r'class="shaft" (?:style="[^"]*" )?d="([^"]*)"', scene.svg):
        for x, y in re.findall(r"[ML]([\d.]+) ([\d.−-]+)", path):
            if "h26" not in path:
                assert float(x) >= LEFT
                assert TOP - 0.1 <= float(y) <= TOP + HEIGHT + 0.1


@pytest.mark.parametrize("seed", range(12))
def test_with_two_units_factor_product_and_circle_are_shown(seed):
    forward = random_run(seed, H=2)
    J, scene = forward.jacobians(), product_scene(product_of_jacobians(forward))
    marks, T = drawn(scene), len(J)
    whole = np.eye(2)
    for n in range(1, T + 1):
        whole, shown = whole @ J[T - n], texts_at(scene, n)
        largest = np.linalg.norm(whole, 2)
        for i, k in np.ndindex(2, 2):
            assert_shows(shown[f"factor-{i}-{k}"], J[T - n][i, k])
            if abs(whole[i, k]) > 1e-9 * largest:
                assert_shows(shown[f"product-{i}-{k}"], whole[i, k])
        assert_shows(shown["size"].partition(": ")[2], largest)
        visible = [
            name for name, mark in scene.marks_at(n).items() if name.startswith("image-") and mark.state == "won"
        ]
        assert visible == [f"image-{n}"]
        if largest > 0:
            assert_image(marks[f"image-{n}"], whole / largest)


def assert_image(mark, whole):
    """The ellipse is the image of the circle, and the dot that of the first unit vector; y points down."""
    ellipse, dot = mark.find("{*}ellipse"), mark.find("{*}circle")
    a, b = (float(ellipse.get(name)) for name in ("rx", "ry"))
    angle = math.radians(float(re.search(r"rotate\(([-\d.]+)", ellipse.get("transform"))[1]))
    for turn in np.linspace(0, 2 * np.pi, 9):
        x, y = a * np.array([np.cos(angle), -np.sin(angle)]), b * np.array([-np.sin(angle), -np.cos(angle)])
        point = np.cos(turn) * x + np.sin(turn) * y
        if b > 1:
            length = np.linalg.norm(np.linalg.solve(whole, point / a))
            assert length == pytest.approx(1, abs=0.1 / b + 2e-3 * a / b)  # tenths of a pixel and of a degree
    moved = whole @ [1, 0]
    assert float(dot.get("cx")) / a == pytest.approx(moved[0], abs=0.01)
    assert -float(dot.get("cy")) / a == pytest.approx(moved[1], abs=0.01)


def test_other_sizes_show_the_plot_alone():
    for H in (1, 3):
        assert not [
            name
            for name in drawn(product_scene(product_of_jacobians(random_run(0, H=H))))
            if not name.startswith("dot-")
        ]


def test_formulas_are_left_out_of_long_runs():
    short, long = (product_scene(product_of_jacobians(random_run(1, T=T, H=2))) for T in (20, 21))
    assert all(step.formula for step in short.steps[1:])
    assert not any(step.formula for step in long.steps)
    assert "pmatrix" in short.steps[3].formula


@pytest.mark.parametrize(("H", "most"), [(2, 200_000), (32, 120_000)])
def test_the_longest_run_is_small_and_drawn_in_time(H, most):
    rng = np.random.default_rng(0)
    W = matrix_with(1.0, 1.5, H, rng)
    net = RNN(np.zeros((H, 1)), W, np.zeros(H), np.eye(H), np.zeros(H), rng.normal(0, 0.5, H))
    forward, seconds = run(net, np.zeros((MOST_FACTORS, 1))), []
    for _ in range(3):
        start = process_time()
        scene = product_scene(product_of_jacobians(forward))
        scene.to_json()
        seconds.append(process_time() - start)
    assert len(json.dumps(scene.to_json())) < most
    assert min(seconds) < 0.25  # of the processor; a fifth of it on the machine that it was chosen on


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="the run has 0 steps; the picture takes from 1 to 200 factors"):
        product_scene(product_of_jacobians(run(WORKED_NET, np.zeros((0, 2)))))
    with pytest.raises(ValueError, match="the run has 201 steps"):
        product_scene(product_of_jacobians(run(WORKED_NET, np.zeros((201, 2)))))
    many = random_rnn(np.random.default_rng(0), 1, MOST_UNITS + 1, 1)
    with pytest.raises(ValueError, match="the network has 65 units; the picture takes at most 64"):
        product_scene(product_of_jacobians(run(many, np.zeros((3, 1)))))
    with pytest.raises(ValueError, match="take a single sequence"):
        product_scene(product_of_jacobians(run(WORKED_NET, np.zeros((3, 4, 2)))))


# -- what the notebook calls


def test_a_weight_that_is_changed_changes_the_product():
    stepper = product_stepper(WORKED_NET, WORKED_X)
    stepper.step = 4
    assert edit(stepper, "W_hh-1-1", 5.0) == []
    assert stepper.step == 4
    W = WORKED_NET.W_hh.copy()
    W[1, 1] = 5.0
    expected = product_scene(product_of_jacobians(run(WORKED_NET.with_parameters(W_hh=W), WORKED_X)))
    assert stepper.shown().to_json() == expected.to_json()
    assert "has the norm 599," in stepper.shown().steps[-1].says


@pytest.fixture
def explorer():
    explorer, shown = gradient_explorer(), []
    play = explorer.stepper.play
    explorer.stepper.play = lambda scene: (shown.append(scene), play(scene))
    explorer.drawn = shown
    return explorer


def test_every_case_is_drawn_once_and_its_controls_follow(explorer):
    for case in (*CONDITIONS[1:], CONDITIONS[0]):
        explorer.drawn.clear()
        explorer.case.value = case.name
        assert len(explorer.drawn) == 1
        assert explorer.drawn[0].to_json() == product_scene(product_of_jacobians(case.run(20)), case.says).to_json()
        assert explorer.norm.value == pytest.approx(spectral_norm(case.W_hh))
        assert explorer.radius.value == pytest.approx(spectral_radius(case.W_hh))
        assert (explorer.activation.value, explorer.units.value) == (case.activation, 2)


def test_more_factors_keep_the_case(explorer):
    explorer.factors.value = 200
    assert len(explorer.drawn) == 1
    assert explorer.case.value == CONDITIONS[0].name
    assert len(explorer.stepper.shown().steps) == 201


def test_a_slider_makes_the_network_the_readers_own_and_draws_once(explorer):
    for name, number in (("norm", 1.5), ("radius", 1.2), ("units", 8), ("bias", 0.5), ("activation", "relu")):
        explorer.drawn.clear()
        getattr(explorer, name).value = number
        assert len(explorer.drawn) == 1
        assert explorer.case.value == OWN
    W = explorer.net.W_hh
    assert (spectral_norm(W), spectral_radius(W)) == (pytest.approx(1.5), pytest.approx(1.2))
    assert W.shape == (8, 8)
    assert set(explorer.net.b_h) == {0.5}
    assert explorer.net.activation == "relu"
    assert "8 units, relu" in explorer.stepper.shown().title


def test_an_activation_keeps_the_weights_of_a_case(explorer):
    explorer.case.value = "eigenvalues 0, explodes"
    explorer.activation.value = "identity"
    np.testing.assert_array_equal(explorer.net.W_hh, [[1.5, 1.5], [-1.5, -1.5]])
    assert "the product of 20 has the norm 0," in explorer.stepper.shown().steps[-1].says


def test_a_norm_below_the_radius_is_explained_and_the_picture_stays(explorer):
    explorer.case.value = "eigenvalue −2, explodes"
    before = explorer.stepper.scene
    explorer.norm.value = 1.0
    assert "role='alert'" in explorer.message.value
    assert "the norm of a matrix is never below its radius" in explorer.message.value
    assert explorer.stepper.scene == before
    explorer.activation.value = "tanh"
    assert "role='alert'" in explorer.message.value
    explorer.radius.value = 0.9
    assert explorer.message.value == ""
    assert explorer.net.activation == "tanh"
    assert spectral_norm(explorer.net.W_hh) == pytest.approx(1.0)


def test_a_weight_that_is_changed_in_a_case_moves_the_sliders(explorer):
    assert edit(explorer.stepper, "W_hh-0-1", 3.0) == []
    assert explorer.case.value == OWN
    assert explorer.norm.value == pytest.approx(spectral_norm(explorer.net.W_hh))
    np.testing.assert_array_equal(explorer.net.W_hh, [[0.6, 3.0], [0.3, 0.5]])
    explorer.factors.value = 10
    np.testing.assert_array_equal(explorer.net.W_hh, [[0.6, 3.0], [0.3, 0.5]])
    explorer.case.value = CONDITIONS[0].name
    np.testing.assert_array_equal(explorer.net.W_hh, CONDITIONS[0].W_hh)
    np.testing.assert_array_equal(CONDITIONS[0].W_hh, [[0.6, -0.4], [0.3, 0.5]])


def test_two_explorers_do_not_share_their_numbers():
    one, two = gradient_explorer(), gradient_explorer()
    one.factors.value = 5
    assert two.factors.value == 20
