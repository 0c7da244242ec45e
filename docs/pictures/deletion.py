"""How far a score falls when a history loses what an explanation names."""

import matplotlib.pyplot as plt

from skattnrec import AttentionRecommender
from skattnrec.datasets import make_interactions
from skattnrec.inspection import faithfulness

X = make_interactions(600, 200, n_interactions=24_000, random_state=0).X
model = AttentionRecommender(regularization=50).fit(X[:500])
table = faithfulness(model, X[500:540], max_fraction=0.5)

figure, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
colors = {"contribution": "#0072B2", "attention": "#E69F00", "random": "0.5"}
for order, drops in table.attrs["curves"].items():
    ax.plot(table.attrs["fractions"], drops, color=colors[order], label=order, linewidth=2)
ax.set(xlim=(0, 0.5), xlabel="share of the history deleted", ylabel="share of the score lost")
ax.set_ylim(bottom=0)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(title="deleted first, by", frameon=False)
