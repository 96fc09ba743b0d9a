"""A recurrent network unrolled over time, forwards and backwards, every number with its sum (chapters 3 and 4)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.losses import cross_entropy_gradient
from course_utils.rnn import RNN, Backward, Run, add_binary, backward, run
from course_utils.scenes.lattice import arrow, cell
from course_utils.scenes.scene import (
    Edit,
    Mark,
    Scene,
    Storyboard,
    Table,
    document,
    latex_number,
    log_number,
    number,
    pinned,
    plural,
    text,
)

NUMBER = Edit("number", -5, 5, 0.05)
MOST_STEPS, MOST_UNITS = 8, 3
WIDE, HEIGHT, GAP, LEFT, TOP = 66, 30, 4, 92, 22
WEIGHTS = ("W_xh", "W_hh", "b_h", "W_hy", "b_y")
ACTIVATIONS = {"tanh": r"\tanh", "relu": r"\mathrm{relu}", "sigmoid": r"\sigma", "identity": ""}


def rnn_scene(net: RNN, x: ArrayLike, target: ArrayLike | None = None) -> Scene:
    """Compute every unit of an unrolled network, one a step, then its outputs; weights and inputs can be edited.

    Parameters
    ----------
    net
        At most 3 inputs, units and outputs.
    x
        (T, D), 1 ≤ T ≤ 8.
    target
        (T,) the right symbols: the outputs are then probabilities, and each step shows its loss. Without a target the
        outputs are the logits themselves.

    Raises
    ------
    ValueError
        It is too large to draw, or the shapes do not go together.
    """
    return _Forward(net, x, target).scene()


def bptt_scene(net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0) -> Scene:
    """Back-propagate through an unrolled network from the last step to the first; weights and inputs can be edited.

    The derivative of a state has two parts, from the loss of its own step and from the future, which stand in rows of
    their own. Below, the gradients of the weights grow with what each step adds.

    Parameters
    ----------
    net, x
        As in :func:`rnn_scene`.
    target
        (T,) the right symbols.
    weights
        What the loss of each step counts, broadcast to (T,).

    Raises
    ------
    ValueError
        It is too large to draw, or the shapes do not go together.
    """
    return _Backwards(net, x, target, weights).scene()


def adder_scene(a: str, b: str) -> Scene:
    """Add two binary numbers with three units whose state holds the carry, digit by digit from the lowest.

    Parameters
    ----------
    a, b
        Binary numbers of at most 7 digits, such as "1011".

    Raises
    ------
    ValueError
        One is not a binary number, or too long to draw.
    """
    for name, digits in (("a", a), ("b", b)):
        if len(digits) > MOST_STEPS - 1:
            raise ValueError(f"{name} has {len(digits)} digits; the picture takes at most {MOST_STEPS - 1}")
    return _Adder(a, b).scene()


class Unrolled:
    """Geometry: a column for each time, its cells side by side in rows, and the weights below as small matrices.

    Parameters
    ----------
    forward
        The network on a single sequence.
    rows
        Of the picture from top to bottom: a name, how many cells one column has there, and the first time at which
        there is a column, −1 for the initial state or 0.
    wide
        Width of a cell.
    """

    def __init__(self, forward: Run, rows: Sequence[tuple[str, int, int]], wide: float):
        self.forward, self.net, self.wide = forward, forward.net, wide
        self.T, self.rows = len(forward.x), {name: (n, count) for n, (name, count, _) in enumerate(rows)}
        self.first = min(first for _, _, first in rows)
        self.pitch = max(count for _, count, _ in rows) * (wide + GAP) + 34
        self.down = HEIGHT + 22
        self.panel_top = TOP + 22 + self.down * len(rows) + 18
        self.right = LEFT + (self.T - self.first) * self.pitch

    def place(self, row: str, t: int, k: int) -> tuple[float, float]:
        """Return the top left corner of cell k at time t."""
        n, count = self.rows[row]
        middle = LEFT + (t - self.first + 0.5) * self.pitch - 17
        return middle + (k - count / 2) * (self.wide + GAP) + GAP / 2, TOP + 14 + n * self.down

    def block(self, row: str, t: int) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of all cells of a row at time t."""
        _, count = self.rows[row]
        left, top = self.place(row, t, 0)
        return left, top, left + count * (self.wide + GAP) - GAP, top + HEIGHT

    def cells(self, row: str, t: int, values: Sequence[str], labels: str, **how) -> list[str]:
        """Draw the cells of one block, marks row-t-k; ``how`` goes to each cell, lists of it cell by cell."""
        drawn = []
        for k, content in enumerate(values):
            x, y = self.place(row, t, k)
            own = {name: value[k] if isinstance(value, list | np.ndarray) else value for name, value in how.items()}
            drawn.append(cell(mark(row, t, k), x, y, self.wide, HEIGHT, content=content, label=labels.format(k=k, t=t), **own))  # fmt: skip
        return drawn

    def upwards(self, name: str, below: str, above: str, t: int, down: bool = False) -> str:
        """Draw an arrow between two blocks of one column."""
        left, top, right, _ = self.block(below, t)
        middle, bottom = (left + right) / 2, self.block(above, t)[3]
        start, end = (middle, top - 3), (middle, bottom + 4)
        return arrow(name, *((end, start) if down else (start, end)), state="idle", size=7)

    def onwards(self, name: str, row: str, t: int, back: bool = False) -> str:
        """Draw an arrow from the block of the column before into that at t, or back."""
        _, top, right, bottom = self.block(row, t - 1)
        left, middle = self.block(row, t)[0], (top + bottom) / 2
        start, end = (right + 4, middle), (left - 4, middle)
        return arrow(name, *((end, start) if back else (start, end)), state="idle", size=7)

    def names(self, names: dict[str, str], panels: Sequence[str]) -> str:
        """Draw the names of the rows and of the rows of matrices, which stay in sight."""
        at = {name: self.place(row, self.first, 0)[1] + 20 for row, name in names.items()}
        at |= {name: self.panel_top + n * self.panel_height + 38 for n, name in enumerate(panels)}
        drawn = [text(LEFT - 10, y, name, "small", "end") for name, y in at.items()]
        return pinned(drawn, LEFT - 5, self.panel_top + len(panels) * self.panel_height)

    def times(self) -> list[str]:
        """Draw the times above the columns."""
        middles = [(t, LEFT + (t - self.first + 0.5) * self.pitch - 17) for t in range(self.first, self.T)]
        return [text(x, TOP, "start" if t < 0 else f"t = {t}", "soft") for t, x in middles]

    def panel(self, gradients: bool = False) -> list[str]:
        """Draw the five weights, which can be edited, or below them the cells of their gradients, as small matrices."""
        drawn, left, top = [], LEFT, self.panel_top + gradients * self.panel_height
        for name in (*WEIGHTS, "h_init") if gradients else WEIGHTS:
            values = self.net.parameters[name]
            values = values if values.ndim == 2 else values[None] if name == "h_init" else values[:, None]
            title = f"d{name}" if gradients else name
            drawn.append(text(left + values.shape[1] * (WIDE + GAP) / 2, top + 8, title, "soft"))
            for (r, c), value in np.ndenumerate(values):
                how = {
                    "css": "cell emission",
                    "state": "done",
                    "content": _given(value),
                    "edit": float(value),
                }
                x, y = left + c * (WIDE + GAP), top + 18 + r * (HEIGHT + GAP)
                label = f"{title}, row {r}, column {c}"
                drawn.append(cell(f"{title}-{r}-{c}", x, y, WIDE, HEIGHT, label=label, **({} if gradients else how)))
            left += values.shape[1] * (WIDE + GAP) + 26
        return drawn

    @property
    def panel_height(self) -> float:
        """Height of one row of matrices."""
        return max(len(self.net.W_hh), len(self.net.W_hy)) * (HEIGHT + GAP) + 30

    def panel_right(self, gradients: bool = False) -> float:
        """Right end of the matrices."""
        matrices = [value for name, value in self.net.parameters.items() if gradients or name != "h_init"]
        columns = sum(1 if value.ndim == 1 else value.shape[1] for value in matrices)
        columns += gradients * (len(self.net.W_hh) - 1)  # the initial state lies on its side
        return LEFT + columns * (WIDE + GAP) + (len(matrices) - 1) * 26


def mark(row: str, t: int, k: int) -> str:
    """Name a cell of the drawing."""
    return f"{row}-{t}-{k}"


class _Forward:
    """The forward pass as a scene."""

    rows_below: tuple[tuple[str, int, int], ...] = ()

    def __init__(self, net: RNN, x: ArrayLike, target: ArrayLike | None):
        x = np.asarray(x, dtype=np.float64)
        _check_size(net, x)
        self.run, self.net = run(net, x), net
        self.target = None if target is None else _check_target(target, len(x), len(net.W_hy))
        self.losses = None if target is None else self.run.losses(self.target)
        A, H, D = len(net.W_hy), len(net.W_hh), net.W_xh.shape[1]
        rows = [("out", A, 0), ("h", H, -1), ("x", D, 0)]
        if self.losses is not None:
            rows.insert(0, ("loss", 1, 0))
        rows += self.rows_below
        whole = all(np.equal(v, np.round(v)).all() for v in (self.run.z, self.run.logits, x)) and target is None
        self.say = _given if whole else (lambda v: log_number(float(v)))
        self.where = Unrolled(self.run, rows, 36 if whole else WIDE)
        self.title = f"A recurrent network of {plural(H, 'unit')} over {plural(len(x), 'step')}"

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(self.where.T):
            for i in range(len(self.net.W_hh)):
                self._unit(board, t, i)
            self._outputs(board, t)
        return Scene(self.title, self.drawing(), tuple(board.steps), self.numbers(), edit=NUMBER)

    def _unit(self, board: Storyboard, t: int, i: int) -> None:
        before, x = self.run.h_before[t], self.run.x[t]
        terms = [(self.net.b_h[i], None), *_products(self.net.W_xh[i], x, _given)]
        terms += _products(self.net.W_hh[i], before, self.say if t > 0 else _given)
        sum_of_all = added(terms)
        z, h = self.run.z[t, i], self.run.h[t, i]
        through = "" if self.net.activation == "identity" else f", {self._through(z)} = {self.say(h)}"
        says = f"Unit {i} at t = {t}: bias, input and state before bring {sum_of_all} = {self.say(z)}"
        sources = [mark("x", t, k) for k in range(len(x))] + [mark("h", t - 1, k) for k in range(len(before))]
        sources += self._weights("W_xh", i) + self._weights("W_hh", i) + [f"b_h-{i}-0"]
        now = {name: ("won", "done") for name in sources}
        now |= {f"in-{t}": ("won", "idle"), f"on-{t}": ("won", "idle"), mark("h", t, i): ("now", "done")}
        keep = {mark("h", t, i): Mark(text=self.say(h), level=_level(h))}
        formula = rf"h_{{{t}}}[{i}] = {self._through_latex(_latex(sum_of_all))} = {_latex(self.say(h))}"
        board.step(f"{says}{through}.", formula, keep=keep, now=now, computes=[mark("h", t, i)])

    def _through(self, z: float) -> str:
        name = {"relu": "max(0, {})", "sigmoid": "sigmoid({})"}.get(self.net.activation, "tanh({})")
        return f"and {name.format(self.say(z))}"

    def _through_latex(self, inside: str) -> str:
        name = ACTIVATIONS[self.net.activation]
        return rf"{name}({inside})" if name else inside

    def _weights(self, name: str, row: int) -> list[str]:
        return [f"{name}-{row}-{k}" for k in range(self.net.parameters[name].shape[1])]

    def _outputs(self, board: Storyboard, t: int) -> None:
        A, h = len(self.net.W_hy), self.run.h[t]
        logits = self.run.logits[t]
        sums = [added([(self.net.b_y[k], None), *_products(self.net.W_hy[k], h, self.say)]) for k in range(A)]
        told = "; ".join(f"{s} = {self.say(o)}" for s, o in zip(sums, logits, strict=True))
        values = logits if self.target is None else self.run.y[t]
        say = self.say if self.target is None else _probability
        keep = {mark("out", t, k): Mark(text=say(v), level=_level(v)) for k, v in enumerate(values)}
        now = {mark("out", t, k): ("now", "done") for k in range(A)} | {f"up-{t}": ("won", "idle")}
        now |= {mark("h", t, k): ("won", "done") for k in range(len(h))}
        now |= {name: ("won", "done") for k in range(A) for name in [*self._weights("W_hy", k), f"b_y-{k}-0"]}
        computes = [mark("out", t, k) for k in range(A)]
        if self.target is None:
            says = f"{'Output' if A == 1 else 'Outputs'} at t = {t}: {told}."
            formula = rf"o_{{{t}}} = W_{{hy}} h_{{{t}}} + b_y = {_vector(logits, self.say)}"
        else:
            right, loss = self.target[t], self.losses[t]
            says = (
                f"Outputs at t = {t}: {told}. The softmax makes them {' and '.join(_probability(v) for v in values)}. "
                f"Right is symbol {right}, so the loss is −ln {_probability(values[right])} = {self.say(loss)}."
            )
            formula = rf"\ell_{{{t}}} = -\ln y_{{{t}}}[{right}] = -\ln ({_latex(_probability(values[right]))}) = {_latex(self.say(loss))}"
            keep[mark("loss", t, 0)] = Mark(text=self.say(loss))
            now |= {
                mark("loss", t, 0): ("now", "done"),
                f"over-{t}": ("won", "idle"),
                mark("out", t, right): ("now", "path"),
            }
            computes.append(mark("loss", t, 0))
        board.step(says, formula, keep=keep, now=now, computes=computes)

    def drawing(self) -> str:
        where, T = self.where, self.where.T
        H, A = len(self.net.W_hh), len(self.net.W_hy)
        marks = where.times()
        initial = self.net.h_init
        for row, _, first in self.rows_below:
            marks += where.cells(row, -1, ["0"], row + " at the start", state="done") if first < 0 else []
        marks += where.cells("h", -1, [_given(v) for v in initial], "initial state of unit {k}", state="done", css="cell emission", edit=initial)  # fmt: skip
        for t in range(T):
            x = self.run.x[t]
            marks += where.cells("x", t, [_given(v) for v in x], "input {k} at t = {t}", state="done", css="cell emission", edit=x)  # fmt: skip
            marks += where.cells("h", t, [""] * H, "unit {k} at t = {t}")
            marks += where.cells("out", t, [""] * A, "output {k} at t = {t}")
            marks += [where.upwards(f"in-{t}", "x", "h", t), where.upwards(f"up-{t}", "h", "out", t), where.onwards(f"on-{t}", "h", t)]  # fmt: skip
            for row, _, _ in self.rows_below:
                marks += where.cells(row, t, [""], row + " at t = {t}")
            if self.target is not None:
                marks += where.cells("loss", t, [""], "loss at t = {t}")
                marks.append(where.upwards(f"over-{t}", "out", "loss", t))
        marks += [*where.panel(), where.names(self.row_names(), ["weights"])]
        height = where.panel_top + where.panel_height
        return document(max(where.right, where.panel_right()), height, marks, self.title)

    def row_names(self) -> dict[str, str]:
        names = {"out": "outputs" if self.target is None else "y", "h": "state h", "x": "input x"}
        return names if self.target is None else {"loss": "loss", **names}

    def numbers(self) -> Table:
        T = self.where.T
        header = ("", "start", *(f"t = {t}" for t in range(T)))
        rows = [(f"x[{k}]", "", *(_given(v) for v in self.run.x[:, k])) for k in range(self.run.x.shape[1])]
        rows += [(f"h[{i}]", *(self.say(v) for v in self.run.states[:, i])) for i in range(self.run.states.shape[1])]
        values = self.run.logits if self.target is None else self.run.y
        name = "o" if self.target is None else "y"
        say = self.say if self.target is None else _probability
        rows += [(f"{name}[{k}]", "", *(say(v) for v in values[:, k])) for k in range(values.shape[1])]
        if self.target is not None:
            rows.append(("loss", "", *(self.say(v) for v in self.losses)))
        return Table(self.title, header, tuple(rows))


class _Adder(_Forward):
    """The hand-built adder: the same picture, read as digits and carries."""

    rows_below = (("carry", 1, -1),)

    def __init__(self, a: str, b: str):
        self.total, forward = add_binary(a, b)
        super().__init__(forward.net, forward.x, None)
        self.title = f"{a} + {b} = {self.total} with a network of three units"

    def _outputs(self, board: Storyboard, t: int) -> None:
        first, second = (round(v) for v in self.run.x[t])
        h, digit = [round(v) for v in self.run.h[t]], round(self.run.logits[t, 0])
        before = round(self.run.h_before[t] @ [0, 1, -1])
        carry = h[1] - h[2]
        says = (
            f"Digit {t} from the right: {first} + {second} and the carry {before} make {h[0]}. "
            f"Write {h[0]} − 2 × {h[1]} + 2 × {h[2]} = {digit}, carry {h[1]} − {h[2]} = {carry}."
        )
        if t == self.where.T - 1:
            says += f" Read from right to left, the outputs are {self.total}."
        now = {mark("out", t, 0): ("now", "path"), f"up-{t}": ("won", "idle")}
        now |= {mark("h", t, k): ("won", "done") for k in range(3)} | {mark("carry", t, 0): ("now", "done")}
        now |= {name: ("won", "done") for name in self._weights("W_hy", 0)}
        keep = {mark("out", t, 0): Mark(text=str(digit)), mark("carry", t, 0): Mark(text=str(carry))}
        formula = rf"{h[0]} - 2 \cdot {h[1]} + 2 \cdot {h[2]} = {digit}"
        board.step(says, formula, keep=keep, now=now, computes=list(keep))

    def row_names(self) -> dict[str, str]:
        return {"out": "digit", "h": "state h", "x": "bits", "carry": "carry out"}


class _Backwards:
    """Back-propagation through time as a scene."""

    def __init__(self, net: RNN, x: ArrayLike, target: ArrayLike, weights: ArrayLike):
        x = np.asarray(x, dtype=np.float64)
        _check_size(net, x)
        self.net, self.run, T = net, run(net, x), len(x)
        self.target = _check_target(target, T, len(net.W_hy))
        self.weights = np.broadcast_to(np.asarray(weights, dtype=np.float64), (T,))
        self.back: Backward = backward(self.run, cross_entropy_gradient(self.run.logits, self.target, self.weights))
        A, H, D = len(net.W_hy), len(net.W_hh), net.W_xh.shape[1]
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
        self.where = Unrolled(self.run, rows, WIDE)
        self.added = {name: self.back.contributions(name) for name in WEIGHTS}
        self.title = f"Back-propagation through {plural(T, 'step')} of a recurrent network"

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(self.where.T - 1, -1, -1):
            self._loss(board, t)
            self._direct(board, t)
            self._future(board, t)
            self._through(board, t)
            self._add(board, t)
        self._initial(board)
        return Scene(self.title, self.drawing(), tuple(board.steps), self.numbers(), edit=NUMBER)

    def _block(self, row: str, t: int) -> list[str]:
        return [mark(row, t, k) for k in range(self.where.rows[row][1])]

    def _fill(self, row: str, t: int, values: NDArray) -> dict[str, Mark]:
        return {mark(row, t, k): Mark(text=log_number(float(v)), level=_level(v)) for k, v in enumerate(values)}

    def _matrix(self, name: str, prefix: str = "") -> list[str]:
        value = self.net.parameters[name]
        shape = value.shape if value.ndim == 2 else (len(value), 1)
        return [f"{prefix}{name}-{r}-{c}" for r, c in np.ndindex(shape)]

    def _loss(self, board: Storyboard, t: int) -> None:
        y, right, weight = self.run.y[t], self.target[t], self.weights[t]
        counted = "" if weight == 1 else f" Times its weight {number(float(weight), 3)}:"
        says = (
            f"t = {t}: the loss pulls at the outputs. y − y* with y = {_listed(y)} and the right symbol {right}.{counted} "
            f"dL/do = {_listed(self.back.d_logits[t])}."
        )
        if weight == 0:
            says = f"t = {t}: there is no loss at this step, so dL/do = 0."
        formula = rf"\frac{{dL}}{{do_{{{t}}}}} = {_vector(self.back.d_logits[t])}"
        now = {name: ("now", "done") for name in self._block("do", t)}
        board.step(
            says, formula, keep=self._fill("do", t, self.back.d_logits[t]), now=now, computes=self._block("do", t)
        )

    def _direct(self, board: Storyboard, t: int) -> None:
        d, W, direct = self.back.d_logits[t], self.net.W_hy, self.back.direct[t]
        sums = "; ".join(f"{added(_products(W[:, i], d))} = {log_number(float(v))}" for i, v in enumerate(direct))
        says = f"t = {t}: the direct part of delta goes back through W_hy, column by column: {sums}."
        now = {name: ("won", "done") for name in [*self._block("do", t), *self._matrix("W_hy")]}
        now |= {name: ("now", "done") for name in self._block("direct", t)} | {f"pull-{t}": ("won", "idle")}
        formula = rf"W_{{hy}}^T \frac{{dL}}{{do_{{{t}}}}} = {_vector(direct)}"
        board.step(says, formula, keep=self._fill("direct", t, direct), now=now, computes=self._block("direct", t))

    def _future(self, board: Storyboard, t: int) -> None:
        last = t == self.where.T - 1
        future, delta, direct, W = self.back.future[t], self.back.delta[t], self.back.direct[t], self.net.W_hh
        keep = self._fill("future", t, future) | self._fill("delta", t, delta)
        now = {name: ("now", "done") for name in [*self._block("future", t), *self._block("delta", t)]}
        now |= {name: ("won", "done") for name in self._block("direct", t)}
        computes = [*self._block("future", t), *self._block("delta", t)]
        both = "; ".join(
            f"{a} + {_bracketed(b)} = {c}"
            for a, b, c in zip(*(map(log_number, v.tolist()) for v in (direct, future, delta)), strict=True)
        )
        if last:
            keep |= {name: Mark(text="0") for name in self._block("future", t)}
            says = f"t = {t} is the last step: nothing comes from the future, so delta is the direct part, {_listed(delta)}."
            formula = rf"\delta_{{{t}}} = {_vector(delta)}"
        else:
            coming = self.back.dz[t + 1]
            sums = "; ".join(
                f"{added(_products(W[:, i], coming))} = {log_number(float(v))}" for i, v in enumerate(future)
            )
            says = (
                f"t = {t}: from the future comes what dz at t = {t + 1} sends back through W_hh, column by column: {sums}. "
                f"Both parts together are delta: {both}."
            )
            now |= {name: ("won", "done") for name in [*self._block("dz", t + 1), *self._matrix("W_hh")]} | {
                f"back-{t + 1}": ("won", "idle")
            }
            formula = rf"\delta_{{{t}}} = {_vector(direct)} + W_{{hh}}^T {_vector(coming)} = {_vector(delta)}"
        board.step(says, formula, keep=keep, now=now, computes=computes)

    def _through(self, board: Storyboard, t: int) -> None:
        delta, dz, slope = self.back.delta[t], self.back.dz[t], self.run.slope[t]
        said = "; ".join(
            f"{log_number(d)} × {_bracketed(log_number(s))} = {log_number(v)}"
            for d, s, v in zip(delta.tolist(), slope.tolist(), dz.tolist(), strict=True)
        )
        how = {"tanh": "1 − h²", "sigmoid": "h (1 − h)", "relu": "1 where h is above 0, else 0", "identity": "1"}
        says = f"t = {t}: through the activation. Its slope is {how[self.net.activation]}, here {_listed(slope)}, so dz = {said}."
        now = {name: ("won", "done") for name in [*self._block("delta", t), *self._block("h", t)]}
        now |= {name: ("now", "done") for name in self._block("dz", t)}
        formula = rf"\frac{{dL}}{{dz_{{{t}}}}} = \delta_{{{t}}} \odot {_vector(slope)} = {_vector(dz)}"
        board.step(says, formula, keep=self._fill("dz", t, dz), now=now, computes=self._block("dz", t))

    def _add(self, board: Storyboard, t: int) -> None:
        keep, now = {}, {}
        for name in WEIGHTS:
            total = self.added[name][t:].sum(axis=0)
            for at, v in np.ndenumerate(total if total.ndim == 2 else total[:, None]):
                keep[f"d{name}-{at[0]}-{at[1]}"] = Mark(text=log_number(float(v)), level=_level(v))
            now |= {m: ("now", "done") for m in self._matrix(name, "d")}
        before = "the initial state" if t == 0 else f"h at t = {t - 1}"
        size = float(np.linalg.norm(self.added["W_hh"][t]))
        says = (
            f"t = {t}: what this step adds. To dW_hh it adds dz times {before}, a matrix of size {log_number(size)}, whose "
            f"first entry is {_product(self.back.dz[t, 0], self.run.h_before[t, 0])}; to dW_xh dz times the input; to db_h dz. "
            f"dW_hy needs no dz: it gets dL/do times h at t = {t}."
        )
        if t == 0:
            says += " All steps are in: these are the gradients."
        keep |= {mark("adds", t, 0): Mark(text=log_number(size), level=_level(size))}
        now |= {mark("adds", t, 0): ("now", "done")}
        sources = [*self._block("dz", t), *self._block("h", t - 1), *self._block("x", t), *self._block("do", t)]
        now |= {name: ("won", "done") for name in sources}
        formula = rf"dW_{{hh}} \leftarrow dW_{{hh}} + {_vector(self.back.dz[t])} {_vector(self.run.h_before[t])}^T"
        board.step(says, formula, keep=keep, now=now, computes=[mark("adds", t, 0), *self._matrix_marks_at(t)])

    def _matrix_marks_at(self, t: int) -> list[str]:
        return [m for name in WEIGHTS for m in self._matrix(name, "d")] if t == 0 else []

    def _initial(self, board: Storyboard) -> None:
        dz, W, value = self.back.dz[0], self.net.W_hh, self.back.gradients["h_init"]
        sums = "; ".join(f"{added(_products(W[:, i], dz))} = {log_number(float(v))}" for i, v in enumerate(value))
        says = f"One step further back: the gradient of the initial state, if that is learned. {sums}."
        now = {name: ("won", "done") for name in [*self._block("dz", 0), *self._matrix("W_hh")]} | {
            "back-0": ("won", "idle")
        }
        cells = [f"dh_init-0-{i}" for i in range(len(value))]
        now |= {name: ("now", "done") for name in cells}
        keep = {name: Mark(text=log_number(float(v)), level=_level(v)) for name, v in zip(cells, value, strict=True)}
        board.step(
            says,
            rf"\frac{{dL}}{{dh_{{-1}}}} = W_{{hh}}^T {_vector(dz)} = {_vector(value)}",
            keep=keep,
            now=now,
            computes=cells,
        )

    def drawing(self) -> str:
        where, T = self.where, self.where.T
        marks = where.times()
        initial = self.net.h_init
        marks += where.cells("h", -1, [_given(v) for v in initial], "initial state of unit {k}", state="done", css="cell emission", edit=initial)  # fmt: skip
        for t in range(T):
            x = self.run.x[t]
            marks += where.cells("x", t, [_given(v) for v in x], "input {k} at t = {t}", state="done", css="cell emission", edit=x)  # fmt: skip
            marks += where.cells(
                "h", t, [log_number(float(v)) for v in self.run.h[t]], "unit {k} at t = {t}", state="done"
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
            ("direct", self.back.direct),
            ("future", self.back.future),
            ("delta", self.back.delta),
            ("dz", self.back.dz),
        ):
            rows += [(f"{name}[{i}]", *(log_number(float(v)) for v in values[:, i])) for i in range(values.shape[1])]
        for name in (*WEIGHTS, "h_init"):
            total = " ".join(log_number(float(v)) for v in self.back.gradients[name].ravel())
            rows.append((f"d{name}, row by row", total, *[""] * (T - 1)))
        return Table(self.title, ("", *(f"t = {t}" for t in range(T))), tuple(rows))


BACKWARD_ROWS = {
    "do": "derivative of the loss with respect to output {k} at t = {t}",
    "direct": "direct part of delta, unit {k} at t = {t}",
    "future": "part of delta from the future, unit {k} at t = {t}",
    "delta": "delta of unit {k} at t = {t}",
    "dz": "derivative with respect to the input of the activation, unit {k} at t = {t}",
    "adds": "size of what the step t = {t} adds to the gradient of W_hh",
}


def added(terms: Sequence[tuple[float, str | None]]) -> str:
    """Write a sum of products with its numbers, such as 0.1 + 0.5 × 1 − 0.3 × 0.

    A term is a weight and what it is multiplied with, as written; None is a factor of 1 that is not written.
    """
    written = ""
    for weight, factor in terms:
        size = _given(abs(float(weight)))
        if factor is not None:
            size += f" × {_bracketed(factor)}"
        if not written:
            written = f"−{size}" if weight < 0 else size
        else:
            written += f" {'−' if weight < 0 else '+'} {size}"
    return written


def _given(value: float) -> str:
    """Write a number that was given, not computed: as short as it is, and a whole one in full."""
    value = float(value)
    return f"{value:.0f}".replace("-", "−") if value == round(value) and abs(value) < 1e6 else number(value, 3)


def _probability(value: float) -> str:
    """Write a probability with three decimals, and with more where it is nearly 0 or 1."""
    value = float(value)
    return f"{value:.3f}" if value in (0, 1) or 0.0005 <= value < 0.9995 else number(value, 3)


def _products(weights: NDArray, values: NDArray, say=log_number) -> list[tuple[float, str]]:
    return [(w, say(float(v))) for w, v in zip(weights, values, strict=True)]


def _bracketed(written: str) -> str:
    return f"({written})" if written.startswith("−") else written


def _product(a: float, b: float) -> str:
    return f"{log_number(float(a))} × {_bracketed(log_number(float(b)))} = {log_number(float(a * b))}"


def _listed(values: NDArray) -> str:
    return "(" + ", ".join(log_number(float(v)) for v in values) + ")"


def _vector(values: NDArray, say=log_number) -> str:
    inside = r" \\ ".join(_latex(say(float(v))) for v in values)
    return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


def _latex(written: str) -> str:
    """Turn numbers and sums as they are written into LaTeX."""
    return " ".join(r"\cdot" if part == "×" else _latex_part(part) for part in written.split(" "))


def _latex_part(part: str) -> str:
    return f"({latex_number(part[1:-1])})" if part.startswith("(") else latex_number(part)


def _level(value: float) -> float:
    """How dark a number is tinted: by its size, wherever its sign."""
    return 0.45 * min(abs(float(value)), 1.0)


def _check_size(net: RNN, x: NDArray) -> None:
    sizes = {"inputs": net.W_xh.shape[1], "units": len(net.W_hh), "outputs": len(net.W_hy)}
    for name, size in sizes.items():
        if size > MOST_UNITS:
            raise ValueError(f"the network has {size} {name}; the picture takes at most {MOST_UNITS}")
    if x.ndim != 2 or not 1 <= len(x) <= MOST_STEPS:
        raise ValueError(f"x has shape {x.shape}; the picture takes a single sequence of 1 to {MOST_STEPS} steps")


def _check_target(target: ArrayLike, T: int, A: int) -> NDArray[np.intp]:
    target = np.asarray(target)
    if target.shape != (T,):
        raise ValueError(f"target has shape {target.shape}; it must be ({T},), one symbol for each step")
    if target.dtype.kind not in "iu" or target.min() < 0 or target.max() >= A:
        raise ValueError(f"target is {target.tolist()}; symbols are integers from 0 to {A - 1}")
    return target.astype(np.intp)
