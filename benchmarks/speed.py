"""Wall time of our models beside their peers: ``python benchmarks/speed.py``.

One process, equal threads, equal numbers of neighbours. Every job runs once unmeasured, which
compiles our kernels, and then in turn with its peers, ``--repeats`` times; the median is printed,
and how many times as long a peer takes as we do. The data is looked for in the folder that the
environment variable SKATTNREC_DATA names: gowalla.npz (its training part) and ml-1m.npz.

fit items
    The cosine similarity of all items, the K nearest of each: ``ItemItemCF.fit`` from a CSR matrix
    of users and items, against ``CosineRecommender.fit`` of implicit and ``cosine`` of similaripy.
    The peers count an item as its own neighbour. Before timing, the matrices are compared, with
    one neighbour more for the peers; the largest difference is printed.
recommend
    The ten best unseen items for all users, from the models of the row before (K = 50).
users
    ``UserUserCF``: fit, and the ten best items for all users from their K nearest users, against
    ``cosine`` and ``dot_product`` of similaripy.
factorize
    ``ALSFactorizer.fit`` against the engine it runs, ``AlternatingLeastSquares`` of implicit, with
    the same penalty, confidence and number of iterations, and BLAS held to one thread, as implicit
    asks for. The ratio shows what the estimator adds to its engine.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from protocols import load_arrays
from threads import use_threads

DATASETS = ("gowalla", "ml-1m")
NEIGHBORS = (50, 200)
K_LIST = 10
FACTORS, ITERATIONS = 64, 10
TEST = 2  # in the array split
TOLERANCE = 1e-4  # similaripy sums in single precision, in which 1e6 additions leave this

Job = Callable[[], Any]


def load(dataset: str) -> sp.csr_matrix:
    """Users x items, single precision; what is known counts as 1."""
    arrays = load_arrays(dataset)
    known = arrays["split"] != TEST if "split" in arrays else slice(None)
    users, items = (_number(arrays[name][known]) for name in ("user", "item"))
    X = sp.csr_matrix((np.ones(len(users), np.float32), (users, items)))
    X.data[:] = 1  # repeats count once
    X.sort_indices()
    return X


def _number(ids: np.ndarray) -> np.ndarray:
    return np.unique(ids, return_inverse=True)[1]


def fit_items(X: sp.csr_matrix, k: int, n_threads: int) -> dict[str, Job]:
    """Jobs that return a fitted model or a similarity matrix."""
    import similaripy
    from implicit.nearest_neighbours import CosineRecommender

    from skattnrec.neighbors import ItemItemCF

    def ours() -> Any:
        return ItemItemCF(k, weighting="uniform", shrinkage=0).fit(X)

    def implicit() -> Any:
        model = CosineRecommender(K=k, num_threads=n_threads)
        model.fit(X, show_progress=False)
        return model

    def peer() -> Any:
        items = X.T.tocsr()
        return similaripy.cosine(
            items, k=k, num_threads=n_threads, verbose=False, format_output="csr"
        )

    return {"ItemItemCF": ours, "implicit": implicit, "similaripy": peer}


def recommend(X: sp.csr_matrix, k: int, n_threads: int) -> dict[str, Job]:
    """Jobs that return lists for all users."""
    import similaripy

    models = {name: job() for name, job in fit_items(X, k, n_threads).items()}
    users = np.arange(X.shape[0])

    def peer() -> Any:
        votes = models["similaripy"].T.tocsr()
        return similaripy.dot_product(
            X, votes, k=K_LIST, filter_cols=X, num_threads=n_threads, verbose=False,
            format_output="csr",
        )  # fmt: skip

    return {
        "ItemItemCF": lambda: models["ItemItemCF"].recommend(X, K_LIST),
        "implicit": lambda: models["implicit"].recommend(users, X, K_LIST),
        "similaripy": peer,
    }


def from_users(X: sp.csr_matrix, k: int, n_threads: int) -> dict[str, Job]:
    """Jobs that learn from all users and return lists for all users."""
    import similaripy

    from skattnrec.neighbors import UserUserCF

    settings = {"num_threads": n_threads, "verbose": False, "format_output": "csr"}

    def peer() -> Any:
        neighbors = similaripy.cosine(X, k=k, **settings)
        return similaripy.dot_product(neighbors, X, k=K_LIST, filter_cols=X, **settings)

    return {
        "UserUserCF": lambda: UserUserCF(k, weighting="uniform").fit(X).recommend(X, K_LIST),
        "similaripy": peer,
    }


def factorize(X: sp.csr_matrix, n_threads: int) -> dict[str, Job]:
    """Jobs that learn factors of users and items."""
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    from skattnrec.factorization import ALSFactorizer

    penalty = ALSFactorizer(FACTORS, max_iter=1, random_state=0).fit(X).penalty_

    def peer() -> Any:
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                FACTORS, penalty, alpha=4.0, iterations=ITERATIONS, num_threads=n_threads,
                random_state=0,
            )  # fmt: skip
            model.fit(X, show_progress=False)
        return model

    return {
        "ALSFactorizer": lambda: ALSFactorizer(FACTORS, max_iter=ITERATIONS, random_state=0).fit(X),
        "implicit": peer,
    }


def largest_difference(X: sp.csr_matrix, k: int, n_threads: int) -> float:
    """Compare the k largest similarities of every item among the three, best first."""
    ours = fit_items(X, k, n_threads)["ItemItemCF"]().similarity_
    more = fit_items(X, k + 1, n_threads)
    others = more["implicit"]().similarity, more["similaripy"]()
    expected = best_values(ours, k)
    return max(float(np.abs(best_values(other, k) - expected).max()) for other in others)


def best_values(similarity: Any, k: int) -> np.ndarray:
    """The k largest values of each row without its own item, best first, padded with 0."""
    S = sp.coo_array(similarity)
    rows, columns = S.coords
    other = rows != columns
    rows, values = rows[other], S.data[other]
    order = np.lexsort((-values, rows))
    rows, values = rows[order], values[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    best = np.zeros((S.shape[0], k))
    best[rows[rank < k], rank[rank < k]] = values[rank < k]
    return best


def measure(jobs: dict[str, Job], repeats: int) -> dict[str, float]:
    """Median seconds of each job, the jobs taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(repeats):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def report(dataset: str, label: str, seconds: dict[str, float]) -> str:
    """A row of the table: seconds, and ratios to the first, which is ours."""
    (_, ours), *peers = seconds.items()
    taken = {"implicit": "", "similaripy": ""} | {
        name: f"{peer:.2f} ({peer / ours:.2f} x)" for name, peer in peers
    }
    return f"| {dataset} | {label} | {ours:.2f} | {taken['implicit']} | {taken['similaripy']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--neighbors", nargs="+", type=int, default=list(NEIGHBORS), metavar="K")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    warnings.filterwarnings("ignore", message="Method expects CSR input")  # implicit, of itself
    print(
        "| data | job | ours, s | implicit, s | similaripy, s |\n|---|---|---|---|---|", flush=True
    )
    differences = []
    for dataset in arguments.datasets:
        X = load(dataset)
        todo = [
            (f"fit items, K={k}", fit_items(X, k, arguments.threads)) for k in arguments.neighbors
        ]
        todo.append(("recommend, K=50", recommend(X, 50, arguments.threads)))
        todo.append(("users, K=50", from_users(X, 50, arguments.threads)))
        todo.append((f"factorize, {FACTORS} factors", factorize(X, arguments.threads)))
        for k in arguments.neighbors:
            differences.append((dataset, k, largest_difference(X, k, arguments.threads)))
        for label, jobs in todo:
            print(report(dataset, label, measure(jobs, arguments.repeats)), flush=True)
    for dataset, k, difference in differences:
        verdict = "agree" if difference < TOLERANCE else "DISAGREE"
        print(f"{dataset}, K={k}: similarities {verdict}, largest difference {difference:.1e}")
    if any(difference >= TOLERANCE for *_, difference in differences):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
