"""Fold-in of histories for explicit feedback: one exact half-step, and how its scores split."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._explicit import Penalty, Scale, Side, half_step

__all__ = ["ExplicitFoldIn", "dot_pairs"]

_BLOCK = 2**22  # elements of vectors multiplied at a time


def dot_pairs(A: np.ndarray, B: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Products of rows of A with rows of B, (n_pairs,)."""
    products = np.empty(len(rows), np.result_type(A, B))
    step = max(1, _BLOCK // A.shape[1])
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        products[block] = np.einsum("pf,pf->p", A[rows[block]], B[columns[block]])
    return products


class ExplicitFoldIn:
    """Biases and factors of histories, with the items fixed.

    Parameters
    ----------
    scale : Scale
    items : Side
        Biases and factors of the items, for standardized ratings.
    penalty : Penalty
    """

    def __init__(self, scale: Scale, items: Side, penalty: Penalty):
        self.scale = scale
        self.items = items
        self.penalty = penalty

    def users(self, X: sp.csr_array) -> Side:
        """Fit standardized histories, (n_rows,) biases and (n_rows, n_components) factors."""
        return half_step(self.scale.standardize(X), self.items, self.penalty)

    def factors(self, X: sp.csr_array) -> np.ndarray:
        """Factors of histories, (n_rows, n_components)."""
        return self.scale.of_ratings(self.users(X))[1]

    def user_vectors(self, X: sp.csr_array) -> np.ndarray:
        """Vectors whose products with those of the items are ratings."""
        users, spread = self.users(X), X.dtype.type(self.scale.spread)
        level = users.biases * spread + X.dtype.type(self.scale.mean)
        return np.column_stack([users.factors * spread, level, np.full_like(level, spread)])

    def item_vectors(self) -> np.ndarray:
        """Vectors of the items, with a one for the level of the user and with the bias."""
        biases = self.items.biases
        return np.column_stack([self.items.factors, np.ones_like(biases), biases])

    def score(self, X: sp.csr_array, prior: np.ndarray) -> np.ndarray:
        """Ratings of all items, (n_rows, n_items)."""
        return self.user_vectors(X) @ self.item_vectors().T

    def explain(
        self, X: sp.csr_array, items: np.ndarray, prior: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Contribution of history item j to item i: z_i' (Z_u'Z_u + lambda I)^-1 z_j t_uj."""
        design = self.items.factors.astype(np.float64)
        if self.penalty.bias:
            design = np.hstack([np.ones((len(design), 1)), design])
        history = design[X.indices]  # (s, f)
        system = history.T @ history
        system.flat[:: len(system) + 1] += self.penalty.of_rows(X)
        targets = self.scale.standardize(X).data - self.items.biases[X.indices]
        votes = np.linalg.solve(system, history.T) * targets * self.scale.spread  # (f, s)
        baseline = self.scale.mean + self.scale.spread * self.items.biases[items]
        contributions = (design[items] @ votes).astype(X.dtype)
        return baseline.astype(X.dtype), X.indices.astype(np.intp), contributions, {}
