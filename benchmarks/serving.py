"""One user at a time on a busy machine: ``python benchmarks/serving.py``.

A model is fitted, and answers in the ways a web server would have it do so: from worker processes
forked after the fit, and from threads of one process. Meanwhile other processes keep every core
busy, as many as there are cores (``--others 0``: none, on a machine with work enough). Each answer
is the ten best unseen items of one user, of all items (``all``) or of every second one (``half``).
The data is looked for in the folder that the environment variable SKATTNREC_DATA names: ml-1m.npz
and gowalla.npz (its training part).

``processes`` and ``threads`` ask without a pause: the next question follows the answer. Threads of
one interpreter then wait for each other most of the time, and their mean time is never below the
time of one answer times their number, over their share of the cores. ``threads, 200/s`` are asked
so many times a second (``--rate``), at random moments; the time counts from the moment of the
question, and so has in it how long a thread takes to wake up. In the line ``nothing asked`` the
answer takes no time: what is left is the wait for a core, which no model can shorten.

A line tells how many workers died, how many lists differ from those of one call for all users, and
the median, the mean and the 99th percentile of the time for an answer in milliseconds, waits for a
core included. The lines are written to ``results/serving.csv`` too.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import time
from collections import deque
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
COLUMNS = (
    "data",
    "model",
    "items",
    "workers",
    "deaths",
    "wrong",
    "median ms",
    "mean ms",
    "99 % ms",
)
FORK = multiprocessing.get_context("fork")

Answers = tuple[list[float], int]  # seconds of each, and how many were wrong
Share = Callable[[int], Answers]
Ask = Callable[[int], bool]  # asks for the list of a call, and tells whether it is as it should be


def models() -> dict[tuple[str, str], Any]:
    """Models by data set and name."""
    from skattnrec import AttentionRecommender, ItemItemCF

    return {
        ("ml-1m", "attention, dense"): AttentionRecommender(solver="dense"),
        ("ml-1m", "item-item"): ItemItemCF(),
        ("gowalla", "attention, sparse"): AttentionRecommender(solver="sparse"),
        ("gowalla", "item-item"): ItemItemCF(),
    }


def questions(model: Any, X: sp.csr_matrix, items: np.ndarray | None, n_calls: int) -> Ask:
    """Give the function that asks for the list of one user after the other."""
    rows = [X[[row % X.shape[0]]] for row in range(min(n_calls, X.shape[0]))]
    expected, _ = model.recommend(sp.vstack(rows, format="csr"), K_LIST, items=items)

    def ask(call: int) -> bool:
        row = call % len(rows)
        found, _ = model.recommend(rows[row], K_LIST, items=items)
        return np.array_equal(found[0], expected[row])

    return ask


def without_a_pause(ask: Ask, n_calls: int) -> Share:
    """Give the function by which worker w of ``N_WORKERS`` asks its share of the questions."""

    def answer(worker: int) -> Answers:
        seconds, wrong = [], 0
        for call in range(worker, n_calls, N_WORKERS):
            start = time.perf_counter()
            wrong += not ask(call)
            seconds.append(time.perf_counter() - start)
        return seconds, wrong

    return answer


def at_a_rate(ask: Ask, n_calls: int, rate: float) -> Share:
    """Give the function by which workers answer questions that come at random moments."""
    gaps = np.random.default_rng(0).exponential(1 / rate, n_calls)
    moments = np.cumsum(gaps) + time.perf_counter() + 0.1
    calls = deque(range(n_calls))

    def answer(worker: int) -> Answers:
        seconds, wrong = [], 0
        while calls:
            try:
                call = calls.popleft()
            except IndexError:  # another worker took the last one
                break
            time.sleep(max(0.0, moments[call] - time.perf_counter()))
            wrong += not ask(call)
            seconds.append(time.perf_counter() - moments[call])
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


def summary(answers: list[Answers | None]) -> tuple[Any, ...]:
    """Deaths, wrong lists, and median, mean and 99th percentile of the milliseconds."""
    alive = [part for part in answers if part is not None]
    times = 1000 * np.concatenate([seconds for seconds, _ in alive] or [[np.nan]])
    middle, late = np.percentile(times, [50, 99])
    wrong = sum(errors for _, errors in alive)
    figures = (f"{value:.2f}" for value in (middle, times.mean(), late))
    return N_WORKERS - len(alive), wrong, *figures


def measure(n_calls: int, rate: float) -> list[tuple[Any, ...]]:
    """All lines of the table."""
    lines = []

    def add(*line: Any) -> None:
        print("  ".join(f"{cell!s:>17}" for cell in line), flush=True)
        lines.append(line)

    asked = f"threads, {rate:g}/s"
    nothing = at_a_rate(lambda call: True, n_calls, rate)
    add("", "nothing asked", "", asked, *summary(in_threads(nothing)))
    for (dataset, name), model in models().items():
        X = load(dataset)
        model.fit(X)
        for which, items in (("all", None), ("half", np.arange(0, X.shape[1], 2))):
            ask = questions(model, X, items, n_calls)
            pauseless = without_a_pause(ask, n_calls)
            add(dataset, name, which, "processes", *summary(in_processes(pauseless)))
            add(dataset, name, which, "threads", *summary(in_threads(pauseless)))
            add(dataset, name, which, asked, *summary(in_threads(at_a_rate(ask, n_calls, rate))))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000, help="answers a line is made of")
    parser.add_argument("--rate", type=float, default=200.0, help="questions a second, where timed")
    parser.add_argument("--others", type=int, help="processes that keep the cores busy")
    parser.add_argument("--threads", type=int, default=2, help="that a call may use")
    default = Path("results/serving.csv")
    parser.add_argument("--out", type=Path, default=default)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    n_cores = os.cpu_count() or 1
    n_others = n_cores if arguments.others is None else arguments.others
    others = [FORK.Process(target=keep_busy, daemon=True) for _ in range(n_others)]
    for other in others:
        other.start()
    print(f"{n_cores} cores, {n_others} processes that keep them busy")
    print("  ".join(f"{column:>17}" for column in COLUMNS))
    try:
        lines = measure(arguments.calls, arguments.rate)
    finally:
        for other in others:
            other.terminate()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *lines])


if __name__ == "__main__":
    main()
