"""Real data: scanned digits laid side by side in strips, and a classifier of their columns.

The digits are the 1797 images of 8 × 8 pixels that scikit-learn carries (``load_digits``, from the UCI Optical
Recognition of Handwritten Digits set); nothing is downloaded. The last 510 are the test images: nothing is ever
fitted to them. The set is a sequence of 14 forms, each with the ten digits over and over, and a form begins at image
1287, so no form is in both parts. scikit-learn names 13 writers for the 14 forms, so one of them may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAP = "·"

STRIP_SYMBOLS = "0123456789" + GAP

STRIP_HEIGHT = 10

SHIFTS = 3  # a digit is 8 pixels high, so it starts in row 0, 1 or 2

TEST_IMAGES = 510

Split = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Strip:
    """Scanned digits side by side, one frame per column of pixels.

    Attributes
    ----------
    image
        (STRIP_HEIGHT, T) ink from 0 to 1.
    digits
        What is written, such as "3144".
    spans
        (K, 2) first column of ink of each digit, and the column after its last: the true boundaries.
    sources
        (K,) index of each image in ``load_digits``.
    """

    image: NDArray[np.float64]
    digits: str
    spans: NDArray[np.intp]
    sources: NDArray[np.intp]

    @property
    def target(self) -> str:
        """The digits with a gap before, between and after, the sequence that the columns really show."""
        return GAP + GAP.join(self.digits) + GAP

    @property
    def labels(self) -> str:
        """The true symbol of every column, T of them."""
        labels = [GAP] * self.image.shape[1]
        for digit, (start, end) in zip(self.digits, self.spans, strict=True):
            labels[start:end] = digit * (end - start)
        return "".join(labels)


def digit_strip(digits: str, rng: np.random.Generator, split: Split = "test", max_gap: int = 4) -> Strip:
    """Lay out a strip of scanned digits with random gaps and heights.

    Parameters
    ----------
    digits
        What to write, at least one of 0 … 9.
    rng
        Chooses the images, the gaps (1 to ``max_gap`` columns) and how far each digit is shifted up or down.
    split
        Draw images from the "train" or from the "test" part; no image is in both.
    max_gap
        Widest gap in columns, at least 1.

    Raises
    ------
    ValueError
        ``digits`` is empty or has something other than digits, or another argument is out of range.
    """
    if not digits or not set(digits) <= set("0123456789"):
        raise ValueError(f"digits is {digits!r}; write a string of digits such as '3144'")
    _check_gap(max_gap)
    available = [_images_of(split)[int(digit)] for digit in digits]
    sources = [of_digit[rng.integers(len(of_digit))] for of_digit in available]
    gaps, tops = [rng.integers(1, max_gap + 1)], []
    for _ in digits:
        tops.append(rng.integers(SHIFTS))
        gaps.append(rng.integers(1, max_gap + 1))
    (strip,) = _laid_out(scanned_digits()[0][[sources]], [digits], np.array([sources]), [tops], np.array([gaps]))
    return strip


def digit_strips(
    count: int,
    length: int,
    rng: np.random.Generator,
    split: Split,
    max_gap: int = 4,
    distortion: float = 0.0,
) -> list[Strip]:
    """Lay out many strips of random digits at once, in a fraction of the time :func:`digit_strip` takes for each.

    Parameters
    ----------
    count, length
        How many strips, and how many digits in each.
    rng
        Chooses everything random: any image of the split is as likely as any other.
    split, max_gap
        As for :func:`digit_strip`.
    distortion
        How much :func:`distort` is to change each image, every time that it is drawn.

    Raises
    ------
    ValueError
        ``count`` or ``length`` is less than 1, another argument is out of range, or an image is distorted out of sight.
    """
    if count < 1 or length < 1:
        raise ValueError(f"count is {count} and length {length}; ask for at least 1 strip of at least 1 digit")
    _check_gap(max_gap)
    scans, labels = scanned_digits()
    sources = rng.choice(_indices(split), (count, length))
    images = distort(scans[sources.ravel()], rng, distortion).reshape(count, length, *scans.shape[1:])
    if not images.any(axis=(2, 3)).all():
        raise ValueError(f"distortion is {distortion}, and left an image without ink; choose a smaller one")
    gaps = rng.integers(1, max_gap + 1, (count, length + 1))
    tops = rng.integers(SHIFTS, size=(count, length))
    return _laid_out(images, ["".join(map(str, row)) for row in labels[sources]], sources, tops, gaps)


def _check_gap(max_gap: int) -> None:
    if max_gap != int(max_gap) or max_gap < 1:
        raise ValueError(f"max_gap is {max_gap}; a gap is a whole number of columns, at least 1")


def _laid_out(
    images: NDArray[np.float64],
    digits: Sequence[str],
    sources: NDArray[np.intp],
    tops: ArrayLike,
    gaps: NDArray[np.intp],
) -> list[Strip]:
    """Crop (B, K, 8, 8) images to the columns of their ink and put them side by side, B strips of K.

    Each of the images begins ``tops``, (B, K), rows down; ``gaps``, (B, K + 1), columns lie before, between and after.
    """
    height, width = images.shape[2:]
    inked = images.any(axis=2)
    left, right = inked.argmax(axis=2), width - inked[..., ::-1].argmax(axis=2)
    ends = np.cumsum(gaps[:, :-1] + right - left, axis=1)
    spans = np.stack([ends - (right - left), ends], axis=2)
    strips = []
    for b, T in enumerate(ends[:, -1] + gaps[:, -1]):
        strip = np.zeros((STRIP_HEIGHT, T))
        for image, top, first, last, (start, end) in zip(images[b], tops[b], left[b], right[b], spans[b], strict=True):
            strip[top : top + height, start:end] = image[:, first:last]
        strips.append(Strip(strip, digits[b], spans[b], sources[b]))
    return strips


def random_digits(rng: np.random.Generator, shortest: int = 3, longest: int = 6) -> str:
    """Draw a string of digits whose length lies between ``shortest`` and ``longest``, both included.

    Raises
    ------
    ValueError
        Not 1 ≤ ``shortest`` ≤ ``longest``.
    """
    if not 1 <= shortest <= longest:
        raise ValueError(f"shortest is {shortest} and longest {longest}; it must be 1 ≤ shortest ≤ longest")
    return "".join(str(d) for d in rng.integers(10, size=rng.integers(shortest, longest + 1)))


@cache
def scanned_digits() -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the images, (1797, 8, 8) with ink from 0 to 1, and their labels, (1797,)."""
    from sklearn.datasets import load_digits  # costs a second, and only strips need it

    bunch = load_digits()
    return bunch.images / 16.0, bunch.target


def distort(images: ArrayLike, rng: np.random.Generator, amount: float = 1.0) -> NDArray[np.float64]:
    """Turn, slant, stretch and shift every image a little, each in its own way, as other hands might have written it.

    Parameters
    ----------
    images
        (n, height, width) ink from 0 to 1.
    rng
        Chooses the affine maps.
    amount
        0 leaves the images as they are; at 1 a slant is typically 9 degrees and a stretch 8 %.
    """
    images = np.asarray(images, dtype=float)
    n, height, width = images.shape
    turn, slant, stretch_x, stretch_y = amount * rng.normal(0, [[0.12], [0.15], [0.08], [0.08]], (4, n))
    shift = amount * rng.normal(0, 0.25, (2, n, 1, 1))  # in pixels
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    cos, sin = np.cos(turn)[:, None, None], np.sin(turn)[:, None, None]
    from_x = np.exp(stretch_x)[:, None, None] * cos * x + (slant[:, None, None] - sin) * y + shift[0]
    from_y = sin * x + np.exp(stretch_y)[:, None, None] * cos * y + shift[1]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    row = np.clip(from_y + (height + 1) / 2, 0, height + 0.999)
    column = np.clip(from_x + (width + 1) / 2, 0, width + 0.999)
    top, left = row.astype(int), column.astype(int)
    down, right, each = row - top, column - left, np.arange(n)[:, None, None]
    upper = padded[each, top, left] * (1 - right) + padded[each, top, left + 1] * right
    lower = padded[each, top + 1, left] * (1 - right) + padded[each, top + 1, left + 1] * right
    ink = upper * (1 - down) + lower * down
    return np.where(ink < 0.06, 0, ink)  # what a scanner would not see


def column_windows(image: ArrayLike, reach: int = 4) -> NDArray[np.float64]:
    """Give every column of an image its neighbours: (T, height × (2 reach + 1)) features, zeros outside."""
    padded = np.pad(np.asarray(image, dtype=float), ((0, 0), (reach, reach)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    return windows.transpose(1, 0, 2).reshape(windows.shape[1], -1)


def symbol_columns(labels: str) -> NDArray[np.intp]:
    """Return the index of each label in ``STRIP_SYMBOLS``."""
    return np.array([STRIP_SYMBOLS.index(symbol) for symbol in labels])


def _indices(split: Split) -> NDArray[np.intp]:
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; choose 'train' or 'test'")
    every = np.arange(len(scanned_digits()[1]))
    return every[:-TEST_IMAGES] if split == "train" else every[-TEST_IMAGES:]


@cache
def _images_of(split: Split) -> list[NDArray[np.intp]]:
    """For each of the ten digits, which images of the split show it."""
    available = _indices(split)
    return [available[scanned_digits()[1][available] == digit] for digit in range(10)]
