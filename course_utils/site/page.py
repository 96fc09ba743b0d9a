"""Pages that play scenes from a file: no kernel, no network.

Whoever takes a scene elsewhere chooses the page around it: none at all, a table cell, a page that declares another
character set or none. So all that is made here is plain ASCII, and begins with an element that can only stand in a
body.
"""

import json
import re
from collections.abc import Iterable
from html import escape

from course_utils.scenes.scene import Scene
from course_utils.stepper import script, styles

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def fragment(scene: Scene, *, player: bool = True) -> str:
    """Return the HTML of one scene, with its table of numbers where scripts are switched off.

    Parameters
    ----------
    scene
        What to play.
    player
        Whether the player and its styles come along; a page needs them once, after its last scene at the latest.
    """
    # "</script" would end the element in the middle of the drawing, and "<!--" would hide what follows it.
    data = json.dumps(scene.to_json(), allow_nan=False).replace("<", "\\u003c")
    # Without the element around it, a file that holds nothing else has the scene in its head, where nothing is shown.
    html = (
        f'<div><script type="application/json" data-rc-scene>{data}</script>'
        f"<noscript>{_html_in_ascii(scene.table.to_html())}</noscript></div>"
    )
    return html + _player() if player else html


def page(title: str, scenes: Iterable[Scene]) -> str:
    """Return a whole document that plays several scenes, each under its title."""
    title = _html_in_ascii(escape(title))
    bodies = "".join(
        f"<section><h2>{_html_in_ascii(escape(s.title))}</h2>{fragment(s, player=False)}</section>" for s in scenes
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<style>body{max-width:60rem;margin:1rem auto;padding:0 .6rem;font-family:system-ui,sans-serif}</style>"
        f"</head><body><main><h1>{title}</h1>{bodies}</main>{_player()}</body></html>"
    )


def _player() -> str:
    # A module without an address: nothing can import it, so it starts the page itself. Modules wait for the end of
    # the document, so every scene of the page is there by then.
    start = f"{_js_in_ascii(script())}\nplayPage(document);"
    return f'<style>{_css_in_ascii(styles())}</style><script type="module">{start}</script>'


def _html_in_ascii(html: str) -> str:
    return _BEYOND_ASCII.sub(lambda found: f"&#{ord(found[0])};", html)


def _css_in_ascii(css: str) -> str:
    return _BEYOND_ASCII.sub(lambda found: f"\\{ord(found[0]):x} ", css)  # the space ends the number and is no text


def _js_in_ascii(js: str) -> str:
    """Escape what is beyond ASCII, which stands in the strings, templates and comments of the player only."""
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], js)
