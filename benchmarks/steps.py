"""One step of the stepper in JupyterLab, from the key to the changed frame, against matplotlib under a slider."""

import re
import statistics
import tempfile
from pathlib import Path

from benchmarks.table import Grid, Result
from tools.lab import Lab
from tools.pages import Notebook, open_browser
from tools.stopwatch import Stopwatch

MEDIAN, P95, OF_THE_PEER = 0.016, 0.033, 1 / 20
SMALL, LARGE = "4 frames, 2 symbols", "12 frames, 5 symbols"
TRELLISES = {
    SMALL: "[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], 'AB'",
    LARGE: "np.random.default_rng(0).dirichlet(np.ones(5), 12), 'ABCDE'",
}
SETTING = "import numpy as np\nY, TARGET = {}\nY = np.array(Y)"
OURS = "from course_utils.notebook import viterbi_stepper\nviterbi_stepper(Y, TARGET)"
PEER = re.sub(r"(?m)^(Y|TARGET) = .*\n", "", Path(__file__).with_name("peer_trellis.py").read_text("utf-8"))


def measure(presses: int = 60) -> list[Grid]:
    """Time at least ``presses`` keys on a small and on a larger trellis, there in turn with the peer in one page.

    The peer redraws the small one in so little time that a twentieth of it is less than one frame of the screen.
    """
    small, _ = seconds_of_steps(TRELLISES[SMALL], presses, with_peer=False)
    large, peer = seconds_of_steps(TRELLISES[LARGE], presses, with_peer=True)
    absolute = [
        result
        for name, times in ((SMALL, small), (LARGE, large))
        for result in (
            Result(f"{name}: median", statistics.median(times), None, MEDIAN),
            Result(f"{name}: p95", statistics.quantiles(times, n=20)[-1], None, P95),
        )
    ]
    ratio = Result(LARGE, statistics.median(large), statistics.median(peer), OF_THE_PEER)
    return [
        Grid("a step of the stepper, from the key to the changed frame", absolute),
        Grid("the same; peer: interact and matplotlib", [ratio]),
    ]


def seconds_of_steps(trellis: str, presses: int, with_peer: bool) -> tuple[list[float], list[float]]:
    """Press keys, in turn on both, there and back again until there are enough of them; without the peer, on ours."""
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab, open_browser() as browser:
        lab.write("steps.ipynb", SETTING.format(trellis), OURS, *([PEER] if with_peer else []))
        with Notebook(lab, browser, "steps.ipynb", viewport={"width": 1800, "height": 2600}) as notebook:
            notebook.run()
            if notebook.errors():
                raise AssertionError(notebook.errors())
            player, page = notebook.stepper(), notebook.page
            watches = [(player.focus, Stopwatch(page, player.root))]
            if with_peer:
                page.locator(".widget-interact img").wait_for()
                # interact loses a change now and then if it comes while the kernel is still busy with the one before.
                watch = Stopwatch(page, page.locator(".widget-interact"), "img", rest=300)
                watches.append((page.locator(".widget-interact .noUi-handle").focus, watch))
            last = int(player.find(".rc-slider").get_attribute("max"))
            there_and_back = ["ArrowRight"] * last + ["ArrowLeft"] * last
            for key in there_and_back * -(-presses // len(there_and_back)):
                for focus, watch in watches:
                    focus()
                    watch.press(key)
            if notebook.unrest():
                raise AssertionError(notebook.unrest())
            times = [[t / 1000 for t in watch.milliseconds()] for _, watch in watches]
    return times[0], times[-1]
