"""Training through an unknown alignment: commit to the best path, or weigh all of them (sections 6.8, 8.9 and 8.10).

The model is the smallest that can be trained: a table of logits, one row for each type of input. Frame t of an
utterance shows the input type ``inputs[t]`` and the model answers ``softmax(weights[inputs[t]])``. Both ways of
training take the same step, towards a target distribution at every frame; they differ in that distribution only:

* "best": one-hot at the symbol on the Viterbi path;
* "all": the posterior of each symbol at that frame, given the target: its share of all paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import compiled, extended_range, lattice, viterbi
from course_utils.alignment import InfeasibleError, adjacent_repeats
from course_utils.compiled import plain
from course_utils.losses import as_numbers, check_count, is_number, log_softmax
from course_utils.posteriors import check_log_probabilities, check_target
from course_utils.viterbi import Ties, align_checked, check_fits, check_ties, say_where_blocked

Paths = Literal["best", "all"]


@dataclass(frozen=True, eq=False)
class Training:
    """Every iteration of a training run; row n is the state before step n, the last row the end.

    Attributes
    ----------
    paths
        "best" or "all".
    weights
        (N + 1, types, A) logits.
    loss
        (N + 1,) the objective in nats, mean over utterances: −log of the best path, or of the sum of all paths.
    nll
        (N + 1,) −log of the sum over all paths, mean over utterances, whichever objective was trained.
    occupancy
        (N + 1) lists, for each utterance a (T, K) posterior of each position at each frame; 0 and 1 for "best".
    symbol_posterior
        (N + 1) lists, for each utterance what its frames are trained towards: the (T, A) occupancy added up by symbol.
    inputs, targets
        What was trained on: for each utterance (T,) input types and (K,) column indices.
    """

    paths: Paths
    weights: NDArray[np.float64]
    loss: NDArray[np.float64]
    nll: NDArray[np.float64]
    occupancy: tuple[tuple[NDArray[np.float64], ...], ...]
    symbol_posterior: tuple[tuple[NDArray[np.float64], ...], ...]
    inputs: tuple[NDArray[np.intp], ...]
    targets: tuple[NDArray[np.intp], ...]

    @property
    def y(self) -> NDArray[np.float64]:
        """(N + 1, types, A) probabilities that the model gives."""
        return np.exp(log_softmax(self.weights))


def occupancy(log_y: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.float64], float]:
    """Posterior of each position at each frame, given the target: the share of all paths that are there (section 8.10).

    Parameters
    ----------
    log_y
        (T, A) natural log-probabilities.
    target
        (K,) column indices, 1 ≤ K ≤ T.

    Returns
    -------
    gamma, log_total
        (T, K), whose rows sum to one, and the log of the sum of the probabilities of all paths.

    Raises
    ------
    InfeasibleError
        No path has a probability above zero.
    """
    log_y = check_log_probabilities(log_y)
    target = check_target(target, log_y.shape[1])
    check_fits(len(target), len(log_y))
    return _occupancy(log_y, target)


def _occupancy(log_y: NDArray, target: NDArray) -> tuple[NDArray[np.float64], float]:
    """Do what :func:`occupancy` does, with arguments that have been checked."""
    log_e, closed = log_y[:, target], np.full(len(target), -np.inf)
    run = compiled.loops("lattice")
    if run is None:
        found = lattice.sums(log_e, closed)
        gamma, log_total = found.gamma, found.log_p
    else:
        with np.errstate(under="ignore"):
            gradient = np.exp(log_e)
        positions, floor = np.arange(len(target), dtype=np.int64), extended_range.lowest(len(log_e))
        log_total = -run.sum_over_paths(plain(log_e), positions, closed, floor, False, gradient)
        gamma = 0.0 - gradient
        if -np.inf < log_total < floor / 2:  # as in lattice.sums
            log_total = align_checked(log_y, target).score
    if log_total == -np.inf:
        raise InfeasibleError(say_where_blocked(viterbi.forward(log_y, target)[0]))
    if not adjacent_repeats(target):  # else paths with the same labels are counted each, and may sum to more than one
        log_total = min(log_total, 0.0)
    return gamma, log_total


def train(
    weights: ArrayLike,
    inputs: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    *,
    paths: Paths,
    learning_rate: float = 0.5,
    iterations: int = 300,
    ties: Ties = "stay",
) -> Training:
    """Descend the mean loss of all utterances, ``iterations`` times.

    Parameters
    ----------
    weights
        (types, A) logits to start from; not changed.
    inputs
        For each utterance (T,) input types, 0 … types − 1.
    targets
        For each utterance (K,) column indices.
    paths
        "best": Viterbi training; "all": the marginal likelihood, the sum over all paths.
    learning_rate, iterations
        Of plain gradient descent; the rate is above 0, and there may be no iterations.
    ties
        As in :func:`course_utils.viterbi.align`.

    Raises
    ------
    InfeasibleError
        A target does not fit into its utterance.
    ValueError
        Malformed arguments.
    """
    if paths not in ("best", "all"):
        raise ValueError(f"paths is {paths!r}; choose 'best' or 'all'")
    weights = np.array(as_numbers("weights", weights))
    iterations = check_count("iterations", iterations, 0)
    if not (is_number(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate is {learning_rate!r}; it is a finite number above 0")
    check_ties(ties)
    if weights.ndim != 2:
        raise ValueError(f"weights has shape {weights.shape}; it must be (types, A): one row of logits for each type")
    if not np.isfinite(weights).all():
        raise ValueError("weights has an entry that is not finite; logits are finite")
    if len(inputs) == 0:
        raise ValueError("inputs is empty; give at least one utterance")
    if len(inputs) != len(targets):
        raise ValueError(f"inputs has {len(inputs)} utterances, but targets {len(targets)}: give one target each")
    try:
        inputs = [np.array(x) for x in inputs]
    except ValueError as error:
        raise ValueError(f"inputs has an utterance that is no array of types: {error}") from None
    for x in inputs:
        if x.ndim != 1 or x.size == 0:
            raise ValueError(f"inputs has an utterance of shape {x.shape}; each must be (T,) types, T at least 1")
        if x.dtype.kind not in "iu" or x.min(initial=0) < 0 or x.max(initial=0) >= len(weights):
            raise ValueError(
                f"inputs has {x.tolist()}; types are integers from 0 to {len(weights) - 1}, the rows of weights"
            )
    targets = [check_target(target, weights.shape[1], f"targets[{n}]") for n, target in enumerate(targets)]
    for x, target in zip(inputs, targets, strict=True):
        check_fits(len(target), len(x))
    history = []
    for iteration in range(iterations + 1):
        *record, gradient = _look(weights, inputs, targets, paths, ties)
        history.append((weights.copy(), *record))
        if iteration < iterations:
            weights = weights - learning_rate * gradient
    logits, loss, nll, gamma, by_symbol = zip(*history, strict=True)
    return Training(
        paths, np.array(logits), np.array(loss), np.array(nll), gamma, by_symbol, tuple(inputs), tuple(targets)
    )


@np.errstate(under="ignore")
def _look(weights, inputs, targets, paths, ties):
    """Objective, negative log-likelihood, occupancies by position and by symbol, and gradient of the mean objective."""
    gradient, loss, nll, by_position, by_symbol = np.zeros_like(weights), 0.0, 0.0, [], []
    log_rows = log_softmax(weights)
    for x, target in zip(inputs, targets, strict=True):
        log_y = log_rows[x]
        gamma, log_total = _occupancy(log_y, target)
        nll -= log_total / len(inputs)
        if paths == "best":
            best = align_checked(log_y, target, ties)
            gamma = (best.path[:, None] == np.arange(len(target))).astype(float)
            log_total = best.score
        loss -= log_total / len(inputs)
        wanted = np.zeros_like(log_y)
        np.add.at(wanted.T, target, gamma.T)  # a symbol may stand at several positions
        np.add.at(gradient, x, (np.exp(log_y) - wanted) / len(inputs))  # and a type at several frames
        by_position.append(gamma)
        by_symbol.append(wanted)
    return loss, nll, tuple(by_position), tuple(by_symbol), gradient
