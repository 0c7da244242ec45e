"""The votes of items for items, as each solver leaves them: what is asked of them and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._kernels.products import csr_times_csr, csr_times_dense
from ._cold_items import borrow_sparse, borrow_values

__all__ = ["DenseVotes", "SparseVotes", "votes_of"]


@dataclass(frozen=True)
class DenseVotes:
    """Votes of every item for every other one.

    Attributes
    ----------
    values : ndarray of shape (n_heads, n_items, n_items)
        ``[h, j, i]`` is the vote of item j for item i.
    """

    values: np.ndarray

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items), from the weights of each head."""
        scores = np.zeros(X.shape, self.values.dtype)
        for of_head, values in zip(weights, self.values, strict=True):
            scores += csr_times_dense(X.indptr, X.indices, of_head, values)
        return scores

    def between(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Votes of some items for others, (n_heads, len(history), len(items))."""
        return self.values[:, history[:, None], items]

    def discount(self, factors: np.ndarray) -> None:
        """Multiply the votes for each item, in place; ``factors`` has shape (n_items,)."""
        np.multiply(self.values, factors, out=self.values)

    def borrow(self, keys: np.ndarray, is_cold: np.ndarray, temperature: float) -> np.ndarray:
        """Fill in the votes of cold items; returns the values."""
        borrow_values(self.values, keys, is_cold, temperature)
        return self.values


@dataclass(frozen=True)
class SparseVotes:
    """Votes of each item's support.

    Attributes
    ----------
    values : csr_array of shape (n_heads * n_items, n_items)
        Row ``h * n_items + j`` holds the votes of item j.
    """

    values: sp.csr_array

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items), from the weights of each head."""
        histories, votes = ((F.indptr, F.indices, F.data) for F in self.factors(X, weights))
        return csr_times_csr(histories, votes, X.shape[1])

    def factors(self, X: sp.csr_array, weights: np.ndarray) -> tuple[sp.csr_array, sp.csr_array]:
        """Sparse factors of the scores: weights of all heads side by side, and the votes."""
        heads = [sp.csr_array((w, X.indices, X.indptr), shape=X.shape) for w in weights]
        stacked = heads[0] if len(heads) == 1 else sp.csr_array(sp.hstack(heads, format="csr"))
        return stacked, self.values

    def between(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Votes of some items for others, (n_heads, len(history), len(items))."""
        n_heads = self.values.shape[0] // self.values.shape[1]
        rows = np.arange(n_heads)[:, None] * self.values.shape[1] + history
        votes = self.values[rows.ravel()][:, items].toarray()
        return votes.reshape(n_heads, len(history), len(items))

    def discount(self, factors: np.ndarray) -> None:
        """Multiply the votes for each item, in place; ``factors`` has shape (n_items,)."""
        self.values.data *= factors[self.values.indices]

    def borrow(self, keys: np.ndarray, is_cold: np.ndarray, temperature: float) -> sp.csr_array:
        """Fill in the votes of cold items; returns the values."""
        return borrow_sparse(self.values, keys, is_cold, temperature)


def votes_of(values: Any) -> DenseVotes | SparseVotes:
    """Wrap the ``values_`` of a ranking model."""
    return DenseVotes(values) if isinstance(values, np.ndarray) else SparseVotes(values)
