"""Whose file is it? In folders and archives as they come, with names as they come."""

import io
import json
import zipfile

import pytest

from course_utils.grading.chapter import Unreadable, code_cells, find_chapter, read_chapter
from course_utils.grading.collecting import CannotCollect, choose, collect
from course_utils.grading.grade import NOTEBOOKS

CHAPTER = read_chapter(find_chapter(NOTEBOOKS, "8"))


def notebook(text="x = 1", chapter=True):
    task = CHAPTER.tasks[0]
    marks = {"nbgrader": {"grade_id": task.answer_id, "solution": True}} if chapter else {}
    cell = {"cell_type": "code", "metadata": marks, "source": text, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def archive(files, **info):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return data.getvalue()


def of(tmp_path, files, as_archive=False, **more):
    where = tmp_path / "all.zip" if as_archive else tmp_path / "all"
    if as_archive:
        where.write_bytes(archive(files))
    else:
        for name, content in files.items():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_bytes(content)
    return {each.student: each for each in choose(collect(where), CHAPTER, **more)}


@pytest.mark.parametrize("as_archive", [False, True], ids=["folder", "archive"])
@pytest.mark.parametrize(
    ("name", "student", "ident", "late"),
    [
        ("Ada Lovelace/08_viterbi.ipynb", "Ada Lovelace", "", False),
        ("ada/ch8/08_viterbi.ipynb", "ada", "", False),
        ("ada.ipynb", "ada", "", False),
        ("ada (1).ipynb", "ada", "", False),
        ("ada-Copy1.ipynb", "ada", "", False),
        ("ada_LATE_.ipynb", "ada", "", True),
        ("Ada Lovelace_123_assignsubmission_file_/08_viterbi (1).ipynb", "Ada Lovelace", "123", False),
        ("Ada Lovelace_123_assignsubmission_file_08_viterbi.ipynb", "Ada Lovelace", "123", False),
        ("Åsa Öberg_9_assignsubmission_file_/x/y/08.ipynb", "Åsa Öberg", "9", False),
        ("lovelaceada_4711_99_08_viterbi.ipynb", "lovelaceada", "4711", False),
        ("lovelaceada_LATE_4711_99_08_viterbi-1.ipynb", "lovelaceada", "4711", True),
    ],
)
def test_the_student_is_read_out_of_the_name(tmp_path, name, student, ident, late, as_archive):
    found = of(tmp_path, {name: notebook(), "Zoe_5_assignsubmission_file_/a.ipynb": notebook()}, as_archive)
    assert set(found) == {student, "Zoe"}
    assert (found[student].ident, found[student].late, found[student].problem) == (ident, late, "")


def test_a_folder_around_all_is_no_student(tmp_path):
    found = of(tmp_path, {"submitted/ada/8.ipynb": notebook(), "submitted/bea/8.ipynb": notebook()})
    assert set(found) == {"ada", "bea"}


def test_what_systems_leave_behind_is_left_out(tmp_path):
    files = {
        "ada/8.ipynb": notebook(),
        "ada/.ipynb_checkpoints/8-checkpoint.ipynb": notebook("y = 2"),
        "__MACOSX/ada/._8.ipynb": b"\x00",
        "ada/._8.ipynb": b"\x00",
        "ada/.DS_Store": b"\x00",
    }
    for as_archive in (False, True):
        found = of(tmp_path, files, as_archive)
        assert set(found) == {"ada"}
        assert found["ada"].problem == ""


def test_two_different_notebooks_are_a_question_and_two_equal_ones_are_not(tmp_path):
    files = {
        "ada/8.ipynb": notebook("x = 1"),
        "ada/8 (1).ipynb": notebook("x = 2"),
        "bea/8.ipynb": notebook(),
        "bea/8 (1).ipynb": notebook(),
    }
    found = of(tmp_path, files)
    assert found["ada"].problem == "could not grade"
    assert found["ada"].says == "Which notebook counts? There are several, and they differ: 8 (1).ipynb, 8.ipynb."
    assert (found["bea"].problem, found["bea"].file) == ("", "8.ipynb")
    chosen = choose(collect(tmp_path / "all"), CHAPTER, choices={"ada": "8 (1).ipynb"})[0]
    assert (chosen.problem, chosen.cells[0].source) == ("", "x = 2")
    gone = choose(collect(tmp_path / "all"), CHAPTER, choices={"ada": "9.ipynb"})[0]
    assert gone.says == "The file that was chosen, 9.ipynb, is not there."


def test_a_notebook_is_known_by_what_stands_in_it(tmp_path):
    found = of(
        tmp_path,
        {
            "ada/homework.ipynb": notebook(),
            "ada/08_viterbi.ipynb": notebook(chapter=False),
            "bea/08_viterbi.ipynb": notebook(chapter=False),
        },
    )
    assert found["ada"].file == "homework.ipynb"
    assert (found["bea"].problem, found["bea"].says) == (
        "no file",
        "No notebook of this chapter, only 08_viterbi.ipynb.",
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"{", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it has no cells"),
        (b'{"cells": 5}', "it has no cells"),
        (b'{"worksheets": []}', "it has no cells"),
    ],
)
def test_what_is_no_notebook_is_unreadable_and_says_why(tmp_path, data, says):
    found = of(tmp_path, {"ada/8.ipynb": data, "bea/8.ipynb": notebook()})
    assert found["ada"].problem == "unreadable"
    assert says in found["ada"].says
    assert found["bea"].problem == ""


@pytest.mark.parametrize("cell", [5, None, {}, {"cell_type": "code"}, {"cell_type": "code", "source": 3, "metadata": []},
                                  {"cell_type": "code", "source": ["a", 5], "metadata": {"nbgrader": "x"}},
                                  {"cell_type": "code", "source": "\ud800", "metadata": {"nbgrader": {"grade_id": []}}}])  # fmt: skip
def test_odd_cells_are_read_as_far_as_they_go(cell):
    cells = code_cells(json.dumps({"cells": [cell]}).encode())
    assert all(isinstance(each.source, str) and isinstance(each.grade_id, str) for each in cells)
    "".join(each.source for each in cells).encode()


def test_too_large_a_notebook_is_not_read():
    with pytest.raises(Unreadable, match="cells, and more than"):
        code_cells(json.dumps({"cells": [{}] * 3000}).encode())


def test_an_archive_of_a_student_is_looked_into(tmp_path):
    inner = archive({"homework/8.ipynb": notebook(), "__MACOSX/homework/._8.ipynb": b"\x00"})
    found = of(tmp_path, {"ada/all.zip": inner, "bea/8.zip": b"no archive", "cy/8.ipynb": notebook()})
    assert (found["ada"].problem, found["ada"].file) == ("", "all.zip/homework/8.ipynb")
    assert found["bea"].problem == "no file"


def test_names_without_an_encoding_are_read_as_what_they_were_meant_for(tmp_path):
    for encoding in ("utf-8", "cp1252"):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as made:
            made.writestr("AAAAA/8.ipynb", notebook())
        raw = data.getvalue().replace(b"AAAAA", "Jürg".encode(encoding).ljust(5, b"s"))
        (tmp_path / "all.zip").write_bytes(raw)
        (found,) = choose(collect(tmp_path / "all.zip"), CHAPTER)
        assert found.student == ("Jürg" if encoding == "utf-8" else "Jürgs")


def test_one_name_written_in_two_ways_is_one_student(tmp_path):
    found = of(tmp_path, {"Jürg/8.ipynb": notebook(), "Ju\u0308rg/8 (1).ipynb": notebook()}, as_archive=True)
    assert list(found) == ["Jürg"]


def test_who_has_handed_in_nothing_is_listed_too(tmp_path):
    found = of(tmp_path, {"ada/8.ipynb": notebook(), "bea/8.pdf": b"x"}, roster=["ada", "bea", "cy"])
    assert {name: each.problem for name, each in found.items()} == {"ada": "", "bea": "no file", "cy": "no file"}
    assert found["cy"].says == "Nothing was handed in."


def test_nothing_at_all_is_explained(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotCollect, match="holds no notebook"):
        collect(tmp_path / "empty")
    with pytest.raises(CannotCollect, match="neither a folder nor a ZIP archive"):
        collect(tmp_path / "none")


def test_a_locked_archive_is_a_question_for_the_student(tmp_path):
    data = bytearray(archive({"ada/8.ipynb": notebook()}))
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1  # encrypted, says the archive
    (tmp_path / "all.zip").write_bytes(data)
    (found,) = choose(collect(tmp_path / "all.zip"), CHAPTER)
    assert found.problem == "unreadable"


@pytest.mark.parametrize("wanted", ["8", "08_viterbi", str(NOTEBOOKS / "08_viterbi.ipynb")])
def test_a_chapter_is_found_by_number_name_or_path(wanted):
    chapter = read_chapter(find_chapter(NOTEBOOKS, wanted))
    assert (chapter.number, chapter.points, [task.exercise.id for task in chapter.tasks]) == (
        "8",
        10,
        ["8.1", "8.2", "8.3", "8.4"],
    )


def test_no_such_chapter_is_answered_with_those_there_are():
    with pytest.raises(Unreadable, match="the chapters are: 00_index, 01_"):
        find_chapter(NOTEBOOKS, "99")
    with pytest.raises(Unreadable, match="00_index has no exercises"):
        read_chapter(find_chapter(NOTEBOOKS, "0"))
