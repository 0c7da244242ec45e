"""Attention weights over sparse histories, in the order of the stored entries."""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers

__all__ = ["profile_logits", "smoothed_softmax"]


def smoothed_softmax(indptr, logits, smoothing):
    """Softmax of each row with its denominator raised to a power.

    ``exp(l) / sum(exp(l)) ** smoothing``: 1 is the softmax, 0 leaves weights unnormalised
    (He et al., NAIS, 2018). Computed as one exponential of the log weights, which are cut at
    +-80 so that the result is finite and positive in single precision.
    """
    weights = np.empty_like(logits)
    starts = read_only(indptr.astype(np.int64, copy=False))
    inputs = starts, read_only(logits), float(smoothing)
    run_workers(_soften_rows, len(starts) - 1, *inputs, weights, work=16 * len(logits))
    return weights


@compiled
def _soften_rows(share, n_shares, indptr, logits, smoothing, weights):
    for row in range(share, len(indptr) - 1, n_shares):
        first, last = indptr[row], indptr[row + 1]
        if first == last:
            continue
        largest = logits[first]
        for p in range(first + 1, last):
            largest = max(largest, logits[p])
        total = 0.0
        for p in range(first, last):
            total += np.exp(logits[p] - largest)
        log_total = smoothing * (largest + np.log(total))
        for p in range(first, last):
            weights[p] = np.exp(min(max(logits[p] - log_total, -80.0), 80.0))


def profile_logits(indptr, indices, weights, keys):
    """Dot product of each entry's key with the profile of its row.

    Parameters
    ----------
    indptr, indices : ndarray
        CSR pattern of the histories.
    weights : ndarray of shape (n_entries,)
        Positive: the profile is the mean of the row's keys, weighted by them.
    keys : ndarray of shape (n_items, d)

    Returns
    -------
    ndarray of shape (n_entries,)
    """
    logits = np.empty(len(indices), keys.dtype)
    entries = csr_arrays(indptr, indices, weights)
    work = len(indices) * keys.shape[1]
    run_workers(_compare_rows, len(indptr) - 1, *entries, read_only(keys), logits, work=work)
    return logits


@compiled
def _compare_rows(share, n_shares, indptr, indices, weights, keys, logits):
    d = keys.shape[1]
    profile = np.zeros(d)
    for row in range(share, len(indptr) - 1, n_shares):
        first, last = indptr[row], indptr[row + 1]
        total = 0.0
        profile[:] = 0
        for p in range(first, last):
            total += weights[p]
            for f in range(d):
                profile[f] += weights[p] * keys[indices[p], f]
        for p in range(first, last):
            dot = 0.0
            for f in range(d):
                dot += profile[f] * keys[indices[p], f]
            logits[p] = dot / total
