"""An answer that calls the library's own function for what it is to write is told so, and nothing else is disturbed."""

import importlib

import numpy as np
import pytest
from right_answers import viterbi_score

from course_utils import ctc, viterbi
from course_utils.exercises.asked import Asked, function_named, watching
from course_utils.exercises.judge import judge
from course_utils.exercises.registry import EXERCISES
from course_utils.trellis import fill_trellis
from course_utils.viterbi import forward as imported_before

LOG_Y, TARGET = np.log([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1])
WITHOUT = {"1.3", "6.3", "10.1"}  # for which the library has nothing that is the answer
NAMES = sorted({name for exercise in EXERCISES.values() for name in exercise.asks_for})


@pytest.mark.parametrize(
    ("called", "answer"),
    [
        ("viterbi.forward", lambda log_y, target: viterbi.forward(log_y, target)[0]),
        ("viterbi.forward", lambda log_y, target: imported_before(log_y, target)[0]),
        ("viterbi.align", lambda log_y, target: viterbi.align(log_y, target).trellis),
        ("trellis.fill_trellis", lambda log_y, target: fill_trellis(np.exp(log_y), target)),
    ],
    ids=["by its module", "by a name from before", "the whole algorithm", "another function"],
)
def test_an_answer_that_calls_the_library_is_told_to_write_it(called, answer):
    report = judge(EXERCISES["8.1"], answer)
    assert report.says == f"viterbi_forward calls course_utils.{called}: that is what you are to write."
    assert (report.status, report.points, report.passed, report.misconception) == ("incorrect", 0, 0, None)


def test_what_an_exercise_allows_is_allowed():
    from course_utils.losses import log_softmax

    def step(weights, x, target, learning_rate):
        log_p = log_softmax(weights[x])
        labels = viterbi.align(log_p, target).labels
        new = weights.copy()
        for t, label in enumerate(labels):
            new[x[t]] -= learning_rate * (np.exp(log_p[t]) - np.eye(log_p.shape[1])[label])
        return new, -log_p[np.arange(len(x)), labels].sum()

    assert judge(EXERCISES["8.4"], step).status == "correct"


def test_the_functions_are_themselves_again_afterwards():
    before = [function_named(name).__code__ for name in NAMES]
    judge(EXERCISES["8.1"], lambda log_y, target: viterbi.forward(log_y, target)[0])
    with pytest.raises(ZeroDivisionError), watching(NAMES):
        _ = 1 / 0
    assert [function_named(name).__code__ for name in NAMES] == before
    assert viterbi.forward(LOG_Y, TARGET)[0][-1, -1] == pytest.approx(np.log(0.36))


def test_a_property_and_a_method_are_noticed_too():
    found = ctc.forward_backward(LOG_Y, [1], 0)
    with watching(["ctc.ForwardBackward.symbol_posterior", "ctc.ForwardBackward.gradient"]):
        with pytest.raises(Asked, match=r"course_utils\.ctc\.ForwardBackward\.symbol_posterior"):
            _ = found.symbol_posterior
        with pytest.raises(Asked, match=r"course_utils\.ctc\.ForwardBackward\.gradient"):
            found.gradient("logits")
    assert found.symbol_posterior.shape == (2, 2)


def test_the_time_limit_goes_on_working_beside_it():
    """A trace function would not: an exception from another thread and sys.setprofile do not go together."""

    def endless(log_y, target):
        while True:
            pass

    assert judge(EXERCISES["8.1"], endless, limit=0.2).says.startswith("It did not end within 0.2 s")
    assert judge(EXERCISES["8.1"], lambda log_y, target: viterbi.forward(log_y, target)[0]).says.endswith("to write.")


def test_the_demand_is_watched_as_well():
    """Is an answer noticed that calls the library only where more is asked of it than right values?"""
    from course_utils.viterbi import align_score

    def only_when_long(log_y, target):
        if len(log_y) == 3000:
            return align_score(log_y, target)
        return viterbi_score(log_y, target)

    report = judge(EXERCISES["8.3"], only_when_long)
    assert report.says == "viterbi_score calls course_utils.viterbi.align_score: that is what you are to write."
    assert report.status == "incorrect"


def test_what_is_no_plain_function_cannot_be_watched():
    with pytest.raises(ValueError, match="a plain function is needed"), watching(["viterbi.Alignment"]):
        pass


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_every_exercise_says_what_it_asks_for(exercise):
    assert bool(exercise.asks_for) == (exercise.id not in WITHOUT)
    assert len(set(exercise.asks_for)) == len(exercise.asks_for)
    for name in exercise.asks_for:
        module, _, _ = name.partition(".")
        assert importlib.import_module(f"course_utils.{module}")
        with watching([name]), pytest.raises(Asked, match=name.replace(".", r"\.")):
            function_named(name)("anything", at="all")


@pytest.mark.parametrize("exercise", [e for e in EXERCISES.values() if e.asks_for], ids=lambda e: e.id)
def test_a_reference_that_is_made_of_the_library_is_noticed(exercise):
    """References are either written out, or made of what the exercise asks for; the second kind must not pass."""
    report = judge(exercise, exercise.reference)
    assert report.status == "correct" or report.says.endswith("that is what you are to write.")


@pytest.mark.parametrize(
    "number", ["1.2", "2.3", "3.1", "7.1", "7.2", "7.3", "8.1", "8.2", "8.3", "9.1", "9.2", "9.3", "9.4", "9.6"]
)
def test_the_library_is_no_answer(number):
    assert judge(EXERCISES[number], EXERCISES[number].reference).points == 0
