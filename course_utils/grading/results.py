"""From verdicts to points: the teacher's rule, what was given before, and the teacher's own decisions, in this order."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_utils.exercises.exercise import Exercise
from course_utils.grading.chapter import Chapter
from course_utils.grading.collecting import Submission
from course_utils.grading.similarity import Pair
from course_utils.grading.verdict import Verdict

COLUMNS = (
    "student", "exercise", "title", "points", "worth", "status", "passed", "total", "late", "seconds", "idea", "file", "note",
)  # fmt: skip
NO_JUDGEMENT = "could not grade"
KEPT = "given before"  # how the note begins of points that were not lowered


class BadTable(ValueError):
    """A table of the teacher's cannot be read; the text says where and why."""


@dataclass(frozen=True)
class Row:
    """One student's result in one exercise, as it is handed out.

    Attributes
    ----------
    points
        None where there is no judgement; never 0 for it.
    note
        Why the points are others than the verdict gives.
    """

    student: str
    exercise: str
    title: str
    points: float | None
    worth: float
    status: str
    passed: int
    total: int
    late: bool
    seconds: float
    idea: str
    file: str
    note: str = ""


@dataclass(frozen=True)
class Override:
    """A decision of the teacher's, and its reason, which the student reads."""

    points: float
    reason: str


Rule = Callable[[int, int], float]


def rule_named(text: str) -> Rule:
    """Make the rule by which cases become points, as a share of them.

    Parameters
    ----------
    text
        "all" for all or nothing; "share" for the share of the cases that passed; or steps such as "0.5:0.4 0.9:0.8 1:1",
        each the share of cases from which on there is that share of the points.

    Raises
    ------
    BadTable
        It is none of these.
    """
    if text == "all":
        return lambda passed, total: float(total > 0 and passed == total)
    if text == "share":
        return lambda passed, total: passed / total if total else 0.0
    try:
        steps = sorted((float(at), float(gives)) for at, gives in (step.split(":") for step in text.split()))
    except ValueError:
        steps = []
    if not steps or any(not 0 <= number <= 1 for step in steps for number in step):
        raise BadTable(f"the rule for points is {text!r}; say all, share, or steps such as '0.5:0.4 0.9:0.8 1:1'")
    return lambda passed, total: max((gives for at, gives in steps if total and passed / total >= at), default=0.0)


def rows_for(
    chapter: Chapter, submissions: Sequence[Submission], verdicts: Mapping[tuple[str, str], Verdict], rule: Rule
) -> list[Row]:
    """Make a row for each student and exercise, before anybody has decided anything."""
    return [
        _row(submission, task.exercise, verdicts[submission.student, task.exercise.id], rule)
        for submission in submissions
        for task in chapter.tasks
    ]


def _row(submission: Submission, exercise: Exercise, verdict: Verdict, rule: Rule) -> Row:
    points = None
    if verdict.status == "correct":
        points = float(exercise.points)
    elif verdict.status in ("incorrect", "could not run"):
        points = round(exercise.points * rule(verdict.passed, verdict.total), 2)
    elif verdict.status != NO_JUDGEMENT:
        points = 0.0
    return Row(
        submission.student,
        exercise.id,
        exercise.title,
        points,
        float(exercise.points),
        verdict.status,
        verdict.passed,
        verdict.total,
        submission.late,
        verdict.seconds,
        verdict.misconception or "",
        submission.file,
        verdict.says if verdict.status in (NO_JUDGEMENT, "unreadable", "no file") else "",
    )


def keep_from_before(
    rows: Sequence[Row], before: Mapping[tuple[str, str], dict], keys: Mapping[tuple[str, str], str]
) -> list[Row]:
    """Lower no points that were given before for the same answer.

    Parameters
    ----------
    before
        ``points`` and ``answer`` of an earlier run by student and exercise.
    keys
        What names each answer, whatever the exercise is.
    """
    kept = []
    for row in rows:
        old = before.get((row.student, row.exercise))
        same = old is not None and old["answer"] == keys.get((row.student, row.exercise))
        if same and row.points is not None and old["points"] is not None and row.points < old["points"]:
            note = f"{KEPT}: {_number(row.points)} after the exercise was changed, and {_number(old['points'])} stay"
            row = replace(row, points=old["points"], note=note)
        kept.append(row)
    return kept


def with_overrides(rows: Sequence[Row], overrides: Mapping[tuple[str, str], Override]) -> list[Row]:
    """Apply the teacher's decisions, last of all.

    Raises
    ------
    BadTable
        A decision is about nobody, or about no exercise.
    """
    known = {(row.student, row.exercise) for row in rows}
    unknown = [f"{student}, {exercise}" for student, exercise in overrides if (student, exercise) not in known]
    if unknown:
        raise BadTable(f"overrides.csv decides about what is not there: {'; '.join(unknown[:5])}")
    return [
        replace(row, points=decided.points, note=f"decided by your teacher: {decided.reason}")
        if (decided := overrides.get((row.student, row.exercise)))
        else row
        for row in rows
    ]


def read_overrides(path: Path) -> dict[tuple[str, str], Override]:
    """Read student, exercise, points and reason, by their headings; nothing where there is no file.

    Raises
    ------
    BadTable
        A heading is missing, points are no number, a reason is missing, or something is decided twice.
    """
    found: dict[tuple[str, str], Override] = {}
    for line, row in _table(path, ("student", "exercise", "points", "reason")):
        try:
            points = float(row["points"].replace(",", "."))
        except ValueError:
            points = math.nan
        if not math.isfinite(points) or points < 0:
            raise BadTable(f"{path.name}, line {line}: points are {row['points']!r}; give a number, 0 or more")
        if not row["reason"]:
            raise BadTable(f"{path.name}, line {line}: give the reason; the student reads it")
        key = row["student"], row["exercise"]
        if key in found:
            raise BadTable(f"{path.name}, line {line}: {', '.join(key)} is decided twice")
        found[key] = Override(points, row["reason"])
    return found


def read_choices(path: Path) -> dict[str, str]:
    """Read which file of a student counts: the columns student and file; an empty file says nothing.

    Raises
    ------
    BadTable
        A heading is missing.
    """
    return {row["student"]: row["file"] for _, row in _table(path, ("student", "file")) if row["file"]}


def read_roster(path: Path) -> dict[str, str]:
    """Read the column student, all who should have handed something in, and each one's section, if there is a column for it.

    Raises
    ------
    BadTable
        There is no column student, or no table.
    """
    if not path.exists():
        raise BadTable(f"{path} is not there")
    rows = [row for _, row in _table(path, ("student",), ("section",)) if row["student"]]
    return {row["student"]: row["section"] for row in rows}


def _table(path: Path, columns: Sequence[str], more: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """Read a table that a spreadsheet may have saved: any of its separators, and a byte order mark."""
    if not path.exists():
        return []
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    lines = text.splitlines()
    if not lines:
        return []
    separator = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    headings = {(name or "").strip().casefold(): name for name in reader.fieldnames or ()}
    missing = [name for name in columns if name not in headings]
    if missing:
        raise BadTable(
            f"{path.name} has no column {' or '.join(missing)}; its first line must name {', '.join(columns)}"
        )
    return [
        (reader.line_num, {name: (row.get(headings.get(name)) or "").strip() for name in (*columns, *more)})
        for row in reader
        if any((value or "").strip() for value in row.values() if isinstance(value, str))
    ]


# -- written out


def as_csv(rows: Sequence[Row]) -> bytes:
    """Write one line for each student and exercise."""
    return _csv(COLUMNS, [[*map(_cell, row.__dict__.values())] for row in rows])


def as_canvas(rows: Sequence[Row], submissions: Sequence[Submission], chapter: Chapter) -> bytes:
    """Write a table that Canvas imports as grades: a student without a total has a blank there."""
    name = f"{chapter.name} ({chapter.number})"
    table = [["    Points Possible", "", "", chapter.points]]
    table += [[each.student, each.ident, "", _cell(total_of(rows, each.student))] for each in submissions]
    return _csv(("Student", "ID", "Section", name), table)


def as_moodle(rows: Sequence[Row], submissions: Sequence[Submission]) -> bytes:
    """Write a grading worksheet as Moodle imports it."""
    table = [
        [f"Participant {each.ident}" if each.ident else "", each.student, _cell(total_of(rows, each.student))]
        for each in submissions
    ]
    return _csv(("Identifier", "Full name", "Grade"), table)


def as_similarity(pairs: Sequence[Pair]) -> bytes:
    """Write which answers are alike."""
    return _csv(
        ("exercise", "student", "other", "alike"), [(p.exercise, p.student, p.other, f"{p.share:.2f}") for p in pairs]
    )


def total_of(rows: Sequence[Row], student: str) -> float | None:
    """Add up a student's points; None where a part of them could not be graded."""
    points = [row.points for row in rows if row.student == student]
    return None if None in points else round(sum(points), 2)


def _csv(columns: Sequence[str], table: Sequence[Sequence]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_harmless(value) for value in line] for line in table])
    return text.getvalue().encode("utf-8-sig")  # the mark by which spreadsheets know the encoding


def _harmless(value: object) -> object:
    """Keep a spreadsheet from reading a student's text as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> str:
    return f"{value:g}" if value == round(value, 2) else f"{value:.3f}"
