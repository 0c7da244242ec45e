r"""The baseline of a rating: overall mean, plus what the item adds, plus what the user adds.

:math:`b_{ui} = \mu + b_i + b_u` minimises, with damping :math:`d_i` and :math:`d_u`,

.. math:: \sum_{u,i} (r_{ui} - \mu - b_i - b_u)^2 + d_i \sum_i b_i^2 + d_u \sum_u b_u^2 .

Given the one kind of offset, the other is a damped mean of what remains. Y. Koren, "Factor in the
neighbors: scalable and accurate collaborative filtering", ACM TKDD 4(1), 2010, section 2.1.
"""

from __future__ import annotations

import numpy as np

from .entries import rows_of_entries
from .means import damped_means
from .rounding import without_rounding

__all__ = ["DAMPING", "fit_baseline", "row_offsets"]

DAMPING = 5.0  # ratings of value 0 added to every user and item where nothing else is asked for


def row_offsets(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    item_offsets: np.ndarray,
    damping: float,
) -> np.ndarray:
    r"""Offset of each row, b_u: the damped mean of what the items leave of its entries.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR arrays of shape (n_rows, n_items).
    item_offsets : ndarray of shape (n_items,)
        :math:`\mu + b_i`.
    damping : float

    Returns
    -------
    ndarray of shape (n_rows,), float64
        0 for rows without entries.
    """
    deviations = data - item_offsets[indices]
    return damped_means(rows_of_entries(indptr), deviations, len(indptr) - 1, damping)


def fit_baseline(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    n_items: int,
    *,
    user_damping: float = DAMPING,
    item_damping: float = DAMPING,
    max_iter: int = 1,
    tol: float = 0.0,
) -> tuple[float, np.ndarray, list[float]]:
    """Learn the mean and the item offsets; those of rows follow from :func:`row_offsets`.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR arrays of shape (n_rows, n_items).
    n_items : int
    user_damping, item_damping : float
        Ratings of value 0 added to every user, or item.
    max_iter : int
        Number of times that item and user offsets are worked out in turn, items first.
    tol : float
        Stop when an iteration lowers the loss by less than this share.

    Returns
    -------
    mean : float
        0 without entries.
    item_offsets : ndarray of shape (n_items,), float64
        b_i, without the mean; 0 for items without entries.
    losses : list of float
        The loss of the module docstring after each iteration, divided by the number of entries.
    """
    if not len(data):
        return 0.0, np.zeros(n_items), []
    mean = float(data.mean(dtype=np.float64))
    rows, n_rows = rows_of_entries(indptr), len(indptr) - 1
    deviations = without_rounding(data.astype(np.float64) - mean, abs(mean), data.dtype)
    left_by_users = deviations
    losses: list[float] = []
    for _ in range(max_iter):
        items = damped_means(indices, left_by_users, n_items, item_damping)
        left_by_items = deviations - items[indices]
        users = damped_means(rows, left_by_items, n_rows, user_damping)
        of_users = users[rows]
        errors = left_by_items - of_users
        left_by_users = deviations - of_users
        penalty = item_damping * np.square(items).sum() + user_damping * np.square(users).sum()
        losses.append(float((np.square(errors).sum() + penalty) / len(data)))
        if len(losses) > 1 and losses[-2] - losses[-1] < tol * losses[-2]:
            break
    return mean, items, losses
