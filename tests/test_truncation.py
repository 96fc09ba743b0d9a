"""Section 4.7: which losses does a truncated gradient hear?"""

import numpy as np
import pytest

from course_utils.bptt import backward, truncated_by_chunks, truncated_per_loss
from course_utils.rnn import random_rnn, run
from course_utils.truncation import WAYS, reach


def by_definition(T, way, size):
    s, t = np.indices((T, T))
    within = {"full": s >= t, "loss by loss": s - t <= size, "in chunks": s // max(size, 1) == t // max(size, 1)}
    return (s >= t) & within[way]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("T", [1, 2, 5, 8])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 20])
def test_a_loss_arrives_where_the_definition_says(T, way, size):
    assert np.array_equal(reach(T, way, size).arrives, by_definition(T, way, size))


@pytest.mark.parametrize(("way", "size"), [("full", 1), ("loss by loss", 0), ("loss by loss", 2), ("in chunks", 3)])
def test_an_ordinary_network_hears_the_same_losses(way, size):
    rng = np.random.default_rng(0)
    forward = run(random_rnn(rng, 2, 3, 2), rng.normal(size=(7, 2)))
    cut = {
        "full": lambda d: backward(forward, d).delta,
        "loss by loss": lambda d: truncated_per_loss(forward, d, size)[0],
        "in chunks": lambda d: truncated_by_chunks(forward, d, size)[0],
    }[way]
    for s, row in enumerate(reach(7, way, size).arrives):
        alone = np.zeros((7, 2))
        alone[s] = 1, -1
        assert np.array_equal(np.abs(cut(alone)).sum(axis=1) > 0, row)


def test_counts_and_products():
    assert reach(5, "full").heard.tolist() == [5, 4, 3, 2, 1]
    assert reach(5, "loss by loss", 1).heard.tolist() == [2, 2, 2, 2, 1]
    assert reach(8, "in chunks", 3).heard.tolist() == [3, 2, 1, 3, 2, 1, 2, 1]
    assert reach(8, "in chunks", 3).cuts == [3, 6]
    assert reach(8, "full").products == 7
    assert reach(8, "loss by loss", 2).products == sum(min(2, t) for t in range(8))
    assert reach(8, "in chunks", 3).products == sum(t % 3 > 0 for t in range(8))


@pytest.mark.parametrize(
    ("T", "way", "size", "says"),
    [(3, "half", 1, "way is 'half'; the ways are full"), (0, "full", 1, "give at least one step"),
     (3, "loss by loss", -1, "k"), (3, "in chunks", 0, "chunk")],
)  # fmt: skip
def test_what_cannot_be_cut_is_refused(T, way, size, says):
    with pytest.raises(ValueError, match=says):
        reach(T, way, size)
