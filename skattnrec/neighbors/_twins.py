"""Twins: who counts as oneself, and so is no neighbour.

An item is its own twin. A history is not looked up by its row number, so whoever was seen in
``fit`` with the same history counts as the same user. Nothing is lost by it: such a user knows
nothing that the history does not hold.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import fingerprint_rows

__all__ = ["TwinFinder", "Twins"]


class Twins:
    """The candidates that count as a row itself, and so are no neighbours of it.

    Parameters
    ----------
    candidates : ndarray of int
    ranges : ndarray of shape (n_rows, 2), int
        The twins of row i are ``candidates[start:stop]`` with (start, stop) = ``ranges[i]``.
    """

    def __init__(self, candidates: np.ndarray, ranges: np.ndarray):
        self.candidates = candidates
        self.ranges = ranges

    @classmethod
    def by_number(cls, n: int) -> Twins:
        """Row i is candidate i."""
        numbers = np.arange(n)
        return cls(numbers, np.stack([numbers, numbers + 1], axis=1))


class TwinFinder:
    """Find the rows of a matrix with the same content as rows of others."""

    def __init__(self, X: sp.csr_array):
        fingerprints = fingerprint_rows(X.indptr, X.indices, X.data)
        self.order = np.argsort(fingerprints, kind="stable")
        self.fingerprints = fingerprints[self.order]

    def find(self, X: sp.csr_array) -> Twins:
        """Twins of the rows of X."""
        wanted = fingerprint_rows(X.indptr, X.indices, X.data)
        first, last = (
            np.searchsorted(self.fingerprints, wanted, side) for side in ("left", "right")
        )
        return Twins(self.order, np.stack([first, last], axis=1))
