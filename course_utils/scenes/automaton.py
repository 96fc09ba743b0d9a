"""An automaton beside the grid that it becomes when it is unrolled over time, with the number of ways to each cell (sections 7.4 and 7.8)."""

from course_utils.automata import Unrolled
from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Hint, Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import arrow, document, pinned, text
from course_utils.scenes.wording import plural

MOST_FRAMES, MOST_STATES = 12, 11
RADIUS, MIDDLE = 16, 74
LEGEND = Legend({"now": "reached in this frame", "off": "leads to no end, or is not reached"})


def pointed(shaft: str, tip: tuple[float, float], along: tuple[float, float]) -> list[str]:
    """Draw an arrow that never changes: its shaft, and a head at its tip that points along a unit vector."""
    (x, y), (u, v), size = tip, along, 7
    bx, by, half = x - size * u, y - size * v, 0.5 * size
    head = f"M{x:.1f} {y:.1f}L{bx - half * v:.1f} {by + half * u:.1f}L{bx + half * v:.1f} {by - half * u:.1f}z"
    return [f'<path class="axis" fill="none" d="{shaft}"/>', f'<path class="ink" d="{head}"/>']


def automaton_scene(unrolled: Unrolled, title: str) -> Scene:
    """Unroll an automaton frame by frame, and count the ways to every state.

    Parameters
    ----------
    unrolled
        From :func:`course_utils.automata.unroll`, of 1 to 11 states and at most 12 frames.
    title
        Of the picture.

    Raises
    ------
    ValueError
        There is no state, or there is too much to draw.
    """
    T, S = unrolled.lives.shape
    if not 1 <= S <= MOST_STATES:
        raise ValueError(f"there are {plural(S, 'state')}; the picture takes from 1 to {MOST_STATES}")
    if T > MOST_FRAMES:
        raise ValueError(f"there are {T} frames; the picture takes at most {MOST_FRAMES}")
    return _Unrolling(unrolled, title).scene()


class _Unrolling:
    def __init__(self, unrolled: Unrolled, title: str):
        self.unrolled, self.automaton, self.title = unrolled, unrolled.automaton, title
        self.names = [str(label) for label in self.automaton.labels]
        self.T, self.S = unrolled.lives.shape
        self.grid = Lattice(left=150, top=44, width=46, height=32, across=82, down=58)
        self.into = {j: [i for i, k in self.automaton.arcs if k == j] for j in range(self.S)}

    def scene(self) -> Scene:
        board = Storyboard()
        board.step(self.opening())
        for t in range(self.T):
            self.fill(board, t)
        self.finish(board)
        hints = {self.cell(t, j): Hint(self.derivation(t, j)) for t in range(self.T) for j in range(self.S)}
        return Scene(
            self.title, self.drawing(), tuple(board.steps), self.table(), hints=hints, legend=LEGEND
        )  # fmt: skip

    # -- what is said

    def opening(self) -> str:
        loops = sum(i == j for i, j in self.automaton.arcs)
        return (
            f"The automaton has {plural(self.S, 'state')}, {plural(loops, 'loop')} and "
            f"{plural(len(self.automaton.arcs) - loops, 'arc')} from one state to another. Whoever enters a state, or "
            "stays in it, reads its symbol in one frame."
        )

    def fill(self, board: Storyboard, t: int) -> None:
        ways = self.unrolled.ways[t]
        reached = [j for j in range(self.S) if ways[j]]
        if t == 0:
            says = f"Frame 0: it begins at {' or at '.join(self.name(j) for j in reached)}."
        else:
            sums = []
            for j in reached:
                terms = [self.unrolled.ways[t - 1][i] for i in self.into[j] if self.unrolled.ways[t - 1][i]]
                sums.append(f"{self.name(j)} {' + '.join(map(str, terms))}" + (f" = {ways[j]}" * (len(terms) > 1)))
            says = f"Frame {t}, ways to each state, one term for each arc into it: {', '.join(sums)}."
        keep = {self.cell(t, j): Mark("off") for j in range(self.S) if not ways[j]}
        keep |= {self.cell(t, j): Mark(text=str(ways[j])) for j in reached}
        keep |= {self.arc(t, i, j): Mark("done") for i, j in self.arcs_into(t)}
        now = {self.cell(t, j): ("now", "done") for j in reached}
        board.step(says, keep=keep, now=now, computes=[self.cell(t, j) for j in reached])

    def finish(self, board: Storyboard) -> None:
        lives, ends = self.unrolled.lives, self.automaton.ends
        keep = {}
        for t in range(self.T):
            for j in range(self.S):
                if self.unrolled.ways[t][j]:
                    keep[self.cell(t, j)] = Mark("path" if lives[t, j] else "off")
            for i, j in self.arcs_into(t):
                keep[self.arc(t, i, j)] = Mark("path" if lives[t - 1, i] and lives[t, j] else "hidden")
        last = [self.unrolled.ways[-1][j] for j in ends]
        total = self.unrolled.paths
        added = f"{' + '.join(map(str, last))} = {total}" if len(last) > 1 else str(total)
        where = " and ".join(self.name(j) for j in ends)
        if total:
            says = f"Paths that end at {where} in frame {self.T - 1}: {added}. What leads to no end is dotted."
        else:
            says = f"No path reaches {where} in {plural(self.T, 'frame')}: there are too few."
        board.step(says, keep=keep)

    def derivation(self, t: int, j: int) -> str:
        ways = self.unrolled.ways[t][j]
        if t == 0:
            return f"{self.name(j)} in frame 0: {'a path may begin here' if ways else 'no path begins here'}."
        terms = [
            f"{self.unrolled.ways[t - 1][i]} {'by staying' if i == j else f'from {self.name(i)}'}" for i in self.into[j]
        ]
        return f"{self.name(j)} in frame {t}: {' + '.join(terms)}; {plural(ways, 'way')}."

    def name(self, j: int) -> str:
        """Name a state; where its symbol stands elsewhere as well, by its number too."""
        return self.names[j] if self.names.count(self.names[j]) == 1 else f"{self.names[j]} ({j})"

    # -- what is drawn

    def cell(self, t: int, j: int) -> str:
        return f"ways-{t}-{j}"

    def arc(self, t: int, i: int, j: int) -> str:
        return f"arc-{t}-{i}-{j}"

    def arcs_into(self, t: int) -> list[tuple[int, int]]:
        return [] if t == 0 else [(i, j) for i, j in self.automaton.arcs if self.unrolled.ways[t - 1][i]]

    def drawing(self) -> str:
        grid, marks = self.grid, []
        marks += [text(grid.centre(t, 0)[0], 20, f"t = {t}", "soft") for t in range(self.T)]
        for t in range(self.T):
            for j in range(self.S):
                label = f"ways to {self.name(j)} in frame {t}"
                marks.append(grid.cell(self.cell(t, j), t, j, label=label))
            for i, j in self.arcs_into(t):
                x, y = grid.corner(t - 1, i)[0] + grid.width, grid.centre(t - 1, i)[1]
                to = grid.corner(t, j)[0], grid.centre(t, j)[1]
                bend = 0 if i == j else 10
                marks.append(arrow(self.arc(t, i, j), (x + 2, y + bend), (to[0] - 3, to[1] - bend)))
        height = grid.corner(0, self.S)[1]
        width = grid.corner(self.T, 0)[0] - grid.across + grid.width + 10
        return document(width, height, [*marks, pinned(self.states(), 134, height)], self.title)

    def states(self) -> list[str]:
        """Draw the automaton: a circle a state, two for one that may be the last, and its arcs."""
        drawn = [text(MIDDLE, 20, "automaton", "soft")]
        for j, name in enumerate(self.names):
            y = self.grid.centre(0, j)[1]
            for radius in (RADIUS, RADIUS + 4)[: 1 + (j in self.automaton.ends)]:
                drawn.append(f'<circle class="axis" fill="none" cx="{MIDDLE}" cy="{y:g}" r="{radius}"/>')
            drawn.append(text(MIDDLE, y + 5, name, "name" if len(name) < 3 else "small"))
        for i, j in self.automaton.arcs:
            drawn += self.link(i, j)
        for j in self.automaton.starts:
            y = self.grid.centre(0, j)[1]
            drawn += pointed(f"M{MIDDLE - 48} {y - 24:g}L{MIDDLE - 18} {y - 9:g}", (MIDDLE - 15, y - 7), (0.9, 0.45))
        return drawn

    def link(self, i: int, j: int) -> list[str]:
        """Draw an arc between states: a loop at the left, a line down, or a bow at the right around what is passed over."""
        a, b = self.grid.centre(0, i)[1], self.grid.centre(0, j)[1]
        out, into = (RADIUS + 1 + 4 * (k in self.automaton.ends) for k in (i, j))
        if i == j:
            x = MIDDLE - out
            return pointed(
                f"M{x + 2:g} {a - 7:g}C{x - 26:g} {a - 16:g} {x - 26:g} {a + 22:g} {x - 3:g} {a + 8:g}",
                (x + 2, a + 5),
                (0.85, -0.53),
            )
        if j == i + 1:
            return pointed(f"M{MIDDLE} {a + out:g}V{b - into - 5:g}", (MIDDLE, b - into), (0, 1))
        x = MIDDLE + RADIUS
        return pointed(
            f"M{x:g} {a + 8:g}C{x + 30:g} {a + 22:g} {x + 30:g} {b - 24:g} {x + 9:g} {b - 12:g}",
            (MIDDLE + into, b - 7), (-0.83, 0.55),
        )  # fmt: skip

    def table(self) -> Table:
        header = ("", *(f"t = {t}" for t in range(self.T)))
        arcs = ", ".join(f"{self.name(i)} → {self.name(j)}" for i, j in self.automaton.arcs)
        return Table(
            f"{self.title}. Arcs: {arcs}", header, tuple((self.name(j), *[""] * self.T) for j in range(self.S))
        )
