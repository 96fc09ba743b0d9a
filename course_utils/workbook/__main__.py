"""Open the course to be worked on.

Usage::

    python -m course_utils.workbook               # make the copy or bring it up to date, and open it in JupyterLab
    python -m course_utils.workbook --no-browser  # with flags for JupyterLab
    python -m course_utils.workbook --no-lab      # do not open it
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.workbook.unsolved import CourseMistake
from course_utils.workbook.update import to_work_on

HOME = Path(__file__).resolve().parents[2]

#: Defaults for JupyterLab: a notebook is saved with its steppers, which then play in it without a kernel. What a reader
#: chooses in the settings comes first.
SETTINGS = Path(__file__).resolve().with_name("settings")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="recurrent-course",
        description="Make a copy of the course without solutions, or bring it up to date, and open it in JupyterLab. "
        "What you wrote in it stays. All flags but those below go to JupyterLab.",
        allow_abbrev=False,
    )
    parser.add_argument("--no-lab", action="store_true", help="do not open JupyterLab")
    options, flags = parser.parse_known_args(arguments)
    if options.no_lab and flags:
        parser.error(f"{' '.join(flags)}: flags for JupyterLab, which --no-lab does not open")
    try:
        folder, summary = to_work_on(HOME)
    except CourseMistake as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The course to work on could not be made: {error}", file=sys.stderr)
        return 1
    if summary is None:
        print(f"The notebooks have no solutions in them; work in {folder}.")
    else:
        print("\n".join([f"{folder} is yours to work in: {summary}", *summary.says]), flush=True)
    return 0 if options.no_lab else open_lab(folder, flags)


def open_lab(folder: Path, flags: Sequence[str]) -> int:
    """Run JupyterLab from the course's own folder, so that links out of the notebooks lead somewhere."""
    try:
        from jupyterlab.labapp import main as jupyterlab
    except ModuleNotFoundError:
        print("JupyterLab is not installed; run: pip install -r requirements.txt -e .", file=sys.stderr)
        return 1
    os.chdir(folder.parent)
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [os.environ.get("JUPYTER_CONFIG_PATH"), str(SETTINGS)])
    )
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    jupyterlab([f"--LabApp.default_url=/lab/tree/{folder.name}", *as_root, *flags])
    return 0


if __name__ == "__main__":
    sys.exit(main())
