"""The set-up of the environment: at once where nothing has changed, and whole again whatever has."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup_env

pytestmark = pytest.mark.slow

ALL = ["venv", "pip", "course_utils.compiled"]  # what a first set-up runs, by modules
WITHOUT_VENV = ALL[1:]


class Course:
    """A course without packages; what would take minutes or a network is only noted down."""

    def __init__(self, home: Path):
        self.ran, self.pip, self.killed, self.fails = [], [], None, None
        home.mkdir()
        (home / "requirements.txt").write_text("alpha==1\n")
        (home / "pyproject.toml").write_text("[project]\n[tool.ruff]\nline-length = 120\n")
        self.is_at(home)

    def is_at(self, home: Path) -> None:
        self.home, self.venv = home, home / ".venv"
        self.python = self.venv / setup_env.VENV_PYTHON.relative_to(setup_env.VENV)
        setup_env.ROOT, setup_env.VENV, setup_env.VENV_PYTHON = home, self.venv, self.python
        setup_env.STAMP = self.venv / setup_env.STAMP.name

    def call(self, command, **_):
        module = command[command.index("-m") + 1]
        self.ran.append(module)
        if module == "venv":
            subprocess.run([*command, "--without-pip"], check=True)
        elif module == "pip":
            self.pip.append(command[command.index("--no-input") + 1 :])
            for name in ("alpha", "__pycache__"):
                (self.packages / name).mkdir(exist_ok=True)
        if module == self.killed:
            raise KeyboardInterrupt
        return int(module == self.fails)

    @property
    def packages(self) -> Path:
        (folder,) = [*self.venv.glob("lib/python3*/site-packages"), *self.venv.glob("Lib/site-packages")]
        return folder

    def set_up(self, kind: str = "lab") -> list[str]:
        """Set up; returns the modules that were run for it."""
        self.ran = []
        setup_env.set_up(kind)
        return self.ran


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.delenv("COURSE_LOCK", raising=False)
    for name in ("ROOT", "VENV", "VENV_PYTHON", "STAMP"):
        monkeypatch.setattr(setup_env, name, getattr(setup_env, name))  # so that all are put back
    course = Course(tmp_path / "course")
    monkeypatch.setattr(subprocess, "call", course.call)
    return course


@pytest.fixture
def finished(course):
    course.set_up()
    return course


def test_first_set_up_installs_and_compiles(course, capsys):
    """Is all there after one command, and does it say so?"""
    assert course.set_up() == ALL
    assert course.python.exists()
    assert capsys.readouterr().out.endswith("The environment .venv is ready.\n")


def test_second_set_up_does_nothing(finished):
    """Does it answer at once where nothing has changed?"""
    assert finished.set_up() == []


def test_what_was_added_by_hand_is_left_alone(finished):
    """May a reader have packages of their own, and remove caches?"""
    (finished.packages / "mine").mkdir()
    (finished.packages / "__pycache__").rmdir()
    assert finished.set_up() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("requirements.txt", "alpha==2\n"), ("pyproject.toml", "[project]\ndependencies = ['beta']\n[tool.ruff]\n")],
)
def test_changed_requirements_are_followed_without_a_new_environment(finished, name, text):
    """Does pip bring the environment up to date, and leave in it what a reader has added?"""
    (finished.packages / "mine").mkdir()
    (finished.home / name).write_text(text)
    assert finished.set_up() == WITHOUT_VENV
    assert (finished.packages / "mine").is_dir()
    assert finished.set_up() == []


def test_settings_of_jupyterlab_are_written_once(finished):
    """Does JupyterLab start without its question about news, and keep what a teacher has switched on?"""
    settings = finished.venv / "etc" / "jupyter" / "labconfig" / "page_config.json"
    assert json.loads(settings.read_text())["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"]
    settings.write_text("{}")
    assert finished.set_up("test") == WITHOUT_VENV
    assert settings.read_text() == "{}"


def test_settings_of_the_linter_change_nothing(finished):
    """Does only what is installed count?"""
    (finished.home / "pyproject.toml").write_text("[project]\n[tool.ruff]\nline-length = 80\n")
    assert finished.set_up() == []


def test_tests_need_more_than_the_lab_and_the_lab_no_more_than_the_tests(finished):
    """Is the larger set-up enough for the smaller one, and not the other way round?"""
    assert finished.set_up("test") == WITHOUT_VENV
    assert finished.set_up("test") == finished.set_up("lab") == []


def test_locked_set_up_takes_the_lock_first_and_only_for_the_tests(course, monkeypatch):
    monkeypatch.setenv("COURSE_LOCK", "1")
    (course.home / "requirements.lock").write_text("alpha==1 --hash=sha256:0\n")
    course.set_up("test")
    usual = ["-r", "requirements.txt", "-e", ".[tests,bench,grading]"]
    assert course.pip == [["--no-deps", "--require-hashes", "-r", "requirements.lock"], usual]
    assert course.set_up("test") == []
    (course.home / "requirements.lock").write_text("alpha==2 --hash=sha256:0\n")
    assert course.set_up("test") == ["pip", *WITHOUT_VENV]
    monkeypatch.delenv("COURSE_LOCK")
    course.pip = []
    course.set_up("lab")
    assert course.pip == [["-r", "requirements.txt", "-e", "."]]


def test_file_that_is_not_that_of_the_lock_ends_the_set_up(course, monkeypatch):
    monkeypatch.setenv("COURSE_LOCK", "1")
    (course.home / "requirements.lock").touch()
    course.fails = "pip"
    with pytest.raises(SystemExit, match="pip could not install"):
        course.set_up("test")
    assert course.ran == ["venv", "pip"]


@pytest.mark.parametrize("module", ALL)
def test_interrupted_set_up_starts_afresh(course, module):
    """Is a set-up that was killed, wherever that was, never taken for a finished one?"""
    course.killed = module
    with pytest.raises(KeyboardInterrupt):
        course.set_up()
    course.killed = None
    assert course.set_up() == ALL


def test_interrupted_update_starts_afresh(finished):
    """Is an environment that was being changed when the set-up was killed not taken for a finished one?"""
    (finished.home / "requirements.txt").write_text("alpha==2\n")
    finished.killed = "pip"
    with pytest.raises(KeyboardInterrupt):
        finished.set_up()
    finished.killed = None
    assert finished.set_up() == ALL


DAMAGE = {
    "a package is removed": lambda course: shutil.rmtree(course.packages / "alpha"),
    "all packages are removed": lambda course: shutil.rmtree(course.packages),
    "the interpreter is gone": lambda course: course.python.unlink(),
    "the interpreter does not run": lambda course: (course.python.unlink(), course.python.write_text("no")),
    "it is no environment any more": lambda course: (course.venv / "pyvenv.cfg").unlink(),
    "the record is gone": lambda course: setup_env.STAMP.unlink(),
    "the record is cut off": lambda course: setup_env.STAMP.write_text(setup_env.STAMP.read_text()[:20]),
    "the environment is a file": lambda course: (shutil.rmtree(course.venv), course.venv.write_text("")),
    "the course was moved": lambda course: course.is_at(course.home.rename(course.home.with_name("elsewhere"))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_environment_is_built_again(finished, damage):
    """Does the next set-up make it whole, and the one after that find it so?"""
    DAMAGE[damage](finished)
    assert finished.set_up() == ALL
    assert finished.set_up() == []


def test_environment_behind_a_link_is_left_alone(course, tmp_path):
    """Is a link replaced, and what it leads to kept?"""
    (tmp_path / "another").mkdir()
    (tmp_path / "another" / "thesis.txt").write_text("my work")
    course.venv.symlink_to(tmp_path / "another", target_is_directory=True)
    assert course.set_up() == ALL
    assert not course.venv.is_symlink()
    assert (tmp_path / "another" / "thesis.txt").read_text() == "my work"


def test_pip_that_gives_up_is_explained_and_leaves_what_there_was(finished):
    """Can a reader without a network go on with what worked before?"""
    (finished.home / "requirements.txt").write_text("alpha==2\n")
    finished.fails = "pip"
    with pytest.raises(SystemExit, match=r"could not install .* run the same command again"):
        finished.set_up()
    finished.fails = None
    assert finished.set_up() == WITHOUT_VENV


def test_other_python_is_used_where_one_is_named(finished, monkeypatch):
    """Does PYTHON=... replace an environment of another version, and its absence keep it?"""
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert finished.set_up() == []
    monkeypatch.setenv("PYTHON", "python3.99")
    assert finished.set_up() == ALL


def test_python_that_is_too_old_is_named(course, monkeypatch):
    """Does a reader learn which Python is too old, which one is needed, and how to name it?"""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit, match=r"is Python 3\.10, and the course needs 3\.11 or newer.*PYTHON=") as caught:
        course.set_up()
    assert sys.executable in str(caught.value)
    assert not course.venv.exists()


def test_python_that_is_too_old_may_find_all_ready(finished, monkeypatch):
    """Is an old Python good enough to see that nothing is to be done?"""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert finished.set_up() == []


def test_python_without_venv_is_explained(course, monkeypatch):
    """Does a reader learn which package of the system to install?"""
    monkeypatch.setattr(setup_env, "find_spec", lambda name: None if name == "ensurepip" else name)
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    with pytest.raises(SystemExit, match=f"cannot make virtual environments.*sudo apt install {package}"):
        course.set_up()


# -- which Python the Makefile takes

MAKE = shutil.which("make")
SCRIPT = '#!/bin/sh\ncase "$1" in -c) {} ;; *) echo "${{0##*/}} runs $*" ;; esac\n'
FITS, TOO_OLD, BROKEN = SCRIPT.format("exit 0"), SCRIPT.format("""[ "$2" = 'f""' ]"""), SCRIPT.format("exit 1")


@pytest.fixture
def make_setup(tmp_path):
    """Run ``make setup-lab`` where there are only the programs that are named, each with what it does."""
    if not MAKE or sys.platform == "win32":
        pytest.skip("there is no make that could be asked")
    shutil.copy(Path(setup_env.__file__).parents[1] / "Makefile", tmp_path)

    def run(programs: dict[str, str], *settings: str) -> subprocess.CompletedProcess:
        for name, text in programs.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        return subprocess.run(
            [MAKE, "--no-print-directory", "setup-lab", *settings],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}/.venv/bin:{tmp_path}/bin"},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"bin/python3": FITS, "bin/python": FITS},
        {"bin/python3.13": TOO_OLD, "bin/python3.11": BROKEN},
        {".venv/bin/python3.13": FITS, ".venv/bin/python3.12": FITS},
    ],
    ids=["alone", "less certain names", "unfit ones before it", "an environment that is switched on"],
)
def test_make_takes_the_python_that_fits(make_setup, others):
    """Does the set-up run under a Python that can build the environment, without being told which?"""
    assert make_setup({"bin/python3.12": FITS, **others}).stdout == "python3.12 runs tools/setup_env.py lab\n"


def test_make_lets_an_unfit_python_say_what_it_lacks(make_setup):
    """Does the script get to explain itself where no Python fits?"""
    done = make_setup({"bin/python3.13": BROKEN, "bin/python3": TOO_OLD, "bin/python": TOO_OLD})
    assert done.stdout == "python3 runs tools/setup_env.py lab\n"


def test_make_takes_the_python_that_is_named(make_setup):
    """Is a Python that is named taken even where others would fit better?"""
    pythons = {"bin/python3.13": FITS, "own place/python": TOO_OLD}
    assert make_setup(pythons, "PYTHON=own place/python").stdout == "python runs tools/setup_env.py lab\n"


def test_make_without_a_python_is_explained(make_setup):
    """Does a reader without Python, or with a wrong name for it, learn what to do?"""
    remedy = r"install Python 3\.11 or newer \(https://.*\), or name one with PYTHON="
    assert re.match(f"No Python was found: {remedy}", make_setup({}).stderr)
    assert re.match(f"PYTHON=none does not run: {remedy}", make_setup({"bin/python3": FITS}, "PYTHON=none").stderr)
