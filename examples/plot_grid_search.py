"""
Search over heads and temperature
=================================

How many heads, and how sharp? Recommenders are scikit-learn estimators, so the answer comes from
``GridSearchCV``, here with a pipeline, whose first step divides the ratings of each item by their
maximum.
"""

# %%
# Data, pipeline, grid
# --------------------
#
# Temperatures are in spreads of the ratings, and mean the same whatever their unit is. Head h has
# the temperature ``temperature * temperature_ratio**h``, so the grid is over the sharpest head; the
# others are flatter.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import MultiHeadAttentionRecommender, RankingScorer
from skattnrec.datasets import make_interactions
from skattnrec.inspection import TemperatureHeadsDisplay
from skattnrec.metrics import rank_items

X = make_interactions(500, 200, n_interactions=20_000, random_state=0).X
pipeline = Pipeline([("scale", MaxAbsScaler()), ("model", MultiHeadAttentionRecommender())])
grid = {"model__n_heads": [1, 2, 3], "model__temperature": [0.25, 0.5, 1.0, 2.0, 4.0]}

# %%
# What is a good recommendation?
# ------------------------------
#
# The scorer hides a fifth of every test user's ratings and looks where the model ranks the hidden
# items. ``relevance_threshold=4`` counts only hidden items with four or five stars as found. The
# scorer sees the stars as they are; scaling is a step of the pipeline.

scorer = RankingScorer("ndcg@10", relevance_threshold=4)
folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, scoring=scorer, cv=folds).fit(X)
print(search.best_params_)
print(f"NDCG@10 {search.best_score_:.3f}")

# %%
# The search has fitted the best setting on all users. A pipeline has no ``recommend``; its scores
# become lists with :func:`~skattnrec.metrics.rank_items`, which leaves out what users know.

rank_items(search.predict(X[:3]), seen=X[:3], k=5)

# %%
# The picture
# -----------
#
# On these data the temperature matters more than the number of heads. With more heads the first one
# may be sharper, as the others are flatter.

display = TemperatureHeadsDisplay.from_estimator(search)
display.ax_.set_xlabel("temperature of the sharpest head, in spreads of the ratings")
display.ax_.set_title("NDCG@10, mean of three folds; the best is framed")
plt.show()
