"""Cross-entropy and its gradient, from logits, for any number of frames and utterances at once (section 2.4).

The symbols lie on the last axis. The order of arguments is always the model first, the truth second.
"""

from dataclasses import dataclass
from numbers import Real
from operator import index
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled
from course_utils.compiled import plain
from course_utils.posteriors import check_log_probabilities, check_row_sums


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Logarithm of the softmax of the last axis, for finite logits of any size.

    Parameters
    ----------
    logits
        (…, A) numbers; −inf is a probability of zero, but not for all A symbols of a row.

    Raises
    ------
    ValueError
        There is no symbol, a logit is NaN or +inf, or all of a row are −inf.
    """
    logits = as_numbers("logits", logits)
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits has shape {logits.shape}; it must be (…, A), at least one symbol on the last axis")
    top = np.max(logits, axis=-1, keepdims=True)
    if not np.isfinite(top).all():  # NaN wins every max, so the one that is taken anyway finds all three faults
        _refuse_logits(logits, top)
    run = compiled.loops("numbers") if compiled.is_worth_it(logits.size) else None
    if run is not None:
        log_y = np.empty(logits.shape)
        run.log_softmax(
            plain(logits).reshape(-1, logits.shape[-1]), log_y.reshape(-1, logits.shape[-1]), *run.scratch()
        )
        return log_y
    with np.errstate(under="ignore", over="ignore"):  # a probability of zero, and a logarithm of −inf
        shifted = logits - top
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _refuse_logits(logits: NDArray, top: NDArray) -> None:
    for fault, name in ((np.isnan(logits), "NaN"), (logits == np.inf, "infinite")):
        if fault.any():
            where = ", ".join(map(str, np.argwhere(fault)[0]))
            raise ValueError(f"logits[{where}] is {name}; a logit is a number, or −inf for a probability of zero")
    where = ", ".join([*map(str, np.argwhere(top[..., 0] == -np.inf)[0]), ":"])
    raise ValueError(f"logits[{where}] is −inf throughout; one symbol at least must be possible")


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
        The shapes do not go together, an index is not one of the A symbols, or the logits have no softmax.
    """
    log_y = log_softmax(logits)
    target = _check_classes(target, log_y.shape)
    return -np.take_along_axis(log_y, target[..., None], axis=-1)[..., 0]


@np.errstate(under="ignore")
def cross_entropy_gradient(logits: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Differentiate the weighted sum of all losses with respect to the logits: weight × (softmax − one-hot).

    Parameters
    ----------
    logits, target
        As in :func:`cross_entropy`.
    weights
        How much each frame counts, as in :func:`broadcast_weights`.

    Returns
    -------
    gradient
        (…, A).

    Raises
    ------
    ValueError
        As in :func:`cross_entropy` and in :func:`broadcast_weights`.
    """
    gradient = np.exp(log_softmax(logits))
    target = _check_classes(target, gradient.shape)
    at = target[..., None]
    np.put_along_axis(gradient, at, np.take_along_axis(gradient, at, axis=-1) - 1, axis=-1)
    return gradient * broadcast_weights(weights, target.shape)[..., None]


@dataclass(frozen=True, eq=False)
class FrameLosses:
    """The losses of some frames, and what they count.

    Attributes
    ----------
    target
        (…) index of the right symbol.
    weights
        (…) what each frame counts.
    losses
        (…) cross-entropy of every frame, in nats, whatever it counts.
    d_logits
        (…, A) derivative of their weighted sum with respect to the logits.
    """

    target: NDArray[np.intp]
    weights: NDArray[np.float64]
    losses: NDArray[np.float64]
    d_logits: NDArray[np.float64]


def frame_losses(logits: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> FrameLosses:
    """Return :func:`cross_entropy` and its gradient together with what they belong to.

    Parameters and errors are those of :func:`cross_entropy_gradient`.
    """
    losses, d_logits = cross_entropy(logits, target), cross_entropy_gradient(logits, target, weights)
    return FrameLosses(np.asarray(target, dtype=np.intp), broadcast_weights(weights, losses.shape), losses, d_logits)


def broadcast_weights(weights: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Broadcast weights to targets of some shape, time first.

    Parameters
    ----------
    weights
        One number for all; (T,) for the steps, whatever stands beside them, also where a batch has as many sequences
        as steps; or as many axes as the targets, of their lengths or 1: (T, 1) for the steps of a batch, (1, B) for
        its sequences.
    shape
        Of the targets, such as (T,) or (T, B).

    Raises
    ------
    ValueError
        They have another shape, or one of them is not finite.
    """
    weights = as_numbers("weights", weights)
    if not np.isfinite(weights).all():
        raise ValueError("weights has a number that is not finite")
    a_step_each = weights.ndim == 1 and weights.shape == shape[:1]
    aligned = weights.reshape(-1, *[1] * (len(shape) - 1)) if a_step_each else weights
    if aligned.ndim not in (0, len(shape)) or any(n not in (1, m) for n, m in zip(aligned.shape, shape, strict=False)):
        hint = ": weights[:, None] counts steps, weights[None, :] sequences" if len(shape) == 2 else ""
        raise ValueError(
            f"weights has shape {weights.shape}; the targets have {shape}, so give one number, one for each step, "
            f"or as many axes as they have{hint}"
        )
    return np.broadcast_to(aligned, shape)


@np.errstate(under="ignore")
def kl_divergence(log_y: ArrayLike, y_star: ArrayLike) -> NDArray[np.float64]:
    """Divergence of the model from the truth, Σ y* (ln y* − ln y), in nats; 0 ln 0 is 0.

    Parameters
    ----------
    log_y
        (…, A) natural log-probabilities of the model; −inf is allowed.
    y_star
        (…, A) true probabilities, such as one-hot rows. One of the two may have one row for all of the other.

    Raises
    ------
    ValueError
        The shapes do not go together, or the rows of one of the two are no distributions.
    """
    log_y, y_star = as_numbers("log_y", log_y), as_numbers("y_star", y_star)
    try:
        shape = np.broadcast_shapes(log_y.shape, y_star.shape)
    except ValueError:
        shape = ()
    if not shape or log_y.shape[-1:] != y_star.shape[-1:]:
        raise ValueError(f"log_y has shape {log_y.shape} and y_star {y_star.shape}; both must be (…, A)")
    if log_y.size:
        check_log_probabilities(log_y.reshape(-1, shape[-1]))
    if not (y_star >= 0).all():
        raise ValueError("y_star has a negative number or a nan; give probabilities, not their logarithms")
    check_row_sums(y_star.reshape(-1, max(shape[-1], 1)).sum(axis=1), "y_star")
    true = y_star > 0  # what never happens costs nothing, however improbable the model thinks it
    log_y_star = np.log(np.where(true, y_star, 1.0))
    return np.where(true, y_star * (log_y_star - np.where(true, log_y, 0.0)), 0.0).sum(axis=-1)


@np.errstate(under="ignore")
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
    T = check_count("T", T, 1)
    if kind == "every step":
        weights = np.ones(T)
    elif kind == "uniform":
        weights = np.full(T, 1 / T)
    elif kind == "ramp":
        if not (is_number(base) and 0 < base < 1):
            raise ValueError(
                f"base is {base!r}; it must be above 0 and below 1, or some weights are negative or grow back"
            )
        weights = base ** np.arange(T - 1, -1, -1.0)
    elif kind == "end":
        weights = np.zeros(T)
        weights[-1] = 1
    else:
        raise ValueError(f"kind is {kind!r}; choose 'every step', 'uniform', 'ramp' or 'end'")
    return weights / weights.sum() if normalised else weights


def as_numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return values as an array of float64, or say under their name that they are no such thing.

    Raises
    ------
    ValueError
        They are text, or rows of different lengths.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None


def is_number(value: object) -> bool:
    """Whether a value is a single finite number, and not a text that reads like one."""
    return isinstance(value, Real) and bool(np.isfinite(value))


def check_count(name: str, value: int, least: int, of: str = "steps") -> int:
    """Return a count as an int, or say under its name what it counts.

    Raises
    ------
    ValueError
        It is not an integer, or below the least.
    """
    try:
        if index(value) >= least:
            return index(value)
    except TypeError:
        pass
    raise ValueError(f"{name} is {value!r}; it is a number of {of}, {least} or more, as an integer")


def _check_classes(target: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.intp]:
    try:
        target = np.asarray(target)
    except ValueError as error:
        raise ValueError(f"target is not an array of symbols: {error}") from None
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
