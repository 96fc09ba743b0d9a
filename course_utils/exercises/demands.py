"""What an exercise asks for beside right values, and the judge of the one that has many right answers.

None of it holds an answer. Each is found by its name where exercises are kept as data.
"""

import tracemalloc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_utils.alignment import ROUNDING
from course_utils.exercises.values import snapshot
from course_utils.naive_decoding import decode
from course_utils.posteriors import ROW_SUM_TOLERANCE
from course_utils.rnn import RNN, random_rnn, run

APART = 1e-4  # what 80 steps in single precision stay well below, and a state that was not handed on far above


def random_net(rng: np.random.Generator, D: int, H: int, A: int) -> RNN:
    """Draw a network with biases and an initial state that are not zero, so that leaving one out shows."""
    drawn = {"b_h": rng.normal(size=H), "b_y": rng.normal(size=A), "h_init": rng.uniform(-1, 1, H)}
    return random_rnn(rng, D, H, A).with_parameters(**drawn)


def any_cut_will_do(answer: Callable) -> str | None:
    """Ask for the same outputs however a long sequence is cut, with each state handed on as it was returned."""
    rng = np.random.default_rng(0)
    net, x = random_net(rng, 2, 5, 3), rng.normal(size=(80, 2))
    whole = run(net, x)
    for cuts in ([80], [1] * 80, [7, 0, 30, 1, 42]):
        h, pieces = net.h_init.copy(), []
        for chunk in np.split(x, np.cumsum(cuts)[:-1]):
            logits, h = answer(chunk, h, net.W_xh, net.W_hh, net.b_h, net.W_hy, net.b_y)
            pieces.append(np.asarray(snapshot(logits)))
        apart = np.abs(np.concatenate(pieces) - whole.logits).max(axis=1)
        if apart.max() > APART:
            return (
                f"Each chunk by itself is right, but a sequence of {len(x)} frames in {len(cuts)} chunks differs from "
                f"the whole from frame {int((apart > APART).argmax())} on. All that a chunk may know of those "
                "before it is the state that is passed in."
            )
    return None


def little_memory(answer: Callable) -> str | None:
    """Ask for O(K): far less than the T × K numbers of the whole table."""
    T, K = 3000, 40
    log_y = np.log(np.random.default_rng(0).dirichlet(np.ones(K), T))
    target = np.arange(K)
    already = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        answer(log_y, target)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not already:
            tracemalloc.stop()
    table = T * K * 8
    if peak < table / 4:
        return None
    return (
        f"The scores are right, but for {T} frames and {K} symbols it held {peak / 1e6:.1f} MB at once, and the "
        f"whole table takes {table / 1e6:.1f} MB. Keep one column; log_y[:, target] is a table of that size too."
    )


def is_counter_example(args: tuple, y: NDArray) -> str | None:
    """Say why a table is no case of three frames in which the naive string is not the most probable one."""
    if len(y) != 3:
        return f"The table has {len(y)} rows; three frames are asked for, one row each."
    if not 2 <= y.shape[1] <= 9:
        return f"The table has {y.shape[1]} columns; give it 2 to 9, one for each symbol."
    if np.isnan(y).any() or (y < 0).any() or (y > 1 + ROW_SUM_TOLERANCE).any():
        return "A probability lies between 0 and 1, and the table has something else in it."
    sums = y.sum(axis=1)
    if (np.abs(sums - 1) > ROW_SUM_TOLERANCE).any():
        t = int(np.abs(sums - 1).argmax())
        return f"The probabilities of frame {t} sum to {sums[t]:.4g}; they must sum to 1."
    decoding = decode(y)
    read, best = decoding.read, decoding.most_probable[0]
    if decoding.is_best:
        also = " Another string is as probable, but none is more." if len(decoding.most_probable) > 1 else ""
        return f"Frame by frame, {_spelled(read.string)} is read. It has {read.probability:.4g}, and no string has more.{also}"
    if best.probability < read.probability * (1 + 1e3 * ROUNDING):
        return (
            f"{_spelled(best.string)} is ahead of {_spelled(read.string)} by rounding only; make the difference larger."
        )
    return None


def _spelled(string: tuple[int, ...]) -> str:
    return " ".join(map(str, string))
