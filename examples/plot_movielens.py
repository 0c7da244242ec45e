"""
Why these films?
================

A recommender that answers "because you rated Alien 5" can be argued with. This example asks a model
with two heads for films, for its reasons, and for what it attends to: titles, genres, times.

It shows MovieLens 100K if the environment variable ``SKATTNREC_DATA`` names a folder that holds
``ml-100k``, and generated ratings of made-up titles otherwise.
"""

# %%
# Ratings with titles and genres
# ------------------------------

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skattnrec import MultiHeadAttentionRecommender
from skattnrec.datasets import fetch_movielens, make_interactions
from skattnrec.inspection import (
    AttentionDisplay,
    AttentionTimelineDisplay,
    ContributionDisplay,
    aggregate_attention,
    explain,
)

folder = Path(os.environ.get("SKATTNREC_DATA", ""))
homes = [home for home in (folder, folder / "raw") if (home / "ml-100k").is_dir()]
if homes:
    data = fetch_movielens("100k", data_home=homes[0])
    titles, genres = data.item_names, data.feature_names
else:
    data = make_interactions(800, 400, n_interactions=40_000, n_components=6, random_state=0)
    genres = ["Drama", "Comedy", "Action", "Thriller", "Romance", "Horror"]
    main = data.item_factors.argmax(axis=1)
    titles = np.array([f"{genres[g]} No. {j}" for j, g in enumerate(main)], dtype=object)

X, times = data.X, data.timestamps
lengths = np.diff(X.indptr)
user = int(np.argmin(np.abs(lengths - 60)))  # a history of about sixty films
print(f"{X.shape[0]} users, {X.shape[1]} films; user {user} has rated {lengths[user]} of them")

# %%
# Reasons in words
# ----------------
#
# Genres are the item features: a film speaks louder the better it fits the rest of the history.

model = MultiHeadAttentionRecommender(
    2, temperature=1.0, temperature_ratio=4.0, item_features=data.item_features, random_state=0
).fit(X)
reasons = explain(model, X[[user]], item_names=titles)
for line in reasons.to_text()[:5]:
    print(line)

# %%
# The same as a table: weight times value is what a film contributes, for each head.

table = reasons.only(0).to_frame(heads=True, max_sources=3)
table[["head", "source", "rating", "weight", "value", "contribution", "share"]].round(4)

# %%
# The parts add up to the score, so they can be drawn as a waterfall.

waterfall = ContributionDisplay.from_predictions(reasons)
plt.show()

# %%
# What the heads attend to
# ------------------------
#
# The first head is the sharper one. Long histories are cut to their strongest entries; the last row
# is the sum of the others.

attention = AttentionDisplay.from_estimator(model, X[[user]], item_names=titles, max_entries=12)
plt.show()

# %%
# Over the time line of the user: this model does not look at the order, so attention follows the
# ratings wherever they are.

timeline = AttentionTimelineDisplay.from_estimator(
    model, X[[user]], times[[user]], item_names=titles
)
plt.show()

# %%
# All users, by genre
# -------------------
#
# Which genres get more attention than their share of the histories? A lift of 1.1 is ten per cent
# more. Mostly these are the genres that are rated higher.

by_genre = aggregate_attention(model, X, data.item_features, names=genres)
lifts = by_genre.pivot(index="group", columns="head", values="lift")
known = by_genre[by_genre["head"] == 0].set_index("group")["history"]
lifts = lifts.loc[known[known > 0.01].index].sort_values(0)

figure, ax = plt.subplots(figsize=(7, 0.9 + 0.32 * len(lifts)), layout="constrained")
for head, color in zip(lifts.columns, ["#0072B2", "#E69F00"]):
    label = f"head {head + 1} (temperature {model.temperatures_[head]:g})"
    ax.plot(lifts[head], range(len(lifts)), "o", color=color, label=label)
ax.axvline(1, color="0.4", linewidth=1)
ax.set_yticks(range(len(lifts)), lifts.index)
ax.set_xlabel("attention divided by share of the history")
ax.grid(axis="x", color="0.9")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()
