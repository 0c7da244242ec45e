r"""Variational half-step: the Gaussian posterior of each row's bias and factors, given its columns.

Ratings are :math:`t_{uj} = b_u + b_j + x_u^\top y_j + \varepsilon`. With :math:`v_u = (b_u, x_u)`
and :math:`z_j = (1, y_j)`, of which mean and covariance are known, and the prior
:math:`v_u \sim N(m_u, \Lambda^{-1})`, the posterior is normal with

.. math::
    S_u = \Big(\Lambda + \frac1{\sigma^2} \sum_j E[z_j z_j^\top]\Big)^{-1} \qquad
    \bar v_u = S_u \Big(\Lambda m_u
        + \frac1{\sigma^2} \sum_j \big(E[z_j] t_{uj} - E[z_j b_j]\big)\Big) .

Without covariances it is the half-step of alternating least squares. Symmetric matrices of side k
are packed: the rows of the lower triangle one after the other, :math:`k (k + 1) / 2` numbers.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers

__all__ = ["column_moments", "pack", "posterior_step", "unpack"]


def pack(matrices: np.ndarray) -> np.ndarray:
    """Lower triangles of symmetric matrices, (n, k, k) to (n, k (k + 1) / 2)."""
    rows, columns = np.tril_indices(matrices.shape[-1])
    return np.ascontiguousarray(matrices[..., rows, columns])


def unpack(packed: np.ndarray) -> np.ndarray:
    """Symmetric matrices of their lower triangles, (n, k (k + 1) / 2) to (n, k, k)."""
    k = int(np.sqrt(2 * packed.shape[-1]))
    rows, columns = np.tril_indices(k)
    matrices = np.empty((*packed.shape[:-1], k, k), packed.dtype)
    matrices[..., rows, columns] = packed
    matrices[..., columns, rows] = packed
    return matrices


def column_moments(
    means: np.ndarray, covariances: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments of the columns that a half-step of the rows sums up.

    Parameters
    ----------
    means : ndarray of shape (n, k)
        Of (b_j, y_j).
    covariances : ndarray of shape (n, k (k + 1) / 2), packed

    Returns
    -------
    second : ndarray of shape (n, k (k + 1) / 2), packed
        E[z z'] for z = (1, y).
    with_bias : ndarray of shape (n, k)
        E[z b].
    squared_bias : ndarray of shape (n,)
        E[b^2].
    """
    second = np.empty_like(covariances)
    with_bias = np.empty_like(means)
    squared_bias = np.empty_like(means[:, 0])
    moments = second, with_bias, squared_bias
    columns = read_only(means), read_only(covariances)
    run_workers(_work_out_moments, len(means), *columns, *moments, work=second.size)
    return moments


@compiled
def _work_out_moments(
    share, n_shares, means, covariances, second, with_bias, squared_bias
):  # fmt: skip
    n, k = means.shape
    for j in range(share, n, n_shares):
        mean, covariance = means[j], covariances[j]
        second[j, 0] = 1
        with_bias[j, 0] = mean[0]
        squared_bias[j] = mean[0] * mean[0] + covariance[0]
        start = 1  # where the packed row begins
        for c in range(1, k):
            second[j, start] = mean[c]
            with_bias[j, c] = mean[c] * mean[0] + covariance[start]
            for d in range(1, c + 1):
                second[j, start + d] = mean[c] * mean[d] + covariance[start + d]
            start += c + 1


@compiled
def _add(total, part):
    """Add up vectors, in place; a loop that the compiler vectorises."""
    for c in range(total.shape[0]):
        total[c] += part[c]


@compiled
def _add_multiple(total, part, factor):
    for c in range(total.shape[0]):
        total[c] += factor * part[c]


@compiled
def _invert(matrix):
    """Invert a positive definite matrix in place, by Gauss and Jordan; log of its determinant.

    Four rows at a time, as loads of the pivot row cost more than sums.
    """
    log_determinant = 0.0
    n = matrix.shape[0]
    one = matrix.dtype.type(1)
    pivots = np.empty(n, matrix.dtype)
    for p in range(n):
        log_determinant += np.log(matrix[p, p])
        scale = one / matrix[p, p]
        matrix[p, p] = 1
        for j in range(n):
            pivots[j] = matrix[p, j] * scale
        for i in range(0, n - 3, 4):
            a, b, c, d = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
            fa, fb, fc, fd = a[p], b[p], c[p], d[p]
            a[p] = b[p] = c[p] = d[p] = 0
            for j in range(n):
                a[j] -= fa * pivots[j]
                b[j] -= fb * pivots[j]
                c[j] -= fc * pivots[j]
                d[j] -= fd * pivots[j]
        for i in range(n // 4 * 4, n):
            factor = matrix[i, p]
            matrix[i, p] = 0
            _add_multiple(matrix[i], pivots, -factor)
        matrix[p] = pivots
    return log_determinant


def posterior_step(
    indptr, indices, targets, columns, second, with_bias, squared_bias, prior_means, precision,
    noise,
):  # fmt: skip
    """Work out the posterior of every row.

    Parameters
    ----------
    indptr, indices, targets : ndarray
        CSR arrays of shape (n_rows, n_columns): the ratings t.
    columns : ndarray of shape (n_columns, k)
        Means of (b_j, y_j).
    second, with_bias, squared_bias : ndarray
        From :func:`column_moments`.
    prior_means : ndarray of shape (n_rows, k)
        m_u.
    precision : ndarray of shape (k, k)
        Lambda, the same for all rows.
    noise : float
        Variance of a rating.

    Returns
    -------
    means : ndarray of shape (n_rows, k)
    covariances : ndarray of shape (n_rows, k (k + 1) / 2), packed
    log_determinants : ndarray of shape (n_rows,), float64
        Of the covariances.
    squared_errors : ndarray of shape (n_rows,), float64
        Expected squared errors of the row's ratings, summed.
    """
    n_rows, k = prior_means.shape
    posterior = (
        np.empty_like(prior_means),
        np.empty((n_rows, second.shape[1]), prior_means.dtype),
        np.empty(n_rows),
        np.zeros(n_rows),
    )
    moments = columns, second, with_bias, squared_bias, prior_means, precision
    run_workers(
        _work_out_posteriors, n_rows, *csr_arrays(indptr, indices, targets),
        *(read_only(part) for part in moments), noise, *posterior,
        work=len(indices) * k**2 / 2 + n_rows * k**3,
    )  # fmt: skip
    return posterior


@compiled
def _work_out_posteriors(
    share, n_shares, indptr, indices, targets, columns, second, with_bias, squared_bias,
    prior_means, precision, noise, means, covariances, log_determinants, squared_errors,
):  # fmt: skip
    n_rows, k = prior_means.shape
    for row in range(share, n_rows, n_shares):
        moments = np.zeros(second.shape[1], prior_means.dtype)
        right = np.zeros(k, prior_means.dtype)
        rest = 0.0  # what of the squared errors does not depend on the row's factors
        for p in range(indptr[row], indptr[row + 1]):
            j, t = indices[p], targets[p]
            _add(moments, second[j])
            _add_multiple(right, columns[j], t)
            right[0] += t - t * columns[j, 0]  # of z is the first element 1, not the bias
            _add_multiple(right, with_bias[j], -1)
            rest += t * t - 2 * t * columns[j, 0] + squared_bias[j]
        system = np.empty((k, k), prior_means.dtype)
        linear = np.zeros(k, prior_means.dtype)
        start = 0
        for c in range(k):
            for d in range(c + 1):
                value = moments[start + d] / noise + precision[c, d]
                system[c, d] = value
                system[d, c] = value
            start += c + 1
            linear[c] = right[c] / noise
            for d in range(k):
                linear[c] += precision[c, d] * prior_means[row, d]
        log_determinants[row] = -_invert(system)
        mean = means[row]
        for c in range(k):
            value = prior_means.dtype.type(0)
            for d in range(k):
                value += system[c, d] * linear[d]
            mean[c] = value
        start = 0
        for c in range(k):
            rest -= 2 * mean[c] * right[c]
            for d in range(c + 1):
                covariances[row, start + d] = system[c, d]
                expected = mean[c] * mean[d] + system[c, d]
                rest += (2 if d < c else 1) * moments[start + d] * expected
            start += c + 1
        squared_errors[row] = rest
