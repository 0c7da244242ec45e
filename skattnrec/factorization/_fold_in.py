"""Fold-in of histories for explicit feedback: one exact half-step, and how its scores split."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._explicit import Penalty, Side, half_step

__all__ = ["ExplicitFoldIn"]


class ExplicitFoldIn:
    """Biases and factors of histories, with the items fixed.

    Parameters
    ----------
    mean : float
        What ratings are compared with, before any bias.
    items : Side
        Biases and factors of the items.
    penalty : Penalty
    """

    def __init__(self, mean: float, items: Side, penalty: Penalty):
        self.mean = mean
        self.items = items
        self.penalty = penalty

    def users(self, X: sp.csr_array) -> Side:
        """Fit histories, (n_rows,) biases and (n_rows, n_components) factors."""
        deviations = X.data - X.dtype.type(self.mean)
        R = sp.csr_array((deviations, X.indices, X.indptr), shape=X.shape)
        return half_step(R, self.items, self.penalty)

    def factors(self, X: sp.csr_array) -> np.ndarray:
        """Factors of histories, (n_rows, n_components)."""
        return self.users(X).factors

    def user_vectors(self, X: sp.csr_array) -> np.ndarray:
        """Vectors whose products with those of the items are ratings."""
        users = self.users(X)
        level = users.biases + X.dtype.type(self.mean)
        return np.column_stack([users.factors, level, np.ones_like(level)])

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
        targets = X.data - self.mean - self.items.biases[X.indices]
        votes = np.linalg.solve(system, history.T) * targets  # (f, s)
        baseline = (self.mean + self.items.biases[items]).astype(X.dtype)
        contributions = (design[items] @ votes).astype(X.dtype)
        return baseline, X.indices.astype(np.intp), contributions, {}
