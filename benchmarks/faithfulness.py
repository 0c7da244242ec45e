"""Do explanations tell the truth, and do outliers stand out? ``python benchmarks/faithfulness.py``.

Prints, for test users that the models never saw, how far the score and the place of the best
recommendation fall when parts of the history are deleted, and how fast they come back when parts
are inserted: by contribution, by raw attention weight, by likeness of the items, at random. Then
how well planted outliers are found: the area under the ROC curve.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from protocols import load_ratings, strong_generalization
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity
from threads import use_threads

MODELS = ["AttentionRecommender", "MultiHeadAttentionRecommender", "ItemItemCF", "ALSFactorizer"]
FRACTIONS = (0.2, 1.0)  # of a history to delete in the end
FLIPPED = 0.01  # of the ratings


def likeness(X: sp.csr_array) -> dict[str, np.ndarray]:
    """How like items are by the users who know both: Jaccard's index, and the cosine of ratings."""
    known = sp.csr_array(X.astype(bool).astype(float))
    both = (known.T @ known).toarray()
    counts = both.diagonal()
    either = counts[:, None] + counts - both
    return {
        "jaccard": np.divide(both, either, out=np.zeros_like(both), where=either > 0),
        "cosine": cosine_similarity(X.T, dense_output=True),
    }


def deletions(
    names: list[str], dataset: str, n_users: int, seed: int, out: str | None
) -> pd.DataFrame:
    """Measures of deletion and insertion by model, depth and order."""
    import skattnrec
    from skattnrec.inspection import FaithfulnessDisplay, faithfulness, stability

    split = strong_generalization(dataset, "ratings", seed)
    histories = sp.csr_array(split.test.history[:n_users])
    orders: dict[str, Any] = {"contribution": "contribution", "attention": "attention"}
    orders |= likeness(split.train)
    tables = []
    for name in names:
        model = getattr(skattnrec, name)()
        if "random_state" in model.get_params():
            model.set_params(random_state=seed)
        model.fit(split.train)
        own = {o: m for o, m in orders.items() if o != "attention" or "Attention" in name}
        for fraction in FRACTIONS:
            table = faithfulness(model, histories, orders=own, max_fraction=fraction)
            if out is not None and fraction == 1:
                display = FaithfulnessDisplay.from_predictions(table)
                display.figure_.savefig(f"{out}-{name}.png", dpi=110)
            tables.append(table.reset_index().assign(model=name, deleted=fraction))
        means = stability(model, histories[:100], random_state=seed).mean()
        print(
            f"{name}: a tenth of the history left out, rank correlation of contributions "
            f"{means['correlation']:.3f}, overlap of the top five {means['overlap']:.3f}",
            flush=True,
        )
    for table in tables:
        table.attrs = {}
    joined = pd.concat(tables, ignore_index=True)
    return joined[["model", "deleted", *joined.columns.drop(["model", "deleted"])]]


def flip(X: sp.csr_array, seed: int) -> tuple[sp.csr_array, np.ndarray]:
    """Turn 1 % of the ratings round: 1 and 5, 2 and 4 change places; 3 stays and is not drawn."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.flatnonzero(X.data != 3), round(FLIPPED * X.nnz), replace=False)
    flipped = X.copy()
    flipped.data[chosen] = 6 - flipped.data[chosen]
    is_fake = np.zeros(X.nnz, bool)
    is_fake[chosen] = True
    return flipped, is_fake


def outliers(X: sp.csr_array, seed: int) -> dict[str, float]:
    """Areas under the ROC curve of models, and of the mere distance to the expected rating."""
    from skattnrec import AttentionRatingPredictor, AttentionRecommender, ItemItemCF
    from skattnrec.inspection import attention_outliers

    given, is_fake = flip(X, seed)
    fake = sp.csr_array((is_fake.astype(float), given.indices, given.indptr), given.shape)
    models: dict[str, Any] = {
        "AttentionRecommender": AttentionRecommender(),
        "AttentionRatingPredictor": AttentionRatingPredictor(),
        "ItemItemCF, explicit": ItemItemCF(200, shrinkage=100, feedback="explicit"),
    }
    areas = {}
    for name, model in models.items():
        for cv, label in ((5, "fitted on other users"), (None, "fitted on all users")):
            judge = model if cv else model.fit(given)
            table = attention_outliers(judge, given, cv=cv, method="in_place")
            truth = fake[table["user"].to_numpy(), table["item"].to_numpy()]
            areas[f"{name}, {label}"] = roc_auc_score(truth > 0, table["outlierness"])
    means = _distance_to_means(given)
    areas["without votes: distance to the means of user and item"] = roc_auc_score(is_fake, means)
    return areas


def _distance_to_means(X: sp.csr_array) -> np.ndarray:
    """Absolute residual of a rating on the means of its user and item."""
    from skattnrec.inspection._outliers import _without_means

    users = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    return np.abs(_without_means(X.data.astype(float), users, X.indices, X.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument(
        "--users", type=int, default=300, help="test users whose lists are explained"
    )
    parser.add_argument(
        "--models", nargs="*", default=MODELS, help="to delete by; none: outliers only"
    )
    parser.add_argument("--no-outliers", action="store_true", help="deletions only")
    parser.add_argument("--out", help="draw the curves of each model in OUT-model.png")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    from skattnrec.datasets import make_interactions

    if arguments.models:
        print(f"## Deletion, {arguments.dataset}, {arguments.users} test users\n")
        asked = arguments.dataset, arguments.users, arguments.seed, arguments.out
        table = deletions(arguments.models, *asked)
        print("\n" + table.round(3).to_string(index=False))
    if arguments.no_outliers:
        return
    print("\n## Planted outliers, 1 % of the ratings turned round, area under the ROC curve\n")
    synthetic = make_interactions(800, 300, n_interactions=40_000, random_state=arguments.seed).X
    users, items, ratings = load_ratings("ml-100k")
    rows, columns = (np.unique(ids, return_inverse=True)[1] for ids in (users, items))
    movielens = sp.csr_array(sp.coo_array((ratings, (rows, columns))))
    for name, X in {"generated ratings": synthetic, "ml-100k": movielens}.items():
        for model, area in outliers(X, arguments.seed).items():
            print(f"{name}: {model}: {area:.3f}")


if __name__ == "__main__":
    main()
