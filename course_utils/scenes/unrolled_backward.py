"""Back-propagation through time in an unrolled network, from the last step to the first (chapter 4)."""

import numpy as np
from numpy.typing import NDArray

from course_utils.bptt import BackwardPass
from course_utils.losses import FrameLosses
from course_utils.scenes.scene import Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, document
from course_utils.scenes.unrolled import (
    LEGEND,
    WEIGHTS,
    WIDE,
    Unrolled,
    added,
    bracketed,
    check_size,
    given,
    latex_vector,
    mark,
    products,
    tint,
)
from course_utils.scenes.wording import log_number, number, plural

BACKWARD_ROWS = {
    "do": "derivative of the loss with respect to output {k} at t = {t}",
    "direct": "direct part of delta, unit {k} at t = {t}",
    "future": "part of delta from the future, unit {k} at t = {t}",
    "delta": "delta of unit {k} at t = {t}",
    "dz": "derivative with respect to the input of the activation, unit {k} at t = {t}",
    "adds": "size of what the step t = {t} adds to the gradient of W_hh",
}


def bptt_scene(back: BackwardPass, losses: FrameLosses) -> Scene:
    """Go back through an unrolled network from the last step to the first; weights and inputs can be edited.

    The derivative of a state has two parts, from the loss of its own step and from the future, which stand in rows of
    their own. Below, the gradients of the weights grow with what each step adds.

    Parameters
    ----------
    back
        Of a single sequence of 1 to 8 steps, with at most 3 inputs, units and outputs.
    losses
        Where it begins: the right symbols, and what each step counts.

    Raises
    ------
    ValueError
        It is too large to draw.
    """
    return _Backwards(back, losses).scene()


class _Backwards:
    """Back-propagation through time as a scene."""

    def __init__(self, back: BackwardPass, losses: FrameLosses):
        check_size(back.forward)
        self.back, self.forward, self.net, self.losses = back, back.forward, back.forward.net, losses
        self.y, self.direct, self.future = self.forward.y, back.direct, back.future
        A, H, D = len(self.net.W_hy), len(self.net.W_hh), self.forward.x.shape[1]
        rows = [
            ("do", A, 0),
            ("direct", H, 0),
            ("future", H, 0),
            ("delta", H, 0),
            ("dz", H, 0),
            ("h", H, -1),
            ("x", D, 0),
            ("adds", 1, 0),
        ]
        self.where = Unrolled(self.forward, rows, WIDE)
        self.added = {name: back.contributions(name) for name in WEIGHTS}
        self.title = f"Back-propagation through {plural(self.where.T, 'step')} of a recurrent network"

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(self.where.T - 1, -1, -1):
            self._loss(board, t)
            self._direct(board, t)
            self._future(board, t)
            self._through(board, t)
            self._add(board, t)
        self._initial(board)
        return Scene(
            self.title, self.drawing(), tuple(board.steps), self.numbers(), edits=self.where.edits(), legend=LEGEND
        )

    def _block(self, row: str, t: int) -> list[str]:
        return [mark(row, t, k) for k in range(self.where.rows[row][1])]

    def _fill(self, row: str, t: int, values: NDArray) -> dict[str, Mark]:
        return {mark(row, t, k): Mark(text=log_number(float(v)), level=tint(v)) for k, v in enumerate(values)}

    def _matrix(self, name: str, prefix: str = "") -> list[str]:
        value = self.net.parameters[name]
        shape = value.shape if value.ndim == 2 else (len(value), 1)
        return [f"{prefix}{name}-{r}-{c}" for r, c in np.ndindex(shape)]

    def _loss(self, board: Storyboard, t: int) -> None:
        y, right, weight = self.y[t], self.losses.target[t], self.losses.weights[t]
        counted = "" if weight == 1 else f" Times its weight {number(float(weight), 3)}:"
        says = (
            f"t = {t}: the loss pulls at the outputs. y − y* with y = {_listed(y)} and the right symbol {right}.{counted} "
            f"dL/do = {_listed(self.back.d_logits[t])}."
        )
        if weight == 0:
            says = f"t = {t}: there is no loss at this step, so dL/do = 0."
        formula = rf"\frac{{dL}}{{do_{{{t}}}}} = {latex_vector(self.back.d_logits[t])}"
        now = {name: ("now", "done") for name in self._block("do", t)}
        board.step(
            says, formula, keep=self._fill("do", t, self.back.d_logits[t]), now=now, computes=self._block("do", t)
        )

    def _direct(self, board: Storyboard, t: int) -> None:
        d, W, direct = self.back.d_logits[t], self.net.W_hy, self.direct[t]
        sums = "; ".join(f"{added(products(W[:, i], d))} = {log_number(float(v))}" for i, v in enumerate(direct))
        says = f"t = {t}: the direct part of delta goes back through W_hy, column by column: {sums}."
        now = {name: ("won", "done") for name in [*self._block("do", t), *self._matrix("W_hy")]}
        now |= {name: ("now", "done") for name in self._block("direct", t)} | {f"pull-{t}": ("won", "idle")}
        formula = rf"W_{{hy}}^T \frac{{dL}}{{do_{{{t}}}}} = {latex_vector(direct)}"
        board.step(says, formula, keep=self._fill("direct", t, direct), now=now, computes=self._block("direct", t))

    def _future(self, board: Storyboard, t: int) -> None:
        last = t == self.where.T - 1
        future, delta, direct, W = self.future[t], self.back.delta[t], self.direct[t], self.net.W_hh
        keep = self._fill("future", t, future) | self._fill("delta", t, delta)
        now = {name: ("now", "done") for name in [*self._block("future", t), *self._block("delta", t)]}
        now |= {name: ("won", "done") for name in self._block("direct", t)}
        computes = [*self._block("future", t), *self._block("delta", t)]
        both = "; ".join(
            f"{a} + {bracketed(b)} = {c}"
            for a, b, c in zip(*(map(log_number, v.tolist()) for v in (direct, future, delta)), strict=True)
        )
        if last:
            keep |= {name: Mark(text="0") for name in self._block("future", t)}
            says = f"t = {t} is the last step: nothing comes from the future, so delta is the direct part, {_listed(delta)}."
            formula = rf"\delta_{{{t}}} = {latex_vector(delta)}"
        else:
            coming = self.back.dz[t + 1]
            sums = "; ".join(
                f"{added(products(W[:, i], coming))} = {log_number(float(v))}" for i, v in enumerate(future)
            )
            says = (
                f"t = {t}: from the future comes what dz at t = {t + 1} sends back through W_hh, column by column: {sums}. "
                f"Both parts together are delta: {both}."
            )
            now |= {name: ("won", "done") for name in [*self._block("dz", t + 1), *self._matrix("W_hh")]} | {
                f"back-{t + 1}": ("won", "idle")
            }
            formula = (
                rf"\delta_{{{t}}} = {latex_vector(direct)} + W_{{hh}}^T {latex_vector(coming)} = {latex_vector(delta)}"
            )
        board.step(says, formula, keep=keep, now=now, computes=computes)

    def _through(self, board: Storyboard, t: int) -> None:
        delta, dz, slope = self.back.delta[t], self.back.dz[t], self.forward.slope[t]
        said = "; ".join(
            f"{log_number(d)} × {bracketed(log_number(s))} = {log_number(v)}"
            for d, s, v in zip(delta.tolist(), slope.tolist(), dz.tolist(), strict=True)
        )
        how = {"tanh": "1 − h²", "sigmoid": "h (1 − h)", "relu": "1 where h is above 0, else 0", "identity": "1"}
        says = f"t = {t}: through the activation. Its slope is {how[self.net.activation]}, here {_listed(slope)}, so dz = {said}."
        now = {name: ("won", "done") for name in [*self._block("delta", t), *self._block("h", t)]}
        now |= {name: ("now", "done") for name in self._block("dz", t)}
        formula = rf"\frac{{dL}}{{dz_{{{t}}}}} = \delta_{{{t}}} \odot {latex_vector(slope)} = {latex_vector(dz)}"
        board.step(says, formula, keep=self._fill("dz", t, dz), now=now, computes=self._block("dz", t))

    def _add(self, board: Storyboard, t: int) -> None:
        keep, now = {}, {}
        for name in WEIGHTS:
            total = self.added[name][t:].sum(axis=0)
            for at, v in np.ndenumerate(total if total.ndim == 2 else total[:, None]):
                keep[f"d{name}-{at[0]}-{at[1]}"] = Mark(text=log_number(float(v)), level=tint(v))
            now |= {m: ("now", "done") for m in self._matrix(name, "d")}
        before = "the initial state" if t == 0 else f"h at t = {t - 1}"
        size = float(np.linalg.norm(self.added["W_hh"][t]))
        says = (
            f"t = {t}: what this step adds. To dW_hh it adds dz times {before}, a matrix of size {log_number(size)}, whose "
            f"first entry is {_product(self.back.dz[t, 0], self.forward.h_before[t, 0])}; to dW_xh dz times the input; to db_h dz. "
            f"dW_hy needs no dz: it gets dL/do times h at t = {t}."
        )
        if t == 0:
            says += " All steps are in: these are the gradients."
        keep |= {mark("adds", t, 0): Mark(text=log_number(size), level=tint(size))}
        now |= {mark("adds", t, 0): ("now", "done")}
        sources = [*self._block("dz", t), *self._block("h", t - 1), *self._block("x", t), *self._block("do", t)]
        now |= {name: ("won", "done") for name in sources}
        formula = rf"dW_{{hh}} \leftarrow dW_{{hh}} + {latex_vector(self.back.dz[t])} {latex_vector(self.forward.h_before[t])}^T"
        board.step(says, formula, keep=keep, now=now, computes=[mark("adds", t, 0), *self._matrix_marks_at(t)])

    def _matrix_marks_at(self, t: int) -> list[str]:
        return [m for name in WEIGHTS for m in self._matrix(name, "d")] if t == 0 else []

    def _initial(self, board: Storyboard) -> None:
        dz, W, value = self.back.dz[0], self.net.W_hh, self.back.gradients["h_init"]
        sums = "; ".join(f"{added(products(W[:, i], dz))} = {log_number(float(v))}" for i, v in enumerate(value))
        says = f"One step further back: the gradient of the initial state, if that is learned. {sums}."
        now = {name: ("won", "done") for name in [*self._block("dz", 0), *self._matrix("W_hh")]} | {
            "back-0": ("won", "idle")
        }
        cells = [f"dh_init-0-{i}" for i in range(len(value))]
        now |= {name: ("now", "done") for name in cells}
        keep = {name: Mark(text=log_number(float(v)), level=tint(v)) for name, v in zip(cells, value, strict=True)}
        board.step(
            says,
            rf"\frac{{dL}}{{dh_{{-1}}}} = W_{{hh}}^T {latex_vector(dz)} = {latex_vector(value)}",
            keep=keep,
            now=now,
            computes=cells,
        )

    def drawing(self) -> str:
        where, T = self.where, self.where.T
        marks = where.times()
        initial = self.net.h_init
        marks += where.cells("h", -1, [given(v) for v in initial], "initial state of unit {k}", state="done", css="cell emission")  # fmt: skip
        for t in range(T):
            x = self.forward.x[t]
            marks += where.cells("x", t, [given(v) for v in x], "input {k} at t = {t}", state="done", css="cell emission")  # fmt: skip
            marks += where.cells(
                "h", t, [log_number(float(v)) for v in self.forward.h[t]], "unit {k} at t = {t}", state="done"
            )
            for row, label in BACKWARD_ROWS.items():
                marks += where.cells(row, t, [""] * where.rows[row][1], label)
            marks.append(where.upwards(f"pull-{t}", "direct", "do", t, down=True))
            marks.append(self._back_arrow(t))
        names = {
            "do": "dL/do", "direct": "direct", "future": "future", "delta": "delta", "dz": "dz", "h": "state h",
            "x": "input x", "adds": "to dW_hh",
        }  # fmt: skip
        marks += [*where.panel(), *where.panel(gradients=True), where.names(names, ["weights", "gradients"])]
        height = where.panel_top + 2 * where.panel_height
        return document(max(where.right, where.panel_right(gradients=True)), height, marks, self.title)

    def _back_arrow(self, t: int) -> str:
        """Draw the arrow from dz at t to the future part of the column before, or to the initial state."""
        left, top, _, bottom = self.where.block("dz", t)
        row = "future" if t > 0 else "h"
        _, to_top, right, to_bottom = self.where.block(row, t - 1)
        return arrow(
            f"back-{t}", (left - 4, (top + bottom) / 2), (right + 5, (to_top + to_bottom) / 2), state="idle", size=7
        )

    def numbers(self) -> Table:
        T = self.where.T
        rows = [
            (f"dL/do[{k}]", *(log_number(float(v)) for v in self.back.d_logits[:, k]))
            for k in range(len(self.net.W_hy))
        ]
        for name, values in (
            ("direct", self.direct),
            ("future", self.future),
            ("delta", self.back.delta),
            ("dz", self.back.dz),
        ):
            rows += [(f"{name}[{i}]", *(log_number(float(v)) for v in values[:, i])) for i in range(values.shape[1])]
        for name in (*WEIGHTS, "h_init"):
            total = " ".join(log_number(float(v)) for v in self.back.gradients[name].ravel())
            rows.append((f"d{name}, row by row", total, *[""] * (T - 1)))
        return Table(self.title, ("", *(f"t = {t}" for t in range(T))), tuple(rows))


def _product(a: float, b: float) -> str:
    return f"{log_number(float(a))} × {bracketed(log_number(float(b)))} = {log_number(float(a * b))}"


def _listed(values: NDArray) -> str:
    return "(" + ", ".join(log_number(float(v)) for v in values) + ")"
