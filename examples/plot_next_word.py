"""
The next word
=============

A language model predicts the next word from the words before it. A recommender that reads the order
of a history does the same with items. Here sentences are histories, words are items, and places in
the sentence are times: self-attention on a corpus that fits on a page.
"""

# %%
# A small corpus
# --------------
#
# Somebody drinks something, somewhere and somehow. What is drunk depends on who drinks it, which is
# said several words earlier. An item can be in a history only once, so no word comes twice.

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skattnrec import InteractionEncoder, SequentialAttentionRecommender
from skattnrec.inspection import AttentionDisplay, ContributionDisplay, explain

drinks = {"king": "wine", "queen": "tea", "child": "milk", "sailor": "rum"}
places = ["at home", "in town", "on board", "by train"]
manners = ["slowly", "quietly", "often", "never"]
corpus = [
    f"the {who} {place} {manner} drinks {what} ."
    for (who, what), place, manner in product(drinks.items(), places, manners)
]
print(len(corpus), "sentences such as:", *corpus[::21], sep="\n    ")

# %%
# As histories
# ------------
#
# One row for each word: its sentence, the word, its place. The encoder makes matrices of them.

words = pd.DataFrame(
    [
        {"sentence": number, "word": word, "place": place}
        for number, text in enumerate(corpus)
        for place, word in enumerate(text.split(), start=1)
    ]
)
encoder = InteractionEncoder(user="sentence", item="word", rating=None, timestamp="place")
X, order = encoder.fit_transform(words, return_timestamps=True)
vocabulary = encoder.item_ids_
print(X.shape[0], "sentences,", X.shape[1], "words")

# %%
# Attention that looks back
# -------------------------
#
# The model learns to predict the next item from those before it, and attention decays with age:
# after ``half_life`` more words half of it is left. Three models: one sees little but the last
# word; one looks back evenly; one has a sharp and a flat head. In a sentence only the very next
# word will do, so that none looks further ahead. A quarter of the sentences is kept for the test.

rng = np.random.default_rng(0)
shuffled = rng.permutation(len(corpus))
train, test = shuffled[:48], shuffled[48:]
settings = {"regularization": 1.0, "dropout": 0.0, "lookahead": 0.0}
models = {
    "the last word": SequentialAttentionRecommender(1, half_life=0.25, **settings),
    "one head": SequentialAttentionRecommender(1, half_life=3.0, **settings),
    "two heads": SequentialAttentionRecommender(2, half_life=0.7, half_life_ratio=8.0, **settings),
}
for model in models.values():
    model.fit(X[train], timestamps=order[train])


def beginnings(rows, length):
    """The first words of sentences, with their places."""
    known = order[rows].toarray()
    keep = (known > 0) & (known <= length)
    return keep.astype(float), np.where(keep, known, 0)


# %%
# How often is the next word right? Who drinks, where and how, nobody can know. What is drunk can be
# told from the one who drinks: two heads can, since one of them sees that a drink comes next, and
# the other whose.

length = len(corpus[0].split())
right = pd.DataFrame(index=range(1, length), columns=list(models), dtype=float)
right.index.name = "words known"
for known in right.index:
    shown, places_shown = beginnings(test, known)
    following = (order[test].toarray() == known + 1).argmax(axis=1)
    for name, model in models.items():
        guess, _ = model.recommend(shown, k=1, timestamps=places_shown)
        right.loc[known, name] = np.mean(guess[:, 0] == following)
right.round(2)

# %%
# What the heads look at
# ----------------------

sentence = next(row for row in test if "sailor" in corpus[row])
prefix, prefix_places = beginnings([sentence], length - 2)
print(corpus[sentence])
context = {"item_names": vocabulary, "timestamps": prefix_places}
model = models["two heads"]
attention = AttentionDisplay.from_estimator(model, prefix, **context)
plt.show()

# %%
# Both "drinks" and "sailor" vote for "rum": the one for all drinks, the other for this one.

reasons = explain(model, prefix, **context)
print(reasons.to_text(max_sources=2)[0])
waterfall = ContributionDisplay.from_predictions(reasons)
plt.show()

# %%
# Word by word
# ------------
#
# The best next word becomes a part of the history, and so on until the full stop.

shown, places_shown = np.zeros((1, len(vocabulary))), np.zeros((1, len(vocabulary)))
told = ["the", "queen"]
while told[-1] != ".":
    columns = [list(vocabulary).index(word) for word in told]
    shown[0, columns], places_shown[0, columns] = 1, np.arange(1, len(told) + 1)
    best, _ = model.recommend(shown, k=1, timestamps=places_shown)
    told.append(vocabulary[best[0, 0]])
print(*told)
