"""Section 2.2: what do an MLP and a recurrent network make of frames that change places?"""

import numpy as np
import pytest

from course_utils.examples import FRAMES_MLP, FRAMES_ORDER, FRAMES_RNN, FRAMES_TARGET, FRAMES_X
from course_utils.losses import cross_entropy
from course_utils.mlp import logits, random_mlp
from course_utils.permutation import permute, swaps
from course_utils.rnn import random_rnn, run


def test_each_swap_exchanges_neighbours_and_there_are_as_few_as_can_be():
    rng = np.random.default_rng(1)
    for T in range(2, 8):
        for _ in range(20):
            order, now = rng.permutation(T), list(range(T))
            done = list(swaps(order))
            for t in done:
                now[t], now[t + 1] = now[t + 1], now[t]
            assert now == order.tolist()
            assert len(done) == sum(order[i] > order[j] for i in range(T) for j in range(i + 1, T))


@pytest.mark.parametrize("seed", range(10))
def test_every_row_is_both_networks_on_the_frames_in_that_order(seed):
    rng = np.random.default_rng(seed)
    T, A = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    mlp, rnn, x = random_mlp(rng, 1, 3, A), random_rnn(rng, 1, 3, A), rng.normal(size=T)
    target, order = rng.integers(A, size=T), rng.permutation(T)
    found = permute(mlp, rnn, x, target, order)
    assert len(found.swapped) + 1 == len(found.order) == len(found.mlp_loss) == len(found.rnn_loss)
    assert found.order[0].tolist() == list(range(T))
    assert found.order[-1].tolist() == order.tolist()
    for n, now in enumerate(found.order):
        inputs, wanted = x[now][:, None], target[now]
        np.testing.assert_allclose(found.mlp_loss[n], cross_entropy(logits(mlp, inputs), wanted), rtol=1e-12)
        np.testing.assert_allclose(found.rnn_loss[n], cross_entropy(run(rnn, inputs).logits, wanted), rtol=1e-12)
        if n:
            t = found.swapped[n - 1]
            assert now[[t + 1, t]].tolist() == found.order[n - 1][[t, t + 1]].tolist()


def test_the_losses_of_the_perceptron_go_along_with_their_frames():
    found = permute(FRAMES_MLP, FRAMES_RNN, FRAMES_X, FRAMES_TARGET, FRAMES_ORDER)
    for order, losses in zip(found.order, found.mlp_loss, strict=True):
        np.testing.assert_allclose(losses, found.mlp_loss[0][order], rtol=1e-12)
    assert np.abs(found.rnn_loss[-1] - found.rnn_loss[0][found.order[-1]]).max() > 0.1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"x": np.zeros((5, 2))}, r"x has shape \(5, 2\); give one number a frame, \(T,\)"),
        ({"x": "text"}, "x is not an array of numbers"),
        ({"target": [0, 1]}, r"target has shape \(2,\); there are 5 frames, so it must be \(5,\)"),
        ({"target": [0, 1, 0, 0, 2]}, "target has the symbol 2"),
        ({"order": [0, 1, 2, 3, 3]}, "it must name each of the frames 0 to 4 once"),
        ({"order": [0, 1]}, "it must name each of the frames 0 to 4 once"),
    ],
)
def test_what_does_not_go_together_is_refused(changed, says):
    given = {"mlp": FRAMES_MLP, "rnn": FRAMES_RNN, "x": FRAMES_X, "target": FRAMES_TARGET, "order": FRAMES_ORDER}
    with pytest.raises(ValueError, match=says):
        permute(**given | changed)
