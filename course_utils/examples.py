"""The worked examples of the chapters, each in one place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.activations import Activation
from course_utils.gru import GRU
from course_utils.lstm import LSTM
from course_utils.mlp import MLP
from course_utils.rnn import RNN, ForwardPass, run


@dataclass(frozen=True, eq=False)
class Condition:
    """A network that settles one question about vanishing and exploding.

    Attributes
    ----------
    name
        In a few words, with the answer.
    asks
        The same without the answer.
    W_hh, b_h, h_init
        (H, H), (H,) and (H,).
    activation
        Of the units.
    says
        What it shows.
    """

    name: str
    asks: str
    W_hh: NDArray[np.float64]
    b_h: NDArray[np.float64]
    h_init: NDArray[np.float64]
    activation: Activation
    says: str

    def network(self) -> RNN:
        """Return the network, with one input that goes nowhere and as many outputs as units."""
        H = len(self.W_hh)
        return RNN(np.zeros((H, 1)), self.W_hh, self.b_h, np.eye(H), np.zeros(H), self.h_init, self.activation)

    def run(self, T: int) -> ForwardPass:
        """Run it for T steps with no input."""
        return run(self.network(), np.zeros((T, 1)))


def _condition(name, asks, W, activation, says, b=None, h=None) -> Condition:
    W = np.array(W, dtype=float)
    zeros = np.zeros(len(W))
    return Condition(
        name,
        asks,
        W,
        zeros if b is None else np.array(b, float),
        zeros if h is None else np.array(h, float),
        activation,
        says,
    )


_TURN = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]

CONDITIONS: tuple[Condition, ...] = (
    _condition(
        "norm below 1", "norm 0.72, tanh", [[0.6, -0.4], [0.3, 0.5]], "tanh",
        "A spectral norm below 1 and no slope above 1: every factor shrinks, so the product vanishes. This always holds.",
        h=[0.5, -0.5],
    ),
    _condition(
        "norm 10, vanishes", "norm 10, both eigenvalues 0.5, identity", [[0.5, 10], [0, 0.5]], "identity",
        "The norm is 10.02, but both eigenvalues are 0.5: one large step, and then the product vanishes all the same.",
    ),
    _condition(
        "norm 2, saturated tanh vanishes", "2 times the unit matrix, tanh", [[2, 0], [0, 2]], "tanh",
        "Each unit settles at 0.9575, where tanh is flat: every factor is 0.166, not 2.",
        h=[0.9575040240772688, 0.9575040240772688],
    ),
    _condition(
        "norm 3, sigmoid vanishes", "3 times the unit matrix, sigmoid", [[3, 0], [0, 3]], "sigmoid",
        "The slope of a sigmoid is at most 1/4, so every factor is at most 0.75.",
    ),
    _condition(
        "eigenvalues 0, explodes", "both eigenvalues 0, relu", [[1.5, 1.5], [-1.5, -1.5]], "relu",
        "The square of this matrix is zero. But relu lets only the first unit through, so the factors are not the matrix.",
        h=[1, 0],
    ),
    _condition(
        "eigenvalues 0, tanh with bias explodes", "both eigenvalues 0, tanh with bias", [[1.5, 1.5], [-1.5, -1.5]], "tanh",
        "The same with tanh: a bias keeps the first unit steep and the second one flat. It lasts for some 80 steps; then "
        "rounding has pushed the state off the hilltop that it balances on, and the product shrinks again.",
        b=[1.5, -11.5], h=[-1.2366921819939591e-08, -0.9999999958776926],  # where it stays, but like a ball on a hilltop
    ),
    _condition(
        "eigenvalue −2, explodes", "eigenvalues −2 and 0.5, identity", [[-2, 0], [0, 0.5]], "identity",
        "−2 is less than 1. What counts is its absolute value.",
    ),
    _condition(
        "rotation, neither", "a rotation, identity", _TURN, "identity",
        "Norm and radius are both exactly 1: the product turns a vector and never changes its length.",
        h=[1, 0],
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ForcedAlignment:
    """A case of chapter 8: what is to be aligned to what.

    Attributes
    ----------
    y
        (T, A) probabilities, which nobody may change.
    target
        Of letters: A names the first column, B the second.
    """

    y: NDArray[np.float64]
    target: str


def _shared(y) -> NDArray[np.float64]:
    y = np.array(y, dtype=float)
    y.flags.writeable = False  # all who look at it share it
    return y


def _forced_alignment(y, target: str) -> ForcedAlignment:
    return ForcedAlignment(_shared(y), target)


FORCED_ALIGNMENTS: dict[str, ForcedAlignment] = {
    "worked example": _forced_alignment([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], "AB"),
    "frame by frame fails": _forced_alignment([[0.4, 0.6], [0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2]], "ABA"),
    "all ties": _forced_alignment(np.full((6, 3), 1 / 3), "ABC"),
    "too few frames": _forced_alignment([[0.5, 0.5], [0.4, 0.6]], "ABA"),
    "blocked by zeros": _forced_alignment([[0.0, 1.0], [0.6, 0.4], [0.3, 0.7]], "AB"),
    "underflow": _forced_alignment([[1e-60, 1e-62, 1.0]] * 3 + [[1e-62, 1e-60, 1.0]] * 4, "AB"),
    "equal neighbours": _forced_alignment([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.8, 0.2]], "AA"),
}
PASSABLE_ZEROS = _forced_alignment([[0.5, 0.5, 0], [0.2, 0.8, 0], [0, 0.4, 0.6], [0, 0.1, 0.9]], "ABC")
LONG_ALIGNMENT = _forced_alignment(np.tile([0.5, 0.3, 0.2], (1200, 1)), "ABC")  # no product of so many is above zero

PHONEMES = ("B", "AH", "T")  # the word "but"


@dataclass(frozen=True, eq=False)
class Reading:
    """A case of chapter 6: frames that are to be read without an alignment.

    Attributes
    ----------
    y
        (T, A) probabilities, which nobody may change.
    symbols
        The name of each column.
    """

    y: NDArray[np.float64]
    symbols: tuple[str, ...]


BEST_LABELS_LOSE = _shared([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4]])  # they spell ABA, and AB and BA are more probable
READINGS: dict[str, Reading] = {
    "one word, said slowly": Reading(
        _shared([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]), PHONEMES
    ),
    "the best labels lose": Reading(BEST_LABELS_LOSE, ("A", "B")),
    "a doubled letter": Reading(
        _shared([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.85, 0.1], [0.05, 0.05, 0.9]]), ("B", "O", "K")
    ),
    "one unsure frame": Reading(_shared([[0.9, 0.1], [0.8, 0.2], [0.45, 0.55], [0.8, 0.2], [0.9, 0.1]]), ("A", "B")),
    "all ties": Reading(np.full((3, 2), 0.5), ("A", "B")),
}

#: Chapter 7: five frames and a target of three symbols, whose path a reader draws.
DRAWN_Y = _shared([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.2, 0.2, 0.6]])

UTTERANCES = ([[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3)  # inputs and targets, to be trained on
STUCK_START = [[0.0, 2.0], [1.5, 0.0]]  # (types, A) logits from which training on the best path does not find them

#: Chapter 2: five frames, the right symbol of each, another order of them, and two networks that are alike but for the
#: weights from each state to the next.
FRAMES_X, FRAMES_TARGET, FRAMES_ORDER = (0.8, -0.5, 1.5, 0.2, -1.2), (0, 1, 0, 0, 1), (2, 0, 4, 1, 3)
FRAMES_MLP = MLP([[1.0], [-2.0]], [0.0, 0.5], [[1.5, -1.0], [-0.5, 1.0]], [0.2, 0.0])
FRAMES_RNN = RNN(FRAMES_MLP.W_1, [[0.5, -1.0], [1.0, 0.5]], FRAMES_MLP.b_1, FRAMES_MLP.W_2, FRAMES_MLP.b_2)

#: Chapters 3 to 5: a network of two units, what it reads, and the right symbol of each step.
WORKED_NET = RNN(
    W_xh=[[0.5, -0.3], [0.2, 0.4]],
    W_hh=[[0.6, -0.4], [0.3, 0.8]],
    b_h=[0.1, -0.15],
    W_hy=[[1.0, -0.5], [-0.7, 0.9]],
    b_y=[0.05, -0.05],
)
WORKED_X = np.array([[1.0, 0.0], [0.5, -1.0], [-0.4, 0.3], [0.2, 0.7]])
WORKED_TARGET = np.array([0, 1, 1, 0])


#: Chapter 9: four frames of the blank, a and b, in which greedy decoding reads aa and the most probable string is ba; and
#: two frames of the blank and a, in which it reads nothing and a is nearly twice as probable.
CTC_SYMBOLS = "-ab"
CTC_Y = _shared([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.35, 0.25], [0.2, 0.7, 0.1]])
SILENT_Y = _shared([[0.6, 0.4], [0.6, 0.4]])

# Chapter 11: one unit with gates, and what it reads.
LSTM_CELL = LSTM([[2.0], [0.5], [1.5], [1.0]], [[0.3], [-0.4], [0.8], [-0.6]], [-0.5, 1.0, 0.0, 0.2])
GRU_CELL = GRU([[0.5], [-1.0], [1.5]], [[1.0], [0.5], [-2.0]], [0.1, 0.2, -0.3], [0.0, -0.4, 0.7])
GATED_X = np.array([[1.0], [-0.5], [0.0], [0.5]])

# Adjacent XOR, set by hand (section 2.6): one unit keeps the bit, the others hold the sum of two bits and what exceeds 1.
XOR_NET = RNN([[1], [1], [1]], [[0, 0, 1], [0, 0, 1], [0, 0, 0]], [0, -1, 0], [[1, -2, 0]], [0], activation="relu")
