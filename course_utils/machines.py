"""Recurrent networks whose weights are set by hand (section 3.3)."""

import numpy as np

from course_utils.losses import check_count
from course_utils.rnn import RNN, ForwardPass, run


def adder() -> RNN:
    """Three units that add two binary numbers, lowest bits first: the state holds the carry.

    With the number s of ones among both bits and the carry, the units are max(s, 0), max(s − 1, 0) and max(s − 2, 0).
    The next carry is the second less the third, and the digit to write is s − 2 carry.
    """
    carry = np.array([0, 1, -1])
    return RNN(np.ones((3, 2)), np.tile(carry, (3, 1)), [0, -1, -2], [[1, -2, 2]], [0], activation="relu")


def parity() -> RNN:
    """Two units whose output is 1 after an odd number of ones and 0 after an even one."""
    odd = np.array([1, -2])
    return RNN(np.ones((2, 1)), np.tile(odd, (2, 1)), [0, -1], [odd], [0], activation="relu")


def delay(steps: int) -> RNN:
    """Units in a row that hand their number on: the output is the input of ``steps`` steps before, at first 0."""
    H = check_count("steps", steps, 0) + 1
    first, last = np.eye(H)[:, :1], np.eye(H)[-1:]
    return RNN(first, np.eye(H, k=-1), np.zeros(H), last, [0], activation="identity")


def add_binary(a: str, b: str) -> tuple[str, ForwardPass]:
    """Add two binary numbers, such as "1011" and "110", with :func:`adder`; returns the sum and the run.

    Raises
    ------
    ValueError
        One of them is not a binary number.
    """
    for name, number in (("a", a), ("b", b)):
        if not isinstance(number, str) or not number or set(number) - {"0", "1"}:
            raise ValueError(f"{name} is {number!r}; write a binary number, such as 1011")
    T = max(len(a), len(b)) + 1  # one more, for the last carry
    x = np.array([[int(bit) for bit in reversed(number.zfill(T))] for number in (a, b)], dtype=float).T
    forward = run(adder(), x)
    bits = "".join(str(round(bit)) for bit in forward.logits[::-1, 0])
    return bits.lstrip("0") or "0", forward
