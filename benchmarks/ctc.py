"""The loss of CTC with its gradient against torch, and prefix beam search against a decoder in Rust."""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.table import Result, medians
from course_utils.alignment_training import log_softmax
from course_utils.ctc import batch_loss_and_gradient, loss_and_gradient
from course_utils.decoding import prefix_beam_search

ONE, BATCH, DECODER = 0.9, 1.0, 1.0
ALPHABET = "-abcdefghijklmnopqrstuvwxyz'."


def utterance(rng: np.random.Generator, T: int, L: int, A: int = 30) -> tuple[NDArray, NDArray]:
    """Random log-probabilities and a random target; the blank is column 0."""
    return log_softmax(2 * rng.normal(size=(T, A))), rng.integers(1, A, L)


def torch_loss_and_gradient(log_y: NDArray, targets: list[NDArray], lengths: list[int]) -> tuple[NDArray, NDArray]:
    """Return what :func:`batch_loss_and_gradient` does: torch reports y − occupancy for ``log_probs``."""
    import torch

    leaf = torch.tensor(log_y, requires_grad=True)
    sizes = torch.tensor([len(target) for target in targets])
    losses = torch.nn.functional.ctc_loss(
        leaf.transpose(0, 1), torch.tensor(np.concatenate(targets)), torch.tensor(lengths), sizes, reduction="none"
    )
    losses.sum().backward()
    return losses.detach().numpy(), leaf.grad.numpy()


def peaked(rng: np.random.Generator, T: int) -> NDArray:
    """Log-probabilities as a trained network gives them: sure at most frames, and mostly of the blank."""
    A = len(ALPHABET)
    logits = rng.normal(size=(T, A))
    logits[np.arange(T), np.where(rng.random(T) < 0.7, 0, rng.integers(0, A, T))] += 7
    return log_softmax(logits)


def decoder_cases() -> dict[str, NDArray]:
    """The (1000, 29) log-probabilities on which decoders are compared: of a network that guesses, and of a trained one."""
    rng = np.random.default_rng(1)  # flat with seed 0, pyctcdecode's beam of the same width ends at a worse string
    return {"flat": log_softmax(3 * rng.normal(size=(1000, len(ALPHABET)))), "peaked": peaked(rng, 1000)}


def read(scores: NDArray, width: int = 32) -> str:
    """Return the best string of our prefix beam search."""
    return "".join(ALPHABET[k] for k in prefix_beam_search(scores, width=width)[0].labels)


def measure(repetitions: int = 15) -> list[Result]:
    """Time all three on one thread, and check that both sides give the same."""
    import torch
    from fast_ctc_decode import beam_search

    rng = np.random.default_rng(0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    results = []
    try:
        with threadpool_limits(1):
            log_y, target = utterance(rng, 1000, 100)
            loss, gradient = loss_and_gradient(log_y, target)
            losses, gradients = torch_loss_and_gradient(log_y[None], [target], [1000])
            np.testing.assert_allclose(loss, losses[0], rtol=1e-12)
            np.testing.assert_allclose(gradient, gradients[0], atol=1e-9)
            times = medians(
                lambda: loss_and_gradient(log_y, target),
                lambda: torch_loss_and_gradient(log_y[None], [target], [1000]),
                repetitions,
            )
            results.append(Result("CTC loss and gradient, T=1000, L=100; peer: torch", *times, ONE))

            lengths = [int(T) for T in rng.integers(500, 1001, 16)]
            batch = [utterance(rng, 1000, int(rng.integers(50, 101))) for _ in lengths]
            tables, targets = np.stack([table for table, _ in batch]), [target for _, target in batch]
            losses, gradients = batch_loss_and_gradient(tables, targets, lengths)
            others, other_gradients = torch_loss_and_gradient(tables, targets, lengths)
            np.testing.assert_allclose(losses, others, rtol=1e-12)
            np.testing.assert_allclose(gradients, other_gradients, atol=1e-9)
            times = medians(
                lambda: batch_loss_and_gradient(tables, targets, lengths),
                lambda: torch_loss_and_gradient(tables, targets, lengths),
                max(repetitions // 3, 3),
            )
            results.append(Result("the same, ragged batch of 16; peer: torch", *times, BATCH))

            for name, scores in decoder_cases().items():
                y = np.exp(scores).astype(np.float32)
                assert read(scores) == beam_search(y, ALPHABET, beam_size=32, beam_cut_threshold=0.0)[0]
                times = medians(
                    lambda scores=scores: prefix_beam_search(scores, width=32),
                    lambda y=y: beam_search(y, ALPHABET, beam_size=32, beam_cut_threshold=0.0),
                    max(repetitions // 3, 3),
                )
                results.append(Result(f"prefix beam, T=1000, width 32, {name}; peer: fast-ctc-decode", *times, DECODER))
    finally:
        torch.set_num_threads(before)
    return results
