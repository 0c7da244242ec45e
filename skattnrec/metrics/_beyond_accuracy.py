r"""What lists are like, apart from being right.

How much of the catalogue they show, how little known their items are, how much they differ. All
functions take ``recommended``, the lists that ``recommend`` or :func:`rank_items` return.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from .._features import unit_rows
from .._validation import as_interactions
from ._judged import average_users, check_list_cutoff, check_lists

__all__ = ["coverage_at_k", "diversity_at_k", "novelty_at_k"]

_BLOCK_ENTRIES = 2**23  # sums of item features held at a time


def coverage_at_k(recommended: Any, n_items: int, k: int = 10) -> float:
    r"""Share of the catalogue that is recommended to anybody.

    .. math:: \frac{|\bigcup_u L_u|}{n_{items}}, \qquad L_u \text{ the top k of user u}

    Parameters
    ----------
    recommended : array-like of shape (n_users, m), int
        Item columns, best first, padded with -1.
    n_items : int
        Size of the catalogue.
    k : int, default=10
        Cutoff, at most m.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If a list holds an item twice or an unknown one, or k is larger than m.

    References
    ----------
    M. Ge, C. Delgado-Battenfeld and D. Jannach, "Beyond accuracy: evaluating recommender systems
    by coverage and serendipity", RecSys 2010.

    Examples
    --------
    >>> from skattnrec.metrics import coverage_at_k
    >>> coverage_at_k([[0, 1], [1, 2]], n_items=4, k=2)
    0.75
    """
    lists = _top(recommended, n_items, k)
    return len(np.unique(lists[lists >= 0])) / n_items


def novelty_at_k(
    recommended: Any, X_train: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    r"""Mean self-information of the recommended items, in bits.

    .. math:: \frac{1}{|L_u|} \sum_{i \in L_u} -\log_2 \frac{\max(c_i, 1)}{n_{users}}

    where :math:`c_i` users of the training matrix know item i. An item that nobody knows counts
    as if one user did.

    Parameters
    ----------
    recommended : array-like of shape (n_users, m), int
        Item columns, best first, padded with -1.
    X_train : {array-like, sparse matrix} of shape (n_train_users, n_items)
        The interactions that popularity is counted on.
    k : int, default=10
        Cutoff, at most m.
    average : bool, default=True
        Return the mean over the users with a list, otherwise one value per user.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, log2(n_train_users)]. Per user: NaN for an empty list.

    Raises
    ------
    ValueError
        If all lists are empty (when averaging), a list holds an item twice or an unknown one, or
        k is larger than m.

    References
    ----------
    T. Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems",
    PNAS 107 (2010).

    Examples
    --------
    >>> from skattnrec.metrics import novelty_at_k
    >>> novelty_at_k([[0, 1]], [[1, 0], [1, 0], [1, 1], [1, 0]], k=2)
    1.0
    """
    X_train = as_interactions(X_train, "X_train")
    n_users, n_items = X_train.shape
    lists = _top(recommended, n_items, k)
    popularity = np.bincount(X_train.indices, minlength=n_items)
    information = np.log2(n_users / np.maximum(popularity, 1))
    listed = lists >= 0
    lengths = np.count_nonzero(listed, axis=1)
    totals = np.where(listed, information[lists], 0.0).sum(axis=1)
    return _summarise(totals, lengths, lengths > 0, average, "novelty", k)


def diversity_at_k(
    recommended: Any, item_features: Any, k: int = 10, *, average: bool = True
) -> float | np.ndarray:
    r"""Mean dissimilarity of the pairs of items of a list.

    .. math:: \frac{2}{|L_u| (|L_u| - 1)} \sum_{\{i, j\} \subset L_u} (1 - \cos(f_i, f_j))

    An item without features is like no other: its cosines are 0.

    Parameters
    ----------
    recommended : array-like of shape (n_users, m), int
        Item columns, best first, padded with -1.
    item_features : {array-like, sparse matrix} of shape (n_items, n_features)
        What items are compared by. ``X_train.T`` compares them by the users who know them.
    k : int, default=10
        Cutoff, at most m.
    average : bool, default=True
        Return the mean over the users with at least two items, otherwise one value per user.

    Returns
    -------
    float, or ndarray of shape (n_users,)
        In [0, 1] for non-negative features, else in [0, 2]. Per user: NaN for fewer than two
        items.

    Raises
    ------
    ValueError
        If no list has two items (when averaging), a list holds an item twice or an unknown one,
        or k is larger than m.

    References
    ----------
    C.-N. Ziegler et al., "Improving recommendation lists through topic diversification",
    WWW 2005.

    Examples
    --------
    >>> from skattnrec.metrics import diversity_at_k
    >>> diversity_at_k([[0, 1], [0, 2]], [[1, 0], [2, 0], [0, 1]], k=2, average=False)
    array([0., 1.])
    """
    features = as_interactions(item_features, "item_features")
    features = unit_rows(features)
    lists = _top(recommended, features.shape[0], k)
    listed = lists >= 0
    lengths = np.count_nonzero(listed, axis=1)
    membership = sp.csr_array(
        (np.ones(lengths.sum()), lists[listed], np.concatenate([[0], np.cumsum(lengths)])),
        shape=(len(lists), features.shape[0]),
    )
    # |sum f|^2 = sum |f|^2 + 2 * (sum of the cosines of all pairs)
    cosines = (_squared_norms(membership, features) - membership @ _row_squares(features)) / 2
    pairs = lengths * (lengths - 1) / 2
    return _summarise(np.maximum(pairs - cosines, 0), pairs, pairs > 0, average, "diversity", k)


def _top(recommended: Any, n_items: int, k: int) -> np.ndarray:
    lists = check_lists(recommended, n_items)
    check_list_cutoff(k, lists.shape[1])
    return lists[:, :k]


def _row_squares(A: sp.csr_array) -> np.ndarray:
    """Squared Euclidean norm of each row."""
    return A.power(2).sum(axis=1)


def _squared_norms(membership: sp.csr_array, features: sp.csr_array) -> np.ndarray:
    """Squared norms of the rows of ``membership @ features``, block by block."""
    step = max(1, _BLOCK_ENTRIES // features.shape[1])
    starts = range(0, membership.shape[0], step)
    return np.concatenate([_row_squares(membership[s : s + step] @ features) for s in starts])


def _summarise(
    totals: np.ndarray, counts: np.ndarray, defined: np.ndarray, average: bool, name: str, k: int
) -> float | np.ndarray:
    values = np.full(len(totals), np.nan)
    np.divide(totals, counts, out=values, where=defined)
    if not average:
        return values
    return average_users(values, f"{name}@{k}", "the lists are too short.")
