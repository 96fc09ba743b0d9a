"""Merging runs of equal symbols (section 7.2), and collapsing in two stages, in either order (section 9.2), written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from course_utils.ctc import collapse

Order = Literal["merge first", "blanks first"]


@dataclass(frozen=True)
class Stretch:
    """Equal symbols that count as one, and the frames from the first to the last of them."""

    symbol: object
    first: int
    last: int


@dataclass(frozen=True)
class Change:
    """What a stage makes of ``parts``: one symbol, or none where they are a blank that goes."""

    parts: tuple[Stretch, ...]
    left: Stretch | None


@dataclass(frozen=True)
class Collapse:
    """An alignment and what the two stages do to it.

    Attributes
    ----------
    alignment
        (T,) one symbol a frame.
    blank
        The symbol that is the blank.
    order
        "merge first" or "blanks first".
    stages
        The changes of the first stage and those of the second, each from left to right.
    merged_first
        What the alignment spells by the collapse of CTC, which merges first.
    """

    alignment: tuple
    blank: object
    order: Order
    stages: tuple[tuple[Change, ...], tuple[Change, ...]]
    merged_first: tuple

    @property
    def merges(self) -> tuple[bool, bool]:
        """Whether each stage is the one that merges; the other removes blanks."""
        return self.order == "merge first", self.order != "merge first"

    @property
    def rows(self) -> tuple[tuple[Stretch, ...], ...]:
        """The frames one by one, what the first stage leaves of them, and what the second leaves of that."""
        frames = tuple(Stretch(symbol, t, t) for t, symbol in enumerate(self.alignment))
        return frames, *(tuple(change.left for change in stage if change.left) for stage in self.stages)

    @property
    def string(self) -> tuple:
        """What is left in the end."""
        return tuple(stretch.symbol for stretch in self.rows[-1])


def collapse_in_stages(alignment: Sequence, blank=0, order: Order = "merge first") -> Collapse:
    """Merge equal neighbours and remove blanks, in the order asked for.

    Parameters
    ----------
    alignment
        (T,) symbols, one a frame.
    blank
        The symbol that is the blank.
    order
        "merge first" is the collapse of CTC; "blanks first" shows what the other order loses.

    Raises
    ------
    ValueError
        ``order`` is none of the two.
    """
    if order not in Order.__args__:
        raise ValueError(f"order is {order!r}; choose 'merge first' or 'blanks first'")
    row = [Stretch(symbol, t, t) for t, symbol in enumerate(alignment)]
    stages = []
    for merges in (order == "merge first", order != "merge first"):
        stages.append(_merge(row) if merges else _remove(row, blank))
        row = [change.left for change in stages[-1] if change.left]
    return Collapse(tuple(alignment), blank, order, tuple(stages), collapse(alignment, blank))


def runs(labels: Sequence) -> tuple[Change, ...]:
    """Put each run of equal labels into one symbol, as compressing does (section 7.2); nothing is removed.

    Parameters
    ----------
    labels
        (T,) one symbol a frame.
    """
    return _merge([Stretch(symbol, t, t) for t, symbol in enumerate(labels)])


def _merge(row: Sequence[Stretch]) -> tuple[Change, ...]:
    """Put each run of equal neighbours into one."""
    changes = []
    for symbol, group in groupby(row, key=lambda stretch: stretch.symbol):
        parts = tuple(group)
        changes.append(Change(parts, Stretch(symbol, parts[0].first, parts[-1].last)))
    return tuple(changes)


def _remove(row: Sequence[Stretch], blank) -> tuple[Change, ...]:
    """Leave each symbol as it is, and nothing of a blank."""
    return tuple(Change((stretch,), None if stretch.symbol == blank else stretch) for stretch in row)
