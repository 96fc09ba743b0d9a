"""Draw the static pictures in ``figures/``, or find those that no longer show what the code draws.

Usage::

    python tools/figures.py          # draw them all
    python tools/figures.py check    # name the ones that are out of date; exit code 1 if there are any
"""

import re
import sys
from pathlib import Path

import numpy as np

from course_utils.alignment_training import train
from course_utils.data import STRIP_SYMBOLS, ColumnClassifier, digit_strip
from course_utils.scenes.training import training_scene
from course_utils.scenes.viterbi import strip_scene, viterbi_scene

FIGURES = Path(__file__).resolve().parent.parent / "figures"
FITTED = {"strip_alignment.svg": 0.02}  # a fitted model is not equal to the last bit everywhere
NUMBER = re.compile(r"-?\d+\.?\d*")


def draw() -> dict[str, str]:
    """Return every picture, as SVG, under its file name."""
    y = [[0.4, 0.6], [0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2]]
    trellis = viterbi_scene(y, "ABA")
    filling = next(n for n, step in enumerate(trellis.steps) if "V-3-2" in step.computes)
    strip = digit_strip("3144", np.random.default_rng(2))
    aligned = strip_scene(
        strip.image, ColumnClassifier().log_posteriors(strip.image), strip.target, STRIP_SYMBOLS, strip.spans
    )
    inputs, targets = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]], [[0, 1]] * 3
    stuck = train([[0, 2], [1.5, 0]], inputs, targets, paths="best", steps=40)
    return {
        "viterbi_step.svg": trellis.to_svg(filling),
        "viterbi_path.svg": trellis.to_svg(),
        "strip_alignment.svg": aligned.to_svg(),
        "viterbi_training.svg": training_scene(stuck, inputs, targets).to_svg(),
    }


def same_drawing(one: str, other: str, tolerance: float = 1e-6) -> bool:
    """Whether two drawings agree but for numbers that differ by at most ``tolerance``."""
    one, other = one.strip(), other.strip()
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    numbers = [np.array(NUMBER.findall(svg), dtype=float) for svg in (one, other)]
    return bool(np.allclose(*numbers, atol=tolerance, rtol=0))


def outdated(folder: Path = FIGURES) -> list[str]:
    """Name the pictures that are missing, no longer drawn, or differ from what the code draws."""
    drawn = draw()
    stale = [
        name
        for name, svg in drawn.items()
        if not (folder / name).exists()
        or not same_drawing((folder / name).read_text("utf-8"), svg, FITTED.get(name, 1e-6))
    ]
    return stale + [path.name for path in sorted(folder.glob("*")) if path.name not in drawn]


def main(arguments: list[str]) -> int:
    """Draw, or check."""
    if arguments == ["check"]:
        stale = outdated()
        print("\n".join(f"{name} is out of date: run make figures" for name in stale) or "the figures are up to date")
        return 1 if stale else 0
    FIGURES.mkdir(exist_ok=True)
    for name, svg in draw().items():
        (FIGURES / name).write_text(svg + "\n", "utf-8")
        print(f"figures/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
