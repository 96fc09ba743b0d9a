"""All alignments of a target to some frames, as a list and on the grid, each pointing at the other (sections 6.6 and 7.3)."""

from collections.abc import Sequence

from course_utils.scenes.lattice import Lattice
from course_utils.scenes.scene import Hint, Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import cell, document, pinned, row_name, text
from course_utils.scenes.wording import plural

MOST_PATHS, MOST_FRAMES = 21, 12
LEGEND = Legend({"now": "told of now", "path": "where this alignment runs"})


def alignments_scene(target: Sequence[str], paths: Sequence[Sequence[int]]) -> Scene:
    """Go through all alignments, one a step: the list tells their labels, the grid where they run.

    Parameters
    ----------
    target
        Names of its K symbols.
    paths
        All of them, as :func:`course_utils.alignment.paths` lists them: at least one and at most 21, of at most 12 frames.

    Raises
    ------
    ValueError
        There is none, or there are too many to draw.
    """
    if len(target) == 0:
        raise ValueError("target is empty; give at least one symbol")
    if not 1 <= len(paths) <= MOST_PATHS:
        raise ValueError(f"there are {len(paths)} alignments; the picture takes from 1 to {MOST_PATHS}")
    if len(paths[0]) > MOST_FRAMES:
        raise ValueError(f"there are {len(paths[0])} frames; the picture takes at most {MOST_FRAMES}")
    return _Alignments([str(s) for s in target], [tuple(path) for path in paths]).scene()


class _Alignments:
    def __init__(self, target: list[str], paths: list[tuple[int, ...]]):
        self.target, self.paths, self.K, self.T = target, paths, len(target), len(paths[0])
        wide = max(map(len, target)) > 2
        self.grid = Lattice(left=70, top=40, width=44, height=34, across=62, down=58)
        self.list = Lattice(
            left=self.grid.corner(self.T, 0)[0] + 70, top=34, width=46 if wide else 30, height=22, across=48 if wide else 32, down=26
        )  # fmt: skip

    def scene(self) -> Scene:
        board, before = Storyboard(), None
        board.step("Step on to list them, one after the other.")
        for n, path in enumerate(self.paths):
            self.tell(board, n, path, before)
            before = path
        same = (
            ""
            if len({self.labels(p) for p in self.paths}) == len(self.paths)
            else " Some of them have the same labels."
        )
        board.step(f"{plural(len(self.paths), 'alignment')} in all.{same}", keep=self.moved(before, None))
        spelled = " ".join(self.target)
        title = f"Alignments of {spelled} to {plural(self.T, 'frame')}"
        hints = {}
        for t in range(self.T):
            for i in range(self.K):
                through = [n for n, path in enumerate(self.paths) if path[t] == i]
                listed = ", ".join(str(n + 1) for n in through)
                hints[f"cell-{t}-{i}"] = Hint(
                    f"{self.target[i]} in frame {t}: {plural(len(through), 'alignment')} of {len(self.paths)}"
                    + (f", number {listed}." if through else ".")
                )
        table = Table(title, ("", *(f"t = {t}" for t in range(self.T))), ())
        return Scene(title, self.drawing(title), tuple(board.steps), table, hints, legend=LEGEND)

    def tell(self, board: Storyboard, n: int, path: tuple[int, ...], before: tuple[int, ...] | None) -> None:
        advances = [t for t in range(1, self.T) if path[t] != path[t - 1]]
        when = f"it advances in frame {', '.join(map(str, advances))}" if advances else "it never advances"
        says = f"Number {n + 1}: {' '.join(self.labels(path))}; {when}."
        keep = self.moved(before, path) | {f"number-{n}": Mark(text=str(n + 1))}
        keep |= {f"listed-{n}-{t}": Mark(text=self.target[i]) for t, i in enumerate(path)}
        now = {f"listed-{n}-{t}": ("now", "done") for t in range(self.T)}
        board.step(says, keep=keep, now=now, computes=[f"listed-{n}-{t}" for t in range(self.T)])

    def moved(self, before: tuple[int, ...] | None, after: tuple[int, ...] | None) -> dict[str, Mark]:
        """Return what changes on the grid from one path to the next."""
        marks = {}
        for path, state, arrow in ((before, "done", "hidden"), (after, "path", "path")):
            for t, i in enumerate(path or ()):
                marks[f"cell-{t}-{i}"] = Mark(state)
                if t:
                    marks[f"{'stay' if path[t - 1] == i else 'advance'}-{t}-{i}"] = Mark(arrow)
        return marks

    def labels(self, path: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.target[i] for i in path)

    def drawing(self, title: str) -> str:
        grid, marks, names = self.grid, [], []
        marks += [text(grid.centre(t, 0)[0], 14, f"{t}", "soft") for t in range(self.T)]
        names.append(text(58, 14, "t =", "soft", "end"))
        for i, name in enumerate(self.target):
            top = grid.corner(0, i)[1]
            names.append(row_name(58, top + 22, name, "name", top=top, indent=grid.left))
            marks += [
                grid.cell(f"cell-{t}-{i}", t, i, content=name, state="done", label=f"{name} in frame {t}")
                for t in range(self.T)
            ]
        for t in range(1, self.T):
            for i in range(min(t + 1, self.K)):
                marks += [grid.arrow(f"stay-{t}-{i}", t, i, advance=False)] if i < t else []
                marks += [grid.arrow(f"advance-{t}-{i}", t, i, advance=True)] if i else []
        for n in range(len(self.paths)):
            x, y = self.list.corner(0, n)
            marks.append(
                f'<g data-mark="number-{n}" data-state="done">{text(x - 8, y + 16, "", "slot soft", "end")}</g>'
            )
            for t in range(self.T):
                x, y = self.list.corner(t, n)
                marks.append(
                    cell(
                        f"listed-{n}-{t}",
                        x,
                        y,
                        self.list.width,
                        self.list.height,
                        state="hidden",
                        label=f"number {n + 1}, frame {t}",
                    )
                )
        width = self.list.corner(self.T, 0)[0] + 8
        height = max(grid.corner(0, self.K)[1] + 8, self.list.corner(0, len(self.paths))[1] + 8)
        return document(width, height, [*marks, pinned(names, 64, height)], title)
