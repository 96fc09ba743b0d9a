"""Gradient descent with Adam for the networks of this package, in NumPy (Kingma and Ba, 2015, algorithm 1)."""

import contextlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, check_count, is_number

Parameters = dict[str, NDArray[np.float64]]
try:
    from threadpoolctl import threadpool_limits
except ImportError:  # it comes with scikit-learn, which the package itself does not need
    threadpool_limits = None
_MEAN, _SQUARE, _SMALL = 0.9, 0.999, 1e-8


def adam(
    loss_and_gradients: Callable[[Parameters, int], tuple[float, Mapping[str, ArrayLike]]],
    parameters: Mapping[str, ArrayLike],
    iterations: int,
    learning_rate: float = 0.01,
    *,
    clip_norm: float | None = None,
    frozen: tuple[str, ...] = (),
) -> tuple[Parameters, NDArray[np.float64]]:
    """Follow gradients downhill, on one thread where that can be had: for small matrices more threads cost time.

    Parameters
    ----------
    loss_and_gradients
        Called with the parameters and the number of the iteration, which may choose a batch; returns the loss there
        and its gradients by name.
    parameters
        Where to begin; they are not changed.
    iterations
        How many steps, from 0.
    learning_rate
        Length of a step, in each entry; above 0.
    clip_norm
        Gradients that are longer together than this are scaled down to it; above 0, or None, which leaves them.
    frozen
        Names of parameters to leave as they are.

    Returns
    -------
    parameters, losses
        By name at the end, and (iterations,) the loss before each step.

    Raises
    ------
    ValueError
        A number is out of range, a frozen name is none of the parameters, or a gradient is missing or has another
        shape than its parameter.
    FloatingPointError
        The loss or a gradient is no longer finite; a smaller ``learning_rate`` or ``clip_norm`` may help.
    """
    iterations = check_count("iterations", iterations, 0)
    if not (is_number(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate is {learning_rate!r}; it is the length of a step, a finite number above 0")
    if clip_norm is not None and not (is_number(clip_norm) and clip_norm > 0):
        raise ValueError(f"clip_norm is {clip_norm!r}; it is a length of gradients, a finite number above 0, or None")
    parameters = {name: np.array(as_numbers(f"parameter {name}", value)) for name, value in parameters.items()}
    unknown = [name for name in frozen if name not in parameters]
    if isinstance(frozen, str) or unknown:
        raise ValueError(f"frozen is {frozen!r}; it holds some of the names {', '.join(parameters)}, such as (name,)")
    with threadpool_limits(1, user_api="blas") if threadpool_limits else contextlib.nullcontext():
        return _adam(loss_and_gradients, parameters, iterations, learning_rate, clip_norm, frozen)


def _adam(
    loss_and_gradients, parameters, iterations, learning_rate, clip_norm, frozen
) -> tuple[Parameters, NDArray[np.float64]]:
    now, moving = parameters, [name for name in parameters if name not in frozen]
    mean, square = ({name: np.zeros_like(now[name]) for name in moving} for _ in range(2))
    losses = np.empty(iterations)
    for n in range(iterations):
        loss, found = loss_and_gradients(now, n)
        if np.ndim(loss) != 0:
            raise ValueError(f"the loss has shape {np.shape(loss)}; it must be one number, such as a sum or a mean")
        losses[n] = loss
        if not np.isfinite(losses[n]):
            raise FloatingPointError(
                f"the loss is {losses[n]} at iteration {n}; try a smaller learning_rate, or clip_norm=1"
            )
        gradients = {name: _gradient(found, name, now[name].shape, n) for name in moving}
        after = dict(now)  # the caller may have kept the old ones
        with np.errstate(under="ignore"):  # old gradients fade away
            scale = 1.0 if clip_norm is None else _shortening(gradients, clip_norm)
            for name in moving:
                g = scale * gradients[name]
                mean[name] = _MEAN * mean[name] + (1 - _MEAN) * g
                square[name] = _SQUARE * square[name] + (1 - _SQUARE) * g * g
                towards = mean[name] / (1 - _MEAN ** (n + 1))
                size = np.sqrt(square[name] / (1 - _SQUARE ** (n + 1))) + _SMALL
                after[name] = now[name] - learning_rate * towards / size
        now = after
    return now, losses


def _shortening(gradients: Parameters, clip_norm: float) -> float:
    length = np.sqrt(sum(np.square(g).sum() for g in gradients.values()))
    return min(1.0, clip_norm / length) if length > 0 else 1.0


def _gradient(found: Mapping[str, ArrayLike], name: str, shape: tuple[int, ...], n: int) -> NDArray[np.float64]:
    if name not in found:
        raise ValueError(f"there is no gradient for {name} at iteration {n}; give one, or freeze {name}")
    gradient = as_numbers(f"the gradient of {name}", found[name])
    if gradient.shape != shape:
        raise ValueError(f"the gradient of {name} has shape {gradient.shape}; {name} itself has {shape}")
    if not np.isfinite(gradient).all():
        raise FloatingPointError(
            f"the gradient of {name} is not finite at iteration {n}; try a smaller learning_rate, or clip_norm=1"
        )
    return gradient
