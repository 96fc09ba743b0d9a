"""Grade what was handed in for a chapter.

Usage::

    python -m course_utils.grading grade 8 submissions/ --out grades/

Everything that is written lies in the folder named by ``--out``. A run that is cut off goes on from there.
"""

import hashlib
import json
import os
import secrets
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from course_utils.grading import pages, results
from course_utils.grading.chapter import Chapter, Unreadable, find_chapter, job_for, read_chapter
from course_utils.grading.collecting import CannotCollect, Submission, choose, collect
from course_utils.grading.journal import Journal, write_whole
from course_utils.grading.progress import Progress
from course_utils.grading.sandbox.box import Box, Job, Lost, ServerLost
from course_utils.grading.sandbox.confine import Means, NoSandbox, means
from course_utils.grading.similarity import pairs
from course_utils.grading.tasks import Settings, Task, run_tasks, task_for
from course_utils.grading.verdict import Verdict

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


class CannotGrade(RuntimeError):
    """The run cannot begin; the text says what would do."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument("chapter", help="its number, its name, or the path of its notebook as the author has it")
    parser.add_argument("submissions", type=Path, help="a folder, or the ZIP archive that Moodle or Canvas made")
    parser.add_argument(
        "--out", type=Path, required=True, help="the folder for results; a run that was cut off goes on in it"
    )
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="where the course's notebooks are")
    parser.add_argument(
        "--seed-file", type=Path, help="holds the seed of the secret cases; made where there is none (OUT/seed.txt)"
    )
    parser.add_argument(
        "--roster", type=Path, help="a table with student, and section if you like: who should have handed something in"
    )
    parser.add_argument(
        "--choices", type=Path, help="a table with student and file: which of several counts (OUT/choices.csv)"
    )
    parser.add_argument(
        "--overrides", type=Path, help="a table with student, exercise, points, reason (OUT/overrides.csv)"
    )
    parser.add_argument(
        "--points", default="all", metavar="RULE", help="all (or nothing), share, or steps: '0.5:0.4 1:1'"
    )
    parser.add_argument(
        "--allow-lower", action="store_true", help="let points fall that were given before for the same answer"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long an answer may take for one case (10)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes at work (one for each processor)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster whose workers judge, instead of this machine"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show which file is whose")
    parser.add_argument(
        "--unsafe", action="store_true", help="where there is no sandbox: run answers with limits alone"
    )
    parser.add_argument(
        "--no-namespaces", action="store_true", help="do without namespaces, also where the system has them"
    )


def main(options: Namespace) -> int:
    """Run the command; return its exit status."""
    try:
        with executor_of(options) as (executor, workers):
            options.workers = workers
            return grade(options, executor)
    except (CannotGrade, NoSandbox, CannotCollect, Unreadable, results.BadTable) as error:
        print(error, file=sys.stderr)
        return 1


@contextmanager
def executor_of(options: Namespace) -> Iterator[tuple[Executor | None, int]]:
    """Connect to a Dask cluster, if one is named; give its executor, and how many threads it has.

    A verdict is never asked for twice: what a lost worker had is given out again by ``run_tasks``, which counts.

    Raises
    ------
    CannotGrade
        Dask is not installed, the cluster does not answer, or a worker has more than one thread.
    """
    if options.scheduler is None:
        yield None, options.workers
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise CannotGrade("--scheduler needs Dask here and on the workers: pip install distributed") from error
    try:
        client = Client(options.scheduler, timeout=30)
    except OSError as error:
        raise CannotGrade(f"No scheduler answers at {options.scheduler}: {error}") from error
    with client:
        threads = [worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
        if not threads or max(threads) > 1:
            raise CannotGrade("Give the cluster workers with one thread each (dask worker --nthreads 1 --nworkers …).")
        yield client.get_executor(retries=0, pure=False), len(threads)


def grade(options: Namespace, executor: Executor | None = None) -> int:
    """Grade a chapter, and write everything.

    Raises
    ------
    CannotGrade, NoSandbox, CannotCollect, Unreadable, results.BadTable
        It cannot begin. Nothing has been run then.
    """
    if options.workers < 1:
        raise CannotGrade(f"--workers is {options.workers}; give 1 or more")
    chapter = read_chapter(find_chapter(options.notebooks, options.chapter))
    out, rule = options.out, results.rule_named(options.points)
    overrides = results.read_overrides(options.overrides or out / "overrides.csv")
    choices = results.read_choices(options.choices or out / "choices.csv")
    roster = results.read_roster(options.roster) if options.roster else {}
    submissions = choose(collect(options.submissions), chapter, tuple(roster), choices)
    _show(submissions, chapter)
    if options.dry_run:
        return 0
    held = _held_by(options)
    seed = read_seed(options.seed_file or out / "seed.txt")
    settings = Settings(asdict(held) if held else None, seed, options.seconds, 2 * options.seconds)
    with Journal(out / "journal.txt") as journal:
        verdicts, keys = _judge(chapter, submissions, settings, journal, options.workers, executor)
    rows = write_out(out, chapter, submissions, verdicts, keys, rule, overrides, options.allow_lower)
    write_pages(out, chapter, submissions, rows, verdicts, seed, roster)
    _say_totals(rows, out)
    return 0


def read_seed(path: Path) -> int:
    """Read the seed of the secret cases; make one that nobody knows where there is none.

    Raises
    ------
    CannotGrade
        What the file holds is no seed.
    """
    if not path.exists():
        write_whole(path, f"{secrets.randbits(63)}\n".encode())
        path.chmod(0o600)
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 30:
        raise CannotGrade(f"{path} must hold one whole number, the seed; it holds {text[:40]!r}")
    return int(text)


def commitment(seed: int) -> str:
    """Name a seed without telling it: who learns the seed later can see that it was this one."""
    return hashlib.sha256(f"{seed}\n".encode()).hexdigest()


def _held_by(options: Namespace) -> Means | None:
    """Find out what keeps the answers, and say it."""
    if options.unsafe:
        print("Answers run with limits on time and memory alone: they can read and delete all that you can.")
        return None
    held = means(namespaces=not options.no_namespaces)
    try_out(held)
    print(f"Answers are held by: {held}.")
    return held


def try_out(held: Means) -> None:
    """Run an honest answer, and one that reaches for what it must not have, before any student's.

    Raises
    ------
    CannotGrade
        The one does not work, or the other does.
    """
    honest = "def f(x):\n    import colorsys, wave  # which nothing has loaded yet\n    open('note', 'w').write('.')\n    return 2 * x"
    reaches = f"def f(x):\n    return len(open({str(Path(__file__).resolve())!r}).read())"
    with Box(held, os.getpid() % 5000) as box:
        for source, wanted in ((honest, 4.0), (reaches, None)):
            try:
                with box.running(Job("f", [source]), 1) as running:
                    running.ready()
                    came = running.case((2.0,))
            except (Lost, ServerLost) as error:
                raise CannotGrade(f"The sandbox does not work here: {error}") from error
            if came.get("value") != wanted:
                why = came.get("error", {}).get("says", "it reads what it must not")
                raise CannotGrade(
                    f"The sandbox does not work here: {why}. Answers must be able to read Python and its libraries, and "
                    f"nothing of the course: let {sys.base_prefix} and {sys.prefix} be readable for everybody."
                )


def _show(submissions: Sequence[Submission], chapter: Chapter) -> None:
    """Show which file is whose, before anything is run."""
    print(f"{chapter.name}: {len(chapter.tasks)} exercises, {chapter.points} points; {len(submissions)} students.")
    width = max((len(each.student) for each in submissions), default=0)
    for each in submissions:
        what = f"{each.file}{' (late)' if each.late else ''}" if not each.problem else f"{each.problem}: {each.says}"
        print(f"  {each.student:<{width}}  {what}")


def _judge(
    chapter: Chapter,
    submissions: Sequence[Submission],
    settings: Settings,
    journal: Journal,
    workers: int,
    executor: Executor | None,
) -> tuple[dict[tuple[str, str], Verdict], dict[tuple[str, str], str]]:
    """Judge what has not been judged yet; return all verdicts, and what names each answer."""
    wanted: dict[tuple[str, str], Task | Verdict] = {}
    answers: dict[tuple[str, str], str] = {}
    for submission in submissions:
        for task in chapter.tasks:
            key = submission.student, task.exercise.id
            if submission.problem:
                wanted[key] = Verdict(task.exercise.id, submission.problem, says=submission.says)
                continue
            job = job_for(task, submission.cells, chapter)
            wanted[key] = task_for(task.exercise, job, settings.seed)
            text = json.dumps(asdict(job) | {"asks_for": [], "given": []}, sort_keys=True)
            answers[key] = hashlib.sha256(text.encode()).hexdigest()
    tasks = {task.key: task for task in wanted.values() if isinstance(task, Task)}
    new = [task for key, task in tasks.items() if key not in journal.results]
    with Progress(len(tasks), len(tasks) - len(new)) as progress:

        def done(task: Task, verdict: dict) -> None:
            if verdict["status"] == results.NO_JUDGEMENT:
                lost[task.key] = verdict  # to be tried again by the next run
            else:
                journal.add(task.key, verdict)
            progress.step()

        lost: dict[str, dict] = {}
        run_tasks(new, settings, min(workers, max(len(new), 1)), done, executor)
    known = {**lost, **journal.results}
    verdicts = {key: what if isinstance(what, Verdict) else Verdict(**known[what.key]) for key, what in wanted.items()}
    return verdicts, answers


def write_out(
    out: Path,
    chapter: Chapter,
    submissions: Sequence[Submission],
    verdicts: dict[tuple[str, str], Verdict],
    answers: dict[tuple[str, str], str],
    rule: results.Rule,
    overrides: dict[tuple[str, str], results.Override],
    allow_lower: bool,
) -> list[results.Row]:
    """Write tables and pages, each of them whole or not at all; say who gained and who lost since the last time."""
    state_file = out / "given.json"
    before = json.loads(state_file.read_text(encoding="utf-8")) if state_file.exists() else []
    given = {(each["student"], each["exercise"]): each for each in before}
    rows = results.rows_for(chapter, submissions, verdicts, rule)
    if not allow_lower:
        rows = results.keep_from_before(rows, given, answers)
    _say_changes(rows, given)
    state = [
        {
            "student": r.student,
            "exercise": r.exercise,
            "points": r.points,
            "answer": answers.get((r.student, r.exercise), ""),
        }
        for r in rows
    ]
    rows = results.with_overrides(rows, overrides)
    write_whole(out / "results.csv", results.as_csv(rows))
    write_whole(out / "canvas.csv", results.as_canvas(rows, submissions, chapter))
    write_whole(out / "moodle.csv", results.as_moodle(rows, submissions))
    write_whole(state_file, (json.dumps(state, ensure_ascii=False, indent=0) + "\n").encode())
    return rows


def write_pages(
    out: Path,
    chapter: Chapter,
    submissions: Sequence[Submission],
    rows: Sequence[results.Row],
    verdicts: dict[tuple[str, str], Verdict],
    seed: int,
    sections: dict[str, str],
) -> None:
    """Write the students' pages, the teacher's, and which answers are alike."""
    files = pages.write_feedback(out, chapter, submissions, rows, verdicts, commitment(seed))
    found = []
    for task in chapter.tasks:
        shapes = {each.student: verdicts[each.student, task.exercise.id].shape for each in submissions}
        found += pairs(task.exercise.id, shapes)
    write_whole(out / "similarity.csv", results.as_similarity(found))
    page = pages.class_page(chapter, submissions, rows, verdicts, found, files, sections)
    write_whole(out / "class.html", page.encode())


def _say_changes(rows: Sequence[results.Row], given: dict[tuple[str, str], dict]) -> None:
    for row in rows:
        old = given.get((row.student, row.exercise))
        if old is not None and old["points"] != row.points:
            gained = old["points"] is None or (row.points is not None and row.points > old["points"])
            change = " → ".join("not graded" if each is None else f"{each:g}" for each in (old["points"], row.points))
            print(f"  {row.student}, {row.exercise}: {change} ({'gained' if gained else 'lost'})")
        elif old is not None and row.note.startswith(results.KEPT):
            print(f"  {row.student}, {row.exercise}: {row.note}")


def _say_totals(rows: Sequence[results.Row], out: Path) -> None:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    print(", ".join(f"{count} {status}" for status, count in sorted(counts.items(), key=lambda item: -item[1])) + ".")
    print(f"Results are in {out}.")
