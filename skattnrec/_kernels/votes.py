"""Sparse histories times sparse votes: dense scores, one pass, rows in parallel."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ._parallel import parallel
from .similarity import uniform

__all__ = ["csr_times_csr"]

_STRIPS = 64  # rows are dealt out in strides, as long ones often stand together


def csr_times_csr(A, B, n_columns):
    """Product of two CSR matrices as a dense array.

    Parameters
    ----------
    A, B : tuple of (indptr, indices, data)
        CSR arrays of shapes (n_rows, m) and (m, n_columns), int32 indices, the same dtype.
    n_columns : int

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
    """
    return _multiply(*uniform(A), *uniform(B), n_columns)


@njit(cache=True)
def _add_row(out, weight, columns, values):
    for q in range(len(columns)):
        out[columns[q]] += weight * values[q]


@parallel
def _multiply(a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, n_columns):
    n_rows = len(a_indptr) - 1
    out = np.zeros((n_rows, n_columns), b_data.dtype)
    for strip in prange(_STRIPS):
        for row in range(strip, n_rows, _STRIPS):
            for p in range(a_indptr[row], a_indptr[row + 1]):
                start, stop = b_indptr[a_indices[p]], b_indptr[a_indices[p] + 1]
                _add_row(out[row], a_data[p], b_indices[start:stop], b_data[start:stop])
    return out
