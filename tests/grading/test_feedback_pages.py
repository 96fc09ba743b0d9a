"""What students and teachers read: all of their own, nothing of others, and no code of anybody's that runs."""

import html
import re
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.handed_in.honest import LOOPS, ROWS
from course_utils.exercises.judge import judge
from course_utils.exercises.registry import EXERCISES
from course_utils.grading import pages
from course_utils.grading.chapter import CodeCell, find_chapter, read_chapter
from course_utils.grading.collecting import Submission
from course_utils.grading.grade import NOTEBOOKS, commitment
from course_utils.grading.results import Override, rows_for, rule_named, with_overrides
from course_utils.grading.shapes import alike, shape_of
from course_utils.grading.similarity import LIBRARY, Pair, pairs
from course_utils.grading.verdict import Verdict, _shown

CHAPTER = read_chapter(find_chapter(NOTEBOOKS, "8"))
EVIL = "<script>alert(1)</script>"


def wrong(number="8.2"):
    report = judge(EXERCISES[number], lambda trellis: trellis.argmax(axis=1))
    return Verdict(
        number, "incorrect", 2, 15, 1, 2, report=_shown(report), misconception=report.misconception, seconds=0.25
    )


def verdicts_of(student, **more):
    given = {task.exercise.id: Verdict(task.exercise.id, "correct", 9, 9, 2, 2, seconds=0.25) for task in CHAPTER.tasks}
    return {(student, number): verdict for number, verdict in (given | more).items()}


@pytest.fixture
def the_class():
    cells = (CodeCell(f"def trace_back(V):\n    return '{EVIL}'", "trace_back", False, True),)
    submissions = [
        Submission("Ada", "8.ipynb", cells=cells),
        Submission(f"Bea {EVIL}", "8.ipynb", late=True, cells=cells, ident="77"),
        Submission("Cy", problem="unreadable", says=f"8.ipynb {EVIL}: it is not JSON."),
    ]
    verdicts = verdicts_of("Ada", **{"8.2": wrong()})
    verdicts |= verdicts_of(
        submissions[1].student, **{"8.1": Verdict("8.1", "timed out", says="It did not end within 10 s.")}
    )
    verdicts |= {
        ("Cy", task.exercise.id): Verdict(task.exercise.id, "unreadable", says=submissions[2].says)
        for task in CHAPTER.tasks
    }
    rows = with_overrides(
        rows_for(CHAPTER, submissions, verdicts, rule_named("all")), {("Ada", "8.3"): Override(1.0, EVIL)}
    )
    return submissions, rows, verdicts


def page_of(the_class, n):
    submissions, rows, verdicts = the_class
    student = submissions[n].student
    return pages.student_page(
        CHAPTER, submissions[n], [row for row in rows if row.student == student], verdicts, commitment(5)
    )


def class_page(the_class, alike=(), sections=None):
    submissions, rows, verdicts = the_class
    files = {each.student: f"{n}.html" for n, each in enumerate(submissions)}
    return pages.class_page(CHAPTER, submissions, rows, verdicts, alike, files, sections or {})


def words(page):
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", page, flags=re.S))


def test_a_student_reads_points_report_answer_and_reason(the_class):
    text = words(page_of(the_class, 0))
    assert "Ada: 7 of 10 points." in text
    assert "✗ incorrect, 0 of 2 points; 2 of 15 cases right (2 of the 15 were secret)." in text
    assert "This looks like: best cell of each frame." in text
    assert f"Decided by your teacher: {EVIL}." in text
    assert "def trace_back(V):" in text
    assert commitment(5) in text


def test_a_student_reads_nothing_of_others_and_of_secret_cases_only_their_number(the_class):
    text = words(page_of(the_class, 0))
    assert "Bea" not in text
    assert "Cy" not in text
    assert "late" not in text
    public = {case.name for case in EXERCISES["8.2"].cases(np.random.default_rng(0))}
    assert set(re.findall(r"Case “(.*?)”", text)) <= public


def test_late_and_unreadable_are_told(the_class):
    assert "It was handed in late. That is not part of the points here." in words(page_of(the_class, 1))
    assert "It did not end within 10 s." in words(page_of(the_class, 1))
    assert f"8.ipynb {EVIL}: it is not JSON." in words(page_of(the_class, 2))


def test_nothing_in_a_page_can_run_or_load(the_class):
    for page in (*(page_of(the_class, n) for n in range(3)), class_page(the_class)):
        assert "<script" not in page
        assert re.search(r'content="default-src \'none\'; style-src \'sha256-[^"\']+\'; base-uri', page)
        assert not re.findall(r"\b(?:src|on\w+|style)\s*=", re.sub(r">[^<]*<", "><", page))
        assert set(re.findall(r"href='([^']*)'", page)) <= {f"feedback/{n}.html" for n in range(3)}


def test_pages_are_well_formed(the_class):
    for page in (*(page_of(the_class, n) for n in range(3)), class_page(the_class, [Pair("8.1", EVIL, "Cy", 0.9)])):
        body = page[page.index("<body>") : page.index("</body>") + len("</body>")]
        ElementTree.fromstring(body.replace("&nbsp;", " "))


def test_files_have_names_that_nobody_guesses_and_that_stay(the_class, tmp_path):
    submissions, rows, verdicts = the_class
    names = pages.write_feedback(tmp_path, CHAPTER, submissions, rows, verdicts, commitment(5))
    assert len(set(names.values())) == 3
    assert all(re.fullmatch(r"[a-z2-7]{32}\.html", name) for name in names.values())
    assert names == pages.write_feedback(tmp_path, CHAPTER, submissions, rows, verdicts, commitment(5))
    assert names["Ada"] != pages.write_feedback(tmp_path / "b", CHAPTER, submissions, rows, verdicts, "")["Ada"]
    assert {path.name for path in (tmp_path / "feedback").iterdir()} == set(names.values())
    assert (tmp_path / "feedback.key").stat().st_mode & 0o077 == 0


def test_the_archive_has_each_students_page_where_moodle_wants_it(the_class, tmp_path):
    submissions, rows, verdicts = the_class
    names = pages.write_feedback(tmp_path, CHAPTER, submissions, rows, verdicts, commitment(5))
    before = (tmp_path / "feedback.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "feedback.zip") as packed:
        inside = packed.namelist()
        assert packed.read(inside[0]) == (tmp_path / "feedback" / names["Ada"]).read_bytes()
    assert inside[0] == "Ada/feedback_08_viterbi.html"
    assert inside[1].endswith("_77_assignsubmission_file_/feedback_08_viterbi.html")
    assert inside[1].count("/") == 1
    pages.write_feedback(tmp_path, CHAPTER, submissions, rows, verdicts, commitment(5))
    assert (tmp_path / "feedback.zip").read_bytes() == before


def test_a_teacher_reads_how_it_went_and_whose_ideas_were_wrong(the_class):
    text = words(class_page(the_class))
    assert "3 students, 1 of them late. All answers together took 2 s to run." in text
    assert "The mean is 4.67 of 10, over 3 students." in text
    assert re.search(r"8\.2, best cell of each frame: 1.*Ada", text, re.S)
    assert "8.1: timed out. It did not end within 10 s." in text
    assert "Cy: unreadable." in text
    assert "aria-label='Students by whole points: 1 with 0, 2 with 7.'" in class_page(the_class)


def test_sections_are_told_apart_where_the_roster_has_them(the_class):
    assert "Sections" not in words(class_page(the_class))
    page = class_page(the_class, sections={"Ada": "B", "Cy": "A & C"})
    assert re.findall(r"scope='row'>(A &amp; C|B|none)</th><td>([\d.]+) of 10", page) == [
        ("none", "7.00"),
        ("A &amp; C", "0.00"),
        ("B", "7.00"),
    ]


# -- answers that are alike

RENAMED = (
    LOOPS.replace("log_y", "scores")
    .replace("best", "b")
    .replace("V", "table")
    .replace("\n    for t", "\n\n    # so\n    for t")
)


def test_a_shape_is_that_of_the_code_and_not_of_its_names():
    assert shape_of(LOOPS) == shape_of(RENAMED)
    assert alike(shape_of(LOOPS), shape_of(RENAMED)) == 1
    assert alike(shape_of(LOOPS), shape_of(ROWS)) < 0.5
    assert alike(shape_of(LOOPS), shape_of(LOOPS.replace("return V", "V = V + 0\n    return V"))) > 0.8
    assert shape_of("def f(x):\n    '''said'''\n    return x + 1") == shape_of(
        "def f(y: int) -> int:\n    return y + 1"
    )


@pytest.mark.parametrize("text", ["", "def f(:", "(" * 10_000, "x = " + "-" * 50_000 + "1", "\x00"])
def test_what_is_no_python_has_no_shape(text):
    assert shape_of(text) == []
    assert alike([], []) == 0


def test_those_of_one_shape_come_together_and_others_by_how_much():
    near = LOOPS.replace("return V", "V = V + 0\n    return V")
    shapes = {
        name: shape_of(text) for name, text in (("a", LOOPS), ("b", RENAMED), ("c", near), ("d", ROWS), ("e", "x = 1"))
    }
    found = pairs("8.1", shapes)
    assert found[0] == Pair("8.1", "a", "b", 1.0)
    assert [(pair.student, pair.other) for pair in found[1:]] == [("a", "c")]
    assert 0.8 <= found[1].share < 1


def test_an_answer_that_is_a_function_of_the_package_is_found():
    source = (NOTEBOOKS.parent / "course_utils" / "viterbi.py").read_text()
    taken = source[source.index("def align_score") : source.index("def align_in_probabilities")]
    found = pairs("8.3", {"a": shape_of(taken.replace("align_score", "viterbi_score").replace("column", "c"))})
    assert [(pair.student, pair.other) for pair in found] == [("a", f"{LIBRARY}: viterbi.align_score")]
