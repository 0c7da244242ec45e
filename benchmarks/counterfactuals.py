"""What would have to be gone: ``python benchmarks/counterfactuals.py``.

Draws users at random whom the models never saw, asks for the fewest entries of each history without
which an item leaves the list of ten, and gives the history without them to the model again. Prints
how many answers hold, how many are shown to be smallest, their sizes, and the time.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from protocols import strong_generalization
from threads import use_threads

MODELS = ["AttentionRecommender", "MultiHeadAttentionRecommender", "ItemItemCF", "ALSFactorizer"]
PLACES = (1, 5, 10)  # of the item in the list
K = 10


def measure(model: Any, histories: sp.csr_array, place: int, budget: int) -> dict[str, float]:
    """Ask for the item at one place of the list of each history."""
    from skattnrec.inspection import counterfactual

    sizes, minimal, held, seconds = [], 0, 0, []
    for row in range(histories.shape[0]):
        history = histories[[row]]
        item = int(model.recommend(history, K)[0][0, place - 1])
        start = time.perf_counter()
        found = counterfactual(model, history, item, k=K, budget=budget)
        seconds.append(time.perf_counter() - start)
        minimal += found.is_minimal
        if found.entries is None:
            continue
        sizes.append(len(found.entries))
        fewer = history.toarray()
        fewer[0, found.entries] = 0
        unseen = np.setdiff1d(np.arange(history.shape[1]), history.indices)
        held += item not in model.recommend(fewer, K, items=unseen)[0]
    return {
        "found": len(sizes),
        "held": held,
        "smallest": minimal,
        "median size": float(np.median(sizes)) if sizes else np.nan,
        "largest": max(sizes, default=0),
        "median s": float(np.median(seconds)),
        "longest s": max(seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument("--places", nargs="*", type=int, default=PLACES)
    parser.add_argument("--budget", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    import skattnrec

    split = strong_generalization(arguments.dataset, "ratings", arguments.seed)
    history = sp.csr_array(split.test.history)
    drawn = np.random.default_rng(arguments.seed).choice(
        history.shape[0], arguments.users, replace=False
    )
    rows = []
    for name in arguments.models:
        model = getattr(skattnrec, name)()
        if "random_state" in model.get_params():
            model.set_params(random_state=arguments.seed)
        model.fit(split.train)
        for place in arguments.places:
            row = measure(model, history[drawn], place, arguments.budget)
            rows.append({"model": name, "place": place, **row})
            print(pd.DataFrame(rows[-1:]).round(2).to_string(index=False, header=False), flush=True)
    print("\n" + pd.DataFrame(rows).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
