"""Cost of fitting attention with the sparse solver, against the number of interactions and items.

    python benchmarks/scaling.py                     # 10^5 to 10^7 interactions
    python benchmarks/scaling.py --most 1e6 --plot scaling.png

Histories of 50 items on average are drawn from a long-tailed popularity. The first table lets the
number of users grow, the second the number of items; each fit runs in a process of its own, so that
its peak memory can be told. Times are without compilation.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import scipy.sparse as sp
from threads import use_threads

LENGTH = 50  # interactions of a user
N_ITEMS = 10_000
N_INTERACTIONS = 1_000_000


def draw(n_interactions: int, n_items: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Interactions and their times; fewer than asked for, as nobody takes an item twice."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(n_interactions // LENGTH), LENGTH)
    items = np.minimum(n_items * rng.random(len(users)) ** 2.5, n_items - 1).astype(np.int64)
    cells = np.unique(users * n_items + items)
    users, items = np.divmod(cells, n_items)
    shape = n_interactions // LENGTH, n_items
    X = sp.csr_array((np.ones(len(cells), np.float32), (users, items)), shape=shape)
    return X, sp.csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=shape)


def fit_once(n_interactions: int, n_items: int, n_neighbors: int) -> None:
    """Print seconds, peak memory in MiB and the number of interactions."""
    from skattnrec import AttentionRecommender

    model = AttentionRecommender(solver="sparse", n_neighbors=n_neighbors)
    X, T = draw(10_000, 500)
    model.fit(X, timestamps=T)  # compiles
    X, T = draw(n_interactions, n_items)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    model.fit(X, timestamps=T)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(X.nnz, seconds, before / 1024, after / 1024)


def table(title: str, sizes: list[tuple[int, int]], n_neighbors: int) -> list[tuple[float, ...]]:
    print(f"\n### {title}\n")
    print("| interactions | items | fit s | µs an interaction | MiB before | MiB at the peak |")
    print("|---:|---:|---:|---:|---:|---:|")
    rows = []
    for n_interactions, n_items in sizes:
        command = [sys.executable, __file__, "--one", str(n_interactions), str(n_items)]
        output = subprocess.run(
            [*command, "--n-neighbors", str(n_neighbors)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        nnz, seconds, before, after = (float(x) for x in output.split())
        rows.append((nnz, n_items, seconds, after))
        each = 1e6 * seconds / nnz
        print(
            f"| {nnz:,.0f} | {n_items:,} | {seconds:.2f} | {each:.2f} | {before:,.0f} "
            f"| {after:,.0f} |",
            flush=True,
        )
    return rows


def plot(by_users: list[tuple[float, ...]], by_items: list[tuple[float, ...]], path: str) -> None:
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    panels = (by_users, 0, "interactions"), (by_items, 1, "items")
    for ax, (rows, column, name) in zip(axes, panels, strict=True):
        x = np.array([row[column] for row in rows])
        seconds = np.array([row[2] for row in rows])
        ax.loglog(x, seconds, "o-", label="fit")
        ax.loglog(x, seconds[-1] * x / x[-1], "k:", label="linear")
        ax.set(xlabel=name, ylabel="seconds")
        ax.xaxis.set_minor_formatter("")
        ax.yaxis.set_minor_formatter("")
        ax.legend()
    plt.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=float, default=1e7, help="interactions of the largest fit")
    parser.add_argument("--n-neighbors", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plot", help="write a picture there")
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    if arguments.one:
        fit_once(*arguments.one, arguments.n_neighbors)
        return
    powers = [int(p) for p in (1e5, 3e5, 1e6, 3e6, 1e7) if p <= arguments.most]
    by_users = table(
        f"{N_ITEMS:,} items, more and more users",
        [(n, N_ITEMS) for n in powers],
        arguments.n_neighbors,
    )
    by_items = table(
        "more and more items",
        [(N_INTERACTIONS, n) for n in (5_000, 10_000, 20_000, 40_000, 80_000)],
        arguments.n_neighbors,
    )
    if arguments.plot:
        plot(by_users, by_items, arguments.plot)


if __name__ == "__main__":
    main()
