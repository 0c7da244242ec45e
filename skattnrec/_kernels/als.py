"""Half-steps of alternating least squares: many small ridge regressions on rows of one matrix."""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers

__all__ = ["fold_in", "squared_errors"]

_CHUNK = 128  # entries of a row at a time: with 128 factors, what a second-level cache holds
_STEP = 16  # lengths of products are multiples of this, so that no loop has a rest
_REORDERED = {"reassoc", "contract"}  # sums in another order, as vector instructions need them


@compiled(fastmath=_REORDERED)
def _add_products(vectors, length, square):
    """Add all products of two vectors, up to ``length``, to the upper triangle of ``square``.

    Their number is a multiple of 4. Four products at a time, as loads from memory cost more than
    sums.
    """
    for j in range(0, len(vectors), 4):
        v0, v1, v2, v3 = vectors[j], vectors[j + 1], vectors[j + 2], vectors[j + 3]
        for i in range(j + 4):
            u = vectors[i]
            s0 = s1 = s2 = s3 = vectors.dtype.type(0)
            for p in range(length):
                s0 += u[p] * v0[p]
                s1 += u[p] * v1[p]
                s2 += u[p] * v2[p]
                s3 += u[p] * v3[p]
            square[i, j] += s0
            square[i, j + 1] += s1
            square[i, j + 2] += s2
            square[i, j + 3] += s3


@compiled
def _subtract_multiple(a, b, factor):
    """Subtract ``factor * b`` from the vector a, in place."""
    for j in range(a.shape[0]):
        a[j] -= factor * b[j]


@compiled
def _subtract_block(square, k):
    """Subtract the products of rows k - 3 to k from all rows below, in place.

    Loops over slices from 0, as the compiler makes vector instructions of those.
    """
    for i in range(k + 1, square.shape[0]):
        row = square[i, i:]
        p0, p1, p2, p3 = square[k - 3, i:], square[k - 2, i:], square[k - 1, i:], square[k, i:]
        a0, a1, a2, a3 = p0[0], p1[0], p2[0], p3[0]
        for j in range(row.shape[0]):
            row[j] -= (a0 * p0[j] + a1 * p1[j]) + (a2 * p2[j] + a3 * p3[j])


@compiled
def _solve(square, x):
    """Solve (I + A) x = b by Cholesky, I + A = R'R.

    ``square`` holds the upper triangle of A, and b in the column next to it, and is overwritten: by
    R, four rows at a time, and in the column by the solution of R'y = b.
    """
    n = x.shape[0]
    one = square.dtype.type(1)
    for k in range(n):
        square[k, k] += one
    for k in range(n):
        pivot = square[k, k:]
        scale = one / np.sqrt(pivot[0])
        for j in range(pivot.shape[0]):
            pivot[j] *= scale
        for i in range(1, min(4 - k % 4, n - k)):  # the remaining rows of the block
            _subtract_multiple(square[k + i, k + i :], pivot[i:], pivot[i])
        if k % 4 == 3:
            _subtract_block(square, k)
    for k in range(n - 1, -1, -1):
        total = square[k, n]
        for j in range(k + 1, n):
            total -= square[k, j] * x[j]
        x[k] = total / square[k, k]


@compiled
def _primal(start, stop, indices, roots, targets, factors, out):
    """Solve the normal equations, of size f: (I + M'M) v = M't, row j of M being ``root_j z_j``.

    M and t lie side by side and transposed, some entries at a time, so that one sum of products
    gives both sides of the equations.
    """
    f = factors.shape[1]
    n = (f + 4) // 4 * 4
    columns = np.zeros((n, _CHUNK), dtype=factors.dtype)
    square = np.zeros((n, n), dtype=factors.dtype)
    for first in range(start, stop, _CHUNK):
        m = min(_CHUNK, stop - first)
        for j in range(m):
            z, root = factors[indices[first + j]], roots[first + j]
            for c in range(f):
                columns[c, j] = root * z[c]
            columns[f, j] = targets[first + j] / root
        length = (m + _STEP - 1) // _STEP * _STEP
        columns[:, m:length] = 0
        _add_products(columns, length, square)
    _solve(square, out)


@compiled
def _dual(start, stop, indices, roots, targets, factors, out):
    """Solve their dual, of size m: v = M'x with (I + MM') x = t."""
    m, f = stop - start, factors.shape[1]
    n = (m + 4) // 4 * 4
    rows = np.zeros((n, (f + _STEP - 1) // _STEP * _STEP), dtype=factors.dtype)
    square = np.zeros((n, n), dtype=factors.dtype)
    for j in range(m):
        z, root = factors[indices[start + j]], roots[start + j]
        for c in range(f):
            rows[j, c] = root * z[c]
        square[j, m] = targets[start + j] / root
    _add_products(rows, rows.shape[1], square)
    x = np.empty(m, dtype=factors.dtype)
    _solve(square, x)
    for j in range(m):
        _subtract_multiple(out, rows[j, :f], -x[j])


@compiled
def _fold_in_rows(share, n_shares, indptr, indices, roots, targets, factors, out):
    """Solve row after row into ``out``."""
    for row in range(share, out.shape[0], n_shares):
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
    entries = csr_arrays(indptr, indices, np.sqrt(weights), targets)
    work = len(indices) * factors.shape[1] ** 2
    run_workers(_fold_in_rows, len(out), *entries, read_only(factors), out, work=work)
    return out


@compiled(fastmath=_REORDERED)
def _product(x, y):
    """Inner product."""
    total = x.dtype.type(0)
    for c in range(x.shape[0]):
        total += x[c] * y[c]
    return total


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
    model = (read_only(part) for part in (row_biases, row_factors, column_biases, column_factors))
    work = len(indices) * row_factors.shape[1]
    entries = csr_arrays(indptr, indices, data)
    run_workers(_add_squared_errors, len(sums), *entries, *model, sums, work=work)
    return sums


@compiled
def _add_squared_errors(
    share, n_shares, indptr, indices, data, row_biases, row_factors, column_biases, column_factors,
    sums,
):  # fmt: skip
    for row in range(share, len(sums), n_shares):
        x = row_factors[row]
        for p in range(indptr[row], indptr[row + 1]):
            product = _product(x, column_factors[indices[p]])
            error = data[p] - row_biases[row] - column_biases[indices[p]] - product
            sums[row] += np.float64(error) ** 2
