"""A path that the reader draws over the grid of target and frames, and what it is worth among all (section 7.6)."""

from collections.abc import Iterator

import numpy as np

from course_utils.alignment import RankedPaths
from course_utils.posteriors import names_of_columns
from course_utils.scenes.lattice import TINT, Lattice
from course_utils.scenes.scene import Legend, Scene, Table
from course_utils.scenes.step import Mark, Step
from course_utils.scenes.svg import document, pinned, row_name, text
from course_utils.scenes.walk import Node, Walk
from course_utils.scenes.wording import latex_number, log_number, number, plural

MOST_PATHS = 300
LEGEND = Legend(
    {"now": "where you are", "path": "on your path, or on the best one", "won": "the best path, where it leaves yours"},
    shade="a probability",
    letters={"P": "output"},
)


def paths_scene(ranked: RankedPaths, symbols) -> Scene:
    """Let the reader draw a path, frame by frame; say why a move is not allowed, and in the end how good the path is.

    Parameters
    ----------
    ranked
        From :func:`course_utils.alignment.rank_paths`, at most 300 paths.
    symbols
        The name of each column of the log-probabilities.

    Raises
    ------
    ValueError
        There are too many paths to send them all, or a column has no name.
    """
    if len(ranked.paths) > MOST_PATHS:
        raise ValueError(
            f"there are {len(ranked.paths)} paths; the picture takes at most {MOST_PATHS}: use fewer frames"
        )
    return _Paths(ranked, names_of_columns(symbols, ranked.log_y, "log_y")).scene()


class _Paths:
    def __init__(self, ranked: RankedPaths, symbols):
        self.ranked, self.emitted = ranked, ranked.emitted
        self.T, self.K = self.emitted.shape
        self.symbols, self.names = symbols, [str(symbols[k]) for k in ranked.target]
        self.rank = {tuple(path): ranked.rank(path) for path in ranked.paths.tolist()}
        self.grid = Lattice(left=92, top=40, width=70, height=34, across=104, down=66)
        self.below = 40 + 66 * self.K

    def scene(self) -> Scene:
        spelled = " ".join(self.names)
        title = f"A path of your own: {spelled} in {plural(self.T, 'frame')}"
        walk = Walk(tuple(self.nodes()), self.moves(), self.refusals())
        header = ("", *(f"t = {t}" for t in range(self.T)))
        rows = ((name, *(number(p, 3) for p in np.exp(self.emitted[:, i]))) for i, name in enumerate(self.names))
        table = Table(f"{title}: probability of each symbol", header, tuple(rows))
        return Scene(title, self.drawing(title), (walk.nodes[0].step,), table, legend=LEGEND, walk=walk)

    # -- what may be drawn, and what is said of it

    def nodes(self) -> Iterator[Node]:
        """Yield the tree of all beginnings of paths, each before those that go on from it."""
        beginnings = sorted({path[:n] for path in self.rank for n in range(self.T + 1)}, key=lambda b: (len(b), b))
        number_of = {beginning: n for n, beginning in enumerate(beginnings)}
        for beginning in beginnings:
            longer = [(*beginning, i) for i in range(self.K)]
            following = {self.cell(len(b) - 1, b[-1]): number_of[b] for b in longer if b in number_of}
            yield Node(
                self.step(beginning), self.cell(len(beginning) - 1, beginning[-1]) if beginning else "", following
            )

    def step(self, path: tuple[int, ...]) -> Step:
        if not path:
            return Step(
                f"Draw a path: → stays at a symbol, ↓ advances to the next one, ← takes back. Or press the cells. "
                f"It begins at {self.name(0)} in frame 0, and ends at {self.name(self.K - 1)} in frame {self.T - 1}."
            )
        t, i = len(path) - 1, path[-1]
        here = self.cell(t, i)
        terms = self.emitted[np.arange(t + 1), list(path)]
        product, log_sum = number(float(np.exp(terms.sum()))), log_number(float(terms.sum()))
        p, log_p = number(float(np.exp(terms[-1])), 3), log_number(float(terms[-1]))
        patch = {here: Mark("now"), f"product-{t}": Mark("done", product), f"sum-{t}": Mark("done", log_sum)}
        computes = (here, f"product-{t}", f"sum-{t}")
        if t == 0:
            says = f"Frame 0: the path begins at {self.name(0)}, which has {p} here; ln {p} = {log_p}."
        else:
            before = float(terms[:-1].sum())
            how = "stay at" if path[-2] == i else "advance to"
            says = (
                f"Frame {t}: {how} {self.name(i)}. {number(float(np.exp(before)))} × {p} = {product}, "
                f"and as logarithms {log_number(before)} + ({log_p}) = {log_sum}."
            )
            patch[self.cell(t - 1, path[-2])] = Mark("path")
            patch[f"{'stay' if path[-2] == i else 'advance'}-{t}-{i}"] = Mark("path")
        if t == self.T - 1:
            says += " " + self.verdict(path)
            patch[here] = Mark("path")
            best = self.ranked.paths[0]
            patch |= {
                f"best-{s}": Mark("path" if path[s] == best[s] else "won", self.names[best[s]]) for s in range(self.T)
            }
        factors = r" \times ".join(latex_number(number(float(v), 3)) for v in np.exp(terms))
        return Step(says, f"P = {factors} = {latex_number(product)}" if t else "", patch, computes)

    def verdict(self, path: tuple[int, ...]) -> str:
        """Say how good a whole path is among all of them."""
        n, rank, best = len(self.rank), self.rank[path], tuple(self.ranked.paths[0].tolist())
        spelled, equals = " ".join(self.names[i] for i in path), list(self.rank.values()).count(rank) - 1
        merged = self.ranked.compressed(path)
        if len(merged) < self.K:
            names = " ".join(str(self.symbols[k]) for k in merged)
            spelled = f"{spelled}, which compresses to {names} and not to the target,"
        if n == 1:
            return f"{spelled} is the only path there is."
        also = f", as {plural(equals, 'other')} " + ("has" if equals == 1 else "have") if equals else ""
        if rank == 1:
            return f"{spelled} has rank 1 of {n}{also}: no path is better."
        parts = next(t for t in range(self.T) if path[t] != best[t])
        p = number(float(np.exp(self.ranked.scores[0])))
        return (
            f"{spelled} has rank {rank} of {n}{also}. The best is {' '.join(self.names[i] for i in best)}, with {p}; "
            f"it leaves your path in frame {parts}."
        )

    def moves(self) -> dict[str, dict[str, str]]:
        """Say what a key chooses at each cell, as far as there is a cell."""
        found = {"": {"ArrowRight": self.cell(0, 0)}}
        if self.K > 1:
            found[""]["ArrowDown"] = self.cell(0, 1)
        for t, i in np.ndindex(self.T - 1, self.K):
            ways = {"ArrowRight": i, "ArrowDown": i + 1, "ArrowUp": i - 1}
            found[self.cell(t, i)] = {key: self.cell(t + 1, k) for key, k in ways.items() if 0 <= k < self.K}
        return found

    def refusals(self) -> dict[str, dict[str, str]]:
        """Say for each place why each cell cannot be chosen there."""
        found = {"": {"ArrowUp": f"A path begins at {self.name(0)}: press →."}}
        if self.K == 1:
            found[""]["ArrowDown"] = f"{self.name(0)} is the only symbol: press →."
        for t, i in np.ndindex(self.T, self.K):
            if (t, i) != (0, 0):
                found[""][self.cell(t, i)] = (
                    f"A path begins at {self.name(0)}: otherwise it would be left out."
                    if t == 0
                    else "A path begins in frame 0: every frame gets a symbol."
                )
            found[self.cell(t, i)] = self.refusals_at(t, i)
        return found

    def refusals_at(self, t: int, i: int) -> dict[str, str]:
        last = t == self.T - 1
        ended = "The path has come to its end. ← takes steps back, and the first button begins anew."
        keys = {"ArrowRight": ended, "ArrowDown": ended, "ArrowUp": ended} if last else {}
        if not last and i == self.K - 1:
            keys["ArrowDown"] = f"{self.name(i)} is the last symbol: none comes after it."
        if not last and i == 0:
            keys["ArrowUp"] = f"{self.name(0)} is the first symbol: none comes before it."
        return keys | {
            self.cell(s, k): ended if last else self.why_not(t, i, s, k)
            for s, k in np.ndindex(self.T, self.K)
            if (s, k) != (t, i) and not self.allowed(t, i, s, k)
        }

    def allowed(self, t: int, i: int, s: int, k: int) -> bool:
        return s == t + 1 and k in (i, i + 1) and self.K - 1 - k <= self.T - 1 - s

    def why_not(self, t: int, i: int, s: int, k: int) -> str:
        """Say which rule forbids the move from (t, i) to (s, k)."""
        if s <= t:
            return f"Frame {s} has its symbol already. ← takes steps back."
        if s > t + 1:
            return f"After frame {t} comes frame {t + 1}: every frame gets a symbol."
        if k < i:
            return f"The symbols come in the order of the target: after {self.name(i)} there is no way back to {self.name(k)}."
        if k > i + 1:
            return f"A path stays or advances by one: {self.name(i + 1)} would be left out."
        left = self.K - 1 - k
        return (
            f"{plural(left, 'symbol')} would still have to come after {self.name(k)}, in "
            f"{plural(self.T - 1 - s, 'frame')}: advance in time."
        )

    # -- what is drawn

    def name(self, i: int) -> str:
        return self.names[i] if len(set(self.names)) == self.K else f"{self.names[i]} (i = {i})"

    def cell(self, t: int, i: int) -> str:
        return f"cell-{t}-{i}"

    def drawing(self, title: str) -> str:
        grid, names, marks = self.grid, [], []
        marks += [text(grid.centre(t, 0)[0], 14, f"t = {t}", "soft") for t in range(self.T)]
        for i in range(self.K):
            x, y, top = 80, grid.centre(0, i)[1], grid.corner(0, i)[1]
            names.append(row_name(x, y, self.names[i], "name", top=top, indent=grid.left))
            names.append(
                row_name(x, y + 16, f"i = {i}", "soft", top=top, indent=grid.left + 12 + 10 * len(self.names[i]))
            )
            for t in range(self.T):
                p = float(np.exp(self.emitted[t, i]))
                label = f"{self.name(i)} at frame {t}"
                marks.append(
                    grid.cell(
                        self.cell(t, i),
                        t,
                        i,
                        content=number(p, 3),
                        state="done",
                        role="output",
                        level=TINT * p,
                        label=label,
                    )
                )
        for t in range(1, self.T):
            for i in range(min(t + 1, self.K)):
                marks += [grid.arrow(f"stay-{t}-{i}", t, i, advance=False)] if i < t else []
                marks += [grid.arrow(f"advance-{t}-{i}", t, i, advance=True)] if i else []
        for n, (row, name) in enumerate({"product": "product", "sum": "log sum", "best": "best path"}.items()):
            where = Lattice(grid.left, self.below + 46 * n, grid.width, 28, grid.across, 0)
            names.append(
                row_name(80, self.below + 46 * n + 19, name, "small", top=self.below + 46 * n, indent=grid.left)
            )
            marks += [where.cell(f"{row}-{t}", t, 0, label=f"{name}, frame {t}") for t in range(self.T)]
        width, height = grid.corner(self.T - 1, 0)[0] + grid.width + 10, self.below + 46 * 3 - 8
        return document(width, height, [*marks, pinned(names, 86, height)], title)
