"""What repeated multiplication does to a gradient: products of Jacobians, their norms and their bounds (section 5.4).

The derivative of the last state of a run with respect to an earlier one is a product of Jacobians, the last one on the
left: dh_T / dh_t = J_T J_{T−1} … J_{t+1} with J_t = diag(φ'(z_t)) W_hh. Its size is its spectral norm.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import as_numbers, check_count
from course_utils.rnn import RNN, Activation, Run, run

STEEPEST = {"tanh": 1.0, "relu": 1.0, "sigmoid": 0.25, "identity": 1.0}


def spectral_norm(W: ArrayLike) -> float:
    """Largest singular value: how far the matrix can stretch a vector in one step.

    Raises
    ------
    ValueError
        ``W`` is no matrix, or has a number that is not finite.
    """
    return float(np.linalg.norm(_check_matrix(W), 2))


def spectral_radius(W: ArrayLike) -> float:
    """Largest absolute value of an eigenvalue: how fast many steps with the same matrix grow in the long run.

    Raises
    ------
    ValueError
        ``W`` is no square matrix, or has a number that is not finite.
    """
    W = _check_matrix(W)
    if W.shape[0] != W.shape[1]:
        raise ValueError(f"W has shape {W.shape}; only a square matrix has eigenvalues")
    return float(np.abs(np.linalg.eigvals(W)).max())


def _check_matrix(W: ArrayLike) -> NDArray[np.float64]:
    W = as_numbers("W", W)
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W has shape {W.shape}; it must be a matrix")
    if not np.isfinite(W).all():
        raise ValueError("W has a number that is not finite")
    return W


@dataclass(frozen=True, eq=False)
class Product:
    """The product of Jacobians from the last step back, factor by factor.

    Row n is the product of the last n Jacobians, J_{T−1} J_{T−2} … J_{T−n}; row 0 is the identity.

    Attributes
    ----------
    log_norm
        (T + 1,) natural logarithm of the spectral norm of each product; −inf where it is zero.
    log_upper
        (T + 1,) the bound from the weights alone: n ln(γ σ), with σ the spectral norm of W_hh and γ the largest slope
        that the activation has anywhere.
    log_lower
        (T + 1,) the bound from below: the sum of the logarithms of the smallest singular values of the factors.
    direction
        (T + 1, H, H) each product divided by its norm, zeros where that is zero.
    """

    log_norm: NDArray[np.float64]
    log_upper: NDArray[np.float64]
    log_lower: NDArray[np.float64]
    direction: NDArray[np.float64]

    def matrix(self, n: int) -> NDArray[np.float64]:
        """Return the product of the last n Jacobians; it underflows to zero and overflows to infinity where it must."""
        direction = self.direction[n]
        with np.errstate(over="ignore", under="ignore"):
            return np.multiply(direction, np.exp(self.log_norm[n]), out=np.zeros_like(direction), where=direction != 0)


@np.errstate(under="ignore")
def product_of_jacobians(forward: Run) -> Product:
    """Multiply the Jacobians of a run of a single sequence, from the last one back.

    The product is rescaled at every factor, so that its logarithm is right where the product itself underflows. What
    lies below the rounding of a factor counts as zero, and so does the slope of a unit whose state rounds to ±1.

    Raises
    ------
    ValueError
        The run is a batch.
    """
    if forward.x.ndim != 2:
        raise ValueError(f"x has shape {forward.x.shape}; take a single sequence, (T, D)")
    jacobians, W = forward.jacobians(), forward.net.W_hh
    T, H = len(jacobians), len(W)
    log_norm, direction = np.zeros(T + 1), np.empty((T + 1, H, H))
    product = direction[0] = np.eye(H)
    size, rounding = 0.0, H * np.finfo(float).eps
    sizes = np.linalg.svd(jacobians, compute_uv=False) if T else np.ones((0, 1))
    for n in range(1, T + 1):
        product = product @ jacobians[T - n]
        norm = np.linalg.norm(product, 2)
        norm = norm if norm > rounding * sizes[T - n, 0] else 0.0
        product = product / norm if norm > 0 else np.zeros((H, H))
        size = size + np.log(norm) if norm > 0 else -np.inf
        log_norm[n], direction[n] = size, product
    with np.errstate(divide="ignore"):
        smallest = np.log(np.where(sizes[:, -1] > rounding * sizes[:, 0], sizes[:, -1], 0.0))
        upper = np.log(STEEPEST[forward.net.activation] * spectral_norm(W))
    log_lower = np.concatenate([[0.0], np.cumsum(smallest[::-1])])
    log_upper = np.concatenate([[0.0], np.full(T, upper) * np.arange(1, T + 1)])
    return Product(log_norm, log_upper, log_lower, direction)


@np.errstate(under="ignore")
def matrix_with(radius: float, norm: float, H: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a matrix with a given spectral radius and a given spectral norm.

    In an orthonormal basis it is block-triangular: rotations scaled to the radius on the diagonal, and above them as
    much as it takes to reach the norm. With ``norm == radius`` it is a scaled rotation.

    Parameters
    ----------
    radius, norm
        Both at least 0; the norm of a matrix is never below its radius.
    H
        Its size, at least 2.
    rng
        Draws the angles, the part above the diagonal and the basis.

    Raises
    ------
    ValueError
        ``norm`` is below ``radius``, or another argument is out of range.
    """
    for name, value in (("radius", radius), ("norm", norm)):
        if not isinstance(value, Real):
            raise ValueError(f"{name} is {value!r}; give a number")
    if not 0 <= radius <= norm:
        raise ValueError(
            f"the spectral norm is {norm:g} and the spectral radius {radius:g}; "
            "the norm of a matrix is never below its radius"
        )
    if not np.isfinite(norm):
        raise ValueError(f"the spectral norm is {norm:g}; it must be finite")
    if check_count("H", H, 0, "units") < 2:
        raise ValueError(f"H is {H}; two sizes cannot be chosen apart with fewer than 2 units")
    turning = np.zeros((H, H))
    for k in range(0, H - 1, 2):
        angle = rng.uniform(0, 2 * np.pi)
        turning[k : k + 2, k : k + 2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    if H % 2:
        turning[-1, -1] = 1
    above = np.triu(rng.normal(size=(H, H)), 1)
    above[np.arange(0, H - 1, 2), np.arange(1, H, 2)] = 0  # these belong to the rotations
    if H == 2:  # there is nothing beside a single rotation, so the eigenvalues are real here
        turning, above = np.eye(2), np.array([[0.0, 1.0], [0.0, 0.0]])
    basis = np.linalg.qr(rng.normal(size=(H, H)))[0]
    inside = (radius / norm if norm > 0 else 0.0) * turning  # with norm 1: what is small is then small against that
    return norm * (basis @ (inside + _amount(inside, above) * above) @ basis.T)


def _amount(inside: NDArray, above: NDArray) -> float:
    """How much of ``above`` brings the norm to 1; the norm grows with it, so halving finds it."""
    if spectral_norm(inside) >= 1:
        return 0.0
    low, high = 0.0, 1.0
    while spectral_norm(inside + high * above) < 1:
        high *= 2
    for _ in range(52):
        middle = (low + high) / 2
        low, high = (middle, high) if spectral_norm(inside + middle * above) < 1 else (low, middle)
    return (low + high) / 2


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

    def run(self, T: int) -> Run:
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
