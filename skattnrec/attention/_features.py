r"""What item features do to the attention: content logits, and learned projections.

The query of head h is what its attention sees: :math:`q_u^h = \sum_j a^h_{uj} k_j`. Its learned
projection adds :math:`q_u^{h\top} W_h k_i` to the score of item i, and the W of all heads, stacked,
are the ridge solution of :math:`Y \approx Q W K^\top`,

.. math:: W = (Q^\top Q + \rho_Q I)^{-1} \, Q^\top Y K \, (K^\top K + \rho_K I)^{-1}

with :math:`Q = C (K \otimes I)`: the statistics are all that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._features import FeatureScaling, check_features
from .._kernels.products import csr_times_dense
from ._cold import Likeness
from ._statistics import SufficientStatistics

__all__ = ["ContentVotes", "ItemFeatures", "projected", "random_projections"]

_RIDGE = 0.03  # of the mean diagonal; chosen on validation data, flat between .01 and .1
MOST_KEYS = 4096  # columns of features that queries are made of, and matched with


@dataclass(frozen=True)
class ItemFeatures:
    """Features of the items, free of units.

    Attributes
    ----------
    table : csr_array of shape (n_items, d)
        Scaled, in [-10, 10].
    scaling : FeatureScaling
    """

    table: sp.csr_array
    scaling: FeatureScaling

    @classmethod
    def of(cls, item_features: Any, n_items: int) -> ItemFeatures:
        """Check and scale the features of all items."""
        table = check_features(item_features, n_items)
        scaling = FeatureScaling.learn(table)
        return cls(scaling.scale(table), scaling)

    def extended(self, item_features: Any, n_items: int) -> ItemFeatures:
        """Add items, whose features are scaled as those of the first."""
        table = check_features(item_features, n_items)
        d = self.table.shape[1]
        if table.shape[1] != d:
            raise ValueError(
                f"item_features must have the {d} columns of those of fit, it has "
                f"{table.shape[1]}: a feature that is new with these items says nothing yet."
            )
        both = sp.csr_array(sp.vstack([self.table, self.scaling.scale(table)]))
        return ItemFeatures(both, self.scaling)

    def likeness(self) -> Likeness:
        """How like items are."""
        return Likeness.of(self.table, self.scaling)

    def keys(self, use: str) -> np.ndarray:
        """Features as keys of the attention, (n_items, d), float64, for a stated use."""
        d = self.table.shape[1]
        if d > MOST_KEYS:
            raise ValueError(
                f"{use} needs item_features of at most {MOST_KEYS} columns, it has {d}. Make fewer "
                "of them, for example by sklearn.decomposition.TruncatedSVD; cold items need none "
                "of this."
            )
        return self.table.toarray()


def projected(projections: np.ndarray, keys: np.ndarray) -> list[np.ndarray]:
    """Keys of each head, (n_items, d_head)."""
    return [keys @ projection for projection in projections]


def random_projections(
    n_heads: int, n_features: int, random_state: np.random.RandomState
) -> np.ndarray:
    """Orthonormal columns for each head, the heads orthogonal as long as features suffice.

    One head sees the features as they are.
    """
    if n_heads == 1:
        return np.eye(n_features)[None]
    d_head = max(1, n_features // n_heads)
    n_bases = -(-n_heads * d_head // n_features)  # rounded up
    normals = random_state.normal(size=(n_bases, n_features, n_features))
    bases = np.linalg.qr(normals)[0]  # (n_bases, d, d), each orthogonal
    columns = np.hstack(list(bases))[:, : n_heads * d_head]
    # (d, n_heads * d_head) -> (n_heads, d, d_head)
    return columns.reshape(n_features, n_heads, d_head).transpose(1, 0, 2)


# -- learned projections ----------------------------------------------------------------------


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

    @classmethod
    def learn(
        cls,
        statistics: SufficientStatistics,
        scale: np.ndarray,
        keys: np.ndarray,
        target_scale: np.ndarray,
        dtype: np.dtype,
    ) -> ContentVotes:
        """Learn the projections of all heads jointly.

        Parameters
        ----------
        statistics : SufficientStatistics
        scale : ndarray of shape (n_items, n_heads)
            What the columns of C are multiplied with.
        keys : ndarray of shape (n_items, d)
            Item features.
        target_scale : ndarray of shape (n_items,)
            What the votes for each item are multiplied with.
        dtype : dtype
            Of the votes.
        """
        W = _learn_projections(statistics, scale, keys)
        targets = keys * target_scale[:, None]
        return cls(*(array.astype(dtype, copy=False) for array in (keys, targets, scale, W)))

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items), from the weights of each head."""
        queries = np.zeros((X.shape[0], self.keys.shape[1]), self.keys.dtype)
        for of_head, scale, projection in zip(weights, self.scale.T, self.projections, strict=True):
            scaled = of_head * scale[X.indices]
            queries += csr_times_dense(X.indptr, X.indices, scaled, self.keys) @ projection
        return queries @ self.targets.T

    def between(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Votes of some items for others, (n_heads, len(history), len(items))."""
        scaled = self.scale[history].T[:, :, None] * self.keys[history]
        return scaled @ self.projections @ self.targets[items].T


def _learn_projections(
    statistics: SufficientStatistics, scale: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """Solve for W of the module docstring, (n_heads, d, d), for columns of C with this scale."""
    n_heads, d = scale.shape[1], keys.shape[1]
    scaled = [scale[:, [h]] * keys for h in range(n_heads)]
    gram = np.empty((n_heads * d, n_heads * d))
    cross = np.empty((n_heads * d, d))
    halves, targets = statistics.gram, statistics.cross
    for g in range(n_heads):
        rows = slice(g * d, (g + 1) * d)
        cross[rows] = scaled[g].T @ (_head(targets, 0, g).T @ keys)
        for h in range(n_heads):
            half = scaled[g].T @ (_head(halves, g, h) @ scaled[h])
            other = scaled[h].T @ (_head(halves, h, g) @ scaled[g])
            gram[rows, h * d : (h + 1) * d] = half + other.T
    left = _with_ridge(gram)
    right = _with_ridge(keys.T @ keys)
    W = np.linalg.solve(right, np.linalg.solve(left, cross).T).T
    return W.reshape(n_heads, d, d)  # (n_heads * d, d) -> (n_heads, d, d)


def _head(blocks: sp.bsr_array, g: int, h: int) -> sp.csr_array:
    """Entries (g, h) of all blocks."""
    n_rows = len(blocks.indptr) - 1
    n_columns = blocks.shape[1] // blocks.blocksize[1]
    data = np.ascontiguousarray(blocks.data[:, g, h])
    return sp.csr_array((data, blocks.indices, blocks.indptr), shape=(n_rows, n_columns))


def _with_ridge(gram: np.ndarray) -> np.ndarray:
    ridge = _RIDGE * np.trace(gram) / len(gram)
    return gram + (ridge if ridge > 0 else 1.0) * np.eye(len(gram))
