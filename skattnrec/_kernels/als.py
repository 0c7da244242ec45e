"""Fold-in of users: many small ridge regressions on rows of one matrix, solved exactly."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ._parallel import parallel

__all__ = ["fold_in"]


@njit(cache=True)
def _rank_four_update(square, four, sign):
    """Add ``sign * four' four`` to the upper triangle of ``square``, in place.

    ``four`` has shape (4, n). Four rows at a time, as loads from memory cost more than sums; loops
    over slices from 0, as the compiler makes vector instructions of those.
    """
    for i in range(square.shape[0]):
        row = square[i, i:]
        p0, p1, p2, p3 = four[0, i:], four[1, i:], four[2, i:], four[3, i:]
        a0, a1, a2, a3 = sign * p0[0], sign * p1[0], sign * p2[0], sign * p3[0]
        for j in range(row.shape[0]):
            row[j] += (a0 * p0[j] + a1 * p1[j]) + (a2 * p2[j] + a3 * p3[j])


@njit(cache=True)
def _gram_plus_identity(rows):
    """Upper triangle of I + rows' rows; the number of rows is a multiple of 4."""
    square = np.zeros((rows.shape[1], rows.shape[1]), dtype=rows.dtype)
    one = rows.dtype.type(1)
    for p in range(0, rows.shape[0], 4):
        _rank_four_update(square, rows[p : p + 4], one)
    for i in range(square.shape[0]):
        square[i, i] += one
    return square


@njit(cache=True)
def _solve(square, b):
    """Solve A x = b in place for positive definite A, by Cholesky: A = R'R.

    ``square`` holds the upper triangle of A, of a size that is a multiple of 4, and is overwritten
    by R, four rows at a time.
    """
    n = b.shape[0]
    minus = square.dtype.type(-1)
    for k in range(n):
        pivot, rest = square[k, k:], b[k:]
        scale = 1 / np.sqrt(pivot[0])
        for j in range(pivot.shape[0]):
            pivot[j] *= scale
        rest[0] *= scale
        head = rest[0]
        for j in range(1, pivot.shape[0]):  # forward substitution with R'
            rest[j] -= head * pivot[j]
        for i in range(1, 4 - k % 4):  # the remaining rows of the block
            row, tail = square[k + i, k + i :], pivot[i:]
            head = tail[0]
            for j in range(row.shape[0]):
                row[j] -= head * tail[j]
        if k % 4 == 3:  # all rows below the block
            _rank_four_update(square[k + 1 :, k + 1 :], square[k - 3 : k + 1, k + 1 :], minus)
    for k in range(n - 1, -1, -1):  # backward substitution with R
        row, rest = square[k, k:], b[k:]
        total = rest[0]
        for j in range(1, row.shape[0]):
            total -= row[j] * rest[j]
        rest[0] = total / row[0]


@njit(cache=True)
def _round_up(n):
    return (n + 3) // 4 * 4


@njit(cache=True)
def _primal(columns, roots, targets, factors, out):
    """Solve the normal equations, of size f: (I + M'M) v = Z't with rows ``roots_j z_j`` of M."""
    m, f = columns.shape[0], factors.shape[1]
    rows = np.zeros((_round_up(m), _round_up(f)), dtype=factors.dtype)
    v = np.zeros(_round_up(f), dtype=factors.dtype)
    for j in range(m):
        z, row = factors[columns[j]], rows[j]
        for c in range(f):
            row[c] = roots[j] * z[c]
            v[c] += targets[j] * z[c]
    _solve(_gram_plus_identity(rows), v)
    out[:] = v[:f]


@njit(cache=True)
def _dual(columns, roots, targets, factors, out):
    """Solve their dual, of size m: v = M'x with (I + MM') x = t / roots."""
    m, f = columns.shape[0], factors.shape[1]
    rows = np.zeros((_round_up(f), _round_up(m)), dtype=factors.dtype)
    x = np.zeros(_round_up(m), dtype=factors.dtype)
    for j in range(m):
        z = factors[columns[j]]
        for c in range(f):
            rows[c, j] = roots[j] * z[c]
        x[j] = targets[j] / roots[j]
    _solve(_gram_plus_identity(rows), x)
    for j in range(m):
        z, weight = factors[columns[j]], roots[j] * x[j]
        for c in range(f):
            out[c] += weight * z[c]


@parallel
def fold_in(indptr, indices, weights, targets, factors):
    """Solve one ridge regression per CSR row, exactly.

    Over the entries j of a row, with factors z_j, weights w_j and targets t_j,

        v = (I + sum_j w_j z_j z_j')^-1 sum_j t_j z_j

    by the normal equations where the row has at least as many entries as there are factors, else
    by their dual, which is smaller. BLAS is left alone: its threads would fight those of this loop.

    Parameters
    ----------
    indptr, indices : ndarray
        CSR structure of shape (n_rows, n_columns).
    weights : ndarray of shape (nnz,)
        Positive.
    targets : ndarray of shape (nnz,)
    factors : ndarray of shape (n_columns, f), C-contiguous
        All three of one dtype.

    Returns
    -------
    ndarray of shape (n_rows, f)
        Zeros for rows without entries.
    """
    n_rows = indptr.shape[0] - 1
    out = np.zeros((n_rows, factors.shape[1]), dtype=factors.dtype)
    for row in prange(n_rows):
        entries = slice(indptr[row], indptr[row + 1])
        columns = indices[entries]
        roots = np.sqrt(weights[entries])
        if columns.shape[0] >= factors.shape[1]:
            _primal(columns, roots, targets[entries], factors, out[row])
        else:
            _dual(columns, roots, targets[entries], factors, out[row])
    return out
