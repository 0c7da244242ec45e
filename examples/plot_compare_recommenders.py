"""
Attention against collaborative filtering
=========================================

Which model is best, and is the difference more than luck? ``compare_recommenders`` fits every model
on the same folds of users, hides the same items from all of them, and tests the differences.
"""

# %%
# Data and models
# ---------------
#
# The data are generated: tastes made up of topics, few popular items, and ratings from 1 to 5. All
# models have their default settings, but for the number of factors, which suits the size of the
# data.

import matplotlib.pyplot as plt

from skattnrec import (
    ALSFactorizer,
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    PopularityRecommender,
    RankingScorer,
    UserUserCF,
    compare_recommenders,
)
from skattnrec.datasets import make_interactions

X = make_interactions(500, 200, n_interactions=20_000, random_state=0).X
models = {
    "popularity": PopularityRecommender(),
    "user-user CF": UserUserCF(),
    "item-item CF": ItemItemCF(),
    "ALS": ALSFactorizer(n_components=16, random_state=0),
    "attention": AttentionRecommender(),
    "attention, two heads": MultiHeadAttentionRecommender(),
}

# %%
# The comparison
# --------------
#
# A fifth of each test user's ratings is hidden; hidden items with four or five stars should come
# first. One prediction serves all metrics. The intervals are over users, with a confidence of 95 %.

scorer = RankingScorer(["ndcg@10", "recall@20"], relevance_threshold=4)
board = compare_recommenders(models, X, scoring=scorer, cv=3)
board[["ndcg@10", "ndcg@10_low", "ndcg@10_high", "ndcg@10_p", "recall@20"]].round(3)

# %%
# ``ndcg@10_p`` is the p-value of the difference to the best model: a paired test over users,
# corrected for the number of pairs. All pairs are in ``board.attrs["pairs"]``.
#
# Intervals of two models may overlap although their difference is significant. Users differ more
# than models do, and a paired test compares the models user by user.

# %%
# The picture
# -----------
#
# Attention is blue, the other models are orange. Filled points are models that the test cannot tell
# from the best one at a level of 5 %.

figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
places = range(len(board))[::-1]
for axes, metric, title in zip(panels, ["ndcg@10", "recall@20"], ["NDCG@10", "recall@20"]):
    for place, (name, row) in zip(places, board.iterrows()):
        color = "#0072B2" if name.startswith("attention") else "#D55E00"
        face = color if row[f"{metric}_p"] >= 0.05 else "white"
        axes.hlines(place, row[f"{metric}_low"], row[f"{metric}_high"], color=color, linewidth=2)
        axes.plot(row[metric], place, "o", color=color, markerfacecolor=face, markersize=9)
        axes.annotate(
            f"{row[metric]:.3f}",
            (row[metric], place),
            (0, 9),
            ha="center",
            textcoords="offset points",
            fontsize=9,
        )
    axes.set(title=title, ylim=(-0.5, len(board) - 0.3))
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
panels[0].set_yticks(places, board.index)
label = f"mean over {board.attrs['n_users']} users, with 95 % confidence interval"
figure.supxlabel(label, fontsize="medium")
plt.show()
