"""Networks that answer once, at the last step: plain, orthogonal, GRU and LSTM on the same tasks (section 11.8).

All have parameters by name, so that one training serves them all: those of the recurrent part, and W_hy and b_y of the
linear output that reads the last state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils import gru, lstm
from course_utils.descent import adam
from course_utils.losses import check_count, cross_entropy, cross_entropy_gradient
from course_utils.remedies import Remedy, back_from_last, begin, states_of

Parameters = dict[str, NDArray[np.float64]]
KINDS = ("plain", "orthogonal", "GRU", "LSTM")
# Those that are compared: what they are called, their kind, and the bias of the gate that keeps.
NETWORKS = {
    "plain, as PyTorch begins": ("plain", 0.0),
    "plain, orthogonal": ("orthogonal", 0.0),
    "GRU, bias 1": ("GRU", 1.0),
    "GRU, bias 4": ("GRU", 4.0),
    "LSTM, bias 1": ("LSTM", 1.0),
    "LSTM, bias 4": ("LSTM", 4.0),
}
UNITS, CLIP_NORM = 32, 1.0
_REMEDIES = {"plain": Remedy("plain", "uniform"), "orthogonal": Remedy("orthogonal", "orthogonal")}


def start(kind: str, rng: np.random.Generator, D: int, A: int, H: int = UNITS, open_gates: float = 1.0) -> Parameters:
    """Draw a network of one of the kinds, with D inputs, H units and A outputs.

    The plain one begins as PyTorch's does, the forget gate of the LSTM and the update gate of the GRU with the bias
    ``open_gates``, so that they keep.

    Raises
    ------
    ValueError
        There is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; choose one of {', '.join(KINDS)}")
    if kind in _REMEDIES:
        return begin(_REMEDIES[kind], rng, D, H, A)
    net = (
        gru.random_gru(rng, D, H, update_bias=open_gates)
        if kind == "GRU"
        else lstm.random_lstm(rng, D, H, forget_bias=open_gates)
    )
    return {**net.parameters, "W_hy": rng.normal(size=(A, H)) / np.sqrt(H), "b_y": np.zeros(A)}


@dataclass(frozen=True, eq=False)
class LastState:
    """The last state of each sequence, and the way back from it.

    Attributes
    ----------
    h
        (B, H).
    back
        Takes (B, H) derivatives with respect to it; returns the gradients of the recurrent parameters by name, and the
        (T + 1, B, H) derivatives with respect to all states, that before the first step included.
    """

    h: NDArray[np.float64]
    back: Callable[[NDArray], tuple[Parameters, NDArray]]


def last_state(kind: str, parameters: Mapping[str, NDArray], x: NDArray) -> LastState:
    """Run a network over (T, B, D) inputs, from zeros."""
    if kind in _REMEDIES:
        h, driven = states_of(parameters, x, _REMEDIES[kind])
        return LastState(h[-1], lambda d: back_from_last(parameters, x, h, driven, d, _REMEDIES[kind]))
    cell = gru if kind == "GRU" else lstm
    own = {name: value for name, value in parameters.items() if name not in ("W_hy", "b_y")}
    net = gru.GRU(**own) if kind == "GRU" else lstm.LSTM(**own)
    run = cell.forward(net, x)

    def back(d: NDArray) -> tuple[Parameters, NDArray]:
        d_states = np.zeros_like(run.h)
        d_states[-1] = d
        found = cell.backward(net, run, d_states)
        return found.gradients, found.d_states

    return LastState(run.h[-1], back)


Loss = Callable[[NDArray, NDArray], tuple[float, NDArray]]


def named(logits: NDArray, labels: NDArray) -> tuple[float, NDArray]:
    """Mean cross-entropy, and its gradient by the logits."""
    return float(cross_entropy(logits, labels).mean()), cross_entropy_gradient(logits, labels) / len(labels)


def squared(outputs: NDArray, wanted: NDArray) -> tuple[float, NDArray]:
    """Mean squared error of one output, and its gradient."""
    error = outputs[:, 0] - wanted
    return float(np.mean(error**2)), (2 / len(wanted) * error)[:, None]


def loss_and_gradients(
    kind: str, parameters: Mapping[str, NDArray], x: NDArray, wanted: NDArray, loss: Loss
) -> tuple[float, Parameters]:
    """Return the loss of the answers at the last step, and its gradients by all parameters."""
    last = last_state(kind, parameters, x)
    value, d = loss(last.h @ parameters["W_hy"].T + parameters["b_y"], wanted)
    gradients, _ = last.back(d @ parameters["W_hy"])
    return value, {**gradients, "W_hy": d.T @ last.h, "b_y": d.sum(axis=0)}


def answers(kind: str, parameters: Mapping[str, NDArray], x: NDArray) -> NDArray[np.float64]:
    """Return the (B, A) outputs at the last step."""
    return last_state(kind, parameters, x).h @ parameters["W_hy"].T + parameters["b_y"]


def adding(T: int, rng: np.random.Generator, B: int = 32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw B sequences of the adding problem (Hochreiter and Schmidhuber 1997): (T, B, 2) and what is wanted, (B,).

    The first input is a number between 0 and 1 at every step, the second marks two of them, one in each half. Wanted is
    the sum of the two. Always to answer 1 has the mean squared error 1/6.

    Raises
    ------
    ValueError
        There are fewer than two steps.
    """
    T = check_count("T", T, 2, "steps")
    x = np.zeros((T, B, 2))
    x[..., 0] = rng.uniform(size=(T, B))
    first, second = rng.integers(T // 2, size=B), rng.integers(T // 2, T, size=B)
    every = np.arange(B)
    x[first, every, 1] = x[second, every, 1] = 1
    return x, x[first, every, 0] + x[second, every, 0]


def train(
    name: str,
    draw: Callable[[np.random.Generator], tuple[NDArray, NDArray]],
    loss: Loss,
    shape: tuple[int, int],
    iterations: int,
    seed: int = 0,
    learning_rate: float = 0.003,
) -> Parameters:
    """Train one of ``NETWORKS`` by Adam on what ``draw`` gives, gradients clipped to norm 1; ``shape`` is (D, A).

    Raises
    ------
    FloatingPointError
        The loss is not finite any more.
    """
    rng, (kind, open_gates) = np.random.default_rng(seed), NETWORKS[name]
    parameters = start(kind, rng, *shape, open_gates=open_gates)

    def batch(now: Parameters, n: int) -> tuple[float, Parameters]:
        return loss_and_gradients(kind, now, *draw(rng), loss)

    return adam(batch, parameters, iterations, learning_rate, clip_norm=CLIP_NORM)[0]
