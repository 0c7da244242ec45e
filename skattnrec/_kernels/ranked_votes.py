"""The k best columns of each row of a product of sparse matrices, without its dense rows.

Histories A times votes B gives scores A B, most of which are 0 where the catalogue is large. Each
thread adds up one row at a time in a buffer as wide as the catalogue, visits only what it touched,
and keeps the k best. The lists are those of :func:`~skattnrec._kernels.votes.csr_times_csr`
followed by :func:`~skattnrec._kernels.topk.top_k`, bit for bit: sums are in the same order, columns
without votes score 0, ties go to the lower column.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ._parallel import run_workers
from .similarity import _add_products, _add_products_and_list, uniform
from .topk import _keep, _sort_best_first

__all__ = ["rank_votes"]


def rank_votes(histories, votes, k, candidates, n_columns, seen=None):
    """Rank columns by what the histories' votes for them add up to.

    Parameters
    ----------
    histories : tuple of (indptr, indices, data)
        CSR arrays, n_rows x m, int32 indices: who votes, and how loudly.
    votes : tuple of (indptr, indices, data)
        CSR arrays, m x n_columns, int32 indices, without duplicates, dtype of the histories: for
        what.
    k : int
    candidates : ndarray of shape (n_candidates,), intp, ascending
        The columns that may be listed.
    n_columns : int
    seen : tuple of (indptr, indices), optional
        CSR pattern, n_rows x n_columns, of what may not be listed.

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        Best first, ties to the lower index, -1 where a row has fewer than k.
    scores : ndarray of shape (n_rows, k)
        Their scores, NaN where the index is -1.
    """
    n_rows = len(histories[0]) - 1
    nothing = np.zeros(n_rows + 1, np.int64), np.zeros(0, np.uint32), None
    seen_indptr, seen_indices, _ = nothing if seen is None else uniform((*seen, seen[1]))
    is_candidate = np.zeros(n_columns, np.bool_)
    is_candidate[candidates] = True
    indices = np.full((n_rows, k), -1, np.intp)
    scores = np.full((n_rows, k), np.nan, votes[2].dtype)
    run_workers(
        _rank_rows, n_rows, *uniform(histories), *uniform(votes), seen_indptr, seen_indices,
        candidates, is_candidate, indices, scores,
    )  # fmt: skip
    return indices, scores


@njit(cache=True, nogil=True)
def _rank_rows(
    worker, n_workers, a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, seen_indptr,
    seen_indices, candidates, is_candidate, indices, scores,
):  # fmt: skip
    """Rank a worker's rows."""
    n_columns = len(is_candidate)
    sums = np.zeros(n_columns, b_data.dtype)
    every = np.arange(n_columns).astype(np.uint32)
    # one more than can be filled: lists are written to before it is known whether to advance
    touched = np.empty(n_columns + 1, np.uint32)
    columns = np.empty(n_columns + 1, np.uint32)
    values = np.empty(n_columns + 1, b_data.dtype)
    zeros = np.empty(indices.shape[1], np.intp)
    for row in range(worker, len(indices), n_workers):
        voters = a_indices[a_indptr[row] : a_indptr[row + 1]]
        loudness = a_data[a_indptr[row] : a_indptr[row + 1]]
        n_touched = _add_votes(sums, voters, loudness, b_indptr, b_indices, b_data, touched)
        seen = seen_indices[seen_indptr[row] : seen_indptr[row + 1]]
        for j in seen:
            sums[j] = 0
        n = _collect(sums, every if n_touched < 0 else touched[:n_touched], columns, values)
        size = _keep_best(columns[:n], values[:n], is_candidate, indices[row], scores[row])
        _insert_zeros(candidates, columns[:n], seen, sums, zeros, indices[row], scores[row], size)


@njit(cache=True)
def _add_votes(sums, voters, loudness, b_indptr, b_indices, b_data, touched):
    """Add up the votes and list the columns they are for; -1 if there are too many to be listed.

    A column may be listed twice; see ``_add_products_and_list``.
    """
    work = 0
    for voter in voters:
        work += b_indptr[voter + 1] - b_indptr[voter]
    n_touched = 0
    for q in range(len(voters)):
        start, stop = b_indptr[voters[q]], b_indptr[voters[q] + 1]
        columns, data = b_indices[start:stop], b_data[start:stop]
        if work < len(sums):
            n_touched = _add_products_and_list(sums, loudness[q], columns, data, touched, n_touched)
        else:
            _add_products(sums, loudness[q], columns, data)
    return n_touched if work < len(sums) else -1


@njit(cache=True)
def _collect(sums, touched, columns, values):
    """Move the sums that are not 0 to ``columns, values``, each once; ``sums`` is left all zero."""
    n = 0
    for q in range(len(touched)):
        j = touched[q]
        value = sums[j]
        sums[j] = 0
        columns[n] = j
        values[n] = value
        n += value != 0
    return n


@njit(cache=True)
def _keep_best(columns, values, is_candidate, indices, scores):
    """Write the best candidates to ``indices, scores``, best first; how many."""
    size = 0
    for q in range(len(columns)):
        value = values[q]
        if size == len(scores) and not value >= scores[0]:
            continue
        if is_candidate[columns[q]] and value > -np.inf:
            size = _keep(scores, indices, size, value, np.intp(columns[q]))
    _sort_best_first(scores, indices, size)
    return size


@njit(cache=True)
def _insert_zeros(candidates, columns, seen, marks, zeros, indices, scores, size):
    """Put the first candidates that score 0 between positive and negative scores.

    ``size`` scores are there. ``columns`` have other scores, ``marks`` comes and goes all zero.
    """
    n_positive = 0
    while n_positive < size and scores[n_positive] > 0:
        n_positive += 1
    room = len(scores) - n_positive
    if room == 0:
        return
    for taken in (columns, seen):
        for j in taken:
            marks[j] = 1
    n_zeros = 0
    for j in candidates:
        if n_zeros == room:
            break
        zeros[n_zeros] = j
        n_zeros += marks[j] == 0
    for taken in (columns, seen):
        for j in taken:
            marks[j] = 0
    for place in range(min(size, len(scores) - n_zeros) - 1, n_positive - 1, -1):
        scores[place + n_zeros] = scores[place]
        indices[place + n_zeros] = indices[place]
    for q in range(n_zeros):
        scores[n_positive + q] = 0
        indices[n_positive + q] = zeros[q]
