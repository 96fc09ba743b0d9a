"""From verdicts to points, and the tables of a teacher's."""

import csv
import io

import pytest

from course_utils.grading import results
from course_utils.grading.collecting import Submission
from course_utils.grading.results import BadTable, Override, Row
from course_utils.grading.verdict import Verdict


def row(student="Ada", exercise="8.1", points=3.0, **more):
    given = {"title": "t", "worth": 3.0, "status": "correct", "passed": 4, "total": 4, "late": False, "seconds": 0.1}
    return Row(student, exercise, points=points, **given | {"idea": "", "file": "a.ipynb"} | more)


@pytest.mark.parametrize(
    ("rule", "shares"),
    [
        ("all", [0, 0, 0, 1]),
        ("share", [0, 0.25, 0.75, 1]),
        ("0.5:0.4 1:1", [0, 0, 0.4, 1]),
        ("0.25:0.1 0.75:0.9", [0, 0.1, 0.9, 0.9]),
    ],
)
def test_cases_become_points_by_the_teachers_rule(rule, shares):
    give = results.rule_named(rule)
    assert [give(passed, 4) for passed in (0, 1, 3, 4)] == shares
    assert give(0, 0) == 0


@pytest.mark.parametrize("rule", ["", "half", "1", "0.5:2", "-1:1", "a:b", "0.5:0.5:0.5"])
def test_a_rule_that_is_none_is_refused(rule):
    with pytest.raises(BadTable, match="say all, share, or steps"):
        results.rule_named(rule)


@pytest.mark.parametrize(
    ("status", "points"),
    [
        ("correct", 3), ("incorrect", 1.5), ("could not run", 1.5), ("not attempted", 0), ("timed out", 0), ("crashed", 0),
        ("no answer cell", 0), ("unreadable", 0), ("no file", 0), ("could not grade", None),
    ],
)  # fmt: skip
def test_every_status_has_its_points_and_no_judgement_has_none(status, points):
    from course_utils.exercises.registry import EXERCISES
    from course_utils.grading.chapter import Chapter, Task

    chapter = Chapter("08_viterbi", "Viterbi", "8", (Task(EXERCISES["8.1"], "a", "b"),), ())
    verdicts = {("Ada", "8.1"): Verdict("8.1", status, passed=2, total=4)}
    (made,) = results.rows_for(chapter, [Submission("Ada", late=True)], verdicts, results.rule_named("share"))
    assert (made.points, made.worth, made.status, made.late) == (points, 3, status, True)


def test_points_of_before_stay_where_the_answer_is_the_same():
    before = {("Ada", "8.1"): {"points": 3.0, "answer": "x"}}
    lower = row(points=0.0, status="incorrect")
    (kept,) = results.keep_from_before([lower], before, {("Ada", "8.1"): "x"})
    assert kept.points == 3
    assert kept.note == "given before: 0 after the exercise was changed, and 3 stay"
    assert results.keep_from_before([lower], before, {("Ada", "8.1"): "another"}) == [lower]
    higher = {("Ada", "8.1"): {"points": 1.0, "answer": "x"}}
    assert results.keep_from_before([row()], higher, {("Ada", "8.1"): "x"}) == [row()]
    blank = row(points=None, status="could not grade")
    assert results.keep_from_before([blank], before, {("Ada", "8.1"): "x"}) == [blank]


def test_decisions_come_last_and_give_their_reason():
    rows = results.with_overrides([row(points=0.0)], {("Ada", "8.1"): Override(2.5, "a good idea")})
    assert (rows[0].points, rows[0].note) == (2.5, "decided by your teacher: a good idea")


def test_a_decision_about_nobody_is_refused():
    with pytest.raises(BadTable, match=r"decides about what is not there: Eve, 8\.1"):
        results.with_overrides([row()], {("Eve", "8.1"): Override(1.0, "x")})


@pytest.mark.parametrize(
    "text",
    [
        "student,exercise,points,reason\nAda,8.1,2.5,a good idea\n",
        "\ufeffStudent;Exercise;Points;Reason\r\nAda;8.1;2,5;a good idea\r\n;;;\r\n",
        "reason\tpoints\texercise\tstudent\na good idea\t2.5\t8.1\tAda\n",
    ],
    ids=["commas", "a spreadsheet's", "tabs"],
)
def test_decisions_are_read_as_spreadsheets_write_them(tmp_path, text):
    path = tmp_path / "overrides.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert results.read_overrides(path) == {("Ada", "8.1"): Override(2.5, "a good idea")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("student,points\nAda,3", "has no column exercise or reason"),
        ("student,exercise,points,reason\nAda,8.1,many,x", "line 2: points are 'many'"),
        ("student,exercise,points,reason\nAda,8.1,-1,x", "line 2: points are '-1'"),
        ("student,exercise,points,reason\nAda,8.1,nan,x", "line 2: points are 'nan'"),
        ("student,exercise,points,reason\nAda,8.1,1,", "line 2: give the reason"),
        ("student,exercise,points,reason\nAda,8.1,1,x\nAda,8.1,2,y", "line 3: Ada, 8.1 is decided twice"),
    ],
)
def test_a_table_with_a_mistake_is_refused_with_its_line(tmp_path, text, says):
    path = tmp_path / "overrides.csv"
    path.write_text(text)
    with pytest.raises(BadTable, match=says):
        results.read_overrides(path)


def test_where_there_is_no_table_nothing_is_decided(tmp_path):
    assert results.read_overrides(tmp_path / "none.csv") == {}
    (tmp_path / "empty.csv").write_text("")
    assert results.read_choices(tmp_path / "empty.csv") == {}


def lines(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_what_cannot_be_graded_is_blank_and_never_zero():
    rows = [row(), row(exercise="8.2", points=None, status="could not grade"), row("Bea", points=1.5)]
    submissions = [Submission("Ada", ident="12"), Submission("Bea", ident="13")]
    assert [line[3] for line in lines(results.as_csv(rows))] == ["points", "3", "", "1.5"]
    assert lines(results.as_moodle(rows, submissions))[1:] == [
        ["Participant 12", "Ada", ""],
        ["Participant 13", "Bea", "1.5"],
    ]


def test_text_of_a_student_is_no_formula_of_a_spreadsheet():
    assert lines(results.as_csv([row("=1+1", note="@SUM(A1)")]))[1][0] == "'=1+1"
    assert lines(results.as_csv([row("=1+1", note="@SUM(A1)")]))[1][-1] == "'@SUM(A1)"
