"""What the neighbourhood models share: weighted averages of ratings, or sums of votes."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import Interval, StrOptions
from .._context import Context
from .._ineffective import refuse_ineffective
from .._kernels.amounts import amounts, typical_value
from .._kernels.products import csr_times_csr, pair_products
from .._structure import with_data
from ..base import BaseRecommender
from ..exceptions import IneffectiveParameterWarning
from ._center import Center
from ._search import SIMILARITIES, Comparison, NeighborSearch
from ._weighting import TermWeighting

__all__ = ["Factors", "NeighborRecommender", "multiply"]

Factors = tuple[sp.csr_array, sp.csr_array]  # of sums over neighbours: (n_rows, m) x (m, n_items)


def multiply(A: sp.csr_array, B: sp.csr_array) -> np.ndarray:
    """Dense product of two sparse matrices."""
    left, right = ((M.indptr, M.indices, M.data) for M in (A, B))
    return csr_times_csr(left, right, B.shape[1])


def multiply_pairs(
    A: sp.csr_array, B: sp.csr_array, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Elements of a product of two sparse matrices, (n_pairs,)."""
    left, right = ((M.indptr, M.indices, M.data) for M in (A, B))
    return pair_products(left, right, rows, columns, B.shape[1])


class NeighborRecommender(BaseRecommender):
    """Base class of :class:`ItemItemCF` and :class:`UserUserCF`, which document it."""

    n_neighbors: int
    similarity: str
    weighting: str | None
    shrinkage: float
    min_similarity: float
    popularity_exponent: float | None
    center: str | None
    damping: float | None
    feedback: str

    _default_center: ClassVar[str]
    _learned_feedback: str | None = None  # of fit, whatever is set later

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "similarity": [StrOptions(set(SIMILARITIES))],
        "weighting": [StrOptions({"tfidf", "bm25", "uniform"}), None],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "min_similarity": [Interval(Real, None, None, closed="neither")],
        "popularity_exponent": [Interval(Real, 0, None, closed="left"), None],
        "center": [StrOptions({"user", "item", "baseline", "zero"}), None],
        "damping": [Interval(Real, 0, None, closed="left"), None],
        "feedback": [StrOptions({"implicit", "explicit"})],
    }

    def _choose_mode(self) -> None:
        """Refuse parameters of other modes, and fill in those that are not given."""
        if self.feedback == "implicit":
            refuse_ineffective(self, 'feedback="implicit"', "center", "damping")
        else:
            refuse_ineffective(self, 'feedback="explicit"', "weighting")
        if self.similarity in ("adjusted_cosine", "pearson"):
            refuse_ineffective(self, f'similarity="{self.similarity}"', "weighting")
        if self.similarity != "conditional_probability":
            refuse_ineffective(self, f'similarity="{self.similarity}"', "popularity_exponent")
        self._centered = self.feedback == "explicit" and self.center != "zero"
        self._damping = self.damping or 0.0

    def _predicts_ratings(self) -> bool:
        return (self._learned_feedback or self.feedback) == "explicit"

    def _prior(self, X: sp.csr_array) -> np.ndarray:
        """Explicit feedback: the damped mean rating of each item."""
        if self.feedback == "implicit":
            return super()._prior(X)
        return Center.fit(X, "baseline").item_offsets.astype(X.dtype)

    def _fit_values(self, X: sp.csr_array) -> sp.csr_array:
        """Learn what is made of ratings before they are compared and averaged, and make it."""
        self._choose_mode()
        self._learned_feedback = self.feedback
        self._typical = typical_value(X.data) if self.feedback == "implicit" else None
        X = self._values(X)
        center = self.center or self._default_center
        self._center = Center.fit(X, center if self.feedback == "explicit" else "zero")
        self._comparison = Comparison(X, self.similarity, self._center)
        if self.similarity in ("adjusted_cosine", "pearson") and X.nnz > 1:
            self._warn_of_equal_ratings(X)
        return X

    def _warn_of_equal_ratings(self, X: sp.csr_array) -> None:
        if not self._comparison.values(X).any():
            warnings.warn(
                f'similarity="{self.similarity}" compares how ratings differ, and these do not: '
                'nothing is similar to anything. "cosine" and "jaccard" compare who has what.',
                IneffectiveParameterWarning,
                stacklevel=5,
            )

    def _values(self, X: sp.csr_array) -> sp.csr_array:
        """Implicit feedback: how much of each item, in bounded amounts; else the ratings."""
        return X if self._typical is None else with_data(X, amounts(X.data, self._typical))

    def _compared(self, X: sp.csr_array) -> sp.csr_array:
        """Put what is compared in the place of the ratings."""
        return with_data(X, self._comparison.values(X))

    def _fit_weighting(self, documents: sp.csr_array) -> TermWeighting:
        over_common_terms = self.similarity in ("adjusted_cosine", "pearson")
        weighted = self.feedback == "implicit" and not over_common_terms
        kind = (self.weighting or "tfidf") if weighted else "uniform"
        return TermWeighting(documents, kind)

    def _fit_search(self, candidates: sp.csr_array) -> NeighborSearch:
        exponent = 0.5 if self.popularity_exponent is None else self.popularity_exponent
        return NeighborSearch(
            candidates,
            self.similarity,
            shrinkage=self.shrinkage,
            min_similarity=self.min_similarity,
            popularity_exponent=exponent,
        )

    @abstractmethod
    def _factors(self, X: sp.csr_array) -> Factors:
        """Factors of the sums of weighted votes."""

    @abstractmethod
    def _weight_factors(self, votes: Factors) -> Factors:
        """Factors of the sums of the sizes of the weights, explicit feedback only."""

    def _sparse_factors(self, X: sp.csr_array, context: Context) -> Factors | None:
        return None if self._predicts_ratings() else self._factors(X)

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Implicit feedback: the sum of votes; explicit feedback: their weighted mean."""
        votes = self._factors(X)
        sums = multiply(*votes)
        if not self._predicts_ratings():
            return sums
        centers = self._center.of_rows(X)[:, None] + self._center.item_offsets
        return self._average(sums, multiply(*self._weight_factors(votes)), centers, self.prior_)

    def _score_pairs(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Scores of given pairs, (n_pairs,), from the neighbours of each."""
        votes = self._factors(X)
        sums = multiply_pairs(*votes, rows, items)
        if not self._predicts_ratings():
            return sums
        centers = self._center.of_rows(X)[rows] + self._center.item_offsets[items]
        total = multiply_pairs(*self._weight_factors(votes), rows, items)
        return self._average(sums, total, centers, self.prior_[items])

    def _split(
        self, X: sp.csr_array, weights: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Baseline, (n,), and what votes are multiplied with, (n, s), in the scores of one row."""
        if not self._predicts_ratings():
            return np.zeros(len(items), X.dtype), weights
        total = np.abs(weights).sum(axis=1) + X.dtype.type(self._damping)  # (n,)
        np.divide(weights, total[:, None], out=weights, where=total[:, None] > 0)
        centers = self._center.of_rows(X) + self._center.item_offsets[items]
        return self._baseline(total, centers, self.prior_[items]), weights

    def _average(
        self, sums: np.ndarray, weights: np.ndarray, centers: np.ndarray, prior: np.ndarray
    ) -> np.ndarray:
        """Weighted means on top of what they are relative to, in the shape of the sums."""
        total = weights + sums.dtype.type(self._damping)
        means = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        return means + self._baseline(total, centers, prior)

    def _baseline(self, total: np.ndarray, centers: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """Give the part of a rating that no neighbour accounts for, in the shape of ``total``.

        It is the centre. Without one it is the prior, as far as the damping counts in the ``total``
        weight, and all of it where there is no weight.
        """
        if self._centered:
            return centers.astype(total.dtype)
        damping = total.dtype.type(self._damping)
        return np.divide(damping, total, out=np.ones_like(total), where=total > 0) * prior
