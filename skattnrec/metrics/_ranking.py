r"""Measures of the quality of recommendation lists.

All of them take ``recommended``, the lists that ``recommend`` or :func:`rank_items` return, and
``relevant``, the held-out ratings that the lists should have found. Sums run over the positions
:math:`p = 1 \dots k` of one user's list; :math:`g_p` is the grade of the item at position p
(0 if it is not relevant), :math:`h_p = [g_p > 0]` and n is the number of the user's relevant items.
Users without relevant items say nothing about a ranking and are left out of averages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from .._kernels.topk import mask_entries, top_k
from .._validation import as_interactions, check_cutoff
from ._judged import Judged, average_users, check_list_cutoff, judge

__all__ = [
    "average_precision_at_k",
    "hit_rate_at_k",
    "ndcg_at_k",
    "precision_at_k",
    "rank_items",
    "recall_at_k",
    "reciprocal_rank_at_k",
]


def rank_items(scores: Any, seen: Any = None, *, k: int = 10) -> np.ndarray:
    """Turn scores into lists of the best items.

    Parameters
    ----------
    scores : array-like of shape (n_users, n_items)
        Higher is better; -inf means never.
    seen : {array-like, sparse matrix} of shape (n_users, n_items), default=None
        Items of its stored entries (dense: non-zero ones) are left out.
    k : int, default=10
        Length of the lists, at most n_items.

    Returns
    -------
    ndarray of shape (n_users, k), intp
        Item columns, best first, ties to the lower column, padded with -1.

    Raises
    ------
    ValueError
        If a score is NaN, the shapes differ or k is not in [1, n_items].

    Examples
    --------
    >>> from skattnrec.metrics import rank_items
    >>> rank_items([[0.1, 0.9, 0.5], [1.0, 1.0, 1.0]], seen=[[0, 1, 0], [0, 0, 0]], k=2)
    array([[2, 0],
           [0, 1]])
    """
    scores = check_array(
        scores,
        dtype=[np.float64, np.float32],
        order="C",
        ensure_all_finite=False,
        copy=seen is not None,
        input_name="scores",
    )
    if np.isnan(scores.min()):
        row, column = np.argwhere(np.isnan(scores))[0]
        raise ValueError(f"scores has a NaN at row {row}, column {column}: it has no rank.")
    k = check_cutoff(k, scores.shape[1])
    if seen is not None:
        seen = as_interactions(seen, "seen")
        if seen.shape != scores.shape:
            raise ValueError(
                f"seen has shape {seen.shape}, scores has {scores.shape}: they must be equal."
            )
        mask_entries(scores, seen.indptr, seen.indices)
    return top_k(scores, np.arange(scores.shape[1]), k)[0]


def ndcg_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain: str = "binary",
    average: bool = True,
) -> float | np.ndarray:
    r"""Normalised discounted cumulative gain.

    .. math:: \frac{\sum_{p \le k} G(g_p) / \log_2(p + 1)}
                   {\sum_{p \le \min(k, n)} G(g^*_p) / \log_2(p + 1)}

    where :math:`g^*` are the user's grades in descending order, and the gain G is 1 for every
    relevant item ("binary"), its grade ("linear") or :math:`2^g - 1` ("exp2").

    Parameters
    ----------
    recommended : array-like of shape (n_users, m), int
        Item columns, best first, padded with -1.
    relevant : {array-like, sparse matrix} of shape (n_users, n_items)
        Grades of the held-out items; items with a grade > 0 are relevant.
    k : int, default=10
        Cutoff, at most m.
    gain : {"binary", "linear", "exp2"}, default="binary"
        What finding an item is worth.
    average : bool, default=True
        Return the mean over the users with relevant items, otherwise one value per user.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1]. Per user: NaN without relevant items.

    Raises
    ------
    ValueError
        If no user has a relevant item (when averaging), a list holds an item twice or an unknown
        one, the numbers of users differ, k is larger than m, or a grade is too large for "exp2".

    References
    ----------
    K. Järvelin and J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
    Transactions on Information Systems 20 (2002).

    Examples
    --------
    >>> from skattnrec.metrics import ndcg_at_k
    >>> round(ndcg_at_k([[2, 0, 1]], [[0, 1, 1]], k=3), 4)
    0.9197
    """
    return _summarise(judge(recommended, relevant, gain), "ndcg", k, average)


def _ndcg(judged: Judged, k: int) -> np.ndarray:
    values = judged.gains[:, :k] @ _discounts(k) / _ideal(judged.relevant, k)
    return np.minimum(values, 1.0)  # rounding may carry a perfect list past 1


def _discounts(k: int) -> np.ndarray:
    return 1 / np.log2(np.arange(2, k + 2))


def _ideal(relevant: sp.csr_array, k: int) -> np.ndarray:
    """DCG@k of each user's relevant items in the best order; shape (n_users,)."""
    lengths = np.diff(relevant.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    best_first = np.lexsort((-relevant.data, rows))
    position = np.arange(relevant.nnz) - relevant.indptr[rows]
    listed = position < k
    gains = relevant.data[best_first][listed] * _discounts(k)[position[listed]]
    return np.bincount(rows[listed], gains, minlength=len(lengths))


def precision_at_k(
    recommended: Any, relevant: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    r"""Share of the k positions that hold a relevant item, :math:`\sum_p h_p / k`.

    Short lists are not excused: a padded position is a miss.

    Parameters
    ----------
    recommended, relevant, k, average
        As in :func:`ndcg_at_k`.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1]. Per user: NaN without relevant items.

    Examples
    --------
    >>> from skattnrec.metrics import precision_at_k
    >>> precision_at_k([[2, 0], [0, 1]], [[0, 1, 1], [1, 1, 0]], k=2)
    0.75
    """
    return _summarise(judge(recommended, relevant), "precision", k, average)


def _precision(judged: Judged, k: int) -> np.ndarray:
    return np.count_nonzero(judged.gains[:, :k], axis=1) / k


def recall_at_k(
    recommended: Any, relevant: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    r"""Share of the relevant items that are in the list, :math:`\sum_p h_p / n`.

    Parameters
    ----------
    recommended, relevant, k, average
        As in :func:`ndcg_at_k`.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1]. Per user: NaN without relevant items.

    Examples
    --------
    >>> from skattnrec.metrics import recall_at_k
    >>> recall_at_k([[2, 0], [0, 1]], [[0, 1, 1], [1, 0, 0]], k=2)
    0.75
    """
    return _summarise(judge(recommended, relevant), "recall", k, average)


def _recall(judged: Judged, k: int) -> np.ndarray:
    return np.count_nonzero(judged.gains[:, :k], axis=1) / judged.n_relevant


def average_precision_at_k(
    recommended: Any, relevant: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    r"""Mean of the precision at each relevant item; its average over users is MAP@k.

    .. math:: \frac{1}{n} \sum_{p \le k} h_p \, \frac{\sum_{q \le p} h_q}{p}

    The sum is divided by all n relevant items, also when n > k, as ``trec_eval`` does in
    ``map_cut``.

    Parameters
    ----------
    recommended, relevant, k, average
        As in :func:`ndcg_at_k`.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1]. Per user: NaN without relevant items.

    Examples
    --------
    >>> from skattnrec.metrics import average_precision_at_k
    >>> round(average_precision_at_k([[2, 0, 1]], [[0, 1, 1]], k=3), 4)
    0.8333
    """
    return _summarise(judge(recommended, relevant), "map", k, average)


def _average_precision(judged: Judged, k: int) -> np.ndarray:
    hits = judged.gains[:, :k] > 0
    precision = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    return (hits * precision).sum(axis=1) / judged.n_relevant


def reciprocal_rank_at_k(
    recommended: Any, relevant: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    r"""One over the position of the first relevant item, 0 if it is not in the list.

    Its average over users is MRR@k.

    Parameters
    ----------
    recommended, relevant, k, average
        As in :func:`ndcg_at_k`.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1]. Per user: NaN without relevant items.

    Examples
    --------
    >>> from skattnrec.metrics import reciprocal_rank_at_k
    >>> round(reciprocal_rank_at_k([[2, 0, 1]], [[0, 1, 0]], k=3), 4)
    0.3333
    """
    return _summarise(judge(recommended, relevant), "mrr", k, average)


def _reciprocal_rank(judged: Judged, k: int) -> np.ndarray:
    hits = judged.gains[:, :k] > 0
    return (hits / np.arange(1, k + 1)).max(axis=1)


def hit_rate_at_k(
    recommended: Any, relevant: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    """Share of the users whose list holds at least one relevant item.

    Parameters
    ----------
    recommended, relevant, k, average
        As in :func:`ndcg_at_k`.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1]. Per user: 0 or 1, NaN without relevant items.

    Examples
    --------
    >>> from skattnrec.metrics import hit_rate_at_k
    >>> hit_rate_at_k([[2, 0], [0, 1]], [[0, 1, 0], [1, 0, 0]], k=2)
    0.5
    """
    return _summarise(judge(recommended, relevant), "hit_rate", k, average)


def _hit_rate(judged: Judged, k: int) -> np.ndarray:
    return (np.count_nonzero(judged.gains[:, :k], axis=1) > 0).astype(np.float64)


METRICS: dict[str, Callable[[Judged, int], np.ndarray]] = {
    "ndcg": _ndcg,
    "precision": _precision,
    "recall": _recall,
    "map": _average_precision,
    "mrr": _reciprocal_rank,
    "hit_rate": _hit_rate,
}


def user_values(judged: Judged, metric: str, k: int) -> np.ndarray:
    """Values of one metric, shape (n_users,), NaN for users without relevant items."""
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 of the users set to NaN below
        values = METRICS[metric](judged, k)
    return np.where(judged.n_relevant > 0, values, np.nan)


def _summarise(judged: Judged, metric: str, k: int, average: bool) -> float | np.ndarray:
    check_list_cutoff(k, judged.gains.shape[1])
    values = user_values(judged, metric, k)
    if not average:
        return values
    return average_users(values, f"{metric}@{k}", "no user has a relevant item.")
