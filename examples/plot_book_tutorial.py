"""
Attention, worked out on five books
===================================

A reader likes magic and adventure, and does not care for romance. What would she think of a shelf
of five books? This example follows the steps of scaled dot-product attention with numbers small
enough for a pocket calculator, first with one head, then with two, and draws each step.
"""

# %%
# The shelf
# ---------
#
# Every book has three features between 0 and 1, its *key*, and a rating, its *value*. The reader's
# taste is the *query*: it has the same three features.

import matplotlib.pyplot as plt
import numpy as np

from skattnrec.attention import multi_head_attention, scaled_dot_product_attention
from skattnrec.base import Explanation
from skattnrec.datasets import load_books
from skattnrec.inspection import (
    AttentionDisplay,
    AttentionDistributionDisplay,
    ContributionDisplay,
    FeatureSimilarityDisplay,
)

books = load_books(as_frame=True)
query = np.array([0.8, 0.7, 0.2])
books.frame

# %%
# How close is each feature of each book to what the reader asks for? The picture shows one minus
# the distance: 1 is a perfect match.

names = {"item_names": books.item_names, "feature_names": books.feature_names}
similarity = FeatureSimilarityDisplay.from_predictions(query, books.features, **names)
similarity.ax_.set_title("one head: the features as they are")
plt.show()

# %%
# One head
# --------
#
# The dot product of the query and a key says how well a book fits the reader. Softmax turns the
# five dot products into weights that sum to 1. Here ``scale=1`` leaves the dot products as they
# are; the default divides them by the square root of the number of features.

weights, rating = scaled_dot_product_attention(query, books.features, books.ratings, scale=1.0)
for title, weight in zip(books.item_names, weights):
    print(f"{title:18s} {weight:.4f}")
print(f"{'expected rating':18s} {rating:.4f}")

# %%
# The output is the average of the ratings under these weights. The book that fits best counts
# most; no book is left out. The line is at a fifth, where all books would count alike.

single = AttentionDisplay.from_predictions(
    weights, item_names=books.item_names, ratings=books.ratings, kind="bars"
)
single.ax_.axvline(0.2, color="0.4", linestyle=":", linewidth=1)
plt.show()

# %%
# Two heads
# ---------
#
# A head looks at query and keys through a matrix of its own. The first head below mixes the
# features a little. The second mixes them in another order: mostly romance first, then magic, then
# adventure. Query and keys are turned together, so the order changes nothing; the mixing does.

projections = np.array(
    [
        [[0.8, 0.2, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]],
        [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]],
    ]
)
head_weights, head_ratings = multi_head_attention(
    query, books.features, books.ratings, projections, scale=1.0
)
for head, (row, output) in enumerate(zip(head_weights, head_ratings), start=1):
    print(f"head {head}: weights {row.round(4)}, expected rating {output:.4f}")

# %%
# What each head compares are mixtures, so they are numbered. In the first head mixture 0 is mostly
# magic; in the second it is mostly romance.

mixtures = {"item_names": books.item_names, "feature_names": ["mix 0", "mix 1", "mix 2"]}
heads_similarity = FeatureSimilarityDisplay.from_predictions(
    query, books.features, projections=projections, **mixtures
)
plt.show()

# %%
# Both projections blur the features, so both heads are flatter than the single one; all of them
# agree on the order of the first two books.

all_weights = np.vstack([weights, head_weights])
attention = AttentionDisplay.from_predictions(
    all_weights, item_names=books.item_names, ratings=books.ratings, kind="bars"
)
attention.ax_.axvline(0.2, color="0.4", linestyle=":", linewidth=1)
heads = ["single head", "head 1 of 2", "head 2 of 2"]
attention.ax_.legend(attention.bars_, heads, frameon=False, loc="lower right")
plt.show()

# %%
# From attention to a rating
# --------------------------
#
# The mean over the heads, times the rating, is what each book adds to the final answer.

contributions = head_weights.mean(axis=0) * books.ratings
print(contributions.round(4).to_string())
print(f"final rating: {contributions.sum():.4f}")

# %%
# Recommenders explain their scores in the same way, and
# :class:`~skattnrec.inspection.ContributionDisplay` draws them. Here the explanation is made by
# hand: one item, whose score is split among five books and two heads.

explanation = Explanation(
    items=np.array([5]),
    scores=np.array([contributions.sum()]),
    baseline=np.zeros(1),
    sources=np.arange(5),
    contributions=contributions.to_numpy()[None],
    heads=(head_weights * books.ratings.to_numpy() / 2)[:, None],
    ratings=books.ratings.to_numpy(),
    item_names=np.array([*books.item_names, "a book like these"]),
)
waterfall = ContributionDisplay.from_predictions(explanation)
explanation.to_frame(heads=True)[["head", "source", "rating", "contribution", "share"]].round(4)

# %%
# Sharper and flatter
# -------------------
#
# The temperature divides the dot products. At a tenth of it the reader hears little but the best
# match; at ten times it all books count alike. The effective number of items says on how many books
# the attention rests: it falls from five towards one.

concentration = AttentionDistributionDisplay.from_predictions(
    [weights[None], *head_weights[:, None]],
    temperatures=[1, 1, 1],
    factors=np.geomspace(0.01, 10, 31),
    kind="temperature",
)
concentration.ax_.legend(concentration.lines_, heads, frameon=False, loc="lower right")
plt.show()
