"""The similarities, what they compare, and the search for those most similar.

Items are described by the users who know them, users by the items they know. Either is a row of
the matrices here; its entries are the terms it is compared by.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels import similarity as kernel
from .._kernels.entries import rows_of_entries
from .._kernels.rounding import negligible
from ._center import Center
from ._twins import Twins

__all__ = ["SIMILARITIES", "Comparison", "NeighborSearch"]

_FORMS = {
    "cosine": kernel.PRODUCT,
    "conditional_probability": kernel.PRODUCT,
    "jaccard": kernel.TANIMOTO,
    "adjusted_cosine": kernel.OVERLAP_COSINE,
    "pearson": kernel.CORRELATION,
}
SIMILARITIES = frozenset(_FORMS)


_ORDINARY = 16  # powers of 2 between which numbers are left as they are


class Comparison:
    """What takes the place of the ratings when they are compared.

    It is what differs from a centre: the one given for the cosine, the mean of the user for the
    adjusted cosine, and the overall mean for Pearson, which no mean over common terms changes; and
    ones for the similarities of sets. Numbers that are very large or small are brought to a size of
    about 1, so that no product of two overflows or vanishes.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
    similarity : str
        One of ``SIMILARITIES``.
    center : Center
    """

    def __init__(self, X: sp.csr_array, similarity: str, center: Center):
        kinds = {"adjusted_cosine": "user", "pearson": "mean"}
        self.of_sets = similarity in ("jaccard", "conditional_probability")
        self.center = Center.fit(X, kinds[similarity]) if similarity in kinds else center
        largest = 0.0 if self.of_sets else np.abs(self.center.residuals(X)).max(initial=0)
        exponent = int(np.frexp(largest)[1])
        self.exponent = exponent if abs(exponent) > _ORDINARY else 0

    def values(self, X: sp.csr_array) -> np.ndarray:
        """Give what is compared in the place of X.data, (nnz,)."""
        if self.of_sets:
            return np.ones_like(X.data)
        return np.ldexp(self.center.residuals(X), -self.exponent)


class NeighborSearch:
    """Find, among the rows of one matrix, those most similar to rows of others.

    Parameters
    ----------
    candidates : csr_array of shape (n_candidates, n_terms)
    similarity : str
        One of ``SIMILARITIES``.
    shrinkage, min_similarity, popularity_exponent : float
        As in the estimators.
    """

    def __init__(
        self,
        candidates: sp.csr_array,
        similarity: str,
        *,
        shrinkage: float,
        min_similarity: float,
        popularity_exponent: float,
    ):
        self.similarity = similarity
        self.shrinkage = shrinkage
        self.min_similarity = min_similarity
        self.dtype = candidates.dtype
        self.terms = self._precise(candidates.T.tocsr())  # n_terms x n_candidates
        squares = _sums_of_squares(candidates)
        if similarity == "conditional_probability":
            self.norms = _inverse(squares**popularity_exponent).astype(self.terms.dtype)
        else:
            self.norms = self._norms_of_rows(squares)

    def query(self, rows: sp.csr_array, n_neighbors: int, twins: Twins) -> sp.csr_array:
        """Similarities of the nearest candidates of each row, sorted by column.

        Parameters
        ----------
        rows : csr_array of shape (n_rows, n_terms)
        n_neighbors : int
        twins : Twins
            The candidates that each row may not have.

        Returns
        -------
        csr_array of shape (n_rows, n_candidates)
            At most ``n_neighbors`` entries in each row.
        """
        norms = self._norms_of_rows(_sums_of_squares(rows))
        rows, terms = self._precise(rows), self.terms
        indptr, indices, data = kernel.most_similar(
            (rows.indptr, rows.indices, rows.data),
            (terms.indptr, terms.indices, terms.data),
            norms,
            self.norms,
            _FORMS[self.similarity],
            n_neighbors,
            twins.candidates,
            twins.ranges,
            self.shrinkage,
            self.min_similarity,
            negligible(self.dtype) if self._cancels(rows) else 0.0,
        )
        if indptr[-1] <= np.iinfo(np.int32).max:
            indptr = indptr.astype(np.int32)  # else scipy would widen the indices to int64
        shape = rows.shape[0], terms.shape[1]
        return sp.csr_array((data.astype(self.dtype, copy=False), indices, indptr), shape=shape)

    def _cancels(self, rows: sp.csr_array) -> bool:
        """Tell whether sums of products may be small differences."""
        return rows.data.min(initial=0) < 0 or self.terms.data.min(initial=0) < 0

    def _precise(self, matrix: sp.csr_array) -> sp.csr_array:
        """Variances over few terms are small differences: those take float64."""
        over_common_terms = self.similarity in ("adjusted_cosine", "pearson")
        return matrix.astype(np.float64 if over_common_terms else self.dtype, copy=False)

    def _norms_of_rows(self, squares: np.ndarray) -> np.ndarray:
        if self.similarity == "cosine":
            squares = _inverse(np.sqrt(squares))
        elif self.similarity == "conditional_probability":
            squares = _inverse(squares)
        return squares.astype(self.terms.dtype)


def _sums_of_squares(rows: sp.csr_array) -> np.ndarray:
    squares = np.square(rows.data, dtype=np.float64)
    return np.bincount(rows_of_entries(rows.indptr), squares, minlength=rows.shape[0])


def _inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, and 0 for 0."""
    return np.divide(1, values, out=np.zeros(values.shape), where=values > 0)
