"""Histories with their times, and histories short of some entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from .._validation import check_timestamps

__all__ = ["keep_entries", "times_of", "without_each_entry"]


def times_of(timestamps: Any, X: sp.csr_array) -> sp.csr_array | None:
    """Check timestamps and give them the pattern of X; None stays None."""
    times = check_timestamps(timestamps, X)
    if times is None:
        return None
    return sp.csr_array((times, X.indices, X.indptr), shape=X.shape)


def keep_entries(X: sp.csr_array, keep: np.ndarray) -> sp.csr_array:
    """Leave out stored entries; zeros that are kept stay stored."""
    before = np.concatenate([[0], np.cumsum(keep)])
    parts = X.data[keep], X.indices[keep], before[X.indptr].astype(X.indptr.dtype)
    return sp.csr_array(parts, shape=X.shape)


def without_each_entry(X: sp.csr_array) -> sp.csr_array:
    """Copy rows as often as they have entries, each copy short of another one.

    Parameters
    ----------
    X : csr_array of shape (n_rows, n_items)
        Histories.

    Returns
    -------
    csr_array of shape (X.nnz, n_items)
        Row p lacks stored entry p of ``X``.
    """
    lengths = np.diff(X.indptr).astype(np.int64)
    first = X.indptr[:-1].astype(np.int64)
    size = np.repeat(lengths, lengths)  # of the row that each copy is of
    begins = np.repeat(np.repeat(first, lengths), size)
    place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    source = begins + place  # the entry of X that is copied
    source = source[source != np.repeat(np.arange(X.nnz), size)]
    indptr = np.concatenate([[0], np.cumsum(size - 1)]).astype(X.indptr.dtype)
    return sp.csr_array((X.data[source], X.indices[source], indptr), shape=(X.nnz, X.shape[1]))
