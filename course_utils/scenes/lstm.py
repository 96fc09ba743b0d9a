"""An LSTM gate by gate, forward and backward (sections 11.2 and 11.3)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from course_utils.lstm import LSTM as Params
from course_utils.lstm import LSTMBackward, LSTMForward
from course_utils.scenes.gate_table import CellPicture, GateTable, Row, Value, check_size
from course_utils.scenes.scene import Scene, Storyboard
from course_utils.scenes.svg import document
from course_utils.scenes.unrolled import added, bracketed, given, latex_sum, mark, products, tint
from course_utils.scenes.wording import log_number, plural

GATES = ("input gate", "forget gate", "candidate", "output gate")
KEYS = "ifgo"
FORWARD = (
    Row("x", "input x", "input"),
    Row("i", "input gate i", "gate"),
    Row("f", "forget gate f", "gate"),
    Row("g", "candidate g", "gate"),
    Row("c", "cell c", "state", -1),
    Row("o", "output gate o", "gate"),
    Row("h", "state h", "state", -1),
)
BACKWARD = (
    Row("dh", "dh", "gradient", -1),
    Row("do", "dz_o", "gradient"),
    Row("dc", "dc", "gradient", -1),
    Row("di", "dz_i", "gradient"),
    Row("df", "dz_f", "gradient"),
    Row("dg", "dz_g", "gradient"),
)
MEANS = {
    "i": "of the candidate is written",
    "f": "of the cell before is kept",
    "o": "of the cell is shown",
}


def lstm_scene(params: Params, run: LSTMForward) -> Scene:
    """Show every gate, cell and state of an LSTM, one number a step; weights, inputs and the start can be edited.

    Parameters
    ----------
    params
        Without peepholes; of 1 or 2 units and inputs.
    run
        A single sequence of 1 to 6 steps.

    Raises
    ------
    ValueError
        It is too large to draw, or has peepholes.
    """
    _check(params, run)
    return _Forward(params, run).scene()


def lstm_backward_scene(params: Params, run: LSTMForward, back: LSTMBackward) -> Scene:
    """Go back through an LSTM from its last step, one derivative a step; then the gradients of all weights.

    Parameters are those of :func:`lstm_scene` and what :func:`course_utils.lstm.backward` found.

    Raises
    ------
    ValueError
        As there.
    """
    _check(params, run)
    return _Backward(params, run, back).scene()


def _check(params: Params, run: LSTMForward) -> None:
    if run.x.ndim != 2:
        raise ValueError(f"x has shape {run.x.shape}; the picture takes a single sequence")
    if params.p is not None:
        raise ValueError("the network has peepholes, which this picture does not draw")
    check_size(len(run.x), params.H, params.D)


class _Forward(CellPicture):
    rows: tuple[Row, ...] = FORWARD

    def __init__(self, params: Params, run: LSTMForward):
        self.params, self.run, self.T, self.H = params, run, len(run.x), params.H
        weights = {"W_x": params.W_x, "W_h": params.W_h, "b": params.b}
        self.where = GateTable(self.rows, self.T, self.H, params.D, weights, GATES)
        self.title = f"An LSTM of {plural(self.H, 'unit')} over {plural(self.T, 'step')}"

    def starts(self) -> dict[str, NDArray]:
        return {"c": self.run.cells[0], "h": self.run.states[0]}

    # -- what is computed

    def values(self) -> Iterator[Value]:
        for t in range(self.T):
            for k in range(self.H):
                yield self.gate("i", t, k)
                yield self.gate("f", t, k)
                yield self.gate("g", t, k)
                yield self.cell(t, k)
                yield self.gate("o", t, k)
                yield self.state(t, k)

    def gate(self, key: str, t: int, k: int) -> Value:
        n, p = KEYS.index(key), self.params
        row, before = n * self.H + k, self.run.states[t]
        say = given if t == 0 else (lambda v: log_number(float(v)))
        terms = [(p.b[row], None), *products(p.W_x[row], self.run.x[t], given), *products(p.W_h[row], before, say)]
        into, value = float(p.b[row] + p.W_x[row] @ self.run.x[t] + p.W_h[row] @ before), float(self.run.gates[t, row])
        written, z, is_tanh = added(terms), log_number(into), key == "g"
        function = "tanh" if is_tanh else "σ"
        says = f"The {GATES[n]}{self.unit(k)} at t = {t}: {written} = {z}, and {function}({z}) = {log_number(value)}"
        says += "." if is_tanh else f": {_percent(value)} {MEANS[key]}."
        latex = r"\tanh" if is_tanh else r"\sigma"
        formula = rf"{key}_{self.index(t, k)} = {latex}({latex_sum(written)}) = {latex_sum(log_number(value))}"
        uses = [mark("x", t, d) for d in range(p.D)] + [mark("h", t - 1, j) for j in range(self.H)]
        uses += [name for matrix in self.where.weights for name in self.where.weight_marks(matrix, n, k)]
        return Value(key, t, k, value, says, formula, tuple(uses))

    def cell(self, t: int, k: int) -> Value:
        f, i, g = (float(self.run.gates[t, n * self.H + k]) for n in (1, 0, 2))
        before, value = float(self.run.cells[t, k]), float(self.run.cells[t + 1, k])
        f_, i_, g_, c_ = (log_number(v) for v in (f, i, g, before))
        written = f"{f_} × {bracketed(c_)} + {i_} × {bracketed(g_)}"
        says = (
            f"The cell{self.unit(k)} at t = {t}: keep {f_} × {bracketed(c_)} = {log_number(f * before)}, write "
            f"{i_} × {bracketed(g_)} = {log_number(i * g)}, together {log_number(value)}."
        )
        formula = rf"c_{self.index(t, k)} = {latex_sum(written)} = {latex_sum(log_number(value))}"
        return Value("c", t, k, value, says, formula, (mark("c", t - 1, k), *(mark(row, t, k) for row in "fig")))

    def state(self, t: int, k: int) -> Value:
        o, c, h = (
            float(v) for v in (self.run.gates[t, 3 * self.H + k], self.run.cells[t + 1, k], self.run.states[t + 1, k])
        )
        o_, c_, tanh_, h_ = (log_number(v) for v in (o, c, float(self.run.tanh_cells[t, k]), h))
        says = f"The state{self.unit(k)} at t = {t}: tanh({c_}) = {tanh_} of the cell, of which {o_} is shown: {o_} × {bracketed(tanh_)} = {h_}."
        formula = rf"h_{self.index(t, k)} = {o_} \tanh({latex_sum(c_)}) = {latex_sum(h_)}"
        return Value("h", t, k, h, says, formula, (mark("c", t, k), mark("o", t, k)))

    # -- what is drawn

    def drawing(self) -> str:
        where = self.where
        marks = where.fixed("c", -1, self.run.cells[0], "cell of unit {k} at the start")
        marks += where.fixed("h", -1, self.run.states[0], "state of unit {k} at the start")
        for t in range(self.T):
            marks += where.fixed("x", t, self.run.x[t], "input {k} at t = {t}")
            for key, name in {**dict(zip(KEYS, GATES, strict=True)), "c": "cell", "h": "state"}.items():
                marks += where.block(key, t, [""] * self.H, f"{name} of unit {{k}} at t = {{t}}")
            marks += [where.onwards("c", t), where.onwards("h", t)]
        marks += [*where.panel(), *where.frame()]
        return document(where.wide, where.panel_top + where.panel_high, marks, self.title)

    def numbers(self):
        run = self.run
        tables = {"x": (run.x, 0), "i": (run.i, 0), "f": (run.f, 0), "g": (run.g, 0)}
        tables |= {"c": (run.cells, -1), "o": (run.o, 0), "h": (run.states, -1)}
        return self.where.table(self.title, tables)


class _Backward(_Forward):
    rows = FORWARD + BACKWARD

    def __init__(self, params: Params, run: LSTMForward, back: LSTMBackward):
        super().__init__(params, run)
        self.back = back
        self.title = f"Back through an LSTM of {plural(self.H, 'unit')} and {plural(self.T, 'step')}"
        self.d = dict(zip(KEYS, np.split(back.d_gates, 4, axis=-1), strict=True))
        through = np.zeros_like(back.d_states)
        through[:-1] = back.d_gates @ params.W_h
        self.through, self.direct = through, back.d_states - through

    def values(self) -> Iterator[Value]:
        for t in range(self.T - 1, -1, -1):
            for k in range(self.H):
                yield self.d_state(t, k)
                yield self.d_output(t, k)
                yield self.d_cell(t, k)
                yield self.d_input(t, k)
                yield self.d_forget(t, k)
                yield self.d_candidate(t, k)
        for k in range(self.H):
            yield self.d_state(-1, k)
            yield self.d_start_of_cell(k)

    def d_state(self, t: int, k: int) -> Value:
        direct, through, value = (float(v[t + 1, k]) for v in (self.direct, self.through, self.back.d_states))
        when = "at the start" if t < 0 else f"at t = {t}"
        says = f"dh{self.unit(k)} {when}: "
        if t == self.T - 1:
            says += f"the loss pulls at the last state with {log_number(value)}."
        else:
            says += f"through the four gates of t = {t + 1} come {log_number(through)}"
            says += (
                f", from the loss {log_number(direct)}, together {log_number(value)}." if abs(direct) > 1e-12 else "."
            )
        uses = [mark(f"d{key}", t + 1, j) for key in KEYS for j in range(self.H)] if t < self.T - 1 else []
        uses += [f"W_h-{n * self.H + j}-{k}" for n in range(4) for j in range(self.H)] if uses else []
        formula = rf"\delta h_{self.index(t, k)} = {latex_sum(log_number(value))}"
        if uses:
            rows = [
                (float(self.params.W_h[n * self.H + j, k]), float(self.d[key][t + 1, j]))
                for n, key in enumerate(KEYS)
                for j in range(self.H)
            ]
            written = added([(w, log_number(d)) for w, d in rows])
            formula = rf"W_h^T \delta z_{{{t + 1}}} = {latex_sum(written)} = {latex_sum(log_number(through))}"
        return Value("dh", t, k, value, says, formula, tuple(uses))

    def d_output(self, t: int, k: int) -> Value:
        o, tanh = float(self.run.o[t, k]), float(self.run.tanh_cells[t, k])
        factors = [("dh", float(self.back.d_states[t + 1, k]), mark("dh", t, k)), ("tanh(c)", tanh, mark("c", t, k))]
        return self.product("o", t, k, [*factors, ("o (1 − o)", o * (1 - o), mark("o", t, k))])

    def d_cell(self, t: int, k: int) -> Value:
        o, tanh, d_h = float(self.run.o[t, k]), float(self.run.tanh_cells[t, k]), float(self.back.d_states[t + 1, k])
        value, shown = float(self.back.d_cells[t + 1, k]), d_h * o * (1 - tanh**2)
        numbers = f"{log_number(d_h)} × {log_number(o)} × {log_number(1 - tanh**2)}"
        says = f"dc{self.unit(k)} at t = {t}: through its state come dh × o × (1 − tanh²(c)) = {numbers} = {log_number(shown)}"
        uses = [mark("dh", t, k), mark("o", t, k), mark("c", t, k)]
        written = numbers
        if t < self.T - 1:
            f, later = float(self.run.f[t + 1, k]), float(self.back.d_cells[t + 2, k])
            kept = f"{log_number(f)} × {bracketed(log_number(later))}"
            says += f", and from the cell after it f × dc = {kept} = {log_number(f * later)}"
            uses += [mark("f", t + 1, k), mark("dc", t + 1, k)]
            written += f" + {kept}"
            says += f"; together {log_number(value)}"
        formula = rf"\delta c_{self.index(t, k)} = {latex_sum(written)} = {latex_sum(log_number(value))}"
        return Value("dc", t, k, value, f"{says}.", formula, tuple(uses))

    def d_input(self, t: int, k: int) -> Value:
        i, g = float(self.run.i[t, k]), float(self.run.g[t, k])
        d_c = ("dc", float(self.back.d_cells[t + 1, k]), mark("dc", t, k))
        return self.product("i", t, k, [d_c, ("g", g, mark("g", t, k)), ("i (1 − i)", i * (1 - i), mark("i", t, k))])

    def d_forget(self, t: int, k: int) -> Value:
        f, before = float(self.run.f[t, k]), float(self.run.cells[t, k])
        d_c = ("dc", float(self.back.d_cells[t + 1, k]), mark("dc", t, k))
        kept = ("the cell before", before, mark("c", t - 1, k))
        return self.product("f", t, k, [d_c, kept, ("f (1 − f)", f * (1 - f), mark("f", t, k))])

    def d_candidate(self, t: int, k: int) -> Value:
        i, g = float(self.run.i[t, k]), float(self.run.g[t, k])
        d_c = ("dc", float(self.back.d_cells[t + 1, k]), mark("dc", t, k))
        return self.product("g", t, k, [d_c, ("i", i, mark("i", t, k)), ("(1 − g²)", 1 - g * g, mark("g", t, k))])

    def d_start_of_cell(self, k: int) -> Value:
        f, later, value = float(self.run.f[0, k]), float(self.back.d_cells[1, k]), float(self.back.d_cells[0, k])
        written = f"{log_number(f)} × {bracketed(log_number(later))}"
        says = f"dc{self.unit(k)} at the start: f × dc = {written} = {log_number(value)}. The initial cell can be learned, too."
        formula = rf"\delta c_{self.index(-1, k)} = {latex_sum(written)} = {latex_sum(log_number(value))}"
        return Value("dc", -1, k, value, says, formula, (mark("f", 0, k), mark("dc", 0, k)))

    def end(self, board: Storyboard) -> None:
        says = (
            "Each weight of a gate gets, summed over the steps, the derivative of its gate times what it multiplies: "
            "the input, the state before, or 1 for the bias."
        )
        self.where.fill_gradients(board, self.back.gradients, says)

    # -- what is drawn

    def drawing(self) -> str:
        where, run = self.where, self.run
        marks = where.fixed("c", -1, run.cells[0], "cell of unit {k} at the start")
        marks += where.fixed("h", -1, run.states[0], "state of unit {k} at the start")
        for row in ("dh", "dc"):
            marks += where.block(row, -1, [""] * self.H, row + " of unit {k} at the start")
        filled = {"i": run.i, "f": run.f, "g": run.g, "o": run.o, "c": run.c, "h": run.h}
        for t in range(self.T):
            marks += where.fixed("x", t, run.x[t], "input {k} at t = {t}")
            for key, values in filled.items():
                levels = [tint(v) for v in values[t]]
                numbers = [log_number(float(v)) for v in values[t]]
                marks += where.block(key, t, numbers, f"{key} of unit {{k}} at t = {{t}}", state="done", level=levels)
            for row in BACKWARD:
                marks += where.block(row.key, t, [""] * self.H, f"{row.key} of unit {{k}} at t = {{t}}")
            marks += [where.onwards("dc", t, back=True), where.onwards("dh", t, back=True)]
        below = where.panel_top + where.panel_high + 16
        marks += [*where.panel(), *where.panel("d", below), *where.frame()]
        return document(where.wide, below + where.panel_high, marks, self.title)

    def numbers(self):
        back = self.back
        tables = {"dh": (back.d_states, -1), "do": (self.d["o"], 0), "dc": (back.d_cells, -1)}
        tables |= {f"d{key}": (self.d[key], 0) for key in "ifg"}
        return self.where.table(self.title, tables)


def _percent(value: float) -> str:
    share = 100 * value
    return (
        f"{share:.0f}%" if 1 <= share <= 99 else f"{share:.2g}%" if share < 1 else "nearly all" if value < 1 else "all"
    )
