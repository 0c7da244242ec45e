"""Mean and spread of the rows of an array of scores, so that scores of any scale compare."""

from __future__ import annotations

import numpy as np

__all__ = ["row_moments", "standardised_rows"]

_ROUNDING = 1e-6  # of the largest score: some models compute in float32 whatever they are given


def row_moments(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each row, NaN aside.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    means : ndarray of shape (n_rows, 1), float64
    spreads : ndarray of shape (n_rows, 1), float64
        Infinite where the scores of a row differ by no more than rounding, so that a difference
        divided by it is 0.
    """
    known = ~np.isnan(scores)
    largest = np.max(np.abs(scores), axis=1, keepdims=True, initial=0, where=known)
    unit = np.where(largest > 0, largest, 1).astype(np.float64)  # squares of large ones overflow
    values = np.where(known, scores, 0) / unit
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    means = values.sum(axis=1, keepdims=True) / counts
    away = np.where(known, values - means, 0)
    spreads = np.sqrt((away * away).sum(axis=1, keepdims=True) / counts)
    return means * unit, np.where(spreads > _ROUNDING, spreads * unit, np.inf)


def standardised_rows(scores: np.ndarray) -> np.ndarray:
    """Give scores as distances from the mean of their row in its spreads, float64; NaN stays."""
    means, spreads = row_moments(scores)
    return (scores - means) / spreads
