"""Rating prediction beside its peers: ``python benchmarks/ratings.py``.

Five-fold cross-validation over the ratings (``KFold(5, shuffle=True, random_state=0)`` on the
ratings in file order), RMSE and MAE over the folds, and the seconds of five fits and of predicting
the five test parts. One process, models one after the other, equal threads; Surprise, which does
not run beside numpy 2 everywhere, may run in an interpreter of its own (``--surprise-python``).

Ours go through ``RatingRegressor``: from arrays of ids to ratings, encoding included. One setting
serves all data sets. Settings were chosen on ratings held out of the training part of the first
fold of ml-100k; ``--validation`` does likewise: it knows only that part, and splits it again.
Predictions are clipped to the scale of the training ratings, for all models.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from protocols import load_ratings
from rating_peers import PEERS, Peer
from threads import use_threads

DATASETS = ("ml-100k", "ml-1m")

EXPLICIT = {"feedback": "explicit"}
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "BayesianFactorizer": ("BayesianFactorizer", {"random_state": 0}),
    "BayesianFactorizer, no presence": (
        "BayesianFactorizer",
        {"random_state": 0, "presence_regularization": None},
    ),
    "ALSFactorizer": ("ALSFactorizer", {"random_state": 0}),
    "ALSFactorizer, as cmfrec": (
        "ALSFactorizer",
        {"n_components": 40, "regularization": 15.0, "random_state": 0, "tol": 0.0},
    ),
    "ALSFactorizer, sgd, as Surprise SVD": (
        "ALSFactorizer",
        {
            "n_components": 100,
            "solver": "sgd",
            "learning_rate": 0.005,
            "regularization": 0.02,
            "weighted_regularization": True,
            "max_iter": 20,
            "tol": 0.0,
            "random_state": 0,
        },
    ),
    "ItemItemCF": ("ItemItemCF", {"n_neighbors": 200, "shrinkage": 30.0, "damping": 0.2}),
    "UserUserCF": (
        "UserUserCF",
        {"n_neighbors": 200, "shrinkage": 30.0, "damping": 0.2, "center": "baseline"},
    ),
    "AttentionRatingPredictor": ("AttentionRatingPredictor", {}),
    "AttentionRatingPredictor, two heads": (
        "AttentionRatingPredictor",
        {"n_heads": 2, "temperature_ratio": 2.0},
    ),
    "BaselinePredictor": ("BaselinePredictor", {}),
}


def load(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read user numbers, item numbers and ratings."""
    users, items, ratings = load_ratings(name)
    users, items = (np.unique(ids, return_inverse=True)[1] for ids in (users, items))
    return users, items, ratings.astype(np.float64)


def folds(name: str, validation: bool) -> Iterator[tuple[tuple[np.ndarray, ...], ...]]:
    """Yield (users, items, ratings) of the training and the test part."""
    from sklearn.model_selection import KFold

    data = load(name)
    if validation:
        first, _ = next(KFold(5, shuffle=True, random_state=0).split(data[0]))
        data = tuple(part[first] for part in data)
    for train, test in KFold(5, shuffle=True, random_state=0).split(data[0]):
        yield tuple(part[train] for part in data), tuple(part[test] for part in data)


class Ours:
    """A recommender of this package, as a regressor over pairs."""

    def __init__(self, label: str):
        self.label = label

    def fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> None:
        import skattnrec

        name, settings = OURS[self.label]
        model = skattnrec.RatingRegressor(getattr(skattnrec, name)(**settings))
        pairs = np.column_stack([users, items])
        self.model = model.fit(pairs, ratings.astype(np.float32))

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return self.model.predict(np.column_stack([users, items]))


def make(label: str, surprise_python: str | None) -> Ours | Peer:
    """Construct a model by its label."""
    return Ours(label) if label in OURS else PEERS[label](surprise_python)


def measure(label: str, dataset: str, options: argparse.Namespace) -> str:
    """Cross-validate one model: a line of the table."""
    errors, fit_s, predict_s = [], 0.0, 0.0
    for number, (train, test) in enumerate(folds(dataset, options.validation)):
        model = make(label, options.surprise_python)
        if number == 0:  # compile kernels, import libraries: in no timing
            model.fit(*(part[:500] for part in train))
            model.predict(train[0][:5], train[1][:5])
            model = make(label, options.surprise_python)
        start = time.perf_counter()
        model.fit(*train)
        fitted = time.perf_counter()
        predicted = model.predict(test[0], test[1])
        elapsed = fitted - start, time.perf_counter() - fitted
        fit_s, predict_s = (
            total + getattr(model, own, seconds)
            for total, own, seconds in zip(
                (fit_s, predict_s), ("fit_s", "predict_s"), elapsed, strict=True
            )
        )
        errors.append(predicted.clip(train[2].min(), train[2].max()) - test[2])
        if options.folds is not None and number + 1 == options.folds:
            break
    rmse = np.mean([np.sqrt(np.mean(error**2)) for error in errors])
    mae = np.mean([np.mean(np.abs(error)) for error in errors])
    return f"| {label} | {rmse:.4f} | {mae:.4f} | {fit_s:.2f} | {predict_s:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--datasets", nargs="+", default=DATASETS, choices=DATASETS)
    parser.add_argument("--models", nargs="+", choices=[*OURS, *PEERS], metavar="MODEL")
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--folds", type=int, help="only the first ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--surprise-python", help="an interpreter that can import surprise")
    parser.add_argument("--slow", action="store_true", help="Surprise's slow models on ml-1m, too")
    options = parser.parse_args()
    use_threads(options.threads)
    for dataset in options.datasets:
        print(f"\n### {dataset}\n\n| model | RMSE | MAE | fit s | predict s |")
        print("|---|---|---|---|---|", flush=True)
        for label in options.models or [*OURS, *PEERS]:
            slow = dataset == "ml-1m" and label in PEERS and PEERS[label].slow
            if slow and not (options.slow or options.models):
                print(f"| {label} | left out: --slow | | | |", flush=True)
                continue
            try:
                print(measure(label, dataset, options), flush=True)
            except ImportError as error:
                print(f"| {label} | not installed: {error.name or error} | | | |", flush=True)


if __name__ == "__main__":
    main()
