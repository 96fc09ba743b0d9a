"""Section 6.7: are the guesses what their names say, and is each round what the text says of it?"""

import numpy as np
import pytest
from enumeration import merge_runs

from course_utils import realignment
from course_utils.alignment import InfeasibleError, paths
from course_utils.data import STRIP_SYMBOLS, digit_strip, symbol_columns
from course_utils.losses import log_softmax
from course_utils.mlp import logits, random_mlp, soft_loss_and_gradients
from course_utils.posteriors import encode
from course_utils.realignment import all_to_first, flat_start, random_cuts, realign, true_path

SIZES = [(K, T) for T in range(1, 10) for K in range(1, T + 1)]
STRIPS = [digit_strip(digits, np.random.default_rng(n), "train") for n, digits in enumerate(("314", "15", "926"))]
HELD_OUT = [digit_strip("53", np.random.default_rng(9))]


def equal_shares(strip):
    return flat_start(len(strip.target), strip.image.shape[1])


@pytest.mark.parametrize(("K", "T"), SIZES)
def test_every_guess_is_a_path(K, T):
    rng, legal = np.random.default_rng(K * 10 + T), set(paths(K, T))
    for guess in (flat_start(K, T), all_to_first(K, T), *(random_cuts(K, T, rng) for _ in range(5))):
        assert tuple(guess.tolist()) in legal
    shares = np.bincount(flat_start(K, T), minlength=K)
    assert shares.max() - shares.min() <= 1
    assert np.bincount(all_to_first(K, T), minlength=K).tolist() == [T - K + 1] + [1] * (K - 1)


def test_random_cuts_take_every_path_as_often_as_any_other():
    rng, drawn = np.random.default_rng(0), {}
    for _ in range(6000):
        path = tuple(random_cuts(3, 5, rng).tolist())
        drawn[path] = drawn.get(path, 0) + 1
    assert set(drawn) == set(paths(3, 5))
    assert all(abs(count - 1000) < 150 for count in drawn.values()), drawn  # five standard deviations


@pytest.mark.parametrize("guess", [flat_start, all_to_first, lambda K, T: random_cuts(K, T, np.random.default_rng(0))])
@pytest.mark.parametrize(("K", "T"), [(3, 2), (0, 2)])
def test_what_does_not_fit_has_no_guess(guess, K, T):
    with pytest.raises(InfeasibleError):
        guess(K, T)


def test_the_true_path_spells_the_columns_as_they_were_written():
    for strip in STRIPS:
        assert "".join(strip.target[i] for i in true_path(strip)) == strip.labels


@pytest.mark.parametrize("which", ["best", "all"])
def test_each_round_trains_towards_alignments_of_the_target(which):
    found = realign(STRIPS, HELD_OUT, equal_shares, rounds=2, paths=which)
    assert len(found.targets) == len(found.right) == len(found.error) == 3
    for n, of_round in enumerate(found.targets):
        right = []
        for strip, wanted in zip(STRIPS, of_round, strict=True):
            assert wanted.shape == (strip.image.shape[1], len(STRIP_SYMBOLS))
            np.testing.assert_allclose(wanted.sum(axis=1), 1, atol=1e-9)
            if which == "best" or n == 0:
                labels = wanted.argmax(axis=1)
                assert set(np.unique(wanted)) == {0, 1}
                assert merge_runs(labels.tolist()) == tuple(encode(strip.target, STRIP_SYMBOLS))
            else:
                assert ((wanted > 1e-6) & (wanted < 1 - 1e-6)).any()
                assert (wanted[:, [k for k in range(11) if STRIP_SYMBOLS[k] not in strip.target]] == 0).all()
            right.append(wanted[np.arange(len(wanted)), symbol_columns(strip.labels)])
        assert found.right[n] == pytest.approx(np.concatenate(right).mean())
    first = found.labels(0)[0]
    assert first == "".join(STRIPS[0].target[i] for i in equal_shares(STRIPS[0]))


def test_the_same_seed_learns_the_same_and_another_one_does_not():
    one, two, other = (realign(STRIPS, HELD_OUT, equal_shares, rounds=1, paths="all", seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.right, two.right)
    np.testing.assert_array_equal(one.error, two.error)
    for a, b in zip(one.targets[1], two.targets[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one.targets[1], other.targets[1], strict=True))


def test_an_alignment_weighs_the_symbols_by_how_often_they_were_guessed():
    """With one share for all it is the alignment of what the network says; a rare symbol is helped, a frequent one held back."""
    rng = np.random.default_rng(0)
    net, x = random_mlp(rng, 4, 5, 11), rng.normal(size=(8, 4))
    string, even = np.array([3, 10, 7]), np.full(11, 1 / 11)
    log_y = log_softmax(logits(net, x))
    best = max(paths(3, 8), key=lambda path: log_y[range(8), string[list(path)]].sum())
    found = realignment.aligned(net, x, string, even, "best")
    assert found.argmax(axis=1).tolist() == string[list(best)].tolist()
    rare = even.copy()
    rare[10] = 1e-6
    helped = realignment.aligned(net, x, string, rare, "all")[:, 10].sum()
    assert helped > realignment.aligned(net, x, string, even, "all")[:, 10].sum()


def test_learning_goes_over_every_column_once_a_pass_and_downhill():
    rng = np.random.default_rng(0)
    net, x, wanted = random_mlp(rng, 4, 5, 11), rng.normal(size=(300, 4)), rng.dirichlet(np.ones(11), 300)
    seen = []

    def counting(net, x, y_star):
        seen.append(len(x))
        return soft_loss_and_gradients(net, x, y_star)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(realignment, "soft_loss_and_gradients", counting)
        learned = realignment.learn(net, x, wanted, 4, np.random.default_rng(1))
    assert seen == [150, 150] * 4
    before, after = (soft_loss_and_gradients(one, x, wanted)[0] for one in (net, learned))
    assert after < before
    assert (net.W_1 == random_mlp(np.random.default_rng(0), 4, 5, 11).W_1).all()  # what it began with stays


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"paths": "sum"}, "choose 'best' or 'all'"),
        ({"rounds": -1}, "rounds is -1"),
        ({"strips": []}, "at least one strip"),
        ({"held_out": []}, "at least one strip"),
        ({"guess": lambda strip: [0, 1]}, "give each column a position"),
        (
            {"guess": lambda strip: np.zeros(strip.image.shape[1], int)},
            "they begin at 0, stay or advance by one, and end at",
        ),
    ],
)
def test_bad_arguments_are_refused(settings, says):
    settings = {"strips": STRIPS, "held_out": HELD_OUT, "guess": equal_shares, "rounds": 0} | settings
    with pytest.raises(ValueError, match=says):
        realign(settings.pop("strips"), settings.pop("held_out"), settings.pop("guess"), **settings)
