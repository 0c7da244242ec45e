"""What the protocols of ``split_interactions`` hold out, drawn as users x items."""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp
from matplotlib.patches import Patch, Rectangle

from skattnrec.model_selection import split_interactions

HISTORY, HELD_OUT, UNKNOWN = "#56B4E9", "#E69F00", "0.95"
TIMES = np.array(
    [
        [1, 3, 0, 2, 6, 0, 5, 0],
        [0, 9, 8, 0, 7, 6, 0, 5],
        [2, 0, 4, 1, 0, 3, 5, 6],
        [0, 0, 3, 0, 0, 0, 0, 0],
        [7, 6, 0, 4, 0, 3, 0, 2],
    ]
)

T = sp.csr_array(TIMES.astype(float))
protocols = {
    'method="random", test_size=0.4': {"test_size": 0.4},
    'method="leave_k_out", k=1': {"method": "leave_k_out", "k": 1, "timestamps": T},
    'method="temporal", test_size=0.4': {"method": "temporal", "test_size": 0.4, "timestamps": T},
    'method="temporal", cutoff=5': {"method": "temporal", "cutoff": 5, "timestamps": T},
}
figure, panels = plt.subplots(2, 2, figsize=(9, 5.6), layout="constrained")
for axes, (title, options) in zip(panels.flat, protocols.items()):
    _, held_out = split_interactions(T, **options)
    hidden = held_out.toarray() > 0
    for (user, item), time in np.ndenumerate(TIMES):
        color = UNKNOWN if time == 0 else HELD_OUT if hidden[user, item] else HISTORY
        axes.add_patch(Rectangle((item - 0.46, user - 0.46), 0.92, 0.92, color=color))
        if time:
            axes.text(item, user, time, ha="center", va="center")
    axes.set(xlim=(-0.5, 7.5), ylim=(4.5, -0.5), xticks=[], aspect="equal", title=title)
    axes.set_yticks(range(5), [f"user {u}" for u in range(5)])
    axes.set_xlabel("items")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
key = {"history": HISTORY, "held out": HELD_OUT, "unknown": UNKNOWN}
figure.legend(
    handles=[Patch(color=color, label=name) for name, color in key.items()],
    loc="outside lower center",
    ncols=3,
    frameon=False,
)
