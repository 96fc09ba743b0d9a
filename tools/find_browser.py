"""Find a Chromium or Chrome for the browser tests, and get one if there is none.

``python tools/find_browser.py`` prints its path, to be given to playwright as ``executable_path``. The
environment variable ``COURSE_BROWSER`` names one to use in any case.
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
USUAL_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
PLAYWRIGHTS_OWN = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p:\n"
    "    print(p.chromium.executable_path)"
)


class NoBrowserError(RuntimeError):
    """There is no browser and none could be installed; the text says what to do."""


def runs(path: str) -> bool:
    """Tell whether a browser starts: the ``chromium-browser`` of Ubuntu may be a mere stub."""
    if os.name == "nt":  # there, --version would open a window
        return Path(path).is_file()
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "Chrom" in done.stdout


def installed() -> str | None:
    """Return the first browser that is there and runs."""
    found = [shutil.which(name) for name in NAMES]
    found += [place for place in USUAL_PLACES if Path(place).is_file()]
    for path in found:
        if path and runs(path):
            return path
    return playwrights_own()


def playwrights_own() -> str | None:
    """Return the Chromium that playwright has downloaded for itself, if it has."""
    # In a process of its own: playwright's simple interface refuses to run inside an event loop.
    done = subprocess.run([sys.executable, "-c", PLAYWRIGHTS_OWN], capture_output=True, text=True)
    path = done.stdout.strip()
    return path if done.returncode == 0 and Path(path).is_file() and runs(path) else None


def install() -> None:
    """Install a browser: the system's on Debian and Ubuntu for root, else playwright's own."""
    print("No Chromium or Chrome was found: installing one (this takes some minutes) ...", file=sys.stderr)
    if shutil.which("apt-get") and os.geteuid() == 0:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in ("apt-get update -q", "apt-get install -q -y --no-install-recommends chromium"):
            if subprocess.run(command.split(), stdout=sys.stderr, env=env).returncode != 0:
                break
        if installed():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr)


@functools.cache
def find_browser() -> str:
    """Return the path of a Chromium or Chrome that runs, after installing one where there is none."""
    chosen = os.environ.get("COURSE_BROWSER")
    if chosen:
        path = shutil.which(chosen)
        if path and runs(path):
            return path
        raise NoBrowserError(f"COURSE_BROWSER={chosen} is not a Chromium or Chrome that runs.")
    path = installed()
    if not path:
        install()
        path = installed()
    if not path:
        raise NoBrowserError(
            "The browser tests need Chromium or Chrome, and none could be installed. Install one with your "
            "system's packages ('sudo apt install chromium', 'brew install --cask google-chrome', ...), or "
            "run '.venv/bin/python -m playwright install --with-deps chromium'; one in an unusual place is "
            "named with COURSE_BROWSER=/path/to/chrome."
        )
    return path


if __name__ == "__main__":
    try:
        print(find_browser())
    except NoBrowserError as error:
        sys.exit(str(error))
