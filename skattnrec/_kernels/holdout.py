"""Choosing the entries of each row to hide.

Every protocol is the same step on different keys: hide the entries with the largest keys of each
row. The keys are times, or hashes that depend on nothing but a seed and the columns of the row, so
that what is hidden from a user does not depend on the other users, on the order of the rows or on
the ratings.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ._parallel import parallel

__all__ = ["count_share", "hash_keys", "largest_in_row", "select_entries"]


@njit(cache=True, inline="always")
def _mix(z):
    """Scramble 64 bits: the finaliser of splitmix64 (Steele, Lea and Flood, 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@parallel
def hash_keys(indptr, indices, seed):
    """Give every entry a pseudo-random key.

    Parameters
    ----------
    indptr, indices : ndarray
        A CSR pattern.
    seed : uint64

    Returns
    -------
    ndarray of shape (nnz,), float64
        In [0, 1); a function of the seed, the set of columns of the row, and the column.
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    keys = np.empty(indices.shape[0], dtype=np.float64)
    for row in prange(indptr.shape[0] - 1):
        state = _mix(np.uint64(seed) + step)
        for p in range(indptr[row], indptr[row + 1]):
            # a sum, so that the order of the entries does not matter
            state += _mix(np.uint64(seed) + step * np.uint64(indices[p] + 1))
        for p in range(indptr[row], indptr[row + 1]):
            bits = _mix(state + step * np.uint64(indices[p] + 1))
            keys[p] = np.float64(bits >> np.uint64(11)) * 2.0**-53
    return keys


@parallel
def largest_in_row(indptr, keys, counts):
    """Mark the ``counts[row]`` entries with the largest keys of each row.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
    keys : ndarray of shape (nnz,), float64
    counts : ndarray of shape (n_rows,), int64
        At most the number of entries of the row.

    Returns
    -------
    ndarray of shape (nnz,), bool
        Of equal keys, the ones stored last are marked first.
    """
    marked = np.zeros(keys.shape[0], dtype=np.bool_)
    for row in prange(counts.shape[0]):
        start, stop = indptr[row], indptr[row + 1]
        if counts[row] > 0:
            order = np.argsort(keys[start:stop], kind="mergesort")
            for position in range(stop - start - counts[row], stop - start):
                marked[start + order[position]] = True
    return marked


def count_share(lengths: np.ndarray, share: float) -> np.ndarray:
    """Round a share of each row's entries, so that at least one is taken and one is left.

    Rows with fewer than two entries give none.
    """
    counts = np.floor(share * lengths + 0.5).astype(np.int64)
    return np.where(lengths < 2, 0, np.clip(counts, 1, np.maximum(lengths - 1, 1)))


def select_entries(
    data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keep the entries of a CSR matrix where ``mask`` is True; (data, indices, indptr)."""
    before = np.concatenate([[0], np.cumsum(mask)])
    return data[mask], indices[mask], before[indptr].astype(indptr.dtype)
