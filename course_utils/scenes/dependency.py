"""Which input reaches which output: arrows between two rows, and the table of strengths below them (section 1.8)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Hint, Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import cell, document, pinned, row_name
from course_utils.scenes.wording import latex_number, log_number, number

MOST = 8  # inputs, and outputs, that the picture takes
LEFT, WIDE, HIGH, ACROSS, DOWN = 64, 54, 32, 60, 46
TOP_OF_OUTPUTS, TOP_OF_INPUTS, TOP_OF_TABLE = 18, 170, 220
THINNEST, WIDEST = 1.5, 7.0  # arrows
DARKEST = 0.45  # tint, on which the numbers can still be read
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def dependency_scene(strength: ArrayLike, title: str = "Which input reaches which output", note: str = "") -> Scene:
    """Ask one output a step which inputs it answers to, and how strongly; in the end say what pattern that makes.

    Parameters
    ----------
    strength
        (T, S) size of dy_t / dx_s, such as from :func:`course_utils.structures.dependence`; exactly 0 where input s
        does not reach output t. T and S from 1 to 8.
    title
        Names the picture.
    note
        A sentence for the last step, on what the table alone does not show.

    Raises
    ------
    ValueError
        ``strength`` is not such a table, or too large to draw.
    """
    strength = _checked(strength)
    picture = _Dependency(strength)
    board = Storyboard()
    board.step("Nothing is asked yet. Which inputs does each output answer to, and which cells will be filled?")
    for t in range(len(strength)):
        picture.play(board, t)
    arrows = {f"arrow-{t}-{s}": ("done", "hidden") for t, s in np.argwhere(strength > 0)}
    board.step(f"{pattern(strength)} {note}".rstrip(), now=arrows)
    table = Table(
        f"{title}: size of dy_t / dx_s",
        ("", *(_name("x", s) for s in range(strength.shape[1]))),
        tuple((_name("y", t), *(_shown(value) for value in row)) for t, row in enumerate(strength)),
    )
    legend = Legend(
        {"now": "asked", "won": "reaches it", "off": "does not reach it", "idle": "not asked yet"},
        shade="a strength, darker the nearer to the largest",
        letters={"x": "input", "y": "output"},
    )
    return Scene(title, picture.drawing(title), tuple(board.steps), table, picture.hints(), legend=legend)


def pattern(strength: ArrayLike) -> str:
    """Say in a sentence or two where the (T, S) strengths differ from zero, judged by nothing but the zeros."""
    reached = np.asarray(strength) > 0
    T, S = reached.shape
    if reached.all():
        return _full(T, S)
    if not reached.any():
        return "The table is empty: no output answers to any input."
    if T == S:
        square = {
            "The diagonal alone is filled: each output answers to its own input and to no other.": np.eye(T),
            "The lower triangle is filled: each output answers to its own input and the earlier ones, "
            "never to a later one.": np.tri(T),
            "The upper triangle is filled: each output answers to its own input and the later ones, "
            "never to an earlier one.": np.tri(T).T,
        }
        for says, filled in square.items():
            if (reached == filled.astype(bool)).all():
                return says
    return f"{reached.sum()} of the {T * S} cells are filled, in none of the patterns that have a name here."


def _full(T: int, S: int) -> str:
    if T == S == 1:
        return "A single cell, and it is filled: one input, one output."
    if T == 1:
        return f"A single row, and it is full: the one output answers to all {S} inputs."
    if S == 1:
        return f"A single column, and it is full: the one input reaches all {T} outputs."
    return f"The table is full, {T} × {S}: every output answers to every input, earlier or later."


class _Dependency:
    """The drawing: outputs above, inputs below, an arrow for each pair, and under each input its column of the table."""

    def __init__(self, strength: NDArray[np.float64]):
        self.strength = strength
        self.T, self.S = strength.shape
        self.largest = strength.max() or 1.0
        most = max(self.T, self.S)
        self.width = LEFT + most * ACROSS
        self.outputs = Lattice(LEFT + (most - self.T) * ACROSS / 2, TOP_OF_OUTPUTS, WIDE, HIGH, ACROSS, DOWN)
        of_inputs = LEFT + (most - self.S) * ACROSS / 2
        self.inputs = Lattice(of_inputs, TOP_OF_INPUTS, WIDE, HIGH, ACROSS, DOWN)
        self.table = Lattice(of_inputs, TOP_OF_TABLE, WIDE, HIGH, ACROSS, DOWN)

    def play(self, board: Storyboard, t: int) -> None:
        """Add the step of output t."""
        row = self.strength[t]
        reach = np.flatnonzero(row)
        keep = {f"cell-{t}-{s}": self._filled(row[s]) for s in range(self.S)}
        now = {f"out-{t}": ("now", "done")}
        now |= {f"in-{s}": ("won" if row[s] else "off", "done") for s in range(self.S)}
        now |= {f"arrow-{t}-{s}": ("won", "hidden") for s in reach}
        now |= {f"cell-{t}-{s}": ("won", "done") for s in reach}
        most = int(row.argmax())
        size = latex_number(_shown(row[most]))
        formula = rf"\left\|\partial y_{{{t}}} / \partial x_{{{most}}}\right\| = {size}"
        board.step(_says(row, t), formula, keep=keep, now=now, computes=[f"out-{t}", *keep])

    def _filled(self, value: float) -> Mark:
        if value == 0:
            return Mark("off", "0", 0)
        return Mark("done", _shown(value), DARKEST * value / self.largest)

    def hints(self) -> dict[str, Hint]:
        """Say for each cell and each input what it tells."""
        hints = {}
        for (t, s), value in np.ndenumerate(self.strength):
            y, x = _name("y", t), _name("x", s)
            says = f"{x} does not reach {y}: exactly 0." if value == 0 else f"{x} reaches {y}: {_shown(value)}."
            hints[f"cell-{t}-{s}"] = Hint(says)
        for s, column in enumerate(self.strength.T):
            reached = np.flatnonzero(column)
            listed = _listed([_name("y", t) for t in reached]) if len(reached) else "no output"
            hints[f"in-{s}"] = Hint(f"{_name('x', s)} reaches {listed}.")
        return hints

    def drawing(self, title: str) -> str:
        """Draw everything before the first step."""
        height = TOP_OF_TABLE + self.T * DOWN
        names = [
            self._row("outputs", TOP_OF_OUTPUTS, "small output"),
            self._row("inputs", TOP_OF_INPUTS, "small input"),
            *(self._row(_name("y", t), self.table.corner(0, t)[1], "name output") for t in range(self.T)),
        ]
        body = [self._arrow(t, s) for t, s in np.argwhere(self.strength > 0)]
        for t in range(self.T):
            body.append(self.outputs.cell(f"out-{t}", t, 0, content=_name("y", t), role="output", label=f"output {t}"))
        for s in range(self.S):
            body.append(
                self.inputs.cell(f"in-{s}", s, 0, content=_name("x", s), state="done", role="input", label=f"input {s}")
            )
        for t, s in np.ndindex(self.T, self.S):
            x, y = self.table.corner(s, t)
            label = f"strength of output {t} on input {s}"
            body.append(cell(f"cell-{t}-{s}", x, y, WIDE, HIGH, role="gradient", label=label))
        return document(self.width, height, [*body, pinned(names, LEFT - 6, height)], title)

    def _row(self, name: str, top: float, css: str) -> str:
        return row_name(LEFT - 10, top + HIGH / 2 + 5, name, css, top=top, indent=LEFT)

    def _arrow(self, t: int, s: int) -> str:
        """Draw the arrow from input s to output t, the wider the stronger; those of one cell are fanned out."""
        to = np.array([self.outputs.centre(t, 0)[0] + _fanned(s, self.S), TOP_OF_OUTPUTS + HIGH + 3])
        start = np.array([self.inputs.centre(s, 0)[0] + _fanned(t, self.T), TOP_OF_INPUTS - 3])
        half = (THINNEST + (WIDEST - THINNEST) * self.strength[t, s] / self.largest) / 2
        along = (to - start) / np.linalg.norm(to - start)
        aside = np.array([-along[1], along[0]])
        neck = to - (6 + 2.5 * half) * along
        shaft = [start + half * aside, neck + half * aside, neck - half * aside, start - half * aside]
        head = [neck + (half + 3.5) * aside, to, neck - (half + 3.5) * aside]
        return (
            f'<g class="arrow" data-mark="arrow-{t}-{s}" data-state="hidden">'
            f'<path class="wide" d="{_outline(shaft)}"/><path class="head" d="{_outline(head)}"/></g>'
        )


def _outline(corners: list[NDArray[np.float64]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "z"


def _fanned(n: int, of: int) -> float:
    """How far aside of the middle of a cell the end of arrow n of so many lies."""
    return 0.72 * WIDE * ((n + 0.5) / of - 0.5)


def _says(row: NDArray[np.float64], t: int) -> str:
    """Tell which inputs reach output t, which most, and which not at all."""
    y, reach, silent = _name("y", t), np.flatnonzero(row), np.flatnonzero(row == 0)
    if len(reach) == 0:
        return f"{y} answers to no input: exactly 0 throughout."
    strongest = int(row.argmax())
    told = _listed([_name("x", s) for s in reach])
    most = (
        f": {_shown(row[strongest])}"
        if len(reach) == 1
        else f", most to {_name('x', strongest)}: {_shown(row[strongest])}"
    )
    says = f"{y} answers to {told}{most}."
    if len(silent):
        does = "does" if len(silent) == 1 else "do"
        says += f" {_listed([_name('x', s) for s in silent])} {does} not reach it: exactly 0."
    return says


def _shown(value: float) -> str:
    if value == 0:
        return "0"
    return log_number(value) if value < 100 else number(value, 3)


def _name(letter: str, k: int) -> str:
    return f"{letter}{k}".translate(_SUBSCRIPTS)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _checked(strength: ArrayLike) -> NDArray[np.float64]:
    try:
        strength = np.asarray(strength, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"strength is not a table of numbers: {error}") from None
    if strength.ndim != 2 or 0 in strength.shape or max(strength.shape) > MOST:
        raise ValueError(
            f"strength has shape {strength.shape}; it must be (T, S), from 1 to {MOST} outputs and inputs each"
        )
    if not (np.isfinite(strength) & (strength >= 0)).all():
        t, s = np.argwhere(~(np.isfinite(strength) & (strength >= 0)))[0]
        raise ValueError(f"strength[{t}, {s}] is {strength[t, s]}; a strength is a finite number, 0 or above")
    return strength
