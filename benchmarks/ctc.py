"""The loss of CTC with its gradient, from the logits, against torch."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Cell, Grid, Pair, cells, compare, one_thread
from course_utils.ctc import fewest_frames
from course_utils.ctc_loss import batch_loss_and_gradient, loss_and_gradient
from course_utils.losses import log_softmax

BAR, MEDIAN_BAR = 0.85, 0.45
MOST_BYTES = 1.5e9
INPUTS = ("flat", "peaked")
#: Logits spread so widely that probabilities, and their products over a few frames, are no numbers any more.
SPREAD = {"flat": 1, "underflow, scale 60": 60, "underflow, scale 100": 100}


def bytes_needed(T: int, A: int, batch: int) -> float:
    """Estimate what is held at one time: the logits, our gradient, and the peer's tables and gradients."""
    return 6 * 8.0 * T * A * batch


ALL = cells(T=[20, 100, 300, 1000, 3000], K=[2, 10, 100], A=[5, 30, 500, 5000], batch=[1, 16], inputs=INPUTS)
FIT = [cell for cell in ALL if cell["K"] <= cell["T"]]
CELLS = [cell for cell in FIT if bytes_needed(cell["T"], cell["A"], cell["batch"]) <= MOST_BYTES]
# Not 3000 frames: there the peer, which adds up logarithms of some 100,000, is off by more than 1e-9 itself.
CELLS += cells(T=[100, 1000], K=[100], A=[30], batch=[1, 16], inputs=list(SPREAD)[1:])
LEFT_OUT = (
    *{f"T={cell['T']}, K={cell['K']}: more symbols than frames": 0 for cell in ALL if cell["K"] > cell["T"]},
    *{
        f"T={T}, A={A}, batch={batch}: needs {bytes_needed(T, A, batch) / 1e9:.1f} GB": 0
        for T, A, batch in ((cell["T"], cell["A"], cell["batch"]) for cell in FIT if cell not in CELLS)
    },
)


def random_target(rng: np.random.Generator, T: int, K: int, A: int) -> NDArray:
    """Draw K symbols; where a pair of equal neighbours would not fit into T frames, without such pairs."""
    target = rng.integers(1, A, K)
    return target if fewest_frames(target.tolist()) <= T else 1 + np.cumsum(rng.integers(1, A - 1, K)) % (A - 1)


def random_logits(rng: np.random.Generator, T: int, target: NDArray, A: int, inputs: str) -> NDArray:
    """Draw (T, A) logits: noise, or those of a trained network, which is sure, and mostly of the blank in column 0."""
    logits = rng.normal(size=(T, A))
    if inputs == "peaked":
        frames = np.zeros(T, dtype=int)
        frames[np.sort(rng.choice(T, len(target), replace=False))] = target
        logits[np.arange(T), frames] += 7
        return logits
    return SPREAD[inputs] * logits


def problem(T: int, K: int, A: int, batch: int, inputs: str) -> tuple[NDArray, list[NDArray], list[int]]:
    """Draw (B, T, A) logits, targets and lengths; in a batch, the utterances are of different lengths."""
    rng = np.random.default_rng(0)
    targets = [random_target(rng, T, K, A) for _ in range(batch)]
    logits = np.empty((batch, T, A))
    lengths = [T]
    for target in targets[1:]:
        lengths.append(int(rng.integers(max(T // 2, fewest_frames(target.tolist())), T + 1)))
    for rows, target, length in zip(logits, targets, lengths, strict=True):
        rows[:length], rows[length:] = random_logits(rng, length, target, A, inputs), 0
    return logits, targets, lengths


def ours(logits: NDArray, targets: list[NDArray], lengths: list[int]) -> tuple[NDArray, NDArray]:
    """Return (B,) losses and (B, T, A) gradients with respect to the logits."""
    log_y = log_softmax(logits)
    if len(targets) > 1:
        return batch_loss_and_gradient(log_y, targets, lengths)
    loss, gradient = loss_and_gradient(log_y[0], targets[0])
    return np.array([loss]), gradient[None]


class InTorch:
    """The same problem in torch, whose tensors share the memory of the arrays."""

    def __init__(self, logits: NDArray, targets: list[NDArray], lengths: list[int]):
        import torch

        self.logits = torch.from_numpy(logits).requires_grad_()
        self.targets, self.lengths = torch.from_numpy(np.concatenate(targets)), torch.tensor(lengths)
        self.sizes = torch.tensor([len(target) for target in targets])

    def losses_and_gradients(self) -> tuple[NDArray, NDArray]:
        """Do what :func:`ours` does."""
        from torch.nn.functional import ctc_loss, log_softmax

        self.logits.grad = None
        log_y = log_softmax(self.logits, dim=-1).transpose(0, 1)
        losses = ctc_loss(log_y, self.targets, self.lengths, self.sizes, reduction="none")
        losses.sum().backward()
        return losses.detach().numpy(), self.logits.grad.numpy()


def pair(logits: NDArray, targets: list[NDArray], lengths: list[int]) -> Pair:
    """Make both ready, after checking that they agree."""
    peer = InTorch(logits, targets, lengths)
    losses, gradients = ours(logits, targets, lengths)
    others, other_gradients = peer.losses_and_gradients()
    np.testing.assert_allclose(losses, others, rtol=1e-9)
    np.testing.assert_allclose(gradients, other_gradients, rtol=0, atol=1e-9)
    return lambda: ours(logits, targets, lengths), peer.losses_and_gradients


def prepare(**cell) -> Pair:
    """Draw the problem of a cell."""
    return pair(*problem(**cell))


def measure(cells: list[Cell] = CELLS, **timing) -> list[Grid]:
    """Time both on one thread."""
    what = "CTC loss and gradient, T frames, K symbols of A; peer: torch log_softmax and ctc_loss"
    with one_thread():
        return [compare(what, cells, prepare, lambda **_: BAR, MEDIAN_BAR, LEFT_OUT, **timing)]
