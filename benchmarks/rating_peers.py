"""Adapters for the libraries that ``ratings.py`` compares with."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

__all__ = ["PEERS", "Peer"]


class Peer(Protocol):
    """What ``ratings.py`` asks of a model."""

    def fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> None:
        """Learn."""

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Predict the ratings of pairs."""


class Surprise:
    """Surprise in an interpreter of its own: it learns when it is asked to predict.

    ``fit_s`` and ``predict_s`` are taken over there.
    """

    def __init__(self, algorithm: str, settings: dict[str, Any], python: str | None):
        self.algorithm, self.settings = algorithm, settings
        self.python = python or sys.executable
        if python is None and importlib.util.find_spec("surprise") is None:
            raise ImportError("surprise", name="surprise")

    def fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> None:
        self.train = users, items, ratings

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            arrays = dict(zip("uir", self.train, strict=True), test_u=users, test_i=items)
            np.savez(Path(folder, "in.npz"), **arrays)
            script = Path(__file__).with_name("surprise_peer.py")
            settings = json.dumps(self.settings)
            command = [self.python, str(script), folder, self.algorithm, settings]
            subprocess.run(command, check=True, capture_output=True)
            with np.load(Path(folder, "out.npz")) as z:
                self.fit_s, self.predict_s = float(z["fit_s"]), float(z["predict_s"])
                return z["ratings"]


class Cmfrec:
    """Collective matrix factorization of the cmfrec library, without side information."""

    def __init__(self, settings: dict[str, Any], python: str | None):
        from cmfrec import CMF

        n_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        self.model = CMF(**settings, nthreads=n_threads, verbose=False)

    def fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> None:
        self.shape = users.max() + 1, items.max() + 1
        self.mean = ratings.mean()
        self.model.fit(sp.coo_matrix((ratings, (users, items)), self.shape))

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        known = (users < self.shape[0]) & (items < self.shape[1])
        ratings = np.full(len(users), self.mean)
        ratings[known] = self.model.predict(users[known], items[known])
        return ratings


class Lenskit:
    """LensKit; where it has no score, its damped bias model."""

    def __init__(self, module: str, scorer: str, settings: dict[str, Any], python: str | None):
        from lenskit.basic import BiasScorer

        self.model = getattr(importlib.import_module(f"lenskit.{module}"), scorer)(**settings)
        self.bias = BiasScorer(damping=5.0)

    def fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> None:
        import pandas as pd
        from lenskit.data import from_interactions_df

        table = pd.DataFrame({"user_id": users, "item_id": items, "rating": ratings})
        self.data = from_interactions_df(table)
        self.model.train(self.data)
        self.bias.train(self.data)

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        from lenskit.data import ItemList, RecQuery

        ratings, order = np.empty(len(users)), np.argsort(users, kind="stable")
        for own in np.split(order, np.flatnonzero(np.diff(users[order])) + 1):
            user = users[own[0]]
            query = RecQuery(user_id=user, user_items=self.data.user_row(user))
            asked = ItemList(item_ids=items[own])
            scores = self.model(query, asked).scores()
            fallback = self.bias(query, asked).scores()
            ratings[own] = np.where(np.isfinite(scores), scores, fallback)
        return ratings


@dataclass(frozen=True)
class Maker:
    """How to construct a peer, and whether five folds of ml-1m take it more than ten minutes."""

    make: Callable[[str | None], Peer]
    slow: bool = False

    def __call__(self, surprise_python: str | None) -> Peer:
        return self.make(surprise_python)


def _surprise(algorithm: str, slow: bool = False, **settings: Any) -> Maker:
    return Maker(partial(Surprise, algorithm, settings), slow)


_ITEMS = {"user_based": False}
_PEARSON_ITEMS = {"name": "pearson_baseline", "user_based": False}
PEERS = {
    "Surprise SVD": _surprise("SVD", random_state=0),
    "Surprise SVD++": _surprise("SVDpp", slow=True, random_state=0),
    "Surprise k-NN baseline, users": _surprise("KNNBaseline", slow=True, verbose=False),
    "Surprise k-NN baseline, items": _surprise(
        "KNNBaseline", slow=True, verbose=False, sim_options=_PEARSON_ITEMS
    ),
    "Surprise k-NN means, items": _surprise(
        "KNNWithMeans", slow=True, verbose=False, sim_options=_ITEMS
    ),
    "Surprise baseline": _surprise("BaselineOnly", verbose=False),
    "cmfrec": Maker(partial(Cmfrec, {"k": 40, "lambda_": 15.0, "niter": 10})),
    "cmfrec, implicit features": Maker(
        partial(Cmfrec, {"k": 40, "lambda_": 16.0, "niter": 10, "add_implicit_features": True})
    ),
    "LensKit item k-NN": Maker(partial(Lenskit, "knn", "ItemKNNScorer", {})),
    "LensKit user k-NN": Maker(partial(Lenskit, "knn", "UserKNNScorer", {}), slow=True),
    "LensKit biased MF": Maker(partial(Lenskit, "als", "BiasedMFScorer", {})),
}
