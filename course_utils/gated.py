"""What the networks with gates have in common: their parameters, sequences and batches, and the names torch gives (chapter 11).

:mod:`course_utils.lstm` and :mod:`course_utils.gru` hold the networks. Arrays are time-first, ``[t, b, d]`` for a batch of B
sequences of one length and ``[t, d]`` for a single one; everything counts from 0. The rows of a matrix of weights are
those of all gates, one block of H rows for each.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled
from course_utils.losses import as_numbers, check_count, is_number

Gradients = dict[str, NDArray]
TORCH_NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class Gated:
    """A frozen dataclass of parameters, W_x and W_h among them, for a network with D inputs and H units.

    It computes in float32 where all its parameters are float32, and else in float64, whatever the inputs are.
    """

    @property
    def H(self) -> int:
        """Number of units."""
        return self.W_h.shape[1]

    @property
    def D(self) -> int:
        """Number of inputs."""
        return self.W_x.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Type of the parameters, and of everything computed with them."""
        return self.W_x.dtype

    @property
    def parameters(self) -> Gradients:
        """All that the network has, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    @property
    def count(self) -> int:
        """How many numbers the network has."""
        return sum(value.size for value in self.parameters.values())

    def with_parameters(self, **parameters: ArrayLike) -> Self:
        """Return a network with some of the parameters replaced."""
        return replace(self, **parameters)

    def _settle(self, blocks: int, optional: Mapping[str, Callable[[int], tuple[int, ...]]]) -> None:
        """Check W_x and W_h of so many blocks, and what else there is by its shape, from H; keep copies of one type."""
        found = {"W_x": _finite("W_x", self.W_x), "W_h": _finite("W_h", self.W_h)}
        rows, H = found["W_h"].shape if found["W_h"].ndim == 2 else (0, 0)
        if H == 0 or rows != blocks * H:
            raise ValueError(f"W_h has shape {found['W_h'].shape}; it must be ({blocks} H, H) for H units")
        if found["W_x"].ndim != 2 or len(found["W_x"]) != rows or found["W_x"].size == 0:
            raise ValueError(f"W_x has shape {found['W_x'].shape}; W_h has {H} units, so it must be ({rows}, inputs)")
        for name, shape in optional.items():
            value = getattr(self, name)
            if value is not None:
                found[name] = _finite(name, value)
                if found[name].shape != shape(H):
                    raise ValueError(f"{name} has shape {found[name].shape}; it must be {shape(H)}")
        dtype = np.result_type(*found.values())
        for name, value in found.items():
            object.__setattr__(self, name, value.astype(dtype))


def _finite(name: str, values: ArrayLike, dtype: np.dtype | None = None) -> NDArray:
    """Return a copy, in float32 if the values are and no type is asked for; raise a ValueError unless all are finite then."""
    is_single = isinstance(values, np.ndarray) and values.dtype == np.float32
    values = values if is_single else as_numbers(name, values)
    with np.errstate(over="ignore", under="ignore"):
        found = np.array(values, dtype, order="C")
    if not np.isfinite(found).all():
        where = tuple(np.argwhere(~np.isfinite(found))[0].tolist())
        raise ValueError(
            f"{name}[{', '.join(map(str, where))}] is {values[where]}, which is not finite in {found.dtype}"
        )
    return found


def random_weights(rng: np.random.Generator, blocks: int, D: int, H: int, scale: float) -> tuple[NDArray, NDArray]:
    """Draw W_x and W_h: normal with standard deviation scale / √(number of their inputs).

    Raises
    ------
    ValueError
        A size is not an integer from 1 on, or the scale is negative.
    """
    D, H = check_count("D", D, 1, "inputs"), check_count("H", H, 1, "units")
    if not (is_number(scale) and scale >= 0):
        raise ValueError(f"scale is {scale!r}; it is a finite number, 0 or more")
    return tuple(rng.normal(0, scale / np.sqrt(columns), (blocks * H, columns)) for columns in (D, H))


# -- sequences and batches


def as_batch(net: Gated, x: ArrayLike) -> NDArray:
    """Return a copy of the inputs as (T, B, D), a single sequence as a batch of one.

    Raises
    ------
    ValueError
        The network does not take them, or one is not finite.
    """
    x = _finite("x", x, net.dtype)
    if x.ndim not in (2, 3) or x.shape[-1] != net.D:
        raise ValueError(
            f"x has shape {x.shape}; the network has {net.D} inputs, so it must be (T, {net.D}) or (T, B, {net.D})"
        )
    return x[:, None] if x.ndim == 2 else x


def started(net: Gated, name: str, start: ArrayLike | None, shape: tuple[int, ...]) -> NDArray:
    """Return an empty (T + 1, B, H) table with what is there before the first step in its first row.

    ``shape`` is that of the inputs, (T, …, D); ``start`` is (H,) or (…, H), and zeros by default.

    Raises
    ------
    ValueError
        ``start`` has another shape, or is not finite.
    """
    T, *batch, _ = shape
    table = np.empty((T + 1, *(batch or [1]), net.H), net.dtype)
    start = np.zeros(net.H) if start is None else _finite(name, start, net.dtype)
    if start.shape not in ((net.H,), (*batch, net.H)):
        raise ValueError(f"{name} has shape {start.shape}; it must be {(*batch, net.H)}")
    table[0] = start
    return table


def derivatives(name: str, values: ArrayLike, like: NDArray) -> NDArray:
    """Return derivatives with respect to what an array holds as an array of its type.

    Raises
    ------
    ValueError
        The shape is another, or one is not finite.
    """
    values = _finite(name, values, like.dtype)
    if values.shape != like.shape:
        raise ValueError(f"{name} has shape {values.shape}; it must be {like.shape}")
    return values


def batched(table: NDArray, ndim: int) -> NDArray:
    """Return a table of the results as (T, B, …); ``ndim`` is that of the inputs."""
    return table[:, None] if ndim == 2 else table


def unbatched(table: NDArray, ndim: int) -> NDArray:
    """Return a (T, B, …) table as (T, …) where the inputs are a single sequence."""
    return table[:, 0] if ndim == 2 else table


def of_all_steps(rows: NDArray, W: NDArray) -> NDArray:
    """Return ``rows @ W`` as a single matrix product: by itself, NumPy makes one of each step."""
    return (flat(rows) @ W).reshape(*rows.shape[:-1], W.shape[1])


def flat(table: NDArray) -> NDArray:
    """Return a (T, …, n) table as (T × B, n)."""
    return table.reshape(-1, table.shape[-1])


def compiled_pass(name: str, size: int) -> Callable[..., None] | None:
    """Return the compiled loops of that name, or None where NumPy has to do, or does as well for a table of that size."""
    loops = compiled.loops("gates") if compiled.is_worth_it(size) else None
    return None if loops is None else getattr(loops, name)


# -- weights of torch


def read_torch(weights: Mapping[str, ArrayLike], blocks: int) -> list[NDArray]:
    """Return W_ih, W_hh, b_ih and b_hh of a one-layer, one-way module of torch; biases it has not are zeros.

    Raises
    ------
    ValueError
        A matrix is missing, or there is something that our networks have not.
    """
    more = sorted(set(weights) - set(TORCH_NAMES))
    if more:
        raise ValueError(
            f"weights holds {', '.join(more)}; only one layer in one direction, without projection, is ours"
        )
    missing = [name for name in TORCH_NAMES[:2] if name not in weights]
    if missing:
        raise ValueError(f"weights lacks {' and '.join(missing)}")
    found = {name: _as_array(value) for name, value in weights.items()}
    none = np.zeros(len(found["weight_ih_l0"]), found["weight_ih_l0"].dtype)
    read = [found.get(name, none) for name in TORCH_NAMES]
    for name, bias in zip(TORCH_NAMES[2:], read[2:], strict=True):
        if bias.shape != none.shape or len(none) % blocks:
            raise ValueError(f"{name} has shape {bias.shape}; weight_ih_l0 has {len(none)} rows in {blocks} blocks")
    return read


def _as_array(value: ArrayLike) -> NDArray:
    """Return a tensor, also one that wants a gradient, as an array; torch need not be imported for that."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
