r"""Ridge regression in which no item votes for itself, solved in closed form.

For heads :math:`h = 1..H` side by side in one design matrix C, whose column :math:`j H + h` is
that of item j in head h,

.. math:: \min_V \|C V - Y\|^2 + \operatorname{tr}(V^\top D V)
          \quad\text{s.t.}\quad V^h_{ii} = 0 \text{ for all } h, i

with the penalty :math:`D = \lambda I + \tfrac{p}{1 - p} B`, where B keeps of C'C what relates an
item to itself (an H x H block for each item): the expected loss when every entry of a history is
dropped with probability p, and the others are scaled up by 1 / (1 - p). The problem
has, with :math:`P = (C^\top C + D)^{-1}` and one Lagrange multiplier per head and item, the
solution :math:`V = P (C^\top Y - M)`, where M holds the multipliers at the constrained places.
One head, C = Y and p = 0 give EASE (Steck, Embarrassingly shallow autoencoders
for sparse data, WWW 2019), and p > 0 the denoising of Steck, Autoencoders that don't overfit
towards the identity, NeurIPS 2020.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from ._blas import blas_threads_for
from ._compile import compiled, csr_arrays
from ._parallel import run_workers

__all__ = ["constrained_ridge", "dense_cross", "dense_gram", "inverse_of_positive_definite"]

_AT_ONCE = 16_000  # rows that LAPACK factorizes at once
_BLOCK = 4_000  # rows of a block where there are more


@compiled
def _mirror_upper(share, n_shares, matrix):
    """Copy the upper triangle onto the lower one, in place."""
    for i in range(share, matrix.shape[0], n_shares):
        for j in range(i):
            matrix[i, j] = matrix[j, i]


def inverse_of_positive_definite(matrix: np.ndarray) -> np.ndarray:
    """Invert a symmetric positive definite matrix in its own memory.

    LAPACK does it by Cholesky. Its factorization on several threads ends the process somewhere
    above 20,000 rows, so large matrices are inverted block by block.

    Parameters
    ----------
    matrix : ndarray of shape (n, n), C-contiguous
        Only the upper triangle is read; overwritten.

    Returns
    -------
    ndarray of shape (n, n)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite to working precision.
    """
    inverse = _invert_at_once(matrix) if len(matrix) <= _AT_ONCE else _sweep(matrix, _BLOCK)
    run_workers(_mirror_upper, len(inverse), inverse, work=inverse.size)
    return inverse


def _invert_at_once(matrix: np.ndarray) -> np.ndarray:
    """Upper triangle of the inverse."""
    potrf, potri = lapack.get_lapack_funcs(("potrf", "potri"), (matrix,))
    # The transpose of a C-ordered matrix is Fortran-ordered, as LAPACK wants it: no copy.
    factor, info = potrf(matrix.T, lower=True, overwrite_a=True, clean=False)
    if info == 0:
        inverse, info = potri(factor, lower=True, overwrite_c=True)
    if info != 0:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    return inverse.T


def _sweep(matrix: np.ndarray, block: int) -> np.ndarray:
    """Upper triangle of the inverse, by the sweep operator on blocks.

    For one block of rows K after the other, with P the inverse of what A[K, K] has become,

        A[I, J] -= A[I, K] P A[K, J]     A[I, K] = A[I, K] P     A[K, K] = -P

    after which A is minus its inverse. J. H. Goodnight, "A tutorial on the SWEEP operator", The
    American Statistician 33(3), 1979.
    """
    n = len(matrix)
    parts = [slice(start, min(start + block, n)) for start in range(0, n, block)]
    for k, pivot in enumerate(parts):
        P = inverse_of_positive_definite(np.ascontiguousarray(matrix[pivot, pivot]))
        left = [matrix[part, pivot].copy() for part in parts[:k]]
        left += [matrix[pivot, part].T.copy() for part in parts[k:]]
        scaled = [part @ P for part in left]
        for i, rows in enumerate(parts):
            for j in range(i, len(parts)):
                if k not in (i, j):
                    matrix[rows, parts[j]] -= scaled[i] @ left[j].T
        for i, rows in enumerate(parts):
            if i < k:
                matrix[rows, pivot] = scaled[i]
            elif i > k:
                matrix[pivot, rows] = scaled[i].T
        matrix[pivot, pivot] = -P
    return np.negative(matrix, out=matrix)


def constrained_ridge(
    gram: np.ndarray, cross: np.ndarray, regularization: float, dropout: float
) -> np.ndarray:
    """Solve the regression of the module docstring.

    Parameters
    ----------
    gram : ndarray of shape (n * H, n * H), C-contiguous
        C'C, of which only the upper triangle is read; overwritten.
    cross : ndarray of shape (n * H, n)
        C'Y.
    regularization : float
        The penalty lambda, on all votes alike.
    dropout : float
        Probability p that an entry is dropped from a history, with its weights in all heads.

    Returns
    -------
    ndarray of shape (H, n, n)
        V; ``[h, j, i]`` is the vote of item j for item i, ``[h, i, i]`` is 0.

    Raises
    ------
    numpy.linalg.LinAlgError
        If C'C + D is not positive definite.
    """
    size, n = cross.shape
    n_heads = size // n
    items = np.arange(n)
    places = items[:, None] * n_heads + np.arange(n_heads)  # (n, H): the columns of each item
    gram[places[:, :, None], places[:, None, :]] /= 1 - dropout  # (n, H, H)
    gram.flat[:: size + 1] += regularization
    with blas_threads_for(size):
        P = inverse_of_positive_definite(gram)
        V = P @ cross
        systems = P[places[:, :, None], places[:, None, :]]  # (n, H, H)
        multipliers = np.linalg.solve(systems, V[places, items[:, None], None])[..., 0]  # (n, H)
    for head in range(n_heads):
        V -= P[:, head::n_heads] * multipliers[:, head]
    V[places, items[:, None]] = 0  # exactly, not to rounding
    return np.ascontiguousarray(V.reshape(n, n_heads, n).transpose(1, 0, 2))


@compiled
def _add_transpose(share, n_shares, matrix):
    """Add the transpose, in place."""
    for i in range(share, matrix.shape[0], n_shares):
        for j in range(i):
            matrix[i, j] += matrix[j, i]
            matrix[j, i] = matrix[i, j]
        matrix[i, i] *= 2


def _scatter(indptr, indices, blocks, row_scale, column_scale):
    """Dense matrix of scaled blocks; there is one for each place at most."""
    n_rows, height, n_heads = len(indptr) - 1, blocks.shape[1], blocks.shape[2]
    out = np.zeros((n_rows * height, n_rows * n_heads), blocks.dtype)
    inputs = csr_arrays(indptr, indices, blocks, row_scale, column_scale)
    run_workers(_scatter_rows, n_rows, *inputs, out, work=blocks.size)
    return out


@compiled
def _scatter_rows(share, n_shares, indptr, indices, blocks, row_scale, column_scale, out):
    n_rows, height, n_heads = len(indptr) - 1, blocks.shape[1], blocks.shape[2]
    for row in range(share, n_rows, n_shares):
        for q in range(indptr[row], indptr[row + 1]):
            left = indices[q] * n_heads
            for g in range(height):
                for h in range(n_heads):
                    scale = row_scale[row, g] * column_scale[indices[q], h]
                    out[row * height + g, left + h] = scale * blocks[q, g, h]


def dense_gram(indptr, indices, blocks, scale):
    """C'C from its half (:class:`~skattnrec._kernels.pairs.Pairs`), columns of C scaled.

    ``scale`` has shape (n_items, n_heads).
    """
    half = _scatter(indptr, indices, blocks, scale, scale)
    run_workers(_add_transpose, len(half), half, work=half.size)
    return half


def dense_cross(indptr, indices, blocks, scale):
    """C'Y, (n_items * n_heads, n_items), from Y'C by target, columns of C scaled."""
    return _scatter(indptr, indices, blocks, np.ones((len(scale), 1), scale.dtype), scale).T
