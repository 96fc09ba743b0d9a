"""Set up the course's virtual environment in ``.venv``.

Usage::

    python3 tools/setup_env.py lab     # what a student needs
    python3 tools/setup_env.py test    # the same, plus what the tests, the benchmarks and the grading need

The environment is built with the Python that runs this. Run it as often as you like: where nothing has changed it
answers at once and needs no network, where the requirements have changed it asks pip to follow, and where the set-up
was interrupted, a package was removed or the folder was moved, it starts afresh. pip's own settings (``PIP_*``) apply.
With ``COURSE_LOCK=1`` the packages of the tests are those of requirements.lock, and pip takes no file with another hash.
"""

# Runs under any Python 3.6, to be able to say that it is too old.

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "set-up.json"
OLDEST_PYTHON = (3, 11)
LOCKED = ["--no-deps", "--require-hashes", "-r", "requirements.lock"]

#: What each kind of set-up installs besides requirements.txt.
TARGETS = {"lab": ".", "test": ".[tests,bench,grading]"}

#: JupyterLab starts without its question about news and its look for updates; and it is the same after "lab" and after
#: "test", because what the developers' packages add to its server, menus and toolbars is switched off. The files are
#: written into a new environment only: to have nbgrader's pages in JupyterLab, turn its names around in both.
JUPYTER_SETTINGS = {
    "labconfig/page_config.json": {
        "disabledExtensions": {
            "@jupyterlab/apputils-extension:announcements": True,
            "@jupyter/nbgrader": True,
            "@jupyter-notebook/lab-extension": True,
            "jupyterlab-jupytext": True,
        },
    },
    "jupyter_server_config.json": {
        "ServerApp": {
            "jpserver_extensions": {
                "jupyterlab_jupytext": False,
                "nbgrader.server_extensions.assignment_list": False,
                "nbgrader.server_extensions.course_list": False,
                "nbgrader.server_extensions.formgrader": False,
                "nbgrader.server_extensions.validate_assignment": False,
            },
        },
    },
}

LOOK_AROUND = """\
import json, os, sys, sysconfig
print(json.dumps({"python": sys.version_info[:2], "packages": os.listdir(sysconfig.get_path("purelib"))}))
"""


def set_up(kind):
    """Bring the environment into the state that ``kind`` asks for."""
    stamp, inputs = read_stamp(), digest_of_inputs(kind)
    if not is_as_left(stamp):
        stamp = {}
        make_venv()
    elif stamp["inputs"] == inputs and kind in ("lab", stamp["kind"]):
        print("The environment .venv is ready.")
        return
    STAMP.write_text("{}")  # from here to the end, the set-up is unfinished
    print("Installing the packages (the first time this takes some minutes, and downloads over 200 MB) ...", flush=True)
    wanted = [["-r", "requirements.txt", "-e", TARGETS[kind]]]
    if is_locked(kind):
        wanted.insert(0, LOCKED)  # then PyTorch and the course itself, which have no hash, are all that is left
    if not all(runs("pip", "install", "--no-input", *packages) for packages in wanted):
        STAMP.write_text(json.dumps(stamp))  # pip has put back what it replaced
        stop(
            "pip could not install the packages: it says why above. If the network is the cause, run the same "
            "command again: what was downloaded is kept."
        )
    print("Compiling the course's inner loops ...", flush=True)  # or the first cell that needs them would wait for that
    runs("course_utils.compiled")
    STAMP.write_text(json.dumps({"root": str(ROOT), "inputs": inputs, "kind": kind, **look_around()}))
    print("The environment .venv is ready.")


def read_stamp():
    """Return what was recorded when the last set-up was completed, or an empty record."""
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def digest_of_inputs(kind):
    """Return a digest of all that decides what gets installed."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + (ROOT / "requirements.txt").read_bytes())
    project = (ROOT / "pyproject.toml").read_bytes()
    if is_locked(kind):
        digest.update((ROOT / "requirements.lock").read_bytes())
    digest.update(project.partition(b"[tool.ruff]")[0])  # from there on it changes nothing here
    return digest.hexdigest()


def is_locked(kind):
    """Tell whether the packages are to be those of requirements.lock, to the byte."""
    return kind == "test" and os.environ.get("COURSE_LOCK") == "1"


def look_around():
    """Ask the environment's Python for its version, and for the names in its site-packages."""
    try:
        answer = subprocess.check_output([str(VENV_PYTHON), "-I", "-c", LOOK_AROUND], stderr=subprocess.DEVNULL)
        return json.loads(answer.decode())
    except (OSError, subprocess.CalledProcessError):
        return {"python": None, "packages": []}


def is_as_left(stamp):
    """Tell whether the environment is all that a completed set-up has left, here, and of the Python asked for."""
    now = look_around()
    return (
        stamp.get("root") == str(ROOT)
        and not set(stamp["packages"]) - set(now["packages"]) - {"__pycache__"}
        and (not os.environ.get("PYTHON") or now["python"] == list(sys.version_info[:2]))
    )


def make_venv():
    """Make a new, empty environment in place of whatever is there."""
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info < OLDEST_PYTHON:
        stop(
            f"{sys.executable} is Python {version}, and the course needs {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or "
            "newer: install it (https://www.python.org/downloads/, or your system's packages), or name one with "
            "PYTHON=/path/to/python."
        )
    if not (find_spec("venv") and find_spec("ensurepip")):
        stop(
            f"{sys.executable} (Python {version}) cannot make virtual environments: on Debian or Ubuntu run "
            f"'sudo apt install python{version}-venv' (or python3-venv), then try again."
        )
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()  # to clear it would empty the folder that a link leads to
    again = "is not as a set-up has left it, so it is made again" if VENV.exists() else "is made"
    print(f"The environment .venv {again}, with {sys.executable} (Python {version}) ...", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        stop(f"{sys.executable} could not make a virtual environment: it says why above.")
    for name, settings in JUPYTER_SETTINGS.items():
        path = VENV / "etc" / "jupyter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2) + "\n")


def runs(*arguments):
    """Run a module with the environment's Python and nothing but its packages, and tell whether it succeeded."""
    environment = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.call([str(VENV_PYTHON), "-I", "-m", *arguments], cwd=str(ROOT), env=environment) == 0


def stop(problem):
    """End the set-up with what the user has to do."""
    sys.exit("\nSet-up stopped. " + problem)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in TARGETS:
        sys.exit("usage: python3 tools/setup_env.py {}".format("|".join(TARGETS)))
    try:
        set_up(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("\nSet-up interrupted: run the same command again to go on.")
