"""
From a table of ratings to recommendations
==========================================

Ratings usually come as a long table: who, what, how much. :class:`~skattnrec.InteractionEncoder`
makes a sparse matrix of it, a recommender learns from the matrix, and the encoder turns what it
recommends back into a table with names.
"""

# %%
# The table
# ---------
#
# Eight people have rated films. It is a small table, so that every step can be looked at.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from skattnrec import AttentionRecommender, InteractionEncoder

films = {
    "Ada": {"Alien": 5, "Blade Runner": 5, "Solaris": 4, "Notting Hill": 1},
    "Ben": {"Alien": 4, "Blade Runner": 5, "Dune": 4, "Amelie": 2},
    "Cleo": {"Solaris": 5, "Dune": 5, "Blade Runner": 4},
    "Dina": {"Amelie": 5, "Notting Hill": 5, "Before Sunrise": 4, "Alien": 1},
    "Emil": {"Before Sunrise": 5, "Amelie": 4, "Casablanca": 5},
    "Fay": {"Casablanca": 5, "Notting Hill": 4, "Before Sunrise": 5, "Dune": 2},
    "Gus": {"Alien": 5, "Dune": 5, "Solaris": 3},
    "Hana": {"Casablanca": 4, "Amelie": 5, "Notting Hill": 4},
}
table = pd.DataFrame(
    [(user, film, stars) for user, rated in films.items() for film, stars in rated.items()],
    columns=["user", "item", "rating"],
)
table.sample(5, random_state=0)

# %%
# To a matrix, and to a model
# ---------------------------
#
# Rows of the matrix are users, columns are items. With so little data, a small ``regularization``
# is in place: it counts in pseudo-observations.

encoder = InteractionEncoder(unknown="ignore")
X = encoder.fit_transform(table)
print(f"{X.shape[0]} users, {X.shape[1]} films, {X.nnz} ratings")

model = AttentionRecommender(regularization=1.0).fit(X)
indices, scores = model.recommend(X, k=1)
recommendations = encoder.decode(indices, scores, users=encoder.user_ids_)
recommendations

# %%
# Somebody new
# ------------
#
# A model knows no user by name or number. It scores histories, so whoever has rated something gets
# recommendations without a new ``fit``. "Stalker" was not in the table the encoder learned from;
# with ``unknown="ignore"`` it is passed over.

visitor = pd.DataFrame({"user": "Ivo", "item": ["Dune", "Stalker", "Amelie"], "rating": [5, 5, 2]})
history = encoder.transform(visitor)
encoder.decode(*model.recommend(history, k=3), users=encoder.row_users(visitor))

# %%
# Why?
# ----
#
# ``explain`` splits a score into what each film of the history adds to it. The parts add up to the
# score exactly.

explanation = model.explain(history)
reasons = pd.DataFrame(
    explanation.contributions,
    index=encoder.item_ids_[explanation.items],
    columns=encoder.item_ids_[explanation.sources],
).head(3)
reasons.assign(score=explanation.scores[:3]).round(3)

# %%
# The picture
# -----------
#
# On the left is the table as a matrix, with the film recommended to each user framed. On the
# right are the reasons for Ivo's list.

order = ["Alien", "Blade Runner", "Dune", "Solaris"]
order += ["Amelie", "Before Sunrise", "Casablanca", "Notting Hill"]
matrix = table.pivot(index="user", columns="item", values="rating")[order]

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10.5, 4.4), width_ratios=[1.25, 1], layout="constrained"
)
image = left.imshow(matrix, cmap="cividis", vmin=1, vmax=5, aspect="auto")
for row, user in enumerate(matrix.index):
    for item in recommendations.loc[recommendations["user"] == user, "item"]:
        corner = order.index(item) - 0.44, row - 0.42
        left.add_patch(Rectangle(corner, 0.88, 0.84, fill=False, color="#D55E00", linewidth=2.5))
left.set_xticks(range(8), order, rotation=40, ha="right")
left.set_yticks(range(8), matrix.index)
left.hlines(np.arange(7) + 0.5, -0.5, 7.5, color="white", linewidth=2)
left.vlines(np.arange(7) + 0.5, -0.5, 7.5, color="white", linewidth=2)
left.tick_params(length=0)
left.set_facecolor("0.94")
left.spines[:].set_visible(False)
left.set_title("ratings, and what is recommended")

reasons[::-1].plot.barh(ax=right, color=["#E69F00", "#0072B2"], width=0.7)
right.axvline(0, color="0.3", linewidth=1)
right.spines[["top", "right", "left"]].set_visible(False)
right.tick_params(axis="y", length=0)
right.set_xlabel("contribution to the score")
right.set_title("why these three for Ivo")
right.set_xlim(right=0.45)
right.legend(title="because Ivo rated", frameon=False, loc="lower right", reverse=True)
figure.colorbar(image, ax=left, label="rating", ticks=range(1, 6), pad=0.02)
plt.show()
