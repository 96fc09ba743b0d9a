"""What holds for the exercises of every chapter alike; the files beside this one hold what is special to a chapter."""

import json
import pickle
import time
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from fixed_cases import with_fixed_cases
from remembering import remembering

from course_utils.exercises.check import CheckFailed, check
from course_utils.exercises.judge import judge
from course_utils.exercises.registry import EXERCISES

pytestmark = pytest.mark.slow

SEEDS = [0, 1, 20, 12345]
ALL = list(EXERCISES.values())
REMEMBERING = {}
for _exercise in ALL:  # whose references and wrong ideas call what an answer may not
    REMEMBERING[_exercise] = replace(remembering(_exercise), asks_for=())
    REMEMBERING |= zip(_exercise.misconceptions, REMEMBERING[_exercise].misconceptions, strict=True)
EVERY_IDEA = [pytest.param(e, m, id=f"{e.id} {m.name}") for e in ALL for m in e.misconceptions]
COUNTS = {"1": 3, "2": 3, "3": 3, "4": 3, "5": 3, "6": 3, "7": 4, "8": 4, "9": 6, "10": 4, "11": 4}
STOPS_IN_CHAPTERS = (
    "3.",
    "7.",
    "10.",
    "11.",
)  # some of whose wrong ideas end in an error rather than in a wrong number

every_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)


@pytest.mark.parametrize("seed", SEEDS)
@every_exercise
def test_the_reference_is_right(exercise, seed):
    report = judge(replace(exercise, asks_for=()), exercise.reference, seed)
    assert report.status == "correct", report.says
    assert report.points == exercise.points


def in_single_precision(value):
    if isinstance(value, tuple):
        return tuple(map(in_single_precision, value))
    return np.asarray(value, dtype=np.float32) if np.asarray(value).dtype.kind == "f" else value


@pytest.mark.parametrize("seed", SEEDS)
@every_exercise
def test_single_precision_is_enough(exercise, seed):
    """Is an answer right that has its numbers, and those it is given, in float32?"""

    def rounded(*args):
        arrays = (in_single_precision(a) if isinstance(a, np.ndarray) else a for a in args)
        return in_single_precision(exercise.reference(*arrays))

    alone = replace(exercise, asks_for=(), demand=None)  # demands measure memory, and a conversion needs some
    report = judge(alone, rounded, seed)
    assert report.status == "correct", report.says


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("exercise", "idea"), EVERY_IDEA)
def test_every_known_wrong_idea_is_rejected_and_named(exercise, idea, seed):
    answer = idea.answer if seed == SEEDS[0] else REMEMBERING[idea].answer  # run afresh at least once
    report = judge(REMEMBERING[exercise], answer, seed)
    stops = exercise.id.startswith(STOPS_IN_CHAPTERS)
    assert report.status == "incorrect" or (stops and report.status == "could not run")
    assert report.points == 0
    assert report.misconception == idea.name
    assert report.hint == idea.hint
    assert report.says
    assert pickle.loads(pickle.dumps(report)) == report
    assert json.dumps(report.to_json(), allow_nan=False)


@pytest.mark.parametrize(("exercise", "idea"), EVERY_IDEA)
def test_fixed_cases_alone_name_every_wrong_idea(exercise, idea):
    """Or else a secret seed might, by chance, let a wrong answer pass."""
    alone = with_fixed_cases(REMEMBERING[exercise])
    assert judge(alone, REMEMBERING[idea].answer).misconception == idea.name


@every_exercise
def test_a_first_check_is_quick(exercise):
    """Does it take less than two seconds of the processor, with the reference and all wrong ideas to run?"""
    untouched = replace(exercise, title=f"{exercise.title}, once more")  # nothing of it is known yet
    before = time.process_time()
    judge(untouched, exercise.misconceptions[-1].answer)
    assert time.process_time() - before < 2


@every_exercise
def test_four_wrong_ideas_or_more_are_known_and_each_has_a_hint(exercise):
    assert len(exercise.misconceptions) >= 4
    assert len({idea.name for idea in exercise.misconceptions}) == len(exercise.misconceptions)
    for idea in exercise.misconceptions:
        assert len(idea.hint) > 30, idea.name
        assert idea.hint.endswith((".", "?")), idea.name


def never_run(*args):
    raise NotImplementedError


@every_exercise
def test_a_stub_is_not_attempted_and_its_check_is_one_line(exercise, capsys):
    report = judge(exercise, never_run)
    assert (report.status, report.points) == ("not attempted", 0)
    assert report.headline.startswith(f"○ {exercise.id} {exercise.title}: not attempted yet")
    with pytest.raises(CheckFailed) as failed:
        check(exercise.id, never_run)
    (line,) = failed.value._render_traceback_()
    assert line.startswith(f"○ {exercise.id} {exercise.title}: not attempted yet")
    assert "\n" not in line
    assert "Traceback" not in line + capsys.readouterr().out


@every_exercise
def test_nothing_text_and_exceptions_get_a_report(exercise):
    function = exercise.function
    assert judge(exercise, lambda *args: None).says == f"{function} returned None. Is there a return at its end?"
    assert judge(exercise, lambda *args: "done").status == "incorrect"
    report = judge(exercise, lambda *args: args[99])
    assert report.status == "could not run"
    assert "args[99]" in report.says


@every_exercise
def test_cases_differ_with_the_seed_and_only_with_it(exercise):
    def numbers(seed):
        cases = exercise.cases(np.random.default_rng(seed))
        return [[np.ravel(a).tolist() for a in case.args] for case in cases]

    assert numbers(0) == numbers(0)
    if any(case.args for case in exercise.cases(np.random.default_rng(0))):  # an open question may have none
        assert numbers(0) != numbers(1)
    names = [case.name for case in exercise.cases(np.random.default_rng(0))]
    assert len(set(names)) == len(names)


def test_the_points_of_each_chapter_sum_to_ten():
    points, numbers = defaultdict(int), defaultdict(list)
    for number, exercise in EXERCISES.items():
        chapter, _, _ = number.partition(".")
        points[chapter] += exercise.points
        numbers[chapter].append(exercise.id)
    assert points == dict.fromkeys(COUNTS, 10)
    assert numbers == {chapter: [f"{chapter}.{n + 1}" for n in range(count)] for chapter, count in COUNTS.items()}
