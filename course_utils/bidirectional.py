"""Recurrent networks that read a sequence in both directions (section 3.6)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.bptt import BackwardPass, backward, check_d_logits
from course_utils.rnn import RNN, ForwardPass, check_inputs, run


@dataclass(frozen=True, eq=False)
class BidirectionalRNN:
    """Two networks with parameters of their own, one for each direction, whose logits are added (section 3.6).

    Adding the logits of both is the same as one output matrix (A, 2 H) on both states side by side.

    Attributes
    ----------
    forwards, backwards
        The networks; the second one reads the sequence from its end and starts from its own h_init there.
    """

    forwards: RNN
    backwards: RNN

    def __post_init__(self):
        ours, others = self.forwards, self.backwards
        if ours.W_xh.shape[1] != others.W_xh.shape[1] or len(ours.W_hy) != len(others.W_hy):
            raise ValueError(
                f"the two directions have {ours.W_xh.shape[1]} and {others.W_xh.shape[1]} inputs, {len(ours.W_hy)} and "
                f"{len(others.W_hy)} outputs; both see the same inputs and give the same outputs"
            )


@dataclass(frozen=True, eq=False)
class BidirectionalPass:
    """Both directions on a sequence, each in the order in which it reads.

    Attributes
    ----------
    forwards, backwards
        Their runs; step s of the second one is at frame T − 1 − s.
    """

    forwards: ForwardPass
    backwards: ForwardPass

    @property
    def h(self) -> NDArray[np.float64]:
        """(T, …, 2 H) both states of each frame side by side, the forward one first."""
        return np.concatenate([self.forwards.h, self.backwards.h[::-1]], axis=-1)

    @property
    def logits(self) -> NDArray[np.float64]:
        """(T, …, A)."""
        return self.forwards.logits + self.backwards.logits[::-1]


def run_bidirectional(net: BidirectionalRNN, x: ArrayLike) -> BidirectionalPass:
    """Run both directions over a whole sequence, (T, D) or (T, B, D)."""
    x = check_inputs(net.forwards, x)
    return BidirectionalPass(run(net.forwards, x), run(net.backwards, x[::-1]))


def backward_bidirectional(both: BidirectionalPass, d_logits: ArrayLike) -> tuple[BackwardPass, BackwardPass]:
    """Back-propagate through both directions; each comes in the order in which it reads."""
    d_logits = check_d_logits(both.logits, d_logits)
    return backward(both.forwards, d_logits), backward(both.backwards, d_logits[::-1])
