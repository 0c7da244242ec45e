"""Sparse histories times a dense matrix of votes."""

from __future__ import annotations

import numpy as np
from numba import prange

from ._parallel import parallel

__all__ = ["csr_times_dense"]


@parallel
def csr_times_dense(indptr, indices, data, dense):
    """Product of a CSR matrix and a dense C-contiguous one, rows in parallel."""
    n_rows = indptr.shape[0] - 1
    n_columns = dense.shape[1]
    out = np.zeros((n_rows, n_columns), dtype=dense.dtype)
    for row in prange(n_rows):
        for p in range(indptr[row], indptr[row + 1]):
            weight = data[p]
            votes = dense[indices[p]]
            for j in range(n_columns):
                out[row, j] += weight * votes[j]
    return out
