"""Items nobody knows: models are fitted on warm items, and have to rank cold ones.

    python benchmarks/coldstart.py [dataset ...] [--model NAME ...] [--users N]

           warm items                val      test
          +------------------------+--------+--------+
    users |  fitted on, histories  | target | target |
          +------------------------+--------+--------+

No entry of a validation or test item is in what models are fitted on. Settings are chosen by
NDCG@10 among the validation items, on a sample of the users. Then models are fitted once more, to
validation items, too (citeulike-cold excepted, whose split is given), and test items are ranked
once: among themselves, and among all items that are not in the history.

========================  ==============================================================
``citeulike-cold``        tags; the split of the file
``ml-1m``                 genres and years; ratings from 4 on are targets, and what baselines get
``s3rec-beauty``          attributes: brands and categories
``s3rec-lastfm``          attributes: tags
========================  ==============================================================
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from coldstart_baselines import BASELINES, judge
from protocols import RELEVANT, data_folder, load_arrays

from skattnrec import AttentionRecommender, ContentRecommender

DATASETS = ("citeulike-cold", "ml-1m", "s3rec-beauty", "s3rec-lastfm")
COLD = 0.1  # of the items, for validation and for test each


@dataclass(frozen=True)
class Items:
    """A data set whose items are warm (0), for validation (1) or for test (2).

    Attributes
    ----------
    X : csr_array of shape (n_users, n_items)
    features : csr_array of shape (n_items, d)
    part : ndarray of shape (n_items,)
    liked_from : float
        The lowest rating of a target.
    refit : bool
        Whether validation items are learned from in the end.
    """

    X: sp.csr_array
    features: sp.csr_array
    part: np.ndarray
    liked_from: float = 0.0
    refit: bool = True

    def only(self, items: np.ndarray, liked: bool = False) -> sp.csr_array:
        """Entries of some items, marked by a mask; the liked ones, if asked for."""
        kept = items[self.X.indices]
        if liked:
            kept &= self.X.data >= self.liked_from
        rows = np.repeat(np.arange(self.X.shape[0]), np.diff(self.X.indptr))[kept]
        entries = self.X.data[kept], (rows, self.X.indices[kept])
        return sp.csr_array(entries, shape=self.X.shape)


@dataclass
class Ours:
    """A recommender of the package with item features, in the terms of the baselines."""

    make: Callable[..., Any]
    settings: dict[str, Any]

    def fit(self, train: sp.csr_array, features: Any) -> Ours:
        self._model = self.make(item_features=features, **self.settings).fit(train)
        return self

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        return self._model.predict(histories)[:, items]


@dataclass
class OfLiked:
    """A baseline that is given what was liked, as ones: it does not know what a low rating is."""

    baseline: Any

    def fit(self, train: sp.csr_array, features: Any) -> OfLiked:
        self.baseline.fit(_liked(train), features)
        return self

    def score(self, histories: sp.csr_array, items: np.ndarray) -> np.ndarray:
        return self.baseline.score(_liked(histories), items)


def _liked(X: sp.csr_array) -> sp.csr_array:
    if X.data.max(initial=0) <= 1:
        return X
    liked = X.copy()
    liked.data = (liked.data >= RELEVANT) * 1.0
    liked.eliminate_zeros()
    return liked


def _of_liked(Baseline: Callable[..., Any]) -> Callable[..., OfLiked]:
    return lambda **settings: OfLiked(Baseline(**settings))


# name: how to make a model of settings, and the settings to choose among
MODELS: dict[str, tuple[Callable[..., Any], dict[str, list[Any]]]] = {
    **{name: (_of_liked(Baseline), grid) for name, (Baseline, grid) in BASELINES.items()},
    "ContentRecommender": (
        lambda **settings: Ours(ContentRecommender, settings),
        {"weighting": ["idf", "uniform"], "rating_weight": [0.5, 0.25]},
    ),
    "AttentionRecommender": (
        lambda **settings: Ours(AttentionRecommender, settings),
        {"regularization": [None]},
    ),
}


def load(dataset: str) -> Items:
    """Read a data set and draw its cold items."""
    arrays = load_arrays(dataset)
    user = np.unique(arrays["user"], return_inverse=True)[1]
    if dataset == "citeulike-cold":
        n_items = int(max(arrays["item"].max(), arrays["item_tag"][:, 0].max())) + 1
        part = np.zeros(n_items, np.int8)
        part[arrays["item"]] = arrays["split"]
        X = sp.csr_array(
            (np.ones(len(user)), (user, arrays["item"])), shape=(user.max() + 1, n_items)
        )
        return Items(X, _pairs(arrays["item_tag"], n_items), part, refit=False)
    ids, item = np.unique(arrays["item"], return_inverse=True)
    ratings = arrays["rating"].astype(float) if dataset == "ml-1m" else np.ones(len(item))
    X = sp.csr_array((ratings, (user, item)))
    if dataset != "ml-1m":
        X.data[:] = 1  # repeats were added up
    part = np.zeros(len(ids), np.int8)
    n_cold = int(COLD * len(ids))
    order = np.random.default_rng(0).permutation(len(ids))
    part[order[:n_cold]], part[order[n_cold : 2 * n_cold]] = 2, 1
    if dataset == "ml-1m":
        return Items(X, _movies(ids), part, liked_from=RELEVANT)
    with gzip.open(data_folder() / f"{dataset}.item2attributes.json.gz", "rt") as file:
        attributes = json.load(file)
    pairs = [(row, a) for row, item_id in enumerate(ids) for a in attributes.get(str(item_id), [])]
    return Items(X, _pairs(np.array(pairs), len(ids)), part)


def _pairs(pairs: np.ndarray, n_items: int) -> sp.csr_array:
    """Tags that at least two items have, (n_items, d), from pairs of item and tag."""
    F = sp.csr_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(n_items, pairs[:, 1].max() + 1))
    F.data[:] = 1
    return F[:, np.flatnonzero(F.sum(axis=0) >= 2)]


def _movies(ids: np.ndarray) -> sp.csr_array:
    """Genres, and years in groups of five, one-hot."""
    with gzip.open(data_folder() / "ml-1m.movies.dat.gz", "rt", encoding="latin-1") as file:
        rows = {int(i): (title, genres) for i, title, genres in (line.split("::") for line in file)}
    genres = pd.Series([rows[i][1].strip() for i in ids]).str.get_dummies("|")
    years = pd.get_dummies(pd.Series([int(rows[i][0].strip()[-5:-1]) // 5 for i in ids]))
    return sp.csr_array(np.hstack([genres, years]).astype(float))


def tune(name: str, data: Items, n_users: int) -> dict[str, Any]:
    """Choose settings by the validation items."""
    make, grid = MODELS[name]
    candidates = [dict(zip(grid, values)) for values in product(*grid.values())]
    train, target = data.only(data.part == 0), data.only(data.part == 1, liked=True)
    judged = np.flatnonzero(np.diff(train.indptr) * np.diff(target.indptr))
    rows = np.random.default_rng(0).permutation(judged)[:n_users]
    cold = np.flatnonzero(data.part == 1)
    values = []
    for settings in candidates:
        model = make(**settings).fit(train, data.features)
        values.append(judge(model.score, train[rows], target[rows], cold)["NDCG@10"])
        print(f"  {name}, {settings}: {values[-1]:.4f}", flush=True)
    return candidates[int(np.argmax(values))]


def report(name: str, data: Items, settings: dict[str, Any]) -> dict[str, Any]:
    """Rank the test items."""
    train = data.only(data.part < (2 if data.refit else 1))
    target = data.only(data.part == 2, liked=True)
    start = time.perf_counter()
    model = MODELS[name][0](**settings).fit(train, data.features)
    seconds = time.perf_counter() - start
    row = {"model": name, "settings": settings, "fit s": round(seconds, 1)}
    known = data.part != (3 if data.refit else 1)  # validation items that were not learned from
    for label, candidates in (("cold", data.part == 2), ("all", known)):
        found = judge(model.score, train, target, np.flatnonzero(candidates))
        row |= {f"{metric} {label}": round(value, 4) for metric, value in found.items()}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="*", default=DATASETS, choices=(*DATASETS, []))
    parser.add_argument("--model", action="append", choices=list(MODELS), help="default: all")
    parser.add_argument("--users", type=int, default=1000, help="to choose settings on")
    options = parser.parse_args()
    for dataset in options.datasets or DATASETS:
        data = load(dataset)
        print(f"{dataset}: {data.X.shape}, {data.features.shape[1]} features", flush=True)
        rows = []
        for name in options.model or MODELS:
            rows.append(report(name, data, tune(name, data, options.users)))
            print(rows[-1], flush=True)
        print(pd.DataFrame(rows).set_index("model").to_string(), flush=True)


if __name__ == "__main__":
    main()
