"""The pictures of chapter 11: is every number that is said, filled in or tabled what the algorithms or autograd find?"""

import json
import re

import numpy as np
import pytest

from course_utils import gru, lstm
from course_utils.cell_path import cell_path
from course_utils.examples import GATED_X, GRU_CELL, LSTM_CELL
from course_utils.gated_machines import accepts, read
from course_utils.scenes.cell_path import cell_path_scene
from course_utils.scenes.counter import counter_scene
from course_utils.scenes.gru import gru_backward_scene, gru_scene
from course_utils.scenes.lstm import lstm_backward_scene, lstm_scene
from tests.written import NUMBER, for_python, value

RNG = np.random.default_rng(4)
TWO_LSTM, TWO_GRU = lstm.random_lstm(RNG, 2, 2), gru.random_gru(RNG, 2, 2).with_parameters(b_h=RNG.normal(size=6))
TWO_X = RNG.normal(size=(3, 2)).round(1)
CELLS = {
    "LSTM": (LSTM_CELL, GATED_X, {"h_0": [0.5], "c_0": [-1.0]}),
    "LSTM of two units": (TWO_LSTM, TWO_X, {}),
    "GRU": (GRU_CELL, GATED_X, {"h_0": [0.5]}),
    "GRU, before": (GRU_CELL.with_parameters(reset="before"), GATED_X, {"h_0": [0.5]}),
    "GRU of two units": (TWO_GRU, TWO_X, {}),
    "GRU of two units, before": (TWO_GRU.with_parameters(reset="before"), TWO_X, {}),
}
ROWS = {
    "LSTM": {"i": "i", "f": "f", "g": "g", "c": "c", "o": "o", "h": "h"},
    "GRU": {"r": "r", "s": "seen", "n": "n", "z": "z", "h": "h"},
}


def pull_at_the_end(found):
    pull = np.zeros_like(found.h)
    pull[-1] = 1
    return pull


@pytest.fixture(params=CELLS)
def cell(request):
    params, x, starts = CELLS[request.param]
    room = lstm if isinstance(params, lstm.LSTM) else gru
    found = room.forward(params, x, **starts)
    back = room.backward(params, found, pull_at_the_end(found))
    scenes = (lstm_scene, lstm_backward_scene) if room is lstm else (gru_scene, gru_backward_scene)
    return params, found, back, scenes[0](params, found), scenes[1](params, found, back)


def written(scene):
    """What stands in each cell at the end."""
    return {name: mark.text for name, mark in scene.marks_at(len(scene.steps) - 1).items() if mark.text is not None}


def near(text, number):
    return value(text) == pytest.approx(number, abs=6e-4)


def test_every_gate_cell_and_state_is_filled_in(cell):
    params, found, _, scene, _ = cell
    texts, rows = written(scene), ROWS["LSTM" if isinstance(params, lstm.LSTM) else "GRU"]
    T, H = found.h.shape
    assert set(texts) == {f"{row}-{t}-{k}" for row in rows for t in range(T) for k in range(H)}
    for row, name in rows.items():
        for (t, k), number in np.ndenumerate(getattr(found, name)):
            assert near(texts[f"{row}-{t}-{k}"], number), (row, t, k)


def test_every_derivative_and_gradient_is_filled_in(cell):
    params, found, back, _, scene = cell
    texts, (T, H) = written(scene), found.h.shape
    order = "ifgo" if isinstance(params, lstm.LSTM) else "rzn"
    expected = {}
    for n, key in enumerate(order):
        for t in range(T):
            expected |= {f"d{key}-{t}-{k}": back.d_gates[t, n * H + k] for k in range(H)}
    for name, table in (("dh", back.d_states), *((("dc", back.d_cells),) if order == "ifgo" else ())):
        expected |= {f"{name}-{t}-{k}": table[t + 1, k] for t in range(-1, T) for k in range(H)}
    for name, gradient in back.gradients.items():
        matrix = gradient if gradient.ndim == 2 else gradient[:, None]
        expected |= {f"d{name}-{r}-{c}": v for (r, c), v in np.ndenumerate(matrix)}
    assert set(texts) == set(expected)
    for name, number in expected.items():
        assert near(texts[name], number), name


def test_every_sum_and_product_that_is_said_comes_to_what_is_said(cell):
    """Each equation of numbers of each sentence is evaluated; one of three decimals may be off by what rounding takes."""
    count = 0
    for scene in cell[3:]:
        for step in scene.steps:
            for left, right in re.findall(rf"((?:\(?{NUMBER}\)? [×+−] )+\(?{NUMBER}\)?) = ({NUMBER})", step.says):
                terms = len(re.findall(r"[×+−] ", left))
                assert eval(for_python(left)) == pytest.approx(value(right), abs=4e-3 * (1 + terms)), step.says
                count += 1
            for name, inside, right in re.findall(rf"(σ|tanh)\(({NUMBER})\) = ({NUMBER})", step.says):
                z = value(inside)
                assert (np.tanh(z) if name == "tanh" else 1 / (1 + np.exp(-z))) == pytest.approx(value(right), abs=1e-3)
                count += 1
    assert count > 30


def test_each_step_computes_one_cell_from_cells_that_are_there(cell):
    for scene in cell[3:]:
        there = {name for name in scene.marks_at(0) if name not in scene.steps[0].computes}
        for step in scene.steps[1:-1]:
            (made,) = step.computes
            assert made not in there
            there.add(made)


def test_weights_inputs_and_starts_can_be_changed(cell):
    params, found, _, *scenes = cell
    for scene in scenes:
        names = {edit.place[0] for edit in scene.edits.values()}
        assert names == {*params.parameters, "x", "h", *(("c",) if isinstance(params, lstm.LSTM) else ())}
        for edit in scene.edits.values():
            name, *at = edit.place
            if name in params.parameters:
                matrix = params.parameters[name]
                assert edit.value == (matrix if matrix.ndim == 2 else matrix[:, None])[tuple(at)]
            elif name == "x":
                assert edit.value == found.x[tuple(at)]


def test_pictures_are_light(cell):
    for scene in cell[3:]:
        assert len(json.dumps(scene.to_json())) < 200_000


def test_what_is_too_large_is_refused():
    rng = np.random.default_rng(0)
    for H, D, T, says in ((3, 1, 2, "3 units"), (1, 3, 2, "3 inputs"), (1, 1, 7, "7 steps"), (1, 1, 0, "0 steps")):
        net, unit = lstm.random_lstm(rng, D, H), gru.random_gru(rng, D, H)
        with pytest.raises(ValueError, match=says):
            lstm_scene(net, lstm.forward(net, np.ones((T, D))))
        with pytest.raises(ValueError, match=says):
            gru_scene(unit, gru.forward(unit, np.ones((T, D))))
    net = lstm.random_lstm(rng, 1, 1, peepholes=True)
    with pytest.raises(ValueError, match="peepholes"):
        lstm_scene(net, lstm.forward(net, np.ones((2, 1))))
    with pytest.raises(ValueError, match="a single sequence"):
        lstm_scene(LSTM_CELL, lstm.forward(LSTM_CELL, np.ones((2, 1, 1))))
    with pytest.raises(ValueError, match="a single sequence"):
        gru_scene(GRU_CELL, gru.forward(GRU_CELL, np.ones((2, 1, 1))))


# -- the counter


@pytest.mark.parametrize("word", ["ab", "aaabbb", "aab", "abb", "abab", "b", "a", "ba", "aabbab"])
def test_the_counter_says_its_count_and_its_verdict(word):
    run = read(word, 20)
    scene = counter_scene(word, run, accepts(run))
    assert len(scene.steps) == len(word)
    count = 0
    for step, letter in zip(scene.steps, word, strict=True):
        before, after = (value(v) for v in re.search(rf"goes from ({NUMBER}) to ({NUMBER})", step.says).groups())
        assert before == pytest.approx(count, abs=1e-3)
        count += 1 if letter == "a" else -1
        assert after == pytest.approx(count, abs=1e-3)
        assert step.says.startswith(letter)
    assert ("Accepted" in scene.steps[-1].says) == accepts(run)
    assert ("Refused" in scene.steps[-1].says) != accepts(run)
    assert not any(verdict in step.says for step in scene.steps[:-1] for verdict in ("Accepted", "Refused"))
    assert ("An a after a b" in " ".join(s.says for s in scene.steps)) == ("ba" in word)


def test_words_that_cannot_be_drawn_are_refused():
    for word in ("", "a" * 15):
        with pytest.raises(ValueError, match="the picture takes from 1 to 14"):
            counter_scene(word, read(word, 10), False)


# -- the reach of a cell


def logs(T=100):
    rng = np.random.default_rng(0)
    net = lstm.random_lstm(rng, 4, 8, 0.3, 2.0)
    path = cell_path(net, lstm.forward(net, rng.normal(size=(T, 4))))
    return {"kept": path.log_kept, "whole": path.log_whole, "plain": -0.7 * np.arange(T + 1)}


def test_each_distance_says_its_three_sizes():
    found = logs()
    scene = cell_path_scene(found, "title", "The end.")
    assert len(scene.steps) == 21
    for n, step in enumerate(scene.steps[1:], 1):
        distance, *sizes = (value(v) for v in re.findall(NUMBER, step.says)[:4])
        assert distance == 5 * n
        assert sizes == pytest.approx([np.exp(found[name][5 * n]) for name in ("kept", "whole", "plain")], rel=0.06)
    assert scene.steps[-1].says.endswith("The end.")


def test_sizes_below_all_floats_are_said():
    T = 1000
    found = {"kept": -2.0 * np.arange(T + 1), "whole": -1.0 * np.arange(T + 1), "plain": np.full(T + 1, -np.inf)}
    found["plain"][0] = 0
    says = cell_path_scene(found, "title", "").steps[-1].says
    assert "10⁻⁸⁶⁹" in says
    assert "plain network 0" in says


def test_series_that_do_not_go_together_are_refused():
    for change in ({"plain": np.zeros(3)}, {"other": np.zeros(101)}):
        with pytest.raises(ValueError, match="give kept, whole and plain"):
            cell_path_scene({**logs(), **change}, "title", "")
