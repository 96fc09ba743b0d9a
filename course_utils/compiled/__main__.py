"""Compile all loops now: ``python -m course_utils.compiled``. What is compiled already is only read."""

from course_utils.compiled import MODULES, loops

if __name__ == "__main__":
    for name in MODULES:
        if loops(name) is None:
            print("numba is not there, so NumPy does the work of the loops.")
            break
