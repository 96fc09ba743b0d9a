"""Frames that change places, and what an MLP and a recurrent network make of them (section 2.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, cross_entropy
from course_utils.mlp import MLP, logits
from course_utils.rnn import RNN, run


@dataclass(frozen=True, eq=False)
class Permutation:
    """Two networks on frames that change places, one pair of neighbours after the other.

    Every frame takes its target along. Row n of the arrays is after n swaps.

    Attributes
    ----------
    mlp, rnn
        The networks.
    x
        (T,) one number a frame.
    target
        (T,) index of the right symbol of each frame.
    swapped
        (N,) the place t whose frame changes with that at t + 1, swap by swap.
    order
        (N + 1, T) which frame stands at each place.
    mlp_loss, rnn_loss
        (N + 1, T) what each network loses at each place, −ln of the probability of the target there.
    """

    mlp: MLP
    rnn: RNN
    x: NDArray[np.float64]
    target: NDArray[np.intp]
    swapped: tuple[int, ...]
    order: NDArray[np.intp]
    mlp_loss: NDArray[np.float64]
    rnn_loss: NDArray[np.float64]


def permute(mlp: MLP, rnn: RNN, x: ArrayLike, target: ArrayLike, order: ArrayLike) -> Permutation:
    """Bring frames into another order, and run both networks on them after each swap, as on any sequence.

    Parameters
    ----------
    mlp, rnn
        Two networks with one input.
    x
        (T,) one number a frame.
    target
        (T,) index of the right symbol of each frame.
    order
        (T,) which frame stands at each place in the end.

    Raises
    ------
    ValueError
        ``order`` is no order of the frames, or the shapes do not go together.
    """
    x, target, order = as_numbers("x", x), np.asarray(target), np.asarray(order)
    if x.ndim != 1:
        raise ValueError(f"x has shape {x.shape}; give one number a frame, (T,)")
    if target.shape != x.shape:
        raise ValueError(f"target has shape {target.shape}; there are {len(x)} frames, so it must be {x.shape}")
    if order.shape != x.shape or sorted(order.tolist()) != list(range(len(x))):
        raise ValueError(f"order is {order.tolist()}; it must name each of the frames 0 to {len(x) - 1} once")
    swapped, orders = tuple(swaps(order)), [np.arange(len(x))]
    for t in swapped:
        now = orders[-1].copy()
        now[[t, t + 1]] = now[[t + 1, t]]
        orders.append(now)
    mlp_loss = [cross_entropy(logits(mlp, x[now][:, None]), target[now]) for now in orders]
    rnn_loss = [cross_entropy(run(rnn, x[now][:, None]).logits, target[now]) for now in orders]
    return Permutation(mlp, rnn, x, target, swapped, np.array(orders), np.array(mlp_loss), np.array(rnn_loss))


def swaps(order: ArrayLike) -> Iterator[int]:
    """Yield the places t whose frame changes with that at t + 1, until the frames stand in ``order``."""
    now = list(range(len(order)))
    for place, frame in enumerate(np.asarray(order).tolist()):
        for t in range(now.index(frame) - 1, place - 1, -1):
            now[t], now[t + 1] = now[t + 1], now[t]
            yield t
