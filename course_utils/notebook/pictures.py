"""Pictures that are not played: a matplotlib figure with words for those who cannot see it."""

import re
from base64 import b64encode
from html import escape
from io import BytesIO
from time import monotonic

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib.figure import Figure

from course_utils.scenes.svg import hues

PIXELS_A_POINT = 1.4
SIZE = re.compile(rb'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"')
# A plot is drawn on nothing, in dark colours. In a dark theme each becomes a light one of the same hue.
DARK = (
    '[data-jp-theme-light="false"] .rc-plot,.vscode-dark .rc-plot'
    "{background:none!important;filter:invert(1) hue-rotate(180deg)}"
    "@media (prefers-color-scheme:dark){body:not([data-jp-theme-light],.vscode-light) .rc-plot"
    "{background:none!important;filter:invert(1) hue-rotate(180deg)}}"
    "@media print{.rc-plot{filter:none!important}}"
)
# The hues of the steppers, as C0, C1 ... of every plot; what they stand for in a stepper goes first where it fits.
CYCLE = ("state", "now", "output", "posterior", "input", "gradient")
plt.rcParams.update(
    {
        "axes.prop_cycle": cycler(color=[hues()[name] for name in CYCLE]),
        "image.cmap": "Blues",  # from the paper to a dark hue, so that a table of small numbers is no slab in either theme
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "course",
    }
)


class Picture:
    """A finished figure with words for those who cannot see it, in the colours of whatever theme it is shown in."""

    def __init__(self, svg: bytes, width: int, height: int, alt: str):
        self.svg, self.width, self.height, self.alt = svg, width, height, alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        image = b64encode(self.svg).decode()
        # The words stand in the element itself: JupyterLab does not tell a screen reader of an output's metadata.
        html = (
            f'<style>{DARK}</style><img class="rc-plot" alt="{escape(self.alt)}" style="background:#fff;max-width:100%;height:auto" '
            f'width="{self.width}" height="{self.height}" src="data:image/svg+xml;base64,{image}">'
        )
        return {"text/html": html, "text/plain": f"Picture: {self.alt}"}


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
    display(drawn(figure, alt))


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
    POINTS = 400  # of a curve are drawn: more cannot be told apart, and take time and room

    def __init__(self, iterations: int, alt: str):
        self.iterations, self.alt = iterations, alt
        self.began = self.drawn = monotonic()
        self.handle = None

    def __call__(self, done: int, curves) -> None:
        """Draw anew, unless that was done a moment ago."""
        now, finished = monotonic(), done >= self.iterations
        if self.handle is not None and now - self.drawn < self.SECONDS and not finished:
            return
        picture = drawn(self.figure(done, curves, now - self.began), self.alt)
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
        axes["bar"].barh(0, done, color="C2")
        axes["bar"].set(xlim=(0, self.iterations), xticks=[], yticks=[])
        axes["bar"].set_title(f"iteration {done} of {self.iterations}, {ending}", fontsize=10)
        n, loss = np.array(curves.loss).T
        span = min(50, len(loss))
        mean = np.convolve(loss, np.ones(span) / span, "valid")
        thin = slice(None, None, -max(1, len(loss) // self.POINTS))  # from the end, which is always there
        axes["loss"].semilogy(n[thin], loss[thin], color="C0", alpha=0.25, linewidth=0.8)
        axes["loss"].semilogy(n[span - 1 :][thin], mean[thin], color="C0")
        axes["loss"].set(xlabel="iteration", ylabel="loss, nats a digit", xlim=(0, self.iterations))
        if curves.error:
            n, error = np.array(curves.error).T
            axes["error"].plot(n, 100 * error, "o-", color="C1", markersize=3)
        axes["error"].set(xlabel="iteration", ylabel="errors, % of digits", xlim=(0, self.iterations), ylim=(0, 105))
        return figure


def drawn(figure: Figure, alt: str) -> Picture:
    """Draw a figure, and close it."""
    with BytesIO() as file:
        figure.savefig(file, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
        plt.close(figure)
        svg = file.getvalue()
    width, height = (round(float(size) * PIXELS_A_POINT) for size in SIZE.search(svg).groups())
    return Picture(svg, width, height, alt)
