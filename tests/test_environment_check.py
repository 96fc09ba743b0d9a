"""Does the check of the environment say in one line what is missing, and does it need nothing of that itself?"""

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys

import pytest

from course_utils import environment
from course_utils.environment import environment_check

ALL_WELL = "Everything is installed: Python, the packages of the course, and its stepper.\n"
PINNED = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", environment.REQUIREMENTS.read_text("utf-8"), re.MULTILINE))
del PINNED["numba"]  # without which all is well


@pytest.fixture
def said(capsys):
    """Run the check; returns its line, after making sure that it is one."""

    def run():
        environment_check()
        line = capsys.readouterr().out
        assert line.count("\n") == 1
        assert line.endswith("\n")
        return line

    return run


@pytest.fixture
def versions(monkeypatch):
    """Pretend that packages have other versions; None stands for one that is missing."""
    right, changed = importlib.metadata.version, {}

    def version(name):
        if name in changed and changed[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed.get(name) or right(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    return changed


def test_what_is_not_to_be_had_everywhere_is_not_missed(versions, said):
    assert "numba==" in environment.REQUIREMENTS.read_text("utf-8")
    versions["numba"] = None
    assert said() == ALL_WELL


WITHOUT_TORCH = [("darwin", "x86_64"), ("win32", "ARM64")]
WITH_TORCH = [("darwin", "arm64"), ("win32", "AMD64"), ("linux", "x86_64"), ("linux", "aarch64")]


@pytest.mark.parametrize(("system", "machine"), WITHOUT_TORCH + WITH_TORCH)
def test_torch_is_missed_only_where_there_is_one(system, machine, versions, said, monkeypatch):
    versions["torch"] = None
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    if (system, machine) in WITH_TORCH:
        assert said().startswith("Not ready: torch is missing. ")
    else:
        more = f"There is no torch {PINNED['torch']} for this machine: the cells that need it cannot run, and all others can."
        assert said() == f"{ALL_WELL[:-1]} {more}\n"
        del versions["torch"]
        assert said() == ALL_WELL  # somebody has found one


@pytest.mark.parametrize("name", ["torch", "numba"])
@pytest.mark.parametrize(("system", "machine"), WITHOUT_TORCH + WITH_TORCH)
def test_pip_is_asked_for_it_on_the_same_machines(system, machine, name):
    """Does pip, which reads the conditions with a reader of its own, understand them alike?"""
    from packaging.requirements import Requirement

    (line,) = re.findall(f"^{name}==.*$", environment.REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    here = {"sys_platform": system, "platform_machine": machine, "python_version": "3.14"}
    assert Requirement(line).marker.evaluate(here) == ((system, machine) in WITH_TORCH)


def test_what_needs_torch_says_in_a_sentence_that_it_is_missing():
    source = "import sys; sys.modules['torch'] = None; import course_utils.strip_reader"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=environment.REQUIREMENTS.parent
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: torch is not installed (")
    assert last.endswith("cannot run; everything else in the course can.")


def test_all_is_there(said):
    assert said() == ALL_WELL


def test_every_package_of_the_requirements_is_looked_at(versions, said):
    assert len(PINNED) >= 10
    for name in PINNED:
        versions[name] = None
    line = said()
    assert line.startswith("Not ready: ")
    for name in PINNED:
        assert f"{name} is missing" in line
    assert line.endswith("run: make lab (README.md says what to do without make).\n")


def test_a_missing_package_is_named_alone(versions, said):
    versions["anywidget"] = None
    assert said().startswith("Not ready: anywidget is missing. Close JupyterLab")


@pytest.mark.parametrize("old", ["1.26.4", "2.4.0rc1", "2.4", "2.3.99+cpu"])
def test_a_package_that_is_too_old_is_named_with_both_versions(old, versions, said):
    versions["numpy"] = old
    assert said().startswith(f"Not ready: numpy is {old}, and the course needs {PINNED['numpy']} or newer. Close")


@pytest.mark.parametrize("new", ["2.4.6", "2.4.6+cpu", "2.4.6.0", "2.10", "3.0.0rc1"])
def test_a_newer_package_will_do(new, versions, said):
    versions["numpy"] = new
    assert said() == ALL_WELL


def test_zeros_at_the_end_do_not_count():
    assert environment._numbers("2.0") == environment._numbers("2") == environment._numbers("2.0.0+cpu") == (2,)
    assert environment._numbers("unknown") == ()


def test_several_faults_stand_in_one_line(versions, said):
    versions["numpy"], versions["torch"] = "1.0", None
    line = said()
    assert "numpy is 1.0" in line
    assert "; torch is missing. " in line


def test_a_package_without_its_module_is_told(monkeypatch, said):
    right = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else right(name))
    assert said().startswith("Not ready: scikit-learn is installed, but cannot be found. ")


def test_a_python_that_is_too_old_is_told(monkeypatch, said):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert said().startswith("Not ready: Python is 3.9.2, and the course needs 3.11 or newer. ")


def test_a_stepper_that_cannot_be_loaded_is_told(monkeypatch, said):
    monkeypatch.setitem(sys.modules, "course_utils.stepper.stepper", None)
    assert "the stepper cannot be loaded (ModuleNotFoundError: " in said()


def test_a_course_without_its_requirements_is_told(monkeypatch, tmp_path, said):
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    assert said().startswith("Not ready: the file requirements.txt is missing from the course. ")


def test_it_can_say_so_where_nothing_at_all_is_installed():
    """A Python without site-packages: importing the check must not need what it looks for."""
    folder = environment.REQUIREMENTS.parent
    source = f"import sys; sys.path.insert(0, {str(folder)!r}); from course_utils.environment import environment_check as e; e()"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=True)
    assert "numpy is missing; " in done.stdout
    assert done.stderr == ""
