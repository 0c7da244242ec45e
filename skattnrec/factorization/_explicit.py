r"""Explicit feedback: what is learned of ratings, what it is penalised by, and its half-steps.

With the bias as one more factor, a half-step is one ridge regression per row,

.. math:: \Big(\sum_j z_j z_j^\top + \lambda_u I\Big) v_u = \sum_j z_j t_{uj},
          \qquad z_j = (1, y_j), \quad t_{uj} = r_{uj} - \mu - b_j, \quad v_u = (b_u, x_u),

and the same for columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .._kernels.als import fold_in
from .._kernels.rounding import without_rounding

__all__ = ["Penalty", "Scale", "Side", "half_step", "less_biases"]


@dataclass(frozen=True)
class Side:
    """What is learned of the users, or of the items.

    Attributes
    ----------
    biases : ndarray of shape (n,)
    factors : ndarray of shape (n, n_components)
    """

    biases: np.ndarray
    factors: np.ndarray

    def squares(self) -> np.ndarray:
        """Squared length of each row, bias included, in float64."""
        lengths = np.square(self.factors, dtype=np.float64).sum(axis=1)
        return lengths + np.square(self.biases, dtype=np.float64)


@dataclass(frozen=True)
class Scale:
    """The scale of ratings: what they differ from, and how much.

    Everything is learned of standardized ratings, so that the unit of the ratings does not matter.

    Attributes
    ----------
    mean : float
        0 without biases.
    spread : float
        Standard deviation; the mean where ratings do not differ, and 1 where all are 0.
    """

    mean: float
    spread: float

    @classmethod
    def fit(cls, X: sp.csr_array, mean: float, *, bias: bool) -> Scale:
        """Measure ratings with a given mean."""
        differences = cls(mean, 1.0).standardize(X).data
        largest = float(np.abs(differences).max(initial=0))
        spread = abs(mean) or 1.0
        if largest > 0:  # divided by it, squares of very small numbers are no zeros
            squares = np.square(differences / largest, dtype=np.float64)
            spread = largest * float(np.sqrt(squares.mean()))
        return cls(mean if bias else 0.0, spread)

    def standardize(self, X: sp.csr_array) -> sp.csr_array:
        """Subtract the mean and divide by the spread; what is rounding becomes 0."""
        differences = X.data.astype(np.float64) - self.mean
        without_rounding(differences, abs(self.mean), X.dtype)
        return _with_data(X, (differences / self.spread).astype(X.dtype))

    def of_ratings(self, side: Side) -> tuple[np.ndarray, np.ndarray]:
        """Biases and factors that make ratings instead of standardized ones."""
        dtype = side.factors.dtype.type
        return side.biases * dtype(self.spread), side.factors * dtype(np.sqrt(self.spread))


def less_biases(R: sp.csr_array, column_biases: np.ndarray) -> sp.csr_array:
    """Subtract the bias of its column from each entry; what is rounding becomes 0."""
    biases = column_biases[R.indices]
    rest = without_rounding(R.data - biases, np.abs(R.data) + np.abs(biases), R.dtype)
    return _with_data(R, rest)


def _with_data(X: sp.csr_array, data: np.ndarray) -> sp.csr_array:
    """Put other data in the place of the entries of X."""
    return sp.csr_array((data, X.indices, X.indptr), shape=X.shape)


@dataclass(frozen=True)
class Penalty:
    """The weight of squared biases and factors.

    Attributes
    ----------
    value : float
        Of every row; or, if ``weighted``, of every known rating of the row.
    weighted : bool
    bias : bool
        Whether there are biases.
    """

    value: float
    weighted: bool
    bias: bool

    @classmethod
    def choose(cls, value: float | None, R: sp.csr_array, *, weighted: bool, bias: bool) -> Penalty:
        """Use the value given, or else one that suits the ratings R.

        What is best hardly depends on the number of ratings, unless there are few.
        """
        if value is None:
            value = 0.1 if weighted else min(12.0, max(R.nnz, 1) / sum(R.shape) / 2)
        return cls(float(value), weighted, bias)

    def of_rows(self, R: sp.csr_array) -> np.ndarray:
        """Penalty of each row, (n_rows,) float64."""
        return self._of(np.diff(R.indptr))

    def of_columns(self, R: sp.csr_array) -> np.ndarray:
        """Penalty of each column, (n_columns,) float64."""
        return self._of(np.bincount(R.indices, minlength=R.shape[1]))

    def _of(self, counts: np.ndarray) -> np.ndarray:
        return self.value * (counts if self.weighted else np.ones(len(counts)))


def half_step(R: sp.csr_array, columns: Side, penalty: Penalty) -> Side:
    """Fit the rows of R to what is known of its columns, exactly.

    Parameters
    ----------
    R : csr_array of shape (n_rows, n_columns)
        Ratings less their mean.
    columns : Side
        Of the columns.
    penalty : Penalty

    Returns
    -------
    Side
        Of the rows; zeros for rows without entries.
    """
    design = columns.factors
    if penalty.bias:
        design = np.hstack([np.ones((len(design), 1), design.dtype), design])
    counts = np.diff(R.indptr)
    known = counts > 0
    # dividing by the penalty makes it the identity, as fold_in has it
    shrink = np.repeat((1 / penalty.of_rows(R)[known]).astype(design.dtype), counts[known])
    targets = shrink * (R.data - columns.biases[R.indices])
    solved = fold_in(R.indptr, R.indices, shrink, targets, np.ascontiguousarray(design))
    if penalty.bias:
        return Side(solved[:, 0].copy(), np.ascontiguousarray(solved[:, 1:]))
    return Side(np.zeros(len(solved), solved.dtype), solved)
