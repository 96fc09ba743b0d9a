"""A recurrent network, forward and backward through time, against torch's own."""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.table import Result, medians
from course_utils.rnn import PARAMETERS, RNN, Gradients, backward, random_rnn, run

BAR = 0.7


def problem(rng: np.random.Generator, T: int, B: int, d: int, A: int = 10) -> tuple[RNN, NDArray, NDArray]:
    """Draw a network of d inputs and d units, a batch of inputs, and a derivative with respect to its logits."""
    return random_rnn(rng, d, d, A), rng.normal(size=(T, B, d)), rng.normal(size=(T, B, A))


def gradients(net: RNN, x: NDArray, d_logits: NDArray) -> Gradients:
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
        """Do what :func:`gradients` does."""
        import torch

        for leaf in (*self.leaves.values(), self.layer.bias_hh_l0):
            leaf.grad = None
        h, _ = self.layer(torch.from_numpy(x), self.h_init.expand(1, x.shape[1], -1).contiguous())
        self.out(h).backward(torch.from_numpy(d_logits))
        return {name: leaf.grad.numpy() for name, leaf in self.leaves.items()}


def measure(repetitions: int = 9) -> list[Result]:
    """Time both on one thread, and check first that both give the same gradients."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            net, x, d_logits = problem(np.random.default_rng(0), 1000, 32, 128)
            theirs = TorchNetwork(net)
            found, expected = gradients(net, x, d_logits), theirs.gradients(x, d_logits)
            for name in PARAMETERS:
                np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-9, err_msg=name)
            times = medians(lambda: gradients(net, x, d_logits), lambda: theirs.gradients(x, d_logits), repetitions)
    finally:
        torch.set_num_threads(before)
    return [Result("RNN forward and backward, T=1000, d=128, batch of 32; peer: torch nn.RNN", *times, BAR)]
