"""A number per row by which rows of equal content are known."""

from __future__ import annotations

import numpy as np
from numba import prange

from ._parallel import parallel
from .holdout import _mix

__all__ = ["fingerprint_rows"]


def fingerprint_rows(indptr, indices, data):
    """Hash the content of every row of a canonical CSR matrix.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR arrays. Data are compared in float32, so that a matrix and its copy in another
        precision agree.

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Equal for rows with the same columns and data. Of two different rows the chance to agree
        is 2^-64.
    """
    single = data.astype(np.float32) + np.float32(0)  # no negative zero
    return _hash_rows(
        np.require(indptr, requirements="W"),
        np.require(indices, requirements="W"),
        single.view(np.uint32),
    )


@parallel
def _hash_rows(indptr, indices, bits):
    step = np.uint64(0x9E3779B97F4A7C15)
    hashes = np.empty(len(indptr) - 1, np.uint64)
    for row in prange(len(hashes)):
        state = step
        for p in range(indptr[row], indptr[row + 1]):
            entry = np.uint64(indices[p]) << np.uint64(32) | np.uint64(bits[p])
            state = _mix(state + step + entry)
        hashes[row] = state
    return hashes
