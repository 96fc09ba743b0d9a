"""A file to which each result is added when it comes, and from which a run that was cut off goes on."""

import contextlib
import json
import os
import zlib
from pathlib import Path
from typing import Any


class Journal:
    """Results by their keys. A line is whole or it does not count: each carries a checksum.

    Parameters
    ----------
    path
        The file; made where there is none. What a crash has left of a last line is cut off.
    """

    def __init__(self, path: Path):
        self.path = path
        self.results: dict[str, Any] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if path.exists():
            data = path.read_bytes()
            for line in data.splitlines(keepends=True):
                entry = _read(line)
                if entry is None:
                    break
                self.results[entry[0]] = entry[1]
                whole += len(line)
            if whole < len(data):
                with path.open("r+b") as file:
                    file.truncate(whole)
        self._file = path.open("ab")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()

    def add(self, key: str, result: Any) -> None:
        """Keep a result for good before anything else is done with it."""
        self._file.write(_line(key, result))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.results[key] = result


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that at any moment there is the old one or the new one, and never a part."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()


def _line(key: str, result: Any) -> bytes:
    text = json.dumps([key, result], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"{zlib.crc32(text.encode()):08x} {text}\n".encode()


def _read(line: bytes) -> tuple[str, Any] | None:
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    try:
        if int(line[:8], 16) != zlib.crc32(line[9:-1]):
            return None
        key, result = json.loads(line[9:-1])
    except ValueError:
        return None
    return key, result
