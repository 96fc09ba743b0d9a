"""Frames that change places, and what an MLP and a recurrent network make of them (section 2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from course_utils.permutation import Permutation
from course_utils.scenes.edits import Number
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Hint, Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, document, pinned, row_name, text
from course_utils.scenes.wording import latex_number, log_number, number, plural

INPUT = partial(Number, name="input", low=-5, high=5, grain=0.1)
FEWEST, MOST = 2, 7  # frames that the picture takes
LEFT, WIDE, HIGH, ACROSS = 118, 74, 34, 108
ROWS = {"x": 36, "frame": 118, "target": 168, "mlp": 246, "rnn": 296}  # top of each row
HUES = {"x": "input", "frame": "input", "target": "", "mlp": "output", "rnn": "output"}
LEGEND = Legend(
    {
        "now": "changes places",
        "won": "the number went along with its frame",
        "lost": "not the number that the frame had",
    },
    shade="a probability",
    letters={"x": "input", "y": "output"},
)
NAMES = {"x": "frames", "frame": "in order", "target": "target", "mlp": "MLP", "rnn": "recurrent"}


def permutation_scene(permutation: Permutation, symbols: Sequence[str] = ("+", "−")) -> Scene:
    """Swap neighbouring frames, one pair a step, until they stand in another order.

    Every frame takes its target along. Both networks say how probable the target of each frame is.

    Parameters
    ----------
    permutation
        Of 2 to 7 frames, with a swap at least; the frames can be edited.
    symbols
        The name of each output of the networks.

    Raises
    ------
    ValueError
        There are too many or too few frames, none of them moves, or the outputs and their names are not as many.
    """
    T, order = len(permutation.x), permutation.order[-1].tolist()
    if not FEWEST <= T <= MOST:
        raise ValueError(f"x has {T} frames; the picture takes {FEWEST} to {MOST} frames")
    if not permutation.swapped:
        raise ValueError(f"order is {order}, as the frames stand already; choose another one")
    outputs = {"mlp": len(permutation.mlp.W_2), "rnn": len(permutation.rnn.W_hy)}
    if set(outputs.values()) != {len(symbols)}:
        raise ValueError(
            f"the networks have {outputs['mlp']} and {outputs['rnn']} outputs, and symbols has {len(symbols)} names; "
            "these must be as many"
        )
    return _Picture(permutation, symbols).scene()


@dataclass(frozen=True, eq=False)
class _Said:
    """What both networks say of the frames in one order: losses by place, and what is shown of them by frame."""

    order: NDArray[np.intp]
    losses: dict[str, NDArray[np.float64]]

    def shown(self, network: str) -> dict[int, str]:
        """Return for each frame the probability of its target, as it is written."""
        return {
            int(f): number(float(np.exp(-loss)), 3) for f, loss in zip(self.order, self.losses[network], strict=True)
        }

    def total(self, network: str) -> str:
        """Return the sum of its losses, as it is written."""
        return log_number(float(self.losses[network].sum()))


class _Picture:
    def __init__(self, permutation: Permutation, symbols: Sequence[str]):
        self.x, self.target, self.swapped = permutation.x, permutation.target, permutation.swapped
        self.symbols, self.T, self.names = symbols, len(self.x), ascii_lowercase[: len(self.x)]
        rows = zip(permutation.order, permutation.mlp_loss, permutation.rnn_loss, strict=True)
        self.said = [_Said(order, {"mlp": mlp, "rnn": rnn}) for order, mlp, rnn in rows]
        self.title = f"Frames in the order {' '.join(self.names[f] for f in permutation.order[-1])}"

    def scene(self) -> Scene:
        board = Storyboard()
        board.step(self.opening(), self.formula(self.said[0]), keep=self.written(self.said[0]))
        for t, (before, after) in zip(self.swapped, pairwise(self.said), strict=True):
            moved = {f"{row}-{place}": ("now", "done") for row in ("frame", "target") for place in (t, t + 1)}
            moved |= {f"swap-{t}-{way}": ("won", "hidden") for way in ("on", "back")}
            moved |= {f"mlp-{place}": ("won", "done") for place in (t, t + 1)}
            moved |= {f"rnn-{place}": ("lost", "done") for place in self.changed(before, after)}
            board.step(self.sentence(t, before, after), self.formula(after), keep=self.written(after), now=moved)
        first, last = self.said[0], self.said[-1]
        ends = {f"mlp-{place}": ("won", "won") for place in range(self.T)}
        ends |= {f"rnn-{place}": ("lost", "lost") for place in self.changed(first, last)}
        board.step(self.ending(first, last), self.formula(last), now=ends)
        return Scene(self.title, self.drawing(), tuple(board.steps), self.numbers(), self.hints(), self.edits(), LEGEND)

    def hints(self) -> dict[str, Hint]:
        """Say of each output which frames it depends on."""
        found = {}
        for t in range(self.T):
            alone = f"This output depends on the frame at t = {t} and on no other."
            found[f"mlp-{t}"] = Hint(alone, rf"y_{{{t}}} = f(x_{{{t}}})")
            seen = ", ".join(f"x_{{{s}}}" for s in range(t + 1))
            words = "the frame at t = 0" if t == 0 else f"all frames from t = 0 to t = {t}"
            found[f"rnn-{t}"] = Hint(f"This output depends on {words}.", rf"y_{{{t}}} = g({seen})")
        return found

    def edits(self) -> dict[str, Number]:
        """Let the reader change the inputs; the place of one is (frame,)."""
        return {f"x-{t}": INPUT((t,), float(value)) for t, value in enumerate(self.x)}

    def changed(self, before: _Said, after: _Said) -> list[int]:
        """Return the places whose frame had another number from the recurrent network before."""
        old, new = before.shown("rnn"), after.shown("rnn")
        return [place for place, f in enumerate(after.order.tolist()) if old[f] != new[f]]

    def written(self, said: _Said) -> dict[str, Mark]:
        """Return what stands in every cell that changes."""
        marks = {f"total-{network}": Mark(text=said.total(network)) for network in said.losses}
        for place, f in enumerate(said.order.tolist()):
            marks[f"frame-{place}"] = Mark(text=f"{self.names[f]}  {number(float(self.x[f]), 3)}")
            marks[f"target-{place}"] = Mark(text=str(self.symbols[self.target[f]]))
            for network, losses in said.losses.items():
                marks[f"{network}-{place}"] = Mark(
                    text=said.shown(network)[f], level=0.45 * float(np.exp(-losses[place]))
                )
        return marks

    def opening(self) -> str:
        said = self.said[0]
        return (
            f"{self.T} frames, each with its target. Below them stands how probable each network finds the target. "
            f"The losses, −ln of these, sum to {said.total('mlp')} for the MLP and to {said.total('rnn')} for "
            "the recurrent network."
        )

    def sentence(self, t: int, before: _Said, after: _Said) -> str:
        right, left = after.order[t], after.order[t + 1]
        shown, places = after.shown("mlp"), self.changed(before, after)
        says = (
            f"Frames {self.names[left]} and {self.names[right]} change places, t = {t} and t = {t + 1}. The "
            f"MLP's {shown[int(left)]} and {shown[int(right)]} go with them, and the sum of its losses stays "
            f"{after.total('mlp')}. "
        )
        if not places:
            return says + "In the digits shown, the recurrent network has the same number for every frame as before."
        old, new = before.total("rnn"), after.total("rnn")
        went = f"goes from {old} to {new}" if old != new else f"stays {new} in the digits shown"
        return says + (
            f"The recurrent network has another number for {plural(len(places), 'frame')}, at {_times(places)}, and the "
            f"sum of its losses {went}."
        )

    def ending(self, first: _Said, last: _Said) -> str:
        places, old, new = self.changed(first, last), first.total("rnn"), last.total("rnn")
        went = f"went from {old} to {new}" if old != new else f"is {new} as before in the digits shown"
        return (
            f"After {plural(len(self.swapped), 'swap')} each frame has the number from the MLP that it had at "
            f"first, and the sum of the losses is the same, {last.total('mlp')}. The recurrent network has another "
            f"number for {len(places)} of {self.T} frames, and its sum {went}."
        )

    def formula(self, said: _Said) -> str:
        shown = said.shown("mlp")
        terms = " ".join(rf"- \ln {latex_number(shown[f])}" for f in said.order.tolist())
        return rf"\mathcal{{L}}_{{\text{{MLP}}}} = {terms} \approx {latex_number(said.total('mlp'))}"

    def drawing(self) -> str:
        rows = {row: Lattice(LEFT, top, WIDE, HIGH, ACROSS, HIGH) for row, top in ROWS.items()}
        marks, right = [], LEFT + ACROSS * self.T
        for t in range(self.T):
            middle = rows["x"].centre(t, 0)[0]
            marks += [
                text(middle, ROWS["x"] - 16, self.names[t], "name"),
                text(middle, ROWS["frame"] - 17, f"t = {t}", "soft"),
            ]
            marks.append(
                rows["x"].cell(
                    f"x-{t}", t, 0, content=number(float(self.x[t]), 3), state="done", css="cell emission",
                    role="input", label=f"input of frame {self.names[t]}",
                )
            )  # fmt: skip
            for row in ("frame", "target", "mlp", "rnn"):
                marks.append(
                    rows[row].cell(f"{row}-{t}", t, 0, state="done", role=HUES[row], label=f"{NAMES[row]}, t = {t}")
                )
        for t in range(self.T - 1):
            start, end = rows["frame"].corner(t, 0)[0] + WIDE + 4, rows["frame"].corner(t + 1, 0)[0] - 4
            upper, lower = ROWS["frame"] + 10, ROWS["frame"] + HIGH - 10
            marks += [
                arrow(f"swap-{t}-on", (start, upper), (end, upper)),
                arrow(f"swap-{t}-back", (end, lower), (start, lower)),
            ]
        marks.append(text(right, ROWS["mlp"] - 10, "sum of losses", "soft", "start"))
        for network in ("mlp", "rnn"):
            where = Lattice(right, ROWS[network], 84, HIGH, ACROSS, HIGH)
            marks.append(where.cell(f"total-{network}", 0, 0, state="done", label=f"sum of losses, {NAMES[network]}"))
        bottom = ROWS["rnn"] + HIGH + 6
        marks.append(text(LEFT, ROWS["mlp"] - 26, "probability of the target", "soft", "start"))
        names = [
            row_name(LEFT - 14, top + HIGH / 2 + 5, NAMES[row], f"small {HUES[row]}".rstrip(), top=top, indent=LEFT)
            for row, top in ROWS.items()
        ]
        return document(right + 96, bottom, [*marks, pinned(names, LEFT - 8, bottom)], self.title)

    def numbers(self) -> Table:
        first, last = self.said[0], self.said[-1]
        header = ("frame", *self.names, "sum of losses")
        rows = [("input", *(number(float(v), 3) for v in self.x), "")]
        rows.append(("target", *(str(self.symbols[k]) for k in self.target), ""))
        for network, name in (("mlp", "MLP"), ("rnn", "recurrent")):
            for said, when in (
                (first, f"in the order {' '.join(self.names)}"),
                (last, self.title.lower().removeprefix("frames ")),
            ):
                shown = said.shown(network)
                rows.append((f"{name}, {when}", *(shown[f] for f in range(self.T)), said.total(network)))
        return Table("Probability of its target for each frame", header, tuple(rows))


def _times(places: Sequence[int]) -> str:
    """List times for reading: t = 1, 2 and 3."""
    if len(places) == 1:
        return f"t = {places[0]}"
    return f"t = {', '.join(map(str, places[:-1]))} and {places[-1]}"
