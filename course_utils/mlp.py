"""An MLP with one hidden layer that is applied to every frame alike (chapter 2).

It sees one frame at a time, or, where frames are given their neighbours first, a window of them. Any number of axes may
stand before the last one: the network is applied to every vector on the last axis by itself.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, check_count, cross_entropy, cross_entropy_gradient, log_softmax

PARAMETERS = ("W_1", "b_1", "W_2", "b_2")
Gradients = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class MLP:
    """The numbers of an MLP with D inputs, H hidden units of tanh and A outputs.

    Attributes
    ----------
    W_1, b_1
        (H, D) and (H,).
    W_2, b_2
        (A, H) and (A,).

    Raises
    ------
    ValueError
        The shapes do not go together, or a number is not finite.
    """

    W_1: NDArray[np.float64]
    b_1: NDArray[np.float64]
    W_2: NDArray[np.float64]
    b_2: NDArray[np.float64]

    def __post_init__(self):
        for name in PARAMETERS:
            value = np.array(as_numbers(name, getattr(self, name)))
            if not np.isfinite(value).all():
                raise ValueError(f"{name} has a number that is not finite")
            object.__setattr__(self, name, value)
        if self.W_1.ndim != 2 or self.W_2.ndim != 2:
            raise ValueError(f"W_1 has shape {self.W_1.shape} and W_2 {self.W_2.shape}; both must be matrices")
        H = len(self.W_1)
        if self.W_2.shape[1] != H or self.b_1.shape != (H,) or self.b_2.shape != (len(self.W_2),):
            raise ValueError(
                f"W_1 has {H} rows, so b_1 must be ({H},) and W_2 (outputs, {H}), with b_2 (outputs,); the shapes are "
                f"{self.b_1.shape}, {self.W_2.shape} and {self.b_2.shape}"
            )

    @property
    def parameters(self) -> Gradients:
        """All four by name."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def with_parameters(self, **parameters: ArrayLike) -> "MLP":
        """Return a network with some of the parameters replaced."""
        return replace(self, **parameters)


def random_mlp(rng: np.random.Generator, D: int, H: int, A: int) -> MLP:
    """Draw a network: weights normal with standard deviation 1 / √(number of their inputs), biases zero.

    Raises
    ------
    ValueError
        A size is not an integer from 1 on.
    """
    D, H, A = check_count("D", D, 1, "inputs"), check_count("H", H, 1, "units"), check_count("A", A, 1, "outputs")
    return MLP(rng.normal(0, D**-0.5, (H, D)), np.zeros(H), rng.normal(0, H**-0.5, (A, H)), np.zeros(A))


@np.errstate(under="ignore")  # a product that is too small for a number is zero, here and below
def logits(net: MLP, x: ArrayLike) -> NDArray[np.float64]:
    """Apply the network to every vector: from (…, D) inputs to (…, A) logits."""
    return np.tanh(_check_inputs(net, x) @ net.W_1.T + net.b_1) @ net.W_2.T + net.b_2


@np.errstate(under="ignore")
def frame_gradients(net: MLP, x: ArrayLike, target: ArrayLike) -> Gradients:
    """Gradient of the cross-entropy of every frame by itself; each array is (T, *shape of the parameter).

    Parameters
    ----------
    net
        The network.
    x
        (T, D).
    target
        (T,) index of the right symbol.

    Raises
    ------
    ValueError
        The shapes do not go together; take the sequences of a batch one by one.
    """
    x = _check_inputs(net, x)
    if x.ndim != 2:
        raise ValueError(f"x has shape {x.shape}; frames are (T, D), so take the sequences of a batch one by one")
    h = np.tanh(x @ net.W_1.T + net.b_1)
    d_logits = cross_entropy_gradient(h @ net.W_2.T + net.b_2, target)
    dz = (d_logits @ net.W_2) * (1 - h * h)
    return {
        "W_1": dz[:, :, None] * x[:, None, :],
        "b_1": dz,
        "W_2": d_logits[:, :, None] * h[:, None, :],
        "b_2": d_logits,
    }


@np.errstate(under="ignore")
def loss_and_gradients(net: MLP, x: ArrayLike, target: ArrayLike) -> tuple[float, Gradients]:
    """Sum of the cross-entropies of all frames, and its gradient with respect to all four parameters.

    Parameters
    ----------
    net
        The network.
    x
        (…, D).
    target
        (…) index of the right symbol.
    """
    x = _check_inputs(net, x)
    h = np.tanh(x @ net.W_1.T + net.b_1)
    scores = h @ net.W_2.T + net.b_2
    return float(cross_entropy(scores, target).sum()), _backward(net, x, h, cross_entropy_gradient(scores, target))


@np.errstate(under="ignore")
def soft_loss_and_gradients(net: MLP, x: ArrayLike, y_star: ArrayLike) -> tuple[float, Gradients]:
    """Do the same with a distribution for each frame, which need not be sure of one symbol.

    Parameters
    ----------
    net
        The network.
    x
        (…, D).
    y_star
        (…, A) probability of each symbol.

    Raises
    ------
    ValueError
        The shapes do not go together.
    """
    x, y_star = _check_inputs(net, x), as_numbers("y_star", y_star)
    if y_star.shape != (*x.shape[:-1], len(net.b_2)):
        raise ValueError(
            f"y_star has shape {y_star.shape}; x has shape {x.shape} and the network {len(net.b_2)} outputs, so it must be "
            f"{(*x.shape[:-1], len(net.b_2))}"
        )
    h = np.tanh(x @ net.W_1.T + net.b_1)
    log_y = log_softmax(h @ net.W_2.T + net.b_2)
    d_logits = np.exp(log_y) * y_star.sum(axis=-1, keepdims=True) - y_star
    return -float((y_star * log_y).sum()), _backward(net, x, h, d_logits)


def _backward(net: MLP, x: NDArray, h: NDArray, d_logits: NDArray) -> Gradients:
    """Add up the gradients of all frames, from those of their logits."""
    h, x, d_logits = h.reshape(-1, len(net.W_1)), x.reshape(-1, x.shape[-1]), d_logits.reshape(-1, len(net.W_2))
    dz = (d_logits @ net.W_2) * (1 - h * h)
    return {"W_1": dz.T @ x, "b_1": dz.sum(axis=0), "W_2": d_logits.T @ h, "b_2": d_logits.sum(axis=0)}


def windows(x: ArrayLike, before: int, after: int = 0) -> NDArray[np.float64]:
    """Give every frame its neighbours: (T, D) to (T, (before + 1 + after) × D), oldest first, zeros outside.

    Raises
    ------
    ValueError
        ``x`` is not (T, D), or a count is negative or no integer.
    """
    x = as_numbers("x", x)
    if x.ndim != 2:
        raise ValueError(f"x has shape {x.shape}; frames are (T, D)")
    before, after = check_count("before", before, 0, "frames"), check_count("after", after, 0, "frames")
    padded = np.pad(x, ((before, after), (0, 0)))
    return np.hstack([padded[k : k + len(x)] for k in range(before + 1 + after)])


def _check_inputs(net: MLP, x: ArrayLike) -> NDArray[np.float64]:
    x, D = as_numbers("x", x), net.W_1.shape[1]
    if x.ndim == 0 or x.shape[-1] != D:
        raise ValueError(f"x has shape {x.shape}; the network has {D} inputs, so it must be (…, {D})")
    return x
