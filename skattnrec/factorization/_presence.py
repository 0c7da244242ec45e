r"""What a row has rated, whatever the ratings: a regression on presence.

Row u is described by :math:`d_u`, which is :math:`1 / \sqrt{n_u}` at each of its :math:`n_u`
entries and 0 elsewhere. Weights W with :math:`d_u^\top W \approx v_u` are fitted by ridge
regression. Each row of W tells what it says about somebody that he has rated an item at all;
Y. Koren, "Factorization meets the neighborhood: a multifaceted collaborative filtering model", KDD
2008, section 4.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels.products import csr_times_dense

__all__ = ["Presence", "multiply", "presence_rows"]

_SMALL = 2**23  # multiplications


def presence_rows(X: sp.csr_array) -> sp.csr_array:
    """Describe rows by what they have rated: the vectors d, (n_rows, n_columns)."""
    counts = np.diff(X.indptr)
    scale = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(X.dtype)
    return sp.csr_array((scale, X.indices, X.indptr), shape=X.shape)


def multiply(A: sp.csr_array, B: np.ndarray) -> np.ndarray:
    """Product of a sparse and a dense matrix, in parallel where that is worth waking threads."""
    if A.nnz * B.shape[1] < _SMALL:
        return A @ B
    return csr_times_dense(A.indptr, A.indices, A.data, np.ascontiguousarray(B))


class Presence:
    """Ridge regression of the rows' vectors on what the rows have rated.

    Parameters
    ----------
    X : csr_array of shape (n_rows, n_columns)
    n_targets : int
    regularization : float
        Positive weight of the squared weights.

    Attributes
    ----------
    weights : ndarray of shape (n_columns, n_targets)
        W; zeros at first.
    """

    def __init__(self, X: sp.csr_array, n_targets: int, regularization: float):
        self.rows = presence_rows(X)
        self.columns = self.rows.T.tocsr()
        self.regularization = X.dtype.type(regularization)
        squares = np.bincount(X.indices, np.square(self.rows.data), minlength=X.shape[1])
        self._scale = (1 / (squares + regularization)).astype(X.dtype)[:, None]
        self.weights = np.zeros((X.shape[1], n_targets), X.dtype)

    def predict(self) -> np.ndarray:
        """Say what the weights make of the rows, (n_rows, n_targets)."""
        return multiply(self.rows, self.weights)

    def improve(self, targets: np.ndarray, n_steps: int) -> None:
        """Take conjugate gradient steps from the current weights; none raises the loss.

        The diagonal of the system is the preconditioner.

        Parameters
        ----------
        targets : ndarray of shape (n_rows, n_targets)
        n_steps : int
        """
        residual = multiply(self.columns, targets) - self._system(self.weights)
        direction = self._scale * residual
        length = _column_products(residual, direction)
        for _ in range(n_steps):
            image = self._system(direction)
            step = _ratio(length, _column_products(direction, image))
            self.weights = self.weights + step * direction
            residual -= step * image
            scaled = self._scale * residual
            before, length = length, _column_products(residual, scaled)
            direction = scaled + _ratio(length, before) * direction

    def _system(self, weights: np.ndarray) -> np.ndarray:
        """Multiply by the matrix of the normal equations, D'D + regularization I."""
        image = multiply(self.columns, multiply(self.rows, weights))
        return image + self.regularization * weights


def _column_products(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->j", A, B)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; 0 where there is nothing left to do."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
