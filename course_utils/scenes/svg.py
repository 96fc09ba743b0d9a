"""Pieces of a drawing: the document around it, text, cells and arrows."""

from collections.abc import Iterable
from html import escape

SVG = "http://www.w3.org/2000/svg"


def document(width: float, height: float, body: Iterable[str], label: str) -> str:
    """Wrap marks into the SVG element that a scene holds."""
    return (
        f'<svg xmlns="{SVG}" class="rc-scene" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="group" aria-label="{escape(label)}">{"".join(body)}</svg>'
    )


def text(x: float, y: float, content: str, css: str = "", anchor: str = "middle") -> str:
    """One line of text, centred on ``x`` unless ``anchor`` says otherwise."""
    return f'<text class="{css}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(content)}</text>'


def pinned(names: Iterable[str], width: float, height: float) -> str:
    """Group the names of rows, which stay in sight where a narrow screen scrolls the drawing."""
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
    level: float = 0.0,
    label: str = "",
) -> str:
    """Draw a box with a tint behind it and a slot for its number."""
    described = f' aria-label="{escape(label)}"' if label else ""
    return (
        f'<g class="{css}" data-mark="{escape(name)}" data-state="{state}"{described}>'
        f'<rect class="paper" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        f'<rect class="tint" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill-opacity="{level:.3g}"/>'
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        + text(x + width / 2, y + height / 2 + 5, content, "slot")
        + "</g>"
    )


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
