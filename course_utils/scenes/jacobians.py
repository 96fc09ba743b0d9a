"""A product of Jacobians as a picture, factor by factor from the last one back (chapter 5)."""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.activations import LARGEST_SLOPE
from course_utils.jacobians import Product
from course_utils.scenes.edits import Number
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import cell, document, pinned, text
from course_utils.scenes.wording import latex_number, number, with_exponent

MOST_FACTORS, MOST_UNITS = 200, 64
WITH_FORMULAS = 20  # factors; longer runs need to be drawn while a slider moves
WEIGHT = partial(Number, name="weight", low=-12, high=12, grain=0.05)
LEFT, TOP, HEIGHT = 66, 62, 250
PANEL_GAP, CELL, ROW, BETWEEN = 30, 84, 30, 24
DOTTED = 'style="stroke-dasharray: 1.5 4"'
ROLE = {"W_hh": "weight", "factor": "gradient", "product": "gradient"}
LEGEND = Legend(
    {"now": "after this factor", "won": "", "lost": ""},
    words={"W_hh": "weight", "product": "gradient"},
    letters={"W": "weight", "J": "gradient", "h": "state"},
)
IN_TABLE = (1, 2, 3, 4, 5, 10, 20, 50, 100, 150, 200)


def product_scene(product: Product, about: str = "") -> Scene:
    """Show a product of Jacobians factor by factor from the last one back, and draw its norm after each of them.

    The norm is drawn on a logarithmic axis between its two bounds, also where the product itself underflows. With two
    units the weights (which can be edited), the factor and the product stand beside it as numbers, and so does the
    image of the unit circle, scaled so that its longer axis always has the same length.

    Parameters
    ----------
    product
        From 1 to 200 factors of at most 64 units.
    about
        A sentence to end with.

    Raises
    ------
    ValueError
        It has too many factors to draw, or none, or they are too large.
    """
    T, H = len(product.factors), len(product.forward.net.W_hh)
    if not 1 <= T <= MOST_FACTORS:
        raise ValueError(f"the run has {T} steps; the picture takes from 1 to {MOST_FACTORS} factors")
    if H > MOST_UNITS:
        raise ValueError(f"the network has {H} units; the picture takes at most {MOST_UNITS}")
    return _Picture(product, about).scene()


def power(log: float, digits: int = 3) -> str:
    """Write a number that is given by its natural logarithm, which may be too small or too large for a float."""
    if log == -math.inf:
        return "0"
    exponent = math.floor(log / math.log(10))
    if -300 < exponent < 300:
        return number(math.exp(log), digits)
    mantissa = math.exp(log - exponent * math.log(10))
    if float(f"{mantissa:.{digits - 2}f}") >= 10:
        mantissa, exponent = 1.0, exponent + 1
    return with_exponent(round(mantissa, digits - 2), exponent)


class _Picture:
    def __init__(self, product: Product, about: str):
        self.product, self.net, self.about = product, product.forward.net, about
        self.T, self.H = len(product.factors), len(self.net.W_hh)
        self.width = 300 if self.H == 2 else 520
        self.panel = LEFT + self.width + PANEL_GAP
        self.low, self.high = self.view()

    def scene(self) -> Scene:
        board, before = Storyboard(), {}
        for n in range(self.T + 1):
            beside = self.numbers_at(n)
            board.step(
                self.sentence(n) if n else self.opening(),
                self.formula(n) if n else "",
                keep={name: mark for name, mark in beside.items() if before.get(name) != mark},
                now={f"dot-{n}": ("now", "done")},
                computes=[f"dot-{n}"],
            )
            before |= beside
        factors = "1 Jacobian" if self.T == 1 else f"{self.T} Jacobians"
        units = "1 unit" if self.H == 1 else f"{self.H} units"
        title = f"Product of {factors}, {units}, {self.net.activation}"
        W = self.net.W_hh
        edits = {f"W_hh-{i}-{k}": WEIGHT(("W_hh", i, k), float(W[i, k])) for i, k in np.ndindex(W.shape) if self.H == 2}
        return Scene(title, self.drawing(title), tuple(board.steps), self.table(title), edits=edits, legend=LEGEND)

    # -- what is said

    def opening(self) -> str:
        slope, p = LARGEST_SLOPE[self.net.activation], self.product
        says = f"W_hh has the spectral norm {_short(p.W_norm)} and the spectral radius {_short(p.W_radius)}, "
        says += f"and no slope of {self.net.activation} is above {number(slope)}. "
        return says + "Before the first factor the product is the identity, and its norm is 1."

    def sentence(self, n: int) -> str:
        p, factor = self.product, _short(self.product.factor_norms[n - 1])
        product = power(p.log_norm[n])
        says = f"Factor {n}, J({self.T - n}), has the norm {factor}; the product of {n} has the norm {product}"
        if n == 1:
            says = f"Factor 1, J({self.T - 1}), the Jacobian of the last step, has the norm {factor}"
        lower, upper = power(p.log_lower[n]), power(p.log_upper[n])
        met = lower == upper if p.log_upper[n] == -np.inf else p.log_upper[n] - p.log_lower[n] <= 1e-12 * n
        says += f", which is its bound {upper} exactly." if met else f", between {lower} and {upper}."
        if n == self.T and n > 1 and p.log_norm[n] > -np.inf:
            says += f" That is a factor of {_short(math.exp(p.log_norm[n] / n))} a step."
        if n == self.T and self.about:
            says += f" {self.about}"
        return says

    def formula(self, n: int) -> str:
        if self.T > WITH_FORMULAS:
            return ""
        upper, lower = (latex_number(power(log[n])) for log in (self.product.log_upper, self.product.log_lower))
        norm = latex_number(power(self.product.log_norm[n]))
        last, first = self.T - 1, self.T - n
        whole = (
            f"J_{{{last}}}"
            if n == 1
            else f"J_{{{last}}} J_{{{last - 1}}}"
            if n == 2
            else rf"J_{{{last}}} \cdots J_{{{first}}}"
        )
        derivative = rf"\frac{{\partial h_{{{last}}}}}{{\partial h_{{{first - 1}}}}}"
        bounds = rf"{lower} \le \lVert {whole} \rVert = {norm} \le {upper}"
        if self.H != 2:
            return bounds
        now = _latex_matrix(self.product.matrix(n))
        if n == 1:
            return rf"{derivative} = {whole} = {now}"
        before, factor = _latex_matrix(self.product.matrix(n - 1)), _latex_matrix(self.product.factors[n - 1])
        return rf"{derivative} = {whole} = {before} {factor} = {now}"

    # -- what is drawn

    def view(self) -> tuple[float, float]:
        """Lowest and highest decimal logarithm of the plot: all of the norms, and of the bounds what lies near."""
        norms = self.product.log_norm[np.isfinite(self.product.log_norm)] / math.log(10)
        low, high = norms.min(), norms.max()
        near = 0.35 * max(high - low, 1.5)
        upper, lower = self.product.log_upper / math.log(10), self.product.log_lower / math.log(10)
        low = min(low, max(low - near, lower.min()))
        high = max(high, min(high + near, upper.max()))
        margin = max(0.04 * (high - low), 0.15)
        return float(low - margin), float(high + margin)

    def x(self, n: float) -> float:
        return LEFT + 10 + (self.width - 20) * n / self.T

    def y(self, decades: float) -> float:
        return TOP + HEIGHT * (self.high - decades) / (self.high - self.low)

    def drawing(self, title: str) -> str:
        height = TOP + HEIGHT + 48
        names = [text(LEFT - 8, self.y(d) + 4, _decade(d), "soft", "end") for d in self.decades()]
        marks = [*self.frame(), *self.legend(), self.line(self.product.log_upper, "upper")]
        marks += [self.line(self.product.log_lower, "lower"), *self.dots()]
        width = LEFT + self.width + 14
        if self.H == 2:
            marks += self.matrices() + self.ellipses()
            width = self.panel + 4 * CELL + BETWEEN + 20
        return document(width, height, [*marks, pinned(names, LEFT - 4, height)], title)

    def decades(self) -> list[int]:
        lowest, highest = math.ceil(self.low), math.floor(self.high)
        spacings = (s * 10**power for power in range(6) for s in (1, 2, 5))
        spacing = next(s for s in spacings if (highest - lowest) / s <= 6)
        return [d for d in range(lowest, highest + 1) if d % spacing == 0]

    def frame(self) -> list[str]:
        bottom, right = TOP + HEIGHT, LEFT + self.width
        drawn = [f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
        for d in self.decades():
            drawn.append(f'<path class="axis" fill="none" stroke-opacity="0.3" d="M{LEFT} {self.y(d):.1f}H{right}"/>')
        spacing = next(s for s in (1, 2, 5, 10, 20, 50) if self.T / s <= 8)
        drawn += [text(self.x(n), bottom + 18, str(n), "soft") for n in range(0, self.T + 1, spacing)]
        drawn.append(text((LEFT + right) / 2, bottom + 38, "number of factors", "soft"))
        return drawn

    def legend(self) -> list[str]:
        """Name the three curves above the plot, each with a piece of its line."""
        slope = number(LARGEST_SLOPE[self.net.activation])
        upper = f"upper bound ({slope} × {_short(self.product.W_norm)})ⁿ"
        return [
            f'<g class="dot"><circle cx="{LEFT + 6}" cy="14" r="3.5"/></g>',
            text(LEFT + 18, 18, "norm of the product", "small", "start"),
            f'<g class="arrow" data-state="lost"><path class="shaft" d="M{LEFT + 160} 14h26"/></g>',
            text(LEFT + 192, 18, upper, "small", "start"),
            f'<g class="arrow" data-state="lost"><path class="shaft" {DOTTED} d="M{LEFT + 160} 38h26"/></g>',
            text(LEFT + 192, 42, "lower bound", "small", "start"),
        ]

    def line(self, logs: NDArray, name: str) -> str:
        """Draw a bound as far as it lies inside the plot."""
        decades, pieces = logs / math.log(10), []
        floor = self.low - (self.high - self.low)  # stands for a bound of zero
        for n in range(self.T):
            a, b = max(decades[n], floor), max(decades[n + 1], floor)
            inside = _inside(a, b, self.low, self.high)
            if inside:
                s, e = inside
                start = "M" if not pieces or s > 0 else "L"
                if start == "M":
                    pieces.append(f"M{self.x(n + s):.1f} {self.y(a + s * (b - a)):.1f}")
                pieces.append(f"L{self.x(n + e):.1f} {self.y(a + e * (b - a)):.1f}")
        path = "".join(pieces)
        style = DOTTED if name == "lower" else ""
        return f'<g class="arrow" data-state="lost"><path class="shaft" {style} d="{path}"/></g>'

    def dots(self) -> list[str]:
        drawn = []
        for n, log in enumerate(self.product.log_norm):
            label = f"norm after {n}"  # its number is in the sentence that computes it
            shape = text(self.x(n), TOP + HEIGHT - 6, "0", "small")
            if log > -np.inf:
                shape = f'<circle cx="{self.x(n):.1f}" cy="{self.y(log / math.log(10)):.1f}"/>'
            drawn.append(f'<g class="dot" data-mark="dot-{n}" data-state="hidden" aria-label="{label}">{shape}</g>')
        return [f'<g class="dots{" dense" if self.T > 60 else ""}">', *drawn, "</g>"]

    # -- with two units

    def matrices(self) -> list[str]:
        places = {"W_hh": (0, 0), "factor": (1, 0), "product": (0, 1)}
        drawn = []
        for name, (column, row) in places.items():
            left, top = self.panel + column * (2 * CELL + BETWEEN), TOP - 8 + row * 132
            drawn.append(text(left, top - 12, name, f"name {ROLE[name]}", "start"))
            for i, k in np.ndindex(2, 2):
                x, y = left + k * (CELL + 4), top + i * (ROW + 4)
                more = {"content": ""}
                if name == "W_hh":
                    value = float(self.net.W_hh[i, k])
                    more = {"content": number(value, 3), "label": f"weight from unit {k} to unit {i}"}
                drawn.append(cell(f"{name}-{i}-{k}", x, y, CELL, ROW, state="done", role=ROLE[name], **more))
        return drawn

    def ellipses(self) -> list[str]:
        """Draw the image of the unit circle after each factor; only one of them is shown at a time."""
        left, radius = self.panel + 2 * CELL + BETWEEN, 62
        cx, cy = left + CELL, TOP + 120 + radius
        drawn = [
            text(left, TOP + 112, "image of the circle", "name", "start"),
            f'<g data-mark="size">{text(left, TOP + HEIGHT + 18, "", "slot soft", "start")}</g>',
            f'<g transform="translate({cx} {cy})"><circle class="ink" r="2.5"/>',
        ]
        for n, P in enumerate(self.product.direction):
            shape = ""
            if self.product.log_norm[n] > -np.inf:
                U, s, _ = np.linalg.svd(P)
                angle = math.degrees(math.atan2(-U[1, 0], U[0, 0]))
                x, y = radius * P[0, 0], -radius * P[1, 0]
                shape = (
                    f'<ellipse class="box" rx="{radius * s[0]:.3g}" ry="{max(radius * s[1], 0.8):.1f}" '
                    f'transform="rotate({angle:.1f})"/><path class="axis" d="M0 0 {x:.1f} {y:.1f}"/><circle class="end" cx="{x:.1f}" cy="{y:.1f}"/>'
                )
            drawn.append(f'<g data-mark="image-{n}" data-state="hidden">{shape}</g>')
        return [*drawn, "</g>"]

    def numbers_at(self, n: int) -> dict[str, Mark]:
        """Say what stands beside the plot after n factors."""
        if self.H != 2:
            return {}
        marks = {f"image-{n}": Mark("won")}
        if n:
            marks[f"image-{n - 1}"] = Mark("hidden")
        P, log = self.product.direction[n], self.product.log_norm[n]
        for i, k in np.ndindex(2, 2):
            marks[f"factor-{i}-{k}"] = Mark(text=number(float(self.product.factors[n - 1][i, k]), 3) if n else "")
            marks[f"product-{i}-{k}"] = Mark(text=_scaled(P[i, k], log))
        marks["size"] = Mark(text=f"longer axis: {power(log)}")
        return marks

    def table(self, title: str) -> Table:
        chosen = [n for n in sorted({*IN_TABLE, self.T}) if n <= self.T]
        p = self.product
        rows = (
            ("norm of the factor", *(_short(p.factor_norms[n - 1]) for n in chosen)),
            ("lower bound", *(power(p.log_lower[n]) for n in chosen)),
            ("norm of the product", *(power(p.log_norm[n]) for n in chosen)),
            ("upper bound", *(power(p.log_upper[n]) for n in chosen)),
        )
        return Table(title, ("factors", *map(str, chosen)), rows)


def _short(value: float) -> str:
    return number(float(f"{value:.9g}"), 4)  # a norm of 0.9999999999 is 1, of which rounding has taken the rest


def _scaled(entry: float, log: float) -> str:
    """Write an entry of a product whose direction and size are known apart."""
    if abs(entry) < 1e-12 or log == -math.inf:
        return "0"
    return ("−" if entry < 0 else "") + power(math.log(abs(entry)) + log)


def _latex_matrix(matrix: NDArray) -> str:
    rows = (" & ".join(latex_number(number(float(v), 3)) for v in row) for row in matrix)
    return r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}"


def _decade(d: int) -> str:
    return "1" if d == 0 else "10" if d == 1 else with_exponent(1, d).removeprefix("1·")


def _inside(a: float, b: float, low: float, high: float) -> tuple[float, float] | None:
    """Which part of the way from a to b lies between low and high, as two fractions of it."""
    if a == b:
        return (0.0, 1.0) if low <= a <= high else None
    ends = sorted(((low - a) / (b - a), (high - a) / (b - a)))
    start, end = max(ends[0], 0.0), min(ends[1], 1.0)
    return (start, end) if start < end else None
