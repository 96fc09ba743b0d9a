"""Noticing that an answer was defined in two cells of a notebook: the one that ran last counts, wherever it stands."""

import ast
import sys
from typing import Any

_DEFINED: dict[str, dict[str, str]] = {}  # by function: the first line of what each cell defined, the latest run last


def watch_cells() -> None:
    """Keep account of the functions that the cells of the notebook define, from now on; once is enough."""
    shell = _shell()
    if shell is not None and _keep_account not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _keep_account)


def say_defined_twice(function: str) -> str:
    """Say which definition counts where two cells have one; empty where there is nothing to say."""
    cells = _DEFINED.get(function, {})
    if len(cells) < 2:
        return ""
    *_, last = cells.values()
    return f"{function} stands in {len(cells)} cells. What is checked is the one that ran last; its cell begins with “{last}”."


def _keep_account(result: Any) -> None:
    cell_id, source = getattr(result.info, "cell_id", None), result.info.raw_cell
    if cell_id is None or not isinstance(source, str):
        return
    names = _functions(source)
    for name, cells in _DEFINED.items():
        if name not in names:
            cells.pop(cell_id, None)  # the cell was rewritten
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    for name in names:
        cells = _DEFINED.setdefault(name, {})
        cells.pop(cell_id, None)
        cells[cell_id] = first if len(first) <= 60 else first[:60] + " …"


def _functions(source: str) -> set[str]:
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):  # a line of the shell, or a mistake
        return set()
    return {each.name for each in statements if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
