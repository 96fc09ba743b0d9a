"""Training through an unknown alignment: are the steps the gradients they claim to be?"""

import numpy as np
import pytest
from enumeration import position_paths, random_problem, scored_paths

from course_utils import alignment_training
from course_utils.alignment import InfeasibleError
from course_utils.alignment_training import log_softmax, occupancy, train
from course_utils.examples import FORCED_ALIGNMENTS, LONG_ALIGNMENT, STUCK_START, UTTERANCES
from course_utils.viterbi import align

EXACT = {"rel": 1e-12, "abs": 1e-12}
INPUTS, TARGETS = UTTERANCES
WORKED_EXAMPLE = FORCED_ALIGNMENTS["worked example"].y


def random_utterances(rng, types=3, A=4):
    lengths = rng.integers(3, 7, size=3)
    inputs = [rng.integers(types, size=T) for T in lengths]
    targets = [rng.integers(A, size=rng.integers(1, T + 1)) for T in lengths]
    return rng.normal(size=(types, A)), inputs, targets


# -- occupancy


def assert_occupancy_like_enumeration(log_y, target):
    paths, scores = scored_paths(log_y, target)
    shown = f"log_y =\n{log_y}\ntarget = {target}"
    if scores.max() == -np.inf:
        with pytest.raises(InfeasibleError, match="probability zero"):
            occupancy(log_y, target)
        return
    p = np.exp(scores - scores.max())
    truth = np.array([(p[:, None] * (paths == i)).sum(axis=0) for i in range(len(target))]).T / p.sum()
    gamma, log_total = occupancy(log_y, target)
    assert gamma.shape == (len(log_y), len(target)), shown
    np.testing.assert_allclose(gamma, truth, atol=1e-12, rtol=1e-9, err_msg=shown)
    np.testing.assert_allclose(gamma.sum(axis=1), 1, rtol=1e-12, err_msg=shown)
    assert log_total == pytest.approx(scores.max() + np.log(p.sum()), **EXACT), shown


def test_occupancy_is_the_share_of_the_paths_that_enumeration_counts():
    rng = np.random.default_rng(4)
    for _ in range(1000):
        assert_occupancy_like_enumeration(*random_problem(rng))


def test_enumeration_sees_an_occupancy_that_counts_the_own_frame_twice(monkeypatch):
    right = occupancy

    def counted_twice(log_y, target):
        gamma, total = right(log_y, target)
        gamma = gamma * np.exp(np.asarray(log_y)[:, target])
        return gamma / gamma.sum(axis=1, keepdims=True), total

    monkeypatch.setitem(globals(), "occupancy", counted_twice)
    with pytest.raises(AssertionError):
        assert_occupancy_like_enumeration(np.log(WORKED_EXAMPLE[:3]), np.array([0, 1]))


def test_the_sum_over_the_paths_of_the_worked_example(oracles):
    truth = oracles["O1_viterbi_8.10"]
    log_y = np.log(WORKED_EXAMPLE)
    gamma, log_total = occupancy(log_y, [0, 1])
    assert -log_total == pytest.approx(truth["neglog_sum"], **EXACT)
    assert np.exp(align(log_y, [0, 1]).score - log_total) == pytest.approx(truth["posterior_best"], **EXACT)
    paths = {path: p for path, p in truth["all_paths"].items() if path[2] == "B"}
    assert gamma[2, 1] == pytest.approx(sum(paths.values()) / truth["sum_over_paths"], **EXACT)


def test_occupancy_survives_where_every_product_underflows():
    log_y = np.log(LONG_ALIGNMENT.y)
    gamma, log_total = occupancy(log_y, [0, 1])
    assert -1200 < log_total < -800
    np.testing.assert_allclose(gamma.sum(axis=1), 1, rtol=1e-9)


# -- softmax


def test_log_softmax_of_logits_of_any_size():
    assert np.exp(log_softmax([1000.0, 1000.0])).tolist() == pytest.approx([0.5, 0.5])
    assert log_softmax([[0.0, -2000.0]]).tolist() == [[0.0, -2000.0]]
    np.testing.assert_allclose(np.exp(log_softmax([[1.0, 2.0, 3.0]])), np.exp([[1, 2, 3]]) / np.exp([1, 2, 3]).sum())


# -- one step


def loss_in_torch(torch, weights, inputs, targets, paths):
    """Write the objective out over the enumerated paths, so that autograd knows neither recurrence."""
    log_rows, total = torch.log_softmax(weights, dim=1), 0
    for x, target in zip(inputs, targets, strict=True):
        every = torch.as_tensor(np.asarray(target)[position_paths(len(target), len(x))])
        scores = log_rows[torch.as_tensor(np.asarray(x))][torch.arange(len(x)), every].sum(dim=1)
        total = total - (scores.max() if paths == "best" else torch.logsumexp(scores, 0))
    return total / len(inputs)


def assert_step_is_the_gradient(weights, inputs, targets, paths):
    import torch

    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    loss = loss_in_torch(torch, w, inputs, targets, paths)
    loss.backward()
    run = train(weights, inputs, targets, paths=paths, learning_rate=0.7, iterations=1)
    np.testing.assert_allclose(
        run.weights[1], weights - 0.7 * w.grad.numpy(), rtol=0, atol=1e-12, err_msg=f"{inputs}, {targets}, {paths}"
    )
    assert run.loss[0] == pytest.approx(loss.item(), **EXACT)
    nll = loss_in_torch(torch, w, inputs, targets, "all").item()
    assert run.nll[0] == pytest.approx(nll, **EXACT)


@pytest.mark.parametrize("paths", ["best", "all"])
def test_a_step_goes_down_the_gradient_that_autograd_finds(paths):
    rng = np.random.default_rng(11)
    for _ in range(30):
        assert_step_is_the_gradient(*random_utterances(rng), paths)


def test_autograd_sees_updates_that_get_lost_where_a_type_shows_twice(monkeypatch):
    class Overwriting:
        def __getattr__(self, name):
            return getattr(np, name)

        class add:
            @staticmethod
            def at(array, index, values):
                array[index] = values

    monkeypatch.setattr(alignment_training, "np", Overwriting())
    with pytest.raises(AssertionError):
        assert_step_is_the_gradient(np.array(STUCK_START), INPUTS, TARGETS, "best")


# -- many steps


@pytest.mark.parametrize(("paths", "key"), [("best", "nll_viterbi_W0"), ("all", "nll_sum_W0")])
def test_three_hundred_steps_from_the_published_start(oracles, paths, key):
    truth = oracles["O20_viterbi_training"]
    run = train(truth["fixed_init_W0"], INPUTS, TARGETS, paths=paths, learning_rate=0.5, iterations=300)
    assert run.nll[-1] == pytest.approx(truth[key], **EXACT)


def test_the_best_path_gets_stuck_where_the_sum_over_paths_does_not():
    best = train(STUCK_START, INPUTS, TARGETS, paths="best")
    whole = train(STUCK_START, INPUTS, TARGETS, paths="all")
    assert best.nll[-1] > 100 * whole.nll[-1]
    last = [gamma.argmax(axis=1).tolist() for gamma in best.occupancy[-1]]
    assert last != INPUTS
    assert [(gamma[:, 1] > 0.5).astype(int).tolist() for gamma in whole.occupancy[-1]] == INPUTS


@pytest.mark.parametrize("paths", ["best", "all"])
def test_small_steps_never_raise_the_loss(paths):
    rng = np.random.default_rng(2)
    for _ in range(5):
        run = train(*random_utterances(rng), paths=paths, learning_rate=0.05, iterations=60)
        assert (np.diff(run.loss) <= 1e-12).all(), run.loss


def test_one_path_cannot_be_more_probable_than_all_together():
    run = train(STUCK_START, INPUTS, TARGETS, paths="best", iterations=50)
    assert (run.loss >= run.nll).all()
    whole = train(STUCK_START, INPUTS, TARGETS, paths="all", iterations=50)
    np.testing.assert_array_equal(whole.loss, whole.nll)


@pytest.mark.parametrize("paths", ["best", "all"])
def test_each_row_is_the_state_before_its_step(paths):
    start = np.array(STUCK_START)
    start.flags.writeable = False  # whoever writes, stops here
    run = train(start, INPUTS, TARGETS, paths=paths, iterations=7)
    assert run.weights.shape == (8, 2, 2)
    assert run.loss.shape == run.nll.shape == (8,)
    assert len(run.occupancy) == len(run.symbol_posterior) == 8
    np.testing.assert_array_equal(run.weights[0], start)
    again = train(run.weights[3], INPUTS, TARGETS, paths=paths, iterations=4)
    np.testing.assert_array_equal(again.weights, run.weights[3:])
    for gamma, x, target in zip(run.occupancy[0], INPUTS, TARGETS, strict=True):
        log_y = log_softmax(start)[x]
        truth = occupancy(log_y, target)[0]
        if paths == "best":
            truth = np.eye(2)[align(log_y, target).path]
        np.testing.assert_array_equal(gamma, truth)


@pytest.mark.parametrize("paths", ["best", "all"])
def test_what_the_frames_are_trained_towards_is_the_occupancy_added_up_by_symbol(paths):
    weights, inputs, targets = random_utterances(np.random.default_rng(6))
    targets[0][-1] = targets[0][0]  # a symbol at two positions
    run = train(weights, inputs, targets, paths=paths, iterations=3)
    for gammas, posteriors in zip(run.occupancy, run.symbol_posterior, strict=True):
        for gamma, posterior, target in zip(gammas, posteriors, targets, strict=True):
            np.testing.assert_allclose(posterior, gamma @ np.eye(4)[target], rtol=0, atol=1e-15)
            np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-12)


def test_a_run_keeps_its_model_and_what_it_was_trained_on():
    inputs, targets = [np.array(x) for x in INPUTS], [np.array(target) for target in TARGETS]
    run = train(STUCK_START, inputs, targets, paths="best", iterations=2)
    for n, logits in enumerate(run.weights):
        np.testing.assert_allclose(run.y[n], np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-12)
    for array in (*inputs, *targets):
        array[:] = 0  # a buffer that is used again
    assert [x.tolist() for x in run.inputs] == INPUTS
    assert [target.tolist() for target in run.targets] == TARGETS


def test_the_rule_for_ties_reaches_the_alignment():
    flat = np.zeros((2, 2))
    stay = train(flat, INPUTS, TARGETS, paths="best", iterations=0, ties="stay").occupancy[0]
    advance = train(flat, INPUTS, TARGETS, paths="best", iterations=0, ties="advance").occupancy[0]
    assert [gamma[:, 1].tolist() for gamma in stay] == [[0, 1, 1, 1]] * 3
    assert [gamma[:, 1].tolist() for gamma in advance] == [[0, 0, 0, 1]] * 3


def test_bad_arguments_of_training_are_named():
    start = np.zeros((2, 2))
    with pytest.raises(ValueError, match="paths is 'some'; choose 'best' or 'all'"):
        train(start, INPUTS, TARGETS, paths="some")
    with pytest.raises(ValueError, match=r"targets\[0\]\[1\] is 2, .*indices run from 0 to 1"):
        train(start, INPUTS, [[0, 2]] * 3, paths="best")
    with pytest.raises(InfeasibleError, match="smallest T that would do is 5"):
        train(start, INPUTS, [[0, 1, 0, 1, 0]] * 3, paths="all")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inputs": [[0, 2]]}, r"inputs has \[0, 2\]; types are integers from 0 to 1"),
        ({"inputs": [[-1, 0]]}, r"inputs has \[-1, 0\]"),
        ({"inputs": [[0.0, 1.0]]}, r"inputs has \[0.0, 1.0\]"),
        ({"targets": [[0], [1]]}, "inputs has 1 utterances, but targets 2"),
        ({"weights": [0.0, 1.0]}, r"weights has shape \(2,\)"),
        ({"inputs": [[[0], [0, 1]]]}, "inputs has an utterance that is no array of types"),
        ({"weights": [[0.0, 1.0], [1.0]]}, "weights is not an array of numbers"),
        ({"weights": "logits"}, "weights is not an array of numbers"),
        ({"weights": [[0.0, np.nan], [1.0, 0.0]]}, "weights has an entry that is not finite"),
        ({"iterations": -1}, "iterations is -1; it is a number of steps, 0 or more, as an integer"),
        ({"iterations": 1.5}, "iterations is 1.5; it is a number of steps, 0 or more, as an integer"),
        ({"iterations": float("inf")}, "iterations is inf; it is a number of steps"),
        ({"iterations": "3"}, "iterations is '3'; it is a number of steps"),
        ({"iterations": None}, "iterations is None; it is a number of steps"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it is a finite number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; it is a finite number above 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it is a finite number above 0"),
        ({"learning_rate": -0.5}, "learning_rate is -0.5; it is a finite number above 0"),
        ({"learning_rate": "0.5"}, "learning_rate is '0.5'; it is a finite number above 0"),
        ({"paths": "some"}, "choose 'best' or 'all'"),
    ],
)
def test_training_refuses_what_it_cannot_use(change, says):
    good = {"weights": [[0.0, 1.0], [1.0, 0.0]], "inputs": [[0, 1]], "targets": [[0, 1]], "paths": "best"}
    with pytest.raises(ValueError, match=says):
        train(**{**good, **change})
