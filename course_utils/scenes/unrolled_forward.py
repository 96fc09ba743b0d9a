"""The forward pass of a recurrent network, unit by unit, and two numbers that one adds (chapter 3)."""

import numpy as np

from course_utils.losses import FrameLosses
from course_utils.rnn import ForwardPass
from course_utils.scenes.scene import Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import document
from course_utils.scenes.unrolled import (
    LEGEND,
    MOST_STEPS,
    WIDE,
    Unrolled,
    added,
    check_size,
    given,
    latex_sum,
    latex_vector,
    mark,
    products,
    tint,
)
from course_utils.scenes.wording import log_number, number, plural

ACTIVATIONS = {"tanh": r"\tanh", "relu": r"\mathrm{relu}", "sigmoid": r"\sigma", "identity": ""}


def rnn_scene(forward: ForwardPass, losses: FrameLosses | None = None) -> Scene:
    """Show every unit of an unrolled network, one a step, then its outputs; weights and inputs can be edited.

    Parameters
    ----------
    forward
        A single sequence of 1 to 8 steps, with at most 3 inputs, units and outputs.
    losses
        Of its logits: the outputs are then probabilities, and each step shows its loss, whatever it counts. Without
        them the outputs are the logits themselves.

    Raises
    ------
    ValueError
        It is too large to draw.
    """
    return _Forward(forward, losses).scene()


def adder_scene(a: str, b: str, total: str, forward: ForwardPass) -> Scene:
    """Show how a network of three units, whose state holds the carry, adds two numbers digit by digit from the lowest.

    Parameters
    ----------
    a, b
        Binary numbers of at most 7 digits, such as "1011".
    total, forward
        What :func:`course_utils.machines.add_binary` makes of them.

    Raises
    ------
    ValueError
        One of them is too long to draw.
    """
    for name, digits in (("a", a), ("b", b)):
        if len(digits) > MOST_STEPS - 1:
            raise ValueError(f"{name} has {len(digits)} digits; the picture takes at most {MOST_STEPS - 1}")
    return _Adder(a, b, total, forward).scene()


class _Forward:
    """The forward pass as a scene."""

    rows_below: tuple[tuple[str, int, int], ...] = ()

    def __init__(self, forward: ForwardPass, losses: FrameLosses | None):
        check_size(forward)
        self.forward, self.net, self.losses = forward, forward.net, losses
        self.z, x = forward.z, forward.x
        A, H, D = len(self.net.W_hy), len(self.net.W_hh), x.shape[1]
        rows = [("out", A, 0), ("h", H, -1), ("x", D, 0)]
        if losses is not None:
            rows.insert(0, ("loss", 1, 0))
        rows += self.rows_below
        whole = losses is None and all(np.equal(v, np.round(v)).all() for v in (self.z, forward.logits, x))
        self.say = given if whole else (lambda v: log_number(float(v)))
        self.outputs = forward.logits if losses is None else forward.y
        self.say_output = self.say if losses is None else _probability
        self.where = Unrolled(forward, rows, 36 if whole else WIDE)
        self.title = f"A recurrent network of {plural(H, 'unit')} over {plural(len(x), 'step')}"

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(self.where.T):
            for i in range(len(self.net.W_hh)):
                self._unit(board, t, i)
            self._outputs(board, t)
        return Scene(
            self.title, self.drawing(), tuple(board.steps), self.numbers(), edits=self.where.edits(), legend=LEGEND
        )

    def _unit(self, board: Storyboard, t: int, i: int) -> None:
        before, x = self.forward.h_before[t], self.forward.x[t]
        terms = [(self.net.b_h[i], None), *products(self.net.W_xh[i], x, given)]
        terms += products(self.net.W_hh[i], before, self.say if t > 0 else given)
        sum_of_all = added(terms)
        z, h = self.z[t, i], self.forward.h[t, i]
        through = "" if self.net.activation == "identity" else f", {self._through(z)} = {self.say(h)}"
        says = f"Unit {i} at t = {t}: bias, input and state before bring {sum_of_all} = {self.say(z)}"
        sources = [mark("x", t, k) for k in range(len(x))] + [mark("h", t - 1, k) for k in range(len(before))]
        sources += self._weights("W_xh", i) + self._weights("W_hh", i) + [f"b_h-{i}-0"]
        now = {name: ("won", "done") for name in sources}
        now |= {f"in-{t}": ("won", "idle"), f"on-{t}": ("won", "idle"), mark("h", t, i): ("now", "done")}
        keep = {mark("h", t, i): Mark(text=self.say(h), level=tint(h))}
        formula = rf"h_{{{t}}}[{i}] = {self._through_latex(latex_sum(sum_of_all))} = {latex_sum(self.say(h))}"
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
        A, h = len(self.net.W_hy), self.forward.h[t]
        logits = self.forward.logits[t]
        sums = [added([(self.net.b_y[k], None), *products(self.net.W_hy[k], h, self.say)]) for k in range(A)]
        told = "; ".join(f"{s} = {self.say(o)}" for s, o in zip(sums, logits, strict=True))
        values = self.outputs[t]
        keep = {mark("out", t, k): Mark(text=self.say_output(v), level=tint(v)) for k, v in enumerate(values)}
        now = {mark("out", t, k): ("now", "done") for k in range(A)} | {f"up-{t}": ("won", "idle")}
        now |= {mark("h", t, k): ("won", "done") for k in range(len(h))}
        now |= {name: ("won", "done") for k in range(A) for name in [*self._weights("W_hy", k), f"b_y-{k}-0"]}
        computes = [mark("out", t, k) for k in range(A)]
        if self.losses is None:
            says = f"{'Output' if A == 1 else 'Outputs'} at t = {t}: {told}."
            formula = rf"o_{{{t}}} = W_{{hy}} h_{{{t}}} + b_y = {latex_vector(logits, self.say)}"
        else:
            right, loss = self.losses.target[t], self.losses.losses[t]
            says = (
                f"Outputs at t = {t}: {told}. The softmax makes them {' and '.join(_probability(v) for v in values)}. "
                f"Right is symbol {right}, so the loss is −ln {_probability(values[right])} = {self.say(loss)}."
            )
            formula = rf"\ell_{{{t}}} = -\ln y_{{{t}}}[{right}] = -\ln ({latex_sum(_probability(values[right]))}) = {latex_sum(self.say(loss))}"
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
        marks += where.cells("h", -1, [given(v) for v in initial], "initial state of unit {k}", state="done", css="cell emission")  # fmt: skip
        for t in range(T):
            x = self.forward.x[t]
            marks += where.cells("x", t, [given(v) for v in x], "input {k} at t = {t}", state="done", css="cell emission")  # fmt: skip
            marks += where.cells("h", t, [""] * H, "unit {k} at t = {t}")
            marks += where.cells("out", t, [""] * A, "output {k} at t = {t}")
            marks += [where.upwards(f"in-{t}", "x", "h", t), where.upwards(f"up-{t}", "h", "out", t), where.onwards(f"on-{t}", "h", t)]  # fmt: skip
            for row, _, _ in self.rows_below:
                marks += where.cells(row, t, [""], row + " at t = {t}")
            if self.losses is not None:
                marks += where.cells("loss", t, [""], "loss at t = {t}")
                marks.append(where.upwards(f"over-{t}", "out", "loss", t))
        marks += [*where.panel(), where.names(self.row_names(), ["weights"])]
        height = where.panel_top + where.panel_height
        return document(max(where.right, where.panel_right()), height, marks, self.title)

    def row_names(self) -> dict[str, str]:
        names = {"out": "outputs" if self.losses is None else "y", "h": "state h", "x": "input x"}
        return names if self.losses is None else {"loss": "loss", **names}

    def numbers(self) -> Table:
        T = self.where.T
        header = ("", "start", *(f"t = {t}" for t in range(T)))
        rows = [(f"x[{k}]", "", *(given(v) for v in self.forward.x[:, k])) for k in range(self.forward.x.shape[1])]
        rows += [
            (f"h[{i}]", *(self.say(v) for v in self.forward.states[:, i])) for i in range(self.forward.states.shape[1])
        ]
        name = "o" if self.losses is None else "y"
        rows += [(f"{name}[{k}]", "", *(self.say_output(v) for v in values)) for k, values in enumerate(self.outputs.T)]
        if self.losses is not None:
            rows.append(("loss", "", *(self.say(v) for v in self.losses.losses)))
        return Table(self.title, header, tuple(rows))


class _Adder(_Forward):
    """The hand-built adder: the same picture, read as digits and carries."""

    rows_below = (("carry", 1, -1),)

    def __init__(self, a: str, b: str, total: str, forward: ForwardPass):
        super().__init__(forward, None)
        self.total = total
        self.title = f"{a} + {b} with a network of three units"

    def _outputs(self, board: Storyboard, t: int) -> None:
        first, second = (round(v) for v in self.forward.x[t])
        h_before, h = ([round(v) for v in state] for state in self.forward.states[t : t + 2])
        digit, before, carry = round(self.forward.logits[t, 0]), h_before[1] - h_before[2], h[1] - h[2]
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


def _probability(value: float) -> str:
    """Write a probability with three decimals, and with more where it is nearly 0 or 1."""
    value = float(value)
    return f"{value:.3f}" if value in (0, 1) or 0.0005 <= value < 0.9995 else number(value, 3)
