"""Find a Chromium or Chrome for the browser tests, and install one where there is none.

``python tools/browser.py`` does both and prints the browser's path, to be given to playwright as
``executable_path``. The environment variable ``COURSE_BROWSER`` names one to use in any case.
"""

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


def find() -> str | None:
    """Return the path of a Chromium or Chrome that runs, or None where there is none; change nothing."""
    chosen = os.environ.get("COURSE_BROWSER")
    for name in (chosen,) if chosen else (*NAMES, *USUAL_PLACES):
        path = shutil.which(name)
        if path and runs(path):
            return path
    return None if chosen else playwrights_own()


def runs(path: str) -> bool:
    """Tell whether a browser starts: the ``chromium-browser`` of Ubuntu may be a mere stub."""
    if os.name == "nt":  # there, --version would open a window
        return Path(path).is_file()
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "Chrom" in done.stdout


def playwrights_own() -> str | None:
    """Return the Chromium that playwright has downloaded for itself, if it has."""
    # In a process of its own: playwright's simple interface refuses to run inside an event loop.
    done = subprocess.run([sys.executable, "-c", PLAYWRIGHTS_OWN], capture_output=True, text=True)
    path = done.stdout.strip()
    return path if done.returncode == 0 and runs(path) else None


def install() -> None:
    """Install a browser: the system's on Debian and Ubuntu for root, else playwright's own."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        commands = ["apt-get update -q", "apt-get install -q -y --no-install-recommends chromium"]
        if all(announced(command.split()) for command in commands) and find():
            return
    announced([sys.executable, "-m", "playwright", "install", "chromium"])


def announced(command: list[str]) -> bool:
    """Say which command is run to install a browser, run it, and tell whether it succeeded."""
    print(f"No Chromium or Chrome was found, so this is run now: {' '.join(command)}", file=sys.stderr)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, stdout=sys.stderr, env=env).returncode == 0


def main() -> None:
    """Print the path of a browser, after installing one where there is none and none is named."""
    chosen = os.environ.get("COURSE_BROWSER")
    path = find()
    if not path and chosen:
        sys.exit(f"COURSE_BROWSER={chosen} is not a Chromium or Chrome that runs.")
    if not path:
        install()
        path = find()
    if not path:
        sys.exit(
            "The browser tests need Chromium or Chrome, and none could be installed. Install one with your "
            "system's packages ('sudo apt install chromium', 'brew install --cask google-chrome', ...), or "
            "run '.venv/bin/python -m playwright install --with-deps chromium'; one in an unusual place is "
            "named with COURSE_BROWSER=/path/to/chrome."
        )
    print(path)


if __name__ == "__main__":
    main()
