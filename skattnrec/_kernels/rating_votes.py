r"""Votes of items for the ratings of other items: one ridge regression for each item.

For an item i the users who rated it are the rows, some items S its support, and every channel c, a
way to weigh what a user knows, gives a column for each of them:

.. math::
    V_i = \arg\min \sum_{u \in U_i} \Big(t_{ui} - \sum_c \sum_{j \in H(u) \cap S, j \ne i}
        w^c_{uj} V^c_{ji}\Big)^2 + \lambda \|V_i\|^2 .

Items with fewer raters than columns take the dual form. Y. Koren, "Factor in the neighbors:
scalable and accurate collaborative filtering", ACM TKDD 4(1), 2010, section 4.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers
from .cholesky import factorize, substitute

__all__ = ["fit_rating_votes"]


@compiled
def _design(raters, indptr, indices, weights, column_of, n_support):
    """Dense design matrix: a row for each rater, channels side by side."""
    n_channels = weights.shape[0]
    design = np.zeros((len(raters), n_channels * n_support), weights.dtype)
    for row in range(len(raters)):
        for p in range(indptr[raters[row]], indptr[raters[row] + 1]):
            column = column_of[indices[p]]
            if column >= 0:
                for channel in range(n_channels):
                    design[row, channel * n_support + column] = weights[channel, p]
    return design


@compiled
def _solve(system, penalty, right):
    """Solve (A + penalty I) x = b; NaN where A + penalty I is not positive definite."""
    for c in range(len(system)):
        system[c, c] += penalty
    factor = factorize(system)
    if len(factor) > 0:
        substitute(factor, right)
    else:
        right[:] = np.nan
    return right


@compiled
def _ridge(design, targets, penalty):
    """Solve a ridge regression by the smaller of its two systems."""
    n_rows, n_columns = design.shape
    if n_rows >= n_columns:
        return _solve(np.dot(design.T, design), penalty, np.dot(design.T, targets))
    return np.dot(design.T, _solve(np.dot(design, design.T), penalty, targets.copy()))


def fit_rating_votes(
    indptr, indices, weights, item_indptr, raters, targets, support_indptr, support, penalty
):  # fmt: skip
    """Fit the votes for all items.

    BLAS is called by every thread: hold it to one thread.

    Parameters
    ----------
    indptr, indices : ndarray
        CSR pattern of the ratings, n_users x n_items.
    weights : ndarray of shape (n_channels, nnz)
        What each channel makes of each entry.
    item_indptr, raters, targets : ndarray
        CSC arrays of what is to be predicted, n_users x n_items.
    support_indptr, support : ndarray
        CSR pattern, n_items x n_items: the items that may vote for an item; not itself.
    penalty : float
        Lambda, positive.

    Returns
    -------
    ndarray of shape (n_channels, len(support))
        The votes, in the order of ``support``.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a system is not positive definite.
    """
    votes = np.zeros((len(weights), len(support)), weights.dtype)
    run_workers(
        _fit_items, len(item_indptr) - 1, *csr_arrays(indptr, indices), read_only(weights),
        *csr_arrays(item_indptr, raters, targets), *csr_arrays(support_indptr, support),
        weights.dtype.type(penalty), votes,
    )  # fmt: skip
    if not np.isfinite(votes).all():
        raise np.linalg.LinAlgError("a system is not positive definite")
    return votes


@compiled
def _fit_items(
    share, n_shares, indptr, indices, weights, item_indptr, raters, targets, support_indptr,
    support, penalty, votes,
):  # fmt: skip
    n_channels, n_items = weights.shape[0], len(item_indptr) - 1
    column_of = np.full(n_items, -1, np.int32)
    for item in range(share, n_items, n_shares):
        start, stop = support_indptr[item], support_indptr[item + 1]
        own = slice(item_indptr[item], item_indptr[item + 1])
        n_support = stop - start
        if n_support == 0 or len(raters[own]) == 0:
            continue
        for c in range(n_support):
            column_of[support[start + c]] = c
        design = _design(raters[own], indptr, indices, weights, column_of, n_support)
        for c in range(n_support):
            column_of[support[start + c]] = -1
        solved = _ridge(design, targets[own], penalty)
        for channel in range(n_channels):
            for c in range(n_support):
                votes[channel, start + c] = solved[channel * n_support + c]
