r"""Measures of the quality of recommendation lists.

All of them take ``recommended``, the lists that ``recommend`` or :func:`rank_items` return, and
``relevant``, the held-out ratings that the lists should have found. Sums run over the positions
:math:`p = 1 \dots k` of one user's list; :math:`g_p` is the grade of the item at position p
(0 if it is not relevant), :math:`h_p = [g_p > 0]` and n is the number of the user's relevant items.
Users without relevant items say nothing about a ranking and are left out of averages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from .._kernels.topk import mask_entries, top_k
from .._validation import as_interactions, check_cutoff

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
    if np.isnan(scores).any():
        row, column = np.argwhere(np.isnan(scores))[0]
        raise ValueError(f"scores has a NaN at row {row}, column {column}: it has no rank.")
    k = check_cutoff(k, scores.shape[1])
    if seen is not None:
        seen = as_interactions(seen, "seen")
        _check_shape(seen, scores.shape, "seen", "scores")
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
        one, shapes differ, or k is too large.

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
    return _summarise(judge(recommended, relevant), "ndcg", k, average, gain=gain)


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
    >>> reciprocal_rank_at_k([[2, 0, 1]], [[0, 1, 0]], k=3).item()
    0.3333333333333333
    """
    return _summarise(judge(recommended, relevant), "mrr", k, average)


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


@dataclass(frozen=True)
class Judged:
    """Lists whose items have been looked up among the relevant ones, once for all metrics.

    Attributes
    ----------
    grades : ndarray of shape (n_users, m), float64
        Grade of the item at each position, 0 for items that are not relevant and for padding.
    relevant : csr_array of shape (n_users, n_items), float64
        The relevant items; every stored grade is > 0.
    """

    grades: np.ndarray
    relevant: sp.csr_array

    @property
    def n_relevant(self) -> np.ndarray:
        """Number of relevant items of each user."""
        return np.diff(self.relevant.indptr)


def judge(recommended: Any, relevant: Any) -> Judged:
    """Check lists and relevance, and look up the grade of every recommended item."""
    relevant = as_interactions(relevant, "relevant").astype(np.float64)
    if relevant.nnz and relevant.data.min() <= 0:
        relevant.data = np.maximum(relevant.data, 0)
        relevant.eliminate_zeros()
    n_users, n_items = relevant.shape
    recommended = _check_lists(recommended, n_users, n_items)
    # one sorted list of row * n_items + column serves all rows
    rows = np.arange(n_users, dtype=np.int64)
    stored = np.repeat(rows * n_items, np.diff(relevant.indptr)) + relevant.indices
    wanted = rows[:, None] * n_items + recommended
    grades = np.zeros(recommended.shape)  # (n_users, m)
    if relevant.nnz:
        place = np.minimum(np.searchsorted(stored, wanted), relevant.nnz - 1)
        found = (stored[place] == wanted) & (recommended >= 0)
        grades[found] = relevant.data[place[found]]
    return Judged(grades, relevant)


def _check_lists(recommended: Any, n_users: int, n_items: int) -> np.ndarray:
    recommended = np.asarray(recommended)
    if recommended.ndim != 2 or recommended.dtype.kind not in "iu":
        raise ValueError(
            "recommended must be a two-dimensional array of item columns (integers), got "
            f"{recommended.dtype} of shape {recommended.shape}."
        )
    if recommended.shape[0] != n_users:
        raise ValueError(
            f"recommended has {recommended.shape[0]} rows, relevant has {n_users}: "
            "they must be equal, one row a user."
        )
    recommended = recommended.astype(np.int64)
    ordered = np.sort(recommended, axis=1)
    if recommended.size and (ordered[:, 0].min() < -1 or ordered[:, -1].max() >= n_items):
        raise ValueError(
            f"recommended must hold item columns in [0, {n_items - 1}], or -1 as padding; "
            f"got values in [{ordered.min()}, {ordered.max()}]."
        )
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row, place = np.argwhere(twice)[0]
        raise ValueError(f"recommended holds item {ordered[row, place]} twice in row {row}.")
    return recommended


def _check_shape(array: Any, shape: tuple[int, int], name: str, other: str) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, {other} has {shape}: must be equal.")


def _discounts(k: int) -> np.ndarray:
    return 1 / np.log2(np.arange(2, k + 2))


def _gains(grades: np.ndarray, gain: str) -> np.ndarray:
    if gain == "binary":
        return (grades > 0).astype(np.float64)
    return grades if gain == "linear" else np.exp2(grades) - 1


def _ideal(relevant: sp.csr_array, k: int, gain: str) -> np.ndarray:
    """DCG@k of each user's relevant items in the best order; shape (n_users,)."""
    lengths = np.diff(relevant.indptr)
    if gain == "binary":
        return np.concatenate([[0.0], np.cumsum(_discounts(k))])[np.minimum(lengths, k)]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    best_first = np.lexsort((-relevant.data, rows))
    position = np.arange(relevant.nnz) - relevant.indptr[rows]
    in_list = position < k
    gains = _gains(relevant.data[best_first][in_list], gain) * _discounts(k)[position[in_list]]
    return np.bincount(rows[in_list], gains, minlength=len(lengths))


def _ndcg(judged: Judged, k: int, gain: str = "binary") -> np.ndarray:
    return _gains(judged.grades[:, :k], gain) @ _discounts(k) / _ideal(judged.relevant, k, gain)


def _precision(judged: Judged, k: int) -> np.ndarray:
    return np.count_nonzero(judged.grades[:, :k], axis=1) / k


def _recall(judged: Judged, k: int) -> np.ndarray:
    return np.count_nonzero(judged.grades[:, :k], axis=1) / judged.n_relevant


def _average_precision(judged: Judged, k: int) -> np.ndarray:
    hits = judged.grades[:, :k] > 0
    precision = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    return (hits * precision).sum(axis=1) / judged.n_relevant


def _reciprocal_rank(judged: Judged, k: int) -> np.ndarray:
    return ((judged.grades[:, :k] > 0) / np.arange(1, k + 1)).max(axis=1)


def _hit_rate(judged: Judged, k: int) -> np.ndarray:
    return judged.grades[:, :k].any(axis=1).astype(np.float64)


METRICS: dict[str, Callable[..., np.ndarray]] = {
    "ndcg": _ndcg,
    "precision": _precision,
    "recall": _recall,
    "map": _average_precision,
    "mrr": _reciprocal_rank,
    "hit_rate": _hit_rate,
}


def user_values(judged: Judged, metric: str, k: int, **options: Any) -> np.ndarray:
    """Values of one metric, shape (n_users,), NaN for users without relevant items."""
    with np.errstate(divide="ignore", invalid="ignore"):  # of the users set to NaN below
        values = METRICS[metric](judged, k, **options)
    return np.where(judged.n_relevant > 0, values, np.nan)


def average_users(values: np.ndarray, what: str) -> float:
    """Mean over the users that have a value."""
    values = values[~np.isnan(values)]
    if not values.size:
        raise ValueError(f"{what} is undefined: no user has a relevant held-out item.")
    return float(values.mean())


def _summarise(
    judged: Judged, metric: str, k: int, average: bool, gain: str = "binary"
) -> float | np.ndarray:
    m = judged.grades.shape[1]
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k must be an integer, got {k!r} of type {type(k).__name__}.")
    if not 1 <= k <= m:
        raise ValueError(
            f"k must be in [1, {m}], the length of the lists; got k={k}. "
            "Recommend longer lists, or pad them with -1."
        )
    if gain not in ("binary", "linear", "exp2"):
        raise ValueError(f"gain must be 'binary', 'linear' or 'exp2', got {gain!r}.")
    options = {"gain": gain} if metric == "ndcg" else {}
    values = user_values(judged, metric, k, **options)
    return average_users(values, f"{metric}@{k}") if average else values
