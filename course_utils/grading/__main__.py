"""``python -m course_utils.grading``: grade a chapter."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from course_utils.grading import grade


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = ArgumentParser(prog="python -m course_utils.grading", description="Grade what was handed in.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "grade", help="grade a chapter", description="Grade what was handed in for a chapter."
    )
    grade.add_arguments(command)
    return grade.main(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
