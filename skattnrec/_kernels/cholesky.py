"""Small symmetric systems, solved within kernels by LAPACK's factorization."""

from __future__ import annotations

import numpy as np

from ._compile import compiled

__all__ = ["factorize", "substitute"]

_REORDERED = {"reassoc", "contract"}  # sums in another order, as vector instructions need them


@compiled
def factorize(A):
    """Upper Cholesky factor U of A = U'U, given by its lower triangle; empty where there is none.

    LAPACK's answer that there is none becomes an exception, which must not leave compiled code.
    """
    try:
        return np.linalg.cholesky(A).T
    except Exception:  # compiled code knows no narrower one
        return np.empty((0, 0), A.dtype)


@compiled(fastmath=_REORDERED)
def substitute(U, x):
    """Solve U'U x = b in place of b, for an upper triangle U."""
    for a in range(len(x)):
        row = U[a]
        solved = x[a] / row[a]
        x[a] = solved
        for b in range(a + 1, len(x)):
            x[b] -= row[b] * solved
    for a in range(len(x) - 1, -1, -1):
        row = U[a]
        total = x[a]
        for b in range(a + 1, len(x)):
            total -= row[b] * x[b]
        x[a] = total / row[a]
