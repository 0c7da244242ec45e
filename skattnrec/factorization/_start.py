"""First item factors: where alternating least squares set out from.

Neither the order of the users nor that of the items matters: permuting them permutes the factors.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

__all__ = ["first_factors"]

_NORM = 0.1  # root mean square norm of random first factors
_POWER_STEPS = 5
_OVERSAMPLING = 10  # vectors that the iteration carries along on top of those asked for


def first_factors(
    X: sp.csr_array, n_components: int, init: str, random_state: np.random.RandomState
) -> np.ndarray:
    """Choose the first item factors for a matrix that they shall approximate, (n_items, f).

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
    n_components : int
    init : {"random", "svd"}
        "random": see :func:`sketch`. "svd": the leading right singular vectors of X, each times
        the root of its singular value, by subspace iteration from there; absent entries count as
        0. Where X has fewer singular vectors, the last columns are 0.
    random_state : RandomState
    """
    if init == "random":
        return sketch(X, n_components, random_state)
    basis = sketch(X, n_components + _OVERSAMPLING, random_state)
    return _leading_right_vectors(X, basis, n_components)


def sketch(X: sp.csr_array, n_components: int, random_state: np.random.RandomState) -> np.ndarray:
    """First item factors: each component sums the rows of a random group of users, signed.

    Draws go to the users in the order of how popular their items are, which permuting rows or
    columns does not change.
    """
    n_users = X.shape[0]
    size = abs(X)
    total = np.bincount(size.indices, size.data, minlength=X.shape[1])  # in float64
    order = np.argsort(sp.csr_array(size, dtype=np.float64) @ np.sqrt(total), kind="stable")
    signs = random_state.choice(np.array([-1, 1], X.dtype), n_users)
    groups = random_state.randint(n_components, size=n_users)
    chooser = sp.csr_array((signs, (groups, order)), shape=(n_components, n_users))
    factors = np.ascontiguousarray((chooser @ X).toarray().T)  # (n_items, n_components)
    norm = np.sqrt(np.square(factors).sum() / len(factors))
    return factors * (_NORM / norm) if norm > 0 else factors


def _leading_right_vectors(X: sp.csr_array, basis: np.ndarray, n_components: int) -> np.ndarray:
    """Scaled right singular vectors of X, by subspace iteration from the columns of ``basis``."""
    T = X.T.tocsr()
    for _ in range(_POWER_STEPS):
        basis, _ = np.linalg.qr(T @ (X @ basis))  # (n_items, at most f)
    _, values, directions = np.linalg.svd(X @ basis, full_matrices=False)
    found = ((basis @ directions.T) * np.sqrt(values))[:, :n_components]
    factors = np.zeros((X.shape[1], n_components), X.dtype)
    factors[:, : found.shape[1]] = found
    return factors
