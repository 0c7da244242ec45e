"""Next item from sequences, and held-out items of a large catalogue, by attention.

    python benchmarks/next_item.py                          # every data set, test part
    python benchmarks/next_item.py --datasets ml-1m --part val

Sequences (``s3rec-beauty``, ``s3rec-lastfm``, and the ratings of at least 4 of ``ml-1m``), users
with at least 3 items: the last item of each user is the test target, the one before it the
validation target. Models learn from the sequences without these two; the test history is all but
the last item. ``gowalla`` has its own test split; for validation a fifth of its training entries is
held out at random. All items that are not in the history are ranked. Items are numbered at random.

Settings were chosen on the validation part. Baselines: ``popularity``, and ``markov``, the counts
of what followed what within a window, discounted with the distance.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from protocols import data_folder, load_arrays
from threads import use_threads

DATASETS = ("s3rec-beauty", "s3rec-lastfm", "ml-1m", "gowalla")
CUTOFFS = {"gowalla": 20}


@dataclass(frozen=True)
class Task:
    """What models are given and judged on; times are None where there is no order."""

    train: sp.csr_array
    train_times: sp.csr_array | None
    history: sp.csr_array
    history_times: sp.csr_array | None
    target: sp.csr_array
    features: sp.csr_array | None


def load(name: str, part: str) -> Task:
    data = load_arrays(name)
    has_order = "timestamp" in data or "position_is_time_order" in data
    return load_sequences(name, data, part) if has_order else load_split(data, part)


def load_sequences(name: str, data: dict[str, np.ndarray], part: str) -> Task:
    user, item = data["user"], data["item"]
    ids, item = np.unique(item, return_inverse=True)
    if "rating" in data:  # time order is known of liked items only
        keep = data["rating"] >= 4
        ids, item = np.unique(data["item"][keep], return_inverse=True)
        user, times = user[keep], data["timestamp"][keep]
        order = np.lexsort((times, user))
    else:
        order = np.argsort(user, kind="stable")
    user, item = np.unique(user[order], return_inverse=True)[1], item[order]
    new_number = np.random.default_rng([0, 99]).permutation(len(ids))
    item = new_number[item]
    lengths = np.bincount(user)
    position = np.arange(len(user)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - position  # 1 for a user's last item
    long_enough = np.repeat(lengths >= 3, lengths)
    hidden = 1 if part == "test" else 2
    shape = len(lengths), len(ids)

    def matrix(mask: np.ndarray, values: np.ndarray) -> sp.csr_array:
        mask = mask & long_enough
        return sp.csr_array((values[mask], (user[mask], item[mask])), shape=shape)

    ones = np.ones(len(user), np.float32)
    return Task(
        matrix(left > 2, ones),
        matrix(left > 2, position + 1.0),
        matrix(left > hidden, ones),
        matrix(left > hidden, position + 1.0),
        matrix(left == hidden, ones),
        load_features(name, ids, new_number),
    )


def load_features(name: str, ids: np.ndarray, new_number: np.ndarray) -> sp.csr_array | None:
    """Item attributes, weighted by tf-idf."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfTransformer

    path = data_folder() / f"{name}.item2attributes.json.gz"
    if not path.exists():
        return None
    with gzip.open(path, "rt") as file:
        attributes = json.load(file)
    ordered = ids[np.argsort(new_number)]
    counts = DictVectorizer(dtype=np.float32).fit_transform(
        [Counter(map(str, attributes.get(str(i), []))) for i in ordered]
    )
    return sp.csr_array(TfidfTransformer().fit_transform(counts[:, counts.sum(axis=0).A1 > 1]))


def load_split(data: dict[str, np.ndarray], part: str) -> Task:
    user = np.unique(data["user"], return_inverse=True)[1]
    item = np.unique(data["item"], return_inverse=True)[1]
    item = np.random.default_rng([0, 99]).permutation(item.max() + 1)[item]
    shape = user.max() + 1, item.max() + 1
    held_out = data["split"] == 2
    if part == "val":
        user, item = user[~held_out], item[~held_out]
        held_out = np.random.default_rng(0).random(len(user)) < 0.2

    def matrix(mask: np.ndarray) -> sp.csr_array:
        ones = np.ones(mask.sum(), np.float32)
        X = sp.csr_array((ones, (user[mask], item[mask])), shape=shape)
        X.data[:] = 1
        return X

    train = matrix(~held_out)
    return Task(train, None, train, None, matrix(held_out), None)


# Heads by how much of the attention is left a step further back.
def decays(first: float, last: float | None = None, n_heads: int = 1) -> dict[str, Any]:
    settings: dict[str, Any] = {"n_heads": n_heads, "half_life": -np.log(2) / np.log(first)}
    if last is not None:
        ratio = (np.log(first) / np.log(last)) ** (1 / (n_heads - 1))
        settings |= {"half_life_ratio": ratio}
    return settings


PLAIN: dict[str, Any] = {"popularity_exponent": 0.0}
MOVIES = {
    "smoothing": 0.0,
    "regularization": 80.0,
    "lookahead": 0.4,
    "popularity_exponent": 0.15,
    "solver": "dense",
}
BEAUTY = PLAIN | {"smoothing": 0.0, "dropout": 0.6, "regularization": 60.0, "lookahead": 0.2}
MUSIC = PLAIN | {"smoothing": 0.0, "dropout": 0.6, "regularization": 70.0, "lookahead": 0.7}
PLACES = PLAIN | {
    "smoothing": 0.5,
    "dropout": 0.3,
    "regularization": 70.0,
    "key_popularity_exponent": 0.25,
}
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "s3rec-beauty": {
        "one head": decays(0.6) | BEAUTY | {"lookahead": 0.0},
        "two heads": decays(0.3, 0.9, 2) | BEAUTY,
        "two heads, both directions": decays(0.3, 0.9, 2) | BEAUTY | {"reverse_weight": 0.3},
        "two heads, both directions, features": decays(0.3, 0.9, 2)
        | BEAUTY
        | {"reverse_weight": 0.3, "learn_projections": True},
    },
    "s3rec-lastfm": {
        "one head": decays(0.9) | MUSIC | {"lookahead": 0.0},
        "one head, lookahead": decays(0.9) | MUSIC,
        "one head, lookahead, features": decays(0.9) | MUSIC | {"learn_projections": True},
    },
    "ml-1m": {
        "one head": decays(0.85) | MOVIES | {"lookahead": 0.0},
        "two heads": decays(0.5, 0.9, 2) | MOVIES,
        "two heads, sparse": decays(0.5, 0.9, 2)
        | MOVIES
        | {"solver": "sparse", "n_neighbors": 100},
        "three heads": decays(0.3, 0.97, 3) | MOVIES,
        "four heads": decays(0.2, 0.98, 4) | MOVIES,
    },
    "gowalla": {
        "M=100": PLACES | {"n_neighbors": 100},
        "M=300": PLACES | {"n_neighbors": 300},
    },
}


def attention(settings: dict[str, Any], task: Task) -> Any:
    from skattnrec import AttentionRecommender, SequentialAttentionRecommender

    if settings.get("learn_projections"):
        settings = settings | {"item_features": task.features}
    kind = AttentionRecommender if task.train_times is None else SequentialAttentionRecommender
    return kind(**settings)


def in_order(X: sp.csr_array, timestamps: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Users and items of the entries, by user, then by time."""
    users = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    order = np.lexsort((timestamps.data, users))
    return users[order], X.indices[order]


class Markov:
    """Counts of what followed what, rows normalised, popularity where nothing is known."""

    def __init__(self, window: int, decay: float):
        self.window, self.decay = window, decay

    def fit(self, X: sp.csr_array, timestamps: sp.csr_array) -> Markov:
        users, items = in_order(X, timestamps)
        counts = sp.csr_array((X.shape[1], X.shape[1]))
        for step in range(1, self.window + 1):
            same = users[step:] == users[:-step]
            places = items[:-step][same], items[step:][same]
            ones = np.full(same.sum(), self.decay ** (step - 1))
            counts += sp.csr_array((ones, places), shape=counts.shape)
        rows = np.maximum(counts.sum(axis=1), 1e-9)
        self.next_ = sp.csr_array(sp.diags_array(1 / rows) @ counts)
        self.prior_ = X.sum(axis=0) / X.nnz * 1e-3
        return self

    def predict(self, X: sp.csr_array, timestamps: sp.csr_array) -> np.ndarray:
        users, items = in_order(X, timestamps)
        age = np.repeat(X.indptr[1:], np.diff(X.indptr)) - 1 - np.arange(X.nnz)
        weights = np.where(age < self.window, self.decay ** age.astype(float), 0)
        recent = sp.csr_array((weights, (users, items)), shape=X.shape)
        return (recent @ self.next_).toarray() + self.prior_


class Popularity:
    def fit(self, X: sp.csr_array, timestamps: Any) -> Popularity:
        self.prior_ = X.sum(axis=0)
        return self

    def predict(self, X: sp.csr_array, timestamps: Any) -> np.ndarray:
        return np.tile(self.prior_, (X.shape[0], 1))


def rank(model: Any, task: Task, k: int) -> np.ndarray:
    if hasattr(model, "recommend"):
        return model.recommend(task.history, k, timestamps=task.history_times)[0]
    from skattnrec.metrics import rank_items

    lists, step = [], 2000
    for start in range(0, task.history.shape[0], step):
        block = task.history[start : start + step]
        times = None if task.history_times is None else task.history_times[start : start + step]
        lists.append(rank_items(model.predict(block, times), block, k=k))
    return np.concatenate(lists)


def run(name: str, part: str, wanted: list[str] | None) -> None:
    from skattnrec.metrics import ndcg_at_k, recall_at_k

    task = load(name, part)
    k = CUTOFFS.get(name, 10)
    models: dict[str, Any] = {"popularity": Popularity()}
    if task.train_times is not None:
        models["markov, window 1"] = Markov(1, 1.0)
        models["markov, window 10"] = Markov(10, 0.7)
    models |= {label: attention(s, task) for label, s in SETTINGS[name].items()}
    print(f"\n### {name}, {part}: {task.train.shape[0]:,} users, {task.train.shape[1]:,} items\n")
    print(f"| model | NDCG@{k} | Recall@{k} | fit s | solver |\n|---|---:|---:|---:|---|")
    judged = np.flatnonzero(np.diff(task.target.indptr))
    for label, model in models.items():
        if wanted and label not in wanted:
            continue
        few = task.train[:200]
        times = None if task.train_times is None else task.train_times[:200]
        model.fit(few, timestamps=times)  # compiles what is not compiled yet
        start = time.perf_counter()
        model.fit(task.train, timestamps=task.train_times)
        seconds = time.perf_counter() - start
        lists = rank(model, task, k)[judged]
        ndcg = ndcg_at_k(lists, task.target[judged], k=k)
        recall = recall_at_k(lists, task.target[judged], k=k)
        solver = getattr(model, "solver_", "")
        print(f"| {label} | {ndcg:.4f} | {recall:.4f} | {seconds:.1f} | {solver} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS)
    parser.add_argument("--part", choices=("val", "test"), default="test")
    parser.add_argument("--models", nargs="+", help="labels of the table; all unless given")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    for name in arguments.datasets:
        run(name, arguments.part, arguments.models)


if __name__ == "__main__":
    main()
