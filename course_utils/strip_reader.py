"""The torch models that the notebooks train. The only module that imports torch.

Random numbers come from NumPy, so that a training run begins the same way with every version of torch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.ctc_loss import batch_loss_and_gradient
from course_utils.data import STRIP_HEIGHT, STRIP_SYMBOLS, Strip, digit_strips
from course_utils.decoding import character_error_rate, greedy

try:
    import torch
    from torch import nn
    from torch.autograd.function import once_differentiable
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError(
        "torch is not installed (there is none for Macs with an Intel processor, nor for Windows on ARM): the cells that "
        "train a network or compare with torch cannot run; everything else in the course can.",
        name="torch",
    ) from None

BLANK = len(STRIP_SYMBOLS) - 1  # the gap between digits serves as the blank
Loss = Literal["torch", "course"]


class StripReader(nn.Module):
    """A two-way LSTM that reads a strip of digits column by column.

    Two convolutions look at the neighbourhood of each pixel, each followed by pooling of pairs of rows. What they say
    of a column is brought to mean 0 and variance 1. The LSTM runs over the columns from both ends, and a linear layer
    gives eleven logits a column: ten digits and the blank, which is column 10.

    Parameters
    ----------
    channels
        Of the first convolution; the second has twice as many.
    hidden
        Units of the LSTM in each direction.
    seed
        Of the initial weights.
    """

    def __init__(self, channels: int = 16, hidden: int = 64, seed: int = 0):
        super().__init__()
        pool = nn.MaxPool2d((2, 1))
        self.look = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), pool,
            nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), pool,
        )  # fmt: skip
        self.lstm = nn.LSTM(2 * channels * (STRIP_HEIGHT // 4), hidden, bidirectional=True)
        self.name = nn.Linear(2 * hidden, len(STRIP_SYMBOLS))
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            for weight in self.parameters():
                bound = 1 / np.sqrt(weight[0].numel() if weight.ndim > 1 else hidden)
                weight.copy_(torch.from_numpy(rng.uniform(-bound, bound, weight.shape)))

    def forward(
        self, images: torch.Tensor, dropout: Callable[[torch.Tensor], torch.Tensor] = lambda x: x
    ) -> torch.Tensor:
        """Turn (B, STRIP_HEIGHT, T) images into (T, B, 11) logits, with ``dropout`` before and behind the LSTM."""
        seen = self.look(images[:, None]).permute(3, 0, 1, 2).flatten(2)
        level = nn.functional.layer_norm(seen, seen.shape[2:])  # without it, training takes twice as long
        states, _ = self.lstm(dropout(level))
        return self.name(dropout(states))

    def log_probabilities(self, image: ArrayLike) -> NDArray[np.float64]:
        """Return (T, 11) natural log-probabilities of the columns of one image, in the order of STRIP_SYMBOLS."""
        dtype = self.name.weight.dtype
        with torch.no_grad(), _one_thread():
            logits = self(torch.as_tensor(np.asarray(image), dtype=dtype)[None])[:, 0]
        return logits.double().log_softmax(-1).numpy()

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return all parameters by their names, as they can be kept."""
        return {name: weight.detach().float().numpy() for name, weight in self.named_parameters()}

    def load(self, weights: Mapping[str, NDArray]) -> "StripReader":
        """Take over parameters that :meth:`weights` has returned.

        Raises
        ------
        ValueError
            They are those of another network.
        """
        mine = dict(self.named_parameters())
        if {name: tuple(w.shape) for name, w in mine.items()} != {name: w.shape for name, w in weights.items()}:
            raise ValueError(
                f"weights has {', '.join(weights)}; give the arrays that weights() of such a reader returns"
            )
        with torch.no_grad():
            for name, weight in mine.items():
                weight.copy_(torch.from_numpy(np.array(weights[name])))
        return self

    def read(self, image: ArrayLike) -> str:
        """Read one image by greedy decoding."""
        return spell(greedy(self.log_probabilities(image), BLANK))


def spell(labels: Sequence[int]) -> str:
    """Write column indices as digits."""
    return "".join(STRIP_SYMBOLS[k] for k in labels)


class _CourseCTC(torch.autograd.Function):
    """The loss of chapter 9 as torch sees it: forward computes the gradient as well, backward hands it on."""

    @staticmethod
    def forward(ctx, logits, targets, lengths):
        log_y = logits.detach().double().log_softmax(-1).numpy().transpose(1, 0, 2)
        losses, gradients = batch_loss_and_gradient(log_y, targets, lengths, BLANK)
        ctx.save_for_backward(torch.from_numpy(gradients.transpose(1, 0, 2).copy()).to(logits.dtype))
        return torch.tensor(losses.sum(), dtype=logits.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, above):
        (gradient,) = ctx.saved_tensors
        return above * gradient, None, None


def ctc_loss(
    logits: torch.Tensor, targets: Sequence[Sequence[int]], lengths: Sequence[int], loss: Loss = "torch"
) -> torch.Tensor:
    """Sum of the CTC losses of a ragged batch, in nats.

    Parameters
    ----------
    logits
        (T, B, 11).
    targets
        B sequences of column indices without the blank.
    lengths
        Frames of each utterance.
    loss
        Whose: "torch", or "course" for :func:`course_utils.ctc_loss.batch_loss_and_gradient`.

    Raises
    ------
    ValueError
        ``loss`` is none of the two.
    """
    if loss == "course":
        return _CourseCTC.apply(logits, targets, np.asarray(lengths))
    if loss != "torch":
        raise ValueError(f"loss is {loss!r}; choose 'torch' or 'course'")
    joined = torch.tensor([k for target in targets for k in target])
    of_each = torch.tensor([len(target) for target in targets])
    log_y = logits.log_softmax(-1)
    return nn.functional.ctc_loss(log_y, joined, torch.tensor(lengths), of_each, blank=BLANK, reduction="sum")


@dataclass
class Curves:
    """What training is to be watched by, each a list of (iteration, value).

    ``loss`` is in nats for each digit of a batch; ``error`` the character error rate on strips to watch;
    ``posteriors`` the (T, 11) probabilities of the first of these.
    """

    loss: list[tuple[int, float]] = field(default_factory=list)
    error: list[tuple[int, float]] = field(default_factory=list)
    posteriors: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)


def train_reader(
    iterations: int = 1600,
    *,
    batch: int = 16,
    learning_rate: float = 5e-3,
    dropout: float = 0.2,
    distortion: float = 1.0,
    seed: int = 0,
    loss: Loss = "torch",
    dtype: torch.dtype = torch.float32,
    watch: Callable[[int, Curves], None] | None = None,
    watched: Sequence[Strip] = (),
    every: int = 100,
) -> tuple[StripReader, Curves]:
    """Train a :class:`StripReader` on strips of 3 to 6 training digits, laid out and distorted anew for each step.

    Parameters
    ----------
    iterations, batch
        Steps of Adam, and strips in each.
    learning_rate
        Its peak: it rises over the first 15 % of the run and falls to nothing in the rest.
    dropout
        Share of what goes into the LSTM and of what comes out of it that is left out in training.
    distortion
        As for :func:`course_utils.data.distort`.
    seed
        Of everything random.
    loss
        As for :func:`ctc_loss`.
    dtype
        Of the weights.
    watch
        Called every ``every`` iterations with the number done and the curves so far.
    watched
        Strips whose error rate is measured then, and what the reader says of the first one; nothing is fitted to them.
    every
        See ``watch``.

    Returns
    -------
    reader, curves
        The reader, and its loss at every iteration.
    """
    rng, curves = np.random.default_rng(seed), Curves()
    reader = StripReader(seed=seed).to(dtype)
    optimiser = torch.optim.Adam(reader.parameters(), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=max(iterations, 2), pct_start=0.15
    )
    with _one_thread():
        for n in range(1, iterations + 1):
            # one length for all: the LSTM runs as long as the longest strip of a batch
            strips = digit_strips(batch, int(rng.integers(3, 7)), rng, "train", distortion=distortion)
            T = max(strip.image.shape[1] for strip in strips)
            logits = reader(_padded(strips, T, dtype), lambda x: _leave_out(x, dropout, rng))
            targets = [[int(digit) for digit in strip.digits] for strip in strips]
            total = ctc_loss(logits, targets, [strip.image.shape[1] for strip in strips], loss)
            optimiser.zero_grad()
            (total / batch).backward()
            nn.utils.clip_grad_norm_(reader.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            curves.loss.append((n, total.item() / sum(map(len, targets))))
            if watch is not None and (n % every == 0 or n == iterations):
                if watched:
                    read = [reader.read(strip.image) for strip in watched]
                    curves.error.append((n, character_error_rate(read, [strip.digits for strip in watched])))
                    curves.posteriors.append((n, np.exp(reader.log_probabilities(watched[0].image))))
                watch(n, curves)
    return reader, curves


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: for small matrices a second one costs more than it gives, much more on busy cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _leave_out(x: torch.Tensor, share: float, rng: np.random.Generator) -> torch.Tensor:
    keep = rng.random(tuple(x.shape), dtype=np.float32) >= share
    return x * torch.from_numpy(keep / np.float32(1 - share)).to(x.dtype)


def _padded(strips: Sequence[Strip], T: int, dtype: torch.dtype) -> torch.Tensor:
    """Lay images of different widths into one array, with white paper to their right."""
    images = np.zeros((len(strips), STRIP_HEIGHT, T))
    for image, strip in zip(images, strips, strict=True):
        image[:, : strip.image.shape[1]] = strip.image
    return torch.as_tensor(images, dtype=dtype)
