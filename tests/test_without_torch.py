"""Without torch a notebook leaves out the cells that need it, says so in a line, and runs on to its end."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.notebook.without_torch import SAYS, WithoutTorch, run_on_without_torch

ROOT = Path(__file__).resolve().parent.parent
NEED_TORCH = {  # the cells of each chapter that cannot do without, by their ids
    "01_input_output_structures": ["f25d29a0"],
    "04_bptt": ["590ec75f", "3ad3b170"],
    "09_ctc": [
        "07d33b23", "f0aba7c0", "7a734bd2", "74093c33", "983b9f6f", "61aab836", "548f2e5e",
        "8186ab6a", "65b99662", "19fc72da", "077d226f", "0481f13b", "bdf25d41", "72ddb0d7",
    ],
    "11_lstm": ["49bef154"],
}  # fmt: skip
#: Hides torch from whatever Python starts with this on its path: as good as not installed.
HIDES_TORCH = """\
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, path=None, target=None: None if name == "torch" else find(name, path, target)
"""


@pytest.fixture
def runs():
    """Returns a function that gives the cells of a notebook to the transformer and says what is left of each."""

    def left_of(*cells: str) -> list[str]:
        transformer = WithoutTorch()
        return [ast.unparse(transformer.visit(ast.parse(cell))) for cell in cells]

    return left_of


@pytest.mark.parametrize(
    "cell",
    ["import torch", "import torch.nn as nn", "from torch import nn", "from course_utils.strip_reader import spell",
     "def f():\n    import torch"],
)  # fmt: skip
def test_a_cell_that_imports_torch_is_left_out_and_says_so(runs, cell, capsys):
    assert runs(cell) == [""]
    assert capsys.readouterr().out == SAYS + "\n"


@pytest.mark.parametrize("cell", ["import torchaudio", "x = 1", "torch = 3\nprint(torch)", "print(a.torch)", ""])
def test_any_other_cell_stays_as_it_is(runs, cell, capsys):
    assert runs(cell) == [ast.unparse(ast.parse(cell))]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "later",
    [
        "print(y)",
        "z = [y for _ in range(2)]",
        "z = lambda: y",
        "y += 1",
        "def f(a=y): pass",
        "f'{y}'",
        "y[0] = 1",
        "del y",
    ],
)
def test_what_uses_a_name_that_was_left_out_is_left_out_as_well(runs, later):
    assert runs("import torch\ny = 1", later, "z = 2\nprint(z)") == ["", "", "z = 2\nprint(z)"]


@pytest.mark.parametrize(
    "later",
    ["y = 2\nprint(y)", "for y in range(3):\n    print(y)", "def f(y):\n    return y", "print([y for y in range(3)])",
     "print(a.y)", "f(y=2)"],
)  # fmt: skip
def test_a_name_of_its_own_is_not_missed(runs, later):
    assert runs("import torch\ny = 1", later) == ["", later]


def test_a_name_is_there_again_when_it_has_got_a_value(runs):
    assert runs("import torch\ny = 1", "y = 2", "print(y)")[1:] == ["y = 2", "print(y)"]


def test_what_depends_on_what_was_left_out_is_left_out(runs):
    assert runs("import torch", "x = torch.ones(2)", "z = x + 1", "print(z)") == [""] * 4


def test_imports_and_functions_that_do_without_torch_are_there_for_later(runs):
    cell = (
        "import torch\nimport math\n\ndef ours():\n    return math.pi\n\ndef theirs():\n    return torch.pi\nx = ours()"
    )
    kept = "import math\n\ndef ours():\n    return math.pi"
    assert runs(cell, "print(ours())", "print(theirs())", "print(x)") == [kept, "print(ours())", "", ""]


@pytest.mark.parametrize("cell", ["return 1", "await f()"])
def test_a_cell_that_is_none_is_left_to_ipython(runs, cell):
    assert runs(cell) == [cell]


def test_where_there_is_no_notebook_nothing_changes():
    assert run_on_without_torch() is None


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory):
    """The environment of a kernel to which torch is not installed."""
    folder = tmp_path_factory.mktemp("hidden")
    (folder / "sitecustomize.py").write_text(HIDES_TORCH)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", "import torch"], env=environment, capture_output=True, text=True)
    assert "No module named 'torch'" in done.stderr
    return environment


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted(path.stem for path in ROOT.glob("notebooks/*.ipynb") if "torch" in path.read_text("utf-8"))
)
def test_a_chapter_runs_to_its_end_without_torch(name, without_torch):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=1800, startup_timeout=1800, kernel_name="python3", coalesce_streams=True,
        resources={"metadata": {"path": str(ROOT / "notebooks")}},
    )  # fmt: skip
    client.execute(env=without_torch)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = {cell.id: [output.get("text", output.output_type) for output in cell.outputs] for cell in cells}
    assert [cell.id for cell in cells if said[cell.id] == [SAYS + "\n"]] == NEED_TORCH[name]
    assert str(said).count(SAYS) == len(NEED_TORCH[name])  # and no other cell says it beside an output of its own
    assert not [cell.id for cell in cells if any(o.get("name") == "stderr" for o in cell.outputs)]
