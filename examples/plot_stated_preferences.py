"""
"I like magic and adventure"
============================

A reader nobody knows walks into a bookshop and says what she likes. That is enough for a list: no
rating of hers is needed, and none of anybody else for a book that came in this morning. Then she
rates two books, and the list moves.
"""

# %%
# The shelf
# ---------
#
# Every book has three features between 0 and 1. Three readers have rated some; nobody has rated
# "Twilight" yet.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skattnrec import ContentRecommender
from skattnrec.datasets import load_books

books = load_books(as_frame=True)
titles = np.array(books.item_names)
ratings = pd.DataFrame(
    [[5, 4, 0, 3, 0], [0, 2, 5, 0, 0], [4, 0, 1, 5, 0]],
    index=["ann", "bob", "cem"],
    columns=titles,
)
books.features

# %%
# What she says
# -------------
#
# A preference is a weight for each feature; names make the row. The model scales the features
# itself, so that a book has more or less magic than the usual one, and scores are cosines between
# what she says and what the books are like.

model = ContentRecommender(books.features).fit(ratings)
said = model.encode_preferences(["magic", "adventure"])
nothing = pd.DataFrame(np.zeros((1, 5)), columns=titles)
items, scores = model.recommend(nothing, k=5, user_features=said)
pd.Series(scores[0].round(3), index=titles[items[0]], name="score")

# %%
# Why
# ---
#
# A cosine is a sum over features: each adds its part, and the parts explain the score.
# "Sherlock Holmes" is full of adventure, and yet magic is what it lacks most.

alone = model.explain_features(nothing, np.arange(5), user_features=said)
for reason in alone.to_text():
    print(reason)

# %%
# She rates two books
# -------------------
#
# "Sherlock Holmes" was a joy, "Harry Potter" a bore. A rating counts by how far it is from the
# usual one: what is rated low counts against its like. What she said counts as five liked books,
# the default of ``preference_weight``; here it is to count as one.

history = nothing.copy()
history[["Sherlock Holmes", "Harry Potter"]] = 5, 1
model.set_params(preference_weight=1.0).fit(ratings)
both = model.explain_features(history, np.arange(5), user_features=said)
for reason in model.explain(history, [1, 4], user_features=said).to_text():
    print(reason)

# %%
# The bars are what each feature adds, the dots the scores. Before, magic decided; with the ratings
# adventure does, and little magic is a merit.

figure, panels = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
for axes, parts, title in zip(panels, (alone, both), ("what she says", "and what she rated")):
    table = pd.DataFrame(parts.feature_contributions, titles, parts.feature_labels)
    table = table.reindex(columns=books.feature_names, fill_value=0).iloc[::-1]
    table.plot.barh(stacked=True, ax=axes, width=0.7, legend=axes is panels[0])
    axes.plot(parts.scores[::-1], range(5), "ko", label="score")
    axes.axvline(0, color="0.3", linewidth=1)
    axes.set(title=title, xlabel="contribution to the score", xlim=(-1, 1))
plt.show()
