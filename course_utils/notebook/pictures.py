"""Pictures that are not played: a matplotlib figure with words for those who cannot see it."""

from base64 import b64encode
from io import BytesIO
from time import monotonic

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure


class Picture:
    """A finished figure with words for those who cannot see it."""

    def __init__(self, png: bytes, alt: str):
        self.png, self.alt = png, alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        image = {"alt": self.alt, "needs_background": "light"}
        return {"image/png": b64encode(self.png).decode(), "text/plain": f"Picture: {self.alt}"}, {"image/png": image}


def show(figure: Figure, alt: str) -> None:
    """Display a matplotlib figure with alternative text, and close it.

    Parameters
    ----------
    figure
        What to draw.
    alt
        What a reader should see in it, in a sentence. Also the text that stands for the picture where none can be
        shown.

    Raises
    ------
    ValueError
        ``alt`` is empty.
    """
    if not alt.strip():
        raise ValueError("alt is empty; say in a sentence what the picture shows")
    display(Picture(_png(figure), alt))


class LiveCurves:
    """Loss and error rate, drawn again and again while a cell trains, with a bar that says how far it is.

    To be called with the number of iterations done and the curves so far, as
    :func:`course_utils.strip_reader.train_reader` does with its ``watch``.

    Parameters
    ----------
    iterations
        How many there will be.
    alt
        What a reader should see in the finished picture.
    """

    SECONDS = 1.5  # between two drawings, each of which takes about a tenth of a second from the training

    def __init__(self, iterations: int, alt: str):
        self.iterations, self.alt = iterations, alt
        self.began = self.drawn = monotonic()
        self.handle = None

    def __call__(self, done: int, curves) -> None:
        """Draw anew, unless that was done a moment ago."""
        now, finished = monotonic(), done >= self.iterations
        if self.handle is not None and now - self.drawn < self.SECONDS and not finished:
            return
        picture = Picture(_png(self.figure(done, curves, now - self.began)), self.alt)
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)
        self.drawn = monotonic()

    def figure(self, done: int, curves, seconds: float) -> Figure:
        """Draw the curves, and the bar above them while training goes on."""
        figure, axes = plt.subplot_mosaic(
            [["bar", "bar"], ["loss", "error"]], height_ratios=[0.06, 1], figsize=(8, 3.2), layout="constrained"
        )
        left = seconds / done * (self.iterations - done)
        ending = f"{left:.0f} s to go" if done < self.iterations else f"{seconds:.0f} s"
        axes["bar"].barh(0, done, color="#009E73")
        axes["bar"].set(xlim=(0, self.iterations), xticks=[], yticks=[])
        axes["bar"].set_title(f"iteration {done} of {self.iterations}, {ending}", fontsize=10)
        n, loss = np.array(curves.loss).T
        axes["loss"].semilogy(n, loss, color="#0072B2", alpha=0.25, linewidth=0.8)
        span = min(50, len(loss))
        axes["loss"].semilogy(n[span - 1 :], np.convolve(loss, np.ones(span) / span, "valid"), color="#0072B2")
        axes["loss"].set(xlabel="iteration", ylabel="loss, nats a digit", xlim=(0, self.iterations))
        if curves.error:
            n, error = np.array(curves.error).T
            axes["error"].plot(n, 100 * error, "o-", color="#D55E00", markersize=3)
        axes["error"].set(xlabel="iteration", ylabel="errors, % of digits", xlim=(0, self.iterations), ylim=(0, 105))
        return figure


def _png(figure: Figure) -> bytes:
    """Draw a figure into the bytes of a PNG file, and close it."""
    with BytesIO() as file:
        figure.savefig(file, format="png", dpi=110, bbox_inches="tight", facecolor="white")
        plt.close(figure)
        return file.getvalue()
