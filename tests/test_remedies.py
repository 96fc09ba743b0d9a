"""Section 10.9: is the training honest, and is what was measured ahead what is measured now?"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_utils import measured
from course_utils.gradient_check import numerical_gradient
from course_utils.measured import __main__ as measuring
from course_utils.remedies import (
    NOISE,
    REMEDIES,
    SYMBOLS,
    Remedy,
    accuracy,
    begin,
    delayed_copy,
    loss_and_gradients,
    states_of,
    train,
)

UNLIKE = [
    Remedy("tanh"),
    Remedy("relu", activation="relu"),
    Remedy("leaky", leak=0.3),
    Remedy("both", activation="sigmoid", leak=0.6),
]


@pytest.mark.parametrize("remedy", UNLIKE, ids=lambda r: r.name)
def test_gradients_are_those_of_moving_each_number(remedy):
    rng = np.random.default_rng(0)
    parameters = begin(remedy, rng, D=2, H=3, A=2)
    parameters["b_h"] += 0.1 * rng.normal(size=3)
    x, symbols = rng.normal(size=(4, 5, 2)), rng.integers(2, size=5)
    loss, gradients = loss_and_gradients(parameters, x, symbols, remedy)
    assert loss > 0
    for name, value in parameters.items():

        def moved(v, name=name):
            return loss_and_gradients({**parameters, name: v}, x, symbols, remedy)[0]

        np.testing.assert_allclose(gradients[name], numerical_gradient(moved, value), atol=1e-7)


@pytest.mark.parametrize("remedy", UNLIKE, ids=lambda r: r.name)
def test_states_are_those_of_a_loop_over_units(remedy):
    rng = np.random.default_rng(1)
    p = begin(remedy, rng, D=2, H=3, A=2)
    x = rng.normal(size=(6, 2, 2))
    phi = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}[
        remedy.activation
    ]
    h = np.zeros((2, 3))
    for t in range(6):
        h = np.array(
            [
                (1 - remedy.leak) * row + remedy.leak * phi(p["W_hh"] @ row + p["W_xh"] @ x[t, b] + p["b_h"])
                for b, row in enumerate(h)
            ]
        )
        np.testing.assert_allclose(states_of(p, x, remedy)[0][t + 1], h, atol=1e-12)


def test_each_begins_as_its_name_says():
    def matrix(kind, H=300):
        return begin(Remedy("", kind), np.random.default_rng(0), H=H)["W_hh"]

    assert np.array_equal(matrix("identity"), np.eye(300))
    Q = matrix("orthogonal")
    np.testing.assert_allclose(Q @ Q.T, np.eye(300), atol=1e-12)
    assert matrix("gaussian").var() == pytest.approx(1 / 300, rel=0.02)
    uniform = matrix("uniform")
    assert np.abs(uniform).max() <= 1 / np.sqrt(300)
    assert uniform.var() == pytest.approx(1 / 900, rel=0.02)
    radii = {kind: np.abs(np.linalg.eigvals(matrix(kind))).max() for kind in ("gaussian", "uniform")}
    assert radii["gaussian"] == pytest.approx(1, abs=0.08)
    assert radii["uniform"] == pytest.approx(1 / np.sqrt(3), abs=0.05)


def test_pytorch_begins_like_the_first_of_them():
    import torch

    torch.manual_seed(0)
    W = torch.nn.RNN(4, 300).weight_hh_l0.detach().numpy()
    assert np.abs(W).max() <= 1 / np.sqrt(300)
    assert W.var() == pytest.approx(1 / 900, rel=0.02)


def test_the_task_shows_a_symbol_once_and_then_noise():
    x, symbols = delayed_copy(30, np.random.default_rng(0), 64)
    assert x.shape == (31, 64, SYMBOLS)
    assert (x[0].argmax(axis=1) == symbols).all()
    assert set(symbols.tolist()) == set(range(SYMBOLS))
    assert x[1:].std() == pytest.approx(NOISE, rel=0.05)
    assert delayed_copy(0, np.random.default_rng(0), 2)[0].shape == (1, 2, SYMBOLS)


def test_no_lag_is_learnt_by_all_and_no_training_is_guessing():
    for remedy in REMEDIES:
        assert train(remedy, 1, 120) > 0.95
    assert train(REMEDIES[0], 5, 0) < 0.6


def test_a_training_that_runs_away_is_a_failure_and_no_crash():
    assert train(replace(REMEDIES[4], clip_norm=None), 60, 40, learning_rate=30.0) <= 0.6


def test_accuracy_counts_what_is_right():
    remedy, rng = REMEDIES[0], np.random.default_rng(0)
    parameters = begin(remedy, rng)
    x, symbols = delayed_copy(2, rng, 200)
    h = states_of(parameters, x, remedy)[0][-1]
    read = (h @ parameters["W_hy"].T + parameters["b_y"]).argmax(axis=1)
    assert accuracy(parameters, x, read, remedy) == 1
    assert accuracy(parameters, x, (read + 1) % SYMBOLS, remedy) == 0
    assert accuracy(parameters, x, symbols, remedy) == np.mean(read == symbols)


@pytest.mark.parametrize("rate", [0, -1, np.nan])
def test_bad_rates_are_refused(rate):
    with pytest.raises(ValueError, match="learning_rate is"):
        train(REMEDIES[0], 5, 1, learning_rate=rate)


# -- measured ahead


def test_what_was_measured_is_for_these_remedies_and_lags():
    found = measured.load("remedies")
    assert list(found["accuracy"]) == [remedy.name for remedy in REMEDIES]
    assert tuple(found["lags"]) == measuring.LAGS
    assert (tuple(found["seeds"]), found["iterations"]) == (measuring.SEEDS, measuring.ITERATIONS)
    assert all(np.shape(a) == (len(measuring.LAGS), len(measuring.SEEDS)) for a in found["accuracy"].values())


def test_what_is_measured_now_is_what_was_measured():
    """Of one lag, where all learn or none does: beyond, the last digits of a processor decide."""
    found = measured.load("remedies")
    lag = found["lags"].index(10)
    for remedy in (REMEDIES[0], REMEDIES[3], REMEDIES[5]):
        again = train(remedy, 10, found["iterations"], found["seeds"][1])
        assert again == pytest.approx(found["accuracy"][remedy.name][lag][1], abs=0.03)


def test_the_claims_of_the_text():
    found = measured.load("remedies")
    mean = {name: dict(zip(found["lags"], np.mean(a, axis=1), strict=True)) for name, a in found["accuracy"].items()}
    uniform, gaussian, clipped, orthogonal, identity, leaky = mean.values()
    assert uniform[10] > 0.99
    assert uniform[20] < 0.3
    for found_mean in (gaussian, clipped):
        assert found_mean[20] > 0.99
        assert found_mean[40] < 0.75
    assert orthogonal[40] > 0.99 > orthogonal[60]
    assert all(identity[lag] > 0.99 for lag in (5, 10, 20, 40, 60, 80))
    assert leaky[160] == max(each[160] for each in mean.values())
    assert sum(a > 0.9 for a in found["accuracy"]["Gaussian"][found["lags"].index(40)]) == 1


def test_what_nobody_has_measured_is_refused():
    with pytest.raises(ValueError, match="nothing is measured under 'nothing'"):
        measured.load("nothing")


def test_the_command_stores_what_it_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "MEASUREMENTS", {"remedies": lambda: {"lags": [1]}})
    monkeypatch.setattr(measuring, "__file__", str(tmp_path / "x.py"))
    monkeypatch.setattr("sys.argv", ["measured", "remedies"])
    measuring.main()
    assert json.loads(Path(tmp_path / "remedies.json").read_text("utf-8")) == {"lags": [1]}
