"""Draw every display and save it: ``python docs/pictures/gallery.py --out gallery``.

The data are those of MovieLens 100K where the environment variable SKATTNREC_DATA names a folder
that holds them (``ml-100k`` or ``raw/ml-100k``), and generated ones otherwise.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.utils import Bunch

import skattnrec.inspection as inspection
from skattnrec import (
    ALSFactorizer,
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    PopularityRecommender,
    RankingScorer,
    SequentialAttentionRecommender,
    UserUserCF,
)
from skattnrec.attention import multi_head_attention
from skattnrec.datasets import fetch_movielens, load_books, make_interactions

USER_LENGTH = 200  # the history that is drawn has about so many entries
TEMPERATURES = (0.5, 1, 2, 4, 8, 16)  # of the grid
DOTS_PER_INCH = 110
SIZE = 800, 400, 40_000  # users, items and ratings of the generated data


def load() -> Bunch:
    """MovieLens 100K if it is there, else generated ratings of named items."""
    folder = os.environ.get("SKATTNREC_DATA")
    for home in [Path(folder), Path(folder) / "raw"] if folder else []:
        if (home / "ml-100k").is_dir():
            return fetch_movielens("100k", data_home=home, download_if_missing=False)
    n_users, n_items, n_interactions = SIZE
    data = make_interactions(n_users, n_items, n_interactions=n_interactions, random_state=0)
    topics = ["Drama", "Comedy", "Action", "Thriller", "Romance", "Horror"]
    topics += ["Western", "Musical", "War", "Fantasy"]
    main = data.item_factors.argmax(axis=1)
    names = np.array([f"{topics[t]} No. {j}" for j, t in enumerate(main)], dtype=object)
    return Bunch(**data, item_names=names, feature_names=topics, user_features=None)


def draw(data: Bunch, out: Path) -> None:
    """Draw every display of one user with a long history, and of all users."""
    lengths = np.diff(data.X.indptr)
    user = int(np.argmin(np.abs(lengths - min(USER_LENGTH, lengths.max()))))
    history, times = data.X[[user]], data.timestamps[[user]]
    names = {"item_names": data.item_names}
    two_heads = MultiHeadAttentionRecommender(2, temperature=1.0, temperature_ratio=4.0)
    model = two_heads.fit(data.X)
    content = MultiHeadAttentionRecommender(
        2, temperature=0.5, item_features=data.item_features, random_state=0
    ).fit(data.X)
    single = AttentionRecommender(0.5, item_features=data.item_features).fit(data.X)

    def save(name: str, display: object) -> None:
        figure = display.figure_  # type: ignore[attr-defined]
        figure.savefig(out / f"{name}.png", dpi=DOTS_PER_INCH)
        plt.close(figure)
        print(f"{name}.png")

    books(save)
    show = inspection.FeatureSimilarityDisplay.from_estimator
    genres = {"feature_names": data.feature_names, **names}
    save("feature_similarity", show(single, history, **genres))
    save("feature_similarity_heads", show(content, history, **genres, max_entries=12))
    show = inspection.AttentionDisplay.from_estimator
    save("attention_heatmap", show(content, history, **names))
    save("attention_bars", show(content, history, **names, kind="bars", max_entries=10))
    show = inspection.AttentionDistributionDisplay.from_estimator
    for kind in ("effective_items", "entropy", "temperature"):
        save(f"attention_distribution_{kind}", show(content, data.X, kind=kind))
    show = inspection.AttentionTimelineDisplay.from_estimator
    save("attention_timeline", show(model, history, times, **names))
    ordered = SequentialAttentionRecommender(2, half_life=14.0, half_life_ratio=2.0)
    ordered.fit(data.X, timestamps=data.timestamps)
    save("attention_timeline_ordered", show(ordered, history, times, **names))
    days = [len(np.unique(row.data // 86_400)) for row in data.timestamps]
    often = int(np.argmax(np.where(lengths <= lengths[user], days, 0)))  # came on many days
    dates = show(model, data.X[[often]], data.timestamps[[often]], **names, axis="date")
    save("attention_timeline_date", dates)
    recommenders = {
        "attention": model,
        "item_neighbors": ItemItemCF().fit(data.X),
        "item_neighbors_ratings": ItemItemCF(shrinkage=50, feedback="explicit").fit(data.X),
        "user_neighbors": UserUserCF().fit(data.X),
        "als": ALSFactorizer(32, random_state=0).fit(data.X),
    }
    best = int(model.recommend(history, k=1)[0][0, 0])
    show = inspection.ContributionDisplay.from_estimator
    for name, recommender in recommenders.items():
        save(f"contribution_{name}", show(recommender, history, best, **names))
    show = inspection.GroupsDisplay.from_estimator
    kinds = np.asarray(data.feature_names)[np.asarray(data.item_features).argmax(axis=1)]
    save("groups", show(model, data.X, kinds, value="lift"))
    save("groups_of_scores", show(model, data.X[:60], kinds, of="contribution"))
    show = inspection.FaithfulnessDisplay.from_estimator
    save("faithfulness", show(recommenders["attention"], data.X[:40], n_repeats=1))
    leaderboard(save, data)
    grid(save, data)
    short = int(np.argmin(np.abs(lengths - 25)))
    seen = data.X[[short]], data.timestamps[[short]]
    for over, mover in {"history": ordered, "temperature": content}.items():
        path = out / f"animation_{over}.gif"
        options = {"timestamps": seen[1], "path": path, **names}
        inspection.animate_attention(mover, seen[0], over=over, **options)
        plt.close("all")
        print(path.name)


def books(save) -> None:
    """The pictures of five books and a reader."""
    shelf = load_books()
    query = [0.8, 0.7, 0.2]
    projections = np.array(
        [
            [[0.8, 0.2, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]],
            [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]],
        ]
    )
    names = {"item_names": shelf.item_names}
    features = {"feature_names": shelf.feature_names, **names}
    show = inspection.FeatureSimilarityDisplay.from_predictions
    save("books_similarity", show(query, shelf.features, **features))
    mixtures = {"feature_names": ["mix 0", "mix 1", "mix 2"], **names}  # of features
    heads = show(query, shelf.features, projections=projections, **mixtures)
    save("books_similarity_heads", heads)
    weights, _ = multi_head_attention(query, shelf.features, shelf.ratings, projections, scale=1.0)
    show = inspection.AttentionDisplay.from_predictions
    save("books_attention", show(weights, ratings=shelf.ratings, **names))
    save("books_attention_bars", show(weights, ratings=shelf.ratings, **names, kind="bars"))


def leaderboard(save, data: Bunch) -> None:
    """Compare all models."""
    models = {
        "two heads": MultiHeadAttentionRecommender(),
        "attention": AttentionRecommender(),
        "item-item CF": ItemItemCF(),
        "user-user CF": UserUserCF(),
        "ALS": ALSFactorizer(32, random_state=0),
        "popularity": PopularityRecommender(),
    }
    scorer = RankingScorer("ndcg@10", relevance_threshold=4)
    show = inspection.LeaderboardDisplay.from_estimator
    save("leaderboard", show(models, data.X, scoring=scorer, cv=3))


def grid(save, data: Bunch) -> None:
    """Search over heads and temperature."""
    settings = {"n_heads": [1, 2, 3], "temperature": list(TEMPERATURES)}
    popular = np.argsort(-np.bincount(data.X.indices, minlength=data.X.shape[1]))[:400]
    X = data.X[:, np.sort(popular)]  # fewer items, so that the search takes seconds
    scorer = RankingScorer("ndcg@10", relevance_threshold=4)
    search = GridSearchCV(MultiHeadAttentionRecommender(), settings, scoring=scorer, cv=3).fit(X)
    save("temperature_heads", inspection.TemperatureHeadsDisplay.from_estimator(search))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="folder for the pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    draw(load(), folder)
