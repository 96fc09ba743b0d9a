"""Which losses a truncated gradient hears at which state (section 4.7)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.bptt import backward, truncated_by_chunks, truncated_per_loss
from course_utils.rnn import RNN, run

WAYS = ("full", "loss by loss", "in chunks")


@dataclass(frozen=True, eq=False)
class Reach:
    """How far losses go back.

    Attributes
    ----------
    way, size
        One of :data:`WAYS`; the Jacobians that a loss may pass, or the steps in a chunk, which mean nothing in full.
    arrives
        (T, T) bool [s, t], whether the loss of step s arrives at the state of step t.
    products
        How many products with a Jacobian that takes: what travels together is multiplied once.
    """

    way: str
    size: int
    arrives: NDArray[np.bool_]
    products: int

    @property
    def heard(self) -> NDArray[np.int_]:
        """(T,) how many losses each state hears: delta where every Jacobian and every direct part is 1."""
        return self.arrives.sum(axis=0)

    @property
    def cuts(self) -> list[int]:
        """The states before which the way back is cut for every loss, in chunks."""
        return list(range(self.size, len(self.arrives), self.size)) if self.way == "in chunks" else []


def reach(T: int, way: str, size: int = 1) -> Reach:
    """Send the loss of each step back alone, through a unit that never changes, and see where it arrives.

    Parameters
    ----------
    T
        Number of steps, from 1.
    way
        One of :data:`WAYS`.
    size
        k, from 0, for "loss by loss"; the length of a chunk, from 1, for "in chunks".

    Raises
    ------
    ValueError
        There is no such way, or ``T`` or ``size`` is too small.
    """
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; the ways are {', '.join(WAYS)}")
    if T < 1:
        raise ValueError(f"T is {T}; give at least one step")
    forward = run(RNN([[0]], [[1]], [0], [[1]], [0], activation="identity"), np.zeros((T, 1)))
    back = {
        "full": lambda d: backward(forward, d).delta,
        "loss by loss": lambda d: truncated_per_loss(forward, d, size)[0],
        "in chunks": lambda d: truncated_by_chunks(forward, d, size)[0],
    }[way]
    arrives = np.array([back(alone[:, None])[:, 0] for alone in np.eye(T)]) > 0
    trips = arrives.sum() - T  # a loss is at its own state without any product
    together = arrives[1:, :-1].diagonal().sum()  # from t + 1 to t, once for all losses that go there
    return Reach(way, size, arrives, int(trips if way == "loss by loss" else together))
