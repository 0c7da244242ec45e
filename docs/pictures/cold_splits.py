"""Splits for users and items nobody knows, drawn as users x items."""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp
from matplotlib.patches import Patch, Rectangle

from skattnrec.model_selection import split_interactions

TRAIN, HISTORY, HELD_OUT, UNKNOWN = "0.65", "#56B4E9", "#E69F00", "0.95"

rng = np.random.default_rng(4)
known = sp.csr_array((rng.random((7, 9)) < 0.6).astype(float))
panels = {
    'method="given_n", n_given=2': {"method": "given_n", "n_given": 2, "random_state": 1},
    'method="users", test_size=0.3': {"method": "users", "test_size": 0.3, "random_state": 1},
    'method="items", test_size=0.3': {"method": "items", "test_size": 0.3, "random_state": 2},
    "cold items, one fold of users": {"method": "items", "test_size": 0.3, "random_state": 2},
}
figure, axes = plt.subplots(1, 4, figsize=(11, 2.9), layout="constrained")
for panel, (title, options) in zip(axes, panels.items()):
    history, held_out = (part.toarray() > 0 for part in split_interactions(known, **options))
    is_fold = title.startswith("cold")
    for user, item in np.ndindex(known.shape):
        color = HISTORY if history[user, item] else HELD_OUT if held_out[user, item] else UNKNOWN
        if is_fold and user < 5:  # users that are learned from, of items that are not held out
            color = TRAIN if history[user, item] else UNKNOWN
        panel.add_patch(Rectangle((item - 0.46, user - 0.46), 0.92, 0.92, color=color))
    panel.set(xlim=(-0.5, 8.5), ylim=(6.5, -0.5), xticks=[], yticks=[], aspect="equal")
    panel.set_title(title, fontsize="medium")
    panel.set_xlabel("items")
    panel.spines[:].set_visible(False)
axes[0].set_ylabel("users")
key = {"fit only": TRAIN, "history": HISTORY, "held out": HELD_OUT, "not used": UNKNOWN}
figure.legend(
    handles=[Patch(color=color, label=name) for name, color in key.items()],
    loc="outside lower center",
    ncols=4,
    frameon=False,
)
