"""Set up the course's virtual environment in ``.venv``.

Usage::

    python3 tools/setup_env.py lab     # what a student needs
    python3 tools/setup_env.py test    # the same, plus what the tests, the benchmarks and the grading need

Run it as often as you like. When nothing has changed it answers at once and needs no network. When
something has (a requirement, the interpreter, a package that was removed, an installation that was
interrupted) it repairs what is there, and starts the environment afresh where that cannot be done.
Only the standard library is used; Linux, macOS and Windows are supported.

``PYTHON=...`` in the environment names the interpreter to use; pip's own settings (``PIP_*``) apply.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "course-setup.json"
LOG = VENV / "course-setup.log"
WINDOWS = os.name == "nt"
VENV_PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")

OLDEST_PYTHON = (3, 11)
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3", "python")

#: What each kind of set-up installs besides requirements.txt.
TARGETS = {"lab": ".", "test": ".[tests,bench,grading]"}

#: Jupyter settings written into the environment. JupyterLab starts without its question about news and
#: without a look for updates; and it looks the same after "lab" and after "test", because what the
#: developers' packages add to its server, menus and toolbars is switched off. What already stands in these
#: files is kept: to have nbgrader's pages in JupyterLab, turn its names around in the last two of them.
JUPYTER_SETTINGS = {
    "share/jupyter/lab/settings/overrides.json": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    },
    "etc/jupyter/labconfig/page_config.json": {
        "disabledExtensions": {
            "@jupyter/nbgrader": True,
            "@jupyter-notebook/lab-extension": True,
            "jupyterlab-jupytext": True,
        },
    },
    "etc/jupyter/jupyter_server_config.json": {
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


class SetupError(Exception):
    """A problem the user has to solve; its text says how."""


def say(text):
    """Print one line of progress at once."""
    print(text, flush=True)


def clean_environment():
    """Return the environment for child processes, without what would lead pip or Python astray."""
    astray = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "__PYVENV_LAUNCHER__"}
    env = {name: value for name, value in os.environ.items() if name not in astray}
    env.update(PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0", PYTHONUTF8="1")
    return env


def output_of(command, seconds=60):
    """Return what a short command prints, or None if it fails, is not there or takes too long."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


# --- the interpreter ---------------------------------------------------------------------------------


def version_of(python):
    """Return an interpreter's version as a tuple of three numbers, or None if it does not run."""
    answer = output_of([str(python), "-I", "-S", "-c", "import sys; print(*sys.version_info[:3])"])
    return tuple(int(part) for part in answer.split()) if answer else None


def can_make_venvs(python):
    """Tell whether an interpreter has what it takes to make virtual environments."""
    return output_of([str(python), "-I", "-c", "import venv, ensurepip; print('yes')"]) == "yes"


def choose_python():
    """Return the path of the interpreter to build the environment with."""
    oldest = "{}.{}".format(*OLDEST_PYTHON)
    wanted = os.environ.get("PYTHON")
    own = getattr(sys, "_base_executable", None) or sys.executable  # not that of an environment
    names = [wanted] if wanted else [*CANDIDATES, own]
    if WINDOWS and not wanted:
        names.reverse()  # there, the names on the PATH may be mere links to a shop
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    search = os.pathsep.join(folder for folder in folders if VENV not in Path(folder).parents)
    without_venv = too_old = None
    for name in names:
        path = shutil.which(name, path=search)
        if not path:
            continue
        version = version_of(path)
        if version is None:
            continue
        if version < OLDEST_PYTHON:
            too_old = too_old or (path, version)
        elif not can_make_venvs(path):
            without_venv = without_venv or (path, version)
        else:
            return path
    if without_venv:
        path, version = without_venv
        raise SetupError(
            "{} (Python {}.{}) cannot make virtual environments: on Debian or Ubuntu run "
            "'sudo apt install python{}.{}-venv' (or python3-venv), then try again.".format(
                path, version[0], version[1], version[0], version[1]
            )
        )
    found = " ({} is Python {}.{})".format(too_old[0], *too_old[1][:2]) if too_old else ""
    problem = f"PYTHON={wanted} is not Python {oldest} or newer"
    if not wanted:
        problem = f"No Python {oldest} or newer was found{found}"
    raise SetupError(
        f"{problem}: install one "
        "(https://www.python.org/downloads/, or your system's packages), or name one with "
        "PYTHON=/path/to/python."
    )


# --- is everything there? ----------------------------------------------------------------------------


def site_packages():
    """Return the environment's site-packages folder, or None if there is not exactly one."""
    found = [VENV / "Lib" / "site-packages"] if WINDOWS else list(VENV.glob("lib/python3*/site-packages"))
    return found[0] if len(found) == 1 and found[0].is_dir() else None


def listing(site):
    """Return the names in site-packages: one look tells whether anything has been removed."""
    return sorted(entry.name for entry in os.scandir(site) if entry.name != "__pycache__")


def fingerprint():
    """Return a digest of all that decides what gets installed."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update((ROOT / "requirements.txt").read_bytes())
    relevant = True  # the settings of ruff and pytest in pyproject.toml change nothing here
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            relevant = not re.match(r"\[+tool\.(ruff|pytest)", line)
        if relevant:
            digest.update(line.encode())
    return digest.hexdigest()


def read_stamp():
    """Return the record of the last set-up that was completed, or an empty one."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_stamp(kinds):
    """Record a completed set-up."""
    record = {
        "root": str(ROOT),
        "python": version_of(VENV_PYTHON),
        "inputs": fingerprint(),
        "kinds": sorted(kinds),
        "entries": listing(site_packages()),
    }
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(STAMP)


def ready(kind):
    """Tell whether the environment is complete and up to date."""
    stamp, site = read_stamp(), site_packages()
    return bool(
        site
        and stamp.get("root") == str(ROOT)
        and stamp.get("inputs") == fingerprint()
        and {kind, "test"} & set(stamp["kinds"])
        and not set(stamp["entries"]) - set(listing(site))
        and all((VENV / path).exists() for path in JUPYTER_SETTINGS)
        and venv_runs(stamp)
    )


def venv_runs(stamp):
    """Tell whether the environment's interpreter runs, and is the one that is wanted."""
    version = version_of(VENV_PYTHON) if VENV_PYTHON.exists() else None
    if version is None or version < OLDEST_PYTHON:
        return False
    if stamp and (stamp.get("root") != str(ROOT) or list(version)[:2] != stamp.get("python", [])[:2]):
        return False
    wanted = os.environ.get("PYTHON")
    return not wanted or (version_of(wanted) or version)[:2] == version[:2]


# --- making and repairing ----------------------------------------------------------------------------


def make_venv():
    """Make a new, empty environment, in place of whatever is there."""
    python = choose_python()
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        say("Removing the old environment, which no longer works ...")
        shutil.rmtree(VENV)
    say("Making the environment .venv with {} (Python {}.{}.{}) ...".format(python, *version_of(python)))
    if subprocess.run([python, "-m", "venv", str(VENV)], env=clean_environment()).returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"{python} could not make a virtual environment: its message is above.")


def remove_broken_packages(site):
    """Remove the records of packages whose files are incomplete, so that pip installs them again."""
    broken = []
    for leftover in site.glob("~*"):  # pip's names for what it was about to remove
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    for info in site.glob("*.dist-info"):
        record = info / "RECORD"
        complete = record.is_file() and (info / "METADATA").is_file() and (info / "INSTALLER").is_file()
        if complete:
            lines = record.read_text(encoding="utf-8").splitlines()
            names = (line.rsplit(",", 2)[0].strip('"') for line in lines if line)
            complete = all((site / name).exists() for name in names if not name.endswith(".pyc"))
        if not complete:
            broken.append(info.name.rsplit(".dist-info", 1)[0])
            shutil.rmtree(info)
    return broken


def ensure_pip():
    """Make sure that the environment has a pip that runs; False if that fails."""
    pip = [str(VENV_PYTHON), "-m", "pip", "--version"]
    if output_of(pip):
        return True
    say("pip is missing from the environment: putting it back ...")
    output_of([str(VENV_PYTHON), "-m", "ensurepip", "--upgrade"])
    return output_of(pip) is not None


def pip_install(kind):
    """Install everything with one call of pip, so that one solution fits all."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "-r", "requirements.txt", "-e", TARGETS[kind]]
    errors = []
    with LOG.open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command,
            cwd=str(ROOT),
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        for line in pip.stdout:
            log.write(line)
            size = re.match(r"\s+Downloading (\S+?)-\d\S* \(([\d.]+) MB\)", line)
            if size and float(size.group(2)) >= 10:
                say("  downloading {} ({} MB)".format(*size.groups()))
            elif line.startswith("Installing collected packages:"):
                say(f"  installing (packages: {line.count(',') + 1})")
            elif line.startswith("ERROR") or "error:" in line:
                errors.append(line.strip())
    if pip.wait() != 0:
        for line in errors[-8:]:
            say("  pip: " + line)
        raise SetupError(
            f"pip could not install the packages (its full report: {LOG.relative_to(ROOT)}). If the network "
            "is the cause, run the same command again: what was downloaded is kept. If it keeps failing, "
            "remove the folder .venv and try once more."
        )


def merged(ours, present):
    """Return our settings with those that are present put over them."""
    both = {**ours, **present}
    for key in set(ours) & set(present):
        if isinstance(ours[key], dict) and isinstance(present[key], dict):
            both[key] = merged(ours[key], present[key])
    return both


def write_jupyter_settings():
    """Write the settings of JupyterLab, next to those that are there."""
    for name, settings in JUPYTER_SETTINGS.items():
        path = VENV / name
        try:
            present = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            present = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(merged(settings, present), indent=2) + "\n", encoding="utf-8")


def set_up(kind):
    """Bring the environment into the state that ``kind`` asks for."""
    if ready(kind):
        say("The environment .venv is ready.")
        return
    stamp = read_stamp()
    if venv_runs(stamp) and site_packages():
        say("Bringing the environment .venv up to date ...")
    else:
        stamp = {}
        make_venv()
    if STAMP.exists():
        STAMP.unlink()  # from here to the end, the set-up is unfinished
    broken = remove_broken_packages(site_packages())
    if broken:
        say("Incomplete, to be installed again: " + ", ".join(broken))
    if not ensure_pip():
        make_venv()
    first = not any(site_packages().glob("jupyterlab-*"))
    say("Installing the packages{} ...".format(" (some minutes, over 200 MB to download)" if first else ""))
    pip_install(kind)
    broken = remove_broken_packages(site_packages())
    if broken:
        raise SetupError("Some packages are still incomplete ({}): run this again.".format(", ".join(broken)))
    write_jupyter_settings()
    say("Compiling the course's inner loops ...")  # or the first cell that needs them would wait for that
    output_of([str(VENV_PYTHON), "-m", "course_utils.compiled"], seconds=600)
    write_stamp({*stamp.get("kinds", []), kind} if stamp.get("inputs") == fingerprint() else {kind})
    say("The environment .venv is ready.")


def main(arguments):
    """Run the command line; return the exit status."""
    if len(arguments) != 1 or arguments[0] not in TARGETS:
        print("usage: python3 tools/setup_env.py {}".format("|".join(TARGETS)), file=sys.stderr)
        return 2
    try:
        set_up(arguments[0])
    except SetupError as error:
        print(f"\nSet-up stopped. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up interrupted: run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
