"""What the neighbourhood models share: weighted averages of ratings, or sums of votes."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import Interval, StrOptions
from .._kernels.products import csr_times_csr
from ..base import BaseRecommender
from ._center import Center
from ._search import SIMILARITIES, NeighborSearch, compared_values
from ._weighting import TermWeighting

__all__ = ["NeighborRecommender", "multiply", "with_data"]


def multiply(A: sp.csr_array, B: sp.csr_array) -> np.ndarray:
    """Dense product of two sparse matrices."""
    left, right = ((M.indptr, M.indices, M.data) for M in (A, B))
    return csr_times_csr(left, right, B.shape[1])


def with_data(X: sp.csr_array, data: np.ndarray) -> sp.csr_array:
    """Put other data in the place of the entries of X."""
    return sp.csr_array((data, X.indices, X.indptr), shape=X.shape)


class NeighborRecommender(BaseRecommender):
    """Base class of :class:`ItemItemCF` and :class:`UserUserCF`, which document it."""

    n_neighbors: int
    similarity: str
    weighting: str | None
    shrinkage: float
    min_similarity: float
    popularity_exponent: float
    center: str | None
    damping: float
    feedback: str

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "similarity": [StrOptions(set(SIMILARITIES))],
        "weighting": [StrOptions({"tfidf", "bm25"}), None],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "min_similarity": [Interval(Real, None, None, closed="neither")],
        "popularity_exponent": [Interval(Real, 0, None, closed="left")],
        "center": [StrOptions({"user", "item", "baseline"}), None],
        "damping": [Interval(Real, 0, None, closed="left")],
        "feedback": [StrOptions({"implicit", "explicit"})],
    }

    def _predicts_ratings(self) -> bool:
        return self.feedback == "explicit"

    def _prior(self, X: sp.csr_array) -> np.ndarray:
        """Explicit feedback: the damped mean rating of each item."""
        if self.feedback == "implicit":
            return super()._prior(X)
        return Center.fit(X, "baseline").item_offsets

    def _fit_center(self, X: sp.csr_array) -> Center:
        return Center.fit(X, self.center if self.feedback == "explicit" else None)

    def _compared(self, X: sp.csr_array) -> sp.csr_array:
        """Put what is compared in the place of the ratings."""
        return with_data(X, compared_values(X, self.similarity, self._center))

    def _fit_weighting(self, documents: sp.csr_array) -> TermWeighting:
        over_common_terms = self.similarity in ("adjusted_cosine", "pearson")
        weighted = self.feedback == "implicit" and not over_common_terms
        return TermWeighting(documents, self.weighting if weighted else None)

    def _fit_search(self, candidates: sp.csr_array) -> NeighborSearch:
        return NeighborSearch(
            candidates,
            self.similarity,
            shrinkage=self.shrinkage,
            min_similarity=self.min_similarity,
            popularity_exponent=self.popularity_exponent,
        )

    def _score(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        """Implicit feedback: the sum of votes; explicit feedback: their weighted mean."""
        factors = self._sparse_factors(X, times)
        return self._average(X, *self._sums(X)) if factors is None else multiply(*factors)

    @abstractmethod
    def _sums(self, X: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
        """Add up weighted votes, and the sizes of the weights, each (n_rows, n_items)."""

    def _split(
        self, X: sp.csr_array, weights: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Baseline, (n,), and what votes are multiplied with, (n, s), in the scores of one row."""
        if self.feedback == "implicit":
            return np.zeros(len(items), X.dtype), weights
        total = np.abs(weights).sum(axis=1, keepdims=True) + X.dtype.type(self.damping)  # (n, 1)
        np.divide(weights, total, out=weights, where=total > 0)
        return self._baseline(X, total.T, items)[0], weights

    def _average(self, X: sp.csr_array, sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weighted means on top of what they are relative to; all of shape (n_rows, n_items)."""
        total = weights + sums.dtype.type(self.damping)
        means = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        return means + self._baseline(X, total)

    def _baseline(self, X: sp.csr_array, total: np.ndarray, items: Any = slice(None)) -> np.ndarray:
        """Give the part of a rating that no neighbour accounts for, (n_rows, len(items)).

        It is the centre. Without one it is the prior, as far as the damping counts in the ``total``
        weight, and all of it where there is no weight.
        """
        if self.center is not None:
            return self._center.of_rows(X)[:, None] + self._center.item_offsets[items]
        damping = total.dtype.type(self.damping)
        share = np.divide(damping, total, out=np.ones_like(total), where=total > 0)
        return share * self.prior_[items]
