"""One user at a time on a busy machine: ``python benchmarks/serving.py``.

A model is fitted, and answers in the ways a web server would have it do so: from worker processes
forked after the fit, and from threads of one process. Meanwhile other processes keep every core
busy, as many as there are cores. Each answer is the ten best unseen items of one user, of all items
(``all``) or of every second one (``half``). The data is looked for in the folder that the
environment variable SKATTNREC_DATA names: ml-1m.npz and gowalla.npz (its training part).

A line tells how many workers died, how many lists differ from those of one call for all users, and
the median and the 99th percentile of the time for an answer in milliseconds, waits for a core
included. The lines are written to ``results/serving.csv`` too.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from speed import load
from threads import use_threads

K_LIST = 10
N_WORKERS = 4
COLUMNS = ("data", "model", "items", "workers", "deaths", "wrong", "median ms", "99 % ms")
FORK = multiprocessing.get_context("fork")

Answers = tuple[list[float], int]  # seconds of each, and how many were wrong
Share = Callable[[int], Answers]


def models() -> dict[tuple[str, str], Any]:
    """Models by data set and name."""
    from skattnrec import AttentionRecommender, ItemItemCF

    return {
        ("ml-1m", "attention, dense"): AttentionRecommender(solver="dense"),
        ("ml-1m", "item-item"): ItemItemCF(),
        ("gowalla", "attention, sparse"): AttentionRecommender(solver="sparse"),
        ("gowalla", "item-item"): ItemItemCF(),
    }


def share_of(model: Any, X: sp.csr_matrix, items: np.ndarray | None, n_calls: int) -> Share:
    """Give the function by which worker w of ``N_WORKERS`` answers its share of the calls."""
    rows = [X[[row % X.shape[0]]] for row in range(min(n_calls, X.shape[0]))]
    expected, _ = model.recommend(sp.vstack(rows, format="csr"), K_LIST, items=items)

    def answer(worker: int) -> Answers:
        seconds, wrong = [], 0
        for call in range(worker, n_calls, N_WORKERS):
            row = call % len(rows)
            start = time.perf_counter()
            found, _ = model.recommend(rows[row], K_LIST, items=items)
            seconds.append(time.perf_counter() - start)
            wrong += not np.array_equal(found[0], expected[row])
        return seconds, wrong

    return answer


def in_processes(answer: Share) -> list[Answers | None]:
    """Answers of forked workers, None from those that died."""
    queue = FORK.SimpleQueue()
    workers = [FORK.Process(target=lambda w=w: queue.put(answer(w))) for w in range(N_WORKERS)]
    for worker in workers:
        worker.start()
    answers: list[Answers | None] = []
    while any(worker.is_alive() for worker in workers) or not queue.empty():
        if queue.empty():
            time.sleep(0.05)
        else:
            answers.append(queue.get())
    return answers + [None] * (N_WORKERS - len(answers))


def in_threads(answer: Share) -> list[Answers | None]:
    """Answers of threads."""
    with ThreadPoolExecutor(N_WORKERS) as pool:
        return list(pool.map(answer, range(N_WORKERS)))


def keep_busy() -> None:
    """Work without an end."""
    while True:
        sum(range(100_000))


def measure(n_calls: int) -> list[tuple[Any, ...]]:
    """All lines of the table."""
    lines = []
    for (dataset, name), model in models().items():
        X = load(dataset)
        model.fit(X)
        for which, items in (("all", None), ("half", np.arange(0, X.shape[1], 2))):
            answer = share_of(model, X, items, n_calls)
            for workers, run in (("processes", in_processes), ("threads", in_threads)):
                answers = [part for part in run(answer) if part is not None]
                deaths = N_WORKERS - len(answers)
                times = 1000 * np.concatenate([seconds for seconds, _ in answers] or [[np.nan]])
                wrong = sum(errors for _, errors in answers)
                middle, late = np.percentile(times, [50, 99])
                line = (
                    dataset,
                    name,
                    which,
                    workers,
                    deaths,
                    wrong,
                    f"{middle:.2f}",
                    f"{late:.2f}",
                )
                print("  ".join(f"{cell!s:>17}" for cell in line), flush=True)
                lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000, help="answers a line is made of")
    parser.add_argument("--threads", type=int, default=2, help="that a call may use")
    default = Path("results/serving.csv")
    parser.add_argument("--out", type=Path, default=default)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    n_cores = os.cpu_count() or 1
    others = [FORK.Process(target=keep_busy, daemon=True) for _ in range(n_cores)]
    for other in others:
        other.start()
    print(f"{n_cores} cores, all of them busy")
    print("  ".join(f"{column:>17}" for column in COLUMNS))
    try:
        lines = measure(arguments.calls)
    finally:
        for other in others:
            other.terminate()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *lines])


if __name__ == "__main__":
    main()
