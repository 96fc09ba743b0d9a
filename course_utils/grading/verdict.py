"""Judging an answer that runs elsewhere: what comes back is compared here, where no student's code ever runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from course_utils.exercises.asked import Asked
from course_utils.exercises.calls import LINES_KEPT, WIDTH_KEPT, Call, error_named
from course_utils.exercises.exercise import Case, Exercise
from course_utils.exercises.faults import find_fault
from course_utils.exercises.judge import report_on_calls
from course_utils.exercises.paste import literal
from course_utils.exercises.report import Report
from course_utils.exercises.report_views import as_html
from course_utils.exercises.sheet import Sheet, sheet_of
from course_utils.exercises.time_limit import TimeLimit, TooSlow
from course_utils.grading.probes import Probe, probes_of
from course_utils.grading.sandbox import wire
from course_utils.grading.sandbox.box import Box, Job, Lost, Running, ServerLost

Status = Literal[
    "correct",
    "incorrect",
    "could not run",
    "not attempted",
    "timed out",
    "crashed",
    "no answer cell",
    "unreadable",
    "no file",
    "could not grade",
]
PUBLIC_SEED = 0
JUDGING_SECONDS = 10.0  # for what the judge itself computes on one case


@dataclass(frozen=True)
class Verdict:
    """What was found on one answer.

    Attributes
    ----------
    exercise, status
        The exercise's id, and one of the statuses. "could not grade" is no judgement: it earns no points and loses none.
    passed, total
        Cases that were right, of how many: public ones, secret ones and probes.
    secret_passed, secret_total
        The same of the secret ones, about which a student hears no more.
    says
        What a student is told beside the report.
    report
        The check's own report on the public cases, as JSON; None where the answer was not run on them.
    misconception
        The name of the known wrong idea that the answer follows.
    seconds
        How long it took.
    shape
        The shape of the answer's text, to be compared with others.
    """

    exercise: str
    status: Status
    passed: int = 0
    total: int = 0
    secret_passed: int = 0
    secret_total: int = 0
    says: str = ""
    report: dict | None = None
    misconception: str | None = None
    seconds: float = 0.0
    shape: tuple[int, ...] = ()

    def to_json(self) -> dict:
        """Return everything as JSON values."""
        return self.__dict__ | {"shape": list(self.shape)}


@dataclass
class _Made:
    """Calls so far, and how the process was lost, if it was."""

    calls: list[Call] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    probes_passed: int = 0
    lost: Lost | None = None


class Failed(Exception):
    """In place of an error that an answer raised, where its type is not one of Python's."""


def judge_answer(exercise: Exercise, job: Job, seed: int, box: Box) -> Verdict:
    """Run an answer on all cases, public and secret, and say what is right.

    Parameters
    ----------
    seed
        Of the secret cases.
    box
        Where it is run. A box that is lost on the way is no fault of the answer: the status is "could not grade".
    """
    began = time.monotonic()
    public = sheet_of(exercise, PUBLIC_SEED, JUDGING_SECONDS)
    secret, probes = _secret(exercise, seed), probes_of(exercise, seed)
    total = len(public.cases) + len(secret.cases) + len(probes)
    try:
        with box.running(job, total) as running:
            verdict = _judge(exercise, running, public, secret, probes)
            shape = tuple(running.shape)
    except ServerLost as error:
        return Verdict(exercise.id, "could not grade", says=str(error), seconds=time.monotonic() - began)
    counts = {"total": total, "secret_total": len(secret.cases) + len(probes), "shape": shape}
    return Verdict(**{**verdict.to_json(), **counts, "seconds": round(time.monotonic() - began, 3)})


def _judge(exercise: Exercise, running: Running, public: Sheet, secret: Sheet, probes: Sequence[Probe]) -> Verdict:
    try:
        ready = running.ready()
    except Lost as lost:
        return Verdict(exercise.id, lost.status, says=lost.says)
    if ready.get("step") == "no answer":
        return Verdict(exercise.id, "no answer cell", says=f"No cell of the notebook defines {exercise.function}.")
    if isinstance(ready.get("failed"), dict):
        says = _text(ready["failed"].get("says"))
        return Verdict(exercise.id, "could not run", says=f"{exercise.function} is not defined: {says}.")
    if ready.get("stub") is True:
        return Verdict(exercise.id, "not attempted")
    made = _call(running, [*public.cases, *secret.cases])
    if made.lost is None:
        _probe(exercise, running, probes, made)
    return _verdict(exercise, made, public, secret, probes)


def _call(running: Running, cases: Sequence[Case]) -> _Made:
    made = _Made()
    for case in cases:
        try:
            made.calls.append(_as_call(running.case(case.args)))
        except Lost as lost:
            error = TooSlow(lost.says) if lost.status == "timed out" else Failed(lost.says)
            made.calls.append(Call(error=error))
            made.lost = lost
            break
    return made


def _probe(exercise: Exercise, running: Running, probes: Sequence[Probe], made: _Made) -> None:
    """Ask what values alone cannot show."""
    for probe in probes:
        held = None
        try:
            if probe.memory is None:
                came = _as_call(running.case(probe.case.args))
            else:
                message, held = running.measured(probe.case.args, probe.seconds)
                came = _as_call(message)
        except Lost as lost:
            made.lost = lost
            return
        with TimeLimit(JUDGING_SECONDS) as clock:
            fault = find_fault(exercise, probe.case, came, probe.expected, clock)
        if fault is not None:
            made.complaints.append(probe.says)
        elif held is not None and held > probe.memory:
            made.complaints.append(probe.says.format(held=held / 1e6))
        else:
            made.probes_passed += 1


def _verdict(exercise: Exercise, made: _Made, public: Sheet, secret: Sheet, probes: Sequence[Probe]) -> Verdict:
    of_public, of_secret = made.calls[: len(public.cases)], made.calls[len(public.cases) :]
    report = report_on_calls(public, of_public, JUDGING_SECONDS)
    with TimeLimit(JUDGING_SECONDS) as clock:
        of_case = zip(secret.cases, of_secret, secret.expected, strict=False)
        right = [find_fault(exercise, case, call, expected, clock) is None for case, call, expected in of_case]
    secret_passed = sum(right) + made.probes_passed
    passed = report.passed + secret_passed
    complete = passed == len(public.cases) + len(secret.cases) + len(probes)
    says = ""
    if made.lost is not None:
        status, says = made.lost.status, made.lost.says
    elif complete:
        status = "correct"
    elif report.status != "correct":
        status = report.status
    else:
        status = "incorrect"
        secrets = f"Right on every public case, and on {secret_passed} of {len(secret.cases) + len(probes)} others."
        says = " ".join([secrets, *dict.fromkeys(made.complaints)])
    return Verdict(
        exercise.id,
        status,
        passed=passed,
        secret_passed=secret_passed,
        says=says,
        report=_shown(report),
        misconception=report.misconception,
    )


def _shown(report: Report) -> dict:
    """Take what is kept of a report: its words, and the tables as they are shown."""
    return {**report.to_json(), "comparison": None, "html": as_html(report)}


@lru_cache(maxsize=64)
def _secret(exercise: Exercise, seed: int) -> Sheet:
    """Make the cases of a secret seed, without those that are the same whatever the seed."""
    public = {_key(case) for case in sheet_of(exercise, PUBLIC_SEED, JUDGING_SECONDS).cases}
    sheet = Sheet(exercise, seed)
    sheet.cases = tuple(case for case in sheet.cases if _key(case) not in public)
    return sheet


def _key(case: Case) -> str:
    return literal(case.args)


# -- what came back


def _as_call(message: dict) -> Call:
    """Read the result of one call, of which nothing is believed but that it is data."""
    printed = _text(message.get("printed"), LINES_KEPT * (WIDTH_KEPT + 3))
    try:
        if isinstance(message.get("error"), dict):
            return Call(error=_as_error(message["error"]), line=_text(message["error"].get("line")), printed=printed)
        changed = message.get("changed", [])
        indices = tuple(k for k in changed if isinstance(k, int)) if isinstance(changed, list) else ()
        value = wire.from_tree(message.get("value"))
    except (wire.WireError, TypeError, ValueError) as error:
        return Call(error=Failed(str(error)))
    return Call(value=value, changed=indices, first_changed=_text(message.get("first_changed"), 60), printed=printed)


def _as_error(error: dict) -> BaseException:
    name, says = _text(error.get("type"), 60), _text(error.get("says"))
    text = says.removeprefix(name).removeprefix(": ")
    if name == "Asked":
        return Asked(text)
    kind = error_named(name)
    if isinstance(kind, type) and issubclass(kind, Exception | SystemExit):
        try:
            return kind(text)
        except TypeError:
            pass  # it takes more than a text
    return type(name if name.isidentifier() else "Failed", (Failed,), {})(text)


def _text(value: Any, most: int = 400) -> str:
    return value[:most].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
