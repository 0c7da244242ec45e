"""Every ranking model with its default settings, on ratings, counts and negative ratings.

    python benchmarks/defaults.py                     # test users of every data set
    python benchmarks/defaults.py --part val
    python benchmarks/defaults.py --units             # what the unit of the ratings changes

Strong generalisation as in ``protocols.py``: ``ml-100k`` and ``ml-1m`` (the target is what has 4
or 5 stars), ``hetrec2011-lastfm-2k`` (play counts up to 352,698; artists with at least ten
listeners, all hidden artists are the target) and ``jester5k`` (ratings from -10 to 10, those above
0 are the target).

``--units`` shows that scores do not depend on the unit: play counts as they are, their logarithms
and ones; ml-100k with all ratings times 20, and with one rating of a million.

Prints tables and writes them to ``results/defaults.csv``.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from protocols import HeldOut, Split, ranking_metrics, split_users, strong_generalization
from protocols import load_ratings as load
from threads import use_threads

DATASETS = ("ml-100k", "ml-1m", "hetrec2011-lastfm-2k", "jester5k")
METRICS = ("NDCG@10", "NDCG@100", "Recall@20")
RESULTS = Path("results") / "defaults.csv"


def load_split(dataset: str, seed: int) -> Split:
    """Split a data set by users."""
    if dataset.startswith("ml-"):
        return strong_generalization(dataset, "ratings", seed)
    users, items, ratings = load(dataset)
    if dataset == "jester5k":
        return split_users(users, items, ratings, liked_from=np.nextafter(0, 1), seed=seed)
    listeners = np.bincount(items)[items]
    known = listeners >= 10
    return split_users(users[known], items[known], ratings[known], liked_from=0, seed=seed)


def models(negative: bool) -> dict[str, Any]:
    """Models with their default settings; those for ratings of any sign where some are negative."""
    from skattnrec import (
        ALSFactorizer,
        AttentionRecommender,
        BayesianFactorizer,
        ItemItemCF,
        MultiHeadAttentionRecommender,
        PopularityRecommender,
        UserUserCF,
    )

    mode = {"feedback": "explicit"} if negative else {}
    chosen = {
        "ItemItemCF": ItemItemCF(**mode),
        "UserUserCF": UserUserCF(**mode),
        "ALSFactorizer": ALSFactorizer(random_state=0, **mode),
        "AttentionRecommender": AttentionRecommender(),
        "MultiHeadAttentionRecommender": MultiHeadAttentionRecommender(random_state=0),
    }
    if negative:
        return {"BayesianFactorizer": BayesianFactorizer(random_state=0)} | chosen
    return {"PopularityRecommender": PopularityRecommender()} | chosen


def judge(model: Any, train: sp.csr_matrix, part: HeldOut) -> tuple[dict[str, float], np.ndarray]:
    """Fit and judge one model: its metrics, and the lists of the held-out users."""
    model.fit(train)
    lists, _ = model.recommend(part.history, 100)
    values = ranking_metrics(lists, part.target)
    return {name: float(values[name].mean()) for name in METRICS}, lists


def compare(dataset: str, part: str, seed: int) -> list[dict[str, Any]]:
    """Judge all models on one data set."""
    split = load_split(dataset, seed)
    held_out = getattr(split, part)
    print(f"\n### {dataset}, {part}: {held_out.history.shape[0]} users\n", flush=True)
    print("| model | " + " | ".join(METRICS) + " | fit s |\n|---|" + "---:|" * 4)
    rows = []
    for name, model in models(bool((split.train.data < 0).any())).items():
        start = time.perf_counter()
        values, _ = judge(model, split.train, held_out)
        seconds = time.perf_counter() - start
        print_row(name, values, f"{seconds:.1f}")
        rows.append({"dataset": dataset, "part": part, "model": name, **values})
    return rows


def print_row(name: str, values: dict[str, float], *more: str) -> None:
    figures = [f"{values[metric]:.4f}" for metric in METRICS]
    print("| " + " | ".join([name, *figures, *more]) + " |", flush=True)


def compare_units(part: str, seed: int) -> list[dict[str, Any]]:
    """Judge attention on the same data in other units."""
    from skattnrec import AttentionRecommender

    def map_ratings(split: Split, function: Any) -> tuple[sp.csr_matrix, HeldOut]:
        def mapped(X: sp.csr_matrix) -> sp.csr_matrix:
            return sp.csr_matrix((function(X.data), X.indices, X.indptr), X.shape)

        held_out = getattr(split, part)
        return mapped(split.train), HeldOut(mapped(held_out.history), held_out.target)

    def outlier(ratings: np.ndarray) -> np.ndarray:
        ratings = ratings.copy()
        ratings[len(ratings) // 2] = 1e6
        return ratings

    def ones(ratings: np.ndarray) -> np.ndarray:
        return np.ones_like(ratings)

    rows = []
    cases = {
        "hetrec2011-lastfm-2k": {"counts": np.positive, "log1p": np.log1p, "ones": ones},
        "ml-100k": {"stars": np.positive, "times 20": lambda r: 20 * r, "one of 10^6": outlier},
    }
    for dataset, units in cases.items():
        split = load_split(dataset, seed)
        print(f"\n### AttentionRecommender, {dataset}, {part}\n")
        print("| ratings | " + " | ".join(METRICS) + " | equal lists |\n|---|" + "---:|" * 4)
        first: np.ndarray | None = None
        for name, function in units.items():
            train, held_out = map_ratings(split, function)
            if name == "one of 10^6":
                held_out = getattr(split, part)
            values, lists = judge(AttentionRecommender(), train, held_out)
            first = lists if first is None else first
            same = f"{(lists[:, :10] == first[:, :10]).all(axis=1).mean():.3f}"
            print_row(name, values, same)
            rows.append({"dataset": dataset, "part": part, "model": f"ratings: {name}", **values})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS)
    parser.add_argument("--part", choices=("val", "test"), default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--units", action="store_true", help="compare units instead of models")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    if arguments.units:
        rows = compare_units(arguments.part, arguments.seed)
    else:
        rows = [r for d in arguments.datasets for r in compare(d, arguments.part, arguments.seed)]
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
