"""Lyapunov exponents: at which rates small distances grow or shrink along a run (sections 10.5 and 10.6).

The product of the Jacobians of n steps stretches a ball to an ellipsoid whose axes grow like e^(λ n). The product itself
would be one large number beside many lost ones, so it is kept as an orthogonal matrix Q and a triangle R that is taken off
at each step; the exponents are the means of ln |R_ii| (Benettin et al. 1980).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, check_count


def exponents(jacobians: Iterable[ArrayLike], count: int | None = None, skip: int = 0) -> NDArray[np.float64]:
    """Return the largest exponents in nats a step, in descending order.

    Parameters
    ----------
    jacobians
        (H, H) of each step, in the order of the steps.
    count
        How many, from 1 to H; all by default. Fewer cost less.
    skip
        How many steps to leave out of the mean, while the directions turn to where they belong.

    Raises
    ------
    ValueError
        There is no step left to look at, or the Jacobians are not square matrices of one size.
    """
    skip = check_count("skip", skip, 0)
    Q, total, steps = None, None, 0
    for n, J in enumerate(jacobians):
        J = as_numbers("a Jacobian", J)
        if J.ndim != 2 or J.shape[0] != J.shape[1] or (Q is not None and len(J) != len(Q)):
            raise ValueError(f"the Jacobian of step {n} has shape {J.shape}; all must be square and of one size")
        if Q is None:
            k = len(J) if count is None else check_count("count", count, 1, "exponents")
            if k > len(J):
                raise ValueError(f"count is {count}; there are {len(J)} exponents")
            Q, total = np.linalg.qr(np.random.default_rng(0).normal(size=(len(J), k)))[0], np.zeros(k)
        Q, R = np.linalg.qr(J @ Q)
        if n >= skip:
            with np.errstate(divide="ignore"):
                total += np.log(np.abs(np.diagonal(R)))
            steps += 1
    if steps == 0:
        raise ValueError("there is no step to look at; give more Jacobians than are skipped")
    return np.sort(total / steps)[::-1]


def exponents_backward(jacobians: Iterable[ArrayLike], count: int | None = None, skip: int = 0) -> NDArray[np.float64]:
    """Return the same of the product that a gradient meets: transposed, from the last step to the first."""
    return exponents([np.transpose(J) for J in reversed(list(jacobians))], count, skip)


@dataclass(frozen=True, eq=False)
class GainScan:
    """Random networks h ← tanh(g W h), W with entries of variance 1/H, for growing gains g.

    Attributes
    ----------
    gains
        (n,).
    exponent
        (n,) the largest Lyapunov exponent of each, in nats a step.
    states
        (n, T, H) the last states of each.
    steps
        How many have been run.
    """

    gains: NDArray[np.float64]
    exponent: NDArray[np.float64]
    states: NDArray[np.float64]
    steps: int


def scan_gains(
    gains: ArrayLike, H: int, rng: np.random.Generator, steps: int = 400, skip: int = 200, shown: int = 60
) -> GainScan:
    """Run one random matrix with growing gains, and measure the largest exponent of each (Sompolinsky et al. 1988).

    All gains are run side by side: one small difference is carried along with each state, and brought back to length
    one at each step. That is the QR decomposition of one column. States are rounded to a millionth after each step: a
    chaotic run would else be another one on another machine, whose last digits differ.

    Parameters
    ----------
    gains
        (n,), at least one.
    H
        Number of units.
    steps, skip
        How many steps to take the mean over, and how many to leave out before.
    shown
        How many of the last states to keep.

    Raises
    ------
    ValueError
        A gain is not finite, or a number of steps or units is too small.
    """
    gains, H = as_numbers("gains", gains), check_count("H", H, 1, "units")
    steps, skip, shown = check_count("steps", steps, 1), check_count("skip", skip, 0), check_count("shown", shown, 1)
    if gains.ndim != 1 or not len(gains) or not np.isfinite(gains).all():
        raise ValueError(f"gains has shape {gains.shape}; give one finite number or more in a row")
    W = rng.normal(size=(H, H)) / np.sqrt(H)
    h, difference = (np.tile(rng.normal(size=H), (len(gains), 1)) for _ in range(2))
    difference /= np.linalg.norm(difference, axis=1, keepdims=True)
    total, kept = np.zeros(len(gains)), []
    for t in range(skip + steps):
        h = np.tanh(gains[:, None] * (h @ W.T)).round(6)
        difference = (1 - h * h) * gains[:, None] * (difference @ W.T)
        length = np.linalg.norm(difference, axis=1, keepdims=True)
        difference = np.divide(difference, length, out=np.zeros_like(difference), where=length > 0)
        if t >= skip:
            with np.errstate(divide="ignore"):
                total += np.log(length[:, 0])
        kept = [*kept[-(shown - 1) :], h] if shown > 1 else [h]
    return GainScan(gains, total / steps, np.stack(kept, axis=1), skip + steps)
