"""A classifier of single columns of a strip of digits: what chapters 2 and 8 have instead of a network."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.data import STRIP_SYMBOLS, Strip, column_windows, digit_strip, random_digits, symbol_columns


class ColumnClassifier:
    """Say for each column of a strip which symbol it shows, from a window of columns around it.

    An MLP with one hidden layer, fitted when it is made, in about two seconds, to strips of training images.
    It has no memory and sees no order: what it lacks, the alignment adds.

    Parameters
    ----------
    strips
        How many training strips of 3 to 6 digits to lay out.
    hidden
        Width of the hidden layer.
    reach
        Columns that it sees on either side.
    epochs
        Passes over the training columns.
    seed
        Of the strips, the initial weights and the order of training.
    """

    def __init__(self, strips: int = 600, hidden: int = 64, reach: int = 5, epochs: int = 25, seed: int = 0):
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng(seed)
        train = [digit_strip(random_digits(rng), rng, "train") for _ in range(strips)]
        windows = np.vstack([column_windows(strip.image, reach) for strip in train])
        symbols = np.concatenate([symbol_columns(strip.labels) for strip in train])
        self.reach = reach
        self._network = MLPClassifier((hidden,), alpha=1e-3, learning_rate_init=3e-3, random_state=seed)
        with threadpool_limits(1):  # the matrices are small: threads cost more than they give, much more on busy cores
            for _ in range(epochs):
                self._network.partial_fit(windows, symbols, classes=np.arange(len(STRIP_SYMBOLS)))

    def log_posteriors(self, image: ArrayLike) -> NDArray[np.float64]:
        """Return (T, 11) natural log-probabilities of the columns of an image, in the order of ``STRIP_SYMBOLS``."""
        return self._network.predict_log_proba(column_windows(image, self.reach))

    def accuracy(self, strips: list[Strip]) -> float:
        """Share of the columns of these strips whose most probable symbol is the true one."""
        guesses = [self.log_posteriors(strip.image).argmax(axis=1) == symbol_columns(strip.labels) for strip in strips]
        return float(np.concatenate(guesses).mean())
