"""Which beginnings let a plain recurrent network learn to remember: remedies compared on one task (section 10.9).

The task is a delayed copy: a symbol is shown at the first step, then come ``lag`` steps with nothing but noise, and then
the network has to say which symbol it was. The units may be leaky: a share of each state is simply kept,
h_t = (1 − leak) h_{t−1} + leak · φ(W_hh h_{t−1} + W_xh x_t + b_h), and with a leak of 1 they are those of chapter 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.activations import Activation, activate, slope
from course_utils.descent import adam
from course_utils.losses import check_count, cross_entropy, cross_entropy_gradient, is_number

SYMBOLS, UNITS, BATCH, NOISE = 4, 32, 32, 0.15
Parameters = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Remedy:
    """How to begin, and what to do on the way.

    Attributes
    ----------
    name
        In a few words.
    matrix
        W_hh at the start: "uniform" between ± 1/√H, as PyTorch's ``nn.RNN`` begins, "gaussian" of variance 1/H,
        "orthogonal" (Saxe, McClelland and Ganguli 2014), or "identity" (Le, Jaitly and Hinton 2015).
    activation
        φ.
    leak
        From above 0 to 1.
    clip_norm
        Length that no gradient may exceed, or None.
    """

    name: str
    matrix: str = "gaussian"
    activation: Activation = "tanh"
    leak: float = 1.0
    clip_norm: float | None = None


REMEDIES = (
    Remedy("uniform, as PyTorch begins", "uniform"),
    Remedy("Gaussian"),
    Remedy("Gaussian, clipped", clip_norm=1.0),
    Remedy("orthogonal, clipped", "orthogonal", clip_norm=1.0),
    Remedy("identity and ReLU, clipped", "identity", "relu", clip_norm=1.0),
    Remedy("leaky, clipped", leak=0.1, clip_norm=1.0),
)


def begin(remedy: Remedy, rng: np.random.Generator, D: int = SYMBOLS, H: int = UNITS, A: int = SYMBOLS) -> Parameters:
    """Draw the weights of a network with D inputs, H units and A outputs as the remedy says."""
    matrices = {"identity": np.eye(H), "uniform": rng.uniform(-1, 1, size=(H, H)) / np.sqrt(H)}
    matrices["gaussian"] = rng.normal(size=(H, H)) / np.sqrt(H)
    Q, R = np.linalg.qr(matrices["gaussian"])
    matrices["orthogonal"] = Q * np.sign(np.diagonal(R))  # else QR has a preference
    return {
        "W_xh": rng.normal(size=(H, D)) / np.sqrt(D),
        "W_hh": matrices[remedy.matrix],
        "b_h": np.zeros(H),
        "W_hy": rng.normal(size=(A, H)) / np.sqrt(H),
        "b_y": np.zeros(A),
    }


def delayed_copy(lag: int, rng: np.random.Generator, B: int = BATCH) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Draw B sequences, (lag + 1, B, SYMBOLS), and the symbol that each begins with, (B,)."""
    lag = check_count("lag", lag, 0, "steps")
    symbols = rng.integers(SYMBOLS, size=B)
    x = NOISE * rng.normal(size=(lag + 1, B, SYMBOLS))
    x[0, np.arange(B), symbols] += 1
    return x, symbols


def states_of(parameters: Mapping[str, NDArray], x: NDArray, remedy: Remedy) -> tuple[NDArray, NDArray]:
    """Run the units from zero: (T + 1, B, H) states, the first one included, and (T, B, H) what φ gave."""
    W, leak = parameters["W_hh"].T.copy(), remedy.leak
    driven = x @ parameters["W_xh"].T + parameters["b_h"]
    h = np.zeros((len(x) + 1, x.shape[1], len(W)))
    for t in range(len(x)):
        driven[t] += h[t] @ W
        activate(remedy.activation, driven[t])
        h[t + 1] = driven[t] if leak == 1 else (1 - leak) * h[t] + leak * driven[t]
    return h, driven


def loss_and_gradients(
    parameters: Mapping[str, NDArray], x: NDArray, symbols: NDArray, remedy: Remedy
) -> tuple[float, Parameters]:
    """Return the mean cross-entropy at the last step, and its gradients by the parameters."""
    h, driven = states_of(parameters, x, remedy)
    logits = h[-1] @ parameters["W_hy"].T + parameters["b_y"]
    error = cross_entropy_gradient(logits, symbols) / len(symbols)
    gradients, _ = back_from_last(parameters, x, h, driven, error @ parameters["W_hy"], remedy)
    gradients |= {"W_hy": error.T @ h[-1], "b_y": error.sum(axis=0)}
    return float(cross_entropy(logits, symbols).mean()), gradients


def back_from_last(
    parameters: Mapping[str, NDArray], x: NDArray, h: NDArray, driven: NDArray, d_last: NDArray, remedy: Remedy
) -> tuple[Parameters, NDArray]:
    """Go back from (B, H) derivatives with respect to the last states.

    Returns the gradients of W_xh, W_hh and b_h, and the (T + 1, B, H) derivatives with respect to all states.
    """
    W, leak, (T, B) = parameters["W_hh"], remedy.leak, x.shape[:2]
    d_h, d_z = np.empty_like(h), slope(remedy.activation, driven)
    d_h[-1] = d_last
    for t in range(T - 1, -1, -1):
        d_z[t] *= leak * d_h[t + 1]
        np.matmul(d_z[t], W, out=d_h[t])
        if leak < 1:
            d_h[t] += (1 - leak) * d_h[t + 1]
    rows = d_z.reshape(T * B, -1)
    gradients = {
        "W_xh": rows.T @ x.reshape(T * B, -1),
        "W_hh": rows.T @ h[:-1].reshape(T * B, -1),
        "b_h": rows.sum(axis=0),
    }
    return gradients, d_h


def accuracy(parameters: Mapping[str, NDArray], x: NDArray, symbols: NDArray, remedy: Remedy) -> float:
    """Return the share of sequences whose symbol is named right."""
    h = states_of(parameters, x, remedy)[0][-1]
    return float(np.mean((h @ parameters["W_hy"].T + parameters["b_y"]).argmax(axis=1) == symbols))


def train(remedy: Remedy, lag: int, iterations: int, seed: int = 0, learning_rate: float = 0.003) -> float:
    """Train by Adam on fresh sequences, and return the accuracy on 500 others; 1 / SYMBOLS is guessing.

    A training whose loss is not finite any more has failed, and returns what guessing would.

    Raises
    ------
    ValueError
        A number is out of range.
    """
    if not is_number(learning_rate) or learning_rate <= 0:
        raise ValueError(f"learning_rate is {learning_rate!r}; it is a finite number above 0")
    rng = np.random.default_rng(seed)
    parameters = begin(remedy, rng)

    def batch(now: Parameters, n: int) -> tuple[float, Parameters]:
        return loss_and_gradients(now, *delayed_copy(lag, rng), remedy)

    try:
        parameters, _ = adam(batch, parameters, iterations, learning_rate, clip_norm=remedy.clip_norm)
    except FloatingPointError:
        return 1 / SYMBOLS
    return accuracy(parameters, *delayed_copy(lag, np.random.default_rng(10_000 + seed), 500), remedy)
