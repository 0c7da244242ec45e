r"""Query-key projections learned from sufficient statistics.

The query of head h is what its attention sees: :math:`q_u^h = \sum_j a^h_{uj} k_j`. Its learned
projection adds :math:`q_u^{h\top} W_h k_i` to the score of item i, and the W of all heads, stacked,
are the ridge solution of :math:`Y \approx Q W K^\top`,

.. math:: W = (Q^\top Q + \rho_Q I)^{-1} \, Q^\top Y K \, (K^\top K + \rho_K I)^{-1}

with :math:`Q = C (K \otimes I)`: the statistics are all that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .._kernels.products import csr_times_dense
from ._statistics import SufficientStatistics

__all__ = ["ContentVotes", "learn_projections"]

_RIDGE = 0.03  # of the mean diagonal; chosen on validation data, flat between .01 and .1


@dataclass(frozen=True)
class ContentVotes:
    """Votes through item features: that of item j for item i is ``scale_j k_j' W t_i``.

    Attributes
    ----------
    keys, targets : ndarray of shape (n_items, d)
        Features of the items that vote, and of those that are voted for.
    scale : ndarray of shape (n_items, n_heads)
    projections : ndarray of shape (n_heads, d, d)
    """

    keys: np.ndarray
    targets: np.ndarray
    scale: np.ndarray
    projections: np.ndarray

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items), from the weights of each head."""
        queries = np.zeros((X.shape[0], self.keys.shape[1]), self.keys.dtype)
        for of_head, scale, projection in zip(weights, self.scale.T, self.projections, strict=True):
            scaled = of_head * scale[X.indices]
            queries += csr_times_dense(X.indptr, X.indices, scaled, self.keys) @ projection
        return queries @ self.targets.T

    def votes(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Votes of some items for others, (n_heads, len(history), len(items))."""
        scaled = self.scale[history].T[:, :, None] * self.keys[history]
        return scaled @ self.projections @ self.targets[items].T


def learn_projections(
    statistics: SufficientStatistics, scale: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """Learn the projection of each head, jointly.

    Parameters
    ----------
    statistics : SufficientStatistics
    scale : ndarray of shape (n_items, n_heads)
        What the columns of C are multiplied with.
    keys : ndarray of shape (n_items, d)
        Item features.

    Returns
    -------
    ndarray of shape (n_heads, d, d)
        W, for queries from keys with this scale.
    """
    n_heads, d = scale.shape[1], keys.shape[1]
    scaled = [scale[:, [h]] * keys for h in range(n_heads)]
    gram = np.empty((n_heads * d, n_heads * d))
    cross = np.empty((n_heads * d, d))
    for g in range(n_heads):
        rows = slice(g * d, (g + 1) * d)
        cross[rows] = scaled[g].T @ (_head(statistics.cross, 0, g).T @ keys)
        for h in range(n_heads):
            half = scaled[g].T @ (_head(statistics.gram, g, h) @ scaled[h])
            other = scaled[h].T @ (_head(statistics.gram, h, g) @ scaled[g])
            gram[rows, h * d : (h + 1) * d] = half + other.T
    left = _with_ridge(gram)
    right = _with_ridge(keys.T.astype(np.float64) @ keys)
    W = np.linalg.solve(right, np.linalg.solve(left, cross).T).T
    return W.reshape(n_heads, d, d).astype(keys.dtype)


def _head(blocks: sp.bsr_array, g: int, h: int) -> sp.csr_array:
    """Entries (g, h) of all blocks."""
    n_rows = len(blocks.indptr) - 1
    n_columns = blocks.shape[1] // blocks.blocksize[1]
    data = np.ascontiguousarray(blocks.data[:, g, h])
    return sp.csr_array((data, blocks.indices, blocks.indptr), shape=(n_rows, n_columns))


def _with_ridge(gram: np.ndarray) -> np.ndarray:
    ridge = _RIDGE * np.trace(gram) / len(gram)
    return gram + (ridge if ridge > 0 else 1.0) * np.eye(len(gram))
