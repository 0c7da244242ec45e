"""The Gram matrix of a sparse matrix, dense."""

from __future__ import annotations

import numpy as np
from numba import prange

from ._parallel import parallel

__all__ = ["gram_upper"]

_STRIPS = 64  # rows are dealt out in strides, as long ones often stand together


@parallel
def gram_upper(transposed, matrix):
    """Upper triangle, diagonal included, of the Gram matrix C'C; zeros below.

    ``transposed`` is C' and ``matrix`` is C with sorted indices, both as CSR tuples
    (indptr, indices, data).
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
