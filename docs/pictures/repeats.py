"""A cutoff in a table with repeats, and in the matrix that is made of it, as users x items."""

import matplotlib.pyplot as plt
from matplotlib.patches import Patch, Rectangle

HISTORY, HELD_OUT, UNKNOWN = "#56B4E9", "#E69F00", "0.95"
TIMES = [  # of every purchase, by user and item
    [[1, 6], [2], [], [4], [7]],
    [[], [2, 3], [5], [], [1, 8]],
    [[3], [], [1, 2, 7], [], []],
]
CUTOFF = 5


def draw(axes, title, cells):
    """Draw one cell for a user and an item, split into its entries."""
    for user, row in enumerate(cells):
        for item, times in enumerate(row):
            width = 0.92 / max(len(times), 1)
            for place, time in enumerate(times or [None]):
                left = item - 0.46 + place * width
                color = UNKNOWN if time is None else HELD_OUT if time >= CUTOFF else HISTORY
                axes.add_patch(
                    Rectangle((left, user - 0.46), width, 0.92, facecolor=color, edgecolor="white")
                )
                if time is not None:
                    axes.text(left + width / 2, user, time, ha="center", va="center")
    axes.set(xlim=(-0.5, 4.5), ylim=(2.5, -0.5), xticks=[], aspect="equal", title=title)
    axes.set_yticks(range(3), [f"user {u}" for u in range(3)])
    axes.set_xlabel("items")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
draw(panels[0], "split_table, cutoff=5", TIMES)
latest = [[times[-1:] for times in row] for row in TIMES]
draw(panels[1], "split_interactions, cutoff=5", latest)
key = {"history": HISTORY, "held out": HELD_OUT, "unknown": UNKNOWN}
figure.legend(
    handles=[Patch(color=color, label=name) for name, color in key.items()],
    loc="outside lower center",
    ncols=3,
    frameon=False,
)
