"""Draw the pictures in ``figures/``, or find those that no longer show what the code draws.

Usage::

    python tools/figures.py          # draw them all
    python tools/figures.py check    # name the ones that are out of date; exit code 1 if there are any
"""

import io
import json
import math
import re
import sys
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from course_utils.alignment_training import train
from course_utils.bptt import backward
from course_utils.column_classifier import ColumnClassifier
from course_utils.ctc import forward_backward
from course_utils.data import STRIP_SYMBOLS, digit_strip
from course_utils.examples import (
    CONDITIONS,
    CTC_SYMBOLS,
    CTC_Y,
    FORCED_ALIGNMENTS,
    STUCK_START,
    UTTERANCES,
    WORKED_NET,
    WORKED_TARGET,
    WORKED_X,
    XOR_NET,
)
from course_utils.losses import cross_entropy_gradient, frame_losses
from course_utils.posteriors import encode, log_probabilities
from course_utils.rnn import run
from course_utils.scenes import overview, overview_strings
from course_utils.scenes.alignment_training import training_scene
from course_utils.scenes.ctc_lattice import lattice_scene
from course_utils.scenes.strip import strip_scene
from course_utils.scenes.trellis import trellis_scene
from course_utils.scenes.unrolled_backward import bptt_scene
from course_utils.scenes.unrolled_forward import rnn_scene
from course_utils.trellis import fill_trellis
from course_utils.viterbi import align
from tools.animation import animated

FIGURES = Path(__file__).resolve().parent.parent / "figures"
GROWTH = FIGURES.parent / "benchmarks" / "growth.json"
# A fitted model, and what matplotlib lays out, are not equal to the last bit everywhere.
FITTED = {
    "strip_alignment.svg": 0.02,
    "ctc_growth.svg": 0.001,
    "overview_06.svg": 0.02,
    "overview_09.svg": 0.02,
    **{f"overview_09_{station}.svg": 0.02 for station in overview_strings.STATIONS},
}
ORBITS = ((0.85, 0.6), (1.0, 0.5), (1.03, 0.35))  # the modulus and the angle of an eigenvalue each
# The steps that the moving pictures show: enough for the pattern, few enough to be watched.
RNN_STEPS = (0, 1, 2, 3, 4, 5, 8, 11)
CTC_STEPS = (0, 2, 3, 7, 8, 9, 14, 16)
SLOPE_OVER = 4
COLOURS = ("#0072B2", "#D55E00")
NUMBER = re.compile(r"-?\d+\.?\d*")


def stored_growth(path: Path) -> dict:
    """Return what ``python -m benchmarks.growth --write`` has stored; a ValueError says what is wrong with it."""
    try:
        found = json.loads(path.read_text("utf-8"))
        if missing := {"cores", "numpy", "torch", "fast-ctc-decode"} - found["machine"].keys():
            raise ValueError(f"the machine is described without {', '.join(sorted(missing))}")
        if len(found["panels"]) != 4:
            raise ValueError(f"there are {len(found['panels'])} panels instead of 4")
        for panel in found["panels"]:
            check_panel(**panel)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path.name} cannot be drawn ({error}); measure again: python -m benchmarks.growth --write"
        ) from error
    return found


def check_panel(what: str, fixed: str, varied: str, sizes: list[int], seconds: dict[str, list[float]]) -> None:
    """Raise a ValueError unless a panel has words, sizes that grow, and two curves of positive times."""
    if not all(isinstance(words, str) and words for words in (what, fixed, varied, *seconds)) or len(seconds) != 2:
        raise ValueError("a panel needs words and two curves")
    for numbers in (sizes, *seconds.values()):
        if not all(isinstance(x, int | float) and 0 < x < math.inf for x in numbers):
            raise ValueError(f"by {varied}: a size or a time is not a number above zero")
        if len(numbers) != len(sizes) or len(sizes) < SLOPE_OVER:
            raise ValueError(
                f"by {varied}: {len(numbers)} numbers for {len(sizes)} sizes, of which {SLOPE_OVER} are needed"
            )
    if sizes != sorted(set(sizes)):
        raise ValueError(f"by {varied}: the sizes do not grow")


def growth_figure(found: dict) -> str:
    """Draw the four panels of growth, double logarithmic: there a power of the size is a line, and its slope the power."""
    settings = {
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that it is laid out the same everywhere
        "font.size": 12,
        "axes.titlesize": 13,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "growth",
    }
    with style.context(settings, after_reset=True):
        figure = Figure(figsize=(10, 9.5), facecolor="white")
        figure.subplots_adjust(left=0.09, right=0.97, top=0.93, bottom=0.14, wspace=0.24, hspace=0.44)
        for axes, panel in zip(figure.subplots(2, 2, sharey=True).flat, found["panels"], strict=True):
            draw_growth(axes, panel)
        machine = found["machine"]
        libraries = ", ".join(f"{name} {machine[name]}" for name in ("numpy", "torch", "fast-ctc-decode"))
        figure.text(0.09, 0.05, f"One thread of a machine with {machine['cores']} cores; {libraries}.")
        figure.text(0.09, 0.02, f"A slope is that of the line fitted to the last {SLOPE_OVER} points.")
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()


def draw_growth(axes, panel: dict) -> None:
    """Draw one panel. The curves rise, so there is room for words above them on the left and below on the right."""
    sizes, times = panel["sizes"], 1000 * np.array(list(panel["seconds"].values()))
    slower = times[:, -1].argmax()
    above, below = round(0.7 * len(sizes)), round(0.25 * len(sizes))
    for n, (name, colour, marker, sign) in enumerate(zip(panel["seconds"], COLOURS, "os", "●■", strict=True)):
        axes.loglog(sizes, times[n], color=colour, marker=marker, lw=2)
        slope = np.polyfit(np.log(sizes[-SLOPE_OVER:]), np.log(times[n, -SLOPE_OVER:]), 1)[0]
        words = f"{sign} {name}: slope {slope:.2f}"
        if n == slower:
            axes.annotate(words, (sizes[0], times[:, above].max()), (0, 8), textcoords="offset points", va="bottom")
        else:
            place = (sizes[-1], times[:, below].min())
            axes.annotate(words, place, (0, -8), textcoords="offset points", ha="right", va="top")
    axes.set_title(f"{panel['what']}\n{panel['fixed']}", loc="left")
    axes.set_xlabel(panel["varied"])
    axes.set_ylabel("time in milliseconds")
    axes.tick_params(labelleft=True)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)


def draw() -> dict[str, str]:
    """Return every picture, as SVG, under its file name."""
    example = FORCED_ALIGNMENTS["frame by frame fails"]
    trellis = trellis_scene(fill_trellis(example.y, example.target))
    filling = next(n for n, step in enumerate(trellis.steps) if "V-3-2" in step.computes)
    strip = digit_strip("3144", np.random.default_rng(2))
    found = align(ColumnClassifier().log_posteriors(strip.image), encode(strip.target, STRIP_SYMBOLS))
    aligned = strip_scene(strip.image, found, STRIP_SYMBOLS, strip.spans)
    forward = run(WORKED_NET, WORKED_X)
    losses = frame_losses(forward.logits, WORKED_TARGET)
    back = bptt_scene(backward(forward, losses.d_logits), losses)
    from_future = next(n for n, step in enumerate(back.steps) if "delta-1-0" in step.computes)
    lattice = lattice_scene(forward_backward(log_probabilities(CTC_Y), encode("aa", CTC_SYMBOLS)), CTC_SYMBOLS)
    stuck = train(STUCK_START, *UTTERANCES, paths="best", iterations=40)
    return {
        "rnn_playing.svg": animated(rnn_scene(forward, losses), RNN_STEPS),
        "ctc_playing.svg": animated(lattice, CTC_STEPS),
        "bptt_step.svg": back.to_svg(from_future),
        "viterbi_step.svg": trellis.to_svg(filling),
        "viterbi_path.svg": trellis.to_svg(),
        "strip_alignment.svg": aligned.to_svg(),
        "viterbi_training.svg": training_scene(stuck).to_svg(),
        "ctc_growth.svg": growth_figure(stored_growth(GROWTH)),
        **draw_overviews(),
    }


def draw_overviews() -> dict[str, str]:
    """Return the pictures that chapters begin with; chapter 8 begins with its strip."""
    strip = digit_strip("314", np.random.default_rng(1))
    y = np.exp(ColumnClassifier().log_posteriors(strip.image))
    bat = [[int(t >= a) + int(t >= b) for t in range(5)] for a, b in combinations(range(1, 5), 2)]
    way = partial(overview_strings.reading_picture, strip.image, y, "314")
    return {
        "overview_01.svg": overview.structures_picture(),
        "overview_02.svg": overview.windows_picture(),
        "overview_03.svg": overview.unrolled_picture(),
        "overview_04.svg": overview.both_ways_picture(),
        "overview_05.svg": overview.fading_picture(sizes_of_the_end()),
        "overview_06.svg": overview_strings.unknown_picture(strip.image, y, STRIP_SYMBOLS, "314"),
        "overview_07.svg": overview_strings.grid_picture("BAT", bat, [0, 1, 1, 1, 2]),
        "overview_09.svg": way(),
        **{f"overview_09_{name}.svg": way(n) for n, name in enumerate(overview_strings.STATIONS)},
        "overview_10.svg": overview.orbits_picture([orbit(*of) for of in ORBITS]),
        "overview_11.svg": overview.gated_picture(),
        "eigenvalue_plane.svg": overview.eigenvalues_picture(
            [(case.name.split(",")[0].split(" tanh")[0], np.linalg.eigvals(case.W_hh)) for case in CONDITIONS]
        ),
        "xor_network.svg": overview.machine_picture(
            XOR_NET,
            ("s", "s − 1", "keep"),
            "A network for adjacent XOR",
            "The bit before comes from the unit that keeps it; s is the sum of both, and where it is 2 the output is 2 − 2 · 1 = 0.",
        ),
    }


def sizes_of_the_end() -> np.ndarray:
    """Return the norm of the derivative of a loss at the end, with respect to the state at each of eight steps."""
    forward = run(WORKED_NET, np.tile(WORKED_X, (2, 1)))
    weights = np.zeros(len(forward.h))
    weights[-1] = 1
    d_logits = cross_entropy_gradient(forward.logits, np.zeros(len(weights), dtype=int), weights)
    return np.linalg.norm(backward(forward, d_logits).delta, axis=1)


def orbit(modulus: float, angle: float) -> tuple[complex, np.ndarray]:
    """Return an eigenvalue, and the orbit of the first coordinate that it makes from (1, 0)."""
    eigenvalue = modulus * np.exp(1j * angle)
    return eigenvalue, (eigenvalue ** np.arange(31)).real


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
