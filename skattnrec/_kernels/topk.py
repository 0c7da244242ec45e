"""The k best columns of each row of a score matrix."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ._parallel import parallel

__all__ = ["mask_entries", "top_k"]


@njit(cache=True, inline="always")
def _worse(score_a, index_a, score_b, index_b):
    """Order of ranks: lower score is worse; at equal scores the higher index is worse."""
    return score_a < score_b or (score_a == score_b and index_a > index_b)


@njit(cache=True)
def _sift_down(scores, indices, size):
    """Restore the heap (worst entry on top) after its top was replaced."""
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            return
        other = child + 1
        if other < size and _worse(scores[other], indices[other], scores[child], indices[child]):
            child = other
        if not _worse(scores[child], indices[child], scores[parent], indices[parent]):
            return
        scores[child], scores[parent] = scores[parent], scores[child]
        indices[child], indices[parent] = indices[parent], indices[child]
        parent = child


@njit(cache=True)
def _sift_up(scores, indices, child):
    """Restore the heap after an entry was appended at ``child``."""
    while child > 0:
        parent = (child - 1) // 2
        if not _worse(scores[child], indices[child], scores[parent], indices[parent]):
            return
        scores[child], scores[parent] = scores[parent], scores[child]
        indices[child], indices[parent] = indices[parent], indices[child]
        child = parent


@njit(cache=True)
def _keep(scores, indices, size, score, index):
    """Keep an entry on a heap of ``len(scores)`` places if it is among the best; the new size."""
    if size < len(scores):
        scores[size] = score
        indices[size] = index
        _sift_up(scores, indices, size)
        return size + 1
    if _worse(scores[0], indices[0], score, index):
        scores[0] = score
        indices[0] = index
        _sift_down(scores, indices, size)
    return size


@njit(cache=True)
def _sort_best_first(scores, indices, size):
    """Sort a heap: its top, the worst, goes to the end."""
    for last in range(size - 1, 0, -1):
        scores[0], scores[last] = scores[last], scores[0]
        indices[0], indices[last] = indices[last], indices[0]
        _sift_down(scores, indices, last)


@parallel
def mask_entries(scores, indptr, indices):
    """Set ``scores`` to -inf, in place, where the CSR pattern has an entry."""
    for row in prange(scores.shape[0]):
        for p in range(indptr[row], indptr[row + 1]):
            scores[row, indices[p]] = -np.inf


@parallel
def top_k(scores, candidates, k):
    """Rank the candidate columns of each row.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        -inf marks what may not be returned; NaN counts as -inf.
    candidates : ndarray of shape (n_candidates,), intp, ascending
    k : int

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        Best first, ties to the lower index, -1 where a row has fewer than k.
    best : ndarray of shape (n_rows, k)
        Their scores, NaN where the index is -1.
    """
    n_rows = scores.shape[0]
    indices = np.full((n_rows, k), -1, dtype=np.intp)
    best = np.full((n_rows, k), np.nan, dtype=scores.dtype)
    for row in prange(n_rows):
        size = 0
        for j in candidates:
            score = scores[row, j]
            if score > -np.inf and not (size == k and score <= best[row, 0]):
                size = _keep(best[row], indices[row], size, score, j)
        _sort_best_first(best[row], indices[row], size)
    return indices, best
