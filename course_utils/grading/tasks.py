"""The work: one pure task for each answer, done by processes of this machine, or by any executor that is like theirs."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from typing import Any

import numpy as np

from course_utils.exercises.exercise import Exercise
from course_utils.exercises.paste import literal
from course_utils.exercises.registry import EXERCISES
from course_utils.exercises.sheet import sheet_of
from course_utils.grading.probes import probes_of
from course_utils.grading.sandbox.box import Box, Job
from course_utils.grading.sandbox.confine import Means, die_with_parent
from course_utils.grading.verdict import JUDGING_SECONDS, PUBLIC_SEED, Verdict, judge_answer

WINDOW = 3  # tasks under way for each worker
ATTEMPTS = 3  # at a task whose worker was lost, through no fault of the answer
SIGNIFICANT = 6  # digits of what is right that count as the same exercise


@dataclass(frozen=True)
class Settings:
    """How answers are run, the same for all tasks of a run: the sandbox, the seed, and limits."""

    means: dict | None
    seed: int
    case_seconds: float = 10.0
    start_seconds: float = 20.0


@dataclass(frozen=True)
class Task:
    """One answer to judge. Its key tells it from every other: exercise, answer and seed."""

    key: str
    exercise: str
    job: dict


def task_for(exercise: Exercise, job: Job, seed: int) -> Task:
    """Make a task of an answer."""
    text = json.dumps([digest_of(exercise, seed), asdict(job)], sort_keys=True)
    return Task(hashlib.sha256(text.encode()).hexdigest(), exercise.id, asdict(job))


@lru_cache(maxsize=256)
def digest_of(exercise: Exercise, seed: int) -> str:
    """Name an exercise as it is: another case, another value or another rule gives another name."""
    seen = hashlib.sha256()
    seen.update(
        repr((exercise.id, exercise.function, exercise.outputs, exercise.tolerance, exercise.asks_for)).encode()
    )
    seen.update(repr([(idea.name, idea.hint) for idea in exercise.misconceptions]).encode())
    for number in (PUBLIC_SEED, seed):
        sheet = sheet_of(exercise, number, JUDGING_SECONDS)
        for case, right in zip(sheet.cases, sheet.expected, strict=True):
            seen.update(f"{case.name} {literal(case.args)} {_roughly(right)}".encode())
    for probe in probes_of(exercise, seed):
        seen.update(f"{probe.case.name} {probe.says} {probe.memory}".encode())
    return seen.hexdigest()


def run_tasks(
    tasks: Iterable[Task],
    settings: Settings,
    workers: int,
    done: Callable[[Task, dict], None],
    executor: Executor | None = None,
) -> None:
    """Judge answers, and hand over each verdict when it comes.

    No more than a window of them are under way, however many there are. A verdict is never asked for twice; only
    a task whose worker was lost is given out again, and after three times it could not be graded.

    Parameters
    ----------
    executor
        Of whoever gives it, such as a Dask cluster; by default processes of this machine are made, and made again where
        one is killed.
    """
    waiting, attempts = iter(tasks), {}
    pool = executor or _pool(workers)
    under_way: dict[Future, Task] = {}
    again: list[Task] = []
    try:
        while True:
            broken = False
            while len(under_way) < WINDOW * workers and (task := _next(again, waiting)) is not None:
                try:
                    under_way[pool.submit(judge_task, task, settings)] = task
                except BrokenProcessPool:  # a worker was lost since the last look
                    again.append(task)
                    broken = True
                    break
                attempts[task.key] = attempts.get(task.key, 0) + 1
            if not under_way and not broken:
                return
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED) if under_way else ((), ())
            for future in finished:
                task = under_way.pop(future)
                try:
                    done(task, future.result())
                except BrokenProcessPool:
                    broken = True
                    again.append(task)
                except Exception as error:
                    if executor is None or not _is_lost(error):
                        raise
                    again.append(task)
            if broken:
                again += under_way.values()
                under_way.clear()
                pool.shutdown(wait=False, cancel_futures=True)
                pool = _pool(workers)
            for task in [each for each in again if attempts.get(each.key, 0) >= ATTEMPTS]:
                again.remove(task)
                says = f"The process that judged it was lost {ATTEMPTS} times."
                done(task, Verdict(task.exercise, "could not grade", says=says).to_json())
    finally:
        if executor is None:
            pool.shutdown(wait=False, cancel_futures=True)


def judge_task(task: Task, settings: Settings) -> dict:
    """Judge one answer: a pure function of what it is given."""
    job = Job(**{name: tuple(value) if isinstance(value, list) else value for name, value in task.job.items()})
    return judge_answer(EXERCISES[task.exercise], job, settings.seed, _box(settings)).to_json()


_BOXES: dict[str, Box] = {}  # of this process: the one that it runs answers in


def _box(settings: Settings) -> Box:
    key = repr((settings.means, settings.case_seconds, settings.start_seconds))
    if key not in _BOXES:
        for box in _BOXES.values():
            box.close()
        _BOXES.clear()
        means = Means(**settings.means) if settings.means else None
        _BOXES[key] = Box(means, os.getpid() % 5000, settings.case_seconds, settings.start_seconds)
    return _BOXES[key]


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_the_judge)


def _end_with_the_judge() -> None:
    """Let no worker outlive the judge, however that ends: it would wait for tasks for ever, and its sandbox with it."""
    if sys.platform == "linux":
        die_with_parent()
    parent = parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)  # it has ended in the meantime


def _next(again: list[Task], waiting: Iterator[Task]) -> Task | None:
    return again.pop() if again else next(waiting, None)


def _is_lost(error: Exception) -> bool:
    """Whether an executor says that a worker is gone; each has its own word for it."""
    return type(error).__name__ in ("KilledWorker", "FutureCancelledError", "CancelledError", "CommClosedError")


def _roughly(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_roughly, value))}]"
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return repr(array.tolist())
    noise = np.abs(array) < 1e-9  # which differs from one processor to the next
    return ",".join(f"{number:.{SIGNIFICANT}g}" for number in np.where(noise, 0.0, array).ravel())
