"""A check ends, whatever the answer does, and says in which case the answer was when its time was over."""

import math
import signal
import threading
import time

import numpy as np
import pytest
from doubling import double, exercise

from course_utils.exercises import time_limit
from course_utils.exercises.check import CheckFailed, check
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.judge import judge
from course_utils.exercises.time_limit import TimeLimit, TooSlow

LIMIT = 0.1
THREE = exercise(arguments=tuple((np.full((1, 1), x),) for x in (0.0, 2.0, 3.0)))


def endless(x):
    while True:
        x = x + 1


def endless_and_deaf(x):
    while True:
        try:  # noqa: SIM105 - written as a reader would
            x = x + 1
        except Exception:
            pass


def endless_for_large(x):
    return double(x) if x.max() < 2 else endless(x)


@pytest.mark.parametrize("answer", [endless_for_large, lambda x: double(x) if x.max() < 2 else endless_and_deaf(x)])
def test_an_answer_that_does_not_end_is_stopped_in_the_case_that_is_named(answer):
    report = judge(THREE, answer, limit=LIMIT)
    assert (report.status, report.passed, report.total, report.points) == ("could not run", 1, 3, 0)
    assert report.case == "case 1"
    assert report.says.startswith("It did not end within 0.1 s on this case; it was at “")
    assert report.headline == "✗ 0.1 doubling: could not run, 1 of 3 cases right."


def test_the_stop_is_nothing_that_an_answer_would_catch():
    caught = []

    def answer(x):
        try:
            return endless(x)
        except Exception as error:
            caught.append(error)

    assert judge(THREE, answer, limit=LIMIT).status == "could not run"
    assert caught == []


def test_the_line_where_it_was_is_one_of_the_answer():
    says = judge(THREE, endless, limit=LIMIT).says
    assert says.endswith(("; it was at “while True:”.", "; it was at “x = x + 1”."))


@pytest.mark.parametrize("times", [1, 3])
def test_an_answer_that_catches_everything_is_stopped_again(monkeypatch, times):
    """Is a stop that was caught made once more, and an answer that ends after it still too slow?"""
    monkeypatch.setattr(time_limit, "AGAIN", 0.01)

    def answer(x):
        for _ in range(times):
            try:
                endless(x)
            except BaseException:
                continue
        return double(x)

    report = judge(THREE, answer, limit=LIMIT)
    assert (report.status, report.case) == ("could not run", "case 0")


def test_no_case_is_tried_after_one_that_did_not_end():
    tried = []

    def answer(x):
        tried.append(float(x.max()))
        return endless_for_large(x)

    judge(THREE, answer, limit=LIMIT)
    assert tried == [0, 2]


def test_a_case_that_did_not_end_is_told_before_a_wrong_value_in_an_earlier_one():
    report = judge(THREE, lambda x: x - 1 if x.max() < 2 else endless(x), limit=LIMIT)
    assert (report.status, report.passed, report.case) == ("could not run", 0, "case 1")


def test_a_slow_answer_below_the_limit_is_right():
    def slow(x):
        time.sleep(0.05)
        return double(x)

    assert judge(THREE, slow, limit=0.12).status == "correct", "the limit is one for each case, not for all together"


def test_a_call_after_a_stopped_one_has_its_whole_time():
    with TimeLimit(LIMIT) as limit:
        for _ in range(3):
            with pytest.raises(TooSlow):
                limit.call(endless, np.zeros(1))
            assert limit.call(lambda: sum(range(100_000))) == 4999950000


def test_no_stop_comes_after_the_call():
    """Is a call that ends just as its time is over either stopped or not, and nothing raised later?"""
    ends = {"stopped": 0, "in time": 0}
    with TimeLimit(0.001) as limit:
        for n in range(400):
            until = time.monotonic() + 0.0008 + n * 1e-6

            def busy(until=until):
                while time.monotonic() < until:
                    pass

            try:
                limit.call(busy)
                ends["in time"] += 1
            except TooSlow:
                ends["stopped"] += 1
            for _ in range(100):
                pass
    assert sum(ends.values()) == 400


def test_a_demand_that_does_not_end_is_stopped():
    report = judge(exercise(demand=lambda answer: answer(np.ones(10_000))), endless_beyond(100), limit=LIMIT)
    assert (report.status, report.passed, report.total) == ("could not run", 1, 1)
    assert report.says.startswith(
        "It did not end within 0.1 s where more is asked of it than right values; it was at “"
    )


def endless_beyond(size):
    return lambda x: double(x) if x.size < size else endless(x)


def test_a_wrong_idea_that_does_not_end_is_recognised():
    known = Misconception("stops only at zero", "What if it steps over zero?", endless_for_large)
    asked = exercise(arguments=((np.zeros((1, 1)),), (np.ones((1, 1)) * 2,)), misconceptions=(known,))
    report = judge(asked, lambda x: 2 * x if x.max() < 2 else endless_and_deaf(x), limit=LIMIT)
    assert report.misconception == known.name
    assert judge(asked, endless, limit=LIMIT).misconception is None, "it does not end in an earlier case"
    assert judge(asked, lambda x: x * x + 1, limit=LIMIT).misconception is None


def test_a_check_within_a_check_ends_by_the_nearer_limit():
    seen = []

    def answer(x):
        seen.append(judge(THREE, endless, limit=LIMIT).says)
        return double(x)

    assert judge(THREE, answer, limit=60).status == "correct"
    assert len(seen) == 3
    assert all("within 0.1 s" in says for says in seen)
    inner = []
    report = judge(THREE, lambda x: inner.append(judge(THREE, endless, limit=60)), limit=LIMIT)
    assert inner == [], "the time that was over was not its own"
    assert (report.status, report.case) == ("could not run", "case 0")
    assert "within 0.1 s" in report.says


def test_a_check_in_another_thread_is_stopped_there():
    reports = []
    thread = threading.Thread(target=lambda: reports.append(judge(THREE, endless_for_large, limit=LIMIT)))
    thread.start()
    thread.join()
    assert [(report.status, report.case) for report in reports] == [("could not run", "case 1")]


def test_an_interrupt_by_the_reader_is_no_time_that_is_over():
    def answer(x):
        signal.raise_signal(signal.SIGINT)
        return endless(x)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may begin without
    try:
        with pytest.raises(KeyboardInterrupt):
            judge(THREE, answer, limit=60)
    finally:
        signal.signal(signal.SIGINT, before)


def test_nothing_is_left_behind():
    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    judge(THREE, endless, limit=LIMIT)
    judge(THREE, double)
    assert signal.getsignal(signal.SIGINT) is before
    assert threading.active_count() == threads


def test_without_threads_there_is_no_limit_and_the_check_goes_on(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert judge(THREE, double, limit=1e-9).status == "correct"


def test_without_a_way_to_stop_there_is_no_limit_and_the_check_goes_on(monkeypatch):
    monkeypatch.setattr(time_limit, "_raise_in_thread", None)
    assert judge(THREE, double, limit=1e-9).status == "correct"


@pytest.mark.parametrize("limit", [0, -1, math.nan])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="it must be a positive number of seconds"):
        judge(THREE, double, limit=limit)


def test_an_endless_limit_is_none():
    assert judge(THREE, double, limit=math.inf).status == "correct"


def test_watching_costs_next_to_nothing():
    """Does a call through a limit take less than a hundredth of a millisecond more of the processor?"""

    def processor_time(calls):
        before = time.process_time()
        for _ in range(20_000):
            calls(double, 1.0)
        return time.process_time() - before

    with TimeLimit(60) as limit:
        plain = min(processor_time(lambda f, x: f(x)) for _ in range(3))
        limited = min(processor_time(limit.call) for _ in range(3))
    assert (limited - plain) / 20_000 < 1e-5


def test_the_check_cell_names_the_case_and_the_notebook_goes_on(capsys):
    with pytest.raises(CheckFailed, match=r"^✗ 8\.2 the trace back: could not run, 0 of "):
        check("8.2", endless, limit=LIMIT)
    assert capsys.readouterr().out.startswith("Case “worked example AB”. It did not end within 0.1 s on this case")
