"""The state of widgets in a saved notebook: what is on show, no more and no less.

JupyterLab saves every widget that a page has ever known, so a notebook that is run again each day would grow without
end; and a cell that was brought up to date has no output, so its stepper must not stay behind in the file.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from course_utils.workbook.unsolved import Cell, Notebook

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

_REFERENCE = re.compile(r"(?:IPY_MODEL_|anywidget:)(\w+)")


def with_what_is_on_show(notebook: Notebook) -> Notebook:
    """Return a notebook without the state of widgets that no output shows, and without views that have no state.

    A view without its state would be an error message in the place of the table that stands beside it in the output.

    Parameters
    ----------
    notebook
        As JSON has it; it is left as it is.

    Returns
    -------
    dict
        The same notebook where there is nothing to take away.
    """
    widgets = notebook["metadata"].get("widgets")
    stored = widgets.get(STATE) if isinstance(widgets, dict) else None
    models = stored.get("state") if isinstance(stored, dict) else None
    models = models if isinstance(models, dict) else {}
    cells = [_without_dead_views(cell, models) for cell in notebook["cells"]]
    needed = _needed(cells, models)
    metadata = notebook["metadata"]
    if len(needed) < len(models):
        kept = {name: model for name, model in models.items() if name in needed}
        metadata = {**metadata, "widgets": {**widgets, STATE: {**stored, "state": kept}}}
        if not kept:
            del metadata["widgets"]
    alike = metadata is notebook["metadata"] and all(map(lambda a, b: a is b, cells, notebook["cells"]))
    return notebook if alike else {**notebook, "metadata": metadata, "cells": cells}


def _without_dead_views(cell: Cell, models: Mapping[str, Any]) -> Cell:
    outputs = cell.get("outputs") or []
    live = [_without_dead_view(output, models) for output in outputs]
    return cell if all(map(lambda a, b: a is b, live, outputs)) else {**cell, "outputs": live}


def _without_dead_view(output: Any, models: Mapping[str, Any]) -> Any:
    name = _model_of(output)
    if name is None or name in models or "text/html" not in output["data"]:
        return output  # whoever else has made it, another table there is not
    return {**output, "data": {kind: data for kind, data in output["data"].items() if kind != VIEW}}


def _model_of(output: Any) -> str | None:
    data = output.get("data") if isinstance(output, dict) else None
    view = data.get(VIEW) if isinstance(data, dict) else None
    return view.get("model_id") if isinstance(view, dict) else None


def _needed(cells: list[Cell], models: Mapping[str, Any]) -> set[str]:
    """Name the models that the outputs show, and those that these refer to."""
    needed: set[str] = set()
    waiting = [_model_of(output) for cell in cells for output in cell.get("outputs") or []]
    while waiting:
        name = waiting.pop()
        if name in models and name not in needed:
            needed.add(name)
            waiting += [found for text in _texts(models[name]) for found in _REFERENCE.findall(text)]
    return needed


def _texts(content: Any) -> Iterator[str]:
    """Return what may be a reference; a drawing or a program is too long to be one."""
    if isinstance(content, str) and len(content) < 100:
        yield content
    elif isinstance(content, Mapping):
        for item in content.values():
            yield from _texts(item)
    elif isinstance(content, list):
        for item in content:
            yield from _texts(item)
