"""A notebook without its solutions is what nbgrader makes of it, and nothing of a solution is left."""

import ast
import copy
import json

import nbformat
import pytest
from course import REAL, cell, check, grading, notebook, to_solve

from course_utils.grading import student
from course_utils.grading.leaks import Removed, find_leaks
from course_utils.grading.mistakes import take_apart
from course_utils.workbook.files import notebook_bytes
from course_utils.workbook.unsolved import CODE_STUB, CourseMistake, source_of, unsolved

TWO_REGIONS = """\
def f(x):
    a = x
    ### BEGIN SOLUTION
    a = a + 1
    ### END SOLUTION
    for n in range(3):
\t\t# BEGIN SOLUTION, which may be longer
\t\ta = a * n
\t\t# END SOLUTION
    return a
"""
HIDDEN = "### BEGIN HIDDEN TESTS\nassert f(3) == 4\n### END HIDDEN TESTS\ncheck(f)"
OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["a = a + 1\n"]}

BY_HAND = {
    "an exercise": notebook(to_solve("f"), check("f")),
    "two regions, one in the middle and one in tabs": notebook(
        cell("a", TWO_REGIONS, nbgrader=grading("a", solution=True))
    ),
    "all of a cell": notebook(cell("a", "x = 42", nbgrader=grading("a", solution=True))),
    "a written answer": notebook(
        cell("a", "It is 42.", "markdown", nbgrader=grading("a", solution=True, grade=True, points=0))
    ),
    "a region of a written answer that gives points": notebook(
        cell(
            "a",
            "Why?\n\n### BEGIN SOLUTION\n42\n### END SOLUTION",
            "markdown",
            nbgrader=grading("a", solution=True, grade=True, points=1.5),
        )
    ),
    "hidden tests": notebook(
        to_solve("f"), cell("b", HIDDEN, nbgrader=grading("b", grade=True, locked=True, points=0))
    ),
    "a cell for reading only": notebook(cell("a", "Read.", "markdown", nbgrader=grading("a", locked=True))),
    "a cell that nbgrader knows and leaves": notebook(cell("a", "x = 1", nbgrader=grading("a"))),
    "tags and what is scrolled": notebook(
        check("f", tags=["wide"], scrolled=True, collapsed=False), cell("b", "Text", "markdown", collapsed=True)
    ),
    "outputs": notebook({**cell("a"), "outputs": [OUTPUT], "execution_count": 3}),
    "a raw cell, and an attachment": notebook(
        cell("a", "raw", "raw"), {**cell("b", "![](attachment:a.png)", "markdown"), "attachments": {"a.png": {}}}
    ),
    "metadata of the notebook": notebook(
        cell("a"), kernelspec={"name": "python3", "language": "python"}, celltoolbar="Tags", widgets={"state": {}}
    ),
}


def with_texts_joined(book):
    joined = copy.deepcopy(book)
    for one in joined["cells"]:
        one["source"] = source_of(one)
    return joined


def by_nbgrader(book):
    return json.loads(json.dumps(student.clear(nbformat.from_dict(with_texts_joined(book)))))


@pytest.mark.parametrize("name", REAL)
def test_a_chapter_is_what_nbgrader_makes_of_it(name):
    assert unsolved(REAL[name]) == by_nbgrader(REAL[name])


@pytest.mark.parametrize("name", BY_HAND)
def test_a_cell_is_what_nbgrader_makes_of_it(name):
    assert unsolved(BY_HAND[name]) == by_nbgrader(BY_HAND[name])


def test_the_file_is_what_jupyter_writes():
    for book in map(unsolved, REAL.values()):
        assert notebook_bytes(book).decode().rstrip("\n") == nbformat.writes(nbformat.from_dict(book)).rstrip("\n")


def test_the_stub_stands_where_the_solution_stood():
    (cut,) = unsolved(BY_HAND["two regions, one in the middle and one in tabs"])["cells"]
    first, second = (f"{indent}{CODE_STUB[0]}\n{indent}{CODE_STUB[1]}\n" for indent in ("    ", "\t\t"))
    assert cut["source"] == f"def f(x):\n    a = x\n{first}    for n in range(3):\n{second}    return a\n"


def leaks_in(folder, course):
    """What the search of the students' edition finds in copies of some notebooks."""
    removed = [
        Removed(f"{name}, cell {number}", text)
        for name, book in course.items()
        for number, one in enumerate(book["cells"])
        for text in take_apart(source_of(one)).solutions
    ]
    assert removed
    for name, book in course.items():
        (folder / name).write_bytes(notebook_bytes(unsolved(book)))
    return find_leaks(folder, removed)


def test_nothing_of_a_solution_is_left_in_any_chapter(tmp_path):
    assert leaks_in(tmp_path, REAL) == []


def test_a_solution_that_is_left_would_be_found(tmp_path):
    course = {"small.ipynb": notebook(to_solve("f", "return seven(6)"), cell("b", "- `return seven(6)`", "markdown"))}
    assert len(leaks_in(tmp_path, course)) == 1


def test_the_notebook_of_the_course_is_left_as_it_is():
    book = notebook(to_solve("f"), check("f"))
    before = copy.deepcopy(book)
    unsolved(book)
    assert book == before


def test_only_a_cell_that_checks_lets_run_all_go_on():
    for book in map(unsolved, REAL.values()):
        for one in book["cells"]:
            graded = one["metadata"].get("nbgrader", {}).get("grade", False)
            assert ("raises-exception" in one["metadata"].get("tags", [])) == graded


def needs_an_answer(book):
    """Cells that use a function which the reader is to write, and are not checks; they would stop "Run All"."""
    to_write, found = set(), []
    for one in book["cells"]:
        grades = one["metadata"].get("nbgrader", {})
        if one["cell_type"] != "code" or grades.get("grade"):
            continue
        tree = ast.parse(one["source"])
        if grades.get("solution"):
            to_write |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        elif to_write & {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
            found.append(one["source"])
    return found


def test_no_other_cell_stops_for_want_of_an_answer():
    for name, book in REAL.items():
        assert needs_an_answer(unsolved(book)) == [], name
    assert needs_an_answer(unsolved(notebook(to_solve("f"), check("f"), cell("a", "f()")))) == ["f()"]


def solution(text):
    return cell("a", text, nbgrader=grading("a", solution=True))


MISTAKES = {
    "has no END SOLUTION after it": [solution("x = 1\n### BEGIN SOLUTION\nx = 2")],
    "stands within another": [solution("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION")],
    "END SOLUTION has no BEGIN SOLUTION before it": [solution("x = 42\n### END SOLUTION")],
    "BEGIN HIDDEN TESTS has no END": [cell("a", "# BEGIN HIDDEN TESTS", nbgrader=grading("a", grade=True, points=1))],
    "is not a solution cell": [cell("a", "### BEGIN SOLUTION\nx = 42\n### END SOLUTION")],
    "is not a graded cell": [cell("a", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS")],
    "# begin solution” is left": [cell("a", "# begin solution\nx = 42\n# end solution")],
    "BEGIN SOLUTION” is left": [
        {**cell("a", "![](attachment:b)", "markdown"), "attachments": {"b": {"text/plain": "BEGIN SOLUTION"}}}
    ],
    "each cell needs an id": [cell("a"), cell("a")],
    "each exercise a grade_id, that no other has": [to_solve("f"), {**to_solve("f"), "id": "another"}],
    "metadata lacks grade_id and points": [cell("a", nbgrader={"grade": True})],
}


@pytest.mark.parametrize("says", MISTAKES)
def test_a_mistake_of_the_author_is_named_and_nothing_handed_out(says):
    with pytest.raises(CourseMistake, match=says) as caught:
        unsolved(notebook(*MISTAKES[says]), "notebooks/08.ipynb")
    assert str(caught.value).startswith("notebooks/08.ipynb")


def test_a_mistake_is_named_with_its_cell():
    with pytest.raises(CourseMistake, match=r"^08, cell 2: "):
        unsolved(notebook(cell("b"), solution("### BEGIN SOLUTION")), "08")
