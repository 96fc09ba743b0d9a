"""The example in README runs and prints what it says."""

import doctest

from tools.figures import FIGURES


def test_the_example_prints_what_it_says():
    failed, tried = doctest.testfile(str(FIGURES.parent / "README.md"), module_relative=False)
    assert tried >= 5
    assert failed == 0
