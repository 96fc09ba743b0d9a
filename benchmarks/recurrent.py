"""A recurrent network, forward and backward through time, against torch's own."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Cell, Grid, Pair, cells, compare, one_thread
from course_utils.bptt import backward
from course_utils.rnn import PARAMETERS, RNN, Gradients, random_rnn, run

CELLS = cells(T=[100, 1000], batch=[1, 8, 32], d=[8, 32, 128, 256])


def bar(T: int, batch: int, d: int) -> float:
    """How many times the peer's time it may take."""
    return 0.6 if (T, batch, d) == (1000, 32, 128) else 0.9


def problem(rng: np.random.Generator, T: int, B: int, d: int, A: int = 10) -> tuple[RNN, NDArray, NDArray]:
    """Draw a network of d inputs and d units, a batch of inputs, and a derivative with respect to its logits."""
    return random_rnn(rng, d, d, A), rng.normal(size=(T, B, d)), rng.normal(size=(T, B, A))


def ours(net: RNN, x: NDArray, d_logits: NDArray) -> Gradients:
    """Run the network and go back through time with ours."""
    return backward(run(net, x), d_logits).gradients


class TorchNetwork:
    """The same network in torch: its recurrent layer and a linear one."""

    def __init__(self, net: RNN):
        import torch

        H, D = net.W_xh.shape
        self.layer = torch.nn.RNN(D, H, nonlinearity=net.activation).double()
        self.out = torch.nn.Linear(H, len(net.W_hy)).double()
        self.h_init = torch.tensor(net.h_init, requires_grad=True)
        self.leaves = {
            "W_xh": self.layer.weight_ih_l0,
            "W_hh": self.layer.weight_hh_l0,
            "b_h": self.layer.bias_ih_l0,
            "W_hy": self.out.weight,
            "b_y": self.out.bias,
            "h_init": self.h_init,
        }
        with torch.no_grad():
            self.layer.bias_hh_l0.zero_()  # torch has two biases, whose sum is ours
            for name, leaf in self.leaves.items():
                leaf.copy_(torch.from_numpy(net.parameters[name]))

    def gradients(self, x: NDArray, d_logits: NDArray) -> Gradients:
        """Do what :func:`ours` does."""
        import torch

        for leaf in (*self.leaves.values(), self.layer.bias_hh_l0):
            leaf.grad = None
        h, _ = self.layer(torch.from_numpy(x), self.h_init.expand(1, x.shape[1], -1).contiguous())
        self.out(h).backward(torch.from_numpy(d_logits))
        return {name: leaf.grad.numpy() for name, leaf in self.leaves.items()}


def prepare(T: int, batch: int, d: int) -> Pair:
    """Make both ready, after checking that they give the same gradients."""
    net, x, d_logits = problem(np.random.default_rng(0), T, batch, d)
    peer = TorchNetwork(net)
    found, expected = ours(net, x, d_logits), peer.gradients(x, d_logits)
    for name in PARAMETERS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-10, err_msg=name)
    return lambda: ours(net, x, d_logits), lambda: peer.gradients(x, d_logits)


def measure(cells: list[Cell] = CELLS, **timing) -> list[Grid]:
    """Time both on one thread."""
    what = "RNN forward and backward, T steps, d inputs and units; peer: torch nn.RNN"
    with one_thread():
        return [compare(what, cells, prepare, bar, **timing)]
