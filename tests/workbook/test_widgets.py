"""Does a saved notebook hold the steppers that it shows, and no others, whatever becomes of its cells?"""

import copy
import json

import pytest

from course_utils.workbook import files
from course_utils.workbook.update import to_work_on, update
from course_utils.workbook.widgets import STATE, VIEW, with_what_is_on_show
from tests.workbook.course import cell, notebook, of, read, with_text

nbformat = pytest.importorskip("nbformat")
from nbformat.sign import NotebookNotary  # noqa: E402


def shows(name, model, *more):
    """A cell that has been run, and shows a stepper."""
    data = {VIEW: {"model_id": model, "version_major": 2}, "text/html": ["<table>\n", "</table>"], "text/plain": "x"}
    outputs = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}, *more]
    return {**cell(name), "outputs": outputs, "execution_count": 1}


def model(**state):
    return {"model_name": "AnyModel", "model_module": "anywidget", "model_module_version": "~0.11.*", "state": state}


def saved(*cells, **models):
    widgets = {STATE: {"version_major": 2, "version_minor": 0, "state": models}}
    return notebook(*cells, widgets=widgets, kernelspec={"name": "python3", "display_name": "Python 3"})


PLAYER = {"player": model(_esm="x" * 1000)}
RUN = saved(
    shows("one", "a"), shows("two", "b"), cell("three"),
    **PLAYER, a=model(player="anywidget:player", layout="IPY_MODEL_lay"), lay=model(),
    b=model(children=["IPY_MODEL_row"]), row=model(children=["IPY_MODEL_c"]), c=model(player="anywidget:player"),
)  # fmt: skip


def stored(book):
    return set(book["metadata"].get("widgets", {}).get(STATE, {}).get("state", {}))


def views(book):
    return [VIEW in output["data"] for one in book["cells"] for output in one.get("outputs", []) if "data" in output]


def test_what_is_on_show_stays_as_it_is():
    before = copy.deepcopy(RUN)
    assert with_what_is_on_show(RUN) is RUN
    assert before == RUN
    assert with_what_is_on_show(of("one")) == of("one")


def test_what_an_output_does_not_lead_to_goes():
    book = copy.deepcopy(RUN)
    book["metadata"]["widgets"][STATE]["state"] |= {"old": model(player="anywidget:gone"), "gone": model()}
    assert with_what_is_on_show(book) == RUN
    book["cells"][1]["outputs"] = []
    assert stored(with_what_is_on_show(book)) == {"a", "lay", "player"}
    book["cells"][0]["outputs"] = []
    assert "widgets" not in with_what_is_on_show(book)["metadata"]
    assert with_what_is_on_show(book)["metadata"]["kernelspec"]


def test_a_view_without_its_state_goes_so_that_the_table_is_seen():
    book = copy.deepcopy(RUN)
    del book["metadata"]["widgets"]
    shown = with_what_is_on_show(book)
    assert views(shown) == [False, False]
    assert "text/html" in shown["cells"][0]["outputs"][0]["data"]
    del book["cells"][0]["outputs"][0]["data"]["text/html"]  # of another maker: a progress bar, say
    assert views(with_what_is_on_show(book)) == [True, False]


@pytest.mark.parametrize("widgets", [None, [], {}, {STATE: None}, {STATE: {"state": []}}, {STATE: {}}])
def test_what_is_no_state_does_no_harm(widgets):
    book = notebook(shows("one", "a"), cell("two", kind="markdown"), widgets=widgets)
    stream = {"output_type": "stream", "name": "stdout", "text": "x"}
    book["cells"][0]["outputs"] += [stream, {"output_type": "display_data", "data": {VIEW: []}}, {"data": None}]
    assert views(notebook(with_what_is_on_show(book)["cells"][0] | {"outputs": []})) == []


@pytest.fixture
def my(tmp_path, monkeypatch):
    """A copy that has been run and saved, and that JupyterLab trusts."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    folder = tmp_path / "my_course"
    update(folder, {"01.ipynb": of("one", "two", "three")})
    write(folder / "01.ipynb", RUN)
    return folder


def write(path, book, sign=True):
    path.write_bytes(files.notebook_bytes(book))
    if sign:
        NotebookNotary().sign(nbformat.read(path, as_version=4))


def trusted(path):
    return NotebookNotary().check_signature(nbformat.read(path, as_version=4))


def test_a_cell_that_is_brought_up_to_date_takes_its_stepper_with_it(my):
    new = with_text(of("one", "two", "three"), two="two = 2")
    assert str(update(my, {"01.ipynb": new})) == "1 cell brought up to date."
    book = read(my / "01.ipynb")
    assert stored(book) == {"a", "lay", "player"}
    assert views(book) == [True]
    nbformat.validate(nbformat.from_dict(book))
    assert trusted(my / "01.ipynb")


def test_an_update_with_nothing_new_leaves_the_file_alone(my):
    before = (my / "01.ipynb").read_bytes()
    assert str(update(my, {"01.ipynb": of("one", "two", "three")})) == "nothing new."
    assert (my / "01.ipynb").read_bytes() == before


def test_steppers_that_nobody_sees_go_without_a_word_and_without_a_backup(my):
    book = copy.deepcopy(RUN)
    book["metadata"]["widgets"][STATE]["state"]["old"] = model()
    write(my / "01.ipynb", book)
    assert str(update(my, {"01.ipynb": of("one", "two", "three")})) == "nothing new."
    assert read(my / "01.ipynb")["metadata"] == RUN["metadata"]
    assert not (my / ".course" / "backups").exists()
    assert trusted(my / "01.ipynb")


def test_what_was_not_trusted_is_not_trusted_afterwards(my):
    book = copy.deepcopy(RUN)
    book["cells"][0]["outputs"][0]["data"]["text/html"] = ["<b>a stranger wrote this</b>"]
    book["metadata"]["widgets"][STATE]["state"]["old"] = model()
    write(my / "01.ipynb", book, sign=False)
    update(my, {"01.ipynb": of("one", "two", "three")})
    assert "old" not in stored(read(my / "01.ipynb"))
    assert not trusted(my / "01.ipynb")


def test_the_students_edition_is_kept_in_order_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    (tmp_path / "notebooks").mkdir()
    book = copy.deepcopy(RUN)
    book["metadata"]["widgets"][STATE]["state"]["old"] = model()
    write(tmp_path / "notebooks" / "01.ipynb", book)
    (tmp_path / "notebooks" / "broken.ipynb").write_text("{", "utf-8")
    assert to_work_on(tmp_path) == (tmp_path / "notebooks", None)
    assert json.dumps(read(tmp_path / "notebooks" / "01.ipynb")["metadata"]) == json.dumps(
        RUN["metadata"], sort_keys=True
    )
    assert (tmp_path / "notebooks" / "broken.ipynb").read_text("utf-8") == "{"
