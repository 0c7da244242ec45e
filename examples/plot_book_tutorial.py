"""
Attention, worked out on five books
===================================

A reader likes magic and adventure, and does not care for romance. What would she think of a shelf
of five books? This example follows the steps of scaled dot-product attention with numbers small
enough for a pocket calculator, first with one head, then with two.
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
from skattnrec.datasets import load_books

books = load_books(as_frame=True)
query = np.array([0.8, 0.7, 0.2])
books.frame

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
# most; no book is left out.
#
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
# The mean over the heads, times the rating, is what each book adds to the final answer.

contributions = head_weights.mean(axis=0) * books.ratings
print(contributions.round(4).to_string())
print(f"final rating: {contributions.sum():.4f}")

# %%
# The picture
# -----------
#
# On the left are the features, with the reader's taste on top. On the right are the weights. Both
# projections blur the features, so both heads are flatter than the single one; all of them agree
# on the order of the first two books.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), width_ratios=[1, 1.7], layout="constrained"
)
rows = np.vstack([query, books.features])
left.imshow(rows, cmap="cividis", vmin=0, vmax=1, aspect="auto")
left.axhline(0.5, color="white", linewidth=5)
left.set_xticks(range(3), books.feature_names)
left.set_yticks(range(6), ["the reader", *books.item_names])
left.tick_params(length=0)
for (row, column), value in np.ndenumerate(rows):
    color = "white" if value < 0.55 else "black"
    left.text(column, row, f"{value:.1f}", ha="center", va="center", color=color)
left.set_title("query and keys")

places = np.arange(5)
series = {"single head": weights, "head 1 of 2": head_weights[0], "head 2 of 2": head_weights[1]}
colors = ["#0072B2", "#E69F00", "#009E73"]
texts = ["white", "black", "black"]
for shift, color, text, (name, values) in zip((-0.27, 0, 0.27), colors, texts, series.items()):
    bars = right.barh(places + shift, values, height=0.25, label=name, color=color)
    right.bar_label(bars, fmt="%.3f", padding=-32, fontsize=8, color=text)
right.axvline(0.2, color="0.4", linestyle=":", linewidth=1, zorder=0)
right.text(0.2, -0.52, "uniform", ha="center", va="bottom", color="0.4", fontsize=9)
right.set(yticks=places, yticklabels=books.item_names, xlim=(0, 0.3), xlabel="attention weight")
right.set_ylim(4.5, -0.5)
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False, loc="lower right")
figure.suptitle("What the reader attends to")
plt.show()
