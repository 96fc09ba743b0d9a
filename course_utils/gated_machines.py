"""LSTMs whose weights are set by hand (section 11.5): a latch that holds a bit, and a counter that accepts aⁿbⁿ.

Gates that are to be open or shut get a large number, the *strength*, and are nearly so: σ(5) = 0.993, σ(20) = 1 − 2·10⁻⁹, and
from 37 on a float64 is exactly 1. How long a machine can be trusted depends on it.
"""

import numpy as np
from numpy.typing import NDArray

from course_utils.losses import is_number
from course_utils.lstm import LSTM, LSTMForward, forward

COUNT, SEEN_B, A_TOO_LATE, B_TOO_EARLY = range(4)


def latch(strength: float) -> LSTM:
    """One unit with two inputs, *set* and *reset*: its cell becomes 1 after the one, 0 after the other, and stays.

    Raises
    ------
    ValueError
        The strength is no finite number above 0.
    """
    s = _strength(strength)
    # rows: input gate, forget gate, candidate, output gate
    return LSTM([[2 * s, 0], [-2 * s, -2 * s], [0, 0], [0, 0]], np.zeros((4, 1)), [-s, s, s, s])


def counter(strength: float) -> LSTM:
    """Four units with two inputs, a and b: the first cell counts a up and b down; the others remember what went wrong.

    Cell 1 holds that a b has been seen, cell 2 that an a came after one, cell 3 that a b came where none was left to
    count down. The gates of the last two look at the states of the first two.

    Raises
    ------
    ValueError
        The strength is no finite number above 0.
    """
    s, H = _strength(strength), 4
    W_x, W_h, b = np.zeros((4, H, 2)), np.zeros((4, H, H)), np.zeros((4, H))
    i, f, g, o = range(4)
    b[f] = b[o] = s  # what is in a cell stays, and shows
    W_x[g, COUNT], b[i, COUNT] = (s, -s), s
    b[g, 1:] = s
    W_x[i, SEEN_B], b[i, SEEN_B] = (0, 2 * s), -s
    # an a, and b has been seen: the state of that cell is 0 or at least tanh(1) = 0.76
    W_x[i, A_TOO_LATE], W_h[i, A_TOO_LATE, SEEN_B], b[i, A_TOO_LATE] = (4 * s, 0), 4 * s, -5.5 * s
    # a b, and the count is not above 0: its state is then at most 0, else at least 0.76
    W_x[i, B_TOO_EARLY], W_h[i, B_TOO_EARLY, COUNT], b[i, B_TOO_EARLY] = (-4 * s, 6 * s), -4 * s, -4.5 * s
    return LSTM(W_x.reshape(4 * H, 2), W_h.reshape(4 * H, H), b.ravel())


def read(word: str, strength: float) -> LSTMForward:
    """Run the counter over a word of a and b.

    Raises
    ------
    ValueError
        There is another letter in it.
    """
    if set(word) - {"a", "b"}:
        raise ValueError(f"{word!r} has other letters than a and b")
    x = np.array([[letter == "a", letter == "b"] for letter in word], dtype=float).reshape(-1, 2)
    return forward(counter(strength), x)


def accepts(run: LSTMForward) -> bool:
    """Whether the counter has ended at 0 without anything wrong on the way, and has counted at all."""
    cells = run.cells[-1]
    return bool(abs(cells[COUNT]) < 0.5 and cells[SEEN_B] > 0.5 and max(cells[A_TOO_LATE], cells[B_TOO_EARLY]) < 0.5)


def longest_accepted(strength: float, most: int = 4096) -> int:
    """Return the largest n up to ``most`` such that a machine of this strength is right about aⁿbⁿ and its neighbours.

    Its neighbours are aⁿbⁿ⁻¹ and aⁿbⁿ⁺¹, which are to be refused. Looked for by doubling n and halving the interval.
    """

    def right(n: int) -> bool:
        words = {"a" * n + "b" * m: m == n for m in (n - 1, n, n + 1)}
        return all(accepts(read(word, strength)) == wanted for word, wanted in words.items())

    low, high = 0, 1
    while high <= most and right(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if right(middle) else (low, middle)
    return low


def half_life(forget_bias: float) -> float:
    """Return after how many steps half of a cell is left, if its forget gate is σ(forget_bias) at each of them.

    Raises
    ------
    ValueError
        The bias is no finite number.
    """
    if not is_number(forget_bias):
        raise ValueError(f"forget_bias is {forget_bias!r}; it is a finite number")
    return float(np.log(2) / np.logaddexp(0, -forget_bias))  # −ln σ(b) = ln(1 + e^−b)


def hold(bit: int, strength: float, T: int) -> NDArray[np.float64]:
    """Set the latch to 1 or 0 at the first step, and return its cell after each of T steps."""
    x = np.zeros((T, 2))
    x[:1, 0 if bit else 1] = 1
    return forward(latch(strength), x).c[:, 0]


def _strength(strength: float) -> float:
    if not (is_number(strength) and strength > 0):
        raise ValueError(f"strength is {strength!r}; it is a finite number above 0")
    return float(strength)
