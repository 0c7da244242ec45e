"""One epoch of stochastic gradient descent on a matrix factorization with biases."""

from __future__ import annotations

from ._compile import compiled

__all__ = ["sgd_epoch"]


@compiled(fastmath={"reassoc", "contract"})
def sgd_epoch(
    order,
    indptr,
    columns,
    ratings,
    row_biases,
    row_factors,
    column_biases,
    column_factors,
    row_penalties,
    column_penalties,
    rate,
    bias,
):
    """Follow the gradient of one rating after the other, in place.

    With the error e of rating (u, i), where p and q are the penalties of its row and column,

        x_u += rate * (e * y_i - p * x_u)      y_i += rate * (e * x_u - q * y_i)

    and the biases alike, with 1 in the place of the other side's factors.

    Parameters
    ----------
    order : ndarray of shape (n,), int
        The order in which rows are visited, each with all its ratings: its factors stay in the
        cache meanwhile.
    indptr, columns, ratings : ndarray
        CSR arrays.
    row_biases, row_factors, column_biases, column_factors : ndarray
        Changed.
    row_penalties, column_penalties : ndarray
        The penalty of each row, or column, for each of its ratings.
    rate : float
        The learning rate.
    bias : bool
        Whether biases are learned.
    """
    for u in order:
        x = row_factors[u]
        for p in range(indptr[u], indptr[u + 1]):
            i = columns[p]
            y = column_factors[i]
            product = x.dtype.type(0)
            for c in range(x.shape[0]):
                product += x[c] * y[c]
            error = ratings[p] - row_biases[u] - column_biases[i] - product
            if bias:
                row_biases[u] += rate * (error - row_penalties[u] * row_biases[u])
                column_biases[i] += rate * (error - column_penalties[i] * column_biases[i])
            for c in range(x.shape[0]):
                old = x[c]
                x[c] += rate * (error * y[c] - row_penalties[u] * old)
                y[c] += rate * (error * old - column_penalties[i] * y[c])
