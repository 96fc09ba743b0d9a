"""Exercises kept as data: the check says what it says otherwise, and no code that answers is in them."""

import io
from dataclasses import replace

import numpy as np
import pytest
from doubling import PAIR, double, exercise, squares

from course_utils.exercises import registry
from course_utils.exercises.exercise import Misconception, Output, pairs_of
from course_utils.exercises.judge import judge
from course_utils.exercises.kept import Kept, NotKept, keep, load
from course_utils.exercises.registry import EXERCISES

pytestmark = pytest.mark.slow

ALL = list(EXERCISES.values())
every_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)


@pytest.fixture(scope="module")
def archive():
    return keep(ALL)


@pytest.fixture(scope="module")
def kept(archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "kept.npz"
    path.write_bytes(archive)
    return load(path)


def kept_one(asked, tmp_path):
    path = tmp_path / "one.npz"
    path.write_bytes(keep([asked]))
    return load(path)[asked.id]


def free(asked):
    """The exercise, with answers allowed that call the library, as those of references and wrong ideas do."""
    return replace(asked, asks_for=())


def test_exercises_come_in_their_order_and_no_others(kept):
    assert list(kept) == list(EXERCISES)
    assert len(kept) == len(EXERCISES)
    with pytest.raises(KeyError):
        kept["0.7"]


@every_exercise
def test_all_that_is_asked_is_the_same(kept, exercise):
    again = kept[exercise.id]
    for name in ("id", "title", "points", "function", "outputs", "tolerance", "asks_for", "demand", "accepts"):
        assert getattr(again, name) == getattr(exercise, name), name
    cases = [asked.cases(np.random.default_rng(0)) for asked in (exercise, again)]
    for one, other in zip(*cases, strict=True):
        assert one.name == other.name
        for a, b in zip(one.args, other.args, strict=True):
            assert type(a) is type(b)
            np.testing.assert_array_equal(a, b, strict=isinstance(a, np.ndarray))


@every_exercise
def test_a_right_answer_is_right(kept, exercise):
    report = judge(free(kept[exercise.id]), exercise.reference)
    assert report.status == "correct", report.says
    assert report == judge(free(exercise), exercise.reference)


def without_last_digits(report):
    """What is said, but for the last digits of tables, which depend on how a sum is vectorised."""
    return replace(report, comparison=None), report.comparison and report.comparison.first_wrong


@every_exercise
def test_every_wrong_idea_gets_the_same_report(kept, exercise):
    for idea in exercise.misconceptions:
        reports = [judge(free(asked), idea.answer) for asked in (kept[exercise.id], exercise)]
        assert reports[0].misconception == idea.name
        assert without_last_digits(reports[0]) == without_last_digits(reports[1])


@every_exercise
def test_two_wrong_ideas_at_once_get_the_same_report(kept, exercise):
    for pair in pairs_of(exercise)[::9]:
        reports = [judge(free(asked), pair.answer) for asked in (kept[exercise.id], exercise)]
        assert without_last_digits(reports[0]) == without_last_digits(reports[1])


@every_exercise
def test_nothing_of_it_is_code(kept, exercise):
    again = kept[exercise.id]
    assert isinstance(again.reference, Kept)
    assert all(isinstance(idea.answer, Kept) for idea in (*again.misconceptions, *again.pairs))


def test_other_arguments_and_other_seeds_are_not_kept(kept):
    again = kept["8.1"]
    with pytest.raises(NotKept, match="with the arguments of a case only"):
        again.reference(np.log([[0.9, 0.1], [0.7, 0.3]]), np.array([0, 1]))
    with pytest.raises(NotKept, match="leave the seed out"):
        judge(again, double, seed=1)


def test_the_archive_has_no_pickle_and_is_small(archive):
    assert len(archive) < 4e6
    with np.load(io.BytesIO(archive), allow_pickle=False) as parts:
        assert {parts[name].dtype.kind for name in parts.files} == {"u", "f", "i"}


def test_an_idea_that_stops_or_changes_its_argument_does_so_again(tmp_path):
    def changes(x):
        x += 1
        return x - 1

    ideas = (
        Misconception("stops", "Do not stop.", lambda x: [][1]),
        Misconception("changes", "Leave it alone.", lambda x: 2 * changes(x)),
        Misconception("squares", "Not that.", squares),
    )
    asked = exercise(misconceptions=ideas)
    again = kept_one(asked, tmp_path)
    for idea in ideas:
        assert judge(again, idea.answer).misconception == idea.name
        assert judge(again, idea.answer) == judge(asked, idea.answer)
    assert judge(again, double).status == "correct"


def test_lists_of_names_and_whole_numbers_are_kept_as_they_are(tmp_path):
    names = exercise(
        output=(Output("the names", ("i",), names=True),),
        reference=lambda labels, n: labels * n,
        arguments=((["A", "BH"], 2), ([], 3)),
        misconceptions=(Misconception("reversed", "Not that way round.", lambda labels, n: labels[::-1] * n),),
    )
    again = kept_one(names, tmp_path)
    assert judge(again, lambda labels, n: [*labels] * n).status == "correct"
    assert judge(again, lambda labels, n: [*reversed(labels)] * n).misconception == "reversed"
    assert again.cases(np.random.default_rng(0))[0].args == (["A", "BH"], 2)


def test_numbers_beyond_single_precision_are_kept_whole(tmp_path):
    huge = exercise(
        arguments=((np.array([[1e200, -np.inf]]),), (np.array([[1e-200, np.nan]]),)),
        misconceptions=(Misconception("three times", "Twice.", lambda x: 3 * x),),
    )
    again = kept_one(huge, tmp_path)
    assert judge(again, double).status == "correct"
    assert judge(again, lambda x: 3 * x).misconception == "three times"
    assert judge(again, lambda x: np.where(x == 1e200, 4e200, 3 * x)).misconception is None


def test_what_is_no_data_is_refused():
    with pytest.raises(TypeError, match="a dict cannot be kept"):
        keep([exercise(reference=lambda x: {}, arguments=((1.0,),))])
    with pytest.raises(ValueError, match="is no function of"):
        keep([replace(PAIR, demand=lambda answer: None)])


def test_the_course_itself_has_its_exercises_written_out():
    assert not registry.KEPT.exists()
