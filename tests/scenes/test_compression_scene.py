"""Compressing as a picture: one step for each run, and what is left at the end."""

import pytest
from enumeration import merge_runs
from hypothesis import given
from hypothesis import strategies as st

from course_utils.collapsing import runs
from course_utils.scenes.compression import MOST_FRAMES, compress_scene


@given(st.lists(st.sampled_from(["A", "B", "SH"]), min_size=1, max_size=12))
def test_there_is_a_step_for_each_run_and_the_end_says_what_is_read(labels):
    scene, string = compress_scene(runs(labels)), merge_runs(labels)
    assert len(scene.steps) == len(string) + 1
    between = "" if all(len(name) == 1 for name in string) else " "
    assert (
        scene.steps[-1].says
        == f"What is left is “{between.join(string)}”: {len(labels)} labels, {len(string)} symbols."
    )
    first = 0
    for symbol, step in zip(string, scene.steps, strict=False):
        last = first
        while last + 1 < len(labels) and labels[last + 1] == symbol:
            last += 1
        assert f"“{symbol}”" in step.says
        assert (f"{last - first + 1} times" in step.says) == (last > first)
        assert {f"label-{t}" for t in range(first, last + 1)} <= set(step.patch)
        assert step.computes == (f"run-{first}",)
        first = last + 1


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="there are 0 labels"):
        compress_scene(runs(""))
    with pytest.raises(ValueError, match="there are 41 labels"):
        compress_scene(runs("A" * (MOST_FRAMES + 1)))
