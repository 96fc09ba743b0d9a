"""A small exercise to judge answers to: what is twice the argument?"""

import numpy as np

from course_utils.exercises.exercise import Case, Exercise, Output


def double(x):
    return 2 * np.asarray(x)


def squares(x):
    return np.asarray(x) ** 2


def exercise(*, output=None, reference=double, arguments=None, **more):
    output = output or (Output("the table", ("t", "i")),)
    arguments = arguments or ((np.arange(6.0).reshape(2, 3),),)
    cases = [Case(f"case {n}", args) for n, args in enumerate(arguments)]
    return Exercise(
        "0.1", "doubling", 2, "double", output, reference, lambda rng: cases, **{"misconceptions": ()} | more
    )


ONE = exercise()
VECTOR = exercise(output=(Output("the path", ("t",)),), arguments=((np.arange(4.0),),))
NUMBER = exercise(output=(Output("the score"),), arguments=((3.0,),))
PAIR = exercise(
    output=(Output("the table", ("t", "i")), Output("the loss")),
    reference=lambda x: (2 * x, float(x.sum())),
)
