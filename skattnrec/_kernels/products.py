"""Products of sparse histories with votes: dense, or the k best columns of each row.

Where the catalogue is large most scores of a sparse product are 0. :func:`top_k_of_product` adds up
one row at a time in a buffer as wide as the catalogue, visits only what it touched, and keeps the k
best. Its lists are those of :func:`csr_times_csr` followed by
:func:`~skattnrec._kernels.topk.top_k`, bit for bit: sums are in the same order, columns without
votes score 0, ties go to the lower column.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers
from .topk import candidate_lists, keep, sort_best_first

__all__ = [
    "add_products",
    "add_products_and_list",
    "csr_times_csr",
    "csr_times_dense",
    "pair_products",
    "top_k_of_product",
]

_SEARCH = 16  # multiply-adds that a search among sorted columns takes as long as


def csr_times_dense(indptr, indices, data, dense):
    """Product of a CSR matrix and a dense one, of one dtype.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR arrays, n_rows x m.
    dense : ndarray of shape (m, n_columns)

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
    """
    out = np.zeros((len(indptr) - 1, dense.shape[1]), dense.dtype)
    run_workers(
        _multiply_dense, len(out), *csr_arrays(indptr, indices, data), read_only(dense), out,
        work=len(indices) * dense.shape[1],
    )  # fmt: skip
    return out


@compiled
def _add_multiple(out, weight, values):
    for j in range(len(out)):
        out[j] += weight * values[j]


@compiled
def _multiply_dense(share, n_shares, indptr, indices, data, dense, out):
    for row in range(share, len(out), n_shares):
        for p in range(indptr[row], indptr[row + 1]):
            _add_multiple(out[row], data[p], dense[indices[p]])


def csr_times_csr(A, B, n_columns):
    """Product of two CSR matrices as a dense array.

    Parameters
    ----------
    A, B : tuple of (indptr, indices, data)
        CSR arrays of shapes (n_rows, m) and (m, n_columns), of one dtype, B without duplicates.
    n_columns : int

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
    """
    A, B = csr_arrays(*A), csr_arrays(*B)
    out = np.zeros((len(A[0]) - 1, n_columns), B[2].dtype)
    run_workers(_multiply_sparse, len(out), *A, *B, out, work=_n_products(A, B[0]) + out.size)
    return out


def _n_products(A, indptr):
    """Count the products that a product of sparse matrices sums up; not for a single row."""
    starts, voters, _ = A
    if len(starts) == 2:  # the work of one thread, however much it is
        return 0
    voters = voters.view(np.int32)  # numpy takes these from an array in half the time
    return int(indptr[1:].take(voters).sum() - indptr.take(voters).sum())


@compiled
def _multiply_sparse(
    share, n_shares, a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, out
):  # fmt: skip
    for row in range(share, len(out), n_shares):
        for p in range(a_indptr[row], a_indptr[row + 1]):
            start, stop = b_indptr[a_indices[p]], b_indptr[a_indices[p] + 1]
            add_products(out[row], a_data[p], b_indices[start:stop], b_data[start:stop])


def pair_products(A, B, rows, columns, n_columns):
    """Single elements of a product of CSR matrices, without the others.

    Parameters
    ----------
    A, B : tuple of (indptr, indices, data)
        CSR arrays of shapes (n_rows, m) and (m, n_columns), of one dtype, B sorted and without
        duplicates.
    rows, columns : ndarray of shape (n_pairs,), intp
        Which elements.
    n_columns : int

    Returns
    -------
    ndarray of shape (n_pairs,)
    """
    A, B = csr_arrays(*A), csr_arrays(*B)
    sums = np.zeros(len(rows), B[2].dtype)
    order = np.argsort(rows, kind="stable")
    starts = np.append(np.flatnonzero(np.diff(rows[order], prepend=-1)), len(rows))
    work = _SEARCH * int(np.diff(A[0])[rows].sum())
    pairs = (read_only(part) for part in (rows, columns, order, starts))
    run_workers(_sum_pairs, len(starts) - 1, *A, *B, *pairs, n_columns, sums, work=work)
    return sums


@compiled
def _find(indices, start, stop, column):
    """Place of a column among sorted indices, or -1."""
    end = stop
    while start < stop:
        middle = (start + stop) >> 1
        if indices[middle] < column:
            start = middle + 1
        else:
            stop = middle
    return start if start < end and indices[start] == column else -1


@compiled
def _sum_pairs(
    share, n_shares, a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, rows, columns, order,
    starts, n_columns, sums,
):  # fmt: skip
    """Add up the elements of one row after the other: all of it where many are asked for."""
    buffer = np.zeros(n_columns, b_data.dtype)
    for group in range(share, len(starts) - 1, n_shares):
        asked = order[starts[group] : starts[group + 1]]
        row = rows[asked[0]]
        voters = a_indices[a_indptr[row] : a_indptr[row + 1]]
        weights = a_data[a_indptr[row] : a_indptr[row + 1]]
        n_products = 0
        for voter in voters:
            n_products += b_indptr[voter + 1] - b_indptr[voter]
        if 2 * n_products > _SEARCH * len(voters) * len(asked):
            for pair in asked:
                column = columns[pair]
                sums[pair] = _one_element(voters, weights, b_indptr, b_indices, b_data, column)
            continue
        for q in range(len(voters)):
            start, stop = b_indptr[voters[q]], b_indptr[voters[q] + 1]
            add_products(buffer, weights[q], b_indices[start:stop], b_data[start:stop])
        for pair in asked:
            sums[pair] = buffer[columns[pair]]
        for voter in voters:
            for place in range(b_indptr[voter], b_indptr[voter + 1]):
                buffer[b_indices[place]] = 0


@compiled
def _one_element(voters, weights, b_indptr, b_indices, b_data, column):
    total = b_data.dtype.type(0)
    for q in range(len(voters)):
        place = _find(b_indices, b_indptr[voters[q]], b_indptr[voters[q] + 1], column)
        if place >= 0:
            total += weights[q] * b_data[place]
    return total


@compiled
def add_products(dot, value, columns, data):
    """Add ``value * data`` to ``dot`` at ``columns``, which are distinct."""
    n = len(columns)
    rest = n % 4
    for q in range(0, n - rest, 4):  # four independent chains keep the load units busy
        a, b, c, d = columns[q], columns[q + 1], columns[q + 2], columns[q + 3]
        at_a = dot[a] + value * data[q]
        at_b = dot[b] + value * data[q + 1]
        at_c = dot[c] + value * data[q + 2]
        at_d = dot[d] + value * data[q + 3]
        dot[a], dot[b], dot[c], dot[d] = at_a, at_b, at_c, at_d
    for q in range(n - rest, n):
        dot[columns[q]] += value * data[q]


@compiled
def add_products_and_list(dot, value, columns, data, touched, n_touched):
    """Do the same, and list columns whose sum was 0 in ``touched``, without a branch.

    A sum that passes through 0 puts its column on the list twice. That is harmless: the first
    visit of whoever empties them leaves nothing for the second one.
    """
    for q in range(len(columns)):
        j = columns[q]
        before = dot[j]
        touched[n_touched] = j
        n_touched += before == 0
        dot[j] = before + value * data[q]
    return n_touched


def top_k_of_product(histories, votes, k, candidates, n_columns, excluded=None):
    """Rank columns by what the histories' votes for them add up to.

    Parameters
    ----------
    histories : tuple of (indptr, indices, data)
        CSR arrays, n_rows x m: who votes, and how loudly.
    votes : tuple of (indptr, indices, data)
        CSR arrays, m x n_columns, without duplicates, dtype of the histories: for what.
    k : int
    candidates : None, ndarray of int, ascending, or tuple of (indptr, indices)
        The columns that may be listed: all, the same for all rows, or a CSR pattern,
        n_rows x n_columns, sorted.
    n_columns : int
    excluded : tuple of (indptr, indices), optional
        CSR pattern, n_rows x n_columns, of what may not be listed.

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        Best first, ties to the lower index, -1 where a row has fewer than k.
    scores : ndarray of shape (n_rows, k)
        Their scores, NaN where the index is -1.
    """
    histories, votes = csr_arrays(*histories), csr_arrays(*votes)
    n_rows = len(histories[0]) - 1
    nothing = np.zeros(n_rows + 1, np.int32), np.zeros(0, np.uint32)
    excluded = csr_arrays(*(nothing if excluded is None else excluded))
    indices = np.full((n_rows, k), -1, np.intp)
    scores = np.full((n_rows, k), np.nan, votes[2].dtype)
    lists = candidate_lists(candidates, n_columns)
    run_workers(
        _rank_rows, n_rows, *histories, *votes, *excluded, *lists, n_columns, indices, scores,
        work=_n_products(histories, votes[0]) + n_rows * n_columns,
    )  # fmt: skip
    return indices, scores


@compiled
def _rank_rows(
    share, n_shares, a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, excluded_indptr,
    excluded_indices, list_indptr, list_indices, n_columns, indices, scores,
):  # fmt: skip
    """Rank a share of the rows."""
    sums = np.zeros(n_columns, b_data.dtype)
    every = np.arange(n_columns).astype(np.uint32)
    is_candidate = np.zeros(n_columns, np.bool_)
    # one more than can be filled: lists are written to before it is known whether to advance
    touched = np.empty(n_columns + 1, np.uint32)
    columns = np.empty(n_columns + 1, np.uint32)
    values = np.empty(n_columns + 1, b_data.dtype)
    zeros = np.empty(indices.shape[1] + 1, np.intp)
    candidates = list_indices[:0]
    for row in range(share, len(indices), n_shares):
        if row < len(list_indptr) - 1 or len(candidates) == 0:  # else there is one list for all
            _mark(is_candidate, candidates, False)
            own = min(row, len(list_indptr) - 2)
            candidates = list_indices[list_indptr[own] : list_indptr[own + 1]]
            _mark(is_candidate, candidates, True)
        voters = a_indices[a_indptr[row] : a_indptr[row + 1]]
        loudness = a_data[a_indptr[row] : a_indptr[row + 1]]
        n_touched = _add_votes(sums, voters, loudness, b_indptr, b_indices, b_data, touched)
        excluded = excluded_indices[excluded_indptr[row] : excluded_indptr[row + 1]]
        for j in excluded:
            sums[j] = 0
        n = _collect(sums, every if n_touched < 0 else touched[:n_touched], columns, values)
        size = _keep_best(columns[:n], values[:n], is_candidate, indices[row], scores[row])
        _insert_zeros(
            candidates, columns[:n], excluded, sums, zeros, indices[row], scores[row], size
        )


@compiled
def _add_votes(sums, voters, loudness, b_indptr, b_indices, b_data, touched):
    """Add up the votes and list the columns they are for; -1 if there are too many to be listed.

    A column may be listed twice; see :func:`add_products_and_list`.
    """
    work = 0
    for voter in voters:
        work += b_indptr[voter + 1] - b_indptr[voter]
    n_touched = 0
    for q in range(len(voters)):
        start, stop = b_indptr[voters[q]], b_indptr[voters[q] + 1]
        columns, data = b_indices[start:stop], b_data[start:stop]
        if work < len(sums):
            n_touched = add_products_and_list(sums, loudness[q], columns, data, touched, n_touched)
        else:
            add_products(sums, loudness[q], columns, data)
    return n_touched if work < len(sums) else -1


@compiled
def _mark(marks, columns, mark):
    for j in columns:
        marks[j] = mark


@compiled
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


@compiled
def _keep_best(columns, values, is_candidate, indices, scores):
    """Write the best candidates to ``indices, scores``, best first; how many."""
    size = 0
    for q in range(len(columns)):
        value = values[q]
        if size == len(scores) and not value >= scores[0]:
            continue
        if is_candidate[columns[q]] and value > -np.inf:
            size = keep(scores, indices, size, value, np.intp(columns[q]))
    sort_best_first(scores, indices, size)
    return size


@compiled
def _insert_zeros(candidates, columns, excluded, marks, zeros, indices, scores, size):
    """Put the first candidates that score 0 between positive and negative scores.

    ``size`` scores are there. ``columns`` have other scores, ``marks`` comes and goes all zero.
    """
    n_positive = 0
    while n_positive < size and scores[n_positive] > 0:
        n_positive += 1
    room = len(scores) - n_positive
    if room == 0:
        return
    _mark(marks, columns, 1)
    _mark(marks, excluded, 1)
    n_zeros = 0
    for j in candidates:
        if n_zeros == room:
            break
        zeros[n_zeros] = j
        n_zeros += marks[j] == 0
    _mark(marks, columns, 0)
    _mark(marks, excluded, 0)
    for place in range(min(size, len(scores) - n_zeros) - 1, n_positive - 1, -1):
        scores[place + n_zeros] = scores[place]
        indices[place + n_zeros] = indices[place]
    for q in range(n_zeros):
        scores[n_positive + q] = 0
        indices[n_positive + q] = zeros[q]
