"""What two heads attend to, and where a score comes from."""

import matplotlib.pyplot as plt
import numpy as np

from skattnrec import MultiHeadAttentionRecommender
from skattnrec.datasets import make_interactions
from skattnrec.inspection import AttentionDisplay, ContributionDisplay

data = make_interactions(500, 200, n_interactions=20_000, n_components=5, random_state=0)
topics = ["Drama", "Comedy", "Action", "Thriller", "Romance"]
titles = [f"{topics[t]} No. {j}" for j, t in enumerate(data.item_factors.argmax(axis=1))]
model = MultiHeadAttentionRecommender(
    2, temperature=0.5, item_features=data.item_features, random_state=0
).fit(data.X)
history = data.X[[int(np.argmin(np.abs(np.diff(data.X.indptr) - 40)))]]

figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
AttentionDisplay.from_estimator(model, history, item_names=titles, max_entries=8, ax=left)
ContributionDisplay.from_estimator(model, history, item_names=titles, max_entries=8, ax=right)
left.set_title("what the heads attend to", loc="left", fontsize=9)
