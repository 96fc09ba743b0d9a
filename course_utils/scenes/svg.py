"""Pieces of a drawing: the document around it, text, cells and arrows."""

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

SVG = "http://www.w3.org/2000/svg"
SIZE = 15  # pixels, of a number
SMALLEST = 10
# How wide characters are, in sizes of the font: on the safe side for all that a page may be set in.
_NARROW, _RAISED, _DIGIT, _WIDE = 0.3, 0.4, 0.58, 0.7
_WIDTHS = {
    **dict.fromkeys(".,·()|:' ", _NARROW),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", _RAISED),
    **dict.fromkeys("0123456789", _DIGIT),
}
_INDEXED = re.compile(r"\b(d?[A-Za-z])_([A-Za-z]{1,4})\b")


@cache
def hues() -> dict[str, str]:
    """Return the colours of the light theme by their names in the style sheet, such as "gradient" or "now"."""
    sheet = files("course_utils.scenes").joinpath("scene.css").read_text("utf-8")
    return dict(re.findall(r"--rc-(\w+): (#[0-9a-f]{6});", sheet[: sheet.index("}")]))


def document(width: float, height: float, body: Iterable[str], label: str) -> str:
    """Wrap marks into the SVG element that a scene holds."""
    return (
        f'<svg xmlns="{SVG}" class="rc-scene" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="group" aria-label="{escape(label)}">{"".join(body)}</svg>'
    )


def text(x: float, y: float, content: str, css: str = "", anchor: str = "middle", more: str = "") -> str:
    """One line of text, centred on ``x`` unless ``anchor`` says otherwise; W_hh gets an index."""
    written = escape(content)
    if "_" in content:
        written = _INDEXED.sub(r'\1<tspan class="index" dy="0.25em">\2</tspan>', written)
    return f'<text class="{css}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>{written}</text>'


def row_name(
    x: float, y: float, content: str, css: str = "small", *, top: float, indent: float = 0, anchor: str = "end"
) -> str:
    """Name of a row, for :func:`pinned`: it ends at ``x``, or, where it is narrow, lies above ``top`` of the row."""
    return text(x, y, content, css, anchor, f' data-above="{indent:g} {top - 5:g}"')


def font_size(content: str, width: float) -> float | None:
    """Return the size in which a text fits into a box of this width, or None where it fits as it is."""
    needs = sum(_WIDTHS.get(character, _WIDE) for character in content)
    fits = (width - 6) / needs if needs else SIZE
    return None if fits >= SIZE else max(SMALLEST, int(2 * fits) / 2)


def pinned(names: Iterable[str], width: float, height: float) -> str:
    """Group the names of rows, which stay in sight where a narrow screen scrolls the drawing.

    Those made by :func:`row_name` stand above their rows there, and leave the width to the numbers.
    """
    paper = f'<rect class="paper" width="{width:g}" height="{height:g}"/>'
    return f'<g class="pinned">{paper}{"".join(names)}</g>'


def cell(
    name: str,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    content: str = "",
    state: str = "idle",
    css: str = "cell",
    role: str = "",
    level: float = 0.0,
    label: str = "",
) -> str:
    """Draw a box with a tint behind it and a slot for its number; what its role is gives the tint its hue."""
    described = f' aria-label="{escape(label)}"' if label else ""
    size = font_size(content, width)
    return (
        f'<g class="{f"{css} {role}".rstrip()}" data-mark="{escape(name)}" data-state="{state}"{described}>'
        f'<rect class="paper" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        f'<rect class="tint" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill-opacity="{level:.3g}"/>'
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        + _slot(x + width / 2, y + height / 2 + 5, content, f' style="font-size: {size:g}px"' if size else "")
        + "</g>"
    )


def _slot(x: float, y: float, content: str, style: str) -> str:
    return f'<text class="slot" x="{x:g}" y="{y:g}" text-anchor="middle"{style}>{escape(content)}</text>'


def arrow(
    name: str, start: tuple[float, float], end: tuple[float, float], state: str = "hidden", size: float = 8
) -> str:
    """Draw an arrow of a shaft and a head. The head is part of it: a marker would need a DOM id."""
    (x0, y0), (x1, y1) = start, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    bx, by = x1 - size * ux, y1 - size * uy
    half = size * 0.55
    head = f"M{x1:.1f} {y1:.1f}L{bx - half * uy:.1f} {by + half * ux:.1f}L{bx + half * uy:.1f} {by - half * ux:.1f}z"
    return (
        f'<g class="arrow" data-mark="{escape(name)}" data-state="{state}">'
        f'<path class="shaft" d="M{x0:.1f} {y0:.1f}L{bx:.1f} {by:.1f}"/><path class="head" d="{head}"/></g>'
    )


def ink(image: NDArray, left: float, top: float, size: float) -> list[str]:
    """Draw an image, (height, width) ink from 0 to 1, as a frame and one path for each shade; a pixel is a square."""
    shades = np.rint(image * 8).astype(int)
    height, width = shades.shape
    drawn = [
        f'<rect class="axis" fill="none" x="{left:g}" y="{top:g}" width="{width * size:g}" height="{height * size:g}"/>'
    ]
    for shade in range(1, 9):
        squares = "".join(
            f"M{left + x * size:g} {top + y * size:g}h{size:g}v{size:g}h-{size:g}z"
            for y, x in np.argwhere(shades == shade)
        )
        if squares:
            drawn.append(f'<path class="ink" fill-opacity="{shade / 8:g}" d="{squares}"/>')
    return drawn


def brackets(spans: NDArray, left: float, top: float, size: float) -> list[str]:
    """Draw a bracket over the columns of each span, (n, 2) first column and the one after the last."""
    return [
        f'<path class="axis" fill="none" d="M{left + start * size + 1:g} {top:g}v-6H{left + end * size - 2:g}v6"/>'
        for start, end in spans
    ]
