"""LSTM and GRU, forward and backward through time, against torch's own."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Cell, Grid, Pair, cells, compare, one_thread
from course_utils import gru, lstm

CELLS = cells(T=[20, 100, 500], batch=[1, 8, 32], d=[16, 64, 128])
ROOMS = {"LSTM": lstm, "GRU": gru}


def bar(kind: str, T: int, batch: int, d: int) -> float:
    """How many times the peer's time it may take."""
    if (T, batch, d) == (500, 32, 128):
        return 0.8 if kind == "LSTM" else 0.9
    return 1.0


def ours(kind: str, net, x: NDArray, d_states: NDArray) -> dict[str, NDArray]:
    """Run the network and go back through time with ours."""
    room = ROOMS[kind]
    back = room.backward(net, room.forward(net, x), d_states)
    return {**back.gradients, "x": back.d_x}


class TorchNetwork:
    """The same network in torch."""

    def __init__(self, kind: str, net):
        import torch

        self.layer = getattr(torch.nn, kind)(net.D, net.H).double()
        weights = ROOMS[kind].to_torch(net)
        self.layer.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})

    def gradients(self, x: NDArray, d_states: NDArray) -> dict[str, NDArray]:
        """Do what :func:`ours` does."""
        import torch

        for leaf in self.layer.parameters():
            leaf.grad = None
        inputs = torch.from_numpy(x).requires_grad_()
        states, _ = self.layer(inputs)
        states.backward(torch.from_numpy(d_states))
        names = ("W_x", "W_h", "b", "b_hh") if isinstance(self.layer, torch.nn.LSTM) else ("W_x", "W_h", "b_x", "b_h")
        found = {name: leaf.grad.numpy() for name, leaf in zip(names, self.layer.parameters(), strict=True)}
        return {**found, "x": inputs.grad.numpy()}


def prepare(kind: str, T: int, batch: int, d: int) -> Pair:
    """Make both ready, after checking that they give the same gradients."""
    rng = np.random.default_rng(0)
    net = lstm.random_lstm(rng, d, d) if kind == "LSTM" else gru.random_gru(rng, d, d)
    x, d_states = rng.normal(size=(T, batch, d)), rng.normal(size=(T, batch, d))
    peer = TorchNetwork(kind, net)
    found, expected = ours(kind, net, x, d_states), peer.gradients(x, d_states)
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-9, err_msg=name)
    return lambda: ours(kind, net, x, d_states), lambda: peer.gradients(x, d_states)


def measure(cells: list[Cell] = CELLS, **timing) -> list[Grid]:
    """Time both on one thread."""
    what = "{} forward and backward, T steps, d inputs and units; peer: torch nn.{}"
    with one_thread():
        return [
            compare(what.format(kind, kind), cells, partial(prepare, kind), partial(bar, kind), **timing)
            for kind in ROOMS
        ]
