"""What a teacher who runs nbgrader needs: the authors' notebooks as its source, each an assignment, and a configuration.

The students' edition is no source for nbgrader: it would take the stubs for solutions, and clear the signatures away.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from course_utils.grading import folder
from course_utils.grading.mistakes import RUN_ON

CONFIG = '''"""nbgrader's settings for this course: https://nbgrader.readthedocs.io"""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "recurrent_course"
c.ExecutePreprocessor.timeout = 600  # seconds for a cell; the longest takes some tens of them
c.ExecutePreprocessor.allow_errors = True
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\nraise NotImplementedError()"}
c.ClearSolutions.enforce_metadata = True
'''
_FIGURE = re.compile(r"\.\./figures/([\w.-]+)")


def build_nbgrader_course(target: Path, source: Path, notebooks: Sequence[tuple[str, Any]]) -> int:
    """Write a course for nbgrader; return how many assignments it has.

    Parameters
    ----------
    target
        The folder to make. One that this command made is replaced, unless somebody has worked in it.
    source
        The course's own folder.
    notebooks
        The name of each file, and what nbformat has read.

    Raises
    ------
    folder.WorkInTheWay
        The target holds something that must not be lost.
    """
    count = 0
    with folder.replacing(target) as tree:
        (tree / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        for name, notebook in notebooks:
            if not any(_is_check(cell) for cell in notebook.cells):
                continue  # nothing to hand in
            count += 1
            stem = Path(name).stem
            assignment = tree / "source" / stem
            _write(assignment / f"{stem}.ipynb", _as_source(notebook))
            for figure in sorted(set(_figures(notebook))):
                path = source / "figures" / figure
                if path.is_file():
                    (assignment / "figures").mkdir(exist_ok=True)
                    (assignment / "figures" / figure).write_bytes(path.read_bytes())
    return count


def _as_source(notebook: Any) -> Any:
    """Let checks run on, as in the students' edition, and find figures beside the notebook."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        cell.source = _FIGURE.sub(r"figures/\1", cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if _is_check(cell):
            cell.metadata.tags = [*cell.metadata.get("tags", []), RUN_ON]
    made.metadata.pop("widgets", None)
    return made


def _figures(notebook: Any) -> Iterator[str]:
    for cell in notebook.cells:
        yield from _FIGURE.findall(cell.source)


def _is_check(cell: Any) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _write(path: Path, notebook: Any) -> None:
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((nbformat.writes(notebook).rstrip("\n") + "\n").encode())
