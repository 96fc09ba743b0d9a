"""Is everything there that the notebooks need? Asks the standard library alone, so that it can say what is missing."""

import importlib
import importlib.metadata
import importlib.util
import platform
import re
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
_MODULES = {"scikit-learn": "sklearn"}  # where a package is imported under another name
_NOT_MISSED = {"numba"}  # without it the course gives the same results
_REMEDY = "Close JupyterLab, and in the folder of the course run: make lab (README.md says what to do without make)."


def environment_check() -> None:
    """Print one line: that everything is installed, or else what is missing or too old, and what to do."""
    faults = _faults()
    if faults:
        print(f"Not ready: {'; '.join(faults)}. {_REMEDY}")
        return
    elsewhere = "".join(
        f" There is no {name} {version} for this machine: the cells that need it cannot run, and all others can."
        for name, version, to_be_had in _required()
        if not to_be_had and _faults_of_package(name, version)
    )
    print(f"Everything is installed: Python, the packages of the course, and its stepper.{elsewhere}")


def _faults() -> list[str]:
    """List what is wrong with Python, with the packages of requirements.txt, and with the course's own widget."""
    faults = []
    if sys.version_info < OLDEST_PYTHON:
        faults.append(
            f"Python is {_dotted(sys.version_info[:3])}, and the course needs {_dotted(OLDEST_PYTHON)} or newer"
        )
    if not REQUIREMENTS.is_file():
        return [*faults, "the file requirements.txt is missing from the course"]
    for name, needed, to_be_had in _required():
        if to_be_had:
            faults += _faults_of_package(name, needed)
    return faults or _faults_of_stepper()


def _required() -> list[tuple[str, str, bool]]:
    """List the packages of requirements.txt, each with its version, and whether there is one for this machine."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)(?:; (.+))?$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    # A condition is an expression of Python's; pip's own reader of them is not in the standard library.
    machine = {"__builtins__": {}, "sys_platform": sys.platform, "platform_machine": platform.machine()}
    return [
        (name, version, not condition or bool(eval(condition, machine)))
        for name, version, condition in lines
        if name not in _NOT_MISSED
    ]


def _faults_of_package(name: str, needed: str) -> list[str]:
    """Say whether a package is missing, or older than the one that the course is tested with."""
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return [f"{name} is missing"]
    if importlib.util.find_spec(_MODULES.get(name, name)) is None:
        return [f"{name} is installed, but cannot be found"]
    if _numbers(found) < _numbers(needed):
        return [f"{name} is {found}, and the course needs {needed} or newer"]
    return []


def _faults_of_stepper() -> list[str]:
    """Say whether the widget that plays the scenes cannot be loaded."""
    try:
        importlib.import_module("course_utils.stepper.stepper")
    except Exception as error:  # whatever a damaged file or package may raise
        return [f"the stepper cannot be loaded ({type(error).__name__}: {error})"]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version as numbers, 2.4.0 as (2, 4); what follows, such as +cpu or rc1, does not count."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in release.group().split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
