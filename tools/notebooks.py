"""Run the notebooks in place, and find what is wrong with them as they lie there.

Usage::

    python tools/notebooks.py run [NOTEBOOK ...]     # execute and store the outputs
    python tools/notebooks.py check [NOTEBOOK ...]   # list the faults; exit code 1 if there are any

Without names, all in ``notebooks/``.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from course_utils import compiled

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS_TO_WAIT = 1800  # for a cell, or for the kernel to start: stops what hangs, not what is slow on a busy machine
MOST_LINES = 25
MOST_BYTES = 1_000_000
_NO_WORDS = re.compile(r'<img(?![^>]*\balt="\s*[^"\s])')
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path: Path) -> None:
    """Execute a notebook from top to bottom and store it with its outputs.

    Widget views are left out: without a running kernel they show nothing, while the table of numbers that stands
    beside them in the output does.
    """
    notebook = nbformat.read(path, as_version=4)
    for name in compiled.MODULES:  # a cell that has to wait for this says so, and would store that it did
        compiled.loops(name)
    client = NotebookClient(
        notebook, timeout=SECONDS_TO_WAIT, startup_timeout=SECONDS_TO_WAIT, kernel_name="python3",
        record_timing=False, store_widget_state=False, coalesce_streams=True, resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)  # what a round trip through a text file leaves behind
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def faults(path: Path) -> list[str]:
    """List what a reader, a viewer or a grader would stumble over, each with its cell."""
    found = []
    if path.stat().st_size > MOST_BYTES:
        found.append(f"{path.stat().st_size / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} MB, so cut an output")
    notebook = nbformat.read(path, as_version=4)
    if "widgets" in notebook.metadata:
        found.append("stores the state of widgets; run it with tools/notebooks.py")
    count = 0
    for n, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            found += [f"cell {n}: {fault}" for fault in _markdown_faults(cell, path.parent)]
        elif cell.cell_type == "code" and cell.source.strip():
            count += 1
            found += [f"cell {n}: {fault}" for fault in _code_faults(cell, count)]
    return [f"{path.name}: {fault}" for fault in found]


def _markdown_faults(cell: NotebookNode, folder: Path) -> list[str]:
    found = [f"the picture {url} has no alternative text" for url in re.findall(r"!\[\s*\]\(([^)]+)\)", cell.source)]
    for url in re.findall(r"\]\(([^)\s]+)\)", cell.source):
        file = url.partition("#")[0]
        if file and "://" not in url and not (folder / file).exists():
            found.append(f"the link {url} leads nowhere")
    return found


def _code_faults(cell: NotebookNode, count: int) -> list[str]:
    found = []
    if cell.execution_count is None:
        found.append("was not run")
    elif cell.execution_count != count:
        found.append(f"was run as number {cell.execution_count}, not {count}: run all from the top")
    if "raises-exception" in cell.metadata.get("tags", []):
        found.append("carries the tag raises-exception, which would hide a failure")
    lines = [line for line in cell.source.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        found.append(f"has {len(lines)} lines; at most {MOST_LINES}, the rest belongs in the package")
    for output in cell.outputs:
        if output.output_type == "error":
            found.append(f"stopped with {output.ename}")
        elif output.get("name") == "stderr":
            found.append(f"writes to stderr: {output.text.strip()[:80]}")
        elif WIDGET_VIEW in output.get("data", {}):
            found.append("stores the view of a widget, which shows nothing without its kernel")
        elif output.get("data", {}).get("text/html") == "":
            found.append("stores an output that shows nothing; run it again, now that the loops are compiled")
        elif "image/png" in output.get("data", {}) or _NO_WORDS.search(
            "".join(output.get("data", {}).get("text/html", ""))
        ):
            found.append("shows a picture without alternative text; use show(figure, alt)")
    return found


def main(arguments: list[str]) -> int:
    """Run or check, and say what was found."""
    if not arguments or arguments[0] not in ("run", "check"):
        print(__doc__)
        return 2
    paths = [Path(name).resolve() for name in arguments[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if arguments[0] == "run":
        for path in paths:
            print(f"running {path.name} …", flush=True)
            run(path)
    found = [fault for path in paths for fault in faults(path)]
    print("\n".join(found) if found else f"{len(paths)} notebook(s) in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
