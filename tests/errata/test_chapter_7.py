"""One test for each line of ERRATA.md that chapter 7 has a box for: the printed claim fails, the right form holds."""

from dataclasses import replace
from itertools import pairwise, product
from math import comb

import numpy as np
import pytest
from planting import assert_red, instead

from course_utils.alignment import (
    adjacent_repeats,
    compress,
    count_expansions,
    count_paths,
    expansions,
    paths,
    score,
)
from course_utils.alignment_training import train
from course_utils.examples import CTC_Y, FORCED_ALIGNMENTS
from course_utils.posteriors import encode, log_probabilities
from course_utils.viterbi import align, align_checked

WORKED = FORCED_ALIGNMENTS["worked example"].y


def test_e36_equal_neighbours_have_paths_but_no_expansions():
    labels = [x for x in product("AB", repeat=3) if compress(x) == ("A", "A")]
    assert labels == []
    assert count_expansions("AA", 3) == 0
    assert count_paths(2, 3) == len(list(paths(2, 3))) == comb(2, 1) == 2
    for N, K in product(range(1, 7), range(1, 5)):
        target = "ABAB"[:K]
        enumerated = sum(compress(x) == tuple(target) for x in product("AB", repeat=N))
        assert enumerated == count_expansions(target, N) == (comb(N - 1, K - 1) if K <= N else 0)


def test_e37_a_path_through_equal_neighbours_does_not_compress_to_the_target():
    found = align(log_probabilities([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), encode("AA"))
    assert compress(found.path) == (0, 1)
    assert compress(found.labels) == (0,)
    assert {tuple("AA"[i] for i in path) for path in paths(2, 3)} == {tuple("AAA")}  # both paths through three frames
    assert list(expansions("AA", 3)) == []


def test_e40_no_labels_compress_to_nothing():
    try:
        assert compress(()) == compress([]) == compress("") == ()
    except IndexError:
        pytest.fail("an empty sequence has no first label to begin with")


def test_e41_the_target_stands_in_the_training_target():
    log_y = np.log(CTC_Y)
    assert log_y.argmax(axis=1).tolist() == [0, 1, 0, 1]  # whatever was said
    assert align(log_y, [1, 2]).labels.tolist() == [1, 1, 1, 2]
    for target in ([1, 2], [2, 0], [0, 1, 2]):
        trained = train(log_y, [[0, 1, 2, 3]], [target], paths="best", iterations=1)
        labels = trained.symbol_posterior[0][0].argmax(axis=1).tolist()
        spelling = [x for x in product(range(3), repeat=4) if compress(x) == tuple(target)]
        best = max(spelling, key=lambda labels: CTC_Y[range(4), labels].prod())
        assert labels == align(log_y, target).labels.tolist() == list(best)


def test_e42_the_gradient_with_respect_to_logits_is_zero_nowhere():
    import torch

    target = torch.tensor([0, 0, 1, 1])  # the best path of the worked example
    logits = torch.tensor(np.log(WORKED), requires_grad=True)
    torch.nn.functional.cross_entropy(logits, target, reduction="sum").backward()
    y = torch.tensor(WORKED, dtype=torch.float64, requires_grad=True)
    (-torch.log(y[torch.arange(4), target]).sum()).backward()
    onehot = np.eye(2)[target.numpy()]
    assert np.count_nonzero(y.grad) == 4
    np.testing.assert_allclose(y.grad, -onehot / WORKED, atol=1e-12)

    trained = train(np.log(WORKED), [[0, 1, 2, 3]], [[0, 1]], paths="best", learning_rate=0.5)  # a type for each frame
    gradient = (trained.weights[0] - trained.weights[1]) / 0.5
    assert np.count_nonzero(gradient) == np.count_nonzero(logits.grad) == 8
    np.testing.assert_allclose(gradient, WORKED - onehot, atol=1e-12)
    np.testing.assert_allclose(gradient, logits.grad, atol=1e-12)


def test_e44_a_score_is_a_sum_of_logarithms_over_one_label_a_frame():
    log_y, labels = log_probabilities(WORKED), [0, 0, 1, 1]
    product_of_probabilities = 0.9 * 0.6 * 0.7 * 0.8
    assert np.exp(score(log_y, labels)) == pytest.approx(product_of_probabilities, abs=1e-15)
    assert score(log_y, labels) == pytest.approx(np.log(product_of_probabilities), abs=1e-14)
    with pytest.raises(ValueError, match="one label per frame"):
        score(log_y, encode("AB"))  # the string has no frames


def test_e45_the_unconstrained_best_path_is_the_best_symbol_of_each_frame():
    rng = np.random.default_rng(0)
    targets = [S for K in range(1, 5) for S in product(range(3), repeat=K) if compress(S) == S]
    for _ in range(20):
        log_y = np.log(rng.dirichlet(np.ones(3), 4))
        frame_by_frame = log_y.argmax(axis=1).tolist()
        found = {S: align(log_y, S) for S in targets}
        assert all(compress(found[S].labels) == S for S in targets)  # with S given it is S, whatever the frames say
        best = max(targets, key=lambda S: found[S].score)
        assert best == compress(frame_by_frame)
        assert found[best].labels.tolist() == frame_by_frame
        assert max(product(range(3), repeat=4), key=lambda labels: score(log_y, labels)) == tuple(frame_by_frame)


def nothing_from_the_first_on(right, labels):
    labels = list(labels)
    read = [labels[0]]
    return tuple(read + [b for a, b in pairwise(labels) if a != b])


def without_the_target(right, log_y, target, *args, **settings):
    """Read the frames, whatever target is given."""
    return right(log_y, np.array(compress(log_y.argmax(axis=1).tolist())), *args, **settings)


def trains_on_the_path_alone(right, *args, **settings):
    """Leave the logits beside the path as they are; those on it are the ones that grow."""
    found = right(*args, **settings)
    return replace(found, weights=np.maximum.accumulate(found.weights))


MISTAKES = {
    "E36: an expansion for every path": (
        test_e36_equal_neighbours_have_paths_but_no_expansions,
        instead(count_expansions, lambda right, target, N: count_paths(len(target), N)),
    ),
    "E37: the labels of a path compress to the target": (
        test_e37_a_path_through_equal_neighbours_does_not_compress_to_the_target,
        instead(adjacent_repeats, lambda right, target: 0),
    ),
    "E40: the first label comes first": (
        test_e40_no_labels_compress_to_nothing,
        instead(compress, nothing_from_the_first_on),
    ),
    "E41: the best labels of all, in the alignment": (
        test_e41_the_target_stands_in_the_training_target,
        instead(align, without_the_target),
    ),
    "E41: the best labels of all, in training": (
        test_e41_the_target_stands_in_the_training_target,
        instead(align_checked, without_the_target),
    ),
    "E42: no signal for symbols beside the path": (
        test_e42_the_gradient_with_respect_to_logits_is_zero_nowhere,
        instead(train, trains_on_the_path_alone),
    ),
    "E44: a product by the name of a sum": (
        test_e44_a_score_is_a_sum_of_logarithms_over_one_label_a_frame,
        instead(score, lambda right, log_y, labels: np.exp(right(log_y, labels))),
    ),
    "E45: Viterbi without_the_target": (
        test_e45_the_unconstrained_best_path_is_the_best_symbol_of_each_frame,
        instead(align, without_the_target),
    ),
}


@pytest.mark.parametrize(("guard", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_the_guard_sees_the_mistake(guard, mistake, monkeypatch, request):
    assert_red(guard, mistake, monkeypatch, request)
