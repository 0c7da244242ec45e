"""Half-steps of alternating least squares: many small ridge regressions on rows of one matrix."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ._parallel import parallel

__all__ = ["fold_in", "squared_errors"]


@njit(cache=True)
def _rank_four_update(square, start, rows, p, sign):
    """Add ``sign * four' four`` to the upper triangle of ``square[start:, start:]``, in place.

    ``four`` is ``rows[p : p + 4, start:]``. Four rows at a time, as loads from memory cost more
    than sums; loops over slices from 0, as the compiler makes vector instructions of those.
    """
    for i in range(start, square.shape[0]):
        row = square[i, i:]
        p0, p1, p2, p3 = rows[p, i:], rows[p + 1, i:], rows[p + 2, i:], rows[p + 3, i:]
        a0, a1, a2, a3 = sign * p0[0], sign * p1[0], sign * p2[0], sign * p3[0]
        for j in range(row.shape[0]):
            row[j] += (a0 * p0[j] + a1 * p1[j]) + (a2 * p2[j] + a3 * p3[j])


@njit(cache=True)
def _subtract_multiple(a, b, factor):
    """Subtract ``factor * b`` from the vector a, in place."""
    for j in range(a.shape[0]):
        a[j] -= factor * b[j]


@njit(cache=True)
def _solve(rows, b):
    """Solve (I + rows'rows) x = b in place, by Cholesky: I + rows'rows = R'R.

    Both sides of ``rows`` are multiples of 4. The upper triangle of the matrix is overwritten by R,
    four rows at a time.
    """
    n = b.shape[0]
    one = rows.dtype.type(1)
    square = np.zeros((n, n), dtype=rows.dtype)
    for p in range(0, rows.shape[0], 4):
        _rank_four_update(square, 0, rows, p, one)
    for k in range(n):
        square[k, k] += one
    for k in range(n):
        pivot = square[k, k:]
        scale = one / np.sqrt(pivot[0])
        for j in range(pivot.shape[0]):
            pivot[j] *= scale
        b[k] /= pivot[0]
        _subtract_multiple(b[k + 1 :], pivot[1:], b[k])  # forward substitution with R'
        for i in range(1, 4 - k % 4):  # the remaining rows of the block
            _subtract_multiple(square[k + i, k + i :], pivot[i:], pivot[i])
        if k % 4 == 3:  # all rows below the block
            _rank_four_update(square, k + 1, square, k - 3, -one)
    for k in range(n - 1, -1, -1):  # backward substitution with R
        row, rest = square[k, k:], b[k:]
        total = rest[0]
        for j in range(1, row.shape[0]):
            total -= row[j] * rest[j]
        rest[0] = total / row[0]


@njit(cache=True)
def _primal(start, stop, indices, roots, targets, factors, out):
    """Solve the normal equations, of size f: (I + M'M) v = Z't with rows ``root_j z_j`` of M."""
    m, f = stop - start, factors.shape[1]
    rows = np.zeros(((m + 3) // 4 * 4, (f + 3) // 4 * 4), dtype=factors.dtype)
    v = np.zeros(rows.shape[1], dtype=factors.dtype)
    for j in range(m):
        z, row = factors[indices[start + j]], rows[j]
        root, target = roots[start + j], targets[start + j]
        for c in range(f):
            row[c] = root * z[c]
            v[c] += target * z[c]
    _solve(rows, v)
    for c in range(f):
        out[c] = v[c]


@njit(cache=True)
def _dual(start, stop, indices, roots, targets, factors, out):
    """Solve their dual, of size m: v = M'x with (I + MM') x = t / roots."""
    m, f = stop - start, factors.shape[1]
    rows = np.zeros(((f + 3) // 4 * 4, (m + 3) // 4 * 4), dtype=factors.dtype)
    x = np.zeros(rows.shape[1], dtype=factors.dtype)
    for j in range(m):
        z, root = factors[indices[start + j]], roots[start + j]
        for c in range(f):
            rows[c, j] = root * z[c]
        x[j] = targets[start + j] / root
    _solve(rows, x)
    for j in range(m):
        z, weight = factors[indices[start + j]], roots[start + j] * x[j]
        for c in range(f):
            out[c] += weight * z[c]


@parallel
def _fold_in_rows(indptr, indices, roots, targets, factors, out):
    """Solve row after row into ``out``."""
    for row in prange(out.shape[0]):
        start, stop = indptr[row], indptr[row + 1]
        if stop - start >= factors.shape[1]:
            _primal(start, stop, indices, roots, targets, factors, out[row])
        else:
            _dual(start, stop, indices, roots, targets, factors, out[row])


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
    out = np.zeros((len(indptr) - 1, factors.shape[1]), dtype=factors.dtype)
    _fold_in_rows(indptr, indices, np.sqrt(weights), targets, factors, out)
    return out


@parallel
def squared_errors(
    indptr, indices, data, row_biases, row_factors, column_biases, column_factors
):  # fmt: skip
    """Sum the squared errors of a factorization over the entries of each CSR row.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR arrays of shape (n_rows, n_columns).
    row_biases, column_biases : ndarray of shape (n_rows,) and (n_columns,)
    row_factors, column_factors : ndarray of shape (n_rows, f) and (n_columns, f)

    Returns
    -------
    ndarray of shape (n_rows,), float64
        For each row, the sum of ``(r - b_row - b_column - x'y) ** 2``.
    """
    sums = np.zeros(len(indptr) - 1)
    for row in prange(sums.shape[0]):
        x = row_factors[row]
        for p in range(indptr[row], indptr[row + 1]):
            y = column_factors[indices[p]]
            error = data[p] - row_biases[row] - column_biases[indices[p]]
            for c in range(x.shape[0]):
                error -= x[c] * y[c]
            sums[row] += np.float64(error) ** 2
    return sums
