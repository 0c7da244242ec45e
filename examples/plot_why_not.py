"""
Why not this film, and what would have to be different
======================================================

A list shows ten films. This is about one that is not on it, and one that is: how far the first is
from the list and what holds it back, and what would have to be gone from the history for the second
to leave it.
"""

# %%
# Ratings of films of three kinds, and a reader of them
# ------------------------------------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skattnrec import AttentionRecommender
from skattnrec.datasets import make_interactions
from skattnrec.inspection import ContributionDisplay, GroupsDisplay, counterfactual, why_not

data = make_interactions(400, 90, n_interactions=9_000, n_components=3, random_state=0)
kinds = np.array(["Space", "Love", "War"])[data.item_factors.argmax(axis=1)]
names = np.array([f"{kind} {number}" for number, kind in enumerate(kinds)], dtype=object)
model = AttentionRecommender().fit(data.X)
history = data.X[[7]]
listed = model.recommend(history, 12)[0][0]

# %%
# Why not?
# --------
# The film in place 12 is two short of the list of ten. What it lacks to the tenth film is split
# into what each entry of the history adds to the one and to the other.
why = why_not(model, history, int(listed[11]), item_names=names)
print(why.to_text())
print(why.to_frame(max_sources=4).round(3).to_string(index=False))

# %%
# The same as a picture: steps to the right speak more for the film that is listed.
ContributionDisplay.from_predictions(why, max_entries=8)

# %%
# A film that was seen, or that a rule leaves out, has another answer.
print(why_not(model, history, int(history.indices[0]), item_names=names))
print(why_not(model, history, int(listed[0]), items=[1, 2, 3], item_names=names))

# %%
# What if?
# --------
# The fewest ratings without which a film would not be shown. Each answer is checked: the rest of
# the history is given to the model again. Contributions of this model add up, so that it is also
# shown that no smaller set would do.
for place in (4, 9):
    what_if = counterfactual(model, history, int(listed[place]), item_names=names)
    print(f"{what_if.to_text()}; nothing smaller will do: {what_if.is_minimal}")

# %%
# And the ratings that would do, one at a time.
stars = [1, 2, 3, 4, 5]
what_if = counterfactual(model, history, int(listed[9]), ratings=stars, item_names=names)
print(what_if.to_frame())

# %%
# All users
# ---------
# Where scores come from, by kind of film and by who is asked: the share of the score of the best
# recommendation that films of each kind have.
fans = pd.Series(kinds[model.recommend(data.X[:60], 1)[0][:, 0]]) + " fans"
GroupsDisplay.from_estimator(model, data.X[:60], kinds, of="contribution", user_groups=fans)
plt.show()
