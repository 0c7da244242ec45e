"""Products of sparse matrices whose result is dense.

CSR matrices arrive as tuples (indptr, indices, data). Rows of the result are dealt out to the
threads in strides, as long rows often stand together.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ._parallel import parallel

__all__ = ["gram_upper", "sparse_product"]

_STRIPS = 64


@parallel
def sparse_product(left, right, n_columns):
    """Multiply two CSR matrices; the result is a dense array with ``n_columns`` columns."""
    left_indptr, left_indices, left_data = left
    right_indptr, right_indices, right_data = right
    n_rows = left_indptr.shape[0] - 1
    out = np.zeros((n_rows, n_columns), dtype=left_data.dtype)
    for strip in prange(_STRIPS):
        for row in range(strip, n_rows, _STRIPS):
            target = out[row]
            for p in range(left_indptr[row], left_indptr[row + 1]):
                weight, k = left_data[p], left_indices[p]
                for q in range(right_indptr[k], right_indptr[k + 1]):
                    target[right_indices[q]] += weight * right_data[q]
    return out


@parallel
def gram_upper(transposed, matrix):
    """Upper triangle, diagonal included, of the Gram matrix C'C; zeros below.

    ``transposed`` is C' as CSR and ``matrix`` is C with sorted indices.
    """
    t_indptr, t_indices, t_data = transposed
    indptr, indices, data = matrix
    n_columns = t_indptr.shape[0] - 1
    out = np.zeros((n_columns, n_columns), dtype=data.dtype)
    for strip in prange(_STRIPS):
        for column in range(strip, n_columns, _STRIPS):
            target = out[column]
            for p in range(t_indptr[column], t_indptr[column + 1]):
                weight, k = t_data[p], t_indices[p]
                for q in range(indptr[k + 1] - 1, indptr[k] - 1, -1):
                    if indices[q] < column:
                        break
                    target[indices[q]] += weight * data[q]
    return out
