"""The browser of the browser tests: found without changing anything, installed only by the command, and announced."""

import shutil
import subprocess
import sys

import pytest

from tools import browser

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the browsers here are shell scripts")

RUNS, STUB = '#!/bin/sh\necho "Chromium 140.0"\n', '#!/bin/sh\necho "Please install the snap" >&2\nexit 1\n'


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no program on it; gives the function that puts one there and returns its path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("COURSE_BROWSER", raising=False)
    monkeypatch.setattr(browser, "USUAL_PLACES", ())
    monkeypatch.setattr(browser, "playwrights_own", lambda: None)

    def put(name: str, script: str) -> str:
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
        return str(tmp_path / name)

    return put


@pytest.fixture
def installing(machine, monkeypatch):
    """Note down what is run to install a browser; what it puts on the machine is for the test to say."""
    ran, puts = [], {}

    def run(command, **options):
        if command[-1] == "--version":
            return right(command, **options)
        ran.append(" ".join(command[:2]))
        for name, script in puts.get(ran[-1], {}).items():
            machine(name, script)
        return subprocess.CompletedProcess(command, returncode=0)

    right = subprocess.run
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(browser.sys, "executable", "python")
    return ran, puts


def test_browser_that_runs_is_found_and_a_stub_is_not(machine):
    """Is a name on the PATH not enough?"""
    assert browser.find() is None
    machine("chromium", STUB)
    assert browser.find() is None
    chrome = machine("google-chrome", RUNS)
    assert browser.find() == chrome


def test_browser_in_a_usual_place_is_found(machine, tmp_path, monkeypatch):
    """Does a browser need to be on the PATH?"""
    path = machine("A Browser", RUNS)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(browser, "USUAL_PLACES", (str(tmp_path / "none"), path))
    assert browser.find() == path


def test_playwrights_own_is_the_last_resort(machine, monkeypatch):
    """Is the browser of the system preferred?"""
    monkeypatch.setattr(browser, "playwrights_own", lambda: "its own")
    assert browser.find() == "its own"
    path = machine("chromium", RUNS)
    assert browser.find() == path


def test_browser_that_is_named_is_the_only_one_considered(machine, monkeypatch):
    """Does COURSE_BROWSER decide, also when it is wrong?"""
    machine("chromium", RUNS)
    path = machine("mine", RUNS)
    monkeypatch.setenv("COURSE_BROWSER", "mine")
    assert browser.find() == path
    machine("mine", STUB)
    monkeypatch.setattr(browser, "playwrights_own", lambda: "its own")
    assert browser.find() is None


def test_finding_installs_nothing(installing):
    """Does a test that looks for a browser leave the machine as it is?"""
    assert browser.find() is None
    assert installing[0] == []


def test_command_prints_what_it_finds(machine, installing, capsys):
    """Does the command leave a machine alone that has a browser?"""
    path = machine("chromium", RUNS)
    browser.main()
    assert capsys.readouterr().out == f"{path}\n"
    assert installing[0] == []


def test_command_installs_the_systems_browser_for_root(machine, installing, monkeypatch, capsys):
    """Is Debian's own package taken where that is allowed, and each step said before it is done?"""
    ran, puts = installing
    machine("apt-get", "")
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    puts["apt-get install"] = {"chromium": RUNS}
    browser.main()
    said = capsys.readouterr()
    assert ran == ["apt-get update", "apt-get install"]
    assert said.out == f"{shutil.which('chromium')}\n"
    assert "this is run now: apt-get install -q -y --no-install-recommends chromium\n" in said.err


@pytest.mark.parametrize("user", [0, 1000])
def test_command_has_playwright_install_one_elsewhere(machine, installing, monkeypatch, user):
    """Does somebody who is not root, or whose system's package is a stub, get playwright's own?"""
    ran, puts = installing
    machine("apt-get", "")
    monkeypatch.setattr(browser.os, "geteuid", lambda: user)
    puts["apt-get install"] = {"chromium": STUB}
    puts["python -m"] = {"chrome": RUNS}
    browser.main()
    assert ran == [*(["apt-get update", "apt-get install"] if user == 0 else []), "python -m"]


def test_command_without_success_says_what_to_do(installing):
    """Does the reader learn how to get a browser?"""
    with pytest.raises(SystemExit, match=r"sudo apt install chromium.*COURSE_BROWSER="):
        browser.main()


def test_command_installs_nothing_where_a_wrong_browser_is_named(installing, monkeypatch):
    """Is a mistyped name reported, and not worked around?"""
    monkeypatch.setenv("COURSE_BROWSER", "none")
    with pytest.raises(SystemExit, match="COURSE_BROWSER=none is not a Chromium"):
        browser.main()
    assert installing[0] == []
