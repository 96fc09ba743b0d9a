"""How much of its past a linear network remembers (section 10.7).

States follow h_t = W h_{t−1} + v x_t, and x is noise of variance 1. How well x_{t−k} can be read from h_t by one linear
output is the squared correlation of the two, m_k. All of them add up to the number of units, if every direction of the
state is reached (Jaeger 2001).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.jacobians import spectral_radius
from course_utils.losses import as_numbers, check_count


def memory_curve(W: ArrayLike, v: ArrayLike, lags: int) -> NDArray[np.float64]:
    """Return m_0 … m_{lags − 1}: vₖᵀ C⁻¹ vₖ, with vₖ = Wᵏ v and C the sum of all vₖ vₖᵀ.

    Parameters
    ----------
    W
        (H, H), with a spectral radius below 1.
    v
        (H,) weights of the input.
    lags
        How many.

    Raises
    ------
    ValueError
        The shapes do not go together, or the spectral radius is not below 1: the state then has no finite variance.
    """
    lags, radius = check_count("lags", lags, 1, "lags"), spectral_radius(W)
    W, v = as_numbers("W", W), as_numbers("v", v)
    if v.shape != (len(W),):
        raise ValueError(f"v has shape {v.shape}; W has {len(W)} rows, so it must be ({len(W)},)")
    if radius >= 1:
        raise ValueError(f"the spectral radius is {radius:.6g}; it must be below 1, or the past never fades")
    images = [v]
    for _ in range(max(lags, 4 * len(v)) - 1):
        images.append(W @ images[-1])
    # With the images as rows of A, C is AᵀA, and vₖᵀ C⁻¹ vₖ the squared length of row k of U, A = U S Vᵀ: without the
    # product AᵀA, which would square small numbers away. What comes after the last row has the covariance W^n C W^nᵀ.
    sizes, directions = np.linalg.eigh(_covariance(W, v))
    rest = np.linalg.matrix_power(W, len(images)) @ (directions * np.sqrt(np.maximum(sizes, 0)))
    U, S, _ = np.linalg.svd(np.vstack([images, rest.T]), full_matrices=False)
    reached = 1e-13 * S[0] < S  # a direction that no input ever reaches remembers nothing
    return (U[:lags, reached] ** 2).sum(axis=1)


def read_back(states: ArrayLike, x: ArrayLike, lags: int, held_out: float = 0.5) -> NDArray[np.float64]:
    """Measure how well x_{t−k} can be read from h_t by one linear output, for any units.

    The outputs are fitted by least squares on the first part of the run and judged on the rest: what is returned is the
    squared correlation there, of one number with another 1 at best, 0 where nothing is left.

    Parameters
    ----------
    states
        (T, H).
    x
        (T,) the input of each step.
    lags
        How many: k is 0 … lags − 1.
    held_out
        Share of the run that is judged on.

    Raises
    ------
    ValueError
        The shapes do not go together, or there are too few steps to fit an output to.
    """
    states, x, lags = as_numbers("states", states), as_numbers("x", x), check_count("lags", lags, 1, "lags")
    if states.ndim != 2 or x.shape != states.shape[:1]:
        raise ValueError(f"states has shape {states.shape} and x {x.shape}; give (T, H) and (T,)")
    split = int(len(x) * (1 - held_out))
    if split - lags <= states.shape[1] or len(x) - split < 2:
        raise ValueError(f"{len(x)} steps are too few for {states.shape[1]} units and {lags} lags")
    seen = np.column_stack([states, np.ones(len(x))])
    wanted = np.column_stack([np.roll(x, k) for k in range(lags)])
    weights = np.linalg.lstsq(seen[lags:split], wanted[lags:split], rcond=None)[0]
    read, wanted = seen[split:] @ weights, wanted[split:]
    read, wanted = read - read.mean(axis=0), wanted - wanted.mean(axis=0)
    both = (read * wanted).sum(axis=0) ** 2
    sizes = (read**2).sum(axis=0) * (wanted**2).sum(axis=0)
    return np.divide(both, sizes, out=np.zeros(lags), where=sizes > 0)


def _covariance(W: NDArray, v: NDArray) -> NDArray[np.float64]:
    """Return the sum of Wᵏ v vᵀ (Wᵏ)ᵀ over all k, by doubling: each round adds as many terms as there are already."""
    total, power = np.outer(v, v), W
    for _ in range(200):
        added = power @ total @ power.T
        total = total + added
        if np.abs(added).max() <= 1e-17 * np.abs(total).max():
            break
        power = power @ power
    return total
