"""Blends of recommenders beside their members.

    python benchmarks/blending.py                              # validation part
    python benchmarks/blending.py --part test
    python benchmarks/blending.py --datasets ml-100k --seeds 0 1 2

``ml-100k`` and ``ml-1m``: strong generalisation as in ``protocols.py``, on the ratings; attention,
ALS and item-item neighbours with their defaults. ``ml-1m-ordered``: the next item of each user, as
in ``next_item.py``, with all ratings; sequential attention with three heads, set attention and
ALS. ``VotingRecommender(weights="auto")`` finds the weights on training users.

Prints NDCG@10 of each member, of the blend with equal weights and of that with weights found, and
what the last gains over the best member with its standard error over users.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from next_item import MOVIES, decays
from protocols import RELEVANT, load_arrays, ranking_metrics, strong_generalization
from threads import use_threads

DATASETS = ("ml-100k", "ml-1m", "ml-1m-ordered")
K = 10

Judge = Callable[[np.ndarray], np.ndarray]


def set_members() -> list[tuple[str, Any]]:
    from skattnrec import ALSFactorizer, AttentionRecommender, ItemItemCF

    return [
        ("attention", AttentionRecommender()),
        ("factors", ALSFactorizer(random_state=0)),
        ("items", ItemItemCF()),
    ]


def next_members() -> list[tuple[str, Any]]:
    from skattnrec import ALSFactorizer, AttentionRecommender, SequentialAttentionRecommender

    return [
        ("sequence", SequentialAttentionRecommender(**decays(0.3, 0.97, 3), **MOVIES)),
        ("attention", AttentionRecommender()),
        ("factors", ALSFactorizer(random_state=0)),
    ]


def load_sets(dataset: str, part: str, seed: int) -> tuple[Any, Any, Any, Judge]:
    """Training ratings, histories, no times, and what judges lists."""
    split = strong_generalization(dataset, "ratings", seed)
    held_out = getattr(split, part)

    def judge(lists: np.ndarray) -> np.ndarray:
        padded = np.full((len(lists), 100), -1)
        padded[:, :K] = lists
        return ranking_metrics(padded, held_out.target)["NDCG@10"]

    return split.train, held_out.history, None, judge


def load_next(part: str) -> tuple[Any, Any, Any, Judge]:
    """Sequences without the last two items, histories, their times, and what judges lists."""
    data = load_arrays("ml-1m-ordered")  # in the order of time
    order = np.argsort(data["user"], kind="stable")
    user = np.unique(data["user"][order], return_inverse=True)[1]
    ids, item = np.unique(data["item"][order], return_inverse=True)
    item = np.random.default_rng([0, 99]).permutation(len(ids))[item]
    lengths = np.bincount(user)
    position = np.arange(len(user)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - position
    hidden = 1 if part == "test" else 2

    def matrices(mask: np.ndarray) -> tuple[sp.csr_array, sp.csr_array]:
        place, shape = (user[mask], item[mask]), (len(lengths), len(ids))
        X = sp.csr_array((np.ones(mask.sum(), np.float32), place), shape=shape)
        return X, sp.csr_array((position[mask] + 1.0, place), shape=shape)

    train, history = matrices(left > 2), matrices(left > hidden)
    target = item[left == hidden]

    def judge(lists: np.ndarray) -> np.ndarray:
        return (lists == target[:, None]) @ (1 / np.log2(np.arange(2, K + 2)))

    return train[0], history[0], (train[1], history[1]), judge


def compare(dataset: str, part: str, seed: int) -> None:
    """Fit a blend whose weights are found, and judge it, its members and other weights."""
    from sklearn.frozen import FrozenEstimator

    from skattnrec import VotingRecommender

    is_next = dataset == "ml-1m-ordered"
    members = next_members() if is_next else set_members()
    train, history, times, judge = load_next(part) if is_next else load_sets(dataset, part, seed)
    fit_times, ask_times = ({"timestamps": t} for t in times) if times else ({}, {})
    liked = None if is_next else RELEVANT
    found = VotingRecommender(members, weights="auto", relevance_threshold=liked)
    found.fit(train, **fit_times)
    frozen = [(name, FrozenEstimator(model)) for name, model in found.named_estimators_.items()]
    values = {
        name: judge(model.estimator.recommend(history, K, **ask_times)[0]) for name, model in frozen
    }
    even = VotingRecommender(frozen).fit(train, **fit_times)
    first = max(values, key=lambda name: values[name].mean())
    best = values[first]
    values["equal weights"] = judge(even.recommend(history, K, **ask_times)[0])
    values["weights found"] = judge(found.recommend(history, K, **ask_times)[0])
    print(f"\n### {dataset}, {part}, seed {seed}: {len(best)} users\n")
    print("| | NDCG@10 |\n|---|---:|")
    for name, value in values.items():
        print(f"| {name} | {value.mean():.4f} |")
    gain = values["weights found"] - best
    error = gain.std() / np.sqrt(len(gain))
    weights = ", ".join(f"{n} {w:.2f}" for (n, _), w in zip(members, found.weights_, strict=True))
    print(f"\nweights: {weights}")
    print(
        f"gain over {first}: {gain.mean() / best.mean():+.2%} (± {error / best.mean():.2%})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS)
    parser.add_argument("--part", choices=("val", "test"), default="val")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    for dataset in arguments.datasets:
        for seed in [0] if dataset == "ml-1m-ordered" else arguments.seeds:
            compare(dataset, arguments.part, seed)


if __name__ == "__main__":
    main()
