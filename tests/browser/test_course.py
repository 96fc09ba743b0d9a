"""The course as a student has it: every chapter of the students' edition in JupyterLab, with nothing solved, then solved.

Each chapter is run once, with the edition's own package, and all that is asked of it is asked of that run.
"""

import copy
import re

import nbformat
import pytest
from nbgrader.utils import determine_grade

from course_utils.exercises.registry import EXERCISES
from course_utils.grading import student
from course_utils.grading.mistakes import RUN_ON
from tests.browser.conftest import Desk
from tools.lab import Lab
from tools.notebooks import NOTEBOOKS
from tools.pages import Watch, check_mounted, notices

CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"
AGAIN = "-again"
SECONDS_A_CHAPTER = 300
# JupyterLab calls a run of all cells ended where one has raised, though it goes on with the others if that one may.
ALL_HAVE_RUN = """
(mayRaise) => {
  const cells = jupyterapp.shell.currentWidget.content.widgets.map(({ model }) => model).filter(({ type }) => type === 'code');
  const raised = ({ outputs }) => outputs.length && outputs.get(outputs.length - 1).type === 'error';
  return cells.some((cell) => raised(cell) && !cell.getMetadata('tags')?.includes(mayRaise))
    || cells.every((cell) => cell.executionCount !== null || !cell.sharedModel.getSource());
}
"""


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """The students' edition of the whole course: where it is, and what is in it."""
    tree = tmp_path_factory.mktemp("real") / "student"
    return tree, student.build(tree)


@pytest.fixture(scope="module")
def students_lab(edition, tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("students"), as_readers=True, course=edition[0]) as lab:
        yield lab


@pytest.fixture(scope="module")
def first_sight(students_lab, browser):
    """What the very first page of JupyterLab shows, or does, that it should not."""
    page = browser.new_page()
    watch = Watch(page)
    page.goto(f"{students_lab.url}/lab?token={students_lab.token}")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("() => jupyterapp.restored")
    page.wait_for_load_state("networkidle")
    problems = watch.problems + notices(page)
    page.close()
    return problems


@pytest.fixture(scope="module")
def students_desk(students_lab, first_sight, browser):
    with Desk(students_lab, browser) as desk:
        yield desk


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    """A notebook of the course, as its authors have it."""
    return request.param


@pytest.fixture(scope="module")
def ran(students_desk, chapter):
    """The students' notebook, with the authors' solutions and each check once more at its end, run from top to bottom.

    Its long training is cut short: how well that trains is not what is asked here.
    """
    path = students_desk.lab.root / "notebooks" / chapter.name
    notebook = nbformat.read(path, as_version=4)
    solved = {cell.id: cell.source for cell in nbformat.read(chapter, as_version=4).cells}
    once_more = [copy.deepcopy(cell) for cell in notebook.cells if "nbgrader" in cell.metadata]
    for cell in once_more:
        if cell.metadata.nbgrader.solution:
            cell.source = solved[cell.id]
        cell.id += AGAIN
    notebook.cells += once_more
    for cell in notebook.cells:
        cell.source = re.sub(r"^ITERATIONS = \d+$", "ITERATIONS = 20", cell.source, flags=re.M)
    nbformat.write(notebook, path)
    with students_desk.open(chapter.name) as one:
        one.run().page.wait_for_function(ALL_HAVE_RUN, arg=RUN_ON, timeout=SECONDS_A_CHAPTER * 1000)
        yield one


def test_a_first_start_shows_no_dialog_no_notice_and_asks_nobody(first_sight):
    assert first_sight == []


def cells_of(notebook, again=False):
    """Return the cells as the page holds them: the student's, or those at the end."""
    cells = nbformat.from_dict(notebook.contents()).cells
    return [cell for cell in cells if cell.id.endswith(AGAIN) == again]


def graded(cells):
    return [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]


def test_a_chapter_runs_to_its_end_with_nothing_solved(ran):
    """Does a reader who solves nothing see the whole chapter, and one line at each check?"""
    cells = cells_of(ran)
    wrong = [cell for cell in cells if any(output.output_type == "error" for output in cell.get("outputs", []))]
    assert {cell.id: cell.outputs for cell in wrong if RUN_ON not in cell.metadata.get("tags", [])} == {}
    assert [cell.id for cell in wrong] == [cell.id for cell in graded(cells)]
    for cell in wrong:
        (output,) = cell.outputs
        (line,) = output.traceback
        assert "not attempted" in line
        assert "\n" not in line
    assert [cell.id for cell in cells for output in cell.get("outputs", []) if output.get("name") == "stderr"] == []


def test_every_stepper_of_a_chapter_mounts(ran):
    steppers = 0
    for index, cell in enumerate(cells_of(ran)):
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if VIEW in shown and "<table" in "".join(shown.get("text/html", "")):
                steppers += 1
                ran.scroll_to(index)
                check_mounted(ran.cell(index).locator(".rc-stepper").first)
    assert steppers


def test_a_chapter_gives_full_marks_for_the_authors_solutions(ran, chapter):
    checks = graded(cells_of(ran, again=True))
    grades = [determine_grade(cell) for cell in checks]
    assert all(got == of for got, of in grades)
    for cell in checks:
        assert "✓" in "".join(output.get("text", "") for output in cell.outputs)
    number = chapter.stem[:2].lstrip("0")
    assert sum(of for _, of in grades) == sum(e.points for e in EXERCISES.values() if e.id.partition(".")[0] == number)


def test_every_exercise_of_the_course_is_in_the_edition(edition):
    """Does the edition grade every exercise that is defined?"""
    _, built = edition
    assert (built.exercises, built.points) == (len(EXERCISES), sum(e.points for e in EXERCISES.values()))


def test_chapters_with_exercises_have_graded_cells():
    """Would the tests above see a chapter that lost its checks?"""
    with_checks = {path.stem for path in CHAPTERS if graded(nbformat.read(path, as_version=4).cells)}
    assert with_checks == {path.stem for path in CHAPTERS} - {"00_index"}
