"""Entries of a CSR matrix: which row each is in, their order, which of them to keep or to hide.

Every protocol that hides entries is the same step on different keys: hide those with the largest
keys of each row. Keys are times, or hashes that depend on nothing but a seed and the columns of the
row, so that what is hidden from a user does not depend on the other users, on the order of the rows
or on the ratings.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, read_only
from ._parallel import run_workers

__all__ = [
    "count_share",
    "fingerprint_rows",
    "hash_keys",
    "identify_rows",
    "largest_in_row",
    "later_entries",
    "reverse_rows",
    "rows_of_entries",
    "select_entries",
    "time_order",
]

_STEP = np.uint64(0x9E3779B97F4A7C15)


def rows_of_entries(indptr: np.ndarray) -> np.ndarray:
    """Row number of every entry of a CSR matrix."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def select_entries(
    data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keep the entries of a CSR matrix where ``mask`` is True; (data, indices, indptr)."""
    before = np.concatenate([[0], np.cumsum(mask)])
    return data[mask], indices[mask], before[indptr].astype(indptr.dtype)


def time_order(indptr: np.ndarray, times: np.ndarray, ties: np.ndarray | None = None) -> np.ndarray:
    """Order of the entries by row, then by time, then by ``ties``, then as they are stored."""
    keys = (times,) if ties is None else (ties, times)
    return np.lexsort((*keys, rows_of_entries(indptr)))


def later_entries(indptr: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Count the entries of the same row that come later; ``order`` is that of the entries."""
    later = np.empty(len(order), np.int64)
    later[order] = np.repeat(indptr[1:], np.diff(indptr)) - 1 - np.arange(len(order))
    return later


def reverse_rows(indptr: np.ndarray) -> np.ndarray:
    """Order of the entries that reads every row backwards."""
    lengths = np.diff(indptr)
    first_plus_last = np.repeat(indptr[:-1] + indptr[1:] - 1, lengths)
    return first_plus_last - np.arange(indptr[-1])


def count_share(lengths: np.ndarray, share: float) -> np.ndarray:
    """Round a share of each row's entries, so that at least one is taken and one is left.

    Rows with fewer than two entries give none.
    """
    counts = np.floor(share * lengths + 0.5).astype(np.int64)
    return np.where(lengths < 2, 0, np.clip(counts, 1, np.maximum(lengths - 1, 1)))


def largest_in_row(
    indptr: np.ndarray, keys: np.ndarray, counts: np.ndarray, ties: np.ndarray | None = None
) -> np.ndarray:
    """Mark the ``counts[row]`` entries with the largest keys of each row.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
    keys : ndarray of shape (nnz,)
    counts : ndarray of shape (n_rows,), int
        At most the number of entries of the row.
    ties : ndarray of shape (nnz,), optional
        Of equal keys, those with the largest of these are marked.

    Returns
    -------
    ndarray of shape (nnz,), bool
        Where ``ties`` are equal too, entries stored last are marked first.
    """
    order = time_order(indptr, keys, ties)
    marked = np.zeros(len(keys), np.bool_)
    marked[order] = later_entries(indptr, np.arange(len(order))) < np.repeat(
        counts, np.diff(indptr)
    )
    return marked


@compiled(inline="always")
def mix(z):
    """Scramble 64 bits: the finaliser of splitmix64 (Steele, Lea and Flood, 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_keys(indptr: np.ndarray, indices: np.ndarray, seed: np.uint64) -> np.ndarray:
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
    keys = np.empty(len(indices))
    structure = indptr.astype(np.int64, copy=False), indices.astype(np.uint64)
    run_workers(_hash_entries, len(indptr) - 1, *structure, np.uint64(seed), keys, work=len(keys))
    return keys


@compiled
def _hash_entries(share, n_shares, indptr, indices, seed, keys):
    for row in range(share, len(indptr) - 1, n_shares):
        state = mix(seed + _STEP)
        for p in range(indptr[row], indptr[row + 1]):
            # a sum, so that the order of the entries does not matter
            state += mix(seed + _STEP * (indices[p] + np.uint64(1)))
        for p in range(indptr[row], indptr[row + 1]):
            bits = mix(state + _STEP * (indices[p] + np.uint64(1)))
            keys[p] = np.float64(bits >> np.uint64(11)) * 2.0**-53


def fingerprint_rows(indptr: np.ndarray, indices: np.ndarray, data: np.ndarray) -> np.ndarray:
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
    entries = indices.astype(np.uint64) << np.uint64(32) | single.view(np.uint32)
    hashes = np.empty(len(indptr) - 1, np.uint64)
    starts = indptr.astype(np.int64, copy=False)
    run_workers(_hash_rows, len(hashes), starts, entries, hashes, work=len(entries))
    return hashes


@compiled
def _hash_rows(share, n_shares, indptr, entries, hashes):
    for row in range(share, len(hashes), n_shares):
        state = _STEP
        for p in range(indptr[row], indptr[row + 1]):
            state = mix(state + _STEP + entries[p])
        hashes[row] = state


def identify_rows(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, times: np.ndarray | None = None
) -> np.ndarray:
    """Hash the content of every row of a canonical CSR matrix to the last bit, times included.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR arrays. Data are compared in float64.
    times : ndarray of shape (nnz,), optional
        The time of every entry.

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Of two different rows the chance to agree is 2^-64.
    """
    columns = [data] if times is None else [data, times]
    # no negative zero
    values = np.array([column.astype(np.float64) + 0.0 for column in columns]).view(np.uint64)
    hashes = np.empty(len(indptr) - 1, np.uint64)
    arrays = indptr.astype(np.int64, copy=False), indices.astype(np.uint64), values
    inputs = (read_only(array) for array in arrays)
    run_workers(_identify_rows, len(hashes), *inputs, hashes, work=4 * values.size)
    return hashes


@compiled
def _identify_rows(share, n_shares, indptr, items, values, hashes):
    for row in range(share, len(hashes), n_shares):
        state = _STEP
        for p in range(indptr[row], indptr[row + 1]):
            state = mix(state + _STEP + items[p])
            for column in range(len(values)):
                state = mix(state + _STEP + values[column, p])
        hashes[row] = state
