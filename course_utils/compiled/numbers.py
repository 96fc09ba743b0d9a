"""Numbers for the loops: exponentials of whole tables, and the pairs of :mod:`course_utils.extended_range` one by one.

Compiled at the first call; see :mod:`course_utils.compiled`.
"""

import math
from hashlib import sha256
from pathlib import Path

import numpy as np
from numba import njit

from course_utils import extended_range
from course_utils.extended_range import DOWN, LARGEST, LN2_HIGH, LN2_LOW, SMALLEST, UNIT, UNIT_HIGH, UNIT_LOW, UP

__all__ = [
    "DOWN", "LARGEST", "SMALLEST", "UP", "add", "exponentials", "first_odd_row", "fused_loop", "log_of", "log_softmax", "loop", "reordered_loop", "scratch",
    "split", "total",
]  # fmt: skip
LOG2_E = 1 / math.log(2)
_ROUND = 1.5 * 2.0**52  # adding it to a small number leaves the nearest whole number in the last bits
_LEAST = -708.0  # exp of less is below the smallest normal number
_NAN, _INF = float("nan"), float("inf")
_SOURCES = sha256(
    b"".join(path.read_bytes() for path in [Path(extended_range.__file__), *sorted(Path(__file__).parent.glob("*.py"))])
).hexdigest()[:16]


def loop(function, **options):
    """Compile when first called and keep the machine code, if there is a folder to keep it in.

    numba compiles anew when the file of a function has changed, but takes no notice of the functions that it calls. So
    the name under which the code is kept says what all of these files held.
    """
    function.__qualname__ += f"_{_SOURCES}"
    try:
        return njit(cache=True, error_model="numpy", nogil=True, **options)(function)
    except RuntimeError:  # there is no folder that numba may write to
        return njit(error_model="numpy", nogil=True, **options)(function)


def fused_loop(function):
    """Compile likewise, and let products and sums be fused, which is more exact and a third faster."""
    return loop(function, fastmath={"contract"})


def reordered_loop(function):
    """Compile likewise, and let sums be taken in any order, four at a time."""
    return loop(function, fastmath={"reassoc"})


@fused_loop
def exponentials(x, out, bits, power):
    """Write exp(x) into ``out``, both flat; 0 for what is below −708, NaN for NaN and for what is above 1.

    ``x`` is split into a multiple n of ln 2 and a rest r; exp(x) is 2^n, put together from its bits, times a Taylor
    polynomial of r, right to 2 units in the last place. Four at a time where math.exp goes one by one. ``bits`` and
    ``power`` come from :func:`scratch`.
    """
    block = len(bits)
    for start in range(0, x.size, block):
        n = min(block, x.size - start)
        now, here = x[start : start + n], out[start : start + n]
        for k in range(n):
            v = now[k]
            v = v if v <= 1.0 else _NAN
            v = _LEAST if v < _LEAST else v
            z = v * LOG2_E + _ROUND
            power[k] = z
            z -= _ROUND
            here[k] = (v - z * LN2_HIGH) - z * LN2_LOW
        for k in range(n):
            bits[k] = (bits[k] + 1023) << 52
        for k in range(n):
            r = here[k]
            p = 1 / 479001600
            p = p * r + 1 / 39916800
            p = p * r + 1 / 3628800
            p = p * r + 1 / 362880
            p = p * r + 1 / 40320
            p = p * r + 1 / 5040
            p = p * r + 1 / 720
            p = p * r + 1 / 120
            p = p * r + 1 / 24
            p = p * r + 1 / 6
            p = p * r + 0.5
            p = p * r + 1
            p = p * r + 1
            here[k] = p * power[k] if not now[k] < _LEAST else 0.0


def scratch():
    """Return (256,) whole numbers and the same memory as floats, for :func:`exponentials` to work in."""
    bits = np.empty(256, np.int64)
    return bits, bits.view(np.float64)


@reordered_loop
def total(x):
    """Sum of a flat array."""
    found = 0.0
    for k in range(x.size):
        found += x[k]
    return found


@loop
def split(log_p, floor):
    """Turn a log-probability into a pair; what is below ``floor``, but not −inf, counts as ``floor``."""
    if log_p == -_INF:
        return 0.0, -_INF
    log_p = max(log_p, floor)
    exponent = np.rint(log_p / UNIT)
    return math.exp((log_p - exponent * UNIT_HIGH) - exponent * UNIT_LOW), exponent


@loop
def log_of(mantissa, exponent):
    """Natural logarithm of a pair."""
    return math.log(mantissa) + exponent * UNIT if mantissa > 0 else -_INF


@loop
def add(mantissa, exponent, other_mantissa, other_exponent):
    """Sum of two pairs."""
    if exponent < other_exponent:
        mantissa, exponent, other_mantissa, other_exponent = other_mantissa, other_exponent, mantissa, exponent
    if other_exponent == exponent:
        return mantissa + other_mantissa, exponent
    if other_exponent == exponent - 1:
        return mantissa + other_mantissa * DOWN, exponent
    return mantissa, exponent


@loop
def first_odd_row(log_y, A, tolerance, bits, power):
    """Return the first row of a flat (T × A) table whose probabilities do not sum to 1, or T."""
    T = log_y.size // A
    at_once = max(1, len(bits) // A)
    y = np.empty(at_once * A)
    for start in range(0, T, at_once):
        n = min(at_once, T - start)
        exponentials(log_y[start * A : (start + n) * A], y, bits, power)
        for t in range(n):
            if not abs(total(y[t * A : (t + 1) * A]) - 1) <= tolerance:  # so that NaN is odd, too
                return start + t
    return T


@loop
def log_softmax(logits, log_y, bits, power):
    """Write the log-softmax of each row of (T, A) finite logits, or −inf beside finite ones, into ``log_y``."""
    T, A = logits.shape
    y = np.empty(A)
    for t in range(T):
        top = -_INF
        for k in range(A):
            top = logits[t, k] if logits[t, k] > top else top
        for k in range(A):
            log_y[t, k] = logits[t, k] - top
        exponentials(log_y[t], y, bits, power)
        log_total = math.log(total(y))
        for k in range(A):
            log_y[t, k] -= log_total


ENTRIES = (first_odd_row, log_softmax)


def warm_up() -> None:
    """Compile, or read what was compiled before."""
    first_odd_row(np.zeros(1), 1, 1e-4, *scratch())
    log_softmax(np.zeros((1, 1)), np.zeros((1, 1)), *scratch())
