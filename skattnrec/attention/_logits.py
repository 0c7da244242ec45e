"""From ratings, features and age to attention weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .._kernels.attention import profile_logits, smoothed_softmax
from .._kernels.entries import later_entries, rows_of_entries, time_order

__all__ = ["Attention"]

_SPREAD = 40.0  # logits further below the row's largest are cut: the square of its exponential
# and of the inverse stay finite in single precision
_LARGEST = 80.0


@dataclass(frozen=True)
class Attention:
    """How loudly the entries of a history speak, for every head.

    Attributes
    ----------
    temperatures : ndarray of shape (n_heads,)
    rating_weight : float
    rating_shift : float
        Rating logit that counts as 0; scales all weights of a head by one factor.
    smoothing : float
    content_weight : float
    keys : list of n_heads ndarray of shape (n_items, d_head), or None
        Projected item features, for content logits.
    recency_weight : float
    age : {"rank", "time"}
    """

    temperatures: np.ndarray
    rating_weight: float
    rating_shift: float
    smoothing: float
    content_weight: float
    keys: list[np.ndarray] | None
    recency_weight: float
    age: str
    is_causal: bool

    def rating_logits(self, X: sp.csr_array) -> np.ndarray:
        """Rating logits at temperature 1, relative to the shift."""
        return X.data * X.dtype.type(self.rating_weight) - X.dtype.type(self.rating_shift)

    def whole_rows(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        """Weights of each head at the stored entries, (n_heads, nnz), for whole histories.

        Without ``times`` all entries are of the same age.
        """
        logits = self.rating_logits(X)
        reads_content = self.content_weight != 0 and not self.is_causal
        if times is not None and self.is_causal:
            logits = logits - self.recency_weight * self._ages(X, times)
        weights = np.empty((len(self.temperatures), X.nnz), X.dtype)
        for head, temperature in enumerate(self.temperatures):
            of_head = logits
            if reads_content and self.keys is not None:
                keys = self.keys[head]
                content = profile_logits(X.indptr, X.indices, X.data, keys)
                of_head = logits + self.content_weight / np.sqrt(keys.shape[1]) * content
            of_head = (of_head / temperature).astype(X.dtype, copy=False)
            weights[head] = smoothed_softmax(X.indptr, of_head, self.smoothing)
        return weights

    def prefixes(
        self, X: sp.csr_array, times: np.ndarray, order: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Factors of the attention of all prefixes, each (n_heads, nnz), in the given order.

        Returns
        -------
        weights : before decay and normaliser
        normalized : the same with the row's largest at 1, for the normaliser
        decays : from the entry before, in that order
        """
        logits = self.rating_logits(X)[order][None] / self.temperatures[:, None]
        rows = rows_of_entries(X.indptr)
        largest = np.zeros((len(logits), X.shape[0]))
        filled = np.flatnonzero(np.diff(X.indptr))
        if filled.size:
            starts = X.indptr[:-1][filled]
            largest[:, filled] = np.maximum.reduceat(logits, starts, axis=1)
        normalized = np.exp(np.maximum(logits - largest[:, rows], -_SPREAD))
        row_factor = np.exp(np.clip((1 - self.smoothing) * largest, -_SPREAD, _SPREAD))
        ages = self._steps(X, times[order])
        decays = np.exp(-self.recency_weight * ages[None] / self.temperatures[:, None])
        weights = normalized * row_factor[:, rows]
        return weights.astype(X.dtype), normalized.astype(X.dtype), decays.astype(X.dtype)

    def relevance(self, X: sp.csr_array, threshold: float | None) -> np.ndarray:
        """Target of each stored entry: graded as the first head at flat age, or 0 and 1."""
        if threshold is not None:
            return (X.data >= threshold).astype(X.dtype)
        logits = self.rating_logits(X) / self.temperatures[0]
        return np.exp(np.clip(logits, -_LARGEST, _LARGEST)).astype(X.dtype, copy=False)

    def _ages(self, X: sp.csr_array, times: np.ndarray) -> np.ndarray:
        """Age of each stored entry: later entries, or time until the last one."""
        order = time_order(X.indptr, times)
        if self.age == "rank":
            return later_entries(X.indptr, order).astype(float)
        ends = np.repeat(X.indptr[1:], np.diff(X.indptr)) - 1
        return times[order[ends]] - times

    def _steps(self, X: sp.csr_array, times: np.ndarray) -> np.ndarray:
        """Give what age grows by from the entry before; ``times`` are in order, either way."""
        if self.age == "rank":
            return np.ones(X.nnz)
        steps = np.abs(np.diff(times, prepend=times[:1]))
        steps[X.indptr[:-1][np.diff(X.indptr) > 0]] = 0  # nothing comes before
        return steps
