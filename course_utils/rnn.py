"""Recurrent networks, forward: a whole sequence at once, or step by step (chapter 3).

A state h_t is computed from the input x_t and the state before it, and gives logits o_t:

    z_t = W_xh x_t + W_hh h_{t−1} + b_h        h_t = φ(z_t)        o_t = W_hy h_t + b_y

Arrays are time-first, ``[t, b, d]`` for a batch of B sequences of one length and ``[t, d]`` for a single one; everything
counts from 0, and h_{−1} is the initial state.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.activations import Activation, activate, slope
from course_utils.losses import (
    as_numbers,
    check_count,
    cross_entropy,
    is_number,
    log_softmax,
)

PARAMETERS = ("W_xh", "W_hh", "b_h", "W_hy", "b_y", "h_init")
Gradients = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class RNN:
    """The numbers of a recurrent network with D inputs, H units and A outputs.

    Attributes
    ----------
    W_xh, W_hh, b_h
        (H, D), (H, H) and (H,): into the units from the inputs, from the units one step before, and their bias.
    W_hy, b_y
        (A, H) and (A,): into the outputs.
    h_init
        (H,) state before the first step, which may be learned as well; zeros by default.
    activation
        φ, one of "tanh", "relu", "sigmoid" and "identity".

    Raises
    ------
    ValueError
        The shapes do not go together, a number is not finite, or there is no such activation.
    """

    W_xh: NDArray[np.float64]
    W_hh: NDArray[np.float64]
    b_h: NDArray[np.float64]
    W_hy: NDArray[np.float64]
    b_y: NDArray[np.float64]
    h_init: NDArray[np.float64] = None
    activation: Activation = "tanh"

    def __post_init__(self):
        if self.activation not in ("tanh", "relu", "sigmoid", "identity"):
            raise ValueError(f"activation is {self.activation!r}; choose 'tanh', 'relu', 'sigmoid' or 'identity'")
        W_hh, W_xh, W_hy = (np.array(as_numbers(name, getattr(self, name))) for name in ("W_hh", "W_xh", "W_hy"))
        if W_hh.ndim != 2 or W_hh.shape[0] != W_hh.shape[1]:
            raise ValueError(f"W_hh has shape {W_hh.shape}; it must be square, one row and one column for each unit")
        H = len(W_hh)
        if W_xh.ndim != 2 or len(W_xh) != H:
            raise ValueError(f"W_xh has shape {W_xh.shape}; W_hh has {H} units, so it must be ({H}, inputs)")
        if W_hy.ndim != 2 or W_hy.shape[1] != H:
            raise ValueError(f"W_hy has shape {W_hy.shape}; W_hh has {H} units, so it must be (outputs, {H})")
        found = {"W_xh": W_xh, "W_hh": W_hh, "W_hy": W_hy}
        for name, size in (("b_h", H), ("b_y", len(W_hy)), ("h_init", H)):
            value = getattr(self, name)
            found[name] = np.zeros(size) if value is None else np.array(as_numbers(name, value))
            if found[name].shape != (size,):
                raise ValueError(f"{name} has shape {found[name].shape}; it must be ({size},)")
        for name, value in found.items():
            if not np.isfinite(value).all():
                raise ValueError(f"{name} has a number that is not finite")
            object.__setattr__(self, name, value)

    @property
    def parameters(self) -> Gradients:
        """All six by name, in the order of ``PARAMETERS``."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def with_parameters(self, **parameters: ArrayLike) -> "RNN":
        """Return a network with some of the parameters replaced."""
        return replace(self, **parameters)

    @property
    def count(self) -> int:
        """How many numbers the network has; that does not depend on the length of a sequence."""
        return sum(value.size for value in self.parameters.values())


def random_rnn(
    rng: np.random.Generator, D: int, H: int, A: int, activation: Activation = "tanh", scale: float = 1.0
) -> RNN:
    """Draw a network: weights normal with standard deviation scale / √(number of their inputs), biases zero.

    Raises
    ------
    ValueError
        A size is not an integer from 1 on, the scale is negative, or there is no such activation.
    """
    D, H, A = check_count("D", D, 1, "inputs"), check_count("H", H, 1, "units"), check_count("A", A, 1, "outputs")
    if not (is_number(scale) and scale >= 0):
        raise ValueError(f"scale is {scale!r}; it is a finite number, 0 or more")

    def weights(rows, columns):
        return rng.normal(0, scale / np.sqrt(columns), (rows, columns))

    return RNN(weights(H, D), weights(H, H), np.zeros(H), weights(A, H), np.zeros(A), activation=activation)


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """A network on a sequence.

    Attributes
    ----------
    net
        The network.
    x
        (T, D) or (T, B, D) inputs.
    states
        (T + 1, …, H): the initial state and then the state after every step.
    logits
        (T, …, A).
    """

    net: RNN
    x: NDArray[np.float64]
    states: NDArray[np.float64]
    logits: NDArray[np.float64]

    @property
    def h(self) -> NDArray[np.float64]:
        """(T, …, H) the states h_0 … h_{T−1}."""
        return self.states[1:]

    @property
    def h_before(self) -> NDArray[np.float64]:
        """(T, …, H) the state that each step starts from, h_{−1} … h_{T−2}."""
        return self.states[:-1]

    @property
    @np.errstate(under="ignore")
    def z(self) -> NDArray[np.float64]:
        """(T, …, H) what goes into the activation."""
        return self.x @ self.net.W_xh.T + self.h_before @ self.net.W_hh.T + self.net.b_h

    @cached_property
    @np.errstate(under="ignore")
    def slope(self) -> NDArray[np.float64]:
        """(T, …, H) derivative of the activation at every unit; that of relu at 0 counts as 0."""
        return slope(self.net.activation, self.h)

    @property
    @np.errstate(under="ignore")
    def y(self) -> NDArray[np.float64]:
        """(T, …, A) softmax of the logits."""
        return np.exp(log_softmax(self.logits))

    def losses(self, target: ArrayLike) -> NDArray[np.float64]:
        """Return the cross-entropy of every step, (T, …), in nats."""
        return cross_entropy(self.logits, target)

    @np.errstate(under="ignore")
    def jacobians(self) -> NDArray[np.float64]:
        """(T, …, H, H) dh_t / dh_{t−1} = diag(φ'(z_t)) W_hh, that of h_0 with respect to the initial state first."""
        return self.slope[..., None] * self.net.W_hh


@np.errstate(under="ignore")  # a product that is too small for a number is zero, here as everywhere below
def run(net: RNN, x: ArrayLike, h: ArrayLike | None = None) -> ForwardPass:
    """Run a network over a whole sequence.

    Parameters
    ----------
    net
        The network.
    x
        (T, D), or (T, B, D) for a batch; T may be 0.
    h
        State to start from, (H,) or (B, H), such as the last one of the chunk before. By default ``net.h_init``.

    Raises
    ------
    ValueError
        The shapes do not go together.
    """
    x = check_inputs(net, x)
    H = len(net.W_hh)
    states = np.empty((len(x) + 1, *x.shape[1:-1], H))
    states[0] = net.h_init if h is None else _check_state(h, x, H)
    _product(x, net.W_xh.T, out=states[1:])
    from_state = np.empty(states.shape[1:])
    for before, now in pairwise(states):
        np.matmul(before, net.W_hh.T, out=from_state)
        from_state += net.b_h
        now += from_state
        activate(net.activation, now)
    logits = _product(states[1:], net.W_hy.T)
    logits += net.b_y
    return ForwardPass(net, x, states, logits)


@np.errstate(under="ignore")
def step(net: RNN, h: ArrayLike, x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Go one step: from a state and an input to the next state and its logits. All that online inference needs.

    Parameters
    ----------
    net
        The network.
    h
        (H,) or (B, H) state so far; ``net.h_init`` before the first step.
    x
        (D,) or (B, D).

    Returns
    -------
    h, logits
        (H,) and (A,), or (B, H) and (B, A).

    Raises
    ------
    ValueError
        The shapes do not go together.
    """
    h, x = as_numbers("h", h), as_numbers("x", x)
    for name, value, size in (("h", h, len(net.W_hh)), ("x", x, net.W_xh.shape[1])):
        if value.ndim not in (1, 2) or value.shape[-1] != size:
            raise ValueError(f"{name} has shape {value.shape}; it must be ({size},) or (B, {size})")
    h = x @ net.W_xh.T + h @ net.W_hh.T + net.b_h
    activate(net.activation, h)
    return h, h @ net.W_hy.T + net.b_y


def _product(rows: NDArray, W: NDArray, out: NDArray | None = None) -> NDArray[np.float64]:
    """Return ``rows @ W`` of all steps as a single matrix product: by itself, NumPy makes one of each step."""
    out = np.empty((*rows.shape[:-1], W.shape[1])) if out is None else out
    np.matmul(rows.reshape(-1, W.shape[0]), W, out=out.reshape(-1, W.shape[1]))
    return out


def check_inputs(net: RNN, x: ArrayLike) -> NDArray[np.float64]:
    """Return a copy of a sequence or of a batch of them; raise a ValueError unless the network takes it."""
    x, D = np.array(as_numbers("x", x)), net.W_xh.shape[1]  # a copy: the way back reads it again
    if x.ndim not in (2, 3) or x.shape[-1] != D:
        raise ValueError(f"x has shape {x.shape}; the network has {D} inputs, so it must be (T, {D}) or (T, B, {D})")
    return x


def _check_state(h: ArrayLike, x: NDArray, H: int) -> NDArray[np.float64]:
    h = as_numbers("h", h)
    if h.shape not in ((H,), (*x.shape[1:-1], H)):
        raise ValueError(f"h has shape {h.shape}; a state is {(*x.shape[1:-1], H)}")
    return h
