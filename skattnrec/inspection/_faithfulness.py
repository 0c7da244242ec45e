"""Do explanations tell the truth? Delete what they name, and see whether the score moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from ..model_selection._significance import mean_interval
from ._attended import unwrap
from ._followed import ORDERS, Followed, follow, importances
from ._histories import Histories
from ._parameters import checked

__all__ = ["deletion_curve", "faithfulness"]


@checked(order=set(ORDERS))
def deletion_curve(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    order: str = "contribution",
    max_fraction: float = 0.2,
    n_steps: int = 10,
    timestamps: Any = None,
    random_state: Any = 0,
) -> Bunch:
    r"""Delete entries of histories one after the other, and follow the score of an item.

    Parameters
    ----------
    {estimator}
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Histories; those with fewer than two entries are left out. Each of them is explained by a
        call of its own: pass a sample of a few hundred.
    items : array-like of int of shape (n_users,), default=None
        The item of each user whose score is followed; None means the best recommendation.
    order : {"contribution", "attention", "random"}, default="contribution"
        What is deleted first: what contributes most to the score, what gets the most attention
        (mean of the heads), or anything. Ties are broken at random.
    max_fraction : float in (0, 1), default=0.2
        The share of a history to delete in the end; at least one entry, never all.
    n_steps : int, default=10
        In how many steps.
    {times}
    {random_state}

    Returns
    -------
    Bunch
        fractions : ndarray of shape (n_steps + 1,)
            Shares of the history that are deleted, from 0 to ``max_fraction``.
        scores : ndarray of shape (n_curves, n_steps + 1)
            The scores of the item.
        drops : ndarray of shape (n_curves, n_steps + 1)
            What is lost of the score, as a share of its absolute value at the start.
        area : ndarray of shape (n_curves,)
            Area under the drops divided by ``max_fraction``: the mean drop.
        users : ndarray of shape (n_curves,)
            Rows of ``X``; of a DataFrame, their labels.
        item : ndarray of shape (n_curves,)
            The items followed, by column or label.

    Raises
    ------
    ValueError
        If no history has two entries, or as ``predict`` does.

    See Also
    --------
    faithfulness : Compares the orders.

    References
    ----------
    W. Samek, A. Binder, G. Montavon, S. Lapuschkin, K.-R. Müller, "Evaluating the visualization of
    what a deep neural network has learned", IEEE TNNLS 28(11), 2017.

    Examples
    --------
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import deletion_curve
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> curve = deletion_curve(ItemItemCF().fit(X), X[:20])
    >>> curve.drops.shape
    (20, 11)
    >>> bool((curve.drops[:, -1] > 0).all())
    True
    """
    followed = follow(estimator, X, items, timestamps, min_entries=2)
    histories = followed.histories
    users = np.arange(len(followed.items))
    lengths = np.diff(histories.X.indptr)
    ranks = _deletion_ranks(estimator, followed, order, check_random_state(random_state))
    fractions = np.linspace(0, max_fraction, n_steps + 1)
    scores = [followed.scores]
    for fraction in fractions[1:]:
        n_deleted = np.clip(np.floor(fraction * lengths + 0.5), 1, lengths - 1)
        left = histories.keep(ranks >= np.repeat(n_deleted, lengths))
        scores.append(left.scores(estimator, users, followed.items))
    curves = np.stack(scores, axis=1).astype(np.float64)
    size = np.abs(curves[:, :1])
    lost = curves[:, :1] - curves
    drops = np.divide(lost, size, out=np.zeros_like(lost), where=size > 0)
    area = (drops[:, 1:] + drops[:, :-1]).mean(axis=1) / 2  # by the trapezoidal rule
    return Bunch(
        fractions=fractions,
        scores=curves,
        drops=drops,
        area=area,
        users=followed.users,
        item=followed.labels,
    )


@checked()
def faithfulness(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    orders: Sequence[str] | None = None,
    max_fraction: float = 0.2,
    n_steps: int = 10,
    n_repeats: int = 5,
    timestamps: Any = None,
    random_state: Any = 0,
) -> pd.DataFrame:
    """Compare how far scores fall when entries are deleted in different orders.

    An explanation is faithful if deleting what it names moves the score further than deleting
    anything else.

    Parameters
    ----------
    estimator, X, items, max_fraction, n_steps, timestamps, random_state
        As for :func:`deletion_curve`.
    orders : list of {"contribution", "attention", "random"}, default=None
        The orders to compare with "random". None means all that the model has.
    n_repeats : int, default=5
        How many random orders to average over.

    Returns
    -------
    DataFrame with a row for each order
        ``area``: the mean drop of the score, as a share of it, over deletions and users; ``low``,
        ``high``: its 95 % confidence interval over users; ``ratio``: ``area`` divided by that of
        random deletions. ``attrs["curves"]`` is a dict with the mean drops of each order, of shape
        (n_steps + 1,), and ``attrs["fractions"]`` their horizontal axis.

    See Also
    --------
    stability : Whether explanations stay when a history changes a little.

    Examples
    --------
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import faithfulness
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> table = faithfulness(AttentionRecommender().fit(X), X[:30])
    >>> table.index.tolist()
    ['contribution', 'attention', 'random']
    >>> bool(table.loc["contribution", "ratio"] > 1)
    True
    """
    if orders is None:
        model, _ = unwrap(estimator, Histories.of(X, timestamps).rows([0]))
        orders = [o for o in ORDERS if o != "attention" or hasattr(model, "attention_weights")]
    random = check_random_state(random_state)
    options = {"max_fraction": max_fraction, "n_steps": n_steps, "timestamps": timestamps}
    curves, rows = {}, {}
    for order in dict.fromkeys([*orders, "random"]):
        repeats = [
            deletion_curve(estimator, X, items, order=order, random_state=random, **options)
            for _ in range(n_repeats if order == "random" else 1)
        ]
        curves[order] = np.mean([curve.drops.mean(axis=0) for curve in repeats], axis=0)
        rows[order] = mean_interval(np.mean([curve.area for curve in repeats], axis=0))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["area", "low", "high"])
    table.index.name = "order"
    table["ratio"] = table["area"] / table.loc["random", "area"]
    table.attrs = {"curves": curves, "fractions": repeats[0].fractions}
    return table


def _deletion_ranks(
    estimator: Any, followed: Followed, order: str, random: np.random.RandomState
) -> np.ndarray:
    """When each entry is deleted, what matters most first; 0 is the first of its row."""
    X = followed.histories.X
    ranks = np.empty(X.nnz, dtype=np.int64)
    for row, item in enumerate(followed.items):  # explain answers for one history at a time
        place = slice(X.indptr[row], X.indptr[row + 1])
        importance = np.zeros(place.stop - place.start)
        if order != "random":
            importance = importances(estimator, followed.histories.rows([row]), item, order)
        ties = random.random_sample(len(importance))
        ranks[place][np.lexsort((ties, -importance))] = np.arange(len(importance))
    return ranks
