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
        heap_scores = best[row]
        heap_indices = indices[row]
        size = 0
        for j in candidates:
            score = scores[row, j]
            if not score > -np.inf:
                continue
            if size < k:
                heap_scores[size] = score
                heap_indices[size] = j
                _sift_up(heap_scores, heap_indices, size)
                size += 1
            elif score > heap_scores[0]:
                heap_scores[0] = score
                heap_indices[0] = j
                _sift_down(heap_scores, heap_indices, size)
        for last in range(size - 1, 0, -1):  # heap sort: the worst goes to the end
            heap_scores[0], heap_scores[last] = heap_scores[last], heap_scores[0]
            heap_indices[0], heap_indices[last] = heap_indices[last], heap_indices[0]
            _sift_down(heap_scores, heap_indices, last)
    return indices, best
