"""Clipping gradients that are too long (section 10.8; Pascanu, Mikolov and Bengio 2013)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, is_number

Gradients = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Clipped:
    """Gradients after clipping, and what it has done to them.

    Attributes
    ----------
    gradients
        By name.
    norm
        The length of all of them together, before.
    cosine
        Of the angle between what they were and what they are; 1 where the direction stays, or where they are zero.
    """

    gradients: Gradients
    norm: float
    cosine: float


def clip_by_norm(gradients: Mapping[str, ArrayLike], limit: float) -> Clipped:
    """Scale all gradients by one factor, so that together they are no longer than a limit; shorter ones stay.

    Raises
    ------
    ValueError
        The limit is not above 0, or a gradient is not finite.
    """
    gradients, norm = _checked(gradients, limit)
    scale = min(1.0, limit / norm) if norm > 0 else 1.0
    return Clipped({name: scale * g for name, g in gradients.items()}, norm, 1.0)


def clip_by_value(gradients: Mapping[str, ArrayLike], limit: float) -> Clipped:
    """Cut every number of the gradients off at a limit, which also turns them.

    Raises
    ------
    ValueError
        The limit is not above 0, or a gradient is not finite.
    """
    gradients, norm = _checked(gradients, limit)
    cut = {name: np.clip(g, -limit, limit) for name, g in gradients.items()}
    after = np.sqrt(sum(float(np.vdot(g, g)) for g in cut.values()))
    along = sum(float(np.vdot(cut[name], g)) for name, g in gradients.items())
    return Clipped(cut, norm, along / (after * norm) if norm > 0 else 1.0)


def _checked(gradients: Mapping[str, ArrayLike], limit: float) -> tuple[Gradients, float]:
    if not (is_number(limit) and limit > 0):
        raise ValueError(f"limit is {limit!r}; it is a finite number above 0")
    found = {name: as_numbers(f"the gradient of {name}", g) for name, g in gradients.items()}
    for name, g in found.items():
        if not np.isfinite(g).all():
            raise ValueError(f"the gradient of {name} is not finite; clipping cannot mend that")
    return found, float(np.sqrt(sum(float(np.vdot(g, g)) for g in found.values())))
