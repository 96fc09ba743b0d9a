"""The structures that map sequences to sequences, as small networks whose Jacobians say who sees whom (chapter 1).

Each is a plain function from (S, D) inputs to (T, A) outputs; S and T need not be equal. Which input reaches which
output is not claimed but measured: the Jacobian is computed by complex steps, f(x + i s) with a tiny s, whose imaginary
part is s times the derivative, exact to rounding (Squire and Trapp, 1998).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Structure = Literal[
    "one to one",
    "many to one",
    "one to many",
    "time-synchronous",
    "time-synchronous, both directions",
    "encoder-decoder",
]
Feed = Literal["at every step", "at the start", "autoregressive"]
STRUCTURES: tuple[Structure, ...] = Structure.__args__
_COMPLEX_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Network:
    """A structure with weights: call it with inputs.

    Attributes
    ----------
    structure
        Its name.
    function
        From (S, D) to (T, A), for complex numbers as well.
    S, T, D
        How many inputs, how many outputs, and the size of an input.
    """

    structure: Structure
    function: Callable[[NDArray], NDArray]
    S: int
    T: int
    D: int

    def __call__(self, x: ArrayLike) -> NDArray:
        """Return the (T, A) outputs for (S, D) inputs.

        Raises
        ------
        ValueError
            ``x`` has another shape.
        """
        x = np.asarray(x)
        if x.shape != (self.S, self.D):
            raise ValueError(f"x has shape {x.shape}; this network takes {(self.S, self.D)}")
        return self.function(x)


def network(
    structure: Structure,
    T: int = 5,
    *,
    S: int | None = None,
    width: int = 3,
    D: int = 2,
    A: int = 2,
    feed: Feed = "at every step",
    seed: int = 0,
) -> Network:
    """Build one of the structures with random weights.

    Parameters
    ----------
    structure
        One of ``STRUCTURES``.
    T
        Number of outputs; of inputs as well, unless the structure has a number of its own or ``S`` says otherwise.
    S
        Number of inputs of an encoder-decoder and of "many to one"; T by default.
    width
        Units of the state. In an encoder-decoder all that the outputs know of the inputs goes through so many numbers.
    D, A
        Size of an input and of an output.
    feed
        How "one to many" gets its input: at every step, at step 0 only, or at step 0 and with each output fed back as
        the next input.
    seed
        Of the weights.

    Raises
    ------
    ValueError
        There is no such structure or way to feed, or a size is below 1.
    """
    if structure not in STRUCTURES:
        raise ValueError(f"structure is {structure!r}; choose one of {', '.join(STRUCTURES)}")
    if feed not in Feed.__args__:
        raise ValueError(f"feed is {feed!r}; choose one of {', '.join(Feed.__args__)}")
    S = T if S is None else S
    for name, size in (("T", T), ("S", S), ("width", width), ("D", D), ("A", A)):
        if size < 1 or size != int(size):
            raise ValueError(f"{name} is {size}; it is a number of things, at least 1")
    weights = _Weights(np.random.default_rng(seed), D, width, A)
    if structure == "one to one":
        return Network(structure, weights.each, T, T, D)
    if structure == "many to one":
        return Network(structure, lambda x: weights.out(weights.states(x)[-1:]), S, 1, D)
    if structure == "one to many":
        return Network(structure, lambda x: weights.generate(x[0], T, feed), 1, T, D)
    if structure == "time-synchronous":
        return Network(structure, lambda x: weights.out(weights.states(x)), T, T, D)
    if structure == "time-synchronous, both directions":
        return Network(structure, lambda x: weights.out(weights.states(x)) + weights.out_back(x), T, T, D)
    return Network(structure, lambda x: weights.decode(weights.states(x)[-1], T), S, T, D)


def jacobian(f: Callable[[NDArray], NDArray], x: ArrayLike) -> NDArray[np.float64]:
    """Differentiate every output with respect to every input, (T, A, S, D), exact to rounding.

    Parameters
    ----------
    f
        From (S, D) to (T, A); made of operations that NumPy knows for complex numbers and that are differentiable
        there, such as sums, products and tanh, but not the absolute value.
    x
        (S, D) real inputs, where.

    Raises
    ------
    ValueError
        ``f`` loses the imaginary part, as what converts its inputs to float64 does; :func:`course_utils.rnn.run` does.
    """
    x = np.asarray(x, dtype=np.float64)
    found = np.empty((*np.shape(f(x)), *x.shape))
    for k in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[k] += 1j * _COMPLEX_STEP
        found[(..., *k)] = _complex(f, moved).imag / _COMPLEX_STEP
    return found


def _complex(f: Callable[[NDArray], NDArray], x: NDArray) -> NDArray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            found = np.asarray(f(x))
        except np.exceptions.ComplexWarning:
            found = np.zeros(())
    if not np.iscomplexobj(found):
        raise ValueError("f must keep complex numbers as they are; it turned them into real ones")
    return found


def dependence(f: Callable[[NDArray], NDArray], x: ArrayLike) -> NDArray[np.float64]:
    """How strongly each output answers to each input: (T, S) spectral norms of the blocks dy_t / dx_s."""
    return np.linalg.norm(jacobian(f, x).transpose(0, 2, 1, 3), ord=2, axis=(2, 3))


class _Weights:
    """Random weights, and the few maps that all structures are made of."""

    def __init__(self, rng: np.random.Generator, D: int, width: int, A: int):
        def draw(rows, columns):
            return rng.normal(0, columns**-0.5, (rows, columns))

        self.W_xh, self.W_hh, self.W_hy = draw(width, D), draw(width, width), draw(A, width)
        self.W_xh_back, self.W_hh_back, self.W_hy_back = draw(width, D), draw(width, width), draw(A, width)
        self.W_yh = draw(width, A)
        self.width = width

    def each(self, x):
        return self.out(np.tanh(x @ self.W_xh.T))

    def states(self, x):
        h, found = np.zeros(self.width), []
        for frame in x:
            h = np.tanh(self.W_xh @ frame + self.W_hh @ h)
            found.append(h)
        return np.array(found)

    def out(self, h):
        return h @ self.W_hy.T

    def out_back(self, x):
        h, found = np.zeros(self.width), []
        for frame in x[::-1]:
            h = np.tanh(self.W_xh_back @ frame + self.W_hh_back @ h)
            found.append(self.W_hy_back @ h)
        return np.array(found[::-1])

    def generate(self, x, T, feed):
        h, y, found = np.zeros(self.width), None, []
        for t in range(T):
            into = self.W_hh @ h
            if feed == "at every step" or t == 0:
                into = into + self.W_xh @ x
            if feed == "autoregressive" and t > 0:
                into = into + self.W_yh @ y
            h = np.tanh(into)
            y = self.W_hy @ h
            found.append(y)
        return np.array(found)

    def decode(self, context, T):
        h, y, found = context, np.zeros(len(self.W_hy)), []
        for _ in range(T):
            h = np.tanh(self.W_hh_back @ h + self.W_yh @ y)
            y = self.W_hy_back @ h
            found.append(y)
        return np.array(found)
