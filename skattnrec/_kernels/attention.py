"""Attention weights over sparse histories, in the order of the stored entries."""

from __future__ import annotations

import numpy as np
from numba import prange

from ._parallel import parallel

__all__ = ["profile_logits", "smoothed_softmax"]


@parallel
def smoothed_softmax(indptr, logits, smoothing):
    """Softmax of each row with its denominator raised to a power.

    ``exp(l) / sum(exp(l)) ** smoothing``: 1 is the softmax, 0 leaves weights unnormalised
    (He et al., NAIS, 2018). Computed as one exponential of the log weights, which are cut at
    +-80 so that the result is finite and positive in single precision.
    """
    weights = np.empty_like(logits)
    for row in prange(indptr.shape[0] - 1):
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
    return weights


@parallel
def profile_logits(indptr, indices, ratings, keys):
    """Dot product of each entry's key with the profile of its row.

    The profile is the mean of the row's keys, weighted by the ratings (evenly where they are all
    zero). ``keys`` has shape (n_items, d).
    """
    logits = np.empty(indices.shape[0], dtype=keys.dtype)
    d = keys.shape[1]
    for row in prange(indptr.shape[0] - 1):
        first, last = indptr[row], indptr[row + 1]
        total = 0.0
        for p in range(first, last):
            total += ratings[p]
        profile = np.zeros(d, dtype=np.float64)
        for p in range(first, last):
            share = ratings[p] / total if total > 0 else 1.0 / (last - first)
            for f in range(d):
                profile[f] += share * keys[indices[p], f]
        for p in range(first, last):
            dot = 0.0
            for f in range(d):
                dot += profile[f] * keys[indices[p], f]
            logits[p] = dot
    return logits
