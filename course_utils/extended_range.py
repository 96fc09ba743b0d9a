"""Probabilities that cannot underflow, each a mantissa and an exponent.

A product of thousands of probabilities is far below the smallest float. Here it is a pair, which stands for mantissa
× 2^(512 exponent). Mantissas are kept between 2^−256 and 2^256, so that the product of two is still a float; exponents
are whole numbers, held as floats. Zero is 0, −inf. To add numbers whose exponents differ by one, the smaller mantissa is
scaled by 2^−512; where they differ by more, the smaller number is lost in the rounding of the larger one. So sums of
products need no logarithm, and small numbers beside very small ones keep all their digits, which differences of large
logarithms do not. An arithmetic of this kind is described by Fukushima (2012), "Numerical computation of spherical
harmonics of arbitrary degree and order by extending exponent of floating point numbers".

All functions here take arrays of any shape, mantissas first; :mod:`course_utils.compiled` has the same number by number.
"""

import math

import numpy as np
from numpy.typing import NDArray

LN2_HIGH, LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6  # their sum is ln 2 to 33 digits
UNIT, UNIT_HIGH, UNIT_LOW = 512 * math.log(2), 512 * LN2_HIGH, 512 * LN2_LOW  # one exponent more, in nats
UP, DOWN = 2.0**512, 2.0**-512
LARGEST, SMALLEST = 2.0**256, 2.0**-256

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def lowest(T: int) -> float:
    """Log-probability that everything less counts as, but for −inf, so that T exponents add up without rounding.

    Some 1e15 nats below 0 for a thousand frames: a number like −1e30, written to forbid something, forbids it there as well.
    """
    return -UNIT * 2.0**51 / (T + 1)


def split(log_p: NDArray, floor: float) -> Pair:
    """Turn log-probabilities into pairs; see :func:`lowest` for ``floor``."""
    zero = log_p == -np.inf
    log_p = np.where(zero, 0.0, np.maximum(log_p, floor))
    exponent = np.rint(log_p / UNIT)
    mantissa = np.exp((log_p - exponent * UNIT_HIGH) - exponent * UNIT_LOW)
    return np.where(zero, 0.0, mantissa), np.where(zero, -np.inf, exponent)


def log(mantissa: NDArray, exponent: NDArray) -> NDArray[np.float64]:
    """Natural logarithm of pairs."""
    zero = mantissa == 0
    return np.where(zero, -np.inf, np.log(np.where(zero, 1.0, mantissa)) + np.where(zero, 0.0, exponent) * UNIT)


def add(*pairs: Pair) -> Pair:
    """Sum of pairs."""
    top = pairs[0][1]
    for _, exponent in pairs[1:]:
        top = np.maximum(top, exponent)
    level = np.where(top == -np.inf, 0.0, top)  # −inf less −inf is not a number
    total = 0.0
    with np.errstate(under="ignore"):
        for mantissa, exponent in pairs:
            total = total + np.ldexp(mantissa, _bits(exponent - level))
    return total, top


def multiply(one: Pair, other: Pair) -> Pair:
    """Product of pairs, its mantissas back in their range."""
    product, exponent = one[0] * other[0], one[1] + other[1]
    small, large = product < SMALLEST, product > LARGEST
    product = product * np.where(small, UP, np.where(large, DOWN, 1.0))
    return product, np.where(product > 0, exponent - small + large, -np.inf)


def ratios(pair: Pair, parts: Pair) -> NDArray[np.float64]:
    """Divide pairs by the sum of ``parts`` over the last axis; zeros where that is zero, inf beyond all floats."""
    top = parts[1].max(axis=-1, keepdims=True)
    level = np.where(top == -np.inf, 0.0, top)
    with np.errstate(under="ignore", over="ignore"):
        total = np.ldexp(parts[0], _bits(parts[1] - level)).sum(axis=-1, keepdims=True)
        # Taken apart, so that the quotient of mantissas stays a float.
        size, power = np.frexp(np.where(total > 0, total, 1.0))
        return np.where(total > 0, np.ldexp(pair[0] / size, _bits(pair[1] - level) - power), 0.0)


def _bits(exponent: NDArray) -> NDArray[np.int32]:
    """Powers of two for ``ldexp``; four exponents more or less are out of reach of any mantissa."""
    return (512 * np.clip(exponent, -4.0, 4.0)).astype(np.int32)
