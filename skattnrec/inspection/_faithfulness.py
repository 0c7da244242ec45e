"""Do explanations tell the truth, and do they stay? Delete entries, and see what moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.utils import Bunch, check_random_state

from .._kernels.entries import rows_of_entries
from .._names import aligned, columns_of, labelled, labels_of
from .._scores import scores_of_rows
from .._validation import check_pairs
from ..model_selection._significance import mean_interval
from ._explain import explain
from ._histories import Histories, attention_model, attention_shares, unwrap
from ._parameters import checked

__all__ = ["deletion_curve", "faithfulness", "stability"]

ORDERS = ("contribution", "attention", "random")


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
    user_features: Any = None,
    random_state: Any = 0,
) -> Bunch:
    r"""Delete entries of histories one after the other, and follow the score of an item.

    Parameters
    ----------
    estimator : object
        A fitted recommender, pipeline or search.
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
    followed = follow(estimator, X, items, timestamps, user_features, min_entries=2)
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
    user_features: Any = None,
    random_state: Any = 0,
) -> pd.DataFrame:
    """Compare how far scores fall when entries are deleted in different orders.

    An explanation is faithful if deleting what it names moves the score further than deleting
    anything else.

    Parameters
    ----------
    estimator, X, items, max_fraction, n_steps, timestamps, user_features, random_state
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
        model, _ = unwrap(estimator, Histories.of(X, timestamps, user_features).rows([0]))
        orders = [o for o in ORDERS if o != "attention" or hasattr(model, "attention_weights")]
    random = check_random_state(random_state)
    options: dict[str, Any] = {"max_fraction": max_fraction, "n_steps": n_steps}
    context = {"timestamps": timestamps, "user_features": user_features}
    curves, rows = {}, {}
    for order in dict.fromkeys([*orders, "random"]):
        repeats = [
            deletion_curve(
                estimator, X, items, order=order, random_state=random, **options, **context
            )
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
        As for :func:`deletion_curve`; histories with fewer than three entries are left out.
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
    faithfulness : Whether explanations tell the truth.

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


# -- what is deleted, and what is followed ----------------------------------------------------


class Followed(NamedTuple):
    """Histories from which entries are to go, and the item of each whose score is followed."""

    users: np.ndarray  # rows among those given, or their labels; short histories are left out
    histories: Histories
    items: np.ndarray  # column of the item of each
    labels: np.ndarray  # the same, or names of the items
    scores: np.ndarray  # of the items, by the whole history


def follow(
    estimator: Any, X: Any, items: Any, timestamps: Any, user_features: Any, min_entries: int
) -> Followed:
    """Choose the item of each history that is long enough, by default the best unseen one."""
    histories = Histories.of(X, timestamps, user_features)
    n_users, n_items = histories.X.shape
    kept = np.flatnonzero(np.diff(histories.X.indptr) >= min_entries)
    if not len(kept):
        raise ValueError(f"Nothing can be left out: no history has {min_entries} entries or more.")
    chosen = None
    if items is not None:
        columns = columns_of(aligned(items, labels_of(X, axis=0), "items"), labels_of(X, axis=1))
        chosen = check_pairs(np.arange(n_users), columns, histories.X.shape)[1][kept]
    histories = histories.rows(kept)

    def choose(scores: np.ndarray, start: int) -> np.ndarray:
        rows = np.arange(len(scores))
        if chosen is not None:
            best = chosen[start : start + len(scores)]
        else:
            block = histories.X[start : start + len(scores)]
            if np.diff(block.indptr).max() == n_items:
                raise ValueError("A history holds all items: name the items to follow.")
            unseen = scores.copy()
            unseen[rows_of_entries(block.indptr), block.indices] = -np.inf
            best = unseen.argmax(axis=1)
        return np.column_stack([best, scores[rows, best]])

    blocks = scores_of_rows(estimator, X, histories.X, histories.context, choose)
    best, scores = np.concatenate(list(blocks)).T
    best = best.astype(np.intp)
    users, labels = labelled(kept, X, axis=0), labelled(best, X, axis=1)
    return Followed(users, histories, best, labels, scores)


def importances(estimator: Any, history: Histories, item: int, order: str) -> np.ndarray:
    """How much each stored entry of one history matters for the score of one item.

    "contribution": what it adds to the score (by leave-one-out for models that explain by other
    users). "attention": its mean share of the attention of the heads.
    """
    if order == "attention":
        heads = attention_shares(*attention_model(estimator, history))
        return np.mean([share.data for share in heads], axis=0)
    asked = {"item_names": np.arange(history.X.shape[1]), **history.metadata}
    parts = explain(estimator, history.given, [item], **asked)
    if parts.source != "item":
        parts = explain(estimator, history.given, [item], method="leave_one_out", **asked)
    on_items = np.zeros(history.X.shape[1])
    on_items[parts.sources] = parts.contributions[0]
    return on_items[history.X.indices]
