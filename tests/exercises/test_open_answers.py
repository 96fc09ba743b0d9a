"""A question with many right answers: the exercise itself says what is wrong with a value."""

import math
import time

import numpy as np
import pytest

from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.exercises.judge import judge
from course_utils.exercises.report_views import as_text


def breaks_the_claim(args, path):
    """Ask for a path that collapses to the target although it is not the target repeated frame by frame."""
    (target,) = args
    path = path.astype(int)
    if path.min() < 0:  # an empty path has no smallest symbol, which is for the judge to survive
        return f"The path holds the symbol {path.min()}; symbols count from 0."
    merged = [int(k) for n, k in enumerate(path) if n == 0 or path[n - 1] != k]
    if merged != list(target):
        return f"The path is merged to {merged}, and not to {list(target)}."
    return None if len(path) > len(target) else "A path without any repeat shows nothing."


def stretched(target):
    return np.array([target[0], *target])


def as_it_is(target):
    return np.array(target)


SAME = Misconception("the target itself", "What would a network write that speaks slowly?", as_it_is)
BACKWARDS = Misconception("backwards", "Time runs forward.", lambda target: stretched(target[::-1]))
RAGGED = Misconception("two paths", "One path is asked for.", lambda target: [[0], [1, 2]])


PATH = (Output("the path", ("t",)),)


def open_exercise(accepts=breaks_the_claim, outputs=PATH, **more):
    cases = [Case("two symbols", ([0, 1],)), Case("three symbols", ([2, 0, 1],))]
    known = (RAGGED, SAME, BACKWARDS)
    options = {"reference": stretched, "misconceptions": known} | more
    return Exercise(
        id="0.2", title="a path", points=1, function="find_path", outputs=outputs, cases=lambda rng: cases,
        accepts=accepts, **options,
    )  # fmt: skip


ASKED = open_exercise()


@pytest.mark.parametrize(
    "answer",
    [
        stretched,
        lambda target: [*target, target[-1]],
        lambda target: np.repeat(target, 3),
        lambda target: tuple(float(k) for k in np.repeat(target, 2)),
    ],
)
def test_right_answers_of_several_kinds_pass(answer):
    report = judge(ASKED, answer)
    assert (report.status, report.passed, report.points) == ("correct", 2, 1), report.says


WRONG = {
    "its own words": (lambda t: [*t, 3, 3], r"The path is merged to [0, 1, 3], and not to [0, 1]."),
    "right once": (lambda t: [0, 0, 1], "The path is merged to [0, 1], and not to [2, 0, 1]."),
    "none": (lambda t: None, "find_path returned None. Is there a return at its end?"),
    "text": (lambda t: "AAB", "The path must be made of numbers; it is a str, “AAB”."),
    "ragged": (
        lambda t: [[1], [1, 2]],
        "The path must be made of numbers; it is a list whose rows have different lengths.",
    ),
    "a number": (lambda t: 3, "The path must have one axis: t; yours has the shape ()."),
    "a table": (lambda t: [stretched(t)], "The path must have one axis: t; yours has the shape (1, 3)."),
    "empty": (
        lambda t: [],
        "What find_path returned cannot be judged: ValueError: zero-size array to reduction operation minimum which "
        "has no identity.",
    ),
}


@pytest.mark.parametrize(("answer", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_told_what_is_wrong_and_is_shown_no_table(answer, says):
    report = judge(ASKED, answer)
    assert (report.status, report.says, report.points) == ("incorrect", says, 0)
    assert report.comparison is None
    assert report.misconception is None
    assert as_text(report).splitlines() == [
        f"Case “{report.case}”. {says}",
        f"To call it on this case again: {report.call}",
    ]


def test_an_answer_that_stops_could_not_run():
    report = judge(ASKED, lambda target: 1 / 0)
    assert (report.status, report.case) == ("could not run", "two symbols")
    assert report.says.startswith("It stopped with ZeroDivisionError")


def test_an_accepted_answer_that_changes_its_argument_is_told_so():
    report = judge(ASKED, lambda target: target.insert(0, target[0]) or target)
    assert "find_path changed its argument target in place" in report.says


@pytest.mark.parametrize("idea", [SAME, BACKWARDS], ids=lambda idea: idea.name)
def test_a_wrong_idea_is_recognised_by_its_values(idea):
    report = judge(ASKED, lambda target: [int(k) for k in idea.answer(target)])
    assert (report.status, report.misconception, report.hint) == ("incorrect", idea.name, idea.hint)


def test_another_wrong_answer_with_the_same_complaint_is_not_named():
    report = judge(ASKED, lambda target: [k + 7 for k in target])
    assert report.says == "The path is merged to [7, 8], and not to [0, 1]."
    assert report.misconception is None


def test_the_reference_is_one_right_answer_and_is_not_run():
    run = []
    assert judge(ASKED, ASKED.reference).status == "correct"
    assert judge(open_exercise(reference=run.append), stretched).status == "correct"
    assert run == []


def test_several_values_come_as_a_tuple_of_arrays():
    seen = []

    def accepts(args, values):
        seen.append(values)
        path, score = values
        return None if score == path.sum() else f"The score is {score:g}."

    asked = open_exercise(accepts, (Output("the path", ("t",)), Output("its score")), misconceptions=())
    assert judge(asked, lambda target: (target, sum(target))).status == "correct"
    assert [(path.dtype, path.shape, score.shape) for path, score in seen] == [(float, (2,), ()), (float, (3,), ())]
    assert judge(asked, lambda target: (target, 0)).says == "The score is 0."
    assert judge(asked, lambda target: (target,)).says == "find_path must return 2 values: the path and its score."
    assert judge(asked, lambda target: (target, None)).says == "Its score is None."
    assert (
        judge(asked, lambda target: (target, [1])).says
        == "Its score must be a single number; yours has the shape (1,)."
    )


def test_a_demand_is_made_of_accepted_values_as_well():
    asked = open_exercise(demand=lambda answer: "Right, but long.")
    assert judge(asked, stretched).says == "Right, but long."
    assert "merged" in judge(asked, lambda target: [5]).says


def test_a_value_that_takes_too_long_to_judge_is_not_accepted():
    def accepts(args, path):
        until = time.monotonic() + (60 if len(path) > 100 else 0)
        while time.monotonic() < until:
            pass

    asked = open_exercise(accepts)
    assert judge(asked, stretched, limit=0.1).status == "correct"
    report = judge(asked, lambda target: np.zeros(1000), limit=0.1)
    assert (report.status, report.says) == ("incorrect", "To judge what find_path returned takes more than 0.1 s.")


@pytest.mark.parametrize("says", [True, False, 3.5, math.nan])
def test_an_exercise_that_gives_no_sentence_is_refused(says):
    with pytest.raises(TypeError, match=r"accepts of exercise 0\.2 returned .*; it must return a sentence or None"):
        judge(open_exercise(lambda args, path: says), stretched)
