"""Back-propagation through time: the whole of it, truncated, and with few states kept (chapter 4).

Arrays are those of :mod:`course_utils.rnn`. Derivatives of a loss with respect to a state are column vectors:
delta_t = dL/dh_t, in which all later losses are contained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.activations import slope
from course_utils.losses import as_numbers, broadcast_weights, check_count, cross_entropy_gradient
from course_utils.rnn import PARAMETERS, RNN, ForwardPass, Gradients, check_inputs, run, step


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """What back-propagation through time finds (section 4.3).

    Attributes
    ----------
    forward
        What it goes back through.
    d_logits
        (T, …, A) derivative of the loss with respect to the logits, where it begins.
    dz
        (T, …, H) derivative of the whole loss with respect to z_t: delta × φ'(z_t).
    gradients
        Of all six parameters, summed over time and over the batch. That of h_init is the derivative with respect to
        the state that the run started from, whether that was ``net.h_init`` or was given.
    """

    forward: ForwardPass
    d_logits: NDArray[np.float64]
    dz: NDArray[np.float64]
    gradients: Gradients

    @cached_property
    def delta(self) -> NDArray[np.float64]:
        """(T, …, H) derivative of the whole loss with respect to h_t."""
        return self.direct + self.future

    @property
    @np.errstate(under="ignore")
    def direct(self) -> NDArray[np.float64]:
        """(T, …, H) the part of delta that comes from the loss of the step itself."""
        return self.d_logits @ self.forward.net.W_hy

    @property
    @np.errstate(under="ignore")
    def future(self) -> NDArray[np.float64]:
        """(T, …, H) the part of delta that comes from later losses, W_hhᵀ dz_{t+1}; zero at the last step."""
        future = np.zeros_like(self.dz)
        future[:-1] = self.dz[1:] @ self.forward.net.W_hh
        return future

    @property
    @np.errstate(under="ignore")
    def d_x(self) -> NDArray[np.float64]:
        """(T, …, D) derivative of the loss with respect to the inputs."""
        return self.dz @ self.forward.net.W_xh

    @np.errstate(under="ignore")
    def contributions(self, name: str) -> NDArray[np.float64]:
        """(T, …) what each step adds to the gradient of a parameter; with h_init, only step 0 does.

        Raises
        ------
        ValueError
            There is no such parameter.
        """
        return _contributions(name, self.forward, self.dz, self.d_logits)


@np.errstate(under="ignore")
def backward(forward: ForwardPass, d_logits: ArrayLike) -> BackwardPass:
    """Back-propagate through time.

    Parameters
    ----------
    forward
        From :func:`course_utils.rnn.run`.
    d_logits
        (T, …, A) derivative of the loss with respect to the logits, zero where a step has no loss.
        :func:`course_utils.losses.cross_entropy_gradient` gives it for cross-entropy.

    Raises
    ------
    ValueError
        ``d_logits`` has another shape than the logits.
    """
    d_logits = check_d_logits(forward.logits, d_logits)
    dz, h = d_logits @ forward.net.W_hy, forward.h  # at first, what comes from the loss of each step itself
    from_future, slopes = np.empty(forward.states.shape[1:]), np.empty(forward.states.shape[1:])
    for t in range(len(dz) - 1, -1, -1):
        if t + 1 < len(dz):
            np.matmul(dz[t + 1], forward.net.W_hh, out=from_future)
            dz[t] += from_future
        dz[t] *= slope(forward.net.activation, h[t], out=slopes)
    initial = dz[0] @ forward.net.W_hh if len(dz) else np.zeros_like(forward.states[0])
    return BackwardPass(forward, d_logits, dz, _gradients(forward, d_logits, dz, initial))


@np.errstate(under="ignore")
def loss_and_gradients(net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> tuple[float, Gradients]:
    """Weighted sum of the cross-entropies of all steps, and its gradient with respect to all six parameters.

    Parameters
    ----------
    net, x
        As in :func:`course_utils.rnn.run`.
    target
        (T,) or (T, B) index of the right symbol.
    weights
        What each step counts, (T,), or as in :func:`course_utils.losses.broadcast_weights`: 1 for a loss at every step; zeros
        and a one at the end to classify a sequence.
    """
    forward = run(net, x)
    losses = forward.losses(target)
    loss = float((broadcast_weights(weights, losses.shape) * losses).sum())
    return loss, backward(forward, cross_entropy_gradient(forward.logits, target, weights)).gradients


@np.errstate(under="ignore")
def truncated_per_loss(forward: ForwardPass, d_logits: ArrayLike, k: int) -> tuple[NDArray[np.float64], Gradients]:
    """Truncate back-propagation so that every loss reaches back k steps and no further (section 4.7).

    The loss of step t reaches h_t, h_{t−1}, …, h_{t−k}, the last one through k Jacobians. All losses go back one step
    together, so k steps take k passes: O(T k) time.

    Parameters
    ----------
    forward, d_logits
        As in :func:`backward`.
    k
        Number of Jacobians that a loss may pass, from 0; from T − 1 on nothing but h_init is cut.

    Returns
    -------
    delta, gradients
        (T, …, H), and those of all six parameters.

    Raises
    ------
    ValueError
        ``k`` is negative or no integer.
    """
    k = check_count("k", k, 0)
    d_logits = check_d_logits(forward.logits, d_logits)
    carried = np.zeros_like(forward.states)  # what has come back to each state, the initial one first
    carried[1:] = d_logits @ forward.net.W_hy
    total = carried.copy()
    for _ in range(min(k, len(forward.x))):
        carried[:-1] = (carried[1:] * forward.slope) @ forward.net.W_hh
        carried[-1] = 0
        total += carried
    return total[1:], _gradients(forward, d_logits, total[1:] * forward.slope, total[0])


@np.errstate(under="ignore")
def truncated_by_chunks(forward: ForwardPass, d_logits: ArrayLike, chunk: int) -> tuple[NDArray[np.float64], Gradients]:
    """Truncate back-propagation by detaching the state at the start of every chunk of steps (section 4.7).

    How far a loss reaches depends on where in its chunk it is. O(T) time.

    Parameters
    ----------
    forward, d_logits
        As in :func:`backward`.
    chunk
        Steps in a chunk, from 1. The initial state belongs to the first one.

    Returns
    -------
    delta, gradients
        As in :func:`truncated_per_loss`.

    Raises
    ------
    ValueError
        ``chunk`` is below 1 or no integer.
    """
    chunk = check_count("chunk", chunk, 1)
    d_logits = check_d_logits(forward.logits, d_logits)
    delta, dz = d_logits @ forward.net.W_hy, np.empty_like(forward.h)
    for t in range(len(delta) - 1, -1, -1):
        if t + 1 < len(delta) and (t + 1) % chunk:
            delta[t] += dz[t + 1] @ forward.net.W_hh
        dz[t] = delta[t] * forward.slope[t]
    initial = dz[0] @ forward.net.W_hh if len(dz) else np.zeros_like(forward.states[0])
    return delta, _gradients(forward, d_logits, dz, initial)


@dataclass(frozen=True, eq=False)
class Checkpointed:
    """The gradient, and how many states were kept at most at one time to compute it."""

    loss: float
    gradients: Gradients
    states_kept: int


@np.errstate(under="ignore")
def checkpointed_gradients(
    net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0, every: int = 1
) -> Checkpointed:
    """Back-propagate with only every ``every``-th state kept; the others are computed again when they are needed.

    Everything is added up step by step in the same order whatever ``every`` is, so the result is the same to the
    last bit. With ``every`` near √T, about 2 √T states are kept instead of T + 1 (Chen et al., 2016, section 3).

    Parameters are those of :func:`loss_and_gradients`.

    Raises
    ------
    ValueError
        ``every`` is below 1 or no integer, or the shapes do not go together.
    """
    every = check_count("every", every, 1)
    x = check_inputs(net, x)
    try:
        target = np.asarray(target)
    except ValueError as error:
        raise ValueError(f"target is not an array of symbols: {error}") from None
    if target.shape != x.shape[:-1]:
        raise ValueError(f"target has shape {target.shape}; x has {x.shape}, so it must be {x.shape[:-1]}")
    weights = broadcast_weights(weights, target.shape)
    T, kept = len(x), {0: np.broadcast_to(net.h_init, (*x.shape[1:-1], len(net.W_hh)))}
    h = kept[0]
    for t in range(T - 1):
        h, _ = step(net, h, x[t])
        if (t + 1) % every == 0:
            kept[t + 1] = h
    gradients = {name: np.zeros_like(value) for name, value in net.parameters.items()}
    loss, from_future, most = 0.0, np.zeros(kept[0].shape), len(kept)
    for start in sorted(kept, reverse=True):
        stop = min(start + every, T)
        states, logits = [kept.pop(start)], []
        for t in range(start, stop):
            h, o = step(net, states[-1], x[t])
            states.append(h)
            logits.append(o)
        most = max(most, len(kept) + len(states))
        for t in range(stop - 1, start - 1, -1):
            one = ForwardPass(net, x[t : t + 1], np.stack(states[t - start : t - start + 2]), logits[t - start][None])
            loss += float((weights[t] * one.losses(target[t][None])[0]).sum())
            d_logits = cross_entropy_gradient(one.logits, target[t][None], weights[t][None])
            dz = (d_logits @ net.W_hy + from_future) * one.slope
            from_future = dz[0] @ net.W_hh
            for name in PARAMETERS[:-1]:
                gradients[name] += _summed(name, one, dz, d_logits)
    gradients["h_init"] += from_future.reshape(-1, len(net.W_hh)).sum(axis=0)
    return Checkpointed(loss, gradients, most)


def _gradients(forward: ForwardPass, d_logits: NDArray, dz: NDArray, initial: NDArray) -> Gradients:
    found = {name: _summed(name, forward, dz, d_logits) for name in PARAMETERS[:-1]}
    found["h_init"] = initial.reshape(-1, initial.shape[-1]).sum(axis=0)
    return found


def _pair(name: str, forward: ForwardPass, dz: NDArray, d_logits: NDArray) -> tuple[NDArray, NDArray | None]:
    """Return the two vectors whose outer product a step adds to the gradient of a parameter."""
    pairs: Mapping[str, tuple[NDArray, NDArray | None]] = {
        "W_xh": (dz, forward.x),
        "W_hh": (dz, forward.h_before),
        "b_h": (dz, None),
        "W_hy": (d_logits, forward.h),
        "b_y": (d_logits, None),
    }
    if name not in pairs:
        raise ValueError(f"name is {name!r}; the parameters are {', '.join(PARAMETERS)}")
    return pairs[name]


def _summed(name: str, forward: ForwardPass, dz: NDArray, d_logits: NDArray) -> NDArray[np.float64]:
    """Sum of the outer products over time and batch, as a single matrix product."""
    left, right = _pair(name, forward, dz, d_logits)
    left = left.reshape(-1, left.shape[-1])
    return left.sum(axis=0) if right is None else left.T @ right.reshape(-1, right.shape[-1])


def _contributions(name: str, forward: ForwardPass, dz: NDArray, d_logits: NDArray) -> NDArray[np.float64]:
    if name == "h_init":
        found = np.zeros((len(dz), dz.shape[-1]))
        if len(dz):
            found[0] = (dz[0] @ forward.net.W_hh).reshape(-1, dz.shape[-1]).sum(axis=0)
        return found
    left, right = _pair(name, forward, dz, d_logits)
    left = left[:, None] if left.ndim == 2 else left  # a single sequence is a batch of one
    if right is None:
        return left.sum(axis=1)
    return left.transpose(0, 2, 1) @ (right[:, None] if right.ndim == 2 else right)


def check_d_logits(logits: NDArray, d_logits: ArrayLike) -> NDArray[np.float64]:
    """Return ``d_logits`` as an array; raise a ValueError unless it has the shape of the logits."""
    d_logits = as_numbers("d_logits", d_logits)
    if d_logits.shape != logits.shape:
        raise ValueError(f"d_logits has shape {d_logits.shape}; it must be that of the logits, {logits.shape}")
    return d_logits
