"""What repeated multiplication does to a gradient: products of Jacobians, their norms and their bounds (section 5.4).

The derivative of the last state of a run with respect to an earlier one is a product of Jacobians, the last one on the
left: dh_T / dh_t = J_T J_{T−1} … J_{t+1} with J_t = diag(φ'(z_t)) W_hh. Its size is its spectral norm.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.activations import LARGEST_SLOPE
from course_utils.losses import as_numbers, check_count
from course_utils.rnn import ForwardPass


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
    forward
        The run whose Jacobians are multiplied.
    factors
        (T, H, H) they themselves in the order of multiplication, J_{T−1} first.
    factor_norms
        (T,) their spectral norms.
    W_norm, W_radius
        Spectral norm and spectral radius of W_hh.
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

    forward: ForwardPass
    factors: NDArray[np.float64]
    factor_norms: NDArray[np.float64]
    W_norm: float
    W_radius: float
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
def product_of_jacobians(forward: ForwardPass, radius: float | None = None) -> Product:
    """Multiply the Jacobians of a run of a single sequence, from the last one back.

    The product is rescaled at every factor, so that its logarithm is right where the product itself underflows. What
    lies below the rounding of a factor counts as zero, and so does the slope of a unit whose state rounds to ±1.

    Parameters
    ----------
    forward
        A single sequence; it may have no steps.
    radius
        Spectral radius of W_hh, where it is known better than it can be computed: of a matrix far from normal, the
        eigenvalues that are found may be off in their second digit.

    Raises
    ------
    ValueError
        The run is a batch.
    """
    if forward.x.ndim != 2:
        raise ValueError(f"x has shape {forward.x.shape}; take a single sequence, (T, D)")
    W, factors = forward.net.W_hh, forward.jacobians()[::-1]
    T, H = len(factors), len(W)
    log_norm, direction = np.zeros(T + 1), np.empty((T + 1, H, H))
    product = direction[0] = np.eye(H)
    size, rounding = 0.0, H * np.finfo(float).eps
    sizes = np.linalg.svd(factors, compute_uv=False) if T else np.ones((0, 1))
    for n in range(1, T + 1):
        product = product @ factors[n - 1]
        norm = np.linalg.norm(product, 2)
        norm = norm if norm > rounding * sizes[n - 1, 0] else 0.0
        product = product / norm if norm > 0 else np.zeros((H, H))
        size = size + np.log(norm) if norm > 0 else -np.inf
        log_norm[n], direction[n] = size, product
    W_norm = spectral_norm(W)
    with np.errstate(divide="ignore"):
        smallest = np.log(np.where(sizes[:, -1] > rounding * sizes[:, 0], sizes[:, -1], 0.0))
        upper = np.log(LARGEST_SLOPE[forward.net.activation] * W_norm)
    log_lower = np.concatenate([[0.0], np.cumsum(smallest)])
    log_upper = np.concatenate([[0.0], np.full(T, upper) * np.arange(1, T + 1)])
    W_radius = spectral_radius(W) if radius is None else radius
    return Product(forward, factors, sizes[:, 0], W_norm, W_radius, log_norm, log_upper, log_lower, direction)


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
