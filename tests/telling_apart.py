"""Whether the known wrong ideas of an exercise can be told from one another and from the right answer."""

import numpy as np


def assert_no_two_alike(exercise, seed, outcome):
    """Compare all pairs on the numbers that ``outcome(answer, case)`` makes of them, not by the judge's machinery."""
    cases = exercise.cases(np.random.default_rng(seed))
    answers = {"the reference": exercise.reference} | {idea.name: idea.answer for idea in exercise.misconceptions}
    outcomes = {name: [outcome(answer, case) for case in cases] for name, answer in answers.items()}
    names = list(outcomes)
    for n, one in enumerate(names):
        for two in names[n + 1 :]:
            apart = [
                a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)
                for a, b in zip(outcomes[one], outcomes[two], strict=True)
            ]
            assert any(apart), f"{one} and {two} are alike on all {len(cases)} cases"
