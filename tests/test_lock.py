"""The lock has every package of a full set-up, in the versions of requirements.txt and the extras, each with hashes."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import lock
from tools.lock import LOCK, ROOT, without_torch

EXTRAS = ("tests", "bench", "grading")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
MACHINES = [
    ("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64"), ("win32", "ARM64"),
]  # fmt: skip
PYTHONS = ["3.11.9", "3.12.9", "3.13.9", "3.14.1"]


def wanted() -> list[Requirement]:
    """What requirements.txt and the extras ask for, without PyTorch."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    lines = [line for line in lines if line and line[0] != "#"] + [line for name in EXTRAS for line in extras[name]]
    return [found for line in lines if (found := Requirement(line)).name != "torch"]


def locked(text: str | None = None) -> list[Requirement]:
    text = LOCK.read_text("utf-8") if text is None else text
    return [Requirement(line.rstrip("\\ ")) for line in text.splitlines() if line[:1].strip() and line[0] != "#"]


def machine(system: str, processor: str, python: str) -> dict[str, str]:
    return {
        **default_environment(),
        "sys_platform": system,
        "platform_machine": processor,
        "os_name": "nt" if system == "win32" else "posix",
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
    }


def there(requirements: list[Requirement], where: dict[str, str]) -> dict[str, list[str]]:
    """The versions that requirements ask for on a machine, by the names of the packages."""
    found = {}
    for one in requirements:
        if one.marker is None or one.marker.evaluate(where):
            found.setdefault(canonicalize_name(one.name), []).append(str(one.specifier))
    return found


def faults(text: str) -> list[str]:
    """What is wrong with the form of a lock: something else than names, versions and hashes."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    wrong = [
        line for line in lines if not (HASH.fullmatch(line) or re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; .+)? \\", line))
    ]
    after = [*lines[1:], ""]
    broken = [one for one, then in zip(lines, after, strict=True) if one.endswith("\\") != bool(HASH.fullmatch(then))]
    return wrong + broken


def test_every_package_has_a_hash_and_nothing_names_a_host():
    assert faults(LOCK.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "alpha==1",
        "--index-url https://example.org",
        "alpha>=1 \\",
        "alpha @ file:///alpha.whl",
        "alpha==1 \\",
        "    --hash=sha256:" + 64 * "1",
    ],
)
def test_a_line_that_does_not_belong_is_found(line):
    good = "beta==1 ; sys_platform == 'win32' \\\n    --hash=sha256:" + 64 * "0" + "\n"
    assert faults(good) == []
    assert faults(good + line + "\n") != []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("system", "processor"), MACHINES)
def test_the_lock_has_the_versions_that_are_asked_for_on_every_machine(system, processor, python):
    where = machine(system, processor, python)
    found = there(locked(), where)
    assert {name: versions for name, versions in found.items() if len(versions) != 1} == {}
    asked = there(wanted(), where)
    assert len(asked) > 20
    assert {name: found.get(name) for name in asked} == {name: [max(versions)] for name, versions in asked.items()}


def test_the_lock_has_whatever_the_packages_need_here():
    """Walks from the packages asked for to those that they ask for, as they are installed."""
    names, waiting, seen = there(locked(), default_environment()), wanted(), set()
    while waiting:
        one = waiting.pop()
        if (here := (canonicalize_name(one.name), frozenset(one.extras))) in seen:
            continue
        seen.add(here)
        try:
            needs = [Requirement(line) for line in requires(one.name) or []]
        except PackageNotFoundError:  # such as numba, where there is none
            continue
        for need in needs:
            if any(need.marker is None or need.marker.evaluate({"extra": extra}) for extra in ("", *one.extras)):
                waiting.append(need)
    assert len(seen) > 100
    assert {name for name, _ in seen} - names.keys() == set()


def test_pytorch_and_what_it_needs_for_graphics_cards_are_taken_out():
    names = ["numpy", "nvidia-cublas", "cuda-bindings", "torch", "torchaudio", "triton", "wcwidth"]
    hashes = "    --hash=sha256:0 \\\n    --hash=sha256:1\n"
    text = without_torch("".join(f"{name}==1 ; sys_platform == 'linux' \\\n{hashes}" for name in names))
    assert [one.name for one in locked(text)] == ["numpy", "torchaudio", "wcwidth"]
    assert text.count("sha256") == 6


def test_without_uv_the_remedy_is_named_and_the_lock_stays(monkeypatch, tmp_path, capsys):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    monkeypatch.setattr(lock, "LOCK", tmp_path / "requirements.lock")
    assert lock.main() == 1
    assert capsys.readouterr().err == "uv is not installed: pip install uv\n"
    assert not lock.LOCK.exists()
