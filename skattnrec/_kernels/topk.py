"""The k best columns of each row of a score matrix."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ._compile import compiled, read_only
from ._parallel import run_workers
from .entries import rows_of_entries

__all__ = ["candidate_lists", "keep", "mask_entries", "sort_best_first", "top_k"]


@compiled(inline="always")
def _worse(score_a, index_a, score_b, index_b):
    """Order of ranks: lower score is worse; at equal scores the higher index is worse."""
    return score_a < score_b or (score_a == score_b and index_a > index_b)


@compiled
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


@compiled
def _sift_up(scores, indices, child):
    """Restore the heap after an entry was appended at ``child``."""
    while child > 0:
        parent = (child - 1) // 2
        if not _worse(scores[child], indices[child], scores[parent], indices[parent]):
            return
        scores[child], scores[parent] = scores[parent], scores[child]
        indices[child], indices[parent] = indices[parent], indices[child]
        child = parent


@compiled
def keep(scores, indices, size, score, index):
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


@compiled
def sort_best_first(scores, indices, size):
    """Sort a heap: its top, the worst, goes to the end."""
    for last in range(size - 1, 0, -1):
        scores[0], scores[last] = scores[last], scores[0]
        indices[0], indices[last] = indices[last], indices[0]
        _sift_down(scores, indices, last)


def mask_entries(scores: np.ndarray, indptr: np.ndarray, indices: np.ndarray) -> None:
    """Set ``scores`` to -inf, in place, where the CSR pattern has an entry."""
    rows = 0 if len(scores) == 1 else rows_of_entries(indptr)
    scores[rows, indices] = -np.inf


def candidate_lists(candidates, n_columns):
    """Candidate columns as a CSR pattern, with one row if they are the same for all rows."""
    if candidates is None:
        return _all_columns(n_columns)
    if not isinstance(candidates, tuple):
        candidates = np.array([0, len(candidates)]), candidates
    indptr, indices = candidates
    return (
        read_only(indptr.astype(np.int64, copy=False)),
        read_only(indices.astype(np.intp, copy=False)),
    )


@lru_cache(maxsize=8)
def _all_columns(n_columns):
    return candidate_lists(np.arange(n_columns), n_columns)


def top_k(scores, candidates, k):
    """Rank the candidate columns of each row.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        -inf marks what may not be returned; NaN counts as -inf.
    candidates : None, ndarray of int, ascending, or tuple of (indptr, indices)
        All columns, the same for all rows, or a CSR pattern, n_rows x n_columns, sorted.
    k : int

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        Best first, ties to the lower index, -1 where a row has fewer than k.
    best : ndarray of shape (n_rows, k)
        Their scores, NaN where the index is -1.
    """
    indptr, columns = candidate_lists(candidates, scores.shape[1])
    indices = np.full((len(scores), k), -1, dtype=np.intp)
    best = np.full((len(scores), k), np.nan, dtype=scores.dtype)
    work = len(columns) * (len(scores) if len(indptr) == 2 else 1)
    run_workers(
        _rank_rows, len(scores), read_only(scores), indptr, columns, indices, best, work=work
    )
    return indices, best


@compiled
def _rank_rows(share, n_shares, scores, list_indptr, list_indices, indices, best):
    k = indices.shape[1]
    for row in range(share, len(scores), n_shares):
        own = min(row, len(list_indptr) - 2)
        size = 0
        for j in list_indices[list_indptr[own] : list_indptr[own + 1]]:
            score = scores[row, j]
            if score > -np.inf and not (size == k and score <= best[row, 0]):
                size = keep(best[row], indices[row], size, score, j)
        sort_best_first(best[row], indices[row], size)
