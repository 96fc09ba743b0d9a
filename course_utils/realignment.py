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
from course_utils.descent import adam
from course_utils.losses import check_count, log_softmax
from course_utils.mlp import MLP, logits, random_mlp, soft_loss_and_gradients
from course_utils.posteriors import encode
from course_utils.viterbi import align, check_fits

REACH, HIDDEN = 5, 32  # columns to either side that are seen, and hidden units
FIRST, LATER = 20, 6  # passes over all columns, for the guess and in each round
BATCH, RATE = 256, 5e-3


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
    rng, x = np.random.default_rng(seed), np.vstack(windows)
    net = random_mlp(rng, x.shape[1], HIDDEN, len(STRIP_SYMBOLS))
    wanted = [_one_hot(string[_checked(guess(strip), strip)]) for strip, string in zip(strips, strings, strict=True)]
    history, right, error = [], [], []
    for n in range(rounds + 1):
        if n:
            share = np.vstack(wanted).mean(axis=0)
            wanted = [
                aligned(net, window, string, share, paths) for window, string in zip(windows, strings, strict=True)
            ]
        net = learn(net, x, np.vstack(wanted), LATER if n else FIRST, rng)
        history.append(tuple(wanted))
        right.append(np.vstack(wanted)[np.arange(len(truth)), truth].mean())
        error.append((logits(net, unseen).argmax(axis=1) != unseen_truth).mean())
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


def learn(net: MLP, x: NDArray, wanted: NDArray, passes: int, rng: np.random.Generator) -> MLP:
    """Go over all columns some times, batch by batch, in an order that is drawn anew each time.

    Parameters
    ----------
    net
        To begin with.
    x, wanted
        (n, D) windows, and (n, 11) probabilities that they are to have.
    passes
        How many times.
    rng
        Draws the order.
    """
    batches = [rows for _ in range(passes) for rows in np.array_split(rng.permutation(len(x)), -(-len(x) // BATCH))]

    def loss_and_gradients(parameters: dict, n: int) -> tuple[float, dict]:
        loss, gradients = soft_loss_and_gradients(MLP(**parameters), x[batches[n]], wanted[batches[n]])
        size = len(batches[n])
        return loss / size, {name: gradient / size for name, gradient in gradients.items()}

    found, _ = adam(loss_and_gradients, net.parameters, len(batches), RATE)
    return MLP(**found)
