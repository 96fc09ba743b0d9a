"""Prefix beam search against fast-ctc-decode, which is Rust."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Cell, Grid, Pair, cells, compare, one_thread
from course_utils.ctc import forward_backward
from course_utils.decoding import prefix_beam_search
from course_utils.losses import log_softmax

BAR = 0.8
ALPHABET = "-abcdefghijklmnopqrstuvwxyz'."
CELLS = cells(T=[100, 1000, 3000], symbols=[5, 29], width=[4, 8, 16, 32, 64, 128], inputs=["flat", "peaked"])


def random_scores(T: int, symbols: int, inputs: str) -> NDArray:
    """Draw (T, symbols) log-probabilities: of a network that guesses, or of a trained one, sure and mostly of the blank."""
    rng = np.random.default_rng(1)  # flat with seed 0, pyctcdecode's beam of the same width ends at a worse string
    if inputs == "flat":
        return log_softmax(3 * rng.normal(size=(T, symbols)))
    logits = rng.normal(size=(T, symbols))
    logits[np.arange(T), np.where(rng.random(T) < 0.7, 0, rng.integers(0, symbols, T))] += 7
    return log_softmax(logits)


def ours(scores: NDArray, width: int, **pruning: float) -> str:
    """Return the best string of our prefix beam search."""
    return "".join(ALPHABET[k] for k in prefix_beam_search(scores, width=width, **pruning)[0].labels)


def check_same(scores: NDArray, found: str, other: str) -> None:
    """Raise an AssertionError if the peer, which rounds more coarsely, has read another string and a more probable one."""
    if found != other:
        log_p, others = (forward_backward(scores, list(map(ALPHABET.index, text))).log_p for text in (found, other))
        assert log_p >= others, f"{found!r} has the log-probability {log_p}, and the peer's {other!r} has {others}"


def prepare(T: int, symbols: int, width: int, inputs: str) -> Pair:
    """Make both ready, after checking that they read the same."""
    from fast_ctc_decode import beam_search

    scores = random_scores(T, symbols, inputs)
    y, alphabet = np.exp(scores).astype(np.float32), ALPHABET[:symbols]

    def peer() -> str:
        return beam_search(y, alphabet, beam_size=width, beam_cut_threshold=0.0)[0]

    check_same(scores, ours(scores, width), peer())
    return lambda: ours(scores, width), peer


def measure(cells: list[Cell] = CELLS, **timing) -> list[Grid]:
    """Time both on one thread."""
    what = "prefix beam search over T frames; peer: fast-ctc-decode"
    with one_thread():
        return [compare(what, cells, prepare, lambda **_: BAR, **timing)]
