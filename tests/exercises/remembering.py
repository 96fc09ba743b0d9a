"""An exercise whose functions are called once on each case, however often it is judged."""

import copy
import pickle
from dataclasses import replace


def remembered(function):
    """Make a function that does once more what ``function`` did when it was first called with these arguments.

    It returns or raises the same, and leaves the same behind in the arguments.
    """
    memory = {}

    def again(*args):
        called_with = pickle.dumps(args)
        if called_with not in memory:
            memory[called_with] = _run(function, copy.deepcopy(args))
        value, error, left = memory[called_with]
        for argument, after in zip(args, left, strict=True):
            if pickle.dumps(argument) != pickle.dumps(after):
                argument[:] = after
        if error is not None:
            raise error
        return value

    return again


def remembering(exercise):
    """Return the exercise with a reference and with wrong ideas that remember."""
    ideas = tuple(replace(idea, answer=remembered(idea.answer)) for idea in exercise.misconceptions)
    return replace(exercise, reference=remembered(exercise.reference), misconceptions=ideas)


def _run(function, args):
    try:
        return function(*args), None, args
    except Exception as error:
        return None, error, args
