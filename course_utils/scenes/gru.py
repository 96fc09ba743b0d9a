"""A GRU gate by gate, forward and backward, in both conventions (section 11.6)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from course_utils.gru import GRU as Params
from course_utils.gru import GRUBackward, GRUForward
from course_utils.scenes.gate_table import CellPicture, GateTable, Row, Value, check_size
from course_utils.scenes.scene import Scene, Storyboard
from course_utils.scenes.svg import document
from course_utils.scenes.unrolled import added, bracketed, given, latex_sum, mark, products, tint
from course_utils.scenes.wording import log_number, plural

GATES = ("reset gate", "update gate", "candidate")
KEYS = "rzn"
SEEN = {"after": "product with h", "before": "r × h"}
BACKWARD = (
    Row("dh", "dh", "gradient", -1),
    Row("dz", "dz_z", "gradient"),
    Row("dn", "dz_n", "gradient"),
    Row("dr", "dz_r", "gradient"),
)


def gru_scene(params: Params, run: GRUForward) -> Scene:
    """Show every gate and state of a GRU, one number a step; weights, inputs and the start can be edited.

    Parameters
    ----------
    params
        Of 1 or 2 units and inputs.
    run
        A single sequence of 1 to 6 steps.

    Raises
    ------
    ValueError
        It is too large to draw.
    """
    _check(params, run)
    return _Forward(params, run).scene()


def gru_backward_scene(params: Params, run: GRUForward, back: GRUBackward) -> Scene:
    """Go back through a GRU from its last step, one derivative a step; then the gradients of all weights.

    Parameters are those of :func:`gru_scene` and what :func:`course_utils.gru.backward` found.

    Raises
    ------
    ValueError
        As there.
    """
    _check(params, run)
    return _Backward(params, run, back).scene()


def _check(params: Params, run: GRUForward) -> None:
    if run.x.ndim != 2:
        raise ValueError(f"x has shape {run.x.shape}; the picture takes a single sequence")
    check_size(len(run.x), params.H, params.D)


class _Forward(CellPicture):
    more: tuple[Row, ...] = ()

    def __init__(self, params: Params, run: GRUForward):
        self.params, self.run, self.T, self.H = params, run, len(run.x), params.H
        rows = (
            Row("x", "input x", "input"),
            Row("r", "reset gate r", "gate"),
            Row("s", SEEN[params.reset], "state"),
            Row("n", "candidate n", "gate"),
            Row("z", "update gate z", "gate"),
            Row("h", "state h", "state", -1),
        )
        weights = {"W_x": params.W_x, "b_x": params.b_x, "W_h": params.W_h, "b_h": params.b_h}
        self.where = GateTable((*rows, *self.more), self.T, self.H, params.D, weights, GATES)
        self.title = (
            f"A GRU of {plural(self.H, 'unit')} over {plural(self.T, 'step')}, reset {params.reset} the product"
        )

    def starts(self) -> dict[str, NDArray]:
        return {"h": self.run.states[0]}

    # -- what is computed

    def values(self) -> Iterator[Value]:
        for t in range(self.T):
            yield from (self.gate("r", t, k) for k in range(self.H))
            yield from (self.seen(t, k) for k in range(self.H))
            yield from (self.candidate(t, k) for k in range(self.H))
            yield from (self.gate("z", t, k) for k in range(self.H))
            yield from (self.state(t, k) for k in range(self.H))

    def say(self, t: int):
        return given if t == 0 else (lambda v: log_number(float(v)))

    def weights_of(self, n: int, k: int, *names: str) -> list[str]:
        return [cell for name in names for cell in self.where.weight_marks(name, n, k)]

    def gate(self, key: str, t: int, k: int) -> Value:
        n, p, before = KEYS.index(key), self.params, self.run.states[t]
        row = n * self.H + k
        terms = [(p.b_x[row], None), *products(p.W_x[row], self.run.x[t], given)]
        terms += [(p.b_h[row], None), *products(p.W_h[row], before, self.say(t))]
        into = float(p.b_x[row] + p.W_x[row] @ self.run.x[t] + p.b_h[row] + p.W_h[row] @ before)
        value, written, z = float(self.run.gates[t, row]), added(terms), log_number(into)
        share = f"{100 * value:.0f}%"
        means = f"{share} of the state goes into the candidate" if key == "r" else f"{share} of the state stays"
        says = f"The {GATES[n]}{self.unit(k)} at t = {t}: {written} = {z}, and σ({z}) = {log_number(value)}: {means}."
        formula = rf"{key}_{self.index(t, k)} = \sigma({latex_sum(written)}) = {latex_sum(log_number(value))}"
        uses = [mark("x", t, d) for d in range(p.D)] + [mark("h", t - 1, j) for j in range(self.H)]
        return Value(key, t, k, value, says, formula, (*uses, *self.weights_of(n, k, *self.where.weights)))

    def seen(self, t: int, k: int) -> Value:
        p, before, value = self.params, self.run.states[t], float(self.run.seen[t, k])
        if p.reset == "before":
            r, h = log_number(float(self.run.r[t, k])), self.say(t)(before[k])
            written = f"{r} × {bracketed(h)}"
            says = f"Reset comes first{self.unit(k)}: r × h = {written} = {log_number(value)}."
            uses = [mark("r", t, k), mark("h", t - 1, k)]
        else:
            row = 2 * self.H + k
            written = added([(p.b_h[row], None), *products(p.W_h[row], before, self.say(t))])
            says = f"What the candidate{self.unit(k)} would see of the state: {written} = {log_number(value)}."
            uses = [mark("h", t - 1, j) for j in range(self.H)] + self.weights_of(2, k, "W_h", "b_h")
        return Value("s", t, k, value, says, rf"{latex_sum(written)} = {latex_sum(log_number(value))}", tuple(uses))

    def candidate(self, t: int, k: int) -> Value:
        p, row, value = self.params, 2 * self.H + k, float(self.run.n[t, k])
        terms = [(p.b_x[row], None), *products(p.W_x[row], self.run.x[t], given)]
        uses = [mark("x", t, d) for d in range(p.D)]
        if p.reset == "after":
            r, seen = float(self.run.r[t, k]), float(self.run.seen[t, k])
            written = f"{added(terms)} + {log_number(r)} × {bracketed(log_number(seen))}"
            into = float(p.b_x[row] + p.W_x[row] @ self.run.x[t] + r * seen)
            uses += [mark("r", t, k), mark("s", t, k), *self.weights_of(2, k, "W_x", "b_x")]
        else:
            terms += [(p.b_h[row], None), *products(p.W_h[row], self.run.seen[t])]
            written = added(terms)
            into = float(p.b_x[row] + p.W_x[row] @ self.run.x[t] + p.b_h[row] + p.W_h[row] @ self.run.seen[t])
            uses += [*(mark("s", t, j) for j in range(self.H)), *self.weights_of(2, k, *self.where.weights)]
        z = log_number(into)
        says = f"The candidate{self.unit(k)} at t = {t}: {written} = {z}, and tanh({z}) = {log_number(value)}."
        formula = rf"n_{self.index(t, k)} = \tanh({latex_sum(written)}) = {latex_sum(log_number(value))}"
        return Value("n", t, k, value, says, formula, tuple(uses))

    def state(self, t: int, k: int) -> Value:
        z, n, before, h = (
            float(v[k]) for v in (self.run.z[t], self.run.n[t], self.run.states[t], self.run.states[t + 1])
        )
        z_, n_, b_, h_ = (log_number(v) for v in (z, n, before, h))
        rest = log_number(1 - z)
        says = (
            f"The state{self.unit(k)} at t = {t}: keep {z_} × {bracketed(b_)} = {log_number(z * before)}, take "
            f"{rest} × {bracketed(n_)} = {log_number((1 - z) * n)}, together {h_}."
        )
        written = f"{z_} × {bracketed(b_)} + {rest} × {bracketed(n_)}"
        formula = rf"h_{self.index(t, k)} = {latex_sum(written)} = {latex_sum(h_)}"
        return Value("h", t, k, h, says, formula, (mark("z", t, k), mark("n", t, k), mark("h", t - 1, k)))

    # -- what is drawn

    def drawing(self) -> str:
        where = self.where
        marks = where.fixed("h", -1, self.run.states[0], "state of unit {k} at the start")
        for t in range(self.T):
            marks += where.fixed("x", t, self.run.x[t], "input {k} at t = {t}")
            for key, name in {
                **dict(zip(KEYS, GATES, strict=True)),
                "s": SEEN[self.params.reset],
                "h": "state",
            }.items():
                marks += where.block(key, t, [""] * self.H, f"{name} of unit {{k}} at t = {{t}}")
            marks.append(where.onwards("h", t))
        marks += [*where.panel(), *where.frame()]
        return document(where.wide, where.panel_top + where.panel_high, marks, self.title)

    def numbers(self):
        run = self.run
        tables = {"x": (run.x, 0), "r": (run.r, 0), "s": (run.seen, 0), "n": (run.n, 0), "z": (run.z, 0)}
        return self.where.table(self.title, {**tables, "h": (run.states, -1)})


class _Backward(_Forward):
    more = BACKWARD

    def __init__(self, params: Params, run: GRUForward, back: GRUBackward):
        super().__init__(params, run)
        self.back, self.d = back, dict(zip(KEYS, np.split(back.d_gates, 3, axis=-1), strict=True))
        self.title = f"Back through a GRU of {plural(self.H, 'unit')} and {plural(self.T, 'step')}, reset {params.reset} the product"

    def values(self) -> Iterator[Value]:
        for t in range(self.T - 1, -1, -1):
            yield from (self.d_state(t, k) for k in range(self.H))
            yield from (self.d_update(t, k) for k in range(self.H))
            yield from (self.d_candidate(t, k) for k in range(self.H))
            yield from (self.d_reset(t, k) for k in range(self.H))
        yield from (self.d_state(-1, k) for k in range(self.H))

    def d_state(self, t: int, k: int) -> Value:
        value, when = float(self.back.d_states[t + 1, k]), "at the start" if t < 0 else f"at t = {t}"
        if t == self.T - 1:
            says = f"dh{self.unit(k)} {when}: the loss pulls at the last state with {log_number(value)}."
            return Value("dh", t, k, value, says, rf"\delta h_{self.index(t, k)} = {latex_sum(log_number(value))}", ())
        z, later = float(self.run.z[t + 1, k]), float(self.back.d_states[t + 2, k])
        kept, other = z * later, value - z * later
        written = f"{log_number(z)} × {bracketed(log_number(later))}"
        says = (
            f"dh{self.unit(k)} {when}: along the state come z × dh = {written} = {log_number(kept)}, and by all other ways, "
            f"through the gates of t = {t + 1} and from the loss, {log_number(other)}; together {log_number(value)}."
        )
        uses = [
            mark("z", t + 1, k),
            mark("dh", t + 1, k),
            *(mark(f"d{key}", t + 1, j) for key in KEYS for j in range(self.H)),
        ]
        whole = f"{written} + {bracketed(log_number(other))}"
        formula = rf"\delta h_{self.index(t, k)} = {latex_sum(whole)} = {latex_sum(log_number(value))}"
        return Value("dh", t, k, value, says, formula, tuple(uses))

    def d_update(self, t: int, k: int) -> Value:
        z, n, before = float(self.run.z[t, k]), float(self.run.n[t, k]), float(self.run.states[t, k])
        d_h = ("dh", float(self.back.d_states[t + 1, k]), mark("dh", t, k))
        return self.product(
            "z",
            t,
            k,
            [
                d_h,
                ("(the state before − n)", before - n, mark("h", t - 1, k)),
                ("z (1 − z)", z * (1 - z), mark("z", t, k)),
            ],
        )

    def d_candidate(self, t: int, k: int) -> Value:
        z, n = float(self.run.z[t, k]), float(self.run.n[t, k])
        d_h = ("dh", float(self.back.d_states[t + 1, k]), mark("dh", t, k))
        return self.product(
            "n", t, k, [d_h, ("(1 − z)", 1 - z, mark("z", t, k)), ("(1 − n²)", 1 - n * n, mark("n", t, k))]
        )

    def d_reset(self, t: int, k: int) -> Value:
        r = float(self.run.r[t, k])
        slope = ("r (1 − r)", r * (1 - r), mark("r", t, k))
        if self.params.reset == "after":
            d_n = ("dz_n", float(self.d["n"][t, k]), mark("dn", t, k))
            return self.product(
                "r", t, k, [d_n, ("the product with h", float(self.run.seen[t, k]), mark("s", t, k)), slope]
            )
        through = float(self.d["n"][t] @ self.params.W_h[2 * self.H :, k])
        d_seen = ("dz_n through W_h", through, mark("dn", t, k))
        return self.product(
            "r", t, k, [d_seen, ("the state before", float(self.run.states[t, k]), mark("h", t - 1, k)), slope]
        )

    def end(self, board: Storyboard) -> None:
        says = (
            "Each weight gets, summed over the steps, the derivative of its gate times what it multiplies. On the way to "
            + (
                "W_h and b_h of the candidate lies the reset gate."
                if self.params.reset == "after"
                else "W_h of the candidate, that is r × h."
            )
        )
        self.where.fill_gradients(board, self.back.gradients, says)

    # -- what is drawn

    def drawing(self) -> str:
        where, run = self.where, self.run
        marks = where.fixed("h", -1, run.states[0], "state of unit {k} at the start")
        marks += where.block("dh", -1, [""] * self.H, "dh of unit {k} at the start")
        for t in range(self.T):
            marks += where.fixed("x", t, run.x[t], "input {k} at t = {t}")
            for key, values in {"r": run.r, "s": run.seen, "n": run.n, "z": run.z, "h": run.h}.items():
                numbers, levels = [log_number(float(v)) for v in values[t]], [tint(v) for v in values[t]]
                marks += where.block(key, t, numbers, f"{key} of unit {{k}} at t = {{t}}", state="done", level=levels)
            for row in BACKWARD:
                marks += where.block(row.key, t, [""] * self.H, f"{row.name} of unit {{k}} at t = {{t}}")
            marks.append(where.onwards("dh", t, back=True))
        below = where.panel_top + where.panel_high + 16
        marks += [*where.panel(), *where.panel("d", below), *where.frame()]
        return document(where.wide, below + where.panel_high, marks, self.title)

    def numbers(self):
        tables = {"dh": (self.back.d_states, -1), **{f"d{key}": (self.d[key], 0) for key in "znr"}}
        return self.where.table(self.title, tables)
