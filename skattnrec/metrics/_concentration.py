"""How concentrated weights are: entropy, and the effective number of items."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import rows_of_entries

__all__ = ["attention_entropy", "effective_number"]


def attention_entropy(weights: Any, *, normalize: bool = False) -> np.ndarray:
    r"""Entropy of attention over each history.

    .. math:: -\sum_j p_j \ln p_j, \qquad p_j = a_j \big/ \sum_m a_m

    Parameters
    ----------
    weights : {array-like, sparse matrix} of shape (n_users, n_items)
        Attention weights of one head, not negative; they need not sum to 1. Stored entries (dense:
        those that are not 0) are the history.
    normalize : bool, default=False
        Divide by the logarithm of the length of the history, which makes uniform attention 1.

    Returns
    -------
    ndarray of shape (n_users,), float64
        In nats; NaN for empty rows, and with ``normalize`` for rows of one entry.

    Raises
    ------
    ValueError
        If a weight is negative, or those of a row with entries are all 0.

    See Also
    --------
    effective_number : Its exponential.

    Examples
    --------
    >>> from skattnrec.inspection import attention_entropy
    >>> attention_entropy([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]).round(3)
    array([0.693, 0.   ])
    """
    weights = sp.csr_array(weights)
    lengths = np.diff(weights.indptr)
    rows = rows_of_entries(weights.indptr)
    data = weights.data.astype(np.float64)
    total = np.bincount(rows, data, minlength=len(lengths))
    wrong = np.flatnonzero((total <= 0) & (lengths > 0))
    if len(wrong) or (len(data) and not data.min() >= 0):
        where = f"those of row {wrong[0]} sum to {total[wrong[0]]:g}" if len(wrong) else "some are"
        raise ValueError(f"weights must not be negative, and some of each row above 0; {where}.")
    shares = data / total[rows]
    information = -shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropy = np.bincount(rows, information, minlength=len(lengths))
    entropy[lengths == 0] = np.nan
    if normalize:
        largest = np.log(np.maximum(lengths, 1))
        return np.divide(entropy, largest, out=np.full_like(entropy, np.nan), where=largest > 0)
    return entropy


def effective_number(weights: Any) -> np.ndarray:
    """Effective number of items that attention rests on.

    It is the exponential of the entropy: as many items of equal weight are as concentrated.

    Parameters
    ----------
    weights : {array-like, sparse matrix} of shape (n_users, n_items)
        As for :func:`attention_entropy`.

    Returns
    -------
    ndarray of shape (n_users,), float64
        Between 1 and the length of the history; NaN for empty rows.

    Examples
    --------
    >>> from skattnrec.inspection import effective_number
    >>> effective_number([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    array([2., 1.])
    """
    return np.exp(attention_entropy(weights))
