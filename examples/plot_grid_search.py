"""
Search over heads and temperature
=================================

How many heads, and how sharp? Recommenders are scikit-learn estimators, so the answer comes from
``GridSearchCV``.
"""

# %%
# Data and grid
# -------------
#
# Ratings enter as how far they are from the usual one, in spreads, so temperatures mean the same
# whatever the scale of the ratings is. Head h has the temperature
# ``temperature * temperature_ratio**h``, so the grid is over the flattest head; the others are
# sharper.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV, KFold

from skattnrec import MultiHeadAttentionRecommender, RankingScorer, recommend
from skattnrec.datasets import make_interactions
from skattnrec.inspection import TemperatureHeadsDisplay

X = make_interactions(500, 200, n_interactions=20_000, random_state=0).X
grid = {"n_heads": [1, 2, 3], "temperature": [0.25, 0.5, 1.0, 2.0, 4.0]}

# %%
# What is a good recommendation?
# ------------------------------
#
# The scorer hides a fifth of every test user's ratings and looks where the model ranks the hidden
# items. ``relevance_threshold=4`` counts only hidden items with four or five stars as found.

scorer = RankingScorer("ndcg@10", relevance_threshold=4)
folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(MultiHeadAttentionRecommender(), grid, scoring=scorer, cv=folds).fit(X)
print(search.best_params_)
print(f"NDCG@10 {search.best_score_:.3f}")

# %%
# The search has fitted the best setting on all users. It has no method ``recommend``, as
# recommenders have; :func:`~skattnrec.recommend` makes lists with any estimator.

indices, _ = recommend(search, X[:3], k=5)
indices

# %%
# The picture
# -----------
#
# On these data the temperature matters more than the number of heads. With more heads the first one
# may be flatter, as the others are sharper.

display = TemperatureHeadsDisplay.from_estimator(search)
display.ax_.set_xlabel("temperature of the flattest head, in spreads of the ratings")
display.ax_.set_title("NDCG@10, mean of three folds; the best is framed")
plt.show()
