"""Cross-validation of users: what is learned from, given and hidden in each fold."""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp
from matplotlib.patches import Patch, Rectangle
from sklearn.model_selection import KFold

from skattnrec.model_selection import split_interactions

TRAIN, HISTORY, HELD_OUT, UNKNOWN = "0.65", "#56B4E9", "#E69F00", "0.95"

rng = np.random.default_rng(3)
known = rng.random((9, 10)) < 0.55
_, held_out = split_interactions(sp.csr_array(known.astype(float)), test_size=0.2)
hidden = held_out.toarray() > 0

figure, panels = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for fold, (axes, (_, test)) in enumerate(zip(panels, KFold(3).split(known)), start=1):
    for (user, item), is_known in np.ndenumerate(known):
        color = HELD_OUT if hidden[user, item] else HISTORY
        color = UNKNOWN if not is_known else color if user in test else TRAIN
        axes.add_patch(Rectangle((item - 0.46, user - 0.46), 0.92, 0.92, color=color))
    axes.set(xlim=(-0.5, 9.5), ylim=(8.5, -0.5), xticks=[], yticks=[], aspect="equal")
    axes.set(title=f"fold {fold}", xlabel="items")
    axes.spines[:].set_visible(False)
panels[0].set_ylabel("users")
key = {"fit": TRAIN, "history": HISTORY, "hidden, to be found": HELD_OUT, "unknown": UNKNOWN}
figure.legend(
    handles=[Patch(color=color, label=name) for name, color in key.items()],
    loc="outside lower center",
    ncols=4,
    frameon=False,
)
