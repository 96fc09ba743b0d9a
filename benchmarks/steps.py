"""One step of the stepper in JupyterLab, from the key to the changed frame, against matplotlib under a slider."""

import re
import statistics
import tempfile
from pathlib import Path

from benchmarks.table import Result
from tests.browser.lab import Lab, Notebook, Stopwatch, open_browser

MEDIAN, P95, OF_THE_PEER = 0.016, 0.033, 1 / 20
TRELLISES = {
    "worked example, 4 frames": "[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], 'AB'",
    "12 frames, 5 symbols": "np.random.default_rng(0).dirichlet(np.ones(5), 12), 'ABCDE'",
}
SETTING = "import numpy as np\nY, TARGET = {}\nY = np.array(Y)"
OURS = "from course_utils.notebook import viterbi_stepper\nviterbi_stepper(Y, TARGET)"
PEER = re.sub(r"(?m)^(Y|TARGET) = .*\n", "", Path(__file__).with_name("peer_trellis.py").read_text("utf-8"))


def measure(presses: int = 60) -> list[Result]:
    """Time at least ``presses`` keys on both, in turn and in one page, for a small and for a larger trellis."""
    return [result for name, trellis in TRELLISES.items() for result in measure_one(name, trellis, presses)]


def measure_one(name: str, trellis: str, presses: int) -> list[Result]:
    """Press keys in turn on both, there and back again until there are enough of them."""
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab, open_browser() as browser:
        lab.write("steps.ipynb", SETTING.format(trellis), OURS, PEER)
        with Notebook(lab, browser, "steps.ipynb", viewport={"width": 1800, "height": 2600}) as notebook:
            notebook.run()
            if notebook.errors():
                raise AssertionError(notebook.errors())
            player, page = notebook.stepper(), notebook.page
            handle, image = page.locator(".widget-interact .noUi-handle"), page.locator(".widget-interact img")
            image.wait_for()
            ours = Stopwatch(page, player.root)
            # interact loses a change now and then if it comes while the kernel is still busy with the one before.
            peer = Stopwatch(page, page.locator(".widget-interact"), "img", rest=300)
            last = int(player.find(".rc-slider").get_attribute("max"))
            there_and_back = ["ArrowRight"] * last + ["ArrowLeft"] * last
            for key in there_and_back * -(-presses // len(there_and_back)):
                player.focus()
                ours.press(key)
                handle.focus()
                peer.press(key)
            if notebook.unrest():
                raise AssertionError(notebook.unrest())
            times, others = ([t / 1000 for t in watch.milliseconds()] for watch in (ours, peer))
    median = statistics.median(times)
    return [
        Result(f"a step, {name}: median", median, None, MEDIAN),
        Result(f"a step, {name}: p95", statistics.quantiles(times, n=20)[-1], None, P95),
        Result(f"a step, {name}; peer: interact and matplotlib", median, statistics.median(others), OF_THE_PEER),
    ]
