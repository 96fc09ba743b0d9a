"""Section 11.4: is the whole Jacobian of an LSTM step what moving numbers finds, and are the products what they say?"""

import numpy as np
import pytest

from course_utils.cell_path import cell_path, step_jacobians
from course_utils.lstm import LSTM, backward, forward, random_lstm
from course_utils.lyapunov import exponents


def run_of(seed=0, T=12, H=4, bias=1.0, scale=1.0):
    rng = np.random.default_rng(seed)
    net = random_lstm(rng, 3, H, scale, bias)
    return net, forward(net, rng.normal(size=(T, 3)), rng.normal(size=H), rng.normal(size=H))


def test_each_jacobian_is_that_of_moving_cell_and_state():
    net, run = run_of()
    J = step_jacobians(net, run)
    for t in (0, 5, 11):

        def after(v, t=t):
            one = forward(net, run.x[t : t + 1], v[4:], v[:4])
            return np.concatenate([one.cells[1], one.states[1]])

        here = np.concatenate([run.cells[t], run.states[t]])
        found = np.array([(after(here + 1e-6 * e) - after(here - 1e-6 * e)) / 2e-6 for e in np.eye(8)]).T
        np.testing.assert_allclose(J[t], found, atol=1e-8)
        np.testing.assert_allclose(np.diagonal(J[t])[:4], run.f[t])


def test_the_whole_derivative_is_what_back_propagation_finds():
    net, run = run_of()
    found = np.array([backward(net, run, np.zeros_like(run.h), e).d_cells for e in np.eye(4)])  # (unit, T + 1, H)
    path = cell_path(net, run)
    for n in range(13):
        assert np.exp(path.log_whole[n]) == pytest.approx(np.linalg.norm(found[:, 12 - n], 2), rel=1e-9)
        gates = np.prod(run.f[12 - n :], axis=0).max()
        assert np.exp(path.log_kept[n]) == pytest.approx(gates, rel=1e-9)


def test_without_weights_the_forget_gates_are_all_there_is():
    net, run = run_of(scale=0.0, bias=2.0)
    path = cell_path(net, run)
    np.testing.assert_allclose(path.log_kept, path.log_whole, atol=1e-12)
    np.testing.assert_allclose(path.log_kept, np.arange(13) * np.log(1 / (1 + np.exp(-2))), atol=1e-12)


def test_far_below_all_floats():
    net, run = run_of(T=3000, bias=-3.0, scale=0.1)
    path = cell_path(net, run)
    assert -20_000 < path.log_whole[-1] < -3000
    assert np.isfinite(path.log_whole).all()
    with np.errstate(divide="ignore"):
        shut = cell_path(*run_of(bias=-1000.0, scale=0.0))
    assert shut.log_kept[-1] < -1000


def test_batches_and_peepholes_are_refused():
    net = random_lstm(np.random.default_rng(0), 3, 4, peepholes=True)
    with pytest.raises(ValueError, match="without peepholes"):
        step_jacobians(net, forward(net, np.ones((3, 3))))
    net = random_lstm(np.random.default_rng(0), 3, 4)
    with pytest.raises(ValueError, match="a single sequence"):
        step_jacobians(net, forward(net, np.ones((3, 2, 3))))


def test_two_units_without_input_can_be_chaotic():
    """After Laurent and von Brecht (2017): exponents of three starts and more steps are 0.22, −0.44 and −3.1."""
    wild = [[-10, -10], [10, 10]], [[-10, -10], [10, 10]], [[10, -80], [80, -10]], [[10, -10], [10, -10]]
    net = LSTM(np.zeros((8, 1)), np.reshape(wild, (8, 2)), np.zeros(8))
    for start in ([0.3, -0.2], [0.1, 0.5]):
        run = forward(net, np.zeros((3000, 1)), start, [0.2, 0.1])
        found = exponents(step_jacobians(net, run), 3, skip=100)
        assert found == pytest.approx([0.218, -0.44, -3.11], abs=0.12)
        assert found[0] == pytest.approx(0.218, abs=0.02)
