"""Pictures that are not played: a matplotlib figure with words for those who cannot see it."""

import re
from base64 import b64encode
from html import escape
from io import BytesIO

import matplotlib.pyplot as plt
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


def drawn(figure: Figure, alt: str) -> Picture:
    """Draw a figure, and close it."""
    with BytesIO() as file:
        figure.savefig(file, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
        plt.close(figure)
        svg = file.getvalue()
    width, height = (round(float(size) * PIXELS_A_POINT) for size in SIZE.search(svg).groups())
    return Picture(svg, width, height, alt)
