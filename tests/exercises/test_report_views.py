"""A report on the screen: the answer's table beside the expected one, short, and with the first wrong cell marked."""

from xml.etree import ElementTree

import numpy as np
import pytest
from doubling import NUMBER, ONE, exercise, squares

from course_utils.exercises.exercise import Misconception, Output
from course_utils.exercises.judge import judge
from course_utils.exercises.report_views import CELLS_SHOWN, as_html, as_text


def test_the_text_puts_yours_beside_expected():
    lines = as_text(judge(ONE, squares)).splitlines()
    assert lines[0].startswith("Case “case 0”. The first wrong cell of the table is at t = 0, i = 1")
    assert [line.split() for line in lines[1:-1]] == [
        ["yours", "expected"],
        ["i=0", "i=1", "i=2", "i=0", "i=1", "i=2"],
        ["t=0", "0", "[1]", "4", "t=0", "0", "2", "4"],
        ["t=1", "9", "16", "25", "t=1", "6", "8", "10"],
    ]
    assert lines[-1] == "To call it on this case again: double(np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))"
    assert lines[1].index("expected") == lines[2].rindex("i=0") - len("t=0  ")


def test_the_html_puts_yours_beside_expected_and_marks_the_wrong_cell():
    root = ElementTree.fromstring(as_html(judge(ONE, squares)))
    assert [caption.text for caption in root.iter("caption")] == ["yours", "expected"]
    assert [b.text for b in root.iter("b")] == ["✗ 1"]


def test_the_call_of_a_failing_case_breaks_where_a_narrow_screen_needs_it_and_is_pasted_as_it_is():
    asked = exercise(arguments=((np.array([[-0.10536051565782628, 1.0]]),),))
    report = judge(asked, squares)
    code = ElementTree.fromstring(as_html(report)).find(".//code")
    assert "".join(code.itertext()) == report.call
    pieces = [piece for text in code.itertext() for piece in text.split()]
    assert max(map(len, pieces)) <= 24


def test_html_in_an_answer_stays_text():
    def answer(x):
        raise ValueError("<script>alert(1)</script> & more")

    html = as_html(judge(ONE, answer))
    assert "<script>" not in html
    assert "<script>alert(1)</script> & more" in ElementTree.fromstring(html).find("p").text


def test_the_wrong_idea_is_told_with_its_hint_and_escaped():
    known = Misconception("a < b", "Not <b>so</b>.", squares)
    asked = exercise(misconceptions=(known,))
    assert "This looks like: a < b. Not <b>so</b>." in as_text(judge(asked, squares))
    assert "This looks like: a &lt; b. Not &lt;b&gt;so&lt;/b&gt;." in as_html(judge(asked, squares))


@pytest.mark.parametrize("wrong", [(0, 0), (20, 15), (39, 29), (3, 28)])
def test_a_long_table_is_cut_around_its_first_wrong_cell(wrong):
    def answer(x):
        y = 2 * x
        y[wrong] = -12345
        return y

    asked = exercise(arguments=((np.arange(1200.0).reshape(40, 30),),))
    text = as_text(judge(asked, answer))
    lines = text.splitlines()
    assert len(lines) == 1 + 1 + 1 + CELLS_SHOWN + 1
    assert len(lines[2].split()) == 2 * CELLS_SHOWN
    assert text.count("[−12345]") == 1
    row = next(line for line in lines if "[−12345]" in line)
    assert row.split()[0] == f"t={wrong[0]}"
    column = row.split().index("[−12345]") - 1
    assert lines[2].split()[column] == f"i={wrong[1]}"
    html = as_html(judge(asked, answer))
    assert html.count("<td>") + html.count("<td><b>") < 2 * (CELLS_SHOWN + 1) ** 2 + 10
    assert "✗ −12345" in html


def test_a_long_path_is_cut_as_well():
    asked = exercise(output=(Output("the path", ("t",)),), arguments=((np.arange(50.0),),))
    text = as_text(judge(asked, lambda x: 2 * x + (x == 30)))
    assert "[61]" in text
    assert "t=27" in text
    assert "t=0" not in text


def test_a_single_number_needs_no_table():
    says = "Case “case 0”. The score is 9; it should be 6.\nTo call it on this case again: double(3.0)"
    assert as_text(judge(NUMBER, squares)) == says
    assert "<table" not in as_html(judge(NUMBER, squares))
