"""The two benches, in one run: no honest notebook loses a point, no hostile one gains any, and neither touches another."""

import os
from dataclasses import asdict

import numpy as np
import pytest

from benchmarks.handed_in.honest import HONEST
from benchmarks.handed_in.hostile import HOSTILE
from course_utils.exercises.registry import EXERCISES
from course_utils.grading.chapter import code_cells, find_chapter, job_for, read_chapter
from course_utils.grading.grade import NOTEBOOKS
from course_utils.grading.sandbox.confine import means
from course_utils.grading.tasks import Settings, run_tasks, task_for

pytestmark = pytest.mark.slow

SEED = 271828182845
CHAPTER = read_chapter(find_chapter(NOTEBOOKS, "8"))


def judged(bank, exercises, seconds):
    """Every notebook of a bank, judged on some exercises."""
    wanted = {}
    for name, make in bank.items():
        cells = code_cells(make().data())
        for task in CHAPTER.tasks:
            if task.exercise.id in exercises:
                wanted[name, task.exercise.id] = task_for(task.exercise, job_for(task, cells, CHAPTER), SEED)
    found = {}
    settings = Settings(asdict(means()), SEED, seconds, 2 * seconds)
    run_tasks(
        {task.key: task for task in wanted.values()}.values(),
        settings,
        2,
        lambda task, got: found.update({task.key: got}),
    )
    return {where: found[task.key] for where, task in wanted.items()}


@pytest.fixture(scope="module")
def honest():
    return judged(HONEST, {"8.1", "8.2", "8.3", "8.4"}, 10.0)


@pytest.fixture(scope="module")
def hostile():
    before = os.stat(NOTEBOOKS.parent / "course_utils" / "viterbi.py")
    found = judged(HOSTILE, {"8.1", "8.2"}, 4.0)
    after = os.stat(NOTEBOOKS.parent / "course_utils" / "viterbi.py")
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    return found


def test_the_banks_are_large():
    assert len(HONEST) >= 60
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_notebook_loses_nothing(honest, name):
    for number in ("8.1", "8.2", "8.3", "8.4"):
        verdict = honest[name, number]
        assert verdict["status"] == "correct", (
            number,
            verdict["says"],
            verdict["report"] and verdict["report"]["says"],
        )
        assert verdict["passed"] == verdict["total"] > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_notebook_gains_nothing_and_keeps_what_is_right(hostile, name):
    verdict = hostile[name, "8.1"]
    assert verdict["status"] not in ("correct", "could not grade"), verdict
    assert verdict["passed"] < verdict["total"] // 2
    assert len(str(verdict)) < 200_000
    assert hostile[name, "8.2"]["status"] == "correct", hostile[name, "8.2"]


def test_what_an_exercise_may_not_call_is_told_by_the_grader_too(hostile):
    report = hostile["calls the library", "8.1"]["report"]
    assert report["says"] == "viterbi_forward calls course_utils.viterbi.forward: that is what you are to write."


def test_the_grader_asks_for_what_values_cannot_show():
    """Is a whole table found out where one column is asked for, and a state that is kept where it is to be passed?"""
    from benchmarks.handed_in.honest import LOOPS
    from benchmarks.handed_in.notebook import HandedIn

    table = LOOPS.replace("viterbi_forward", "viterbi_score").replace("return V\n", "return V[-1, -1]\n")
    (verdict,) = judged({"table": lambda: HandedIn().answer("viterbi_score", table)}, {"8.3"}, 10.0).values()
    assert verdict["status"] == "incorrect"
    assert verdict["report"]["status"] == "correct"
    assert "MB beside its arguments" in verdict["says"]


def test_every_authors_answer_is_right_on_cases_that_nobody_has_seen():
    wanted, found = [], {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb"))[1:]:
        chapter, cells = read_chapter(path), code_cells(path.read_bytes())
        wanted += [task_for(task.exercise, job_for(task, cells, chapter), SEED) for task in chapter.tasks]
    run_tasks(wanted, Settings(asdict(means()), SEED), 2, lambda task, got: found.update({task.exercise: got}))
    assert {number: got["status"] for number, got in found.items()} == dict.fromkeys(EXERCISES, "correct")
    for number, got in found.items():
        assert got["total"] == got["passed"] >= len(EXERCISES[number].cases(np.random.default_rng(0)))
