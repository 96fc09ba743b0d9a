"""An exercise without its random cases: a mistake that these show is shown by every seed, the one that nobody knows too."""

import pickle
from dataclasses import replace

import numpy as np


def with_fixed_cases(exercise):
    """Return the exercise with those of its cases alone that are the same whatever the seed."""
    zero, one = (exercise.cases(np.random.default_rng(seed)) for seed in (0, 1))
    fixed = [a for a, b in zip(zero, one, strict=True) if pickle.dumps(a.args) == pickle.dumps(b.args)]
    return replace(exercise, cases=lambda rng: fixed)
