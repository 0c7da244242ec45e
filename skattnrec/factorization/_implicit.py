"""Implicit feedback: the engine of the ``implicit`` library, and exact fold-in of histories."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from scipy.linalg import solve_triangular

from .._compat import openmp_threads
from .._kernels._blas import one_blas_thread
from .._kernels._parallel import Turn, usable_threads
from .._kernels.als import fold_in
from .._kernels.amounts import amounts, typical_value
from ._start import first_factors

__all__ = ["ImplicitFoldIn", "factorize_presence", "known_rows", "threads_for"]

_SMALL = 2**20  # known ratings times factors; below, threads cost more than they save
_ENGINE = Turn()


def threads_for(work: int) -> int:
    """Threads for an OpenMP library; more than one do not survive a fork."""
    if work < _SMALL or _forked:
        return 1
    return min(openmp_threads(), usable_threads())


def _remember_fork() -> None:
    global _forked
    _forked = True


_forked = False
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remember_fork)


def without_zeros(X: sp.csr_array) -> sp.csr_array:
    """Drop stored zeros, from a copy."""
    if X.data.all():
        return X
    X = X.copy()
    X.eliminate_zeros()
    return X


def known_rows(X: sp.csr_array) -> np.ndarray:
    """Tell which rows hold anything but zeros, (n_rows,)."""
    return np.diff(without_zeros(X).indptr) > 0


def factorize_presence(
    X: sp.csr_array,
    random_state: np.random.RandomState,
    *,
    n_components: int,
    regularization: float,
    confidence: float,
    init: str,
    max_iter: int,
    verbose: bool,
) -> tuple[ImplicitFoldIn, dict[str, Any]]:
    """Learn from what is there; how to fold in histories, and what ``ALSFactorizer`` tells.

    The parameters are those of the estimator.
    """
    X = without_zeros(X)
    typical = typical_value(X.data)
    weights = 1 + confidence * amounts(X.data, typical)
    mean_weight = weights.sum(dtype=np.float64) / sum(X.shape)
    penalty = float(regularization * (mean_weight or 1.0))
    weighted = sp.csr_array((weights, X.indices, X.indptr), shape=X.shape)
    start = first_factors(weighted, n_components, init, random_state)
    user_factors, item_factors = run_engine(
        X, weights, start, penalty=penalty, max_iter=max_iter, verbose=verbose
    )
    return ImplicitFoldIn(item_factors, penalty, confidence, typical), {
        "user_factors_": user_factors,
        "item_factors_": item_factors,
        "typical_rating_": typical,
        "penalty_": penalty,
        "n_iter_": max_iter,
    }


def run_engine(
    X: sp.csr_array,
    weights: np.ndarray,
    start: np.ndarray,
    *,
    penalty: float,
    max_iter: int,
    verbose: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn user and item factors from the weights of X's entries and first item factors.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
        Its pattern and dtype count.
    weights : ndarray of shape (nnz,)
        What known entries weigh; unknown ones weigh 1.
    start : ndarray of shape (n_items, n_components)
        Overwritten.
    penalty : float
        Weight of the squared factors.
    max_iter : int
    verbose : bool

    Returns
    -------
    user_factors, item_factors : ndarray
    """
    n_components = start.shape[1]
    pattern = (np.require(part, requirements="W") for part in (X.indices, X.indptr))
    confidences = sp.csr_matrix((weights.astype(np.float32), *pattern), shape=X.shape)
    # Each thread of the engine calls BLAS. One fit at a time, as others may lift the limit.
    with _ENGINE, one_blas_thread():
        engine = AlternatingLeastSquares(
            factors=n_components,
            regularization=penalty,
            alpha=1.0,
            dtype=X.dtype,
            iterations=max_iter,
            num_threads=threads_for(X.nnz * n_components),
        )
        engine.user_factors = np.zeros((X.shape[0], n_components), X.dtype)
        engine.item_factors = start
        engine.fit(confidences, show_progress=verbose)
    return engine.user_factors, engine.item_factors


class ImplicitFoldIn:
    """User factors for histories, with the items fixed.

    With Y'Y + lambda I = LL' and z = L^-1 y, a fold-in needs no matrix but the factors z.

    Parameters
    ----------
    item_factors : ndarray of shape (n_items, n_components)
    penalty : float
        Weight of the squared factors.
    confidence : float
        A rating weighs 1 plus this times how much it is of a typical one.
    typical : float
        A typical rating.
    """

    def __init__(self, item_factors: np.ndarray, penalty: float, confidence: float, typical: float):
        self.confidence, self.typical = confidence, typical
        items = item_factors.astype(np.float64)
        identity = np.eye(items.shape[1])
        with one_blas_thread():  # long and narrow products, on which several wait for each other
            gram = items.T @ items + penalty * identity
            inverse = solve_triangular(np.linalg.cholesky(gram), identity, lower=True)
            white_items = items @ inverse.T
        self._whitening = inverse.astype(item_factors.dtype)  # L^-1
        self._white_items = white_items.astype(item_factors.dtype, order="C")

    def user_vectors(self, X: sp.csr_array) -> np.ndarray:
        """Vectors whose products with those of the items are scores."""
        X = without_zeros(X)
        dtype = self._white_items.dtype
        weights = (self.confidence * amounts(X.data, self.typical)).astype(dtype, copy=False)
        # fold_in divides by roots of weights; one this small stands for 0 to all digits
        weights = np.maximum(weights, np.finfo(np.float32).tiny)
        return fold_in(X.indptr, X.indices, weights, 1 + weights, self._white_items)

    def factors(self, X: sp.csr_array) -> np.ndarray:
        """Factors of histories, (n_rows, n_components)."""
        return self.user_vectors(X) @ self._whitening

    def item_vectors(self) -> np.ndarray:
        """Vectors of the items."""
        return self._white_items

    def score(self, X: sp.csr_array, prior: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items); ``prior`` for rows without positive ratings."""
        scores = self.user_vectors(X) @ self._white_items.T
        scores[~known_rows(X)] = prior
        return scores

    def explain(
        self, X: sp.csr_array, items: np.ndarray, prior: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Contribution of history item j to item i: z_i' (I + Z_u'(C_u - I)Z_u)^-1 c_uj z_j."""
        X = without_zeros(X)
        baseline = np.zeros(len(items), X.dtype) if X.nnz else prior[items]
        history = self._white_items[X.indices].astype(np.float64)  # (s, f)
        weights = self.confidence * amounts(X.data.astype(np.float64), self.typical)
        system = np.eye(history.shape[1]) + history.T @ (weights[:, None] * history)
        votes = np.linalg.solve(system, (1 + weights) * history.T)  # (f, s)
        contributions = (self._white_items[items] @ votes).astype(X.dtype)  # (n, s)
        return baseline, X.indices.astype(np.intp), contributions, {}
