"""Gradient descent with Adam for the networks of this package, in NumPy (Kingma and Ba, 2015, algorithm 1)."""

import contextlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    rate: float = 0.01,
    *,
    longest: float | None = None,
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
        How many steps.
    rate
        Length of a step, in each entry.
    longest
        Gradients that are longer together than this are scaled down to it; None leaves them.
    frozen
        Names of parameters to leave as they are.

    Returns
    -------
    parameters, losses
        By name at the end, and (iterations,) the loss before each step.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite; a smaller ``rate`` or ``longest`` may help.
    """
    with threadpool_limits(1, user_api="blas") if threadpool_limits else contextlib.nullcontext():
        return _adam(loss_and_gradients, parameters, iterations, rate, longest, frozen)


def _adam(loss_and_gradients, parameters, iterations, rate, longest, frozen) -> tuple[Parameters, NDArray[np.float64]]:
    now = {name: np.array(value, dtype=np.float64) for name, value in parameters.items()}
    moving = [name for name in now if name not in frozen]
    mean, square = ({name: np.zeros_like(now[name]) for name in moving} for _ in range(2))
    losses = np.empty(iterations)
    for n in range(iterations):
        losses[n], gradients = loss_and_gradients(now, n)
        if not np.isfinite(losses[n]):
            raise FloatingPointError(f"the loss is {losses[n]} at iteration {n}; try a smaller rate, or longest=1")
        scale = 1.0
        if longest is not None:
            length = np.sqrt(sum(np.square(gradients[name]).sum() for name in moving))
            scale = min(1.0, longest / length) if length > 0 else 1.0
        after = dict(now)  # the caller may have kept the old ones
        for name in moving:
            g = scale * np.asarray(gradients[name])
            mean[name] = _MEAN * mean[name] + (1 - _MEAN) * g
            square[name] = _SQUARE * square[name] + (1 - _SQUARE) * g * g
            towards = mean[name] / (1 - _MEAN ** (n + 1))
            size = np.sqrt(square[name] / (1 - _SQUARE ** (n + 1))) + _SMALL
            after[name] = now[name] - rate * towards / size
        now = after
    return now, losses
