"""Targets for frames that nobody has labelled: guessed, learned from, and aligned anew (section 6.7).

A classifier of single columns, such as that of chapter 2, needs a symbol for every column of a strip. Where only the
string is known, the columns can be shared out by a rule. What has been learned from the guess then says which symbols the
columns look like, the target is aligned to that, and the classifier learns on; this is repeated.

With the best alignment as the next target this is segmental k-means (Juang and Rabiner 1990), also called Viterbi training;
with the posterior of each symbol it is expectation-maximisation, with a network in the place of a density. In either case
the alignment needs p(column | symbol). The network gives p(symbol | column), which is divided by p(symbol): these are the
scaled likelihoods of Bourlard and Morgan (1994). Without that, symbols that were guessed often would be found ever more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.alignment_training import Paths, occupancy
from course_utils.data import STRIP_SYMBOLS, Strip, column_windows, symbol_columns
from course_utils.losses import check_count, log_softmax
from course_utils.mlp import MLP, logits, random_mlp
from course_utils.posteriors import encode
from course_utils.viterbi import align, check_fits

REACH, HIDDEN = 5, 48  # columns to either side that are seen, and hidden units
FIRST, LATER = 20, 6  # passes over all columns, for the guess and in each round
BATCH, RATE = 128, 3e-3


def flat_start(K: int, T: int) -> NDArray[np.intp]:
    """Share T frames out equally: the (T,) position of each frame in a target of K symbols.

    Parameters and errors of this and the next two are alike.

    Raises
    ------
    InfeasibleError
        There are fewer frames than symbols, or no symbol.
    """
    check_fits(K, T)
    return np.arange(T) * K // T


def random_cuts(K: int, T: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Begin each symbol but the first in a frame that is drawn; every path is as likely as any other."""
    check_fits(K, T)
    begins = np.sort(rng.choice(np.arange(1, T), K - 1, replace=False)) if K > 1 else np.zeros(0)
    return np.searchsorted(begins, np.arange(T), side="right")


def all_to_first(K: int, T: int) -> NDArray[np.intp]:
    """Give the first symbol all frames but the last K − 1, which the others need."""
    check_fits(K, T)
    return np.maximum(np.arange(T) - (T - K), 0)


@dataclass(frozen=True, eq=False)
class Realignment:
    """What the columns of some strips were said to show, and what was learned from it; row 0 is the guess.

    Attributes
    ----------
    strips
        What was learned from.
    targets
        (rounds + 1) lists, for each strip the (T, 11) probability of each symbol that its columns were trained towards.
    right
        (rounds + 1,) share of the columns that were trained towards their true symbol.
    error
        (rounds + 1,) share of the columns of other strips whose most probable symbol is not the true one.
    """

    strips: tuple[Strip, ...]
    targets: tuple[tuple[NDArray[np.float64], ...], ...]
    right: NDArray[np.float64]
    error: NDArray[np.float64]

    def labels(self, strip: int) -> list[str]:
        """Return the symbols of the columns of one strip, a string for each round, most probable ones where they are unsure."""
        return ["".join(STRIP_SYMBOLS[k] for k in each[strip].argmax(axis=1)) for each in self.targets]


def true_path(strip: Strip) -> NDArray[np.intp]:
    """Return the (T,) position of each column in the target of a strip, gaps included, as it was written."""
    return np.searchsorted(strip.spans.ravel(), np.arange(strip.image.shape[1]), side="right")


def realign(
    strips: Sequence[Strip],
    held_out: Sequence[Strip],
    guess: Callable[[Strip], ArrayLike],
    *,
    rounds: int = 5,
    paths: Paths = "best",
    seed: int = 0,
) -> Realignment:
    """Learn from guessed targets, align anew, learn on, and so on.

    Parameters
    ----------
    strips, held_out
        At least one of each: what is learned from, and what is only looked at.
    guess
        For a strip the (T,) position in its target that each column is said to show.
    rounds
        How often to align anew; 0 learns from the guess alone.
    paths
        "best": the best alignment is the next target; "all": the posterior of each symbol is.
    seed
        Of the first weights, and of the order of learning.

    Raises
    ------
    ValueError
        There is no strip, or an argument is malformed.
    """
    if paths not in ("best", "all"):
        raise ValueError(f"paths is {paths!r}; choose 'best' or 'all'")
    rounds = check_count("rounds", rounds, 0, "rounds")
    if len(strips) == 0 or len(held_out) == 0:
        raise ValueError("strips or held_out is empty; give at least one strip of each")
    windows = [column_windows(strip.image, REACH) for strip in strips]
    strings = [encode(strip.target, STRIP_SYMBOLS) for strip in strips]
    truth = np.concatenate([symbol_columns(strip.labels) for strip in strips])
    unseen = np.vstack([column_windows(strip.image, REACH) for strip in held_out])
    unseen_truth = np.concatenate([symbol_columns(strip.labels) for strip in held_out])
    learner = Learner(windows[0].shape[1], np.random.default_rng(seed))
    wanted = [_one_hot(string[_checked(guess(strip), strip)]) for strip, string in zip(strips, strings, strict=True)]
    history, right, error = [], [], []
    for n in range(rounds + 1):
        if n:
            share = np.vstack(wanted).mean(axis=0)
            wanted = [aligned(learner.net, x, string, share, paths) for x, string in zip(windows, strings, strict=True)]
        learner.learn(np.vstack(windows), np.vstack(wanted), LATER if n else FIRST)
        history.append(tuple(wanted))
        right.append(np.vstack(wanted)[np.arange(len(truth)), truth].mean())
        error.append((logits(learner.net, unseen).argmax(axis=1) != unseen_truth).mean())
    return Realignment(tuple(strips), tuple(history), np.array(right), np.array(error))


def _checked(path: ArrayLike, strip: Strip) -> NDArray[np.intp]:
    """Return a path through the target of a strip, or say that it is none."""
    path, K, T = np.asarray(path), len(strip.target), strip.image.shape[1]
    if path.shape != (T,) or path.dtype.kind not in "iu":
        raise ValueError(f"guess gives shape {path.shape} of {path.dtype} for {T} columns; give each column a position")
    if path[0] != 0 or path[-1] != K - 1 or not set(np.diff(path).tolist()) <= {0, 1}:
        raise ValueError(
            f"guess gives the positions {path.tolist()}; they begin at 0, stay or advance by one, and end at {K - 1}"
        )
    return path


def _one_hot(labels: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.eye(len(STRIP_SYMBOLS))[labels]


def aligned(net: MLP, x: NDArray, string: NDArray, share: NDArray, paths: Paths) -> NDArray[np.float64]:
    """Return the targets of the columns of a strip after one more alignment; ``share`` is p(symbol)."""
    scaled = log_softmax(logits(net, x) - np.log(share + 1e-3))  # one sum a column: no alignment gains by it
    if paths == "best":
        return _one_hot(align(scaled, string).labels)
    wanted = np.zeros_like(scaled)
    np.add.at(wanted.T, string, occupancy(scaled, string)[0].T)  # a symbol may stand at several positions
    return wanted


class Learner:
    """A perceptron with one hidden layer, and Adam (Kingma and Ba 2015) on batches of columns."""

    def __init__(self, inputs: int, rng: np.random.Generator):
        self.rng, self.net, self.steps = rng, random_mlp(rng, inputs, HIDDEN, len(STRIP_SYMBOLS)), 0
        self.mean = {name: np.zeros_like(value) for name, value in self.net.parameters.items()}
        self.square = {name: np.zeros_like(value) for name, value in self.net.parameters.items()}

    def learn(self, x: NDArray, wanted: NDArray, passes: int) -> None:
        """Go over all columns some times, in an order that is drawn anew each time."""
        for _ in range(passes):
            order = self.rng.permutation(len(x))
            for start in range(0, len(x), BATCH):
                rows = order[start : start + BATCH]
                self.step(x[rows], wanted[rows])

    def step(self, x: NDArray, wanted: NDArray) -> None:
        """Take one step on (n, D) inputs and (n, 11) probabilities that they are to have."""
        net = self.net
        h = np.tanh(x @ net.W_1.T + net.b_1)
        d_logits = (np.exp(log_softmax(h @ net.W_2.T + net.b_2)) - wanted) / len(x)
        dz = (d_logits @ net.W_2) * (1 - h * h)
        gradients = {"W_1": dz.T @ x, "b_1": dz.sum(axis=0), "W_2": d_logits.T @ h, "b_2": d_logits.sum(axis=0)}
        self.steps += 1
        moved = {}
        for name, gradient in gradients.items():
            self.mean[name] = 0.9 * self.mean[name] + 0.1 * gradient
            self.square[name] = 0.999 * self.square[name] + 0.001 * gradient**2
            mean, square = self.mean[name] / (1 - 0.9**self.steps), self.square[name] / (1 - 0.999**self.steps)
            moved[name] = net.parameters[name] - RATE * mean / (np.sqrt(square) + 1e-8)
        self.net = net.with_parameters(**moved)
