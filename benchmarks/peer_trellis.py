# The trellis of chapter 8 as one would draw it without the stepper: matplotlib, a slider, interact. This text is
# the cell of a notebook; other numbers are put in for Y and TARGET there. Numbers, cells and arrows are those of the
# stepper that it is compared with.
import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import IntSlider, interact
from matplotlib.patches import Rectangle

Y = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
TARGET = "AB"
T, K = Y.shape
UP, DOWN = 0.35 * (K - 2), 0.9 * (K - 2)  # what more than two symbols need above and below

V = np.zeros((T, K))
came_from = np.zeros((T, K), dtype=int)
V[0, 0] = Y[0, 0]
ORDER = [(0, 0)]
for t in range(1, T):
    for i in range(min(t + 1, K)):
        came_from[t, i] = i - 1 if i > 0 and V[t - 1, i - 1] > V[t - 1, i] else i
        V[t, i] = Y[t, i] * V[t - 1, came_from[t, i]]
        ORDER.append((t, i))
PATH = [(T - 1, K - 1)]
for t in range(T - 1, 0, -1):
    PATH.append((t - 1, came_from[PATH[-1]]))
STEPS = len(ORDER) + T + 1


def draw(step):
    done = ORDER[: step + 1]
    now = ORDER[step] if step < len(ORDER) else None
    path = PATH[: max(step + 1 - len(ORDER), 0)]
    _, axes = plt.subplots(figsize=(1.35 * T, 3.4 + UP + DOWN))
    for t in range(T):
        axes.text(t, 2.05 + UP, f"t = {t}", ha="center", color="dimgray")
        for k in range(K):
            edge, width = ("C1", 3) if now == (t, k) else ("dimgray", 1)
            axes.add_patch(
                Rectangle(
                    (t - 0.33, 1.65 + UP - 0.35 * k), 0.66, 0.28, fc=(0, 0.41, 0.66, 0.45 * Y[t, k]), ec=edge, lw=width
                )
            )
            axes.text(t, 1.79 + UP - 0.35 * k, f"{Y[t, k]:.3g}", ha="center", va="center")
    for i in range(K):
        axes.text(-0.5, 1.79 + UP - 0.35 * i, f"y({TARGET[i]})", ha="right", va="center")
        axes.text(-0.5, 0.6 - 0.9 * i, TARGET[i], ha="right", va="center", weight="bold")
        for t in range(T):
            edge, width, style = "gray", 1, "--"
            if (t, i) in path:
                edge, width, style = "C2", 4, "-"
            elif (t, i) == now:
                edge, width, style = "C1", 3, "-"
            elif (t, i) in done:
                style = "-"
            shade = 0.3 * V[t, i] / V[t].max() if (t, i) in done else 0
            axes.add_patch(
                Rectangle((t - 0.33, 0.35 - 0.9 * i), 0.66, 0.5, fc=(0, 0.41, 0.66, shade), ec=edge, lw=width, ls=style)
            )
            if (t, i) in done or i > t:
                axes.text(t, 0.6 - 0.9 * i, f"{V[t, i]:.4g}", ha="center", va="center")
    for t, i in done[1:]:
        start, end = (t - 0.66, 0.6 - 0.9 * came_from[t, i]), (t - 0.34, 0.6 - 0.9 * i)
        best = (t, i) in path and (t - 1, came_from[t, i]) in path
        colour, width = ("C2", 3) if best else ("C0", 2.5) if (t, i) == now else ("gray", 1)
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": width})
    for t, i in path:
        axes.text(t, -1.05 - DOWN, TARGET[i], ha="center", va="center", weight="bold")
    axes.set(xlim=(-0.9, T - 0.5), ylim=(-1.3 - DOWN, 2.3 + UP))
    axes.axis("off")
    plt.show()


interact(draw, step=IntSlider(value=0, min=0, max=STEPS - 1))
