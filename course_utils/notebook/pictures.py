"""Pictures that are not played: a matplotlib figure with words for those who cannot see it."""

from base64 import b64encode
from io import BytesIO

import matplotlib.pyplot as plt
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
    with BytesIO() as file:
        figure.savefig(file, format="png", dpi=110, bbox_inches="tight", facecolor="white")
        png = file.getvalue()
    plt.close(figure)
    display(Picture(png, alt))
