"""A linear recurrence h_t = W h_{t−1}: what its eigenvalues decide, and what they do not (section 10.1).

In the long run the powers of W grow like the spectral radius: ‖Wⁿ‖^(1/n) tends to it (Gelfand 1941). On the way there they
may first grow a great deal, where W is not normal (Trefethen and Embree 2005).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.jacobians import spectral_norm, spectral_radius
from course_utils.losses import as_numbers, check_count, is_number


def pair(radius: float, angle: float, shear: float = 1.0) -> NDArray[np.float64]:
    """Return a 2 × 2 matrix with the eigenvalues radius · e^(± i angle).

    Parameters
    ----------
    radius
        At least 0.
    angle
        In radians; 0 gives the same eigenvalue twice.
    shear
        At least 1. At 1 the matrix is normal, a rotation that also scales, and its norm is the radius; the larger, the
        further its norm is above that.

    Raises
    ------
    ValueError
        A number is not finite or out of range.
    """
    for name, value, least in (("radius", radius, 0), ("shear", shear, 1)):
        if not (is_number(value) and value >= least):
            raise ValueError(f"{name} is {value!r}; it is a finite number from {least} on")
    if not is_number(angle):
        raise ValueError(f"angle is {angle!r}; it is a finite number of radians")
    cos, sin = np.cos(angle), np.sin(angle)
    return radius * np.array([[cos, -shear * sin], [sin / shear, cos]])


def orbit(W: ArrayLike, h_init: ArrayLike, T: int) -> NDArray[np.float64]:
    """Return the (T + 1, H) states h_0, W h_0, … of T steps.

    Raises
    ------
    ValueError
        W is not square, the state does not fit, or a number is not finite.
    """
    W, h, T = _square(W), as_numbers("h_init", h_init), check_count("T", T, 0)
    if h.shape != (len(W),):
        raise ValueError(f"h_init has shape {h.shape}; W has {len(W)} rows, so it must be ({len(W)},)")
    states = np.empty((T + 1, len(W)))
    states[0] = h
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for t in range(T):
            states[t + 1] = W @ states[t]
    return states


@dataclass(frozen=True, eq=False)
class PulseResponse:
    """What becomes of a pulse into the first of some units.

    Attributes
    ----------
    activation
        "identity" or "tanh".
    states
        (T + 1, H), the pulse itself first.
    eigenvalues
        (H,) complex, of the weights.
    powers
        Of the weights, up to W^T.
    kreiss
        Kreiss constant of the weights; infinite where their spectral radius is above 1.
    """

    activation: str
    states: NDArray[np.float64]
    eigenvalues: NDArray[np.complex128]
    powers: "Powers"
    kreiss: float


def pulse_response(W: ArrayLike, T: int, activation: str = "identity") -> PulseResponse:
    """Follow h ← φ(W h) for T steps from h_0 = (1, 0, …).

    Raises
    ------
    ValueError
        W is not square, a number is not finite, or the activation is another one.
    """
    if activation not in ("identity", "tanh"):
        raise ValueError(f"activation is {activation!r}; choose 'identity' or 'tanh'")
    W, T = _square(W), check_count("T", T, 0)
    states = np.zeros((T + 1, len(W)))
    states[0, 0] = 1
    for t in range(T):
        states[t + 1] = W @ states[t]
        if activation == "tanh":
            np.tanh(states[t + 1], out=states[t + 1])
    taken, eigenvalues = powers(W, T), np.linalg.eigvals(W).astype(complex)
    kreiss = kreiss_constant(W) if taken.radius <= 1 + 1e-12 else float("inf")
    return PulseResponse(activation, states, eigenvalues, taken, kreiss)


@dataclass(frozen=True, eq=False)
class Powers:
    """The powers W⁰ … W^N of a matrix, by their spectral norms.

    Attributes
    ----------
    W
        (H, H).
    log_norm
        (N + 1,) natural logarithm of each norm; −inf where a power is zero.
    radius, norm
        Spectral radius and spectral norm of W.
    """

    W: NDArray[np.float64]
    log_norm: NDArray[np.float64]
    radius: float
    norm: float

    @property
    def gelfand(self) -> NDArray[np.float64]:
        """(N,) ‖Wⁿ‖^(1/n) for n from 1 on, which tends to the radius and never falls below it."""
        n = np.arange(1, len(self.log_norm))
        return np.exp(self.log_norm[1:] / n)

    @property
    def peak(self) -> tuple[int, float]:
        """Return the exponent with the largest norm, and that norm."""
        n = int(self.log_norm.argmax())
        return n, float(np.exp(self.log_norm[n]))


def powers(W: ArrayLike, N: int) -> Powers:
    """Take the powers of a matrix up to the N-th, each divided by its norm on the way, so that none over- or underflows.

    Raises
    ------
    ValueError
        W is not square, or has a number that is not finite.
    """
    W, N = _square(W), check_count("N", N, 0, "powers")
    direction, log_norm = np.eye(len(W)), np.zeros(N + 1)
    for n in range(1, N + 1):
        direction = W @ direction
        size = np.linalg.norm(direction, 2)
        if size == 0:
            log_norm[n:] = -np.inf
            break
        log_norm[n] = log_norm[n - 1] + np.log(size)
        direction = direction / size
    return Powers(W, log_norm, spectral_radius(W), spectral_norm(W))


def kreiss_constant(W: ArrayLike, circles: int = 60, angles: int = 120) -> float:
    """Largest (|z| − 1) ‖(z − W)⁻¹‖ outside of the unit circle; no power of W stays below it for ever.

    The supremum of the norms of all powers lies between this and e · H times this (Kreiss matrix theorem; Trefethen and
    Embree 2005, section 18). It is searched on circles around the origin and then refined around the best place, so
    what is returned is never too large.

    Raises
    ------
    ValueError
        W is not square, has a number that is not finite, or an eigenvalue outside of the unit circle: the powers then
        grow without bound.
    """
    W = _square(W)
    if spectral_radius(W) > 1 + 1e-12:
        raise ValueError(f"the spectral radius is {spectral_radius(W):.6g}; the constant is finite only up to 1")
    log_excess, angle = (
        np.linspace(np.log(1e-6), np.log(1e3), circles),
        np.linspace(0, 2 * np.pi, angles, endpoint=False),
    )
    step = log_excess[1] - log_excess[0], angle[1] - angle[0]
    largest = 1.0  # far away from the origin
    for _ in range(8):
        found = _resolvents(W, np.exp(log_excess)[:, None], angle)
        e, a = np.unravel_index(found.argmax(), found.shape)
        largest = max(largest, float(found[e, a]))
        log_excess = np.linspace(log_excess[e] - step[0], log_excess[e] + step[0], 7)
        angle = np.linspace(angle[a] - step[1], angle[a] + step[1], 7)
        step = step[0] / 3, step[1] / 3
    return largest


def _resolvents(W: NDArray, excess: NDArray, angle: NDArray) -> NDArray[np.float64]:
    """Return (|z| − 1) ‖(z − W)⁻¹‖ for all |z| = 1 + excess and angles."""
    z = (1 + excess) * np.exp(1j * angle)
    if len(W) == 2:
        smallest = _smallest_of_two(z - W[0, 0], -W[0, 1], -W[1, 0], z - W[1, 1])
    else:
        smallest = np.linalg.svd(z[..., None, None] * np.eye(len(W)) - W, compute_uv=False)[..., -1]
    with np.errstate(divide="ignore"):
        return excess / smallest


def _smallest_of_two(a: NDArray, b: NDArray, c: NDArray, d: NDArray) -> NDArray[np.float64]:
    """Return the smaller singular value of [[a, b], [c, d]]: the product of both is |det|, the sum of their squares known.

    The larger one has no cancellation in it. That is a hundred times as fast as to decompose each.
    """
    det = np.abs(a * d - b * c)
    squares = sum(np.abs(entry) ** 2 for entry in (a, b, c, d))
    larger = np.sqrt((squares + np.sqrt(np.maximum(squares**2 - 4 * det**2, 0))) / 2)
    with np.errstate(invalid="ignore"):
        return np.where(larger > 0, det / larger, 0)


def _square(W: ArrayLike) -> NDArray[np.float64]:
    spectral_radius(W)  # which says what is wrong with it
    return as_numbers("W", W)
