"""Write ``requirements.lock``: every package of a full set-up, in one version, with the hashes of its files.

Usage::

    python tools/lock.py    # needs uv (pip install uv) and a network

The lock is for machines that test the course (``COURSE_LOCK=1 make test``); readers install requirements.txt. It holds
for every system and every Python that the course runs on. PyTorch is not in it, nor what PyTorch needs for graphics
cards alone: which build is the right one depends on the machine, and each has other hashes under the same version. It is
installed after the rest, in the version of requirements.txt. numba stands there without the condition of
requirements.txt, because librosa, which the benchmarks need, asks for it everywhere.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
COMMAND = (
    "uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet "
    "requirements.txt pyproject.toml --extra tests --extra bench --extra grading"
)
ENTRY = re.compile(r"^([a-z][\w.-]*)==.*\n(?: .*\n)+", re.MULTILINE)
OF_TORCH = re.compile(r"torch|triton|nvidia-.+|cuda-.+")
HEAD = """\
# Every package that the tests need, with the hashes of its files: what COURSE_LOCK=1 has tools/setup_env.py install first.
# Written by tools/lock.py, not by hand. Without PyTorch, whose right build depends on the machine: it comes after these.
"""


def without_torch(compiled: str) -> str:
    """Take PyTorch, and what it needs for graphics cards alone, out of what uv has written."""
    return ENTRY.sub(lambda entry: "" if OF_TORCH.fullmatch(entry[1]) else entry[0], compiled)


def main() -> int:
    """Ask uv for the packages, and write them down."""
    try:
        compiled = subprocess.run(COMMAND.split(), cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        print("uv is not installed: pip install uv", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return 1
    LOCK.write_text(HEAD + without_torch(compiled), "utf-8")
    print(f"{LOCK.name}: {len(ENTRY.findall(LOCK.read_text('utf-8')))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
