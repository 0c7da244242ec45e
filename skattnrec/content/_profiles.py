r"""Profiles of items and of users, and the cosines between them.

The profile of an item is its features, weighted and brought to length 1. That of a user is a
weighted sum of how the profiles of known items differ from the mean of the catalogue,

.. math:: t_u = \sum_j w_{uj} (p_j - \bar p) + m \, q_u

with stated preferences :math:`q_u`, of length 1, counting as m items. Without the mean, what most
items are like would be what everybody likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from .._features import unit_rows
from .._kernels.products import csr_times_csr

__all__ = [
    "ItemProfiles",
    "Tastes",
    "inverse_frequencies",
    "product_with_transposed",
]

Matrix: TypeAlias = Any  # ndarray or csr_array
_DENSE = 0.25  # share of numbers other than 0 from which a dense product takes less time
_NOTHING = 1e-12  # of the square of the sum of all weights, which lengths are at most: rounding


def inverse_frequencies(features: sp.csr_array) -> np.ndarray:
    """Weigh features by how few items have them, ln((1 + n) / (1 + df)); (d,)."""
    n_items, d = features.shape
    return np.log((1 + n_items) / (1 + np.bincount(features.indices, minlength=d)))


@dataclass(frozen=True)
class Tastes:
    """Profiles of users, before their length is divided by.

    Attributes
    ----------
    sums : ndarray or csr_array of shape (n_rows, d)
        Weighted sums of item profiles and stated preferences.
    totals : ndarray of shape (n_rows,)
        How often the mean of the catalogue is to be subtracted from each.
    lengths : ndarray of shape (n_rows,)
        Of what is left; 0 where it is no more than rounding.
    """

    sums: Matrix
    totals: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class ItemProfiles:
    """Profiles of all items.

    Attributes
    ----------
    units : ndarray or csr_array of shape (n_items, d)
        Features, each row of length 1; 0 for items without features.
    mean : ndarray of shape (d,)
        Mean of the rows.
    """

    units: Matrix
    mean: np.ndarray

    @classmethod
    def from_features(cls, features: sp.csr_array, weights: np.ndarray) -> ItemProfiles:
        """Weigh the columns of features and bring the rows to length 1."""
        units = unit_rows(_times_columns(features, weights))
        if sp.issparse(units) and units.nnz > _DENSE * np.prod(units.shape, dtype=float):
            units = units.toarray()
        return cls(units, np.asarray(units.sum(axis=0)).ravel() / units.shape[0])

    @property
    def described(self) -> np.ndarray:
        """Which items have features, (n_items,)."""
        if sp.issparse(self.units):
            return np.diff(self.units.indptr) > 0
        return self.units.any(axis=1)

    def tastes(self, weights: sp.csr_array, stated: sp.csr_array | None) -> Tastes:
        """Make profiles of users.

        Parameters
        ----------
        weights : csr_array of shape (n_rows, n_items)
            What every entry of a history counts.
        stated : csr_array of shape (n_rows, d) or None
            Stated preferences, as long as the number of items they count as.

        Returns
        -------
        Tastes
        """
        sums, is_described = weights @ self.units, self.described.astype(float)
        totals, most = weights @ is_described, abs(weights) @ is_described
        if stated is not None:
            sums, most = sums + stated, most + np.sqrt(_squares(stated))
        common = totals * (sums @ self.mean)
        left = _squares(sums) - 2 * common + totals**2 * (self.mean @ self.mean)
        left[left <= _NOTHING * most**2] = 0
        return Tastes(sums, totals, np.sqrt(left))

    def cosines(self, tastes: Tastes) -> np.ndarray:
        """Cosines of users and items, (n_rows, n_items); 0 where either has no profile."""
        products = product_with_transposed(tastes.sums, self.units)
        products -= np.outer(tastes.totals, self.units @ self.mean)
        nothing = np.zeros_like(products)
        lengths = tastes.lengths[:, None]
        return np.divide(products, lengths, out=nothing, where=lengths > 0)

    def by_item(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Products of items with what the items of a history differ by from the mean, (n, s)."""
        targets = self.units[items]
        common = np.outer(targets @ self.mean, self.described[history])
        return product_with_transposed(targets, self.units[history]) - common

    def by_feature(self, tastes: Tastes, items: np.ndarray) -> sp.csr_array:
        """Split the products of one taste and items by features, (n, d)."""
        taste = tastes.sums.toarray()[0] if sp.issparse(tastes.sums) else tastes.sums[0]
        left = taste - tastes.totals[0] * self.mean
        return sp.csr_array(_times_columns(self.units[items], left))


def _squares(matrix: Matrix) -> np.ndarray:
    """Sum up the squares of each row, (n_rows,)."""
    if sp.issparse(matrix):
        return np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", matrix, matrix)


def _times_columns(matrix: Matrix, factors: np.ndarray) -> Matrix:
    if sp.issparse(matrix):
        return sp.csr_array(matrix @ sp.diags_array(factors))
    return matrix * factors


def product_with_transposed(A: Matrix, B: Matrix) -> np.ndarray:
    """Multiply A and B', (len(A), len(B)), dense."""
    if not (sp.issparse(A) and sp.issparse(B)):
        return np.asarray(A @ B.T)
    T = sp.csr_array(B.T)
    left, right = ((M.indptr, M.indices, M.data) for M in (A, T))
    return csr_times_csr(left, right, B.shape[0])
