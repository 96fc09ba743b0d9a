"""A reader's notebook follows the course, and what the reader did to it stays."""

import copy
from dataclasses import replace

import pytest
from course import cell, check, names, notebook, of, to_solve, with_text
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.workbook.merge import handed_out, merge
from course_utils.workbook.unsolved import source_of, unsolved

OLD = of("a", "b", "c", "d")
ANSWER = "def f():\n    return 43"


def texts(book):
    return [source_of(one) for one in book["cells"]]


def updated(mine, new, old=OLD):
    """Merge, and make sure that a second time changes nothing."""
    merged = merge(mine, handed_out(old), new)
    again = merge(merged.notebook, merged.record, new)
    assert again.notebook == merged.notebook
    assert again.record == merged.record
    assert (again.followed, again.passed_over, again.answers) == (0, (), merged.answers)
    return merged


# -- what the reader has not touched


def test_nothing_new_changes_nothing():
    merged = updated(OLD, OLD)
    assert merged.notebook == OLD
    assert merged.record == handed_out(OLD)
    assert (merged.followed, merged.answers, merged.passed_over) == (0, 0, ())


def test_an_untouched_notebook_becomes_the_new_one():
    new = with_text(of("x", "b", "a", "y", "d"), b="b = 1")  # one moved, two new, one gone, one changed
    merged = updated(OLD, new)
    assert merged.notebook == new
    assert merged.followed == 4


def ran(book):
    run = copy.deepcopy(book)
    for n, one in enumerate(run["cells"]):
        one |= {"execution_count": n, "outputs": [{"output_type": "stream", "name": "stdout", "text": "42"}]}
        one["metadata"] |= {"scrolled": True}
    return run


def test_what_was_run_keeps_its_outputs_as_long_as_its_text():
    mine = ran(OLD)
    cells = updated(mine, with_text(OLD, b="b = 1")).notebook["cells"]
    assert [cells[n] for n in (0, 2, 3)] == [mine["cells"][n] for n in (0, 2, 3)]
    assert (cells[1]["source"], cells[1]["outputs"], cells[1]["execution_count"]) == ("b = 1", [], None)
    assert cells[1]["metadata"] == {"scrolled": True}


def test_new_metadata_comes_and_that_of_the_reader_and_the_outputs_stay():
    old, new = notebook(check("f")), notebook(check("f", tags=["wide"]))
    new["cells"][0]["metadata"]["nbgrader"]["points"] = 5
    mine = ran(old)
    (one,) = updated(mine, new, old).notebook["cells"]
    assert one == {**mine["cells"][0], "metadata": {**new["cells"][0]["metadata"], "scrolled": True}}


def test_a_cell_may_change_its_kind():
    new = copy.deepcopy(OLD)
    new["cells"][1] = cell("b", "Text.", "markdown")
    assert updated(ran(OLD), new).notebook["cells"][1] == {**new["cells"][1], "metadata": {"scrolled": True}}


# -- what the reader wrote


def test_a_changed_cell_stays_and_its_new_version_is_told_once():
    mine, new = with_text(OLD, c="c = 42"), with_text(OLD, c="c = 1", d="d = 1")
    merged = updated(mine, new)
    assert merged.notebook == with_text(mine, d="d = 1")
    assert merged.passed_over == (3,)
    newer = merge(merged.notebook, merged.record, with_text(new, c="c = 2"))
    assert newer.passed_over == (3,)


def test_a_change_that_is_taken_back_follows_again():
    new = with_text(OLD, c="c = 1")
    merged = updated(with_text(OLD, c="c = 42"), new)
    assert merge(OLD, merged.record, new).notebook == new


def test_a_changed_cell_stays_when_the_course_drops_it():
    merged = updated(with_text(OLD, c="c = 42"), of("a", "b", "d"))
    assert names(merged.notebook) == "a b c d"
    assert merged.followed == 0


@pytest.mark.parametrize(
    ("mine", "new", "result"),
    [
        ("a b mine c d", "a b c d", "a b mine c d"),
        ("mine a b c d", "x a b c d", "mine x a b c d"),
        ("a b mine c d", "a b x c d", "a b mine x c d"),
        ("a b mine c d", "a c d", "a mine c d"),
        ("a b mine also c d", "c d a b", "c d a b mine also"),
        ("a b c d mine", "a b c d x", "a b c d mine x"),
        ("mine", "a b c d", "mine"),
        ("a d mine", "a b c d x", "a d mine x"),  # b and c stay deleted
        ("d c b a", "a x b c d", "d c b a x"),  # the reader's order
        ("b a mine c d", "y a b c d x", "y b a mine c d x"),
    ],
)
def test_own_cells_stay_beside_their_neighbours(mine, new, result):
    assert names(updated(of(*mine.split()), of(*new.split())).notebook) == result


# -- answers

OLD_EXERCISE = unsolved(notebook(cell("a"), to_solve("f"), check("f")))


def test_an_answer_stays_and_is_counted():
    new = unsolved(notebook(cell("a"), cell("x"), to_solve("f"), check("f")))
    merged = updated(with_text(OLD_EXERCISE, id_f=ANSWER), new, OLD_EXERCISE)
    assert merged.notebook == with_text(new, id_f=ANSWER)
    assert merged.answers == 1


def test_an_untouched_stub_is_no_answer_and_follows():
    new = unsolved(notebook(cell("a"), to_solve("f"), check("f")))
    new["cells"][1]["source"] = '"""Better said."""\n' + new["cells"][1]["source"]
    merged = updated(OLD_EXERCISE, new, OLD_EXERCISE)
    assert merged.notebook == new
    assert merged.answers == 0


@pytest.mark.parametrize("whose", ["the course's", "the reader's"])
def test_an_answer_is_known_by_its_grade_id_where_its_id_is_another(whose):
    mine, new = with_text(OLD_EXERCISE, id_f=ANSWER), copy.deepcopy(OLD_EXERCISE)
    (new if whose == "the course's" else mine)["cells"][1]["id"] = "another"
    merged = updated(mine, new, OLD_EXERCISE)
    assert merged.notebook == mine
    assert merged.answers == 1


def test_of_an_answer_and_its_copy_both_stay():
    mine = with_text(OLD_EXERCISE, id_f=ANSWER)
    mine["cells"].insert(1, {**mine["cells"][1], "id": "copy", "source": "def f():\n    return 44"})
    assert updated(mine, OLD_EXERCISE, OLD_EXERCISE).notebook == mine


def test_a_grade_id_and_an_id_of_one_name_are_two_cells():
    book = unsolved(notebook(cell("f"), to_solve("f")))
    new = with_text(book, f="f = 1")
    assert updated(book, new, book).notebook == new


def test_an_answer_stays_when_its_exercise_goes():
    mine = with_text(OLD_EXERCISE, id_f=ANSWER)
    merged = updated(mine, of("a"), OLD_EXERCISE)
    assert texts(merged.notebook) == ["a = 0", ANSWER]


# -- without a record


def test_without_a_record_what_differs_is_the_readers():
    mine = with_text(of("a", "mine", "b", "c", "d"), c="c = 42")
    merged = merge(mine, (), with_text(OLD, b="b = 1"))
    assert merged.notebook == mine
    assert merge(merged.notebook, merged.record, with_text(OLD, a="a = 2", b="b = 2")).notebook == with_text(
        mine, a="a = 2"
    )


def test_without_a_record_what_is_missing_comes_again():
    assert names(merge(of("a", "mine", "d"), (), OLD).notebook) == "a mine b c d"


def test_a_record_that_is_older_than_the_notebook_does_no_harm():
    """As after a notebook was written, and its record was not."""
    new = with_text(of("a", "x", "b", "c", "d"), b="b = 1")
    merged = merge(new, handed_out(OLD), new)
    assert merged.notebook == new
    assert merged.record == handed_out(new)


# -- whatever the reader and the course do

COURSE_CELLS, OWN_CELLS = "abcdefgh", "stuvw"
VERSIONS = st.permutations(COURSE_CELLS).flatmap(
    lambda order: st.tuples(st.just(order), st.integers(0, 8), st.lists(st.integers(0, 2), min_size=8, max_size=8))
)


def a_version(drawn):
    order, number, versions = drawn
    return notebook(*(cell(name, f"{name} = {versions[COURSE_CELLS.index(name)]}") for name in order[:number]))


@st.composite
def a_readers(draw, old):
    """The old version with cells changed, deleted, moved and added."""
    kept = [one for one in copy.deepcopy(old["cells"]) if draw(st.integers(0, 3))]
    if draw(st.booleans()):
        kept = draw(st.permutations(kept))
    for one in kept:
        if draw(st.booleans()):
            one["source"] = f"mine {one['id']}"
    for name in draw(st.lists(st.sampled_from(OWN_CELLS), unique=True)):
        kept.insert(draw(st.integers(0, len(kept))), cell(name, f"mine {name}"))
    return notebook(*kept)


@settings(max_examples=150)
@given(st.data())
def test_nothing_of_the_readers_is_ever_lost(data):
    old, new = a_version(data.draw(VERSIONS)), a_version(data.draw(VERSIONS))
    mine = data.draw(a_readers(old))
    record = handed_out(old) if data.draw(st.integers(0, 4)) else ()
    merged = merge(mine, record, new)
    result = {one["id"]: one["source"] for one in merged.notebook["cells"]}
    assert len(result) == len(merged.notebook["cells"])
    assert {one["id"]: one["source"] for one in mine["cells"] if "mine" in one["source"]}.items() <= result.items()

    course, deleted = {one["id"]: one["source"] for one in new["cells"]}, set()
    if record:
        deleted = {one.key for one in record} - {one["id"] for one in mine["cells"]}
        changed = {name for name, text in result.items() if "mine" in text}
        assert {name: text for name, text in result.items() if name not in changed} == {
            name: text for name, text in course.items() if name not in deleted | changed
        }
    again = merge(merged.notebook, merged.record, new)
    assert again.notebook == merged.notebook
    assert again.record == merged.record
    assert replace(again, followed=0, passed_over=()) == again
