"""The notebooks as they lie in the repository, and whether each gate on them goes red for the fault it is there for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.exercises.registry import EXERCISES
from course_utils.notebook.pictures import drawn
from tests.notebooks import cell_seconds
from tools.notebooks import METADATA, NOTEBOOKS, faults, run

pytestmark = pytest.mark.slow

CONFIGURATION = Path(__file__).parent / "nbval.cfg"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_there_are_notebooks():
    assert PATHS


def test_nothing_is_wrong_with_it(path):
    assert faults(path) == []


MOST_BYTES_OF_A_PLOT = 100_000
OTHER_COLOURS = re.compile(
    r"""["']#[0-9a-fA-F]{3,8}["']|\bc(?:olor)?=["'](?!C\d|black|white|[01]?\.\d)|cmap=["'](?!Greys)"""
)


def test_plots_are_small_and_take_their_colours_from_the_palette(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not OTHER_COLOURS.search(cell.source), cell.source
            sizes = [len(output.get("data", {}).get("text/html", "")) for output in cell.outputs]
            assert max(sizes, default=0) <= MOST_BYTES_OF_A_PLOT or "rc-plot" not in str(cell.outputs), cell.source


@pytest.mark.parametrize("planted", ['color="#0072B2"', 'c="red"', "color='tab:blue'", 'cmap="viridis"'])
def test_another_colour_is_seen(planted):
    assert OTHER_COLOURS.search(f"axes.plot(x, {planted})")
    assert not OTHER_COLOURS.search(
        'axes.plot(x, color="C0", cmap="Greys"); axes.grid(color="0.85"); line(color="white")'
    )


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


FOLDED = "<details><summary>What you should have seen</summary>\n\n"


def open_answers(cells) -> list[str]:
    """Answers that stand open under their question."""
    return [
        cell.source[:80]
        for cell in cells
        if cell.cell_type == "markdown"
        for before, after in [cell.source.split("What you should have seen", 1)]
        * ("What you should have seen" in cell.source)
        if not before.endswith("<details><summary>") or "\n\n</details>" not in after or FOLDED not in cell.source
    ]


def test_answers_are_out_of_sight_until_they_are_asked_for(path):
    assert open_answers(nbformat.read(path, as_version=4).cells) == []


def test_an_answer_that_stands_open_is_found():
    closed = FOLDED + "Seven.\n\n</details>\n\nMore."
    assert open_answers([nbformat.v4.new_markdown_cell(closed)]) == []
    for text in (
        "**What you should have seen.** Seven.",
        closed.replace("</details>", ""),
        closed.replace("\n\nS", " S"),
    ):
        assert open_answers([nbformat.v4.new_markdown_cell(text)])


def test_readers_have_no_lecture_notes(path):
    """Is a mistake called a mistake, and not something in a text that readers do not have? The index says once what it is."""
    if path.stem == "00_index":
        return
    for cell in nbformat.read(path, as_version=4).cells:
        assert not re.search(r"\b([Tt]he|[Tt]heir) notes\b|lecture notes", cell.source), cell.source
        for box in re.findall(r"^> \*\*(.*?)\*\*", cell.source, re.M):
            assert box.startswith("A common mistake: "), box


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
    "shows nothing;": [_code(outputs=[new_output("display_data", data={"text/html": ""})])],
    "picture without alternative text": [_code(outputs=[new_output("display_data", data=PNG)])],
    "without alternative text; use": [
        _code(outputs=[new_output("display_data", data={"text/html": '<img alt=" " src="x">'})])
    ],
    "a picture without alternative": [_code(outputs=[new_output("display_data", data={"text/html": '<img src="x">'})])],
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


def _failures(path, **budgets) -> dict[str, str]:
    """Run a planted notebook as `make test` runs the course's, with budgets of its own; cells that fail, and why."""
    (path.parent / "pytest.ini").write_text("[pytest]\n")
    (path.parent / "conftest.py").write_text(
        "from tests.notebooks import cell_seconds\n" + "".join(f"cell_seconds.{k} = {v}\n" for k, v in budgets.items())
    )
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", f"--nbval-sanitize-with={CONFIGURATION}", "--color=no"]
    plugins = ["-p", "tests.notebooks.cell_seconds", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *plugins, path.name], cwd=path.parent, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(NOTEBOOKS.parent)},
    )  # fmt: skip
    told = re.split(r"^_+ planted\.ipynb::(Cell \d+) _+$", done.stdout, flags=re.M)[1:]
    failures = dict(zip(told[::2], told[1::2], strict=True))
    assert done.returncode == bool(failures), done.stdout + done.stderr
    return failures


def test_strict_comparison_goes_red_for_an_output_that_differs_or_is_missing(tmp_path):
    def product(shown):
        return _code("6 * 7", [new_output("execute_result", {"text/plain": shown}, execution_count=1)])

    failures = _failures(_written(tmp_path, product("42"), product("41"), _code("6 * 7")))
    assert list(failures) == ["Cell 1", "Cell 2"]
    assert "assert reference_output == test_output failed" in failures["Cell 1"]
    assert "Unexpected output fields" in failures["Cell 2"]


def _burn(seconds):
    """Return code that computes for so long."""
    return f"import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end:\n    pass"


WORDS, PIXELS = "A line that rises.", "data:image/svg+xml;base64,"


# What a stored plot has that the one that is drawn has not, and whether that is a difference.
CHANGES = {
    "other pixels": ("PHN2", "PHN3", False),
    "another size": ('width="3', 'width="4', False),
    "other words": (WORDS, "A line that falls.", True),
    "no picture": ("<img", "<p", True),
}


def test_strict_comparison_looks_at_the_words_of_a_plot_and_not_at_its_pixels(tmp_path):
    code = (
        f"from matplotlib.figure import Figure\nfrom course_utils.notebook import show\nshow(Figure((3, 2)), {WORDS!r})"
    )
    html, cells = drawn(Figure((3, 2)), WORDS)._repr_mimebundle_()["text/html"], []
    for before, after, _ in CHANGES.values():
        assert before in html
        data = {"text/html": html.replace(before, after), "text/plain": f"Picture: {WORDS}"}
        cells.append(_code(code, [new_output("display_data", data=data)]))
    failures = _failures(_written(tmp_path, *cells))
    differ = [f"Cell {n}" for n, (*_, differs) in enumerate(CHANGES.values()) if differs]
    assert list(failures) == differ


def test_what_computes_counts_and_what_waits_does_not(tmp_path):
    """Is the time of a cell that of the processor, that of children included?"""
    path = _written(
        tmp_path,
        new_markdown_cell("Code cells alone count."),
        _code("import time; time.sleep(3)"),
        _code(_burn(1.6)),
        _code(f"import subprocess, sys; done = subprocess.run([sys.executable, '-c', {_burn(1.6)!r}], check=True)"),
        _code(_burn(1)),
        _code(_burn(1)),
    )
    failures = _failures(path, SECONDS_A_CELL=1.5, SECONDS_A_NOTEBOOK=5.1)
    assert list(failures) == ["Cell 1", "Cell 2", "Cell 4"]
    for cell, what in zip(failures, ("This cell", "This cell", "The notebook up to this cell"), strict=True):
        assert re.search(rf"{what} took \d\.\d s of the processor", failures[cell])


@pytest.mark.parametrize(
    ("seconds", "before", "says"),
    [
        (9.9, 50.0, None),
        (10.0, 0.0, "This cell took 10.0 s of the processor; it has to stay below 10."),
        (9.9, 50.1, "The notebook up to this cell took 60.0 s of the processor; it has to stay below 60."),
    ],
)
def test_the_time_of_a_cell_and_of_a_notebook(seconds, before, says):
    assert cell_seconds.complaint(seconds, before) == says


def test_running_stores_tables_and_no_widget_views(tmp_path):
    """Is what `make notebooks` writes free of views that show nothing without a kernel?"""
    source = 'from course_utils.notebook import viterbi_stepper\nviterbi_stepper([[0.9, 0.1], [0.2, 0.8]], "AB")'
    path = _written(tmp_path, _code(source, count=None))
    run(path)
    assert faults(path) == []
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert "<table>" in output.data["text/html"]
    assert set(output.data) == {"text/html", "text/plain"}
