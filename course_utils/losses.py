"""Cross-entropy and its gradient, from logits, for any number of frames and utterances at once (section 2.4).

The symbols lie on the last axis. The order of arguments is always the model first, the truth second.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Logarithm of the softmax of the last axis, safe for logits of any size."""
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy(logits: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Loss of every frame, −ln of the probability of its target, in nats.

    Parameters
    ----------
    logits
        (…, A) numbers whose softmax are the probabilities.
    target
        (…) index of the right symbol.

    Raises
    ------
    ValueError
        The shapes do not go together, or an index is not one of the A symbols.
    """
    log_y = log_softmax(logits)
    target = _check_classes(target, log_y.shape)
    return -np.take_along_axis(log_y, target[..., None], axis=-1)[..., 0]


def cross_entropy_gradient(logits: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Differentiate the weighted sum of all losses with respect to the logits: weight × (softmax − one-hot).

    Parameters
    ----------
    logits, target
        As in :func:`cross_entropy`.
    weights
        How much each frame counts: (…), anything that broadcasts to it, or (T,) for the steps of a batch (T, B).

    Returns
    -------
    gradient
        (…, A).

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.
    """
    gradient = np.exp(log_softmax(logits))
    target = _check_classes(target, gradient.shape)
    at = target[..., None]
    np.put_along_axis(gradient, at, np.take_along_axis(gradient, at, axis=-1) - 1, axis=-1)
    return gradient * spread(weights, target.shape)[..., None]


def spread(weights: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Broadcast weights to targets of some shape, time first: (T,) weights are those of the steps, also for a batch.

    Raises
    ------
    ValueError
        They cannot be.
    """
    weights = np.asarray(weights, dtype=np.float64)
    one_a_step = weights[:, None] if weights.ndim == 1 and len(shape) == 2 and weights.shape[0] == shape[0] else weights
    try:
        return np.broadcast_to(one_a_step, shape)
    except ValueError:
        raise ValueError(
            f"weights has shape {weights.shape}; the targets have {shape}, so give one for each step"
        ) from None


def kl_divergence(log_y: ArrayLike, y_star: ArrayLike) -> NDArray[np.float64]:
    """Divergence of the model from the truth, Σ y* (ln y* − ln y), in nats; 0 ln 0 is 0.

    Parameters
    ----------
    log_y
        (…, A) natural log-probabilities of the model; −inf is allowed.
    y_star
        (…, A) true probabilities.

    Raises
    ------
    ValueError
        ``y_star`` has a negative number or one that is not a number.
    """
    log_y, y_star = np.asarray(log_y, dtype=np.float64), np.asarray(y_star, dtype=np.float64)
    if not (y_star >= 0).all():
        raise ValueError("y_star has a negative number or a nan; give probabilities")
    true = y_star > 0  # what never happens costs nothing, however improbable the model thinks it
    with np.errstate(divide="ignore"):
        log_y_star = np.log(np.where(true, y_star, 1.0))
    return np.where(true, y_star * (log_y_star - np.where(true, log_y, 0.0)), 0.0).sum(axis=-1)


def step_weights(
    T: int, kind: Literal["every step", "uniform", "ramp", "end"], base: float = 0.5, *, normalised: bool = False
) -> NDArray[np.float64]:
    """How much the loss of each of T steps counts (section 5.5).

    Parameters
    ----------
    T
        Number of steps, at least 1.
    kind
        "every step": 1 each; "uniform": 1 / T each; "ramp": base^(T − 1 − t); "end": 1 for the last step, else 0.
    base
        Of the ramp, above 0 and below 1.
    normalised
        Whether to scale them to sum to one, without which their losses cannot be compared.

    Returns
    -------
    weights
        (T,).

    Raises
    ------
    ValueError
        There is no such kind, or a number is out of range.
    """
    if T < 1 or int(T) != T:
        raise ValueError(f"T is {T}; it is a number of steps, 1 or more")
    T = int(T)
    if kind == "every step":
        weights = np.ones(T)
    elif kind == "uniform":
        weights = np.full(T, 1 / T)
    elif kind == "ramp":
        if not 0 < base < 1:
            raise ValueError(
                f"base is {base}; it must be above 0 and below 1, or some weights are negative or grow back"
            )
        weights = base ** np.arange(T - 1, -1, -1.0)
    elif kind == "end":
        weights = np.zeros(T)
        weights[-1] = 1
    else:
        raise ValueError(f"kind is {kind!r}; choose 'every step', 'uniform', 'ramp' or 'end'")
    return weights / weights.sum() if normalised else weights


def _check_classes(target: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.intp]:
    target = np.asarray(target)
    if target.shape != shape[:-1]:
        raise ValueError(f"target has shape {target.shape}; the logits have {shape}, so it must be {shape[:-1]}")
    if target.size and target.dtype.kind not in "iu":
        raise ValueError(f"target has dtype {target.dtype}; symbols are given as integer indices")
    if target.size and (target.min() < 0 or target.max() >= shape[-1]):
        wrong = target.min() if target.min() < 0 else target.max()
        raise ValueError(
            f"target has the symbol {wrong}, but the logits have {shape[-1]} columns: 0 to {shape[-1] - 1}"
        )
    return target.astype(np.intp)
