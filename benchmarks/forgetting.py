"""Forgetting users of ml-1m: are the lists those of a model that never knew them?

    python benchmarks/forgetting.py
    python benchmarks/forgetting.py --n-forgotten 500 --solvers sparse

Learns from all 6,040 users, forgets 5,000 of them, at once and one by one, and compares with a
model fitted without them: the share of equal top-100 lists of the users that are left, and the
number of pairs of items in the statistics that nobody has. Both models are given the centre and the
spread of the ratings, which are settings, not sums over users. Writes ``results/forgetting.csv``.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from protocols import load_ratings
from threads import use_threads

RESULTS = Path("results") / "forgetting.csv"


def load(dataset: str) -> sp.csr_array:
    users, items, ratings = load_ratings(dataset)
    places = (np.unique(ids, return_inverse=True)[1] for ids in (users, items))
    return sp.csr_array((ratings, tuple(places)))


def pairs_that_nobody_has(model: Any, X: sp.csr_array) -> int:
    """Count the places of the statistics at which no user has both items."""
    gram = model.statistics_.gram
    kept = sp.csr_array(
        (np.ones(len(gram.indices), np.float32), gram.indices, gram.indptr),
        shape=(len(gram.indptr) - 1,) * 2,
    )
    known = sp.csr_array((np.ones(X.nnz, np.float32), X.indices, X.indptr), shape=X.shape)
    return int(kept.nnz - kept.multiply(known.T @ known).count_nonzero())


def main() -> None:
    from skattnrec import AttentionRecommender, MultiHeadAttentionRecommender

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--n-forgotten", type=int, default=5000)
    parser.add_argument("--solvers", nargs="+", default=["dense", "sparse"])
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    X = load(arguments.dataset)
    order = np.random.default_rng(0).permutation(X.shape[0])
    gone, left = order[: arguments.n_forgotten], order[arguments.n_forgotten :]
    rows = []
    print("| solver | forgotten | seconds | equal top-100 lists | pairs that nobody has |")
    print("|---|---|---:|---:|---:|")
    for solver in arguments.solvers:
        settings = {"solver": solver, "rating_center": 4.0, "rating_spread": 1.1}
        if arguments.heads == 1:
            model = AttentionRecommender(**settings)
        else:
            model = MultiHeadAttentionRecommender(arguments.heads, random_state=0, **settings)
        expected, _ = model.fit(X[left]).recommend(X[left], 100)
        for how in ("at once", "one by one"):
            model.fit(X)
            start = time.perf_counter()
            if how == "at once":
                model.forget(X[gone])
            else:
                for user in gone:
                    model.forget(X[[user]], refresh=False)
                model.refresh()
            seconds = time.perf_counter() - start
            lists, _ = model.recommend(X[left], 100)
            row = {
                "dataset": arguments.dataset,
                "solver": solver,
                "forgotten": f"{len(gone)} users {how}",
                "seconds": round(seconds, 1),
                "equal_lists": float((lists == expected).all(axis=1).mean()),
                "pairs_that_nobody_has": pairs_that_nobody_has(model, X[left]),
            }
            print("| " + " | ".join(str(value) for value in list(row.values())[1:]) + " |")
            rows.append(row)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
