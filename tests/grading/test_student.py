"""The students' edition: nothing of a solution, all that a student needs, and nobody's work lost."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.exercises.registry import EXERCISES
from course_utils.grading import folder, leaks, mistakes, student

pytestmark = pytest.mark.slow

ROOT = Path(student.__file__).resolve().parents[2]

FORWARD = """\
table = np.full((len(log_y), len(target)), -np.inf)
table[0, 0] = log_y[0, target[0]]
for t in range(1, len(log_y)):
    for i in range(len(target)):
        best = table[t - 1, i]
        if i > 0:
            best = max(best, table[t - 1, i - 1])
        table[t, i] = best + log_y[t, target[i]]
return table
"""
TRACE = """\
i = trellis.shape[1] - 1
path = [i]
for before in trellis[-2::-1]:
    if i > 0 and before[i - 1] > before[i]:
        i -= 1
    path.append(i)
return path[::-1]
"""


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def solution_cell(signature: str, body: str, grade_id: str, **meta):
    cell = new_code_cell(f"def {signature}:\n    ### BEGIN SOLUTION\n{indented(body)}    ### END SOLUTION")
    cell.metadata.nbgrader = nbformat.from_dict(
        {
            "schema_version": 3,
            "grade": False,
            "solution": True,
            "locked": False,
            "task": False,
            "grade_id": grade_id,
            **meta,
        }
    )
    return cell


def check_cell(source: str, grade_id: str, points: float, **meta):
    cell = new_code_cell(source)
    cell.metadata.nbgrader = nbformat.from_dict(
        {
            "schema_version": 3,
            "grade": True,
            "solution": False,
            "locked": True,
            "task": False,
            "grade_id": grade_id,
            "points": points,
            **meta,
        }
    )
    return cell


SOLVE_FORWARD, CHECK_FORWARD, SOLVE_TRACE, CHECK_TRACE = 2, 3, 4, 5  # where the cells stand


def two_exercises():
    cells = [
        new_markdown_cell("# Two exercises"),
        new_code_cell("import numpy as np\n\nimport course_utils\nfrom course_utils.exercises.check import check"),
        solution_cell("viterbi_forward(log_y, target)", FORWARD, "viterbi_forward"),
        check_cell('check("8.1", viterbi_forward)', "check_viterbi_forward", 3),
        solution_cell("trace_back(trellis)", TRACE, "trace_back"),
        check_cell('check("8.2", trace_back)', "check_trace_back", 2),
        new_code_cell('print("ran to the end, with", course_utils.__file__)'),
    ]
    for n, cell in enumerate(cells):
        cell.id = f"cell-{n}"
    notebook = new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return notebook


class Course:
    """A small copy of the course, to be changed at will."""

    def __init__(self, home: Path):
        self.home = home
        self.target = home.parent / "dist" / "student"
        self.notebook = two_exercises()

    @property
    def cells(self):
        return self.notebook.cells

    def build(self) -> student.Edition:
        path = self.home / "notebooks" / "08_small.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self.notebook), encoding="utf-8")
        return student.build(self.target, self.home)

    def read(self):
        return nbformat.read(self.target / "notebooks" / "08_small.ipynb", as_version=4)

    def tree(self) -> dict[str, bytes]:
        paths = (path for path in self.target.rglob("*") if path.is_file())
        return {path.relative_to(self.target).as_posix(): path.read_bytes() for path in paths}

    def write(self, name: str, text: str) -> None:
        (self.home / name).parent.mkdir(parents=True, exist_ok=True)
        (self.home / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    home = tmp_path_factory.mktemp("course") / "course"
    home.mkdir()
    for name in ("LICENSE", "Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, home)
    for name in ("course_utils", "tools"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    return home


@pytest.fixture
def course(original, tmp_path):
    shutil.copytree(original, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def built_course(course):
    course.build()
    return course


@pytest.fixture(scope="session")
def students_tree(original, tmp_path_factory):
    """A built tree that tests only read."""
    home = tmp_path_factory.mktemp("read-only") / "course"
    shutil.copytree(original, home)
    course = Course(home)
    course.build()
    return course


def run_all(notebook, tree: Path):
    """Run a notebook as it would run in its own folder, with nothing but the tree's package."""
    notebook = copy.deepcopy(notebook)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tree / "notebooks")}})
    client.execute(env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"})
    return notebook


def graded_cells(notebook):
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def text_of(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def fill_in(cell, body: str) -> None:
    stub = "    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert stub in cell.source
    cell.source = cell.source.replace(stub, indented(body).rstrip("\n"))


# -- what is in it


def test_tree_holds_what_a_student_needs_and_no_more(students_tree):
    """Is all there that the course needs to run, and nothing for its makers?"""
    tree = students_tree.tree()
    assert {
        "LICENSE",
        "Makefile",
        "README.md",
        "pyproject.toml",
        "requirements.txt",
        "tools/setup_env.py",
        "notebooks/08_small.ipynb",
        "course_utils/stepper/player.js",
        "course_utils/stepper/stepper.css",
        "course_utils/scenes/scene.css",
        "course_utils/exercises/check.py",
    } <= set(tree)
    assert not [name for name in tree if "grading" in name or "__pycache__" in name or "test" in name]


def test_no_module_that_answers_is_in_it(students_tree):
    """Are the exercises there as data, and the modules that write them out left behind?"""
    tree = students_tree.tree()
    assert "course_utils/exercises/kept.npz" in tree
    assert [name for name in tree if re.search(r"/ch\d+\.py$", name) and "/exercises/" in name] == []
    ideas = [idea.name.encode() for exercise in EXERCISES.values() for idea in exercise.misconceptions[:1]]
    modules = b"".join(data for name, data in tree.items() if name.endswith(".py"))
    assert [idea for idea in ideas if b'"' + idea + b'"' in modules] == []


@pytest.mark.parametrize("text", ["BEGIN SOLUTION", "END SOLUTION", "best = max(best", "path.append(i)"])
def test_no_file_holds_a_solution(students_tree, text):
    """Is every trace of the solutions gone?"""
    assert not [name for name, data in students_tree.tree().items() if text.encode() in data]


def test_summary_counts_notebooks_exercises_and_points(course):
    """Does the author learn what was built?"""
    assert course.build() == student.Edition(notebooks=1, exercises=2, points=5)


def test_stub_stands_in_place_of_the_solution(students_tree):
    """Is the signature kept, and nbgrader's stub put where the solution was?"""
    cell = students_tree.read().cells[SOLVE_FORWARD]
    assert cell.source == ("def viterbi_forward(log_y, target):\n    # YOUR CODE HERE\n    raise NotImplementedError()")


def test_cells_are_locked_and_checksummed_by_nbgrader(students_tree):
    """Can nbgrader tell later what was changed?"""
    from nbgrader.utils import compute_checksum

    cells = students_tree.read().cells
    assert cells[CHECK_FORWARD].metadata.editable is False
    assert cells[SOLVE_FORWARD].metadata.deletable is False
    for n in (SOLVE_FORWARD, CHECK_FORWARD):
        assert cells[n].metadata.nbgrader.checksum == compute_checksum(cells[n])


def test_preprocessors_run_in_the_order_that_is_asked_for(monkeypatch):
    """Are nbgrader's own preprocessors used, all of them, in order?"""
    from nbgrader import preprocessors

    called = []
    for name in ("LockCells", "ClearSolutions", "ClearOutput", "ClearHiddenTests", "ComputeChecksums"):
        kind = getattr(preprocessors, name)

        def preprocess(self, notebook, resources, name=name, original=kind.preprocess):
            called.append(name)
            return original(self, notebook, resources)

        monkeypatch.setattr(kind, "preprocess", preprocess)
    monkeypatch.setattr(
        preprocessors.CheckCellMetadata,
        "preprocess",
        lambda self, nb, r: (called.append("CheckCellMetadata"), (nb, r))[1],
    )
    student.clear(two_exercises())
    assert called == [
        "LockCells",
        "ClearSolutions",
        "ClearOutput",
        "ClearHiddenTests",
        "ComputeChecksums",
        "CheckCellMetadata",
    ]


def test_only_checks_are_tagged_to_run_on(students_tree):
    """Does Run All go on past checks, and stop at any other error?"""
    tagged = [
        n for n, cell in enumerate(students_tree.read().cells) if "raises-exception" in cell.metadata.get("tags", [])
    ]
    assert tagged == [CHECK_FORWARD, CHECK_TRACE]


def test_other_tags_of_a_check_are_kept(course):
    """Does the new tag leave the others alone?"""
    course.cells[CHECK_FORWARD].metadata.tags = ["wide"]
    course.build()
    assert course.read().cells[CHECK_FORWARD].metadata.tags == ["wide", "raises-exception"]


def test_clearing_leaves_the_source_notebook_alone():
    """Is the author's notebook, in memory too, as it was?"""
    notebook = two_exercises()
    before = copy.deepcopy(notebook)
    student.clear(notebook)
    assert notebook == before


def test_outputs_and_widget_state_are_cleared(course):
    """Does an output that shows a solution, or a widget's state, stay behind in no way?"""
    course.cells[6].outputs = [new_output("stream", text=FORWARD)]
    course.notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"a": FORWARD}}}
    course.build()
    assert "widgets" not in course.read().metadata
    assert all(cell.outputs == [] for cell in course.read().cells if cell.cell_type == "code")


def test_hidden_tests_are_removed(course):
    """Do tests that students must not see stay with the author?"""
    course.cells[CHECK_FORWARD].source = (
        "### BEGIN HIDDEN TESTS\nassert viterbi_forward is not None\n### END HIDDEN TESTS\n"
        + course.cells[CHECK_FORWARD].source
    )
    course.build()
    assert course.read().cells[CHECK_FORWARD].source == 'check("8.1", viterbi_forward)'


def test_figure_that_a_notebook_shows_is_copied(course):
    """Do pictures come along, and only those that are shown?"""
    course.write("figures/shown.svg", "<svg/>")
    course.write("figures/in code.svg", "<svg/>")
    course.write("figures/other.svg", "<svg/>")
    course.cells[0].source += "\n\n![A table](../figures/shown.svg) and $V[t](i)$, [a page](https://example.org/a.html)"
    course.cells[6].source += '\nopen("../figures/in code.svg").close()'
    course.build()
    assert [name for name in sorted(course.tree()) if "figures" in name] == ["figures/in code.svg", "figures/shown.svg"]


def test_same_course_gives_the_same_bytes(course, tmp_path):
    """Is the output a function of the input?"""
    course.build()
    first = course.tree()
    course.target = tmp_path / "elsewhere"
    course.build()
    assert course.tree() == first


def test_make_offers_the_lab_in_the_tree(students_tree):
    """Does the tree's Makefile offer what works there, and nothing else?"""
    command = ["make", "--no-print-directory", "help"]  # which a make above this test would turn on
    listed = subprocess.run(command, cwd=students_tree.target, capture_output=True, text=True, check=True)
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [["make", "help"], ["make", "lab"]]
    steps = subprocess.run(["make", "-n", "lab"], cwd=students_tree.target, capture_output=True, text=True, check=True)
    assert "setup_env.py lab" in steps.stdout
    assert "course_utils.workbook" in steps.stdout


# -- it runs


def test_tree_imports_its_own_package(students_tree):
    """Does the tree stand on its own, without the course it was built from?"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = "import course_utils, course_utils.notebook, course_utils.data; print(course_utils.__file__)"
    answer = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=students_tree.target,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(answer.stdout.strip()).resolve().is_relative_to(students_tree.target.resolve())


def test_tree_names_a_wrong_idea_without_any_code_of_it(students_tree):
    """Is a student told the first wrong cell and the idea behind it, from data alone?"""
    code = (
        "import numpy as np\n"
        "from course_utils.exercises.check import CheckFailed, check\n"
        "from course_utils.exercises.kept import Kept\n"
        "from course_utils.exercises.registry import EXERCISES\n"
        "assert all(isinstance(i.answer, Kept) for e in EXERCISES.values() for i in e.misconceptions)\n"
        "try:\n"
        "    check('8.2', lambda trellis: trellis.argmax(axis=1))\n"
        "except CheckFailed as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=students_tree.target,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "This looks like: best cell of each frame." in ran.stdout
    assert "the first wrong cell of the path is at t = " in ran.stdout
    assert re.search(r"✗ 8\.2 the trace back: incorrect, \d+ of \d+ cases right", ran.stdout)


@pytest.fixture(scope="session")
def run_unsolved(students_tree):
    return run_all(students_tree.read(), students_tree.target)


@pytest.fixture(scope="session")
def run_with_one_solved(students_tree):
    notebook = students_tree.read()
    fill_in(notebook.cells[SOLVE_FORWARD], FORWARD)
    return run_all(notebook, students_tree.target)


def assert_not_attempted(cell) -> None:
    (output,) = cell.outputs
    assert output.output_type == "error"
    (line,) = output.traceback
    assert "not attempted" in line
    assert "\n" not in line


def test_run_all_goes_on_past_unsolved_exercises(run_unsolved, students_tree):
    """Does an untouched notebook run to its end, on the tree's own package?"""
    assert "ran to the end" in text_of(run_unsolved.cells[-1])
    assert str(students_tree.target) in text_of(run_unsolved.cells[-1])


def test_unsolved_exercise_says_so_in_one_line(run_unsolved):
    """Does a student see one friendly line instead of a traceback?"""
    for cell in graded_cells(run_unsolved):
        assert_not_attempted(cell)


def test_right_answer_passes_in_the_tree(run_with_one_solved):
    """Does a student who solves an exercise read that it is correct?"""
    assert "✓ 8.1" in text_of(run_with_one_solved.cells[CHECK_FORWARD])


def test_nbgrader_counts_what_is_solved(run_with_one_solved):
    """Does nbgrader give all points for a right answer, and none for an open one?"""
    from nbgrader.utils import determine_grade

    grades = [determine_grade(cell) for cell in graded_cells(run_with_one_solved)]
    assert grades == [(3, 3), (0, 2)]


# -- leaks

LEAKS = {
    "markdown": lambda course: course.cells.insert(1, new_markdown_cell(f"A hint:\n\n```python\n{FORWARD}```")),
    "quotation": lambda course: course.cells.insert(
        1, new_markdown_cell("".join(f"> {line}\n" for line in FORWARD.splitlines()))
    ),
    "html": lambda course: course.cells.insert(
        1, new_markdown_cell("<pre>" + TRACE.replace(">", "&gt;").replace("path", "<b>path</b>") + "</pre>")
    ),
    "comments": lambda course: course.cells.insert(
        1, new_code_cell("def f(log_y, target):\n" + indented(FORWARD).replace("\n", "  # so\n\n    # and\n"))
    ),
    "no spaces": lambda course: course.cells.insert(
        1, new_code_cell("def f(log_y, target):\n" + indented(FORWARD).replace(" = ", "="))
    ),
    "three lines": lambda course: course.cells.insert(1, new_markdown_cell("".join(FORWARD.splitlines(True)[4:7]))),
    "rest of its cell": lambda course: course.cells[SOLVE_TRACE].update(
        source=course.cells[SOLVE_TRACE].source + "\n\ndef again(trellis):\n" + indented(TRACE)
    ),
    "metadata": lambda course: course.notebook.metadata.update(note=FORWARD),
    "module": lambda course: course.write("course_utils/help.py", f"def f(log_y, target):\n{indented(FORWARD)}"),
    "string in a module": lambda course: course.write("course_utils/help.py", f"HELP = {FORWARD!r}\n"),
    "figure": lambda course: (
        course.write("figures/a.svg", f"<svg><desc>{TRACE}</desc></svg>"),
        course.cells[0].update(source="![a](../figures/a.svg)"),
    ),
    "licence": lambda course: course.write("LICENSE", FORWARD),
    "marker in a module": lambda course: course.write("course_utils/help.py", "### BEGIN SOLUTION\n"),
    "misspelt marker": lambda course: course.cells.insert(1, new_code_cell("# end solution")),
    "hidden tests": lambda course: (
        course.cells[CHECK_TRACE].update(
            source="### BEGIN HIDDEN TESTS\nsecret = 12\n### END HIDDEN TESTS\n" + course.cells[CHECK_TRACE].source
        ),
        course.cells[0].update(source="secret = 12"),
    ),
}
FOUND_IN = {
    "rest of its cell": "08_small.ipynb, cell 5 (trace_back)",
    "metadata": "08_small.ipynb, outside its cells",
    "module": "course_utils/help.py, line 2",
    "string in a module": "course_utils/help.py, line 1",
    "figure": "figures/a.svg, line 2",
    "licence": "LICENSE, line 1",
    "marker in a module": "course_utils/help.py, line 1",
    "hidden tests": "08_small.ipynb, cell 1",
}


@pytest.mark.parametrize("planted", LEAKS)
def test_planted_solution_is_found(course, planted):
    """Is a solution found wherever it was copied to, and nothing left that could be handed out?"""
    LEAKS[planted](course)
    for n, cell in enumerate(course.cells):
        cell.id = f"cell-{n}"
    with pytest.raises(student.SolutionLeft) as caught:
        course.build()
    assert FOUND_IN.get(planted, "08_small.ipynb, cell 2") in str(caught.value)
    assert not course.target.exists()
    assert list(course.target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "output",
    [
        new_output("stream", text=FORWARD),
        new_output("display_data", data={"text/html": f"<pre>{FORWARD}</pre>"}),
        new_output("display_data", data={"application/json": {"code": FORWARD.splitlines()}}),
        new_output("error", ename="E", evalue="", traceback=FORWARD.splitlines()),
    ],
    ids=["stream", "html", "json", "traceback"],
)
def test_search_reads_outputs(tmp_path, output):
    """Would the search find a solution in an output, if one were left?"""
    cell = new_code_cell("1", id="a", outputs=[output])
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    (leak,) = leaks.find_leaks(tmp_path, [leaks.Removed("b.ipynb, cell 7", FORWARD)])
    assert str(leak) == "a.ipynb, cell 1: lines of the solution of b.ipynb, cell 7"


def test_whole_of_a_short_solution_is_found(tmp_path):
    """Is a solution of two lines found as a whole, and not by one of its lines?"""
    removed = [leaks.Removed("cell 1", "a = first(b)\nreturn a + 1\n")]
    (tmp_path / "half.py").write_text("a = first(b)\nreturn a\n")
    assert leaks.find_leaks(tmp_path, removed) == []
    (tmp_path / "whole.txt").write_text("x\n\na  =  first(b)\n\n  return a+1\n")
    assert [leak.where for leak in leaks.find_leaks(tmp_path, removed)] == ["whole.txt, line 3"]


def test_a_quoted_solution_is_found_whatever_signs_stand_in_it(tmp_path):
    """Is a sign at the beginning of a line taken for a prompt, and one within it for what it is?"""
    removed = [leaks.Removed("cell 1", "a = 6 * 7\nb = a - 1 + 2\nreturn a > b\n")]
    (tmp_path / "a.md").write_text("> a = 6 * 7\n> b = a - 1 + 2\n> return a > b\n")
    assert [leak.where for leak in leaks.find_leaks(tmp_path, removed)] == ["a.md, line 1"]


def test_two_lines_of_a_longer_solution_are_no_leak(tmp_path):
    """May a text share two lines with a solution, such as how a table begins?"""
    (tmp_path / "a.py").write_text("".join(FORWARD.splitlines(True)[:2]))
    assert leaks.find_leaks(tmp_path, [leaks.Removed("cell 1", FORWARD)]) == []


def test_broken_notebook_and_binary_files_are_searched_or_passed_over(tmp_path):
    """Does the search get through whatever files there are?"""
    (tmp_path / "a.ipynb").write_text("{" + FORWARD)
    (tmp_path / "b.png").write_bytes(b"\x89PNG\0" + FORWARD.encode())
    found = leaks.find_leaks(tmp_path, [leaks.Removed("cell 1", FORWARD)])
    assert [leak.where for leak in found] == ["a.ipynb, line 2"]


def test_solution_cell_without_a_stub_is_found(course, monkeypatch):
    """Is a solution cell reported that clearing has left without a stub?"""
    monkeypatch.setattr(student, "PREPROCESSORS", ("LockCells", "ClearOutput", "ComputeChecksums"))
    with pytest.raises(student.SolutionLeft, match=r"cell 3 \(viterbi_forward\): a solution cell without a stub"):
        course.build()


def test_earlier_tree_goes_when_a_solution_is_left(built_course):
    """Can an older tree not be taken for the one that could not be built?"""
    built_course.cells[0].source = FORWARD
    with pytest.raises(student.SolutionLeft):
        built_course.build()
    assert not built_course.target.exists()


# -- nobody's work is lost


def test_unchanged_tree_is_replaced(built_course):
    """Does a second build take the place of the first?"""
    built_course.cells[0].source = "# Another title"
    built_course.build()
    assert built_course.read().cells[0].source == "# Another title"
    assert [path.name for path in built_course.target.parent.iterdir()] == ["student"]


def test_file_that_was_only_removed_is_put_back(built_course):
    """Is a tree replaced that has lost a file, and holds nobody's work?"""
    (built_course.target / "LICENSE").unlink()
    built_course.build()
    assert (built_course.target / "LICENSE").exists()


@pytest.mark.parametrize(
    "name", ["notebooks/08_small.ipynb", "README.md", "notebooks/mine.ipynb", "notes/deep/own.txt", ".hidden"]
)
def test_work_in_the_tree_is_refused_and_named(built_course, name):
    """Is a tree left alone when something in it was changed or added, and does the message say what to do?"""
    path = built_course.target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("my work", encoding="utf-8")
    before = built_course.tree()
    with pytest.raises(folder.WorkInTheWay, match=f"(?s){name}.*another folder, or move") as caught:
        built_course.build()
    assert str(built_course.target) in str(caught.value)
    assert built_course.tree() == before


def test_work_is_safe_when_a_solution_is_left(built_course):
    """Is work kept although the build would fail anyway?"""
    (built_course.target / "mine.txt").write_text("my work")
    built_course.cells[0].source = FORWARD
    with pytest.raises(folder.WorkInTheWay):
        built_course.build()
    assert (built_course.target / "mine.txt").read_text() == "my work"


def test_work_that_appears_during_the_build_is_safe(built_course, monkeypatch):
    """Is the tree looked at once more before it is replaced?"""
    mine = built_course.target / "mine.txt"
    monkeypatch.setattr(student, "find_leaks", lambda *_: mine.write_text("my work") and [])
    with pytest.raises(folder.WorkInTheWay):
        built_course.build()
    assert mine.read_text() == "my work"


def test_link_in_the_tree_is_refused(built_course, tmp_path):
    """Is a link to somebody's folder taken for work?"""
    (tmp_path / "work").mkdir()
    (built_course.target / "work").symlink_to(tmp_path / "work", target_is_directory=True)
    with pytest.raises(folder.WorkInTheWay, match="work"):
        built_course.build()


def test_many_names_are_cut_short(built_course):
    """Does the message stay readable?"""
    for n in range(14):
        (built_course.target / f"{n:02}.txt").write_text("my work")
    with pytest.raises(folder.WorkInTheWay, match=r"(?s)09\.txt\n  and 4 more"):
        built_course.build()


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints/a.ipynb",
        "notebooks/.ipynb_checkpoints/a.ipynb",
        "course_utils/__pycache__/a.pyc",
        ".pytest_cache/a",
        "recurrent_course.egg-info/PKG-INFO",
    ],
)
def test_caches_are_no_work(built_course, name):
    """Is a tree replaced that was only used?"""
    path = built_course.target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("made by a tool")
    built_course.build()
    assert not path.exists()


def test_environment_moves_into_the_new_tree(built_course):
    """Is an environment kept that took minutes to make?"""
    (built_course.target / ".venv").mkdir()
    (built_course.target / ".venv" / "pyvenv.cfg").write_text("home")
    built_course.build()
    assert (built_course.target / ".venv" / "pyvenv.cfg").read_text() == "home"


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"made by": "me", "files": {}}', '{"made by": 1}'])
def test_folder_of_other_origin_is_refused(course, manifest):
    """Is a folder left alone that this command has not made?"""
    course.target.mkdir(parents=True)
    (course.target / "thesis.txt").write_text("my work")
    if manifest is not None:
        (course.target / folder.MANIFEST).write_text(manifest)
    with pytest.raises(folder.WorkInTheWay, match="not made by this command"):
        course.build()
    assert (course.target / "thesis.txt").read_text() == "my work"


def test_file_and_link_in_place_of_the_tree_are_refused(built_course, tmp_path):
    """Is a target refused that is a file, or a link, even one to a tree that was built?"""
    built = built_course.target
    for target in (tmp_path / "a file", tmp_path / "a link", tmp_path / "a dead link"):
        built_course.target = target
        if target.name == "a file":
            target.write_text("my work")
        else:
            target.symlink_to(built if target.name == "a link" else tmp_path / "nowhere")
        with pytest.raises(folder.WorkInTheWay, match="not made by this command"):
            built_course.build()
    assert (built / "README.md").exists()


def test_failed_exchange_puts_the_old_tree_back(built_course, monkeypatch):
    """Is the old tree still there, with its environment, if the new one cannot be moved into place?"""
    (built_course.target / ".venv").mkdir()
    rename = Path.rename

    def fails_for_the_new_tree(self, other):
        if self.name == "new":
            raise OSError("no")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_tree)
    with pytest.raises(OSError, match="no"):
        built_course.build()
    assert (built_course.target / "README.md").exists()
    assert (built_course.target / ".venv").exists()


# -- mistakes of authors


def replace_source(n, old, new):
    return lambda cells: cells[n].update(source=cells[n].source.replace(old, new))


def set_meta(n, **meta):
    return lambda cells: cells[n].metadata.nbgrader.update(meta)


MISTAKES = {
    "no end": (replace_source(2, "### END SOLUTION", ""), r"cell 3 \(viterbi_forward\): BEGIN SOLUTION has no END"),
    "no begin": (replace_source(2, "### BEGIN SOLUTION", ""), "cell 3 .*END SOLUTION has no BEGIN"),
    "nested": (replace_source(2, "return", "### BEGIN SOLUTION\n    return"), "cell 3 .*stands within SOLUTION"),
    "no end of hidden tests": (
        replace_source(3, "check", "### BEGIN HIDDEN TESTS\ncheck"),
        "cell 4 .*BEGIN HIDDEN TESTS has no END",
    ),
    "marker in an ordinary cell": (
        lambda cells: cells[6].update(source="### BEGIN SOLUTION\n1\n### END SOLUTION"),
        "cell 7: .*not a solution cell",
    ),
    "marker in a text": (
        lambda cells: cells[0].update(source="BEGIN SOLUTION\n1\nEND SOLUTION"),
        "cell 1: .*not a solution cell",
    ),
    "hidden tests in an ordinary cell": (
        lambda cells: cells[6].update(source="### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS"),
        "cell 7: .*not a graded cell",
    ),
    "no markers": (
        lambda cells: cells[2].update(source="def viterbi_forward(log_y, target):\n    ..."),
        "cell 3 .*has no ### BEGIN SOLUTION",
    ),
    "nothing between markers": (
        lambda cells: cells[2].update(source="def viterbi_forward():\n    ### BEGIN SOLUTION\n    ### END SOLUTION"),
        "cell 3 .*nothing stands between",
    ),
    "solution outside of a function": (
        lambda cells: cells[4].update(source="### BEGIN SOLUTION\ndef trace_back(t):\n    pass\n### END SOLUTION"),
        "cell 5 .*outside of a function",
    ),
    "solution cut amiss": (replace_source(2, "    ### BEGIN", "### BEGIN"), "cell 3 .*not valid Python"),
    "same grade_id twice": (set_meta(4, grade_id="viterbi_forward"), "cell 5 .*belongs to cell 3 already"),
    "dots in a grade_id": (set_meta(2, grade_id="8.1"), r"cell 3 \(8\.1\): the grade_id '8\.1' .*no dots"),
    "no grade_id": (lambda cells: cells[2].metadata.nbgrader.pop("grade_id"), "cell 3: the grade_id ''"),
    "unknown exercise": (replace_source(3, '"8.1"', '"8.9"'), r"cell 4 .*'8\.9'; the exercises are 1\.1, .* 8\.1"),
    "id is not a text": (replace_source(3, '"8.1"', "8.1"), r"cell 4 .*called with 8\.1; the exercises are"),
    "check without arguments": (lambda cells: cells[3].update(source="check()"), "cell 4 .*called with nothing"),
    "other points": (set_meta(3, points=4), r"cell 4 .*worth 4 points, and exercise 8\.1 is worth 3"),
    "no points": (lambda cells: cells[3].metadata.nbgrader.pop("points"), "cell 4 .*does not have points"),
    "unknown metadata": (set_meta(3, weight=2), "cell 4 .*unknown nbgrader metadata: weight; known are"),
    "old schema": (set_meta(3, schema_version=2), "cell 4 .*Outdated schema version: 2"),
    "wrong kind of metadata": (set_meta(3, locked="yes"), "cell 4 .*not valid: 'yes' is not of type 'boolean'"),
    "task": (set_meta(3, task=True), "cell 4 .*task cells are not used"),
    "ends with an expression": (replace_source(3, ")", ")\n3.0"), r"cell 4 .*must end with check\(\.\.\.\)"),
    "result is assigned": (replace_source(3, "check", "done = check"), r"cell 4 .*must end with check\(\.\.\.\)"),
    "result is part of an expression": (replace_source(3, ")", ") or 3"), r"cell 4 .*must end with check"),
    "graded without check": (lambda cells: cells[3].update(source=""), r"cell 4 .*must end with check"),
    "two checks in a cell": (
        replace_source(3, ")", ')\ncheck("8.2", trace_back)'),
        "cell 4 .*calls check more than once",
    ),
    "check is not Python": (replace_source(3, ")", ""), "cell 4 .*not valid Python"),
    "graded solution": (set_meta(3, solution=True), "cell 4 .*not a solution cell"),
    "raises-exception": (
        lambda cells: cells[3].metadata.update(tags=["raises-exception"]),
        "cell 4 .*carries the tag raises-exception",
    ),
    "raises-exception on an ordinary cell": (
        lambda cells: cells[6].metadata.update(tags=["raises-exception"]),
        "cell 7: .*carries the tag raises-exception",
    ),
    "other function": (
        replace_source(3, "viterbi_forward", "forward"),
        r"cell 4 .*checks forward, and the function of exercise 8\.1 is viterbi_forward",
    ),
    "function is called": (replace_source(3, "forward)", "forward(1))"), r"cell 4 .*checks viterbi_forward\(1\)"),
    "nothing to check": (replace_source(3, ", viterbi_forward", ""), "cell 4 .*checks nothing"),
    "check before its exercise": (
        lambda cells: cells.insert(2, cells.pop(3)),
        "cell 3 .*no solution cell before it defines viterbi_forward",
    ),
    "exercise checked twice": (
        lambda cells: cells.append(check_cell('check("8.1", viterbi_forward)', "again", 3, id="again")),
        r"cell 8 .*exercise 8\.1 is checked in cell 4 already",
    ),
    "check that is not graded": (
        lambda cells: cells[6].update(source='check("8.1", viterbi_forward)'),
        r"cell 7: it checks exercise 8\.1, but it is not a graded cell",
    ),
    "link to nowhere": (
        lambda cells: cells[0].update(source="[next](09_none.ipynb#top)"),
        r"cell 1: it leads to 09_none\.ipynb",
    ),
    "missing figure": (
        lambda cells: cells[0].update(source='<img src="../figures/none.png">'),
        r"cell 1: it leads to \.\./figures/none\.png",
    ),
    "link out of the course": (
        lambda cells: cells[0].update(source="![](../../course/../secret.png)"),
        r"cell 1: it leads to \.\./\.\./course/\.\./secret\.png",
    ),
    "no id": (lambda cells: cells[6].pop("id"), "a cell has no id"),
    "same id twice": (lambda cells: cells[6].update(id="cell-1"), "not a valid notebook"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_of_an_author_is_named(course, capsys, mistake):
    """Does the author learn which notebook and which cell to mend, with exit status 2 and nothing written?"""
    make, says = MISTAKES[mistake]
    make(course.cells)
    with pytest.raises(student.AuthorMistake, match=rf"notebooks/08_small\.ipynb(, | is |: ){says}"):
        course.build()
    assert student.main([str(course.target), "--source", str(course.home)]) == 2
    assert "08_small.ipynb" in capsys.readouterr().err
    assert not course.target.exists()


def test_all_mistakes_are_reported_at_once(course):
    """Can an author mend several mistakes in one go?"""
    for mistake in ("other points", "marker in an ordinary cell", "dots in a grade_id"):
        MISTAKES[mistake][0](course.cells)
    with pytest.raises(student.AuthorMistake) as caught:
        course.build()
    assert [f"cell {n}" in str(caught.value) for n in range(1, 8)] == [False, False, True, True, False, False, True]


def test_mistake_leaves_an_earlier_tree_alone(built_course):
    """Is the tree that is there kept while an author looks for a mistake?"""
    before = built_course.tree()
    MISTAKES["other points"][0](built_course.cells)
    with pytest.raises(student.AuthorMistake):
        built_course.build()
    assert built_course.tree() == before


def test_magic_commands_in_ordinary_cells_are_no_mistake(course):
    """May an ordinary cell hold what is not plain Python?"""
    course.cells[6].source = "%time 1 + 1"
    course.build()


def test_check_may_have_a_seed_and_what_comes_before_it(course):
    """May a graded cell prepare something, and close with a semicolon?"""
    course.cells[CHECK_FORWARD].source = 'seed = 7\ncheck("8.1", viterbi_forward, seed=seed);'
    course.build()


def test_course_without_notebooks_or_without_a_file_is_a_mistake(course):
    """Does a course that is not complete say what it lacks?"""
    with pytest.raises(student.AuthorMistake, match="no notebook"):
        student.build(course.target, course.home)
    (course.home / "requirements.txt").unlink()
    with pytest.raises(student.AuthorMistake, match=r"requirements\.txt is missing"):
        course.build()


def test_notebook_that_is_no_json_is_a_mistake(course):
    """Is a broken file named?"""
    course.write("notebooks/broken.ipynb", "{")
    with pytest.raises(student.AuthorMistake, match=r"notebooks/broken\.ipynb is not a valid notebook"):
        course.build()


def test_markers_take_a_cell_apart():
    """Are several solutions in one cell kept apart?"""
    source = "a\n  # BEGIN SOLUTION\n  b\n  # END SOLUTION\nc\n# BEGIN SOLUTION\nd\n# END SOLUTION"
    regions = mistakes.take_apart(source)
    assert regions.solutions == ["  b\n", "d\n"]
    assert regions.rest == "a\n  raise NotImplementedError()\nc\nraise NotImplementedError()"


# -- the command


def test_command_says_what_it_built(course, capsys):
    """Does the command end with one line on what there is now?"""
    course.build()
    assert student.main([str(course.target), "--source", str(course.home)]) == 0
    said = capsys.readouterr().out
    assert said == f"{course.target} is ready: 1 notebook, 2 exercises, 5 points. No solution is left in it.\n"


def test_command_fails_where_a_solution_is_left(course, capsys):
    """Does a script that calls the command notice, and a person read where to look?"""
    course.cells[0].source = FORWARD
    course.write("notebooks/08_small.ipynb", json.dumps(course.notebook))
    assert student.main([str(course.target), "--source", str(course.home)]) == 1
    assert (
        "notebooks/08_small.ipynb, cell 1: lines of the solution of notebooks/08_small.ipynb, cell 3 (viterbi_forward)"
        in capsys.readouterr().err
    )


def test_command_refuses_work_in_one_message(built_course, capsys):
    """Does refusal read as a message, and not as a traceback?"""
    (built_course.target / "mine.txt").write_text("my work")
    assert student.main([str(built_course.target), "--source", str(built_course.home)]) == 1
    assert "mine.txt" in capsys.readouterr().err


def test_target_that_cannot_be_made_is_explained(course, capsys):
    """Does a folder that the system refuses to make read as a message?"""
    course.build()
    target = course.target / "LICENSE" / "student"
    assert student.main([str(target), "--source", str(course.home)]) == 1
    assert "could not be made" in capsys.readouterr().err


def test_missing_nbgrader_is_explained(course, capsys, monkeypatch):
    """Does somebody without the extra learn how to get it?"""
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    assert student.main([str(course.target), "--source", str(course.home)]) == 1
    assert "pip install -e '.[grading]'" in capsys.readouterr().err


# -- nbgrader


@pytest.fixture(scope="module")
def nbgraders_course(original, tmp_path_factory):
    """A course for nbgrader, from which an assignment was released, handed in by two, graded and exported."""
    home = tmp_path_factory.mktemp("for-nbgrader")
    shutil.copytree(original, home / "course")
    small = Course(home / "course")
    small.cells.append(new_code_cell('from IPython.display import SVG\n\nSVG("../figures/a.svg")'))
    small.cells[-1].id = "figure"
    small.write("figures/a.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')
    path = small.home / "notebooks" / "08_small.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(small.notebook), encoding="utf-8")
    where = home / "nbgrader"
    assert student.main([str(home / "student"), "--source", str(small.home), "--nbgrader", str(where)]) == 0
    nbgrader(where, "generate_assignment", "08_small")
    released = where / "release" / "08_small"
    for name in ("ada", "bea"):
        shutil.copytree(released, where / "submitted" / name / "08_small")
    path = where / "submitted" / "ada" / "08_small" / "08_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    fill_in(notebook.cells[SOLVE_FORWARD], FORWARD)
    nbformat.write(notebook, path)
    nbgrader(where, "autograde", "08_small")
    nbgrader(where, "export", "--to", "grades.csv")
    nbgrader(where, "generate_feedback", "08_small")
    return where


def nbgrader(course: Path, *arguments: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_nbgrader_releases_what_students_get(nbgraders_course):
    """Are the stubs whole, with name, signature and docstring, as in the students' edition?"""
    released = nbformat.read(nbgraders_course / "release" / "08_small" / "08_small.ipynb", as_version=4)
    edition = nbformat.read(nbgraders_course.parent / "student" / "notebooks" / "08_small.ipynb", as_version=4)
    for ours, theirs in zip(edition.cells[:-1], released.cells[:-1], strict=True):
        assert ours.source == theirs.source
        assert ours.metadata.get("tags") == theirs.metadata.get("tags")
    assert 'SVG("figures/a.svg")' in released.cells[-1].source
    assert (nbgraders_course / "release" / "08_small" / "figures" / "a.svg").is_file()


def test_nbgrader_grades_exports_and_tells(nbgraders_course):
    """Does the whole way work, to the table and to the page of each student?"""
    import csv

    with (nbgraders_course / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}
    assert scores == {"ada": 3.0, "bea": 0.0}
    for name in scores:
        assert (nbgraders_course / "feedback" / name / "08_small" / "08_small.html").is_file()


def test_a_course_for_nbgrader_in_which_somebody_works_is_left_alone(nbgraders_course, capsys):
    home = nbgraders_course.parent
    again = ["--source", str(home / "course"), "--nbgrader", str(nbgraders_course)]
    assert student.main([str(home / "student"), *again]) == 1
    assert "gradebook.db" in capsys.readouterr().err
    assert (nbgraders_course / "gradebook.db").is_file()
