"""The reader's folder: made, brought up to date, and never the place where work is lost."""

import json
import os
import pkgutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest
from course import REAL, ROOT, cell, check, notebook, of, read, to_solve, with_text

from course_utils.workbook import __main__ as command
from course_utils.workbook import files
from course_utils.workbook.unsolved import CourseMistake, source_of, unsolved
from course_utils.workbook.update import COPY, NOTEBOOKS, update

ANSWER = "def f():\n    return 43"
OLD = {"01.ipynb": notebook(cell("a"), to_solve("f"), check("f")), "02.ipynb": of("a", "b")}
NEW = {**OLD, "01.ipynb": with_text(OLD["01.ipynb"], a="a = 1")}


@pytest.fixture
def my(tmp_path):
    folder = tmp_path / "my_course"
    update(folder, OLD)
    return folder


def write(path, book):
    path.write_text(json.dumps(book), "utf-8")


def changed(path, **cells):
    write(path, with_text(read(path), **cells))


def state(folder):
    """All files with their bytes and times."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def backups(folder):
    return sorted((folder / ".course" / "backups").glob("*"))


# -- with the real notebooks


def test_the_course_is_handed_out_whole_and_a_second_time_changes_nothing(tmp_path):
    summary = update(tmp_path / "my", REAL)
    assert str(summary) == f"{len(REAL)} new chapters."
    assert {path.name for path in (tmp_path / "my").iterdir()} == {*REAL, ".course"}
    for name, book in REAL.items():
        assert [one["id"] for one in read(tmp_path / "my" / name)["cells"]] == [one["id"] for one in book["cells"]]
    before = state(tmp_path / "my")
    assert str(update(tmp_path / "my", REAL)) == "nothing new."
    assert state(tmp_path / "my") == before


def test_every_change_of_a_reader_survives_an_update_of_a_real_chapter(tmp_path):
    name = "08_viterbi.ipynb"
    update(tmp_path, {name: REAL[name]})
    mine = read(tmp_path / name)
    answers = [one for one in mine["cells"] if one["metadata"].get("nbgrader", {}).get("solution")]
    for n, one in enumerate(answers):
        one["source"] = f"def solved_{n}(): ..."
    mine["cells"][3]["source"] = "changed"
    deleted = mine["cells"].pop(6)
    mine["cells"].insert(10, cell("own-note", "A note of mine", "markdown"))
    before_own = mine["cells"][9]["id"]
    write(tmp_path / name, mine)

    new = json.loads(json.dumps(REAL[name]))
    new["cells"].insert(0, cell("new-one", "New.", "markdown"))
    for n in (4, 20):
        new["cells"][n]["source"] = [*new["cells"][n]["source"], "\n# A line more"]
    summary = update(tmp_path, {name: new})

    now = {one["id"]: source_of(one) for one in read(tmp_path / name)["cells"]}
    order = list(now)
    assert [now[one["id"]] for one in answers] == [f"def solved_{n}(): ..." for n in range(len(answers))]
    assert now[mine["cells"][3]["id"]] == "changed"
    assert deleted["id"] not in now
    assert order[order.index("own-note") - 1] == before_own
    assert order[0] == "new-one"
    assert now[new["cells"][20]["id"]].endswith("\n# A line more")
    assert str(summary) == f"2 cells brought up to date, {len(answers)} of your answers kept."
    assert "yours stays: cell 5 (changed). To see the new version, give your notebook another name" in summary.says[0]


# -- updates


def test_one_line_says_what_changed(my):
    changed(my / "01.ipynb", id_f=ANSWER)
    summary = update(my, {**NEW, "03.ipynb": of("a"), "04.ipynb": of("a")})
    assert str(summary) == "2 new chapters, 1 cell brought up to date, 1 of your answers kept."
    assert str(update(my, NEW)) == "nothing new, 1 of your answers kept."


def test_a_new_order_is_told(my):
    assert str(update(my, {**OLD, "02.ipynb": of("b", "a")})) == "1 chapter put in the new order."


def test_only_what_changed_is_written(my):
    before = state(my)
    update(my, NEW)
    after = state(my)
    assert {path.name for path in before if after[path] != before[path]} == {"01.ipynb", "01.json"}


def test_a_notebook_that_was_only_saved_again_is_left_as_it_was_saved(my):
    write(my / "01.ipynb", read(my / "01.ipynb"))  # other white space
    before = state(my)
    update(my, OLD)
    assert state(my) == before


def test_the_old_file_is_kept_before_a_notebook_is_rewritten(my):
    changed(my / "01.ipynb", id_f=ANSWER)
    old = (my / "01.ipynb").read_bytes()
    summary = update(my, NEW)
    (backup,) = backups(my)
    assert backup.read_bytes() == old
    assert summary.says == ["What these notebooks were before is in my_course/.course/backups."]


def test_only_the_last_backups_are_kept(my, monkeypatch):
    monkeypatch.setattr(files, "BACKUPS_KEPT", 3)
    (my / ".course" / "backups").mkdir()
    (my / ".course" / "backups" / "02.7.ipynb").write_text("of another notebook")
    for n in range(1, 13):
        update(my, {**OLD, "01.ipynb": with_text(OLD["01.ipynb"], a=f"a = {n}")})
    assert {path.name for path in backups(my)} == {"01.10.ipynb", "01.11.ipynb", "01.12.ipynb", "02.7.ipynb"}
    assert read(my / ".course" / "backups" / "01.12.ipynb")["cells"][0]["source"] == ["a = 11"]


@pytest.mark.parametrize("record", [None, b"", b"[]", b'{"cells": [{"key": 1}]}', b'{"cells": 3}', b"\xff"])
def test_without_a_record_nothing_of_the_readers_is_lost(my, record):
    changed(my / "01.ipynb", a="a = 42", id_f=ANSWER)
    before = (my / "01.ipynb").read_bytes()
    path = my / ".course" / "01.json"
    path.unlink() if record is None else path.write_bytes(record)
    summary = update(my, NEW)
    assert (my / "01.ipynb").read_bytes() == before
    assert str(summary) == "nothing new, 1 of your answers kept."


def test_a_mistake_in_one_notebook_stops_before_anything_is_written(my):
    before = state(my)
    with pytest.raises(CourseMistake, match=r"notebooks/02\.ipynb, cell 1"):
        update(my, {**NEW, "02.ipynb": notebook(cell("a", "### BEGIN SOLUTION"))})
    assert state(my) == before


# -- what cannot be brought up to date

BROKEN = {
    "it is not a notebook that can be read": b'{"cells": [',
    "it is not a notebook that can be read (": b"<<<<<<< HEAD\n{}",
    "it is not a notebook of format 4": b'{"nbformat": 3, "worksheets": []}',
    "not a notebook of format 4": b"[]",
    "of format 4": json.dumps(notebook({"cell_type": "code", "id": "a", "source": 3, "metadata": {}})).encode(),
    "its cells have no ids": json.dumps(notebook({"cell_type": "raw", "source": "", "metadata": {}})).encode(),
}


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_notebook_is_left_alone_and_the_others_follow(my, says):
    (my / "01.ipynb").write_bytes(BROKEN[says])
    summary = update(my, {**NEW, "02.ipynb": of("a", "b", "c")})
    assert (my / "01.ipynb").read_bytes() == BROKEN[says]
    assert any(f"01.ipynb is left as it is: {says}"[-len(says) :] in one for one in summary.says)
    assert "Give it another name" in summary.says[0]
    assert len(read(my / "02.ipynb")["cells"]) == 3


def test_a_renamed_notebook_is_left_alone_and_a_new_one_made(my):
    changed(my / "01.ipynb", id_f=ANSWER)
    (my / "01.ipynb").rename(my / "mine.ipynb")
    before = (my / "mine.ipynb").read_bytes()
    summary = update(my, NEW)
    assert (my / "mine.ipynb").read_bytes() == before
    assert read(my / "01.ipynb")["cells"][0]["source"] == ["a = 1"]
    assert str(summary) == "1 new chapter."
    assert "01.ipynb was no longer there, so it is made anew" in summary.says[0]


def test_a_chapter_that_left_the_course_is_the_readers_which_is_told_once(my):
    before = (my / "02.ipynb").read_bytes()
    only = {"01.ipynb": OLD["01.ipynb"]}
    assert update(my, only).says == ["my_course/02.ipynb is no part of the course any more; it is yours."]
    assert update(my, only).says == []
    assert (my / "02.ipynb").read_bytes() == before


def test_files_of_the_readers_are_left_alone(my):
    (my / "data").mkdir()
    (my / "data" / "own.csv").write_text("1")
    (my / "own.ipynb").write_text("{")
    before = state(my)
    assert update(my, OLD).says == []
    assert state(my) == before


# -- writing


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_whole(my, monkeypatch, step, error):
    changed(my / "01.ipynb", id_f=ANSWER)
    before = (my / "01.ipynb").read_bytes()
    right = getattr(os, step)

    def fails(*arguments):
        if step == "fsync" and not backups(my):
            return right(*arguments)  # the backup comes first
        if step == "replace" and "backups" in str(arguments[0]):
            return right(*arguments)
        raise error

    monkeypatch.setattr(os, step, fails)
    if isinstance(error, OSError):
        assert "01.ipynb is left as it is: disk full." in update(my, NEW).says[0]
    else:
        with pytest.raises(KeyboardInterrupt):
            update(my, NEW)
    assert (my / "01.ipynb").read_bytes() == before
    assert not [path for path in my.rglob("*") if path.name.endswith(".new")]
    monkeypatch.undo()
    assert str(update(my, NEW)) == "1 cell brought up to date, 1 of your answers kept."


def test_a_file_is_never_written_in_place(my, monkeypatch):
    """Another name for the old file still leads to the old text."""
    os.link(my / "01.ipynb", my / "other name")
    before = (my / "other name").read_bytes()
    update(my, NEW)
    assert (my / "other name").read_bytes() == before != (my / "01.ipynb").read_bytes()


def test_a_notebook_that_is_saved_meanwhile_is_left_for_the_next_time(my, monkeypatch):
    right = files.back_up

    def saved_meanwhile(path, folder):
        right(path, folder)
        changed(path, id_f=ANSWER)

    monkeypatch.setattr("course_utils.workbook.update.back_up", saved_meanwhile)
    assert "saved at this very moment" in update(my, NEW).says[0]
    assert read(my / "01.ipynb")["cells"][1]["source"] == ANSWER


def test_a_link_to_a_notebook_stays_a_link(my, tmp_path):
    (my / "01.ipynb").rename(tmp_path / "elsewhere.ipynb")
    (my / "01.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    update(my, NEW)
    assert (my / "01.ipynb").is_symlink()
    assert read(tmp_path / "elsewhere.ipynb")["cells"][0]["source"] == ["a = 1"]


def test_half_a_character_in_an_output_is_written_as_it_was_read(my):
    book = read(my / "01.ipynb")
    book["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "\ud83d ü"}]
    write(my / "01.ipynb", book)
    update(my, NEW)
    assert read(my / "01.ipynb")["cells"][1]["outputs"] == book["cells"][1]["outputs"]


# -- the command


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    for name, book in OLD.items():
        write(tmp_path / "notebooks" / name, book)
    monkeypatch.setattr(command, "HOME", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lab(monkeypatch):
    """A JupyterLab that only takes down how it was started."""
    started = []
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")  # as it was, afterwards
    stand_in = types.SimpleNamespace(main=lambda flags: started.append((os.getcwd(), flags)))
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", stand_in)
    return started


def test_the_command_makes_the_copy_and_opens_it(home, lab, monkeypatch, capsys):
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    assert command.main(["--port", "9000", "--no-browser"]) == 0
    ((folder, flags),) = lab
    assert folder == str(home)
    assert flags[0] == "--LabApp.default_url=/lab/tree/my_course"
    assert flags[-3:] == ["--port", "9000", "--no-browser"]
    assert capsys.readouterr().out == f"{home / 'my_course'} is yours to work in: 2 new chapters.\n"


def test_the_command_brings_its_defaults_behind_those_that_somebody_has_set(home, lab, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "somewhere")
    assert command.main([]) == 0
    first, settings = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert first == "somewhere"
    (defaults,) = Path(settings).glob("labconfig/default_setting_overrides.json")
    assert read(defaults) == {"@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True}}


def test_the_command_may_leave_jupyterlab_closed(home, lab):
    assert command.main(["--no-lab"]) == 0
    assert lab == []
    assert (home / "my_course" / "01.ipynb").exists()


def test_flags_for_a_jupyterlab_that_is_not_opened_are_refused(home, lab, capsys):
    with pytest.raises(SystemExit):
        command.main(["--no-lab", "--port=9000"])
    assert "--port=9000: flags for JupyterLab" in capsys.readouterr().err


def test_notebooks_without_solutions_are_opened_as_they_are(home, lab, capsys):
    """As in the students' edition, where the notebook itself is handed in."""
    for name, book in OLD.items():
        write(home / "notebooks" / name, unsolved(book))
    (home / "notebooks" / "broken.ipynb").write_text("{")  # which a student has to be able to mend
    before = state(home)
    assert command.main([]) == 0
    assert lab[0][1][0] == "--LabApp.default_url=/lab/tree/notebooks"
    assert state(home) == before
    assert "have no solutions" in capsys.readouterr().out


def test_a_course_without_notebooks_is_explained(home, lab, capsys):
    for path in (home / "notebooks").iterdir():
        path.unlink()
    assert command.main([]) == 2
    assert lab == []
    assert "get the whole course, not its package alone" in capsys.readouterr().err


def test_a_notebook_of_the_course_that_cannot_be_read_is_named(home, lab, capsys):
    (home / "notebooks" / "02.ipynb").write_text("{")
    assert command.main([]) == 2
    assert lab == []
    assert capsys.readouterr().err.startswith("notebooks/02.ipynb: it is not a notebook that can be read (")


def test_the_command_has_a_name_of_its_own():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert pkgutil.resolve_name(project["scripts"]["recurrent-course"]) is command.main


def test_the_copy_can_be_made_with_the_standard_library_alone(home):
    source = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from course_utils.workbook.update import to_work_on
print(to_work_on(Path({str(home)!r}))[1])
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2 new chapters.\n", "")


def test_a_file_in_the_way_is_explained(home, lab, capsys):
    (home / "my_course").write_text("")
    assert command.main([]) == 1
    assert "could not be made" in capsys.readouterr().err


def test_a_missing_jupyterlab_is_explained(home, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert command.main([]) == 1
    assert "JupyterLab is not installed" in capsys.readouterr().err


def test_the_copy_lies_beside_the_notebooks_so_that_links_lead_to_the_same_places():
    assert Path(NOTEBOOKS).with_name(COPY) == Path(COPY)
    assert f"/{COPY}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
