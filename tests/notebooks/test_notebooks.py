"""The notebooks as they lie in the repository, and whether each gate on them goes red for the fault it is there for."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import compiled
from course_utils.exercises.registry import EXERCISES
from tools.notebooks import METADATA, NOTEBOOKS, SECONDS_TO_WAIT, faults, run

pytestmark = pytest.mark.slow

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
# Of the processor, so that what else a machine has to do does not matter much. They leave room for one half as fast
# as that which they were chosen on, where no cell takes more than 4, and the training 45.
SECONDS_A_CELL, SECONDS_A_NOTEBOOK = 10, 60
SECONDS_OF_TRAINING = 90  # for the one cell that trains a network before the reader's eyes; it does not count above
TRAINING = re.compile(r"watch = LiveCurves\(")


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_there_are_notebooks():
    assert PATHS


def test_nothing_is_wrong_with_it(path):
    assert faults(path) == []


def processor_seconds(path):
    """Run a notebook; say for each of its code cells how long its kernel and the children of that computed."""
    notebook, seconds = nbformat.read(path, as_version=4), {}
    for name in compiled.MODULES:  # the set-up compiles; here in case the sources have changed since
        compiled.loops(name)

    def clock():
        return sum(psutil.Process(client.km.provisioner.pid).cpu_times()[:4])  # user and system, its own and theirs

    def begin(cell, cell_index):
        seconds[cell_index] = -clock()

    def end(cell, cell_index, execute_reply):
        seconds[cell_index] += clock()

    client = NotebookClient(
        notebook, timeout=SECONDS_TO_WAIT, startup_timeout=SECONDS_TO_WAIT, on_cell_execute=begin, on_cell_executed=end,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute()
    return seconds


def test_each_cell_takes_seconds(path):
    """Does it stay inside its time, cell by cell and as a whole?"""
    cells, seconds = nbformat.read(path, as_version=4).cells, processor_seconds(path)
    training = [n for n in seconds if TRAINING.search(cells[n].source)]
    assert len(training) == (path.stem == "09_ctc")
    assert max((seconds.pop(n) for n in training), default=0) < SECONDS_OF_TRAINING
    assert seconds
    assert max(seconds.values()) < SECONDS_A_CELL, seconds
    assert sum(seconds.values()) < SECONDS_A_NOTEBOOK, seconds


def test_each_exercise_is_asked_once_with_its_points():
    """Is every exercise in exactly one notebook, with the points that graders know?"""
    asked = {}
    for path in PATHS:
        for cell in nbformat.read(path, as_version=4).cells:
            grading = cell.metadata.get("nbgrader", {})
            if grading.get("grade"):
                exercise_id, function = re.search(r'check\("([^"]+)", (\w+)\)', cell.source).groups()
                assert exercise_id not in asked
                asked[exercise_id] = (function, grading["points"], path.stem[:2].lstrip("0"))
    assert asked == {e.id: (e.function, e.points, e.id.partition(".")[0]) for e in EXERCISES.values()}


def test_prose_says_predict_and_what_was_to_be_seen(path):
    """Does every stepper have a question before it and an answer after it?"""
    cells = nbformat.read(path, as_version=4).cells
    steppers = [n for n, cell in enumerate(cells) if re.search(r"^\w+_(stepper|explorer)\(", cell.source, re.M)]
    for n in steppers:
        before = "".join(cell.source for cell in cells[max(0, n - 2) : n] if cell.cell_type == "markdown")
        after = "".join(cell.source for cell in cells[n + 1 : n + 3] if cell.cell_type == "markdown")
        assert "What you should have seen" in after, cells[n].source
        assert re.search(r"Predict|Step through|Now the same start", before), cells[n].source


# -- planted faults


def _written(tmp_path, *cells, **metadata) -> Path:
    notebook = new_notebook(cells=list(cells), metadata={**METADATA, **metadata})
    path = tmp_path / "planted.ipynb"
    nbformat.write(notebook, path)
    return path


def _code(source="1 + 1", outputs=(), count=1, **metadata):
    return new_code_cell(source, outputs=list(outputs), execution_count=count, metadata=metadata)


PNG = {"image/png": "iVBORw0KGgo="}
PLANTED = {
    "was not run": [_code(count=None)],
    "was run as number 3": [_code(count=3)],
    "raises-exception": [_code(tags=["raises-exception"])],
    "has 26 lines": [_code("\n".join(f"x = {n}" for n in range(26)))],
    "stopped with ValueError": [_code(outputs=[new_output("error", ename="ValueError", evalue="", traceback=[])])],
    "writes to stderr": [_code(outputs=[new_output("stream", name="stderr", text="careful")])],
    "stores the view": [
        _code(
            outputs=[new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})]
        )
    ],
    "picture without alternative text": [_code(outputs=[new_output("display_data", data=PNG)])],
    "has no alternative text": [new_markdown_cell("![](../README.md)")],
    "leads nowhere": [new_markdown_cell("[there](missing.ipynb)")],
    "at most 1 MB": [_code(outputs=[new_output("stream", name="stdout", text="x" * 1_100_000)])],
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault, tmp_path):
    (tmp_path.parent / "README.md").touch()
    assert any(fault in found for found in faults(_written(tmp_path, *PLANTED[fault])))


def test_stored_widget_state_is_found(tmp_path):
    path = _written(tmp_path, _code(), widgets={"application/vnd.jupyter.widget-state+json": {}})
    assert any("state of widgets" in fault for fault in faults(path))


def test_an_orderly_notebook_has_no_fault(tmp_path):
    path = _written(
        tmp_path, new_markdown_cell("# Fine"), _code("6 * 7", [new_output("execute_result", {"text/plain": "42"})])
    )
    assert faults(path) == []


@pytest.mark.parametrize(
    ("shown", "verdict"), [("42", 0), ("41", 1), (None, 1)], ids=["right output", "wrong output", "output missing"]
)
def test_strict_comparison_goes_red_for_an_output_that_differs_or_is_missing(shown, verdict, tmp_path):
    outputs = [] if shown is None else [new_output("execute_result", {"text/plain": shown}, execution_count=1)]
    path = _written(tmp_path, _code("6 * 7", outputs))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "-p", "no:cacheprovider", path.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == verdict, done.stdout


def test_what_computes_counts_and_what_waits_does_not(tmp_path):
    """Is the time of a cell that of the processor, that of children included?"""
    burn = "import time\nend = time.process_time() + 1\nwhile time.process_time() < end:\n    pass"
    path = _written(
        tmp_path,
        new_markdown_cell("Code cells alone count."),
        _code("import time; time.sleep(3)"),
        _code(burn),
        _code(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"),
    )
    seconds = processor_seconds(path)
    assert list(seconds) == [1, 2, 3]
    assert seconds[1] < 1.5
    assert min(seconds[2], seconds[3]) > 0.9


def test_running_stores_tables_and_no_widget_views(tmp_path):
    """Is what `make notebooks` writes free of views that show nothing without a kernel?"""
    source = 'from course_utils.notebook import viterbi_stepper\nviterbi_stepper([[0.9, 0.1], [0.2, 0.8]], "AB")'
    path = _written(tmp_path, _code(source, count=None))
    run(path)
    assert faults(path) == []
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert "<table>" in output.data["text/html"]
    assert set(output.data) == {"text/html", "text/plain"}
