"""Pages without a script: what each student reads, and what their teacher reads of all."""

import base64
import hashlib
import hmac
import io
import secrets
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from course_utils.grading.chapter import Chapter, answer_of
from course_utils.grading.collecting import Submission
from course_utils.grading.journal import write_whole
from course_utils.grading.results import NO_JUDGEMENT, Row, total_of
from course_utils.grading.similarity import Pair
from course_utils.grading.verdict import Verdict

STYLE = Path(__file__).with_name("pages.css").read_text("utf-8")
SIGNS = {"correct": "✓", "not attempted": "○", NO_JUDGEMENT: "?"}
LONGEST_ANSWER = 20_000  # characters that are shown


def write_feedback(
    out: Path,
    chapter: Chapter,
    submissions: Sequence[Submission],
    rows: Sequence[Row],
    verdicts: Mapping[tuple[str, str], Verdict],
    commitment: str,
) -> dict[str, str]:
    """Write a page for each student, and all of them once more in one archive; return each student's file.

    The name of a page cannot be guessed, so the folder may lie on a server that lists nothing.
    """
    key = _key(out / "feedback.key")
    names, archive = {}, io.BytesIO()
    by_student: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_student[row.student].append(row)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for submission in submissions:
            page = student_page(chapter, submission, by_student[submission.student], verdicts, commitment).encode()
            token = hmac.new(key, f"{chapter.name}\0{submission.student}".encode(), hashlib.sha256).digest()[:20]
            name = base64.b32encode(token).decode().lower() + ".html"
            write_whole(out / "feedback" / name, page)
            names[submission.student] = name
            entry = zipfile.ZipInfo(f"{_folder(submission)}/feedback_{chapter.name}.html")
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, page)
    write_whole(out / "feedback.zip", archive.getvalue())
    return names


def student_page(
    chapter: Chapter,
    submission: Submission,
    rows: Sequence[Row],
    verdicts: Mapping[tuple[str, str], Verdict],
    commitment: str,
) -> str:
    """Make the page of one student: nothing of anybody else, and of secret cases only right or wrong."""
    total = total_of(rows, submission.student)
    points = "not all could be graded yet" if total is None else f"{total:g} of {chapter.points} points"
    parts = [
        f"<h1>{escape(_title(chapter))}</h1>",
        f"<p class='who'>{escape(submission.student)}: <b>{points}</b>.</p>",
    ]
    if submission.late:
        parts.append("<p>It was handed in late. That is not part of the points here.</p>")
    if submission.problem:
        parts.append(f"<p>{escape(submission.says)}</p>")
    for task, row in zip(chapter.tasks, rows, strict=True):
        verdict = verdicts[submission.student, task.exercise.id]
        parts.append(_exercise_part(row, verdict, answer_of(task, submission.cells)))
    parts.append(
        "<footer><p>Your answers were run on the cases that the check in the notebook has, and on others that nobody knew. "
        f"Their seed will be published; its SHA-256, with a line feed after it, is <code>{commitment}</code>.</p></footer>"
    )
    return page(f"{_title(chapter)}: feedback", "\n".join(parts))


def class_page(
    chapter: Chapter,
    submissions: Sequence[Submission],
    rows: Sequence[Row],
    verdicts: Mapping[tuple[str, str], Verdict],
    alike: Sequence[Pair],
    files: Mapping[str, str],
    sections: Mapping[str, str],
) -> str:
    """Make the teacher's page: how it went, which wrong ideas there are and whose, and what needs a look."""
    totals = {each.student: total_of(rows, each.student) for each in submissions}
    seconds = sum(row.seconds for row in rows)
    late = sum(each.late for each in submissions)
    parts = [
        f"<h1>{escape(_title(chapter))}: the class</h1>",
        f"<p>{len(submissions)} students, {late} of them late. All answers together took {seconds:.0f} s to run.</p>",
        "<h2>Points</h2>",
        _histogram([total for total in totals.values() if total is not None], chapter.points),
        "<h2>Exercises</h2>",
        _exercises_table(chapter, rows),
        _sections_table(chapter, totals, sections),
        "<h2>Wrong ideas</h2>",
        _ideas(chapter, rows, verdicts),
        "<h2>To be looked at</h2>",
        _to_look_at(rows, submissions, verdicts),
        "<h2>Answers that are alike</h2>",
        _alike(alike),
        "<h2>Students</h2>",
        _students(submissions, totals, files),
    ]
    return page(f"{_title(chapter)}: the class", "\n".join(parts))


def page(title: str, body: str) -> str:
    """Make a page that may load nothing and run nothing, whatever stands in it."""
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    return (
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n<meta name='referrer' content='no-referrer'>\n"
        f"<meta name='robots' content='noindex'>\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


# -- parts of a student's page


def _exercise_part(row: Row, verdict: Verdict, answer: str) -> str:
    points = "not graded" if row.points is None else f"{row.points:g} of {row.worth:g} points"
    status = f"{SIGNS.get(row.status, '✗')} {row.status}"
    parts = [
        f"<section>\n<h2>{row.exercise} {escape(row.title)}</h2>",
        f"<p><b>{status}</b>, {points}{_cases(verdict)}.</p>",
    ]
    if row.note:
        parts.append(f"<p class='note'>{escape(row.note[:1].upper() + row.note[1:])}.</p>")
    if verdict.says and verdict.says != row.note:
        parts.append(f"<p>{escape(verdict.says)}</p>")
    if verdict.report and verdict.report.get("status") != "correct":
        parts.append(
            f"<div class='report' tabindex='0' role='region' aria-label='What the check says'>{verdict.report['html']}</div>"
        )
    if answer.strip():
        shown = answer if len(answer) <= LONGEST_ANSWER else answer[:LONGEST_ANSWER] + "\n…"
        parts.append(f"<details><summary>Your answer</summary><pre tabindex='0'>{escape(shown)}</pre></details>")
    return "\n".join([*parts, "</section>"])


def _cases(verdict: Verdict) -> str:
    if not verdict.total or verdict.status in ("not attempted", "no answer cell"):
        return ""
    secret = f" ({verdict.secret_total} of the {verdict.total} were secret)" if verdict.secret_total else ""
    return f"; {verdict.passed} of {verdict.total} cases right{secret}"


# -- parts of the teacher's


def _histogram(totals: Sequence[float], most: int) -> str:
    """Draw how many students have how many points, as bars with their numbers."""
    if not totals:
        return "<p>Nobody has points yet.</p>"
    counts = Counter(min(int(total), most) for total in totals)
    highest = max(counts.values())
    bars = []
    for points in range(most + 1):
        count = counts.get(points, 0)
        height = round(110 * count / highest)
        x = 34 * points + 4
        bars.append(f"<rect x='{x}' y='{130 - height}' width='26' height='{height}'/>")
        if count:
            bars.append(f"<text x='{x + 13}' y='{126 - height}'>{count}</text>")
        bars.append(f"<text x='{x + 13}' y='147'>{points}</text>")
    mean = sum(totals) / len(totals)
    words = ", ".join(f"{count} with {points}" for points, count in sorted(counts.items()))
    return (
        f"<p>The mean is {mean:.2f} of {most}, over {len(totals)} students.</p>\n<svg viewBox='0 0 {34 * (most + 1) + 8} 152' "
        f"role='img' aria-label='Students by whole points: {words}.'>{''.join(bars)}</svg>"
    )


def _exercises_table(chapter: Chapter, rows: Sequence[Row]) -> str:
    lines = []
    for task in chapter.tasks:
        of_task = [row for row in rows if row.exercise == task.exercise.id]
        given = [row.points for row in of_task if row.points is not None]
        counts = Counter(row.status for row in of_task)
        others = ", ".join(f"{n} {status}" for status, n in counts.most_common() if status != "correct")
        mean = f"{sum(given) / len(given):.2f}" if given else "–"
        lines.append(
            f"<tr><th scope='row'>{task.exercise.id} {escape(task.exercise.title)}</th><td>{mean} of {task.exercise.points}"
            f"</td><td>{counts['correct']}</td><td>{escape(others)}</td></tr>"
        )
    return (
        "<div class='wide' tabindex='0' role='region' aria-label='Exercises'><table><thead><tr><th scope='col'>exercise</th><th scope='col'>mean</th>"
        f"<th scope='col'>correct</th><th scope='col'>others</th></tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _sections_table(chapter: Chapter, totals: Mapping[str, float | None], sections: Mapping[str, str]) -> str:
    """Say how each section of the class did, where the roster names sections."""
    by_section: dict[str, list[float]] = defaultdict(list)
    for student, total in totals.items():
        if total is not None:
            by_section[sections.get(student, "")].append(total)
    if not any(by_section):
        return ""
    lines = "".join(
        f"<tr><th scope='row'>{escape(section or 'none')}</th><td>{sum(given) / len(given):.2f} of {chapter.points}</td>"
        f"<td>{len(given)}</td></tr>"
        for section, given in sorted(by_section.items())
    )
    return (
        "<h2>Sections</h2><div class='wide' tabindex='0' role='region' aria-label='Sections'><table><thead><tr>"
        "<th scope='col'>section</th><th scope='col'>mean</th><th scope='col'>students</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _ideas(chapter: Chapter, rows: Sequence[Row], verdicts: Mapping[tuple[str, str], Verdict]) -> str:
    """List which wrong idea how many had, with the students behind each."""
    behind: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.idea:
            behind[row.exercise, row.idea].append(row.student)
    if not behind:
        return "<p>No wrong answer follows an idea that is known.</p>"
    items = []
    for (exercise, idea), students in sorted(behind.items(), key=lambda each: (-len(each[1]), each[0])):
        report = verdicts[students[0], exercise].report or {}
        items.append(
            f"<details><summary>{exercise}, <b>{escape(idea)}</b>: {len(students)}</summary>"
            f"<p>{escape(report.get('hint') or '')}</p><p>{escape(', '.join(students))}</p></details>"
        )
    return "\n".join(items)


def _to_look_at(
    rows: Sequence[Row], submissions: Sequence[Submission], verdicts: Mapping[tuple[str, str], Verdict]
) -> str:
    problems = {each.student for each in submissions if each.problem}
    lines = [f"{each.student}: {each.problem}. {each.says}" for each in submissions if each.problem]
    lines += [
        f"{row.student}, {row.exercise}: {row.status}. {verdicts[row.student, row.exercise].says}"
        for row in rows
        if row.status in (NO_JUDGEMENT, "crashed", "timed out", "no answer cell") and row.student not in problems
    ]
    return _list(lines) if lines else "<p>Nothing.</p>"


def _alike(alike: Sequence[Pair]) -> str:
    if not alike:
        return "<p>None that are more alike than short answers are by nature.</p>"
    explained = "<p>By their syntax trees, without names and layout. It is for you to look at both, and says nothing by itself.</p>"
    return explained + _list([f"{p.exercise}: {p.student} and {p.other}, {p.share:.0%}" for p in alike[:200]])


def _students(submissions: Sequence[Submission], totals: Mapping[str, float | None], files: Mapping[str, str]) -> str:
    lines = "".join(
        f"<li><a href='feedback/{files[each.student]}'>{escape(each.student)}</a>: "
        f"{'–' if totals[each.student] is None else f'{totals[each.student]:g}'}{' (late)' if each.late else ''}</li>"
        for each in submissions
    )
    return f"<ul class='students'>{lines}</ul>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _title(chapter: Chapter) -> str:
    return chapter.title


def _folder(submission: Submission) -> str:
    """Name a student's folder as Moodle wants it back."""
    plain = submission.student.replace("/", "_").replace("\\", "_")
    return f"{plain}_{submission.ident}_assignsubmission_file_" if submission.ident else plain


def _key(path: Path) -> bytes:
    if not path.exists():
        write_whole(path, secrets.token_hex(32).encode())
        path.chmod(0o600)
    return path.read_bytes()
