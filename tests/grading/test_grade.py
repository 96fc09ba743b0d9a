"""Grading from the command line: from a folder to a table, again after a crash, and once more after a change."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.handed_in.honest import LOOPS
from benchmarks.handed_in.notebook import HandedIn
from course_utils.grading import grade, tasks
from course_utils.grading.__main__ import main
from course_utils.grading.progress import Progress

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WRONG = "def trace_back(V):\n    return V.argmax(axis=1)\n"


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """Six students; three of them are odd."""
    where = tmp_path_factory.mktemp("submissions")
    made = {
        "Ada/08_viterbi.ipynb": HandedIn().data(),
        "Bea/08_viterbi (1).ipynb": HandedIn().answer("trace_back", WRONG).data(),
        "Cy/08_viterbi.ipynb": HandedIn(solved=False).data(),
        "Dan/08_viterbi.ipynb": b"{",
        "Eve/a.ipynb": HandedIn().data(),
        "Eve/b.ipynb": HandedIn().answer("trace_back", WRONG).data(),
    }
    for name, data in made.items():
        (where / name).parent.mkdir(exist_ok=True)
        (where / name).write_bytes(data)
    return where


@pytest.fixture(scope="module")
def graded(handed_in, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "grades"
    roster = handed_in.parent / "roster.csv"
    roster.write_text("student,section\nAda,1\nFay,2\n")
    assert run(handed_in, out, "--roster", str(roster)) == 0
    return out


def run(submissions, out, *more):
    return main(["grade", "8", str(submissions), "--out", str(out), "--workers", "2", *more])


def table(out):
    with io.StringIO((out / "results.csv").read_text("utf-8-sig")) as text:
        return {(row["student"], row["exercise"]): row for row in csv.DictReader(text)}


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_every_student_has_a_row_for_every_exercise(graded):
    statuses = {student: [] for student in ("Ada", "Bea", "Cy", "Dan", "Eve", "Fay")}
    for (student, _), row in table(graded).items():
        statuses[student].append((row["status"], row["points"]))
    assert statuses == {
        "Ada": [("correct", "3"), ("correct", "2"), ("correct", "2"), ("correct", "3")],
        "Bea": [("correct", "3"), ("incorrect", "0"), ("correct", "2"), ("correct", "3")],
        "Cy": [("not attempted", "0")] * 4,
        "Dan": [("unreadable", "0")] * 4,
        "Eve": [("could not grade", "")] * 4,
        "Fay": [("no file", "0")] * 4,
    }
    assert table(graded)["Bea", "8.2"]["idea"] == "best cell of each frame"


def test_a_second_run_judges_nothing_and_changes_no_byte(graded, handed_in, monkeypatch):
    before = files(graded)
    monkeypatch.setattr(grade, "run_tasks", lambda tasks, *rest: pytest.fail("judged again") if list(tasks) else None)
    assert run(handed_in, graded, "--roster", str(handed_in.parent / "roster.csv")) == 0
    assert files(graded) == before


def test_the_teacher_chooses_and_decides(handed_in, graded, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name, data in files(graded).items():
        (out / name).write_bytes(data)
    (out / "choices.csv").write_text("student,file\nEve,a.ipynb\n")
    (out / "overrides.csv").write_text("student,exercise,points,reason\nBea,8.2,1,nearly\n")
    assert run(handed_in, out) == 0
    found = table(out)
    assert found["Eve", "8.2"]["points"] == "2"
    assert (found["Bea", "8.2"]["points"], found["Bea", "8.2"]["note"]) == ("1", "decided by your teacher: nearly")


def test_a_mended_exercise_runs_alone_and_lowers_nothing(handed_in, graded, tmp_path, monkeypatch, capsys):
    """Are only the answers to the exercise that changed judged again, and do points that were given stay?"""
    out = tmp_path / "out"
    out.mkdir()
    for name, data in files(graded).items():
        (out / name).write_bytes(data)
    real, judged = tasks.digest_of, []
    monkeypatch.setattr(
        tasks, "digest_of", lambda exercise, seed: real(exercise, seed) + "new" * (exercise.id == "8.1")
    )

    def all_wrong(wanted, settings, workers, done, executor):
        for task in wanted:
            judged.append(task.exercise)
            done(task, {"exercise": task.exercise, "status": "incorrect", "passed": 0, "total": 9})

    monkeypatch.setattr(grade, "run_tasks", all_wrong)
    assert run(handed_in, out) == 0
    assert set(judged) == {"8.1"}
    assert table(out)["Ada", "8.1"]["points"] == "3"
    assert "Ada, 8.1: given before: 0 after the exercise was changed, and 3 stay" in capsys.readouterr().out
    assert run(handed_in, out, "--allow-lower") == 0
    assert table(out)["Ada", "8.1"]["points"] == "0"
    assert "Ada, 8.1: 3 → 0 (lost)" in capsys.readouterr().out


def below(pid):
    """The processes that a process has made, and those that they have."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *below(child)]
    return found


def journal_of(out) -> bytes:
    return (out / "journal.txt").read_bytes() if (out / "journal.txt").exists() else b""


def without_seconds(out):
    rows = [{**row, "seconds": ""} for row in table(out).values()]
    return rows, {name: (out / name).read_bytes() for name in ("canvas.csv", "moodle.csv", "given.json", "seed.txt")}


@pytest.mark.parametrize("verdicts", [0, 1, 11])
def test_a_judge_that_is_killed_goes_on_where_it_was(handed_in, tmp_path, verdicts):
    """Is all the same after kill -9 and a second run, with nothing judged twice?"""
    out = tmp_path / "out"
    out.mkdir()
    (out / "seed.txt").write_text("5\n")
    command = ["-m", "course_utils.grading", "grade", "8", str(handed_in), "--out", str(out), "--workers", "1"]
    judge = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while judge.poll() is None and (len(journal_of(out).splitlines()) < verdicts or not below(judge.pid)):
        time.sleep(0.01)
    others = below(judge.pid)
    os.kill(judge.pid, signal.SIGKILL)
    judge.wait()
    ends = time.monotonic() + 30
    while time.monotonic() < ends and any(os.path.exists(f"/proc/{pid}") for pid in others):
        time.sleep(0.05)
    assert [pid for pid in others if os.path.exists(f"/proc/{pid}")] == []
    kept = journal_of(out)
    assert len(kept.splitlines()) >= verdicts
    assert run(handed_in, out) == 0
    journal = journal_of(out)
    assert journal.startswith(kept[: kept.rfind(b"\n") + 1])
    keys = [json.loads(line[9:])[0] for line in journal.splitlines()]
    assert len(set(keys)) == len(keys) == 12
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "seed.txt").write_text("5\n")
    (whole / "journal.txt").write_bytes(journal)
    assert run(handed_in, whole) == 0
    assert without_seconds(whole) == without_seconds(out)


def test_a_worker_that_is_killed_is_replaced(handed_in, tmp_path, monkeypatch):
    """Are its tasks given to another, and all verdicts there?"""
    out = tmp_path / "out"
    real, killed = tasks.wait, []

    def wait(futures, **more):
        if not killed:
            pool = next(iter(made))
            while not pool._processes:
                time.sleep(0.05)
            time.sleep(1.0)
            pid = next(iter(pool._processes))
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        return real(futures, **more)

    made, real_pool = [], tasks._pool
    monkeypatch.setattr(tasks, "_pool", lambda workers: made.append(real_pool(workers)) or made[-1])
    monkeypatch.setattr(tasks, "wait", wait)
    assert run(handed_in, out) == 0
    assert killed
    assert len(made) == 2
    assert [row["status"] for (name, _), row in table(out).items() if name == "Ada"] == ["correct"] * 4


def test_a_task_whose_worker_is_lost_each_time_could_not_be_graded(monkeypatch):
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool

    class Breaks:
        def submit(self, *args):
            future = Future()
            future.set_exception(BrokenProcessPool())
            return future

        def shutdown(self, **more):
            pass

    monkeypatch.setattr(tasks, "_pool", lambda workers: Breaks())
    found = []
    tasks.run_tasks([tasks.Task("key", "8.1", {})], tasks.Settings(None, 0), 1, lambda task, got: found.append(got))
    assert [(got["status"], got["says"]) for got in found] == [
        ("could not grade", "The process that judged it was lost 3 times.")
    ]


def test_a_pool_that_breaks_before_it_is_asked_is_replaced(monkeypatch):
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool

    class Broken:
        def submit(self, *args):
            raise BrokenProcessPool

        def shutdown(self, **more):
            pass

    class Works(Broken):
        def submit(self, function, task, settings):
            future = Future()
            future.set_result({"status": "correct"})
            return future

    pools = [Broken(), Broken(), Broken(), Broken(), Works()]
    monkeypatch.setattr(tasks, "_pool", lambda workers: pools.pop(0))
    found = []
    tasks.run_tasks([tasks.Task("key", "8.1", {})], tasks.Settings(None, 0), 1, lambda task, got: found.append(got))
    assert found == [{"status": "correct"}]


def test_no_more_than_a_window_is_under_way(monkeypatch):
    """Does a task come into being only when there is room for it, however many there are?"""
    from concurrent.futures import Future

    under_way, most, drawn = set(), [], []

    class Slow:
        def submit(self, function, task, settings):
            future = Future()
            under_way.add(future)
            most.append(len(under_way))
            return future

    def finish(futures, **more):
        first = next(iter(futures))
        under_way.discard(first)
        first.set_result({"status": "correct"})
        return {first}, set(futures) - {first}

    def many():
        for n in range(200):
            drawn.append(n)
            assert len(drawn) - done[0] <= 2 * tasks.WINDOW + 1
            yield tasks.Task(str(n), "8.1", {})

    done = [0]
    monkeypatch.setattr(tasks, "wait", finish)
    tasks.run_tasks(many(), tasks.Settings(None, 0), 2, lambda task, got: done.__setitem__(0, done[0] + 1), Slow())
    assert done == [200]
    assert max(most) == 2 * tasks.WINDOW


def test_only_showing_runs_nothing(handed_in, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(handed_in, out, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "Bea  08_viterbi (1).ipynb" in shown
    assert "Dan  unreadable: 08_viterbi.ipynb: it is not JSON" in shown
    assert "Eve  could not grade: Which notebook counts?" in shown
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--points", "half"], "say all, share, or steps"),
        (["--workers", "0"], "give 1 or more"),
        (["--seed-file", "SEED"], "must hold one whole number"),
    ],
)
def test_what_cannot_begin_is_one_line(handed_in, tmp_path, capsys, more, says):
    (tmp_path / "seed").write_text("no number")
    more = [str(tmp_path / "seed") if each == "SEED" else each for each in more]
    assert run(handed_in, tmp_path / "out", *more) == 1
    printed = capsys.readouterr().err
    assert says in printed
    assert "Traceback" not in printed


def test_no_sandbox_no_grading_unless_told(handed_in, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert run(handed_in, tmp_path / "out") == 1
    assert "or say --unsafe" in capsys.readouterr().err


def test_a_sandbox_that_does_not_work_is_found_out_before(handed_in, tmp_path, capsys, monkeypatch):
    """Would a sandbox in which nothing can be read, or all, be used?"""
    from course_utils.grading.sandbox import box

    monkeypatch.setattr(box, "_exactly", lambda *args: (_ for _ in ()).throw(OSError("broken")))
    assert run(handed_in, tmp_path / "out") == 1
    assert "The sandbox does not work here" in capsys.readouterr().err


def test_the_seed_is_made_once_and_is_for_nobody_else(tmp_path):
    path = tmp_path / "seed.txt"
    seed = grade.read_seed(path)
    assert grade.read_seed(path) == seed
    assert path.stat().st_mode & 0o077 == 0
    assert grade.read_seed(tmp_path / "other.txt") != seed
    assert grade.commitment(5) == "f0b5c2c2211c8d67ed15e75e656c7862d086e9245420892a7de62cd9ec582a06"


def test_an_answer_counts_wherever_it_came_from(tmp_path):
    """Does the same answer have the same key, and another answer another one?"""
    from course_utils.exercises.registry import EXERCISES
    from course_utils.grading.sandbox.box import Job

    one, same, other = (
        tasks.task_for(EXERCISES["8.1"], Job("f", [text]), 1).key for text in (LOOPS, LOOPS, LOOPS + "#")
    )
    assert one == same != other
    assert tasks.task_for(EXERCISES["8.1"], Job("f", [LOOPS]), 2).key != one


def test_progress_says_how_long_it_will_take():
    stream = io.StringIO()
    with Progress(100, 50, stream) as progress:
        progress.step()
        assert progress.line(10.0) == "[###############...............] 51 of 100 answers, 8 min 10 s left "
    assert stream.getvalue().startswith("50 of 100 answers were judged before.\n")
    assert Progress(10**5, 0, stream).line(0) != ""
