"""Pages that play scenes from a file: no kernel, no network."""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path

from course_utils.scenes.scene import Scene

_HERE = Path(__file__).parent


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
    data = json.dumps(scene.to_json(), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
    html = f'<script type="application/json" data-rc-scene>{data}</script><noscript>{scene.table.to_html()}</noscript>'
    return html + _player() if player else html


def page(title: str, scenes: Iterable[Scene]) -> str:
    """Return a whole document that plays several scenes, each under its title."""
    bodies = "".join(f"<section><h2>{escape(s.title)}</h2>{fragment(s, player=False)}</section>" for s in scenes)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<style>body{max-width:60rem;margin:1rem auto;padding:0 .6rem;font-family:system-ui,sans-serif}</style>"
        f"</head><body><h1>{escape(title)}</h1>{bodies}{_player()}</body></html>"
    )


def _player() -> str:
    css = (_HERE.parent / "scenes" / "scene.css").read_text("utf-8") + (_HERE / "stepper.css").read_text("utf-8")
    js = (_HERE / "stepper.js").read_text("utf-8")
    # A module without an address: nothing can import it, so it starts the page itself. Modules wait for the end of
    # the document, so every scene of the page is there by then.
    return f'<style>{css}</style><script type="module">{js}\nplayPage(document);</script>'
