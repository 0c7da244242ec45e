"""What rules for lists cost, and what they bring.

    python benchmarks/reranking.py                  # validation users
    python benchmarks/reranking.py --part test
    python benchmarks/reranking.py --plot curve.png

ml-1m, strong generalisation as in ``protocols.py``, on the ratings; attention with its defaults,
whose 100 best items of each user are reranked. Items are compared by the cosine of their genres.
Prints NDCG@10, intra-list diversity (the mean dissimilarity of the pairs of a list), coverage of
the catalogue and novelty, and the changes against the lists without rules.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
from protocols import HeldOut, Split, data_folder, ranking_metrics, strong_generalization
from threads import use_threads

DATASET = "ml-1m"
K = 10
N_CANDIDATES = 100
DIVERSITIES = (0.05, 0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
RESULTS = Path("results") / "reranking.csv"
COLUMNS = ("rule", "NDCG@10", "diversity", "coverage", "novelty", "NDCG change", "diversity change")


def genres_of(items: np.ndarray) -> np.ndarray:
    """Genres of movies, (n_items, n_genres), 0 or 1."""
    found: dict[int, list[str]] = {}
    with gzip.open(data_folder() / f"{DATASET}.movies.dat.gz", "rt", encoding="latin-1") as file:
        for line in file:
            number, _, names = line.rstrip("\n").split("::")
            found[int(number)] = names.split("|")
    names = sorted({name for genres in found.values() for name in genres})
    return np.array([[name in found[int(item)] for name in names] for item in items], float)


def rules(genres: np.ndarray, train: Any) -> dict[str, list[tuple[str, Any]]]:
    """Rules to try, by what the table calls them."""
    from skattnrec.reranking import Diversify, LimitPerGroup, Promote

    options = {"item_features": genres}
    found = {
        f"diversify, {likeness}, {d:g}": [("d", Diversify(d, likeness=likeness, **options))]
        for likeness in ("sum", "max")
        for d in DIVERSITIES
    }
    found |= {
        f"at most {n} of a genre": [("g", LimitPerGroup(genres != 0, n))] for n in (5, 4, 3, 2)
    }
    known = train.getnnz(axis=0)
    new = np.flatnonzero((known > 0) & (known <= 5))
    found |= {
        f"promote 1 of {len(new)} items to {share:.0%}": [("p", Promote(new, share=share))]
        for share in (0.1, 0.5, 1.0)
    }
    return found


def judge(lists: np.ndarray, split: Split, part: HeldOut, genres: np.ndarray) -> dict[str, float]:
    from skattnrec.metrics import coverage_at_k, diversity_at_k, novelty_at_k

    padded = np.full((len(lists), 100), -1)
    padded[:, :K] = lists
    return {
        "NDCG@10": float(ranking_metrics(padded, part.target)["NDCG@10"].mean()),
        "diversity": float(diversity_at_k(lists, genres, K)),
        "coverage": coverage_at_k(lists, split.train.shape[1], K),
        "novelty": float(novelty_at_k(lists, split.train, K)),
    }


def compare(part: str) -> list[dict[str, Any]]:
    """Judge the lists of each rule."""
    from sklearn.frozen import FrozenEstimator

    from skattnrec import AttentionRecommender, RerankedRecommender

    split = strong_generalization(DATASET, "ratings")
    held_out = getattr(split, part)
    genres = genres_of(split.items)
    model = FrozenEstimator(AttentionRecommender().fit(split.train))
    cases: dict[str, list[tuple[str, Any]]] = {"none": []} | rules(genres, split.train)
    print("| " + " | ".join(COLUMNS) + " |\n|---|" + "---:|" * 6)
    rows: list[dict[str, Any]] = []
    for name, chosen in cases.items():
        reranked = RerankedRecommender(model, chosen, n_candidates=N_CANDIDATES)
        lists, _ = reranked.fit(split.train).recommend(held_out.history, K)
        row = {"rule": name, **judge(lists, split, held_out, genres)}
        for metric, change in (("NDCG@10", "NDCG change"), ("diversity", "diversity change")):
            row[change] = row[metric] / (rows[0] if rows else row)[metric] - 1
        rows.append(row)
        print(
            f"| {name} | {row['NDCG@10']:.4f} | {row['diversity']:.3f} | {row['coverage']:.3f} | "
            f"{row['novelty']:.2f} | {row['NDCG change']:+.1%} | {row['diversity change']:+.1%} |",
            flush=True,
        )
    return rows


def plot(rows: list[dict[str, Any]], path: str) -> None:
    """Draw NDCG against diversity."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for start, label in (
        ("diversify, sum", "diversify, likeness to all"),
        ("diversify, max", "diversify, to the most alike"),
        ("at most", "at most 5, 4, 3, 2 of a genre"),
    ):
        line = [rows[0]] + [row for row in rows if row["rule"].startswith(start)]
        ax.plot(*([row[m] for row in line] for m in ("diversity", "NDCG@10")), ".-", label=label)
    ax.axhline(0.98 * rows[0]["NDCG@10"], color="gray", linewidth=0.8, linestyle=":")
    ax.set(xlabel="diversity of the 10 items of a list, by genre", ylabel="NDCG@10")
    ax.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=("val", "test"), default="val")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    rows = compare(arguments.part)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    if arguments.plot:
        plot(rows, arguments.plot)
    print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
