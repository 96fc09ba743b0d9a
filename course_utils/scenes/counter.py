"""An LSTM set by hand that counts a up and b down, letter by letter (section 11.5)."""

from course_utils.gated_machines import A_TOO_LATE, B_TOO_EARLY, COUNT, SEEN_B
from course_utils.lstm import LSTMForward
from course_utils.scenes.scene import Legend, Scene, Storyboard, Table
from course_utils.scenes.step import Mark
from course_utils.scenes.svg import cell, document, pinned, row_name, text
from course_utils.scenes.unrolled import mark, tint
from course_utils.scenes.wording import number

WIDE, HEIGHT, GAP, LEFT, TOP, DOWN = 70, 30, 6, 132, 22, 42
MOST_LETTERS = 14
LEGEND = Legend(
    {"now": "this letter", "done": ""},
    shade="a number, darker the farther from 0",
    words={"cell": "state", "count": "state", "gate": "gate"},
)
# For each row of the picture its name, its role, and whether it has a cell at the start.
ROWS = {
    "letter": ("letter", "input", False),
    "g": ("candidate", "gate", False),
    "count": ("cell 0: count", "state", True),
    "seen": ("cell 1: b seen", "state", True),
    "late": ("cell 2: a too late", "state", True),
    "early": ("cell 3: b too early", "state", True),
}
UNITS = {"count": COUNT, "seen": SEEN_B, "late": A_TOO_LATE, "early": B_TOO_EARLY}


def counter_scene(word: str, run: LSTMForward, accepted: bool) -> Scene:
    """Show the four cells of the counter letter by letter, and whether the word is accepted.

    Parameters
    ----------
    word
        Of 1 to 14 letters.
    run, accepted
        From :func:`course_utils.gated_machines.read`, and what :func:`course_utils.gated_machines.accepts` says of it.

    Raises
    ------
    ValueError
        The word is empty or too long to draw.
    """
    if not 1 <= len(word) <= MOST_LETTERS:
        raise ValueError(f"the word has {len(word)} letters; the picture takes from 1 to {MOST_LETTERS}")
    return _Picture(word, run, accepted).scene()


class _Picture:
    def __init__(self, word: str, run: LSTMForward, accepted: bool):
        self.word, self.run, self.accepted = word, run, accepted
        self.values = {name: run.cells[:, unit] for name, unit in UNITS.items()}
        self.title = f"The counter reads {word}"

    def scene(self) -> Scene:
        board = Storyboard()
        for t in range(len(self.word)):
            keep = {mark("g", t, 0): self.filled(float(self.run.g[t, COUNT]))}
            keep |= {mark(name, t, 0): self.filled(float(values[t + 1])) for name, values in self.values.items()}
            now = {name: ("now", "done") for name in [*keep, mark("letter", t, 0)]}
            board.step(self.says(t), self.formula(t), keep=keep, now=now, computes=list(keep))
        header = ("", "start", *self.word)
        rows = tuple((ROWS[name][0], *(_written(v) for v in values)) for name, values in self.values.items())
        return Scene(self.title, self.drawing(), tuple(board.steps), Table(self.title, header, rows), legend=LEGEND)

    def filled(self, value: float) -> Mark:
        return Mark(text=_written(value), level=tint(value))

    def says(self, t: int) -> str:
        letter, count = self.word[t], self.values["count"]
        says = f"{letter}: the count goes from {_written(count[t])} to {_written(count[t + 1])}."
        events = {
            "seen": "A b has been seen from now on.",
            "late": "An a after a b: that is held against the word for ever.",
            "early": "A b with no a left to count down: that is held against the word for ever.",
        }
        for name, words in events.items():
            if self.values[name][t + 1] > 0.5 >= self.values[name][t]:
                says += f" {words}"
        return f"{says} {self.verdict()}" if t == len(self.word) - 1 else says

    def verdict(self) -> str:
        count = number(float(self.values["count"][-1]), 3)
        if self.accepted:
            return f"Accepted: {self.word.count('a')} times a, and then as many b."
        wrong = max(float(self.values["late"][-1]), float(self.values["early"][-1])) > 0.5
        return "Refused." if wrong else f"Refused: the count is {count}, not 0, or there was no b."

    def formula(self, t: int) -> str:
        f, i = (_written(v[t, COUNT]) for v in (self.run.f, self.run.i))
        c, g, after = (
            _written(v).replace("−", "-")
            for v in (self.values["count"][t], self.run.g[t, COUNT], self.values["count"][t + 1])
        )
        c, g = (f"({v})" if v.startswith("-") else v for v in (c, g))
        return rf"c_{{{t}}} = f c_{{{t - 1}}} + i g = {f} \cdot {c} + {i} \cdot {g} = {after}"

    def drawing(self) -> str:
        marks, names = [], []
        for n, (key, (name, role, at_start)) in enumerate(ROWS.items()):
            top = TOP + 14 + n * DOWN
            names.append(row_name(LEFT - 10, top + 20, name, f"small {role}", top=top, indent=LEFT))
            for t in range(-1 if at_start else 0, len(self.word)):
                x = LEFT + (t + 1) * (WIDE + GAP)
                there = key == "letter" or t < 0
                content = "" if not there else self.word[t] if key == "letter" else _written(self.values[key][0])
                label = f"{name}, {'start' if t < 0 else f'letter {t}'}"
                state = "done" if there else "idle"
                marks.append(
                    cell(mark(key, t, 0), x, top, WIDE, HEIGHT, content=content, state=state, role=role, label=label)
                )
        times = [
            text(LEFT + (t + 1.5) * (WIDE + GAP) - 3, TOP, "start" if t < 0 else str(t), "soft")
            for t in range(-1, len(self.word))
        ]
        height = TOP + 14 + DOWN * len(ROWS)
        return document(
            LEFT + (len(self.word) + 1) * (WIDE + GAP) + 4,
            height,
            [*times, *marks, pinned(names, LEFT - 5, height)],
            self.title,
        )


def _written(value: float) -> str:
    """Write a number with three decimals: what is nearly 0 is 0 here."""
    return f"{float(value) + 0.0:.3f}".replace("-0.000", "0.000").replace("-", "−")
