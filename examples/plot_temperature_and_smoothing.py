"""
What temperature and smoothing do
=================================

An attention recommender lets the items of a history vote. Two parameters decide how loud each of
them speaks: ``temperature`` decides how much more a high rating counts than a low one, and
``smoothing`` decides how much more a long history counts than a short one.
"""

# %%
# One history, five ratings
# -------------------------
#
# Ratings enter as how far they are from the usual one, in spreads; here that is 3, and a star
# is a spread. The history below holds one item of each rating from 1 to 5. ``attention_weights``
# returns the weights that a fitted model gives its entries.

import matplotlib.pyplot as plt
import numpy as np

from skattnrec import AttentionRecommender
from skattnrec.datasets import make_interactions

data = make_interactions(200, 50, n_interactions=4000, random_state=0)
history = np.zeros((1, 50))
history[0, :5] = stars = np.arange(1, 6)


def weigh(histories, **parameters):
    """Attention weights of histories, absent entries 0; a star is a spread."""
    model = AttentionRecommender(rating_center=3, rating_spread=1, **parameters).fit(data.X)
    return model.attention_weights(histories)[0].toarray()


temperatures = np.geomspace(0.3, 100, 25)
shares = np.vstack([weigh(history, temperature=t, smoothing=1.0)[0, :5] for t in temperatures])
for t in (0.3, 1.0, 3.0, 100.0):
    row = shares[np.abs(temperatures / t - 1).argmin()]
    print(f"temperature {t:5.1f}: {row.round(2)}")

# %%
# With ``smoothing=1`` the weights are a softmax and sum to 1. At a low temperature nothing but the
# best rating counts. At a high one all items count alike, and ratings are read as mere presence. A
# rating that is higher by ``temperature`` spreads gets e times the weight.
#
# Histories of different length
# -----------------------------
#
# Now every rating is a 4, and histories differ in length only. The total weight of a history of
# n items is proportional to n to the power of ``1 - smoothing``. So at 1 all users are equally
# loud, and at 0 the loudness is the number of items.

lengths = np.arange(1, 51)
histories = 4.0 * np.tri(50)
smoothings = (0.0, 0.25, 0.5, 0.75, 1.0)
loudness = {s: weigh(histories, smoothing=s).sum(axis=1) for s in smoothings}
for s, total in loudness.items():
    print(f"smoothing {s:.2f}: 50 items are {total[-1] / total[0]:4.1f} times as loud as one")

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
shades = plt.colormaps["viridis"](np.linspace(0.85, 0.05, 5))
for share, shade in zip(shares.T, shades):
    left.plot(temperatures, share, color=shade, linewidth=2)
left.set(xscale="log", xlim=(0.3, 100), ylim=(0, 1.02))
left.set_xticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
left.set(xlabel="temperature", ylabel="attention weight", title="Five ratings in one history")
left.legend([f"rated {star}" for star in stars], frameon=False, reverse=True)
left.axhline(0.2, color="0.4", linestyle=":", linewidth=1)
left.text(0.33, 0.215, "uniform", color="0.4", fontsize=9)

shades = plt.colormaps["cividis"](np.linspace(0.0, 0.65, 5))
for (s, total), shade in zip(loudness.items(), shades):
    right.plot(lengths, total / total[0], color=shade, linewidth=2)
    right.annotate(
        f"{s:g}",
        (50, total[-1] / total[0]),
        (4, 0),
        textcoords="offset points",
        color=shade,
        va="center",
    )
right.set(xscale="log", yscale="log", xlim=(1, 50), ylim=(0.9, 60))
right.set(xlabel="items in the history", ylabel="total weight, one item = 1")
right.set_title("Histories of different length, by smoothing")
right.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
right.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
right.minorticks_off()
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
