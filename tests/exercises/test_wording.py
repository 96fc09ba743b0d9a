"""The numbers in the sentences of a report."""

import numpy as np
import pytest

from course_utils.exercises.wording import written


@pytest.mark.parametrize(
    ("value", "text"),
    [(-np.inf, "−∞"), (np.inf, "inf"), (np.nan, "nan"), (3.0, "3"), (-1.19604, "−1.196"), (1e-9, "1e−09"), (0.0, "0")],
)
def test_numbers_of_a_report_are_short(value, text):
    assert written(value) == text
