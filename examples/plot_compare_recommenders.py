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
from skattnrec.inspection import LeaderboardDisplay

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
# Hollow points are models that the test tells from the best one at a level of 5 %. The band is the
# interval of the best model.

figure, panels = plt.subplots(1, 2, figsize=(10.5, 3.6), layout="constrained")
for axes, metric in zip(panels, ["ndcg@10", "recall@20"]):
    LeaderboardDisplay.from_predictions(board, metric=metric, ax=axes)
plt.show()
