"""How the house is built: which floor may know of which, and that no room has grown too large.

An algorithm knows nothing of pictures, a scene nothing of the browser, the browser nothing of algorithms, and an exercise
nothing of who grades it.
"""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_utils"
LONGEST_MODULE = 400  # lines
ROOMS = ("scenes", "stepper", "site", "notebook", "exercises", "grading", "workbook", "measured")
MAY_USE = {  # besides what lies in the room itself; "" is the floor of algorithms
    "": {"compiled"},
    "compiled": {""},
    "scenes": {""},
    "stepper": {"scenes"},
    "site": {"scenes", "stepper"},
    "exercises": {""},
    "measured": {""},
    "notebook": {"", "compiled", "measured", "scenes", "stepper", "exercises"},
    "grading": {"compiled", "", "exercises"},
    "workbook": set(),  # runs before anything else does, and with the standard library alone
}
CHECK_OF_NAMES = "course_utils.posteriors", "names_of_columns"
OF_WIDGETS = {"anywidget", "ipywidgets", "IPython", "torch", "numba", "matplotlib", "sklearn"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SCRIPTS = sorted(PACKAGE.rglob("*.js"))
MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
SCENES = [name for name in MODULES if name.startswith("course_utils.scenes.")]


def imports_of(source: str) -> set[tuple[str, str]]:
    """Every import, also those inside of functions: the module, and the name taken from it or ""."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module, alias.name) for alias in node.names}
    return found


@cache
def graph() -> dict[str, set[str]]:
    """For each module of the package the modules of the package that it imports."""
    uses = {}
    for name, path in MODULES.items():
        modules = {
            f"{module}.{taken}" if f"{module}.{taken}" in MODULES else module
            for module, taken in imports_of(path.read_text("utf-8"))
        }
        uses[name] = {module for module in modules if module in MODULES and module != name}
    return uses


def room(module: str) -> str:
    """The package that a module lies in, "" for an algorithm."""
    _, *inside = module.split(".")
    return inside[0] if inside and inside[0] in MAY_USE else ""


def a_circle(uses: dict[str, set[str]]) -> list[str]:
    """Modules each of which imports the next, and the last one the first; empty where there are none."""
    done, path = set(), []

    def walk(module: str) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return []
        path.append(module)
        for other in sorted(uses.get(module, ())):
            if found := walk(other):
                return found
        done.add(path.pop())
        return []

    return next((found for module in sorted(uses) if (found := walk(module))), [])


def steps_up(uses: dict[str, set[str]]) -> list[str]:
    """Imports from a floor that the module must not know of."""
    return [
        f"{module} -> {other}"
        for module, others in uses.items()
        for other in sorted(others)
        if room(other) != room(module) and room(other) not in MAY_USE[room(module)]
    ]


def test_no_module_imports_itself_in_the_end():
    assert a_circle(graph()) == []


def test_a_circle_is_found():
    assert set(a_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})) == {"b", "c"}
    assert a_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_nobody_knows_of_a_floor_above():
    assert steps_up(graph()) == []


def test_a_step_up_is_found():
    uses = {
        "course_utils.viterbi": {"course_utils.scenes.trellis"},
        "course_utils.scenes.trellis": {"course_utils.stepper"},
    }
    assert len(steps_up(uses)) == 2


def test_every_module_is_on_a_floor():
    assert {room(module) for module in MODULES} == set(MAY_USE)


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_takes_results_from_algorithms_and_no_functions(scene):
    """Classes of results, types, constants and a check of names may be imported; what could compute a result may not."""
    for module, name in imports_of(MODULES[scene].read_text("utf-8")):
        if module in MODULES and room(module) == "" and name and (module, name) != CHECK_OF_NAMES:
            taken = getattr(importlib.import_module(module), name)
            assert not inspect.isfunction(taken), f"{scene} imports the function {module}.{name}"
            assert not inspect.ismodule(taken), f"{scene} imports the module {module}.{name}"


def loaded_by(modules: list[str]) -> dict[str, set[str]]:
    """For each module what a new Python loads for it that it has not loaded for those before."""
    source = """if True:
        import importlib, json, sys
        loaded = {}
        for name in sys.argv[1:]:
            before = set(sys.modules)
            importlib.import_module(name)
            loaded[name] = sorted(set(sys.modules) - before)
        print(json.dumps(loaded))
    """
    done = subprocess.run(
        [sys.executable, "-c", source, *modules], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name: set(loaded) for name, loaded in json.loads(done.stdout).items()}


def test_a_scene_needs_neither_widgets_nor_anything_else_that_is_heavy():
    for scene, loaded in loaded_by(SCENES).items():
        assert not loaded & OF_WIDGETS, scene
        rooms = {room(module) for module in loaded if module.startswith("course_utils.")}
        assert rooms <= {"", "compiled", "scenes"}, scene


def test_a_scene_that_needs_widgets_would_be_seen():
    loaded = loaded_by([SCENES[0], "course_utils.stepper.stepper"])
    assert {"anywidget", "ipywidgets"} <= loaded["course_utils.stepper.stepper"] & OF_WIDGETS


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_too_long(module):
    if ".exercises.ch" in module:
        return  # definitions, which are read one by one
    lines = len(MODULES[module].read_text("utf-8").splitlines())
    assert lines <= LONGEST_MODULE, f"{module} has {lines} lines: what are its two jobs?"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_is_too_long(script):
    lines = len(script.read_text("utf-8").splitlines())
    assert lines <= LONGEST_MODULE, f"{script.name} has {lines} lines: what are its two jobs?"


@pytest.mark.parametrize("module", MODULES)
def test_nobody_imports_a_private_name_of_another_module(module):
    private = [
        f"{other}.{name}"
        for other, name in imports_of(MODULES[module].read_text("utf-8"))
        if name.startswith("_") and other in MODULES
    ]
    assert private == []


def test_benchmarks_and_tools_do_without_the_tests():
    for folder in ("benchmarks", "tools"):
        for path in (ROOT / folder).glob("*.py"):
            assert not [
                module
                for module, _ in imports_of(path.read_text("utf-8"))
                if module and module.split(".")[0] == "tests"
            ], path.name
