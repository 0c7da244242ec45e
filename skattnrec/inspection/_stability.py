"""``stability``: whether explanations stay when a history changes a little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.utils import check_random_state

from ._follow import follow, importances
from ._parameters import checked

__all__ = ["stability"]


@checked(of={"contribution", "attention"})
def stability(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    of: str = "contribution",
    fraction: float = 0.1,
    n_repeats: int = 5,
    k: int = 5,
    timestamps: Any = None,
    user_features: Any = None,
    random_state: Any = 0,
) -> pd.DataFrame:
    """Explain a score again and again, each time without a few random entries of the history.

    Parameters
    ----------
    estimator, X, items, timestamps, user_features
        As for :func:`~skattnrec.inspection.deletion_curve`; histories with fewer than three entries
        are left out.
    of : {"contribution", "attention"}, default="contribution"
        What to compare: contributions to the score, or the mean attention of the heads.
    fraction : float in (0, 1), default=0.1
        The share of a history to leave out, rounded, at least one entry; two are always kept.
    n_repeats : int, default=5
        How often to do so.
    k : int, default=5
        How many of the strongest entries are compared.
    {random_state}

    Returns
    -------
    DataFrame with a row for each user, its index the rows of ``X``, or their labels
        ``item``: what is explained, by column or label; ``correlation``: Spearman's rank
        correlation between the entries' importance before and after, of those that are kept (1
        where both sides are constant, NaN if only one is); ``overlap``: the share of the k
        strongest entries among the kept that are still among the k strongest. Both are means over
        the repeats, and 1 for an explanation that stays.

    Raises
    ------
    ValueError
        If no history has three entries.

    See Also
    --------
    skattnrec.inspection.faithfulness : Whether explanations tell the truth.

    References
    ----------
    D. Alvarez-Melis, T. Jaakkola, "On the robustness of interpretability methods", ICML workshop
    on human interpretability in machine learning, 2018.

    Examples
    --------
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import stability
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> table = stability(ItemItemCF().fit(X), X[:10])  # votes that do not see each other
    >>> table[["correlation", "overlap"]].mean().round(3).tolist()
    [1.0, 1.0]
    """
    followed = follow(estimator, X, items, timestamps, user_features, min_entries=3)
    random = check_random_state(random_state)
    rows = []
    for row, item in enumerate(followed.items):  # explain answers for one history at a time
        history = followed.histories.rows([row])
        n_entries = history.X.nnz
        before = importances(estimator, history, item, of)
        n_kept = max(2, n_entries - max(1, round(fraction * n_entries)))
        measured = []
        for _ in range(n_repeats):
            keep = random.permutation(n_entries) < n_kept
            pair = before[keep], importances(estimator, history.keep(keep), item, of)
            measured.append((_rank_correlation(*pair), _overlap(*pair, k)))
        rows.append((followed.labels[row], *np.mean(measured, axis=0)))
    return pd.DataFrame(rows, columns=["item", "correlation", "overlap"], index=followed.users)


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation; ties have their mean rank."""
    constant = np.ptp(a) == 0, np.ptp(b) == 0
    if any(constant):
        return 1.0 if all(constant) else np.nan
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _overlap(a: np.ndarray, b: np.ndarray, k: int) -> float:
    """Share of the k largest of one that are among the k largest of the other."""
    k = min(k, len(a))
    first, second = (np.argsort(-values, kind="stable")[:k] for values in (a, b))
    return len(np.intersect1d(first, second)) / k
