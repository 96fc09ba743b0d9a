"""The one player of every scene: its JavaScript and its styles as text, and the widget that plays it in a notebook.

:mod:`course_utils.stepper.stepper` alone loads what widgets need; whoever makes pages does without.
"""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
# In this order, so that each module comes behind those that it imports.
_MODULES = (
    *("state.js", "elements.js", "help.js", "words.js", "room.js", "tip.js", "walk.js", "walking.js"),
    *("edits.js", "changing.js", "prediction.js", "asking.js", "frame.js", "explaining.js"),
    *("player.js", "widget.js"),
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function|const)", re.MULTILINE)


@cache
def script() -> str:
    """Return the player as a single ECMAScript module, which neither imports anything nor has an address of its own."""
    parts = ((_HERE / name).read_text("utf-8") for name in _MODULES)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts)


@cache
def styles() -> str:
    """Return the styles of the marks and of what is around them, and the font of the formulas."""
    font = b64encode((_HERE / "maths.woff2").read_bytes()).decode()
    face = f'@font-face {{ font-family: "rc-maths"; src: url("data:font/woff2;base64,{font}") format("woff2"); }}\n'
    return (
        face + (_HERE.parent / "scenes" / "scene.css").read_text("utf-8") + (_HERE / "stepper.css").read_text("utf-8")
    )
