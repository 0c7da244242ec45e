"""How many times faster than Surprise: ``python benchmarks/rating_speed.py``.

Fits of a model of Surprise and of its counterparts here, in turn, on the first training part of
``ratings.py``; the fastest of each counts. So other work on the machine slows all of them alike.
One thread each. Both start from arrays of users, items and ratings, and encode them.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from rating_peers import PEERS
from ratings import DATASETS, Ours, folds
from threads import use_threads

COUNTERPARTS = {
    "Surprise SVD": ("ALSFactorizer", "ALSFactorizer, sgd, as Surprise SVD"),
    "Surprise k-NN baseline, items": ("ItemItemCF",),
    "Surprise k-NN means, items": ("ItemItemCF",),
    "Surprise k-NN baseline, users": ("UserUserCF",),
    "Surprise baseline": ("BaselinePredictor",),
    "Surprise SVD++": ("BayesianFactorizer",),
}


def seconds(model: Ours, train: tuple[np.ndarray, ...]) -> float:
    """Time one fit."""
    start = time.perf_counter()
    model.fit(*train)
    return time.perf_counter() - start


def peer_seconds(label: str, python: str | None, train: tuple[np.ndarray, ...]) -> float:
    """Time one fit of a peer, which its own process takes."""
    peer = PEERS[label](python)
    peer.fit(*train)
    peer.predict(train[0][:1], train[1][:1])
    return peer.fit_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--datasets", nargs="+", default=DATASETS, choices=DATASETS)
    parser.add_argument("--peers", nargs="+", default=list(COUNTERPARTS), choices=COUNTERPARTS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--surprise-python", help="an interpreter that can import surprise")
    options = parser.parse_args()
    use_threads(1)
    print("| data | peer | fit s | ours | fit s | times |\n|---|---|---|---|---|---|")
    for dataset in options.datasets:
        train, _ = next(folds(dataset, validation=False))
        for label in options.peers:
            peer = np.inf
            ours = dict.fromkeys(COUNTERPARTS[label], np.inf)
            for own in ours:
                Ours(own).fit(*(part[:500] for part in train))  # compile kernels
            for _ in range(options.repeats):
                peer = min(peer, peer_seconds(label, options.surprise_python, train))
                ours = {own: min(ours[own], seconds(Ours(own), train)) for own in ours}
            for own, fit_s in ours.items():
                row = (dataset, label, f"{peer:.2f}", own, f"{fit_s:.3f}", f"{peer / fit_s:.1f}")
                print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
