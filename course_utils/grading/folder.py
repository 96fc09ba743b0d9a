"""A folder that is built, and replaced only while nobody has worked in it."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MANIFEST = ".student-edition.json"
ENVIRONMENT = ".venv"

_CACHES = {
    ".ipynb_checkpoints",
    ".virtual_documents",
    "__pycache__",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}
_SHOWN = 10  # names in a message


class WorkInTheWay(Exception):
    """A folder holds, or may hold, somebody's work, and is left as it is."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give an empty folder to build in; it takes the target's place if no error is raised.

    Parameters
    ----------
    target
        Absent, or built by this command and unchanged since. An environment in it is kept.

    Raises
    ------
    WorkInTheWay
        The target holds something else.
    """
    check_unchanged(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as workshop:
        built = Path(workshop) / "new"
        built.mkdir()
        yield built
        _write_manifest(built)
        check_unchanged(target)  # building takes a while
        _exchange(built, target, Path(workshop) / "old")


def remove(target: Path) -> bool:
    """Remove a folder that was built, and say whether there was one.

    Raises
    ------
    WorkInTheWay
        It is not as it was built.
    """
    check_unchanged(target)
    if not target.exists():
        return False
    shutil.rmtree(target)
    return True


def check_unchanged(target: Path) -> None:
    """Make sure that a folder may be replaced.

    Raises
    ------
    WorkInTheWay
        It was not built by this command, or something in it was changed or added since.
    """
    if not os.path.lexists(target):
        return
    built = _read_manifest(target)
    if built is None:
        raise WorkInTheWay(
            f"{target} is there already and was not made by this command, so it is left as it is. Name another "
            "folder, or move this one away."
        )
    work = [name for name, path in _files(target) if name != MANIFEST and built.get(name) != _digest(path)]
    if work:
        names = "\n".join(f"  {name}" for name in work[:_SHOWN])
        more = f"\n  and {len(work) - _SHOWN} more" if len(work) > _SHOWN else ""
        raise WorkInTheWay(
            f"{target} holds what was changed or added since it was built, so it is left as it is:\n{names}{more}\n"
            "Name another folder, or move this one away."
        )


def _exchange(built: Path, target: Path, aside: Path) -> None:
    if not target.exists():
        built.rename(target)
        return
    target.rename(aside)
    try:
        if os.path.lexists(aside / ENVIRONMENT):
            (aside / ENVIRONMENT).rename(built / ENVIRONMENT)
        built.rename(target)
    except OSError:
        if os.path.lexists(built / ENVIRONMENT):
            (built / ENVIRONMENT).rename(aside / ENVIRONMENT)
        aside.rename(target)
        raise


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files, and links whatever they lead to, with their names; environments and caches are passed over."""
    for place, folders, files in os.walk(folder):
        at_top = Path(place) == folder
        folders[:] = sorted(name for name in folders if not _passed_over(name, at_top))
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted([*files, *links]):
            if name != ".DS_Store":
                path = Path(place) / name
                yield path.relative_to(folder).as_posix(), path


def _passed_over(name: str, at_top: bool) -> bool:
    return name in _CACHES or (at_top and (name == ENVIRONMENT or name.endswith(".egg-info")))


def _digest(path: Path) -> str:
    return "a link" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()


def _write_manifest(folder: Path) -> None:
    files = {name: _digest(path) for name, path in _files(folder)}
    text = json.dumps({"made by": __package__, "files": files}, indent=1, sort_keys=True)
    (folder / MANIFEST).write_bytes(text.encode() + b"\n")


def _read_manifest(folder: Path) -> dict[str, str] | None:
    """Return the digests of all that was built, or None if this folder was not built by this command."""
    if folder.is_symlink():
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or manifest.get("made by") != __package__:
        return None
    files = manifest.get("files")
    return files if isinstance(files, dict) else None
